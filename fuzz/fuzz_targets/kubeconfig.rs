//! Somebody's kubeconfig, edited.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| entrance_wire::fuzz::kubeconfig(data));
