#!/usr/bin/env bash
# Checks our own Go: format, vet, tests. With the flags of build.sh, so that what it compiled is not compiled again.
#
# `vet` reads every dependency of a package before the package itself. The commands depend on all of Kubernetes and are a few lines each, so
# they are checked only on request (`check.sh all`, some minutes); the simulator, which is ours, always.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export CGO_ENABLED=0
flags=(-trimpath -gcflags=all=-dwarf=false)
packages=(./nodes)
if [ "${1:-}" = all ]; then packages=(./...); fi

unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { printf 'error: not formatted: %s\nhint: gofmt -w controlplane\n' "$unformatted" >&2; exit 1; }
go vet "${flags[@]}" "${packages[@]}"
go test -vet=off "${flags[@]}" "${packages[@]}"
