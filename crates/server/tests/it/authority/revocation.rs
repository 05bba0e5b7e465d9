//! S-806: the kill switch. What is revoked ends at once, everywhere, and nothing else does.

use entrance_model::directory::Application;
use entrance_model::directory::User;
use entrance_model::id::PrincipalId;
use entrance_testkit::{Browser, Entrance, PASSWORD, minutes};
use serde_json::{Value, json};

use super::{AKS, AKS_CLIENT, AZ, refusal, secret, text, verified};

const SECRET: &str = "Xy~8Q_a-secret-with-plenty-of-random-characters";
const GRAPH: &str = "https://graph.microsoft.com";

/// Tokens that somebody holds.
struct Held {
    access: String,
    refresh: String,
    session: String,
    id: String,
}

async fn held(world: &Entrance, answer: Value) -> Held {
    let access = text(&answer, "access_token").to_owned();
    let claims = verified(world, &access).await;
    Held {
        access,
        refresh: answer["refresh_token"].as_str().unwrap_or_default().to_owned(),
        session: claims["sid"].as_str().unwrap_or_default().to_owned(),
        id: text(&claims, "uti").to_owned(),
    }
}

/// A person signs in by name and password: each time a session and a device of its own.
async fn signed_in(world: &Entrance, user: &User, client: &str, resource: &str) -> Held {
    let scope = format!("{resource}/.default openid offline_access");
    let form = [
        ("grant_type", "password"),
        ("client_id", client),
        ("username", user.upn.as_str()),
        ("password", PASSWORD),
        ("scope", &scope),
    ];
    let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap_or_default());
    held(world, answer.json().await.expect("JSON")).await
}

async fn refreshed(world: &Entrance, client: &str, token: &str, resource: &str) -> reqwest::Response {
    let scope = format!("{resource}/.default offline_access");
    let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token), ("scope", &scope)];
    world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await
}

async fn revoke(world: &Entrance, by: &Held, body: Value) -> (u16, Value) {
    let url = world.url("/v1.0/entrance/revocations");
    let answer = world.client.post(url).bearer_auth(&by.access).json(&body).send().await.expect("answers");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// What the webhook would say of a token, of what was revoked.
fn met(world: &Entrance, token: &Held) -> Option<&'static str> {
    let claims: entrance_server::authority::token::AccessToken = world.app().keys.verify_claims(&token.access).expect("ours");
    let snapshot = world.app().people.snapshot(world.app().now()).expect("is loaded");
    snapshot.revoked(world.tenant, &claims.issued()).map(entrance_model::signin::revocation::Kind::as_str)
}

async fn me(world: &Entrance, token: &Held) -> u16 {
    let answer = world.client.get(world.url("/v1.0/me")).bearer_auth(&token.access).send().await.expect("answers");
    answer.status().as_u16()
}

/// Whether the tokens still give anything: at our APIs (`me`), at a refresh, at a webhook.
async fn state(world: &Entrance, client: &str, token: &Held) -> (u16, u16, Option<&'static str>) {
    let refresh = refreshed(world, client, &token.refresh, GRAPH).await.status().as_u16();
    (me(world, token).await, refresh, met(world, token))
}

const GOOD: (u16, u16, Option<&str>) = (200, 200, None);

#[tokio::test]
async fn s_806_a_session_ends_with_all_that_came_from_it_and_the_persons_other_sessions_go_on() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (lost, kept) = (signed_in(&world, &alice, AZ, GRAPH).await, signed_in(&world, &alice, AZ, GRAPH).await);
    let (status, answer) = revoke(&world, &kept, json!({"kind": "session", "id": lost.session, "reason": "lost laptop"})).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!((text(&answer, "kind"), text(&answer, "id")), ("session", lost.session.as_str()));
    assert_eq!((&answer["sessionsEnded"], &answer["isInForce"]), (&json!(1), &json!(true)), "held before it is answered");
    assert!(answer["inForceDateTime"].is_string() && answer["apiServersRefuseByDateTime"].is_string(), "{answer}");
    assert_eq!(state(&world, AZ, &lost).await, (401, 400, Some("session")));
    assert_eq!(state(&world, AZ, &kept).await, GOOD);
    let again = refusal(refreshed(&world, AZ, &lost.refresh, GRAPH).await).await;
    assert_eq!(again, (400, "invalid_grant".into(), 50173));

    // Twice is fine, and the first one stays.
    let (status, twice) = revoke(&world, &kept, json!({"kind": "session", "id": lost.session, "reason": "again"})).await;
    assert_eq!((status, &twice["number"], &twice["reason"]), (201, &answer["number"], &json!("lost laptop")));
}

