//! The gate: what strangers reach. Authorization requests, consent, sign-out, the pages and their languages.

mod assignment;
mod authorize;
mod consent;
mod device;
mod grants;
mod id_hint;
mod pages;
mod sign_out;

use std::collections::BTreeMap;

use entrance_model::directory::{Application, ServicePrincipal};
use entrance_testkit::{Browser, Entrance, PASSWORD, Page, changed};
use serde_json::{Value, json};

/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://localhost:41234";
const TOKEN: &str = "/organizations/oauth2/v2.0/token";
const ORDERS_READ: &str = "11111111-1111-4111-8111-111111111111";
const ORDERS_DELETE: &str = "22222222-2222-4222-8222-222222222222";

/// Two applications: one offers permissions, the other one asks for them.
struct Shop {
    client: Application,
    principal: ServicePrincipal,
    resource: ServicePrincipal,
}

impl Shop {
    async fn open(world: &Entrance) -> Self {
        let (orders, resource) = world
            .application("Orders", |app| {
                app.identifier_uris = vec!["api://orders".into()];
                let scopes = json!([
                    {"id": ORDERS_READ, "value": "Orders.Read", "type": "User", "isEnabled": true, "userConsentDisplayName": "See your orders"},
                    {"id": ORDERS_DELETE, "value": "Orders.Delete", "type": "Admin", "isEnabled": true},
                ]);
                app.other.insert("api".into(), json!({ "oauth2PermissionScopes": scopes }));
            })
            .await;
        let (client, principal) = world
            .application("Shop <b>", |app| {
                app.is_public_client = true;
                app.redirects.public_client = vec!["http://localhost".into()];
                app.redirects.web = vec!["https://shop.example/back".into()];
                app.other.insert(
                    "requiredResourceAccess".into(),
                    json!([{"resourceAppId": orders.app_id, "resourceAccess": [{"id": ORDERS_READ, "type": "Scope"}]}]),
                );
            })
            .await;
        Self { client, principal, resource }
    }

    fn id(&self) -> String {
        self.client.app_id.to_string()
    }

    /// An authorization request of the shop.
    fn authorize(&self, change: &[(&str, &str)]) -> String {
        authorize(&self.id(), change)
    }
}

/// An authorization request; an empty value leaves a parameter out.
fn authorize(client: &str, change: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid offline_access api://orders/Orders.Read"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let parameters = changed(&usual, change);
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/organizations/oauth2/v2.0/authorize?{query}")
}

/// Signs in where a page asks for it.
async fn opened(browser: &mut Browser<'_>, address: &str, who: &str) -> Page {
    let page = browser.get(address).await;
    if page.has("signin-form") { browser.sign_in(&page, &format!("{who}@contoso.example"), PASSWORD).await } else { page }
}

/// What an application was sent.
fn answered(page: &Page) -> BTreeMap<String, String> {
    let address = page.left_to.as_deref().unwrap_or_else(|| panic!("no answer but {}", page.html));
    let (_, query) = address.split_once(['?', '#']).expect("parameters");
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Redeems a code.
async fn redeemed(world: &Entrance, client: &str, code: &str) -> (u16, Value) {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let answer = world.post(TOKEN, &form).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// The claims of a token, unverified.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).expect("a payload");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
