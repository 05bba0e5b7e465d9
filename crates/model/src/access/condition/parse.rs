//! From the text of a condition to its rule, within a budget of length and depth.

use super::compare::{Operator, Quantifier};
use super::{Attribute, Operand, Rule, Source};
use crate::access::Pattern;

/// The text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (column {column})")]
pub struct BadCondition {
    what: String,
    /// Where, in characters from 1.
    pub column: usize,
}

/// Reads the whole text.
pub(super) fn parse(text: &str) -> Result<Rule, BadCondition> {
    if text.len() > MAX_LENGTH {
        return Err(BadCondition { what: format!("it is longer than {MAX_LENGTH} bytes"), column: 1 });
    }
    let mut reader = Reader { text, at: 0 };
    let rule = reader.rule(0)?;
    reader.space();
    if reader.at < text.len() {
        return Err(reader.bad("AND, OR or the end is expected"));
    }
    Ok(rule)
}

// As the original: 8 KB.
const MAX_LENGTH: usize = 8 * 1024;
const MAX_DEPTH: usize = 32;
const MAX_NAME: usize = 256;

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    And,
    Or,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn bad(&self, what: impl Into<String>) -> BadCondition {
        BadCondition { what: what.into(), column: self.text[..self.at].chars().count() + 1 }
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    // A sign, after any space.
    fn takes(&mut self, sign: &str) -> bool {
        self.space();
        let is_there = self.rest().starts_with(sign);
        if is_there {
            self.at += sign.len();
        }
        is_there
    }

    fn needs(&mut self, sign: &str) -> Result<(), BadCondition> {
        if self.takes(sign) { Ok(()) } else { Err(self.bad(format!("`{sign}` is expected"))) }
    }

    // A word, without taking it.
    fn word(&mut self) -> &'t str {
        self.space();
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
        &rest[..end]
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        let word = self.word();
        let is_it = word.eq_ignore_ascii_case(wanted);
        if is_it {
            self.at += word.len();
        }
        is_it
    }

    fn joint(&mut self) -> Option<Joint> {
        if self.takes("&&") || self.takes_word("AND") {
            Some(Joint::And)
        } else if self.takes("||") || self.takes_word("OR") {
            Some(Joint::Or)
        } else {
            None
        }
    }

    fn rule(&mut self, depth: usize) -> Result<Rule, BadCondition> {
        let mut rules = vec![self.term(depth)?];
        let mut kind = None;
        while let Some(joint) = self.joint() {
            if *kind.get_or_insert(joint) != joint {
                return Err(self.bad("AND and OR stand side by side; put brackets around one of them"));
            }
            rules.push(self.term(depth)?);
        }
        Ok(match kind {
            None => rules.remove(0),
            Some(Joint::And) => Rule::All(rules),
            Some(Joint::Or) => Rule::Any(rules),
        })
    }

    fn term(&mut self, depth: usize) -> Result<Rule, BadCondition> {
        if depth >= MAX_DEPTH {
            return Err(self.bad(format!("brackets and negations go deeper than {MAX_DEPTH}")));
        }
        if self.takes("!") || self.takes_word("NOT") {
            return Ok(Rule::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.takes("(") {
            let rule = self.rule(depth + 1)?;
            self.needs(")")?;
            return Ok(rule);
        }
        if self.takes_word("ActionMatches") {
            self.needs("{")?;
            let pattern = self.string()?;
            self.needs("}")?;
            return Ok(Rule::Action(Pattern::new(pattern)));
        }
        if self.takes_word("SubOperationMatches") {
            return Err(self.bad("SubOperationMatches is not offered; no action here has suboperations"));
        }
        if self.takes_word("Exists") {
            return Ok(Rule::Exists(self.attribute()?));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Rule, BadCondition> {
        let left = self.attribute()?;
        let first = self.word();
        let quantifier = first.parse::<Quantifier>().ok();
        if quantifier.is_some() {
            self.at += first.len();
            self.needs(":")?;
        }
        let word = self.word();
        let operator: Operator =
            word.parse().map_err(|()| self.bad("an operator such as StringEquals or GuidEquals is expected"))?;
        self.at += word.len();
        self.space();
        let right = if self.rest().starts_with('@') {
            Operand::Attribute(self.attribute()?)
        } else {
            Operand::Values(self.values(operator, quantifier.is_some())?)
        };
        Ok(Rule::Compare { left, quantifier, operator, right })
    }

    fn values(&mut self, operator: Operator, may_be_many: bool) -> Result<Vec<String>, BadCondition> {
        let mut values = Vec::new();
        if self.takes("{") {
            loop {
                values.push(self.value(operator)?);
                if !self.takes(",") {
                    break;
                }
            }
            self.needs("}")?;
            if !may_be_many && values.len() > 1 {
                return Err(self.bad("several values need a word such as ForAnyOfAnyValues: before the operator"));
            }
        } else {
            values.push(self.value(operator)?);
        }
        Ok(values)
    }

    fn value(&mut self, operator: Operator) -> Result<String, BadCondition> {
        self.space();
        let start = self.at;
        let value = if self.rest().starts_with('\'') {
            self.string()?
        } else {
            let word = self.word();
            self.at += word.len();
            // Object ids and truth values need no quotes.
            if uuid::Uuid::try_parse(word).is_err() && !matches!(word.to_ascii_lowercase().as_str(), "true" | "false") {
                self.at = start;
                return Err(self.bad("a value is expected: a text in single quotes, a GUID, true or false"));
            }
            word.to_owned()
        };
        if !operator.takes(&value) {
            self.at = start;
            return Err(self.bad(format!("{operator} cannot compare with this value")));
        }
        Ok(value)
    }

    // A text in single quotes; a backslash before a quote makes it part of the text.
    fn string(&mut self) -> Result<String, BadCondition> {
        self.needs("'")?;
        let mut out = String::new();
        let mut chars = self.rest().char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    self.at += at + 1;
                    return Ok(out);
                }
                '\\' if chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                    chars.next();
                    out.push('\'');
                }
                c => out.push(c),
            }
        }
        Err(self.bad("the text has no end; a single quote is missing"))
    }

    // `@Request[Microsoft.Authorization/roleAssignments:PrincipalId]`.
    fn attribute(&mut self) -> Result<Attribute, BadCondition> {
        if !self.takes("@") {
            return Err(self.bad("an attribute such as @Request[…], or ActionMatches{'…'} is expected"));
        }
        let word = self.word();
        let known = [Source::Request, Source::Resource, Source::Principal];
        let Some(source) = known.into_iter().find(|source| source.as_str().eq_ignore_ascii_case(word)) else {
            return Err(self.bad("attributes are @Request[…], @Resource[…] and @Principal[…]"));
        };
        self.at += word.len();
        self.needs("[")?;
        let rest = self.rest();
        let end = rest.find(']').ok_or_else(|| self.bad("`]` is expected after the name of the attribute"))?;
        let name = rest[..end].trim();
        if name.is_empty() || name.len() > MAX_NAME || name.contains(|c: char| c.is_control() || "[@'{}".contains(c)) {
            return Err(self.bad("this is no name of an attribute"));
        }
        self.at += end + 1;
        Ok(Attribute { source, name: name.to_owned() })
    }
}
