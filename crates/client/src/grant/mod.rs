//! The grants, one file each, and what they have in common.

pub mod assertion;
pub mod browser;
pub mod device_code;
pub mod federated;
pub mod managed_identity;
pub mod password;
pub mod revoke;

use entrance_wire::oauth_client::{Tokens, Who};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

use crate::authority::{Authority, Endpoints};
use crate::{Http, Secret, SignInError, SignedIn, pop};

/// What every grant needs: whom to ask, as whom, for what.
#[derive(Debug, Clone)]
pub struct Request {
    /// The token service and tenant.
    pub authority: Authority,
    /// The application that signs in.
    pub client_id: String,
    /// The resource: the server application, without `/.default`.
    pub resource: String,
    /// The v1 protocol.
    pub legacy: bool,
    /// The thumbprint of the key that the token shall be bound to.
    pub bound_to: Option<String>,
}

impl Request {
    /// The endpoints of the protocol version in use.
    pub async fn endpoints(&self, http: &Http) -> Result<Endpoints, SignInError> {
        if self.legacy { Ok(self.authority.legacy()) } else { self.authority.discover(http).await }
    }

    /// The scope of the v2 protocol, in the order that the original sends.
    pub fn scope(&self) -> String {
        format!("{} openid offline_access profile", default_scope(&self.resource))
    }

    /// What a request for a bound token says besides.
    fn binding(&self) -> Vec<(&'static str, String)> {
        let Some(thumbprint) = &self.bound_to else { return Vec::new() };
        vec![("req_cnf", pop::confirmation(thumbprint)), ("token_type", "pop".to_owned())]
    }

    /// The headers of a form in the original's spelling.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        if self.legacy { &[] } else { &[("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")] }
    }

    /// `scope` or, in the v1 protocol, `resource`.
    fn target(&self) -> (&'static str, String) {
        if self.legacy { ("resource", self.resource.clone()) } else { ("scope", self.scope()) }
    }
}

/// The scope that means everything the resource offers.
pub fn default_scope(resource: &str) -> String {
    format!("{resource}/.default")
}

/// The resource behind what people write as server id: no trailing slashes, no `/.default`.
///
/// # Examples
/// ```
/// assert_eq!(entrance_client::grant::resource("api://x/.default"), "api://x");
/// assert_eq!(entrance_client::grant::resource("6dae42f8//"), "6dae42f8");
/// ```
pub fn resource(server_id: &str) -> &str {
    let id = server_id.trim_end_matches('/');
    id.strip_suffix("/.default").unwrap_or(id).trim_end_matches('/')
}

/// A client secret.
pub async fn client_secret(http: &Http, request: &Request, secret: &Secret) -> Result<SignedIn, SignInError> {
    let endpoints = request.endpoints(http).await?;
    let (name, value) = request.target();
    let form = [
        ("client_id", request.client_id.as_str()),
        ("client_secret", secret.expose()),
        ("grant_type", "client_credentials"),
        (name, &value),
    ];
    token(http, request, &endpoints.token, &form).await
}

/// A refresh token; the service may give a new one with the access token.
pub async fn refresh(http: &Http, request: &Request, refresh_token: &Secret) -> Result<SignedIn, SignInError> {
    let endpoints = request.endpoints(http).await?;
    let (target, value) = request.target();
    let form = [
        ("client_id", request.client_id.as_str()),
        ("client_info", "1"),
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose()),
        (target, &value),
    ];
    token(http, request, &endpoints.token, &form).await
}

/// Sends a grant to the token endpoint.
async fn token(http: &Http, request: &Request, endpoint: &Url, form: &[(&str, &str)]) -> Result<SignedIn, SignInError> {
    let binding = request.binding();
    let mut form = form.to_vec();
    form.extend(binding.iter().map(|(name, value)| (*name, value.as_str())));
    let asked = Timestamp::now();
    let tokens: Tokens = http.post(endpoint, request.headers(), &form).await?;
    Ok(signed_in(tokens, asked))
}

fn signed_in(tokens: Tokens, asked: Timestamp) -> SignedIn {
    let life = i64::try_from(tokens.expires_in).unwrap_or(i64::MAX).min(LONGEST);
    let named = |jwt: &str| Who::of(jwt).filter(|who| !who.preferred_username.is_empty());
    let who = tokens.id_token.as_deref().and_then(named).or_else(|| named(&tokens.access_token));
    SignedIn {
        access_token: tokens.access_token.into(),
        // Counted from the question: the answer may have been on its way for a while.
        expires: asked + SignedDuration::from_secs(life),
        refresh_token: tokens.refresh_token.map(Secret::new),
        user_name: who.map(|who| who.preferred_username),
    }
}

/// A year; a longer life is a mistake of the service.
const LONGEST: i64 = 366 * 24 * 3600;
