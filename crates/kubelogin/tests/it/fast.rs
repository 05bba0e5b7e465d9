//! The call that kubectl makes all day: a token from the cache, with nothing set up that it does not need.

use std::process::{Command, Output};
#[cfg(target_os = "linux")]
use std::{
    io::Write as _,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use crate::support::{Authority, Home};

const SPN: [&str; 4] = ["-l", "spn", "--client-secret", "s3cret"];

/// The program under limits that the shell sets.
fn limited(home: &Home, limits: &str, more: &[&str]) -> Output {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{limits}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_kubelogin")]);
    home.dress(&mut command, more).output().expect("bash runs")
}

#[test]
fn row_2_a_hit_needs_one_file_at_a_time() {
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
    let authority = Authority::start();
    let home = Home::at(&authority);
    assert!(home.run(&SPN).ok);
    let log = home.folder.path().join("log");
    let mut command = Command::new("strace");
    command.args(["-f", "-o"]).arg(&log).arg(env!("CARGO_BIN_EXE_kubelogin"));
    let out = home.dress(&mut command, &SPN).output().expect("`strace` is there (scripts/setup-debian.sh)");
    assert!(out.status.success(), "processes may be watched here: {}", String::from_utf8_lossy(&out.stderr));
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

/// The most memory that a hit had at any time, in kB. Its answer finds no room, so the program stands still in its last step and is looked at.
#[cfg(target_os = "linux")]
fn peak(home: &Home, program: &Path) -> u64 {
    let (mut full, _reader) = UnixStream::pair().expect("a pair");
    full.set_nonblocking(true).expect("set");
    while full.write(&[b' '; 64]).is_ok() {}
    full.set_nonblocking(false).expect("set");
    let mut command = Command::new(program);
    let mut call = home.dress(&mut command, &SPN).stdin(Stdio::null()).stdout(OwnedFd::from(full)).spawn().expect("it runs");
    let proc = Path::new("/proc").join(call.id().to_string());
    let until = Instant::now() + Duration::from_mins(1);
    // Asleep in a system call whose first argument is standard output.
    while std::fs::read_to_string(proc.join("syscall")).expect("its calls can be seen").split(' ').nth(1) != Some("0x1") {
        assert!(call.try_wait().expect("its state").is_none() && Instant::now() < until, "it comes to its answer");
        std::thread::sleep(Duration::from_millis(1));
    }
    let status = std::fs::read_to_string(proc.join("status")).expect("its memory");
    call.kill().expect("it ends");
    call.wait().expect("it ends");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).expect("a figure");
    most.parse().expect("a number")
}

#[cfg(target_os = "linux")]
#[test]
fn row_2_a_hit_needs_at_most_ten_megabytes() {
    let authority = Authority::start();
    let home = Home::at(&authority);
    assert!(home.run(&SPN).ok);
    let most = peak(&home, Path::new(env!("CARGO_BIN_EXE_kubelogin")));
    assert!((100..=TEN_MEGABYTES).contains(&most), "{most} kB");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the optimised program: `cargo build --profile plugin -p kubelogin`, or its path in ENTRANCE_OPTIMISED_KUBELOGIN"]
fn row_2_the_optimised_program_is_small_on_disk_and_in_memory() {
    let named = std::env::var_os("ENTRANCE_OPTIMISED_KUBELOGIN");
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugin/kubelogin").into_os_string();
    let program = named.unwrap_or_else(built);
    let program = Path::new(&program);
    let size = std::fs::metadata(program).expect("the optimised program is there").len();
    assert!(size <= 15_000_000, "{size} bytes");
    let authority = Authority::start();
    let home = Home::at(&authority);
    assert!(home.run(&SPN).ok);
    let most = peak(&home, program);
    assert!((100..=TEN_MEGABYTES).contains(&most), "{most} kB");
}

#[cfg(target_os = "linux")]
const TEN_MEGABYTES: u64 = 10_000;
