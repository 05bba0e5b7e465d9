//! Shamir's secret sharing over GF(256): a secret becomes `n` shares, any `k` of which give it back and fewer say nothing.
//!
//! Each byte of the secret is the value at 0 of a polynomial of degree `k - 1` whose other coefficients are random; a share
//! is its value at `x`. The field is that of AES (x⁸ + x⁴ + x³ + x + 1), as in most programs that do this. Multiplication
//! takes the same steps whatever is multiplied, so time tells nothing.
//!
//! Shares are not protected here: whoever keeps them seals each of them, and checks what comes out.

use zeroize::Zeroizing;

/// A secret of 32 bytes.
pub type Secret = Zeroizing<[u8; 32]>;

/// One share. Has no `Debug`, and its value is wiped when dropped.
pub struct Share {
    /// Where the polynomials were looked at: 1 to `n`.
    pub x: u8,
    /// Their values there.
    pub y: Secret,
}

/// Splits a secret into `n` shares; `coefficients` are the random ones, one array for each degree from 1 to `k - 1`.
pub fn split(secret: &Secret, coefficients: &[Secret], n: u8) -> Vec<Share> {
    (1..=n)
        .map(|x| {
            let mut y = Zeroizing::new([0; 32]);
            for (at, value) in y.iter_mut().enumerate() {
                // From the highest degree down (Horner).
                let high = coefficients.iter().rev().fold(0, |sum, degree| times(sum, x) ^ degree[at]);
                *value = times(high, x) ^ secret[at];
            }
            Share { x, y }
        })
        .collect()
}

/// Puts a secret together. With fewer shares than were needed, or wrong ones, the result is another secret; `None` only when
/// two shares say the same `x`, or one says 0.
pub fn combine(shares: &[Share]) -> Option<Secret> {
    let doubled = shares.iter().enumerate().any(|(at, one)| shares[..at].iter().any(|other| other.x == one.x));
    if shares.is_empty() || doubled || shares.iter().any(|share| share.x == 0) {
        return None;
    }
    let mut secret = Zeroizing::new([0; 32]);
    for share in shares {
        // Lagrange's coefficient at 0; subtraction is the same as addition here.
        let others = shares.iter().map(|other| other.x).filter(|x| *x != share.x);
        let weight = others.fold(1, |product, x| times(product, times(x, inverse(x ^ share.x))));
        for (sum, y) in secret.iter_mut().zip(share.y.iter()) {
            *sum ^= times(*y, weight);
        }
    }
    Some(secret)
}

/// Multiplication in the field, without a branch or a table.
fn times(mut a: u8, b: u8) -> u8 {
    let mut product = 0;
    for bit in 0..8 {
        product ^= a & 0_u8.wrapping_sub(b >> bit & 1);
        a = a << 1 ^ 0x1B & 0_u8.wrapping_sub(a >> 7);
    }
    product
}

/// a²⁵⁴, which is 1/a. Only ever of differences of `x`, which are no secret and never 0.
fn inverse(a: u8) -> u8 {
    (1..8)
        .fold((1, a), |(product, power), _| {
            let power = times(power, power);
            (times(product, power), power)
        })
        .0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(seed: u8) -> Secret {
        let mut state = u32::from(seed) + 1;
        Zeroizing::new(std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        }))
    }

    fn pick(shares: &[Share], mask: u32) -> Vec<Share> {
        let chosen = shares.iter().enumerate().filter(|(at, _)| mask >> at & 1 == 1);
        chosen.map(|(_, share)| Share { x: share.x, y: share.y.clone() }).collect()
    }

    #[test]
    fn the_field_is_that_of_aes() {
        // FIPS 197, 4.2.
        assert_eq!((times(0x57, 0x83), times(0x57, 0x13)), (0xC1, 0xFE));
        for a in 1..=255 {
            assert_eq!(times(a, inverse(a)), 1, "{a}");
        }
    }

    #[test]
    fn any_k_of_n_give_the_secret_and_fewer_do_not() {
        for n in 1..=6_u8 {
            for k in 1..=n {
                let secret = bytes(n * 16 + k);
                let random: Vec<Secret> = (1..k).map(|degree| bytes(100 + degree)).collect();
                let shares = split(&secret, &random, n);
                for mask in 1..1_u32 << n {
                    let some = pick(&shares, mask);
                    let found = combine(&some).expect("they are distinct");
                    assert_eq!(*found == *secret, some.len() >= usize::from(k), "{k} of {n} by {mask:b}");
                }
            }
        }
    }

    #[test]
    fn one_wrong_bit_in_a_share_gives_another_secret() {
        let secret = bytes(1);
        let shares = split(&secret, &[bytes(2), bytes(3)], 3);
        for at in 0..32 {
            let mut some = pick(&shares, 0b111);
            some[1].y[at] ^= 1;
            assert_ne!(*combine(&some).expect("they are distinct"), *secret);
        }
    }

    #[test]
    fn shares_that_cannot_be_are_refused() {
        let shares = split(&bytes(1), &[bytes(2)], 2);
        let mut twice = pick(&shares, 0b11);
        twice[1].x = 1;
        assert!(combine(&twice).is_none());
        let mut zero = pick(&shares, 0b11);
        zero[0].x = 0;
        assert!(combine(&zero).is_none());
        assert!(combine(&[]).is_none());
    }
}
