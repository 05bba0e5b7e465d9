//! Tokens of other issuers in place of a secret (S-242, R-24).

use entrance_model::directory::Proof;
use entrance_model::directory::{Application, SubjectRule};
use entrance_testkit::{Answer, Entrance, minutes};
use serde_json::{Value, json};

use super::issuer::{Issuer, sign};
use crate::authority::{AKS, credential, refusal};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const AUDIENCE: &str = "api://AzureADTokenExchange";
const SUBJECT: &str = "repo:contoso/shop:ref:refs/heads/main";

/// A tenant that trusts one issuer, and an application with a credential for it.
struct Story {
    world: Entrance,
    issuer: Issuer,
    admin: String,
    app: String,
}

impl Story {
    async fn start(subject: SubjectRule) -> Self {
        let (world, issuer) = (Entrance::start().await, Issuer::start().await);
        let admin = world.graph_token(&world.directory_admin("olivia").await);
        let (app, _) = world.application("pipeline", |app| allow(app, &issuer.url, subject)).await;
        let story = Self { world, issuer, admin, app: app.app_id.to_string() };
        let trusted = story.trust(json!({})).await;
        assert_eq!(trusted.status, 201, "{}", trusted.body);
        story
    }

    async fn trust(&self, more: Value) -> Answer {
        let mut body = json!({"issuer": self.issuer.url, "privateNetwork": true, "caCertificate": self.issuer.ca});
        for (name, value) in more.as_object().expect("an object") {
            body[name.as_str()] = value.clone();
        }
        self.world.graph(&self.admin, "POST", "/v1.0/entrance/trustedIssuers", body).await
    }

    fn claims(&self) -> Value {
        let now = self.world.app().now().as_second();
        json!({"iss": self.issuer.url, "sub": SUBJECT, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 600})
    }

    async fn ask(&self, assertion: &str) -> reqwest::Response {
        let scope = format!("{AKS}/.default");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", self.app.as_str()),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion),
            ("scope", scope.as_str()),
        ];
        self.world.post(&format!("/{}/oauth2/v2.0/token", self.world.tenant), &form).await
    }

    /// 0 for a token, else the number of the refusal.
    async fn outcome(&self, key: &str, change: &[(&str, Value)]) -> u64 {
        let mut claims = self.claims();
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        let answer = self.ask(&sign(key, &claims)).await;
        if answer.status() == 200 { 0 } else { refusal(answer).await.2 }
    }
}

fn allow(app: &mut Application, issuer: &str, subject: SubjectRule) {
    let proof = Proof::Federated {
        name: "main".into(),
        issuer: issuer.into(),
        subject,
        audiences: vec![AUDIENCE.into()],
        description: None,
    };
    app.credentials.push(credential(proof, "2099-01-01T00:00:00Z"));
}

fn exact() -> SubjectRule {
    SubjectRule::Exact(SUBJECT.into())
}

#[tokio::test]
async fn s_242_a_pipeline_s_token_stands_for_its_application_and_each_refusal_has_its_number() {
    let story = Story::start(exact()).await;
    // Projected tokens have one `jti` for their life, and come again.
    for _ in 0..2 {
        assert_eq!(story.outcome("first", &[("jti", "same".into())]).await, 0);
    }
    assert_eq!(story.outcome("first", &[("iss", "https://elsewhere.example".into())]).await, 700_211);
    assert_eq!(story.outcome("first", &[("iss", format!("{}/", story.issuer.url).into())]).await, 700_211);
    assert_eq!(story.outcome("first", &[("aud", "api://other".into())]).await, 700_212);
    assert_eq!(story.outcome("first", &[("sub", "repo:contoso/other:ref:refs/heads/main".into())]).await, 700_213);
    assert_eq!(story.outcome("first", &[("sub", "repo:Contoso/shop:ref:refs/heads/main".into())]).await, 7_002_138);
    assert_eq!(story.outcome("first", &[("exp", (story.world.app().now().as_second() - 301).into())]).await, 700_024);
    assert_eq!(story.outcome("stranger", &[]).await, 7_002_381);
    assert_eq!(story.issuer.asked(), 1, "all of that with the keys at hand");
}

