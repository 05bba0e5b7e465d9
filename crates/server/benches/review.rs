//! What a review costs, beside a handler that only ends TLS: one connection, one request at a time, in one process.
//!
//! Run it with `cargo bench -p entrance-server --bench review`. The ratio says the same on every machine; the times do not.

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
use entrance_model::id::{ClusterUid, GroupId, TenantId, UserId};
use entrance_model::review::Gate;
use entrance_model::well_known::{AKS_CLIENT, AKS_SERVER};
use entrance_server::Clock;
use entrance_server::authority::keys::{Header, KeyRing};
use entrance_server::directory::{Directory, Facts, Snapshot};
use entrance_server::webhook::pki::Pki;
use entrance_server::webhook::{Limits, Parts, Reviewer, Webhooks};
use entrance_store::{SealingKey, Store};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BASE: &str = "https://localhost:8443";
const ROUNDS: usize = 4_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Result<()> {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|word| word == "--test") {
        return Ok(());
    }
    let world = World::new(200).await?;
    let bare = bare().await?;
    let bare_client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build()?;
    let body = question(&world.token("bare"));
    let none = measure(&bare_client, &bare, ROUNDS, |_| body.clone()).await?;
    report("TLS only", none, none);
    let url = format!("https://127.0.0.1:{}/clusters/{}/tokenreview", world.webhooks.address().port(), world.cluster);
    for groups in [5, 200] {
        world.set_groups(groups).await?;
        let same = question(&world.token("same"));
        let took = measure(&world.client()?, &url, ROUNDS, |_| same.clone()).await?;
        report(&format!("one token, {groups} groups"), took, none);
        let fresh: Vec<String> = (0..ROUNDS + WARM).map(|n| question(&world.token(&n.to_string()))).collect();
        let took = measure(&world.client()?, &url, ROUNDS, |n| fresh[n].clone()).await?;
        report(&format!("a new token each time, {groups} groups"), took, none);
    }
    let mut broken = world.token("broken");
    broken.truncate(broken.len() - 8);
    broken.push_str("AAAAAAAA");
    let took = measure(&world.client()?, &url, ROUNDS, |_| question(&broken)).await?;
    report("one broken token", took, none);
    let took = measure(&world.client()?, &url, ROUNDS, |n| question(&format!("{broken}.{n}"))).await?;
    report("garbage, another each time", took, none);
    Ok(())
}

/// The median and the 99th percentile.
type Took = (Duration, Duration);

const WARM: usize = 200;

async fn measure(client: &reqwest::Client, url: &str, rounds: usize, body: impl Fn(usize) -> String) -> Result<Took> {
    let mut took = Vec::with_capacity(rounds);
    for n in 0..rounds + WARM {
        let request = client.post(url).header("content-type", "application/json").body(body(n));
        let began = Instant::now();
        let response = request.send().await?;
        ensure!(response.status() == 200, "{}", response.status());
        response.bytes().await?;
        if n >= WARM {
            took.push(began.elapsed());
        }
    }
    took.sort_unstable();
    Ok((took[took.len() / 2], took[took.len() * 99 / 100]))
}

#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn report(what: &str, (p50, p99): Took, (bare, _): Took) {
    println!("{what:<40} p50 {p50:>9.1?}  p99 {p99:>9.1?}  {:.2} × TLS only", p50.as_secs_f64() / bare.as_secs_f64());
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
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
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
    });
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
        let alice = User {
            id: self.alice,
            upn: "alice@contoso.example".parse()?,
            display_name: "Alice".into(),
            mail_nickname: "alice".into(),
            given_name: None,
            surname: None,
            mail: None,
            enabled: true,
            must_change_password: false,
            sessions_valid_from: Timestamp::UNIX_EPOCH,
            is_directory_admin: false,
            created: now,
            other: serde_json::Map::new(),
        };
        directory.insert_user(self.tenant, &alice).await?;
        for id in &self.groups {
            let group = Group {
                id: *id,
                display_name: id.to_string(),
                mail_nickname: "g".into(),
                description: None,
                security_enabled: true,
                mail_enabled: false,
                created: now,
                other: serde_json::Map::new(),
            };
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
        let gate = Gate {
            resource: "/subscriptions/66666666-6666-4666-8666-666666666666/resourceGroups/web".parse()?,
            tenant: self.tenant,
            audience: AKS_SERVER,
            names: UserName::Upn,
            groups_max: 450,
            pinned: vec![],
            needs_proof: false,
        };
        let facts = Facts { gate: Some(gate), admins: None, local_accounts: true };
        let snapshot = self.people.snapshot(now).context("it is loaded")?;
        self.people.show(Snapshot::clone(&snapshot).with_cluster(self.cluster, facts), now);
        Ok(())
    }

    fn token(&self, id: &str) -> String {
        let at = Timestamp::now().as_second();
        let claims = json!({
            "aud": AKS_SERVER.to_string(), "iss": format!("{BASE}/{}/", self.tenant), "iat": at, "nbf": at, "exp": at + 3_600,
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
