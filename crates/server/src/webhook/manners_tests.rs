//! What an API server can rely on (DESIGN 4.4), seen on the wire: HTTP/2 as it calls, frame by frame.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tests::{BASE, World, cluster, facts, gate, now, question};
use super::*;
use crate::directory::Directory;

/// A TLS connection with the cluster's certificate that speaks one protocol.
async fn connect(world: &World, protocol: &[u8]) -> TlsStream<TcpStream> {
    let identity = world.webhooks.pki().issue_client(cluster(), now()).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(world.webhooks.pki().ca().clone()).expect("a certificate");
    let mut config = ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(identity.cert_pem.as_bytes()).expect("a certificate")],
            PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).expect("a key"),
        )
        .expect("an identity");
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(world.webhooks.address()).await.expect("it listens");
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake")
}

/// An HTTP/2 connection, by hand.
struct Http2 {
    stream: TlsStream<TcpStream>,
}

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

impl Http2 {
    async fn open(world: &World) -> Self {
        let mut stream = connect(world, b"h2").await;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("writes");
        let mut this = Self { stream };
        this.send(SETTINGS, 0, 0, &[]).await;
        this
    }

    async fn send(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(id.to_be_bytes());
        frame.extend(payload);
        self.stream.write_all(&frame).await.expect("writes");
    }

    /// Asks about a token.
    async fn ask(&mut self, id: u32, token: &str) {
        let path = format!("/clusters/{}/tokenreview", cluster());
        // The static table: `:method: POST`, `:scheme: https`, the names of `:path` and `:authority`.
        let mut block = vec![0x83, 0x87, 0x04, u8::try_from(path.len()).expect("short")];
        block.extend(path.as_bytes());
        block.extend([0x01, 9]);
        block.extend(b"127.0.0.1");
        self.send(HEADERS, 0x4, id, &block).await;
        self.send(0, 0x1, id, question(token).to_string().as_bytes()).await;
    }

    /// The kinds of all frames until the other side ends the connection.
    async fn until_the_end(mut self, patience: Duration) -> Vec<u8> {
        let mut kinds = Vec::new();
        let read = async {
            let mut head = [0; 9];
            while self.stream.read_exact(&mut head).await.is_ok() {
                kinds.push(head[3]);
                let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
                if self.stream.read_exact(&mut payload).await.is_err() {
                    break;
                }
                if head[3] == GOAWAY {
                    assert_eq!(&payload[4..8], &[0; 4], "no error: NO_ERROR");
                }
                // A ping has to be answered, or a graceful end waits for it.
                if head[3] == 6 && head[4] == 0 {
                    let mut pong = vec![0, 0, 8, 6, 1, 0, 0, 0, 0];
                    pong.extend(&payload);
                    let _ = self.stream.write_all(&pong).await;
                }
            }
        };
        tokio::time::timeout(patience, read).await.expect("the connection ends in time");
        kinds
    }
}

fn patient(limits: Limits) -> Limits {
    Limits { budget: Duration::from_secs(5), ..limits }
}

#[tokio::test]
async fn goaway_after_the_life_of_a_connection() {
    let world = World::with(patient(Limits { connection_life: Duration::from_millis(300), ..Limits::default() })).await;
    let mut connection = Http2::open(&world).await;
    connection.ask(1, "x").await;
    let frames = connection.until_the_end(Duration::from_secs(10)).await;
    assert!(frames.contains(&HEADERS) && frames.contains(&GOAWAY), "{frames:?}");
}

#[tokio::test]
async fn goaway_after_so_many_reviews() {
    let world = World::with(patient(Limits { reviews_per_connection: 3, ..Limits::default() })).await;
    let mut connection = Http2::open(&world).await;
    for id in [1, 3, 5] {
        connection.ask(id, "x").await;
    }
    let frames = connection.until_the_end(Duration::from_secs(10)).await;
    let answers: Vec<_> = frames.iter().filter(|kind| **kind == HEADERS).collect();
    assert_eq!(answers.len(), 3, "all three are answered: {frames:?}");
    assert!(frames.contains(&GOAWAY), "{frames:?}");
}

#[tokio::test]
async fn goaway_at_drain() {
    let world = World::with(patient(Limits::default())).await;
    let mut connection = Http2::open(&world).await;
    connection.ask(1, "x").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.stop.cancel();
    let frames = connection.until_the_end(Duration::from_secs(10)).await;
    assert!(frames.contains(&HEADERS) && frames.contains(&GOAWAY), "{frames:?}");
}

#[test]
fn a_connection_lives_for_five_minutes_or_ten_thousand_reviews_and_an_answer_takes_a_tenth_of_a_second() {
    let limits = Limits::default();
    assert_eq!(limits.connection_life, Duration::from_mins(5));
    assert_eq!(limits.reviews_per_connection, 10_000);
    assert_eq!(limits.budget, Duration::from_millis(100));
}

