use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrance_model::signin::Endpoint;
use entrance_model::signin::device::{DeviceGrant, DeviceRequest, UserCode};
use entrance_server::Mode;
use entrance_testkit::{Browser, Entrance, PASSWORD, Page, minutes};
use serde_json::{Value, json};

use super::{AKS, AZ, RULES, administrator, block, by_password, made, number, only, patched, policy, token_request, world};

async fn devicecode(world: &Entrance) -> (u16, Value) {
    devicecode_through(world, None).await
}

/// The same, with what a proxy says about whom it heard.
async fn devicecode_through(world: &Entrance, hops: Option<&str>) -> (u16, Value) {
    let mut request = world.client.post(world.url(&format!("/{}/oauth2/v2.0/devicecode", world.tenant)));
    if let Some(hops) = hops {
        request = request.header(FORWARDED_FOR, hops);
    }
    let answer = request.form(&[("client_id", AZ), ("scope", "openid")]).send().await.expect("the server answers");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

const FORWARDED_FOR: &str = "x-forwarded-for";

/// A device of another network asks; gives the code that a person would type.
async fn asked_elsewhere(world: &Entrance) -> &'static str {
    let now = world.app().now();
    let code: UserCode = "BCDFGH234".parse().expect("a code");
    let grant = DeviceGrant::Waiting(DeviceRequest {
        relayed: false,
        tenant: world.tenant,
        app: AZ.parse().expect("an id"),
        scope: "openid".into(),
        endpoint: Endpoint::V2,
        from: "203.0.113.9".into(),
        agent: "somebody".into(),
        asked: now,
        until: now + jiff::SignedDuration::from_mins(15),
    });
    let hash = |text: &str| URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
    let mut tx = world.app().store.write().await.expect("writes");
    let until = now + jiff::SignedDuration::from_mins(15);
    tx.authority().insert_device_grant(&hash("device"), &hash(code.as_str()), &grant, until).await.expect("inserts");
    tx.commit().await.expect("commits");
    "BCDFGH234"
}

async fn to_confirm(browser: &mut Browser<'_>, code: &str) -> Page {
    let page = browser.get("/devicelogin").await;
    let page = browser.submit(&page, &[("otc", code)]).await;
    browser.sign_in(&page, "alice@contoso.example", PASSWORD).await
}

#[tokio::test]
async fn w_111_a_code_from_another_network_stops_at_the_page_and_is_told_as_a_risk() {
    let world = Entrance::start_with(|config| config.mode = Mode::Serve).await;
    world.user("alice").await;
    let code = asked_elsewhere(&world).await;
    let mut browser = world.browser();
    let page = to_confirm(&mut browser, code).await;
    assert!(!page.has("device-confirm-form") && page.html.contains("530032"), "{}", page.html);
    let mut reader = world.app().store.read().await.expect("reads");
    let trail = reader.audit_trail(world.tenant, 10).await.expect("reads");
    let risk = trail.iter().find(|row| row.kind == "deviceCode.blocked").expect("it is told");
    assert_eq!((risk.detail["from"].as_str(), risk.detail["network"].as_str()), (Some("203.0.113.9"), Some("different")));
    let log = reader.authority().decisions(world.tenant, 10).await.expect("reads");
    assert!(log.iter().any(|row| row.code == 530_032 && row.kind == "device_confirm"));
}

#[tokio::test]
async fn w_110_behind_a_proxy_that_nobody_named_no_device_is_near() {
    let world = Entrance::start_with(|config| config.mode = Mode::Serve).await;
    world.user("alice").await;
    for (device, headers) in [
        (Some("203.0.113.9"), vec![]),
        (None, vec![(FORWARDED_FOR, "203.0.113.9".to_owned())]),
        (Some("203.0.113.9"), vec![(FORWARDED_FOR, "203.0.113.9".to_owned())]),
        (None, vec![("via", "1.1 proxy".to_owned())]),
        (None, vec![("forwarded", "for=127.0.0.1".to_owned())]),
    ] {
        let (_, begun) = devicecode_through(&world, device).await;
        let mut browser = world.browser();
        browser.headers = headers.clone();
        let page = to_confirm(&mut browser, begun["user_code"].as_str().expect("a code")).await;
        assert!(!page.has("device-confirm-form") && page.html.contains("530032"), "{device:?} {headers:?}: {}", page.html);
    }
    let trail = world.app().store.read().await.expect("reads").audit_trail(world.tenant, 20).await.expect("reads");
    let risk = trail.iter().find(|row| row.kind == "deviceCode.blocked").expect("it is told");
    assert_eq!(risk.detail["network"].as_str(), Some("unknown"));
}

