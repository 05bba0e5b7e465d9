//! `POST /{tenant}/oauth2/v2.0/devicecode` and `/{tenant}/oauth2/devicecode` (S-230).

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use entrance_model::signin::device::{DeviceGrant, DeviceRequest, INTERVAL, LIFE, UserCode};
use entrance_model::signin::{Aadsts, Endpoint};
use entrance_store::StoreError;
use entrance_wire::oauth::device::DeviceAnswer;

use super::client::Client;
use super::ctx::Ctx;
use super::place::Place;
use super::refused::{Refused, json};
use super::token_endpoint::form;
use super::{grants, issue, policies, secret, strangers};

const KNOWN: [&str; 5] = ["client_id", "scope", "resource", "claims", "mkt"];
/// A code that happens to be taken is made again; there are ten million million of them.
const TRIES: u32 = 4;

/// Begins a device sign-in.
pub(super) async fn post(ctx: &Ctx, segment: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    match begin(ctx, segment, headers, body).await {
        Ok(body) => json(StatusCode::OK, body),
        Err(refused) => refused.answer(&ctx.app, &ctx.info),
    }
}

async fn begin(ctx: &Ctx, segment: &str, headers: &HeaderMap, body: &[u8]) -> Result<String, Refused> {
    let place = Place::find(&ctx.app, segment).await?;
    let tenant = place.tenant()?;
    let form = form(headers, body, &KNOWN)?;
    let id = form.get("client_id").ok_or_else(|| Refused::missing("client_id"))?;
    let client = Client::find(ctx, tenant, id).await?;
    if !client.is_public() {
        return Err(Refused::from(Aadsts::ClientCredentialRequired).of(client.principal.id));
    }
    let name = if ctx.endpoint == Endpoint::V1 { "resource" } else { "scope" };
    let scope = form.get(name).ok_or_else(|| Refused::missing(name))?;
    grants::capabilities(form.get("claims"))?;
    let asked = grants::asked(ctx.endpoint, Some(scope))?;
    // What can never be granted is refused now, not after the person has signed in.
    policies::device_codes(ctx, tenant).await?;
    issue::permitted(ctx, tenant, &client, &asked).await?;

    strangers::pass(ctx)?;
    let now = ctx.now();
    let until = now + LIFE;
    let request = DeviceRequest {
        tenant: tenant.id,
        app: client.app,
        scope: scope.to_owned(),
        endpoint: ctx.endpoint,
        from: ctx.address(),
        relayed: ctx.info.is_relayed,
        agent: ctx.info.user_agent.clone().unwrap_or_default(),
        asked: now,
        until,
    };
    let device_code = secret::opaque();
    let hash = secret::sha256(&device_code);
    let grant = DeviceGrant::Waiting(request);
    for _ in 0..TRIES {
        let Some(user_code) = UserCode::from_random(&secret::random::<32>()) else { continue };
        let mut tx = ctx.app.store.write().await?;
        match tx.authority().insert_device_grant(&hash, &secret::sha256(user_code.as_str()), &grant, until).await {
            Ok(()) => tx.commit().await?,
            Err(StoreError::Exists(_)) => continue,
            Err(error) => return Err(error.into()),
        }
        let answer = DeviceAnswer {
            user_code: user_code.as_str(),
            device_code: &device_code,
            verification_uri: &format!("{}/devicelogin", ctx.app.base()),
            expires_in: LIFE.as_secs(),
            interval: INTERVAL,
        };
        return Ok(if ctx.endpoint == Endpoint::V1 { answer.v1() } else { answer.v2() });
    }
    Err(Aadsts::DirectoryUnavailable.into())
}
