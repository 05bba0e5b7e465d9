//! S-810: keys change while tokens are made and checked, and nothing fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use entrance_server::authority::keys::{Because, Header, TokenError};
use entrance_testkit::{Entrance, PASSWORD, minutes};
use jsonwebtoken::decode_header;
use serde_json::{Value, json};

use super::{AZ, text, verified};

const GRAPH: &str = "https://graph.microsoft.com/.default";

async fn token(world: &Entrance) -> String {
    let form = [
        ("grant_type", "password"),
        ("client_id", AZ),
        ("username", "alice@contoso.example"),
        ("password", PASSWORD),
        ("scope", GRAPH),
    ];
    let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
    let body: Value = answer.json().await.expect("JSON");
    body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

fn kid(token: &str) -> String {
    decode_header(token).expect("a header").kid.expect("a key id")
}

async fn me(world: &Entrance, token: &str) -> u16 {
    world.client.get(world.url("/v1.0/me")).bearer_auth(token).send().await.expect("answers").status().as_u16()
}

async fn published(world: &Entrance) -> Vec<String> {
    let document: Value = world.get("/common/discovery/v2.0/keys").await.json().await.expect("JSON");
    document["keys"].as_array().into_iter().flatten().map(|key| text(key, "kid").to_owned()).collect()
}

async fn look_at_the_calendar(world: &Entrance) {
    world.app().keys.maintain(&world.app().store, world.app().now()).await.expect("maintains");
}

const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

#[tokio::test]
async fn s_810_the_next_key_takes_over_after_a_day_and_the_old_one_verifies_until_its_tokens_ended() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let admin = world.directory_admin("admin").await;
    let first = token(&world).await;
    let before = published(&world).await;
    assert_eq!((before.len(), &before[0]), (2, &kid(&first)));
    let rotated = world.graph(&world.graph_token(&admin), "POST", "/v1.0/entrance/keys/rotate", json!({"reason": "test"})).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    assert_eq!(rotated.body["value"][1]["signsFromDateTime"], "2026-01-02T00:00:00Z", "verifiers read keys once a day");
    world.sleep(minutes(24 * 60 - 1));
    look_at_the_calendar(&world).await;
    let late = token(&world).await;
    assert_eq!(kid(&late), before[0]);
    world.sleep(minutes(1));
    look_at_the_calendar(&world).await;
    let second = token(&world).await;
    assert_eq!(kid(&second), before[1], "the one that was published a day before");
    assert_eq!((me(&world, &late).await, me(&world, &second).await), (200, 200));
    verified(&world, &late).await;
    assert_eq!(published(&world).await.len(), 3, "the old one, the one that signs, and a new one");
    world.sleep(hours(27));
    look_at_the_calendar(&world).await;
    assert!(!published(&world).await.contains(&before[0]));
    assert_eq!(published(&world).await.len(), 2);
    let trail = world.app().store.read().await.expect("reads").audit_trail(world.tenant, 9).await.expect("reads");
    assert!(trail.iter().any(|row| row.kind == "signingKey.rotated" && row.actor == Some(admin.id.into())), "{trail:?}");
}

#[tokio::test]
async fn s_810_a_key_that_leaked_goes_at_once_with_all_that_it_signed_and_everybody_can_sign_in_again() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let admin = world.directory_admin("admin").await;
    let stolen = token(&world).await;
    let (leaked, next) = (published(&world).await[0].clone(), published(&world).await[1].clone());
    assert_eq!(me(&world, &stolen).await, 200);
    let body = json!({"kid": leaked, "reason": "a backup was lost"});
    let retired = world.graph(&world.graph_token(&admin), "POST", "/v1.0/entrance/keys/retire", body).await;
    assert_eq!((retired.status, retired.each("kid").len()), (200, 2), "{}", retired.body);
    assert!(!published(&world).await.contains(&leaked));
    assert_eq!(me(&world, &stolen).await, 401);
    let fresh = token(&world).await;
    assert_eq!((kid(&fresh), me(&world, &fresh).await), (next, 200));
    let again = world.graph(&world.graph_token(&admin), "POST", "/v1.0/entrance/keys/retire", json!({"kid": leaked})).await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn s_810_while_keys_change_no_request_fails_and_every_token_is_published_before_it_is_seen() {
    let world = Arc::new(Entrance::start().await);
    world.user("alice").await;
    let (stop, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (world, stop, made) = (Arc::clone(&world), Arc::clone(&stop), Arc::clone(&made));
            tokio::spawn(async move {
                let mut seen = std::collections::BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    let since = world.app().now();
                    let token = token(&world).await;
                    seen.insert(kid(&token));
                    assert!(published(&world).await.contains(&kid(&token)));
                    let status = me(&world, &token).await;
                    // A day may have passed meanwhile: longer than the token lives, and shorter than its key.
                    assert!(status == 200 || world.app().now() != since, "{status}");
                    made.fetch_add(1, Ordering::Relaxed);
                }
                seen
            })
        })
        .collect();
    let wait_for = async |count: u32| {
        let until = made.load(Ordering::Relaxed) + count;
        while made.load(Ordering::Relaxed) < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    for _ in 0..3 {
        wait_for(8).await;
        world.app().keys.rotate(&world.app().store, &Because::default(), world.app().now()).await.expect("rotates");
        wait_for(8).await;
        world.sleep(hours(24));
        look_at_the_calendar(&world).await;
    }
    wait_for(8).await;
    stop.store(true, Ordering::Relaxed);
    let mut kids = std::collections::BTreeSet::new();
    for caller in callers {
        kids.extend(caller.await.expect("no request failed"));
    }
    assert_eq!(kids.len(), 4, "four keys signed, one after the other");
}

