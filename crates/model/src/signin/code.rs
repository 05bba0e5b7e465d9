//! Authorization codes (S-105, S-210): bound to everything that was asked, short-lived, redeemed once.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::authorize::AuthorizeRequest;
use super::pkce::{Challenge, PkceError, Verifier};
use super::refresh::FamilyId;
use super::{Aadsts, SignIn, micros};
use crate::id::{AppId, TenantId};

/// How long a code lives.
pub const LIFE: SignedDuration = SignedDuration::from_mins(5);

/// A code, by what is true about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum AuthorizationCode {
    /// It can be redeemed.
    Live {
        /// What was asked.
        request: Box<AuthorizeRequest>,
        /// Who signed in.
        by: SignIn,
        /// Until when.
        #[serde(with = "micros")]
        until: Timestamp,
    },
    /// It was redeemed.
    Redeemed {
        /// When.
        #[serde(with = "micros")]
        at: Timestamp,
        /// What came from it; that ends when it shows up again.
        #[serde(flatten)]
        gave: Gave,
        /// Where it was made.
        #[serde(default)]
        tenant: Option<TenantId>,
        /// For whom.
        #[serde(default)]
        app: Option<AppId>,
    },
}

/// What a code was redeemed for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gave {
    /// The refresh tokens that descend from it.
    pub family: Option<FamilyId>,
    /// The id of the access token.
    #[serde(default)]
    pub token: Option<String>,
}

/// What a token request sends along with a code.
#[derive(Clone, Copy)]
pub struct Redemption<'a> {
    /// The tenant of the address.
    pub tenant: TenantId,
    /// The client.
    pub app: AppId,
    /// The address that the code was sent to.
    pub redirect: &'a str,
    /// The proof.
    pub verifier: Option<Verifier<'a>>,
}

/// Why a code is not redeemed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It was made for another client.
    #[error("the code was made for another application")]
    OtherClient,
    /// It was made in another tenant.
    #[error("the code was made in another tenant")]
    OtherTenant,
    /// It is too old.
    #[error("the code has expired")]
    Expired,
    /// It was redeemed before; what came from it has to end.
    #[error("the code was redeemed before")]
    Redeemed(Gave),
    /// The address is not the one of the request.
    #[error("the reply address is not the one that was asked with")]
    Redirect,
    /// The proof is missing or wrong.
    #[error(transparent)]
    Proof(#[from] PkceError),
}

impl CodeError {
    /// Its number.
    pub const fn number(&self) -> Aadsts {
        match self {
            Self::OtherClient => Aadsts::InvalidGrant,
            Self::OtherTenant => Aadsts::CodeAgainstWrongTenant,
            Self::Expired => Aadsts::ExpiredOrRevokedGrant,
            Self::Redeemed(_) => Aadsts::OAuth2AuthorizationCodeRedeemed,
            Self::Redirect => Aadsts::InvalidReplyTo,
            Self::Proof(error) => error.number(),
        }
    }
}

impl AuthorizationCode {
    /// A new code.
    pub fn begin(request: AuthorizeRequest, by: SignIn, now: Timestamp) -> Self {
        Self::Live { request: Box::new(request), by, until: now + LIFE }
    }

