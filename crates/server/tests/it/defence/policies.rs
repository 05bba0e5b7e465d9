use std::time::Duration;

use entrance_testkit::{PASSWORD, minutes};
use serde_json::{Value, json};

use super::{
    AKS, ARM, AZ, GRAPH, LOCATIONS, POLICIES, SECRET, authorize, block, by_password, by_secret, credential, made, mfa, number,
    only, patched, policy, redeem, refresh, refresh_token, sent, token_request, world,
};

#[tokio::test]
async fn s_803_a_block_reaches_every_way_to_a_token_and_those_who_are_signed_in_already() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let bob = world.user("bob").await;
    let old = refresh_token(&world, "alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(&world, &[])).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let code = sent(page.left_to.as_deref())["code"].clone();
    let begun = world
        .post(&format!("/{}/oauth2/v2.0/devicecode", world.tenant), &[("client_id", AZ), ("scope", "openid offline_access")])
        .await;
    let begun: Value = begun.json().await.expect("JSON");
    let page = browser.get("/devicelogin").await;
    let page = browser.submit(&page, &[("otc", begun["user_code"].as_str().expect("a code"))]).await;
    let account =
        page.html.split("name=\"account\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an account");
    let page = browser.submit(&page, &[("account", account)]).await;
    let page = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(page.path.contains("/devicelogin/done"), "{}: {}", page.path, page.html);

    let id = made(&world, &root, policy("alice stays out", &only(&alice), &block())).await;

    let device = begun["device_code"].as_str().expect("a code");
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("client_id", AZ), ("device_code", device)];
    let refusals = [
        ("refresh", refresh(&world, &old).await),
        ("password", by_password(&world, "alice", PASSWORD, "openid").await),
        ("code", redeem(&world, &code).await),
        ("device", token_request(&world, &form).await),
    ];
    for (way, answer) in refusals {
        assert_eq!((answer.0, number(&answer)), (400, 53003), "{way}: {}", answer.1);
        assert_eq!(answer.1["suberror"], "message_only", "{way}");
    }
    let page = browser.get(&authorize(&world, &[])).await;
    let told = sent(page.left_to.as_deref());
    assert!(told["error_description"].starts_with("AADSTS53003: "), "{told:?}");
    assert_eq!(number(&by_password(&world, "bob", PASSWORD, "openid").await), 0, "{} is not meant", bob.upn.as_str());

    assert_eq!(world.graph(&root, "DELETE", &format!("{POLICIES}/{id}"), Value::Null).await.status, 204);
    assert_eq!(number(&refresh(&world, &old).await), 0, "what was refused was not spent");
    assert_eq!(number(&token_request(&world, &form).await), 0);
}

#[tokio::test]
async fn aadsts_50076_a_program_without_a_page_is_told_that_a_second_factor_is_needed() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let old = refresh_token(&world, "alice").await;
    made(&world, &root, policy("second factor", &only(&alice), &mfa())).await;
    for answer in [refresh(&world, &old).await, by_password(&world, "alice", PASSWORD, "openid").await] {
        assert_eq!((answer.0, number(&answer), answer.1["suberror"].as_str()), (400, 50076, Some("basic_action")));
    }
}

#[tokio::test]
async fn aadsts_70043_a_sign_in_may_get_only_so_old_and_pages_ask_for_a_new_one() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let old = refresh_token(&world, "alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(&world, &[])).await;
    assert!(browser.sign_in(&page, "alice@contoso.example", PASSWORD).await.left_to.is_some());
    let mut hourly = policy("every hour", &only(&alice), &Value::Null);
    hourly["sessionControls"] = json!({"signInFrequency": {"value": 1, "type": "hours", "isEnabled": true}});
    made(&world, &root, hourly).await;
    let fresh = refresh(&world, &old).await;
    let old = fresh.1["refresh_token"].as_str().unwrap_or_else(|| panic!("{}", fresh.1)).to_owned();
    let page = browser.get(&authorize(&world, &[])).await;
    assert!(sent(page.left_to.as_deref()).contains_key("code"), "the session is young enough");

    world.sleep(minutes(60));
    let answer = refresh(&world, &old).await;
    assert_eq!((answer.0, number(&answer), answer.1["suberror"].as_str()), (400, 70043, Some("bad_token")));
    let page = browser.get(&authorize(&world, &[])).await;
    assert!(page.has("signin-form"), "a fresh sign-in is asked for: {}", page.html);
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let code = sent(page.left_to.as_deref())["code"].clone();
    assert_eq!(number(&redeem(&world, &code).await), 0);
    world.sleep(minutes(60));
    let page = browser.get(&authorize(&world, &[("prompt", "none")])).await;
    assert!(sent(page.left_to.as_deref()).contains_key("error"), "without a page there is nothing to ask on");
}

