//! What hangs on groups and clusters: tags, locks, lists of them, and the log of what was done to them.

use entrance_model::access::built_in;
use entrance_model::arm::Scope;
use entrance_model::cluster::State;
use entrance_model::id::ClusterUid;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, C1, World, cluster};

const GROUP: &str = "/resourceGroups/rg1";
const TAGS: &str = "/providers/Microsoft.Resources/tags/default";
const LOCKS: &str = "/providers/Microsoft.Authorization/locks";

async fn start() -> World {
    let world = World::start().await;
    world.group().await;
    let made = world.put(C1, cluster(Some(json!({"managed": true})))).await;
    assert_eq!(world.settled(&made).await["status"], "Succeeded");
    world
}

fn names(answer: &Answer) -> Vec<String> {
    let all = answer.body["value"].as_array().unwrap_or_else(|| panic!("{}", answer.body));
    all.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

async fn patch(world: &World, path: &str, body: Value) -> Answer {
    world.ask(&world.owner, Method::PATCH, path, Some(body)).await
}

async fn lock(world: &World, place: &str, level: &str) -> Answer {
    world.put(&format!("{place}{LOCKS}/keep"), json!({"properties": {"level": level, "notes": "because"}})).await
}

#[tokio::test]
async fn tags_of_a_group_and_of_a_cluster_are_merged_replaced_and_taken_away() {
    let world = start().await;
    for place in [GROUP, C1] {
        let path = format!("{place}{TAGS}");
        let put = world.put(&path, json!({"properties": {"tags": {"Team": "web", "stage": "test"}}})).await;
        assert_eq!((put.status.as_u16(), &put.body["name"]), (200, &json!("default")), "{}", put.body);
        let merged = patch(&world, &path, json!({"operation": "Merge", "properties": {"tags": {"team": "shop"}}})).await;
        assert_eq!(merged.body["properties"]["tags"], json!({"Team": "shop", "stage": "test"}));
        let less = patch(&world, &path, json!({"operation": "delete", "properties": {"tags": {"STAGE": ""}}})).await;
        assert_eq!(less.body["properties"]["tags"], json!({"Team": "shop"}));
        assert_eq!(world.get(place).await.body["tags"], json!({"Team": "shop"}), "the thing itself shows them");
        for (body, refusal) in [
            (json!({"properties": {"tags": {"a": "b"}}}), "400 InvalidParameter R-013"),
            (json!({"operation": "Add", "properties": {"tags": {}}}), "400 InvalidParameter R-013"),
            (json!({"operation": "Merge", "properties": {"tags": {"a": "x".repeat(257)}}}), "400 InvalidParameter R-022"),
            (json!({"operation": "Merge", "properties": {"tags": ["a"]}}), "400 InvalidRequestContent R-013"),
        ] {
            assert_eq!(patch(&world, &path, body).await.refusal(), refusal);
        }
    }
    let used = world.get("/tagNames").await.body;
    assert_eq!((&used["value"][0]["tagName"], &used["value"][0]["count"]["value"]), (&json!("Team"), &json!(2)));
    assert_eq!(world.delete(&format!("{C1}{TAGS}")).await.status, 200);
    assert_eq!(world.get(&format!("{C1}{TAGS}")).await.body["properties"]["tags"], json!({}));
    assert_eq!(world.get(&format!("/resourceGroups/nope{TAGS}")).await.refusal(), "404 ResourceGroupNotFound R-009");
    let big: serde_json::Map<_, _> = (0..51).map(|n| (n.to_string(), json!("x"))).collect();
    let refused = world.put(GROUP, json!({"location": "eastus", "tags": big})).await;
    assert_eq!(refused.refusal(), "400 InvalidParameter R-022");
}

#[tokio::test]
async fn lists_are_narrowed_by_their_filter_and_turned_page_by_page() {
    let world = start().await;
    for n in 2..=4 {
        let made = world.put(&C1.replace("/c1", &format!("/c{n}")), cluster(None)).await;
        assert_eq!(made.status, 201);
    }
    for group in ["web", "shop"] {
        world.put(&format!("/resourceGroups/{group}"), json!({"location": "eastus", "tags": {"team": group}})).await;
    }
    world.put(&format!("{C1}{TAGS}"), json!({"properties": {"tags": {"Team": "web"}}})).await;
    for (path, expected) in [
        ("/resources?$filter=resourceType%20eq%20'microsoft.containerservice/MANAGEDCLUSTERS'", vec!["c1", "c2", "c3", "c4"]),
        ("/resources?$filter=resourceType%20eq%20'Microsoft.Compute/virtualMachines'", vec![]),
        ("/resources?$filter=name%20eq%20'C2'%20and%20location%20eq%20'eastus'", vec!["c2"]),
        ("/resources?$filter=tagName%20eq%20'team'%20and%20tagValue%20eq%20'web'", vec!["c1"]),
        ("/resources?$filter=tagName%20eq%20'team'%20and%20tagValue%20eq%20'shop'", vec![]),
        ("/resources?$filter=resourceGroup%20eq%20'RG1'&$top=1", vec!["c1"]),
        ("/resourceGroups?$filter=tagname%20eq%20'team'%20and%20tagvalue%20eq%20'shop'", vec!["shop"]),
        ("/resourceGroups", vec!["rg1", "shop", "web"]),
    ] {
        assert_eq!(names(&world.get(path).await), expected, "{path}");
    }
    for (path, refusal) in [
        ("/resources?$filter=substringof('c',name)", "400 InvalidFilterInQueryString R-013"),
        ("/resources?$filter=kind%20eq%20'x'", "400 InvalidFilterInQueryString R-013"),
        ("/resourceGroups?$filter=name%20eq%20'x'", "400 InvalidFilterInQueryString R-013"),
        ("/resources?$top=none", "400 InvalidParameter R-013"),
        ("/resources?$skipToken=*", "400 InvalidParameter R-013"),
    ] {
        assert_eq!(world.get(path).await.refusal(), refusal, "{path}");
    }
    for list in ["/resources", "/providers/Microsoft.ContainerService/managedClusters"] {
        let (mut path, mut seen) = (format!("{list}?$top=3"), Vec::new());
        loop {
            let page = world.get(&path).await;
            seen.extend(names(&page));
            let Some(link) = page.body["nextLink"].as_str() else { break };
            let rest = link.strip_prefix(world.entrance.app().base()).expect("our own address");
            path = format!("/{}", rest.replace("api-version=2026-06-01&", ""));
        }
        assert_eq!(seen, ["c1", "c2", "c3", "c4"], "{list}");
    }
    let plain = world.get("/resources?$filter=name%20eq%20'c1'").await.body;
    assert_eq!(plain["value"][0].get("provisioningState"), None);
    let full = world.get("/resources?$filter=name%20eq%20'c1'&$expand=createdTime,changedTime,provisioningState").await.body;
    assert_eq!(full["value"][0]["provisioningState"], "Succeeded");
}

#[tokio::test]
async fn what_is_locked_is_not_deleted_and_what_is_around_it_neither() {
    let world = start().await;
    let made = lock(&world, C1, "CanNotDelete").await;
    assert_eq!((made.status.as_u16(), &made.body["properties"]["notes"]), (201, &json!("because")), "{}", made.body);
    assert_eq!(lock(&world, C1, "CanNotDelete").await.status, 200, "the same again");
    assert_eq!(world.delete(C1).await.refusal(), "409 ScopeLocked L-001");
    let refused = world.delete(GROUP).await;
    assert_eq!(refused.refusal(), "409 ScopeLocked L-001", "the cluster would go along");
    assert!(refused.body["error"]["message"].as_str().is_some_and(|text| text.contains("az lock delete --ids")));
    let tags = json!({"properties": {"tags": {"a": "b"}}});
    assert_eq!(world.put(&format!("{C1}{TAGS}"), tags).await.status, 200, "it can be changed");
    assert_eq!(world.post(&format!("{C1}/listClusterAdminCredential")).await.status, 200);
    assert_eq!(world.get(LOCKS).await.body["value"].as_array().map(Vec::len), Some(1), "from above it is seen");
    assert_eq!(world.get(&format!("{LOCKS}?$filter=atScope()")).await.body["value"], json!([]));
    assert_eq!(world.get(&format!("{C1}{LOCKS}/KEEP")).await.body["name"], "keep");
    assert_eq!(world.delete(&format!("{C1}{LOCKS}/keep")).await.status, 200);
    assert_eq!(world.delete(&format!("{C1}{LOCKS}/keep")).await.status, 204);
    let gone = world.delete(C1).await;
    assert_eq!(world.settled(&gone).await["status"], "Succeeded");
}

#[tokio::test]
async fn a_read_only_place_takes_no_action_until_it_is_unlocked() {
    let world = start().await;
    let bob = world.entrance.user("bob").await;
    let here = format!("/subscriptions/{}{C1}", world.subscription).parse::<Scope>().expect("a scope");
    world.assign(bob.id.into(), built_in::CONTRIBUTOR, &here).await;
    let doors = format!("{C1}/breakGlassDoors");
    let open = json!({"properties": {"reason": "an outage", "duration": "PT1H"}});
    let door = world.ask(&world.owner, Method::POST, &doors, Some(open.clone())).await;
    assert_eq!(lock(&world, GROUP, "ReadOnly").await.status, 201);
    let before = world.get(C1).await.body;
    for (method, path, body) in [
        (Method::PUT, C1.to_owned(), Some(cluster(None))),
        (Method::PATCH, C1.to_owned(), Some(json!({"tags": {}}))),
        (Method::DELETE, C1.to_owned(), None),
        (Method::DELETE, GROUP.to_owned(), None),
        (Method::PUT, GROUP.to_owned(), Some(json!({"location": "eastus"}))),
        (Method::POST, format!("{C1}/listClusterUserCredential"), None),
        (Method::POST, format!("{C1}/listClusterAdminCredential"), None),
        (Method::POST, doors.clone(), Some(open)),
        (Method::PUT, format!("{C1}{TAGS}"), Some(json!({"properties": {"tags": {"a": "b"}}}))),
    ] {
        let answer = world.ask(&world.owner, method.clone(), &path, body).await;
        assert_eq!(answer.refusal(), "409 ScopeLocked L-001", "{method} {path}");
    }
    assert_eq!(world.get(C1).await.body["eTag"], before["eTag"]);
    let close = format!("{doors}/{}/close", door.body["name"].as_str().unwrap_or_default());
    assert_eq!(world.post(&close).await.status, 200, "a door is closed whatever is locked");
    // Locks are for those who decide about rights.
    let path = format!("{C1}{LOCKS}/mine");
    let body = Some(json!({"properties": {"level": "ReadOnly"}}));
    assert_eq!(world.ask(&bob, Method::PUT, &path, body.clone()).await.refusal(), "403 AuthorizationFailed R-005");
    assert_eq!(world.ask(&bob, Method::GET, &format!("{C1}{LOCKS}"), None).await.status, 200);
    assert_eq!(world.ask(&world.owner, Method::PUT, &path, body).await.status, 201, "a lock more is no change");
    assert_eq!(world.delete(&path).await.status, 200);
    assert_eq!(world.delete(&format!("{GROUP}{LOCKS}/keep")).await.status, 200);
    assert_eq!(world.put(C1, cluster(None)).await.status, 200);
    for (name, body, code) in [
        ("x", json!({"properties": {"level": "Never"}}), "400 InvalidLockLevel R-013"),
        ("x", json!({"properties": {}}), "400 InvalidParameter R-013"),
        ("a%3Fb", json!({"properties": {"level": "ReadOnly"}}), "400 InvalidLockName R-013"),
    ] {
        assert_eq!(world.put(&format!("{GROUP}{LOCKS}/{name}"), body).await.refusal(), code);
    }
    let nowhere = lock(&world, "/resourceGroups/nope", "ReadOnly").await;
    assert_eq!(nowhere.refusal(), "404 ResourceGroupNotFound R-009");
}

#[tokio::test]
async fn the_activity_log_tells_who_did_what_and_how_it_ended_and_nothing_that_was_sent() {
    let world = start().await;
    world.put(&format!("{C1}{TAGS}"), json!({"properties": {"tags": {"a": "top-secret-text"}}})).await;
    let log = "/providers/Microsoft.Insights/eventtypes/management/values";
    let ask = async |filter: &str| world.get(&format!("{log}?$filter={}", filter.replace(' ', "%20"))).await;
    let brief = |answer: &Answer| -> Vec<String> {
        let all = answer.body["value"].as_array().unwrap_or_else(|| panic!("{}", answer.body));
        let text = |one: &Value, name: &str| one[name]["value"].as_str().unwrap_or_default().to_owned();
        all.iter().map(|one| format!("{} {}", text(one, "operationName"), text(one, "status"))).collect()
    };
    let write = "Microsoft.ContainerService/managedClusters/write";
    let all = ask("eventTimestamp ge 2020-01-01T00:00:00Z").await;
    let expected = [
        "Microsoft.Resources/tags/write Succeeded".to_owned(),
        format!("{write} Succeeded"),
        format!("{write} Started"),
        "Microsoft.Resources/subscriptions/resourceGroups/write Succeeded".to_owned(),
    ];
    assert_eq!(brief(&all), expected, "the newest first");
    assert!(!all.body.to_string().contains("top-secret-text"));
    let ended = &all.body["value"][1];
    assert_eq!(ended["caller"], "olivia@contoso.example");
    assert_eq!(ended["correlationId"], all.body["value"][2]["correlationId"]);
    assert_eq!(ended["resourceId"], format!("/subscriptions/{}{C1}", world.subscription));
    assert_eq!(ended["authorization"]["action"], write);
    assert_eq!(ended["resourceType"]["value"], "Microsoft.ContainerService/managedClusters");

    let correlation = ended["correlationId"].as_str().expect("an id").to_owned();
    assert_eq!(brief(&ask(&format!("correlationId eq '{correlation}'")).await).len(), 2);
    assert_eq!(brief(&ask("status eq 'started'").await), [format!("{write} Started")]);
    assert_eq!(brief(&ask("caller eq 'OLIVIA@contoso.example' and resourceGroupName eq 'RG1'").await).len(), 4);
    assert_eq!(brief(&ask("caller eq 'nobody@contoso.example'").await).len(), 0);
    assert_eq!(brief(&ask("eventTimestamp ge 2030-01-01T00:00:00Z").await).len(), 0);
    assert_eq!(brief(&ask(&format!("resourceUri eq '/subscriptions/{}{C1}'", world.subscription)).await).len(), 3);
    let first = world.get(&format!("{log}?$top=3")).await;
    let link = first.body["nextLink"].as_str().expect("there is more").to_owned();
    let rest = link.strip_prefix(world.entrance.app().base()).expect("our own address").replace("api-version=2026-06-01&", "");
    assert_eq!(brief(&world.get(&format!("/{rest}")).await), expected[3..]);
    for filter in ["caller ne 'x'", "secret eq 'x'", "eventTimestamp ge yesterday", "correlationId eq 'x'"] {
        assert_eq!(ask(filter).await.status, 400, "{filter}");
    }

    // Who may see one group asks for that group.
    let rita = world.entrance.user("rita").await;
    let group = Scope::group(world.subscription, &"rg1".parse().expect("a name"));
    world.assign(rita.id.into(), built_in::READER, &group).await;
    assert_eq!(world.ask(&rita, Method::GET, log, None).await.refusal(), "403 AuthorizationFailed R-005");
    let here = format!("{log}?$filter=resourceGroupName%20eq%20'rg1'");
    assert_eq!(world.ask(&rita, Method::GET, &here, None).await.status, 200);
}

#[tokio::test]
async fn which_actions_there_are_and_how_much_of_the_quota_is_used() {
    let world = start().await;
    let all = world.get("//providers/Microsoft.ContainerService/operations").await.body;
    let find = |name: &str| {
        let name = format!("Microsoft.ContainerService/managedClusters/{name}");
        let found = all["value"].as_array().and_then(|all| all.iter().find(|one| one["name"] == name));
        found.unwrap_or_else(|| panic!("{name}"))["isDataAction"].clone()
    };
    assert_eq!((find("listClusterAdminCredential/action"), find("apps/deployments/write")), (json!(false), json!(true)));
    let locks = world.get("//providers/Microsoft.Authorization/providerOperations/microsoft.authorization").await.body;
    assert_eq!(locks["name"], "Microsoft.Authorization");
    assert!(locks["resourceTypes"].to_string().contains("Microsoft.Authorization/locks/write"));
    let nothing = world.get("//providers/Microsoft.Authorization/providerOperations/Microsoft.Nothing").await;
    assert_eq!(nothing.refusal(), "404 InvalidResourceType R-012");
    let usages = world.get("/providers/Microsoft.ContainerService/locations/eastus/usages").await.body;
    assert_eq!((&usages["value"][0]["currentValue"], &usages["value"][0]["limit"]), (&json!(1), &json!(1000)));
}

#[tokio::test]
async fn r_302_the_one_cluster_that_somebody_may_see_is_found_behind_hundreds() {
    let world = World::start().await;
    world.group().await;
    world.settled(&world.put(C1, cluster(None)).await).await;
    let mut tx = world.entrance.app().store.write().await.expect("the store writes");
    let pattern = tx.arm().clusters_in(world.subscription, None).await.expect("the store reads").remove(0);
    for n in 0..250 {
        let name = format!("a{n:03}").parse().expect("a name");
        let mut copy = pattern.clone();
        (copy.uid, copy.applied, copy.endpoint) = (ClusterUid::from_uuid(Uuid::new_v4()), None, None);
        copy.state = State::Canceled { usable: false };
        copy.address.name = name;
        tx.arm().insert_cluster(&copy).await.expect("it is new");
    }
    tx.commit().await.expect("the store commits");
    let bob = world.entrance.user("bob").await;
    world.assign(bob.id.into(), built_in::READER, &pattern.address.scope()).await;
    let list = "/providers/Microsoft.ContainerService/managedClusters";
    let his = world.ask(&bob, Method::GET, list, None).await;
    assert_eq!((names(&his), his.body.get("nextLink")), (vec!["c1".to_owned()], None));

    let (mut path, mut pages) = (list.to_owned(), Vec::new());
    loop {
        let page = world.get(&path).await;
        pages.push(names(&page).len());
        let Some(link) = page.body["nextLink"].as_str() else { break };
        let rest = link.strip_prefix(world.entrance.app().base()).expect("our own address");
        path = format!("/{}", rest.replace("api-version=2026-06-01&", ""));
    }
    assert_eq!(pages, [100, 100, 51]);
}
