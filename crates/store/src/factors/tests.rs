//! What may be used once is used once.

use entrance_model::Timestamp;
use entrance_model::directory::{Tenant, User};
use entrance_model::id::{MethodId, TenantId, UserId};
use entrance_model::signin::factors::Kind;
use entrance_model::signin::steps::Methods;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::KeptTotp;
use crate::{SealingKey, Store, StoreError};

const TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(1));
const ALICE: UserId = UserId::from_uuid(Uuid::from_u128(2));
const EVE: UserId = UserId::from_uuid(Uuid::from_u128(3));

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

fn method(n: u128) -> MethodId {
    MethodId::from_uuid(Uuid::from_u128(n))
}

fn person(id: UserId, name: &str) -> User {
    User {
        id,
        upn: format!("{name}@contoso.example").parse().expect("a UPN"),
        display_name: name.into(),
        mail_nickname: name.into(),
        given_name: None,
        surname: None,
        mail: None,
        enabled: true,
        must_change_password: false,
        sessions_valid_from: at(0),
        is_directory_admin: false,
        created: at(0),
        other: serde_json::Map::new(),
    }
}

async fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(&dir.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await.expect("opens");
    let tenant = Tenant {
        id: TENANT,
        display_name: "Contoso".into(),
        domains: vec!["contoso.example".into()],
        salt: vec![0; 32],
        created: at(0),
    };
    let mut tx = store.write().await.expect("begins");
    tx.directory().insert_tenant(&tenant).await.expect("inserts");
    for (id, name) in [(ALICE, "alice"), (EVE, "eve")] {
        tx.directory().insert_user(TENANT, &person(id, name)).await.expect("inserts");
    }
    tx.commit().await.expect("commits");
    (dir, store)
}

#[tokio::test]
async fn s_802_a_step_of_an_authenticator_app_counts_once_and_none_before_it() {
    let (dir, store) = store().await;
    let totp = KeptTotp { id: method(9), secret: Zeroizing::new(b"twenty bytes of secre".to_vec()), step: 100 };
    let mut tx = store.write().await.expect("begins");
    tx.factors().set_totp(TENANT, ALICE, &totp, at(1)).await.expect("sets");
    for (step, counts) in [(100, false), (102, true), (102, false), (101, false), (103, true)] {
        assert_eq!(tx.factors().use_totp_step(TENANT, ALICE, step, at(2)).await.expect("uses"), counts, "{step}");
    }
    assert!(!tx.factors().use_totp_step(TENANT, EVE, 200, at(2)).await.expect("uses"));
    tx.commit().await.expect("commits");
    let mut reader = store.read().await.expect("reads");
    let kept = reader.factors().totp(TENANT, ALICE).await.expect("reads").expect("is there");
    assert_eq!((kept.secret.as_slice(), kept.step), (totp.secret.as_slice(), 103));
    let file = std::fs::read(dir.path().join("entrance.db")).expect("the file");
    let log = std::fs::read(dir.path().join("entrance.db-wal")).unwrap_or_default();
    let is_open = |bytes: &[u8]| bytes.windows(21).any(|window| window == totp.secret.as_slice());
    assert!(!is_open(&file) && !is_open(&log), "the secret is sealed at rest");
}

#[tokio::test]
async fn s_802_a_recovery_code_counts_once_and_new_ones_end_the_old() {
    let (_dir, store) = store().await;
    let mut tx = store.write().await.expect("begins");
    let mut factors = tx.factors();
    factors.replace_recovery_codes(TENANT, ALICE, &["a".into(), "b".into()]).await.expect("replaces");
    assert!(!factors.use_recovery_code(TENANT, EVE, "a", at(1)).await.expect("uses"), "another's code");
    assert!(factors.use_recovery_code(TENANT, ALICE, "a", at(1)).await.expect("uses"));
    assert!(!factors.use_recovery_code(TENANT, ALICE, "a", at(2)).await.expect("uses"));
    assert_eq!(factors.methods(TENANT, ALICE).await.expect("reads"), Methods { recovery_codes: 1, ..Methods::default() });
    factors.replace_recovery_codes(TENANT, ALICE, &["c".into()]).await.expect("replaces");
    assert!(!factors.use_recovery_code(TENANT, ALICE, "b", at(3)).await.expect("uses"));
}

