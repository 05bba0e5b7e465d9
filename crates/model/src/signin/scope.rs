//! What a request asks for (S-300…S-303): `OpenID` scopes, and permissions of resources.
//!
//! A permission is written `<resource>/<permission>` and split at the *last* slash, so that
//! `https://management.core.windows.net//.default` names the resource with its slash.

use super::Aadsts;

/// A scope of `OpenID` Connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oidc {
    /// An ID token is wanted.
    Openid,
    /// With names.
    Profile,
    /// With the mail address.
    Email,
    /// A refresh token is wanted.
    OfflineAccess,
}

impl Oidc {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "openid" => Self::Openid,
            "profile" => Self::Profile,
            "email" => Self::Email,
            "offline_access" => Self::OfflineAccess,
            _ => return None,
        })
    }

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Openid => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::OfflineAccess => "offline_access",
        }
    }
}

/// The part of a scope that is for one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForResource {
    /// The identifier as it was asked; `None` for bare permissions, which are Graph's.
    pub identifier: Option<String>,
    /// `.default` was asked.
    pub default: bool,
    /// Permissions that were asked by name.
    pub named: Vec<String>,
}

/// A scope, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    oidc: Vec<Oidc>,
    /// Per resource, in the order they were asked.
    pub resources: Vec<ForResource>,
}

/// Why a scope is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Too long, or characters that no scope has.
    #[error("the scope is not well formed")]
    Malformed,
    /// `.default` beside named permissions of the same resource.
    #[error("`.default` cannot be combined with named permissions of the same resource")]
    DefaultAndNamed,
    /// More than one resource where only one is allowed.
    #[error("the scope names more than one resource")]
    Spans,
}

impl ScopeError {
    /// Its number.
    pub const fn number(self) -> Aadsts {
        match self {
            Self::Malformed | Self::DefaultAndNamed => Aadsts::InvalidScope,
            Self::Spans => Aadsts::ScopeSpansResources,
        }
    }
}

const LONGEST: usize = 4096;
const MOST: usize = 64;

