//! A sentence with mark-up around what the page fills in. Where in the sentence it stands is the language's choice.

use std::fmt;

use askama::filters::HtmlSafe;

use super::Texts;

/// What is filled in, and how it is set apart. The text may come from anybody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark<'a> {
    text: &'a str,
    strong: bool,
    testid: Option<&'static str>,
}

impl<'a> Mark<'a> {
    /// A name, kept from turning the sentence around (W-050).
    pub(crate) const fn name(text: &'a str) -> Self {
        Self { text, strong: false, testid: None }
    }

    /// A name that matters.
    pub(crate) const fn strong(text: &'a str) -> Self {
        Self { text, strong: true, testid: None }
    }

    /// With a name for tests.
    pub(crate) const fn known_as(self, testid: &'static str) -> Self {
        Self { testid: Some(testid), ..self }
    }

    fn write(&self, out: &mut String) {
        let testid = |out: &mut String| {
            if let Some(testid) = self.testid {
                out.push_str(" data-testid=\"");
                out.push_str(testid);
                out.push('"');
            }
        };
        if self.strong {
            out.push_str("<strong");
            testid(out);
            out.push('>');
        }
        out.push_str("<bdi");
        if !self.strong {
            testid(out);
        }
        out.push('>');
        escape(self.text, out);
        out.push_str("</bdi>");
        if self.strong {
            out.push_str("</strong>");
        }
    }
}

/// A sentence as HTML. Only this module makes one, and it escapes everything that it did not write itself.
#[derive(Debug, Clone)]
pub(crate) struct Rich(String);

impl HtmlSafe for Rich {}

impl fmt::Display for Rich {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Rich {
    pub(super) fn of(texts: Texts, key: &str, fill: &[(&'static str, Mark<'_>)]) -> Self {
        // Characters of the private use area stand where the names will: no catalogue has them, and names never pass through.
        let places: Vec<(&'static str, String)> =
            fill.iter().zip(FIRST..).map(|((name, _), place)| (*name, place.to_string())).collect();
        let mut html = String::new();
        for letter in texts.with(key, &places).chars() {
            let at = u32::from(letter).checked_sub(u32::from(FIRST)).and_then(|at| usize::try_from(at).ok());
            match at.and_then(|at| fill.get(at)) {
                Some((_, mark)) => mark.write(&mut html),
                None => escape(letter.encode_utf8(&mut [0; 4]), &mut html),
            }
        }
        Self(html)
    }
}

const FIRST: char = '\u{E000}';

fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&#38;"),
            '<' => out.push_str("&#60;"),
            '>' => out.push_str("&#62;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_050_names_in_a_sentence_are_escaped_and_kept_apart_in_every_language() {
        let rich = Texts::En.rich("to-continue", &[("app", Mark::strong("<b>\"Shop\" & \u{E000}</b>"))]);
        assert_eq!(
            rich.to_string(),
            "to continue to <strong><bdi>&#60;b&#62;&#34;Shop&#34; &#38; \u{E000}&#60;/b&#62;</bdi></strong>"
        );
        let marks = [("device", Mark::strong("d")), ("user", Mark::strong("u").known_as("device-confirm-user"))];
        for texts in Texts::ALL {
            let html = texts.rich("device-asks", &marks).to_string();
            assert!(html.contains("<strong><bdi>d</bdi></strong>"), "{html}");
            assert!(html.contains("<strong data-testid=\"device-confirm-user\"><bdi>u</bdi></strong>"), "{html}");
        }
    }
}
