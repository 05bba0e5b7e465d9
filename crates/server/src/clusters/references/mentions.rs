//! What one object of a cluster mentions: ids that may be groups, and names that may be people.
//!
//! A binding names its subjects. A policy can hold a group's id anywhere: in a condition, in an expression, in a message.
//! So every text of an object is searched for ids, and what is found may be more than the groups, never less. The time is
//! linear in the object's size, and nothing is kept of it but what was found.

use std::collections::BTreeSet;

use entrance_model::id::GroupId;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use uuid::Uuid;

/// What an object mentions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Every id in its texts: each may be a group.
    pub groups: BTreeSet<GroupId>,
    /// Names of people and applications, in lower case.
    pub names: BTreeSet<String>,
    /// What a binding gives: `ClusterRole/view`.
    pub role: Option<String>,
}

/// One object as it is listed or watched, reduced to what counts here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `namespace/name`, or the name alone.
    pub key: String,
    /// The version of the last change.
    pub version: String,
    /// What it mentions.
    pub mentions: Mentions,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(Value::deserialize(from)?).ok_or_else(|| serde::de::Error::custom("an object with a name and a version is needed"))
    }
}

/// Reads an object; `None` when it has no name or no version.
pub fn read(object: Value) -> Option<Object> {
    let Value::Object(mut object) = object else { return None };
    // Ids in there are those of the object and its owners, and texts about who wrote it.
    let metadata = object.remove("metadata")?;
    let text = |name: &str| metadata.get(name).and_then(Value::as_str);
    let name = text("name").filter(|name| !name.is_empty())?;
    let key = text("namespace").map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
    let version = text("resourceVersion")?.to_owned();
    Some(Object { key, version, mentions: mentions(&Value::Object(object)) })
}

/// Everything that an object mentions.
pub fn mentions(object: &Value) -> Mentions {
    let mut found = Mentions { role: role(object), ..Mentions::default() };
    // Not by recursion: how deep an object goes is somebody else's choice.
    let mut left = vec![object];
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) => search(text, &mut found),
            Value::Array(all) => left.extend(all),
            Value::Object(all) => {
                for (key, value) in all {
                    search(key, &mut found);
                    left.push(value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    found
}

fn role(object: &Value) -> Option<String> {
    let role = object.get("roleRef")?;
    let text = |name: &str| role.get(name).and_then(Value::as_str);
    Some(format!("{}/{}", text("kind")?, text("name")?))
}

fn search(text: &str, found: &mut Mentions) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + ID <= bytes.len() {
        match id(&bytes[at..at + ID]) {
            Some(id) => {
                found.groups.insert(GroupId::from_uuid(id));
                found.names.insert(id.to_string());
                at += ID;
            }
            None => at += 1,
        }
    }
    // A name ends where the next one's `@` would begin to be looked for, so each byte is looked at twice at most.
    let mut from = 0;
    for (at, _) in text.match_indices('@') {
        let local = bytes[from..at].iter().rev().take_while(|byte| is_local(**byte)).count().min(LONGEST);
        let domain = bytes[at + 1..].iter().take(LONGEST).take_while(|byte| is_host(**byte)).count();
        if local > 0 && domain > 0 {
            // Only ASCII was counted, so these are the ends of characters.
            let name = text[at - local..=at + domain].trim_end_matches('.');
            found.names.insert(name.to_ascii_lowercase());
        }
        from = at + 1;
    }
}

/// An id in its canonical spelling, in any case.
fn id(text: &[u8]) -> Option<Uuid> {
    let fits = text.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    if fits { Uuid::try_parse_ascii(text).ok() } else { None }
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#'^_~.-".contains(&byte)
}

fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-".contains(&byte)
}

/// The length of an id.
const ID: usize = 36;
/// The longest half of a name.
const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ONE: &str = "5d24f0aa-0000-4000-8000-00000000000a";
    const TWO: &str = "5d24f0aa-0000-4000-8000-00000000000b";

    fn groups(object: &Value) -> Vec<String> {
        mentions(object).groups.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_binding_mentions_its_subjects_and_says_what_it_gives() {
        let binding = json!({
            "metadata": {"name": "b", "namespace": "web", "resourceVersion": "7", "uid": TWO, "managedFields": [{"manager": TWO}]},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "Group", "name": ONE.to_ascii_uppercase()}, {"kind": "User", "name": "Alice@contoso.example"}],
        });
        let object = read(binding).expect("an object");
        assert_eq!((object.key.as_str(), object.version.as_str()), ("web/b", "7"));
        assert_eq!(object.mentions.role.as_deref(), Some("ClusterRole/view"));
        assert_eq!(object.mentions.groups.iter().map(ToString::to_string).collect::<Vec<_>>(), [ONE], "not its own id");
        assert!(object.mentions.names.contains("alice@contoso.example"));
    }

    #[test]
    fn an_id_is_found_wherever_it_stands() {
        let found = groups(&json!({
            "spec": {
                "matchConditions": [{"expression": format!("'{ONE}' in request.userInfo.groups")}],
                "validations": [{"messageExpression": format!("\"x{TWO}y\"")}],
                format!("key-{ONE}"): null,
            }
        }));
        assert_eq!(found, [ONE, TWO]);
        assert_eq!(groups(&json!(format!("{ONE}{TWO}"))), [ONE, TWO]);
        // An id begins in the middle of what looks like one.
        assert_eq!(groups(&json!(format!("0{ONE}"))), [ONE]);
        assert_eq!(groups(&json!(["5d24f0aa00004000800000000000000a", &ONE[1..], "", "é".repeat(40)])), [""; 0]);
    }

    #[test]
    fn names_are_found_and_end_where_they_end() {
        let found = mentions(&json!("request.userInfo.username == 'Bob.O'Neil@contoso.example.' || a@b@c.example, @x é@y z@é"));
        let names: Vec<_> = found.names.iter().map(String::as_str).collect();
        assert_eq!(names, ["'bob.o'neil@contoso.example", "a@b", "b@c.example"]);
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = (0..100_000).fold(json!(ONE), |inner, _| Value::Array(vec![inner]));
        assert_eq!(groups(&deep), [ONE]);
        // The library drops a value by recursion; take it apart by hand.
        let mut left = deep;
        while let Value::Array(mut inner) = left {
            left = inner.pop().unwrap_or_default();
        }
    }

    proptest! {
        #[test]
        fn an_id_in_any_text_is_found(before in ".*", after in ".*", n in any::<u128>()) {
            let id = Uuid::from_u128(n);
            let found = mentions(&json!({"x": [format!("{before} {id} {after}")]}));
            prop_assert!(found.groups.contains(&GroupId::from_uuid(id)));
        }
    }
}
