#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rar archives of versions 4 and 5, held against unar; and some made by hand. TAP."""
import os
import pathlib
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, SOURCE, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
ENCRYPTED = 1  # bit of OV_FACT_ENCRYPTED
CORPUS = SOURCE / "tests/corpus/rar"


def told(path):
    parts, facts, status = walk(path)
    return [(name, size, digest) for _, name, size, digest in parts], facts, status


def make_rar4(members):
    """Stored members. Each block: CRC of the rest, kind, flags, size (technote.txt of RAR 4)."""
    def block(kind, flags, body):
        head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
        return struct.pack("<H", zlib.crc32(head) & 0xffff) + head
    out = b"Rar!\x1a\x07\0" + block(0x73, 0, b"\0" * 6)
    for name, data in members:
        name = name.encode()
        out += block(0x74, 0x8000, struct.pack("<IIBIIBBHI", len(data), len(data), 3,
                                               zlib.crc32(data), 0x42000000, 20, 0x30, len(name),
                                               0o100644) + name) + data
    return out + block(0x7b, 0x4000, b"")


def number(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def make_rar5(members):
    """Stored members. Each block: CRC32, size, kind, flags (technote.txt of RAR 5)."""
    def block(body):
        head = number(len(body)) + body
        return struct.pack("<I", zlib.crc32(head)) + head
    out = b"Rar!\x1a\x07\x01\0" + block(number(1) + number(0) + number(0))
    for name, data in members:
        name = name.encode()
        out += block(number(2) + number(2) + number(len(data)) + number(4) + number(len(data)) +
                     number(0o100644) + struct.pack("<I", zlib.crc32(data)) + number(0) +
                     number(1) + number(len(name)) + name) + data
    return out + block(number(5) + number(0) + number(0))


MAKERS = {"rar4": make_rar4, "rar5": make_rar5}
MEMBERS = [("a.txt", b"first"), ("dir/b.bin", bytes(range(256)) * 500), ("c", b"last")]


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


@tap.case("archives made by hand hold what was put in")
def _():
    for name, make in MAKERS.items():
        path = write(f"{name}.rar", make(MEMBERS))
        expected = [(n.encode(), len(d), sha256(d)) for n, d in MEMBERS]
        if told(path) != (expected, 0, "done"):
            return f"{name}: {told(path)}"


@tap.case("archives of RAR hold what unar takes out")
def _():
    if not has("unar"):
        raise Skip("unar is not installed")
    for path in sorted(CORPUS.glob("*.rar")):
        if "encrypt" in path.name:
            continue
        folder = pathlib.Path("out", path.stem)
        subprocess.run(["unar", "-q", "-f", "-D", "-o", folder, path], check=True,
                       capture_output=True, timeout=60)
        files = [pathlib.Path(root, name) for root, _, names in os.walk(folder) for name in names]
        taken = sorted((len(f.read_bytes()), sha256(f.read_bytes())) for f in files
                       if not f.is_symlink())
        parts = sorted((size, digest) for _, size, digest in told(path)[0])
        if [part for part in parts if part[0]] != [part for part in taken if part[0]]:
            return f"{path.name}: {parts} {taken}"


@tap.case("names are UTF-8")
def _():
    for name in ("rar_unicode", "rar5_unicode"):
        names = [part[0].decode() for part in told(CORPUS / f"{name}.rar")[0]]
        if not any(ord(c) > 0x3000 for n in names for c in n) or any("?" in n for n in names):
            return f"{name}: {names}"


@tap.case("what is encrypted is noted, and what is not is read")
def _():
    for path in sorted(CORPUS.glob("*encrypt*.rar")):
        if told(path)[1] != ENCRYPTED:
            return f"{path.name}: {told(path)}"
    parts = told(CORPUS / "rar_encryption_partially.rar")[0]
    return sum(size > 0 for _, size, _ in parts) == 1 or str(parts)


@tap.case("an archive that breaks off gives what came before")
def _():
    for name, make in MAKERS.items():
        data = make(MEMBERS)
        parts, _, status = told(write("cut.rar", data[:len(data) - 60_000]))
        if parts[0][1] != 5 or status != "damaged" or not 10_000 < parts[1][1] < 128_000:
            return f"{name}: {parts} {status}"


@tap.case("EICAR is found, at its place")
def _():
    for name, make in MAKERS.items():
        answer = finds_eicar(write(f"eicar.{name}.rar", make([("a", b"a"), ("b/eicar", EICAR)])),
                             "!b/eicar")
        if answer is not True:
            return f"{name}: {answer}"


tap.run()
