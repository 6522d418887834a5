#!/bin/sh
# Runs every fuzz target for SECONDS each (60 unless said). A finding stops the run, says which input it was, and leaves that
# input in Fuzz/findings/. New inputs that reach new code go to .build-fuzz/corpus, not into the tree.
#
#   sh Fuzz/run-all.sh [SECONDS] [TARGET…]
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
sh Fuzz/build.sh
# The backtracer of a crash takes minutes with a sanitizer.
export SWIFT_BACKTRACE=enable=no
targets=${*:-$(cd Fuzz/Drivers && ls ./*.swift | sed 's,^\./,,; s,\.swift$,,')}
for target in $targets; do
    mkdir -p ".build-fuzz/corpus/$target" Fuzz/findings
    echo "== $target, $seconds s"
    ".build-fuzz/$target" ".build-fuzz/corpus/$target" "Fuzz/corpus/$target" -max_total_time="$seconds" -max_len=4096 \
        -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="Fuzz/findings/$target-" \
        2> ".build-fuzz/$target.log" || { tail -n 40 ".build-fuzz/$target.log"; exit 1; }
    grep -E '^(stat::number_of_executed_units|stat::new_units_added)|cov:' ".build-fuzz/$target.log" | tail -n 3
done
rmdir Fuzz/findings 2> /dev/null || true
