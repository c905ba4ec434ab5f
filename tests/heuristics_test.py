#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Alerts without a rule, their names and switches, held against clamscan. TAP."""
import io
import os
import pathlib
import random
import struct
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "walk"))
sys.path.insert(0, str(HERE / "format"))
import differential  # noqa: E402
from alerts import run_many  # noqa: E402
from beside import (clamscan_names, needs_walkers, overt_names, wrap, write)  # noqa: E402
from members import BUILD, SCAN, SOURCE, Skip, Tap, has  # noqa: E402

tap = Tap()
RULES = write("rules.ndb", "Test.Word:0:*:" + b"HEURWORD".hex() + "\nPUA.Word:0:*:" +
              b"PUAWORD1".hex() + "\n")
COUNT = int(os.environ.get("OVERT_HEURISTICS", "150"))


def both(path, *options):
    """The names that both tell, when they tell the same; else a sentence."""
    ours, theirs = overt_names(path, RULES, *options), clamscan_names(path, RULES, *options)
    return ours if ours == theirs else f"{path} {options}: overt {ours}, clamscan {theirs}"


def compare_broken(kind, forge):
    rng = random.Random(kind)
    paths = [write(f"{kind}/{number}", forge(rng)) for number in range(COUNT)]
    ours, theirs = run_many(paths, "--alert-broken", rules=RULES)
    different = [p for p in paths if ours.get(p) != theirs.get(p)]
    if different:
        return f"{different[:9]}: {[(ours.get(p), theirs.get(p)) for p in different[:3]]}"
    if not 10 < len(ours) < COUNT:
        return f"{len(ours)} of {COUNT} are broken: that tells nothing"
    return True


@tap.case("PE headers that clamscan calls broken")
def _():
    return compare_broken("pe", differential.random_pe)


@tap.case("ELF headers that clamscan calls broken")
def _():
    return compare_broken("elf", differential.random_elf)


@tap.case("Mach-O headers that clamscan calls broken")
def _():
    return compare_broken("macho", differential.random_macho)


@tap.case("broken headers are told only when asked for")
def _():
    path = write("short.exe", b"MZ" + b"\1" * 30)
    if both(path, "--alert-broken") != ["Heuristics.Broken.Executable"]:
        return both(path, "--alert-broken")
    return both(path) == [] and both(path, "--alert-broken=no") == []


@tap.case("a rule is told rather than an alert, unless alerts take precedence")
def _():
    path = write("rule.exe", b"MZ" + b"\1" * 20 + b"HEURWORD")
    pua = write("pua.bin", b"\1\2\3PUAWORD1" + b"\1" * 50 + b"HEURWORD")
    first = both(path, "--alert-broken")
    second = overt_names(pua, RULES, "--heuristic-scan-precedence")
    third = overt_names(pua, RULES)
    return (first, second, third) == (["Test.Word.UNOFFICIAL"], ["PUA.Word.UNOFFICIAL"],
                                      ["Test.Word.UNOFFICIAL"]) or f"{first} {second} {third}"


@tap.case("with all matches both are told")
def _():
    path = write("both.exe", b"MZ" + b"\1" * 20 + b"HEURWORD")
    ours = overt_names(path, RULES, "--alert-broken", "--all-matches")
    theirs = clamscan_names(path, RULES, "--alert-broken", "--allmatch")
    return ours == theirs == ["Heuristics.Broken.Executable", "Test.Word.UNOFFICIAL"] or \
        f"{ours} {theirs}"


@tap.case("a file beyond --max-filesize")
def _():
    path = write("large.bin", b"\1\2" * 5000)
    options = ["--max-filesize=5000"]
    if both(path, *options, "--alert-exceeds-max") != ["Heuristics.Limits.Exceeded.MaxFileSize"]:
        return both(path, *options, "--alert-exceeds-max")
    done = subprocess.run([*SCAN, *options, "--rules", RULES, path], capture_output=True,
                          timeout=60, check=False)
    return done.returncode == 3 and b"LIMITED" in done.stdout


@tap.case("a member beyond each limit")
def _():
    deep = write("deep", wrap(b"\1\2" * 500, ["gz", "xz", "bz2", "gz", "xz"]))
    wide = write("wide.gz", wrap(b"\1\2" * 50000, ["gz"]))
    cases = [(deep, "MaxRecursion", ["--max-recursion=3"]),
             (wide, "MaxFileSize", ["--max-filesize=5000"]),
             (wide, "MaxScanSize", ["--max-scansize=5000"])]
    for path, name, options in cases:
        answer = both(path, *options, "--alert-exceeds-max")
        if answer != [f"Heuristics.Limits.Exceeded.{name}"]:
            return f"{name}: {answer}"
    return True


