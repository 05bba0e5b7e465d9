//! The program against a token service: what it asks, what it keeps, and what it does when things go wrong.

use std::time::{Duration, Instant};

use crate::storms::until;
use crate::support::{Authority, Home, count, device, refusal, tokens};

#[test]
fn another_cluster_of_the_same_person_needs_no_prompt() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    assert!(home.run(&device(&[])).ok);
    authority.asked();
    authority.answers(|_| (200, tokens("other", 3600)));
    assert_eq!(home.run(&device(&["--server-id", "OTHER"])).token.as_deref(), Some("other"));
    assert_eq!(count(&authority.asked(), "/devicecode"), 0);
}

#[test]
fn row_9_a_refused_refresh_leads_to_one_prompt_and_says_why() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    authority.answers(|_| (200, tokens("old", 60)));
    assert!(home.run(&device(&[])).ok);
    authority.answers(|request| match request.grant() {
        "refresh_token" => refusal("invalid_grant", "AADSTS50173: The grant was revoked."),
        _ => (200, tokens("new", 3600)),
    });
    let done = home.run(&device(&[]));
    assert_eq!(done.token.as_deref(), Some("new"));
    assert!(done.stderr.contains("not accepted any more: AADSTS50173: The grant was revoked."), "{}", done.stderr);
    assert_eq!(done.stderr.matches("To sign in").count(), 1);
}

#[test]
fn a_service_in_trouble_does_not_cost_a_token_that_still_lives() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    authority.answers(|_| (200, tokens("old", 200)));
    assert!(home.run(&device(&[])).ok);
    authority.answers(|_| (404, "<html>not here</html>".into()));
    assert_eq!(home.run(&device(&[])).token.as_deref(), Some("old"));
}

/// What kubectl says when nobody can answer.
const ALONE: (&str, &str) =
    ("KUBERNETES_EXEC_INFO", r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#);

#[test]
fn row_10_nobody_waits_for_a_person_who_is_asked_elsewhere() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    authority.answers(|_| (200, tokens("old", 60)));
    assert!(home.run(&device(&[])).ok);
    authority.answers(|request| match request.grant() {
        // The refresh token stays: it is good for other clusters.
        "refresh_token" => refusal("interaction_required", "AADSTS50076: A second factor is needed."),
        _ => refusal("authorization_pending", ""),
    });
    authority.asked();
    let mut leader = home.start(&device(&[]));
    until("somebody is asked", || count(&authority.asked(), "/devicecode") == 1);
    let home = home.env(ALONE.0, ALONE.1);
    let since = Instant::now();
    let done = home.run(&device(&[]));
    assert!(!done.ok && done.stderr.contains("hint: run this once in a terminal"), "{}", done.stderr);
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    assert!(leader.try_wait().expect("known").is_none(), "the person still has their time");
    leader.kill().expect("killed");
    leader.wait().expect("ended");
}

#[test]
fn row_11_a_person_has_the_time_of_their_code_unless_one_is_chosen() {
    let authority = Authority::start();
    authority.answers(|_| refusal("authorization_pending", ""));
    let home = Home::at(&authority);
    authority.codes_live(2);
    for words in [device(&[]), device(&["--timeout", "50s"])] {
        let since = Instant::now();
        let done = home.run(&words);
        assert!(!done.ok && done.stderr.contains("the code expired before it was used"), "{}", done.stderr);
        assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    }
    authority.codes_live(60);
    let done = home.run(&device(&["--timeout", "2s"]));
    assert!(!done.ok && done.stderr.contains("timed out after 2 s"), "{}", done.stderr);
}

#[test]
fn row_10_nobody_is_asked_where_nobody_looks() {
    let authority = Authority::start();
    let home = Home::at(&authority).env(ALONE.0, ALONE.1);
    let since = Instant::now();
    let done = home.run(&device(&[]));
    assert!(!done.ok && since.elapsed() < Duration::from_secs(2));
    assert!(
        done.stderr.contains("hint: run this once in a terminal: kubelogin get-token --login devicecode --server-id SERVER"),
        "{}",
        done.stderr
    );
    assert!(authority.asked().is_empty());
    let home = home.env("KUBELOGIN_FORCE_PROMPT", "1");
    assert!(home.run(&device(&[])).ok);
}

#[test]
fn row_18_a_changed_secret_is_not_answered_from_the_cache() {
    let authority = Authority::start();
    authority.answers(|request| match request.form["client_secret"].as_str() {
        "right" => (200, tokens("app", 3600)),
        _ => refusal("invalid_client", "AADSTS7000215: Invalid client secret."),
    });
    let home = Home::at(&authority);
    assert!(home.run(&["-l", "spn", "--client-secret", "right"]).ok);
    authority.asked();
    assert!(home.run(&["-l", "spn", "--client-secret", "right"]).ok);
    assert!(authority.asked().is_empty());
    let wrong = home.run(&["-l", "spn", "--client-secret", "wrong-canary"]);
    assert!(!wrong.ok && wrong.stderr.contains("AADSTS7000215") && !wrong.stderr.contains("wrong-canary"), "{}", wrong.stderr);
}

#[test]
fn row_20_an_unknown_authority_is_named_and_can_be_given() {
    let authority = Authority::start();
    let other = Authority::start();
    let home = Home::at(&authority);
    let wrong = home.file("other.pem", &other.ca_pem).display().to_string();
    let right = home.folder.path().join("ca.pem").display().to_string();
    let home = home.env("SSL_CERT_FILE", &wrong);
    let spn = ["-l", "spn", "--client-secret", "s"];
    let done = home.run(&spn);
    assert!(done.stderr.contains("--certificate-authority"), "{}", done.stderr);
    assert!(done.stderr.lines().count() <= 3);
    assert!(home.run(&[&spn[..], &["--certificate-authority", &right]].concat()).ok);
}

#[test]
fn a_home_that_cannot_be_written_does_not_stop_anybody() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    let blocked = home.file("blocked", "").display().to_string();
    let done = home.run(&["-l", "spn", "--client-secret", "s", "--cache-dir", &blocked]);
    assert!(done.ok && done.stderr.contains("Warning: the token cache"), "{}", done.stderr);
}
