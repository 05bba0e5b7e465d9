use super::*;

fn account(subject: Subject) -> Account {
    Account { authority: "https://h.test:8443/t".into(), client: "c".into(), subject, legacy: false, bound_to: None }
}

fn signed_in(token: &str, expires: Timestamp) -> SignedIn {
    SignedIn {
        access_token: token.to_owned().into(),
        expires,
        refresh_token: Some(String::from("refresh-canary").into()),
        user_name: Some("ann@corp.test".into()),
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

#[test]
fn a_token_comes_back_until_five_minutes_before_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path().join("k"));
    let ann = account(Subject::Person(None));
    assert!(cache.token(&ann, "r", now()).is_none());
    cache.keep(&ann, "r", &signed_in("t", now() + minutes(60))).expect("kept");
    assert_eq!(cache.token(&ann, "r", now() + minutes(54)).expect("still good").token.expose(), "t");
    assert!(cache.token(&ann, "r", now() + minutes(56)).is_none());
    assert!(cache.fading_token(&ann, "r", now() + minutes(56)).is_some());
    assert!(cache.fading_token(&ann, "r", now() + minutes(60)).is_none());
    assert_eq!(cache.account(&ann).expect("known").refresh_token.expose(), "refresh-canary");
}

#[test]
fn everything_that_matters_is_part_of_the_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    let ann = account(Subject::Person(None));
    cache.keep(&ann, "r", &signed_in("t", now() + minutes(60))).expect("kept");
    let others = [
        Account { authority: "https://h.test:9443/t".into(), ..ann.clone() },
        Account { client: "d".into(), ..ann.clone() },
        Account { legacy: true, ..ann.clone() },
        Account { bound_to: Some("K".into()), ..ann.clone() },
        account(Subject::Person(Some("bob@corp.test".into()))),
        account(Subject::Exactly("bob@corp.test".into())),
        account(Subject::Application(Secret::new("s".into()).fingerprint())),
    ];
    for other in &others {
        assert!(cache.token(other, "r", now()).is_none(), "{other:?}");
    }
    assert!(cache.token(&ann, "r2", now()).is_none());
}

#[test]
fn row_18_an_application_leaves_no_refresh_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    let app = account(Subject::Application("f".into()));
    cache.keep(&app, "r", &signed_in("t", now() + minutes(60))).expect("kept");
    assert!(cache.token(&app, "r", now()).is_some());
    assert!(cache.account(&app).is_none());
}

#[test]
fn nothing_readable_lies_on_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    cache.keep(&account(Subject::Person(None)), "r", &signed_in("token-canary", now() + minutes(60))).expect("kept");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder.path().join("tokens")).expect("a folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        for canary in [&b"token-canary"[..], b"refresh-canary", b"ann@corp", b"h.test"] {
            assert!(!bytes.windows(canary.len()).any(|part| part == canary));
        }
        seen += 1;
    }
    assert_eq!(seen, 3, "a token, a person, and that the call meant them");
}

#[cfg(unix)]
#[test]
fn files_belong_to_one_person() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path().join("k"));
    let ann = account(Subject::Person(None));
    cache.keep(&ann, "r", &signed_in("t", now() + minutes(60))).expect("kept");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("k")), 0o700);
    assert_eq!(mode(&folder.path().join("k/key")), 0o600);
    for entry in std::fs::read_dir(folder.path().join("k/tokens")).expect("a folder") {
        assert_eq!(mode(&entry.expect("an entry").path()), 0o600);
    }
    // A key that others could read is not believed any more.
    std::fs::set_permissions(folder.path().join("k/key"), std::fs::Permissions::from_mode(0o644)).expect("set");
    assert!(cache.token(&ann, "r", now()).is_none());
    cache.keep(&ann, "r", &signed_in("t2", now() + minutes(60))).expect("kept");
    assert_eq!(cache.token(&ann, "r", now()).expect("there").token.expose(), "t2");
    assert_eq!(mode(&folder.path().join("k/key")), 0o600);
}

