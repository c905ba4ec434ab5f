#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# setup.sh BUILD [MESON OPTION]...: configures and builds the folder BUILD. Configures again when a
# source file came or went, which Meson alone would not see.
set -eu

build=$1
shift
cd "$(dirname "$0")/.."
stamp=$(python3 tools/targets.py stamp; echo "$@")
if [ ! -f "$build/build.ninja" ]; then
    meson setup "$build" "$@"
elif [ "$(cat "$build/sources.stamp" 2>/dev/null)" != "$stamp" ]; then
    meson setup --reconfigure "$build" "$@"
fi >"$build.log" 2>&1 || {
    cat "$build.log" >&2
    rm -f "$build.log"
    exit 2
}
rm -f "$build.log"
echo "$stamp" >"$build/sources.stamp"
if [ "$(ninja -C "$build" -n | tail -n 1)" != "ninja: no work to do." ]; then
    ninja -C "$build" --quiet
fi
