//! Managed clusters: what a request may ask for, what a cluster is, and the steps from here to there (contract R, 1).
//!
//! A request's body becomes a [`Document`] that keeps members we do not know, and a [`Spec`] that cannot be wrong.
//! [`create`] and [`update`] hold all rules; [`plan`] turns the difference between wish and reality into steps.

mod document;
pub mod door;
mod health;
mod plan;
mod pools;
mod put;
mod record;
mod reset;
mod sealed_door;
mod shape;
mod show;
mod sign_in;
mod spec;
mod state;
mod unacceptable;
mod versions;

#[cfg(test)]
mod rules;

pub use document::Document;
pub use door::Door;
pub use health::{Ailment, Condition};
pub use plan::{Desired, Keys, Observed, Stage, Step, plan};
pub use pools::{Pool, with_pool, without_pool};
pub use put::{Accepted, House, Quota, Warning, create, retag, update};
pub use record::{Cluster, Endpoint, Etag};
pub use reset::{reset_service_principal, reset_sign_in};
pub use sealed_door::{SealedDoor, Sealing};
pub use show::{Showing, fqdn, show};
pub use sign_in::{Managed, SignIn};
pub use spec::{EntranceProfile, Profile, Spec, TokenAudience, UserName};
pub use state::{Busy, Failure, NotNow, Power, State, Work};
pub use unacceptable::Unacceptable;
pub use versions::{BadVersion, KubernetesVersion, Versions};
