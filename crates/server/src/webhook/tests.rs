//! A real client against the real listener, in one process.

use std::fmt::Write as _;

use entrance_model::Timestamp;
use entrance_model::cluster::UserName;
use entrance_model::directory::{Group, Member, MemberKind, Tenant, User};
use entrance_model::id::{GroupId, TenantId, UserId};
use entrance_model::review::Gate;
use entrance_model::well_known::{AKS_CLIENT, AKS_SERVER};
use entrance_store::SealingKey;
use entrance_testkit::sample;
use insta::assert_snapshot;
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use super::*;
use crate::authority::keys::{Header, KeyRing};
use crate::directory::{Directory, Facts, Snapshot};

const TENANT: Uuid = uuid!("11111111-1111-4111-8111-111111111111");
const ALICE: Uuid = uuid!("22222222-2222-4222-8222-222222222222");
const INNER: Uuid = uuid!("33333333-3333-4333-8333-333333333333");
const OUTER: Uuid = uuid!("44444444-4444-4444-8444-444444444444");
const CLUSTER: Uuid = uuid!("5a5b5c5d-5555-4555-8555-555555555555");
const RESOURCE: &str = "/subscriptions/66666666-6666-4666-8666-666666666666/resourceGroups/web/providers/Microsoft.ContainerService/managedClusters/prod";
pub(super) const BASE: &str = "https://localhost:8443";

pub(super) struct World {
    _folder: tempfile::TempDir,
    store: Store,
    pub(super) keys: KeyRing,
    people: Directory,
    pub(super) webhooks: Webhooks,
    pub(super) stop: CancellationToken,
    ended: oneshot::Receiver<()>,
}

pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

pub(super) fn cluster() -> ClusterUid {
    ClusterUid::from_uuid(CLUSTER)
}

fn tenant() -> TenantId {
    TenantId::from_uuid(TENANT)
}

pub(super) fn gate() -> Gate {
    Gate {
        resource: RESOURCE.parse().expect("a resource id"),
        tenant: tenant(),
        audience: AKS_SERVER,
        names: UserName::Upn,
        groups_max: 450,
        pinned: vec![],
        needs_proof: false,
    }
}

pub(super) fn facts(gate: Option<Gate>) -> Facts {
    Facts { gate, admins: None, local_accounts: true }
}

fn group(id: Uuid) -> Group {
    Group { id: GroupId::from_uuid(id), ..sample::group("same name for all", Timestamp::UNIX_EPOCH) }
}

fn alice() -> User {
    User { id: UserId::from_uuid(ALICE), display_name: "Alice".into(), ..sample::person("alice", Timestamp::UNIX_EPOCH) }
}

impl World {
    async fn new() -> Self {
        Self::with(Limits { budget: Duration::from_secs(5), ..Limits::default() }).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await.expect("opens");
        let mut tx = store.write().await.expect("begins");
        let mut directory = tx.directory();
        let contoso = Tenant {
            id: tenant(),
            display_name: "Contoso".into(),
            domains: vec!["contoso.example".into()],
            salt: vec![0; 32],
            created: Timestamp::UNIX_EPOCH,
        };
        directory.insert_tenant(&contoso).await.expect("inserts");
        directory.insert_user(tenant(), &alice()).await.expect("inserts");
        directory.insert_group(tenant(), &group(INNER)).await.expect("inserts");
        directory.insert_group(tenant(), &group(OUTER)).await.expect("inserts");
        let edges = [(INNER, ALICE, MemberKind::User), (OUTER, INNER, MemberKind::Group)];
        for (parent, member, kind) in edges {
            let member = Member { id: entrance_model::id::PrincipalId::from_uuid(member), kind };
            directory.add_member(tenant(), GroupId::from_uuid(parent), member).await.expect("adds");
        }
        tx.commit().await.expect("commits");
        let keys = KeyRing::open(&store, now()).await.expect("keys");
        let people = Directory::new(None);
        let reviewer = Reviewer::new(Parts::new(keys.clone(), people.clone(), Clock::system(), BASE));
        let pki = Pki::open(&store, now()).await.expect("an authority");
        let listener = Webhooks::bind(&store, SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("listens");
        let stop = CancellationToken::new();
        let (webhooks, ended) = Webhooks::start(listener, pki, reviewer, &Clock::system(), limits, stop.clone()).expect("starts");
        let world = Self { _folder: folder, store, keys, people, webhooks, stop, ended };
        world.set(facts(Some(gate()))).await;
        world
    }

    /// Loads the directory, and sets what is known of the cluster.
    pub(super) async fn set(&self, facts: Facts) {
        self.people.load(&self.store, now()).await.expect("loads");
        let snapshot = self.people.snapshot(now()).expect("it is loaded");
        self.people.show(Snapshot::clone(&snapshot).with_cluster(cluster(), facts), now());
    }

    pub(super) fn client(&self, identity: Option<&pki::ClientIdentity>) -> reqwest::Client {
        let ca = reqwest::Certificate::from_pem(self.webhooks.pki().ca_pem().as_bytes()).expect("a certificate");
        let mut builder = reqwest::Client::builder().tls_certs_only([ca]).timeout(Duration::from_secs(20));
        if let Some(identity) = identity {
            let pem = [identity.cert_pem.as_bytes(), identity.key_pem.as_bytes()].concat();
            builder = builder.identity(reqwest::Identity::from_pem(&pem).expect("an identity"));
        }
        builder.build().expect("a client")
    }

    pub(super) fn api_server(&self) -> reqwest::Client {
        self.client(Some(&self.webhooks.pki().issue_client(cluster(), now()).expect("a certificate")))
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.webhooks.address().port())
    }

