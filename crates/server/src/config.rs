//! How a server is set up.

use std::net::SocketAddr;
use std::path::PathBuf;

use entrance_model::signin::policy::IpRange;
use url::Url;

use crate::http::listener::Limits;

/// What the server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A server that clusters depend on.
    Serve,
    /// A ready tenant on one machine; loopback only, and every page says so.
    Demo,
}

/// What one password hash costs (argon2id).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl PasswordCost {
    /// OWASP's first choice: 19 MiB, two passes, one lane.
    pub const RECOMMENDED: Self = Self { memory_kib: 19 * 1024, passes: 2 };
    /// The least argon2 takes; for tests, which would spend their life hashing otherwise.
    pub const LEAST: Self = Self { memory_kib: 8, passes: 1 };
}

/// The settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the server is for.
    pub mode: Mode,
    /// Everything it keeps. Made when missing; refused when others can read it.
    pub data: PathBuf,
    /// Where the public listener listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the webhooks listen; port 0 takes a free one and keeps it for good.
    pub webhook_listen: SocketAddr,
    /// The origin that clients know. `None`: `https://localhost:{port}`.
    pub public_url: Option<Url>,
    /// The program with the control planes, when it is not beside this one or on PATH.
    pub controlplane: Option<PathBuf>,
    /// What a password hash costs.
    pub password_cost: PasswordCost,
    /// A file with the SHA-1 of passwords that were found in breaches, sorted: none of them is taken (S-801).
    pub breached_passwords: Option<PathBuf>,
    /// Issuers whose tokens may be federated (S-242), beside our own clusters. Exact.
    pub trusted_issuers: Vec<TrustedIssuer>,
    /// Where metrics are served, if they are; an address of loopback.
    pub metrics_listen: Option<SocketAddr>,
    /// Which groups tokens for clusters name (S-422).
    pub groups_claim: entrance_model::signin::groups::Mode,
    /// How many minutes a person's token for a cluster lives (S-313): 10 to 60.
    pub cluster_token_minutes: u8,
    /// A second address that answers only where a client's library drops the port: user realm discovery (S-014).
    pub realm_listen: Option<SocketAddr>,
    /// Lets the file `faults` in the data directory make the webhooks fail, for tests and drills.
    pub faults: bool,
    /// How often one small network may try to sign in.
    pub sign_in_rate: SignInRate,
    /// Proxies in front, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpRange>,
    /// How much one small network may have written down for strangers.
    pub write_rate: WriteRate,
    /// How much the public listener takes on.
    pub listener: Limits,
    /// Whether people may allow applications something by themselves (S-304).
    pub user_consent: entrance_model::signin::consent::UserConsent,
    /// Where processes of this machine get tokens without a secret (S-270), if they do; an address of loopback.
    pub identity_listen: Option<SocketAddr>,
    /// People may be kept signed in when they close the browser (S-805), as long as a session lasts.
    pub keep_signed_in: bool,
    /// What is refused unless it is allowed here.
    pub exceptions: Exceptions,
}

/// What is refused unless whoever runs the server allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exceptions {
    /// Clusters with the retired integration can be made, to try their upgrade.
    pub legacy_create: bool,
    /// A cluster's people may come from another directory than its subscription's.
    pub foreign_tenant: bool,
    /// Local accounts may be disabled where nothing else lets anybody in.
    pub lockout: bool,
}

/// How often one small network (a /24 or /56) may try to sign in; more is answered with 429 before any work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInRate {
    /// For good.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

impl SignInRate {
    /// More than the passwords that a few cores can check, and than a large office types.
    pub const USUAL: Self = Self { per_second: 100, burst: 500 };
}

/// How much one small network may have written down for people and programs that have proven nothing yet: sign-ins that begin,
/// device codes, refusals. Whoever proves something is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteRate {
    /// For good.
    pub per_minute: u32,
    /// At once.
    pub burst: u32,
}

impl WriteRate {
    /// More than a large office or a farm of build machines begins behind one address, and a hundred and fifty megabytes in
    /// half an hour at most.
    pub const USUAL: Self = Self::of_minute(600);

    /// So many for good, and as many at once as come together in a minute and forty seconds.
    pub const fn of_minute(per_minute: u32) -> Self {
        Self { per_minute, burst: per_minute.saturating_add(per_minute / 3).saturating_add(per_minute / 3) }
    }
}

/// An issuer of federated tokens that the administrator trusts, with its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// `iss`, compared exactly.
    pub issuer: String,
    /// A file with the issuer's JWKS.
    pub jwks: PathBuf,
}

impl Config {
    /// A server with default settings in this data directory.
    pub fn new(mode: Mode, data: PathBuf) -> Self {
        Self {
            mode,
            data,
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            webhook_listen: SocketAddr::from(([127, 0, 0, 1], 8444)),
            public_url: None,
            controlplane: None,
            password_cost: PasswordCost::RECOMMENDED,
            breached_passwords: None,
            trusted_issuers: Vec::new(),
            metrics_listen: None,
            groups_claim: entrance_model::signin::groups::Mode::default(),
            cluster_token_minutes: 15,
            realm_listen: None,
            faults: false,
            sign_in_rate: SignInRate::USUAL,
            trusted_proxies: Vec::new(),
            write_rate: WriteRate::USUAL,
            listener: Limits::PUBLIC,
            user_consent: entrance_model::signin::consent::UserConsent::Allowed,
            identity_listen: None,
            keep_signed_in: true,
            exceptions: Exceptions::default(),
        }
    }
}
