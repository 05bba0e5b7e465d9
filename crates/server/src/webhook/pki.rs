//! The certificates of the webhook listener: an authority of its own that signs nothing else (DESIGN 2).
//!
//! A client certificate says which cluster asks, by the addresses that it may ask: its subject alternative names are
//! `entrance://webhook/clusters/{uid}/tokenreview` and `…/subjectaccessreview`. A request is answered only if its path is
//! that of one of them, letter for letter. A client certificate lives for a week and is renewed at half of it by rewriting
//! the files, which an API server reads again by itself; one that belongs to a deleted cluster opens nothing.

use std::net::IpAddr;
use std::time::Duration;

use entrance_model::Timestamp;
use entrance_model::id::ClusterUid;
use entrance_store::{SealedKey, Store, StoreError};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::extensions::GeneralName;
use zeroize::Zeroizing;

use crate::http::tls::{named, validity};

/// Why a certificate cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The store did not give or take the authority's key.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The listener's address makes no URL.
    #[error("the webhook listener's address cannot be written as a URL")]
    Address(#[from] url::ParseError),
    /// The key or a name is not what a certificate can hold.
    #[error("a certificate of the webhook listener cannot be made")]
    Certificate(#[from] rcgen::Error),
}

/// What an API server shows when it calls: a certificate and its key.
pub struct ClientIdentity {
    /// PEM.
    pub cert_pem: String,
    /// PKCS#8 in PEM.
    pub key_pem: Zeroizing<String>,
}

/// The authority of the webhook listener.
pub struct Pki {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    /// Reads the authority, and makes it when there is none.
    pub async fn open(store: &Store, now: Timestamp) -> Result<Self, PkiError> {
        if let Some(known) = store.read().await?.keys().all(PURPOSE).await?.pop() {
            return Self::read(&known);
        }
        let made = make(now)?;
        let mut tx = store.write().await?;
        tx.keys().insert(PURPOSE, &made).await?;
        tx.commit().await?;
        Self::read(&made)
    }

    fn read(sealed: &SealedKey) -> Result<Self, PkiError> {
        let certificate = CertificateDer::from(sealed.certificate.clone());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&sealed.private.as_slice().into(), &rcgen::PKCS_ECDSA_P256_SHA256)?;
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        Ok(Self { certificate_pem: pem("CERTIFICATE", &certificate), certificate, issuer })
    }

    /// The authority's certificate, which API servers trust and which the listener asks of its callers.
    pub fn ca_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub(super) fn ca(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// A client certificate for one cluster.
    pub fn issue_client(&self, cluster: ClusterUid, now: Timestamp) -> Result<ClientIdentity, PkiError> {
        let mut params = leaf(&format!("webhooks of cluster {cluster}"), ExtendedKeyUsagePurpose::ClientAuth, now, CLIENT_LIFE);
        for path in paths(cluster) {
            params.subject_alt_names.push(SanType::URI(format!("{URI_PREFIX}{path}").try_into()?));
        }
        let key = KeyPair::generate()?;
        let cert_pem = params.signed_by(&key, &self.issuer)?.pem();
        Ok(ClientIdentity { cert_pem, key_pem: Zeroizing::new(key.serialize_pem()) })
    }

    /// A certificate for the listener itself.
    pub(super) fn issue_server(
        &self,
        listen: IpAddr,
        now: Timestamp,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), PkiError> {
        let mut params = leaf("Entrance webhooks", ExtendedKeyUsagePurpose::ServerAuth, now, SERVER_LIFE);
        params.subject_alt_names.push(SanType::DnsName("localhost".try_into()?));
        let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        for ip in loopback.into_iter().chain((!listen.is_unspecified() && !listen.is_loopback()).then_some(listen)) {
            params.subject_alt_names.push(SanType::IpAddress(ip));
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok((vec![certificate.der().clone(), self.certificate.clone()], key.into()))
    }
}

/// Which cluster a caller's certificate is of. The certificate was verified; `None` when it names no single cluster.
pub(super) fn cluster_of(certificate: &CertificateDer<'_>) -> Option<ClusterUid> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let all = &parsed.subject_alternative_name().ok()??.value.general_names;
    let path = |name: &GeneralName<'_>| match name {
        GeneralName::URI(uri) => uri.strip_prefix(URI_PREFIX).map(str::to_owned),
        _ => None,
    };
    let named: Vec<String> = all.iter().filter_map(path).collect();
    let uid: ClusterUid = named.first()?.split('/').nth(2)?.parse().ok()?;
    // Written back and compared: the certificate must say exactly what we write, so that its paths are ours.
    (named == paths(uid)).then_some(uid)
}

/// The paths that a cluster may ask.
pub(super) fn paths(cluster: ClusterUid) -> [String; 2] {
    [format!("/clusters/{cluster}/tokenreview"), format!("/clusters/{cluster}/subjectaccessreview")]
}

fn make(now: Timestamp) -> Result<SealedKey, PkiError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Entrance webhook authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = validity(now, LIFE);
    let certificate = params.self_signed(&key)?.der().to_vec();
    let private = Zeroizing::new(key.serialize_der());
    Ok(SealedKey { name: "authority".into(), private, certificate, created: now, starts: now, ends: None })
}

fn leaf(name: &str, usage: ExtendedKeyUsagePurpose, now: Timestamp, life: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = validity(now, life);
    params
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

const PURPOSE: &str = "webhook-ca";
const URI_PREFIX: &str = "entrance://webhook";
const LIFE: Duration = Duration::from_hours(24 * 3_650);
/// A server that is down renews nothing, and then nobody asks either: it renews first thing when it is back.
pub const CLIENT_LIFE: Duration = Duration::from_hours(24 * 7);
const SERVER_LIFE: Duration = Duration::from_hours(24 * 397);
/// After this long the listener's own certificate is made anew.
pub(super) const SERVER_RENEWAL: Duration = Duration::from_hours(24 * 30);
