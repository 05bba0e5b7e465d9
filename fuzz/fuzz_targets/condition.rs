//! A condition of a role assignment.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_server::fuzz::condition(data));
