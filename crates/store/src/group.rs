//! Decisions that need nothing else kept beside them: they wait for the next commit together, and share its statements.
//!
//! A token that an application gets for itself leaves nothing behind but its line in the sign-in log. It needs no
//! savepoint of its own: the committer takes all that wait, writes them at once, and answers each after the fsync.

use std::sync::{Mutex, PoisonError};

use entrance_model::Timestamp;
use entrance_model::id::{AppId, PrincipalId, SessionId};
use entrance_model::signin::revocation::{Issued, Revocation};
use tokio::sync::oneshot;

use crate::authority::{Authority, Decision, keep_decisions};
use crate::error::StoreError;
use crate::session::{Read, Scope};

/// A decision, and the token that is handed out once it is on disk.
#[derive(Debug)]
pub struct Decided {
    /// When.
    pub at: Timestamp,
    /// What the log will say.
    pub decision: Decision,
    /// The token, if one was made.
    pub token: Option<MadeToken>,
}

/// A token that was made and is not handed out yet.
#[derive(Debug, Clone)]
pub struct MadeToken {
    /// Its unique id.
    pub id: String,
    /// The session it belongs to.
    pub session: Option<SessionId>,
    /// Whom it speaks for.
    pub subject: PrincipalId,
    /// The client.
    pub app: AppId,
    /// The last revocation that was known when its request was read.
    pub known: i64,
    /// The edition of the directory ([`crate::Area::Directory`]) before anything of the request was read.
    pub as_of: u64,
    /// When it was made.
    pub at: Timestamp,
}

impl MadeToken {
    /// What a revocation may be about.
    pub fn issued(&self) -> Issued<'_> {
        let Self { session, subject, app, known, at, .. } = *self;
        Issued { id: &self.id, session, subject, app, known: Some(known), at }
    }
}

/// How a decision ended: kept, or not kept because the token was revoked in this moment.
pub(crate) type Outcome = Result<Option<Revocation>, StoreError>;

/// One that waits for the next commit.
pub(crate) struct Waiting {
    decided: Decided,
    revoked: Option<Revocation>,
    answer: oneshot::Sender<Outcome>,
}

/// Those that wait.
#[derive(Default)]
pub(crate) struct Queue(Mutex<Vec<Waiting>>);

impl Queue {
    pub(crate) fn push(&self, decided: Decided) -> oneshot::Receiver<Outcome> {
        let (answer, outcome) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { decided, revoked: None, answer });
        outcome
    }

    pub(crate) fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes all that wait into the open transaction. Where nothing was revoked since a token's request was read
/// (`unchanged` tells by its edition), its revocations are not looked for.
pub(crate) async fn keep(
    mut scope: Scope<'_, Read>,
    waiting: &mut [Waiting],
    unchanged: impl Fn(u64) -> bool,
) -> Result<(), StoreError> {
    for one in &mut *waiting {
        if let Some(token) = one.decided.token.as_ref().filter(|token| !unchanged(token.as_of)) {
            one.revoked = Authority(scope.again()).revoked(one.decided.decision.tenant, &token.issued()).await?;
        }
    }
    let kept: Vec<_> =
        waiting.iter().filter(|one| one.revoked.is_none()).map(|one| (one.decided.at, &one.decided.decision)).collect();
    keep_decisions(scope.conn, &kept).await
}

/// Answers all that waited.
pub(crate) fn answer(waiting: Vec<Waiting>, outcome: &Result<(), StoreError>) {
    for Waiting { revoked, answer, .. } in waiting {
        // Who does not listen any more went away.
        let _ = answer.send(outcome.clone().map(|()| revoked));
    }
}
