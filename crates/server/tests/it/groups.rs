//! People and applications in many groups at a real API server, which knows those of them that it refers to (DESIGN 4.2).

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use entrance_model::Timestamp;
use entrance_model::access::{Assignment, PrincipalType, built_in};
use entrance_model::arm::Scope;
use entrance_model::cluster::Door;
use entrance_model::cluster::door::{BreakGlass, DoorState, Life, Reason};
use entrance_model::directory::{Group, Member, MemberKind};
use entrance_model::id::{AssignmentId, ClusterUid, DoorId, GroupId, PrincipalId, SubscriptionId};
use entrance_model::well_known::AKS_SERVER;
use entrance_server::clusters::incluster::{InClusterError, Reach, Reaching};
use entrance_server::clusters::local::{Part, Planes};
use entrance_server::clusters::references::BOUND;
use entrance_testkit::sample;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::local_plane::{control_plane, until};
use crate::reviews::{World, group, person, run};

/// Sizes on both sides of the budget of 450, and one that no token could carry.
const SIZES: [usize; 4] = [10, 450, 451, 10_000];

/// Somebody with a number of groups.
#[derive(Clone, Copy)]
struct Joined {
    member: Member,
    groups: usize,
}

/// A world with people and applications in many groups.
pub(crate) struct Crowd {
    pub(crate) groups: Vec<GroupId>,
    members: Vec<Joined>,
    /// In 451 groups, and at the bottom of twenty more, of which the last is in the first.
    deep: Member,
    top: GroupId,
}

impl Crowd {
    /// Straight into the store, in one transaction: ten thousand requests would say nothing more.
    pub(crate) async fn join(world: &World) -> Result<Self> {
        let now = Timestamp::now();
        let began = Instant::now();
        let mut tx = world.app().store.write().await?;
        let (mut all, mut members) = (Vec::new(), Vec::new());
        for n in 0..*SIZES.last().context("a size")? {
            let group = group(&format!("group {n}"), now);
            tx.directory().insert_group(world.tenant, &group).await?;
            all.push(group.id);
        }
        for groups in SIZES {
            let user = person(&format!("person{groups}"), now);
            tx.directory().insert_user(world.tenant, &user).await?;
            members.push(Joined { member: Member { id: user.id.into(), kind: MemberKind::User }, groups });
            let (application, principal) = sample::application(&format!("robot{groups}"), now);
            tx.directory().insert_application(world.tenant, &application).await?;
            tx.directory().insert_service_principal(world.tenant, &principal).await?;
            let member = Member { id: principal.id.into(), kind: MemberKind::ServicePrincipal };
            members.push(Joined { member, groups });
        }
        let user = person("deep", now);
        tx.directory().insert_user(world.tenant, &user).await?;
        let deep = Member { id: user.id.into(), kind: MemberKind::User };
        for one in members.iter().copied().chain([Joined { member: deep, groups: 451 }]) {
            for group in &all[..one.groups] {
                tx.directory().add_member(world.tenant, *group, one.member).await?;
            }
        }
        let chain: Vec<Group> = (0..20).map(|n| group(&format!("nested {n}"), now)).collect();
        let mut inside = deep;
        for group in &chain {
            tx.directory().insert_group(world.tenant, group).await?;
            tx.directory().add_member(world.tenant, group.id, inside).await?;
            inside = Member { id: group.id.into(), kind: MemberKind::Group };
        }
        tx.directory().add_member(world.tenant, chain[0].id, inside).await?;
        tx.commit().await?;
        eprintln!("{} groups made after {:?}", all.len(), began.elapsed());
        let head = world.app().store.feed().borrow().head;
        tokio::time::timeout(Duration::from_mins(1), world.app().people.reached(head)).await?;
        Ok(Self { groups: all, members, deep, top: chain[19].id })
    }

    /// The person in so many groups.
    pub(crate) fn person(&self, groups: usize) -> Option<PrincipalId> {
        let mut all = self.members.iter();
        all.find(|one| one.groups == groups && one.member.kind == MemberKind::User).map(|one| one.member.id)
    }
}

/// A way into the cluster that can be cut.
struct Line {
    planes: Arc<Planes>,
    cut: AtomicBool,
}

impl Reach for Line {
    fn client(&self, cluster: ClusterUid) -> Reaching<'_, kube::Client> {
        if self.cut.load(Ordering::SeqCst) {
            return Box::pin(async { Err(InClusterError::Connect("the line is cut".into())) });
        }
        Reach::client(self.planes.as_ref(), cluster)
    }

    fn restore_rights(&self, cluster: ClusterUid) -> Reaching<'_, ()> {
        Reach::restore_rights(self.planes.as_ref(), cluster)
    }
}

