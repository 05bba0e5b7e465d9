use entrance_model::directory::User;
use entrance_model::id::TenantId;
use entrance_testkit::{Entrance, PASSWORD, sample};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    AZ, LOCATIONS, POLICIES, SECRET, authorize, by_password, credential, made, mfa, number, only, policy, redeem, refresh_token,
    sent, world,
};

/// A second tenant of the same server, with one of everything.
struct Other {
    tenant: TenantId,
    root: User,
    eve: User,
    token: String,
    /// Every id in it, by the path under which its own administrator finds it.
    paths: Vec<String>,
    app: String,
}

async fn person(world: &Entrance, tenant: TenantId, name: &str, is_admin: bool) -> User {
    let app = world.app();
    let mut user = sample::person(name, app.now());
    user.upn = format!("{name}@fabrikam.example").parse().expect("a UPN");
    user.is_directory_admin = is_admin;
    let hash = app.hasher.hash(Zeroizing::new(PASSWORD.into())).await;
    let mut tx = app.store.write().await.expect("writes");
    tx.directory().insert_user(tenant, &user).await.expect("inserts");
    tx.directory().set_password_hash(tenant, user.id, &hash).await.expect("sets");
    tx.commit().await.expect("commits");
    user
}

fn token_of(world: &Entrance, tenant: TenantId, user: &User) -> String {
    let mut claims = world.claims_of(user);
    claims["tid"] = json!(tenant);
    claims["iss"] = world.app().issuer_v1(tenant).into();
    let known = world.app().people.snapshot(world.app().now()).map_or(0, |people| people.revocation_head(tenant));
    claims["rev"] = known.into();
    world.token(&claims)
}

async fn other(world: &Entrance) -> Other {
    let tenant = world.fabrikam().await;
    let (root, eve) = (person(world, tenant.id, "root", true).await, person(world, tenant.id, "eve", false).await);
    let token = token_of(world, tenant.id, &root);
    let group = sample::group("fabrikam", world.app().now());
    let (mut application, mut principal) = sample::application("fabrikam app", world.app().now());
    application.credentials.push(credential());
    principal.app_id = application.app_id;
    let mut tx = world.app().store.write().await.expect("writes");
    tx.directory().insert_group(tenant.id, &group).await.expect("inserts");
    tx.directory().insert_application(tenant.id, &application).await.expect("inserts");
    tx.directory().insert_service_principal(tenant.id, &principal).await.expect("inserts");
    tx.commit().await.expect("commits");
    let policy = made(world, &token, policy("theirs", &only(&eve), &mfa())).await;
    let location = json!({"displayName": "theirs", "ipRanges": [{"cidrAddress": "203.0.113.0/24"}]});
    let location = world.graph(&token, "POST", LOCATIONS, location).await.text("id");
    let paths = vec![
        format!("/v1.0/users/{}", eve.id),
        format!("/v1.0/users/{}", eve.upn.as_str()),
        format!("/v1.0/users/{}", root.id),
        format!("/v1.0/groups/{}", group.id),
        format!("/v1.0/groups/{}/members", group.id),
        format!("/v1.0/applications/{}", application.id),
        format!("/v1.0/applications(appId='{}')", application.app_id),
        format!("/v1.0/servicePrincipals/{}", principal.id),
        format!("/v1.0/directoryObjects/{}", eve.id),
        format!("/v1.0/organization/{}", tenant.id),
        format!("{POLICIES}/{policy}"),
        format!("{LOCATIONS}/{location}"),
        format!("/v1.0/entrance/users/{}/lockout", eve.id),
        format!("/v1.0/entrance/sessions?user={}", eve.id),
    ];
    Other { tenant: tenant.id, root, eve, token, paths, app: application.app_id.to_string() }
}

