//! S-260: an application asks in the name of the person who called it.

use entrance_model::directory::{Application, User};
use entrance_model::signin::revocation::Target;
use entrance_store::authority::Revoke;
use entrance_testkit::{Entrance, PASSWORD, minutes};
use serde_json::{Value, json};

use super::{AKS, AZ, refusal, secret, text, verified};

const SECRET: &str = "Xy~8Q_a-secret-with-plenty-of-random-characters";
const GRAPH: &str = "https://graph.microsoft.com";

/// An API with a secret of its own, which people also sign in to with a program.
async fn api(world: &Entrance, name: &str) -> Application {
    let settle = |app: &mut Application| {
        app.is_public_client = true;
        app.token_version = 2;
        app.identifier_uris = vec![format!("api://{name}")];
        app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"));
        let scope = json!({"id": "7d3f5a0e-6f0c-4a43-9a43-0d3c8f8d0a11", "isEnabled": true, "value": "use", "type": "User"});
        app.other.insert("api".into(), json!({"oauth2PermissionScopes": [scope]}));
    };
    world.application(name, settle).await.0
}

/// The whole answer that a person gets for the API by name and password.
async fn called(world: &Entrance, user: &User, app: &Application, more: &[(&str, &str)]) -> Value {
    let (id, scope) = (app.app_id.to_string(), format!("api://{}/use openid", app.display_name));
    let mut form = vec![
        ("grant_type", "password"),
        ("client_id", id.as_str()),
        ("username", user.upn.as_str()),
        ("password", PASSWORD),
        ("scope", &scope),
    ];
    form.extend(more);
    let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap_or_default());
    answer.json().await.expect("JSON")
}

async fn exchange(world: &Entrance, app: &Application, assertion: &str, change: &[(&str, &str)]) -> reqwest::Response {
    let id = app.app_id.to_string();
    let mut form = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("client_id", id.as_str()),
        ("client_secret", SECRET),
        ("assertion", assertion),
        ("requested_token_use", "on_behalf_of"),
        ("scope", "https://graph.microsoft.com/User.Read"),
    ];
    for (name, value) in change {
        form.retain(|(known, _)| known != name);
        if !value.is_empty() {
            form.push((name, value));
        }
    }
    world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await
}

#[tokio::test]
async fn s_260_a_middle_tier_gets_a_token_of_the_same_person_that_names_it_as_the_client() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let app = api(&world, "obo-shop").await;
    let called = called(&world, &alice, &app, &[]).await;
    let answer = exchange(&world, &app, text(&called, "access_token"), &[]).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap_or_default());
    let tokens: Value = answer.json().await.expect("JSON");
    assert!(tokens.get("refresh_token").is_none(), "only with offline_access");
    let claims = verified(&world, text(&tokens, "access_token")).await;
    assert_eq!(text(&claims, "aud"), GRAPH);
    assert_eq!((text(&claims, "oid"), text(&claims, "idtyp")), (alice.id.to_string().as_str(), "user"));
    assert_eq!((text(&claims, "appid"), text(&claims, "appidacr")), (app.app_id.to_string().as_str(), "1"));
    assert_eq!(text(&claims, "scp"), "User.Read");
    let first = verified(&world, text(&called, "access_token")).await;
    assert_eq!(claims["sid"], first["sid"], "it ends with the session that it came from");
    assert!(
        world
            .client
            .get(world.url("/v1.0/me"))
            .bearer_auth(text(&tokens, "access_token"))
            .send()
            .await
            .expect("answers")
            .status()
            .is_success()
    );
}

