//! The audit log as it is read: by whom, page by page, and proved by nothing but what was sent.

use std::time::{Duration, Instant};

use entrance_model::directory::User;
use entrance_store::audit::{Checker, Exported, head_from_json};
use entrance_testkit::{Answer, Entrance};
use insta::assert_snapshot;
use serde_json::Value;

use crate::audit::Asking;

/// Waits until every row is sealed.
async fn sealed(world: &Entrance) {
    let begun = Instant::now();
    loop {
        let reach = world.app().store.read().await.expect("reads").trail().reach().await.expect("reads");
        if reach.0 == reach.1 {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{reach:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn get(world: &Entrance, token: &str, path: &str) -> Answer {
    world.graph(token, "GET", &format!("/v1.0{path}"), Value::Null).await
}

/// Follows the pages from this address to the signed head, and checks every line.
async fn walk(world: &Entrance, admin: &User, first: &str) -> (Vec<Value>, Checker) {
    let token = world.graph_token(admin);
    let (mut checker, mut rows, mut at) = (Checker::new(None), Vec::new(), first.to_owned());
    loop {
        let page = get(world, &token, &at).await.body;
        if checker.position().is_none() {
            checker.take(&Exported::read(&page["start"]).expect("a start")).expect("it begins");
        }
        for row in page["value"].as_array().expect("rows") {
            checker.take(&Exported::read(row).expect("a row")).expect("it follows");
            rows.push(row.clone());
        }
        let Some(next) = page["@odata.nextLink"].as_str() else { break };
        next.split_once("/v1.0").expect("a link of ours").1.clone_into(&mut at);
    }
    let head = get(world, &token, "/entrance/audit/head").await.body;
    let (head, key) = head_from_json(&head).expect("a head");
    checker.take(&Exported::Head(head, key)).expect("it is where the rows end");
    (rows, checker)
}

#[tokio::test]
async fn an_administrator_reads_all_of_it_page_by_page_and_can_prove_it() {
    let world = Entrance::start().await;
    let admin = world.directory_admin("admin").await;
    let token = world.graph_token(&admin);
    for n in 0..7 {
        let body = serde_json::json!({"displayName": format!("g{n}"), "mailNickname": "g", "securityEnabled": true, "mailEnabled": false});
        assert_eq!(world.graph(&token, "POST", "/v1.0/groups", body).await.status, 201);
    }
    sealed(&world).await;
    let (rows, checker) = walk(&world, &admin, "/entrance/audit?$top=3").await;
    assert_eq!((rows.len(), checker.end()), (8, Ok(0)), "seven groups, and the tenant itself");
    assert_eq!(rows[0]["kind"], "tenant.created");
    // From the middle on it proves as much.
    let (rows, checker) = walk(&world, &admin, "/entrance/audit?after=5&$top=2").await;
    assert_eq!((rows.len(), checker.end()), (3, Ok(0)));
    let newest = get(&world, &token, "/entrance/audit/newest?kind=group.&$top=2").await;
    assert_eq!(newest.each("kind"), ["group.created", "group.created"]);
    assert_eq!(newest.body["value"][0]["number"], 8);
    let next = newest.text("@odata.nextLink");
    let next = get(&world, &token, next.split_once("/v1.0").expect("a link").1).await;
    assert_eq!(next.body["value"][0]["number"], 6);
}

#[tokio::test]
async fn others_do_not_read_it_and_nonsense_is_named() {
    let world = Entrance::start().await;
    let (admin, alice) = (world.directory_admin("admin").await, world.user("alice").await);
    let (admin, alice) = (world.graph_token(&admin), world.graph_token(&alice));
    let mut table = Vec::new();
    for path in ["", "/head", "/newest", "/credentials?id=x"] {
        let path = format!("/entrance/audit{path}");
        table.push(format!("alice {path}: {}", get(&world, &alice, &path).await.outcome()));
        table.push(format!("nobody {path}: {}", get(&world, "", &path).await.status));
    }
    for query in [
        "?$top=0",
        "?$top=1001",
        "?after=x",
        "?since=yesterday",
        "?after=1&since=2026-01-01T00:00:00Z",
        "?after=900",
        "/credentials",
    ] {
        let path = format!("/entrance/audit{query}");
        table.push(format!("{path}: {}", get(&world, &admin, &path).await.outcome()));
    }
    assert_snapshot!(table.join("\n"), @r"
    alice /entrance/audit: 403 Authorization_RequestDenied: Insufficient privileges to complete the operation.
    nobody /entrance/audit: 401
    alice /entrance/audit/head: 403 Authorization_RequestDenied: Insufficient privileges to complete the operation.
    nobody /entrance/audit/head: 401
    alice /entrance/audit/newest: 403 Authorization_RequestDenied: Insufficient privileges to complete the operation.
    nobody /entrance/audit/newest: 401
    alice /entrance/audit/credentials?id=x: 403 Authorization_RequestDenied: Insufficient privileges to complete the operation.
    nobody /entrance/audit/credentials?id=x: 401
    /entrance/audit?$top=0: 400 Request_BadRequest: `$top` takes a number from 1 to 1000.
    /entrance/audit?$top=1001: 400 Request_BadRequest: `$top` takes a number from 1 to 1000.
    /entrance/audit?after=x: 400 Request_BadRequest: `after` takes a number.
    /entrance/audit?since=yesterday: 400 Request_BadRequest: `since` takes a time such as 2027-01-31T08:00:00Z.
    /entrance/audit?after=1&since=2026-01-01T00:00:00Z: 400 Request_BadRequest: Either `after` or `since` can be given, not both.
    /entrance/audit?after=900: 404 Request_ResourceNotFound: Resource 'audit/900' does not exist or one of its queried reference-property objects are not present.
    /entrance/audit/credentials: 400 Request_BadRequest: `id` takes one to 50 ids of tokens, with commas between.
    ");
}

#[tokio::test]
async fn a_token_is_found_by_the_id_that_api_servers_log_with_its_sign_in_and_its_reviews() {
    let asking = Asking::new().await;
    let world = &asking.world;
    let admin = world.directory_admin("admin").await;
    let client = asking.api_server(Duration::from_secs(20));
    // One id is the beginning of another.
    for token in ["t-1", "t-10"] {
        asking.ask(&client, &asking.token(token)).await.expect("answers");
    }
    asking.until(|told| told.len() == 2).await;
    let path = "/entrance/audit/credentials?id=JTI=t-1,unknown";
    let found = get(world, &world.graph_token(&admin), path).await;
    assert_eq!(found.each("credential"), ["JTI=t-1", "JTI=unknown"]);
    let reviews = found.body["value"][0]["reviews"].as_array().expect("reviews");
    assert_eq!((reviews.len(), &reviews[0]["detail"]["credential"]), (1, &"JTI=t-1".into()));
    assert_eq!(found.body["value"][1]["reviews"].as_array().map(Vec::len), Some(0));
}
