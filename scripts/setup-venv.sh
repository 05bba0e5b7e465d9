#!/usr/bin/env bash
# A Python environment with the pinned `az` and the test runner, in target/venv.
. "$(dirname "$0")/lib.sh"

venv=target/venv
step 'installing `az` and the test runner into target/venv'
if is_fresh "$venv/.stamp" tests/requirements.txt; then fresh "$venv"; exit 0; fi
mkdir -p target
python3 -m venv "$venv" || die 'Python cannot make a virtual environment' 'install the `venv` module: `apt-get install python3-venv`'
"$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/requirements.txt
stamp_of tests/requirements.txt > "$venv/.stamp"
done_ "$("$venv/bin/python" -c 'import importlib.metadata as m; print("azure-cli", m.version("azure-cli"), "and pytest", m.version("pytest"))')"
