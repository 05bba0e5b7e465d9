//! The data actions that roles can name: what may be done to objects inside a cluster (contract R, 3.5).

use serde::Deserialize;

/// What the names of all of them begin with.
pub const DATA_ACTION_PREFIX: &str = "Microsoft.ContainerService/managedClusters";

/// A kind of object inside a cluster, and what can be granted on it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DataActions {
    /// Its API group; empty for the first one.
    pub group: String,
    /// Its plural name.
    pub resource: String,
    /// Whether it lives in a namespace.
    pub namespaced: bool,
    actions: Vec<String>,
}

impl DataActions {
    /// All kinds that are known.
    ///
    /// # Panics
    /// When the table inside the program is damaged, which a test rules out.
    pub fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../../data/data-actions.json")).expect("the table is read by a test")
    }

    /// The names that roles use, such as `Microsoft.ContainerService/managedClusters/apps/deployments/read`.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let group = if self.group.is_empty() { String::new() } else { format!("{}/", self.group) };
        self.actions.iter().map(move |action| format!("{DATA_ACTION_PREFIX}/{group}{}/{action}", self.resource))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_read_and_names_each_action_once() {
        let all: Vec<String> = DataActions::all().iter().flat_map(DataActions::names).collect();
        let once: BTreeSet<&String> = all.iter().collect();
        assert_eq!(once.len(), all.len());
        for name in ["pods/read", "pods/exec/action", "apps/deployments/write", "secrets/delete"] {
            assert!(once.contains(&format!("{DATA_ACTION_PREFIX}/{name}")), "{name}");
        }
    }
}
