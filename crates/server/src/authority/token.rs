//! What an access token of ours says (S-8), as our own APIs and webhooks read it.

use entrance_model::Timestamp;
use entrance_model::id::{AppId, PrincipalId, SessionId, TenantId};
use entrance_model::signin::revocation::Issued;
use serde::Deserialize;

use super::keys::TokenError;

/// Whom a token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityType {
    /// A person.
    User,
    /// An application by itself.
    App,
}

/// The claims of an access token.
#[derive(Debug, Clone, Deserialize)]
pub struct AccessToken {
    /// Audience, as it was asked for.
    pub aud: String,
    /// Issuer: `BASE/T/` (v1) or `BASE/T/v2.0`.
    pub iss: String,
    /// Issued at, Unix seconds.
    pub iat: i64,
    /// Not before, Unix seconds.
    pub nbf: i64,
    /// Ends at, Unix seconds.
    pub exp: i64,
    /// `1.0` or `2.0`.
    pub ver: String,
    /// Tenant.
    pub tid: TenantId,
    /// The person, or the application's service principal.
    pub oid: PrincipalId,
    /// The client: `appid` (v1) or `azp` (v2).
    #[serde(alias = "azp", rename = "appid")]
    pub app_id: AppId,
    /// Person or application.
    pub idtyp: IdentityType,
    /// The person's name in the directory at issue time; for display only.
    #[serde(default, alias = "preferred_username")]
    pub upn: Option<String>,
    /// Display name; for display only.
    #[serde(default)]
    pub name: Option<String>,
    /// Delegated permissions, separated by blanks.
    #[serde(default)]
    pub scp: Option<String>,
    /// Application permissions.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Unique id of the token.
    pub uti: String,
    /// The browser session or device sign-in it came from.
    #[serde(default)]
    pub sid: Option<SessionId>,
    /// The number of the last revocation that was known when the token was made.
    #[serde(default)]
    pub rev: Option<i64>,
    /// Client capabilities (`cp1`: can answer a claims challenge).
    #[serde(default)]
    pub xms_cc: Vec<String>,
    /// Proof-of-possession key; such a token is no bearer token.
    #[serde(default)]
    pub cnf: Option<Confirmation>,
}

/// The key that a token is bound to (S-430).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Confirmation {
    /// Its thumbprint (RFC 7638).
    pub kid: String,
}

impl AccessToken {
    /// What a revocation may be about.
    pub fn issued(&self) -> Issued<'_> {
        Issued {
            id: &self.uti,
            session: self.sid,
            subject: self.oid,
            app: self.app_id,
            known: self.rev,
            at: Timestamp::from_second(self.iat).unwrap_or(Timestamp::MIN),
        }
    }

    /// Whether the token counts at this moment.
    pub fn in_time(&self, now: Timestamp) -> Result<(), TokenError> {
        let seconds = now.as_second();
        if seconds >= self.exp {
            return Err(TokenError::Expired(self.ends()));
        }
        let ahead = self.nbf.max(self.iat);
        if seconds.saturating_add(SKEW) < ahead { Err(TokenError::NotYet) } else { Ok(()) }
    }

    /// When the token ends.
    pub fn ends(&self) -> Timestamp {
        Timestamp::from_second(self.exp).unwrap_or(Timestamp::MIN)
    }

    /// Whether the delegated permissions name this one.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scp.as_deref().unwrap_or_default().split(' ').any(|granted| granted.eq_ignore_ascii_case(scope))
    }

    /// Whether the client understands a claims challenge.
    pub fn can_answer_challenge(&self) -> bool {
        self.xms_cc.iter().any(|capability| capability.eq_ignore_ascii_case("cp1"))
    }
}

/// So many seconds the clock of who made a token may be ahead (`nbf`, `iat`).
const SKEW: i64 = 300;
