//! Trust in one certificate, known by its print: how a Service Fabric node shows its identity endpoint.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

/// The bytes of a print in hexadecimal digits; colons between them are fine.
pub(super) fn print(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<char> = text.trim().chars().filter(|c| *c != ':').collect();
    if digits.len() != 40 && digits.len() != 64 {
        return None;
    }
    let byte = |pair: &[char]| Some(u8::try_from(pair[0].to_digit(16)? * 16 + pair[1].to_digit(16)?).expect("two digits"));
    digits.chunks_exact(2).map(byte).collect()
}

/// TLS with that certificate and no other.
pub(super) fn config(print: Vec<u8>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("the provider knows the usual versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { print, provider }))
        .with_no_client_auth()
}

#[derive(Debug)]
struct Pinned {
    print: Vec<u8>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let hash = if self.print.len() == 20 { &SHA1_FOR_LEGACY_USE_ONLY } else { &SHA256 };
        if digest(hash, end_entity).as_ref() == self.print {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_are_forty_or_sixty_four_digits() {
        assert_eq!(print(&"aB:".repeat(20)).as_deref(), Some(&[0xab; 20][..]));
        assert_eq!(print(&"0f".repeat(32)).as_deref(), Some(&[0x0f; 32][..]));
        assert_eq!(print(&"xy".repeat(20)), None);
        assert_eq!(print(""), None);
    }
}