#[tokio::test]
async fn s_806_one_token_ends_by_its_id_or_by_being_shown_and_its_session_goes_on() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let mine = signed_in(&world, &alice, AZ, GRAPH).await;
    let answer = refreshed(&world, AZ, &mine.refresh, GRAPH).await.json().await.expect("JSON");
    let second = held(&world, answer).await;
    let (status, answer) =
        revoke(&world, &mine, json!({"kind": "token", "id": format!("JTI={}", second.id), "reason": "in a log"})).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!((me(&world, &second).await, met(&world, &second)), (401, Some("token")));
    assert_eq!(me(&world, &mine).await, 200);
    let (status, _) = revoke(&world, &mine, json!({"kind": "token", "token": mine.access, "reason": "in a log too"})).await;
    assert_eq!(status, 201);
    assert_eq!(state(&world, AZ, &mine).await, (401, 200, Some("token")), "the session gives another one");
}

#[tokio::test]
async fn s_806_a_person_loses_everything_and_what_they_get_right_after_is_good_in_the_same_second() {
    let world = Entrance::start().await;
    let (admin, alice) = (world.directory_admin("admin").await, world.user("alice").await);
    let by = signed_in(&world, &admin, AZ, GRAPH).await;
    // The clock of the world stands still: every token and every revocation has the same second.
    let (one, two) = (signed_in(&world, &alice, AZ, GRAPH).await, signed_in(&world, &alice, AKS_CLIENT, AKS).await);
    let (status, answer) = revoke(&world, &by, json!({"kind": "person", "id": "alice@contoso.example", "reason": "left"})).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(text(&answer, "id"), alice.id.to_string());
    assert_eq!(state(&world, AZ, &one).await, (401, 400, Some("person")));
    assert_eq!(met(&world, &two), Some("person"));
    assert_eq!(refreshed(&world, AKS_CLIENT, &two.refresh, AKS).await.status(), 400);
    let anew = signed_in(&world, &alice, AZ, GRAPH).await;
    assert_eq!(state(&world, AZ, &anew).await, GOOD);
    assert_eq!(state(&world, AZ, &by).await, GOOD, "others notice nothing");
    // Once more: what came in between ends too.
    assert_eq!(revoke(&world, &by, json!({"kind": "person", "id": alice.id, "reason": "again"})).await.0, 201);
    assert_eq!(state(&world, AZ, &anew).await, (401, 400, Some("person")));
}

#[tokio::test]
async fn s_806_graphs_own_names_for_it_end_sessions_at_webhooks_too() {
    let world = Entrance::start().await;
    let (admin, alice) = (world.directory_admin("admin").await, world.user("alice").await);
    let by = signed_in(&world, &admin, AZ, GRAPH).await;
    for path in [
        format!("/v1.0/users/{}/revokeSignInSessions", alice.id),
        format!("/beta/users/{}/invalidateAllRefreshTokens", alice.id),
        "/v1.0/me/revokeSignInSessions".to_owned(),
    ] {
        let mine = signed_in(&world, &alice, AZ, GRAPH).await;
        let caller = if path.contains("/me/") { &mine } else { &by };
        let answer = world.client.post(world.url(&path)).bearer_auth(&caller.access).send().await.expect("answers");
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(state(&world, AZ, &mine).await, (401, 400, Some("person")), "{path}");
    }
    // A new password and a disabled account end what was held in the same second.
    for body in [
        json!({"passwordProfile": {"password": format!("{PASSWORD} 2"), "forceChangePasswordNextSignIn": false}}),
        json!({"accountEnabled": false}),
    ] {
        let name = format!("bob{}", body.to_string().len());
        let bob = world.user(&name).await;
        let mine = signed_in(&world, &bob, AZ, GRAPH).await;
        let url = world.url(&format!("/v1.0/users/{}", bob.id));
        let answer = world.client.patch(url).bearer_auth(&by.access).json(&body).send().await.expect("answers");
        assert_eq!(answer.status(), 204, "{body}");
        assert_eq!(state(&world, AZ, &mine).await.0, 401, "{body}");
        assert_eq!(refreshed(&world, AZ, &mine.refresh, GRAPH).await.status(), 400, "{body}");
    }
}

