#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The differences that docs/clamav-differences.md lists, each tried on a small case. TAP.

  differences_test.py              overt ($OVERT, else $OVERT_BUILD/overt) does what is said of it
  differences_test.py --clamscan   clamscan does what is said of clamscan
"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "format"))
import forge_elf  # noqa: E402
import forge_pe  # noqa: E402

FILLER = b"\x01\x02 filler "
PAGE = b"<html><head><title>x</title></head><body><!-- HTMLWORD --></body></html>"


def twenty_candidates():
    """A part with twenty ends; the second part is at the right distance from the sixth alone."""
    return (b"FIRSTPART" + b"\x01" * 8) * 20 + b"SECONDPART"


SIXTH_DISTANCE = 20 * 17 - (5 * 17 + 9)
HEX = {word: word.encode().hex() for word in ("SOUNDWORD", "FIRSTPART", "SECONDPART", "COMPARE", "PUAWORD",
                                              "REALWORD", "TINY", "HTMLWORD", "GOODRULE")}
# (case, database name, its lines, file, what clamscan finds, what overt finds)
CASES = [
    ("candidates: the sixth of twenty ends",
     "a.ndb", [f"Parts:0:*:{HEX['FIRSTPART']}{{{SIXTH_DISTANCE}}}{HEX['SECONDPART']}"],
     twenty_candidates(), None, "Parts"),
    ("byte compare at 200,000",
     "a.ldb", [f"Compare;Engine:81-255,Target:0;0&1;{HEX['COMPARE']};0(>>7#ib2#=258)"],
     b"\x03" * 200000 + b"COMPARE\x01\x02" + FILLER, None, "Compare"),
    ("byte compare at 1,000 (no difference)",
     "a.ldb", [f"Compare;Engine:81-255,Target:0;0&1;{HEX['COMPARE']};0(>>7#ib2#=258)"],
     b"\x03" * 1000 + b"COMPARE\x01\x02" + FILLER, "Compare", "Compare"),
    ("a strong rule behind a weak one",
     "a.ndb", [f"PUA.Weak:0:*:{HEX['PUAWORD']}??", f"Strong:0:*:{HEX['REALWORD']}??"],
     FILLER + b"PUAWORD." + FILLER * 9 + b"REALWORD." + FILLER, "PUA.Weak", "Strong"),
    ("one bad line",
     "a.ndb", ["Bad:0:*:zz", f"Good:0:*:{HEX['GOODRULE']}"],
     FILLER + b"GOODRULE" + FILLER, "error", "Good"),
    ("a blank line",
     "a.ndb", ["", f"Good:0:*:{HEX['GOODRULE']}"],
     FILLER + b"GOODRULE" + FILLER, "error", "Good"),
    ("an object of five bytes",
     "a.ndb", [f"Tiny:0:*:{HEX['TINY']}"], b"\x01TINY", None, "Tiny"),
    ("a sound file",
     "a.ndb", [f"Sound:0:*:{HEX['SOUNDWORD']}"],
     b"ID3\x03\0\0\0\x01\x02" + b"SOUNDWORD" + FILLER, None, "Sound"),
    ("raw HTML, in a comment (no difference)",
     "a.ndb", [f"Html:0:*:{HEX['HTMLWORD']}"], PAGE, None, None),
    ("the hash of a page",
     "a.hdb", [f"{hashlib.md5(PAGE).hexdigest()}:{len(PAGE)}:Html"], PAGE, None, "Html"),
]


def logical(expression, target=0):
    return f"Case;Engine:100-255,Target:{target};{expression}"


JUNK = b"\x01\x02\xff\x00\x01zzzzzzzzzzz"
CASES += [
    ("alternatives that begin alike", "a.ndb", ["Alike:0:*:(42|4243)71727374"],
     JUNK + b"Bqrst" + JUNK, None, "Alike"),
    ("alternatives that do not (no difference)", "a.ndb", ["Alike:0:*:(42|4343)71727374"],
     JUNK + b"Bqrst" + JUNK, "Alike", "Alike"),
    ("alternatives that end alike after an edge", "a.ndb", ["Alike:0:*:(B)(9?|e90191)b8d410cd0fbfcc"],
     JUNK + b".\xe9\x01\x91\xb8\xd4\x10\xcd\x0f\xbf\xcc" + JUNK, None, "Alike"),
    ("a line end of two bytes", "a.ndb", ["Line:0:*:6162(L)614265666768"],
     JUNK + b"ab\r\naBefgh" + JUNK, None, "Line"),
    ("a line end of one byte (no difference)", "a.ndb", ["Line:0:*:6162(L)614265666768"],
     JUNK + b"ab\naBefgh" + JUNK, "Line", "Line"),
    ("a class and an offset", "a.ndb", ["Class:0:16:6162(W)655a64656667"],
     JUNK + b"ab/eZdefg" + JUNK, None, "Class"),
    ("a shorter alternative near the start", "a.ndb", ["Near:0:2:(55666a|39)52415062674f"],
     b"\x01\x029RAPbgO" + JUNK, "Near", "Near"),
    ("a shorter alternative nearer to it", "a.ndb", ["Near:0:1:(55666a|39)52415062674f"],
     b"\x019RAPbgO" + JUNK, None, "Near"),
    ("bytes behind the end", "a.ndb", ["End:0:*:42414243(W)41"], JUNK + b"BABC/", "End", None),
    ("wildcards outside a part", "a.ndb", ["Outside:0:*:376b7071[2-2]6?"],
     JUNK + b"7kpqxxz" + JUNK, "Outside", None),
    ("byte compare in a rule for a target", "a.ldb",
     [logical("0&1;434f4d50415245;0(>>7#ib2#=258)", 6)],
     forge_elf.build(patches=((2000, b"COMPARE\x01\x02"),)), None, "Case"),
    ("one start, two forms", "a.ldb", [logical("0=1;41000000::wa")],
     JUNK + b"A" + bytes(7) + b"zz" + JUNK, "Case", None),
]


