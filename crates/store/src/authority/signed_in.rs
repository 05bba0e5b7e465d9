//! Sessions as they are listed: who is signed in where, since when, with what.

use entrance_model::Timestamp;
use entrance_model::id::{AppId, DeviceId, PrincipalId, SessionId, TenantId, UserId};
use entrance_model::signin::revocation::TokenId;
use entrance_model::signin::session::Session;

use super::Authority;
use crate::error::StoreError;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT id, user, place, device, parent, app, address, agent, began, seen, seen_from, until, ended FROM session WHERE tenant = $1 AND id = $2";
    OF_USER = "SELECT id, user, place, device, parent, app, address, agent, began, seen, seen_from, until, ended FROM session WHERE tenant = $1 AND user = $2 AND ended IS NULL AND until > $3 ORDER BY seen DESC, id LIMIT $4";
    ALL_LIVE = "SELECT id, user, place, device, parent, app, address, agent, began, seen, seen_from, until, ended FROM session WHERE tenant = $1 AND ended IS NULL AND until > $2 ORDER BY seen DESC, id LIMIT $3";
    OF_DEVICE = "SELECT id, user, place, device, parent, app, address, agent, began, seen, seen_from, until, ended FROM session WHERE tenant = $1 AND device = $2 AND ended IS NULL ORDER BY began, id";
    INSERT = "INSERT INTO session (tenant, id, user, place, device, parent, app, address, agent, began, seen, seen_from, until, ended) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, NULL)";
    USED = "UPDATE session SET seen = $3, seen_from = $4, until = max(until, $5), app = coalesce($6, app) WHERE tenant = $1 AND id = $2";
    HOLDER = "SELECT user, session FROM signin_log WHERE tenant = $1 AND token = $2 AND user IS NOT NULL ORDER BY seq DESC LIMIT 1";
}

/// Who holds a token that we made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The person or service principal.
    pub subject: PrincipalId,
    /// The session, of a person's token.
    pub session: Option<SessionId>,
}

fn read(row: &Row<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.parsed("id")?,
        user: row.parsed("user")?,
        place: row.parsed("place")?,
        device: row.parsed("device")?,
        parent: row.maybe_parsed("parent")?,
        app: row.maybe_parsed("app")?,
        address: row.text("address")?,
        agent: row.maybe_text("agent")?,
        began: row.time("began")?,
        seen: row.time("seen")?,
        seen_from: row.text("seen_from")?,
        until: row.time("until")?,
        ended: row.maybe_time("ended")?,
    })
}

impl<M> Authority<'_, M> {
    /// One session, whether it lives or not.
    pub async fn session(&mut self, tenant: TenantId, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row = sqlx::query(ONE).bind(tenant.to_string()).bind(id.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("session", &row))).transpose()
    }

    /// The live sessions of a person, or of everybody; the last used first.
    pub async fn sessions(
        &mut self,
        tenant: TenantId,
        user: Option<UserId>,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let query = match user {
            Some(user) => sqlx::query(OF_USER).bind(tenant.to_string()).bind(user.to_string()),
            None => sqlx::query(ALL_LIVE).bind(tenant.to_string()),
        };
        let rows = query.bind(now.as_microsecond()).bind(most).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("session", row))).collect()
    }

    /// The sessions on a device that were not ended.
    pub async fn sessions_of_device(&mut self, tenant: TenantId, device: DeviceId) -> Result<Vec<Session>, StoreError> {
        let rows = sqlx::query(OF_DEVICE).bind(tenant.to_string()).bind(device.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("session", row))).collect()
    }

    /// Who holds the token with this id; known for tokens that we made.
    pub async fn token_holder(&mut self, tenant: TenantId, token: &TokenId) -> Result<Option<Holder>, StoreError> {
        let row = sqlx::query(HOLDER).bind(tenant.to_string()).bind(token.as_str()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| {
            let row = Row::of("signin_log", &row);
            Ok(Holder { subject: row.parsed("user")?, session: row.maybe_parsed("session")? })
        })
        .transpose()
    }
}

impl Authority<'_, Write> {
    /// Keeps a session that begins.
    pub async fn insert_session(&mut self, tenant: TenantId, session: &Session) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(tenant.to_string())
            .bind(session.id.to_string())
            .bind(session.user.to_string())
            .bind(session.place.as_str())
            .bind(session.device.to_string())
            .bind(session.parent.map(|id| id.to_string()))
            .bind(session.app.map(|id| id.to_string()))
            .bind(&session.address)
            .bind(&session.agent)
            .bind(session.began.as_microsecond())
            .bind(session.seen.as_microsecond())
            .bind(&session.seen_from)
            .bind(session.until.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Remembers that a session was used, and until when something of it can be used now.
    pub async fn session_used(
        &mut self,
        tenant: TenantId,
        id: SessionId,
        app: Option<AppId>,
        from: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(USED)
            .bind(tenant.to_string())
            .bind(id.to_string())
            .bind(now.as_microsecond())
            .bind(from)
            .bind(until.as_microsecond())
            .bind(app.map(|id| id.to_string()))
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }
}
