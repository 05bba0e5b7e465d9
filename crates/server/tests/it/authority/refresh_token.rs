use entrance_model::signin::refresh::RefreshError;
use entrance_testkit::{Entrance, minutes};
use serde_json::Value;

use super::{AKS, AKS_CLIENT, AZ, refusal, signs_in, text, verified};

const POWERSHELL: &str = "1950a258-227b-4e31-a9cf-717495945fc2";

async fn tokens(world: &Entrance, client: &str, scope: &str) -> Value {
    let answer = signs_in(world, client, scope).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}

async fn refresh(world: &Entrance, client: &str, token: &str, scope: &str) -> reqwest::Response {
    let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token), ("scope", scope)];
    world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await
}

#[tokio::test]
async fn s_220_one_refresh_token_opens_every_resource_of_its_client() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let base = world.app().base().to_owned();
    let mut current =
        text(&tokens(&world, AZ, &format!("{base}/arm/.default offline_access openid")).await, "refresh_token").to_owned();
    for (scope, audience) in [
        (format!("{base}//.default offline_access openid profile"), format!("{base}/")),
        (format!("{AKS}/.default offline_access openid profile"), AKS.into()),
        (String::new(), format!("{base}/arm")),
    ] {
        let answer: Value = refresh(&world, AZ, &current, &scope).await.json().await.expect("JSON");
        assert_eq!(text(&verified(&world, text(&answer, "access_token")).await, "aud"), audience);
        assert_ne!(text(&answer, "refresh_token"), current, "every use gives a new one");
        text(&answer, "refresh_token").clone_into(&mut current);
    }
}

#[tokio::test]
async fn s_220_and_o_07_a_used_token_works_for_a_minute_and_then_ends_the_whole_family() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let first = tokens(&world, AZ, "openid offline_access").await;
    let old = text(&first, "refresh_token");
    let answer: Value = refresh(&world, AZ, old, "openid offline_access").await.json().await.expect("JSON");
    let new = text(&answer, "refresh_token").to_owned();
    world.sleep(minutes(1));
    assert_eq!(refresh(&world, AZ, old, "openid").await.status(), 200, "a process beside");
    world.sleep(std::time::Duration::from_secs(1));
    assert_eq!(refusal(refresh(&world, AZ, old, "openid").await).await, (400, "invalid_grant".into(), 50173));
    assert_eq!(refusal(refresh(&world, AZ, &new, "openid").await).await.2, 50173, "the family ended");
    let trail = world.app().store.read().await.expect("reads").audit_trail(world.tenant, 5).await.expect("reads");
    assert!(trail.iter().any(|row| row.kind == "refreshToken.replayed"));
}

#[tokio::test]
async fn s_220_and_o_16_family_members_share_and_others_are_told_that_it_is_not_theirs() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let first = tokens(&world, AZ, "openid offline_access").await;
    assert_eq!(text(&first, "foci"), "1");
    let shared: Value = refresh(&world, POWERSHELL, text(&first, "refresh_token"), "openid").await.json().await.expect("JSON");
    assert_eq!(text(&shared, "foci"), "1");
    let foreign = refresh(&world, AKS_CLIENT, text(&shared, "refresh_token"), &format!("{AKS}/.default")).await;
    let body: Value = foreign.json().await.expect("JSON");
    assert_eq!((text(&body, "error"), text(&body, "suberror")), ("invalid_grant", "client_mismatch"));
}

#[tokio::test]
async fn kubelogins_refresh_token_opens_clusters_and_nothing_else() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let first = tokens(&world, AKS_CLIENT, &format!("{AKS}/.default openid offline_access profile")).await;
    let token = text(&first, "refresh_token");
    assert_eq!(refusal(refresh(&world, AKS_CLIENT, token, "https://graph.microsoft.com/User.Read").await).await.2, 65002);
    assert_eq!(refusal(refresh(&world, AKS_CLIENT, token, "https://management.azure.com/.default").await).await.2, 65002);
    assert_eq!(refresh(&world, AKS_CLIENT, token, &format!("{AKS}/.default")).await.status(), 200);
}

#[tokio::test]
async fn s_220_a_token_ends_at_once_with_the_account_or_its_sessions() {
    let world = Entrance::start().await;
    let mut alice = world.user("alice").await;
    let first = tokens(&world, AZ, "openid offline_access").await;
    world.sleep(minutes(1));
    let save = async |user: &entrance_model::directory::User| {
        let mut tx = world.app().store.write().await.expect("writes");
        tx.directory().update_user(world.tenant, user).await.expect("updates");
        tx.commit().await.expect("commits");
    };
    alice.enabled = false;
    save(&alice).await;
    let refused = refresh(&world, AZ, text(&first, "refresh_token"), "openid").await;
    assert_eq!(refused.headers()["retry-after"], "1", "azure-cli 1.3: it can heal");
    assert_eq!(refusal(refused).await, (400, "invalid_grant".into(), 50057));
    alice.enabled = true;
    alice.sessions_valid_from = world.app().now();
    save(&alice).await;
    assert_eq!(
        u64::from(RefreshError::Revoked.number().code()),
        refusal(refresh(&world, AZ, text(&first, "refresh_token"), "openid").await).await.2
    );
    assert_eq!(refusal(refresh(&world, AZ, "1.garbage", "openid").await).await, (400, "invalid_grant".into(), 9_002_313));
}
