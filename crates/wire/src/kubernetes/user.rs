//! A person or an application, as an API server shall know them.

use std::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::Guid;

/// The text can be no user name in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user name in a cluster is a UPN such as `alice@contoso.example` or an object id")]
pub struct NotAUserName;

/// The name of a person or an application in a cluster: a UPN or an object id, and nothing else (R-420).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserName<'a> {
    /// A user principal name in lower case.
    Upn(Upn<'a>),
    /// An object id.
    Oid(Guid),
}

/// A UPN that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upn<'a>(Cow<'a, str>);

impl<'a> UserName<'a> {
    /// Takes a UPN that is written as bindings write it: lower case, one `@`, no character with a meaning in Kubernetes.
    pub fn upn(text: impl Into<Cow<'a, str>>) -> Result<Self, NotAUserName> {
        let text = text.into();
        let (local, domain) = text.split_once('@').ok_or(NotAUserName)?;
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"!#'^_~.-".contains(&c);
        let host = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b".-".contains(&c);
        let fits =
            !local.is_empty() && !domain.is_empty() && local.bytes().all(plain) && domain.bytes().all(host) && text.len() <= 320;
        if fits { Ok(Self::Upn(Upn(text))) } else { Err(NotAUserName) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Upn(Upn(text)) => text,
            Self::Oid(id) => id.as_str(),
        }
    }
}

/// Who somebody is in a cluster (R-420 to R-422).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesUser<'a> {
    /// The name that bindings use.
    pub name: UserName<'a>,
    /// The object id.
    pub oid: Guid,
    /// The groups, sorted.
    pub groups: Vec<Guid>,
    /// The id of the token, which joins the API server's audit log with ours.
    pub token_id: Option<&'a str>,
    /// The application that the person signed in with.
    pub client: Guid,
    /// The sign-in the token comes from.
    pub session: Option<Guid>,
}

impl Serialize for KubernetesUser<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut user = to.serialize_map(None)?;
        user.serialize_entry("username", self.name.as_str())?;
        user.serialize_entry("uid", &self.oid)?;
        if !self.groups.is_empty() {
            user.serialize_entry("groups", &self.groups)?;
        }
        user.serialize_entry("extra", &Extra(self))?;
        user.end()
    }
}

/// What the API server carries along without understanding it, for authorizers and the audit log.
struct Extra<'a>(&'a KubernetesUser<'a>);

impl Serialize for Extra<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(user) = self;
        let mut extra = to.serialize_map(None)?;
        extra.serialize_entry("oid", &[user.oid])?;
        if let Some(id) = user.token_id {
            extra.serialize_entry("authentication.kubernetes.io/credential-id", &[format!("JTI={id}")])?;
        }
        extra.serialize_entry("client", &[user.client])?;
        if let Some(session) = user.session {
            extra.serialize_entry("session", &[session])?;
        }
        extra.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_427_a_name_of_the_cluster_itself_has_no_spelling() {
        let long = format!("{}@x.example", "a".repeat(320));
        for text in [
            "system:masters",
            "system:admin@x.example",
            "alice",
            "@x.example",
            "alice@",
            "Alice@x.example",
            "a b@x.example",
            "a@b@c.example",
            "a\n@x.example",
            &long,
        ] {
            assert_eq!(UserName::upn(text), Err(NotAUserName), "{text}");
        }
        assert_eq!(
            UserName::upn("alice.o'neil@contoso.example").map(|name| name.as_str().to_owned()),
            Ok("alice.o'neil@contoso.example".to_owned())
        );
    }

    #[test]
    fn r_422_the_object_id_is_always_told() {
        let oid = Guid::from_bytes(&[1; 16]);
        let user = KubernetesUser {
            name: UserName::Oid(oid),
            oid,
            groups: vec![],
            token_id: Some("t0"),
            client: Guid::from_bytes(&[2; 16]),
            session: None,
        };
        assert_eq!(
            serde_json::to_string(&user).expect("it is written"),
            r#"{"username":"01010101-0101-0101-0101-010101010101","uid":"01010101-0101-0101-0101-010101010101","extra":{"oid":["01010101-0101-0101-0101-010101010101"],"authentication.kubernetes.io/credential-id":["JTI=t0"],"client":["02020202-0202-0202-0202-020202020202"]}}"#
        );
    }
}
