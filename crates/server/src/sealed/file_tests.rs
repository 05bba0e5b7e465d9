use super::*;

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().expect("a time")
}

fn key(seed: u8) -> Identity {
    Identity::from_secret(Zeroizing::new([seed; 32]))
}

fn about(k: u8, n: u8) -> About {
    About {
        door: DoorId::from_uuid(uuid::Uuid::from_u128(7)),
        cluster: ClusterUid::from_uuid(uuid::Uuid::from_u128(8)),
        name: "prod".to_owned(),
        resource_group: "web".to_owned(),
        server: "https://127.0.0.1:21000".to_owned(),
        sealed: now(),
        until: "2027-02-22T12:00:00Z".parse().expect("a time"),
        threshold: k,
        recipients: (1..=n).map(|seed| key(seed).public()).collect(),
    }
}

fn sealed(k: u8, n: u8) -> (Sealed, String) {
    Sealed::seal(about(k, n), &Content { authority: "the authority", certificate: "the certificate", key: "the key" })
}

fn refusal(file: &Sealed, keys: &[u8], at: Timestamp) -> OpenError {
    let keys: Vec<Identity> = keys.iter().map(|seed| key(*seed)).collect();
    file.open(&keys, at).err().expect("it does not open")
}

#[test]
fn any_k_of_n_recovery_keys_open_it_and_fewer_do_not() {
    for n in 1..=5_u8 {
        for k in 1..=n {
            let (file, _) = sealed(k, n);
            for mask in 0..1_u32 << n {
                let given: Vec<u8> = (1..=n).filter(|seed| mask >> (seed - 1) & 1 == 1).collect();
                let keys: Vec<Identity> = given.iter().map(|seed| key(*seed)).collect();
                match file.open(&keys, now()) {
                    Ok(opened) => assert_eq!((given.len() >= usize::from(k), opened.key.as_str()), (true, "the key")),
                    Err(error) => {
                        assert_eq!(error, OpenError::TooFew { given: given.len(), needed: k }, "{k} of {n} by {mask:b}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_comes_out_is_what_went_in_and_the_proof_is_known_by_its_digest() {
    let (file, digest) = sealed(2, 3);
    let read = Sealed::read(&file.to_text()).expect("it is read again");
    assert_eq!(read, file);
    let opened = read.open(&[key(3), key(1)], now()).expect("two of three");
    assert_eq!(opened.about, about(2, 3));
    assert_eq!((opened.authority.as_str(), opened.certificate.as_str()), ("the authority", "the certificate"));
    assert_eq!(sha256_hex(opened.proof.as_bytes()), digest);
    let (kubeconfig, proof) = (opened.kubeconfig(), opened.proof);
    assert!(kubeconfig.contains("server: https://127.0.0.1:21000") && !kubeconfig.contains(proof.as_str()));
    assert!(!file.to_text().contains(proof.as_str()), "it is not to be read from outside");
}

#[test]
fn wrong_keys_and_one_key_twice_are_refused_with_the_reason() {
    let (file, _) = sealed(2, 3);
    assert_eq!(refusal(&file, &[1, 9], now()), OpenError::NotAmong(key(9).public()));
    assert_eq!(refusal(&file, &[2, 2], now()), OpenError::TooFew { given: 1, needed: 2 });
    assert_eq!(refusal(&file, &[], now()), OpenError::TooFew { given: 0, needed: 2 });
    let end = about(2, 3).until;
    assert_eq!(refusal(&file, &[1, 2], end), OpenError::Expired(end));
}

#[test]
fn nothing_that_is_said_about_it_can_be_changed_unnoticed() {
    let (file, _) = sealed(1, 2);
    let changes: [fn(&mut About); 9] = [
        |about| about.door = DoorId::from_uuid(uuid::Uuid::from_u128(9)),
        |about| about.cluster = ClusterUid::from_uuid(uuid::Uuid::from_u128(9)),
        |about| about.name = "test".to_owned(),
        |about| about.resource_group = "other".to_owned(),
        |about| about.server = "https://192.0.2.1".to_owned(),
        |about| about.sealed = about.until,
        |about| about.until += jiff::SignedDuration::from_hours(1),
        |about| about.recipients.swap(0, 1),
        |about| about.recipients[1] = key(1).public(),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut wrong = file.clone();
        change(&mut wrong.about);
        let error = wrong.open(&[key(1)], now()).err().expect("it was changed");
        assert!(matches!(error, OpenError::Damaged(_) | OpenError::Share { .. }), "{at}: {error}");
    }
    // One key less is needed, it says; then what one share gives is no key.
    let (two, _) = sealed(2, 2);
    let mut wrong = two.clone();
    wrong.about.threshold = 1;
    assert!(matches!(wrong.open(&[key(1)], now()).err(), Some(OpenError::Damaged(_))));
}

#[test]
fn every_changed_byte_of_the_text_is_refused() {
    let (file, _) = sealed(2, 2);
    let text = file.to_text();
    let mut tried = 0;
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        let mut wrong = text.clone().into_bytes();
        wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
        let Ok(wrong) = String::from_utf8(wrong) else { continue };
        let read = Sealed::read(&wrong).and_then(|file| file.open(&[key(1), key(2)], now()).map(drop));
        // White space between the members of JSON says nothing.
        if !text.as_bytes()[at].is_ascii_whitespace() {
            assert!(read.is_err(), "byte {at} `{}` was changed", &text[at.saturating_sub(9)..=at]);
            tried += 1;
        }
    }
    assert!(tried > 2_000, "{tried}");
}

#[test]
fn shares_of_another_door_are_noticed() {
    let (one, _) = sealed(1, 2);
    let mut other = about(1, 2);
    other.door = DoorId::from_uuid(uuid::Uuid::from_u128(70));
    let (other, _) = Sealed::seal(other, &Content { authority: "", certificate: "", key: "" });
    let mut mixed = one.clone();
    mixed.shares.clone_from(&other.shares);
    assert!(matches!(refusal(&mixed, &[1], now()), OpenError::Damaged(_)));
    let mut mixed = one.clone();
    mixed.payload.clone_from(&other.payload);
    assert!(matches!(refusal(&mixed, &[1], now()), OpenError::Damaged(_)));
    let mut swapped = one;
    swapped.shares.swap(0, 1);
    assert!(matches!(refusal(&swapped, &[1], now()), OpenError::Share { why: AgeError::OtherKey, .. }));
}

#[test]
fn what_is_no_such_file_is_refused() {
    for text in ["", "{}", "[]", "null", "apiVersion: v1"] {
        assert!(matches!(Sealed::read(text), Err(OpenError::NotAFile(_))), "{text}");
    }
    let (file, _) = sealed(1, 1);
    let other = file.to_text().replace("entrance-sealed-door/1", "entrance-sealed-door/2");
    assert!(matches!(Sealed::read(&other), Err(OpenError::NotAFile(_))));
    let mut short = file.clone();
    short.shares.clear();
    assert!(matches!(Sealed::read(&short.to_text()), Err(OpenError::Damaged(_))));
    let mut much = file;
    much.about.threshold = 2;
    assert!(matches!(Sealed::read(&much.to_text()), Err(OpenError::Damaged(_))));
    assert!(Sealed::read(&"x".repeat(LONGEST + 1)).is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(24))]

    /// Whatever goes in, for any number of holders: any who are enough get it out, in any order, and those who are not get nothing.
    #[test]
    fn what_was_sealed_comes_out_for_those_who_are_enough(n in 1..=16_u8, k in 1..=16_u8, order: [u8; 16], secret in ".{0,300}") {
        let k = k.min(n);
        let content = Content { authority: "", certificate: &secret, key: &secret };
        let (file, _) = Sealed::seal(about(k, n), &content);
        let file = Sealed::read(&file.to_text()).expect("it is read again");
        let mut holders: Vec<u8> = (1..=n).collect();
        holders.sort_by_key(|seed| order[usize::from(*seed) - 1]);
        let keys = |count: u8| holders[..usize::from(count)].iter().map(|seed| key(*seed)).collect::<Vec<_>>();
        let opened = file.open(&keys(k), now()).expect("enough");
        proptest::prop_assert_eq!((opened.certificate.as_str(), opened.key.as_str()), (secret.as_str(), secret.as_str()));
        proptest::prop_assert!(file.open(&keys(k - 1), now()).is_err());
    }

    #[test]
    fn no_text_makes_reading_it_panic(text in "\\PC{0,400}", cut in 0..3_000_usize, put in "[ -~]{0,40}") {
        let _ = Sealed::read(&text);
        let _ = age::open(&text, &key(1));
        let mut whole = sealed(1, 2).0.to_text();
        let at = cut.min(whole.len());
        whole.insert_str(at, &put);
        if let Ok(file) = Sealed::read(&whole) {
            let _ = file.open(&[key(1)], now());
        }
    }
}
