#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lha archives, held against bsdtar; and some made by hand. TAP."""
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, overt_names  # noqa: E402
from members import EICAR, SOURCE, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
CORPUS = SOURCE / "tests/corpus/lha"


def crc16(data):
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xa001 if value & 1 else 0)
    return value


def make_lha(members):
    """Stored members with headers of level 0."""
    out = b""
    for name, data in members:
        name = name.encode()
        head = b"-lh0-" + struct.pack("<IIIBBB", len(data), len(data), 0, 0x20, 0, len(name))
        head += name + struct.pack("<H", crc16(data))
        out += bytes([len(head), sum(head) & 0xff]) + head + data
    return out + b"\0"


def told(path):
    parts, _, status = walk(path)
    return [(name, size, digest) for _, name, size, digest in parts], status


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


@tap.case("archives of all header levels and methods hold what bsdtar takes out")
def _():
    if not has("bsdtar"):
        raise Skip("bsdtar is not installed")
    samples = sorted(CORPUS.glob("*.lzh"))
    for path in samples:
        plain = subprocess.run(["bsdtar", "-xOf", path], capture_output=True, check=True,
                               timeout=60, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin"}).stdout
        parts, status = told(path)
        if sum(size for _, size, _ in parts) != len(plain) or status != "done":
            return f"{path.name}: {parts} {status} {len(plain)}"
        if len(parts) == 1 and parts[0][2] != sha256(plain):
            return f"{path.name}: other bytes"
    return len(samples) == 11 or "samples are missing"


@tap.case("archives made by hand hold what was put in")
def _():
    members = [("a.txt", b"first"), ("b.bin", bytes(range(256)) * 1000)]
    path = write("hand.lzh", make_lha(members))
    expected = [(n.encode(), len(d), sha256(d)) for n, d in members]
    return told(path) == (expected, "done") or str(told(path))


@tap.case("a member that breaks off is told as far as it goes")
def _():
    path = write("cut.lzh", make_lha([("a", b"x" * 5000)])[:1000])
    parts, status = told(path)
    return (status, 900 < parts[0][1] < 2048) == ("damaged", True) or f"{parts} {status}"


@tap.case("EICAR is found, at its place")
def _():
    return finds_eicar(write("eicar.lzh", make_lha([("a", b"a"), ("eicar.com", EICAR)])),
                       "!eicar.com")


@tap.case("clamscan tells the same names")
def _():
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    plain = b"some harmless bytes to be found"
    write("rules.hsb", f"{sha256(plain)}:{len(plain)}:Test.Member:73\n".encode())
    path = write("names.lzh", make_lha([("m", plain)]))
    both = overt_names(path, "rules.hsb"), clamscan_names(path, "rules.hsb")
    return both[0] == both[1] and len(both[0]) == 1 or str(both)


tap.run()
