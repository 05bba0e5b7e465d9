//! Page tokens: opaque, authenticated, bound to tenant, route and options (G-100).

use std::sync::Arc;

use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use entrance_model::Timestamp;
use entrance_store::{SealedKey, Store, StoreError};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::ctx::Ctx;
use super::error::GraphError;

/// The key of page tokens: made once, kept sealed, so that a page can be turned after a restart.
#[derive(Clone, Default)]
pub(super) struct PageKey(Arc<OnceCell<hmac::Key>>);

const PURPOSE: &str = "graph-page";
const SECONDS: i64 = 3600;

impl PageKey {
    async fn get(&self, store: &Store, now: Timestamp) -> Result<&hmac::Key, StoreError> {
        self.0.get_or_try_init(|| load_or_create(store, now)).await
    }
}

async fn load_or_create(store: &Store, now: Timestamp) -> Result<hmac::Key, StoreError> {
    let mut tx = store.write().await?;
    if let Some(key) = tx.keys().all(PURPOSE).await?.first() {
        return Ok(hmac::Key::new(hmac::HMAC_SHA256, &key.private));
    }
    let mut private = Zeroizing::new(vec![0; 32]);
    rand::fill(&mut private).expect("the system gives random bytes");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &private);
    let kept = SealedKey { name: "1".into(), private, certificate: Vec::new(), created: now, starts: now, ends: None };
    tx.keys().insert(PURPOSE, &kept).await?;
    tx.commit().await?;
    Ok(key)
}

/// What a token is good for: the same question by the same tenant.
fn bound(ctx: &Ctx, options: &str, payload: &str) -> Vec<u8> {
    [ctx.tenant.to_string().as_str(), &ctx.path, options, payload].join("\n").into_bytes()
}

/// The link to the page that begins after this id.
pub(super) async fn next_link(ctx: &Ctx, options: &str, after: &str) -> Result<String, GraphError> {
    let payload = format!("{}.{after}", ctx.now().as_second() + SECONDS);
    let key = ctx.pages.get(&ctx.app.store, ctx.now()).await?;
    let tag = hmac::sign(key, &bound(ctx, options, &payload));
    let token = BASE64_URL_SAFE_NO_PAD.encode([tag.as_ref(), payload.as_bytes()].concat());
    let and = if options.is_empty() { "" } else { "&" };
    Ok(format!("{}/{}{}?{options}{and}%24skiptoken={token}", ctx.app.base(), ctx.version.segment(), ctx.path))
}

/// The id that a page begins after.
pub(super) async fn after(ctx: &Ctx, options: &str, token: Option<&str>) -> Result<String, GraphError> {
    let Some(token) = token else { return Ok(String::new()) };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| GraphError::page_token())?;
    let (tag, payload) = bytes.split_at_checked(32).ok_or_else(GraphError::page_token)?;
    let payload = std::str::from_utf8(payload).map_err(|_| GraphError::page_token())?;
    let key = ctx.pages.get(&ctx.app.store, ctx.now()).await?;
    hmac::verify(key, &bound(ctx, options, payload), tag).map_err(|_| GraphError::page_token())?;
    let (until, after) = payload.split_once('.').ok_or_else(GraphError::page_token)?;
    let is_fresh = until.parse().is_ok_and(|until: i64| ctx.now().as_second() < until);
    if is_fresh { Ok(after.to_owned()) } else { Err(GraphError::page_token()) }
}
