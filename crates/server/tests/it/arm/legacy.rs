//! The retired integration, with applications that the customer registered: made, entered, reset, and upgraded.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use entrance_model::cluster::Step;
use entrance_model::id::AppId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{C1, World, cluster};

/// A server that lets legacy clusters be made, and one such cluster: the client's and the server application's id.
async fn legacy() -> (World, AppId, AppId) {
    let world = World::start_with(|config| config.exceptions.legacy_create = true).await;
    let (client, _) = world.entrance.application("old-client", |_| {}).await;
    let (server, _) = world.entrance.application("old-server", |_| {}).await;
    world.group().await;
    let put = world.put(C1, cluster(Some(profile(client.app_id, server.app_id)))).await;
    assert_eq!(put.status, 201, "{}", put.body);
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    (world, client.app_id, server.app_id)
}

fn profile(client: AppId, server: AppId) -> Value {
    json!({"clientAppID": client, "serverAppID": server, "serverAppSecret": "very-secret"})
}

async fn aad_profile(world: &World) -> Value {
    world.get(C1).await.body["properties"]["aadProfile"].clone()
}

async fn user_file(world: &World, query: &str) -> String {
    let answer = world.post(&format!("{C1}/listClusterUserCredential{query}")).await;
    let value = answer.body["kubeconfigs"][0]["value"].as_str().unwrap_or_else(|| panic!("{}", answer.body));
    String::from_utf8(BASE64.decode(value).expect("base64")).expect("text")
}

#[tokio::test]
async fn r_115_own_applications_are_refused_unless_the_operator_lets_them_be_tried() {
    let world = World::start().await;
    let (server, _) = world.entrance.application("old-server", |_| {}).await;
    world.group().await;
    let refused = world.put(C1, cluster(Some(profile(server.app_id, server.app_id)))).await;
    assert_eq!(refused.refusal(), "400 BadRequest R-115");
    assert_eq!(world.planes.count(), 0);
}

#[tokio::test]
async fn r_115_nobody_elses_application_becomes_the_audience_of_a_cluster() {
    let (world, client, _) = legacy().await;
    let elsewhere = C1.replace("c1", "c2");
    for (server, why) in [
        (entrance_model::well_known::GRAPH, "tokens for it open the directory"),
        (AppId::from_uuid(Uuid::new_v4()), "nobody registered it"),
    ] {
        let refused = world.put(&elsewhere, cluster(Some(profile(client, server)))).await;
        assert_eq!(refused.refusal(), "400 InvalidParameter R-115", "{why}");
        assert_eq!(refused.body["error"]["target"], "aadProfile.serverAppID", "{why}");
    }
}

#[tokio::test]
async fn r_125_and_r_522_a_legacy_cluster_shows_its_applications_and_never_the_secret() {
    let (world, client, server) = legacy().await;
    let shown = aad_profile(&world).await;
    assert_eq!(shown, json!({"clientAppID": client, "serverAppID": server, "tenantID": world.entrance.tenant}));
    let exec = user_file(&world, "").await;
    for word in ["- --legacy\n", &format!("- --server-id\n      - {server}\n"), &format!("- --client-id\n      - {client}\n")] {
        assert!(exec.contains(word), "{word}: {exec}");
    }
    let azure = user_file(&world, "?format=azure").await;
    assert!(!azure.contains("config-mode") && azure.contains(&format!("apiserver-id: {server}")), "{azure}");
    let kept = files(world.entrance.data());
    assert!(kept.iter().any(|file| file.extension().is_some_and(|kind| kind == "db")), "{kept:?}");
    for file in kept {
        let bytes = std::fs::read(&file).expect("a file");
        assert!(!bytes.windows(11).any(|window| window == b"very-secret"), "{}", file.display());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    all.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).filter(|path| path.is_file()).collect()
}