#[tokio::test]
async fn a_question_that_does_not_come_to_its_end_is_answered_with_503_within_the_budget() {
    let world = World::with(Limits::default()).await;
    let mut stream = connect(&world, b"http/1.1").await;
    let head = format!(
        "POST /clusters/{}/tokenreview HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\n{{\"kind\":",
        cluster()
    );
    let asked = Instant::now();
    stream.write_all(head.as_bytes()).await.expect("writes");
    let mut answer = vec![0; 4_096];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await.expect("in time").expect("reads");
    let took = asked.elapsed();
    let answer = String::from_utf8_lossy(&answer[..read]).to_lowercase();
    assert!(answer.starts_with("http/1.1 503"), "{answer}");
    assert!(!answer.contains("retry-after"), "{answer}");
    assert!(took >= Duration::from_millis(100), "{took:?}");
    // Whatever else the machine does: far from what a caller would call hanging.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn without_a_directory_to_decide_by_there_is_no_answer() {
    let world = World::with(patient(Limits::default())).await;
    let loading = Reviewer::new(Parts::new(world.keys.clone(), Directory::new(None), Clock::system(), BASE));
    let body = question(&world.token(|_| {})).to_string();
    assert!(matches!(loading.review(cluster(), body.as_bytes()).await, Err(NoAnswer::NotReady(_))));
}

#[tokio::test]
async fn a_foreign_issuer_is_refused_before_its_signature_is_looked_at() {
    let world = World::with(patient(Limits::default())).await;
    let foreign = world.token(|claims| claims["iss"] = json!("https://sts.windows.net/11111111-1111-4111-8111-111111111111/"));
    let mut seen = BTreeSet::new();
    // The signature is good, and then it is nonsense, and then there is none: nobody looks.
    for token in [
        foreign.clone(),
        foreign[..foreign.len() - 8].to_owned() + "AAAAAAAA",
        foreign[..=foreign.rfind('.').expect("a dot")].to_owned(),
    ] {
        seen.insert(world.whoami(&token).await);
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen.first().expect("one").contains("issued by somebody else"), "{seen:?}");
}

#[tokio::test]
async fn the_answer_is_in_the_version_of_the_question_and_others_get_none() {
    let world = World::with(patient(Limits::default())).await;
    let client = world.api_server();
    for (version, token) in
        [("v1", world.token(|_| {})), ("v1beta1", world.token(|_| {})), ("v1", "x".into()), ("v1beta1", "x".into())]
    {
        let mut body = question(&token);
        body["apiVersion"] = json!(format!("authentication.k8s.io/{version}"));
        let answer: Value = client.post(world.reviews()).json(&body).send().await.expect("answers").json().await.expect("JSON");
        assert_eq!(answer["apiVersion"], body["apiVersion"]);
        assert_eq!(answer["status"]["authenticated"], token != "x");
    }
    for version in ["v1alpha1", "v2", "V1", ""] {
        let mut body = question("x");
        body["apiVersion"] = json!(format!("authentication.k8s.io/{version}"));
        let response = client.post(world.reviews()).json(&body).send().await.expect("answers");
        assert_eq!(response.status(), 400, "{version}");
    }
}

#[tokio::test]
async fn one_cluster_that_floods_takes_nothing_from_another() {
    let limits = Limits { reviews_per_second: NonZeroU32::new(2).expect("not zero"), ..Limits::default() };
    let world = World::with(patient(limits)).await;
    let loud = world.api_server();
    for _ in 0..10 {
        loud.post(world.reviews()).json(&question("x")).send().await.expect("answers");
    }
    assert!(world.webhooks.tally().shed() > 0);
    let quiet = ClusterUid::from_uuid(uuid::Uuid::from_u128(7));
    let identity = world.webhooks.pki().issue_client(quiet, now()).expect("a certificate");
    let response = world.client(Some(&identity)).post(world.url(&format!("/clusters/{quiet}/tokenreview")));
    assert_eq!(response.json(&question("x")).send().await.expect("answers").status(), 200);
}

#[tokio::test]
async fn a_client_certificate_lives_for_a_week_and_an_ended_one_opens_no_connection() {
    let world = World::with(patient(Limits::default())).await;
    world.set(facts(Some(gate()))).await;
    let ended =
        world.webhooks.pki().issue_client(cluster(), now() - pki::CLIENT_LIFE - Duration::from_mins(1)).expect("a certificate");
    let send = |identity| world.client(Some(identity)).post(world.reviews()).json(&question("x")).send();
    assert!(send(&ended).await.is_err());
    let almost = world.webhooks.pki().issue_client(cluster(), now() - pki::CLIENT_LIFE + Duration::from_mins(1)).expect("one");
    assert_eq!(send(&almost).await.expect("answers").status(), 200);
}
