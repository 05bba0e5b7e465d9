//! What is ours inside a real cluster is put right within seconds, and our everyday credential can do its work and nothing
//! else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use entrance_model::Timestamp;
use entrance_model::cluster::Door;
use entrance_model::id::DoorId;
use entrance_server::clusters::incluster::{ADMIN_BINDING, Found};
use entrance_server::clusters::local::{NODES, OPERATOR, Rights, issue_operator};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{ResourceRule, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule};
use kube::Api;
use kube::api::PostParams;
use serde_json::Value;
use uuid::Uuid;

use crate::groups::OpenDoor;
use crate::local_plane::{control_plane, until};
use crate::reviews::{World, run};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ours_is_put_right_and_our_credential_can_do_nothing_else() -> Result<()> {
    let ahead = Arc::new(AtomicU64::new(0));
    let clock = {
        let ahead = Arc::clone(&ahead);
        Arc::new(move || Timestamp::now() + Duration::from_hours(ahead.load(Ordering::SeqCst)))
    };
    let mut world = World::start_at(control_plane(), clock).await?;
    world.set(world.managed()).await?;
    let reconcilers = world.reconcilers();
    reconcilers.start(world.cluster.uid);
    let door = world.door().await?;
    let kept = Kept { world: &world, door: &door };
    kept.is_right().await?;

    every_damage_is_repaired(&kept).await?;
    let repaired: u64 = reconcilers.repairs().counts().map(|(_, times)| times).sum();
    ensure!(repaired >= 10, "{repaired} repairs were counted");
    let trail = world.app().store.read().await?.audit_trail(world.tenant, 200).await?;
    for found in [Found::Missing, Found::Changed, Found::Stray] {
        let told = |object: &str| {
            trail.iter().any(|row| {
                row.kind == "cluster.repaired" && row.detail["found"] == found.as_str() && row.detail["object"] == object
            })
        };
        match found {
            Found::Missing | Found::Changed => ensure!(told(ADMIN_BINDING), "{found:?}: {trail:?}"),
            Found::Stray => ensure!(trail.iter().any(|row| row.detail["found"] == "stray"), "{trail:?}"),
        }
    }
    the_operator_can_do_what_is_listed_and_nothing_else(&world).await?;
    the_credential_is_renewed_at_half_of_its_life(&world, &ahead).await?;

    let World { server, planes, cluster, .. } = world;
    planes.remove(cluster.uid).await?;
    server.stop().await;
    Ok(())
}

struct Kept<'w> {
    world: &'w World,
    door: &'w OpenDoor,
}

impl Kept<'_> {
    /// Everything that is ours is as it shall be, and the operator can look.
    async fn is_right(&self) -> Result<()> {
        until("everything to be right", async || self.look().await).await
    }

    async fn look(&self) -> Result<()> {
        let client = self.world.client().await?;
        let (roles, bindings) = (Api::<ClusterRole>::all(client.clone()), Api::<ClusterRoleBinding>::all(client));
        for rights in Rights::all() {
            ensure!(rights.is_role(&roles.get(rights.name()).await?), "{}", rights.name());
            ensure!(rights.is_binding(&bindings.get(rights.name()).await?), "{}", rights.name());
        }
        let admins = bindings.get(ADMIN_BINDING).await?;
        let subjects: Vec<_> = admins.subjects.iter().flatten().map(|subject| subject.name.clone()).collect();
        ensure!(subjects == [self.world.outer.id.to_string()], "{subjects:?}");
        let labels = admins.metadata.labels.unwrap_or_default();
        ensure!(labels.get("addonmanager.kubernetes.io/mode").is_some_and(|mode| mode == "Reconcile"), "{labels:?}");
        Ok(())
    }

    /// Does damage, and measures how long it lasts.
    async fn damage(&self, what: &str) -> Result<()> {
        let said = self.door.kubectl(self.world, what)?;
        ensure!(["deleted", "patched", "labeled", "created"].iter().any(|done| said.contains(done)), "{what}: {said}");
        let began = Instant::now();
        self.is_right().await?;
        eprintln!("right again after {:?}: {what}", began.elapsed());
        ensure!(began.elapsed() < Duration::from_secs(10), "{what}: {:?}", began.elapsed());
        Ok(())
    }
}

