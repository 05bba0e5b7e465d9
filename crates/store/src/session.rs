//! A view of the store: [`Reader`] sees what is committed, [`Tx`] changes it. Areas are handles generic over the two.

use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;

use entrance_model::Timestamp;
use entrance_model::id::TenantId;
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection, Transaction};
use tokio::sync::{Notify, OwnedMutexGuard};

use crate::arm::Arm;
use crate::audit::{self, AuditEvent, Trail};
use crate::authority::Authority;
use crate::directory::Directory;
use crate::edition::{Area, Editions, Touched};
use crate::error::StoreError;
use crate::factors::Factors;
use crate::feed::{Change, ChangeKind};
use crate::key::Keys;
use crate::operations::Operations;
use crate::policies::Policies;
use crate::seal::SealingKey;
use crate::setting::Settings;
use crate::write::{Durable, Told, Writer};

/// Marks a handle that only reads.
#[derive(Debug)]
pub enum Read {}
/// Marks a handle that may also change.
#[derive(Debug)]
pub enum Write {}

/// What an area's handle works with.
pub(crate) struct Scope<'s, M> {
    pub(crate) conn: &'s mut SqliteConnection,
    pub(crate) seal: &'s SealingKey,
    changes: Option<&'s mut Vec<Change>>,
    touched: Option<&'s mut Touched>,
    mode: PhantomData<M>,
}

impl<M> Scope<'_, M> {
    /// The same, for another area.
    pub(crate) fn again(&mut self) -> Scope<'_, M> {
        let (changes, touched) = (self.changes.as_deref_mut(), self.touched.as_deref_mut());
        Scope { conn: self.conn, seal: self.seal, changes, touched, mode: PhantomData }
    }
}

impl<'s> Scope<'s, Read> {
    /// Of a connection.
    pub(crate) const fn reading(conn: &'s mut SqliteConnection, seal: &'s SealingKey) -> Self {
        Scope { conn, seal, changes: None, touched: None, mode: PhantomData }
    }
}

impl Scope<'_, Write> {
    /// Tells followers of the feed that this object changed.
    pub(crate) fn changed(&mut self, kind: ChangeKind, tenant: TenantId, id: impl Display) {
        if let Some(changes) = self.changes.as_deref_mut() {
            changes.push(Change { kind, tenant, id: id.to_string() });
        }
        self.touched(Area::Directory);
    }

    /// Tells that what others keep in memory may have changed.
    pub(crate) fn touched(&mut self, area: Area) {
        if let Some(touched) = self.touched.as_deref_mut() {
            touched.add(area);
        }
    }
}

/// Reads committed data, all of it from one moment.
pub struct Reader {
    pub(crate) view: View,
    pub(crate) seal: SealingKey,
}

/// What a reader looks through.
pub(crate) enum View {
    /// A transaction: every answer is from one moment.
    Moment(Transaction<'static, Sqlite>),
    /// No transaction: every answer is from its own moment.
    Glance(PoolConnection<Sqlite>),
}

impl View {
    pub(crate) fn conn(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Moment(tx) => tx,
            Self::Glance(conn) => conn,
        }
    }
}

/// One write transaction, the only one at a time. It counts once [`Tx::commit`] has answered; dropped before, it leaves
/// nothing behind.
#[must_use = "a transaction that is not committed leaves nothing behind"]
pub struct Tx {
    pub(crate) writer: OwnedMutexGuard<Writer>,
    pub(crate) durable: Durable,
    pub(crate) to_commit: Arc<Notify>,
    pub(crate) seal: SealingKey,
    pub(crate) changes: Vec<Change>,
    pub(crate) touched: Touched,
    pub(crate) editions: Arc<Editions>,
    pub(crate) told: Vec<&'static str>,
    pub(crate) counts: Arc<Told>,
}

impl Reader {
    pub(crate) fn scope(&mut self) -> Scope<'_, Read> {
        Scope::reading(self.view.conn(), &self.seal)
    }
}

impl Tx {
    pub(crate) fn scope(&mut self) -> Scope<'_, Write> {
        let (changes, touched) = (Some(&mut self.changes), Some(&mut self.touched));
        Scope { conn: &mut self.writer.conn, seal: &self.seal, changes, touched, mode: PhantomData }
    }

    /// Records what happened, in the same transaction.
    pub async fn audit(&mut self, at: Timestamp, event: &AuditEvent) -> Result<(), StoreError> {
        self.told.push(event.kind);
        audit::insert(&mut self.writer.conn, &self.seal, at, event).await
    }
}

macro_rules! areas {
    ($($(#[$doc:meta])* $method:ident: $area:ident $(touches $touched:ident)?;)*) => {
        impl Reader {
            $($(#[$doc])* pub fn $method(&mut self) -> $area<'_, Read> { $area(self.scope()) })*
        }
        impl Tx {
            $($(#[$doc])* pub fn $method(&mut self) -> $area<'_, Write> {
                $(self.touched.add(Area::$touched);)?
                $area(self.scope())
            })*
        }
    };
}

areas! {
    /// Codes, refresh tokens, browser sessions, wrong tries, the sign-in log.
    authority: Authority;
    /// Tenants, people, groups, applications, service principals.
    directory: Directory touches Directory;
    /// Second factors of people, and challenges that were answered.
    factors: Factors touches Factors;
    /// Subscriptions, resource groups, clusters, role assignments, doors.
    arm: Arm;
    /// Long-running operations.
    operations: Operations;
    /// Sign-in policies, named locations, the tenants' switches.
    policies: Policies touches Directory;
    /// Private keys, sealed.
    keys: Keys;
    /// Small facts about this installation, by name.
    settings: Settings;
    /// The audit log and its chains.
    trail: Trail;
}
