//! The audit log as evidence: what is done to it afterwards is found, wherever it was done.

use std::path::{Path, PathBuf};

use entrance_model::Timestamp;
use entrance_model::id::TenantId;
use insta::assert_snapshot;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};
use uuid::Uuid;

use super::*;
use crate::{SealingKey, Store};

const SEAL: [u8; 32] = [3; 32];

/// A store whose log has rows of two tenants and of none.
struct Log {
    _folder: tempfile::TempDir,
    path: PathBuf,
    store: Store,
    key: SigningKey,
    tenant: TenantId,
    other: TenantId,
}

impl Log {
    /// Twelve rows, sealed in batches of four, so that there are heads in the middle.
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("entrance.db");
        let store = open(&path).await;
        let key = signing_key(&store, at(0)).await.expect("a key");
        let id = |n| TenantId::from_uuid(Uuid::from_u128(n));
        let log = Self { _folder: folder, path, store, key, tenant: id(1), other: id(2) };
        for batch in 0..3 {
            for n in 0..4 {
                let tenant = [Some(log.tenant), Some(log.other), None, Some(log.tenant)][n];
                log.write(tenant, batch * 4 + i64::try_from(n).expect("small")).await;
            }
            log.seal().await;
        }
        log
    }

    async fn write(&self, tenant: Option<TenantId>, n: i64) {
        let event = AuditEvent {
            kind: "group.created",
            tenant,
            actor: None,
            target: Some(format!("group {n}")),
            detail: json!({ "n": n }),
        };
        let mut tx = self.store.write().await.expect("begins");
        tx.audit(at(n), &event).await.expect("is told");
        tx.commit().await.expect("commits");
    }

    async fn seal(&self) {
        seal(&self.store, &self.key, at(100)).await.expect("seals");
    }

    async fn head(&self) -> Head {
        let head = self.store.read().await.expect("reads").trail().head(ChainId::of(self.tenant)).await.expect("reads");
        head.expect("it was sealed")
    }

    /// What somebody does who has the file and not the key.
    async fn tamper(&self, sql: &'static str) {
        let mut conn = sqlx::SqliteConnection::connect(&self.path.display().to_string()).await.expect("opens");
        conn.execute(sql).await.expect("it is done");
        conn.close().await.expect("closes");
    }

    async fn verify(&self, saved: &[Head]) -> Report {
        self.store.read().await.expect("reads").trail().verify(saved).await.expect("reads")
    }

    /// The findings, one a line.
    async fn findings(&self) -> String {
        self.verify(&[]).await.faults.iter().map(|fault| self.named(&fault.to_string())).collect::<Vec<_>>().join("\n")
    }

    fn named(&self, text: &str) -> String {
        text.replace(&self.tenant.to_string(), "contoso").replace(&self.other.to_string(), "fabrikam")
    }

    /// The export of the tenant's chain; rows that `leave_out` names are there as links.
    async fn export(&self, leave_out: &[i64]) -> Vec<Value> {
        let mut reader = self.store.read().await.expect("reads");
        let mut trail = reader.trail();
        let chain = ChainId::of(self.tenant);
        let start = trail.position(chain, 0).await.expect("reads");
        let mut lines = vec![start_to_json(&start)];
        for row in trail.chain(chain, 0, 100).await.expect("reads") {
            lines.push(if leave_out.contains(&row.number) { link_to_json(&row) } else { record_to_json(&row) });
        }
        let head = trail.head(chain).await.expect("reads").expect("a head");
        lines.push(head_to_json(&head, &self.key.public()));
        lines
    }
}