async fn every_damage_is_repaired(kept: &Kept<'_>) -> Result<()> {
    let add_rule = r#"[{"op":"add","path":"/rules/-","value":{"apiGroups":[""],"resources":["secrets"],"verbs":["*"]}}]"#;
    for what in [
        format!("delete clusterrolebinding {ADMIN_BINDING}"),
        format!("label clusterrolebinding {ADMIN_BINDING} addonmanager.kubernetes.io/mode-"),
        format!("patch clusterrolebinding {ADMIN_BINDING} --type=merge -p {{\"subjects\":[]}}"),
        format!("patch clusterrole {OPERATOR} --type=json -p {add_rule}"),
        format!("patch clusterrole {OPERATOR} --type=merge -p {{\"rules\":[]}}"),
        format!("label clusterrole {OPERATOR} rbac.authorization.k8s.io/aggregate-to-view=true"),
        format!("delete clusterrole {OPERATOR}"),
        format!("delete clusterrolebinding {OPERATOR}"),
        format!("patch clusterrolebinding {OPERATOR} --type=json -p [{{\"op\":\"remove\",\"path\":\"/subjects/0\"}}]"),
        format!("delete clusterrole {NODES}"),
    ] {
        kept.damage(&what).await?;
    }
    // A door that nobody opened, and an open one whose binding was deleted.
    let stray = Door::group(DoorId::from_uuid(Uuid::new_v4()));
    kept.door.kubectl(kept.world, &format!("create clusterrolebinding {stray} --clusterrole=cluster-admin --group={stray}"))?;
    let bindings: Api<ClusterRoleBinding> = Api::all(kept.world.client().await?);
    until("the stray binding's end", async || {
        ensure!(bindings.get_opt(&stray).await?.is_none());
        Ok(())
    })
    .await?;
    let own = bindings.list(&kube::api::ListParams::default()).await?;
    let own = own.iter().filter_map(|one| one.metadata.name.clone()).find(|name| name.starts_with("entrance:break-glass:"));
    let own = own.context("the open door's binding")?;
    bindings.delete(&own, &kube::api::DeleteParams::default()).await?;
    until("the open door's binding", async || {
        ensure!(bindings.get_opt(&own).await?.is_some());
        Ok(())
    })
    .await
}

/// The API server names a client certificate by its hash.
async fn credential(world: &World) -> Result<String> {
    let reviews: Api<SelfSubjectReview> = Api::all(world.client().await?);
    let said = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await?;
    let who = said.status.and_then(|status| status.user_info).context("an answer")?;
    assert_eq!(who.username.as_deref(), Some(OPERATOR));
    assert_eq!(who.groups, Some(vec!["system:authenticated".to_owned()]), "no group gives it anything");
    let extra = who.extra.unwrap_or_default();
    let id = extra.get("authentication.kubernetes.io/credential-id").and_then(|ids| ids.first()).context("a credential id")?;
    Ok(id.clone())
}

/// It lives for a day, so half of its life is left when the next one takes over.
async fn the_credential_is_renewed_at_half_of_its_life(world: &World, ahead: &AtomicU64) -> Result<()> {
    let first = credential(world).await?;
    ahead.store(11, Ordering::SeqCst);
    assert_eq!(credential(world).await?, first, "not before half of its life");
    ahead.store(13, Ordering::SeqCst);
    // The next one is of a time that the API server does not know yet, and so it shows that it is another one.
    let refused = credential(world).await.expect_err("it begins in thirteen hours");
    ensure!(matches!(refused.downcast_ref(), Some(kube::Error::Api(status)) if status.code == 401), "{refused}");
    Ok(())
}

