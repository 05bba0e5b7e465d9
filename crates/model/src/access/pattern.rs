//! Patterns of actions in role definitions (R-340).

use std::fmt;

use serde::{Deserialize, Serialize};

/// An action, or many: `*` stands for any run of characters, slashes included. Compared without case.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// Takes the text as it is; every text is a pattern.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// R-340: whether the action fits.
    ///
    /// ```
    /// use entrance_model::access::Pattern;
    /// assert!(Pattern::new("Microsoft.Authorization/*/read").matches("microsoft.authorization/roleAssignments/READ"));
    /// assert!(!Pattern::new("*/read").matches("Microsoft.Resources/subscriptions/write"));
    /// ```
    pub fn matches(&self, action: &str) -> bool {
        // Greedy with one point of return: linear in practice, and never exponential for hostile patterns.
        let (pattern, text) = (self.0.as_bytes(), action.as_bytes());
        let (mut p, mut t) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            if pattern.get(p) == Some(&b'*') {
                star = Some((p, t));
                p += 1;
            } else if pattern.get(p).is_some_and(|b| b.eq_ignore_ascii_case(&text[t])) {
                p += 1;
                t += 1;
            } else if let Some((at, seen)) = star {
                star = Some((at, seen + 1));
                p = at + 1;
                t = seen + 1;
            } else {
                return false;
            }
        }
        pattern[p..].iter().all(|b| *b == b'*')
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_340_a_star_stands_for_any_run_slashes_included() {
        let fits = |pattern: &str, action: &str| Pattern::new(pattern).matches(action);
        assert!(fits("*", "a/b/c") && fits("*", "") && fits("a/*", "a/b/c") && fits("*/read", "a/b/read"));
        assert!(fits("A/*/read", "a/b/c/READ") && fits("a**b", "ab"));
        assert!(!fits("a/*", "a") && !fits("*/read", "read") && !fits("", "a") && !fits("a/read", "a/reads"));
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        assert!(!Pattern::new("*a".repeat(1000)).matches(&"b".repeat(10_000)));
    }
}
