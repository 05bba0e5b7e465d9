//! A kubeconfig that somebody wrote, with other `exec` entries for some of its users.
//!
//! The file belongs to a person: what is not replaced keeps every byte, comments and order too. The entry is edited member by member where it
//! stands. The result is read again and must say what was meant; if it does not, or if the layout is another one (flow style, anchors), the whole
//! document is written anew.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value, json};

use super::lines::{Lines, Member};
use crate::yaml::{self, BadYaml};

/// New `exec` entries, by the user's place in the list.
pub type Changes = BTreeMap<usize, Value>;

/// A kubeconfig with its text.
pub struct Document {
    text: String,
    value: Value,
    /// The value was read from the text without its long values, see [`lean`].
    is_lean: bool,
}

/// The text is not a kubeconfig that kubectl would take.
#[derive(Debug, thiserror::Error)]
pub enum BadKubeconfig {
    /// It cannot be read.
    #[error("{0}")]
    Yaml(#[from] BadYaml),
    /// It is a list or a single word.
    #[error("it is not a kubeconfig")]
    NotAMapping,
    /// Two entries of one list have the same name.
    #[error("there are two users named {0:?}")]
    TwoUsers(String),
}

/// A user of the file.
#[derive(Debug, Clone, Copy)]
pub struct User<'a> {
    /// The place in the list.
    pub place: usize,
    /// The user's name.
    pub name: &'a str,
    /// `exec`, if it is there.
    pub exec: Option<&'a Value>,
    /// `auth-provider`, if it is there.
    pub provider: Option<&'a Value>,
}

/// What an edit gave.
#[derive(Debug, PartialEq, Eq)]
pub struct Edited {
    /// The new text.
    pub text: String,
    /// Lines of the old text and what stands in their place now, in order.
    pub edits: Vec<Edit>,
    /// The layout did not allow an edit in place, so that comments and order are gone.
    pub anew: bool,
}

/// Lines of the old text, and the text that stands in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The lines, counted from zero.
    pub lines: Range<usize>,
    /// Whole lines.
    pub text: String,
}

impl Document {
    /// Reads a kubeconfig.
    ///
    /// # Examples
    /// ```
    /// use entrance_wire::kubeconfig::edit::Document;
    /// let document = Document::read("users:\n- name: ann\n  user: {token: t}\n".to_owned())?;
    /// assert_eq!(document.users().map(|user| user.name).collect::<Vec<_>>(), ["ann"]);
    /// # Ok::<(), entrance_wire::kubeconfig::edit::BadKubeconfig>(())
    /// ```
    pub fn read(text: String) -> Result<Self, BadKubeconfig> {
        let (mut value, mut is_lean) = (yaml::parse(&lean(&text))?, true);
        // Lines that only look like a member, inside a text of several lines.
        if list(&value, "users").iter().any(|item| item.get("user").is_some_and(is_cut_inside)) {
            (value, is_lean) = (yaml::parse(&text)?, false);
        }
        if !value.is_object() && !value.is_null() {
            return Err(BadKubeconfig::NotAMapping);
        }
        let document = Self { text, value, is_lean };
        let mut seen = std::collections::HashSet::new();
        if let Some(user) = document.users().find(|user| !seen.insert(user.name)) {
            return Err(BadKubeconfig::TwoUsers(user.name.to_owned()));
        }
        Ok(document)
    }

