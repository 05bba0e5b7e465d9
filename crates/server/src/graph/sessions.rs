//! `/entrance/sessions`: where somebody is signed in, so that they can find what to revoke.

use std::collections::HashMap;

use entrance_model::directory_rules::access::Action;
use entrance_model::id::{AppId, UserId};
use entrance_model::signin::session::Session;
use entrance_store::directory::Directory;
use entrance_wire::graph::Object;
use serde_json::{Value, json};

use super::ctx::Ctx;
use super::error::GraphError;
use super::find::user_target;
use super::reply::{Reply, Shown};

/// More than a person can look through.
const MOST: u32 = 1_000;

/// `GET /entrance/sessions[?user=ID|UPN|all]`: one's own sessions; administrators see anybody's.
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    let asked = ctx.parameter("user");
    let mut reader = ctx.read().await?;
    let user = match asked.as_deref() {
        Some("all") => {
            ctx.allow(Action::ReadSessions)?;
            None
        }
        Some(key) => Some(somebody(&ctx, &mut reader.directory(), key).await?),
        None => Some(somebody(&ctx, &mut reader.directory(), &ctx.me()?.to_string()).await?),
    };
    let now = ctx.now();
    let sessions = reader.authority().sessions(ctx.tenant, user, now, MOST).await?;
    let mut names = Names::default();
    let mut values = Vec::new();
    for session in sessions.iter().filter(|session| session.is_live(now)) {
        values.push(Value::Object(show(&ctx, &mut reader.directory(), &mut names, session).await?));
    }
    Ok(ctx.values("entrance/sessions", values))
}

async fn somebody<M>(ctx: &Ctx, directory: &mut Directory<'_, M>, key: &str) -> Result<UserId, GraphError> {
    let Ok(user) = ctx.user(directory, key).await else {
        ctx.allow(Action::ReadSessions)?;
        return Err(GraphError::not_found(key));
    };
    ctx.allow_on(directory, Action::ReadSessions, user_target(&user)).await?;
    Ok(user.id)
}

/// The names of people and applications, each looked up once.
#[derive(Default)]
struct Names {
    people: HashMap<UserId, Option<String>>,
    applications: HashMap<AppId, Option<String>>,
}

impl Names {
    async fn person<M>(&mut self, ctx: &Ctx, directory: &mut Directory<'_, M>, id: UserId) -> Result<Option<String>, GraphError> {
        if let Some(known) = self.people.get(&id) {
            return Ok(known.clone());
        }
        let name = directory.user(ctx.tenant, id).await?.map(|user| user.upn.as_str().to_owned());
        self.people.insert(id, name.clone());
        Ok(name)
    }

    async fn application<M>(
        &mut self,
        ctx: &Ctx,
        directory: &mut Directory<'_, M>,
        id: AppId,
    ) -> Result<Option<String>, GraphError> {
        if let Some(known) = self.applications.get(&id) {
            return Ok(known.clone());
        }
        let name = directory.service_principal_of(ctx.tenant, id).await?.map(|principal| principal.display_name);
        self.applications.insert(id, name.clone());
        Ok(name)
    }
}

async fn show<M>(
    ctx: &Ctx,
    directory: &mut Directory<'_, M>,
    names: &mut Names,
    session: &Session,
) -> Result<Object, GraphError> {
    let client = match session.app {
        Some(app) => names.application(ctx, directory, app).await?,
        None => None,
    };
    let shown = json!({
        "id": session.id,
        "userId": session.user,
        "userPrincipalName": names.person(ctx, directory, session.user).await?,
        "place": session.place.as_str(),
        "deviceId": session.device,
        "clientAppId": session.app,
        "clientDisplayName": client,
        "ipAddress": session.address,
        "userAgent": session.agent,
        "createdDateTime": session.began.to_string(),
        "lastUsedDateTime": session.seen.to_string(),
        "lastUsedIpAddress": session.seen_from,
        "approvedInSession": session.parent,
        "isCurrent": ctx.session == Some(session.id),
    });
    Ok(shown.as_object().cloned().unwrap_or_default())
}
