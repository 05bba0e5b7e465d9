//! PUT and PATCH of a cluster: from a body to what is accepted, or to the rule it breaks.

use serde_json::{Map, Value, json};

use super::document::Document;
use super::pools;
use super::record::Cluster;
use super::shape::{self, Aside, Object};
use super::sign_in::{self, Around, SignIn};
use super::spec::{GROUPS_MAX, Profile, Spec, TokenAudience, UserName};
use super::unacceptable::Unacceptable;
use super::versions::{KubernetesVersion, Versions};
use crate::arm::{ClusterAddress, Location};
use crate::id::{AppId, ClusterUid, GroupId, TenantId};

/// What the house offers and allows: the facts that rules need and a body cannot know.
pub struct House<'a> {
    /// Locations on offer.
    pub locations: &'a [Location],
    /// Versions that the installed control planes can run.
    pub versions: &'a Versions,
    /// The subscription's tenant.
    pub tenant: TenantId,
    ///
    pub max_admin_groups: usize,
    ///
    pub allow_foreign_tenant: bool,
    ///
    pub allow_lockout: bool,
    ///
    pub allow_legacy_create: bool,
    /// What a new cluster's tokens are for.
    pub token_audience: TokenAudience,
    /// What people are called in a new cluster.
    pub user_name: UserName,
    ///
    pub quota: Quota,
    /// Whether the directory knows the group.
    pub is_group: &'a dyn Fn(GroupId) -> bool,
    /// Whether the application is registered in the directory that was named.
    pub is_registered: &'a dyn Fn(AppId) -> bool,
}

/// How many clusters there are and may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// There are.
    pub used: usize,
    /// There may be.
    pub max: usize,
}

/// Something that was accepted and may surprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    ///
    UnknownGroup(GroupId),
    ///
    NobodyCanEnter,
    /// R-563, and for other recovery keys: the copies that people keep are worthless now.
    SealedDoorEnds {
        /// Why.
        because: &'static str,
    },
}

impl Warning {
    /// The rule's number.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::UnknownGroup(_) => "R-110",
            Self::NobodyCanEnter => "R-120",
            Self::SealedDoorEnds { .. } => "R-563",
        }
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownGroup(id) => {
                write!(f, "Admin group {id} does not exist in the directory, so nobody enters through it; `az ad group list` shows the groups.")
            }
            Self::NobodyCanEnter => {
                f.write_str("Local accounts are disabled and there is no admin group and no role-based decision: nobody may be able to enter.")
            }
            Self::SealedDoorEnds { because } => {
                write!(f, "No copy of the sealed door's file opens anything from now on, because {because}.")
            }
        }
    }
}

/// A body that breaks no rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// What the cluster shall be, with everything that was sent.
    pub document: Document,
    /// The part with consequences.
    pub spec: Spec,
    /// What may surprise.
    pub warnings: Vec<Warning>,
}

/// PUT where there is nothing yet.
pub fn create(address: &ClusterAddress, uid: ClusterUid, body: Value, house: &House<'_>) -> Result<Accepted, Unacceptable> {
    let Body { object, aside } = Body::read(address, body)?;
    let mut document = Document::default();
    document.merge(object);
    if house.quota.used >= house.quota.max {
        return Err(Unacceptable::TooManyClusters { wanted: house.quota.used + 1, max: house.quota.max });
    }
    let location = location(address, &document, house)?;
    document.object_mut().insert("location".to_owned(), json!(location.as_str()));
    dns_prefix(&document)?;
    let version = version(&document, &location, house.versions)?;
    defaults(&mut document, address, uid, version, house);
    finish(document, &aside, address, house, None)
}

