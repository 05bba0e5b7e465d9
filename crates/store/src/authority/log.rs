//! The sign-in log: every decision about a token, with its reason (S-804).

use std::sync::LazyLock;

use entrance_model::Timestamp;
use entrance_model::id::{AppId, DeviceId, PrincipalId, RequestId, SessionId, TenantId};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection};
use uuid::Uuid;

use super::Authority;
use crate::error::StoreError;
use crate::row::Row;
use crate::session::Write;
use crate::sql::statements;

statements! {
    NEWEST = "SELECT seq, at, tenant, user, app, resource, kind, interactive, code, reason, address, agent, request, correlation, token, session, device, conditional, policies, factors FROM signin_log WHERE tenant = $1 ORDER BY seq DESC LIMIT $2";
    OF_TOKEN = "SELECT seq, at, tenant, user, app, resource, kind, interactive, code, reason, address, agent, request, correlation, token, session, device, conditional, policies, factors FROM signin_log WHERE tenant = $1 AND token = $2 ORDER BY seq LIMIT 1";
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The tenant.
    pub tenant: TenantId,
    /// The person or service principal, where it is known.
    pub user: Option<PrincipalId>,
    /// The client.
    pub app: Option<AppId>,
    /// What the token is for.
    pub resource: Option<AppId>,
    /// The grant or page: `device_code`, `refresh_token`, `signin`, …
    pub kind: &'static str,
    /// Whether a person was there.
    pub interactive: bool,
    /// 0, or the number of the refusal.
    pub code: u32,
    /// Why, in words for an administrator.
    pub reason: String,
    /// Where the request came from.
    pub address: String,
    /// What the program calls itself.
    pub agent: Option<String>,
    /// Our id of the request.
    pub request: RequestId,
    /// The caller's id of it.
    pub correlation: Uuid,
    /// The id of the token that was made (`uti`).
    pub token: Option<String>,
    /// The session it belongs to; the device is known by it.
    pub session: Option<SessionId>,
    /// What the policies said, where they were asked.
    pub judged: Option<Judged>,
}

/// What the policies of a tenant said about a request, in the words of the log (G-502).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// `success`, `failure` or `notApplied`.
    pub status: &'static str,
    /// The policies that met it, as a JSON array; `None`: none did.
    pub policies: Option<String>,
    /// Whether more than one factor was demanded.
    pub multi_factor: bool,
}

/// A decision as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRow {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The person or service principal.
    pub user: Option<PrincipalId>,
    /// The client.
    pub app: Option<AppId>,
    /// What the token is for.
    pub resource: Option<AppId>,
    /// The grant or page.
    pub kind: String,
    /// Whether a person was there.
    pub interactive: bool,
    /// 0, or the number of the refusal.
    pub code: u32,
    /// Why.
    pub reason: String,
    /// Where from.
    pub address: String,
    /// What the program calls itself.
    pub agent: Option<String>,
    /// Our id of the request.
    pub request: String,
    /// The caller's id of it.
    pub correlation: String,
    /// The id of the token that was made (`uti`).
    pub token: Option<String>,
    /// The session it belongs to.
    pub session: Option<SessionId>,
    /// The device that the session lives on.
    pub device: Option<DeviceId>,
    /// What the policies said, in one word, where they were asked.
    pub conditional: Option<String>,
    /// The policies that met it, as a JSON array.
    pub policies: Option<String>,
    /// How many factors the policies demanded.
    pub factors: Option<i64>,
}

