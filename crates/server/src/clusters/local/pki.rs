//! The keys and certificates of one cluster.
//!
//! Several roots may speak to the API server as clients, and they are several so that each can be dropped alone:
//! the cluster's own CA (its components, and certificate signing requests approved inside), the operator's signer, one root for each open
//! break-glass door, and the sealed door's signer.
//! They are listed in `pki/client-ca.crt`, which the API server reads again whenever it changes.
//!
//! An identity is *one* file with its certificate and its key, so that a renewal is one rename. A file with a key is never one that Kubernetes
//! publishes: it copies CA files into `ConfigMap`s as they are.

use std::net::IpAddr;
use std::time::Duration;

use entrance_model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, SanType,
};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::home::{ClusterHome, Record};
use super::{LocalError, break_glass, files, rotate};

/// Everything in `pki/`, made or renewed where needed. May run at any time, also beside a running API server.
pub(super) fn ensure(home: &ClusterHome, record: &Record, now: Timestamp) -> Result<(), LocalError> {
    let cluster = Authority::ensure(home, CLUSTER_CA, "kubernetes", CA_LIFE, now)?;
    let front_proxy = Authority::ensure(home, FRONT_PROXY_CA, "front-proxy-ca", CA_LIFE, now)?;
    // The certificate alone, for the files that Kubernetes publishes.
    files::write(&home.path("pki/ca.crt"), cluster.cert_pem.as_bytes())?;
    files::write(&home.path("pki/front-proxy-ca.crt"), front_proxy.cert_pem.as_bytes())?;
    Authority::ensure(home, OPERATOR_CA, "entrance-operator-signer", CA_LIFE, now)?;

    let serving = Leaf {
        subject: Subject::named("kube-apiserver"),
        usage: ExtendedKeyUsagePurpose::ServerAuth,
        names: serving_names(record)?,
    };
    renew(home, "pki/serving.pem", &cluster, serving, now)?;
    renew(home, "pki/front-proxy-client.pem", &front_proxy, Leaf::client(Subject::named("front-proxy-client")), now)?;
    for (file, user) in COMPONENTS {
        renew(home, file, &cluster, Leaf::client(Subject::named(user)), now)?;
    }
    ensure_service_account_key(home, record, now)?;
    write_client_ca(home)
}

/// A certificate and its key, in PEM. Has no `Debug` and is wiped when dropped.
pub struct Identity {
    /// The certificate.
    pub cert_pem: String,
    /// Its private key (PKCS#8).
    pub key_pem: Zeroizing<String>,
}

impl Identity {
    /// Both in one text, as the identity's file has them.
    pub fn pem(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}", self.cert_pem, self.key_pem.as_str()))
    }
}

/// The credential with which Entrance works in the cluster: named, without groups, allowed only what its role lists.
pub fn issue_operator(home: &ClusterHome, now: Timestamp) -> Result<Identity, LocalError> {
    let signer = Authority::existing(home, OPERATOR_CA)?;
    signer.issue(Leaf::client(Subject::named(OPERATOR)), OPERATOR_LIFE, now)
}

/// An identity that may do anything, for the first minutes of a cluster. It is never written to a file.
pub(super) fn issue_bootstrap(home: &ClusterHome, now: Timestamp) -> Result<Identity, LocalError> {
    let signer = Authority::existing(home, CLUSTER_CA)?;
    let subject = Subject { name: "entrance:bootstrap".to_owned(), group: Some("system:masters".to_owned()) };
    signer.issue(Leaf::client(subject), BOOTSTRAP_LIFE, now)
}

/// Lists the certificates of the signers that exist now in the file by which the API server knows clients.
pub(super) fn write_client_ca(home: &ClusterHome) -> Result<(), LocalError> {
    files::write(&home.path(CLIENT_CA), client_ca(home)?.as_bytes())
}

/// The authorities whose clients the API server shall know.
pub(super) fn client_ca(home: &ClusterHome) -> Result<String, LocalError> {
    let mut bundle = String::new();
    for file in [CLUSTER_CA, OPERATOR_CA, SEALED_CA] {
        if let Some(signer) = Authority::load(home, file)? {
            bundle.push_str(&signer.cert_pem);
        }
    }
    for door in break_glass::break_glass_roots(home)? {
        bundle.push_str(&files::read(&home.path(&break_glass::root_of(door)))?.unwrap_or_default());
    }
    Ok(bundle)
}

