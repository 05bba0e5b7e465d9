//! S-012…S-019, S-201, S-202, S-204, S-300, S-303, S-310…S-313: how requests are understood and how answers look.

use base64::Engine as _;
use entrance_model::id::TenantId;
use entrance_testkit::{Entrance, PASSWORD, sample};
use serde_json::{Value, json};

use super::{AKS, AKS_CLIENT, AZ, refusal, secret, text, verified};

const SECRET: &str = "Xy~8Q_a-secret-with-plenty-of-random-characters";

fn by_name<'f>(client: &'f str, name: &'f str, scope: &'f str) -> [(&'f str, &'f str); 5] {
    [("grant_type", "password"), ("client_id", client), ("username", name), ("password", PASSWORD), ("scope", scope)]
}

/// A second tenant with one person, who has everybody's password.
async fn fabrikam(world: &Entrance) -> TenantId {
    let app = world.app();
    let tenant = world.fabrikam().await;
    let mut carol = sample::person("carol", app.now());
    carol.upn = "carol@fabrikam.example".parse().expect("a UPN");
    let hash = app.hasher.hash(zeroize::Zeroizing::new(PASSWORD.into())).await;
    let mut tx = app.store.write().await.expect("writes");
    tx.directory().insert_user(tenant.id, &carol).await.expect("is new");
    tx.directory().set_password_hash(tenant.id, carol.id, &hash).await.expect("is set");
    tx.commit().await.expect("commits");
    tenant.id
}

#[tokio::test]
async fn s_012_with_several_tenants_the_name_and_the_grant_say_which_is_meant() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let fabrikam = fabrikam(&world).await;
    for shared in ["common", "organizations"] {
        let path = format!("/{shared}/oauth2/v2.0/token");
        for (name, tenant) in [("alice@contoso.example", world.tenant), ("carol@fabrikam.example", fabrikam)] {
            let answer = world.post(&path, &by_name(AZ, name, "openid offline_access")).await;
            let tokens: Value = answer.json().await.expect("JSON");
            assert_eq!(text(&verified(&world, text(&tokens, "access_token")).await, "tid"), tenant.to_string(), "{name}");
            let form = [("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", text(&tokens, "refresh_token"))];
            let again: Value = world.post(&path, &form).await.json().await.expect("JSON");
            assert_eq!(text(&verified(&world, text(&again, "access_token")).await, "tid"), tenant.to_string(), "{name}");
        }
        let nobody = world.post(&path, &by_name(AZ, "x@nowhere.example", "openid")).await;
        assert_eq!(refusal(nobody).await.2, 50128);
        let form = [("grant_type", "client_credentials"), ("client_id", AZ), ("scope", "x/.default")];
        assert_eq!(refusal(world.post(&path, &form).await).await.2, 50059, "an application has no domain");
    }
    let theirs = world.post(&format!("/{fabrikam}/oauth2/v2.0/token"), &by_name(AZ, "alice@contoso.example", "openid")).await;
    assert_eq!(refusal(theirs).await.2, 50126, "S-812: nobody of another tenant is known");
}

#[tokio::test]
async fn s_014_a_second_listener_answers_clients_that_drop_the_port_and_nothing_else() {
    let world = Entrance::start_with(|config| config.realm_listen = Some(([127, 0, 0, 1], 0).into())).await;
    let at = world.realm_address().expect("it listens");
    let get =
        async |path: &str| world.client.get(format!("https://localhost:{}{path}", at.port())).send().await.expect("answers");
    let answer = get("/common/userrealm/alice@contoso.example?api-version=1.0").await;
    assert_eq!(answer.json::<Value>().await.expect("JSON")["account_type"], "Managed");
    for path in ["/", "/common/oauth2/v2.0/authorize", "/common/discovery/v2.0/keys", "/v1.0/me", "/common/userrealm/a/b"] {
        assert_eq!(get(path).await.status(), 421, "{path}");
    }
}

#[tokio::test]
async fn s_018_links_and_issuers_never_follow_the_request() {
    let world = Entrance::start().await;
    let ask = async |name: &str, value: &str| {
        let request = world.client.get(world.url("/common/v2.0/.well-known/openid-configuration"));
        request.header(name, value).send().await.expect("answers")
    };
    for name in ["x-forwarded-host", "x-forwarded-proto", "forwarded", "x-original-host"] {
        let document: Value = ask(name, "evil.example").await.json().await.expect("JSON");
        assert!(!document.to_string().contains("evil"), "{name}");
    }
}

