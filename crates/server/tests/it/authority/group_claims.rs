//! S-420…S-424: which groups a token names. Our own webhook never reads the claim; other verifiers may.

use std::time::Instant;

use entrance_model::directory::{Application, Group, Member, MemberKind, User};
use entrance_model::signin::groups::Mode;
use entrance_testkit::{Entrance, PASSWORD, sample};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AKS, AZ, secret, text, verified};
use crate::arm::{C1, World, cluster};

const SECRET: &str = "Xy~8Q_a-secret-with-plenty-of-random-characters";

async fn of_person(world: &Entrance, user: &User, client: &str, scope: &str) -> Value {
    let form = [
        ("grant_type", "password"),
        ("client_id", client),
        ("username", user.upn.as_str()),
        ("password", PASSWORD),
        ("scope", scope),
    ];
    let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
    let body: Value = answer.json().await.expect("JSON");
    verified(world, body["access_token"].as_str().unwrap_or_else(|| panic!("{body}"))).await
}

async fn of_cluster(world: &Entrance, user: &User) -> Value {
    of_person(world, user, AZ, &format!("{AKS}/.default")).await
}

fn listed<'g>(groups: impl IntoIterator<Item = &'g Group>) -> Value {
    let mut ids: Vec<String> = groups.into_iter().map(|group| group.id.to_string()).collect();
    ids.sort_unstable();
    json!(ids)
}

async fn put(world: &Entrance, parent: &Group, child: &Group) {
    world.add(parent, Member { id: child.id.into(), kind: MemberKind::Group }).await;
}

/// Makes many groups at once and puts somebody into the ones that `direct` picks.
async fn many(world: &Entrance, user: &User, count: usize, nested: bool) -> Vec<Group> {
    let groups: Vec<Group> = (0..count).map(|n| sample::group(&format!("claims-{n}"), world.app().now())).collect();
    let mut tx = world.app().store.write().await.expect("writes");
    for group in &groups {
        tx.directory().insert_group(world.tenant, group).await.expect("is new");
    }
    for (n, group) in groups.iter().enumerate() {
        let member = if nested && n > 0 {
            Member { id: groups[n - 1].id.into(), kind: MemberKind::Group }
        } else {
            Member { id: user.id.into(), kind: MemberKind::User }
        };
        tx.directory().add_member(world.tenant, group.id, member).await.expect("is new");
    }
    tx.commit().await.expect("commits");
    groups
}

async fn with_mode(mode: Mode) -> Entrance {
    Entrance::start_with(|config| config.groups_claim = mode).await
}

#[tokio::test]
async fn s_420_security_groups_are_named_sorted_and_through_other_groups() {
    let world = with_mode(Mode::Entra).await;
    let alice = world.user("alice").await;
    assert!(of_cluster(&world, &alice).await.get("groups").is_none(), "no groups, no claim");
    let (inner, outer) = (world.group("claims-inner").await, world.group("claims-outer").await);
    let mut mail = sample::group("claims-mail", world.app().now());
    (mail.security_enabled, mail.mail_enabled) = (false, true);
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().insert_group(world.tenant, &mail).await.expect("is new");
    tx.commit().await.expect("commits");
    world.join(&alice, &inner).await;
    world.join(&alice, &mail).await;
    put(&world, &outer, &inner).await;
    put(&world, &inner, &outer).await;
    let claims = of_cluster(&world, &alice).await;
    assert_eq!(claims["groups"], listed([&inner, &outer]), "a group that gives no rights is not named, and a cycle ends");
}

