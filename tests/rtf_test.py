#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""RTF files and the objects in them, with all that hides their digits. TAP."""
import binascii
import pathlib
import random
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, Tap, finds_eicar, has, scan, sha256, walk  # noqa: E402

tap = Tap()
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 3
draw = random.Random(11)


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def text(value):
    return struct.pack("<I", len(value) + 1) + value + b"\0" if value else struct.pack("<I", 0)


def ole1(data, name=b"Word.Document.8", version=0x501, kind=2):
    """[MS-OLEDS] 2.2.5."""
    return struct.pack("<II", version, kind) + text(name) + text(b"") + text(b"") + \
        struct.pack("<I", len(data)) + data


PRESENTATION = struct.pack("<II", 0x501, 5) + text(b"METAFILEPICT") + \
    struct.pack("<III", 9, 9, 4) + b"pict"


def package(data, name):
    return b"\x02\0" + name + b"\0C:\\x\\" + name + b"\0\0\0\x03\0" + \
        struct.pack("<I", 5) + b"C:\\t\0" + struct.pack("<I", len(data)) + data + b"\0\0"


def rtf(digits, head=b"{\\object\\objemb{\\*\\objclass Word}"):
    return b"{\\rtf1\\ansi Some text \\'e4 {\\b bold}\n" + head + b"{\\*\\objdata " + digits + \
        b"}{\\result text}}}\\par}"


def plain(data):
    return binascii.hexlify(data)


def told(path):
    return [(part[1], part[3]) for part in walk(path)[0]]


def lacks(path, data, name=None):
    found = told(path)
    if not any(digest == sha256(data) and name in (None, shown) for shown, digest in found):
        return f"{path}: not told: {data[:30]!r} {name} {[(t[1], t[2]) for t in walk(path)[0]]}"
    return None


# ---- objects -------------------------------------------------------------------------------------

@tap.case("an OLE 2 object is told under its class, and nothing else is")
def _():
    path = write("plain.rtf", rtf(plain(ole1(OLE2) + PRESENTATION)))
    return told(path) == [(b"Word.Document.8", sha256(OLE2))] or str(walk(path))


@tap.case("a packaged file has its name")
def _():
    path = write("package.rtf", rtf(plain(ole1(package(b"MZ not really", b"a b.exe"), b"Package"))))
    return told(path) == [(b"a b.exe", sha256(b"MZ not really"))] or str(walk(path))


@tap.case("several objects, one after another and in one piece of data")
def _():
    both = plain(ole1(OLE2) + ole1(b"second one's data", b"Odd.1"))
    data = rtf(both)[:-1] + rtf(plain(ole1(b"third one's data", b"Equation.3")))
    path = write("several.rtf", data)
    return told(path) == [(b"Word.Document.8", sha256(OLE2)),
                          (b"Odd.1", sha256(b"second one's data")),
                          (b"Equation.3", sha256(b"third one's data"))] or str(walk(path))


@tap.case("headers that readers forgive: any version, sizes too large, no \\object, data cut off")
def _():
    short = ole1(OLE2)
    wrong = lacks(write("version.rtf", rtf(plain(ole1(OLE2, version=0xdeadbeef)))), OLE2)
    size = short[:-len(OLE2) - 4] + b"\xff\xff\xff\x7f" + OLE2
    wrong = wrong or lacks(write("size.rtf", rtf(plain(size))), OLE2)
    wrong = wrong or lacks(write("bare.rtf", b"{\\rt{\\objdata " + plain(short) + b"}}"), OLE2)
    cut = b"{\\rtf1{\\objdata " + plain(short)[:-301] # half a byte is none
    wrong = wrong or lacks(write("cut.rtf", cut), OLE2[:-151])
    wrong = wrong or lacks(write("odd.rtf", rtf(plain(b"\x01\x05 no header at all" + OLE2))), OLE2)
    wrong = wrong or lacks(write("mangled.rtf", rtf(plain(ole1(b"xx" + OLE2)))), OLE2)
    open_end = b"{\\rtf1{\\object{\\*\\objdata " + plain(short)
    return wrong or lacks(write("open.rtf", open_end), OLE2)


@tap.case("stored data and pictures in digits and in raw bytes")
def _():
    picture = b"\x89PNG\r\n\x1a\n" + draw.randbytes(99)
    data = b"{\\rtf1{\\*\\datastore " + plain(OLE2) + b"}{\\pict\\pngblip\\picw9 \n" + plain(picture) + \
        b"}{\\pict\\wmetafile8\\bin%d " % len(picture) + picture + b"}}"
    return told(write("stored.rtf", data)) == [(b"datastore", sha256(OLE2)),
                                               (b"pict", sha256(picture)),
                                               (b"pict", sha256(picture))] or str(walk("stored.rtf"))


# ---- digits that hide ----------------------------------------------------------------------------

def scatter(data, pieces):
    """The digits with something between some of them."""
    out = b""
    for digit in plain(data).decode():
        out += digit.upper().encode() if draw.random() < 0.5 else digit.encode()
        if draw.random() < 0.2:
            out += draw.choice(pieces)
    return out