    pub(super) fn reviews(&self) -> String {
        self.url(&format!("/clusters/{CLUSTER}/tokenreview"))
    }

    async fn ask(&self, client: &reqwest::Client, token: &str) -> Value {
        let response = client.post(self.reviews()).json(&question(token)).send().await.expect("it answers");
        assert_eq!(response.status(), 200);
        response.json().await.expect("JSON")
    }

    /// `alice@contoso.example in inner outer`, or the reason of the refusal.
    pub(super) async fn whoami(&self, token: &str) -> String {
        let answer = self.ask(&self.api_server(), token).await;
        match &answer["status"]["error"] {
            Value::String(why) => format!("refused: {why}"),
            _ => format!("{} in {}", answer["status"]["user"]["username"], answer["status"]["user"]["groups"]),
        }
    }

    pub(super) fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        let at = now().as_second();
        let mut claims = json!({
            "aud": AKS_SERVER.to_string(), "iss": format!("{BASE}/{TENANT}/"), "iat": at, "nbf": at, "exp": at + 900, "ver": "1.0",
            "tid": TENANT, "oid": ALICE, "appid": AKS_CLIENT.to_string(), "idtyp": "user", "scp": "user.read", "uti": "token-1",
            "upn": "system:masters", "groups": ["system:masters"],
        });
        change(&mut claims);
        self.keys.sign(&claims, Header::V1)
    }
}

pub(super) fn question(token: &str) -> Value {
    json!({
        "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {"creationTimestamp": null},
        "spec": {"token": token, "audiences": ["https://kubernetes.default.svc"]}, "status": {"user": {}},
    })
}

