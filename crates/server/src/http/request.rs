//! What is known of a request before anybody looks at its content.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Request};
use entrance_model::Timestamp;
use entrance_model::id::RequestId;
use entrance_model::signin::network::{FarEnd, far_end};
use entrance_model::signin::policy::IpRange;
use uuid::Uuid;

use super::new_request_id;

/// Facts about a request; an extension of it (`Extension<RequestInfo>`).
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// Our id of it: `x-ms-request-id`, `Trace ID`, the id in logs and audit.
    pub id: RequestId,
    /// The client's id of it, when it is a GUID.
    pub client_request_id: Option<Uuid>,
    /// Who sent it: who is at the other end of the connection, or whom a trusted proxy there speaks for.
    pub peer: SocketAddr,
    /// It came through somebody whom nobody named as a proxy: where it was sent from is not known.
    pub is_relayed: bool,
    /// When it came.
    pub started: Timestamp,
    /// `User-Agent`, cut to 200 characters.
    pub user_agent: Option<String>,
}

impl RequestInfo {
    pub(crate) fn of<B>(request: &Request<B>, peer: SocketAddr, trusted: &[IpRange], now: Timestamp) -> Self {
        let sender = sender(request.headers(), peer.ip(), trusted);
        let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let client = text("x-ms-client-request-id").or_else(|| text("client-request-id"));
        Self {
            id: new_request_id(),
            client_request_id: client.and_then(|id| Uuid::try_parse(id.trim()).ok()),
            // Of somebody further away the port is not known.
            peer: if sender.address == peer.ip() { peer } else { SocketAddr::new(sender.address, 0) },
            is_relayed: sender.is_relay,
            started: now,
            user_agent: text("user-agent").map(|agent| agent.chars().take(200).collect()),
        }
    }

    /// The id that links this request to others: the client's when it sent a GUID, else ours (S-017).
    pub fn correlation_id(&self) -> Uuid {
        self.client_request_id.unwrap_or(self.id.uuid())
    }
}

/// Headers of proxies that are no list of whom they heard.
const PASSED_ON: [&str; 4] = ["forwarded", "via", "x-real-ip", "x-forwarded-host"];

fn sender(headers: &HeaderMap, peer: IpAddr, trusted: &[IpRange]) -> FarEnd {
    // What is no text cannot be read, and is a hop all the same.
    let lines = headers.get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("?"));
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let is_passed_on = PASSED_ON.iter().any(|name| headers.contains_key(*name));
    far_end(peer, hops.into_iter(), is_passed_on, trusted)
}