#[tokio::test]
async fn s_420_applications_are_in_groups_like_people_and_the_registration_says_which_are_named() {
    let world = with_mode(Mode::Entra).await;
    let alice = world.user("alice").await;
    let (security, assigned) = (world.group("claims-sec").await, world.group("claims-app").await);
    let mut mail = sample::group("claims-news", world.app().now());
    mail.security_enabled = false;
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().insert_group(world.tenant, &mail).await.expect("is new");
    tx.commit().await.expect("commits");
    for group in [&security, &assigned, &mail] {
        world.join(&alice, group).await;
    }
    let register = async |name: &str, claims: Value| {
        let settle = |app: &mut Application| {
            (app.is_public_client, app.token_version) = (true, 2);
            app.identifier_uris = vec![format!("api://{name}")];
            app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"));
            let scope = json!({"id": Uuid::new_v4(), "isEnabled": true, "value": "use", "type": "User"});
            app.other.insert("api".into(), json!({"oauth2PermissionScopes": [scope]}));
            app.other.insert("groupMembershipClaims".into(), claims);
        };
        world.application(name, settle).await
    };
    let told = async |name: &str, app: &Application| {
        of_person(&world, &alice, &app.app_id.to_string(), &format!("api://{name}/use")).await
    };
    let (none, _) = register("claims-none", Value::Null).await;
    assert!(told("claims-none", &none).await.get("groups").is_none());
    let (sec, principal) = register("claims-security", "SecurityGroup".into()).await;
    assert_eq!(told("claims-security", &sec).await["groups"], listed([&security, &assigned]));
    let (all, _) = register("claims-all", "All".into()).await;
    let claims = told("claims-all", &all).await;
    assert_eq!(claims["groups"], listed([&security, &assigned, &mail]));
    assert_eq!(claims["wids"], json!(["b79fbf4d-3ef9-4689-8143-76b194e85509"]), "`All` names directory roles, too");
    let (only, owner) = register("claims-assigned", "ApplicationGroup".into()).await;
    assert!(told("claims-assigned", &only).await.get("groups").is_none());
    let given = entrance_model::directory::AppRoleAssignment {
        id: Uuid::new_v4(),
        principal: Member { id: assigned.id.into(), kind: MemberKind::Group },
        resource: owner.id,
        role: Uuid::nil(),
        created: world.app().now(),
    };
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().insert_app_role(world.tenant, &given).await.expect("is new");
    tx.commit().await.expect("commits");
    assert_eq!(told("claims-assigned", &only).await["groups"], listed([&assigned]));

    world.add(&security, Member { id: principal.id.into(), kind: MemberKind::ServicePrincipal }).await;
    let (id, scope) = (sec.app_id.to_string(), format!("{AKS}/.default"));
    let form =
        [("grant_type", "client_credentials"), ("client_id", id.as_str()), ("client_secret", SECRET), ("scope", scope.as_str())];
    let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
    let body: Value = answer.json().await.expect("JSON");
    let claims = verified(&world, text(&body, "access_token")).await;
    assert_eq!(claims["groups"], listed([&security]));
}

#[tokio::test]
async fn s_421_above_two_hundred_groups_a_token_says_where_to_ask() {
    let world = with_mode(Mode::Entra).await;
    let alice = world.user("alice").await;
    many(&world, &alice, 200, false).await;
    assert_eq!(of_cluster(&world, &alice).await["groups"].as_array().map(Vec::len), Some(200));
    let one_more = world.group("claims-one-more").await;
    world.join(&alice, &one_more).await;
    let claims = of_cluster(&world, &alice).await;
    assert!(claims.get("groups").is_none());
    assert_eq!(claims["_claim_names"], json!({"groups": "src1"}));
    let endpoint = format!("{}/v1.0/users/{}/getMemberObjects", world.app().base(), alice.id);
    assert_eq!(claims["_claim_sources"]["src1"]["endpoint"], endpoint);
    // The address answers whoever may read there, with all of them.
    let admin = world.directory_admin("admin").await;
    let path = endpoint.trim_start_matches(world.app().base());
    let answer = world.graph(&world.graph_token(&admin), "POST", path, json!({"securityEnabledOnly": true})).await;
    assert_eq!(answer.body["value"].as_array().map(Vec::len), Some(201));
}

#[tokio::test]
async fn s_422_all_names_more_and_the_token_is_still_one_that_we_take() {
    let world = with_mode(Mode::All).await;
    let alice = world.user("alice").await;
    many(&world, &alice, 250, false).await;
    let form = [
        ("grant_type", "password"),
        ("client_id", AZ),
        ("username", "alice@contoso.example"),
        ("password", PASSWORD),
        ("scope", &format!("{AKS}/.default")),
    ];
    let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
    let body: Value = answer.json().await.expect("JSON");
    let token = text(&body, "access_token");
    assert_eq!(verified(&world, token).await["groups"].as_array().map(Vec::len), Some(250));
    assert!(world.app().keys.verify(token, world.app().now()).is_ok(), "{} bytes", token.len());
}

