#!/usr/bin/env bash
# What takes up to an hour: a watch until it times out, long streams, 200 removals. Words are given to pytest.
# STREAM_SECONDS (900) and SAMPLES (200) make it shorter or longer; the watch takes what the API server picks, 30 to 60 minutes.
. "$(dirname "$0")/lib.sh"

exec scripts/journey.sh -m long -o faulthandler_timeout=6000 "$@"
