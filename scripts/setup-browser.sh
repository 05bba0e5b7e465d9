#!/usr/bin/env bash
# The packages that drive the browser, from the lock file in tests/browser.
. "$(dirname "$0")/lib.sh"

step 'installing what drives the browser (tests/browser)'
if is_fresh tests/browser/node_modules/.stamp tests/browser/package-lock.json; then fresh tests/browser/node_modules; exit 0; fi
(cd tests/browser && npm ci --silent --no-audit --no-fund --ignore-scripts)
stamp_of tests/browser/package-lock.json > tests/browser/node_modules/.stamp
done_ "$(cd tests/browser && node -p 'Object.entries(require("./package.json").dependencies).map(([n, v]) => n + " " + v).join(", ")')"
