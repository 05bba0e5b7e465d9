#!/usr/bin/env bash
# Builds `entrance` and `kubelogin` in the profile that the tests use too, so that dependencies are compiled once.
. "$(dirname "$0")/lib.sh"

step 'building `entrance` and `kubelogin` (the first build compiles the dependencies too: some minutes)'
cargo build --locked --bin entrance --bin kubelogin
done_ target/debug/entrance, target/debug/kubelogin
