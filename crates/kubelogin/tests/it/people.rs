//! People: several side by side, who is signed in, and signing out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Authority, Home, Request, refusal, tokens, tokens_of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn as_person<'a>(name: &'a str, server: &'a str) -> Vec<&'a str> {
    vec!["-l", "devicecode", "--account", name, "--server-id", server]
}

fn prompts(asked: &[Request]) -> usize {
    asked.iter().filter(|request| request.path.ends_with("/devicecode")).count()
}

/// Signs somebody in.
fn sign_in(authority: &Authority, home: &Home, name: &'static str, server: &str, life: u64) {
    authority.answers(move |_| (200, tokens_of(name, &format!("token-{name}"), life)));
    let done = home.run(&as_person(name, server));
    assert_eq!(done.token, Some(format!("token-{name}")), "{done:?}");
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn row_5_two_people_in_one_tenant_are_asked_once_each() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    sign_in(&authority, &home, "ann@corp.test", "CLUSTER-A", 60);
    sign_in(&authority, &home, "bob@corp.test", "CLUSTER-B", 60);
    assert_eq!(prompts(&authority.asked()), 2);
    // Their tokens are old already, so each call needs the right refresh token.
    authority.answers(|request| match request.form["refresh_token"].as_str() {
        "refresh-token-ann@corp.test" => {
            (200, tokens("again-ann", 60).replace("refresh-again-ann", "refresh-token-ann@corp.test"))
        }
        "refresh-token-bob@corp.test" => {
            (200, tokens("again-bob", 60).replace("refresh-again-bob", "refresh-token-bob@corp.test"))
        }
        other => panic!("whose is {other}?"),
    });
    for _ in 0..2 {
        assert_eq!(home.run(&as_person("ann@corp.test", "CLUSTER-A")).token.as_deref(), Some("again-ann"));
        assert_eq!(home.run(&as_person("BOB@corp.test", "CLUSTER-B")).token.as_deref(), Some("again-bob"));
        assert_eq!(home.run(&as_person("ann@corp.test", "CLUSTER-B")).token.as_deref(), Some("again-ann"), "one more cluster");
    }
    assert_eq!(prompts(&authority.asked()), 0);
}

#[test]
fn a_cluster_is_not_entered_as_somebody_else() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    authority.answers(|_| (200, tokens_of("bob@corp.test", "token-bob", 3600)));
    let done = home.run(&as_person("ann@corp.test", "SERVER"));
    assert!(!done.ok && done.stderr.contains("bob@corp.test signed in, but `--account` asks for ann@corp.test"), "{done:?}");
    assert!(home.run(&as_person("bob@corp.test", "SERVER")).ok);
    assert_eq!(prompts(&authority.asked()), 1, "bob stays signed in");
    let done = home.run(&["-l", "devicecode", "--login-hint", "b.alias@corp.test"]);
    assert!(done.ok && done.stderr.contains("Warning: bob@corp.test signed in, not b.alias@corp.test."), "{done:?}");
    let again = home.run(&["-l", "devicecode", "--login-hint", "b.alias@corp.test"]);
    assert!(again.ok && again.stderr.is_empty(), "a hint that led to somebody leads there again: {again:?}");
}

#[test]
fn row_7_accounts_and_status_tell_everything_but_tokens_and_ask_nobody() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    let nobody = home.tool(&["accounts"]);
    assert_eq!((nobody.code, nobody.stdout.as_str()), (Some(0), "Nobody is signed in.\n"));
    sign_in(&authority, &home, "ann@corp.test", "CLUSTER-A", 3600);
    sign_in(&authority, &home, "bob@corp.test", "CLUSTER-A", 3600);
    authority.answers(|_| (200, tokens("token-app", 3600)));
    assert!(home.run(&["-l", "spn", "--client-secret", "s"]).ok);
    authority.asked();

    let accounts = home.tool(&["accounts"]);
    assert!(accounts.stdout.contains("ann@corp.test\n") && accounts.stdout.contains("bob@corp.test\n"), "{accounts:?}");
    let names = home.tool(&["accounts", "-o", "json"]).json();
    let names: Vec<&Value> = names["accounts"].as_array().expect("a list").iter().map(|account| &account["userName"]).collect();
    assert_eq!(names, ["ann@corp.test", "bob@corp.test"]);

    let text = home.tool(&["status"]);
    assert!(text.stdout.contains("CLUSTER-A until ") && text.stdout.contains("An application by itself"), "{text:?}");
    let status = home.tool(&["status", "--output", "json"]);
    let cache = &status.json()["caches"][0];
    assert_eq!(
        (&cache["backend"], &cache["unreadableEntries"], &cache["applications"][0]["tokens"][0]["valid"]),
        (&json!("file"), &json!(0), &json!(true))
    );
    let ann = &cache["accounts"][0];
    assert_eq!(
        (&ann["userName"], &ann["clientId"], &ann["renewsByItself"], &ann["tokens"][0]["resource"]),
        (&json!("ann@corp.test"), &json!("CLIENT"), &json!(true), &json!("CLUSTER-A"))
    );
    assert_eq!(ann["authority"], format!("{}tenant", authority.host));
    for said in [accounts, text, status] {
        assert!(!said.stdout.contains("token-") && said.stderr.is_empty(), "{said:?}");
    }
    assert!(authority.asked().is_empty());
}