#[tokio::test]
async fn s_812_no_id_of_one_tenant_means_anything_in_another() {
    let (world, root) = world().await;
    let other = other(&world).await;
    for path in &other.paths {
        let theirs = world.graph(&other.token, "GET", path, Value::Null).await;
        assert_eq!(theirs.status, 200, "it is there for its own administrator: {path}: {}", theirs.body);
        let ours = world.graph(&root, "GET", path, Value::Null).await;
        assert_eq!(ours.status, 404, "{path}: {}", ours.body);
        if path.contains("members") || path.contains("organization") || path.contains('?') || path.contains("lockout") {
            continue;
        }
        let change = world.graph(&root, "PATCH", path, json!({"displayName": "ours"})).await;
        assert!([404, 405].contains(&change.status), "PATCH {path}: {}", change.body);
        let removal = world.graph(&root, "DELETE", path, Value::Null).await;
        assert_eq!(removal.status, 404, "DELETE {path}: {}", removal.body);
        assert_eq!(world.graph(&other.token, "GET", path, Value::Null).await.status, 200, "{path} is untouched");
    }
    for list in ["/v1.0/users", "/v1.0/groups", "/v1.0/applications", POLICIES, LOCATIONS, "/v1.0/auditLogs/signIns"] {
        let ours = world.graph(&root, "GET", list, Value::Null).await.body.to_string();
        assert!(!ours.contains("fabrikam") && !ours.contains("theirs"), "{list}: {ours}");
    }
    let by_ids = json!({"ids": [other.eve.id, other.root.id]});
    let found = world.graph(&root, "POST", "/v1.0/directoryObjects/getByIds", by_ids).await;
    assert_eq!(found.body["value"], json!([]));
    for path in
        [format!("/v1.0/users/{}/revokeSignInSessions", other.eve.id), format!("/v1.0/entrance/users/{}/unlock", other.eve.id)]
    {
        assert_eq!(world.graph(&root, "POST", &path, Value::Null).await.status, 404, "{path}");
    }
    let revoke = json!({"kind": "person", "id": other.eve.id, "reason": "ours"});
    assert_eq!(world.graph(&root, "POST", "/v1.0/entrance/revocations", revoke).await.status, 404);
    let refused = world.graph(&root, "POST", POLICIES, policy("about theirs", &only(&other.eve), &mfa())).await;
    assert!(refused.status == 400 && refused.message().contains("in this tenant"), "{}", refused.body);
}

#[tokio::test]
async fn s_812_what_one_tenant_hands_out_opens_nothing_at_the_others_address() {
    let (world, _) = world().await;
    world.user("alice").await;
    let other = other(&world).await;
    let theirs = format!("/{}/oauth2/v2.0/token", other.tenant);
    let ask = async |form: &[(&str, &str)]| {
        let answer = world.post(&theirs, form).await;
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let old = refresh_token(&world, "alice").await;
    let refused = ask(&[("grant_type", "refresh_token"), ("client_id", AZ), ("refresh_token", &old), ("scope", "openid")]).await;
    assert_eq!((refused.0, refused.1["error"].as_str()), (400, Some("invalid_grant")));
    let mut browser = world.browser();
    let page = browser.get(&authorize(&world, &[])).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let code = sent(page.left_to.as_deref())["code"].clone();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", AZ),
        ("code", &code),
        ("redirect_uri", "http://localhost:41234"),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    assert_eq!(number(&ask(&form).await), 700_005);
    let begun: Value = world
        .post(&format!("/{}/oauth2/v2.0/devicecode", world.tenant), &[("client_id", AZ), ("scope", "openid")])
        .await
        .json()
        .await
        .expect("JSON");
    let device = begun["device_code"].as_str().expect("a code");
    let form = [("grant_type", "device_code"), ("client_id", AZ), ("device_code", device)];
    assert_ne!(number(&ask(&form).await), 0);
    // Names and passwords, secrets of applications: each in its own tenant only.
    let form = [
        ("grant_type", "password"),
        ("client_id", AZ),
        ("username", "alice@contoso.example"),
        ("password", PASSWORD),
        ("scope", "openid"),
    ];
    assert_eq!(number(&ask(&form).await), 50126);
    let secret = [("grant_type", "client_credentials"), ("client_id", other.app.as_str()), ("client_secret", SECRET)];
    let scope = ("scope", "https://graph.microsoft.com/.default");
    assert_eq!(number(&ask(&[secret.as_slice(), &[scope]].concat()).await), 0, "at home it opens");
    let ours = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &[secret.as_slice(), &[scope]].concat()).await;
    let ours: Value = ours.json().await.expect("JSON");
    assert_eq!(ours["error_codes"][0], 700_016);
    // A browser that is signed in to one tenant is a stranger to the other.
    let foreign = authorize(&world, &[]).replace(&world.tenant.to_string(), &other.tenant.to_string());
    assert!(browser.get(&foreign).await.has("signin-form"));
}

