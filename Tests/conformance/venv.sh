#!/bin/sh
# Makes .venv-conformance with the pinned packages, and does nothing when it is there and the pins are the same.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=$here/../../.venv-conformance
if [ -f "$venv/pins" ] && cmp -s "$here/requirements.txt" "$venv/pins"; then exit 0; fi
rm -rf "$venv"
python3 -m venv "$venv"
echo "Installing the clients of the conformance suite into .venv-conformance"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
cp "$here/requirements.txt" "$venv/pins"
