//! Certificates that applications prove themselves with (G-403).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use entrance_model::Timestamp;
use entrance_model::directory::{Credential, Proof};
use entrance_model::directory_rules::credentials::key_validity;
use entrance_model::id::CredentialId;
use entrance_wire::graph::body::BadBody;
use serde_json::Value;
use uuid::Uuid;
use x509_parser::parse_x509_certificate;

use super::error::GraphError;
use super::show::time;
use crate::hex::{sha1_hex, sha256_hex};

/// The largest certificate that is kept, in bytes of DER.
const LENGTH_BUDGET: usize = 16 * 1024;

/// Replaces the certificates of an object by those that a body lists. One that is listed with its id and without its key
/// stays as it is: that is how clients write back what they read.
pub(super) fn replace(credentials: &mut Vec<Credential>, listed: &Value, now: Timestamp) -> Result<(), GraphError> {
    let mut kept = Vec::new();
    for entry in listed.as_array().map_or(&[][..], Vec::as_slice) {
        kept.push(one(credentials, entry, now)?);
    }
    credentials.retain(|one| !matches!(one.proof, Proof::Certificate { .. }));
    credentials.extend(kept);
    Ok(())
}

fn one(have: &[Credential], entry: &Value, now: Timestamp) -> Result<Credential, GraphError> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let id = text("keyId").and_then(|id| id.parse::<CredentialId>().ok());
    let Some(key) = text("key").filter(|key| !key.is_empty()) else {
        let known = have.iter().find(|one| Some(one.id) == id && matches!(one.proof, Proof::Certificate { .. }));
        return known.cloned().ok_or_else(invalid);
    };
    if text("type").is_some_and(|kind| kind != "AsymmetricX509Cert") || text("usage").is_some_and(|usage| usage != "Verify") {
        return Err(invalid());
    }
    let der = der(key)?;
    let (_, certificate) = parse_x509_certificate(&der).map_err(|_| invalid())?;
    let seconds = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).map_err(|_| invalid());
    let own = (seconds(certificate.validity().not_before)?, seconds(certificate.validity().not_after)?);
    let (start, end) = key_validity((time(entry.get("startDateTime")), time(entry.get("endDateTime"))), own, now)?;
    let name = text("displayName").map(str::to_owned).or_else(|| Some(certificate.subject().to_string()));
    Ok(Credential {
        id: id.unwrap_or_else(|| CredentialId::from_uuid(Uuid::new_v4())),
        display_name: name,
        start,
        end,
        proof: Proof::Certificate {
            sha1: sha1_hex(&der).to_uppercase(),
            sha256: sha256_hex(&der),
            der: BASE64_STANDARD.encode(&der),
        },
    })
}

/// The key is base64 of DER; some clients send base64 of PEM.
fn der(key: &str) -> Result<Vec<u8>, GraphError> {
    let compact: String = key.split_whitespace().collect();
    let bytes = BASE64_STANDARD.decode(compact).map_err(|_| invalid())?;
    let der = if bytes.starts_with(b"-----BEGIN") {
        x509_parser::pem::parse_x509_pem(&bytes).map_err(|_| invalid())?.1.contents
    } else {
        bytes
    };
    if der.len() > LENGTH_BUDGET { Err(invalid()) } else { Ok(der) }
}

fn invalid() -> GraphError {
    BadBody::Value { property: "keyCredentials", entity: "Application" }.into()
}