#[tokio::test]
async fn s_803_groups_count_from_the_moment_that_somebody_is_in_them() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let (outer, inner) = (world.group("outer").await, world.group("inner").await);
    let member = entrance_model::directory::Member { id: inner.id.into(), kind: entrance_model::directory::MemberKind::Group };
    world.add(&outer, member).await;
    made(&world, &root, policy("outer", &json!({"includeGroups": [outer.id]}), &block())).await;
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, "openid").await), 0);
    world.join(&alice, &inner).await;
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, "openid").await), 53003);
}

#[tokio::test]
async fn s_803_where_a_request_comes_from_decides_and_a_location_in_use_stays() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let office = json!({
        "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Here", "isTrusted": true,
        "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"}],
    });
    let location = world.graph(&root, "POST", LOCATIONS, office).await.text("id");
    let mut outside = policy("only from here", &only(&alice), &block());
    outside["conditions"]["locations"] = json!({"includeLocations": ["All"], "excludeLocations": [location]});
    let id = made(&world, &root, outside).await;
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, "openid").await), 53003);
    let one = format!("{LOCATIONS}/{location}");
    patched(&world, &root, &one, json!({"ipRanges": [{"cidrAddress": "127.0.0.0/8"}, {"cidrAddress": "2001:db8::/32"}]})).await;
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, "openid").await), 0);
    assert_eq!(world.graph(&root, "DELETE", &one, Value::Null).await.status, 400, "a policy names it");
    world.graph(&root, "DELETE", &format!("{POLICIES}/{id}"), Value::Null).await;
    assert_eq!(world.graph(&root, "DELETE", &one, Value::Null).await.status, 204);
    for bad in ["0.0.0.0/0", "10.0.0.0", "10.0.0.0/99"] {
        let body = json!({"displayName": "Bad", "ipRanges": [{"cidrAddress": bad}]});
        assert_eq!(world.graph(&root, "POST", LOCATIONS, body).await.status, 400, "{bad}");
    }
    let country =
        json!({"@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "A", "countriesAndRegions": ["DE"]});
    let refused = world.graph(&root, "POST", LOCATIONS, country).await;
    assert!(refused.message().contains("is not served here"), "{}", refused.body);
}

#[tokio::test]
async fn s_803_where_a_policy_keeps_somebody_out_nobody_sets_up_their_second_factor() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get("/me").await;
    let home = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let page = browser.get("/me/add").await;
    assert!(page.has("enroll-secret"), "{}", page.html);
    let here = json!({"displayName": "Here", "ipRanges": [{"cidrAddress": "127.0.0.0/8"}, {"cidrAddress": "::1/128"}]});
    let here = world.graph(&root, "POST", LOCATIONS, here).await.text("id");
    let mut away = policy("not from here", &only(&alice), &block());
    away["conditions"]["applications"] = json!({"includeApplications": [GRAPH]});
    away["conditions"]["locations"] = json!({"includeLocations": [here]});
    let id = made(&world, &root, away).await;
    for path in ["/me/add", "/me/codes"] {
        let refused = browser.get(path).await;
        assert_eq!(refused.text("error-code"), "AADSTS53003", "{path}: {}", refused.html);
        let csrf = home.field("csrf").expect("a proof");
        let refused = browser.post(path, &[("csrf", &csrf), ("step", "totp"), ("totp", "000000"), ("secret", "x")]).await;
        assert_eq!(refused.text("error-code"), "AADSTS53003", "{path}: {}", refused.html);
    }
    assert!(browser.get("/me").await.has("me-sessions"), "looking is not setting up");
    let log = world.app().store.read().await.expect("reads").authority().decisions(world.tenant, 10).await.expect("reads");
    assert!(log.iter().any(|row| row.code == 53003 && row.kind == "signin"));
    world.graph(&root, "DELETE", &format!("{POLICIES}/{id}"), Value::Null).await;
    // A demanded factor is what the page is for, so it is not asked for on the way there; a fresh sign-in is.
    let mut demanding = policy("second factor, hourly", &only(&alice), &mfa());
    demanding["sessionControls"] = json!({"signInFrequency": {"value": 1, "type": "hours", "isEnabled": true}});
    made(&world, &root, demanding).await;
    let page = browser.get("/me/add").await;
    assert!(page.path == "/me/add" && page.has("enroll-secret"), "{}: {}", page.path, page.html);
    world.sleep(minutes(61));
    assert!(browser.get("/me/add").await.has("signin-form"));
}

