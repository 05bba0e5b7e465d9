//! A server with a tenant and clusters that nobody runs: enough to be asked about tokens.

use std::sync::Arc;
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::arm::{ClusterAddress, ResourceGroup, ResourceGroupDocument, Subscription};
use entrance_model::cluster::{Cluster, State};
use entrance_model::directory::{Group, Member, Tenant, User};
use entrance_model::id::{ClusterUid, SubscriptionId, TenantId};
use entrance_model::well_known::{AKS_CLIENT, AKS_SERVER};
use entrance_server::authority::keys::Header;
use entrance_server::clusters::Unavailable;
use entrance_server::webhook::pki::ClientIdentity;
use entrance_server::{App, Clock, Config, Mode, PasswordCost, Server, setup};
use entrance_testkit::sample;
pub(super) use entrance_testkit::sample::group;
use serde_json::{Value, json};
use uuid::Uuid;

/// A server whose clock stands still, with alice, who is in no group.
pub(super) struct World {
    data: tempfile::TempDir,
    server: Server,
    port: u16,
    pub(super) clock: Clock,
    pub(super) tenant: TenantId,
    pub(super) alice: User,
    /// A cluster with the shared audience.
    pub(super) cluster: Cluster,
}

impl World {
    pub(super) async fn start() -> Self {
        // The handshake looks at the machine's clock, so the frozen one stands at the present.
        Self::start_at(Clock::frozen(Timestamp::now())).await
    }

    /// The same with the machine's clock, for programs that look at it.
    pub(super) async fn on_the_machines_clock() -> Self {
        Self::start_at(Clock::system()).await
    }

    async fn start_at(clock: Clock) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        // The issuer has the port in it, so it stays the same over restarts.
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let server = serve(&data, port, &clock).await;
        let tenant = new_tenant("contoso", clock.now());
        setup::tenant(server.app(), &tenant).await.expect("the tenant is made");
        let alice = person("alice", clock.now());
        let cluster = cluster(tenant.id, "prod", &json!({}), clock.now());
        let mut world = Self { data, server, port, clock, tenant: tenant.id, alice, cluster };
        world.add_user(&world.alice.clone()).await;
        world.cluster = world.add_cluster("prod", &json!({})).await;
        world
    }

    pub(super) fn app(&self) -> &Arc<App> {
        self.server.app()
    }

    /// Stops the server in order and starts it again on its data.
    pub(super) async fn restart(self) -> Self {
        let Self { data, server, port, clock, tenant, alice, cluster } = self;
        server.stop().await;
        let server = serve(&data, port, &clock).await;
        Self { data, server, port, clock, tenant, alice, cluster }
    }

    pub(super) async fn stop(self) {
        self.server.stop().await;
    }

    pub(super) async fn add_user(&self, user: &User) {
        let mut tx = self.app().store.write().await.expect("begins");
        tx.directory().insert_user(self.tenant, user).await.expect("the person is new");
        tx.commit().await.expect("commits");
        self.settle().await;
    }

    pub(super) async fn add_group(&self, name: &str, members: &[Member]) -> Group {
        let group = group(name, self.clock.now());
        let mut tx = self.app().store.write().await.expect("begins");
        tx.directory().insert_group(self.tenant, &group).await.expect("the group is new");
        for member in members {
            tx.directory().add_member(self.tenant, group.id, *member).await.expect("it is no member yet");
        }
        tx.commit().await.expect("commits");
        self.settle().await;
        group
    }

    /// One more cluster of the tenant, with these members of `entranceProfile`.
    pub(super) async fn add_cluster(&self, name: &str, profile: &Value) -> Cluster {
        let now = self.clock.now();
        let cluster = cluster(self.tenant, name, profile, now);
        let ClusterAddress { subscription, group, .. } = cluster.address.clone();
        let mut tx = self.app().store.write().await.expect("begins");
        let mut arm = tx.arm();
        arm.insert_subscription(&Subscription { id: subscription, tenant: self.tenant, name: "dev".into(), created: now })
            .await
            .expect("the subscription is new");
        let location = "westeurope".parse().expect("a location");
        let document = ResourceGroupDocument::default();
        let group = ResourceGroup { subscription, name: group, location, document, deleting: None, created: now };
        arm.put_group(&group).await.expect("the group is made");
        arm.insert_cluster(&cluster).await.expect("the cluster is new");
        tx.commit().await.expect("commits");
        self.settle().await;
        cluster
    }

    /// Waits until the directory in memory is as new as the store.
    pub(super) async fn settle(&self) {
        let app = self.app();
        let head = app.store.read().await.expect("reads").feed_position().await.expect("a position").head;
        tokio::time::timeout(Duration::from_secs(20), app.people.reached(head)).await.expect("the directory follows");
    }

    /// A token for alice at the shared audience, with other claims.
    pub(super) fn token(&self, change: impl FnOnce(&mut Value)) -> String {
        self.token_for(&self.alice, change)
    }

    pub(super) fn token_for(&self, user: &User, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims(user);
        change(&mut claims);
        self.app().keys.sign(&claims, Header::V1)
    }

    pub(super) fn claims(&self, user: &User) -> Value {
        let at = self.clock.now().as_second();
        json!({
            "aud": AKS_SERVER.to_string(), "iss": self.app().issuer_v1(self.tenant), "iat": at, "nbf": at, "exp": at + 3_600,
            "ver": "1.0", "tid": self.tenant, "oid": user.id, "appid": AKS_CLIENT.to_string(), "idtyp": "user",
            "scp": "user.read", "uti": Uuid::new_v4().to_string(),
        })
    }

    pub(super) fn identity(&self, cluster: ClusterUid) -> ClientIdentity {
        self.app().webhooks.pki().issue_client(cluster, Timestamp::now()).expect("a certificate")
    }

    /// A client as an API server of the cluster is one.
    pub(super) fn api_server(&self, cluster: ClusterUid) -> reqwest::Client {
        let identity = self.identity(cluster);
        let pem = [identity.cert_pem.as_bytes(), identity.key_pem.as_bytes()].concat();
        self.trusting().identity(reqwest::Identity::from_pem(&pem).expect("an identity")).build().expect("a client")
    }

    /// What it takes to reach the listener without a certificate.
    pub(super) fn trusting(&self) -> reqwest::ClientBuilder {
        let ca = reqwest::Certificate::from_pem(self.app().webhooks.pki().ca_pem().as_bytes()).expect("a certificate");
        reqwest::Client::builder().tls_certs_only([ca]).timeout(Duration::from_secs(20))
    }

    pub(super) fn url(&self, cluster: ClusterUid) -> String {
        format!("https://127.0.0.1:{}/clusters/{cluster}/tokenreview", self.app().webhooks.address().port())
    }

    /// The answer to a question in these words.
    pub(super) async fn post(&self, client: &reqwest::Client, cluster: ClusterUid, body: &Value) -> Value {
        let mut patience = 50;
        loop {
            let response = client.post(self.url(cluster)).json(body).send().await.expect("it answers");
            // A machine that is busy with other tests may not find the time; a cluster would ask again, too.
            if response.status() == 503 && patience > 0 {
                patience -= 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            assert_eq!(response.status(), 200);
            return response.json().await.expect("JSON");
        }
    }

    pub(super) async fn ask(&self, cluster: ClusterUid, token: &str) -> Value {
        self.post(&self.api_server(cluster), cluster, &question(token)).await
    }

    /// `alice@contoso.example`, or `refused: …`, as the cluster hears it.
    pub(super) async fn whoami_at(&self, cluster: ClusterUid, token: &str) -> String {
        let answer = self.ask(cluster, token).await;
        match &answer["status"]["error"] {
            Value::String(why) => format!("refused: {why}"),
            _ => answer["status"]["user"]["username"].as_str().expect("a name").to_owned(),
        }
    }

    pub(super) async fn whoami(&self, token: &str) -> String {
        self.whoami_at(self.cluster.uid, token).await
    }
}

