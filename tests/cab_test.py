#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cabinets, compiled help and SZDD files, held against cabextract, 7z and clamscan. TAP."""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, overt_names, write  # noqa: E402
from forge_ms import METHODS, cabinet, help_file, szdd  # noqa: E402
from members import (BUILD, EICAR, Tap, finds_eicar, first_of, needs, run, scan,  # noqa: E402
                     sha256, walk)

tap = Tap()
TEXT = b"some words to be packed, some words, some words and 1234567890. " * 20
SAMPLES = pathlib.Path("/usr/share/clamav-testfiles")


def make_plain(size):
    draw = random.Random(size)
    return bytes(draw.choices(b"abcdefgh\0\xff", k=size))


def expect(path, *expected, status="done"):
    told, facts, told_status = walk(path)
    actual = [(name, digest) for _, name, _, digest in told]
    wanted = [(name, sha256(data)) for name, data in expected]
    return (actual == wanted and (facts, told_status) == (0, status)) or \
        f"{path}: {[(n, s) for _, n, s, _ in told]} {facts} {told_status}"


MEMBERS = [(b"a.txt", TEXT), (b"empty", b""), (b"dir\\b.bin", make_plain(70_000)), (b"z", b"last")]


@tap.case("cabinets of several folders and methods, held against cabextract")
def _():
    needs("cabextract")
    for method in METHODS:
        path = write(f"{method}.cab", cabinet([(method, MEMBERS), ("stored", [(b"two", b"2" * 9)])]))
        expected = MEMBERS + [(b"two", b"2" * 9)]
        for name, data in expected:
            theirs = run("cabextract", "-q", "-p", "-F", name.replace(b"\\", b"/"), path)
            if theirs != data:
                return f"{path}: cabextract has another {name}: {len(theirs)}"
        answer = expect(path, *expected)
        if answer is not True:
            return answer
    return True


@tap.case("cabinets made by gcab")
def _():
    needs("gcab")
    for name, data in (("one.txt", TEXT), ("two.bin", make_plain(100_000))):
        pathlib.Path(name).write_bytes(data)
    run("gcab", "-c", "-n", "gcab.cab", "one.txt", "two.bin")
    run("gcab", "-c", "-z", "gcab-z.cab", "one.txt", "two.bin")
    expected = [(b"one.txt", TEXT), (b"two.bin", make_plain(100_000))]
    return first_of([expect("gcab.cab", *expected), expect("gcab-z.cab", *expected)])


@tap.case("plain sizes are told, packed ones are not known")
def _():
    path = write("meta.cab", cabinet([("mszip", MEMBERS)]))
    lines = run(BUILD / "tests/members", "-m", path).decode().splitlines()
    meta = [line for line in lines if line.startswith("meta")]
    return meta == [f"meta 0 {len(data)} 00000000" for _, data in MEMBERS] or str(meta)


@tap.case("a cabinet that breaks off gives what came before")
def _():
    data = cabinet([("stored", [(b"a", TEXT), (b"b", make_plain(60_000))])])
    told, _, status = walk(write("cut.cab", data[:40_000]))
    sizes = [size for _, _, size, _ in told]
    return (status == "damaged" and sizes[0] == len(TEXT) and sizes[1] > 20_000) or \
        f"{sizes} {status}"


@tap.case("a cabinet of a set is told as incomplete")
def _():
    data = cabinet([("stored", [(b"a", TEXT)])], flags=2)
    at = 36
    names = b"next.cab\0disk\0"
    moved = bytearray(data[:at] + names + data[at:])
    for place, shift in ((16, len(names)), (8, len(names)), (at + len(names), len(names))):
        value = int.from_bytes(moved[place:place + 4], "little") + shift
        moved[place:place + 4] = value.to_bytes(4, "little")
    return expect(write("set.cab", bytes(moved)), (b"a", TEXT), status="damaged")


@tap.case("compiled help, held against 7z")
def _():
    needs("7z")
    members = [(b"/index.htm", TEXT), (b"/b.js", make_plain(9000)), (b"/c", b"")]
    path = write("made.chm", help_file(members))
    answer = expect(path, *sorted(members))
    if answer is not True or not (SAMPLES / "clam.chm").exists():
        return answer
    path = SAMPLES / "clam.chm"
    told = [(name, digest) for _, name, _, digest in walk(path)[0]]
    for name, digest in told:
        theirs = sha256(run("7z", "x", "-so", "-bd", path, name.decode().lstrip("/")))
        if theirs != digest:
            return f"{path}: {name}"
    return len(told) > 0 or "nothing told"


@tap.case("SZDD files, held against 7z, and against clamscan where they have matches")
def _():
    needs("7z", "clamscan")
    for number, plain in enumerate((TEXT, b"x", make_plain(50_000), b"abc" * 5000)):
        path = write(f"{number}.tx_", szdd(plain))
        if plain[:9] != b"abc" * 3:  # 7z takes what follows a long match for bytes behind the data
            if run("7z", "x", "-so", "-bd", "-tMsLZ", path) != plain:
                return f"{path}: 7z has something else"
        answer = expect(path, (b"", plain))
        if answer is not True:
            return answer
        rules = write("plain.hsb", f"{sha256(plain)}:{len(plain)}:Plain:73\n")
        if len(plain) > 5 and clamscan_names(path, rules) != ["Plain.UNOFFICIAL"]:
            return f"{path}: clamscan has something else"
    return True


@tap.case("EICAR is found in each, and its path told")
def _():
    answers = [finds_eicar(write(f"eicar-{method}.cab", cabinet(
        [("stored", [(b"x", TEXT)]), (method, [(b"y", TEXT), (b"e.com", EICAR)])])), "!e.com")
        for method in METHODS]
    answers.append(finds_eicar(write("eicar.chm", help_file([(b"/a", TEXT), (b"/e.com", EICAR)])),
                               "!/e.com"))
    answers.append(finds_eicar(write("eicar.co_", szdd(EICAR)), "!#1"))
    return first_of(answers)


@tap.case("what unpacks to much is limited, never clean")
def _():
    bomb = write("bomb.cab", cabinet([("mszip", [(b"%d" % i, b"\0" * 3_000_000)
                                                 for i in range(5)])]))
    for option, limit in (("--max-filesize=1M", "max-filesize"),
                          ("--max-scansize=4M", "max-scansize")):
        record = scan(bomb, option)
        if (record["verdict"], record.get("limit")) != ("limited", limit):
            return str(record)
    return True


@tap.case("clamscan finds the same names in the same files")
def _():
    needs("clamscan")
    word = b"\1\2CABLAYERWORD\0\3"
    rules = write("word.ndb", f"Found:0:*:{word.hex()}\n")
    samples = {f"w-{m}.cab": cabinet([(m, [(b"a", TEXT), (b"w", TEXT + word)])]) for m in METHODS}
    # A checksum that is wrong, and a folder that lacks its last block.
    samples["cut.cab"] = cabinet([("stored", [(b"w", TEXT + word), (b"b", TEXT * 50)])])[:50_000]
    samples["w.chm"] = help_file([(b"/w", word * 3)])
    samples["w.szdd"] = szdd(word * 3)
    for name, data in samples.items():
        path = write("beside-" + name, data)
        ours, theirs = overt_names(path, rules), clamscan_names(path, rules)
        if ours != theirs or not ours:
            return f"{name}: overt {ours}, clamscan {theirs}"
    return True


tap.run()
