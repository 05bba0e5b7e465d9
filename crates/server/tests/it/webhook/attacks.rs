//! What somebody tries who wants into a cluster. Each test is named for the attempt.

use std::fmt::Write as _;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use entrance_model::id::ClusterUid;
use entrance_server::authority::keys::Header;
use futures_util::{StreamExt as _, stream};
use insta::assert_snapshot;
use serde_json::{Value, json};
use uuid::Uuid;

use super::holder::Holder;
use super::world::{World, question};

fn encode(value: &Value) -> String {
    BASE64URL.encode(value.to_string())
}

/// A good token in its three parts.
fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().expect("three parts")
}

fn header_of(token: &str) -> Value {
    let header = BASE64URL.decode(&parts(token)[0]).expect("base64");
    serde_json::from_slice(&header).expect("JSON")
}

/// What the cluster hears for each attempt; an admission stands out.
async fn table(world: &World, attempts: Vec<(&str, String)>) -> String {
    let mut table = String::new();
    for (name, token) in attempts {
        let heard = world.whoami(&token).await;
        writeln!(table, "{name}: {}", heard.strip_prefix("refused: ").unwrap_or("ADMITTED")).expect("a line");
    }
    table
}

#[tokio::test]
async fn algorithm_confusion() {
    let world = World::start().await;
    let good = world.token(|_| {});
    let [_, payload, signature] = parts(&good);
    let public = &serde_json::to_value(world.app().keys.published(None)).expect("JSON")[0];
    let text = |name: &str| public[name].as_str().expect("text").to_owned();
    let modulus = BASE64URL.decode(text("n")).expect("base64");
    let certificate = STANDARD.decode(public["x5c"][0].as_str().expect("text")).expect("base64");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(&certificate));
    let with = |alg: &str| {
        let mut header = header_of(&good);
        header["alg"] = json!(alg);
        encode(&header)
    };
    let mac = |algorithm: hmac::Algorithm, alg: &str, key: &[u8]| {
        let signed = format!("{}.{payload}", with(alg));
        let tag = hmac::sign(&hmac::Key::new(algorithm, key), signed.as_bytes());
        format!("{signed}.{}", BASE64URL.encode(tag))
    };
    let attempts = vec![
        ("none", format!("{}.{payload}.", with("none"))),
        ("None", format!("{}.{payload}.", with("None"))),
        ("none with a signature", format!("{}.{payload}.{signature}", with("none"))),
        ("HS256 with the modulus", mac(hmac::HMAC_SHA256, "HS256", &modulus)),
        ("HS256 with the modulus as text", mac(hmac::HMAC_SHA256, "HS256", text("n").as_bytes())),
        ("HS256 with the certificate", mac(hmac::HMAC_SHA256, "HS256", &certificate)),
        ("HS256 with the certificate as PEM", mac(hmac::HMAC_SHA256, "HS256", pem.as_bytes())),
        ("HS512 with the certificate as PEM", mac(hmac::HMAC_SHA512, "HS512", pem.as_bytes())),
        ("PS256 over a good signature", format!("{}.{payload}.{signature}", with("PS256"))),
        ("ES256 over a good signature", format!("{}.{payload}.{signature}", with("ES256"))),
        ("rs256 over a good signature", format!("{}.{payload}.{signature}", with("rs256"))),
        ("no alg", format!("{}.{payload}.{signature}", encode(&json!({"typ": "JWT", "kid": text("kid")})))),
    ];
    let heard = table(&world, attempts).await;
    assert!(heard.lines().all(|line| line.ends_with(": the signature of the token does not fit")), "{heard}");
    assert_eq!(world.whoami(&good).await, "alice@contoso.example");
    world.stop().await;
}

