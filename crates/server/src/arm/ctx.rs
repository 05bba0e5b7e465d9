//! Who calls, and what they may do: made from the request before any endpoint looks at it.

use std::sync::{Arc, LazyLock};

use axum::extract::{FromRequestParts, Query};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use base64::Engine as _;
use entrance_model::access::{
    Action, Assignment, Attributes, Because, Caller, Decision, Denial, Hierarchy, Plane, Question, Rights, Roles, decide,
};
use entrance_model::arm::{ApiVersion, Lock, Locked, Scope, Subscription};
use entrance_model::directory::MemberKind;
use entrance_model::id::{GroupId, PrincipalId, SubscriptionId, TenantId};
use entrance_store::{AuditEvent, Reader, StoreError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ArmError, Refusal};
use crate::app::App;
use crate::authority::bearer::{self, Api, BearerError};
use crate::authority::keys::Verified;
use crate::authority::token::AccessToken;
use crate::http::RequestInfo;

/// The built-in roles.
pub(super) static ROLES: LazyLock<Roles> = LazyLock::new(Roles::built_in);

/// One request of a known caller.
pub(crate) struct Ctx {
    /// The server.
    pub(crate) app: Arc<App>,
    /// What is known of the request.
    pub(crate) info: RequestInfo,
    who: Who,
    groups: Vec<GroupId>,
    held: Held,
    locks: Vec<Lock>,
}

/// What somebody holds, read from the store: what decisions about them need, and nothing about others.
pub(super) struct Held {
    assignments: Vec<Assignment>,
    // With custom roles among those they hold; without, the built-in ones serve everybody.
    roles: Option<Roles>,
    denials: Vec<Denial>,
    hierarchy: Hierarchy,
}

impl Held {
    /// Reads it for these assignments.
    pub(super) async fn read(reader: &mut Reader, tenant: TenantId, assignments: Vec<Assignment>) -> Result<Self, StoreError> {
        let mut roles: Option<Roles> = None;
        for assignment in &assignments {
            if roles.as_ref().unwrap_or(&ROLES).get(assignment.role).is_none()
                && let Some(custom) = reader.arm().custom_role(tenant, assignment.role).await?
            {
                roles.get_or_insert_with(|| ROLES.clone()).add(custom.role);
            }
        }
        let denials = reader.arm().denials(tenant).await?;
        Ok(Self { assignments, roles, denials, hierarchy: Hierarchy::of(tenant) })
    }

    /// What counts for decisions.
    pub(super) fn rights(&self) -> Rights<'_> {
        Rights {
            roles: self.roles.as_ref().unwrap_or(&ROLES),
            assignments: &self.assignments,
            denials: &self.denials,
            hierarchy: &self.hierarchy,
        }
    }
}

/// How the caller is known.
enum Who {
    /// They sent a token.
    Sent(Box<Verified<AccessToken>>),
    /// They asked for something that is still going on (see [`Ctx::going_on`]).
    Asked { tenant: TenantId, oid: PrincipalId, name: String },
}

/// The proof that the caller may do something. Only [`Ctx::allow`] makes one.
#[derive(Debug)]
pub(crate) struct Allowed {
    action: Action,
    scope: Scope,
    because: Because,
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "api-version")]
    version: Option<String>,
}

impl FromRequestParts<Arc<App>> for Ctx {
    type Rejection = ArmError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ArmError> {
        let token = bearer::check(app, &parts.headers, Api::Arm).await.map_err(|error| unknown_caller(app, error))?;
        let Query(Version { version }) = Query::from_request_parts(parts, app).await.unwrap_or(Query(Version { version: None }));
        version.ok_or(Refusal::NoApiVersion)?.parse::<ApiVersion>().map_err(Refusal::ApiVersion)?;
        let info = parts.extensions.get::<RequestInfo>().cloned().ok_or_else(|| Refusal::Internal("no request".to_owned()))?;
        let mut reader = app.store.read().await?;
        let groups = reader.directory().ancestors(token.tid, token.oid).await?;
        let groups = groups.into_iter().filter(|group| group.security_enabled).map(|group| group.id).collect();
        let assignments = reader.arm().assignments_held(token.tid, token.oid).await?;
        let held = Held::read(&mut reader, token.tid, assignments).await?;
        let locks = reader.arm().locks(token.tid).await?;
        Ok(Self { app: Arc::clone(app), info, who: Who::Sent(Box::new(token)), groups, held, locks })
    }
}

