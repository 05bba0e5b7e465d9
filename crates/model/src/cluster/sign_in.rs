//! `aadProfile`: how people sign in, and which way it may change.
//!
//! The integration can be turned on and never off; there is no way back to own applications.

use serde_json::{Value, json};

use super::put::House;
use super::shape::{Aside, Object};
use super::unacceptable::Unacceptable;
use crate::arm::ClusterAddress;
use crate::id::{AppId, GroupId, TenantId};
use crate::well_known::first_party;

/// How people get into a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// No directory: certificates only.
    Certificates,
    /// The retired integration, with applications that the customer registered.
    Legacy {
        /// The public client, as it was written.
        client: String,
        /// The server application: the audience of tokens.
        server: String,
        /// The directory.
        tenant: TenantId,
    },
    /// The managed integration.
    Managed(Managed),
}

/// The managed integration's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Managed {
    /// Groups whose members are cluster administrators, in the order they were given.
    pub admins: Vec<GroupId>,
    /// Whether role assignments decide inside the cluster too.
    pub azure_rbac: bool,
    /// The directory that people sign in with.
    pub tenant: TenantId,
}

impl SignIn {
    /// The managed integration, if it is on.
    pub fn managed(&self) -> Option<&Managed> {
        match self {
            Self::Managed(managed) => Some(managed),
            Self::Certificates | Self::Legacy { .. } => None,
        }
    }

    /// Whether a directory is involved at all.
    pub fn is_integrated(&self) -> bool {
        !matches!(self, Self::Certificates)
    }

    /// Reads the sign-in of a stored document, which was accepted once.
    pub(super) fn stored(profile: Option<&Value>) -> Self {
        let Some(profile) = profile.and_then(Value::as_object) else { return Self::Certificates };
        let tenant = profile.get("tenantID").and_then(Value::as_str).and_then(|id| id.parse().ok());
        let Some(tenant) = tenant else { return Self::Certificates };
        if profile.get("managed") == Some(&Value::Bool(true)) {
            let admins = profile.get("adminGroupObjectIDs").and_then(Value::as_array);
            return Self::Managed(Managed {
                admins: admins.into_iter().flatten().filter_map(|id| id.as_str()?.parse().ok()).collect(),
                azure_rbac: profile.get("enableAzureRBAC") == Some(&Value::Bool(true)),
                tenant,
            });
        }
        let text = |name| profile.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self::Legacy { client: text("clientAppID"), server: text("serverAppID"), tenant }
    }

    /// Writes it into `aadProfile`, beside members we do not know.
    pub(super) fn write(&self, properties: &mut Object, sent: Option<&Value>) {
        let mut profile = properties.get("aadProfile").and_then(Value::as_object).cloned().unwrap_or_default();
        profile.retain(|name, _| !KNOWN.contains(&name.as_str()));
        let unknown = sent.and_then(Value::as_object).into_iter().flatten().filter(|(name, _)| !KNOWN.contains(&name.as_str()));
        profile.extend(unknown.map(|(name, value)| (name.clone(), value.clone())));
        let known = match self {
            Self::Certificates => {
                properties.shift_remove("aadProfile");
                return;
            }
            Self::Legacy { client, server, tenant } => {
                json!({"clientAppID": client, "serverAppID": server, "tenantID": tenant})
            }
            Self::Managed(Managed { admins, azure_rbac, tenant }) => {
                json!({"managed": true, "enableAzureRBAC": azure_rbac, "adminGroupObjectIDs": admins, "tenantID": tenant})
            }
        };
        let mut out = known.as_object().cloned().unwrap_or_default();
        out.append(&mut profile);
        properties.insert("aadProfile".to_owned(), Value::Object(out));
    }
}

const KNOWN: &[&str] =
    &["managed", "enableAzureRBAC", "adminGroupObjectIDs", "clientAppID", "serverAppID", "tenantID", "adminUsers"];

/// What surrounds the change.
pub(super) struct Around<'a> {
    pub(super) address: &'a ClusterAddress,
    pub(super) house: &'a House<'a>,
    /// None at creation.
    pub(super) current: Option<&'a SignIn>,
    pub(super) kubernetes_rbac: bool,
    pub(super) automatic: bool,
}

/// What was sent in `aadProfile`, with nothing decided yet.
#[derive(Default)]
struct Sent<'a> {
    managed: Option<bool>,
    azure_rbac: Option<bool>,
    admins: Option<Vec<&'a str>>,
    tenant: Option<&'a str>,
    client: Option<&'a str>,
    server: Option<&'a str>,
    secret: bool,
}

