//! One HTTP client for everything: TLS only, no redirects, a limit on every wait and on every answer.

mod pinned;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use entrance_wire::oauth_client::Refusal;
use jiff::SignedDuration;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, RequestBuilder, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;
use url::Host;

use crate::SignInError;
use crate::clock::Clock;
use crate::text::first_line;
use crate::watch::{self, Question, Secrets};

/// Whose certificates are believed besides those of the machine.
///
/// The machine's are those of the platform; on Linux `SSL_CERT_FILE` and `SSL_CERT_DIR` replace them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// A PEM file with more authorities.
    pub file: Option<PathBuf>,
    /// More authorities as kubeconfigs carry them: PEM in base64, or PEM itself.
    pub data: Option<String>,
}

/// The client. Setting up TLS is the first expensive thing that a sign-in does, so it waits for the first request.
pub struct Http {
    agent: String,
    speaks: Speaks,
    proxied: OnceLock<Client>,
    direct: OnceLock<Client>,
    clock: Clock,
}

/// What is spoken, and whom is trusted.
enum Speaks {
    /// TLS, with these authorities besides those of the machine.
    Tls(Vec<Certificate>),
    /// Plain HTTP on the machine itself.
    Plain,
    /// TLS with the one certificate that has this print.
    Pinned(Vec<u8>),
}

impl Http {
    /// A client that speaks TLS only.
    pub fn new(trust: &Trust, agent: &str) -> Result<Self, SignInError> {
        Ok(Self::speaking(Speaks::Tls(trust.authorities()?), agent))
    }

    /// A client for the managed identity endpoints, which speak plain HTTP on the machine itself.
    pub fn plain(agent: &str) -> Self {
        Self::speaking(Speaks::Plain, agent)
    }

    /// A client for the endpoint on a Service Fabric node: nobody vouches for its certificate, which is known by its print (SHA-1 or
    /// SHA-256, in hexadecimal digits).
    pub fn pinned(print: &str, agent: &str) -> Result<Self, SignInError> {
        let print =
            pinned::print(print).ok_or_else(|| SignInError::Federation("the print of the node's certificate is none".into()))?;
        Ok(Self::speaking(Speaks::Pinned(print), agent))
    }

    fn speaking(speaks: Speaks, agent: &str) -> Self {
        Self { agent: agent.to_owned(), speaks, proxied: OnceLock::new(), direct: OnceLock::new(), clock: Clock::default() }
    }

    /// No proxy stands between this machine and itself, whatever the environment says.
    fn client(&self, url: &Url) -> Result<&Client, SignInError> {
        let is_direct = !matches!(self.speaks, Speaks::Tls(_)) || is_loopback(url);
        let cell = if is_direct { &self.direct } else { &self.proxied };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = Client::builder()
            .https_only(!matches!(self.speaks, Speaks::Plain))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .user_agent(&self.agent)
            .default_headers(who_asks());
        builder = match &self.speaks {
            Speaks::Tls(more) => builder.tls_certs_merge(more.iter().cloned()),
            Speaks::Pinned(print) => builder.tls_backend_preconfigured(pinned::config(print.clone())),
            Speaks::Plain => builder,
        };
        if is_direct {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| SignInError::Unreachable { host: host(url), reason: innermost(&error) })?;
        Ok(cell.get_or_init(|| client))
    }

    /// `GET` with an answer in JSON.
    pub async fn get<T: DeserializeOwned>(&self, url: &Url, headers: &[(&str, &str)]) -> Result<T, SignInError> {
        let question = Question { method: "GET", url, secrets: Secrets::of(headers, &[]) };
        let reply = self.send(url, |client| with(client.get(url.clone()), headers)).await?;
        self.answer(&question, &reply)
    }

    /// `GET` from the machine's own endpoint, which may need a moment after a start; transient trouble is tried again.
    pub(crate) async fn get_patiently<T: DeserializeOwned>(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        is_transient: impl Fn(StatusCode) -> bool,
    ) -> Result<T, SignInError> {
        let question = Question { method: "GET", url, secrets: Secrets::of(headers, &[]) };
        let reply = self.patiently(url, |client| with(client.get(url.clone()), headers), is_transient).await?;
        self.answer(&question, &reply)
    }

