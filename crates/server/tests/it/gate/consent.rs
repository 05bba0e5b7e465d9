use entrance_model::directory::User;
use entrance_server::Config;
use entrance_testkit::Entrance;
use serde_json::{Value, json};

use super::{Shop, TOKEN, answered, claims, opened, redeemed};

async fn grants(world: &Entrance) -> Vec<Value> {
    let root = world.directory_admin("root").await;
    listed(world, &root).await
}

async fn listed(world: &Entrance, root: &User) -> Vec<Value> {
    let answer = world.graph(&world.graph_token(root), "GET", "/v1.0/oauth2PermissionGrants", Value::Null).await;
    answer.body["value"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn s_304_an_own_application_asks_first_and_the_answer_is_kept() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    let page = opened(&mut browser, &shop.authorize(&[]), "alice").await;
    assert_eq!(page.text("consent-title"), "Allow Shop <b>?", "W-050: escaped, and shown as it is");
    assert!(!page.html.contains("Shop <b>"));
    assert_eq!(page.text("consent-user"), "alice@contoso.example");
    assert_eq!(page.text("consent-redirect"), "localhost");
    assert!(page.text("consent-publisher").contains("not checked by Entrance"));
    assert!(page.text("consent-scopes").contains("Orders: See your orders"));
    assert!(page.text("consent-scopes").contains("Keep this access while you are not there"));
    let (no, yes) = (page.html.find("consent-cancel").expect("no"), page.html.find("consent-accept").expect("yes"));
    assert!(no < yes, "no stands first");
    assert!(!page.has("consent-org"), "only administrators answer for others");
    let page = browser.submit(&page, &[("decision", "accept")]).await;
    let (status, tokens) = redeemed(&world, &shop.id(), &answered(&page)["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(claims(tokens["access_token"].as_str().expect("a token"))["scp"], "Orders.Read");
    let kept = grants(&world).await;
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0]["consentType"], &kept[0]["scope"]), (&json!("Principal"), &json!("Orders.Read")));
    assert_eq!(kept[0]["clientId"], shop.principal.id.to_string());
    // The next time nothing is asked.
    let page = opened(&mut browser, &shop.authorize(&[]), "alice").await;
    assert!(answered(&page).contains_key("code"));
}

#[tokio::test]
async fn w_3_5_cancel_tells_the_application_and_a_form_without_a_decision_changes_nothing() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    let page = opened(&mut browser, &shop.authorize(&[]), "alice").await;
    let same = browser.submit(&page, &[]).await;
    assert!(same.has("consent-form") || same.has("consent-accept"), "{}", same.html);
    let forged =
        browser.post("/consent", &[("flow", &page.field("flow").expect("a flow")), ("csrf", "x"), ("decision", "accept")]).await;
    assert_eq!(forged.status, 403, "W-031");
    let left = browser.submit(&page, &[("decision", "cancel")]).await;
    let answer = answered(&left);
    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("access_denied", "s"));
    assert!(answer["error_description"].starts_with("AADSTS65004: "), "{answer:?}");
    assert!(grants(&world).await.is_empty());
}

#[tokio::test]
async fn s_304_what_is_reserved_to_administrators_ends_in_a_way_on_and_an_administrator_answers_for_everybody() {
    let world = Entrance::start().await;
    world.user("alice").await;
    world.directory_admin("admin").await;
    let shop = Shop::open(&world).await;
    let scope = ("scope", "openid api://orders/Orders.Delete");
    let mut alice = world.browser();
    let page = opened(&mut alice, &shop.authorize(&[scope]), "alice").await;
    assert!(page.html.contains("Only an administrator may allow this"), "{}", page.html);
    assert!(!page.has("consent-accept") && page.html.contains("/v2.0/adminconsent?client_id="));
    let forced = alice.submit(&page, &[("decision", "accept")]).await;
    assert!(forced.left_to.is_none(), "nobody allows what is not theirs");
    let left = alice.submit(&page, &[("decision", "cancel")]).await;
    assert!(answered(&left)["error_description"].starts_with("AADSTS90094: "));

    let mut admin = world.browser();
    let page = opened(&mut admin, &shop.authorize(&[scope]), "admin").await;
    assert!(page.has("consent-org") && !page.html.contains("name=\"on_behalf\" value=\"yes\" checked"), "off by default");
    let page = admin.submit(&page, &[("decision", "accept"), ("on_behalf", "yes")]).await;
    assert!(answered(&page).contains_key("code"));
    let page = opened(&mut alice, &shop.authorize(&[scope]), "alice").await;
    assert!(answered(&page).contains_key("code"), "allowed for everybody");
}

