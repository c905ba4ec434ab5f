#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Begins a new file format: new-format.sh NAME (or: make new-format NAME=x)
#
# Writes src/format/NAME.c with a walker that tells of nothing yet, adds NAME to the list of words,
# and makes the folders of its seeds and corpus with a first seed each. The build does the rest:
# the table of formats, a fuzz target and its replay.
set -euo pipefail

cd "$(dirname "$0")/.."
name=${1:-}
if ! [[ $name =~ ^[a-z][a-z0-9]*$ ]]; then
    echo "new-format: give a name of small letters and digits: make new-format NAME=x" >&2
    exit 2
fi
file=src/format/$name.c
if [ -e "$file" ]; then
    echo "new-format: $file is there already" >&2
    exit 2
fi

cat >"$file" <<END
// SPDX-License-Identifier: Apache-2.0
// What this format is, and the document that says so.
#include "format/format.h"

// Tells of what lies in the object.
static enum ov_status walk_$name(struct ov_cursor *in, struct ov_walk *walk) {
    (void)ov_cursor_until(in, 0); // the magic
    struct ov_span name = ov_cursor_until(in, 0);
    struct ov_span bytes = ov_cursor_bytes(in, ov_cursor_left(in));
    TRY(ov_walk_member(walk, bytes, name, OV_FILETYPE_NONE));
    return ov_cursor_status(in);
}

static const struct ov_magic magics_$name[] = {OV_MAGIC(0, "\\x7f${name^^}\\0")};

static const struct ov_format formats[] = {
    // The type: a word of base/filetype.h, which rules may ask for.
    {.type = OV_FILETYPE_INTERNAL, OV_MAGICS(magics_$name), .walk = walk_$name},
};

OV_FORMAT_SET($name, formats);
END

python3 - "$name" <<'END'
import pathlib, re, sys
build = pathlib.Path("src/format/meson.build")
text = build.read_text()
words = re.search(r"format_words = \[\n(.*?)\]", text, re.S)
names = sorted(set(re.findall(r"'(\w+)'", words[1])) | {sys.argv[1]})
build.write_text(text.replace(words[1], "".join(f"    '{name}',\n" for name in names)))
floors = pathlib.Path("fuzz/floors.tsv")
lines = floors.read_text().splitlines()
lines.append(f"walk_{sys.argv[1]}\t0\t0\tformat/{sys.argv[1]}.c")
head = [line for line in lines if line.startswith("#")]
floors.write_text("\n".join(head + sorted(set(lines) - set(head))) + "\n")
END

mkdir -p "fuzz/seeds/walk_$name" "tests/corpus/$name"
printf '\x7f%s\0name\0some bytes' "${name^^}" >"fuzz/seeds/walk_$name/first"
printf '\x7f%s\0name' "${name^^}" >"fuzz/seeds/walk_$name/cut"
printf '\x7f%s\0\0' "${name^^}" >"fuzz/seeds/walk_$name/empty"
cp "fuzz/seeds/walk_$name/first" "tests/corpus/$name/first"
printf '"\\x7f%s\\x00"\n' "${name^^}" >"fuzz/walk_$name.dict"
echo "$file: write its type, magics and walker; then seeds in fuzz/seeds/walk_$name, files made by"
echo "other programs in tests/corpus/$name, and a test beside such a program (docs/HOUSE.md);"
echo "tests/fuzz_test.py says what its line in fuzz/floors.tsv can ask"