/// A rule without regard to order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    verbs: BTreeSet<String>,
    groups: BTreeSet<String>,
    resources: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Right {
    fn of(rule: PolicyRule) -> Self {
        let set = |all: Option<Vec<String>>| all.unwrap_or_default().into_iter().collect();
        Self {
            verbs: rule.verbs.into_iter().collect(),
            groups: set(rule.api_groups),
            resources: set(rule.resources),
            names: set(rule.resource_names),
        }
    }

    fn told(rule: ResourceRule) -> Self {
        let set = |all: Option<Vec<String>>| all.unwrap_or_default().into_iter().collect();
        Self {
            verbs: rule.verbs.into_iter().collect(),
            groups: set(rule.api_groups),
            resources: set(rule.resources),
            names: set(rule.resource_names),
        }
    }
}

async fn the_operator_can_do_what_is_listed_and_nothing_else(world: &World) -> Result<()> {
    let client = world.client().await?;
    let reviews: Api<SelfSubjectRulesReview> = Api::all(client);
    let listed: BTreeSet<_> = Rights::of_operator().role.rules.into_iter().flatten().map(Right::of).collect();
    // Addresses are no resources.
    let listed: BTreeSet<_> = listed.into_iter().filter(|right| !right.resources.is_empty()).collect();
    for namespace in ["kube-system", "default"] {
        let spec = SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) };
        let ask = SelfSubjectRulesReview { spec, ..SelfSubjectRulesReview::default() };
        let status = reviews.create(&PostParams::default(), &ask).await?.status.context("an answer")?;
        ensure!(!status.incomplete, "{status:?}");
        // What everybody may who is somebody: ask about oneself.
        let is_own = |resources: &BTreeSet<String>| resources.iter().all(|resource| resource.starts_with("selfsubject"));
        let has: BTreeSet<_> =
            status.resource_rules.into_iter().map(Right::told).filter(|right| !is_own(&right.resources)).collect();
        assert_eq!(has, listed, "in {namespace}");
    }
    let operator = issue_operator(&world.planes.home(world.cluster.uid), Timestamp::now())?;
    let who = world.root.path().join("operator.pem");
    std::fs::write(&who, operator.pem().as_bytes())?;
    let running = world.planes.running(world.cluster.uid)?;
    let files = [format!("--client-certificate={}", who.display()), format!("--client-key={}", who.display())];
    let ca = world.root.path().join("ca");
    for forbidden in [
        "get secrets -A",
        "get configmaps -A",
        "get pods -A",
        "get serviceaccounts -A",
        "run evil --image=evil",
        "create namespace evil",
        "delete namespace default",
        "create secret generic evil",
        "create token default",
        "create clusterrole evil --verb=get --resource=secrets",
        "create rolebinding evil --clusterrole=view --user=evil",
        "create clusterrolebinding evil --clusterrole=system:kube-controller-manager --user=entrance:operator",
        "create clusterrolebinding evil --clusterrole=admin --user=entrance:operator",
        "patch clusterrole entrance:operator --type=merge -p {\"rules\":[]}",
        "patch clusterrole view --type=merge -p {\"rules\":[]}",
        "delete clusterrole view",
        "delete validatingadmissionpolicy evil",
        "delete certificatesigningrequest evil",
        "delete node evil",
        "get nodes --as=system:admin",
        "get nodes --as=evil --as-group=system:masters",
        "label node --all evil=true",
        "get --raw=/logs/",
        "get --raw=/api/v1/namespaces/default/services/https:kubernetes:/proxy/",
        "delete configmap kube-root-ca.crt",
        "get configmap kube-root-ca.crt",
    ] {
        let said = run(&world.binary, world.root.path(), &["--server", &running.url, &files[0], &files[1]], &ca, forbidden)?;
        let is_refused = ["Forbidden", "forbidden"].iter().any(|word| said.contains(word));
        ensure!(is_refused, "{forbidden}: {said}");
    }
    let bindings: Value = serde_json::from_str(&run(
        &world.binary,
        world.root.path(),
        &["--server", &running.url, &files[0], &files[1]],
        &ca,
        "get clusterrolebindings -o json",
    )?)?;
    ensure!(bindings["items"].as_array().is_some_and(|items| !items.is_empty()), "what it is for it can do");
    Ok(())
}
