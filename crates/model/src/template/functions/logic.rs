//! Comparing, and what is true. `if`, `and`, `or` and `coalesce` choose what is evaluated at all, so they stand with the evaluator.

use std::cmp::Ordering;

use serde_json::Value;

use super::super::budget::Budget;
use super::super::error::Outcome;
use super::super::value::Arguments;
use super::Function;

pub(super) const ALL: &[(&str, Function)] = &[
    ("equals", equals),
    ("not", |a, _| a.between(1, 1).and_then(|()| Ok(Value::Bool(!a.flag(0)?)))),
    ("less", |a, _| compare(a, Ordering::is_lt)),
    ("lessOrEquals", |a, _| compare(a, Ordering::is_le)),
    ("greater", |a, _| compare(a, Ordering::is_gt)),
    ("greaterOrEquals", |a, _| compare(a, Ordering::is_ge)),
    ("true", |a, _| a.between(0, 0).map(|()| Value::Bool(true))),
    ("false", |a, _| a.between(0, 0).map(|()| Value::Bool(false))),
    ("null", |a, _| a.between(0, 0).map(|()| Value::Null)),
    ("bool", bool),
];

fn equals(a: &Arguments, _: &Budget) -> Outcome<Value> {
    a.between(2, 2)?;
    Ok(Value::Bool(a.get(0) == a.get(1)))
}

fn compare(a: &Arguments, fits: fn(Ordering) -> bool) -> Outcome<Value> {
    a.between(2, 2)?;
    let order = match a.get(0) {
        Value::String(one) => one.as_str().cmp(a.text(1)?),
        _ => a.int(0)?.cmp(&a.int(1)?),
    };
    Ok(Value::Bool(fits(order)))
}

fn bool(a: &Arguments, _: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    let flag = match a.get(0) {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    };
    flag.map_or_else(|| a.unfit(0, "a bool, an int, 'true' or 'false'"), |flag| Ok(Value::Bool(flag)))
}
