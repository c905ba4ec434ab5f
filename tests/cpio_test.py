#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cpio archives of all five kinds, held against GNU cpio and bsdtar. TAP."""
import os
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, overt_names  # noqa: E402
from members import EICAR, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
FILES = {"a": b"hello\n", "odd": b"x" * 701, "empty": b"", "dir/b": bytes(range(256)) * 300,
         "dir/" + "n" * 90: b"long name"}


def write(name, data):
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return name


def run(command, data=b""):
    return subprocess.run(command, input=data, check=True, capture_output=True, timeout=60).stdout


def needs(program):
    if not has(program):
        raise Skip(f"{program} is not installed")


def make_tree():
    os.makedirs("tree", exist_ok=True)
    for name, data in FILES.items():
        write(f"tree/{name}", data)
    return "".join(f"tree/{name}\n" for name in FILES).encode()


def wanted(files):
    return [(f"tree/{name}".encode(), len(data), sha256(data)) for name, data in files.items()]


def told(path):
    parts, _, status = walk(path)
    return [(name, size, digest) for _, name, size, digest in parts], status


def make_binary(members, order):
    """Old binary by hand: GNU cpio writes the order of its own machine alone."""
    out = b""
    for name, data in [*members, ("TRAILER!!!", b"")]:
        name = name.encode() + b"\0"
        words = [0o70707, 1, 2, 0o100644, 0, 0, 1, 0, 0, 0, len(name), len(data) >> 16,
                 len(data) & 0xffff]
        out += struct.pack(f"{order}13H", *words)
        for part in (name, data):
            out += part + b"\0" * (len(part) % 2)
    return out


def make_newc(members, magic=b"070701"):
    out = b""
    for name, data in [*members, ("TRAILER!!!", b"")]:
        fields = [1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += magic + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return out


@tap.case("archives of GNU cpio hold the files that were put in")
def _():
    needs("cpio")
    names = make_tree()
    for kind in ("bin", "odc", "newc", "crc"):
        path = write(f"{kind}.cpio", run(["cpio", "-o", "-H", kind], names))
        if told(path) != (wanted(FILES), "done"):
            return f"{kind}: {told(path)}"


@tap.case("archives of bsdtar hold the files that were put in")
def _():
    needs("bsdtar")
    names = make_tree().decode().split()
    for kind in ("bin", "odc", "newc"):
        run(["bsdtar", "-cf", f"{kind}.cpio", f"--format={kind}", *names])
        if told(f"{kind}.cpio") != (wanted(FILES), "done"):
            return f"{kind}: {told(f'{kind}.cpio')}"


@tap.case("old binary archives of both byte orders")
def _():
    members = [("one", b"1" * 70001), ("two", b"22")]
    for order in "<>":
        path = write("binary.cpio", make_binary(members, order))
        expected = [(n.encode(), len(d), sha256(d)) for n, d in members]
        if told(path) != (expected, "done"):
            return f"{order}: {told(path)}"


@tap.case("behind what is no header the members are told that follow; a cut one as far as it goes")
def _():
    data = make_newc([("one", b"1"), ("two", b"2" * 50)])
    second = data.index(b"070701", 6)
    path = write("junk.cpio", data[:second] + b"junk in between" + data[second:])
    names = [(name, size) for name, size, _ in told(path)[0]]
    if names != [(b"one", 1), (b"two", 50)]:
        return f"{told(path)}"
    path = write("cut.cpio", data[:data.index(b"2" * 50) + 20])
    return (told(path)[0][1][1], told(path)[1]) == (20, "damaged") or f"{told(path)}"


@tap.case("an image of several archives is read to its end, and its packed rest is a member")
def _():
    data = make_newc([("one", b"1")]) + b"\0" * 512 + make_newc([("two", b"2")]) + b"\0" * 100
    names = [name for name, _, _ in told(write("two.cpio", data))[0]]
    if names != [b"one", b"two"]:
        return str(names)
    rest = b"\x1f\x8b\x08 compressed"
    parts, status = told(write("rest.cpio", data + rest))
    return (parts[2], status) == ((b"", len(rest), sha256(rest)), "done") or f"{parts}"


@tap.case("EICAR is found, at its place")
def _():
    members = [("a", b"a"), ("dir/eicar", EICAR)]
    samples = [make_binary(members, order) for order in "<>"]
    samples += [make_newc(members, magic) for magic in (b"070701", b"070702")]
    for data in samples:
        answer = finds_eicar(write("eicar.cpio", data), "!dir/eicar")
        if answer is not True:
            return answer


@tap.case("clamscan tells the same names")
def _():
    needs("clamscan")
    # Of a member's own bytes and size, so that the archive itself is no hit.
    plain = b"some harmless bytes to be found"
    rules = write("rules.hsb", f"{sha256(plain)}:{len(plain)}:Test.Member:73\n".encode())
    for name, data in {"old": make_binary([("m", plain)], "<"),
                       "new": make_newc([("m", plain)])}.items():
        path = write(f"{name}.cpio", data)
        both = overt_names(path, rules), clamscan_names(path, rules)
        if both[0] != both[1] or len(both[0]) != 1:
            return f"{name}: {both}"


tap.run()
