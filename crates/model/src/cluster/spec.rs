//! What a cluster shall be: the part of its document that has consequences, typed.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::document::Document;
use super::door::{BreakGlass, Life};
use super::pools::{self, Pool};
use super::sign_in::SignIn;
use super::unacceptable::Unacceptable;
use crate::arm::Location;
use crate::id::{AppId, ClusterUid, GroupId};
use crate::recovery::Recovery;
use crate::well_known::AKS_SERVER;

/// Which tokens open a cluster (DESIGN 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenAudience {
    /// The id that all AKS clusters share: what scripts hard-code.
    Shared,
    /// An application id of the cluster's own: a token for it is worthless at any other cluster.
    Cluster,
}

impl TokenAudience {
    /// The word of the resource.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Cluster => "cluster",
        }
    }

    /// The server application of a cluster: the `aud` of its tokens.
    pub fn server_app(self, uid: ClusterUid) -> AppId {
        match self {
            Self::Shared => AKS_SERVER,
            Self::Cluster => AppId::from_uuid(uuid::Uuid::new_v5(&uid.uuid(), b"entrance/token-audience")),
        }
    }
}

impl FromStr for TokenAudience {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Shared, Self::Cluster].into_iter().find(|known| known.as_str() == text).ok_or(())
    }
}

impl fmt::Display for TokenAudience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What people are called inside a cluster (DESIGN 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserName {
    /// Their user principal name.
    Upn,
    /// Their object id.
    Oid,
}

impl UserName {
    /// The word of the resource.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upn => "upn",
            Self::Oid => "oid",
        }
    }
}

impl FromStr for UserName {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Upn, Self::Oid].into_iter().find(|known| known.as_str() == text).ok_or(())
    }
}

/// How closely a cluster follows the original where the original lets rights grow (R-364, decision 0032).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// As the original: who may change a cluster may also say who administers it.
    Aks,
    /// To say who administers a cluster is a right of its own.
    Strict,
}

impl Profile {
    /// The word of the resource.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aks => "aks",
            Self::Strict => "strict",
        }
    }
}

impl FromStr for Profile {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Aks, Self::Strict].into_iter().find(|known| known.as_str() == text).ok_or(())
    }
}

/// Settings that the original does not have: `properties.entranceProfile`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntranceProfile {
    /// How closely it follows the original. Clusters from before there was a choice follow it.
    pub profile: Profile,
    /// Which tokens open the cluster.
    pub audience: TokenAudience,
    /// What people are called.
    pub user_name: UserName,
    /// How many groups one review may carry.
    pub groups_max: u16,
    /// Groups that are always carried, if the person is in them.
    pub pinned: Vec<GroupId>,
    /// Only tokens bound to a key are taken.
    pub require_pop: bool,
    /// How break-glass doors open.
    pub break_glass: BreakGlass,
    /// Who can open the sealed door together; `None`: there is none.
    pub recovery: Option<Recovery>,
}

/// What a cluster shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Where it lives.
    pub location: Location,
    /// Prefix of its public name.
    pub dns_prefix: String,
    /// The version that was asked for: full, or `major.minor`.
    pub kubernetes: String,
    /// Whether Kubernetes RBAC decides; without it there is no directory integration.
    pub kubernetes_rbac: bool,
    /// Whether static credentials are handed out.
    pub local_accounts: bool,
    /// How people get in.
    pub sign_in: SignIn,
    /// Its pools.
    pub pools: Vec<Pool>,
    /// What the original does not have.
    pub entrance: EntranceProfile,
}

impl Spec {
    /// Reads it from a document.
    pub fn read(document: &Document) -> Result<Self, Unacceptable> {
        let text = |path: &str| document.text(path).unwrap_or_default().to_owned();
        Ok(Self {
            location: text("location").parse()?,
            dns_prefix: text(if document.text("properties.dnsPrefix").is_some() {
                "properties.dnsPrefix"
            } else {
                "properties.fqdnSubdomain"
            }),
            kubernetes: text("properties.kubernetesVersion"),
            kubernetes_rbac: document.flag("properties.enableRBAC") != Some(false),
            local_accounts: document.flag("properties.disableLocalAccounts") != Some(true),
            sign_in: SignIn::stored(document.at("properties.aadProfile")),
            pools: pools::read(document)?,
            entrance: EntranceProfile::read(document)?,
        })
    }

