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
case $want in all | kubectl)
  step 'from PUT to the first allowed kubectl, against the control plane alone'
  target/venv/bin/python benches/first_kubectl.py
  done_ 'with a real API server' ;;
esac
case $want in all | az)
  step "the server's part in the time of \`az aks\` and \`az role\` commands"
  target/venv/bin/python benches/az.py
  done_ 'with the stock az' ;;
esac
case $want in all | records)
  step 'the resource manager with many clusters and role assignments'
  target/venv/bin/python benches/records.py
  done_ 'in the server' ;;
esac
case $want in all | removal)
  step 'from the removal of a member to the first refusal, 200 times (some minutes)'
  target/venv/bin/python benches/removal_to_refusal.py
  done_ 'with a real API server' ;;
esac
case $want in all | rps)
  step "the API server's requests per second with our tokens, against client certificates"
  target/venv/bin/python benches/apiserver_rps.py
  done_ 'with a real API server' ;;
esac
