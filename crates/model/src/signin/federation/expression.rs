//! Flexible federated credentials: `claims['sub'] matches 'repo:contoso/*' and claims['job_workflow_ref'] eq '…'`.
//!
//! One line of comparisons joined by `and`; there is no nesting, so nothing recurses. `*` stands for any text, `?` for
//! one character, both also for nothing that a `'` could end. A comparison of `sub` has to be there and has to fix whose
//! tokens are meant: at a public issuer `repo:*` would let in everybody's pipelines.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An expression, with the text that it was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression {
    text: String,
    terms: Vec<Term>,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The claim.
    pub claim: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub value: String,
}

/// How a claim is compared; always with regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `eq`: the same text.
    Is,
    /// `matches`: with `*` and `?`.
    Matches,
}

/// Why an expression is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadExpression {
    /// Longer than anybody needs.
    #[error("an expression has at most {LONGEST} characters and {MOST} comparisons")]
    TooLong,
    /// Not of the form.
    #[error("an expression reads `claims['sub'] matches 'repo:contoso/*'`; comparisons are joined by `and`")]
    Form,
    /// Nothing is said about `sub`, or so little that strangers would match.
    #[error("the comparison of `sub` has to name whose tokens are meant, such as `repo:OWNER/…`, before its first `*` or `?`")]
    TooWide,
}

const LONGEST: usize = 600;
const MOST: usize = 10;
const LONGEST_CLAIM: usize = 64;
/// How subjects of well-known issuers begin, and what ends the part that names their owner.
const OWNED: [(&str, char); 4] =
    [("repo:", '/'), ("project_path:", '/'), ("organization:", ':'), ("system:serviceaccount:", ':')];

impl Expression {
    /// Its comparisons, joined by `and`.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The text it was read from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the claims satisfy every comparison. A claim that is no text satisfies none.
    pub fn matches(&self, claims: &Map<String, Value>) -> bool {
        self.terms.iter().all(|term| {
            let found = claims.get(&term.claim).and_then(Value::as_str);
            found.is_some_and(|found| match term.operator {
                Operator::Is => found == term.value,
                Operator::Matches => is_like(found, &term.value),
            })
        })
    }
}

impl FromStr for Expression {
    type Err = BadExpression;

    fn from_str(text: &str) -> Result<Self, BadExpression> {
        if text.len() > LONGEST {
            return Err(BadExpression::TooLong);
        }
        let mut rest = Rest(text);
        let mut terms = vec![rest.term()?];
        while !rest.is_over() {
            rest.word("and")?;
            terms.push(rest.term()?);
            if terms.len() > MOST {
                return Err(BadExpression::TooLong);
            }
        }
        let mut subjects = terms.iter().filter(|term| term.claim == "sub").peekable();
        if subjects.peek().is_none() || !subjects.any(names_an_owner) {
            return Err(BadExpression::TooWide);
        }
        Ok(Self { text: text.to_owned(), terms })
    }
}

/// Whether a comparison of `sub` says whose tokens are meant.
fn names_an_owner(term: &Term) -> bool {
    if term.operator == Operator::Is {
        return !term.value.is_empty();
    }
    let fixed = term.value.split(['*', '?']).next().unwrap_or_default();
    for (begin, end) in OWNED {
        if let Some(owner) = fixed.strip_prefix(begin) {
            return owner.find(end).is_some_and(|at| at > 0);
        }
        if begin.starts_with(fixed) {
            return false;
        }
    }
    !fixed.is_empty()
}

/// Whether text fits a pattern: the last `*` that was passed is tried with one character more, until it fits or ends.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut want) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(want) {
            Some('*') => {
                star = Some((want, at));
                want += 1;
            }
            Some('?') => (at, want) = (at + 1, want + 1),
            Some(letter) if *letter == text[at] => (at, want) = (at + 1, want + 1),
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    (at, want) = (taken + 1, star_at + 1);
                }
                None => return false,
            },
        }
    }
    pattern[want..].iter().all(|letter| *letter == '*')
}

