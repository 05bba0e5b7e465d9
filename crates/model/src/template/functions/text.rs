//! Texts. Places in them are counted in characters.

use serde_json::Value;

use super::super::budget::Budget;
use super::super::error::{Outcome, wrong};
use super::super::value::{Arguments, plain};
use super::{Function, format};

pub(super) const ALL: &[(&str, Function)] = &[
    ("format", format::format),
    ("string", string),
    ("toLower", |a, b| made(a, b, str::to_lowercase)),
    ("toUpper", |a, b| made(a, b, str::to_uppercase)),
    ("trim", |a, b| made(a, b, |text| text.trim().to_owned())),
    ("substring", substring),
    ("replace", replace),
    ("split", split),
    ("join", join),
    ("startsWith", |a, _| ends(a, |text, part| text.starts_with(part))),
    ("endsWith", |a, _| ends(a, |text, part| text.ends_with(part))),
    ("padLeft", pad_left),
];

fn made(a: &Arguments, budget: &Budget, make: fn(&str) -> String) -> Outcome<Value> {
    a.between(1, 1)?;
    let text = a.text(0)?;
    budget.spend(text.len())?;
    Ok(make(text).into())
}

fn string(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    let text = plain(a.get(0)).unwrap_or_else(|| if a.get(0).is_null() { String::new() } else { a.get(0).to_string() });
    budget.spend(text.len())?;
    Ok(text.into())
}

fn substring(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(2, 3)?;
    let (text, start) = (a.text(0)?, a.count(1)?);
    let length = text.chars().count();
    let wanted = if a.len() == 3 { a.count(2)? } else { length.saturating_sub(start) };
    if start.saturating_add(wanted) > length {
        return wrong(format!("`substring` asks for {wanted} characters from {start} on, and the text has {length}."));
    }
    budget.spend(text.len())?;
    Ok(text.chars().skip(start).take(wanted).collect::<String>().into())
}

fn replace(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(3, 3)?;
    let (text, old, new) = (a.text(0)?, a.text(1)?, a.text(2)?);
    if old.is_empty() {
        return a.unfit(1, "a string with a character");
    }
    budget.spend(text.len().saturating_add(text.matches(old).count().saturating_mul(new.len())))?;
    Ok(text.replace(old, new).into())
}

fn split(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(2, 2)?;
    let text = a.text(0)?;
    let marks: Vec<&str> = match a.get(1) {
        Value::Array(items) => {
            let read: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            read.map_or_else(|| a.unfit(1, "a string, or an array of strings"), Ok)?
        }
        _ => vec![a.text(1)?],
    };
    if marks.iter().any(|mark| mark.is_empty()) {
        return a.unfit(1, "a string with a character");
    }
    budget.spend(text.len().saturating_mul(33).saturating_add(32).saturating_add(text.len().saturating_mul(marks.len())))?;
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < text.len() {
        match marks.iter().find(|mark| text[at..].starts_with(**mark)) {
            Some(mark) => {
                parts.push(Value::from(&text[from..at]));
                at += mark.len();
                from = at;
            }
            None => at += text[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    parts.push(Value::from(&text[from..]));
    Ok(parts.into())
}

fn join(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(2, 2)?;
    let mark = a.text(1)?;
    let parts: Option<Vec<String>> = a.list(0)?.iter().map(plain).collect();
    let parts = parts.map_or_else(|| a.unfit(0, "an array of strings, ints or bools"), Ok)?;
    budget.spend(parts.iter().map(|part| part.len() + mark.len()).sum())?;
    Ok(parts.join(mark).into())
}

// The language compares the ends of texts without case.
fn ends(a: &Arguments, fits: fn(&str, &str) -> bool) -> Outcome<Value> {
    a.between(2, 2)?;
    Ok(Value::Bool(fits(&a.text(0)?.to_lowercase(), &a.text(1)?.to_lowercase())))
}

fn pad_left(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(2, 3)?;
    let text = plain(a.get(0)).map_or_else(|| a.unfit(0, "a string or an int"), Ok)?;
    let width = a.count(1)?;
    let fill = if a.len() == 3 { a.text(2)? } else { " " };
    let mut letters = fill.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else { return a.unfit(2, "one character") };
    let missing = width.saturating_sub(text.chars().count());
    budget.spend(missing.saturating_mul(4).saturating_add(text.len()))?;
    Ok(std::iter::repeat_n(letter, missing).chain(text.chars()).collect::<String>().into())
}
