//! A change as people read it: unified, with three lines around it, and without secrets.

use std::fmt::Write as _;

use entrance_wire::kubeconfig::edit::{Edit, Edited};

/// The difference between a file's text and what it becomes.
pub(super) fn unified(name: &str, old: &str, new: &Edited) -> String {
    let lines: Vec<&str> = old.lines().collect();
    let trimmed;
    let edits = if new.anew {
        trimmed = [whole(&lines, &new.text)];
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
        let (before, after) = (last - first, last - first - removed + added);
        let start = (first + 1).checked_add_signed(grown).unwrap_or(1);
        let _ = writeln!(out, "@@ -{},{before} +{start},{after} @@", first + 1);
        let mut show = Shown::default();
        let mut at = first;
        for edit in hunk {
            for line in &lines[at..edit.lines.start] {
                show.line(&mut out, ' ', line);
            }
            for line in &lines[edit.lines.clone()] {
                show.line(&mut out, '-', line);
            }
            for line in edit.text.lines() {
                show.line(&mut out, '+', line);
            }
            at = edit.lines.end;
        }
        for line in &lines[at..last] {
            show.line(&mut out, ' ', line);
        }
        grown += added.cast_signed() - removed.cast_signed();
    }
    out
}

/// A document that was written anew as one edit, without what both have at their beginnings and ends.
fn whole(old: &[&str], new: &str) -> Edit {
    let new: Vec<&str> = new.lines().collect();
    let head = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(one, other)| one == other).count();
    let text = new[head..new.len() - tail].iter().fold(String::new(), |text, line| text + line + "\n");
    Edit { lines: head..old.len() - tail, text }
}

/// Edits whose surroundings touch stand in one hunk.
fn hunks(edits: &[Edit]) -> impl Iterator<Item = &[Edit]> {
    edits.chunk_by(|one, next| next.lines.start <= one.lines.end + 2 * AROUND)
}

/// A change is two texts, one between the other's lines: each is read on its own for what follows an option that names a secret.
#[derive(Default)]
struct Shown {
    old: Reader,
    new: Reader,
}

/// The option whose value comes next: the column of its dash, and whether the value has begun.
#[derive(Default)]
struct Reader(Option<(usize, bool)>);

impl Shown {
    fn line(&mut self, out: &mut String, sign: char, line: &str) {
        let body = line.trim_start();
        let column = line.len() - body.len();
        let (dash, text) = body.strip_prefix("- ").map_or(("", body), |text| ("- ", text));
        let bare = text.trim_start_matches(['"', '\'']);
        let option = bare.strip_prefix("--").and_then(|bare| SECRET_OPTIONS.iter().find(|option| bare.starts_with(**option)));
        let value_follows = option.is_some() && !bare.contains('=');
        let read = |reader: &mut Reader| reader.hides(column, !dash.is_empty(), value_follows);
        let hides = match sign {
            '-' => read(&mut self.old),
            '+' => read(&mut self.new),
            _ => read(&mut self.old) | read(&mut self.new),
        };
        let shown = if hides {
            format!("{dash}{HIDDEN}")
        } else if let Some(member) = SECRET_MEMBERS.iter().find(|member| names(bare, member)) {
            format!("{dash}{member}: {HIDDEN}")
        } else if let Some(option) = option.filter(|_| !value_follows) {
            format!("{dash}--{option}={HIDDEN}")
        } else if body.contains(['{', '[']) && SECRET_MEMBERS.iter().chain(&SECRET_OPTIONS).any(|word| body.contains(word)) {
            HIDDEN.to_owned()
        } else {
            body.to_owned()
        };
        let _ = writeln!(out, "{sign}{:column$}{shown}", "");
    }
}

impl Reader {
    fn hides(&mut self, column: usize, is_item: bool, value_follows: bool) -> bool {
        let hides = match self.0 {
            Some((of, false)) => column == of && is_item,
            Some((of, true)) => column > of,
            None => false,
        };
        self.0 = match self.0.filter(|_| hides) {
            Some((of, _)) => Some((of, true)),
            None => value_follows.then_some((column, false)),
        };
        hides
    }
}

/// Does the line begin with this member?
fn names(bare: &str, member: &str) -> bool {
    bare.strip_prefix(member).is_some_and(|rest| rest.starts_with([':', '"', '\'']))
}

const AROUND: usize = 3;
const HIDDEN: &str = "[hidden]";
const SECRET_OPTIONS: [&str; 3] = ["client-secret", "client-certificate-password", "password"];
const SECRET_MEMBERS: [&str; 7] =
    ["token", "password", "client-key-data", "access-token", "refresh-token", "id-token", "client-secret"];

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
                "      - --client-secret\n      - S3CRET\n      - --password=S3CRET\n",
                "      - --password\n      - |\n        a\n        S3CRET\n",
            ] {
                let text = format!(
                    "users:\n- name: u\n  user:\n    token: S3CRET\n    exec:\n      args:\n{words}      command: kubelogin\n    client-key-data: S3CRET\n"
                );
                let shown = diff(&text, args);
                assert!(!shown.contains("S3CRET") && shown.contains("command: kubelogin"), "{shown}");
            }
            let flow = "users: [{name: u, user: {token: S3CRET, exec: {command: kubelogin, args: [--client-secret, S3CRET]}}}]\n";
            let shown = diff(flow, args);
            assert!(!shown.contains("S3CRET") && shown.contains("\n+      command: kubelogin\n"), "{shown}");
        }
        let plain = diff("{\"users\":[{\"name\":\"u\",\"user\":{\"exec\":{\"command\":\"kubelogin\"}}}]}\n", &["a"]);
        assert!(plain.contains("\n+      - a\n"), "{plain}");
    }
}
