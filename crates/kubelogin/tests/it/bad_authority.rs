//! A token service that is none, is another one, is slow or is hostile: one clear sentence, and nothing that lasts.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, date_time_ymd};

use crate::storms::{has_lock_open, until};
use crate::support::{Authority, Done, Home, device, refusal, tokens};

const SPN: [&str; 4] = ["-l", "spn", "--client-secret", "canary-secret"];

/// Failed with a message for people: what, at most two lines more, and nothing that a terminal would obey.
fn says(done: &Done, what: &str) {
    assert!(!done.ok && done.token.is_none(), "{done:?}");
    assert!(done.stderr.starts_with("Error: ") && done.stderr.contains(what), "{}", done.stderr);
    assert!(done.stderr.lines().count() <= 3, "{}", done.stderr);
    assert!(!done.stderr.contains("canary-secret") && !done.stderr.contains('\u{1b}'), "{}", done.stderr);
}

#[test]
fn a_page_instead_of_json_is_said_to_be_one() {
    let authority = Authority::start();
    authority.answers(|_| (200, "<html>captive portal</html>".into()));
    says(&Home::at(&authority).run(&SPN), "a page instead of JSON");
    authority.answers(|_| (404, "<html>no such page</html>".into()));
    says(&Home::at(&authority).run(&SPN), "404 Not Found for /TENANT/oauth2/v2.0/token");
    authority.answers(|_| (200, "{\"access_token\":12".into()));
    says(&Home::at(&authority).run(&SPN), "its JSON is not the expected one");
}

#[test]
fn a_redirect_is_not_followed() {
    let authority = Authority::start();
    authority.answers(|_| (302, String::new()));
    says(&Home::at(&authority).run(&SPN), "302 Found");
}

#[test]
fn a_certificate_for_another_name_is_not_believed() {
    let authority = Authority::named(&["other.test"]);
    says(&Home::at(&authority).run(&SPN), "a certificate that is made out to another name");
    assert!(authority.asked().is_empty());
}

#[test]
fn row_20_an_authority_with_another_kind_of_key_is_an_unknown_one() {
    let authority = Authority::start();
    // As after a reinstallation: the same name.
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let before = CertificateParams::new(["localhost".to_owned()]).expect("a name").self_signed(&key).expect("a certificate");
    let home = Home::at(&authority);
    let file = home.file("before.pem", &before.pem()).display().to_string();
    says(&home.env("SSL_CERT_FILE", &file).run(&SPN), "--certificate-authority");
}

#[test]
fn a_certificate_out_of_its_time_leads_to_the_clock() {
    for (from, until, what) in [(2001, 2002, "has expired"), (2901, 2902, "is not valid yet")] {
        let mut certificate = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        certificate.not_before = date_time_ymd(from, 1, 1);
        certificate.not_after = date_time_ymd(until, 1, 1);
        let authority = Authority::with(&certificate);
        let done = Home::at(&authority).run(&SPN);
        says(&done, what);
        assert!(done.stderr.contains("clock"), "{}", done.stderr);
    }
}

#[test]
fn row_20_an_authority_may_come_as_data() {
    use base64::Engine as _;
    let (authority, other) = (Authority::start(), Authority::start());
    let home = Home::at(&authority);
    let wrong = home.file("other.pem", &other.ca_pem).display().to_string();
    let home = home.env("SSL_CERT_FILE", &wrong);
    says(&home.run(&SPN), "--certificate-authority");
    let coded = base64::engine::general_purpose::STANDARD.encode(&authority.ca_pem);
    assert!(home.run(&[&SPN[..], &["--certificate-authority-data", &coded]].concat()).ok);
    let done = home.run(&[&SPN[..], &["--client-secret", "x", "--certificate-authority-data", "%%%"]].concat());
    says(&done, "the certificate authority data cannot be used");
}

