//! Custom roles: what people may send as a role definition, and what is refused.

use serde_json::Value;

use super::data_action::{DATA_ACTION_PREFIX, DataActions};
use super::pattern::Pattern;
use super::role::{Permission, RoleDefinition, RoleKind};
use crate::arm::{Ruled, Scope};
use crate::id::RoleId;

/// a data action that nothing here answers to; the role is made all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("data action {0} fits nothing that clusters are asked for")]
pub struct UnknownDataAction(pub String);

/// A role definition that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRole {
    /// A member that cannot be read.
    #[error("The role cannot be used: {member}: {detail}.")]
    Member {
        /// Which.
        member: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    ///
    #[error("Assignable scopes cannot hold wildcards.")]
    Wildcard,
    ///
    #[error("A role named '{0}' exists already.")]
    Taken(String),
    ///
    #[error("Role {role} is still assigned {count} times.")]
    Assigned {
        /// Its name.
        role: String,
        /// How often.
        count: usize,
    },
    /// Nobody changes what is built in.
    #[error("Role {0} is built in; it cannot be changed or deleted. Make a custom role instead.")]
    BuiltIn(String),
    /// As many as there may be.
    #[error("There are {0} custom roles, and no more can be made.")]
    TooMany(usize),
}

impl Ruled for BadRole {
    fn rule(&self) -> &'static str {
        match self {
            Self::Taken(_) => "R-327",
            Self::Assigned { .. } => "R-328",
            Self::Wildcard => "R-330",
            Self::Member { .. } | Self::BuiltIn(_) | Self::TooMany(_) => "R-013",
        }
    }
    fn status(&self) -> u16 {
        match self {
            Self::Taken(_) => 409,
            _ => 400,
        }
    }
    fn code(&self) -> &'static str {
        match self {
            Self::Taken(_) => "RoleDefinitionWithSameNameExists",
            Self::Assigned { .. } => "RoleDefinitionHasAssignments",
            Self::TooMany(_) => "RoleDefinitionLimitExceeded",
            Self::Member { .. } | Self::Wildcard | Self::BuiltIn(_) => "InvalidParameter",
        }
    }
    fn target(&self) -> Option<String> {
        match self {
            Self::Member { member, .. } => Some((*member).to_owned()),
            Self::Wildcard => Some("assignableScopes".to_owned()),
            Self::Taken(_) => Some("roleName".to_owned()),
            Self::Assigned { .. } | Self::BuiltIn(_) | Self::TooMany(_) => None,
        }
    }
}

impl RoleDefinition {
    /// Reads a custom role from the body of a PUT, with what in it may surprise.
    ///
    /// Whether the name is free and who may assign it where is decided by others.
    pub fn custom(id: RoleId, body: &Value) -> Result<(Self, Vec<UnknownDataAction>), BadRole> {
        let properties = member(body, "properties").unwrap_or(&Value::Null);
        let wrong = |member, detail: &str| BadRole::Member { member, detail: detail.to_owned() };
        let name = member(properties, "roleName").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(wrong("roleName", "a name of 1 to 512 characters is needed"));
        }
        let description = member(properties, "description").and_then(Value::as_str).unwrap_or_default().to_owned();
        if description.chars().count() > MAX_DESCRIPTION {
            return Err(wrong("description", "at most 2048 characters"));
        }
        let is_custom = |kind: &str| kind.is_empty() || kind.eq_ignore_ascii_case("CustomRole");
        if member(properties, "type").and_then(Value::as_str).is_some_and(|kind| !is_custom(kind)) {
            return Err(wrong("type", "only CustomRole can be made"));
        }
        let permission = permission(properties)?;
        let assignable = assignable(properties)?;
        let known = known_data_actions();
        let strange = permission.data_actions.iter().filter(|pattern| !known.iter().any(|name| pattern.matches(name)));
        let strange = strange.map(|pattern| UnknownDataAction(pattern.as_str().to_owned())).collect();
        Ok((Self { id, name, description, kind: RoleKind::Custom, permissions: vec![permission], assignable }, strange))
    }
}

