//! People (G-200 to G-204).

use std::time::Duration;

use entrance_testkit::{Entrance, PASSWORD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Caller;

fn new_user(name: &str) -> Value {
    json!({
        "accountEnabled": true, "displayName": name, "mailNickname": name,
        "userPrincipalName": format!("{name}@contoso.example"),
        "passwordProfile": {"password": "tree lamp 42", "forceChangePasswordNextSignIn": false},
    })
}

#[tokio::test]
async fn g_202_a_person_is_made_and_their_password_never_comes_back() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let made = admin.post(&world, "/v1.0/users", new_user("bob")).await;
    assert_eq!(made.status, 201);
    let keys: Vec<_> = made.body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "@odata.context",
            "id",
            "businessPhones",
            "displayName",
            "givenName",
            "jobTitle",
            "mail",
            "mobilePhone",
            "officeLocation",
            "preferredLanguage",
            "surname",
            "userPrincipalName"
        ]
    );
    assert!(
        !admin.get(&world, "/v1.0/users/bob@contoso.example?$select=passwordProfile").await.body.to_string().contains("tree")
    );
    let app = world.app();
    let id = made.text("id").parse().expect("an id");
    let hash = app.store.read().await.expect("reads").directory().password_hash(world.tenant, id).await.expect("reads");
    assert!(app.hasher.verify(hash, Zeroizing::new("tree lamp 42".into())).await);
}

#[tokio::test]
async fn g_091_a_name_belongs_to_one_person() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    admin.post(&world, "/v1.0/users", new_user("bob")).await;
    let mut again = new_user("bob");
    again["userPrincipalName"] = "BOB@contoso.example".into();
    let answer = admin.post(&world, "/v1.0/users", again).await;
    assert_eq!(
        answer.outcome(),
        "400 Request_BadRequest: Another object with the same value for property userPrincipalName already exists."
    );
    assert_eq!(answer.body["error"]["details"][0]["code"], "ObjectConflict");
    assert_eq!(answer.body["error"]["details"][0]["target"], "userPrincipalName");
}

#[tokio::test]
async fn g_202_what_is_missing_or_weak_is_refused() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    for (property, told) in [
        ("accountEnabled", "accountEnabled"),
        ("displayName", "displayName"),
        ("mailNickname", "mailNickname"),
        ("userPrincipalName", "userPrincipalName"),
        ("passwordProfile", "passwordProfile"),
    ] {
        let mut body = new_user("bob");
        body.as_object_mut().expect("an object").remove(property);
        let answer = admin.post(&world, "/v1.0/users", body).await;
        assert_eq!(answer.message(), format!("A value is required for property '{told}' of resource 'User'."));
    }
    let outcome = async |name: &str, value: Value| {
        let mut body = new_user("bob");
        body[name] = value;
        admin.post(&world, "/v1.0/users", body).await.outcome()
    };
    assert!(
        outcome("userPrincipalName", json!("bob@elsewhere.example"))
            .await
            .starts_with("400 Request_BadRequest: The domain portion")
    );
    for weak in ["short", "P@ssw0rd", "contoso1234"] {
        let answer = outcome("passwordProfile", json!({"password": weak})).await;
        assert!(answer.contains("does not comply with password complexity requirements"), "{weak}: {answer}");
    }
}

#[tokio::test]
async fn g_203_a_change_of_the_password_ends_what_was_before() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let alice = Caller::member(&world, "alice").await;
    assert_eq!(alice.get(&world, "/v1.0/me").await.status, 200);
    world.sleep(Duration::from_mins(1));
    let change = json!({"passwordProfile": {"password": "another tree lamp", "forceChangePasswordNextSignIn": true}});
    assert_eq!(alice.patch(&world, "/v1.0/users/alice@contoso.example", change.clone()).await.status, 403);
    assert_eq!(admin.patch(&world, "/v1.0/users/alice@contoso.example", change).await.outcome(), "204");
    assert_eq!(alice.get(&world, "/v1.0/me").await.status, 401);
    let app = world.app();
    let mut reader = app.store.read().await.expect("reads");
    let hash = reader.directory().password_hash(world.tenant, alice.user.id).await.expect("reads");
    assert!(!app.hasher.verify(hash, Zeroizing::new(PASSWORD.into())).await);
    let user = reader.directory().user(world.tenant, alice.user.id).await.expect("reads").expect("exists");
    assert!(user.must_change_password);
}

