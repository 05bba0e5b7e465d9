//! What is revoked ends in one commit, and the record of it survives.

use entrance_model::Timestamp;
use entrance_model::id::{DeviceId, PrincipalId, SessionId, TenantId, UserId};
use entrance_model::signin::refresh::{Ended, Family, FamilyId, Origin, RefreshToken};
use entrance_model::signin::revocation::{Issued, Kind, Target};
use entrance_model::signin::session::{BrowserSession, Place, Session};
use entrance_model::signin::{Method, SignIn};
use entrance_model::well_known::{AKS_CLIENT, AZURE_CLI};
use uuid::Uuid;

use super::Revoke;
use crate::{ChangeKind, SealingKey, Store};

const TENANT: TenantId = TenantId::from_uuid(Uuid::nil());
const ALICE: UserId = UserId::from_uuid(Uuid::from_u128(1));
const PHONE: DeviceId = DeviceId::from_uuid(Uuid::from_u128(7));

async fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(&dir.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await.expect("opens")
}

const fn id(n: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(n))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// A session with a refresh token, in a browser or approved in one.
async fn begin(store: &Store, n: u128, device: DeviceId, parent: Option<SessionId>) {
    let session = Session {
        id: id(n),
        user: ALICE,
        place: if parent.is_some() { Place::DeviceCode } else { Place::Browser },
        device,
        parent,
        app: Some(AZURE_CLI),
        address: "192.0.2.1".into(),
        agent: None,
        began: at(0),
        seen: at(0),
        seen_from: "192.0.2.1".into(),
        until: at(900),
        ended: None,
    };
    let by = SignIn { user: ALICE, at: at(0), how: vec![Method::Pwd], session: id(n) };
    let family = Family {
        app: AZURE_CLI,
        confidential: false,
        by,
        origin: Origin::Code,
        scope: "openid".into(),
        began: at(0),
        ended: None,
    };
    let browser =
        BrowserSession { id: id(n), user: ALICE, at: at(0), how: vec![Method::Pwd], seen: at(0), strong: None, keep: false };
    let mut tx = store.write().await.expect("begins");
    let mut authority = tx.authority();
    authority.insert_session(TENANT, &session).await.expect("inserts");
    authority.insert_browser_session(TENANT, &format!("browser {n}"), &browser).await.expect("inserts");
    authority.insert_family(TENANT, FamilyId::from_uuid(Uuid::from_u128(n)), &family).await.expect("inserts");
    let token = RefreshToken { issued: at(0), used: None };
    authority
        .insert_refresh_token(&n.to_string(), TENANT, FamilyId::from_uuid(Uuid::from_u128(n)), &token, at(900))
        .await
        .expect("inserts");
    tx.commit().await.expect("commits");
}

/// Whether the session's row, its browser and its refresh tokens are over; they always agree.
async fn is_over(store: &Store, n: u128) -> bool {
    let mut reader = store.read().await.expect("reads");
    let mut authority = reader.authority();
    let ended = authority.session(TENANT, id(n)).await.expect("reads").expect("is there").ended.is_some();
    let family = authority.refresh_token(&n.to_string()).await.expect("reads").expect("is there").family.ended;
    let browser = authority.browser_sessions(&format!("browser {n}")).await.expect("reads");
    assert_eq!((family == Some(Ended::Revoked), browser.is_empty()), (ended, ended), "session {n}");
    ended
}

async fn revoke(store: &Store, target: &Target, only: Option<UserId>) -> super::Revoked {
    let mut tx = store.write().await.expect("begins");
    let what = Revoke { target, only, reason: "lost", by: Some(PrincipalId::from(ALICE)), at: at(10) };
    let revoked = tx.authority().revoke(TENANT, &what).await.expect("writes").expect("there is room");
    tx.commit().await.expect("commits");
    revoked
}

#[tokio::test]
async fn s_806_a_session_ends_with_those_that_were_approved_in_it_and_the_record_survives_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    begin(&store, 1, PHONE, None).await;
    begin(&store, 2, DeviceId::from_uuid(Uuid::from_u128(8)), Some(id(1))).await;
    begin(&store, 3, DeviceId::from_uuid(Uuid::from_u128(9)), None).await;
    let target = Target::Session(id(1));
    let revoked = revoke(&store, &target, None).await;
    assert_eq!(revoked.sessions, [id(1), id(2)]);
    assert_eq!(revoke(&store, &target, None).await.revocation.number, revoked.revocation.number, "twice is once");
    drop(store);

    let store = open(&dir).await;
    assert!(is_over(&store, 1).await && is_over(&store, 2).await && !is_over(&store, 3).await);
    let mut reader = store.read().await.expect("reads");
    let all = reader.authority().revocations_after(TENANT, 0).await.expect("reads");
    let told: Vec<_> = all.iter().map(|one| (one.number, one.target.clone(), one.through.clone())).collect();
    assert_eq!(told, [(1, target.clone(), None), (2, Target::Session(id(2)), Some(target))]);
    let changes = reader.changes_since(0).await.expect("reads").expect("all are there");
    assert!(changes.iter().any(|change| change.kind == ChangeKind::Session));
    let token = Issued { id: "t", session: Some(id(2)), subject: ALICE.into(), app: AZURE_CLI, known: Some(2), at: at(11) };
    let found = reader.authority().revoked(TENANT, &token).await.expect("reads").expect("is met");
    assert_eq!(found.number, 2);
    let other = Issued { session: Some(id(3)), ..token };
    assert_eq!(reader.authority().revoked(TENANT, &other).await.expect("reads"), None);
}

#[tokio::test]
async fn s_806_a_person_and_an_application_are_revoked_anew_each_time_with_a_higher_number() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    begin(&store, 1, PHONE, None).await;
    let person = Target::Person(ALICE);
    assert_eq!(revoke(&store, &person, None).await.revocation.number, 1);
    assert!(is_over(&store, 1).await);
    assert_eq!(revoke(&store, &person, None).await.revocation.number, 2);
    assert_eq!(revoke(&store, &Target::Application(AKS_CLIENT), None).await.revocation.number, 3);
    let mut reader = store.read().await.expect("reads");
    let mut authority = reader.authority();
    assert_eq!(authority.revocation_head(TENANT).await.expect("reads"), 3);
    let numbers: Vec<_> = authority.revocations_after(TENANT, 0).await.expect("reads").iter().map(|one| one.number).collect();
    assert_eq!(numbers, [2, 3], "one row for each thing");
    assert_eq!(
        authority.revocation_head(TenantId::from_uuid(Uuid::max())).await.expect("reads"),
        0,
        "each directory counts by itself"
    );
}

#[tokio::test]
async fn s_806_a_device_ends_all_sessions_on_it_or_only_those_of_one_person() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    begin(&store, 1, PHONE, None).await;
    begin(&store, 2, PHONE, None).await;
    let stranger = UserId::from_uuid(Uuid::from_u128(99));
    assert_eq!(revoke(&store, &Target::Device(PHONE), Some(stranger)).await.sessions, []);
    assert!(!is_over(&store, 1).await);
    assert_eq!(revoke(&store, &Target::Device(PHONE), None).await.sessions, [id(1), id(2)]);
    assert!(is_over(&store, 1).await && is_over(&store, 2).await);
    let mut reader = store.read().await.expect("reads");
    let all = reader.authority().revocations(TENANT, at(11), 10).await.expect("reads");
    assert!(all.iter().filter(|one| one.target.kind() == Kind::Session).all(|one| one.through == Some(Target::Device(PHONE))));
}
