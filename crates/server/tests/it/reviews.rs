//! A real API server asks our webhook, and its bindings are kept.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use entrance_model::Timestamp;
use entrance_model::arm::{ClusterAddress, ResourceGroup, ResourceGroupDocument, Subscription};
use entrance_model::cluster::door::{BreakGlass, DoorState, Life, Reason};
use entrance_model::cluster::{Cluster, Document, Door, State};
use entrance_model::directory::{Group, Member, MemberKind, Tenant, User};
use entrance_model::id::{ClusterUid, DoorId, PrincipalId, SubscriptionId, TenantId};
use entrance_model::well_known::{AKS_CLIENT, AKS_SERVER};
use entrance_server::authority::keys::Header;
use entrance_server::clusters::incluster::{self, ADMIN_BINDING, Keeping, Reach, Reconcilers};
use entrance_server::clusters::local::{Binary, Planes, Spec};
use entrance_server::{App, Clock, Config, Mode, PasswordCost, Server, setup};
use entrance_testkit::sample;
pub(crate) use entrance_testkit::sample::group;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::local_plane::{EndAll, control_plane, pool, until};

/// A server with a tenant, a cluster that knows it, and alice, who is in `inner`, which is in `outer`.
pub(crate) struct World {
    _end: EndAll,
    pub(crate) root: tempfile::TempDir,
    pub(crate) binary: Binary,
    pub(crate) server: Server,
    pub(crate) planes: Arc<Planes>,
    pub(crate) cluster: Cluster,
    pub(crate) tenant: TenantId,
    pub(crate) alice: User,
    pub(crate) inner: Group,
    pub(crate) outer: Group,
}

impl World {
    pub(crate) async fn start(binary: Binary) -> Result<Self> {
        Self::start_at(binary, Arc::new(Timestamp::now)).await
    }

    /// The same with another clock for what is issued inside the cluster.
    pub(crate) async fn start_at(binary: Binary, clock: entrance_server::clusters::local::Clock) -> Result<Self> {
        let root = tempfile::tempdir()?;
        let end = EndAll(root.path().display().to_string());
        let mut config = Config::new(Mode::Demo, root.path().join("data"));
        config.listen = "127.0.0.1:0".parse()?;
        config.webhook_listen = "127.0.0.1:0".parse()?;
        config.password_cost = PasswordCost::LEAST;
        let server = Server::start(config, Clock::system()).await?;
        let planes = Arc::new(Planes::open(&root.path().join("clusters"), binary.clone(), clock)?);
        let (tenant, now) = (TenantId::from_uuid(Uuid::new_v4()), Timestamp::now());
        let contoso = Tenant {
            id: tenant,
            display_name: "Contoso".into(),
            domains: vec!["contoso.example".into()],
            salt: vec![7; 32],
            created: now,
        };
        setup::tenant(server.app(), &contoso).await?;
        let cluster = cluster(tenant, now)?;
        let world = Self {
            _end: end,
            root,
            binary,
            server,
            planes,
            cluster,
            tenant,
            alice: alice(now),
            inner: group("inner", now),
            outer: group("outer", now),
        };
        world.fill(now).await?;
        let access = world.app().webhooks.access(world.cluster.uid, now)?;
        world.planes.ensure_running(&Spec::new(world.cluster.uid, "prod", pool(1), access)).await?;
        Ok(world)
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        self.server.app()
    }

    async fn fill(&self, now: Timestamp) -> Result<()> {
        let mut tx = self.app().store.write().await?;
        let mut directory = tx.directory();
        directory.insert_user(self.tenant, &self.alice).await?;
        directory.insert_group(self.tenant, &self.inner).await?;
        directory.insert_group(self.tenant, &self.outer).await?;
        directory.add_member(self.tenant, self.inner.id, self.alice()).await?;
        let inner = Member { id: self.inner.id.into(), kind: MemberKind::Group };
        directory.add_member(self.tenant, self.outer.id, inner).await?;
        let ClusterAddress { subscription, group, .. } = self.cluster.address.clone();
        let mut arm = tx.arm();
        arm.insert_subscription(&Subscription { id: subscription, tenant: self.tenant, name: "dev".into(), created: now })
            .await?;
        let location = "westeurope".parse()?;
        let group = ResourceGroup {
            subscription,
            name: group,
            location,
            document: ResourceGroupDocument::default(),
            deleting: None,
            created: now,
        };
        arm.put_group(&group).await?;
        arm.insert_cluster(&self.cluster).await?;
        Ok(tx.commit().await?)
    }

