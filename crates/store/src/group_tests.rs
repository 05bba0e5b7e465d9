//! Decisions share a commit, and memory that rests on an edition never outlives an answered change.

use std::sync::Arc;

use entrance_model::Timestamp;
use entrance_model::directory::Tenant;
use entrance_model::id::{AppId, PrincipalId, RequestId, SessionId, TenantId};
use entrance_model::signin::revocation::Target;
use uuid::Uuid;

use crate::authority::{Decision, Judged, Revoke};
use crate::{Area, Decided, MadeToken, SealingKey, Store};

async fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(&dir.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await.expect("opens")
}

fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(1))
}

fn app() -> AppId {
    AppId::from_uuid(Uuid::from_u128(2))
}

/// The decision about a token, made from what was known at an edition.
fn decided(token: &str, known: i64, as_of: u64) -> Decided {
    let subject = PrincipalId::from_uuid(Uuid::from_u128(3));
    let at = Timestamp::UNIX_EPOCH;
    Decided {
        at,
        decision: Decision {
            tenant: tenant(),
            user: Some(subject),
            app: Some(app()),
            resource: None,
            kind: "client_credentials",
            interactive: false,
            code: 0,
            reason: format!("token {token}"),
            address: "192.0.2.1".into(),
            agent: None,
            request: RequestId::from_uuid(Uuid::new_v4()),
            correlation: Uuid::new_v4(),
            token: Some(token.into()),
            session: Some(SessionId::from_uuid(Uuid::from_u128(4))),
            judged: Some(Judged { status: "success", policies: Some("[]".into()), multi_factor: true }),
        },
        token: Some(MadeToken { id: token.into(), session: None, subject, app: app(), known, as_of, at }),
    }
}

async fn revoke(store: &Store) {
    let mut tx = store.write().await.expect("begins");
    let target = Target::Application(app());
    let revoke = Revoke { target: &target, only: None, reason: "leaked", by: None, at: Timestamp::UNIX_EPOCH };
    tx.authority().revoke(tenant(), &revoke).await.expect("revokes");
    tx.commit().await.expect("commits");
}

async fn kept(store: &Store) -> Vec<String> {
    let rows = store.read().await.expect("reads").authority().decisions(tenant(), 1000).await.expect("reads");
    rows.into_iter().map(|row| row.token.expect("names its token")).collect()
}

#[tokio::test]
async fn a_decision_that_was_answered_is_there_after_a_restart_with_all_it_says() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let one = decided("a", 0, store.edition(Area::Directory));
    let said = one.decision.clone();
    assert_eq!(store.decide(one).await.expect("keeps"), None);
    drop(store);
    let rows = open(&dir).await.read().await.expect("reads").authority().decisions(tenant(), 10).await.expect("reads");
    let row = &rows[0];
    assert_eq!((row.user, row.app, row.kind.as_str()), (said.user, said.app, said.kind));
    assert_eq!((&row.reason, &row.address, &row.request), (&said.reason, &said.address, &said.request.to_string()));
    assert_eq!((row.session, row.token.as_deref(), row.code), (said.session, Some("a"), 0));
    assert_eq!((row.conditional.as_deref(), row.policies.as_deref(), row.factors), (Some("success"), Some("[]"), Some(2)));
}