impl<M> Authority<'_, M> {
    /// The decision that made a token.
    pub async fn decision_of_token(&mut self, tenant: TenantId, token: &str) -> Result<Option<DecisionRow>, StoreError> {
        let row = sqlx::query(OF_TOKEN).bind(tenant.to_string()).bind(token).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read(&Row::of("signin_log", &row))).transpose()
    }

    /// The newest decisions of a tenant.
    pub async fn decisions(&mut self, tenant: TenantId, limit: u32) -> Result<Vec<DecisionRow>, StoreError> {
        let rows = sqlx::query(NEWEST).bind(tenant.to_string()).bind(limit).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("signin_log", row))).collect()
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<DecisionRow, StoreError> {
    let bad = |column| move |_| StoreError::Corrupt { table: "signin_log", column, why: "no id".into() };
    Ok(DecisionRow {
        seq: row.int("seq")?,
        at: row.time("at")?,
        user: row.maybe_text("user")?.map(|id| id.parse()).transpose().map_err(bad("user"))?,
        app: row.maybe_text("app")?.map(|id| id.parse()).transpose().map_err(bad("app"))?,
        resource: row.maybe_text("resource")?.map(|id| id.parse()).transpose().map_err(bad("resource"))?,
        kind: row.text("kind")?,
        interactive: row.flag("interactive")?,
        code: u32::try_from(row.int("code")?).unwrap_or(0),
        reason: row.text("reason")?,
        address: row.text("address")?,
        agent: row.maybe_text("agent")?,
        request: row.text("request")?,
        correlation: row.text("correlation")?,
        token: row.maybe_text("token")?,
        session: row.maybe_parsed("session")?,
        device: row.maybe_parsed("device")?,
        conditional: row.maybe_text("conditional")?,
        policies: row.maybe_text("policies")?,
        factors: row.maybe_int("factors")?,
    })
}

impl Authority<'_, Write> {
    /// Records a decision.
    pub async fn decided(&mut self, at: Timestamp, decision: &Decision) -> Result<(), StoreError> {
        keep_decisions(self.0.conn, &[(at, decision)]).await
    }
}

/// So many rows are written by one statement.
const MOST_ROWS: usize = 16;
const COLUMNS: usize = 18;

/// The statements that write one row, two rows, and so on.
pub(crate) static INSERTS: LazyLock<[String; MOST_ROWS]> = LazyLock::new(|| std::array::from_fn(|n| insert(n + 1)));

/// The device of a row is that of its session.
fn insert(rows: usize) -> String {
    let row = |row: usize| {
        let value = |column: usize| format!("${}", row * COLUMNS + column);
        let (tenant, session) = (value(2), value(15));
        let device = format!("(SELECT s.device FROM session s WHERE s.tenant = {tenant} AND s.id = {session})");
        let values: Vec<String> = (1..=15).map(value).chain([device]).chain((16..=COLUMNS).map(value)).collect();
        format!("({})", values.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO signin_log (at, tenant, user, app, resource, kind, interactive, code, reason, address, agent, request, correlation, token, session, device, conditional, policies, factors) VALUES {}",
        rows.join(", ")
    )
}

/// Writes decisions, several with one statement.
pub(crate) async fn keep_decisions(conn: &mut SqliteConnection, all: &[(Timestamp, &Decision)]) -> Result<(), StoreError> {
    for some in all.chunks(MOST_ROWS) {
        let mut query = sqlx::query(INSERTS[some.len() - 1].as_str());
        for (at, decision) in some {
            query = bind(query, *at, decision);
        }
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

type Insert<'q> = Query<'q, Sqlite, SqliteArguments>;

fn bind<'q>(query: Insert<'q>, at: Timestamp, decision: &Decision) -> Insert<'q> {
    let judged = decision.judged.as_ref();
    query
        .bind(at.as_microsecond())
        .bind(decision.tenant.to_string())
        .bind(decision.user.map(|id| id.to_string()))
        .bind(decision.app.map(|id| id.to_string()))
        .bind(decision.resource.map(|id| id.to_string()))
        .bind(decision.kind)
        .bind(decision.interactive)
        .bind(i64::from(decision.code))
        .bind(decision.reason.clone())
        .bind(decision.address.clone())
        .bind(decision.agent.clone())
        .bind(decision.request.to_string())
        .bind(decision.correlation.to_string())
        .bind(decision.token.clone())
        .bind(decision.session.map(|id| id.to_string()))
        .bind(judged.map(|judged| judged.status))
        .bind(judged.and_then(|judged| judged.policies.clone()))
        .bind(judged.map(|judged| if judged.multi_factor { 2 } else { 1 }))
}
