#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""xar archives, held against bsdtar. TAP."""
import pathlib
import random
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, overt_names  # noqa: E402
from members import EICAR, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
FILES = {"a.txt": b"first\n", "dir/b.bin": random.Random(1).randbytes(70_000),
         "dir/sub/c": b"c" * 5000, "empty": b""}
PACKINGS = ("none", "gzip", "bzip2", "lzma", "xz")


def make_xar(name, files, packing="gzip"):
    if not has("bsdtar"):
        raise Skip("bsdtar is not installed")
    tree = pathlib.Path(f"{name}.tree")
    for path, data in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(data)
    subprocess.run(["bsdtar", "-cf", pathlib.Path(name).resolve(), "--format=xar", "--options",
                    f"xar:compression={packing}", *sorted(files)], cwd=tree, check=True,
                   capture_output=True, timeout=60)
    return name


def make_by_hand(name, contents, heap):
    packed = zlib.compress(contents)
    head = struct.pack(">4sHHQQI", b"xar!", 28, 1, len(packed), len(contents), 0)
    pathlib.Path(name).write_bytes(head + packed + heap)
    return name


def told(path):
    """The table of contents, and the files."""
    parts, _, status = walk(path)
    files = [(name, size, digest) for _, name, size, digest in parts]
    return files[0][0], sorted(files[1:]), status


def wanted(files):
    return sorted((name.encode(), len(data), sha256(data)) for name, data in files.items())


@tap.case("archives in every packing hold the files that were put in")
def _():
    files = {name: data for name, data in FILES.items() if data}
    for packing in PACKINGS:
        path = make_xar(f"{packing}.xar", FILES, packing)
        toc, parts, status = told(path)
        if (toc, [p for p in parts if p[1]], status) != (b"toc", wanted(files), "done"):
            return f"{packing}: {parts} {status}"


@tap.case("data before the name, attributes, and a packing that is not the stated one")
def _():
    contents = b"""<xar><toc><file id="1"><data><offset>0</offset><length>4</length><size>4</size>
        <encoding style="application/octet-stream"/></data><ea><name>com.example</name>
        <offset>4</offset><length>5</length></ea><name>late</name><file id="2"><name>in</name>
        <data><encoding style="application/x-gzip"/><length>6</length><offset>9</offset></data>
        </file></file>"""
    path = make_by_hand("hand.xar", contents, b"datacolorplain!")
    parts, status = told(path)[1:]
    expected = [(b"late", 4, sha256(b"data")), (b"late", 5, sha256(b"color")),
                (b"late/in", 0, sha256(b"")), (b"late/in", 6, sha256(b"plain!"))]
    return (parts, status) == (sorted(expected), "damaged") or f"{parts} {status}"


@tap.case("an archive that breaks off gives what came before")
def _():
    data = pathlib.Path(make_xar("whole.xar", FILES)).read_bytes()
    for size in range(30, len(data) - 40, len(data) // 30):
        pathlib.Path("cut.xar").write_bytes(data[:size])
        if told("cut.xar")[2] != "damaged":
            return f"{size}: {told('cut.xar')}"


@tap.case("EICAR is found, at its place")
def _():
    for packing in PACKINGS:
        path = make_xar("eicar.xar", {"a": b"a", "dir/eicar.com": EICAR}, packing)
        answer = finds_eicar(path, "!dir/eicar.com")
        if answer is not True:
            return f"{packing}: {answer}"


@tap.case("clamscan tells the same names")
def _():
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    plain = b"some harmless bytes to be found"
    pathlib.Path("rules.hsb").write_text(f"{sha256(plain)}:{len(plain)}:Test.Member:73\n")
    for packing in ("none", "gzip", "bzip2"):
        path = make_xar("names.xar", {"m": plain}, packing)
        both = overt_names(path, "rules.hsb"), clamscan_names(path, "rules.hsb")
        if both[0] != both[1] or len(both[0]) != 1:
            return f"{packing}: {both}"


tap.run()
