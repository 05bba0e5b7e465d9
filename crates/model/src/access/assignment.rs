//! Role assignments: a role, for someone, at a place.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::condition::{Attributes, Condition, Source};
use crate::arm::Scope;
use crate::id::{AssignmentId, PrincipalId, RoleId, TenantId};

/// What kind of object a role is assigned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PrincipalType {
    /// A person.
    User,
    /// A group: its members hold the role, transitively.
    Group,
    /// An application's identity.
    ServicePrincipal,
    /// A group of another tenant.
    ForeignGroup,
    /// A device.
    Device,
}

impl PrincipalType {
    /// The word of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::ServicePrincipal => "ServicePrincipal",
            Self::ForeignGroup => "ForeignGroup",
            Self::Device => "Device",
        }
    }
}

impl fmt::Display for PrincipalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PrincipalType {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::User, Self::Group, Self::ServicePrincipal, Self::ForeignGroup, Self::Device]
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("'{text}' is no principal type; use User, Group or ServicePrincipal"))
    }
}

/// One role assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its name, a GUID the client chose.
    pub id: AssignmentId,
    /// The directory the principal lives in.
    pub tenant: TenantId,
    /// Where it holds, with everything below.
    pub scope: Scope,
    /// Which role.
    pub role: RoleId,
    /// Who holds it.
    pub principal: PrincipalId,
    /// What they are.
    pub principal_type: PrincipalType,
    /// What it is for.
    pub description: Option<String>,
    /// When it counts; version 2.0 is the only one there is.
    pub condition: Option<Condition>,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: Option<PrincipalId>,
    /// When it was last changed.
    pub updated: Timestamp,
    /// Who changed it.
    pub updated_by: Option<PrincipalId>,
}

#[cfg(test)]
impl Assignment {
    /// An assignment for tests, with nothing but what decides.
    pub(super) fn sample(principal: PrincipalId, role: RoleId, scope: &str) -> Self {
        let nil = uuid::Uuid::nil();
        Self {
            id: AssignmentId::from_uuid(nil),
            tenant: TenantId::from_uuid(nil),
            scope: scope.parse().expect("a scope"),
            role,
            principal,
            principal_type: PrincipalType::User,
            description: None,
            condition: None,
            created: Timestamp::UNIX_EPOCH,
            created_by: None,
            updated: Timestamp::UNIX_EPOCH,
            updated_by: None,
        }
    }
}

impl Assignment {
    /// What conditions on the right to give or take this assignment can ask about.
    pub fn attributes(
        source: Source,
        role: Option<RoleId>,
        principal: Option<PrincipalId>,
        kind: Option<PrincipalType>,
    ) -> Attributes {
        let mut attributes = Attributes::default();
        if let Some(role) = role {
            attributes = attributes.with(source, "Microsoft.Authorization/roleAssignments:RoleDefinitionId", &role);
        }
        if let Some(principal) = principal {
            attributes = attributes.with(source, "Microsoft.Authorization/roleAssignments:PrincipalId", &principal);
        }
        if let Some(kind) = kind {
            attributes = attributes.with(source, "Microsoft.Authorization/roleAssignments:PrincipalType", &kind);
        }
        attributes
    }
}
