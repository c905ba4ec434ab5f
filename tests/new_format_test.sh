#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The recipe for a new format, on a throw-away copy: one command, and it is built, walked and fuzzed.
set -euo pipefail

source=${OVERT_SOURCE:?} copy=$PWD/copy
echo 1..3
report() { # NUMBER TEXT COMMAND...
    local number=$1 text=$2
    shift 2
    if "$@" >log 2>&1; then echo "ok $number - $text"; else
        sed 's/^/# /' log | tail -20
        echo "not ok $number - $text"
        failed=1
    fi
}
failed=0
mkdir "$copy"
tar -C "$source" --exclude=./.git --exclude=./build --exclude='./build-*' -cf - . | tar -C "$copy" -xf -

report 1 "make new-format writes the file and the word" make -s -C "$copy" new-format NAME=throwaway
build_copy() {
    meson setup "$copy/b" "$copy" -Doptimization=0 &&
        ninja -C "$copy/b" tests/members fuzz/replay-walk_throwaway
}
report 2 "it is built, and its fuzz target replays its seed" \
    eval 'build_copy && "$copy/b/fuzz/replay-walk_throwaway" "$copy/fuzz/seeds/walk_throwaway"'
report 3 "its walker tells of what is in its first file" \
    eval '"$copy/b/tests/members" "$copy/tests/corpus/throwaway/first" | grep -q "^member 1 10 .* name$"'
exit "$failed"
