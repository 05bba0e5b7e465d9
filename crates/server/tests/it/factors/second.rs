use entrance_testkit::{Entrance, PASSWORD, minutes};

use super::{
    A_DAY, answer, arm, at_home, authorize, by_password, claims, decided, number, redeem, refresh, told, upn, with_app,
    with_password,
};

#[tokio::test]
async fn s_802_who_has_an_authenticator_app_is_asked_for_its_code_and_each_code_counts_once() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let (app, _) = with_app(&world, &mut home).await;
    world.sleep(minutes(1));

    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    assert!(page.path.starts_with("/signin/mfa?flow=") && page.has("mfa-code") && page.has("mfa-recovery"), "{}", page.html);
    assert!(!page.has("mfa-passkey"), "W-3.3: what she does not have is not there");
    let first = browser.cookie("__Host-entrance-session").expect("a session").to_owned();

    let wrong = browser.submit(&page, &[("totp", &app.wrong(world.app().now()))]).await;
    assert_eq!((wrong.status, wrong.text("mfa-error").as_str()), (200, "That code is not right or was used already."));
    assert!(decided(&world).await.contains(&50074), "aadsts_50074");
    let code = app.code(world.app().now());
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    let page = browser.submit(&page, &[("totp", &spaced)]).await;
    let tokens = redeem(&world, &page).await;
    assert_eq!(claims(&tokens["access_token"])["amr"], serde_json::json!(["pwd", "otp", "mfa"]));
    assert_eq!(claims(&tokens["access_token"])["acr"], "1");
    assert_ne!(browser.cookie("__Host-entrance-session"), Some(first.as_str()), "S-805: stronger under a new cookie");

    // The same code again, from whoever saw it.
    let mut thief = world.browser();
    let page = with_password(&world, &mut thief).await;
    let page = thief.submit(&page, &[("totp", &code)]).await;
    assert_eq!(page.text("mfa-error"), "That code is not right or was used already.");
    assert!(told(&world).await.contains(&"signIn.secondFactor".to_owned()));
}

#[tokio::test]
async fn s_802_a_code_of_the_step_before_is_worth_nothing_once_a_later_one_was_used() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let (app, _) = with_app(&world, &mut home).await;
    world.sleep(minutes(1));
    let before = app.code(world.app().now());
    world.sleep(std::time::Duration::from_secs(30));
    for (code, counts) in [(app.code(world.app().now()), true), (before, false)] {
        let mut browser = world.browser();
        let page = with_password(&world, &mut browser).await;
        let page = browser.submit(&page, &[("totp", &code)]).await;
        assert_eq!(page.left_to.is_some(), counts, "{}", page.html);
    }
}

#[tokio::test]
async fn s_800_five_wrong_codes_pause_the_second_factor_for_right_and_wrong_alike() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let (app, codes) = with_app(&world, &mut home).await;
    world.sleep(minutes(1));
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    for _ in 0..5 {
        let page = browser.submit(&page, &[("totp", &app.wrong(world.app().now()))]).await;
        assert_eq!(page.text("mfa-error"), "That code is not right or was used already.");
    }
    let paused = "Too many tries. Wait a minute and try again.";
    assert_eq!(browser.submit(&page, &[("totp", &app.code(world.app().now()))]).await.text("mfa-error"), paused);
    assert_eq!(browser.submit(&page, &[("recovery", &codes[0])]).await.text("mfa-error"), paused, "one counter for both");
    assert!(decided(&world).await.contains(&50053), "aadsts_50053");
    assert!(told(&world).await.contains(&"signIn.paused".to_owned()));
    world.sleep(std::time::Duration::from_secs(61));
    let page = browser.submit(&page, &[("totp", &app.code(world.app().now()))]).await;
    assert!(page.left_to.is_some(), "{}", page.html);
}

#[tokio::test]
async fn s_802_a_recovery_code_stands_in_once() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let (_, codes) = with_app(&world, &mut home).await;
    assert_eq!(codes.len(), 10);
    let typed = codes[3].to_lowercase().replace('-', " ");
    for (typed, counts) in
        [(typed.as_str(), true), (codes[3].as_str(), false), (codes[4].as_str(), true), ("2222-2222-2222-2222", false)]
    {
        let mut browser = world.browser();
        let page = with_password(&world, &mut browser).await;
        let page = browser.get(&format!("{}&with=recovery", page.path)).await;
        assert!(page.has("mfa-recovery-code") && !page.has("mfa-code"));
        let page = browser.submit(&page, &[("recovery", typed)]).await;
        assert_eq!(page.left_to.is_some(), counts, "{typed}: {}", page.html);
    }
    assert_eq!(home.get("/me").await.text("me-recovery"), "You have 8 codes left.");
    assert!(told(&world).await.contains(&"recoveryCode.used".to_owned()));
}