async fn pipeline(world: &Entrance, app: &Application) -> Held {
    let (id, scope) = (app.app_id.to_string(), format!("{AKS}/.default"));
    let form = [("grant_type", "client_credentials"), ("client_id", id.as_str()), ("client_secret", SECRET), ("scope", &scope)];
    let answer = world.post(&format!("/{}/oauth2/v2.0/token", world.tenant), &form).await;
    held(world, answer.json().await.expect("JSON")).await
}

#[tokio::test]
async fn s_806_an_application_loses_its_own_tokens_and_those_that_people_got_through_it() {
    let world = Entrance::start().await;
    let (admin, alice) = (world.directory_admin("admin").await, world.user("alice").await);
    let by = signed_in(&world, &admin, AZ, GRAPH).await;
    let (app, principal) =
        world.application("pipeline", |app| app.credentials.push(secret(SECRET, "2027-01-01T00:00:00Z"))).await;
    let before = pipeline(&world, &app).await;
    let (status, answer) = revoke(&world, &by, json!({"kind": "application", "id": principal.id, "reason": "leaked"})).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(text(&answer, "id"), app.app_id.to_string(), "known by its client id");
    assert_eq!(met(&world, &before), Some("application"));
    assert_eq!(met(&world, &pipeline(&world, &app).await), None, "its secret is still good; that is another matter");

    let (through, beside) = (signed_in(&world, &alice, AKS_CLIENT, AKS).await, signed_in(&world, &alice, AZ, GRAPH).await);
    assert_eq!(revoke(&world, &by, json!({"kind": "application", "id": AKS_CLIENT, "reason": "leaked"})).await.0, 201);
    assert_eq!(met(&world, &through), Some("application"));
    assert_eq!(refusal(refreshed(&world, AKS_CLIENT, &through.refresh, AKS).await).await.2, 50173);
    assert_eq!(state(&world, AZ, &beside).await, GOOD);
    let member = revoke(&world, &beside, json!({"kind": "application", "id": AZ, "reason": "mischief"})).await;
    assert_eq!(member.0, 403);
}

/// Signs a device in through a browser; answers the device's tokens.
async fn device(world: &Entrance, browser: &mut Browser<'_>, user: &User) -> Held {
    let scope = format!("{GRAPH}/.default offline_access openid");
    let begun: Value = world
        .post("/organizations/oauth2/v2.0/devicecode", &[("client_id", AZ), ("scope", &scope)])
        .await
        .json()
        .await
        .expect("JSON");
    let page = browser.get("/devicelogin").await;
    let mut page = browser.submit(&page, &[("otc", text(&begun, "user_code"))]).await;
    if page.has("signin-form") {
        page = browser.sign_in(&page, user.upn.as_str(), PASSWORD).await;
    } else if !page.has("device-confirm-user") {
        let session =
            sessions(world, None).await.into_iter().find(|session| session["place"] == "browser").expect("is signed in");
        page = browser.submit(&page, &[("account", text(&session, "id"))]).await;
    }
    let page = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(page.html.contains("data-result=\"approved\""), "{}", page.html);
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let form = [("client_id", AZ), ("grant_type", grant), ("device_code", text(&begun, "device_code"))];
    let answer = world.post("/organizations/oauth2/v2.0/token", &form).await;
    assert_eq!(answer.status(), 200);
    held(world, answer.json().await.expect("JSON")).await
}

