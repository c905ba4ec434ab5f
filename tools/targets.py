#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tells the build which files are there, so that a new one needs no line in a build file.

  targets.py fuzz    each fuzz/NAME.c with a fuzz entry point:   NAME room room ...
  targets.py tests   each tests/NAME_test.c:                     NAME_test room room ...
  targets.py walks   the words of src/format with a walker, each with a generic fuzz target
  targets.py floors  what fuzz/floors.tsv asks of each fuzz target:  NAME runs-per-second
  targets.py rules   the sources of the starter rules, one a line
  targets.py commands WORD...   what is in src/cmd beside the WORD.c: each WORD_*.c and *_test.c
  targets.py stamp   everything that a configured build depends on; another stamp, another setup

The rooms stand on a line `// rooms: base rules` in the first 20 lines of the file.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def rooms_of(file):
    head = file.read_text().splitlines()[:20]
    for line in head:
        match = re.match(r"//\s*rooms:\s*(.*)$", line)
        if match:
            return match[1].split()
    sys.exit(f'{file}: no line "// rooms: ..." at the top')


def fuzz_files():
    return [f for f in sorted((ROOT / "fuzz").glob("*.c")) if "LLVMFuzzerTestOneInput(const"
            in f.read_text() and f.name not in ("replay.c", "walk.c")]


def walk_words():
    listed = re.search(r"format_words = \[(.*?)\]", (ROOT / "src/format/meson.build").read_text(), re.S)
    words = re.findall(r"'(\w+)'", listed[1])
    return [word for word in words if ".walk =" in (ROOT / f"src/format/{word}.c").read_text()]


def test_files():
    return sorted((ROOT / "tests").glob("*_test.c"))


def floors():
    """The lines of fuzz/floors.tsv: {target: (least runs in a second, least percent, [source])}."""
    lines = (ROOT / "fuzz/floors.tsv").read_text().splitlines()
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return {name: (int(runs), int(percent), sources)
            for name, runs, percent, *sources in rows}


def stamp_files():
    patterns = ["src/*/meson.build", "src/LAYERS", "src/cmd/*.c", "fuzz/*.c", "tests/*_test.c",
                "rules/**/*"]
    files = sorted({f for p in patterns for f in ROOT.glob(p) if f.is_file()})
    rooms = [f"{f.name} {' '.join(rooms_of(f))}" for f in fuzz_files() + test_files()]
    asked = [f"{name} {runs}" for name, (runs, _, _) in floors().items()]
    return [str(f.relative_to(ROOT)) for f in files] + rooms + walk_words() + asked


def main():
    what = sys.argv[1]
    if what in ("fuzz", "tests"):
        for file in fuzz_files() if what == "fuzz" else test_files():
            print(file.stem, *rooms_of(file))
    elif what == "commands":
        for file in sorted((ROOT / "src/cmd").glob("*.c")):
            if file.stem.split("_")[0] in sys.argv[2:] and file.stem not in sys.argv[2:] or \
                    file.stem.endswith("_test"):
                print(file.name)
    elif what == "walks":
        print(*walk_words(), sep="\n")
    elif what == "floors":
        for name, (runs, _, _) in floors().items():
            print(name, runs)
    elif what == "rules":
        for file in sorted(f for f in (ROOT / "rules").rglob("*") if f.is_file()):
            print(file)
    else:
        print(*stamp_files(), sep="\n")


if __name__ == "__main__":
    main()
