//! What a review costs on the real path, beside a handler that only ends TLS, in one process and one run.
//!
//! Requests arrive at a fixed rate, whether those before are answered or not. The cost is the processor time of the
//! listener's threads. Run it with `cargo bench -p entrance-server --bench review`; the ratios say the same on every
//! machine, the times do not.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use entrance_model::Timestamp;
use entrance_model::cluster::UserName;
use entrance_model::directory::{Group, Member, MemberKind, Tenant, User};
use entrance_model::id::{ClusterUid, GroupId, PrincipalId, TenantId, UserId};
use entrance_model::review::{Gate, Principal};
use entrance_model::well_known::{AKS_CLIENT, AKS_SERVER};
use entrance_server::Clock;
use entrance_server::authority::keys::{Header, KeyRing};
use entrance_server::directory::{Directory, Facts, Snapshot};
use entrance_server::webhook::pki::Pki;
use entrance_server::webhook::{Limits, Parts, Reviewer, Webhooks};
use entrance_store::{SealingKey, Store};
use entrance_testkit::sample;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BASE: &str = "https://localhost:8443";
/// Arrivals a second, and for how many seconds they are counted.
const RATE: u32 = 400;
const SECONDS: u32 = 5;
const COUNT: usize = (RATE * SECONDS) as usize;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Result<()> {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|word| word == "--test") {
        return Ok(());
    }
    let world = World::new(200).await?;
    let verify = verification(&world)?;
    let bare = bare().await?;
    let bare_client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build()?;
    let body = question(&world.token("bare"));
    let none = measure(&bare_client, &bare, "bare", |_| body.clone()).await?;
    say(&format!("one verification of a signature: {:.2} of what the bare handler costs", ratio(verify, none.processor)));
    report("TLS only", none, none);
    let url = format!("https://127.0.0.1:{}/clusters/{}/tokenreview", world.webhooks.address().port(), world.cluster);
    for groups in [5, 200] {
        world.set_groups(groups).await?;
        let same = question(&world.token("same"));
        let took = measure(&world.client()?, &url, "webhook", |_| same.clone()).await?;
        report(&format!("a remembered token, {groups} groups"), took, none);
        let fresh: Vec<String> = (0..COUNT + WARM).map(|n| question(&world.token(&n.to_string()))).collect();
        let took = measure(&world.client()?, &url, "webhook", |n| fresh[n].clone()).await?;
        report(&format!("a new token each time, {groups} groups"), took, none);
        let least = none.processor + verify;
        say(&format!("{:44}{:.2} of the bare handler and one verification together", "", ratio(took.processor, least)));
    }
    let mut broken = world.token("broken");
    broken.truncate(broken.len() - 8);
    broken.push_str("AAAAAAAA");
    let took = measure(&world.client()?, &url, "webhook", |_| question(&broken)).await?;
    report("one broken token", took, none);
    let took = measure(&world.client()?, &url, "webhook", |n| question(&format!("{broken}.{n}"))).await?;
    report("garbage, another each time", took, none);
    let foreign = world.token_of("https://sts.example/", "foreign");
    let took = measure(&world.client()?, &url, "webhook", |_| question(&foreign)).await?;
    report("a token of somebody else", took, none);
    sizes(&world, &url).await
}

/// Directories of a thousand to a million people: what they take in memory, and what a review costs beside them.
async fn sizes(world: &World, url: &str) -> Result<()> {
    let mut first = None;
    for people in [1_000, 10_000, 100_000, 1_000_000_u32] {
        let before = resident()?;
        world.fill_memory(people)?;
        let memory = resident()?.saturating_sub(before);
        let same = question(&world.token("same"));
        let took = measure(&world.client()?, url, "webhook", |_| same.clone()).await?;
        let first = *first.get_or_insert(took.processor);
        say(&format!(
            "{people:>9} people: {:>5.1} MB in memory, {:>4} bytes each; a review costs {:.2} of that beside a thousand",
            f64::from(u32::try_from(memory / 1_024)?) / 1_024.0,
            memory / u64::from(people),
            ratio(took.processor, first)
        ));
    }
    Ok(())
}

/// How long answers took, and the processor time of the listener's threads for each.
#[derive(Clone, Copy)]
struct Took {
    p50: Duration,
    p99: Duration,
    p999: Duration,
    processor: Duration,
}

const WARM: usize = 200;

