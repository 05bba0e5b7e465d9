//! Forgetting what is over. A redeemed code stays for a day, so that its second use is noticed.

use entrance_model::Timestamp;

use super::Authority;
use crate::edition::Area;
use crate::error::StoreError;
use crate::session::Write;
use crate::sql::statements;

statements! {
    CODES = "DELETE FROM authorization_code WHERE until < $1";
    DEVICE_GRANTS = "DELETE FROM device_grant WHERE until < $1";
    REFRESH_TOKENS = "DELETE FROM refresh_token WHERE until < $1";
    FAMILIES = "DELETE FROM refresh_family WHERE NOT EXISTS (SELECT 1 FROM refresh_token t WHERE t.tenant = refresh_family.tenant AND t.family = refresh_family.id)";
    FLOWS = "DELETE FROM signin_flow WHERE until < $1";
    ASSERTIONS = "DELETE FROM used_assertion WHERE until < $1";
    LOCKOUTS = "DELETE FROM lockout WHERE at < $1";
    FAMILIAR = "DELETE FROM familiar_network WHERE seen < $1";
    BROWSERS = "DELETE FROM browser_session WHERE at < $1";
    SESSIONS = "DELETE FROM session WHERE until < $1";
    CHALLENGES = "DELETE FROM used_challenge WHERE until < $1";
    REVOCATIONS = "DELETE FROM revocation WHERE until < $1";
    PASSES = "DELETE FROM temporary_pass WHERE ends < $1";
}

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

impl Authority<'_, Write> {
    /// Deletes what has been over for a day (sessions: a week after they began).
    pub async fn sweep(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.0.touched(Area::ClientTries);
        let now = now.as_microsecond();
        for (statement, before) in [
            (CODES, now - DAY),
            (DEVICE_GRANTS, now - DAY),
            (REFRESH_TOKENS, now - DAY),
            (FLOWS, now),
            (ASSERTIONS, now),
            (LOCKOUTS, now - DAY),
            (FAMILIAR, now - 30 * DAY),
            (BROWSERS, now - 7 * DAY),
            (SESSIONS, now - DAY),
            (CHALLENGES, now),
            (REVOCATIONS, now),
            (PASSES, now - 7 * DAY),
        ] {
            sqlx::query(statement).bind(before).execute(&mut *self.0.conn).await?;
        }
        sqlx::query(FAMILIES).execute(&mut *self.0.conn).await?;
        Ok(())
    }
}
