//! The life of a cluster after its creation: stop and start, and operations that are given up.

use entrance_model::access::built_in;
use entrance_model::arm::Scope;
use entrance_model::cluster::{Ailment, Step};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, C1, World, cluster};

async fn made() -> World {
    let world = World::start().await;
    world.group().await;
    let put = world.put(C1, cluster(Some(json!({"managed": true})))).await;
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    world
}

async fn act(world: &World, action: &str) -> Answer {
    world.post(&format!("{C1}/{action}")).await
}

/// Asks for something and waits for its end.
async fn done(world: &World, action: &str) -> Value {
    let begun = act(world, action).await;
    assert_eq!(begun.status, 202, "{action}: {}", begun.body);
    world.settled(&begun).await
}

/// `provisioningState powerState`.
async fn state(world: &World) -> String {
    let shown = world.get(C1).await.body;
    let properties = &shown["properties"];
    assert_eq!(properties["powerState"], properties["agentPoolProfiles"][0]["powerState"]);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    format!("{} {}", text(&properties["provisioningState"]), text(&properties["powerState"]["code"]))
}

fn change() -> Value {
    json!({"location": "eastus", "properties": {"disableLocalAccounts": false}})
}

#[tokio::test]
async fn a_cluster_is_stopped_and_started_and_asking_twice_does_no_harm() {
    let world = made().await;
    assert_eq!(act(&world, "start").await.status, 204, "it runs already");
    world.planes.hold(Some(Step::Halt));
    let stop = act(&world, "stop").await;
    assert_eq!((stop.status.as_u16(), stop.header("retry-after")), (202, "1"));
    assert!(stop.header("location").contains("/operationresults/"), "{stop:?}");
    assert_eq!(state(&world).await, "Stopping Running");
    let again = act(&world, "stop").await;
    assert_eq!(again.header("location"), stop.header("location"), "clients repeat what they got no answer to");
    world.planes.hold(None);
    assert_eq!(world.settled(&stop).await["status"], "Succeeded");
    assert_eq!(state(&world).await, "Succeeded Stopped");
    assert!(!world.planes.lives());
    let result = stop.header("location").strip_prefix(world.entrance.app().base()).expect("our own address").to_owned();
    assert_eq!(world.get(&format!("/{}", result.split('?').next().unwrap_or_default())).await.status, 204);
    assert_eq!(act(&world, "stop").await.status, 204, "nothing to do");

    world.planes.hold(Some(Step::AwaitReady));
    let start = act(&world, "start").await;
    assert_eq!(state(&world).await, "Starting Stopped");
    world.planes.hold(None);
    assert_eq!(world.settled(&start).await["status"], "Succeeded");
    assert_eq!(state(&world).await, "Succeeded Running");
    assert!(world.planes.lives());
}

#[tokio::test]
async fn stop_start_and_abort_need_their_right_and_a_cluster() {
    let world = made().await;
    let stranger = world.entrance.user("sam").await;
    for action in ["stop", "start", "abort"] {
        let path = format!("{C1}/{action}");
        assert_eq!(world.ask(&stranger, Method::POST, &path, None).await.refusal(), "403 AuthorizationFailed R-005", "{action}");
        let nowhere = path.replace("/c1/", "/c2/");
        assert_eq!(world.post(&nowhere).await.refusal(), "404 ResourceNotFound R-010", "{action}");
        assert_eq!(world.get(&path).await.status, 405, "R-213: {action}");
    }
    let group = Scope::group(world.subscription, &"rg1".parse().expect("a name"));
    world.assign(stranger.id.into(), built_in::READER, &group).await;
    let path = format!("{C1}/stop");
    assert_eq!(world.ask(&stranger, Method::POST, &path, None).await.refusal(), "403 AuthorizationFailed R-005");
}

#[tokio::test]
async fn r_031_a_stopped_cluster_takes_start_tags_and_delete_and_no_other_change() {
    let world = made().await;
    assert_eq!(done(&world, "stop").await["status"], "Succeeded");
    let put = world.put(C1, change()).await;
    assert_eq!(put.refusal(), "400 OperationNotAllowed R-031");
    assert!(put.body["error"]["message"].as_str().is_some_and(|text| text.contains("start it first")), "{}", put.body);
    let patched = world.ask(&world.owner, Method::PATCH, C1, Some(json!({"tags": {"team": "web"}}))).await;
    assert_eq!(patched.status, 200);
    assert_eq!(state(&world).await, "Succeeded Stopped", "tags wake nobody");
    assert_eq!(done(&world, "start").await["status"], "Succeeded");
    let put = world.put(C1, change()).await;
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    assert_eq!(done(&world, "stop").await["status"], "Succeeded");
    let deleted = world.delete(C1).await;
    assert_eq!(world.settled(&deleted).await["status"], "Succeeded");
    assert_eq!(world.planes.count(), 0);
}

#[tokio::test]
async fn r_208_a_stopped_cluster_still_hands_out_its_files() {
    let world = made().await;
    let ask = |kind: &'static str| {
        let world = &world;
        async move { act(world, kind).await }
    };
    let before = ask("listClusterUserCredential").await.body;
    assert_eq!(done(&world, "stop").await["status"], "Succeeded");
    assert_eq!(ask("listClusterUserCredential").await.body, before, "the file is static");
    let admin = ask("listClusterAdminCredential").await;
    assert_eq!(admin.status, 200, "{}", admin.body);
    assert_eq!(world.planes.doors(), 0, "no API server runs that could be told; it is, once one runs");
    assert_eq!(ask("listClusterAdminCredential").await.body, admin.body, "one door, one file");
}

#[tokio::test]
async fn a_door_of_a_stopped_cluster_is_closed_at_once_and_proved_to_be_shut_when_it_runs_again() {
    let world = made().await;
    assert_eq!(act(&world, "listClusterAdminCredential").await.status, 200);
    assert_eq!(done(&world, "stop").await["status"], "Succeeded");
    let doors = world.get(&format!("{C1}/breakGlassDoors")).await.body;
    let door = doors["value"][0]["name"].as_str().expect("a door").to_owned();
    world.planes.deaf(true);
    let closed = world.post(&format!("{C1}/breakGlassDoors/{door}/close")).await;
    assert_eq!(closed.status, 200, "{}", closed.body);
    assert_eq!((&closed.body["properties"]["state"], &closed.body["properties"]["isShut"]), (&json!("Closed"), &json!(false)));
    world.planes.deaf(false);
    assert_eq!(done(&world, "start").await["status"], "Succeeded");
    for _ in 0..600 {
        let one = world.get(&format!("{C1}/breakGlassDoors/{door}")).await.body;
        if one["properties"]["isShut"] == true {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the door is never proved to be shut");
}

#[tokio::test]
async fn r_129_a_start_or_stop_that_fails_leaves_what_was() {
    let world = made().await;
    world.planes.fail(Some(Step::Halt));
    let failed = done(&world, "stop").await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("Failed"), &json!("ControlPlaneFailed")));
    assert_eq!(state(&world).await, "Failed Running");
    assert_eq!(act(&world, "listClusterUserCredential").await.status, 200, "it is usable");
    world.planes.fail(None);
    assert_eq!(done(&world, "stop").await["status"], "Succeeded");
    world.planes.fail(Some(Step::AwaitReady));
    assert_eq!(done(&world, "start").await["status"], "Failed");
    assert_eq!(state(&world).await, "Failed Stopped");
    assert!(!world.planes.lives(), "what was started is stopped again");
    world.planes.fail(None);
    assert_eq!(done(&world, "start").await["status"], "Succeeded");
    assert_eq!(state(&world).await, "Succeeded Running");
}

#[tokio::test]
async fn r_024_and_r_032_a_change_waits_for_the_one_before() {
    let world = made().await;
    world.planes.hold(Some(Step::Halt));
    let stop = act(&world, "stop").await;
    for refused in [act(&world, "start").await, world.put(C1, change()).await, world.delete(C1).await] {
        assert_eq!(refused.refusal(), "409 OperationNotAllowed R-024");
        let message = refused.body["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains("operation stop on c1"), "{message}");
    }
    world.planes.hold(None);
    world.settled(&stop).await;
    world.planes.hold(Some(Step::Erase));
    let delete = world.delete(C1).await;
    assert_eq!(delete.status, 202);
    for refused in [act(&world, "start").await, act(&world, "stop").await, world.put(C1, change()).await] {
        assert_eq!(refused.refusal(), "409 OperationNotAllowed R-032");
    }
    world.planes.hold(None);
    assert_eq!(world.settled(&delete).await["status"], "Succeeded");
}

#[tokio::test]
async fn r_026_of_writers_who_race_one_wins_and_the_others_are_told() {
    let world = made().await;
    let tagged = |n: usize| {
        let world = &world;
        async move { world.ask(&world.owner, Method::PATCH, C1, Some(json!({"tags": {"n": n.to_string()}}))).await }
    };
    let (mut won, mut lost) = (0, 0);
    for round in 0..20 {
        for answer in futures_util::future::join_all((0..16).map(|n| tagged(round * 16 + n))).await {
            if answer.status == 200 {
                won += 1;
            } else {
                assert_eq!(answer.refusal(), "409 EtagMismatch R-026");
                lost += 1;
            }
        }
        if lost > 0 {
            break;
        }
    }
    assert!(won > 0 && lost > 0, "{won} won and {lost} lost: nobody raced");
}

#[tokio::test]
async fn r_033_there_must_be_something_to_abort() {
    let world = made().await;
    assert_eq!(act(&world, "abort").await.refusal(), "409 OperationNotAllowed R-033");
    world.planes.hold(Some(Step::Erase));
    let delete = world.delete(C1).await;
    assert_eq!(act(&world, "abort").await.refusal(), "409 OperationNotAllowed R-033", "what is being deleted stays so");
    world.planes.hold(None);
    assert_eq!(world.settled(&delete).await["status"], "Succeeded");
}

#[tokio::test]
async fn r_033_an_aborted_creation_leaves_nothing() {
    let world = World::start().await;
    world.group().await;
    world.planes.hold(Some(Step::AwaitReady));
    let put = world.put(C1, cluster(None)).await;
    for _ in 0..500 {
        if world.planes.lives() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(world.planes.lives());
    world.planes.hold(Some(Step::Erase));
    let abort = act(&world, "abort").await;
    assert_eq!(abort.status, 202, "{}", abort.body);
    assert_eq!(world.get(C1).await.body["properties"]["provisioningState"], "Canceling");
    assert_eq!(act(&world, "abort").await.header("location"), abort.header("location"), "asked again");
    let given_up = world.settled(&put).await;
    assert_eq!((&given_up["status"], &given_up["error"]["code"]), (&json!("Canceled"), &json!("OperationCanceled")));
    world.planes.hold(None);
    assert_eq!(world.settled(&abort).await["status"], "Succeeded");
    assert_eq!(world.get(C1).await.body["properties"]["provisioningState"], "Canceled");
    assert_eq!(world.planes.count(), 0, "nothing is left");
    assert_eq!(act(&world, "listClusterUserCredential").await.refusal(), "409 OperationNotAllowed R-207");
    let again = world.put(C1, cluster(None)).await;
    assert_eq!(world.settled(&again).await["status"], "Succeeded");
}

#[tokio::test]
async fn r_033_an_aborted_change_leaves_the_cluster_as_it_was() {
    let world = made().await;
    let group = world.entrance.group("platform").await;
    let before = world.get(C1).await.body["properties"]["aadProfile"].clone();
    world.planes.hold(Some(Step::BindAdmins));
    let wish = json!({"location": "eastus", "properties": {"aadProfile": {"adminGroupObjectIDs": [group.id]}}});
    let put = world.put(C1, wish).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let abort = act(&world, "abort").await;
    assert_eq!(abort.status, 202, "{}", abort.body);
    world.planes.hold(None);
    assert_eq!(world.settled(&put).await["status"], "Canceled");
    assert_eq!(world.settled(&abort).await["status"], "Succeeded");
    let shown = world.get(C1).await.body;
    assert_eq!((&shown["properties"]["aadProfile"], &shown["properties"]["provisioningState"]), (&before, &json!("Canceled")));
    assert_eq!(act(&world, "listClusterUserCredential").await.status, 200);
}

#[tokio::test]
async fn r_033_an_aborted_stop_runs_and_an_aborted_start_does_not() {
    let world = made().await;
    world.planes.hold(Some(Step::Halt));
    let stop = act(&world, "stop").await;
    assert_eq!(stop.status, 202);
    let abort = act(&world, "abort").await;
    world.planes.hold(None);
    assert_eq!(world.settled(&abort).await["status"], "Succeeded");
    assert_eq!(state(&world).await, "Canceled Running");
    assert!(world.planes.lives());
    assert_eq!(done(&world, "stop").await["status"], "Succeeded");
    world.planes.hold(Some(Step::AwaitReady));
    act(&world, "start").await;
    let abort = act(&world, "abort").await;
    world.planes.hold(None);
    assert_eq!(world.settled(&abort).await["status"], "Succeeded");
    assert_eq!(state(&world).await, "Canceled Stopped");
    assert!(!world.planes.lives());
}

#[tokio::test]
async fn what_cannot_be_put_right_shows_in_the_resource_until_it_is_over() {
    let world = made().await;
    let shows = async |wanted: &str| {
        for _ in 0..1000 {
            if state(&world).await == wanted {
                return world.get(C1).await.body["properties"]["status"]["provisioningError"].clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("it never shows: {}", state(&world).await)
    };
    world.planes.ail(Some(Ailment::Down { why: "port 21000 cannot be used".to_owned() }));
    let error = shows("Failed Running").await;
    assert_eq!(error["code"], "ControlPlaneDown");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("port 21000")), "{error}");
    assert_eq!(act(&world, "listClusterUserCredential").await.status, 200, "R-129: it is usable");
    world.planes.ail(None);
    assert_eq!(shows("Succeeded Running").await, Value::Null);
}

#[tokio::test]
async fn r_210_a_rotation_waits_for_its_turn_and_needs_a_cluster_that_runs() {
    let world = made().await;
    let stranger = world.entrance.user("sam").await;
    for action in ["rotateClusterCertificates", "rotateServiceAccountSigningKeys"] {
        let path = format!("{C1}/{action}");
        assert_eq!(world.ask(&stranger, Method::POST, &path, None).await.refusal(), "403 AuthorizationFailed R-005");
        world.planes.hold(Some(Step::Halt));
        let stop = act(&world, "stop").await;
        assert_eq!(act(&world, action).await.refusal(), "409 OperationNotAllowed R-024");
        world.planes.hold(None);
        world.settled(&stop).await;
        assert_eq!(act(&world, action).await.refusal(), "400 OperationNotAllowed R-031");
        assert_eq!(done(&world, "start").await["status"], "Succeeded");
        assert_eq!(done(&world, action).await["status"], "Succeeded");
        assert_eq!(state(&world).await, "Succeeded Running");
    }
    let taken = world.planes.steps();
    assert!(taken.contains(&Step::DropOldKeys) && taken.contains(&Step::RenewSigningKey), "{taken:?}");
}

#[tokio::test]
async fn r_581_doors_are_closed_as_a_rotation_begins_and_a_failed_one_brings_the_old_keys_back() {
    let world = made().await;
    let before = act(&world, "listClusterAdminCredential").await.body;
    world.planes.fail(Some(Step::DropOldKeys));
    assert_eq!(done(&world, "rotateClusterCertificates").await["status"], "Failed");
    let taken = world.planes.steps();
    assert!(taken.windows(3).any(|three| three == [Step::RestoreKeys, Step::Start, Step::AwaitReady]), "{taken:?}");
    assert_eq!(state(&world).await, "Failed Running");
    let doors = world.get(&format!("{C1}/breakGlassDoors")).await.body;
    assert_eq!(doors["value"][0]["properties"]["closedWhy"], "certificatesRotated", "{doors}");
    world.planes.fail(None);
    assert_eq!(done(&world, "rotateClusterCertificates").await["status"], "Succeeded");
    let after = act(&world, "listClusterAdminCredential").await;
    assert_eq!(after.status, 200);
    assert_ne!(after.body, before, "a new door");
}

#[tokio::test]
async fn r_207_there_are_no_credentials_before_there_is_a_control_plane() {
    let world = World::start().await;
    world.group().await;
    world.planes.hold(Some(Step::AwaitReady));
    let put = world.put(C1, cluster(Some(json!({"managed": true})))).await;
    for file in ["listClusterUserCredential", "listClusterAdminCredential", "accessProfiles/clusterUser/listCredential"] {
        assert_eq!(act(&world, file).await.refusal(), "409 OperationNotAllowed R-207", "{file}");
    }
    world.planes.hold(None);
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    assert_eq!(act(&world, "listClusterUserCredential").await.status, 200);
}

#[tokio::test]
async fn r_213_what_is_done_is_asked_for_by_post() {
    let world = made().await;
    for action in
        ["stop", "start", "abort", "rotateClusterCertificates", "rotateServiceAccountSigningKeys", "listClusterAdminCredential"]
    {
        assert_eq!(world.get(&format!("{C1}/{action}")).await.refusal(), "405 MethodNotAllowed R-213", "{action}");
    }
    assert_eq!(state(&world).await, "Succeeded Running");
}

#[tokio::test]
async fn r_030_kubernetes_does_not_go_back() {
    let world = made().await;
    let put = world.put(C1, json!({"location": "eastus", "properties": {"kubernetesVersion": "1.36.4"}})).await;
    assert_eq!(put.refusal(), "400 OperationNotAllowed R-030");
    assert_eq!(put.body["error"]["target"], "kubernetesVersion");
}
