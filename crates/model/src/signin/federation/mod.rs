//! Tokens of other issuers in place of a secret (S-242): which of an application's federated credentials fits a token.
//!
//! Issuer, subject and audience are compared exactly, case and trailing slashes included; a flexible credential compares
//! claims by its expression instead of the subject. Nobody is asked here whether the token is genuine: that comes first.

pub mod expression;
pub mod issuer;
pub mod keys;
pub mod network;

use serde_json::{Map, Value};

pub use expression::Expression;

use super::Aadsts;
use crate::directory::{Credential, Proof, SubjectRule};
use crate::id::CredentialId;

/// Why no credential fits. The caller learns which of the three it was, as pipelines need, and nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// No credential names the issuer.
    #[error("no federated credential names this issuer")]
    Issuer,
    /// One does, and its subject differs.
    #[error("the subject differs")]
    Subject,
    /// One does, and its subject differs in the case of letters alone.
    #[error("the subject differs in the case of its letters")]
    SubjectCase,
    /// One does, and its expression does not match.
    #[error("no expression matches the claims")]
    Claims,
    /// Issuer and subject fit, the audience does not.
    #[error("the audience differs")]
    Audience,
}

impl Mismatch {
    /// The number that the caller gets.
    pub const fn number(self) -> Aadsts {
        match self {
            Self::Issuer => Aadsts::FederatedIssuerMismatch,
            Self::Subject => Aadsts::FederatedSubjectMismatch,
            Self::SubjectCase => Aadsts::FederatedSubjectCaseMismatch,
            Self::Claims => Aadsts::FederatedNoMatch,
            Self::Audience => Aadsts::FederatedAudienceMismatch,
        }
    }
}

/// Whether some credential names this issuer, exactly.
pub fn names<'c>(credentials: impl IntoIterator<Item = &'c Credential>, issuer: &str) -> bool {
    credentials.into_iter().any(|one| matches!(&one.proof, Proof::Federated { issuer: known, .. } if known == issuer))
}

/// The credential that fits the claims of a token whose signature was verified.
pub fn find<'c>(
    credentials: impl IntoIterator<Item = &'c Credential>,
    claims: &Map<String, Value>,
) -> Result<CredentialId, Mismatch> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let (issuer, subject) = (text("iss"), text("sub"));
    let mut nearest = Mismatch::Issuer;
    for credential in credentials {
        let Proof::Federated { issuer: known, subject: rule, audiences, .. } = &credential.proof else { continue };
        if known != issuer {
            continue;
        }
        let outcome = match rule {
            SubjectRule::Exact(expected) if expected == subject => Ok(()),
            SubjectRule::Exact(expected) if expected.eq_ignore_ascii_case(subject) => Err(Mismatch::SubjectCase),
            SubjectRule::Exact(_) => Err(Mismatch::Subject),
            SubjectRule::Matching(expression) if expression.matches(claims) => Ok(()),
            SubjectRule::Matching(_) => Err(Mismatch::Claims),
        };
        match outcome {
            Ok(()) if audiences.iter().any(|audience| is_audience(claims, audience)) => return Ok(credential.id),
            Ok(()) => nearest = Mismatch::Audience,
            // What is closest to a fit is told: an audience that differs is closer than a subject that does.
            Err(mismatch) if closeness(mismatch) > closeness(nearest) => nearest = mismatch,
            Err(_) => {}
        }
    }
    Err(nearest)
}

const fn closeness(mismatch: Mismatch) -> u8 {
    match mismatch {
        Mismatch::Issuer => 0,
        Mismatch::Claims => 1,
        Mismatch::Subject => 2,
        Mismatch::SubjectCase => 3,
        Mismatch::Audience => 4,
    }
}

/// `aud` is one text or a list of them.
fn is_audience(claims: &Map<String, Value>, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::directory_rules::credentials::FOR_EVER;

    const AUDIENCE: &str = "api://AzureADTokenExchange";

    fn credential(n: u128, issuer: &str, subject: SubjectRule) -> Credential {
        Credential {
            id: CredentialId::from_uuid(Uuid::from_u128(n)),
            display_name: None,
            start: jiff::Timestamp::UNIX_EPOCH,
            end: FOR_EVER,
            proof: Proof::Federated {
                name: format!("credential-{n}"),
                issuer: issuer.into(),
                subject,
                audiences: vec![AUDIENCE.into()],
                description: None,
            },
        }
    }

    fn exact(text: &str) -> SubjectRule {
        SubjectRule::Exact(text.into())
    }

    fn judge(all: &[Credential], issuer: &str, subject: &str, audience: &Value) -> Result<u128, Mismatch> {
        let claims = json!({ "iss": issuer, "sub": subject, "aud": audience });
        find(all, claims.as_object().expect("claims")).map(|id| id.uuid().as_u128())
    }

    #[test]
    fn s_242_issuer_subject_and_audience_are_compared_exactly() {
        let all = [credential(1, "https://ci.example", exact("repo:a/b:main")), credential(2, "https://ci.example/", exact("x"))];
        let judge = |issuer: &str, subject: &str, audience: Value| judge(&all, issuer, subject, &audience);
        assert_eq!(judge("https://ci.example", "repo:a/b:main", json!(AUDIENCE)), Ok(1));
        assert_eq!(judge("https://ci.example", "repo:a/b:main", json!(["other", AUDIENCE])), Ok(1));
        assert_eq!(judge("https://ci.example/", "repo:a/b:main", json!(AUDIENCE)), Err(Mismatch::Subject), "another issuer");
        assert_eq!(judge("https://CI.example", "repo:a/b:main", json!(AUDIENCE)), Err(Mismatch::Issuer));
        assert_eq!(judge("https://ci.example", "repo:A/b:main", json!(AUDIENCE)), Err(Mismatch::SubjectCase));
        assert_eq!(judge("https://ci.example", "repo:a/c:main", json!(AUDIENCE)), Err(Mismatch::Subject));
        assert_eq!(judge("https://ci.example", "repo:a/b:main", json!("API://azureadtokenexchange")), Err(Mismatch::Audience));
        assert_eq!(judge("https://ci.example", "repo:a/b:main", json!(null)), Err(Mismatch::Audience));
    }

    #[test]
    fn s_242_a_flexible_credential_asks_its_expression_and_an_exact_one_may_stand_beside_it() {
        let matching = "claims['sub'] matches 'repo:a/*:ref:refs/heads/main'".parse().expect("an expression");
        let all = [
            credential(1, "https://ci.example", SubjectRule::Matching(matching)),
            credential(2, "https://ci.example", exact("x")),
        ];
        assert_eq!(judge(&all, "https://ci.example", "repo:a/b:ref:refs/heads/main", &json!(AUDIENCE)), Ok(1));
        assert_eq!(judge(&all, "https://ci.example", "x", &json!(AUDIENCE)), Ok(2));
        assert_eq!(
            judge(&all[..1], "https://ci.example", "repo:c/b:ref:refs/heads/main", &json!(AUDIENCE)),
            Err(Mismatch::Claims)
        );
        assert_eq!(judge(&all, "https://ci.example", "repo:a/b:ref:refs/heads/main", &json!("z")), Err(Mismatch::Audience));
    }

    #[test]
    fn each_mismatch_has_its_number() {
        let numbers = [Mismatch::Issuer, Mismatch::Audience, Mismatch::Subject, Mismatch::SubjectCase, Mismatch::Claims];
        assert_eq!(numbers.map(|one| one.number().code()), [700_211, 700_212, 700_213, 7_002_138, 70_021]);
    }
}
