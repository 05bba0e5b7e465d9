//! `/users`: people (G-200 to G-204).

use axum::extract::Path;
use axum::response::Response;
use entrance_model::directory::{Tenant, User};
use entrance_model::directory_rules::access::{Action, Allowed, Area};
use entrance_model::directory_rules::names;
use entrance_model::directory_rules::password::WeakPassword;
use entrance_model::id::UserId;
use entrance_model::name::Upn;
use entrance_store::StoreError;
use entrance_store::directory::Directory;
use entrance_wire::graph::Object;
use entrance_wire::graph::body::{BadBody, Body, Mode as BodyMode};
use entrance_wire::graph::tables::USER;
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::body::Json;
use super::ctx::Ctx;
use super::error::GraphError;
use super::find::user_target;
use super::reply::{NoContent, Reply, Shown};
use super::source::Source;
use super::{list, revocations, show};
use crate::authority::revoke;
use crate::passwords;

/// `GET /users`
pub(super) async fn list(ctx: Ctx) -> Reply<Shown> {
    ctx.allow(Action::Read(Area::Users))?;
    list::list(&ctx, Source::Users).await
}

/// `GET /users/$count`
pub(super) async fn count(ctx: Ctx) -> Reply<Response> {
    ctx.allow(Action::Read(Area::Users))?;
    list::count(&ctx, Source::Users).await
}

/// `GET /users/{id|upn}`
pub(super) async fn show(ctx: Ctx, Path(key): Path<String>) -> Reply<Shown> {
    let options = ctx.options()?;
    USER.check_select(options.select.as_deref())?;
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let user = ctx.user(&mut directory, &key).await;
    // Who may not look learns nothing about who exists.
    let Ok(user) = user else {
        ctx.allow(Action::Read(Area::Users))?;
        return Err(GraphError::not_found(&key));
    };
    ctx.allow_on(&mut directory, Action::Read(Area::Users), user_target(&user)).await?;
    Ok(ctx.one("users/$entity", USER.cut(show::user(&user), options.select.as_deref())))
}

/// `POST /users`
pub(super) async fn create(ctx: Ctx, Json(body): Json) -> Reply<Shown> {
    let allowed = ctx.allow(Action::Create(Area::Users))?;
    if body.get("passwordProfile").is_none_or(Value::is_null) {
        return Err(BadBody::Missing { property: "passwordProfile", entity: USER.name }.into());
    }
    let (user, hash) = prepared(&ctx, body, false).await?;
    let hash = hash.ok_or(BadBody::Missing { property: "passwordProfile", entity: USER.name })?;

    let mut tx = ctx.app.store.write().await?;
    tx.directory().insert_user(ctx.tenant, &user).await?;
    tx.directory().set_password_hash(ctx.tenant, user.id, &hash).await?;
    ctx.record(&mut tx, &allowed, "user.created", user.id.uuid(), json!({"userPrincipalName": user.upn.as_str()})).await?;
    tx.commit().await?;
    Ok(ctx.created("users", &user.id, USER.cut(show::user(&user), None)))
}

