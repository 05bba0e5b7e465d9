#!/usr/bin/env bash
# Builds the Kubernetes control plane; its own script knows what is up to date.
. "$(dirname "$0")/lib.sh"

exec controlplane/build.sh "$@"
