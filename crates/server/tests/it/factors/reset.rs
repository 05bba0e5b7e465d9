use entrance_testkit::{Entrance, PASSWORD, minutes};
use serde_json::Value;

use super::passkey::with_passkey;
use super::{arm, at_home, told, upn, with_app};

#[tokio::test]
async fn s_802_an_administrator_resets_the_factors_of_somebody_who_lost_everything() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let admin = world.directory_admin("admin").await;
    let (mut home, _) = at_home(&world, "alice").await;
    with_app(&world, &mut home).await;
    world.sleep(minutes(1));
    with_passkey(&world, &mut home, "laptop").await;
    let token = world.graph_token(&admin);
    let methods = format!("/v1.0/users/{}/authentication/methods", alice.id);
    let listed = world.graph(&token, "GET", &methods, Value::Null).await;
    let kinds = listed.each("@odata.type");
    assert_eq!(
        kinds,
        ["password", "softwareOath", "fido2"].map(|kind| format!("#microsoft.graph.{kind}AuthenticationMethod")),
        "{}",
        listed.body
    );
    assert!(!listed.body.to_string().contains("secretKey\":\""), "no secret is told");
    let ids = listed.each("id");
    // Neither a member nor the person themselves takes them away here.
    let eve = world.user("eve").await;
    for nobody in [&eve, &alice] {
        let refused = world.graph(&world.graph_token(nobody), "DELETE", &format!("{methods}/{}", ids[1]), Value::Null).await;
        assert_eq!(refused.status, 403, "{}", refused.outcome());
    }
    let own = world.graph(&world.graph_token(&alice), "GET", "/v1.0/me/authentication/fido2Methods", Value::Null).await;
    assert_eq!(own.each("displayName"), ["laptop"]);
    let refused = world.graph(&world.graph_token(&eve), "GET", &methods, Value::Null).await;
    assert_eq!(refused.status, 403, "{}", refused.outcome());

    world.sleep(minutes(1));
    let token = world.graph_token(&admin);
    let gone = world.graph(&token, "DELETE", &format!("{methods}/{}", ids[1]), Value::Null).await;
    assert_eq!(gone.status, 204, "{}", gone.outcome());
    let typed = format!("/v1.0/users/{}/authentication/fido2Methods/{}", alice.id, ids[2]);
    assert_eq!(world.graph(&token, "DELETE", &typed, Value::Null).await.status, 204);
    assert_eq!(world.graph(&token, "DELETE", &typed, Value::Null).await.status, 404);
    assert!(told(&world).await.contains(&"factor.removed".to_owned()));
    assert!(home.get("/me").await.has("signin-form"), "whoever has the lost device is signed out");
    let mut browser = world.browser();
    let page = browser.get(&arm(&world)).await;
    assert!(browser.sign_in(&page, &upn("alice"), PASSWORD).await.left_to.is_some());
}

#[tokio::test]
async fn w_033_an_administrator_removes_their_own_factor_on_their_own_page_only() {
    let world = Entrance::start().await;
    let admin = world.directory_admin("admin").await;
    let (mut home, _) = at_home(&world, "admin").await;
    with_app(&world, &mut home).await;
    let token = world.graph_token(&admin);
    let listed = world.graph(&token, "GET", "/v1.0/me/authentication/methods", Value::Null).await;
    let app = format!("/v1.0/me/authentication/softwareOathMethods/{}", listed.each("id")[1]);
    let refused = world.graph(&token, "DELETE", &app, Value::Null).await;
    assert!(refused.status == 400 && refused.message().contains("own page"), "{}", refused.outcome());
}
