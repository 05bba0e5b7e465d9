use entrance_testkit::{Browser, Entrance, PASSWORD, Page, changed, minutes};
use serde_json::Value;

use super::{AKS, AKS_CLIENT, AZ, parameters, refusal, secret, text, verified};

/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://localhost:41234";

fn authorize(client: &str, change: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile offline_access"),
        ("state", "a state &<>\"'"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let parameters = changed(&usual, change);
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/organizations/oauth2/v2.0/authorize?{query}")
}

async fn redeem(world: &Entrance, client: &str, code: &str, change: &[(&str, &str)]) -> reqwest::Response {
    let usual = [
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_info", "1"),
    ];
    let form = changed(&usual, change);
    world.post("/organizations/oauth2/v2.0/token", &form).await
}

/// Signs alice in and gives what the application was sent.
async fn signed_in(
    browser: &mut Browser<'_>,
    client: &str,
    change: &[(&str, &str)],
) -> std::collections::BTreeMap<String, String> {
    let page = browser.get(&authorize(client, change)).await;
    let page = if page.has("signin-form") { browser.sign_in(&page, "alice@contoso.example", PASSWORD).await } else { page };
    parameters(page.left_to.as_deref().unwrap_or_else(|| panic!("{}", page.html)))
}

#[tokio::test]
async fn s_103_az_gets_its_code_by_a_form_that_works_without_script() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(AZ, &[("response_mode", "form_post"), ("prompt", "select_account")])).await;
    assert!(page.path.starts_with("/signin?flow="), "W-032: nothing of the request stays in the address: {}", page.path);
    assert_eq!(page.text("signin-app"), "to continue to Azure CLI");
    assert!(page.headers["content-security-policy"].to_str().expect("ASCII").contains("form-action 'self' http://localhost:*;"));
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert_eq!(page.action(), REDIRECT);
    assert!(page.has("formpost-continue"));
    assert!(page.headers["content-security-policy"].to_str().expect("ASCII").contains("form-action 'self' http://localhost:*;"));
    assert_eq!(page.field("state").as_deref(), Some("a state &<>\"'"));
    assert_eq!(page.field("iss"), Some(world.app().issuer_v2(world.tenant)));
    let code = page.field("code").expect("a code");
    let tokens: Value = redeem(&world, AZ, &code, &[]).await.json().await.expect("JSON");
    let id = verified(&world, text(&tokens, "id_token")).await;
    assert_eq!((text(&id, "nonce"), text(&id, "oid")), ("n-1", alice.id.to_string().as_str()));
    assert_eq!(id["name"], "alice");
    let access = verified(&world, text(&tokens, "access_token")).await;
    assert_eq!(text(&access, "aud"), "00000003-0000-0000-c000-000000000000", "OpenID scopes alone are for the directory");
    assert_eq!(text(&access, "scp"), "openid profile");
}

#[tokio::test]
async fn s_103_the_answer_travels_as_it_was_asked() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(AZ, &[])).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert!(page.left_to.as_deref().is_some_and(|to| to.starts_with(&format!("{REDIRECT}?code="))));
    let page = browser.get(&authorize(AZ, &[("response_mode", "fragment")])).await;
    assert!(
        page.left_to.as_deref().is_some_and(|to| to.starts_with(&format!("{REDIRECT}#code="))),
        "the session answers without a page"
    );
}

#[tokio::test]
async fn s_210_and_o_03_a_code_is_redeemed_once_and_its_second_use_ends_what_came_from_it() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let answer = signed_in(&mut browser, AZ, &[]).await;
    let tokens: Value = redeem(&world, AZ, &answer["code"], &[]).await.json().await.expect("JSON");
    let me = async || {
        let request = world.client.get(world.url("/v1.0/me")).bearer_auth(text(&tokens, "access_token"));
        request.send().await.expect("answers").status().as_u16()
    };
    let stranger = refusal(redeem(&world, AKS_CLIENT, &answer["code"], &[]).await).await;
    assert_eq!((stranger, me().await), ((400, "invalid_grant".into(), 70000), 200), "another client ends nothing");
    assert_eq!(refusal(redeem(&world, AZ, &answer["code"], &[]).await).await, (400, "invalid_grant".into(), 54005));
    assert_eq!(me().await, 401, "the access token, too");
    let form = [("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", text(&tokens, "refresh_token"))];
    let refused = world.post("/organizations/oauth2/v2.0/token", &form).await;
    let body: Value = refused.json().await.expect("JSON");
    assert_eq!((body["error_codes"][0].as_u64(), text(&body, "suberror")), (Some(50173), "bad_token"));
}