impl World {
    fn token_of(&self, who: Member) -> String {
        self.token_for(&AKS_SERVER.to_string(), who.id, who.kind)
    }

    pub(crate) fn as_member(&self, who: Member, args: &str) -> Result<String> {
        self.kubectl(&self.token_of(who), args)
    }

    /// The groups that the API server knows somebody by.
    fn groups_there(&self, who: Member) -> Result<BTreeSet<String>> {
        let said = self.as_member(who, "auth whoami -o json")?;
        let said: Value = serde_json::from_str(&said).context(said)?;
        let groups = said["status"]["userInfo"]["groups"].as_array().context("groups")?;
        let groups = groups.iter().filter_map(Value::as_str).filter(|group| *group != "system:authenticated");
        Ok(groups.map(str::to_owned).collect())
    }

    /// An open door, which may do anything: what kubectl needs to use it.
    pub(crate) async fn door(&self) -> Result<OpenDoor> {
        let (uid, now) = (self.cluster.uid, Timestamp::now());
        let asked = Door {
            id: DoorId::from_uuid(Uuid::new_v4()),
            tenant: self.tenant,
            cluster: uid,
            holder: self.alice.id.into(),
            reason: Reason::of_az(),
            life: Life::USUAL,
            asked: now,
            state: DoorState::requested(now),
        };
        let holder = self.planes.open_break_glass(uid, asked.holder, asked.id, Duration::from_hours(20)).await?;
        let agreed = asked.alone(&BreakGlass::default()).context("no second person")?;
        let door = asked.open(&agreed, holder.cert_pem.clone(), now)?;
        let mut tx = self.app().store.write().await?;
        tx.arm().put_door(&door).await?;
        tx.commit().await?;
        entrance_server::clusters::incluster::open_door(&self.client().await?, &door).await?;
        let who = self.root.path().join("door.pem");
        std::fs::write(&who, holder.pem().as_bytes())?;
        let ca = self.root.path().join("ca");
        std::fs::write(&ca, self.planes.running(uid)?.ca_pem)?;
        let door = OpenDoor { who, ca };
        until("the door", async || {
            let said = door.kubectl(self, "get --raw=/readyz")?;
            ensure!(said == "ok", "{said}");
            Ok(())
        })
        .await?;
        Ok(door)
    }
}

/// The files of an open door.
pub(crate) struct OpenDoor {
    pub(crate) who: std::path::PathBuf,
    ca: std::path::PathBuf,
}

impl OpenDoor {
    /// What kubectl prints, on either stream.
    pub(crate) fn kubectl(&self, world: &World, args: &str) -> Result<String> {
        let running = world.planes.running(world.cluster.uid)?;
        let (cert, key) =
            (format!("--client-certificate={}", self.who.display()), format!("--client-key={}", self.who.display()));
        run(&world.binary, world.root.path(), &["--server", &running.url, &cert, &key], &self.ca, args)
    }

    /// Makes objects.
    pub(crate) fn apply(&self, world: &World, objects: &Value) -> Result<()> {
        let file = world.root.path().join("objects.json");
        std::fs::write(&file, serde_json::to_vec(&json!({"apiVersion": "v1", "kind": "List", "items": objects}))?)?;
        let said = self.kubectl(world, &format!("apply --server-side -f {}", file.display()))?;
        ensure!(!said.to_lowercase().contains("error") && !said.contains("invalid"), "{said}");
        Ok(())
    }
}

fn binding(name: &str, role: &str, group: GroupId) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_signs_in_whatever_the_number_of_their_groups_and_has_every_right_that_the_cluster_gives() -> Result<()> {
    let mut world = World::start(control_plane()).await?;
    world.set(world.managed()).await?;
    let crowd = Crowd::join(&world).await?;
    let line = Arc::new(Line { planes: Arc::clone(&world.planes), cut: AtomicBool::new(false) });
    let reconcilers = world.reconcilers_through(Arc::<Line>::clone(&line));
    reconcilers.start(world.cluster.uid);
    is_known(&world, true).await?;
    let door = world.door().await?;

    each_has_the_groups_that_count(&world, &crowd, &door).await?;
    a_new_binding_counts_within_the_bound(&world, &crowd, &door).await?;
    an_id_in_a_policy_counts(&world, &crowd, &door).await?;
    a_role_assignment_counts(&world, &crowd).await?;
    with_the_watch_cut_nobody_is_cut_short(&world, &crowd, &line).await?;
    an_api_server_that_hangs_is_noticed(&world).await?;

    reconcilers.stop(world.cluster.uid);
    is_known(&world, false).await?;
    let World { server, planes, cluster, .. } = world;
    planes.remove(cluster.uid).await?;
    server.stop().await;
    Ok(())
}

