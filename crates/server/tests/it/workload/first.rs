//! Nobody has a default password: the first administrator is made by whoever has the code (DESIGN 8).

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use entrance_server::{Config, Mode, setup};
use entrance_testkit::Entrance;
use serde_json::json;

const STRONG: &str = "plenty of unrelated syllables";

/// A server that nobody administers, with the file that holds its code.
async fn start() -> (Entrance, PathBuf) {
    let world = Entrance::start_with(serve).await;
    let file = setup::first::prepare(world.app(), "x", "x.example").await.expect("prepares").expect("nobody administers it");
    (world, file)
}

fn serve(config: &mut Config) {
    config.mode = Mode::Serve;
}

fn code(file: &PathBuf) -> String {
    std::fs::read_to_string(file).expect("the code is there").trim().to_owned()
}

fn filled<'a>(code: &'a str, name: &'a str, password: &'a str) -> [(&'static str, &'a str); 4] {
    [("code", code), ("login", name), ("passwd_new", password), ("passwd_again", password)]
}

#[tokio::test]
async fn the_holder_of_the_code_names_the_first_administrator_and_sets_their_password() {
    let (world, file) = start().await;
    let mode = std::fs::metadata(&file).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut browser = world.browser();
    let page = browser.get("/first").await;
    assert_eq!(page.status, 200);
    assert!(page.has("first-form"));
    let done = browser.submit(&page, &filled(&code(&file).to_lowercase(), "admin", STRONG)).await;
    assert_eq!((done.status, done.path.as_str()), (200, "/first/done"));
    assert!(!file.exists(), "the file goes with the code");
    let mut reader = world.app().store.read().await.expect("reads");
    let name = "admin@contoso.example".parse().expect("a UPN");
    let user = reader.directory().user_by_upn(world.tenant, &name).await.expect("reads").expect("the administrator");
    assert!(user.is_directory_admin && user.enabled && !user.must_change_password);
    drop(reader);
    // The door is shut: for the same code, for the next start, and for people who only try.
    assert_eq!(browser.get("/first").await.status, 404);
    assert!(setup::first::prepare(world.app(), "x", "x.example").await.expect("prepares").is_none());
    assert_eq!(super::told(&world, "bootstrap.").await, ["bootstrap.opened", "bootstrap.used"]);
}

#[tokio::test]
async fn o_12_the_page_takes_no_form_of_others_and_no_wrong_code() {
    let (world, file) = start().await;
    let code = code(&file);
    let mut browser = world.browser();
    let page = browser.get("/first").await;
    let mut stranger = world.browser();
    assert_eq!(stranger.submit(&page, &filled(&code, "admin", STRONG)).await.status, 403, "without the cookie");
    browser.headers.push(("sec-fetch-site", "cross-site".into()));
    assert_eq!(browser.submit(&page, &filled(&code, "admin", STRONG)).await.status, 403, "from another site");
    browser.headers.clear();
    let again = browser.submit(&page, &filled("AAAA-AAAA-AAAA-AAAA", "admin", STRONG)).await;
    assert_eq!(again.status, 200);
    assert!(again.has("first-error") && again.html.contains("value=\"admin\""), "the name is kept");
    assert!(!again.html.contains(STRONG) && !again.html.contains("AAAA"), "no secret comes back");
    for (name, password) in
        [("admin@elsewhere.example", STRONG), ("a b", STRONG), ("admin", "short"), ("admin", "passwordpassword")]
    {
        let again = browser.submit(&page, &filled(&code, name, password)).await;
        assert!(again.has("first-error"), "{name} {password}");
    }
    let differs = [("code", code.as_str()), ("login", "admin"), ("passwd_new", STRONG), ("passwd_again", "another one")];
    assert!(browser.submit(&page, &differs).await.has("first-error"));
    assert_eq!(browser.submit(&page, &filled(&code, "admin", STRONG)).await.path, "/first/done", "the right one still works");
}

#[tokio::test]
async fn only_the_machine_itself_sees_the_page_and_a_proxy_on_it_speaks_for_others() {
    let (world, file) = start().await;
    for header in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        let mut browser = world.browser();
        browser.headers.push((header, "203.0.113.7".into()));
        assert_eq!(browser.get("/first").await.status, 404, "{header}");
    }
    let body = json!({"code": code(&file), "userPrincipalName": "admin", "password": STRONG});
    let sent = world.client.post(world.url("/first")).header("x-forwarded-for", "203.0.113.7").json(&body).send().await;
    assert_eq!(sent.expect("answers").status(), 404);
}

#[tokio::test]
async fn guesses_at_the_code_pause_the_door_and_a_new_start_has_a_new_code() {
    let (world, file) = start().await;
    let first = code(&file);
    let guess = async |code: &str| {
        let body = json!({"code": code, "userPrincipalName": "admin", "password": STRONG});
        world.client.post(world.url("/first")).json(&body).send().await.expect("answers").status().as_u16()
    };
    for _ in 0..10 {
        assert_eq!(guess("ABCD-EFGH-JKLM-NPQR").await, 403);
    }
    assert_eq!(guess("ABCD-EFGH-JKLM-NPQR").await, 429);
    assert_eq!(guess(&first).await, 429, "the right code does not hurry it");
    setup::first::prepare(world.app(), "x", "x.example").await.expect("prepares").expect("a code");
    assert_ne!(code(&file), first);
    assert_eq!(guess(&first).await, 403, "the old code is worth nothing");
    assert_eq!(guess(&code(&file)).await, 201);
    assert_eq!(guess(&code_of_nobody()).await, 404, "there is no door any more");
    assert!(super::told(&world, "bootstrap.").await.contains(&"bootstrap.paused".to_owned()));
}

fn code_of_nobody() -> String {
    "ABCD-EFGH-JKLM-NPQR".to_owned()
}

#[tokio::test]
async fn of_many_with_the_same_code_one_becomes_the_administrator() {
    let (world, file) = start().await;
    let code = code(&file);
    let each = (0..5).map(|n| {
        let body = json!({"code": code, "userPrincipalName": format!("admin{n}"), "password": STRONG});
        world.client.post(world.url("/first")).json(&body).send()
    });
    let answers = futures_util::future::join_all(each).await;
    let made = answers.into_iter().filter(|answer| answer.as_ref().is_ok_and(|answer| answer.status() == 201)).count();
    assert_eq!(made, 1);
}
