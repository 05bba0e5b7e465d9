//! Reading the log in order, and linking it.

use std::collections::BTreeMap;

use entrance_model::Timestamp;
use entrance_model::id::TenantId;
use sqlx::Row as _;

use super::chain::{ChainId, Hash, Head, Position, PublicKey, Record};
use super::read;
use crate::error::StoreError;
use crate::row::Row;
use crate::session::{Scope, Write};
use crate::sql::statements;

/// The audit log and its chains.
pub struct Trail<'s, M>(pub(crate) Scope<'s, M>);

/// A row with its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The row.
    pub record: Record,
    /// Its number in its chain.
    pub number: i64,
    /// The hash of its link.
    pub hash: Hash,
}

/// A row, and its number in its chain once it is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The row.
    pub record: Record,
    /// Its number in its chain.
    pub number: Option<i64>,
}

/// Which rows of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// A kind, or all kinds that begin with it (`breakGlass.`).
    pub kind: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// What it was done to.
    pub target: Option<String>,
    /// A text that stands in the facts, such as the id of a token.
    pub telling: Option<String>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// Only rows before this one.
    pub before: Option<i64>,
}

statements! {
    LAST = "SELECT coalesce(max(seq), 0) AS seq FROM audit";
    SEALED = "SELECT coalesce(max(seq), 0) AS seq FROM audit_link";
    UNSEALED = "SELECT seq, at, tenant, actor, kind, target, detail FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2";
    OLDEST_UNSEALED = "SELECT min(at) AS at FROM audit WHERE seq > (SELECT coalesce(max(seq), 0) FROM audit_link)";
    LINK = "INSERT INTO audit_link (seq, chain, number, hash) VALUES ($1, $2, $3, $4)";
    HEAD = "INSERT INTO audit_head (chain, number, seq, hash, at, key, signature) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    NEWEST_HEAD = "SELECT chain, number, seq, hash, at, key, signature FROM audit_head WHERE chain = $1 ORDER BY number DESC LIMIT 1";
    NEWEST_HEADS = "SELECT h.chain, h.number, h.seq, h.hash, h.at, h.key, h.signature FROM audit_head h WHERE h.number = (SELECT max(n.number) FROM audit_head n WHERE n.chain = h.chain) ORDER BY h.chain";
    CHAIN = "SELECT l.number, l.hash, a.seq, a.at, a.tenant, a.actor, a.kind, a.target, a.detail FROM audit_link l JOIN audit a ON a.seq = l.seq WHERE l.chain = $1 AND l.number > $2 ORDER BY l.number LIMIT $3";
    FIRST_SINCE = "SELECT min(l.number) AS number FROM audit_link l JOIN audit a ON a.seq = l.seq WHERE l.chain = $1 AND a.at >= $2";
    LINK_AT = "SELECT number, hash FROM audit_link WHERE chain = $1 AND number = $2";
    FIND = "SELECT a.seq, a.at, a.tenant, a.actor, a.kind, a.target, a.detail, l.number FROM audit a LEFT JOIN audit_link l ON l.seq = a.seq WHERE a.tenant = $1 AND a.seq < $2 AND ($3 IS NULL OR a.kind = $3 OR (substr($3, -1) = '.' AND substr(a.kind, 1, length($3)) = $3)) AND ($4 IS NULL OR a.actor = $4) AND ($5 IS NULL OR a.target = $5) AND ($6 IS NULL OR instr(a.detail, $6) > 0) AND a.at >= $7 AND a.at < $8 ORDER BY a.seq DESC LIMIT $9";
}

