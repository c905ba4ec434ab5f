#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 200
"""HandlerType: of logical rules, held against clamscan. TAP.

What such a rule matches is scanned once more as the type that it names; in that second look it is a
rule like all others.
"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "walk"), str(HERE / "format")]
import forge_pe  # noqa: E402
from beside import clamscan_names, needs_walkers, overt_names, wrap, write  # noqa: E402
from members import SCAN, Tap, needs  # noqa: E402

tap = Tap()
WORD = b"handlerword"
OBJECTS = {
    "binary": b"\xfe\x00\x00\x01\x00\xff\xff\xff" * 20 + WORD + b"\x00\x01" * 20,
    "text": b"some words and the handlerword, in small letters\n" * 3,
    "odd": b"Some Words, and the handlerword, with  SPACES\n" * 3,
    "html": b"<html><head><title>x</title></head><body>the handlerword</body></html>\n",
    "mail": b"From: a@example.org\nTo: b@example.org\nSubject: x\n\nthe handlerword\n",
    "pdf": b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n% handlerword\n%%EOF\n",
    "pe": forge_pe.build(patches=((0x500, WORD),)),
    "hidden": b"\x01\x02\x80\xff" + wrap(b"inner word handlerword", ["zip"]),
}
TYPES = ["CL_TYPE_PDF", "CL_TYPE_HTML", "CL_TYPE_MSEXE", "CL_TYPE_ZIP", "CL_TYPE_GRAPHICS",
         "CL_TYPE_TEXT_ASCII", "CL_TYPE_ANY", "CL_TYPE_MAIL", "CL_TYPE_ELF"]
TARGETS = {"Pe": 1, "Html": 3, "Mail": 4, "Image": 5, "Elf": 6, "Text": 7, "Pdf": 10}


def rule(name, condition, target=0, word=WORD):
    return f"{name};Engine:51-255,{condition}Target:{target};0;{word.hex()}\n"


def own_rules():
    """A rule for each target, so that the second look can be seen."""
    return "".join(rule(f"Own.{name}", "", target) for name, target in TARGETS.items())


def same(path, rules):
    every = overt_names(path, rules, "--all-matches"), clamscan_names(path, rules, "--allmatch")
    first = overt_names(path, rules), clamscan_names(path, rules)
    for (ours, theirs), what in ((every, "all"), (first, "first")):
        if ours != theirs:
            return f"{path}, {what}: {ours} here, {theirs} there"
    return True


def first_wrong(answers):
    return next((answer for answer in answers if answer is not True), True)


# A mail that is scanned again as a mail is told in another order, and what is no mail at all has a
# text for Overt, and none for clamscan.
ODD = [("mail", "CL_TYPE_MAIL"), ("pdf", "CL_TYPE_MAIL")]
PAIRS = [(name, kind) for name in OBJECTS for kind in TYPES if (name, kind) not in ODD]


@tap.case("objects of all kinds as other types: the same names, and the same first")
def _():
    needs("clamscan")
    answers = []
    for name, kind in PAIRS:
        rules = write(f"as-{kind}.ldb", own_rules() + rule("Handled", f"HandlerType:{kind},"))
        answers.append(same(write(f"{name}-{kind}.bin", OBJECTS[name]), rules))
    wrong = [answer for answer in answers if answer is not True]
    return not wrong or f"{len(wrong)} of {len(answers)}: " + " | ".join(wrong[:40])


@tap.case("of several handlers the first has its way, and the others tell")
def _():
    rules = write("several.ldb", own_rules() + rule("A", "HandlerType:CL_TYPE_PDF,") +
                  rule("B", "HandlerType:CL_TYPE_GRAPHICS,") + rule("Plain", ""))
    return first_wrong(same(write(f"{name}.bin", OBJECTS[name]), rules)
                       for name in ("binary", "pe", "pdf"))


@tap.case("inside archives too")
def _():
    needs_walkers("zip", "gz", "tar")
    rules = write("inside.ldb", own_rules() + rule("Handled", "HandlerType:CL_TYPE_PDF,"))
    return first_wrong(same(write("-".join(layers) + ".bin", wrap(OBJECTS["binary"], layers)), rules)
                       for layers in (["zip"], ["gz"], ["tar", "gz"], ["zip", "zip"]))


@tap.case("the second look lies one layer deeper, in what the first saw")
def _():
    lines = "".join(rule(f"In.{kind}", f"HandlerType:CL_TYPE_PDF,Container:CL_TYPE_{kind},")
                    for kind in ("BINARY_DATA", "ANY", "ZIP", "PDF"))
    rules = write("layers.ldb", lines + rule("Handled", "HandlerType:CL_TYPE_PDF,"))
    return first_wrong([same(write("plain.bin", OBJECTS["binary"]), rules),
                        same(write("zipped.bin", wrap(OBJECTS["binary"], ["zip"])), rules)])


@tap.case("an archive behind other bytes is unpacked when a rule says that it is one")
def _():
    needs_walkers("gz")
    inner = wrap(b"\x01\x02\x80\xff" * 20 + b"inside the archive" + b"\x00\x90", ["gz"])
    path = write("gz.bin", inner)
    lines = rule("Inner", "", word=b"inside the archive")
    magic = f"Handled;Engine:51-255,HandlerType:CL_TYPE_GZ,Target:0;0;0:{inner[:3].hex()}\n"
    rules = write("gz.ldb", lines + magic)
    return same(path, rules)


@tap.case("rules of all handlers on themselves end")
def _():
    lines = "".join(rule(f"R{n}", f"HandlerType:{kind},") for n, kind in enumerate(TYPES))
    rules = write("loop.ldb", lines)
    data = wrap(OBJECTS["binary"], ["zip"] * 9)
    done = subprocess.run([*SCAN, "--no-summary", "--all-matches", "--rules", rules,
                           write("loop.bin", data)], capture_output=True, timeout=100, check=False)
    return done.returncode in (1, 3) or done.returncode


tap.run()
