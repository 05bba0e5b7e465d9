//! Refusals of the resource manager, and how they look on the wire (contract R, 1.8).

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use entrance_model::Timestamp;
use entrance_model::access::{BadDenial, BadRole};
use entrance_model::arm::filter::BadFilter;
use entrance_model::arm::tags::BadTags;
use entrance_model::arm::{BadApiVersion, BadLock, BadName, BadScope, Locked, Refused, Ruled};
use entrance_model::cluster::door::DoorRefusal;
use entrance_model::cluster::{Busy, NotNow, Unacceptable};
use entrance_store::StoreError;
use serde_json::{Value, json};

use crate::clusters::doors::DoorError;

/// What the resource manager refuses by itself; the rules of clusters are in `model::cluster`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("No usable bearer token came with the request. Sign in and send it in the Authorization header.")]
    NoToken { challenge: String },
    #[error("The token ended at {at}. Get a new one.")]
    Expired { at: Timestamp, challenge: String },
    #[error("The token is meant for {got}; this service needs {expected}.")]
    Audience { got: String, expected: String, challenge: String },
    #[error("The token was revoked, or its holder is disabled. Sign in again.")]
    Revoked { challenge: String },
    #[error("The token comes from tenant {token}, but subscription {subscription} belongs to tenant {tenant}.")]
    OtherTenant { token: String, subscription: String, tenant: String },
    #[error(
        "The client '{name}' with object id '{oid}' may not perform action '{action}' over scope '{scope}': {why}. If the right was given a moment ago, sign in again and retry."
    )]
    Forbidden { name: String, oid: String, action: &'static str, scope: String, why: String },
    #[error("The api-version query parameter is missing.")]
    NoApiVersion,
    #[error(transparent)]
    ApiVersion(#[from] BadApiVersion),
    #[error("There is no subscription {0}.")]
    NoSubscription(String),
    #[error("There is no resource group {0}.")]
    NoGroup(String),
    #[error("There is no resource {kind}/{name} in resource group {group}.")]
    NoResource { kind: &'static str, name: String, group: String },
    #[error("There is nothing at {0}.")]
    NotFound(String),
    #[error("{what} does not exist here: the address or the method is not one of the resource manager's.")]
    NoSuchType { what: String },
    #[error("{method} is no method of {path}.")]
    Method { method: String, path: String },
    #[error("The body could not be read: {0}.")]
    Body(String),
    #[error("The body is larger than {0} bytes.")]
    TooLarge(usize),
    #[error("`{name}` is not understood: {detail}.")]
    Parameter { name: &'static str, detail: String },
    #[error("The cluster was changed since tag {0}; read it again.")]
    Precondition(String),
    #[error("{0} exists already.")]
    Exists(String),
    #[error("Another writer was faster; read it again.")]
    Race,
    #[error("Something failed here. Correlation id {0}.")]
    Internal(String),
    #[error("The data directory cannot be written at the moment, and nothing was changed. Ask again later. Correlation id {0}.")]
    NotWritable(String),
    #[error("{name} already lives in {old}; it cannot be created in {new}.")]
    GroupMoved { name: String, old: String, new: String },
    #[error("Resource group {0} is being deleted. Wait until that has ended.")]
    GroupDeleting(String),
    #[error("format '{0}' is unknown; use azure or exec.")]
    Format(String),
    #[error(
        "Static credentials are not handed out: local accounts are disabled on this cluster. Getting static credential is not allowed."
    )]
    StaticCredentials,
    #[error("The control plane is still being made; no credentials yet.")]
    NotMadeYet,
    #[error("The control plane was never made: {0}. Delete the cluster, or put it again.")]
    NeverMade(String),
    #[error("No credential could be made: {0}. The cluster is looked after; try again in a moment.")]
    NoDoor(String),
    #[error("Cluster {name} has no sealed door: {why}.")]
    NoSealedDoor { name: String, why: &'static str },
    #[error("The directory cannot be asked: {0}. Try again in a moment.")]
    NotReady(String),
    #[error("Nothing could be measured: {0}.")]
    NotMeasured(String),
    #[error("The cluster has no public name.")]
    NoPublicName,
    #[error("There is no access profile {0}.")]
    NoAccessProfile(String),
    #[error("Role assignment name '{0}' is not a GUID.")]
    AssignmentName(String),
    #[error("Role definition name '{0}' is not a GUID.")]
    RoleName(String),
    #[error("This role is already assigned to that principal at this scope. The ID of the existing role assignment is {0}.")]
    AssignmentExists(String),
    #[error("Role, principal and scope of an assignment cannot be changed; make a new one.")]
    AssignmentFixed,
    #[error("Role {role} does not exist or cannot be assigned at {scope}.")]
    NoRole { role: String, scope: String },
    #[error("No principal {principal} in directory {tenant}. If it is new, wait a little or send principalType.")]
    NoPrincipal { principal: String, tenant: String },
    #[error("{principal} is a {actual}, not a {given}.")]
    PrincipalType { principal: String, actual: String, given: String },
    #[error("The condition cannot be used: {0}.")]
    Condition(String),
}

impl Ruled for Refusal {
    fn rule(&self) -> &'static str {
        match self {
            Self::NoToken { .. } | Self::Revoked { .. } => "R-001",
            Self::Expired { .. } => "R-002",
            Self::Audience { .. } => "R-003",
            Self::OtherTenant { .. } => "R-004",
            Self::Forbidden { .. } => "R-005",
            Self::NoApiVersion => "R-006",
            Self::ApiVersion(_) => "R-007",
            Self::NoSubscription(_) => "R-008",
            Self::NoGroup(_) => "R-009",
            Self::NoResource { .. } | Self::NotFound(_) | Self::NoSealedDoor { .. } => "R-010",
            Self::NoSuchType { .. } => "R-012",
            Self::Method { .. } => "R-213",
            Self::Body(_) | Self::TooLarge(_) | Self::Parameter { .. } | Self::RoleName(_) => "R-013",
            Self::GroupMoved { .. } => "R-016",
            Self::GroupDeleting(_) => "R-032",
            Self::Precondition(_) | Self::Exists(_) => "R-025",
            Self::Race => "R-026",
            Self::Internal(_) | Self::NotWritable(_) => "R-035",
            Self::Format(_) => "R-201",
            Self::StaticCredentials => "R-203",
            Self::NotMadeYet | Self::NeverMade(_) | Self::NoDoor(_) | Self::NotReady(_) | Self::NotMeasured(_) => "R-207",
            Self::NoPublicName => "R-209",
            Self::NoAccessProfile(_) => "R-211",
            Self::AssignmentName(_) => "R-320",
            Self::AssignmentExists(_) => "R-321",
            Self::AssignmentFixed => "R-322",
            Self::NoRole { .. } => "R-323",
            Self::NoPrincipal { .. } => "R-324",
            Self::PrincipalType { .. } => "R-325",
            Self::Condition(_) => "R-326",
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::NoToken { .. }
            | Self::Expired { .. }
            | Self::Audience { .. }
            | Self::Revoked { .. }
            | Self::OtherTenant { .. } => 401,
            Self::Forbidden { .. } => 403,
            Self::NoSubscription(_)
            | Self::NoGroup(_)
            | Self::NoResource { .. }
            | Self::NotFound(_)
            | Self::NoSuchType { .. }
            | Self::NoSealedDoor { .. }
            | Self::NoAccessProfile(_) => 404,
            Self::Method { .. } => 405,
            Self::GroupMoved { .. }
            | Self::GroupDeleting(_)
            | Self::Race
            | Self::NotMadeYet
            | Self::NeverMade(_)
            | Self::NoDoor(_)
            | Self::AssignmentExists(_)
            | Self::AssignmentFixed => 409,
            Self::Precondition(_) | Self::Exists(_) => 412,
            Self::TooLarge(_) => 413,
            Self::Internal(_) => 500,
            Self::NotReady(_) | Self::NotMeasured(_) | Self::NotWritable(_) => 503,
            Self::NoApiVersion
            | Self::ApiVersion(_)
            | Self::Body(_)
            | Self::Parameter { .. }
            | Self::Format(_)
            | Self::StaticCredentials
            | Self::NoPublicName
            | Self::AssignmentName(_)
            | Self::RoleName(_)
            | Self::NoRole { .. }
            | Self::NoPrincipal { .. }
            | Self::PrincipalType { .. }
            | Self::Condition(_) => 400,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoToken { .. } => "AuthenticationFailed",
            Self::Expired { .. } => "ExpiredAuthenticationToken",
            Self::Audience { .. } => "InvalidAuthenticationTokenAudience",
            Self::Revoked { .. } => "InvalidAuthenticationToken",
            Self::OtherTenant { .. } => "InvalidAuthenticationTokenTenant",
            Self::Forbidden { .. } => "AuthorizationFailed",
            Self::NoApiVersion => "MissingApiVersionParameter",
            Self::ApiVersion(_) => "InvalidApiVersionParameter",
            Self::NoSubscription(_) => "SubscriptionNotFound",
            Self::NoGroup(_) => "ResourceGroupNotFound",
            Self::NoResource { .. } | Self::NotFound(_) | Self::NoAccessProfile(_) | Self::NoSealedDoor { .. } => {
                "ResourceNotFound"
            }
            Self::NoSuchType { .. } => "InvalidResourceType",
            Self::Method { .. } => "MethodNotAllowed",
            Self::Body(_) => "InvalidRequestContent",
            Self::TooLarge(_) => "RequestEntityTooLarge",
            Self::GroupMoved { .. } => "InvalidResourceGroupLocation",
            Self::GroupDeleting(_) => "ResourceGroupBeingDeleted",
            Self::Precondition(_) | Self::Exists(_) => "PreconditionFailed",
            Self::Race => "EtagMismatch",
            Self::Internal(_) => "InternalOperationError",
            Self::NotWritable(_) => "ServiceUnavailable",
            Self::Parameter { .. } | Self::Format(_) | Self::NoPublicName => "InvalidParameter",
            Self::StaticCredentials => "BadRequest",
            Self::NotMadeYet | Self::NeverMade(_) | Self::NoDoor(_) | Self::NotReady(_) | Self::NotMeasured(_) => {
                "OperationNotAllowed"
            }
            Self::AssignmentName(_) => "InvalidRoleAssignmentId",
            Self::RoleName(_) => "InvalidRoleDefinitionId",
            Self::AssignmentExists(_) => "RoleAssignmentExists",
            Self::AssignmentFixed => "RoleAssignmentUpdateNotPermitted",
            Self::NoRole { .. } => "RoleDefinitionDoesNotExist",
            Self::NoPrincipal { .. } => "PrincipalNotFound",
            Self::PrincipalType { .. } => "UnmatchedPrincipalType",
            Self::Condition(_) => "InvalidConditionFormat",
        }
    }

    fn target(&self) -> Option<String> {
        match self {
            Self::Parameter { name, .. } => Some((*name).to_owned()),
            Self::Format(_) => Some("format".to_owned()),
            _ => None,
        }
    }
}

impl Refusal {
    fn challenge(&self) -> Option<&str> {
        match self {
            Self::NoToken { challenge }
            | Self::Expired { challenge, .. }
            | Self::Audience { challenge, .. }
            | Self::Revoked { challenge } => Some(challenge),
            _ => None,
        }
    }
}

/// A refusal on its way to the client.
#[derive(Debug)]
pub(crate) struct ArmError {
    refused: Refused,
    challenge: Option<String>,
}

impl From<Refusal> for ArmError {
    fn from(refusal: Refusal) -> Self {
        Self { refused: Refused::of(&refusal), challenge: refusal.challenge().map(str::to_owned) }
    }
}

macro_rules! ruled {
    ($($error:ty)*) => {$(
        impl From<$error> for ArmError {
            fn from(error: $error) -> Self {
                Self { refused: Refused::of(&error), challenge: None }
            }
        }
    )*};
}

ruled! { Unacceptable Busy NotNow BadName BadFilter BadLock BadTags DoorRefusal Locked BadRole BadDenial }

impl From<BadScope> for ArmError {
    fn from(error: BadScope) -> Self {
        Refusal::NoSuchType { what: error.to_string() }.into()
    }
}

impl From<StoreError> for ArmError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Exists(_) => Refusal::Race.into(),
            error => {
                // the cause is for the log, the client gets an id to quote.
                let id = uuid::Uuid::new_v4();
                tracing::error!(%error, source = ?std::error::Error::source(&error), correlation = %id, "the store failed");
                // A full disk passes, and clients come back by themselves.
                let is_passing = matches!(error, StoreError::NotWritable(_));
                let refusal = if is_passing { Refusal::NotWritable } else { Refusal::Internal };
                refusal(id.to_string()).into()
            }
        }
    }
}