#[test]
fn row_6_who_signs_out_is_gone_here_and_at_the_service() {
    let authority = Authority::start();
    authority.revokes();
    let home = Home::at(&authority);
    sign_in(&authority, &home, "ann@corp.test", "SERVER", 3600);
    sign_in(&authority, &home, "bob@corp.test", "SERVER", 3600);
    authority.asked();

    let which = home.tool(&["logout"]);
    assert!(
        which.code == Some(1) && which.stderr.contains("several people are signed in: ann@corp.test, bob@corp.test"),
        "{which:?}"
    );
    let unknown = home.tool(&["logout", "--account", "eve@corp.test"]);
    assert!(unknown.code == Some(1) && unknown.stderr.contains("eve@corp.test is not signed in here"), "{unknown:?}");
    assert!(authority.asked().is_empty());

    let out = home.tool(&["logout", "--account", "Ann@corp.test"]);
    assert_eq!((out.code, out.stderr.as_str()), (Some(0), "ann@corp.test is signed out.\n"), "{out:?}");
    let asked = authority.asked();
    let given_back = asked.iter().find(|request| request.path.ends_with("/revoke")).expect("it was given back");
    assert_eq!(given_back.form["token"], "refresh-token-ann@corp.test");
    assert_eq!((given_back.form["client_id"].as_str(), given_back.form["token_type_hint"].as_str()), ("CLIENT", "refresh_token"));

    let left = home.tool(&["status", "-o", "json"]).json();
    assert_eq!(left["caches"][0]["accounts"].as_array().map(Vec::len), Some(1), "{left}");
    assert!(home.run(&as_person("bob@corp.test", "SERVER")).ok);
    assert_eq!(prompts(&authority.asked()), 0, "bob stays");
    authority.answers(|_| (200, tokens_of("ann@corp.test", "new", 3600)));
    assert!(home.run(&as_person("ann@corp.test", "SERVER")).ok);
    assert_eq!(prompts(&authority.asked()), 1, "ann signs in anew");

    let all = home.tool(&["logout", "--all"]);
    assert_eq!(all.code, Some(0), "{all:?}");
    let left = files(&home.folder.path().join(".kube/cache/kubelogin"));
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(home.tool(&["logout"]).stderr, "Nobody is signed in here.\n");
}

#[test]
fn rows_6_and_7_who_signs_in_with_a_password_is_a_person_too() {
    let authority = Authority::start();
    authority.revokes();
    let home = Home::at(&authority);
    assert!(home.run(&["-l", "ropc", "--username", "Ann@corp.test", "--password", "right"]).ok);
    let wrong = ["-l", "ropc", "--username", "ann@corp.test", "--password", "wrong"];
    authority.answers(|_| refusal("invalid_grant", "AADSTS50126: no"));
    assert!(!home.run(&wrong).ok, "a wrong password is never answered from the cache");
    authority.asked();

    let status = home.tool(&["status", "-o", "json"]).json();
    let cache = &status["caches"][0];
    assert_eq!(
        (&cache["accounts"][0]["userName"], &cache["accounts"][0]["renewsByItself"], &cache["applications"]),
        (&json!("ann@corp.test"), &json!(false), &json!([]))
    );
    let text = home.tool(&["status"]).stdout;
    assert!(text.contains("\nann@corp.test\n") && !text.contains("An application"), "{text}");
    assert!(home.tool(&["accounts"]).stdout.starts_with("ann@corp.test\n"));
    assert_eq!(home.tool(&["accounts", "-o", "json"]).json()["accounts"][0]["signedIn"], Value::Null);

    assert!(home.run(&["-l", "ropc", "--username", "Ann@corp.test", "--password", "right"]).ok, "from the cache");
    let out = home.tool(&["logout", "--account", "ann@corp.test"]);
    assert_eq!((out.code, out.stderr.as_str()), (Some(0), "ann@corp.test is signed out here.\n"));
    assert!(authority.asked().is_empty(), "nothing was kept that could be given back");
    let left = files(&home.folder.path().join(".kube/cache/kubelogin"));
    assert!(!left.iter().any(|file| file.extension().is_some_and(|kind| kind == "token")), "{left:?}");
    assert_eq!(home.tool(&["accounts"]).stdout, "Nobody is signed in.\n");
}

