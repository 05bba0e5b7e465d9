//! Which applications somebody used in a session: those are told when it ends.

use entrance_model::id::{AppId, SessionId, TenantId, UserId};

use super::Authority;
use crate::error::StoreError;
use crate::row::Row;
use crate::sql::statements;

statements! {
    APPS = "SELECT DISTINCT app FROM signin_log WHERE tenant = $1 AND user = $2 AND session = $3 AND code = 0 AND app IS NOT NULL ORDER BY app LIMIT 50";
}

impl<M> Authority<'_, M> {
    /// The applications that got something in a session, as far as the log reaches.
    pub async fn apps_of_session(
        &mut self,
        tenant: TenantId,
        user: UserId,
        session: SessionId,
    ) -> Result<Vec<AppId>, StoreError> {
        let rows = sqlx::query(APPS)
            .bind(tenant.to_string())
            .bind(user.to_string())
            .bind(session.to_string())
            .fetch_all(&mut *self.0.conn)
            .await?;
        rows.iter().map(|row| Row::of("signin_log", row).parsed("app")).collect()
    }
}