/// Someone who signs certificates.
pub(super) struct Authority {
    pub(super) name: String,
    key: KeyPair,
    pub(super) cert_pem: String,
    pub(super) until: Timestamp,
}

impl Authority {
    /// The signer in `file`, made now if there is none.
    pub(super) fn ensure(home: &ClusterHome, file: &str, name: &str, life: Duration, now: Timestamp) -> Result<Self, LocalError> {
        if let Some(found) = Self::load(home, file)? {
            return Ok(found);
        }
        let made = Self::fresh(name, life, now)?;
        let identity = Identity { cert_pem: made.cert_pem, key_pem: Zeroizing::new(made.key.serialize_pem()) };
        files::write(&home.path(file), identity.pem().as_bytes())?;
        Self::existing(home, file)
    }

    /// A signer that is in memory only.
    pub(super) fn fresh(name: &str, life: Duration, now: Timestamp) -> Result<Self, LocalError> {
        let key = KeyPair::generate()?;
        let mut params = Self::params(name);
        (params.not_before, params.not_after) = validity(now, life);
        let cert_pem = params.self_signed(&key)?.pem();
        let until = Timestamp::from_second(params.not_after.unix_timestamp()).unwrap_or(now);
        Ok(Self { name: name.to_owned(), key, cert_pem, until })
    }

    /// The signer in `file`, which an earlier step has made.
    pub(super) fn existing(home: &ClusterHome, file: &str) -> Result<Self, LocalError> {
        Self::load(home, file)?.ok_or_else(|| LocalError::Damaged { path: home.path(file), why: "it is missing".to_owned() })
    }

    /// The signer in `file`, if there is one.
    pub(super) fn load(home: &ClusterHome, file: &str) -> Result<Option<Self>, LocalError> {
        let path = home.path(file);
        let Some(text) = files::read(&path)?.map(Zeroizing::new) else { return Ok(None) };
        let bad = |why: &str| LocalError::Damaged { path: path.clone(), why: why.to_owned() };
        let at = text.find("-----BEGIN PRIVATE KEY").ok_or_else(|| bad("it has no private key"))?;
        let (cert, key) = text.split_at(at);
        let (name, until) = name_and_end(cert).ok_or_else(|| bad("it has no certificate"))?;
        Ok(Some(Self { name, key: KeyPair::from_pem(key)?, cert_pem: cert.to_owned(), until }))
    }

    /// A certificate for `leaf`, never valid for longer than this signer is.
    pub(super) fn issue(&self, leaf: Leaf, life: Duration, now: Timestamp) -> Result<Identity, LocalError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = validity(now, life);
        params.not_after = params.not_after.min(moment(self.until));
        params.distinguished_name = leaf.subject.into_name();
        params.subject_alt_names = leaf.names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![leaf.usage];
        params.use_authority_key_identifier_extension = true;
        let ours = Self::params(&self.name);
        let cert_pem = params.signed_by(&key, &Issuer::from_params(&ours, &self.key))?.pem();
        Ok(Identity { cert_pem, key_pem: Zeroizing::new(key.serialize_pem()) })
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = Subject::named(name).into_name();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        params
    }
}

/// What a certificate says and may be used for.
pub(super) struct Leaf {
    subject: Subject,
    usage: ExtendedKeyUsagePurpose,
    names: Vec<SanType>,
}

impl Leaf {
    /// A client's certificate.
    pub(super) fn client(subject: Subject) -> Self {
        Self { subject, usage: ExtendedKeyUsagePurpose::ClientAuth, names: Vec::new() }
    }
}

/// A user name and perhaps a group, as Kubernetes reads them from a certificate.
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) group: Option<String>,
}

impl Subject {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), group: None }
    }

    fn into_name(self) -> DistinguishedName {
        let mut name = DistinguishedName::new();
        if let Some(group) = self.group {
            name.push(DnType::OrganizationName, group);
        }
        name.push(DnType::CommonName, self.name);
        name
    }
}

/// Issues the identity in `file` unless it is there and good for another while.
fn renew(home: &ClusterHome, file: &str, signer: &Authority, leaf: Leaf, now: Timestamp) -> Result<(), LocalError> {
    let path = home.path(file);
    let until = files::read(&path)?.map(Zeroizing::new).and_then(|text| name_and_end(&text)).map(|(_, until)| until);
    if until.is_some_and(|until| until > now + RENEW_BEFORE) {
        return Ok(());
    }
    files::write(&path, signer.issue(leaf, LEAF_LIFE, now)?.pem().as_bytes())
}