#[test]
fn row_21_an_environment_of_ones_own_is_believed_by_every_command() {
    for kept_as in ["file", "data"] {
        let authority = Authority::start();
        authority.revokes();
        let home = Home::named("contoso", &authority, kept_as == "file");
        authority.answers(|_| (200, tokens_of("ann@corp.test", "token", 3600)));
        let done = home.run(&["-l", "devicecode"]);
        assert!(done.ok, "{kept_as}: {done:?}");

        let checks = home.tool(&["doctor", "-e", "contoso", "-t", "TENANT", "-o", "json"]).json();
        let service: Vec<&Value> =
            checks["checks"].as_array().expect("a list").iter().filter(|check| check["check"] == "token service").collect();
        assert!(!service.is_empty() && service.iter().all(|check| check["state"] == "ok"), "{kept_as}: {checks}");
        // Without the name: by what is kept with the person, also after the check renewed their token.
        let checks = home.tool(&["doctor", "-o", "json"]).json().to_string();
        assert!(checks.contains("ann@corp.test is signed in; a new token came"), "{kept_as}: {checks}");
        authority.asked();
        let out = home.tool(&["logout"]);
        assert_eq!((out.code, out.stderr.as_str()), (Some(0), "ann@corp.test is signed out.\n"), "{kept_as}");
        assert!(authority.asked().iter().any(|request| request.path.ends_with("/revoke")), "{kept_as}");
    }
}

#[test]
fn row_6_who_signed_in_by_an_authority_in_base64_signs_out_by_it() {
    let authority = Authority::start();
    authority.revokes();
    let data = STANDARD.encode(&authority.ca_pem);
    let home = Home::at(&authority).env("SSL_CERT_FILE", "/dev/null");
    authority.answers(|_| (200, tokens_of("ann@corp.test", "token", 3600)));
    assert!(home.run(&["-l", "devicecode", "--certificate-authority-data", &data]).ok);
    let out = home.tool(&["logout"]);
    assert_eq!((out.code, out.stderr.as_str()), (Some(0), "ann@corp.test is signed out.\n"));
}

#[test]
fn row_7_a_name_that_turns_the_text_around_leaves_the_answers_json() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    let name = "a\u{200e}n\u{85}n@corp.test";
    authority.answers(move |_| (200, tokens_of(name, "token", 3600)));
    assert!(home.run(&["-l", "devicecode"]).ok);
    for words in [&["accounts", "-o", "json"][..], &["status", "-o", "json"]] {
        let said = home.tool(words);
        assert!(said.stdout.contains(r"a\u200en\u0085n@corp.test") && said.json().is_object(), "{said:?}");
    }
    assert_eq!(home.tool(&["accounts", "-o", "json"]).json()["accounts"][0]["userName"], name);
    assert!(home.tool(&["accounts"]).stdout.starts_with(r"a\u{200e}n\u{85}n@corp.test"));
}

#[test]
fn row_6_a_service_that_cannot_be_told_does_not_keep_anything_here() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    sign_in(&authority, &home, "ann@corp.test", "SERVER", 3600);
    let out = home.tool(&["logout"]);
    assert!(out.code == Some(0) && out.stderr.contains("has no way to end a sign-in from outside"), "{out:?}");

    sign_in(&authority, &home, "ann@corp.test", "SERVER", 3600);
    let home = home.env("SSL_CERT_FILE", "/dev/null");
    let out = home.tool(&["logout"]);
    assert!(out.code == Some(1) && out.stderr.contains("signed out here, but not at the service"), "{out:?}");
    assert_eq!(home.tool(&["accounts"]).stdout, "Nobody is signed in.\n");
}

