//! What every endpoint of the token service has at hand, and how it records a decision.

use std::sync::Arc;

use entrance_model::Timestamp;
use entrance_model::id::{AppId, PrincipalId, TenantId};
use entrance_model::signin::Endpoint;
use entrance_model::signin::device::DeviceRequest;
use entrance_model::signin::network::{Nearness, nearness};
use entrance_store::authority::Decision;
use entrance_store::{AuditEvent, Decided};
use futures_util::future::try_join_all;
use serde_json::Value;

use super::refused::Refused;
use super::strangers;
use crate::app::App;
use crate::http::RequestInfo;
use crate::pages::texts::Asked;

/// A request to the token service or one of its pages.
#[derive(Clone)]
pub(crate) struct Ctx {
    /// The shared state.
    pub(crate) app: Arc<App>,
    /// The request.
    pub(crate) info: RequestInfo,
    /// Which generation of endpoint was asked.
    pub(crate) endpoint: Endpoint,
    /// The language that the application asked for.
    pub(crate) language: Asked,
}

impl Ctx {
    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        self.app.now()
    }

    /// The address that the request came from.
    pub(crate) fn address(&self) -> String {
        self.info.peer.ip().to_canonical().to_string()
    }

    /// How near a device is to this request. Behind somebody whom nobody named as a proxy everybody looks alike, so there
    /// it is not known.
    pub(crate) fn nearness(&self, device: &DeviceRequest) -> Nearness {
        if device.relayed || self.info.is_relayed {
            return Nearness::Unknown;
        }
        nearness(&device.from, self.info.peer.ip())
    }

    /// A decision about this request.
    pub(crate) fn decision(&self, kind: &'static str, tenant: TenantId, app: Option<AppId>) -> Decision {
        Decision {
            tenant,
            user: None,
            app,
            resource: None,
            kind,
            interactive: false,
            code: 0,
            reason: String::new(),
            address: self.address(),
            agent: self.info.user_agent.clone(),
            request: self.info.id,
            correlation: self.info.correlation_id(),
            token: None,
            session: None,
            judged: None,
        }
    }

    /// Records that a request was refused; of too many from strangers only how many there were. That the record cannot be
    /// written does not change the answer.
    pub(crate) async fn record(&self, decision: Decision, refused: &Refused) {
        let entry = refused.number.entry();
        let reason = refused.why.as_deref().unwrap_or(&entry.says).to_owned();
        let judged = refused.judged.as_deref().cloned().or_else(|| decision.judged.clone());
        let rows = strangers::rows(self, Decision { code: entry.code, user: refused.user, reason, judged, ..decision });
        // All at once, so that they share a commit.
        let write = |decision| self.app.store.decide(Decided { at: self.now(), decision, token: None });
        if let Err(error) = try_join_all(rows.into_iter().map(write)).await {
            tracing::error!(%error, request = %self.info.id, "a refusal could not be recorded");
        }
    }
}

/// An audit event of the token service.
pub(crate) fn event(
    kind: &'static str,
    tenant: TenantId,
    actor: Option<PrincipalId>,
    target: String,
    detail: Value,
) -> AuditEvent {
    AuditEvent { kind, tenant: Some(tenant), actor, target: Some(target), detail }
}
