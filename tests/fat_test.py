#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""FAT12, FAT16 and FAT32 as mkfs.fat and mtools write them, held against 7z. TAP."""
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, Tap, finds_eicar, first_of, needs, run, sha256, walk  # noqa: E402

tap = Tap()
NOISE = random.Random(4).randbytes(150_000)
FILES = {"A.TXT": b"first\n", "lower.txt": b"second", "Mixed Case and long.name.exe": NOISE[:5000],
         "dir/sub/\u00e4\u4e2d.bin": NOISE[:70_000], "dir/noend": b"n", "dir/empty": b"",
         **{f"many/file number {i} has a name": b"%d" % i for i in range(1, 60)}}
KINDS = {"12": ("1440", []), "16": ("20000", ["-s", "4"]), "32": ("40000", ["-s", "1"])}


def make(kind, files, name=None):
    needs("mkfs.fat", "mcopy")
    blocks, options = KINDS[kind]
    path = name or f"fat{kind}.img"
    pathlib.Path(path).unlink(missing_ok=True)
    run("mkfs.fat", "-F", kind, "-n", "LABEL", *options, "-C", path, blocks)
    add(path, files)
    return path


def add(path, files):
    folders = set()
    for name, data in files.items():
        for i in range(1, len(name.split("/"))):
            folder = "/".join(name.split("/")[:i])
            if folder not in folders:
                folders.add(folder)
                run("mmd", "-D", "s", "-i", path, f"::{folder}")
        pathlib.Path("source").write_bytes(data)
        run("mcopy", "-D", "o", "-i", path, "source", f"::{name}")


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def told(path):
    parts, _, status = walk(path, "fat")
    return sorted((name, size, digest) for _, name, size, digest in parts), status


def wanted(files):
    return sorted((name.encode(), len(data), sha256(data)) for name, data in files.items())


def differs(path, files):
    parts, status = told(path)
    if (parts, status) == (wanted(files), "done"):
        return True
    return f"{path}: {status} {[p for p in parts if p not in wanted(files)][:4]} {len(parts)}"


@tap.case("files, with long and short names, in folders of many clusters")
def _():
    return first_of(differs(make(kind, FILES), FILES) for kind in KINDS)


@tap.case("files in pieces; deleted ones are not told")
def _():
    for kind in KINDS:
        path = make(kind, {f"f{i}": NOISE[i:i + 3000] for i in range(100)})
        run("mdel", "-i", path, *(f"::f{i}" for i in range(0, 100, 2)))
        left = {f"f{i}": NOISE[i:i + 3000] for i in range(1, 100, 2)}
        run("mcopy", "-D", "o", "-i", path, write("big", NOISE), "::big")
        answer = differs(path, {**left, "big": NOISE})
        if answer is not True:
            return f"{kind}: {answer}"
        if kind == "12" and NOISE in pathlib.Path(path).read_bytes():
            return "the file is in one piece"


@tap.case("7z takes out the same")
def _():
    needs("7z")
    for kind in KINDS:
        path = make(kind, FILES)
        run("7z", "x", "-y", "-tfat", f"-oout{kind}", path)
        for name, data in FILES.items():
            if pathlib.Path(f"out{kind}", name).read_bytes() != data:
                return f"{kind}: {name}"
        if differs(path, FILES) is not True:
            return differs(path, FILES)


@tap.case("a folder that holds itself ends; so does a chain of clusters")
def _():
    path = make("16", {"dir/f": b"inside", "g": NOISE})
    data = bytearray(pathlib.Path(path).read_bytes())
    entry = next(at for at in range(0, len(data), 32) if data[at:at + 8] == b"F       ")
    own = entry // 2048 * 2048
    number = struct.unpack_from("<H", data, own + 26)[0]  # of the folder, in its first entry
    data[entry + 64:entry + 96] = b"AGAIN      \x10" + bytes(14) + struct.pack("<HI", number, 0)
    parts, status = told(write("circle.img", data))
    if (len(parts), status) != (2, "done"):
        return f"{parts} {status}"
    table = struct.unpack_from("<H", data, 14)[0] * 512
    chain = struct.unpack_from("<H", data, data.index(b"G       ") + 26)[0]
    struct.pack_into("<H", data, table + chain * 2, chain)
    parts, status = told(write("chain.img", data))
    return (len(parts), status) == (2, "done") or f"{parts} {status}"


@tap.case("a file system that breaks off gives what came before")
def _():
    path = make("12", {"a": b"first", "b": NOISE})
    data = pathlib.Path(path).read_bytes()
    end = data.index(NOISE[:50]) + 70_000
    parts, status = told(write("cut.img", data[:end]))
    return (parts, status) == ([(b"a", 5, sha256(b"first")), (b"b", 70_000, sha256(NOISE[:70_000]))],
                               "damaged") or f"{parts} {status}"


@tap.case("EICAR is found, at its place, in a partition as well")
def _():
    for kind in KINDS:
        path = make(kind, {"a": b"a", "dir/a long name.com": EICAR})
        answer = finds_eicar(path, "!dir/a long name.com")
        if answer is not True:
            return f"{kind}: {answer}"
    needs("sfdisk")
    floppy = pathlib.Path(make("12", {"dir/eicar.com": EICAR})).read_bytes()
    disk = write("disk.img", bytes(512 * 64) + floppy)
    run("sfdisk", "-q", "--no-reread", disk, data=b"label: dos\nstart=64,size=2880,type=1\n")
    return finds_eicar(disk, "!dir/eicar.com")


tap.run()
