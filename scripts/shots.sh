#!/usr/bin/env bash
# Pictures of the pages and of the demo's words, into docs/images. Run it again whenever they look different.
. "$(dirname "$0")/lib.sh"

entrance=${ENTRANCE:-target/debug/entrance}
for made in "$entrance" target/controlplane/controlplane tests/browser/node_modules; do
  [ -e "$made" ] || die "\`$made\` is not there yet" '`make docs-shots` makes everything first'
done
work=$(mktemp -d)
server=''
cleanup() {
  [ -z "$server" ] || { kill -TERM "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
  # Control planes outlive a server on purpose; these work in our own folder and go with it.
  for process in /proc/[0-9]*; do
    case "$(readlink "$process/cwd" 2>/dev/null)" in "$work/pages"*) kill -KILL "${process#/proc/}" 2>/dev/null || true ;; esac
  done
  rm -rf "$work"
}
trap cleanup EXIT
places=(--controlplane "$PWD/target/controlplane/controlplane")
mkdir -p docs/images

step 'recording `entrance demo --once` as a terminal shows it'
COLUMNS=110 script --quiet --return --command \
  "stty cols 110 rows 50; $entrance demo --data '$work/story' ${places[*]@Q} --once" "$work/story.ansi" >/dev/null \
  || { cat "$work/story.ansi" >&2; die 'the demo did not end well'; }
node tests/browser/terminal.mjs "$work/story.ansi" docs/images/demo.svg docs/images/demo.txt "$work=/tmp/entrance"
done_ 'docs/images/demo.svg, docs/images/demo.txt'

step 'taking pictures of the sign-in page and the device pages'
"$entrance" demo --data "$work/pages" "${places[@]}" > "$work/pages.log" 2>&1 &
server=$!
for _ in $(seq 600); do
  [ -f "$work/pages/demo.env" ] && grep -q 'Now try it yourself' "$work/pages.log" && break
  kill -0 "$server" 2>/dev/null || { cat "$work/pages.log" >&2; die 'the demo ended early'; }
  sleep 0.2
done
# shellcheck source=/dev/null
. "$work/pages/demo.env"
node tests/browser/pages.mjs docs/images
done_ "$(cd docs/images && ls -- *.png | tr '\n' ' ')"
