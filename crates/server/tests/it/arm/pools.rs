//! Agent pools one by one: the cluster's rules, the cluster's one operation at a time.

use entrance_model::cluster::Step;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, C1, World, cluster};

async fn made() -> World {
    let world = World::start().await;
    world.group().await;
    let put = world.put(C1, cluster(None)).await;
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    world
}

fn at(pool: &str) -> String {
    format!("{C1}/agentPools/{pool}")
}

async fn put(world: &World, pool: &str, properties: Value) -> Answer {
    world.put(&at(pool), json!({ "properties": properties })).await
}

/// `name×count` of every pool.
async fn pools(world: &World) -> String {
    let listed = world.get(&format!("{C1}/agentPools")).await.body;
    let all = listed["value"].as_array().cloned().unwrap_or_default();
    let one = |pool: &Value| format!("{}×{}", pool["name"].as_str().unwrap_or_default(), pool["properties"]["count"]);
    all.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_pool_is_added_scaled_and_removed_by_operations_that_clients_poll() {
    let world = made().await;
    let added = put(&world, "gpu", json!({"count": 2, "mode": "User", "nodeLabels": {"a": "b"}})).await;
    assert_eq!(added.status, 201, "{}", added.body);
    assert_eq!((&added.body["name"], &added.body["properties"]["provisioningState"]), (&json!("gpu"), &json!("Updating")));
    assert_eq!(world.settled(&added).await["status"], "Succeeded");
    assert_eq!(pools(&world).await, "nodepool1×3 gpu×2");
    let scaled = put(&world, "GPU", json!({"count": 5})).await;
    assert_eq!(scaled.status, 200, "{}", scaled.body);
    assert_eq!(scaled.body["properties"]["nodeLabels"], json!({"a": "b"}), "what is left out is kept");
    assert_eq!(world.settled(&scaled).await["status"], "Succeeded");
    assert_eq!(pools(&world).await, "nodepool1×3 gpu×5");
    assert!(world.planes.steps().contains(&Step::Nodes));
    let image = world.post(&format!("{}/upgradeNodeImageVersion", at("gpu"))).await;
    assert_eq!(image.status, 202, "{}", image.body);
    assert_eq!(world.settled(&image).await["status"], "Succeeded");
    let removed = world.delete(&at("gpu")).await;
    assert_eq!(removed.status, 202);
    assert_eq!(world.settled(&removed).await["status"], "Succeeded");
    assert_eq!(pools(&world).await, "nodepool1×3");
    assert_eq!(world.delete(&at("gpu")).await.status, 204);
    assert_eq!(world.get(&at("gpu")).await.refusal(), "404 ResourceNotFound R-010");
}

#[tokio::test]
async fn r_034_pools_have_names_and_the_last_system_pool_stays() {
    let world = made().await;
    for name in ["Gpu-1", "1gpu", "averyverylongname"] {
        assert_eq!(put(&world, name, json!({"count": 1})).await.refusal(), "400 InvalidParameter R-034", "{name}");
    }
    assert_eq!(put(&world, "gpu", json!({"count": 5000})).await.refusal(), "400 InvalidParameter R-034");
    assert_eq!(world.delete(&at("nodepool1")).await.refusal(), "400 InvalidParameter R-034");
    let added = put(&world, "user", json!({"count": 1, "mode": "User"})).await;
    assert_eq!(world.settled(&added).await["status"], "Succeeded");
    assert_eq!(world.delete(&at("nodepool1")).await.refusal(), "400 InvalidParameter R-034", "only a user pool would be left");
    assert_eq!(put(&world, "nodepool1", json!({"mode": "User"})).await.refusal(), "400 InvalidParameter R-034");
    let contradiction = world.put(&at("gpu"), json!({"name": "other", "properties": {"count": 1}})).await;
    assert_eq!(contradiction.refusal(), "400 InvalidRequestContent R-020");
    assert_eq!(world.put(&at("gpu"), json!({"properties": 7})).await.refusal(), "400 InvalidRequestContent R-013");
}

#[tokio::test]
async fn r_024_a_pool_waits_for_the_cluster_and_r_031_for_its_start() {
    let world = made().await;
    world.planes.hold(Some(Step::Halt));
    let stop = world.post(&format!("{C1}/stop")).await;
    assert_eq!(put(&world, "gpu", json!({"count": 1})).await.refusal(), "409 OperationNotAllowed R-024");
    world.planes.hold(None);
    world.settled(&stop).await;
    assert_eq!(put(&world, "gpu", json!({"count": 1})).await.refusal(), "400 OperationNotAllowed R-031");
    assert_eq!(
        world.post(&format!("{}/upgradeNodeImageVersion", at("nodepool1"))).await.refusal(),
        "400 OperationNotAllowed R-031"
    );
    assert_eq!(pools(&world).await, "nodepool1×3");
}

#[tokio::test]
async fn r_033_an_operation_on_a_pool_is_aborted_at_the_pool() {
    let world = made().await;
    assert_eq!(world.post(&format!("{}/abort", at("nodepool1"))).await.refusal(), "409 OperationNotAllowed R-033");
    world.planes.hold(Some(Step::Nodes));
    let scaled = put(&world, "nodepool1", json!({"count": 9})).await;
    let abort = world.post(&format!("{}/abort", at("nodepool1"))).await;
    assert_eq!(abort.status, 202, "{}", abort.body);
    world.planes.hold(None);
    assert_eq!(world.settled(&abort).await["status"], "Succeeded");
    assert_eq!(world.settled(&scaled).await["status"], "Canceled");
    assert_eq!(pools(&world).await, "nodepool1×3");
}

#[tokio::test]
async fn r_025_a_pools_own_tag_is_a_condition() {
    let world = made().await;
    let with = async |name: &'static str, value: &str| {
        let path = format!("/subscriptions/{}{}?api-version=2026-06-01", world.subscription, at("nodepool1"));
        let request = world.entrance.client.put(world.entrance.url(&path)).bearer_auth(world.token(&world.owner));
        let answer = request.header(name, value).json(&json!({"properties": {"count": 4}})).send().await.expect("answers");
        answer.status().as_u16()
    };
    assert_eq!(with("If-Match", "00000000-0000-4000-8000-000000000000").await, 412);
    assert_eq!(with("If-None-Match", "*").await, 412);
    let tag = world.get(&at("nodepool1")).await.body["properties"]["eTag"].as_str().expect("a tag").to_owned();
    assert_eq!(with("If-Match", &tag).await, 200);
}

