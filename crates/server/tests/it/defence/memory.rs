//! What is kept in memory between token requests never outlives a change: the request after its answer sees it.
//!
//! Each story asks twice before it changes something, so that memory holds what is about to be wrong.

use entrance_model::directory::{AppRoleAssignment, Application, Member, MemberKind, ServicePrincipal, User};
use entrance_model::id::MethodId;
use entrance_model::signin::revocation::Target;
use entrance_store::Tx;
use entrance_store::authority::Revoke;
use entrance_store::factors::KeptTotp;
use entrance_testkit::{Entrance, PASSWORD};
use serde_json::Value;
use uuid::Uuid;

use super::{AKS, GRAPH, SECRET, block, by_password, by_secret, credential, made, number, only, policy, refresh, world};

async fn change(world: &Entrance, change: impl AsyncFnOnce(&mut Tx)) {
    let mut tx = world.app().store.write().await.expect("begins");
    change(&mut tx).await;
    tx.commit().await.expect("commits");
}

/// What an application is told twice.
async fn twice(world: &Entrance, app: &Application) -> u64 {
    let id = app.app_id.to_string();
    let first = number(&by_secret(world, &id, SECRET).await);
    assert_eq!(number(&by_secret(world, &id, SECRET).await), first);
    first
}

async fn keep_principal(world: &Entrance, principal: &ServicePrincipal) {
    change(world, async |tx| {
        tx.directory().update_service_principal(world.tenant, principal).await.expect("updates");
    })
    .await;
}

async fn keep_user(world: &Entrance, user: &User) {
    change(world, async |tx| tx.directory().update_user(world.tenant, user).await.expect("updates")).await;
}

#[tokio::test]
async fn s_240_an_application_loses_its_next_token_with_whatever_it_rested_on() {
    let world = Entrance::start().await;
    let (app, principal) = world.application("pipeline", |app| app.credentials.push(credential())).await;
    assert_eq!(twice(&world, &app).await, 0);

    keep_principal(&world, &ServicePrincipal { enabled: false, ..principal.clone() }).await;
    assert_eq!(twice(&world, &app).await, 7_000_112, "it is disabled");
    keep_principal(&world, &principal).await;
    assert_eq!(twice(&world, &app).await, 0);

    let bare = Application { credentials: Vec::new(), ..app.clone() };
    change(&world, async |tx| tx.directory().update_application(world.tenant, &bare).await.expect("updates")).await;
    assert_eq!(twice(&world, &app).await, 7_000_215, "its secret is gone");
    change(&world, async |tx| tx.directory().update_application(world.tenant, &app).await.expect("updates")).await;
    assert_eq!(twice(&world, &app).await, 0);

    let mut reader = world.app().store.read().await.expect("reads");
    let clusters = reader.directory().service_principal_of(world.tenant, AKS.parse().expect("an id")).await.expect("reads");
    drop(reader);
    let clusters = clusters.expect("is there");
    keep_principal(&world, &ServicePrincipal { assignment_required: true, ..clusters.clone() }).await;
    assert_eq!(twice(&world, &app).await, 501_051, "nobody assigned it");
    let role = AppRoleAssignment {
        id: Uuid::new_v4(),
        principal: Member { id: principal.id.into(), kind: MemberKind::ServicePrincipal },
        resource: clusters.id,
        role: Uuid::nil(),
        created: world.app().now(),
    };
    change(&world, async |tx| tx.directory().insert_app_role(world.tenant, &role).await.expect("inserts")).await;
    assert_eq!(twice(&world, &app).await, 0);
    change(&world, async |tx| tx.directory().delete_app_role(world.tenant, role.id).await.expect("deletes")).await;
    assert_eq!(twice(&world, &app).await, 501_051, "and nobody does any more");
    keep_principal(&world, &clusters).await;
    assert_eq!(twice(&world, &app).await, 0);

    let now = world.app().now();
    change(&world, async |tx| {
        tx.directory().delete_service_principal(world.tenant, &principal, now).await.expect("deletes");
    })
    .await;
    assert_eq!(twice(&world, &app).await, 700_016, "it is gone");
}

