#!/usr/bin/env bash
# Optimised programs into PREFIX/bin: `entrance` unwinds so that one request cannot end the server, `kubelogin` is small. Completion and the
# manual page of `kubelogin` go where shells and `man` look.
. "$(dirname "$0")/lib.sh"

prefix=${1:?usage: scripts/install.sh PREFIX}
scripts/build-controlplane.sh
step 'building optimised programs'
cargo build --locked --release --bin entrance
cargo build --locked --profile plugin -p kubelogin
install -d "$prefix/bin" || die "cannot write to $prefix/bin" 'choose another place: `make install PREFIX=$HOME/.local`'
install -m 0755 target/release/entrance target/plugin/kubelogin target/controlplane/controlplane "$prefix/bin/"
share=$prefix/share kubelogin=target/plugin/kubelogin
put() { # FILE WORDS…: what kubelogin prints, as a file
  install -d "$(dirname "$share/$1")"
  "$kubelogin" "${@:2}" > "$share/$1"
}
put bash-completion/completions/kubelogin completion bash
put zsh/site-functions/_kubelogin completion zsh
put fish/vendor_completions.d/kubelogin.fish completion fish
put man/man1/kubelogin.1 man
done_ "$prefix/bin/entrance, kubelogin, controlplane"
