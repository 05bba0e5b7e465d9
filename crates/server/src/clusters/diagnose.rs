//! `entrance doctor`: does everything work that a sign-in at a cluster needs, seen from both sides?

use std::time::{Duration, Instant};

use entrance_model::Timestamp;
use entrance_model::cluster::Cluster;
use entrance_model::id::PrincipalId;
use serde_json::json;
use uuid::Uuid;

use super::finding::{Finding, Health};
use super::incluster;
use crate::app::App;
use crate::authority::keys::Header;

/// Looks at everything; one line for each thing.
pub(crate) async fn diagnose(app: &App, cluster: &Cluster) -> Vec<Finding> {
    let now = app.now();
    let mut found = vec![state(cluster), directory(app, now)];
    if cluster.is_stopped() {
        found.extend(app.clusters.driver().examine(cluster).await.unwrap_or_default());
        return found;
    }
    let client = match app.clusters.driver().client(cluster).await {
        Ok(client) => client,
        Err(error) => {
            found.push(Finding::failed("API server", error.to_string(), "look at the cluster's state and its logs"));
            found.extend(app.clusters.driver().examine(cluster).await.unwrap_or_default());
            return found;
        }
    };
    found.extend(api_server(app, &client).await);
    found.push(webhook(app, cluster).await);
    found.extend(app.clusters.driver().examine(cluster).await.unwrap_or_default());
    found.push(references(app, cluster));
    found.push(bindings(app, cluster, &client).await);
    found.push(doors(app, cluster, now));
    found.push(freshness(app, cluster, now));
    found.push(drill(app, cluster, now).await);
    found
}

fn state(cluster: &Cluster) -> Finding {
    match &cluster.state {
        entrance_model::cluster::State::Ready if cluster.is_stopped() => {
            Finding::warn("state", "the cluster is stopped", "start it (`az aks start`)")
        }
        entrance_model::cluster::State::Canceled { .. } => {
            Finding::warn("state", "its last operation was aborted", "put the cluster again (`az aks update`), or delete it")
        }
        entrance_model::cluster::State::Ready => Finding::ok("state", "Succeeded"),
        entrance_model::cluster::State::Failed { why, .. } => {
            Finding::failed("state", why.message.clone(), "put the cluster again (`az aks update`), or delete it")
        }
        _ => Finding::warn("state", "an operation is under way", "wait for its end"),
    }
}

fn directory(app: &App, now: Timestamp) -> Finding {
    match app.people.snapshot(now) {
        Ok(_) => Finding::ok("directory in memory", format!("confirmed {} ms ago", app.people.age(now).as_millis())),
        Err(error) => {
            Finding::failed("directory in memory", error.to_string(), "look at the store; reviews are refused meanwhile")
        }
    }
}

/// Does it answer, and does its clock agree with ours?
async fn api_server(app: &App, client: &kube::Client) -> Vec<Finding> {
    let ask = http::Request::get("/version").body(kube::client::Body::empty());
    let Ok(ask) = ask else { return Vec::new() };
    let asked = Instant::now();
    let answer = match tokio::time::timeout(PATIENCE, client.send(ask)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return vec![Finding::failed("API server", error.to_string(), "look at its log")],
        Err(_) => return vec![Finding::failed("API server", "it does not answer", "look at its log")],
    };
    let took = asked.elapsed();
    let mut found = vec![if answer.status().is_success() {
        Finding::ok("API server", format!("answers in {} ms", took.as_millis()))
    } else {
        Finding::failed("API server", format!("it answered {}", answer.status()), "look at its log")
    }];
    let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|zoned| zoned.timestamp());
    found.push(match theirs {
        None => Finding::warn("clock", "the API server does not say what time it is", "compare the clocks by hand"),
        Some(theirs) => clock(theirs.duration_since(app.now()).as_secs()),
    });
    found
}

