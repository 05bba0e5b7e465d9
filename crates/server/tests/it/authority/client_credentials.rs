use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use entrance_model::Timestamp;
use entrance_model::directory::{Application, Proof, SubjectRule};
use entrance_server::TrustedIssuer;
use entrance_testkit::Entrance;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AKS, AZ, credential, hex, refusal, secret, text, verified};

const SECRET: &str = "Xy~8Q_a-secret-with-plenty-of-random-characters";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn ask(world: &Entrance, form: &[(&str, &str)]) -> reqwest::Response {
    let form = [&[("grant_type", "client_credentials")], form].concat();
    world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await
}

#[tokio::test]
async fn s_240_an_application_with_a_secret_gets_its_own_token_and_nothing_else() {
    let world = Entrance::start().await;
    let (app, principal) =
        world.application("pipeline", |app| app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"))).await;
    let id = app.app_id.to_string();
    let scope = format!("{AKS}/.default openid offline_access profile");
    let tokens: Value = ask(&world, &[("client_id", &id), ("client_secret", SECRET), ("scope", &scope), ("client_info", "1")])
        .await
        .json()
        .await
        .expect("JSON");
    let names: Vec<&String> = tokens.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["token_type", "expires_in", "ext_expires_in", "access_token"]);
    assert_eq!(tokens["expires_in"], 3600);
    let claims = verified(&world, text(&tokens, "access_token")).await;
    assert_eq!(text(&claims, "aud"), AKS);
    assert_eq!(text(&claims, "oid"), principal.id.to_string());
    assert_eq!(claims["oid"], claims["sub"]);
    assert_eq!(claims["idp"], claims["iss"]);
    assert_eq!((text(&claims, "appid"), text(&claims, "appidacr"), text(&claims, "idtyp")), (id.as_str(), "1", "app"));
    assert!(claims.get("scp").is_none() && claims.get("upn").is_none());
}

#[tokio::test]
async fn s_203_the_secret_may_come_in_a_basic_header_and_never_in_two_ways() {
    let world = Entrance::start().await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"))).await;
    let id = app.app_id.to_string();
    let path = world.url(&format!("/{}/oauth2/v2.0/token", world.tenant));
    let scope = format!("{AKS}/.default");
    let basic = async |form: &[(&str, &str)]| {
        let encoded = SECRET.replace('~', "%7E");
        world.client.post(&path).basic_auth(&id, Some(encoded)).form(form).send().await.expect("answers")
    };
    let form = [("grant_type", "client_credentials"), ("scope", scope.as_str())];
    assert_eq!(basic(&form).await.status(), 200);
    let twice = [&form[..], &[("client_secret", SECRET)]].concat();
    assert_eq!(refusal(basic(&twice).await).await, (400, "invalid_request".into(), 90023));
}

#[tokio::test]
async fn s_240_wrong_expired_missing_and_unknown_are_told_apart() {
    let world = Entrance::start().await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(secret(SECRET, "2025-06-01T00:00:00Z"))).await;
    let id = app.app_id.to_string();
    let scope = format!("{AKS}/.default");
    let with = async |client: &str, secret: &str, scope: &str| {
        refusal(ask(&world, &[("client_id", client), ("client_secret", secret), ("scope", scope)]).await).await
    };
    assert_eq!(with(&id, "wrong", &scope).await, (401, "invalid_client".into(), 7_000_215));
    assert_eq!(with(&id, SECRET, &scope).await, (401, "invalid_client".into(), 7_000_222));
    assert_eq!(with("11111111-1111-4111-8111-111111111111", SECRET, &scope).await, (400, "unauthorized_client".into(), 700_016));
    assert_eq!(with(AZ, SECRET, &scope).await, (401, "invalid_client".into(), 700_025));
    let none = refusal(ask(&world, &[("client_id", &id), ("scope", &scope)]).await).await;
    assert_eq!(none, (401, "invalid_client".into(), 7_000_218));
}

