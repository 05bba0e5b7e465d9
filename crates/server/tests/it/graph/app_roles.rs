//! G-407: who has which role of which application.

use entrance_testkit::Entrance;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Caller;

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
/// Graph's `Group.Read.All`, as scripts know it.
const GROUP_READ_ALL: &str = "5b567255-7703-4780-807c-7be8301ae99b";

#[tokio::test]
async fn g_407_roles_are_given_seen_from_both_sides_and_taken_away() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let alice = world.user("alice").await;
    let role = Uuid::new_v4().to_string();
    let (_, principal) = world
        .application("roles-shop", |app| {
            let role = json!({"id": role, "isEnabled": true, "value": "Buyer", "allowedMemberTypes": ["User"]});
            app.other.insert("appRoles".into(), json!([role]));
        })
        .await;
    let body = |role: &str| json!({"principalId": alice.id, "resourceId": principal.id, "appRoleId": role});
    let path = format!("/v1.0/users/{}/appRoleAssignments", alice.id);
    let given = admin.post(&world, &path, body(&role)).await;
    assert_eq!(given.status, 201, "{}", given.body);
    assert_eq!((given.text("principalType"), given.text("resourceDisplayName")), ("User".into(), "roles-shop".into()));
    let twice = admin.post(&world, &path, body(&role)).await;
    assert_eq!((twice.status, twice.message()), (400, "Permission being assigned already exists on the object"));
    assert_eq!(admin.post(&world, &path, body(&Uuid::new_v4().to_string())).await.status, 400, "no such role");
    let wrong = format!("/v1.0/users/{}/appRoleAssignments", admin.user.id);
    assert_eq!(admin.post(&world, &wrong, body(NOBODY)).await.status, 400, "address and body name different people");

    let to = format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", principal.id);
    assert_eq!(admin.get(&world, &to).await.each("principalDisplayName"), ["alice"]);
    assert_eq!(admin.get(&world, &path).await.each("appRoleId"), [role.as_str()]);
    let one = format!("{path}/{}", given.text("id"));
    assert_eq!(admin.delete(&world, &one).await.status, 204);
    assert_eq!(admin.delete(&world, &one).await.status, 404);
    assert!(admin.get(&world, &to).await.each("id").is_empty());
}

#[tokio::test]
async fn g_407_an_application_that_was_given_a_role_of_the_directory_may_do_just_that() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let secret = "Xy~8Q_a-secret-with-plenty-of-random-characters";
    let (app, robot) = world
        .application("roles-robot", |app| app.credentials.push(crate::authority::secret(secret, "2027-01-01T00:00:00Z")))
        .await;
    let id = app.app_id.to_string();
    let token = async || {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
        answer.json::<Value>().await.expect("JSON")["access_token"].as_str().expect("a token").to_owned()
    };
    let groups = async |token: &str| world.graph(token, "GET", "/v1.0/groups", Value::Null).await.status;
    assert_eq!(groups(&token().await).await, 403);
    let graph = admin.get(&world, "/v1.0/servicePrincipals/appId=00000003-0000-0000-c000-000000000000").await;
    let offered = graph.body["appRoles"].as_array().cloned().unwrap_or_default();
    assert!(offered.iter().any(|role| role["id"] == GROUP_READ_ALL && role["value"] == "Group.Read.All"));
    let body = json!({"principalId": robot.id, "resourceId": graph.body["id"], "appRoleId": GROUP_READ_ALL});
    let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignments", robot.id);
    assert_eq!(admin.post(&world, &path, body.clone()).await.status, 201);
    let holder = token().await;
    assert_eq!(groups(&holder).await, 200);
    assert_eq!(world.graph(&holder, "GET", "/v1.0/users", Value::Null).await.status, 403, "and nothing else");
    let more =
        json!({"principalId": robot.id, "resourceId": graph.body["id"], "appRoleId": "06b708a9-e830-4db3-a914-8e69da51d44f"});
    assert_eq!(world.graph(&holder, "POST", &path, more).await.status, 403, "it gives itself nothing");
}

#[tokio::test]
async fn g_407_members_give_roles_of_what_they_own_and_a_deleted_person_has_none() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let (bob, alice) = (Caller::member(&world, "bob").await, world.user("alice").await);
    let (_, principal) = world.application("roles-till", |_| {}).await;
    let to = format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", principal.id);
    let body = json!({"principalId": alice.id, "resourceId": principal.id, "appRoleId": NOBODY});
    assert_eq!(bob.post(&world, &to, body.clone()).await.status, 403);
    let owner = super::link(&world, &bob.user.id);
    let owners = format!("/v1.0/servicePrincipals/{}/owners/$ref", principal.id);
    assert_eq!(admin.post(&world, &owners, owner).await.status, 204);
    assert_eq!(bob.post(&world, &to, body).await.status, 201);
    assert_eq!(admin.delete(&world, &format!("/v1.0/users/{}", alice.id)).await.status, 204);
    assert!(admin.get(&world, &to).await.each("id").is_empty());
}
