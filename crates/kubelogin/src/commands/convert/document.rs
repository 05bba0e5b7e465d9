//! One kubeconfig's text, edited.
//!
//! The entry of a user is replaced where it stands, so that comments, order and everything else keep every byte. The result is read again and
//! must say what was meant; if it does not (entries in flow style, anchors), the whole document is written anew.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use entrance_wire::yaml;
use serde_json::{Value, json};

/// New entries by user name.
pub(super) type Changes = HashMap<String, Value>;

/// The text with new entries for some users.
pub(super) fn edited(text: &str, before: &Value, changes: &Changes) -> String {
    let mut wanted = before.clone();
    for entry in wanted.get_mut("users").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(user) = entry.get("name").and_then(Value::as_str).and_then(|name| changes.get(name)) {
            entry["user"] = user.clone();
        }
    }
    let in_place = in_place(text, changes);
    if in_place.as_deref().is_some_and(|text| yaml::parse(text).is_ok_and(|value| value == wanted)) {
        return in_place.unwrap_or_default();
    }
    if let Some(map) = wanted.as_object_mut() {
        map.entry("apiVersion").or_insert_with(|| json!("v1"));
        map.entry("kind").or_insert_with(|| json!("Config"));
    }
    yaml::show(&wanted)
}

/// Replaces the block below `exec:` or `auth-provider:` of each user; `None` where the text is not laid out for that.
fn in_place(text: &str, changes: &Changes) -> Option<String> {
    if !text.ends_with('\n') || text.contains('\r') || text.contains('\t') {
        return None;
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::with_capacity(text.len() * 2);
    let mut copied = 0;
    for entry in entries(&lines)? {
        let Some(user) = changes.get(&entry.name) else { continue };
        let block = block(&lines, &entry)?;
        out.extend(lines[copied..block.start].iter().copied());
        let column = indentation(lines[block.start]);
        let _ = writeln!(out, "{:column$}exec:", "");
        out.push_str(&yaml::show_at(user.get("exec")?, column + 2));
        copied = block.end;
    }
    out.extend(lines[copied..].iter().copied());
    Some(out)
}

/// The lines of one item of `users`.
struct Entry {
    name: String,
    start: usize,
    end: usize,
}

/// The items below the key `users` at the left margin.
fn entries(lines: &[&str]) -> Option<Vec<Entry>> {
    let top = lines.iter().position(|line| line.trim_end() == "users:")?;
    let first = (top + 1..lines.len()).find(|at| !is_blank(lines[*at]))?;
    let column = indentation(lines[first]);
    let mut starts = Vec::new();
    let mut at = first;
    while at < lines.len() {
        let line = lines[at];
        let here = indentation(line);
        if !is_blank(line) {
            if here == column && line[here..].starts_with("- ") {
                starts.push(at);
            } else if here <= column {
                break;
            }
        }
        at += 1;
    }
    let mut found = Vec::with_capacity(starts.len());
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(at);
        let inner = column + 2;
        let name = (*start..end).find_map(|at| {
            let line = lines[at];
            let body = if at == *start {
                &line[(column + 2).min(line.len())..]
            } else if indentation(line) == inner {
                &line[inner..]
            } else {
                return None;
            };
            body.strip_prefix("name:")
        })?;
        let Ok(Value::String(name)) = yaml::parse(name) else { return None };
        found.push(Entry { name, start: *start, end });
    }
    Some(found)
}

/// The lines of `exec:` or `auth-provider:` with everything below it.
fn block(lines: &[&str], entry: &Entry) -> Option<Range<usize>> {
    let start = (entry.start..entry.end).find(|at| matches!(lines[*at].trim(), "exec:" | "auth-provider:"))?;
    let column = indentation(lines[start]);
    let body = (start + 1..entry.end).find(|at| !is_blank(lines[*at]) && indentation(lines[*at]) <= column).unwrap_or(entry.end);
    // Comments and empty lines after the block belong to what follows.
    let end = (start + 1..body).rev().find(|at| !is_blank(lines[*at])).map_or(start + 1, |last| last + 1);
    Some(start..end)
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Says nothing to YAML.
fn is_blank(line: &str) -> bool {
    let text = line.trim();
    text.is_empty() || text.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str, name: &str) -> String {
        let before = yaml::parse(text).expect("YAML");
        edited(text, &before, &Changes::from([(name.to_owned(), json!({ "exec": { "command": "kubelogin", "args": ["--x"] } }))]))
    }

    #[test]
    fn row_16_comments_and_order_are_kept() {
        let text = "# mine\nusers: # all of them\n".replace(" # all of them", "")
            + "# first\n- user:\n    exec:\n      command: kubelogin # old\n      args:\n      - a\n\n  # his name\n  name: u\n- name: v\n  user:\n    token: t # secret\n\nkind: Config\nx-mine: [1, 2]\n";
        assert_eq!(
            edit(&text, "u"),
            "# mine\nusers:\n# first\n- user:\n    exec:\n      command: kubelogin\n      args:\n      - --x\n\n  # his name\n  name: u\n- name: v\n  user:\n    token: t # secret\n\nkind: Config\nx-mine: [1, 2]\n"
        );
    }

    #[test]
    fn a_provider_becomes_exec_in_its_place() {
        let text = "users:\n  - name: \"u\"\n    user:\n        auth-provider:\n            name: azure\n            config:\n                client-id: c\n";
        assert_eq!(
            edit(text, "u"),
            "users:\n  - name: \"u\"\n    user:\n        exec:\n          command: kubelogin\n          args:\n          - --x\n"
        );
    }

    #[test]
    fn other_layouts_are_written_anew() {
        for text in [
            "users: [{name: u, user: {exec: {command: kubelogin}}}]\n",
            "{\"users\":[{\"name\":\"u\",\"user\":{\"exec\":{\"command\":\"kubelogin\"}}}]}",
        ] {
            assert_eq!(
                edit(text, "u"),
                "users:\n- name: u\n  user:\n    exec:\n      command: kubelogin\n      args:\n      - --x\napiVersion: v1\nkind: Config\n"
            );
        }
    }

    #[test]
    fn an_anchor_that_others_use_is_not_lost() {
        let text = "users:\n- name: u\n  user:\n    exec: &e\n      command: kubelogin\n- name: v\n  user:\n    exec: *e\n";
        let value = yaml::parse(&edit(text, "u")).expect("YAML");
        assert_eq!(value["users"][0]["user"]["exec"]["args"], json!(["--x"]));
        assert_eq!(value["users"][1]["user"]["exec"], json!({ "command": "kubelogin" }));
    }
}
