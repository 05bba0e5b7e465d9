//! What may be in a directory and who may change it.
//!
//! [`access`] decides who may do what and leaves a proof; the rest checks what they want to write.

pub mod access;
pub mod applications;
pub mod credentials;
pub mod members;
pub mod names;
pub mod password;
