#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Views of text: held against a slow twin, and the names told of them against clamscan's. TAP."""
import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, overt_names, write  # noqa: E402
from members import SOURCE, Tap, sha256, walk  # noqa: E402

tap = Tap()
SPACES = b"\t\n\v\f\r "


def normalise(text):
    """What rules for text see, byte by byte."""
    view, is_after_space = bytearray(), False
    for byte in text:
        if byte in SPACES:
            if not is_after_space:
                view += b" "
            is_after_space = True
        elif 32 < byte < 128:
            view += bytes([byte]).lower()
            is_after_space = False
    return bytes(view)


def check(text):
    path = write("text", text)
    for filetype in ("CL_TYPE_TEXT_ASCII", "CL_TYPE_TEXT_UTF16LE"):
        told = [(kind, digest) for kind, _, _, digest in walk(path, filetype)[0]]
        view = normalise(text)
        expected = [] if view == text else [("view", sha256(view))]
        if told != expected:
            return f"{filetype}: {text[:80]}... of {len(text)}: {told}"
    return True


@tap.case("views are those of a slow twin")
def _():
    samples = [b"", b"A", b"  ", b"a b", b"a  b", b" \x01 ", b"\xe9 \xe9 ", b"a\0b", b"~\x7f\x80"]
    samples += [bytes(range(256)) * 3, b"x" * 64 + b"  " * 64, b"word " * 100 + b"\n\n"]
    draw = random.Random(5)
    for size in (63, 64, 65, 127, 128, 129, 1000):
        for letters in (b"abc ", b"abC \n", bytes(range(32, 127)), bytes(range(256))):
            samples.append(bytes(draw.choices(letters, k=size)))
    samples += [(SOURCE / name).read_bytes() for name in ("README.md", "src/format/text.c")]
    for text in samples:
        answer = check(text)
        if answer is not True:
            return answer


@tap.case("text of more than 20 MB has no view")
def _():
    largest = b"A" * (20 << 20)
    told = [len(walk(write("large", text), "CL_TYPE_TEXT_ASCII")[0])
            for text in (largest, largest + b"A")]
    os.unlink("large")
    return told == [1, 0] or str(told)


RULES = {"Any.Upper": (0, "UPPER Case"), "Text.Upper": (7, "UPPER Case"),
         "Any.Lower": (0, "upper case"), "Text.Lower": (7, "upper case"),
         "Text.First": (7, "lone text"), "Any.Second": (0, "marker any")}
TEXTS = {
    "raw": b"Some TEXT with UPPER Case here\n",
    "spaces": b"Some TEXT with UPPER   Case here\n",
    "foreign": b"caf\xe9 UPPER \xa0 Case\n",
    "own-view": b"lone text here and marker any later",
    "any-first": b"Lone Text here and marker any later, also Lone text\n",
    "text-first": b"Lone  TEXT here and Marker ANY later\n",
    "text-second": b"Marker  ANY later, Lone  TEXT here\n",
    "wide": "\ufeffSome UPPER   Case here\n".encode("utf-16le"),
    "nothing": b"SomeUPPERCasehere\n",
}


def write_rules():
    lines = [f"{name}:{target}:*:{text.encode().hex()}" for name, (target, text) in RULES.items()]
    return write("rules.ndb", "\n".join(lines) + "\n")


@tap.case("rules for text are held against the view, and those for any target against both")
def _():
    rules = write_rules()
    expected = {"raw": ["Any.Upper"], "spaces": ["Text.Lower"], "own-view": ["Any.Second"],
                "any-first": ["Any.Second"], "text-first": ["Text.First"], "nothing": []}
    for name, names in expected.items():
        told = overt_names(write(name, TEXTS[name]), rules)
        if told != [f"{rule}.UNOFFICIAL" for rule in names]:
            return f"{name}: {told}"


@tap.case("clamscan tells the same names, the first and all")
def _():
    rules = write_rules()
    for name, text in TEXTS.items():
        path = write(name, text)
        for ours, theirs in (((), ()), (("--all-matches",), ("--allmatch",))):
            told = overt_names(path, rules, *ours), clamscan_names(path, rules, *theirs)
            if told[0] != told[1]:
                return f"{name}: {told}"


tap.run()
