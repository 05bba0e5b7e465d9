//! Deployments that a server before left in the middle, and who may see and stop them.

use std::time::Duration;

use entrance_model::access::built_in;
use entrance_model::arm::Scope;
use entrance_model::directory::User;
use entrance_model::id::OperationId;
use entrance_model::template::{Deployment, DeploymentAddress, Input, Made, MadeState, Progress};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{C1, World, cluster};

const ONE: &str = "/resourceGroups/rg1/providers/Microsoft.Resources/deployments/left";

/// What a server leaves that is killed after it wrote down that it begins with the cluster, and before it did.
async fn leave(world: &World, by: &User, is_stopping: bool) -> OperationId {
    let mut resource = cluster(None);
    resource["type"] = json!("Microsoft.ContainerService/managedClusters");
    resource["apiVersion"] = json!("2025-01-01");
    resource["name"] = json!("[parameters('name')]");
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
        "parameters": { "name": { "type": "string" } },
        "resources": [resource],
        "outputs": { "name": { "type": "string", "value": "[parameters('name')]" } }
    });
    let (id, now) = (OperationId::from_uuid(Uuid::new_v4()), world.entrance.app().now());
    let deployment = Deployment {
        id,
        tenant: world.entrance.tenant,
        address: DeploymentAddress {
            subscription: world.subscription,
            group: "rg1".parse().expect("a name"),
            name: "left".parse().expect("a name"),
        },
        progress: Progress::Running,
        hash: "1".into(),
        parameters: json!({}),
        outputs: None,
        error: None,
        resources: vec![Made {
            id: format!("/subscriptions/{}{C1}", world.subscription),
            kind: "Microsoft.ContainerService/managedClusters".into(),
            name: "c1".into(),
            state: MadeState::Working(OperationId::from_uuid(Uuid::new_v4())),
            begun: Some(now.as_microsecond()),
            ended: None,
        }],
        correlation: Uuid::new_v4(),
        started: now,
        started_by: by.id.into(),
        started_as: by.upn.to_string(),
        ended: None,
        parent: None,
        is_stopping,
        revision: 1,
    };
    let parameters = Map::from_iter([("name".to_owned(), json!("c1"))]);
    let input = Input { parameters, subscription_name: "Test".into(), location: "eastus".into(), tags: json!({}) };
    let mut tx = world.entrance.app().store.write().await.expect("the store writes");
    tx.arm().insert_deployment(&deployment, &template.to_string(), &input).await.expect("it is new");
    tx.commit().await.expect("the store commits");
    id
}

async fn ended(world: &World) -> Value {
    for _ in 0..500 {
        let shown = world.get(ONE).await.body;
        if !matches!(shown["properties"]["provisioningState"].as_str(), Some("Accepted" | "Running")) {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the deployment does not end");
}

#[tokio::test]
async fn what_was_written_down_and_not_begun_is_begun() {
    let world = World::start().await;
    world.group().await;
    let id = leave(&world, &world.owner, false).await;
    let shown = ended(&world).await;
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded", "{shown}");
    assert_eq!(shown["properties"]["outputs"]["name"]["value"], "c1");
    assert_eq!(
        (world.get(C1).await.body["properties"]["provisioningState"].clone(), world.planes.count()),
        (json!("Succeeded"), 1)
    );
    let mut reader = world.entrance.app().store.read().await.expect("the store reads");
    assert!(reader.arm().deployment_input(id).await.expect("it reads").is_none(), "what holds secrets is dropped at the end");
}

#[tokio::test]
async fn what_shall_stop_begins_nothing_more() {
    let world = World::start().await;
    world.group().await;
    leave(&world, &world.owner, true).await;
    let shown = ended(&world).await;
    assert_eq!(shown["properties"]["provisioningState"], "Canceled", "{shown}");
    assert_eq!((world.get(C1).await.status.as_u16(), world.planes.count()), (404, 0));
}

#[tokio::test]
async fn who_lost_the_right_meanwhile_writes_nothing_more() {
    let world = World::start().await;
    world.group().await;
    let bob = world.entrance.user("bob").await;
    leave(&world, &bob, false).await;
    let shown = ended(&world).await;
    let error = &shown["properties"]["error"];
    assert_eq!(
        (error["code"].as_str(), error["details"][0]["code"].as_str()),
        (Some("DeploymentFailed"), Some("AuthorizationFailed")),
        "{shown}"
    );
    assert_eq!((world.get(C1).await.status.as_u16(), world.planes.count()), (404, 0));
}

#[tokio::test]
async fn who_was_disabled_meanwhile_writes_nothing_more() {
    let world = World::start().await;
    world.group().await;
    let bob = world.entrance.user("bob").await;
    let group = Scope::group(world.subscription, &"rg1".parse().expect("a name"));
    world.assign(bob.id.into(), built_in::OWNER, &group).await;
    let mut tx = world.entrance.app().store.write().await.expect("the store writes");
    tx.directory().update_user(world.entrance.tenant, &User { enabled: false, ..bob.clone() }).await.expect("it is there");
    tx.commit().await.expect("the store commits");
    leave(&world, &bob, false).await;
    let shown = ended(&world).await;
    let detail = &shown["properties"]["error"]["details"][0];
    assert_eq!(detail["code"], "AuthorizationFailed", "{shown}");
    assert!(detail["message"].as_str().is_some_and(|text| text.contains("gone or disabled")), "{shown}");
    assert_eq!((world.get(C1).await.status.as_u16(), world.planes.count()), (404, 0));
}

#[tokio::test]
async fn r_301_a_stranger_learns_nothing_of_deployments() {
    let world = World::start().await;
    world.group().await;
    leave(&world, &world.owner, false).await;
    ended(&world).await;
    let stranger = world.entrance.user("sam").await;
    let all = ONE.strip_suffix("/left").expect("the collection");
    let id = Uuid::new_v4();
    for (method, path) in [
        (Method::GET, all.to_owned()),
        (Method::GET, ONE.to_owned()),
        (Method::GET, format!("{all}/nope")),
        (Method::PUT, ONE.to_owned()),
        (Method::DELETE, ONE.to_owned()),
        (Method::POST, format!("{ONE}/validate")),
        (Method::POST, format!("{ONE}/whatIf")),
        (Method::POST, format!("{ONE}/exportTemplate")),
        (Method::POST, format!("{ONE}/cancel")),
        (Method::GET, format!("{ONE}/operations")),
        (Method::GET, format!("{ONE}/operations/{id}")),
        (Method::GET, format!("{ONE}/operationStatuses/{id}")),
        (Method::GET, "/resourceGroups/rg1/deployments/left/operations".to_owned()),
    ] {
        let answer = world.ask(&stranger, method.clone(), &path, None).await;
        assert_eq!(answer.refusal(), "403 AuthorizationFailed R-005", "{method} {path}");
        let nobody = world.ask_with("nothing", method.clone(), &path, None).await;
        assert_eq!(nobody.status, 401, "{method} {path}");
    }
    assert_eq!(world.ask(&stranger, Method::HEAD, ONE, None).await.status, 403);
    assert_eq!(world.get(ONE).await.status, 200);
}
