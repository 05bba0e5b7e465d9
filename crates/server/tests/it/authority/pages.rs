use entrance_testkit::{Entrance, PASSWORD};

use super::AZ;

fn authorize() -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", AZ),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:1"),
            ("scope", "openid"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    format!("/organizations/oauth2/v2.0/authorize?{query}")
}

#[tokio::test]
async fn w_020_w_023_w_025_and_o_11_every_page_has_its_headers() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    for path in [
        authorize().as_str(),
        "/devicelogin",
        "/signedout",
        "/error",
        "/error?code=50126",
        "/nothing",
        "/signin",
        "/common/oauth2/deviceauth",
    ] {
        let page = browser.get(path).await;
        let header = |name: &str| {
            page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_else(|| panic!("{path}: no {name}"))
        };
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'"
            ),
            "{path}"
        );
        assert!(
            policy.ends_with("frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"),
            "{path}"
        );
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("content-language"), "en");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert!(header("permissions-policy").contains("camera=()"));
        // W-025: nothing inline. W-026: nothing of others.
        for bad in ["style=\"", " on", "javascript:", "<style", "http-equiv", "src=\"http"] {
            let found = if bad == " on" {
                page.html.contains(" onclick=") || page.html.contains(" onsubmit=")
            } else {
                page.html.contains(bad)
            };
            assert!(!found, "{path}: {bad}");
        }
        assert!(!page.html.contains("<script>"), "{path}");
        assert_eq!(page.html.matches("<h1").count(), 1, "{path}: W-041");
        assert!(page.html.contains("<main id=\"main\"") && page.html.contains("<html lang=\"en\""), "{path}");
        assert!(page.html.contains("This is a demo on this machine."), "{path}: a demo says what it is");
    }
}

#[tokio::test]
async fn w_024_static_files_are_kept_for_good_under_their_hash() {
    let world = Entrance::start().await;
    let page = world.browser().get("/devicelogin").await;
    for part in page.html.split("/static/").skip(1) {
        let name = &part[..part.find('"').expect("an attribute ends")];
        let file = world.get(&format!("/static/{name}")).await;
        assert_eq!(file.status(), 200, "{name}");
        assert_eq!(file.headers()["cache-control"], "public, max-age=31536000, immutable");
    }
    assert_eq!(world.get("/static/gate.000000000000.css").await.status(), 404);
}

#[tokio::test]
async fn w_031_a_form_of_another_place_changes_nothing() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize()).await;
    let flow = page.field("flow").expect("a flow");
    let forged = browser
        .post("/signin", &[("flow", &flow), ("csrf", "x"), ("login", "alice@contoso.example"), ("passwd", PASSWORD)])
        .await;
    assert_eq!(forged.status, 403);
    browser.headers.push(("sec-fetch-site", "cross-site".into()));
    assert_eq!(browser.sign_in(&page, "alice@contoso.example", PASSWORD).await.status, 403);
    browser.headers.clear();
    browser.headers.push(("origin", "https://evil.example".into()));
    assert_eq!(browser.sign_in(&page, "alice@contoso.example", PASSWORD).await.status, 403);
    assert!(browser.cookie("__Host-entrance-session").is_none());
    browser.headers.clear();
    assert!(browser.sign_in(&page, "alice@contoso.example", PASSWORD).await.left_to.is_some());
}

#[tokio::test]
async fn w_032_a_flow_belongs_to_its_browser_and_ends() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize()).await;
    let elsewhere = world.browser().get(&page.path).await;
    assert_eq!(elsewhere.text("error-code"), "AADSTS50089");
    let done = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert!(done.left_to.is_some());
    let again = browser.get(&page.path.replace("/signin?", "/signin/return?")).await;
    assert_eq!(again.text("error-code"), "AADSTS50089", "a flow answers once");
    let page = browser.get(&authorize().replace("response_type", "prompt=login&response_type")).await;
    world.sleep(entrance_testkit::minutes(31));
    assert_eq!(browser.sign_in(&page, "alice@contoso.example", PASSWORD).await.text("error-code"), "AADSTS50089");
}

#[tokio::test]
async fn w_3_1_wrong_names_and_passwords_look_the_same_and_the_password_is_not_shown_again() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize()).await;
    for name in ["alice@contoso.example", "nobody@contoso.example", "\"><b>x"] {
        let page = browser.sign_in(&page, name, "not-the-password").await;
        assert_eq!(page.status, 200, "W-005");
        assert_eq!(page.text("signin-error"), "That name and password do not match.");
        assert!(!page.html.contains("not-the-password") && !page.html.contains("<b>x"));
    }
}

#[tokio::test]
async fn s_805_the_session_cookie_changes_at_every_sign_in() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize()).await;
    browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let first = browser.cookie("__Host-entrance-session").expect("a session").to_owned();
    let page = browser.get(&format!("{}&prompt=login", authorize())).await;
    browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert_ne!(browser.cookie("__Host-entrance-session"), Some(first.as_str()));
    world.sleep(entrance_testkit::minutes(24 * 60));
    assert!(browser.get(&authorize()).await.has("signin-form"), "a day idle is over");
}

#[tokio::test]
async fn s_504_the_error_page_explains_and_reflects_nothing() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    let page = browser.get("/error?code=50126").await;
    assert_eq!((page.status, page.text("error-title").as_str()), (200, "AADSTS50126"));
    for odd in ["/error?code=%3Cscript%3Ealert(1)%3C/script%3E", "/error?code=99999999999", "/error?x"] {
        let page = browser.get(odd).await;
        assert_eq!((page.status, page.text("error-title").as_str()), (200, "About errors"), "{odd}");
        assert!(!page.html.contains("alert"));
    }
}