#[test]
fn somebody_who_speaks_no_tls_is_no_token_service() {
    let plain = listen(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    says(&Home::at(&Authority::start()).run(&[&SPN[..], &["--authority-host", &plain]].concat()), "cannot reach localhost:");
}

#[test]
fn nobody_waits_for_ever() {
    let silent = listen(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let since = Instant::now();
    let done = Home::at(&Authority::start()).run(&[&SPN[..], &["--authority-host", &silent, "--timeout", "1s"]].concat());
    says(&done, "timed out after 1 s");
    assert!(since.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_time_for_the_run_covers_the_wait_for_another_and_the_network() {
    let silent = listen(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let home = Home::at(&Authority::start());
    let words = |limit: &'static str| [&SPN[..], &["--authority-host", &silent, "--timeout", limit]].concat();
    let leader = home.start(&words("3s"));
    until("it has the lock", || has_lock_open(&leader));
    let since = Instant::now();
    let done = home.run(&words("4s"));
    says(&done, "timed out after 4 s");
    assert!(since.elapsed() < Duration::from_millis(5500), "{:?}", since.elapsed());
    assert!(!Done::of(&leader.wait_with_output().expect("ends")).ok);
}

#[test]
fn a_time_for_the_run_covers_every_way_of_a_chain() {
    let authority = Authority::start();
    authority.answers(|_| refusal("authorization_pending", ""));
    let home = Home::at(&authority);
    let az = home.file("az", "#!/bin/sh\nexec /bin/sleep 30\n");
    std::fs::set_permissions(az, std::fs::Permissions::from_mode(0o755)).expect("set");
    let folder = home.folder.path().display().to_string();
    let since = Instant::now();
    says(&home.env("PATH", &folder).run(&["-l", "chained", "--timeout", "3s"]), "timed out after 3 s");
    assert!(since.elapsed() < Duration::from_millis(4500), "{:?}", since.elapsed());
}

#[test]
fn an_answer_without_an_end_is_not_read_to_it() {
    let authority = Authority::start();
    authority.answers(|_| (200, "x".repeat(8 << 20)));
    says(&Home::at(&authority).run(&SPN), "the answer is too large");
}

#[test]
fn row_26_the_service_cannot_play_with_the_terminal() {
    let authority = Authority::start();
    authority.answers(|_| refusal("access_denied", "\u{1b}]0;title"));
    let done = Home::at(&authority).run(&device(&[]));
    assert!(!done.ok && done.stderr.contains("\\u{1b}[31m") && !done.stderr.contains('\u{1b}'), "{}", done.stderr);
    assert!(done.stderr.contains("Error: failed to authenticate: the sign-in was declined"), "{}", done.stderr);
    authority.answers(|_| refusal("invalid_client\u{1b}[2J", "AADSTS1: \u{9b}31m\u{7}\u{202e}gnp"));
    says(&Home::at(&authority).run(&SPN), "AADSTS1: \\u{9b}31m\\u{7}\\u{202e}gnp");
}

#[test]
fn trouble_that_passes_is_waited_for_and_trouble_that_stays_is_told() {
    let authority = Authority::start();
    for status in [429, 503] {
        let tries = AtomicUsize::new(0);
        authority.answers(move |_| {
            if tries.fetch_add(1, Ordering::Relaxed) == 0 { (status, String::new()) } else { (200, tokens("late", 3600)) }
        });
        assert_eq!(Home::at(&authority).run(&SPN).token.as_deref(), Some("late"));
    }
    authority.asked();
    authority.answers(|_| (503, "<html>".into()));
    says(&Home::at(&authority).run(&SPN), "503 Service Unavailable");
    assert_eq!(authority.asked().iter().filter(|request| request.path.ends_with("/token")).count(), 4);
}

/// Somebody on this machine who does this with every connection; the address.
fn listen(with: impl Fn(std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = format!("https://localhost:{}/", listener.local_addr().expect("a port").port());
    std::thread::spawn(move || listener.incoming().flatten().for_each(with));
    host
}
