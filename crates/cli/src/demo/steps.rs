//! The steps, in the order of the story.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use entrance_server::setup::seed::{Part, Person as SeedPerson};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::kubectl::Kubectl;
use super::person::Person;
use super::{Journey, Report};

/// The administrator's tokens.
struct Signed {
    arm: String,
    graph: String,
}

/// How long a removed right may be seen, at most (DESIGN 4.3), with room for a slow machine.
const REMOVAL_LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn all(journey: &Journey, report: &mut Report) -> Result<()> {
    let facts = &journey.facts;
    let (group, cluster) = (facts.resource_group.as_str(), facts.cluster.as_str());
    register(journey, report).await?;
    let admin = sign_in(journey, report).await?;
    nested(journey, report, &admin).await?;
    resource_group(journey, report, &admin).await?;
    create(journey, report, &admin).await?;
    let kubeconfig = credentials(journey, report, &admin).await?;

    let mia = facts.person(Part::Member);
    let oscar = facts.person(Part::Outsider);
    let as_mia = Kubectl::new(journey, "member", &kubeconfig)?;
    enter(report, &as_mia, mia).await?;
    whoami(report, &as_mia, mia, &facts.admin_group().to_string()).await?;
    refuse(journey, report, &kubeconfig, oscar).await?;
    pipeline(journey, report, &kubeconfig).await?;
    remove(journey, report, &admin, &as_mia, mia).await?;
    break_glass(journey, report, &admin, oscar).await?;
    cannot_be_disabled(journey, report, &admin, group, cluster).await
}

async fn register(journey: &Journey, report: &mut Report) -> Result<()> {
    report.doing("az learns about this cloud");
    let started = Instant::now();
    let cloud = journey.api.cloud().await?;
    ensure!(
        cloud["resourceManager"].as_str() == Some(&format!("{}/", journey.base)),
        "the metadata document names another resource manager"
    );
    let same = format!("az cloud register -n entrance --endpoint-resource-manager {}/", journey.base);
    report.done("az learns about this cloud from one address", Some(&same), started.elapsed());
    Ok(())
}

async fn tokens(journey: &Journey, person: &SeedPerson) -> Result<Signed> {
    let tenant = journey.facts.tenant.to_string();
    let code = journey.api.device_code(&tenant).await?;
    let password = person.password.as_deref().unwrap_or_default();
    Person::new(&journey.api).approve_device(&code.user_code, &person.upn, password).await?;
    let refresh_token = journey.api.redeem(&code).await?;
    let arm = journey.api.token(&tenant, &refresh_token, &format!("{}/arm", journey.base)).await?;
    let graph = journey.api.token(&tenant, &refresh_token, &format!("{}/", journey.base)).await?;
    Ok(Signed { arm, graph })
}

async fn sign_in(journey: &Journey, report: &mut Report) -> Result<Signed> {
    let person = journey.facts.person(Part::Administrator);
    report.doing("the administrator signs in with a device code");
    let started = Instant::now();
    let signed = tokens(journey, person).await?;
    let (status, _, list) = journey.api.arm(&signed.arm, Method::GET, "/subscriptions", None).await?;
    ensure!(status.is_success(), "{status}: the subscriptions cannot be listed");
    let count = list["value"].as_array().map_or(0, Vec::len);
    ensure!(count > 0, "no subscription is visible");
    let what = format!("{} signs in with a device code and sees {count} subscription", person.upn);
    report.done(&what, Some("az login --use-device-code"), started.elapsed());
    Ok(signed)
}

async fn nested(journey: &Journey, report: &mut Report, admin: &Signed) -> Result<()> {
    let person = journey.facts.person(Part::Member);
    report.doing("the directory looks through nested groups");
    let started = Instant::now();
    let id = person.id.context("the seed was completed")?;
    let group = journey.facts.admin_group();
    let answer = journey
        .api
        .graph(
            &admin.graph,
            Method::POST,
            &format!("/directoryObjects/{id}/checkMemberGroups"),
            Some(&json!({ "groupIds": [group] })),
        )
        .await?;
    ensure!(answer["value"] == json!([group]), "the directory does not see the nested membership");
    let what = format!("{} is in the admin group, through a group inside it", person.upn);
    report.done(&what, Some(&format!("az ad group member check -g {group} --member-id {id}")), started.elapsed());
    Ok(())
}

