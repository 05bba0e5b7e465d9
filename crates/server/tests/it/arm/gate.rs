//! Who gets in: tokens, versions, rights, bodies. A stranger gets nothing.

use entrance_model::access::built_in;
use entrance_model::arm::Scope;
use reqwest::Method;
use serde_json::json;

use super::{C1, World, cluster};

#[tokio::test]
async fn the_metadata_document_has_what_az_cloud_register_needs() {
    let world = World::start().await;
    let base = world.entrance.app().base().to_owned();
    let one: serde_json::Value =
        world.entrance.get("//metadata/endpoints?api-version=2022-09-01").await.json().await.expect("JSON");
    assert_eq!(one["name"], "Entrance");
    assert_eq!(one["authentication"]["audiences"][0], format!("{base}/arm"));
    assert_eq!(one["suffixes"], json!({}));
    let all: serde_json::Value =
        world.entrance.get("/metadata/endpoints?api-version=2019-05-01").await.json().await.expect("JSON");
    assert_eq!(all[0]["resourceManager"], format!("{base}/"));
}

#[tokio::test]
async fn r_005_r_301_and_r_302_a_stranger_learns_nothing_and_sees_empty_lists() {
    let world = World::start().await;
    world.group().await;
    let stranger = world.entrance.user("sam").await;
    for (method, path) in [
        (Method::GET, "/resourceGroups/rg1"),
        (Method::GET, "/resourceGroups/nope"),
        (Method::GET, C1),
        (Method::PUT, C1),
        (Method::DELETE, C1),
        (Method::GET, "/providers"),
        (Method::GET, "/providers/Microsoft.Authorization/roleAssignments"),
    ] {
        let body = (method == Method::PUT).then(|| cluster(None));
        let answer = world.ask(&stranger, method.clone(), path, body).await;
        assert_eq!(answer.refusal(), "403 AuthorizationFailed R-005", "{method} {path}");
        assert!(answer.body["error"]["message"].as_str().is_some_and(|text| text.contains(&stranger.id.to_string())));
    }
    for path in ["//subscriptions", "/resourceGroups", "/providers/Microsoft.ContainerService/managedClusters"] {
        assert_eq!(world.ask(&stranger, Method::GET, path, None).await.body["value"], json!([]), "{path}");
    }
    let group = Scope::group(world.subscription, &"rg1".parse().expect("a name"));
    world.assign(stranger.id.into(), built_in::READER, &group).await;
    assert_eq!(world.ask(&stranger, Method::GET, "//subscriptions", None).await.body["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.ask(&stranger, Method::GET, "/resourceGroups/rg1", None).await.status, 200);
}

#[tokio::test]
async fn r_006_to_r_013_and_r_213_versions_addresses_and_bodies() {
    let world = World::start().await;
    world.group().await;
    let token = world.token(&world.owner);
    let plain =
        |query: &str| world.entrance.client.get(world.entrance.url(&format!("/subscriptions{query}"))).bearer_auth(&token).send();
    assert_eq!(plain("").await.expect("answers").status(), 400);
    assert_eq!(plain("?api-version=latest").await.expect("answers").status(), 400);
    assert_eq!(plain("?api-version=2099-01-01").await.expect("answers").status(), 200);

    let unknown = "//subscriptions/99999999-9999-4999-8999-999999999999/resourceGroups";
    assert_eq!(world.get(unknown).await.refusal(), "404 SubscriptionNotFound R-008");
    assert_eq!(world.get("/resourceGroups/nope").await.refusal(), "404 ResourceGroupNotFound R-009");
    assert_eq!(world.get(C1).await.refusal(), "404 ResourceNotFound R-010");
    assert_eq!(world.delete(C1).await.status, 204, "R-011");
    assert_eq!(world.post(&format!("{C1}/runCommand")).await.refusal(), "404 InvalidResourceType R-012");
    assert_eq!(world.post(C1).await.refusal(), "405 MethodNotAllowed R-213");

    let url = world.entrance.url(&format!("/subscriptions/{}{C1}?api-version=2026-06-01", world.subscription));
    for (body, status) in
        [("{\"location\": ".to_owned(), 400), ("[1]".to_owned(), 400), ("[".repeat(200), 400), (" ".repeat(2_000_000), 413)]
    {
        let answer = world.entrance.client.put(&url).bearer_auth(&token).body(body).send().await.expect("answers");
        assert_eq!(answer.status(), status);
    }
    assert_eq!(world.get(C1).await.status, 404);
}

#[tokio::test]
async fn paths_compare_without_case_and_answers_keep_the_first_spelling() {
    let world = World::start().await;
    world.put("/resourceGroups/RG-One", json!({"location": "China East", "tags": {"a": "b"}})).await;
    let read = world.get("/RESOURCEGROUPS/rg-one").await;
    assert_eq!(read.body["name"], "RG-One");
    assert_eq!(read.body["location"], "chinaeast");
    assert_eq!(read.body["tags"], json!({"a": "b"}));
    assert_eq!(world.ask(&world.owner, Method::HEAD, "/resourcegroups/rg-ONE", None).await.status, 204);
    assert_eq!(world.ask(&world.owner, Method::HEAD, "/resourcegroups/two", None).await.status, 404);
    assert_eq!(world.put("/resourceGroups/rg-one", json!({"location": "eastus"})).await.status, 409);
}