async fn open(path: &Path) -> Store {
    Store::open(path, SealingKey::from_bytes(&SEAL)).await.expect("opens")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

#[tokio::test]
async fn a_log_that_nobody_touched_has_nothing_to_find_and_rows_that_wait_are_counted() {
    let log = Log::new().await;
    let before = log.verify(&[log.head().await]).await;
    assert_eq!((before.rows, before.unsealed, before.faults.as_slice(), before.heads.len()), (12, 0, [].as_slice(), 3));
    log.write(Some(log.tenant), 12).await;
    let waiting = log.verify(&[]).await;
    assert_eq!((waiting.rows, waiting.unsealed, waiting.faults.as_slice()), (13, 1, [].as_slice()));
}

#[tokio::test]
async fn an_edited_row_is_found() {
    let log = Log::new().await;
    log.tamper("UPDATE audit SET target = 'group 99' WHERE seq = 5").await;
    assert_snapshot!(log.findings().await, @"row 5 was changed after it was sealed");
}

#[tokio::test]
async fn an_edited_row_is_found_also_when_every_link_behind_it_was_made_again() {
    let log = Log::new().await;
    // Somebody who knows how links are made, and has not the key of the heads.
    log.tamper("UPDATE audit SET target = 'group 99' WHERE seq = 5").await;
    let chain = ChainId::of(log.tenant);
    let rows = log.store.read().await.expect("reads").trail().chain(chain, 0, 100).await.expect("reads");
    let mut position = Position::start(chain);
    let mut conn = sqlx::SqliteConnection::connect(&log.path.display().to_string()).await.expect("opens");
    for row in rows {
        position = position.after(&row.record.digest());
        let made = sqlx::query("UPDATE audit_link SET hash = $1 WHERE seq = $2");
        made.bind(position.hash.as_bytes().as_slice()).bind(row.record.seq).execute(&mut conn).await.expect("it is done");
    }
    conn.close().await.expect("closes");
    assert_snapshot!(log.findings().await, @r"
    row 5 was not written by this server, or was changed before it was sealed
    chain `contoso` was rewritten between number 2 and 4: the signed head is another one
    chain `contoso` was rewritten between number 2 and 6: the signed head is another one
    ");
}

#[tokio::test]
async fn deleted_rows_are_found_with_and_without_their_links() {
    let log = Log::new().await;
    log.tamper("DELETE FROM audit WHERE seq = 6").await;
    assert_snapshot!(log.findings().await, @"row 6 was deleted");
    log.tamper("DELETE FROM audit WHERE seq IN (9, 10); DELETE FROM audit_link WHERE seq IN (9, 10)").await;
    assert_snapshot!(log.findings().await, @r"
    row 6 was deleted
    rows 9 to 10 were deleted, and their links too
    chain `fabrikam` was cut off: it was signed up to number 3, and only 2 are there
    ");
}

#[tokio::test]
async fn an_inserted_row_is_found_among_sealed_ones_and_behind_them() {
    let log = Log::new().await;
    // The place of a row that was deleted, as if it had said something else.
    log.tamper("DELETE FROM audit WHERE seq = 3; DELETE FROM audit_link WHERE seq = 3").await;
    log.tamper("INSERT INTO audit (seq, at, kind, detail) VALUES (3, 1, 'group.created', '{}'), (13, 1, 'group.created', '{}')")
        .await;
    assert_snapshot!(log.findings().await, @r"
    row 3 was inserted among sealed rows
    row 3 was not written by this server, or was changed before it was sealed
    row 7 was moved: its link is number 2 of chain `-`, where 1 belongs
    row 13 was not written by this server, or was changed before it was sealed
    ");
    // The sealer links what it finds, and the finding stays.
    log.seal().await;
    assert!(log.verify(&[]).await.faults.contains(&Fault::Forged { seq: 13 }));
}

#[tokio::test]
async fn rows_that_changed_places_are_found() {
    let log = Log::new().await;
    log.tamper("UPDATE audit SET seq = 100 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5; UPDATE audit SET seq = 5 WHERE seq = 100").await;
    assert_snapshot!(log.findings().await, @r"
    row 4 was changed after it was sealed
    row 5 was changed after it was sealed
    ");
    let log = Log::new().await;
    log.tamper("UPDATE audit_link SET number = 100 WHERE seq = 4; UPDATE audit_link SET number = 2 WHERE seq = 5; UPDATE audit_link SET number = 3 WHERE seq = 4").await;
    assert_snapshot!(log.findings().await, @r"
    row 4 was moved: its link is number 3 of chain `contoso`, where 2 belongs
    row 5 was moved: its link is number 2 of chain `contoso`, where 4 belongs
    row 8 was moved: its link is number 4 of chain `contoso`, where 3 belongs
    chain `contoso` was rewritten between number 0 and 2: the signed head is another one
    ");
}

#[tokio::test]
async fn a_log_that_was_cut_off_is_found_by_its_signed_heads_or_by_a_saved_one() {
    let log = Log::new().await;
    let saved = log.head().await;
    log.tamper("DELETE FROM audit WHERE seq > 8; DELETE FROM audit_link WHERE seq > 8").await;
    assert_snapshot!(log.findings().await, @r"
    chain `-` was cut off: it was signed up to number 3, and only 2 are there
    chain `contoso` was cut off: it was signed up to number 6, and only 4 are there
    chain `fabrikam` was cut off: it was signed up to number 3, and only 2 are there
    ");
    log.tamper("DELETE FROM audit_head WHERE seq > 8").await;
    assert_eq!(log.verify(&[]).await.faults, [], "nothing in the file tells of what was there");
    let chain = saved.position.chain;
    assert_eq!(log.verify(&[saved]).await.faults, [Fault::OtherHistory { chain, number: 6 }]);
}

#[tokio::test]
async fn heads_and_keys_that_were_exchanged_are_found() {
    let log = Log::new().await;
    let (other, _) = SigningKey::generate().expect("a key");
    let mut conn = sqlx::SqliteConnection::connect(&log.path.display().to_string()).await.expect("opens");
    let head = log.head().await;
    let forged = other.sign(head.position, head.seq, head.at);
    let exchange = sqlx::query("UPDATE audit_head SET key = $1, signature = $2 WHERE chain = $3 AND number = $4");
    let exchange = exchange.bind(&forged.key).bind(&forged.signature).bind(log.tenant.to_string()).bind(forged.position.number);
    exchange.execute(&mut conn).await.expect("it is done");
    // The key that stands beside the sealed one in the clear is not what counts.
    let public = sqlx::query("UPDATE sealed_key SET certificate = $1 WHERE purpose = 'audit-head'");
    public.bind(other.public().as_bytes().as_slice()).execute(&mut conn).await.expect("it is done");
    conn.close().await.expect("closes");
    assert_snapshot!(log.findings().await, @"the head of chain `contoso` at number 6 has no valid signature");
}

#[tokio::test]
async fn the_number_of_a_row_that_was_taken_away_is_not_given_again() {
    let log = Log::new().await;
    log.tamper("DELETE FROM audit WHERE seq = 12").await;
    log.write(Some(log.tenant), 12).await;
    log.seal().await;
    assert_eq!(log.verify(&[]).await.faults, [Fault::Deleted { seq: 12 }]);
}

#[tokio::test]
async fn whoever_is_second_links_nothing() {
    let log = Log::new().await;
    log.write(Some(log.tenant), 12).await;
    let (one, two) = tokio::join!(seal(&log.store, &log.key, at(1)), seal(&log.store, &log.key, at(1)));
    let done = [one, two].into_iter().filter(|outcome| matches!(outcome, Ok(1))).count();
    assert_eq!((done, log.verify(&[]).await.faults), (1, vec![]));
}

#[tokio::test]
async fn a_sealer_that_is_killed_in_a_batch_leaves_nothing_of_it_and_the_next_one_goes_on() {
    let log = Log::new().await;
    for n in 12..16 {
        log.write(Some(log.tenant), n).await;
    }
    let mut reader = log.store.read().await.expect("reads");
    let (rows, head) = (reader.trail().unsealed(12, 10).await.expect("reads"), log.head().await);
    let first = head.position.after(&rows[0].digest());
    let mut tx = log.store.write().await.expect("begins");
    tx.trail().link(12, &[(13, first)], &[log.key.sign(first, 13, at(1))]).await.expect("links");
    drop(tx);
    drop(reader);
    let Log { _folder, path, store, tenant, .. } = log;
    drop(store);
    let store = open(&path).await;
    let key = signing_key(&store, at(2)).await.expect("the same key");
    assert_eq!(seal(&store, &key, at(2)).await.expect("seals"), 4);
    let report = store.read().await.expect("reads").trail().verify(&[head]).await.expect("reads");
    assert_eq!((report.faults, report.unsealed), (vec![], 0));
    let head = store.read().await.expect("reads").trail().head(ChainId::of(tenant)).await.expect("reads");
    assert_eq!(head.map(|head| (head.position.number, head.seq)), Some((10, 16)));
    // Somebody who only looks finds the same, and needs the key of this installation.
    drop(store);
    let mut look = Store::look(&path, SealingKey::from_bytes(&SEAL)).await.expect("opens");
    assert_eq!(look.trail().verify(&[]).await.expect("reads").faults, []);
    let mut look = Store::look(&path, SealingKey::from_bytes(&[4; 32])).await.expect("opens");
    assert!(look.trail().verify(&[]).await.is_err());
}

#[tokio::test]
async fn an_export_proves_itself_and_a_row_that_was_left_out_is_still_counted() {
    let log = Log::new().await;
    let lines = log.export(&[2, 3]).await;
    assert!(!lines[2].to_string().contains("group 3"), "what was left out is not told");
    let mut checker = Checker::new(Some(log.key.public()));
    check(&mut checker, &lines).expect("it holds");
    assert_eq!((checker.rows, checker.left_out, checker.key()), (4, 2, Some(log.key.public())));
}

#[tokio::test]
async fn an_export_that_was_changed_proves_nothing() {
    let log = Log::new().await;
    let lines = log.export(&[3]).await;
    let mut table = Vec::new();
    let mut tried = |name: &str, lines: &[Value]| {
        let mut checker = Checker::new(Some(log.key.public()));
        let why = check(&mut checker, lines).expect_err(name);
        table.push(format!("{name}: {why}"));
    };
    let edited = |line: usize, name: &str, value: Value| {
        let mut lines = lines.clone();
        lines[line][name] = value;
        lines
    };
    tried("edited", &edited(2, "target", json!("group 99")));
    tried("another time", &edited(2, "at", json!("2030-01-01T00:00:00Z")));
    tried("another tenant", &edited(2, "tenant", json!(log.other.to_string())));
    tried("another digest", &edited(3, "digest", lines[3]["hash"].clone()));
    tried("another hash", &edited(1, "hash", lines[2]["hash"].clone()));
    tried("deleted", &[&lines[..2], &lines[3..]].concat());
    tried("twice", &[&lines[..3], &lines[2..]].concat());
    tried("another order", &[&lines[..2], &lines[3..4], &lines[2..3], &lines[4..]].concat());
    tried("cut off", &lines[..5]);
    tried("no beginning", &lines[1..]);
    let (mut end, mut short) = (lines.last().expect("a head").clone(), lines[..5].to_vec());
    short.push(end.clone());
    tried("cut off before the head", &short);
    let (other, _) = SigningKey::generate().expect("a key");
    let head = log.head().await;
    end = head_to_json(&other.sign(head.position, head.seq, head.at), &other.public());
    tried("signed by somebody else", &[&lines[..lines.len() - 1], &[end]].concat());
    assert_snapshot!(table.join("\n"), @r"
    edited: row 4 (number 2 of the chain) was changed
    another time: row 4 (number 2 of the chain) was changed
    another tenant: row 4 (number 2 of the chain) was changed
    another digest: the link with number 3 does not follow from the one before
    another hash: row 1 (number 1 of the chain) was changed
    deleted: number 2 should follow, and 3 does: lines were deleted, inserted or moved
    twice: number 3 should follow, and 2 does: lines were deleted, inserted or moved
    another order: number 2 should follow, and 3 does: lines were deleted, inserted or moved
    cut off: no signed head stands behind number 4: the end is missing
    no beginning: it does not begin with where the chain was
    cut off before the head: the head at number 6 does not fit the lines before it
    signed by somebody else: the head at number 6 was not signed by the key that is trusted
    ");
}

#[tokio::test]
async fn a_history_that_was_rewritten_and_signed_again_is_found_by_a_saved_head() {
    let (log, again) = (Log::new().await, Log::new().await);
    let saved = log.head().await;
    // The same rows, sealed by somebody who has a key of their own.
    let mut checker = Checker::new(None);
    checker.expect(&saved, log.key.public()).expect("it is signed");
    let why = check(&mut checker, &again.export(&[]).await).expect_err("another key");
    assert_snapshot!(why, @"the head at number 6 was not signed by the key that is trusted");
    // A longer history of the same server holds the saved one.
    log.write(Some(log.tenant), 12).await;
    log.seal().await;
    let mut checker = Checker::new(None);
    checker.expect(&saved, log.key.public()).expect("it is signed");
    check(&mut checker, &log.export(&[]).await).expect("it goes on from there");
}

fn check(checker: &mut Checker, lines: &[Value]) -> anyhow::Result<()> {
    for line in lines {
        checker.take(&Exported::read(line)?)?;
    }
    checker.end()?;
    Ok(())
}
