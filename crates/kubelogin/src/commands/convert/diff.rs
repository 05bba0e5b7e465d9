//! A change as people read it: unified, with three lines around it, and without secrets.

use std::fmt::Write as _;

use entrance_wire::kubeconfig::edit::{Edit, Edited};
use entrance_wire::kubeconfig::secrets::{self, Line};

/// The difference between a file's text and what it becomes.
pub(super) fn unified(name: &str, old: &str, new: &Edited) -> String {
    let (lines, after) = (secrets::lines(old), secrets::lines(&new.text));
    let trimmed;
    let edits = if new.anew {
        trimmed = [whole(&lines, &after)];
        &trimmed[..]
    } else {
        &new.edits[..]
    };
    let mut out = format!("--- {name}\n+++ {name}\n");
    let mut grown = 0_isize;
    for hunk in hunks(edits) {
        let first = hunk[0].lines.start.saturating_sub(AROUND);
        let last = hunk.last().map_or(first, |edit| edit.lines.end + AROUND).min(lines.len());
        let added: usize = hunk.iter().map(|edit| edit.text.lines().count()).sum();
        let removed: usize = hunk.iter().map(|edit| edit.lines.len()).sum();
        let mut there = first.saturating_add_signed(grown);
        let _ = writeln!(out, "@@ -{},{} +{},{} @@", first + 1, last - first, there + 1, last - first - removed + added);
        let mut at = first;
        let end = Edit { lines: last..last, text: String::new() };
        for edit in hunk.iter().chain([&end]) {
            for line in &lines[at..edit.lines.start] {
                show(&mut out, ' ', &stricter(line, &after[there]));
                there += 1;
            }
            for line in &lines[edit.lines.clone()] {
                show(&mut out, '-', line);
            }
            for line in &after[there..there + edit.text.lines().count()] {
                show(&mut out, '+', line);
                there += 1;
            }
            at = edit.lines.end;
        }
        grown += added.cast_signed() - removed.cast_signed();
    }
    out
}

/// A document that was written anew as one edit, without what both have at their beginnings and ends.
fn whole(old: &[Line<'_>], new: &[Line<'_>]) -> Edit {
    let is_same = |(one, other): &(&Line<'_>, &Line<'_>)| one.text == other.text;
    let head = old.iter().zip(new).take_while(is_same).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(is_same).count();
    let text = new[head..new.len() - tail].iter().fold(String::new(), |text, line| text + line.text + "\n");
    Edit { lines: head..old.len() - tail, text }
}

/// Edits whose surroundings touch stand in one hunk.
fn hunks(edits: &[Edit]) -> impl Iterator<Item = &[Edit]> {
    edits.chunk_by(|one, next| next.lines.start <= one.lines.end + 2 * AROUND)
}

/// A line as it may be shown.
fn show(out: &mut String, sign: char, line: &Line<'_>) {
    let _ = match line.hidden_from {
        // A secret that goes on from the line before begins with the line, or behind its indentation.
        Some(from) => {
            let from = from.max(line.text.len() - line.text.trim_start().len());
            writeln!(out, "{sign}{}{HIDDEN}", line.text.get(..from).unwrap_or_default())
        }
        None => writeln!(out, "{sign}{}", line.text),
    };
}

/// A line that stands in both texts and is a secret in one of them is one.
fn stricter<'a>(one: &Line<'a>, other: &Line<'a>) -> Line<'a> {
    Line { hidden_from: one.hidden_from.into_iter().chain(other.hidden_from).min(), ..*one }
}

const AROUND: usize = 3;
const HIDDEN: &str = "[hidden]";

#[cfg(test)]
mod tests {
    use entrance_wire::kubeconfig::edit::{Changes, Document};
    use serde_json::json;

    use super::*;

    fn diff(text: &str, args: &[&str]) -> String {
        let document = Document::read(text.to_owned()).expect("a kubeconfig");
        let edited = document.edited(&Changes::from([(0, json!({ "args": args, "command": "kubelogin" }))]));
        unified("config", text, &edited)
    }

    #[test]
    fn a_change_is_shown_with_its_surroundings() {
        let text = "a: 1\nb: 2\nusers:\n- name: u\n  user:\n    exec:\n      args:\n      - get-token\n      - x\n      command: kubelogin\nc: 3\nd: 4\ne: 5\nf: 6\n";
        assert_eq!(
            diff(text, &["get-token", "one", "two"]),
            "--- config\n+++ config\n@@ -6,7 +6,8 @@\n     exec:\n       args:\n       - get-token\n+      - one\n+      - two\n-      - x\n       command: kubelogin\n c: 3\n d: 4\n"
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        for args in [
            &["--client-secret", "NEW-S3CRET"][..],
            &["--client-secret", "S3CRET", "--login", "spn"],
            &["--password", "two\nlines of S3CRET\n", "--login", "ropc"],
            &["--client-secret=S3CRET"],
        ] {
            for words in [
                "      -   --client-secret\n      -   S3CRET\n      - a\n",
                "      - \"--client-secret\"\n      - \"S3\n        CRET\"\n",
                "      - --client-secret\n      - S3CRET\n      - --password=S3CRET\n",
                "      - --password\n      - |\n        a\n        S3CRET\n",
            ] {
                let text = format!(
                    "users:\n- name: u\n  user:\n    token: S3CRET\n    exec:\n      args:\n{words}      command: kubelogin\n    client-key-data: S3CRET\n"
                );
                let shown = diff(&text, args);
                assert!(!shown.contains("CRET") && shown.contains("command: kubelogin"), "{shown}");
            }
            for anew in [
                "users: [{name: u, user: {token: S3CRET, exec: {command: kubelogin, args: [--client-secret, S3CRET]}}}]\n",
                "users: [{name: u, user: {exec: {args: [--client-secret,\n  S3CRET,\n  --password, S3CRET], command: kubelogin}}}]\n",
                "{\n \"users\": [{\n  \"name\": \"u\",\n  \"user\": {\n   \"exec\": {\n    \"args\": [\n     \"--client-secret\",\n     \"S3CRET\"\n    ],\n    \"command\": \"kubelogin\"\n   }\n  }\n }]\n}\n",
            ] {
                let shown = diff(anew, args);
                assert!(!shown.contains("CRET") && shown.contains("\n+      command: kubelogin\n"), "{shown}");
            }
        }
        let plain = diff("{\"users\":[{\"name\":\"u\",\"user\":{\"exec\":{\"command\":\"kubelogin\"}}}]}\n", &["a"]);
        assert!(plain.contains("\n+      - a\n"), "{plain}");
    }
}
