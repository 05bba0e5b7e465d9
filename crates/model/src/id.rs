//! Ids that cannot be swapped: each kind of object has its own type around a GUID.
//!
//! They are read in any case and always written in lower case (S-001): some clients compare them as text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text was no GUID in the usual form with hyphens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an object id (a GUID such as `6dae42f8-4368-4678-94ff-3960e28e3630` is needed)")]
pub struct BadId;

fn parse(text: &str) -> Result<Uuid, BadId> {
    // Only the hyphenated form: braces and `urn:uuid:` would be second spellings of one id.
    if text.len() != 36 {
        return Err(BadId);
    }
    Uuid::try_parse(text).map_err(|_| BadId)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a GUID that was just made or is well known.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The GUID inside.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.as_hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

ids! {
    /// A tenant: one organisation's directory.
    TenantId;
    /// A person's object id (`oid`).
    UserId;
    /// A group's object id.
    GroupId;
    /// The object id of an application registration (not its client id).
    AppObjectId;
    /// An application's client id (`appId`), the same in every tenant that knows the application.
    AppId;
    /// The object id of an application's service principal in one tenant.
    ServicePrincipalId;
    /// The object id of whatever may hold a right: a user, a group or a service principal.
    PrincipalId;
    /// A sign-in policy.
    PolicyId;
    /// A named location of sign-in policies.
    LocationId;
    /// The id of one password, key or federated credential of an application.
    CredentialId;
    /// A subscription of the resource manager.
    SubscriptionId;
    /// A managed cluster's `resourceUID`: new for each creation, also under the same name.
    ClusterUid;
    /// A long-running operation.
    OperationId;
    /// A role definition.
    RoleId;
    /// A role assignment.
    AssignmentId;
    /// A deny assignment.
    DenialId;
    /// One second factor of a person, or their password.
    MethodId;
    /// A browser session or a device sign-in.
    SessionId;
    /// Where somebody is signed in: a browser, or a program that was signed in by device code or by password.
    DeviceId;
    /// The consent to what one application may do with another one (`oauth2PermissionGrant`).
    GrantId;
    /// One opening of a cluster's break-glass door.
    DoorId;
    /// One request, as `x-ms-request-id` and `Trace ID` tell it.
    RequestId;
}

macro_rules! principals {
    ($($kind:ident)*) => {$(
        impl From<$kind> for PrincipalId {
            fn from(id: $kind) -> Self {
                Self(id.0)
            }
        }
    )*};
}

principals! { UserId GroupId ServicePrincipalId }

impl PrincipalId {
    /// The same object, taken as a user.
    pub const fn as_user(self) -> UserId {
        UserId(self.0)
    }

    /// The same object, taken as a group.
    pub const fn as_group(self) -> GroupId {
        GroupId(self.0)
    }

    /// The same object, taken as a service principal.
    pub const fn as_service_principal(self) -> ServicePrincipalId {
        ServicePrincipalId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_001_ids_are_read_in_any_case_and_written_in_lower_case() {
        let id: AppId = "6DAE42F8-4368-4678-94FF-3960E28E3630".parse().expect("a GUID");
        assert_eq!(id.to_string(), "6dae42f8-4368-4678-94ff-3960e28e3630");
    }

    #[test]
    fn second_spellings_of_an_id_are_refused() {
        for text in ["{6dae42f8-4368-4678-94ff-3960e28e3630}", "6dae42f8436846789 4ff3960e28e3630", "", "prod"] {
            assert_eq!(text.parse::<AppId>(), Err(BadId), "{text}");
        }
    }
}