/// The sessions of somebody, or of all, as the store knows them; what the API shows of them is told elsewhere.
async fn sessions(world: &Entrance, user: Option<&User>) -> Vec<Value> {
    let mut reader = world.app().store.read().await.expect("reads");
    let all = reader.authority().sessions(world.tenant, user.map(|user| user.id), world.app().now(), 100).await.expect("reads");
    all.iter().map(|session| json!({"id": session.id, "place": session.place.as_str(), "deviceId": session.device})).collect()
}

#[tokio::test]
async fn s_806_a_device_ends_by_itself_and_a_browser_ends_with_the_devices_it_let_in() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let mut browser = world.browser();
    let (first, second) = (device(&world, &mut browser, &alice).await, device(&world, &mut browser, &alice).await);
    assert_ne!(first.session, second.session, "each device code is a session of its own");
    let elsewhere = signed_in(&world, &alice, AZ, GRAPH).await;
    let of = |place: &str, all: &[Value]| {
        let found = all.iter().filter(|session| session["place"] == place).cloned().collect::<Vec<_>>();
        assert!(!found.is_empty(), "{place}: {all:?}");
        found
    };
    let all = sessions(&world, Some(&alice)).await;
    let device_id =
        of("deviceCode", &all).iter().find(|session| session["id"] == first.session).expect("is listed")["deviceId"].clone();
    let (status, answer) = revoke(&world, &elsewhere, json!({"kind": "device", "id": device_id, "reason": "sold"})).await;
    assert_eq!((status, &answer["sessionsEnded"]), (201, &json!(1)), "{answer}");
    assert_eq!(state(&world, AZ, &first).await, (401, 400, Some("device")));
    assert_eq!(state(&world, AZ, &second).await, GOOD);

    let browser_id = of("browser", &all)[0]["deviceId"].clone();
    let (status, answer) = revoke(&world, &elsewhere, json!({"kind": "device", "id": browser_id, "reason": "stolen"})).await;
    assert_eq!((status, &answer["sessionsEnded"]), (201, &json!(2)), "{answer}");
    assert_eq!(state(&world, AZ, &second).await, (401, 400, Some("device")));
    assert_eq!(state(&world, AZ, &elsewhere).await, GOOD);
    // The cookie opens nothing any more; the same browser signs in anew, as the same device.
    let again = device(&world, &mut browser, &alice).await;
    assert_eq!(state(&world, AZ, &again).await, GOOD);
    assert_eq!(of("browser", &sessions(&world, Some(&alice)).await)[0]["deviceId"], browser_id);
}

#[tokio::test]
async fn s_806_codes_that_were_not_redeemed_yet_end_too() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let mine = signed_in(&world, &alice, AZ, GRAPH).await;
    let begun: Value = world
        .post("/organizations/oauth2/v2.0/devicecode", &[("client_id", AZ), ("scope", &format!("{GRAPH}/.default"))])
        .await
        .json()
        .await
        .expect("JSON");
    let mut browser = world.browser();
    let page = browser.get("/devicelogin").await;
    let page = browser.submit(&page, &[("otc", text(&begun, "user_code"))]).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    let page = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(page.html.contains("data-result=\"approved\""));
    let browsers =
        sessions(&world, Some(&alice)).await.into_iter().find(|session| session["place"] == "browser").expect("is there");
    assert_eq!(revoke(&world, &mine, json!({"kind": "session", "id": browsers["id"], "reason": "phished"})).await.0, 201);
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let form = [("client_id", AZ), ("grant_type", grant), ("device_code", text(&begun, "device_code"))];
    let answer = world.post("/organizations/oauth2/v2.0/token", &form).await;
    assert_eq!(refusal(answer).await, (400, "bad_verification_code".into(), 70018));
    let page = browser.get("/devicelogin").await;
    assert!(!page.html.contains("alice@contoso.example"), "the browser is signed out");
}

