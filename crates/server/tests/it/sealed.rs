//! The sealed door on a real control plane: sealed while all is well, opened with every Entrance process gone, found and
//! closed by the next one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use entrance_model::Timestamp;
use entrance_model::access::{Assignment, PrincipalType, built_in};
use entrance_model::arm::{Scope, Subscription};
use entrance_model::directory::{Tenant, User};
use entrance_model::id::{AssignmentId, ClusterUid, SubscriptionId, TenantId, UserId};
use entrance_model::well_known::AZURE_CLI;
use entrance_server::authority::keys::Header;
use entrance_server::clusters::local::Binary;
use entrance_server::sealed::age::Identity;
use entrance_server::sealed::{Admission, Opened, Record, Sealed, admit, rehearse};
use entrance_server::{App, Clock, Config, Mode, PasswordCost, Server, setup};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::local_plane::{EndAll, control_plane, until};
use crate::reviews::person;

/// A server with control planes, its owner, and three holders of recovery keys.
struct World {
    _end: EndAll,
    root: tempfile::TempDir,
    binary: Binary,
    server: Option<Server>,
    client: reqwest::Client,
    tenant: TenantId,
    subscription: SubscriptionId,
    olivia: UserId,
    keys: [Identity; 3],
}

impl World {
    async fn start() -> Result<Self> {
        let (root, binary) = (tempfile::tempdir()?, control_plane());
        let end = EndAll(root.path().display().to_string());
        let (server, client) = serve(root.path(), &binary).await?;
        let (tenant, subscription) = (TenantId::from_uuid(Uuid::new_v4()), SubscriptionId::from_uuid(Uuid::new_v4()));
        let olivia = UserId::from_uuid(Uuid::new_v4());
        let keys = std::array::from_fn(|_| Identity::generate());
        let world = Self { _end: end, root, binary, server: Some(server), client, tenant, subscription, olivia, keys };
        world.settle(Timestamp::now()).await?;
        Ok(world)
    }

    async fn settle(&self, now: Timestamp) -> Result<()> {
        let app = self.app();
        let domains = vec!["contoso.example".into()];
        let contoso = Tenant { id: self.tenant, display_name: "Contoso".into(), domains, salt: vec![7; 32], created: now };
        setup::tenant(app, &contoso).await?;
        let olivia = User { id: self.olivia, ..person("olivia", now) };
        let owner = Assignment {
            id: AssignmentId::from_uuid(Uuid::new_v4()),
            tenant: self.tenant,
            scope: Scope::subscription(self.subscription),
            role: built_in::OWNER,
            principal: self.olivia.into(),
            principal_type: PrincipalType::User,
            description: None,
            condition: None,
            created: now,
            created_by: None,
            updated: now,
            updated_by: None,
        };
        let mut tx = app.store.write().await?;
        tx.directory().insert_user(self.tenant, &olivia).await?;
        let dev = Subscription { id: self.subscription, tenant: self.tenant, name: "dev".into(), created: now };
        tx.arm().insert_subscription(&dev).await?;
        tx.arm().insert_assignment(&owner).await?;
        tx.commit().await?;
        self.ask(Method::PUT, "", Some(json!({"location": "local"}))).await?;
        Ok(())
    }

    fn app(&self) -> &Arc<App> {
        self.server.as_ref().expect("it was not stopped").app()
    }

    /// The server ends; whatever it started goes on.
    async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    async fn start_again(&mut self) -> Result<()> {
        let (server, client) = serve(self.root.path(), &self.binary).await?;
        (self.server, self.client) = (Some(server), client);
        Ok(())
    }

