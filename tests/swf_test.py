#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packed Flash files and universal binaries, made with Python's modules. TAP."""
import lzma
import pathlib
import random
import struct
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, Tap, finds_eicar, scan, sha256, walk  # noqa: E402

tap = Tap()
BODY = b"\x78\0\5\x5f\0\0\x0f\xa0\0\0\x0c\1\0" + bytes(random.Random(1).choices(b"ab", k=50_000))


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def make_plain(body):
    return b"FWS\x0d" + struct.pack("<I", 8 + len(body)) + body


def pack(kind, body):
    head = kind + make_plain(body)[3:8]
    if kind == b"CWS":
        return head + zlib.compress(body)
    alone = lzma.compress(body, format=lzma.FORMAT_ALONE)
    return head + struct.pack("<I", len(alone) - 13) + alone[:5] + alone[13:]


def make_universal(images):
    head, body = struct.pack(">II", 0xcafebabe, len(images)), b""
    for number, image in enumerate(images):
        at = 8 + 20 * len(images) + len(body)
        head += struct.pack(">5I", 7 + number, 3, at, len(image), 0)
        body += image
    return head + body


@tap.case("packed files give the plain one")
def _():
    plain = make_plain(BODY)
    for kind in (b"CWS", b"ZWS"):
        parts, _, status = walk(write("packed.swf", pack(kind, BODY)))
        if parts != [("member", b"", len(plain), sha256(plain))] or status != "done":
            return f"{kind}: {parts} {status}"


@tap.case("a plain one holds nothing")
def _():
    return walk(write("plain.swf", make_plain(BODY)))[0] == []


@tap.case("what breaks off gives what came before")
def _():
    body = random.Random(2).randbytes(100_000)
    for kind in (b"CWS", b"ZWS"):
        parts, _, status = walk(write("cut.swf", pack(kind, body)[:60_000]))
        if status != "damaged" or len(parts) != 1 or not 30_000 < parts[0][2] < len(body):
            return f"{kind}: {parts} {status}"


@tap.case("a rule finds EICAR in a packed one")
def _():
    write("eicar.ndb", b"Test.Eicar:11:*:" + EICAR[:40].hex().encode() + b"\n")
    for kind in (b"CWS", b"ZWS"):
        told = scan(write("eicar.swf", pack(kind, BODY + EICAR)), "--rules", "eicar.ndb")
        if told["verdict"] != "found" or told["detections"][0]["path_inside"] != "eicar.swf!#1":
            return f"{kind}: {told}"


@tap.case("each architecture of a universal binary is an object")
def _():
    macho = struct.pack("<7I", 0xfeedface, 7, 3, 2, 1, 8, 0) + struct.pack("<II", 2, 8)
    images = [macho, macho + b"more", EICAR]
    path = write("universal", make_universal(images))
    actual = [digest for _, _, _, digest in walk(path)[0]]
    if actual != [sha256(image) for image in images]:
        return f"{actual}"
    return finds_eicar(path, "#3")


tap.run()
