use entrance_testkit::{Entrance, PASSWORD};
use serde_json::json;

use super::{answer, arm, at_home, by_password, told, upn};

const BREACHED: &str = "sunflower piano basement";
const NEW: &str = "a better battery staple";

/// SHA-1 of [`BREACHED`] and of [`PASSWORD`], sorted and counted as Have I Been Pwned does.
const LIST: &str = "00000000000000000000000000000000000000AA:5\r\n\
    39AF2753D96735B7D9A800383E0D32BEE1C4E9DA:3\r\n98DECC62ECE399A22ED30D490EF333BE7FDE7385:12\r\nFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFAA:1\r\n";

/// The line of [`PASSWORD`].
const PASSWORD_LINE: &str = "98DECC62ECE399A22ED30D490EF333BE7FDE7385:12\r\n";

/// A server with a list of breached passwords, which outlives the call.
async fn world(list: &str) -> (Entrance, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), list).expect("writes");
    let path = file.path().to_owned();
    (Entrance::start_with(|config| config.breached_passwords = Some(path)).await, file)
}

#[tokio::test]
async fn s_801_and_aadsts_50135_a_breached_password_signs_nobody_in_and_has_to_be_changed() {
    let (world, _file) = world(LIST).await;
    world.user("alice").await;
    let refused = by_password(&world, "alice").await;
    assert_eq!((&refused["error_codes"][0], &refused["suberror"]), (&json!(50135), &json!("user_password_expired")), "{refused}");
    assert!(refused["error_description"].as_str().expect("words").contains("breach"), "{refused}");
    assert!(told(&world).await.contains(&"password.breached".to_owned()));

    let mut browser = world.browser();
    let page = browser.get(&arm(&world)).await;
    let page = browser.sign_in(&page, &upn("alice"), PASSWORD).await;
    assert!(page.path.starts_with("/signin/password?flow=") && page.has("password-new"), "{}", page.html);
    let fields = |new: &'static str| [("passwd_old", PASSWORD), ("passwd_new", new), ("passwd_again", new)];
    let again = browser.submit(&page, &fields(BREACHED)).await;
    assert!(again.text("password-error").starts_with("That password was found in a breach"), "{}", again.html);
    let page = browser.submit(&page, &fields(NEW)).await;
    assert!(answer(&page).contains_key("code"), "{}", page.html);
}

#[tokio::test]
async fn s_801_nobody_is_given_a_breached_password() {
    let (world, _file) = world(&LIST.replace(PASSWORD_LINE, "")).await;
    let admin = world.directory_admin("admin").await;
    let token = world.graph_token(&admin);
    let person = |password: &str| {
        json!({"accountEnabled": true, "displayName": "Bob", "mailNickname": "bob", "userPrincipalName": "bob@contoso.example",
               "passwordProfile": {"password": password, "forceChangePasswordNextSignIn": false}})
    };
    let refused = world.graph(&token, "POST", "/v1.0/users", person(BREACHED)).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body["error"]["message"].as_str().expect("words").contains("password complexity"), "{}", refused.body);
    assert_eq!(world.graph(&token, "POST", "/v1.0/users", person(NEW)).await.status, 201);
    // Whose password is in no list notices nothing.
    let (_, page) = at_home(&world, "admin").await;
    assert!(page.has("me-sessions"), "{}", page.html);
}