#[tokio::test]
async fn s_260_its_refresh_token_is_the_middle_tiers_and_ends_with_the_person() {
    let world = Entrance::start().await;
    let mut alice = world.user("alice").await;
    let app = api(&world, "obo-shop").await;
    let called = called(&world, &alice, &app, &[]).await;
    let scope = [("scope", "https://graph.microsoft.com/User.Read offline_access")];
    let tokens: Value = exchange(&world, &app, text(&called, "access_token"), &scope).await.json().await.expect("JSON");
    let (id, token) = (app.app_id.to_string(), text(&tokens, "refresh_token").to_owned());
    let refresh = async |proof: &[(&str, &str)]| {
        let form =
            [&[("grant_type", "refresh_token"), ("client_id", id.as_str()), ("refresh_token", token.as_str())], proof].concat();
        world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await
    };
    assert_eq!(refusal(refresh(&[]).await).await.2, 7_000_218, "the client proves itself each time");
    assert_eq!(refresh(&[("client_secret", SECRET)]).await.status(), 200);
    alice.enabled = false;
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().update_user(world.tenant, &alice).await.expect("updates");
    tx.commit().await.expect("commits");
    assert_eq!(refusal(refresh(&[("client_secret", SECRET)]).await).await, (400, "invalid_grant".into(), 50057));
}

#[tokio::test]
async fn s_260_what_is_shown_has_to_be_a_living_token_of_a_person_for_this_application() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (app, other) = (api(&world, "obo-shop").await, api(&world, "obo-till").await);
    let mine = called(&world, &alice, &app, &[]).await;
    let good = text(&mine, "access_token");
    let refused = async |assertion: &str| refusal(exchange(&world, &app, assertion, &[]).await).await.2;

    assert_eq!(refused(text(&mine, "id_token")).await, 240_002, "an ID token is for the client only");
    let theirs = called(&world, &alice, &other, &[]).await;
    assert_eq!(refused(text(&theirs, "access_token")).await, 500_131, "made for another application");
    let (head, signature) = good.rsplit_once('.').expect("a token");
    let first = if signature.starts_with('A') { "B" } else { "A" };
    assert_eq!(refused(&format!("{head}.{first}{}", &signature[1..])).await, 50013, "a signature that does not fit");
    assert_eq!(refused("not.a.token").await, 50013);
    let bound = super::pop::confirmation(&json!({"kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}));
    let pop = called(&world, &alice, &app, &[("token_type", "pop"), ("req_cnf", &bound)]).await;
    assert_eq!(refused(text(&pop, "access_token")).await, 50013, "a token that is bound to a key");

    let id = app.app_id.to_string();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", SECRET),
        ("scope", "api://obo-shop/.default"),
    ];
    let own: Value = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await.json().await.expect("JSON");
    assert_eq!(refused(text(&own, "access_token")).await, 7_000_114, "of an application by itself");

    world.sleep(minutes(59));
    assert_eq!(exchange(&world, &app, good, &[]).await.status(), 200);
    world.sleep(minutes(2));
    assert_eq!(refused(good).await, 500_133, "past its end");
}

#[tokio::test]
async fn s_260_a_client_that_proves_nothing_and_a_request_that_says_nothing_are_refused() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let app = api(&world, "obo-shop").await;
    let called = called(&world, &alice, &app, &[]).await;
    let good = text(&called, "access_token");
    let with = async |change: &[(&str, &str)]| refusal(exchange(&world, &app, good, change).await).await;
    assert_eq!(with(&[("client_secret", "")]).await, (401, "invalid_client".into(), 7_000_218));
    assert_eq!(with(&[("requested_token_use", "")]).await, (400, "invalid_request".into(), 900_144));
    assert_eq!(with(&[("assertion", "")]).await.2, 900_144);
    assert_eq!(with(&[("scope", "")]).await.2, 900_144);
    assert_eq!(with(&[("scope", "https://management.azure.com/user_impersonation")]).await.2, 65001, "nobody allowed that");
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("client_id", AZ),
        ("assertion", good),
        ("requested_token_use", "on_behalf_of"),
        ("scope", &format!("{AKS}/.default")),
    ];
    let public = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
    assert_eq!(refusal(public).await.2, 7_000_218);
    let id = app.app_id.to_string();
    let form = [&form[..1], &[("client_id", id.as_str()), ("client_secret", SECRET)], &form[2..]].concat();
    assert_eq!(refusal(world.post("/common/oauth2/v2.0/token", &form).await).await.2, 9_001_023);
}

