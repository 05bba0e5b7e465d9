//! The whole explanation of a sign-in, for who looks after a cluster or for oneself.

use entrance_model::cluster::Cluster;
use entrance_model::id::GroupId;
use entrance_model::review::{Check, Refusal, Went, checks};
use entrance_store::StoreError;
use serde_json::{Value, json};

use super::account::{Account, named};
use super::inside::{self, Can};
use super::why;
use crate::app::App;
use crate::authority::token::AccessToken;
use crate::directory::NotReady;
use crate::webhook::{Entered, Holder};

/// Whose sign-in is explained.
pub(crate) enum Whose {
    /// An account's, with a token that it would get now.
    Account(Account),
    /// The holder's of this token; `None` if it is not one of ours.
    Token(String, Option<Box<AccessToken>>),
}

/// Why there is no explanation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unexplained {
    /// The directory is not there to decide by.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a review says, the groups that count, and what the cluster itself gives.
pub(crate) async fn report(app: &App, cluster: &Cluster, whose: &Whose, can: Option<&Can>) -> Result<Value, Unexplained> {
    let now = app.now();
    let snapshot = app.people.snapshot(now)?;
    let facts = snapshot.cluster(cluster.uid);
    let gate = facts.and_then(|facts| facts.gate.as_ref());
    let reviewer = app.webhooks.reviewer();
    let (account, outcome, by_token) = match (whose, gate) {
        (Whose::Token(text, known), _) => {
            (known.as_deref().map(Account::of), reviewer.judge(cluster.uid, Holder::Token(text))?, true)
        }
        (Whose::Account(account), None) => (Some(account.clone()), Err(Refusal::NotIntegrated), false),
        (Whose::Account(account), Some(gate)) => {
            let token = account.fresh_token(app, gate, now);
            (Some(account.clone()), reviewer.judge(cluster.uid, Holder::Account(&token))?, false)
        }
    };
    let mut told = serde_json::to_value(why(&outcome, now)).unwrap_or_default();
    told["cluster"] = json!({ "id": cluster.address.to_string(), "uid": cluster.uid });
    told["account"] = account.as_ref().map(Account::shown).unwrap_or_default();
    told["checks"] = listed(&outcome, by_token);
    told["notCovered"] = json!(NOT_COVERED);
    let (Some(account), Some(gate)) = (account, gate) else { return Ok(told) };

    let all = snapshot.groups_of(gate.tenant, account.oid);
    let admins: &[GroupId] = facts.and_then(|facts| facts.admins.as_deref()).unwrap_or_default();
    let (has, lacks): (Vec<GroupId>, Vec<GroupId>) = admins.iter().partition(|group| all.binary_search(group).is_ok());
    let referred = app.references.of(cluster.uid).map(|known| all.iter().filter(|group| known.contains(group)).count());
    told["groups"] = json!({
        "count": all.len(),
        "carried": outcome.as_ref().ok().map(|entered| entered.groups.len()),
        "referredTo": referred,
        "mostCarried": gate.groups_max,
        "adminGroups": { "memberOf": named(app, gate.tenant, has).await?, "missing": named(app, gate.tenant, lacks).await? },
    });
    if let Ok(entered) = &outcome {
        told["name"] = json!(entered.name);
        inside_too(app, cluster, &account, entered, can, &mut told).await;
    }
    Ok(told)
}

/// What only the cluster knows. That it does not answer is a part of the explanation.
async fn inside_too(app: &App, cluster: &Cluster, account: &Account, entered: &Entered, can: Option<&Can>, told: &mut Value) {
    let client = match app.clusters.driver().client(cluster).await {
        Ok(client) => client,
        Err(error) => {
            told["clusterError"] = json!(error.to_string());
            return;
        }
    };
    let asked = async {
        let bindings = inside::bindings(&client, entered).await?;
        let can = match can {
            Some(can) => Some(inside::can(&client, account.oid, entered, can).await?),
            None => None,
        };
        Ok::<_, kube::Error>((bindings, can))
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok((bindings, can))) => {
            told["bindings"] = json!(bindings);
            told["can"] = json!(can);
        }
        Ok(Err(error)) => told["clusterError"] = json!(format!("the cluster's API server: {error}")),
        Err(_) => told["clusterError"] = json!("the cluster's API server does not answer in time"),
    }
}

fn listed(outcome: &Result<Entered, Refusal>, by_token: bool) -> Value {
    let relevant = checks(outcome).filter(|(check, _)| by_token || !check.is_of_the_token());
    relevant.map(|(check, went)| line(check, went)).collect()
}

fn line(check: Check, went: Went) -> Value {
    match went {
        Went::Passed => json!({ "check": check.code(), "result": "passed", "message": check.passed() }),
        Went::Failed(refusal) => json!({ "check": check.code(), "result": "failed", "message": refusal.to_string() }),
        Went::NotReached => json!({ "check": check.code(), "result": "notReached" }),
    }
}

/// DESIGN 4.3: what a removed right does not end.
const NOT_COVERED: &[&str] = &[
    "a change counts for new requests: an API server remembers an accepted token for ten seconds",
    "watches that are open go on until they time out (30 to 60 minutes)",
    "running exec, attach and port-forward sessions go on until they are closed",
    "a kubelet's own port remembers a token for two minutes and a decision for five",
    "aggregated API servers remember a token for ten seconds more",
];

/// For a cluster that is slow; the reviewer's answer is there at once.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
