//! `/metrics` in the text format of Prometheus, on a listener of its own.
//!
//! Everything is counted where it happens and only read here, so a look costs what it costs to write the text. Labels are
//! words from closed lists and the names of clusters; nothing that a stranger sends becomes one.

use std::fmt::{Display, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use entrance_store::StoreError;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::health;
use crate::app::App;
use crate::webhook::BOUNDS;

/// Serves operators of this machine until the server stops.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, stop: CancellationToken) {
    let router = Router::new().route("/metrics", get(show)).with_state(Arc::clone(&app)).merge(health::router(&app));
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "the listener for metrics ended");
    }
}

/// Listens for metrics; on loopback only, because nobody has to sign in there.
pub(crate) async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let why = "metrics are served without sign-in, so only on loopback";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, why));
    }
    TcpListener::bind(address).await
}

async fn show(State(app): State<Arc<App>>) -> Response {
    match render(&app).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be read");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n").into_response()
        }
    }
}

async fn render(app: &App) -> Result<String, StoreError> {
    let mut text = Text::default();
    text.family("entrance_build_info", "gauge", "The version that runs.");
    text.sample("entrance_build_info", &[("version", &env!("CARGO_PKG_VERSION"))], &1);
    reviews(app, &mut text);
    directory(app, &mut text);
    audit(app, &mut text).await?;
    let strangers = &app.authority.strangers;
    text.family(
        "entrance_strangers_refused_total",
        "counter",
        "Requests of strangers that had to wait for their network's quota.",
    );
    text.sample("entrance_strangers_refused_total", &[], &strangers.refused());
    text.family("entrance_refusals_unwritten_total", "counter", "Refusals that have no row of their own in the sign-in log.");
    text.sample("entrance_refusals_unwritten_total", &[], &strangers.unwritten());
    text.family(
        "entrance_freshness_seconds",
        "gauge",
        "How long a change took to count at a cluster, when it was measured last.",
    );
    for figure in app.observed.freshness().values() {
        text.sample("entrance_freshness_seconds", &[("cluster", &figure.cluster)], &figure.seconds);
    }
    text.family("entrance_freshness_measured_timestamp_seconds", "gauge", "When that was.");
    for figure in app.observed.freshness().values() {
        let at = figure.at.as_second();
        text.sample("entrance_freshness_measured_timestamp_seconds", &[("cluster", &figure.cluster)], &at);
    }
    Ok(text.0)
}

fn reviews(app: &App, text: &mut Text) {
    let tally = app.webhooks.tally();
    text.family("entrance_reviews_total", "counter", "Reviews by how they ended; `shed` ones got no answer.");
    text.sample("entrance_reviews_total", &[("outcome", &"admitted")], &tally.admitted());
    text.sample("entrance_reviews_total", &[("outcome", &"refused")], &tally.refused().values().sum::<u64>());
    text.sample("entrance_reviews_total", &[("outcome", &"shed")], &tally.shed());
    text.family("entrance_reviews_refused_total", "counter", "Refused reviews by reason.");
    for (why, count) in tally.refused() {
        text.sample("entrance_reviews_refused_total", &[("reason", &why)], &count);
    }
    let name = "entrance_review_seconds";
    text.family(name, "histogram", "Time of a review from its head to its answer.");
    let (up_to, micros) = tally.times();
    let all = up_to[BOUNDS.len()];
    for (bound, count) in BOUNDS.iter().zip(up_to) {
        text.sample("entrance_review_seconds_bucket", &[("le", &seconds(*bound))], &count);
    }
    text.sample("entrance_review_seconds_bucket", &[("le", &"+Inf")], &all);
    text.sample("entrance_review_seconds_sum", &[], &seconds(micros));
    text.sample("entrance_review_seconds_count", &[], &all);
    text.family("entrance_webhooks_listening", "gauge", "Whether API servers find somebody.");
    text.sample("entrance_webhooks_listening", &[], &u8::from(app.webhooks.is_listening()));
}

