use entrance_model::signin::steps::Methods;
use entrance_testkit::{Browser, Entrance, PASSWORD, Page, minutes, sample};
use serde_json::json;

use super::authenticator::{Authenticator, options};
use super::{answer, arm, at_home, by_password, change, claims, codes, decided, number, redeem, told, with_password};

/// Fills in what the page's script would, and submits the form.
pub(super) async fn send(browser: &mut Browser<'_>, page: &Page, form: &str, fields: &[(&str, &str)], assertion: &str) -> Page {
    let form = page.form(form);
    let mut all: Vec<(String, String)> = form.hidden().into_iter().filter(|(name, _)| name != "assertion").collect();
    all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    all.push(("assertion".into(), assertion.to_owned()));
    let fields: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(&form.action(), &fields).await
}

/// Sets up a passkey on a person's own page.
pub(super) async fn with_passkey(world: &Entrance, browser: &mut Browser<'_>, name: &str) -> Authenticator {
    let page = browser.get("/me/add").await;
    let (made, attestation) = Authenticator::create(&options(&page, "create"), world.app().base());
    let page = send(browser, &page, "data-passkey=\"create\"", &[("name", name)], &attestation).await;
    if page.has("recovery-codes") {
        assert_eq!(codes(&page).len(), 10);
        browser.submit_to(&page, "name=\"codes\"", &[("kept", "1"), ("step", "codes")]).await;
    } else {
        assert_eq!(page.path, "/me?done=added", "{}", page.html);
    }
    made
}

const SIGN_IN: &str = "action=\"/signin/passkey\"";
const REFUSED: &str = "That passkey does not work here. Try again or use your password.";

#[tokio::test]
async fn s_802_a_passkey_signs_in_without_a_name_and_counts_as_two_factors() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let mut key = with_passkey(&world, &mut home, "laptop").await;

    let mut browser = world.browser();
    let page = browser.get(&arm(&world)).await;
    let asked = options(&page, "get");
    assert_eq!(asked["rpId"], "localhost", "the relying party is the host");
    assert_eq!(asked["userVerification"], "required");
    assert_eq!(asked["allowCredentials"], json!([]), "W-3.1: the page knows nobody");
    let page = send(&mut browser, &page, SIGN_IN, &[], &key.get(&asked)).await;
    let access = claims(&redeem(&world, &page).await["access_token"]);
    assert_eq!((&access["amr"], &access["upn"]), (&json!(["fido", "mfa"]), &json!("alice@contoso.example")));
}

#[tokio::test]
async fn s_802_a_new_passkey_is_asked_for_without_attestation_and_has_to_say_whose_it_is() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let first = with_passkey(&world, &mut home, "laptop").await;
    let page = home.get("/me/add").await;
    let asked = options(&page, "create");
    assert_eq!(asked["rp"]["id"], "localhost");
    assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(asked["authenticatorSelection"]["residentKey"], "required");
    assert!(["none", "null"].contains(&asked["attestation"].as_str().unwrap_or("null")), "{asked}");
    assert_eq!(asked["excludeCredentials"].as_array().map(Vec::len), Some(1), "the one that is there is not made again");
    assert_eq!(asked["user"]["name"], alice.upn.as_str());
    // An authenticator that makes it again all the same.
    let page = send(&mut home, &page, "data-passkey=\"create\"", &[("name", "again")], &first.attestation(&asked)).await;
    assert!(page.has("mfa-error"), "{}", page.html);
    let mut reader = world.app().store.read().await.expect("reads");
    assert_eq!(reader.factors().list(world.tenant, alice.id).await.expect("lists").len(), 1);
}

#[tokio::test]
async fn s_802_an_answer_from_another_origin_without_a_gesture_or_for_another_question_is_refused() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let mut key = with_passkey(&world, &mut home, "laptop").await;
    let mut browser = world.browser();
    let refused = async |browser: &mut Browser<'_>, page: &Page, assertion: &str, why: &str| {
        let page = send(browser, page, SIGN_IN, &[], assertion).await;
        assert_eq!((page.status, page.text("signin-error").as_str()), (200, REFUSED), "{why}");
        page
    };
    let page = browser.get(&arm(&world)).await;
    let (own_origin, own_rp) = (key.origin.clone(), key.rp.clone());
    key.origin = "https://localhost.evil.example".into();
    let page = refused(&mut browser, &page, &key.get(&options(&page, "get")), "another origin").await;
    key.origin = format!("{own_origin}1");
    let page = refused(&mut browser, &page, &key.get(&options(&page, "get")), "another port").await;
    key.origin = own_origin;
    key.rp = "evil.example".into();
    let page = refused(&mut browser, &page, &key.get(&options(&page, "get")), "another relying party").await;
    key.rp = own_rp;
    key.verifies = false;
    let page = refused(&mut browser, &page, &key.get(&options(&page, "get")), "no user verification").await;
    key.verifies = true;
    let other = browser.get(&arm(&world)).await;
    let page = refused(&mut browser, &page, &key.get(&options(&other, "get")), "the answer to another question").await;
    let assertion = key.get(&options(&page, "get"));
    let page = refused(&mut browser, &page, &assertion.replace("public-key\"", "public-key\",\"x\":"), "no JSON").await;
    let page = refused(&mut browser, &page, "{}", "nothing").await;
    assert!(decided(&world).await.contains(&130_005) && decided(&world).await.contains(&130_004), "aadsts_130004, aadsts_130005");

    let assertion = key.get(&options(&page, "get"));
    let done = send(&mut browser, &page, SIGN_IN, &[], &assertion).await;
    assert!(answer(&done).contains_key("code"));
    // The same answer in the same flow, and in a new one.
    assert!(send(&mut browser, &page, SIGN_IN, &[], &assertion).await.left_to.is_none());
    let mut thief = world.browser();
    let page = thief.get(&arm(&world)).await;
    refused(&mut thief, &page, &assertion, "a replay").await;
}