    /// The text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The users that have a name.
    pub fn users(&self) -> impl Iterator<Item = User<'_>> {
        list(&self.value, "users").iter().enumerate().filter_map(|(place, item)| {
            let name = item.get("name")?.as_str()?;
            let part = |key: &str| item.get("user").and_then(|user| user.get(key)).filter(|part| !part.is_null());
            Some(User { place, name, exec: part("exec"), provider: part("auth-provider") })
        })
    }

    /// The contexts that have a name, with the name of their user, which may be empty.
    pub fn contexts(&self) -> impl Iterator<Item = (&str, &str)> {
        list(&self.value, "contexts").iter().filter_map(|item| {
            let user = item.get("context").and_then(|context| context.get("user")).and_then(Value::as_str).unwrap_or_default();
            Some((item.get("name")?.as_str()?, user))
        })
    }

    /// The text in which these users have these `exec` entries and no `auth-provider`.
    pub fn edited(&self, changes: &Changes) -> Edited {
        if changes.is_empty() {
            return Edited { text: self.text.clone(), edits: Vec::new(), anew: false };
        }
        if let Some((text, edits)) = self.in_place(changes)
            && self.parse(&text).is_ok_and(|after| self.says_the_same(&after, changes))
        {
            return Edited { text, edits, anew: false };
        }
        let text = self.anew(changes);
        let edits = vec![Edit { lines: 0..self.text.split_inclusive('\n').count(), text: text.clone() }];
        Edited { text, edits, anew: true }
    }

    /// Reads another text as this one was read.
    fn parse(&self, text: &str) -> Result<Value, BadYaml> {
        if self.is_lean { yaml::parse(&lean(text)) } else { yaml::parse(text) }
    }

    /// Is `after` this document with these changes and no other?
    fn says_the_same(&self, after: &Value, changes: &Changes) -> bool {
        let (Some(before), Some(after)) = (self.value.as_object(), after.as_object()) else { return false };
        let same_user = |place: usize, one: &Value, other: &Value| match changes.get(&place) {
            None => one == other,
            Some(exec) => {
                let rest = |item: &Map<String, Value>| item.iter().filter(|(key, _)| *key != "user").count();
                let parts = |user: &Value| user.as_object().map(|user| user.iter().filter(|(key, _)| !is_replaced(key)).count());
                let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else { return false };
                let (Some(old), Some(new)) = (one.get("user"), other.get("user")) else { return false };
                rest(one) == rest(other)
                    && one.iter().all(|(key, value)| key == "user" || other.get(key) == Some(value))
                    && parts(old) == parts(new)
                    && old
                        .as_object()
                        .is_some_and(|old| old.iter().all(|(key, value)| is_replaced(key) || new.get(key) == Some(value)))
                    && new.get("exec") == Some(exec)
                    && new.get("auth-provider").is_none()
            }
        };
        before.len() == after.len()
            && before.iter().all(|(key, value)| match after.get(key) {
                Some(new) if key == "users" => {
                    let (Some(old), Some(new)) = (value.as_array(), new.as_array()) else { return value == new };
                    old.len() == new.len()
                        && old.iter().zip(new).enumerate().all(|(place, (one, other))| same_user(place, one, other))
                }
                Some(new) => value == new,
                None => false,
            })
    }

    /// Edits the lines of each user; `None` where the text is not laid out for that.
    fn in_place(&self, changes: &Changes) -> Option<(String, Vec<Edit>)> {
        let breaks = self.text.matches('\n').count();
        let is_crlf = breaks > 0 && self.text.matches("\r\n").count() == breaks;
        let mut text = if is_crlf { self.text.replace("\r\n", "\n") } else { self.text.clone() };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let edits = edits(&Lines::of(&text), &self.value, changes)?;
        let text = applied(&Lines::of(&text), &edits);
        Some((if is_crlf { text.replace('\n', "\r\n") } else { text }, edits))
    }

    fn anew(&self, changes: &Changes) -> String {
        // The text was read before without its long values, and is the same.
        let mut value = yaml::parse(&self.text).unwrap_or_default();
        for (place, exec) in changes {
            let user = value.get_mut("users").and_then(|users| users.get_mut(*place)).and_then(|item| item.get_mut("user"));
            let Some(Value::Object(user)) = user else { continue };
            let old = std::mem::take(user);
            for (key, value) in old {
                if is_replaced(&key) {
                    user.insert("exec".to_owned(), exec.clone());
                } else {
                    user.insert(key, value);
                }
            }
        }
        if let Some(map) = value.as_object_mut() {
            map.entry("apiVersion").or_insert_with(|| json!("v1"));
            map.entry("kind").or_insert_with(|| json!("Config"));
        }
        yaml::show(&value)
    }
}

fn is_replaced(key: &str) -> bool {
    matches!(key, "exec" | "auth-provider")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Is something cut in the parts of a user that are looked at?
fn is_cut_inside(user: &Value) -> bool {
    fn any(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains(CUT),
            Value::Array(items) => items.iter().any(any),
            Value::Object(map) => map.values().any(any),
            _ => false,
        }
    }
    ["exec", "auth-provider"].into_iter().filter_map(|key| user.get(key)).any(any)
}

/// The text with long values of certificates, keys and tokens cut: nobody here looks at them, and they are most of a large file. The structure
/// stays what it was.
fn lean(text: &str) -> String {
    const LONG: [&str; 4] = ["certificate-authority-data", "client-certificate-data", "client-key-data", "token"];
    let mut out = String::with_capacity(text.len().min(1 << 20));
    for line in text.split_inclusive('\n') {
        let body = line.trim_start_matches([' ', '-']);
        let value = LONG.iter().find_map(|key| body.strip_prefix(key)?.strip_prefix(": "));
        let is_base64 = |value: &str| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=._-".contains(&byte));
        match value.map(str::trim_end).filter(|value| value.len() > KEPT && is_base64(value)) {
            Some(value) => {
                let start = line.len() - body.len() + body.find(value).unwrap_or(0);
                out.push_str(&line[..start + KEPT]);
                out.push_str(CUT);
                out.push_str(&line[start + value.len()..]);
            }
            None => out.push_str(line),
        }
    }
    out
}

const KEPT: usize = 48;
/// Not among the characters of a value that is cut.
const CUT: &str = "~~~~";

