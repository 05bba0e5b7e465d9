#!/usr/bin/env bash
# Everything the continuous integration runs, cheapest first. Words after `--` go to the journey's pytest.
# How long each stage took is told just before pytest's own closing line.
. "$(dirname "$0")/lib.sh"

export INSTA_UPDATE=no CARGO_TERM_PROGRESS_WHEN=never
# The tests that need a real control plane use the one built here, and are not skipped.
export ENTRANCE_CONTROLPLANE=$PWD/target/controlplane/controlplane
# Recorded cases and requests run with the original beside ours.
export ENTRANCE_STOCK_KUBELOGIN=$PWD/target/tools/kubelogin
export ENTRANCE_STAGES=$PWD/target/stages.tsv
mkdir -p target; : > "$ENTRANCE_STAGES"
stage() { # NAME COMMAND…
  local name=$1 since=$SECONDS; shift
  "$@" || die "stage \`$name\` failed" "run it alone: \`$*\`"
  printf '%s\t%d\n' "$name" "$((SECONDS - since))" >> "$ENTRANCE_STAGES"
}
prepare() {
  scripts/check-tools.sh test || return 1
  # Waits for the network while the compilers wait for the processor.
  { scripts/setup-debian.sh && scripts/setup-venv.sh && scripts/setup-browser.sh && scripts/setup-clients.sh; } > target/prepare.log 2>&1 & local tools=$!
  scripts/build-controlplane.sh && scripts/setup-helm.sh && scripts/setup-stock-kubelogin.sh || { kill "$tools" 2>/dev/null; return 1; }
  wait "$tools" || { cat target/prepare.log >&2; return 1; }
  cat target/prepare.log >&2
}
# `set -e` does not reach into what stands before `||`: each command here says itself that it failed.
rust_tests() { step 'cargo test, documentation tests included'; cargo test --locked --quiet --workspace && done_ 'all crates'; }
go_tests() { step 'gofmt, go vet, go test'; controlplane/check.sh && done_ controlplane; }

stage 'tools and control plane' prepare
stage 'format and lints' scripts/lint.sh quick
stage 'programs' scripts/build-programs.sh
stage 'tests in Rust' rust_tests
stage 'tests in Go' go_tests
step 'the journey: az, kubectl and both kubelogins against a real API server'
exec scripts/journey.sh "$@"
