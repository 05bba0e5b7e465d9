//! Every request of every way to sign in, field by field as the original sends it; the original itself runs beside ours.
//!
//! It happens in a network of its own, where the address of the machine's identity is ours and there is no way out. Hosts of Microsoft's
//! are reached through a proxy that knows one host only: the token service of the test.
//!
//! What a program says of itself (`user-agent`, `x-client-sku`) is there and not compared.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::browser::{bring, opened, with_browser};
use crate::support::{Authority, Done, Home, IDENTITY, Request, alone, programs, refusal};

const HOSTS: [&str; 4] = ["localhost", "login.microsoftonline.com", "login.chinacloudapi.cn", "idp.corp.test"];
const SERVER: &str = "6dae42f8-4368-4678-94ff-3960e28e3630";

#[test]
fn the_requests_are_those_of_the_original() {
    for line in alone("wire::in_a_network_of_its_own").lines().filter(|line| line.contains("variants")) {
        eprintln!("{line}");
    }
}

#[test]
#[ignore = "started by the test above, where the machine's identity is ours"]
fn in_a_network_of_its_own() {
    let recorded: Value = serde_json::from_str(include_str!("../data/wire.json")).expect("JSON");
    let modes = recorded["modes"].as_array().expect("a list");
    assert_eq!(modes.len(), 22);
    let (certificate, machine) = (Certificate::make(), Machine::start());
    for (name, program) in programs() {
        for mode in modes {
            Variant { name, program: &program, mode, certificate: &certificate, machine: &machine }.check();
        }
        eprintln!("{name}: {} variants, each request equal", modes.len());
    }
}

/// Key and certificate in one PEM, and the certificate as it stands in `x5c`.
struct Certificate {
    pem: String,
    leaf: String,
}

impl Certificate {
    fn make() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
        let made =
            rcgen::CertificateParams::new(["app".to_owned()]).expect("parameters").self_signed(&key).expect("a certificate");
        Self { pem: format!("{}{}", key.serialize_pem(), made.pem()), leaf: STANDARD.encode(made.der()) }
    }
}

/// One way to sign in, with one program.
struct Variant<'a> {
    name: &'a str,
    program: &'a Path,
    mode: &'a Value,
    certificate: &'a Certificate,
    machine: &'a Machine,
}

