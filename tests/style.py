#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The look of the sources: clang-format, captions, line and file lengths (docs/STYLE.md). TAP."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES_MAX = 600
FUNCTION_LINES_MAX = 60
FUNCTION_LINES_P90 = 40
CONDITIONAL_ROOMS = {"base", "cage", "match"}  # where #if may stand


def sources():
    return sorted(f for room in ("src", "fuzz", "tests", "bench")
                  for f in (ROOT / room).rglob("*.[ch]") if "corpus" not in f.parts)


def check_format(files):
    done = subprocess.run(["clang-format-14", "--dry-run", "-Werror", "--ferror-limit=1",
                           *map(str, files)], capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if "error:" in line]


def check_captions(files):
    """The licence line first, then a comment that says what the file is."""
    found = []
    for file in files:
        lines = file.read_text().splitlines()
        start = lines[1:3] if lines[1:2] == ["//"] else lines[1:2]
        if lines[:1] != ["// SPDX-License-Identifier: Apache-2.0"]:
            found.append(f"{file}: no licence line")
        elif not re.match(r"// \S", start[-1] if start else ""):
            found.append(f"{file}: no caption after the licence line")
    return found


def check_lengths(files):
    found = []
    for file in files:
        lines = file.read_text().splitlines()
        if len(lines) > LINES_MAX:
            found.append(f"{file}: {len(lines)} lines, {LINES_MAX} at most")
        found += [f"{file}:{n}: more than 100 columns" for n, line in enumerate(lines, 1)
                  if len(line) > 100]
    return found


def check_habits(files):
    """No goto, no typedef of structs, #if only where the machine or the kernel differ."""
    found = []
    for file in files:
        room = file.relative_to(ROOT).parts[1] if file.is_relative_to(ROOT / "src") else None
        for number, line in enumerate(file.read_text().splitlines(), 1):
            code = re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]
            if re.search(r"\bgoto\b", code):
                found.append(f"{file}:{number}: goto")
            if re.search(r"\btypedef\s+(struct|enum|union)\b[^(]*$", code):
                found.append(f"{file}:{number}: typedef")
            if room and room not in CONDITIONAL_ROOMS and re.match(r"\s*#\s*if", code):
                found.append(f"{file}:{number}: #if outside {' '.join(sorted(CONDITIONAL_ROOMS))}")
    return found


def functions(file):
    """(first line number, name, length, text) of each function of a clang-formatted file."""
    start, name = 0, ""
    lines = file.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        head = re.match(r"[a-z][\w *]*?(\w+)\(", line)
        if head:
            start, name = number, head[1]
        elif line == "}" and start:
            yield start, name, number - start + 1, "\n".join(lines[start - 1:number])
            start = 0
        elif line.startswith("}"):
            start = 0


def check_functions(files):
    """Nobody reads a long function as a whole; tables and switches may be long."""
    found, lengths = [], []
    for file in (f for f in files if f.is_relative_to(ROOT / "src")
                 and f.suffix == ".c" and not f.name.endswith("_test.c")):
        for start, name, length, text in functions(file):
            lengths.append(length)
            if length > FUNCTION_LINES_MAX and "switch (" not in text:
                found.append(f"{file}:{start}: {name}: {length} lines, {FUNCTION_LINES_MAX} at most")
    lengths.sort()
    tail = lengths[len(lengths) * 9 // 10] if lengths else 0
    if tail > FUNCTION_LINES_P90:
        found.append(f"one function in ten is longer than {tail} lines; {FUNCTION_LINES_P90} at most")
    return found


def check_headers(files):
    found = []
    for file in (f for f in files if f.suffix == ".h"):
        if "#pragma once" not in file.read_text():
            found.append(f"{file}: no #pragma once")
    return found


def main():
    files = sources()
    checks = [
        ("clang-format changes nothing", check_format),
        ("every file begins with its licence and its caption", check_captions),
        ("no long lines, no long files", check_lengths),
        ("no goto, no typedef of structs, #if only where it belongs", check_habits),
        ("functions are short", check_functions),
        ("every header is included once", check_headers),
    ]
    is_bad = False
    print(f"1..{len(checks)}")
    for number, (name, check) in enumerate(checks, 1):
        found = check(files)
        is_bad |= bool(found)
        print(f"{'not ' if found else ''}ok {number} - {name}")
        for line in found[:40]:
            print("# " + line.replace(str(ROOT) + "/", ""))
    return 1 if is_bad else 0


if __name__ == "__main__":
    sys.exit(main())