/// PUT over what is there.
pub fn update(cluster: &Cluster, body: Value, house: &House<'_>) -> Result<Accepted, Unacceptable> {
    let address = &cluster.address;
    let Body { mut object, aside } = Body::read(address, body)?;
    let before = &cluster.document;
    // Decided apart, because a null there means something.
    let profile = object.get_mut("properties").and_then(Value::as_object_mut).and_then(|p| p.shift_remove("aadProfile"));
    let mut document = before.clone();
    document.merge(object);
    let asked = document.text("location").unwrap_or_default().parse::<Location>()?;
    let current = cluster.spec()?;
    if asked != current.location {
        return Err(Unacceptable::LocationChanged {
            name: address.name.to_string(),
            old: current.location.to_string(),
            new: asked.to_string(),
        });
    }
    document.object_mut().insert("location".to_owned(), json!(current.location.as_str()));
    immutables(before, &document)?;
    if document.text("properties.kubernetesVersion").is_none() {
        document.properties_mut().insert("kubernetesVersion".to_owned(), json!(current.kubernetes));
    }
    let version = match house.versions.resolve(document.text("properties.kubernetesVersion")) {
        // A version that is not offered any more may stay.
        None if document.text("properties.kubernetesVersion") == Some(current.kubernetes.as_str()) => cluster.version,
        _ => version(&document, &current.location, house.versions)?,
    };
    if version < cluster.version {
        return Err(Unacceptable::VersionGoesBack { old: cluster.version.to_string(), new: version.to_string() });
    }
    if before.flag("properties.oidcIssuerProfile.enabled") == Some(true)
        && document.flag("properties.oidcIssuerProfile.enabled") != Some(true)
    {
        return Err(Unacceptable::IssuerStays);
    }
    pools::fill(&mut document, version);
    if let Some(profile) = profile {
        // Members we do not know come along; what we know is decided below.
        document.properties_mut().insert("aadProfileSent".to_owned(), profile);
    }
    let mut accepted = finish(document, &aside, address, house, Some(&current.sign_in))?;
    accepted.warnings.extend(sealed_door_ends(&current, &accepted.spec));
    Ok(accepted)
}

// Whoever keeps a copy in a safe should hear of it.
fn sealed_door_ends(before: &Spec, after: &Spec) -> Option<Warning> {
    let had = before.local_accounts.then_some(before.entrance.recovery.as_ref()).flatten()?;
    let because = match &after.entrance.recovery {
        _ if !after.local_accounts => "local accounts are disabled",
        None => "it has no recovery keys any more",
        Some(now) if now != had => "its recovery keys are others now",
        Some(_) => return None,
    };
    Some(Warning::SealedDoorEnds { because })
}

/// PATCH: tags only.
pub fn retag(cluster: &Cluster, body: Value) -> Result<Document, Unacceptable> {
    let Value::Object(sent) = body else { return Err(not_an_object()) };
    if let Some(member) = sent.keys().find(|key| !key.eq_ignore_ascii_case("tags")) {
        return Err(Unacceptable::OnlyTags { member: member.chars().take(100).collect() });
    }
    let mut document = cluster.document.clone();
    let object = shape::read(sent, shape::CLUSTER, "", &mut Aside::default())?;
    document.merge(object);
    tags(&document)?;
    Ok(document)
}

struct Body {
    object: Object,
    aside: Aside,
}

impl Body {
    fn read(address: &ClusterAddress, body: Value) -> Result<Self, Unacceptable> {
        let Value::Object(sent) = body else { return Err(not_an_object()) };
        agree(&sent, "name", address.name.as_str())?;
        agree(&sent, "type", "Microsoft.ContainerService/managedClusters")?;
        let mut aside = Aside::default();
        let object = shape::read(sent, shape::CLUSTER, "", &mut aside)?;
        Ok(Self { object, aside })
    }
}

fn not_an_object() -> Unacceptable {
    Unacceptable::WrongType { member: "body".to_owned(), expected: "an object" }
}

//
fn agree(sent: &Object, member: &'static str, address: &str) -> Result<(), Unacceptable> {
    let said = sent.iter().find(|(key, _)| key.eq_ignore_ascii_case(member)).and_then(|(_, value)| value.as_str());
    match said {
        Some(body) if !body.eq_ignore_ascii_case(address) => {
            Err(Unacceptable::Contradiction { member, body: body.chars().take(100).collect(), address: address.to_owned() })
        }
        _ => Ok(()),
    }
}

