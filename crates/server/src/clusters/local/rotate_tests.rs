use std::net::IpAddr;

use uuid::Uuid;

use super::*;

fn cluster(root: &std::path::Path) -> (ClusterHome, Record) {
    let home = ClusterHome::under(root, ClusterUid::from_uuid(Uuid::from_u128(7)));
    home.create().expect("folders");
    let record = Record {
        name: "prod".to_owned(),
        listen: "127.0.0.1".parse::<IpAddr>().expect("an address"),
        port: 21_000,
        names: Vec::new(),
        pools: Vec::new(),
        webhook: "https://127.0.0.1:8444/clusters/x".to_owned(),
        authorizer: super::super::Authorizer::Rbac,
        running: true,
        signing: None,
        made: true,
    };
    pki::ensure(&home, &record, now()).expect("made");
    (home, record)
}

fn now() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().expect("a time")
}

fn id(n: u128) -> OperationId {
    OperationId::from_uuid(Uuid::from_u128(n))
}

fn read(home: &ClusterHome, file: &str) -> String {
    files::read(&home.path(file)).expect("readable").unwrap_or_default()
}

#[test]
fn r_580_every_key_and_certificate_is_another_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, record) = cluster(folder.path());
    let names = |home: &ClusterHome| {
        let all = fs::read_dir(home.path("pki/.")).expect("readable").flatten();
        let mut all: Vec<String> = all.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        all.sort();
        all
    };
    let before: Vec<_> = names(&home).into_iter().map(|name| (read(&home, &format!("pki/{name}")), name)).collect();
    make(&home, &record, id(1), now()).expect("made");
    assert_eq!(read(&home, "pki/ca.crt"), before.iter().find(|(_, name)| name == "ca.crt").expect("there").0, "not touched yet");
    swap(&home, id(1)).expect("swapped");
    for (text, name) in &before {
        let after = read(&home, &format!("pki/{name}"));
        assert!(!after.is_empty() && after != *text, "{name} is still the old one");
    }
    assert!(
        !read(&home, "pki/client-ca.crt").contains(before.iter().find(|(_, name)| name == "ca.crt").expect("there").0.as_str())
    );
}

#[test]
fn r_581_whoever_is_killed_between_any_two_moves_goes_on_or_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, record) = cluster(folder.path());
    let dir = |name: &str| home.dir().join(name);
    let old = read(&home, "pki/ca.crt");
    // Killed while the new set was made: what lies there is thrown away.
    fs::create_dir(dir(MAKING)).expect("made");
    fs::write(dir(MAKING).join("ca.pem"), "half").expect("written");
    make(&home, &record, id(1), now()).expect("made");
    let next = read(&home.with_keys(NEXT), "pki/ca.crt");
    make(&home, &record, id(1), now()).expect("made once");
    assert_eq!(read(&home.with_keys(NEXT), "pki/ca.crt"), next);
    assert!(swap(&home, id(2)).is_err(), "another operation's keys are not its own");
    // Killed between the two renames.
    fs::rename(dir(KEYS), dir(OLD)).expect("moved");
    heal(&home).expect("healed");
    assert_eq!(read(&home, "pki/ca.crt"), next);
    swap(&home, id(1)).expect("done already");
    assert_eq!(read(&home, "pki/ca.crt"), next);
    // Back, and killed in the middle of that.
    fs::remove_dir_all(dir(KEYS)).expect("removed");
    home.create().expect("healed on the way");
    assert_eq!(read(&home, "pki/ca.crt"), old);
    make(&home, &record, id(3), now()).expect("made");
    restore(&home).expect("thrown away");
    assert!(!dir(NEXT).exists() && read(&home, "pki/ca.crt") == old);
    make(&home, &record, id(3), now()).expect("made");
    swap(&home, id(3)).expect("swapped");
    restore(&home).expect("back");
    assert_eq!((read(&home, "pki/ca.crt"), dir(OLD).exists()), (old, false));
}

#[test]
fn r_584_old_signing_keys_verify_for_as_long_as_a_token_may_live() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, record) = cluster(folder.path());
    let first = read(&home, pki::VERIFYING);
    let next = Record { signing: Some(id(1)), ..record.clone() };
    retire(&home, &record.signing_key(), &next, now()).expect("retired");
    retire(&home, &record.signing_key(), &next, now() + Duration::from_secs(5)).expect("fine to repeat");
    let both = read(&home, pki::VERIFYING);
    assert!(both.contains(&first) && both.matches("BEGIN PUBLIC KEY").count() == 2, "{both}");
    forget_private_keys(&home, &next.signing_key()).expect("forgotten");
    assert!(!home.path("pki/sa.key").exists() && home.path(&next.signing_key()).exists());
    pki::ensure(&home, &next, now() + LONGEST_TOKEN + Duration::from_mins(1)).expect("renewed");
    let later = read(&home, pki::VERIFYING);
    assert!(!later.contains(&first) && later.matches("BEGIN PUBLIC KEY").count() == 1, "{later}");
    // A rotation of everything forgets all of them.
    make(&home, &next, id(2), now()).expect("made");
    swap(&home, id(2)).expect("swapped");
    assert!(!read(&home, pki::VERIFYING).contains(later.as_str()));
}

#[test]
fn r_582_an_authority_lives_for_ten_years() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, _) = cluster(folder.path());
    let (_, block) = x509_parser::pem::parse_x509_pem(read(&home, "pki/ca.crt").as_bytes()).expect("PEM");
    let until = block.parse_x509().expect("a certificate").validity().not_after.timestamp();
    let years = (until - now().as_second()) / (365 * 86_400);
    assert_eq!(years, 10);
}
