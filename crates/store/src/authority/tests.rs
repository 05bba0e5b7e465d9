//! What is redeemed once is redeemed once, also after a restart.

use entrance_model::Timestamp;
use entrance_model::id::{SessionId, TenantId, UserId};
use entrance_model::signin::device::{DeviceGrant, DeviceRequest};
use entrance_model::signin::refresh::{Ended, Family, FamilyId, Origin, RefreshToken};
use entrance_model::signin::session::BrowserSession;
use entrance_model::signin::{Endpoint, Method, SignIn};
use entrance_model::well_known;
use uuid::Uuid;

use crate::{SealingKey, Store, StoreError};

async fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(&dir.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await.expect("opens")
}

fn alice() -> SignIn {
    SignIn {
        user: UserId::from_uuid(Uuid::from_u128(1)),
        at: Timestamp::UNIX_EPOCH,
        how: vec![Method::Pwd],
        session: SessionId::from_uuid(Uuid::from_u128(2)),
    }
}

#[tokio::test]
async fn s_230_a_device_grant_is_swapped_by_one_and_survives_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let until = Timestamp::from_second(900).expect("a time");
    let grant = DeviceGrant::Waiting(DeviceRequest {
        relayed: false,
        tenant: TenantId::from_uuid(Uuid::nil()),
        app: well_known::AZURE_CLI,
        scope: "openid".into(),
        endpoint: Endpoint::V2,
        from: "127.0.0.1".into(),
        agent: "az".into(),
        asked: Timestamp::UNIX_EPOCH,
        until,
    });
    let mut tx = store.write().await.expect("begins");
    tx.authority().insert_device_grant("h", "u", &grant, until).await.expect("inserts");
    assert!(matches!(tx.authority().insert_device_grant("h2", "u", &grant, until).await, Err(StoreError::Exists("user code"))));
    tx.commit().await.expect("commits");
    drop(store);

    let store = open(&dir).await;
    let (hash, found) =
        store.read().await.expect("reads").authority().device_grant_by_user_code("u").await.expect("reads").expect("is there");
    assert_eq!((hash.as_str(), &found.state), ("h", &grant));
    let approved = found.state.clone().approve(alice(), Timestamp::UNIX_EPOCH).expect("approves");
    let mut tx = store.write().await.expect("begins");
    tx.authority().swap_device_grant("h", found.version, &approved).await.expect("swaps");
    assert!(matches!(tx.authority().swap_device_grant("h", found.version, &approved).await, Err(StoreError::Conflict)));
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn s_220_a_family_ends_for_all_its_tokens() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let (tenant, id) = (TenantId::from_uuid(Uuid::nil()), FamilyId::from_uuid(Uuid::from_u128(5)));
    let family = Family {
        app: well_known::AZURE_CLI,
        confidential: false,
        by: alice(),
        origin: Origin::Code,
        scope: "openid".into(),
        began: Timestamp::UNIX_EPOCH,
        ended: None,
    };
    let token = RefreshToken { issued: Timestamp::UNIX_EPOCH, used: None };
    let mut tx = store.write().await.expect("begins");
    tx.authority().insert_family(tenant, id, &family).await.expect("inserts");
    for hash in ["a", "b"] {
        tx.authority().insert_refresh_token(hash, tenant, id, &token, Timestamp::MAX).await.expect("inserts");
    }
    tx.authority().end_family(tenant, id, Ended::Replayed).await.expect("ends");
    tx.authority().end_families_of_session(tenant, alice().session, Ended::Revoked).await.expect("the first reason stays");
    tx.commit().await.expect("commits");
    let stored = store.read().await.expect("reads").authority().refresh_token("b").await.expect("reads").expect("is there");
    assert_eq!(stored.family.ended, Some(Ended::Replayed));
    assert_eq!((stored.tenant, stored.family_id, stored.token.state), (tenant, id, token));
}

#[tokio::test]
async fn s_805_a_browser_holds_each_person_once_and_its_sessions_move_to_a_new_cookie() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let tenant = TenantId::from_uuid(Uuid::nil());
    let session = |n| BrowserSession {
        id: SessionId::from_uuid(Uuid::from_u128(n)),
        user: alice().user,
        at: Timestamp::UNIX_EPOCH,
        how: vec![Method::Pwd],
        seen: Timestamp::UNIX_EPOCH,
        strong: None,
        keep: false,
    };
    let mut tx = store.write().await.expect("begins");
    tx.authority().insert_browser_session(tenant, "old", &session(1)).await.expect("inserts");
    tx.authority().insert_browser_session(tenant, "old", &session(2)).await.expect("inserts");
    tx.authority().move_browser("old", "new").await.expect("moves");
    tx.commit().await.expect("commits");
    let mut reader = store.read().await.expect("reads");
    assert_eq!(reader.authority().browser_sessions("old").await.expect("reads"), []);
    assert_eq!(reader.authority().browser_sessions("new").await.expect("reads"), [(tenant, session(2))]);
}

#[tokio::test]
async fn w_032_a_flow_is_sealed_and_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let until = Timestamp::from_second(60).expect("a time");
    let mut tx = store.write().await.expect("begins");
    tx.authority().insert_flow("f", &"state of the application", until).await.expect("inserts");
    tx.commit().await.expect("commits");
    let mut reader = store.read().await.expect("reads");
    let found = reader.authority().flow::<String>("f", Timestamp::UNIX_EPOCH).await.expect("reads").expect("is there");
    assert_eq!(found.state, "state of the application");
    assert_eq!(reader.authority().flow::<String>("f", until).await.expect("reads"), None);
}

#[tokio::test]
async fn s_241_an_assertion_is_new_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let (now, until) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(600).expect("a time"));
    let mut tx = store.write().await.expect("begins");
    assert_eq!(tx.authority().use_assertion("c", "j", "h", now, until).await.expect("inserts"), None);
    assert_eq!(tx.authority().use_assertion("c", "j", "x", now, until).await.expect("finds"), Some(("h".into(), now)));
    tx.authority().sweep(Timestamp::from_second(601).expect("a time")).await.expect("sweeps");
    assert_eq!(tx.authority().use_assertion("c", "j", "x", now, until).await.expect("inserts"), None);
    tx.commit().await.expect("commits");
}