//
fn location(address: &ClusterAddress, document: &Document, house: &House<'_>) -> Result<Location, Unacceptable> {
    let Some(asked) = document.text("location") else {
        return Err(Unacceptable::LocationMissing { name: address.name.to_string() });
    };
    let location: Location = asked.parse()?;
    if house.locations.contains(&location) {
        return Ok(location);
    }
    let offered = house.locations.iter().map(Location::as_str).collect::<Vec<_>>().join(", ");
    Err(Unacceptable::LocationNotOffered { location: location.to_string(), offered })
}

//
fn dns_prefix(document: &Document) -> Result<(), Unacceptable> {
    let Some(prefix) = document.text("properties.dnsPrefix") else {
        return if document.text("properties.fqdnSubdomain").is_some() { Ok(()) } else { Err(Unacceptable::DnsPrefixMissing) };
    };
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    let ok = prefix.len() <= 54
        && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && edge(prefix.bytes().next())
        && edge(prefix.bytes().last());
    if ok { Ok(()) } else { Err(Unacceptable::DnsPrefix { prefix: prefix.chars().take(100).collect() }) }
}

//
fn version(document: &Document, location: &Location, versions: &Versions) -> Result<KubernetesVersion, Unacceptable> {
    let asked = document.text("properties.kubernetesVersion");
    versions.resolve(asked).ok_or_else(|| Unacceptable::VersionNotOffered {
        version: asked.unwrap_or("(none)").chars().take(40).collect(),
        location: location.to_string(),
        offered: versions.listed(),
    })
}

