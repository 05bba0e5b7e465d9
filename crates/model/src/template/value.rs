//! Values, as the functions look at them.

use serde_json::{Map, Value};

use super::error::{Outcome, cut, wrong};

/// A member by its name in any case.
pub(super) fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    in_object(value.as_object()?, name)
}

/// The same in an object.
pub(super) fn in_object<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| same(key, name)).map(|(_, value)| value))
}

/// Whether two names are one.
pub(super) fn same(one: &str, two: &str) -> bool {
    one.eq_ignore_ascii_case(two) || one.to_lowercase() == two.to_lowercase()
}

/// The word for a value's type.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The value as a text that an error shows.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", cut(text)),
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        other => other.to_string(),
    }
}

/// The arguments of one call.
pub(super) struct Arguments {
    function: &'static str,
    values: Vec<Value>,
}

impl Arguments {
    pub(super) fn new(function: &'static str, values: Vec<Value>) -> Self {
        Self { function, values }
    }

    /// Refuses another number of arguments.
    pub(super) fn between(&self, least: usize, most: usize) -> Outcome<()> {
        let given = self.values.len();
        if (least..=most).contains(&given) {
            return Ok(());
        }
        let needed = match (least, most) {
            (least, most) if least == most => least.to_string(),
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) => format!("{least} to {most}"),
        };
        wrong(format!("`{}` takes {needed} arguments, not {given}.", self.function))
    }

    pub(super) fn all(&self) -> &[Value] {
        &self.values
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn get(&self, at: usize) -> &Value {
        self.values.get(at).unwrap_or(&Value::Null)
    }

    pub(super) fn unfit<T>(&self, at: usize, needed: &str) -> Outcome<T> {
        // The value itself may be a secret.
        wrong(format!("Argument {} of `{}` must be {needed}, not of type {}.", at + 1, self.function, kind(self.get(at))))
    }

    pub(super) fn text(&self, at: usize) -> Outcome<&str> {
        match self.get(at) {
            Value::String(text) => Ok(text),
            _ => self.unfit(at, "a string"),
        }
    }

    /// A text, or a number or flag written as one.
    pub(super) fn texts(&self) -> Outcome<Vec<String>> {
        self.values
            .iter()
            .enumerate()
            .map(|(at, value)| plain(value).map_or_else(|| self.unfit(at, "a string, an int or a bool"), Ok))
            .collect()
    }

    pub(super) fn int(&self, at: usize) -> Outcome<i64> {
        self.get(at).as_i64().map_or_else(|| self.unfit(at, "an int"), Ok)
    }

    /// A number that counts something.
    pub(super) fn count(&self, at: usize) -> Outcome<usize> {
        usize::try_from(self.int(at)?).or_else(|_| self.unfit(at, "an int of 0 or more"))
    }

    pub(super) fn flag(&self, at: usize) -> Outcome<bool> {
        self.get(at).as_bool().map_or_else(|| self.unfit(at, "a bool"), Ok)
    }

    pub(super) fn list(&self, at: usize) -> Outcome<&[Value]> {
        match self.get(at) {
            Value::Array(items) => Ok(items),
            _ => self.unfit(at, "an array"),
        }
    }

    pub(super) fn object(&self, at: usize) -> Outcome<&Map<String, Value>> {
        match self.get(at) {
            Value::Object(members) => Ok(members),
            _ => self.unfit(at, "an object"),
        }
    }
}

/// A text, a number or a flag as text.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
