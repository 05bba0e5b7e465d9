use entrance_model::id::PolicyId;
use entrance_model::signin::policy::{Applications, Control, People, Policy, State, Who};
use entrance_testkit::{Entrance, PASSWORD, minutes};
use uuid::Uuid;

use super::authenticator::{Authenticator, options};
use super::totp_app::TotpApp;
use super::{answer, arm, claims, codes, redeem, told, upn, with_password};

/// Everybody needs this for everything.
pub(super) async fn demand(world: &Entrance, control: Control) {
    let everybody = People { all: true, ..People::default() };
    let policy = Policy {
        id: PolicyId::from_uuid(Uuid::new_v4()),
        name: "everybody".into(),
        state: State::Enabled,
        who: Who::People { include: everybody, exclude: People::default() },
        applications: Applications { all: true, ..Applications::default() },
        clients: Vec::new(),
        places: None,
        device_code: None,
        control,
        frequency: None,
        created: world.app().now(),
        modified: None,
    };
    let mut tx = world.app().store.write().await.expect("the store writes");
    tx.policies().insert(world.tenant, &policy).await.expect("the policy is new");
    tx.commit().await.expect("the store commits");
}

#[tokio::test]
async fn s_803_and_aadsts_50079_a_demanded_factor_is_set_up_on_the_way_in() {
    let world = Entrance::start().await;
    world.user("alice").await;
    demand(&world, Control::SecondFactor).await;
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    assert!(page.path.starts_with("/signin/enroll?flow=") && page.has("enroll-secret"), "{}", page.html);
    assert!(page.html.find("data-passkey=\"create\"") < page.html.find("enroll-secret"), "the passkey stands first");
    let silent = browser.get(&format!("{}&prompt=none", arm(&world))).await;
    assert_eq!(answer(&silent)["error"], "interaction_required");
    assert!(answer(&silent)["error_description"].starts_with("AADSTS50079: "));

    let app = TotpApp::scan(&page.text("enroll-secret"));
    let refused = browser.submit_to(&page, "name=\"secret\"", &[("totp", &app.wrong(world.app().now()))]).await;
    assert_eq!(refused.status, 200);
    assert!(refused.text("mfa-error").starts_with("That code is not right."));
    let app = TotpApp::scan(&refused.text("enroll-secret"));
    let code = app.code(world.app().now());
    let page = browser.submit_to(&refused, "name=\"secret\"", &[("totp", &code)]).await;
    let shown = codes(&page);
    assert_eq!(shown.len(), 10);
    let unkept = browser.submit_to(&page, "name=\"codes\"", &[("step", "codes")]).await;
    assert!(unkept.has("mfa-error") && unkept.left_to.is_none(), "without the tick it does not go on");
    let file = browser.submit_to(&page, "name=\"codes\"", &[("step", "download")]).await;
    assert!(file.headers["content-disposition"].to_str().expect("ASCII").starts_with("attachment"));
    assert!(shown.iter().all(|code| file.html.contains(code)));
    let page = browser.submit_to(&page, "name=\"codes\"", &[("kept", "1"), ("step", "codes")]).await;
    assert_eq!(claims(&redeem(&world, &page).await["access_token"])["amr"], serde_json::json!(["pwd", "otp", "mfa"]));
    let told = told(&world).await;
    assert!(told.contains(&"factor.added".to_owned()) && told.contains(&"recoveryCodes.made".to_owned()), "{told:?}");
}

