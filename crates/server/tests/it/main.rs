//! Stories on a whole server, and Entrance against the real programs.

mod core;
mod local_plane;