#[tokio::test]
async fn s_107_no_page_means_consent_required_and_prompt_consent_asks_again() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    let page = opened(&mut browser, &shop.authorize(&[("scope", "openid")]), "alice").await;
    assert!(answered(&page).contains_key("code"), "who somebody is, is told by signing in");
    let page = browser.get(&shop.authorize(&[("prompt", "none")])).await;
    let answer = answered(&page);
    assert_eq!(answer["error"], "consent_required");
    assert!(answer["error_description"].starts_with("AADSTS65001: "), "{answer:?}");
    let page = browser.get(&shop.authorize(&[])).await;
    assert!(answered(&browser.submit(&page, &[("decision", "accept")]).await).contains_key("code"));
    let page = browser.get(&shop.authorize(&[("prompt", "consent")])).await;
    assert!(page.has("consent-accept"), "{}", page.html);
    assert!(answered(&browser.submit(&page, &[("decision", "accept")]).await).contains_key("code"));
    // Built-in applications are never asked about.
    let az = super::authorize("04b07795-8ddb-461a-bbee-02f9e1bf7b46", &[("prompt", "consent"), ("scope", "openid")]);
    assert!(answered(&browser.get(&az).await).contains_key("code"));
}

#[tokio::test]
async fn s_304_a_yes_is_to_what_the_page_showed_and_not_to_what_the_registration_says_at_the_click() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let root = world.directory_admin("admin").await;
    let shop = Shop::open(&world).await;
    let asked = shop.authorize(&[("scope", "openid api://orders/.default")]);
    let mut browser = world.browser();
    let page = opened(&mut browser, &asked, "alice").await;
    let shown = page.text("consent-scopes");
    assert!(shown.contains("Orders.Read") && !shown.contains("Orders.Burn"), "{shown}");
    // The owners of both applications add a permission that people may allow, and list it, while alice reads.
    let burn = "33333333-3333-4333-8333-333333333333";
    let mut tx = world.app().store.write().await.expect("writes");
    let mut orders =
        tx.directory().application_by_app_id(world.tenant, shop.resource.app_id).await.expect("reads").expect("orders");
    let scopes = orders.other["api"]["oauth2PermissionScopes"].as_array_mut().expect("a list");
    scopes.push(json!({"id": burn, "value": "Orders.Burn", "type": "User", "isEnabled": true}));
    tx.directory().update_application(world.tenant, &orders).await.expect("updates");
    let mut client = shop.client.clone();
    let listed_by_client = client.other["requiredResourceAccess"][0]["resourceAccess"].as_array_mut().expect("a list");
    listed_by_client.push(json!({"id": burn, "type": "Scope"}));
    tx.directory().update_application(world.tenant, &client).await.expect("updates");
    tx.commit().await.expect("commits");

    let again = browser.submit(&page, &[("decision", "accept")]).await;
    assert!(again.has("consent-accept") && again.text("consent-scopes").contains("Orders.Burn"), "{}", again.html);
    assert!(listed(&world, &root).await.is_empty(), "nothing was allowed");
    let done = browser.submit(&again, &[("decision", "accept")]).await;
    assert!(answered(&done).contains_key("code"));
    assert_eq!(listed(&world, &root).await[0]["scope"], "Orders.Read Orders.Burn");
}

#[tokio::test]
async fn s_304_nobody_writes_down_for_themselves_what_only_an_administrator_allows() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let root = world.directory_admin("admin").await;
    let shop = Shop::open(&world).await;
    let scope = ("scope", "openid api://orders/Orders.Delete");
    let mut admin = world.browser();
    let page = opened(&mut admin, &shop.authorize(&[scope]), "admin").await;
    admin.submit(&page, &[("decision", "accept"), ("on_behalf", "yes")]).await;
    let before = listed(&world, &root).await;
    assert_eq!(before.len(), 1);

    let mut alice = world.browser();
    let page = opened(&mut alice, &shop.authorize(&[scope, ("prompt", "consent")]), "alice").await;
    assert!(page.text("consent-scopes").contains("Orders.Delete"), "it is shown: {}", page.html);
    let page = alice.submit(&page, &[("decision", "accept")]).await;
    assert!(answered(&page).contains_key("code"));
    assert_eq!(listed(&world, &root).await, before, "what the administrator allowed stays the administrator's to take back");

    // What is hers to allow is kept all the same, beside it.
    let both = ("scope", "openid api://orders/Orders.Delete api://orders/Orders.Read");
    let page = opened(&mut alice, &shop.authorize(&[both, ("prompt", "consent")]), "alice").await;
    alice.submit(&page, &[("decision", "accept")]).await;
    let kept = listed(&world, &root).await;
    let hers: Vec<&Value> =
        kept.iter().filter(|grant| grant["consentType"] == "Principal").map(|grant| &grant["scope"]).collect();
    assert_eq!(hers, [&json!("Orders.Read")]);
}