@tap.case("more members than --max-files")
def _():
    needs_walkers("zip")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(9):
            archive.writestr(f"{number}.bin", bytes([number]) * 100)
    path = write("many.zip", out.getvalue())
    answer = both(path, "--max-files=5", "--alert-exceeds-max")
    return answer == ["Heuristics.Limits.Exceeded.MaxFiles"] or answer


def set_encrypted(data):
    """The zip with the flag of encryption in all its headers."""
    data = bytearray(data)
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = data.find(mark)
        while place >= 0:
            data[place + at] |= 1
            place = data.find(mark, place + 4)
    return bytes(data)


@tap.case("an encrypted zip")
def _():
    needs_walkers("zip")
    path = write("secret.zip", set_encrypted(wrap(b"\1\2\3" * 99, ["zip"])))
    answers = [both(path, option) for option in
               ("--alert-encrypted", "--alert-encrypted-archive", "--alert-encrypted-doc")]
    return answers == [["Heuristics.Encrypted.Zip"]] * 2 + [[]] or answers


def overlapping_zip(count=9):
    """A zip whose members all begin in one stretch of the file, as zip bombs have it."""
    body = b"\1" * 4000
    head = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 0, 0, 0, 0, 3000, 3000, 1, 0) + b"x"
    data, central = b"", b""
    for number in range(count):
        central += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 3000, 3000,
                               1, 0, 0, 0, 0, 0, len(data)) + b"x"
        data += head + b"\1" * 20
    data += body
    return data + central + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(central),
                                        len(data), 0)


@tap.case("a zip whose members overlap")
def _():
    needs_walkers("zip")
    path = write("overlap.zip", overlapping_zip())
    if both(path) != ["Heuristics.Zip.OverlappingFiles"]:
        return both(path)
    return both(path, "--heuristic-alerts=no") == []


def make_text_pdf(name=b"/JavaScript"):
    """A PDF with one script, whose kind is written as given."""
    body, places = b"%PDF-1.4\n", []
    for number, text in enumerate((b"<</Type/Catalog/Pages 2 0 R/OpenAction 4 0 R>>",
                                   b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
                                   b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
                                   b"<</S" + name + b"/JS(app.alert\\(1\\))>>"), 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % p for p in places)
    return body + table + b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(body)


@tap.case("a PDF with a name in disguise")
def _():
    plain = write("plain.pdf", make_text_pdf())
    hidden = write("hidden.pdf", make_text_pdf(b"/#4aavaScript"))
    answers = [both(plain), both(hidden), both(hidden, "--heuristic-alerts=no")]
    return answers == [[], ["Heuristics.PDF.ObfuscatedNameObject"], []] or answers


@tap.case("an encrypted PDF: with a password, and with the empty one")
def _():
    if not has("qpdf"):
        raise Skip("qpdf is not installed")
    write("plain.pdf", make_text_pdf())
    for file, user in (("open.pdf", ""), ("closed.pdf", "secret")):
        subprocess.run(["qpdf", "--allow-weak-crypto", "--encrypt", user, "owner", "128", "--",
                        "plain.pdf", file], check=True, timeout=60)
    answers = [both("open.pdf", "--alert-encrypted-doc"), both("closed.pdf", "--alert-encrypted-doc"),
               both("closed.pdf", "--alert-encrypted-archive"), both("closed.pdf")]
    return answers == [[], ["Heuristics.Encrypted.PDF"], [], []] or answers


@tap.case("an encrypted 7z, with and without its names")
def _():
    if not has("7z"):
        raise Skip("7z is not installed")
    write("secret.bin", b"\1\2\3" * 300)
    for names in ("on", "off"):
        pathlib.Path(f"{names}.7z").unlink(missing_ok=True)
        subprocess.run(["7z", "a", "-bd", "-psecret", f"-mhe={names}", f"{names}.7z", "secret.bin"],
                       check=True, timeout=60, capture_output=True)
        if both(f"{names}.7z", "--alert-encrypted") != ["Heuristics.Encrypted.7Zip"]:
            return both(f"{names}.7z", "--alert-encrypted")
    return True


@tap.case("an encrypted RAR")
def _():
    found = []
    for name in ("rar_encryption_data", "rar_encryption_header", "rar5_encrypted"):
        path = SOURCE / "tests/corpus/rar" / f"{name}.rar"
        found.append(overt_names(str(path), RULES, "--alert-encrypted-archive"))
    return found == [["Heuristics.Encrypted.RAR"]] * 3 or found


@tap.case("an alert in a member is told with its place")
def _():
    from members import scan
    path = write("inside.gz", wrap(b"MZ" + b"\1" * 30, ["gz"]))
    found = scan(path, "--alert-broken", "--rules", RULES)["detections"]
    return [(d["rule"], d["set"], d["path_inside"]) for d in found] == \
        [("Heuristics.Broken.Executable", "heuristics", f"{path}!#1")] or found


assert BUILD.exists()
tap.run()
