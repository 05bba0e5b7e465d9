//! The kill switch: what was revoked, and everything that ends with it, in one transaction.

use entrance_model::Timestamp;
use entrance_model::id::{PrincipalId, SessionId, TenantId, UserId};
use entrance_model::signin::refresh::Ended;
use entrance_model::signin::revocation::{Issued, KEPT, Kind, Revocation, Target};

use super::Authority;
use crate::error::StoreError;
use crate::feed::ChangeKind;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    HEAD = "SELECT head FROM revocation_head WHERE tenant = $1";
    ADVANCE = "INSERT INTO revocation_head (tenant, head) VALUES ($1, 1) ON CONFLICT (tenant) DO UPDATE SET head = revocation_head.head + 1 RETURNING head";
    AFTER = "SELECT kind, id, number, through_kind, through_id, reason, by_whom, at, until FROM revocation WHERE tenant = $1 AND number > $2 ORDER BY number";
    NEWEST = "SELECT kind, id, number, through_kind, through_id, reason, by_whom, at, until FROM revocation WHERE tenant = $1 AND until > $2 ORDER BY number DESC LIMIT $3";
    ONE = "SELECT kind, id, number, through_kind, through_id, reason, by_whom, at, until FROM revocation WHERE tenant = $1 AND kind = $2 AND id = $3";
    ABOUT = "SELECT kind, id, number, through_kind, through_id, reason, by_whom, at, until FROM revocation WHERE tenant = $1 AND ((kind = 'token' AND id = $2) OR (kind = 'session' AND id = $3) OR (kind = 'person' AND id = $4) OR (kind = 'application' AND id = $5))";
    COUNT = "SELECT count(*) AS n FROM revocation WHERE tenant = $1";
    PUT = "INSERT INTO revocation (tenant, kind, id, number, through_kind, through_id, reason, by_whom, at, until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (tenant, kind, id) DO UPDATE SET number = excluded.number, through_kind = excluded.through_kind, through_id = excluded.through_id, reason = excluded.reason, by_whom = excluded.by_whom, at = excluded.at, until = excluded.until";
    LIVE_OF_DEVICE = "SELECT id, user FROM session WHERE tenant = $1 AND device = $2 AND ended IS NULL";
    CHILDREN = "SELECT id FROM session WHERE tenant = $1 AND parent = $2 AND ended IS NULL";
    END_SESSION = "UPDATE session SET ended = $3 WHERE tenant = $1 AND id = $2 AND ended IS NULL";
    END_OF_USER = "UPDATE session SET ended = $3 WHERE tenant = $1 AND user = $2 AND ended IS NULL";
    END_OF_APP = "UPDATE session SET ended = $3 WHERE tenant = $1 AND app = $2 AND place <> 'browser' AND ended IS NULL";
    BROWSERS_OF_USER = "DELETE FROM browser_session WHERE tenant = $1 AND user = $2";
    FAMILIES_OF_APP = "UPDATE refresh_family SET state = json_set(state, '$.ended', 'revoked') WHERE tenant = $1 AND json_extract(state, '$.app') = $2 AND json_extract(state, '$.ended') IS NULL";
    CODES_OF_SESSION = "DELETE FROM authorization_code WHERE json_extract(state, '$.state') = 'live' AND json_extract(state, '$.by.session') = $1";
    CODES_OF_USER = "DELETE FROM authorization_code WHERE json_extract(state, '$.state') = 'live' AND json_extract(state, '$.by.user') = $1";
    CODES_OF_APP = "DELETE FROM authorization_code WHERE json_extract(state, '$.state') = 'live' AND json_extract(state, '$.request.tenant') = $1 AND json_extract(state, '$.request.app') = $2";
    GRANTS_OF_SESSION = "DELETE FROM device_grant WHERE json_extract(state, '$.state') = 'approved' AND json_extract(state, '$.by.session') = $1";
    GRANTS_OF_USER = "DELETE FROM device_grant WHERE json_extract(state, '$.state') = 'approved' AND json_extract(state, '$.by.user') = $1";
    GRANTS_OF_APP = "DELETE FROM device_grant WHERE json_extract(state, '$.state') = 'approved' AND json_extract(state, '$.request.tenant') = $1 AND json_extract(state, '$.request.app') = $2";
}

/// A revocation that is to be carried out.
#[derive(Debug, Clone)]
pub struct Revoke<'a> {
    /// What.
    pub target: &'a Target,
    /// Only this person's sessions, where a device is revoked by somebody who may not speak for others.
    pub only: Option<UserId>,
    /// Why.
    pub reason: &'a str,
    /// Who does it.
    pub by: Option<PrincipalId>,
    /// When.
    pub at: Timestamp,
}

