#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Makes harmless files and hash rules for some of them: hits, wrong sizes, near misses, allow lists.
"""parity_hashes.py --forge DIR --out DIR [--seed N] [--files N]

OUT/files has random files and small PE files, OUT/db the rules. Every kind of line is there: MD5,
SHA-1, SHA-256; sizes and `*`; upper and lower case; hashes of PE sections; files that have several
rules, and files that an allow list lets pass. What must come out is not written down: an
established scanner says it (parity.sh).
"""
import argparse
import hashlib
import os
import random
import struct
import sys

ALGORITHMS = (hashlib.md5, hashlib.sha1, hashlib.sha256)


def make_file(number, rng, pe_file):
    kind = number % 4
    if kind == 0:
        return pe_file(rng.randbytes(rng.randrange(20, 4000)), rng)[0]
    if kind == 1:
        return rng.randbytes(rng.randrange(6, 64))
    if kind == 2:
        return bytes(rng.choice(b"abcdefgh ijklmnop\n") for _ in range(rng.randrange(6, 3000)))
    return b"\x01\x02" + rng.randbytes(rng.randrange(100, 40000))


def sections(data):
    """(raw size, raw bytes) of each section of a PE file."""
    at = struct.unpack_from("<I", data, 0x3c)[0]
    count, = struct.unpack_from("<H", data, at + 6)
    optional, = struct.unpack_from("<H", data, at + 20)
    for i in range(count):
        size, offset = struct.unpack_from("<II", data, at + 24 + optional + 40 * i + 16)
        yield size, data[offset:offset + size]


def spoil(digest, rng):
    """A digest that is off by one digit."""
    at = rng.randrange(len(digest))
    return digest[:at] + rng.choice([c for c in "0123456789abcdef" if c != digest[at]]) \
        + digest[at + 1:]


def file_line(data, name, rng):
    digest, size = rng.choice(ALGORITHMS)(data).hexdigest(), str(len(data))
    dice = rng.random()
    if dice < 0.15:
        digest = spoil(digest, rng)
    elif dice < 0.25:
        size = str(len(data) + rng.choice((-1, 1)))
    level = ""
    if rng.random() < 0.2:
        size, level = "*", ":73"
    elif rng.random() < 0.1:
        level = rng.choice((":1", ":73", ":10:255", ":250", ":1:20"))
    if rng.random() < 0.3:
        digest = digest.upper()
    return f"{digest}:{size}:{name}{level}\n"


def section_line(data, name, rng):
    size, raw = rng.choice(list(sections(data)))
    digest = rng.choice(ALGORITHMS)(raw).hexdigest()
    if rng.random() < 0.2:
        digest = spoil(digest, rng)
    if rng.random() < 0.2:
        return f"*:{digest}:{name}:73\n"
    return f"{size}:{digest}:{name}\n"


def allow_line(data, name, rng):
    return f"{rng.choice(ALGORITHMS)(data).hexdigest()}:{len(data)}:{name}\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--forge", required=True, help="where forge.py is")
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=3000)
    a = parser.parse_args()
    sys.path.insert(0, a.forge)
    sys.dont_write_bytecode = True
    import forge  # pylint: disable=import-outside-toplevel,import-error
    rng = random.Random(a.seed)
    seen = set()
    lines = {kind: [] for kind in ("hdb", "hsb", "mdb", "msb", "fp", "sfp")}
    for number in range(a.files):
        data = make_file(number, rng, forge.pe_file)
        folder = os.path.join(a.out, "files", "%03d" % (number // 500))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "%06d" % number), "wb") as f:
            f.write(data)
        for copy in range(rng.choice((0, 1, 1, 1, 2, 3))):
            line = file_line(data, f"Hash.File-{number}-{copy}", rng)
            key = tuple(line.lower().split(":")[:2])
            if key in seen:
                continue
            seen.add(key)
            lines["hdb" if len(line.split(":")[0]) == 32 else "hsb"].append(line)
        if number % 4 == 0 and rng.random() < 0.6:
            line = section_line(data, f"Hash.Section-{number}", rng)
            lines["mdb" if len(line.split(":")[1]) == 32 else "msb"].append(line)
        if rng.random() < 0.08:
            line = allow_line(data, f"Allow-{number}", rng)
            lines["fp" if len(line.split(":")[0]) == 32 else "sfp"].append(line)
    os.makedirs(os.path.join(a.out, "db"), exist_ok=True)
    for kind, text in lines.items():
        with open(os.path.join(a.out, "db", "hashes." + kind), "w", encoding="ascii") as f:
            f.writelines(text)
    print("made %d files, rules: %s" % (a.files, ", ".join(
        "%d %s" % (len(text), kind) for kind, text in lines.items())))


if __name__ == "__main__":
    main()
