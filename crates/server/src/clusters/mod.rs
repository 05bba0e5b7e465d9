//! Clusters: those that Entrance starts itself, and those that exist.

pub mod incluster;
pub mod local;