/// A person that a body describes, checked against everything, with the hash of their password if they have one. For a
/// rehearsal the password is judged and not hashed.
pub(super) async fn prepared(ctx: &Ctx, body: Value, is_rehearsal: bool) -> Result<(User, Option<String>), GraphError> {
    let mut body = Body::read(&USER, body, BodyMode::Create)?;
    let missing = |property| BadBody::Missing { property, entity: USER.name };
    let enabled = body.take_flag("accountEnabled").ok_or(missing("accountEnabled"))?;
    let display_name = body.take_text("displayName").flatten().ok_or(missing("displayName"))?;
    let mail_nickname = body.take_text("mailNickname").flatten().ok_or(missing("mailNickname"))?;
    let upn = body.take_text("userPrincipalName").flatten().ok_or(missing("userPrincipalName"))?;
    let secret = NewPassword::take(&mut body).transpose()?;
    let now = ctx.now();
    let mut user = User {
        id: UserId::from_uuid(Uuid::new_v4()),
        upn: parse_upn(&upn)?,
        display_name,
        mail_nickname,
        given_name: None,
        surname: None,
        mail: None,
        enabled,
        must_change_password: secret.as_ref().is_some_and(|secret| secret.must_change),
        sessions_valid_from: now,
        is_directory_admin: false,
        created: now,
        other: Object::new(),
    };
    apply(&mut user, body)?;
    let mut reader = ctx.read().await?;
    check(ctx, &mut reader.directory(), &user).await?;
    let tenant = ctx.organization(&mut reader.directory()).await?;
    drop(reader);
    let hash = match &secret {
        Some(secret) if is_rehearsal => secret.judge(ctx, &user, &tenant).await.map(|()| None)?,
        Some(secret) => Some(secret.hash(ctx, &user, &tenant).await?),
        None => None,
    };
    if hash.is_some() {
        user.other.insert("lastPasswordChangeDateTime".into(), now.to_string().into());
    }
    Ok((user, hash))
}

/// `PATCH /users/{id|upn}`
pub(super) async fn update(ctx: Ctx, Path(key): Path<String>, Json(body): Json) -> Reply<NoContent> {
    change(&ctx, &key, body).await
}

