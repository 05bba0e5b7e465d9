use base64::Engine as _;
use entrance_testkit::Entrance;
use serde_json::json;

use super::{CHALLENGE, REDIRECT, Shop, VERIFIER, answered, authorize, claims, opened, redeemed};

const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

#[tokio::test]
async fn s_100_until_the_address_is_known_nothing_is_sent_there_and_afterwards_everything_is() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    for (change, code) in [
        (("client_id", "11111111-1111-4111-8111-111111111111"), "AADSTS700016"),
        (("redirect_uri", "https://evil.example/"), "AADSTS50011"),
        (("redirect_uri", ""), "AADSTS50011"),
    ] {
        let page = browser.get(&authorize(AZ, &[change])).await;
        assert_eq!((page.status, page.text("error-code").as_str()), (400, code), "{change:?}");
        assert!(page.left_to.is_none());
    }
    let unknown = authorize(AZ, &[]).replace("/organizations/", "/22222222-2222-4222-8222-222222222222/");
    assert_eq!(browser.get(&unknown).await.text("error-code"), "AADSTS90002");
    for (change, code) in [
        (("response_type", "code token"), "AADSTS700051"),
        (("response_type", "device"), "AADSTS70005"),
        (("scope", ""), "AADSTS900144"),
        (("code_challenge", ""), "AADSTS50147"),
        (("code_challenge", "short"), "AADSTS501491"),
        (("prompt", "none login"), "AADSTS90023"),
        (("claims", "{"), "AADSTS90023"),
        (("max_age", "-1"), "AADSTS90013"),
    ] {
        let answer = answered(&browser.get(&authorize(AZ, &[("scope", "openid"), change])).await);
        assert!(answer["error_description"].starts_with(&format!("{code}: ")), "{change:?}: {answer:?}");
        assert_eq!(answer["state"], "s");
        assert!(answer["error_uri"].ends_with(&format!("/error?code={}", &code[6..])));
        assert_eq!(answer["iss"], world.app().issuer_v2(world.tenant), "S-104");
    }
    let doubled = format!("{}&scope=openid", authorize(AZ, &[]));
    assert_eq!(browser.get(&doubled).await.status, 400, "S-016: a parameter that comes twice");
}

#[tokio::test]
async fn s_101_redirect_addresses_match_exactly() {
    let world = Entrance::start().await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    let open = ["http://localhost:5", "http://localhost:65535/", "https://shop.example/back"];
    for good in open {
        let page = browser.get(&shop.authorize(&[("redirect_uri", good)])).await;
        assert!(page.has("signin-form"), "{good}: {}", page.html);
    }
    for bad in [
        "https://shop.example/back/",
        "https://shop.example/back?x=1",
        "https://shop.example/back#x",
        "https://SHOP.example/back",
        "https://user@shop.example/back",
        "https://shop.example\\@evil.example/back",
        "https://shop.example/x/../back",
        "http://localhost:5/other",
        "http://localhost.evil.example:5",
        "urn:ietf:wg:oauth:2.0:oob",
    ] {
        let page = browser.get(&shop.authorize(&[("redirect_uri", bad)])).await;
        assert_eq!((page.status, page.text("error-code").as_str()), (400, "AADSTS50011"), "{bad}");
        assert!(!page.html.contains("evil.example") && page.left_to.is_none(), "{bad}");
    }
}

/// An application that may get ID tokens through the browser.
async fn hybrid(world: &Entrance) -> String {
    let (app, _) = world
        .application("Hybrid", |app| {
            app.is_public_client = true;
            app.redirects.public_client = vec!["http://localhost".into()];
            app.other.insert("web".into(), json!({"implicitGrantSettings": {"enableIdTokenIssuance": true}}));
        })
        .await;
    app.app_id.to_string()
}

