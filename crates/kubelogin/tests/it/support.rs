//! A token service on loopback that answers as a test wants and remembers what it was asked, and a person's home to call from.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) form: BTreeMap<String, String>,
}

impl Request {
    pub(crate) fn grant(&self) -> &str {
        self.form.get("grant_type").map_or("", String::as_str)
    }

    /// Reads one from a connection.
    pub(crate) fn read(stream: &mut impl std::io::Read) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let pairs = |bytes: &[u8]| url::form_urlencoded::parse(bytes).into_owned().collect();
        Some(Self { method, path: path.replace("%40", "@"), query: pairs(query.as_bytes()), headers, form: pairs(&body) })
    }
}

type Answer = Box<dyn Fn(&Request) -> (u16, String) + Send>;

/// The service.
pub(crate) struct Authority {
    pub(crate) host: String,
    pub(crate) ca_pem: String,
    seen: Arc<Mutex<Vec<Request>>>,
    token: Arc<Mutex<Answer>>,
    why: Arc<Mutex<(u16, String)>>,
    traits: Arc<Traits>,
}

/// What distinguishes one service from another.
#[derive(Default)]
struct Traits {
    /// By how many seconds its clock is ahead.
    ahead: AtomicI64,
    /// Refresh tokens can be given back to it.
    revokes: AtomicBool,
    /// How many seconds fewer than a minute its device codes live.
    hurries: AtomicU64,
}

impl Authority {
    pub(crate) fn start() -> Self {
        Self::named(&["localhost"])
    }

    /// One whose certificate is made out to these names.
    pub(crate) fn named(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        Self::with(&CertificateParams::new(names).expect("names"))
    }

    /// One with this certificate.
    pub(crate) fn with(certificate: &CertificateParams) -> Self {
        let key = KeyPair::generate().expect("a key");
        let cert = certificate.self_signed(&key).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a server");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = format!("https://localhost:{}/", listener.local_addr().expect("a port").port());
        let token: Answer = Box::new(|_| (200, tokens("token-1", 3600)));
        let service = Self {
            host: host.clone(),
            ca_pem: cert.pem(),
            seen: Arc::default(),
            token: Arc::new(Mutex::new(token)),
            why: Arc::new(Mutex::new((404, "<html>".to_owned()))),
            traits: Arc::default(),
        };
        let (seen, token, why, config) = (service.seen.clone(), service.token.clone(), service.why.clone(), Arc::new(config));
        let traits = service.traits.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, token, why, config) = (seen.clone(), token.clone(), why.clone(), config.clone());
                let traits = traits.clone();
                std::thread::spawn(move || serve(stream, config, &seen, &token, &why, &traits));
            }
        });
        service
    }

    pub(crate) fn port(&self) -> u16 {
        self.host.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// What the token endpoint answers from now on.
    pub(crate) fn answers(&self, answer: impl Fn(&Request) -> (u16, String) + Send + 'static) {
        *self.token.lock().expect("the lock") = Box::new(answer);
    }

    /// What it says from now on about tokens that a cluster refused.
    pub(crate) fn says_why(&self, status: u16, body: &Value) {
        *self.why.lock().expect("the lock") = (status, body.to_string());
    }

    /// Its clock is ahead by so many seconds from now on.
    pub(crate) fn is_ahead(&self, seconds: i64) {
        self.traits.ahead.store(seconds, Ordering::Relaxed);
    }

    /// Refresh tokens can be given back to it from now on.
    pub(crate) fn revokes(&self) {
        self.traits.revokes.store(true, Ordering::Relaxed);
    }

    /// Its device codes live for so many seconds from now on, of at most 60.
    pub(crate) fn codes_live(&self, seconds: u64) {
        self.traits.hurries.store(60 - seconds, Ordering::Relaxed);
    }

    /// Everything it was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Request> {
        std::mem::take(&mut *self.seen.lock().expect("the lock"))
    }
}

/// A successful answer of the token endpoint.
pub(crate) fn tokens(access_token: &str, expires_in: u64) -> String {
    json!({ "token_type": "Bearer", "access_token": access_token, "expires_in": expires_in, "refresh_token": format!("refresh-{access_token}") }).to_string()
}

