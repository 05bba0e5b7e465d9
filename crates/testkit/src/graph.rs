//! Asking the directory API in a test.

use entrance_model::directory::User;
use entrance_model::id::{AppId, PrincipalId};
use entrance_model::well_known;
use entrance_server::authority::keys::Header;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Entrance;

/// An answer of the directory API.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its body; `null` when there is none.
    pub body: Value,
}

impl Answer {
    /// The message of a refusal.
    pub fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    /// Status, code and message of a refusal, or the status alone, in one line.
    pub fn outcome(&self) -> String {
        match self.body["error"]["code"].as_str() {
            Some(code) => format!("{} {code}: {}", self.status, self.message()),
            None => self.status.to_string(),
        }
    }

    /// A member of the body as text.
    ///
    /// # Panics
    ///
    /// When it is not there.
    pub fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("`{name}` is not in {}", self.body)).to_owned()
    }

    /// One member of every object of a list.
    pub fn each(&self, name: &str) -> Vec<String> {
        let values = self.body["value"].as_array().cloned().unwrap_or_default();
        values.iter().map(|value| value[name].as_str().unwrap_or_default().to_owned()).collect()
    }
}

impl Entrance {
    /// A directory token of a person, as `az` gets one.
    pub fn graph_token(&self, user: &User) -> String {
        self.token(&self.claims_of(user))
    }

    /// The claims of a directory token of a person; change them and have them signed by [`Entrance::token`].
    pub fn claims_of(&self, user: &User) -> Value {
        let mut claims = self.claims(user.id.into(), "user", well_known::AZURE_CLI);
        claims["upn"] = user.upn.as_str().into();
        claims["scp"] = "user_impersonation".into();
        claims
    }

    /// The claims of a directory token of an application by itself.
    pub fn claims_of_app(&self, principal: PrincipalId, app: AppId, roles: &[&str]) -> Value {
        let mut claims = self.claims(principal, "app", app);
        claims["roles"] = json!(roles);
        claims
    }

    fn claims(&self, oid: PrincipalId, kind: &str, app: AppId) -> Value {
        let now = self.app().now();
        let known = self.app().people.snapshot(now).map_or(0, |people| people.revocation_head(self.tenant));
        let now = now.as_second();
        json!({
            "aud": format!("{}/", self.app().base()),
            "iss": self.app().issuer_v1(self.tenant),
            "iat": now, "nbf": now, "exp": now + 3600,
            "ver": "1.0", "tid": self.tenant, "oid": oid, "appid": app, "idtyp": kind, "uti": Uuid::new_v4().to_string(),
            "rev": known,
        })
    }

    /// Signs claims as the token service does.
    pub fn token(&self, claims: &Value) -> String {
        self.app().keys.sign(claims, Header::V1)
    }

    /// Asks the directory API; `null` sends no body.
    ///
    /// # Panics
    ///
    /// When the server does not answer with JSON.
    pub async fn graph(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let method = method.parse().expect("a method");
        let mut request = self.client.request(method, self.url(path)).bearer_auth(token);
        if !body.is_null() {
            request = request.json(&body);
        }
        Self::answer(request.send().await.expect("the server answers")).await
    }

    /// Reads an answer of the directory API.
    ///
    /// # Panics
    ///
    /// When the body is neither empty nor JSON.
    pub async fn answer(response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        Answer { status, headers, body }
    }
}
