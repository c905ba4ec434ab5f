#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The differences that docs/clamav-differences.md lists, each tried on a small case. TAP.

  differences_test.py              overt ($OVERT, else $OVERT_BUILD/overt) does what is said of it
  differences_test.py --clamscan   clamscan does what is said of clamscan
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "format"))
import forge_elf  # noqa: E402

FILLER = b"\x01\x02 filler "


def twenty_candidates():
    """A part with twenty ends; the second part is at the right distance from the sixth alone."""
    return (b"FIRSTPART" + b"\x01" * 8) * 20 + b"SECONDPART"


SIXTH_DISTANCE = 20 * 17 - (5 * 17 + 9)
HEX = {word: word.encode().hex() for word in ("FIRSTPART", "SECONDPART", "COMPARE", "PUAWORD",
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
    ("raw HTML, in a comment",
     "a.ndb", [f"Html:0:*:{HEX['HTMLWORD']}"],
     b"<html><head><title>x</title></head><body><!-- HTMLWORD --></body></html>", None, "Html"),
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
    done = subprocess.run([program, "scan", "--json", *extra, "--rules", database, file],
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
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
