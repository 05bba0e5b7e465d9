//! Why somebody is let in, or not: what is told is what a review answers.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrance_model::access::built_in;
use entrance_model::arm::Scope;
use entrance_model::directory::User;
use entrance_model::id::ClusterUid;
use entrance_model::well_known::{AKS_CLIENT, AKS_SERVER};
use entrance_server::authority::keys::Header;
use insta::assert_snapshot;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::arm::{C1, World, cluster};

/// A world with the cluster `c1`, which `platform` administers.
struct Story {
    world: World,
    uid: ClusterUid,
    alice: User,
}

impl Story {
    async fn begin() -> Self {
        let world = World::start().await;
        world.group().await;
        let platform = world.entrance.group("platform").await;
        let alice = world.entrance.user("alice").await;
        world.entrance.join(&alice, &platform).await;
        let profile = json!({"managed": true, "adminGroupObjectIDs": [platform.id], "tenantID": world.entrance.tenant});
        let made = world.put(C1, cluster(Some(profile))).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(world.settled(&made).await["status"], "Succeeded");
        let uid = world.get(C1).await.body["properties"]["resourceUID"].as_str().and_then(|uid| uid.parse().ok());
        let story = Self { world, uid: uid.expect("a uid"), alice };
        story.caught_up().await;
        story
    }

    async fn caught_up(&self) {
        let app = self.world.entrance.app();
        app.people.reached(app.store.feed().borrow().head).await;
    }

    fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let (app, at) = (self.world.entrance.app(), self.world.entrance.app().now().as_second());
        let mut claims = json!({
            "aud": AKS_SERVER.to_string(), "iss": app.issuer_v1(self.world.entrance.tenant), "iat": at, "nbf": at, "exp": at + 900,
            "ver": "1.0", "tid": self.world.entrance.tenant, "oid": self.alice.id, "appid": AKS_CLIENT.to_string(), "idtyp": "user",
            "scp": "user.read", "uti": Uuid::new_v4().to_string(), "upn": "alice@contoso.example",
        });
        change(&mut claims);
        app.keys.sign(&claims, Header::V1)
    }

    /// What the cluster's API server would be told: the reason, or nothing.
    async fn review(&self, token: &str) -> Option<String> {
        let question = json!({"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "spec": {"token": token}});
        let reviewer = self.world.entrance.app().webhooks.reviewer();
        let answer = reviewer.review(self.uid, question.to_string().as_bytes()).await.expect("it answers");
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        answer["status"]["error"].as_str().map(str::to_owned)
    }

    async fn explained(&self, body: Value) -> Value {
        let answer = self.world.ask(&self.world.owner, Method::POST, &format!("{C1}/explain"), Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    async fn me(&self, token: &str, query: &str) -> (StatusCode, Value) {
        let url = self.world.entrance.url(&format!("/me/why{query}"));
        let answer = self.world.entrance.client.get(url).bearer_auth(token).send().await.expect("it answers");
        let status = answer.status();
        let text = answer.text().await.expect("it ends");
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn change(&self, change: impl FnOnce(&mut User)) {
        let mut user = self.alice.clone();
        change(&mut user);
        let mut tx = self.world.entrance.app().store.write().await.expect("writes");
        tx.directory().update_user(self.world.entrance.tenant, &user).await.expect("is there");
        tx.commit().await.expect("commits");
        self.caught_up().await;
    }

    /// Tokens with one thing wrong, or two, and the words for it.
    fn tokens(&self) -> Vec<(&'static str, String)> {
        let at = self.world.entrance.app().now().as_second();
        let other = Uuid::new_v4();
        let good = self.token(|_| {});
        let expired = |claims: &mut Value| {
            for (name, ago) in [("iat", 4000), ("nbf", 4000), ("exp", 400)] {
                claims[name] = json!(at - ago);
            }
        };
        vec![
            ("good", good.clone()),
            ("nothing", String::new()),
            ("garbage", "a.b.c".into()),
            ("another signature", format!("{}A", &good[..good.len() - 4])),
            ("expired", self.token(expired)),
            ("of tomorrow", self.token(|claims| claims["nbf"] = json!(at + 86_400))),
            ("of another directory", self.token(|claims| claims["iss"] = json!(format!("https://localhost/{other}/")))),
            ("with another tid", self.token(|claims| claims["tid"] = json!(other))),
            ("for something else", self.token(|claims| claims["aud"] = json!(other))),
            ("an id token", self.token(|claims| claims["scp"] = Value::Null)),
            ("bound", self.token(|claims| claims["cnf"] = json!({"kid": "k"}))),
            ("of nobody", self.token(|claims| claims["oid"] = json!(other))),
            ("of no application", self.token(|claims| claims["idtyp"] = json!("app"))),
            ("expired and for something else", {
                self.token(|claims| {
                    expired(claims);
                    claims["aud"] = json!(other);
                })
            }),
            ("for something else and of nobody", {
                self.token(|claims| {
                    claims["aud"] = json!(other);
                    claims["oid"] = json!(other);
                })
            }),
        ]
    }
}

#[tokio::test]
async fn an_explanation_never_says_something_else_than_a_review() {
    let story = Story::begin().await;
    let mut table = String::new();
    for state in ["as it was", "disabled", "signed out everywhere", "deleted"] {
        match state {
            "disabled" => story.change(|user| user.enabled = false).await,
            "signed out everywhere" => {
                let later = story.world.entrance.app().now() + Duration::from_secs(5);
                story.change(|user| user.sessions_valid_from = later).await;
            }
            "deleted" => {
                let app = story.world.entrance.app();
                let mut tx = app.store.write().await.expect("writes");
                tx.directory().delete_user(story.world.entrance.tenant, &story.alice, app.now()).await.expect("is there");
                tx.commit().await.expect("commits");
                story.caught_up().await;
            }
            _ => {}
        }
        for (what, token) in story.tokens() {
            let (review, told) = (story.review(&token).await, story.explained(json!({"token": token})).await);
            assert_eq!(told["allowed"], review.is_none(), "{state}, {what}: {told}");
            assert_eq!(told["message"].as_str().filter(|_| review.is_some()), review.as_deref(), "{state}, {what}");
            let failed: Vec<&str> = told["checks"]
                .as_array()
                .expect("checks")
                .iter()
                .filter(|check| check["result"] == "failed")
                .filter_map(|check| check["check"].as_str())
                .collect();
            assert_eq!(failed, told["check"].as_str().into_iter().collect::<Vec<_>>(), "{state}, {what}");
            // Nobody but the holder learns it, and the holder learns the same; who asks too often is told to wait.
            if state != "as it was" && what != "good" {
                continue;
            }
            let (status, me) = story.me(&token, &format!("?cluster={}", story.uid)).await;
            if what == "expired and for something else" {
                // A token that was not made for the cluster learns nothing more than that.
                assert_eq!(me["code"], "other-audience", "{state}");
            } else if status == 200 {
                assert_eq!((&me["allowed"], &me["code"]), (&told["allowed"], &told["code"]), "{state}, {what}");
            } else {
                assert!(
                    ["nothing", "garbage", "another signature", "of another directory", "with another tid", "bound"]
                        .contains(&what)
                );
            }
            if state == "as it was" {
                let _ = writeln!(table, "{what}: {}", told["code"].as_str().unwrap_or("allowed"));
            }
            story.world.entrance.sleep(Duration::from_secs(11)); // the token was made for this moment; refusals are forgotten
        }
    }
    assert_snapshot!(table, @r"
    good: allowed
    nothing: no-token
    garbage: malformed
    another signature: signature
    expired: expired
    of tomorrow: not-yet
    of another directory: other-issuer
    with another tid: other-tenant
    for something else: other-audience
    an id token: not-an-access-token
    bound: proof-missing
    of nobody: unknown-person
    of no application: unknown-application
    expired and for something else: expired
    for something else and of nobody: other-audience
    ");
}

#[tokio::test]
async fn a_stranger_learns_nothing_from_me_why() {
    let story = Story::begin().await;
    let foreign = URL_SAFE_NO_PAD.encode(json!({"alg": "none"}).to_string());
    let nobody = story.world.entrance.get("/me/why").await;
    assert_eq!((nobody.status(), nobody.headers()["cache-control"].to_str().ok()), (StatusCode::UNAUTHORIZED, Some("no-store")));
    let first = nobody.json::<Value>().await.expect("JSON");
    for token in [foreign.as_str(), "x", "a.b.c", &story.token(|claims| claims["cnf"] = json!({"kid": "k"}))] {
        for query in ["", &format!("?cluster={}", story.uid), "?cluster=nothing"] {
            assert_eq!(story.me(token, query).await, (StatusCode::UNAUTHORIZED, first.clone()), "{token} {query}");
        }
    }
    let posted = story.world.entrance.post("/me/why", &[]).await;
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_token_for_another_audience_does_not_even_learn_whether_a_cluster_exists() {
    let story = Story::begin().await;
    let token = story.token(|claims| claims["aud"] = json!("00000003-0000-0000-c000-000000000000"));
    let there = story.me(&token, &format!("?cluster={}", story.uid)).await;
    assert_eq!(there, story.me(&token, &format!("?cluster={}", Uuid::new_v4())).await);
    assert_eq!(there, story.me(&token, &format!("?cluster=/subscriptions/{}{C1}", story.world.subscription)).await);
    assert_eq!(there.1["code"], "other-audience");
}

#[tokio::test]
async fn the_cluster_is_found_by_its_id_its_address_or_the_audience_alone() {
    let story = Story::begin().await;
    story.change(|user| user.enabled = false).await;
    let id = format!("/subscriptions/{}{C1}", story.world.subscription);
    for query in
        [String::new(), format!("?cluster={}", story.uid), format!("?cluster={id}"), "?server=https://127.0.0.1:6443/".into()]
    {
        let (status, told) = story.me(&story.token(|_| {}), &query).await;
        assert_eq!((status, told["code"].as_str()), (StatusCode::OK, Some("disabled")), "{query}");
        assert_eq!(told["nextStep"], "ask an administrator of the directory about the account");
    }
}

#[tokio::test]
async fn who_asks_all_the_time_is_told_to_wait() {
    let story = Story::begin().await;
    let token = story.token(|_| {});
    let mut answers = Vec::new();
    for _ in 0..40 {
        answers.push(story.me(&token, "").await.0.as_u16());
    }
    assert!(answers.contains(&200) && answers.ends_with(&[429]), "{answers:?}");
}

#[tokio::test]
async fn an_explanation_names_the_admin_group_that_is_missing() {
    let story = Story::begin().await;
    let bob = story.world.entrance.user("bob").await;
    story.caught_up().await;
    let told = story.explained(json!({"user": "bob@contoso.example"})).await;
    assert_eq!((&told["allowed"], &told["name"]), (&json!(true), &json!("bob@contoso.example")));
    assert_eq!(told["groups"]["count"], 0);
    assert_eq!(told["groups"]["adminGroups"]["missing"][0]["name"], "platform");
    assert_eq!(told["account"]["objectId"], bob.id.to_string());
    let told = story.explained(json!({"user": story.alice.id})).await;
    assert_eq!(told["groups"]["adminGroups"]["memberOf"][0]["name"], "platform");
    assert_eq!(told["groups"]["adminGroups"]["missing"], json!([]));
    assert!(told["notCovered"].as_array().is_some_and(|all| all.len() >= 4));
    // Without a token there is nothing to say about tokens.
    let checks: Vec<&str> =
        told["checks"].as_array().expect("checks").iter().filter_map(|check| check["check"].as_str()).collect();
    assert_eq!(checks, ["integration", "directory", "proof", "account", "enabled", "not-revoked", "groups"]);
}

#[tokio::test]
async fn everyone_may_ask_about_themselves_and_only_who_may_change_the_cluster_about_others() {
    let story = Story::begin().await;
    let scope = Scope::subscription(story.world.subscription);
    let ask = async |who: &User, body: Value| story.world.ask(who, Method::POST, &format!("{C1}/explain"), Some(body)).await;
    assert_eq!(ask(&story.alice, json!({})).await.refusal(), "403 AuthorizationFailed R-005");
    story.world.assign(story.alice.id.into(), built_in::CLUSTER_USER, &scope).await;
    assert_eq!(ask(&story.alice, json!({})).await.status, 200);
    assert_eq!(ask(&story.alice, json!({"user": "alice@contoso.example"})).await.status, 200);
    assert_eq!(ask(&story.alice, json!({"token": story.token(|_| {})})).await.status, 200);
    for about in [
        json!({"user": "olivia@contoso.example"}),
        json!({"token": story.token(|claims| claims["oid"] = json!(story.world.owner.id))}),
    ] {
        assert_eq!(ask(&story.alice, about).await.refusal(), "403 AuthorizationFailed R-005");
    }
    assert_eq!(ask(&story.world.owner, json!({"user": "nobody@contoso.example"})).await.status, 400);
    assert_eq!(ask(&story.world.owner, json!({"user": "a", "token": "b"})).await.status, 400);
}
