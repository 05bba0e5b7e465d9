//! What holds for every request (G-001 to G-020).

use std::time::Duration;

use entrance_testkit::Entrance;
use serde_json::{Value, json};

use super::{Caller, new_group};

#[tokio::test]
async fn g_001_both_versions_serve_the_same() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let id = admin.post(&world, "/beta/groups", new_group("platform")).await.text("id");
    let answer = admin.get(&world, &format!("/v1.0/groups/{id}")).await;
    assert_eq!(answer.text("displayName"), "platform");
    assert_eq!(answer.text("@odata.context"), format!("{}/v1.0/$metadata#groups/$entity", world.app().base()));
    let beta = admin.get(&world, &format!("/beta/groups/{id}")).await;
    assert_eq!(beta.text("@odata.context"), format!("{}/beta/$metadata#groups/$entity", world.app().base()));
}

#[tokio::test]
async fn g_002_keys_come_in_every_form() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let app = admin.post(&world, "/v1.0/applications", json!({"displayName": "shop"})).await;
    let (id, app_id) = (app.text("id"), app.text("appId"));
    for path in [
        format!("/v1.0/applications/{id}"),
        format!("/v1.0/Applications('{}')", id.to_uppercase()),
        format!("/v1.0/applications(appId='{app_id}')"),
        format!("/v1.0/applications(appId=%27{app_id}%27)"),
    ] {
        assert_eq!(admin.get(&world, &path).await.outcome(), "200", "{path}");
    }
    let upn = admin.user.upn.as_str();
    for path in [format!("/v1.0/users/{}", upn.to_uppercase()), format!("/v1.0/users('{upn}')")] {
        assert_eq!(admin.get(&world, &path).await.outcome(), "200", "{path}");
    }
}

#[tokio::test]
async fn g_003_a_token_that_is_no_good_is_told_apart() {
    let world = Entrance::start().await;
    let alice = Caller::member(&world, "alice").await;
    let nothing = Entrance::answer(world.get("/v1.0/me").await).await;
    assert_eq!(nothing.outcome(), "401 InvalidAuthenticationToken: Access token is empty.");
    let challenge = nothing.headers["www-authenticate"].to_str().expect("text").to_owned();
    assert_eq!(
        challenge,
        format!(
            r#"Bearer realm="", authorization_uri="{}/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000""#,
            world.app().base()
        )
    );
    let forged = world.graph("abc.def.ghi", "GET", "/v1.0/me", Value::Null).await;
    assert_eq!(forged.outcome(), "401 InvalidAuthenticationToken: Access token validation failure.");

    let mut claims = world.claims_of(&alice.user);
    claims["aud"] = "6dae42f8-4368-4678-94ff-3960e28e3630".into();
    let elsewhere = world.graph(&world.token(&claims), "GET", "/v1.0/me", Value::Null).await;
    assert_eq!(elsewhere.outcome(), "401 InvalidAuthenticationToken: Access token validation failure. Invalid audience.");

    claims["aud"] = "https://management.core.windows.net/".into();
    let arm = world.graph(&world.token(&claims), "GET", "/v1.0/me", Value::Null).await;
    assert_eq!(arm.outcome(), "200", "`az rest` sends the resource manager's token to any address of ours");

    world.sleep(Duration::from_hours(2));
    let late = alice.get(&world, "/v1.0/me").await;
    assert_eq!(late.outcome(), "401 InvalidAuthenticationToken: Access token has expired or is not yet valid.");
}

#[tokio::test]
async fn g_003_a_token_of_another_tenant_sees_only_that_tenant() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let mut claims = world.claims_of(&admin.user);
    claims["tid"] = "00000000-0000-4000-8000-00000000000f".into();
    claims["iss"] = format!("{}/00000000-0000-4000-8000-00000000000f/", world.app().base()).into();
    let foreign = world.graph(&world.token(&claims), "GET", "/v1.0/users", Value::Null).await;
    assert_eq!(foreign.status, 401);
}