async fn serve(data: &tempfile::TempDir, port: u16, clock: &Clock) -> Server {
    let mut config = Config::new(Mode::Demo, data.path().join("data"));
    config.listen = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    config.webhook_listen = "127.0.0.1:0".parse().expect("an address");
    config.password_cost = PasswordCost::LEAST;
    let driver = Arc::new(Unavailable("nobody runs clusters here".into()));
    Server::start_with(config, clock.clone(), Some(driver)).await.expect("the server starts")
}

pub(super) fn question(token: &str) -> Value {
    json!({
        "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {"creationTimestamp": null},
        "spec": {"token": token, "audiences": ["https://kubernetes.default.svc"]}, "status": {"user": {}},
    })
}

pub(super) fn new_tenant(name: &str, now: Timestamp) -> Tenant {
    Tenant {
        id: TenantId::from_uuid(Uuid::new_v4()),
        display_name: name.into(),
        domains: vec![format!("{name}.example")],
        salt: vec![7; 32],
        created: now,
    }
}

/// Somebody whose tokens of the last two days count.
pub(super) fn person(name: &str, now: Timestamp) -> User {
    User { sessions_valid_from: now - Duration::from_hours(48), ..sample::person(name, now) }
}

fn cluster(tenant: TenantId, name: &str, profile: &Value, now: Timestamp) -> Cluster {
    let document = json!({"location": "westeurope", "properties": {
        "agentPoolProfiles": [{"name": "nodepool1", "count": 1}],
        "aadProfile": {"managed": true, "adminGroupObjectIDs": [], "tenantID": tenant},
        "entranceProfile": profile,
    }});
    let document: entrance_model::cluster::Document = serde_json::from_value(document).expect("a document");
    let address = ClusterAddress {
        subscription: SubscriptionId::from_uuid(Uuid::new_v4()),
        group: "web".parse().expect("a name"),
        name: name.parse().expect("a name"),
    };
    Cluster {
        uid: ClusterUid::from_uuid(Uuid::new_v4()),
        address,
        tenant,
        applied: Some(document.clone()),
        document,
        version: "1.37.2".parse().expect("a version"),
        state: State::Ready,
        power: entrance_model::cluster::Power::Running,
        endpoint: None,
        revision: 1,
        created: now,
        created_by: None,
        modified: now,
        modified_by: None,
    }
}
