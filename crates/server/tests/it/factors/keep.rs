use entrance_testkit::{Entrance, PASSWORD, minutes};

use super::{arm, upn};

/// The attributes of the session cookie that an answer sets.
async fn cookie(world: &Entrance, keep: bool) -> String {
    let mut browser = world.browser();
    let page = browser.get(&arm(world)).await;
    let form = page.form("name=\"passwd\"");
    let mut fields = form.hidden();
    fields.extend([("login".into(), upn("alice")), ("passwd".into(), PASSWORD.into())]);
    if keep {
        fields.push(("keep".into(), "1".into()));
    }
    let flow = browser.cookie("__Host-entrance-flow").expect("a flow").to_owned();
    let answer = world
        .client
        .post(world.url("/signin"))
        .header("cookie", format!("__Host-entrance-flow={flow}"))
        .form(&fields)
        .send()
        .await
        .expect("the server answers");
    let lines = answer.headers().get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
    lines.filter(|line| line.starts_with("__Host-entrance-session=")).map(str::to_owned).next().expect("a session")
}

#[tokio::test]
async fn s_805_only_who_wants_it_is_kept_signed_in_and_for_a_week_at_most() {
    let world = Entrance::start().await;
    world.user("alice").await;
    assert!(world.browser().get(&arm(&world)).await.has("signin-keep"));
    assert!(!cookie(&world, false).await.contains("Max-Age"));
    assert!(cookie(&world, true).await.contains("; Max-Age=604800"));
}

#[tokio::test]
async fn s_805_where_it_is_not_allowed_nobody_is_kept_signed_in() {
    let world = Entrance::start_with(|config| config.keep_signed_in = false).await;
    world.user("alice").await;
    assert!(!world.browser().get(&arm(&world)).await.has("signin-keep"));
    assert!(!cookie(&world, true).await.contains("Max-Age"), "whatever the form says");
}

#[tokio::test]
async fn s_805_a_session_ends_after_a_week_however_much_it_is_used() {
    let world = Entrance::start().await;
    world.user("alice").await;
    let mut browser = world.browser();
    let page = browser.get(&arm(&world)).await;
    browser.sign_in(&page, &upn("alice"), PASSWORD).await;
    for _ in 0..13 {
        world.sleep(minutes(12 * 60));
        assert!(browser.get(&arm(&world)).await.left_to.is_some());
    }
    world.sleep(minutes(12 * 60));
    assert!(browser.get(&arm(&world)).await.has("signin-form"));
}