//
fn tags(document: &Document) -> Result<(), Unacceptable> {
    let empty = Map::new();
    let tags = document.tags().unwrap_or(&empty);
    let bad = |detail: String| Err(Unacceptable::Tags { detail });
    if tags.len() > 50 {
        return bad(format!("{} were sent", tags.len()));
    }
    for (name, value) in tags {
        let short: String = name.chars().take(40).collect();
        match value.as_str() {
            None => return bad(format!("`{short}` is no text")),
            Some(text) if text.chars().count() > 256 => return bad(format!("the text of `{short}` is too long")),
            Some(_) if name.is_empty() || name.chars().count() > 512 => {
                return bad(format!("the name `{short}` has a wrong length"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

//
fn immutables(before: &Document, after: &Document) -> Result<(), Unacceptable> {
    const FIXED: &[&str] = &[
        "properties.dnsPrefix",
        "properties.fqdnSubdomain",
        "properties.nodeResourceGroup",
        "properties.enableRBAC",
        "properties.apiServerAccessProfile.enablePrivateCluster",
        "properties.networkProfile.networkPlugin",
        "properties.networkProfile.networkMode",
        "properties.networkProfile.podCidr",
        "properties.networkProfile.serviceCidr",
        "properties.networkProfile.dnsServiceIP",
        "properties.networkProfile.loadBalancerSku",
        "properties.servicePrincipalProfile.clientId",
        "properties.linuxProfile.ssh",
    ];
    let said = |document: &Document, path: &str| {
        document.at(path).cloned().filter(|v| v.as_str() != Some("") && *v != Value::Bool(false))
    };
    match FIXED.iter().find(|path| said(before, path) != said(after, path)) {
        Some(path) => Err(Unacceptable::Immutable { member: (*path).to_owned() }),
        None => Ok(()),
    }
}

fn defaults(document: &mut Document, address: &ClusterAddress, uid: ClusterUid, version: KubernetesVersion, house: &House<'_>) {
    let sku = document.object_mut().entry("sku").or_insert_with(|| json!({}));
    if let Some(sku) = sku.as_object_mut() {
        sku.entry("name").or_insert_with(|| json!("Base"));
        sku.entry("tier").or_insert_with(|| json!("Free"));
    }
    if document.at("properties.servicePrincipalProfile").is_none() {
        document.object_mut().entry("identity").or_insert_with(|| json!({"type": "SystemAssigned"}));
    }
    let automatic = is_automatic(document);
    let has_identity = document.text("identity.type").is_some_and(|kind| kind != "None");
    let location = document.text("location").unwrap_or_default().to_owned();
    let node_group: String = format!("MC_{}_{}_{location}", address.group, address.name).chars().take(80).collect();
    let node_group = document.text("properties.nodeResourceGroup").map_or(node_group, str::to_owned);
    let kubelet = json!({
        "resourceId": format!(
            "/subscriptions/{}/resourceGroups/{node_group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}-agentpool",
            address.subscription, address.name
        ),
        "clientId": uuid::Uuid::new_v5(&uid.uuid(), b"kubelet/client"),
        "objectId": uuid::Uuid::new_v5(&uid.uuid(), b"kubelet/object"),
    });
    let properties = document.properties_mut();
    // An empty text means the default, as clients send it.
    if properties.get("kubernetesVersion").is_none_or(|v| v.as_str() == Some("")) {
        properties.insert("kubernetesVersion".to_owned(), json!(version.to_string()));
    }
    properties.insert("nodeResourceGroup".to_owned(), json!(node_group));
    let mut default = |name: &str, value: Value| {
        properties.entry(name).or_insert(value);
    };
    default("enableRBAC", json!(true));
    default("disableLocalAccounts", json!(automatic));
    default("oidcIssuerProfile", json!({"enabled": false}));
    default("networkProfile", json!({"loadBalancerSku": "standard", "outboundType": "loadBalancer"}));
    default("supportPlan", json!("KubernetesOfficial"));
    if has_identity {
        default("servicePrincipalProfile", json!({"clientId": "msi"}));
        default("identityProfile", json!({"kubeletidentity": kubelet}));
    }
    default("entranceProfile", json!({}));
    if let Some(profile) = properties.get_mut("entranceProfile").and_then(Value::as_object_mut) {
        profile.entry("profile").or_insert_with(|| json!(Profile::Strict.as_str()));
        profile.entry("tokenAudience").or_insert_with(|| json!(house.token_audience.as_str()));
        profile.entry("userName").or_insert_with(|| json!(house.user_name.as_str()));
        profile.entry("groupsMax").or_insert_with(|| json!(GROUPS_MAX));
    }
    pools::fill(document, version);
    if let Some(profile) = document.properties_mut().shift_remove("aadProfile") {
        document.properties_mut().insert("aadProfileSent".to_owned(), profile);
    }
}

pub(super) fn is_automatic(document: &Document) -> bool {
    document.text("sku.name").is_some_and(|name| name.eq_ignore_ascii_case("Automatic"))
}

// What create and update share: the rules about identity, on a document that is merged.
fn finish(
    mut document: Document,
    aside: &Aside,
    address: &ClusterAddress,
    house: &House<'_>,
    current: Option<&SignIn>,
) -> Result<Accepted, Unacceptable> {
    tags(&document)?;
    let sent = document.properties_mut().shift_remove("aadProfileSent");
    let kubernetes_rbac = document.flag("properties.enableRBAC") != Some(false);
    let automatic = is_automatic(&document);
    let around = Around { address, house, current, kubernetes_rbac, automatic };
    let sign_in = sign_in::decide(sent.as_ref(), aside, &around)?;
    sign_in.write(document.properties_mut(), sent.as_ref());
    if document.flag("properties.securityProfile.workloadIdentity.enabled") == Some(true)
        && document.flag("properties.oidcIssuerProfile.enabled") != Some(true)
    {
        return Err(Unacceptable::WorkloadIdentityNeedsIssuer);
    }
    let spec = Spec::read(&document)?;
    if !spec.local_accounts && !spec.sign_in.is_integrated() && !house.allow_lockout {
        return Err(Unacceptable::LockOut);
    }
    let warnings = warnings(&spec, house);
    Ok(Accepted { document, spec, warnings })
}

fn warnings(spec: &Spec, house: &House<'_>) -> Vec<Warning> {
    let Some(managed) = spec.sign_in.managed() else { return Vec::new() };
    let mut all: Vec<Warning> =
        managed.admins.iter().filter(|id| !(house.is_group)(**id)).map(|id| Warning::UnknownGroup(*id)).collect();
    if !spec.local_accounts && managed.admins.is_empty() && !managed.azure_rbac {
        all.push(Warning::NobodyCanEnter);
    }
    all
}
