//! People signed in in a browser.

use entrance_model::Timestamp;
use entrance_model::id::{SessionId, TenantId, UserId};
use entrance_model::signin::session::BrowserSession;

use super::{Authority, swapped};
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    OF_BROWSER = "SELECT tenant, id, user, at, how, seen, strong, keep FROM browser_session WHERE browser = $1 ORDER BY at DESC, id";
    INSERT = "INSERT INTO browser_session (tenant, id, browser, user, at, how, seen, strong, keep) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    MOVE = "UPDATE browser_session SET browser = $2 WHERE browser = $1";
    STRENGTHEN = "UPDATE browser_session SET how = $3, strong = $4, seen = $5 WHERE tenant = $1 AND id = $2";
    SEEN = "UPDATE browser_session SET seen = $3 WHERE tenant = $1 AND id = $2";
    END = "DELETE FROM browser_session WHERE tenant = $1 AND id = $2";
    END_USER_HERE = "DELETE FROM browser_session WHERE browser = $1 AND tenant = $2 AND user = $3";
    END_BROWSER = "DELETE FROM browser_session WHERE browser = $1";
}

impl<M> Authority<'_, M> {
    /// Everybody who is signed in in a browser, the newest first, with their tenants.
    pub async fn browser_sessions(&mut self, browser: &str) -> Result<Vec<(TenantId, BrowserSession)>, StoreError> {
        let rows = sqlx::query(OF_BROWSER).bind(browser).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("browser_session", row);
                let session = BrowserSession {
                    id: row.parsed("id")?,
                    user: row.parsed("user")?,
                    at: row.time("at")?,
                    how: row.json("how")?,
                    seen: row.time("seen")?,
                    strong: row.maybe_time("strong")?,
                    keep: row.flag("keep")?,
                };
                Ok((row.parsed("tenant")?, session))
            })
            .collect()
    }
}

impl Authority<'_, Write> {
    /// Adds a session to a browser; an older one of the same person there ends.
    pub async fn insert_browser_session(
        &mut self,
        tenant: TenantId,
        browser: &str,
        session: &BrowserSession,
    ) -> Result<(), StoreError> {
        self.end_user_in_browser(tenant, browser, session.user).await?;
        sqlx::query(INSERT)
            .bind(tenant.to_string())
            .bind(session.id.to_string())
            .bind(browser)
            .bind(session.user.to_string())
            .bind(session.at.as_microsecond())
            .bind(json_text(&session.how))
            .bind(session.seen.as_microsecond())
            .bind(session.strong.map(Timestamp::as_microsecond))
            .bind(session.keep)
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Keeps what was proven in a session later. One that is gone meanwhile is a conflict.
    pub async fn strengthen_browser_session(&mut self, tenant: TenantId, session: &BrowserSession) -> Result<(), StoreError> {
        let done = sqlx::query(STRENGTHEN)
            .bind(tenant.to_string())
            .bind(session.id.to_string())
            .bind(json_text(&session.how))
            .bind(session.strong.map(Timestamp::as_microsecond))
            .bind(session.seen.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        swapped(&done)
    }

    /// Gives a browser's sessions to its new cookie.
    pub async fn move_browser(&mut self, from: &str, to: &str) -> Result<(), StoreError> {
        sqlx::query(MOVE).bind(from).bind(to).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Remembers that a session was used. One that is gone meanwhile is a conflict: nothing may come from it any more.
    pub async fn browser_session_seen(&mut self, tenant: TenantId, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let done = sqlx::query(SEEN)
            .bind(tenant.to_string())
            .bind(id.to_string())
            .bind(now.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        swapped(&done)
    }

    /// Ends one session.
    pub async fn end_browser_session(&mut self, tenant: TenantId, id: SessionId) -> Result<(), StoreError> {
        sqlx::query(END).bind(tenant.to_string()).bind(id.to_string()).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Ends everything in a browser.
    pub async fn end_browser(&mut self, browser: &str) -> Result<(), StoreError> {
        sqlx::query(END_BROWSER).bind(browser).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    async fn end_user_in_browser(&mut self, tenant: TenantId, browser: &str, user: UserId) -> Result<(), StoreError> {
        sqlx::query(END_USER_HERE)
            .bind(browser)
            .bind(tenant.to_string())
            .bind(user.to_string())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }
}
