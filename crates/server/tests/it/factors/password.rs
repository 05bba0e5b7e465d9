use entrance_testkit::{Browser, Entrance, PASSWORD, Page};

use super::{answer, arm, at_home, by_password, change, decided, number, refresh, told, upn, with_app, with_password};

const NEW: &str = "a better battery staple";

async fn type_in(browser: &mut Browser<'_>, page: &Page, old: &str, new: &str, again: &str) -> Page {
    browser.submit(page, &[("passwd_old", old), ("passwd_new", new), ("passwd_again", again)]).await
}

#[tokio::test]
async fn aadsts_50055_a_password_that_must_be_changed_is_good_for_nothing_else() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    change(&world, alice, |user| user.must_change_password = true).await;
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    assert!(page.path.starts_with("/signin/password?flow=") && page.has("password-new"), "{}", page.html);
    assert!(page.html.contains("At least 8 characters, at most 256."), "the rule stands there before anybody types");
    assert!(browser.cookie("__Host-entrance-session").is_none(), "nobody is signed in yet");
    // Whatever way the browser takes: no code.
    let skipped = browser.get(&page.path.replace("/signin/password", "/signin/return")).await;
    assert!(skipped.has("signin-form") && skipped.left_to.is_none(), "{}", skipped.html);

    let page = type_in(&mut browser, &page, PASSWORD, NEW, NEW).await;
    assert!(answer(&page).contains_key("code"));
    assert!(told(&world).await.contains(&"password.changed".to_owned()));
    let mut again = world.browser();
    let page = again.get(&arm(&world)).await;
    let page = again.sign_in(&page, &upn("alice"), PASSWORD).await;
    assert_eq!(page.text("signin-error"), "That name and password do not match.");
    let page = again.sign_in(&page, &upn("alice"), NEW).await;
    assert!(answer(&page).contains_key("code"), "and it does not have to be changed again");
}

#[tokio::test]
async fn aadsts_50055_whoever_has_a_second_factor_shows_it_before_a_password_that_must_be_changed_is_changed() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let (app, _) = with_app(&world, &mut home).await;
    world.sleep(entrance_testkit::minutes(1));
    change(&world, alice, |user| user.must_change_password = true).await;
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    assert!(page.path.starts_with("/signin/mfa?flow="), "{}: {}", page.path, page.html);
    // The page further on leads back, for a form too.
    let further = page.path.replace("/signin/mfa", "/signin/password");
    let back = browser.get(&further).await;
    assert!(back.path.starts_with("/signin/mfa?flow="), "{}: {}", back.path, back.html);
    let flow = page.field("flow").expect("a flow");
    let csrf = page.field("csrf").expect("a proof");
    let form = [("flow", flow.as_str()), ("csrf", &csrf), ("passwd_old", PASSWORD), ("passwd_new", NEW), ("passwd_again", NEW)];
    let back = browser.post("/signin/password", &form).await;
    assert!(back.path.starts_with("/signin/mfa?flow="), "{}: {}", back.path, back.html);
    assert!(!told(&world).await.contains(&"password.changed".to_owned()));

    let page = browser.submit(&back, &[("totp", &app.code(world.app().now()))]).await;
    assert!(page.path.starts_with("/signin/password?flow="), "{}: {}", page.path, page.html);
    let page = type_in(&mut browser, &page, PASSWORD, NEW, NEW).await;
    assert!(answer(&page).contains_key("code"), "what was shown counts beside the new password");
}

#[tokio::test]
async fn aadsts_50055_a_second_factor_that_is_set_up_meanwhile_is_asked_for() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    change(&world, alice.clone(), |user| user.must_change_password = true).await;
    let mut thief = world.browser();
    let page = with_password(&world, &mut thief).await;
    assert!(page.has("password-new"), "{}", page.html);
    change(&world, alice, |user| user.must_change_password = false).await;
    with_app(&world, &mut home).await;
    let page = type_in(&mut thief, &page, PASSWORD, NEW, NEW).await;
    assert!(page.has("signin-form"), "{}", page.html);
    assert!(!told(&world).await.contains(&"password.changed".to_owned()));
}

#[tokio::test]
async fn s_801_and_aadsts_120002_a_refused_password_reads_which_rule_it_breaks() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut browser, _) = at_home(&world, "alice").await;
    let page = browser.get("/me/password").await;
    let long = "a1b2c3 ".repeat(40);
    for (old, new, again, says) in [
        (PASSWORD, NEW, "something else", "The two new passwords are not the same."),
        (PASSWORD, "x7#kQ9p", "x7#kQ9p", "That password is too short: at least 8 characters."),
        (PASSWORD, long.as_str(), long.as_str(), "That password is too long: at most 256 characters."),
        (
            PASSWORD,
            "Contoso-Alice1",
            "Contoso-Alice1",
            "That password is too easy: it is little more than well-known words or names, or has few different characters.",
        ),
        (
            PASSWORD,
            "Password1234",
            "Password1234",
            "That password is too easy: it is little more than well-known words or names, or has few different characters.",
        ),
        ("not it", NEW, NEW, "Your present password is not right."),
        (PASSWORD, PASSWORD, PASSWORD, "The new password is the old one. Choose another one."),
    ] {
        let page = type_in(&mut browser, &page, old, new, again).await;
        assert_eq!((page.status, page.text("password-error").as_str()), (200, says));
        assert!(!page.html.contains(new) || new == PASSWORD, "no password is shown again");
    }
    let numbers = decided(&world).await;
    assert!(numbers.contains(&120_002) && numbers.contains(&50126), "{numbers:?}");
    let page =
        browser.submit(&page, &[("passwd_old", PASSWORD), ("passwd_new", NEW), ("passwd_again", NEW), ("csrf", "x")]).await;
    // The last field of a name wins nothing: a form with two proofs is no form of ours.
    assert!(page.status >= 400 && by_password(&world, "alice").await.get("access_token").is_some(), "W-031");
}

#[tokio::test]
async fn s_806_a_new_password_ends_refresh_tokens_and_other_sessions_and_keeps_this_one() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let tokens = by_password(&world, "alice").await;
    let (mut other, _) = at_home(&world, "alice").await;
    let (mut browser, _) = at_home(&world, "alice").await;
    let before = browser.cookie("__Host-entrance-session").expect("a session").to_owned();
    world.sleep(entrance_testkit::minutes(1));
    let page = browser.get("/me/password").await;
    let page = type_in(&mut browser, &page, PASSWORD, NEW, NEW).await;
    assert_eq!(page.path, "/me?done=password", "{}", page.html);
    assert_eq!(page.text("me-done"), "Your password is changed. Everywhere else you are signed out.");
    assert_ne!(browser.cookie("__Host-entrance-session"), Some(before.as_str()), "S-805: a new cookie");
    assert_eq!(number(&refresh(&world, tokens["refresh_token"].as_str().expect("a token")).await), 50173);
    assert!(other.get("/me").await.has("signin-form"));
}

#[tokio::test]
async fn s_800_wrong_present_passwords_are_counted_like_at_the_door() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut browser, _) = at_home(&world, "alice").await;
    let page = browser.get("/me/password").await;
    for n in 0..10 {
        let page = type_in(&mut browser, &page, &format!("guess number {n}"), NEW, NEW).await;
        assert!(page.has("password-error"));
    }
    let page = type_in(&mut browser, &page, PASSWORD, NEW, NEW).await;
    assert_eq!(page.text("password-error"), "Too many tries. Wait a minute and try again.", "right and wrong alike");
}
