//! S-400…S-406: what tokens say, for people and applications, in both versions.

use entrance_model::directory::{AppRoleAssignment, Application, Member, MemberKind, ServicePrincipal, User};
use entrance_testkit::{Entrance, PASSWORD};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use super::{AKS, AZ, refusal, secret, text, verified};

const SECRET: &str = "Xy~8Q_a-secret-with-plenty-of-random-characters";
const MEMBER: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
const ROLE: Uuid = uuid!("7d3f5a0e-6f0c-4a43-9a43-0d3c8f8d0a11");

/// An API of the tenant that people sign in to with a program, and that proves itself with a secret.
async fn api(world: &Entrance, name: &str, version: u8, more: Value) -> (Application, ServicePrincipal) {
    world
        .application(name, |app| {
            app.is_public_client = true;
            app.token_version = version;
            app.identifier_uris = vec![format!("api://{name}")];
            app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"));
            let scope = json!({"id": Uuid::new_v4(), "isEnabled": true, "value": "use", "type": "User"});
            app.other.insert("api".into(), json!({"oauth2PermissionScopes": [scope]}));
            let role = json!({"id": ROLE, "isEnabled": true, "value": "Buyer", "allowedMemberTypes": ["User", "Application"]});
            app.other.insert("appRoles".into(), json!([role]));
            let Value::Object(more) = more else { return };
            app.other.extend(more);
        })
        .await
}

async fn person(world: &Entrance, user: &User, client: &str, scope: &str, more: &[(&str, &str)]) -> reqwest::Response {
    let form = [
        &[
            ("grant_type", "password"),
            ("client_id", client),
            ("username", user.upn.as_str()),
            ("password", PASSWORD),
            ("scope", scope),
        ],
        more,
    ]
    .concat();
    world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await
}

async fn application(world: &Entrance, client: &Application, scope: &str) -> reqwest::Response {
    let id = client.app_id.to_string();
    let form = [("grant_type", "client_credentials"), ("client_id", id.as_str()), ("client_secret", SECRET), ("scope", scope)];
    world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await
}

/// The claims of one token of an answer.
async fn claims(world: &Entrance, answer: reqwest::Response, token: &str) -> Value {
    let status = answer.status();
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(status, 200, "{body}");
    verified(world, text(&body, token)).await
}