#[tokio::test]
async fn r_005_and_r_301_pools_need_their_own_rights() {
    let world = made().await;
    let stranger = world.entrance.user("sam").await;
    let body = || Some(json!({"properties": {"count": 1}}));
    for (method, path) in [
        (Method::PUT, at("nodepool1")),
        (Method::DELETE, at("nodepool1")),
        (Method::POST, format!("{}/upgradeNodeImageVersion", at("nodepool1"))),
        (Method::POST, format!("{}/abort", at("nodepool1"))),
        (Method::GET, format!("{}/upgradeProfiles/default", at("nodepool1"))),
        (Method::GET, format!("{C1}/availableAgentPoolVersions")),
    ] {
        let answer = world.ask(&stranger, method.clone(), &path, body()).await;
        assert_eq!(answer.refusal(), "403 AuthorizationFailed R-005", "{method} {path}");
    }
}

#[tokio::test]
async fn only_versions_that_are_installed_are_offered_to_pools() {
    let world = made().await;
    let offered = world.get(&format!("{C1}/availableAgentPoolVersions")).await.body;
    let all = offered["properties"]["agentPoolVersions"].as_array().cloned().unwrap_or_default();
    let versions: Vec<_> = all.iter().map(|one| one["kubernetesVersion"].as_str().unwrap_or_default()).collect();
    assert_eq!(versions, ["1.37.2", "1.36.4"]);
    let profile = world.get(&format!("{}/upgradeProfiles/default", at("nodepool1"))).await.body;
    assert_eq!(profile["properties"]["kubernetesVersion"], "1.37.2");
    assert_eq!(world.get(&format!("{}/upgradeProfiles/default", at("none"))).await.refusal(), "404 ResourceNotFound R-010");
}
