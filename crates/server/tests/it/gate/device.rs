use entrance_testkit::{Browser, Entrance, PASSWORD, Page};
use serde_json::Value;

use super::Shop;

const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(world: &Entrance, client: &str, scope: &str) -> (String, String) {
    let answer = world.post("/organizations/oauth2/v2.0/devicecode", &[("client_id", client), ("scope", scope)]).await;
    let body: Value = answer.json().await.expect("JSON");
    let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    (text("device_code"), text("user_code"))
}

async fn typed(browser: &mut Browser<'_>, code: &str) -> Page {
    let page = browser.get("/devicelogin").await;
    browser.submit(&page, &[("otc", code)]).await
}

#[tokio::test]
async fn w_100_and_w_103_a_code_in_the_address_is_ignored_and_never_gets_into_one() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (_, code) = begin(&world, AZ, "openid").await;
    let mut browser = world.browser();
    for path in [
        format!("/devicelogin?otc={code}"),
        format!("/devicelogin?user_code={code}"),
        format!("/common/oauth2/deviceauth?code={code}"),
    ] {
        let page = browser.get(&path).await;
        assert!(!page.html.contains(&code), "{path}");
        assert!(page.html.contains("<strong>Only type a code that you asked for yourself.</strong>"));
    }
    let page = typed(&mut browser, &code).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert!(page.has("device-confirm-code") && !page.path.contains(&code), "{}", page.path);
}

#[tokio::test]
async fn w_101_wrong_used_and_old_codes_look_the_same() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (_, used) = begin(&world, AZ, "openid").await;
    let mut browser = world.browser();
    let page = typed(&mut browser, &used).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    browser.submit(&page, &[("decision", "deny")]).await;
    let (_, old) = begin(&world, AZ, "openid").await;
    world.sleep(entrance_testkit::minutes(16));
    for code in [used.as_str(), old.as_str(), "BCDFGHJKL", "too short", "<b>"] {
        let page = typed(&mut world.browser(), code).await;
        assert_eq!(page.text("device-error"), "That code is not valid. Codes work once and expire after 15 minutes.", "{code}");
        assert_eq!(page.status, 200);
    }
}

#[tokio::test]
async fn w_102_too_many_codes_have_to_wait() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    let mut last = typed(&mut browser, "BCDFGHJKL").await;
    for _ in 0..6 {
        last = typed(&mut browser, "BCDFGHJKL").await;
    }
    assert_eq!(last.status, 429);
    assert!(last.headers.contains_key("retry-after") && last.text("device-error").starts_with("Too many codes. Wait "));
}

#[tokio::test]
async fn w_102_codes_of_more_than_ten_minutes_ago_do_not_count() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    for round in 0..3 {
        for n in 0..4 {
            assert_eq!(typed(&mut browser, "BCDFGHJKL").await.status, 200, "{round}.{n}");
        }
        world.sleep(entrance_testkit::minutes(10));
    }
    for _ in 0..5 {
        assert_eq!(typed(&mut browser, "BCDFGHJKL").await.status, 200);
    }
    assert_eq!(typed(&mut browser, "BCDFGHJKL").await.status, 429);
}

#[tokio::test]
async fn w_104_a_session_is_never_used_without_a_question_and_only_approve_approves() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (device, code) = begin(&world, AZ, "openid").await;
    let mut browser = world.browser();
    super::opened(&mut browser, &super::authorize(AZ, &[("scope", "openid")]), "alice").await;
    let page = typed(&mut browser, &code).await;
    assert!(page.has("account-list"), "{}", page.html);
    let html = &page.html;
    let at = html.find("name=\"account\" value=\"").expect("an account") + 22;
    let sid = html[at..at + 36].to_owned();
    let page = browser.submit(&page, &[("account", &sid)]).await;
    assert!(page.has("device-confirm-title"), "{}", page.html);
    let (no, yes) = (page.html.find("device-deny").expect("no"), page.html.find("device-approve").expect("yes"));
    assert!(no < yes);
    for odd in [vec![], vec![("decision", "perhaps")]] {
        assert!(browser.submit(&page, &odd).await.has("device-confirm-title"));
    }
    let poll = world.post(super::TOKEN, &[("client_id", AZ), ("grant_type", GRANT), ("device_code", &device)]).await;
    let body: Value = poll.json().await.expect("JSON");
    assert_eq!(body["error"], "authorization_pending");
    let done = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(done.html.contains("data-result=\"approved\""));
}

#[tokio::test]
async fn w_3_4_the_page_tells_who_registered_the_program_and_what_it_could_reach() {
    let world = Entrance::start().await;
    let bob = world.user("bob").await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let mut tx = world.app().store.write().await.expect("writes");
    let owner = entrance_model::directory::Member { id: bob.id.into(), kind: entrance_model::directory::MemberKind::User };
    tx.directory().add_owner(world.tenant, &shop.client.id.to_string(), owner).await.expect("an owner");
    tx.commit().await.expect("commits");
    let (_, code) = begin(&world, &shop.id(), "openid").await;
    let mut browser = world.browser();
    let page = typed(&mut browser, &code).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert!(page.text("device-confirm-app").contains("Registered by a user: bob@contoso.example, "), "{}", page.html);
    assert_eq!(page.text("device-confirm-reach"), "no cluster");
    // W-110: such a program is looked at twice.
    assert!(page.html.contains("data-risk=\"high\"") && page.has("device-confirm-check"));
    let again = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(again.has("device-confirm-title"), "without the tick nothing is approved");
    let done = browser.submit(&page, &[("decision", "approve"), ("confirm_device", "yes")]).await;
    assert!(done.html.contains("data-result=\"approved\""), "{}", done.html);
}

#[tokio::test]
async fn w_3_4_no_ends_the_code_and_can_be_reported() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (device, code) = begin(&world, AZ, "openid").await;
    let mut browser = world.browser();
    let page = typed(&mut browser, &code).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let done = browser.submit(&page, &[("decision", "deny")]).await;
    assert!(done.html.contains("data-result=\"denied\"") && done.has("device-report"));
    let thanks = browser.submit(&done, &[]).await;
    assert!(thanks.text("device-done").starts_with("Thank you."), "{}", thanks.html);
    let poll = world.post(super::TOKEN, &[("client_id", AZ), ("grant_type", GRANT), ("device_code", &device)]).await;
    let body: Value = poll.json().await.expect("JSON");
    assert_eq!(body["error"], "authorization_declined");
}

#[tokio::test]
async fn w_3_5_a_program_on_a_device_is_asked_about_like_any_other() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let (device, code) = begin(&world, &shop.id(), "openid api://orders/Orders.Read").await;
    let mut browser = world.browser();
    let page = typed(&mut browser, &code).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert!(page.has("consent-accept"), "{}", page.html);
    let page = browser.submit(&page, &[("decision", "accept")]).await;
    assert!(page.has("device-confirm-title"), "{}", page.html);
    browser.submit(&page, &[("decision", "approve")]).await;
    let id = shop.id();
    let poll = world.post(super::TOKEN, &[("client_id", id.as_str()), ("grant_type", GRANT), ("device_code", &device)]).await;
    assert_eq!(poll.status(), 200);
}
