#!/usr/bin/env bash
# Other people's client libraries for node, from the lock file in tests/clients.
. "$(dirname "$0")/lib.sh"

step "installing other people's clients (tests/clients)"
if is_fresh tests/clients/node_modules/.stamp tests/clients/package-lock.json; then fresh tests/clients/node_modules; exit 0; fi
(cd tests/clients && npm ci --silent --no-audit --no-fund --ignore-scripts)
stamp_of tests/clients/package-lock.json > tests/clients/node_modules/.stamp
done_ "$(cd tests/clients && node -p 'Object.entries(require("./package.json").dependencies).map(([n, v]) => n + " " + v).join(", ")')"