impl Ctx {
    /// Somebody whose request was accepted and is still going on: with the rights they have now, and none when they are gone
    /// or disabled.
    pub(super) async fn going_on(
        app: &Arc<App>,
        info: RequestInfo,
        (tenant, oid, name): (TenantId, PrincipalId, String),
    ) -> Result<Option<Self>, ArmError> {
        let mut reader = app.store.read().await?;
        let mut directory = reader.directory();
        let is_enabled = match directory.principal_kind(tenant, oid).await? {
            Some(MemberKind::User) => directory.user(tenant, oid.as_user()).await?.is_some_and(|user| user.enabled),
            Some(MemberKind::ServicePrincipal) => {
                let found = directory.service_principal(tenant, oid.as_service_principal()).await?;
                found.is_some_and(|principal| principal.enabled)
            }
            Some(MemberKind::Group) | None => false,
        };
        if !is_enabled {
            return Ok(None);
        }
        let groups = directory.ancestors(tenant, oid).await?;
        let groups = groups.into_iter().filter(|group| group.security_enabled).map(|group| group.id).collect();
        let assignments = reader.arm().assignments_held(tenant, oid).await?;
        let held = Held::read(&mut reader, tenant, assignments).await?;
        let locks = reader.arm().locks(tenant).await?;
        Ok(Some(Self { app: Arc::clone(app), info, who: Who::Asked { tenant, oid, name }, groups, held, locks }))
    }

    /// The caller's object id.
    pub(crate) fn oid(&self) -> PrincipalId {
        match &self.who {
            Who::Sent(token) => token.oid,
            Who::Asked { oid, .. } => *oid,
        }
    }

    /// The caller's directory.
    pub(crate) fn tenant(&self) -> TenantId {
        match &self.who {
            Who::Sent(token) => token.tid,
            Who::Asked { tenant, .. } => *tenant,
        }
    }

    /// What people call the caller.
    pub(crate) fn name(&self) -> String {
        match &self.who {
            Who::Sent(token) => token.upn.clone().unwrap_or_else(|| token.app_id.to_string()),
            Who::Asked { name, .. } => name.clone(),
        }
    }

    /// The caller's groups, nested ones included.
    pub(crate) fn groups(&self) -> &[GroupId] {
        &self.groups
    }

    /// The role assignments that the caller holds, as they were when the request began.
    pub(crate) fn assignments(&self) -> &[Assignment] {
        &self.held.assignments
    }

    /// The tenant's locks, as they were when the request began.
    pub(crate) fn locks(&self) -> &[Lock] {
        &self.locks
    }

