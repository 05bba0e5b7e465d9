use std::time::Duration;

use entrance_model::directory::{Group, Member, MemberKind, Tenant, User};
use entrance_model::id::TenantId;
use entrance_store::SealingKey;
use entrance_testkit::sample;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

struct World {
    _folder: tempfile::TempDir,
    store: Store,
    people: Directory,
    tenant: TenantId,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await.expect("opens");
        let people = Directory::new(None);
        people.load(&store, NOW).await.expect("loads");
        tokio::spawn(people.clone().follow(store.clone(), Clock::frozen(NOW)));
        let world = Self { _folder: folder, store, people, tenant: TenantId::from_uuid(Uuid::new_v4()) };
        let tenant = Tenant {
            id: world.tenant,
            display_name: "Contoso".into(),
            domains: vec!["contoso.example".into()],
            salt: vec![0; 32],
            created: NOW,
        };
        let mut tx = world.store.write().await.expect("begins");
        tx.directory().insert_tenant(&tenant).await.expect("inserts");
        tx.commit().await.expect("commits");
        world
    }

    /// What the directory in memory knows once it has seen everything.
    async fn now(&self) -> Arc<Snapshot> {
        let head = self.store.read().await.expect("reads").feed_position().await.expect("reads").head;
        tokio::time::timeout(Duration::from_secs(10), self.people.reached(head)).await.expect("the follower keeps up");
        self.people.snapshot(NOW).expect("it is loaded")
    }
}

fn user(name: &str) -> User {
    sample::person(name, NOW)
}

fn group(name: &str) -> Group {
    sample::group(name, NOW)
}

#[tokio::test]
async fn what_is_committed_is_known_here_and_survives_a_reload() {
    let world = World::new().await;
    let (tenant, alice, inner, outer) = (world.tenant, user("alice"), group("inner"), group("outer"));
    let mut tx = world.store.write().await.expect("begins");
    let mut directory = tx.directory();
    directory.insert_user(tenant, &alice).await.expect("inserts");
    directory.insert_group(tenant, &inner).await.expect("inserts");
    directory.insert_group(tenant, &outer).await.expect("inserts");
    directory.add_member(tenant, inner.id, Member { id: alice.id.into(), kind: MemberKind::User }).await.expect("adds");
    directory.add_member(tenant, outer.id, Member { id: inner.id.into(), kind: MemberKind::Group }).await.expect("adds");
    tx.commit().await.expect("commits");

    let mut both = vec![inner.id, outer.id];
    both.sort();
    assert_eq!(world.now().await.groups_of(tenant, alice.id.into()), both);
    let again = Directory::new(None);
    again.load(&world.store, NOW).await.expect("loads");
    let again = again.snapshot(NOW).expect("it is loaded");
    assert_eq!(again.groups_of(tenant, alice.id.into()), both);
    assert_eq!(again.principal(tenant, alice.id.into()), world.now().await.principal(tenant, alice.id.into()));

    let mut tx = world.store.write().await.expect("begins");
    tx.directory().remove_member(tenant, inner.id, alice.id.into()).await.expect("removes");
    tx.directory().update_user(tenant, &User { enabled: false, ..alice.clone() }).await.expect("updates");
    tx.commit().await.expect("commits");
    let after = world.now().await;
    assert_eq!(after.groups_of(tenant, alice.id.into()), []);
    assert!(matches!(
        after.principal(tenant, alice.id.into()),
        Some(entrance_model::review::Principal::Person { enabled: false, .. })
    ));

    let mut tx = world.store.write().await.expect("begins");
    tx.directory().delete_user(tenant, &alice, NOW).await.expect("deletes");
    tx.commit().await.expect("commits");
    assert_eq!(world.now().await.principal(tenant, alice.id.into()), None);
}

#[tokio::test]
async fn s_812_an_object_is_known_in_its_own_tenant_only() {
    let world = World::new().await;
    let alice = user("alice");
    let mut tx = world.store.write().await.expect("begins");
    tx.directory().insert_user(world.tenant, &alice).await.expect("inserts");
    tx.commit().await.expect("commits");
    let snapshot = world.now().await;
    assert!(snapshot.principal(world.tenant, alice.id.into()).is_some());
    assert!(snapshot.principal(TenantId::from_uuid(Uuid::new_v4()), alice.id.into()).is_none());
}

#[test]
fn a_directory_that_is_not_loaded_or_too_old_decides_nothing() {
    let people = Directory::new(Some(Duration::from_mins(1)));
    assert_eq!(people.snapshot(NOW).err(), Some(NotReady::Loading));
    people.show(Snapshot::default(), NOW);
    let at = |seconds| Timestamp::from_second(seconds).expect("a time");
    assert!(people.snapshot(at(60)).is_ok());
    assert_eq!(people.snapshot(at(61)).err(), Some(NotReady::Stale(Duration::from_secs(61))));
    let alone = Directory::new(None);
    alone.show(Snapshot::default(), NOW);
    assert!(alone.snapshot(at(1_000_000)).is_ok(), "a server that is alone with its store misses nothing");
}