#[tokio::test]
async fn s_102_and_s_103_id_tokens_travel_in_the_fragment_where_the_registration_allows_them() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let client = hybrid(&world).await;
    let scope = ("scope", "openid profile");
    let mut browser = world.browser();
    let page =
        opened(&mut browser, &authorize(&client, &[("response_type", "code id_token"), scope, ("client_info", "1")]), "alice")
            .await;
    assert!(page.left_to.as_deref().is_some_and(|to| to.starts_with(&format!("{REDIRECT}#"))), "{:?}", page.left_to);
    let answer = answered(&page);
    let id = claims(&answer["id_token"]);
    assert_eq!((id["aud"].as_str(), id["nonce"].as_str()), (Some(client.as_str()), Some("n")));
    assert_eq!(id["oid"], alice.id.to_string());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, answer["code"].as_bytes());
    let half = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]);
    assert_eq!(id["c_hash"], half, "the code cannot be swapped");
    assert!(answer.contains_key("client_info") && answer["iss"] == world.app().issuer_v2(world.tenant), "S-104");
    assert_eq!(redeemed(&world, &client, &answer["code"]).await.0, 200);
    let alone = answered(
        &browser
            .get(&authorize(
                &client,
                &[("response_type", "id_token"), scope, ("code_challenge", ""), ("code_challenge_method", "")],
            ))
            .await,
    );
    assert!(alone.contains_key("id_token") && !alone.contains_key("code"));
    assert!(claims(&alone["id_token"]).get("c_hash").is_none());
    let form = browser.get(&authorize(&client, &[("response_type", "id_token"), ("response_mode", "form_post"), scope])).await;
    assert!(form.field("id_token").is_some() && form.action() == REDIRECT);
    let query =
        answered(&browser.get(&authorize(&client, &[("response_type", "id_token"), ("response_mode", "query"), scope])).await);
    assert!(query["error_description"].starts_with("AADSTS70007: "), "{query:?}");
    let off = answered(&browser.get(&authorize(AZ, &[("response_type", "id_token"), scope])).await);
    assert!(off["error_description"].starts_with("AADSTS700054: "), "{off:?}");
}

#[tokio::test]
async fn s_110_an_id_token_through_the_browser_needs_a_nonce_and_a_nonce_has_a_budget() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let client = hybrid(&world).await;
    let mut browser = world.browser();
    let answer =
        answered(&browser.get(&authorize(&client, &[("response_type", "id_token"), ("scope", "openid"), ("nonce", "")])).await);
    assert_eq!(answer["error"], "invalid_request");
    let long = "n".repeat(513);
    let answer = answered(&browser.get(&authorize(AZ, &[("scope", "openid"), ("nonce", &long)])).await);
    assert!(answer["error_description"].starts_with("AADSTS90013: "), "{answer:?}");
}

#[tokio::test]
async fn s_106_an_application_may_be_allowed_a_plain_challenge_and_only_one_that_proves_itself_none() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (app, _) = world
        .application("Old", |app| {
            app.is_public_client = true;
            app.redirects.public_client = vec!["http://localhost".into()];
            app.redirects.web = vec!["https://old.example/back".into()];
            app.other.insert("entranceProfile".into(), json!({"allowPlainPkce": true, "allowNoPkce": true}));
        })
        .await;
    let client = app.app_id.to_string();
    let scope = ("scope", "openid");
    let mut browser = world.browser();
    let plain = [scope, ("code_challenge", VERIFIER), ("code_challenge_method", "plain")];
    let page = opened(&mut browser, &authorize(&client, &plain), "alice").await;
    assert_eq!(redeemed(&world, &client, &answered(&page)["code"]).await.0, 200);
    let none = [scope, ("code_challenge", ""), ("code_challenge_method", "")];
    let refused = answered(&browser.get(&authorize(&client, &none)).await);
    assert!(refused["error_description"].starts_with("AADSTS50147: "), "a program on a machine has no other proof");
    let mut web = none.to_vec();
    web.push(("redirect_uri", "https://old.example/back"));
    assert!(answered(&browser.get(&authorize(&client, &web)).await).contains_key("code"));
    let method = [scope, ("code_challenge", ""), ("redirect_uri", "https://old.example/back")];
    assert!(answered(&browser.get(&authorize(&client, &method)).await)["error_description"].starts_with("AADSTS50147: "));
    assert_ne!(CHALLENGE, VERIFIER);
}

