//! The functions of the language that look at nothing but their arguments, by subject.

mod collections;
mod encoding;
mod format;
mod logic;
mod numbers;
mod text;
mod time;

use serde_json::Value;

pub(super) use time::utc_now;

use super::budget::Budget;
use super::error::Outcome;
use super::value::Arguments;

/// A function of nothing but its arguments.
pub(super) type Function = fn(&Arguments, &Budget) -> Outcome<Value>;

/// The function of a name, and the name as it is usually written.
pub(super) fn find(name: &str) -> Option<(&'static str, Function)> {
    let all = [text::ALL, encoding::ALL, numbers::ALL, logic::ALL, collections::ALL];
    all.iter().flat_map(|group| group.iter()).find(|(known, _)| known.eq_ignore_ascii_case(name)).copied()
}
