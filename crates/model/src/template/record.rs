//! A deployment as it is remembered: what was asked, how far it is, how it ended.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::plan::Planned;
use crate::arm::{GroupName, Scope};
use crate::id::{OperationId, PrincipalId, SubscriptionId, TenantId};

/// A deployment's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentName(String);

/// The text is no name of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Deployment name '{0}' is not valid: 1 to 64 letters, digits, '-', '_', '.', '(' or ')'.")]
pub struct BadDeploymentName(String);

impl FromStr for DeploymentName {
    type Err = BadDeploymentName;
    fn from_str(text: &str) -> Result<Self, BadDeploymentName> {
        let is_name = (1..=64).contains(&text.chars().count())
            && text.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c))
            && !matches!(text, "." | "..");
        if is_name { Ok(Self(text.to_owned())) } else { Err(BadDeploymentName(text.chars().take(100).collect())) }
    }
}

impl DeploymentName {
    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is looked up by.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for DeploymentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a deployment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentAddress {
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// Its resource group.
    pub group: GroupName,
    /// Its name.
    pub name: DeploymentName,
}

impl DeploymentAddress {
    /// Its resource id.
    pub fn id(&self) -> String {
        format!("{}/providers/Microsoft.Resources/deployments/{}", Scope::group(self.subscription, &self.group), self.name)
    }

    /// The same as a scope.
    pub fn scope(&self) -> Scope {
        self.id().parse().expect("a group's id and a checked name make an id")
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// It waits for a runner.
    Accepted,
    /// Something of it is being made.
    Running,
    /// All of it is there.
    Succeeded,
    /// Something of it could not be made.
    Failed,
    /// Somebody stopped it.
    Canceled,
}

impl Progress {
    /// The word of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
        }
    }

    /// Whether nothing more will happen.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

impl FromStr for Progress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Accepted, Self::Running, Self::Succeeded, Self::Failed, Self::Canceled];
        all.into_iter().find(|known| known.as_str() == text).ok_or_else(|| format!("'{text}' is no state of a deployment"))
    }
}

/// One resource of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// The resource's id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub state: MadeState,
    /// When it was begun, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<i64>,
    /// When it was done or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
}

impl Made {
    /// One that has not been begun.
    pub fn waiting(planned: &Planned) -> Self {
        Self {
            id: planned.id.clone(),
            kind: planned.kind.clone(),
            name: planned.name.clone(),
            state: MadeState::Waiting,
            begun: None,
            ended: None,
        }
    }
}

/// How far one resource is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MadeState {
    /// It waits for others.
    Waiting,
    /// It is being made under this operation, which may not have begun yet.
    Working(OperationId),
    /// It is there.
    Done,
    /// It could not be made: the error as answers show it.
    Failed(Value),
    /// It was not begun, because something before it failed or the deployment was stopped.
    LeftOut,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// This run of it: another run under the same name has another one.
    pub id: OperationId,
    /// The subscription's tenant.
    pub tenant: TenantId,
    /// Where it is.
    pub address: DeploymentAddress,
    /// How far it is.
    pub progress: Progress,
    /// A number that is the same for the same template.
    pub hash: String,
    /// Its parameters as answers show them.
    pub parameters: Value,
    /// Its outputs as answers show them.
    pub outputs: Option<Value>,
    /// Why it failed, as answers show it.
    pub error: Option<Value>,
    /// Its resources.
    pub resources: Vec<Made>,
    /// Ties it to what it made.
    pub correlation: Uuid,
    /// When it was asked for.
    pub started: Timestamp,
    /// Who asked.
    pub started_by: PrincipalId,
    /// What people call them.
    pub started_as: String,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The deployment that it is a part of.
    pub parent: Option<OperationId>,
    /// Somebody asked to stop it.
    pub is_stopping: bool,
    /// Grows with each change.
    pub revision: i64,
}

/// What is needed to go on with a deployment, and holds secrets: kept sealed, and dropped at the end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Input {
    /// The values of all parameters.
    pub parameters: serde_json::Map<String, Value>,
    /// The subscription's name, when it was asked for.
    pub subscription_name: String,
    /// The group's location.
    pub location: String,
    /// The group's tags.
    pub tags: Value,
}
