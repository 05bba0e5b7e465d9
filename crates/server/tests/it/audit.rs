//! What reviews leave in the audit log, and the log as it is read and proved.

use std::path::Path;
use std::time::{Duration, Instant};

use entrance_model::arm::{ClusterAddress, ResourceGroup, ResourceGroupDocument, Subscription};
use entrance_model::audit::{KINDS, is_known};
use entrance_model::cluster::{Cluster, State};
use entrance_model::directory::User;
use entrance_model::id::{ClusterUid, SubscriptionId};
use entrance_model::well_known::{AKS_CLIENT, AKS_SERVER};
use entrance_server::authority::keys::Header;
use entrance_store::AuditRow;
use entrance_testkit::{Entrance, minutes};
use serde_json::{Value, json};
use uuid::Uuid;

/// A server with a cluster that asks, and alice.
pub(crate) struct Asking {
    pub(crate) world: Entrance,
    pub(crate) alice: User,
    pub(crate) cluster: ClusterUid,
}

impl Asking {
    pub(crate) async fn new() -> Self {
        Self::over(Entrance::start().await).await
    }

    pub(crate) async fn over(world: Entrance) -> Self {
        let (alice, now, tenant) = (world.user("alice").await, world.app().now(), world.tenant);
        let (subscription, group) = (SubscriptionId::from_uuid(Uuid::new_v4()), "web".parse().expect("a name"));
        let profile = json!({"managed": true, "adminGroupObjectIDs": [], "tenantID": tenant});
        let pools = json!([{"name": "nodepool1", "count": 1}]);
        let document = json!({"location": "westeurope", "properties": {"agentPoolProfiles": pools, "aadProfile": profile}});
        let document: entrance_model::cluster::Document = serde_json::from_value(document).expect("a document");
        let cluster = Cluster {
            uid: ClusterUid::from_uuid(Uuid::new_v4()),
            address: ClusterAddress { subscription, group, name: "prod".parse().expect("a name") },
            tenant,
            document: document.clone(),
            applied: Some(document),
            version: "1.37.2".parse().expect("a version"),
            state: State::Ready,
            power: entrance_model::cluster::Power::Running,
            endpoint: None,
            revision: 1,
            created: now,
            created_by: None,
            modified: now,
            modified_by: None,
        };
        let group = ResourceGroup {
            subscription,
            name: cluster.address.group.clone(),
            location: "westeurope".parse().expect("a location"),
            document: ResourceGroupDocument::default(),
            deleting: None,
            created: now,
        };
        let mut tx = world.app().store.write().await.expect("writes");
        let mut arm = tx.arm();
        let subscription = Subscription { id: subscription, tenant, name: "dev".into(), created: now };
        arm.insert_subscription(&subscription).await.expect("it is new");
        arm.put_group(&group).await.expect("it is new");
        arm.insert_cluster(&cluster).await.expect("it is new");
        tx.commit().await.expect("commits");
        let head = world.app().store.feed().borrow().head;
        world.app().people.reached(head).await;
        Self { cluster: cluster.uid, world, alice }
    }

    /// A token of alice's with this id.
    pub(crate) fn token(&self, uti: &str) -> String {
        let at = self.world.app().now().as_second();
        let claims = json!({
            "aud": AKS_SERVER.to_string(), "iss": self.world.app().issuer_v1(self.world.tenant), "iat": at, "nbf": at,
            "exp": at + 900, "ver": "1.0", "tid": self.world.tenant, "oid": self.alice.id, "appid": AKS_CLIENT.to_string(),
            "idtyp": "user", "scp": "user.read", "uti": uti,
        });
        self.world.app().keys.sign(&claims, Header::V1)
    }