#[tokio::test]
async fn s_803_a_policy_meets_the_request_after_it_was_made() {
    let (world, root) = world().await;
    let (app, principal) = world.application("pipeline", |app| app.credentials.push(credential())).await;
    assert_eq!(twice(&world, &app).await, 0);
    let mut about = policy("pipelines", &serde_json::json!({"includeUsers": ["None"]}), &block());
    about["conditions"]["clientApplications"] = serde_json::json!({"includeServicePrincipals": [principal.id]});
    let id = made(&world, &root, about).await;
    assert_eq!(twice(&world, &app).await, 53003);
    assert_eq!(world.graph(&root, "DELETE", &format!("{}/{id}", super::POLICIES), Value::Null).await.status, 204);
    assert_eq!(twice(&world, &app).await, 0);
}

#[tokio::test]
async fn s_806_a_token_knows_every_revocation_that_was_answered_before_it_was_asked_for() {
    let world = Entrance::start().await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(credential())).await;
    let known = async || {
        let answer = by_secret(&world, &app.app_id.to_string(), SECRET).await;
        let token = answer.1["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.1)).to_owned();
        let claims: Value = world.app().keys.verify_claims(&token).expect("it is ours");
        claims["rev"].as_i64().expect("a number")
    };
    assert_eq!((known().await, known().await), (0, 0));
    for number in 1..=3 {
        let target = Target::Application(app.app_id);
        let at = world.app().now();
        change(&world, async |tx| {
            let revoke = Revoke { target: &target, only: None, reason: "leaked", by: None, at };
            tx.authority().revoke(world.tenant, &revoke).await.expect("revokes");
        })
        .await;
        assert_eq!((known().await, known().await), (number, number));
    }
}

#[tokio::test]
async fn s_800_wrong_secrets_are_counted_also_where_a_right_one_was_just_seen() {
    let world = Entrance::start().await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(credential())).await;
    let id = app.app_id.to_string();
    for n in 0..10 {
        if n % 3 == 0 {
            assert_eq!(twice(&world, &app).await, 0, "after {n} wrong ones");
        }
        by_secret(&world, &id, "wrong").await;
    }
    assert_eq!(by_secret(&world, &id, SECRET).await.0, 429);
    world.sleep(std::time::Duration::from_secs(61));
    assert_eq!(twice(&world, &app).await, 0);
}

#[tokio::test]
async fn s_220_a_refresh_sees_what_became_of_the_person_a_moment_ago() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let answer = by_password(&world, "alice", PASSWORD, &format!("{GRAPH}/.default openid offline_access")).await;
    let token = std::cell::RefCell::new(answer.1["refresh_token"].as_str().expect("a token").to_owned());
    let told = async || {
        let held = token.borrow().clone();
        let answer = refresh(&world, &held).await;
        if let Some(next) = answer.1["refresh_token"].as_str() {
            next.clone_into(&mut token.borrow_mut());
        }
        number(&answer)
    };
    assert_eq!((told().await, told().await), (0, 0));

    keep_user(&world, &User { enabled: false, ..alice.clone() }).await;
    assert_eq!(told().await, 50057, "the account is disabled");
    keep_user(&world, &alice).await;
    assert_eq!((told().await, told().await), (0, 0));

    let totp = KeptTotp { id: MethodId::from_uuid(Uuid::new_v4()), secret: vec![1; 20].into(), step: 0 };
    let now = world.app().now();
    change(&world, async |tx| tx.factors().set_totp(world.tenant, alice.id, &totp, now).await.expect("keeps")).await;
    assert_eq!(told().await, 50076, "a second factor was set up");
    change(&world, async |tx| tx.factors().remove(world.tenant, alice.id, totp.id).await.expect("removes")).await;
    assert_eq!((told().await, told().await), (0, 0));

    let id = made(&world, &root, policy("alice stays out", &only(&alice), &block())).await;
    assert_eq!(told().await, 53003, "a policy is against it");
    assert_eq!(world.graph(&root, "DELETE", &format!("{}/{id}", super::POLICIES), Value::Null).await.status, 204);
    assert_eq!((told().await, told().await), (0, 0));

    change(&world, async |tx| tx.directory().delete_user(world.tenant, &alice, now).await.expect("deletes")).await;
    assert_ne!(told().await, 0, "they are gone");
}
