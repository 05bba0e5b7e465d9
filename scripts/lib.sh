# Words and manners that every script shares. Use: `. "$(dirname "$0")/lib.sh"`.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

if [ -t 2 ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else bold='' dim='' red='' green='' plain=''; fi

# What is about to happen, and why one might wait for it.
step() { STEP_SINCE=$SECONDS; printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }
# How the step ended.
done_() { printf '    %sok%s %s %s(%ds)%s\n' "$green" "$plain" "$*" "$dim" "$((SECONDS - STEP_SINCE))" "$plain" >&2; }
# Nothing to do.
fresh() { printf '    %sup to date%s %s\n' "$dim" "$plain" "$*" >&2; }
# Stop: what is wrong, then what to do.
die() { printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2; [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2; exit 1; }
# need PROGRAM HINT: stops when the program is missing.
need() { command -v "$1" >/dev/null || die "\`$1\` is not installed" "$2"; }
# at_least HAVE WANT: compares dotted versions.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }
# is_fresh STAMP INPUT…: true when STAMP was written for exactly these inputs.
stamp_of() { cat "$@" | sha256sum | cut -d' ' -f1; }
is_fresh() { local file=$1; shift; [ -f "$file" ] && [ "$(cat "$file")" = "$(stamp_of "$@")" ]; }
# as_root COMMAND…: runs it directly or through sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo -n "$@"
  else die "\`$*\` needs root" "run it yourself, then start again"; fi
}
