#!/usr/bin/env bash
# What only the distribution can give: a browser for the pages, `ip` and `unshare` for the journey without a network.
. "$(dirname "$0")/lib.sh"

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v chromium-headless-shell >/dev/null || missing+=(chromium-headless-shell)
command -v ip >/dev/null || missing+=(iproute2)
command -v unshare >/dev/null || missing+=(util-linux)
step 'looking for chromium, ip and unshare'
if [ ${#missing[@]} = 0 ]; then fresh 'all there'; exit 0; fi
command -v apt-get >/dev/null || die "missing: ${missing[*]}" 'install them with your package manager'
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
done_ "installed ${missing[*]}"
