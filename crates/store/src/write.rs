//! The one writer, and its group commit.
//!
//! A write runs in a savepoint of the open transaction. When it is done it leaves the transaction open and waits; the
//! committer takes its place in the same queue, so everything that stood in line before it shares one fsync. A writer is
//! answered after that fsync. One that gives up in the middle (its request was cancelled) may leave a savepoint or a
//! transaction behind, with nobody to hear whether the engine got there; the next in line tidies up ([`Stands`]).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::sync::{Mutex, Notify, watch};

use crate::audit;
use crate::error::StoreError;
use crate::feed::{self, FeedPosition};
use crate::migrate;
use crate::seal::SealingKey;
use crate::session::{Reader, Tx};

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    readers: SqlitePool,
    writer: Arc<Mutex<Writer>>,
    to_commit: Arc<Notify>,
    head: watch::Sender<FeedPosition>,
    seal: SealingKey,
    told: Arc<Told>,
}

/// How many audit events of each kind were committed since the store was opened.
pub(crate) type Told = std::sync::Mutex<BTreeMap<&'static str, u64>>;

pub(crate) struct Writer {
    pub(crate) conn: SqliteConnection,
    /// The transaction that is open, if one is.
    batch: Option<Batch>,
    stands: Stands,
}

/// How far the writer whose turn it is has come. It is noted before the engine is told, so that the next in line knows
/// what one that gave up may have left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// It is nobody's turn.
    Between,
    /// A transaction begins, or ends without being kept.
    Turning,
    /// A savepoint is being opened; nothing was written in it yet.
    Entering,
    /// A savepoint is open.
    Inside,
    /// A savepoint is being closed, and what is in it stays.
    Leaving,
}

/// Writers of one transaction wait here for its fsync.
struct Batch {
    outcome: watch::Sender<Option<Result<(), StoreError>>>,
}

/// Tells a writer that its transaction is on disk, or why it is not.
pub(crate) type Durable = watch::Receiver<Option<Result<(), StoreError>>>;

const READERS: u32 = 8;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl Store {
    /// Opens the database file, makes it when it is new, and brings its schema up to date.
    pub async fn open(path: &Path, seal: SealingKey) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let mut conn = options.connect().await?;
        migrate::run(&mut conn).await?;
        audit::adopt(&mut conn, &seal).await?;
        feed::prune(&mut conn).await?;
        let position = feed::position(&mut conn).await?;
        let readers = SqlitePoolOptions::new().max_connections(READERS).connect_with(options.read_only(true)).await?;
        let inner = Arc::new(Inner {
            readers,
            writer: Arc::new(Mutex::new(Writer { conn, batch: None, stands: Stands::Between })),
            to_commit: Arc::new(Notify::new()),
            head: watch::Sender::new(position),
            seal,
            told: Arc::default(),
        });
        spawn_committer(&inner);
        Ok(Self { inner })
    }

    /// Opens the database file of a server that is not running, to look at it; nothing is changed, not even an old schema.
    pub async fn look(path: &Path, seal: SealingKey) -> Result<Reader, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        let mut tx = pool.begin().await?;
        migrate::check(&mut tx).await?;
        Ok(Reader { tx, seal })
    }

    /// A reader of everything committed so far, all from one moment.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        Ok(Reader { tx: self.inner.readers.begin().await?, seal: self.inner.seal.clone() })
    }

    /// Tells followers of the change feed how far it is.
    pub fn feed(&self) -> watch::Receiver<FeedPosition> {
        self.inner.head.subscribe()
    }

    /// Begins a write transaction; waits for those before it. Sign and hash before it, so that it is short.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        let mut writer = Arc::clone(&self.inner.writer).lock_owned().await;
        writer.ready().await;
        let durable = writer.join_batch().await?;
        Ok(Tx {
            writer,
            durable,
            to_commit: Arc::clone(&self.inner.to_commit),
            seal: self.inner.seal.clone(),
            changes: Vec::new(),
            told: Vec::new(),
            counts: Arc::clone(&self.inner.told),
        })
    }

    /// The key that secrets are sealed with, for what is handed out sealed instead of being kept.
    pub fn seal(&self) -> &SealingKey {
        &self.inner.seal
    }

    /// How many audit events of each kind were committed since it was opened.
    pub fn told(&self) -> BTreeMap<&'static str, u64> {
        self.inner.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks that the store can be read and written; for readiness.
    pub async fn check(&self) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        tx.settings().set("checked", "1").await?;
        tx.commit().await
    }
}