impl<'a> Sent<'a> {
    fn of(profile: &'a Object, aside: &Aside) -> Self {
        let text = |name: &str| profile.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        Self {
            managed: profile.get("managed").and_then(Value::as_bool),
            azure_rbac: profile.get("enableAzureRBAC").and_then(Value::as_bool),
            admins: profile
                .get("adminGroupObjectIDs")
                .and_then(Value::as_array)
                .map(|ids| ids.iter().filter_map(Value::as_str).collect()),
            tenant: text("tenantID"),
            client: text("clientAppID"),
            server: text("serverAppID"),
            secret: aside.secrets.contains(&"serverAppSecret"),
        }
    }

    fn first_legacy(&self) -> Option<&'static str> {
        let all =
            [(self.client.is_some(), "clientAppID"), (self.server.is_some(), "serverAppID"), (self.secret, "serverAppSecret")];
        all.into_iter().find(|(there, _)| *there).map(|(_, name)| name)
    }
}

/// What `aadProfile` makes of the sign-in. `None`: it was not sent; a null: removal was asked for.
pub(super) fn decide(sent: Option<&Value>, aside: &Aside, around: &Around<'_>) -> Result<SignIn, Unacceptable> {
    let current = around.current.unwrap_or(&SignIn::Certificates);
    let empty = Object::new();
    let profile = match sent {
        None if around.automatic => &empty,
        None => return Ok(current.clone()),
        Some(Value::Null) => {
            return match current {
                SignIn::Managed(_) => Err(Unacceptable::ManagedStays),
                SignIn::Legacy { .. } => Err(Unacceptable::LegacyChange { member: "serverAppID" }),
                SignIn::Certificates => Ok(SignIn::Certificates),
            };
        }
        Some(profile) => profile.as_object().unwrap_or(&empty),
    };
    let sent = Sent::of(profile, aside);
    let managed = sent.managed.or(around.automatic.then_some(true));
    match current {
        SignIn::Managed(before) => match (managed, sent.first_legacy()) {
            (Some(true), Some(member)) => Err(Unacceptable::LegacyBesideManaged { member }),
            (_, Some(_)) => Err(Unacceptable::NoWayBackToLegacy),
            (Some(false), None) => Err(Unacceptable::ManagedStays),
            (Some(true) | None, None) => turn_on(Some(before), &sent, around),
        },
        SignIn::Legacy { .. } if managed != Some(true) => keep_legacy(current, &sent),
        SignIn::Certificates if managed != Some(true) => stay_out(&sent, around),
        SignIn::Legacy { .. } | SignIn::Certificates => match sent.first_legacy() {
            Some(member) => Err(Unacceptable::LegacyBesideManaged { member }),
            None => turn_on(None, &sent, around),
        },
    }
}

fn turn_on(before: Option<&Managed>, sent: &Sent<'_>, around: &Around<'_>) -> Result<SignIn, Unacceptable> {
    if !around.kubernetes_rbac {
        return Err(Unacceptable::NeedsKubernetesRbac);
    }
    if around.automatic && sent.azure_rbac == Some(false) {
        return Err(Unacceptable::AutomaticNeedsAzureRbac);
    }
    let admins = match &sent.admins {
        Some(ids) => admins(ids, around.house.max_admin_groups)?,
        None => before.map(|b| b.admins.clone()).unwrap_or_default(),
    };
    let azure_rbac = sent.azure_rbac.or(before.map(|b| b.azure_rbac)).unwrap_or(around.automatic);
    let home = around.house.tenant;
    let tenant = match sent.tenant {
        Some(text) => text.parse().map_err(|_| Unacceptable::TenantNoGuid { value: text.to_owned() })?,
        None => before.map_or(home, |b| b.tenant),
    };
    if tenant != home && (azure_rbac || !around.house.allow_foreign_tenant) {
        return Err(foreign(tenant, around, azure_rbac));
    }
    Ok(SignIn::Managed(Managed { admins, azure_rbac, tenant }))
}

//
fn admins(ids: &[&str], max: usize) -> Result<Vec<GroupId>, Unacceptable> {
    let mut out: Vec<GroupId> = Vec::with_capacity(ids.len());
    for id in ids {
        let group = id.parse().map_err(|_| Unacceptable::AdminGroupNoGuid { value: id.chars().take(100).collect() })?;
        if !out.contains(&group) {
            out.push(group);
        }
    }
    if out.len() > max {
        return Err(Unacceptable::TooManyAdminGroups { given: out.len(), max });
    }
    Ok(out)
}

