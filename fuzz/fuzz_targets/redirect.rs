//! A redirect address against a registered one.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_server::fuzz::redirect(data));
