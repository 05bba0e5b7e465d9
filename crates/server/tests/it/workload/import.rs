//! Many people in one step: all or nothing.

use entrance_testkit::Entrance;
use serde_json::{Value, json};

fn person(name: &str) -> Value {
    json!({
        "accountEnabled": true, "displayName": name, "mailNickname": name,
        "userPrincipalName": format!("{name}@contoso.example"),
    })
}

#[tokio::test]
async fn people_are_imported_together_and_get_codes_where_they_have_no_password() {
    let world = Entrance::start().await;
    let token = world.graph_token(&world.directory_admin("olivia").await);
    let mut with_password = person("bob");
    with_password["passwordProfile"] = json!({"password": "plenty of unrelated syllables"});
    let body = json!({"users": [person("alice"), with_password], "passes": true});
    let rehearsed = json!({"users": body["users"], "dryRun": true});
    assert_eq!(world.graph(&token, "POST", "/v1.0/entrance/importUsers", rehearsed).await.status, 200);
    assert_eq!(world.graph(&token, "GET", "/v1.0/users/alice@contoso.example", Value::Null).await.status, 404);
    let made = world.graph(&token, "POST", "/v1.0/entrance/importUsers", body).await;
    assert_eq!(made.each("userPrincipalName"), ["alice@contoso.example", "bob@contoso.example"]);
    assert_eq!(made.body["value"][0]["temporaryAccessPass"].as_str().map(str::len), Some(19));
    assert!(made.body["value"][1]["temporaryAccessPass"].is_null());
    assert_eq!(world.graph(&token, "GET", "/v1.0/users/alice@contoso.example", Value::Null).await.status, 200);
    let told = super::told(&world, "user.").await;
    assert_eq!(told.iter().filter(|kind| *kind == "user.created").count(), 2);
    assert!(told.contains(&"user.imported".to_owned()));
}

#[tokio::test]
async fn one_mistake_stops_all_and_every_mistake_has_its_place() {
    let world = Entrance::start().await;
    let token = world.graph_token(&world.directory_admin("olivia").await);
    world.user("taken").await;
    let mut weak = person("carol");
    weak["passwordProfile"] = json!({"password": "short"});
    let mut elsewhere = person("dora");
    elsewhere["userPrincipalName"] = "dora@elsewhere.example".into();
    let mut unknown = person("emil");
    unknown["shoeSize"] = 44.into();
    let users = json!([person("alice"), weak, person("taken"), elsewhere, unknown, person("ALICE"), {"displayName": "x"}]);
    let answer = world.graph(&token, "POST", "/v1.0/entrance/importUsers", json!({"users": users})).await;
    assert_eq!(answer.status, 400);
    let details = answer.body["error"]["details"].as_array().cloned().unwrap_or_default();
    let places: Vec<&str> = details.iter().filter_map(|one| one["target"].as_str()).collect();
    assert_eq!(places, ["users[1]", "users[2]", "users[3]", "users[4]", "users[5]", "users[6]"]);
    assert_eq!(world.graph(&token, "GET", "/v1.0/users/alice@contoso.example", Value::Null).await.status, 404);
}

#[tokio::test]
async fn s_811_only_administrators_import() {
    let world = Entrance::start().await;
    let alice = world.graph_token(&world.user("alice").await);
    let body = json!({"users": [person("bob")]});
    assert_eq!(world.graph(&alice, "POST", "/v1.0/entrance/importUsers", body).await.status, 403);
    assert_eq!(world.post("/v1.0/entrance/importUsers", &[]).await.status(), 401);
}
