#!/bin/sh
# Installs the Debian packages that building and testing need, and nothing when they are all there.
set -eu
wanted="libsqlite3-dev zlib1g-dev gcc make python3 python3-venv openssl binutils valgrind spin tzdata curl git"
missing=""
for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
# Any Node from 18 on will do for the tests of the OpenCode plugin, wherever it came from.
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Weir's build needs these packages (Debian names):$missing" >&2
    exit 1
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
echo "Installing:$missing"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing
