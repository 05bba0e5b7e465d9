//! From words to a condition, with an explicit stack: a hostile filter costs heap within the budget, never our stack.

use std::mem;

use jiff::Timestamp;

use super::lexer::{Kind, Token, tokens};
use super::{BadFilter, DEPTH_BUDGET, End, Filter, LENGTH_BUDGET, Literal, NODE_BUDGET, Op, Path, Quantifier, VALUE_BUDGET};

pub(super) fn parse(text: &str) -> Result<Filter, BadFilter> {
    if text.len() > LENGTH_BUDGET {
        return Err(BadFilter::TooLong);
    }
    let tokens = tokens(text)?;
    Parser { tokens: &tokens, next: 0, end: text.len(), nodes: 0 }.run()
}

struct Parser<'t> {
    tokens: &'t [Token<'t>],
    next: usize,
    end: usize,
    nodes: usize,
}

/// An open parenthesis: what was read inside of it so far.
#[derive(Default)]
struct Frame {
    /// The lambda that it belongs to.
    lambda: Option<(Path, Quantifier, String)>,
    /// Finished alternatives.
    or: Vec<Filter>,
    /// Parts of the alternative that is being read.
    and: Vec<Filter>,
    /// `not`s before the next term.
    nots: usize,
}

impl Frame {
    fn term(&mut self, mut term: Filter) {
        for _ in 0..mem::take(&mut self.nots) {
            term = Filter::Not(Box::new(term));
        }
        self.and.push(term);
    }

    fn end_alternative(&mut self) {
        let mut and = mem::take(&mut self.and);
        let one = if and.len() == 1 { and.pop() } else { None };
        self.or.push(one.unwrap_or(Filter::And(and)));
    }

    fn close(mut self) -> Filter {
        self.end_alternative();
        let one = if self.or.len() == 1 { self.or.pop() } else { None };
        let inner = one.unwrap_or(Filter::Or(self.or));
        match self.lambda {
            Some((path, of, variable)) => Filter::Lambda { path, of, variable, body: Some(Box::new(inner)) },
            None => inner,
        }
    }
}

/// What a term turned out to be.
enum Term {
    Whole(Filter),
    /// A lambda whose body follows.
    Opens(Path, Quantifier, String),
}

impl<'t> Parser<'t> {
    fn run(mut self) -> Result<Filter, BadFilter> {
        let mut outer: Vec<Frame> = Vec::new();
        let mut frame = Frame::default();
        loop {
            // A term, or what opens one.
            if self.take_keyword("not") {
                frame.nots += 1;
                self.count()?;
                if outer.len() + frame.nots > DEPTH_BUDGET {
                    return Err(BadFilter::TooComplex);
                }
                continue;
            }
            let opened = if self.take(&Kind::Open) {
                Some(None)
            } else {
                match self.term()? {
                    Term::Whole(term) => {
                        frame.term(term);
                        None
                    }
                    Term::Opens(path, of, variable) => Some(Some((path, of, variable))),
                }
            };
            if let Some(lambda) = opened {
                outer.push(mem::replace(&mut frame, Frame { lambda, ..Frame::default() }));
                if outer.len() > DEPTH_BUDGET {
                    return Err(BadFilter::TooComplex);
                }
                continue;
            }
            // What may follow a term.
            loop {
                if self.take_keyword("and") {
                    break;
                }
                if self.take_keyword("or") {
                    frame.end_alternative();
                    break;
                }
                if self.next == self.tokens.len() && outer.is_empty() {
                    return Ok(frame.close());
                }
                if outer.is_empty() {
                    return Err(self.expected("`and`, `or` or the end"));
                }
                if !self.take(&Kind::Close) {
                    return Err(self.expected("`and`, `or` or `)`"));
                }
                let inner = frame.close();
                frame = outer.pop().ok_or(BadFilter::TooComplex)?;
                frame.term(inner);
            }
        }
    }

    fn term(&mut self) -> Result<Term, BadFilter> {
        self.count()?;
        let word = self.word("a property or a function")?;
        if self.peek() == Some(&Kind::Open) {
            return self.call(word);
        }
        let count_of = word.strip_suffix("/$count");
        let path = self.path(count_of.unwrap_or(word))?;
        if self.take_keyword("in") {
            return Ok(Term::Whole(Filter::In { path, values: self.values()? }));
        }
        let op = self.word("a comparison")?;
        let Some((op, _)) = Op::ALL.iter().find(|(_, text)| text.eq_ignore_ascii_case(op)) else {
            self.next -= 1;
            return Err(self.expected("a comparison"));
        };
        let value = self.literal()?;
        match (count_of, value) {
            (None, value) => Ok(Term::Whole(Filter::Compare { path, op: *op, value })),
            (Some(_), Literal::Number(value)) => Ok(Term::Whole(Filter::Count { path, op: *op, value })),
            (Some(_), _) => Err(self.expected("a number before this")),
        }
    }

