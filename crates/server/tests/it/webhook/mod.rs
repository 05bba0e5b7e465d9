//! Reviews as an API server asks them: a whole server, its real webhook listener, a client certificate of a cluster.

mod attacks;
mod directory;
mod holder;
mod possession;
mod real;
mod world;