    /// The cluster's API server.
    pub(crate) fn api_server(&self, patience: Duration) -> reqwest::Client {
        let webhooks = &self.world.app().webhooks;
        let identity = webhooks.pki().issue_client(self.cluster, entrance_model::Timestamp::now()).expect("a certificate");
        let pem = [identity.cert_pem.as_bytes(), identity.key_pem.as_bytes()].concat();
        reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(webhooks.pki().ca_pem().as_bytes()).expect("a certificate")])
            .identity(reqwest::Identity::from_pem(&pem).expect("an identity"))
            .timeout(patience)
            .build()
            .expect("a client")
    }

    /// Asks whose token it is.
    pub(crate) async fn ask(&self, client: &reqwest::Client, token: &str) -> reqwest::Result<reqwest::Response> {
        let url = format!("https://{}/clusters/{}/tokenreview", self.world.app().webhooks.address(), self.cluster);
        let question = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}});
        client.post(url).json(&question).send().await
    }

    /// What the log tells of reviews, the newest first.
    pub(crate) async fn told(&self) -> Vec<AuditRow> {
        let mut reader = self.world.app().store.read().await.expect("reads");
        let trail = reader.audit_trail(self.world.tenant, 1000).await.expect("reads");
        trail.into_iter().filter(|row| row.kind.starts_with("review.")).collect()
    }

    /// Waits until the log holds what it shall.
    pub(crate) async fn until(&self, holds: impl Fn(&[AuditRow]) -> bool) -> Vec<AuditRow> {
        let begun = Instant::now();
        loop {
            let told = self.told().await;
            if holds(&told) {
                return told;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "the log holds {told:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn an_admission_is_told_once_for_each_token_with_the_id_that_the_api_server_logs() {
    let asking = Asking::new().await;
    let client = asking.api_server(Duration::from_secs(20));
    for token in ["t-1", "t-1", "t-2", "t-1"] {
        let answer: Value = asking.ask(&client, &asking.token(token)).await.expect("answers").json().await.expect("JSON");
        assert_eq!(answer["status"]["authenticated"], true, "{answer}");
        let logged = &answer["status"]["user"]["extra"]["authentication.kubernetes.io/credential-id"];
        assert_eq!(logged[0], format!("JTI={token}"));
    }
    let told = asking.until(|told| told.len() == 2).await;
    let ids: Vec<_> = told.iter().map(|row| row.detail["credential"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["JTI=t-2", "JTI=t-1"]);
    assert_eq!((told[0].kind.as_str(), told[0].actor), ("review.admitted", Some(asking.alice.id.into())));
    assert_eq!(told[0].target, Some(asking.cluster.to_string()));
}

#[tokio::test]
async fn a_flood_of_refusals_leaves_few_rows_and_exact_counts() {
    let asking = Asking::new().await;
    let client = asking.api_server(Duration::from_secs(20));
    let (garbage, unknown) = (400_u64, 100_u64);
    for n in 0..garbage {
        asking.ask(&client, &format!("garbage-{n}")).await.expect("answers");
    }
    let mut tx = asking.world.app().store.write().await.expect("writes");
    tx.directory().delete_user(asking.world.tenant, &asking.alice, asking.world.app().now()).await.expect("she is removed");
    tx.commit().await.expect("commits");
    let head = asking.world.app().store.feed().borrow().head;
    asking.world.app().people.reached(head).await;
    for n in 0..unknown {
        asking.ask(&client, &asking.token(&format!("t-{n}"))).await.expect("answers");
    }
    let tally = asking.world.app().webhooks.tally().refused();
    assert_eq!(tally, [("malformed", garbage), ("unknown-person", unknown)].into());
    // A minute later the rest is told as a number.
    asking.world.sleep(minutes(2));
    let told = asking.until(|told| told.iter().filter(|row| row.kind == "review.leftOut").count() == 2).await;
    assert_eq!(told.len(), 22, "ten of each reason, and a count of each");
    for (why, all) in tally {
        let one_by_one = told.iter().filter(|row| row.kind == "review.refused" && row.detail["why"] == why).count() as u64;
        let counted = told.iter().filter(|row| row.kind == "review.leftOut" && row.detail["why"] == why);
        let counted: u64 = counted.filter_map(|row| row.detail["count"].as_u64()).sum();
        assert_eq!(one_by_one + counted, all, "{why}");
    }
    // Nothing is known of a token that was not ours; of one that was, who and which.
    let of = |why: &str| told.iter().find(|row| row.kind == "review.refused" && row.detail["why"] == why).expect("one");
    assert_eq!((of("malformed").actor, &of("malformed").detail["credential"]), (None, &Value::Null));
    assert_eq!(of("unknown-person").actor, Some(asking.alice.id.into()));
    let recent = asking.world.app().witness.recent(asking.cluster, asking.alice.id.into()).expect("it was refused");
    assert_eq!(recent.why.code(), "unknown-person");
}

#[tokio::test]
async fn a_stop_writes_what_was_told_and_what_was_counted() {
    let asking = Asking::new().await;
    let client = asking.api_server(Duration::from_secs(20));
    for n in 0..50 {
        asking.ask(&client, &format!("garbage-{n}")).await.expect("answers");
    }
    drop(client);
    let (store, tenant) = (asking.world.app().store.clone(), asking.world.tenant);
    asking.world.stop().await;
    let trail = store.read().await.expect("reads").audit_trail(tenant, 100).await.expect("reads");
    let one_by_one = trail.iter().filter(|row| row.kind == "review.refused").count();
    let counted: u64 = trail.iter().filter_map(|row| row.detail["count"].as_u64()).sum();
    assert_eq!((one_by_one, counted), (10, 40));
}

#[test]
fn what_the_sources_tell_stands_in_the_list_of_what_the_log_can_tell() {
    let areas: Vec<_> = KINDS.iter().filter_map(|kind| kind.name.split_once('.')).map(|(area, _)| area).collect();
    let (mut files, mut seen) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")], 0);
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        // Every second piece is a literal, or nearly so: what is none has no such form.
        for literal in text.split('"') {
            let is_kind = literal.split_once('.').is_some_and(|(area, what)| {
                areas.contains(&area) && !what.is_empty() && what != "html" && what.bytes().all(|b| b.is_ascii_alphabetic())
            });
            if is_kind && literal != "user.read" {
                assert!(is_known(literal), "`{literal}` in {} is in no list", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= KINDS.len() / 2, "the sources tell only {seen} events");
}
