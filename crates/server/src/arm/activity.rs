//! `Microsoft.Insights/eventtypes/management/values`: the activity log, read from the audit log. It shows who did which action
//! to what, and never what was sent.

use std::collections::HashMap;

use axum::Json;
use axum::extract::Path;
use entrance_model::Timestamp;
use entrance_model::access::Action;
use entrance_model::arm::Scope;
use entrance_model::arm::activity::{Activity, Progress, Told};
use entrance_model::arm::filter::Comparison;
use entrance_model::id::{PrincipalId, SubscriptionId, TenantId, UserId};
use entrance_store::Reader;
use entrance_store::audit::Below;
use serde_json::{Value, json};
use uuid::Uuid;

use super::ctx::Ctx;
use super::error::{ArmError, Refusal};
use super::query::{Query, no_such_page};

/// `GET /subscriptions/{s}/providers/Microsoft.Insights/eventtypes/management/values`: the newest first.
pub(super) async fn list(ctx: Ctx, Path(subscription): Path<String>, query: Query) -> Result<Json<Value>, ArmError> {
    let subscription = ctx.subscription(&subscription).await?.id;
    let asked = Asked::of(&query, subscription)?;
    ctx.allow(Action::ActivityRead, &asked.scope)?;
    let (top, before) = (query.top(PAGE)?, before(&query)?);
    let mut reader = ctx.app.store.read().await?;
    let actor = match &asked.caller {
        None => None,
        Some(caller) => match principal(&mut reader, ctx.tenant(), caller).await? {
            Some(id) => Some(id),
            None => return Ok(Json(json!({ "value": [] }))),
        },
    };
    let mut wanted = Below {
        scope: asked.scope.clone(),
        actor,
        telling: asked.correlation.map(|id| id.to_string()),
        since: asked.since,
        until: asked.until.unwrap_or_else(|| ctx.app.now()),
        before,
    };
    let (mut found, mut is_end) = (Vec::new(), false);
    // Some rows are left out afterwards, so a page may take several looks; it ends after enough of them, with a link.
    for _ in 0..LOOKS {
        let rows = reader.activity(ctx.tenant(), &wanted, LOOK).await?;
        is_end = rows.len() < LOOK as usize;
        for row in &rows {
            wanted.before = Some(row.seq);
            let (kind, target) = (row.kind.as_str(), row.target.as_deref());
            let told = Told { seq: row.seq, at: row.at, kind, actor: row.actor, target, detail: &row.detail };
            found.extend(Activity::of(told).filter(|activity| asked.fits(activity)));
            if found.len() == top {
                is_end = false;
                break;
            }
        }
        if is_end || found.len() == top {
            break;
        }
    }
    let mut names = Names { tenant: ctx.tenant(), known: HashMap::new() };
    let mut value = Vec::with_capacity(found.len());
    for activity in &found {
        let caller = names.of(&mut reader, activity.actor).await?;
        value.push(show(subscription, ctx.tenant(), activity, caller.as_deref()));
    }
    let mut shown = json!({ "value": value });
    if let (false, Some(before)) = (is_end, wanted.before) {
        shown["nextLink"] = json!(query.next_link(ctx.app.base(), &before.to_string()));
    }
    Ok(Json(shown))
}

/// What is wanted, as `$filter` says it.
struct Asked {
    scope: Scope,
    since: Timestamp,
    until: Option<Timestamp>,
    caller: Option<String>,
    correlation: Option<Uuid>,
    progress: Option<String>,
    provider: Option<String>,
    level: Option<String>,
}

impl Asked {
    fn of(query: &Query, subscription: SubscriptionId) -> Result<Self, ArmError> {
        let mut asked = Self {
            scope: Scope::subscription(subscription),
            since: Timestamp::UNIX_EPOCH,
            until: None,
            caller: None,
            correlation: None,
            progress: None,
            provider: None,
            level: None,
        };
        let bad = |detail: String| Refusal::Parameter { name: "$filter", detail };
        for term in query.filter()? {
            let text = || Some(term.value.clone());
            match (term.name.as_str(), term.comparison) {
                ("eventtimestamp", Comparison::NotBefore | Comparison::After) => asked.since = term.time()?,
                ("eventtimestamp", Comparison::NotAfter | Comparison::Before) => asked.until = Some(term.time()?),
                ("resourcegroupname" | "resourcegroup", Comparison::Equal) => {
                    asked.scope = Scope::group(subscription, &term.value.parse()?);
                }
                ("resourceuri" | "resourceid", Comparison::Equal) => {
                    let scope: Scope = term.value.parse()?;
                    if scope.subscription_id() != Some(subscription) {
                        return Err(bad(format!("{} is not in subscription {subscription}", cut(&term.value))).into());
                    }
                    asked.scope = scope;
                }
                ("caller", Comparison::Equal) => asked.caller = text(),
                ("status", Comparison::Equal) => asked.progress = text(),
                ("resourceprovider", Comparison::Equal) => asked.provider = text(),
                ("levels" | "level", Comparison::Equal) => asked.level = text(),
                ("correlationid", Comparison::Equal) => {
                    let bad = |_| bad(format!("`{}` is no GUID", cut(&term.value)));
                    asked.correlation = Some(term.value.parse().map_err(bad)?);
                }
                // There are no other channels and categories than these.
                ("eventchannels" | "channels", Comparison::Equal) => {}
                _ => return Err(term.unknown(COMPARES).into()),
            }
        }
        Ok(asked)
    }

