use super::*;

fn key(seed: u8) -> Identity {
    Identity::from_secret(Zeroizing::new([seed; 32]))
}

#[test]
fn what_was_sealed_is_opened_by_its_key_and_by_no_other() {
    for length in [0, 1, 15, 16, 47, 48, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK] {
        let plain: Vec<u8> = (0..=250).cycle().take(length).collect();
        let text = seal(&plain, &key(1).public());
        assert_eq!(open(&text, &key(1)).expect("it is for this key").as_slice(), plain, "{length}");
        assert_eq!(open(&text, &key(2)).err(), Some(AgeError::OtherKey));
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let text = seal(b"a kubeconfig", &key(1).public());
    let file = unarmored(&text).expect("readable");
    for at in 0..file.len() {
        for bit in [0, 3, 7] {
            let mut wrong = file.clone();
            wrong[at] ^= 1 << bit;
            assert!(open(&armored(&wrong), &key(1)).is_err(), "byte {at} was changed");
        }
        assert!(open(&armored(&file[..at]), &key(1)).is_err(), "cut at {at}");
    }
    let longer = [file.as_slice(), &[0]].concat();
    assert!(open(&armored(&longer), &key(1)).is_err());
}

#[test]
fn chunks_cannot_be_dropped_doubled_or_swapped() {
    let plain = vec![7; 3 * CHUNK];
    let file = unarmored(&seal(&plain, &key(1).public())).expect("readable");
    let (head, chunks) = file.split_at(file.len() - 3 * (CHUNK + TAG));
    let chunk = |at: usize| &chunks[at * (CHUNK + TAG)..(at + 1) * (CHUNK + TAG)];
    assert!(open(&armored(&[head, chunk(0), chunk(1), chunk(2)].concat()), &key(1)).is_ok());
    for order in [&[0, 1][..], &[0, 1, 2, 2], &[1, 0, 2], &[0, 2], &[]] {
        let wrong = std::iter::once(head).chain(order.iter().map(|at| chunk(*at))).collect::<Vec<_>>().concat();
        assert_eq!(open(&armored(&wrong), &key(1)).err(), Some(AgeError::Damaged), "{order:?}");
    }
}

#[test]
fn keys_are_read_from_files_as_age_keygen_writes_them() {
    let ours = Identity::generate();
    let file = format!("# created: 2026-11-24T12:00:00Z\n# public key: {}\n{}\n", ours.public(), ours.to_text().as_str());
    let read: Identity = file.parse().expect("a key file");
    assert_eq!((read.public(), read.secret()), (ours.public(), ours.secret()));
    let why = |text: &str| text.parse::<Identity>().err();
    assert_eq!(why(&ours.public().to_string()), Some(BadIdentity::Public));
    assert_eq!(why("# only a comment\n"), Some(BadIdentity::Missing));
    assert_eq!(why(&ours.to_text()[..60]), Some(BadIdentity::Missing));
    assert_eq!(why("-----BEGIN AGE ENCRYPTED FILE-----\n"), Some(BadIdentity::Protected));
}

#[test]
fn files_of_age_itself_are_opened() {
    // Written by age 1.1.1 and by rage for this key; `keys_are_read…` shows that it is one.
    let key: Identity = include_str!("testdata/by-others.key").parse().expect("a key");
    for (who, file) in [("age", include_str!("testdata/by-age.txt")), ("rage", include_str!("testdata/by-rage.txt"))] {
        let opened = open(file, &key).expect(who);
        assert_eq!(std::str::from_utf8(&opened), Ok("sealed by others\n"), "{who}");
    }
}

#[test]
fn what_is_no_such_file_is_refused() {
    for text in ["", "age-encryption.org/v1\n", BEGIN, "-----BEGIN AGE ENCRYPTED FILE-----\n\n-----END AGE ENCRYPTED FILE-----\n"]
    {
        assert_eq!(open(text, &key(1)).err(), Some(AgeError::Unreadable), "{text}");
    }
    // Somebody who sends a point at which all secrets agree learns nothing and opens nothing.
    let zero = STANDARD_NO_PAD.encode([0; 32]);
    let file = format!("{VERSION}\n-> X25519 {zero}\n{zero}\n--- {zero}\n0123456789abcdef0123456789abcdef");
    assert_eq!(open(&armored(file.as_bytes()), &key(1)).err(), Some(AgeError::OtherKey));
}
