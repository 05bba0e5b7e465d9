//! Stories on a whole server, and Entrance against the real programs.

mod arm;
mod authority;
mod core;
mod graph;
mod local_plane;
mod reviews;
