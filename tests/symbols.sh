#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No parser of scanned files stands in any executable but overt-worker.
#
# What a parser is, is read from the libraries of the rooms format, scan and match: every function
# and table that they export. `overt` may and does hold the readers of rule files with zlib and
# PCRE2: rules are read there, in a caged process of their own, not the files that are scanned.
set -u
cd "$OVERT_BUILD" || exit 1

count=0
failures=0
check() { # check NAME COMMAND...: one TAP case; the command prints what is wrong
    local name=$1 found
    shift
    count=$((count + 1))
    found=$("$@" 2>&1)
    if [ -z "$found" ]; then
        echo "ok $count - $name"
    else
        failures=$((failures + 1))
        echo "not ok $count - $name"
        echo "$found" | head -20 | sed 's/^/# /'
    fi
}

# The exported symbols that are defined in a file, one a line.
defined() {
    nm --defined-only --extern-only "$1" 2>/dev/null |
        awk 'NF == 3 && $2 ~ /^[TDRBVWi]$/ { print $3 }' | grep '^ov_' | sort -u
}

parsers() {
    for room in format scan match; do
        defined "src/lib$room.a"
    done | sort -u
}

# Parser symbols within an executable. All symbols, local ones too, so that hiding helps nobody.
parsers_in() {
    nm --defined-only "$1" | awk '{ print $NF }' | sort -u | comm -12 - <(parsers)
}

has_parsers() { # an empty list would make the next cases pass for nothing
    for room in format scan match; do
        if [ "$(defined "src/lib$room.a" | wc -l)" -lt 1 ]; then
            echo "room $room exports nothing"
        fi
    done
}

worker_has_parsers() {
    if [ "$(parsers_in overt-worker | wc -l)" -lt 5 ]; then
        echo "overt-worker holds $(parsers_in overt-worker | wc -l) parser symbols"
    fi
}

worker_has_no_rules() {
    nm --defined-only overt-worker | awk '{ print $NF }' | sort -u |
        comm -12 - <(for room in rules cmd; do defined "src/lib$room.a"; done | sort -u)
}

# Shared libraries that the worker loads beyond the C library, the sandbox's and the regex one.
worker_libraries() {
    readelf -d overt-worker | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
        grep -vE '^(libc|libm|libgcc_s|libpcre2-8|libseccomp|libasan|libubsan|ld-linux.*)\.so'
}

executables() { # every program that would be installed
    meson introspect . --installed | python3 -c '
import json, os, sys
for path in sorted(json.load(sys.stdin)):
    if os.access(path, os.X_OK) and open(path, "rb").read(4) == b"\x7fELF":
        print(path)'
}

mapfile -t programs < <(executables)
echo "1..$((4 + ${#programs[@]} - 1))"
check "the rooms format, scan and match export symbols" has_parsers
check "overt-worker holds parsers" worker_has_parsers
check "overt-worker holds no rule readers and no commands" worker_has_no_rules
check "overt-worker loads no other library" worker_libraries
for program in "${programs[@]}"; do
    if [ "$(basename "$program")" != overt-worker ]; then
        check "$(basename "$program") holds no parser" parsers_in "$program"
    fi
done
exit $((failures > 0))
