//! The log as lines of JSON that prove themselves, and the check that needs nothing but them and a key.
//!
//! An export begins with where the chain was before its first line, and ends with a signed head. A row that was not asked
//! for is there as a link: its digest instead of what it says.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use entrance_model::Timestamp;
use serde_json::{Value, json};

use super::chain::{ChainId, Hash, Head, Position, PublicKey, Record};
use super::trail::Linked;

/// A line of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exported {
    /// Where the chain was before the first line.
    Start(Position),
    /// A row.
    Row(Linked),
    /// A row that was left out.
    Link {
        /// Its number in the chain.
        number: i64,
        /// Its digest.
        digest: Hash,
        /// The hash of its link.
        hash: Hash,
    },
    /// A signed head, with the key that it names.
    Head(Head, PublicKey),
}

/// A line is no line of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is missing, or is not what it should be")]
pub struct BadLine(&'static str);

/// Why an export does not prove what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadExport {
    /// The first line is another one.
    #[error("it does not begin with where the chain was")]
    NoStart,
    /// It begins a second time, elsewhere.
    #[error("it begins again at number {0}, which is not where it was")]
    Restarted(i64),
    /// A row was changed.
    #[error("row {seq} (number {number} of the chain) was changed")]
    Edited {
        /// The row.
        seq: i64,
        /// Its number.
        number: i64,
    },
    /// A link was changed.
    #[error("the link with number {0} does not follow from the one before")]
    Link(i64),
    /// Lines are missing or stand elsewhere.
    #[error("number {expected} should follow, and {found} does: lines were deleted, inserted or moved")]
    Order {
        /// The number that belongs there.
        expected: i64,
        /// The number that is there.
        found: i64,
    },
    /// The head is of another chain.
    #[error("the head at number {0} does not fit the lines before it")]
    OtherHead(i64),
    /// The head was not signed by the key it names, or not by the one that is trusted.
    #[error("the head at number {0} was not signed by the key that is trusted")]
    Signature(i64),
    /// Nothing signed stands at the end.
    #[error("no signed head stands behind number {0}: the end is missing")]
    NoHead(i64),
    /// The chain does not pass through a head that was saved.
    #[error("at number {0} the chain is not the one that was saved: its history was rewritten")]
    OtherHistory(i64),
    /// The chain ends before a head that was saved.
    #[error("a head was saved at number {saved}, and the chain ends at {found}: rows were cut off")]
    Truncated {
        /// The number of the saved head.
        saved: i64,
        /// The last number that is there.
        found: i64,
    },
}

/// The first line of an export.
pub fn start_to_json(position: &Position) -> Value {
    let Position { chain, number, hash } = position;
    json!({ "chain": chain.to_string(), "number": number, "hash": hash.to_string() })
}

/// A row of an export.
pub fn record_to_json(linked: &Linked) -> Value {
    let Linked { record, number, hash } = linked;
    let mut line = json!({ "number": number });
    line.as_object_mut().expect("it is an object").extend(fields(record));
    line["hash"] = hash.to_string().into();
    line
}

/// What a row says, without its link.
fn fields(record: &Record) -> serde_json::Map<String, Value> {
    let at = Timestamp::from_microsecond(record.at).map(|at| at.to_string()).unwrap_or_default();
    let mut fields = serde_json::Map::new();
    fields.insert("seq".into(), record.seq.into());
    fields.insert("at".into(), at.into());
    fields.insert("kind".into(), record.kind.as_str().into());
    fields.insert("tenant".into(), record.tenant.as_deref().into());
    fields.insert("actor".into(), record.actor.as_deref().into());
    fields.insert("target".into(), record.target.as_deref().into());
    // A text that is no JSON is not ours; what is shown in its place does not fit the digest.
    fields.insert("detail".into(), serde_json::from_str(&record.detail).unwrap_or_default());
    fields
}

impl super::Found {
    /// The row as JSON, with its number once it is sealed.
    pub fn to_json(&self) -> Value {
        let mut row = serde_json::Map::new();
        row.insert("number".into(), self.number.into());
        row.extend(fields(&self.record));
        Value::Object(row)
    }
}

/// The place of a row that was left out.
pub fn link_to_json(linked: &Linked) -> Value {
    json!({ "number": linked.number, "digest": linked.record.digest().to_string(), "hash": linked.hash.to_string() })
}

/// A signed head.
pub fn head_to_json(head: &Head, key: &PublicKey) -> Value {
    let Position { chain, number, hash } = head.position;
    json!({
        "head": {
            "chain": chain.to_string(), "number": number, "seq": head.seq, "hash": hash.to_string(), "at": head.at.to_string(),
            "keyId": head.key, "publicKey": key.to_string(),
            "signature": hex(&head.signature),
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes everything");
        text
    })
}

/// Reads a head, saved by itself or as the last line of an export.
pub fn head_from_json(value: &Value) -> Result<(Head, PublicKey), BadLine> {
    let head = value.get("head").unwrap_or(value);
    let signature = text(head, "signature")?;
    let signature: Option<Vec<u8>> =
        (0..signature.len()).step_by(2).map(|n| u8::from_str_radix(signature.get(n..n + 2)?, 16).ok()).collect();
    let read = Head {
        position: position(head)?,
        seq: int(head, "seq")?,
        at: parsed(head, "at")?,
        key: text(head, "keyId")?.to_owned(),
        signature: signature.ok_or(BadLine("signature"))?,
    };
    Ok((read, parsed(head, "publicKey")?))
}

impl Exported {
    /// Reads a line.
    pub fn read(line: &Value) -> Result<Self, BadLine> {
        if line.get("head").is_some() {
            let (head, key) = head_from_json(line)?;
            return Ok(Self::Head(head, key));
        }
        if line.get("chain").is_some() {
            return Ok(Self::Start(position(line)?));
        }
        let (number, hash) = (int(line, "number")?, parsed(line, "hash")?);
        if line.get("digest").is_some() {
            return Ok(Self::Link { number, digest: parsed(line, "digest")?, hash });
        }
        let maybe = |name: &'static str| match &line[name] {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            _ => Err(BadLine(name)),
        };
        let record = Record {
            seq: int(line, "seq")?,
            at: parsed::<Timestamp>(line, "at")?.as_microsecond(),
            tenant: maybe("tenant")?,
            actor: maybe("actor")?,
            kind: text(line, "kind")?.to_owned(),
            target: maybe("target")?,
            detail: line.get("detail").ok_or(BadLine("detail"))?.to_string(),
        };
        Ok(Self::Row(Linked { record, number, hash }))
    }
}

