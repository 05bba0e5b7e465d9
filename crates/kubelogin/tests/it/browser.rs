//! `--login interactive` with a browser that this test plays, and without one.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use crate::support::{Authority, Done, Home};

/// A home in which opening a browser writes the address down.
pub(crate) fn with_browser(home: Home) -> Home {
    let folder = home.folder.path().display().to_string();
    let script = format!("echo \"$1\" > {folder}/opened.new\n/bin/mv {folder}/opened.new {folder}/opened");
    with_launcher(home, &script)
}

/// A home in which opening a browser does this, and nothing else is on the path.
pub(crate) fn with_launcher(home: Home, script: &str) -> Home {
    let file = home.file("xdg-open", &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).expect("set");
    let folder = home.folder.path().display().to_string();
    home.env("PATH", &folder)
}

pub(crate) fn opened(home: &Home) -> BTreeMap<String, String> {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Ok(text) = std::fs::read_to_string(home.folder.path().join("opened")) {
            let url = url::Url::parse(text.trim()).expect("an address");
            assert!(url.path().ends_with("/oauth2/v2.0/authorize"), "{url}");
            return url.query_pairs().into_owned().collect();
        }
        assert!(Instant::now() < until, "no browser was opened");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Brings a form to the listener, as the service's page makes a browser do.
pub(crate) fn bring(redirect: &str, form: &[(&str, &str)]) -> String {
    let url = url::Url::parse(redirect).expect("an address");
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut stream = TcpStream::connect(url.socket_addrs(|| None).expect("an address").as_slice()).expect("somebody listens");
    write!(stream, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("sent");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("a page");
    page
}

#[test]
fn the_browser_brings_the_code_and_nobody_else_can() {
    let authority = Authority::start();
    let home = with_browser(Home::at(&authority));
    let call = home.start(&["-l", "interactive", "--login-hint", "ann@corp.test"]);
    let asked = opened(&home);
    assert!(bring(&asked["redirect_uri"], &[("code", "evil"), ("state", "guessed")]).starts_with("HTTP/1.1 404"));
    assert!(bring(&asked["redirect_uri"], &[("code", "AUTHCODE"), ("state", &asked["state"])]).starts_with("HTTP/1.1 200"));
    let done = Done::of(&call.wait_with_output().expect("ends"));
    assert_eq!(done.token.as_deref(), Some("token-1"), "{}", done.stderr);

    let redeemed = authority.asked().pop().expect("a request");
    assert_eq!((redeemed.form["code"].as_str(), redeemed.form["code_verifier"].len()), ("AUTHCODE", 43));
    assert_eq!(redeemed.form["redirect_uri"], asked["redirect_uri"]);
}

#[test]
fn what_the_page_says_reaches_the_terminal() {
    let authority = Authority::start();
    let home = with_browser(Home::at(&authority));
    let call = home.start(&["-l", "interactive"]);
    let asked = opened(&home);
    let said =
        [("error", "access_denied"), ("error_description", "AADSTS65004: The person declined."), ("state", &asked["state"])];
    bring(&asked["redirect_uri"], &said);
    let done = Done::of(&call.wait_with_output().expect("ends"));
    assert!(
        !done.ok && done.stderr.contains("failed to authenticate: the browser sign-in failed: AADSTS65004"),
        "{}",
        done.stderr
    );
}

#[test]
fn row_12_without_a_browser_the_address_is_shown_and_a_code_does_it() {
    let authority = Authority::start();
    let home = Home::at(&authority).env("PATH", "/nowhere");
    let done = home.run(&["-l", "interactive"]);
    assert_eq!(done.token.as_deref(), Some("token-1"), "{}", done.stderr);
    assert!(done.stderr.contains("/oauth2/v2.0/authorize?") && done.stderr.contains("To sign in"), "{}", done.stderr);
}

#[test]
fn row_12_one_page_for_a_sign_in_and_no_second_one_within_a_minute() {
    let authority = Authority::start();
    let home = with_browser(Home::at(&authority));
    let mut first = home.start(&["-l", "interactive"]);
    opened(&home);
    // As when somebody gives up and calls again.
    first.kill().expect("killed");
    first.wait().expect("ended");
    std::fs::remove_file(home.folder.path().join("opened")).expect("there");
    let second = home.start(&["-l", "interactive", "--timeout", "3s"]);
    let done = Done::of(&second.wait_with_output().expect("ends"));
    assert!(!done.ok && done.stderr.contains("less than a minute ago. To sign in, go to:\nhttps://"), "{}", done.stderr);
    assert!(!home.folder.path().join("opened").exists(), "no second page");
    // Another person's sign-in is another one.
    let mut other = home.start(&["-l", "interactive", "--account", "bob@corp.test"]);
    assert_eq!(opened(&home)["login_hint"], "bob@corp.test");
    other.kill().expect("killed");
    other.wait().expect("ended");
}

#[test]
fn row_12_a_launcher_that_fails_late_leads_to_a_code_too() {
    let authority = Authority::start();
    let home = with_launcher(Home::at(&authority), "/bin/sleep 0.6\nexit 3");
    let done = home.run(&["-l", "interactive", "--timeout", "20s"]);
    assert_eq!(done.token.as_deref(), Some("token-1"), "{}", done.stderr);
    assert!(done.stderr.contains("No browser can be opened here"), "{}", done.stderr);
}

#[test]
fn a_connection_that_says_nothing_keeps_nobody_waiting() {
    let authority = Authority::start();
    let home = with_browser(Home::at(&authority));
    let call = home.start(&["-l", "interactive"]);
    let asked = opened(&home);
    // As browsers connect before they know what for.
    let port = url::Url::parse(&asked["redirect_uri"]).expect("an address").port().expect("a port");
    let _idle: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(("127.0.0.1", port)).expect("somebody listens")).collect();
    std::thread::sleep(Duration::from_millis(100));
    let since = Instant::now();
    bring(&asked["redirect_uri"], &[("code", "CODE"), ("state", &asked["state"])]);
    let done = Done::of(&call.wait_with_output().expect("ends"));
    assert!(done.ok && since.elapsed() < Duration::from_secs(5), "{:?} {}", since.elapsed(), done.stderr);
}

#[test]
fn the_answer_is_taken_at_the_address_that_was_given() {
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        let authority = Authority::start();
        let home = with_browser(Home::at(&authority));
        let plain = host.trim_matches(['[', ']']);
        let port = TcpListener::bind((plain, 0)).expect("a port").local_addr().expect("an address").port();
        let address = format!("http://{host}:{port}");
        let call = home.start(&["-l", "interactive", "--redirect-url", &address]);
        let asked = opened(&home);
        assert_eq!(asked["redirect_uri"], address);
        assert!(bring(&address, &[("code", "CODE"), ("state", &asked["state"])]).starts_with("HTTP/1.1 200"), "{host}");
        assert!(Done::of(&call.wait_with_output().expect("ends")).ok, "{host}");
    }
}

#[test]
fn row_12_one_page_also_where_nothing_is_kept() {
    let authority = Authority::start();
    let home = with_browser(Home::at(&authority));
    let mut first = home.start(&["-l", "interactive", "--cache-storage", "none"]);
    opened(&home);
    first.kill().expect("killed");
    first.wait().expect("ended");
    std::fs::remove_file(home.folder.path().join("opened")).expect("there");
    let done = home.run(&["-l", "interactive", "--cache-storage", "none", "--timeout", "2s"]);
    assert!(!done.ok && done.stderr.contains("less than a minute ago"), "{}", done.stderr);
    assert!(!home.folder.path().join("opened").exists(), "no second page");
}