impl Variant<'_> {
    fn id(&self) -> String {
        format!("{}, {}", self.mode["id"].as_str().unwrap_or_default(), self.name)
    }

    fn check(&self) {
        let id = self.id();
        let authority = Authority::named(&HOSTS);
        let polls = AtomicUsize::new(0);
        authority.answers(move |request| {
            if request.form.get("grant_type").is_some_and(|grant| grant == "device_code")
                && polls.fetch_add(1, Ordering::Relaxed) == 0
            {
                return refusal("authorization_pending", "");
            }
            (200, success(request))
        });
        let home = self.home(&authority);
        let call = home.start(&self.words(&home, &authority));
        if self.mode["browser"].is_object() {
            let asked = opened(&home);
            self.compare_page(&asked);
            let said = [("code", "AUTHCODE"), ("state", &asked["state"]), ("client_info", &client_info())];
            bring(&asked["redirect_uri"], &said);
        }
        let done = Done::of(&call.wait_with_output().expect("ends"));
        assert_eq!(done.ok, self.mode["exit"] == json!(0), "{id}: {}", done.stderr);

        let asked = [authority.asked(), self.machine.asked()].concat();
        let wanted = self.mode["requests"].as_array().expect("a list");
        assert_eq!(asked.len(), wanted.len(), "{id}: {asked:#?}");
        for (request, wanted) in asked.iter().zip(wanted) {
            self.compare(request, wanted, &authority);
        }
        if self.mode["credential_token"].is_object() {
            check_proof(&id, &done.token.expect("a token"), &self.mode["credential_token"]);
        }
    }

    /// Where hosts that are not on this machine are reached through the proxy.
    fn home(&self, authority: &Authority) -> Home {
        let proxy = proxy(authority.port());
        let home = with_browser(Home::at(authority).bare(self.program));
        let mut home = home.env("HTTPS_PROXY", &proxy).env("NO_PROXY", "localhost,127.0.0.1");
        for name in self.mode["env"].as_array().expect("a list").iter().filter_map(Value::as_str) {
            home = home.env(name, &variable(name, &authority.host));
        }
        home
    }

    fn words(&self, home: &Home, authority: &Authority) -> Vec<String> {
        let put = |word: &str| match word {
            "client.pem" => home.file("client.pem", &self.certificate.pem).display().to_string(),
            "tokenfile" => home.file("tokenfile", "SA-JWT\n").display().to_string(),
            "https://AUTHORITY/" => authority.host.clone(),
            other => other.to_owned(),
        };
        let words = self.mode["args"].as_array().expect("a list").iter().filter_map(Value::as_str).map(put);
        ["get-token", "--server-id", SERVER].map(ToOwned::to_owned).into_iter().chain(words).collect()
    }

    fn compare_page(&self, asked: &BTreeMap<String, String>) {
        let wanted = self.mode["browser"]["query"].as_object().expect("a map");
        let mut names: Vec<&str> = wanted.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(asked.keys().map(String::as_str).collect::<Vec<_>>(), names, "{}", self.id());
        for (name, value) in wanted {
            assert!(fits(&asked[name], value.as_str().expect("text")), "{}: {name}: {}", self.id(), asked[name]);
        }
    }

    fn compare(&self, request: &Request, wanted: &Value, authority: &Authority) {
        let id = self.id();
        let local = format!("localhost:{}", authority.port());
        let put = |text: &str| text.replace("AUTHORITY", &local).replace("BROKER", &local);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        assert_eq!(request.method, text(&wanted["method"]), "{id}");
        assert_eq!(request.headers["host"], put(&text(&wanted["host"])), "{id}");
        assert_eq!(request.path, text(&wanted["path"]), "{id}");
        let query: BTreeMap<String, String> =
            wanted["query"].as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect();
        assert_eq!(request.query, query, "{id}");
        for (name, value) in wanted["headers"].as_object().expect("a map") {
            let got = request.headers.get(name).unwrap_or_else(|| panic!("{id}: no {name}"));
            assert!(matches!(name.as_str(), "user-agent" | "x-client-sku") || *got == text(value), "{id}: {name}: {got}");
        }
        let form = wanted["form"].as_object();
        let mut names: Vec<&String> = form.into_iter().flatten().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(request.form.keys().collect::<Vec<_>>(), names, "{id}");
        for (name, value) in form.into_iter().flatten() {
            let got = &request.form[name];
            match value {
                Value::Object(parts) if parts.contains_key("jws_header") => {
                    let audience = put(&text(&value["jws_claims"]["aud"]));
                    check_assertion(&id, got, value, &audience, &self.certificate.leaf);
                }
                Value::Object(parts) => compare_json(&id, &decoded(got), &parts["base64url_json"]),
                // The last line end of a token's file is not part of the token.
                _ => assert!(fits(got.trim_end(), text(value).trim_end()), "{id}: {name}: {got}"),
            }
        }
    }
}

/// Equal, or what the words in angle brackets describe.
fn fits(got: &str, wanted: &str) -> bool {
    match wanted {
        "http://localhost:<port>" => got.strip_prefix("http://localhost:").is_some_and(|port| port.parse::<u16>().is_ok()),
        "<random, 43 chars>" => got.len() == 43,
        "<32 hex>" => got.len() == 32 && got.chars().all(|c| c.is_ascii_hexdigit()),
        "<thumbprint: standard base64, 44 chars>" => STANDARD.decode(got).is_ok_and(|print| print.len() == 32),
        "<thumbprint: base64url with padding, 28 chars>" => URL_SAFE.decode(got).is_ok_and(|print| print.len() == 20),
        "<RFC 7638 thumbprint>" | "<thumbprint>" => URL_SAFE_NO_PAD.decode(got).is_ok_and(|print| print.len() == 32),
        "<modulus>" => URL_SAFE_NO_PAD.decode(got).is_ok_and(|modulus| modulus.len() == 256),
        other if other.starts_with('<') => !got.is_empty(),
        other => got == other,
    }
}

/// The same members with fitting values.
fn compare_json(id: &str, got: &Value, wanted: &Value) {
    match (got, wanted) {
        (Value::Object(got), Value::Object(wanted)) => {
            assert_eq!(got.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{id}");
            for (name, value) in wanted {
                compare_json(id, &got[name], value);
            }
        }
        (Value::String(got), Value::String(wanted)) => assert!(fits(got, wanted), "{id}: {got} is not {wanted}"),
        (Value::Number(_), Value::String(wanted)) => assert!(wanted.starts_with('<'), "{id}: {wanted}"),
        _ => assert_eq!(got, wanted, "{id}"),
    }
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).expect("base64")).expect("JSON")
}

