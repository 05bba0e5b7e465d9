//! Templates: what is refused before anything is made, what is made in which order, and what is told of it.

use std::time::Duration;

use entrance_model::access::built_in;
use entrance_model::arm::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, C1, World, cluster};

const ONE: &str = "/resourceGroups/rg1/providers/Microsoft.Resources/deployments/d1";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

fn template(mut parts: Value) -> Value {
    parts["$schema"] = json!("https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#");
    parts["contentVersion"] = json!("1.0.0.0");
    parts
}

fn sent(parts: Value, parameters: &Value) -> Value {
    json!({ "properties": { "mode": "Incremental", "template": template(parts), "parameters": parameters } })
}

fn c1() -> Value {
    let mut resource = cluster(Some(json!({ "managed": true })));
    resource["type"] = json!("Microsoft.ContainerService/managedClusters");
    resource["apiVersion"] = json!("2025-01-01");
    resource["name"] = json!("c1");
    resource
}

fn reader_of(principal: &str, seed: &str) -> Value {
    json!({
        "type": "Microsoft.Authorization/roleAssignments", "apiVersion": "2022-04-01",
        "name": format!("[guid(resourceGroup().id, '{seed}')]"),
        "properties": {
            "roleDefinitionId": format!("[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{READER}')]"),
            "principalId": principal, "principalType": "User"
        }
    })
}

async fn world() -> World {
    let world = World::start().await;
    world.group().await;
    world
}

/// Waits until the deployment has ended, as clients do.
async fn ended(world: &World, started: &Answer) -> Value {
    assert!(started.status.is_success(), "{started:?}");
    let url = started.header("azure-asyncoperation").to_owned();
    let path =
        url.strip_prefix(world.entrance.app().base()).expect("our own address").split('?').next().unwrap_or_default().to_owned();
    for _ in 0..500 {
        let status = world.get(&format!("/{path}")).await;
        assert_eq!(status.status, 200, "{}", status.body);
        if !matches!(status.body["status"].as_str(), Some("Accepted" | "Running")) {
            let name = started.body["name"].as_str().expect("a name");
            return world.get(&format!("/resourceGroups/rg1/providers/Microsoft.Resources/deployments/{name}")).await.body;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the deployment does not end");
}

#[tokio::test]
async fn a_template_makes_a_cluster_and_then_what_hangs_on_it() {
    let world = world().await;
    let mut role = reader_of("[parameters('who')]", "a");
    role["scope"] = json!("Microsoft.ContainerService/managedClusters/c1");
    role["dependsOn"] = json!(["c1"]);
    let parts = json!({
        "parameters": { "who": { "type": "string" }, "key": { "type": "secureString", "defaultValue": "hunter2hunter2" } },
        "resources": [role, c1()],
        "outputs": {
            "fqdn": { "type": "string", "value": "[reference('c1').fqdn]" },
            "state": { "type": "string", "value": "[reference(resourceId('Microsoft.ContainerService/managedClusters', 'c1'), '2025-01-01', 'Full').properties.provisioningState]" },
            "key": { "type": "string", "value": "[parameters('key')]" }
        }
    });
    let alice = world.entrance.user("alice").await;
    let started = world.put(ONE, sent(parts, &json!({ "who": { "value": alice.id } }))).await;
    assert_eq!(
        (started.status.as_u16(), &started.body["properties"]["provisioningState"]),
        (201, &json!("Accepted")),
        "{}",
        started.body
    );
    let done = ended(&world, &started).await;
    let properties = &done["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded", "{done}");
    assert!(properties["outputs"]["fqdn"]["value"].as_str().is_some_and(|fqdn| fqdn.contains(".hcp.eastus.")), "{done}");
    assert_eq!(properties["outputs"]["state"], json!({ "type": "String", "value": "Succeeded" }));
    assert_eq!(properties["parameters"]["key"], json!({ "type": "SecureString" }));
    assert!(!done.to_string().contains("hunter2"), "a secret is in no answer: {done}");
    assert_eq!(world.ask(&alice, Method::GET, C1, None).await.status, 200, "the role was given");
    let operations = world.get("/resourceGroups/rg1/deployments/d1/operations").await.body;
    let kinds: Vec<&str> = operations["value"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|each| each["properties"]["targetResource"]["resourceType"].as_str().expect("a type"))
        .collect();
    assert_eq!(kinds.len(), 2, "{operations}");
    let first = operations["value"][0]["operationId"].as_str().expect("an id");
    assert_eq!(world.get(&format!("{ONE}/operations/{first}")).await.body, operations["value"][0]);
    let exported = world.post(&format!("{ONE}/exportTemplate")).await.body;
    assert_eq!(exported["template"]["resources"][1]["name"], "c1");
    // The same again changes nothing and ends well.
    let same = sent(json!({ "resources": [c1()] }), &json!({}));
    let again = world.put(ONE, same).await;
    assert_eq!(again.status, 200);
    assert_eq!(ended(&world, &again).await["properties"]["provisioningState"], "Succeeded");
    assert_eq!(world.delete(ONE).await.status, 204);
    assert_eq!(world.get(ONE).await.refusal(), "404 DeploymentNotFound -");
    assert_eq!(world.get(C1).await.status, 200, "what it made stays");
}

#[tokio::test]
async fn nothing_is_made_when_one_resource_is_wrong() {
    let world = world().await;
    let storage = json!({ "type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-01-01", "name": "s1", "location": "eastus", "properties": {} });
    let mut bad = c1();
    bad["name"] = json!("c2");
    bad["properties"]["aadProfile"]["adminGroupObjectIDs"] = json!(["platform"]);
    for path in [ONE.to_owned(), format!("{ONE}/validate")] {
        let method = if path == ONE { Method::PUT } else { Method::POST };
        let refused =
            world.ask(&world.owner, method, &path, Some(sent(json!({ "resources": [c1(), storage, bad] }), &json!({})))).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["error"]["code"]),
            (400, &json!("InvalidTemplateDeployment")),
            "{}",
            refused.body
        );
        let details = refused.body["error"]["details"].as_array().expect("details");
        let told: Vec<(&str, bool)> = details
            .iter()
            .map(|each| {
                (
                    each["code"].as_str().expect("a code"),
                    each["message"].as_str().expect("a text").contains("Microsoft.Storage/storageAccounts"),
                )
            })
            .collect();
        assert_eq!(told, [("InvalidResourceType", true), ("InvalidParameter", false)], "{details:?}");
        assert!(details[1]["target"].as_str().is_some_and(|id| id.ends_with("/managedClusters/c2")), "{details:?}");
    }
    assert_eq!((world.get(C1).await.status.as_u16(), world.get(ONE).await.status.as_u16()), (404, 404));
    assert_eq!(world.planes.count(), 0);
}

