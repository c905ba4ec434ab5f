#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiled AutoIt scripts: Debian's samples, and containers written here, beside clamscan. TAP."""
# timeout: 300
import math
import pathlib
import random
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from autoit import MARK, SCRIPT, make, script, word  # noqa: E402
from beside import clamscan_members, write  # noqa: E402
from members import EICAR, SCAN, Skip, Tap, finds_eicar, has, scan, sha256, walk  # noqa: E402

tap = Tap()
LEFT = "autoit.[0-9][0-9][0-9]"  # names of what clamscan leaves behind
SAMPLES = [pathlib.Path(f"/usr/share/clamav-testfiles/clam.ea0{n}.exe") for n in (5, 6)]
FILES = [("plain.txt", b"some text that repeats itself\r\n" * 3000),
         ("noise.bin", random.Random(1).randbytes(70_000)),
         ("runs.bin", bytes(100_000) + b"\xff" * 1000 + b"ab" * 3000),
         ("short", b"abcd"), ("b\u00e4r.com", EICAR)]
STRING, VARIABLE, FUNCTION, INTEGER = 0x36, 0x33, 1, 5


def ours(path):
    return [digest for _, _, _, digest in walk(path, "CL_TYPE_AUTOIT")[0]]


def cut_out(sample):
    if not sample.is_file():
        raise Skip("clamav-testfiles is not installed")
    data = sample.read_bytes()
    return data[data.index(MARK):]


@tap.case("Debian's samples give the parts that clamscan extracts")
def _():
    for sample in SAMPLES:
        path = write(sample.name + ".au3", cut_out(sample))
        theirs = clamscan_members(str(sample), LEFT)
        if len(theirs) != 2 or ours(path) != theirs:
            return f"{sample}: {walk(path, 'CL_TYPE_AUTOIT')} {theirs}"


@tap.case("files, packed and not, in both formats: names and bytes")
def _():
    for number in (5, 6):
        for is_packed in (True, False):
            path = write(f"{number}{is_packed}.au3", make(number, FILES, is_packed))
            told, _, status = walk(path, "CL_TYPE_AUTOIT")
            encoding = "latin-1" if number == 5 else "utf-8"
            expected = [("member", name.encode(encoding), len(plain), sha256(plain))
                        for name, plain in FILES]
            if told != expected or status != "done":
                return f"{path}: {told} {status}"
            if has("clamscan") and clamscan_members(path, LEFT) != ours(path):
                return f"{path}: clamscan tells {clamscan_members(path, LEFT)}"


def every_token():
    """A script with every token there is."""
    names = [[struct.pack("<BI", kind, number)] for kind, count in ((0, 45), (1, 406))
             for number in range(count)]
    words = [[word(kind, "text"), word(kind, "")] for kind in range(0x30, 0x38)]
    operators = [[bytes([kind])] for kind in range(0x40, 0x59)]
    numbers = [[struct.pack("<BI", 5, value)] for value in (0, 1, 0xffffffff)]
    numbers += [[struct.pack("<BQ", 0x10, value)] for value in (0, 1 << 63, 12345678901234)]
    numbers += [[struct.pack("<Bd", 0x20, value)]
                for value in (0.5, -1e300, 1e-300, 3.0, 1234567.0, math.pi, math.inf)]
    letters = ["\u00fcber", "\u0436" * 9, "ab\u0436\u0436", "abc\u0436", "\u0436" * 10 + "a" * 30,
               "a" * 10 + "\u0436" * 30, "x" * 70_000, '"quoted"', "line\nend"]
    return script(*names, *words, *operators, *numbers, *([word(STRING, text)] for text in letters))


@tap.case("a script with every token is the text that clamscan writes")
def _():
    path = write("tokens.au3", make(6, [(SCRIPT, every_token())]))
    theirs = clamscan_members(path, LEFT)
    if ours(path)[:1] != theirs:
        return f"{ours(path)} {theirs}"


@tap.case("scripts that clamscan finds damaged give the text before, and after a word not known")
def _():
    good = script([word(STRING, "text before"), b"\x49"], [word(VARIABLE, "a")])
    before = b'"text before" + \n$a \n'
    for tail, whole in ((b"\x02", None), (b"\x59", None), (b"\x36\xff\xff", None),
                        (b"\x00\xff\0\0\0", b"#255 "), (struct.pack("<BI", 1, 406), b"#406 ")):
        tokens = struct.pack("<I", 5) + good[4:] + tail + b"\x7f" * 6
        path = write("damaged.au3", make(6, [(SCRIPT, tokens)]))
        expected = [sha256(before)] + ([sha256(before + whole + b"\n\n\n")] if whole else [])
        if walk(path, "CL_TYPE_AUTOIT")[2] == "done" or ours(path) != expected:
            return f"{tail}: {walk(path, 'CL_TYPE_AUTOIT')}"
        if has("clamscan") and clamscan_members(path, LEFT) != expected[:1]:
            return f"{tail}: clamscan tells {clamscan_members(path, LEFT)}"