    /// Puts other settings of the cluster in force.
    pub(crate) async fn set(&mut self, profile: Value) -> Result<()> {
        let document = document(profile)?;
        self.cluster.document = document.clone();
        self.cluster.applied = Some(document);
        let mut tx = self.app().store.write().await?;
        let mut cluster = self.cluster.clone();
        tx.arm().update_cluster(&mut cluster).await?;
        tx.commit().await?;
        self.cluster = cluster;
        Ok(())
    }

    pub(crate) fn managed(&self) -> Value {
        json!({"managed": true, "adminGroupObjectIDs": [self.outer.id], "tenantID": self.tenant})
    }

    fn alice(&self) -> Member {
        Member { id: self.alice.id.into(), kind: MemberKind::User }
    }

    /// A new token each time, so that the API server's own memory plays no part.
    fn token(&self, audience: &str) -> String {
        self.token_for(audience, self.alice.id.into(), MemberKind::User)
    }

    /// A new token for anybody.
    pub(crate) fn token_for(&self, audience: &str, oid: PrincipalId, kind: MemberKind) -> String {
        let at = Timestamp::now().as_second();
        let mut claims = json!({
            "aud": audience, "iss": self.app().issuer_v1(self.tenant), "iat": at, "nbf": at, "exp": at + 900, "ver": "1.0",
            "tid": self.tenant, "oid": oid, "appid": AKS_CLIENT.to_string(), "uti": Uuid::new_v4().to_string(),
        });
        let more = match kind {
            MemberKind::ServicePrincipal => json!({"idtyp": "app"}),
            MemberKind::User | MemberKind::Group => json!({"idtyp": "user", "scp": "user.read"}),
        };
        if let (Some(claims), Some(more)) = (claims.as_object_mut(), more.as_object()) {
            claims.extend(more.clone());
        }
        self.app().keys.sign(&claims, Header::V1)
    }

    /// What kubectl prints, on either stream.
    pub(crate) fn kubectl(&self, token: &str, args: &str) -> Result<String> {
        let running = self.planes.running(self.cluster.uid)?;
        let ca = self.root.path().join("ca");
        std::fs::write(&ca, &running.ca_pem)?;
        run(&self.binary, self.root.path(), &["--server", &running.url, "--token", token], &ca, args)
    }

    pub(crate) fn as_alice(&self, args: &str) -> Result<String> {
        self.kubectl(&self.token(&AKS_SERVER.to_string()), args)
    }

    pub(crate) async fn client(&self) -> Result<kube::Client> {
        Ok(self.planes.client(self.cluster.uid).await?)
    }

    pub(crate) fn reconcilers(&self) -> Reconcilers {
        self.reconcilers_through(Arc::<Planes>::clone(&self.planes))
    }

    /// The loops of a server that reaches its clusters in this way.
    pub(crate) fn reconcilers_through(&self, reach: Arc<dyn Reach>) -> Reconcilers {
        let app = self.app();
        let with = Keeping {
            store: app.store.clone(),
            people: app.people.clone(),
            clock: app.clock.clone(),
            reach,
            references: app.references.clone(),
        };
        Reconcilers::new(with, app.tasks.clone())
    }
}

