//! A whole server with a real control plane, and two people who may take its admin file.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use entrance_model::Timestamp;
use entrance_model::access::{Assignment, PrincipalType, built_in};
use entrance_model::arm::{Scope, Subscription};
use entrance_model::directory::{Tenant, User};
use entrance_model::id::{AssignmentId, SubscriptionId, TenantId};
use entrance_model::well_known::AZURE_CLI;
use entrance_server::authority::keys::Header;
use entrance_server::clusters::local::Binary;
use entrance_server::{App, Clock, Config, Mode, PasswordCost, Server, setup};
use entrance_testkit::sample;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::local_plane::{EndAll, control_plane, until};
use crate::reviews::person;

pub(super) struct World {
    _end: EndAll,
    pub(super) root: tempfile::TempDir,
    pub(super) binary: Binary,
    server: Server,
    http: Client,
    tenant: TenantId,
    subscription: SubscriptionId,
    pub(super) olivia: User,
    pub(super) bob: User,
}

/// An open door, as its holder has it.
pub(super) struct Held {
    pub(super) id: String,
    pub(super) file: PathBuf,
}

impl World {
    pub(super) async fn start() -> Result<Self> {
        let (root, binary) = (tempfile::tempdir()?, control_plane());
        let end = EndAll(root.path().display().to_string());
        let mut config = Config::new(Mode::Demo, root.path().join("data"));
        config.listen = "127.0.0.1:0".parse()?;
        config.webhook_listen = "127.0.0.1:0".parse()?;
        config.password_cost = PasswordCost::LEAST;
        config.controlplane = Some(binary.path().to_owned());
        let server = Server::start(config, Clock::system()).await?;
        let ca = std::fs::read(server.ca_file())?;
        let http = Client::builder().tls_certs_only(reqwest::Certificate::from_pem_bundle(&ca)?).no_proxy().build()?;
        let (now, tenant) = (Timestamp::now(), TenantId::from_uuid(Uuid::new_v4()));
        let contoso = Tenant {
            id: tenant,
            display_name: "Contoso".into(),
            domains: vec!["contoso.example".into()],
            salt: vec![7; 32],
            created: now,
        };
        setup::tenant(server.app(), &contoso).await?;
        let subscription = SubscriptionId::from_uuid(Uuid::new_v4());
        let (olivia, bob) = (person("olivia", now), person("bob", now));
        let world = Self { _end: end, root, binary, server, http, tenant, subscription, olivia, bob };
        world.fill(now).await?;
        world.cluster(now).await?;
        Ok(world)
    }

    pub(super) fn app(&self) -> &App {
        self.server.app()
    }

