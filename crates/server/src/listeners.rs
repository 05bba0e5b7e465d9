//! The listeners beside the public one: each is off until the configuration names an address for it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::app::App;
use crate::authority::identity;
use crate::config::Config;
use crate::http;
use crate::observe::metrics;
use crate::server::StartError;

/// Listeners that are bound and not served yet.
pub(crate) struct Listeners {
    metrics: Option<TcpListener>,
    realms: Option<TcpListener>,
    identity: Option<TcpListener>,
}

fn listening(listener: Option<&TcpListener>) -> Option<SocketAddr> {
    listener.and_then(|listener| listener.local_addr().ok())
}

impl Listeners {
    /// Binds what the configuration asks for.
    pub(crate) async fn bind(config: &Config) -> Result<Self, StartError> {
        let failed = |at: SocketAddr| move |error| StartError::Listen(at, error);
        let metrics = match config.metrics_listen {
            Some(at) => Some(metrics::bind(at).await.map_err(failed(at))?),
            None => None,
        };
        let realms = match config.realm_listen {
            Some(at) => Some(TcpListener::bind(at).await.map_err(failed(at))?),
            None => None,
        };
        let identity = match config.identity_listen {
            Some(at) => Some(identity::bind(at).await.map_err(failed(at))?),
            None => None,
        };
        Ok(Self { metrics, realms, identity })
    }

    /// Where metrics are served.
    pub(crate) fn metrics(&self) -> Option<SocketAddr> {
        listening(self.metrics.as_ref())
    }

    /// Where clients that drop the port are answered (S-014).
    pub(crate) fn realms(&self) -> Option<SocketAddr> {
        listening(self.realms.as_ref())
    }

    /// Where machines ask for their tokens (S-270).
    pub(crate) fn identity(&self) -> Option<SocketAddr> {
        listening(self.identity.as_ref())
    }

    /// Serves them until the server stops.
    pub(crate) fn serve(self, app: &Arc<App>, tls: &Arc<rustls::ServerConfig>) {
        if let Some(listener) = self.metrics {
            app.tasks.spawn_draining(metrics::serve(Arc::clone(app), listener, app.tasks.stopping()));
        }
        if let Some(listener) = self.realms {
            http::serve_realms(app, listener, Arc::clone(tls));
        }
        if let Some(listener) = self.identity {
            app.tasks.spawn_draining(identity::serve(Arc::clone(app), listener, app.tasks.stopping()));
        }
    }
}
