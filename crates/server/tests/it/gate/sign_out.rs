use entrance_testkit::Entrance;

use super::{Shop, answered, authorize, opened, redeemed};

const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

#[tokio::test]
async fn s_120_signing_out_leads_to_registered_addresses_only() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    opened(&mut browser, &authorize(AZ, &[("scope", "openid")]), "alice").await;
    let leave = |redirect: &str, client: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("post_logout_redirect_uri", redirect), ("client_id", client), ("state", "a b")])
            .finish();
        format!("/organizations/oauth2/v2.0/logout?{query}")
    };
    for (redirect, client) in [
        ("https://evil.example/", shop.id()),
        ("https://shop.example/back", AZ.to_owned()),
        ("https://shop.example/back", String::new()),
        ("https://shop.example.evil.example/back", shop.id()),
    ] {
        let page = browser.get(&leave(redirect, &client)).await;
        assert!(page.left_to.is_none() && page.has("signedout-title"), "{redirect}: {}", page.html);
    }
    let page = browser.get(&leave("https://shop.example/back", &shop.id())).await;
    assert_eq!(page.left_to.as_deref(), Some("https://shop.example/back?state=a+b"));
    assert!(browser.cookie("__Host-entrance-session").is_none());
}

#[tokio::test]
async fn s_120_a_browser_that_several_people_share_is_asked_first() {
    let world = Entrance::start().await;
    world.user("alice").await;
    world.user("bob").await;
    let mut browser = world.browser();
    opened(&mut browser, &authorize(AZ, &[("scope", "openid")]), "alice").await;
    opened(&mut browser, &authorize(AZ, &[("scope", "openid"), ("prompt", "login")]), "bob").await;
    let page = browser.get("/organizations/oauth2/v2.0/logout").await;
    assert!(page.has("signout-confirm"), "{}", page.html);
    assert!(browser.get(&authorize(AZ, &[("scope", "openid")])).await.has("account-list"), "nobody was signed out by a link");
    let done = browser.submit(&page, &[]).await;
    assert!(done.has("signedout-title") && done.text("signedout-message").contains("kubelogin remove-tokens"), "W-3.7");
    assert!(browser.get(&authorize(AZ, &[("scope", "openid")])).await.has("signin-form"));
}

#[tokio::test]
async fn s_120_other_applications_of_the_session_are_told() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (app, _) = world
        .application("Told", |app| {
            app.is_public_client = true;
            app.redirects.public_client = vec!["http://localhost".into()];
            app.redirects.logout = Some("https://told.example/out?x=1".into());
        })
        .await;
    let mut browser = world.browser();
    let answer = answered(&opened(&mut browser, &authorize(&app.app_id.to_string(), &[("scope", "openid")]), "alice").await);
    assert_eq!(redeemed(&world, &app.app_id.to_string(), &answer["code"]).await.0, 200);
    let page = browser.get("/organizations/oauth2/v2.0/logout").await;
    assert_eq!(page.status, 200);
    assert!(page.html.contains("<iframe") && page.html.contains("src=\"https://told.example/out?x=1&#38;iss="), "{}", page.html);
    assert!(page.html.contains(&format!("sid={}", answer["session_state"])));
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(policy.contains("frame-src https://told.example;"), "{policy}");
    // Nobody signed in: nobody to tell.
    assert!(!browser.get("/organizations/oauth2/v2.0/logout").await.html.contains("<iframe"));
}

#[tokio::test]
async fn s_121_userinfo_answers_get_and_post_and_tells_what_the_scopes_allow() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let answer = answered(&opened(&mut browser, &authorize(AZ, &[("scope", "openid profile")]), "alice").await);
    let (_, tokens) = redeemed(&world, AZ, &answer["code"]).await;
    let access = tokens["access_token"].as_str().expect("a token").to_owned();
    let subject = super::claims(tokens["id_token"].as_str().expect("a token"))["sub"].clone();
    let client = reqwest::Client::builder().danger_accept_invalid_certs(true).build().expect("a client");
    let url = world.url("/oidc/userinfo");
    for request in [
        client.get(&url).bearer_auth(&access),
        client.post(&url).bearer_auth(&access),
        client.post(&url).form(&[("access_token", &access)]),
    ] {
        let body: serde_json::Value = request.send().await.expect("answers").json().await.expect("JSON");
        assert_eq!((&body["sub"], body["name"].as_str()), (&subject, Some("alice")), "{body}");
    }
    let only = answered(&browser.get(&authorize(AZ, &[("scope", "openid")])).await);
    let (_, tokens) = redeemed(&world, AZ, &only["code"]).await;
    let access = tokens["access_token"].as_str().expect("a token");
    let body: serde_json::Value = client.get(&url).bearer_auth(access).send().await.expect("answers").json().await.expect("JSON");
    assert_eq!(body.as_object().expect("an object").len(), 1, "{body}");
    for wrong in [tokens["id_token"].as_str().expect("a token"), "nonsense", ""] {
        let answer = client.post(&url).bearer_auth(wrong).send().await.expect("answers");
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
    }
}
