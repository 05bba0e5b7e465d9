//! A disk that is full, and writers that give up: who was answered keeps what they wrote, and nobody else leaves anything.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use entrance_model::id::{GroupId, TenantId};
use sqlx::{Executor as _, SqlSafeStr as _};

use crate::directory::PageAfter;
use crate::tests::{group, store, tenant};
use crate::{Store, StoreError};

async fn tenant_in(store: &Store) -> TenantId {
    let tenant = tenant();
    let mut tx = store.write().await.expect("begins");
    tx.directory().insert_tenant(&tenant).await.expect("inserts");
    tx.commit().await.expect("commits");
    tenant.id
}

/// Writes one group with a description that needs a page of its own.
async fn keep(store: &Store, tenant: TenantId, name: &str) -> Result<GroupId, StoreError> {
    let mut group = group(name);
    group.description = Some("x".repeat(4096));
    let mut tx = store.write().await?;
    tx.directory().insert_group(tenant, &group).await?;
    tx.commit().await?;
    Ok(group.id)
}

async fn kept(store: &Store, tenant: TenantId) -> Vec<GroupId> {
    let mut reader = store.read().await.expect("what is only read goes on");
    let groups = reader.directory().groups(tenant, PageAfter::ALL).await.expect("reads");
    groups.into_iter().map(|group| group.id).collect()
}

/// Lets the store grow by so many pages and no more; without a number by as many as it likes.
async fn room(store: &Store, pages: Option<i64>) {
    let mut tx = store.write().await.expect("begins");
    let there: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut tx.writer.conn).await.expect("counts");
    let most = pages.map_or(i64::from(u32::MAX - 1), |pages| there + pages);
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {most}")).into_sql_str();
    tx.writer.conn.execute(limit).await.expect("is limited");
}

#[tokio::test]
async fn a_full_disk_is_told_keeps_what_was_answered_and_works_again_when_there_is_room() {
    let (_dir, store) = store().await;
    let tenant = tenant_in(&store).await;
    room(&store, Some(40)).await;
    let mut answered = Vec::new();
    let why = loop {
        match keep(&store, tenant, &format!("g{}", answered.len())).await {
            Ok(id) => answered.push(id),
            Err(error) => break error,
        }
        assert!(answered.len() < 100, "it never filled up");
    };
    assert!(matches!(why, StoreError::NotWritable(_)), "{why:?}");
    assert!(matches!(keep(&store, tenant, "still").await, Err(StoreError::NotWritable(_))), "it stays full");
    let mut found = kept(&store, tenant).await;
    room(&store, None).await;
    answered.push(keep(&store, tenant, "again").await.expect("there is room again"));
    found.push(answered[answered.len() - 1]);
    found.sort();
    answered.sort();
    assert_eq!(found, answered);
}

#[tokio::test]
async fn of_many_who_write_at_once_on_a_disk_that_fills_up_exactly_those_are_kept_who_were_told_so() {
    let (_dir, store) = store().await;
    let tenant = tenant_in(&store).await;
    for round in 0..4 {
        room(&store, Some(40)).await;
        let before = kept(&store, tenant).await;
        let writers: Vec<_> = (0..64)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move { keep(&store, tenant, &format!("g{round}-{n}")).await })
            })
            .collect();
        let mut told = before.clone();
        let mut refused = 0;
        for writer in writers {
            match writer.await.expect("ends") {
                Ok(id) => told.push(id),
                Err(StoreError::NotWritable(_)) => refused += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(refused > 0, "it never filled up");
        let mut found = kept(&store, tenant).await;
        found.sort();
        told.sort();
        assert_eq!(found, told, "round {round}");
        room(&store, None).await;
        keep(&store, tenant, &format!("g{round}-again")).await.expect("there is room again");
    }
}

/// Asks a future to go on so many times and then drops it, as the server does when its client hangs up.
async fn give_up_after(
    polls: usize,
    work: impl Future<Output = Result<GroupId, StoreError>>,
) -> Option<Result<GroupId, StoreError>> {
    let mut work = pin!(work);
    for _ in 0..polls {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(done);
        }
        // The engine and the committer go on meanwhile.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    None
}

#[tokio::test]
async fn a_writer_may_give_up_anywhere_and_neither_its_neighbours_nor_those_who_follow_notice() {
    let (_dir, store) = store().await;
    let tenant = tenant_in(&store).await;
    let mut told = Vec::new();
    let mut ended = false;
    for polls in 1..200 {
        let (names, store) = ([format!("neighbour-{polls}"), format!("gives-up-{polls}")], &store);
        let gives_up = give_up_after(polls, keep(store, tenant, &names[1]));
        let (neighbour, done) = tokio::join!(keep(store, tenant, &names[0]), gives_up);
        told.push(neighbour.expect("the neighbour is kept"));
        told.push(keep(store, tenant, &format!("follows-{polls}")).await.expect("the next one is kept"));
        if let Some(done) = done {
            told.push(done.expect("it is kept"));
            ended = true;
            break;
        }
    }
    assert!(ended, "the writer never came to its end");
    let found = kept(&store, tenant).await;
    assert!(told.iter().all(|id| found.contains(id)), "somebody was told and is not kept");
}

#[tokio::test]
async fn a_writer_that_gives_up_while_its_transaction_begins_does_not_keep_the_next_one_from_beginning() {
    let (_dir, store) = store().await;
    let tenant = tenant_in(&store).await;
    for polls in 1..200 {
        // Nobody's transaction is open, so the next writer begins one.
        store.check().await.expect("it is committed");
        let gave_up = give_up_after(polls, keep(&store, tenant, &format!("gives-up-{polls}"))).await;
        keep(&store, tenant, &format!("follows-{polls}")).await.expect("the next one is kept");
        if gave_up.is_some() {
            return;
        }
    }
    panic!("the writer never came to its end");
}

#[tokio::test]
async fn a_store_whose_writers_gave_up_while_it_was_full_writes_again() {
    let (_dir, store) = store().await;
    let tenant = tenant_in(&store).await;
    for polls in 1..40 {
        room(&store, Some(0)).await;
        let gave_up = give_up_after(polls, keep(&store, tenant, &format!("gives-up-{polls}"))).await;
        assert!(!matches!(gave_up, Some(Ok(_))), "there was no room");
        room(&store, None).await;
        keep(&store, tenant, &format!("follows-{polls}")).await.expect("the next one is kept");
    }
}