@tap.case("digits between white space, control words, symbols, letters, comments of no meaning")
def _():
    pieces = [b" ", b"\r\n", b"\t", b"\0", b"\\par ", b"\\fs12 ", b"\\ul-12\\i0 ", b"\\-", b"\\~",
              b"zzz", b"\\{", b"\\}", b"\\\\", b"?", b"\\*", b"\\" + b"a" * 300 + b" "]
    path = write("scattered.rtf", rtf(scatter(ole1(OLE2), pieces)))
    return told(path) == [(b"Word.Document.8", sha256(OLE2))] or str(walk(path))


@tap.case("groups in the data: empty ones, starred ones with digits, plain ones with digits of it")
def _():
    wrong = lacks(write("empty.rtf", rtf(scatter(ole1(OLE2), [b"{}", b"{\\b }", b"{{}{}}"]))), OLE2)
    hidden = [b"{\\*\\any 1234567}", b"{ \\*\\x{00}1}", b"{\\*\\foo\\bin4 }}{{}"]
    wrong = wrong or lacks(write("starred.rtf", rtf(scatter(ole1(OLE2), hidden))), OLE2)
    digits = plain(ole1(OLE2))
    inside = digits[:100] + b"{" + digits[100:301] + b"{" + digits[301:400] + b"}}" + digits[400:]
    wrong = wrong or lacks(write("inside.rtf", rtf(inside)), OLE2)
    left_out = digits[:100] + b"{aabb}" + digits[100:]
    return wrong or lacks(write("out.rtf", rtf(left_out)), OLE2)


@tap.case("\\'xx between digits: without meaning, ending half a byte, or as digits")
def _():
    digits = plain(ole1(OLE2))
    skip = digits[:151] + b"\\'41" + digits[151:]
    drop = digits[:150] + b"7\\'41" + digits[150:]
    take = digits[:150] + b"\\'" + digits[150:]
    wrong = lacks(write("skip.rtf", rtf(skip)), OLE2)
    wrong = wrong or lacks(write("drop.rtf", rtf(drop)), OLE2)
    return wrong or lacks(write("take.rtf", rtf(take)), OLE2)


@tap.case("\\bin: raw bytes that count, that do not, or that are text")
def _():
    data = ole1(OLE2)
    digits = plain(data)
    counts = digits[:200] + b"\\bin50 " + data[100:150] + digits[300:]
    wrong = lacks(write("counts.rtf", rtf(counts)), OLE2)
    skipped = digits[:200] + b"\\bin6 }}{\\ab" + digits[200:]
    wrong = wrong or lacks(write("skipped.rtf", rtf(skipped)), OLE2)
    ignored = digits[:200] + b"\\bin99999999 " + digits[200:]
    return wrong or lacks(write("ignored.rtf", rtf(ignored)), OLE2)


@tap.case("data in data, and data behind raw bytes that are too many")
def _():
    data = b"{\\rtf1{\\object{\\*\\objdata 0105{\\object{\\*\\objdata " + plain(ole1(OLE2)) + b"}}}}}"
    wrong = lacks(write("nested.rtf", data), OLE2)
    return wrong or lacks(write("bin.rtf", b"{\\rtf1\\bin99999999 " + rtf(plain(ole1(OLE2)))), OLE2)


# ---- whole scans ---------------------------------------------------------------------------------

@tap.case("EICAR is found in a packaged file and in other data, and by clamscan too")
def _():
    write("eicar.ndb", b"Eicar-Inside:0:0:" + binascii.hexlify(EICAR) + b"\n")
    packed = write("eicar.rtf", rtf(plain(ole1(package(EICAR, b"e.com"), b"Package"))))
    hidden = scatter(ole1(package(EICAR, b"e.com"), b"Package"), [b"{\\*\\x 00}", b"\\'00", b"\n"])
    for path in (packed, write("hidden.rtf", rtf(hidden))):
        if (answer := finds_eicar(path, "!e.com")) is not True:
            return f"{path}: {answer}"
    if (answer := finds_eicar(write("class.rtf", rtf(plain(ole1(EICAR, b"Odd.1")))))) is not True:
        return answer
    if has("clamscan"):
        done = subprocess.run(["clamscan", "--no-summary", "-d", "eicar.ndb", packed],
                              capture_output=True, text=True, timeout=60, check=False)
        return "Eicar-Inside" in done.stdout or done.stdout


def bombs():
    yield "deep", b"{\\rtf1" + b"{\\objdata 01" * 200_000
    yield "words", b"{\\rtf1" + b"\\objdata" * 200_000
    yield "groups", b"{\\rtf1{\\objdata " + b"{" * 2_000_000
    yield "readings", b"{\\rtf1{\\objdata " + b"{1}\\'00\\bin1 x2" * 100_000
    yield "objects", rtf(plain(ole1(b"x" * 20) * 30_000))


@tap.case("bombs end soon")
def _():
    for name, data in bombs():
        path = write(f"bomb-{name}.rtf", data)
        start = time.monotonic()
        record = scan(path, "--max-filesize=20M", "--max-scansize=40M")
        took = time.monotonic() - start
        if record["verdict"] not in ("clean", "limited") or took > 60:
            return f"{name}: {took:.1f} s {record}"


tap.run()