/// Open loop: a request begins when its time has come, whether the ones before are answered or not, and is timed from then.
async fn measure(client: &reqwest::Client, url: &str, threads: &str, body: impl Fn(usize) -> String) -> Result<Took> {
    let ask = |n: usize| {
        let request = client.post(url).header("content-type", "application/json").body(body(n));
        async move {
            let response = request.send().await?;
            ensure!(response.status() == 200, "{}", response.status());
            response.bytes().await?;
            Ok(Instant::now())
        }
    };
    for n in 0..WARM {
        ask(n).await?;
    }
    let (began, before) = (Instant::now(), processor(threads)?);
    let mut asked = Vec::with_capacity(COUNT);
    for n in 0..COUNT {
        let due = began + Duration::from_secs(1) / RATE * u32::try_from(n)?;
        tokio::time::sleep_until(due.into()).await;
        let answer = tokio::spawn(ask(WARM + n));
        asked.push((due, answer));
    }
    let mut took = Vec::with_capacity(COUNT);
    for (due, answer) in asked {
        took.push(answer.await??.saturating_duration_since(due));
    }
    let processor = processor(threads)?.saturating_sub(before) / u32::try_from(COUNT)?;
    took.sort_unstable();
    let at = |share: usize| took[took.len() * share / 1_000];
    Ok(Took { p50: at(500), p99: at(990), p999: at(999), processor })
}

/// The processor time that threads with this name have used, so that a busy machine does not count.
fn processor(name: &str) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for task in std::fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        // A thread may just have ended.
        let Ok(called) = std::fs::read_to_string(task.join("comm")) else { continue };
        if called.trim() == name {
            total += on_processor(&task.join("schedstat"))?;
        }
    }
    Ok(total)
}

fn on_processor(schedstat: &std::path::Path) -> Result<Duration> {
    let text = std::fs::read_to_string(schedstat)?;
    Ok(Duration::from_nanos(text.split(' ').next().context("a number")?.parse()?))
}

/// What one verification of a token costs by itself.
fn verification(world: &World) -> Result<Duration> {
    const TIMES: u32 = 2_000;
    let token = world.token("verified");
    let own = std::path::Path::new("/proc/thread-self/schedstat");
    let before = on_processor(own)?;
    for _ in 0..TIMES {
        world.keys.verify(&token, Timestamp::now())?;
    }
    Ok(on_processor(own)?.saturating_sub(before) / TIMES)
}

/// Bytes of this process in memory.
fn resident() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split(' ').nth(1).context("a number")?.parse()?;
    Ok(pages * 4_096)
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn report(what: &str, took: Took, bare: Took) {
    say(&format!(
        "{what:<40} p50 {:>9.1?} p99 {:>9.1?} p99.9 {:>9.1?} | {:.2}, {:.2}, {:.2} × TLS only | per core {:>6.0} a second, {:.2} × the cost",
        took.p50,
        took.p99,
        took.p999,
        ratio(took.p50, bare.p50),
        ratio(took.p99, bare.p99),
        ratio(took.p999, bare.p999),
        1.0 / took.processor.as_secs_f64(),
        ratio(took.processor, bare.processor)
    ));
}

#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn say(line: &str) {
    println!("{line}");
}

fn question(token: &str) -> String {
    json!({"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "spec": {"token": token}}).to_string()
}

/// A handler that reads the body and says the same each time.
async fn bare() -> Result<String> {
    let key = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])?.self_signed(&key)?;
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().map_err(anyhow::Error::msg)?)?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    // A runtime of its own, like the real one.
    std::thread::Builder::new().name("bare".into()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("bare").enable_all().build()?;
        runtime.block_on(async {
            let (listener, acceptor) = (tokio::net::TcpListener::from_std(listener.into_std()?)?, acceptor);
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(|request: http::Request<hyper::body::Incoming>| async {
                        let _ = request.into_body().collect().await;
                        Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(ANSWER))))
                    });
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            #[expect(unreachable_code, reason = "it tells the type of the errors above")]
            anyhow::Ok(())
        })
    })?;
    Ok(format!("https://127.0.0.1:{port}/"))
}

const ANSWER: &[u8] = br#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":false}}"#;

struct World {
    _folder: tempfile::TempDir,
    store: Store,
    keys: KeyRing,
    people: Directory,
    webhooks: Webhooks,
    tenant: TenantId,
    alice: UserId,
    groups: Vec<GroupId>,
    cluster: ClusterUid,
}

