//! Tags: names and texts that people hang on things.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::rule::Ruled;

/// Tags by name. Names keep the case they were written in and compare without it.
pub type Tags = BTreeMap<String, String>;

/// What is wrong with tags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTags {
    ///
    #[error("Tags are a map from names to texts; {0}.")]
    NoMap(String),
    ///
    #[error("At most {MAX_TAGS} tags are kept, with names of 1 to {MAX_NAME} and texts of at most {MAX_TEXT} characters: {0}.")]
    Limit(String),
    ///
    #[error("Tags are changed by Merge, Replace or Delete, not by '{0}'.")]
    Operation(String),
}

impl Ruled for BadTags {
    fn rule(&self) -> &'static str {
        match self {
            Self::Limit(_) => "R-022",
            Self::NoMap(_) | Self::Operation(_) => "R-013",
        }
    }
    fn status(&self) -> u16 {
        400
    }
    fn code(&self) -> &'static str {
        match self {
            Self::NoMap(_) => "InvalidRequestContent",
            Self::Limit(_) | Self::Operation(_) => "InvalidParameter",
        }
    }
    fn target(&self) -> Option<String> {
        Some(if matches!(self, Self::Operation(_)) { "operation" } else { "tags" }.to_owned())
    }
}

/// The tags that somebody sent; nothing and null are none.
///
/// # Errors
/// When it is no map of texts, or a limit is broken.
pub fn read(sent: Option<&Value>) -> Result<Tags, BadTags> {
    let none = Map::new();
    let sent = match sent {
        None | Some(Value::Null) => &none,
        Some(Value::Object(sent)) => sent,
        Some(_) => return Err(BadTags::NoMap("something else was sent".to_owned())),
    };
    let mut tags = Tags::new();
    for (name, value) in sent {
        let text = value.as_str().ok_or_else(|| BadTags::NoMap(format!("`{}` is no text", short(name))))?;
        if find(&tags, name).is_some() {
            return Err(BadTags::NoMap(format!("`{}` stands there twice", short(name))));
        }
        tags.insert(name.clone(), text.to_owned());
    }
    check(&tags)?;
    Ok(tags)
}

/// How tags that were sent change those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagChange {
    /// They are added, or replace those of the same name.
    Merge,
    /// They stand for all of them.
    Replace,
    /// They are taken away: by name, and by name and text where a text is given.
    Delete,
}

impl TagChange {
    /// The tags afterwards.
    ///
    /// # Errors
    /// When there would be too many.
    pub fn apply(self, before: &Tags, sent: Tags) -> Result<Tags, BadTags> {
        let mut after = before.clone();
        match self {
            Self::Replace => after = sent,
            Self::Merge => {
                for (name, text) in sent {
                    // The spelling of the first time stays.
                    let name = find(&after, &name).map_or(name, |(known, _)| known.clone());
                    after.insert(name, text);
                }
            }
            Self::Delete => {
                after.retain(|name, text| find(&sent, name).is_none_or(|(_, only)| !only.is_empty() && only != text));
            }
        }
        check(&after)?;
        Ok(after)
    }
}

impl FromStr for TagChange {
    type Err = BadTags;

    fn from_str(text: &str) -> Result<Self, BadTags> {
        let known = [("merge", Self::Merge), ("replace", Self::Replace), ("delete", Self::Delete)];
        let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, change)| *change).ok_or_else(|| BadTags::Operation(short(text)))
    }
}

/// The tag with this name, in any case.
pub fn find<'t>(tags: &'t Tags, name: &str) -> Option<(&'t String, &'t String)> {
    tags.iter().find(|(known, _)| known.to_lowercase() == name.to_lowercase())
}

fn check(tags: &Tags) -> Result<(), BadTags> {
    if tags.len() > MAX_TAGS {
        return Err(BadTags::Limit(format!("these would be {}", tags.len())));
    }
    for (name, text) in tags {
        if !(1..=MAX_NAME).contains(&name.chars().count()) {
            return Err(BadTags::Limit(format!("the name `{}` has a wrong length", short(name))));
        }
        if text.chars().count() > MAX_TEXT {
            return Err(BadTags::Limit(format!("the text of `{}` is too long", short(name))));
        }
    }
    Ok(())
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

const MAX_TAGS: usize = 50;
const MAX_NAME: usize = 512;
const MAX_TEXT: usize = 256;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tags(sent: Value) -> Tags {
        let sent = Some(sent);
        read(sent.as_ref()).expect("tags")
    }

    #[test]
    fn r_022_tags_are_few_and_short_texts() {
        let many = |n: usize| Value::Object((0..n).map(|n| (n.to_string(), json!("x"))).collect());
        assert_eq!(read(Some(&many(50))).map(|tags| tags.len()), Ok(50));
        let broken = [
            (many(51), "R-022"),
            (json!({ "": "x" }), "R-022"),
            (json!({ "n".repeat(513): "x" }), "R-022"),
            (json!({ "n": "x".repeat(257) }), "R-022"),
            (json!({ "n": 1 }), "R-013"),
            (json!({ "n": "x", "N": "y" }), "R-013"),
            (json!(["n"]), "R-013"),
        ];
        for (sent, rule) in broken {
            let error = read(Some(&sent)).expect_err("is refused");
            assert_eq!((error.rule(), error.status(), error.target().as_deref()), (rule, 400, Some("tags")), "{error}");
        }
        assert_eq!(read(None), Ok(Tags::new()));
        let longest = json!({ "ä".repeat(512): "ö".repeat(256) });
        assert!(read(Some(&longest)).is_ok(), "characters count, not bytes");
    }

    #[test]
    fn tags_are_merged_replaced_and_taken_away_by_name_in_any_case() {
        let before = tags(json!({"Team": "web", "stage": "test"}));
        let after = |change: &str, sent: Value| change.parse::<TagChange>().expect("a change").apply(&before, tags(sent));
        assert_eq!(
            after("Merge", json!({"team": "shop", "cost": "7"})),
            Ok(tags(json!({"Team": "shop", "stage": "test", "cost": "7"})))
        );
        assert_eq!(after("replace", json!({"cost": "7"})), Ok(tags(json!({"cost": "7"}))));
        assert_eq!(
            after("Delete", json!({"TEAM": "", "stage": "prod"})),
            Ok(tags(json!({"stage": "test"}))),
            "another text stays"
        );
        assert_eq!(after("Delete", json!({"stage": "test"})), Ok(tags(json!({"Team": "web"}))));
        let full = Value::Object((0..49).map(|n| (n.to_string(), json!("x"))).collect());
        assert!(after("Merge", full).is_err(), "together they are too many");
        assert_eq!("Add".parse::<TagChange>(), Err(BadTags::Operation("Add".to_owned())));
    }
}
