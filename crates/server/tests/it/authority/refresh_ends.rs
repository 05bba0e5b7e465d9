//! S-220: everything that ends a refresh token ends it at once, and says why.

use base64::Engine as _;
use entrance_model::directory::User;
use entrance_model::id::SessionId;
use entrance_model::signin::refresh::{Family, FamilyId, Origin, RefreshToken};
use entrance_model::signin::{Method, SignIn};
use entrance_testkit::{Entrance, PASSWORD, minutes};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AKS_CLIENT, AZ, refreshed, refusal, signs_in, text};

async fn token(world: &Entrance, client: &str, scope: &str) -> String {
    let answer = signs_in(world, client, scope).await;
    text(&answer.json::<Value>().await.expect("JSON"), "refresh_token").to_owned()
}

fn invalid(number: u64) -> (u16, String, u64) {
    (400, "invalid_grant".into(), number)
}

#[tokio::test]
async fn s_220_a_deleted_person_is_gone() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let admin = world.directory_admin("admin").await;
    let token = token(&world, AZ, "openid offline_access").await;
    let deleted = world.graph(&world.graph_token(&admin), "DELETE", &format!("/v1.0/users/{}", alice.id), Value::Null).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(refreshed(&world, AZ, &token).await, invalid(50034));
}

#[tokio::test]
async fn s_220_a_password_that_was_reset_and_sessions_that_were_revoked_end_it() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let admin = world.directory_admin("admin").await;
    let admin = world.graph_token(&admin);
    let change = |name: &'static str| json!({"passwordProfile": {"password": name, "forceChangePasswordNextSignIn": false}});
    let before = token(&world, AZ, "openid offline_access").await;
    world.sleep(minutes(1));
    let path = format!("/v1.0/users/{}", alice.id);
    let reset = world.graph(&admin, "PATCH", &path, change("another horse, another battery")).await;
    assert_eq!(reset.status, 204, "{}", reset.body);
    assert_eq!(refreshed(&world, AZ, &before).await, invalid(50173));

    world.sleep(minutes(1));
    assert_eq!(world.graph(&admin, "PATCH", &path, change(PASSWORD)).await.status, 204);
    let again = token(&world, AZ, "openid offline_access").await;
    assert_eq!(refreshed(&world, AZ, &again).await.0, 200);
    world.sleep(minutes(1));
    let revoked = world.graph(&admin, "POST", &format!("{path}/revokeSignInSessions"), Value::Null).await;
    assert_eq!(revoked.status, 200);
    assert_eq!(refreshed(&world, AZ, &again).await, invalid(50173));
}

#[tokio::test]
async fn s_220_a_client_that_was_disabled_gets_nothing_for_it() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (app, mut principal) = world.application("ends-client", |app| app.is_public_client = true).await;
    let id = app.app_id.to_string();
    let token = token(&world, &id, "openid offline_access").await;
    assert_eq!(refreshed(&world, &id, &token).await.0, 200);
    principal.enabled = false;
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().update_service_principal(world.tenant, &principal).await.expect("updates");
    tx.commit().await.expect("commits");
    assert_eq!(refreshed(&world, &id, &token).await.2, 7_000_112);
}

#[tokio::test]
async fn s_220_an_unused_token_ends_after_ninety_days_and_one_in_use_does_not() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let day = |n: u64| minutes(n * 24 * 60);
    let (idle, mut used) = (token(&world, AZ, "openid offline_access").await, token(&world, AZ, "openid offline_access").await);
    for _ in 0..2 {
        world.sleep(day(50));
        let form = [("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", used.as_str())];
        let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
        used = text(&answer.json::<Value>().await.expect("JSON"), "refresh_token").to_owned();
    }
    assert_eq!(refreshed(&world, AZ, &idle).await.2, 700_082);
    assert_eq!(refreshed(&world, AZ, &used).await.0, 200);
}

/// Keeps a family whose first token is `1.{name}`.
async fn family(world: &Entrance, alice: &User, client: &str, origin: Origin, name: &str) -> String {
    let now = world.app().now();
    let by = SignIn { user: alice.id, at: now, how: vec![Method::Pwd], session: SessionId::from_uuid(Uuid::new_v4()) };
    let app = client.parse().expect("an id");
    let scope = "openid offline_access".to_owned();
    let family = Family { app, confidential: false, by, origin, scope, began: now, ended: None };
    let (id, token) = (FamilyId::from_uuid(Uuid::new_v4()), format!("1.{name}"));
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash);
    let mut tx = world.app().store.write().await.expect("writes");
    tx.authority().insert_family(world.tenant, id, &family).await.expect("is new");
    let first = RefreshToken { issued: now, used: None };
    let until = now + std::time::Duration::from_hours(24 * 90);
    tx.authority().insert_refresh_token(&hash, world.tenant, id, &first, until).await.expect("is new");
    tx.commit().await.expect("commits");
    token
}

#[tokio::test]
async fn s_220_pages_and_devices_sign_in_again_after_a_day_and_a_pages_token_is_for_its_page() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (app, _) = world.application("ends-page", |app| app.redirects.spa = vec!["https://shop.example/".into()]).await;
    let id = app.app_id.to_string();
    let page = family(&world, &alice, &id, Origin::Spa, "page").await;
    let device = family(&world, &alice, AKS_CLIENT, Origin::Device, "device").await;
    assert_eq!(refreshed(&world, &id, &page).await.2, 9_002_327, "outside of a browser it is somebody else's");
    let from_page = async || {
        let request = world.client.post(world.url(&format!("/{}/oauth2/v2.0/token", world.tenant)));
        let form = [("grant_type", "refresh_token"), ("client_id", id.as_str()), ("refresh_token", page.as_str())];
        request.header("origin", "https://shop.example").form(&form).send().await.expect("answers")
    };
    assert_eq!(from_page().await.status(), 200);
    world.sleep(minutes(24 * 60));
    assert_eq!(refusal(from_page().await).await, invalid(700_084));
    assert_eq!(refreshed(&world, AKS_CLIENT, &device).await, invalid(70043));
}
