use entrance_server::SignInRate;
use entrance_testkit::{Entrance, PASSWORD, Page, minutes};
use serde_json::Value;

use super::{SECRET, administrator, authorize, by_password, by_secret, credential, number, world};

async fn locked_out(world: &Entrance, name: &str) {
    for n in 0..10 {
        assert_eq!(number(&by_password(world, name, &format!("wrong {n}"), "openid").await), 50126);
    }
    assert_eq!(number(&by_password(world, name, PASSWORD, "openid").await), 50053);
}

/// What a refusal says beside its ids and times.
fn essence(answer: &(u16, Value)) -> (u16, Value) {
    let mut body = answer.1.clone();
    for name in ["trace_id", "correlation_id", "timestamp"] {
        body.as_object_mut().expect("an object").remove(name);
    }
    let says = body["error_description"].as_str().and_then(|text| text.lines().next()).unwrap_or_default().to_owned();
    let says = says.split(" Trace ID").next().unwrap_or_default().to_owned();
    body["error_description"] = says.into();
    (answer.0, body)
}

async fn everybody(world: &Entrance) {
    world.user("alice").await;
    for (name, change) in [("disabled", true), ("stale", false)] {
        let mut user = world.user(name).await;
        user.enabled = !change;
        user.must_change_password = !change;
        let mut tx = world.app().store.write().await.expect("writes");
        tx.directory().update_user(world.tenant, &user).await.expect("updates");
        tx.commit().await.expect("commits");
    }
}

const NAMES: [&str; 5] = ["alice", "disabled", "stale", "nobody", "no name"];

#[tokio::test]
async fn r_25_the_same_answer_after_the_same_work_for_whoever_is_not_let_in() {
    let world = Entrance::start().await;
    everybody(&world).await;
    let mut answers = Vec::new();
    for name in NAMES {
        let before = world.app().hasher.done();
        answers.push(essence(&by_password(&world, name, "wrong", "openid").await));
        // Hashes are counted instead of time: a clock says something else on every machine.
        assert_eq!(world.app().hasher.done() - before, 1, "{name}");
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn r_25_the_page_says_the_same_after_the_same_work() {
    let world = Entrance::start().await;
    everybody(&world).await;
    let mut shown = Vec::new();
    for name in NAMES {
        let mut browser = world.browser();
        let page = browser.get(&authorize(&world, &[])).await;
        let before = world.app().hasher.done();
        let full = format!("{name}@contoso.example");
        let page = browser.sign_in(&page, &full, "wrong").await;
        assert_eq!(world.app().hasher.done() - before, 1, "{name}");
        assert!(page.has("signin-error"), "{}", page.html);
        shown.push((page.status, without(&page, &[&full])));
    }
    assert!(shown.iter().all(|page| *page == shown[0]), "{shown:#?}");
}

/// A page without what differs from one request to the next.
fn without(page: &Page, names: &[&str]) -> String {
    let passkey = page.form("action=\"/signin/passkey\"");
    let options: Value = serde_json::from_str(&passkey.attribute("data-passkey", "data-options")).expect("JSON");
    let challenge = options["challenge"].as_str().expect("a challenge");
    let hidden = [page.hidden(), passkey.hidden()].concat();
    let values = hidden.iter().map(|(_, value)| value.as_str()).filter(|value| !value.is_empty());
    values.chain(names.iter().copied()).chain([challenge]).fold(page.html.clone(), |html, value| html.replace(value, "…"))
}

#[tokio::test]
async fn s_800_a_pause_costs_no_work_and_reads_the_same_for_right_wrong_and_invented() {
    let world = Entrance::start().await;
    everybody(&world).await;
    let mut answers = Vec::new();
    for name in ["alice", "disabled", "nobody"] {
        locked_out(&world, name).await;
        for password in [PASSWORD, "wrong again"] {
            let before = world.app().hasher.done();
            answers.push(essence(&by_password(&world, name, password, "openid").await));
            assert_eq!(world.app().hasher.done(), before, "{name}: before hashing");
        }
    }
    assert_eq!(answers[0].1["error_codes"][0], 50053);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn s_800_a_hundred_guesses_at_once_are_ten_guesses() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let before = world.app().hasher.done();
    let guesses: Vec<String> = (0..60).map(|n| format!("guess {n}")).collect();
    let all = futures_util::future::join_all(guesses.iter().map(|guess| by_password(&world, "alice", guess, "openid"))).await;
    let looked_at = all.iter().filter(|answer| number(answer) == 50126).count();
    assert_eq!(looked_at, 10);
    assert_eq!(world.app().hasher.done() - before, 10);
    assert!(all.iter().all(|answer| [50126, 50053].contains(&number(answer))));
}

#[tokio::test]
async fn s_800_a_page_counts_with_the_programs() {
    let world = Entrance::start().await;
    world.user("alice").await;
    locked_out(&world, "alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(&world, &[])).await;
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert_eq!(page.text("signin-error").trim(), "Too many tries. Wait a minute and try again.");
    world.sleep(minutes(1));
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert!(page.left_to.is_some(), "{}", page.html);
}

#[tokio::test]
async fn s_800_strangers_cannot_keep_somebody_out_of_their_own_office() {
    let world = Entrance::start().await;
    let alice = world.user("alice").await;
    locked_out(&world, "alice").await;
    let mut tx = world.app().store.write().await.expect("writes");
    tx.authority().familiar_network(world.tenant, alice.id, "loopback", world.app().now()).await.expect("is kept");
    tx.commit().await.expect("commits");
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, "openid").await), 0, "her office is counted apart");
    locked_out(&world, "alice").await;
}