async fn resource_group(journey: &Journey, report: &mut Report, admin: &Signed) -> Result<()> {
    report.doing("a resource group is made");
    let started = Instant::now();
    let facts = &journey.facts;
    let path = format!("/subscriptions/{}/resourcegroups/{}", facts.subscription, facts.resource_group);
    let (status, _, answer) = journey.api.arm(&admin.arm, Method::PUT, &path, Some(&json!({ "location": "local" }))).await?;
    ensure!(status.is_success(), "{status}: {}", message(&answer));
    report.done(
        &format!("Resource group `{}` is there", facts.resource_group),
        Some(&format!("az group create -n {} -l local", facts.resource_group)),
        started.elapsed(),
    );
    Ok(())
}

fn cluster_path(journey: &Journey) -> String {
    let facts = &journey.facts;
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ContainerService/managedClusters/{}",
        facts.subscription, facts.resource_group, facts.cluster
    )
}

async fn create(journey: &Journey, report: &mut Report, admin: &Signed) -> Result<()> {
    report.doing("a real control plane starts, with the integration on");
    let started = Instant::now();
    let (facts, path) = (&journey.facts, cluster_path(journey));
    let body = json!({
        "location": "local",
        "identity": { "type": "SystemAssigned" },
        "properties": {
            "dnsPrefix": facts.cluster,
            "enableRBAC": true,
            "agentPoolProfiles": [{ "name": "nodepool1", "count": 3, "mode": "System" }],
            "networkProfile": {},
            "aadProfile": { "managed": true, "adminGroupObjectIDs": [facts.admin_group()] },
        },
    });
    let (before, _, _) = journey.api.arm(&admin.arm, Method::GET, &path, None).await?;
    let (status, headers, answer) = journey.api.arm(&admin.arm, Method::PUT, &path, Some(&body)).await?;
    ensure!(status.is_success(), "{status}: {}", message(&answer));
    journey.api.wait(&admin.arm, &headers).await?;
    let (_, _, cluster) = journey.api.arm(&admin.arm, Method::GET, &path, None).await?;
    let profile = &cluster["properties"]["aadProfile"];
    ensure!(
        profile["managed"] == true && profile["adminGroupObjectIDs"] == json!([facts.admin_group()]),
        "the cluster answers another aadProfile: {profile}"
    );
    let version = cluster["properties"]["currentKubernetesVersion"].as_str().unwrap_or_default();
    let how = if before == StatusCode::NOT_FOUND { "starts" } else { "was there and is checked" };
    let same = format!(
        "az aks create -g {} -n {} --enable-aad --aad-admin-group-object-ids {} --no-ssh-key",
        facts.resource_group,
        facts.cluster,
        facts.admin_group()
    );
    report.done(&format!("Kubernetes {version} {how}, with the integration on"), Some(&same), started.elapsed());
    Ok(())
}

async fn kubeconfig(journey: &Journey, token: &str, call: &str) -> Result<(StatusCode, Value)> {
    let (status, _, answer) = journey.api.arm(token, Method::POST, &format!("{}/{call}", cluster_path(journey)), None).await?;
    Ok((status, answer))
}

fn decoded(answer: &Value) -> Result<String> {
    let value = answer["kubeconfigs"][0]["value"].as_str().context("no kubeconfig came")?;
    Ok(String::from_utf8(BASE64.decode(value)?)?)
}

async fn credentials(journey: &Journey, report: &mut Report, admin: &Signed) -> Result<String> {
    report.doing("the kubeconfig is fetched");
    let started = Instant::now();
    let (status, answer) = kubeconfig(journey, &admin.arm, "listClusterUserCredential").await?;
    ensure!(status.is_success(), "{status}: {}", message(&answer));
    let kubeconfig = decoded(&answer)?;
    ensure!(
        kubeconfig.contains("kubelogin") && !kubeconfig.contains("client-key-data"),
        "the kubeconfig holds more than it should"
    );
    let facts = &journey.facts;
    let same = format!("az aks get-credentials -g {} -n {}", facts.resource_group, facts.cluster);
    report.done("The kubeconfig holds no secret, only how to sign in", Some(&same), started.elapsed());
    Ok(kubeconfig)
}