fn text<'v>(value: &'v Value, name: &'static str) -> Result<&'v str, BadLine> {
    value[name].as_str().ok_or(BadLine(name))
}

fn int(value: &Value, name: &'static str) -> Result<i64, BadLine> {
    value[name].as_i64().ok_or(BadLine(name))
}

fn parsed<T: std::str::FromStr>(value: &Value, name: &'static str) -> Result<T, BadLine> {
    text(value, name)?.parse().map_err(|_| BadLine(name))
}

fn position(value: &Value) -> Result<Position, BadLine> {
    Ok(Position { chain: parsed::<ChainId>(value, "chain")?, number: int(value, "number")?, hash: parsed(value, "hash")? })
}

/// Checks an export line by line.
#[derive(Debug, Default)]
pub struct Checker {
    at: Option<Position>,
    began: i64,
    saved: BTreeMap<i64, Hash>,
    trusted: Option<PublicKey>,
    /// Number and key of the last head that fits.
    head: Option<(i64, PublicKey)>,
    /// Rows that were read.
    pub rows: u64,
    /// Rows that were left out.
    pub left_out: u64,
}

impl Checker {
    /// A checker that trusts this key; without one, it says which key signed.
    pub fn new(trusted: Option<PublicKey>) -> Self {
        Self { trusted, ..Self::default() }
    }

    /// The chain has to pass through this head, which was kept elsewhere. Trusts its key.
    pub fn expect(&mut self, head: &Head, key: PublicKey) -> Result<(), BadExport> {
        let trusted = *self.trusted.get_or_insert(key);
        if !head.is_signed_by(&trusted) {
            return Err(BadExport::Signature(head.position.number));
        }
        self.saved.insert(head.position.number, head.position.hash);
        Ok(())
    }

    /// Where the chain is, after the lines so far.
    pub const fn position(&self) -> Option<Position> {
        self.at
    }

    /// The key that signed the last head.
    pub fn key(&self) -> Option<PublicKey> {
        self.head.map(|(_, key)| key)
    }

    /// Takes the next line.
    pub fn take(&mut self, line: &Exported) -> Result<(), BadExport> {
        match line {
            Exported::Start(start) => match self.at {
                None => {
                    self.began = start.number;
                    self.arrive(*start)
                }
                Some(at) if at == *start => Ok(()),
                Some(_) => Err(BadExport::Restarted(start.number)),
            },
            Exported::Row(linked) => {
                self.rows += 1;
                let edited = BadExport::Edited { seq: linked.record.seq, number: linked.number };
                if linked.record.chain() != self.at.map(|at| at.chain) {
                    return Err(if self.at.is_none() { BadExport::NoStart } else { edited });
                }
                self.follow(linked.number, &linked.record.digest(), linked.hash, edited)
            }
            Exported::Link { number, digest, hash } => {
                self.left_out += 1;
                self.follow(*number, digest, *hash, BadExport::Link(*number))
            }
            Exported::Head(head, key) => self.head(head, *key),
        }
    }

    fn follow(&mut self, number: i64, digest: &Hash, hash: Hash, otherwise: BadExport) -> Result<(), BadExport> {
        let next = self.at.ok_or(BadExport::NoStart)?.after(digest);
        if number != next.number {
            return Err(BadExport::Order { expected: next.number, found: number });
        }
        if next.hash != hash {
            return Err(otherwise);
        }
        self.arrive(next)
    }

    fn arrive(&mut self, at: Position) -> Result<(), BadExport> {
        self.at = Some(at);
        match self.saved.get(&at.number) {
            Some(saved) if *saved != at.hash => Err(BadExport::OtherHistory(at.number)),
            _ => Ok(()),
        }
    }

    fn head(&mut self, head: &Head, key: PublicKey) -> Result<(), BadExport> {
        let number = head.position.number;
        if !head.is_signed_by(&self.trusted.unwrap_or(key)) {
            return Err(BadExport::Signature(number));
        }
        if self.at != Some(head.position) {
            return Err(BadExport::OtherHead(number));
        }
        self.head = Some((number, self.trusted.unwrap_or(key)));
        Ok(())
    }

    /// After the last line. Heads from before the beginning of the export cannot be compared; the number of those is returned.
    pub fn end(&self) -> Result<usize, BadExport> {
        let at = self.at.ok_or(BadExport::NoStart)?;
        if at.number > 0 && self.head.is_none_or(|(number, _)| number != at.number) {
            return Err(BadExport::NoHead(at.number));
        }
        match self.saved.keys().next_back() {
            Some(saved) if *saved > at.number => Err(BadExport::Truncated { saved: *saved, found: at.number }),
            _ => Ok(self.saved.range(..self.began).count()),
        }
    }
}
