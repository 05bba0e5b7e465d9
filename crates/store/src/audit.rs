//! The audit trail: rows that commit together with what they tell.

use entrance_model::Timestamp;
use entrance_model::id::{PrincipalId, TenantId};
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Reader;
use crate::sql::statements;

/// Something that happened. Never holds a secret, a token, a code or a password.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// What kind of event, from a closed list of the area (`signIn.succeeded`, `cluster.created`, …).
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
    INSERT = "INSERT INTO audit (at, tenant, actor, kind, target, detail) VALUES ($1, $2, $3, $4, $5, $6)";
    NEWEST = "SELECT seq, at, kind, actor, target, detail FROM audit WHERE tenant = $1 ORDER BY seq DESC LIMIT $2";
}

pub(crate) async fn insert(conn: &mut SqliteConnection, at: Timestamp, event: &AuditEvent) -> Result<(), StoreError> {
    sqlx::query(INSERT)
        .bind(at.as_microsecond())
        .bind(event.tenant.map(|id| id.to_string()))
        .bind(event.actor.map(|id| id.to_string()))
        .bind(event.kind)
        .bind(&event.target)
        .bind(json_text(&event.detail))
        .execute(conn)
        .await?;
    Ok(())
}

impl Reader {
    /// The newest events of a tenant.
    pub async fn audit_trail(&mut self, tenant: TenantId, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query(NEWEST).bind(tenant.to_string()).bind(limit).fetch_all(&mut *self.tx).await?;
        rows.iter()
            .map(|row| {
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
            })
            .collect()
    }
}
