//! The store's contract.

use std::sync::Arc;

use entrance_model::Timestamp;
use entrance_model::directory::{Group, Member, MemberKind, Tenant};
use entrance_model::id::{GroupId, TenantId};
use uuid::Uuid;

use crate::{ChangeKind, SealingKey, Store};

pub(crate) async fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(&dir.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await.expect("opens");
    (dir, store)
}

pub(crate) fn tenant() -> Tenant {
    Tenant {
        id: TenantId::from_uuid(Uuid::new_v4()),
        display_name: "Contoso".into(),
        domains: vec!["contoso.example".into()],
        salt: vec![0; 32],
        created: Timestamp::UNIX_EPOCH,
    }
}

pub(crate) fn group(name: &str) -> Group {
    Group {
        id: GroupId::from_uuid(Uuid::new_v4()),
        display_name: name.into(),
        mail_nickname: name.into(),
        description: None,
        security_enabled: true,
        mail_enabled: false,
        created: Timestamp::UNIX_EPOCH,
        other: serde_json::Map::new(),
    }
}

#[tokio::test]
async fn every_statement_is_prepared_by_the_engine() {
    use sqlx::{Executor as _, SqlSafeStr as _};
    let (_dir, store) = store().await;
    let all = [
        crate::authority::all_statements(),
        crate::arm::all_statements(),
        crate::operations::ALL.to_vec(),
        crate::policies::ALL.to_vec(),
        crate::directory::all_statements(),
        crate::audit::all_statements(),
        crate::factors::all_statements(),
        crate::feed::ALL.to_vec(),
        crate::key::ALL.to_vec(),
        crate::migrate::ALL.to_vec(),
        crate::setting::ALL.to_vec(),
    ];
    let mut tx = store.write().await.expect("begins");
    for (name, sql) in all.concat() {
        let prepared = tx.writer.conn.prepare(sql.into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
    }
    for sql in crate::authority::INSERTS.iter() {
        let prepared = tx.writer.conn.prepare(sql.as_str().into_sql_str()).await;
        assert!(prepared.is_ok(), "{sql}: {:?}", prepared.err());
    }
}

#[tokio::test]
async fn a_write_that_is_not_committed_leaves_nothing_behind_and_the_next_one_works() {
    let (_dir, store) = store().await;
    let tenant = tenant();
    let mut tx = store.write().await.expect("begins");
    tx.directory().insert_tenant(&tenant).await.expect("inserts");
    drop(tx);
    store.check().await.expect("the next write works");
    assert_eq!(store.read().await.expect("reads").directory().tenants().await.expect("reads"), []);
}

#[tokio::test]
async fn a_writer_that_gives_up_does_not_take_its_neighbours_along() {
    let (_dir, store) = store().await;
    let (tenant, kept, lost) = (tenant(), group("kept"), group("lost"));
    let mut tx = store.write().await.expect("begins");
    tx.directory().insert_tenant(&tenant).await.expect("inserts");
    tx.directory().insert_group(tenant.id, &kept).await.expect("inserts");
    let other = store.clone();
    let lost_too = lost.clone();
    let gives_up = tokio::spawn(async move {
        let mut tx = other.write().await.expect("begins");
        tx.directory().insert_group(tenant.id, &lost_too).await.expect("inserts");
    });
    tx.commit().await.expect("commits");
    gives_up.await.expect("ends");
    store.check().await.expect("the next write works");
    let mut reader = store.read().await.expect("reads");
    assert!(reader.directory().group(tenant.id, kept.id).await.expect("reads").is_some());
    assert!(reader.directory().group(tenant.id, lost.id).await.expect("reads").is_none());
}

#[tokio::test]
async fn writers_that_queue_up_are_all_answered_and_all_kept() {
    let (dir, store) = store().await;
    let tenant = Arc::new(tenant());
    let mut tx = store.write().await.expect("begins");
    tx.directory().insert_tenant(&tenant).await.expect("inserts");
    tx.commit().await.expect("commits");
    let writers: Vec<_> = (0..64)
        .map(|n| {
            let (store, tenant) = (store.clone(), Arc::clone(&tenant));
            tokio::spawn(async move {
                let mut tx = store.write().await.expect("begins");
                tx.directory().insert_group(tenant.id, &group(&format!("g{n}"))).await.expect("inserts");
                tx.commit().await.expect("commits");
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("ends");
    }
    drop(store);
    let again = Store::open(&dir.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await.expect("opens");
    let groups = again.read().await.expect("reads").directory().groups(tenant.id, crate::directory::PageAfter::ALL).await;
    assert_eq!(groups.expect("reads").len(), 64);
}

#[tokio::test]
async fn the_feed_tells_what_changed_in_commit_order() {
    let (_dir, store) = store().await;
    let (tenant, parent, child) = (tenant(), group("parent"), group("child"));
    let mut feed = store.feed();
    let before = feed.borrow_and_update().clone();
    let mut tx = store.write().await.expect("begins");
    let mut directory = tx.directory();
    directory.insert_tenant(&tenant).await.expect("inserts");
    directory.insert_group(tenant.id, &parent).await.expect("inserts");
    directory.insert_group(tenant.id, &child).await.expect("inserts");
    directory.add_member(tenant.id, parent.id, Member { id: child.id.into(), kind: MemberKind::Group }).await.expect("adds");
    tx.commit().await.expect("commits");
    assert!(feed.has_changed().expect("lives"));
    assert_eq!(feed.borrow_and_update().head, before.head + 1);
    let changes = store.read().await.expect("reads").changes_since(before.head).await.expect("reads").expect("complete");
    let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Tenant, ChangeKind::Group, ChangeKind::Group, ChangeKind::Membership]);
}

#[tokio::test]
async fn nested_membership_flows_from_child_to_parent_and_cycles_end() {
    let (_dir, store) = store().await;
    let (tenant, a, b) = (tenant(), group("a"), group("b"));
    let mut tx = store.write().await.expect("begins");
    let mut directory = tx.directory();
    directory.insert_tenant(&tenant).await.expect("inserts");
    directory.insert_group(tenant.id, &a).await.expect("inserts");
    directory.insert_group(tenant.id, &b).await.expect("inserts");
    directory.add_member(tenant.id, a.id, Member { id: b.id.into(), kind: MemberKind::Group }).await.expect("adds");
    directory.add_member(tenant.id, b.id, Member { id: a.id.into(), kind: MemberKind::Group }).await.expect("adds");
    tx.commit().await.expect("commits");
    let mut reader = store.read().await.expect("reads");
    let up: Vec<_> = reader.directory().ancestors(tenant.id, b.id.into()).await.expect("reads").iter().map(|g| g.id).collect();
    assert!(up.contains(&a.id));
    assert_eq!(up.len(), 2, "the cycle leads back to b, once");
}

fn operation(tenant: TenantId) -> entrance_model::arm::Operation {
    use entrance_model::arm::{Operation, Target};
    use entrance_model::id::{ClusterUid, OperationId, SubscriptionId};
    Operation {
        id: OperationId::from_uuid(Uuid::new_v4()),
        tenant,
        subscription: SubscriptionId::from_uuid(Uuid::new_v4()),
        location: "local".parse().expect("a location"),
        target: Target::Cluster(ClusterUid::from_uuid(Uuid::new_v4())),
        scope: "/".parse().expect("a scope"),
        work: entrance_model::cluster::Work::Create,
        steps: Vec::new(),
        started: Timestamp::UNIX_EPOCH,
        started_by: None,
        ended: None,
    }
}

#[tokio::test]
async fn a_runner_that_lost_its_lease_changes_nothing() {
    use entrance_model::arm::Ended;
    use std::time::Duration;
    let (_dir, store) = store().await;
    let wanted = operation(tenant().id);
    let minute = Duration::from_mins(1);

    let mut tx = store.write().await.expect("begins");
    tx.operations().insert(&wanted).await.expect("inserts");
    let first = tx.operations().lease(minute).await.expect("leases").expect("one waits");
    assert_eq!(first.operation, wanted);
    assert!(tx.operations().lease(minute).await.expect("leases").is_none(), "it is taken");
    tx.operations().release_all().await.expect("a new server takes all back");
    let second = tx.operations().lease(minute).await.expect("leases").expect("one waits");
    assert!(matches!(tx.operations().record(&first, &[]).await, Err(crate::StoreError::Conflict)));
    let ended = Ended { at: Timestamp::UNIX_EPOCH, why: None };
    assert!(matches!(tx.operations().end(&first, &[], &ended).await, Err(crate::StoreError::Conflict)));
    tx.operations().end(&second, &[], &ended).await.expect("the holder ends it");
    assert!(tx.operations().lease(minute).await.expect("leases").is_none(), "it has ended");
    assert_eq!(tx.operations().one(wanted.id).await.expect("reads").map(|o| o.status()), Some("Succeeded"));
    tx.commit().await.expect("commits");
}
