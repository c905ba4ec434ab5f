#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OneNote sections, beside clamscan. TAP."""
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_onenote as forge  # noqa: E402
from members import EICAR, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
FILES = [b"first", random.Random(2).randbytes(40_000), b"third" * 9]


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def digests(path):
    return [digest for _, _, _, digest in walk(path)[0]]


@tap.case("the files of a section, from the desktop and from the web")
def _():
    wanted = [sha256(data) for data in FILES]
    desktop = write("desktop.one", forge.desktop([forge.store(data) for data in FILES]))
    web = write("web.one", forge.web(FILES))
    for path in (desktop, web):
        if digests(path) != wanted or walk(path)[1:] != (0, "done"):
            return f"{path}: {walk(path)}"


@tap.case("a file that claims to be longer than the section hides no others")
def _():
    for size in (10_000, 2**32 + 5, 2**64 - 1):
        stores = [forge.store(b"liar", size), forge.store(b"honest")]
        path = write("liar.one", forge.desktop(stores))
        if digests(path)[1:] != [sha256(b"honest")] or walk(path)[2] != "damaged":
            return f"{size}: {walk(path)}"


@tap.case("a section from the web that breaks off")
def _():
    whole = forge.web(FILES)
    for size in (60, 70, 200, 5000, len(whole) - 3):
        walk(write("cut.one", whole[:size]))
    parts, _, status = walk(write("cut.one", whole[:5000]))
    return ([size for _, _, size, _ in parts][0] == 5 and status == "damaged") or str(parts)


@tap.case("EICAR is found in both, and clamscan finds it in the desktop's")
def _():
    desktop = write("eicar.one", forge.desktop([forge.store(b"x"), forge.store(EICAR)]))
    for path in (desktop, write("eicar_web.one", forge.web([EICAR]))):
        answer = finds_eicar(path)
        if answer is not True:
            return answer
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    # Anchored at the start: only the attachment as an object of its own has it there.
    write("start.ndb", b"Eicar:0:0:" + EICAR[:20].hex().encode() + b"\n")
    done = subprocess.run(["clamscan", "--no-summary", "-d", "start.ndb", desktop],
                          capture_output=True, timeout=120, check=False)
    return b"Eicar.UNOFFICIAL FOUND" in done.stdout or str(done.stdout)


tap.run()
