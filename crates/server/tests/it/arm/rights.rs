//! Custom roles, conditions, deny assignments and the questions about them, over the wire.

use entrance_model::access::{PrincipalType, built_in};
use entrance_model::arm::Scope;
use entrance_model::directory::User;
use entrance_model::id::{PrincipalId, RoleId};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use super::{Answer, C1, World, cluster};

const RBAC_ADMINISTRATOR: RoleId = RoleId::from_uuid(uuid!("f58310d9-a9f6-439a-9e8d-f62e7b41a168"));
const USER_ACCESS_ADMINISTRATOR: RoleId = RoleId::from_uuid(uuid!("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"));
const AUTHORIZATION: &str = "/providers/Microsoft.Authorization";

impl World {
    fn scope(&self, below: &str) -> String {
        format!("/subscriptions/{}{below}", self.subscription)
    }

    async fn define(&self, who: &User, id: Uuid, properties: Value) -> Answer {
        let path = format!("{AUTHORIZATION}/roleDefinitions/{id}");
        self.ask(who, Method::PUT, &path, Some(json!({ "properties": properties }))).await
    }

    async fn give(&self, who: &User, scope: &str, role: impl ToString, to: PrincipalId, more: Value) -> Answer {
        let mut properties = json!({ "roleDefinitionId": role.to_string(), "principalId": to });
        for (name, value) in more.as_object().into_iter().flatten() {
            properties[name] = value.clone();
        }
        let path = format!("{scope}{AUTHORIZATION}/roleAssignments/{}", Uuid::new_v4());
        self.ask(who, Method::PUT, &path, Some(json!({ "properties": properties }))).await
    }

    async fn ready(&self, aad_profile: Option<Value>) {
        self.group().await;
        let put = self.put(C1, cluster(aad_profile)).await;
        assert_eq!(self.settled(&put).await["status"], "Succeeded");
    }
}

fn opener(scopes: &[String]) -> Value {
    json!({
        "roleName": "Cluster Opener", "description": "Fetches the file people sign in with", "type": "CustomRole", "assignableScopes": scopes,
        "permissions": [{"actions": [
            "Microsoft.ContainerService/managedClusters/read",
            "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"
        ], "notActions": [], "dataActions": [], "notDataActions": []}]
    })
}

