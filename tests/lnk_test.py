#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Windows shortcuts: what stands behind their end. TAP."""
import itertools
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, Tap, finds_eicar, sha256, walk  # noqa: E402

tap = Tap()
HEADER = bytes.fromhex("4c0000000114020000000000c000000000000046")


def shortcut(flags, has_end=True):
    """A shortcut with the parts that its flags name ([MS-SHLLINK] 2.1.1)."""
    out = (HEADER + struct.pack("<I", flags)).ljust(76, b"\0")
    if flags & 1:
        out += struct.pack("<H", 22) + struct.pack("<H", 20) + bytes(18) + bytes(2)
    if flags & 2:
        out += struct.pack("<I", 28) + bytes(24)
    for bit in range(2, 7):
        if flags >> bit & 1:
            text = f"string {bit}"
            out += struct.pack("<H", len(text)) + text.encode("utf-16-le" if flags & 128 else "ascii")
    out += struct.pack("<II", 12, 0xA0000003) + bytes(4)
    return out + (bytes(4) if has_end else b"")


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


@tap.case("with any of its parts, what follows is a member and no more")
def _():
    for flags in range(256):
        path = write("any.lnk", shortcut(flags) + b"appended")
        parts = [(size, digest) for _, _, size, digest in walk(path)[0]]
        if parts != [(8, sha256(b"appended"))]:
            return f"{flags:x}: {parts}"


@tap.case("a plain shortcut has no members, with or without its last four bytes")
def _():
    for flags, has_end in itertools.product((0, 0x9f, 0xff), (True, False)):
        answer = walk(write("plain.lnk", shortcut(flags, has_end)))
        if answer != ([], 0, "done"):
            return f"{flags:x}: {answer}"


@tap.case("one that breaks off is damaged")
def _():
    whole = shortcut(0xff)
    for size in range(77, len(whole) - 20):
        if walk(write("cut.lnk", whole[:size]))[2] != "damaged":
            return f"{size} of {len(whole)}"


@tap.case("EICAR behind a shortcut is found")
def _():
    return finds_eicar(write("eicar.lnk", shortcut(0xff) + EICAR), "!#1")


tap.run()
