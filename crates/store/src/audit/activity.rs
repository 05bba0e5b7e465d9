//! Rows that tell of the management plane, below a place.

use entrance_model::Timestamp;
use entrance_model::arm::Scope;
use entrance_model::arm::activity::ENDED;
use entrance_model::id::{PrincipalId, TenantId};

use super::{AuditRow, shown};
use crate::error::StoreError;
use crate::session::Reader;
use crate::sql::statements;

/// Which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Below {
    /// At this place and below.
    pub scope: Scope,
    /// Who did it.
    pub actor: Option<PrincipalId>,
    /// A text that stands in the facts, such as the id of an operation.
    pub telling: Option<String>,
    /// Not before this.
    pub since: Timestamp,
    /// Not after this.
    pub until: Timestamp,
    /// Only rows before this one.
    pub before: Option<i64>,
}

statements! {
    BELOW = "SELECT seq, at, kind, actor, target, detail FROM audit WHERE tenant = $1 AND seq < $2 AND at >= $3 AND at <= $4 AND (lower(target) = $5 OR substr(lower(target), 1, length($5) + 1) = $5 || '/') AND (kind = $6 OR instr(detail, '\"action\":') > 0) AND ($7 IS NULL OR actor = $7) AND ($8 IS NULL OR instr(detail, $8) > 0) ORDER BY seq DESC LIMIT $9";
}

impl Reader {
    /// The newest rows of a tenant that tell of the management plane below a place.
    pub async fn activity(&mut self, tenant: TenantId, wanted: &Below, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query(BELOW)
            .bind(tenant.to_string())
            .bind(wanted.before.unwrap_or(i64::MAX))
            .bind(wanted.since.as_microsecond())
            .bind(wanted.until.as_microsecond())
            .bind(wanted.scope.key())
            .bind(ENDED)
            .bind(wanted.actor.map(|id| id.to_string()))
            .bind(&wanted.telling)
            .bind(limit)
            .fetch_all(self.view.conn())
            .await?;
        rows.iter().map(shown).collect()
    }
}
