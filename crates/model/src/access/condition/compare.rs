//! How values compare: the operators and the words before them that tell how many values have to agree.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Equals,
    StartsWith,
    // `*` is any run of characters, `?` one; a backslash takes their meaning away.
    Like,
    Guid,
    Bool,
}

/// `StringEquals` and its relatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    kind: Kind,
    is_negated: bool,
    ignores_case: bool,
}

impl FromStr for Operator {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        ALL.into_iter().find(|operator| operator.to_string().eq_ignore_ascii_case(word)).ok_or(())
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, verb) = match self.kind {
            Kind::Equals => ("String", "Equals"),
            Kind::StartsWith => ("String", "StartsWith"),
            Kind::Like => ("String", "Like"),
            Kind::Guid => ("Guid", "Equals"),
            Kind::Bool => ("Bool", "Equals"),
        };
        let (not, case) = (if self.is_negated { "Not" } else { "" }, if self.ignores_case { "IgnoreCase" } else { "" });
        write!(f, "{family}{not}{verb}{case}")
    }
}

const fn operator(kind: Kind, is_negated: bool, ignores_case: bool) -> Operator {
    Operator { kind, is_negated, ignores_case }
}

/// All operators there are.
pub(super) const ALL: [Operator; 16] = [
    operator(Kind::Equals, false, false),
    operator(Kind::Equals, true, false),
    operator(Kind::Equals, false, true),
    operator(Kind::Equals, true, true),
    operator(Kind::StartsWith, false, false),
    operator(Kind::StartsWith, true, false),
    operator(Kind::StartsWith, false, true),
    operator(Kind::StartsWith, true, true),
    operator(Kind::Like, false, false),
    operator(Kind::Like, true, false),
    operator(Kind::Like, false, true),
    operator(Kind::Like, true, true),
    operator(Kind::Guid, false, false),
    operator(Kind::Guid, true, false),
    operator(Kind::Bool, false, false),
    operator(Kind::Bool, true, false),
];

impl Operator {
    /// Whether a value can stand on the right of it.
    pub(super) fn takes(self, value: &str) -> bool {
        match self.kind {
            Kind::Equals | Kind::StartsWith | Kind::Like => true,
            Kind::Guid => Uuid::try_parse(value).is_ok(),
            Kind::Bool => truth(value).is_some(),
        }
    }

    // A value of the wrong kind compares with nothing, whether the operator is negated or not.
    fn holds(self, left: &str, right: &str) -> bool {
        let folded = |text: &str| if self.ignores_case { text.to_lowercase() } else { text.to_owned() };
        let same = match self.kind {
            Kind::Equals => Some(folded(left) == folded(right)),
            Kind::StartsWith => Some(folded(left).starts_with(&folded(right))),
            Kind::Like => Some(is_like(&folded(right), &folded(left))),
            Kind::Guid => Uuid::try_parse(left).ok().zip(Uuid::try_parse(right).ok()).map(|(left, right)| left == right),
            Kind::Bool => truth(left).zip(truth(right)).map(|(left, right)| left == right),
        };
        same.is_some_and(|same| same != self.is_negated)
    }
}

/// How many values on the left and on the right have to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantifier {
    all_left: bool,
    all_right: bool,
}

/// All quantifiers there are.
pub(super) const QUANTIFIERS: [Quantifier; 4] = [
    Quantifier { all_left: false, all_right: false },
    Quantifier { all_left: true, all_right: false },
    Quantifier { all_left: false, all_right: true },
    Quantifier { all_left: true, all_right: true },
];

impl FromStr for Quantifier {
    type Err = ();
    fn from_str(word: &str) -> Result<Self, ()> {
        QUANTIFIERS.into_iter().find(|quantifier| quantifier.to_string().eq_ignore_ascii_case(word)).ok_or(())
    }
}

impl fmt::Display for Quantifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |all| if all { "All" } else { "Any" };
        write!(f, "For{}Of{}Values", word(self.all_left), word(self.all_right))
    }
}

/// Whether the values on the left compare with those on the right.
pub(super) fn holds(left: &[String], quantifier: Option<Quantifier>, operator: Operator, right: &[String]) -> bool {
    if left.is_empty() || right.is_empty() {
        return false;
    }
    let Some(Quantifier { all_left, all_right }) = quantifier else {
        // Without such a word it is one value against one.
        return matches!((left, right), ([left], [right]) if operator.holds(left, right));
    };
    let mut agrees = left.iter().map(|left| {
        let mut each = right.iter().map(|right| operator.holds(left, right));
        if all_right { each.all(|yes| yes) } else { each.any(|yes| yes) }
    });
    if all_left { agrees.all(|yes| yes) } else { agrees.any(|yes| yes) }
}

fn truth(text: &str) -> Option<bool> {
    [("true", true), ("false", false)].into_iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| value)
}

enum Piece {
    Run,
    One,
    Just(char),
}

fn is_like(pattern: &str, text: &str) -> bool {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '*' => Piece::Run,
            '?' => Piece::One,
            '\\' => Piece::Just(chars.next().unwrap_or('\\')),
            c => Piece::Just(c),
        });
    }
    let text: Vec<char> = text.chars().collect();
    // Greedy with one point of return, as patterns of actions are.
    let (mut p, mut t) = (0, 0);
    let mut run: Option<(usize, usize)> = None;
    while t < text.len() {
        match pieces.get(p) {
            Some(Piece::Run) => {
                run = Some((p, t));
                p += 1;
            }
            Some(Piece::One) => (p, t) = (p + 1, t + 1),
            Some(Piece::Just(c)) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, seen)) = run else { return false };
                run = Some((at, seen + 1));
                (p, t) = (at + 1, seen + 1);
            }
        }
    }
    pieces[p..].iter().all(|piece| matches!(piece, Piece::Run))
}
