//! `POST …/managedClusters/{name}/explain`: why somebody may enter a cluster, or may not.
//!
//! For oneself the right to fetch the kubeconfig is enough; who asks about others needs the right to change the cluster.

use axum::Json;
use axum::extract::Path;
use entrance_model::access::Action;
use serde::Deserialize;
use serde_json::Value;

use super::{At, allowed, existing};
use crate::arm::body::Body;
use crate::arm::ctx::Ctx;
use crate::arm::error::{ArmError, Refusal};
use crate::authority::token::AccessToken;
use crate::explain::account::Account;
use crate::explain::inside::Can;
use crate::explain::report::{self, Unexplained, Whose};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Asked {
    /// UPN, object id or client id; without it and without a token, the caller.
    #[serde(default)]
    user: Option<String>,
    /// A token that was refused.
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    can: Option<Can>,
}

/// The explanation.
pub(super) async fn post(ctx: Ctx, Path(at): At, Body(body): Body) -> Result<Json<Value>, ArmError> {
    let (address, _) = allowed(&ctx, &at, Action::ListUserCredential).await?;
    // A list would be read as the members in their order.
    if !body.is_object() {
        return Err(Refusal::Body("an object is expected".to_owned()).into());
    }
    let asked: Asked = serde_json::from_value(body).map_err(|e| Refusal::Body(e.to_string()))?;
    let whose = match (&asked.user, asked.token) {
        (Some(_), Some(_)) => {
            return Err(
                Refusal::Parameter { name: "user", detail: "name an account or send a token, not both".to_owned() }.into()
            );
        }
        (None, Some(token)) => {
            let known = ctx.app.keys.verify_claims::<AccessToken>(&token).ok().map(Box::new);
            let known = known.filter(|token| token.tid == ctx.tenant());
            Whose::Token(token, known)
        }
        (user, None) => {
            let named = user.clone().unwrap_or_else(|| ctx.oid().to_string());
            let found = Account::find(&ctx.app, ctx.tenant(), &named).await?;
            let unknown =
                || Refusal::NoPrincipal { principal: named.chars().take(256).collect(), tenant: ctx.tenant().to_string() };
            Whose::Account(found.ok_or_else(unknown)?)
        }
    };
    let oid = match &whose {
        Whose::Account(account) => Some(account.oid),
        Whose::Token(_, known) => known.as_deref().map(|token| token.oid),
    };
    if oid.is_some_and(|oid| oid != ctx.oid()) {
        ctx.allow(Action::ClusterWrite, &address.scope())?;
    }
    let cluster = existing(&ctx, &address).await?;
    Ok(Json(report::report(&ctx.app, &cluster, &whose, asked.can.as_ref()).await?))
}

impl From<Unexplained> for ArmError {
    fn from(error: Unexplained) -> Self {
        match error {
            Unexplained::NotReady(not_yet) => Refusal::NotReady(not_yet.to_string()).into(),
            Unexplained::Store(error) => error.into(),
        }
    }
}