#[tokio::test]
async fn s_806_people_revoke_their_own_and_administrators_everybodys() {
    let world = Entrance::start().await;
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let (mine, other) = (signed_in(&world, &alice, AZ, GRAPH).await, signed_in(&world, &bob, AZ, GRAPH).await);
    for body in [
        json!({"kind": "session", "id": other.session, "reason": "r"}),
        json!({"kind": "token", "id": other.id, "reason": "r"}),
        json!({"kind": "token", "token": other.access, "reason": "r"}),
        json!({"kind": "person", "id": bob.id, "reason": "r"}),
        json!({"kind": "person", "id": "nobody@contoso.example", "reason": "r"}),
        json!({"kind": "session", "id": "11111111-1111-4111-8111-111111111111", "reason": "r"}),
        json!({"kind": "device", "id": "11111111-1111-4111-8111-111111111111", "reason": "r"}),
        json!({"kind": "application", "id": AZ, "reason": "r"}),
    ] {
        let (status, answer) = revoke(&world, &mine, body.clone()).await;
        assert_eq!((status, text(&answer["error"], "code")), (403, "Authorization_RequestDenied"), "{body}");
    }
    for body in [
        json!({"kind": "planet", "id": "x", "reason": "r"}),
        json!({"kind": "session", "id": mine.session}),
        json!({"kind": "session", "id": mine.session, "reason": " "}),
        json!({"kind": "session", "id": mine.session, "reason": "a\nb"}),
        json!({"kind": "token", "token": "eyJ.no.token", "reason": "r"}),
        json!({"kind": "session", "reason": "r"}),
    ] {
        assert_eq!(revoke(&world, &mine, body.clone()).await.0, 400, "{body}");
    }
    assert_eq!(state(&world, AZ, &other).await, GOOD);
    let admin = world.directory_admin("admin").await;
    let by = signed_in(&world, &admin, AZ, GRAPH).await;
    let unknown =
        revoke(&world, &by, json!({"kind": "session", "id": "11111111-1111-4111-8111-111111111111", "reason": "r"})).await;
    assert_eq!(unknown.0, 404);
    assert_eq!(revoke(&world, &by, json!({"kind": "session", "id": other.session, "reason": "r"})).await.0, 201);
    let url = world.url("/v1.0/entrance/revocations");
    let list = async |who: &Held| -> Value {
        world.client.get(&url).bearer_auth(&who.access).send().await.expect("answers").json().await.expect("JSON")
    };
    let all = list(&by).await;
    assert_eq!(all["value"][0]["id"], other.session);
    assert_eq!(all["value"][0]["revokedBy"], admin.id.to_string());
    assert_eq!(list(&mine).await["value"], json!([]), "others see what they revoked themselves");
    let trail = world.app().store.read().await.expect("reads").audit_trail(world.tenant, 5).await.expect("reads");
    assert_eq!((trail[0].kind.as_str(), trail[0].actor), ("session.revoked", Some(PrincipalId::from(admin.id))));
    assert_eq!((&trail[0].detail["reason"], &trail[0].detail["because"]), (&json!("r"), &json!("administrator")));
}

