//! `$filter`, as far as clients send one: comparisons with texts, joined by `and`.

use jiff::Timestamp;

use super::rule::Ruled;

/// A filter that is not understood. Leaving a part of it out would show more than was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// It is no list of comparisons.
    #[error("`$filter` is not understood at `{0}`: comparisons such as `name eq 'text'` are, joined by `and`.")]
    Syntax(String),
    /// No time.
    #[error("`$filter` compares with '{0}' where a time such as 2026-01-01T00:00:00Z is needed.")]
    Time(String),
    /// A comparison that does not exist here.
    #[error("`$filter` cannot compare `{term}` here; it can: {known}.")]
    Unknown {
        /// What was sent.
        term: String,
        /// What may be sent.
        known: &'static str,
    },
}

impl Ruled for BadFilter {
    fn rule(&self) -> &'static str {
        "R-013"
    }
    fn status(&self) -> u16 {
        400
    }
    fn code(&self) -> &'static str {
        "InvalidFilterInQueryString"
    }
    fn target(&self) -> Option<String> {
        Some("$filter".to_owned())
    }
}

/// How two things are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `eq`
    Equal,
    /// `ge`
    NotBefore,
    /// `gt`
    After,
    /// `le`
    NotAfter,
    /// `lt`
    Before,
}

impl Comparison {
    const ALL: [(&'static str, Self); 5] =
        [("eq", Self::Equal), ("ge", Self::NotBefore), ("gt", Self::After), ("le", Self::NotAfter), ("lt", Self::Before)];
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What is compared, in lower case.
    pub name: String,
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub value: String,
}

impl Term {
    /// The value as a time; one without a zone is in UTC, as `az` sends it.
    ///
    /// # Errors
    /// When it is none.
    pub fn time(&self) -> Result<Timestamp, BadFilter> {
        let in_utc = |_| format!("{}Z", self.value).parse();
        self.value.parse().or_else(in_utc).map_err(|_: jiff::Error| BadFilter::Time(short(&self.value)))
    }

    /// The refusal of a comparison that does not exist here.
    pub fn unknown(&self, known: &'static str) -> BadFilter {
        let word = Comparison::ALL.iter().find(|(_, one)| *one == self.comparison).map_or("", |(word, _)| *word);
        BadFilter::Unknown { term: format!("{} {word}", short(&self.name)), known }
    }
}

/// Takes a filter apart; nothing is no comparison.
///
/// # Errors
/// At the first place that is not understood.
pub fn terms(text: &str) -> Result<Vec<Term>, BadFilter> {
    let mut rest = text.trim();
    let mut found = Vec::new();
    if rest.len() > MAX_LENGTH {
        return Err(BadFilter::Syntax(short(rest)));
    }
    while !rest.is_empty() {
        if !found.is_empty() {
            let (joint, after) = word(rest);
            if !joint.eq_ignore_ascii_case("and") {
                return Err(BadFilter::Syntax(short(rest)));
            }
            rest = after;
        }
        let bad = || BadFilter::Syntax(short(rest));
        let (name, after) = word(rest);
        let (comparison, after) = word(after);
        let comparison = Comparison::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(comparison)).ok_or_else(bad)?.1;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/') {
            return Err(bad());
        }
        let (value, after) = value(after).ok_or_else(bad)?;
        found.push(Term { name: name.to_ascii_lowercase(), comparison, value });
        rest = after;
        if found.len() > MAX_TERMS {
            return Err(BadFilter::Syntax(short(rest)));
        }
    }
    Ok(found)
}

// Up to the next blank, and what stands behind it.
fn word(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

// A text in quotes, where a quote inside is doubled, or a bare word such as a time.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('\'') else {
        let (bare, rest) = word(text);
        return (!bare.is_empty() && !bare.contains('\'')).then(|| (bare.to_owned(), rest));
    };
    let mut value = String::new();
    loop {
        let (part, after) = rest.split_once('\'')?;
        value.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None if after.is_empty() || after.starts_with(char::is_whitespace) => return Some((value, after.trim_start())),
            None => return None,
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

const MAX_LENGTH: usize = 4096;
const MAX_TERMS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, Comparison, String)> {
        terms(text).expect("is understood").into_iter().map(|term| (term.name, term.comparison, term.value)).collect()
    }

    #[test]
    fn comparisons_are_joined_by_and_and_texts_may_hold_anything() {
        use Comparison::{Equal, NotAfter, NotBefore};
        let one = |name: &str, comparison, value: &str| (name.to_owned(), comparison, value.to_owned());
        assert_eq!(read("  "), []);
        assert_eq!(
            read("tagName eq 'it''s and me' AND tagvalue EQ ''"),
            [one("tagname", Equal, "it's and me"), one("tagvalue", Equal, "")]
        );
        assert_eq!(
            read("eventTimestamp ge 2026-01-01T00:00:00Z and eventTimestamp le '2026-01-02T00:00:00Z'"),
            [one("eventtimestamp", NotBefore, "2026-01-01T00:00:00Z"), one("eventtimestamp", NotAfter, "2026-01-02T00:00:00Z")]
        );
    }

    #[test]
    fn a_time_without_a_zone_is_in_utc() {
        let time = |value: &str| terms(&format!("t ge {value}")).expect("is understood")[0].time();
        let same = "2026-11-29T15:12:42.5Z".parse::<Timestamp>().expect("a time");
        for written in ["2026-11-29T15:12:42.5", "2026-11-29T15:12:42.500000Z", "'2026-11-29T16:12:42.5+01:00'"] {
            assert_eq!(time(written), Ok(same), "{written}");
        }
        for bad in ["yesterday", "15:12", "2026-13-01T00:00:00"] {
            assert_eq!(time(bad), Err(BadFilter::Time(bad.to_owned())));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_and_never_left_out() {
        let many = vec!["a eq 'b'"; 22].join(" and ");
        for bad in [
            "name",
            "name eq",
            "name eq 'x",
            "name eq 'x'y",
            "name eq x'y",
            "name ne 'x'",
            "name eq 'x' or name eq 'y'",
            "name eq 'x' and",
            "and name eq 'x'",
            "substringof('x', name)",
            "(name eq 'x')",
            "näme eq 'x'",
            &many,
            &format!("name eq '{}'", "x".repeat(5000)),
        ] {
            assert!(matches!(terms(bad), Err(BadFilter::Syntax(_))), "{bad}");
        }
    }
}
