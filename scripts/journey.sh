#!/usr/bin/env bash
# The journey alone: pytest over what is already built. Words are given to pytest: `scripts/journey.sh -k device`.
. "$(dirname "$0")/lib.sh"

for made in target/venv/bin/pytest:scripts/setup-venv.sh tests/clients/node_modules/.bin:scripts/setup-clients.sh tests/browser/node_modules/axe-core:scripts/setup-browser.sh target/tools/kubelogin:scripts/setup-stock-kubelogin.sh \
  target/tools/helm:scripts/setup-helm.sh target/controlplane/controlplane:scripts/build-controlplane.sh target/debug/entrance:scripts/build-programs.sh; do
  [ -x "${made%%:*}" ] || die "\`${made%%:*}\` is not there yet" "\`${made#*:}\` makes it; \`make test\` makes everything"
done
exec target/venv/bin/pytest -c tests/pytest.ini tests "$@"
