//! What an entity is made of: a table of its properties, from which bodies are read (G-007) and answers are cut (G-101).

use serde_json::Value;

use super::Object;

/// A type of object, such as `user`.
#[derive(Debug)]
pub struct Entity {
    /// Its name in error texts: `User`.
    pub name: &'static str,
    /// Its name in `@odata.type`: `user`.
    pub odata: &'static str,
    /// Its collection: `users`.
    pub set: &'static str,
    /// Its properties, in the order they are shown.
    pub properties: &'static [Property],
}

/// One property.
#[derive(Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// When it is shown.
    pub shown: Shown,
    /// When it may be set.
    pub change: Change,
    /// What an object that has no value of its own shows.
    pub absent: Absent,
}

/// The type of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A moment.
    Time,
    /// A GUID.
    Guid,
    /// A list of texts.
    Texts,
    /// An object.
    Object,
    /// A list of objects.
    Objects,
}

/// When a property is in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Unless `$select` leaves it out.
    Always,
    /// Only when `$select` names it.
    OnSelect,
    /// Never: it is taken in, not given out.
    Never,
}

/// When a property may be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// By POST and PATCH.
    Always,
    /// By POST only.
    OnCreate,
    /// The server fills it.
    Never,
}

/// What stands for "no value".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// `null`
    Null,
    /// `[]`
    Empty,
    /// `{}`
    Object,
    /// `false`
    False,
}

impl Property {
    /// A property that is shown and can be set.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        let absent = match kind {
            Kind::Texts | Kind::Objects => Absent::Empty,
            _ => Absent::Null,
        };
        Self { name, kind, shown: Shown::Always, change: Change::Always, absent }
    }

    /// Shown only on demand.
    #[must_use]
    pub const fn on_select(mut self) -> Self {
        self.shown = Shown::OnSelect;
        self
    }

    /// Never shown.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.shown = Shown::Never;
        self
    }

    /// Filled by the server.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.change = Change::Never;
        self
    }

    /// Set when the object is made, then no more.
    #[must_use]
    pub const fn on_create(mut self) -> Self {
        self.change = Change::OnCreate;
        self
    }

    /// Shown like this when there is no value.
    #[must_use]
    pub const fn or(mut self, absent: Absent) -> Self {
        self.absent = absent;
        self
    }

    /// Whether a value has the property's type. `null` clears and always fits.
    pub fn fits(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (_, Value::Null) | (Kind::Flag, Value::Bool(_)) | (Kind::Object, Value::Object(_)) => true,
            (Kind::Text(max), Value::String(text)) => {
                // Only long texts have lines.
                let refused = |c: char| c.is_control() && !(max >= 1024 && matches!(c, '\n' | '\r' | '\t'));
                text.chars().count() <= max && !text.chars().any(refused)
            }
            (Kind::Number, Value::Number(number)) => number.is_i64(),
            (Kind::Time, Value::String(text)) => text.parse::<jiff::Timestamp>().is_ok(),
            (Kind::Guid, Value::String(text)) => super::reference::is_guid(text),
            (Kind::Texts, Value::Array(all)) => all.iter().all(Value::is_string),
            (Kind::Objects, Value::Array(all)) => all.iter().all(Value::is_object),
            _ => false,
        }
    }

    fn absent(&self) -> Value {
        match self.absent {
            Absent::Null => Value::Null,
            Absent::Empty => Value::Array(Vec::new()),
            Absent::Object => Value::Object(Object::new()),
            Absent::False => Value::Bool(false),
        }
    }
}

/// `$select` names a property that the type does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.{entity}'.")]
pub struct NoSuchProperty {
    name: String,
    entity: &'static str,
}

impl Entity {
    /// The property with this name, in any case.
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name.eq_ignore_ascii_case(name))
    }

    /// Fills in what an object has no value for, in the table's order; drops what is never shown or not in the table.
    pub fn complete(&self, mut values: Object) -> Object {
        let shown = self.properties.iter().filter(|property| property.shown != Shown::Never);
        shown
            .map(|property| {
                let value = values.remove(property.name).filter(|value| !value.is_null());
                (property.name.to_owned(), value.unwrap_or_else(|| property.absent()))
            })
            .collect()
    }

    /// Checks the names of a `$select`.
    pub fn check_select(&self, select: Option<&[String]>) -> Result<(), NoSuchProperty> {
        let unknown = select.into_iter().flatten().find(|name| self.property(name).is_none());
        unknown.map_or(Ok(()), |name| Err(NoSuchProperty { name: name.clone(), entity: self.odata }))
    }

    /// The part of a complete object that an answer shows.
    pub fn cut(&self, mut complete: Object, select: Option<&[String]>) -> Object {
        complete.retain(|key, _| match select {
            Some(names) => names.iter().any(|name| name.eq_ignore_ascii_case(key)),
            None => self.property(key).is_some_and(|property| property.shown == Shown::Always),
        });
        complete
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tables::USER;
    use super::*;

    fn alice() -> Object {
        let values = json!({"id": "1", "displayName": "Alice", "accountEnabled": true, "passwordProfile": {"password": "x"}});
        values.as_object().cloned().expect("an object")
    }

    #[test]
    fn g_201_an_answer_shows_the_default_properties_and_null_for_what_is_not_there() {
        let shown = Value::Object(USER.cut(USER.complete(alice()), None));
        assert_eq!(
            shown,
            json!({
                "id": "1", "businessPhones": [], "displayName": "Alice", "givenName": null, "jobTitle": null, "mail": null,
                "mobilePhone": null, "officeLocation": null, "preferredLanguage": null, "surname": null, "userPrincipalName": null
            })
        );
    }

    #[test]
    fn g_101_select_shows_exactly_what_it_lists() {
        let select = ["accountenabled".to_owned(), "displayName".to_owned(), "passwordProfile".to_owned()];
        let shown = Value::Object(USER.cut(USER.complete(alice()), Some(&select)));
        assert_eq!(shown, json!({"displayName": "Alice", "accountEnabled": true}));
    }

    #[test]
    fn g_101_an_unknown_name_is_refused() {
        assert!(USER.check_select(Some(&["nonsense".to_owned()])).is_err());
    }
}
