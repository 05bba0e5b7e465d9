//! What is known of a request before anybody looks at its content.

use std::net::SocketAddr;

use axum::http::Request;
use entrance_model::Timestamp;
use entrance_model::id::RequestId;
use uuid::Uuid;

use super::new_request_id;

/// Facts about a request; an extension of it (`Extension<RequestInfo>`).
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// Our id of it: `x-ms-request-id`, `Trace ID`, the id in logs and audit.
    pub id: RequestId,
    /// The client's id of it, when it is a GUID.
    pub client_request_id: Option<Uuid>,
    /// Who is at the other end of the connection.
    pub peer: SocketAddr,
    /// When it came.
    pub started: Timestamp,
    /// `User-Agent`, cut to 200 characters.
    pub user_agent: Option<String>,
}

impl RequestInfo {
    pub(crate) fn of<B>(request: &Request<B>, peer: SocketAddr, now: Timestamp) -> Self {
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let client = text("x-ms-client-request-id").or_else(|| text("client-request-id"));
        Self {
            id: new_request_id(),
            client_request_id: client.and_then(|id| Uuid::try_parse(id.trim()).ok()),
            peer,
            started: now,
            user_agent: text("user-agent").map(|agent| agent.chars().take(200).collect()),
        }
    }

    /// The id that links this request to others: the client's when it sent a GUID, else ours (S-017).
    pub fn correlation_id(&self) -> Uuid {
        self.client_request_id.unwrap_or(self.id.uuid())
    }
}
