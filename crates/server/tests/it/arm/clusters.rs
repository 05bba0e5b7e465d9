//! Clusters from PUT to DELETE, with their operations and credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use entrance_model::access::built_in;
use entrance_model::arm::Scope;
use entrance_model::cluster::Step;
use entrance_testkit::minutes;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, C1, World, cluster};

async fn made(world: &World, aad_profile: Option<Value>) {
    world.group().await;
    let put = world.put(C1, cluster(aad_profile)).await;
    assert_eq!(put.status, 201, "{}", put.body);
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
}

fn file(answer: &Answer) -> String {
    let value = answer.body["kubeconfigs"][0]["value"].as_str().unwrap_or_else(|| panic!("{}", answer.body));
    String::from_utf8(BASE64.decode(value).expect("base64")).expect("text")
}

#[tokio::test]
async fn a_cluster_with_the_integration_is_made_and_shown_as_the_source_shows_it() {
    let world = World::start().await;
    let admins = world.entrance.group("platform").await;
    world.group().await;
    let profile = json!({"managed": true, "enableAzureRBAC": false, "adminGroupObjectIDs": [admins.id]});
    let put = world.put(C1, cluster(Some(profile))).await;
    assert_eq!(put.status, 201, "{}", put.body);
    assert_eq!(put.header("retry-after"), "1");
    assert_eq!(put.body["properties"]["provisioningState"], "Creating");
    let status = world.settled(&put).await;
    assert_eq!(status["status"], "Succeeded");
    assert!(status["endTime"].is_string() && status["startTime"].is_string());
    let shown = world.get(C1).await.body;
    let expected =
        json!({"managed": true, "enableAzureRBAC": false, "adminGroupObjectIDs": [admins.id], "tenantID": world.entrance.tenant});
    assert_eq!(shown["properties"]["aadProfile"], expected);
    let properties = &shown["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(properties["kubernetesVersion"], "1.37.2");
    assert_eq!(properties["agentPoolProfiles"][0]["name"], "nodepool1");
    assert_eq!(properties["powerState"]["code"], "Running");
    assert!(properties["networkProfile"].is_object() && properties["fqdn"].is_string() && shown["eTag"].is_string());
    assert!(properties["identityProfile"]["kubeletidentity"]["objectId"].is_string());
    assert_eq!(properties["entranceProfile"]["tokenAudience"], "shared");
    assert_eq!(world.get("/providers/Microsoft.ContainerService/managedClusters").await.body["value"][0]["name"], "c1");
    assert_eq!(world.get("/resources").await.body["value"][0]["name"], "c1");
    assert_eq!(world.get(&format!("{C1}/agentPools")).await.body["value"][0]["properties"]["count"], 3);
}

#[tokio::test]
async fn r_507_turning_the_integration_on_touches_no_process() {
    let world = World::start().await;
    let admins = world.entrance.group("platform").await;
    made(&world, None).await;
    let before = world.planes.steps().len();
    let mut body = world.get(C1).await.body;
    body["properties"]["aadProfile"] = json!({"managed": true, "adminGroupObjectIDs": [admins.id]});
    let put = world.put(C1, body).await;
    assert_eq!(put.status, 200, "{}", put.body);
    assert_eq!(put.body["properties"]["provisioningState"], "Updating");
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    assert_eq!(world.planes.steps()[before..], [Step::BindAdmins]);
    for (change, refusal) in [
        (json!({"aadProfile": null}), "400 PropertyChangeNotAllowed R-101"),
        (json!({"aadProfile": {"managed": false}}), "400 PropertyChangeNotAllowed R-101"),
        (json!({"aadProfile": {"clientAppID": admins.id, "serverAppID": admins.id}}), "400 PropertyChangeNotAllowed R-102"),
        (json!({"enableRBAC": false}), "400 PropertyChangeNotAllowed R-023"),
        (json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": ["platform"]}}), "400 InvalidParameter R-107"),
    ] {
        let refused = world.put(C1, json!({"location": "eastus", "properties": change})).await;
        assert_eq!(refused.refusal(), refusal);
    }
    let unknown = json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": ["c3000000-0000-4000-8000-000000000009"]}});
    let warned = world.put(C1, json!({"location": "eastus", "properties": unknown})).await;
    assert_eq!(warned.status, 200);
    assert!(warned.header("warning").contains("R-110") && warned.header("warning").contains("does not exist"), "{warned:?}");
}

#[tokio::test]
async fn r_104_a_cluster_without_kubernetes_rbac_gets_no_integration() {
    let world = World::start().await;
    world.group().await;
    let mut body = cluster(Some(json!({"managed": true})));
    body["properties"]["enableRBAC"] = json!(false);
    assert_eq!(world.put(C1, body).await.refusal(), "400 BadRequest R-104");
    assert_eq!(world.planes.count(), 0);
}

#[tokio::test]
async fn r_201_and_r_501_the_user_file_is_the_same_bytes_each_time_and_names_this_server() {
    let world = World::start().await;
    made(&world, Some(json!({"managed": true}))).await;
    let ask = |query: &'static str| {
        let world = &world;
        async move { world.post(&format!("{C1}/listClusterUserCredential{query}")).await }
    };
    let first = ask("").await;
    assert_eq!(first.header("cache-control"), "no-store");
    let exec = file(&first);
    assert_eq!(exec, file(&ask("?format=EXEC").await));
    assert!(exec.contains("server: https://127.0.0.1:6443") && exec.contains("clusterUser_rg1_c1"), "{exec}");
    assert!(exec.contains(&format!("{}/", world.entrance.app().base())) && exec.contains("6dae42f8-4368-4678-94ff-3960e28e3630"));
    assert!(exec.contains("80faf920-1908-4b52-b5ef-a8e7bedfc67a"));
    let profile = world.get(C1).await.body["properties"]["aadProfile"].to_string();
    assert!(!profile.contains("6dae42f8") && !profile.contains("80faf920"), "they are nobody's setting: {profile}");
    let azure = file(&ask("?format=azure").await);
    assert!(azure.contains("auth-provider") && azure.contains("config-mode: \"1\""), "{azure}");
    assert_eq!(ask("?format=yaml").await.refusal(), "400 InvalidParameter R-201");
}

#[tokio::test]
async fn r_203_r_541_and_r_542_the_admin_file_needs_its_role_is_named_and_ends() {
    let world = World::start().await;
    made(&world, Some(json!({"managed": true}))).await;
    let bob = world.entrance.user("bob").await;
    let here = format!("/subscriptions/{}{C1}", world.subscription).parse::<Scope>().expect("a scope");
    world.assign(bob.id.into(), built_in::CLUSTER_USER, &here).await;
    let path = format!("{C1}/listClusterAdminCredential");
    let refused = world.ask(&bob, Method::POST, &path, None).await;
    assert_eq!(refused.refusal(), "403 AuthorizationFailed R-005");
    assert_eq!(world.planes.doors(), 0);

    world.assign(bob.id.into(), built_in::CLUSTER_ADMIN, &here).await;
    let admin = file(&world.ask(&bob, Method::POST, &path, None).await);
    assert!(admin.contains("clusterAdmin_rg1_c1"));
    let certificate =
        admin.lines().find_map(|line| line.trim().strip_prefix("client-certificate-data: ")).expect("a certificate");
    let certificate = String::from_utf8(BASE64.decode(certificate.trim_matches('"')).expect("base64")).expect("text");
    assert!(
        certificate.contains(&format!("breakglass:{}", bob.id)) && certificate.contains("entrance:break-glass:"),
        "R-541: {certificate}"
    );
    assert!(!certificate.contains("system:masters"));
    assert_eq!(admin, file(&world.ask(&bob, Method::POST, &path, None).await), "one door, one file");
    assert_eq!(world.planes.doors(), 1);

    let disabled = world
        .put(
            C1,
            json!({"location": "eastus", "properties": {"disableLocalAccounts": true, "aadProfile": {"enableAzureRBAC": true}}}),
        )
        .await;
    assert_eq!(world.settled(&disabled).await["status"], "Succeeded");
    assert_eq!(world.ask(&bob, Method::POST, &path, None).await.refusal(), "400 BadRequest R-203");

    world.entrance.sleep(minutes(8 * 60 + 1));
    for _ in 0..600 {
        if world.planes.doors() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the door stays open");
}

#[tokio::test]
async fn r_202_and_r_523_a_cluster_without_integration_hands_out_a_certificate() {
    let world = World::start().await;
    made(&world, None).await;
    let user = file(&world.post(&format!("{C1}/listClusterUserCredential?format=azure")).await);
    assert!(user.contains("client-certificate-data") && user.contains("clusterUser_rg1_c1"), "R-202: {user}");
}

#[tokio::test]
async fn r_129_and_r_207_a_failed_creation_leaves_nothing_and_says_why() {
    let world = World::start().await;
    world.group().await;
    world.planes.fail(Some(Step::Start));
    let put = world.put(C1, cluster(None)).await;
    let status = world.settled(&put).await;
    assert_eq!(status["status"], "Failed");
    assert_eq!(status["error"]["code"], "ControlPlaneFailed");
    assert!(status["error"]["message"].as_str().is_some_and(|text| text.contains("etcd did not come up")), "{status}");
    let shown = world.get(C1).await.body;
    assert_eq!(shown["properties"]["provisioningState"], "Failed");
    assert_eq!(shown["properties"]["status"]["provisioningError"]["code"], "ControlPlaneFailed");
    assert_eq!(world.planes.count(), 0, "nothing is left");
    assert_eq!(world.post(&format!("{C1}/listClusterUserCredential")).await.refusal(), "409 OperationNotAllowed R-207");
    world.planes.fail(None);
    let again = world.put(C1, cluster(None)).await;
    assert_eq!(world.settled(&again).await["status"], "Succeeded");
}

#[tokio::test]
async fn r_129_a_failed_change_leaves_the_cluster_as_it_was() {
    let world = World::start().await;
    made(&world, None).await;
    world.planes.fail(Some(Step::BindAdmins));
    let group = world.entrance.group("platform").await;
    let change =
        json!({"location": "eastus", "properties": {"aadProfile": {"managed": true, "adminGroupObjectIDs": [group.id]}}});
    let put = world.put(C1, change).await;
    assert_eq!(world.settled(&put).await["status"], "Failed");
    let shown = world.get(C1).await.body;
    assert_eq!(shown["properties"]["provisioningState"], "Failed");
    assert_eq!(shown["properties"]["aadProfile"], Value::Null);
    assert!(file(&world.post(&format!("{C1}/listClusterUserCredential")).await).contains("client-certificate-data"));
}

#[tokio::test]
async fn deleting_leaves_no_control_plane_and_no_record() {
    let world = World::start().await;
    made(&world, Some(json!({"managed": true}))).await;
    let delete = world.delete(C1).await;
    assert_eq!(delete.status, 202);
    assert!(delete.header("location").contains("/operationresults/"));
    assert_eq!(world.settled(&delete).await["status"], "Succeeded");
    assert_eq!(world.planes.count(), 0);
    assert_eq!(world.get(C1).await.status, 404);
    assert_eq!(world.delete(C1).await.status, 204);
}

#[tokio::test]
async fn deleting_a_group_deletes_the_clusters_in_it() {
    let world = World::start().await;
    made(&world, None).await;
    let delete = world.delete("/resourcegroups/rg1").await;
    assert_eq!(delete.status, 202);
    let location = delete.header("location").strip_prefix(world.entrance.app().base()).expect("our own").to_owned();
    let path = format!("/{}", location.split('?').next().unwrap_or_default());
    for _ in 0..500 {
        let answer = world.get(&path).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.status, 202, "{}", answer.body);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(world.planes.count(), 0);
    assert_eq!(world.get("/resourceGroups/rg1").await.refusal(), "404 ResourceGroupNotFound R-009");
    assert_eq!(world.delete("/resourcegroups/rg1").await.status, 404);
}

#[tokio::test]
async fn r_025_conditions_of_a_request_are_kept() {
    let world = World::start().await;
    made(&world, None).await;
    let mut stale = cluster(None);
    stale["eTag"] = json!("00000000-0000-4000-8000-000000000000");
    assert_eq!(world.put(C1, stale).await.refusal(), "412 PreconditionFailed R-025");
    let mut fresh = cluster(None);
    fresh["eTag"] = world.get(C1).await.body["eTag"].clone();
    let put = world.put(C1, fresh).await;
    assert_eq!(put.status, 200, "{}", put.body);
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
}

#[tokio::test]
async fn tags_are_changed_without_an_operation() {
    let world = World::start().await;
    made(&world, None).await;
    let patched = world.ask(&world.owner, Method::PATCH, C1, Some(json!({"tags": {"team": "web"}}))).await;
    assert_eq!((patched.status.as_u16(), &patched.body["tags"]), (200, &json!({"team": "web"})));
    let refused = world.ask(&world.owner, Method::PATCH, C1, Some(json!({"properties": {}}))).await;
    assert_eq!(refused.refusal(), "400 InvalidParameter R-021");
}