#[tokio::test]
async fn g_005_every_answer_carries_the_headers_of_odata() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let answer = admin.post(&world, "/v1.0/groups", new_group("platform")).await;
    assert_eq!(answer.headers["odata-version"], "4.0");
    assert_eq!(answer.headers["cache-control"], "no-cache");
    assert_eq!(answer.headers["request-id"].len(), 36);
    assert_eq!(
        answer.headers["content-type"],
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    );
    let location = format!("{}/v1.0/groups/{}", world.app().base(), answer.text("id"));
    assert_eq!(answer.headers["location"], location);
}

#[tokio::test]
async fn g_006_one_object_never_has_a_member_called_value() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let group = admin.post(&world, "/v1.0/groups", new_group("platform")).await.text("id");
    for path in ["/v1.0/me".to_owned(), format!("/v1.0/groups/{group}"), format!("/v1.0/organization/{}", world.tenant)] {
        let answer = admin.get(&world, &path).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.get("value").is_none(), "{path}");
    }
}

#[tokio::test]
async fn g_007_bodies_are_checked() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let with = |name: &str, value: Value| {
        let mut body = new_group("platform");
        body[name] = value;
        body
    };
    let outcome = async |body| admin.post(&world, "/v1.0/groups", body).await.outcome();
    assert_eq!(outcome(with("nonsense", json!(1))).await, "400 Request_BadRequest: Invalid property 'nonsense'.");
    assert_eq!(
        outcome(with("displayName", json!(1))).await,
        "400 Request_BadRequest: Invalid value specified for property 'displayName' of resource 'Group'."
    );
    assert_eq!(
        outcome(with("displayName", Value::Null)).await,
        "400 Request_BadRequest: A value is required for property 'displayName' of resource 'Group'."
    );
    assert_eq!(outcome(with("@odata.type", json!("#microsoft.graph.group"))).await, "201");
    let raw = async |body: Vec<u8>| {
        let request = world.client.post(world.url("/v1.0/groups")).bearer_auth(&admin.token).body(body);
        Entrance::answer(request.send().await.expect("answers")).await.outcome()
    };
    assert!(raw(b"{".to_vec()).await.starts_with("400 Request_BadRequest: Unable to read JSON request payload."));
    assert!(raw(Vec::new()).await.starts_with("400 Request_BadRequest: Unable to read JSON request payload."));
    assert!(raw(b"[".repeat(10_000)).await.starts_with("400 Request_BadRequest: The JSON request payload is nested too deeply."));
    assert!(raw(b" ".repeat(5 * 1024 * 1024)).await.starts_with("413 "));
}

#[tokio::test]
async fn g_020_refusals_have_one_shape() {
    let world = Entrance::start().await;
    let admin = Caller::admin(&world).await;
    let unknown = admin.get(&world, "/v1.0/nonsense").await;
    assert_eq!(unknown.outcome(), "400 BadRequest: Resource not found for the segment 'nonsense'.");
    let inner = &unknown.body["error"]["innerError"];
    assert_eq!(inner["date"], "2026-01-01T00:00:00");
    assert_eq!(inner["request-id"], unknown.headers["request-id"].to_str().expect("text"));
    let wrong = admin.delete(&world, "/v1.0/groups").await;
    assert_eq!(wrong.outcome(), "405 Request_BadRequest: Specified HTTP method is not allowed for the request target.");
    let id = "00000000-0000-4000-8000-000000000000";
    let gone = admin.get(&world, &format!("/v1.0/groups/{id}")).await;
    assert_eq!(
        gone.outcome(),
        format!(
            "404 Request_ResourceNotFound: Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        )
    );
}

#[tokio::test]
async fn g_500_the_organisation_and_its_domains_are_shown() {
    let world = Entrance::start().await;
    let alice = Caller::member(&world, "alice").await;
    let organization = alice.get(&world, "/v1.0/organization").await;
    assert_eq!(organization.each("id"), [world.tenant.to_string()]);
    assert_eq!(organization.body["value"][0]["verifiedDomains"][0]["name"], "contoso.example");
    assert_eq!(alice.get(&world, "/v1.0/domains").await.each("id"), ["contoso.example"]);
    assert_eq!(alice.get(&world, "/v1.0/domains/contoso.example").await.body["isVerified"], true);
}
