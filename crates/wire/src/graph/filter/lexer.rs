//! A filter's words.

use super::BadFilter;

/// A token with the byte position it begins at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) at: usize,
    pub(super) kind: Kind<'t>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    /// A name, a path, a keyword, or a literal without quotes.
    Word(&'t str),
    /// A literal in quotes, with `''` made one.
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

/// Splits the whole text; it is short (8 KiB).
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, BadFilter> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let (kind, length) = match next {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '(' => (Kind::Open, 1),
            ')' => (Kind::Close, 1),
            ',' => (Kind::Comma, 1),
            ':' => (Kind::Colon, 1),
            '\'' => quoted(&text[at..]).ok_or(BadFilter::Syntax { at: text.len(), expected: "a closing quote" })?,
            c if is_word(c) => {
                let word = word(&text[at..]);
                (Kind::Word(word), word.len())
            }
            _ => {
                return Err(BadFilter::Syntax { at, expected: "a name, a value or a parenthesis" });
            }
        };
        found.push(Token { at, kind });
        at += length;
    }
    Ok(found)
}

fn quoted(rest: &str) -> Option<(Kind<'static>, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            text.push(c);
        } else if chars.next_if(|(_, after)| *after == '\'').is_some() {
            text.push('\'');
        } else {
            return Some((Kind::Text(text), at + 1));
        }
    }
    None
}

/// A colon ends a word (`any(x:x …)`), except in a time of day.
fn word(rest: &str) -> &str {
    let is_date = rest.starts_with(|c: char| c.is_ascii_digit());
    let mut seen_t = false;
    let end = rest.find(|c: char| {
        seen_t |= c == 'T' || c == 't';
        !(is_word(c) || (c == ':' && is_date && seen_t))
    });
    &rest[..end.unwrap_or(rest.len())]
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_/.$-+".contains(c)
}