#[tokio::test]
async fn s_304_consent_that_is_taken_back_ends_refresh_tokens() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    let page = opened(&mut browser, &shop.authorize(&[]), "alice").await;
    let page = browser.submit(&page, &[("decision", "accept")]).await;
    let (_, tokens) = redeemed(&world, &shop.id(), &answered(&page)["code"]).await;
    let refresh = tokens["refresh_token"].as_str().expect("a refresh token").to_owned();
    let id = shop.id();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("refresh_token", refresh.as_str()),
        ("scope", "api://orders/.default offline_access"),
    ];
    let answer = world.post(TOKEN, &form).await;
    let next: Value = answer.json().await.expect("JSON");
    assert_eq!(claims(next["access_token"].as_str().expect("a token"))["scp"], "Orders.Read", "`.default` is what was allowed");
    let grant = grants(&world).await.remove(0);
    let alice = world
        .app()
        .store
        .read()
        .await
        .expect("reads")
        .directory()
        .user_by_upn(world.tenant, &"alice@contoso.example".parse().expect("a UPN"))
        .await
        .expect("reads")
        .expect("alice");
    // People take back what they allowed themselves.
    let path = format!("/v1.0/oauth2PermissionGrants/{}", grant["id"].as_str().expect("an id"));
    assert_eq!(world.graph(&world.graph_token(&alice), "DELETE", &path, Value::Null).await.status, 204);
    let refresh = next["refresh_token"].as_str().expect("a refresh token");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("refresh_token", refresh),
        ("scope", "api://orders/Orders.Read"),
    ];
    let refused: Value = world.post(TOKEN, &form).await.json().await.expect("JSON");
    assert_eq!(
        (refused["error_codes"][0].as_u64(), refused["suberror"].as_str()),
        (Some(65001), Some("consent_required")),
        "{refused}"
    );
}

#[tokio::test]
async fn s_304_where_people_may_not_allow_anything_administrators_do() {
    let world =
        Entrance::start_with(|config: &mut Config| config.user_consent = entrance_model::signin::consent::UserConsent::Forbidden)
            .await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let page = opened(&mut world.browser(), &shop.authorize(&[]), "alice").await;
    assert!(!page.has("consent-accept") && page.has("consent-cancel"));
}

#[tokio::test]
async fn s_113_an_administrator_consents_for_everybody_and_nobody_else_does() {
    let world = Entrance::start().await;
    world.user("alice").await;
    world.directory_admin("admin").await;
    let shop = Shop::open(&world).await;
    let address = |redirect: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", shop.id().as_str()), ("redirect_uri", redirect), ("state", "x y")])
            .finish();
        format!("/{}/adminconsent?{query}", world.tenant)
    };
    let refused = world.browser().get(&address("https://evil.example/")).await;
    assert_eq!((refused.status, refused.text("error-code").as_str()), (400, "AADSTS50011"));
    let mut alice = world.browser();
    let page = opened(&mut alice, &address("https://shop.example/back"), "alice").await;
    assert!(!page.has("consent-accept"));
    let left = answered(&alice.submit(&page, &[("decision", "cancel")]).await);
    assert_eq!((left["error"].as_str(), left["state"].as_str()), ("access_denied", "x y"));
    let mut admin = world.browser();
    let page = opened(&mut admin, &address("https://shop.example/back"), "admin").await;
    assert!(page.text("consent-scopes").contains("See your orders"), "{}", page.html);
    let left = answered(&admin.submit(&page, &[("decision", "accept")]).await);
    assert_eq!(
        (left["admin_consent"].as_str(), left["tenant"].as_str(), left["state"].as_str()),
        ("True", world.tenant.to_string().as_str(), "x y")
    );
    let kept = grants(&world).await;
    assert_eq!((&kept[0]["consentType"], &kept[0]["principalId"]), (&json!("AllPrincipals"), &Value::Null));
    let page = opened(&mut alice, &shop.authorize(&[]), "alice").await;
    assert!(answered(&page).contains_key("code"), "{}", page.html);
    let again =
        opened(&mut admin, &address("https://shop.example/back").replace("/adminconsent", "/v2.0/adminconsent"), "admin").await;
    let again = if again.has("account-list") {
        let html = &again.html;
        let at = html.find("name=\"account\" value=\"").expect("an account") + 22;
        let sid = html[at..at + 36].to_owned();
        admin.submit(&again, &[("account", &sid)]).await
    } else {
        again
    };
    let left = answered(&admin.submit(&again, &[("decision", "cancel")]).await);
    assert_eq!(left["error"], "permission_denied");
}

