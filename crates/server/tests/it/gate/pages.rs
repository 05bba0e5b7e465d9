use entrance_testkit::{Entrance, PASSWORD, Page};

use super::{Shop, answered, authorize, opened};

const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

fn header<'p>(page: &'p Page, name: &str) -> &'p str {
    page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_else(|| panic!("{}: no {name}", page.path))
}

/// What a person reads of a page: without mark-up, scripts and values.
fn read(html: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for letter in html.chars() {
        match letter {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            letter if !in_tag => text.push(letter),
            _ => {}
        }
    }
    text
}

#[tokio::test]
async fn w_046_pages_speak_what_the_application_the_person_or_the_browser_asks_for() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    assert_eq!(header(&browser.get("/devicelogin").await, "content-language"), "en");
    browser.headers.push(("accept-language", "fr;q=0.9, de-CH;q=0.8, en;q=0.1".into()));
    let page = browser.get("/devicelogin").await;
    assert_eq!((header(&page, "content-language"), page.text("device-title").as_str()), ("de", "Gerät verbinden"));
    assert!(page.html.contains("<html lang=\"de\""));
    assert_eq!(header(&page, "vary"), "Cookie, Accept-Language", "W-004: another browser may get another page");
    let page = browser.get("/devicelogin?mkt=ja").await;
    assert_eq!(header(&page, "content-language"), "ja");
    let page = browser.get(&authorize(AZ, &[("scope", "openid"), ("ui_locales", "xx ja en")])).await;
    assert_eq!((header(&page, "content-language"), page.text("signin-title").as_str()), ("ja", "サインイン"));
    let wrong = browser.sign_in(&page, "alice@contoso.example", "wrong").await;
    assert_eq!(wrong.text("signin-error"), "名前とパスワードが一致しません。", "the flow remembers what was asked");
    browser.headers.push(("cookie", "entrance-lang=en".into()));
    let page = browser.get("/error?code=50126").await;
    assert_eq!(header(&page, "content-language"), "en", "what somebody fixed comes before what the browser prefers");
    let missing = browser.get("/nothing/at/all?mkt=de").await;
    assert_eq!((missing.status, header(&missing, "content-language")), (404, "de"));
}

#[tokio::test]
async fn w_046_in_the_pseudo_language_no_page_shows_plain_english() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    browser.headers.push(("accept-language", "en-XA".into()));
    let mut pages = vec![
        browser.get("/devicelogin").await,
        browser.get("/signedout").await,
        browser.get("/error").await,
        browser.get("/nothing").await,
        browser.get("/consent/allowed").await,
        browser.get("/consent/refused").await,
    ];
    let page = browser.get(&shop.authorize(&[("login_hint", "alice@contoso.example")])).await;
    pages.push(browser.sign_in(&page, "alice@contoso.example", "wrong").await);
    pages.push(browser.sign_in(&page, "alice@contoso.example", PASSWORD).await);
    pages.push(page);
    pages.push(browser.get(&shop.authorize(&[("prompt", "select_account")])).await);
    pages.push(browser.get(&authorize(AZ, &[("scope", "openid"), ("response_mode", "form_post")])).await);
    // What is a name stays one, and technical names are said to be technical.
    let names = [
        "Entrance",
        "Contoso",
        "contoso",
        "Shop",
        "Orders",
        "alice",
        "example",
        "localhost",
        "See your orders",
        "Azure",
        "CLI",
        "openid",
        "offline_access",
        "Read",
    ];
    for page in pages {
        assert_eq!(header(&page, "content-language"), "en-XA", "{}", page.path);
        let mut text = read(&page.html);
        for name in names {
            text = text.replace(name, "");
        }
        let plain: Vec<_> = text
            .split_whitespace()
            .filter(|word| !word.contains(|letter: char| letter.is_ascii_digit())) // ids and times
            .flat_map(|word| word.split(|letter: char| !letter.is_alphabetic()))
            .filter(|word| word.len() > 2 && word.chars().all(|letter| letter.is_ascii_lowercase()))
            .filter(|word| !["bdi", "quot"].contains(word))
            .collect();
        assert_eq!(plain, Vec::<&str>::new(), "{}: {}", page.path, page.html);
    }
}

