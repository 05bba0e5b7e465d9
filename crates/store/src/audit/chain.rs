//! The chain: how a row becomes a digest, a digest a link, and the last link a signed head.
//!
//! A link holds the hash of the one before, its number and the digest of its row. Whoever knows a later hash can therefore
//! check all rows before it, and a row can be left out of an export without breaking the proof of the others: its digest is
//! enough. Everything is hashed with its length, so no two rows have the same bytes.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use entrance_model::Timestamp;
use entrance_model::id::TenantId;
use zeroize::Zeroizing;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

/// Which chain: a tenant's, or that of rows without a tenant (`-`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainId(Option<TenantId>);

/// An audit row as it stands in the table, before anybody trusts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in the whole log.
    pub seq: i64,
    /// When, in microseconds.
    pub at: i64,
    /// The tenant.
    pub tenant: Option<String>,
    /// Who.
    pub actor: Option<String>,
    /// What kind.
    pub kind: String,
    /// What it was done to.
    pub target: Option<String>,
    /// Facts, JSON.
    pub detail: String,
}

/// Where a chain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Which chain.
    pub chain: ChainId,
    /// Number of its last link; 0 before the first.
    pub number: i64,
    /// The hash of that link.
    pub hash: Hash,
}

/// A position, signed by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Where the chain was.
    pub position: Position,
    /// The row of the last link.
    pub seq: i64,
    /// When it was signed.
    pub at: Timestamp,
    /// The key, by its id.
    pub key: String,
    /// Ed25519.
    pub signature: Vec<u8>,
}

/// The text is no hash, no chain or no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is no {0}")]
pub struct NotThat(pub &'static str);

impl Hash {
    /// The hash of some bytes.
    fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(hash)
    }

    /// A hash from its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl ChainId {
    /// Rows that belong to no tenant.
    pub const NONE: Self = Self(None);

    /// The chain of a tenant's rows.
    pub const fn of(tenant: TenantId) -> Self {
        Self(Some(tenant))
    }
}

impl Record {
    /// The chain that the row belongs to; `None` when its tenant is no tenant's id.
    pub fn chain(&self) -> Option<ChainId> {
        match &self.tenant {
            None => Some(ChainId::NONE),
            Some(id) => id.parse().ok().map(ChainId::of),
        }
    }

    /// The row in one spelling.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"entrance audit row 1\n".to_vec();
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.at.to_be_bytes());
        let texts = [self.tenant.as_deref(), self.actor.as_deref(), Some(&self.kind), self.target.as_deref(), Some(&self.detail)];
        for text in texts {
            match text {
                None => bytes.push(0),
                Some(text) => {
                    bytes.push(1);
                    bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
                    bytes.extend_from_slice(text.as_bytes());
                }
            }
        }
        bytes
    }

    /// The hash of the row by itself.
    pub fn digest(&self) -> Hash {
        Hash::of(&self.bytes())
    }
}

impl Position {
    /// Before the first link of a chain.
    pub const fn start(chain: ChainId) -> Self {
        Self { chain, number: 0, hash: Hash([0; 32]) }
    }

    /// The position after one more row.
    #[must_use]
    pub fn after(&self, row: &Hash) -> Self {
        let number = self.number + 1;
        let mut bytes = format!("entrance audit link 1\n{}\n{number}\n", self.chain).into_bytes();
        bytes.extend_from_slice(&self.hash.0);
        bytes.extend_from_slice(&row.0);
        Self { chain: self.chain, number, hash: Hash::of(&bytes) }
    }
}

impl Head {
    fn statement(position: &Position, seq: i64, at: Timestamp, key: &str) -> Vec<u8> {
        let Position { chain, number, hash } = position;
        format!("entrance audit head 1\n{chain}\n{number}\n{seq}\n{hash}\n{}\n{key}\n", at.as_microsecond()).into_bytes()
    }

    /// Whether this key signed it.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let statement = Self::statement(&self.position, self.seq, self.at, &self.key);
        self.key == key.id() && UnparsedPublicKey::new(&ED25519, key.0).verify(&statement, &self.signature).is_ok()
    }
}