/// What a revocation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// As it is remembered.
    pub revocation: Revocation,
    /// The sessions that ended with it.
    pub sessions: Vec<SessionId>,
}

/// More would make every server's memory grow without need: whoever has so many to revoke revokes people.
const MOST: i64 = 100_000;

fn read(row: &Row<'_>) -> Result<Revocation, StoreError> {
    let target = |kind: &'static str, id: &'static str| {
        let kind_word: Kind = row.parsed(kind)?;
        let corrupt = |why: String| StoreError::Corrupt { table: "revocation", column: id, why };
        Target::parse(kind_word, &row.text(id)?).map_err(|e| corrupt(e.to_string()))
    };
    Ok(Revocation {
        number: row.int("number")?,
        target: target("kind", "id")?,
        through: if row.maybe_text("through_kind")?.is_some() { Some(target("through_kind", "through_id")?) } else { None },
        reason: row.text("reason")?,
        by: row.maybe_parsed("by_whom")?,
        at: row.time("at")?,
        until: row.time("until")?,
    })
}

impl<M> Authority<'_, M> {
    /// The number of the last revocation of a directory; 0 where there was none.
    pub async fn revocation_head(&mut self, tenant: TenantId) -> Result<i64, StoreError> {
        let row = sqlx::query(HEAD).bind(tenant.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map_or(Ok(0), |row| Row::of("revocation_head", &row).int("head"))
    }

    /// The revocations after a number, in their order.
    pub async fn revocations_after(&mut self, tenant: TenantId, number: i64) -> Result<Vec<Revocation>, StoreError> {
        let rows = sqlx::query(AFTER).bind(tenant.to_string()).bind(number).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("revocation", row))).collect()
    }

    /// The revocations that still count, the newest first.
    pub async fn revocations(&mut self, tenant: TenantId, now: Timestamp, most: u32) -> Result<Vec<Revocation>, StoreError> {
        let rows = sqlx::query(NEWEST)
            .bind(tenant.to_string())
            .bind(now.as_microsecond())
            .bind(most)
            .fetch_all(&mut *self.0.conn)
            .await?;
        rows.iter().map(|row| read(&Row::of("revocation", row))).collect()
    }

    /// The revocation of something.
    pub async fn revocation_of(&mut self, tenant: TenantId, target: &Target) -> Result<Option<Revocation>, StoreError> {
        let row = sqlx::query(ONE)
            .bind(tenant.to_string())
            .bind(target.kind().as_str())
            .bind(target.id())
            .fetch_optional(&mut *self.0.conn)
            .await?;
        row.map(|row| read(&Row::of("revocation", &row))).transpose()
    }

    /// What was revoked that this token is, belongs to or came from.
    pub async fn revoked(&mut self, tenant: TenantId, token: &Issued<'_>) -> Result<Option<Revocation>, StoreError> {
        let rows = sqlx::query(ABOUT)
            .bind(tenant.to_string())
            .bind(token.id)
            .bind(token.session.map(|id| id.to_string()))
            .bind(token.subject.to_string())
            .bind(token.app.to_string())
            .fetch_all(&mut *self.0.conn)
            .await?;
        for row in &rows {
            let revocation = read(&Row::of("revocation", row))?;
            if revocation.ends(token) {
                return Ok(Some(revocation));
            }
        }
        Ok(None)
    }
}

