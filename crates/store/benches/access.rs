//! What one access check costs when a directory holds 10, a thousand or a hundred thousand role assignments: everything a
//! request needs is read from the store and the decision is made, as the resource manager does it.
//!
//! Beside it the way that reads all of them. Run it with `cargo bench -p entrance-store --bench access`; the ratios say the
//! same on every machine, the times do not.

use std::time::{Duration, Instant};

use entrance_model::Timestamp;
use entrance_model::access::{
    Action, Assignment, Attributes, Caller, Hierarchy, Plane, PrincipalType, Question, Rights, Roles, built_in, decide,
};
use entrance_model::arm::Scope;
use entrance_model::directory::{Group, Member, MemberKind, Tenant};
use entrance_model::id::{AssignmentId, GroupId, PrincipalId, SubscriptionId, TenantId};
use entrance_store::{SealingKey, Store, StoreError};
use uuid::Uuid;

const SIZES: [usize; 3] = [10, 1_000, 100_000];
const GROUPS: usize = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StoreError> {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|word| word == "--test") {
        return Ok(());
    }
    let mut first: Option<(Duration, Duration)> = None;
    say("role assignments      check, to that with 10      reading all of them, to a check with 10");
    for size in SIZES {
        let world = World::new(size).await?;
        let check = world.time(200, Way::Held).await?;
        let all = world.time(if size > 10_000 { 5 } else { 50 }, Way::All).await?;
        let (base, _) = *first.get_or_insert((check, all));
        let ratio = |took: Duration| took.as_secs_f64() / base.as_secs_f64();
        say(&format!("{size:>16}      {:>22.2}      {:>39.2}   ({check:.1?} a check here)", ratio(check), ratio(all)));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Way {
    Held,
    All,
}

struct World {
    _dir: tempfile::TempDir,
    store: Store,
    tenant: TenantId,
    person: PrincipalId,
    place: Scope,
    roles: Roles,
}

impl World {
    // Somebody in twenty groups of which each holds a role somewhere; all other assignments are other people's.
    async fn new(size: usize) -> Result<Self, StoreError> {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("entrance.db"), SealingKey::from_bytes(&[1; 32])).await?;
        let tenant = Tenant {
            id: TenantId::from_uuid(Uuid::new_v4()),
            display_name: "Contoso".into(),
            domains: vec!["contoso.example".into()],
            salt: vec![0; 32],
            created: Timestamp::UNIX_EPOCH,
        };
        let person = PrincipalId::from_uuid(Uuid::new_v4());
        let subscription = SubscriptionId::from_uuid(Uuid::new_v4());
        let place = |n: usize| Scope::group(subscription, &format!("group-{n}").parse().expect("a name"));
        let mut tx = store.write().await?;
        tx.directory().insert_tenant(&tenant).await?;
        let mut holders: Vec<PrincipalId> = vec![person];
        for n in 0..GROUPS {
            let group = Group {
                id: GroupId::from_uuid(Uuid::new_v4()),
                display_name: format!("g{n}"),
                mail_nickname: format!("g{n}"),
                description: None,
                security_enabled: true,
                mail_enabled: false,
                created: Timestamp::UNIX_EPOCH,
                other: serde_json::Map::new(),
            };
            tx.directory().insert_group(tenant.id, &group).await?;
            tx.directory().add_member(tenant.id, group.id, Member { id: person, kind: MemberKind::User }).await?;
            holders.push(group.id.into());
        }
        for n in 0..size {
            let principal = holders.get(n).copied().unwrap_or_else(|| PrincipalId::from_uuid(Uuid::new_v4()));
            let assignment = Assignment {
                id: AssignmentId::from_uuid(Uuid::new_v4()),
                tenant: tenant.id,
                scope: place(n),
                role: built_in::READER,
                principal,
                principal_type: PrincipalType::User,
                description: None,
                condition: None,
                created: Timestamp::UNIX_EPOCH,
                created_by: None,
                updated: Timestamp::UNIX_EPOCH,
                updated_by: None,
            };
            tx.arm().insert_assignment(&assignment).await?;
        }
        tx.commit().await?;
        Ok(Self { _dir: dir, store, tenant: tenant.id, person, place: place(9), roles: Roles::built_in() })
    }

    async fn check(&self, way: Way) -> Result<(), StoreError> {
        let mut reader = self.store.read().await?;
        let groups: Vec<GroupId> =
            reader.directory().ancestors(self.tenant, self.person).await?.into_iter().map(|group| group.id).collect();
        let assignments = match way {
            Way::Held => reader.arm().assignments_held(self.tenant, self.person).await?,
            Way::All => reader.arm().assignments(self.tenant).await?,
        };
        let denials = reader.arm().denials(self.tenant).await?;
        let hierarchy = Hierarchy::of(self.tenant);
        let rights = Rights { roles: &self.roles, assignments: &assignments, denials: &denials, hierarchy: &hierarchy };
        let question = Question {
            caller: Caller { oid: self.person, groups: &groups },
            plane: Plane::Control,
            action: Action::ClusterRead.as_str(),
            scope: &self.place,
            attributes: &Attributes::default(),
        };
        assert!(decide(&question, &rights).is_allowed(), "one of the groups holds a role there");
        Ok(())
    }

    // The median, after a few to warm up.
    async fn time(&self, times: usize, way: Way) -> Result<Duration, StoreError> {
        for _ in 0..3 {
            self.check(way).await?;
        }
        let mut took = Vec::with_capacity(times);
        for _ in 0..times {
            let since = Instant::now();
            self.check(way).await?;
            took.push(since.elapsed());
        }
        took.sort();
        Ok(took[times / 2])
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn say(line: &str) {
    println!("{line}");
}