#[tokio::test]
async fn keys_that_the_token_brings_itself() {
    let world = World::start().await;
    let forger = Holder::new();
    let claims = world.claims(&world.alice);
    let ours = header_of(&world.token(|_| {}));
    let mut attempts = vec![
        ("signed by another key under our name", forger.sign(&ours, &claims)),
        (
            "signed by another key under its own",
            forger.sign(&json!({"typ": "JWT", "alg": "RS256", "kid": forger.thumbprint}), &claims),
        ),
    ];
    for (name, value) in [
        ("jwk", forger.jwk.clone()),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/certificate")),
        ("x5c", json!([STANDARD.encode("a certificate of the forger")])),
        ("crit", json!(["jwk"])),
    ] {
        let mut header = ours.clone();
        header[name] = value;
        attempts.push((name, forger.sign(&header, &claims)));
    }
    let heard = table(&world, attempts).await;
    assert!(heard.lines().all(|line| line.ends_with(": the signature of the token does not fit")), "{heard}");
    world.stop().await;
}

#[tokio::test]
async fn key_names_that_point_elsewhere() {
    let world = World::start().await;
    let good = world.token(|_| {});
    let [_, payload, signature] = parts(&good);
    let ours = header_of(&good);
    let second = &serde_json::to_value(world.app().keys.published(None)).expect("JSON")[1]["kid"];
    let kids = [
        json!("../../../../dev/null"),
        json!("/etc/passwd"),
        json!("x' UNION SELECT 'key' --"),
        json!("x\u{0}"),
        json!(""),
        json!(null),
        json!(0),
        json!({"$ne": 1}),
        json!([ours["kid"]]),
        // A key of ours, but not the one that signed.
        second.clone(),
    ];
    for kid in kids {
        let mut header = ours.clone();
        header["kid"] = kid;
        let token = format!("{}.{payload}.{signature}", encode(&header));
        assert_eq!(world.whoami(&token).await, "refused: the signature of the token does not fit", "{header}");
    }
    let mut header = ours.clone();
    header.as_object_mut().expect("an object").remove("kid");
    let token = format!("{}.{payload}.{signature}", encode(&header));
    assert_eq!(world.whoami(&token).await, "refused: the signature of the token does not fit");
    world.stop().await;
}