#[tokio::test]
async fn r_420_to_r_423_a_token_becomes_a_user_with_the_groups_of_the_directory() {
    let world = World::new().await;
    let answer = world.ask(&world.api_server(), &world.token(|_| {})).await;
    assert_snapshot!(answer.to_string(), @r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":true,"user":{"username":"alice@contoso.example","uid":"22222222-2222-4222-8222-222222222222","groups":["33333333-3333-4333-8333-333333333333","44444444-4444-4444-8444-444444444444"],"extra":{"oid":["22222222-2222-4222-8222-222222222222"],"authentication.kubernetes.io/credential-id":["JTI=token-1"],"client":["80faf920-1908-4b52-b5ef-a8e7bedfc67a"]}}}}"#);
    world.set(facts(Some(Gate { names: UserName::Oid, ..gate() }))).await;
    let answer = world
        .ask(&world.api_server(), &world.token(|claims| claims["aud"] = json!("spn:6dae42f8-4368-4678-94ff-3960e28e3630")))
        .await;
    assert_eq!(answer["status"]["user"]["username"], ALICE.to_string());
    assert_eq!(world.webhooks.tally().admitted(), 2);
}

#[tokio::test]
async fn r_426_what_the_directory_says_now_counts_and_not_the_token() {
    let world = World::new().await;
    let token = world.token(|_| {});
    let mut tx = world.store.write().await.expect("begins");
    tx.directory().remove_member(tenant(), GroupId::from_uuid(INNER), alice().id.into()).await.expect("removes");
    tx.commit().await.expect("commits");
    world.set(facts(Some(gate()))).await;
    assert_snapshot!(world.whoami(&token).await, @r#""alice@contoso.example" in null"#);

    let mut tx = world.store.write().await.expect("begins");
    tx.directory()
        .update_user(tenant(), &User { sessions_valid_from: now() + Duration::from_secs(5), ..alice() })
        .await
        .expect("updates");
    tx.commit().await.expect("commits");
    world.set(facts(Some(gate()))).await;
    assert_snapshot!(world.whoami(&token).await, @"refused: the session was revoked; sign in again");

    let mut tx = world.store.write().await.expect("begins");
    tx.directory().update_user(tenant(), &User { enabled: false, ..alice() }).await.expect("updates");
    tx.commit().await.expect("commits");
    world.set(facts(Some(gate()))).await;
    assert_snapshot!(world.whoami(&token).await, @"refused: the account is disabled");
}

#[tokio::test]
async fn r_424_where_a_token_says_its_groups_could_be_asked_for_nobody_asks() {
    let world = World::new().await;
    let trap = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    trap.set_nonblocking(true).expect("it does not wait");
    let endpoint = format!("http://{}/groups", trap.local_addr().expect("an address"));
    let token = world.token(|claims| {
        claims["_claim_names"] = json!({"groups": "src1"});
        claims["_claim_sources"] = json!({"src1": {"endpoint": endpoint}});
    });
    assert_snapshot!(world.whoami(&token).await, @r#""alice@contoso.example" in ["33333333-3333-4333-8333-333333333333","44444444-4444-4444-8444-444444444444"]"#);
    assert_eq!(trap.accept().map(drop).map_err(|error| error.kind()), Err(std::io::ErrorKind::WouldBlock));
}

#[tokio::test]
async fn r_425_an_application_in_more_than_two_hundred_groups_is_in_all_of_them() {
    let world = World::new().await;
    let (application, robot) = sample::application("robot", Timestamp::UNIX_EPOCH);
    let mut tx = world.store.write().await.expect("begins");
    tx.directory().insert_application(tenant(), &application).await.expect("inserts");
    tx.directory().insert_service_principal(tenant(), &robot).await.expect("inserts");
    let member = Member { id: robot.id.into(), kind: MemberKind::ServicePrincipal };
    for n in 1..=201 {
        let one = group(Uuid::from_u128(n));
        tx.directory().insert_group(tenant(), &one).await.expect("inserts");
        tx.directory().add_member(tenant(), one.id, member).await.expect("adds");
    }
    tx.commit().await.expect("commits");
    world.set(facts(Some(gate()))).await;
    let token = world.token(|claims| {
        claims["oid"] = json!(robot.id);
        claims["idtyp"] = json!("app");
        let claims = claims.as_object_mut().expect("an object");
        claims.remove("scp");
        claims.remove("upn");
    });
    let answer = world.ask(&world.api_server(), &token).await;
    assert_eq!(answer["status"]["user"]["username"], json!(robot.id), "{answer}");
    assert_eq!(answer["status"]["user"]["groups"].as_array().map(Vec::len), Some(201));
}

#[tokio::test]
async fn r_428_tokens_that_are_not_for_this_cluster_are_refused_with_their_reason() {
    let world = World::new().await;
    let at = now().as_second();
    let good = world.token(|_| {});
    let (head, tail) = good.rsplit_once('.').expect("a signature");
    let last = if tail.starts_with('A') { 'B' } else { 'A' };
    let (none, payload) = ("eyJhbGciOiJub25lIn0", head.split('.').nth(1).expect("a payload"));
    let other = Uuid::new_v4();
    let cases = [
        ("tampered", format!("{head}.{last}{}", &tail[1..])),
        ("padded", format!("{good}=")),
        ("alg none", format!("{none}.{payload}.")),
        ("garbage", "garbage".into()),
        ("empty", String::new()),
        ("other server", world.token(|c| c["iss"] = json!(format!("https://evil.example/{TENANT}/")))),
        ("v2 issuer", world.token(|c| c["iss"] = json!(format!("{BASE}/{TENANT}/v2.0")))),
        ("other tenant", world.token(|c| c["tid"] = json!(other))),
        ("other tenant's issuer", world.token(|c| c["iss"] = json!(format!("{BASE}/{other}/")))),
        ("other cluster", world.token(|c| c["aud"] = json!(other))),
        ("graph", world.token(|c| c["aud"] = json!("https://graph.microsoft.com"))),
        ("id token", world.token(|c| drop(c.as_object_mut().map(|c| c.remove("scp"))))),
        ("bound to a key", world.token(|c| c["cnf"] = json!({"kid": "k"}))),
        ("expired", world.token(|c| c["exp"] = json!(at - 1))),
        ("of tomorrow", world.token(|c| c["nbf"] = json!(at + 86_400))),
        ("nobody", world.token(|c| c["oid"] = json!(other))),
        ("a group", world.token(|c| c["oid"] = json!(INNER))),
        ("a person as an application", world.token(|c| c["idtyp"] = json!("app"))),
    ];
    let mut table = String::new();
    for (name, token) in cases {
        let answer = world.whoami(&token).await;
        writeln!(table, "{name}: {}", answer.strip_prefix("refused: ").unwrap_or("ADMITTED")).expect("a line");
    }
    assert_snapshot!(table, @r"
    tampered: the signature of the token does not fit
    padded: the token is damaged or no token of ours
    alg none: the signature of the token does not fit
    garbage: the token is damaged or no token of ours
    empty: no token was presented
    other server: the token was issued by somebody else, or for another directory
    v2 issuer: the token was issued by somebody else, or for another directory
    other tenant: the token belongs to another directory
    other tenant's issuer: the token was issued by somebody else, or for another directory
    other cluster: the token was made for another audience; fetch the cluster's kubeconfig again
    graph: the token was made for another audience; fetch the cluster's kubeconfig again
    id token: the token is no access token
    bound to a key: the proof of possession is missing
    expired: the token expired; sign in again
    of tomorrow: the token is not valid yet; compare the clocks
    nobody: the person does not exist in the directory any more
    a group: the person does not exist in the directory any more
    a person as an application: the application does not exist in the directory any more
    ");
    assert_snapshot!(world.whoami(&good).await, @r#""alice@contoso.example" in ["33333333-3333-4333-8333-333333333333","44444444-4444-4444-8444-444444444444"]"#);
}

#[tokio::test]
async fn without_the_integration_the_answer_is_always_the_same() {
    let world = World::new().await;
    world.set(facts(None)).await;
    let no = "refused: this cluster has no directory integration";
    for token in [&world.token(|_| {}), "garbage", ""] {
        assert_eq!(world.whoami(token).await, no);
    }
    // A cluster that was deleted while its API server still runs.
    world.people.load(&world.store, now()).await.expect("loads");
    assert_eq!(world.whoami(&world.token(|_| {})).await, no);
}

#[tokio::test]
async fn r_421_somebody_in_more_groups_than_fit_is_refused_and_not_cut() {
    let world = World::new().await;
    world.set(facts(Some(Gate { groups_max: 2, ..gate() }))).await;
    assert!(world.whoami(&world.token(|_| {})).await.contains(" in "));
    world.set(facts(Some(Gate { groups_max: 1, ..gate() }))).await;
    assert_snapshot!(world.whoami(&world.token(|_| {})).await, @"refused: the account is in 2 groups, an answer carries at most 1, and it is not known which of them the cluster refers to");
}

#[tokio::test]
async fn nobody_gets_past_the_handshake_without_a_certificate_of_a_cluster() {
    let world = World::new().await;
    let send = |client: reqwest::Client| {
        let (url, body) = (world.reviews(), question("x"));
        async move { client.post(url).json(&body).send().await.map(|response| response.status().as_u16()).map_err(drop) }
    };
    assert_eq!(send(world.client(None)).await, Err(()));
    // A certificate of the same form, by another authority.
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = Store::open(&folder.path().join("entrance.db"), SealingKey::from_bytes(&[2; 32])).await.expect("opens");
    let elsewhere = Pki::open(&elsewhere, now()).await.expect("an authority");
    let foreign = elsewhere.issue_client(cluster(), now()).expect("a certificate");
    assert_eq!(send(world.client(Some(&foreign))).await, Err(()));
    // Another cluster's certificate is good for another cluster's path only.
    let other = world.webhooks.pki().issue_client(ClusterUid::from_uuid(Uuid::new_v4()), now()).expect("a certificate");
    assert_eq!(send(world.client(Some(&other))).await, Ok(403));
    assert_eq!(send(world.api_server()).await, Ok(200));
}

#[tokio::test]
async fn a_request_that_is_no_review_is_answered_as_kubernetes_does_and_never_asks_for_a_retry() {
    let world = World::new().await;
    let client = world.api_server();
    let big = format!(r#"{{"token":"{}"}}"#, "a".repeat(100_000));
    let requests = [
        (
            "another spelling of the path",
            client.post(world.url(&format!("/clusters/{}/tokenreview", CLUSTER.to_string().to_uppercase()))),
        ),
        ("a slash more", client.post(format!("{}/", world.reviews()))),
        ("the root", client.post(world.url("/"))),
        ("access review", client.post(world.url(&format!("/clusters/{CLUSTER}/subjectaccessreview")))),
        ("get", client.get(world.reviews())),
        ("nothing", client.post(world.reviews())),
        ("no JSON", client.post(world.reviews()).body("{")),
        ("too large", client.post(world.reviews()).body(big)),
    ];
    let mut table = String::new();
    for (name, request) in requests {
        let response = request.send().await.expect("it answers");
        assert!(response.headers().get("retry-after").is_none());
        let status = response.status().as_u16();
        let body: Value = response.json().await.expect("JSON");
        assert_eq!((&body["kind"], &body["code"]), (&json!("Status"), &json!(status)));
        writeln!(table, "{name}: {status} {}", body["reason"]).expect("a line");
    }
    assert_snapshot!(table, @r#"
    another spelling of the path: 403 "Forbidden"
    a slash more: 403 "Forbidden"
    the root: 403 "Forbidden"
    access review: 404 "NotFound"
    get: 405 "MethodNotAllowed"
    nothing: 400 "BadRequest"
    no JSON: 400 "BadRequest"
    too large: 413 "RequestEntityTooLarge"
    "#);
}

#[tokio::test]
async fn a_cluster_that_asks_too_much_gets_503_and_no_retry_after() {
    let limits =
        Limits { reviews_per_second: NonZeroU32::new(3).expect("not zero"), budget: Duration::from_secs(5), ..Limits::default() };
    let world = World::with(limits).await;
    let client = world.api_server();
    let mut statuses = Vec::new();
    for _ in 0..20 {
        let response = client.post(world.reviews()).json(&question("x")).send().await.expect("it answers");
        assert!(response.headers().get("retry-after").is_none());
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses[0], 200);
    assert!(statuses.contains(&503), "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(world.webhooks.tally().shed() > 0);
}

#[tokio::test]
async fn a_connection_ends_after_its_share_and_nobody_notices() {
    let world = World::with(Limits { reviews_per_connection: 3, budget: Duration::from_secs(5), ..Limits::default() }).await;
    let client = world.api_server();
    for _ in 0..10 {
        world.ask(&client, "x").await;
    }
    assert_eq!(world.webhooks.tally().refused(), [("malformed", 10)].into());
}

#[tokio::test]
async fn a_stop_answers_what_was_asked_and_frees_the_address() {
    let world = World::new().await;
    world.ask(&world.api_server(), "x").await;
    let address = world.webhooks.address();
    world.stop.cancel();
    tokio::time::timeout(Duration::from_secs(10), world.ended).await.expect("in time").expect("it says so");
    // The port is kept in the store: the next start takes the same one.
    let again = Webhooks::bind(&world.store, SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("listens");
    assert_eq!(again.local_addr().expect("an address"), address);
}
