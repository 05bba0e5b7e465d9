//! `GET /me/why`: the holder of a token asks why a cluster refuses it.
//!
//! Only a token that we signed is told anything, and only about itself. It may be expired or refused: that is what the
//! question is about. Which cluster is meant follows from the token's audience; where several clusters share one, the
//! address of the API server or the latest refusal tells.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use entrance_model::id::ClusterUid;
use entrance_model::review::{Refusal, is_audience};
use entrance_store::StoreError;
use entrance_wire::why::Why;
use serde_json::json;

use super::why;
use crate::app::App;
use crate::authority::token::AccessToken;
use crate::webhook::{Entered, Holder};

/// What is known of the cluster that refused.
#[derive(Debug, Default)]
struct Hint {
    /// `resourceUID` or the id in the resource manager.
    cluster: Option<String>,
    /// The API server's address.
    server: Option<String>,
}

/// Answers the question.
pub(crate) async fn get(app: &App, headers: &HeaderMap, query: &str) -> Response {
    if !app.patience.has_time() {
        return later();
    }
    let Some(token) = bearer(headers) else { return stranger() };
    // Times do not matter here: an expired token is told that it expired.
    let Ok(claims) = app.keys.verify_claims::<AccessToken>(token) else { return stranger() };
    let is_ours = claims.iss == app.issuer_v1(claims.tid) || claims.iss == app.issuer_v2(claims.tid);
    // A token that is bound to a key is worth nothing without the proof (S-431), here too.
    if !is_ours || claims.cnf.is_some() {
        return stranger();
    }
    if !app.patience.has_time_for(claims.oid) {
        return later();
    }
    let part = |name: &str| {
        let found = url::form_urlencoded::parse(query.as_bytes()).find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    };
    match answer(app, token, &claims, &Hint { cluster: part("cluster"), server: part("server") }).await {
        Ok(why) => ([NO_STORE], Json(why)).into_response(),
        Err(Unanswered::Store(error)) => {
            tracing::error!(%error, "a reason could not be given");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(Unanswered::NotReady) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

enum Unanswered {
    Store(StoreError),
    NotReady,
}

impl From<StoreError> for Unanswered {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn answer(app: &App, token: &str, claims: &AccessToken, hint: &Hint) -> Result<Why, Unanswered> {
    let now = app.now();
    let snapshot = app.people.snapshot(now).map_err(|_| Unanswered::NotReady)?;
    let gates = snapshot.clusters().filter_map(|(uid, facts)| Some((uid, facts.gate.as_ref()?)));
    let mut candidates: Vec<ClusterUid> = gates
        .filter(|(_, gate)| gate.tenant == claims.tid && is_audience(&claims.aud, gate.audience))
        .map(|(uid, _)| uid)
        .collect();
    narrow(app, &mut candidates, hint).await?;
    // Nothing is said about clusters that the token was not made for, not even whether they exist.
    if candidates.is_empty() {
        return Ok(why(&Err(Refusal::OtherAudience), now));
    }
    let judge = |uid: &ClusterUid| app.webhooks.reviewer().judge(*uid, Holder::Token(token));
    let outcomes: Vec<Result<Entered, Refusal>> =
        candidates.iter().map(judge).collect::<Result<_, _>>().map_err(|_| Unanswered::NotReady)?;
    // Where it is not known which cluster is meant, a refusal is what the question is about.
    let told = outcomes.iter().find(|outcome| outcome.is_err()).or(outcomes.first());
    let mut told = told.map_or_else(|| why(&Err(Refusal::OtherAudience), now), |outcome| why(outcome, now));
    let lately = candidates.iter().filter_map(|uid| app.witness.recent(*uid, claims.oid)).max_by_key(|recent| recent.at);
    if let Some(recent) = lately.filter(|recent| told.allowed && recent.uti.as_deref() == Some(&claims.uti)) {
        let ago = now.duration_since(recent.at).as_secs();
        if ago <= LATELY {
            told.code = Some(recent.why.code().to_owned());
            told.message = format!("{ago} seconds ago: {}. It would be let in now", recent.why);
            told.next_step = Some("try again in ten seconds".to_owned());
        }
    }
    Ok(told)
}

/// For so many seconds a refusal is worth a word to somebody who would be let in by now.
const LATELY: i64 = 60;

/// Leaves the clusters that the question can be about.
async fn narrow(app: &App, candidates: &mut Vec<ClusterUid>, hint: &Hint) -> Result<(), StoreError> {
    if let Some(named) = &hint.cluster {
        if let Ok(uid) = named.parse::<ClusterUid>() {
            candidates.retain(|candidate| *candidate == uid);
            return Ok(());
        }
        return keep(app, candidates, |cluster| cluster.address.to_string().eq_ignore_ascii_case(named)).await;
    }
    if candidates.len() > 1
        && let Some(server) = &hint.server
    {
        let before = candidates.clone();
        let same = |url: &str| url.trim_end_matches('/').eq_ignore_ascii_case(server.trim_end_matches('/'));
        keep(app, candidates, |cluster| cluster.endpoint.as_ref().is_some_and(|endpoint| same(&endpoint.url))).await?;
        // An address of a proxy in between tells nothing.
        if candidates.is_empty() {
            *candidates = before;
        }
    }
    Ok(())
}

async fn keep(
    app: &App,
    candidates: &mut Vec<ClusterUid>,
    wanted: impl Fn(&entrance_model::cluster::Cluster) -> bool,
) -> Result<(), StoreError> {
    let mut reader = app.store.read().await?;
    let mut kept = Vec::new();
    for uid in candidates.drain(..) {
        if reader.arm().cluster(uid).await?.is_some_and(|cluster| wanted(&cluster)) {
            kept.push(uid);
        }
    }
    *candidates = kept;
    Ok(())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The same answer for everything that is no token of ours.
fn stranger() -> Response {
    let body = json!({
        "error": "invalid_token",
        "error_description": "Only a token that this server signed is told why a cluster refuses it."
    });
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""), NO_STORE], Json(body))
        .into_response()
}

fn later() -> Response {
    let body = json!({ "error": "slow_down", "error_description": "Too many questions; ask again in a minute." });
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "60"), NO_STORE], Json(body)).into_response()
}

const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");
