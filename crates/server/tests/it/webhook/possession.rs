//! Tokens in the proof of a key (S-431): one cluster, one key, one time.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::holder::Holder;
use super::world::World;

#[tokio::test]
async fn s_431_a_wrapped_token_opens_its_cluster_once_and_never_again() {
    let world = World::start().await;
    let holder = Holder::new();
    let token = holder.token(&world);
    let proof = holder.wrap(&world, &token);
    assert_snapshot!(world.whoami(&proof).await, @"alice@contoso.example");
    assert_snapshot!(world.whoami(&proof).await, @"refused: the proof of possession was used before");
    // The same token in a new proof is fine.
    let next = holder.wrap(&world, &token);
    assert_snapshot!(world.whoami(&next).await, @"alice@contoso.example");

    let world = world.restart().await;
    assert_snapshot!(world.whoami(&proof).await, @"refused: the proof of possession was used before");
    assert_snapshot!(world.whoami(&next).await, @"refused: the proof of possession was used before");
    assert_snapshot!(world.whoami(&holder.wrap(&world, &token)).await, @"alice@contoso.example");
    world.stop().await;
}

#[tokio::test]
async fn s_431_of_a_hundred_that_present_one_proof_at_once_one_enters() {
    let world = World::start().await;
    let holder = Holder::new();
    let proof = holder.wrap(&world, &holder.token(&world));
    let clients = [world.api_server(world.cluster.uid), world.api_server(world.cluster.uid)];
    let asked = (0..100).map(|n| {
        let (client, world, body) = (&clients[n % 2], &world, super::world::question(&proof));
        async move { world.post(client, world.cluster.uid, &body).await["status"]["authenticated"] == true }
    });
    let answers: Vec<bool> = stream::iter(asked).buffer_unordered(16).collect().await;
    // One; or nobody, when the first answer came too late on a busy machine: then, too, the proof is used up.
    assert!(answers.into_iter().filter(|admitted| *admitted).count() <= 1);
    assert_snapshot!(world.whoami(&proof).await, @"refused: the proof of possession was used before");
    world.stop().await;
}