    async fn fill(&self, now: Timestamp) -> Result<()> {
        let mut tx = self.app().store.write().await?;
        for user in [&self.olivia, &self.bob] {
            tx.directory().insert_user(self.tenant, user).await?;
        }
        let subscription = Subscription { id: self.subscription, tenant: self.tenant, name: "dev".into(), created: now };
        tx.arm().insert_subscription(&subscription).await?;
        for (user, role) in [(&self.olivia, built_in::OWNER), (&self.bob, built_in::CLUSTER_ADMIN)] {
            let assignment = Assignment {
                id: AssignmentId::from_uuid(Uuid::new_v4()),
                tenant: self.tenant,
                scope: Scope::subscription(self.subscription),
                role,
                principal: user.id.into(),
                principal_type: PrincipalType::User,
                description: None,
                condition: None,
                created: now,
                created_by: None,
                updated: now,
                updated_by: None,
            };
            tx.arm().insert_assignment(&assignment).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn cluster(&self, now: Timestamp) -> Result<()> {
        let admins = sample::group("platform", now);
        let mut tx = self.app().store.write().await?;
        tx.directory().insert_group(self.tenant, &admins).await?;
        tx.commit().await?;
        self.ask(&self.olivia, Method::PUT, "/resourcegroups/rg1", Some(json!({"location": "eastus"}))).await?;
        let body = json!({
            "location": "eastus", "identity": {"type": "SystemAssigned"},
            "properties": {
                "dnsPrefix": "c1", "agentPoolProfiles": [{"name": "nodepool1", "count": 1, "mode": "System"}],
                "aadProfile": {"managed": true, "adminGroupObjectIDs": [admins.id]},
            }
        });
        self.put(body).await
    }

    /// Puts the cluster and waits until the operation has succeeded.
    pub(super) async fn put(&self, body: Value) -> Result<()> {
        self.ask(&self.olivia, Method::PUT, C1, Some(body)).await?;
        until("the operation's end", async || {
            let shown = self.ask(&self.olivia, Method::GET, C1, None).await?;
            match shown["properties"]["provisioningState"].as_str() {
                Some("Succeeded") => Ok(()),
                Some("Failed") => panic!("{shown}"),
                other => bail!("{other:?}"),
            }
        })
        .await
    }

    pub(super) async fn ask(&self, who: &User, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let (app, now) = (self.app(), Timestamp::now().as_second());
        let claims = json!({
            "aud": format!("{}/arm", app.base()), "iss": app.issuer_v1(self.tenant), "iat": now, "nbf": now, "exp": now + 3600,
            "ver": "1.0", "tid": self.tenant, "oid": who.id, "appid": AZURE_CLI, "idtyp": "user", "upn": who.upn,
            "scp": "user_impersonation", "uti": Uuid::new_v4().to_string()
        });
        let url = format!("{}/subscriptions/{}{path}?api-version=2026-06-01", app.base(), self.subscription);
        let mut request = self.http.request(method, url).bearer_auth(app.keys.sign(&claims, Header::V1));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Opens a door and writes down its file.
    pub(super) async fn open(&self, who: &User, duration: &str) -> Result<Held> {
        let wanted = json!({"properties": {"reason": "INC-4711", "duration": duration}});
        let door = self.ask(who, Method::POST, &format!("{C1}/breakGlassDoors"), Some(wanted)).await?;
        let id = door["name"].as_str().context("an id")?.to_owned();
        let answer = self.ask(who, Method::POST, &format!("{C1}/breakGlassDoors/{id}/credential"), None).await?;
        let file = self.root.path().join(&id);
        std::fs::write(&file, BASE64.decode(answer["kubeconfigs"][0]["value"].as_str().context("a file")?)?)?;
        let held = Held { id, file };
        until("the open door", async || self.kubectl(&held, "get nodes")).await?;
        Ok(held)
    }

    pub(super) async fn close(&self, who: &User, held: &Held, sever: bool) -> Result<Value> {
        let path = format!("{C1}/breakGlassDoors/{}/close", held.id);
        Ok(self.ask(who, Method::POST, &path, Some(json!({"properties": {"sever": sever}}))).await?["properties"].clone())
    }

    pub(super) async fn show(&self, id: &str) -> Result<Value> {
        Ok(self.ask(&self.olivia, Method::GET, &format!("{C1}/breakGlassDoors/{id}"), None).await?["properties"].clone())
    }

    /// What kubectl prints; an error is what it says when it fails.
    pub(super) fn kubectl(&self, held: &Held, args: &str) -> Result<String> {
        let done = self.command(held, args).output()?;
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        if done.status.success() { Ok(out.into_owned()) } else { bail!("{err}") }
    }

    pub(super) fn start_kubectl(&self, held: &Held, args: &str, out: Stdio) -> Result<Ending> {
        Ok(Ending(self.command(held, args).stdout(out).stderr(Stdio::null()).spawn()?))
    }

    fn command(&self, held: &Held, args: &str) -> Command {
        let mut command = Command::new(self.binary.path());
        command.args(["kubectl", "--kubeconfig"]).arg(&held.file).args(args.split(' ')).env("HOME", self.root.path());
        command
    }

    /// The folder of the cluster.
    pub(super) fn home(&self) -> Result<PathBuf> {
        let clusters = self.root.path().join("data/clusters");
        let folders = std::fs::read_dir(&clusters)?.flatten().map(|entry| entry.path());
        folders.filter(|path| path.is_dir()).find(|path| path.join("plane.json").exists()).context("a cluster")
    }
}

impl Held {
    /// The client certificate and its key, as PEM.
    pub(super) fn identity(&self) -> Result<Vec<u8>> {
        let text = std::fs::read_to_string(&self.file)?;
        let part = |name: &str| -> Result<String> {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
            Ok(line.with_context(|| format!("{name} in {text}"))?.trim_matches('"').to_owned())
        };
        let mut pem = BASE64.decode(part("client-certificate-data")?)?;
        pem.extend(BASE64.decode(part("client-key-data")?)?);
        Ok(pem)
    }
}

/// A process that ends with the test.
pub(super) struct Ending(pub(super) Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended
        let _ = self.0.wait();
    }
}

impl Ending {
    pub(super) async fn ended(&mut self, within: Duration) -> bool {
        let began = std::time::Instant::now();
        while began.elapsed() < within {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }
}

pub(super) const C1: &str = "/resourceGroups/rg1/providers/Microsoft.ContainerService/managedClusters/c1";
