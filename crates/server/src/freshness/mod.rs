//! How soon a removed right counts, measured at the real API server (DESIGN 4.3).
//!
//! Throw-away principals get tokens for the cluster, which the API server accepts and so remembers; then their rights are
//! taken away, and each token is tried until the API server shows it. The first tries are spread over the time that the API
//! server remembers a token, so the figures show the whole range and not its lucky end.

mod probe;

use std::sync::Arc;
use std::time::{Duration, Instant};

use entrance_model::cluster::{Cluster, Endpoint};
use entrance_model::review::Gate;
use entrance_store::StoreError;
use futures_util::future::{join_all, try_join_all};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::app::App;
use crate::observe::Freshness;
use probe::{Probe, Probes, Seen};

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unmeasured {
    #[error("the cluster has no directory integration in force, or does not run yet")]
    NoGate,
    #[error("the cluster takes only tokens with a proof of possession, and the probes have none")]
    NeedsProof,
    #[error("the cluster's API server cannot be reached: {0}")]
    ApiServer(String),
    #[error("the API server did not let a probe in within {0:?}; `entrance doctor` looks for the reason")]
    NotLetIn(Duration),
    #[error("the measurement broke off: {0}")]
    Broke(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Measures, and takes the probes away again: also when who asked is gone meanwhile.
pub(crate) async fn measure(app: &Arc<App>, cluster: &Cluster, samples: usize) -> Result<Value, Unmeasured> {
    let (app, cluster) = (Arc::clone(app), cluster.clone());
    let run = tokio::spawn(async move { run(&app, &cluster, samples.clamp(1, MOST_SAMPLES)).await });
    run.await.unwrap_or_else(|error| Err(Unmeasured::Broke(error.to_string())))
}

/// Removes probes that an earlier run of the server left behind.
pub(crate) async fn tidy(app: &App) {
    if let Err(error) = Probes::remove_leftovers(app).await {
        tracing::warn!(%error, "probes of an earlier measurement could not be removed yet");
    }
}

async fn run(app: &App, cluster: &Cluster, samples: usize) -> Result<Value, Unmeasured> {
    // Two measurements at once would disturb each other's figures.
    let _turn = TURN.lock().await;
    Probes::remove_leftovers(app).await?;
    let snapshot = app.people.snapshot(app.now()).map_err(|error| Unmeasured::Broke(error.to_string()))?;
    let gate = snapshot.cluster(cluster.uid).and_then(|facts| facts.gate.clone()).ok_or(Unmeasured::NoGate)?;
    if gate.needs_proof {
        return Err(Unmeasured::NeedsProof);
    }
    let endpoint = cluster.endpoint.as_ref().ok_or(Unmeasured::NoGate)?;
    let api = ApiServer::new(endpoint)?;
    let probes = Probes::make(app, &gate).await?;
    let measured = try_join_all(probes.all().iter().map(|probe| one(app, &api, &gate, probe, samples))).await;
    let removed = probes.remove(app).await;
    let rights = measured?;
    removed?;
    keep(app, cluster, &rights).await?;
    Ok(shown(app, cluster, &rights))
}

/// How long one kind of removal took.
struct Figures {
    right: &'static str,
    /// Each token's time, sorted.
    waits: Vec<Duration>,
    /// Until the directory in memory had it.
    feed: Duration,
}

async fn one(app: &App, api: &ApiServer, gate: &Gate, probe: &Probe, samples: usize) -> Result<Figures, Unmeasured> {
    let tokens: Vec<String> = (0..samples).map(|_| probe.token(app, gate)).collect();
    for token in &tokens {
        let asked = Instant::now();
        while probe.judge(api.who_am_i(token).await?.as_deref()) != Seen::WithTheRight {
            if asked.elapsed() > PATIENCE {
                return Err(Unmeasured::NotLetIn(PATIENCE));
            }
            tokio::time::sleep(STEP).await;
        }
        tokio::time::sleep(REMEMBERED / u32::try_from(samples).unwrap_or(1)).await;
    }
    // The clock begins before the change: what is shown is never too short.
    let began = Instant::now();
    probe.take_away(app).await?;
    let head = app.store.feed().borrow().head;
    let feed = async {
        app.people.reached(head).await;
        began.elapsed()
    };
    let waits = join_all(tokens.iter().map(|token| until_gone(api, probe, token, began)));
    let (feed, waits) = tokio::join!(feed, waits);
    let mut waits = waits.into_iter().collect::<Result<Vec<_>, _>>()?;
    waits.sort_unstable();
    Ok(Figures { right: probe.right(), waits, feed })
}

async fn until_gone(api: &ApiServer, probe: &Probe, token: &str, began: Instant) -> Result<Duration, Unmeasured> {
    loop {
        if probe.judge(api.who_am_i(token).await?.as_deref()) == Seen::WithoutIt {
            return Ok(began.elapsed());
        }
        if began.elapsed() > GIVEN_UP {
            return Ok(GIVEN_UP);
        }
        tokio::time::sleep(STEP).await;
    }
}

async fn keep(app: &App, cluster: &Cluster, rights: &[Figures]) -> Result<(), StoreError> {
    let longest = rights.iter().filter_map(|figures| figures.waits.last()).max().copied().unwrap_or_default();
    let figure = Freshness {
        at: app.now(),
        cluster: cluster.address.name.to_string(),
        seconds: longest.as_secs_f64(),
        bound: BOUND.as_secs_f64(),
    };
    app.observed.measured(&app.store, cluster.uid, figure).await
}

fn shown(app: &App, cluster: &Cluster, rights: &[Figures]) -> Value {
    let seconds = |time: Duration| (time.as_secs_f64() * 1000.0).round() / 1000.0;
    let lines = rights.iter().map(|figures| {
        let median = figures.waits.get(figures.waits.len() / 2).copied().unwrap_or_default();
        let longest = figures.waits.last().copied().unwrap_or_default();
        json!({
            "right": figures.right, "samples": figures.waits.len(),
            "p50Seconds": seconds(median), "maxSeconds": seconds(longest), "feedSeconds": seconds(figures.feed),
            "withinBound": longest <= BOUND && figures.feed <= FEED,
        })
    });
    let lines: Vec<Value> = lines.collect();
    let within = lines.iter().all(|line| line["withinBound"] == true);
    json!({
        "cluster": cluster.address.to_string(), "at": app.now().to_string(), "rights": lines,
        "boundSeconds": BOUND.as_secs_f64(), "feedBoundSeconds": FEED.as_secs_f64(), "withinBound": within,
    })
}

/// A cluster's API server, asked with tokens of probes.
struct ApiServer {
    http: reqwest::Client,
    url: String,
}

impl ApiServer {
    fn new(endpoint: &Endpoint) -> Result<Self, Unmeasured> {
        let broken = |error: reqwest::Error| Unmeasured::ApiServer(error.to_string());
        let ca = reqwest::Certificate::from_pem(endpoint.ca.as_bytes()).map_err(broken)?;
        let builder = reqwest::Client::builder().tls_certs_only([ca]).timeout(Duration::from_secs(10)).no_proxy();
        let url = format!("{}/apis/authentication.k8s.io/v1/selfsubjectreviews", endpoint.url.trim_end_matches('/'));
        Ok(Self { http: builder.build().map_err(broken)?, url })
    }

    /// The groups of the token's holder as the API server sees them; `None` when it does not take the token.
    async fn who_am_i(&self, token: &str) -> Result<Option<Vec<String>>, Unmeasured> {
        let question = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let broken = |error: reqwest::Error| Unmeasured::ApiServer(error.without_url().to_string());
        let answer = self.http.post(&self.url).bearer_auth(token).json(&question).send().await.map_err(broken)?;
        match answer.status().as_u16() {
            401 => Ok(None),
            200 | 201 => {
                let answer: Value = answer.json().await.map_err(broken)?;
                let groups = answer["status"]["userInfo"]["groups"].as_array().into_iter().flatten();
                Ok(Some(groups.filter_map(|group| group.as_str().map(str::to_owned)).collect()))
            }
            other => Err(Unmeasured::ApiServer(format!("it answered {other} to a SelfSubjectReview"))),
        }
    }
}

static TURN: Mutex<()> = Mutex::const_new(());
const MOST_SAMPLES: usize = 20;
/// What is promised: the API server's own memory, and our change feed.
const BOUND: Duration = Duration::from_secs(11);
const FEED: Duration = Duration::from_secs(1);
/// How long an API server remembers a token that was accepted.
const REMEMBERED: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(15);
const GIVEN_UP: Duration = Duration::from_secs(40);
