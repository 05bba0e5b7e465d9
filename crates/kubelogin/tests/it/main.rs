//! The program as people and other programs meet it: one executable, so that it is linked once.

mod browser;
mod doctor;
mod handed_out;
mod messages;
mod people;
mod protocol;
mod recorded;
mod refused;
mod support;
