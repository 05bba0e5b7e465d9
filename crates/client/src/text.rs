//! Text from elsewhere on its way to a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Spells out control characters, so that no server can move a cursor, recolour or retitle a terminal. Line ends stay.
///
/// # Examples
/// ```
/// assert_eq!(entrance_client::printable("a\x1b[31mb"), "a\\u{1b}[31mb");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    spelled(text, |out, c| out.extend(c.escape_unicode()))
}

/// The same for JSON, which spells these characters in its own way and stays what it is.
///
/// # Examples
/// ```
/// assert_eq!(entrance_client::printable_json("\"a\u{200e}b\""), "\"a\\u200eb\"");
/// ```
pub fn printable_json(json: &str) -> Cow<'_, str> {
    // Each of them is one unit of UTF-16.
    spelled(json, |out, c| write!(out, "\\u{:04x}", u32::from(c)).expect("a text takes everything"))
}

/// The text with `spell` in place of what is unsafe.
fn spelled(text: &str, spell: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) { spell(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Controls, and the characters that turn the reading direction around.
fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The first line, at most `most` characters.
pub(crate) fn first_line(text: &str, most: usize) -> String {
    text.trim().lines().next().unwrap_or_default().chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_26_escapes_are_spelled_out() {
        assert_eq!(printable("plain ä\nline"), "plain ä\nline");
        assert_eq!(printable("\u{9b}31m\r\u{202e}"), "\\u{9b}31m\\u{d}\\u{202e}");
    }
}
