use std::time::Duration;

use entrance_server::Mode;
use entrance_testkit::{Browser, Entrance, PASSWORD, Page, minutes};
use serde_json::Value;

use super::{AKS, AKS_CLIENT, AZ, refusal, text, verified};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(world: &Entrance, client: &str, scope: &str) -> Value {
    let answer = world.post("/organizations/oauth2/v2.0/devicecode", &[("client_id", client), ("scope", scope)]).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}

async fn poll(world: &Entrance, client: &str, code: &str) -> reqwest::Response {
    world
        .post(
            "/organizations/oauth2/v2.0/token",
            &[("client_id", client), ("grant_type", GRANT), ("device_code", code), ("client_info", "1")],
        )
        .await
}

/// Types the code and signs in; answers the page that asks for a yes.
async fn confirm_page(browser: &mut Browser<'_>, code: &str, who: &str) -> Page {
    let page = browser.get("/devicelogin").await;
    let page = browser.submit(&page, &[("otc", code)]).await;
    assert!(page.has("signin-form"), "{}", page.html);
    browser.sign_in(&page, who, PASSWORD).await
}

#[tokio::test]
async fn s_230_a_person_approves_a_device_and_it_gets_tokens_once() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let begun = begin(&world, AZ, &format!("{}/arm/.default offline_access openid profile", world.app().base())).await;
    assert_eq!(begun["expires_in"], 900);
    assert_eq!(begun["interval"], 5);
    let (code, user_code) = (text(&begun, "device_code"), text(&begun, "user_code"));
    assert!(
        text(&begun, "message")
            .contains(&format!(" open the page {} and enter the code {user_code} ", world.url("/devicelogin")))
    );
    assert_eq!(refusal(poll(&world, AZ, code).await).await, (400, "authorization_pending".into(), 70016));

    let mut browser = world.browser();
    let typed = format!(" {}-{} ", user_code[..4].to_lowercase(), &user_code[4..]);
    let page = confirm_page(&mut browser, &typed, "Alice@contoso.example").await;
    assert_eq!(page.text("device-confirm-user"), "alice@contoso.example");
    assert_eq!(page.text("device-confirm-code"), user_code);
    assert!(page.html.contains("data-value=\"same\""));
    let page = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(page.html.contains("data-result=\"approved\""), "{}", page.html);

    let answer = poll(&world, AZ, code).await;
    assert_eq!(answer.headers()["cache-control"], "no-store, no-cache");
    let tokens: Value = answer.json().await.expect("JSON");
    assert_eq!(text(&tokens, "foci"), "1");
    assert_eq!(text(&tokens, "scope"), format!("{0}/arm/user_impersonation {0}/arm/.default", world.app().base()));
    let access = verified(&world, text(&tokens, "access_token")).await;
    assert_eq!(text(&access, "aud"), world.url("/arm"));
    assert_eq!(text(&access, "iss"), world.app().issuer_v1(world.tenant));
    assert_eq!(text(&access, "oid"), alice.id.to_string());
    assert_eq!(text(&access, "upn"), "alice@contoso.example");
    assert_eq!(text(&access, "scp"), "user_impersonation");
    assert_eq!(text(&access, "idtyp"), "user");
    assert_eq!(text(&access, "appidacr"), "0");
    assert_eq!(access["jti"], access["uti"]);
    let id = verified(&world, text(&tokens, "id_token")).await;
    assert_eq!(text(&id, "aud"), AZ);
    assert_eq!(text(&id, "iss"), world.app().issuer_v2(world.tenant));
    assert_eq!(text(&id, "preferred_username"), "alice@contoso.example");
    assert_ne!(id["sub"], access["sub"], "a subject per application");
    assert_eq!(refusal(poll(&world, AZ, code).await).await, (400, "bad_verification_code".into(), 70018));
}

#[tokio::test]
async fn s_230_declined_expired_foreign_and_unknown_codes_say_so() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let begun = begin(&world, AKS_CLIENT, &format!("{AKS}/.default openid offline_access profile")).await;
    let code = text(&begun, "device_code");
    assert_eq!(refusal(poll(&world, AZ, code).await).await.2, 70018, "another client's code");
    let mut browser = world.browser();
    let page = confirm_page(&mut browser, text(&begun, "user_code"), "alice@contoso.example").await;
    let page = browser.submit(&page, &[("decision", "deny")]).await;
    assert!(page.html.contains("data-result=\"denied\"") && page.has("device-report"));
    assert_eq!(refusal(poll(&world, AKS_CLIENT, code).await).await, (400, "authorization_declined".into(), 70022));
    let page = browser.submit(&page, &[]).await;
    assert!(!page.has("device-report"), "{}", page.html);

    let begun = begin(&world, AKS_CLIENT, &format!("{AKS}/.default")).await;
    world.sleep(minutes(15));
    assert_eq!(refusal(poll(&world, AKS_CLIENT, text(&begun, "device_code")).await).await, (400, "expired_token".into(), 70019));
    assert_eq!(refusal(poll(&world, AKS_CLIENT, "nothing").await).await, (400, "bad_verification_code".into(), 70018));
}

