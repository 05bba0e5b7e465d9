#!/usr/bin/env bash
# How fast it is: printed, never asserted. A word chooses: `micro`, `kubelogin`, `kubectl`, `az`, `records`, `removal`, `rps`; none runs all.
. "$(dirname "$0")/lib.sh"

want=${1:-all}
case $want in all | micro)
  step 'token reviews, token signing and access checks, in process (optimised build: some minutes the first time)'
  cargo bench --locked --quiet -p entrance-server --bench tokens --bench review
  cargo bench --locked --quiet -p entrance-store --bench access
  done_ 'in process' ;;
esac
case $want in all | kubelogin)
  step 'calls of kubelogin, beside the original and an empty process (optimised build: some minutes the first time)'
  scripts/setup-stock-kubelogin.sh && scripts/setup-venv.sh
  cargo build --locked --quiet --profile plugin -p kubelogin
  target/venv/bin/python benches/kubelogin.py
  done_ 'in turns' ;;
esac
[ "$want" = micro ] || [ "$want" = kubelogin ] || { [ -x target/venv/bin/python ] && [ -x target/debug/entrance ]; } \
  || die 'the programs are not built yet' '`make build` and `scripts/setup-venv.sh` make them'
# bench NAME FILE STEP DONE: one of the programs in benches/, if it is wanted.
bench() {
  case $want in all | "$1") ;; *) return 0 ;; esac
  step "$3"; target/venv/bin/python "benches/$2"; done_ "$4"
}
bench kubectl first_kubectl.py 'from PUT to the first allowed kubectl, against the control plane alone' 'with a real API server'
bench az az.py "the server's part in the time of \`az aks\` and \`az role\` commands" 'with the stock az'
bench records records.py 'the resource manager with many clusters and role assignments' 'in the server'
bench removal removal_to_refusal.py 'from the removal of a member to the first refusal, 200 times (some minutes)' 'with a real API server'
bench rps apiserver_rps.py "the API server's requests per second with our tokens, against client certificates" 'with a real API server'