#[tokio::test]
async fn s_210_a_code_is_bound_to_everything_it_was_asked_with() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let code = signed_in(&mut browser, AZ, &[]).await["code"].clone();
    let refused =
        async |client: &'static str, change: &[(&str, &str)]| refusal(redeem(&world, client, &code, change).await).await;
    assert_eq!(refused(AKS_CLIENT, &[]).await, (400, "invalid_grant".into(), 70000));
    assert_eq!(refused(AZ, &[("redirect_uri", "http://localhost:41235")]).await, (400, "invalid_request".into(), 50011));
    assert_eq!(refused(AZ, &[("code_verifier", "")]).await, (400, "invalid_grant".into(), 50148));
    assert_eq!(refused(AZ, &[("code_verifier", &"x".repeat(43))]).await, (400, "invalid_grant".into(), 501_481));
    assert_eq!(refused(AZ, &[("code", "1.garbage")]).await, (400, "invalid_grant".into(), 9_002_313));
    assert_eq!(refused(AZ, &[("client_secret", "x")]).await, (401, "invalid_client".into(), 700_025));
    world.sleep(minutes(5));
    assert_eq!(refused(AZ, &[]).await, (400, "invalid_grant".into(), 70008));
}

#[tokio::test]
async fn s_100_nothing_is_sent_to_an_address_that_is_not_registered() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    for (change, number) in [
        (("redirect_uri", "https://evil.example/"), "AADSTS50011"),
        (("redirect_uri", "http://localhost.evil.example/"), "AADSTS50011"),
        (("redirect_uri", ""), "AADSTS50011"),
        (("client_id", "11111111-1111-4111-8111-111111111111"), "AADSTS700016"),
        (("client_id", "'\"><script>"), "AADSTS700016"),
    ] {
        let page = browser.get(&authorize(AZ, &[change])).await;
        assert_eq!((page.status, page.left_to.as_deref()), (400, None), "{change:?}");
        assert_eq!(page.text("error-code"), number);
        assert!(!page.html.contains("evil.example") && !page.html.contains("<script>"));
    }
}

#[tokio::test]
async fn s_100_what_is_wrong_with_the_rest_is_told_to_the_application() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    for (change, error, number) in [
        (("response_type", "token"), "unsupported_response_type", 700_051),
        (("response_type", "id_token"), "unsupported_response_type", 700_054),
        (("response_type", "magic"), "unsupported_response_type", 70005),
        (("response_mode", "pigeon"), "invalid_request", 70007),
        (("code_challenge", ""), "invalid_request", 50147),
        (("code_challenge_method", "plain"), "invalid_request", 50147),
        (("code_challenge", "short"), "invalid_request", 501_491),
        (("scope", ""), "invalid_request", 900_144),
        (("scope", "api://nothing/.default"), "invalid_resource", 500_011),
        (("prompt", "none"), "interaction_required", 50058),
        (("prompt", "none login"), "invalid_request", 90023),
        (("claims", "{"), "invalid_request", 90023),
        (("resource", "x"), "invalid_request", 901_002),
    ] {
        let page = browser.get(&authorize(AZ, &[change])).await;
        let told = parameters(page.left_to.as_deref().unwrap_or_else(|| panic!("{change:?}: {}", page.html)));
        assert_eq!(told["error"], error, "{change:?}");
        assert!(told["error_description"].starts_with(&format!("AADSTS{number}: ")), "{change:?}: {}", told["error_description"]);
        assert_eq!(told["state"], "a state &<>\"'");
        assert!(!told.contains_key("code"));
    }
}

