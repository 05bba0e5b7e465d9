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

use entrance_model::signin::revocation::Revocation;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::sync::{Mutex, Notify, watch};

use crate::audit;
use crate::edition::{Area, Editions, Touched};
use crate::error::StoreError;
use crate::feed::{self, FeedPosition};
use crate::group::{self, Decided, Queue, Waiting};
use crate::migrate;
use crate::seal::SealingKey;
use crate::session::{Reader, Scope, Tx, View};

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
    editions: Arc<Editions>,
    queue: Queue,
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
    /// Decisions that are written with it.
    waiting: Vec<Waiting>,
    /// What it may have changed.
    touched: Touched,
    /// It has changes for the feed.
    is_published: bool,
}

/// Tells a writer that its transaction is on disk, or why it is not.
pub(crate) type Durable = watch::Receiver<Option<Result<(), StoreError>>>;

impl Batch {
    fn new() -> Self {
        Self { outcome: watch::Sender::new(None), waiting: Vec::new(), touched: Touched::default(), is_published: false }
    }

    /// Tells everybody in it how it ended.
    fn end(self, outcome: &Result<(), StoreError>) {
        self.outcome.send_replace(Some(outcome.clone()));
        group::answer(self.waiting, outcome);
    }
}

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
        // A connection to a file needs no question whether it lives, and none to be made anew.
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with(options.read_only(true))
            .await?;
        let inner = Arc::new(Inner {
            readers,
            writer: Arc::new(Mutex::new(Writer { conn, batch: None, stands: Stands::Between })),
            to_commit: Arc::new(Notify::new()),
            head: watch::Sender::new(position),
            editions: Arc::default(),
            queue: Queue::default(),
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
        Ok(Reader { view: View::Moment(tx), seal })
    }

    /// A reader of everything committed so far, all from one moment.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        Ok(Reader { view: View::Moment(self.inner.readers.begin().await?), seal: self.inner.seal.clone() })
    }

    /// A reader for one question: each of its answers would be from a moment of its own.
    pub async fn glance(&self) -> Result<Reader, StoreError> {
        Ok(Reader { view: View::Glance(self.inner.readers.acquire().await?), seal: self.inner.seal.clone() })
    }

    /// The number of an area: as long as it stays, nothing that was answered has changed what was read after it.
    pub fn edition(&self, area: Area) -> u64 {
        self.inner.editions.of(area)
    }

    /// The number of the last change in the feed; whatever was answered is in it.
    pub fn head(&self) -> i64 {
        self.inner.head.borrow().head
    }

    /// Keeps a decision with the next commit, and answers once it is on disk. It is not kept where its token was revoked
    /// since its request was read: then the answer is the revocation.
    pub async fn decide(&self, decided: Decided) -> Result<Option<Revocation>, StoreError> {
        let outcome = self.inner.queue.push(decided);
        self.inner.to_commit.notify_one();
        outcome.await.map_err(|_| closing())?
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
            touched: Touched::default(),
            editions: Arc::clone(&self.inner.editions),
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
        // Noted first: one that gives up from here on may be kept all the same.
        self.writer.touched(self.touched, !changes.is_empty());
        self.writer.leave().await?;
        let Self { writer, mut durable, to_commit, told, counts, .. } = self;
        drop(writer);
        to_commit.notify_one();
        // The sender lives until the outcome is set; a lost one means that the store is gone.
        let outcome = durable.wait_for(Option::is_some).await.map_err(|_| closing())?.clone();
        outcome.unwrap_or(Ok(()))?;
        if !told.is_empty() {
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            for kind in told {
                *counts.entry(kind).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Whether nothing of the directory was changed since its number was read ([`Store::edition`]), by anybody whose
    /// write comes before this one.
    pub fn is_directory_as_of(&self, edition: u64) -> bool {
        !self.touched.has_directory() && self.writer.is_directory_as_of(&self.editions, edition)
    }
}

fn closing() -> StoreError {
    StoreError::NotWritable("the store is closing".into())
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
        self.begin().await?;
        self.stands = Stands::Entering;
        let entered = self.conn.execute("SAVEPOINT entry").await;
        self.stands = if entered.is_ok() { Stands::Inside } else { Stands::Between };
        entered?;
        let batch = self.batch.as_ref().expect("it was just begun");
        Ok(batch.outcome.subscribe())
    }

    /// Begins a transaction, unless one is open.
    async fn begin(&mut self) -> Result<(), StoreError> {
        if self.batch.is_none() {
            self.stands = Stands::Turning;
            let begun = self.conn.execute("BEGIN IMMEDIATE").await;
            self.stands = Stands::Between;
            begun?;
            self.batch = Some(Batch::new());
        }
        Ok(())
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

    /// Notes what is in the open transaction.
    fn touched(&mut self, touched: Touched, is_published: bool) {
        if let Some(batch) = &mut self.batch {
            batch.touched.join(touched);
            batch.is_published |= is_published;
        }
    }

    fn is_directory_as_of(&self, editions: &Editions, edition: u64) -> bool {
        let is_touched = self.batch.as_ref().is_some_and(|batch| batch.touched.has_directory());
        !is_touched && editions.of(Area::Directory) == edition
    }

    /// Ends the batch with an error for everyone in it.
    async fn abandon(&mut self, why: &StoreError) {
        self.stands = Stands::Turning;
        let _ = self.conn.execute("ROLLBACK").await;
        if let Some(batch) = self.batch.take() {
            batch.end(&Err(why.clone()));
        }
        self.stands = Stands::Between;
    }

    /// Commits what is open together with what waits, and tells everybody.
    async fn commit(&mut self, inner: &Inner) -> Result<(), StoreError> {
        self.ready().await;
        let waiting = inner.queue.take();
        if !waiting.is_empty()
            && let Err(error) = self.begin().await
        {
            group::answer(waiting, &Err(error.clone()));
            return Err(error);
        }
        let Some(batch) = &mut self.batch else { return Ok(()) };
        batch.waiting = waiting;
        let (is_touched, edition) = (batch.touched.has_directory(), inner.editions.of(Area::Directory));
        let scope = Scope::reading(&mut self.conn, &inner.seal);
        group::keep(scope, &mut batch.waiting, |as_of| !is_touched && as_of == edition).await?;
        let position = if batch.is_published { Some(feed::position(&mut self.conn).await?) } else { None };
        self.conn.execute("COMMIT").await?;
        // Before anybody is answered: who asks next has to find what memory holds outdated.
        if let Some(position) = position {
            inner.head.send_replace(position);
        }
        if let Some(batch) = self.batch.take() {
            inner.editions.advance(batch.touched);
            batch.end(&Ok(()));
        }
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
            if let Err(error) = writer.commit(&inner).await {
                tracing::error!(%error, "a commit failed");
                writer.abandon(&error).await;
            }
        }
    });
}
