use entrance_model::signin::policy::Control;
use entrance_testkit::{Entrance, PASSWORD, minutes};

use super::enroll::demand;
use super::passkey::{send, with_passkey};
use super::{arm, at_home, authenticator::options, claims, redeem, upn, with_app, with_password};

#[tokio::test]
async fn s_803_a_session_from_before_the_policy_shows_its_factor_when_a_token_is_asked_for() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&arm(&world)).await;
    assert!(browser.sign_in(&page, &upn("alice"), PASSWORD).await.left_to.is_some());
    let (mut home, _) = at_home(&world, "alice").await;
    let (app, _) = with_app(&world, &mut home).await;
    demand(&world, Control::SecondFactor).await;
    world.sleep(minutes(1));
    let page = browser.get(&arm(&world)).await;
    assert!(page.has("mfa-code"), "{}", page.html);
    let page = browser.submit(&page, &[("totp", &app.code(world.app().now()))]).await;
    assert!(page.left_to.is_some());
    assert!(browser.get(&arm(&world)).await.left_to.is_some(), "and the session remembers it");
}

#[tokio::test]
async fn s_803_who_showed_an_app_is_still_asked_for_the_passkey_where_one_is_demanded() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let (app, _) = with_app(&world, &mut home).await;
    let mut key = with_passkey(&world, &mut home, "laptop").await;
    demand(&world, Control::Passkey).await;
    world.sleep(minutes(1));
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    let page = browser.submit(&page, &[("totp", &app.code(world.app().now()))]).await;
    assert!(page.has("mfa-passkey") && !page.has("mfa-code") && !page.has("mfa-recovery"), "{}", page.html);
    let (flow, csrf) = (page.field("flow").expect("a flow"), page.field("csrf").expect("a proof"));
    world.sleep(minutes(1));
    let code = app.code(world.app().now());
    let refused = browser.post("/signin/mfa", &[("flow", &flow), ("csrf", &csrf), ("totp", &code)]).await;
    assert_eq!(refused.text("mfa-error"), "Only a passkey will do here.");
    let page = send(&mut browser, &page, "data-passkey=\"get\"", &[], &key.get(&options(&page, "get"))).await;
    let amr = &claims(&redeem(&world, &page).await["access_token"])["amr"];
    assert_eq!(amr, &serde_json::json!(["pwd", "fido", "otp", "mfa"]));
}