fn serving_names(record: &Record) -> Result<Vec<SanType>, LocalError> {
    let fixed = SERVING_NAMES.iter().map(|name| (*name).to_owned());
    let listen = (!record.listen.is_unspecified()).then(|| record.listen.to_string());
    let mut names = Vec::new();
    for text in fixed.chain(listen).chain(record.names.iter().cloned()) {
        let name = match text.parse::<IpAddr>() {
            Ok(ip) => SanType::IpAddress(ip),
            Err(_) => SanType::DnsName(text.try_into()?),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The key with which service account tokens are signed: RSA, because every verifier of such tokens knows RS256. Keys before it
/// still verify.
fn ensure_service_account_key(home: &ClusterHome, record: &Record, now: Timestamp) -> Result<(), LocalError> {
    let public = signing_key(home, &record.signing_key())?;
    let verifying = rotate::retired(home, now)?.into_iter().fold(public, |all, one| all + &one);
    files::write(&home.path(VERIFYING), verifying.as_bytes())
}

/// The public key of the signing key in `file`, which is made now if there is none.
pub(super) fn signing_key(home: &ClusterHome, file: &str) -> Result<String, LocalError> {
    let private = home.path(file);
    let key = match files::read(&private)?.map(Zeroizing::new) {
        Some(pem) => KeyPair::from_pem(&pem)?,
        None => KeyPair::generate_for(&PKCS_RSA_SHA256)?,
    };
    files::write(&private, Zeroizing::new(key.serialize_pem()).as_bytes())?;
    Ok(key.public_key_pem())
}

/// The common name of the first certificate in a PEM text, and the end of its validity.
fn name_and_end(pem: &str) -> Option<(String, Timestamp)> {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
    let cert = block.parse_x509().ok()?;
    let name = cert.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    let until = Timestamp::from_second(cert.validity().not_after.timestamp()).ok()?;
    Some((name, until))
}

/// Whether half of the time of the first certificate in a PEM text is over. One that cannot be read has none left.
pub(super) fn is_past_half(pem: &str, now: Timestamp) -> bool {
    let span = || {
        let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
        let certificate = block.parse_x509().ok()?;
        let validity = certificate.validity();
        Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
    };
    span().is_none_or(|(from, until)| now.as_second() >= from + (until - from) / 2)
}

fn validity(now: Timestamp, life: Duration) -> (OffsetDateTime, OffsetDateTime) {
    let now = moment(now);
    (now - CLOCK_SKEW, now + life)
}

fn moment(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_second()).expect("both libraries count years up to 9999")
}

/// The user name of Entrance's own credential.
pub const OPERATOR: &str = "entrance:operator";
/// The user name of the node simulator.
pub const NODES: &str = "entrance:nodes";

pub(super) const CLIENT_CA: &str = "pki/client-ca.crt";
/// One file for each open door, named by it.
pub(super) const BREAK_GLASS_ROOTS: &str = "pki/break-glass";
pub(super) const SEALED_CA: &str = "pki/sealed-door-ca.pem";
/// The keys that service account tokens are verified with.
pub(super) const VERIFYING: &str = "pki/sa.pub";
const CLUSTER_CA: &str = "pki/ca.pem";
const FRONT_PROXY_CA: &str = "pki/front-proxy-ca.pem";
const OPERATOR_CA: &str = "pki/operator-ca.pem";

/// The client identities of the cluster's own programs.
const COMPONENTS: [(&str, &str); 3] = [
    ("pki/controller-manager.pem", "system:kube-controller-manager"),
    ("pki/scheduler.pem", "system:kube-scheduler"),
    ("pki/nodes.pem", NODES),
];

const SERVING_NAMES: [&str; 8] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    // The first address of the service range: the Service `kubernetes`.
    "10.96.0.1",
];

const DAY: Duration = Duration::from_hours(24);
pub(super) const CA_LIFE: Duration = DAY.saturating_mul(3_650);
const LEAF_LIFE: Duration = DAY.saturating_mul(365);
const RENEW_BEFORE: Duration = DAY.saturating_mul(60);
/// DESIGN promises at most a day for a credential that works inside a cluster, from its first moment to its last.
pub(super) const OPERATOR_LIFE: Duration = DAY.saturating_sub(CLOCK_SKEW);
const BOOTSTRAP_LIFE: Duration = Duration::from_mins(5);
const CLOCK_SKEW: Duration = Duration::from_mins(5);

#[cfg(test)]
#[path = "pki_tests.rs"]
mod tests;
