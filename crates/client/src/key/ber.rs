//! As much of BER (X.690) as key files need: some programs write lengths that end when they end, and texts in pieces.
//!
//! Everything is read from a file that the person named; what does not fit is `None`, never a panic.

use zeroize::Zeroizing;

/// Elements, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next element: its tag and what is inside.
    pub(super) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, body, rest) = element(self.rest, DEEPEST)?;
        self.rest = rest;
        Some((tag, body))
    }

    /// The next element, if it has this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let (found, body) = ahead.next()?;
        (found == tag).then(|| *self = ahead)?;
        Some(body)
    }

    /// What is inside the next element, if it has this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.expect(tag).map(Self::new)
    }

    /// A whole number that is not negative.
    pub(super) fn number(&mut self) -> Option<u64> {
        let body = self.expect(INTEGER)?;
        let body = if body.first() == Some(&0) { &body[1..] } else { body };
        (body.len() <= 8).then(|| body.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// Bytes: in one piece, or in several.
    pub(super) fn octets(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        self.octets_as(OCTETS)
    }

    /// Bytes under another tag.
    pub(super) fn octets_as(&mut self, primitive: u8) -> Option<Zeroizing<Vec<u8>>> {
        let (tag, body) = self.next()?;
        let mut out = Zeroizing::new(Vec::with_capacity(body.len()));
        if tag == primitive {
            out.extend_from_slice(body);
        } else if tag == primitive | CONSTRUCTED {
            let mut pieces = Self::new(body);
            while !pieces.is_empty() {
                out.extend_from_slice(pieces.expect(OCTETS)?);
            }
        } else {
            return None;
        }
        Some(out)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Tag, body, and what follows.
fn element(bytes: &[u8], depth: usize) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    // Tags of several bytes do not occur in keys.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    if *length == 0x80 {
        let mut inner = rest;
        while !inner.starts_with(&[0, 0]) {
            inner = element(inner, depth.checked_sub(1)?)?.2;
        }
        return Some((*tag, &rest[..rest.len() - inner.len()], &inner[2..]));
    }
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
        (digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((*tag, body, rest))
}

const DEEPEST: usize = 16;
const CONSTRUCTED: u8 = 0x20;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0]`, around a whole element.
pub(super) const AROUND_0: u8 = 0xa0;
/// `[0]` in place of the element's own tag.
pub(super) const INSTEAD_0: u8 = 0x80;

/// `1.2.840.…`, for people.
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number: u64 = 0;
    for byte in oid.iter().take(64) {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.extend([first, number - first * 40]);
            } else {
                numbers.push(number);
            }
            number = 0;
        }
    }
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_length_and_texts_in_pieces_are_read() {
        let definite = [SEQUENCE, 5, OCTETS, 3, 1, 2, 3];
        let pieces = [SEQUENCE, 0x80, 0x24, 0x80, OCTETS, 1, 1, OCTETS, 2, 2, 3, 0, 0, 0, 0];
        for bytes in [&definite[..], &pieces] {
            let mut inside = Reader::new(bytes).enter(SEQUENCE).expect("a sequence");
            assert_eq!(inside.octets().expect("bytes").as_slice(), [1, 2, 3]);
            assert!(inside.is_empty());
        }
    }

    #[test]
    fn what_is_cut_off_or_too_deep_is_nothing() {
        let whole = [SEQUENCE, 0x81, 3, INTEGER, 1, 7];
        for end in 0..whole.len() {
            assert!(Reader::new(&whole[..end]).next().is_none(), "{end}");
        }
        assert_eq!(Reader::new(&whole).enter(SEQUENCE).and_then(|mut inside| inside.number()), Some(7));
        assert!(Reader::new(&[0x30, 0x80].repeat(1000)).next().is_none());
        assert!(Reader::new(&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]).next().is_none());
    }

    #[test]
    fn names_of_algorithms_are_spelled_with_dots() {
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d]), "1.2.840.113549.1.5.13");
        assert_eq!(dotted(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a]), "2.16.840.1.101.3.4.1.42");
    }
}