/// The header counts whole seconds, and the answer took its time.
fn clock(ahead: i64) -> Finding {
    let told = format!("the API server's clock is {} seconds {}", ahead.abs(), if ahead < 0 { "behind" } else { "ahead" });
    match ahead.abs() {
        0..=2 => Finding::ok("clock", "the API server and Entrance agree"),
        3..=60 => Finding::warn("clock", told, "set both clocks by the same source (NTP)"),
        _ => Finding::failed("clock", told, "set both clocks by the same source (NTP): tokens and certificates depend on it"),
    }
}

/// A token of nobody is shown to the API server. It must come to us, in a review of this very cluster.
async fn webhook(app: &App, cluster: &Cluster) -> Finding {
    const CHECK: &str = "webhook, from the API server's side";
    let snapshot = app.people.snapshot(app.now()).ok();
    let gate = snapshot.as_ref().and_then(|snapshot| snapshot.cluster(cluster.uid)).and_then(|facts| facts.gate.as_ref());
    let (Some(gate), Some(endpoint)) = (gate, &cluster.endpoint) else {
        return Finding::ok(CHECK, "not asked: the cluster has no directory integration");
    };
    let (nobody, at) = (PrincipalId::from_uuid(Uuid::new_v4()), app.now().as_second());
    let claims = json!({
        "aud": gate.audience, "iss": app.issuer_v1(gate.tenant), "iat": at, "nbf": at, "exp": at + 60, "ver": "1.0", "tid": gate.tenant,
        "oid": nobody, "sub": nobody, "appid": nobody, "idtyp": "app", "uti": Uuid::new_v4().to_string(),
    });
    let token = app.keys.sign(&claims, Header::V1);
    let http = reqwest::Certificate::from_pem(endpoint.ca.as_bytes())
        .and_then(|ca| reqwest::Client::builder().tls_certs_only([ca]).timeout(PATIENCE).no_proxy().build());
    let asked = match http {
        Ok(http) => http.get(format!("{}/api", endpoint.url.trim_end_matches('/'))).bearer_auth(&token).send().await,
        Err(error) => Err(error),
    };
    let status = match asked {
        Ok(answer) => answer.status().as_u16(),
        Err(error) => return Finding::failed(CHECK, error.without_url().to_string(), "look at the API server's log"),
    };
    match app.witness.recent(cluster.uid, nobody) {
        Some(_) if status == 401 => Finding::ok(CHECK, "a probe came here and was refused, as it should be"),
        Some(_) => Finding::failed(
            CHECK,
            format!("the API server answered {status} to a token that we refused"),
            "look at its log at once",
        ),
        None => Finding::failed(
            CHECK,
            format!(
                "the API server answered {status}, and no review came here{}",
                if app.webhooks.is_listening() { "" } else { ": the webhook listener does not listen" }
            ),
            "compare the address and the certificates in the API server's webhook configuration; while this lasts nobody can sign in",
        ),
    }
}

fn references(app: &App, cluster: &Cluster) -> Finding {
    const CHECK: &str = "groups that the cluster refers to";
    let states = app.references.states(cluster.uid);
    let Some(groups) = app.references.of(cluster.uid) else {
        let troubles = states.iter().filter(|state| state.age.is_none() || state.trouble.is_some());
        let troubles: Vec<String> = troubles
            .map(|state| format!("{} ({})", state.resource, state.trouble.as_deref().unwrap_or("not listed yet")))
            .collect();
        return Finding::warn(
            CHECK,
            format!("not known: {}", if troubles.is_empty() { "nobody watches".to_owned() } else { troubles.join(", ") }),
            "people in more groups than an answer carries are refused until the watch is back",
        );
    };
    let oldest = states.iter().filter_map(|state| state.age).max().unwrap_or_default();
    Finding::ok(
        CHECK,
        format!("{} groups, from {} watches, the oldest confirmed {} s ago", groups.len(), states.len(), oldest.as_secs()),
    )
}