#[tokio::test]
async fn w_007_a_first_visit_is_four_requests_and_stays_small() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    for address in [authorize(AZ, &[("scope", "openid")]), "/devicelogin".into(), "/error?code=50126".into()] {
        let page = browser.get(&address).await;
        let (mut bytes, mut requests) = (page.html.len(), 1);
        for part in page.html.split("/static/").skip(1) {
            let name = &part[..part.find('"').expect("an attribute ends")];
            let part = world
                .client
                .get(world.url(&format!("/static/{name}")))
                .header("accept-encoding", "gzip")
                .send()
                .await
                .expect("an answer");
            assert_eq!(part.headers()["content-encoding"], "gzip", "{name}");
            bytes += part.bytes().await.expect("bytes").len();
            requests += 1;
        }
        assert_eq!(requests, 4, "{address}");
        let compressed = world.client.get(world.url(&address)).header("accept-encoding", "gzip").send().await.expect("an answer");
        assert!(
            !compressed.headers().contains_key("content-encoding"),
            "{address}: a page holds secrets beside what others chose"
        );
        // Headers are not counted here; a browser counts them in the journey.
        assert!(bytes < 9 * 1024, "{address}: {bytes}");
    }
}

#[tokio::test]
async fn w_041_and_w_042_each_page_has_one_heading_and_each_field_its_label() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    let first = browser.get(&shop.authorize(&[])).await;
    let wrong = browser.sign_in(&first, "alice@contoso.example", "wrong").await;
    assert!(wrong.html.contains("role=\"alert\"") && wrong.html.contains("aria-describedby=\"error\""));
    assert!(wrong.html.contains("aria-invalid=\"true\"") && !wrong.html.contains("value=\"wrong\""));
    let consent = browser.sign_in(&first, "alice@contoso.example", PASSWORD).await;
    let pages =
        [first, wrong, consent, browser.get("/devicelogin").await, browser.get("/signedout").await, browser.get("/error").await];
    let mut titles = std::collections::BTreeSet::new();
    for page in &pages {
        assert_eq!(page.html.matches("<h1").count(), 1, "{}", page.path);
        assert_eq!(page.html.matches("<main id=\"main\"").count(), 1, "{}", page.path);
        let title = &page.html[page.html.find("<title>").expect("a title") + 7..page.html.find("</title>").expect("it ends")];
        assert!(title.ends_with(" · Entrance"), "{title}");
        titles.insert(title.to_owned());
        for input in page.html.split("<input ").skip(1) {
            let tag = &input[..input.find('>').expect("a tag ends")];
            if tag.contains("type=\"hidden\"") || tag.contains("type=\"checkbox\"") {
                continue;
            }
            let at = tag.find("id=\"").expect("a field has an id") + 4;
            let id = &tag[at..at + tag[at..].find('"').expect("it ends")];
            assert!(page.html.contains(&format!("<label for=\"{id}\">")), "{}: {id}", page.path);
            assert!(!tag.contains("placeholder") && !tag.contains("maxlength=\"1\""), "{tag}");
        }
        assert!(!page.html.contains("tabindex=\"1") && !page.html.contains("autocomplete=\"off\" type=\"password\""));
    }
    assert_eq!(titles.len(), 5, "{titles:?}");
}

#[tokio::test]
async fn w_047_the_theme_follows_the_system_until_somebody_fixes_it() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    assert!(!browser.get("/devicelogin").await.html.contains("data-theme"));
    browser.headers.push(("cookie", "entrance-theme=dark".into()));
    assert!(browser.get("/devicelogin").await.html.contains("<html lang=\"en\" data-theme=\"dark\">"));
    browser.headers.clear();
    browser.headers.push(("cookie", "entrance-theme=\"><script>".into()));
    assert!(!browser.get("/devicelogin").await.html.contains("data-theme"), "W-030: only the words of a short list count");
}

