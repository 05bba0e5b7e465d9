#!/usr/bin/env bash
# What only the distribution can give: a browser for the pages, `ip` and `unshare` for the journey without a network,
# `strace` to see what the plugin asks of the kernel.
. "$(dirname "$0")/lib.sh"

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v chromium-headless-shell >/dev/null || missing+=(chromium-headless-shell)
command -v ip >/dev/null || missing+=(iproute2)
command -v unshare >/dev/null || missing+=(util-linux)
command -v strace >/dev/null || missing+=(strace)
step 'looking for chromium, ip, unshare and strace'
if [ ${#missing[@]} = 0 ]; then fresh 'all there'; exit 0; fi
command -v apt-get >/dev/null || die "missing: ${missing[*]}" 'install them with your package manager'
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
done_ "installed ${missing[*]}"
