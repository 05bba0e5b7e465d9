//! Bodies of POST and PATCH (G-007): names and types are checked against the entity's table, annotations are ignored.

use serde_json::Value;

use super::Object;
use super::entity::{Change, Entity, Property};

/// Whether a body makes an object or changes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// POST
    Create,
    /// PATCH
    Update,
}

/// A body whose properties exist, may be set and have the right type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body {
    values: Vec<(&'static str, Value)>,
    binds: Vec<(String, Vec<String>)>,
}

/// Why a body was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// No JSON.
    #[error("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")]
    NotJson,
    /// Nested more than 32 deep.
    #[error("The JSON request payload is nested too deeply.")]
    TooDeep,
    /// Nothing in the type is called that.
    #[error("Invalid property '{0}'.")]
    Unknown(String),
    /// The server fills it.
    #[error("Property '{0}' is read-only and cannot be set.")]
    ReadOnly(&'static str),
    /// The wrong type, or a value out of range.
    #[error("Invalid value specified for property '{property}' of resource '{entity}'.")]
    Value {
        /// The property.
        property: &'static str,
        /// The type.
        entity: &'static str,
    },
    /// It cannot be made without.
    #[error("A value is required for property '{property}' of resource '{entity}'.")]
    Missing {
        /// The property.
        property: &'static str,
        /// The type.
        entity: &'static str,
    },
}

const DEPTH_BUDGET: u32 = 32;

/// Reads bytes as JSON, within the budget of depth. An empty body is `null`.
pub fn json(bytes: &[u8]) -> Result<Value, BadBody> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    if depth(bytes) > DEPTH_BUDGET {
        return Err(BadBody::TooDeep);
    }
    serde_json::from_slice(bytes).map_err(|_| BadBody::NotJson)
}

fn depth(bytes: &[u8]) -> u32 {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_u32, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl Body {
    /// Checks a JSON value against the table of an entity.
    pub fn read(entity: &'static Entity, json: Value, mode: Mode) -> Result<Self, BadBody> {
        let Value::Object(members) = json else {
            return Err(BadBody::NotJson);
        };
        let mut body = Self::default();
        for (name, value) in members {
            if let Some(relation) = name.strip_suffix("@odata.bind") {
                let Ok(links) = serde_json::from_value(value) else {
                    return Err(BadBody::Unknown(name));
                };
                body.binds.push((relation.to_owned(), links));
                continue;
            }
            // SDKs send `@odata.type` with every object, others send back what they read.
            if name.contains('@') || name == "id" {
                continue;
            }
            let property = entity.properties.iter().find(|property| property.name == name).ok_or(BadBody::Unknown(name))?;
            body.take(entity, property, value, mode)?;
        }
        Ok(body)
    }

    fn take(&mut self, entity: &Entity, property: &'static Property, value: Value, mode: Mode) -> Result<(), BadBody> {
        let may_set = match property.change {
            Change::Always => true,
            Change::OnCreate => mode == Mode::Create,
            Change::Never => false,
        };
        if !may_set {
            return Err(BadBody::ReadOnly(property.name));
        }
        if !property.fits(&value) {
            return Err(BadBody::Value { property: property.name, entity: entity.name });
        }
        self.values.push((property.name, value));
        Ok(())
    }

    /// Whether the body says something about the property (also `null`).
    pub fn mentions(&self, name: &str) -> bool {
        self.values.iter().any(|(have, _)| *have == name)
    }

    /// Whether nothing is left in the body.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The names of the properties that are left.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.values.iter().map(|(name, _)| *name)
    }

    /// Whether the body is about some of these properties and no others.
    pub fn only_mentions(&self, names: &[&str]) -> bool {
        !self.values.is_empty() && self.values.iter().all(|(name, _)| names.contains(name))
    }

    /// Takes a value out of the body.
    pub fn take_value(&mut self, name: &str) -> Option<Value> {
        let at = self.values.iter().position(|(have, _)| *have == name)?;
        Some(self.values.remove(at).1)
    }

    /// Takes a text: `None` when the body does not mention it, `Some(None)` when it clears it.
    pub fn take_text(&mut self, name: &str) -> Option<Option<String>> {
        self.take_value(name).map(|value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// Takes a flag.
    pub fn take_flag(&mut self, name: &str) -> Option<bool> {
        self.take_value(name)?.as_bool()
    }

    /// Takes a list of texts; `null` clears.
    pub fn take_texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.take_value(name).map(|value| serde_json::from_value(value).unwrap_or_default())
    }

    /// Takes the links of a relation that came as `name@odata.bind`.
    pub fn take_bind(&mut self, name: &str) -> Option<Vec<String>> {
        let at = self.binds.iter().position(|(have, _)| have == name)?;
        Some(self.binds.remove(at).1)
    }

    /// The first relation that nobody took.
    pub fn other_bind(&self) -> Option<&str> {
        self.binds.first().map(|(name, _)| name.as_str())
    }

    /// Puts what is left into the object's other properties; `null` removes.
    pub fn keep_rest(self, other: &mut Object) {
        for (name, value) in self.values {
            if value.is_null() {
                other.remove(name);
            } else {
                other.insert(name.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tables::GROUP;
    use super::*;

    fn read(value: Value) -> Result<Body, BadBody> {
        Body::read(&GROUP, value, Mode::Update)
    }

    #[test]
    fn g_007_annotations_and_ids_are_ignored() {
        let body =
            read(json!({"@odata.type": "#microsoft.graph.group", "id": "x", "displayName@odata.type": "y", "displayName": "a"}));
        assert_eq!(body.map(|mut body| body.take_text("displayName")), Ok(Some(Some("a".into()))));
    }

    #[test]
    fn g_007_unknown_read_only_and_ill_typed_properties_are_refused() {
        assert_eq!(read(json!({"nonsense": 1})).expect_err("refused").to_string(), "Invalid property 'nonsense'.");
        assert_eq!(read(json!({"createdDateTime": "2024-01-01T00:00:00Z"})), Err(BadBody::ReadOnly("createdDateTime")));
        assert_eq!(read(json!({"mailEnabled": true})), Err(BadBody::ReadOnly("mailEnabled")));
        assert_eq!(read(json!({"displayName": 1})), Err(BadBody::Value { property: "displayName", entity: "Group" }));
        assert_eq!(read(json!({"displayName": "a\nb"})), Err(BadBody::Value { property: "displayName", entity: "Group" }));
        assert_eq!(read(json!([])), Err(BadBody::NotJson));
    }

    #[test]
    fn g_007_null_clears() {
        let mut other = json!({"theme": "x", "visibility": "y"}).as_object().cloned().expect("an object");
        read(json!({"theme": null})).expect("reads").keep_rest(&mut other);
        assert_eq!(Value::Object(other), json!({"visibility": "y"}));
    }

    #[test]
    fn g_007_deep_json_is_refused_before_it_is_read() {
        assert_eq!(json(&b"[".repeat(100_000)), Err(BadBody::TooDeep));
        assert_eq!(json(b"{\"a\":\"[[[[\\\"[[[[\"}").map(|value| value.is_object()), Ok(true));
        assert_eq!(json(b"{"), Err(BadBody::NotJson));
        assert_eq!(json(b" "), Ok(Value::Null));
    }

    #[test]
    fn g_302_links_are_taken_apart_from_values() {
        let mut body = read(json!({"members@odata.bind": ["https://x/v1.0/directoryObjects/1"]})).expect("reads");
        assert_eq!(body.take_bind("members").map(|links| links.len()), Some(1));
        assert_eq!(body.other_bind(), None);
    }
}
