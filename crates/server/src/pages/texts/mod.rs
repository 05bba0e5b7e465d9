//! Every text of the pages, in the languages there are (W-046).
//!
//! The catalogues lie in `locales/`, whole sentences under keys, with names for what a page fills in. A key stands in every
//! language; tests compare them, and look for keys in templates and sources. `en-XA` is made from English, longer and
//! accented: a page that shows plain English in it has a text that nobody can translate.

mod choice;
mod pseudo;
mod rich;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::{Deserialize, Serialize};
use unic_langid::LanguageIdentifier;

pub(crate) use choice::Asked;
pub(crate) use rich::{Mark, Rich};

/// The texts of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Texts {
    /// English.
    #[serde(rename = "en")]
    En,
    /// German.
    #[serde(rename = "de")]
    De,
    /// Japanese.
    #[serde(rename = "ja")]
    Ja,
    /// English, longer and accented.
    #[serde(rename = "en-XA")]
    Pseudo,
}

impl Texts {
    /// Every language.
    pub(crate) const ALL: [Self; 4] = [Self::En, Self::De, Self::Ja, Self::Pseudo];

    /// Its tag (BCP 47), for `lang` and `Content-Language`.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Ja => "ja",
            Self::Pseudo => "en-XA",
        }
    }

    /// A text.
    pub(crate) fn say(self, key: &str) -> String {
        self.format(key, None)
    }

    /// A text with what the page fills in. Numbers choose the plural form.
    pub(crate) fn with<'a, V: Into<FluentValue<'a>> + Clone>(self, key: &str, fill: &[(&'static str, V)]) -> String {
        let args: FluentArgs = fill.iter().map(|(name, value)| (*name, value.clone())).collect();
        self.format(key, Some(&args))
    }

    /// A text in which what the page fills in is set apart by mark-up.
    pub(crate) fn rich(self, key: &str, fill: &[(&'static str, Mark<'_>)]) -> Rich {
        Rich::of(self, key, fill)
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = self.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            tracing::error!(key, language = self.tag(), "a text is missing");
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, args, &mut errors).into_owned();
        if !errors.is_empty() {
            tracing::error!(key, language = self.tag(), ?errors, "a text could not be filled in");
        }
        text
    }

    fn bundle(self) -> &'static Bundle {
        &BUNDLES[self as usize]
    }
}

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<[Bundle; 4]> = LazyLock::new(|| Texts::ALL.map(bundle));

fn bundle(texts: Texts) -> Bundle {
    let language: LanguageIdentifier = texts.tag().parse().expect("our own tags are well formed");
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Templates wrap what others wrote in `<bdi>`.
    bundle.set_use_isolating(false);
    if texts == Texts::Pseudo {
        bundle.set_transform(Some(pseudo::stretch));
    }
    let sources = match texts {
        Texts::En | Texts::Pseudo => EN,
        Texts::De => DE,
        Texts::Ja => JA,
    };
    for source in sources {
        let resource = FluentResource::try_new((*source).to_owned()).expect("a test reads every catalogue");
        bundle.add_resource(resource).expect("a test finds keys that stand twice");
    }
    bundle
}

macro_rules! catalogue {
    ($language:literal) => {
        &[
            include_str!(concat!("../../../locales/", $language, "/common.ftl")),
            include_str!(concat!("../../../locales/", $language, "/signin.ftl")),
            include_str!(concat!("../../../locales/", $language, "/mfa.ftl")),
            include_str!(concat!("../../../locales/", $language, "/device.ftl")),
            include_str!(concat!("../../../locales/", $language, "/consent.ftl")),
            include_str!(concat!("../../../locales/", $language, "/me.ftl")),
            include_str!(concat!("../../../locales/", $language, "/error.ftl")),
            include_str!(concat!("../../../locales/", $language, "/first.ftl")),
        ]
    };
}

const EN: &[&str] = catalogue!("en");
const DE: &[&str] = catalogue!("de");
const JA: &[&str] = catalogue!("ja");
