//! One-time codes with which people set a new password.

use entrance_testkit::{Entrance, PASSWORD, minutes};
use serde_json::{Value, json};

use crate::authority::AZ;

const STRONG: &str = "plenty of unrelated syllables";

async fn give(world: &Entrance, token: &str, name: &str) -> String {
    let path = format!("/v1.0/users/{name}@contoso.example/authentication/temporaryAccessPassMethods");
    let answer = world.graph(token, "POST", &path, json!({"lifetimeInMinutes": 30, "isUsableOnce": true})).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.text("temporaryAccessPass")
}

/// Sets a password on the page; answers the path that the browser ends on.
async fn set(world: &Entrance, name: &str, code: &str, password: &str) -> (String, String) {
    let mut browser = world.browser();
    let page = browser.get("/welcome").await;
    let fields = [("login", name), ("code", code), ("passwd_new", password), ("passwd_again", password)];
    let page = browser.submit(&page, &fields).await;
    let error = if page.has("welcome-error") { page.text("welcome-error") } else { String::new() };
    assert!(!page.html.contains(password) && !page.path.contains(code), "no secret comes back");
    (page.path, error)
}

async fn signs_in(world: &Entrance, name: &str, password: &str) -> bool {
    let form = [("grant_type", "password"), ("client_id", AZ), ("username", name), ("password", password), ("scope", "openid")];
    world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await.status() == 200
}

#[tokio::test]
async fn a_person_sets_a_password_with_their_code_once_and_all_that_they_held_ends() {
    let world = Entrance::start().await;
    let (admin, alice) = (world.directory_admin("olivia").await, world.user("alice").await);
    let held = world.graph_token(&alice);
    assert_eq!(world.graph(&held, "GET", "/v1.0/me", Value::Null).await.status, 200);
    let code = give(&world, &world.graph_token(&admin), "alice").await;
    world.sleep(minutes(1));
    let name = "Alice@contoso.example";
    assert_eq!(set(&world, name, &code.to_lowercase().replace('-', " "), STRONG).await.0, "/welcome/done");
    assert!(signs_in(&world, "alice@contoso.example", STRONG).await);
    assert!(!signs_in(&world, "alice@contoso.example", PASSWORD).await);
    assert_eq!(world.graph(&held, "GET", "/v1.0/me", Value::Null).await.status, 401, "what they held has ended");
    let (path, error) = set(&world, name, &code, "another set of syllables").await;
    assert_eq!(path, "/welcome", "a code is for one use");
    assert!(!error.is_empty());
    let told = super::told(&world, "user.").await;
    assert_eq!(told.iter().filter(|kind| kind.starts_with("user.pass")).collect::<Vec<_>>(), ["user.passGiven", "user.passUsed"]);
}

#[tokio::test]
async fn r_25_a_wrong_name_and_a_wrong_old_or_replaced_code_are_one_answer() {
    let world = Entrance::start().await;
    let token = world.graph_token(&world.directory_admin("olivia").await);
    let mut mallory = world.user("mallory").await;
    world.user("alice").await;
    world.user("bob").await;
    let replaced = give(&world, &token, "alice").await;
    let code = give(&world, &token, "alice").await;
    let of_mallory = give(&world, &token, "mallory").await;
    mallory.enabled = false;
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().update_user(world.tenant, &mallory).await.expect("the person is there");
    tx.commit().await.expect("commits");
    let mut answers = Vec::new();
    for (name, code) in [
        ("nobody@contoso.example", code.as_str()),
        ("nobody@elsewhere.example", code.as_str()),
        ("bob@contoso.example", code.as_str()),
        ("alice@contoso.example", "ABCD-EFGH-JKLM-NPQR"),
        ("alice@contoso.example", "nonsense"),
        ("alice@contoso.example", replaced.as_str()),
        ("mallory@contoso.example", of_mallory.as_str()),
    ] {
        answers.push(set(&world, name, code, STRONG).await);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    world.sleep(minutes(30));
    assert_eq!(set(&world, "alice@contoso.example", &code, STRONG).await, answers[0], "it is over");
}

#[tokio::test]
async fn s_800_guesses_at_a_code_pause_where_they_come_from_and_not_whose_code_it_is() {
    let world = Entrance::start().await;
    let token = world.graph_token(&world.directory_admin("olivia").await);
    world.user("alice").await;
    let code = give(&world, &token, "alice").await;
    let wrong = set(&world, "alice@contoso.example", "ABCD-EFGH-JKLM-NPQR", STRONG).await;
    for _ in 0..10 {
        assert_eq!(set(&world, "alice@contoso.example", "ABCD-EFGH-JKLM-NPQR", STRONG).await, wrong);
    }
    assert_eq!(set(&world, "alice@contoso.example", &code, STRONG).await.0, "/welcome/done", "no stranger keeps her out");
    let code = give(&world, &token, "alice").await;
    // Whose code it is does not matter, and what was right does not count.
    for n in 0..39 {
        assert_eq!(set(&world, &format!("nobody{n}@contoso.example"), "ABCD-EFGH-JKLM-NPQR", STRONG).await, wrong);
    }
    let paused = set(&world, "alice@contoso.example", &code, STRONG).await;
    assert_ne!(paused.1, wrong.1);
    assert_eq!(paused, set(&world, "alice@contoso.example", "ABCD-EFGH-JKLM-NPQR", STRONG).await);
    world.sleep(minutes(2));
    assert_eq!(set(&world, "alice@contoso.example", &code, STRONG).await.0, "/welcome/done");
}

#[tokio::test]
async fn a_weak_password_does_not_use_the_code_up() {
    let world = Entrance::start().await;
    let token = world.graph_token(&world.directory_admin("olivia").await);
    world.user("alice").await;
    let code = give(&world, &token, "alice").await;
    assert_eq!(set(&world, "alice@contoso.example", &code, "short").await.0, "/welcome");
    assert_eq!(set(&world, "alice@contoso.example", &code, STRONG).await.0, "/welcome/done");
}

#[tokio::test]
async fn s_811_only_administrators_give_codes_and_nobody_reads_one_again() {
    let world = Entrance::start().await;
    let admin = world.graph_token(&world.directory_admin("olivia").await);
    let alice = world.graph_token(&world.user("alice").await);
    let path = "/v1.0/users/alice@contoso.example/authentication/temporaryAccessPassMethods";
    for method in ["GET", "POST"] {
        assert_eq!(world.graph(&alice, method, path, json!({})).await.status, 403, "{method}");
    }
    let made = world.graph(&admin, "POST", path, json!({})).await;
    assert_eq!((made.body["isUsable"].clone(), made.body["lifetimeInMinutes"].clone()), (json!(true), json!(60)));
    let listed = world.graph(&admin, "GET", path, Value::Null).await;
    assert_eq!(listed.body["value"][0]["id"], made.body["id"]);
    assert!(listed.body["value"][0]["temporaryAccessPass"].is_null());
    for bad in [json!({"lifetimeInMinutes": 5}), json!({"lifetimeInMinutes": "x"}), json!({"isUsableOnce": false})] {
        assert_eq!(world.graph(&admin, "POST", path, bad.clone()).await.status, 400, "{bad}");
    }
    let one = format!("{path}/{}", made.text("id"));
    assert_eq!(world.graph(&alice, "DELETE", &one, Value::Null).await.status, 403);
    assert_eq!(world.graph(&admin, "DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(set(&world, "alice@contoso.example", &made.text("temporaryAccessPass"), STRONG).await.0, "/welcome");
}