fn login(person: &SeedPerson) -> Option<(&str, &str)> {
    Some((person.upn.as_str(), person.password.as_deref()?))
}

async fn enter(report: &mut Report, kubectl: &Kubectl<'_>, person: &SeedPerson) -> Result<()> {
    report.doing("kubectl asks kubelogin, kubelogin asks the person");
    let started = Instant::now();
    let nodes = kubectl.run(&["get", "nodes", "--no-headers"], login(person)).await?.expect_ok()?;
    let count = nodes.lines().filter(|line| line.contains(" Ready")).count();
    ensure!(count > 0, "no node is ready: {nodes}");
    report.done(&format!("{} signs in once and sees {count} nodes", person.upn), Some("kubectl get nodes"), started.elapsed());
    Ok(())
}

async fn whoami(report: &mut Report, kubectl: &Kubectl<'_>, person: &SeedPerson, group: &str) -> Result<()> {
    report.doing("the API server says who it sees");
    let started = Instant::now();
    let answer: Value = serde_json::from_str(&kubectl.run(&["auth", "whoami", "-o", "json"], None).await?.expect_ok()?)?;
    let user = &answer["status"]["userInfo"];
    ensure!(user["username"] == person.upn.as_str(), "the API server sees {user}");
    ensure!(
        user["groups"].as_array().is_some_and(|groups| groups.iter().any(|id| id == group)),
        "the API server does not see the group: {user}"
    );
    report.done("The API server sees the person's name, groups and object id", Some("kubectl auth whoami"), started.elapsed());
    Ok(())
}

async fn refuse(journey: &Journey, report: &mut Report, kubeconfig: &str, person: &SeedPerson) -> Result<()> {
    report.doing("somebody without rights tries");
    let started = Instant::now();
    let ran = Kubectl::new(journey, "outsider", kubeconfig)?.run(&["get", "nodes"], login(person)).await?;
    ensure!(
        !ran.ok && ran.stderr.contains("Forbidden") && ran.stderr.contains(&person.upn),
        "they were not refused by name: {}",
        ran.stderr
    );
    report.done(&format!("{} can sign in, and is Forbidden by name", person.upn), Some("kubectl get nodes"), started.elapsed());
    Ok(())
}

