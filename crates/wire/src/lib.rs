//! Shapes that others defined: what goes over the wire and into files that other people's programs read. One is ours, between
//! our server and our plugin: [`why`].

pub mod exec_credential;
#[doc(hidden)]
pub mod fuzz;
pub mod graph;
pub mod jsonc;
pub mod kubeconfig;
pub mod kubernetes;
pub mod oauth;
pub mod oauth_client;
pub mod why;
pub mod yaml;