impl<M> Trail<'_, M> {
    /// The number of the newest row, and of the newest row that is linked.
    pub async fn reach(&mut self) -> Result<(i64, i64), StoreError> {
        let last = sqlx::query(LAST).fetch_one(&mut *self.0.conn).await?.try_get("seq")?;
        let sealed = sqlx::query(SEALED).fetch_one(&mut *self.0.conn).await?.try_get("seq")?;
        Ok((last, sealed))
    }

    /// When the oldest row was written that is not linked yet.
    pub async fn waits_since(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query(OLDEST_UNSEALED).fetch_one(&mut *self.0.conn).await?;
        Row::of("audit", &row).maybe_time("at")
    }

    /// Rows after this one that wait for their link, oldest first.
    pub async fn unsealed(&mut self, after: i64, limit: u32) -> Result<Vec<Record>, StoreError> {
        let rows = sqlx::query(UNSEALED).bind(after).bind(limit).fetch_all(&mut *self.0.conn).await?;
        rows.iter().map(|row| read(&Row::of("audit", row))).collect()
    }

    /// The newest head of a chain.
    pub async fn head(&mut self, chain: ChainId) -> Result<Option<Head>, StoreError> {
        let row = sqlx::query(NEWEST_HEAD).bind(chain.to_string()).fetch_optional(&mut *self.0.conn).await?;
        row.map(|row| read_head(&Row::of("audit_head", &row))).transpose()
    }

    /// The newest head of each chain.
    pub async fn heads(&mut self) -> Result<BTreeMap<ChainId, Head>, StoreError> {
        let rows = sqlx::query(NEWEST_HEADS).fetch_all(&mut *self.0.conn).await?;
        let heads = rows.iter().map(|row| read_head(&Row::of("audit_head", row)).map(|head| (head.position.chain, head)));
        heads.collect()
    }

    /// Rows of a chain after a number, in order.
    pub async fn chain(&mut self, chain: ChainId, after: i64, limit: u32) -> Result<Vec<Linked>, StoreError> {
        let rows = sqlx::query(CHAIN).bind(chain.to_string()).bind(after).bind(limit).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("audit_link", row);
                Ok(Linked { record: read(&row)?, number: row.int("number")?, hash: hash(&row, "hash")? })
            })
            .collect()
    }

    /// The position before the first row that is not older than this; the end of the chain when there is none.
    pub async fn position_at(&mut self, chain: ChainId, since: Timestamp) -> Result<Position, StoreError> {
        let row =
            sqlx::query(FIRST_SINCE).bind(chain.to_string()).bind(since.as_microsecond()).fetch_one(&mut *self.0.conn).await?;
        match Row::of("audit_link", &row).maybe_int("number")? {
            Some(first) => self.position(chain, first - 1).await,
            None => Ok(self.head(chain).await?.map_or(Position::start(chain), |head| head.position)),
        }
    }

    /// The position after the link with this number; the start when there is none.
    pub async fn position(&mut self, chain: ChainId, number: i64) -> Result<Position, StoreError> {
        let row = sqlx::query(LINK_AT).bind(chain.to_string()).bind(number).fetch_optional(&mut *self.0.conn).await?;
        let Some(row) = row else { return Ok(Position::start(chain)) };
        let row = Row::of("audit_link", &row);
        Ok(Position { chain, number: row.int("number")?, hash: hash(&row, "hash")? })
    }

    /// Rows of a tenant, newest first.
    pub async fn find(&mut self, tenant: TenantId, wanted: &Wanted, limit: u32) -> Result<Vec<Found>, StoreError> {
        let rows = sqlx::query(FIND)
            .bind(tenant.to_string())
            .bind(wanted.before.unwrap_or(i64::MAX))
            .bind(&wanted.kind)
            .bind(&wanted.actor)
            .bind(&wanted.target)
            .bind(&wanted.telling)
            .bind(wanted.since.map_or(i64::MIN, Timestamp::as_microsecond))
            .bind(wanted.until.map_or(i64::MAX, Timestamp::as_microsecond))
            .bind(limit)
            .fetch_all(&mut *self.0.conn)
            .await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("audit", row);
                Ok(Found { record: read(&row)?, number: row.maybe_int("number")? })
            })
            .collect()
    }

    /// The public keys that heads were signed with.
    pub async fn keys(&mut self) -> Result<Vec<PublicKey>, StoreError> {
        Ok(self.signing_keys().await?.iter().map(super::SigningKey::public).collect())
    }

    /// The keys that heads are signed with, the oldest first. Their public halves are read off the sealed ones: what stands
    /// beside them in the clear could have been exchanged.
    pub async fn signing_keys(&mut self) -> Result<Vec<super::SigningKey>, StoreError> {
        let sealed = crate::key::Keys(self.0.again()).all(PURPOSE).await?;
        let damaged = || StoreError::Corrupt { table: "sealed_key", column: "private", why: "it is no Ed25519 key".into() };
        sealed.iter().map(|key| super::SigningKey::from_pkcs8(&key.private).ok_or_else(damaged)).collect()
    }
}

impl Trail<'_, Write> {
    /// Links rows after `sealed`, the newest that is linked, and keeps where the chains are now; all of it, or, when
    /// somebody else was first, nothing.
    pub async fn link(&mut self, sealed: i64, links: &[(i64, Position)], heads: &[Head]) -> Result<(), StoreError> {
        if self.reach().await?.1 != sealed {
            return Err(StoreError::Conflict);
        }
        for (seq, position) in links {
            sqlx::query(LINK)
                .bind(seq)
                .bind(position.chain.to_string())
                .bind(position.number)
                .bind(position.hash.as_bytes().as_slice())
                .execute(&mut *self.0.conn)
                .await?;
        }
        for head in heads {
            sqlx::query(HEAD)
                .bind(head.position.chain.to_string())
                .bind(head.position.number)
                .bind(head.seq)
                .bind(head.position.hash.as_bytes().as_slice())
                .bind(head.at.as_microsecond())
                .bind(&head.key)
                .bind(&head.signature)
                .execute(&mut *self.0.conn)
                .await?;
        }
        Ok(())
    }

    /// Keeps a new signing key.
    pub async fn keep_key(&mut self, key: &super::SigningKey, private: &[u8], now: Timestamp) -> Result<(), StoreError> {
        let public = key.public();
        let kept = crate::key::SealedKey {
            name: public.id(),
            private: zeroize::Zeroizing::new(private.to_vec()),
            certificate: public.as_bytes().to_vec(),
            created: now,
            starts: now,
            ends: None,
        };
        crate::key::Keys(self.0.again()).insert(PURPOSE, &kept).await
    }
}

/// What the signing key of heads is kept under.
const PURPOSE: &str = "audit-head";

pub(super) fn hash(row: &Row<'_>, column: &'static str) -> Result<Hash, StoreError> {
    let wrong = || StoreError::Corrupt { table: "audit_link", column, why: "it has not 32 bytes".into() };
    Hash::from_bytes(&row.bytes(column)?).ok_or_else(wrong)
}

pub(super) fn read_head(row: &Row<'_>) -> Result<Head, StoreError> {
    Ok(Head {
        position: Position { chain: row.parsed("chain")?, number: row.int("number")?, hash: hash(row, "hash")? },
        seq: row.int("seq")?,
        at: row.time("at")?,
        key: row.text("key")?,
        signature: row.bytes("signature")?,
    })
}
