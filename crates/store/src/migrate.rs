//! The schema, as numbered steps that only go forward.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Row as _, SqlSafeStr as _, SqliteConnection};

use crate::error::StoreError;
use crate::sql::statements;

const STEPS: &[(i64, &str, &str)] = &[
    (1, "core", include_str!("../migrations/0001_core.sql")),
    (2, "directory", include_str!("../migrations/0002_directory.sql")),
    (3, "authority", include_str!("../migrations/0003_authority.sql")),
    (4, "arm", include_str!("../migrations/0004_arm.sql")),
    (6, "held name", include_str!("../migrations/0006_held_name.sql")),
    (8, "revocation", include_str!("../migrations/0008_revocation.sql")),
    (9, "name use", include_str!("../migrations/0009_name_use.sql")),
    (10, "doors", include_str!("../migrations/0010_doors.sql")),
    (11, "sealed door", include_str!("../migrations/0011_sealed_door.sql")),
    (12, "audit chain", include_str!("../migrations/0012_audit_chain.sql")),
    (13, "tokens", include_str!("../migrations/0013_tokens.sql")),
    (14, "permission grant", include_str!("../migrations/0014_permission_grant.sql")),
    (15, "factors", include_str!("../migrations/0015_factors.sql")),
    (16, "policies", include_str!("../migrations/0016_policies.sql")),
    (17, "workload", include_str!("../migrations/0017_workload.sql")),
    (18, "rights", include_str!("../migrations/0018_rights.sql")),
    (19, "deployments", include_str!("../migrations/0019_deployments.sql")),
    (20, "power", include_str!("../migrations/0020_power.sql")),
    (21, "locks", include_str!("../migrations/0021_locks.sql")),
];

statements! {
    NEWEST = "SELECT coalesce(max(version), 0) AS version FROM _sqlx_migrations";
    FEED = "INSERT INTO feed (only, epoch, head) VALUES (1, $1, 0) ON CONFLICT (only) DO NOTHING";
}

/// Refuses a database with another schema than this program's.
pub(crate) async fn check(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let known = STEPS.last().map_or(0, |step| step.0);
    let found: i64 = sqlx::query(NEWEST).fetch_one(conn).await?.try_get("version")?;
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(StoreError::Newer { found, known }),
        std::cmp::Ordering::Less => Err(StoreError::Older { found, known }),
    }
}

/// Brings the database to the newest schema; a database of a newer program is refused and left as it is.
pub(crate) async fn run(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let known = STEPS.last().map_or(0, |step| step.0);
    // The table does not exist in a new database; that is version 0.
    if let Ok(row) = sqlx::query(NEWEST).fetch_one(&mut *conn).await {
        let found: i64 = row.try_get("version")?;
        if found > known {
            return Err(StoreError::Newer { found, known });
        }
    }
    let steps = STEPS.iter().map(|(version, name, sql)| {
        Migration::new(*version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let migrator = Migrator { migrations: Cow::Owned(steps.collect()), ..Migrator::DEFAULT };
    migrator.run_direct(None, &mut *conn, false).await.map_err(|e| match e {
        sqlx::migrate::MigrateError::Execute(e) => StoreError::from(e),
        other => StoreError::Engine(std::sync::Arc::new(sqlx::Error::Migrate(Box::new(other)))),
    })?;
    sqlx::query(FEED).bind(uuid::Uuid::new_v4().to_string()).execute(conn).await?;
    Ok(())
}