impl Authority<'_, Write> {
    /// Revokes something, and ends in the same transaction whatever came from it: sessions, refresh tokens, codes,
    /// device codes. What is over already stays as it was; a person and an application are revoked anew each time.
    ///
    /// `Ok(None)`: there are too many revocations of single tokens and sessions already.
    pub async fn revoke(&mut self, tenant: TenantId, revoke: &Revoke<'_>) -> Result<Option<Revoked>, StoreError> {
        let Revoke { target, only, at, .. } = *revoke;
        if let Target::Token(_) | Target::Session(_) = target
            && let Some(revocation) = self.revocation_of(tenant, target).await?
        {
            return Ok(Some(Revoked { revocation, sessions: Vec::new() }));
        }
        if let Target::Token(_) | Target::Session(_) | Target::Device(_) = target
            && self.count(tenant).await? >= MOST
        {
            return Ok(None);
        }
        let mut sessions = Vec::new();
        match target {
            Target::Token(_) => {}
            Target::Session(id) => sessions.extend(self.with_children(tenant, *id).await?),
            Target::Device(device) => {
                for (id, user) in self.live_of_device(tenant, &device.to_string()).await? {
                    if only.is_none_or(|only| only == user) {
                        sessions.extend(self.with_children(tenant, id).await?);
                    }
                }
                sessions.sort_unstable();
                sessions.dedup();
            }
            Target::Person(user) => self.end_all_of_user(tenant, *user, at).await?,
            Target::Application(app) => {
                let (tenant, app) = (tenant.to_string(), app.to_string());
                sqlx::query(END_OF_APP).bind(&tenant).bind(&app).bind(at.as_microsecond()).execute(&mut *self.0.conn).await?;
                for statement in [FAMILIES_OF_APP, CODES_OF_APP, GRANTS_OF_APP] {
                    sqlx::query(statement).bind(&tenant).bind(&app).execute(&mut *self.0.conn).await?;
                }
            }
        }
        let number = self.put(tenant, target, None, revoke).await?;
        for id in &sessions {
            let session = Target::Session(*id);
            if session != *target {
                self.put(tenant, &session, Some(target), revoke).await?;
            }
            self.end_session(tenant, *id, at).await?;
        }
        self.0.changed(ChangeKind::Session, tenant, number);
        let revocation = Revocation {
            number,
            target: target.clone(),
            through: None,
            reason: revoke.reason.to_owned(),
            by: revoke.by,
            at,
            until: at + KEPT,
        };
        Ok(Some(Revoked { revocation, sessions }))
    }

    async fn count(&mut self, tenant: TenantId) -> Result<i64, StoreError> {
        let row = sqlx::query(COUNT).bind(tenant.to_string()).fetch_one(&mut *self.0.conn).await?;
        Row::of("revocation", &row).int("n")
    }

    async fn put(
        &mut self,
        tenant: TenantId,
        target: &Target,
        through: Option<&Target>,
        revoke: &Revoke<'_>,
    ) -> Result<i64, StoreError> {
        let row = sqlx::query(ADVANCE).bind(tenant.to_string()).fetch_one(&mut *self.0.conn).await?;
        let number = Row::of("revocation_head", &row).int("head")?;
        sqlx::query(PUT)
            .bind(tenant.to_string())
            .bind(target.kind().as_str())
            .bind(target.id())
            .bind(number)
            .bind(through.map(|larger| larger.kind().as_str()))
            .bind(through.map(Target::id))
            .bind(revoke.reason)
            .bind(revoke.by.map(|id| id.to_string()))
            .bind(revoke.at.as_microsecond())
            .bind((revoke.at + KEPT).as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(number)
    }

    async fn live_of_device(&mut self, tenant: TenantId, device: &str) -> Result<Vec<(SessionId, UserId)>, StoreError> {
        let rows = sqlx::query(LIVE_OF_DEVICE).bind(tenant.to_string()).bind(device).fetch_all(&mut *self.0.conn).await?;
        let read = |row| {
            let row = Row::of("session", row);
            Ok((row.parsed("id")?, row.parsed("user")?))
        };
        rows.iter().map(read).collect()
    }

    /// A session and those that were approved in it.
    async fn with_children(&mut self, tenant: TenantId, id: SessionId) -> Result<Vec<SessionId>, StoreError> {
        let rows = sqlx::query(CHILDREN).bind(tenant.to_string()).bind(id.to_string()).fetch_all(&mut *self.0.conn).await?;
        let mut all = vec![id];
        for row in &rows {
            all.push(Row::of("session", row).parsed("id")?);
        }
        Ok(all)
    }

    async fn end_session(&mut self, tenant: TenantId, id: SessionId, at: Timestamp) -> Result<(), StoreError> {
        let text = id.to_string();
        sqlx::query(END_SESSION)
            .bind(tenant.to_string())
            .bind(&text)
            .bind(at.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        self.end_browser_session(tenant, id).await?;
        self.end_families_of_session(tenant, id, Ended::Revoked).await?;
        for statement in [CODES_OF_SESSION, GRANTS_OF_SESSION] {
            sqlx::query(statement).bind(&text).execute(&mut *self.0.conn).await?;
        }
        Ok(())
    }

    async fn end_all_of_user(&mut self, tenant: TenantId, user: UserId, at: Timestamp) -> Result<(), StoreError> {
        let (of, text) = (tenant.to_string(), user.to_string());
        sqlx::query(END_OF_USER).bind(&of).bind(&text).bind(at.as_microsecond()).execute(&mut *self.0.conn).await?;
        sqlx::query(BROWSERS_OF_USER).bind(&of).bind(&text).execute(&mut *self.0.conn).await?;
        self.end_families_of_user(tenant, user, Ended::Revoked).await?;
        for statement in [CODES_OF_USER, GRANTS_OF_USER] {
            sqlx::query(statement).bind(&text).execute(&mut *self.0.conn).await?;
        }
        Ok(())
    }
}
