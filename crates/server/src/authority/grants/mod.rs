//! The grants of the token endpoint: one file each.

mod authorization_code;
mod client_credentials;
mod device_code;
mod on_behalf_of;
mod password;
mod refresh_token;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrance_model::directory::{Tenant, User};
use entrance_model::id::UserId;
use entrance_model::signin::claims_request::ClaimsRequest;
use entrance_model::signin::refresh::{Family, FamilyId, Origin};
use entrance_model::signin::scope::{Asked, Oidc};
use entrance_model::signin::{Aadsts, Endpoint, SignIn};
use entrance_wire::oauth::form::Form;
use entrance_wire::oauth::token::Tokens;
use serde_json::Value;
use uuid::Uuid;

use super::client::{Client, Proof};
use super::ctx::Ctx;
use super::issue::{Lineage, Wanted};
use super::memory::{self, Known};
use super::place::Place;
use super::refused::Refused;

/// A token request of a known client.
pub(crate) struct Request<'a> {
    /// The request.
    pub(crate) ctx: &'a Ctx,
    /// Where it was sent.
    pub(crate) place: &'a Place,
    /// The tenant.
    pub(crate) tenant: &'a Tenant,
    /// Its parameters.
    pub(crate) form: &'a Form,
    /// The client.
    pub(crate) client: &'a Client,
    /// How it proved itself.
    pub(crate) proof: &'a Proof,
    /// What was known when the request was read.
    pub(crate) known: Known,
    /// A page of the client's asks, in a browser.
    pub(crate) is_page: bool,
}

/// The grant of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    AuthorizationCode,
    ClientCredentials,
    DeviceCode,
    OnBehalfOf,
    Password,
    RefreshToken,
}

impl Grant {
    /// Reads `grant_type`. MSAL for Go calls the device code by a short name.
    pub(crate) fn parse(text: &str) -> Result<Self, Refused> {
        Ok(match text {
            "authorization_code" => Self::AuthorizationCode,
            "client_credentials" => Self::ClientCredentials,
            "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => Self::DeviceCode,
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => Self::OnBehalfOf,
            "password" => Self::Password,
            "refresh_token" => Self::RefreshToken,
            _ => return Err(Refused::from(Aadsts::UnsupportedGrantType).about("grant_type", text)),
        })
    }

    /// Its name in the log.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "device_code",
            Self::OnBehalfOf => "on_behalf_of",
            Self::Password => "password",
            Self::RefreshToken => "refresh_token",
        }
    }

    /// Redeems the grant.
    pub(crate) async fn redeem(self, request: &Request<'_>) -> Result<Tokens, Refused> {
        match self {
            Self::AuthorizationCode => authorization_code::redeem(request).await,
            Self::ClientCredentials => client_credentials::redeem(request).await,
            Self::DeviceCode => device_code::redeem(request).await,
            Self::OnBehalfOf => on_behalf_of::redeem(request).await,
            Self::Password => password::redeem(request).await,
            Self::RefreshToken => refresh_token::redeem(request).await,
        }
    }
}

impl Request<'_> {
    fn need(&self, name: &str) -> Result<&str, Refused> {
        self.form.get(name).ok_or_else(|| Refused::missing(name))
    }

    /// What is asked besides the grant; `scope` is what the grant was asked with, where the request names none.
    fn wanted(&self, scope: Option<&str>) -> Result<Wanted, Refused> {
        let asked = asked(self.ctx.endpoint, self.form.get(self.scope_name()).or(scope))?;
        let claims = ClaimsRequest::parse(self.form.get("claims")).map_err(|_| Refused::from(Aadsts::InvalidRequest))?;
        Ok(Wanted {
            asked,
            client_info: self.form.get("client_info") == Some("1"),
            can_answer_challenge: claims.can_answer_challenge,
            nonce: None,
            auth_time: claims.auth_time,
            key: proof_key(self.form)?,
            known: self.known,
        })
    }

    fn scope_name(&self) -> &'static str {
        match self.ctx.endpoint {
            Endpoint::V1 => "resource",
            Endpoint::V2 => "scope",
        }
    }

    /// A person as the directory knows them now.
    async fn user(&self, id: UserId) -> Result<Arc<User>, Refused> {
        let user = memory::user(self.ctx, self.tenant, id).await?;
        user.ok_or_else(|| Refused::from(Aadsts::UserAccountNotFound).suberror("bad_token").of(id))
    }

    /// The beginning of a refresh family, where a refresh token was asked.
    fn lineage(&self, wanted: &Wanted, by: &SignIn, origin: Origin, scope: &str) -> Option<Lineage> {
        wanted.asked.has(Oidc::OfflineAccess).then(|| {
            let family = Family {
                app: self.client.app,
                confidential: self.proof.is_some(),
                by: by.clone(),
                origin,
                scope: scope.to_owned(),
                began: self.ctx.now(),
                ended: None,
            };
            Lineage::Begins(FamilyId::from_uuid(Uuid::new_v4()), family)
        })
    }
}

/// Takes a scope (v2) or a resource (v1) apart.
pub(crate) fn asked(endpoint: Endpoint, scope: Option<&str>) -> Result<Asked, Refused> {
    Ok(match endpoint {
        Endpoint::V1 => Asked::v1(scope.unwrap_or("https://graph.windows.net")),
        Endpoint::V2 => Asked::parse(scope.unwrap_or_default())?,
    })
}

/// Whether the `claims` parameter says that the client can answer a claims challenge (S-109, S-403).
pub(crate) fn capabilities(claims: Option<&str>) -> Result<bool, Refused> {
    let claims = ClaimsRequest::parse(claims).map_err(|_| Refused::from(Aadsts::InvalidRequest))?;
    Ok(claims.can_answer_challenge)
}

/// The key of a proof-of-possession request (S-430), by its thumbprint.
///
/// A thumbprint of another form could never be proved (RFC 7638: SHA-256, base64url), so it is refused here.
fn proof_key(form: &Form) -> Result<Option<String>, Refused> {
    if !form.get("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("pop")) {
        return Ok(None);
    }
    let bad = || Refused::from(Aadsts::KeyNotFound);
    let text = form.get("req_cnf").filter(|text| text.len() <= LONGEST_CONFIRMATION).ok_or_else(bad)?;
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| bad())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    let kid = value.get("kid").and_then(Value::as_str).ok_or_else(bad)?;
    let is_thumbprint = URL_SAFE_NO_PAD.decode(kid).is_ok_and(|digest| digest.len() == 32);
    if is_thumbprint { Ok(Some(kid.to_owned())) } else { Err(bad()) }
}

/// A key id and a storage location are much shorter.
const LONGEST_CONFIRMATION: usize = 2 * 1024;