    /// `POST` of a form with an answer in JSON; transient trouble is tried again (four times in all).
    pub async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Result<T, SignInError> {
        let question = Question { method: "POST", url, secrets: Secrets::of(headers, form) };
        let reply = self.patiently(url, |client| with(client.post(url.clone()), headers).form(form), is_transient).await?;
        self.answer(&question, &reply)
    }

    /// `POST` of a form where only the refusal says anything.
    pub async fn post_quietly(&self, url: &Url, form: &[(&str, &str)]) -> Result<(), SignInError> {
        let question = Question { method: "POST", url, secrets: Secrets::of(&[], form) };
        let reply = self.send(url, |client| client.post(url.clone()).form(form)).await?;
        if reply.status.is_success() {
            watch::tell(&question, reply.status, &reply.body);
            return Ok(());
        }
        self.answer::<serde::de::IgnoredAny>(&question, &reply).map(|_| ())
    }

    /// The challenge of an endpoint that wants a proof first: its `WWW-Authenticate`, if it answers 401.
    pub(crate) async fn challenge(&self, url: &Url, headers: &[(&str, &str)]) -> Result<Option<String>, SignInError> {
        let reply = self.send(url, |client| with(client.get(url.clone()), headers)).await?;
        let challenge = reply.headers.get(reqwest::header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        Ok(challenge.filter(|_| reply.status == StatusCode::UNAUTHORIZED).map(ToOwned::to_owned))
    }

    /// How far the clock of the last server that answered is ahead of this machine's, where it told.
    pub fn clock_difference(&self) -> Option<SignedDuration> {
        self.clock.difference()
    }

    fn answer<T: DeserializeOwned>(&self, question: &Question<'_>, reply: &Reply) -> Result<T, SignInError> {
        watch::tell(question, reply.status, &reply.body);
        answer(question, reply.status, &reply.body).map_err(|error| match error {
            SignInError::Refused(refusal) => SignInError::Refused(Refusal { clock_is_off: self.clock.is_off(), ..refusal }),
            other => other,
        })
    }

    async fn patiently(
        &self,
        url: &Url,
        request: impl Fn(&Client) -> RequestBuilder,
        is_transient: impl Fn(StatusCode) -> bool,
    ) -> Result<Reply, SignInError> {
        let mut waits = RETRY.iter();
        loop {
            let reply = self.send(url, &request).await?;
            let Some(wait) = waits.next().filter(|_| is_transient(reply.status)) else { return Ok(reply) };
            tokio::time::sleep(reply.asked_to_wait().unwrap_or(*wait)).await;
        }
    }

    async fn send(&self, url: &Url, request: impl Fn(&Client) -> RequestBuilder) -> Result<Reply, SignInError> {
        let id = uuid::Uuid::new_v4().to_string();
        let mut reply = request(self.client(url)?)
            .header("Client-Request-Id", &id)
            .header("Return-Client-Request-Id", "false")
            .send()
            .await
            .map_err(|error| failed(url, &error))?;
        self.clock.compare(&reply);
        let mut body = Vec::new();
        while let Some(part) = reply.chunk().await.map_err(|error| failed(url, &error))? {
            body.extend_from_slice(&part);
            if body.len() > LARGEST {
                return Err(SignInError::NotAnAuthority { host: host(url), reason: "the answer is too large".into() });
            }
        }
        Ok(Reply { status: reply.status(), headers: std::mem::take(reply.headers_mut()), body })
    }
}

/// What came back, whole.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    /// How long the service wants to be left alone, if it says so and that is not for long.
    fn asked_to_wait(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        (seconds <= LONGEST_WAIT).then(|| Duration::from_secs(seconds))
    }
}

/// Which program asks: the names of the original's headers, with what is true here.
fn who_asks() -> HeaderMap {
    HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("x-client-sku"), HeaderValue::from_static("Entrance")),
        (HeaderName::from_static("x-client-ver"), HeaderValue::from_static(env!("CARGO_PKG_VERSION"))),
        (HeaderName::from_static("x-client-os"), HeaderValue::from_static(std::env::consts::OS)),
        (HeaderName::from_static("x-client-cpu"), HeaderValue::from_static(std::env::consts::ARCH)),
    ])
}

