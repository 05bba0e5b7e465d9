//! `/directoryObjects`: objects by id alone (G-306).

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use entrance_model::directory::MemberKind;
use entrance_model::directory_rules::access::{Action, Area};
use serde_json::Value;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::find::typed;
use super::reply::{Reply, Shown};
use super::show::{self, KeyMaterial};
use super::source::Source;
use super::{applications, groups, list, service_principals, users};

const MOST_IDS: usize = 1000;

/// `POST /directoryObjects/getByIds`: unknown ids are left out, unknown types find nothing.
pub(super) async fn by_ids(ctx: Ctx, body: Json) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::Users))?;
    let ids = body.texts("ids", MOST_IDS)?;
    let types: Vec<String> =
        body.0.get("types").cloned().and_then(|types| serde_json::from_value(types).ok()).unwrap_or_default();
    let wants = |kind: &str| {
        types.is_empty() || types.iter().any(|one| one.eq_ignore_ascii_case(kind) || one.eq_ignore_ascii_case("directoryObject"))
    };
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let mut values = Vec::new();
    for id in ids {
        let shown = if let Ok(member) = ctx.principal(&mut directory, &id).await {
            if wants(kind_name(member.kind)) { ctx.show_principal(&mut directory, member).await? } else { None }
        } else if wants("application") {
            let app = ctx.application(&mut directory, &id).await.ok();
            app.map(|app| typed("application", show::application(&app, None, KeyMaterial::Hidden)))
        } else {
            None
        };
        values.extend(shown.map(|object| Value::Object(list::cut(&Source::Fixed(Vec::new()), object, None))));
    }
    Ok(ctx.values("directoryObjects", values))
}

fn kind_name(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::User => "user",
        MemberKind::Group => "group",
        MemberKind::ServicePrincipal => "servicePrincipal",
    }
}

/// `GET /directoryObjects/{id}`
pub(super) async fn show(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::Users))?;
    let options = ctx.options()?;
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let member = ctx.principal(&mut directory, &key).await?;
    let shown = ctx.show_principal(&mut directory, member).await?.ok_or_else(|| GraphError::not_found(&key))?;
    Ok(ctx.one("directoryObjects/$entity", list::cut(&Source::Fixed(Vec::new()), shown, options.select.as_deref())))
}

/// `DELETE /directoryObjects/{id}`: the same as at the object's own address (G-008).
pub(super) async fn remove(ctx: Ctx, Path(key): Path<String>) -> Reply<Response> {
    let mut reader = ctx.read().await?;
    let found = ctx.principal(&mut reader.directory(), &key).await;
    drop(reader);
    let done = match found.map(|member| member.kind) {
        Ok(MemberKind::User) => users::remove(ctx, Path(key)).await,
        Ok(MemberKind::Group) => groups::remove(ctx, Path(key)).await,
        Ok(MemberKind::ServicePrincipal) => service_principals::remove(ctx, Path(key)).await,
        Err(_) => applications::remove(ctx, Path(key)).await,
    };
    done.map(IntoResponse::into_response)
}