/// Changes a person: their facts, whether they are enabled, their password. Each is allowed by itself (G-008).
pub(super) async fn change(ctx: &Ctx, key: &str, body: Value) -> Reply<NoContent> {
    let mut body = Body::read(&USER, body, BodyMode::Update)?;
    let mut reader = ctx.read().await?;
    let mut directory = reader.directory();
    let before = ctx.user(&mut directory, key).await;
    let Ok(before) = before else {
        ctx.allow(Action::Update(Area::Users))?;
        return Err(GraphError::not_found(key));
    };
    let target = user_target(&before);
    let secret = NewPassword::take(&mut body).transpose()?;
    let only_password = secret.is_some() && body.is_empty();
    let mut allowed = None;
    if !only_password {
        let action = if body.only_mentions(OWN_PROFILE) { Action::UpdateOwnProfile } else { Action::Update(Area::Users) };
        allowed = Some(ctx.allow_on(&mut directory, action, target).await?);
    }
    if secret.is_some() {
        allowed = Some(ctx.allow_on(&mut directory, Action::ResetPassword, target).await?);
    }
    let allowed = allowed.expect("an empty body asks for `Update`");
    let changed = body.names().chain(secret.is_some().then_some("passwordProfile")).collect::<Vec<_>>().join(",");

    let mut probe = before.clone();
    apply(&mut probe, body.clone())?;
    if probe.upn != before.upn || probe.display_name != before.display_name || probe.mail_nickname != before.mail_nickname {
        check(ctx, &mut directory, &probe).await?;
    }
    let tenant = ctx.organization(&mut directory).await?;
    drop(reader);
    let hash = match &secret {
        Some(secret) => Some(secret.hash(ctx, &probe, &tenant).await?),
        None => None,
    };

    let mut tx = ctx.app.store.write().await?;
    let mut user = ctx.user(&mut tx.directory(), &before.id.to_string()).await?;
    let was_enabled = user.enabled;
    apply(&mut user, body)?;
    if was_enabled && !user.enabled {
        keep_an_administrator(ctx, &mut tx.directory(), &user).await?;
        // What they hold now stays void when they are enabled again.
        revoke::person(&mut tx, ctx.tenant, &mut user, "disabled", Some(ctx.caller.id()), ctx.now()).await?;
    }
    if let (Some(secret), Some(hash)) = (&secret, &hash) {
        user.must_change_password = secret.must_change;
        revoke::person(&mut tx, ctx.tenant, &mut user, "new password", Some(ctx.caller.id()), ctx.now()).await?;
        user.other.insert("lastPasswordChangeDateTime".into(), ctx.now().to_string().into());
        tx.directory().set_password_hash(ctx.tenant, user.id, hash).await?;
    }
    tx.directory().update_user(ctx.tenant, &user).await?;
    ctx.record(&mut tx, &allowed, "user.updated", user.id.uuid(), json!({"changed": changed, "enabled": user.enabled})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// What people may change about themselves.
const OWN_PROFILE: &[&str] = &["businessPhones", "mobilePhone", "preferredLanguage", "officeLocation"];

/// `DELETE /users/{id|upn}`
pub(super) async fn remove(ctx: Ctx, Path(key): Path<String>) -> Reply<NoContent> {
    let mut tx = ctx.app.store.write().await?;
    let user = ctx.or_forbidden(Action::Delete(Area::Users), ctx.user(&mut tx.directory(), &key).await)?;
    let allowed = ctx.allow_on(&mut tx.directory(), Action::Delete(Area::Users), user_target(&user)).await?;
    keep_an_administrator(&ctx, &mut tx.directory(), &user).await?;
    tx.directory().delete_user(ctx.tenant, &user, ctx.now()).await?;
    ctx.record(&mut tx, &allowed, "user.deleted", user.id.uuid(), json!({"userPrincipalName": user.upn.as_str()})).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// `POST /users/{id|upn}/revokeSignInSessions`, `POST /me/revokeSignInSessions`, and the older `invalidateAllRefreshTokens`:
/// whatever the person holds ends, at API servers too (S-806).
pub(super) async fn revoke_sessions(ctx: Ctx) -> Reply<Shown> {
    let mut tx = ctx.app.store.write().await?;
    let subject = ctx.or_forbidden(Action::RevokeSessions, ctx.subject(&mut tx.directory()).await)?;
    let mut user = ctx.user(&mut tx.directory(), &subject.id.to_string()).await?;
    let allowed: Allowed = ctx.allow_on(&mut tx.directory(), Action::RevokeSessions, user_target(&user)).await?;
    revoke::person(&mut tx, ctx.tenant, &mut user, "revokeSignInSessions", Some(ctx.caller.id()), ctx.now()).await?;
    tx.directory().update_user(ctx.tenant, &user).await?;
    ctx.record(&mut tx, &allowed, "user.sessionsRevoked", user.id.uuid(), json!({"reason": "revokeSignInSessions"})).await?;
    tx.commit().await?;
    revocations::in_force(&ctx).await?;
    let mut body = Object::new();
    body.insert("value".into(), true.into());
    Ok(ctx.one("Edm.Boolean", body))
}

/// A password that somebody wants to set.
struct NewPassword {
    password: Zeroizing<String>,
    must_change: bool,
}

impl NewPassword {
    fn take(body: &mut Body) -> Option<Result<Self, GraphError>> {
        let profile = body.take_value("passwordProfile").filter(|value| !value.is_null())?;
        let flag = |name: &str| profile.get(name).and_then(Value::as_bool);
        let must_change = flag("forceChangePasswordNextSignIn").or(flag("forceChangePasswordNextSignInWithMfa")).unwrap_or(true);
        Some(match profile.get("password").and_then(Value::as_str) {
            Some(password) => Ok(Self { password: Zeroizing::new(password.to_owned()), must_change }),
            None => Err(BadBody::Missing { property: "password", entity: "PasswordProfile" }.into()),
        })
    }

    /// Checks the password against the policy (S-801) and hashes it, before anything is locked.
    async fn hash(&self, ctx: &Ctx, user: &User, tenant: &Tenant) -> Result<String, GraphError> {
        self.judge(ctx, user, tenant).await?;
        Ok(ctx.app.hasher.hash(self.password.clone()).await)
    }

    /// Checks the password against the policy (S-801).
    async fn judge(&self, ctx: &Ctx, user: &User, tenant: &Tenant) -> Result<(), GraphError> {
        let words = [user.upn.local_part(), user.display_name.as_str(), tenant.display_name.as_str()];
        Ok(passwords::judge(&ctx.app, &self.password, &words).await.map_err(|_| WeakPassword)?)
    }
}

fn parse_upn(text: &str) -> Result<Upn, GraphError> {
    text.parse().map_err(|_| BadBody::Value { property: "userPrincipalName", entity: USER.name }.into())
}

/// Takes over what the body says.
fn apply(user: &mut User, mut body: Body) -> Result<(), GraphError> {
    let required = |property| BadBody::Missing { property, entity: USER.name };
    if let Some(text) = body.take_text("userPrincipalName") {
        user.upn = parse_upn(&text.ok_or(required("userPrincipalName"))?)?;
    }
    if let Some(text) = body.take_text("displayName") {
        user.display_name = text.ok_or(required("displayName"))?;
    }
    if let Some(text) = body.take_text("mailNickname") {
        user.mail_nickname = text.ok_or(required("mailNickname"))?;
    }
    if body.mentions("accountEnabled") {
        user.enabled = body.take_flag("accountEnabled").ok_or(required("accountEnabled"))?;
    }
    for (name, field) in [("givenName", &mut user.given_name), ("surname", &mut user.surname), ("mail", &mut user.mail)] {
        if let Some(text) = body.take_text(name) {
            *field = text.filter(|text| !text.is_empty());
        }
    }
    if let Some(kind) = body.take_text("userType") {
        let kind = kind.filter(|kind| kind == "Member" || kind == "Guest");
        let kind = kind.ok_or(BadBody::Value { property: "userType", entity: USER.name })?;
        user.other.insert("userType".into(), kind.into());
    }
    body.keep_rest(&mut user.other);
    Ok(())
}

/// Names have their form, the domain is ours, and the name belongs to nobody else (G-202, DESIGN 5.1).
async fn check<M>(ctx: &Ctx, directory: &mut Directory<'_, M>, user: &User) -> Result<(), GraphError> {
    let invalid = |property| GraphError::from(BadBody::Value { property, entity: USER.name });
    names::display_name(&user.display_name).map_err(|_| invalid("displayName"))?;
    names::mail_nickname(&user.mail_nickname).map_err(|_| invalid("mailNickname"))?;
    let tenant = ctx.organization(directory).await?;
    names::upn_domain(&user.upn, &tenant.domains)?;
    if directory.user_by_upn(ctx.tenant, &user.upn).await?.is_some_and(|other| other.id != user.id) {
        return Err(GraphError::taken("userPrincipalName"));
    }
    entered_names_are_written(ctx).await?;
    if directory.name_holder(ctx.tenant, user.upn.as_str()).await?.is_some_and(|holder| holder != user.id.into()) {
        return Err(GraphError::held(user.upn.as_str()));
    }
    Ok(())
}

/// Whoever is gone enters no more, and under which names they entered is written down. Without that no name is given away.
async fn entered_names_are_written(ctx: &Ctx) -> Result<(), GraphError> {
    let head = ctx.read().await?.feed_position().await?.head;
    if tokio::time::timeout(PATIENCE, ctx.app.people.reached(head)).await.is_err() {
        return Err(StoreError::NotWritable("the directory in memory is behind".into()).into());
    }
    Ok(ctx.app.names.settle(&ctx.app.store).await?)
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// A directory that nobody administers could never be administered again.
async fn keep_an_administrator<M>(ctx: &Ctx, directory: &mut Directory<'_, M>, leaving: &User) -> Result<(), GraphError> {
    if leaving.is_directory_admin && directory.other_administrators(ctx.tenant, leaving.id).await? == 0 {
        return Err(GraphError::bad_request("The last enabled administrator of the directory cannot be deleted or disabled."));
    }
    Ok(())
}
