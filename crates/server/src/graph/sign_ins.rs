//! `/auditLogs/signIns`: the sign-in log as Graph shows it (G-502, S-804), the newest first.

use std::collections::HashMap;

use axum::extract::Path;
use entrance_model::directory_rules::access::Action;
use entrance_model::id::{AppId, PrincipalId};
use entrance_model::name::Upn;
use entrance_model::signin::Aadsts;
use entrance_store::Reader;
use entrance_store::authority::{DecisionRow, SignInSearch};
use entrance_wire::graph::Object;
use entrance_wire::graph::filter::{Filter, Literal, Op};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ctx::Ctx;
use super::error::GraphError;
use super::page;
use super::reply::{Reply, Shown};

/// Rows looked at in one go, and for one answer: a page may hold fewer than were asked for, and still lead on.
const CHUNK: u32 = 500;
const BUDGET: usize = 20_000;

/// `GET /auditLogs/signIns`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::ReadAudit)?;
    let (options, order) = ctx.options_and_order()?;
    if options.select.is_some() || options.count {
        return Err(GraphError::unsupported("$select and $count are not served for 'signIn'."));
    }
    let mut search = SignInSearch { ascending: ascending(order.as_deref())?, ..SignInSearch::default() };
    let after = page::after(&ctx, &options.bound, options.skip_token.as_deref()).await?;
    search.after = if after.is_empty() { None } else { Some(after.parse().map_err(|_| GraphError::page_token())?) };
    let wanted = options.page_size() as usize;
    let mut reader = ctx.read().await?;
    let mut names = Names::default();
    let (mut values, mut last, mut looked_at, mut more) = (Vec::new(), None, 0, false);
    let can_match = match &options.filter {
        Some(filter) => {
            check(filter)?;
            narrow(&ctx, &mut reader, filter, &mut search).await?
        }
        None => true,
    };
    while can_match && !more {
        let rows = reader.authority().find_sign_ins(ctx.tenant, &search, CHUNK).await?;
        let is_end = rows.len() < CHUNK as usize;
        for row in rows {
            looked_at += 1;
            search.after = Some(row.seq);
            let object = show_one(&ctx, &mut reader, &mut names, &row).await?;
            let is_match = options.filter.as_ref().is_none_or(|filter| filter.matches(&object));
            if is_match && values.len() == wanted {
                more = true;
                break;
            }
            if is_match {
                values.push(Value::Object(object));
            }
            last = Some(row.seq);
        }
        if is_end {
            break;
        }
        more |= looked_at >= BUDGET;
    }
    let mut body = Object::new();
    if let Some(last) = last.filter(|_| more) {
        body.insert("@odata.nextLink".into(), page::next_link(&ctx, &options.bound, &last.to_string()).await?.into());
    }
    body.insert("value".into(), Value::Array(values));
    Ok(Ctx::plain(ctx.with_context("auditLogs/signIns", body)))
}

/// `GET /auditLogs/signIns/{id}`
pub(super) async fn show(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    ctx.allow(Action::ReadAudit)?;
    let id = Uuid::try_parse(&key).map_err(|_| GraphError::not_found(&key))?;
    let mut reader = ctx.read().await?;
    let row = reader.authority().decision_of_request(ctx.tenant, id).await?.ok_or_else(|| GraphError::not_found(&key))?;
    let object = show_one(&ctx, &mut reader, &mut Names::default(), &row).await?;
    Ok(ctx.one("auditLogs/signIns/$entity", object))
}

fn ascending(order: Option<&str>) -> Result<bool, GraphError> {
    let words: Vec<String> =
        order.unwrap_or("createdDateTime desc").split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["createddatetime", "desc"] => Ok(false),
        ["createddatetime"] | ["createddatetime", "asc"] => Ok(true),
        _ => Err(GraphError::unsupported("'signIn' is ordered by 'createdDateTime', 'asc' or 'desc'.")),
    }
}

fn check(filter: &Filter) -> Result<(), GraphError> {
    let is_known = |name: &&str| FILTERED.iter().any(|known| known.eq_ignore_ascii_case(name));
    match filter.properties().into_iter().find(|name| !is_known(name)) {
        Some(name) => Err(GraphError::unsupported(format!(
            "Unsupported or invalid query filter clause specified for property '{name}' of resource 'SignIn'."
        ))),
        None => Ok(()),
    }
}

/// Hands what the filter demands in any case to the store; `false`: nothing can match. Everything is checked again on the
/// rows.
async fn narrow(ctx: &Ctx, reader: &mut Reader, filter: &Filter, search: &mut SignInSearch) -> Result<bool, GraphError> {
    let id = |name: &str| filter.requires(name).map(Uuid::try_parse);
    for name in ["userId", "servicePrincipalId"] {
        match id(name) {
            Some(Ok(id)) => search.user = Some(PrincipalId::from_uuid(id)),
            Some(Err(_)) => return Ok(false),
            None => {}
        }
    }
    if let Some(upn) = filter.requires("userPrincipalName") {
        let Ok(upn) = upn.parse::<Upn>() else { return Ok(false) };
        let Some(user) = reader.directory().user_by_upn(ctx.tenant, &upn).await? else { return Ok(false) };
        search.user = Some(user.id.into());
    }
    match id("appId") {
        Some(Ok(id)) => search.app = Some(AppId::from_uuid(id)),
        Some(Err(_)) => return Ok(false),
        None => {}
    }
    match id("correlationId") {
        Some(Ok(id)) => search.correlation = Some(id),
        Some(Err(_)) => return Ok(false),
        None => {}
    }
    search.address = filter.requires("ipAddress").map(str::to_owned);
    bounds(filter, search);
    Ok(true)
}