fn edits(lines: &Lines<'_>, value: &Value, changes: &Changes) -> Option<Vec<Edit>> {
    let users = list(value, "users");
    let (entries, column) = lines.items(&lines.top("users")?)?;
    if entries.len() != users.len() {
        return None;
    }
    let mut found = Vec::new();
    for (place, exec) in changes {
        let entry = entries.get(*place)?.clone();
        let parts = lines.members(entry, column + 2, true)?;
        let user = parts.into_iter().find(|part| part.key == "user" && part.is_block)?;
        let inner = lines.column_below(&user.lines).filter(|inner| *inner > column + 2)?;
        let parts = lines.members(user.lines.start + 1..user.lines.end, inner, false)?;
        let old = users[*place].get("user")?;
        of_user(lines, &parts, old.get("exec"), exec.as_object()?, inner, &mut found)?;
    }
    found.sort_by_key(|edit| (edit.lines.start, edit.lines.end));
    Some(found)
}

fn of_user(
    lines: &Lines<'_>,
    parts: &[Member<'_>],
    old: Option<&Value>,
    new: &Map<String, Value>,
    column: usize,
    found: &mut Vec<Edit>,
) -> Option<()> {
    let exec = parts.iter().find(|part| part.key == "exec");
    let provider = parts.iter().find(|part| part.key == "auth-provider");
    match (exec, old.and_then(Value::as_object), provider) {
        (Some(exec), Some(old), provider) => {
            if !exec.is_block {
                return None;
            }
            if let Some(provider) = provider {
                found.push(Edit { lines: provider.lines.clone(), text: String::new() });
            }
            of_exec(lines, exec, old, new, column, found)
        }
        (None, None, Some(provider)) => {
            let text = yaml::show_at(&json!({ "exec": new }), column);
            found.push(Edit { lines: provider.lines.clone(), text });
            Some(())
        }
        _ => None,
    }
}

/// Members that stay the same keep their lines.
fn of_exec(
    lines: &Lines<'_>,
    exec: &Member<'_>,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    outer: usize,
    found: &mut Vec<Edit>,
) -> Option<()> {
    let column = lines.column_below(&exec.lines).filter(|column| *column > outer)?;
    let members = lines.members(exec.lines.start + 1..exec.lines.end, column, false)?;
    let shown = |key: &str, value: &Value| yaml::show_at(&json!({ key: value }), column);
    for member in &members {
        match (old.get(member.key), new.get(member.key)) {
            (Some(old), Some(new)) if old == new => {}
            (Some(Value::Array(old)), Some(Value::Array(new))) if member.is_block && !new.is_empty() => {
                match of_list(lines, member, old, new) {
                    Some(edits) => found.extend(edits),
                    None => found.push(Edit { lines: member.lines.clone(), text: shown(member.key, &Value::Array(new.clone())) }),
                }
            }
            (_, Some(new)) => found.push(Edit { lines: member.lines.clone(), text: shown(member.key, new) }),
            (_, None) => found.push(Edit { lines: member.lines.clone(), text: String::new() }),
        }
    }
    for (key, value) in new.iter().filter(|(key, _)| !members.iter().any(|member| member.key == *key)) {
        // In the order of the alphabet, as kubectl writes, behind the member before: comments stay with what they are about.
        let before = members.iter().take_while(|member| member.key < key.as_str()).last();
        let at = before.map_or(exec.lines.start + 1, |member| member.lines.end);
        found.push(Edit { lines: at..at, text: shown(key, value) });
    }
    Some(())
}

/// Items that stay keep their lines; the others go, and new ones stand where they belong.
fn of_list(lines: &Lines<'_>, member: &Member<'_>, old: &[Value], new: &[Value]) -> Option<Vec<Edit>> {
    let (items, column) = lines.items(&member.lines)?;
    if items.len() != old.len() || old.len() * new.len() > 1 << 20 {
        return None;
    }
    // common[i][j]: how many items the ends of both lists have in common.
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let mut found: Vec<Edit> = Vec::new();
    let (mut i, mut j, mut at) = (0, 0, member.lines.start + 1);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            at = items[i].end;
            (i, j) = (i + 1, j + 1);
        } else if j < new.len() && (i == old.len() || common[i * width + j + 1] >= common[(i + 1) * width + j]) {
            let text = yaml::show_at(&json!([new[j]]), column);
            match found.last_mut().filter(|edit| edit.lines == (at..at)) {
                Some(edit) => edit.text.push_str(&text),
                None => found.push(Edit { lines: at..at, text }),
            }
            j += 1;
        } else {
            found.push(Edit { lines: items[i].clone(), text: String::new() });
            at = items[i].end;
            i += 1;
        }
    }
    Some(found)
}

fn applied(lines: &Lines<'_>, edits: &[Edit]) -> String {
    let mut out = String::new();
    let mut copied = 0;
    for edit in edits {
        // Two edits of one line are a contradiction; the check of the result finds it.
        let start = edit.lines.start.max(copied);
        out.extend(lines.text(copied..start));
        out.push_str(&edit.text);
        copied = edit.lines.end.max(start);
    }
    out.extend(lines.text(copied..lines.len()));
    out
}

#[cfg(test)]
mod tests;