#[tokio::test]
async fn a_mistake_is_told_with_its_line_and_column() {
    let world = world().await;
    let token = world.token(&world.owner);
    let url = world.entrance.url(&format!("/subscriptions/{}{ONE}?api-version=2022-09-01", world.subscription));
    let put = async |body: &str| {
        let answer = world.entrance.client.put(&url).bearer_auth(&token).body(body.to_owned()).send().await.expect("it answers");
        answer.json::<Value>().await.expect("JSON")["error"].clone()
    };
    // As `az` sends a file: a name without quotes, and comments.
    let around = |inside: &str| {
        format!(
            "{{\"properties\": {{\"mode\": \"Incremental\", template:{{\n  // ours\n  \"$schema\": \"https://x.example/2019-04-01/deploymentTemplate.json#\",\n  \"contentVersion\": \"1.0.0.0\",\n{inside}\n}}}}}}"
        )
    };
    let error = put(&around(
        "  \"resources\": [],\n  \"outputs\": {\n    \"o\": { \"type\": \"string\", \"value\": \"[nothing()]\" }\n  }",
    ))
    .await;
    assert_eq!(error["code"], "InvalidTemplate");
    assert_eq!(
        error["message"],
        "Deployment template validation failed: There is no function `nothing`. (at 'outputs.o.value', line '7' and column '39')"
    );
    let error = put(&around("  \"resources\": [,]")).await;
    assert_eq!(
        (error["code"].as_str(), error["message"].as_str().is_some_and(|text| text.contains("line '5'"))),
        (Some("InvalidRequestContent"), true),
        "{error}"
    );
    for (body, words) in [
        (
            "{\"properties\": {\"mode\": \"Incremental\", \"templateLink\": {\"uri\": \"https://x.example\"}}}",
            "`templateLink` is refused",
        ),
        ("{\"properties\": {\"mode\": \"Complete\", \"template\": {}}}", "Mode 'Complete' is refused"),
        ("{\"properties\": {\"mode\": \"Incremental\"}}", "`properties.template` is needed"),
        ("{}", "The body needs `properties`"),
    ] {
        let error = put(body).await;
        assert!(error["message"].as_str().is_some_and(|text| text.contains(words)), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_deployment_has_the_rights_of_who_asked_and_no_more() {
    let world = world().await;
    let bob = world.entrance.user("bob").await;
    let nobody = sent(json!({ "resources": [] }), &json!({}));
    assert_eq!(world.ask(&bob, Method::PUT, ONE, Some(nobody.clone())).await.refusal(), "403 AuthorizationFailed R-005");
    let group: Scope = format!("/subscriptions/{}/resourceGroups/rg1", world.subscription).parse().expect("a scope");
    world.assign(bob.id.into(), built_in::CONTRIBUTOR, &group).await;
    let id = bob.id.to_string();
    let wanted = sent(json!({ "resources": [reader_of(&id, "b"), c1()] }), &json!({}));
    let refused = world.ask(&bob, Method::PUT, ONE, Some(wanted)).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]["code"]),
        (403, &json!("InvalidTemplateDeployment")),
        "{}",
        refused.body
    );
    assert_eq!(refused.body["error"]["details"][0]["code"], "AuthorizationFailed");
    assert_eq!(world.get(C1).await.status, 404);
    assert!(world.ask(&bob, Method::PUT, ONE, Some(nobody)).await.status.is_success());
}