fn directory(app: &App, text: &mut Text) {
    let now = app.now();
    let snapshot = app.people.snapshot(now);
    text.family("entrance_directory_ready", "gauge", "Whether reviews can be decided by the directory in memory.");
    text.sample("entrance_directory_ready", &[], &u8::from(snapshot.is_ok()));
    let Ok(snapshot) = snapshot else { return };
    text.family("entrance_directory_age_seconds", "gauge", "How long ago the directory in memory was known to be the newest.");
    text.sample("entrance_directory_age_seconds", &[], &app.people.age(now).as_secs_f64());
    text.family("entrance_directory_objects", "gauge", "Objects in the directory in memory.");
    text.sample("entrance_directory_objects", &[], &snapshot.size());
    text.family("entrance_feed_lag", "gauge", "Changes that the directory in memory does not hold yet.");
    text.sample("entrance_feed_lag", &[], &(app.store.feed().borrow().head - snapshot.position().head).max(0));
    let doors: usize = snapshot.clusters().map(|(uid, _)| snapshot.open_doors(uid, now).len()).sum();
    text.family("entrance_doors_open", "gauge", "Break-glass doors that are open.");
    text.sample("entrance_doors_open", &[], &doors);
    text.family("entrance_clusters", "gauge", "Clusters with sign-in, by whether it is known which groups they refer to.");
    let integrated = || snapshot.clusters().filter(|(_, facts)| facts.gate.is_some());
    let known = integrated().filter(|(uid, _)| app.references.of(*uid).is_some()).count();
    text.sample("entrance_clusters", &[("references", &"known")], &known);
    text.sample("entrance_clusters", &[("references", &"unknown")], &(integrated().count() - known));
}

async fn audit(app: &App, text: &mut Text) -> Result<(), StoreError> {
    text.family("entrance_audit_events_total", "counter", "Audit events of this process by kind.");
    for (kind, count) in app.store.told() {
        text.sample("entrance_audit_events_total", &[("kind", &kind)], &count);
    }
    let mut reader = app.store.read().await?;
    let mut trail = reader.trail();
    let ((last, sealed), since) = (trail.reach().await?, trail.waits_since().await?);
    text.family("entrance_audit_row", "gauge", "Number of the newest row of the audit log.");
    text.sample("entrance_audit_row", &[], &last);
    text.family("entrance_audit_sealed_row", "gauge", "Number of the newest row that is linked in a chain.");
    text.sample("entrance_audit_sealed_row", &[], &sealed);
    text.family("entrance_audit_wait_seconds", "gauge", "How long the oldest row waits for its link.");
    let waits = since.map_or(0.0, |since| app.now().duration_since(since).as_secs_f64());
    text.sample("entrance_audit_wait_seconds", &[], &waits);
    Ok(())
}

fn seconds(micros: u64) -> f64 {
    std::time::Duration::from_micros(micros).as_secs_f64()
}

/// The text format. `family` begins the samples of one name.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a text takes everything");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: &dyn Display) {
        let mut labelled = String::new();
        for (name, value) in labels {
            let value = value.to_string().replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            write!(labelled, "{}{name}=\"{value}\"", if labelled.is_empty() { "{" } else { "," })
                .expect("a text takes everything");
        }
        if !labelled.is_empty() {
            labelled.push('}');
        }
        writeln!(self.0, "{name}{labelled} {value}").expect("a text takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_written_so_that_no_value_ends_them() {
        let mut text = Text::default();
        text.family("a", "gauge", "An example.");
        text.sample("a", &[("b", &"\"c\\\n"), ("d", &1)], &0.5);
        text.sample("a", &[], &2);
        assert_eq!(text.0, "# HELP a An example.\n# TYPE a gauge\na{b=\"\\\"c\\\\\\n\",d=\"1\"} 0.5\na 2\n");
    }
}