/// The same for a person whose name the service tells.
pub(crate) fn tokens_of(name: &str, access_token: &str, expires_in: u64) -> String {
    let claims = URL_SAFE_NO_PAD.encode(json!({ "preferred_username": name, "oid": "o1", "tid": "t1" }).to_string());
    let mut answer: Value = serde_json::from_str(&tokens(access_token, expires_in)).expect("JSON");
    answer["id_token"] = format!("e30.{claims}.sig").into();
    answer.to_string()
}

pub(crate) fn refusal(error: &str, description: &str) -> (u16, String) {
    (400, json!({ "error": error, "error_description": description, "correlation_id": "c0-ffee" }).to_string())
}

/// How many requests went to paths with this end.
pub(crate) fn count(asked: &[Request], tail: &str) -> usize {
    asked.iter().filter(|request| request.path.ends_with(tail)).count()
}

/// The words of a sign-in by device code.
pub(crate) fn device(more: &[&'static str]) -> Vec<&'static str> {
    [&["-l", "devicecode"], more].concat()
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    seen: &Mutex<Vec<Request>>,
    token: &Mutex<Answer>,
    why: &Mutex<(u16, String)>,
    traits: &Traits,
) {
    let Ok(connection) = ServerConnection::new(config) else { return };
    let mut stream = StreamOwned::new(connection, stream);
    let Some(request) = Request::read(&mut stream) else { return };
    let tail = request.path.rsplit('/').next().unwrap_or_default().to_owned();
    let tenant = format!("https://{}/{}", request.headers["host"], request.path.split('/').nth(1).unwrap_or_default());
    let (status, body) = match tail.as_str() {
        "openid-configuration" => {
            let endpoint = |path: &str| format!("{tenant}/oauth2/v2.0/{path}");
            let mut document = json!({ "authorization_endpoint": endpoint("authorize"), "token_endpoint": endpoint("token"), "issuer": format!("{tenant}/v2.0") });
            if traits.revokes.load(Ordering::Relaxed) {
                document["revocation_endpoint"] = endpoint("revoke").into();
            }
            (200, document.to_string())
        }
        "devicecode" => {
            let message = "To sign in, go there\u{1b}[31m and enter CODE";
            let mut code = json!({ "device_code": "DEV-CODE", "user_code": "CODE", "verification_uri": "https://h/d", "message": message, "expires_in": 60 - traits.hurries.load(Ordering::Relaxed), "interval": 1 });
            // The v1 protocol writes its numbers as text.
            if request.query.contains_key("api-version") {
                code["expires_in"] = json!("60");
                code["interval"] = json!("1");
            }
            (200, code.to_string())
        }
        "instance" => {
            let document = format!("{tenant}/v2.0/.well-known/openid-configuration");
            (200, json!({ "tenant_discovery_endpoint": document, "metadata": [], "api-version": "1.1" }).to_string())
        }
        "token" => token.lock().expect("the lock")(&request),
        "revoke" => (200, String::new()),
        "why" => why.lock().expect("the lock").clone(),
        // The brokers of federated and managed identities.
        "ghoidc" => (200, json!({ "value": "GH-OIDC-JWT" }).to_string()),
        "abc" => (200, json!({ "oidcToken": "ADO-OIDC" }).to_string()),
        _ if request.path.contains("/UserRealm/") => (200, json!({ "account_type": "Managed", "domain_name": "corp.test", "cloud_instance_name": "h", "cloud_audience_urn": "urn:h" }).to_string()),
        _ => (404, "<html>".to_owned()),
    };
    seen.lock().expect("the lock").push(request);
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nDate: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        date(traits.ahead.load(Ordering::Relaxed)),
        body.len()
    );
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

/// The time as HTTP spells it.
fn date(ahead: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead)).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Somebody who calls the program.
pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
    program: PathBuf,
    env: Vec<(String, String)>,
    args: Vec<String>,
}

