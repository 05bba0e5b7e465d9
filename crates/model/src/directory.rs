//! The directory: tenants, people, groups, applications and their service principals.
//!
//! These are the facts; which of them a person may see or change is decided in `access`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AppId, AppObjectId, CredentialId, GroupId, PrincipalId, ServicePrincipalId, TenantId, UserId};
use crate::name::Upn;
use crate::signin::federation::Expression;

/// One organisation's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id, the `tid` of its tokens.
    pub id: TenantId,
    /// What people read on the sign-in page.
    pub display_name: String,
    /// Verified domains, lower case; the first is the default one.
    pub domains: Vec<String>,
    /// Secret of the pairwise subjects (S-400 `sub`), 32 bytes.
    pub salt: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Object id, never used again after deletion.
    pub id: UserId,
    /// The name they sign in with.
    pub upn: Upn,
    /// Their name as others read it.
    pub display_name: String,
    /// Mail alias, usually the part before the `@`.
    pub mail_nickname: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub surname: Option<String>,
    /// Mail address.
    pub mail: Option<String>,
    /// A disabled person can neither sign in nor use a token they hold.
    pub enabled: bool,
    /// The password has to be changed at the next sign-in.
    pub must_change_password: bool,
    /// Refresh tokens and sessions from before this moment are void.
    pub sessions_valid_from: Timestamp,
    /// Whether the person administers the directory (the role Global Administrator).
    pub is_directory_admin: bool,
    /// When the person was made.
    pub created: Timestamp,
    /// Properties that are kept and answered but decide nothing (department, jobTitle, …), by their Graph names.
    pub other: serde_json::Map<String, serde_json::Value>,
}

/// A group of people, groups and service principals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Object id; what bindings in clusters name.
    pub id: GroupId,
    /// Its name; not unique, so nothing is ever decided by it.
    pub display_name: String,
    /// Mail alias.
    pub mail_nickname: String,
    /// What it is for.
    pub description: Option<String>,
    /// Only security-enabled groups give rights.
    pub security_enabled: bool,
    /// Mail-enabled (a Microsoft 365 group).
    pub mail_enabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Properties that are kept and answered but decide nothing, by their Graph names.
    pub other: serde_json::Map<String, serde_json::Value>,
}

/// Who can be a member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MemberKind {
    /// A person.
    User,
    /// A group inside the group: its members are members too.
    Group,
    /// An application's identity.
    ServicePrincipal,
}

/// A direct member (or owner) of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// Its object id.
    pub id: PrincipalId,
    /// What it is.
    pub kind: MemberKind,
}

/// An application registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Object id of the registration.
    pub id: AppObjectId,
    /// Client id.
    pub app_id: AppId,
    /// Its name; not unique.
    pub display_name: String,
    /// Identifier URIs under which tokens can be asked for it.
    pub identifier_uris: Vec<String>,
    /// Where sign-in answers may be sent, by platform.
    pub redirects: Redirects,
    /// `isFallbackPublicClient`: may use the device code and password grants without a credential.
    pub is_public_client: bool,
    /// `api.requestedAccessTokenVersion`: 1 or 2.
    pub token_version: u8,
    /// Passwords (secrets), certificates and federated credentials.
    pub credentials: Vec<Credential>,
    /// When it was made.
    pub created: Timestamp,
    /// Properties that are kept and answered but decide nothing, by their Graph names.
    pub other: serde_json::Map<String, serde_json::Value>,
}

/// The registered addresses of an application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Redirects {
    /// Addresses of a web application with a server.
    pub web: Vec<String>,
    /// Addresses of a single-page application.
    pub spa: Vec<String>,
    /// Addresses of a program on a person's machine.
    pub public_client: Vec<String>,
    /// Where the browser goes after a sign-out.
    pub logout: Option<String>,
}

/// Something an application proves itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// `keyId`.
    pub id: CredentialId,
    /// What it is called.
    pub display_name: Option<String>,
    /// Valid from.
    pub start: Timestamp,
    /// Valid until.
    pub end: Timestamp,
    /// The proof itself.
    pub proof: Proof,
}

/// How an application proves itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Proof {
    /// A secret we made: its SHA-256 and the first three characters, for people to tell secrets apart.
    Secret {
        /// SHA-256 of the secret, hex.
        sha256: String,
        /// First three characters.
        hint: String,
    },
    /// A certificate whose private key signs assertions.
    Certificate {
        /// DER, base64.
        der: String,
        /// SHA-1 thumbprint, hex, upper case.
        sha1: String,
        /// SHA-256 thumbprint, hex, lower case.
        sha256: String,
    },
    /// Tokens of another issuer (workload identity federation).
    Federated {
        /// Name, unique within the application.
        name: String,
        /// The issuer, compared exactly.
        issuer: String,
        /// Whose tokens are meant.
        #[serde(flatten)]
        subject: SubjectRule,
        /// The audiences, one of which must match exactly.
        audiences: Vec<String>,
        /// What it is for.
        description: Option<String>,
    },
}

/// Whose tokens of another issuer are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubjectRule {
    /// Those with this subject, compared exactly.
    #[serde(rename = "subject")]
    Exact(String),
    /// Those whose claims match.
    #[serde(rename = "claimsMatchingExpression")]
    Matching(Expression),
}

impl SubjectRule {
    /// The subject, where it is an exact one.
    pub fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(subject) => Some(subject),
            Self::Matching(_) => None,
        }
    }
}

/// An application's identity in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePrincipal {
    /// Object id; the `oid` of its tokens.
    pub id: ServicePrincipalId,
    /// Client id of the application.
    pub app_id: AppId,
    /// The application's name.
    pub display_name: String,
    /// A disabled one gets no tokens.
    pub enabled: bool,
    /// One of the applications of `well_known`: nobody can change or delete it.
    pub is_first_party: bool,
    /// Tokens for it need an assignment.
    pub assignment_required: bool,
    /// Secrets set on the service principal itself.
    pub credentials: Vec<Credential>,
    /// When it was made.
    pub created: Timestamp,
    /// Properties that are kept and answered but decide nothing, by their Graph names.
    pub other: serde_json::Map<String, serde_json::Value>,
}

/// A role of an application that somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppRoleAssignment {
    /// Its id.
    pub id: uuid::Uuid,
    /// Who has it; of a group its direct members do.
    pub principal: Member,
    /// The application's service principal.
    pub resource: ServicePrincipalId,
    /// The role's id; the nil id is plain access.
    pub role: uuid::Uuid,
    /// Since when.
    pub created: Timestamp,
}
