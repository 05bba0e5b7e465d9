//! The running system: listeners, token service, directory API, resource manager, clusters and their webhooks.
//!
//! [`Server::start`] opens a data directory and listens. What a request does reads in one place: its endpoint parses,
//! asks whether it is allowed, lets `model` decide, commits, and shows the answer.

mod app;
#[doc(hidden)]
pub mod arm;
mod audit;
pub mod authority;
mod clock;
pub mod clusters;
mod config;
mod data_dir;
pub mod directory;
mod endpoint;
mod explain;
mod freshness;
#[doc(hidden)]
pub mod fuzz;
mod graph;
mod hasher;
mod hex;
pub mod http;
pub mod jobs;
mod listeners;
pub mod observe;
mod pages;
mod passwords;
pub mod sealed;
mod server;
pub mod setup;
mod tasks;
pub mod webhook;

pub use app::App;
pub use clock::Clock;
pub use config::{Config, Exceptions, Mode, PasswordCost, SignInRate, TrustedIssuer, WriteRate};
pub use data_dir::{DataDir, DataDirError};
pub use endpoint::Endpoint;
pub use hasher::Hasher;
pub use passwords::{BadList, Breached};
pub use server::{Server, StartError};
pub use tasks::Tasks;