    // What the rows do not say by themselves.
    fn fits(&self, activity: &Activity) -> bool {
        let same = |asked: &Option<String>, is: &str| asked.as_ref().is_none_or(|asked| asked.eq_ignore_ascii_case(is));
        same(&self.progress, activity.progress.as_str())
            && same(&self.level, activity.progress.level())
            && same(&self.provider, namespace(activity))
            && self.correlation.is_none_or(|id| activity.correlation == Some(id))
    }
}

const COMPARES: &str = "eventTimestamp with ge or le, and resourceGroupName, resourceUri, resourceProvider, caller, status, levels, \
                        correlationId with eq";

fn before(query: &Query) -> Result<Option<i64>, ArmError> {
    let Some(text) = query.after()? else { return Ok(None) };
    let bad = |_| no_such_page();
    Ok(Some(text.parse().map_err(bad)?))
}

/// Who is meant by an object id or a sign-in name.
async fn principal(reader: &mut Reader, tenant: TenantId, caller: &str) -> Result<Option<PrincipalId>, ArmError> {
    if let Ok(id) = caller.parse() {
        return Ok(Some(id));
    }
    let Ok(upn) = caller.to_lowercase().parse() else { return Ok(None) };
    Ok(reader.directory().user_by_upn(tenant, &upn).await?.map(|user| user.id.into()))
}

/// What people are called now, looked up once each. Applications, and people who are gone, are told by their id.
struct Names {
    tenant: TenantId,
    known: HashMap<PrincipalId, String>,
}

impl Names {
    async fn of(&mut self, reader: &mut Reader, id: Option<PrincipalId>) -> Result<Option<String>, ArmError> {
        let Some(id) = id else { return Ok(None) };
        if let Some(name) = self.known.get(&id) {
            return Ok(Some(name.clone()));
        }
        let user = reader.directory().user(self.tenant, UserId::from_uuid(id.uuid())).await?;
        let name = user.map_or_else(|| id.to_string(), |user| user.upn.to_string());
        self.known.insert(id, name.clone());
        Ok(Some(name))
    }
}

fn namespace(activity: &Activity) -> &str {
    activity.operation.split('/').next().unwrap_or_default()
}

fn show(subscription: SubscriptionId, tenant: TenantId, activity: &Activity, caller: Option<&str>) -> Value {
    let word = |text: &str| json!({ "value": text, "localizedValue": text });
    let event = Uuid::from_u64_pair(tenant.uuid().as_u64_pair().0, activity.seq.unsigned_abs());
    let (oid, resource) = (activity.actor.map(|id| id.to_string()), activity.resource.as_str());
    let correlation = activity.correlation.unwrap_or(event);
    let mut claims = json!({});
    if let Some(oid) = &oid {
        claims["http://schemas.microsoft.com/identity/claims/objectidentifier"] = json!(oid);
        claims["http://schemas.microsoft.com/identity/claims/tenantid"] = json!(tenant);
    }
    if let Some(name) = caller.filter(|name| name.contains('@')) {
        claims["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"] = json!(name);
    }
    let mut properties = json!({});
    if let Some((code, message)) = &activity.why {
        properties["statusCode"] = json!(code);
        properties["statusMessage"] = json!(message);
    }
    let name = if activity.progress == Progress::Started { "BeginRequest" } else { "EndRequest" };
    json!({
        "id": format!("{resource}/events/{event}/ticks/{}", activity.at.as_microsecond()),
        "eventDataId": event,
        "eventTimestamp": activity.at.to_string(),
        "submissionTimestamp": activity.at.to_string(),
        "correlationId": correlation,
        "operationId": correlation,
        "operationName": word(&activity.operation),
        "status": word(activity.progress.as_str()),
        "subStatus": word(""),
        "eventName": word(name),
        "category": word("Administrative"),
        "channels": "Operation",
        "level": activity.progress.level(),
        "caller": caller,
        "claims": claims,
        "authorization": { "action": activity.operation, "scope": resource, "role": activity.because },
        "resourceId": resource,
        "resourceGroupName": activity.resource.group_name().map(|name| name.to_string()),
        "resourceProviderName": word(namespace(activity)),
        "resourceType": word(&activity.resource.kind().unwrap_or_else(|| "Microsoft.Resources/subscriptions".to_owned())),
        "subscriptionId": subscription,
        "tenantId": tenant,
        "description": "",
        "properties": properties
    })
}

fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

const PAGE: usize = 200;
const LOOK: u32 = 500;
const LOOKS: usize = 20;