#[tokio::test]
async fn s_260_a_token_that_was_revoked_is_exchanged_for_nothing() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let app = api(&world, "obo-shop").await;
    let called = called(&world, &alice, &app, &[]).await;
    let good = text(&called, "access_token");
    let session = text(&verified(&world, good).await, "sid").parse().expect("a session");
    let (target, at) = (Target::Session(session), world.app().now());
    let mut tx = world.app().store.write().await.expect("writes");
    let revoke = Revoke { target: &target, only: None, reason: "test", by: None, at };
    tx.authority().revoke(world.tenant, &revoke).await.expect("revokes");
    tx.commit().await.expect("commits");
    assert_eq!(refusal(exchange(&world, &app, good, &[]).await).await, (400, "invalid_grant".into(), 50173));
}

#[tokio::test]
async fn s_260_a_device_s_token_is_as_old_as_the_sign_in_that_let_the_device_in() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let admin = world.directory_admin("admin").await;
    let app = api(&world, "obo-shop").await;
    let id = app.app_id.to_string();
    let mut browser = world.browser();
    let page = browser.get("/me").await;
    browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;

    world.sleep(minutes(50));
    let asked = [("client_id", id.as_str()), ("scope", "api://obo-shop/use")];
    let begun = world.post(&format!("/{}/oauth2/v2.0/devicecode", world.tenant), &asked).await;
    let begun: Value = begun.json().await.expect("JSON");
    let page = browser.get("/devicelogin").await;
    let page = browser.submit(&page, &[("otc", text(&begun, "user_code"))]).await;
    let account = page.html.split("name=\"account\" value=\"").nth(1).expect("an account")[..36].to_owned();
    let page = browser.submit(&page, &[("account", &account)]).await;
    browser.submit(&page, &[("decision", "approve")]).await;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", id.as_str()),
        ("device_code", text(&begun, "device_code")),
    ];
    let called: Value = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await.json().await.expect("JSON");
    let policy = json!({
        "displayName": "The directory every hour", "state": "enabled",
        "conditions": {
            "users": {"includeUsers": [alice.id]},
            "applications": {"includeApplications": ["00000003-0000-0000-c000-000000000000"]},
        },
        "sessionControls": {"signInFrequency": {"value": 1, "type": "hours", "isEnabled": true}},
    });
    let made = world.graph(&world.graph_token(&admin), "POST", "/v1.0/identity/conditionalAccess/policies", policy).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(exchange(&world, &app, text(&called, "access_token"), &[]).await.status(), 200);
    world.sleep(minutes(10));
    let refused = exchange(&world, &app, text(&called, "access_token"), &[]).await;
    assert_eq!(refusal(refused).await, (400, "interaction_required".into(), 70043), "an hour after the password");
}

#[tokio::test]
async fn s_260_where_a_second_factor_is_wanted_the_middle_tier_learns_what_to_send_the_person_back_with() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let admin = world.directory_admin("admin").await;
    let app = api(&world, "obo-shop").await;
    let called = called(&world, &alice, &app, &[]).await;
    let policy = json!({
        "displayName": "The directory needs more", "state": "enabled",
        "conditions": {
            "users": {"includeUsers": [alice.id]},
            "applications": {"includeApplications": ["00000003-0000-0000-c000-000000000000"]},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
    });
    let made = world.graph(&world.graph_token(&admin), "POST", "/v1.0/identity/conditionalAccess/policies", policy).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let answer = exchange(&world, &app, text(&called, "access_token"), &[]).await;
    assert_eq!(answer.status(), 400);
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!((text(&body, "error"), &body["error_codes"][0]), ("interaction_required", &json!(50076)));
    assert!(serde_json::from_str::<Value>(text(&body, "claims")).is_ok_and(|claims| claims["access_token"].is_object()));
}
