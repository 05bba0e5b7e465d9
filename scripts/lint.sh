#!/usr/bin/env bash
# Everything that reads the code without running it.
. "$(dirname "$0")/lib.sh"

step 'cargo fmt --check'; cargo fmt --all --check; done_ formatted
step 'cargo clippy, warnings are errors'; cargo clippy --locked --quiet --workspace --all-targets -- -D warnings; done_ 'no warnings'
if [ "${1:-}" != quick ]; then
  step 'gofmt, go vet'; controlplane/check.sh all; done_ controlplane
  step 'cargo doc, warnings are errors'; RUSTDOCFLAGS='-D warnings' cargo doc --locked --quiet --workspace --no-deps; done_ target/doc
fi
step 'docs/conformance.md: up to date, each rule with a test or a reason'; scripts/conformance.py --check; done_ docs/conformance.md
step 'cargo deny: bans, licences, sources'
if command -v cargo-deny >/dev/null; then cargo deny --locked --offline check bans licenses sources; done_ deny.toml
else fresh 'not checked: `cargo install --locked cargo-deny` brings the tool'; fi
