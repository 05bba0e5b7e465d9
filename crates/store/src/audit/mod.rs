//! The audit log: rows that commit together with what they tell, and chains that show when one was changed later.
//!
//! Each row carries a tag under the sealing key, so that one which was written past Entrance is noticed. A sealer links the
//! rows of each tenant in batches (`chain`) and signs where the chain is; `verify` finds what does not fit.

mod activity;
mod chain;
mod export;
mod seal;
mod trail;
mod verify;

#[cfg(test)]
mod tests;

use entrance_model::Timestamp;
use entrance_model::audit::is_known;
use entrance_model::id::{PrincipalId, TenantId};
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::seal::SealingKey;
use crate::session::Reader;
use crate::sql::statements;

pub use activity::Below;
pub use chain::{ChainId, Hash, Head, NotThat, Position, PublicKey, Record, SigningKey};
pub use export::{
    BadExport, BadLine, Checker, Exported, head_from_json, head_to_json, link_to_json, record_to_json, start_to_json,
};
pub use seal::{BATCH, seal, signing_key};
pub use trail::{Found, Linked, Trail, Wanted};
pub use verify::{Fault, Report};

/// Something that happened. Never holds a secret, a token, a code or a password.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// What kind of event, one of [`entrance_model::audit::KINDS`].
    pub kind: &'static str,
    /// The tenant it belongs to.
    pub tenant: Option<TenantId>,
    /// Who did it.
    pub actor: Option<PrincipalId>,
    /// What it was done to: an object id, a resource id.
    pub target: Option<String>,
    /// Facts, by name.
    pub detail: Value,
}

/// An event as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What kind of event.
    pub kind: String,
    /// Who did it.
    pub actor: Option<PrincipalId>,
    /// What it was done to.
    pub target: Option<String>,
    /// Facts, by name.
    pub detail: Value,
}

statements! {
    NEXT = "SELECT max(coalesce((SELECT max(seq) FROM audit), 0), coalesce((SELECT max(seq) FROM audit_link), 0)) + 1 AS next";
    INSERT = "INSERT INTO audit (seq, at, tenant, actor, kind, target, detail, tag) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    NEWEST = "SELECT seq, at, kind, actor, target, detail FROM audit WHERE tenant = $1 ORDER BY seq DESC LIMIT $2";
    UNTAGGED = "SELECT seq, at, tenant, actor, kind, target, detail FROM audit WHERE tag IS NULL AND NOT EXISTS (SELECT 1 FROM audit_link) ORDER BY seq";
    TAG = "UPDATE audit SET tag = $2 WHERE seq = $1";
}

#[cfg(test)]
pub(crate) fn all_statements() -> Vec<(&'static str, &'static str)> {
    [ALL, activity::ALL, trail::ALL, verify::ALL].concat()
}

pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    seal: &SealingKey,
    at: Timestamp,
    event: &AuditEvent,
) -> Result<(), StoreError> {
    if !is_known(event.kind) {
        // It is told all the same; a test keeps our own sources within the list.
        tracing::error!(kind = event.kind, "an audit event is in no list; add it to `entrance_model::audit`");
    }
    // There is one writer, and the number of a row that was taken away is never given again.
    let seq = sqlx::query(NEXT).fetch_one(&mut *conn).await?.try_get("next")?;
    let record = Record {
        seq,
        at: at.as_microsecond(),
        tenant: event.tenant.map(|id| id.to_string()),
        actor: event.actor.map(|id| id.to_string()),
        kind: event.kind.to_owned(),
        target: event.target.clone(),
        detail: json_text(&event.detail),
    };
    sqlx::query(INSERT)
        .bind(seq)
        .bind(record.at)
        .bind(&record.tenant)
        .bind(&record.actor)
        .bind(&record.kind)
        .bind(&record.target)
        .bind(&record.detail)
        .bind(tag(seal, &record))
        .execute(conn)
        .await?;
    Ok(())
}

/// Shows that Entrance wrote the row.
fn tag(seal: &SealingKey, record: &Record) -> Vec<u8> {
    seal.tag(&record.bytes())
}

/// Tags the rows of a program that knew no tags. Once there is a chain, a row without a tag is one that others wrote.
pub(crate) async fn adopt(conn: &mut SqliteConnection, seal: &SealingKey) -> Result<(), StoreError> {
    let rows = sqlx::query(UNTAGGED).fetch_all(&mut *conn).await?;
    for row in &rows {
        let record = read(&Row::of("audit", row))?;
        sqlx::query(TAG).bind(record.seq).bind(tag(seal, &record)).execute(&mut *conn).await?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Record, StoreError> {
    Ok(Record {
        seq: row.int("seq")?,
        at: row.int("at")?,
        tenant: row.maybe_text("tenant")?,
        actor: row.maybe_text("actor")?,
        kind: row.text("kind")?,
        target: row.maybe_text("target")?,
        detail: row.text("detail")?,
    })
}

impl Reader {
    /// The newest events of a tenant.
    pub async fn audit_trail(&mut self, tenant: TenantId, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query(NEWEST).bind(tenant.to_string()).bind(limit).fetch_all(self.view.conn()).await?;
        rows.iter().map(shown).collect()
    }
}

fn shown(row: &SqliteRow) -> Result<AuditRow, StoreError> {
    let row = Row::of("audit", row);
    let actor = row.maybe_text("actor")?.map(|id| id.parse()).transpose();
    Ok(AuditRow {
        seq: row.int("seq")?,
        at: row.time("at")?,
        kind: row.text("kind")?,
        actor: actor.map_err(|_| StoreError::Corrupt { table: "audit", column: "actor", why: "no id".into() })?,
        target: row.maybe_text("target")?,
        detail: row.json("detail")?,
    })
}
