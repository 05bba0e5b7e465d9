//! What applications prove themselves with: secrets, certificates, federated credentials (G-400, G-403, G-404).

use jiff::{Span, Timestamp};
use url::Url;

use crate::directory::{Credential, Proof};
use crate::id::CredentialId;

/// Why a credential is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The end lies before the start, in the past, or beyond the certificate's own.
    #[error("Key credential end date is invalid.")]
    KeyEnd,
    /// The same for a secret.
    #[error("The end date of the password credential is invalid.")]
    SecretEnd,
    /// There is no such secret.
    #[error("No password credential found with keyId '{0}'.")]
    NoSecret(CredentialId),
    /// Too many of them.
    #[error("The application has reached the limit of {0} credentials.")]
    TooMany(usize),
    /// A required value of a federated credential is missing or has the wrong form.
    #[error("Invalid value specified for property '{0}' of resource 'FederatedIdentityCredential'.")]
    Federated(&'static str),
    /// Another federated credential has this name.
    #[error("FederatedIdentityCredential with name {0} already exists.")]
    NameTaken(String),
    /// Another federated credential has this issuer and subject.
    #[error("FederatedIdentityCredential with same issuer and subject already exists for the application.")]
    SubjectTaken,
}

/// The end of what does not end: the last moment that every part of the system can write and read.
pub const FOR_EVER: Timestamp = Timestamp::constant(253_402_207_199, 0);

const MOST_FEDERATED: usize = 20;
/// So that nobody fills the directory with keys.
const MOST_CREDENTIALS: usize = 100;
const DAYS_OF_A_SECRET: i64 = 730;

/// When a new secret starts and ends: now, and two years later, unless the caller said something else.
pub fn secret_validity(
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), CredentialError> {
    let start = start.unwrap_or(now);
    let two_years = Span::new().hours(DAYS_OF_A_SECRET * 24);
    let end = match end {
        Some(end) => end,
        None => start.checked_add(two_years).map_err(|_| CredentialError::SecretEnd)?,
    };
    if end <= start || end <= now { Err(CredentialError::SecretEnd) } else { Ok((start, end.min(FOR_EVER))) }
}

