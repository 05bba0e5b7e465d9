//! The rules of Entrance: what a directory, a sign-in, a cluster and a right are, and what follows from them.
//!
//! Nothing here reads a clock, a file or a network, and nothing here is random: time, random bytes and the acting
//! person come in as arguments. A rule that could be tested with pen and paper belongs here.

pub mod access;
pub mod arm;
pub mod audit;
pub mod cluster;
pub mod directory;
pub mod directory_rules;
pub mod id;
pub mod name;
pub mod recovery;
pub mod review;
pub mod signin;
pub mod template;
pub mod well_known;

pub use jiff::Timestamp;
