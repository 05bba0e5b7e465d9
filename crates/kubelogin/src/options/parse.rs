//! Words to values, in the GNU way: `--name value`, `--name=value`, `-n value`, `-n=value`, `-nvalue`, `--switch[=true|false]`.

use super::duration;
use super::table::{FLAGS, Flag, On, Opt, Takes};

/// What the command line said, before the environment. Some values are secrets, so there is no `Debug`.
pub(crate) struct Given {
    values: [Option<String>; FLAGS.len()],
    /// Words that are no options.
    pub(crate) words: Vec<String>,
}

/// A word that is not understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum BadWord {
    #[error("unknown flag: {0}{hint}", hint = hint(.1.as_deref()))]
    Unknown(String, Option<String>),
    #[error("unknown shorthand flag: {0:?} in {1}{hint}", hint = hint(.2.as_deref()))]
    UnknownShort(char, String, Option<String>),
    #[error("flag needs an argument: {0}")]
    NoValue(String),
    #[error("invalid argument {value:?} for {flag:?} flag: {reason}")]
    Invalid { flag: String, value: String, reason: String },
}

impl Default for Given {
    fn default() -> Self {
        Self { values: [const { None }; FLAGS.len()], words: Vec::new() }
    }
}

impl Given {
    /// Reads the words; `known` tells which options the command has.
    pub(crate) fn read(words: &[String], known: impl Fn(On) -> bool) -> Result<Self, BadWord> {
        let mut given = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == "--" {
                given.words.extend(rest.cloned());
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = split(long);
                let flag = by_name(name)
                    .filter(|flag| known(flag.on))
                    .ok_or_else(|| BadWord::Unknown(format!("--{name}"), meant(name, &known)))?;
                given.take(flag, value, &mut rest, || format!("--{name}"))?;
            } else if word.len() > 1 && word.starts_with('-') {
                given.read_short(word, &known, &mut rest)?;
            } else {
                given.words.push(word.clone());
            }
        }
        Ok(given)
    }

    /// The same for the words of a kubeconfig: whatever is not understood is left out.
    pub(crate) fn read_leniently(words: &[String]) -> Self {
        let mut given = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let flag = match word.strip_prefix("--") {
                Some(long) => by_name(split(long).0).map(|flag| (flag, split(long).1)),
                None => word.strip_prefix('-').and_then(short_value),
            };
            if let Some((flag, value)) = flag {
                let _ = given.take(flag, value, &mut rest, String::new);
            }
        }
        given
    }

    /// Is the word after this one the option's value?
    pub(crate) fn takes_the_next(word: &str) -> bool {
        if let Some(long) = word.strip_prefix("--") {
            return !long.contains('=') && by_name(long).is_some_and(|flag| flag.takes != Takes::Switch);
        }
        let mut letters = word.strip_prefix('-').unwrap_or_default();
        while let Some((flag, value)) = short_value(letters) {
            if flag.takes != Takes::Switch {
                return value.is_none();
            }
            letters = value.unwrap_or_default();
        }
        false
    }

    /// Takes over what other words say besides.
    pub(crate) fn beaten_by(&mut self, other: &Self) {
        for (mine, theirs) in self.values.iter_mut().zip(&other.values) {
            if theirs.is_some() {
                mine.clone_from(theirs);
            }
        }
    }

    /// The value as text.
    pub(crate) fn text(&self, id: Opt) -> Option<&str> {
        self.values[id as usize].as_deref()
    }

    /// Was it there, with whatever value?
    pub(crate) fn has(&self, id: Opt) -> bool {
        self.values[id as usize].is_some()
    }

    /// A switch that is on.
    pub(crate) fn is_on(&self, id: Opt) -> bool {
        self.text(id) == Some("true")
    }

    /// Deprecated options that were used, with the name to use instead.
    pub(crate) fn deprecated(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        FLAGS.iter().filter(|flag| self.has(flag.id)).filter_map(|flag| flag.deprecated.map(|instead| (flag.name, instead)))
    }

    fn read_short(
        &mut self,
        word: &str,
        known: &impl Fn(On) -> bool,
        rest: &mut std::slice::Iter<'_, String>,
    ) -> Result<(), BadWord> {
        let mut letters = &word[1..];
        while let Some(letter) = letters.chars().next() {
            let flag = FLAGS.iter().find(|flag| flag.short == Some(letter) && known(flag.on));
            let flag = flag.ok_or_else(|| BadWord::UnknownShort(letter, word.to_owned(), meant(split(&word[1..]).0, known)))?;
            letters = &letters[letter.len_utf8()..];
            if flag.takes == Takes::Switch && !letters.starts_with('=') {
                self.take(flag, None, rest, String::new)?;
                continue;
            }
            let value = (!letters.is_empty()).then(|| letters.strip_prefix('=').unwrap_or(letters));
            return self.take(flag, value, rest, || format!("'{letter}' in {word}"));
        }
        Ok(())
    }

    fn take(
        &mut self,
        flag: &Flag,
        value: Option<&str>,
        rest: &mut std::slice::Iter<'_, String>,
        shown: impl Fn() -> String,
    ) -> Result<(), BadWord> {
        let value = match (flag.takes, value) {
            (_, Some(value)) => value.to_owned(),
            (Takes::Switch, None) => "true".to_owned(),
            (_, None) => rest.next().cloned().ok_or_else(|| BadWord::NoValue(shown()))?,
        };
        let invalid = |reason: String| BadWord::Invalid { flag: format!("--{}", flag.name), value: value.clone(), reason };
        let value = match flag.takes {
            Takes::Text => value,
            Takes::Switch => switch(&value)
                .ok_or_else(|| invalid(format!("strconv.ParseBool: parsing {value:?}: invalid syntax")))?
                .to_string(),
            Takes::Number => value
                .parse::<i32>()
                .map_err(|_| invalid(format!("strconv.ParseInt: parsing {value:?}: invalid syntax")))?
                .to_string(),
            Takes::Duration => {
                duration::read(&value).ok_or_else(|| invalid(format!("time: invalid duration {value:?}")))?;
                value
            }
        };
        self.values[flag.id as usize] = Some(value);
        Ok(())
    }
}

