//! Many processes at once, as `kubectl` in a loop or a build with many jobs starts them, and processes that are killed.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::browser::{bring, with_launcher};
use crate::support::{Authority, Done, Home, count, device, refusal, tokens};

fn start(home: &Home, many: usize, words: &[&'static str]) -> Vec<Child> {
    (0..many).map(|_| home.start(words)).collect()
}

fn end(calls: Vec<Child>) -> Vec<Done> {
    calls.into_iter().map(|call| Done::of(&call.wait_with_output().expect("ends"))).collect()
}

fn all_have(done: &[Done], token: &str) {
    let without: Vec<&Done> = done.iter().filter(|done| done.token.as_deref() != Some(token)).collect();
    assert!(without.is_empty(), "{} of {} without a token: {:#?}", without.len(), done.len(), &without[..without.len().min(3)]);
}

#[test]
fn row_3_many_first_calls_ask_once() {
    for many in [20, 200] {
        let authority = Authority::start();
        let home = Home::at(&authority);
        let done = end(start(&home, many, &device(&[])));
        all_have(&done, "token-1");
        assert_eq!(done.iter().filter(|done| done.stderr.contains("To sign in")).count(), 1);
        let asked = authority.asked();
        assert_eq!((count(&asked, "/devicecode"), count(&asked, "/token")), (1, 1));
        // From now on nobody is asked at all.
        all_have(&[home.run(&device(&[]))], "token-1");
        assert!(authority.asked().is_empty());
    }
}

#[test]
fn row_3_many_first_calls_open_one_page() {
    for (many, more) in [(20, &[][..]), (200, &[]), (20, &BOUND), (50, &BOUND)] {
        let authority = Authority::start();
        let home = Home::at(&authority);
        let folder = home.folder.path().display().to_string();
        let home = with_launcher(home, &format!("echo \"$1\" >> {folder}/pages"));
        let calls = start(&home, many, &[&["-l", "interactive"], more].concat());
        let pages = || std::fs::read_to_string(home.folder.path().join("pages")).unwrap_or_default();
        until("a page was opened", || pages().ends_with('\n'));
        let page = url::Url::parse(pages().lines().next().expect("one")).expect("an address");
        let field = |name: &str| page.query_pairs().find(|(key, _)| key == name).expect("a field").1.into_owned();
        bring(&field("redirect_uri"), &[("code", "CODE"), ("state", &field("state"))]);
        let done = end(calls);
        if more.is_empty() {
            all_have(&done, "token-1");
        } else {
            all_have_a_proof(&done);
        }
        assert_eq!(pages().lines().count(), 1, "{}", pages());
        assert_eq!(count(&authority.asked(), "/token"), 1);
    }
}

#[test]
fn row_3_many_first_calls_for_a_bound_token_ask_once() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    all_have_a_proof(&end(start(&home, 20, &[&["-l", "spn", "--client-secret", "s"], &BOUND[..]].concat())));
    assert_eq!(count(&authority.asked(), "/token"), 1);
}

const BOUND: [&str; 3] = ["--pop-enabled", "--pop-claims", "u=CLUSTER"];

/// A proof is new each time, and made with the one key that the token is bound to.
fn all_have_a_proof(done: &[Done]) {
    let header = |done: &Done| done.token.as_deref().and_then(|proof| Some(proof.split_once('.')?.0.to_owned()));
    let first = header(&done[0]);
    assert!(first.is_some() && done.iter().all(|done| header(done) == first), "{done:#?}");
}

#[test]
fn row_4_an_expired_token_is_refreshed_once() {
    for many in [20, 200] {
        let authority = Authority::start();
        let home = Home::at(&authority);
        authority.answers(|_| (200, tokens("old", 60)));
        all_have(&[home.run(&device(&[]))], "old");
        authority.asked();
        authority.answers(|request| match (request.grant(), request.form.get("refresh_token").map(String::as_str)) {
            ("refresh_token", Some("refresh-old")) => (200, tokens("new", 3600)),
            other => panic!("{other:?}"),
        });
        let done = end(start(&home, many, &device(&[])));
        all_have(&done, "new");
        assert!(done.iter().all(|done| done.stderr.is_empty()), "{done:?}");
        let asked = authority.asked();
        assert_eq!((count(&asked, "/devicecode"), count(&asked, "/token")), (0, 1));
    }
}

#[test]
fn row_3_a_killed_leader_is_followed_by_another() {
    let authority = Authority::start();
    authority.answers(|_| refusal("authorization_pending", ""));
    let home = Home::at(&authority);
    let mut leader = home.start(&device(&[]));
    let asks = || count(&authority.asked(), "/devicecode") == 1;
    until("somebody asks", asks);
    let followers = start(&home, 5, &device(&[]));
    // They wait for the lock, which each of them has opened.
    until("all wait", || followers.iter().all(has_lock_open));
    let killed = Instant::now();
    leader.kill().expect("killed");
    until("another asks", asks);
    assert!(killed.elapsed() < Duration::from_secs(2), "{:?}", killed.elapsed());
    leader.wait().expect("ended");
    authority.answers(|_| (200, tokens("token-2", 3600)));
    all_have(&end(followers), "token-2");
    assert_eq!(count(&authority.asked(), "/devicecode"), 0, "one of them, and once");
}

pub(crate) fn has_lock_open(call: &Child) -> bool {
    let open = std::fs::read_dir(format!("/proc/{}/fd", call.id())).into_iter().flatten().flatten();
    open.filter_map(|file| std::fs::read_link(file.path()).ok()).any(|file| file.extension().is_some_and(|end| end == "lock"))
}

#[test]
fn a_process_that_is_killed_while_it_writes_leaves_a_cache_that_is_whole_and_free() {
    let authority = Authority::start();
    // Every call finds a token that is too old, refreshes and writes it and the account.
    authority.answers(|_| (200, tokens("short", 60)));
    let home = Home::at(&authority);
    all_have(&[home.run(&device(&[]))], "short");
    authority.answers(|request| match request.grant() {
        "refresh_token" if request.form["refresh_token"] == "refresh-short" => (200, tokens("short", 60)),
        other => refusal("invalid_grant", other),
    });
    let life = {
        let since = Instant::now();
        all_have(&[home.run(&device(&[]))], "short");
        since.elapsed()
    };
    let mut point = 7_u32;
    for _ in 0..60 {
        let mut calls = [home.start(&device(&[])), home.start(&device(&["--server-id", "OTHER"]))];
        // Somewhere between its first and its last breath.
        point = point.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        std::thread::sleep(life.mul_f64(f64::from(point >> 16) / f64::from(1_u32 << 16)));
        for call in &mut calls {
            let _ = call.kill();
            call.wait().expect("ended");
        }
        let done = home.run(&device(&[]));
        // The refresh token was still there: nobody was asked, and nothing was said about the cache.
        assert_eq!((done.token.as_deref(), done.stderr.as_str()), (Some("short"), ""), "{done:?}");
    }
    authority.answers(|_| (200, tokens("long", 3600)));
    all_have(&[home.run(&device(&[]))], "long");
    authority.asked();
    all_have(&[home.run(&device(&[]))], "long");
    assert!(authority.asked().is_empty(), "the token is read from the cache");
}

pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < patience, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
}
