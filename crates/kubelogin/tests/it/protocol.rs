//! The program against a token service: what it asks, what it keeps, and what it does when things go wrong.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Authority, Done, Home, Request, refusal, tokens};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

fn count(asked: &[Request], tail: &str) -> usize {
    asked.iter().filter(|request| request.path.ends_with(tail)).count()
}

fn device(more: &[&'static str]) -> Vec<&'static str> {
    [&["-l", "devicecode"], more].concat()
}

#[test]
fn the_requests_are_those_of_the_original() {
    let recorded: Value = serde_json::from_str(include_str!("../data/wire.json")).expect("JSON");
    let (certificate, leaf) = application_certificate();
    for mode in recorded["modes"].as_array().expect("a list") {
        let id = mode["id"].as_str().expect("a name");
        let authority = Authority::start();
        let polls = AtomicUsize::new(0);
        authority.answers(move |request| {
            if request.grant() == "device_code" && polls.fetch_add(1, Ordering::Relaxed) == 0 {
                return refusal("authorization_pending", "");
            }
            (200, tokens("token", 3600))
        });
        let mut home = Home::at(&authority);
        for name in mode["env"].as_array().expect("a list").iter().filter_map(Value::as_str) {
            home = home.env(name, &variable(name, &authority.host));
        }
        let client = home.file("client.pem", &certificate).display().to_string();
        let file = home.file("tokenfile", "SA-JWT\n").display().to_string();
        let mut words: Vec<&str> = mode["args"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        // Those that every call of this home has already.
        for known in ["--client-id", "-t", "--authority-host"] {
            if let Some(at) = words.iter().position(|word| *word == known) {
                words.drain(at..at + 2);
            } else if known == "--client-id" {
                // Without an application of its own: the machine's identity.
                words.extend(["--client-id", ""]);
            }
        }
        let words: Vec<&str> = words
            .into_iter()
            .map(|word| match word {
                "client.pem" => &client,
                "tokenfile" => &file,
                other => other,
            })
            .collect();
        let done = home.run(&words);
        assert!(done.ok, "{id}: {}", done.stderr);

        let asked = authority.asked();
        let wanted = mode["requests"].as_array().expect("a list");
        assert_eq!(asked.len(), wanted.len(), "{id}: {asked:#?}");
        for (request, wanted) in asked.iter().zip(wanted) {
            compare(id, request, wanted, &authority.host, &leaf);
        }
    }
}

fn compare(id: &str, request: &Request, wanted: &Value, host: &str, leaf: &str) {
    let text = |value: &Value| value.as_str().unwrap_or_default().replace("6dae42f8-4368-4678-94ff-3960e28e3630", "SERVER");
    let lower = |text: String| text.replace("/TENANT/", "/tenant/");
    assert_eq!(request.method, text(&wanted["method"]), "{id}");
    assert_eq!(request.path, lower(text(&wanted["path"])), "{id}");
    for (name, value) in wanted["query"].as_object().into_iter().flatten() {
        assert_eq!(request.query.get(name), Some(&text(value)), "{id}: {name}");
    }
    for name in ["return-client-request-id", "accept", "authorization", "metadata", "x-identity-header", "x-tfs-fedauthredirect"]
    {
        if let Some(value) = wanted["headers"].get(name) {
            assert_eq!(request.headers.get(name).map(String::as_str), value.as_str(), "{id}: {name}");
        }
    }
    let Some(form) = wanted["form"].as_object() else { return assert!(request.form.is_empty(), "{id}") };
    let mut names: Vec<&str> = form.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(request.form.keys().map(String::as_str).collect::<Vec<_>>(), names, "{id}");
    for (name, value) in form {
        let got = &request.form[name];
        if value.is_object() {
            check_assertion(got, request, host, leaf);
        } else {
            // A file's last line end is not part of its token.
            assert_eq!(*got, text(value).trim_end(), "{id}: {name}");
        }
    }
}

fn check_assertion(jwt: &str, request: &Request, host: &str, leaf: &str) {
    let part = |at: usize| -> Value {
        let text = jwt.split('.').nth(at).expect("three parts");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64")).expect("JSON")
    };
    let (header, claims) = (part(0), part(1));
    let legacy = request.query.contains_key("api-version");
    let (alg, thumbprint, length, life, tail) =
        if legacy { ("RS256", "x5t", 28, 86400, "?api-version=1.0") } else { ("PS256", "x5t#S256", 44, 600, "") };
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned).unwrap_or_default();
    assert_eq!([text(&header["alg"]), text(&header["typ"]), text(&header["x5c"][0])], [alg, "JWT", leaf]);
    assert_eq!(text(&header[thumbprint]).len(), length);
    assert_eq!(text(&claims["aud"]), format!("{}{}{tail}", host.trim_end_matches('/'), request.path));
    assert_eq!([text(&claims["iss"]), text(&claims["sub"])], ["CLIENT", "CLIENT"]);
    assert_eq!(claims["exp"].as_i64().zip(claims["nbf"].as_i64()).map(|(exp, nbf)| exp - nbf), Some(life));
    assert!(claims["jti"].is_string());
}

/// The variables that pipelines and machines set.
fn variable(name: &str, host: &str) -> String {
    match name {
        "ACTIONS_ID_TOKEN_REQUEST_URL" => format!("{host}ghoidc?x=1"),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => "GH-TOKEN".into(),
        "SYSTEM_OIDCREQUESTURI" => format!("{host}oidctoken/abc"),
        "SYSTEM_ACCESSTOKEN" => "ADO-TOKEN".into(),
        "IDENTITY_ENDPOINT" | "MSI_ENDPOINT" => format!("{host}msi/token"),
        "IDENTITY_HEADER" => "HDR".into(),
        other => panic!("what is {other}?"),
    }
}

/// Key and certificate in one PEM, and the certificate as it stands in `x5c`.
fn application_certificate() -> (String, String) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let certificate =
        rcgen::CertificateParams::new(["app".to_owned()]).expect("parameters").self_signed(&key).expect("a certificate");
    (format!("{}{}", key.serialize_pem(), certificate.pem()), STANDARD.encode(certificate.der()))
}

#[test]
fn row_3_many_first_calls_ask_once() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    let calls: Vec<_> = (0..20).map(|_| home.start(&device(&[]))).collect();
    let done: Vec<Done> = calls.into_iter().map(|call| Done::of(&call.wait_with_output().expect("ends"))).collect();
    assert!(done.iter().all(|done| done.token.as_deref() == Some("token-1")), "{done:#?}");
    assert_eq!(done.iter().filter(|done| done.stderr.contains("To sign in")).count(), 1);
    let asked = authority.asked();
    assert_eq!((count(&asked, "/devicecode"), count(&asked, "/token")), (1, 1));
    // From now on nobody is asked at all.
    assert_eq!(home.run(&device(&[])).token.as_deref(), Some("token-1"));
    assert!(authority.asked().is_empty());
}

