//! OIDC Core §3.1.2.1: `id_token_hint` names whom the application means.

use entrance_testkit::{Browser, Entrance, PASSWORD};

use super::{answered, authorize, opened, redeemed};

const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const AKS_CLIENT: &str = "80faf920-1908-4b52-b5ef-a8e7bedfc67a";

fn asked(client: &str, change: &[(&str, &str)]) -> String {
    authorize(client, &[&[("scope", "openid profile")], change].concat())
}

/// An ID token of a person for a client.
async fn id_token(world: &Entrance, browser: &mut Browser<'_>, client: &str, who: &str) -> String {
    let page = opened(browser, &asked(client, &[("prompt", "login")]), who).await;
    let (_, tokens) = redeemed(world, client, &answered(&page)["code"]).await;
    tokens["id_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
}

/// Whom a code is for, or the error that came in its place.
async fn outcome(world: &Entrance, page: &entrance_testkit::Page) -> String {
    let answer = answered(page);
    let Some(code) = answer.get("code") else { return answer["error"].clone() };
    let (_, tokens) = redeemed(world, AZ, code).await;
    super::claims(tokens["id_token"].as_str().expect("a token"))["name"].as_str().expect("a name").to_owned()
}

#[tokio::test]
async fn without_a_page_only_the_person_of_the_hint_is_answered_for() {
    let world = Entrance::start().await;
    world.user("alice").await;
    world.user("bob").await;
    let (alice, bob) =
        (id_token(&world, &mut world.browser(), AZ, "alice").await, id_token(&world, &mut world.browser(), AZ, "bob").await);
    let elsewhere = id_token(&world, &mut world.browser(), AKS_CLIENT, "bob").await;
    let mut browser = world.browser();
    opened(&mut browser, &asked(AZ, &[]), "bob").await;
    for (hint, expected) in [
        (bob.as_str(), "bob"),
        (alice.as_str(), "login_required"),
        ("nonsense", "login_required"),
        (elsewhere.as_str(), "login_required"),
    ] {
        let page = browser.get(&asked(AZ, &[("prompt", "none"), ("id_token_hint", hint)])).await;
        assert_eq!(outcome(&world, &page).await, expected);
    }
    world.sleep(entrance_testkit::minutes(61));
    let page = browser.get(&asked(AZ, &[("prompt", "none"), ("id_token_hint", &bob)])).await;
    assert_eq!(outcome(&world, &page).await, "bob", "a hint may have expired");
    let page = world.browser().get(&asked(AZ, &[("prompt", "none"), ("id_token_hint", &bob)])).await;
    assert_eq!(outcome(&world, &page).await, "login_required", "and signs nobody in");
}

#[tokio::test]
async fn with_pages_the_hint_chooses_its_person_or_asks_for_them() {
    let world = Entrance::start().await;
    world.user("alice").await;
    world.user("bob").await;
    let mut browser = world.browser();
    let alice = id_token(&world, &mut browser, AZ, "alice").await;
    let hinted = asked(AZ, &[("id_token_hint", &alice)]);
    opened(&mut browser, &asked(AZ, &[("prompt", "login")]), "bob").await;
    assert!(browser.get(&asked(AZ, &[])).await.has("account-list"), "both are signed in");
    assert_eq!(outcome(&world, &browser.get(&hinted).await).await, "alice");

    let mut browser = world.browser();
    opened(&mut browser, &asked(AZ, &[]), "bob").await;
    let page = browser.get(&hinted).await;
    assert!(page.has("signin-form") && page.html.contains("value=\"alice@contoso.example\""), "{}", page.html);
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert_eq!(outcome(&world, &page).await, "alice");
    let mut browser = world.browser();
    let page = browser.get(&hinted).await;
    let page = browser.sign_in(&page, "bob@contoso.example", PASSWORD).await;
    assert_eq!(outcome(&world, &page).await, "login_required", "nobody else in her place");
}
