//! Reading the whole log against its chains: what was edited, deleted, inserted, moved, cut off, or written by others.
//!
//! A walk goes on after something that does not fit, from what the table says, so that one edit is one finding and not as
//! many as there are rows behind it.

use std::collections::BTreeMap;

use super::chain::{ChainId, Hash, Head, Position, PublicKey, Record};
use super::trail::{Trail, hash, read_head};
use super::{Row, read};
use crate::error::StoreError;
use crate::sql::statements;

/// Something that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A row says something else than when it was linked.
    #[error("row {seq} was changed after it was sealed")]
    Edited {
        /// The row.
        seq: i64,
    },
    /// A row does not carry the tag that Entrance gives.
    #[error("row {seq} was not written by this server, or was changed before it was sealed")]
    Forged {
        /// The row.
        seq: i64,
    },
    /// A linked row is gone.
    #[error("row {seq} was deleted")]
    Deleted {
        /// The row.
        seq: i64,
    },
    /// Rows are gone together with their links.
    #[error("rows {from} to {to} were deleted, and their links too")]
    Missing {
        /// The first.
        from: i64,
        /// The last.
        to: i64,
    },
    /// A row stands among sealed rows and has no link.
    #[error("row {seq} was inserted among sealed rows")]
    Inserted {
        /// The row.
        seq: i64,
    },
    /// A row is linked at another place than it belongs to.
    #[error("row {seq} was moved: its link is number {number} of chain `{chain}`, where {expected} belongs")]
    Moved {
        /// The row.
        seq: i64,
        /// The chain of its link.
        chain: ChainId,
        /// The number that it has.
        number: i64,
        /// The number that it should have.
        expected: i64,
    },
    /// The chain ends before its last signed head.
    #[error("chain `{chain}` was cut off: it was signed up to number {signed}, and only {found} are there")]
    Truncated {
        /// Which chain.
        chain: ChainId,
        /// The number that was signed.
        signed: i64,
        /// The last number that is there.
        found: i64,
    },
    /// Links were made again.
    #[error("chain `{chain}` was rewritten between number {after} and {number}: the signed head is another one")]
    Rewritten {
        /// Which chain.
        chain: ChainId,
        /// The last number whose head fits; 0 when there is none.
        after: i64,
        /// The number of the head that does not fit.
        number: i64,
    },
    /// A head that the server did not sign.
    #[error("the head of chain `{chain}` at number {number} has no valid signature")]
    BadHead {
        /// Which chain.
        chain: ChainId,
        /// Its number.
        number: i64,
    },
    /// Links that no head stands for.
    #[error("chain `{chain}` goes on after number {after} without a signed head")]
    Unsigned {
        /// Which chain.
        chain: ChainId,
        /// The number of the last head.
        after: i64,
    },
    /// The chain does not pass through a head that somebody kept.
    #[error("chain `{chain}` is not the one that was at number {number} when the head was saved")]
    OtherHistory {
        /// Which chain.
        chain: ChainId,
        /// The number of the saved head.
        number: i64,
    },
}

impl Fault {
    /// The row that it is about, where it is about one.
    pub const fn seq(&self) -> Option<i64> {
        match self {
            Self::Edited { seq }
            | Self::Forged { seq }
            | Self::Deleted { seq }
            | Self::Missing { from: seq, .. }
            | Self::Inserted { seq }
            | Self::Moved { seq, .. } => Some(*seq),
            Self::Truncated { .. }
            | Self::Rewritten { .. }
            | Self::BadHead { .. }
            | Self::Unsigned { .. }
            | Self::OtherHistory { .. } => None,
        }
    }
}

/// What a walk over everything found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Rows that were read.
    pub rows: u64,
    /// Rows that wait for their link.
    pub unsealed: u64,
    /// Where the chains are.
    pub heads: Vec<Head>,
    /// What does not fit: rows in their order, then heads. At most [`Report::MOST`].
    pub faults: Vec<Fault>,
}

impl Report {
    /// So many faults are told.
    pub const MOST: usize = 100;

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < Self::MOST {
            self.faults.push(fault);
        }
    }
}

