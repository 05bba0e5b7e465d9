use entrance_testkit::Entrance;
use serde_json::{Value, json};

use super::{Shop, answered, authorize, claims, opened, redeemed};

const AZ: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

#[tokio::test]
async fn g_406_grants_are_made_changed_listed_and_removed_as_az_does_it() {
    let world = Entrance::start().await;
    let root = world.directory_admin("root").await;
    let alice = world.user("alice").await;
    let token = world.graph_token(&root);
    let shop = Shop::open(&world).await;
    let body = json!({"clientId": shop.principal.id, "consentType": "AllPrincipals", "resourceId": shop.resource.id, "scope": "Orders.Read Orders.Delete"});
    let made = world.graph(&token, "POST", "/v1.0/oauth2PermissionGrants", body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["scope"], "Orders.Read Orders.Delete");
    assert_eq!(made.body["principalId"], Value::Null);
    let twice = world.graph(&token, "POST", "/v1.0/oauth2PermissionGrants", body).await;
    assert_eq!((twice.status, twice.message()), (409, "Permission entry already exists."));
    let filter = format!("/v1.0/oauth2PermissionGrants?$filter=clientId%20eq%20'{}'", shop.principal.id);
    assert_eq!(world.graph(&token, "GET", &filter, Value::Null).await.each("id"), [made.text("id")]);
    let other = format!("/v1.0/oauth2PermissionGrants?$filter=clientId%20eq%20'{}'", shop.resource.id);
    assert!(world.graph(&token, "GET", &other, Value::Null).await.each("id").is_empty());
    let of_client = format!("/v1.0/servicePrincipals/{}/oauth2PermissionGrants", shop.principal.id);
    assert_eq!(world.graph(&token, "GET", &of_client, Value::Null).await.each("id"), [made.text("id")]);
    // For everybody: nobody is asked any more.
    let page = opened(&mut world.browser(), &shop.authorize(&[("scope", "openid api://orders/Orders.Delete")]), "alice").await;
    assert!(answered(&page).contains_key("code"));
    // az deletes under another spelling (G-002).
    let path = format!("/v1.0/oAuth2PermissionGrants/{}", made.text("id"));
    assert_eq!(world.graph(&token, "PATCH", &path, json!({"scope": "Orders.Read"})).await.status, 204);
    assert_eq!(world.graph(&token, "GET", &path, Value::Null).await.text("scope"), "Orders.Read");
    let member = world.graph_token(&alice);
    assert_eq!(world.graph(&member, "DELETE", &path, Value::Null).await.status, 403);
    assert_eq!(world.graph(&token, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(world.graph(&token, "DELETE", &path, Value::Null).await.status, 404);
}

#[tokio::test]
async fn g_406_a_person_s_grants_are_theirs_and_built_in_applications_are_nobody_s() {
    let world = Entrance::start().await;
    let root = world.directory_admin("root").await;
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let token = world.graph_token(&root);
    let shop = Shop::open(&world).await;
    let body = json!({"clientId": shop.principal.id, "consentType": "Principal", "principalId": alice.id, "resourceId": shop.resource.id, "scope": "Orders.Read"});
    assert_eq!(world.graph(&world.graph_token(&alice), "POST", "/v1.0/oauth2PermissionGrants", body.clone()).await.status, 403);
    let made = world.graph(&token, "POST", "/v1.0/oauth2PermissionGrants", body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let mine = world.graph(&world.graph_token(&alice), "GET", "/v1.0/me/oauth2PermissionGrants", Value::Null).await;
    assert_eq!(mine.each("id"), [made.text("id")]);
    let hers = format!("/v1.0/users/{}/oauth2PermissionGrants", alice.id);
    assert_eq!(world.graph(&world.graph_token(&bob), "GET", &hers, Value::Null).await.status, 403);
    assert_eq!(world.graph(&token, "GET", &hers, Value::Null).await.each("id"), [made.text("id")]);
    let az =
        world.graph(&token, "GET", "/v1.0/servicePrincipals(appId='04b07795-8ddb-461a-bbee-02f9e1bf7b46')", Value::Null).await;
    let built_in = json!({"clientId": az.text("id"), "consentType": "AllPrincipals", "resourceId": shop.resource.id, "scope": "Orders.Read"});
    assert_eq!(world.graph(&token, "POST", "/v1.0/oauth2PermissionGrants", built_in).await.status, 400);
    let graph =
        world.graph(&token, "GET", "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')", Value::Null).await;
    let offered = graph.body["oauth2PermissionScopes"].as_array().expect("a list").clone();
    let read = offered.iter().find(|one| one["value"] == "User.Read").expect("az looks the id up");
    assert_eq!(read["id"], "e1fe6dd8-ba31-4d61-89e7-88639da4683d");
    for wrong in [
        json!({"clientId": shop.principal.id, "consentType": "Principal", "resourceId": shop.resource.id, "scope": "x"}),
        json!({"clientId": shop.principal.id, "consentType": "Everybody", "resourceId": shop.resource.id, "scope": "x"}),
        json!({"clientId": "nobody", "consentType": "AllPrincipals", "resourceId": shop.resource.id, "scope": "x"}),
    ] {
        assert_eq!(world.graph(&token, "POST", "/v1.0/oauth2PermissionGrants", wrong.clone()).await.status, 400, "{wrong}");
    }
    // Whoever goes takes along what they allowed.
    assert_eq!(world.graph(&token, "DELETE", &format!("/v1.0/users/{}", alice.id), Value::Null).await.status, 204);
    assert!(world.graph(&token, "GET", "/v1.0/oauth2PermissionGrants", Value::Null).await.each("id").is_empty());
}

#[tokio::test]
async fn s_304_and_o_08_administrators_allow_the_resource_manager_and_that_opens_no_directory_to_other_programs() {
    let world = Entrance::start().await;
    let root = world.directory_admin("root").await;
    world.user("alice").await;
    let token = world.graph_token(&root);
    let shop = Shop::open(&world).await;
    let scope = format!("openid {}/arm/user_impersonation", world.app().base());
    let page = opened(&mut world.browser(), &shop.authorize(&[("scope", &scope)]), "alice").await;
    assert!(page.html.contains("Only an administrator may allow this") && !page.has("consent-accept"), "{}", page.html);
    let arm = "/v1.0/servicePrincipals(appId='797f4846-ba00-4fd7-ba43-dac1f8f63013')";
    let arm = world.graph(&token, "GET", arm, Value::Null).await.text("id");
    let body =
        json!({"clientId": shop.principal.id, "consentType": "AllPrincipals", "resourceId": arm, "scope": "user_impersonation"});
    assert_eq!(world.graph(&token, "POST", "/v1.0/oauth2PermissionGrants", body).await.status, 201);
    for (client, status) in [(shop.id(), 401), (AZ.to_owned(), 200)] {
        let page = opened(&mut world.browser(), &authorize(&client, &[("scope", &scope)]), "alice").await;
        let (_, tokens) = redeemed(&world, &client, &answered(&page)["code"]).await;
        let access = tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
        assert_eq!(claims(access)["scp"], "user_impersonation");
        for path in ["/v1.0/users", "/v1.0/me"] {
            let answer = world.graph(access, "GET", path, Value::Null).await;
            assert_eq!(answer.status, status, "{client} {path}: {}", answer.body);
        }
    }
}
