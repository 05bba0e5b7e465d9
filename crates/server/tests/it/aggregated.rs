//! A real aggregated API server behind a real API server: groups arrive there as headers, and there are not too many.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entrance_model::directory::{Member, MemberKind};
use entrance_model::id::GroupId;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::groups::{Crowd, OpenDoor};
use crate::local_plane::{control_plane, until};
use crate::reviews::World;

/// `controlplane metrics`, registered with the cluster. It ends with this value.
pub(crate) struct Aggregated {
    server: Child,
}

impl Drop for Aggregated {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Aggregated {
    /// Starts it and waits until the API server passes requests on to it. Refuses requests of more than `headers` values.
    pub(crate) async fn start(world: &World, door: &OpenDoor, headers: u32) -> Result<Self> {
        let files = world.root.path().join("metrics");
        std::fs::create_dir_all(&files)?;
        let (ca, serving) = serving_certificate()?;
        let pem = files.join("serving.pem");
        std::fs::write(&pem, serving)?;
        door.apply(world, &rights())?;
        let token = door.kubectl(world, "create token metrics -n kube-system --duration=2h")?;
        let running = world.planes.running(world.cluster.uid)?;
        let kubeconfig = files.join("kubeconfig");
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {
                "server": running.url, "certificate-authority-data": STANDARD.encode(&running.ca_pem),
            }}],
            "users": [{"name": "me", "user": {"token": token.trim()}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        });
        std::fs::write(&kubeconfig, config.to_string())?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = std::fs::File::create(files.join("log"))?;
        let file = |name: &str, path: &PathBuf| format!("--{name}={}", path.display());
        let server = Command::new(world.binary.path())
            .args(["metrics", "--bind-address=127.0.0.1", &format!("--secure-port={port}")])
            .args([file("kubeconfig", &kubeconfig), file("tls-cert-file", &pem), file("tls-private-key-file", &pem)])
            .arg(format!("--max-header-values={headers}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let aggregated = Self { server };
        door.apply(world, &registration(port, &ca))?;
        until("the aggregated API", async || {
            let said = door.kubectl(world, "get --raw=/apis/metrics.k8s.io/v1beta1/nodes")?;
            ensure!(said.contains("NodeMetricsList"), "{said}: {}", std::fs::read_to_string(files.join("log"))?);
            Ok(())
        })
        .await?;
        Ok(aggregated)
    }
}

/// An authority, and a certificate with its key for the name by which API servers call the service.
fn serving_certificate() -> Result<(String, String)> {
    let (ca_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let ca_pem = ca.self_signed(&ca_key)?.pem();
    let mut leaf = CertificateParams::new(vec!["metrics.kube-system.svc".to_owned()])?;
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let leaf = leaf.signed_by(&key, &Issuer::from_params(&ca, &ca_key))?.pem();
    Ok((ca_pem, format!("{leaf}{}", key.serialize_pem())))
}

/// What an aggregated API server needs: whom the front proxy is, who may do what, and what it shows.
fn rights() -> Value {
    let subject = json!([{"kind": "ServiceAccount", "name": "metrics", "namespace": "kube-system"}]);
    let group = "rbac.authorization.k8s.io";
    let binding = |name: &str, kind: &str, role: &str| {
        let mut binding = json!({
            "apiVersion": format!("{group}/v1"), "kind": format!("{}Binding", kind), "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": kind, "name": role}, "subjects": subject,
        });
        if kind == "Role" {
            binding["metadata"]["namespace"] = "kube-system".into();
        }
        binding
    };
    json!([
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "metrics", "namespace": "kube-system"}},
        binding("metrics:delegator", "ClusterRole", "system:auth-delegator"),
        binding("metrics:reader", "Role", "extension-apiserver-authentication-reader"),
        {
            "apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": {"name": "metrics"},
            "rules": [{"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["get", "list"]}],
        },
        binding("metrics", "ClusterRole", "metrics"),
        {
            "apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": {"name": "top"},
            "rules": [{"apiGroups": ["", "metrics.k8s.io"], "resources": ["nodes", "pods"], "verbs": ["get", "list"]}],
        },
    ])
}

fn registration(port: u16, ca: &str) -> Value {
    json!([
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "metrics", "namespace": "kube-system"},
            // There is no network for services here; a name is enough to find it on this machine.
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {
                "group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                "service": {"name": "metrics", "namespace": "kube-system", "port": port}, "caBundle": STANDARD.encode(ca),
            },
        },
    ])
}

fn may_top(group: GroupId) -> Value {
    let rbac = "rbac.authorization.k8s.io";
    json!({
        "apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": format!("top-{group}")},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "top"},
        "subjects": [{"apiGroup": rbac, "kind": "Group", "name": group}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_top_works_for_people_in_any_number_of_groups() -> Result<()> {
    let mut world = World::start(control_plane()).await?;
    world.set(world.managed()).await?;
    let crowd = Crowd::join(&world).await?;
    let reconcilers = world.reconcilers();
    reconcilers.start(world.cluster.uid);
    let door = world.door().await?;
    // What a server that is built with Go 1.27 and changes nothing takes.
    let aggregated = Aggregated::start(&world, &door, 500).await?;
    let sizes = [10, 450, 451, 10_000];
    door.apply(&world, &sizes.iter().map(|size| may_top(crowd.groups[size - 1])).collect())?;
    for size in sizes {
        let who = Member { id: crowd.person(size).context("somebody")?, kind: MemberKind::User };
        until("the usage of nodes", async || {
            let said = world.as_member(who, "top nodes --no-headers")?;
            ensure!(said.contains("Mi") && said.contains('%'), "{size} groups: {said}");
            Ok(())
        })
        .await?;
    }
    drop(aggregated);

    // The budget is what makes it fit: with a tighter server the 450 groups of a person are too many.
    let tight = Aggregated::start(&world, &door, 300).await?;
    let who = Member { id: crowd.person(450).context("somebody")?, kind: MemberKind::User };
    until("the refusal", async || {
        let said = world.as_member(who, "get --raw=/apis/metrics.k8s.io/v1beta1/nodes")?;
        ensure!(said.contains("status code 431"), "{said}");
        Ok(())
    })
    .await?;
    let few = Member { id: crowd.person(10_000).context("somebody")?, kind: MemberKind::User };
    ensure!(world.as_member(few, "top nodes --no-headers")?.contains("Mi"), "of ten thousand groups only a few are carried");
    drop(tight);

    let World { server, planes, cluster, .. } = world;
    planes.remove(cluster.uid).await?;
    server.stop().await;
    Ok(())
}
