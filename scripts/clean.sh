#!/usr/bin/env bash
# Removes what was built or installed inside the repository. A demo that still runs is stopped by its own Ctrl-C, not by this.
. "$(dirname "$0")/lib.sh"

step 'removing target/ and tests/*/node_modules/'
rm -rf target tests/browser/node_modules tests/clients/node_modules
done_ 'the next build starts from nothing'
