//! Stories on a whole server, and Entrance against the real programs.

mod arm;
mod audit;
mod authority;
mod core;
mod doors;
mod faults;
mod graph;
mod groups;
mod local_plane;
mod observe;
mod reviews;
mod sealed;
mod trail;
mod webhook;
mod why;
