//! An access token in the proof of a key (S-431).
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_wire::fuzz::pop(data));
