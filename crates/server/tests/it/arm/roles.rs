//! Role definitions and assignments at any scope, as `az role` asks for them.

use entrance_model::access::built_in;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::{C1, World};

#[tokio::test]
async fn r_321_az_role_finds_a_role_by_name_and_assigns_it_once() {
    let world = World::start().await;
    world.group().await;
    let roles = format!("{C1}/providers/Microsoft.Authorization/roleDefinitions");
    let found =
        world.get(&format!("{roles}?$filter=roleName%20eq%20'Azure%20Kubernetes%20Service%20Cluster%20Admin%20Role'")).await.body;
    let id = format!(
        "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}",
        world.subscription,
        built_in::CLUSTER_ADMIN
    );
    assert_eq!(found["value"][0]["id"], id);
    assert_eq!(world.get(&roles).await.body["value"].as_array().map(Vec::len), Some(13));

    let bob = world.entrance.user("bob").await;
    let assignments = format!("{C1}/providers/Microsoft.Authorization/roleAssignments");
    let body = json!({"properties": {"roleDefinitionId": id, "principalId": bob.id, "principalType": "User"}});
    let one = format!("{assignments}/{}", Uuid::new_v4());
    let made = world.put(&one, body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["properties"]["roleDefinitionId"], id);
    assert_eq!(world.put(&one, body.clone()).await.status, 200, "the same again");
    let again = world.put(&format!("{assignments}/{}", Uuid::new_v4()), body).await;
    assert_eq!(again.refusal(), "409 RoleAssignmentExists R-321");

    let at = world.get(&format!("{assignments}?$filter=atScope()")).await.body;
    assert_eq!(at["value"].as_array().map(Vec::len), Some(2), "the owner's from above, and this one");
    let his = format!("/providers/Microsoft.Authorization/roleAssignments?$filter=principalId%20eq%20'{}'", bob.id);
    assert_eq!(world.get(&his).await.body["value"][0]["id"], made.body["id"]);
    assert_eq!(world.delete(&one).await.status, 200);
    assert_eq!(world.delete(&one).await.status, 204);
    assert_eq!(world.get(&his).await.body["value"], json!([]));
}

#[tokio::test]
async fn r_320_to_r_326_what_cannot_be_assigned() {
    let world = World::start().await;
    let group = world.entrance.group("platform").await;
    let at = |name: &str| format!("/providers/Microsoft.Authorization/roleAssignments/{name}");
    let body = |role: &str, principal: &str, kind: Option<&str>| json!({"properties": {"roleDefinitionId": format!("x/{role}"), "principalId": principal, "principalType": kind}});
    let (reader, known, name) = (built_in::READER.to_string(), group.id.to_string(), Uuid::new_v4().to_string());
    for (name, body, refusal) in [
        ("reader", body(&reader, &known, None), "400 InvalidRoleAssignmentId R-320"),
        (name.as_str(), body(&name, &known, None), "400 RoleDefinitionDoesNotExist R-323"),
        (name.as_str(), body(&reader, &name, None), "400 PrincipalNotFound R-324"),
        (name.as_str(), body(&reader, &known, Some("User")), "400 UnmatchedPrincipalType R-325"),
    ] {
        assert_eq!(world.put(&at(name), body).await.refusal(), refusal);
    }
    assert_eq!(world.put(&at(&name), body(&reader, &known, None)).await.body["properties"]["principalType"], "Group");
    let moved = world.put(&at(&name), body(&built_in::OWNER.to_string(), &known, None)).await;
    assert_eq!(moved.refusal(), "409 RoleAssignmentUpdateNotPermitted R-322");
}

#[tokio::test]
async fn a_role_through_a_nested_group_counts() {
    let world = World::start().await;
    world.group().await;
    let (outer, inner, bob) =
        (world.entrance.group("outer").await, world.entrance.group("inner").await, world.entrance.user("bob").await);
    let nested = entrance_model::directory::Member { id: inner.id.into(), kind: entrance_model::directory::MemberKind::Group };
    world.entrance.add(&outer, nested).await;
    world.entrance.join(&bob, &inner).await;
    let scope = entrance_model::arm::Scope::subscription(world.subscription);
    assert_eq!(world.ask(&bob, Method::GET, "/resourceGroups/rg1", None).await.status, 403);
    world.assign(outer.id.into(), built_in::READER, &scope).await;
    assert_eq!(world.ask(&bob, Method::GET, "/resourceGroups/rg1", None).await.status, 200);
}
