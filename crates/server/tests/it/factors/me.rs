use entrance_testkit::{Entrance, PASSWORD, minutes};

use super::passkey::with_passkey;
use super::{arm, at_home, by_password, number, refresh, told, upn, with_app, with_password};

#[tokio::test]
async fn w_4_12_one_s_sessions_are_listed_and_end_at_once() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let tokens = by_password(&world, "alice").await;
    let (mut other, _) = at_home(&world, "alice").await;
    let (mut browser, page) = at_home(&world, "alice").await;
    assert_eq!(page.html.matches("data-testid=\"session-end\"").count(), 3, "{}", page.html);
    assert!(page.html.contains("Password sent by a program") && page.html.contains("this browser"));
    // Somebody else's session is not there to be ended.
    world.user("eve").await;
    let (mut eve, hers) = at_home(&world, "eve").await;
    let csrf = hers.field("csrf").expect("a proof");
    let alices = page.attribute("data-testid=\"session-end\"", "value");
    eve.post("/me/sessions", &[("csrf", &csrf), ("session", &alices)]).await;
    assert!(browser.get("/me").await.has("me-sessions"));

    let csrf = page.field("csrf").expect("a proof");
    let page = browser.post("/me/sessions", &[("csrf", &csrf), ("all", "1")]).await;
    assert_eq!(page.path, "/me?done=ended");
    assert_eq!(page.html.matches("data-testid=\"session-end\"").count(), 1);
    assert!(other.get("/me").await.has("signin-form"));
    assert_eq!(number(&refresh(&world, tokens["refresh_token"].as_str().expect("a token")).await), 50173);
    assert!(told(&world).await.contains(&"session.revoked".to_owned()));
    // Ending the last one is signing out.
    let own = page.attribute("data-testid=\"session-end\"", "value");
    let page = browser.post("/me/sessions", &[("csrf", &csrf), ("session", &own)]).await;
    assert_eq!(page.path, "/signedout");
    assert!(browser.cookie("__Host-entrance-session").is_none());
}

#[tokio::test]
async fn w_031_forms_of_the_own_page_need_their_proof() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut browser, page) = at_home(&world, "alice").await;
    let own = page.attribute("data-testid=\"session-end\"", "value");
    for (path, fields) in [
        ("/me/sessions", vec![("session", own.as_str())]),
        ("/me/sessions", vec![("session", own.as_str()), ("csrf", "x")]),
        ("/me/preferences", vec![("theme", "dark"), ("csrf", "x")]),
        ("/me/add", vec![("totp", "000000"), ("csrf", "x")]),
    ] {
        assert_eq!(browser.post(path, &fields).await.status, 403, "{path}");
    }
    browser.headers.push(("sec-fetch-site", "cross-site".into()));
    let csrf = page.field("csrf").expect("a proof");
    assert_eq!(browser.post("/me/sessions", &[("csrf", &csrf), ("session", &own)]).await.status, 403);
    browser.headers.clear();
    assert!(browser.get("/me").await.has("me-sessions"));
}

