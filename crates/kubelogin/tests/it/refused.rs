//! What a person sees when a cluster refuses a token: kubectl calls again in the same process, and here that process is the
//! test.

use serde_json::{Value, json};

use crate::support::{Authority, Home, Request, tokens};

const FROM_KUBECTL: &str = r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false,"cluster":{"server":"https://127.0.0.1:6443"}}}"#;
const BY_PASSWORD: [&str; 6] = ["-l", "ropc", "--username", "ann@corp.test", "--password", "pw"];

fn kubectl(authority: &Authority) -> Home {
    Home::at(authority).env("KUBERNETES_EXEC_INFO", FROM_KUBECTL)
}

fn refusal(code: &str, message: &str, action: &str, next: &str) -> Value {
    json!({"allowed": false, "check": code, "code": code, "message": message, "action": action, "nextStep": next, "at": "2026-01-01T00:00:00Z"})
}

fn questions(asked: &[Request]) -> Vec<&Request> {
    asked.iter().filter(|request| request.path == "/me/why").collect()
}

#[test]
fn the_reason_is_asked_and_printed_once_after_the_first_call_for_a_token() {
    let authority = Authority::start();
    authority.says_why(200, &refusal("disabled", "the account is disabled", "askDirectoryAdministrator", "ask an administrator"));
    let home = kubectl(&authority);
    let first = home.run(&BY_PASSWORD);
    assert!(first.ok && first.stderr.is_empty(), "{first:?}");
    assert!(questions(&authority.asked()).is_empty(), "an ordinary call asks nobody");

    let again = home.run(&BY_PASSWORD);
    assert_eq!(again.token, first.token);
    assert_eq!(again.stderr, "The cluster refused this sign-in: the account is disabled.\nhint: ask an administrator\n");
    let asked = authority.asked();
    let [question] = questions(&asked)[..] else { panic!("{asked:?}") };
    assert_eq!(question.headers["authorization"], "Bearer token-1");
    assert_eq!(question.query["server"], "https://127.0.0.1:6443");

    for _ in 0..3 {
        let silent = home.run(&BY_PASSWORD);
        assert!(silent.ok && silent.stderr.is_empty(), "{silent:?}");
    }
    assert!(authority.asked().is_empty(), "once a minute is enough");
}

#[test]
fn row_21_the_reason_is_asked_at_an_environment_of_ones_own_too() {
    let authority = Authority::start();
    authority.says_why(200, &refusal("disabled", "the account is disabled", "askDirectoryAdministrator", "ask an administrator"));
    let home = Home::named("contoso", &authority, true).env("KUBERNETES_EXEC_INFO", FROM_KUBECTL);
    assert!(home.run(&BY_PASSWORD).stderr.is_empty());
    let again = home.run(&BY_PASSWORD);
    assert!(again.stderr.contains("the account is disabled"), "{again:?}");
    assert_eq!(questions(&authority.asked()).len(), 1);
}

#[test]
fn calls_by_hand_are_no_sign_of_a_refusal() {
    let authority = Authority::start();
    authority.says_why(200, &refusal("disabled", "the account is disabled", "askDirectoryAdministrator", "ask"));
    let home = Home::at(&authority);
    for _ in 0..3 {
        assert!(home.run(&BY_PASSWORD).stderr.is_empty());
    }
    assert!(questions(&authority.asked()).is_empty());
}

#[test]
fn a_token_that_is_of_no_use_any_more_is_replaced_and_not_repeated() {
    let authority = Authority::start();
    authority.says_why(200, &refusal("revoked", "the session was revoked; sign in again", "signIn", "sign in again"));
    let home = kubectl(&authority);
    assert_eq!(home.run(&BY_PASSWORD).token.as_deref(), Some("token-1"));
    authority.answers(|_| (200, tokens("token-2", 3600)));
    let again = home.run(&BY_PASSWORD);
    assert_eq!(again.token.as_deref(), Some("token-2"), "{again:?}");
    assert!(again.stderr.contains("the session was revoked"), "{again:?}");
    assert_eq!(home.run(&BY_PASSWORD).token.as_deref(), Some("token-2"));
}

#[test]
fn a_server_that_has_other_keys_now_makes_it_sign_in_again() {
    let authority = Authority::start();
    authority.says_why(401, &json!({"error": "invalid_token", "error_description": "no token of ours"}));
    let home = kubectl(&authority);
    assert_eq!(home.run(&BY_PASSWORD).token.as_deref(), Some("token-1"));
    authority.answers(|_| (200, tokens("token-2", 3600)));
    assert_eq!(home.run(&BY_PASSWORD).token.as_deref(), Some("token-2"));
}

#[test]
fn a_token_service_that_knows_no_reasons_is_left_in_peace() {
    let authority = Authority::start();
    let home = kubectl(&authority);
    for _ in 0..4 {
        let done = home.run(&BY_PASSWORD);
        assert!(done.ok && done.stderr.is_empty(), "{done:?}");
    }
    assert_eq!(questions(&authority.asked()).len(), 1);
}

#[test]
fn what_the_server_says_cannot_move_the_cursor() {
    let authority = Authority::start();
    authority.says_why(200, &refusal("x", "red \u{1b}[31m\nsecond line", "wait", "a\u{7}b"));
    let home = kubectl(&authority);
    home.run(&BY_PASSWORD);
    let said = home.run(&BY_PASSWORD).stderr;
    assert_eq!(said, "The cluster refused this sign-in: red \\u{1b}[31m.\nhint: a\\u{7}b\n");
}
