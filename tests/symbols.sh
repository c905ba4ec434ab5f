#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No parser of anybody's bytes stands in any executable but overt-worker.
#
# What a parser is, is read from the libraries of the rooms format, scan, match, rules, survey and trust:
# every function and table that they export. The main functions of the caged roles count as well, and
# the libraries that only parsers need: zlib and PCRE2. What `overt` itself reads of a rule image, its
# names and digests, stands in the room catalog; docs/threats.md says why that may be.
# Nor does HTTP stand anywhere but in overt-serve: the room serve and libmicrohttpd.
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

parser_rooms="format scan match rules survey trust"

parsers() {
    {
        for room in $parser_rooms; do
            defined "src/lib$room.a"
        done
        echo ov_builder_main
        echo ov_worker_main
    } | sort -u
}

# Parser symbols within an executable. All symbols, local ones too, so that hiding helps nobody.
parsers_in() {
    nm --defined-only "$1" | awk '{ print $NF }' | sort -u | comm -12 - <(parsers)
}

has_parsers() { # an empty list would make the next cases pass for nothing
    for room in $parser_rooms; do
        if [ "$(defined "src/lib$room.a" | wc -l)" -lt 1 ]; then
            echo "room $room exports nothing"
        fi
    done
}

# Of each of these rooms, and the two roles: a room that is not there would be checked for nothing.
worker_has_parsers() {
    for symbol in ov_builder_main ov_worker_main; do
        parsers_in overt-worker | grep -qx $symbol || echo "overt-worker lacks $symbol"
    done
    for room in $parser_rooms; do
        if [ "$(parsers_in overt-worker | comm -12 - <(defined "src/lib$room.a") | wc -l)" -lt 2 ]; then
            echo "overt-worker holds nothing of $room"
        fi
    done
}

worker_has_no_commands() {
    nm --defined-only overt-worker | awk '{ print $NF }' | sort -u | comm -12 - <(defined src/libcmd.a)
}

# A program that is linked with both would take one of them for the other, and say nothing.
no_name_twice() {
    for library in src/lib*.a; do
        case $library in
        *-avx*.a | *-shani.a) continue ;; # they are parts of their rooms' libraries
        esac
        defined "$library" | sed "s|\$| $library|"
    done | sort | awk '$1 == last { print $1, before, $2 } { last = $1; before = $2 }'
}

# Signing keys are not the worker's: of the ledger it has the hashing of trees.
worker_signs_nothing() {
    readelf -d overt-worker | grep -F libsodium
}

# The fetcher has what it needs of the tables, and of the rest nothing.
fetcher_holds_no_more() {
    nm --defined-only overt-fetch | awk '{ print $NF }' | sort -u |
        comm -12 - <({ defined src/libcmd.a && defined src/libcatalog.a && defined src/libledger.a; } | sort -u)
    nm --defined-only overt-fetch | grep -q ' ov_fetcher_run$' || echo "overt-fetch does not fetch"
}

# Shared libraries that a program loads beyond the C library, the sandbox's and those named.
libraries() { # libraries PROGRAM NAME...
    local program=$1 more="" name
    shift
    for name in "$@"; do
        more="$more|$name"
    done
    readelf -d "$program" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
        grep -vE "^(libc|libm|libgcc_s|libseccomp|libsodium|libasan|libubsan|ld-linux.*$more)\.so"
}

# The one library beyond, of a program that has one.
own_library() {
    case $1 in
    overt-serve) echo libmicrohttpd ;;
    overt-fetch) echo libcurl ;;
    overt-watch) echo libbpf ;; # reads the BPF object that is built in, and the kernel's own types
    *) echo none ;;
    esac
}

serves_in_its_place() {
    for program in "${programs[@]}"; do
        count=$(nm --defined-only "$program" | awk '{ print $NF }' | sort -u |
            comm -12 - <(defined src/libserve.a) | wc -l)
        if [ "$(basename "$program")" = overt-serve ]; then
            [ "$count" -ge 3 ] || echo "overt-serve holds nothing of serve"
        else
            [ "$count" -eq 0 ] || echo "$program holds the server"
        fi
    done
}

executables() { # every program that would be installed
    meson introspect . --installed | python3 -c '
import json, os, sys
for path in sorted(json.load(sys.stdin)):
    if os.access(path, os.X_OK) and open(path, "rb").read(4) == b"\x7fELF":
        print(path)'
}

mapfile -t programs < <(executables)
echo "1..$((8 + 2 * (${#programs[@]} - 1)))"
check "the rooms of parsers export symbols" has_parsers
check "no two rooms export one name" no_name_twice
check "overt-worker holds parsers of each" worker_has_parsers
check "overt-worker holds no commands" worker_has_no_commands
check "overt-worker loads the libraries of parsers and no other" libraries overt-worker \
    libbz2 libgmp libjpeg liblz4 liblzma libmspack libpcre2-8 libpng16 libz libzstd
check "overt-worker loads nothing that signs" worker_signs_nothing
check "overt-fetch holds no command and no other role" fetcher_holds_no_more
check "overt-serve serves" serves_in_its_place
for program in "${programs[@]}"; do
    if [ "$(basename "$program")" != overt-worker ]; then
        check "$(basename "$program") holds no parser" parsers_in "$program"
        check "$(basename "$program") loads no library that parses" \
            libraries "$program" "$(own_library "$(basename "$program")")"
    fi
done
exit $((failures > 0))