#[tokio::test]
async fn w_033_a_factor_is_changed_only_with_one_shown_in_the_last_five_minutes() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut browser, _) = at_home(&world, "alice").await;
    let (app, _) = with_app(&world, &mut browser).await;
    with_passkey(&world, &mut browser, "laptop").await;
    let page = browser.get("/me").await;
    let change = page.attribute("data-testid=\"me-passkey-change\"", "href");
    let page = browser.get(&change).await;
    assert!(page.has("factor-remove"), "a moment ago is good enough");
    let csrf = page.field("csrf").expect("a proof");
    let id = change.split_once("id=").expect("an id").1.to_owned();
    let nameless = browser.submit_to(&page, "value=\"rename\"", &[("step", "rename"), ("name", " ")]).await;
    assert_eq!(nameless.text("mfa-error"), "A name has 1 to 60 characters.");
    let page = browser.submit_to(&page, "value=\"rename\"", &[("step", "rename"), ("name", "old laptop")]).await;
    assert!(page.path == "/me?done=renamed" && page.html.contains("old laptop"), "{}", page.html);

    world.sleep(minutes(6));
    let asked = browser.post("/me/factor", &[("csrf", &csrf), ("id", &id), ("step", "remove")]).await;
    assert!(asked.path.starts_with("/signin/stepup?flow=") && asked.has("stepup-title"), "{}", asked.html);
    let page = browser.submit(&asked, &[("totp", &app.wrong(world.app().now()))]).await;
    assert!(page.has("mfa-error"));
    let page = browser.submit(&page, &[("totp", &app.code(world.app().now()))]).await;
    assert!(page.path == change && page.has("factor-remove"), "back at the form: {}", page.path);
    let csrf = page.field("csrf").expect("a proof");
    let page = browser.post("/me/factor", &[("csrf", &csrf), ("id", &id), ("step", "remove")]).await;
    assert_eq!(page.path, "/me?done=removed");
    assert_eq!(page.text("me-passkeys"), "You have no passkey.");
    let told = told(&world).await;
    assert!(told.contains(&"factor.renamed".to_owned()) && told.contains(&"factor.removed".to_owned()));
}

#[tokio::test]
async fn w_033_adding_a_factor_needs_the_one_that_is_there() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut browser, _) = at_home(&world, "alice").await;
    with_app(&world, &mut browser).await;
    assert!(browser.get("/me/add").await.has("enroll-secret"));
    world.sleep(minutes(6));
    for path in ["/me/add", "/me/codes"] {
        assert!(browser.get(path).await.has("stepup-title"), "{path}");
    }
    assert!(browser.get("/me").await.has("me-sessions"), "looking needs no more than being signed in");
}

#[tokio::test]
async fn s_802_without_the_last_factor_the_password_alone_is_enough_again() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut browser, _) = at_home(&world, "alice").await;
    let (_, codes) = with_app(&world, &mut browser).await;
    let page = browser.get("/me").await;
    let page = browser.get(&page.attribute("data-testid=\"totp-remove\"", "href")).await;
    assert!(page.html.contains("It is your last one."));
    let page = browser.submit_to(&page, "value=\"remove\"", &[("step", "remove")]).await;
    assert_eq!(page.path, "/me?done=removed");
    let mut other = world.browser();
    let page = other.get(&arm(&world)).await;
    assert!(other.sign_in(&page, &upn("alice"), PASSWORD).await.left_to.is_some());
    // Its recovery codes went with it, also for the next one.
    world.sleep(minutes(1));
    with_app(&world, &mut browser).await;
    let mut thief = world.browser();
    let page = with_password(&world, &mut thief).await;
    assert!(thief.submit(&page, &[("recovery", &codes[0])]).await.has("mfa-error"));
}

#[tokio::test]
async fn w_046_and_w_047_language_and_theme_are_kept_in_the_browser() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut browser, page) = at_home(&world, "alice").await;
    let csrf = page.field("csrf").expect("a proof");
    let page = browser.post("/me/preferences", &[("csrf", &csrf), ("lang", "de"), ("theme", "dark")]).await;
    assert!(page.html.contains("<html lang=\"de\" data-theme=\"dark\">"), "{}", &page.html[..200]);
    assert!(page.html.contains("Ihr Konto"));
    let page = browser.post("/me/preferences", &[("csrf", &csrf), ("lang", "<b>"), ("theme", "pink")]).await;
    assert!(page.html.contains("<html lang=\"en\">"), "a word that is not on the list is forgotten");
}

#[tokio::test]
async fn w_005_what_was_done_is_told_from_a_closed_list() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut browser, _) = at_home(&world, "alice").await;
    assert!(!browser.get("/me?done=You+won").await.has("me-done"));
    assert!(browser.get("/me?done=removed").await.has("me-done"));
}
