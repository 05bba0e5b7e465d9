//! Who asks, for which tenant, in which version: the start of every endpoint.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use entrance_model::Timestamp;
use entrance_model::directory::{Member, Tenant};
use entrance_model::directory_rules::access::{Action, Allowed, Caller, Standing, Target, allow};
use entrance_model::id::{SessionId, TenantId};
use entrance_store::directory::Directory;
use entrance_store::{AuditEvent, Reader, Tx};
use entrance_wire::graph::Version;
use entrance_wire::graph::query::Options;
use serde_json::Value;
use uuid::Uuid;

use super::error::GraphError;
use super::{Graph, page::PageKey};
use crate::app::App;
use crate::authority::bearer::{self, Api};
use crate::authority::token::{AccessToken, IdentityType};
use crate::http::RequestInfo;

/// A request whose caller is known.
pub(super) struct Ctx {
    pub(super) app: Arc<App>,
    pub(super) tenant: TenantId,
    pub(super) caller: Caller,
    pub(super) version: Version,
    /// The session of the caller's token.
    pub(super) session: Option<SessionId>,
    /// The path behind the version, in its plain form.
    pub(super) path: String,
    pub(super) pages: PageKey,
    query: String,
    info: RequestInfo,
}

impl FromRequestParts<Graph> for Ctx {
    type Rejection = GraphError;

    async fn from_request_parts(parts: &mut Parts, graph: &Graph) -> Result<Self, GraphError> {
        let app = Arc::clone(&graph.app);
        let token = bearer::check(&app, &parts.headers, Api::Graph).await?;
        let mut reader = app.store.read().await?;
        let caller = caller(&mut reader, &token).await?;
        drop(reader);
        let extension = parts.extensions.get::<RequestInfo>().cloned();
        Ok(Self {
            tenant: token.tid,
            caller,
            session: token.sid,
            version: parts.extensions.get().copied().unwrap_or(Version::V1),
            path: parts.uri.path().to_owned(),
            pages: graph.pages.clone(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            info: extension.expect("the listener gives every request its facts"),
            app,
        })
    }
}

/// What the caller is now; the token only says who it is.
async fn caller(reader: &mut Reader, token: &AccessToken) -> Result<Caller, GraphError> {
    if token.idtyp == IdentityType::App {
        return Ok(Caller::Application { id: token.oid.as_service_principal(), roles: token.roles.clone() });
    }
    let user = reader.directory().user(token.tid, token.oid.as_user()).await?;
    let standing = match user {
        Some(user) if user.is_directory_admin => Standing::Administrator,
        Some(user) if user.other.get("userType").and_then(Value::as_str) != Some("Guest") => Standing::Member,
        _ => Standing::Guest,
    };
    let scopes = token.scp.as_deref().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    Ok(Caller::Person { id: token.oid.as_user(), standing, scopes })
}

impl Ctx {
    /// Now.
    pub(super) fn now(&self) -> Timestamp {
        self.app.now()
    }

    /// The query options of the request.
    pub(super) fn options(&self) -> Result<Options, GraphError> {
        Ok(Options::read(&self.query)?)
    }

    /// The query options of a request that may name an order; the order stays in what a next link repeats.
    pub(super) fn options_and_order(&self) -> Result<(Options, Option<String>), GraphError> {
        let is_order = |name: &str| name.trim_start_matches('$').eq_ignore_ascii_case("orderby");
        let (mut rest, mut order) = (url::form_urlencoded::Serializer::new(String::new()), None);
        for (name, value) in url::form_urlencoded::parse(self.query.as_bytes()) {
            if !is_order(&name) {
                rest.append_pair(&name, &value);
            } else if order.replace(value.into_owned()).is_some() {
                return Err(GraphError::bad_path("Query option '$orderby' was specified more than once."));
            }
        }
        let mut options = Options::read(&rest.finish())?;
        if let Some(order) = &order {
            let mut bound = url::form_urlencoded::Serializer::new(options.bound);
            options.bound = bound.append_pair("$orderby", order).finish();
        }
        Ok((options, order))
    }

    /// One parameter of the query that is ours and not the protocol's.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// Reads everything committed so far.
    pub(super) async fn read(&self) -> Result<Reader, GraphError> {
        Ok(self.app.store.read().await?)
    }

    /// The tenant itself.
    pub(super) async fn organization<M>(&self, directory: &mut Directory<'_, M>) -> Result<Tenant, GraphError> {
        directory.tenant(self.tenant).await?.ok_or_else(|| GraphError::not_found(&self.tenant.to_string()))
    }

    /// The proof that the caller may do something that is about no object yet.
    pub(super) fn allow(&self, action: Action) -> Result<Allowed, GraphError> {
        Ok(allow(&self.caller, action, None)?)
    }

    /// What was found. Who may not look for it learns that, and nothing about who or what exists.
    pub(super) fn or_forbidden<T>(&self, action: Action, found: Result<T, GraphError>) -> Result<T, GraphError> {
        if found.is_err() {
            self.allow(action)?;
        }
        found
    }

    /// The proof that the caller may do something to one object.
    pub(super) async fn allow_on<M>(
        &self,
        directory: &mut Directory<'_, M>,
        action: Action,
        object: Object,
    ) -> Result<Allowed, GraphError> {
        let owners = directory.owners(self.tenant, &object.id.to_string()).await?;
        let owners: Vec<_> = owners.iter().map(|owner: &Member| owner.id).collect();
        let target =
            Target { id: object.id, owners: &owners, is_first_party: object.is_first_party, is_privileged: object.is_privileged };
        Ok(allow(&self.caller, action, Some(&target))?)
    }

    /// Records what somebody who was allowed to does, in the same transaction.
    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        allowed: &Allowed,
        kind: &'static str,
        target: Uuid,
        mut detail: Value,
    ) -> Result<(), GraphError> {
        if let Some(detail) = detail.as_object_mut() {
            detail.insert("because".into(), allowed.because().as_str().into());
            detail.insert("request".into(), self.info.id.to_string().into());
        }
        let event = AuditEvent {
            kind,
            tenant: Some(self.tenant),
            actor: Some(allowed.actor()),
            target: Some(target.to_string()),
            detail,
        };
        tx.audit(self.now(), &event).await?;
        Ok(())
    }
}

/// What authorization has to know of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object {
    pub(super) id: Uuid,
    pub(super) is_first_party: bool,
    pub(super) is_privileged: bool,
}

impl Object {
    /// An object with nothing special.
    pub(super) const fn plain(id: Uuid) -> Self {
        Self { id, is_first_party: false, is_privileged: false }
    }
}