fn names(claims: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = claims.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

async fn give(world: &Entrance, principal: Member, resource: &ServicePrincipal, role: Uuid) {
    let assignment = AppRoleAssignment { id: Uuid::new_v4(), principal, resource: resource.id, role, created: world.app().now() };
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().insert_app_role(world.tenant, &assignment).await.expect("is new");
    tx.commit().await.expect("commits");
}

async fn save(world: &Entrance, user: &User) {
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().update_user(world.tenant, user).await.expect("updates");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn s_400_a_persons_v1_token_says_exactly_this() {
    let world = Entrance::start().await;
    let mut alice = world.directory_admin("alice").await;
    (alice.given_name, alice.surname) = (Some("Alice".into()), Some("Liddell".into()));
    save(&world, &alice).await;
    let answer = person(&world, &alice, AZ, &format!("{AKS}/.default openid"), &[]).await;
    let claims = claims(&world, answer, "access_token").await;
    assert_eq!(
        names(&claims),
        [
            "acr",
            "amr",
            "appid",
            "appidacr",
            "aud",
            "exp",
            "family_name",
            "given_name",
            "iat",
            "idtyp",
            "iss",
            "jti",
            "name",
            "nbf",
            "oid",
            "rev",
            "scp",
            "sid",
            "sub",
            "tid",
            "unique_name",
            "upn",
            "uti",
            "ver",
            "wids"
        ]
    );
    assert_eq!(text(&claims, "iss"), world.app().issuer_v1(world.tenant), "byte for byte that of the v1 document");
    assert_eq!((text(&claims, "upn"), text(&claims, "unique_name")), ("alice@contoso.example", "alice@contoso.example"));
    assert_eq!((text(&claims, "given_name"), text(&claims, "family_name")), ("Alice", "Liddell"));
    assert_eq!((text(&claims, "ver"), text(&claims, "acr"), &claims["amr"]), ("1.0", "1", &json!(["pwd"])));
    assert_eq!((text(&claims, "appid"), text(&claims, "appidacr"), text(&claims, "idtyp")), (AZ, "0", "user"));
    assert_eq!(claims["wids"], json!([GLOBAL_ADMINISTRATOR, MEMBER]));
    assert_eq!(text(&claims, "scp"), "user.read");
}

#[tokio::test]
async fn s_400_a_persons_v2_token_says_exactly_this() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (app, principal) = api(&world, "claims-v2", 2, json!({})).await;
    give(&world, Member { id: alice.id.into(), kind: MemberKind::User }, &principal, ROLE).await;
    let id = app.app_id.to_string();
    let claims = claims(&world, person(&world, &alice, &id, "api://claims-v2/use openid", &[]).await, "access_token").await;
    assert_eq!(
        names(&claims),
        [
            "aud",
            "azp",
            "azpacr",
            "exp",
            "iat",
            "idtyp",
            "iss",
            "jti",
            "nbf",
            "oid",
            "preferred_username",
            "rev",
            "rh",
            "roles",
            "scp",
            "sid",
            "sub",
            "tid",
            "uti",
            "ver"
        ]
    );
    assert_eq!(text(&claims, "aud"), id, "always the client id");
    assert_eq!(text(&claims, "iss"), world.app().issuer_v2(world.tenant));
    assert_eq!((text(&claims, "azp"), text(&claims, "azpacr"), text(&claims, "ver")), (id.as_str(), "0", "2.0"));
    assert_eq!(claims["roles"], json!(["Buyer"]));
    let named = person(&world, &alice, &id, "api://claims-v2/use profile openid", &[]).await;
    assert_eq!(text(&self::claims(&world, named, "access_token").await, "name"), "alice", "with the scope profile");
}

#[tokio::test]
async fn s_400_an_applications_tokens_say_exactly_this() {
    let world = Entrance::start().await;
    let (v2, principal) = api(&world, "claims-v2", 2, json!({})).await;
    let (_, v1) = api(&world, "claims-v1", 1, json!({})).await;
    let itself = Member { id: principal.id.into(), kind: MemberKind::ServicePrincipal };
    for resource in [&principal, &v1] {
        give(&world, itself, resource, ROLE).await;
    }
    let second = claims(&world, application(&world, &v2, "api://claims-v2/.default").await, "access_token").await;
    assert_eq!(
        names(&second),
        [
            "aud", "azp", "azpacr", "exp", "iat", "idp", "idtyp", "iss", "jti", "nbf", "oid", "rev", "roles", "sub", "tid",
            "uti", "ver"
        ]
    );
    assert_eq!((text(&second, "azpacr"), text(&second, "idtyp"), &second["roles"]), ("1", "app", &json!(["Buyer"])));
    let first = claims(&world, application(&world, &v2, "api://claims-v1/.default").await, "access_token").await;
    assert_eq!(
        names(&first),
        [
            "appid", "appidacr", "aud", "exp", "iat", "idp", "idtyp", "iss", "jti", "nbf", "oid", "rev", "roles", "sub", "tid",
            "uti", "ver"
        ]
    );
    assert_eq!(text(&first, "aud"), "api://claims-v1", "as it was asked");
    assert_eq!((text(&first, "oid"), &first["sub"]), (principal.id.to_string().as_str(), &first["oid"]));
}

#[tokio::test]
async fn s_401_the_subject_differs_per_application_and_stays_the_same_for_each() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (one, _) = api(&world, "claims-one", 2, json!({})).await;
    let (two, _) = api(&world, "claims-two", 2, json!({})).await;
    let subjects = async |app: &Application| {
        let scope = format!("api://{}/use openid", app.display_name);
        let answer: Value = person(&world, &alice, &app.app_id.to_string(), &scope, &[]).await.json().await.expect("JSON");
        let access = verified(&world, text(&answer, "access_token")).await;
        let id = verified(&world, text(&answer, "id_token")).await;
        assert_eq!(access["sub"], id["sub"], "client and resource are the same application here");
        text(&access, "sub").to_owned()
    };
    let (first, second) = (subjects(&one).await, subjects(&two).await);
    assert_ne!(first, second);
    assert_eq!(first, subjects(&one).await);
}

