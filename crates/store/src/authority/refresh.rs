//! Refresh tokens and their families.

use entrance_model::Timestamp;
use entrance_model::id::{SessionId, TenantId, UserId};
use entrance_model::signin::refresh::{Ended, Family, FamilyId, RefreshToken};

use super::{Authority, Versioned, swapped};
use crate::error::StoreError;
use crate::row::{Row, json_text};
use crate::session::Write;
use crate::sql::statements;

statements! {
    ONE = "SELECT t.tenant, t.family, t.version, t.state AS token, f.state AS family_state FROM refresh_token t JOIN refresh_family f ON f.tenant = t.tenant AND f.id = t.family WHERE t.hash = $1";
    INSERT_FAMILY = "INSERT INTO refresh_family (tenant, id, user, session, state) VALUES ($1, $2, $3, $4, $5)";
    INSERT = "INSERT INTO refresh_token (hash, tenant, family, version, state, until) VALUES ($1, $2, $3, 1, $4, $5)";
    SWAP = "UPDATE refresh_token SET state = $3, version = version + 1 WHERE hash = $1 AND version = $2";
    END = "UPDATE refresh_family SET state = json_set(state, '$.ended', $3) WHERE tenant = $1 AND id = $2 AND json_extract(state, '$.ended') IS NULL";
    END_SESSION = "UPDATE refresh_family SET state = json_set(state, '$.ended', $3) WHERE tenant = $1 AND session = $2 AND json_extract(state, '$.ended') IS NULL";
    END_USER = "UPDATE refresh_family SET state = json_set(state, '$.ended', $3) WHERE tenant = $1 AND user = $2 AND json_extract(state, '$.ended') IS NULL";
}

/// A refresh token as it is kept, with its family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRefreshToken {
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// Its family's id.
    pub family_id: FamilyId,
    /// Its family.
    pub family: Family,
    /// The token.
    pub token: Versioned<RefreshToken>,
}

/// The word of an end, as the family's state spells it.
fn word(why: Ended) -> String {
    json_text(&why).trim_matches('"').to_owned()
}

impl<M> Authority<'_, M> {
    /// The refresh token with this hash.
    pub async fn refresh_token(&mut self, hash: &str) -> Result<Option<StoredRefreshToken>, StoreError> {
        let row = sqlx::query(ONE).bind(hash).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| {
            let row = Row::of("refresh_token", &row);
            Ok(StoredRefreshToken {
                tenant: row.parsed("tenant")?,
                family_id: row.parsed("family")?,
                family: row.json("family_state")?,
                token: Versioned { state: row.json("token")?, version: row.int("version")? },
            })
        })
        .transpose()
    }
}

impl Authority<'_, Write> {
    /// Begins a family.
    pub async fn insert_family(&mut self, tenant: TenantId, id: FamilyId, family: &Family) -> Result<(), StoreError> {
        sqlx::query(INSERT_FAMILY)
            .bind(tenant.to_string())
            .bind(id.to_string())
            .bind(family.by.user.to_string())
            .bind(family.by.session.to_string())
            .bind(json_text(family))
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Keeps a new token of a family.
    pub async fn insert_refresh_token(
        &mut self,
        hash: &str,
        tenant: TenantId,
        family: FamilyId,
        token: &RefreshToken,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(INSERT)
            .bind(hash)
            .bind(tenant.to_string())
            .bind(family.to_string())
            .bind(json_text(token))
            .bind(until.as_microsecond())
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Changes a token, if it is still as it was read.
    pub async fn swap_refresh_token(&mut self, hash: &str, version: i64, after: &RefreshToken) -> Result<(), StoreError> {
        let done = sqlx::query(SWAP).bind(hash).bind(version).bind(json_text(after)).execute(&mut *self.0.conn).await?;
        swapped(&done)
    }

    /// Ends a family.
    pub async fn end_family(&mut self, tenant: TenantId, id: FamilyId, why: Ended) -> Result<(), StoreError> {
        sqlx::query(END).bind(tenant.to_string()).bind(id.to_string()).bind(word(why)).execute(&mut *self.0.conn).await?;
        Ok(())
    }

    /// Ends every family that came from a session.
    pub async fn end_families_of_session(&mut self, tenant: TenantId, session: SessionId, why: Ended) -> Result<(), StoreError> {
        sqlx::query(END_SESSION)
            .bind(tenant.to_string())
            .bind(session.to_string())
            .bind(word(why))
            .execute(&mut *self.0.conn)
            .await?;
        Ok(())
    }

    /// Ends every family of a person.
    pub async fn end_families_of_user(&mut self, tenant: TenantId, user: UserId, why: Ended) -> Result<(), StoreError> {
        sqlx::query(END_USER).bind(tenant.to_string()).bind(user.to_string()).bind(word(why)).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