async fn bindings(app: &App, cluster: &Cluster, client: &kube::Client) -> Finding {
    const CHECK: &str = "admin binding";
    let snapshot = app.people.snapshot(app.now()).ok();
    let wanted = snapshot.as_ref().and_then(|snapshot| snapshot.cluster(cluster.uid)).and_then(|facts| facts.admins.clone());
    let Some(mut wanted) = wanted else { return Finding::ok(CHECK, "not kept: the managed integration is off") };
    wanted.sort_unstable();
    match incluster::admins(client).await {
        Ok(Some(mut there)) => {
            there.sort_unstable();
            if there == wanted {
                return Finding::ok(CHECK, format!("as it should be, {} groups", there.len()));
            }
            Finding::failed(
                CHECK,
                "it names other groups than the cluster's settings",
                "Entrance repairs it within seconds; look at its log",
            )
        }
        Ok(None) => Finding::failed(CHECK, "it is missing", "Entrance repairs it within seconds; look at its log"),
        Err(error) => Finding::failed(CHECK, error.to_string(), "look at the API server's log"),
    }
}

fn doors(app: &App, cluster: &Cluster, now: Timestamp) -> Finding {
    let Ok(snapshot) = app.people.snapshot(now) else {
        return Finding::warn("break-glass doors", "not known", "wait for the directory");
    };
    match snapshot.open_doors(cluster.uid, now).len() {
        0 => Finding::ok("break-glass doors", "none is open"),
        open => Finding::warn(
            "break-glass doors",
            format!("{open} open"),
            "`entrance break-glass list` shows whose; close what is not needed",
        ),
    }
}

fn freshness(app: &App, cluster: &Cluster, now: Timestamp) -> Finding {
    const NEXT: &str = "`entrance cluster verify --freshness` measures it";
    match app.observed.freshness().get(&cluster.uid) {
        None => Finding::warn("freshness", "never measured", NEXT),
        Some(last) => {
            let told = format!(
                "{:.1} s of {:.0} s allowed, measured {} days ago",
                last.seconds,
                last.bound,
                now.duration_since(last.at).as_hours() / 24
            );
            if last.seconds <= last.bound { Finding::ok("freshness", told) } else { Finding::failed("freshness", told, NEXT) }
        }
    }
}

async fn drill(app: &App, cluster: &Cluster, now: Timestamp) -> Finding {
    const CHECK: &str = "sealed door";
    let door = match app.store.read().await {
        Ok(mut reader) => reader.arm().sealed_door(cluster.uid).await,
        Err(error) => Err(error),
    };
    match door {
        Err(error) => Finding::failed(CHECK, error.to_string(), "look at the store"),
        Ok(None) => Finding::ok(CHECK, "none: no recovery keys are set"),
        Ok(Some(door)) => match door.drilled {
            None => Finding::warn(CHECK, "never opened in a drill", "drill it: a door that nobody has tried may not open"),
            Some(at) if now.duration_since(at).as_hours() > 24 * DRILL_DAYS => {
                Finding::warn(CHECK, format!("last drill at {at}"), "drill it again")
            }
            Some(at) => Finding::ok(CHECK, format!("last drill at {at}")),
        },
    }
}

/// The worst of all.
pub(crate) fn worst(found: &[Finding]) -> Health {
    found.iter().map(|finding| finding.result).max().unwrap_or(Health::Ok)
}

const PATIENCE: Duration = Duration::from_secs(10);
const DRILL_DAYS: i64 = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_differ_are_told_by_how_much_and_which_way() {
        assert_eq!(clock(-2).result, Health::Ok);
        assert_eq!((clock(30).result, clock(30).message.as_str()), (Health::Warn, "the API server's clock is 30 seconds ahead"));
        assert_eq!(clock(-86_400).result, Health::Failed);
    }

    #[test]
    fn the_worst_line_decides() {
        let (ok, bad) = (Finding::ok("a", "b"), Finding::failed("a", "b", "c"));
        assert_eq!([worst(&[]), worst(std::slice::from_ref(&ok)), worst(&[bad, ok])], [Health::Ok, Health::Ok, Health::Failed]);
    }
}