#[tokio::test]
async fn s_019_public_documents_are_for_every_page_and_tokens_for_pages_of_the_client() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let (app, _) = world
        .application("page", |app| {
            app.is_public_client = true;
            app.redirects.spa = vec!["https://shop.example/signed-in".into()];
        })
        .await;
    for path in ["/common/v2.0/.well-known/openid-configuration", "/common/discovery/v2.0/keys", "/common/userrealm/a@b.example"]
    {
        let answer = world.client.get(world.url(path)).header("origin", "https://any.example").send().await.expect("answers");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*", "{path}");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"));
        let asked = world.client.request(reqwest::Method::OPTIONS, world.url(path)).header("origin", "https://any.example");
        let asked = asked.header("access-control-request-method", "GET").send().await.expect("answers");
        assert_eq!(
            (asked.status().as_u16(), &asked.headers()["access-control-allow-origin"]),
            (204, &"*".parse().expect("a value"))
        );
    }
    let id = app.app_id.to_string();
    let ask = async |origin: Option<&str>| {
        let mut request = world.client.post(world.url("/organizations/oauth2/v2.0/token"));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.form(&by_name(&id, "alice@contoso.example", "openid")).send().await.expect("answers")
    };
    let own = ask(Some("https://shop.example")).await;
    assert_eq!(
        (own.status().as_u16(), &own.headers()["access-control-allow-origin"]),
        (200, &"https://shop.example".parse().expect("a value"))
    );
    assert_eq!(own.headers()["vary"], "Origin");
    for foreign in
        ["https://evil.example", "https://shop.example:444", "http://shop.example", "null", "https://shop.example.evil"]
    {
        let answer = ask(Some(foreign)).await;
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{foreign}");
        assert_eq!(refusal(answer).await, (400, "invalid_request".into(), 9_002_326), "{foreign}");
    }
    let plain = ask(None).await;
    assert_eq!(plain.status(), 200);
    assert!(!plain.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn s_201_what_is_missing_is_named_and_the_client_may_be_named_in_its_proof() {
    let world = Entrance::start().await;
    let path = format!("/{}/oauth2/v2.0/token", world.tenant);
    let named = async |form: &[(&str, &str)]| {
        let body: Value = world.post(&path, form).await.json().await.expect("JSON");
        assert_eq!((text(&body, "error"), &body["error_codes"][0]), ("invalid_request", &json!(900_144)));
        text(&body, "error_description").split('\'').nth(1).expect("a name").to_owned()
    };
    assert_eq!(named(&[("client_id", AZ)]).await, "grant_type");
    assert_eq!(named(&[("grant_type", "password")]).await, "client_id");
    assert_eq!(named(&[("grant_type", "authorization_code"), ("client_id", AZ)]).await, "redirect_uri");
    assert_eq!(named(&[("grant_type", "refresh_token"), ("client_id", AZ)]).await, "refresh_token");
    assert_eq!(named(&[("grant_type", "device_code"), ("client_id", AZ)]).await, "device_code");
    assert_eq!(named(&[("grant_type", "password"), ("client_id", AZ), ("username", "a@contoso.example")]).await, "password");
    let (app, _) = world.application("robot", |app| app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"))).await;
    let request = world.client.post(world.url(&path)).basic_auth(app.app_id, Some(SECRET.replace('~', "%7E")));
    let form = [("grant_type", "client_credentials"), ("scope", &format!("{AKS}/.default"))];
    assert_eq!(request.form(&form).send().await.expect("answers").status(), 200, "its id stands in the header");
}

#[tokio::test]
async fn s_202_no_answer_of_the_token_endpoint_is_kept() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let good = world.post("/organizations/oauth2/v2.0/token", &by_name(AZ, "alice@contoso.example", "openid")).await;
    let bad = world.post("/organizations/oauth2/v2.0/token", &by_name(AZ, "nobody@contoso.example", "openid")).await;
    for answer in [good, bad] {
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(headers["cache-control"], "no-store, no-cache");
        assert_eq!(
            (&headers["pragma"], &headers["expires"]),
            (&"no-cache".parse().expect("a value"), &"-1".parse().expect("a value"))
        );
    }
}

#[tokio::test]
async fn s_300_each_endpoint_names_resources_in_its_own_way() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let name = "alice@contoso.example";
    let v2 = format!("/{}/oauth2/v2.0/token", world.tenant);
    let mixed = [&by_name(AZ, name, "openid")[..], &[("resource", AKS)]].concat();
    assert_eq!(refusal(world.post(&v2, &mixed).await).await, (400, "invalid_request".into(), 901_002));
    assert_eq!(refusal(world.post(&v2, &by_name(AZ, name, "api://nowhere/.default")).await).await.2, 500_011);
    let bare: Value = world.post(&v2, &by_name(AZ, name, "User.Read.All")).await.json().await.expect("JSON");
    let claims = verified(&world, text(&bare, "access_token")).await;
    assert_eq!(text(&claims, "aud"), "00000003-0000-0000-c000-000000000000", "a bare permission is the directory's");
    // v1 without a resource is for the retired directory API, which these clients may not ask for any more.
    let v1 = format!("/{}/oauth2/token", world.tenant);
    assert_eq!(refusal(world.post(&v1, &by_name(AZ, name, "ignored")[..4]).await).await.2, 65002);
}