impl World {
    async fn new(groups: usize) -> Result<Self> {
        let now = Timestamp::now();
        let folder = tempfile::tempdir()?;
        let store = Store::open(&folder.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await?;
        let keys = KeyRing::open(&store, now).await?;
        let people = Directory::new(None);
        let reviewer = Reviewer::new(Parts::new(keys.clone(), people.clone(), Clock::system(), BASE));
        let pki = Pki::open(&store, now).await?;
        let listener = Webhooks::bind(&store, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let limits = Limits {
            reviews_per_second: NonZeroU32::MAX,
            reviews_per_connection: u64::MAX,
            budget: Duration::from_secs(5),
            ..Limits::default()
        };
        let (webhooks, _) = Webhooks::start(listener, pki, reviewer, &Clock::system(), limits, CancellationToken::new())?;
        let world = Self {
            _folder: folder,
            store,
            keys,
            people,
            webhooks,
            tenant: TenantId::from_uuid(Uuid::new_v4()),
            alice: UserId::from_uuid(Uuid::new_v4()),
            groups: (0..groups).map(|_| GroupId::from_uuid(Uuid::new_v4())).collect(),
            cluster: ClusterUid::from_uuid(Uuid::new_v4()),
        };
        world.fill(now).await?;
        Ok(world)
    }

    async fn fill(&self, now: Timestamp) -> Result<()> {
        let mut tx = self.store.write().await?;
        let mut directory = tx.directory();
        let tenant = Tenant {
            id: self.tenant,
            display_name: "Contoso".into(),
            domains: vec!["contoso.example".into()],
            salt: vec![0; 32],
            created: now,
        };
        directory.insert_tenant(&tenant).await?;
        let alice = User { id: self.alice, sessions_valid_from: Timestamp::UNIX_EPOCH, ..sample::person("alice", now) };
        directory.insert_user(self.tenant, &alice).await?;
        for id in &self.groups {
            let group = Group { id: *id, ..sample::group(&id.to_string(), now) };
            directory.insert_group(self.tenant, &group).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Puts alice into so many groups.
    async fn set_groups(&self, count: usize) -> Result<()> {
        let mut tx = self.store.write().await?;
        let mut directory = tx.directory();
        for (n, group) in self.groups.iter().enumerate() {
            directory.remove_member(self.tenant, *group, self.alice.into()).await?;
            if n < count {
                directory.add_member(self.tenant, *group, Member { id: self.alice.into(), kind: MemberKind::User }).await?;
            }
        }
        tx.commit().await?;
        let now = Timestamp::now();
        self.people.load(&self.store, now).await?;
        let snapshot = self.people.snapshot(now).context("it is loaded")?;
        self.people.show(self.with_gate(Snapshot::clone(&snapshot))?, now);
        Ok(())
    }

    fn with_gate(&self, snapshot: Snapshot) -> Result<Snapshot> {
        let gate = Gate {
            resource: "/subscriptions/66666666-6666-4666-8666-666666666666/resourceGroups/web".parse()?,
            tenant: self.tenant,
            audience: AKS_SERVER,
            names: UserName::Upn,
            groups_max: 450,
            pinned: vec![],
            needs_proof: false,
        };
        Ok(snapshot.with_cluster(self.cluster, Facts { gate: Some(gate), admins: None, local_accounts: true }))
    }

    /// A directory of so many people: a group for every ten of them, everybody in five groups, and those in five larger ones.
    fn fill_memory(&self, people: u32) -> Result<()> {
        let person =
            |n: u32| if n == 0 { PrincipalId::from(self.alice) } else { PrincipalId::from_uuid(Uuid::from_u128(u128::from(n))) };
        let group = |n: u32| GroupId::from_uuid(Uuid::from_u128((1 << 64) + u128::from(n)));
        let groups = people / 10;
        let principals = (0..people).map(|n| {
            let upn = format!("person{n}@contoso.example").parse().expect("a UPN");
            (person(n), Principal::Person { upn, enabled: true, valid_from: Timestamp::UNIX_EPOCH })
        });
        let direct = (0..people).flat_map(|n| (0..5).map(move |k| (group((n * 7 + k * 13) % groups), person(n))));
        let nested = (5..groups).map(|n| (group(n % 5), PrincipalId::from_uuid(group(n).uuid())));
        let edges: Vec<_> = direct.chain(nested).collect();
        let now = Timestamp::now();
        let empty = Snapshot::default();
        let snapshot = empty.with_tenant(self.tenant, principals, (0..groups).map(group), &edges);
        drop(edges);
        self.people.show(self.with_gate(snapshot)?, now);
        Ok(())
    }

    fn token(&self, id: &str) -> String {
        self.token_of(&format!("{BASE}/{}/", self.tenant), id)
    }

    fn token_of(&self, issuer: &str, id: &str) -> String {
        let at = Timestamp::now().as_second();
        let claims = json!({
            "aud": AKS_SERVER.to_string(), "iss": issuer, "iat": at, "nbf": at, "exp": at + 3_600,
            "ver": "1.0", "tid": self.tenant, "oid": self.alice, "appid": AKS_CLIENT.to_string(), "idtyp": "user",
            "scp": "user.read", "uti": id,
        });
        self.keys.sign(&claims, Header::V1)
    }

    fn client(&self) -> Result<reqwest::Client> {
        let identity = self.webhooks.pki().issue_client(self.cluster, Timestamp::now())?;
        let pem = [identity.cert_pem.as_bytes(), identity.key_pem.as_bytes()].concat();
        let ca = reqwest::Certificate::from_pem(self.webhooks.pki().ca_pem().as_bytes())?;
        Ok(reqwest::Client::builder().tls_certs_only([ca]).identity(reqwest::Identity::from_pem(&pem)?).build()?)
    }
}
