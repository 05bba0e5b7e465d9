//! Where the text of a kubeconfig holds secrets, whatever its layout: block or flow style, JSON, quotes, texts of several lines, references.
//!
//! The document is read with the place of each value, so that what is a secret is decided by what the text means, never by how a line looks. Where
//! the places cannot be known everything is a secret.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::yaml;

/// For each line of the text what may be shown of it; no line is longer than before.
///
/// A secret is the value of a member or an option that is named like one, and every value of a list of variables.
///
/// # Examples
/// ```
/// use entrance_wire::kubeconfig::secrets::lines;
/// let text = "args:\n- --password\n- x\nenv:\n- {name: A, value: y}\n";
/// let hidden: Vec<_> = lines(text).into_iter().map(|line| line.hidden_from).collect();
/// assert_eq!(hidden, [None, None, Some(2), None, Some(19)]);
/// ```
pub fn lines(text: &str) -> Vec<Line<'_>> {
    let secrets = places(text);
    let (mut at, mut next) = (0, 0);
    let line = |line| {
        let (start, end) = (at, at + str::len(line));
        at = end;
        while secrets.get(next).is_some_and(|secret| secret.end <= start) {
            next += 1;
        }
        let inside = secrets[next..].iter().take_while(|secret| secret.start < end);
        let mut parts = inside.map(|secret| secret.start.max(start) - start..secret.end.min(end) - start);
        let hidden_from = parts.find(|part| line.get(part.clone()).is_none_or(says_something)).map(|part| part.start);
        Line { text: line.trim_end_matches(['\r', '\n']), hidden_from }
    };
    text.split_inclusive('\n').map(line).collect()
}

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line without its break.
    pub text: &'a str,
    /// From this byte on it may not be shown.
    pub hidden_from: Option<usize>,
}

/// The bytes of the secrets, each up to the next value, in order.
fn places(text: &str) -> Vec<Range<usize>> {
    let everything = || std::iter::once(0..text.len()).collect();
    if text.trim().is_empty() {
        return Vec::new();
    }
    let Ok(root) = yaml::read::<Node>(text) else { return everything() };
    let mut walk = Walk::default();
    walk.node(&root, false);
    if walk.lost {
        return everything();
    }
    let Walk { mut starts, mut secrets, .. } = walk;
    for places in [&mut starts, &mut secrets] {
        places.sort_unstable();
        places.dedup();
    }
    let end = |start: usize| starts.get(starts.partition_point(|other| *other <= start)).copied().unwrap_or(text.len());
    secrets.into_iter().map(|start| start..end(start)).collect()
}

/// More than what stands between two values?
fn says_something(part: &str) -> bool {
    !part.trim_matches([' ', '\t', '\r', '\n', '-', '?', ',', ':', '{', '}', '[', ']']).is_empty()
}

/// A value and where it stands.
struct Node {
    is: Is,
    /// Where it is used, and where it was written if that is elsewhere.
    places: [Location; 2],
}

enum Is {
    Text(String),
    List(Vec<Node>),
    Members(Vec<(Node, Node)>),
}

/// Begins of all values, and of those that are secrets.
#[derive(Default)]
struct Walk {
    starts: Vec<usize>,
    secrets: Vec<usize>,
    /// A place is not known.
    lost: bool,
}

impl Walk {
    fn node(&mut self, node: &Node, is_secret: bool) {
        match &node.is {
            Is::Text(text) => self.text(node, is_secret && !text.is_empty() || has_password(text)),
            Is::List(items) => items.iter().for_each(|item| self.node(item, is_secret)),
            Is::Members(members) => {
                for (key, value) in members {
                    self.node(key, is_secret);
                    match key.text() {
                        _ if is_secret => self.node(value, true),
                        "args" => self.words(value),
                        "env" => self.variables(value),
                        name => self.node(value, names_a_secret(name)),
                    }
                }
            }
        }
    }

    fn text(&mut self, node: &Node, is_secret: bool) {
        for place in &node.places {
            let Some(start) = place.span().byte_offset().and_then(|start| usize::try_from(start).ok()) else {
                self.lost = true;
                return;
            };
            self.starts.push(start);
            if is_secret {
                self.secrets.push(start);
            }
        }
    }

    /// The words of a program: what follows an option that names a secret is one.
    fn words(&mut self, node: &Node) {
        let Is::List(items) = &node.is else { return self.node(node, false) };
        let mut follows = false;
        for item in items {
            let option = item.text().strip_prefix('-').map(|option| option.trim_start_matches('-'));
            let (name, has_value) =
                option.map_or(("", false), |option| option.split_once('=').map_or((option, false), |(name, _)| (name, true)));
            let names = names_a_secret(name);
            // A word that is a whole command line holds its options inside.
            let whole = item.text().contains([' ', '\n']) && names_a_secret_inside(item.text());
            self.node(item, follows || names && has_value || whole);
            follows = names && !has_value && !follows;
        }
    }

    /// Nobody knows what a variable is for.
    fn variables(&mut self, node: &Node) {
        let Is::List(items) = &node.is else { return self.node(node, true) };
        for item in items {
            let Is::Members(members) = &item.is else {
                self.node(item, true);
                continue;
            };
            for (key, value) in members {
                self.node(key, false);
                self.node(value, key.text() != "name");
            }
        }
    }
}