    /// Asks as Olivia; the path begins below the resource group.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let (app, now) = (self.app(), Timestamp::now().as_second());
        let claims = json!({
            "aud": format!("{}/arm", app.base()), "iss": app.issuer_v1(self.tenant), "iat": now, "nbf": now, "exp": now + 3600,
            "ver": "1.0", "tid": self.tenant, "oid": self.olivia, "appid": AZURE_CLI, "idtyp": "user",
            "upn": "olivia@contoso.example", "scp": "user_impersonation", "uti": Uuid::new_v4().to_string(),
        });
        let url = format!("{}/subscriptions/{}/resourceGroups/rg{path}?api-version=2026-06-01", app.base(), self.subscription);
        let mut request = self.client.request(method, url).bearer_auth(app.keys.sign(&claims, Header::V1));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("{}: {body}", status.as_u16());
        }
        Ok(serde_json::from_str(&body).unwrap_or_default())
    }

    /// Makes or changes the cluster and waits until that has ended.
    async fn put(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let mut body = self.ask(Method::GET, PROD, None).await.unwrap_or_else(|_| {
            json!({"location": "local", "identity": {"type": "SystemAssigned"}, "properties": {
                "dnsPrefix": "prod", "agentPoolProfiles": [{"name": "nodepool1", "count": 0, "mode": "System"}],
            }})
        });
        change(&mut body["properties"]);
        self.ask(Method::PUT, PROD, Some(body)).await?;
        until("the operation's end", async || {
            let state = self.ask(Method::GET, PROD, None).await?["properties"].clone();
            ensure!(state["provisioningState"] != "Failed", "{state}");
            ensure!(state["provisioningState"] == "Succeeded");
            Ok(())
        })
        .await
    }

    /// The sealed door, once it is another than `before`.
    async fn door(&self, before: Option<&str>) -> Result<String> {
        until("the sealed door", async || {
            let door = self.ask(Method::GET, &format!("{PROD}/sealedDoor"), None).await?;
            let name = door["name"].as_str().context("a name")?.to_owned();
            ensure!(before != Some(name.as_str()), "it is the old one");
            Ok(name)
        })
        .await
    }

    async fn export(&self) -> Result<Sealed> {
        let file = self.ask(Method::POST, &format!("{PROD}/sealedDoor/export"), None).await?;
        Ok(Sealed::read(&file.to_string())?)
    }

    async fn drill(&self, opened: Option<&Opened>) -> Result<Value> {
        let body = opened.map_or_else(|| json!({}), |opened| json!({ "proof": *opened.proof }));
        Ok(self.ask(Method::POST, &format!("{PROD}/sealedDoor/drill"), Some(body)).await?["properties"].take())
    }

    /// Opens the file with the first and the third key.
    fn unsealed(&self, file: &Sealed) -> Result<Opened> {
        let again = |key: &Identity| Identity::from_secret(key.secret().clone());
        Ok(file.open(&[again(&self.keys[2]), again(&self.keys[0])], Timestamp::now())?)
    }

    async fn uid(&self) -> Result<ClusterUid> {
        let cluster = self.ask(Method::GET, PROD, None).await?;
        Ok(cluster["properties"]["resourceUID"].as_str().context("a uid")?.parse()?)
    }

    /// What kubectl prints, as the holder of a door.
    fn kubectl(&self, opened: &Opened, args: &str) -> Result<String> {
        let file = self.root.path().join(format!("{}.kubeconfig", opened.about.door));
        std::fs::write(&file, opened.kubeconfig().as_bytes())?;
        let done = Command::new(self.binary.path())
            .args(["kubectl", "--kubeconfig"])
            .arg(file)
            .args(args.split(' '))
            .env("HOME", self.root.path())
            .output()?;
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        if done.status.success() { Ok(out.into_owned()) } else { bail!("{out}{err}") }
    }

    fn refusal(&self, opened: &Opened, args: &str) -> Result<String> {
        Ok(self.kubectl(opened, args).err().with_context(|| format!("`{args}` was not refused"))?.to_string())
    }

    /// Waits until the API server does not know the certificate.
    async fn is_refused(&self, opened: &Opened) -> Result<()> {
        until("the refused certificate", async || {
            let refused = self.refusal(opened, "get nodes")?;
            ensure!(refused.contains("Unauthorized") || refused.contains("must be logged in"), "{refused}");
            Ok(())
        })
        .await
    }

    async fn audited(&self, kind: &str) -> Result<Option<Value>> {
        let rows = self.app().store.read().await?.audit_trail(self.tenant, 200).await?;
        Ok(rows.into_iter().find(|row| row.kind == kind).map(|row| row.detail))
    }
}

async fn serve(root: &Path, binary: &Binary) -> Result<(Server, reqwest::Client)> {
    let mut config = Config::new(Mode::Demo, root.join("data"));
    config.listen = "127.0.0.1:0".parse()?;
    config.webhook_listen = "127.0.0.1:0".parse()?;
    config.password_cost = PasswordCost::LEAST;
    config.controlplane = Some(PathBuf::from(binary.path()));
    let server = Server::start(config, Clock::system()).await?;
    let ca = reqwest::Certificate::from_pem_bundle(&std::fs::read(server.ca_file())?)?;
    let client = reqwest::Client::builder().tls_certs_only(ca).timeout(Duration::from_mins(1)).build()?;
    Ok((server, client))
}

