//! Bech32 (BIP 173), the alphabet in which `age` writes its keys: a readable beginning, 32 signs, six of them a checksum.

/// Writes bytes behind a readable beginning, in lower case.
pub fn encode(beginning: &str, bytes: &[u8]) -> String {
    let mut digits = regroup(bytes, 8, 5, true).unwrap_or_default();
    digits.extend(checksum(beginning, &digits));
    let digits = digits.iter().map(|digit| char::from(ALPHABET[usize::from(*digit)]));
    std::iter::once(beginning).flat_map(str::chars).chain(['1']).chain(digits).collect()
}

/// Reads what [`encode`] wrote, in one case throughout; `None` for a wrong beginning, sign, padding or checksum.
pub fn decode(beginning: &str, text: &str) -> Option<Vec<u8>> {
    if text.len() > LONGEST || (text.bytes().any(|b| b.is_ascii_lowercase()) && text.bytes().any(|b| b.is_ascii_uppercase())) {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let digits = text.strip_prefix(beginning)?.strip_prefix('1')?;
    let digits: Vec<u8> = digits
        .bytes()
        .map(|sign| ALPHABET.iter().position(|known| *known == sign).and_then(|at| u8::try_from(at).ok()))
        .collect::<Option<_>>()?;
    let (data, sum) = digits.split_at_checked(digits.len().checked_sub(6)?)?;
    if checksum(beginning, data) != *sum {
        return None;
    }
    regroup(data, 5, 8, false)
}

/// The same bits in groups of another size. What is left over is padded with zeros, or has to be zeros.
fn regroup(from: &[u8], bits: u32, into: u32, pad: bool) -> Option<Vec<u8>> {
    let (mut held, mut kept, mut out) = (0_u32, 0_u32, Vec::with_capacity(from.len() * 8 / 5 + 1));
    let mask = (1 << into) - 1;
    for byte in from {
        // At most four bits are left from before, so twelve are held at most.
        held = (held << bits | u32::from(*byte)) & 0xFFF;
        kept += bits;
        while kept >= into {
            kept -= into;
            out.push(u8::try_from(held >> kept & mask).ok()?);
        }
    }
    if pad {
        if kept > 0 {
            out.push(u8::try_from(held << (into - kept) & mask).ok()?);
        }
    } else if kept >= bits || held << (into - kept) & mask != 0 {
        return None;
    }
    Some(out)
}

fn checksum(beginning: &str, data: &[u8]) -> [u8; 6] {
    let high = beginning.bytes().map(|b| b >> 5);
    let low = beginning.bytes().map(|b| b & 31);
    let all = high.chain([0]).chain(low).chain(data.iter().copied()).chain([0; 6]);
    let sum = all.fold(1_u32, |sum, digit| {
        let next = (sum & 0x01FF_FFFF) << 5 ^ u32::from(digit);
        GENERATOR.iter().enumerate().filter(|(at, _)| sum >> 25 >> at & 1 == 1).fold(next, |next, (_, part)| next ^ part)
    }) ^ 1;
    std::array::from_fn(|at| (sum >> (5 * (5 - at)) & 31) as u8)
}

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
// A key has 62 or 74 signs; nothing that we read is longer.
const LONGEST: usize = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples_are_read_and_the_published_mistakes_refused() {
        // BIP 173, test vectors.
        assert_eq!(decode("a", "A12UEL5L"), Some(vec![]));
        let split = decode("split", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w").expect("a published example");
        assert_eq!(encode("split", &split), "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w");
        for wrong in ["A1G7SGD8", "10a06t8", "1qzzfhee", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxx", "a12UEL5L", ""] {
            assert_eq!(decode("a", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_was_written_is_read_and_every_other_sign_is_noticed() {
        for length in [1, 31, 32, 33] {
            let bytes: Vec<u8> = (0..length).map(|n: u8| n.wrapping_mul(37).wrapping_add(11)).collect();
            let text = encode("age", &bytes);
            assert_eq!(decode("age", &text).as_ref(), Some(&bytes));
            assert_eq!(decode("age", &text.to_uppercase()).as_ref(), Some(&bytes));
            for at in 4..text.len() {
                let other = if text.as_bytes()[at] == b'q' { "p" } else { "q" };
                let mut wrong = text.clone();
                wrong.replace_range(at..=at, other);
                assert_eq!(decode("age", &wrong), None, "{wrong}");
            }
        }
    }
}
