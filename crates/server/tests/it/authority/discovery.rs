use entrance_testkit::Entrance;
use serde_json::Value;

use super::{refusal, text};

#[tokio::test]
async fn s_020_and_s_021_each_segment_gets_its_document() {
    let world = Entrance::start().await;
    let base = world.app().base().to_owned();
    for (segment, spelled, issuer) in [
        (world.tenant.to_string(), world.tenant.to_string(), world.tenant.to_string()),
        ("contoso.example".into(), world.tenant.to_string(), world.tenant.to_string()),
        ("Organizations".into(), "organizations".into(), "{tenantid}".into()),
        ("common".into(), "common".into(), "{tenantid}".into()),
    ] {
        let answer = world.get(&format!("/{segment}/v2.0/.well-known/openid-configuration")).await;
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        assert_eq!(answer.headers()["cache-control"], "max-age=86400, private");
        let document: Value = answer.json().await.expect("JSON");
        assert_eq!(text(&document, "issuer"), format!("{base}/{issuer}/v2.0"));
        assert_eq!(text(&document, "token_endpoint"), format!("{base}/{spelled}/oauth2/v2.0/token"));
    }
}

#[tokio::test]
async fn s_023_the_v1_issuer_serves_its_own_document() {
    let world = Entrance::start().await;
    let document: Value =
        world.get(&format!("/{}/.well-known/openid-configuration", world.tenant)).await.json().await.expect("JSON");
    let issuer = text(&document, "issuer");
    assert_eq!(issuer, format!("{}/{}/", world.app().base(), world.tenant));
    let again = world.client.get(format!("{issuer}.well-known/openid-configuration")).send().await.expect("answers");
    assert_eq!(again.json::<Value>().await.expect("JSON"), document);
}

#[tokio::test]
async fn s_011_an_unknown_tenant_is_a_400_everywhere() {
    let world = Entrance::start().await;
    for path in [
        "/nothere.example/v2.0/.well-known/openid-configuration",
        "/11111111-1111-4111-8111-111111111111/discovery/keys",
        "/nothere.example/.well-known/openid-configuration",
    ] {
        assert_eq!(refusal(world.get(path).await).await, (400, "invalid_tenant".into(), 90002), "{path}");
    }
    let answer = world.post("/nothere.example/oauth2/v2.0/token", &[("grant_type", "password")]).await;
    assert_eq!(refusal(answer).await, (400, "invalid_tenant".into(), 90002));
    assert_eq!(refusal(world.get("/consumers/v2.0/.well-known/openid-configuration").await).await.2, 9_002_332);
}

#[tokio::test]
async fn s_015_a_wrong_method_is_a_refusal_in_json() {
    let world = Entrance::start().await;
    assert_eq!(refusal(world.get("/common/oauth2/v2.0/token").await).await, (400, "invalid_request".into(), 900_561));
    let answer = world.post("/common/v2.0/.well-known/openid-configuration", &[]).await;
    assert_eq!(refusal(answer).await, (400, "invalid_request".into(), 900_561));
    let head = world.client.head(world.url("/common/discovery/v2.0/keys")).send().await.expect("answers");
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn s_024_instance_discovery_knows_this_host_only() {
    let world = Entrance::start().await;
    let ask = async |endpoint: &str| {
        let pairs = [("api-version", "1.1"), ("authorization_endpoint", endpoint)];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        world.get(&format!("/common/discovery/instance?{query}")).await
    };
    let document: Value = ask(&world.url("/organizations/oauth2/v2.0/authorize")).await.json().await.expect("JSON");
    assert_eq!(text(&document, "tenant_discovery_endpoint"), world.url("/organizations/v2.0/.well-known/openid-configuration"));
    assert_eq!(document["metadata"][0]["aliases"][0], world.app().base().trim_start_matches("https://"));
    assert_eq!(
        refusal(ask("https://login.example/common/oauth2/v2.0/authorize").await).await,
        (400, "invalid_instance".into(), 50049)
    );
    assert_eq!(refusal(world.get("/common/discovery/instance").await).await.2, 50050);
}

#[tokio::test]
async fn s_025_the_realm_tells_of_the_domain_and_not_of_the_person() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let realm = async |name: &str| {
        world.get(&format!("/common/UserRealm/{name}?api-version=1.0")).await.json::<Value>().await.expect("JSON")
    };
    let (alice, nobody) = (realm("alice@contoso.example").await, realm("nobody@contoso.example").await);
    assert_eq!(alice, nobody);
    assert_eq!(text(&alice, "account_type"), "Managed");
    assert_eq!(text(&realm("x@other.example").await, "account_type"), "Unknown");
}

#[tokio::test]
async fn s_026_two_keys_are_published_and_none_is_private() {
    let world = Entrance::start().await;
    let v2: Value = world.get(&format!("/{}/discovery/v2.0/keys", world.tenant)).await.json().await.expect("JSON");
    let v1: Value = world.get(&format!("/{}/discovery/keys", world.tenant)).await.json().await.expect("JSON");
    assert!(v2["keys"].as_array().is_some_and(|keys| keys.len() >= 2));
    for (new, old) in v2["keys"].as_array().into_iter().flatten().zip(v1["keys"].as_array().into_iter().flatten()) {
        assert_eq!(text(new, "issuer"), world.app().issuer_v2(world.tenant));
        assert_eq!(new["kid"], old["kid"]);
        assert_eq!(new["kid"], new["x5t"]);
        assert!(old.get("issuer").is_none() && new.get("d").is_none());
    }
}

#[tokio::test]
async fn s_016_a_parameter_that_comes_twice_is_refused_and_unknown_ones_are_ignored() {
    let world = Entrance::start().await;
    let post = async |body: &'static str| {
        let request = world.client.post(world.url("/common/oauth2/v2.0/token"));
        request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.expect("answers")
    };
    assert_eq!(refusal(post("grant_type=password&grant_type=password").await).await.2, 90023);
    assert_eq!(refusal(post("x=1&x=2").await).await, (400, "invalid_request".into(), 900_144));
    assert_eq!(refusal(post("grant_type=saml2").await).await, (400, "unsupported_grant_type".into(), 70003));
    assert_eq!(refusal(post("grant_type=password").await).await.2, 900_144);
}

#[tokio::test]
async fn s_200_huge_and_strange_bodies_are_refused_in_json() {
    let world = Entrance::start().await;
    let post = async |kind: &'static str, body: String| {
        let request = world.client.post(world.url("/common/oauth2/v2.0/token"));
        request.header("content-type", kind).body(body).send().await.expect("answers")
    };
    assert_eq!(refusal(post("application/x-www-form-urlencoded", "a".repeat(70_000)).await).await.2, 90023);
    assert_eq!(refusal(post("application/json", "{}".into()).await).await.2, 90023);
    assert_eq!(refusal(post("application/x-www-form-urlencoded", "%%%=&&&=%00".into()).await).await.2, 900_144);
}