@tap.case("letters that clamscan loses stand in a second text, in UTF-8")
def _():
    tokens = script([word(STRING, "\u0436\u0437 \U0001f600 evil")], [word(VARIABLE, "b")])
    path = write("wide.au3", make(6, [(SCRIPT, tokens)]))
    expected = sha256('"\u0436\u0437 \U0001f600 evil" \n$b \n'.encode())
    return ours(path)[1:] == [expected] or f"{walk(path, 'CL_TYPE_AUTOIT')}"


@tap.case("a script that takes no commands is told as tokens and as text")
def _():
    tokens = script([word(VARIABLE, "a")])
    path = write("other.au3", make(6, [(">>>AUTOIT NO CMDEXECUTE<<<", tokens)]))
    return ours(path) == [sha256(tokens), sha256(b"$a \n")] or f"{ours(path)}"


@tap.case("EICAR is found behind a program, behind anything, and as a file")
def _():
    program = pathlib.Path("/bin/true").read_bytes()
    for number in (5, 6):
        container = make(number, FILES)
        for name, data in (("alone", container), ("behind", b"junk " * 999 + container),
                           ("program", program + container)):
            answer = finds_eicar(write(f"{name}{number}", data), "b\u00e4r.com" if number == 6 else None)
            if answer is not True:
                return f"{name}{number}: {answer}"


def names_of(command, path):
    done = subprocess.run(command + [path], capture_output=True, text=True, timeout=60, check=False)
    return {line.split(": ")[1] for line in done.stdout.splitlines() if line.endswith(" FOUND")}


@tap.case("a script with HTML in it is text, and HTML elsewhere is not")
def _():
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    write("html.ndb", "As-Html:3:*:" + b"lines words".hex() + "\nAs-Text:7:*:" + b"lines words".hex() +
          "\nIn-Script:0:*:" + b'$A = "<html>"'.hex() + "\n")
    lines = [[word(STRING, "Lines")]] * 200 + [[word(VARIABLE, "A"), b"\x41", word(STRING, "<html>")],
                                              [word(STRING, "Lines words")]]
    text = b"Lines\n" * 200 + b"<html>\nLines words\n"
    for name, data, wanted in (("plain.txt", text, {"As-Html"}),
                               ("html.au3", make(6, [(SCRIPT, script(*lines))]), {"As-Text", "In-Script"}),
                               ("html5.au3", make(5, [("a.txt", text)]), {"As-Text"})):
        path = write(name, data)
        options = ["--no-summary", "--allmatch", "-d", "html.ndb"]
        theirs = names_of(["clamscan"] + options, path)
        told = names_of([*SCAN, "--no-summary", "--all-matches", "--rules", "html.ndb"], path)
        wanted = {f"{rule}.UNOFFICIAL FOUND" for rule in wanted}
        if told != wanted or theirs != wanted:
            return f"{name}: {told} {theirs}"


@tap.case("a file that does not fit does not hide those behind it")
def _():
    path = write("large.au3", make(5, [("large", bytes(3 << 20)), ("eicar", EICAR)]))
    record = scan(path, "--max-filesize=2M")
    return record["verdict"] == "found" or f"{record}"


@tap.case("mutated and truncated containers do no harm")
def _():
    draw = random.Random(4)
    originals = [make(5, FILES[3:]), make(6, [(SCRIPT, every_token()[:3000]), *FILES[3:]])]
    originals += [cut_out(sample) for sample in SAMPLES if sample.is_file()]
    for number in range(120):
        data = bytearray(draw.choice(originals))
        for _ in range(draw.randrange(4)):
            data[draw.randrange(24, len(data))] = draw.randrange(256)
        del data[draw.choice((len(data), draw.randrange(30, len(data)))):]
        write(f"mutated/{number}", bytes(data))
        walk(f"mutated/{number}", "CL_TYPE_AUTOIT")
    record = subprocess.run([*SCAN, "--no-summary", "mutated"], capture_output=True,
                            timeout=200, check=False)
    return record.returncode in (0, 1) or f"{record.returncode} {record.stdout[-300:]}"


@tap.case("a container that breaks off gives what came before")
def _():
    for number in (5, 6):
        plain = b"some text that repeats itself\r\n" * 50 + random.Random(2).randbytes(5000)
        container = make(number, [("eicar", EICAR), ("long", plain)])
        path = write(f"cut{number}.au3", container[:-2000])
        told, _, status = walk(path, "CL_TYPE_AUTOIT")
        if [name for _, name, _, _ in told] != [b"eicar", b"long"] or status == "done":
            return f"{told} {status}"
        if told[1][2] < 3000 or scan(path)["verdict"] != "found":
            return f"{told} {scan(path)}"


tap.run()
