//! The call that kubectl makes all day: a token from the cache, with nothing set up that it does not need.

use std::process::{Command, Output};

use crate::support::{Authority, Home};

const SPN: [&str; 4] = ["-l", "spn", "--client-secret", "s3cret"];

/// The program under limits that the shell sets.
fn limited(home: &Home, limits: &str, more: &[&str]) -> Output {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{limits}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_kubelogin")]);
    home.dress(&mut command, more).output().expect("bash runs")
}

#[test]
fn row_2_a_hit_needs_one_file_at_a_time_and_few_megabytes() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    assert!(home.run(&SPN).ok);
    authority.asked();
    // Standard input, output, error, and one more: a runtime needs three of its own, a connection another.
    let files = "ulimit -n 4";
    let hit = limited(&home, files, &SPN);
    assert!(hit.status.success() && hit.stdout.starts_with(b"{\"kind\":\"ExecCredential\""), "{hit:?}");
    assert!(authority.asked().is_empty());
    let miss = limited(&home, files, &["-l", "spn", "--client-secret", "another"]);
    assert!(!miss.status.success(), "the limit is one that a miss does not keep");
}

#[cfg(target_os = "linux")]
#[test]
fn row_2_a_hit_has_one_thread_and_opens_only_its_own_files() {
    if Command::new("strace").arg("-V").output().is_err() {
        return;
    }
    let authority = Authority::start();
    let home = Home::at(&authority);
    assert!(home.run(&SPN).ok);
    let log = home.folder.path().join("log");
    let mut command = Command::new("strace");
    command.args(["-f", "-o"]).arg(&log).arg(env!("CARGO_BIN_EXE_kubelogin"));
    let out = home.dress(&mut command, &SPN).output().expect("strace runs");
    if !out.status.success() {
        // Where processes may not be watched there is nothing to see.
        return;
    }
    let log = std::fs::read_to_string(log).expect("a log");
    let calls = |name: &str| {
        log.lines().filter(|line| line.split_once(' ').is_some_and(|(_, call)| call.trim_start().starts_with(name))).count()
    };
    for absent in ["clone", "fork", "vfork", "socket(", "epoll_create", "eventfd", "timerfd", "io_uring"] {
        assert_eq!(calls(absent), 0, "{absent} in\n{log}");
    }
    let total = log.lines().filter(|line| line.contains(" = ")).count();
    assert!(total < 150, "{total} system calls:\n{log}");
    let ours = home.folder.path().display().to_string();
    let opened: Vec<&str> = log.lines().filter(|line| line.contains("openat(") && line.contains(&ours)).collect();
    // The token, its key, and the note about who got it.
    assert!((2..=4).contains(&opened.len()), "{opened:#?}");
}