const PROD: &str = "/providers/Microsoft.ContainerService/managedClusters/prod";

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_door_opens_with_entrance_gone_and_is_found_and_closed_by_the_next() -> Result<()> {
    let mut world = World::start().await?;
    let recipients: Vec<String> = world.keys.iter().map(|key| key.public().to_string()).collect();
    world
        .put(|properties| {
            properties["entranceProfile"] = json!({"breakGlass": {"recoveryKeys": recipients, "threshold": 2}});
        })
        .await?;
    let door = world.door(None).await?;
    let file = world.export().await?;
    the_file_lies_beside_the_cluster_and_opens_for_two(&world, &file).await?;
    let opened = world.unsealed(&file)?;
    while_it_is_shut_its_holder_can_only_open_it(&world, &opened).await?;
    a_drill_leaves_nothing_behind(&world, &opened).await?;

    // Every Entrance process is gone.
    world.stop().await;
    let record = Record::new("carol", "INC-7: the directory is gone", "laptop-3", Timestamp::now());
    let opening = admit(&opened, &record).await?;
    assert!(opening.before.is_empty());
    assert_eq!(world.kubectl(&opened, "auth can-i * *")?.trim(), "yes");
    world.kubectl(&opened, "create namespace rescued")?;
    let again = Record::new("dave", "INC-7 too", "laptop-4", Timestamp::now());
    assert_eq!(admit(&opened, &again).await?.before, std::slice::from_ref(&record), "whoever comes later sees who came before");

    // The next Entrance finds it, and throws nobody out.
    world.start_again().await?;
    until("the opening to be found", async || world.audited("breakGlass.openedOffline").await?.context("not yet")).await?;
    let told = world.audited("breakGlass.openedOffline").await?.context("it is told")?;
    assert_eq!(
        (&told["door"], &told["openings"][0]["who"], &told["openings"][1]["why"]),
        (&json!(door), &json!("carol"), &json!("INC-7 too"))
    );
    // Nor does the look for doors whose holders left the directory.
    entrance_server::clusters::doors::sweep(world.app()).await?;
    assert_eq!(world.kubectl(&opened, "auth can-i * *")?.trim(), "yes");
    let shown = world.ask(Method::GET, &format!("{PROD}/sealedDoor"), None).await?;
    assert_eq!(shown["properties"]["state"], "opened");

    // Closed like any other door: its binding goes, its certificate is refused, and a new one is sealed.
    close(&world).await?;
    world.is_refused(&opened).await?;
    world.door(Some(&door)).await?;
    let next = world.unsealed(&world.export().await?)?;
    // The API server learns of the new door's rights by a watch of its own.
    let admission = until("the next door to be known", async || Ok(rehearse(&next, &record).await?)).await?;
    assert_eq!(admission, Admission::Shut);
    world.is_refused(&opened).await?;
    assert!(world.unsealed(&file).is_ok(), "the old file opens still, and what is in it opens nothing");

    world.ask(Method::DELETE, PROD, None).await?;
    world.stop().await;
    Ok(())
}

async fn the_file_lies_beside_the_cluster_and_opens_for_two(world: &World, file: &Sealed) -> Result<()> {
    let path = world.root.path().join(format!("data/clusters/{}/sealed-door.json", world.uid().await?));
    assert_eq!(std::fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path)?;
    assert_eq!(Sealed::read(&text)?, *file);
    assert!(!text.contains("PRIVATE KEY"));
    let one = file.open(&[Identity::from_secret(world.keys[1].secret().clone())], Timestamp::now());
    assert_eq!(one.err().context("one is not enough")?.to_string(), "2 different recovery keys are needed, and 1 were given");
    Ok(())
}

/// RBAC cannot say which binding may be made; the admission rule does.
async fn while_it_is_shut_its_holder_can_only_open_it(world: &World, opened: &Opened) -> Result<()> {
    until("the door's standing right", async || {
        let refused = world.refusal(opened, "get nodes")?;
        ensure!(refused.contains("Forbidden"), "{refused}");
        world.kubectl(opened, "auth can-i create clusterrolebindings")
    })
    .await?;
    let (door, group) = (opened.about.door, format!("entrance:break-glass:{}", opened.about.door));
    assert!(world.refusal(opened, "get secrets -A")?.contains(&format!("breakglass:offline:{door}")));
    let tries = [
        (format!("create clusterrolebinding {group} --clusterrole=cluster-admin --group={group}"), "a record of who opens it"),
        ("create clusterrolebinding mine --clusterrole=cluster-admin --user=mallory".to_owned(), "the binding of its own name"),
        (
            format!("create clusterrolebinding {group} --clusterrole=cluster-admin --user=mallory"),
            "the door's own group, and nobody else",
        ),
        (format!("create clusterrolebinding {group} --clusterrole=view --group={group}"), "attempting to grant RBAC permissions"),
        ("delete validatingadmissionpolicy entrance-sealed-door".to_owned(), "Forbidden"),
        ("delete clusterrolebinding entrance:operator".to_owned(), "Forbidden"),
    ];
    for (args, why) in tries {
        let refused = world.refusal(opened, &args)?;
        assert!(refused.contains(why), "{args}: {refused}");
    }
    Ok(())
}