#[tokio::test]
async fn w_021_a_form_may_end_at_the_application_that_asked_and_nowhere_else() {
    let world = Entrance::start().await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    for (redirect, source) in [
        ("http://localhost:5", "form-action 'self' http://localhost:*;"),
        ("https://shop.example/back", "form-action 'self' https://shop.example;"),
    ] {
        let page = browser.get(&shop.authorize(&[("redirect_uri", redirect)])).await;
        assert!(header(&page, "content-security-policy").contains(source), "{redirect}");
    }
    let device = browser.get("/devicelogin").await;
    assert!(header(&device, "content-security-policy").contains("form-action 'self';"));
}

#[tokio::test]
async fn w_023_every_answer_carries_its_ids_and_the_transport_is_pinned() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    browser.headers.push(("client-request-id", "12345678-1234-4123-8123-123456789012".into()));
    browser.headers.push(("return-client-request-id", "true".into()));
    for path in ["/devicelogin", "/error?code=1", "/nothing", "/signin"] {
        let page = browser.get(path).await;
        assert_eq!(header(&page, "strict-transport-security"), "max-age=31536000", "{path}");
        assert_eq!(header(&page, "x-ms-request-id").len(), 36, "{path}");
        assert_eq!(header(&page, "client-request-id"), "12345678-1234-4123-8123-123456789012", "{path}");
        assert!(page.headers.get("cross-origin-opener-policy").is_none(), "a popup keeps its opener");
        assert!(page.headers.get("server").is_none_or(|name| !name.to_str().unwrap_or_default().contains('/')));
    }
    let page = browser.get("/signin").await;
    assert_eq!(page.text("error-correlation-id"), "12345678-1234-4123-8123-123456789012");
    assert_eq!(page.text("error-request-id"), header(&page, "x-ms-request-id"));
}

#[tokio::test]
async fn w_005_a_good_post_leads_on_and_a_refused_one_shows_the_form_again() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(AZ, &[("scope", "openid")])).await;
    let wrong = browser.sign_in(&page, "alice@contoso.example", "wrong").await;
    assert_eq!((wrong.status, wrong.path.as_str()), (200, "/signin"));
    assert!(wrong.html.contains("value=\"alice@contoso.example\""), "what was typed stays, but the password");
    let good = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert_eq!(good.status, 303, "O-10: never 307");
    assert!(answered(&good).contains_key("code"));
}

#[tokio::test]
async fn w_3_8_errors_have_their_real_status_and_explanations_have_none() {
    let world = Entrance::start().await;
    let mut browser = world.browser();
    let missing = browser.get("/nothing").await;
    assert_eq!((missing.status, missing.text("error-title").as_str()), (404, "There is no page here"));
    let method = browser.post("/error", &[]).await;
    assert_eq!(method.status, 405);
    let page = browser.get("/error?code=65001").await;
    assert_eq!(page.status, 200);
    assert!(page.has("error-message") && page.html.contains("What you can do") && page.html.contains("Who can fix it"));
    assert!(page.html.contains("lang=\"en\""), "the catalogue says which language it speaks");
    assert!(!page.has("error-details"), "an explanation is about no request");
    let flow = browser.get("/signin?flow=unknown").await;
    assert_eq!((flow.status, flow.text("error-code").as_str()), (400, "AADSTS50089"));
    assert!(flow.html.contains("/error?code=50089") && flow.has("error-copy"));
}

#[tokio::test]
async fn w_032_nothing_of_a_request_stays_in_the_address_and_w_030_cookies_are_hosts_own() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(AZ, &[("scope", "openid"), ("login_hint", "alice@contoso.example")])).await;
    for secret in ["state", "nonce", "challenge", "alice", "openid", "redirect"] {
        assert!(!page.path.contains(secret), "{}", page.path);
    }
    // The browser of the tests checks `Secure`, `HttpOnly` and `SameSite=Lax` of every cookie.
    assert!(browser.cookie("__Host-entrance-flow").is_some());
    opened(&mut browser, &authorize(AZ, &[("scope", "openid")]), "alice").await;
    assert!(browser.cookie("__Host-entrance-session").is_some());
}
