#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Magics of file types that come with the rules (.ftm), held against clamscan. TAP."""
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, needs_walkers, overt_names, wrap, write  # noqa: E402
from members import OVERT, Tap  # noqa: E402

tap = Tap()
WORD = b"TYPEWORD"
TARGETS = {0: "Any", 1: "PE", 2: "OLE2", 4: "Mail", 5: "Graphics", 6: "ELF", 9: "MachO", 10: "PDF",
           11: "Flash", 12: "Java"}


def make_folder(name, magics):
    """A rule for each target, and magics; the word stands in no target that needs a view."""
    rules = "".join(f"{text}:{target}:*:{WORD.hex()}??\n" for target, text in TARGETS.items())
    write(f"{name}/a.ndb", rules)
    write(f"{name}/a.ftm", "".join(m + "\n" for m in magics))
    return name


def magic(kind, offset, data, filetype, more=""):
    return f"{kind}:{offset}:{data.hex()}:some file:CL_TYPE_ANY:{filetype}{more}"


def compare(folder, paths):
    for path in paths:
        ours, theirs = overt_names(path, folder, "--all-matches"), clamscan_names(path, folder,
                                                                                  "--allmatch")
        if ours != theirs:
            return f"{path}: overt {ours}, clamscan {theirs}"
    return True


@tap.case("a magic gives a type, the one loaded last before others")
def _():
    magics = [magic(0, 0, b"\x01MAGIC", "CL_TYPE_JAVA"), magic(0, 4, b"IC", "CL_TYPE_SWF"),
              magic(0, 0, b"\x01MAGICK", "CL_TYPE_GRAPHICS"), magic(0, 900, b"\xfe\xfd", "CL_TYPE_SWF"),
              magic(0, 0, b"\x01OTHER", "CL_TYPE_TIFF"),
              magic(0, 0, b"\x01LATER", "CL_TYPE_SWF", ":500"),
              magic(0, 0, b"\x01NOW", "CL_TYPE_SWF", ":1:500")]
    folder = make_folder("last", magics)
    rng = random.Random(2)
    starts = [b"\x01MAGIC", b"\x01MAGICK", b"\x01MAGIX", b"\x01OTHER", b"\x01LATER", b"\x01NOW", b"\x02"]
    paths = []
    for number, start in enumerate(starts * 3):
        tail = bytearray(rng.randbytes(1500).replace(b"\0", b"\1"))
        if number % 2:
            tail[900 - len(start):902 - len(start)] = b"\xfe\xfd"
        paths.append(write(f"files/{number}", start + bytes(tail) + WORD + b"\1" * 9))
    return compare(folder, paths)


@tap.case("magics that the built-in list has too change nothing")
def _():
    needs_walkers("gz")
    folder = make_folder("same", [magic(0, 0, b"\x7fELF", "CL_TYPE_ELF"), magic(0, 0, b"MZ", "CL_TYPE_MSEXE"),
                                  magic(0, 0, b"\x1f\x8b", "CL_TYPE_GZ")])
    paths = [write("files/elf", b"\x7fELF" + b"\1" * 90 + WORD + b"\1" * 9),
             write("files/exe", b"MZ" + b"\1" * 90 + WORD + b"\1" * 9),
             write("files/text.gz", wrap(b"\1\2\3" * 30 + WORD + b"\1" * 9, ["gz"]))]
    return compare(folder, paths)


@tap.case("what cannot be read costs one line")
def _():
    folder = make_folder("bad", ["0:0:zz:x:CL_TYPE_ANY:CL_TYPE_ELF", "0:x:00:x:CL_TYPE_ANY:CL_TYPE_ELF",
                                 "0:0:00:x", "9:0:00:x:CL_TYPE_ANY:CL_TYPE_ELF",
                                 "0:0:00:x:CL_TYPE_ANY:CL_TYPE_NONSENSE",
                                 "1:*:3c68746d6c:x:CL_TYPE_ANY:CL_TYPE_HTML", "0:0:0102:x:CL_TYPE_ANY:CL_TYPE_ELF"])
    done = subprocess.run([OVERT, "rules", "check", folder], capture_output=True, timeout=60,
                          check=False)
    lines = done.stdout.decode().splitlines()
    told = [text for text in lines if "a.ftm:" in text]
    return len(told) == 6 and "magics of file types: 1" in lines or lines


tap.run()