/// What is left to be read.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn is_over(&mut self) -> bool {
        self.0 = self.0.trim_start_matches(' ');
        self.0.is_empty()
    }

    fn take(&mut self, text: &str) -> Result<(), BadExpression> {
        self.0 = self.0.strip_prefix(text).ok_or(BadExpression::Form)?;
        Ok(())
    }

    /// A word with space on both sides.
    fn word(&mut self, word: &str) -> Result<(), BadExpression> {
        self.0 = self.0.trim_start_matches(' ');
        self.take(word)?;
        if self.0.starts_with(' ') { Ok(()) } else { Err(BadExpression::Form) }
    }

    fn term(&mut self) -> Result<Term, BadExpression> {
        self.0 = self.0.trim_start_matches(' ');
        self.take("claims[")?;
        let claim = self.quoted()?;
        self.take("]")?;
        if claim.is_empty() || claim.len() > LONGEST_CLAIM || !self.0.starts_with(' ') {
            return Err(BadExpression::Form);
        }
        let operator = if self.word("eq").is_ok() {
            Operator::Is
        } else {
            self.word("matches")?;
            Operator::Matches
        };
        self.0 = self.0.trim_start_matches(' ');
        let value = self.quoted()?;
        // What follows is the end, or space and `and`.
        if self.0.is_empty() || self.0.starts_with(' ') { Ok(Term { claim, operator, value }) } else { Err(BadExpression::Form) }
    }

    /// A text in `'`; `''` is one `'` inside.
    fn quoted(&mut self) -> Result<String, BadExpression> {
        self.take("'")?;
        let mut text = String::new();
        loop {
            let at = self.0.find('\'').ok_or(BadExpression::Form)?;
            text.push_str(&self.0[..at]);
            self.0 = &self.0[at + 1..];
            if self.take("'").is_err() {
                break;
            }
            text.push('\'');
        }
        if text.chars().any(char::is_control) { Err(BadExpression::Form) } else { Ok(text) }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.operator {
            Operator::Is => "eq",
            Operator::Matches => "matches",
        };
        write!(f, "claims['{}'] {operator} '{}'", self.claim.replace('\'', "''"), self.value.replace('\'', "''"))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Expression {
    type Error = BadExpression;

    fn try_from(text: String) -> Result<Self, BadExpression> {
        text.parse()
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> Self {
        expression.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fits(expression: &str, claims: &Value) -> bool {
        let expression: Expression = expression.parse().expect("an expression");
        expression.matches(claims.as_object().expect("claims"))
    }

    #[test]
    fn g_404_wildcards_match_and_every_comparison_has_to_hold() {
        let claims =
            json!({"sub": "repo:contoso/shop:ref:refs/heads/main", "job_workflow_ref": "contoso/ci/.github/a.yml@v1", "run": 7});
        for (expression, outcome) in [
            ("claims['sub'] matches 'repo:contoso/*'", true),
            ("claims['sub'] matches 'repo:contoso/*:ref:refs/heads/main'", true),
            ("claims['sub'] matches 'repo:contoso/????:ref:*/main'", true),
            ("claims['sub'] matches 'repo:contoso/???:ref:*'", false),
            ("claims['sub'] matches 'repo:contoso/*:ref:refs/heads/mai'", false),
            ("claims['sub'] matches 'repo:Contoso/*'", false),
            ("claims['sub'] eq 'repo:contoso/shop:ref:refs/heads/main'", true),
            ("claims['sub'] eq 'repo:contoso/*'", false),
            ("claims['sub'] matches 'repo:contoso/*' and claims['job_workflow_ref'] eq 'contoso/ci/.github/a.yml@v1'", true),
            ("claims['sub'] matches 'repo:contoso/*'  and  claims['job_workflow_ref']  matches  '*@v2'", false),
            ("claims['sub'] matches 'repo:contoso/*' and claims['run'] eq '7'", false),
            ("claims['sub'] matches 'repo:contoso/*' and claims['absent'] matches '*'", false),
        ] {
            assert_eq!(fits(expression, &claims), outcome, "{expression}");
        }
    }

    #[test]
    fn g_404_an_expression_that_strangers_could_match_is_refused() {
        for wide in [
            "claims['sub'] matches '*'",
            "claims['sub'] matches 'repo:*'",
            "claims['sub'] matches 'rep*'",
            "claims['sub'] matches 'repo:/*'",
            "claims['sub'] matches 'repo:contoso*'",
            "claims['sub'] matches 'repo:?ontoso/shop'",
            "claims['sub'] matches 'project_path:*'",
            "claims['sub'] matches 'organization:contoso*'",
            "claims['sub'] matches 'system:serviceaccount:*:builder'",
            "claims['sub'] eq ''",
            "claims['job_workflow_ref'] eq 'contoso/ci'",
        ] {
            assert_eq!(wide.parse::<Expression>(), Err(BadExpression::TooWide), "{wide}");
        }
        for narrow in [
            "claims['sub'] matches 'organization:contoso:project:*'",
            "claims['sub'] matches 'system:serviceaccount:shop:*'",
            "claims['sub'] matches 'mail-*'",
            "claims['sub'] matches '*' and claims['sub'] matches 'repo:contoso/*'",
        ] {
            assert!(narrow.parse::<Expression>().is_ok(), "{narrow}");
        }
    }

    #[test]
    fn g_404_nothing_but_comparisons_joined_by_and_is_an_expression() {
        for bad in [
            "",
            " ",
            "claims['sub']",
            "claims['sub'] matches",
            "claims['sub'] matches 'a",
            "claims['sub']matches 'a'",
            "claims['sub'] ne 'a'",
            "claims['sub'] EQ 'a'",
            "claims[\"sub\"] eq 'a'",
            "claims['sub'] eq 'a' or claims['sub'] eq 'b'",
            "claims['sub'] eq 'a' and",
            "claims['sub'] eq 'a'and claims['sub'] eq 'b'",
            "(claims['sub'] eq 'a')",
            "claims[''] eq 'a'",
            "claims['sub'] eq 'a\nb'",
        ] {
            assert_eq!(bad.parse::<Expression>(), Err(BadExpression::Form), "{bad}");
        }
        let many = ["claims['sub'] eq 'a'"; MOST + 1].join(" and ");
        assert_eq!(many.parse::<Expression>(), Err(BadExpression::TooLong));
        assert_eq!(format!("claims['sub'] eq '{}'", "x".repeat(LONGEST)).parse::<Expression>(), Err(BadExpression::TooLong));
    }

    #[test]
    fn a_pattern_of_many_stars_ends_in_reasonable_time() {
        let pattern = format!("a{}b", "*a".repeat(250));
        assert!(!is_like(&"a".repeat(60_000), &pattern));
    }

    fn term() -> impl Strategy<Value = Term> {
        let operator = prop_oneof![Just(Operator::Is), Just(Operator::Matches)];
        ("[a-zA-Z_'.]{1,12}", operator, "[ -~ä]{0,30}").prop_map(|(claim, operator, value)| Term { claim, operator, value })
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(mut terms in prop::collection::vec(term(), 0..4)) {
            terms.push(Term { claim: "sub".into(), operator: Operator::Is, value: "it's".into() });
            let shown = terms.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
            let read: Expression = shown.parse().expect("what is shown can be read");
            prop_assert_eq!(read.terms(), &terms[..]);
        }

        #[test]
        fn no_text_upsets_the_reader(text in "\\PC{0,80}") {
            let _ = text.parse::<Expression>();
            let _ = format!("claims['sub'] {text}").parse::<Expression>();
        }

        #[test]
        fn a_pattern_without_wildcards_is_equality(text in "[a-c]{0,6}", other in "[a-c]{0,6}") {
            prop_assert_eq!(is_like(&text, &other), text == other);
            let prefix = format!("{other}*");
            prop_assert_eq!(is_like(&text, &prefix), text.starts_with(&other));
            let inside = format!("*{other}*");
            prop_assert_eq!(is_like(&text, &inside), text.contains(&other));
        }
    }
}