#[tokio::test]
async fn s_304_who_allowed_something_sees_it_and_takes_it_back() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    let page = opened(&mut browser, "/me", "alice").await;
    assert!(page.text("me-grants").contains("You allowed no application anything"), "{}", page.html);
    let page = opened(&mut browser, &shop.authorize(&[]), "alice").await;
    let page = browser.submit(&page, &[("decision", "accept")]).await;
    let (_, tokens) = redeemed(&world, &shop.id(), &answered(&page)["code"]).await;

    // Nobody else sees it or takes it away.
    world.user("eve").await;
    let mut eve = world.browser();
    let hers = opened(&mut eve, "/me", "eve").await;
    assert!(!hers.has("me-grant"), "{}", hers.html);
    let principal = shop.principal.id.to_string();
    eve.post("/me/grants", &[("csrf", &hers.field("csrf").expect("a proof")), ("id", &principal)]).await;

    let page = browser.get("/me").await;
    let listed = page.text("me-grant");
    assert!(listed.contains("Shop <b>") && listed.contains("Orders: Orders.Read"), "{listed}");
    assert!(!page.html.contains("Shop <b>"), "W-050");
    assert_eq!(browser.post("/me/grants", &[("id", &principal), ("csrf", "x")]).await.status, 403, "W-031");
    let csrf = page.field("csrf").expect("a proof");
    let page = browser.post("/me/grants", &[("csrf", &csrf), ("id", &principal)]).await;
    assert_eq!(page.path, "/me?done=withdrawn");
    assert!(!page.has("me-grant") && page.has("me-done"), "{}", page.html);
    assert!(grants(&world).await.is_empty());

    let refresh = tokens["refresh_token"].as_str().expect("a token");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &shop.id()),
        ("refresh_token", refresh),
        ("scope", "api://orders/Orders.Read"),
    ];
    let refused: Value = world.post(TOKEN, &form).await.json().await.expect("JSON");
    assert_eq!(refused["error_codes"][0], 65001, "{refused}");
    let page = opened(&mut browser, &shop.authorize(&[]), "alice").await;
    assert!(page.has("consent-accept"), "it has to ask again: {}", page.html);
    let trail = world.app().store.read().await.expect("reads").audit_trail(world.tenant, 50).await.expect("reads");
    assert!(trail.iter().any(|row| row.kind == "consent.revoked" && row.target.as_deref() == Some(&principal)));
}

/// A policy that keeps this person away from a resource.
async fn keep_away(world: &Entrance, root: &User, who: &User, resource: &str) {
    let policy = json!({
        "displayName": "not from here", "state": "enabled",
        "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": [resource]}, "users": {"includeUsers": [who.id]}},
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    });
    let made = world.graph(&world.graph_token(root), "POST", "/v1.0/identity/conditionalAccess/policies", policy).await;
    assert_eq!(made.status, 201, "{}", made.body);
}

#[tokio::test]
async fn s_803_and_s_113_an_administrator_whom_a_policy_keeps_out_allows_nobody_anything() {
    let world = Entrance::start().await;
    let root = world.directory_admin("root").await;
    let admin = world.directory_admin("admin").await;
    let shop = Shop::open(&world).await;
    let address = format!("/{}/adminconsent?client_id={}", world.tenant, shop.id());
    let mut browser = world.browser();
    let page = opened(&mut browser, &address, "admin").await;
    assert!(page.has("consent-accept"), "{}", page.html);
    keep_away(&world, &root, &admin, "00000003-0000-0000-c000-000000000000").await;
    let refused = browser.submit(&page, &[("decision", "accept")]).await;
    assert_eq!(refused.text("error-code"), "AADSTS53003", "{}", refused.html);
    let refused = opened(&mut world.browser(), &address, "admin").await;
    assert_eq!(refused.text("error-code"), "AADSTS53003", "{}", refused.html);
    assert!(listed(&world, &root).await.is_empty());
    let log = world.app().store.read().await.expect("reads").authority().decisions(world.tenant, 10).await.expect("reads");
    assert!(log.iter().any(|row| row.code == 53003 && row.kind == "adminconsent"));
    // The one whom nothing keeps out goes on.
    let page = opened(&mut world.browser(), &address, "root").await;
    assert!(page.has("consent-accept"), "{}", page.html);
}

#[tokio::test]
async fn s_803_whoever_is_kept_away_from_a_resource_allows_nobody_anything_there() {
    let world = Entrance::start().await;
    let root = world.directory_admin("root").await;
    let admin = world.directory_admin("admin").await;
    let shop = Shop::open(&world).await;
    let mut browser = world.browser();
    let page = opened(&mut browser, &shop.authorize(&[]), "admin").await;
    assert!(page.has("consent-org"), "{}", page.html);
    keep_away(&world, &root, &admin, &shop.resource.app_id.to_string()).await;
    let left = browser.submit(&page, &[("decision", "accept"), ("on_behalf", "yes")]).await;
    assert!(answered(&left)["error_description"].starts_with("AADSTS53003: "), "the application reads why");
    assert!(listed(&world, &root).await.is_empty());
}
