use std::os::unix::fs::PermissionsExt as _;

use entrance_model::id::ClusterUid;
use uuid::Uuid;

use super::*;

/// A stand-in for the control plane: tells a version, then sleeps.
fn sleeper(root: &Path) -> Binary {
    let path = root.join("controlplane");
    fs::write(&path, "#!/bin/sh\n[ \"$1\" = version ] && { echo kubernetes v1.0.0; exit; }\necho awake\nexec sleep 60\n")
        .expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("changed");
    Binary::at(&path).expect("it tells a version")
}

fn home(root: &Path, number: u128) -> ClusterHome {
    let home = ClusterHome::under(root, ClusterUid::from_uuid(Uuid::from_u128(number)));
    home.create().expect("folders");
    home
}

fn arguments(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn a_process_is_found_again_by_its_mark_alone() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let (binary, one, other) = (sleeper(root.path()), home(root.path(), 1), home(root.path(), 2));
    let started = Process::start(&binary, &one, Part::Scheduler, &arguments("scheduler --x")).expect("started");

    // As a server that was killed and started again would see it.
    let mut found = Process::find(&one, Part::Scheduler).expect("looked");
    assert_eq!(found.iter().map(Process::pid).collect::<Vec<_>>(), [started.pid()]);
    assert!(found[0].was_started_with(&arguments("scheduler --x")));
    assert!(!found[0].was_started_with(&arguments("scheduler --y")));
    assert!(Process::find(&one, Part::Etcd).expect("looked").is_empty(), "another part");
    assert!(Process::find(&other, Part::Scheduler).expect("looked").is_empty(), "another cluster");

    found[0].end(Duration::from_secs(5)).await.expect("ended");
    assert!(Process::find(&one, Part::Scheduler).expect("looked").is_empty());
    found[0].kill().await.expect("killing what is gone is fine");
}

#[tokio::test]
async fn a_killed_process_tells_how_it_ended() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let (binary, home) = (sleeper(root.path()), home(root.path(), 1));
    let mut process = Process::start(&binary, &home, Part::Nodes, &arguments("nodes")).expect("started");
    process.signal(Signal::KILL).expect("signalled");
    assert_eq!(process.ended().await, "signal: 9 (SIGKILL)");
}

#[test]
fn a_long_log_is_cut_and_a_short_one_is_not() {
    let root = tempfile::tempdir().expect("a folder for the test");
    let log = root.path().join("etcd.log");
    fs::write(&log, "one\n\ntwo\nthree\nfour\n").expect("written");
    assert_eq!(tail(&log), "two | three | four");
    rotate(&log, 1_000).expect("fine");
    assert!(!tail(&log).is_empty());
    rotate(&log, 10).expect("cut");
    assert_eq!(tail(&log), "");
    assert_eq!(tail(&root.path().join("etcd.log.1")), "two | three | four");
    rotate(&root.path().join("none.log"), 10).expect("nothing to cut");
}