impl Node {
    fn text(&self) -> &str {
        if let Is::Text(text) = &self.is { text } else { "" }
    }
}

/// Do members and options of this name carry secrets?
fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    names_a_secret_inside(&name) || ["token", "key-data", "api-key", "apikey"].iter().any(|end| name.ends_with(end))
}

fn names_a_secret_inside(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["secret", "password", "passphrase"].iter().any(|part| text.contains(part))
}

/// An address with a name and a password in it.
fn has_password(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@')))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, defined } = Spanned::<Is>::deserialize(from)?;
        Ok(Self { is: value, places: [referenced, defined] })
    }
}

impl<'de> Deserialize<'de> for Is {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Is;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Is, E> {
        Ok(Is::Text(String::new()))
    }

    fn visit_none<E>(self) -> Result<Is, E> {
        Ok(Is::Text(String::new()))
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Is, D::Error> {
        Is::deserialize(from)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Is, E> {
        Ok(Is::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Is, E> {
        Ok(Is::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Is, E> {
        Ok(Is::Text(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Is, E> {
        Ok(Is::Text(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Is, E> {
        Ok(Is::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Is, E> {
        Ok(Is::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Is, E> {
        Ok(Is::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Is, E> {
        Ok(Is::Text("bytes".to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Is, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Is::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Is, A::Error> {
        let mut all = Vec::new();
        while let Some(member) = members.next_entry()? {
            all.push(member);
        }
        Ok(Is::Members(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let shown = |line: Line<'_>| line.hidden_from.unwrap_or(line.text.len());
        lines(text).into_iter().fold(String::new(), |all, line| all + &line.text[..shown(line)] + "\n")
    }

    #[test]
    fn a_secret_is_hidden_in_every_layout_and_what_stands_around_it_is_not() {
        for (text, expected) in [
            ("args:\n- --client-secret\n- S3CRET\n- b\n", "args:\n- --client-secret\n- \n- b\n"),
            ("args:\n-   --client-secret\n-   S3CRET\n", "args:\n-   --client-secret\n-   \n"),
            ("args:\n- \"--client-secret\"\n-\n  S3CRET\n- b\n", "args:\n- \"--client-secret\"\n-\n  \n- b\n"),
            ("args: [a, --password,\n  S3CRET, b,\n  c]\n", "args: [a, --password,\n  \n  c]\n"),
            ("args: [a, --password=S3CRET, b]\nc: d\n", "args: [a, \nc: d\n"),
            (
                "{\n  \"args\": [\n    \"--client-secret\",\n    \"S3\\u0043RET\",\n    \"b\"\n  ]\n}\n",
                "{\n  \"args\": [\n    \"--client-secret\",\n    \n    \"b\"\n  ]\n}\n",
            ),
            (
                "env:\n- name: A\n  value: S3CRET\n- value: \"S3\n    CRET\"\n  name: B\n",
                "env:\n- name: A\n  value: \n- value: \n\n  name: B\n",
            ),
            ("access-token: >-\n  S3\n\n  CRET\nb: c\n", "access-token: >-\n  \n\n\nb: c\n"),
            ("access-token: |1\n\n   S3\n  CRET\nb: c\n", "access-token: |1\n\n \n\nb: c\n"),
            ("a: &s S3CRET\nargs: [--password, *s]\n", "a: &s \nargs: [--password, \n"),
            ("token: {a: S3CRET,\n  b: [S3CRET]}\nc: d\n", "token: {\n  \nc: d\n"),
            ("x: {y: {args: [--password, \"a\n  S3CRET\", b], c: d,\n  e: f}}\n", "x: {y: {args: [--password, \n\n  e: f}}\n"),
            ("args:\n- sh -c 'x --password S3CRET'\nb: http://ann:S3CRET@h/\n", "args:\n- \nb: \n"),
            ("token: 12345\r\na: b\r\n", "token: \na: b\n"),
            ("\u{feff}a: é\ntoken: S3CRET\nb: c\n", "\u{feff}a: é\ntoken: \nb: c\n"),
            ("x: &e\n- {name: A, value: S3CRET}\nenv: *e\n", "x: &e\n- {name: A, value: \nenv: \n"),
            ("x: &a [--password, S3CRET]\nargs: *a\nb: c\n", "x: &a [--password, \nargs: \nb: c\n"),
            ("x: &m\n  token: S3CRET\ny:\n  <<: *m\nb: c\n", "x: &m\n  token: \ny:\n  <<: \nb: c\n"),
            ("token: !!str\n  S3CRET\nb: c\n", "token: !!str\n  \nb: c\n"),
            ("token: !!binary UzNDUkVU\nb: c\n", "token: !!binary \nb: c\n"),
            ("? token\n: S3CRET\nb: 'it''s'\n", "? token\n: \nb: 'it''s'\n"),
            ("---\n# é\ntoken: 'S3\n\n  CRET'\n# S\nb: c\n...\n", "---\n# é\ntoken: \n\n\n\nb: c\n...\n"),
            ("token:\na: b\npassword: ''\n", "token:\na: b\npassword: ''\n"),
            ("", ""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn where_nothing_is_understood_nothing_is_shown() {
        assert_eq!(shown("token: [S3CRET\nb: c\n"), "\n\n");
    }
}
