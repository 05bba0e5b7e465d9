//! Text that must not be shown.

use zeroize::Zeroizing;

/// A token, password or key: no `Debug`, no `Display`, wiped when dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that has to send or seal it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A fingerprint that can stand in a cache key.
    pub fn fingerprint(&self) -> String {
        crate::text::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.0.as_bytes()).as_ref())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}