#[tokio::test]
async fn w_3_3_recovery_codes_are_shown_once_and_count_only_when_kept() {
    let world = Entrance::start().await;
    world.user("alice").await;
    demand(&world, Control::SecondFactor).await;
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    let app = TotpApp::scan(&page.text("enroll-secret"));
    let page = browser.submit_to(&page, "name=\"secret\"", &[("totp", &app.code(world.app().now()))]).await;
    let first = codes(&page);
    let again = browser.get(&page.path).await;
    assert!(codes(&again).iter().all(|code| !first.contains(code)), "shown again they are others");
    let sealed = again.form("name=\"codes\"").field("codes").expect("sealed codes");
    let done = browser.submit_to(&again, "name=\"codes\"", &[("kept", "1"), ("step", "codes")]).await;
    assert!(done.left_to.is_some());
    // The same page sent again would bring used codes back.
    let flow = again.field("flow").expect("a flow");
    let csrf = again.field("csrf").expect("a proof");
    let replay = browser
        .post("/signin/enroll", &[("flow", &flow), ("csrf", &csrf), ("codes", &sealed), ("kept", "1"), ("step", "codes")])
        .await;
    assert!(!replay.has("recovery-codes"), "{}", replay.html);

    let mut other = world.browser();
    let page = other.get(&arm(&world)).await;
    let page = other.sign_in(&page, &upn("alice"), PASSWORD).await;
    let refused = other.submit(&page, &[("recovery", &first[0])]).await;
    assert!(refused.has("mfa-error"), "never kept, never valid");
    assert!(other.submit(&page, &[("recovery", &codes(&again)[0])]).await.left_to.is_some());
}

#[tokio::test]
async fn s_802_enrolment_needs_a_fresh_sign_in() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&arm(&world)).await;
    assert!(browser.sign_in(&page, &upn("alice"), PASSWORD).await.left_to.is_some());
    demand(&world, Control::SecondFactor).await;
    world.sleep(minutes(16));
    let page = browser.get(&arm(&world)).await;
    assert!(page.has("signin-form"), "whoever sits there now has to know the password: {}", page.html);
    assert!(browser.get("/me/add").await.has("signin-form"));
    assert!(browser.sign_in(&page, &upn("alice"), PASSWORD).await.has("enroll-secret"));
}

#[tokio::test]
async fn s_803_where_a_passkey_is_demanded_an_app_is_not_enough() {
    let world = Entrance::start().await;
    world.user("alice").await;
    demand(&world, Control::Passkey).await;
    let (mut home, _) = super::at_home(&world, "alice").await;
    let (app, _) = super::with_app(&world, &mut home).await;
    world.sleep(minutes(1));
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    let page = browser.submit(&page, &[("totp", &app.code(world.app().now()))]).await;
    assert!(page.path.starts_with("/signin/enroll") && !page.has("enroll-secret"), "only a passkey: {}", page.html);
    let (_, attestation) = Authenticator::create(&options(&page, "create"), world.app().base());
    let page = browser.submit_to(&page, "data-passkey=\"create\"", &[("name", "key"), ("assertion", &attestation)]).await;
    assert!(page.status >= 400, "two fields of a name are refused");
    let page = browser.get(&arm(&world)).await;
    let (_, attestation) = Authenticator::create(&options(&page, "create"), world.app().base());
    let page = super::passkey::send(&mut browser, &page, "data-passkey=\"create\"", &[("name", "key")], &attestation).await;
    assert_eq!(claims(&redeem(&world, &page).await["access_token"])["amr"], serde_json::json!(["pwd", "fido", "otp", "mfa"]));
}

#[tokio::test]
async fn s_802_an_app_belongs_to_the_session_it_was_offered_to() {
    let world = Entrance::start().await;
    world.user("alice").await;
    world.user("eve").await;
    let (mut eve, _) = super::at_home(&world, "eve").await;
    let hers = eve.get("/me/add").await;
    let app = TotpApp::scan(&hers.text("enroll-secret"));
    let sealed = hers.form("name=\"secret\"").field("secret").expect("a sealed secret");
    let (mut alice, _) = super::at_home(&world, "alice").await;
    let page = alice.get("/me/add").await;
    let csrf = page.field("csrf").expect("a proof");
    let code = app.code(world.app().now());
    let page = alice.post("/me/add", &[("csrf", &csrf), ("secret", &sealed), ("totp", &code), ("step", "totp")]).await;
    assert_eq!(page.text("mfa-error"), "That took too long. Here is a new code to scan.");
    assert!(!told(&world).await.contains(&"factor.added".to_owned()));
}
