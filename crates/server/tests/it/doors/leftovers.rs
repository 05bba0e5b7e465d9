//! What a holder leaves behind on a real API server, and what the report says of it.

use anyhow::{Context as _, Result, ensure};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::Value;

use super::world::{Held, World};

/// Does everything by which a holder could come back, closes the door, and reads the report.
pub(super) async fn are_reported(world: &World) -> Result<()> {
    let held = world.open(&world.bob, "1h").await?;
    let other = world.open(&world.olivia, "1h").await?;
    for command in [
        "create namespace back",
        "create serviceaccount robot -n back",
        "create clusterrole spare --verb=get --resource=secrets",
        "create clusterrolebinding spare --clusterrole=cluster-admin --serviceaccount=back:robot",
        "create rolebinding small --clusterrole=view --serviceaccount=back:robot -n back",
        "create token robot -n back --duration=24h",
        "create configmap harmless -n back",
        "create deployment web --image=web -n back",
        "delete clusterrole spare",
    ] {
        world.kubectl(&held, command)?;
    }
    a_secret_with_a_token(world, &held)?;
    a_certificate_that_is_approved(world, &held)?;
    // Somebody else's work is not theirs.
    world.kubectl(&other, "create clusterrolebinding not-bobs --clusterrole=view --user=nobody")?;

    let closed = world.close(&world.olivia, &held, false).await?;
    let left = &closed["leftBehind"];
    let items = left["items"].as_array().with_context(|| closed.to_string())?;
    let found = |resource: &str, name: &str| -> Result<&Value> {
        let one = items.iter().find(|one| one["resource"] == resource && one["name"] == name);
        one.with_context(|| format!("{resource} {name} is not in {left:#}"))
    };
    for (resource, name, way, there) in [
        ("serviceaccounts", "robot", "serviceAccount", None),
        ("serviceaccounts/token", "robot", "token", None),
        ("clusterroles", "spare", "role", Some(false)),
        ("clusterrolebindings", "spare", "binding", Some(true)),
        ("rolebindings", "small", "binding", Some(true)),
        ("secrets", "forever", "secret", None),
        ("certificatesigningrequests", "mine", "request", Some(true)),
        ("certificatesigningrequests/approval", "mine", "approval", Some(true)),
        ("deployments", "web", "workload", None),
    ] {
        let one = found(resource, name)?;
        ensure!(one["way"] == way && one["there"].as_bool() == there && one["seen"] == "auditLog", "{one}");
    }
    ensure!(!items.iter().any(|one| one["name"] == "not-bobs" || one["name"] == "harmless"), "{left:#}");
    ensure!(left["otherWrites"].as_u64() >= Some(2), "a namespace and a configmap: {left:#}");
    eprintln!("a closed door left behind {} things that open the cluster again", items.len());
    world.close(&world.olivia, &other, false).await?;
    Ok(())
}

fn a_secret_with_a_token(world: &World, held: &Held) -> Result<()> {
    let file = world.root.path().join("secret.yaml");
    std::fs::write(
        &file,
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: forever\n  namespace: back\n  annotations:\n    \
         kubernetes.io/service-account.name: robot\ntype: kubernetes.io/service-account-token\n",
    )?;
    world.kubectl(held, &format!("create -f {}", file.display())).map(drop)
}

fn a_certificate_that_is_approved(world: &World, held: &Held) -> Result<()> {
    use base64::Engine as _;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "somebody-else");
    let request = params.serialize_request(&KeyPair::generate()?)?.pem()?;
    let request = base64::engine::general_purpose::STANDARD.encode(request);
    let file = world.root.path().join("csr.yaml");
    std::fs::write(
        &file,
        format!(
            "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata:\n  name: mine\nspec:\n  \
             signerName: kubernetes.io/kube-apiserver-client\n  usages: [client auth]\n  request: {request}\n"
        ),
    )?;
    world.kubectl(held, &format!("create -f {}", file.display()))?;
    world.kubectl(held, "certificate approve mine").map(drop)
}
