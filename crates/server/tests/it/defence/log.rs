use std::time::Duration;

use entrance_testkit::{Entrance, PASSWORD};
use serde_json::{Value, json};

use super::{
    AKS, AZ, RULES, SECRET, by_password, by_secret, credential, made, mfa, number, only, patched, policy, refresh, refresh_token,
    world,
};

const LOG: &str = "/v1.0/auditLogs/signIns";

async fn found(world: &Entrance, token: &str, filter: &str) -> Vec<Value> {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("$filter", filter).finish();
    let answer = world.graph(token, "GET", &format!("{LOG}?{query}"), Value::Null).await;
    assert_eq!(answer.status, 200, "{filter}: {}", answer.body);
    answer.body["value"].as_array().cloned().expect("a list")
}

#[tokio::test]
async fn s_804_every_decision_stands_in_the_log_as_graph_writes_it() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let (app, principal) = world.application("pipeline", |app| app.credentials.push(credential())).await;
    let old = refresh_token(&world, "alice").await;
    world.sleep(Duration::from_secs(1));
    assert_eq!(number(&refresh(&world, &old).await), 0);
    by_password(&world, "alice", "wrong", "openid").await;
    by_password(&world, "nobody", "wrong", "openid").await;
    by_secret(&world, &app.app_id.to_string(), SECRET).await;
    made(&world, &root, policy("second factor", &only(&alice), &mfa())).await;
    let refused = by_password(&world, "alice", PASSWORD, &format!("{AKS}/.default")).await;

    let all = world.graph(&root, "GET", LOG, Value::Null).await;
    assert_eq!(all.body["@odata.context"], format!("{}/v1.0/$metadata#auditLogs/signIns", world.app().base()));
    let all = all.body["value"].as_array().expect("a list");
    let told: Vec<_> = all.iter().map(|one| (one["status"]["errorCode"].as_u64(), one["signInEventTypes"][0].as_str())).collect();
    let (user, app_event) = (Some("interactiveUser"), Some("servicePrincipal"));
    assert_eq!(told[0].0, Some(50076), "the newest first");
    assert_eq!(told[1], (Some(0), app_event));
    assert_eq!((told[2].0, told[3].0), (Some(50126), Some(50126)));
    assert_eq!(told[4], (Some(0), Some("nonInteractiveUser")));
    assert_eq!(told[5], (Some(0), user));

    let newest = &all[0];
    assert_eq!(newest["userPrincipalName"], "alice@contoso.example");
    assert_eq!(newest["userId"], json!(alice.id));
    assert_eq!((newest["appId"].as_str(), newest["appDisplayName"].as_str()), (Some(AZ), Some("Azure CLI")));
    assert_eq!((newest["ipAddress"].as_str(), newest["clientAppUsed"].as_str()), (Some("127.0.0.1"), Some("Other clients")));
    assert_eq!(newest["conditionalAccessStatus"], "failure");
    assert_eq!(newest["correlationId"], refused.1["correlation_id"]);
    assert_eq!(newest["id"], refused.1["trace_id"], "an administrator finds what the person was told");
    let applied = &newest["appliedConditionalAccessPolicies"][0];
    assert_eq!((applied["result"].as_str(), applied["enforcedGrantControls"][0].as_str()), (Some("failure"), Some("mfa")));
    let itself = &all[1];
    assert_eq!(
        (itself["servicePrincipalId"].as_str(), itself["userId"].is_null()),
        (Some(principal.id.to_string().as_str()), true)
    );
    assert_eq!((itself["servicePrincipalName"].as_str(), itself["resourceId"].as_str()), (Some("pipeline"), Some(AKS)));
    assert!(all[2]["userId"].is_null(), "an invented name is nobody's, and is not written down: people type passwords there");
    assert!(!all[2].to_string().contains("nobody@"));

    let one = world.graph(&root, "GET", &format!("{LOG}/{}", newest["id"].as_str().expect("an id")), Value::Null).await;
    assert_eq!(one.body["status"], newest["status"]);
    assert_eq!(world.graph(&root, "GET", &format!("{LOG}/{}", uuid::Uuid::new_v4()), Value::Null).await.status, 404);
}

