use std::path::Path;

use entrance_model::id::{ClusterUid, DoorId, PrincipalId};
use uuid::Uuid;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;

use super::super::break_glass::{break_glass_roots, issue_break_glass, keep_break_glass_roots};
use super::super::home::Pool;
use super::super::sealed::{drop_sealed_door, seal_door, sealed_door_of};
use super::*;

fn cluster(root: &Path) -> (ClusterHome, Record) {
    let home = ClusterHome::under(root, ClusterUid::from_uuid(Uuid::from_u128(7)));
    home.create().expect("folders");
    let record = Record {
        name: "prod".to_owned(),
        listen: "127.0.0.1".parse().expect("an address"),
        port: 21_000,
        names: vec!["prod.example".to_owned(), "192.0.2.7".to_owned()],
        pools: vec![Pool { prefix: "a-".to_owned(), count: 1 }],
        webhook: "https://127.0.0.1:8444/clusters/x".to_owned(),
        authorizer: super::super::Authorizer::Rbac,
        running: true,
        signing: None,
        made: false,
    };
    (home, record)
}

fn now() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().expect("a time")
}

fn read(home: &ClusterHome, file: &str) -> String {
    files::read(&home.path(file)).expect("readable").expect("there")
}

fn with<T>(pem: &str, look: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).expect("PEM");
    look(&block.parse_x509().expect("a certificate"))
}

fn is_signed_by(pem: &str, signer: &str) -> bool {
    with(pem, |cert| with(signer, |signer| cert.issuer() == signer.subject() && authority_key(cert) == subject_key(signer)))
}

fn authority_key(cert: &X509Certificate<'_>) -> Option<Vec<u8>> {
    cert.iter_extensions().find_map(|one| match one.parsed_extension() {
        x509_parser::extensions::ParsedExtension::AuthorityKeyIdentifier(id) => {
            id.key_identifier.as_ref().map(|id| id.0.to_vec())
        }
        _ => None,
    })
}

fn subject_key(cert: &X509Certificate<'_>) -> Option<Vec<u8>> {
    cert.iter_extensions().find_map(|one| match one.parsed_extension() {
        x509_parser::extensions::ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
        _ => None,
    })
}

fn signers(home: &ClusterHome) -> usize {
    Pem::iter_from_buffer(read(home, CLIENT_CA).as_bytes()).count()
}

#[test]
fn everything_is_made_once_and_kept() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let (home, record) = cluster(root.path());
    ensure(&home, &record, now()).expect("made");
    let files = ["pki/ca.pem", "pki/sa.key", "pki/sa.pub", "pki/serving.pem", "pki/nodes.pem", CLIENT_CA];
    let before = files.map(|file| read(&home, file));
    ensure(&home, &record, now()).expect("made again");
    assert_eq!(files.map(|file| read(&home, file)), before);
    assert!(read(&home, "pki/sa.pub").starts_with("-----BEGIN PUBLIC KEY"));
    assert!(is_signed_by(&read(&home, "pki/serving.pem"), &read(&home, "pki/ca.crt")));
    assert!(is_signed_by(&read(&home, "pki/front-proxy-client.pem"), &read(&home, "pki/front-proxy-ca.crt")));
}

#[test]
fn what_kubernetes_publishes_has_no_key() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let (home, record) = cluster(root.path());
    ensure(&home, &record, now()).expect("made");
    for file in ["pki/ca.crt", "pki/front-proxy-ca.crt", CLIENT_CA] {
        assert!(!read(&home, file).contains("PRIVATE"), "{file} has a key");
    }
}

#[test]
fn leaves_are_renewed_in_time_and_roots_are_not() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let (home, record) = cluster(root.path());
    ensure(&home, &record, now()).expect("made");
    let (leaf, ca) = (read(&home, "pki/scheduler.pem"), read(&home, "pki/ca.crt"));
    let later = now() + DAY * 304;
    ensure(&home, &record, later).expect("looked at");
    assert_eq!(read(&home, "pki/scheduler.pem"), leaf, "61 days are left");
    ensure(&home, &record, later + DAY * 2).expect("renewed");
    assert_ne!(read(&home, "pki/scheduler.pem"), leaf);
    assert_eq!(read(&home, "pki/ca.crt"), ca);
}

#[test]
fn r_582_an_authority_lives_for_ten_years() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let (home, record) = cluster(root.path());
    ensure(&home, &record, now()).expect("made");
    let days = with(&read(&home, "pki/ca.crt"), |cert| {
        let validity = cert.validity();
        (validity.not_after.timestamp() - validity.not_before.timestamp()) / 86_400
    });
    assert_eq!(days, 3_650);
}

#[test]
fn the_serving_certificate_has_the_usual_and_the_asked_names() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let (home, record) = cluster(root.path());
    ensure(&home, &record, now()).expect("made");
    let names = with(&read(&home, "pki/serving.pem"), |cert| {
        let names = cert.subject_alternative_name().expect("readable").expect("there");
        names.value.general_names.iter().map(ToString::to_string).collect::<Vec<_>>()
    });
    for wanted in ["DNSName(localhost)", "DNSName(kubernetes.default.svc)", "DNSName(prod.example)"] {
        assert!(names.iter().any(|name| name == wanted), "{wanted} is not in {names:?}");
    }
    assert_eq!(names.len(), SERVING_NAMES.len() + record.names.len(), "127.0.0.1 is named once: {names:?}");
}

