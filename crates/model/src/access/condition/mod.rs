//! Conditions of role assignments, version 2.0 (R-326, R-347, R-348).
//!
//! A condition is a sentence over the action and over attributes of the request, of the resource and of the caller. Its main
//! use is delegation: who may give only some roles, only to some principals. What it cannot know counts as false, so a
//! condition can take a right away by mistake, but not give one.
//!
//! `AND` beside `OR` needs brackets here: people disagree on which of the two binds tighter, and a right depends on it.

mod compare;
mod parse;

use std::fmt;

use super::pattern::Pattern;
use compare::{Operator, Quantifier};

pub use parse::BadCondition;

/// A condition, as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Condition {
    text: String,
    // `None`: kept from a time when nobody read conditions, and it cannot be read. It holds never.
    rule: Option<Rule>,
}

impl Condition {
    /// Reads a condition that somebody sends; one that cannot be read is refused.
    ///
    /// ```
    /// use entrance_model::access::{Attributes, Condition};
    /// let only_delete = Condition::read("ActionMatches{'*/delete'}").expect("a condition");
    /// assert!(only_delete.holds("Microsoft.Resources/deployments/delete", &Attributes::default()));
    /// assert!(Condition::read("a AND b OR c").is_err());
    /// ```
    pub fn read(text: &str) -> Result<Self, BadCondition> {
        Ok(Self { text: text.to_owned(), rule: Some(parse::parse(text)?) })
    }

    /// A condition that was kept. One that cannot be read holds never (R-347).
    pub fn kept(text: String) -> Self {
        let rule = parse::parse(&text).ok();
        Self { text, rule }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// R-347: whether it lets the action through.
    pub fn holds(&self, action: &str, attributes: &Attributes) -> bool {
        self.rule.as_ref().is_some_and(|rule| rule.holds(action, attributes))
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where an attribute comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// What is asked for: of an assignment that shall be made.
    Request,
    /// What is there: of an assignment that shall be deleted.
    Resource,
    /// The caller. Nothing is known of callers here, so comparisons with it are false.
    Principal,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "Request",
            Self::Resource => "Resource",
            Self::Principal => "Principal",
        }
    }
}

/// What is known of one question, for its conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(Source, String, Vec<String>)>);

impl Attributes {
    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, source: Source, name: impl Into<String>, value: &(impl ToString + ?Sized)) -> Self {
        self.0.push((source, name.into(), vec![value.to_string()]));
        self
    }

    /// Adds one with any number of values; none is the same as no attribute.
    #[must_use]
    pub fn with_all(mut self, source: Source, name: impl Into<String>, values: Vec<String>) -> Self {
        if !values.is_empty() {
            self.0.push((source, name.into(), values));
        }
        self
    }

    // Names compare without case, like all names of this provider.
    fn get(&self, wanted: &Attribute) -> Option<&[String]> {
        let is_it = |(source, name, _): &&(Source, String, Vec<String>)| {
            *source == wanted.source && name.eq_ignore_ascii_case(&wanted.name)
        };
        self.0.iter().find(is_it).map(|(_, _, values)| values.as_slice())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Attribute {
    source: Source,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Not(Box<Rule>),
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Action(Pattern),
    Exists(Attribute),
    Compare { left: Attribute, quantifier: Option<Quantifier>, operator: Operator, right: Operand },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operand {
    Values(Vec<String>),
    Attribute(Attribute),
}

impl Rule {
    fn holds(&self, action: &str, attributes: &Attributes) -> bool {
        match self {
            Self::Not(rule) => !rule.holds(action, attributes),
            Self::All(rules) => rules.iter().all(|rule| rule.holds(action, attributes)),
            Self::Any(rules) => rules.iter().any(|rule| rule.holds(action, attributes)),
            Self::Action(pattern) => pattern.matches(action),
            Self::Exists(attribute) => attributes.get(attribute).is_some(),
            Self::Compare { left, quantifier, operator, right } => {
                // R-348: with something that is not there nothing compares, not even as different.
                let Some(left) = attributes.get(left) else { return false };
                let right = match right {
                    Operand::Values(values) => values.as_slice(),
                    Operand::Attribute(attribute) => match attributes.get(attribute) {
                        Some(values) => values,
                        None => return false,
                    },
                };
                compare::holds(left, *quantifier, *operator, right)
            }
        }
    }
}

#[cfg(test)]
mod tests;
