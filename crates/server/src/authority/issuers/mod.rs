//! Keys of issuers that a directory trusts (S-242): fetched, kept for a day at most, and never from anywhere that the
//! administrator did not name.

mod fetch;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::id::{ClusterUid, CredentialId, TenantId};
use entrance_model::signin::federation::issuer::{Source, TrustedIssuer};
use entrance_model::signin::federation::keys::{Fetches, Next};
use entrance_model::signin::federation::network::{OutOfReach, Reach};
use serde::Deserialize;

use super::client::key::Jwks;
use crate::app::App;

/// Why an issuer's keys are not at hand. The caller of the token endpoint is not told; the log and the administrator are.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum KeysError {
    /// It is not on the list, and not on the server's own.
    #[error("the issuer is not on the administrator's list")]
    NotTrusted,
    /// The keys are too old, or do not hold the one that was named, and it is too early to ask again.
    #[error("the key is not known, and it is too early to ask the issuer again")]
    TooEarly,
    /// The address is none that is asked.
    #[error("`{0}` is no https address")]
    Address(String),
    /// The name does not resolve.
    #[error("`{0}` does not resolve")]
    Resolve(String),
    /// The address is inside.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
    /// The connection or the certificate is not right.
    #[error("`{host}` cannot be reached: {why}")]
    Connect {
        /// The host.
        host: String,
        /// What the connection said.
        why: String,
    },
    /// It answered something else than 200; redirects are not followed.
    #[error("`{0}` answered {1}")]
    Status(String, u16),
    /// More than anybody needs for keys.
    #[error("the answer of `{0}` is longer than 256 KiB")]
    TooLong(String),
    /// No JSON of the form.
    #[error("the answer of `{0}` is not what the standard says")]
    Form(String),
    /// The document is another issuer's.
    #[error("the issuer says of itself that it is `{0}`")]
    Different(String),
    /// The file on the server's own list cannot be read.
    #[error("the file with the issuer's keys cannot be read")]
    File,
    /// The cluster is gone, or does not answer.
    #[error("the cluster cannot be asked: {0}")]
    Cluster(String),
    /// The store says no.
    #[error("the store does not answer")]
    Store,
}

/// Keys of issuers in memory.
#[derive(Default)]
pub(crate) struct Issuers(Mutex<HashMap<CredentialId, Arc<tokio::sync::Mutex<Held>>>>);

#[derive(Default)]
struct Held {
    keys: Option<Arc<Jwks>>,
    fetches: Fetches,
}

/// The longest wait for keys, all steps together.
const PATIENCE: Duration = Duration::from_secs(8);
/// The largest document.
pub(super) const LARGEST: usize = 256 * 1024;
/// More keys than any issuer has at a time.
const MOST_KEYS: usize = 100;

impl Issuers {
    /// The keys of an issuer on the list for a token that names one of them.
    pub(crate) async fn keys(
        &self,
        app: &App,
        tenant: TenantId,
        trusted: &TrustedIssuer,
        kid: Option<&str>,
    ) -> Result<Arc<Jwks>, KeysError> {
        if let Source::Cluster { uid } = trusted.source {
            // A cluster that is gone vouches for nobody, whatever its keys were.
            cluster_of(app, tenant, uid).await?;
        }
        let cell = self.cell(trusted.id);
        // Whoever comes while keys are fetched waits for them.
        let mut held = cell.lock().await;
        let now = app.now();
        let knows = held.keys.as_ref().is_some_and(|keys| keys.knows(kid));
        match held.fetches.next(knows, now) {
            Next::Use => held.keys.clone().ok_or(KeysError::TooEarly),
            Next::Refuse => Err(KeysError::TooEarly),
            Next::Fetch => {
                let fetched = held.fetch(app, tenant, trusted, now).await;
                match (fetched, &held.keys) {
                    (Ok(keys), _) => Ok(keys),
                    (Err(error), Some(keys)) if held.fetches.still_count(now) && knows => {
                        tracing::warn!(issuer = trusted.issuer, %error, "keys could not be renewed; the known ones still count");
                        Ok(Arc::clone(keys))
                    }
                    (Err(error), _) => Err(error),
                }
            }
        }
    }

    /// Fetches the keys anew, for an administrator who wants to know whether that works.
    pub(crate) async fn look(&self, app: &App, tenant: TenantId, trusted: &TrustedIssuer) -> Result<Arc<Jwks>, KeysError> {
        let cell = self.cell(trusted.id);
        let mut held = cell.lock().await;
        held.fetch(app, tenant, trusted, app.now()).await
    }