#[test]
fn garbage_and_swapped_files_are_no_tokens() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    let ann = account(Subject::Person(None));
    cache.keep(&ann, "a", &signed_in("ta", now() + minutes(60))).expect("kept");
    cache.keep(&ann, "b", &signed_in("tb", now() + minutes(60))).expect("kept");
    let tokens = folder.path().join("tokens");
    std::fs::copy(tokens.join(token_file(&ann, "a")), tokens.join(token_file(&ann, "b"))).expect("copied");
    assert!(cache.token(&ann, "b", now()).is_none());
    for garbage in [&b""[..], b"x", &[1; 100], &[0; 4000]] {
        std::fs::write(tokens.join(token_file(&ann, "a")), garbage).expect("written");
        assert!(cache.token(&ann, "a", now()).is_none());
    }
    std::fs::write(folder.path().join("key"), b"short").expect("written");
    assert!(cache.account(&ann).is_none());
    cache.keep(&ann, "a", &signed_in("ta2", now() + minutes(60))).expect("kept");
    assert!(cache.token(&ann, "a", now()).is_some());
}

#[test]
fn the_lock_is_held_by_one_and_given_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    let ann = account(Subject::Person(None));
    let first = cache.lock(&ann, std::time::Duration::from_secs(5), || ()).expect("free");
    let mut told = 0;
    assert!(matches!(cache.lock(&ann, std::time::Duration::from_millis(100), || told += 1), Err(NoLock::Busy)));
    assert!(cache.lock(&account(Subject::Person(Some("bob".into()))), std::time::Duration::from_secs(5), || ()).is_ok());
    drop(first);
    assert!(cache.lock(&ann, std::time::Duration::from_secs(5), || ()).is_ok());
    assert_eq!(told, 0, "a short wait is not worth a word");
}

fn signed_in_as(name: &str, refresh: &str) -> SignedIn {
    SignedIn {
        access_token: format!("token of {name}").into(),
        expires: now() + minutes(60),
        refresh_token: Some(refresh.to_owned().into()),
        user_name: Some(name.to_owned()),
    }
}

#[test]
fn row_5_people_stand_side_by_side_and_one_person_has_one_refresh_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    let anybody = account(Subject::Person(None));
    let (ann, bob) = (account(Subject::Exactly("Ann@corp.test".into())), account(Subject::Person(Some("bob@corp.test".into()))));
    let refresh = |account: &Account| cache.account(account).map(|known| known.refresh_token.expose().to_owned());

    cache.keep(&bob, "r", &signed_in_as("bob@corp.test", "bob-1")).expect("kept");
    assert_eq!(refresh(&anybody).as_deref(), Some("bob-1"), "the only one there is");
    cache.keep(&anybody, "r", &signed_in_as("ann@corp.test", "ann-1")).expect("kept");
    assert_eq!(refresh(&anybody).as_deref(), Some("ann-1"), "whoever signed in for such a call");
    assert_eq!(refresh(&ann).as_deref(), Some("ann-1"), "by name, in any case");
    assert_eq!(refresh(&bob).as_deref(), Some("bob-1"));
    cache.keep(&ann, "r", &signed_in_as("ann@corp.test", "ann-2")).expect("kept");
    assert_eq!(refresh(&anybody).as_deref(), Some("ann-2"), "a refresh token is good once, so there is one");
    assert_eq!(cache.inventory().people.len(), 2);
}

#[test]
fn whoever_signs_in_for_the_same_calls_takes_all_of_them_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    let anybody = account(Subject::Person(None));
    for resource in ["a", "b"] {
        cache.keep(&anybody, resource, &signed_in_as("ann@corp.test", "ann")).expect("kept");
    }
    cache.keep(&anybody, "a", &signed_in_as("bob@corp.test", "bob")).expect("kept");
    assert!(cache.token(&anybody, "b", now()).is_none(), "it was another person's");
    assert_eq!(cache.token(&anybody, "a", now()).expect("kept").token.expose(), "token of bob@corp.test");
}

#[test]
fn of_two_people_nobody_is_chosen_by_chance() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    for name in ["ann@corp.test", "bob@corp.test"] {
        cache.keep(&account(Subject::Exactly(name.into())), "r", &signed_in_as(name, name)).expect("kept");
    }
    assert!(cache.account(&account(Subject::Person(None))).is_none());
}