#[tokio::test]
async fn s_242_who_cannot_sign_for_the_issuer_learns_nothing_about_subjects_and_audiences() {
    let story = Story::start(exact()).await;
    for change in [("sub", "repo:contoso/other:x"), ("aud", "api://other"), ("sub", SUBJECT)] {
        assert_eq!(story.outcome("stranger", &[(change.0, change.1.into())]).await, 7_002_381, "{change:?}");
    }
}

#[tokio::test]
async fn s_242_a_flexible_credential_matches_by_its_expression_or_answers_70021() {
    let rule = "claims['sub'] matches 'repo:contoso/*:ref:refs/heads/main' and claims['job_workflow_ref'] eq 'contoso/ci@v1'";
    let story = Story::start(SubjectRule::Matching(rule.parse().expect("an expression"))).await;
    let workflow = ("job_workflow_ref", Value::from("contoso/ci@v1"));
    assert_eq!(story.outcome("first", std::slice::from_ref(&workflow)).await, 0);
    assert_eq!(story.outcome("first", &[]).await, 70_021);
    assert_eq!(story.outcome("first", &[workflow, ("sub", "repo:contoso/shop:ref:refs/heads/next".into())]).await, 70_021);
}

#[tokio::test]
async fn s_242_new_keys_are_found_by_asking_again_at_most_every_five_minutes() {
    let story = Story::start(exact()).await;
    story.issuer.has(&["first", "second"]);
    assert_eq!(story.outcome("second", &[]).await, 7_002_381, "too early to ask again");
    story.world.sleep(minutes(5));
    assert_eq!(story.outcome("second", &[]).await, 0);
    for _ in 0..3 {
        assert_eq!(story.outcome("invented", &[]).await, 7_002_381);
    }
    assert_eq!(story.issuer.asked(), 2, "invented key names do not make us ask");
}

#[tokio::test]
async fn s_242_keys_are_kept_for_a_day_while_the_issuer_is_away_and_no_longer() {
    let story = Story::start(exact()).await;
    story.issuer.answers(503);
    story.world.sleep(minutes(13 * 60));
    assert_eq!(story.outcome("first", &[]).await, 0, "a renewal that fails does not end what counts");
    story.world.sleep(minutes(11 * 60 + 1));
    assert_eq!(story.outcome("first", &[]).await, 7_002_381, "a day is over");
    story.issuer.answers(200);
    story.world.sleep(minutes(1));
    assert_eq!(story.outcome("first", &[]).await, 0);
    story.issuer.has(&["second"]);
    story.world.sleep(minutes(13 * 60));
    assert_eq!(story.outcome("first", &[]).await, 7_002_381, "a key that the issuer gave up");
}

