//! An expression of a template.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_server::fuzz::template(data));
