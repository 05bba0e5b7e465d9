//! Which language a page speaks (W-046): what the application asked for, what the person fixed, what the browser prefers,
//! English.

use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, header};
use fluent_langneg::{LanguageIdentifier, NegotiationStrategy, negotiate_languages};

use super::Texts;
use crate::authority::ctx::Ctx;
use crate::pages::cookies;

/// The language that an application asked for, by this request or the one that its flow began with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked(Arc<OnceLock<Texts>>);

impl Asked {
    /// The language, if one of ours was asked for.
    pub(crate) fn get(&self) -> Option<Texts> {
        self.0.get().copied()
    }

    /// Remembers what was asked; the first one counts.
    pub(crate) fn set(&self, texts: Option<Texts>) {
        if let Some(texts) = texts {
            // Whoever was first keeps it.
            let _ = self.0.set(texts);
        }
    }

    /// Reads `ui_locales` (tags by preference, `OpenID` Connect Core §3.1.2.1) and `mkt` (one tag).
    pub(crate) fn read(&self, value: impl Fn(&str) -> Option<String>) {
        for name in ["mkt", "ui_locales"] {
            self.set(value(name).and_then(|tags| Texts::best(tags.split_ascii_whitespace())));
        }
    }
}

impl Texts {
    /// The texts for a request.
    pub(crate) fn of(ctx: &Ctx, headers: &HeaderMap) -> Self {
        let fixed = || cookies::language(headers).and_then(|tag| Self::ALL.into_iter().find(|texts| texts.tag() == tag));
        ctx.language.get().or_else(fixed).or_else(|| Self::preferred(headers)).unwrap_or(Self::En)
    }

    /// What the browser prefers, of what there is.
    fn preferred(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
        let mut asked: Vec<(u16, &str)> =
            lines.flat_map(|line| line.split(',')).take(MOST).filter_map(weighed).filter(|(weight, _)| *weight > 0).collect();
        // Stable: equal weights stay in the order they came.
        asked.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        Self::best(asked.into_iter().map(|(_, tag)| tag))
    }

    /// The first of these tags that one of our languages serves.
    fn best<'t>(tags: impl Iterator<Item = &'t str>) -> Option<Self> {
        let real = [Self::En, Self::De, Self::Ja];
        let ours = real.map(|texts| texts.tag().parse::<LanguageIdentifier>().expect("our own tags are well formed"));
        tags.take(MOST).filter(|tag| tag.len() <= LONGEST).find_map(|tag| {
            if tag.eq_ignore_ascii_case(Self::Pseudo.tag()) {
                return Some(Self::Pseudo);
            }
            let wanted: LanguageIdentifier = tag.parse().ok()?;
            let found = *negotiate_languages(&[wanted], &ours, None, NegotiationStrategy::Lookup).first()?;
            ours.iter().position(|known| known == found).map(|at| real[at])
        })
    }
}

/// More than anybody reads; whoever sends more is heard so far.
const MOST: usize = 20;
const LONGEST: usize = 35;

/// One entry of `Accept-Language` with its weight in thousandths (RFC 9110 §12.5.4).
fn weighed(entry: &str) -> Option<(u16, &str)> {
    let (tag, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
    let weight: f32 = weight.trim().strip_prefix("q=")?.trim().parse().ok()?;
    let tag = tag.trim();
    if tag.is_empty() || !(0.0..=1.0).contains(&weight) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let thousandths = (weight * 1000.0) as u16;
    Some((thousandths, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(line: &str) -> Option<Texts> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, line.parse().expect("a header"));
        Texts::preferred(&headers)
    }

    #[test]
    fn w_046_the_browser_s_languages_are_tried_by_their_weight() {
        for (line, texts) in [
            ("de", Some(Texts::De)),
            ("de-AT,en;q=0.5", Some(Texts::De)),
            ("fr-FR,fr;q=0.9,ja;q=0.8,en;q=0.7", Some(Texts::Ja)),
            ("en;q=0.2, de;q=0.9", Some(Texts::De)),
            ("de;q=0, en", Some(Texts::En)),
            ("en-XA", Some(Texts::Pseudo)),
            ("en-US", Some(Texts::En)),
            ("fr", None),
            ("*", None),
            (";;;,,q=2,de;q=9", None),
        ] {
            assert_eq!(accepted(line), texts, "{line}");
        }
    }

    #[test]
    fn w_046_an_application_asks_by_mkt_or_ui_locales_and_the_first_language_counts() {
        let asked = Asked::default();
        asked.read(|name| (name == "ui_locales").then(|| "fr ja de".to_owned()));
        assert_eq!(asked.get(), Some(Texts::Ja));
        asked.set(Some(Texts::De));
        assert_eq!(asked.get(), Some(Texts::Ja));
        let nothing = Asked::default();
        nothing.read(|_| Some("<script>".to_owned()));
        assert_eq!(nothing.get(), None);
    }
}
