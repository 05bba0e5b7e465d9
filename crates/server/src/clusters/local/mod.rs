//! Control planes that Entrance starts and keeps on this machine, one folder each.
//!
//! A cluster is a folder named by its uid, readable by nobody else, and five processes of the `controlplane` program that are started inside it.
//! They outlive the server: one that starts again adopts the living and starts the missing, and a cluster that lost all its processes comes back
//! with its data. What Kubernetes sees (certificates, flags, configuration files) is made here; what a cluster *is* in the resource manager is not
//! known here.
//!
//! ```no_run
//! # use std::{path::Path, sync::Arc};
//! # use entrance_server::clusters::local::{Binary, Planes, Spec};
//! # async fn example(spec: Spec) -> Result<(), Box<dyn std::error::Error>> {
//! let planes = Planes::open(Path::new("data/clusters"), Binary::find(None)?, Arc::new(jiff::Timestamp::now))?;
//! planes.adopt_all().await?;                                   // at the server's start
//! let running = planes.ensure_running(&spec).await?;           // or `step` by step, for a runner that writes down each
//! println!("{} {}", running.url, running.kubernetes);
//! planes.remove(spec.uid).await?;                              // no process and no file is left
//! # Ok(()) }
//! ```

mod api;
mod binary;
mod break_glass;
mod care;
mod config;
mod doors;
mod error;
mod examine;
mod files;
mod flags;
mod home;
mod keep;
mod part;
mod pki;
mod plane;
mod planes;
mod process;
mod rights;
mod rotate;
mod sealed;

use std::sync::Arc;

use entrance_model::Timestamp;

pub use api::{Probe, probe};
pub use binary::{Binary, Version};
pub use break_glass::{break_glass_roots, issue_break_glass, keep_break_glass_roots};
pub use care::Health;
pub use config::WebhookAccess;
pub use error::LocalError;
pub use home::{Authorizer, ClusterHome, Pool, Record};
pub use part::{Part, PartState, Progress, Step};
pub use pki::{Identity, NODES, OPERATOR, issue_operator};
pub use planes::{Planes, Running, Spec};
pub use rights::Rights;
pub use sealed::{drop_sealed_door, seal_door, sealed_door_of};

/// Tells the time. Handed in, so that tests have their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
