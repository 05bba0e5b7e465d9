use entrance_server::WriteRate;
use entrance_testkit::{Browser, Entrance, PASSWORD, Page};
use serde_json::Value;

use super::{AKS, AZ, SECRET, authorize, credential, sent};

const FORWARDED_FOR: &str = "x-forwarded-for";
/// What a network may have written down at once.
const BURST: u32 = 3;

/// A world behind a proxy that tells networks apart, in which strangers may do little.
async fn narrow() -> Entrance {
    Entrance::start_with(|config| {
        config.trusted_proxies = ["127.0.0.0/8", "::1/128"].map(|range| range.parse().expect("a range")).to_vec();
        config.write_rate = WriteRate { per_minute: 1, burst: BURST };
    })
    .await
}

async fn post(world: &Entrance, from: &str, path: &str, form: &[(&str, &str)]) -> reqwest::Response {
    let request = world.client.post(world.url(&format!("/{}{path}", world.tenant))).header(FORWARDED_FOR, from).form(form);
    request.send().await.expect("the server answers")
}

fn from<'w>(world: &'w Entrance, address: &str) -> Browser<'w> {
    let mut browser = world.browser();
    browser.headers = vec![(FORWARDED_FOR, address.to_owned())];
    browser
}

/// The page says that it was too much, and when to come again.
fn is_turned_away(page: &Page) -> bool {
    if page.status == 429 {
        let seconds = page.headers["retry-after"].to_str().expect("ASCII").parse::<u32>().expect("seconds");
        assert!((1..=61).contains(&seconds), "{seconds}");
        assert_eq!(page.text("error-code"), "AADSTS90055", "{}", page.html);
    }
    page.status == 429
}

#[tokio::test]
async fn o_15_a_network_of_strangers_gets_only_so_many_device_codes_and_its_neighbours_theirs() {
    let world = narrow().await;
    let form = [("client_id", AZ), ("scope", "openid")];
    for _ in 0..BURST {
        assert_eq!(post(&world, "198.51.100.1", "/oauth2/v2.0/devicecode", &form).await.status(), 200);
    }
    let refused = post(&world, "198.51.100.200", "/oauth2/v2.0/devicecode", &form).await;
    assert_eq!(refused.status(), 429);
    let seconds: u32 = refused.headers()["retry-after"].to_str().expect("ASCII").parse().expect("seconds");
    assert!((1..=61).contains(&seconds), "{seconds}");
    let body: Value = refused.json().await.expect("JSON");
    assert_eq!((body["error"].as_str(), body["error_codes"][0].as_u64()), (Some("temporarily_unavailable"), Some(90_055)));
    assert_eq!(post(&world, "203.0.113.1", "/oauth2/v2.0/devicecode", &form).await.status(), 200);
    // What nobody writes down costs nobody anything.
    let wrong = [("client_id", "11111111-1111-4111-8111-111111111111"), ("scope", "openid")];
    for _ in 0..2 * BURST {
        assert_eq!(post(&world, "192.0.2.1", "/oauth2/v2.0/devicecode", &wrong).await.status(), 400);
    }
    assert_eq!(post(&world, "192.0.2.1", "/oauth2/v2.0/devicecode", &form).await.status(), 200);
}

#[tokio::test]
async fn o_15_pages_that_write_something_down_for_strangers_turn_a_flood_away() {
    let world = narrow().await;
    let (shop, _) = world.application("shop", |_| {}).await;
    let begin = [
        ("198.51.100.1", authorize(&world, &[])),
        ("198.51.101.1", format!("/{}/adminconsent?client_id={}", world.tenant, shop.app_id)),
        ("198.51.102.1", "/me".to_owned()),
    ];
    for (address, path) in &begin {
        for _ in 0..BURST {
            let page = from(&world, address).get(path).await;
            assert!(page.has("signin-form"), "{path}: {}", page.html);
        }
        assert!(is_turned_away(&from(&world, address).get(path).await), "{path}");
    }
    // Each time by a new browser, which no counter knows.
    let code = [("otc", "BCDFGHJKL")];
    let welcome = [("login", "a@contoso.example"), ("code", "x"), ("passwd_new", "y"), ("passwd_again", "y")];
    let forms = [("198.51.103.1", "/devicelogin", &code[..]), ("198.51.104.1", "/welcome", &welcome[..])];
    for (address, path, fields) in forms {
        let mut last = Vec::new();
        for _ in 0..=BURST {
            let mut browser = from(&world, address);
            let page = browser.get(path).await;
            last.push(is_turned_away(&browser.submit(&page, fields).await));
        }
        assert_eq!(last, [false, false, false, true], "{path}");
    }
    let mut browser = from(&world, "198.51.105.1");
    let page = browser.get(&authorize(&world, &[])).await;
    let (flow, csrf) = (page.field("flow").expect("a flow"), page.field("csrf").expect("a proof"));
    let form = [("flow", flow.as_str()), ("csrf", &csrf), ("ceremony", "x"), ("assertion", "{}")];
    let mut last = Vec::new();
    for _ in 0..BURST {
        last.push(is_turned_away(&browser.post("/signin/passkey", &form).await));
    }
    assert_eq!(last, [false, false, true], "a passkey, after the flow that it belongs to");
}

