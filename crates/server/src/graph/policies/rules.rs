//! `/entrance/signInRules`: the tenant's switches about ways to sign in. Ours: Entra spreads them over several places.

use entrance_model::directory_rules::access::Action;
use entrance_model::id::AppId;
use entrance_model::signin::policy::{DeviceRule, PasswordRule, SignInRules};
use entrance_wire::graph::Object;
use serde_json::{Value, json};

use super::super::body::Json;
use super::super::ctx::Ctx;
use super::super::error::GraphError;
use super::super::reply::{Reply, Shown};
use super::not_json;
use crate::authority::policies::default_rules;

/// `GET /entrance/signInRules`
pub(super) async fn show(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::ReadPolicies)?;
    let kept = ctx.read().await?.policies().rules(ctx.tenant).await?;
    let rules = kept.unwrap_or_else(|| default_rules(ctx.app.config.mode));
    Ok(ctx.one("entrance/signInRules", shown(&rules)))
}

/// `PATCH /entrance/signInRules`
pub(super) async fn update(ctx: Ctx, Json(body): Json) -> Reply<Shown> {
    let allowed = ctx.allow(Action::ChangePolicies)?;
    let body = body.as_object().ok_or_else(not_json)?;
    let mut tx = ctx.app.store.write().await?;
    let before = tx.policies().rules(ctx.tenant).await?.unwrap_or_else(|| default_rules(ctx.app.config.mode));
    let mut rules = before.clone();
    for (name, value) in body {
        match name.as_str() {
            "deviceCode" => rules.device_code = device(value)?,
            "passwordGrant" => rules.password_grant = password(value)?,
            "keepSignInLogDays" => rules.keep_log_days = days(value)?,
            annotation if annotation.contains('@') => {}
            other => return Err(GraphError::bad_request(format!("Invalid property '{other}'."))),
        }
    }
    tx.policies().set_rules(ctx.tenant, &rules).await?;
    let detail = json!({ "before": shown(&before), "after": shown(&rules) });
    ctx.record(&mut tx, &allowed, "signInRules.updated", ctx.tenant.uuid(), detail).await?;
    tx.commit().await?;
    Ok(ctx.one("entrance/signInRules", shown(&rules)))
}

fn shown(rules: &SignInRules) -> Object {
    let password = match &rules.password_grant {
        PasswordRule::Off => json!("off"),
        PasswordRule::On => json!("on"),
        PasswordRule::Only(apps) => json!(apps),
    };
    let device = match rules.device_code {
        DeviceRule::Off => "off",
        DeviceRule::SameNetwork => "sameNetwork",
        DeviceRule::On => "on",
    };
    let shown = json!({ "deviceCode": device, "passwordGrant": password, "keepSignInLogDays": rules.keep_log_days });
    shown.as_object().cloned().unwrap_or_default()
}

fn device(value: &Value) -> Result<DeviceRule, GraphError> {
    match value.as_str() {
        Some("off") => Ok(DeviceRule::Off),
        Some("sameNetwork") => Ok(DeviceRule::SameNetwork),
        Some("on") => Ok(DeviceRule::On),
        _ => Err(GraphError::bad_request("'deviceCode' takes 'off', 'sameNetwork' or 'on'.")),
    }
}

fn password(value: &Value) -> Result<PasswordRule, GraphError> {
    let wrong = || GraphError::bad_request("'passwordGrant' takes 'off', 'on', or a list of at most 100 client ids.");
    match value {
        Value::String(word) if word == "off" => Ok(PasswordRule::Off),
        Value::String(word) if word == "on" => Ok(PasswordRule::On),
        Value::Array(apps) if apps.len() <= 100 => {
            let apps = apps.iter().map(|app| app.as_str().and_then(|app| app.parse::<AppId>().ok()).ok_or_else(wrong));
            Ok(PasswordRule::Only(apps.collect::<Result<_, _>>()?))
        }
        _ => Err(wrong()),
    }
}

fn days(value: &Value) -> Result<u16, GraphError> {
    let wrong = || GraphError::bad_request("'keepSignInLogDays' takes a number from 1 to 3650.");
    value.as_u64().and_then(|days| u16::try_from(days).ok()).filter(|days| (1..=3650).contains(days)).ok_or_else(wrong)
}