#[tokio::test]
async fn s_422_a_token_for_clusters_names_the_groups_that_a_cluster_refers_to() {
    let world = World::start().await;
    world.group().await;
    let entrance = &world.entrance;
    let alice = entrance.user("alice").await;
    let (other, named, bound) =
        (entrance.group("claims-other").await, entrance.group("claims-admins").await, entrance.group("claims-bound").await);
    for group in [&other, &named, &bound] {
        entrance.join(&alice, group).await;
    }
    let all = listed([&other, &named, &bound]);
    assert_eq!(of_cluster(entrance, &alice).await["groups"], all, "no cluster of ours takes the token: all are named");
    let mut body = cluster(Some(json!({"managed": true, "adminGroupObjectIDs": [named.id]})));
    body["properties"]["entranceProfile"] = json!({"tokenAudience": "shared"});
    let put = world.put(C1, body).await;
    assert_eq!(world.settled(&put).await["status"], "Succeeded", "{}", put.body);
    let app = entrance.app();
    let head = app.store.read().await.expect("reads").feed_position().await.expect("a position").head;
    app.people.reached(head).await;
    assert_eq!(of_cluster(entrance, &alice).await["groups"], all, "what it refers to is not known: nothing is left out");
    let snapshot = app.people.snapshot(app.now()).expect("a snapshot");
    let (uid, _) = snapshot.clusters().next().expect("a cluster");
    app.references.show(uid, [bound.id]);
    assert_eq!(of_cluster(entrance, &alice).await["groups"], listed([&named, &bound]), "administrators and what it refers to");
}

#[tokio::test]
async fn s_423_a_refresh_reads_the_groups_again() {
    let world = with_mode(Mode::Entra).await;
    let alice = world.user("alice").await;
    let (before, after) = (world.group("claims-before").await, world.group("claims-after").await);
    world.join(&alice, &before).await;
    let form = [
        ("grant_type", "password"),
        ("client_id", AZ),
        ("username", "alice@contoso.example"),
        ("password", PASSWORD),
        ("scope", &format!("{AKS}/.default offline_access")),
    ];
    let path = format!("/{}/oauth2/v2.0/token", world.tenant);
    let first: Value = world.post(&path, &form).await.json().await.expect("JSON");
    assert_eq!(verified(&world, text(&first, "access_token")).await["groups"], listed([&before]));
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().remove_member(world.tenant, before.id, alice.id.into()).await.expect("removes");
    let member = Member { id: alice.id.into(), kind: MemberKind::User };
    tx.directory().add_member(world.tenant, after.id, member).await.expect("adds");
    tx.commit().await.expect("commits");
    // Asked in the same moment: the answer is as new as the last commit.
    let form = [("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", text(&first, "refresh_token"))];
    let second: Value = world.post(&path, &form).await.json().await.expect("JSON");
    assert_eq!(verified(&world, text(&second, "access_token")).await["groups"], listed([&after]));
}

#[tokio::test]
async fn s_424_a_chain_of_a_thousand_groups_costs_a_token_little() {
    let world = with_mode(Mode::Entra).await;
    let alice = world.user("alice").await;
    let chain = many(&world, &alice, 1_000, true).await;
    put(&world, &chain[0], &chain[999]).await;
    of_cluster(&world, &alice).await;
    let snapshot = world.app().people.snapshot(world.app().now()).expect("a snapshot");
    let since = Instant::now();
    assert_eq!(snapshot.groups_of(world.tenant, alice.id.into()).len(), 1_000);
    // Built without optimisation; the aim is 50 ms for two thousand.
    assert!(since.elapsed().as_millis() < 50, "{:?}", since.elapsed());
    assert_eq!(of_cluster(&world, &alice).await["_claim_names"], json!({"groups": "src1"}));
}
