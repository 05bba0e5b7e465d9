//! `kubelogin doctor`: each usual cause of trouble is found, named in a line, and comes with what to do.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::{Authority, Home, Said, refusal, tokens_of};

const DEVICE: [&str; 4] = ["-l", "devicecode", "--account", "ann@corp.test"];

/// A home where this program is the one on PATH.
fn home(authority: &Authority) -> Home {
    let home = Home::at(authority);
    let bin = home.folder.path().join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kubelogin"), bin.join("kubelogin")).expect("linked");
    home.env("PATH", &bin.display().to_string())
}

fn doctor(home: &Home, authority: &Authority, more: &[&str]) -> (Said, Vec<Value>) {
    let words = [&["doctor", "-o", "json", "--authority-host", &authority.host, "-t", "TENANT"], more].concat();
    let said = home.tool(&words);
    let checks = said.json()["checks"].as_array().expect("a list").clone();
    (said, checks)
}

fn failed(checks: &[Value]) -> Vec<&Value> {
    checks.iter().filter(|check| check["state"] == json!("failed")).collect()
}

/// Exactly one check fails: this one, with these words, and with something to do.
fn only(found: &(Said, Vec<Value>), check: &str, message: &str) {
    let (said, checks) = found;
    let [one] = failed(checks)[..] else { panic!("{checks:#?}") };
    assert_eq!(one["check"], json!(check), "{one}");
    assert!(one["message"].as_str().is_some_and(|text| text.contains(message)), "{one}");
    assert!(one["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{one}");
    assert_eq!(said.code, Some(1));
}

fn program(home: &Home, folder: &str, says: &str) -> String {
    let bin = home.folder.path().join(folder);
    std::fs::create_dir_all(&bin).expect("a folder");
    let file = home.file(&format!("{folder}/kubelogin"), &format!("#!/bin/sh\nprintf '{says}'\n"));
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).expect("set");
    bin.display().to_string()
}

#[test]
fn row_23_where_all_is_well_every_check_is_one_line_and_nothing_fails() {
    let authority = Authority::start();
    let home = home(&authority);
    authority.answers(|_| (200, tokens_of("ann@corp.test", "token", 3600)));
    assert!(home.run(&DEVICE).ok);
    let text = home.tool(&["doctor", "--authority-host", &authority.host, "-t", "TENANT"]);
    assert_eq!(text.code, Some(0), "{text:?}");
    for start in [
        "ok   program: ",
        "ok   token cache: ",
        "ok   token service: ",
        "ok   clock: ",
        "ok   sign-in: ann@corp.test is signed in",
        "ok   kubectl's policy: ",
    ] {
        assert_eq!(text.stdout.lines().filter(|line| line.starts_with(start)).count(), 1, "{start}\n{}", text.stdout);
    }
    assert!(!text.stdout.contains("FAIL") && !text.stdout.contains("token-") && text.stderr.is_empty(), "{text:?}");
    assert!(home.run(&DEVICE).ok, "the refresh token that came with the check was kept");
}

#[test]
fn row_23_another_program_of_this_name_is_told_by_its_kind() {
    let authority = Authority::start();
    let home = home(&authority);
    let own = home.folder.path().join("bin").display().to_string();
    let original = program(&home, "azure", r"kubelogin version \ngit hash: v0.2.21/abc\nGo version: go1.25\n");
    let other = program(&home, "oidc", r"kubelogin version v1.34.0\n");
    let home = home.env("PATH", &format!("{original}:{own}:{other}"));
    let found = doctor(&home, &authority, &[]);
    only(&found, "program", "(Azure/kubelogin v0.2.21), not this one");
    let later = |check: &&Value| check["message"].as_str().is_some_and(|text| text.contains("later in PATH"));
    assert!(
        found
            .1
            .iter()
            .any(|check| later(&check) && check["message"].as_str().is_some_and(|text| text.contains("int128/kubelogin")))
    );
    let home = home.env("PATH", "/nowhere");
    only(&doctor(&home, &authority, &[]), "program", "PATH has no kubelogin");
}

#[test]
fn row_23_a_service_that_does_not_answer_or_is_not_believed_or_lives_in_another_time() {
    let authority = Authority::start();
    let home = home(&authority);
    authority.is_ahead(600);
    only(&doctor(&home, &authority, &[]), "clock", "s behind https://localhost");
    authority.is_ahead(0);
    let away = home.tool(&["doctor", "-o", "json", "--authority-host", "https://127.0.0.1:1/", "-t", "T"]);
    let checks = away.json()["checks"].as_array().expect("a list").clone();
    only(&(away, checks), "token service", "cannot reach 127.0.0.1:1");
    let home = home.env("SSL_CERT_FILE", "/dev/null");
    let found = doctor(&home, &authority, &[]);
    assert_eq!(failed(&found.1).len(), 1, "{found:?}");
}