#[tokio::test]
async fn g_203_a_disabled_person_is_out_at_once_and_old_tokens_stay_void() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let alice = Caller::member(&world, "alice").await;
    world.sleep(Duration::from_mins(1));
    let path = "/v1.0/users/alice@contoso.example";
    assert_eq!(admin.patch(&world, path, json!({"accountEnabled": false, "displayName": "Alicia"})).await.outcome(), "204");
    assert_eq!(alice.get(&world, "/v1.0/me").await.status, 401);
    assert_eq!(admin.patch(&world, path, json!({"accountEnabled": true})).await.outcome(), "204");
    assert_eq!(alice.get(&world, "/v1.0/me").await.status, 401);
    assert_eq!(admin.get(&world, &format!("{path}?$select=displayName,accountEnabled")).await.body["displayName"], "Alicia");
}

#[tokio::test]
async fn g_200_sessions_are_revoked_by_oneself_or_an_administrator() {
    let world = Entrance::start().await;
    let (alice, bob) = (Caller::member(&world, "alice").await, Caller::member(&world, "bob").await);
    world.sleep(Duration::from_mins(1));
    assert_eq!(bob.post(&world, "/v1.0/users/alice@contoso.example/revokeSignInSessions", Value::Null).await.status, 403);
    let revoked = alice.post(&world, "/v1.0/me/revokeSignInSessions", Value::Null).await;
    assert_eq!((revoked.status, revoked.body["value"].clone()), (200, json!(true)));
    let answer = alice.get(&world, "/v1.0/me").await;
    assert_eq!(answer.status, 401);
    let fresh = world.graph_token(&alice.user);
    assert_eq!(world.graph(&fresh, "GET", "/v1.0/me", Value::Null).await.status, 200);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let path = format!("/v1.0/users/{}", admin.user.id);
    assert_eq!(admin.patch(&world, &path, json!({"accountEnabled": false})).await.status, 400);
    assert_eq!(admin.delete(&world, &path).await.status, 400);
    world.directory_admin("second").await;
    assert_eq!(admin.delete(&world, &path).await.outcome(), "204");
}

#[tokio::test]
async fn a_name_that_entered_a_cluster_is_held_back() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let alice = world.user("alice").await;
    let app = world.app();
    let mut tx = app.store.write().await.expect("writes");
    tx.directory().hold_name(world.tenant, alice.upn.as_str(), alice.id.into(), app.now()).await.expect("writes");
    tx.commit().await.expect("commits");
    assert_eq!(admin.delete(&world, "/v1.0/users/alice@contoso.example").await.outcome(), "204");
    let again = admin.post(&world, "/v1.0/users", new_user("alice")).await;
    assert!(again.message().contains("held back"), "{}", again.outcome());
    let mut tx = app.store.write().await.expect("writes");
    tx.directory().release_name(world.tenant, alice.upn.as_str()).await.expect("writes");
    tx.commit().await.expect("commits");
    assert_eq!(admin.post(&world, "/v1.0/users", new_user("alice")).await.status, 201);
}

#[tokio::test]
async fn people_change_the_few_facts_about_themselves() {
    let world = Entrance::start().await;
    let alice = Caller::member(&world, "alice").await;
    assert_eq!(alice.patch(&world, "/v1.0/me", json!({"mobilePhone": "+1 555 0100"})).await.outcome(), "204");
    assert_eq!(alice.get(&world, "/v1.0/me").await.text("mobilePhone"), "+1 555 0100");
    assert_eq!(alice.patch(&world, "/v1.0/me", json!({"displayName": "Boss"})).await.status, 403);
    assert_eq!(alice.patch(&world, "/v1.0/me", json!({"mobilePhone": "1", "displayName": "Boss"})).await.status, 403);
}