#[tokio::test]
async fn s_802_a_question_is_answered_once_even_when_the_answer_was_wrong() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let mut key = with_passkey(&world, &mut home, "laptop").await;
    let mut browser = world.browser();
    let page = browser.get(&arm(&world)).await;
    key.verifies = false;
    send(&mut browser, &page, SIGN_IN, &[], &key.get(&options(&page, "get"))).await;
    key.verifies = true;
    let again = send(&mut browser, &page, SIGN_IN, &[], &key.get(&options(&page, "get"))).await;
    assert_eq!(again.text("signin-error"), REFUSED);
}

#[tokio::test]
async fn s_802_a_counter_that_goes_back_is_an_alarm_and_the_passkey_opens_nothing_any_more() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let mut key = with_passkey(&world, &mut home, "laptop").await;
    let mut browser = world.browser();
    let page = browser.get(&arm(&world)).await;
    key.counter = 40;
    assert!(send(&mut browser, &page, SIGN_IN, &[], &key.get(&options(&page, "get"))).await.left_to.is_some());
    let mut copy = world.browser();
    for counter in [12, 500] {
        let page = copy.get(&arm(&world)).await;
        key.counter = counter;
        let page = send(&mut copy, &page, SIGN_IN, &[], &key.signed(&options(&page, "get"))).await;
        assert_eq!(page.text("signin-error"), REFUSED, "{counter}");
    }
    assert_eq!(told(&world).await.iter().filter(|kind| *kind == "passkey.alarmed").count(), 1, "it is told once");
    let mut reader = world.app().store.read().await.expect("reads");
    let methods = reader.factors().methods(world.tenant, alice.id).await.expect("reads");
    assert_eq!(methods, Methods { alarmed: true, recovery_codes: 10, ..Methods::default() });
    drop(reader);
    assert!(home.get("/me").await.html.contains("refused: a copy of it may exist"));
}

/// Alice, whose only passkey was copied; with her recovery codes.
async fn copied(world: &Entrance) -> Vec<String> {
    world.user("alice").await;
    let (mut home, _) = at_home(world, "alice").await;
    let page = home.get("/me/add").await;
    let (mut key, attestation) = Authenticator::create(&options(&page, "create"), world.app().base());
    let page = send(&mut home, &page, "data-passkey=\"create\"", &[("name", "laptop")], &attestation).await;
    let codes = codes(&page);
    home.submit_to(&page, "name=\"codes\"", &[("kept", "1"), ("step", "codes")]).await;
    for counter in [40, 12] {
        let mut browser = world.browser();
        let page = browser.get(&arm(world)).await;
        key.counter = counter;
        send(&mut browser, &page, SIGN_IN, &[], &key.signed(&options(&page, "get"))).await;
    }
    assert!(told(world).await.contains(&"passkey.alarmed".to_owned()));
    codes
}

#[tokio::test]
async fn s_802_whose_passkey_was_copied_is_not_let_in_by_the_password_alone_and_sets_nothing_up_with_it() {
    let world = Entrance::start().await;
    let codes = copied(&world).await;
    world.sleep(minutes(10));
    let mut thief = world.browser();
    let page = with_password(&world, &mut thief).await;
    assert!(page.path.starts_with("/signin/mfa?flow=") && page.left_to.is_none(), "{}: {}", page.path, page.html);
    assert!(page.has("mfa-recovery-code") && !page.has("mfa-passkey") && !page.has("mfa-code"), "{}", page.html);
    for path in ["/me/add", "/me/codes"] {
        let page = thief.get(path).await;
        assert!(page.has("mfa-recovery-code") && !page.has("enroll-secret"), "{path}: {}", page.html);
    }
    let refused = by_password(&world, "alice").await;
    assert_eq!(number(&refused), 50076, "nor does a program by itself get anything: {refused}");

    // A recovery code stands in for the passkey, and leads to a new factor.
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    let page = browser.submit(&page, &[("recovery", &codes[0])]).await;
    assert!(answer(&page).contains_key("code"), "{}", page.html);
    assert!(browser.get("/me/add").await.has("enroll-secret"));
}

