#!/usr/bin/env bash
# How fast it is: printed, never asserted. Words choose: `scripts/bench.sh kubectl`, `scripts/bench.sh micro`; none runs all.
. "$(dirname "$0")/lib.sh"

want=${1:-all}
case $want in all | micro)
  step 'token reviews and token signing, in process (optimised build: some minutes the first time)'
  cargo bench --locked --quiet -p entrance-server --bench tokens --bench review
  done_ 'in process' ;;
esac
case $want in all | kubectl)
  [ -x target/venv/bin/python ] && [ -x target/debug/entrance ] || die 'the programs are not built yet' '`make build` and `scripts/setup-venv.sh` make them'
  step 'from PUT to the first allowed kubectl, against the control plane alone'
  target/venv/bin/python benches/first_kubectl.py
  done_ 'with a real API server' ;;
esac