    fn call(&mut self, word: &str) -> Result<Term, BadFilter> {
        let (before, last) = word.rsplit_once('/').unwrap_or(("", word));
        let quantifier = match last.to_ascii_lowercase().as_str() {
            "any" => Quantifier::Any,
            "all" => Quantifier::All,
            "startswith" if before.is_empty() => return self.affix(End::Start),
            "endswith" if before.is_empty() => return self.affix(End::End),
            _ => return Err(BadFilter::Function(word.to_owned())),
        };
        let path = self.path(before)?;
        self.next += 1;
        if quantifier == Quantifier::Any && self.take(&Kind::Close) {
            return Ok(Term::Whole(Filter::Lambda { path, of: quantifier, variable: String::new(), body: None }));
        }
        let variable = self.word("a range variable")?;
        if !is_name(variable) {
            self.next -= 1;
            return Err(self.expected("a range variable"));
        }
        self.expect(&Kind::Colon, "`:`")?;
        Ok(Term::Opens(path, quantifier, variable.to_owned()))
    }

    fn affix(&mut self, end: End) -> Result<Term, BadFilter> {
        self.expect(&Kind::Open, "`(`")?;
        let path = self.word("a property")?;
        let path = self.path(path)?;
        self.expect(&Kind::Comma, "`,`")?;
        let Literal::Text(text) = self.literal()? else {
            return Err(self.expected("a text in quotes before this"));
        };
        self.expect(&Kind::Close, "`)`")?;
        Ok(Term::Whole(Filter::Affix { path, end, text }))
    }

    fn values(&mut self) -> Result<Vec<Literal>, BadFilter> {
        self.expect(&Kind::Open, "`(`")?;
        let mut values = vec![self.literal()?];
        while self.take(&Kind::Comma) {
            if values.len() == VALUE_BUDGET {
                return Err(BadFilter::TooComplex);
            }
            values.push(self.literal()?);
        }
        self.expect(&Kind::Close, "`,` or `)`")?;
        Ok(values)
    }

    fn literal(&mut self) -> Result<Literal, BadFilter> {
        let tokens = self.tokens;
        let read = match tokens.get(self.next).map(|token| &token.kind) {
            Some(Kind::Text(text)) => Some(Literal::Text(text.clone())),
            Some(Kind::Word(word)) => bare(word),
            _ => None,
        };
        let Some(literal) = read else {
            return Err(self.expected("a value"));
        };
        self.next += 1;
        Ok(literal)
    }

    fn path(&self, text: &str) -> Result<Path, BadFilter> {
        let names: Vec<String> = text.split('/').map(str::to_owned).collect();
        if names.len() > 4 || !names.iter().all(|name| is_name(name)) {
            let at = self.next.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or(self.end, |token| token.at);
            return Err(BadFilter::Syntax { at, expected: "a property" });
        }
        Ok(Path(names))
    }

    fn count(&mut self) -> Result<(), BadFilter> {
        self.nodes += 1;
        if self.nodes > NODE_BUDGET { Err(BadFilter::TooComplex) } else { Ok(()) }
    }

    fn peek(&self) -> Option<&Kind<'t>> {
        self.tokens.get(self.next).map(|token| &token.kind)
    }

    fn take(&mut self, kind: &Kind<'_>) -> bool {
        let found = self.peek() == Some(kind);
        self.next += usize::from(found);
        found
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, kind: &Kind<'_>, what: &'static str) -> Result<(), BadFilter> {
        if self.take(kind) { Ok(()) } else { Err(self.expected(what)) }
    }

    fn word(&mut self, what: &'static str) -> Result<&'t str, BadFilter> {
        let tokens = self.tokens;
        match tokens.get(self.next).map(|token| &token.kind) {
            Some(Kind::Word(word)) => {
                self.next += 1;
                Ok(word)
            }
            _ => Err(self.expected(what)),
        }
    }

    fn expected(&self, expected: &'static str) -> BadFilter {
        BadFilter::Syntax { at: self.tokens.get(self.next).map_or(self.end, |token| token.at), expected }
    }
}

fn bare(word: &str) -> Option<Literal> {
    let is_word = |text: &str| word.eq_ignore_ascii_case(text);
    if is_word("true") || is_word("false") {
        return Some(Literal::Bool(is_word("true")));
    }
    if is_word("null") {
        return Some(Literal::Null);
    }
    if super::super::reference::is_guid(word) {
        return Some(Literal::Guid(word.to_ascii_lowercase()));
    }
    if let Ok(number) = word.parse() {
        return Some(Literal::Number(number));
    }
    // A day alone is its first moment.
    let day = || format!("{word}T00:00:00Z").parse().ok();
    word.parse::<Timestamp>().ok().or_else(day).map(Literal::Time)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