#[tokio::test]
async fn s_802_a_passkey_belongs_to_one_person_and_two_uses_at_once_are_one() {
    let (_dir, store) = store().await;
    let mut tx = store.write().await.expect("begins");
    let mut factors = tx.factors();
    factors.insert_passkey(TENANT, ALICE, method(1), "cred", "laptop", &1_u32, at(1)).await.expect("inserts");
    let again = factors.insert_passkey(TENANT, EVE, method(2), "cred", "mine", &1_u32, at(1)).await;
    assert!(matches!(again, Err(StoreError::Exists("passkey"))));
    let mut first = factors.passkey::<u32>(TENANT, "cred").await.expect("reads").expect("is there");
    first.state = 2;
    factors.passkey_used(TENANT, &first, at(2)).await.expect("uses");
    assert!(matches!(factors.passkey_used(TENANT, &first, at(2)).await, Err(StoreError::Conflict)), "the same reading");
    assert!(factors.alarm_passkey(TENANT, method(1), at(3)).await.expect("alarms"));
    assert!(!factors.alarm_passkey(TENANT, method(1), at(4)).await.expect("alarms"), "it is told once");
    let alarmed = factors.passkey::<u32>(TENANT, "cred").await.expect("reads").expect("is there");
    assert!(matches!(factors.passkey_used(TENANT, &alarmed, at(5)).await, Err(StoreError::Conflict)), "it opens nothing");
    assert_eq!(factors.methods(TENANT, ALICE).await.expect("reads"), Methods { alarmed: true, ..Methods::default() });
    assert!(matches!(factors.rename_passkey(TENANT, EVE, method(1), "hers").await, Err(StoreError::Conflict)));
    factors.rename_passkey(TENANT, ALICE, method(1), "old laptop").await.expect("renames");
    let list = factors.list(TENANT, ALICE).await.expect("lists");
    assert_eq!((list.len(), list[0].kind, list[0].name.as_str(), list[0].alarmed), (1, Kind::Passkey, "old laptop", Some(at(3))));
}

#[tokio::test]
async fn s_802_recovery_codes_end_with_the_last_factor_and_all_with_the_person() {
    let (_dir, store) = store().await;
    let totp = KeptTotp { id: method(9), secret: Zeroizing::new(vec![7; 20]), step: 0 };
    let mut tx = store.write().await.expect("begins");
    let mut factors = tx.factors();
    factors.set_totp(TENANT, ALICE, &totp, at(1)).await.expect("sets");
    factors.insert_passkey(TENANT, ALICE, method(1), "cred", "laptop", &1_u32, at(2)).await.expect("inserts");
    factors.replace_recovery_codes(TENANT, ALICE, &["a".into()]).await.expect("replaces");
    assert!(matches!(factors.remove(TENANT, EVE, method(9)).await, Err(StoreError::Conflict)), "not hers");
    factors.remove(TENANT, ALICE, method(9)).await.expect("removes");
    assert_eq!(factors.methods(TENANT, ALICE).await.expect("reads").recovery_codes, 1);
    factors.remove(TENANT, ALICE, method(1)).await.expect("removes");
    assert_eq!(factors.methods(TENANT, ALICE).await.expect("reads"), Methods::default());
    factors.set_totp(TENANT, ALICE, &totp, at(1)).await.expect("sets");
    tx.directory().delete_user(TENANT, &person(ALICE, "alice"), at(9)).await.expect("deletes");
    assert!(tx.factors().list(TENANT, ALICE).await.expect("lists").is_empty());
}

#[tokio::test]
async fn s_802_a_challenge_is_answered_once() {
    let (_dir, store) = store().await;
    let mut tx = store.write().await.expect("begins");
    tx.factors().use_challenge("h", at(9)).await.expect("uses");
    assert!(matches!(tx.factors().use_challenge("h", at(9)).await, Err(StoreError::Conflict)));
}
