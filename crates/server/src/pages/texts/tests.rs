//! The catalogues, compared with each other, with the templates and with the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{DE, EN, JA, Texts};

/// The keys of a catalogue, each with the names that it fills in.
fn keys(sources: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in sources.iter().flat_map(|source| source.lines()).filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.split_once(" =").filter(|_| !line.starts_with(' ')) {
            name.clone_into(&mut key);
            assert!(found.insert(key.clone(), BTreeSet::new()).is_none(), "`{key}` stands twice");
        }
        for part in line.split("{ $").skip(1) {
            let name: String = part.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
            found.get_mut(&key).expect("a line belongs to a key").insert(name);
        }
    }
    found
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    files(&root.join("templates"), ".html", &mut found);
    files(&root.join("src"), ".rs", &mut found);
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).expect("text"))).collect()
}

#[test]
fn w_046_every_text_stands_in_every_language_and_fills_in_the_same() {
    let english = keys(EN);
    for (language, sources) in [("de", DE), ("ja", JA)] {
        let other = keys(sources);
        let names = |map: &BTreeMap<String, BTreeSet<String>>| map.keys().cloned().collect::<BTreeSet<_>>();
        let (known, there) = (names(&english), names(&other));
        assert_eq!(known.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new(), "missing in {language}");
        assert_eq!(there.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "only in {language}");
        for (key, fills) in &english {
            assert_eq!(fills, &other[key], "`{key}` in {language}");
        }
    }
}

#[test]
fn w_046_keys_are_kebab_case_and_their_texts_can_be_formatted() {
    for (key, fills) in keys(EN) {
        assert!(key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{key}");
        for texts in Texts::ALL {
            let mut errors = Vec::new();
            let args: fluent_bundle::FluentArgs = fills.iter().map(|name| (name.as_str(), 7)).collect();
            let bundle = texts.bundle();
            let pattern = bundle.get_message(&key).and_then(|message| message.value()).expect("the text is there");
            let text = bundle.format_pattern(pattern, Some(&args), &mut errors);
            assert!(errors.is_empty() && !text.is_empty() && !text.contains("{ $"), "{key}: {errors:?}");
        }
    }
}

#[test]
fn w_046_pages_ask_for_texts_that_exist_and_every_text_is_asked_for() {
    let known = keys(EN);
    let mut asked = String::new();
    for (path, source) in sources() {
        for call in [".say(\"", ".with(\"", ".rich(\""] {
            for part in source.split(call).skip(1) {
                let key = &part[..part.find('"').expect("a text ends")];
                let is_text = key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') && !key.is_empty();
                assert!(!is_text || known.contains_key(key), "{}: `{key}` is in no catalogue", path.display());
            }
        }
        asked.push_str(&source);
    }
    let unused: Vec<_> = known.keys().filter(|key| !asked.contains(&format!("\"{key}\""))).collect();
    assert_eq!(unused, Vec::<&String>::new(), "nobody asks for these");
}

#[test]
fn w_046_no_template_has_a_text_of_its_own() {
    // The product's name is a name in every language, and so is the prefix of error numbers.
    const NAMES: [&str; 2] = ["Entrance", "AADSTS"];
    for (path, source) in sources().into_iter().filter(|(path, _)| path.extension().is_some_and(|ending| ending == "html")) {
        let mut plain = source.clone();
        for (open, close) in [("{#", "#}"), ("{%", "%}"), ("{{", "}}"), ("<!", ">")] {
            while let Some(at) = plain.find(open) {
                let end = plain[at..].find(close).expect("it ends") + at + close.len();
                plain.replace_range(at..end, "");
            }
        }
        for spoken in ["title=\"", "aria-label=\"", "placeholder=\"", "alt=\""] {
            for part in plain.split(spoken).skip(1) {
                let value = &part[..part.find('"').expect("an attribute ends")];
                assert!(!value.chars().any(char::is_alphabetic), "{}: {spoken}{value}", path.display());
            }
        }
        while let Some(at) = plain.find('<') {
            let end = plain[at..].find('>').expect("a tag ends") + at + 1;
            plain.replace_range(at..end, " ");
        }
        for name in NAMES {
            plain = plain.replace(name, "");
        }
        let words: Vec<_> = plain.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).collect();
        assert_eq!(words, Vec::<&str>::new(), "{}", path.display());
    }
}

#[test]
fn w_046_numbers_choose_their_plural_form() {
    assert_eq!(Texts::En.with("days-ago", &[("days", 1)]), "1 day ago");
    assert_eq!(Texts::En.with("days-ago", &[("days", 2)]), "2 days ago");
    assert_eq!(Texts::De.with("days-ago", &[("days", 2)]), "vor 2 Tagen");
    assert_eq!(Texts::Ja.with("days-ago", &[("days", 2)]), "2 日前");
}
