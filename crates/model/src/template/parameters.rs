//! Parameters: what was given fits what the template declares, or a default takes its place.

use serde_json::{Map, Value};

use super::document::Template;
use super::engine::{Engine, Part, Site};
use super::error::{Halt, Outcome, Place, TemplateError, cut, wrong};
use super::value::{in_object, kind, member, same, shown};

/// The values that came with a request: `{ "name": { "value": … } }`.
pub(super) fn given(template: &Template, sent: &Value) -> Result<Map<String, Value>, TemplateError> {
    let root = Place::default();
    let mut out = Map::new();
    let sent = match sent {
        Value::Null => return Ok(out),
        Value::Object(sent) => sent,
        other => return Err(TemplateError::in_parameters(format!("Parameters are an object, not {}.", kind(other)), root)),
    };
    let mut unknown = Vec::new();
    for (name, entry) in sent {
        let place = root.then(name);
        let Some(known) = template.parameters.keys().find(|known| same(known, name)) else {
            unknown.push(name.as_str());
            continue;
        };
        let Value::Object(entry) = entry else {
            let message = format!("Parameter '{}' is given as an object with a `value`.", cut(name));
            return Err(TemplateError::in_parameters(message, place));
        };
        if in_object(entry, "reference").is_some() {
            let message = format!("Parameter '{}' points to a key vault, and there is none here; give its `value`.", cut(name));
            return Err(TemplateError::in_parameters(message, place.then("reference")));
        }
        let Some(value) = in_object(entry, "value") else {
            return Err(TemplateError::in_parameters(format!("Parameter '{}' has no `value`.", cut(name)), place));
        };
        if out.insert(known.clone(), value.clone()).is_some() {
            return Err(TemplateError::in_parameters(format!("Parameter '{}' is given twice.", cut(name)), place));
        }
    }
    if let Some(first) = unknown.first() {
        let known: Vec<&str> = template.parameters.keys().map(String::as_str).collect();
        let message = format!(
            "The template has no parameter '{}'. It has: {}.",
            cut(&unknown.join(", ")),
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        );
        return Err(TemplateError::in_parameters(message, root.then(first)));
    }
    Ok(out)
}

/// The value of one parameter.
pub(super) fn value(engine: &Engine<'_>, name: &str, declared: &Value) -> Outcome<Value> {
    let here = Place::of(["parameters", name]);
    let under = |halt: Halt| halt.under(&here);
    let Value::Object(declared) = declared else { return wrong("A parameter is declared as an object.").map_err(under) };
    let shape = Shape::of(engine.template, declared).map_err(under)?;
    let value = match (in_object(engine.given, name), in_object(declared, "defaultValue")) {
        (Some(value), _) if !(value.is_null() && !shape.is_nullable && in_object(declared, "defaultValue").is_some()) => {
            engine.budget.copy(value)?
        }
        (_, Some(default)) => engine
            .value(Site::of(Part::Default), default)
            .map_err(|halt| halt.under(&Place::of(["defaultValue"])))
            .map_err(under)?,
        _ if shape.is_nullable => Value::Null,
        _ => return wrong(format!("Parameter '{}' is needed and was not given.", cut(name))).map_err(under),
    };
    shape.check(&format!("parameter '{}'", cut(name)), &value).map_err(under)?;
    Ok(value)
}

/// Whether what is declared like this is never shown.
pub(super) fn is_secret(template: &Template, declared: &Value) -> bool {
    declared.as_object().and_then(|declared| Shape::of(template, declared).ok()).is_none_or(|shape| shape.is_secret)
}

