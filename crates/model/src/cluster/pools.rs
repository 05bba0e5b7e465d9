//! Agent pools: records with a size. Nodes of local clusters are simulated, as many as the pools say.

use serde_json::{Map, Value, json};

use super::document::Document;
use super::record::Cluster;
use super::unacceptable::Unacceptable;
use super::versions::KubernetesVersion;

/// A pool, as far as it matters for nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// How many nodes.
    pub count: u16,
}

/// Reads the pools of a document that was merged.
pub(super) fn read(document: &Document) -> Result<Vec<Pool>, Unacceptable> {
    let bad = |detail: String| Unacceptable::Pools { detail };
    let items = document.at("properties.agentPoolProfiles").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut pools: Vec<Pool> = Vec::with_capacity(items.len());
    for item in items {
        let name = item["name"].as_str().unwrap_or_default();
        let pattern = name.len() <= 12
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !pattern {
            return Err(bad(format!(
                "'{}' is not a name of 1 to 12 small letters and digits that begins with a letter",
                name.chars().take(50).collect::<String>()
            )));
        }
        if pools.iter().any(|pool| pool.name == name) {
            return Err(bad(format!("{name} is there twice")));
        }
        let count = match item.get("count") {
            None => 1,
            Some(count) => count
                .as_u64()
                .filter(|n| *n <= MAX_NODES)
                .ok_or_else(|| bad(format!("count of {name} must be 0 to {MAX_NODES}")))?,
        };
        pools.push(Pool { name: name.to_owned(), count: u16::try_from(count).expect("the limit was just checked") });
    }
    if pools.is_empty() {
        return Err(bad("at least one is needed".to_owned()));
    }
    let is_system = |pool: &Value| pool["mode"].as_str().is_none_or(|mode| mode.eq_ignore_ascii_case(SYSTEM));
    if !items.iter().any(is_system) {
        return Err(bad("at least one must be of mode System, for what the cluster itself needs".to_owned()));
    }
    Ok(pools)
}

/// The PUT of a whole cluster that puts one pool, from a PUT of that pool.
pub fn with_pool(cluster: &Cluster, name: &str, body: &Value) -> Result<Value, Unacceptable> {
    let wrong = |member: &str| Unacceptable::WrongType { member: member.to_owned(), expected: "an object" };
    let Value::Object(sent) = body else { return Err(wrong("body")) };
    let member = |wanted: &str| sent.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    if let Some(said) = member("name").and_then(Value::as_str)
        && !said.eq_ignore_ascii_case(name)
    {
        let body = said.chars().take(100).collect();
        return Err(Unacceptable::Contradiction { member: "name", body, address: name.to_owned() });
    }
    let mut pool = match member("properties") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(properties)) => properties.clone(),
        Some(_) => return Err(wrong("properties")),
    };
    pool.retain(|key, _| !key.eq_ignore_ascii_case("name"));
    let known = all(cluster).find(|pool| is(pool, name)).and_then(|pool| pool["name"].as_str());
    pool.insert("name".to_owned(), json!(known.unwrap_or(name)));
    let mut pools: Vec<Value> = all(cluster).cloned().collect();
    match pools.iter_mut().find(|pool| is(pool, name)) {
        // It keeps its place among the others.
        Some(before) => *before = Value::Object(pool),
        None => pools.push(Value::Object(pool)),
    }
    Ok(wish(cluster, &pools))
}

/// The PUT of a whole cluster that leaves one pool out; `None` when there is no such pool.
pub fn without_pool(cluster: &Cluster, name: &str) -> Option<Value> {
    all(cluster)
        .any(|pool| is(pool, name))
        .then(|| wish(cluster, &all(cluster).filter(|pool| !is(pool, name)).cloned().collect::<Vec<_>>()))
}

fn all(cluster: &Cluster) -> impl Iterator<Item = &Value> {
    cluster.document.at("properties.agentPoolProfiles").and_then(Value::as_array).into_iter().flatten()
}

fn is(pool: &Value, name: &str) -> bool {
    pool["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name))
}

fn wish(cluster: &Cluster, pools: &[Value]) -> Value {
    json!({ "location": cluster.document.text("location"), "properties": { "agentPoolProfiles": pools } })
}

/// Fills in what a pool leaves open. An empty text means the default.
pub(super) fn fill(document: &mut Document, version: KubernetesVersion) {
    let pools = document.properties_mut().get_mut("agentPoolProfiles").and_then(Value::as_array_mut);
    for (at, pool) in pools.into_iter().flatten().enumerate() {
        let Some(pool) = pool.as_object_mut() else { continue };
        let defaults = [
            ("count", json!(1)),
            ("vmSize", json!("Simulated")),
            ("osType", json!("Linux")),
            ("type", json!("VirtualMachineScaleSets")),
            ("mode", json!(if at == 0 { SYSTEM } else { "User" })),
            ("orchestratorVersion", json!(version.to_string())),
        ];
        for (name, value) in defaults {
            if pool.get(name).is_none_or(|have| have.as_str() == Some("")) {
                pool.insert(name.to_owned(), value);
            }
        }
    }
}

const SYSTEM: &str = "System";
// As many as the service takes.
const MAX_NODES: u64 = 1000;