#[tokio::test]
async fn s_431_a_proof_for_another_cluster_or_with_another_key_opens_nothing() {
    let world = World::start().await;
    let staging = world.add_cluster("staging", &json!({})).await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let token = holder.token(&world);
    let here = world.cluster.address.to_string();
    let second = world.clock.now().as_second();
    let wrap = |change: &dyn Fn(&mut Value, &mut Value)| holder.wrap_with(&world, &token, change);
    let whole = wrap(&|_, _| {});
    let (signed, signature) = whole.rsplit_once('.').expect("a signature");
    let cases = [
        ("bare", token.clone()),
        ("for another cluster", wrap(&|_, p| p["u"] = json!(staging.address.to_string()))),
        ("for a part of the name", wrap(&|_, p| p["u"] = json!(here[..here.len() - 1]))),
        ("with a slash more", wrap(&|_, p| p["u"] = json!(format!("{here}/")))),
        ("for nothing", wrap(&|_, p| p["u"] = json!(""))),
        ("a thief's key", thief.wrap(&world, &token)),
        (
            "a thief's key under the holder's name",
            thief.wrap_with(&world, &token, |h, p| {
                h["kid"] = json!(holder.thumbprint);
                p["cnf"]["jwk"]["kid"] = json!(holder.thumbprint);
            }),
        ),
        (
            "the holder's key, a thief's signature",
            thief.wrap_with(&world, &token, |h, p| {
                h["kid"] = json!(holder.thumbprint);
                p["cnf"]["jwk"] = holder.jwk.clone();
            }),
        ),
        ("a token without a key", holder.wrap(&world, &world.token(|_| {}))),
        ("a damaged signature", format!("{signed}.{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..])),
        ("no signature", format!("{signed}.")),
        ("a padded signature", format!("{whole}=")),
        ("alg none", wrap(&|h, _| h["alg"] = json!("none"))),
        ("an embedded key in the header", wrap(&|h, _| h["jwk"] = holder.jwk.clone())),
        ("five minutes old", wrap(&|_, p| p["ts"] = json!(second - 300))),
        ("older", wrap(&|_, p| p["ts"] = json!(second - 301))),
        ("a minute ahead", wrap(&|_, p| p["ts"] = json!(second + 60))),
        ("further ahead", wrap(&|_, p| p["ts"] = json!(second + 61))),
        ("at the end of time", wrap(&|_, p| p["ts"] = json!(i64::MAX))),
        ("before time", wrap(&|_, p| p["ts"] = json!(i64::MIN))),
        ("a time as text", wrap(&|_, p| p["ts"] = json!(second.to_string()))),
        ("wrapped twice", holder.wrap(&world, &whole)),
        ("in capitals", wrap(&|_, p| p["u"] = json!(here.to_uppercase()))),
    ];
    let mut table = String::new();
    for (name, token) in cases {
        writeln!(table, "{name}: {}", world.whoami(&token).await).expect("a line");
    }
    assert_snapshot!(table, @r"
    bare: refused: the proof of possession is missing
    for another cluster: refused: the proof of possession was made for another cluster; compare `u` of `--pop-claims` with the cluster's resource id
    for a part of the name: refused: the proof of possession was made for another cluster; compare `u` of `--pop-claims` with the cluster's resource id
    with a slash more: refused: the proof of possession was made for another cluster; compare `u` of `--pop-claims` with the cluster's resource id
    for nothing: refused: the proof of possession was made for another cluster; compare `u` of `--pop-claims` with the cluster's resource id
    a thief's key: refused: the proof of possession was not made with the token's key
    a thief's key under the holder's name: refused: the proof of possession was not made with the token's key
    the holder's key, a thief's signature: refused: the proof of possession was not made with the token's key
    a token without a key: refused: the proof of possession was not made with the token's key
    a damaged signature: refused: the proof of possession was not made with the token's key
    no signature: refused: the proof of possession was not made with the token's key
    a padded signature: refused: the token is damaged or no token of ours
    alg none: refused: the token is damaged or no token of ours
    an embedded key in the header: refused: the token is damaged or no token of ours
    five minutes old: alice@contoso.example
    older: refused: the proof of possession is too old; compare the clocks
    a minute ahead: alice@contoso.example
    further ahead: refused: the proof of possession is not valid yet; compare the clocks
    at the end of time: refused: the proof of possession is not valid yet; compare the clocks
    before time: refused: the proof of possession is too old; compare the clocks
    a time as text: refused: the token is damaged or no token of ours
    wrapped twice: refused: the token is damaged or no token of ours
    in capitals: alice@contoso.example
    ");
    // None of the refused ones used anything up: the good one still counts, at its cluster only.
    assert_snapshot!(world.whoami_at(staging.uid, &whole).await, @"refused: the proof of possession was made for another cluster; compare `u` of `--pop-claims` with the cluster's resource id");
    assert_snapshot!(world.whoami(&whole).await, @"alice@contoso.example");
    world.stop().await;
}

#[tokio::test]
async fn require_pop_takes_nothing_else() {
    let world = World::start().await;
    let strict = world.add_cluster("strict", &json!({"requirePop": true})).await;
    let holder = Holder::new();
    assert_snapshot!(world.whoami_at(strict.uid, &world.token(|_| {})).await, @"refused: the proof of possession is missing");
    let token = holder.token(&world);
    assert_snapshot!(world.whoami_at(strict.uid, &token).await, @"refused: the proof of possession is missing");
    let proof = holder.wrap_with(&world, &token, |_, payload| payload["u"] = json!(strict.address.to_string()));
    assert_snapshot!(world.whoami_at(strict.uid, &proof).await, @"alice@contoso.example");
    // What the proof cannot do: outlive the token, or the account.
    world.clock.advance(Duration::from_hours(1));
    let late = holder.wrap_with(&world, &token, |_, payload| payload["u"] = json!(strict.address.to_string()));
    assert_snapshot!(world.whoami_at(strict.uid, &late).await, @"refused: the token expired; sign in again");
    world.stop().await;
}
