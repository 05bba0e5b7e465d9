//! YAML as Kubernetes tools write it.
//!
//! Reading goes through `serde-saphyr` with a budget. Writing is ours, because a kubeconfig is compared byte by byte by people and by
//! `az`: the layout is that of `kubectl` (lists at the column of their key, plain words where they are unambiguous), and a text that another
//! reader could take for a number, a boolean, a date or nothing is always quoted.

use std::fmt::Write as _;

use serde_json::Value;

/// The text is not one YAML document within the budget.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadYaml(String);

/// Reads one document.
///
/// # Examples
/// ```
/// let value = entrance_wire::yaml::parse("mode: '1'\nlevel: 1\n")?;
/// assert_eq!(value, serde_json::json!({"mode": "1", "level": 1}));
/// # Ok::<(), entrance_wire::yaml::BadYaml>(())
/// ```
pub fn parse(text: &str) -> Result<Value, BadYaml> {
    if text.len() > MAX_TEXT {
        return Err(BadYaml(format!("the document is larger than {} MiB", MAX_TEXT >> 20)));
    }
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    read(text)
}

/// Reads one document that is not empty into what the caller likes, within the same budget.
pub(crate) fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, BadYaml> {
    let budget = serde_saphyr::budget! {
        max_nodes: 8_000_000,
        max_events: 20_000_000,
        max_depth: 64,
    };
    let aliases = serde_saphyr::alias_limits! {
        max_total_replayed_events: 100_000,
    };
    let options = serde_saphyr::options! {
        budget: budget,
        alias_limits: aliases,
        strict_booleans: true,
        emit_comments: false,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| BadYaml(told(&error)))
}

/// For people who write YAML, not for those who program with the parser.
fn told(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    match error.without_snippet() {
        Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } | Error::AliasReplayCounterOverflow { .. } => {
            "the document is nested too deeply, has too many parts, or repeats too many of them by reference".to_owned()
        }
        _ => error.render_with_formatter(&serde_saphyr::UserMessageFormatter),
    }
}

/// Writes one document, ending in a newline.
///
/// # Examples
/// ```
/// let text = entrance_wire::yaml::show(&serde_json::json!({"args": ["--login", "1"], "env": null}));
/// assert_eq!(text, "args:\n- --login\n- \"1\"\nenv: null\n");
/// ```
pub fn show(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => members(&mut out, map, 0),
        Value::Array(list) if !list.is_empty() => items(&mut out, list, 0),
        other => {
            leaf(&mut out, other, 0);
            out.push('\n');
        }
    }
    out
}

/// Writes `value` as a block that can stand below a key at column `column - 2`: every line is indented.
pub fn show_at(value: &Value, column: usize) -> String {
    let text = show(value);
    let mut out = String::with_capacity(text.len() + column * 8);
    for line in text.split_inclusive('\n') {
        if line != "\n" {
            out.extend(std::iter::repeat_n(' ', column));
        }
        out.push_str(line);
    }
    out
}

fn members(out: &mut String, map: &serde_json::Map<String, Value>, column: usize) {
    for (at, (key, value)) in map.iter().enumerate() {
        if at > 0 {
            indent(out, column);
        }
        member(out, key, value, column);
    }
}

fn member(out: &mut String, key: &str, value: &Value, column: usize) {
    scalar(out, key);
    out.push(':');
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            indent(out, column + STEP);
            members(out, map, column + STEP);
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            indent(out, column);
            items(out, list, column);
        }
        other => {
            out.push(' ');
            leaf(out, other, column);
            out.push('\n');
        }
    }
}

fn items(out: &mut String, list: &[Value], column: usize) {
    for (at, value) in list.iter().enumerate() {
        if at > 0 {
            indent(out, column);
        }
        out.push_str("- ");
        match value {
            Value::Object(map) if !map.is_empty() => members(out, map, column + STEP),
            Value::Array(list) if !list.is_empty() => items(out, list, column + STEP),
            other => {
                leaf(out, other, column);
                out.push('\n');
            }
        }
    }
}

/// A value that needs no lines of its own, except for text of several lines, which is written below `column`.
fn leaf(out: &mut String, value: &Value, column: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
        Value::String(text) if is_block_text(text) => block(out, text, column),
        Value::String(text) => scalar(out, text),
    }
}

fn block(out: &mut String, text: &str, column: usize) {
    out.push('|');
    // A first line that is empty or indented would be taken for the indentation of the whole.
    if text.starts_with(['\n', ' ']) {
        let _ = write!(out, "{STEP}");
    }
    let body = text.trim_end_matches('\n');
    match text.len() - body.len() {
        0 => out.push('-'),
        1 => {}
        _ => out.push('+'),
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            indent(out, column + STEP);
            out.push_str(line);
        }
    }
}

fn scalar(out: &mut String, text: &str) {
    if is_ambiguous(text) || text.chars().any(is_special) {
        double_quoted(out, text);
    } else if is_plain(text) {
        out.push_str(text);
    } else {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    }
}