#[tokio::test]
async fn s_402_every_token_has_an_id_of_its_own_under_both_names() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let answer = person(&world, &alice, AZ, &format!("{AKS}/.default"), &[]).await;
        let claims = claims(&world, answer, "access_token").await;
        assert_eq!(claims["jti"], claims["uti"]);
        assert!(text(&claims, "uti").len() >= 22, "128 bits");
        assert!(seen.insert(text(&claims, "uti").to_owned()));
    }
}

#[tokio::test]
async fn s_403_capabilities_are_told_where_both_sides_can_answer_a_challenge() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let able = [("claims", r#"{"access_token":{"xms_cc":{"values":["CP1","later"]}}}"#)];
    let capabilities = async |client: &str, scope: &str, more: &[(&str, &str)]| {
        claims(&world, person(&world, &alice, client, scope, more).await, "access_token").await["xms_cc"].clone()
    };
    assert_eq!(capabilities(AZ, "https://graph.microsoft.com/.default", &able).await, json!(["cp1"]));
    assert_eq!(capabilities(AZ, "https://graph.microsoft.com/.default", &[]).await, Value::Null);
    assert_eq!(capabilities(AZ, &format!("{AKS}/.default"), &able).await, Value::Null, "a cluster sends no challenge");
    let (own, _) = api(&world, "claims-plain", 2, json!({})).await;
    assert_eq!(capabilities(&own.app_id.to_string(), "api://claims-plain/use", &able).await, Value::Null);
    let opted = json!({"optionalClaims": {"accessToken": [{"name": "xms_cc"}]}});
    let (own, _) = api(&world, "claims-able", 2, opted).await;
    assert_eq!(capabilities(&own.app_id.to_string(), "api://claims-able/use", &able).await, json!(["cp1"]));
}

#[tokio::test]
async fn s_404_id_tokens_of_both_endpoints_say_exactly_this() {
    let world = Entrance::start().await;
    let mut alice = world.user("alice").await;
    alice.mail = Some("alice@mail.example".into());
    save(&world, &alice).await;
    let scope = format!("{AKS}/.default openid profile email");
    let auth_time = [("claims", r#"{"id_token":{"auth_time":{"essential":true}}}"#)];
    let second = claims(&world, person(&world, &alice, AZ, &scope, &auth_time).await, "id_token").await;
    assert_eq!(
        names(&second),
        [
            "aud",
            "auth_time",
            "email",
            "exp",
            "iat",
            "iss",
            "name",
            "nbf",
            "oid",
            "preferred_username",
            "sid",
            "sub",
            "tid",
            "uti",
            "ver"
        ]
    );
    assert_eq!((text(&second, "aud"), text(&second, "ver"), text(&second, "email")), (AZ, "2.0", "alice@mail.example"));
    assert_eq!(second["exp"].as_i64().zip(second["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(3600));
    let form = [
        ("grant_type", "password"),
        ("client_id", AZ),
        ("username", "alice@contoso.example"),
        ("password", PASSWORD),
        ("resource", AKS),
    ];
    let first = world.post(&format!("/{}/oauth2/token?api-version=1.0", world.tenant), &form).await;
    let body: Value = first.json().await.expect("JSON");
    let header = jsonwebtoken::decode_header(text(&body, "id_token")).expect("a header");
    assert_eq!(header.x5t, header.kid, "v1 ID tokens name their certificate");
    let first = verified(&world, text(&body, "id_token")).await;
    assert_eq!(text(&first, "iss"), world.app().issuer_v1(world.tenant));
    assert_eq!((text(&first, "ver"), text(&first, "upn"), &first["amr"]), ("1.0", "alice@contoso.example", &json!(["pwd"])));
}

#[tokio::test]
async fn s_405_optional_claims_come_beside_the_others_and_never_in_their_place() {
    let world = Entrance::start().await;
    let mut alice = world.user("alice").await;
    (alice.surname, alice.mail) = (Some("Liddell".into()), Some("alice@mail.example".into()));
    alice.other.insert("aud".into(), "https://stolen.example".into());
    save(&world, &alice).await;
    let wanted = ["ipaddr", "upn", "family_name", "email", "auth_time", "acct", "aud", "iss", "oid", "extension_x_sub", "roles"];
    let asked: Vec<Value> = wanted.iter().map(|name| json!({"name": name})).collect();
    let with_stored = [asked.clone(), vec![json!({"name": "sub", "source": "user"})]].concat();
    let more = json!({"optionalClaims": {"accessToken": with_stored, "idToken": asked}});
    let (app, _) = api(&world, "claims-optional", 2, more).await;
    let id = app.app_id.to_string();
    let answer: Value = person(&world, &alice, &id, "api://claims-optional/use openid", &[]).await.json().await.expect("JSON");
    let access = verified(&world, text(&answer, "access_token")).await;
    assert_eq!((text(&access, "aud"), text(&access, "oid")), (id.as_str(), alice.id.to_string().as_str()));
    assert_eq!(text(&access, "iss"), world.app().issuer_v2(world.tenant));
    assert_eq!((text(&access, "family_name"), text(&access, "upn")), ("Liddell", "alice@contoso.example"));
    assert_eq!((text(&access, "ipaddr"), text(&access, "email")), ("127.0.0.1", "alice@mail.example"));
    assert_eq!((&access["acct"], access["auth_time"].is_i64()), (&json!(0), true));
    assert!(access.get("extension_x_sub").is_none() && access.get("roles").is_none());
    let token = verified(&world, text(&answer, "id_token")).await;
    assert_eq!((text(&token, "aud"), text(&token, "upn")), (id.as_str(), "alice@contoso.example"));
}

#[tokio::test]
async fn s_400_a_guest_has_no_name_of_ours_and_no_directory_roles() {
    let world = Entrance::start().await;
    let mut guest = world.user("guest").await;
    guest.mail = Some("gus@elsewhere.example".into());
    guest.other.insert("userType".into(), "Guest".into());
    save(&world, &guest).await;
    let answer = person(&world, &guest, AZ, &format!("{AKS}/.default"), &[]).await;
    let claims = claims(&world, answer, "access_token").await;
    assert!(claims.get("upn").is_none() && claims.get("wids").is_none());
    assert_eq!(text(&claims, "unique_name"), "elsewhere.example#gus@elsewhere.example");
}

#[tokio::test]
async fn s_305_who_is_not_assigned_gets_no_token_where_an_assignment_is_needed() {
    let world = Entrance::start().await;
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let group = world.group("claims-buyers").await;
    world.join(&bob, &group).await;
    let (app, mut principal) = api(&world, "claims-closed", 1, json!({})).await;
    principal.assignment_required = true;
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().update_service_principal(world.tenant, &principal).await.expect("updates");
    tx.commit().await.expect("commits");
    let id = app.app_id.to_string();
    let ask = async |user: &User| person(&world, user, &id, "api://claims-closed/use", &[]).await;
    assert_eq!(refusal(ask(&alice).await).await.2, 50105);
    give(&world, Member { id: alice.id.into(), kind: MemberKind::User }, &principal, Uuid::nil()).await;
    let plain = claims(&world, ask(&alice).await, "access_token").await;
    assert!(plain.get("roles").is_none(), "plain access is no role");
    assert_eq!(refusal(ask(&bob).await).await.2, 50105);
    give(&world, Member { id: group.id.into(), kind: MemberKind::Group }, &principal, ROLE).await;
    assert_eq!(claims(&world, ask(&bob).await, "access_token").await["roles"], json!(["Buyer"]), "through the group");
    let refused = refusal(application(&world, &app, "api://claims-closed/.default").await).await;
    assert_eq!(refused.2, 501_051, "S-240: applications, too");
    let itself = Member { id: principal.id.into(), kind: MemberKind::ServicePrincipal };
    give(&world, itself, &principal, ROLE).await;
    assert_eq!(application(&world, &app, "api://claims-closed/.default").await.status(), 200);
}

#[tokio::test]
async fn s_406_tokens_of_one_kind_open_nothing_that_is_for_the_other() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let answer: Value =
        person(&world, &alice, AZ, "https://graph.microsoft.com/.default openid", &[]).await.json().await.expect("JSON");
    let me =
        async |token: &str| world.client.get(world.url("/v1.0/me")).bearer_auth(token).send().await.expect("answers").status();
    assert_eq!(me(text(&answer, "access_token")).await, 200);
    assert_eq!(me(text(&answer, "id_token")).await, 401, "an ID token is for its client");
    let userinfo = world.client.get(world.url("/oidc/userinfo")).bearer_auth(text(&answer, "id_token"));
    assert_eq!(userinfo.send().await.expect("answers").status(), 401);
}
