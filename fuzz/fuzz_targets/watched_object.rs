//! An object of a cluster that is searched for the groups it mentions.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_server::fuzz::watched_object(data));