    /// What counts for decisions about the caller.
    pub(super) fn rights(&self) -> Rights<'_> {
        self.held.rights()
    }

    fn decide(&self, action: Action, scope: &Scope, attributes: &Attributes) -> Decision {
        let caller = Caller { oid: self.oid(), groups: &self.groups };
        decide(&Question { caller, plane: Plane::Control, action: action.as_str(), scope, attributes }, &self.rights())
    }

    /// Whether the caller may do it; for lists that show only what may be seen.
    pub(crate) fn may(&self, action: Action, scope: &Scope) -> bool {
        self.decide(action, scope, &Attributes::default()).is_allowed()
    }

    /// the proof that the caller may do it and no lock forbids it, before anybody looks whether the thing exists.
    pub(crate) fn allow(&self, action: Action, scope: &Scope) -> Result<Allowed, ArmError> {
        self.allow_with(action, scope, &Attributes::default())
    }

    /// The same where conditions can ask for more than the action.
    pub(super) fn allow_with(&self, action: Action, scope: &Scope, attributes: &Attributes) -> Result<Allowed, ArmError> {
        let allowed = self.past_locks(action, scope, attributes)?;
        Locked::check(&self.locks, action, scope)?;
        Ok(allowed)
    }

    /// The same for what locks must never hold up: closing a door.
    pub(crate) fn allow_past_locks(&self, action: Action, scope: &Scope) -> Result<Allowed, ArmError> {
        self.past_locks(action, scope, &Attributes::default())
    }

    fn past_locks(&self, action: Action, scope: &Scope, attributes: &Attributes) -> Result<Allowed, ArmError> {
        match self.decide(action, scope, attributes) {
            Decision::Allow(because) => Ok(Allowed { action, scope: scope.clone(), because }),
            Decision::Deny(why) => {
                tracing::info!(request = %self.info.id, oid = %self.oid(), %action, %scope, %why, "refused");
                let (name, oid, scope) = (self.name(), self.oid().to_string(), scope.to_string());
                Err(Refusal::Forbidden { name, oid, action: action.as_str(), scope, why: why.to_string() }.into())
            }
        }
    }

    /// a subscription of the caller's tenant.
    pub(crate) async fn subscription(&self, id: &str) -> Result<Subscription, ArmError> {
        let unknown = || Refusal::NoSubscription(id.chars().take(64).collect());
        let id: SubscriptionId = id.parse().map_err(|_| unknown())?;
        let found = self.app.store.read().await?.arm().subscription(id).await?.ok_or_else(unknown)?;
        if found.tenant != self.tenant() {
            let (token, subscription, tenant) = (self.tenant().to_string(), id.to_string(), found.tenant.to_string());
            return Err(Refusal::OtherTenant { token, subscription, tenant }.into());
        }
        Ok(found)
    }

    /// An audit event of the caller: what they did, and which right let them.
    pub(crate) fn event(&self, kind: &'static str, allowed: &Allowed, detail: Value) -> AuditEvent {
        let mut detail = detail;
        detail["action"] = json!(allowed.action.as_str());
        detail["because"] = json!(allowed.because.to_string());
        detail["request"] = json!(self.info.id.to_string());
        AuditEvent { kind, tenant: Some(self.tenant()), actor: Some(self.oid()), target: Some(allowed.scope.to_string()), detail }
    }
}

// `az` takes the claims of a challenge, gets a new token with them and repeats the request.
fn unknown_caller(app: &App, error: BearerError) -> ArmError {
    let login = format!("Bearer authorization_uri=\"{}/common\"", app.base());
    let because = |why: &str, text: &str| format!("{login}, error=\"{why}\", error_description=\"{text}\"");
    let refusal = match error {
        BearerError::Missing => Refusal::NoToken { challenge: login },
        BearerError::Foreign => {
            Refusal::NoToken { challenge: because("invalid_token", "the token was not issued by this server") }
        }
        BearerError::Expired(at) => Refusal::Expired { at, challenge: because("invalid_token", "the token has ended") },
        BearerError::Audience(got) => Refusal::Audience {
            got,
            expected: format!("{}/arm", app.base()),
            challenge: because("invalid_token", "wrong audience"),
        },
        BearerError::Revoked { challenge: false, .. } => {
            Refusal::Revoked { challenge: because("invalid_token", "the token was revoked") }
        }
        BearerError::Revoked { challenge: true, now } => {
            let claims = json!({"access_token": {"nbf": {"essential": true, "value": now.as_second().to_string()}}});
            let claims = base64::engine::general_purpose::STANDARD.encode(claims.to_string());
            let authorize = format!("{}/common/oauth2/authorize", app.base());
            let challenge = format!(
                "Bearer realm=\"\", authorization_uri=\"{authorize}\", error=\"insufficient_claims\", claims=\"{claims}\""
            );
            Refusal::Revoked { challenge }
        }
        BearerError::Store(error) => return error.into(),
    };
    refusal.into()
}

/// A request header as text.
pub(super) fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}
