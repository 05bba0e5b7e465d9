//! Numbers of refusals that no other story comes across.

use entrance_testkit::{Entrance, PASSWORD};
use serde_json::Value;

use super::{AZ, refusal, text};

const TOKEN: &str = "/organizations/oauth2/v2.0/token";

#[tokio::test]
async fn aadsts_28003_a_token_request_that_asks_for_nothing_is_refused() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let form = [("grant_type", "password"), ("client_id", AZ), ("username", "alice@contoso.example"), ("password", PASSWORD)];
    assert_eq!(refusal(world.post(TOKEN, &form).await).await.2, 28003);
}

#[tokio::test]
async fn aadsts_70002_a_basic_header_that_is_none_proves_no_client() {
    let world = Entrance::start().await;
    for header in ["Basic", "Basic !!!", "Basic bm8gY29sb24="] {
        let request = world.client.post(world.url(TOKEN)).header("authorization", header).form(&[("grant_type", "password")]);
        assert_eq!(refusal(request.send().await.expect("answers")).await, (401, "invalid_client".into(), 70002), "{header}");
    }
}

#[tokio::test]
async fn aadsts_90015_a_query_that_is_too_long_is_not_read() {
    let world = Entrance::start().await;
    let page = world.browser().get(&format!("/common/oauth2/v2.0/authorize?client_id={AZ}&state={}", "x".repeat(9000))).await;
    assert_eq!((page.status, page.text("error-code").as_str()), (400, "AADSTS90015"));
}

#[tokio::test]
async fn aadsts_7000216_a_built_in_program_is_nobody_by_itself() {
    let world = Entrance::start().await;
    let form = [("grant_type", "client_credentials"), ("client_id", AZ), ("scope", "https://graph.microsoft.com/.default")];
    let path = format!("/{}/oauth2/v2.0/token", world.tenant);
    assert_eq!(refusal(world.post(&path, &form).await).await.2, 7_000_216);
}

#[tokio::test]
async fn aadsts_90120_a_device_that_somebody_answered_is_not_answered_again() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let form = [("client_id", AZ), ("scope", "openid offline_access")];
    let begun: Value = world.post("/organizations/oauth2/v2.0/devicecode", &form).await.json().await.expect("JSON");
    let (mut first, mut second) = (world.browser(), world.browser());
    let mut pages = Vec::new();
    for browser in [&mut first, &mut second] {
        let page = browser.get("/devicelogin").await;
        let page = browser.submit(&page, &[("otc", text(&begun, "user_code"))]).await;
        pages.push(browser.sign_in(&page, "alice@contoso.example", PASSWORD).await);
    }
    let stopped = first.submit(&pages[0], &[("decision", "deny")]).await;
    assert!(stopped.html.contains("data-result=\"denied\""), "{}", stopped.html);
    let late = second.submit(&pages[1], &[("decision", "approve")]).await;
    assert_eq!(late.text("error-code"), "AADSTS90120", "{}", late.html);
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", AZ),
        ("device_code", text(&begun, "device_code")),
    ];
    assert_eq!(refusal(world.post(TOKEN, &form).await).await.2, 70022, "the first answer stands");
}