async fn is_known(world: &World, wanted: bool) -> Result<Duration> {
    let began = Instant::now();
    until("what the cluster refers to", async || {
        let references = &world.app().references;
        let known = references.of(world.cluster.uid).is_some();
        ensure!(known == wanted, "{:?}", references.states(world.cluster.uid));
        Ok(())
    })
    .await?;
    Ok(began.elapsed())
}

async fn each_has_the_groups_that_count(world: &World, crowd: &Crowd, door: &OpenDoor) -> Result<()> {
    let objects: Vec<Value> = SIZES.iter().map(|size| binding(&format!("size-{size}"), "view", crowd.groups[size - 1])).collect();
    let nested = binding("nested", "view", crowd.top);
    door.apply(world, &json!([objects, vec![nested]].concat()))?;
    for one in &crowd.members {
        until("their right", async || {
            let said = world.as_member(one.member, "get pods -A")?;
            ensure!(said.contains("No resources found"), "{} groups: {said}", one.groups);
            Ok(())
        })
        .await?;
        let there = world.groups_there(one.member)?;
        if one.groups <= 450 {
            assert_eq!(there.len(), one.groups, "below the budget all are carried");
        } else {
            let sizes = SIZES.iter().filter(|size| **size <= one.groups);
            let wanted: BTreeSet<_> = sizes.map(|size| crowd.groups[size - 1].to_string()).collect();
            assert_eq!(there, wanted, "above it those that the cluster refers to");
        }
    }
    let said = world.as_member(crowd.deep, "get pods -A")?;
    ensure!(said.contains("No resources found"), "twenty deep and round in a circle: {said}");
    Ok(())
}

/// DESIGN 4.2 and the bound: 12 s, the API server's own memory of a token included.
async fn a_new_binding_counts_within_the_bound(world: &World, crowd: &Crowd, door: &OpenDoor) -> Result<()> {
    let big = Member { id: crowd.person(10_000).context("somebody")?, kind: MemberKind::User };
    let token = world.token_of(big);
    ensure!(world.kubectl(&token, "get nodes")?.contains("Forbidden"), "`view` does not show nodes");
    door.apply(world, &json!([binding("new", "cluster-admin", crowd.groups[7_777])]))?;
    let made = Instant::now();
    let sees_nodes = |said: String| {
        ensure!(said.contains(" Ready "), "{said}");
        Ok(())
    };
    until("the new right with a new token", async || sees_nodes(world.as_member(big, "get nodes --no-headers")?)).await?;
    let fresh = made.elapsed();
    until("the new right with the token in use", async || sees_nodes(world.kubectl(&token, "get nodes --no-headers")?)).await?;
    eprintln!("a new binding counted after {fresh:?} (new token), {:?} (token in use)", made.elapsed());
    ensure!(made.elapsed() < Duration::from_secs(12), "{:?}", made.elapsed());
    Ok(())
}

async fn an_id_in_a_policy_counts(world: &World, crowd: &Crowd, door: &OpenDoor) -> Result<()> {
    let [a, b, c, d] = [100, 200, 300, 400].map(|n| crowd.groups[n]);
    let rules = json!({"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]});
    let forbids = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "no-contractors"},
        "spec": {
            "matchConstraints": rules,
            "matchConditions": [{"name": "contractors", "expression": format!("'{a}' in request.userInfo.groups")}],
            "validations": [{"expression": "false", "message": "contractors make no config maps"}],
        },
    });
    let bound = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "no-contractors"},
        "spec": {"policyName": "no-contractors", "validationActions": ["Deny"]},
    });
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "elsewhere"},
        "webhooks": [{
            "name": "elsewhere.contoso.example", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Ignore",
            "clientConfig": {"url": "https://127.0.0.1:9/"},
            "rules": [{"apiGroups": ["x.example"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["xs"]}],
            "matchConditions": [{"name": "them", "expression": format!("'{b}' in request.userInfo.groups")}],
        }],
    });
    let flow = json!({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", "metadata": {"name": "batch"},
        "spec": {
            "priorityLevelConfiguration": {"name": "workload-low"}, "matchingPrecedence": 9_000,
            "rules": [{"subjects": [{"kind": "Group", "group": {"name": c}}], "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}]}],
        },
    });
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "one", "namespace": "default"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": d}],
    });
    door.apply(world, &json!([forbids, bound, webhook, flow, role]))?;
    let big = Member { id: crowd.person(10_000).context("somebody")?, kind: MemberKind::User };
    until("what the policies refer to", async || {
        let there = world.groups_there(big)?;
        let missing: Vec<_> = [a, b, c, d].into_iter().filter(|group| !there.contains(&group.to_string())).collect();
        ensure!(missing.is_empty(), "{missing:?}");
        Ok(())
    })
    .await?;
    // A rule that forbids something holds for somebody whose token could never tell the group.
    until("the policy", async || {
        let said = world.as_member(big, "create configmap x --dry-run=server")?;
        ensure!(said.contains("contractors make no config maps"), "{said}");
        Ok(())
    })
    .await
}