/// The key that heads are checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// A key from its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its name: the first half of its hash.
    pub fn id(&self) -> String {
        Hash::of(&self.0).to_string()[..32].to_owned()
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The key that signs heads.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// A new key, with its PKCS#8 form to be kept sealed.
    pub fn generate() -> Option<(Self, Zeroizing<Vec<u8>>)> {
        let pair = Ed25519KeyPair::generate().ok()?;
        let private = Zeroizing::new(pair.to_pkcs8().ok()?.as_ref().to_vec());
        Some((Self::from_pkcs8(&private)?, private))
    }

    /// A key from its PKCS#8 form.
    pub fn from_pkcs8(private: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(private).ok()?;
        let public = PublicKey::from_bytes(pair.public_key().as_ref())?;
        Some(Self { pair, public })
    }

    /// Its public half.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs where a chain is.
    pub fn sign(&self, position: Position, seq: i64, at: Timestamp) -> Head {
        let key = self.public.id();
        let signature = self.pair.sign(&Head::statement(&position, seq, at, &key)).as_ref().to_vec();
        Head { position, seq, at, key, signature }
    }
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn read_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * n..2 * n + 2], 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for Hash {
    type Err = NotThat;
    fn from_str(text: &str) -> Result<Self, NotThat> {
        read_hex(text).map(Self).ok_or(NotThat("SHA-256 in hexadecimal"))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for PublicKey {
    type Err = NotThat;
    fn from_str(text: &str) -> Result<Self, NotThat> {
        read_hex(text).map(Self).ok_or(NotThat("Ed25519 key in hexadecimal"))
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(tenant) => tenant.fmt(f),
            None => f.write_str("-"),
        }
    }
}

impl FromStr for ChainId {
    type Err = NotThat;
    fn from_str(text: &str) -> Result<Self, NotThat> {
        match text {
            "-" => Ok(Self::NONE),
            id => id.parse().map(Self::of).map_err(|_| NotThat("chain: a tenant's id, or `-`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: i64) -> Record {
        Record { seq, at: 1, tenant: None, actor: None, kind: "a.b".into(), target: Some("t".into()), detail: "{}".into() }
    }

    #[test]
    fn every_part_of_a_row_counts_and_no_part_flows_into_the_next() {
        let row = record(1);
        let others = [
            Record { seq: 2, ..row.clone() },
            Record { at: 2, ..row.clone() },
            Record { tenant: Some(String::new()), ..row.clone() },
            Record { actor: Some(String::new()), ..row.clone() },
            Record { kind: "a.bt".into(), target: Some(String::new()), ..row.clone() },
            Record { target: None, ..row.clone() },
            Record { detail: "{} ".into(), ..row.clone() },
        ];
        let mut seen = vec![row.digest()];
        for other in others {
            assert!(!seen.contains(&other.digest()), "{other:?}");
            seen.push(other.digest());
        }
    }

    #[test]
    fn a_head_is_good_for_its_key_its_place_and_its_time_only() {
        let (key, private) = SigningKey::generate().expect("a key");
        let position = Position::start(ChainId::NONE).after(&record(1).digest());
        let head = key.sign(position, 1, Timestamp::UNIX_EPOCH);
        assert!(head.is_signed_by(&key.public()));
        let again = SigningKey::from_pkcs8(&private).expect("the same key");
        assert!(head.is_signed_by(&again.public()));
        let (other, _) = SigningKey::generate().expect("a key");
        assert!(!head.is_signed_by(&other.public()));
        let later = Timestamp::from_second(1).expect("a time");
        for changed in [
            Head { at: later, ..head.clone() },
            Head { seq: 2, ..head.clone() },
            Head { position: Position { number: 2, ..position }, ..head.clone() },
            Head { position: position.after(&record(2).digest()), ..head.clone() },
        ] {
            assert!(!changed.is_signed_by(&key.public()), "{changed:?}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_shown() {
        let hash = record(1).digest();
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!("-".parse(), Ok(ChainId::NONE));
        assert!("é".repeat(32).parse::<Hash>().is_err());
    }
}
