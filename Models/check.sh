#!/bin/sh
# Runs the model of the limits' protocol through every reachable state, then with each mistake that must be found.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v spin >/dev/null 2>&1 || sh "$here/../scripts/setup.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# run NAME OPTIMISATION [-DMISTAKE]: builds and runs the verifier; its report is in NAME.txt
run() {
    spin -a ${3:-} "$here/limits.pml" >"$1.spin" || { cat "$1.spin"; exit 1; }
    gcc $2 -w -DSAFETY -DCOLLAPSE -DNOFAIR -DVECTORSZ=2048 -o "pan-$1" pan.c
    "./pan-$1" -m200000 -w24 >"$1.txt" 2>&1 || { cat "$1.txt"; exit 1; }
}

run model -O2
grep -q "errors: 0" model.txt && ! grep -q "max search depth too small" model.txt || { cat model.txt; exit 1; }
grep "states, stored" model.txt
for mistake in CHECK_THEN_TAKE POST_TWICE GRANT_TWICE TAKE_TWICE NO_EPOCH FORGET_SENT; do
    run "$mistake" -O0 "-D$mistake"
    grep -q "assertion violated" "$mistake.txt" || { echo "not found: $mistake"; cat "$mistake.txt"; exit 1; }
    echo "found: $mistake"
done
