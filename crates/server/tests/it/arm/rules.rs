//! Rules of the resource manager that need a whole server, each by its number.

use entrance_model::access::built_in;
use entrance_model::arm::Scope;
use entrance_model::cluster::Step;
use entrance_server::authority::keys::Header;
use entrance_testkit::minutes;
use reqwest::Method;
use serde_json::{Value, json};

use super::{C1, World, cluster};

async fn made(world: &World, aad_profile: Option<Value>) {
    world.group().await;
    let put = world.put(C1, cluster(aad_profile)).await;
    assert_eq!(put.status, 201, "{}", put.body);
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
}

fn here(world: &World) -> Scope {
    format!("/subscriptions/{}{C1}", world.subscription).parse().expect("a scope")
}

#[tokio::test]
async fn r_002_and_r_003_tokens_that_ended_or_are_for_somebody_else() {
    let world = World::start().await;
    let (app, now) = (world.entrance.app(), world.entrance.app().now().as_second());
    let token = |audience: &str, until: i64| {
        app.keys.sign(
            &json!({
                "aud": audience, "iss": app.issuer_v1(world.entrance.tenant), "iat": now - 7200, "nbf": now - 7200, "exp": until,
                "ver": "1.0", "tid": world.entrance.tenant, "oid": world.owner.id, "idtyp": "user", "upn": world.owner.upn,
                "appid": entrance_model::well_known::AZURE_CLI, "scp": "user_impersonation", "uti": "u"
            }),
            Header::V1,
        )
    };
    let ours = format!("{}/arm", app.base());
    for (token, refusal) in [
        (token(&ours, now - 1), "401 ExpiredAuthenticationToken R-002"),
        (token("https://graph.microsoft.com", now + 3600), "401 InvalidAuthenticationTokenAudience R-003"),
        (token("6dae42f8-4368-4678-94ff-3960e28e3630", now + 3600), "401 InvalidAuthenticationTokenAudience R-003"),
        ("a.b.c".to_owned(), "401 AuthenticationFailed R-001"),
    ] {
        let answer = world.ask_with(&token, Method::GET, C1, None).await;
        assert_eq!(answer.refusal(), refusal);
        assert!(answer.header("www-authenticate").contains("authorization_uri="), "{answer:?}");
    }
}

#[tokio::test]
async fn r_032_a_cluster_on_its_way_out_takes_no_changes_and_is_deleted_once() {
    let world = World::start().await;
    made(&world, None).await;
    world.planes.hold(Some(Step::Erase));
    let first = world.delete(C1).await;
    assert_eq!(first.status, 202);
    assert_eq!(world.put(C1, cluster(None)).await.refusal(), "409 OperationNotAllowed R-032");
    let tags = Some(json!({"tags": {"a": "b"}}));
    assert_eq!(world.ask(&world.owner, Method::PATCH, C1, tags).await.refusal(), "409 OperationNotAllowed R-032");
    let again = world.delete(C1).await;
    assert_eq!(again.header("azure-asyncoperation"), first.header("azure-asyncoperation"), "the same operation");
    world.planes.hold(None);
    assert_eq!(world.settled(&first).await["status"], "Succeeded");
}

#[tokio::test]
async fn r_204_and_r_205_where_there_are_no_applications_none_are_reset() {
    let world = World::start().await;
    made(&world, None).await;
    let path = format!("{C1}/resetAADProfile");
    let body = json!({"clientAppID": world.owner.id, "serverAppID": world.owner.id, "serverAppSecret": "s"});
    let reset = || world.ask(&world.owner, Method::POST, &path, Some(body.clone()));
    assert_eq!(reset().await.refusal(), "400 BadRequest R-205");
    let put = world.put(C1, cluster(Some(json!({"managed": true})))).await;
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    assert_eq!(reset().await.refusal(), "400 BadRequest R-204");
}

#[tokio::test]
async fn r_209_a_private_cluster_without_a_public_name_has_no_file_with_one() {
    let world = World::start().await;
    world.group().await;
    let mut body = cluster(Some(json!({"managed": true})));
    body["properties"]["apiServerAccessProfile"] = json!({"enablePrivateCluster": true});
    let put = world.put(C1, body).await;
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    let path = format!("{C1}/listClusterUserCredential");
    assert_eq!(world.post(&format!("{path}?server-fqdn=public")).await.refusal(), "400 InvalidParameter R-209");
    assert_eq!(world.post(&path).await.status, 200);
}

#[tokio::test]
async fn r_211_and_r_212_access_profiles_are_two_and_nobody_keeps_an_answer_with_a_credential() {
    let world = World::start().await;
    made(&world, Some(json!({"managed": true}))).await;
    let profile = |role: &str| format!("{C1}/accessProfiles/{role}/listCredential");
    assert_eq!(world.post(&profile("clusterGod")).await.refusal(), "404 ResourceNotFound R-211");
    let calls = ["listClusterUserCredential", "listClusterMonitoringUserCredential", "listClusterAdminCredential"];
    let mut paths: Vec<String> = calls.iter().map(|call| format!("{C1}/{call}")).collect();
    paths.extend(["clusterUser", "CLUSTERADMIN"].map(profile));
    for path in paths {
        let answer = world.post(&path).await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"), "{path}");
    }
}

#[tokio::test]
async fn r_303_and_r_304_which_role_brings_which_file() {
    let world = World::start().await;
    made(&world, Some(json!({"managed": true}))).await;
    let calls = ["listClusterUserCredential", "listClusterAdminCredential", "listClusterMonitoringUserCredential"];
    for (role, expected) in [
        ("Azure Kubernetes Service RBAC Reader", [403, 403, 403]),
        ("Azure Kubernetes Service RBAC Writer", [403, 403, 403]),
        ("Azure Kubernetes Service RBAC Admin", [200, 403, 403]),
        ("Azure Kubernetes Service RBAC Cluster Admin", [200, 403, 403]),
        ("Azure Kubernetes Service Cluster User Role", [200, 403, 403]),
        ("Azure Kubernetes Service Cluster Admin Role", [403, 200, 403]),
        ("Azure Kubernetes Service Cluster Monitoring User", [403, 403, 200]),
        ("Azure Kubernetes Service Contributor Role", [200, 200, 200]),
        ("Contributor", [200, 200, 200]),
        ("Reader", [403, 403, 403]),
    ] {
        let person = world.entrance.user(&role.to_lowercase().replace(' ', "-")).await;
        let roles = entrance_model::access::Roles::built_in();
        let id = roles.named(role).unwrap_or_else(|| panic!("{role}")).id;
        world.assign(person.id.into(), id, &here(&world)).await;
        let mut got = [0; 3];
        for (at, call) in calls.iter().enumerate() {
            got[at] = world.ask(&person, Method::POST, &format!("{C1}/{call}"), None).await.status.as_u16();
        }
        assert_eq!(got, expected, "{role}");
    }
}

#[tokio::test]
async fn r_349_a_right_counts_and_ends_with_the_next_request() {
    let world = World::start().await;
    made(&world, None).await;
    let bob = world.entrance.user("bob").await;
    let see = || world.ask(&bob, Method::GET, C1, None);
    assert_eq!(see().await.status, 403);
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{}", built_in::READER);
    let path = format!("{C1}/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
    let body = json!({"properties": {"roleDefinitionId": role, "principalId": bob.id, "principalType": "User"}});
    assert_eq!(world.put(&path, body).await.status, 201);
    assert_eq!(see().await.status, 200);
    assert_eq!(world.delete(&path).await.status, 200);
    assert_eq!(see().await.status, 403);
}

#[tokio::test]
async fn r_543_an_administrators_file_ends_with_its_time_and_not_with_the_role() {
    let world = World::start().await;
    made(&world, Some(json!({"managed": true}))).await;
    let bob = world.entrance.user("bob").await;
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{}", built_in::CLUSTER_ADMIN);
    let path = format!("{C1}/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
    let body = json!({"properties": {"roleDefinitionId": role, "principalId": bob.id, "principalType": "User"}});
    assert_eq!(world.put(&path, body).await.status, 201);
    let fetch = format!("{C1}/listClusterAdminCredential");
    assert_eq!(world.ask(&bob, Method::POST, &fetch, None).await.status, 200);
    assert_eq!(world.delete(&path).await.status, 200);
    assert_eq!(world.ask(&bob, Method::POST, &fetch, None).await.status, 403, "he gets no other one");
    world.entrance.sleep(minutes(60));
    world.entrance.app().doors.wake();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(world.planes.doors(), 1, "and has this one until its time is over, or somebody closes it");
}

#[tokio::test]
async fn r_564_without_local_accounts_everybody_else_goes_on() {
    let world = World::start().await;
    let admins = world.entrance.group("platform").await;
    made(&world, Some(json!({"managed": true, "adminGroupObjectIDs": [admins.id]}))).await;
    let user_file = format!("{C1}/listClusterUserCredential");
    let (before, steps) = (world.post(&user_file).await, world.planes.steps().len());
    let put = world.put(C1, json!({"location": "eastus", "properties": {"disableLocalAccounts": true}})).await;
    assert_eq!(world.settled(&put).await["status"], "Succeeded");
    let after = world.post(&user_file).await;
    assert_eq!((after.status.as_u16(), &after.body), (200, &before.body), "the same file");
    let shown = world.get(C1).await.body;
    assert_eq!(shown["properties"]["aadProfile"]["adminGroupObjectIDs"], json!([admins.id]));
    let taken = world.planes.steps().split_off(steps);
    assert!(!taken.iter().any(|step| matches!(step, Step::Start | Step::BindAdmins | Step::Erase)), "{taken:?}");
}
