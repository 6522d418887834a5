#!/bin/sh
# Makes .venv-agents (Codex, Claude Code, mini-swe-agent, pytest) and .venv-agents-aider (aider pins an older litellm), and does
# nothing when they are there and the pins are the same. About 600 MB to download, 2 GB on disk.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

make_venv() { # NAME REQUIREMENTS CONSTRAINTS
    pins=$(cat "$here/$2" "$here/$3" | sha256sum)
    if [ -f "$root/$1/pins" ] && [ "$(cat "$root/$1/pins")" = "$pins" ]; then return 0; fi
    echo "Installing $(grep -v '^#' "$here/$2" | tr '\n' ' ')into $1"
    rm -rf "${root:?}/$1"
    python3 -m venv "$root/$1"
    "$root/$1/bin/python" -m pip install --quiet --disable-pip-version-check \
        --requirement "$here/$2" --constraint "$here/$3"
    printf '%s\n' "$pins" > "$root/$1/pins"
}

make_venv .venv-agents requirements.txt constraints.txt
make_venv .venv-agents-aider requirements-aider.txt constraints-aider.txt
