#!/usr/bin/env bash
# Says at once which tool is missing or too old, instead of failing in the middle of a build.
. "$(dirname "$0")/lib.sh"

need git 'install git with your package manager'
need gcc 'install a C compiler: `apt-get install build-essential`'
need cargo 'install Rust with rustup (https://rustup.rs); `rust-toolchain.toml` picks the version'
need go 'install Go 1.26 or newer (https://go.dev/dl); it builds the Kubernetes control plane'
go_version=$(go env GOVERSION); go_version=${go_version#go}
at_least "${go_version%%[!0-9.]*}" 1.26 || die "Go $go_version is too old for Kubernetes 1.37" 'install Go 1.26 or newer (https://go.dev/dl)'

if [ "${1:-}" = test ]; then
  need python3 'install Python 3.11 or newer with its `venv` module'
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "$(python3 --version) is too old for the pinned azure-cli" 'install Python 3.11 or newer'
  need npm 'install Node.js 20 or newer; it drives the browser that looks at the pages'
fi
