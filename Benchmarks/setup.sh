#!/bin/sh
# What the benchmarks need beyond Weir itself: Go for the load generator, nginx and LiteLLM's proxy to compare with.
set -eu
cd "$(dirname "$0")/.."
missing=""
command -v go >/dev/null || missing="$missing golang-go"
command -v nginx >/dev/null || missing="$missing nginx-light"
command -v openssl >/dev/null || missing="$missing openssl"
if [ -n "$missing" ]; then
    echo "installing$missing" >&2
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing) >/dev/null
fi
mkdir -p Benchmarks/out
(cd Benchmarks/load && GOFLAGS=-mod=mod go build -o ../out/load .)
# Pinned: the newest release that installs from PyPI alone. Without it the table has no LiteLLM column.
if [ ! -x .venv-bench/bin/litellm ]; then
    python3 -m venv .venv-bench
    .venv-bench/bin/pip install -q --disable-pip-version-check 'litellm[proxy]==1.106.2' ||
        echo "LiteLLM could not be installed; its column stays empty" >&2
fi
