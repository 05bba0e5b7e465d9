//! A compact signed token of somebody else.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_wire::fuzz::jws(data));
