//! JSON with comments, as people write templates and as `az` sends them: with the place of everything, for errors.
//!
//! Beyond JSON it takes `//` and `/* */`, member names without quotes (`az` puts `template:` before a file it sends as it is),
//! texts that go over several lines, and a comma before a closing bracket. A member that is there twice is refused: two readers
//! of it could take different ones.

mod parser;
#[cfg(test)]
mod tests;

use serde_json::{Map, Number, Value};

pub use parser::Budget;

/// A value and where it begins and ends in the text, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    /// The byte behind its last one.
    pub end: usize,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// An object, in the order of its text.
    Object(Vec<(String, Node)>),
}

/// Why a text is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}, at line '{line}' and column '{column}'")]
pub struct BadJson {
    /// What is wrong.
    pub what: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

/// Reads a text.
///
/// ```
/// use entrance_wire::jsonc::{Budget, parse};
/// let node = parse("{ a: [1, 2,], /* and */ \"b\": null }", Budget::default()).expect("it is JSON with comments");
/// assert_eq!(node.value(), serde_json::json!({ "a": [1, 2], "b": null }));
/// ```
pub fn parse(text: &str, budget: Budget) -> Result<Node, BadJson> {
    parser::parse(text, budget)
}

/// Line and character of a byte, both from 1.
pub fn position(text: &str, at: usize) -> (usize, usize) {
    let at = at.min(text.len());
    let before = String::from_utf8_lossy(&text.as_bytes()[..at]);
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

impl Node {
    /// The value without its places.
    pub fn value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(flag) => Value::Bool(*flag),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Self::value).collect()),
            Kind::Object(members) => {
                Value::Object(members.iter().map(|(name, node)| (name.clone(), node.value())).collect::<Map<_, _>>())
            }
        }
    }

    /// A member by its name in any case.
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, node)| node)
    }

    /// The deepest value that a path of names and numbers still finds.
    pub fn deepest<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> &Self {
        let mut node = self;
        for part in path {
            let next = match &node.kind {
                Kind::List(items) => part.parse().ok().and_then(|at: usize| items.get(at)),
                _ => node.member(part),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }
}
