//! An authenticator app, from RFC 6238 and RFC 4648.

use aws_lc_rs::hmac;
use entrance_model::Timestamp;

pub(super) struct TotpApp(Vec<u8>);

impl TotpApp {
    /// Reads the key that a page shows as text.
    pub(super) fn scan(text: &str) -> Self {
        let mut bits = 0_u32;
        let mut buffer = 0_u64;
        let mut secret = Vec::new();
        for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
            let value = match letter {
                'A'..='Z' => letter as u64 - 'A' as u64,
                '2'..='7' => letter as u64 - '2' as u64 + 26,
                other => panic!("`{other}` is no base32"),
            };
            buffer = buffer << 5 | value;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                secret.push(u8::try_from(buffer >> bits & 0xff).expect("a byte"));
            }
        }
        assert_eq!(secret.len(), 20, "160 bits, as RFC 4226 recommends");
        Self(secret)
    }

    /// The code at a time.
    pub(super) fn code(&self, at: Timestamp) -> String {
        let step = u64::try_from(at.as_second() / 30).expect("after 1970");
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag[19] & 0xf);
        let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// Six digits that are not the code, nor one of its neighbours.
    pub(super) fn wrong(&self, at: Timestamp) -> String {
        let near: Vec<String> = [-30, 0, 30].map(|by| self.code(at + jiff::SignedDuration::from_secs(by))).into();
        (0..5).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).expect("four codes are not all the same")
    }
}
