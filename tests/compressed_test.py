#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compressed files of all kinds, held against Python's modules and the programs. TAP."""
import bz2
import gzip
import lzma
import pathlib
import random
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, overt_names  # noqa: E402
from members import EICAR, Skip, Tap, finds_eicar, has, scan, sha256, walk  # noqa: E402

tap = Tap()
CODECS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
# What Python has no module for: programs that read standard input.
PROGRAMS = {"zst": ["zstd", "-c"], "lz4": ["lz4", "-c"], "lz": ["lzip", "-c"],
            "lzma": ["xz", "--format=lzma", "-c"], "Z": ["compress", "-f", "-c"],
            "b12.Z": ["compress", "-f", "-b", "12", "-c"]}
SIZES = (0, 1, 100, 16384, 65537, 3_000_000)


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def make_plain(size):
    draw = random.Random(size)
    return bytes(draw.choices(b"abcdefgh\0\xff", k=size))


def check_one(path, plain, status="done"):
    parts, _, told = walk(path)
    expected = [("member", len(plain), sha256(plain))]
    actual = [(kind, size, digest) for kind, _, size, digest in parts]
    return (actual == expected and told == status) or f"{path}: {actual} {told}"


@tap.case("streams of all sizes give their bytes")
def _():
    for suffix, compress in CODECS.items():
        for size in SIZES:
            plain = make_plain(size)
            answer = check_one(write(f"{size}.{suffix}", compress(plain)), plain)
            if answer is not True:
                return answer


@tap.case("several streams in a row are one member; what follows the last is no stream")
def _():
    for suffix, compress in CODECS.items():
        data = compress(b"first ") + compress(b"second")
        for tail in (b"", b"\0" * 512):
            answer = check_one(write(f"two.{suffix}", data + tail), b"first second")
            if answer is not True:
                return answer


