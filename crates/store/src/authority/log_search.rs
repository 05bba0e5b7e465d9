//! Finding decisions in the sign-in log, and forgetting those that were kept long enough (S-804).

use entrance_model::Timestamp;
use entrance_model::id::{AppId, PrincipalId, TenantId};
use uuid::Uuid;

use super::Authority;
use super::log::{DecisionRow, read};
use crate::error::StoreError;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    DOWN = "SELECT seq, at, tenant, user, app, resource, kind, interactive, code, reason, address, agent, request, correlation, token, session, device, conditional, policies, factors FROM signin_log WHERE tenant = $1 AND seq < $2 AND at >= $3 AND at <= $4 AND ($5 IS NULL OR app = $5) AND ($6 IS NULL OR code = $6) AND ($7 IS NULL OR address = $7) AND ($8 IS NULL OR correlation = $8) ORDER BY seq DESC LIMIT $9";
    UP = "SELECT seq, at, tenant, user, app, resource, kind, interactive, code, reason, address, agent, request, correlation, token, session, device, conditional, policies, factors FROM signin_log WHERE tenant = $1 AND seq > $2 AND at >= $3 AND at <= $4 AND ($5 IS NULL OR app = $5) AND ($6 IS NULL OR code = $6) AND ($7 IS NULL OR address = $7) AND ($8 IS NULL OR correlation = $8) ORDER BY seq LIMIT $9";
    DOWN_OF_USER = "SELECT seq, at, tenant, user, app, resource, kind, interactive, code, reason, address, agent, request, correlation, token, session, device, conditional, policies, factors FROM signin_log WHERE tenant = $1 AND user = $10 AND seq < $2 AND at >= $3 AND at <= $4 AND ($5 IS NULL OR app = $5) AND ($6 IS NULL OR code = $6) AND ($7 IS NULL OR address = $7) AND ($8 IS NULL OR correlation = $8) ORDER BY seq DESC LIMIT $9";
    UP_OF_USER = "SELECT seq, at, tenant, user, app, resource, kind, interactive, code, reason, address, agent, request, correlation, token, session, device, conditional, policies, factors FROM signin_log WHERE tenant = $1 AND user = $10 AND seq > $2 AND at >= $3 AND at <= $4 AND ($5 IS NULL OR app = $5) AND ($6 IS NULL OR code = $6) AND ($7 IS NULL OR address = $7) AND ($8 IS NULL OR correlation = $8) ORDER BY seq LIMIT $9";
    OF_REQUEST = "SELECT seq, at, tenant, user, app, resource, kind, interactive, code, reason, address, agent, request, correlation, token, session, device, conditional, policies, factors FROM signin_log WHERE tenant = $1 AND request = $2 ORDER BY seq DESC LIMIT 1";
    PRUNE = "DELETE FROM signin_log WHERE seq IN (SELECT seq FROM (SELECT seq, at FROM signin_log WHERE tenant = $1 ORDER BY seq LIMIT $3) WHERE at < $2)";
}

/// Which decisions are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct SignInSearch {
    /// Only those of this person or service principal.
    pub user: Option<PrincipalId>,
    /// Only those of this client.
    pub app: Option<AppId>,
    /// Only those with this number.
    pub code: Option<u32>,
    /// Only those from this address.
    pub address: Option<String>,
    /// Only those of this request of a client.
    pub correlation: Option<Uuid>,
    /// Not older.
    pub since: Option<Timestamp>,
    /// Not newer.
    pub until: Option<Timestamp>,
    /// The oldest first.
    pub ascending: bool,
    /// Behind this number, in the order of the list.
    pub after: Option<i64>,
}

impl<M> Authority<'_, M> {
    /// Decisions of a tenant, the newest first unless asked otherwise.
    pub async fn find_sign_ins(
        &mut self,
        tenant: TenantId,
        search: &SignInSearch,
        limit: u32,
    ) -> Result<Vec<DecisionRow>, StoreError> {
        let statement = match (search.ascending, search.user.is_some()) {
            (false, false) => DOWN,
            (true, false) => UP,
            (false, true) => DOWN_OF_USER,
            (true, true) => UP_OF_USER,
        };
        let beyond = if search.ascending { 0 } else { i64::MAX };
        let mut query = sqlx::query(statement)
            .bind(tenant.to_string())
            .bind(search.after.unwrap_or(beyond))
            .bind(search.since.map_or(i64::MIN, Timestamp::as_microsecond))
            .bind(search.until.map_or(i64::MAX, Timestamp::as_microsecond))
            .bind(search.app.map(|id| id.to_string()))
            .bind(search.code.map(i64::from))
            .bind(search.address.as_deref())
            .bind(search.correlation.map(|id| id.to_string()))
            .bind(limit);
        if let Some(user) = search.user {
            query = query.bind(user.to_string());
        }
        let rows = query.fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("signin_log", row))).collect()
    }

    /// The decision about one request of ours; the last one, where there were several.
    pub async fn decision_of_request(&mut self, tenant: TenantId, request: Uuid) -> Result<Option<DecisionRow>, StoreError> {
        let row =
            sqlx::query(OF_REQUEST).bind(tenant.to_string()).bind(request.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("signin_log", &row))).transpose()
    }
}

impl Authority<'_, Write> {
    /// Forgets decisions of a tenant from before a moment, the oldest first, at most so many; answers how many.
    pub async fn prune_sign_ins(&mut self, tenant: TenantId, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        let done = sqlx::query(PRUNE)
            .bind(tenant.to_string())
            .bind(before.as_microsecond())
            .bind(most)
            .execute(&mut *self.0.conn)
            .await?;
        Ok(done.rows_affected())
    }
}