#[tokio::test]
async fn s_800_an_administrator_lifts_a_pause_and_that_is_told() {
    let (world, root) = world().await;
    let alice = world.user("alice").await;
    locked_out(&world, "alice").await;
    let (show, unlock) =
        (format!("/v1.0/entrance/users/{}/lockout", alice.id), "/v1.0/entrance/users/alice@contoso.example/unlock");
    let shown = world.graph(&root, "GET", &show, Value::Null).await;
    assert_eq!(
        (shown.body["isPaused"].as_bool(), shown.text("pausedUntilDateTime")),
        (Some(true), "2026-01-01T00:01:00Z".into())
    );
    assert_eq!(world.graph(&root, "POST", unlock, Value::Null).await.status, 204);
    assert_eq!(world.graph(&root, "GET", &show, Value::Null).await.body["isPaused"], false);
    assert_eq!(number(&by_password(&world, "alice", PASSWORD, "openid").await), 0);
    let trail = world.app().store.read().await.expect("reads").audit_trail(world.tenant, 10).await.expect("reads");
    assert!(trail.iter().any(|row| row.kind == "user.unlocked" && row.target.as_deref() == Some(&alice.id.to_string())));
    assert!(trail.iter().any(|row| row.kind == "signIn.paused"));
    let missing = world.graph(&root, "POST", "/v1.0/entrance/users/nobody@contoso.example/unlock", Value::Null).await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn s_800_secrets_of_an_application_are_counted_for_it_and_the_address() {
    let world = Entrance::start().await;
    let (app, _) = world.application("pipeline", |app| app.credentials.push(credential())).await;
    let (other, _) = world.application("other", |app| app.credentials.push(credential())).await;
    let id = app.app_id.to_string();
    for n in 0..10 {
        assert_eq!(number(&by_secret(&world, &id, &format!("wrong {n}")).await), 7_000_215);
    }
    let paused = by_secret(&world, &id, SECRET).await;
    assert_eq!((paused.0, number(&paused)), (429, 90_055));
    assert_eq!(number(&by_secret(&world, &other.app_id.to_string(), SECRET).await), 0);
    world.sleep(minutes(1));
    assert_eq!(number(&by_secret(&world, &id, SECRET).await), 0);
}

#[tokio::test]
async fn o_15_a_flood_is_turned_away_before_any_work_is_done() {
    let world = Entrance::start_with(|config| config.sign_in_rate = SignInRate { per_second: 1, burst: 3 }).await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&authorize(&world, &[])).await;
    let before = world.app().hasher.done();
    let all = futures_util::future::join_all((0..20).map(|_| by_password(&world, "alice", "wrong", "openid"))).await;
    let refused = all.iter().filter(|answer| answer.0 == 429 && number(answer) == 90_055).count();
    assert!((12..=17).contains(&refused), "{refused}");
    let passed = u64::try_from(all.len() - refused).expect("few");
    assert_eq!(world.app().hasher.done() - before, passed);
    let form = [
        ("grant_type", "password"),
        ("client_id", super::AZ),
        ("username", "a@contoso.example"),
        ("password", "x"),
        ("scope", "openid"),
    ];
    // Together: one after the other a busy machine takes longer than the quota needs to grow again.
    let path = format!("/{}/oauth2/v2.0/token", world.tenant);
    let all = futures_util::future::join_all((0..20).map(|_| world.post(&path, &form))).await;
    let waits = all.iter().find(|answer| answer.status() == 429).and_then(|answer| answer.headers().get("retry-after"));
    let seconds: u32 = waits.expect("it is told to wait").to_str().expect("ASCII").parse().expect("seconds");
    assert!((1..=2).contains(&seconds));
    let page = browser.sign_in(&page, "alice@contoso.example", PASSWORD).await;
    assert!(page.status == 429 || page.left_to.is_some(), "{} {}", page.status, page.html);
}

#[tokio::test]
async fn s_800_applications_cannot_unlock_administrators() {
    let world = Entrance::start().await;
    let root = administrator(&world).await;
    let glass = world.directory_admin("glass").await;
    let (_, principal) = world.application("helpdesk", |_| {}).await;
    let helpdesk = world.token(&world.claims_of_app(principal.id.into(), principal.app_id, &["User.ReadWrite.All"]));
    let alice = world.user("alice").await;
    let unlock = |id| format!("/v1.0/entrance/users/{id}/unlock");
    assert_eq!(world.graph(&helpdesk, "POST", &unlock(alice.id), Value::Null).await.status, 204);
    assert_eq!(world.graph(&helpdesk, "POST", &unlock(glass.id), Value::Null).await.status, 403);
    assert_eq!(world.graph(&root, "POST", &unlock(glass.id), Value::Null).await.status, 204);
}