#[tokio::test]
async fn s_303_the_scope_of_the_answer_is_what_clients_look_their_tokens_up_by() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let scope = async |asked: &str| {
        let answer = world.post("/organizations/oauth2/v2.0/token", &by_name(AZ, "alice@contoso.example", asked)).await;
        text(&answer.json::<Value>().await.expect("JSON"), "scope").to_owned()
    };
    let aks = scope(&format!("{AKS}/.default openid profile offline_access")).await;
    assert_eq!(aks, format!("{AKS}/user.read {AKS}/.default"));
    let arm = scope("https://management.core.windows.net//.default openid").await;
    assert_eq!(arm, "https://management.core.windows.net//user_impersonation https://management.core.windows.net//.default");
    assert_eq!(scope("User.Read.All openid offline_access").await, "openid User.Read.All");
}

#[tokio::test]
async fn s_310_s_311_and_s_312_both_endpoints_answer_in_their_own_shape() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let asked = format!("{AKS}/.default openid offline_access");
    let form = [&by_name(AKS_CLIENT, "alice@contoso.example", &asked)[..], &[("client_info", "1")]].concat();
    let v2: Value = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await.json().await.expect("JSON");
    let names: Vec<&String> = v2.as_object().expect("an object").keys().collect();
    assert_eq!(
        names,
        ["token_type", "scope", "expires_in", "ext_expires_in", "access_token", "refresh_token", "id_token", "client_info"]
    );
    assert_eq!((text(&v2, "token_type"), &v2["expires_in"], &v2["ext_expires_in"]), ("Bearer", &json!(900), &json!(900)));
    let info =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text(&v2, "client_info")).expect("base64url without padding");
    let info: Value = serde_json::from_slice(&info).expect("JSON");
    assert_eq!(info, json!({"uid": alice.id, "utid": world.tenant}));
    let form = [&by_name(AKS_CLIENT, "alice@contoso.example", "")[..4], &[("resource", AKS)]].concat();
    let v1: Value = world.post(&format!("/{}/oauth2/token", world.tenant), &form).await.json().await.expect("JSON");
    let now = world.app().now().as_second();
    assert_eq!((text(&v1, "expires_in"), text(&v1, "expires_on")), ("900", (now + 900).to_string().as_str()));
    assert_eq!((text(&v1, "not_before"), text(&v1, "resource")), (now.to_string().as_str(), AKS));
    assert!(v1["refresh_token"].is_string() && v1["id_token"].is_string(), "always, for people");
}

#[tokio::test]
async fn s_313_tokens_for_clusters_are_short_as_the_administrator_says_and_others_live_an_hour() {
    for (minutes, seconds) in [(15, 900), (10, 600), (60, 3600), (1, 600)] {
        let world = Entrance::start_with(|config| config.cluster_token_minutes = minutes).await;
        world.user("alice").await;
        let life = async |scope: &str| {
            let answer = world.post("/organizations/oauth2/v2.0/token", &by_name(AZ, "alice@contoso.example", scope)).await;
            let body: Value = answer.json().await.expect("JSON");
            let claims = verified(&world, text(&body, "access_token")).await;
            assert_eq!(
                claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat),
                body["expires_in"].as_i64()
            );
            body["expires_in"].as_i64().expect("a number")
        };
        assert_eq!(life(&format!("{AKS}/.default")).await, seconds);
        assert_eq!(life("https://graph.microsoft.com/.default").await, 3600);
    }
}

#[tokio::test]
async fn s_807_and_s_905_a_token_that_ended_gets_a_challenge_where_the_client_can_answer_it() {
    let world = Entrance::start().await;
    let mut alice = world.user("alice").await;
    let able = ("claims", r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
    let mut tokens = Vec::new();
    for (scope, path) in [
        ("https://graph.microsoft.com/.default", "/v1.0/me"),
        ("https://management.azure.com/.default", "/subscriptions?api-version=2022-12-01"),
    ] {
        for more in [&[able][..], &[]] {
            let form = [&by_name(AZ, "alice@contoso.example", scope)[..], more].concat();
            let answer = world.post("/organizations/oauth2/v2.0/token", &form).await;
            let token = text(&answer.json::<Value>().await.expect("JSON"), "access_token").to_owned();
            tokens.push((token, path, !more.is_empty()));
        }
    }
    world.sleep(entrance_testkit::minutes(1));
    alice.sessions_valid_from = world.app().now();
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().update_user(world.tenant, &alice).await.expect("updates");
    tx.commit().await.expect("commits");
    for (token, path, is_able) in tokens {
        let answer = world.client.get(world.url(path)).bearer_auth(token).send().await.expect("answers");
        assert_eq!(answer.status(), 401, "{path}");
        let challenge = answer.headers()["www-authenticate"].to_str().expect("ASCII").to_owned();
        assert_eq!(challenge.contains("error=\"insufficient_claims\""), is_able, "{path}: {challenge}");
        if is_able {
            let claims = challenge.split("claims=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("claims");
            let claims = base64::engine::general_purpose::STANDARD.decode(claims).expect("base64");
            let claims: Value = serde_json::from_slice(&claims).expect("JSON");
            let nbf = &claims["access_token"]["nbf"];
            assert_eq!(
                (&nbf["essential"], text(nbf, "value")),
                (&json!(true), world.app().now().as_second().to_string().as_str())
            );
        }
    }
}
