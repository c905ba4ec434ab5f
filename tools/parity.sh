#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compares overt with clamscan, file by file, on files forged from the rules themselves.
#
#   parity.sh [SEED...]      (default: 1 2 3)
#
# Needs a folder with tools (forge.py, parity.py) and sample databases: ../shared, or OVERT_SHARED=DIR.
# For each seed and database folder: body and logical rules of targets 0, 1 and 6, hits and near
# misses, agreement 0.999 at least; those of all targets, as they are and wrapped in containers
# (tools/wrap.py), 0.998 at least; then hash rules (tools/parity_hashes.py), agreement 1.
#
# OVERT              the program               (default: build/overt)
# OVERT_FORGE_LIMIT  rules taken of each kind  (default: 2000; 0 = all)
# OVERT_ALL_LIMIT    the same for all targets  (default: 500)
# OVERT_HASH_FILES   files for the hash rules  (default: 3000)
# OVERT_PARITY_SHOW  differences shown         (default: 20)
# OVERT_PARITY_KEEP  a folder that keeps the forged files
set -euo pipefail

cd "$(dirname "$0")/.."
shared=${OVERT_SHARED:-../shared}
overt=${OVERT:-build/overt}
limit=${OVERT_FORGE_LIMIT:-2000}
all_limit=${OVERT_ALL_LIMIT:-500}
hash_files=${OVERT_HASH_FILES:-3000}
show=${OVERT_PARITY_SHOW:-20}
if [ ! -f "$shared/tools/parity.py" ] || [ ! -d "$shared/data" ]; then
    echo "overt: make parity: skipped: $shared/tools/parity.py is not there (set OVERT_SHARED)" >&2
    exit 77
fi
if ! command -v clamscan >/dev/null; then
    echo "overt: make parity: clamscan is not there (apt-get install clamav)" >&2
    exit 2
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/overt-parity.XXXXXX")
trap 'rm -rf "$work"' EXIT
forged=${OVERT_PARITY_KEEP:-$work/forged}
summary=
failures=0

compare() { # LABEL LEAST DATABASE CORPUS
    echo "== $1"
    local log=$work/log verdict=agrees
    # The same files in the same order for both: a folder is read by clamscan as the file system
    # happens to list it, and which of two equal rules is named depends on that. Ignore lists come
    # first, as from a folder: clamscan applies them to what is loaded after them. Then body rules:
    # the order of equal ones depends on how full clamscan's memory is, which can be estimated
    # only while nothing else has been loaded.
    local databases=() file ending
    for ending in ign2 ndb db ldb hdb hsb mdb fp pdb wdb; do
        for file in "$3"/*."$ending"; do
            [ ! -f "$file" ] || databases+=(--db "$file")
        done
    done
    python3 "$shared/tools/parity.py" clamav "${databases[@]}" --corpus "$4" --overt "$overt" \
        --min "$2" --show "$show" >"$log" 2>&1 || verdict='TOO LOW'
    cat "$log"
    [ "$verdict" = agrees ] || failures=$((failures + 1))
    summary+="$(printf '%-34s %-22s (least %s) %s' "$1" \
        "$(grep -o '^agreement.*' "$log" || echo 'no figure')" "$2" "$verdict")"$'\n'
}

[ $# -gt 0 ] || set -- 1 2 3
for seed in "$@"; do
    for database in "$shared"/data/dev/clamav/official "$shared"/data/dev/clamav/unofficial; do
        name=$(basename "$database")
        corpus=$forged/$seed-$name
        python3 "$shared/tools/forge.py" clamav --db "$database" --out "$corpus" --seed "$seed" \
            --limit "$limit" --near-miss --targets 0,1,6
        compare "seed $seed, $name, body" 0.999 "$database" "$corpus"
        [ -n "${OVERT_PARITY_KEEP:-}" ] || rm -rf "$corpus"
        corpus=$forged/$seed-$name-all
        python3 "$shared/tools/forge.py" clamav --db "$database" --out "$corpus" --seed "$seed" \
            --limit "$all_limit" --near-miss
        compare "seed $seed, $name, all" 0.998 "$database" "$corpus"
        tools/wrap.py "$corpus" "$corpus-wrapped"
        compare "seed $seed, $name, wrapped" 0.998 "$database" "$corpus-wrapped"
        [ -n "${OVERT_PARITY_KEEP:-}" ] || rm -rf "$corpus" "$corpus-wrapped"
    done
    tools/parity_hashes.py --forge "$shared/tools" --out "$forged/$seed-hashes" --seed "$seed" \
        --files "$hash_files"
    compare "seed $seed, hashes" 1 "$forged/$seed-hashes/db" "$forged/$seed-hashes/files"
done
echo "== summary"
printf '%s' "$summary"
exit $((failures > 0))
