//! Whole numbers. What does not fit into 64 bits is an error, never another number.

use serde_json::Value;

use super::super::budget::Budget;
use super::super::error::{Outcome, wrong};
use super::super::value::Arguments;
use super::Function;

pub(super) const ALL: &[(&str, Function)] = &[
    ("int", int),
    ("add", |a, _| two(a, i64::checked_add)),
    ("sub", |a, _| two(a, i64::checked_sub)),
    ("mul", |a, _| two(a, i64::checked_mul)),
    ("div", |a, _| two(a, i64::checked_div)),
    ("mod", |a, _| two(a, i64::checked_rem)),
    ("min", |a, _| most(a, i64::min)),
    ("max", |a, _| most(a, i64::max)),
    ("range", range),
];

/// The longest list that `range` makes.
const LONGEST: usize = 10_000;

fn int(a: &Arguments, _: &Budget) -> Outcome<Value> {
    a.between(1, 1)?;
    let number = match a.get(0) {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.map_or_else(|| a.unfit(0, "an int, or a string that is one"), |number| Ok(number.into()))
}

fn two(a: &Arguments, operation: fn(i64, i64) -> Option<i64>) -> Outcome<Value> {
    a.between(2, 2)?;
    match operation(a.int(0)?, a.int(1)?) {
        Some(number) => Ok(number.into()),
        None => wrong(format!("{} and {} have no such result: it does not fit, or it divides by 0.", a.get(0), a.get(1))),
    }
}

fn most(a: &Arguments, choose: fn(i64, i64) -> i64) -> Outcome<Value> {
    a.between(1, usize::MAX)?;
    let numbers: Vec<i64> = match a.get(0) {
        Value::Array(items) if a.len() == 1 => {
            let read: Option<Vec<i64>> = items.iter().map(Value::as_i64).collect();
            read.map_or_else(|| a.unfit(0, "an array of ints"), Ok)?
        }
        _ => (0..a.len()).map(|at| a.int(at)).collect::<Outcome<_>>()?,
    };
    numbers.into_iter().reduce(choose).map_or_else(|| a.unfit(0, "an array with an item"), |number| Ok(number.into()))
}

fn range(a: &Arguments, budget: &Budget) -> Outcome<Value> {
    a.between(2, 2)?;
    let (first, count) = (a.int(0)?, a.count(1)?);
    let last = i64::try_from(count).ok().and_then(|count| first.checked_add(count));
    let Some(last) = last.filter(|_| count <= LONGEST) else {
        return a.unfit(1, &format!("a number of items up to {LONGEST}"));
    };
    budget.spend(count.saturating_mul(32))?;
    Ok((first..last).collect())
}