#[tokio::test]
async fn r_204_to_r_206_the_applications_are_reset_by_an_operation() {
    let (world, client, server) = legacy().await;
    let (next, _) = world.entrance.application("next-server", |_| {}).await;
    let reset = format!("{C1}/resetAADProfile");
    let ask = |body: Value| world.ask(&world.owner, reqwest::Method::POST, &reset, Some(body));
    assert_eq!(ask(json!({})).await.refusal(), "400 BadRequest R-206");
    assert_eq!(ask(json!({"clientAppID": client, "serverAppID": server})).await.refusal(), "400 BadRequest R-206");

    let before = world.planes.steps().len();
    let begun = ask(profile(client, next.app_id)).await;
    assert_eq!((begun.status.as_u16(), begun.header("retry-after")), (202, "1"), "{}", begun.body);
    assert_eq!(world.result(&begun).await.status, 200);
    assert_eq!(aad_profile(&world).await["serverAppID"], json!(next.app_id));
    assert!(user_file(&world, "").await.contains(&next.app_id.to_string()));
    assert_eq!(world.planes.steps()[before..], [], "no process is touched");

    let mut body = world.get(C1).await.body;
    body["properties"]["aadProfile"] = json!({"managed": true});
    world.settled(&world.put(C1, body).await).await;
    assert_eq!(ask(profile(client, server)).await.refusal(), "400 BadRequest R-204");
    let plain = C1.replace("c1", "c2");
    world.settled(&world.put(&plain, cluster(None)).await).await;
    let at = format!("{plain}/resetAADProfile");
    let nothing = world.ask(&world.owner, reqwest::Method::POST, &at, Some(profile(client, server))).await;
    assert_eq!(nothing.refusal(), "400 BadRequest R-205");
}

#[tokio::test]
async fn r_205_a_service_principal_is_reset_where_there_is_one() {
    let world = World::start().await;
    let (robot, _) = world.entrance.application("robot", |_| {}).await;
    world.group().await;
    let mut body = cluster(None);
    body.as_object_mut().expect("an object").remove("identity");
    body["properties"]["servicePrincipalProfile"] = json!({"clientId": Uuid::new_v4(), "secret": "old"});
    world.settled(&world.put(C1, body).await).await;
    let at = format!("{C1}/resetServicePrincipalProfile");
    let ask = |body: Value| world.ask(&world.owner, reqwest::Method::POST, &at, Some(body));
    assert_eq!(ask(json!({"clientId": robot.app_id})).await.refusal(), "400 BadRequest R-206");
    let begun = ask(json!({"clientId": robot.app_id, "secret": "new"})).await;
    assert_eq!((begun.status.as_u16(), world.result(&begun).await.status.as_u16()), (202, 200), "{}", begun.body);
    assert_eq!(world.get(C1).await.body["properties"]["servicePrincipalProfile"], json!({"clientId": robot.app_id}));
}

#[tokio::test]
async fn r_117_and_r_583_the_upgrade_touches_no_process_and_ends_the_old_file() {
    let (world, client, server) = legacy().await;
    let admins = world.entrance.group("platform").await;
    let old = user_file(&world, "").await;
    let before = world.planes.steps().len();
    // As `az aks update --enable-aad` sends it: what was read, with the profile replaced.
    let mut body = world.get(C1).await.body;
    body["properties"]["aadProfile"] = json!({"managed": true, "adminGroupObjectIDs": [admins.id]});
    let put = world.put(C1, body).await;
    assert_eq!(put.status, 200, "{}", put.body);
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    assert_eq!(world.planes.steps()[before..], [Step::BindAdmins]);
    let expected =
        json!({"managed": true, "enableAzureRBAC": false, "adminGroupObjectIDs": [admins.id], "tenantID": world.entrance.tenant});
    assert_eq!(aad_profile(&world).await, expected);
    let new = user_file(&world, "").await;
    assert!(new != old && !new.contains("--legacy") && !new.contains(&server.to_string()) && !new.contains(&client.to_string()));
    let back = world.put(C1, json!({"location": "eastus", "properties": {"aadProfile": profile(client, server)}})).await;
    assert_eq!(back.refusal(), "400 PropertyChangeNotAllowed R-102");
}