#[test]
fn row_23_an_ended_sign_in_and_a_cache_that_cannot_be_used() {
    let authority = Authority::start();
    let home = home(&authority);
    authority.answers(|_| (200, tokens_of("ann@corp.test", "token", 3600)));
    assert!(home.run(&DEVICE).ok);
    authority.answers(|_| refusal("invalid_grant", "AADSTS50173: The grant was revoked."));
    only(&doctor(&home, &authority, &[]), "sign-in", "ann@corp.test has to sign in again: AADSTS50173");

    let folder = home.folder.path().join(".kube/cache/kubelogin");
    std::fs::write(folder.join("tokens/x.token"), "garbage").expect("written");
    let found = doctor(&home, &authority, &[]);
    assert!(
        failed(&found.1).iter().any(|check| check["message"].as_str().is_some_and(|text| text.contains("1 entries"))),
        "{found:?}"
    );
    std::fs::set_permissions(folder.join("key"), std::fs::Permissions::from_mode(0o644)).expect("set");
    only(&doctor(&home, &authority, &[]), "token cache", "others can read its key");

    let blocked = home.file("blocked", "").display().to_string();
    only(&doctor(&home, &authority, &["--cache-dir", &blocked]), "token cache", "cannot be written");
}

#[test]
fn row_24_kubectls_policy_is_explained_and_the_list_is_put_right_when_asked() {
    let authority = Authority::start();
    let home = home(&authority);
    std::fs::create_dir_all(home.folder.path().join(".kube")).expect("a folder");
    let list = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n# only the cloud's\ncredentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n- command: aws\n";
    let file = home.file(".kube/kuberc", list);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("set");
    only(&doctor(&home, &authority, &[]), "kubectl's policy", "does not have kubelogin");
    assert_eq!(std::fs::read_to_string(&file).expect("text"), list, "looking changes nothing");
    // Another program of the name is another program.
    home.file(".kube/kuberc", &list.replace("aws", "/some/other/kubelogin"));
    only(&doctor(&home, &authority, &[]), "kubectl's policy", "does not have kubelogin");
    home.file(".kube/kuberc", list);
    let (fixed, _) = doctor(&home, &authority, &["--fix"]);
    assert_eq!(fixed.code, Some(0), "{fixed:?}");
    assert_eq!(
        std::fs::read_to_string(&file).expect("text"),
        list.replace("- command: aws", "- command: kubelogin\n- command: aws")
    );
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
    assert_eq!(doctor(&home, &authority, &[]).0.code, Some(0));

    home.file(".kube/kuberc", "credentialPluginPolicy: DenyAll\n");
    for more in [&[][..], &["--fix"]] {
        only(&doctor(&home, &authority, more), "kubectl's policy", "DenyAll");
    }
}

#[test]
fn row_23_a_kubeconfig_that_cannot_work_is_named() {
    let authority = Authority::start();
    let home = home(&authority);
    let users = "users:\n- name: old\n  user: {auth-provider: {name: azure, config: {}}}\n- name: gone\n  user: {exec: {command: /opt/none/kubelogin, args: [get-token, -l, msi, --server-id, S]}}\n- name: oidc\n  user: {exec: {command: kubelogin, args: [get-token, --oidc-issuer-url=https://x]}}\n";
    let file = home.file("config", users).display().to_string();
    let (_, checks) = doctor(&home, &authority, &["--kubeconfig", &file]);
    let failed = failed(&checks);
    let said = |text: &str| failed.iter().any(|check| check["message"].as_str().is_some_and(|message| message.contains(text)));
    assert!(
        failed.len() == 2 && said("user \"old\" has the old form") && said("/opt/none/kubelogin, which is not there"),
        "{failed:#?}"
    );
    let broken = home.file("broken", "users: [\n").display().to_string();
    only(&doctor(&home, &authority, &["--kubeconfig", &broken]), "kubeconfig", "cannot be read");
    // Nobody writes into the pipe: reading it would never end.
    let pipe = home.file("pipe", "").display().to_string();
    std::fs::remove_file(&pipe).expect("removed");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("coreutils").success());
    only(&doctor(&home, &authority, &["--kubeconfig", &pipe]), "kubeconfig", "it is no regular file");
}
