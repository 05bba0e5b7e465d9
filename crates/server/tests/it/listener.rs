//! What a connection to the public listener may take: time for a body, time to rest, an age.

use std::sync::Arc;
use std::time::Duration;

use entrance_testkit::Entrance;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A moment after which a thing that ought to end is over, and long enough for the rest.
const MOMENT: Duration = Duration::from_millis(200);

/// A connection of our own to the server.
async fn connected(world: &Entrance, protocol: &[u8]) -> TlsStream<TcpStream> {
    let ca = std::fs::read(world.app().data.join("ca.pem")).expect("the authority");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&ca).expect("a certificate")).expect("it is taken");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let port = url::Url::parse(world.app().base()).expect("an address").port().expect("a port");
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").expect("a name"), tcp).await.expect("TLS")
}

/// All that comes until the server ends the connection.
async fn until_the_end(stream: &mut TlsStream<TcpStream>) -> Vec<u8> {
    let mut all = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut all)).await;
    let ended = ended.expect("the server ends the connection");
    // Where it ends without a farewell of TLS, what came before came all the same.
    if let Err(error) = ended {
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{error}");
    }
    all
}

fn head(world: &Entrance, length: usize) -> String {
    let host = world.app().base().trim_start_matches("https://").to_owned();
    format!(
        "POST /{}/oauth2/v2.0/token HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n",
        world.tenant
    )
}

#[tokio::test]
async fn s_200_a_body_that_does_not_arrive_is_408_and_ends_the_connection() {
    let world = Entrance::start_with(|config| config.listener.body = MOMENT).await;
    let mut stream = connected(&world, b"http/1.1").await;
    stream.write_all(format!("{}grant_type=", head(&world, 100)).as_bytes()).await.expect("writes");
    let answer = String::from_utf8_lossy(&until_the_end(&mut stream).await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("x-ms-request-id: ") && answer.contains("connection: close"), "{answer}");
    // One that does is answered, as before.
    let mut stream = connected(&world, b"http/1.1").await;
    stream.write_all(format!("{}grant_type=x", head(&world, 12)).as_bytes()).await.expect("writes");
    let mut start = [0; 13];
    stream.read_exact(&mut start).await.expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 400 ");
}

/// What a client of HTTP/2 says first: the preface, and settings without any.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The kinds of the frames in it.
fn frames(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<9>() {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        kinds.push(head[3]);
        bytes = rest.get(length..).unwrap_or_default();
    }
    kinds
}

const GOAWAY: u8 = 7;

#[tokio::test]
async fn s_013_a_connection_that_only_rests_or_is_old_is_told_to_go_and_ends() {
    for (rest, age) in [(MOMENT, Duration::from_hours(1)), (Duration::from_hours(1), MOMENT)] {
        let world = Entrance::start_with(|config| {
            config.listener.rest = rest;
            config.listener.age = age;
            config.listener.drain = MOMENT;
        })
        .await;
        let mut stream = connected(&world, b"h2").await;
        stream.write_all(PREFACE).await.expect("writes");
        // It never says that it heard: the connection ends all the same.
        let kinds = frames(&until_the_end(&mut stream).await);
        assert!(kinds.contains(&GOAWAY), "{kinds:?}");
    }
}

#[tokio::test]
async fn s_013_what_was_begun_before_a_connection_grew_old_is_answered() {
    let world = Entrance::start_with(|config| config.listener.age = MOMENT).await;
    let mut stream = connected(&world, b"http/1.1").await;
    stream.write_all(format!("{}grant_type", head(&world, 12)).as_bytes()).await.expect("writes");
    tokio::time::sleep(3 * MOMENT).await;
    stream.write_all(b"=x").await.expect("it is still there");
    let answer = String::from_utf8_lossy(&until_the_end(&mut stream).await).into_owned();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("AADSTS70003"), "{answer}");
    assert_eq!(world.get("/livez").await.status(), 200, "and others are taken");
}
