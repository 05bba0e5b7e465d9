//! Linking rows into their chains, a batch at a time, and signing where the chains are.
//!
//! Rows become visible in the order of their numbers, because there is one writer; so whatever is read after the last link
//! is complete up to where it ends. Hashing and signing happen before the write, which takes all of a batch or nothing: a
//! server that is killed goes on at its next start where the last whole batch ended.

use std::collections::BTreeMap;

use entrance_model::Timestamp;

use super::chain::{ChainId, Head, Position, SigningKey};
use crate::error::StoreError;
use crate::write::Store;

/// Rows of one batch.
pub const BATCH: u32 = 1000;

/// Links one batch; tells how many rows it had.
pub async fn seal(store: &Store, key: &SigningKey, now: Timestamp) -> Result<usize, StoreError> {
    let mut reader = store.read().await?;
    let mut trail = reader.trail();
    let (last, sealed) = trail.reach().await?;
    if last <= sealed {
        return Ok(0);
    }
    let rows = trail.unsealed(sealed, BATCH).await?;
    let mut ends: BTreeMap<ChainId, (Position, i64)> =
        trail.heads().await?.into_iter().map(|(chain, head)| (chain, (head.position, 0))).collect();
    drop(reader);
    let (mut links, mut before) = (Vec::with_capacity(rows.len()), sealed);
    for row in &rows {
        if row.seq != before + 1 {
            tracing::error!(from = before + 1, to = row.seq - 1, "audit rows are missing; `entrance audit verify` tells more");
        }
        before = row.seq;
        // A tenant that is none is found by the verification; the row is linked all the same, as it stands.
        let chain = row.chain().unwrap_or(ChainId::NONE);
        let (at, seq) = ends.entry(chain).or_insert((Position::start(chain), 0));
        (*at, *seq) = (at.after(&row.digest()), row.seq);
        links.push((row.seq, *at));
    }
    let moved = ends.into_values().filter(|(_, seq)| *seq > 0);
    let heads: Vec<Head> = moved.map(|(position, seq)| key.sign(position, seq, now)).collect();
    let mut tx = store.write().await?;
    tx.trail().link(sealed, &links, &heads).await?;
    tx.commit().await?;
    Ok(links.len())
}

/// The key that heads are signed with; made when there is none.
pub async fn signing_key(store: &Store, now: Timestamp) -> Result<SigningKey, StoreError> {
    if let Some(key) = store.read().await?.trail().signing_keys().await?.pop() {
        return Ok(key);
    }
    let (key, private) = SigningKey::generate().ok_or_else(|| StoreError::NotWritable("no randomness".to_owned()))?;
    let mut tx = store.write().await?;
    tx.trail().keep_key(&key, &private, now).await?;
    tx.commit().await?;
    tracing::info!(key = %key.public(), "a key for the heads of the audit log was made");
    Ok(key)
}