#[tokio::test]
async fn s_240_the_scope_is_one_resource_and_its_default() {
    let world = Entrance::start().await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"))).await;
    let id = app.app_id.to_string();
    let with =
        async |scope: &str| refusal(ask(&world, &[("client_id", &id), ("client_secret", SECRET), ("scope", scope)]).await).await;
    assert_eq!(with("User.Read").await, (400, "invalid_scope".into(), 1_002_012));
    assert_eq!(with(&format!("{AKS}/user.read")).await.2, 1_002_012);
    assert_eq!(with(&format!("{AKS}/.default https://graph.microsoft.com/.default")).await, (400, "invalid_scope".into(), 70011));
    assert_eq!(with("api://nothing/.default").await, (400, "invalid_resource".into(), 500_011));
    let shared = world
        .post(
            "/common/oauth2/v2.0/token",
            &[("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", SECRET), ("scope", "x/.default")],
        )
        .await;
    assert_eq!(refusal(shared).await.2, 9_001_023);
}

#[tokio::test]
async fn s_302_the_audience_is_the_identifier_that_was_asked() {
    let world = Entrance::start().await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"))).await;
    let id = app.app_id.to_string();
    let base = world.app().base().to_owned();
    for (scope, audience) in [
        (format!("{base}//.default"), format!("{base}/")),
        ("https://management.core.windows.net//.default".into(), "https://management.core.windows.net/".into()),
        (format!("spn:{AKS}/.default"), format!("spn:{AKS}")),
        (format!("{}/.default", AKS.to_uppercase()), AKS.into()),
    ] {
        let tokens: Value =
            ask(&world, &[("client_id", &id), ("client_secret", SECRET), ("scope", &scope)]).await.json().await.expect("JSON");
        assert_eq!(text(&verified(&world, text(&tokens, "access_token")).await, "aud"), audience, "{scope}");
    }
}

#[tokio::test]
async fn s_800_wrong_secrets_from_one_address_are_paused() {
    let world = Entrance::start().await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"))).await;
    let id = app.app_id.to_string();
    let scope = format!("{AKS}/.default");
    for _ in 0..10 {
        ask(&world, &[("client_id", &id), ("client_secret", "wrong"), ("scope", &scope)]).await;
    }
    let paused = ask(&world, &[("client_id", &id), ("client_secret", SECRET), ("scope", &scope)]).await;
    assert!(paused.headers().contains_key("retry-after"));
    assert_eq!(refusal(paused).await.0, 429);
    world.sleep(std::time::Duration::from_secs(61));
    assert_eq!(ask(&world, &[("client_id", &id), ("client_secret", SECRET), ("scope", &scope)]).await.status(), 200);
}

/// A certificate of an application, and the key to it.
struct Certificate {
    der: Vec<u8>,
    key: EncodingKey,
}

impl Certificate {
    fn new() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        let mut params = rcgen::CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2025, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let der = params.self_signed(&pair).expect("a certificate").der().to_vec();
        let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).expect("a key");
        Self { der, key }
    }

    fn register(&self, app: &mut Application) {
        let sha1 = hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.der).as_ref()).to_uppercase();
        let sha256 = hex(digest::digest(&digest::SHA256, &self.der).as_ref());
        app.credentials
            .push(credential(Proof::Certificate { der: STANDARD.encode(&self.der), sha1, sha256 }, "2027-01-01T00:00:00Z"));
    }

    fn sign(&self, claims: &Value, algorithm: Algorithm) -> String {
        let mut header = Header::new(algorithm);
        header.x5t = Some(format!("{}=", URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.der))));
        encode(&header, claims, &self.key).expect("signs")
    }
}

async fn with_assertion(world: &Entrance, client: &str, assertion: &str) -> reqwest::Response {
    let scope = format!("{AKS}/.default");
    ask(world, &[("client_id", client), ("client_assertion", assertion), ("client_assertion_type", ASSERTION), ("scope", &scope)])
        .await
}

