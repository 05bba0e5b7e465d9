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

#[tokio::test]
async fn s_113_and_w_033_an_administrator_shows_the_factor_again_before_allowing_something_for_everybody() {
    let world = Entrance::start().await;
    world.directory_admin("admin").await;
    let (shop, _) = world
        .application("Shop", |app| {
            let read = serde_json::json!([{"id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope"}]);
            let listed = serde_json::json!([{"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": read}]);
            app.other.insert("requiredResourceAccess".into(), listed);
        })
        .await;
    let address = format!("/{}/adminconsent?client_id={}", world.tenant, shop.app_id);
    let (mut home, _) = at_home(&world, "admin").await;
    let asked = async |browser: &mut entrance_testkit::Browser<'_>| {
        let page = browser.get(&address).await;
        let account = page.html.split("name=\"account\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        browser.submit(&page, &[("account", account.expect("an account"))]).await
    };
    assert!(asked(&mut home).await.has("consent-accept"), "without a factor a sign-in of a moment ago is enough");
    world.sleep(minutes(16));
    assert!(asked(&mut home).await.has("signin-form"), "an older one is not");
    let (mut home, _) = at_home(&world, "admin").await;
    let (app, _) = with_app(&world, &mut home).await;
    assert!(asked(&mut home).await.has("consent-accept"), "shown a moment ago");
    world.sleep(minutes(6));
    let page = asked(&mut home).await;
    assert!(page.has("stepup-title") && page.has("mfa-code"), "{}: {}", page.path, page.html);
    let page = home.submit(&page, &[("totp", &app.code(world.app().now()))]).await;
    assert!(page.has("consent-accept"), "{}: {}", page.path, page.html);
    let page = home.submit(&page, &[("decision", "accept")]).await;
    assert_eq!(page.path, "/consent/allowed");
}
