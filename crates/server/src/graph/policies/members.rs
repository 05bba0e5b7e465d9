//! Members of a JSON object, read by name, with errors that tell where they were.

use serde_json::{Map, Value};

/// Why a body is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::graph) enum BadPolicy {
    /// Nothing is called that.
    #[error("Invalid property '{0}'.")]
    Unknown(String),
    /// The server fills it.
    #[error("Property '{0}' is read-only and cannot be set.")]
    ReadOnly(String),
    /// It has to be there.
    #[error("A value is required for property '{0}' of resource 'ConditionalAccessPolicy'.")]
    Missing(String),
    /// It has a value that does not fit.
    #[error("Invalid value '{value}' specified for property '{at}' of resource 'ConditionalAccessPolicy'.")]
    Value {
        /// Where.
        at: String,
        /// What came.
        value: String,
    },
    /// Entra knows it, and this server does not do it.
    #[error("'{at}' is not served here with this value, and a policy is not kept without a part of it{why}.")]
    NotServed {
        /// Where.
        at: String,
        /// What would be right, where that can be said.
        why: String,
    },
    /// It says nothing.
    #[error("A policy needs 'grantControls' or 'sessionControls.signInFrequency'.")]
    Empty,
    /// `block` beside something else.
    #[error("The control 'block' cannot be combined with other controls.")]
    BlockWithMore,
    /// Demands on an application by itself.
    #[error("A policy about 'clientApplications' can only block: an application has no second factor.")]
    ApplicationsOnlyBlock,
    /// One policy about both.
    #[error("A policy is about 'users' or about 'clientApplications'; with the latter, set 'includeUsers' to [\"None\"].")]
    PeopleAndApplications,
}

/// An object of a body, with where it is.
pub(super) struct Members<'v> {
    at: String,
    object: &'v Map<String, Value>,
}

impl<'v> Members<'v> {
    pub(super) fn of(at: &str, object: &'v Map<String, Value>) -> Self {
        Self { at: at.to_owned(), object }
    }

    /// Refuses every member that is neither known nor says nothing.
    pub(super) fn only(&self, known: &[&str], not_served: &[&str], read_only: &[&str]) -> Result<(), BadPolicy> {
        for (name, value) in self.object {
            if name.contains('@') || known.contains(&name.as_str()) {
                continue;
            }
            if read_only.contains(&name.as_str()) {
                return Err(BadPolicy::ReadOnly(self.path(name)));
            }
            if !not_served.contains(&name.as_str()) {
                return Err(BadPolicy::Unknown(self.path(name)));
            }
            if !says_nothing(value) {
                return Err(BadPolicy::NotServed { at: self.path(name), why: String::new() });
            }
        }
        Ok(())
    }

    /// A member that is there and not `null`.
    pub(super) fn get(&self, name: &str) -> Option<&'v Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'v str>, BadPolicy> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong(name, &value.to_string()))
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, BadPolicy> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let object = value.as_object().ok_or_else(|| self.wrong(name, &value.to_string()))?;
        Ok(Some(Self { at: self.path(name), object }))
    }

    /// A list of texts; none, where it is not there.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'v str>, BadPolicy> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let wrong = || self.wrong(name, &value.to_string());
        let all = value.as_array().filter(|all| all.len() <= LONGEST_LIST).ok_or_else(wrong)?;
        all.iter().map(|one| one.as_str().ok_or_else(wrong)).collect()
    }

    pub(super) fn missing(&self, name: &str) -> BadPolicy {
        BadPolicy::Missing(self.path(name))
    }

    pub(super) fn wrong(&self, name: &str, value: &str) -> BadPolicy {
        BadPolicy::Value { at: self.path(name), value: value.chars().filter(|c| !c.is_control()).take(80).collect() }
    }

    pub(super) fn not_served(&self, name: &str, why: &str) -> BadPolicy {
        BadPolicy::NotServed { at: self.path(name), why: format!(": {why}") }
    }

    fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }
}

/// Whether a value leaves a condition or control out. Depth is bounded where bodies are read.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(members) => members.get("isEnabled") == Some(&Value::Bool(false)) || members.values().all(says_nothing),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

/// More than anybody names one by one; groups are for that.
const LONGEST_LIST: usize = 1_000;
