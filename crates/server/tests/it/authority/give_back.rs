//! RFC 7009: a refresh token that is given back is worth nothing, and neither is what came from it.

use entrance_testkit::Entrance;
use serde_json::Value;

use super::{AKS, AKS_CLIENT, AZ, refreshed, refusal, signs_in, text};

async fn give_back(world: &Entrance, segment: &str, client: &str, token: &str) -> u16 {
    let form = [("token", token), ("token_type_hint", "refresh_token"), ("client_id", client)];
    world.post(&format!("/{segment}/oauth2/v2.0/revoke"), &form).await.status().as_u16()
}

#[tokio::test]
async fn a_token_that_was_given_back_is_refused_and_the_directory_keeps_who_did_it() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let document: Value = world.get("/contoso.example/v2.0/.well-known/openid-configuration").await.json().await.expect("JSON");
    let place = format!("{}/{}/oauth2/v2.0/revoke", world.app().base(), world.tenant);
    assert_eq!(text(&document, "revocation_endpoint"), place);

    let scope = format!("{AKS}/.default openid offline_access");
    let answer = signs_in(&world, AKS_CLIENT, &scope).await.json::<Value>().await.expect("JSON");
    let other = signs_in(&world, AKS_CLIENT, &scope).await.json::<Value>().await.expect("JSON");
    let token = text(&answer, "refresh_token");
    assert_eq!(give_back(&world, &world.tenant.to_string(), AKS_CLIENT, token).await, 200);
    assert_eq!(refreshed(&world, AKS_CLIENT, token).await, (400, "invalid_grant".into(), 50173));
    assert_eq!(
        refreshed(&world, AKS_CLIENT, text(&other, "refresh_token")).await.0,
        200,
        "another sign-in of the same person stays"
    );
    let trail = world.app().store.read().await.expect("reads").audit_trail(world.tenant, 20).await.expect("reads");
    assert!(trail.iter().any(|row| row.kind == "refreshToken.returned"));
    // Twice is no error, and neither is a token that nobody knows.
    assert_eq!(give_back(&world, "organizations", AKS_CLIENT, token).await, 200);
    assert_eq!(give_back(&world, &world.tenant.to_string(), AKS_CLIENT, "nobody knows it").await, 200);
}

#[tokio::test]
async fn nobody_ends_the_token_of_another_client() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let answer = signs_in(&world, AZ, "openid offline_access").await.json::<Value>().await.expect("JSON");
    let token = text(&answer, "refresh_token");
    assert_eq!(give_back(&world, &world.tenant.to_string(), AKS_CLIENT, token).await, 400);
    assert_eq!(give_back(&world, "no.such.tenant", AZ, token).await, 400);
    assert_eq!(refreshed(&world, AZ, token).await.0, 200);
    let missing = world.post(&format!("/{}/oauth2/v2.0/revoke", world.tenant), &[("client_id", AZ)]).await;
    assert_eq!(refusal(missing).await, (400, "invalid_request".into(), 900_144));
    assert_eq!(world.get(&format!("/{}/oauth2/v2.0/revoke", world.tenant)).await.status(), 400);
}