#[tokio::test]
async fn w_3_3_no_page_of_the_sign_in_can_be_skipped() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    with_app(&world, &mut home).await;
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    for way in ["/signin/return", "/signin/enroll", "/signin/password", "/signin/account"] {
        let there = browser.get(&page.path.replace("/signin/mfa", way)).await;
        assert!(there.left_to.is_none(), "{way}");
        assert!(there.has("mfa-code") || there.has("account-list"), "{way}: {}", there.html);
    }
    // A new request in the same browser, whose session knows the password only.
    assert!(browser.get(&arm(&world)).await.has("mfa-code"));
    let silent = browser.get(&format!("{}&prompt=none", arm(&world))).await;
    assert_eq!(answer(&silent)["error"], "interaction_required");
    assert!(answer(&silent)["error_description"].starts_with("AADSTS50076: "));
    // Nor does it open her own page.
    assert!(browser.get("/me").await.has("mfa-code"));
    assert!(browser.get("/me/add").await.has("mfa-code"));
}

#[tokio::test]
async fn s_107_prompt_login_asks_again_and_no_older_session_answers_for_it() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut browser, _) = at_home(&world, "alice").await;
    world.sleep(minutes(1));
    let page = browser.get(&format!("{}&prompt=login", arm(&world))).await;
    assert!(page.has("signin-form"));
    // Choosing the old session on a page that was not offered leads back to the form.
    let picker = browser.get(&page.path.replace("/signin?", "/signin/account?")).await;
    let account = picker.attribute("data-testid=\"account-continue\"", "value");
    let page = browser.submit(&picker, &[("account", &account)]).await;
    assert!(page.has("signin-form") && page.left_to.is_none(), "{}", page.html);
    assert!(browser.sign_in(&page, &upn("alice"), PASSWORD).await.left_to.is_some());
    world.sleep(minutes(10));
    let aged = authorize("openid", &[("max_age", "60")]);
    assert!(browser.get(&aged).await.has("signin-form"));
}

#[tokio::test]
async fn s_250_and_aadsts_50076_a_program_with_the_password_alone_gets_nothing_nor_does_an_older_refresh_token() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let before = by_password(&world, "alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    with_app(&world, &mut home).await;
    for refused in [by_password(&world, "alice").await, refresh(&world, before["refresh_token"].as_str().expect("a token")).await]
    {
        assert_eq!((number(&refused), refused["suberror"].as_str()), (50076, Some("basic_action")), "{refused}");
    }
}

#[tokio::test]
async fn w_3_4_a_device_is_approved_only_behind_the_second_factor() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let (app, _) = with_app(&world, &mut home).await;
    world.sleep(minutes(1));
    let form = [("client_id", super::AZ), ("scope", "openid offline_access")];
    let begun: serde_json::Value = world.post("/organizations/oauth2/v2.0/devicecode", &form).await.json().await.expect("JSON");
    let mut browser = world.browser();
    let page = browser.get("/devicelogin").await;
    let page = browser.submit(&page, &[("otc", begun["user_code"].as_str().expect("a code"))]).await;
    let page = browser.sign_in(&page, &upn("alice"), PASSWORD).await;
    assert!(page.has("mfa-code"), "{}", page.html);
    let (flow, csrf) = (page.field("flow").expect("a flow"), page.field("csrf").expect("a proof"));
    let skipped = browser.post("/devicelogin/confirm", &[("grant", &flow), ("csrf", &csrf), ("decision", "approve")]).await;
    assert!(skipped.has("mfa-code"), "{}", skipped.html);
    let page = browser.submit(&page, &[("totp", &app.code(world.app().now()))]).await;
    assert!(page.has("device-confirm-form"), "{}", page.html);
    let page = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(page.html.contains("data-result=\"approved\""));
}

#[tokio::test]
async fn w_031_a_forged_second_factor_changes_nothing() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let (app, _) = with_app(&world, &mut home).await;
    world.sleep(minutes(1));
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    let (flow, code) = (page.field("flow").expect("a flow"), app.code(world.app().now()));
    let forged = browser.post("/signin/mfa", &[("flow", &flow), ("csrf", "x"), ("totp", &code)]).await;
    assert_eq!(forged.status, 403);
    assert!(browser.submit(&page, &[("totp", &code)]).await.left_to.is_some(), "the code was not used up");
    world.sleep(A_DAY);
    assert_eq!(browser.submit(&page, &[("totp", &code)]).await.text("error-code"), "AADSTS50089");
}
