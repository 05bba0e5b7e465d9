use std::process::{Command, Stdio};
use std::time::Duration;

use uuid::Uuid;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn proof(nonce: &str, made: i64) -> Use<'_> {
    Use { key: "thumbprint", nonce, made, holder: PrincipalId::from_uuid(Uuid::nil()) }
}

async fn claim(proofs: &Proofs, nonce: &str, now: i64) -> Result<(), &'static str> {
    proofs.claim(proof(nonce, now), at(now)).await.map_err(Refusal::code)
}

const NOW: i64 = 1_800_000_000;

#[tokio::test]
async fn s_431_a_proof_counts_once_also_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    for (boot, nonce) in [("first", "a"), ("first", "b"), ("second", "c")] {
        let proofs = Proofs::open_in(folder.path(), at(NOW), Some(boot)).expect("opens");
        assert_eq!(claim(&proofs, nonce, NOW).await, Ok(()));
        assert_eq!(claim(&proofs, nonce, NOW).await, Err("proof-used"));
        // Closed in order each time, so that another start of the machine knows all of them, too.
    }
    let proofs = Proofs::open_in(folder.path(), at(NOW), Some("third")).expect("opens");
    for nonce in ["a", "b", "c"] {
        assert_eq!(claim(&proofs, nonce, NOW).await, Err("proof-used"), "{nonce}");
    }
    assert_eq!(claim(&proofs, "d", NOW).await, Ok(()));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "one file is left");
}

#[tokio::test]
async fn after_a_crash_of_the_machine_proofs_from_before_it_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let proofs = Proofs::open_in(folder.path(), at(NOW), Some("first")).expect("opens");
    assert_eq!(claim(&proofs, "a", NOW).await, Ok(()));
    std::mem::forget(proofs); // nothing is closed
    let proofs = Proofs::open_in(folder.path(), at(NOW + 5), Some("second")).expect("opens");
    // `b` could have been used without a trace on the disk.
    assert_eq!(claim(&proofs, "b", NOW + 4).await, Err("proof-old"));
    assert_eq!(claim(&proofs, "c", NOW + 5 + Proof::AHEAD).await, Err("proof-old"));
    assert_eq!(claim(&proofs, "d", NOW + 6 + Proof::AHEAD).await, Ok(()));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_counts_as_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("7.log"), "something else\n").expect("writes");
    let proofs = Proofs::open_in(folder.path(), at(NOW), Some("first")).expect("opens");
    assert_eq!(claim(&proofs, "a", NOW).await, Err("proof-old"));
    assert_eq!(claim(&proofs, "a", NOW + Proof::AHEAD + 1).await, Ok(()));
}

#[tokio::test]
async fn half_a_record_at_the_end_takes_nothing_from_the_others() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().expect("a folder");
    let proofs = Proofs::open_in(folder.path(), at(NOW), Some("first")).expect("opens");
    assert_eq!(claim(&proofs, "a", NOW).await, Ok(()));
    std::mem::forget(proofs);
    let file = std::fs::OpenOptions::new().append(true).open(folder.path().join("0.log"));
    file.and_then(|mut file| file.write_all(&[7; 11])).expect("appends");
    let proofs = Proofs::open_in(folder.path(), at(NOW), Some("first")).expect("opens");
    assert_eq!(claim(&proofs, "a", NOW).await, Err("proof-used"));
    assert_eq!(claim(&proofs, "b", NOW).await, Ok(()));
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_nothing_usable_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let proofs = Proofs::open_in(folder.path(), at(NOW), Some("first")).expect("opens");
    assert_eq!(claim(&proofs, "a", NOW).await, Ok(()));
    for turn in 1..=3 {
        let later = NOW + turn * PERIOD;
        assert_eq!(claim(&proofs, &turn.to_string(), later).await, Ok(()));
        assert!(std::fs::read_dir(folder.path()).expect("a folder").count() <= 3);
    }
    // `a` is forgotten by now, and yet it does not count again.
    assert_eq!(claim(&proofs, "a", NOW).await, Err("proof-old"));
    drop(proofs);
    let proofs = Proofs::open_in(folder.path(), at(NOW), Some("first")).expect("opens");
    assert_eq!(claim(&proofs, "a", NOW).await, Err("proof-old"));
    assert_eq!(proofs.claim(proof("3", NOW + 3 * PERIOD), at(NOW + 3 * PERIOD)).await, Err(Refusal::ProofOld));
}

#[tokio::test]
async fn nobody_fills_the_room_of_all_and_no_flood_makes_it_larger() {
    let proofs = Proofs { memory: Mutex::new(Memory::new(i64::MIN, 40_000)), journal: None };
    let mut took = [0_u32; 4];
    for n in 0..100_000_u32 {
        let (nonce, who) = (n.to_string(), (n % 4) as usize);
        let holder = PrincipalId::from_uuid(Uuid::from_u128(who as u128));
        let claimed = proofs.claim(Use { holder, ..proof(&nonce, NOW) }, at(NOW)).await;
        took[who] += u32::from(claimed.is_ok());
    }
    assert_eq!(took, [10_000; 4], "refused when it is full");
    assert_eq!(claim(&proofs, "0", NOW).await, Err("proof-used"), "and nothing is forgotten for it");
    assert_eq!(claim(&proofs, "later", NOW + PERIOD).await, Ok(()));

    let proofs = Proofs::in_memory();
    let mut took = 0;
    for n in 0..40_000_u32 {
        took += u32::from(proofs.claim(proof(&n.to_string(), NOW), at(NOW)).await.is_ok());
    }
    assert_eq!(took, PER_HOLDER);
}

#[test]
fn the_parts_of_a_digest_cannot_be_moved_against_each_other() {
    let digest = |key, nonce| Use { key, nonce, ..proof("", 0) }.digest();
    assert_ne!(digest("ab", "c"), digest("a", "bc"));
}

/// The other half of the next test: claims one proof in a process that is then killed.
#[tokio::test]
async fn helper_that_claims_and_waits_to_be_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let proofs = Proofs::open(Path::new(&folder), at(NOW)).expect("opens");
    assert_eq!(claim(&proofs, "a", NOW).await, Ok(()));
    std::fs::write(Path::new(&folder).join("claimed"), "").expect("writes");
    tokio::time::sleep(Duration::from_mins(1)).await;
}

#[tokio::test]
async fn a_proof_that_was_used_before_kill_9_is_refused_after_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let this = std::env::current_exe().expect("a test program");
    let mut child = Command::new(this)
        .args(["--exact", "webhook::proofs::tests::helper_that_claims_and_waits_to_be_killed"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    for _ in 0..500 {
        if folder.path().join("claimed").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().expect("it is killed");
    child.wait().expect("it ended");
    let proofs = Proofs::open(folder.path(), at(NOW)).expect("opens");
    assert_eq!(claim(&proofs, "a", NOW).await, Err("proof-used"));
    assert_eq!(claim(&proofs, "b", NOW).await, Ok(()), "and it goes on at once");
}

const FOLDER: &str = "TEST_PROOFS_FOLDER";
