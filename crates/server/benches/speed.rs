//! How fast reviews and signatures are, in process. Printed, never asserted: `cargo bench -p entrance-server --bench speed`.
//!
//! Tokens are compared with bare RS256 signatures over the same bytes in the same run, so that the ratio says the same on
//! another machine; reviews are given as they are, p50 and p99.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use entrance_model::Timestamp;
use entrance_model::cluster::UserName;
use entrance_model::directory::{Group, Member, MemberKind, Tenant, User};
use entrance_model::id::{ClusterUid, GroupId, PrincipalId, TenantId, UserId};
use entrance_model::review::Gate;
use entrance_model::well_known::{AKS_CLIENT, AKS_SERVER};
use entrance_server::Clock;
use entrance_server::authority::keys::{Header, KeyRing};
use entrance_server::directory::{Directory, Facts, Snapshot};
use entrance_server::webhook::Reviewer;
use entrance_store::{SealingKey, Store};
use serde_json::{Value, json};
use uuid::Uuid;

const BASE: &str = "https://localhost:8443";
/// Groups the person is in, each in the next one: the depth is the work.
const GROUPS: usize = 20;
const REVIEWS: usize = 20_000;
const SIGNATURES: u32 = 2_000;

fn main() -> Result<()> {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|word| word == "--test") {
        return Ok(());
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&folder.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await?;
    let (tenant, person, cluster) =
        (TenantId::from_uuid(Uuid::new_v4()), UserId::from_uuid(Uuid::new_v4()), ClusterUid::from_uuid(Uuid::new_v4()));
    fill(&store, tenant, person).await?;
    let keys = KeyRing::open(&store, Timestamp::now()).await?;
    let people = Directory::new(None);
    people.load(&store, Timestamp::now()).await?;
    let gate = Gate { tenant, audience: AKS_SERVER, names: UserName::Upn, groups_max: 450, pinned: vec![], needs_proof: false };
    let snapshot = people.snapshot(Timestamp::now())?;
    let facts = Facts { gate: Some(gate), admins: None, local_accounts: true };
    people.show(Snapshot::clone(&snapshot).with_cluster(cluster, facts), Timestamp::now());
    let reviewer = Reviewer::new(keys.clone(), people, Clock::system(), BASE);

    let tokens: Vec<String> = (0..REVIEWS / 10).map(|n| keys.sign(&claims(tenant, person, n), Header::V1)).collect();
    let questions: Vec<Vec<u8>> = tokens.iter().map(|token| question(token).to_string().into_bytes()).collect();
    let answer: Value = serde_json::from_slice(&reviewer.review(cluster, &questions[0])?)?;
    ensure!(answer["status"]["authenticated"] == true, "the benchmark's own token is refused: {answer}");
    reviews("token review", (0..REVIEWS).map(|n| &questions[n % questions.len()]), |body| drop(reviewer.review(cluster, body)))?;
    let forged = question(&format!("{}AAAA", &tokens[0][..tokens[0].len() - 4])).to_string().into_bytes();
    reviews("review of a forged token, remembered", (0..REVIEWS).map(|_| &forged), |body| drop(reviewer.review(cluster, body)))?;
    signatures(&keys, tenant, person)
}

/// Prints how long each review took.
fn reviews<'b>(name: &str, bodies: impl Iterator<Item = &'b Vec<u8>>, review: impl Fn(&[u8])) -> Result<()> {
    let mut took: Vec<Duration> = bodies
        .map(|body| {
            let since = Instant::now();
            review(body);
            since.elapsed()
        })
        .collect();
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().context("nothing was measured");
    println!("{name}, person in {GROUPS} nested groups: p50 {:?}, p99 {:?} ({} reviews)", at(50)?, at(99)?, took.len());
    Ok(())
}

/// Prints tokens per second against bare signatures, in turns.
fn signatures(keys: &KeyRing, tenant: TenantId, person: UserId) -> Result<()> {
    let bare = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let (random, body) = (SystemRandom::new(), [7_u8; 1100]);
    let mut signature = vec![0; bare.public_modulus_len()];
    let (mut ours, mut theirs) = (Duration::ZERO, Duration::ZERO);
    for n in 0..SIGNATURES {
        let since = Instant::now();
        let token = keys.sign(&claims(tenant, person, n as usize), Header::V1);
        ours += since.elapsed();
        ensure!(!token.is_empty(), "no token");
        let since = Instant::now();
        bare.sign(&RSA_PKCS1_SHA256, &random, &body, &mut signature)?;
        theirs += since.elapsed();
    }
    let rate = |took: Duration| f64::from(SIGNATURES) / took.as_secs_f64();
    println!(
        "tokens: {:.0}/s on one core; bare RS256: {:.0}/s; a token costs {:.2} bare signatures",
        rate(ours),
        rate(theirs),
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    Ok(())
}

fn claims(tenant: TenantId, person: UserId, n: usize) -> Value {
    let at = Timestamp::now().as_second();
    json!({
        "aud": AKS_SERVER.to_string(), "iss": format!("{BASE}/{tenant}/"), "iat": at, "nbf": at, "exp": at + 3600, "ver": "1.0",
        "tid": tenant, "oid": person, "appid": AKS_CLIENT.to_string(), "idtyp": "user", "scp": "user.read", "uti": format!("token-{n}"),
        "upn": "alice@contoso.example", "filler": "x".repeat(300),
    })
}

fn question(token: &str) -> Value {
    json!({
        "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "metadata": { "creationTimestamp": null },
        "spec": { "token": token, "audiences": ["https://kubernetes.default.svc"] }, "status": { "user": {} },
    })
}

async fn fill(store: &Store, tenant: TenantId, person: UserId) -> Result<()> {
    let mut tx = store.write().await?;
    let mut directory = tx.directory();
    let contoso = Tenant {
        id: tenant,
        display_name: "Contoso".into(),
        domains: vec!["contoso.example".into()],
        salt: vec![0; 32],
        created: Timestamp::UNIX_EPOCH,
    };
    directory.insert_tenant(&contoso).await?;
    directory.insert_user(tenant, &alice(person)).await?;
    let mut member = Member { id: PrincipalId::from_uuid(person.uuid()), kind: MemberKind::User };
    for n in 0..GROUPS {
        let group = group(n);
        directory.insert_group(tenant, &group).await?;
        directory.add_member(tenant, group.id, member).await?;
        member = Member { id: PrincipalId::from_uuid(group.id.uuid()), kind: MemberKind::Group };
    }
    tx.commit().await?;
    Ok(())
}

fn alice(id: UserId) -> User {
    User {
        id,
        upn: "alice@contoso.example".parse().expect("a UPN"),
        display_name: "Alice".into(),
        mail_nickname: "alice".into(),
        given_name: None,
        surname: None,
        mail: None,
        enabled: true,
        must_change_password: false,
        sessions_valid_from: Timestamp::UNIX_EPOCH,
        is_directory_admin: false,
        created: Timestamp::UNIX_EPOCH,
        other: serde_json::Map::new(),
    }
}

fn group(n: usize) -> Group {
    Group {
        id: GroupId::from_uuid(Uuid::new_v4()),
        display_name: format!("group {n}"),
        mail_nickname: format!("group{n}"),
        description: None,
        security_enabled: true,
        mail_enabled: false,
        created: Timestamp::UNIX_EPOCH,
        other: serde_json::Map::new(),
    }
}
