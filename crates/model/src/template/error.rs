//! What is wrong with a template, and where.

use std::fmt;

/// Where in a template: names of members and numbers of items, from the outside in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place(Vec<String>);

impl Place {
    /// A place.
    pub fn of<'p>(parts: impl IntoIterator<Item = &'p str>) -> Self {
        Self(parts.into_iter().map(str::to_owned).collect())
    }

    /// Its parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// A place below.
    #[must_use]
    pub fn then(&self, part: impl fmt::Display) -> Self {
        let mut parts = self.0.clone();
        parts.push(part.to_string());
        Self(parts)
    }

    fn below(&self, inner: Self) -> Self {
        Self(self.0.iter().cloned().chain(inner.0).collect())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            let is_number = part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty();
            match (at, is_number) {
                (_, true) => write!(f, "[{part}]")?,
                (0, _) => f.write_str(part)?,
                _ => write!(f, ".{part}")?,
            }
        }
        Ok(())
    }
}

/// Which of the three texts of a deployment is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The template.
    Template,
    /// The parameters.
    Parameters,
}

/// A template that cannot be deployed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, and what would be right.
    pub message: String,
    /// In which text.
    pub part: Part,
    /// Where in it.
    pub place: Place,
}

impl TemplateError {
    pub(super) fn new(message: impl Into<String>, place: &Place) -> Self {
        Self { message: message.into(), part: Part::Template, place: place.clone() }
    }

    pub(super) fn in_parameters(message: impl Into<String>, place: Place) -> Self {
        Self { message: message.into(), part: Part::Parameters, place }
    }
}

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Halt {
    /// It never has one.
    Wrong {
        /// Why.
        message: String,
        /// Where below the value that was evaluated.
        place: Place,
    },
    /// It has one once this resource is known.
    Late(String),
}

pub(super) type Outcome<T> = Result<T, Halt>;

impl Halt {
    /// The same, seen from further out.
    #[must_use]
    pub(super) fn under(self, outer: &Place) -> Self {
        match self {
            Self::Wrong { message, place } => Self::Wrong { message, place: outer.below(place) },
            late @ Self::Late(_) => late,
        }
    }

    /// Where nothing that comes later may be used.
    pub(super) fn now(self, place: &Place) -> TemplateError {
        match self.under(place) {
            Self::Wrong { message, place } => TemplateError::new(message, &place),
            Self::Late(_) => {
                TemplateError::new("`reference` cannot be used here: the value is needed before anything is deployed.", place)
            }
        }
    }
}

/// An expression that never has a value.
pub(super) fn wrong<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Halt::Wrong { message: message.into(), place: Place::default() })
}

/// A text from outside, as far as an error repeats it.
pub(super) fn cut(text: &str) -> String {
    const LONGEST: usize = 120;
    if text.chars().count() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST).chain("…".chars()).collect() }
}
