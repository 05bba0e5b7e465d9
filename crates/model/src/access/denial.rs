//! Deny assignments: what nobody may do in spite of their roles.

use jiff::Timestamp;
use serde_json::Value;

use super::decide::{Caller, Plane};
use super::hierarchy::Hierarchy;
use super::role::Permission;
use crate::arm::{Ruled, Scope};
use crate::id::{DenialId, PrincipalId, TenantId};

/// A deny assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Its name in addresses.
    pub id: DenialId,
    /// The directory its principals live in.
    pub tenant: TenantId,
    /// Where it holds.
    pub scope: Scope,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What is denied; the `not…` lists take out again.
    pub permission: Permission,
    /// Whom it concerns; all zeros are everybody.
    pub principals: Vec<PrincipalId>,
    /// Whom it does not concern after all.
    pub excluded: Vec<PrincipalId>,
    /// It holds at its scope and not below.
    pub only_here: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: Option<PrincipalId>,
}

/// All principals there are, as deny assignments write it.
pub(super) const EVERYONE: PrincipalId = PrincipalId::from_uuid(uuid::Uuid::nil());

impl Denial {
    /// whether it takes the action from the caller.
    pub fn denies(&self, caller: Caller<'_>, plane: Plane, action: &str, scope: &Scope, hierarchy: &Hierarchy) -> bool {
        let is_one = |id: &PrincipalId| *id == caller.oid || caller.groups.contains(&id.as_group());
        let is_here = if self.only_here { self.scope == *scope } else { hierarchy.covers(&self.scope, scope) };
        is_here
            && self.principals.iter().any(|id| *id == EVERYONE || is_one(id))
            && !self.excluded.iter().any(is_one)
            && self.permission.grants(plane, action)
    }

    /// Reads the body that makes one.
    pub fn read(
        id: DenialId,
        tenant: TenantId,
        scope: Scope,
        body: &Value,
        by: PrincipalId,
        now: Timestamp,
    ) -> Result<Self, BadDenial> {
        let properties = super::custom::member(body, "properties").unwrap_or(&Value::Null);
        let member = |name: &str| super::custom::member(properties, name);
        let text = |name: &str| member(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let name = text("denyAssignmentName");
        if name.is_empty() || name.chars().count() > 128 {
            return Err(BadDenial::Member { member: "denyAssignmentName", detail: "a name of at most 128 characters is needed" });
        }
        let ids = |name: &'static str| {
            let wrong = BadDenial::Member { member: name, detail: "a list of objects with the `id` of a principal is needed" };
            let Some(list) = member(name).filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
            let one = |entry: &Value| super::custom::member(entry, "id")?.as_str()?.parse::<PrincipalId>().ok();
            let read = list.as_array().and_then(|list| list.iter().map(one).collect::<Option<Vec<_>>>());
            read.filter(|ids| ids.len() <= MAX_PRINCIPALS).ok_or(wrong)
        };
        let principals = ids("principals")?;
        if principals.is_empty() {
            return Err(BadDenial::Member { member: "principals", detail: "it concerns nobody; all zeros are everybody" });
        }
        let permission = super::custom::permission(properties)
            .map_err(|_| BadDenial::Member { member: "permissions", detail: "one object with lists of actions is needed" })?;
        if permission.actions.is_empty() && permission.data_actions.is_empty() {
            return Err(BadDenial::Member { member: "permissions", detail: "it denies nothing" });
        }
        let denial = Self {
            id,
            tenant,
            scope,
            name,
            description: text("description"),
            permission,
            principals,
            excluded: ids("excludePrincipals")?,
            only_here: member("doNotApplyToChildScopes").and_then(Value::as_bool).unwrap_or(false),
            created: now,
            created_by: Some(by),
        };
        Ok(denial)
    }
}

const MAX_PRINCIPALS: usize = 100;

/// A deny assignment that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDenial {
    /// A member that cannot be read.
    #[error("The deny assignment cannot be used: {member}: {detail}.")]
    Member {
        /// Which.
        member: &'static str,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// Nobody could take it away again.
    #[error(
        "This would deny its own deletion to you; exclude yourself, or leave Microsoft.Authorization/denyAssignments/delete out."
    )]
    Trap,
}

impl Ruled for BadDenial {
    fn rule(&self) -> &'static str {
        "R-345"
    }
    fn status(&self) -> u16 {
        400
    }
    fn code(&self) -> &'static str {
        "InvalidParameter"
    }
    fn target(&self) -> Option<String> {
        match self {
            Self::Member { member, .. } => Some((*member).to_owned()),
            Self::Trap => Some("permissions".to_owned()),
        }
    }
}