#[tokio::test]
async fn s_803_an_application_by_itself_is_met_by_its_own_policies() {
    let (world, root) = world().await;
    let (app, principal) = world.application("pipeline", |app| app.credentials.push(credential())).await;
    let id = app.app_id.to_string();
    made(
        &world,
        &root,
        policy(
            "everybody but root",
            &json!({"includeUsers": ["All"], "excludeRoles": ["62e90394-69f5-4237-9190-012177145e10"]}),
            &block(),
        ),
    )
    .await;
    assert_eq!(number(&by_secret(&world, &id, SECRET).await), 0, "policies about people do not meet applications");
    let mut own = policy("pipelines", &json!({"includeUsers": ["None"]}), &block());
    own["conditions"]["clientApplications"] = json!({"includeServicePrincipals": [principal.id]});
    let policy = made(&world, &root, own).await;
    let refused = by_secret(&world, &id, SECRET).await;
    assert_eq!((refused.0, number(&refused)), (400, 53003));
    let spared = json!({"conditions": {"clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"], "excludeServicePrincipals": [principal.id]}}});
    patched(&world, &root, &format!("{POLICIES}/{policy}"), spared).await;
    assert_eq!(number(&by_secret(&world, &id, SECRET).await), 0);
}

#[tokio::test]
async fn s_803_a_policy_about_one_resource_leaves_the_others_open() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let mut clusters = policy("clusters", &only(&alice), &block());
    clusters["conditions"]["applications"] = json!({"includeApplications": [AKS]});
    made(&world, &root, clusters).await;
    let cluster = format!("{AKS}/.default");
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, &cluster).await), 53003);
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, &format!("{GRAPH}/.default")).await), 0);
}

#[tokio::test]
async fn s_803_a_policy_about_the_directory_meets_the_token_of_az_that_opens_it_too() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let arm = format!("{}/arm/.default", world.app().base());
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, &arm).await), 0);
    let mut directory = policy("directory", &only(&alice), &mfa());
    directory["conditions"]["applications"] = json!({"includeApplications": [GRAPH]});
    let id = made(&world, &root, directory).await;
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, &arm).await), 50076);
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, &format!("{AKS}/.default")).await), 0);
    let all_but = |excluded: &[&str]| json!({"conditions": {"applications": {"includeApplications": ["All"], "excludeApplications": excluded}}});
    let one = format!("{POLICIES}/{id}");
    for (excluded, expected) in [(&[ARM][..], 50076), (&[GRAPH][..], 50076), (&[ARM, GRAPH][..], 0)] {
        patched(&world, &root, &one, all_but(excluded)).await;
        assert_eq!(number(&by_password(&world, "alice", PASSWORD, &arm).await), expected, "{excluded:?}");
    }
}

#[tokio::test]
async fn s_803_a_policy_that_only_reports_lets_everybody_in_and_says_what_it_would_have_done() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let mut only_reports = policy("try it first", &only(&alice), &block());
    only_reports["state"] = json!("enabledForReportingButNotEnforced");
    made(&world, &root, only_reports).await;
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, "openid").await), 0);
    let log = world.graph(&root, "GET", &format!("/v1.0/auditLogs/signIns?$filter=userId eq '{}'", alice.id), Value::Null).await;
    let entry = &log.body["value"][0];
    assert_eq!(entry["conditionalAccessStatus"], "notApplied");
    let applied = &entry["appliedConditionalAccessPolicies"][0];
    assert_eq!((applied["displayName"].as_str(), applied["result"].as_str()), (Some("try it first"), Some("reportOnlyFailure")));
}

#[tokio::test]
async fn s_803_nobody_locks_every_administrator_out() {
    let (world, root) = world().await;
    let glass = world.directory_admin("glass").await;
    let everybody = json!({"includeUsers": ["All"]});
    let refused = world.graph(&root, "POST", POLICIES, policy("all", &everybody, &block())).await;
    assert!(refused.status == 400 && refused.message().contains("block every administrator"), "{}", refused.body);
    let spared = json!({"includeUsers": ["All"], "excludeUsers": [glass.id]});
    let id = made(&world, &root, policy("all but one", &spared, &block())).await;
    let one = format!("{POLICIES}/{id}");
    let refused = world.graph(&root, "PATCH", &one, json!({"conditions": {"users": {"excludeUsers": []}}})).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    let second = world.graph(&root, "POST", POLICIES, policy("the other one", &only(&glass), &block())).await;
    assert_eq!(second.status, 400, "two policies together would: {}", second.body);
    // A demand can be met, so it is only pointed out.
    let demand = world.graph(&root, "POST", POLICIES, policy("second factor", &everybody, &mfa())).await;
    assert_eq!(demand.status, 201);
    assert!(demand.body["@entrance.warnings"][0].as_str().expect("a warning").contains("every administrator"));
}

