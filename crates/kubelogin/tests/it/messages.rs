//! What people and programs read when something goes wrong: short, with the next step, without secrets, in one shape.

use serde_json::{Value, json};

use crate::support::{Authority, Done, Home, refusal, tokens, tokens_of};

const SPN: [&str; 4] = ["-l", "spn", "--client-secret", "secret-canary"];
const ALONE: &str = r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#;

fn with<'a>(words: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [words, more].concat()
}

/// With everything that a form, JSON or a page spells in its own way.
const ODD: &str = "odd \"&\\ä/+'<canary>%";

/// A service that refuses and sends back what it got, as it stood and as it was sent.
fn echo(authority: &Authority) {
    authority.answers(|request| {
        let all: Vec<&str> = request.form.values().map(String::as_str).collect();
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.form).finish();
        let said = format!("AADSTS7000215: Invalid client secret provided: {} {form} {}", all.join(" "), json!(all));
        let body = json!({
            "error": "invalid_client", "error_description": said, "error_codes": [7_000_215], "correlation_id": "c0-ffee",
            "access_token": "access-canary", "trace": "eyJhbGciOi.eyJzdWIi.jwt-canary",
        });
        (401, body.to_string())
    });
}

#[test]
fn row_13_an_error_is_three_lines_with_the_next_step_and_the_correlation_id() {
    let authority = Authority::start();
    echo(&authority);
    let done = Home::at(&authority).run(&SPN);
    let lines: Vec<&str> = done.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{done:?}");
    assert!(lines[0].starts_with("Error: failed to get token: AADSTS7000215: Invalid client secret provided"), "{done:?}");
    assert_eq!(lines[1], "hint: the client secret is wrong; it must be the secret's value, not its id");
    assert_eq!(lines[2], "correlation id: c0-ffee");
}

#[test]
fn row_13_the_whole_answer_is_shown_at_level_5_and_no_level_shows_a_secret() {
    for level in ["0", "1", "5", "9", "99"] {
        let authority = Authority::start();
        let home = Home::at(&authority).env("AZURE_USERNAME", "ann@corp.test");
        echo(&authority);
        let refused = home.run(&with(&SPN, &["-v", level]));
        assert_eq!(refused.stderr.contains("RESPONSE 401"), level.len() == 2 || level >= "5", "{refused:?}");
        let by_password = home.run(&["-l", "ropc", "--username", "ann@corp.test", "--password", "password-canary", "-v", level]);
        let odd_secret = home.run(&["-l", "spn", "--client-secret", ODD, "-v", level]);
        assert!(odd_secret.stderr.contains("AADSTS7000215"), "{odd_secret:?}");
        authority.answers(|_| (200, tokens_of("ann@corp.test", "access-canary", 60).replace("refresh-", "refresh-canary-")));
        let device = ["-l", "devicecode", "-v", level];
        let good = home.run(&device);
        assert!(good.ok, "{good:?}");
        echo(&authority);
        // With the old token at hand a refused refresh leads to a code, and that to a refusal.
        let refresh = home.run(&device);
        authority.answers(|_| (200, "\"access-canary as JSON\"".into()));
        let odd = home.run(&with(&SPN, &["-v", level]));
        for done in [refused, by_password, odd_secret, good, refresh, odd] {
            assert!(!done.stderr.contains("canary"), "level {level}: {}", done.stderr);
        }
    }
}

#[test]
fn row_13_every_failure_is_short() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    let missing = home.folder.path().join("missing.pem").display().to_string();
    let html = "<html>\n".repeat(100);
    authority.answers(move |_| (500, html.clone()));
    let cases: &[&[&str]] = &[
        &["-l", "oidc"],
        &["--nope"],
        &["-l", "spn"],
        &["-l", "spn", "--client-secret", "s", "--authority-host", "https://127.0.0.1:1/"],
        &["-l", "spn", "--client-secret", "s", "--authority-host", "https://nowhere.invalid/"],
        &["-l", "spn", "--client-secret", "s", "--certificate-authority", &missing],
        &["-l", "spn", "--client-certificate", &missing],
        &["-l", "spn", "--client-secret", "s", "-e", "Mars"],
        &["-l", "spn", "--client-secret", "s", "-t", "a/b"],
        &["-l", "spn", "--client-secret", "s", "--timeout", "300ms"],
        &["-l", "azurecli"],
        &["-l", "workloadidentity", "--federated-token-file", &missing],
        &["-l", "azurepipelines"],
    ];
    for words in cases {
        let done = home.run(words);
        assert!(!done.ok && done.code == Some(1) && (1..=3).contains(&done.stderr.lines().count()), "{words:?}: {}", done.stderr);
        assert!(done.stderr.starts_with("Error: ") && done.token.is_none(), "{words:?}: {}", done.stderr);
    }
}

