//! A name that entered a cluster stays its holder's, and no name of the cluster's own can be had (DESIGN 5.1).

use anyhow::{Context as _, Result, ensure};
use entrance_model::Timestamp;
use entrance_model::directory::{Member, MemberKind, User};
use entrance_model::well_known;
use entrance_server::authority::keys::Header;
use entrance_store::StoreError;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::local_plane::{control_plane, until};
use crate::reviews::{World, group, person};

/// The directory API, as somebody.
struct Graph<'w> {
    world: &'w World,
    http: reqwest::Client,
    who: User,
}

impl<'w> Graph<'w> {
    fn new(world: &'w World, who: User) -> Result<Self> {
        let ca = std::fs::read(world.server.ca_file())?;
        let http = reqwest::Client::builder().tls_certs_only(reqwest::Certificate::from_pem_bundle(&ca)?).build()?;
        Ok(Self { world, http, who })
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<(u16, Value)> {
        let (app, at) = (self.world.app(), Timestamp::now().as_second());
        let claims = json!({
            "aud": format!("{}/", app.base()), "iss": app.issuer_v1(self.world.tenant), "iat": at, "nbf": at, "exp": at + 900,
            "ver": "1.0", "tid": self.world.tenant, "oid": self.who.id, "appid": well_known::AZURE_CLI, "idtyp": "user",
            "upn": self.who.upn.as_str(), "scp": "user_impersonation", "uti": Uuid::new_v4().to_string(),
        });
        let ask = self.http.request(method, format!("{}/v1.0{path}", app.base()));
        let ask = ask.bearer_auth(app.keys.sign(&claims, Header::V1));
        let answer = if let Some(body) = body { ask.json(&body) } else { ask }.send().await?;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_str(&answer.text().await?).unwrap_or_default()))
    }

    async fn create(&self, upn: &str) -> Result<(u16, Value)> {
        let body = json!({
            "accountEnabled": true, "displayName": "system:masters", "mailNickname": "someone", "userPrincipalName": upn,
            "passwordProfile": {"password": "correct horse battery 9!"},
        });
        self.call(Method::POST, "/users", Some(body)).await
    }
}

