//! An expression of a flexible federated credential.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_server::fuzz::expression(data));