#[tokio::test]
async fn w_110_a_trusted_proxy_tells_networks_apart_and_what_clients_write_themselves_is_not_believed() {
    let world = Entrance::start_with(|config| {
        config.mode = Mode::Serve;
        config.trusted_proxies = ["127.0.0.0/8", "::1/128", "10.0.0.0/8"].map(|range| range.parse().expect("a range")).to_vec();
    })
    .await;
    world.user("alice").await;
    let near = ["203.0.113.77", "203.0.113.77, 10.0.0.3", "198.51.100.7, 203.0.113.77"];
    let far = ["198.51.100.7", "203.0.113.9, 198.51.100.7", "203.0.113.9, 198.51.100.7, 10.0.0.3", "203.0.113.9, nobody"];
    for (hops, is_near) in near.map(|hops| (hops, true)).into_iter().chain(far.map(|hops| (hops, false))) {
        let (_, begun) = devicecode_through(&world, Some("203.0.113.9")).await;
        let mut browser = world.browser();
        browser.headers = vec![(FORWARDED_FOR, hops.to_owned())];
        let page = to_confirm(&mut browser, begun["user_code"].as_str().expect("a code")).await;
        assert_eq!(page.has("device-confirm-form"), is_near, "{hops}: {}", page.html);
        if is_near {
            assert!(page.html.contains("203.0.113.9"), "the device's own address stands there: {}", page.html);
        }
    }
    // The same addresses are what the log tells.
    let log = world.app().store.read().await.expect("reads").authority().decisions(world.tenant, 30).await.expect("reads");
    let addresses: std::collections::BTreeSet<&str> = log.iter().map(|row| row.address.as_str()).collect();
    assert!(addresses.contains("203.0.113.77") && addresses.contains("198.51.100.7"), "{addresses:?}");
}

#[tokio::test]
async fn w_111_a_policy_blocks_codes_from_another_network_where_the_tenant_would_not() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let code = asked_elsewhere(&world).await;
    let mut browser = world.browser();
    assert!(to_confirm(&mut browser, code).await.has("device-confirm-form"), "a demo warns only");
    let mut elsewhere = policy("no codes from elsewhere", &only(&alice), &block());
    elsewhere["conditions"]["authenticationFlows"] = json!({"transferMethods": "deviceCodeFlow", "deviceNetwork": "different"});
    made(&world, &root, elsewhere).await;
    let mut browser = world.browser();
    let page = to_confirm(&mut browser, code).await;
    assert!(!page.has("device-confirm-form") && page.html.contains("530032"), "{}", page.html);
    let (_, begun) = devicecode(&world).await;
    let mut browser = world.browser();
    let page = to_confirm(&mut browser, begun["user_code"].as_str().expect("a code")).await;
    assert!(page.has("device-confirm-form"), "the same network is fine: {}", page.html);
}

#[tokio::test]
async fn aadsts_530032_device_codes_that_are_off_are_refused_before_anybody_types_one_and_after() {
    let (world, root) = world().await;
    world.user("alice").await;
    let (_, begun) = devicecode(&world).await;
    let mut browser = world.browser();
    let page = to_confirm(&mut browser, begun["user_code"].as_str().expect("a code")).await;
    browser.submit(&page, &[("decision", "approve")]).await;
    assert_eq!(patched(&world, &root, RULES, json!({"deviceCode": "off"})).await.text("deviceCode"), "off");
    let refused = devicecode(&world).await;
    assert_eq!((refused.0, number(&refused)), (400, 530_032));
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", AZ),
        ("device_code", begun["device_code"].as_str().expect("a code")),
    ];
    assert_eq!(number(&token_request(&world, &form).await), 530_032, "also one that was approved before");
    patched(&world, &root, RULES, json!({"deviceCode": "on"})).await;
    assert_eq!(number(&token_request(&world, &form).await), 0);
}

#[tokio::test]
async fn aadsts_530035_the_password_grant_is_switched_per_tenant_and_application() {
    let (world, root) = world().await;
    world.user("alice").await;
    let before = by_password(&world, "alice", PASSWORD, "openid offline_access").await;
    let done = world.app().hasher.done();
    for off in [json!("off"), json!([AKS])] {
        patched(&world, &root, RULES, json!({"passwordGrant": off})).await;
        assert_eq!(number(&by_password(&world, "alice", PASSWORD, "openid").await), 530_035, "{off}");
    }
    assert_eq!(world.app().hasher.done(), done, "no password was looked at");
    let token = before.1["refresh_token"].as_str().expect("a token");
    assert_eq!(number(&super::refresh(&world, token).await), 530_035, "nor does one live on that came by it");
    patched(&world, &root, RULES, json!({"passwordGrant": [AZ]})).await;
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, "openid").await), 0);
}

#[tokio::test]
async fn w_111_rules_begin_as_the_server_is_meant_and_refuse_what_they_do_not_know() {
    let serve = Entrance::start_with(|config| config.mode = Mode::Serve).await;
    let root = administrator(&serve).await;
    let shown = serve.graph(&root, "GET", RULES, Value::Null).await;
    assert_eq!((shown.text("deviceCode"), shown.text("passwordGrant")), ("sameNetwork".into(), "off".into()));
    for bad in
        [json!({"deviceCode": "maybe"}), json!({"passwordGrant": ["az"]}), json!({"keepSignInLogDays": 0}), json!({"x": 1})]
    {
        assert_eq!(serve.graph(&root, "PATCH", RULES, bad.clone()).await.status, 400, "{bad}");
    }
    serve.sleep(minutes(1));
    let trail = serve.app().store.read().await.expect("reads").audit_trail(serve.tenant, 10).await.expect("reads");
    assert!(trail.iter().all(|row| row.kind != "signInRules.updated"));
}
