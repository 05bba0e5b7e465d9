//! From a question to an answer, in memory only (DESIGN 4, 4.4).
//!
//! What costs little comes first: does the cluster have an integration at all, was the token verified or refused before,
//! could it be for the cluster's directory? Then the signature, then the directory as it is now. A proof of possession is
//! used up last, when everything else is good.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entrance_model::Timestamp;
use entrance_model::id::{ClusterUid, TenantId};
use entrance_model::review::{self, Entrant, Gate, Possession, Proof, Referred, Refusal, Subject, Token};
use entrance_wire::kubernetes::{Answer, BadReview, Guid, KubernetesUser, ReviewVersion, TokenReview, UserName};
use entrance_wire::oauth::pop::Envelope;
use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::memory::{self, Genuine, Refused, TokenHash};
use super::names::{Names, NotRecorded};
use super::proofs::{Proofs, Use};
use super::witness::{About, Witness};
use crate::authority::keys::{KeyRing, MAX_TOKEN, TokenError, Verified};
use crate::authority::pop;
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
    /// The name could not be held for whoever enters.
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
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
    /// Which proofs of possession were used.
    pub proofs: Proofs,
    /// Sees how reviews end.
    pub witness: Arc<Witness>,
    /// Which names entered which clusters.
    pub names: Names,
}

impl Parts {
    /// The parts that nothing goes without; the others are new ones that know nothing yet.
    pub fn new(keys: KeyRing, people: Directory, clock: Clock, base: &str) -> Self {
        Self {
            keys,
            people,
            clock,
            base: base.to_owned(),
            references: References::default(),
            proofs: Proofs::in_memory(),
            witness: Arc::default(),
            names: Names::default(),
        }
    }
}

/// Answers questions about tokens.
pub struct Reviewer {
    pub(super) parts: Parts,
    genuine: Genuine,
    refused: Refused,
}

impl Reviewer {
    /// A reviewer of tokens.
    pub fn new(parts: Parts) -> Self {
        Self { parts, genuine: Genuine::new(REMEMBERED_BYTES), refused: Refused::new(REFUSALS) }
    }

    /// Who sees how reviews end.
    pub fn witness(&self) -> &Witness {
        &self.parts.witness
    }

    /// Answers one question of a cluster's API server.
    pub async fn review(&self, cluster: ClusterUid, body: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        let now = self.parts.clock.now();
        let snapshot = self.parts.people.snapshot(now)?;
        let question = TokenReview::read(body)?;
        let asked = Asked { cluster, version: question.version(), now };
        let Some(gate) = snapshot.cluster(cluster).and_then(|facts| facts.gate.as_ref()) else {
            return Ok(self.refuse(&asked, Refusal::NotIntegrated, &About::default()));
        };
        let presented = match self.open(question.token(), gate, now) {
            Ok(presented) => presented,
            Err(why) => return Ok(self.refuse(&asked, why, &About::default())),
        };
        let token: &AccessToken = &presented.token;
        let entry = match self.decide(token, presented.possession, cluster, gate, &snapshot) {
            Ok(entry) => entry,
            Err(why) => return Ok(self.refuse(&asked, why, &About::from(token))),
        };
        if let Some((key, nonce, made)) = &presented.proof
            && let Err(why) = self.parts.proofs.claim(Use { key, nonce, made: *made, holder: token.oid }, now).await
        {
            return Ok(self.refuse(&asked, why, &About::from(token)));
        }
        self.parts.names.enters(gate.tenant, cluster, entry.name.as_str(), token.oid, now)?;
        Ok(self.admit(&asked, &entry))
    }

    /// What was presented: a token of ours, bare or in the proof of its key.
    pub(super) fn open(&self, text: &str, gate: &Gate, now: Timestamp) -> Result<Presented, Refusal> {
        if text.is_empty() {
            return Err(Refusal::NoToken);
        }
        let hash = memory::hash(text);
        if let Some(token) = self.recall(&hash, gate, now)? {
            return Ok(Presented::bare(token));
        }
        if text.len() > MAX_TOKEN {
            return Err(Refusal::Malformed);
        }
        match Claimed::read(text)? {
            Claimed::Issuer(issuer) => self.genuine(text, hash, &issuer, gate, now).map(Presented::bare),
            Claimed::Envelope => self.unwrap(text, gate, now),
        }
    }

    /// A token in the proof of its key. The token comes first: nobody without one of ours makes us check other signatures.
    fn unwrap(&self, text: &str, gate: &Gate, now: Timestamp) -> Result<Presented, Refusal> {
        let envelope = Envelope::parse(text).map_err(|_| Refusal::Malformed)?;
        let hash = memory::hash(&envelope.token);
        let token = match self.recall(&hash, gate, now)? {
            Some(token) => token,
            None => match Claimed::read(&envelope.token)? {
                Claimed::Issuer(issuer) => self.genuine(&envelope.token, hash, &issuer, gate, now)?,
                Claimed::Envelope => return Err(Refusal::Malformed),
            },
        };
        let proof = Proof { made: envelope.made, place: &envelope.place };
        let checked = pop::verify(&envelope, token.cnf.as_ref()).map_err(|_| Refusal::ProofForged);
        let possession = match checked.and_then(|()| proof.check(gate, now)) {
            Ok(()) => Possession::Proven,
            Err(why) => Possession::Failed(why),
        };
        Ok(Presented { token, possession, proof: Some((envelope.kid, envelope.nonce, envelope.made)) })
    }