#[tokio::test]
async fn s_241_and_o_09_a_certificate_signs_for_its_application_once() {
    let world = Entrance::start().await;
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let (app, _) = world.application("robot", |app| certificate.register(app)).await;
    let id = app.app_id.to_string();
    let now = Timestamp::as_second(world.app().now());
    let endpoint = world.url(&format!("/{}/oauth2/v2.0/token", world.tenant));
    let claims = |change: &[(&str, Value)]| {
        #[expect(clippy::cast_precision_loss, reason = "az writes its times with a fraction")]
        let mut claims = json!({ "aud": endpoint, "iss": id, "sub": id, "jti": Uuid::new_v4(), "iat": now as f64 + 0.5, "exp": now as f64 + 600.5 });
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        claims
    };
    let good = certificate.sign(&claims(&[]), Algorithm::RS256);
    let tokens: Value = with_assertion(&world, &id, &good).await.json().await.expect("JSON");
    assert_eq!(text(&verified(&world, text(&tokens, "access_token")).await, "appidacr"), "2");
    assert_eq!(with_assertion(&world, &id, &good).await.status(), 200, "the same text again within a minute");
    world.sleep(std::time::Duration::from_secs(61));
    assert_eq!(refusal(with_assertion(&world, &id, &good).await).await.2, 700_027, "and never after that");
    assert_eq!(with_assertion(&world, &id, &certificate.sign(&claims(&[]), Algorithm::PS256)).await.status(), 200);

    let refused = async |assertion: String| refusal(with_assertion(&world, &id, &assertion).await).await.2;
    assert_eq!(refused(other.sign(&claims(&[]), Algorithm::RS256)).await, 700_027);
    assert_eq!(refused(certificate.sign(&claims(&[("iss", "x".into())]), Algorithm::RS256)).await, 700_021);
    assert_eq!(
        refused(certificate.sign(&claims(&[("aud", "https://elsewhere.example/".into())]), Algorithm::RS256)).await,
        700_023
    );
    assert_eq!(refused(certificate.sign(&claims(&[("exp", (now - 301).into())]), Algorithm::RS256)).await, 700_024);
    assert_eq!(refused(certificate.sign(&claims(&[("exp", (now + 90_000).into())]), Algorithm::RS256)).await, 700_024);
    assert_eq!(refused("not.a.token".into()).await, 50027);
    let mut parts: Vec<&str> = good.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    parts[0] = &none;
    assert_eq!(refused(parts.join(".")).await, 700_027);
}

#[tokio::test]
async fn s_241_an_assertion_is_used_up_by_whatever_grant_it_got_something_for() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let certificate = Certificate::new();
    let settle = |app: &mut Application| {
        app.is_public_client = true;
        certificate.register(app);
    };
    let (app, _) = world.application("robot", settle).await;
    let id = app.app_id.to_string();
    let endpoint = world.url(&format!("/{}/oauth2/v2.0/token", world.tenant));
    let fresh = || {
        let exp = world.app().now().as_second() + 600;
        let claims = json!({ "aud": endpoint, "iss": id, "sub": id, "jti": Uuid::new_v4(), "exp": exp });
        certificate.sign(&claims, Algorithm::PS256)
    };
    let minute = std::time::Duration::from_secs(61);
    let ask = async |assertion: &str, form: &[(&str, &str)]| {
        let proof = [("client_id", id.as_str()), ("client_assertion", assertion), ("client_assertion_type", ASSERTION)];
        world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &[&proof, form].concat()).await
    };

    let password = [
        ("grant_type", "password"),
        ("username", "alice@contoso.example"),
        ("password", entrance_testkit::PASSWORD),
        ("scope", "openid offline_access"),
    ];
    let first = fresh();
    assert_eq!(ask(&first, &password).await.status(), 200);
    let again = ask(&first, &password).await;
    assert_eq!(again.status(), 200, "letter for letter within a minute");
    let tokens: Value = again.json().await.expect("JSON");
    world.sleep(minute);
    assert_eq!(refusal(ask(&first, &password).await).await.2, 700_027);

    let asked = [("client_id", id.as_str()), ("scope", "openid")];
    let begun = world.post(&format!("/{}/oauth2/v2.0/devicecode", world.tenant), &asked).await;
    let begun: Value = begun.json().await.expect("JSON");
    let code = text(&begun, "device_code");
    let poll = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code)];
    let second = fresh();
    assert_eq!(refusal(ask(&second, &poll).await).await.1, "authorization_pending");
    let mut browser = world.browser();
    let page = browser.get("/devicelogin").await;
    let page = browser.submit(&page, &[("otc", text(&begun, "user_code"))]).await;
    let page = browser.sign_in(&page, "alice@contoso.example", entrance_testkit::PASSWORD).await;
    browser.submit(&page, &[("decision", "approve")]).await;
    world.sleep(minute);
    assert_eq!(refusal(ask(&first, &poll).await).await.2, 700_027, "what was used for a password opens no device's tokens");
    assert_eq!(ask(&second, &poll).await.status(), 200, "polls that found nothing used nothing up");
    world.sleep(minute);
    assert_eq!(refusal(with_assertion(&world, &id, &second).await).await.2, 700_027);

    let third = fresh();
    let back = [
        ("token", text(&tokens, "refresh_token")),
        ("client_id", &id),
        ("client_assertion", &third),
        ("client_assertion_type", ASSERTION),
    ];
    let path = format!("/{}/oauth2/v2.0/revoke", world.tenant);
    assert_eq!(world.post(&path, &back).await.status(), 200);
    world.sleep(minute);
    assert_eq!(refusal(with_assertion(&world, &id, &third).await).await.2, 700_027, "giving a token back uses one up, too");
}