impl Home {
    /// At home with a token service.
    pub(crate) fn at(authority: &Authority) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, &authority.ca_pem).expect("written");
        let env = vec![("SSL_CERT_FILE".to_owned(), ca.display().to_string())];
        let args = [
            "get-token",
            "--server-id",
            "SERVER",
            "--client-id",
            "CLIENT",
            "-t",
            "TENANT",
            "--authority-host",
            &authority.host,
            "--disable-instance-discovery",
        ];
        let program = env!("CARGO_BIN_EXE_kubelogin").into();
        Self { folder, program, env, args: args.map(ToOwned::to_owned).to_vec() }
    }

    /// At home with a token service that only `~/.kube/kubelogin.yaml` knows by this name, and believes by a file or by what it holds.
    /// What the machine says about other services is not meant.
    pub(crate) fn named(name: &str, authority: &Authority, by_file: bool) -> Self {
        let mut home = Self::at(authority).env("SSL_CERT_FILE", "/dev/null").env("AZURE_AUTHORITY_HOST", "https://127.0.0.1:1/");
        home.args.retain(|word| ![&authority.host, "--authority-host", "--disable-instance-discovery"].contains(&word.as_str()));
        home.args.extend(["-e".to_owned(), name.to_owned()]);
        let trust = if by_file {
            // From the folder of the file that names it.
            "certificate-authority: ../ca.pem".to_owned()
        } else {
            format!("certificate-authority-data: {}", STANDARD.encode(&authority.ca_pem))
        };
        std::fs::create_dir(home.folder.path().join(".kube")).expect("a folder");
        let known = format!("environments:\n  {name}:\n    authority-host: {}\n    {trust}\n", authority.host);
        home.file(".kube/kubelogin.yaml", &known);
        home
    }

    /// With another program, and without words of its own.
    pub(crate) fn bare(self, program: &Path) -> Self {
        Self { program: program.to_owned(), args: Vec::new(), ..self }
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds what this person calls with to a command.
    pub(crate) fn dress<'a>(&self, command: &'a mut Command, more: &[impl AsRef<OsStr>]) -> &'a mut Command {
        command.env_clear().env("HOME", self.folder.path()).envs(self.env.iter().cloned()).args(&self.args).args(more)
    }

    pub(crate) fn start(&self, more: &[impl AsRef<OsStr>]) -> Child {
        let mut command = Command::new(&self.program);
        self.dress(&mut command, more);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs")
    }

    /// Another command than `get-token`, with the words of that left out.
    pub(crate) fn tool(&self, words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubelogin"));
        command.env_clear().env("HOME", self.folder.path()).envs(self.env.iter().cloned()).args(words).stdin(Stdio::null());
        let out = command.output().expect("the program runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Said { code: out.status.code(), stdout: text(out.stdout), stderr: text(out.stderr) }
    }

    pub(crate) fn run(&self, more: &[impl AsRef<OsStr>]) -> Done {
        Done::of(&self.start(more).wait_with_output().expect("the program ends"))
    }
}

/// What another command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// Its result as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs ignored tests of this program in a network of their own, where the address of a machine's identity belongs to nobody else and there
/// is no way out; gives what they said.
#[cfg(target_os = "linux")]
pub(crate) fn alone(tests: &str) -> String {
    let inside = format!("ip link set lo up && ip addr add {IDENTITY}/32 dev lo && exec \"$0\" \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "sh", "-c", &inside]).arg(std::env::current_exe().expect("this test"));
    let out = command.args([tests, "--ignored", "--nocapture"]).output().expect("`unshare` is there (scripts/setup-debian.sh)");
    let (said, told) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && !said.contains(" 0 passed"), "{said}\n{told}");
    told.into_owned()
}

/// Where virtual machines ask for their identity.
#[cfg(target_os = "linux")]
pub(crate) const IDENTITY: &str = "169.254.169.254";

/// The program that is tested and, where it was built, the one that was recorded. `ENTRANCE_STOCK_KUBELOGIN` names it and makes it
/// necessary.
pub(crate) fn programs() -> Vec<(&'static str, PathBuf)> {
    let ours = ("ours", PathBuf::from(env!("CARGO_BIN_EXE_kubelogin")));
    let named = std::env::var_os("ENTRANCE_STOCK_KUBELOGIN").map(PathBuf::from);
    let stock = named.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/kubelogin"));
    assert!(named.is_none() || stock.exists(), "{} is not there", stock.display());
    [ours, ("stock", stock)].into_iter().filter(|(_, program)| program.exists()).collect()
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) ok: bool,
    pub(crate) code: Option<i32>,
    pub(crate) token: Option<String>,
    pub(crate) stderr: String,
}

impl Done {
    pub(crate) fn of(out: &Output) -> Self {
        let answer: Option<Value> = serde_json::from_slice(&out.stdout).ok();
        let token = answer.and_then(|answer| answer["status"]["token"].as_str().map(ToOwned::to_owned));
        Self {
            ok: out.status.success(),
            code: out.status.code(),
            token,
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }
}