    /// Forgets the keys of an issuer that is no longer on the list.
    pub(crate) fn forget(&self, id: CredentialId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn cell(&self, id: CredentialId) -> Arc<tokio::sync::Mutex<Held>> {
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default())
    }
}

impl Held {
    async fn fetch(
        &mut self,
        app: &App,
        tenant: TenantId,
        trusted: &TrustedIssuer,
        now: Timestamp,
    ) -> Result<Arc<Jwks>, KeysError> {
        self.fetches.tried = Some(now);
        let patience = tokio::time::timeout(PATIENCE, load(app, tenant, trusted)).await;
        let slow = || KeysError::Connect { host: trusted.issuer.clone(), why: "it does not answer in time".to_owned() };
        let keys = Arc::new(patience.map_err(|_| slow())??);
        self.fetches.fetched = Some(now);
        self.keys = Some(Arc::clone(&keys));
        Ok(keys)
    }
}

/// What an issuer says about itself.
#[derive(Deserialize)]
pub(crate) struct Configuration {
    /// Its name; has to be the one that it was asked under.
    pub(crate) issuer: String,
    jwks_uri: String,
}

async fn load(app: &App, tenant: TenantId, trusted: &TrustedIssuer) -> Result<Jwks, KeysError> {
    match &trusted.source {
        Source::Discovery { private, ca } => {
            let reach = if *private { Reach::Private } else { Reach::Public };
            let at = format!("{}/.well-known/openid-configuration", trusted.issuer.trim_end_matches('/'));
            let said: Configuration = read(&fetch::get(&at, reach, ca.as_deref()).await?, &at)?;
            if said.issuer != trusted.issuer {
                return Err(KeysError::Different(said.issuer.chars().take(200).collect()));
            }
            parse(&fetch::get(&said.jwks_uri, reach, ca.as_deref()).await?, &said.jwks_uri)
        }
        Source::Keys { jwks } => parse(jwks.as_bytes(), &trusted.issuer),
        Source::Cluster { uid } => {
            let text = ask(app, tenant, *uid, "/openid/v1/jwks").await?;
            parse(text.as_bytes(), &trusted.issuer)
        }
    }
}

/// What one of our own clusters says about its service accounts' tokens.
pub(crate) async fn of_cluster(app: &App, tenant: TenantId, uid: ClusterUid) -> Result<Configuration, KeysError> {
    let text = ask(app, tenant, uid, "/.well-known/openid-configuration").await?;
    read(text.as_bytes(), "the cluster")
}

/// Asks a cluster with our own credential, on the way that only we have.
async fn ask(app: &App, tenant: TenantId, uid: ClusterUid, path: &str) -> Result<String, KeysError> {
    let cluster = cluster_of(app, tenant, uid).await?;
    let failed = |error: &dyn std::fmt::Display| KeysError::Cluster(error.to_string());
    let client = app.clusters.driver().client(&cluster).await.map_err(|error| failed(&error))?;
    let request = http::Request::get(path).body(Vec::new()).map_err(|error| failed(&error))?;
    client.request_text(request).await.map_err(|error| failed(&error))
}

async fn cluster_of(app: &App, tenant: TenantId, uid: ClusterUid) -> Result<entrance_model::cluster::Cluster, KeysError> {
    let found = async { app.store.read().await?.arm().cluster(uid).await };
    let found = found.await.map_err(|_| KeysError::Store)?.filter(|cluster| cluster.tenant == tenant);
    found.ok_or_else(|| KeysError::Cluster("it is gone".to_owned()))
}

/// A JWKS document with a sensible number of keys.
pub(crate) fn parse(bytes: &[u8], from: &str) -> Result<Jwks, KeysError> {
    if bytes.len() > LARGEST {
        return Err(KeysError::TooLong(from.to_owned()));
    }
    let keys: Jwks = read(bytes, from)?;
    if keys.keys.is_empty() || keys.keys.len() > MOST_KEYS { Err(KeysError::Form(from.to_owned())) } else { Ok(keys) }
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8], from: &str) -> Result<T, KeysError> {
    // serde_json has its own depth limit of 128.
    serde_json::from_slice(bytes).map_err(|_| KeysError::Form(from.to_owned()))
}