#[tokio::test]
async fn what_fails_stops_what_waits_for_it_and_nothing_else() {
    let world = world().await;
    world.planes.fail(Some(entrance_model::cluster::Step::Start));
    let id = world.owner.id.to_string();
    let mut waits = reader_of(&id, "waits");
    waits["dependsOn"] = json!(["c1"]);
    let other = world.entrance.user("carol").await.id.to_string();
    let started = world.put(ONE, sent(json!({ "resources": [waits, c1(), reader_of(&other, "free")] }), &json!({}))).await;
    let done = ended(&world, &started).await;
    let error = &done["properties"]["error"];
    assert_eq!(
        (&done["properties"]["provisioningState"], &error["code"]),
        (&json!("Failed"), &json!("DeploymentFailed")),
        "{done}"
    );
    assert_eq!(error["details"][0]["code"], "ControlPlaneFailed");
    assert!(error["details"][0]["target"].as_str().is_some_and(|id| id.ends_with("/managedClusters/c1")));
    let operations = world.get("/resourceGroups/rg1/deployments/d1/operations").await.body;
    let states: Vec<&str> = operations["value"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|each| each["properties"]["provisioningState"].as_str().expect("a state"))
        .collect();
    assert_eq!(states, ["Failed", "Succeeded"], "{operations}");
}

#[tokio::test]
async fn a_deployment_in_a_deployment_hands_on_its_outputs() {
    let world = world().await;
    let carol = world.entrance.user("carol").await.id.to_string();
    let inside = template(json!({
        "parameters": { "who": { "type": "string" } },
        "resources": [reader_of("[parameters('who')]", "inside")],
        "outputs": { "twice": { "type": "string", "value": "[concat(parameters('who'), parameters('who'))]" } }
    }));
    let parts = json!({
        "resources": [{
            "type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inside",
            "properties": {
                "mode": "Incremental", "expressionEvaluationOptions": { "scope": "inner" },
                "parameters": { "who": { "value": carol } }, "template": inside
            }
        }],
        "outputs": { "it": { "type": "string", "value": "[reference('inside').outputs.twice.value]" } }
    });
    let started = world.put(ONE, sent(parts, &json!({}))).await;
    let done = ended(&world, &started).await;
    assert_eq!(done["properties"]["outputs"]["it"]["value"], format!("{carol}{carol}"), "{done}");
    let all = world.get("/resourceGroups/rg1/providers/Microsoft.Resources/deployments").await.body;
    let correlations: Vec<&Value> =
        all["value"].as_array().expect("a list").iter().map(|each| &each["properties"]["correlationId"]).collect();
    assert!(correlations.len() == 2 && correlations[0] == correlations[1], "{all}");
}

#[tokio::test]
async fn what_if_tells_what_would_change_and_changes_nothing() {
    let world = world().await;
    let ask = async |resources: Value| {
        world
            .ask(&world.owner, Method::POST, &format!("{ONE}/whatIf"), Some(sent(json!({ "resources": resources }), &json!({}))))
            .await
            .body
    };
    let new = ask(json!([c1()])).await;
    assert_eq!(
        (&new["status"], &new["properties"]["changes"][0]["changeType"]),
        (&json!("Succeeded"), &json!("Create")),
        "{new}"
    );
    assert_eq!(world.get(C1).await.status, 404);
    ended(&world, &world.put(ONE, sent(json!({ "resources": [c1()] }), &json!({}))).await).await;
    assert_eq!(ask(json!([c1()])).await["properties"]["changes"][0]["changeType"], "NoChange");
    let mut tagged = c1();
    tagged["tags"] = json!({ "team": "shop" });
    let changed = ask(json!([tagged])).await["properties"]["changes"][0].clone();
    assert_eq!(changed["changeType"], "Modify");
    assert_eq!(changed["delta"][0]["path"], "tags", "{changed}");
    let wrong = ask(json!([{ "type": "A/b" }])).await;
    assert_eq!((&wrong["status"], &wrong["error"]["code"]), (&json!("Failed"), &json!("InvalidTemplate")), "{wrong}");
}

#[tokio::test]
async fn a_deployment_is_stopped_between_its_resources() {
    let world = world().await;
    let parts = sent(json!({ "resources": [] }), &json!({}));
    ended(&world, &world.put(ONE, parts.clone()).await).await;
    assert_eq!(world.post(&format!("{ONE}/cancel")).await.refusal(), "409 DeploymentCannotBeCancelled -");
    assert_eq!(
        world.post("/resourceGroups/rg1/providers/Microsoft.Resources/deployments/none/cancel").await.refusal(),
        "404 DeploymentNotFound -"
    );
    // A group goes with its deployments.
    assert_eq!(world.delete("/resourceGroups/rg1").await.status, 202);
    for _ in 0..500 {
        if world.get("/resourceGroups/rg1").await.status == 404 {
            world.group().await;
            assert_eq!(
                world.get("/resourceGroups/rg1/providers/Microsoft.Resources/deployments").await.body,
                json!({ "value": [] })
            );
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the group stays");
}