    /// A token that was verified before, if it counts now and here.
    fn recall(&self, hash: &TokenHash, gate: &Gate, now: Timestamp) -> Result<Option<Arc<Verified<AccessToken>>>, Refusal> {
        let Some(token) = self.genuine.recall(hash, self.parts.keys.generation()) else { return Ok(None) };
        token.in_time(now).map_err(refusal)?;
        if self.is_issuer(&token.iss, gate.tenant) { Ok(Some(token)) } else { Err(Refusal::OtherIssuer) }
    }

    /// A token that says it is ours, for this directory: is it, and is it not over?
    fn genuine(
        &self,
        text: &str,
        hash: TokenHash,
        issuer: &str,
        gate: &Gate,
        now: Timestamp,
    ) -> Result<Arc<Verified<AccessToken>>, Refusal> {
        if !self.is_issuer(issuer, gate.tenant) {
            return Err(Refusal::OtherIssuer);
        }
        if let Some(why) = self.refused.recall(&hash, Instant::now()) {
            return Err(why);
        }
        let generation = self.parts.keys.generation();
        let token = self.parts.keys.verify(text, now).map_err(|error| {
            let why = refusal(error);
            self.refused.remember(hash, why, Instant::now());
            why
        })?;
        // What was signed is what counts, whatever was read before.
        if !self.is_issuer(&token.iss, gate.tenant) {
            return Err(Refusal::OtherIssuer);
        }
        let token = Arc::new(token);
        self.genuine.remember(hash, &token, generation, text.len());
        Ok(token)
    }

    /// Whether this is the issuer of a directory's tokens for clusters (S-023, S-8: the AKS server takes v1 tokens).
    fn is_issuer(&self, text: &str, tenant: TenantId) -> bool {
        let named = text.strip_prefix(self.parts.base.as_str()).and_then(|rest| rest.strip_prefix('/')?.strip_suffix('/'));
        named == Some(tenant.uuid().hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }

    /// Whether the cluster and the directory, as they are now, let the token in.
    pub(super) fn decide<'t>(
        &self,
        token: &'t AccessToken,
        possession: Possession,
        cluster: ClusterUid,
        gate: &Gate,
        snapshot: &'t Snapshot,
    ) -> Result<Entry<'t>, Refusal> {
        let principal = snapshot.principal(gate.tenant, token.oid);
        let name = match review::review(&claims(token, possession), gate, principal)? {
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
pub(super) struct Entry<'t> {
    token: &'t AccessToken,
    pub(super) name: UserName<'t>,
    pub(super) groups: Vec<Guid>,
}

/// A token of ours, and how it was presented.
pub(super) struct Presented {
    pub(super) token: Arc<Verified<AccessToken>>,
    pub(super) possession: Possession,
    /// Key, number and second of the proof, if one came.
    proof: Option<(String, String, i64)>,
}

impl Presented {
    fn bare(token: Arc<Verified<AccessToken>>) -> Self {
        let possession = if token.cnf.is_some() { Possession::Unproven } else { Possession::Bearer };
        Self { token, possession, proof: None }
    }
}

/// What a text claims to be. Nothing was verified.
enum Claimed {
    /// A token of this issuer.
    Issuer(String),
    /// A token in the proof of its key.
    Envelope,
}

impl Claimed {
    fn read(text: &str) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Payload<'a> {
            #[serde(borrow)]
            iss: Option<Cow<'a, str>>,
            at: Option<IgnoredAny>,
        }
        let payload = text.split('.').nth(1).ok_or(Refusal::Malformed)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Refusal::Malformed)?;
        let payload: Payload<'_> = serde_json::from_slice(&payload).map_err(|_| Refusal::Malformed)?;
        match (payload.iss, payload.at) {
            (Some(issuer), None) => Ok(Self::Issuer(issuer.into_owned())),
            (None, Some(_)) => Ok(Self::Envelope),
            _ => Err(Refusal::Malformed),
        }
    }
}

fn refusal(error: TokenError) -> Refusal {
    match error {
        TokenError::Malformed => Refusal::Malformed,
        TokenError::Signature => Refusal::Signature,
        TokenError::Expired(_) => Refusal::Expired,
        TokenError::NotYet => Refusal::NotYet,
    }
}

fn claims(token: &AccessToken, possession: Possession) -> Token<'_> {
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
        possession,
    }
}

fn guid(id: Uuid) -> Guid {
    Guid::from_bytes(id.as_bytes())
}

/// Room for verified tokens: some ten thousand of the usual length.
const REMEMBERED_BYTES: usize = 16 << 20;
/// Room for refused tokens: about a megabyte.
const REFUSALS: usize = 16_384;