#[tokio::test]
async fn s_107_s_108_prompts_hints_and_session_ids_choose_the_page() {
    let world = Entrance::start().await;
    world.user("alice").await;
    world.user("bob").await;
    let mut browser = world.browser();
    let scope = ("scope", "openid");
    let none = answered(&browser.get(&authorize(AZ, &[scope, ("prompt", "none")])).await);
    assert!(none["error_description"].starts_with("AADSTS50058: "), "{none:?}");
    let page = browser.get(&authorize(AZ, &[scope, ("login_hint", "alice@contoso.example")])).await;
    assert!(page.html.contains("value=\"alice@contoso.example\""), "the hint fills the name in");
    let answer = answered(&opened(&mut browser, &authorize(AZ, &[scope]), "alice").await);
    let sid = answer["session_state"].clone();
    assert!(answered(&browser.get(&authorize(AZ, &[scope, ("prompt", "none"), ("sid", &sid)])).await).contains_key("code"));
    for other in ["33333333-3333-4333-8333-333333333333", "nonsense"] {
        let refused = answered(&browser.get(&authorize(AZ, &[scope, ("prompt", "none"), ("sid", other)])).await);
        assert!(refused["error_description"].starts_with("AADSTS16002: "), "{refused:?}");
    }
    assert!(browser.get(&authorize(AZ, &[scope, ("prompt", "login")])).await.has("signin-form"));
    assert!(browser.get(&authorize(AZ, &[scope, ("prompt", "select_account")])).await.has("account-list"));
    assert!(
        answered(&browser.get(&authorize(AZ, &[scope, ("prompt", "create"), ("domain_hint", "organizations")])).await)
            .contains_key("code")
    );
    let page = browser.get(&authorize(AZ, &[scope, ("prompt", "login")])).await;
    browser.sign_in(&page, "bob@contoso.example", entrance_testkit::PASSWORD).await;
    assert!(browser.get(&authorize(AZ, &[scope])).await.has("account-list"), "two people: which one?");
    let hinted = answered(&browser.get(&authorize(AZ, &[scope, ("login_hint", "ALICE@contoso.example")])).await);
    assert_eq!(hinted["session_state"], sid);
}

#[tokio::test]
async fn s_108_and_s_109_max_age_and_claims_put_the_time_of_the_sign_in_into_the_id_token() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let scope = ("scope", "openid");
    let first = answered(&opened(&mut browser, &authorize(AZ, &[scope]), "alice").await);
    let (_, tokens) = redeemed(&world, AZ, &first["code"]).await;
    assert!(claims(tokens["id_token"].as_str().expect("a token")).get("auth_time").is_none());
    let asked = [
        scope,
        ("claims", r#"{"id_token":{"auth_time":{"essential":true}},"access_token":{"xms_cc":{"values":["cp1"]}},"x":1}"#),
    ];
    let answer = answered(&browser.get(&authorize(AZ, &asked)).await);
    let (_, tokens) = redeemed(&world, AZ, &answer["code"]).await;
    assert!(claims(tokens["id_token"].as_str().expect("a token"))["auth_time"].is_i64());
    world.sleep(entrance_testkit::minutes(5));
    assert!(browser.get(&authorize(AZ, &[scope, ("max_age", "60")])).await.has("signin-form"), "too long ago");
    let fresh = answered(&browser.get(&authorize(AZ, &[scope, ("max_age", "3600")])).await);
    let (_, tokens) = redeemed(&world, AZ, &fresh["code"]).await;
    assert!(claims(tokens["id_token"].as_str().expect("a token"))["auth_time"].is_i64());
}

#[tokio::test]
async fn s_105_a_code_is_random_opaque_and_ends_after_five_minutes() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let first = answered(&opened(&mut browser, &authorize(AZ, &[("scope", "openid")]), "alice").await);
    let second = answered(&browser.get(&authorize(AZ, &[("scope", "openid")])).await);
    assert!(first["code"] != second["code"] && first["code"].len() >= 43);
    world.sleep(entrance_testkit::minutes(6));
    let (status, body) = redeemed(&world, AZ, &second["code"]).await;
    assert_eq!((status, body["error_codes"][0].as_u64()), (400, Some(70008)), "{body}");
}

#[tokio::test]
async fn s_111_and_s_112_field_names_are_stable_and_the_native_client_page_is_blank() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(AZ, &[("scope", "openid")])).await;
    for part in ["name=\"login\"", "name=\"passwd\"", "autocomplete=\"username webauthn\"", "autocomplete=\"current-password\""] {
        assert!(page.html.contains(part), "{part}");
    }
    let device = browser.get("/devicelogin").await;
    assert!(device.html.contains("name=\"otc\""));
    let blank = browser.get("/common/oauth2/nativeclient").await;
    assert_eq!((blank.status, blank.html.as_str()), (200, ""));
}
