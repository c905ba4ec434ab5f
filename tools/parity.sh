#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compares overt with clamscan, file by file, on files forged from the rules themselves.
#
#   parity.sh [SEED...]      (default: 1 2 3)
#
# Needs ../shared (or OVERT_SHARED=DIR): forge.py and parity.py in tools/, databases in data/.
# Body rules of targets 0, 1 and 6 with hits and near misses, then hash rules. OVERT_FORGE_LIMIT: how many
# rules of each kind are taken (default 2000).
set -euo pipefail

cd "$(dirname "$0")/.."
shared=${OVERT_SHARED:-../shared}
limit=${OVERT_FORGE_LIMIT:-2000}
if [ ! -x "$shared/tools/parity.py" ] && [ ! -f "$shared/tools/parity.py" ]; then
    echo "overt: make parity: skipped: $shared/tools/parity.py is not there (set OVERT_SHARED)" >&2
    exit 77
fi
if ! command -v clamscan >/dev/null; then
    echo "overt: make parity: clamscan is not there (apt-get install clamav)" >&2
    exit 2
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/overt-parity.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0
[ $# -gt 0 ] || set -- 1 2 3
for seed in "$@"; do
    for set in "$shared"/data/dev/clamav/official "$shared"/data/dev/clamav/unofficial; do
        corpus=$work/$seed-$(basename "$set")
        python3 "$shared/tools/forge.py" clamav --db "$set" --out "$corpus" --seed "$seed" \
            --limit "$limit" --near-miss --targets 0,1,6
        echo "== seed $seed, $(basename "$set")"
        python3 "$shared/tools/parity.py" clamav --db "$set" --corpus "$corpus" \
            --overt build/overt --min 0.999 || failures=$((failures + 1))
        rm -rf "$corpus"
    done
done
exit $((failures > 0))