#[tokio::test]
async fn s_241_a_certificate_counts_only_between_the_times_of_its_registration() {
    let world = Entrance::start().await;
    let certificate = Certificate::new();
    let register = |app: &mut Application| {
        // Registered twice, each time for less than the certificate's own two years.
        for (start, end) in [("00:10", "00:20"), ("00:30", "00:40")] {
            certificate.register(app);
            let credential = app.credentials.last_mut().expect("it was added");
            let at = |time: &str| format!("2026-01-01T{time}:00Z").parse().expect("a time");
            (credential.start, credential.end) = (at(start), at(end));
        }
    };
    let (app, _) = world.application("robot", register).await;
    let id = app.app_id.to_string();
    let endpoint = world.url(&format!("/{}/oauth2/v2.0/token", world.tenant));
    let ask = async || {
        let exp = world.app().now().as_second() + 300;
        let claims = json!({ "aud": endpoint, "iss": id, "sub": id, "jti": Uuid::new_v4(), "exp": exp });
        with_assertion(&world, &id, &certificate.sign(&claims, Algorithm::PS256)).await
    };
    for counts in [false, true, false, true, false] {
        let answer = ask().await;
        let at = world.app().now();
        assert_eq!(answer.status() == 200, counts, "{at}");
        if !counts {
            assert_eq!(refusal(answer).await, (401, "invalid_client".into(), 700_027), "{at}");
        }
        world.sleep(entrance_testkit::minutes(10));
    }
}

#[tokio::test]
async fn s_242_a_token_of_a_trusted_issuer_stands_for_its_application() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("jwks.json");
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let key = EncodingKey::from_rsa_pem(pair.serialize_pem().as_bytes()).expect("a key");
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::RS256).expect("a public key");
    std::fs::write(&file, json!({ "keys": [jwk] }).to_string()).expect("writes");
    let issuer = "https://pipelines.example/";
    let world =
        Entrance::start_with(|config| config.trusted_issuers.push(TrustedIssuer { issuer: issuer.into(), jwks: file })).await;
    let federated = |issuer: &str| Proof::Federated {
        name: "main".into(),
        issuer: issuer.into(),
        subject: SubjectRule::Exact("repo:contoso/shop:main".into()),
        audiences: vec!["api://AzureADTokenExchange".into()],
        description: None,
    };
    let (app, _) = world
        .application("robot", |app| {
            app.credentials.push(credential(federated(issuer), "2099-01-01T00:00:00Z"));
            app.credentials.push(credential(federated("https://unlisted.example/"), "2099-01-01T00:00:00Z"));
        })
        .await;
    let id = app.app_id.to_string();
    let now = world.app().now().as_second();
    let sign = |change: &[(&str, Value)]| {
        let mut claims = json!({ "iss": issuer, "sub": "repo:contoso/shop:main", "aud": "api://AzureADTokenExchange", "iat": now, "exp": now + 300 });
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        encode(&Header::new(Algorithm::RS256), &claims, &key).expect("signs")
    };
    // A projected token ends with a line break, and is used more than once.
    for _ in 0..2 {
        assert_eq!(with_assertion(&world, &id, &format!("{}\n", sign(&[]))).await.status(), 200);
    }
    let refused = async |change: &[(&str, Value)]| refusal(with_assertion(&world, &id, &sign(change)).await).await.2;
    assert_eq!(refused(&[("iss", "https://pipelines.example".into())]).await, 700_211);
    assert_eq!(refused(&[("sub", "repo:contoso/other:main".into())]).await, 700_213);
    assert_eq!(refused(&[("sub", "repo:Contoso/shop:main".into())]).await, 7_002_138);
    assert_eq!(refused(&[("aud", "api://other".into())]).await, 700_212);
    assert_eq!(refused(&[("exp", (now - 400).into())]).await, 700_024);
    assert_eq!(refused(&[("iss", "https://unlisted.example/".into())]).await, 7_002_381);
    assert_eq!(refused(&[("iss", world.app().issuer_v1(world.tenant).into())]).await, 700_222);
}
