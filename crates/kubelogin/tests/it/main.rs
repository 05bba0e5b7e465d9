//! The program as people and other programs meet it: one executable, so that it is linked once.

mod bad_authority;
mod browser;
#[cfg(target_os = "linux")]
mod chained;
mod completion;
mod convert;
mod convert_words;
mod doctor;
mod fast;
mod handed_out;
mod messages;
mod people;
mod protocol;
mod recorded;
mod refused;
mod storms;
mod support;
#[cfg(target_os = "linux")]
mod wire;