#[tokio::test]
async fn s_242_an_issuer_counts_only_while_it_is_on_the_list() {
    let story = Story::start(exact()).await;
    assert_eq!(story.trust(json!({})).await.status, 400, "it is there already");
    let list = story.world.graph(&story.admin, "GET", "/v1.0/entrance/trustedIssuers", Value::Null).await;
    let id = list.each("id")[0].clone();
    let path = format!("/v1.0/entrance/trustedIssuers/{id}");
    let checked = story.world.graph(&story.admin, "POST", &format!("{path}/check"), Value::Null).await;
    assert_eq!((&checked.body["isReachable"], &checked.body["keys"][0]["kid"]), (&json!(true), &json!("first")));
    story.issuer.answers(500);
    let checked = story.world.graph(&story.admin, "POST", &format!("{path}/check"), Value::Null).await;
    assert_eq!(checked.body["isReachable"], false);
    assert!(checked.text("reason").contains("500"), "{}", checked.body);
    assert_eq!(story.world.graph(&story.admin, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(story.outcome("first", &[]).await, 7_002_381, "keys in memory are forgotten with it");
    assert_eq!(super::told(&story.world, "issuer.").await, ["issuer.trusted", "issuer.distrusted"]);
}

#[tokio::test]
async fn s_811_only_administrators_say_whom_the_directory_trusts() {
    let story = Story::start(exact()).await;
    let alice = story.world.graph_token(&story.world.user("alice").await);
    let body = json!({"issuer": "https://ci.example", "jwks": {"keys": []}});
    for (method, path) in [("GET", ""), ("POST", ""), ("DELETE", "/x"), ("POST", "/x/check")] {
        let path = format!("/v1.0/entrance/trustedIssuers{path}");
        assert_eq!(story.world.graph(&alice, method, &path, body.clone()).await.status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn r_24_an_issuer_inside_is_refused_unless_the_administrator_says_that_it_is_meant_to_be_there() {
    let story = Story::start(exact()).await;
    let refused = async |more: Value| {
        let answer = story.trust(more).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        answer.message().to_owned()
    };
    let port = story.issuer.url.rsplit_once(':').expect("a port").1;
    for host in ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
        let said = refused(json!({"issuer": format!("https://{host}:{port}/"), "privateNetwork": false})).await;
        assert!(said.contains("private network"), "{host}: {said}");
    }
    let said = refused(json!({"issuer": "https://169.254.169.254"})).await;
    assert!(said.contains("no address of an issuer"), "{said}");
}

#[tokio::test]
async fn r_24_keys_elsewhere_are_judged_like_the_issuer_and_redirects_are_not_followed() {
    let story = Story::start(exact()).await;
    let list = story.world.graph(&story.admin, "GET", "/v1.0/entrance/trustedIssuers", Value::Null).await;
    let check = format!("/v1.0/entrance/trustedIssuers/{}/check", list.each("id")[0]);
    let why = async || story.world.graph(&story.admin, "POST", &check, Value::Null).await.text("reason");
    for (address, says) in [
        ("https://169.254.169.254/keys", "no address of an issuer"),
        ("http://localhost/keys", "no https address"),
        ("file:///etc/passwd", "no https address"),
        ("https://user:secret@localhost/keys", "no https address"),
    ] {
        story.issuer.keys_are_at(address);
        let said = why().await;
        assert!(said.contains(says), "{address}: {said}");
    }
    story.issuer.keys_are_at(&format!("{}/keys", story.issuer.url));
    story.issuer.pads(300 * 1024);
    assert!(why().await.contains("256 KiB"));
    story.issuer.pads(0);
    story.issuer.answers(302);
    assert!(why().await.contains("302"));
    story.issuer.answers(200);
    story.issuer.calls_itself("https://accounts.example");
    assert!(why().await.contains("https://accounts.example"));
}

#[tokio::test]
async fn s_242_an_issuer_that_cannot_be_reached_may_be_trusted_with_the_keys_that_the_administrator_brings() {
    let (world, issuer) = (Entrance::start().await, Issuer::start().await);
    let admin = world.graph_token(&world.directory_admin("olivia").await);
    let base = world.app().base().to_owned();
    let trust = async |body: Value| world.graph(&admin, "POST", "/v1.0/entrance/trustedIssuers", body).await;
    for bad in [
        json!({}),
        json!({"issuer": "http://ci.example"}),
        json!({"issuer": base}),
        json!({"issuer": "https://ci.example", "preset": "github"}),
        json!({"preset": "sourceforge"}),
        json!({"issuer": "https://ci.example", "jwks": {"keys": []}}),
        json!({"issuer": "https://ci.example", "jwks": "nonsense"}),
        json!({"issuer": "https://ci.example", "privateNetwork": "yes"}),
        json!({"issuer": "https://ci.example", "unknown": 1}),
        json!({"clusterId": "/subscriptions/x", "jwks": {"keys": []}}),
    ] {
        assert_eq!(trust(bad.clone()).await.status, 400, "{bad}");
    }
    let keys: Value = {
        let ca = reqwest::Certificate::from_pem(issuer.ca.as_bytes()).expect("a certificate");
        let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().expect("a client");
        client.get(format!("{}/keys", issuer.url)).send().await.expect("answers").json().await.expect("JSON")
    };
    let made = trust(json!({"issuer": "https://ci.example", "jwks": keys})).await;
    assert_eq!((made.status, &made.body["source"]), (201, &json!("keys")), "{}", made.body);
    assert_eq!(made.body["keys"], json!([{"kid": "first", "kty": "RSA", "isUsable": true}]));
}