fn with(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

fn answer<T: DeserializeOwned>(question: &Question<'_>, status: StatusCode, body: &[u8]) -> Result<T, SignInError> {
    let not_one = |reason: String| SignInError::NotAnAuthority { host: host(question.url), reason };
    if status.is_success() {
        return serde_json::from_slice(body).map_err(|error| {
            if body.trim_ascii_start().starts_with(b"<") {
                return not_one("it sent a page instead of JSON".into());
            }
            // Other messages may quote what stood there, and that may be a token.
            let said = error.to_string();
            let said = if said.starts_with("missing field") { format!(" ({said})") } else { String::new() };
            not_one(format!("its JSON is not the expected one{said}"))
        });
    }
    if let Ok(mut refusal) = serde_json::from_slice::<Refusal>(body) {
        for text in [&mut refusal.error, &mut refusal.error_description, &mut refusal.correlation_id] {
            *text = question.secrets.blanked(text);
        }
        return Err(SignInError::Refused(refusal));
    }
    Err(not_one(format!("{} for {}", status, question.url.path())))
}

fn is_transient(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn failed(url: &Url, error: &reqwest::Error) -> SignInError {
    let host = host(url);
    if error.is_timeout() {
        return SignInError::Unreachable { host, reason: "no answer in time".into() };
    }
    if let Some(wrong) = certificate_error(error) {
        use rustls::CertificateError as Wrong;
        match wrong {
            // A bad signature, or one that the key cannot make: an authority of the same name with another key, as after a reinstallation.
            Wrong::UnknownIssuer
            | Wrong::BadSignature
            | Wrong::UnsupportedSignatureAlgorithmContext { .. }
            | Wrong::UnsupportedSignatureAlgorithmForPublicKeyContext { .. }
            | Wrong::ApplicationVerificationFailure => {
                return SignInError::Untrusted { host };
            }
            Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => return SignInError::OtherName { host },
            Wrong::Expired | Wrong::ExpiredContext { .. } => return SignInError::CertificateTime { host, state: "has expired" },
            Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
                return SignInError::CertificateTime { host, state: "is not valid yet" };
            }
            _ => {}
        }
    }
    let reason = innermost(error);
    if ["UnknownIssuer", "unknown issuer"].iter().any(|sign| reason.contains(sign)) {
        return SignInError::Untrusted { host };
    }
    SignInError::Unreachable { host, reason }
}

/// What is wrong with the server's certificate, if that is what went wrong.
fn certificate_error(error: &reqwest::Error) -> Option<&rustls::CertificateError> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(wrong)) = error.downcast_ref() {
            return Some(wrong);
        }
        // An error of IO hides its own cause from `source`.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = inner.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| error.source());
    }
    None
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Host and port, without anything secret.
pub(crate) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    crate::printable(&first_line(&cause.to_string(), 200)).into_owned()
}

impl Trust {
    fn authorities(&self) -> Result<Vec<Certificate>, SignInError> {
        let mut all = Vec::new();
        if let Some(file) = &self.file {
            let bad = |reason: String| SignInError::BadTrust { file: format!("file {}", file.display()), reason };
            let pem = std::fs::read(file).map_err(|error| bad(error.to_string()))?;
            all.extend(bundle(&pem).map_err(bad)?);
        }
        if let Some(data) = &self.data {
            let bad = |reason: String| SignInError::BadTrust { file: "data".into(), reason };
            let pem = if data.trim_start().starts_with("-----BEGIN") {
                data.as_bytes().to_vec()
            } else {
                let plain: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
                base64::engine::general_purpose::STANDARD.decode(plain).map_err(|_| bad("it is not PEM in base64".into()))?
            };
            all.extend(bundle(&pem).map_err(bad)?);
        }
        Ok(all)
    }
}

fn bundle(pem: &[u8]) -> Result<Vec<Certificate>, String> {
    let found = Certificate::from_pem_bundle(pem).map_err(|error| innermost(&error))?;
    if found.is_empty() { Err("it holds no certificate in PEM".into()) } else { Ok(found) }
}

const CONNECT: Duration = Duration::from_secs(10);
const REQUEST: Duration = Duration::from_secs(30);
const RETRY: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5)];
const LARGEST: usize = 1 << 20;
const LONGEST_WAIT: u64 = 20;