def fillers(count):
    """Rules that take room in clamscan's memory and match nothing."""
    return [f"Filler.{n}:1:*:{n * 7919 % 65536:04x}{n * 104729 % 65536:04x}??{n:08x}"
            for n in range(1, count + 1)]


# One section, from 0x400 to the end; `size` bytes in all.
def one_section(size, planted):
    data = bytearray(forge_pe.build(size=size, entry=0x1000, sections=[
        forge_pe.section(vsize=size, rva=0x1000, rsize=size - 0x400, raw=0x400)]))
    data[0x800:0x800 + len(planted)] = planted
    return bytes(data)


TEXT = b"some words and a sentence of them, all in small letters: "
FIRST = "Filler:1:*:5a5a5a??5a5a"  # the first rule of all lies in memory of its own
TIE = one_section(0x1000, b"vsjzmpkl")
CASES += [
    ("a plain pattern in a section of a large file", "a.ndb", ["Large:1:SE0:766f6c756d65"],
     one_section(262144, b"volume"), None, "Large"),
    ("in a smaller one (no difference)", "a.ndb", ["Large:1:SE0:766f6c756d65"],
     one_section(262143, b"volume"), "Large", "Large"),
    ("with a wildcard (no difference)", "a.ndb", ["Large:1:SE0:766f6c??6d65"],
     one_section(262144, b"volume"), "Large", "Large"),
]
WIDE = "wordinside".encode("utf-16-le")
WIDE_TEXT = b"\xff\xfe" + "a wordinside it".encode("utf-16-le") * 9
CASES += [
    ("a rule for text on UTF-16 as it stands (no difference)", "a.ldb",
     [logical(f"0;{WIDE.hex()}", 7)], WIDE_TEXT, None, None),
    ("a rule for text on the view of UTF-16 (no difference)", "a.ldb",
     [logical(f"0;{b'wordinside'.hex()}", 7)], WIDE_TEXT, "Case", "Case"),
    ("in UTF-16 rules for any target come first (no difference)", "a.ldb",
     [logical(f"0;{b'wordinside'.hex()}", 7), "Any;Engine:51-255,Target:0;0;" + WIDE.hex()],
     WIDE_TEXT, "Any", "Any"),
]
# Which name comes first, without differences.
CASES += [(f"first name: {name}", "a.ndb", lines, content, wanted, wanted)
          for name, lines, content, wanted in [
    ("text: any target before text",
     ["Text:7:*:736f6d6520776f726473", "Any:0:*:6c657474657273"], TEXT * 9, "Any"),
    ("unknown data: any target before unknown",
     ["Other:14:*:71727374", "Any:0:*:75767778"], JUNK + b"qrst" + JUNK + b"uvwx" + JUNK, "Any"),
    ("PE: its own target before any",
     ["Any:0:*:76736a??", "Own:1:*:6d706b6c??"], TIE, "Own"),
    ("plain before others", ["Other:0:*:7172??74", "Plain:0:*:75767778"],
     JUNK + b"qrst" + JUNK + b"uvwx" + JUNK, "Plain"),
    ("plain: each by the first of its blocks that is free",
     ["A:0:*:71727374", "B:0:*:717273747a"], JUNK + b"qrstz" + JUNK, "A"),
    ("plain, at one place: loaded last", ["A:0:*:717273", "B:0:*:717273"],
     JUNK + b"qrst" + JUNK, "B"),
    ("others, at one place: loaded first", [FIRST, "A:1:*:76736a7a??70", "B:1:*:76736a7a6d??"],
     TIE, "A"),
    ("others, with much between them: loaded last",
     [FIRST, "A:1:*:76736a7a??70", *fillers(3000), "B:1:*:76736a7a6d??"], TIE, "B"),
    ("after the very first rule: loaded last", ["A:1:*:76736a7a??70", "B:1:*:76736a7a6d??"],
     TIE, "B"),
    ("fewer parts, with one last part",
     [FIRST, "A:1:*:7673*6a7a*6d706b6c", "B:1:*:76736a7a*6d706b6c"], TIE, "B"),
    ("one part before several", [FIRST, "A:1:*:76736a7a*6d706b6c", "B:1:*:6d706b??"], TIE, "B"),
    ("several that are equal before one",
     [FIRST, "A:1:*:76736a7a??70", "B:1:*:76736a7a6d", "C:1:0,3:76736a7a6d"], TIE, "B"),
    ("three bytes before two", [FIRST, "A:1:*:736a??6d", "B:1:*:76736a7a??70"], TIE, "B"),
    ("two of two: the later", [FIRST, "A:1:*:7673??7a6d", "B:1:*:73??7a6d"], TIE, "A"),
    ("three zeros are no start", [FIRST, "A:1:*:0000007673", "B:1:*:000076736a"],
     one_section(0x1000, b"\0\0\0vsj"), "B"),
    ("a choice of two lengths, seen from the end",
     [FIRST, "A:1:*:6a7a??706b", "B:1:*:(76|4242)736a7a"], TIE, "B"),
]]


