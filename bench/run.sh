#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# make bench: fetches the references and the files, builds the bench programs, measures.
#
#   bench/run.sh [SECTION...]      sections: see bench/run.py; none = all
#
# BENCH_BUILD   where overt was built                      (default: build)
# BENCH_DIR     files, patterns and programs, kept         (default: ${XDG_CACHE_HOME:-~/.cache}/overt-bench)
# BENCH_QUICK   1: a tenth of the files and fewer rounds, to try it out; its figures prove nothing
# OVERT_SHARED  sample databases                           (default: ../shared)
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
build=$(realpath "${BENCH_BUILD:-build}")
dir=${BENCH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/overt-bench}
shared=${OVERT_SHARED:-$root/../shared}
mkdir -p "$dir/bin"

if [ ! -x "$build/overt" ]; then
    echo "bench: $build/overt is not there (run make build)" >&2
    exit 2
fi

# Sections that make their own files need neither the references nor the corpus.
is_light=$([ $# -gt 0 ] && echo yes || echo no)
for section in "$@"; do
    case $section in
    update | scale | journal | watch) ;;
    *) is_light=no ;;
    esac
done

compile() { # PROGRAM FLAGS... (sources and libraries among them)
    program=$1
    shift
    ${CC:-cc} -D_GNU_SOURCE -std=gnu2x -O2 -Wall -Wextra -Werror -Isrc -Ibench -o "$dir/bin/$program" "$@"
}
libraries_of() { # PROGRAM of the build: just the libraries that it has
    (cd "$build" && ninja -t commands "$1" | tail -n 1 |
        grep -o -- '-Wl,--start-group.*-Wl,--end-group' | sed "s| src/| $build/src/|g")
}
compile clients bench/clients.c bench/load.c
compile watch bench/watch.c
compile calls bench/calls.c
compile update bench/update.c bench/load.c $(libraries_of overt)
ln -sf "$build/overt-worker" "$dir/bin/overt-worker" # programs look for it beside themselves

if [ $is_light = yes ]; then
    exec python3 bench/run.py --build "$build" --dir "$dir" --shared "$shared" "$@"
fi
tools/packages.sh bench/packages.txt
[ -e "$dir/small.manifest" ] || tools/corpus.sh "$dir"
compile naive bench/naive.c bench/load.c
compile hyperscan bench/hyperscan.c bench/load.c -lhs
compile yardstick -O3 -march=native bench/yardstick.c bench/load.c
compile match bench/match.c bench/load.c "$build/src/libmatch.a" "$build/src/libbase.a" \
    -lpcre2-8 -lm
# The whole scanner.
compile inprocess bench/inprocess.c bench/load.c $(libraries_of overt-worker)
compile digest bench/digest.c "$build/src/libmatch.a" "$build/src/libbase.a" -lpcre2-8 -lm
compile hashset bench/hashset.c "$build/src/librules.a" "$build/src/libcatalog.a" \
    "$build/src/libmatch.a" "$build/src/libbase.a" -lz -lpcre2-8 -lm

[ -e "$dir/pats-all.ndb" ] ||
    tools/patterns.py --shared "$shared" --corpus "$dir" --naive "$dir/bin/naive" "$dir"

exec python3 bench/run.py --build "$build" --dir "$dir" --shared "$shared" "$@"