#[tokio::test]
async fn o_15_whoever_has_proven_something_does_not_wait_behind_the_strangers_of_their_network() {
    let world = narrow().await;
    world.user("alice").await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(credential())).await;
    let here = "198.51.100.7";
    let mut browser = from(&world, here);
    let page = browser.get(&authorize(&world, &[])).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let code = sent(page.left_to.as_deref())["code"].clone();
    for _ in 0..2 * BURST {
        post(&world, here, "/oauth2/v2.0/devicecode", &[("client_id", AZ), ("scope", "openid")]).await;
        from(&world, here).get(&authorize(&world, &[])).await;
    }
    assert!(is_turned_away(&from(&world, here).get(&authorize(&world, &[])).await));

    let redeemed = [
        ("grant_type", "authorization_code"),
        ("client_id", AZ),
        ("code", &code),
        ("redirect_uri", "http://localhost:41234"),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let tokens: Value = post(&world, here, "/oauth2/v2.0/token", &redeemed).await.json().await.expect("JSON");
    let mut refresh = tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned();
    let (id, scope) = (app.app_id.to_string(), format!("{AKS}/.default"));
    for _ in 0..10 * BURST {
        let program = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", SECRET), ("scope", &scope)];
        assert_eq!(post(&world, here, "/oauth2/v2.0/token", &program).await.status(), 200);
        let form =
            [("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", &refresh), ("scope", "openid offline_access")];
        let tokens: Value = post(&world, here, "/oauth2/v2.0/token", &form).await.json().await.expect("JSON");
        tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).clone_into(&mut refresh);
        let page = browser.get(&authorize(&world, &[])).await;
        assert!(sent(page.left_to.as_deref()).contains_key("code"), "who is signed in: {}", page.html);
    }
}

#[tokio::test]
async fn o_15_a_flood_of_refusals_is_refused_and_told_in_one_row() {
    let world = narrow().await;
    let refused = async |address: &str| {
        let form = [("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", "x"), ("scope", "openid")];
        post(&world, address, "/oauth2/v2.0/token", &form).await.status().as_u16()
    };
    for _ in 0..30 {
        assert_eq!(refused("198.51.100.7").await, 400, "each one is answered, and none has to wait");
    }
    let rows = async || {
        let mut reader = world.app().store.read().await.expect("reads");
        reader.authority().decisions(world.tenant, 100).await.expect("reads")
    };
    let before = rows().await.len();
    assert!((3..=4).contains(&before), "{before} rows");
    assert_eq!(refused("203.0.113.1").await, 400);
    assert_eq!(rows().await.len(), before + 1, "a neighbour's have their own rows");

    world.sleep(std::time::Duration::from_mins(1));
    assert_eq!(refused("198.51.100.7").await, 400);
    let all = rows().await;
    let told = all.iter().find(|row| row.kind == "flood").expect("a row for all of them");
    assert_eq!((told.code, told.address.as_str()), (90_055, "198.51.100.7"));
    let told_of: usize = told.reason.split(' ').next().and_then(|count| count.parse().ok()).expect("a number");
    let own = all.iter().filter(|row| row.address == "198.51.100.7" && row.kind != "flood").count();
    assert_eq!(own + told_of, 31, "{}: none is lost", told.reason);
}