#[tokio::test]
async fn s_812_a_pause_in_one_tenant_is_none_in_another_and_policies_reach_no_further() {
    let (world, _) = world().await;
    world.user("eve").await;
    let other = other(&world).await;
    let form = |password: &'static str| {
        [
            ("grant_type", "password"),
            ("client_id", AZ),
            ("username", "eve@fabrikam.example"),
            ("password", password),
            ("scope", "openid"),
        ]
    };
    for _ in 0..3 {
        let answer = world.post("/organizations/oauth2/v2.0/token", &form(PASSWORD)).await;
        let answer: Value = answer.json().await.expect("JSON");
        assert_eq!(answer["error_codes"][0], 50076, "their policy, reached by the name alone: {answer}");
    }
    assert_eq!(number(&by_password(&world, "eve", PASSWORD, "openid").await), 0, "ours has another policy: none");
    assert_eq!(other.eve.display_name, "eve");
}

#[tokio::test]
async fn s_120_where_an_address_names_no_tenant_the_hint_of_a_sign_out_does() {
    let (world, _) = world().await;
    world.user("alice").await;
    other(&world).await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(&world, &[])).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let tokens = redeem(&world, &sent(page.left_to.as_deref())["code"]).await.1;
    let leave = |token: &str| {
        let hint = tokens[token].as_str().unwrap_or_else(|| panic!("{tokens}"));
        format!("/common/oauth2/v2.0/logout?id_token_hint={hint}")
    };
    assert_eq!(browser.get(&leave("access_token")).await.status, 400, "an access token is no hint");
    let out = browser.get(&leave("id_token")).await;
    assert!(out.has("signedout-title"), "{}", out.html);
    assert!(browser.get(&authorize(&world, &[])).await.has("signin-form"));
}

#[tokio::test]
async fn w_4_12_people_of_every_tenant_reach_their_own_page_by_their_name() {
    let (world, _) = world().await;
    world.user("alice").await;
    let other = other(&world).await;
    for (name, tenant) in [("alice@contoso.example", "Contoso"), ("Eve@Fabrikam.example", "Fabrikam")] {
        let mut browser = world.browser();
        let page = browser.get("/me").await;
        assert!(page.has("signin-form") && !page.html.contains("Contoso"), "no tenant is named before somebody is known");
        let wrong = browser.sign_in(&page, name, "not it").await;
        assert_eq!(wrong.text("signin-error"), "That name and password do not match.", "{name}");
        let page = browser.sign_in(&page, name, PASSWORD).await;
        assert!(page.has("me-sessions") && page.html.contains(tenant), "{name}: {}: {}", page.path, page.html);
        assert!(browser.get("/me/add").await.has("enroll-secret"), "{name}");
    }
    let mut browser = world.browser();
    let page = browser.get("/me").await;
    for nobody in ["eve@contoso.example", "alice@fabrikam.example", "eve@nowhere.example", "eve"] {
        let refused = browser.sign_in(&page, nobody, PASSWORD).await;
        assert_eq!(refused.text("signin-error"), "That name and password do not match.", "R-25: {nobody}");
    }
    // An application's sign-in stays in the tenant that it named.
    let page = browser.get(&authorize(&world, &[])).await;
    let refused = browser.sign_in(&page, other.eve.upn.as_str(), PASSWORD).await;
    assert_eq!(refused.text("signin-error"), "That name and password do not match.");
}