fn check_assertion(id: &str, jwt: &str, wanted: &Value, audience: &str, leaf: &str) {
    let parts: Vec<&str> = jwt.split('.').collect();
    let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
    let sorted = |value: &Value| value.as_object().expect("a map").clone().into_iter().collect::<BTreeMap<_, _>>();
    let wanted_header = sorted(&wanted["jws_header"]);
    assert_eq!(sorted(&header).keys().collect::<Vec<_>>(), wanted_header.keys().collect::<Vec<_>>(), "{id}");
    assert_eq!(header["x5c"], json!([leaf]), "{id}");
    for (name, value) in wanted_header.iter().filter(|(name, _)| *name != "x5c") {
        compare_json(id, &header[name], value);
    }
    let wanted_claims = sorted(&wanted["jws_claims"]);
    assert_eq!(sorted(&claims).keys().collect::<Vec<_>>(), wanted_claims.keys().collect::<Vec<_>>(), "{id}");
    assert_eq!(claims["aud"], audience, "{id}");
    assert_eq!([&claims["iss"], &claims["sub"]], ["CLIENT", "CLIENT"], "{id}");
    let life = wanted["jws_claims"]["exp"].as_str().and_then(|life| life.trim_end_matches('>').rsplit('+').next()?.parse().ok());
    assert_eq!(claims["exp"].as_i64().zip(claims["nbf"].as_i64()).map(|(exp, nbf)| exp - nbf), life, "{id}");
}

fn check_proof(id: &str, token: &str, wanted: &Value) {
    let parts: Vec<&str> = token.split('.').collect();
    compare_json(id, &decoded(parts[0]), &wanted["header"]);
    compare_json(id, &decoded(parts[1]), &wanted["payload"]);
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

/// An answer that satisfies both programs and both versions of the protocol.
fn success(request: &Request) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let id_token = json!({ "oid": "o", "sub": "s", "tid": "t", "iss": "i", "aud": "CLIENT", "preferred_username": "ann@corp.test", "exp": now + 3600, "iat": now, "nbf": now, "ver": "2.0" });
    let id_token = format!("{}.{}.x", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(id_token.to_string()));
    let mut answer = json!({ "token_type": "Bearer", "access_token": "ACCESS", "client_info": client_info(), "id_token": id_token, "refresh_token": "REFRESH" });
    let is_old = request.query.contains_key("api-version");
    let number = |value: u64| if is_old { json!(value.to_string()) } else { json!(value) };
    answer["expires_in"] = number(3600);
    if is_old {
        answer["expires_on"] = number(now + 3600);
        answer["not_before"] = number(now);
        answer["resource"] = json!(SERVER);
    }
    answer.to_string()
}

fn client_info() -> String {
    URL_SAFE_NO_PAD.encode(r#"{"uid":"u","utid":"t"}"#)
}

/// A proxy for TLS that leads to one port, whoever is asked for.
fn proxy(port: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("a port"));
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(client.try_clone().expect("a copy"));
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                    line.clear();
                }
                let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)) else { return };
                let _ = client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n");
                let (mut back, mut forth) = (server.try_clone().expect("a copy"), client.try_clone().expect("a copy"));
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut back, &mut forth);
                    let _ = forth.shutdown(std::net::Shutdown::Write);
                });
                let _ = std::io::copy(&mut reader, &mut server);
                let _ = server.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    address
}

/// The endpoint of the machine's own identity.
struct Machine {
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Machine {
    fn start() -> Self {
        let listener = TcpListener::bind((IDENTITY, 80)).expect("the address of the machine's identity");
        let seen = Arc::<Mutex<Vec<Request>>>::default();
        let machine = Self { seen: seen.clone() };
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let Some(request) = Request::read(&mut stream) else { continue };
                seen.lock().expect("the lock").push(request);
                let body = r#"{"access_token":"ACCESS","expires_in":"3600","expires_on":"4102444800","resource":"r","token_type":"Bearer"}"#;
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        machine
    }

    fn asked(&self) -> Vec<Request> {
        std::mem::take(&mut *self.seen.lock().expect("the lock"))
    }
}