#[tokio::test]
async fn s_802_whose_passkey_was_copied_and_who_has_no_recovery_code_needs_an_administrator() {
    let world = Entrance::start().await;
    let codes = copied(&world).await;
    for code in &codes {
        let mut browser = world.browser();
        let page = with_password(&world, &mut browser).await;
        assert!(browser.submit(&page, &[("recovery", code)]).await.left_to.is_some());
    }
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    assert!(page.has("mfa-nothing") && page.text("mfa-nothing").contains("administrator"), "{}", page.html);
    assert!(!page.html.contains("<form method=\"post\" action=\"/signin/mfa\""), "there is nothing to fill in: {}", page.html);
}

#[tokio::test]
async fn w_3_3_a_passkey_is_the_second_factor_after_the_password() {
    let world = Entrance::start().await;
    world.user("alice").await;
    world.user("eve").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let mut key = with_passkey(&world, &mut home, "laptop").await;
    let (mut hers, _) = at_home(&world, "eve").await;
    let mut other = with_passkey(&world, &mut hers, "mine").await;
    let mut browser = world.browser();
    let page = with_password(&world, &mut browser).await;
    assert!(page.has("mfa-passkey") && !page.has("mfa-code"), "{}", page.html);
    assert_eq!(options(&page, "get")["allowCredentials"].as_array().map(Vec::len), Some(1));
    let refused = send(&mut browser, &page, "data-passkey=\"get\"", &[], &other.get(&options(&page, "get"))).await;
    assert!(refused.has("mfa-error"), "another's passkey: {}", refused.html);
    let done = send(&mut browser, &refused, "data-passkey=\"get\"", &[], &key.get(&options(&refused, "get"))).await;
    assert_eq!(claims(&redeem(&world, &done).await["access_token"])["amr"], json!(["pwd", "fido", "mfa"]));
}

#[tokio::test]
async fn r_25_a_disabled_person_s_passkey_is_like_nobody_s() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let mut key = with_passkey(&world, &mut home, "laptop").await;
    change(&world, alice, |user| user.enabled = false).await;
    let mut browser = world.browser();
    let page = browser.get(&arm(&world)).await;
    let page = send(&mut browser, &page, SIGN_IN, &[], &key.get(&options(&page, "get"))).await;
    assert_eq!((page.status, page.text("signin-error").as_str()), (200, REFUSED));
}

#[tokio::test]
async fn w_031_a_passkey_form_of_another_place_changes_nothing() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (mut home, _) = at_home(&world, "alice").await;
    let mut key = with_passkey(&world, &mut home, "laptop").await;
    let mut browser = world.browser();
    let page = browser.get(&arm(&world)).await;
    let assertion = key.get(&options(&page, "get"));
    let (flow, ceremony) = (page.field("flow").expect("a flow"), page.form(SIGN_IN).field("ceremony").expect("a question"));
    let forged = browser
        .post("/signin/passkey", &[("flow", &flow), ("csrf", "x"), ("ceremony", &ceremony), ("assertion", &assertion)])
        .await;
    assert_eq!(forged.status, 403);
    assert!(browser.cookie("__Host-entrance-session").is_none());
}

#[tokio::test]
async fn w_4_12_a_passkey_says_itself_which_tenant_s_person_opens_their_own_page() {
    let world = Entrance::start().await;
    world.sleep(minutes(1));
    let tenant = world.fabrikam().await;
    let mut eve = sample::person("eve", world.app().now());
    eve.upn = "eve@fabrikam.example".parse().expect("a UPN");
    let hash = world.app().hasher.hash(PASSWORD.to_owned().into()).await;
    let mut tx = world.app().store.write().await.expect("the store writes");
    tx.directory().insert_user(tenant.id, &eve).await.expect("the person is new");
    tx.directory().set_password_hash(tenant.id, eve.id, &hash).await.expect("the password is set");
    tx.commit().await.expect("the store commits");
    let mut home = world.browser();
    let page = home.get("/me").await;
    home.sign_in(&page, "eve@fabrikam.example", PASSWORD).await;
    let mut key = with_passkey(&world, &mut home, "laptop").await;

    let mut browser = world.browser();
    let page = browser.get("/me").await;
    let page = send(&mut browser, &page, SIGN_IN, &[], &key.get(&options(&page, "get"))).await;
    assert!(page.has("me-sessions") && page.html.contains("Fabrikam"), "{}: {}", page.path, page.html);
    // Where an application named its tenant, the passkey of another one is nobody's.
    let page = browser.get(&super::authorize("openid", &[("prompt", "login")]).replace("organizations", "contoso.example")).await;
    let page = send(&mut browser, &page, SIGN_IN, &[], &key.get(&options(&page, "get"))).await;
    assert_eq!(page.text("signin-error"), REFUSED);
}
