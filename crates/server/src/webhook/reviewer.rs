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
use entrance_model::review::{self, Entrant, Gate, Possession, Referred, Refusal, Subject, Token};
use entrance_wire::kubernetes::{Answer, BadReview, Guid, KubernetesUser, ReviewVersion, TokenReview, UserName};
use serde::Deserialize;
use uuid::Uuid;

use super::memory::{self, Refused};
use super::witness::{About, Witness};
use crate::authority::keys::{KeyRing, TokenError, Verified};
use crate::authority::token::{AccessToken, IdentityType};
use crate::clock::Clock;
use crate::clusters::References;
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

/// What a reviewer asks.
pub struct Parts {
    /// The keys that tokens are signed with.
    pub keys: KeyRing,
    /// Whose people enter, and what the clusters ask of them.
    pub people: Directory,
    /// What time it is.
    pub clock: Clock,
    /// The public origin without a trailing slash, which issuers begin with.
    pub base: String,
    /// Which groups the clusters refer to.
    pub references: References,
    /// Sees how reviews end.
    pub witness: Arc<Witness>,
}

impl Parts {
    /// The parts that nothing goes without; the others are new ones that know nothing yet.
    pub fn new(keys: KeyRing, people: Directory, clock: Clock, base: &str) -> Self {
        Self { keys, people, clock, base: base.to_owned(), references: References::default(), witness: Arc::default() }
    }
}

/// Answers questions about tokens.
pub struct Reviewer {
    parts: Parts,
    refused: Refused,
}

impl Reviewer {
    /// A reviewer of tokens.
    pub fn new(parts: Parts) -> Self {
        Self { parts, refused: Refused::new(REMEMBERED) }
    }

    /// Who sees how reviews end.
    pub fn witness(&self) -> &Witness {
        &self.parts.witness
    }

    /// Answers one question of a cluster's API server.
    pub fn review(&self, cluster: ClusterUid, body: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        let now = self.parts.clock.now();
        let snapshot = self.parts.people.snapshot(now)?;
        let question = TokenReview::read(body)?;
        let asked = Asked { cluster, version: question.version(), now };
        let Some(gate) = snapshot.cluster(cluster).and_then(|facts| facts.gate.as_ref()) else {
            return Ok(self.refuse(&asked, Refusal::NotIntegrated, &About::default()));
        };
        let token = match self.genuine(question.token(), gate, now) {
            Ok(token) => token,
            Err(why) => return Ok(self.refuse(&asked, why, &About::default())),
        };
        match self.decide(&token, cluster, gate, &snapshot) {
            Ok(entry) => Ok(self.admit(&asked, &entry)),
            Err(why) => Ok(self.refuse(&asked, why, &About::from(&*token))),
        }
    }

    /// A token that we made for this directory, and that is not over.
    fn genuine(&self, token: &str, gate: &Gate, now: Timestamp) -> Result<Verified<AccessToken>, Refusal> {
        if token.is_empty() {
            return Err(Refusal::NoToken);
        }
        let issuer = issuer(&self.parts.base, gate.tenant);
        if claimed_issuer(token)? != issuer {
            return Err(Refusal::OtherIssuer);
        }
        let token = self.verify(token, now)?;
        // What was signed is what counts, whatever was read before.
        if token.iss == issuer { Ok(token) } else { Err(Refusal::OtherIssuer) }
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Verified<AccessToken>, Refusal> {
        let hash = memory::hash(token);
        if let Some(why) = self.refused.recall(&hash, Instant::now()) {
            return Err(why);
        }
        self.parts.keys.verify(token, now).map_err(|error| {
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

    /// Whether the cluster and the directory, as they are now, let the token in.
    fn decide<'t>(
        &self,
        token: &'t AccessToken,
        cluster: ClusterUid,
        gate: &Gate,
        snapshot: &'t Snapshot,
    ) -> Result<Entry<'t>, Refusal> {
        let principal = snapshot.principal(gate.tenant, token.oid);
        let name = match review::review(&claims(token), gate, principal)? {
            Entrant::ByUpn(upn) => UserName::upn(upn.as_str()).map_err(|_| Refusal::UnknownPerson)?,
            Entrant::ByOid => UserName::Oid(guid(token.oid.uuid())),
        };
        if let Some(kind) = snapshot.revoked(gate.tenant, &token.issued()) {
            return Err(kind.into());
        }
        let groups = snapshot.groups_of(gate.tenant, token.oid);
        // Asked only when it matters: below the budget every group is carried.
        let referred = (groups.len() > gate.groups_max).then(|| self.parts.references.of(cluster)).flatten();
        let groups = review::within(groups, gate, referred.as_deref().map_or(Referred::Unknown, Referred::Known))?;
        Ok(Entry { token, name, groups: groups.iter().map(|group| guid(group.uuid())).collect() })
    }

    fn admit(&self, asked: &Asked, entry: &Entry<'_>) -> Vec<u8> {
        let Entry { token, name, groups } = entry;
        self.parts.witness.admitted(asked.cluster, asked.now, &About::from(*token), groups.len());
        let user = KubernetesUser {
            name: name.clone(),
            oid: guid(token.oid.uuid()),
            groups: groups.clone(),
            token_id: Some(&token.uti),
            client: guid(token.app_id.uuid()),
            session: token.sid.map(|sid| guid(sid.uuid())),
        };
        Answer::User(user).to_json(asked.version)
    }

    /// The refusal as an answer: the API server writes its text to the log, which it would not do with an HTTP error.
    fn refuse(&self, asked: &Asked, why: Refusal, about: &About<'_>) -> Vec<u8> {
        self.parts.witness.refused(asked.cluster, asked.now, why, about);
        Answer::Refused(&why.to_string()).to_json(asked.version)
    }
}

/// Which cluster asks, how, and when.
struct Asked {
    cluster: ClusterUid,
    version: ReviewVersion,
    now: Timestamp,
}

/// Somebody who may enter.
struct Entry<'t> {
    token: &'t AccessToken,
    name: UserName<'t>,
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
        id: &token.uti,
        tenant: token.tid,
        subject: match token.idtyp {
            IdentityType::User => Subject::Person,
            IdentityType::App => Subject::Application,
        },
        app: token.app_id,
        session: token.sid,
        audience: &token.aud,
        issued: Timestamp::from_second(token.iat).unwrap_or(Timestamp::MIN),
        has_scope: token.scp.as_deref().is_some_and(|scopes| !scopes.is_empty()),
        possession: if token.cnf.is_some() { Possession::Unproven } else { Possession::Bearer },
    }
}

fn guid(id: Uuid) -> Guid {
    Guid::from_bytes(id.as_bytes())
}

/// Room for refused tokens: about a megabyte.
const REMEMBERED: usize = 16_384;