    /// How many nodes it has.
    pub fn nodes(&self) -> u32 {
        self.pools.iter().map(|pool| u32::from(pool.count)).sum()
    }

    /// Whether a change to `after` decides anew who gets in and as what: the directory integration, local accounts, Kubernetes
    /// RBAC, or our own settings of all that.
    pub fn decides_who_enters(&self, after: &Self) -> bool {
        (&self.sign_in, self.local_accounts, self.kubernetes_rbac, &self.entrance)
            != (&after.sign_in, after.local_accounts, after.kubernetes_rbac, &after.entrance)
    }

    /// The groups whose members administer it.
    pub fn admins(&self) -> &[GroupId] {
        self.sign_in.managed().map_or(&[], |managed| &managed.admins)
    }
}

impl EntranceProfile {
    fn read(document: &Document) -> Result<Self, Unacceptable> {
        let at = |member: &str| document.at(&format!("properties.entranceProfile.{member}"));
        let unknown = |member, value: &str, known| Unacceptable::EntranceProfile {
            member,
            value: value.chars().take(100).collect(),
            known,
        };
        let profile = at("profile").and_then(Value::as_str).unwrap_or(Profile::Aks.as_str());
        let audience = at("tokenAudience").and_then(Value::as_str).unwrap_or(TokenAudience::Shared.as_str());
        let user_name = at("userName").and_then(Value::as_str).unwrap_or(UserName::Upn.as_str());
        let groups_max = match at("groupsMax") {
            None => GROUPS_MAX,
            Some(n) => n
                .as_u64()
                .and_then(|n| u16::try_from(n).ok())
                .filter(|n| (1..=GROUPS_LIMIT).contains(n))
                .ok_or_else(|| unknown("groupsMax", &n.to_string(), "1 to 490"))?,
        };
        let mut pinned = Vec::new();
        for id in at("pinnedGroups").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            pinned.push(id.parse().map_err(|_| unknown("pinnedGroups", id, "object ids of groups"))?);
        }
        let break_glass = BreakGlass {
            validity: match at("breakGlass.validity").and_then(Value::as_str) {
                None => Life::USUAL,
                Some(text) => text
                    .parse()
                    .map_err(|_| unknown("breakGlass.validity", text, "a duration such as PT8H, from PT1M to PT24H"))?,
            },
            second_person: at("breakGlass.secondPerson").and_then(Value::as_bool).unwrap_or(false),
        };
        Ok(Self {
            profile: profile.parse().map_err(|()| unknown("profile", profile, "aks or strict"))?,
            audience: audience.parse().map_err(|()| unknown("tokenAudience", audience, "shared or cluster"))?,
            user_name: user_name.parse().map_err(|()| unknown("userName", user_name, "upn or oid"))?,
            groups_max,
            pinned,
            require_pop: at("requirePop").and_then(Value::as_bool).unwrap_or(false),
            break_glass,
            recovery: recovery(document)?,
        })
    }
}

fn recovery(document: &Document) -> Result<Option<Recovery>, Unacceptable> {
    let at = |member: &str| document.at(&format!("properties.entranceProfile.breakGlass.{member}"));
    let keys: Vec<&str> = at("recoveryKeys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    // A negative number is as far from a threshold as an enormous one.
    let threshold = at("threshold").map(|number| number.as_u64().unwrap_or(u64::MAX));
    Recovery::new(&keys, threshold).map_err(|why| Unacceptable::Recovery { why })
}

// DESIGN 4.2: aggregated servers refuse more than 500 header lines, and some are needed for other things.
pub(super) const GROUPS_MAX: u16 = 450;
const GROUPS_LIMIT: u16 = 490;
