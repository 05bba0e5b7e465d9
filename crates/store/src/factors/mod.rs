//! Second factors of people (S-802): authenticator apps with their sealed secret, recovery codes, passkeys; and which
//! challenges were answered, so that each counts once.

mod challenges;
mod passkeys;
mod recovery;
mod totp;

pub use passkeys::KeptPasskey;
pub use totp::KeptTotp;

use entrance_model::id::{MethodId, TenantId, UserId};
use entrance_model::signin::factors::{Factor, Kind};
use entrance_model::signin::steps::Methods;

use crate::error::StoreError;
use crate::row::Row;
use crate::session::{Scope, Write};
use crate::sql::statements;

/// The second factors.
pub struct Factors<'s, M>(pub(crate) Scope<'s, M>);

statements! {
    METHODS = "SELECT (SELECT count(*) FROM totp WHERE tenant = $1 AND user = $2) AS totp, (SELECT count(*) FROM passkey WHERE tenant = $1 AND user = $2 AND alarmed IS NULL) AS passkeys, (SELECT count(*) FROM passkey WHERE tenant = $1 AND user = $2 AND alarmed IS NOT NULL) AS alarmed, (SELECT count(*) FROM recovery_code WHERE tenant = $1 AND user = $2 AND used IS NULL) AS codes";
    LIST = "SELECT id, user, 'passkey' AS kind, name, created, used, alarmed FROM passkey WHERE tenant = $1 AND user = $2 UNION ALL SELECT id, user, 'totp' AS kind, '' AS name, created, used, NULL AS alarmed FROM totp WHERE tenant = $1 AND user = $2 ORDER BY created, id";
    REMOVE_PASSKEY = "DELETE FROM passkey WHERE tenant = $1 AND user = $2 AND id = $3";
    REMOVE_TOTP = "DELETE FROM totp WHERE tenant = $1 AND user = $2 AND id = $3";
}

impl<M> Factors<'_, M> {
    /// Which factors a person has.
    pub async fn methods(&mut self, tenant: TenantId, user: UserId) -> Result<Methods, StoreError> {
        let row = sqlx::query(METHODS).bind(tenant.to_string()).bind(user.to_string()).fetch_one(&mut *self.0.conn).await?;
        let row = Row::of("totp, passkey, recovery_code", &row);
        Ok(Methods {
            totp: row.flag("totp")?,
            passkey: row.flag("passkeys")?,
            alarmed: row.flag("alarmed")?,
            recovery_codes: u32::try_from(row.int("codes")?).unwrap_or_default(),
        })
    }

    /// The factors of a person, the oldest first.
    pub async fn list(&mut self, tenant: TenantId, user: UserId) -> Result<Vec<Factor>, StoreError> {
        let rows = sqlx::query(LIST).bind(tenant.to_string()).bind(user.to_string()).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("totp, passkey", row);
                Ok(Factor {
                    id: row.parsed("id")?,
                    user: row.parsed("user")?,
                    kind: if row.text("kind")? == Kind::Passkey.as_str() { Kind::Passkey } else { Kind::Totp },
                    name: row.text("name")?,
                    created: row.time("created")?,
                    used: row.maybe_time("used")?,
                    alarmed: row.maybe_time("alarmed")?,
                })
            })
            .collect()
    }
}

impl Factors<'_, Write> {
    /// Removes one factor of a person. One that is gone already is a conflict. With the last one the recovery codes go,
    /// which stood in for it.
    pub async fn remove(&mut self, tenant: TenantId, user: UserId, id: MethodId) -> Result<(), StoreError> {
        let mut removed = 0;
        for statement in [REMOVE_PASSKEY, REMOVE_TOTP] {
            let query = sqlx::query(statement).bind(tenant.to_string()).bind(user.to_string()).bind(id.to_string());
            removed += query.execute(&mut *self.0.conn).await?.rows_affected();
        }
        if removed != 1 {
            return Err(StoreError::Conflict);
        }
        if !self.methods(tenant, user).await?.any() {
            self.remove_recovery_codes(tenant, user).await?;
        }
        Ok(())
    }
}

/// Statements of this area, for the test that prepares all.
#[cfg(test)]
pub(crate) fn all_statements() -> Vec<(&'static str, &'static str)> {
    [ALL, challenges::ALL, passkeys::ALL, recovery::ALL, totp::ALL].concat()
}

#[cfg(test)]
mod tests;
