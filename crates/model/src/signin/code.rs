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
        /// The refresh tokens that came from it; they end when it shows up again.
        family: Option<FamilyId>,
        /// Where it was made.
        #[serde(default)]
        tenant: Option<TenantId>,
    },
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
    Redeemed {
        /// What came from it.
        family: Option<FamilyId>,
    },
    /// The address is not the one of the request.
    #[error("the reply address is not the one that was asked with")]
    Redirect,
    /// The proof is missing or wrong.
    #[error(transparent)]
    Proof(#[from] PkceError),
}

impl CodeError {
    /// Its number.
    pub const fn number(self) -> Aadsts {
        match self {
            Self::OtherClient => Aadsts::InvalidGrant,
            Self::OtherTenant => Aadsts::CodeAgainstWrongTenant,
            Self::Expired => Aadsts::ExpiredOrRevokedGrant,
            Self::Redeemed { .. } => Aadsts::OAuth2AuthorizationCodeRedeemed,
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

    /// Redeems the code. `family` is the one of the refresh token that will be answered, if one will.
    pub fn redeem(
        self,
        with: Redemption<'_>,
        family: Option<FamilyId>,
        now: Timestamp,
    ) -> Result<(Self, AuthorizeRequest, SignIn), CodeError> {
        let Self::Live { request, by, until } = self else {
            let Self::Redeemed { family, .. } = self else { return Err(CodeError::Expired) };
            return Err(CodeError::Redeemed { family });
        };
        if request.app != with.app {
            return Err(CodeError::OtherClient);
        }
        if request.tenant != with.tenant {
            return Err(CodeError::OtherTenant);
        }
        if now >= until {
            return Err(CodeError::Expired);
        }
        if request.redirect != with.redirect {
            return Err(CodeError::Redirect);
        }
        Challenge::check(request.challenge.as_ref(), with.verifier)?;
        let tenant = Some(request.tenant);
        Ok((Self::Redeemed { at: now, family, tenant }, *request, by))
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
        let family = FamilyId::from_uuid(Uuid::from_u128(7));
        let (code, ..) = code().redeem(with(), Some(family), at(1)).expect("redeems");
        assert_eq!(code.redeem(with(), None, at(2)), Err(CodeError::Redeemed { family: Some(family) }));
    }

    #[test]
    fn s_210_a_code_is_bound_to_client_tenant_address_time_and_proof() {
        let refused = |with, now| code().redeem(with, None, at(now)).expect_err("is refused");
        assert_eq!(refused(Redemption { app: well_known::AKS_CLIENT, ..with() }, 1), CodeError::OtherClient);
        assert_eq!(refused(Redemption { tenant: TenantId::from_uuid(Uuid::max()), ..with() }, 1), CodeError::OtherTenant);
        assert_eq!(refused(Redemption { redirect: "http://localhost:4712", ..with() }, 1), CodeError::Redirect);
        assert_eq!(refused(with(), 300), CodeError::Expired);
        assert_eq!(refused(Redemption { verifier: None, ..with() }, 1), CodeError::Proof(PkceError::Verifier));
    }
}
