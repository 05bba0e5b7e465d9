//! A template as it stands: its parts, before anything is evaluated.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::{Place, TemplateError, cut};
use super::value::{in_object, kind, member};

type Object = Map<String, Value>;

/// A template.
#[derive(Debug, Clone)]
pub struct Template {
    pub(super) schema: String,
    pub(super) content_version: String,
    /// Resources have names of their own, as Bicep writes them.
    pub(super) is_symbolic: bool,
    pub(super) parameters: Object,
    pub(super) definitions: Object,
    pub(super) variables: Object,
    pub(super) outputs: Object,
    pub(super) functions: Vec<Value>,
    pub(super) resources: Vec<Raw>,
    hash: String,
}

/// A resource as it is written.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) symbol: Option<String>,
    pub(super) place: Place,
    pub(super) members: Object,
    pub(super) children: Vec<Raw>,
}

/// Limits of one template (the original's).
const PARAMETERS: usize = 256;
const VARIABLES: usize = 256;
const OUTPUTS: usize = 64;
/// Levels of resources in resources.
const LEVELS: usize = 5;

impl Template {
    /// Reads a template.
    pub fn read(value: &Value) -> Result<Self, TemplateError> {
        let root = Place::default();
        let Value::Object(object) = value else {
            return Err(TemplateError::new(format!("A template is an object, not {}.", kind(value)), &root));
        };
        for name in object.keys() {
            if !MEMBERS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                let message = format!("'{}' is no member of a template; known ones are {}.", cut(name), MEMBERS.join(", "));
                return Err(TemplateError::new(message, &root.then(name)));
            }
        }
        let language = text(object, "languageVersion")?;
        let is_symbolic = match language.as_deref() {
            None | Some("1.0") => false,
            Some("2.0") => true,
            Some(other) => {
                let message = format!("languageVersion '{}' is not known here; use 1.0 or 2.0.", cut(other));
                return Err(TemplateError::new(message, &Place::of(["languageVersion"])));
            }
        };
        let schema = text(object, "$schema")?.unwrap_or_default();
        if schema.is_empty() || !is_for_groups(&schema) {
            let message = "`$schema` must be that of a deployment to a resource group, such as \
                https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#.";
            return Err(TemplateError::new(message, &Place::of(["$schema"])));
        }
        let content_version = text(object, "contentVersion")?.filter(|text| !text.is_empty());
        let content_version =
            content_version.ok_or_else(|| TemplateError::new("`contentVersion` is needed, such as 1.0.0.0.", &root))?;
        let template = Self {
            schema,
            content_version,
            is_symbolic,
            parameters: section(object, "parameters", PARAMETERS)?,
            definitions: section(object, "definitions", PARAMETERS)?,
            variables: section(object, "variables", VARIABLES)?,
            outputs: section(object, "outputs", OUTPUTS)?,
            functions: match in_object(object, "functions") {
                None | Some(Value::Null) => Vec::new(),
                Some(Value::Array(namespaces)) => namespaces.clone(),
                Some(_) => return Err(TemplateError::new("`functions` is an array.", &Place::of(["functions"]))),
            },
            resources: resources(object, is_symbolic, &root, 1)?,
            hash: String::new(),
        };
        Ok(Self { hash: hash(value), ..template })
    }

    /// A number that is the same for the same template.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

const MEMBERS: &[&str] = &[
    "$schema",
    "contentVersion",
    "languageVersion",
    "apiProfile",
    "metadata",
    "definitions",
    "parameters",
    "variables",
    "functions",
    "resources",
    "outputs",
];

fn is_for_groups(schema: &str) -> bool {
    let file = schema.trim_end_matches('#').rsplit('/').next().unwrap_or_default();
    file.eq_ignore_ascii_case("deploymentTemplate.json")
}

fn text(object: &Object, name: &str) -> Result<Option<String>, TemplateError> {
    match in_object(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(TemplateError::new(format!("`{name}` is a string, not {}.", kind(other)), &Place::of([name]))),
    }
}

fn section(object: &Object, name: &str, most: usize) -> Result<Object, TemplateError> {
    let place = Place::of([name]);
    match in_object(object, name) {
        None | Some(Value::Null) => Ok(Object::new()),
        Some(Value::Object(members)) if members.len() > most => {
            Err(TemplateError::new(format!("There are {} {name}; at most {most} are allowed.", members.len()), &place))
        }
        Some(Value::Object(members)) => Ok(members.clone()),
        Some(other) => Err(TemplateError::new(format!("`{name}` is an object, not {}.", kind(other)), &place)),
    }
}

fn resources(object: &Object, is_symbolic: bool, place: &Place, level: usize) -> Result<Vec<Raw>, TemplateError> {
    let here = place.then("resources");
    let found = match in_object(object, "resources") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) if !is_symbolic || level > 1 => items
            .iter()
            .enumerate()
            .map(|(at, item)| raw(None, item, here.then(at), is_symbolic, level))
            .collect::<Result<Vec<_>, _>>()?,
        Some(Value::Object(members)) if is_symbolic => members
            .iter()
            .map(|(name, item)| raw(Some(name.clone()), item, here.then(name), is_symbolic, level))
            .collect::<Result<Vec<_>, _>>()?,
        Some(_) if is_symbolic => {
            return Err(TemplateError::new("In languageVersion 2.0 `resources` is an object of named resources.", &here));
        }
        Some(other) => {
            let message = format!("`resources` is an array (an object in languageVersion 2.0), not {}.", kind(other));
            return Err(TemplateError::new(message, &here));
        }
    };
    if level > LEVELS {
        return Err(TemplateError::new(format!("Resources stand more than {LEVELS} levels deep in each other."), &here));
    }
    Ok(found)
}

fn raw(symbol: Option<String>, item: &Value, place: Place, is_symbolic: bool, level: usize) -> Result<Raw, TemplateError> {
    let Value::Object(members) = item else {
        return Err(TemplateError::new(format!("A resource is an object, not {}.", kind(item)), &place));
    };
    let is_deployment = member(item, "type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case(DEPLOYMENTS));
    let children = if is_deployment { Vec::new() } else { resources(members, is_symbolic, &place, level + 1)? };
    Ok(Raw { symbol, place, members: members.clone(), children })
}

/// The type of a deployment inside a template.
pub const DEPLOYMENTS: &str = "Microsoft.Resources/deployments";

fn hash(value: &Value) -> String {
    let name = Uuid::new_v5(&Uuid::NAMESPACE_OID, value.to_string().as_bytes());
    let (first, _) = name.as_u64_pair();
    first.to_string()
}
