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
    assert_eq!(seen, 2);
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