/// The option that somebody may have had in mind: one that begins so, or differs in a letter or two.
fn meant(typed: &str, known: &impl Fn(On) -> bool) -> Option<String> {
    // Words of the command line can be of any length.
    if typed.len() < 3 || typed.len() > 64 {
        return None;
    }
    let names = FLAGS.iter().filter(|flag| flag.deprecated.is_none() && known(flag.on)).map(|flag| flag.name);
    let (far, name) = names.map(|name| (if name.starts_with(typed) { 0 } else { distance(typed, name) }, name)).min()?;
    (far <= 2).then(|| format!("--{name}"))
}

/// How many letters have to be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, byte) in one.bytes().enumerate() {
        let mut before = row[0];
        row[0] = at + 1;
        for (place, known) in other.bytes().enumerate() {
            let changed = before + usize::from(byte != known);
            before = row[place + 1];
            row[place + 1] = changed.min(before + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

fn hint(meant: Option<&str>) -> String {
    meant.map_or_else(String::new, |name| format!("\nhint: did you mean `{name}`?"))
}

fn split(long: &str) -> (&str, Option<&str>) {
    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)))
}

fn by_name(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.name == name)
}

fn short_value(letters: &str) -> Option<(&'static Flag, Option<&str>)> {
    let letter = letters.chars().next()?;
    let flag = FLAGS.iter().find(|flag| flag.short == Some(letter))?;
    let value = &letters[letter.len_utf8()..];
    Some((flag, (!value.is_empty()).then(|| value.strip_prefix('=').unwrap_or(value))))
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Given, BadWord> {
        Given::read(&words.iter().map(ToString::to_string).collect::<Vec<_>>(), |_| true)
    }

    #[test]
    fn every_spelling_of_a_value_is_understood() {
        for words in [
            &["--login", "spn"][..],
            &["--login=spn"],
            &["-l", "spn"],
            &["-lspn"],
            &["-l=spn"],
            &["-hlspn"],
            &["-l", "x", "--login", "spn"],
        ] {
            assert_eq!(read(words).expect("fine").text(Opt::Login), Some("spn"), "{words:?}");
        }
        let given = read(&["a", "--legacy", "--pop-enabled=false", "--", "--login"]).expect("fine");
        assert!(given.is_on(Opt::Legacy) && given.has(Opt::PopEnabled) && !given.is_on(Opt::PopEnabled));
        assert_eq!(given.words, ["a", "--login"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let told = |words: &[&str]| read(words).map(|_| ()).expect_err("wrong").to_string();
        assert_eq!(told(&["--nope=1"]), "unknown flag: --nope");
        assert_eq!(told(&["--tenant", "x"]), "unknown flag: --tenant\nhint: did you mean `--tenant-id`?");
        assert_eq!(told(&["--sever-id=x"]), "unknown flag: --sever-id\nhint: did you mean `--server-id`?");
        assert_eq!(told(&["-pop-enabled"]), "unknown shorthand flag: 'p' in -pop-enabled\nhint: did you mean `--pop-enabled`?");
        assert_eq!(told(&["-xl"]), "unknown shorthand flag: 'x' in -xl");
        assert_eq!(told(&["--server-id"]), "flag needs an argument: --server-id");
        assert_eq!(told(&["-l"]), "flag needs an argument: 'l' in -l");
        assert_eq!(
            told(&["--timeout", "ten"]),
            "invalid argument \"ten\" for \"--timeout\" flag: time: invalid duration \"ten\""
        );
        assert_eq!(
            told(&["--legacy=maybe"]),
            "invalid argument \"maybe\" for \"--legacy\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax"
        );
    }
}