fn double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_special(c) && u32::from(c) > 0xFFFF => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c if is_special(c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn indent(out: &mut String, column: usize) {
    out.extend(std::iter::repeat_n(' ', column));
}

/// Lines that a literal block gives back unchanged.
fn is_block_text(text: &str) -> bool {
    text.trim_matches('\n').contains('\n') | (text.contains('\n') && !text.trim_matches('\n').is_empty())
        && !text.chars().any(|c| c != '\n' && is_special(c))
        && !text.split('\n').any(|line| line.ends_with(' ') || line.starts_with("---") || line.starts_with("..."))
}

/// Needs an escape wherever it stands.
fn is_special(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Reads back as the same text when it stands without quotes.
fn is_plain(text: &str) -> bool {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return false };
    let opens = match first {
        '-' => text.len() > 1 && !text.starts_with("- ") && !text.starts_with("---"),
        '.' => !text.starts_with("..."),
        '?' | ':' | ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' | '='
        | '<' | ' ' => false,
        _ => true,
    };
    opens && !text.ends_with([' ', ':']) && !text.contains(": ") && !text.contains(" #")
}

/// Some reader (YAML 1.1 or 1.2) takes the bare word for something else than text.
fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 13] = ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "="];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) || is_number_like(text) || is_date_like(text)
}

fn is_number_like(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if [".inf", ".nan", "inf", "nan", "infinity"].iter().any(|word| body.eq_ignore_ascii_case(word)) {
        return true;
    }
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return false;
    }
    let body: String = body.chars().filter(|c| *c != '_').collect();
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = body.strip_prefix(prefix) {
            return digits.chars().all(|c| c.is_digit(radix));
        }
    }
    // 12:30:45 is a number of base 60 in YAML 1.1.
    body.parse::<f64>().is_ok() || body.chars().all(|c| c.is_ascii_digit() || c == ':' || c == '.')
}

fn is_date_like(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let day: String = rest.chars().take_while(char::is_ascii_digit).collect();
    year.len() == 4 && digits(year) && month.len() <= 2 && digits(month) && !day.is_empty() && day.len() <= 2
}

const STEP: usize = 2;
/// The largest document that is read, in bytes.
pub const MAX_TEXT: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_shown_is_read_back() {
        let words = [
            "",
            " ",
            "a",
            "1",
            "1.0",
            "1e5",
            "0x1F",
            "0o17",
            "12:30",
            "2026-11-24",
            "2026-11-24T01:02:03Z",
            "yes",
            "Off",
            "null",
            "~",
            "true",
            "-",
            "--login",
            "- a",
            "---",
            "...",
            "a: b",
            "a:b",
            "a #b",
            "a#b",
            "#a",
            "'",
            "\"",
            "it's",
            "\\",
            "[a]",
            "{a}",
            "a,b",
            "@x",
            "`",
            "%",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "?",
            "? a",
            ":",
            "a:",
            "<<",
            "=",
            "\t",
            "a\tb",
            "a\nb",
            "a\nb\n",
            "\na\n\nb\n",
            "a\n\n",
            "\n",
            "\n\n",
            " a\nb",
            "a \nb",
            "a\r\nb",
            "\u{1b}[31m",
            "\u{85}",
            "\u{2028}",
            "ä ö",
            "日本",
            "\u{1F600}",
            "6dae42f8-4368-4678-94ff-3960e28e3630",
            "80000000-0000-0000-0000-000000000000",
            "1_000",
            ".inf",
            "nan",
            "+1",
            "-1",
            "-.5",
            ".5",
            "1.",
            "0777",
            "http://a:1/b?c=d&e#f",
            "a\n---\nb",
            "...\na",
            "api://x/.default",
            "u=/subscriptions/x",
            "a\u{feff}b",
            " lead",
            "trail ",
        ];
        for word in words {
            for value in [json!({"k": word}), json!([word]), json!({word: [{"k": word}, [word, [word]]]}), json!(word)] {
                let text = show(&value);
                let back = parse(&text).unwrap_or_else(|error| panic!("{word:?} became {text:?}: {error}"));
                assert_eq!(back, value, "{text:?}");
            }
        }
    }

    #[test]
    fn the_layout_is_that_of_kubectl() {
        let value = json!({"users": [{"name": "u", "user": {"exec": {"args": ["get-token", "a: b"], "env": null, "hint": "\na\n\nb\n", "on": false,
            "list": [], "map": {}, "mode": "1"}}}]});
        assert_eq!(
            show(&value),
            "users:\n- name: u\n  user:\n    exec:\n      args:\n      - get-token\n      - 'a: b'\n      env: null\n      hint: |2\n\n        a\n\n        \
             b\n      \"on\": false\n      list: []\n      map: {}\n      mode: \"1\"\n"
        );
    }

    #[test]
    fn what_is_wrong_is_said_to_people_who_write_yaml() {
        let told = |text: &str| parse(text).expect_err("refused").to_string();
        assert_eq!(told("a: 1\na: 2\n"), "duplicate mapping key `a` is not allowed here at line 2, column 1");
        assert!(told("--- 1\n--- 2\n").starts_with("only single YAML document expected"), "{}", told("--- 1\n--- 2\n"));
        assert!(told(&format!("{}1{}", "{a: ".repeat(80), "}".repeat(80))).starts_with("the document is nested too deeply"));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = level - 1;
            let _ = writeln!(text, "a{level}: &a{level} [{}]", vec![format!("*a{before}"); 10].join(", "));
        }
        assert!(parse(&text).is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