#[tokio::test]
async fn s_804_the_log_is_searched_by_what_administrators_ask() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    world.user("bob").await;
    by_password(&world, "alice", PASSWORD, "openid").await;
    world.sleep(Duration::from_mins(1));
    let refused = by_password(&world, "bob", "wrong", "openid").await;
    let correlation = refused.1["correlation_id"].as_str().expect("an id");
    for (filter, count) in [
        (format!("userId eq '{}'", alice.id), 1),
        ("userPrincipalName eq 'bob@contoso.example'".to_owned(), 1),
        ("userPrincipalName eq 'carol@contoso.example'".to_owned(), 0),
        ("startswith(userPrincipalName,'al')".to_owned(), 1),
        (format!("appId eq '{AZ}'"), 2),
        (format!("appId eq '{AKS}'"), 0),
        ("status/errorCode eq 50126".to_owned(), 1),
        ("status/errorCode ne 0".to_owned(), 1),
        ("ipAddress eq '127.0.0.1'".to_owned(), 2),
        ("ipAddress eq '127.0.0.2'".to_owned(), 0),
        (format!("correlationId eq '{correlation}'"), 1),
        ("isInteractive eq true".to_owned(), 2),
        ("signInEventTypes/any(t:t eq 'servicePrincipal')".to_owned(), 0),
        ("createdDateTime ge 2026-01-01T00:01:00Z".to_owned(), 1),
        ("createdDateTime lt 2026-01-01T00:01:00Z and status/errorCode eq 0".to_owned(), 1),
        ("createdDateTime ge 2026-01-01T00:00:00Z and createdDateTime le 2026-01-01T00:01:00Z".to_owned(), 2),
    ] {
        assert_eq!(found(&world, &root, &filter).await.len(), count, "{filter}");
    }
    for bad in ["$filter=nonsense eq 1", "$orderby=userId", "$select=id", "$top=0", "$skiptoken=x", "$count=true"] {
        let answer = world.graph(&root, "GET", &format!("{LOG}?{bad}"), Value::Null).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.body);
    }
}

#[tokio::test]
async fn s_804_pages_follow_each_other_in_both_orders_and_without_gaps() {
    let (world, root) = world().await;
    world.user("alice").await;
    for n in 0..7 {
        by_password(&world, "alice", if n % 2 == 0 { PASSWORD } else { "wrong" }, "openid").await;
        world.sleep(Duration::from_secs(1));
    }
    for (order, filter, first, count) in [
        ("createdDateTime desc", None, "2026-01-01T00:00:06Z", 7),
        ("createdDateTime asc", None, "2026-01-01T00:00:00Z", 7),
        ("createdDateTime", Some("status/errorCode eq 0"), "2026-01-01T00:00:00Z", 4),
    ] {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("$top", "2").append_pair("$orderby", order);
        if let Some(filter) = filter {
            query.append_pair("$filter", filter);
        }
        let mut path = format!("{LOG}?{}", query.finish());
        let mut seen: Vec<String> = Vec::new();
        loop {
            let answer = world.graph(&root, "GET", &path, Value::Null).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert!(answer.each("id").len() <= 2);
            seen.extend(answer.each("createdDateTime"));
            let Some(next) = answer.body["@odata.nextLink"].as_str() else { break };
            // Somebody signs in while pages are turned.
            by_password(&world, "alice", "wrong", "openid").await;
            path = next.strip_prefix(world.app().base()).expect("our own address").to_owned();
        }
        assert_eq!(seen.first().map(String::as_str), Some(first), "{order}");
        seen.retain(|at| at.as_str() < "2026-01-01T00:00:07Z");
        seen.dedup();
        assert_eq!(seen.len(), count, "{order} {filter:?}: {seen:?}");
    }
}

#[tokio::test]
async fn s_804_what_was_kept_long_enough_is_forgotten_and_not_before() {
    let (world, root) = world().await;
    world.user("alice").await;
    patched(&world, &root, RULES, json!({"keepSignInLogDays": 2})).await;
    by_password(&world, "alice", PASSWORD, "openid").await;
    world.sleep(Duration::from_hours(36));
    by_password(&world, "alice", PASSWORD, "openid").await;
    let count = async || {
        world.app().store.read().await.expect("reads").authority().decisions(world.tenant, 10).await.expect("reads").len()
    };
    entrance_server::authority::retention::prune(world.app()).await.expect("prunes");
    assert_eq!(count().await, 2);
    world.sleep(Duration::from_hours(13));
    entrance_server::authority::retention::prune(world.app()).await.expect("prunes");
    assert_eq!(count().await, 1);
}