pub(crate) fn run(binary: &Binary, home: &Path, how: &[&str], ca: &Path, args: &str) -> Result<String> {
    let done = Command::new(binary.path())
        .arg("kubectl")
        .args(how)
        .arg(format!("--certificate-authority={}", ca.display()))
        .args(args.split(' '))
        .env("HOME", home)
        .output()?;
    Ok(format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
}

fn document(profile: Value) -> Result<Document> {
    let mut all = json!({"location": "westeurope", "properties": {"agentPoolProfiles": [{"name": "nodepool1", "count": 1}]}});
    if !profile.is_null() {
        all["properties"]["aadProfile"] = profile;
    }
    Ok(serde_json::from_value(all)?)
}

fn cluster(tenant: TenantId, now: Timestamp) -> Result<Cluster> {
    let address = ClusterAddress {
        subscription: SubscriptionId::from_uuid(Uuid::new_v4()),
        group: "web".parse().ok().context("a name")?,
        name: "prod".parse().ok().context("a name")?,
    };
    Ok(Cluster {
        uid: ClusterUid::from_uuid(Uuid::new_v4()),
        address,
        tenant,
        document: document(Value::Null)?,
        applied: Some(document(Value::Null)?),
        version: "1.37.2".parse()?,
        state: State::Ready,
        power: entrance_model::cluster::Power::Running,
        endpoint: None,
        revision: 1,
        created: now,
        created_by: None,
        modified: now,
        modified_by: None,
    })
}

fn alice(now: Timestamp) -> User {
    person("alice", now)
}

/// Somebody whose tokens of the last minute count.
pub(crate) fn person(name: &str, now: Timestamp) -> User {
    User { sessions_valid_from: now - Duration::from_mins(1), ..sample::person(name, now) }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_505_a_real_api_server_knows_people_by_their_tokens_and_forgets_them_in_time() -> Result<()> {
    let mut world = World::start(control_plane()).await?;

    // Without the integration nobody enters, whatever they carry.
    let refused = world.as_alice("get nodes")?;
    ensure!(refused.contains("Unauthorized") || refused.contains("must be logged in"), "{refused}");

    // With it, alice is herself, and may do nothing (R-505).
    world.set(world.managed()).await?;
    let refused = until("alice", async || {
        let refused = world.as_alice("get nodes")?;
        ensure!(refused.contains("Forbidden"), "{refused}");
        Ok(refused)
    })
    .await?;
    ensure!(refused.contains(r#"User "alice@contoso.example" cannot list resource "nodes""#), "{refused}");
    let whoami = world.as_alice("auth whoami -o json")?;
    let whoami: Value = serde_json::from_str(&whoami).context(whoami)?;
    let user = &whoami["status"]["userInfo"];
    assert_eq!(user["uid"], world.alice.id.to_string());
    assert_eq!(user["extra"]["oid"], json!([world.alice.id]));
    let mut groups = vec![world.inner.id.to_string(), world.outer.id.to_string()];
    groups.sort();
    groups.push("system:authenticated".into());
    assert_eq!(user["groups"], json!(groups));

    the_admin_binding_is_kept(&world).await?;
    a_right_ends_with_the_membership(&world).await?;
    a_door_opens_and_closes_by_itself(&world).await?;

    // A token for another audience opens nothing, and neither does a cluster's audience elsewhere.
    for audience in
        [Uuid::new_v4().to_string(), "https://graph.microsoft.com".to_owned(), "https://kubernetes.default.svc".to_owned()]
    {
        let refused = world.kubectl(&world.token(&audience), "auth whoami")?;
        ensure!(refused.contains("Unauthorized") || refused.contains("must be logged in"), "{audience}: {refused}");
    }
    let World { server, planes, cluster, .. } = world;
    planes.remove(cluster.uid).await?;
    server.stop().await;
    Ok(())
}

/// R-502: there within a moment, and again after every edit by hand.
async fn the_admin_binding_is_kept(world: &World) -> Result<()> {
    let reconcilers = world.reconcilers();
    reconcilers.start(world.cluster.uid);
    let client = world.client().await?;
    let is_bound = async || {
        let admins = incluster::admins(&client).await?;
        ensure!(admins == Some(vec![world.outer.id]), "{admins:?}");
        Ok(())
    };
    until("the binding", is_bound).await?;
    until("alice's right", async || {
        let nodes = world.as_alice("get nodes --no-headers")?;
        ensure!(nodes.contains(" Ready "), "{nodes}");
        Ok(())
    })
    .await?;
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    let stranger =
        json!({"subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"}]});
    let edited = Instant::now();
    bindings.patch(ADMIN_BINDING, &PatchParams::default(), &Patch::Merge(&stranger)).await?;
    until("the edited binding", is_bound).await?;
    eprintln!("an edited binding was put right after {:?}", edited.elapsed());
    let deleted = Instant::now();
    bindings.delete(ADMIN_BINDING, &DeleteParams::default()).await?;
    until("the deleted binding", is_bound).await?;
    eprintln!("a deleted binding was back after {:?}", deleted.elapsed());
    reconcilers.stop(world.cluster.uid);
    Ok(())
}

/// DESIGN 4.3: for a token in use within the API server's memory of ten seconds, plus a moment; for a new one at once.
async fn a_right_ends_with_the_membership(world: &World) -> Result<()> {
    let token = world.token(&AKS_SERVER.to_string());
    ensure!(world.kubectl(&token, "get nodes --no-headers")?.contains(" Ready "));
    let mut tx = world.app().store.write().await?;
    tx.directory().remove_member(world.tenant, world.inner.id, PrincipalId::from(world.alice.id)).await?;
    tx.commit().await?;
    let removed = Instant::now();
    until("the end of a new token's right", async || {
        let refused = world.as_alice("get nodes")?;
        ensure!(refused.contains("Forbidden"), "{refused}");
        Ok(())
    })
    .await?;
    let fresh = removed.elapsed();
    until("the end of the right", async || {
        let refused = world.kubectl(&token, "get nodes")?;
        ensure!(refused.contains("Forbidden"), "{refused}");
        Ok(())
    })
    .await?;
    eprintln!("a removed membership ended a right after {fresh:?} (new token), {:?} (token in use)", removed.elapsed());
    ensure!(removed.elapsed() < Duration::from_secs(12), "{:?}", removed.elapsed());
    Ok(())
}

/// Lever 1: the binding is there while the door is open, and gone when its time is over.
async fn a_door_opens_and_closes_by_itself(world: &World) -> Result<()> {
    let (uid, client) = (world.cluster.uid, world.client().await?);
    let now = Timestamp::now();
    let asked = Door {
        id: DoorId::from_uuid(Uuid::new_v4()),
        tenant: world.tenant,
        cluster: uid,
        holder: world.alice.id.into(),
        reason: Reason::of_az(),
        life: Life::stored_micros(8_000_000),
        asked: now,
        state: DoorState::requested(now),
    };
    let holder = world.planes.open_break_glass(uid, asked.holder, asked.id, Duration::from_hours(1)).await?;
    let agreed = asked.alone(&BreakGlass::default()).context("no second person")?;
    let door = asked.open(&agreed, holder.cert_pem.clone(), now)?;
    let mut tx = world.app().store.write().await?;
    tx.arm().put_door(&door).await?;
    tx.commit().await?;
    incluster::open_door(&client, &door).await?;
    let name = Door::group(door.id);
    let who = world.root.path().join("who");
    std::fs::write(&who, holder.pem().as_bytes())?;
    let as_holder = |args: &str| {
        let running = world.planes.running(uid)?;
        let (cert, key) = (format!("--client-certificate={}", who.display()), format!("--client-key={}", who.display()));
        run(&world.binary, world.root.path(), &["--server", &running.url, &cert, &key], &world.root.path().join("ca"), args)
    };
    until("the open door", async || {
        let nodes = as_holder("get nodes --no-headers")?;
        ensure!(nodes.contains(" Ready "), "{nodes}");
        Ok(())
    })
    .await?;
    let reconcilers = world.reconcilers();
    reconcilers.start(uid);
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    until("the end of the door", async || {
        ensure!(bindings.get_opt(&name).await?.is_none());
        Ok(())
    })
    .await?;
    ensure!(door.is_overdue(Timestamp::now()), "not before its time");
    until("the closed door", async || {
        let refused = as_holder("get nodes")?;
        ensure!(refused.contains("Forbidden"), "{refused}");
        Ok(())
    })
    .await?;
    // A binding that nobody opened is not left there.
    let stray = Door { id: DoorId::from_uuid(Uuid::new_v4()), ..door };
    incluster::open_door(&client, &stray).await?;
    until("the stray binding's end", async || {
        ensure!(bindings.get_opt(&Door::group(stray.id)).await?.is_none());
        Ok(())
    })
    .await?;
    incluster::close_door(&client, stray.id).await?;
    reconcilers.stop(uid);
    Ok(())
}
