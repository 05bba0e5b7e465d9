use std::path::Path;

use entrance_model::id::ClusterUid;
use uuid::Uuid;

use super::*;

fn cluster(authorizer: Authorizer) -> (ClusterHome, Record) {
    let home = ClusterHome::under(Path::new("/data"), ClusterUid::from_uuid(Uuid::nil()));
    let record = Record {
        name: "prod".to_owned(),
        listen: "127.0.0.1".parse().expect("an address"),
        port: 21_000,
        names: Vec::new(),
        pools: Vec::new(),
        webhook: "https://127.0.0.1:8444/clusters/x/".to_owned(),
        authorizer,
        running: true,
        signing: None,
        made: false,
    };
    (home, record)
}

#[test]
fn without_azure_rbac_only_node_and_rbac_decide() {
    let (home, record) = cluster(Authorizer::Rbac);
    let config = authorization(&home, record.authorizer);
    let names: Vec<_> =
        config["authorizers"].as_array().into_iter().flatten().map(|one| one["type"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["Node", "RBAC"]);
}

#[test]
fn the_authorizer_webhook_comes_last_and_remembers_nothing() {
    let (home, record) = cluster(Authorizer::RbacThenWebhook);
    let config = authorization(&home, record.authorizer);
    let webhook = &config["authorizers"][2]["webhook"];
    assert_eq!(webhook["cacheAuthorizedRequests"], false);
    assert_eq!(webhook["cacheUnauthorizedRequests"], false);
    assert!(webhook.get("authorizedTTL").is_none(), "a TTL of zero would mean five minutes");
    let file = webhook["connectionInfo"]["kubeConfigFile"].as_str().unwrap_or_default();
    assert!(file.starts_with("/data/"), "the API server accepts only absolute paths here: {file}");
}

#[test]
fn webhooks_are_reached_below_the_base_address() {
    let (home, record) = cluster(Authorizer::Rbac);
    let config = webhook_kubeconfig(&home, &record, "tokenreview");
    assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:8444/clusters/x/tokenreview");
}

#[test]
fn components_sign_in_with_files_so_that_a_renewal_needs_no_restart() {
    let (home, record) = cluster(Authorizer::Rbac);
    let config = component_kubeconfig(&home, &record, "scheduler");
    let user = &config["users"][0]["user"];
    assert_eq!(user["client-certificate"], user["client-key"], "one file, one rename");
    assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:21000");
}

#[test]
fn what_we_watch_does_not_drown_the_audit_log() {
    let policy = audit_policy();
    let quiet = policy["rules"].as_array().into_iter().flatten().find(|rule| rule["users"][0] == "entrance:operator");
    assert_eq!(quiet.map(|rule| &rule["verbs"]), Some(&json!(["get", "list", "watch"])), "what it writes is told");
}