#[tokio::test]
async fn s_810_private_keys_rest_sealed_and_a_restart_goes_on_with_the_same_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let seal = entrance_store::SealingKey::load_or_create(&folder.path().join("seal.key")).expect("a key");
    let file = folder.path().join("entrance.db");
    let now = "2026-01-01T00:00:00Z".parse().expect("a time");
    let store = entrance_store::Store::open(&file, seal).await.expect("a store");
    let keys = entrance_server::authority::keys::KeyRing::open(&store, now).await.expect("keys");
    let signed = keys.sign(&json!({"x": 1}), Header::V2);
    drop(store);
    let seal = entrance_store::SealingKey::load_or_create(&folder.path().join("seal.key")).expect("a key");
    let store = entrance_store::Store::open(&file, seal).await.expect("a store");
    let again = entrance_server::authority::keys::KeyRing::open(&store, now).await.expect("keys");
    assert!(again.verify_claims::<Value>(&signed).is_ok());
    let other = entrance_store::SealingKey::load_or_create(&folder.path().join("other.key")).expect("a key");
    let stolen = entrance_store::Store::open(&file, other).await;
    let readable = match stolen {
        Ok(store) => entrance_server::authority::keys::KeyRing::open(&store, now).await.is_ok(),
        Err(_) => false,
    };
    assert!(!readable, "without its sealing key a copy of the database signs nothing");
    assert_eq!(again.verify_claims::<Value>("a.b.c").map(drop), Err(TokenError::Signature));
}

#[tokio::test]
async fn s_810_only_administrators_of_the_first_tenant_touch_the_keys() {
    let world = Entrance::start().await;
    let (admin, member) = (world.directory_admin("admin").await, world.user("bob").await);
    let list = async |token: &str| world.graph(token, "GET", "/v1.0/entrance/keys", Value::Null).await;
    let shown = list(&world.graph_token(&admin)).await;
    assert_eq!(shown.each("state"), ["signs", "next"]);
    let member = world.graph_token(&member);
    assert_eq!(list(&member).await.status, 403);
    let kid = shown.body["value"][0]["kid"].clone();
    for (path, body) in [("rotate", json!({})), ("retire", json!({"kid": kid}))] {
        assert_eq!(world.graph(&member, "POST", &format!("/v1.0/entrance/keys/{path}"), body).await.status, 403);
    }
    world.sleep(Duration::from_secs(1));
    let app = world.app();
    let fabrikam = world.fabrikam().await;
    let mut carol = entrance_testkit::sample::person("carol", app.now());
    carol.upn = "carol@fabrikam.example".parse().expect("a UPN");
    carol.is_directory_admin = true;
    let mut tx = app.store.write().await.expect("writes");
    tx.directory().insert_user(fabrikam.id, &carol).await.expect("is new");
    tx.commit().await.expect("commits");
    let mut claims = world.claims_of(&carol);
    claims["tid"] = fabrikam.id.to_string().into();
    claims["iss"] = app.issuer_v1(fabrikam.id).into();
    assert_eq!(list(&world.token(&claims)).await.status, 403, "the keys are of other tenants, too");
    assert_eq!(list(&world.graph_token(&admin)).await.status, 200);
}
