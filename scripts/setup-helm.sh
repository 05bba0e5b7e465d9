#!/usr/bin/env bash
# The real helm, built from its pinned module (tests/helm) into target/tools: it installs charts as people of the journey.
. "$(dirname "$0")/lib.sh"

helm=$PWD/target/tools/helm
inputs=(tests/helm/go.mod tests/helm/go.sum scripts/setup-helm.sh)
version=$(sed -n 's|.*helm\.sh/helm/v3 \(v[0-9.]*\).*|\1|p' tests/helm/go.mod | head -n1)
step "building helm $version into target/tools (less than a minute after the control plane, whose libraries it shares)"
if [ -x "$helm" ] && is_fresh "$PWD/target/tools/.helm" "${inputs[@]}"; then fresh "$helm"; exit 0; fi
mkdir -p target/tools
kubernetes=$(sed -n 's|.*k8s\.io/client-go \(v[0-9.]*\).*|\1|p' controlplane/go.mod | head -n1)
grep -q "k8s.io/client-go $kubernetes " tests/helm/go.mod || printf '    note: tests/helm/go.mod has other Kubernetes libraries than the control plane (%s); all of them are compiled again\n' "$kubernetes" >&2
# The flags of controlplane/build.sh: only with the same ones does the compiler know its own work again.
(cd tests/helm && GOTOOLCHAIN=local CGO_ENABLED=0 go build -trimpath -buildvcs=false -gcflags=all=-dwarf=false \
  -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$version" -o "$helm.new" helm.sh/helm/v3/cmd/helm)
mv "$helm.new" "$helm"
stamp_of "${inputs[@]}" > target/tools/.helm
done_ target/tools/helm