def run_clamscan(database, file):
    done = subprocess.run(["clamscan", "--no-summary", "-d", database, file], capture_output=True,
                          text=True, check=False)
    if done.returncode == 2:
        return "error"
    verdict = done.stdout.strip().rpartition(": ")[2]
    return verdict.removesuffix(" FOUND").removesuffix(".UNOFFICIAL") if done.returncode else None


def run_overt(database, file, extra=()):
    program = os.environ.get("OVERT") or os.path.join(os.environ.get("OVERT_BUILD", "build"),
                                                      "overt")
    done = subprocess.run([program, "scan", "--no-journal", "--json", *extra, "--rules", database, file],
                          capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        if "path" in answer:
            names = [d["rule"].removesuffix(".UNOFFICIAL") for d in answer["detections"]]
            if answer["verdict"] in ("clean", "found"):
                return names[0] if names else None
            return answer["verdict"]
    return f"error {done.stderr.strip()}"


def check_limit(tap, is_clamscan, folder):
    """A file over the size limit: OK for one, limited for the other."""
    database, file = str(folder / "limit.ndb"), str(folder / "large")
    pathlib.Path(database).write_text(f"Good:0:*:{HEX['GOODRULE']}\n")
    pathlib.Path(file).write_bytes(b"\x01\x02\x03" * 1000000 + b"GOODRULE")
    if is_clamscan:
        done = subprocess.run(["clamscan", "--no-summary", "--max-filesize=1M", "-d", database,
                               file], capture_output=True, text=True, check=False)
        tap("a file over a limit", done.returncode, 0)
    else:
        tap("a file over a limit", run_overt(database, file, ["--max-filesize=1M"]), "limited")


def check_ignore_list(tap, is_clamscan, folder):
    """An ignore list that is named after the rules counts for overt alone."""
    file = folder / "ignored"
    for name, content in (("late.ndb", f"Good:0:*:{HEX['GOODRULE']}\nOther:0:*:{HEX['TINY']}\n"), ("late.ign2", "Good\n")):
        (folder / name).write_text(content)
    file.write_bytes(FILLER + b"GOODRULE" + FILLER)
    rules, ignored = str(folder / "late.ndb"), str(folder / "late.ign2")
    if is_clamscan:
        done = subprocess.run(["clamscan", "--no-summary", "-d", rules, "-d", ignored, str(file)],
                              capture_output=True, text=True, check=False)
        tap("an ignore list after the rules", done.returncode, 1)
        done = subprocess.run(["clamscan", "--no-summary", "-d", ignored, "-d", rules, str(file)],
                              capture_output=True, text=True, check=False)
        tap("an ignore list before the rules", done.returncode, 0)
    else:
        tap("an ignore list after the rules",
            run_overt(rules, str(file), ["--rules", ignored]), None)


def main():
    is_clamscan = "--clamscan" in sys.argv
    results = []

    def tap(name, got, wanted):
        results.append(got == wanted)
        print(f"{'' if got == wanted else 'not '}ok {len(results)} - {name}")
        if got != wanted:
            print(f"# {got}, not {wanted}")

    with tempfile.TemporaryDirectory(prefix="overt-differences-") as folder:
        folder = pathlib.Path(folder)
        for number, (name, database, lines, content, clam, ours) in enumerate(CASES):
            case = folder / str(number)
            case.mkdir()
            (case / database).write_text("\n".join(lines) + "\n")
            (case / "file").write_bytes(content)
            run = run_clamscan if is_clamscan else run_overt
            tap(name, run(str(case / database), str(case / "file")), clam if is_clamscan else ours)
        check_limit(tap, is_clamscan, folder)
        check_ignore_list(tap, is_clamscan, folder)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
