//! The program as people and other programs meet it: one executable, so that it is linked once.

mod browser;
mod handed_out;
mod protocol;
mod recorded;
mod refused;
mod support;