#[tokio::test]
async fn g_503_policies_are_made_shown_changed_and_removed_as_graph_does_it() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let id = made(&world, &root, policy("first", &only(&alice), &mfa())).await;
    let one = format!("{POLICIES}/{id}");
    let shown = world.graph(&root, "GET", &one, Value::Null).await;
    assert_eq!(
        shown.body["@odata.context"],
        format!("{}/v1.0/$metadata#identity/conditionalAccess/policies/$entity", world.app().base())
    );
    assert_eq!(shown.body["conditions"]["users"]["includeUsers"], json!([alice.id]));
    assert_eq!((shown.body["state"].as_str(), shown.body["modifiedDateTime"].is_null()), (Some("enabled"), true));
    world.sleep(Duration::from_secs(5));
    patched(
        &world,
        &root,
        &one,
        json!({"displayName": "second", "state": "disabled", "@odata.type": "#microsoft.graph.conditionalAccessPolicy"}),
    )
    .await;
    let shown = world.graph(&root, "GET", &one.replace("/v1.0", "/beta"), Value::Null).await;
    assert_eq!((shown.text("displayName"), shown.text("modifiedDateTime")), ("second".into(), "2026-01-01T00:00:05Z".into()));
    assert_eq!(shown.body["grantControls"]["builtInControls"], json!(["mfa"]), "what a PATCH does not name stays");
    let all = world.graph(&root, "GET", POLICIES, Value::Null).await;
    assert_eq!(all.each("displayName"), ["second"]);
    let other = uuid::Uuid::new_v4();
    for (users, says) in
        [(json!({"includeUsers": [other]}), "there is no user"), (json!({"includeGroups": [other]}), "there is no group")]
    {
        let refused = world.graph(&root, "POST", POLICIES, policy("typo", &users, &mfa())).await;
        assert!(refused.status == 400 && refused.message().contains(says), "{}", refused.body);
    }
    let mut platforms = policy("phones", &only(&alice), &mfa());
    platforms["conditions"]["platforms"] = json!({"includePlatforms": ["iOS"]});
    let refused = world.graph(&root, "POST", POLICIES, platforms).await;
    assert!(refused.message().starts_with("'conditions.platforms' is not served here"), "{}", refused.body);
    assert_eq!(world.graph(&root, "DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(world.graph(&root, "GET", &one, Value::Null).await.status, 404);
    let trail = world.app().store.read().await.expect("reads").audit_trail(world.tenant, 10).await.expect("reads");
    let kinds: Vec<&str> = trail.iter().map(|row| row.kind.as_str()).filter(|kind| kind.starts_with("policy.")).collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

#[tokio::test]
async fn s_811_only_administrators_see_and_change_policies_locations_and_rules() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    let member = world.graph_token(&alice);
    let (_, principal) = world.application("reader", |_| {}).await;
    let claims = world.claims_of_app(principal.id.into(), principal.app_id, &["Policy.Read.All"]);
    let reader = world.token(&claims);
    let id = made(&world, &root, policy("p", &only(&alice), &mfa())).await;
    for (method, path, body) in [
        ("GET", POLICIES.to_owned(), Value::Null),
        ("GET", format!("{POLICIES}/{id}"), Value::Null),
        ("POST", POLICIES.to_owned(), policy("q", &only(&alice), &mfa())),
        ("PATCH", format!("{POLICIES}/{id}"), json!({"state": "disabled"})),
        ("DELETE", format!("{POLICIES}/{id}"), Value::Null),
        ("GET", LOCATIONS.to_owned(), Value::Null),
        ("POST", LOCATIONS.to_owned(), json!({"displayName": "x", "ipRanges": [{"cidrAddress": "10.0.0.0/8"}]})),
        ("GET", "/v1.0/entrance/signInRules".to_owned(), Value::Null),
        ("PATCH", "/v1.0/entrance/signInRules".to_owned(), json!({"deviceCode": "on"})),
        ("GET", "/v1.0/auditLogs/signIns".to_owned(), Value::Null),
        ("POST", format!("/v1.0/entrance/users/{}/unlock", alice.id), Value::Null),
    ] {
        let refused = world.graph(&member, method, &path, body.clone()).await;
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.body);
        if method == "GET" && !path.contains("auditLogs") {
            assert_eq!(world.graph(&reader, method, &path, Value::Null).await.status, 200, "{path}");
        } else {
            assert_eq!(world.graph(&reader, method, &path, body).await.status, 403, "{method} {path}");
        }
    }
}