impl Tx {
    /// Ends the transaction and answers once it is on disk, together with others that queued up.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let changes = std::mem::take(&mut self.changes);
        feed::publish(&mut self.writer.conn, &changes).await?;
        self.writer.leave().await?;
        let Self { writer, mut durable, to_commit, told, counts, .. } = self;
        drop(writer);
        to_commit.notify_one();
        // The sender lives until the outcome is set; a lost one means that the store is gone.
        let closing = |_| StoreError::NotWritable("the store is closing".into());
        let outcome = durable.wait_for(Option::is_some).await.map_err(closing)?.clone();
        outcome.unwrap_or(Ok(()))?;
        if !told.is_empty() {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            for kind in told {
                *counts.entry(kind).or_default() += 1;
            }
        }
        Ok(())
    }
}

impl Writer {
    /// Tidies up after a writer that gave up.
    async fn ready(&mut self) {
        match self.stands {
            Stands::Between => {}
            Stands::Turning => self.abandon(&rolled_back()).await,
            Stands::Inside => {
                // After some errors (a full disk) SQLite has rolled the whole transaction back by itself.
                if self.conn.execute("ROLLBACK TO entry").await.is_err() || self.leave().await.is_err() {
                    self.abandon(&rolled_back()).await;
                }
            }
            Stands::Entering | Stands::Leaving => {
                // Whether there is a savepoint is not known, and there is nothing in it that must not stay.
                let _ = self.conn.execute("RELEASE entry").await;
                self.stands = Stands::Between;
            }
        }
    }

    /// Joins the open transaction, or begins one, and opens a savepoint in it.
    async fn join_batch(&mut self) -> Result<Durable, StoreError> {
        if self.batch.is_none() {
            self.stands = Stands::Turning;
            let begun = self.conn.execute("BEGIN IMMEDIATE").await;
            self.stands = Stands::Between;
            begun?;
            self.batch = Some(Batch { outcome: watch::Sender::new(None) });
        }
        self.stands = Stands::Entering;
        let entered = self.conn.execute("SAVEPOINT entry").await;
        self.stands = if entered.is_ok() { Stands::Inside } else { Stands::Between };
        entered?;
        let batch = self.batch.as_ref().expect("it was just begun");
        Ok(batch.outcome.subscribe())
    }

    /// Closes the savepoint and leaves what is in it to the transaction.
    async fn leave(&mut self) -> Result<(), StoreError> {
        self.stands = Stands::Leaving;
        let left = self.conn.execute("RELEASE entry").await;
        // A savepoint that is gone was rolled back with everything before it, which the next in line finds out.
        self.stands = if left.is_ok() { Stands::Between } else { Stands::Inside };
        left?;
        Ok(())
    }

    /// Ends the batch with an error for everyone in it.
    async fn abandon(&mut self, why: &StoreError) {
        self.stands = Stands::Turning;
        let _ = self.conn.execute("ROLLBACK").await;
        if let Some(batch) = self.batch.take() {
            batch.outcome.send_replace(Some(Err(why.clone())));
        }
        self.stands = Stands::Between;
    }

    async fn commit(&mut self, head: &watch::Sender<FeedPosition>) -> Result<(), StoreError> {
        self.ready().await;
        if self.batch.is_none() {
            return Ok(());
        }
        let position = feed::position(&mut self.conn).await?;
        self.conn.execute("COMMIT").await?;
        if let Some(batch) = self.batch.take() {
            batch.outcome.send_replace(Some(Ok(())));
        }
        head.send_if_modified(|current| {
            let moved = *current != position;
            *current = position;
            moved
        });
        Ok(())
    }
}

fn rolled_back() -> StoreError {
    StoreError::NotWritable("the transaction was rolled back".into())
}

// The store's own committer is not tracked: it ends with the store, and there is nothing to drain.
fn spawn_committer(inner: &Arc<Inner>) {
    let weak = Arc::downgrade(inner);
    let wake = Arc::clone(&inner.to_commit);
    tokio::spawn(async move {
        loop {
            // A store that was dropped wakes nobody; look now and then.
            let _ = tokio::time::timeout(Duration::from_secs(1), wake.notified()).await;
            let Some(inner) = weak.upgrade() else { return };
            let mut writer = inner.writer.lock().await;
            if let Err(error) = writer.commit(&inner.head).await {
                tracing::error!(%error, "a commit failed");
                writer.abandon(&error).await;
            }
        }
    });
}
