//! Whether a cluster's files are what we wrote, and whether they are in force.

use entrance_model::Timestamp;

use super::home::{ClusterHome, Record};
use super::{LocalError, api, config, files, pki};
use crate::clusters::finding::Finding;
use crate::hex::sha256_hex;

/// Looks at everything that lies in the folder; `client` also tells what the API server took into force.
pub(super) async fn examine(home: &ClusterHome, record: &Record, client: Option<kube::Client>, now: Timestamp) -> Vec<Finding> {
    let mut found: Vec<Finding> = CERTIFICATES.iter().map(|(file, what)| certificate(home, file, what, now)).collect();
    found.push(client_ca(home).unwrap_or_else(|error| Finding::failed(CLIENT_CA, error.to_string(), RESTART)));
    found.push(authorization(home, record, client).await);
    found
}

fn certificate(home: &ClusterHome, file: &str, what: &'static str, now: Timestamp) -> Finding {
    let validity = files::read(&home.path(file)).ok().flatten().and_then(|pem| validity(&pem));
    let Some((from, until)) = validity else { return Finding::failed(what, format!("`{file}` holds no certificate"), RESTART) };
    let left = until.duration_since(now);
    // What lives for a week is renewed at half of that: less than two fifths left is late for any certificate.
    let soon = SOON.min(until.duration_since(from) / 5 * 2);
    if until <= now {
        Finding::failed(what, format!("ended at {until}"), RESTART)
    } else if left < soon {
        Finding::warn(
            what,
            format!("ends at {until}, in {} days", left.as_hours() / 24),
            "Entrance renews it by itself; if it does not, look at its log",
        )
    } else {
        Finding::ok(what, format!("good until {until}"))
    }
}

/// From when until when the first certificate of a PEM text is good; an identity's file has its key beside it.
fn validity(pem: &str) -> Option<(Timestamp, Timestamp)> {
    let mut blocks = x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()).filter_map(Result::ok);
    let block = blocks.find(|block| block.label == "CERTIFICATE")?;
    let certificate = block.parse_x509().ok()?;
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
    at(certificate.validity().not_before).zip(at(certificate.validity().not_after))
}

/// Somebody who adds an authority of their own to this file can make themselves any user.
fn client_ca(home: &ClusterHome) -> Result<Finding, LocalError> {
    let there = files::read(&home.path(pki::CLIENT_CA))?.unwrap_or_default();
    let count = there.matches("-----BEGIN CERTIFICATE-----").count();
    if there == pki::client_ca(home)? {
        return Ok(Finding::ok(CLIENT_CA, format!("the {count} authorities that Entrance wrote")));
    }
    Ok(Finding::failed(
        CLIENT_CA,
        format!("`{}` was changed by somebody else: {count} authorities, not those that Entrance wrote", pki::CLIENT_CA),
        "find out who did it; Entrance writes the file again when it starts",
    ))
}

async fn authorization(home: &ClusterHome, record: &Record, client: Option<kube::Client>) -> Finding {
    let wanted = config::authorization_text(home, record);
    let there = files::read(&home.path(config::AUTHORIZATION)).ok().flatten().unwrap_or_default();
    if there.as_bytes() != wanted.as_slice() {
        return Finding::failed(
            AUTHORIZATION,
            format!("`{}` was changed by somebody else", config::AUTHORIZATION),
            "find out who did it; an update of the cluster writes the file again",
        );
    }
    let hash = sha256_hex(&wanted);
    let Some(client) = client else { return Finding::warn(AUTHORIZATION, "the API server cannot say what is in force", RESTART) };
    match api::authorizes_with(&client, &format!("sha256:{hash}")).await {
        Ok(true) => Finding::ok(AUTHORIZATION, format!("in force, sha256:{}…", &hash[..12])),
        Ok(false) => Finding::failed(
            AUTHORIZATION,
            format!("the API server does not use the file (sha256:{}…)", &hash[..12]),
            "the API server reads it again within a minute; its log says why it does not",
        ),
        Err(error) => Finding::warn(AUTHORIZATION, error.to_string(), RESTART),
    }
}

const CERTIFICATES: [(&str, &str); 4] = [
    ("pki/ca.crt", "cluster authority"),
    ("pki/serving.pem", "API server certificate"),
    ("webhook/client.pem", "webhook client certificate"),
    ("webhook/ca.crt", "webhook authority"),
];
const CLIENT_CA: &str = "client authorities";
const AUTHORIZATION: &str = "authorization configuration";
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);
const RESTART: &str = "restart Entrance: it writes and renews the cluster's files when it starts";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clusters::finding::Health;

    #[test]
    fn a_certificate_that_ended_or_is_missing_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = ClusterHome::under(folder.path(), entrance_model::id::ClusterUid::from_uuid(uuid::Uuid::from_u128(1)));
        home.create().expect("made");
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        let at = |now| certificate(&home, "pki/ca.crt", "cluster authority", now).result;
        assert_eq!(at(now), Health::Failed);
        let made = pki::Authority::fresh("a", std::time::Duration::from_hours(24 * 30), now).expect("made");
        files::write(&home.path("pki/ca.crt"), made.cert_pem.as_bytes()).expect("written");
        let later = |days: i64| now + jiff::SignedDuration::from_hours(24 * days);
        assert_eq!([at(now), at(later(20)), at(later(31))], [Health::Ok, Health::Warn, Health::Failed]);
    }
}
