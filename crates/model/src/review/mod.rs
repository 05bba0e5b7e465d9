//! Who a token speaks for at one cluster (contract R, 3.8; DESIGN 4.1, 4.2, 5.1).
//!
//! The signature was checked before; here the claims, the cluster's settings and what the directory knows today become an
//! [`Entrant`], or a [`Refusal`] that says which check failed. Names and groups come from the directory, never from the
//! token: a claim is as old as the token (R-421).
//!
//! ```
//! # use entrance_model::cluster::UserName;
//! # use entrance_model::review::{Gate, Possession, Subject, Token, review};
//! # use entrance_model::{Timestamp, arm::Scope, id::*, well_known::AKS_SERVER};
//! # use uuid::Uuid;
//! # let tenant = TenantId::from_uuid(Uuid::from_u128(1));
//! # let resource = Scope::root();
//! let gate = Gate { resource, tenant, audience: AKS_SERVER, names: UserName::Upn, groups_max: 450, pinned: vec![], needs_proof: false };
//! let token = Token {
//!     id: "t1", tenant, subject: Subject::Person, app: AppId::from_uuid(Uuid::from_u128(2)), session: None,
//!     audience: "6dae42f8-4368-4678-94ff-3960e28e3630", issued: Timestamp::UNIX_EPOCH, has_scope: true, possession: Possession::Bearer,
//! };
//! let refused = review(&token, &gate, None).expect_err("nobody has this id");
//! assert_eq!(refused.code(), "unknown-person");
//! ```

mod budget;
mod check;
mod proof;
mod refusal;

use crate::Timestamp;
use crate::arm::Scope;
use crate::cluster::{SignIn, Spec, UserName};
use crate::id::{AppId, ClusterUid, GroupId, SessionId, TenantId};
use crate::name::Upn;

pub use budget::{Referred, within};
pub use check::{Check, Remedy, Went, checks};
pub use proof::Proof;
pub use refusal::Refusal;

/// What a cluster asks of those who want to enter: its integration with the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The cluster's resource id.
    pub resource: Scope,
    /// Whose people may enter.
    pub tenant: TenantId,
    /// The server application that tokens must be made for.
    pub audience: AppId,
    /// What people are called inside. Whoever has no UPN is called by the object id in any case.
    pub names: UserName,
    /// How many groups an answer may carry.
    pub groups_max: usize,
    /// Groups that are always carried by those who are in them.
    pub pinned: Vec<GroupId>,
    /// Only tokens that come with a proof of possession are taken.
    pub needs_proof: bool,
}

impl Gate {
    /// The gate of a cluster with these settings; `None` when it has no integration with the directory.
    pub fn of(cluster: ClusterUid, resource: Scope, spec: &Spec) -> Option<Self> {
        let (tenant, audience) = match &spec.sign_in {
            SignIn::Certificates => return None,
            SignIn::Legacy { server, tenant, .. } => (*tenant, server.parse().ok()?),
            SignIn::Managed(managed) => (managed.tenant, spec.entrance.audience.server_app(cluster)),
        };
        Some(Self {
            resource,
            tenant,
            audience,
            names: spec.entrance.user_name,
            groups_max: spec.entrance.groups_max.into(),
            pinned: spec.entrance.pinned.clone(),
            needs_proof: spec.entrance.require_pop,
        })
    }

    /// Whether the text is the cluster's resource id: all of it, and only the case of its letters does not count, because
    /// no two resources differ by case alone.
    pub fn is_called(&self, text: &str) -> bool {
        self.resource.as_str().eq_ignore_ascii_case(text)
    }
}

/// What a token says, once its signature, its issuer and its time were found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// `uti`: the token's own id, which joins what is told about it here with the API server's audit log.
    pub id: &'a str,
    /// `tid`
    pub tenant: TenantId,
    /// What kind of object `oid` names.
    pub subject: Subject,
    /// `appid` or `azp`: the client that asked for it.
    pub app: AppId,
    /// `sid`: the sign-in it comes from.
    pub session: Option<SessionId>,
    /// `aud`, as it was asked for.
    pub audience: &'a str,
    /// `iat`
    pub issued: Timestamp,
    /// Whether it carries `scp`: of a person's tokens only an access token does.
    pub has_scope: bool,
    /// Whether it is bound to a key, and whether whoever presented it holds that key (S-431).
    pub possession: Possession,
}

/// Whether a token needs the proof of a key, and has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Possession {
    /// It is bound to no key: whoever holds it may use it.
    Bearer,
    /// It is bound to a key (`cnf`) and came without the proof.
    Unproven,
    /// It is bound to a key, and the proof was good.
    Proven,
    /// A proof came with it and was not good, and why.
    Failed(Refusal),
}

/// What a token's `oid` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A person.
    Person,
    /// A service principal.
    Application,
}

/// A person or an application, as the directory knows them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A person.
    Person {
        /// The name they sign in with.
        upn: Upn,
        /// A disabled person cannot use a token they hold.
        enabled: bool,
        /// Tokens from before this moment are void.
        valid_from: Timestamp,
    },
    /// An application's service principal.
    Application {
        /// The application.
        app: AppId,
        /// A disabled one cannot use a token it holds.
        enabled: bool,
    },
}

/// Somebody who may enter, and the name they have inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrant<'p> {
    /// Called by the UPN.
    ByUpn(&'p Upn),
    /// Called by the object id.
    ByOid,
}

/// Whether the text is this application as an audience: its id in any case, with or without `spn:` (S-302).
pub fn is_audience(text: &str, app: AppId) -> bool {
    text.strip_prefix("spn:").unwrap_or(text).parse() == Ok(app)
}

/// Decides whether a token opens a cluster.
pub fn review<'p>(token: &Token<'_>, gate: &Gate, principal: Option<&'p Principal>) -> Result<Entrant<'p>, Refusal> {
    if token.tenant != gate.tenant {
        return Err(Refusal::OtherTenant);
    }
    if !is_audience(token.audience, gate.audience) {
        return Err(Refusal::OtherAudience);
    }
    match token.possession {
        Possession::Proven => {}
        Possession::Bearer if !gate.needs_proof => {}
        Possession::Bearer | Possession::Unproven => return Err(Refusal::ProofMissing),
        Possession::Failed(why) => return Err(why),
    }
    match (token.subject, principal) {
        (Subject::Person, _) if !token.has_scope => Err(Refusal::NotAnAccessToken),
        (Subject::Person, Some(Principal::Person { upn, enabled, valid_from })) => {
            if !enabled {
                return Err(Refusal::Disabled);
            }
            // `iat` counts whole seconds: somebody who was made and signed in within one second is no stranger.
            if token.issued.as_second() < valid_from.as_second() {
                return Err(Refusal::Revoked);
            }
            Ok(match gate.names {
                UserName::Upn => Entrant::ByUpn(upn),
                UserName::Oid => Entrant::ByOid,
            })
        }
        (Subject::Application, Some(Principal::Application { enabled: true, .. })) => Ok(Entrant::ByOid),
        (Subject::Application, Some(Principal::Application { enabled: false, .. })) => Err(Refusal::Disabled),
        // An id is never given to an object of another kind, so a kind that differs is nobody too.
        (Subject::Person, _) => Err(Refusal::UnknownPerson),
        (Subject::Application, _) => Err(Refusal::UnknownApplication),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
