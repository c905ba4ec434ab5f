#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ARJ archives, held against arj, 7z and clamscan. TAP."""
import pathlib
import random
import struct
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, overt_names, write  # noqa: E402
from members import (BUILD, EICAR, Tap, finds_eicar, first_of, needs, run, scan,  # noqa: E402
                     sha256, walk)

tap = Tap()
ENCRYPTED = 1
TEXT = b"some words to be packed, some words, some words and 1234567890. " * 20


def make_plain(size):
    draw = random.Random(size)
    return bytes(draw.choices(b"abcdefgh\0\xff", k=size))


FILES = {"text.txt": TEXT, "empty": b"", "mixed.bin": make_plain(200_000), "one": b"1",
         "same.bin": b"\0" * 100_000, "noise.bin": random.Random(1).randbytes(40_000)}


def make(path, *options, files=None):
    needs("arj")
    for name, data in (files or FILES).items():
        pathlib.Path(name).write_bytes(data)
    pathlib.Path(path).unlink(missing_ok=True)
    run("arj", "a", "-y", "-i", *options, path, *(files or FILES))
    return path


def expect(path, files=None, facts=0, status="done"):
    told, told_facts, told_status = walk(path)
    actual = {name.decode(): digest for _, name, _, digest in told}
    wanted = {name: sha256(data) for name, data in (files or FILES).items()}
    return ((actual, len(told)) == (wanted, len(wanted)) and
            (told_facts, told_status) == (facts, status)) or \
        f"{path}: {[(n, s) for _, n, s, _ in told]} {told_facts} {told_status}"


def header(name, data, method=0, plain=None, flags=0, kind=0):
    """A header of a file that is stored, or of the archive (kind 2)."""
    plain = data if plain is None else plain
    basic = struct.pack("<BBBBBBBBIIIIHHH", 30, 11, 1, 2, flags, method, kind, 0, 0, len(data),
                        len(plain), zlib.crc32(plain), 0, 0, 0) + name + b"\0\0"
    return b"\x60\xea" + struct.pack("<H", len(basic)) + basic + \
        struct.pack("<I", zlib.crc32(basic)) + b"\0\0"


MAIN = header(b"made.arj", b"", kind=2)
END = b"\x60\xea\0\0"


@tap.case("files of all methods as arj writes them")
def _():
    return first_of(expect(make(f"m{method}.arj", f"-m{method}")) for method in range(5))


@tap.case("7z has the same bytes")
def _():
    needs("7z")
    path = make("seven.arj", "-m1")
    for name, data in FILES.items():
        if run("7z", "x", "-so", "-bd", path, name) != data:
            return name
    return expect(path)


@tap.case("sizes and checksums are told as they are stored")
def _():
    path = write("meta.arj", MAIN + header(b"a", TEXT) + TEXT + END)
    lines = run(BUILD / "tests/members", "-m", path).decode().splitlines()
    return lines[1] == f"meta {len(TEXT)} {len(TEXT)} {zlib.crc32(TEXT):08x}" or str(lines)


@tap.case("encrypted files are told, and that they are")
def _():
    path = make("secret.arj", "-gword", files={"text.txt": TEXT})
    told, facts, status = walk(path)
    return ([(n, s) for _, n, s, _ in told], facts, status) == \
        ([(b"text.txt", 0)], ENCRYPTED, "done") or f"{told} {facts} {status}"


@tap.case("a volume is told as incomplete")
def _():
    make("volumes.arj", "-m1", "-v50k", files={"noise.bin": random.Random(1).randbytes(80_000)})
    told, _, status = walk("volumes.arj")
    sizes = [size for _, _, size, _ in told]
    second = walk("volumes.a01")
    return (status == "damaged" and sizes[0] > 40_000 and second[2] == "damaged" and
            second[0][0][2] > 20_000) or f"{sizes} {status} {second}"


@tap.case("what follows a broken header is found, and what breaks off told")
def _():
    one, two = header(b"one", b"1" * 50) + b"1" * 50, header(b"two", TEXT) + TEXT
    hurt = bytearray(MAIN + one + two + END)
    hurt[len(MAIN)] ^= 0xff
    cut = MAIN + one + two[:len(two) - 500]
    return first_of([
        expect(write("hurt.arj", bytes(hurt)), {"two": TEXT}, status="damaged"),
        expect(write("cut.arj", cut), {"one": b"1" * 50, "two": TEXT[:-500]}, status="damaged"),
        expect(write("endless.arj", MAIN + one), {"one": b"1" * 50}, status="damaged"),
        expect(write("method.arj", MAIN + header(b"x", TEXT, 7) + TEXT + END), {"x": b""},
               status="not supported"),
    ])


@tap.case("EICAR is found in every method, and its path told")
def _():
    files = {"text.txt": TEXT, "e.com": EICAR}
    return first_of(finds_eicar(make(f"e{method}.arj", f"-m{method}", files=files), "!e.com")
                    for method in range(5))


@tap.case("what unpacks to much is limited, never clean")
def _():
    path = make("bomb.arj", "-m1", files={"zeros": b"\0" * 3_000_000})
    record = scan(path, "--max-filesize=1M")
    return (record["verdict"], record.get("limit")) == ("limited", "max-filesize") or str(record)


@tap.case("clamscan finds the same names in the same files")
def _():
    needs("clamscan")
    word = b"\1\2ARJLAYERWORD\0\3"
    rules = write("word.ndb", f"Found:0:*:{word.hex()}\n")
    for method in range(5):
        path = make(f"w{method}.arj", f"-m{method}", files={"a": TEXT, "w": TEXT + word})
        ours, theirs = overt_names(path, rules), clamscan_names(path, rules)
        if ours != theirs or not ours:
            return f"{path}: overt {ours}, clamscan {theirs}"
    return True


tap.run()