async fn pipeline(journey: &Journey, report: &mut Report, kubeconfig: &str) -> Result<()> {
    report.doing("a pipeline enters with its service principal");
    let started = Instant::now();
    let app = &journey.facts.pipeline;
    let kubectl = Kubectl::new(journey, "pipeline", kubeconfig)?
        .with("AAD_SERVICE_PRINCIPAL_CLIENT_ID", &app.app_id.to_string())
        .with("AAD_SERVICE_PRINCIPAL_CLIENT_SECRET", &app.secret);
    let converted = kubectl.kubelogin(&["convert-kubeconfig", "-l", "spn"]).await?;
    ensure!(converted.ok, "kubelogin could not convert the kubeconfig: {}", converted.stderr);
    let who = kubectl.run(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"], None).await?.expect_ok()?;
    ensure!(who == app.principal.to_string(), "the API server sees {who}");
    kubectl.run(&["get", "nodes"], None).await?.expect_ok()?;
    report.done(
        "A pipeline enters as its service principal, nobody at the keyboard",
        Some("kubelogin convert-kubeconfig -l spn && kubectl get nodes"),
        started.elapsed(),
    );
    Ok(())
}

async fn remove(
    journey: &Journey,
    report: &mut Report,
    admin: &Signed,
    kubectl: &Kubectl<'_>,
    person: &SeedPerson,
) -> Result<()> {
    report.doing("the person leaves the team; their token is still good");
    let started = Instant::now();
    let id = person.id.context("the seed was completed")?;
    let team = journey.facts.seed.groups.iter().find(|group| group.members.contains(&person.upn)).and_then(|group| group.id);
    let team = team.context("the member is in no group of the seed")?;
    journey.api.graph(&admin.graph, Method::DELETE, &format!("/groups/{team}/members/{id}/$ref"), None).await?;
    let removed = Instant::now();
    let refused_after = loop {
        let ran = kubectl.run(&["get", "nodes"], None).await?;
        if !ran.ok {
            ensure!(ran.stderr.contains("Forbidden"), "refused, but not as expected: {}", ran.stderr);
            break removed.elapsed();
        }
        if removed.elapsed() > REMOVAL_LIMIT {
            bail!("still let in {} s after the membership was removed", REMOVAL_LIMIT.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    };
    let back = json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{id}", journey.base) });
    journey.api.graph(&admin.graph, Method::POST, &format!("/groups/{team}/members/$ref"), Some(&back)).await?;
    let what =
        format!("Removed from the team: refused {:.1} s later, with the same token (and put back)", refused_after.as_secs_f64());
    report.done(&what, Some(&format!("az ad group member remove -g {team} --member-id {id}")), started.elapsed());
    Ok(())
}

async fn break_glass(journey: &Journey, report: &mut Report, admin: &Signed, outsider: &SeedPerson) -> Result<()> {
    report.doing("the way in when all else fails");
    let started = Instant::now();
    let stranger = tokens(journey, outsider).await?;
    let (status, _) = kubeconfig(journey, &stranger.arm, "listClusterAdminCredential").await?;
    ensure!(status == StatusCode::FORBIDDEN, "the admin file was answered with {status} to somebody without the role");
    let (status, answer) = kubeconfig(journey, &admin.arm, "listClusterAdminCredential").await?;
    ensure!(status.is_success(), "{status}: {}", message(&answer));
    let kubectl = Kubectl::new(journey, "break-glass", &decoded(&answer)?)?;
    let who = kubectl.run(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"], None).await?.expect_ok()?;
    ensure!(who.starts_with("breakglass:"), "the admin file is not personal: {who}");
    kubectl.run(&["get", "nodes"], None).await?.expect_ok()?;
    let facts = &journey.facts;
    let same = format!("az aks get-credentials -g {} -n {} --admin", facts.resource_group, facts.cluster);
    report.done("The admin file needs its role, is personal, and ends by itself", Some(&same), started.elapsed());
    Ok(())
}

async fn cannot_be_disabled(journey: &Journey, report: &mut Report, admin: &Signed, group: &str, cluster: &str) -> Result<()> {
    report.doing("the integration is asked to go away");
    let started = Instant::now();
    let path = cluster_path(journey);
    let (_, _, mut body) = journey.api.arm(&admin.arm, Method::GET, &path, None).await?;
    body["properties"]["aadProfile"] = Value::Null;
    let (status, _, answer) = journey.api.arm(&admin.arm, Method::PUT, &path, Some(&body)).await?;
    ensure!(status == StatusCode::BAD_REQUEST && answer["error"]["code"] == "PropertyChangeNotAllowed", "{status}: {answer}");
    let same = format!(
        "az resource update -g {group} -n {cluster} --resource-type Microsoft.ContainerService/managedClusters --set properties.aadProfile=null"
    );
    report.done("Once on, the integration cannot be taken away by mistake", Some(&same), started.elapsed());
    Ok(())
}

/// Deletes the cluster of the journey; no process and no file of it stays.
pub(super) async fn delete_cluster(journey: &Journey) -> Result<()> {
    let admin = tokens(journey, journey.facts.person(Part::Administrator)).await?;
    let (status, headers, answer) = journey.api.arm(&admin.arm, Method::DELETE, &cluster_path(journey), None).await?;
    match status {
        StatusCode::NO_CONTENT => Ok(()),
        _ if status.is_success() => journey.api.wait(&admin.arm, &headers).await,
        _ => bail!("{status}: {}", message(&answer)),
    }
}

fn message(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap_or("no reason came")
}