statements! {
    NEXT = "SELECT min(seq) AS seq FROM (SELECT min(seq) AS seq FROM audit WHERE seq > $1 UNION ALL SELECT min(seq) AS seq FROM audit_link WHERE seq > $1)";
    ROWS = "SELECT seq, at, tenant, actor, kind, target, detail, tag FROM audit WHERE seq BETWEEN $1 AND $2";
    LINKS = "SELECT seq, chain, number, hash FROM audit_link WHERE seq BETWEEN $1 AND $2";
    HEADS = "SELECT h.chain, h.number, h.seq, h.hash, h.at, h.key, h.signature, l.hash AS link, l.seq AS row FROM audit_head h LEFT JOIN audit_link l ON l.chain = h.chain AND l.number = h.number WHERE h.chain > $1 OR (h.chain = $1 AND h.number > $2) ORDER BY h.chain, h.number LIMIT 1000";
}

const WINDOW: i64 = 1000;

struct Link {
    chain: ChainId,
    number: i64,
    hash: Hash,
}

struct Walk {
    report: Report,
    chains: BTreeMap<ChainId, Position>,
    last: i64,
    sealed: i64,
    /// Rows are missing together with their links.
    has_gap: bool,
}

impl<M> Trail<'_, M> {
    /// Reads everything; `saved` are heads that somebody kept elsewhere.
    pub async fn verify(&mut self, saved: &[Head]) -> Result<Report, StoreError> {
        let (_, sealed) = self.reach().await?;
        let keys = self.keys().await?;
        let mut walk = Walk { report: Report::default(), chains: BTreeMap::new(), last: 0, sealed, has_gap: false };
        while let Some(first) = self.next(walk.last).await? {
            let until = first.saturating_add(WINDOW - 1);
            let (mut rows, mut links) = (self.rows(first, until).await?, self.links(first, until).await?);
            let numbers: std::collections::BTreeSet<i64> = rows.keys().chain(links.keys()).copied().collect();
            for seq in numbers {
                walk.step(seq, rows.remove(&seq), links.remove(&seq));
            }
        }
        self.check_heads(&mut walk, &keys).await?;
        for head in saved {
            self.check_saved(&mut walk, head, &keys).await?;
        }
        walk.report.heads = self.heads().await?.into_values().collect();
        Ok(walk.report)
    }

    async fn next(&mut self, after: i64) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(NEXT).bind(after).fetch_one(&mut *self.0.conn).await?;
        Row::of("audit", &row).maybe_int("seq")
    }

    /// Rows, and whether each carries our tag.
    async fn rows(&mut self, from: i64, to: i64) -> Result<BTreeMap<i64, (Record, bool)>, StoreError> {
        let rows = sqlx::query(ROWS).bind(from).bind(to).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("audit", row);
                let record = read(&row)?;
                let is_ours = row.maybe_bytes("tag")?.is_some_and(|tag| self.0.seal.is_tag(&record.bytes(), &tag));
                Ok((record.seq, (record, is_ours)))
            })
            .collect()
    }

    async fn links(&mut self, from: i64, to: i64) -> Result<BTreeMap<i64, Link>, StoreError> {
        let rows = sqlx::query(LINKS).bind(from).bind(to).fetch_all(&mut *self.0.conn).await?;
        rows.iter()
            .map(|row| {
                let row = Row::of("audit_link", row);
                let link = Link { chain: row.parsed("chain")?, number: row.int("number")?, hash: hash(&row, "hash")? };
                Ok((row.int("seq")?, link))
            })
            .collect()
    }

    async fn check_heads(&mut self, walk: &mut Walk, keys: &[PublicKey]) -> Result<(), StoreError> {
        let (mut chain, mut number) = (String::new(), 0);
        let mut good: BTreeMap<ChainId, i64> = BTreeMap::new();
        let mut signed: BTreeMap<ChainId, i64> = BTreeMap::new();
        loop {
            let rows = sqlx::query(HEADS).bind(&chain).bind(number).fetch_all(&mut *self.0.conn).await?;
            let Some(last) = rows.last() else { break };
            (chain, number) = (Row::of("audit_head", last).text("chain")?, Row::of("audit_head", last).int("number")?);
            for row in &rows {
                let row = Row::of("audit_head", row);
                let head = read_head(&row)?;
                let Position { chain, number, .. } = head.position;
                signed.insert(chain, number);
                let link = row.maybe_bytes("link")?.and_then(|bytes| Hash::from_bytes(&bytes));
                let seq = row.maybe_int("row")?;
                if !keys.iter().any(|key| head.is_signed_by(key)) {
                    walk.report.fault(Fault::BadHead { chain, number });
                } else if link == Some(head.position.hash) && seq == Some(head.seq) {
                    good.insert(chain, number);
                } else if link.is_some() {
                    let after = good.get(&chain).copied().unwrap_or(0);
                    walk.report.fault(Fault::Rewritten { chain, after, number });
                }
            }
        }
        let found = |chain: &ChainId| walk.chains.get(chain).map_or(0, |position| position.number);
        let cut = signed.iter().filter(|(chain, number)| **number > found(chain));
        let mut faults: Vec<_> =
            cut.map(|(chain, signed)| Fault::Truncated { chain: *chain, signed: *signed, found: found(chain) }).collect();
        let beyond = walk.chains.values().filter(|position| position.number > signed.get(&position.chain).copied().unwrap_or(0));
        faults.extend(
            beyond.map(|position| Fault::Unsigned {
                chain: position.chain,
                after: signed.get(&position.chain).copied().unwrap_or(0),
            }),
        );
        for fault in faults {
            walk.report.fault(fault);
        }
        Ok(())
    }

    async fn check_saved(&mut self, walk: &mut Walk, head: &Head, keys: &[PublicKey]) -> Result<(), StoreError> {
        let Position { chain, number, .. } = head.position;
        if !keys.iter().any(|key| head.is_signed_by(key)) {
            walk.report.fault(Fault::BadHead { chain, number });
        } else if self.position(chain, number).await? != head.position {
            walk.report.fault(Fault::OtherHistory { chain, number });
        }
        Ok(())
    }
}

