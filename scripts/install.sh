#!/usr/bin/env bash
# Optimised programs into PREFIX/bin: `entrance` unwinds so that one request cannot end the server, `kubelogin` is small.
. "$(dirname "$0")/lib.sh"

prefix=${1:?usage: scripts/install.sh PREFIX}
scripts/build-controlplane.sh
step 'building optimised programs'
cargo build --locked --release --bin entrance
cargo build --locked --profile plugin --bin kubelogin
install -d "$prefix/bin" || die "cannot write to $prefix/bin" 'choose another place: `make install PREFIX=$HOME/.local`'
install -m 0755 target/release/entrance target/plugin/kubelogin target/controlplane/controlplane "$prefix/bin/"
done_ "$prefix/bin/entrance, kubelogin, controlplane"