impl Asked {
    /// Takes a scope apart.
    pub fn parse(scope: &str) -> Result<Self, ScopeError> {
        if scope.len() > LONGEST || scope.split_ascii_whitespace().count() > MOST {
            return Err(ScopeError::Malformed);
        }
        let mut asked = Self::default();
        for part in scope.split_ascii_whitespace() {
            // RFC 6749 §3.3: printable ASCII without `"` and `\`.
            if !part.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\') {
                return Err(ScopeError::Malformed);
            }
            match Oidc::parse(part) {
                Some(oidc) if asked.oidc.contains(&oidc) => {}
                Some(oidc) => asked.oidc.push(oidc),
                None => asked.add(part)?,
            }
        }
        Ok(asked)
    }

    /// The scope of a v1 request: a resource, all that is allowed there, and the tokens that v1 always gives.
    pub fn v1(resource: &str) -> Self {
        let all = ForResource { identifier: Some(resource.to_owned()), default: true, named: Vec::new() };
        Self { oidc: vec![Oidc::Openid, Oidc::Profile, Oidc::Email, Oidc::OfflineAccess], resources: vec![all] }
    }

    fn add(&mut self, part: &str) -> Result<(), ScopeError> {
        let (identifier, permission) = match part.rsplit_once('/') {
            Some((identifier, permission)) => (Some(identifier), permission),
            None => (None, part),
        };
        if permission.is_empty() || identifier == Some("") {
            return Err(ScopeError::Malformed);
        }
        let at = self.resources.iter().position(|known| known.identifier.as_deref() == identifier);
        let resource = if let Some(at) = at {
            &mut self.resources[at]
        } else {
            self.resources.push(ForResource { identifier: identifier.map(str::to_owned), default: false, named: Vec::new() });
            self.resources.last_mut().expect("it was just pushed")
        };
        if permission == ".default" {
            resource.default = true;
        } else if !resource.named.iter().any(|known| known == permission) {
            resource.named.push(permission.to_owned());
        }
        if resource.default && !resource.named.is_empty() { Err(ScopeError::DefaultAndNamed) } else { Ok(()) }
    }

    /// Whether an `OpenID` scope was asked.
    pub fn has(&self, oidc: Oidc) -> bool {
        self.oidc.contains(&oidc)
    }

    /// Whether anything was asked at all.
    pub fn is_empty(&self) -> bool {
        self.oidc.is_empty() && self.resources.is_empty()
    }

    /// The one resource of a token request; `None` where only `OpenID` scopes were asked.
    pub fn single(&self) -> Result<Option<&ForResource>, ScopeError> {
        match self.resources.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(ScopeError::Spans),
        }
    }

    /// The `scope` member of an answer (S-303): what was granted, spelled with the identifier that was asked, then the
    /// asked `.default`. Client libraries keep tokens under this text. `OpenID` scopes are told only with Graph's.
    pub fn echo(&self, granted: &[&str], tell_oidc: bool) -> String {
        let resource = self.resources.first();
        let prefix = resource.and_then(|resource| resource.identifier.as_deref());
        let spelled = |permission: &str| match prefix {
            Some(prefix) => format!("{prefix}/{permission}"),
            None => permission.to_owned(),
        };
        let mut words: Vec<String> = Vec::new();
        if tell_oidc {
            words.extend(self.oidc.iter().filter(|oidc| **oidc != Oidc::OfflineAccess).map(|oidc| oidc.word().to_owned()));
        }
        // A permission that was asked by name is echoed as it was spelled.
        for permission in granted {
            let asked = resource.and_then(|r| r.named.iter().find(|named| named.eq_ignore_ascii_case(permission)));
            words.push(spelled(asked.map_or(permission, String::as_str)));
        }
        if resource.is_some_and(|resource| resource.default) {
            words.push(spelled(".default"));
        }
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(scope: &str) -> Option<String> {
        Asked::parse(scope).expect("a scope").single().expect("one").and_then(|r| r.identifier.clone())
    }

    #[test]
    fn s_300_a_scope_is_split_at_the_last_slash() {
        assert_eq!(
            identifier("https://management.core.windows.net//.default").as_deref(),
            Some("https://management.core.windows.net/")
        );
        assert_eq!(
            identifier("6dae42f8-4368-4678-94ff-3960e28e3630/.default openid").as_deref(),
            Some("6dae42f8-4368-4678-94ff-3960e28e3630")
        );
        assert_eq!(identifier("api://x/y/read").as_deref(), Some("api://x/y"));
        assert_eq!(identifier("User.Read"), None);
    }

    #[test]
    fn s_301_default_stands_alone_for_its_resource() {
        assert_eq!(Asked::parse("a/.default a/read"), Err(ScopeError::DefaultAndNamed));
        assert_eq!(Asked::parse("a/.default b/.default").expect("a scope").single(), Err(ScopeError::Spans));
    }

    #[test]
    fn s_303_the_answer_spells_the_resource_as_it_was_asked() {
        let asked = Asked::parse("6dae42f8-4368-4678-94ff-3960e28e3630/.default openid offline_access profile").expect("a scope");
        assert_eq!(
            asked.echo(&["user.read"], false),
            "6dae42f8-4368-4678-94ff-3960e28e3630/user.read 6dae42f8-4368-4678-94ff-3960e28e3630/.default"
        );
        let asked = Asked::parse("openid profile offline_access user.read").expect("a scope");
        assert_eq!(asked.echo(&["User.Read"], true), "openid profile user.read");
    }

    #[test]
    fn malformed_scopes_are_refused() {
        for bad in ["a/", "/.default", "a\"b", "a\\b", "\u{1}"] {
            assert_eq!(Asked::parse(bad), Err(ScopeError::Malformed), "{bad}");
        }
        assert_eq!(Asked::parse(&"x ".repeat(65)), Err(ScopeError::Malformed));
    }
}