impl From<DoorError> for ArmError {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Store(error) => error.into(),
            DoorError::Refused(refusal) => refusal.into(),
            DoorError::Cluster(refusal) => refusal.into(),
            DoorError::LocalAccountsDisabled => Refusal::StaticCredentials.into(),
            DoorError::Stopped => NotNow::Stopped.into(),
            DoorError::Unknown => Refusal::NotFound("The door".to_owned()).into(),
            DoorError::Driver(error) => Refusal::NoDoor(error.to_string()).into(),
        }
    }
}

impl ArmError {
    /// What is inside `error` of the answer, and its status.
    pub(super) fn shown(&self) -> (StatusCode, Value) {
        let Refused { rule, status, code, message, target } = &self.refused;
        let mut error = json!({ "code": code, "message": message });
        if let Some(target) = target {
            error["target"] = json!(target);
        }
        error["additionalInfo"] = json!([{ "type": "EntranceRule", "info": { "id": rule } }]);
        (StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error)
    }
}

impl IntoResponse for ArmError {
    fn into_response(self) -> Response {
        let (status, error) = self.shown();
        let code = self.refused.code;
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("x-ms-failure-cause"), HeaderValue::from_static("gateway"));
        headers.insert(HeaderName::from_static("x-ms-error-code"), HeaderValue::from_static(code));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if let Some(challenge) = self.challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_026_of_two_writers_the_slower_one_reads_again() {
        let ArmError { refused, .. } = StoreError::Conflict.into();
        assert_eq!((refused.rule, refused.status, refused.code), ("R-026", 409, "EtagMismatch"));
        assert!(refused.message.contains("read it again"));
    }
}