#[tokio::test]
async fn another_issuer_tenant_version_or_cluster() {
    let world = World::start().await;
    let own = world.add_cluster("own", &json!({"tokenAudience": "cluster"})).await;
    let base = world.app().base().to_owned();
    let (tenant, other) = (world.tenant, Uuid::new_v4());
    let own_app = own.server_app().expect("it has an application");
    let issuer = |text: String| world.token(|claims| claims["iss"] = json!(text));
    let attempts = vec![
        ("another server", issuer(format!("https://login.evil.example/{tenant}/"))),
        ("a server whose name begins like ours", issuer(format!("{base}.evil.example/{tenant}/"))),
        ("without TLS", issuer(format!("{base}/{tenant}/").replace("https", "http"))),
        ("without the slash", issuer(format!("{base}/{tenant}"))),
        ("with two slashes", issuer(format!("{base}/{tenant}//"))),
        ("v2", issuer(format!("{base}/{tenant}/v2.0"))),
        ("the tenant in capitals", issuer(format!("{base}/{}/", tenant.to_string().to_uppercase()))),
        ("another tenant's issuer", issuer(format!("{base}/{other}/"))),
        ("another tenant", world.token(|claims| claims["tid"] = json!(other))),
        ("a cluster of its own", world.token(|claims| claims["aud"] = json!(own_app))),
        ("the resource manager", world.token(|claims| claims["aud"] = json!("https://management.core.windows.net/"))),
        ("two audiences", world.token(|claims| claims["aud"] = json!([claims["aud"], own_app]))),
    ];
    assert_snapshot!(table(&world, attempts).await, @r"
    another server: the token was issued by somebody else, or for another directory
    a server whose name begins like ours: the token was issued by somebody else, or for another directory
    without TLS: the token was issued by somebody else, or for another directory
    without the slash: the token was issued by somebody else, or for another directory
    with two slashes: the token was issued by somebody else, or for another directory
    v2: the token was issued by somebody else, or for another directory
    the tenant in capitals: the token was issued by somebody else, or for another directory
    another tenant's issuer: the token was issued by somebody else, or for another directory
    another tenant: the token belongs to another directory
    a cluster of its own: the token was made for another audience; fetch the cluster's kubeconfig again
    the resource manager: the token was made for another audience; fetch the cluster's kubeconfig again
    two audiences: the token is damaged or no token of ours
    ");
    // In `cluster` mode the shared audience opens nothing, and its own one does.
    let shared = world.token(|_| {});
    assert_eq!(world.whoami(&shared).await, "alice@contoso.example");
    assert_snapshot!(world.whoami_at(own.uid, &shared).await, @"refused: the token was made for another audience; fetch the cluster's kubeconfig again");
    let right = world.token(|claims| claims["aud"] = json!(own_app));
    assert_eq!(world.whoami_at(own.uid, &right).await, "alice@contoso.example");
    world.stop().await;
}

#[tokio::test]
async fn times_that_are_over_not_yet_or_absurd() {
    let world = World::start().await;
    let now = world.clock.now().as_second();
    let time = |member: &'static str, value: Value| (member, world.token(|claims| claims[member] = value));
    let attempts = vec![
        time("exp", json!(now)),
        time("exp", json!(0)),
        time("exp", json!(-1)),
        time("exp", json!(i64::MIN)),
        time("exp", json!(1e300)),
        time("exp", json!(9.9e18)),
        time("exp", json!((now + 60).to_string())),
        time("exp", json!(null)),
        time("exp", json!(u64::MAX)),
        time("nbf", json!(now + 301)),
        time("nbf", json!(i64::MAX)),
        time("iat", json!(now + 301)),
        time("iat", json!(i64::MAX)),
        time("iat", json!(1.5)),
        // From before the account's sessions began.
        time("iat", json!(i64::MIN)),
        time("iat", json!(0)),
    ];
    assert_snapshot!(table(&world, attempts).await, @r"
    exp: the token expired; sign in again
    exp: the token expired; sign in again
    exp: the token expired; sign in again
    exp: the token expired; sign in again
    exp: the token is damaged or no token of ours
    exp: the token is damaged or no token of ours
    exp: the token is damaged or no token of ours
    exp: the token is damaged or no token of ours
    exp: the token is damaged or no token of ours
    nbf: the token is not valid yet; compare the clocks
    nbf: the token is not valid yet; compare the clocks
    iat: the token is not valid yet; compare the clocks
    iat: the token is not valid yet; compare the clocks
    iat: the token is damaged or no token of ours
    iat: the session was revoked; sign in again
    iat: the session was revoked; sign in again
    ");
    world.stop().await;
}

#[tokio::test]
async fn a_clock_a_day_ahead_or_behind() {
    let world = World::start().await;
    let token = world.token(|_| {});
    assert_eq!(world.whoami(&token).await, "alice@contoso.example");
    // Remembered or not, the token is judged by the time it is.
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(world.whoami(&token).await, "refused: the token expired; sign in again");
    let tomorrow = world.token(|_| {});
    assert_eq!(world.whoami(&tomorrow).await, "alice@contoso.example");
    let day = i64::try_from(Duration::from_hours(24).as_secs()).expect("it fits");
    let yesterday = world.token(|claims| {
        for member in ["iat", "nbf", "exp"] {
            claims[member] = json!(claims[member].as_i64().expect("a time") + day);
        }
    });
    assert_eq!(world.whoami(&yesterday).await, "refused: the token is not valid yet; compare the clocks");
    world.stop().await;
}

#[tokio::test]
async fn something_that_only_looks_like_an_access_token() {
    let world = World::start().await;
    let without = |names: &[&str]| {
        world.token(|claims| {
            for name in names {
                claims.as_object_mut().expect("an object").remove(*name);
            }
        })
    };
    let principal = json!(Uuid::new_v4());
    let attempts = vec![
        ("an id token", without(&["scp", "appid", "uti"])),
        ("a token without scopes", without(&["scp"])),
        ("empty scopes", world.token(|claims| claims["scp"] = json!(""))),
        ("nobody's", without(&["oid"])),
        (
            "an application that does not exist",
            world.token(|claims| {
                claims["idtyp"] = json!("app");
                claims["oid"] = principal;
            }),
        ),
        ("a person as an application", world.token(|claims| claims["idtyp"] = json!("app"))),
        ("of no kind", world.token(|claims| claims["idtyp"] = json!("device"))),
        ("no object", world.app().keys.sign(&json!([1]), Header::V1)),
        ("a text", world.app().keys.sign(&json!("x"), Header::V1)),
    ];
    assert_snapshot!(table(&world, attempts).await, @r"
    an id token: the token is damaged or no token of ours
    a token without scopes: the token is no access token
    empty scopes: the token is no access token
    nobody's: the token is damaged or no token of ours
    an application that does not exist: the application does not exist in the directory any more
    a person as an application: the application does not exist in the directory any more
    of no kind: the token is damaged or no token of ours
    no object: the token is damaged or no token of ours
    a text: the token is damaged or no token of ours
    ");
    world.stop().await;
}

#[tokio::test]
async fn names_of_the_cluster_itself_by_every_route() {
    let world = World::start().await;
    let token = world.token(|claims| {
        for name in ["upn", "unique_name", "name", "sub", "email", "groups", "roles", "wids"] {
            claims[name] =
                if ["groups", "roles", "wids"].contains(&name) { json!(["system:masters"]) } else { json!("system:admin") };
        }
        claims["uti"] = json!("x\",\"system:masters");
    });
    let answer = world.ask(world.cluster.uid, &token).await;
    let user = &answer["status"]["user"];
    assert_eq!(user["username"], "alice@contoso.example");
    assert_eq!(user["groups"], Value::Null);
    // Only the token's id is carried along, as one text among the extra values.
    assert_eq!(user["extra"]["authentication.kubernetes.io/credential-id"], json!(["JTI=x\",\"system:masters"]));
    // Nobody can be called so in the directory either.
    for name in ["system:admin@contoso.example", "SYSTEM:masters@contoso.example", "system:masters"] {
        assert!(name.parse::<entrance_model::name::Upn>().is_err(), "{name}");
    }
    world.stop().await;
}

#[tokio::test]
async fn another_spelling_of_a_good_token() {
    let world = World::start().await;
    let good = world.token(|_| {});
    let [header, payload, signature] = parts(&good);
    // The last letter of 256 bytes carries four bits that mean nothing; only zeros there are the token.
    let last = signature.chars().last().expect("a letter");
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = letters.find(last).expect("a letter of base64url");
    let trailing = format!("{}{}", &signature[..signature.len() - 1], &letters[at + 1..=at + 1]);
    let bytes = BASE64URL.decode(&signature).expect("base64");
    let longer = BASE64URL.encode([&[0], bytes.as_slice()].concat());
    let attempts = vec![
        ("bits behind the end", format!("{header}.{payload}.{trailing}")),
        ("padding", format!("{good}=")),
        ("a zero before the signature", format!("{header}.{payload}.{longer}")),
        ("the other alphabet", format!("{header}.{payload}.{}", STANDARD.encode(&bytes).trim_end_matches('='))),
        ("a blank", format!("{good} ")),
        ("a line's end", format!("{good}\n")),
        ("a scheme", format!("Bearer {good}")),
        ("a dot more", format!("{good}.")),
        ("a part more", format!("{good}.{signature}")),
        ("a dot before", format!(".{good}")),
        ("other JSON in the header", {
            let spaced = BASE64URL.encode(header_of(&good).to_string().replace(',', ", "));
            format!("{spaced}.{payload}.{signature}")
        }),
    ];
    let heard = table(&world, attempts).await;
    assert!(!heard.contains("ADMITTED"), "{heard}");
    assert_eq!(world.whoami(&good).await, "alice@contoso.example");
    world.stop().await;
}

#[tokio::test]
async fn members_twice_too_large_too_deep_cut_off() {
    let world = World::start().await;
    let good = world.token(|_| {});
    let [header, payload, signature] = parts(&good);
    let claims = String::from_utf8(BASE64URL.decode(&payload).expect("base64")).expect("text");
    let twice = claims.replacen('{', "{\"iss\":\"https://evil.example/\",", 1);
    let deep = format!("{{\"iss\":\"{}\",\"x\":{}}}", world.app().issuer_v1(world.tenant), "[".repeat(2_000));
    let attempts = vec![
        ("twice", format!("{header}.{}.{signature}", BASE64URL.encode(twice))),
        ("deep", format!("{header}.{}.{signature}", BASE64URL.encode(deep))),
        ("large", format!("{header}.{}.{signature}", BASE64URL.encode("x".repeat(20_000)))),
        ("no text", format!("{header}.{}.{signature}", BASE64URL.encode([0xff, 0xfe]))),
        ("only a header", header.clone()),
        ("no signature", format!("{header}.{payload}")),
        ("an empty signature", format!("{header}.{payload}.")),
        ("dots", "...".to_owned()),
        ("zeros", "\u{0}".repeat(100)),
    ];
    let heard = table(&world, attempts).await;
    assert!(!heard.contains("ADMITTED"), "{heard}");
    for end in (1..good.len()).step_by(97) {
        assert!(world.whoami(&good[..end]).await.starts_with("refused: "), "{end}");
    }
    // Signed by us, so only a fault of ours could make it; and still one meaning only.
    let token = world.token(|claims| claims["extra"] = (0..100).fold(json!(1), |inner, _| json!([inner])));
    assert_eq!(world.whoami(&token).await, "alice@contoso.example");
    world.stop().await;
}

#[tokio::test]
async fn questions_of_strangers_of_other_clusters_and_in_a_wrong_form() {
    let world = World::start().await;
    let other = world.add_cluster("other", &json!({})).await;
    let body = question(&world.token(|_| {}));
    let url = world.url(world.cluster.uid);
    // Nobody without a certificate gets past the handshake.
    let stranger = world.trusting().build().expect("a client");
    assert!(stranger.post(&url).json(&body).send().await.is_err());
    // Another cluster's certificate is for another cluster's path.
    let response = world.api_server(other.uid).post(&url).json(&body).send().await.expect("it answers");
    assert_eq!(response.status(), 403);
    // A certificate of a cluster that does not exist learns nothing about tokens.
    let nobody = ClusterUid::from_uuid(Uuid::new_v4());
    let answer = world.post(&world.api_server(nobody), nobody, &body).await;
    assert_eq!(answer["status"]["error"], "this cluster has no directory integration");
    // A question that is repeated is answered again: it is the token that counts, not the question.
    let client = world.api_server(world.cluster.uid);
    for _ in 0..3 {
        assert_eq!(world.post(&client, world.cluster.uid, &body).await["status"]["authenticated"], true);
    }
    let large = json!({"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "spec": {"token": "a".repeat(80_000)}});
    let response = client.post(&url).json(&large).send().await.expect("it answers");
    assert_eq!(response.status(), 413);
    world.stop().await;
}

#[tokio::test]
async fn r_423_a_review_for_other_audiences_never_says_that_they_are_served() {
    let world = World::start().await;
    let client = world.api_server(world.cluster.uid);
    for audiences in [json!(["vault"]), json!([]), json!([world.cluster.server_app()]), json!(null), json!("vault"), json!([1])] {
        let mut body = question(&world.token(|_| {}));
        body["spec"]["audiences"] = audiences;
        let answer = world.post(&client, world.cluster.uid, &body).await;
        // Whoever asked for an audience has to find it in the answer, and finds none: the token is worth nothing there.
        assert_eq!(answer["status"]["authenticated"], true);
        assert_eq!(answer["status"].get("audiences"), None);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_stampede_of_one_token_and_of_many_different_ones() {
    let world = World::start().await;
    let client = world.api_server(world.cluster.uid);
    let body = question(&world.token(|_| {}));
    let same = (0..500).map(|_| world.post(&client, world.cluster.uid, &body));
    let answers: Vec<Value> = stream::iter(same).buffer_unordered(16).collect().await;
    assert!(answers.iter().all(|answer| answer["status"]["authenticated"] == true));
    let [header, payload, _] = parts(&world.token(|_| {}));
    for round in 0..4 {
        let bodies: Vec<Value> =
            (0..500).map(|n| question(&format!("{header}.{payload}.{}", BASE64URL.encode(format!("{round}-{n}"))))).collect();
        let all = bodies.iter().map(|body| world.post(&client, world.cluster.uid, body));
        let answers: Vec<Value> = stream::iter(all).buffer_unordered(16).collect().await;
        assert!(answers.iter().all(|answer| answer["status"]["authenticated"] == false));
    }
    assert_eq!(world.whoami(&world.token(|_| {})).await, "alice@contoso.example");
    world.stop().await;
}
