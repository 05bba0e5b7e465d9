//! The body of a token review, as a cluster's API server sends it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_wire::fuzz::token_review(data));
