#!/usr/bin/env bash
# The original kubelogin, built from its pinned module into target/tools: ours is measured against it.
. "$(dirname "$0")/lib.sh"

version=v0.2.21
tools=$PWD/target/tools
step "building the stock kubelogin $version into target/tools (about two minutes of CPU, once)"
if [ -x "$tools/kubelogin" ] && [ "$(cat "$tools/.kubelogin" 2>/dev/null)" = "$version" ]; then fresh "$tools/kubelogin"; exit 0; fi
mkdir -p "$tools"
# The Go command of this machine is the one that builds; a newer one is never fetched.
GOTOOLCHAIN=local GOBIN=$tools CGO_ENABLED=0 go install -trimpath -ldflags "-s -w -X main.gitTag=$version" "github.com/Azure/kubelogin@$version"
echo "$version" > "$tools/.kubelogin"
done_ target/tools/kubelogin
