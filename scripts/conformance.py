#!/usr/bin/env python3
"""Writes docs/conformance.md: which rule of the sign-in wire, of its pages and of the resource manager is proved by which test.

A test says in its name which rules it proves: `s_106_…`, `w_104_…`, `o_07_…`, `r_24_…`, `r_101_…`, `aadsts_50055_…`. A name
with a range (`r_014_to_r_020_…`) proves those of the range that the test's text names (`R-015`). An AADSTS number counts as
proved, too, where the text of a test names it. `--check` writes nothing and fails when the page is out of date, a
rule has neither a test nor a reason, has both, or a number is said to be proved that the server never answers.
"""

import json
import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/conformance.md"
RULES = ROOT / "docs/conformance/rules.toml"
CATALOGUE = ROOT / "crates/model/data/aadsts.json"

RULE = re.compile(r"(?<![a-z0-9])([swor])[_-]?(\d{2,3})(?![0-9a-z])", re.IGNORECASE)
RANGE = re.compile(r"(?<![a-z0-9])([swor])_(\d{2,3})_to_\1_(\d{2,3})(?![0-9a-z])")
TOLD = re.compile(r"\b([SWOR])-(\d{2,3})\b")
NUMBER = re.compile(r"(?<![0-9_])(\d{2,4}_?\d{3}|\d_\d{3}_\d{3})(?![0-9_])")
VARIANT = re.compile(r"Aadsts::([A-Za-z0-9]+)")

# How a test begins, by kind of file; a test ends where the next one begins.
RUST = re.compile(r"#\[(?:tokio::)?test(?:\([^\n]*\))?\]\s*(?:#\[[^\n]*\]\s*)*(?:async\s+)?fn\s+(\w+)")
PYTHON = re.compile(r"^ *def (test_\w+)", re.MULTILINE)
NODE = re.compile(r"^\s*(?:await )?(?:test|it)\(\s*[\"'`]([^\"'`]+)", re.MULTILINE)


def tests():
    """Every test: where it stands, its name, its text."""
    for folder, ending, begins in (("crates", "rs", RUST), ("tests", "py", PYTHON), ("tests", "mjs", NODE)):
        for path in sorted((ROOT / folder).rglob(f"*.{ending}")):
            if {"node_modules", "target"} & set(path.parts):
                continue
            text = path.read_text()
            found = list(begins.finditer(text))
            for at, match in enumerate(found):
                end = found[at + 1].start() if at + 1 < len(found) else len(text)
                yield path.relative_to(ROOT).as_posix(), match[1], text[match.start():end]


def proved(name, text):
    """The rules that a test proves, in the order of its name."""
    named = [f"{letter.upper()}-{digits}" for letter, digits in RULE.findall(name)]
    for letter, first, last in RANGE.findall(name):
        within = {f"{kind}-{n}" for kind, n in TOLD.findall(text) if kind == letter.upper() and len(n) == len(first) and first <= n <= last}
        named += sorted(within)
    return list(dict.fromkeys(named))


def proofs(entries):
    """The tests of each rule and of each number."""
    by_name = {entry["name"]: str(entry["code"]) for entry in entries}
    codes = {str(entry["code"]) for entry in entries}
    rules, numbers = defaultdict(list), defaultdict(list)
    for path, name, text in tests():
        where = (path, name)
        for rule in proved(name, text):
            rules[rule].append(where)
        named = {digits for digits in re.findall(r"\d+", name)} & codes
        told = {digits.replace("_", "") for digits in NUMBER.findall(text)} & codes
        variants = {by_name[variant] for variant in VARIANT.findall(text) if variant in by_name}
        for code in named | told | variants:
            numbers[code].append((code not in named, *where))
    return rules, {code: [where for _, *where in sorted(found)] for code, found in numbers.items()}


def answered():
    """The names of the numbers that the server's own code knows how to answer."""
    texts = (path.read_text() for path in (ROOT / "crates").glob("*/src/**/*.rs") if path.name != "aadsts.rs")
    return {name for text in texts for name in VARIANT.findall(text)}


def doubts(rules, entries):
    """Reasons for what is proved, and proofs of what never happens."""
    by_rule, by_number = proofs(entries)
    reasons = {rule for section in rules["section"] for rule in section.get("not_applicable", {})}
    known = answered()
    yield from (f"{rule} has a test and a reason" for rule in sorted(reasons) if by_rule.get(rule))
    yield from (f"{number} has a test and a reason" for number in rules["numbers"] if by_number.get(number))
    yield from (f"{entry['code']} has a test, and nothing answers it" for entry in entries if by_number.get(str(entry["code"])) and entry["name"] not in known)


def shown(found):
    """The first tests of a rule, and how many more there are."""
    first = ", ".join(f"[`{name}`](../{path})" for path, name in found[:3])
    return first + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def row(rule, what, found, reason):
    if found:
        return f"| {rule} | {what} | {shown(found)} |"
    return f"| {rule} | {what} | not applicable: {reason} |" if reason else None


def page():
    rules = tomllib.loads(RULES.read_text())
    entries = json.loads(CATALOGUE.read_text())
    by_rule, by_number = proofs(entries)
    lines = [
        "# Conformance",
        "",
        "Written by `scripts/conformance.py` from the names of the tests; `make lint` fails when it is out of date or when a rule has",
        "neither a test nor a reason. The rules are those of the Entra wire (S), the OAuth security checklist (O, R-2x), the gate's",
        "pages (W) and the resource manager with its clusters (R, three digits); the words beside them are ours.",
    ]
    missing, covered, excused = [], 0, 0
    for section in rules["section"]:
        lines += ["", f"## {section['title']}", "", "| rule | what | proved by |", "|---|---|---|"]
        for rule, what in section["rules"].items():
            reason = section.get("not_applicable", {}).get(rule)
            line = row(rule, what, by_rule.get(rule, []), reason)
            missing += [] if line else [rule]
            covered, excused = covered + bool(by_rule.get(rule)), excused + bool(not by_rule.get(rule) and reason)
            lines.append(line or f"| {rule} | {what} | **no test** |")
    reasons = rules["numbers"]
    lines += ["", "## AADSTS numbers", "", "| number | name | proved by |", "|---|---|---|"]
    for entry in sorted(entries, key=lambda entry: entry["code"]):
        code = str(entry["code"])
        line = row(code, entry["name"], by_number.get(code, []), reasons.get(code))
        missing += [] if line else [code]
        covered, excused = covered + bool(by_number.get(code)), excused + bool(not by_number.get(code) and reasons.get(code))
        lines.append(line or f"| {code} | {entry['name']} | **no test** |")
    lines[5:5] = ["", f"{covered} proved, {excused} not applicable, {len(missing)} open."]
    return "\n".join(lines) + "\n", missing


def main():
    text, missing = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text)
        print(f"{PAGE.relative_to(ROOT)} is written; without a test or a reason: {', '.join(missing) or 'none'}")
        return 0
    if missing:
        print("rules without a test or a reason: " + ", ".join(missing), file=sys.stderr)
    doubtful = list(doubts(tomllib.loads(RULES.read_text()), json.loads(CATALOGUE.read_text())))
    for doubt in doubtful:
        print(f"{doubt}: see docs/conformance/rules.toml", file=sys.stderr)
    if PAGE.read_text() != text:
        print("docs/conformance.md is out of date: run scripts/conformance.py", file=sys.stderr)
    return 1 if missing or doubtful or PAGE.read_text() != text else 0


if __name__ == "__main__":
    sys.exit(main())
