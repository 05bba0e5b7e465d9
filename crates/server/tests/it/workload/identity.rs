//! Identities of this machine (S-270).

use entrance_model::directory::ServicePrincipal;
use entrance_testkit::{Answer, Entrance};
use serde_json::{Value, json};

use crate::authority::{AKS, text, verified};

const SERVICE: &str = "/msi/token?api-version=2019-08-01";
const METADATA: &str = "/metadata/identity/oauth2/token?api-version=2018-02-01";

struct Story {
    world: Entrance,
    admin: String,
    principal: ServicePrincipal,
}

impl Story {
    async fn start() -> Self {
        let listen = |config: &mut entrance_server::Config| config.identity_listen = Some(([127, 0, 0, 1], 0).into());
        let world = Entrance::start_with(listen).await;
        let admin = world.graph_token(&world.directory_admin("olivia").await);
        let (_, principal) = world.application("agent", |_| {}).await;
        Self { world, admin, principal }
    }

    async fn add(&self, name: &str, every: bool) -> Answer {
        let body = json!({"name": name, "servicePrincipalId": self.principal.id, "everyProcess": every});
        self.world.graph(&self.admin, "POST", "/v1.0/entrance/managedIdentities", body).await
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let at = self.world.app().identity_address().expect("it listens");
        let mut request = reqwest::Client::builder().no_proxy().build().expect("a client").get(format!("http://{at}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("answers");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }
}

#[tokio::test]
async fn s_270_a_process_that_shows_its_value_gets_its_application_s_token() {
    let story = Story::start().await;
    let made = story.add("build-agent", false).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let header = made.text("identityHeader");
    let path = format!("{SERVICE}&resource={AKS}");
    let (status, answer) = story.ask(&path, &[("X-IDENTITY-HEADER", &header)]).await;
    assert_eq!(status, 200, "{answer}");
    let claims = verified(&story.world, text(&answer, "access_token")).await;
    assert_eq!(text(&claims, "oid"), story.principal.id.to_string());
    assert_eq!(text(&claims, "appidacr"), "2");
    assert_eq!(text(&answer, "client_id"), story.principal.app_id.to_string());
    assert!(text(&answer, "expires_on").parse::<i64>().is_ok(), "a text of digits");
    for headers in [vec![], vec![("X-IDENTITY-HEADER", "invented")], vec![("X-IDENTITY-HEADER", "")]] {
        assert_eq!(story.ask(&path, &headers).await.0, 401, "{headers:?}");
    }
    let own = format!("{path}&client_id={}", story.principal.app_id);
    assert_eq!(story.ask(&own, &[("X-IDENTITY-HEADER", &header)]).await.0, 200);
    let (status, answer) = story.ask(&format!("{path}&client_id={AKS}"), &[("X-IDENTITY-HEADER", &header)]).await;
    assert_eq!((status, text(&answer, "error_description")), (400, "Identity not found"));
    let gone = format!("/v1.0/entrance/managedIdentities/{}", made.text("id"));
    assert_eq!(story.world.graph(&story.admin, "DELETE", &gone, Value::Null).await.status, 204);
    assert_eq!(story.ask(&path, &[("X-IDENTITY-HEADER", &header)]).await.0, 401);
    assert_eq!(super::told(&story.world, "identity.").await, ["identity.added", "identity.removed"]);
}

#[tokio::test]
async fn s_270_the_metadata_shape_serves_identities_of_every_process_and_says_everything_in_texts() {
    let story = Story::start().await;
    story.add("by-header", false).await;
    let path = format!("{METADATA}&resource={AKS}");
    let here = [("Metadata", "true")];
    assert_eq!(story.ask(&path, &here).await.0, 400, "an identity with a header is not for everybody");
    assert_eq!(story.add("machine", true).await.status, 201);
    let (status, answer) = story.ask(&path, &here).await;
    assert_eq!(status, 200, "{answer}");
    let members = answer.as_object().expect("an object");
    let names: Vec<&String> = members.keys().collect();
    let expected =
        ["access_token", "client_id", "expires_in", "expires_on", "ext_expires_in", "not_before", "resource", "token_type"];
    assert_eq!(names.len(), expected.len());
    assert!(expected.iter().all(|name| members[*name].is_string()), "{answer}");
    for (name, value, status) in [
        ("object_id", story.principal.id.to_string(), 200),
        ("principal_id", story.principal.id.to_string(), 200),
        ("msi_res_id", "/subscriptions/x/userAssignedIdentities/machine".to_owned(), 200),
        ("mi_res_id", "/subscriptions/x/userAssignedIdentities/other".to_owned(), 400),
        ("client_id", AKS.to_owned(), 400),
    ] {
        assert_eq!(story.ask(&format!("{path}&{name}={value}"), &here).await.0, status, "{name}");
    }
    story.add("machine-2", true).await;
    let (status, answer) = story.ask(&path, &here).await;
    assert_eq!(status, 400, "which of the two is not said");
    assert!(text(&answer, "error_description").starts_with("Multiple"));
}

#[tokio::test]
async fn s_270_requests_that_others_may_have_caused_are_refused() {
    let story = Story::start().await;
    story.add("machine", true).await;
    let path = format!("{METADATA}&resource={AKS}");
    for headers in [
        vec![],
        vec![("Metadata", "false")],
        vec![("Metadata", "true"), ("X-Forwarded-For", "203.0.113.7")],
        vec![("Metadata", "true"), ("Forwarded", "for=203.0.113.7")],
        vec![("Metadata", "true"), ("Host", "attacker.example")],
    ] {
        assert_eq!(story.ask(&path, &headers).await.0, 400, "{headers:?}");
    }
    for path in [METADATA, "/metadata/identity/oauth2/token?resource=x"] {
        assert_eq!(story.ask(path, &[("Metadata", "true")]).await.0, 400, "{path}");
    }
}

#[tokio::test]
async fn s_270_a_disabled_application_and_an_unknown_resource_get_nothing() {
    let mut story = Story::start().await;
    story.add("machine", true).await;
    let here = [("Metadata", "true")];
    assert_eq!(story.ask(&format!("{METADATA}&resource=https://nowhere.example"), &here).await.0, 400);
    story.principal.enabled = false;
    let mut tx = story.world.app().store.write().await.expect("writes");
    tx.directory().update_service_principal(story.world.tenant, &story.principal).await.expect("it is there");
    tx.commit().await.expect("commits");
    assert_ne!(story.ask(&format!("{METADATA}&resource={AKS}"), &here).await.0, 200);
}

#[tokio::test]
async fn s_270_the_listener_is_off_unless_asked_for_and_never_outside_of_loopback() {
    let world = Entrance::start().await;
    assert!(world.app().identity_address().is_none());
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = entrance_server::Config::new(entrance_server::Mode::Serve, folder.path().join("data"));
    config.listen = ([127, 0, 0, 1], 0).into();
    config.webhook_listen = ([127, 0, 0, 1], 0).into();
    config.identity_listen = Some(([0, 0, 0, 0], 0).into());
    let started = entrance_server::Server::start(config, entrance_server::Clock::system()).await;
    assert!(started.is_err_and(|error| error.to_string().contains("only on loopback")));
}

#[tokio::test]
async fn s_811_nobody_becomes_a_built_in_application_and_only_administrators_add_identities() {
    let story = Story::start().await;
    let alice = story.world.graph_token(&story.world.user("alice").await);
    let body = json!({"name": "mine", "servicePrincipalId": story.principal.id});
    assert_eq!(story.world.graph(&alice, "POST", "/v1.0/entrance/managedIdentities", body).await.status, 403);
    let built_in = json!({"name": "mine", "servicePrincipalId": format!("appid={}", crate::authority::AZ)});
    assert_eq!(story.world.graph(&story.admin, "POST", "/v1.0/entrance/managedIdentities", built_in).await.status, 403);
}
