//! The members of a managed cluster that we know: their exact names, their JSON types, and what clients may write.
//!
//! Reading a body by this table spells its members as the wire does (names match without case), refuses wrong types
//! drops what is read-only and forgets secrets. What the table does not know is kept as it came.

use serde_json::{Map, Value};

use super::unacceptable::Unacceptable;

/// A JSON object.
pub(super) type Object = Map<String, Value>;

#[derive(Debug)]
pub(super) enum Shape {
    Flag,
    Number,
    Text,
    // A map with free keys: replaced as a whole, keys untouched.
    Map,
    // Any list that is replaced as a whole.
    List,
    // A list of GUIDs or names.
    Texts,
    Object(&'static [Member]),
    // Agent pools: matched by name.
    Pools(&'static [Member]),
    // Kept as it comes, whatever it is.
    Any,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Access {
    Open,
    ReadOnly,
    Secret,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    access: Access,
}

const fn open(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, access: Access::Open }
}
const fn flag(name: &'static str) -> Member {
    open(name, Shape::Flag)
}
const fn text(name: &'static str) -> Member {
    open(name, Shape::Text)
}
const fn number(name: &'static str) -> Member {
    open(name, Shape::Number)
}
const fn list(name: &'static str) -> Member {
    open(name, Shape::List)
}
const fn texts(name: &'static str) -> Member {
    open(name, Shape::Texts)
}
const fn map(name: &'static str) -> Member {
    open(name, Shape::Map)
}
const fn any(name: &'static str) -> Member {
    open(name, Shape::Any)
}
const fn object(name: &'static str, members: &'static [Member]) -> Member {
    open(name, Shape::Object(members))
}
const fn read_only(name: &'static str) -> Member {
    Member { name, shape: Shape::Any, access: Access::ReadOnly }
}
const fn secret(name: &'static str) -> Member {
    Member { name, shape: Shape::Text, access: Access::Secret }
}

/// The resource.
pub(super) static CLUSTER: &[Member] = &[
    read_only("id"),
    read_only("name"),
    read_only("type"),
    read_only("eTag"),
    read_only("systemData"),
    text("location"),
    map("tags"),
    text("kind"),
    any("extendedLocation"),
    object("sku", &[text("name"), text("tier")]),
    object(
        "identity",
        &[
            text("type"),
            map("userAssignedIdentities"),
            any("delegatedResources"),
            read_only("principalId"),
            read_only("tenantId"),
        ],
    ),
    object("properties", PROPERTIES),
];

/// Its properties.
pub(super) static PROPERTIES: &[Member] = &[
    read_only("provisioningState"),
    read_only("powerState"),
    read_only("currentKubernetesVersion"),
    read_only("fqdn"),
    read_only("azurePortalFQDN"),
    read_only("privateFQDN"),
    read_only("maxAgentPools"),
    read_only("resourceUID"),
    read_only("status"),
    object("aadProfile", AAD_PROFILE),
    flag("enableRBAC"),
    flag("disableLocalAccounts"),
    object("oidcIssuerProfile", &[flag("enabled"), read_only("issuerURL")]),
    object(
        "securityProfile",
        &[object("workloadIdentity", &[flag("enabled")]), any("defender"), any("azureKeyVaultKms"), any("imageCleaner")],
    ),
    object(
        "apiServerAccessProfile",
        &[
            texts("authorizedIPRanges"),
            flag("enablePrivateCluster"),
            text("privateDNSZone"),
            flag("enablePrivateClusterPublicFQDN"),
            flag("disableRunCommand"),
            flag("enableVnetIntegration"),
            text("subnetId"),
        ],
    ),
    open("agentPoolProfiles", Shape::Pools(POOL)),
    text("kubernetesVersion"),
    text("dnsPrefix"),
    text("fqdnSubdomain"),
    text("nodeResourceGroup"),
    object("servicePrincipalProfile", &[text("clientId"), secret("secret")]),
    object(
        "windowsProfile",
        &[text("adminUsername"), secret("adminPassword"), text("licenseType"), flag("enableCSIProxy"), any("gmsaProfile")],
    ),
    object("linuxProfile", &[text("adminUsername"), object("ssh", &[list("publicKeys")])]),
    object("identityProfile", &[object("kubeletidentity", &[text("resourceId"), text("clientId"), text("objectId")])]),
    object(
        "networkProfile",
        &[
            text("networkPlugin"),
            text("networkPluginMode"),
            text("networkPolicy"),
            text("networkMode"),
            text("networkDataplane"),
            text("podCidr"),
            text("serviceCidr"),
            text("dnsServiceIP"),
            text("loadBalancerSku"),
            text("outboundType"),
            any("loadBalancerProfile"),
            any("natGatewayProfile"),
            texts("podCidrs"),
            texts("serviceCidrs"),
            texts("ipFamilies"),
        ],
    ),
    map("addonProfiles"),
    map("storageProfile"),
    map("bootstrapProfile"),
    map("autoScalerProfile"),
    map("autoUpgradeProfile"),
    map("upgradeSettings"),
    map("workloadAutoScalerProfile"),
    map("azureMonitorProfile"),
    map("metricsProfile"),
    map("ingressProfile"),
    map("serviceMeshProfile"),
    map("nodeProvisioningProfile"),
    map("nodeResourceGroupProfile"),
    map("httpProxyConfig"),
    map("podIdentityProfile"),
    text("supportPlan"),
    text("publicNetworkAccess"),
    text("diskEncryptionSetID"),
    list("privateLinkResources"),
    object("entranceProfile", ENTRANCE_PROFILE),
];

static AAD_PROFILE: &[Member] = &[
    flag("managed"),
    flag("enableAzureRBAC"),
    texts("adminGroupObjectIDs"),
    read_only("adminUsers"),
    text("clientAppID"),
    text("serverAppID"),
    secret("serverAppSecret"),
    text("tenantID"),
];

static ENTRANCE_PROFILE: &[Member] = &[
    text("profile"),
    text("tokenAudience"),
    read_only("serverAppId"),
    text("userName"),
    number("groupsMax"),
    texts("pinnedGroups"),
    flag("requirePop"),
    object("breakGlass", &[text("validity"), flag("secondPerson"), texts("recoveryKeys"), number("threshold")]),
];

/// An agent pool inside a cluster.
static POOL: &[Member] = &[
    text("name"),
    number("count"),
    text("vmSize"),
    number("osDiskSizeGB"),
    text("osDiskType"),
    text("osType"),
    text("osSKU"),
    text("mode"),
    text("type"),
    text("orchestratorVersion"),
    read_only("currentOrchestratorVersion"),
    read_only("nodeImageVersion"),
    read_only("provisioningState"),
    read_only("powerState"),
    read_only("eTag"),
    flag("enableAutoScaling"),
    number("minCount"),
    number("maxCount"),
    number("maxPods"),
    flag("enableNodePublicIP"),
    flag("enableEncryptionAtHost"),
    flag("enableUltraSSD"),
    flag("enableFIPS"),
    text("scaleSetPriority"),
    text("vnetSubnetID"),
    texts("availabilityZones"),
    texts("nodeTaints"),
    map("nodeLabels"),
    map("tags"),
    map("upgradeSettings"),
];

/// What a body held besides what is kept: needed by rules, never stored.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// Paths of the secrets that were sent with a text in them.
    pub(super) secrets: Vec<&'static str>,
}

/// Reads an object by its table; see the module.
pub(super) fn read(sent: Object, members: &'static [Member], path: &str, aside: &mut Aside) -> Result<Object, Unacceptable> {
    let mut out = Object::new();
    for (key, value) in sent {
        let Some(member) = find(members, &key) else {
            if out.contains_key(&key) {
                return Err(Unacceptable::Twice { member: join(path, &key) });
            }
            out.insert(key, value);
            continue;
        };
        if member.access == Access::ReadOnly {
            continue;
        }
        if member.access == Access::Secret {
            if value.as_str().is_some_and(|text| !text.is_empty()) {
                aside.secrets.push(member.name);
            }
            continue;
        }
        // A null says nothing, except where it asks for removal.
        if value.is_null() && member.name != "aadProfile" {
            continue;
        }
        let here = join(path, member.name);
        if out.contains_key(member.name) {
            return Err(Unacceptable::Twice { member: here });
        }
        let value = if value.is_null() { value } else { read_value(value, &member.shape, &here, aside)? };
        out.insert(member.name.to_owned(), value);
    }
    Ok(out)
}

fn read_value(value: Value, shape: &'static Shape, path: &str, aside: &mut Aside) -> Result<Value, Unacceptable> {
    let wrong = |expected| Unacceptable::WrongType { member: path.to_owned(), expected };
    match (shape, value) {
        (Shape::Any, value)
        | (Shape::Flag, value @ Value::Bool(_))
        | (Shape::Text, value @ Value::String(_))
        | (Shape::List, value @ Value::Array(_))
        | (Shape::Map, value @ Value::Object(_)) => Ok(value),
        (Shape::Number, value) if value.is_i64() || value.is_u64() => Ok(value),
        (Shape::Texts, Value::Array(items)) if items.iter().all(Value::is_string) => Ok(Value::Array(items)),
        (Shape::Object(members), Value::Object(sent)) => Ok(Value::Object(read(sent, members, path, aside)?)),
        (Shape::Pools(members), Value::Array(items)) => {
            let mut pools = Vec::with_capacity(items.len());
            for (at, item) in items.into_iter().enumerate() {
                let Value::Object(pool) = item else { return Err(wrong("a list of agent pools")) };
                pools.push(Value::Object(read(pool, members, &format!("{path}[{at}]"), aside)?));
            }
            Ok(Value::Array(pools))
        }
        (Shape::Flag, _) => Err(wrong("true or false")),
        (Shape::Number, _) => Err(wrong("a whole number")),
        (Shape::Text, _) => Err(wrong("a text")),
        (Shape::Map | Shape::Object(_), _) => Err(wrong("an object")),
        (Shape::List | Shape::Pools(_), _) => Err(wrong("a list")),
        (Shape::Texts, _) => Err(wrong("a list of texts")),
    }
}

/// Puts what was sent over what is there: a missing member keeps the present value (contract R, 1.5).
pub(super) fn merge(base: &mut Object, sent: Object, members: &'static [Member]) {
    for (key, value) in sent {
        // A member we do not know may be there already in another case.
        let key = match find(members, &key) {
            Some(member) => member.name.to_owned(),
            None => base.keys().find(|have| have.eq_ignore_ascii_case(&key)).cloned().unwrap_or(key),
        };
        let shape = find(members, &key).map(|member| &member.shape);
        match (shape, base.get_mut(&key), value) {
            (Some(Shape::Object(inner)), Some(Value::Object(have)), Value::Object(sent)) => merge(have, sent, inner),
            (Some(Shape::Pools(inner)), Some(Value::Array(have)), Value::Array(sent)) => merge_pools(have, sent, inner),
            (_, _, value) => {
                base.insert(key, value);
            }
        }
    }
}

// The list says which pools there are; what it leaves out of a pool is kept.
fn merge_pools(have: &mut Vec<Value>, sent: Vec<Value>, members: &'static [Member]) {
    let mut before = std::mem::take(have);
    for pool in sent {
        let same = before.iter().position(|old| {
            let name = |pool: &Value| pool["name"].as_str().map(str::to_lowercase);
            name(old).is_some() && name(old) == name(&pool)
        });
        match (same.map(|at| before.swap_remove(at)), pool) {
            (Some(Value::Object(mut old)), Value::Object(new)) => {
                merge(&mut old, new, members);
                have.push(Value::Object(old));
            }
            (_, pool) => have.push(pool),
        }
    }
}

fn find(members: &'static [Member], key: &str) -> Option<&'static Member> {
    members.iter().find(|member| member.name.eq_ignore_ascii_case(key))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster(sent: Value) -> Result<Object, Unacceptable> {
        let Value::Object(sent) = sent else { panic!("an object") };
        read(sent, CLUSTER, "", &mut Aside::default())
    }

    #[test]
    fn names_match_without_case_and_come_out_as_the_wire_spells_them() {
        let out = cluster(
            json!({"Location": "eastus", "properties": {"AADProfile": {"adminGroupObjectIds": ["a"], "enableAzureRbac": true}}}),
        )
        .expect("readable");
        assert_eq!(
            Value::Object(out),
            json!({"location": "eastus", "properties": {"aadProfile": {"adminGroupObjectIDs": ["a"], "enableAzureRBAC": true}}})
        );
    }

    #[test]
    fn what_we_do_not_know_is_kept_at_any_depth() {
        let sent = json!({"zones": [1], "properties": {"aadProfile": {"Future": {"x": null}}, "futureProfile": {"A": 1}, "addonProfiles": {"x": {"Y": 1}}}});
        assert_eq!(Value::Object(cluster(sent.clone()).expect("readable")), sent);
    }

    #[test]
    fn r_126_read_only_members_are_ignored_and_r_125_secrets_forgotten() {
        let mut aside = Aside::default();
        let Value::Object(sent) = json!({"id": 1, "eTag": "x", "properties": {"fqdn": 3, "provisioningState": {}, "aadProfile": {"serverAppSecret": "s"}}})
        else {
            panic!("an object")
        };
        let out = read(sent, CLUSTER, "", &mut aside).expect("readable");
        assert_eq!(Value::Object(out), json!({"properties": {"aadProfile": {}}}));
        assert_eq!(aside.secrets, ["serverAppSecret"]);
    }

    #[test]
    fn r_013_a_wrong_type_names_its_member() {
        let error = cluster(json!({"properties": {"aadProfile": {"managed": "yes"}}})).expect_err("a text is no flag");
        assert_eq!(error.to_string(), "The body could not be read: `properties.aadProfile.managed` must be true or false.");
        assert!(cluster(json!({"properties": {"aadProfile": {"adminGroupObjectIDs": [1]}}})).is_err());
        assert!(cluster(json!({"location": "a", "LOCATION": "b"})).is_err());
        assert!(cluster(json!({"properties": {"agentPoolProfiles": [{"count": 1.5}]}})).is_err());
    }

    #[test]
    fn pools_are_matched_by_name() {
        let Value::Object(mut base) =
            json!({"properties": {"agentPoolProfiles": [{"name": "a", "count": 1, "x": 1}, {"name": "b", "count": 2}]}})
        else {
            panic!("an object")
        };
        let Value::Object(sent) = json!({"properties": {"agentPoolProfiles": [{"name": "A", "count": 3}]}}) else {
            panic!("an object")
        };
        merge(&mut base, sent, CLUSTER);
        assert_eq!(base["properties"]["agentPoolProfiles"], json!([{"name": "A", "count": 3, "x": 1}]));
    }
}
