//! From a question to an answer, in memory only (DESIGN 4, 4.4).
//!
//! What costs little comes first: does the cluster have an integration at all, could the token be for its directory, was
//! it refused a moment ago? Then the signature, then the directory as it is now.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrance_model::Timestamp;
use entrance_model::id::{ClusterUid, TenantId};
use entrance_model::review::{self, Entrant, Gate, Referred, Refusal, Subject, Token};
use entrance_wire::kubernetes::{Answer, BadReview, Guid, KubernetesUser, ReviewVersion, TokenReview, UserName};
use serde::Deserialize;
use uuid::Uuid;

use super::memory::{self, Refused};
use super::tally::{Outcome, Tally};
use crate::authority::keys::{KeyRing, TokenError, Verified};
use crate::authority::token::{AccessToken, IdentityType};
use crate::clock::Clock;
use crate::directory::{Directory, NotReady, Snapshot};

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The body is no question.
    #[error(transparent)]
    Bad(#[from] BadReview),
    /// The directory is not there to decide by.
    #[error(transparent)]
    NotReady(#[from] NotReady),
}

/// Answers questions about tokens.
pub struct Reviewer {
    keys: KeyRing,
    people: Directory,
    clock: Clock,
    /// The public origin, which issuers begin with.
    base: String,
    refused: Refused,
    tally: Arc<Tally>,
}

impl Reviewer {
    /// A reviewer of tokens that `keys` signed, for the people of a directory. `base` is the public origin without a
    /// trailing slash.
    pub fn new(keys: KeyRing, people: Directory, clock: Clock, base: &str) -> Self {
        Self { keys, people, clock, base: base.to_owned(), refused: Refused::new(REMEMBERED), tally: Arc::default() }
    }

    /// What was answered so far.
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Answers one question of a cluster's API server.
    pub fn review(&self, cluster: ClusterUid, body: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        let now = self.clock.now();
        let snapshot = self.people.snapshot(now)?;
        let question = TokenReview::read(body)?;
        let Some(gate) = snapshot.cluster(cluster).and_then(|facts| facts.gate.as_ref()) else {
            return Ok(self.refuse(cluster, question.version(), Refusal::NotIntegrated));
        };
        match self.decide(question.token(), gate, &snapshot, now) {
            Ok(entry) => Ok(self.admit(cluster, question.version(), gate, &entry)),
            Err(why) => Ok(self.refuse(cluster, question.version(), why)),
        }
    }

    fn decide<'s>(&self, token: &str, gate: &Gate, snapshot: &'s Snapshot, now: Timestamp) -> Result<Entry<'s>, Refusal> {
        if token.is_empty() {
            return Err(Refusal::NoToken);
        }
        let issuer = issuer(&self.base, gate.tenant);
        if claimed_issuer(token)? != issuer {
            return Err(Refusal::OtherIssuer);
        }
        let token = self.verify(token, now)?;
        // What was signed is what counts, whatever was read before.
        if token.iss != issuer {
            return Err(Refusal::OtherIssuer);
        }
        let principal = snapshot.principal(gate.tenant, token.oid);
        let name = review::review(&claims(&token), gate, principal)?;
        let groups = review::within(snapshot.groups_of(gate.tenant, token.oid), gate, Referred::Unknown)?;
        let name = match name {
            Entrant::ByUpn(upn) => UserName::upn(upn.as_str()).map_err(|_| Refusal::UnknownPerson)?,
            Entrant::ByOid => UserName::Oid(guid(token.oid.uuid())),
        };
        Ok(Entry { token, name, groups: groups.iter().map(|group| guid(group.uuid())).collect() })
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Verified<AccessToken>, Refusal> {
        let hash = memory::hash(token);
        if let Some(why) = self.refused.recall(&hash, Instant::now()) {
            return Err(why);
        }
        self.keys.verify(token, now).map_err(|error| {
            let why = match error {
                TokenError::Malformed => Refusal::Malformed,
                TokenError::Signature => Refusal::Signature,
                TokenError::Expired(_) => Refusal::Expired,
                TokenError::NotYet => Refusal::NotYet,
            };
            self.refused.remember(hash, why, Instant::now());
            why
        })
    }

    fn admit(&self, cluster: ClusterUid, version: ReviewVersion, gate: &Gate, entry: &Entry<'_>) -> Vec<u8> {
        self.tally.count(Outcome::Admitted);
        let Entry { token, name, groups } = entry;
        tracing::debug!(%cluster, tenant = %gate.tenant, oid = %token.oid, groups = groups.len(), "token admitted");
        let user = KubernetesUser {
            name: name.clone(),
            oid: guid(token.oid.uuid()),
            groups: groups.clone(),
            token_id: Some(&token.uti),
            client: guid(token.app_id.uuid()),
            session: token.sid.map(|sid| guid(sid.uuid())),
        };
        Answer::User(user).to_json(version)
    }

    /// The refusal as an answer: the API server writes its text to the log, which it would not do with an HTTP error.
    fn refuse(&self, cluster: ClusterUid, version: ReviewVersion, why: Refusal) -> Vec<u8> {
        self.tally.count(Outcome::Refused(why));
        tracing::debug!(%cluster, why = why.code(), "token refused");
        Answer::Refused(&why.to_string()).to_json(version)
    }
}

/// Somebody who may enter.
struct Entry<'s> {
    token: Verified<AccessToken>,
    name: UserName<'s>,
    groups: Vec<Guid>,
}

/// The issuer of a directory's tokens for clusters (S-023, S-8: the AKS server takes v1 tokens).
fn issuer(base: &str, tenant: TenantId) -> String {
    format!("{base}/{tenant}/")
}

/// The `iss` that a token claims. Nothing was verified.
fn claimed_issuer(token: &str) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Claimed<'a> {
        #[serde(borrow)]
        iss: Cow<'a, str>,
    }
    let mut parts = token.split('.');
    let payload = parts.nth(1).ok_or(Refusal::Malformed)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Refusal::Malformed)?;
    let claimed: Claimed<'_> = serde_json::from_slice(&payload).map_err(|_| Refusal::Malformed)?;
    Ok(claimed.iss.into_owned())
}

fn claims(token: &AccessToken) -> Token<'_> {
    Token {
        tenant: token.tid,
        subject: match token.idtyp {
            IdentityType::User => Subject::Person,
            IdentityType::App => Subject::Application,
        },
        audience: &token.aud,
        issued: Timestamp::from_second(token.iat).unwrap_or(Timestamp::MIN),
        has_scope: token.scp.as_deref().is_some_and(|scopes| !scopes.is_empty()),
        is_bound: token.cnf.is_some(),
    }
}

fn guid(id: Uuid) -> Guid {
    Guid::from_bytes(id.as_bytes())
}

/// Room for refused tokens: about a megabyte.
const REMEMBERED: usize = 16_384;
