//! What tokens say (S-400…S-405): one table of the contract, one function per column.
//!
//! The `groups` claim is left out. It would be information for other verifiers only (S-422); our webhook reads groups
//! from the directory at every review, and a token without the claim never outgrows a header.

use entrance_model::Timestamp;
use entrance_model::directory::{Tenant, User};
use entrance_model::id::AppId;
use entrance_model::signin::resource::{Kind, Resource};
use entrance_model::signin::scope::Oidc;
use entrance_model::signin::{Method, SignIn};
use serde_json::{Map, Value, json};

use super::client::{Client, Proof};
use super::issue::Wanted;
use super::secret;
use crate::app::App;

/// What the claims are made from.
pub(crate) struct Facts<'a> {
    /// The server.
    pub(crate) app: &'a App,
    /// The tenant.
    pub(crate) tenant: &'a Tenant,
    /// The client.
    pub(crate) client: &'a Client,
    /// How it proved itself.
    pub(crate) proof: &'a Proof,
    /// The resource.
    pub(crate) resource: &'a Resource,
    /// Now.
    pub(crate) now: Timestamp,
    /// Life of the access token in seconds.
    pub(crate) life: i64,
    /// What was asked.
    pub(crate) wanted: &'a Wanted,
}

/// Life of an ID token, in seconds.
const ID_LIFE: i64 = 60 * 60;
/// The role of everyone who is a member of the directory, by its template.
const MEMBER: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";
/// Global Administrator, by its template.
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

type Claims = Map<String, Value>;

impl Facts<'_> {
    /// When the access token ends, Unix seconds.
    pub(crate) fn ends(&self) -> i64 {
        self.now.as_second() + self.life
    }

    fn is_v2(&self) -> bool {
        self.resource.version == 2
    }

    /// A subject that differs per application, so that two applications cannot compare notes.
    fn pairwise(&self, user: &User, app: AppId) -> String {
        pairwise(self.tenant, user, app)
    }

    fn frame(&self, audience: &str, version: u8, life: i64) -> Claims {
        let now = self.now.as_second();
        let (iss, ver) = match version {
            2 => (self.app.issuer_v2(self.tenant.id), "2.0"),
            _ => (self.app.issuer_v1(self.tenant.id), "1.0"),
        };
        let mut claims = Claims::new();
        claims.insert("aud".into(), audience.into());
        claims.insert("iss".into(), iss.into());
        claims.insert("iat".into(), now.into());
        claims.insert("nbf".into(), now.into());
        claims.insert("exp".into(), (now + life).into());
        claims.insert("tid".into(), self.tenant.id.to_string().into());
        claims.insert("ver".into(), ver.into());
        claims
    }

    /// What all access tokens say.
    fn access(&self) -> Claims {
        let audience = if self.is_v2() { self.resource.app.to_string() } else { self.resource.asked.clone() };
        let mut claims = self.frame(&audience, self.resource.version, self.life);
        let (client, acr) = if self.is_v2() { ("azp", "azpacr") } else { ("appid", "appidacr") };
        claims.insert(client.into(), self.client.app.to_string().into());
        claims.insert(acr.into(), self.proof.acr().into());
        let unique = secret::unique();
        claims.insert("uti".into(), unique.clone().into());
        // kube-apiserver's credential id and CEL rules need the registered name.
        claims.insert("jti".into(), unique.into());
        // Which revocations the token is younger than; clocks count too coarsely.
        claims.insert("rev".into(), self.wanted.known.into());
        // Only where we check at every call whether the token still counts.
        if self.wanted.can_answer_challenge && matches!(self.resource.kind, Kind::Graph | Kind::Arm) {
            claims.insert("xms_cc".into(), json!(["cp1"]));
        }
        if let Some(kid) = &self.wanted.key {
            claims.insert("cnf".into(), json!({ "kid": kid }));
        }
        claims
    }
}

