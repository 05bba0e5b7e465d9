//! Stories on a whole server, and Entrance against the real programs.

mod aggregated;
mod arm;
mod audit;
mod authority;
mod core;
mod corpus;
mod defence;
mod doors;
mod factors;
mod faults;
mod gate;
mod graph;
mod groups;
mod keeping;
mod listener;
mod local_plane;
mod names;
mod observe;
mod reviews;
mod sealed;
mod trail;
mod webhook;
mod why;
mod workload;
