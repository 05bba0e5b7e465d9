//! `--login chained`, and environments by name.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Authority, Home, alone, count, refusal, tokens};

const CHAINED: [&str; 4] = ["-l", "chained", "-v", "2"];

fn script(home: &Home, name: &str, text: &str) {
    let file = home.file(name, &format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).expect("set");
}

/// Tokens that tell by which grant they came.
fn told(authority: &Authority) {
    authority.answers(|request| match request.form.get("client_assertion").map(String::as_str) {
        Some("POD-TOKEN") => (200, tokens("workload", 3600)),
        _ => (200, tokens(request.grant(), 3600)),
    });
}

#[test]
fn row_22_a_chain_ends_where_it_should() {
    alone("chained::inside_");
}

#[test]
#[ignore = "started by the test above, where no machine's identity answers"]
fn inside_the_first_way_that_is_offered_wins_and_is_named() {
    let authority = Authority::start();
    told(&authority);
    let home = Home::at(&authority);
    let path = home.folder.path().display().to_string();
    // Nothing listens where a virtual machine's identity would be; no `az`; no browser: a code does it.
    let home = home.env("PATH", "/nowhere").env("MSI_ENDPOINT", "");
    let done = home.run(&CHAINED);
    assert_eq!(done.token.as_deref(), Some("device_code"), "{}", done.stderr);
    assert!(
        done.stderr.contains("chained: interactive it is") && done.stderr.contains("chained: not azurecli"),
        "{}",
        done.stderr
    );
    // The next call comes to the same end without looking for anything.
    authority.asked();
    let again = home.run(&CHAINED);
    assert_eq!(again.token.as_deref(), Some("device_code"), "{}", again.stderr);
    assert!(authority.asked().is_empty());

    // `az` in a home of its own, where nobody signed in before.
    let other = Home::at(&authority).env("PATH", &format!("{path}:/bin:/usr/bin"));
    script(&home, "az", r#"echo '{"accessToken":"from-az","expires_on":4102444800}'"#);
    let done = other.run(&CHAINED);
    assert_eq!(done.token.as_deref(), Some("from-az"), "{}", done.stderr);

    // What a pod has beats it, and a secret beats that.
    let token = home.file("token", "POD-TOKEN").display().to_string();
    let other = other.env("AZURE_FEDERATED_TOKEN_FILE", &token);
    assert_eq!(other.run(&CHAINED).token.as_deref(), Some("workload"));
    let other = other.env("AZURE_CLIENT_SECRET", "canary-secret");
    let done = other.run(&CHAINED);
    assert_eq!(done.token.as_deref(), Some("client_credentials"), "{}", done.stderr);
    assert!(done.stderr.contains("chained: spn it is") && !done.stderr.contains("canary-secret"), "{}", done.stderr);
    // Also where a person signed in before.
    assert_eq!(home.env("AZURE_CLIENT_SECRET", "s").run(&CHAINED).token.as_deref(), Some("client_credentials"));
}

#[test]
fn row_22_what_is_meant_and_refused_is_not_hidden_behind_a_person() {
    let authority = Authority::start();
    authority.answers(|_| refusal("invalid_client", "AADSTS7000215: Invalid client secret."));
    let home = Home::at(&authority).env("PATH", "/nowhere").env("AZURE_CLIENT_SECRET", "wrong");
    let done = home.run(&["-l", "chained"]);
    assert!(!done.ok && done.stderr.contains("AADSTS7000215"), "{}", done.stderr);
    assert_eq!(count(&authority.asked(), "/devicecode"), 0);
}

#[test]
#[ignore = "started by the first test, where no machine's identity answers"]
fn inside_nobody_is_asked_where_nobody_looks() {
    let authority = Authority::start();
    let exec = r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#;
    let done = Home::at(&authority).env("PATH", "/nowhere").env("KUBERNETES_EXEC_INFO", exec).run(&["-l", "chained"]);
    assert!(!done.ok && done.stderr.contains("kubelogin get-token --login chained"), "{}", done.stderr);
    assert!(authority.asked().is_empty());
}

#[test]
fn row_21_environments_of_ones_own_have_names() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    let ca = home.folder.path().join("ca.pem").display().to_string();
    let nothing = home.file("nothing.pem", "").display().to_string();
    let kubelogin = env!("CARGO_BIN_EXE_kubelogin");
    let home = home.bare(Path::new(kubelogin)).env("SSL_CERT_FILE", &nothing);
    let words = |name: &'static str| {
        ["get-token", "-l", "spn", "--client-secret", "s", "--client-id", "C", "-t", "T", "--server-id", "S", "-e", name]
    };
    let done = home.run(&words("Contoso"));
    assert!(!done.ok && done.stderr.contains("environment \"Contoso\" is not known"), "{}", done.stderr);
    std::fs::create_dir(home.folder.path().join(".kube")).expect("a folder");
    let file = format!("environments:\n  contoso:\n    authority-host: {}\n    certificate-authority: {ca}\n", authority.host);
    home.file(".kube/kubelogin.yaml", &file);
    let done = home.run(&words("Contoso"));
    assert_eq!(done.token.as_deref(), Some("token-1"), "{}", done.stderr);
    assert!(done.stderr.is_empty());
    assert!(home.run(&words("Other")).stderr.contains("it is not there"));
    let elsewhere =
        home.file("mine.yaml", "environments:\n  other: {authority-host: 'http://localhost:1/'}\n").display().to_string();
    let home = home.env("KUBELOGIN_CONFIG", &elsewhere);
    assert!(home.run(&words("other")).stderr.contains("without https"));
}
