//! Stories on a whole server.

mod core;
