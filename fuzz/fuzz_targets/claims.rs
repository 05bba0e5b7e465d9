//! The `claims` parameter.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_server::fuzz::claims(data));