impl Walk {
    fn step(&mut self, seq: i64, row: Option<(Record, bool)>, link: Option<Link>) {
        if seq > self.last + 1 {
            self.has_gap = true;
            self.report.fault(Fault::Missing { from: self.last + 1, to: seq - 1 });
        }
        self.last = seq;
        let is_ours = row.as_ref().is_none_or(|(_, is_ours)| *is_ours);
        self.report.rows += u64::from(row.is_some());
        let edited = match (row, link) {
            (None, None) => false,
            (None, Some(link)) => {
                self.report.fault(Fault::Deleted { seq });
                self.go_on(&link);
                false
            }
            (Some(_), None) if seq <= self.sealed => {
                self.report.fault(Fault::Inserted { seq });
                false
            }
            (Some(_), None) => {
                self.report.unsealed += 1;
                false
            }
            (Some((record, _)), Some(link)) => self.compare(seq, &record, &link),
        };
        if !is_ours && !edited {
            self.report.fault(Fault::Forged { seq });
        }
    }

    /// Whether the row was edited.
    fn compare(&mut self, seq: i64, record: &Record, link: &Link) -> bool {
        let before = self.chains.get(&link.chain).copied().unwrap_or(Position::start(link.chain));
        let expected = before.after(&record.digest());
        self.go_on(link);
        if link.number > expected.number && self.has_gap {
            // What is between is gone, and was told.
            return false;
        }
        if link.number != expected.number {
            let (chain, number, expected) = (link.chain, link.number, expected.number);
            self.report.fault(Fault::Moved { seq, chain, number, expected });
            return false;
        }
        let fits = link.hash == expected.hash && record.chain() == Some(link.chain);
        if !fits {
            self.report.fault(Fault::Edited { seq });
        }
        !fits
    }

    fn go_on(&mut self, link: &Link) {
        self.chains.insert(link.chain, Position { chain: link.chain, number: link.number, hash: link.hash });
    }
}
