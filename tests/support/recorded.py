"""What the stock `az` once sent and what it was answered, played against a server: requests in their order, answers by their shape.

`tests/recorded/*.json` holds a list of exchanges for each command, and how that ended. An answer's shape is its status, the headers that `az` goes by, and the members of its JSON with
their types; ours may have more. In a request `{name}` is filled in by the story, `{guidN}` is an id that the client makes up or `learn`s from an answer, and `{same}` is what the resource
had when it was last read, as `az` sends back what it does not change. A `poll` follows the address that the answer before gave until the end.
"""

import json
import re
import shlex
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import requests

ABSENT = object()


@dataclass
class Step:
    """A command, and the number of the exchange that a difference is in counts from one."""

    file: str
    command: str
    exit: int
    exchanges: list[dict]


def steps(folder: Path, file: str) -> list[Step]:
    return [Step(file, step["command"], step["exit"], step["exchanges"]) for step in json.loads((folder / f"{file}.json").read_text())["steps"]]


class Player:
    """Plays exchanges and tells how the answers differ from the recorded ones."""

    def __init__(self, http: requests.Session, base: str, tokens: dict[str, str], names: dict[str, str]):
        self.http, self.base, self.tokens, self.names = http, base, tokens, dict(names)
        self.read: dict[str, dict] = {}

    def play(self, step: Step) -> list[str]:
        differences, last = [], None
        for number, exchange in enumerate(step.exchanges, 1):
            if "poll" in exchange and (last is None or exchange["poll"].strip("{}") not in last.headers):
                return [*differences, f"{number}: there is nothing to follow"]
            last_answer = self._poll(exchange, last) if "poll" in exchange else self._ask(exchange)
            self._learn(exchange, last_answer)
            # Both addresses of an operation come with its first answer.
            last = last_answer if "poll" not in exchange else last
            differences += [f"{number}: {found}" for found in self._compare(exchange, last_answer)]
        return differences

    def words(self, step: Step) -> list[str]:
        """The command as somebody types it here."""
        return shlex.split(self._fill(step.command))[1:]

    def _learn(self, exchange: dict, answer: requests.Response):
        """Ids that the server made, for requests that come later."""
        for name, path in exchange.get("learn", {}).items() if answer.status_code == exchange["status"] else ():
            value = answer.json()
            for step in path:
                value = value[step]
            self.names[name] = value

    def _ask(self, exchange: dict) -> requests.Response:
        path = self._fill(exchange["path"])
        body = self._fill(exchange["body"], self.read.get(path.lower())) if "body" in exchange else None
        answer = self._send(exchange["method"], self.base + path, exchange.get("token", "arm"), params=self._fill(exchange.get("query")), json=body)
        if exchange["method"] == "GET" and answer.status_code == 200:
            self.read[path.lower()] = answer.json()
        return answer

    def _poll(self, exchange: dict, first: requests.Response) -> requests.Response:
        address, end = first.headers[exchange["poll"].strip("{}")], time.monotonic() + 120
        while True:
            answer = self._send("GET", address, "arm")
            over = answer.status_code != 202 and not (answer.content and answer.json().get("status") in GOES_ON)
            if over or time.monotonic() > end:
                return answer
            time.sleep(0.05)

    def _send(self, method: str, address: str, token: str, **more) -> requests.Response:
        return self.http.request(method, address, headers={"Authorization": f"Bearer {self.tokens[token]}"}, timeout=60, **more)

    def _fill(self, value, before=None):
        if isinstance(value, dict):
            filled = {self._fill(name): self._fill(inner, _inside(before, name)) for name, inner in value.items()}
            return {name: inner for name, inner in filled.items() if inner is not ABSENT}
        if isinstance(value, list):
            return [self._fill(inner, _inside(before, at)) for at, inner in enumerate(value)]
        if value == "{same}":
            return before
        return re.sub(r"\{(\w+)\}", self._named, value) if isinstance(value, str) else value

    def _named(self, found: re.Match) -> str:
        if found[1].startswith("guid"):
            self.names.setdefault(found[1], str(uuid.uuid4()))
        return self.names[found[1]]

    def _compare(self, exchange: dict, answer: requests.Response) -> list[str]:
        what = f"{exchange['method']} {exchange.get('poll') or exchange['path'].rsplit('/', 1)[-1]}"
        if answer.status_code != exchange["status"]:
            return [f"{what}: {answer.status_code} instead of {exchange['status']} ({_code(answer)})"]
        found = [f"{what}: no header `{name}`" for name in exchange.get("headers", []) if not _has(answer, name)]
        if "shape" in exchange:
            found += [f"{what}: {words}" for words in lacks(exchange["shape"], self._of_ours(answer.json()))]
        return found

    def _of_ours(self, body):
        """A list without what lies in other stories' resource groups."""
        if not isinstance(body, dict) or not isinstance(body.get("value"), list):
            return body
        groups = {self.names["group"], self.names["other_group"]}

        def is_elsewhere(one) -> bool:
            at = re.match(r"/subscriptions/[^/]+/resourcegroups/([^/]+)", str(one.get("id")) if isinstance(one, dict) else "", re.I)
            return at is not None and at[1].lower() not in groups

        return body | {"value": [one for one in body["value"] if not is_elsewhere(one)]}


def lacks(shape, value, at="") -> list[str]:
    """What an answer would need to have that shape."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"`{at}` is no object"]
        missing = [f"no member `{at}.{name}`".replace("`.", "`") for name in shape if name not in value]
        return missing + [words for name, inner in shape.items() if name in value for words in lacks(inner, value[name], f"{at}.{name}")]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"`{at}` is no list"]
        if shape and not value:
            return [f"`{at}` is empty"]
        return list(dict.fromkeys(words for inner in value for words in lacks(shape[0], inner, f"{at}[]"))) if shape else []
    return [] if shape == "any" or isinstance(value, TYPES[shape]) and (shape == "boolean") == isinstance(value, bool) else [f"`{at}` is no {shape}"]


def _inside(before, name):
    if isinstance(before, dict):
        return before.get(name, ABSENT)
    return before[name] if isinstance(before, list) and isinstance(name, int) and name < len(before) else ABSENT


def _has(answer: requests.Response, name: str) -> bool:
    return name in answer.headers or name == "Retry-After" and "x-ms-retry-after-ms" in answer.headers


def _code(answer: requests.Response) -> str:
    try:
        error = answer.json()["error"]
        return f"{error['code']}: {error['message'][:120]}"
    except (ValueError, KeyError, TypeError):
        return answer.text[:80]


TYPES = {"string": str, "number": (int, float), "boolean": bool}
GOES_ON = {"InProgress", "Running", "Accepted", "Creating", "Updating", "Deleting", "Canceling"}