#[tokio::test]
async fn s_107_select_account_shows_who_is_signed_in_here() {
    let world = Entrance::start().await;
    world.user("alice").await;
    world.user("bob").await;
    let mut browser = world.browser();
    signed_in(&mut browser, AZ, &[]).await;
    let page =
        browser.get(&authorize(AKS_CLIENT, &[("prompt", "select_account"), ("scope", &format!("{AKS}/.default openid"))])).await;
    assert!(page.text("account-item").contains("alice@contoso.example"));
    assert_eq!(page.text("account-continue"), "Continue as alice");
    let value = account(&page);
    let done = browser.submit(&page, &[("account", &value)]).await;
    assert!(parameters(done.left_to.as_deref().expect("an answer")).contains_key("code"));
    // Another account, and then both are offered.
    let page = browser.get(&authorize(AZ, &[("prompt", "login")])).await;
    assert!(page.has("signin-form"));
    browser.sign_in(&page, "bob@contoso.example", PASSWORD).await;
    let page = browser.get(&authorize(AZ, &[])).await;
    assert_eq!(page.html.matches("data-testid=\"account-item\"").count(), 2);
    let hinted = browser.get(&authorize(AZ, &[("login_hint", "ALICE@contoso.example")])).await;
    assert!(hinted.left_to.is_some(), "a hint chooses");
}

fn account(page: &Page) -> String {
    page.html.split("name=\"account\" value=\"").nth(1).expect("an account")[..36].to_owned()
}

#[tokio::test]
async fn s_203_a_web_application_proves_itself_and_keeps_its_refresh_tokens() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (app, _) = world
        .application("shop", |app| {
            app.redirects.web.push("https://shop.example/cb".into());
            app.credentials.push(secret("the-shop's-secret", "2027-01-01T00:00:00Z"));
        })
        .await;
    let id = app.app_id.to_string();
    let mut browser = world.browser();
    let redirect = ("redirect_uri", "https://shop.example/cb");
    let code = signed_in(&mut browser, &id, &[redirect]).await["code"].clone();
    assert_eq!(refusal(redeem(&world, &id, &code, &[redirect]).await).await, (401, "invalid_client".into(), 7_000_218));
    let tokens: Value =
        redeem(&world, &id, &code, &[redirect, ("client_secret", "the-shop's-secret")]).await.json().await.expect("JSON");
    assert!(tokens.get("foci").is_none());
    let access = text(&tokens, "access_token");
    let who: Value = world
        .client
        .get(world.url("/oidc/userinfo"))
        .bearer_auth(access)
        .send()
        .await
        .expect("answers")
        .json()
        .await
        .expect("JSON");
    let id_token = verified(&world, text(&tokens, "id_token")).await;
    assert_eq!(who["sub"], id_token["sub"], "S-121");
    assert_eq!(who["name"], "alice");
    let stranger =
        world.client.get(world.url("/oidc/userinfo")).bearer_auth(text(&tokens, "id_token")).send().await.expect("answers");
    assert_eq!(stranger.status(), 401);
    assert!(stranger.headers().contains_key("www-authenticate"));
    let refresh = [("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", text(&tokens, "refresh_token"))];
    assert_eq!(refusal(world.post("/organizations/oauth2/v2.0/token", &refresh).await).await.2, 7_000_218);
}

#[tokio::test]
async fn s_120_signing_out_leads_to_registered_addresses_only() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (app, _) = world.application("shop", |app| app.redirects.web.push("https://shop.example/bye".into())).await;
    let id = app.app_id.to_string();
    let mut browser = world.browser();
    let out = async |browser: &mut Browser<'_>, to: &str, client: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("post_logout_redirect_uri", to), ("client_id", client), ("state", "s&1")])
            .finish();
        browser.get(&format!("/common/oauth2/v2.0/logout?{query}")).await
    };
    signed_in(&mut browser, AZ, &[]).await;
    assert!(browser.cookie("__Host-entrance-session").is_some());
    let page = out(&mut browser, "https://shop.example/bye", &id).await;
    assert_eq!(page.left_to.as_deref(), Some("https://shop.example/bye?state=s%261"));
    assert!(browser.cookie("__Host-entrance-session").is_none());
    for (to, client) in [("https://evil.example/", id.as_str()), ("https://shop.example/bye", AZ), ("//evil.example", &id)] {
        let page = out(&mut browser, to, client).await;
        assert_eq!(page.left_to, None, "{to}");
        assert!(page.has("signedout-title"));
    }
}