#[test]
fn row_23_whoami_reads_the_kubeconfig_and_asks_nobody() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    let host = &authority.host;
    let config = format!(
        "current-context: one\ncontexts:\n- name: one\n  context: {{cluster: c, user: u}}\n- name: other\n  context: {{cluster: c, user: cert}}\nusers:\n- name: u\n  user:\n    exec:\n      command: kubelogin\n      args: [get-token, --login, devicecode, --server-id, SERVER, --client-id, CLIENT, --tenant-id, TENANT, --authority-host, \"{host}\", --account, ann@corp.test]\n- name: cert\n  user: {{token: t}}\n"
    );
    let file = home.file("config", &config).display().to_string();
    let before = home.tool(&["whoami", "--kubeconfig", &file]);
    assert!(before.code == Some(1) && before.stderr.contains("nobody is signed in for SERVER"), "{before:?}");
    sign_in(&authority, &home, "ann@corp.test", "SERVER", 3600);
    authority.asked();
    let text = home.tool(&["whoami", "--kubeconfig", &file]);
    assert!(text.stdout.starts_with("ann@corp.test\n") && text.stdout.contains("for SERVER until"), "{text:?}");
    let answer = home.tool(&["whoami", "--kubeconfig", &file, "-o", "json"]).json();
    assert_eq!(
        (&answer["context"], &answer["userName"], &answer["application"]),
        (&json!("one"), &json!("ann@corp.test"), &json!(false))
    );
    let other = home.tool(&["whoami", "--kubeconfig", &file, "--context", "other"]);
    assert!(other.code == Some(1) && other.stderr.contains("does not sign in with this program"), "{other:?}");
    assert!(authority.asked().is_empty());
}

#[test]
fn killed_at_any_moment_of_a_write_the_cache_is_whole_and_free() {
    let authority = Authority::start();
    // Old at birth, so every call writes.
    authority.answers(|_| (200, tokens_of("ann@corp.test", "token", 60).replace("refresh-token", "refresh")));
    let home = Home::at(&authority);
    assert!(home.run(&as_person("ann@corp.test", "SERVER")).ok);
    for round in 0..120_u64 {
        let mut call = home.start(&as_person("ann@corp.test", "SERVER"));
        // From before the first byte to after the last one: a call takes some twenty milliseconds.
        std::thread::sleep(Duration::from_micros(round * 331 % 40_000));
        let _ = call.kill();
        let _ = call.wait();
        let status = home.tool(&["status", "-o", "json"]).json();
        let cache = &status["caches"][0];
        assert_eq!(
            (&cache["unreadableEntries"], cache["accounts"].as_array().map(Vec::len)),
            (&json!(0), Some(1)),
            "{round}: {status}"
        );
    }
    authority.asked();
    let done = home.run(&as_person("ann@corp.test", "SERVER"));
    assert!(done.ok && done.stderr.is_empty(), "{done:?}");
    assert_eq!(prompts(&authority.asked()), 0);
}

#[test]
fn row_9_a_refusal_for_one_cluster_leaves_the_sign_in_alone() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    sign_in(&authority, &home, "ann@corp.test", "A", 60);
    authority.answers(|request| match request.grant() {
        "refresh_token" => refusal("interaction_required", "AADSTS50076: more is needed for B."),
        _ => (200, tokens_of("ann@corp.test", "strong", 3600)),
    });
    let done = home.run(&as_person("ann@corp.test", "B"));
    assert!(done.token.as_deref() == Some("strong") && done.stderr.contains("AADSTS50076"), "{done:?}");
    assert_eq!(home.tool(&["accounts", "-o", "json"]).json()["accounts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn row_8_where_nothing_is_kept_each_call_signs_in() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    for _ in 0..2 {
        assert!(home.run(&["-l", "spn", "--client-secret", "s", "--cache-storage", "none"]).ok);
    }
    assert_eq!(authority.asked().iter().filter(|request| request.path.ends_with("/token")).count(), 2);
    assert!(!home.folder.path().join(".kube").exists());
    let wrong = home.run(&["-l", "spn", "--client-secret", "s", "--cache-storage", "tpm"]);
    assert_eq!(wrong.stderr, "Error: `tpm` is no place for the token cache; `auto`, `keyring`, `file` and `none` are\n");
}
