//! The server's own certificate authority and certificate (DESIGN 8).
//!
//! The authority is made on first start and may sign only for the server's own names: it carries name constraints, so
//! that trusting it gives nobody power over other hosts.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use entrance_model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;
use url::Url;

use crate::data_dir::{DataDir, write_whole};

/// The certificate authority that clients trust, in the data directory.
pub const CA_FILE: &str = "ca.pem";
const CA_KEY_FILE: &str = "ca.key";
const CA_LIFE: Duration = Duration::from_hours(24 * 365 * 10);
/// Apple's limit for private certificates is 825 days; stay under it.
const LEAF_LIFE: Duration = Duration::from_hours(24 * 397);

/// Reads the authority (or makes it), issues a certificate for this start, and builds the TLS settings.
pub fn load_or_create(data: &DataDir, base: &str, now: Timestamp) -> Result<Arc<rustls::ServerConfig>> {
    let host =
        Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned)).context("the public address has no host")?;
    let names = names(&host);
    let (ca_file, key_file) = (data.join(CA_FILE), data.join(CA_KEY_FILE));
    if !ca_file.exists() || !key_file.exists() {
        let (certificate, key) = make_ca(&names, now)?;
        write_whole(&key_file, key.as_bytes(), 0o600).with_context(|| format!("`{}` cannot be written", key_file.display()))?;
        write_whole(&ca_file, certificate.as_bytes(), 0o644)
            .with_context(|| format!("`{}` cannot be written", ca_file.display()))?;
    }
    let ca = std::fs::read_to_string(&ca_file).with_context(|| format!("`{}` cannot be read", ca_file.display()))?;
    let key = std::fs::read_to_string(&key_file).with_context(|| format!("`{}` cannot be read", key_file.display()))?;
    let issuer = Issuer::from_ca_cert_pem(&ca, KeyPair::from_pem(&key)?)?;
    let leaf_key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&host);
    params.subject_alt_names = names.iter().map(|name| san(name)).collect::<Result<_>>()?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = validity(now, LEAF_LIFE);
    let leaf = params.signed_by(&leaf_key, &issuer)?;
    // azure-cli 0.2: present the whole chain.
    let chain = vec![leaf.der().clone(), CertificateDer::from_pem_slice(ca.as_bytes())?];
    server_config(chain, PrivateKeyDer::try_from(leaf_key.serialize_der()).map_err(anyhow::Error::msg)?)
}

/// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, no client certificates.
fn server_config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Arc<rustls::ServerConfig>> {
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The one crypto provider of this program, given explicitly everywhere.
pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn make_ca(names: &[String], now: Timestamp) -> Result<(String, String)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Entrance certificate authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let subtree = |name: &String| match name.parse::<IpAddr>() {
        Ok(ip) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(ip, if ip.is_ipv4() { 32 } else { 128 })),
        Err(_) => GeneralSubtree::DnsName(name.clone()),
    };
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: names.iter().map(subtree).collect(), excluded_subtrees: Vec::new() });
    (params.not_before, params.not_after) = validity(now, CA_LIFE);
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// The names a server answers to: its public one and those of loopback.
fn names(host: &str) -> Vec<String> {
    let mut names = vec![host.trim_matches(['[', ']']).to_owned()];
    for name in ["localhost", "127.0.0.1", "::1"] {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn san(name: &str) -> Result<SanType> {
    Ok(match name.parse::<IpAddr>() {
        Ok(ip) => SanType::IpAddress(ip),
        Err(_) => SanType::DnsName(name.try_into()?),
    })
}

/// A subject that is nothing but a common name.
pub(crate) fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// From an hour ago (clocks differ) for this long.
pub(crate) fn validity(now: Timestamp, life: Duration) -> (OffsetDateTime, OffsetDateTime) {
    let at = OffsetDateTime::from_unix_timestamp(now.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    (at - Duration::from_hours(1), at + life)
}
