//! `/entrance/audit`: the tenant's audit log, in the order of its chain with everything that proves it, or searched.
//!
//! Who reads may be the one who checks: rows come as they were linked, so that the caller counts the hashes again and needs
//! to trust nothing but the key of the signed head.

use entrance_model::Timestamp;
use entrance_model::directory_rules::access::Action;
use entrance_store::audit::{ChainId, Position, Wanted, head_to_json, record_to_json, start_to_json};
use entrance_store::authority::DecisionRow;
use entrance_wire::graph::Object;
use serde_json::{Value, json};

use super::ctx::Ctx;
use super::error::GraphError;
use super::reply::{Reply, Shown};

/// Rows on a page, unless asked otherwise, and at most.
const PAGE: u32 = 200;
const MOST: u32 = 1_000;
/// Credentials that can be asked in one go.
const MOST_CREDENTIALS: usize = 50;

/// `GET /entrance/audit?after=…|since=…&$top=…`: sealed rows in the order of the chain, beginning after a number or with the
/// first row that is not older than a time. `start` is where the chain was before the first of them.
pub(super) async fn chain(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::ReadAudit)?;
    let (chain, top) = (ChainId::of(ctx.tenant), top(&ctx)?);
    let (after, since) = (number(&ctx, "after")?, time(&ctx, "since")?);
    let mut reader = ctx.read().await?;
    let mut trail = reader.trail();
    let start = match (after, since) {
        (Some(_), Some(_)) => return Err(GraphError::bad_request("Either `after` or `since` can be given, not both.")),
        (None, Some(since)) => trail.position_at(chain, since).await?,
        (Some(after), None) if after > 0 => trail.position(chain, after).await?,
        _ => Position::start(chain),
    };
    if after.is_some_and(|after| after != start.number) {
        return Err(GraphError::not_found(&format!("audit/{}", after.unwrap_or_default())));
    }
    let rows = trail.chain(chain, start.number, top).await?;
    let mut body = Object::new();
    body.insert("start".into(), start_to_json(&start));
    if let Some(last) = rows.last().filter(|_| rows.len() == top as usize) {
        body.insert("@odata.nextLink".into(), link(&ctx, "/entrance/audit", &format!("after={}&$top={top}", last.number)));
    }
    body.insert("value".into(), rows.iter().map(record_to_json).collect());
    Ok(Ctx::plain(ctx.with_context("entrance/audit", body)))
}

/// `GET /entrance/audit/head`: where the chain is, signed.
pub(super) async fn head(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::ReadAudit)?;
    let mut reader = ctx.read().await?;
    let mut trail = reader.trail();
    let none = || GraphError::not_found("audit/head");
    let head = trail.head(ChainId::of(ctx.tenant)).await?.ok_or_else(none)?;
    let key = trail.keys().await?.into_iter().find(|key| key.id() == head.key).ok_or_else(none)?;
    let Value::Object(body) = head_to_json(&head, &key) else { return Err(none()) };
    Ok(Ctx::plain(ctx.with_context("entrance/audit/head", body)))
}

/// `GET /entrance/audit/newest?kind=…&actor=…&target=…&since=…&until=…&before=…&$top=…`: the newest first, sealed or not.
pub(super) async fn newest(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::ReadAudit)?;
    let top = top(&ctx)?;
    let wanted = Wanted {
        kind: ctx.parameter("kind"),
        actor: ctx.parameter("actor").map(|id| id.to_ascii_lowercase()),
        target: ctx.parameter("target"),
        telling: None,
        since: time(&ctx, "since")?,
        until: time(&ctx, "until")?,
        before: number(&ctx, "before")?,
    };
    let rows = ctx.read().await?.trail().find(ctx.tenant, &wanted, top).await?;
    let mut body = Object::new();
    if let Some(last) = rows.last().filter(|_| rows.len() == top as usize) {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("before", &last.record.seq.to_string()).append_pair("$top", &top.to_string());
        for name in ["kind", "actor", "target", "since", "until"] {
            if let Some(value) = ctx.parameter(name) {
                query.append_pair(name, &value);
            }
        }
        body.insert("@odata.nextLink".into(), link(&ctx, "/entrance/audit/newest", &query.finish()));
    }
    body.insert("value".into(), rows.iter().map(entrance_store::audit::Found::to_json).collect());
    Ok(Ctx::plain(ctx.with_context("entrance/audit", body)))
}

/// `GET /entrance/audit/credentials?id=…`: what is known of tokens by the ids that API servers log (`JTI=…`, or without it):
/// the sign-in that made each, and the clusters that let it in or refused it.
pub(super) async fn credentials(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::ReadAudit)?;
    let asked = ctx.parameter("id").unwrap_or_default();
    let ids: Vec<&str> = asked.split(',').map(|id| id.trim().trim_start_matches("JTI=")).filter(|id| !id.is_empty()).collect();
    if ids.is_empty() || ids.len() > MOST_CREDENTIALS || ids.iter().any(|id| id.len() > 128) {
        return Err(GraphError::bad_request(format!("`id` takes one to {MOST_CREDENTIALS} ids of tokens, with commas between.")));
    }
    let mut reader = ctx.read().await?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let sign_in = reader.authority().decision_of_token(ctx.tenant, id).await?;
        // Quotes and all, so that one id is never found inside another.
        let telling = json!({ "credential": format!("JTI={id}") }).to_string();
        let telling = telling.trim_matches(['{', '}']).to_owned();
        let wanted = Wanted { kind: Some("review.".to_owned()), telling: Some(telling), ..Wanted::default() };
        let reviews = reader.trail().find(ctx.tenant, &wanted, PAGE).await?;
        found.push(json!({
            "credential": format!("JTI={id}"),
            "signIn": sign_in.as_ref().map(sign_in_to_json),
            "reviews": reviews.iter().map(entrance_store::audit::Found::to_json).collect::<Vec<_>>(),
        }));
    }
    Ok(ctx.values("entrance/audit/credentials", found))
}

fn sign_in_to_json(row: &DecisionRow) -> Value {
    json!({
        "at": row.at.to_string(), "user": row.user, "app": row.app, "resource": row.resource, "grant": row.kind,
        "interactive": row.interactive, "reason": row.reason, "address": row.address, "agent": row.agent,
        "request": row.request, "correlation": row.correlation,
    })
}

fn link(ctx: &Ctx, path: &str, query: &str) -> Value {
    format!("{}/{}{path}?{query}", ctx.app.base(), ctx.version.segment()).into()
}

fn top(ctx: &Ctx) -> Result<u32, GraphError> {
    match ctx.parameter("$top") {
        None => Ok(PAGE),
        Some(text) => match text.parse() {
            Ok(top) if (1..=MOST).contains(&top) => Ok(top),
            _ => Err(GraphError::bad_request(format!("`$top` takes a number from 1 to {MOST}."))),
        },
    }
}

fn number(ctx: &Ctx, name: &str) -> Result<Option<i64>, GraphError> {
    let wrong = |_| GraphError::bad_request(format!("`{name}` takes a number."));
    ctx.parameter(name).map(|text| text.parse().map_err(wrong)).transpose()
}

fn time(ctx: &Ctx, name: &str) -> Result<Option<Timestamp>, GraphError> {
    let wrong = |_| GraphError::bad_request(format!("`{name}` takes a time such as 2027-01-31T08:00:00Z."));
    ctx.parameter(name).map(|text| text.parse().map_err(wrong)).transpose()
}
