//! `format('{0}-{1:D3}', …)`: places for the arguments, with the few formats of numbers that templates use.

use serde_json::Value;

use super::super::budget::Budget;
use super::super::error::{Outcome, cut, wrong};
use super::super::value::{Arguments, plain};

pub(super) fn format(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(1, usize::MAX)?;
    let pattern = a.text(0)?;
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = behind;
            continue;
        }
        let Some((place, behind)) = rest.split_once('}').filter(|_| brace == "{") else {
            return wrong("In the pattern of `format` a brace stands alone; write it twice.");
        };
        let text = filled(place, a)?;
        budget.spend(text.len())?;
        out.push_str(&text);
        rest = behind;
    }
    out.push_str(rest);
    budget.spend(out.len())?;
    Ok(out.into())
}

/// `number[,width][:format]`
fn filled(place: &str, a: &Arguments) -> Outcome<String> {
    let bad = |why: &str| wrong(format!("`{{{}}}` is no place that `format` can fill: {why}.", cut(place)));
    let (head, shape) = place.split_once(':').map_or((place, None), |(head, shape)| (head, Some(shape)));
    let (number, width) = head.split_once(',').map_or((head, None), |(number, width)| (number, Some(width)));
    let Ok(number) = number.trim().parse::<usize>() else { return bad("it needs the number of an argument") };
    let Some(value) = a.all().get(number.saturating_add(1)).filter(|_| number < usize::MAX) else {
        return bad("there is no such argument");
    };
    let text = match (shape, value) {
        (None | Some(""), Value::Array(_) | Value::Object(_)) => value.to_string(),
        (None | Some(""), Value::Null) => String::new(),
        (None | Some(""), value) => plain(value).unwrap_or_default(),
        (Some(shape), Value::Number(number)) => match shaped(shape, number.as_i64()) {
            Some(text) => text,
            None => return bad("known formats of a number are D, N0, X, each with or without a width"),
        },
        (Some(_), _) => return bad("only numbers have a format"),
    };
    let Some(width) = width else { return Ok(text) };
    match width.trim().parse::<i16>() {
        Ok(width) if width < 0 => Ok(format!("{text:<width$}", width = usize::from(width.unsigned_abs()))),
        Ok(width) => Ok(format!("{text:>width$}", width = usize::from(width.unsigned_abs()))),
        Err(_) => bad("the width is no number"),
    }
}

fn shaped(shape: &str, number: Option<i64>) -> Option<String> {
    let number = number?;
    let mut letters = shape.chars();
    let (letter, digits) = (letters.next()?, letters.as_str());
    let width: usize = if digits.is_empty() { 0 } else { digits.parse().ok().filter(|width| *width <= 99)? };
    let sign = if number < 0 { "-" } else { "" };
    match letter {
        'D' | 'd' => Some(format!("{sign}{:0width$}", number.unsigned_abs())),
        'X' => Some(format!("{number:0width$X}")),
        'x' => Some(format!("{number:0width$x}")),
        'N' | 'n' if width == 0 && !digits.is_empty() => {
            let plain = number.unsigned_abs().to_string();
            let mut out = String::new();
            for (at, digit) in plain.chars().enumerate() {
                if at > 0 && (plain.len() - at).is_multiple_of(3) {
                    out.push(',');
                }
                out.push(digit);
            }
            Some(format!("{sign}{out}"))
        }
        _ => None,
    }
}
