#!/usr/bin/env bash
# Builds the control plane (see main.go) into target/controlplane/ at the root of the repository, or into the folder given as argument.
# Nothing is done when it is up to date. From nothing it compiles all of Kubernetes: about 11 minutes of processor time, 3 GB of memory and
# 4 GB of Go caches; after that a change here costs some ten seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${1:-../target/controlplane}

kubernetes=v1.37.2
stamps="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  stamps+=" -X $package.gitVersion=$kubernetes -X $package.gitMajor=1 -X $package.gitMinor=37 -X $package.gitTreeState=clean"
  stamps+=" -X $package.gitCommit=entrance -X $package.buildDate=2026-10-27T12:01:04Z"
done

say() { printf 'controlplane: %s\n' "$*" >&2; }
spent() { local s=$((SECONDS - began)); printf '%d:%02d' $((s / 60)) $((s % 60)); }

command -v go >/dev/null || {
  say "error: \`go\` is not on the PATH; Go 1.26 or later builds the Kubernetes control plane"
  say "hint: install it, or point \`entrance\` at a finished one with --controlplane"
  exit 1
}
grep -q "k8s.io/kubernetes $kubernetes\$" go.mod || { say "error: build.sh stamps $kubernetes, go.mod has another"; exit 1; }

mapfile -t sources < <(find . -name '*.go' ! -name '*_test.go' | sort)
wanted=$({ cat go.mod go.sum build.sh "${sources[@]}"; go version; go env GOOS GOARCH; } | sha256sum | cut -d' ' -f1)
if [ -x "$out/controlplane" ] && [ "$(cat "$out/.built" 2>/dev/null)" = "$wanted" ]; then
  say "up to date"
  exit 0
fi

began=$SECONDS
mkdir -p "$out"
log=$out/build.log
say "fetching modules (Kubernetes $kubernetes; some 120 MB the first time)"
go mod download
total=$(CGO_ENABLED=0 go list -deps . | wc -l)
say "compiling up to $total packages; log in ${log#../}"

CGO_ENABLED=0 go build -v -trimpath -buildvcs=false -gcflags=all=-dwarf=false -ldflags "$stamps" -o "$out/controlplane.new" . 2>"$log" &
compiler=$!
trap 'kill "$compiler" 2>/dev/null || true' INT TERM
pause=15
if [ -t 2 ]; then pause=1; fi
# A line each fifteen seconds; on a terminal, one line that moves.
last=-$pause
while kill -0 "$compiler" 2>/dev/null; do
  if ((SECONDS - began - last >= pause)); then
    last=$((SECONDS - began))
    line="$(wc -l <"$log") of $total packages compiled, $(spent)"
    # The compiler reports our own package last of all, and none that it finds in its cache; what follows is one long step.
    last_package=$(tail -n1 "$log")
    if [ "$last_package" = entrance.dev/controlplane ] || { [ -z "$last_package" ] && ((last >= 5)); }; then line="linking, $(spent)"; fi
    if [ -t 2 ]; then printf '\r\033[Kcontrolplane: %s' "$line" >&2; else say "$line"; fi
  fi
  sleep 0.3
done
if [ -t 2 ]; then printf '\r\033[K' >&2; fi
if ! wait "$compiler"; then
  # Package names are progress, the rest are the reasons.
  grep -vE '^[A-Za-z0-9._/-]+$' "$log" >&2 || true
  say "error: the build failed after $(spent)"
  exit 1
fi

mv "$out/controlplane.new" "$out/controlplane"
ln -sf controlplane "$out/kubectl"
echo "$wanted" >"$out/.built"
size=$(($(wc -c <"$out/controlplane") / 1000000))
say "built ${out#../}/controlplane: Kubernetes $kubernetes, $size MB, $((SECONDS - began)) s"