/// The texts inside the values of secret parameters.
pub(super) fn secrets(template: &Template, values: &Map<String, Value>) -> Vec<String> {
    fn texts(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(text) if !text.is_empty() => out.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
            Value::Object(members) => members.values().for_each(|value| texts(value, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    for (name, value) in values {
        if in_object(&template.parameters, name).is_some_and(|declared| is_secret(template, declared)) {
            texts(value, &mut out);
        }
    }
    out
}

/// As long as this, a text that says the same as a secret is no accident.
const NO_ACCIDENT: usize = 6;

/// A message that names no secret.
pub(super) fn unsaid(message: String, secrets: &[String]) -> String {
    secrets.iter().fold(message, |message, secret| {
        if secret.len() >= NO_ACCIDENT {
            message.replace(secret.as_str(), "*******")
        } else {
            message.replace(&format!("'{secret}'"), "'*******'")
        }
    })
}

/// Whether a text says a secret: all of it, or a part that is long enough to be no accident.
pub(super) fn says(text: &str, secrets: &[String]) -> bool {
    secrets.iter().any(|secret| text == secret || (secret.len() >= NO_ACCIDENT && text.contains(secret.as_str())))
}

/// The usual word for the type of something declared.
pub(super) fn type_word(template: &Template, declared: &Value) -> &'static str {
    declared.as_object().and_then(|declared| Shape::of(template, declared).ok()).map_or("Object", |shape| shape.word)
}

/// What a declaration asks of a value.
pub(super) struct Shape<'d> {
    word: &'static str,
    kind: &'static str,
    is_secret: bool,
    is_nullable: bool,
    // The declaration, and those it points to.
    layers: Vec<&'d Map<String, Value>>,
}

const TYPES: &[(&str, &str, bool)] = &[
    ("String", "string", false),
    ("SecureString", "string", true),
    ("Int", "int", false),
    ("Bool", "bool", false),
    ("Object", "object", false),
    ("SecureObject", "object", true),
    ("Array", "array", false),
];

impl<'d> Shape<'d> {
    pub(super) fn of(template: &'d Template, declared: &'d Map<String, Value>) -> Outcome<Self> {
        let mut layers = vec![declared];
        let mut at = declared;
        while let Some(target) = in_object(at, "$ref") {
            let name = target.as_str().and_then(|target| target.strip_prefix("#/definitions/")).unwrap_or_default();
            let found = template.definitions.iter().find(|(known, _)| same(known, name)).and_then(|(_, value)| value.as_object());
            let Some(found) = found.filter(|_| layers.len() <= 16) else {
                return wrong(format!("`$ref` {} leads to no definition of the template.", shown(target)));
            };
            layers.push(found);
            at = found;
        }
        let word = in_object(at, "type").and_then(Value::as_str);
        let found = word.and_then(|word| TYPES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(word)));
        let Some((word, kind, is_secret)) = found else {
            let known: Vec<&str> = TYPES.iter().map(|(known, ..)| *known).collect();
            return wrong(format!("A `type` is needed: one of {}.", known.join(", ")));
        };
        let is_nullable = layers.iter().any(|layer| in_object(layer, "nullable") == Some(&Value::Bool(true)));
        Ok(Self { word, kind, is_secret: *is_secret, is_nullable, layers })
    }

    pub(super) fn check(&self, what: &str, value: &Value) -> Outcome<()> {
        if value.is_null() && self.is_nullable {
            return Ok(());
        }
        let said = if self.is_secret { "the given value".to_owned() } else { shown(value) };
        let fits = match value {
            Value::Number(number) => self.kind == "int" && number.as_i64().is_some(),
            other => kind(other) == self.kind,
        };
        if !fits {
            return wrong(format!("The {what} is of type {}, and {said} is not.", self.word));
        }
        for layer in &self.layers {
            if let Some(allowed) = in_object(layer, "allowedValues").and_then(Value::as_array)
                && !is_allowed(allowed, value)
            {
                let list: Vec<String> = allowed.iter().map(shown).collect();
                return wrong(format!("The {what} cannot be {said}; allowed are {}.", list.join(", ")));
            }
            let bound = |name: &str| in_object(layer, name).and_then(Value::as_i64);
            let number = value.as_i64();
            let length = match value {
                Value::String(text) => i64::try_from(text.chars().count()).ok(),
                Value::Array(items) => i64::try_from(items.len()).ok(),
                _ => None,
            };
            for (name, measured, is_least) in [
                ("minValue", number, true),
                ("maxValue", number, false),
                ("minLength", length, true),
                ("maxLength", length, false),
            ] {
                let (Some(bound), Some(measured)) = (bound(name), measured) else { continue };
                if (is_least && measured < bound) || (!is_least && measured > bound) {
                    return wrong(format!("The {what} breaks `{name}`: {bound} is the limit."));
                }
            }
        }
        Ok(())
    }
}

// Each item of a list may be any of the allowed ones.
fn is_allowed(allowed: &[Value], value: &Value) -> bool {
    let one = |value: &Value| {
        allowed.iter().any(|known| match (known, value) {
            (Value::String(known), Value::String(value)) => same(known, value),
            (known, value) => known == value,
        })
    };
    one(value) || value.as_array().is_some_and(|items| !allowed.iter().any(Value::is_array) && items.iter().all(one))
}

/// A declared function's parameters, by name.
pub(super) fn arguments(declared: &Value, values: Vec<Value>, function: &str) -> Outcome<Map<String, Value>> {
    let names: Vec<&str> = match member(declared, "parameters") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.iter().filter_map(|each| member(each, "name").and_then(Value::as_str)).collect(),
        Some(_) => return wrong(format!("The parameters of function '{}' are an array.", cut(function))),
    };
    if names.len() != values.len() {
        return wrong(format!("Function '{}' takes {} arguments, not {}.", cut(function), names.len(), values.len()));
    }
    Ok(names.into_iter().map(str::to_owned).zip(values).collect())
}