#[test]
fn the_operator_has_a_name_no_group_and_a_day() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let (home, record) = cluster(root.path());
    ensure(&home, &record, now()).expect("made");
    let operator = issue_operator(&home, now()).expect("issued");
    assert!(is_signed_by(&operator.cert_pem, &read(&home, OPERATOR_CA)));
    with(&operator.cert_pem, |cert| {
        assert_eq!(cert.subject().to_string(), "CN=entrance:operator");
        assert_eq!(cert.validity().not_after.timestamp() - cert.validity().not_before.timestamp(), 24 * 3_600);
    });
}

#[test]
fn each_door_has_a_root_of_its_own_that_goes_with_it() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let (home, record) = cluster(root.path());
    ensure(&home, &record, now()).expect("made");
    assert_eq!(signers(&home), 2);

    let (hour, holder) = (Duration::from_hours(1), PrincipalId::from_uuid(Uuid::from_u128(0xA)));
    let [first, second] = [1, 2].map(|n| DoorId::from_uuid(Uuid::from_u128(n)));
    let issued = issue_break_glass(&home, holder, first, hour, now()).expect("issued");
    assert_eq!(signers(&home), 3, "the API server learns of the root");
    let file = "pki/break-glass/00000000-0000-0000-0000-000000000001.crt";
    assert!(
        is_signed_by(&issued.cert_pem, &read(&home, file)) && !read(&home, file).contains("PRIVATE"),
        "nobody can sign again"
    );
    with(&issued.cert_pem, |cert| {
        let subject = cert.subject().to_string();
        assert_eq!(subject, format!("O=entrance:break-glass:{first}, CN=breakglass:{holder}"));
        assert_eq!(cert.validity().not_after.timestamp(), (now() + hour).as_second());
    });
    with(&read(&home, file), |cert| assert_eq!(cert.validity().not_after.timestamp(), (now() + hour).as_second()));

    let other = issue_break_glass(&home, holder, second, hour, now()).expect("issued");
    assert!(!is_signed_by(&other.cert_pem, &read(&home, file)));
    assert_eq!(signers(&home), 4);

    keep_break_glass_roots(&home, &[second]).expect("dropped");
    assert_eq!(signers(&home), 3, "the other door stays open");
    assert_eq!(break_glass_roots(&home).expect("listed"), [second]);
    keep_break_glass_roots(&home, &[]).expect("dropped");
    keep_break_glass_roots(&home, &[]).expect("nothing to drop");
    assert_eq!(signers(&home), 2);
    assert!(matches!(issue_break_glass(&home, holder, first, DAY * 8, now()), Err(LocalError::TooLong(_))));
}

#[test]
fn a_sealed_door_keeps_its_signer_until_it_is_dropped_and_never_has_a_key_in_the_folder() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let (home, record) = cluster(root.path());
    ensure(&home, &record, now()).expect("made");
    let without = signers(&home);
    let (door, other) = (DoorId::from_uuid(Uuid::from_u128(7)), DoorId::from_uuid(Uuid::from_u128(8)));
    let first = seal_door(&home, door, DAY * 90, now()).expect("issued");
    assert_eq!(signers(&home), without + 1, "the API server learns of the signer");
    let signer = read(&home, SEALED_CA);
    assert!(is_signed_by(&first.cert_pem, &signer));
    with(&first.cert_pem, |cert| {
        assert_eq!(cert.subject().to_string(), format!("O=entrance:break-glass:{door}, CN=breakglass:offline:{door}"));
        assert_eq!(cert.validity().not_after.timestamp(), (now() + DAY * 90).as_second());
    });
    // A year of daily renewals: still the same signer, so copies in safes stay good.
    let later = seal_door(&home, door, DAY * 90, now() + DAY * 365).expect("issued");
    assert!(is_signed_by(&later.cert_pem, &signer) && read(&home, SEALED_CA) == signer);
    assert!(matches!(seal_door(&home, other, DAY, now()), Err(LocalError::Damaged { .. })), "one door at a time");
    assert_eq!(sealed_door_of(&home).expect("readable"), Some(door));
    ensure(&home, &record, now() + DAY).expect("looked at");
    assert_eq!(signers(&home), without + 1, "other renewals keep it");

    drop_sealed_door(&home).expect("dropped");
    assert_eq!((signers(&home), sealed_door_of(&home).expect("readable")), (without, None));
    drop_sealed_door(&home).expect("nothing to drop");
    seal_door(&home, other, DAY, now()).expect("another door");
    for entry in std::fs::read_dir(home.path("pki")).expect("readable").flatten() {
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        let key = first.key_pem.lines().nth(1).expect("a key has lines");
        assert!(!text.contains(key), "{:?}", entry.path());
    }
}