fn names(answer: &Answer) -> Vec<&str> {
    let all = answer.body["value"].as_array().unwrap_or_else(|| panic!("{}", answer.body));
    all.iter().map(|role| role["properties"]["roleName"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn r_327_to_r_330_a_custom_role_from_its_making_to_its_end() {
    let world = World::start().await;
    world.ready(None).await;
    let (id, here) = (Uuid::new_v4(), world.scope(""));
    let made = world.define(&world.owner, id, opener(std::slice::from_ref(&here))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["id"], format!("{here}{AUTHORIZATION}/roleDefinitions/{id}"));
    assert_eq!(made.body["properties"]["type"], "CustomRole");

    for name in ["CLUSTER opener", "Reader"] {
        let mut taken = opener(std::slice::from_ref(&here));
        taken["roleName"] = json!(name);
        let refused = world.define(&world.owner, Uuid::new_v4(), taken).await;
        assert_eq!(refused.refusal(), "409 RoleDefinitionWithSameNameExists R-327");
    }
    let starred = world.define(&world.owner, Uuid::new_v4(), opener(&[format!("{here}/*")])).await;
    assert_eq!(starred.refusal(), "400 InvalidParameter R-330");
    let built_in = world.define(&world.owner, built_in::READER.uuid(), opener(std::slice::from_ref(&here))).await;
    assert_eq!(built_in.refusal(), "400 InvalidParameter R-013");

    let mut odd = opener(std::slice::from_ref(&here));
    odd["permissions"][0]["dataActions"] = json!(["Microsoft.ContainerService/managedClusters/example.io/widgets/read"]);
    let changed = world.define(&world.owner, id, odd).await;
    assert_eq!(changed.status, 201, "{}", changed.body);
    assert!(changed.header("warning").starts_with("299 entrance \"R-329:"), "{:?}", changed.headers);

    let bob = world.entrance.user("bob").await;
    let at = C1.to_owned();
    let given = world.give(&world.owner, &at, id, bob.id.into(), json!({})).await;
    assert_eq!(given.status, 201, "{}", given.body);
    assert_eq!(given.body["properties"]["roleDefinitionId"], made.body["id"]);
    let post = async |action: &str| world.ask(&bob, Method::POST, &format!("{C1}/{action}"), None).await;
    assert_eq!(world.ask(&bob, Method::GET, C1, None).await.status, 200);
    assert_eq!(post("listClusterUserCredential").await.status, 200);
    assert_eq!(post("listClusterAdminCredential").await.refusal(), "403 AuthorizationFailed R-005");

    let one = format!("{AUTHORIZATION}/roleDefinitions/{id}");
    assert_eq!(world.delete(&one).await.refusal(), "400 RoleDefinitionHasAssignments R-328");
    let mut moved = opener(&[world.scope("/resourceGroups/other")]);
    moved["roleName"] = json!("Cluster Opener");
    assert_eq!(world.define(&world.owner, id, moved).await.refusal(), "400 RoleDefinitionHasAssignments R-328");
    let assignment = given.body["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.delete(&format!("/{assignment}")).await.status, 200);
    assert_eq!(world.delete(&one).await.status, 200);
    assert_eq!(world.delete(&one).await.status, 204);
    assert_eq!(world.get(&one).await.refusal(), "404 ResourceNotFound R-010");
    assert_eq!(world.delete(&format!("{AUTHORIZATION}/roleDefinitions/{}", built_in::READER)).await.status, 400);
}

#[tokio::test]
async fn custom_roles_are_listed_where_they_can_be_assigned() {
    let world = World::start().await;
    world.group().await;
    let made = world.define(&world.owner, Uuid::new_v4(), opener(&[world.scope("/resourceGroups/rg1")])).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let list = async |scope: &str, filter: &str| {
        world.get(&format!("{scope}{AUTHORIZATION}/roleDefinitions?$filter={}", filter.replace(' ', "%20"))).await
    };
    assert_eq!(names(&list("", "type eq 'CustomRole'").await), [""; 0]);
    assert_eq!(names(&list("", "type eq 'CustomRole' and atScopeAndBelow()").await), ["Cluster Opener"]);
    assert_eq!(names(&list("/resourceGroups/rg1", "roleName eq 'cluster OPENER'").await), ["Cluster Opener"]);
    assert_eq!(names(&list(C1, "type eq 'CustomRole'").await), ["Cluster Opener"]);
    assert_eq!(names(&list("/resourceGroups/rg1", "type eq 'BuiltInRole'").await).len(), 13);
    let elsewhere =
        world.give(&world.owner, "", made.body["name"].as_str().expect("a name"), world.owner.id.into(), json!({})).await;
    assert_eq!(elsewhere.refusal(), "400 RoleDefinitionDoesNotExist R-323");
}

#[tokio::test]
async fn whoever_makes_a_role_needs_the_right_at_each_of_its_scopes() {
    let world = World::start().await;
    world.group().await;
    let dora = world.entrance.user("dora").await;
    let group = world.scope("/resourceGroups/rg1");
    let scope: Scope = group.parse().expect("a scope");
    world.assign(dora.id.into(), USER_ACCESS_ADMINISTRATOR, &scope).await;
    let put = async |id: Uuid, scopes: &[String]| {
        let path = format!("/resourceGroups/rg1{AUTHORIZATION}/roleDefinitions/{id}");
        world.ask(&dora, Method::PUT, &path, Some(json!({ "properties": opener(scopes) }))).await
    };
    let (hers, wide) = (Uuid::new_v4(), Uuid::new_v4());
    assert_eq!(put(hers, &[group.clone(), world.scope("")]).await.refusal(), "403 AuthorizationFailed R-005");
    assert_eq!(put(hers, &[group.clone(), world.scope("/resourceGroups/other")]).await.status, 403);
    assert_eq!(put(hers, std::slice::from_ref(&group)).await.status, 201);
    let mut other = opener(&[world.scope("")]);
    other["roleName"] = json!("Wide");
    assert_eq!(world.define(&world.owner, wide, other).await.status, 201);
    assert_eq!(put(wide, std::slice::from_ref(&group)).await.status, 403, "it counts outside of her group too");
    let gone = format!("/resourceGroups/rg1{AUTHORIZATION}/roleDefinitions/{wide}");
    assert_eq!(world.ask(&dora, Method::DELETE, &gone, None).await.status, 403);
    let foreign = format!("/subscriptions/{}", Uuid::new_v4());
    assert_ne!(world.define(&world.owner, Uuid::new_v4(), opener(&[foreign])).await.status, 201);
}

#[tokio::test]
async fn r_347_a_delegate_gives_and_takes_only_what_the_condition_allows() {
    let world = World::start().await;
    world.group().await;
    let (dora, bob) = (world.entrance.user("dora").await, world.entrance.user("bob").await);
    let team = world.entrance.group("team").await;
    let condition = format!(
        "((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}})) OR \
         (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{reader}}} AND \
         @Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'User'}})) AND \
         ((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/delete'}})) OR \
         (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{reader}}}))",
        reader = built_in::READER
    );
    let more = json!({ "condition": condition, "conditionVersion": "2.0", "description": "lets people read" });
    let delegated = world.give(&world.owner, "", RBAC_ADMINISTRATOR, dora.id.into(), more).await;
    assert_eq!(delegated.status, 201, "{}", delegated.body);
    assert_eq!(delegated.body["properties"]["condition"], json!(condition));
    assert_eq!(delegated.body["properties"]["conditionVersion"], "2.0");

    let reads = world.give(&dora, "/resourceGroups/rg1", built_in::READER, bob.id.into(), json!({})).await;
    assert_eq!(reads.status, 201, "{}", reads.body);
    let owns = world.give(&dora, "/resourceGroups/rg1", built_in::OWNER, dora.id.into(), json!({})).await;
    assert_eq!(owns.refusal(), "403 AuthorizationFailed R-005");
    let told = owns.body["error"]["message"].as_str().unwrap_or_default();
    assert!(told.contains("the condition on role `Role Based Access Control Administrator`"), "{told}");
    let to_team = world.give(&dora, "/resourceGroups/rg1", built_in::READER, team.id.into(), json!({})).await;
    assert_eq!(to_team.status, 403, "{}", to_team.body);
    let lied = world.give(&dora, "/resourceGroups/rg1", built_in::READER, team.id.into(), json!({"principalType": "User"})).await;
    assert_eq!(lied.status, 403, "what the directory says counts");

    let kept = world.give(&world.owner, "/resourceGroups/rg1", built_in::CONTRIBUTOR, bob.id.into(), json!({})).await;
    let take = async |answer: &Answer| {
        let id = answer.body["id"].as_str().expect("an id").to_owned();
        world.ask(&dora, Method::DELETE, &format!("/{id}"), None).await.status.as_u16()
    };
    assert_eq!([take(&kept).await, take(&reads).await], [403, 200]);
}

#[tokio::test]
async fn r_326_a_condition_is_read_when_it_is_sent_and_can_be_changed_alone() {
    let world = World::start().await;
    let bob = world.entrance.user("bob").await;
    let path = format!("{AUTHORIZATION}/roleAssignments/{}", Uuid::new_v4());
    let body = |condition: Value, version: Value, description: &str| json!({"properties": {"roleDefinitionId": built_in::READER, "principalId": bob.id, "condition": condition, "conditionVersion": version, "description": description}});
    for (condition, version) in [
        ("ActionMatches{'*/read'}", Value::Null),
        ("ActionMatches{'*/read'}", json!("1.0")),
        ("ActionMatches{'*/read'", json!("2.0")),
        ("Exists @Request[a] AND Exists @Request[b] OR Exists @Request[c]", json!("2.0")),
    ] {
        let refused = world.put(&path, body(json!(condition), version, "")).await;
        assert_eq!(refused.refusal(), "400 InvalidConditionFormat R-326", "{condition}");
    }
    let made = world.put(&path, body(json!("ActionMatches{'*/providers/read'}"), json!("2.0"), "first")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let see = async || world.ask(&bob, Method::GET, &format!("{AUTHORIZATION}/roleAssignments"), None).await.status.as_u16();
    assert_eq!(see().await, 403);
    let changed = world.put(&path, body(Value::Null, Value::Null, "second")).await;
    assert_eq!((changed.status.as_u16(), &changed.body["properties"]["description"]), (200, &json!("second")));
    assert_eq!(changed.body["properties"]["condition"], Value::Null);
    assert_eq!(see().await, 200);
}

#[tokio::test]
async fn r_345_a_deny_assignment_beats_every_role() {
    let world = World::start().await;
    world.ready(None).await;
    let bob = world.entrance.user("bob").await;
    let here: Scope = world.scope("").parse().expect("a scope");
    world.assign(bob.id.into(), built_in::CONTRIBUTOR, &here).await;
    let path = format!("/resourceGroups/rg1{AUTHORIZATION}/denyAssignments/{}", Uuid::new_v4());
    let body = |excluded: Value| {
        json!({"properties": {
            "denyAssignmentName": "Freeze", "description": "no changes before the audit", "principals": [{"id": Uuid::nil(), "type": "SystemDefined"}],
            "excludePrincipals": excluded, "permissions": [{"actions": ["*/write", "*/delete"], "notActions": []}]
        }})
    };
    assert_eq!(world.put(&path, body(json!([]))).await.refusal(), "400 InvalidParameter R-345", "nobody could lift it");
    let excluded = json!([{"id": world.owner.id, "type": "User"}]);
    assert_eq!(world.ask(&bob, Method::PUT, &path, Some(body(excluded.clone()))).await.status, 403);
    let tags = async |who: &User| world.ask(who, Method::PATCH, "/resourcegroups/rg1", Some(json!({"tags": {"a": "b"}}))).await;
    assert_eq!(tags(&bob).await.status, 200);
    assert_eq!(world.put(&path, body(excluded)).await.status, 201);
    let refused = tags(&bob).await;
    assert_eq!(refused.refusal(), "403 AuthorizationFailed R-005");
    let told = refused.body["error"]["message"].as_str().unwrap_or_default();
    assert!(told.contains("deny assignment `Freeze`"), "{told}");
    assert_eq!(tags(&world.owner).await.status, 200);
    assert_eq!(world.ask(&bob, Method::GET, C1, None).await.status, 200, "reading was not denied");
    assert_eq!(world.get(&path).await.body["properties"]["denyAssignmentName"], "Freeze");
    let list = format!("{C1}{AUTHORIZATION}/denyAssignments");
    assert_eq!(world.get(&list).await.body["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.delete(&path).await.status, 200);
    assert_eq!(world.delete(&path).await.status, 204);
    assert_eq!(tags(&bob).await.status, 200);
}

#[tokio::test]
async fn everybody_sees_their_own_permissions_and_strangers_none() {
    let world = World::start().await;
    let bob = world.entrance.user("bob").await;
    let path = format!("{C1}{AUTHORIZATION}/permissions");
    assert_eq!(world.ask(&bob, Method::GET, &path, None).await.refusal(), "403 AuthorizationFailed R-005");
    let here: Scope = world.scope("").parse().expect("a scope");
    world.assign(bob.id.into(), built_in::READER, &here).await;
    let seen = world.ask(&bob, Method::GET, &path, None).await;
    assert_eq!(seen.body, json!({"value": [{"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}]}));
}

#[tokio::test]
async fn check_access_answers_in_the_order_of_the_questions() {
    let world = World::start().await;
    let (bob, team) = (world.entrance.user("bob").await, world.entrance.group("team").await);
    let here: Scope = world.scope(C1).parse().expect("a scope");
    let writer = RoleId::from_uuid(uuid!("a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb"));
    world.assign(team.id.into(), writer, &here).await;
    let path = format!("{C1}{AUTHORIZATION}/checkaccess");
    let namespace = world.scope(&format!("{C1}/namespaces/dev"));
    let ask = |groups: Value| {
        json!({
            "Subject": {"Attributes": {"ObjectId": bob.id, "Groups": groups}},
            "Actions": [
                {"Id": "Microsoft.ContainerService/managedClusters/nodes/write", "IsDataAction": true},
                {"Id": "Microsoft.ContainerService/managedClusters/pods/write", "IsDataAction": true, "Attributes": {"x": "y"}},
                {"Id": "Microsoft.ContainerService/managedClusters/pods/write", "IsDataAction": false}
            ],
            "Resource": {"Id": namespace}
        })
    };
    let decisions = |answer: &Answer| {
        let all = answer.body.as_array().unwrap_or_else(|| panic!("{}", answer.body));
        all.iter().map(|one| one["accessDecision"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let by_claim = world.ask(&world.owner, Method::POST, &path, Some(ask(json!([team.id])))).await;
    assert_eq!(decisions(&by_claim), ["NotAllowed", "Allowed", "NotAllowed"]);
    assert_eq!(by_claim.body[1]["roleAssignment"]["principalId"], json!(team.id));
    assert_eq!(by_claim.body[1]["actionId"], "Microsoft.ContainerService/managedClusters/pods/write");
    assert!(by_claim.header("x-ms-ratelimit-remaining-subscription-reads").parse::<u32>().is_ok_and(|n| n > 1000));
    let without = world.ask(&world.owner, Method::POST, &path, Some(ask(json!([])))).await;
    assert_eq!(decisions(&without), ["NotAllowed"; 3]);
    world.entrance.join(&bob, &team).await;
    let by_directory = world.ask(&world.owner, Method::POST, &path, Some(ask(Value::Null))).await;
    assert_eq!(decisions(&by_directory)[1], "Allowed");

    assert_eq!(world.ask(&bob, Method::POST, &path, Some(ask(json!([])))).await.status, 200, "a writer may see rights");
    let stranger = world.entrance.user("sam").await;
    assert_eq!(world.ask(&stranger, Method::POST, &path, Some(ask(json!([])))).await.status, 403);
    let mut outside = ask(json!([]));
    outside["Resource"]["Id"] = json!(world.scope(""));
    assert_eq!(world.ask(&bob, Method::POST, &path, Some(outside)).await.refusal(), "400 InvalidParameter R-013");
    let mut many = ask(json!([]));
    many["Actions"] = Value::Array(vec![json!({"Id": "a/read"}); 201]);
    assert_eq!(world.ask(&world.owner, Method::POST, &path, Some(many)).await.status, 400, "R-374");
}

#[tokio::test]
async fn in_profile_strict_who_is_admin_is_said_by_those_who_give_rights() {
    let world = World::start().await;
    let (first, second) = (world.entrance.group("platform").await, world.entrance.group("other").await);
    let bob = world.entrance.user("bob").await;
    let here: Scope = world.scope("").parse().expect("a scope");
    world.assign(bob.id.into(), built_in::CONTRIBUTOR, &here).await;
    world.group().await;
    // Making a cluster says who administers it, and takes nothing from anybody.
    let profile = json!({"managed": true, "adminGroupObjectIDs": [first.id]});
    let put = world.ask(&bob, Method::PUT, C1, Some(cluster(Some(profile)))).await;
    assert_eq!(put.status, 201, "{}", put.body);
    assert_eq!(put.body["properties"]["entranceProfile"]["profile"], "strict");
    world.settled(&put).await;
    let change = async |who: &User, properties: Value| {
        let answer = world.ask(who, Method::PUT, C1, Some(json!({"location": "eastus", "properties": properties}))).await;
        if answer.status == 200 {
            world.settled(&answer).await;
        }
        answer
    };
    for properties in [
        json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": [second.id]}}),
        json!({"aadProfile": {"managed": true, "enableAzureRBAC": true}}),
        json!({"disableLocalAccounts": true}),
        json!({"entranceProfile": {"profile": "aks"}}),
        json!({"entranceProfile": {"userName": "oid"}}),
    ] {
        let refused = change(&bob, properties.clone()).await;
        assert_eq!(refused.refusal(), "403 AuthorizationFailed R-005", "{properties}");
        let told = refused.body["error"]["message"].as_str().unwrap_or_default();
        assert!(told.contains("'Microsoft.Authorization/clusterAdmins/write'"), "{told}");
    }
    let same = json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": [first.id]}, "supportPlan": "KubernetesOfficial"});
    assert_eq!(change(&bob, same).await.status, 200, "the rest is his");
    world.assign(bob.id.into(), USER_ACCESS_ADMINISTRATOR, &here).await;
    let admins = json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": [second.id]}});
    assert_eq!(change(&bob, admins).await.status, 200);
    assert_eq!(change(&world.owner, json!({"entranceProfile": {"profile": "aks"}})).await.status, 200);
    let carol = world.entrance.user("carol").await;
    world.assign(carol.id.into(), built_in::CONTRIBUTOR, &here).await;
    let back = json!({"aadProfile": {"managed": true, "adminGroupObjectIDs": [first.id]}});
    assert_eq!(change(&carol, back).await.status, 200, "as the original");
    let odd = change(&world.owner, json!({"entranceProfile": {"profile": "loose"}})).await;
    assert_eq!(odd.refusal(), "400 InvalidParameter R-013");
}

#[tokio::test]
async fn r_321_of_two_assignments_at_once_one_exists_already() {
    let world = World::start().await;
    let bob = world.entrance.user("bob").await;
    let give = || world.give(&world.owner, "", built_in::READER, bob.id.into(), json!({}));
    let (one, other) = tokio::join!(give(), give());
    let mut ends = [one, other].map(|answer| if answer.status == 201 { "made".to_owned() } else { answer.refusal() });
    ends.sort();
    assert_eq!(ends, ["409 RoleAssignmentExists R-321", "made"]);
    let all = world.get(&format!("{AUTHORIZATION}/roleAssignments?$filter=principalId%20eq%20'{}'", bob.id)).await;
    assert_eq!(all.body["value"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn rights_go_with_their_holder_and_with_their_place() {
    let world = World::start().await;
    world.ready(None).await;
    let (bob, team) = (world.entrance.user("bob").await, world.entrance.group("team").await);
    let more = |kind: PrincipalType| json!({ "principalType": kind });
    assert_eq!(world.give(&world.owner, "", built_in::READER, bob.id.into(), more(PrincipalType::User)).await.status, 201);
    assert_eq!(world.give(&world.owner, "", built_in::READER, team.id.into(), more(PrincipalType::Group)).await.status, 201);
    assert_eq!(world.give(&world.owner, C1, built_in::OWNER, team.id.into(), json!({})).await.status, 201);
    let count = async || {
        let all = world.get(&format!("{AUTHORIZATION}/roleAssignments")).await.body;
        all["value"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count().await, 4);
    let (tenant, now) = (world.entrance.tenant, world.entrance.app().now());
    let mut tx = world.entrance.app().store.write().await.expect("the store writes");
    tx.directory().delete_user(tenant, &bob, now).await.expect("he goes");
    tx.commit().await.expect("the store commits");
    assert_eq!(count().await, 3);
    let deleted = world.delete(C1).await;
    assert_eq!(world.settled(&deleted).await["status"], "Succeeded");
    assert_eq!(count().await, 2);
    let mut tx = world.entrance.app().store.write().await.expect("the store writes");
    tx.directory().delete_group(tenant, &team, now).await.expect("it goes");
    tx.commit().await.expect("the store commits");
    assert_eq!(count().await, 1);
}
