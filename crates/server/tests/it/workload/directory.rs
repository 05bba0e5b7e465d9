//! `federatedIdentityCredentials` with expressions (G-404).

use entrance_testkit::Entrance;
use serde_json::{Value, json};

#[tokio::test]
async fn g_404_a_flexible_credential_is_made_shown_changed_and_deleted_like_an_exact_one() {
    let world = Entrance::start().await;
    let admin = world.graph_token(&world.directory_admin("olivia").await);
    let (app, _) = world.application("pipeline", |_| {}).await;
    let path = format!("/beta/applications/{}/federatedIdentityCredentials", app.id);
    let expression = "claims['sub'] matches 'repo:contoso/*'";
    let body = json!({
        "name": "any-branch", "issuer": "https://token.actions.githubusercontent.com",
        "audiences": ["api://AzureADTokenExchange"],
        "claimsMatchingExpression": {"value": expression, "languageVersion": 1},
    });
    let made = world.graph(&admin, "POST", &path, body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["claimsMatchingExpression"], json!({"value": expression, "languageVersion": 1}));
    assert!(made.body["subject"].is_null());
    let mut again = body.clone();
    again["name"] = "another".into();
    assert_eq!(world.graph(&admin, "POST", &path, again).await.status, 409, "the same issuer and expression");
    let one = format!("{path}/any-branch");
    let narrower = "claims['sub'] eq 'repo:contoso/shop:ref:refs/heads/main'";
    let change = json!({"claimsMatchingExpression": {"value": narrower, "languageVersion": 1}});
    assert_eq!(world.graph(&admin, "PATCH", &one, change).await.status, 204);
    let shown = world.graph(&admin, "GET", &one, Value::Null).await;
    assert_eq!(shown.body["claimsMatchingExpression"]["value"], narrower);
    assert_eq!(world.graph(&admin, "PATCH", &one, json!({"subject": "repo:contoso/shop:x"})).await.status, 204);
    let shown = world.graph(&admin, "GET", &one, Value::Null).await;
    assert_eq!((&shown.body["subject"], &shown.body["claimsMatchingExpression"]), (&json!("repo:contoso/shop:x"), &Value::Null));
    assert_eq!(world.graph(&admin, "DELETE", &one, Value::Null).await.status, 204);
}

#[tokio::test]
async fn g_404_an_expression_that_strangers_could_match_is_refused_with_the_reason() {
    let world = Entrance::start().await;
    let admin = world.graph_token(&world.directory_admin("olivia").await);
    let (app, _) = world.application("pipeline", |_| {}).await;
    let path = format!("/beta/applications/{}/federatedIdentityCredentials", app.id);
    let with = |more: Value| {
        let mut body = json!({"name": "any", "issuer": "https://ci.example", "audiences": ["a"]});
        for (name, value) in more.as_object().expect("an object") {
            body[name.as_str()] = value.clone();
        }
        body
    };
    for (more, says) in [
        (json!({"claimsMatchingExpression": {"value": "claims['sub'] matches '*'"}}), "whose tokens"),
        (json!({"claimsMatchingExpression": {"value": "claims['sub'] matches 'repo:*'"}}), "whose tokens"),
        (json!({"claimsMatchingExpression": {"value": "sub == 'x'"}}), "reads"),
        (json!({"claimsMatchingExpression": {"value": "claims['sub'] eq 'x'", "languageVersion": 2}}), "Invalid value"),
        (json!({"claimsMatchingExpression": {"value": 7}}), "Invalid value"),
        (json!({"claimsMatchingExpression": {"value": "claims['sub'] eq 'x'"}, "subject": "x"}), "either"),
        (json!({}), "A value is required for property 'subject'"),
    ] {
        let answer = world.graph(&admin, "POST", &path, with(more.clone())).await;
        assert_eq!(answer.status, 400, "{more}");
        assert!(answer.message().contains(says), "{more}: {}", answer.message());
    }
}
