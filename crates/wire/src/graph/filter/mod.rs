//! `$filter` (G-102): `and or not ( )`, comparisons, `in`, `startswith`, `endswith`, `any`/`all` and `/$count`.
//!
//! The text is read without recursion and within a budget of length, depth and nodes. Evaluation works on an object as
//! Graph answers it, so every property that can be shown can be asked for.

mod eval;
mod lexer;
mod parser;
mod show;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use jiff::Timestamp;

/// A condition on an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them; two or more.
    And(Vec<Filter>),
    /// One of them; two or more.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// `path op literal`.
    Compare {
        /// What is compared.
        path: Path,
        /// How.
        op: Op,
        /// With what.
        value: Literal,
    },
    /// `path in (…)`.
    In {
        /// What is looked for.
        path: Path,
        /// Where.
        values: Vec<Literal>,
    },
    /// `startswith(path, 'text')` or `endswith(path, 'text')`.
    Affix {
        /// The text's property.
        path: Path,
        /// Which end.
        end: End,
        /// What it begins or ends with.
        text: String,
    },
    /// `path/any(x:…)` or `path/all(x:…)`.
    Lambda {
        /// The collection.
        path: Path,
        /// One of them or all of them.
        of: Quantifier,
        /// The range variable.
        variable: String,
        /// The condition on each; `None` is `any()`: there is one.
        body: Option<Box<Filter>>,
    },
    /// `path/$count op number`.
    Count {
        /// The collection.
        path: Path,
        /// How its length is compared.
        op: Op,
        /// With what.
        value: i64,
    },
}

/// A property, or a property of a property; names in any case. In a lambda the first name may be the range variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub Vec<String>);

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `eq`
    Eq,
    /// `ne`
    Ne,
    /// `gt`
    Gt,
    /// `ge`
    Ge,
    /// `lt`
    Lt,
    /// `le`
    Le,
}

impl Op {
    const ALL: [(Self, &'static str); 6] =
        [(Self::Eq, "eq"), (Self::Ne, "ne"), (Self::Gt, "gt"), (Self::Ge, "ge"), (Self::Lt, "lt"), (Self::Le, "le")];
}

/// Which end of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `startswith`
    Start,
    /// `endswith`
    End,
}

/// How many elements of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// At least one.
    Any,
    /// Every one.
    All,
}

/// A value in a filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `'text'`
    Text(String),
    /// A GUID without quotes, lower case.
    Guid(String),
    /// `true` or `false`
    Bool(bool),
    /// `null`
    Null,
    /// A whole number.
    Number(i64),
    /// A date or a moment.
    Time(Timestamp),
}

/// Why a filter was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// Longer than 8 KiB.
    #[error("Invalid filter clause: The filter is longer than {} characters.", LENGTH_BUDGET)]
    TooLong,
    /// Nested too deeply, too many nodes or values.
    #[error("Invalid filter clause: The filter is too complex.")]
    TooComplex,
    /// Something else was expected.
    #[error("Invalid filter clause: Syntax error at position {at}: {expected} expected.")]
    Syntax {
        /// Byte position in the decoded text.
        at: usize,
        /// What would be right.
        expected: &'static str,
    },
    /// A function that directory objects do not have.
    #[error("Unsupported query: The function '{0}' is not supported.")]
    Function(String),
}

impl FromStr for Filter {
    type Err = BadFilter;

    fn from_str(text: &str) -> Result<Self, BadFilter> {
        parser::parse(text)
    }
}

impl Filter {
    /// The value that `property` must be equal to if the filter can match at all; lets a list use an index.
    pub fn requires(&self, property: &str) -> Option<&str> {
        match self {
            Self::And(all) => all.iter().find_map(|one| one.requires(property)),
            Self::Compare { path, op: Op::Eq, value: Literal::Text(text) | Literal::Guid(text) } => {
                path.is(property).then_some(text)
            }
            Self::Lambda { path, of: Quantifier::Any, variable, body: Some(body) } if path.is(property) => {
                body.requires(variable)
            }
            _ => None,
        }
    }

    /// Every property that is mentioned (the first name of each path outside of range variables).
    pub fn properties(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.visit(&mut Vec::new(), &mut found);
        found
    }

    fn visit<'f>(&'f self, variables: &mut Vec<&'f str>, found: &mut Vec<&'f str>) {
        let mut note = |path: &'f Path, variables: &[&str]| match path.0.first() {
            Some(first) if !variables.iter().any(|v| v.eq_ignore_ascii_case(first)) => found.push(first),
            _ => {}
        };
        match self {
            Self::And(all) | Self::Or(all) => all.iter().for_each(|one| one.visit(variables, found)),
            Self::Not(inner) => inner.visit(variables, found),
            Self::Compare { path, .. } | Self::In { path, .. } | Self::Affix { path, .. } | Self::Count { path, .. } => {
                note(path, variables);
            }
            Self::Lambda { path, variable, body, .. } => {
                note(path, variables);
                if let Some(body) = body {
                    variables.push(variable);
                    body.visit(variables, found);
                    variables.pop();
                }
            }
        }
    }
}

impl Path {
    fn is(&self, property: &str) -> bool {
        matches!(self.0.as_slice(), [only] if only.eq_ignore_ascii_case(property))
    }
}

const LENGTH_BUDGET: usize = 8 * 1024;
const DEPTH_BUDGET: usize = 15;
const NODE_BUDGET: usize = 100;
const VALUE_BUDGET: usize = 100;
