//! A cluster's document: what clients wrote, with everything they wrote that we do not know.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shape::{self, Object};

/// The writable part of the resource, in the wire's spelling, without secrets and without read-only members.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(Object);

impl Document {
    pub(super) fn merge(&mut self, sent: Object) {
        shape::merge(&mut self.0, sent, shape::CLUSTER);
    }

    /// The whole object.
    pub fn object(&self) -> &Object {
        &self.0
    }

    pub(super) fn object_mut(&mut self) -> &mut Object {
        &mut self.0
    }

    /// A member by its path; `properties.` is written out.
    pub fn at(&self, path: &str) -> Option<&Value> {
        let mut parts = path.split('.');
        let first = self.0.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    /// A text by its path; an empty text says nothing.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.at(path)?.as_str().filter(|text| !text.is_empty())
    }

    /// A flag by its path.
    pub fn flag(&self, path: &str) -> Option<bool> {
        self.at(path)?.as_bool()
    }

    pub(super) fn properties_mut(&mut self) -> &mut Object {
        let slot = self.0.entry("properties").or_insert_with(|| Value::Object(Object::new()));
        if !slot.is_object() {
            *slot = Value::Object(Object::new());
        }
        slot.as_object_mut().expect("an object was just put there")
    }

    /// The tags.
    pub fn tags(&self) -> Option<&Object> {
        self.0.get("tags")?.as_object()
    }
}