// A legacy cluster that is written back as it was read stays as it is.
fn keep_legacy(current: &SignIn, sent: &Sent<'_>) -> Result<SignIn, Unacceptable> {
    let SignIn::Legacy { client, server, tenant } = current else { return Ok(current.clone()) };
    let same = |sent: Option<&str>, have: &str| sent.is_none_or(|sent| sent.eq_ignore_ascii_case(have));
    let member = if sent.secret {
        "serverAppSecret"
    } else if !same(sent.client, client) {
        "clientAppID"
    } else if !same(sent.server, server) {
        "serverAppID"
    } else if !same(sent.tenant, &tenant.to_string()) {
        "tenantID"
    } else {
        return if sent.azure_rbac == Some(true) { Err(Unacceptable::AzureRbacNeedsManaged) } else { Ok(current.clone()) };
    };
    Err(Unacceptable::LegacyChange { member })
}

/// What `resetAADProfile` makes of the sign-in.
pub(super) fn reset(sent: Option<&Value>, aside: &Aside, around: &Around<'_>) -> Result<SignIn, Unacceptable> {
    let tenant = match around.current {
        Some(SignIn::Managed(_)) => return Err(Unacceptable::ResetManaged),
        Some(SignIn::Certificates) | None => return Err(Unacceptable::NothingToReset),
        Some(SignIn::Legacy { tenant, .. }) => *tenant,
    };
    let profile = sent.and_then(Value::as_object).ok_or(Unacceptable::ResetIncomplete)?;
    let sent = Sent::of(profile, aside);
    match (sent.managed, sent.client, sent.server, sent.secret) {
        (None | Some(false), Some(client), Some(server), true) => own_applications(client, server, &sent, tenant, around),
        _ => Err(Unacceptable::ResetIncomplete),
    }
}

/// Tokens for an application that is not the customer's own would open other doors too, so whoever runs the API server could use
/// them there (DESIGN 4.1).
fn own_applications(
    client: &str,
    server: &str,
    sent: &Sent<'_>,
    tenant: TenantId,
    around: &Around<'_>,
) -> Result<SignIn, Unacceptable> {
    let app = |member: &'static str, text: &str| {
        let bad = || Unacceptable::ApplicationNoGuid { member, value: text.chars().take(100).collect() };
        text.parse::<AppId>().map_err(|_| bad())
    };
    let (client, server) = (app("clientAppID", client)?, app("serverAppID", server)?);
    let tenant = match sent.tenant {
        Some(text) => text.parse().map_err(|_| Unacceptable::TenantNoGuid { value: text.to_owned() })?,
        None => tenant,
    };
    let home = around.house.tenant;
    if tenant != home && !around.house.allow_foreign_tenant {
        return Err(foreign(tenant, around, false));
    }
    if first_party(server).is_some() || !(around.house.is_registered)(server) {
        return Err(Unacceptable::ServerAppUnknown { server: server.to_string(), tenant: tenant.to_string() });
    }
    Ok(SignIn::Legacy { client: client.to_string(), server: server.to_string(), tenant })
}

//
fn foreign(tenant: TenantId, around: &Around<'_>, azure_rbac: bool) -> Unacceptable {
    Unacceptable::ForeignTenant {
        given: tenant.to_string(),
        subscription: around.address.subscription.to_string(),
        home: around.house.tenant.to_string(),
        azure_rbac,
    }
}

fn stay_out(sent: &Sent<'_>, around: &Around<'_>) -> Result<SignIn, Unacceptable> {
    if sent.first_legacy().is_some() {
        if around.current.is_some() {
            return Err(Unacceptable::LegacyChange { member: "serverAppID" });
        }
        let (true, Some(client), Some(server)) = (around.house.allow_legacy_create, sent.client, sent.server) else {
            return Err(Unacceptable::LegacyRetired);
        };
        if !around.kubernetes_rbac {
            return Err(Unacceptable::NeedsKubernetesRbac);
        }
        return own_applications(client, server, sent, around.house.tenant, around);
    }
    if sent.azure_rbac == Some(true) {
        return Err(Unacceptable::AzureRbacNeedsManaged);
    }
    if sent.admins.as_ref().is_some_and(|ids| !ids.is_empty()) {
        return Err(Unacceptable::NeedsManaged { member: "adminGroupObjectIDs" });
    }
    if sent.tenant.is_some() {
        return Err(Unacceptable::NeedsManaged { member: "tenantID" });
    }
    Ok(SignIn::Certificates)
}