#[tokio::test]
async fn many_decisions_at_once_are_each_kept_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let edition = store.edition(Area::Directory);
    let all: Vec<_> = (0..100)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.decide(decided(&format!("{n:03}"), 0, edition)).await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.expect("runs").expect("keeps"), None);
    }
    let mut tokens = kept(&store).await;
    tokens.sort_unstable();
    assert_eq!(tokens, (0..100).map(|n| format!("{n:03}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn s_806_a_token_that_was_revoked_while_it_was_made_is_neither_kept_nor_handed_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let edition = store.edition(Area::Directory);
    revoke(&store).await;
    let found = store.decide(decided("late", 0, edition)).await.expect("answers").expect("it was revoked");
    assert_eq!((found.number, found.target), (1, Target::Application(app())));
    assert_eq!(store.decide(decided("knows", 1, edition)).await.expect("answers"), None, "it knew of the revocation");
    assert_eq!(kept(&store).await, ["knows"]);
}

#[tokio::test]
async fn s_806_a_revocation_that_waits_for_the_same_commit_counts_as_well() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let edition = store.edition(Area::Directory);
    let mut tx = store.write().await.expect("begins");
    let target = Target::Application(app());
    let revoke = Revoke { target: &target, only: None, reason: "leaked", by: None, at: Timestamp::UNIX_EPOCH };
    tx.authority().revoke(tenant(), &revoke).await.expect("revokes");
    // The committer stands in line behind the revocation, and takes both.
    let (late, committed) = tokio::join!(store.decide(decided("late", 0, edition)), tx.commit());
    committed.expect("commits");
    assert_eq!(late.expect("answers").map(|revocation| revocation.number), Some(1));
    assert!(kept(&store).await.is_empty());
}

#[tokio::test]
async fn an_edition_moves_with_what_may_have_changed_and_with_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let editions = || [Area::Directory, Area::Factors, Area::ClientTries].map(|area| store.edition(area));
    assert_eq!(editions(), [0, 0, 0]);

    let contoso = Tenant {
        id: tenant(),
        display_name: "Contoso".into(),
        domains: Vec::new(),
        salt: vec![0; 32],
        created: Timestamp::UNIX_EPOCH,
    };
    let mut tx = store.write().await.expect("begins");
    tx.directory().insert_tenant(&contoso).await.expect("inserts");
    assert!(!tx.is_directory_as_of(0), "the writer itself knows");
    drop(tx);
    store.check().await.expect("commits");
    assert_eq!(editions(), [0, 0, 0], "what was given up changed nothing");

    let mut tx = store.write().await.expect("begins");
    tx.directory().insert_tenant(&contoso).await.expect("inserts");
    tx.commit().await.expect("commits");
    assert_eq!(editions(), [1, 0, 0]);
    revoke(&store).await;
    assert_eq!(editions(), [2, 0, 0]);
    store.decide(decided("a", 1, 2)).await.expect("keeps");
    store.check().await.expect("commits");
    assert_eq!(editions(), [2, 0, 0]);
    let tries = entrance_model::signin::lockout::Lockout::default();
    for (key, expected) in [("account/x", [2, 0, 0]), ("client/x", [2, 0, 1])] {
        let mut tx = store.write().await.expect("begins");
        tx.authority().set_lockout(key, &tries, Timestamp::UNIX_EPOCH).await.expect("sets");
        tx.commit().await.expect("commits");
        assert_eq!(editions(), expected, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_answered_finds_the_edition_moved_and_the_head_of_the_feed_with_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Arc::new(open(&dir).await);
    for n in 1..=50 {
        let before = store.edition(Area::Directory);
        revoke(&store).await;
        assert!(store.edition(Area::Directory) > before);
        assert_eq!(store.head(), n);
    }
}

#[tokio::test]
async fn one_that_gives_up_while_it_commits_moves_the_edition_if_it_was_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir).await;
    let mut tx = store.write().await.expect("begins");
    let contoso = Tenant {
        id: tenant(),
        display_name: "Contoso".into(),
        domains: Vec::new(),
        salt: vec![0; 32],
        created: Timestamp::UNIX_EPOCH,
    };
    tx.directory().insert_tenant(&contoso).await.expect("inserts");
    let committing = tokio::spawn(tx.commit());
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    committing.abort();
    let _ = committing.await;
    store.check().await.expect("commits");
    let is_kept = !store.read().await.expect("reads").directory().tenants().await.expect("reads").is_empty();
    assert!(store.edition(Area::Directory) > 0 || !is_kept, "kept, and nobody was told");
}
