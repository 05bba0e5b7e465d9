//! The resource manager over TLS, as its clients see it; control planes are played by [`Pretend`].

mod clusters;
mod deployments;
mod everywhere;
mod gate;
mod left_deployments;
mod legacy;
mod life;
mod pools;
mod pretend;
mod rights;
mod roles;
mod rules;
mod things;

use std::sync::Arc;
use std::time::Duration;

use entrance_model::access::{Assignment, PrincipalType, built_in};
use entrance_model::arm::{Scope, Subscription};
use entrance_model::directory::{ServicePrincipal, User};
use entrance_model::id::{AssignmentId, PrincipalId, RoleId, SubscriptionId};
use entrance_model::well_known::AZURE_CLI;
use entrance_server::Config;
use entrance_server::authority::keys::Header;
use entrance_testkit::Entrance;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use pretend::Pretend;

/// A server with a subscription, its owner, and control planes that are only played.
pub(crate) struct World {
    pub(crate) entrance: Entrance,
    pub(crate) planes: Arc<Pretend>,
    pub(crate) subscription: SubscriptionId,
    pub(crate) owner: User,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// `status code rule`, as tests read a refusal.
    pub(crate) fn refusal(&self) -> String {
        let error = &self.body["error"];
        let rule = error["additionalInfo"][0]["info"]["id"].as_str().unwrap_or("-");
        format!("{} {} {rule}", self.status.as_u16(), error["code"].as_str().unwrap_or("-"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// A server that is set up otherwise.
    pub(crate) async fn start_with(settle: impl FnOnce(&mut Config)) -> Self {
        let planes = Arc::new(Pretend::default());
        let entrance = Entrance::start_driven(settle, Some(Arc::clone(&planes) as _)).await;
        let owner = entrance.user("olivia").await;
        let subscription = SubscriptionId::from_uuid(Uuid::new_v4());
        let world = Self { entrance, planes, subscription, owner };
        let mut tx = world.entrance.app().store.write().await.expect("the store writes");
        let record = Subscription {
            id: subscription,
            tenant: world.entrance.tenant,
            name: "Test".into(),
            created: world.entrance.app().now(),
        };
        tx.arm().insert_subscription(&record).await.expect("it is new");
        tx.commit().await.expect("the store commits");
        world.assign(world.owner.id.into(), built_in::OWNER, &Scope::subscription(subscription)).await;
        world
    }

    pub(crate) async fn assign(&self, principal: PrincipalId, role: RoleId, scope: &Scope) {
        let now = self.entrance.app().now();
        let assignment = Assignment {
            id: AssignmentId::from_uuid(Uuid::new_v4()),
            tenant: self.entrance.tenant,
            scope: scope.clone(),
            role,
            principal,
            principal_type: PrincipalType::User,
            description: None,
            condition: None,
            created: now,
            created_by: None,
            updated: now,
            updated_by: None,
        };
        let mut tx = self.entrance.app().store.write().await.expect("the store writes");
        tx.arm().insert_assignment(&assignment).await.expect("it is new");
        tx.commit().await.expect("the store commits");
    }

    /// A token for the resource manager, as `az` gets it.
    pub(crate) fn token(&self, user: &User) -> String {
        let (app, now) = (self.entrance.app(), self.entrance.app().now().as_second());
        let claims = json!({
            "aud": format!("{}/arm", app.base()), "iss": app.issuer_v1(self.entrance.tenant), "iat": now, "nbf": now, "exp": now + 3600,
            "ver": "1.0", "tid": self.entrance.tenant, "oid": user.id, "appid": AZURE_CLI, "idtyp": "user", "upn": user.upn,
            "scp": "user_impersonation", "uti": "u"
        });
        app.keys.sign(&claims, Header::V1)
    }

    /// The same for an application.
    pub(crate) fn token_of_application(&self, robot: &ServicePrincipal) -> String {
        let (app, now) = (self.entrance.app(), self.entrance.app().now().as_second());
        let claims = json!({
            "aud": format!("{}/arm", app.base()), "iss": app.issuer_v1(self.entrance.tenant), "iat": now, "nbf": now, "exp": now + 3600,
            "ver": "1.0", "tid": self.entrance.tenant, "oid": robot.id, "appid": robot.app_id, "idtyp": "app", "uti": "u"
        });
        app.keys.sign(&claims, Header::V1)
    }

    /// Asks as somebody. Paths begin below the subscription unless they begin with `//`.
    pub(crate) async fn ask(&self, who: &User, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.ask_with(&self.token(who), method, path, body).await
    }

    /// The same with a token.
    pub(crate) async fn ask_with(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let path = match path.strip_prefix('/') {
            Some(absolute) if absolute.starts_with('/') => absolute.to_owned(),
            _ => format!("/subscriptions/{}{path}", self.subscription),
        };
        let mark = if path.contains('?') { '&' } else { '?' };
        let url = self.entrance.url(&format!("{path}{mark}api-version=2026-06-01"));
        let mut request = self.entrance.client.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("the server answers");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.expect("the answer ends");
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&self.owner, Method::GET, path, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(&self.owner, Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.ask(&self.owner, Method::POST, path, None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(&self.owner, Method::DELETE, path, None).await
    }

    /// Makes the group `rg1`.
    pub(crate) async fn group(&self) {
        let made = self.put("/resourcegroups/rg1", json!({"location": "eastus"})).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }

    /// Polls an operation as clients do, until it has ended.
    pub(crate) async fn settled(&self, started: &Answer) -> Value {
        let url = started.header("azure-asyncoperation").to_owned();
        assert!(!url.is_empty(), "{started:?}");
        let path = url.strip_prefix(self.entrance.app().base()).expect("our own address");
        let path = path.split('?').next().unwrap_or_default();
        for _ in 0..500 {
            let status = self.get(&format!("/{path}")).await;
            assert_eq!(status.status, 200, "{}", status.body);
            if status.body["status"] != "InProgress" {
                return status.body;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the operation does not end");
    }

    /// The same for clients that follow `Location`: the last answer.
    pub(crate) async fn result(&self, started: &Answer) -> Answer {
        let url = started.header("location").to_owned();
        let path = url.strip_prefix(self.entrance.app().base()).unwrap_or_else(|| panic!("{started:?}"));
        let path = path.split('?').next().unwrap_or_default();
        for _ in 0..500 {
            let answer = self.get(&format!("/{path}")).await;
            if answer.status != 202 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the operation does not end");
    }
}

/// Where the cluster `c1` is.
pub(crate) const C1: &str = "/resourceGroups/rg1/providers/Microsoft.ContainerService/managedClusters/c1";

/// A body as the command line sends it.
pub(crate) fn cluster(aad_profile: Option<Value>) -> Value {
    let mut body = json!({
        "location": "eastus",
        "identity": {"type": "SystemAssigned"},
        "sku": {"name": "Base", "tier": "Free"},
        "properties": {
            "kubernetesVersion": "", "dnsPrefix": "c1-rg1-222222", "disableLocalAccounts": false, "enableRBAC": true,
            "addonProfiles": {}, "storageProfile": {}, "bootstrapProfile": {"artifactSource": "Direct"},
            "networkProfile": {"loadBalancerSku": "standard", "outboundType": "loadBalancer"},
            "agentPoolProfiles": [{"name": "nodepool1", "count": 3, "vmSize": "", "orchestratorVersion": "", "mode": "System"}]
        }
    });
    if let Some(profile) = aad_profile {
        body["properties"]["aadProfile"] = profile;
    }
    body
}
