//! `/livez` and `/readyz`: whether the server lives, and whether it can do its work, each part in words.
//!
//! A stranger learns one word. What is behind it is told to this machine: figures and names are nobody else's business.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use entrance_model::Timestamp;
use serde_json::json;
use tokio::sync::Mutex;

use crate::app::App;
use crate::http::RequestInfo;

/// How one part is.
struct Check {
    name: &'static str,
    /// What is there, or what is wrong.
    state: Result<String, String>,
}

/// What the routes share.
#[derive(Clone)]
struct Health {
    app: Arc<App>,
    /// How the store was when a stranger asked last.
    store: Arc<Mutex<Option<Seen>>>,
}

/// When somebody looked, and what they saw.
type Seen = (Instant, Result<String, String>);

/// The routes for health, on the public listener.
pub(crate) fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/healthz", get(ready))
        .with_state(Health { app: Arc::clone(app), store: Arc::default() })
}

async fn ready(
    State(health): State<Health>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    info: Option<axum::Extension<RequestInfo>>,
) -> Response {
    // Without these facts it is the listener for operators, which is of this machine only.
    let is_loopback = info.is_none_or(|info| info.peer.ip().to_canonical().is_loopback());
    // A proxy on this machine speaks for others.
    let is_near = is_loopback && !headers.contains_key("x-forwarded-for") && !headers.contains_key(header::FORWARDED);
    let is_verbose = query.is_some_and(|query| query.split('&').any(|part| part == "verbose" || part.starts_with("verbose=")));
    let wants_json =
        headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("json"));
    answer(&health.checks(is_near).await, is_near && is_verbose, wants_json, is_near)
}

fn answer(checks: &[Check], is_verbose: bool, wants_json: bool, is_near: bool) -> Response {
    let is_ready = checks.iter().all(|check| check.state.is_ok());
    for check in checks {
        if let Err(why) = &check.state {
            tracing::error!(part = check.name, why, "not ready");
        }
    }
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if wants_json {
        let told = checks.iter().filter(|_| is_near).map(|Check { name, state }| {
            let says = state.as_ref().map_or_else(Clone::clone, Clone::clone);
            json!({ "name": name, "ok": state.is_ok(), "says": says })
        });
        return (status, axum::Json(json!({ "ready": is_ready, "checks": told.collect::<Vec<_>>() }))).into_response();
    }
    let mut text = String::new();
    for Check { name, state } in checks {
        let line = match state {
            Ok(says) if is_verbose => writeln!(text, "[+] {name} ok: {says}"),
            Err(why) if is_near => writeln!(text, "[-] {name} failed: {why}"),
            _ => Ok(()),
        };
        line.expect("a text takes everything");
    }
    text.push_str(if is_ready { "ok\n" } else { "not ready\n" });
    (status, text).into_response()
}

impl Health {
    async fn checks(&self, is_near: bool) -> Vec<Check> {
        let (app, now) = (&*self.app, self.app.now());
        vec![
            Check { name: "store", state: self.store(is_near).await },
            Check { name: "directory", state: directory(app, now) },
            Check { name: "webhooks", state: webhooks(app) },
            Check { name: "audit", state: audit(app, now).await },
            Check { name: "clusters", state: clusters(app, now) },
            Check { name: "freshness", state: Ok(freshness(app, now)) },
        ]
    }

    /// The store is really written to, so strangers together may ask for that once in a moment only.
    async fn store(&self, is_near: bool) -> Result<String, String> {
        if is_near {
            return store(&self.app).await;
        }
        let mut last = self.store.lock().await;
        if let Some((at, state)) = &*last
            && at.elapsed() < MOMENT
        {
            return state.clone();
        }
        let state = store(&self.app).await;
        *last = Some((Instant::now(), state.clone()));
        state
    }
}

async fn store(app: &App) -> Result<String, String> {
    let began = Instant::now();
    match tokio::time::timeout(PATIENCE, app.store.check()).await {
        Ok(Ok(())) => Ok(format!("written and read in {:.1} ms", began.elapsed().as_secs_f64() * 1000.0)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
    }
}

fn directory(app: &App, now: Timestamp) -> Result<String, String> {
    let snapshot = app.people.snapshot(now).map_err(|error| error.to_string())?;
    let age = app.people.age(now).as_secs_f64();
    let behind = app.store.feed().borrow().head - snapshot.position().head;
    Ok(format!("{} objects, confirmed {age:.1} s ago, {} changes behind", snapshot.size(), behind.max(0)))
}

fn webhooks(app: &App) -> Result<String, String> {
    if !app.webhooks.is_listening() {
        return Err(format!("nobody listens on {}", app.webhooks.address()));
    }
    let tally = app.webhooks.tally();
    let refused: u64 = tally.refused().values().sum();
    let (admitted, shed) = (tally.admitted(), tally.shed());
    Ok(format!("listening on {}; {admitted} admitted, {refused} refused, {shed} not answered", app.webhooks.address()))
}

async fn audit(app: &App, now: Timestamp) -> Result<String, String> {
    let waits = async {
        let mut reader = app.store.read().await?;
        let mut trail = reader.trail();
        Ok::<_, entrance_store::StoreError>((trail.reach().await?, trail.waits_since().await?))
    };
    let ((last, sealed), since) = waits.await.map_err(|error| error.to_string())?;
    let waits = last.saturating_sub(sealed).max(0);
    let seconds = since.map_or(0.0, |since| now.duration_since(since).as_secs_f64());
    if seconds > UNSEALED.as_secs_f64() {
        return Err(format!("{waits} rows wait to be sealed, the oldest for {seconds:.0} s"));
    }
    Ok(format!("sealed up to row {sealed}, {waits} wait"))
}

/// A cluster whose view is missing lets most people in, so it does not make the server unready; those whom it refuses are
/// told why.
fn clusters(app: &App, now: Timestamp) -> Result<String, String> {
    let snapshot = app.people.snapshot(now).map_err(|error| error.to_string())?;
    let integrated: Vec<_> = snapshot.clusters().filter(|(_, facts)| facts.gate.is_some()).map(|(uid, _)| uid).collect();
    let known = integrated.iter().filter(|uid| app.references.of(**uid).is_some()).count();
    Ok(format!("{} with sign-in, of {known} it is known which groups they refer to", integrated.len()))
}

fn freshness(app: &App, now: Timestamp) -> String {
    let figures = app.observed.freshness();
    if figures.is_empty() {
        return "not measured yet (`entrance cluster verify --freshness`)".to_owned();
    }
    let told = figures.values().map(|figure| {
        let minutes = now.duration_since(figure.at).as_mins();
        format!("{:.1} s of {:.0} s at `{}`, {minutes} min ago", figure.seconds, figure.bound, figure.cluster)
    });
    told.collect::<Vec<_>>().join("; ")
}

const MOMENT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);
/// Rows that wait longer for their link mean that the sealer does not work.
const UNSEALED: Duration = Duration::from_mins(1);