#[test]
fn row_3_a_killed_leader_is_followed_by_another() {
    let authority = Authority::start();
    authority.answers(|_| refusal("authorization_pending", ""));
    let home = Home::at(&authority);
    let mut leader = home.start(&device(&[]));
    while count(&authority.asked(), "/devicecode") == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let follower = home.start(&device(&[]));
    leader.kill().expect("killed");
    leader.wait().expect("ended");
    authority.answers(|_| (200, tokens("token-2", 3600)));
    assert_eq!(Done::of(&follower.wait_with_output().expect("ends")).token.as_deref(), Some("token-2"));
}

#[test]
fn row_4_an_expired_token_is_refreshed_once() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    authority.answers(|_| (200, tokens("old", 60)));
    assert_eq!(home.run(&device(&[])).token.as_deref(), Some("old"));
    authority.asked();
    authority.answers(|request| {
        assert_eq!((request.grant(), request.form["refresh_token"].as_str()), ("refresh_token", "refresh-old"));
        (200, tokens("new", 3600))
    });
    let calls: Vec<_> = (0..20).map(|_| home.start(&device(&[]))).collect();
    for call in calls {
        let done = Done::of(&call.wait_with_output().expect("ends"));
        assert_eq!((done.token.as_deref(), done.stderr.as_str()), (Some("new"), ""));
    }
    let asked = authority.asked();
    assert_eq!((count(&asked, "/devicecode"), count(&asked, "/token")), (0, 1));
}

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

#[test]
fn row_10_nobody_is_asked_where_nobody_looks() {
    let authority = Authority::start();
    let home = Home::at(&authority)
        .env("KUBERNETES_EXEC_INFO", r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#);
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
fn row_26_the_service_cannot_play_with_the_terminal() {
    let authority = Authority::start();
    authority.answers(|_| refusal("access_denied", "\u{1b}]0;title"));
    let done = Home::at(&authority).run(&device(&[]));
    assert!(!done.ok && done.stderr.contains("\\u{1b}[31m") && !done.stderr.contains('\u{1b}'), "{}", done.stderr);
    assert!(done.stderr.contains("Error: failed to authenticate: the sign-in was declined"), "{}", done.stderr);
}

#[test]
fn a_page_instead_of_json_is_said_to_be_one() {
    let authority = Authority::start();
    authority.answers(|_| (200, "<html>captive portal</html>".into()));
    let done = Home::at(&authority).run(&["-l", "spn", "--client-secret", "s"]);
    assert!(done.stderr.contains("a page instead of JSON") && done.stderr.lines().count() <= 3, "{}", done.stderr);
}

#[test]
fn a_home_that_cannot_be_written_does_not_stop_anybody() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    let blocked = home.file("blocked", "").display().to_string();
    let done = home.run(&["-l", "spn", "--client-secret", "s", "--cache-dir", &blocked]);
    assert!(done.ok && done.stderr.contains("Warning: the token cache"), "{}", done.stderr);
}

#[test]
fn trouble_that_passes_is_waited_for() {
    let authority = Authority::start();
    let tries = AtomicUsize::new(0);
    authority.answers(move |_| {
        if tries.fetch_add(1, Ordering::Relaxed) == 0 { (503, String::new()) } else { (200, tokens("late", 3600)) }
    });
    assert_eq!(Home::at(&authority).run(&["-l", "spn", "--client-secret", "s"]).token.as_deref(), Some("late"));
}
