//! What tokens say (S-400…S-405, S-420…S-422): one table of the contract, one function per column.
//!
//! The `groups` claim is information for other verifiers: our webhook reads groups from the directory at every review.

use entrance_model::Timestamp;
use entrance_model::directory::{Tenant, User};
use entrance_model::id::AppId;
use entrance_model::signin::groups::Groups;
use entrance_model::signin::manifest::Optional;
use entrance_model::signin::resource::{Kind, Resource};
use entrance_model::signin::scope::Oidc;
use entrance_model::signin::{Method, SignIn};
use serde_json::{Map, Value, json};

use super::behind::{self, Behind};
use super::client::{Client, Proof};
use super::entitled::{Entitled, is_guest};
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
    /// Where the request came from.
    pub(crate) address: String,
}

/// Life of an ID token, in seconds.
const ID_LIFE: i64 = 60 * 60;
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
        claims.insert("rev".into(), self.wanted.known.revocation.into());
        // Only where every call checks whether the token still counts: here, and where an application says so (S-403).
        let checks =
            matches!(self.resource.kind, Kind::Graph | Kind::Arm) || self.resource.manifest.access.contains(&Optional::XmsCc);
        if self.wanted.can_answer_challenge && checks {
            claims.insert("xms_cc".into(), json!(["cp1"]));
        }
        if let Some(kid) = &self.wanted.key {
            claims.insert("cnf".into(), json!({ "kid": kid }));
        }
        claims
    }
}

/// An access token of a person.
pub(crate) fn user_access(facts: &Facts<'_>, user: &User, by: &SignIn, granted: &[&str], entitled: &Entitled) -> Claims {
    let mut claims = facts.access();
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
        claims.insert("preferred_username".into(), user.upn.as_str().into());
        if facts.wanted.asked.has(Oidc::Profile) {
            claims.insert("name".into(), user.display_name.clone().into());
        }
    } else {
        v1_names(&mut claims, user);
        claims.insert("acr".into(), "1".into());
        claims.insert("amr".into(), amr(&by.how));
    }
    claims.insert("sid".into(), by.session.to_string().into());
    // Only an application of the tenant can exchange it.
    if facts.resource.kind == Kind::Own {
        claims.insert(behind::CLAIM.into(), Behind::claim(by).into());
    }
    told(&mut claims, facts, &format!("users/{}", user.id), entitled);
    for claim in &facts.resource.manifest.access {
        optional(&mut claims, facts, user, by, *claim);
    }
    claims
}

/// An access token of an application by itself.
pub(crate) fn app_access(facts: &Facts<'_>, entitled: &Entitled) -> Claims {
    let mut claims = facts.access();
    let id = facts.client.principal.id.to_string();
    let issuer = claims["iss"].clone();
    claims.insert("sub".into(), id.clone().into());
    claims.insert("idtyp".into(), "app".into());
    claims.insert("idp".into(), issuer);
    told(&mut claims, facts, &format!("servicePrincipals/{id}"), entitled);
    claims.insert("oid".into(), id.into());
    claims
}

/// Groups, roles and directory roles; nothing is said of none.
fn told(claims: &mut Claims, facts: &Facts<'_>, path: &str, entitled: &Entitled) {
    match &entitled.groups {
        Groups::None => {}
        Groups::Named(groups) => {
            claims.insert("groups".into(), groups.iter().map(ToString::to_string).collect());
        }
        Groups::TooMany => {
            // S-421: where to ask instead.
            let endpoint = format!("{}/v1.0/{path}/getMemberObjects", facts.app.base());
            claims.insert("_claim_names".into(), json!({ "groups": "src1" }));
            claims.insert("_claim_sources".into(), json!({ "src1": { "endpoint": endpoint } }));
        }
    }
    if !entitled.roles.is_empty() {
        claims.insert("roles".into(), entitled.roles.clone().into());
    }
    if !entitled.wids.is_empty() {
        claims.insert("wids".into(), entitled.wids.clone().into());
    }
}

/// A claim that an application asks for; never in the place of one that is there (S-405).
fn optional(claims: &mut Claims, facts: &Facts<'_>, user: &User, by: &SignIn, claim: Optional) {
    let (name, value): (&str, Option<Value>) = match claim {
        Optional::Acct => ("acct", Some(i32::from(is_guest(user)).into())),
        Optional::AuthTime => ("auth_time", Some(by.at.as_second().into())),
        Optional::Email => ("email", user.mail.clone().map(Value::from)),
        Optional::FamilyName => ("family_name", user.surname.clone().map(Value::from)),
        Optional::GivenName => ("given_name", user.given_name.clone().map(Value::from)),
        Optional::Ipaddr => ("ipaddr", Some(facts.address.clone().into())),
        Optional::LoginHint | Optional::PreferredUsername | Optional::Upn => {
            let name = match claim {
                Optional::LoginHint => "login_hint",
                Optional::Upn => "upn",
                _ => "preferred_username",
            };
            (name, Some(user.upn.as_str().into()))
        }
        Optional::Sid => ("sid", Some(by.session.to_string().into())),
        // Groups are in the manifest's memberships, capabilities in what the request asks.
        Optional::Groups | Optional::XmsCc => return,
    };
    if let Some(value) = value {
        claims.entry(name).or_insert(value);
    }
}

/// An ID token of the v2 endpoint (S-404).
pub(crate) fn id_v2(facts: &Facts<'_>, user: &User, by: &SignIn, entitled: &Entitled) -> Claims {
    let mut claims = id_token(facts, user, by, 2);
    claims.insert("preferred_username".into(), user.upn.as_str().into());
    if facts.wanted.asked.has(Oidc::Profile) {
        claims.insert("name".into(), user.display_name.clone().into());
    }
    if let (true, Some(mail)) = (facts.wanted.asked.has(Oidc::Email), &user.mail) {
        claims.insert("email".into(), mail.clone().into());
    }
    finish_id(claims, facts, user, by, entitled)
}

/// An ID token of the v1 endpoint.
pub(crate) fn id_v1(facts: &Facts<'_>, user: &User, by: &SignIn, entitled: &Entitled) -> Claims {
    let mut claims = id_token(facts, user, by, 1);
    v1_names(&mut claims, user);
    claims.insert("amr".into(), amr(&by.how));
    finish_id(claims, facts, user, by, entitled)
}

fn finish_id(mut claims: Claims, facts: &Facts<'_>, user: &User, by: &SignIn, entitled: &Entitled) -> Claims {
    told(&mut claims, facts, &format!("users/{}", user.id), entitled);
    for claim in &facts.client.manifest().id {
        optional(&mut claims, facts, user, by, *claim);
    }
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

/// The names of v1 tokens. A guest has no name of ours: the one they have at home, behind where that is.
fn v1_names(claims: &mut Claims, user: &User) {
    let home = user.mail.as_deref().filter(|_| is_guest(user)).and_then(|mail| Some((mail, mail.rsplit_once('@')?.1)));
    if let Some((mail, home)) = home {
        claims.insert("unique_name".into(), format!("{home}#{mail}").into());
    } else {
        claims.insert("upn".into(), user.upn.as_str().into());
        claims.insert("unique_name".into(), user.upn.as_str().into());
    }
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