@tap.case("a stream that breaks off gives what came before")
def _():
    plain = random.Random(3).randbytes(300_000)
    for suffix, compress in CODECS.items():
        packed = compress(plain)
        path = write(f"cut.{suffix}", packed[:len(packed) // 2])
        parts, _, status = walk(path)
        if suffix == "bz2" and parts == []:
            continue  # half a block is nothing
        size = parts[0][2]
        with_python = {"gz": 100_000, "bz2": 0, "xz": 0}[suffix]
        if status != "damaged" or not with_python <= size < len(plain):
            return f"{suffix}: {size} {status}"


@tap.case("the name in a gzip header is the member's")
def _():
    with open("named.gz", "wb") as file, gzip.GzipFile("odd \xe4 name.txt", "wb", 9, file) as out:
        out.write(b"some bytes")
    return walk("named.gz")[0][0][1] == b"odd \xe4 name.txt" or str(walk("named.gz"))


@tap.case("EICAR is found in each, and in one inside another")
def _():
    for suffix, compress in CODECS.items():
        answer = finds_eicar(write(f"eicar.{suffix}", compress(EICAR)), "!#1")
        if answer is not True:
            return answer
    nested = EICAR
    for compress in (gzip.compress, lzma.compress, bz2.compress, gzip.compress):
        nested = compress(nested)
    return finds_eicar(write("nested.gz", nested), "!#1!#1!#1!#1")


@tap.case("a stream of much is limited, never clean")
def _():
    bomb = write("bomb.gz", gzip.compress(b"\0" * 50_000_000))
    record = scan(bomb, "--max-filesize=1M")
    return (record["verdict"], record.get("limit")) == ("limited", "max-filesize") or str(record)


@tap.case("seventeen layers are looked into, and more are limited")
def _():
    nested = EICAR
    for _ in range(30):
        nested = gzip.compress(nested)
    record = scan(write("deep.gz", nested))
    if record["verdict"] != "limited":
        return str(record)
    for _ in range(14):
        nested = gzip.decompress(nested)
    return finds_eicar(write("sixteen.gz", nested))


def compress_with(suffix, plain):
    return subprocess.run(PROGRAMS[suffix], input=plain, capture_output=True, check=True,
                          timeout=60).stdout


def has_programs():
    """Those that are there; the case is skipped when none is."""
    there = [suffix for suffix, command in PROGRAMS.items() if has(command[0])]
    if not there:
        raise Skip("none of " + ", ".join(command[0] for command in PROGRAMS.values()))
    return there


@tap.case("what zstd, lz4, lzip, xz and compress wrote gives its bytes")
def _():
    for suffix in has_programs():
        for size in SIZES[1:]:
            plain = make_plain(size)
            answer = check_one(write(f"{size}.{suffix}", compress_with(suffix, plain)), plain)
            if answer is not True:
                return answer
        # Long runs, and a table that is emptied on the way.
        plain = b"a" * 400_000 + random.Random(5).randbytes(400_000) + bytes(range(256)) * 2000
        answer = check_one(write(f"mixed.{suffix}", compress_with(suffix, plain)), plain)
        if answer is not True:
            return answer


@tap.case("frames that are passed over hide none of those that follow")
def _():
    there = has_programs()
    for suffix in [s for s in ("zst", "lz4") if s in there]:
        skippable = b"\x5f\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"extra"
        data = skippable * 2 + compress_with(suffix, b"first ") + skippable
        data += compress_with(suffix, b"second")
        answer = check_one(write(f"skip.{suffix}", data), b"first second")
        if answer is not True:
            return answer
        answer = finds_eicar(write(f"skip.{suffix}", skippable + compress_with(suffix, EICAR)))
        if answer is not True:
            return answer


@tap.case("EICAR is found in all of them; a cut one gives what came before")
def _():
    for suffix in has_programs():
        answer = finds_eicar(write(f"eicar.{suffix}", compress_with(suffix, EICAR)), "!#1")
        if answer is not True:
            return answer
        plain = random.Random(6).randbytes(900_000)
        packed = compress_with(suffix, plain)
        parts, _, status = walk(write(f"half.{suffix}", packed[:len(packed) // 2]))
        whole = {"Z": "done", "b12.Z": "done"}.get(suffix, "damaged")  # .Z has no end mark
        if status != whole or not 100_000 < parts[0][2] < len(plain):
            return f"{suffix}: {parts} {status}"


def ask_for_more(name, data, code):
    """The stream as one that asks for a larger dictionary."""
    data = bytearray(data)
    if name == "xz":  # the size of a block header, flags, LZMA2, the size of its property
        end = 12 + (data[12] + 1) * 4 - 4
        assert data[14:16] == b"\x21\x01"
        data[16] = code
        data[end:end + 4] = struct.pack("<I", zlib.crc32(data[12:end]))
    elif name == "lzma":
        data[1:5] = struct.pack("<I", (2 | code & 1) << code // 2 + 11)
    else:
        data[5] = 29
    return bytes(data)


@tap.case("streams that ask for a dictionary of gigabytes are read all the same")
def _():
    plain = make_plain(300_000)
    streams = {"xz": lzma.compress(plain), "lzma": lzma.compress(plain, format=lzma.FORMAT_ALONE)}
    if has("lzip"):
        streams["lz"] = subprocess.run(["lzip", "-c"], input=plain, capture_output=True,
                                       check=True, timeout=60).stdout
    for name, data in streams.items():
        for code in (31, 32, 35, 36, 37, 39) + (40,) * (name == "xz"):
            path = write(f"huge{code}.{name}", ask_for_more(name, data, code))
            answer = check_one(path, plain)
            if answer is not True:
                return answer
    return True


@tap.case("an xz that asks for more than a gigabyte: clamscan's alert")
def _():
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    rules = write("word.ndb", b"Test.Word:0:*:" + b"DICTWORD".hex().encode() + b"\n")
    for word, options in ((b"nothing", []), (b"nothing", ["--heuristic-alerts=no"])):
        stream = lzma.compress(word * 9)
        for code in (35, 36, 37, 38, 39, 40):
            path = write(f"{code}.xz", ask_for_more("xz", stream, code))
            answers = [overt_names(path, rules, *options), clamscan_names(path, rules, *options)]
            name = ["Heuristics.XZ.DicSizeLimit"] * (code > 36)
            if answers != [name, name]:
                return f"{code} {options}: {answers}"
    path = write("rule.xz", ask_for_more("xz", lzma.compress(b"DICTWORD"), 38))
    return overt_names(path, rules) == ["Test.Word.UNOFFICIAL"]


tap.run()
