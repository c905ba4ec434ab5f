#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives mutated executables to our readers: no crash, no hang.

    mutate.py EXE-DUMP [--seed N] [--count N] [--files FILE...]

EXE-DUMP should be built with sanitizers. Mutated are files of the differential test's generators and
the given ones (real programs, cut to 64 KiB).
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import differential  # noqa: E402
import forge_icon  # noqa: E402
import oracle  # noqa: E402

WORDS = {"pe": "pe", "version": "pe", "import": "pe", "icon": "pe", "elf": "elf", "macho": "macho"}
GENERATORS = {**differential.GENERATORS, "icon": lambda rng: forge_icon.program(
    [forge_icon.random_icon(rng) for _ in range(rng.choice((1, 1, 2, 3)))])}
ODD = (0, 1, 0x7f, 0x80, 0xff)


def mutate(blob, rng):
    """Changes a few bytes, mostly near the start, and now and then the length."""
    blob = bytearray(blob)
    for _ in range(rng.choice((1, 2, 4, 16, 64))):
        if blob:
            at = rng.randrange(min(len(blob), rng.choice((64, 512, 4096, 65536))))
            for step in range(rng.choice((1, 2, 4))):
                if at + step < len(blob):
                    blob[at + step] = rng.choice(ODD + (rng.randrange(256),))
    if rng.random() < 0.2:
        del blob[rng.randrange(len(blob) + 1):]
    return bytes(blob)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--files", nargs="*", default=[])
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    given = {"pe": [], "elf": [], "macho": []}
    for path in options.files:
        with open(path, "rb") as file:
            data = file.read(65536)
        given["pe" if data[:2] == b"MZ" else "elf" if data[:4] == b"\x7fELF" else "macho"].append(data)
    done = 0
    for kind, word in WORDS.items():
        count = options.count // len(WORDS)
        for start in range(0, count, 500):
            blobs = []
            for _ in range(min(500, count - start)):
                sample = rng.choice(given[word]) if given[word] and rng.random() < 0.5 else \
                    GENERATORS[kind](rng)
                blobs.append(mutate(sample, rng))
            with tempfile.TemporaryDirectory() as folder:
                paths = oracle.write_files(folder, blobs)
                subprocess.run([options.program, word, *paths], stdout=subprocess.DEVNULL,
                               check=True, timeout=120)
            done += len(blobs)
    print(f"{done} mutated files read without a crash")
    return 0


if __name__ == "__main__":
    sys.exit(main())
