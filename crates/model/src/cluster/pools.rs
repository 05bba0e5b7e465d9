//! Agent pools: records with a size. Nodes of local clusters are simulated, as many as the pools say.

use serde_json::{Value, json};

use super::document::Document;
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
    Ok(pools)
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
            ("mode", json!(if at == 0 { "System" } else { "User" })),
            ("orchestratorVersion", json!(version.to_string())),
        ];
        for (name, value) in defaults {
            if pool.get(name).is_none_or(|have| have.as_str() == Some("")) {
                pool.insert(name.to_owned(), value);
            }
        }
    }
}

// As many as the service takes.
const MAX_NODES: u64 = 1000;