#[tokio::test]
async fn s_230_the_short_grant_name_and_the_v1_endpoint_work() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let tenant = world.tenant;
    let begun: Value = world
        .post(&format!("/{tenant}/oauth2/devicecode?api-version=1.0"), &[("client_id", AKS_CLIENT), ("resource", AKS)])
        .await
        .json()
        .await
        .expect("JSON");
    assert_eq!(text(&begun, "expires_in"), "900");
    assert_eq!(text(&begun, "verification_url"), world.url("/devicelogin"));
    let poll = async || {
        let form =
            [("client_id", AKS_CLIENT), ("grant_type", "device_code"), ("code", text(&begun, "device_code")), ("resource", AKS)];
        world.post(&format!("/{tenant}/oauth2/token?api-version=1.0"), &form).await
    };
    assert_eq!(refusal(poll().await).await.1, "authorization_pending");
    let mut browser = world.browser();
    let page = confirm_page(&mut browser, text(&begun, "user_code"), "alice@contoso.example").await;
    browser.submit(&page, &[("decision", "approve")]).await;
    let tokens: Value = poll().await.json().await.expect("JSON");
    assert_eq!(text(&tokens, "expires_in"), "900");
    assert_eq!(text(&tokens, "resource"), AKS);
    let access = verified(&world, text(&tokens, "access_token")).await;
    assert_eq!((text(&access, "aud"), text(&access, "scp")), (AKS, "user.read"));
    assert_eq!(text(&verified(&world, text(&tokens, "id_token")).await, "iss"), world.app().issuer_v1(tenant));
}

#[tokio::test]
async fn s_230_slow_down_comes_after_a_burst_and_never_twice_in_a_row() {
    let world = Entrance::start().await;
    let begun = begin(&world, AZ, "openid").await;
    let mut errors = Vec::new();
    for _ in 0..9 {
        errors.push(refusal(poll(&world, AZ, text(&begun, "device_code")).await).await.1);
    }
    let slow: Vec<bool> = errors.iter().map(|error| error == "slow_down").collect();
    assert_eq!(slow, [false, false, false, false, false, false, true, false, true]);
}

#[tokio::test]
async fn s_230_many_polls_at_once_redeem_one_approval_once() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let begun = begin(&world, AZ, "openid offline_access").await;
    let mut browser = world.browser();
    let page = confirm_page(&mut browser, text(&begun, "user_code"), "alice@contoso.example").await;
    browser.submit(&page, &[("decision", "approve")]).await;
    let polls = (0..8).map(|_| async { poll(&world, AZ, text(&begun, "device_code")).await.status().as_u16() });
    let mut good = 0;
    for status in futures_of(polls).await {
        good += u32::from(status == 200);
    }
    assert_eq!(good, 1);
}

async fn futures_of<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        let mut all = true;
        for (future, slot) in pending.iter_mut().zip(&mut done) {
            if slot.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *slot = Some(value),
                    std::task::Poll::Pending => all = false,
                }
            }
        }
        if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn w_104_an_open_session_is_never_used_for_a_device_without_asking() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let first = begin(&world, AZ, "openid").await;
    confirm_page(&mut browser, text(&first, "user_code"), "alice@contoso.example").await;
    let second = begin(&world, AZ, "openid").await;
    let page = browser.get("/devicelogin").await;
    let page = browser.submit(&page, &[("otc", text(&second, "user_code"))]).await;
    assert!(page.has("account-list"), "{}", page.html);
    let value = page.html.split("name=\"account\" value=\"").nth(1).expect("an account")[..36].to_owned();
    let page = browser.submit(&page, &[("account", &value)]).await;
    assert!(page.has("device-confirm-form"));
    // A POST without a decision, and one with a forged proof, change nothing.
    let again = browser.submit(&page, &[]).await;
    assert!(again.has("device-confirm-form"));
    let forged = browser
        .post(
            "/devicelogin/confirm",
            &[("grant", &page.field("grant").expect("a grant")), ("csrf", "x"), ("decision", "approve")],
        )
        .await;
    assert_eq!(forged.status, 403);
    assert_eq!(refusal(poll(&world, AZ, text(&second, "device_code")).await).await.2, 70016);
}

#[tokio::test]
async fn w_101_and_w_102_wrong_codes_get_one_answer_and_a_pause() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    for typed in ["BCDFGHJKL", "nonsense", "", "BCDFGHJKM", "23456789B"] {
        let page = browser.get("/devicelogin?code=BCDFGHJKL&user_code=BCDFGHJKL").await;
        assert!(!page.html.contains("BCDFGHJKL"), "W-100: nothing is prefilled");
        let page = browser.submit(&page, &[("otc", typed)]).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.text("device-error"), "That code is not valid. Codes work once and expire after 15 minutes.");
    }
    let page = browser.get("/devicelogin").await;
    let page = browser.submit(&page, &[("otc", "BCDFGHJKL")]).await;
    assert_eq!(page.status, 429);
    assert!(page.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn s_230_and_r_20_the_device_code_of_another_network_stops_where_the_policy_says_so() {
    let world = Entrance::start_with(|config| config.mode = Mode::Serve).await;
    world.user("alice").await;
    let begun = begin(&world, AZ, "openid").await;
    let mut browser = world.browser();
    let page = confirm_page(&mut browser, text(&begun, "user_code"), "alice@contoso.example").await;
    assert!(page.has("device-confirm-form"), "the same network is fine: {}", page.html);
    world.sleep(Duration::from_secs(1));
}

#[tokio::test]
async fn w_045_what_a_colour_tells_of_a_device_is_said_in_words_too() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let begun = begin(&world, AZ, "openid").await;
    let page = confirm_page(&mut world.browser(), text(&begun, "user_code"), "alice@contoso.example").await;
    assert_eq!(page.text("device-confirm-network"), "same network as this browser");
    assert!(page.text("device-confirm-app").contains("Built in"), "{}", page.html);
}
