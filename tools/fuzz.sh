#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh BUILD SECONDS [NAME]: runs each libFuzzer program of BUILD, or one, for SECONDS, starting
# from its seeds. New inputs go to BUILD/corpus/NAME; an input that hurts is kept in
# BUILD/NAME-crash-*: fix what it shows, and add it to tests/crashes/NAME/.
set -eu

build=$(realpath "$1")
seconds=$2
only=${3:-}
cd "$(dirname "$0")/.."

failed=
ran=0
for program in "$build"/fuzz/fuzz-*; do
    name=${program##*/fuzz-}
    if [ ! -x "$program" ] || [ -d "$program" ] || { [ -n "$only" ] && [ "$name" != "$only" ]; }; then
        continue
    fi
    ran=$((ran + 1))
    mkdir -p "$build/corpus/$name"
    set -- "$build/corpus/$name" "fuzz/seeds/$name"
    [ ! -d "tests/crashes/$name" ] || set -- "$@" "tests/crashes/$name"
    [ ! -f "fuzz/$name.dict" ] || set -- "$@" "-dict=fuzz/$name.dict"
    echo "fuzz: $name for $seconds s"
    "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
        -verbosity=0 -artifact_prefix="$build/$name-" "$@" || failed="$failed $name"
done
if [ "$ran" -eq 0 ]; then
    echo "fuzz: no target${only:+ named $only}" >&2
    exit 2
fi
if [ -n "$failed" ]; then
    echo "fuzz: failed:$failed" >&2
    exit 1
fi
echo "fuzz: $ran targets, nothing found"
