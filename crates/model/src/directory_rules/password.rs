//! Passwords that people may choose (S-801): long enough, and more than a well-known word.
//!
//! No composition rules. A password is folded (case, and digits that stand for letters); every banned word or word of the
//! tenant or the person that it holds counts as one character, and five have to be left.

/// What a tenant asks of passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// At least so many characters.
    pub shortest: usize,
}

impl Policy {
    /// Where clusters depend on it.
    pub const SERVE: Self = Self { shortest: 12 };
    /// What the original asks; enough for a directory that lives on one machine.
    pub const DEMO: Self = Self { shortest: 8 };
}

/// The password is too easy. What exactly is wrong is not told: that would be a hint for guessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The specified password does not comply with password complexity requirements. Please provide a different password.")]
pub struct WeakPassword;

/// What is wrong with a password, for its owner who is choosing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Fewer characters than the policy asks.
    TooShort,
    /// More than [`LONGEST`].
    TooLong,
    /// Characters that no keyboard types.
    Characters,
    /// Well-known words, names of the person or the tenant, or few different characters.
    TooEasy,
    /// It stands in the list of passwords that were found in breaches.
    Breached,
}

/// The most characters.
pub const LONGEST: usize = 256;
const FEWEST_POINTS: usize = 5;

/// Words that stand at the front of every guesser's list.
const BANNED: &[&str] = &[
    "password",
    "passwort",
    "passw0rd",
    "welcome",
    "willkommen",
    "qwertz",
    "qwerty",
    "asdfgh",
    "letmein",
    "changeme",
    "secret",
    "administrator",
    "admin",
    "iloveyou",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "sunshine",
    "princess",
    "master",
    "shadow",
    "spring",
    "summer",
    "autumn",
    "winter",
    "monday",
    "friday",
    "january",
    "entrance",
    "kubernetes",
    "123456",
    "12345",
    "1234",
];

/// Checks a password; `words` are names of the person and of the tenant.
pub fn check(password: &str, policy: Policy, words: &[&str]) -> Result<(), WeakPassword> {
    judge(password, policy, words).map_err(|_| WeakPassword)
}

/// The same, and says what is wrong.
pub fn judge(password: &str, policy: Policy, words: &[&str]) -> Result<(), Fault> {
    let length = password.chars().count();
    if length < policy.shortest {
        return Err(Fault::TooShort);
    }
    if length > LONGEST {
        return Err(Fault::TooLong);
    }
    if password.chars().any(char::is_control) {
        return Err(Fault::Characters);
    }
    if points(password, words) < FEWEST_POINTS || distinct(password) < FEWEST_POINTS {
        return Err(Fault::TooEasy);
    }
    Ok(())
}

fn points(password: &str, words: &[&str]) -> usize {
    let mut rest = fold(password);
    let mut points = 0;
    let own = words.iter().flat_map(|word| word.split(|c: char| !c.is_alphanumeric())).filter(|word| word.chars().count() >= 4);
    for word in BANNED.iter().copied().chain(own) {
        let word = fold(word);
        points += rest.matches(&word).count();
        rest = rest.replace(&word, "\u{0}");
    }
    points + rest.chars().filter(|c| *c != '\u{0}').count()
}

/// What people put for letters is read as the letters.
fn fold(text: &str) -> String {
    let letter = |c| match c {
        '0' => 'o',
        '1' | '!' => 'l',
        '$' | '5' => 's',
        '@' | '4' => 'a',
        '3' => 'e',
        other => other,
    };
    text.to_lowercase().chars().map(letter).collect()
}

fn distinct(password: &str) -> usize {
    let mut seen: Vec<char> = password.chars().collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_fine(password: &str) -> bool {
        check(password, Policy::DEMO, &["alice", "Contoso"]).is_ok()
    }

    #[test]
    fn s_801_length_is_what_counts() {
        assert!(is_fine("correct horse battery"));
        assert!(is_fine("x7#kQ9pL"));
        assert!(!is_fine("x7#kQ9p"));
        assert!(!is_fine(&"xyzabc".repeat(50)));
        assert!(check("x7#kQ9pL", Policy::SERVE, &[]).is_err());
        assert!(check("x7#kQ9pLmn2r", Policy::SERVE, &[]).is_ok());
    }

    #[test]
    fn s_801_its_owner_reads_what_is_wrong_with_a_password() {
        let judged = |password: &str| judge(password, Policy::SERVE, &["alice", "Contoso"]);
        assert_eq!(judged("x7#kQ9pLmn2"), Err(Fault::TooShort));
        assert_eq!(judged("x7#kQ9pLmn2r"), Ok(()));
        assert_eq!(judged(&"ab7 ".repeat(64)), Err(Fault::TooEasy), "few different characters");
        assert_eq!(judged(&"abcdefgh ".repeat(29)), Err(Fault::TooLong));
        assert_eq!(judged("x7#kQ9p\u{7}Lmn2r"), Err(Fault::Characters));
        assert_eq!(judged("ContosoAlicePassword1"), Err(Fault::TooEasy), "three known words and a digit");
        assert_eq!(judged("eleven short words are as good as any mixture of signs"), Ok(()), "no composition rules");
    }

    #[test]
    fn s_801_well_known_words_and_own_names_count_for_little() {
        for weak in ["P@ssw0rd", "Password1234", "contoso1!", "Alice1234", "aaaaaaaaaaaa", "Contoso@lice", "qwerty12"] {
            assert!(!is_fine(weak), "{weak}");
        }
        assert!(is_fine("ContosoXq7!zz"), "a name with five more characters is enough");
    }
}
