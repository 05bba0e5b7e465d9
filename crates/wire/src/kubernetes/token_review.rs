//! `TokenReview`, in both versions: who is it that this token speaks for?
//!
//! `spec.audiences` names the API server's own audiences. It has nothing to do with the `aud` of a token from a
//! directory, so it is not read, and `status.audiences` stays out of every answer (R-423): a token for a cluster is then
//! worthless at a service that asks that cluster about tokens for itself.

use std::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::KubernetesUser;

/// Which spelling was used; the answer uses the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ReviewVersion {
    /// `authentication.k8s.io/v1`
    #[serde(rename = "authentication.k8s.io/v1")]
    V1,
    /// `authentication.k8s.io/v1beta1`
    #[serde(rename = "authentication.k8s.io/v1beta1")]
    V1Beta1,
}

impl ReviewVersion {
    /// The text of `apiVersion`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "authentication.k8s.io/v1",
            Self::V1Beta1 => "authentication.k8s.io/v1beta1",
        }
    }
}

/// A question. The token borrows from the request's bytes, so that it is never copied about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenReview<'a> {
    api_version: ReviewVersion,
    kind: Kind,
    #[serde(borrow)]
    spec: Spec<'a>,
}

// Without `Debug` on purpose: a token is a secret.
#[derive(Deserialize)]
struct Spec<'a> {
    #[serde(borrow, default)]
    token: Cow<'a, str>,
}

#[derive(Clone, Copy, Deserialize)]
enum Kind {
    TokenReview,
}

/// The body is no question of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a `TokenReview` of `authentication.k8s.io/v1` or `v1beta1` is needed")]
pub struct BadReview;

impl<'a> TokenReview<'a> {
    /// Reads a question. Members that are not needed are skipped; needed ones may stand there only once.
    pub fn read(body: &'a [u8]) -> Result<Self, BadReview> {
        let review: Self = serde_json::from_slice(body).map_err(|_| BadReview)?;
        let Kind::TokenReview = review.kind;
        Ok(review)
    }

    /// The spelling that was used.
    pub const fn version(&self) -> ReviewVersion {
        self.api_version
    }

    /// The token that was presented; empty when there was none.
    pub fn token(&self) -> &str {
        &self.spec.token
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The token speaks for this user.
    User(KubernetesUser<'a>),
    /// It speaks for nobody here, and why. The API server writes the text to its log and tells the person nothing.
    Refused(&'a str),
}

impl Answer<'_> {
    /// The JSON text, in the version that was asked.
    pub fn to_json(&self, version: ReviewVersion) -> Vec<u8> {
        let room = if let Self::User(user) = self { 512 + 39 * user.groups.len() } else { 256 };
        let mut text = Vec::with_capacity(room);
        match serde_json::to_writer(&mut text, &Reply { version, answer: self }) {
            Ok(()) => text,
            // Text is always written to memory; if not, an empty answer lets nobody in.
            Err(_) => Vec::new(),
        }
    }
}

struct Reply<'a> {
    version: ReviewVersion,
    answer: &'a Answer<'a>,
}

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut review = to.serialize_map(Some(3))?;
        review.serialize_entry("apiVersion", self.version.as_str())?;
        review.serialize_entry("kind", "TokenReview")?;
        review.serialize_entry("status", &Outcome(self.answer))?;
        review.end()
    }
}

struct Outcome<'a>(&'a Answer<'a>);

impl Serialize for Outcome<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut status = to.serialize_map(Some(2))?;
        status.serialize_entry("authenticated", &matches!(self.0, Answer::User(_)))?;
        match self.0 {
            Answer::User(user) => status.serialize_entry("user", user)?,
            Answer::Refused(why) => status.serialize_entry("error", why)?,
        }
        status.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::{Guid, UserName};

    const ASKED: &str = r#"{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","metadata":{"creationTimestamp":null},"spec":{"token":"a.b.c","audiences":["https://kubernetes.default.svc"]},"status":{"user":{}}}"#;

    #[test]
    fn a_question_of_a_real_api_server_is_read_without_copying_the_token() {
        let review = TokenReview::read(ASKED.as_bytes()).expect("a question");
        assert_eq!((review.version(), review.token()), (ReviewVersion::V1, "a.b.c"));
        assert!(matches!(review.spec.token, Cow::Borrowed(_)));
    }

    #[test]
    fn the_answer_is_in_the_version_that_was_asked() {
        let asked = ASKED.replace("/v1", "/v1beta1");
        let review = TokenReview::read(asked.as_bytes()).expect("a question");
        let answer = Answer::Refused("no").to_json(review.version());
        assert_eq!(
            String::from_utf8_lossy(&answer),
            r#"{"apiVersion":"authentication.k8s.io/v1beta1","kind":"TokenReview","status":{"authenticated":false,"error":"no"}}"#
        );
    }

    #[test]
    fn r_423_audiences_are_never_echoed() {
        let oid = Guid::from_bytes(&[1; 16]);
        let name = UserName::upn("alice@contoso.example").expect("a UPN");
        let user = KubernetesUser {
            name,
            oid,
            groups: vec![Guid::from_bytes(&[3; 16])],
            token_id: None,
            client: Guid::from_bytes(&[2; 16]),
            session: None,
        };
        let text = String::from_utf8(Answer::User(user).to_json(ReviewVersion::V1)).expect("text");
        assert!(!text.contains("audiences"), "{text}");
        assert!(text.contains(r#""groups":["03030303-0303-0303-0303-030303030303"]"#), "{text}");
    }

    #[test]
    fn what_is_no_question_is_refused() {
        let twice = ASKED.replace(r#""token":"a.b.c""#, r#""token":"a.b.c","token":"d.e.f""#);
        let other = ASKED.replace("TokenReview", "SubjectAccessReview");
        let old = ASKED.replace("authentication.k8s.io/v1", "authentication.k8s.io/v2");
        let deep = format!(r#"{{"kind":"TokenReview","x":{}}}"#, "[".repeat(100_000));
        for body in ["", "[]", "null", "{}", r#"{"kind":"TokenReview"}"#, &twice, &other, &old, &deep, &ASKED[..ASKED.len() - 1]]
        {
            assert!(TokenReview::read(body.as_bytes()).is_err(), "{}", &body[..body.len().min(80)]);
        }
    }
}
