#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
"""What rules mean: cases that once went wrong, then random rules held against clamscan. TAP.

  match_test.py [--rounds N]   N times as many random rounds as usual (tests/match/differential.py)
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent / "match"
sys.path.insert(0, str(HERE))
import differential  # noqa: E402

HEAD = b"\x01\x02\xff\x03\x00\x01\x00\x01"
MARK = "b1b2b3b4b5"


def compare(option):
    return f"0&1;{MARK};0(>>5#{option})"


def field(text):
    return HEAD + bytes.fromhex(MARK) + text + b"QQQQ"


COUNTED = HEAD + b"aaaaaz" + b"cccccccc" + HEAD  # 61616161 twice, 63636363 five times
# (case, expression and subsignatures, file, whether clamscan 1.4.6 finds it)
CASES = [
    ("a block that is false adds nothing around it", "((0&1)|2)=5;61616161;62626262;63636363",
     COUNTED, True),
    ("a subsignature that is asked to be absent counts as distinct", "(0|1=0)=2,2;61616161;62626262",
     COUNTED, True),
    ("inside parentheses the last operator splits", "(0&1|2);61616161;62626262;7a7a7a7a",
     HEAD + b"zzzz", True),
    ("outside parentheses the first operator splits", "0&1|2;61616161;62626262;7a7a7a7a",
     HEAD + b"zzzz", False),
    ("a byte outside a part belongs to no distance", "0;b1b2{2-3}63[1-1]c1c2c3",
     HEAD + bytes.fromhex("b1b2") + b"c_" + bytes.fromhex("c1c2c3"), True),
    ("byte compare: no digits are 0", compare("d2#=0"), field(b"zz12"), True),
    ("byte compare: exactly no digits are nothing", compare("de2#=0"), field(b"zz12"), False),
    ("byte compare: blanks are skipped", compare("d4#=12"), field(b"  12"), True),
    ("byte compare: blanks are not exact", compare("de4#=12"), field(b"  12"), False),
    ("byte compare: 0x in hex text", compare("hbe4#=0x12"), field(b"0x12"), True),
    ("byte compare: a sign", compare("hb4#<0"), field(b"-012"), True),
    ("byte compare: little-endian pairs", compare("hl4#=0x3412"), field(b"1234"), True),
    ("byte compare: an odd digit is a pair of its own", compare("hl3#=0x2301"), field(b"123z"), True),
    ("byte compare: pairs end at the first that is none", compare("hl4#=0x12"), field(b"12zz"), True),
    ("byte compare: nor is there a number then", compare("hl4#=0"), field(b"zz12"), True),
    ("byte compare: automatic needs three bytes", compare("ab2#=12"), field(b"12zz"), False),
    ("byte compare: automatic decimal has no order", compare("al4#=1234"), field(b"1234"), False),
    ("byte compare: a number too large", compare("hb16#<0"), field(b"f" * 16), False),
    ("byte compare behind a pattern whose first part stands twice",
     "0&1;b1b2b3b4{2}c1c2c3;0(>>9#d2#=77)",
     HEAD + bytes.fromhex("b1b2b3b4") + b"\x06" * 9 + bytes.fromhex("b1b2b3b4aaaac1c2c3") + b"77zz",
     True),
    ("an expression with e and an offset without a shift", "0&1;b1b2b3b4;8:0/\\xb1\\xb2uv*/e",
     HEAD + bytes.fromhex("b1b2") + b"uv" + bytes.fromhex("b1b2b3b4"), True),
    ("an expression's text begins at its offset", "0&1;b1b2b3b4;8,20:0/^uv/",
     HEAD + b"uv" + bytes.fromhex("b1b2b3b4"), True),
    ("a full word, wide, with one letter behind it at the end", "0;4243::fw",
     HEAD + b"B\0C\0A", False),
    ("a full word, wide, with one blank behind it at the end", "0;4243::fw",
     HEAD + b"B\0C\0.", True),
]


def is_found(run, expression, data, folder):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "0").write_bytes(data)
    database = folder / "rules.ldb"
    database.write_text(f"Case;Engine:100-255,Target:0;{expression}\n")
    told, why = run([database], folder / "files")
    return bool(told["0"]) if told is not None else why


def is_limited(folder):
    """A file in which an expression runs into the match limit, and whether overt says so."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "rules.ldb").write_text("Slow;Engine:100-255,Target:0;0&1;41414141;0/(a+)+(b+)+(a+)+$/\n")
    (folder / "file").write_bytes(HEAD + b"AAAA" + b"a" * 4000 + b"b" * 400 + b"a" * 3000 + b"c")
    done = subprocess.run([differential.overt_program(), "scan", "--rules", folder / "rules.ldb", folder / "file"],
                          capture_output=True, text=True, check=False)
    return done.returncode == 3 and "matching LIMITED" in done.stdout, f": {done.stdout!r}"


def main():
    results = []

    def tap(name, is_good, note=""):
        results.append(is_good)
        print(f"{'' if is_good else 'not '}ok {len(results)} - {name}{note}", flush=True)

    has_clamscan = shutil.which("clamscan") is not None
    with tempfile.TemporaryDirectory(prefix="overt-match-") as folder:
        folder = pathlib.Path(folder)
        for name, expression, data, wanted in CASES:
            got = is_found(differential.run_overt, expression, data, folder / "case")
            tap(name, got == wanted, "" if got == wanted else f": {got}")
            if has_clamscan:
                got = is_found(differential.run_clamscan, expression, data, folder / "case")
                tap("clamscan: " + name, got == wanted, "" if got == wanted else f": {got}")
        tap("what PCRE2's limits cut off is not clean", *is_limited(folder / "case"))
    factor = int(sys.argv[2]) if sys.argv[1:2] == ["--rounds"] else 1
    for kind, rounds in (("body", 8), ("logical", 15), ("first", 10), ("ties", 40), ("filter", 4)):
        done = subprocess.run([sys.executable, str(HERE / "differential.py"), "--only", kind,
                               "--rounds", str(rounds * factor), "--seed", "2"],
                              capture_output=True, text=True, check=False, env=os.environ)
        for line in (done.stdout + done.stderr).splitlines():
            print("#", line)
        skip = " # SKIP clamscan is not installed" if done.returncode == 77 else ""
        tap(f"random {kind} rules", done.returncode in (0, 77), skip)
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
