//! An issuer of tokens, played over TLS: discovery, keys, and everything that can be wrong with them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use entrance_server::http::listener;
use entrance_server::http::tls::provider;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// The played issuer.
pub(super) struct Issuer {
    /// Its address, as its tokens name it.
    pub(super) url: String,
    /// The authority of its certificate, PEM.
    pub(super) ca: String,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

struct Shared {
    says: Mutex<Says>,
    asked: AtomicUsize,
}

/// What it answers.
#[derive(Clone)]
struct Says {
    url: String,
    named: Option<String>,
    keys: Vec<(String, String)>,
    jwks_uri: Option<String>,
    status: u16,
    padding: usize,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Issuer {
    pub(super) async fn start() -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
        let certificate = params.self_signed(&key).expect("a certificate");
        let chain = vec![certificate.der().clone()];
        let secret = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .expect("settings");
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://localhost:{}", socket.local_addr().expect("an address").port());
        let says = Says { url: url.clone(), named: None, keys: vec![key_of("first")], jwks_uri: None, status: 200, padding: 0 };
        let shared = Arc::new(Shared { says: Mutex::new(says), asked: AtomicUsize::new(0) });
        let stop = CancellationToken::new();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let handler = move |request, _| {
            let router = router.clone();
            async move { router.oneshot(request).await.unwrap_or_else(|never| match never {}) }
        };
        let limits = (listener::Limits::PUBLIC, listener::Networks::new(1, &[]));
        tokio::spawn(listener::run(socket, Arc::new(config), limits, stop.clone(), handler));
        Self { url, ca: certificate.pem(), shared, stop }
    }

    fn change(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.shared.says.lock().expect("nobody panics"));
    }

    /// How often its keys were asked for.
    pub(super) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// From now on it has these keys.
    pub(super) fn has(&self, names: &[&str]) {
        self.change(|says| says.keys = names.iter().map(|name| key_of(name)).collect());
    }

    /// It says that it is somebody else.
    pub(super) fn calls_itself(&self, name: &str) {
        self.change(|says| says.named = Some(name.to_owned()));
    }

    /// It says that its keys are elsewhere.
    pub(super) fn keys_are_at(&self, address: &str) {
        self.change(|says| says.jwks_uri = Some(address.to_owned()));
    }

    /// From now on it answers with this status.
    pub(super) fn answers(&self, status: u16) {
        self.change(|says| says.status = status);
    }

    /// Its answers get longer by so much.
    pub(super) fn pads(&self, bytes: usize) {
        self.change(|says| says.padding = bytes);
    }
}

/// Signs claims with the key of this name, whoever has it.
pub(super) fn sign(name: &str, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(name.to_owned());
    let key = EncodingKey::from_rsa_pem(pem(name).as_bytes()).expect("a key");
    encode(&header, claims, &key).expect("signs")
}

/// Keys of tests by name, made once.
fn pem(name: &str) -> String {
    static KEYS: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
    let mut keys = KEYS.lock().expect("nobody panics");
    if let Some((_, pem)) = keys.iter().find(|(known, _)| known == name) {
        return pem.clone();
    }
    let made = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key").serialize_pem();
    keys.push((name.to_owned(), made.clone()));
    made
}

fn key_of(name: &str) -> (String, String) {
    (name.to_owned(), pem(name))
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let says = shared.says.lock().expect("nobody panics").clone();
    if says.status == 302 {
        return (StatusCode::FOUND, [(header::LOCATION, "https://localhost:1/elsewhere")]).into_response();
    }
    let body = match uri.path() {
        "/.well-known/openid-configuration" => json!({
            "issuer": says.named.unwrap_or_else(|| says.url.clone()),
            "jwks_uri": says.jwks_uri.unwrap_or_else(|| format!("{}/keys", says.url)),
        }),
        "/keys" => {
            shared.asked.fetch_add(1, Ordering::SeqCst);
            json!({"keys": says.keys.iter().map(|(name, pem)| jwk(name, pem)).collect::<Value>(), "x": "x".repeat(says.padding)})
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    (StatusCode::from_u16(says.status).expect("a status"), axum::Json(body)).into_response()
}

fn jwk(name: &str, pem: &str) -> Value {
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key");
    let mut jwk = serde_json::to_value(jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::RS256).expect("a public key"))
        .expect("JSON");
    jwk["kid"] = name.into();
    jwk
}