/// When a certificate may be used: within its own validity, which is what counts when the caller said nothing.
pub fn key_validity(
    asked: (Option<Timestamp>, Option<Timestamp>),
    own: (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), CredentialError> {
    // Clients write whole seconds, or the moment at which they made the certificate.
    let slack = Span::new().hours(25);
    let latest = own.1.checked_add(slack).unwrap_or(Timestamp::MAX);
    let start = asked.0.unwrap_or(own.0);
    let end = asked.1.unwrap_or(own.1);
    if end > latest || end <= start || end <= now {
        Err(CredentialError::KeyEnd)
    } else {
        Ok((start, end.min(own.1).min(FOR_EVER)))
    }
}

/// Whether there is room for one more.
pub fn room(have: &[Credential]) -> Result<(), CredentialError> {
    if have.len() < MOST_CREDENTIALS { Ok(()) } else { Err(CredentialError::TooMany(MOST_CREDENTIALS)) }
}

/// Checks a new or changed federated credential against the form and against the application's others.
pub fn federated(changed: &Credential, others: &[Credential]) -> Result<(), CredentialError> {
    let Proof::Federated { name, issuer, subject, audiences, .. } = &changed.proof else {
        return Err(CredentialError::Federated("name"));
    };
    let name_ok = (3..=120).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !name_ok {
        return Err(CredentialError::Federated("name"));
    }
    if !is_issuer(issuer) {
        return Err(CredentialError::Federated("issuer"));
    }
    if subject.exact().is_some_and(|subject| !is_exact_text(subject)) {
        return Err(CredentialError::Federated("subject"));
    }
    if audiences.len() != 1 || !audiences.iter().all(|audience| is_exact_text(audience)) {
        return Err(CredentialError::Federated("audiences"));
    }
    let mut count = 0;
    for other in others.iter().filter(|other| other.id != changed.id) {
        let Proof::Federated { name: taken, issuer: from, subject: of, .. } = &other.proof else { continue };
        count += 1;
        if taken.eq_ignore_ascii_case(name) {
            return Err(CredentialError::NameTaken(name.clone()));
        }
        if from == issuer && of == subject {
            return Err(CredentialError::SubjectTaken);
        }
    }
    if count < MOST_FEDERATED { Ok(()) } else { Err(CredentialError::TooMany(MOST_FEDERATED)) }
}

/// Issuer, subject and audience are compared exactly, so nothing may hide in them.
fn is_exact_text(text: &str) -> bool {
    (1..=600).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}

/// Whether text can be the issuer of tokens: an https address that names nothing but a place.
pub fn is_issuer(text: &str) -> bool {
    is_exact_text(text)
        && Url::parse(text).is_ok_and(|url| {
            url.scheme() == "https"
                && url.host_str().is_some()
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
        })
}

/// Takes one secret out of the list.
pub fn remove_secret(credentials: &mut Vec<Credential>, id: CredentialId) -> Result<(), CredentialError> {
    let is_it = |one: &Credential| one.id == id && matches!(one.proof, Proof::Secret { .. });
    let at = credentials.iter().position(is_it).ok_or(CredentialError::NoSecret(id))?;
    credentials.remove(at);
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::directory::SubjectRule;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn credential(n: u128, name: &str, issuer: &str, subject: &str) -> Credential {
        Credential {
            id: CredentialId::from_uuid(Uuid::from_u128(n)),
            display_name: None,
            start: Timestamp::UNIX_EPOCH,
            end: FOR_EVER,
            proof: Proof::Federated {
                name: name.into(),
                issuer: issuer.into(),
                subject: SubjectRule::Exact(subject.into()),
                audiences: vec!["api://AzureADTokenExchange".into()],
                description: None,
            },
        }
    }

    #[test]
    fn g_400_a_secret_lives_two_years_unless_told_otherwise() {
        let now = at("2026-01-01T00:00:00Z");
        assert_eq!(secret_validity(None, None, now), Ok((now, at("2028-01-01T00:00:00Z"))));
        assert_eq!(secret_validity(None, Some(now), now), Err(CredentialError::SecretEnd));
        assert_eq!(
            secret_validity(Some(at("2027-01-01T00:00:00Z")), Some(at("2026-06-01T00:00:00Z")), now),
            Err(CredentialError::SecretEnd)
        );
    }

    #[test]
    fn a_validity_beyond_the_end_of_time_can_still_be_read_back() {
        let now = at("2026-01-01T00:00:00Z");
        let end = secret_validity(None, Some(Timestamp::MAX), now).expect("fine").1;
        assert_eq!(Timestamp::from_microsecond(end.as_microsecond()).ok(), Some(end));
    }

    #[test]
    fn g_403_a_key_ends_with_its_certificate() {
        let (now, own) = (at("2026-01-02T00:00:00Z"), (at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z")));
        assert_eq!(key_validity((None, None), own, now), Ok(own));
        assert_eq!(key_validity((None, Some(at("2028-01-01T00:00:00Z"))), own, now), Err(CredentialError::KeyEnd));
        assert_eq!(key_validity((None, Some(at("2026-01-01T12:00:00Z"))), own, now), Err(CredentialError::KeyEnd));
    }

    #[test]
    fn g_404_names_and_issuer_with_subject_are_unique() {
        let first = credential(1, "github", "https://ci.example", "repo:a");
        let have = [first.clone()];
        assert_eq!(federated(&first, &have), Ok(()), "changing one is no clash with itself");
        assert_eq!(
            federated(&credential(2, "GitHub", "https://ci.example", "repo:b"), &have),
            Err(CredentialError::NameTaken("GitHub".into()))
        );
        assert_eq!(federated(&credential(2, "other", "https://ci.example", "repo:a"), &have), Err(CredentialError::SubjectTaken));
        assert_eq!(federated(&credential(2, "other", "https://ci.example", "repo:b"), &have), Ok(()));
    }

    #[test]
    fn g_404_an_expression_is_kept_in_the_place_of_the_subject_and_unique_like_one() {
        let mut first = credential(1, "flexible", "https://ci.example", "x");
        let set = |one: &mut Credential, text: &str| {
            let Proof::Federated { subject, .. } = &mut one.proof else { panic!("a federated credential") };
            *subject = SubjectRule::Matching(text.parse().expect("an expression"));
        };
        set(&mut first, "claims['sub'] matches 'repo:a/*'");
        assert_eq!(federated(&first, &[]), Ok(()));
        let mut second = credential(2, "another", "https://ci.example", "x");
        assert_eq!(federated(&second, std::slice::from_ref(&first)), Ok(()));
        set(&mut second, "claims['sub'] matches 'repo:a/*'");
        assert_eq!(federated(&second, std::slice::from_ref(&first)), Err(CredentialError::SubjectTaken));
        let kept = serde_json::to_value(&first.proof).expect("JSON");
        assert_eq!(kept["claimsMatchingExpression"], "claims['sub'] matches 'repo:a/*'");
        assert_eq!(serde_json::from_value::<Proof>(kept).expect("a proof"), first.proof);
        // What was kept before there were expressions.
        let old = r#"{"kind":"federated","name":"old","issuer":"https://ci.example","subject":"s","audiences":["a"],"description":null}"#;
        let old: Proof = serde_json::from_str(old).expect("a proof");
        assert!(matches!(old, Proof::Federated { subject: SubjectRule::Exact(subject), .. } if subject == "s"));
    }

    #[test]
    fn g_404_every_value_has_its_form() {
        for (name, issuer, subject, wrong) in [
            ("gh", "https://ci.example", "a", "name"),
            ("a b c", "https://ci.example", "a", "name"),
            ("github", "http://ci.example", "a", "issuer"),
            ("github", "https://ci.example?x", "a", "issuer"),
            ("github", "https://ci.example", " a", "subject"),
            ("github", "https://ci.example", "", "subject"),
        ] {
            assert_eq!(federated(&credential(1, name, issuer, subject), &[]), Err(CredentialError::Federated(wrong)));
        }
    }
}