#[test]
fn row_14_as_json_each_message_is_one_object_with_the_same_keys() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    let objects = |done: &Done| -> Vec<Value> {
        done.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    };
    let device = home.run(&["-l", "devicecode", "--log-format", "json"]);
    assert_eq!(device.token.as_deref(), Some("token-1"), "standard output is as ever");
    let told = objects(&device);
    let [prompt] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        prompt.as_object().expect("an object").keys().collect::<Vec<_>>(),
        ["time", "level", "event", "message", "address", "userCode", "goodForSeconds"]
    );
    assert_eq!(
        (&prompt["event"], &prompt["userCode"], &prompt["address"]),
        (&json!("signIn"), &json!("CODE"), &json!("https://h/d"))
    );

    echo(&authority);
    for words in [&["--output", "json"][..], &["-o", "json"], &["--log-format=json", "-v", "5"]] {
        let refused = home.run(&with(&SPN, words));
        let mut told = objects(&refused);
        let last = told.pop().expect("an error");
        assert_eq!(
            last.as_object().expect("an object").keys().collect::<Vec<_>>(),
            ["time", "level", "event", "message", "kind", "exitCode", "hint", "correlationId", "code"]
        );
        assert_eq!((&last["level"], &last["kind"], &last["code"]), (&json!("error"), &json!("denied"), &json!("AADSTS7000215")));
        assert!(last["message"].as_str().is_some_and(|text| text.starts_with("failed to get token: AADSTS7000215")), "{last}");
    }
    let home = home.env("KUBELOGIN_LOG_FORMAT", "json");
    for words in [&["--nope"][..], &["-l", "oidc"], &["-l", "spn", "--client-secret", "s", "--cache-dir", "/dev/null"]] {
        assert!(!objects(&home.run(words)).is_empty());
    }
    let unknown = home.run(&["-o", "yaml"]);
    assert!(unknown.stderr.contains("is no format for messages: text or json"), "{unknown:?}");
}

#[test]
fn row_14_global_options_may_stand_before_the_command() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    for words in [
        &["-o", "json", "status"][..],
        &["--log-format", "json", "status", "--output=json"],
        &["-v", "1", "-o", "json", "status"],
    ] {
        let said = home.tool(words);
        assert!(said.code == Some(0) && said.json()["caches"].is_array(), "{words:?}: {said:?}");
    }
    let wrong = home.tool(&["--log-format", "json", "frobnicate"]);
    assert!(wrong.stderr.contains(r#"unknown command \"frobnicate\""#), "{wrong:?}");
}

#[test]
fn row_14_version_help_and_the_manual_page_are_objects_too() {
    let home = Home::at(&Authority::start());
    let version = home.tool(&["version", "-o", "json"]).json();
    assert!(version["version"].is_string() && version["platform"].as_str().is_some_and(|text| text.contains('/')), "{version}");
    assert_eq!(home.tool(&["--version", "-o", "json"]).json(), version);
    assert!(home.tool(&["version"]).stdout.starts_with("kubelogin version \ngit hash: v"), "five lines as ever");
    let help = home.tool(&["help", "-o", "json", "logout"]).json();
    assert_eq!((&help["command"], home.tool(&["logout", "--help", "-o", "json"]).json()), (&json!("logout"), help.clone()));
    assert!(help["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag["name"] == json!("all"))), "{help}");
    let root = home.tool(&["--help", "--output=json"]).json();
    assert!(root["commands"].as_array().is_some_and(|names| names.contains(&json!("doctor"))), "{root}");
    assert!(home.tool(&["man", "-o", "json"]).json()["page"].as_str().is_some_and(|page| page.starts_with(".TH KUBELOGIN")));
}

#[test]
fn row_15_the_exit_code_tells_the_kind_where_that_is_asked_for() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    authority.answers(|_| refusal("invalid_client", "AADSTS7000215: no"));
    let alone = Home::at(&authority).env("KUBERNETES_EXEC_INFO", ALONE);
    let cases: [(&Home, &[&str], i32); 7] = [
        (&home, &["-l", "oidc"], 2),
        (&home, &["--nope"], 2),
        (&home, &["-l", "spn"], 2),
        (&alone, &["-l", "devicecode"], 3),
        (&home, &SPN, 4),
        (&home, &["-l", "spn", "--client-secret", "s", "--authority-host", "https://127.0.0.1:1/"], 5),
        (&home, &["-l", "spn", "--client-secret", "s", "--timeout", "1ns"], 6),
    ];
    for (home, words, code) in cases {
        assert_eq!(home.run(words).code, Some(1), "{words:?}");
        let done = home.run(&with(words, &["--exit-codes"]));
        assert_eq!(done.code, Some(code), "{words:?}: {}", done.stderr);
    }
    let home = home.env("KUBELOGIN_EXIT_CODES", "1");
    assert_eq!(home.run(&SPN).code, Some(4));
    authority.answers(|_| (200, tokens("good", 3600)));
    assert_eq!(home.run(&SPN).code, Some(0));
}

#[test]
fn row_25_a_clock_that_is_off_is_part_of_the_error() {
    let authority = Authority::start();
    authority.answers(|_| refusal("invalid_client", "AADSTS700024: Client assertion is not within its valid time range."));
    let home = Home::at(&authority);
    let fine = home.run(&SPN);
    assert!(!fine.stderr.contains("clock"), "{fine:?}");
    for (ahead, said) in [(300, "300 s behind the server's"), (-3600, "60 min ahead of the server's")] {
        authority.is_ahead(ahead);
        let off = home.run(&SPN);
        assert!(off.stderr.contains("hint: this machine's clock is ") && off.stderr.lines().count() <= 3, "{off:?}");
        // The second may change between the two.
        let near = said.replace("300", "299");
        assert!(off.stderr.contains(said) || off.stderr.contains(&near) || off.stderr.contains("59 min"), "{off:?}");
    }
}

#[test]
fn a_variable_that_replaces_an_option_is_named_at_level_1() {
    let authority = Authority::start();
    let home = Home::at(&authority).env("AZURE_CLIENT_ID", "OTHER");
    let done = home.run(&with(&SPN, &["-v", "1"]));
    assert!(done.ok && done.stderr.contains("AZURE_CLIENT_ID"), "{done:?}");
    assert!(home.run(&SPN).stderr.is_empty());
}