fn bounds(filter: &Filter, search: &mut SignInSearch) {
    match filter {
        Filter::And(all) => all.iter().for_each(|one| bounds(one, search)),
        Filter::Compare { path, op, value } => {
            let names: Vec<String> = path.0.iter().map(|name| name.to_ascii_lowercase()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            match (names.as_slice(), op, value) {
                (["createddatetime"], Op::Ge | Op::Gt, Literal::Time(time)) => search.since = search.since.max(Some(*time)),
                (["createddatetime"], Op::Le | Op::Lt, Literal::Time(time)) => {
                    search.until = Some(search.until.map_or(*time, |until| until.min(*time)));
                }
                (["status", "errorcode"], Op::Eq, Literal::Number(code)) => search.code = u32::try_from(*code).ok(),
                _ => {}
            }
        }
        _ => {}
    }
}

/// Names of people and applications, each looked up once.
#[derive(Default)]
struct Names {
    people: HashMap<PrincipalId, Option<(String, String)>>,
    applications: HashMap<AppId, Option<(Uuid, String)>>,
}

impl Names {
    /// Display name and sign-in name.
    async fn person(&mut self, ctx: &Ctx, reader: &mut Reader, id: PrincipalId) -> Result<Option<(String, String)>, GraphError> {
        if let Some(known) = self.people.get(&id) {
            return Ok(known.clone());
        }
        let user = reader.directory().user(ctx.tenant, id.as_user()).await?;
        let name = user.map(|user| (user.display_name, user.upn.as_str().to_owned()));
        self.people.insert(id, name.clone());
        Ok(name)
    }

    /// Object id of the service principal, and its name.
    async fn application(&mut self, ctx: &Ctx, reader: &mut Reader, id: AppId) -> Result<Option<(Uuid, String)>, GraphError> {
        if let Some(known) = self.applications.get(&id) {
            return Ok(known.clone());
        }
        let found = reader.directory().service_principal_of(ctx.tenant, id).await?;
        let name = found.map(|principal| (principal.id.uuid(), principal.display_name));
        self.applications.insert(id, name.clone());
        Ok(name)
    }
}

async fn show_one(ctx: &Ctx, reader: &mut Reader, names: &mut Names, row: &DecisionRow) -> Result<Object, GraphError> {
    let is_app = row.kind == "client_credentials";
    let person = match row.user {
        Some(id) if !is_app => names.person(ctx, reader, id).await?,
        _ => None,
    };
    let client = match row.app {
        Some(app) => names.application(ctx, reader, app).await?,
        None => None,
    };
    let resource = match row.resource {
        Some(app) => names.application(ctx, reader, app).await?,
        None => None,
    };
    let (display_name, upn) = person.unzip();
    let policies = row.policies.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_else(|| json!([]));
    let failure = Aadsts::lookup(row.code).filter(|_| row.code != 0).map(|entry| entry.says.clone());
    let client_app = match row.kind.as_str() {
        "client_credentials" | "flood" => "",
        "signin" | "authorize" | "adminconsent" | "device_confirm" => "Browser",
        "password" => "Other clients",
        _ => "Mobile Apps and Desktop clients",
    };
    let protocol = match row.kind.as_str() {
        "device_code" | "device_confirm" => "deviceCode",
        "password" => "ropc",
        _ => "oAuth2",
    };
    // A program that sends a password shows a factor for a person, let in or not.
    let is_interactive = !is_app && (row.interactive || row.kind == "password");
    let event = if is_app {
        "servicePrincipal"
    } else if is_interactive {
        "interactiveUser"
    } else {
        "nonInteractiveUser"
    };
    let shown = json!({
        "id": row.request,
        "createdDateTime": row.at.to_string(),
        "userDisplayName": display_name,
        "userPrincipalName": upn,
        "userId": row.user.filter(|_| !is_app),
        "servicePrincipalId": row.user.filter(|_| is_app),
        "servicePrincipalName": client.as_ref().filter(|_| is_app).map(|(_, name)| name),
        "appId": row.app,
        "appDisplayName": client.as_ref().map(|(_, name)| name),
        "resourceId": row.resource,
        "resourceDisplayName": resource.as_ref().map(|(_, name)| name),
        "resourceServicePrincipalId": resource.as_ref().map(|(id, _)| id),
        "ipAddress": row.address,
        "clientAppUsed": client_app,
        "userAgent": row.agent,
        "correlationId": row.correlation,
        "originalRequestId": row.request,
        "uniqueTokenIdentifier": row.token,
        "sessionId": row.session,
        "isInteractive": is_interactive,
        "signInEventTypes": [event],
        "authenticationProtocol": protocol,
        "authenticationRequirement": if row.factors == Some(2) { "multiFactorAuthentication" } else { "singleFactorAuthentication" },
        "conditionalAccessStatus": row.conditional.as_deref().unwrap_or("notApplied"),
        "appliedConditionalAccessPolicies": policies,
        "status": { "errorCode": row.code, "failureReason": failure, "additionalDetails": row.reason },
        "deviceDetail": { "deviceId": row.device, "displayName": null, "operatingSystem": null, "browser": row.agent },
        "location": {},
    });
    Ok(shown.as_object().cloned().unwrap_or_default())
}

/// What a filter may name.
const FILTERED: [&str; 20] = [
    "id",
    "createdDateTime",
    "userId",
    "userPrincipalName",
    "userDisplayName",
    "servicePrincipalId",
    "servicePrincipalName",
    "appId",
    "appDisplayName",
    "resourceId",
    "resourceDisplayName",
    "ipAddress",
    "correlationId",
    "clientAppUsed",
    "isInteractive",
    "signInEventTypes",
    "status",
    "conditionalAccessStatus",
    "authenticationRequirement",
    "uniqueTokenIdentifier",
];
