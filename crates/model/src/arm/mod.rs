//! The resource manager's addresses and rules (contract R): what a scope is, which names are names, what a refusal says.
//!
//! Names and ids compare without case and keep the case they were created in.

pub mod activity;
pub mod filter;
mod lock;
mod name;
mod resources;
mod rule;
mod scope;
pub mod tags;
mod version;

pub use lock::{BadLock, Lock, LockLevel, LockName, Locked};
pub use name::{BadName, ClusterName, GroupName, Location};
pub use resources::{Ended, Operation, ResourceGroup, ResourceGroupDocument, Subscription, Taken, Target};
pub use rule::{Refused, Ruled};
pub use scope::{BadScope, ClusterAddress, Scope};
pub use version::{ApiVersion, BadApiVersion};