async fn insert(world: &World, user: &User) -> Result<()> {
    let mut tx = world.app().store.write().await?;
    tx.directory().insert_user(world.tenant, user).await?;
    Ok(tx.commit().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recycled_upn_inherits_nothing_until_it_is_released_and_then_what_was_shown() -> Result<()> {
    let mut world = World::start(control_plane()).await?;
    world.set(world.managed()).await?;
    let reconcilers = world.reconcilers();
    reconcilers.start(world.cluster.uid);
    let now = Timestamp::now();
    let (admin, bob) = (User { is_directory_admin: true, ..person("admin", now) }, person("bob", now));
    insert(&world, &admin).await?;
    insert(&world, &bob).await?;
    let (admin, as_bob) = (Graph::new(&world, admin)?, Graph::new(&world, bob.clone())?);
    let door = world.door().await?;
    let rbac = "rbac.authorization.k8s.io";
    let by_name = |kind: &str, metadata: Value, role: &str| {
        json!({
            "apiVersion": format!("{rbac}/v1"), "kind": kind, "metadata": metadata,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": "alice@contoso.example"}],
        })
    };
    door.apply(
        &world,
        &json!([
            by_name("ClusterRoleBinding", json!({"name": "alice-sees"}), "view"),
            by_name("RoleBinding", json!({"name": "alice-edits", "namespace": "default"}), "edit"),
        ]),
    )?;
    let sees = async || {
        let said = world.as_alice("get pods -A")?;
        ensure!(said.contains("No resources found"), "{said}");
        Ok(())
    };
    until("alice's right by name", sees).await?;

    // The attack: alice leaves, and somebody gets her name.
    assert_eq!(admin.call(Method::DELETE, "/users/alice@contoso.example", None).await?.0, 204);
    for name in ["alice@contoso.example", "ALICE@Contoso.Example"] {
        let (status, refused) = admin.create(name).await?;
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        ensure!(status == 400 && message.contains("entrance user release-name"), "{name}: {status} {refused}");
    }
    let rename = json!({"userPrincipalName": "alice@contoso.example"});
    let (status, refused) = admin.call(Method::PATCH, "/users/bob@contoso.example", Some(rename)).await?;
    ensure!(status == 400 && refused.to_string().contains("release-name"), "{status} {refused}");
    // Seeds and whatever else writes the directory go through the store, which refuses, too.
    let second = person("alice", now);
    let refused = insert(&world, &second).await.expect_err("held");
    ensure!(matches!(refused.downcast_ref(), Some(StoreError::HeldName(_))), "{refused}");
    let ghost = User { id: world.alice.id, ..person("casper", now) };
    let refused = insert(&world, &ghost).await.expect_err("her id is not used again");
    ensure!(matches!(refused.downcast_ref(), Some(StoreError::RetiredId(_))), "{refused}");

    // What the next holder would have is shown to administrators only.
    let path = "/entrance/heldNames/alice@contoso.example";
    assert_eq!(as_bob.call(Method::GET, path, None).await?.0, 403);
    let release = format!("{path}/release");
    assert_eq!(as_bob.call(Method::POST, &release, Some(json!({"reason": "mine"}))).await?.0, 403);
    let (status, held) = admin.call(Method::GET, path, None).await?;
    assert_eq!((status, &held["heldFor"]), (200, &json!(world.alice.id)));
    let there = &held["clusters"][0];
    ensure!(there["firstEnteredDateTime"].is_string(), "{held}");
    assert_eq!(
        there["references"],
        json!([
            {"resource": "clusterrolebindings", "name": "alice-sees", "role": "ClusterRole/view"},
            {"resource": "rolebindings", "name": "default/alice-edits", "role": "ClusterRole/edit"},
        ])
    );

    // While nobody knows what names her, she is not released unasked.
    reconcilers.stop(world.cluster.uid);
    until("the view's end", async || {
        ensure!(world.app().references.of(world.cluster.uid).is_none());
        Ok(())
    })
    .await?;
    let (status, refused) = admin.call(Method::POST, &release, Some(json!({"reason": "she is back"}))).await?;
    ensure!(status == 400 && refused.to_string().contains("evenIfUnknown"), "{status} {refused}");
    assert_eq!(admin.call(Method::POST, &release, Some(json!({"evenIfUnknown": true}))).await?.0, 400, "a reason is needed");
    let body = json!({"reason": "she is back", "evenIfUnknown": true});
    assert_eq!(admin.call(Method::POST, &release, Some(body)).await?.0, 200);
    let trail = world.app().store.read().await?.audit_trail(world.tenant, 50).await?;
    let told = trail.iter().find(|row| row.kind == "name.released").context("it is in the audit trail")?;
    assert_eq!(told.detail["reason"], "she is back");

    let (status, made) = admin.create("alice@contoso.example").await?;
    ensure!(status == 201, "{status} {made}");
    let again = Member { id: made["id"].as_str().context("an id")?.parse()?, kind: MemberKind::User };
    until("what she inherits", async || {
        let said = world.as_member(again, "get pods -A")?;
        ensure!(said.contains("No resources found"), "{said}");
        Ok(())
    })
    .await?;
    assert_eq!(admin.call(Method::GET, path, None).await?.1["heldFor"], json!(again.id), "and it is hers now");

    no_name_of_the_cluster_itself_can_be_had(&world, &admin, again).await?;
    let World { server, planes, cluster, .. } = world;
    planes.remove(cluster.uid).await?;
    server.stop().await;
    Ok(())
}

/// R-427 by every route: people, renames, groups, what things are displayed as.
async fn no_name_of_the_cluster_itself_can_be_had(world: &World, admin: &Graph<'_>, alice: Member) -> Result<()> {
    for name in [
        "system:masters",
        "system:admin@contoso.example",
        "System:Anonymous",
        "entrance:operator",
        "system%3Aadmin@contoso.example",
    ] {
        let (status, made) = admin.create(name).await?;
        ensure!(status == 400, "{name}: {status} {made}");
        let rename = json!({"userPrincipalName": name});
        let (status, renamed) = admin.call(Method::PATCH, "/users/bob@contoso.example", Some(rename)).await?;
        ensure!(status == 400, "{name}: {status} {renamed}");
    }
    let masters = group("system:masters", Timestamp::now());
    let mut tx = world.app().store.write().await?;
    tx.directory().insert_group(world.tenant, &masters).await?;
    tx.directory().add_member(world.tenant, masters.id, alice).await?;
    tx.commit().await?;
    until("her new group", async || {
        let said = world.as_member(alice, "auth whoami -o json")?;
        let said: Value = serde_json::from_str(&said).context(said)?;
        assert_eq!(said["status"]["userInfo"]["groups"], json!([masters.id, "system:authenticated"]));
        assert_eq!(said["status"]["userInfo"]["username"], "alice@contoso.example");
        Ok(())
    })
    .await
}
