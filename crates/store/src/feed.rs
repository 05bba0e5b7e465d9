//! The change feed (DESIGN 7): commit order is number order, so a follower that is at `head` has seen everything.

use entrance_model::id::TenantId;
use sqlx::Row as _;
use sqlx::SqliteConnection;

use crate::error::StoreError;
use crate::row::Row;
use crate::session::Reader;
use crate::sql::statements;

/// What kind of object changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A tenant or its domains.
    Tenant,
    /// A person.
    User,
    /// A group.
    Group,
    /// The direct members of the group with this id.
    Membership,
    /// An application, its service principal or its credentials.
    Application,
    /// A service principal.
    ServicePrincipal,
    /// A managed cluster's record.
    Cluster,
    /// Role assignments or definitions.
    Access,
    /// Sessions, revocations.
    Session,
    /// A break-glass door.
    Door,
}

impl ChangeKind {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Tenant, "tenant"),
        (Self::User, "user"),
        (Self::Group, "group"),
        (Self::Membership, "membership"),
        (Self::Application, "application"),
        (Self::ServicePrincipal, "servicePrincipal"),
        (Self::Cluster, "cluster"),
        (Self::Access, "access"),
        (Self::Session, "session"),
        (Self::Door, "door"),
    ];

    fn text(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, text)| text)
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == text).map(|(kind, _)| *kind)
    }
}

/// One object that changed; what it is now is read from its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind of object.
    pub kind: ChangeKind,
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: String,
}

/// How far the feed is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedPosition {
    /// Changes when the history is another one (after a restore).
    pub epoch: String,
    /// Number of the last change.
    pub head: i64,
}

statements! {
    POSITION = "SELECT epoch, head FROM feed WHERE only = 1";
    ADVANCE = "UPDATE feed SET head = head + 1 WHERE only = 1 RETURNING head";
    INSERT = "INSERT INTO change (seq, ord, kind, tenant, id) VALUES ($1, $2, $3, $4, $5)";
    SINCE = "SELECT kind, tenant, id FROM change WHERE seq > $1 ORDER BY seq, ord";
    OLDEST = "SELECT min(seq) AS oldest FROM change";
    PRUNE = "DELETE FROM change WHERE seq < (SELECT head FROM feed WHERE only = 1) - 100000";
}

/// Takes the next number and writes the changes under it; the last statement of a transaction.
pub(crate) async fn publish(conn: &mut SqliteConnection, changes: &[Change]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let head: i64 = sqlx::query(ADVANCE).fetch_one(&mut *conn).await?.try_get("head")?;
    for (ord, change) in (0_i64..).zip(changes) {
        sqlx::query(INSERT)
            .bind(head)
            .bind(ord)
            .bind(change.kind.text())
            .bind(change.tenant.to_string())
            .bind(&change.id)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

pub(crate) async fn position(conn: &mut SqliteConnection) -> Result<FeedPosition, StoreError> {
    let row = sqlx::query(POSITION).fetch_one(conn).await?;
    let row = Row::of("feed", &row);
    Ok(FeedPosition { epoch: row.text("epoch")?, head: row.int("head")? })
}

/// Drops changes that no follower needs any more: those who are further behind reload.
pub(crate) async fn prune(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(PRUNE).execute(conn).await?;
    Ok(())
}

impl Reader {
    /// Where the feed is, in this reader's moment.
    pub async fn feed_position(&mut self) -> Result<FeedPosition, StoreError> {
        position(self.view.conn()).await
    }

    /// The changes after `head`, oldest first; `None` when they are no longer all there, so that the follower must reload.
    pub async fn changes_since(&mut self, head: i64) -> Result<Option<Vec<Change>>, StoreError> {
        let oldest = sqlx::query(OLDEST).fetch_one(self.view.conn()).await?;
        if Row::of("change", &oldest).maybe_int("oldest")?.is_some_and(|oldest| oldest > head + 1) {
            return Ok(None);
        }
        let rows = sqlx::query(SINCE).bind(head).fetch_all(self.view.conn()).await?;
        rows.iter().map(|row| read(&Row::of("change", row))).collect::<Result<_, _>>().map(Some)
    }
}

fn read(row: &Row<'_>) -> Result<Change, StoreError> {
    let kind = row.text("kind")?;
    let kind = ChangeKind::read(&kind).ok_or(StoreError::Corrupt { table: "change", column: "kind", why: kind })?;
    Ok(Change { kind, tenant: row.parsed("tenant")?, id: row.text("id")? })
}
