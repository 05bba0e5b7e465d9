//! The running system: surfaces, clusters, jobs.

pub mod clusters;