async fn a_drill_leaves_nothing_behind(world: &World, opened: &Opened) -> Result<()> {
    let drill = world.drill(None).await?;
    assert_eq!((&drill["drill"]["passed"], &drill["drilledAt"]), (&json!(true), &Value::Null), "{drill}");
    let record = Record::new("carol", "drill", "laptop-3", Timestamp::now());
    assert_eq!(rehearse(opened, &record).await?, Admission::Shut);
    let drill = world.drill(Some(opened)).await?;
    assert!(drill["drilledAt"].is_string() && drill["warnings"] == json!([]), "{drill}");
    let other = world.ask(Method::POST, &format!("{PROD}/sealedDoor/drill"), Some(json!({"proof": "x"}))).await;
    assert!(other.err().context("a made-up proof")?.to_string().starts_with("400"));
    assert!(world.refusal(opened, "get nodes")?.contains("Forbidden"), "it is shut still");
    let refused = world.refusal(opened, &format!("get clusterrolebinding entrance:break-glass:{}", opened.about.door))?;
    assert!(refused.contains("NotFound"), "{refused}");

    // A new file for the same door does not spoil the old one.
    let renewed = world.ask(Method::POST, &format!("{PROD}/sealedDoor/renew"), None).await?;
    assert_eq!(renewed["name"], json!(opened.about.door));
    assert_ne!(world.export().await?.about.sealed.as_second(), 0);
    assert_eq!(rehearse(opened, &record).await?, Admission::Shut);
    Ok(())
}

/// Like any other door, by the name that the list gives.
async fn close(world: &World) -> Result<()> {
    let listed = world.ask(Method::GET, &format!("{PROD}/breakGlassDoors"), None).await?;
    let [door] = listed["value"].as_array().context("a list")?.as_slice() else { bail!("{listed}") };
    let shown = &door["properties"];
    assert_eq!((&shown["kind"], &shown["state"]), (&json!("Offline"), &json!("Open")));
    assert!(shown["reason"].as_str().is_some_and(|why| why.contains("carol") && why.contains("INC-7 too")), "{shown}");
    let name = door["name"].as_str().context("a name")?;
    let closed = world.ask(Method::POST, &format!("{PROD}/breakGlassDoors/{name}/close"), None).await?["properties"].take();
    assert_eq!((&closed["state"], &closed["isShut"]), (&json!("Closed"), &json!(true)));
    eprintln!("refused: {}; left behind: {}", closed["refused"], closed["leftBehind"]);
    assert!(closed["refused"][0]["withoutRootMs"].is_u64());
    assert!(closed["leftBehind"].is_object());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn r_563_disabling_local_accounts_ends_the_sealed_door_and_enabling_makes_another() -> Result<()> {
    let mut world = World::start().await?;
    let recipients: Vec<String> = world.keys.iter().map(|key| key.public().to_string()).collect();
    world
        .put(|properties| {
            properties["aadProfile"] = json!({"managed": true, "adminGroupObjectIDs": [Uuid::new_v4()]});
            properties["entranceProfile"] = json!({"breakGlass": {"recoveryKeys": recipients, "threshold": 2}});
        })
        .await?;
    let door = world.door(None).await?;
    let opened = world.unsealed(&world.export().await?)?;
    until("a rehearsal", async || Ok(rehearse(&opened, &Record::new("a", "b", "c", Timestamp::now())).await?)).await?;

    world.put(|properties| properties["disableLocalAccounts"] = json!(true)).await?;
    world.is_refused(&opened).await?;
    until("no sealed door", async || {
        let refused = world.ask(Method::GET, &format!("{PROD}/sealedDoor"), None).await.err().context("still there")?.to_string();
        ensure!(refused.starts_with("404") && refused.contains("local accounts are disabled"), "{refused}");
        Ok(())
    })
    .await?;
    assert!(!world.root.path().join(format!("data/clusters/{}/sealed-door.json", world.uid().await?)).exists());

    world.put(|properties| properties["disableLocalAccounts"] = json!(false)).await?;
    let second = world.door(Some(&door)).await?;
    world.is_refused(&opened).await?;

    // Other keys: another door, and the copies for the old keys open nothing.
    let old = world.unsealed(&world.export().await?)?;
    let fresh = Identity::generate();
    world
        .put(|properties| {
            properties["entranceProfile"]["breakGlass"] = json!({"recoveryKeys": [fresh.public()], "threshold": 1});
        })
        .await?;
    world.door(Some(&second)).await?;
    world.is_refused(&old).await?;
    let new = world.export().await?.open(&[fresh], Timestamp::now())?;
    until("the new door", async || Ok(rehearse(&new, &Record::new("a", "b", "c", Timestamp::now())).await?)).await?;

    // No keys: no door.
    world.put(|properties| properties["entranceProfile"]["breakGlass"]["recoveryKeys"] = json!([])).await?;
    world.is_refused(&new).await?;
    world.stop().await;
    Ok(())
}
