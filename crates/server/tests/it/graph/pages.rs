//! Lists: pages, filters, selections (G-100 to G-108).

use std::time::Duration;

use entrance_testkit::{Answer, Entrance};
use serde_json::json;

use super::Caller;

fn next(world: &Entrance, answer: &Answer) -> Option<String> {
    let link = answer.body["@odata.nextLink"].as_str()?;
    Some(link.strip_prefix(world.app().base()).expect("a link to this server").to_owned())
}

#[tokio::test]
async fn g_100_pages_follow_each_other_and_keep_their_options() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    for n in 0..5 {
        world.group(&format!("team-{n}")).await;
    }
    world.group("other").await;
    let mut path = "/v1.0/groups?$top=2&$select=displayName&$filter=startswith(displayName,'team')".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = admin.get(&world, &path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert!(page.body["value"][0].get("id").is_none(), "only what was selected");
        seen.extend(page.each("displayName"));
        let Some(link) = next(&world, &page) else { break };
        path = link;
    }
    seen.sort();
    assert_eq!(seen, ["team-0", "team-1", "team-2", "team-3", "team-4"]);
}

#[tokio::test]
async fn g_100_a_page_token_is_good_for_its_own_question_and_for_an_hour() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    for n in 0..3 {
        world.group(&format!("team-{n}")).await;
    }
    let page = admin.get(&world, "/v1.0/groups?$top=1").await;
    let link = next(&world, &page).expect("another page");
    assert_eq!(admin.get(&world, &link).await.status, 200);
    let refused = "400 Directory_ExpiredPageToken: The specified page token value has expired and can no longer be included in your request.";
    assert_eq!(admin.get(&world, &link.replace("/groups", "/users")).await.outcome(), refused);
    assert_eq!(admin.get(&world, &link.replace("top=1", "top=2")).await.outcome(), refused);
    assert_eq!(admin.get(&world, "/v1.0/groups?$skiptoken=abc").await.outcome(), refused);
    world.sleep(Duration::from_secs(3601));
    let later = Caller { token: world.graph_token(&admin.user), user: admin.user };
    assert_eq!(later.get(&world, &link).await.outcome(), refused);
}

#[tokio::test]
async fn g_100_options_out_of_range_are_told() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let outcome = async |path: &str| admin.get(&world, path).await.outcome();
    assert_eq!(
        outcome("/v1.0/groups?$top=1000").await,
        "400 Request_UnsupportedQuery: Invalid page size specified: '1000'. Must be between 1 and 999 inclusive."
    );
    assert!(outcome("/v1.0/groups?$skip=1").await.starts_with("400 Request_UnsupportedQuery"));
    assert!(outcome("/v1.0/groups?$select=nonsense").await.starts_with("400 BadRequest: Parsing OData Select and Expand failed"));
    assert!(outcome("/v1.0/groups?$filter=nonsense eq 'x'").await.starts_with("400 Request_UnsupportedQuery"));
    assert!(outcome("/v1.0/groups?$filter=displayName eq 'it's'").await.starts_with("400 Request_UnsupportedQuery"));
}

#[tokio::test]
async fn g_108_what_az_asks_for_is_found() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    world.group("admins").await;
    let app = admin.post(&world, "/v1.0/applications", json!({"displayName": "shop"})).await;
    let (id, app_id) = (app.text("id"), app.text("appId"));
    let uris = json!({"identifierUris": [format!("api://{app_id}")]});
    assert_eq!(admin.patch(&world, &format!("/v1.0/applications/{id}"), uris).await.outcome(), "204");
    admin.post(&world, "/v1.0/servicePrincipals", json!({"appId": app_id, "accountEnabled": true})).await;
    for (path, name) in [
        ("/v1.0/groups?$filter=displayName eq 'ADMINS' and mailNickname eq 'admins'".to_owned(), "admins"),
        ("/v1.0/groups?$filter=startswith(displayName,'ad')".to_owned(), "admins"),
        ("/v1.0/users?$filter=userPrincipalName eq 'admin@contoso.example' and startswith(displayName,'a')".to_owned(), "admin"),
        (format!("/v1.0/applications?$filter=appId eq '{app_id}'"), "shop"),
        (format!("/v1.0/applications?$filter=identifierUris/any(s:s eq 'api://{app_id}')"), "shop"),
        (format!("/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c eq '{app_id}')"), "shop"),
        (format!("/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c eq 'api://{app_id}')"), "shop"),
        ("/v1.0/servicePrincipals?$filter=displayName eq 'shop'".to_owned(), "shop"),
    ] {
        assert_eq!(admin.get(&world, &path).await.each("displayName"), [name], "{path}");
    }
    assert_eq!(admin.get(&world, "/v1.0/groups?$filter=displayName eq 'none'").await.each("id").len(), 0);
}

#[tokio::test]
async fn g_103_a_count_comes_with_the_list_and_alone() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    for n in 0..3 {
        world.group(&format!("team-{n}")).await;
    }
    let page = admin.get(&world, "/v1.0/groups?$count=true&$top=1").await;
    assert_eq!(page.body["@odata.count"], 3);
    let request = world.client.get(world.url("/v1.0/groups/$count")).bearer_auth(&admin.token);
    let answer = request.send().await.expect("answers");
    assert_eq!(answer.headers()["content-type"], "text/plain");
    assert_eq!(answer.text().await.expect("text"), "3");
}