    /// The tenant that it was made in.
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Live { request, .. } => Some(request.tenant),
            Self::Redeemed { tenant, .. } => *tenant,
        }
    }

    /// Redeems the code for what will be answered. Only the client that it was made for learns that it was used before.
    pub fn redeem(self, with: Redemption<'_>, gave: Gave, now: Timestamp) -> Result<(Self, AuthorizeRequest, SignIn), CodeError> {
        let (app, tenant) = match &self {
            Self::Live { request, .. } => (Some(request.app), Some(request.tenant)),
            Self::Redeemed { app, tenant, .. } => (*app, *tenant),
        };
        if app.is_some_and(|app| app != with.app) {
            return Err(CodeError::OtherClient);
        }
        if tenant.is_some_and(|tenant| tenant != with.tenant) {
            return Err(CodeError::OtherTenant);
        }
        let (request, by, until) = match self {
            Self::Live { request, by, until } => (request, by, until),
            Self::Redeemed { gave, .. } => return Err(CodeError::Redeemed(gave)),
        };
        if now >= until {
            return Err(CodeError::Expired);
        }
        if request.redirect != with.redirect {
            return Err(CodeError::Redirect);
        }
        Challenge::check(request.challenge.as_ref(), with.verifier)?;
        Ok((Self::Redeemed { at: now, gave, tenant, app }, *request, by))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::{SessionId, UserId};
    use crate::signin::authorize::{Prompt, ResponseMode};
    use crate::signin::{Endpoint, Method};
    use crate::well_known;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).expect("a time")
    }

    fn code() -> AuthorizationCode {
        let request = AuthorizeRequest {
            tenant: TenantId::from_uuid(Uuid::nil()),
            app: well_known::AZURE_CLI,
            endpoint: Endpoint::V2,
            redirect: "http://localhost:4711".into(),
            mode: ResponseMode::Query,
            state: None,
            nonce: None,
            scope: "openid".into(),
            challenge: Some(Challenge::S256(CHALLENGE.into())),
            prompt: Prompt::Auto,
            login_hint: None,
            sid: None,
            only: None,
            max_age: None,
            client_info: false,
            response: crate::signin::authorize::ResponseType::Code,
            consent: false,
            auth_time: false,
        };
        let by = SignIn {
            user: UserId::from_uuid(Uuid::max()),
            at: at(0),
            how: vec![Method::Pwd],
            session: SessionId::from_uuid(Uuid::max()),
        };
        AuthorizationCode::begin(request, by, at(0))
    }

    fn with() -> Redemption<'static> {
        Redemption {
            tenant: TenantId::from_uuid(Uuid::nil()),
            app: well_known::AZURE_CLI,
            redirect: "http://localhost:4711",
            verifier: Some(Verifier { text: VERIFIER, s256: CHALLENGE }),
        }
    }

    #[test]
    fn s_210_a_code_is_redeemed_once_and_remembers_what_came_from_it() {
        let gave = Gave { family: Some(FamilyId::from_uuid(Uuid::from_u128(7))), token: Some("uti".into()) };
        let (code, ..) = code().redeem(with(), gave.clone(), at(1)).expect("redeems");
        let kept = serde_json::to_value(&code).expect("is kept");
        let code: AuthorizationCode = serde_json::from_value(kept).expect("is read");
        assert_eq!(code.redeem(with(), Gave::default(), at(400)), Err(CodeError::Redeemed(gave)));
    }

    #[test]
    fn s_210_a_code_that_was_redeemed_is_nobody_else_s_to_end() {
        let (code, ..) = code().redeem(with(), Gave::default(), at(1)).expect("redeems");
        let again = |with| code.clone().redeem(with, Gave::default(), at(2)).expect_err("is refused");
        assert_eq!(again(Redemption { app: well_known::AKS_CLIENT, ..with() }), CodeError::OtherClient);
        assert_eq!(again(Redemption { tenant: TenantId::from_uuid(Uuid::max()), ..with() }), CodeError::OtherTenant);
        // One that was kept before clients were remembered still ends what it gave.
        let old = serde_json::json!({"state": "redeemed", "at": 1, "family": "00000000-0000-0000-0000-000000000007"});
        let old: AuthorizationCode = serde_json::from_value(old).expect("is read");
        assert!(matches!(old.redeem(with(), Gave::default(), at(2)), Err(CodeError::Redeemed(gave)) if gave.family.is_some()));
    }

    #[test]
    fn s_210_a_code_is_bound_to_client_tenant_address_time_and_proof() {
        let refused = |with, now| code().redeem(with, Gave::default(), at(now)).expect_err("is refused");
        assert_eq!(refused(Redemption { app: well_known::AKS_CLIENT, ..with() }, 1), CodeError::OtherClient);
        assert_eq!(refused(Redemption { tenant: TenantId::from_uuid(Uuid::max()), ..with() }, 1), CodeError::OtherTenant);
        assert_eq!(refused(Redemption { redirect: "http://localhost:4712", ..with() }, 1), CodeError::Redirect);
        assert_eq!(refused(with(), 300), CodeError::Expired);
        assert_eq!(refused(Redemption { verifier: None, ..with() }, 1), CodeError::Proof(PkceError::Verifier));
    }
}