fn assignable(properties: &Value) -> Result<Vec<Scope>, BadRole> {
    let wrong = |detail: String| BadRole::Member { member: "assignableScopes", detail };
    let sent = member(properties, "assignableScopes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if sent.is_empty() || sent.len() > MAX_SCOPES {
        return Err(wrong(format!("a list of 1 to {MAX_SCOPES} scopes is needed")));
    }
    let mut scopes: Vec<Scope> = Vec::with_capacity(sent.len());
    for text in sent {
        let text = text.as_str().ok_or_else(|| wrong("a scope is a text".to_owned()))?;
        if text.contains('*') {
            return Err(BadRole::Wildcard);
        }
        let scope: Scope = text.parse().map_err(|error| wrong(format!("{error}")))?;
        if scope.is_root() {
            return Err(wrong(
                "only built-in roles can be assigned everywhere; name subscriptions or a management group".to_owned(),
            ));
        }
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// `permissions`: exactly one object, as the original has it, with four lists.
pub(super) fn permission(properties: &Value) -> Result<Permission, BadRole> {
    let wrong = |detail: String| BadRole::Member { member: "permissions", detail };
    let sent = member(properties, "permissions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let [sent] = sent else { return Err(wrong("a list with one object is needed".to_owned())) };
    if !sent.is_object() {
        return Err(wrong("a list with one object is needed".to_owned()));
    }
    let list = |name: &str| {
        let Some(list) = member(sent, name).filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
        let list = list.as_array().ok_or_else(|| wrong(format!("{name} is a list of texts")))?;
        if list.len() > MAX_PATTERNS {
            return Err(wrong(format!("{name} has more than {MAX_PATTERNS} entries")));
        }
        list.iter()
            .map(|text| pattern(text).ok_or_else(|| wrong(format!("{name} has an entry that is no action: {text}"))))
            .collect()
    };
    Ok(Permission {
        actions: list("actions")?,
        not_actions: list("notActions")?,
        data_actions: list("dataActions")?,
        not_data_actions: list("notDataActions")?,
    })
}

// `*`, or segments with a slash between them; letters, digits, and what occurs in names of API groups and paths.
fn pattern(text: &Value) -> Option<Pattern> {
    let text = text.as_str()?;
    let ok = text == "*"
        || (text.len() <= MAX_PATTERN
            && text.contains('/')
            && text.split('/').all(|part| !part.is_empty())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "*/._-:$".contains(c)));
    ok.then(|| Pattern::new(text))
}

/// A member of an object by its name in any case.
pub(super) fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

// What clusters are asked for: the kinds of objects they have, custom ones under three names, and a few paths.
fn known_data_actions() -> Vec<String> {
    let others =
        ["customresources/read", "customresources/write", "customresources/delete"].into_iter().chain(PATHS.iter().copied());
    let others = others.map(|name| format!("{DATA_ACTION_PREFIX}/{name}"));
    DataActions::all().iter().flat_map(DataActions::names).chain(others).collect()
}

const PATHS: &[&str] = &[
    "api/read",
    "apis/read",
    "healthz/read",
    "livez/read",
    "logs/read",
    "metrics/read",
    "openapi/read",
    "readyz/read",
    "version/read",
];

const MAX_NAME: usize = 512;
const MAX_DESCRIPTION: usize = 2048;
const MAX_SCOPES: usize = 2000;
const MAX_PATTERNS: usize = 2000;
const MAX_PATTERN: usize = 512;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const S: &str = "/subscriptions/22222222-bbbb-4bbb-8bbb-00000000000a";

    fn body() -> Value {
        json!({"properties": {
            "roleName": "Cluster Opener", "description": "d", "type": "CustomRole", "assignableScopes": [S, format!("{S}/")],
            "permissions": [{"Actions": ["Microsoft.ContainerService/managedClusters/read"], "dataActions": []}]
        }})
    }

    fn read(body: &Value) -> Result<(RoleDefinition, Vec<UnknownDataAction>), BadRole> {
        RoleDefinition::custom(RoleId::from_uuid(uuid::Uuid::nil()), body)
    }

    #[test]
    fn a_custom_role_is_read_in_any_case() {
        let (role, strange) = read(&body()).expect("a role");
        assert_eq!(
            (role.name.as_str(), role.kind, role.assignable.len(), strange.len()),
            ("Cluster Opener", RoleKind::Custom, 1, 0)
        );
        assert_eq!(role.permissions[0].actions[0].as_str(), "Microsoft.ContainerService/managedClusters/read");
    }

    #[test]
    fn r_329_an_unknown_data_action_is_taken_with_a_warning() {
        let mut body = body();
        body["properties"]["permissions"][0]["dataActions"] = json!([
            "Microsoft.ContainerService/managedClusters/pods/read",
            "Microsoft.ContainerService/managedClusters/example.io/widgets/read"
        ]);
        let (role, strange) = read(&body).expect("a role");
        assert_eq!(role.permissions[0].data_actions.len(), 2);
        let told: Vec<String> = strange.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "data action Microsoft.ContainerService/managedClusters/example.io/widgets/read fits nothing that clusters are asked for"
            ]
        );
    }

    #[test]
    fn r_329_data_actions_are_known_with_and_without_stars() {
        let all = known_data_actions();
        let known = |text: &str| {
            let pattern = Pattern::new(format!("{DATA_ACTION_PREFIX}/{text}"));
            all.iter().any(|name| pattern.matches(name))
        };
        assert!(
            known("pods/read") && known("APPS/deployments/*") && known("*") && known("pods/exec/action") && known("metrics/read")
        );
        assert!(known("customresources/delete") && known("rbac.authorization.k8s.io/clusterroles/bind/action"));
        assert!(!known("widgets/read") && !known("example.io/widgets/read") && !known("pods/fly"));
    }

    #[test]
    fn r_330_and_what_else_is_no_role() {
        for (member, value, rule, words) in [
            ("assignableScopes", json!([format!("{S}/*")]), "R-330", "wildcards"),
            ("assignableScopes", json!([]), "R-013", "1 to 2000 scopes"),
            ("assignableScopes", json!(["/"]), "R-013", "only built-in roles"),
            ("assignableScopes", json!(["prod"]), "R-013", "'prod' is no resource id"),
            ("assignableScopes", json!([7]), "R-013", "a scope is a text"),
            ("roleName", json!("  "), "R-013", "1 to 512 characters"),
            ("roleName", json!("x".repeat(513)), "R-013", "1 to 512 characters"),
            ("description", json!("x".repeat(2049)), "R-013", "2048"),
            ("type", json!("BuiltInRole"), "R-013", "only CustomRole"),
            ("permissions", json!([]), "R-013", "one object"),
            ("permissions", json!([{}, {}]), "R-013", "one object"),
            ("permissions", json!(["*"]), "R-013", "one object"),
            ("permissions", json!([{"actions": "*"}]), "R-013", "a list of texts"),
            ("permissions", json!([{"actions": ["read"]}]), "R-013", "no action"),
            ("permissions", json!([{"notDataActions": ["a//b"]}]), "R-013", "no action"),
            ("permissions", json!([{"actions": [format!("a/{}", "b".repeat(600))]}]), "R-013", "no action"),
        ] {
            let mut body = body();
            body["properties"][member] = value;
            let error = read(&body).expect_err(words);
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!((error.rule(), error.target().as_deref()), (rule, Some(member)));
        }
    }
}
