//! One HTTP client for everything: TLS only, no redirects, a limit on every wait and on every answer.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use entrance_wire::oauth_client::Refusal;
use jiff::SignedDuration;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
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
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// A PEM file with more authorities.
    pub file: Option<PathBuf>,
}

/// The client. Setting up TLS is the first expensive thing that a sign-in does, so it waits for the first request.
pub struct Http {
    agent: String,
    more_trust: Vec<Certificate>,
    plain: bool,
    proxied: OnceLock<Client>,
    direct: OnceLock<Client>,
    clock: Clock,
}

impl Http {
    /// A client that speaks TLS only.
    pub fn new(trust: &Trust, agent: &str) -> Result<Self, SignInError> {
        let more_trust = trust.file.as_deref().map(authorities).transpose()?.unwrap_or_default();
        Ok(Self {
            agent: agent.to_owned(),
            more_trust,
            plain: false,
            proxied: OnceLock::new(),
            direct: OnceLock::new(),
            clock: Clock::default(),
        })
    }

    /// A client for the managed identity endpoints, which speak plain HTTP on the machine itself.
    pub fn plain(agent: &str) -> Self {
        Self {
            agent: agent.to_owned(),
            more_trust: Vec::new(),
            plain: true,
            proxied: OnceLock::new(),
            direct: OnceLock::new(),
            clock: Clock::default(),
        }
    }

    /// No proxy stands between this machine and itself, whatever the environment says.
    fn client(&self, url: &Url) -> Result<&Client, SignInError> {
        let is_direct = self.plain || is_loopback(url);
        let cell = if is_direct { &self.direct } else { &self.proxied };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let mut builder = Client::builder()
            .https_only(!self.plain)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .user_agent(&self.agent)
            .default_headers(HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]))
            .tls_certs_merge(self.more_trust.iter().cloned());
        if is_direct {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| SignInError::Unreachable { host: host(url), reason: innermost(&error) })?;
        Ok(cell.get_or_init(|| client))
    }

    /// `GET` with an answer in JSON.
    pub async fn get<T: DeserializeOwned>(&self, url: &Url, headers: &[(&str, &str)]) -> Result<T, SignInError> {
        let secrets = Secrets::of(headers, &[]);
        let (status, body) = self.send(url, |client| with(client.get(url.clone()), headers)).await?;
        self.answer(&Question { method: "GET", url, secrets }, status, &body)
    }

    /// `POST` of a form with an answer in JSON; transient trouble is tried again (four times in all).
    pub async fn post<T: DeserializeOwned>(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Result<T, SignInError> {
        let question = Question { method: "POST", url, secrets: Secrets::of(headers, form) };
        let mut waits = RETRY.iter();
        loop {
            let (status, body) = self.send(url, |client| with(client.post(url.clone()), headers).form(form)).await?;
            if !is_transient(status) {
                return self.answer(&question, status, &body);
            }
            let Some(wait) = waits.next() else { return self.answer(&question, status, &body) };
            tokio::time::sleep(*wait).await;
        }
    }

    /// `POST` of a form where only the refusal says anything.
    pub async fn post_quietly(&self, url: &Url, form: &[(&str, &str)]) -> Result<(), SignInError> {
        let question = Question { method: "POST", url, secrets: Secrets::of(&[], form) };
        let (status, body) = self.send(url, |client| client.post(url.clone()).form(form)).await?;
        if status.is_success() {
            watch::tell(&question, status, &body);
            return Ok(());
        }
        self.answer::<serde::de::IgnoredAny>(&question, status, &body).map(|_| ())
    }

    /// How far the clock of the last server that answered is ahead of this machine's, where it told.
    pub fn clock_difference(&self) -> Option<SignedDuration> {
        self.clock.difference()
    }

    fn answer<T: DeserializeOwned>(&self, question: &Question<'_>, status: StatusCode, body: &[u8]) -> Result<T, SignInError> {
        watch::tell(question, status, body);
        answer(question, status, body).map_err(|error| match error {
            SignInError::Refused(refusal) => SignInError::Refused(Refusal { clock_is_off: self.clock.is_off(), ..refusal }),
            other => other,
        })
    }

    async fn send(&self, url: &Url, request: impl Fn(&Client) -> RequestBuilder) -> Result<(StatusCode, Vec<u8>), SignInError> {
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
        Ok((reply.status(), body))
    }
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
    let reason = innermost(error);
    // As a client of TLS sees a wrong clock.
    if ["Expired", "NotValidYet", "certificate expired", "not yet valid"].iter().any(|sign| reason.contains(sign)) {
        return SignInError::OutOfTime { host: host(url) };
    }
    // A bad signature: an authority of the same name with another key, as after a reinstallation.
    if ["UnknownIssuer", "BadSignature", "unknown issuer"].iter().any(|sign| reason.contains(sign)) {
        return SignInError::Untrusted { host: host(url) };
    }
    let reason = if error.is_timeout() { "no answer in time".into() } else { reason };
    SignInError::Unreachable { host: host(url), reason }
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

fn authorities(file: &std::path::Path) -> Result<Vec<Certificate>, SignInError> {
    let bad = |reason: String| SignInError::BadTrust { file: file.display().to_string(), reason };
    let pem = std::fs::read(file).map_err(|error| bad(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| bad(innermost(&error)))?;
    if found.is_empty() {
        return Err(bad("it holds no certificate in PEM".into()));
    }
    Ok(found)
}

const CONNECT: Duration = Duration::from_secs(10);
const REQUEST: Duration = Duration::from_secs(30);
const RETRY: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5)];
const LARGEST: usize = 1 << 20;
