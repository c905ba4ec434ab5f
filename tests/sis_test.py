#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installers of Symbian: Debian's sample, and installers written here, beside clamscan. TAP."""
# timeout: 240
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_members, write  # noqa: E402
from members import EICAR, SCAN, Skip, Tap, finds_eicar, has, scan, sha256, walk  # noqa: E402
from sis import (EPOC5, EPOC6, STORED, WIDE, Old, block, condition, controller,  # noqa: E402
                 description, make_new)

tap = Tap()
LEFT = "sis[0-9][0-9]"  # names of what clamscan leaves behind
SAMPLE = pathlib.Path("/usr/share/clamav-testfiles/clam.sis")
TEXT = b"some text that repeats itself\r\n" * 3000
NOISE = random.Random(1).randbytes(70_000)


def parts(path):
    return [(name.decode(), digest) for _, name, _, digest in walk(path, "CL_TYPE_SIS")[0]]


@tap.case("Debian's sample gives the part that clamscan extracts")
def _():
    if not SAMPLE.is_file():
        raise Skip("clamav-testfiles is not installed")
    theirs = clamscan_members(str(SAMPLE), LEFT)
    return parts(SAMPLE) == [("!:\\clam.exe", theirs[0])] or f"{parts(SAMPLE)} {theirs}"


@tap.case("old installers: files packed and not, names wide and narrow, as clamscan has them")
def _():
    for kind in (EPOC5, EPOC6):
        for options in (0, WIDE, STORED, WIDE | STORED):
            sis = Old(kind, options)
            sis.file("C:\\a.txt", "!:\\system\\\u00e4.txt", TEXT)
            sis.file("C:\\noise", "", NOISE)
            sis.file("C:\\x", "!:\\will be made", b"", kind=4)
            path = write(f"{kind}{options}.sis", sis.make())
            expected = [("!:\\system\\\u00e4.txt", sha256(TEXT)), ("C:\\noise", sha256(NOISE))]
            if kind != EPOC5 and not options & STORED:
                expected.append(("!:\\will be made", sha256(b"")))
            if parts(path) != expected or walk(path)[2] != "done":
                return f"{path}: {walk(path)}"
            theirs = clamscan_members(path, LEFT) if has("clamscan") and kind == EPOC6 else None
            if theirs is not None and theirs != [digest for _, digest in expected[:2]]:
                return f"{path}: clamscan tells {theirs}"


@tap.case("old installers: languages, options and conditions")
def _():
    for kind in (EPOC5, EPOC6):
        sis = Old(kind, WIDE, languages=3)
        sis.add([2, 2, *[4, (0,)] * 6, 0xffffffff, 0, 0, 0])
        sis.add([3, 12, 13, 5, 0])
        sis.file("a", "!:\\languages", b"eins", b"zwei", b"drei")
        sis.add([4, 4, 14])
        sis.file("b", "!:\\one", b"one")
        sis.add([5])
        sis.file("c", "!:\\two", TEXT)
        sis.add([6])
        path = write(f"languages{kind}.sis", sis.make())
        expected = [("!:\\languages", sha256(text)) for text in (b"eins", b"zwei", b"drei")]
        expected += [("!:\\one", sha256(b"one")), ("!:\\two", sha256(TEXT))]
        if parts(path) != expected or walk(path)[2] != "done":
            return f"{walk(path)}"


def new_installer():
    inner = controller(1, block([description("!:\\inner\\a", 0)],
                                [controller(1, block([description("!:\\inmost", 0)]))]))
    outer = block([description("c:\\second", 1), description("c:\\f\u00efrst", 0, True)], [inner],
                  [condition([description("e:\\if", 2)], [description("e:\\else", 3)])])
    units = ([(TEXT, True), (NOISE, False), (b"if", True), (b"else", True), (b"nameless", False)],
             [(b"inner", True)], [(EICAR, True)])
    expected = [("c:\\f\u00efrst", TEXT), ("c:\\second", NOISE), ("e:\\if", b"if"),
                ("e:\\else", b"else"), ("", b"nameless"), ("!:\\inner\\a", b"inner"),
                ("!:\\inmost", EICAR)]
    return make_new(outer, *units), [(name, sha256(plain)) for name, plain in expected]


@tap.case("new installers: units of files, with names from controllers and embedded ones")
def _():
    data, expected = new_installer()
    path = write("new.sisx", data)
    return (parts(path) == expected and walk(path)[2] == "done") or f"{walk(path)} {expected}"


@tap.case("EICAR is found in both kinds, and in one inside another")
def _():
    inner = Old()
    inner.file("a", "!:\\eicar.com", EICAR)
    outer = Old()
    outer.file("b", "!:\\part.sis", inner.make(), kind=2)
    for name, data, inside in (("old", inner.make(), "eicar.com"),
                               ("nested", outer.make(), "eicar.com"),
                               ("new", new_installer()[0], "inmost")):
        answer = finds_eicar(write(name + ".sis", data), inside)
        if answer is not True:
            return f"{name}: {answer}"


@tap.case("what calls itself packed and is not stands as it is")
def _():
    sis = Old(EPOC6, WIDE | STORED)
    sis.file("a", "!:\\eicar.com", EICAR)
    data = bytearray(sis.make())
    data[36] &= ~STORED
    path = write("liar.sis", bytes(data))
    return scan(path)["verdict"] == "found" or f"{walk(path)}"


@tap.case("installers that break off give what came before")
def _():
    sis = Old()
    sis.file("a", "!:\\eicar.com", EICAR)
    sis.file("b", "!:\\noise", NOISE)
    new = make_new(block([description("a", 0)]), [(EICAR, True), (NOISE, True)])
    for name, data in (("old", sis.make()), ("new", new)):
        path = write(f"cut-{name}.sis", data[:-30_000])
        told, _, status = walk(path, "CL_TYPE_SIS")
        if len(told) != 2 or told[1][2] < 30_000 or status == "done":
            return f"{name}: {told} {status}"
        if scan(path)["verdict"] != "found":
            return f"{name}: {scan(path)}"


@tap.case("mutated and truncated installers do no harm")
def _():
    draw = random.Random(4)
    sis = Old(languages=2)
    sis.file("a", "!:\\a", b"eins", b"zwei")
    sis.file("b", "!:\\b", TEXT)
    new = make_new(block([description("a", 0)], [controller(1, block())]), [(b"a", True)], [(TEXT, True)])
    originals = [sis.make(), new] + ([SAMPLE.read_bytes()] if SAMPLE.is_file() else [])
    for number in range(150):
        data = bytearray(draw.choice(originals))
        for _ in range(draw.randrange(4)):
            data[draw.randrange(16, len(data))] = draw.choice((0, 1, 2, 127, 255, draw.randrange(256)))
        del data[draw.choice((len(data), draw.randrange(20, len(data)))):]
        path = write(f"mutated/{number}", bytes(data))
        walk(path, "CL_TYPE_SIS")
    record = subprocess.run([*SCAN, "--no-summary", "mutated"], capture_output=True,
                            timeout=200, check=False)
    return record.returncode in (0, 1) or f"{record.returncode} {record.stdout[-300:]}"


tap.run()
