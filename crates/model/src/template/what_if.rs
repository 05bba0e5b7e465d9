//! What a deployment would change: what is there, compared with what shall be.

use serde_json::{Map, Value};

/// A difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The member, from the resource in, with dots.
    pub path: String,
    /// What happens to it.
    pub changed: Changed,
}

/// What happens to a member.
#[derive(Debug, Clone, PartialEq)]
pub enum Changed {
    /// It comes.
    Create(Value),
    /// It becomes another.
    Modify(Value, Value),
}

/// What would change if `after` were written over `before`.
///
/// Members that are not sent keep what they are, so nothing is ever deleted; names match without case.
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut out = Vec::new();
    if let (Value::Object(before), Value::Object(after)) = (before, after) {
        members(before, after, "", &mut out);
    }
    out
}

fn members(before: &Map<String, Value>, after: &Map<String, Value>, place: &str, out: &mut Vec<Change>) {
    for (name, new) in after {
        let path = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        match (super::value::in_object(before, name), new) {
            (None, new) if says_nothing(new) => {}
            (None, new) => out.push(Change { path, changed: Changed::Create(new.clone()) }),
            (Some(Value::Object(old)), Value::Object(new)) => members(old, new, &path, out),
            (Some(old), new) if covers(old, new) => {}
            (Some(old), new) => out.push(Change { path, changed: Changed::Modify(old.clone(), new.clone()) }),
        }
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.values().all(says_nothing),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

// Whether what is there already says all that is sent.
fn covers(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (_, new) if says_nothing(new) && !new.is_array() => true,
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| covers(old, new))
        }
        (Value::Object(old), Value::Object(new)) => new.iter().all(|(name, new)| match super::value::in_object(old, name) {
            Some(old) => covers(old, new),
            None => says_nothing(new),
        }),
        (Value::String(old), Value::String(new)) => old.eq_ignore_ascii_case(new),
        (old, new) => old == new,
    }
}
