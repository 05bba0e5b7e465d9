//! JSON with comments, as templates are written.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_wire::fuzz::jsonc(data));