#[test]
fn a_sign_in_that_ended_takes_its_tokens_along_and_leaves_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    let (ann, bob) = (account(Subject::Exactly("ann".into())), account(Subject::Exactly("bob".into())));
    for (who, name) in [(&ann, "ann"), (&bob, "bob")] {
        cache.keep(who, "a", &signed_in_as(name, name)).expect("kept");
        cache.keep(who, "b", &signed_in_as(name, name)).expect("kept");
    }
    cache.forget(&ann, "a");
    assert!(cache.token(&ann, "a", now()).is_none() && cache.token(&ann, "b", now()).is_none() && cache.account(&ann).is_none());
    assert!(cache.token(&bob, "b", now()).is_some() && cache.account(&bob).is_some());
    let person = cache.inventory().people.pop().expect("bob");
    cache.forget_person(&person.owner);
    assert!(cache.inventory().people.is_empty() && cache.inventory().tokens.is_empty());
}

#[test]
fn what_does_not_open_is_counted_and_in_nobodys_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    cache.keep(&account(Subject::Person(None)), "r", &signed_in_as("ann", "r")).expect("kept");
    for (name, bytes) in [("x.token", vec![0; 2 << 20]), ("y.person", b"garbage".to_vec()), ("z.token", Vec::new())] {
        std::fs::write(folder.path().join("tokens").join(name), bytes).expect("written");
    }
    let inventory = cache.inventory();
    assert_eq!((inventory.people.len(), inventory.tokens.len(), inventory.unreadable), (1, 1, 3));
    cache.forget_everything().expect("forgotten");
    assert!(!cache.has_entries() && !cache.has_key());
}

#[test]
fn row_8_nothing_is_kept_where_nothing_shall_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path().join("k")).kept_in(Storage::Nothing);
    let ann = account(Subject::Person(None));
    cache.keep(&ann, "r", &signed_in_as("ann", "r")).expect("nothing to do");
    assert!(cache.token(&ann, "r", now()).is_none() && cache.account(&ann).is_none());
    assert!(matches!(cache.lock(&ann, std::time::Duration::from_secs(1), || ()), Err(NoLock::Impossible)));
    assert!(!folder.path().join("k").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn row_8_a_key_in_the_keyring_is_on_no_disk_or_a_file_takes_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut cache = TokenCache::at(folder.path()).kept_in(Storage::Keyring);
    let ann = account(Subject::Person(None));
    if cache.or_in_a_file().is_some() {
        // As in containers without one.
        cache.keep(&ann, "r", &signed_in_as("ann", "r")).expect("kept");
        return assert!(cache.token(&ann, "r", now()).is_some() && folder.path().join("key").exists());
    }
    cache.keep(&ann, "r", &signed_in_as("ann", "r")).expect("kept");
    assert!(cache.token(&ann, "r", now()).is_some() && !folder.path().join("key").exists());
    assert!(TokenCache::at(folder.path()).token(&ann, "r", now()).is_none(), "the two do not share entries");
    // As after a restart of the machine.
    storage::keyring::forget(&storage::name(folder.path()));
    assert!(cache.token(&ann, "r", now()).is_none() && cache.inventory().unreadable > 0);
    cache.keep(&ann, "r", &signed_in_as("ann", "r2")).expect("kept");
    assert!(cache.token(&ann, "r", now()).is_some());
    cache.forget_everything().expect("forgotten");
    assert!(!cache.has_key());
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = TokenCache::at(folder.path());
    cache.keep_thing("thing", &1).expect("kept");
    assert_eq!(cache.thing::<u8>("thing"), Some(1));
    let file = std::fs::File::options().write(true).open(cache.entries().join("thing")).expect("there");
    file.set_len(64 << 20).expect("set");
    let read = || {
        let counts = std::fs::read_to_string("/proc/thread-self/io").expect("counts");
        let count = counts.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("what was read");
        count.parse::<u64>().expect("a number")
    };
    let before = read();
    assert_eq!(cache.thing::<u8>("thing"), None);
    assert!(read() - before < 1 << 20, "{} bytes", read() - before);
}
