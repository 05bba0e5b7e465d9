//! The language that nobody speaks: English with accents, a third longer, between brackets.

use std::borrow::Cow;

/// Makes a piece of a text longer and accented. What the page fills in stays as it is.
pub(super) fn stretch(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_alphabetic) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    out.push('[');
    for letter in text.chars() {
        let accented = accent(letter);
        out.push(accented);
        if "aeiouAEIOU".contains(letter) {
            out.push(accented);
        }
    }
    out.push(']');
    Cow::Owned(out)
}

fn accent(letter: char) -> char {
    let at = |from: &str, to: &str| from.chars().position(|known| known == letter).and_then(|at| to.chars().nth(at));
    at("abcdefghijklmnopqrstuvwxyz", "ȧƀƈḓḗƒɠħīĵķŀḿƞǿƥɋřşŧŭṽẇẋẏẑ")
        .or_else(|| at("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ȦƁƇḒḖƑƓĦĪĴĶĿḾȠǾƤɊŘŞŦŬṼẆẊẎẐ"))
        .unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_046_the_pseudo_language_is_longer_and_has_no_plain_letter() {
        let text = stretch("Sign in again, Zoe");
        assert_eq!(text, "[Şīīɠƞ īīƞ ȧȧɠȧȧīīƞ, Ẑǿǿḗḗ]");
        assert!(!text.chars().any(|letter| letter.is_ascii_alphabetic()));
        assert_eq!(stretch(" · "), " · ");
    }
}
