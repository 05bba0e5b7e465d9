//! The language between `[` and `]`: calls, literals, members and items.

use super::error::cut;

/// An expression, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `'text'`
    Text(String),
    /// `42`
    Number(i64),
    /// `name(…)` or `namespace.name(…)`.
    Call {
        /// The name, as it was written.
        name: String,
        /// What it is called with.
        arguments: Vec<Expression>,
    },
    /// `base.member[item]…`
    Access {
        /// What it is taken from.
        base: Box<Expression>,
        /// Step by step.
        steps: Vec<Step>,
    },
}

/// One step of an access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `.name`
    Member(String),
    /// `[expression]`
    Item(Expression),
}

/// The text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The expression '{text}' is not understood at character {at}: {why}.")]
pub struct BadExpression {
    text: String,
    at: usize,
    why: &'static str,
}

/// What a text of a template is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written<'t> {
    /// Itself.
    Plain(&'t str),
    /// What stands between the brackets has to be evaluated.
    Evaluated(&'t str),
}

/// `[…]` is evaluated, `[[…` is a text that begins with a bracket, and the rest is itself.
pub fn written(text: &str) -> Written<'_> {
    match text.strip_prefix('[') {
        Some(rest) if rest.starts_with('[') && text.ends_with(']') => Written::Plain(rest),
        Some(rest) => rest.strip_suffix(']').map_or(Written::Plain(text), Written::Evaluated),
        None => Written::Plain(text),
    }
}

/// The longest expression, in characters.
const LONGEST: usize = 24_576;
/// How deep calls, items and brackets stand in each other.
const DEEPEST: usize = 48;

/// Reads what stands between the brackets.
pub fn parse(text: &str) -> Result<Expression, BadExpression> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    if text.chars().count() > LONGEST {
        return Err(parser.bad("it is longer than 24576 characters"));
    }
    let expression = parser.expression()?;
    parser.blank();
    if parser.rest().is_empty() { Ok(expression) } else { Err(parser.bad("something stands behind its end")) }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn bad(&self, why: &'static str) -> BadExpression {
        BadExpression { text: cut(self.text), at: self.text[..self.at].chars().count() + 1, why }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn blank(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, expected: char) -> bool {
        self.blank();
        let is_there = self.rest().starts_with(expected);
        if is_there {
            self.at += expected.len_utf8();
        }
        is_there
    }

    fn expression(&mut self) -> Result<Expression, BadExpression> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.bad("calls stand too deep in each other"));
        }
        let base = self.base()?;
        let mut steps = Vec::new();
        loop {
            if self.take('.') {
                steps.push(Step::Member(self.word()?.to_owned()));
            } else if self.take('[') {
                steps.push(Step::Item(self.expression()?));
                if !self.take(']') {
                    return Err(self.bad("`]` is missing"));
                }
            } else {
                break;
            }
        }
        self.depth -= 1;
        Ok(if steps.is_empty() { base } else { Expression::Access { base: Box::new(base), steps } })
    }

    fn base(&mut self) -> Result<Expression, BadExpression> {
        self.blank();
        match self.rest().chars().next() {
            Some('\'') => self.literal(),
            Some('-' | '0'..='9') => self.number(),
            Some(_) => self.call(),
            None => Err(self.bad("it ends too early")),
        }
    }

    fn literal(&mut self) -> Result<Expression, BadExpression> {
        let open = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(end) = self.rest().find('\'') else {
                self.at = open;
                return Err(self.bad("a text does not end"));
            };
            out.push_str(&self.rest()[..end]);
            self.at += end + 1;
            if !self.rest().starts_with('\'') {
                return Ok(Expression::Text(out));
            }
            out.push('\'');
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<Expression, BadExpression> {
        let rest = self.rest();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let end = rest.len() - digits.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = rest[..end].parse().map_err(|_| self.bad("a whole number of at most 64 bits is needed"))?;
        self.at += end;
        Ok(Expression::Number(number))
    }

    fn call(&mut self) -> Result<Expression, BadExpression> {
        let mut name = self.word()?.to_owned();
        if self.take('.') {
            name.push('.');
            name.push_str(self.word()?);
        }
        if !self.take('(') {
            return Err(self.bad("`(` is missing: only functions stand here; texts are written in single quotes"));
        }
        let mut arguments = Vec::new();
        if self.take(')') {
            return Ok(Expression::Call { name, arguments });
        }
        loop {
            arguments.push(self.expression()?);
            if self.take(')') {
                return Ok(Expression::Call { name, arguments });
            }
            if !self.take(',') {
                return Err(self.bad("`,` or `)` is missing"));
            }
        }
    }

    fn word(&mut self) -> Result<&'t str, BadExpression> {
        self.blank();
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        if end == 0 {
            return Err(self.bad("a name is missing"));
        }
        self.at += end;
        Ok(&rest[..end])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(name: &str, arguments: Vec<Expression>) -> Expression {
        Expression::Call { name: name.into(), arguments }
    }

    #[test]
    fn brackets_make_an_expression_and_two_make_a_text() {
        assert_eq!(written("[a()]"), Written::Evaluated("a()"));
        assert_eq!(written("[[a()]"), Written::Plain("[a()]"));
        assert_eq!(written("[a"), Written::Plain("[a"));
        assert_eq!(written("a]"), Written::Plain("a]"));
        assert_eq!(written("[]"), Written::Evaluated(""));
    }

    #[test]
    fn expressions_are_taken_apart() {
        let read = parse(" concat( 'it''s' , -7, contoso.f() ).a[0]['b'] ").expect("an expression");
        let base = call("concat", vec![Expression::Text("it's".into()), Expression::Number(-7), call("contoso.f", vec![])]);
        let steps = vec![Step::Member("a".into()), Step::Item(Expression::Number(0)), Step::Item(Expression::Text("b".into()))];
        assert_eq!(read, Expression::Access { base: Box::new(base), steps });
    }

    #[test]
    fn a_fault_tells_its_place() {
        for (text, fault) in [
            ("concat('ä', )", "character 13: a name is missing"),
            ("concat('a'", "character 11: `,` or `)` is missing"),
            ("'a", "character 1: a text does not end"),
            ("", "character 1: it ends too early"),
            ("a", "character 2: `(` is missing: only functions stand here; texts are written in single quotes"),
            ("a() b()", "character 5: something stands behind its end"),
            ("99999999999999999999", "character 1: a whole number of at most 64 bits is needed"),
        ] {
            let error = parse(text).expect_err("it is refused").to_string();
            assert!(error.ends_with(&format!("at {fault}.")), "{text}: {error}");
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = |levels: usize| format!("{}1{}", "f(".repeat(levels), ")".repeat(levels));
        assert!(parse(&deep(40)).is_ok());
        assert!(parse(&deep(10_000)).is_err());
        assert!(parse(&format!("'{}'", "x".repeat(LONGEST))).is_err());
        assert!(parse(&format!("a(){}", ".b".repeat(10_000))).is_ok(), "steps do not stand in each other");
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "[a-c'(),.\\[\\] 0-9-]{0,40}") {
            let _ = parse(&text);
        }
    }
}