/// Of the cluster, above it and below it; those of other places do not.
async fn a_role_assignment_counts(world: &World, crowd: &Crowd) -> Result<()> {
    let (uid, now) = (world.cluster.uid, Timestamp::now());
    let here = world.cluster.address.scope();
    let subscription = Scope::subscription(world.cluster.address.subscription);
    let inside: Scope = format!("{}/namespaces/web", here.as_str()).parse()?;
    let elsewhere = Scope::subscription(SubscriptionId::from_uuid(Uuid::new_v4()));
    let scopes = [here, subscription, inside, elsewhere];
    let groups = [1_001, 1_002, 1_003, 1_004].map(|n| crowd.groups[n]);
    let mut tx = world.app().store.write().await?;
    for (scope, group) in scopes.into_iter().zip(groups) {
        let assignment = Assignment {
            id: AssignmentId::from_uuid(Uuid::new_v4()),
            tenant: world.tenant,
            scope,
            role: built_in::READER,
            principal: PrincipalId::from_uuid(group.uuid()),
            principal_type: PrincipalType::Group,
            description: None,
            condition: None,
            created: now,
            created_by: None,
            updated: now,
            updated_by: None,
        };
        tx.arm().insert_assignment(&assignment).await?;
    }
    tx.commit().await?;
    until("the role assignments", async || {
        let known = world.app().references.of(uid).context("it is known")?;
        let found = groups.map(|group| known.contains(&group));
        ensure!(found == [true, true, true, false], "{found:?}");
        ensure!(known.contains(&world.outer.id), "administrators count, too");
        Ok(())
    })
    .await
}

async fn with_the_watch_cut_nobody_is_cut_short(world: &World, crowd: &Crowd, line: &Line) -> Result<()> {
    line.cut.store(true, Ordering::SeqCst);
    let noticed = is_known(world, false).await?;
    ensure!(noticed < BOUND, "{noticed:?}");
    eprintln!("a cut line was noticed after {noticed:?}");
    for one in &crowd.members {
        let said = world.as_member(one.member, "auth whoami")?;
        if one.groups <= 450 {
            ensure!(said.contains("system:authenticated"), "{} groups: {said}", one.groups);
        } else {
            ensure!(said.contains("Unauthorized") || said.contains("must be logged in"), "{} groups: {said}", one.groups);
        }
    }
    // the reason stands in the API server's log.
    let log = std::fs::read_to_string(world.planes.home(world.cluster.uid).log(Part::ApiServer))?;
    ensure!(log.contains("it is not known which of them the cluster refers to"), "the reason is told");
    line.cut.store(false, Ordering::SeqCst);
    let healed = is_known(world, true).await?;
    eprintln!("the view was complete again after {healed:?}");
    for one in &crowd.members {
        ensure!(world.as_member(one.member, "auth whoami")?.contains("system:authenticated"), "{} groups", one.groups);
    }
    Ok(())
}

/// A process that is stopped answers nothing and closes nothing: the connection looks as alive as before.
async fn an_api_server_that_hangs_is_noticed(world: &World) -> Result<()> {
    let progress = world.planes.observe(world.cluster.uid).await.context("it is kept")?;
    let pid = progress.part(Part::ApiServer).pid.context("it runs")?.to_string();
    let signal = |name: &str| Command::new("kill").args([name, &pid]).status();
    signal("-STOP")?;
    let noticed = is_known(world, false).await;
    signal("-CONT")?;
    let noticed = noticed?;
    ensure!(noticed < BOUND + Duration::from_secs(1), "{noticed:?}");
    eprintln!("an API server that hangs was noticed after {noticed:?}");
    is_known(world, true).await?;
    Ok(())
}