/// An access token of a person.
pub(crate) fn user_access(facts: &Facts<'_>, user: &User, by: &SignIn, granted: &[&str]) -> Claims {
    let mut claims = facts.access();
    let upn = user.upn.as_str();
    claims.insert("oid".into(), user.id.to_string().into());
    claims.insert("sub".into(), facts.pairwise(user, facts.resource.app).into());
    claims.insert("idtyp".into(), "user".into());
    let mut scopes: Vec<&str> = granted.to_vec();
    if facts.resource.kind == Kind::Graph {
        let oidc = [Oidc::Openid, Oidc::Profile, Oidc::Email];
        for scope in oidc {
            if facts.wanted.asked.has(scope) {
                scopes.push(scope.word());
            }
        }
    }
    claims.insert("scp".into(), scopes.join(" ").into());
    if facts.is_v2() {
        claims.insert("preferred_username".into(), upn.into());
        if facts.wanted.asked.has(Oidc::Profile) {
            claims.insert("name".into(), user.display_name.clone().into());
        }
    } else {
        claims.insert("upn".into(), upn.into());
        claims.insert("unique_name".into(), upn.into());
        names(&mut claims, user);
        claims.insert("acr".into(), "1".into());
        claims.insert("amr".into(), amr(&by.how));
        let administrator = user.is_directory_admin.then_some(GLOBAL_ADMINISTRATOR);
        claims.insert("wids".into(), administrator.into_iter().chain([MEMBER]).collect());
    }
    claims.insert("sid".into(), by.session.to_string().into());
    claims
}

/// An access token of an application by itself.
pub(crate) fn app_access(facts: &Facts<'_>) -> Claims {
    let mut claims = facts.access();
    let id = facts.client.principal.id.to_string();
    let issuer = claims["iss"].clone();
    claims.insert("oid".into(), id.clone().into());
    claims.insert("sub".into(), id.into());
    claims.insert("idtyp".into(), "app".into());
    claims.insert("idp".into(), issuer);
    claims
}

/// An ID token of the v2 endpoint (S-404).
pub(crate) fn id_v2(facts: &Facts<'_>, user: &User, by: &SignIn) -> Claims {
    let mut claims = id_token(facts, user, by, 2);
    claims.insert("preferred_username".into(), user.upn.as_str().into());
    if facts.wanted.asked.has(Oidc::Profile) {
        claims.insert("name".into(), user.display_name.clone().into());
    }
    if let (true, Some(mail)) = (facts.wanted.asked.has(Oidc::Email), &user.mail) {
        claims.insert("email".into(), mail.clone().into());
    }
    claims
}

/// An ID token of the v1 endpoint.
pub(crate) fn id_v1(facts: &Facts<'_>, user: &User, by: &SignIn) -> Claims {
    let mut claims = id_token(facts, user, by, 1);
    claims.insert("upn".into(), user.upn.as_str().into());
    claims.insert("unique_name".into(), user.upn.as_str().into());
    names(&mut claims, user);
    claims.insert("amr".into(), amr(&by.how));
    claims
}

fn id_token(facts: &Facts<'_>, user: &User, by: &SignIn, version: u8) -> Claims {
    let mut claims = facts.frame(&facts.client.app.to_string(), version, ID_LIFE);
    claims.insert("oid".into(), user.id.to_string().into());
    claims.insert("sub".into(), facts.pairwise(user, facts.client.app).into());
    claims.insert("sid".into(), by.session.to_string().into());
    claims.insert("uti".into(), secret::unique().into());
    if let Some(nonce) = &facts.wanted.nonce {
        claims.insert("nonce".into(), nonce.clone().into());
    }
    if facts.wanted.auth_time {
        claims.insert("auth_time".into(), by.at.as_second().into());
    }
    claims
}

fn names(claims: &mut Claims, user: &User) {
    claims.insert("name".into(), user.display_name.clone().into());
    for (claim, value) in [("given_name", &user.given_name), ("family_name", &user.surname)] {
        if let Some(value) = value {
            claims.insert(claim.into(), value.clone().into());
        }
    }
}

fn amr(how: &[Method]) -> Value {
    serde_json::to_value(how).unwrap_or_default()
}

/// The subject of a person for one application: userinfo answers the same as the client's ID token.
pub(crate) fn pairwise(tenant: &Tenant, user: &User, app: AppId) -> String {
    let message = [user.id.uuid().as_bytes().as_slice(), app.uuid().as_bytes()].concat();
    secret::mac_text(&tenant.salt, &message)
}
