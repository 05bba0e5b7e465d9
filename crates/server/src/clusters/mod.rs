//! Clusters: those that Entrance starts itself, and those that exist.

pub(crate) mod diagnose;
pub mod doors;
pub mod driver;
pub mod finding;
pub mod incluster;
pub mod local;
pub mod on_this_machine;
pub mod references;
mod renewal;
pub(crate) mod sealing;
pub mod unavailable;

use std::path::Path;
use std::sync::Arc;

use entrance_model::arm::Location;
use entrance_model::cluster::Versions;
use entrance_store::Store;

pub use driver::{Certificate, Doing, Driver, DriverError, Shutting};
pub use on_this_machine::OnThisMachine;
pub use references::References;

pub use unavailable::Unavailable;

use crate::clock::Clock;
use crate::data_dir::DataDir;
use crate::directory::Directory;
use crate::tasks::Tasks;
use crate::webhook::Webhooks;
use incluster::{Keeping, Reconcilers};
use renewal::Renewal;

/// The drivers of this server. Today there is one kind: control planes on this machine.
pub struct Clusters {
    driver: Arc<dyn Driver>,
    /// Held while a sealed door is being changed.
    pub(crate) sealing: tokio::sync::Mutex<()>,
}

impl Clusters {
    /// Clusters by this driver.
    pub fn new(driver: Arc<dyn Driver>) -> Self {
        Self { driver, sealing: tokio::sync::Mutex::default() }
    }

    /// Control planes on this machine, under the data directory. A server without the program for them starts all the
    /// same, and says what is missing when a cluster is asked for.
    pub fn on_this_machine(data: &DataDir, program: Option<&Path>, house: &House<'_>) -> Self {
        let (clock, webhooks) = (house.clock.clone(), Arc::clone(house.webhooks));
        let now: local::Clock = Arc::new(move || clock.now());
        let planes =
            local::Binary::find(program).and_then(|found| local::Planes::open(&data.join("clusters"), found, Arc::clone(&now)));
        let driver: Arc<dyn Driver> = match planes {
            Ok(planes) => {
                let webhook: on_this_machine::WebhookDoor =
                    Arc::new(move |uid, now| webhooks.access(uid, now).map_err(|error| error.to_string()));
                let planes = Arc::new(planes);
                let keeper = house.keeper(&planes);
                let renewal = Renewal::new(Arc::clone(&planes), Arc::clone(&webhook), Arc::clone(&now));
                house.tasks.spawn("webhook certificates", renewal.run());
                Arc::new(OnThisMachine::new(planes, webhook, now, keeper))
            }
            Err(error) => {
                tracing::warn!(%error, "no control planes can be started");
                Arc::new(Unavailable(error.to_string()))
            }
        };
        Self::new(driver)
    }

    /// The driver of every cluster.
    pub fn driver(&self) -> &dyn Driver {
        self.driver.as_ref()
    }

    /// The Kubernetes versions that can run.
    pub fn versions(&self) -> Versions {
        self.driver.versions()
    }
}

/// What control planes on this machine share with the rest of the server.
pub struct House<'a> {
    /// What it remembers.
    pub store: &'a Store,
    /// The directory in memory.
    pub people: &'a Directory,
    /// What time it is.
    pub clock: &'a Clock,
    /// Background tasks.
    pub tasks: &'a Tasks,
    /// The listener that API servers ask.
    pub webhooks: &'a Arc<Webhooks>,
    /// What clusters refer to.
    pub references: &'a References,
}

impl House<'_> {
    /// Keeps what is ours inside clusters, and follows what they refer to.
    fn keeper(&self, planes: &Arc<local::Planes>) -> Reconcilers {
        let with = Keeping {
            store: self.store.clone(),
            people: self.people.clone(),
            clock: self.clock.clone(),
            reach: Arc::<local::Planes>::clone(planes),
            references: self.references.clone(),
        };
        Reconcilers::new(with, self.tasks.clone())
    }
}

/// What public names of clusters end with. Nothing resolves them: kubeconfigs name the real address.
pub(crate) const DNS_SUFFIX: &str = "entrance.local";
///
pub(crate) const MAX_ADMIN_GROUPS: usize = 20;
/// the service's own limit for a subscription.
pub(crate) const MAX_CLUSTERS: usize = 1000;

/// Locations on offer: everything runs here, so these are only names, those that scripts and templates have in them.
pub(crate) const LOCATIONS: &[(&str, &str)] = &[
    ("local", "Local"),
    ("eastus", "East US"),
    ("eastus2", "East US 2"),
    ("centralus", "Central US"),
    ("westus", "West US"),
    ("westus2", "West US 2"),
    ("westus3", "West US 3"),
    ("northeurope", "North Europe"),
    ("westeurope", "West Europe"),
    ("germanywestcentral", "Germany West Central"),
    ("uksouth", "UK South"),
    ("francecentral", "France Central"),
    ("swedencentral", "Sweden Central"),
    ("switzerlandnorth", "Switzerland North"),
    ("southeastasia", "Southeast Asia"),
    ("japaneast", "Japan East"),
    ("australiaeast", "Australia East"),
    ("centralindia", "Central India"),
    ("chinaeast", "China East"),
    ("chinaeast2", "China East 2"),
];

pub(crate) fn locations() -> Vec<Location> {
    LOCATIONS.iter().map(|(name, _)| name.parse().expect("a test reads the table")).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_of_locations_is_canonical() {
        for (location, (name, display)) in super::locations().iter().zip(super::LOCATIONS) {
            assert_eq!(location.as_str(), *name);
            assert_eq!(display.parse().ok().as_ref(), Some(location), "{display}");
        }
    }
}
