use entrance_server::Mode;
use entrance_testkit::{Entrance, PASSWORD};

use super::{AKS, AKS_CLIENT, AZ, refusal, signs_in, text, verified};

async fn sign_in(world: &Entrance, name: &str, password: &str) -> reqwest::Response {
    let scope = format!("{AKS}/.default openid offline_access");
    let form =
        [("grant_type", "password"), ("client_id", AKS_CLIENT), ("username", name), ("password", password), ("scope", &scope)];
    world.post("/organizations/oauth2/v2.0/token", &form).await
}

#[tokio::test]
async fn s_250_and_o_06_a_program_may_send_a_password_in_a_demo_only() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let tokens: serde_json::Value = sign_in(&world, "Alice@Contoso.example", PASSWORD).await.json().await.expect("JSON");
    let claims = verified(&world, text(&tokens, "access_token")).await;
    assert_eq!(claims["amr"][0], "pwd");
    assert_eq!(tokens["expires_in"], 900, "S-313: short where a cluster trusts it");

    let serve = Entrance::start_with(|config| config.mode = Mode::Serve).await;
    serve.user("alice").await;
    assert_eq!(refusal(sign_in(&serve, "alice@contoso.example", PASSWORD).await).await.2, 530_035);
}

#[tokio::test]
async fn s_250_an_unknown_name_and_a_wrong_password_are_one_answer() {
    let world = Entrance::start().await;
    world.user("alice").await;
    for name in ["alice@contoso.example", "nobody@contoso.example", "no name@contoso.example"] {
        assert_eq!(refusal(sign_in(&world, name, "wrong").await).await, (400, "invalid_grant".into(), 50126), "{name}");
    }
    assert_eq!(refusal(sign_in(&world, "", "wrong").await).await.2, 900_144);
}

#[tokio::test]
async fn s_800_ten_wrong_passwords_pause_the_right_one_too_and_invented_names_alike() {
    let world = Entrance::start().await;
    world.user("alice").await;
    for name in ["alice@contoso.example", "nobody@contoso.example"] {
        for n in 0..10 {
            assert_eq!(refusal(sign_in(&world, name, &format!("wrong {n}")).await).await.2, 50126);
        }
        let locked = sign_in(&world, name, PASSWORD).await;
        assert_eq!(locked.status(), 400, "{name}");
        assert_eq!(locked.headers()["retry-after"], "1");
        assert_eq!(refusal(locked).await, (400, "invalid_grant".into(), 50053));
    }
    world.sleep(entrance_testkit::minutes(1));
    assert_eq!(sign_in(&world, "alice@contoso.example", PASSWORD).await.status(), 200);
    let decisions = world.app().store.read().await.expect("reads").authority().decisions(world.tenant, 30).await.expect("reads");
    assert_eq!(decisions[0].code, 0);
    assert_eq!(decisions.iter().filter(|decision| decision.code == 50053).count(), 2);
    assert_eq!(decisions.iter().filter(|decision| decision.code == 50126).count(), 20);
}

#[tokio::test]
async fn s_800_the_same_wrong_password_does_not_pause_anybody() {
    let world = Entrance::start().await;
    world.user("alice").await;
    for _ in 0..15 {
        assert_eq!(refusal(sign_in(&world, "alice@contoso.example", "last year's").await).await.2, 50126);
    }
    assert_eq!(sign_in(&world, "alice@contoso.example", PASSWORD).await.status(), 200);
}

#[tokio::test]
async fn s_250_a_disabled_account_says_so_only_after_the_right_password() {
    let world = Entrance::start().await;
    let mut alice = world.user("alice").await;
    alice.enabled = false;
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().update_user(world.tenant, &alice).await.expect("updates");
    tx.commit().await.expect("commits");
    assert_eq!(refusal(sign_in(&world, "alice@contoso.example", "wrong").await).await.2, 50126);
    assert_eq!(refusal(sign_in(&world, "alice@contoso.example", PASSWORD).await).await.2, 50057);
}

#[tokio::test]
async fn s_304_kubelogins_client_may_not_ask_for_the_resource_manager() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let ask = async |client: &str, scope: &str| signs_in(&world, client, scope).await;
    assert_eq!(
        refusal(ask(AKS_CLIENT, "https://management.azure.com/.default").await).await,
        (400, "invalid_request".into(), 65002)
    );
    assert_eq!(refusal(ask(AZ, &format!("{AKS}/no.such.scope")).await).await, (400, "invalid_client".into(), 650_053));
    assert_eq!(refusal(ask(AZ, &format!("{AKS}/.default {AKS}/user.read")).await).await.2, 70011);
    assert_eq!(refusal(ask(AZ, &format!("{AKS}/.default https://graph.microsoft.com/.default")).await).await.2, 28000);
}
