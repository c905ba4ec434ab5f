#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 600
"""Logs of two makers: our audit on those that a Go program wrote, its audit on those that ours
wrote from the same entries, and the files of both compared. Skips when there is none. TAP."""
import base64
import os
import pathlib
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ovcheck  # noqa: E402
from tap import check, end  # noqa: E402

BUILD = pathlib.Path(os.environ.get("OVERT_BUILD") or "build-check").resolve()
SIZES = [1, 5, 255, 256, 257, 5000, 70000]


def run(*words, data=None):
    done = subprocess.run(list(map(str, words)), input=data, capture_output=True, check=False,
                          timeout=300)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def tile_files(folder):
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in (folder / "tile").rglob("*") if not file.is_dir()}


def entries_of(files, size):
    """The log's entries, each with its length before it: the bundles, one after another."""
    data = b""
    for number in range((size + 255) // 256):
        width = min(256, size - 256 * number)
        name = f"tile/entries/{number // 1000 and f'x{number // 1000:03d}/' or ''}{number % 1000:03d}"
        data += files[name + (f".p/{width}" if width < 256 else "")]
    return data


def main():
    program, why = ovcheck.find()
    if program is None:
        print(f"ok 1 - logs of two makers # SKIP {why}\n1..1")
        return 0
    log_files = BUILD / "tests/log-files"
    for size in SIZES:
        theirs, ours = pathlib.Path(f"theirs-{size}"), pathlib.Path(f"ours-{size}")
        result = run(program, "gen", theirs, size)
        lines = (theirs / "checkpoint").read_text().splitlines()
        head = [lines[1], base64.b64decode(lines[2]).hex()]
        check(f"a Go program's log of {size} is what its checkpoint says", head[0] == str(size),
              result)
        result = run(log_files, "audit", theirs, *head)
        check(f"our audit passes a Go program's log of {size}", result[0] == 0, result)

        files = tile_files(theirs)
        ours.mkdir()
        data = entries_of(files, size)
        first = size // 2
        at = 0
        for _ in range(first):
            at += 2 + struct.unpack(">H", data[at:at + 2])[0]
        results = [run(log_files, "write", ours, start, 1 << 40, data=part)
                   for start, part in ((0, data[:at]), (first, data[at:]))]
        written = tile_files(ours)
        wrong = [name for name in files if written.get(name) != files[name]]
        check(f"our log of the same {size} entries has the same files and root", not wrong and
              results[1] == (0, " ".join(head) + "\n"), (results, wrong[:5]))
        shutil.copy(theirs / "checkpoint", ours)
        result = run(program, "audit", theirs / "policy", ours)
        check(f"a Go program's audit passes our log of {size}", result[0] == 0, result)
        name = max(file for file in files if file.startswith("tile/0/"))
        (ours / name).write_bytes(bytes([files[name][0] ^ 1]) + files[name][1:])
        result = run(program, "audit", theirs / "policy", ours), run(log_files, "audit", ours, *head)
        check(f"neither passes it with a bit turned in {name}", result[0][0] and result[1][0], result)
        shutil.rmtree(theirs)
        shutil.rmtree(ours)
    return end()


if __name__ == "__main__":
    sys.exit(main())