#[tokio::test]
async fn sessions_are_listed_with_what_tells_one_from_another() {
    let world = Entrance::start().await;
    let (admin, alice) = (world.directory_admin("admin").await, world.user("alice").await);
    let by = signed_in(&world, &admin, AZ, GRAPH).await;
    let mine = signed_in(&world, &alice, AZ, GRAPH).await;
    signed_in(&world, &alice, AKS_CLIENT, AKS).await;
    let list = async |who: &Held, query: &str| -> (u16, Value) {
        let url = world.url(&format!("/v1.0/entrance/sessions{query}"));
        let answer = world.client.get(url).bearer_auth(&who.access).send().await.expect("answers");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    };
    let (_, own) = list(&mine, "").await;
    let own = own["value"].as_array().expect("a list");
    assert_eq!(own.len(), 2);
    let current = own.iter().find(|session| session["isCurrent"] == true).expect("one is this one");
    assert_eq!(current["id"], mine.session);
    assert_eq!((text(current, "userPrincipalName"), text(current, "clientAppId")), ("alice@contoso.example", AZ));
    assert!(text(current, "clientDisplayName").contains("Azure CLI"), "{current}");
    assert_eq!((text(current, "ipAddress"), text(current, "place")), ("127.0.0.1", "password"));
    assert!(current["deviceId"].is_string() && current["lastUsedDateTime"].is_string());
    assert_eq!(list(&by, "?user=alice@contoso.example").await.1["value"].as_array().map(Vec::len), Some(2));
    assert_eq!(list(&by, "?user=all").await.1["value"].as_array().map(Vec::len), Some(3));
    for query in ["?user=all", "?user=admin@contoso.example", "?user=nobody@contoso.example"] {
        assert_eq!(list(&mine, query).await.0, 403, "{query}");
    }
    // What is revoked is no session any more, and neither is what nobody used for too long.
    let gone = own.iter().find(|session| session["isCurrent"] == false).expect("the other one");
    revoke(&world, &mine, json!({"kind": "session", "id": gone["id"], "reason": "r"})).await;
    assert_eq!(list(&mine, "").await.1["value"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn s_806_revocations_are_forgotten_when_no_token_can_be_older_and_what_ended_stays_ended() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    let (lost, kept) = (signed_in(&world, &alice, AZ, GRAPH).await, signed_in(&world, &alice, AZ, GRAPH).await);
    assert_eq!(revoke(&world, &kept, json!({"kind": "session", "id": lost.session, "reason": "r"})).await.0, 201);
    world.sleep(minutes(71));
    let mut tx = world.app().store.write().await.expect("begins");
    tx.authority().sweep(world.app().now()).await.expect("sweeps");
    tx.commit().await.expect("commits");
    let mut reader = world.app().store.read().await.expect("reads");
    assert_eq!(reader.authority().revocations_after(world.tenant, 0).await.expect("reads"), []);
    assert_eq!(reader.authority().revocation_head(world.tenant).await.expect("reads"), 1, "the number never goes back");
    assert_eq!(me(&world, &lost).await, 401, "ended by itself");
    assert_eq!(refreshed(&world, AZ, &lost.refresh, GRAPH).await.status(), 400);
    assert_eq!(refreshed(&world, AZ, &kept.refresh, GRAPH).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn s_806_nothing_that_is_fetched_while_a_person_is_revoked_outlives_it() {
    let world = std::sync::Arc::new(Entrance::start().await);
    let (admin, alice) = (world.directory_admin("admin").await, world.user("alice").await);
    let by = signed_in(&world, &admin, AZ, GRAPH).await;
    let mut running = Vec::new();
    for _ in 0..4 {
        let (world, mut token) = (std::sync::Arc::clone(&world), signed_in(&world, &alice, AZ, GRAPH).await.refresh);
        running.push(tokio::spawn(async move {
            let mut got = Vec::new();
            loop {
                let answer = refreshed(&world, AZ, &token, GRAPH).await;
                if answer.status() != 200 {
                    return got;
                }
                let answer: Value = answer.json().await.expect("JSON");
                token = text(&answer, "refresh_token").to_owned();
                got.push(text(&answer, "access_token").to_owned());
            }
        }));
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(revoke(&world, &by, json!({"kind": "person", "id": alice.id, "reason": "r"})).await.0, 201);
    let mut count = 0;
    for task in running {
        for access in task.await.expect("ends when it is refused") {
            count += 1;
            let token = Held { access, refresh: String::new(), session: String::new(), id: String::new() };
            assert_eq!(met(&world, &token), Some("person"), "its second is the revocation's, as every second here");
        }
    }
    assert!(count >= 4, "{count} tokens raced");
}
