#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""UDF images, held against what genisoimage put in and what 7z takes out. TAP."""
import os
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import udf_image  # noqa: E402
from members import EICAR, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
UDF = "CL_TYPE_UDF"
FILES = {"a.txt": b"first\n", "dir/a name with spaces.txt": b"second" * 1000,
         "dir/sub/\u00e4\u4e2d.bin": bytes(range(256)) * 30, "dir/sub/deep/z": b"z"}


def make_image(name, files, *options):
    if not has("genisoimage"):
        raise Skip("genisoimage is not installed")
    tree = pathlib.Path(f"{name}.tree")
    for path, data in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(data)
    subprocess.run(["genisoimage", "-quiet", "-udf", "-input-charset", "utf-8", *options, "-o",
                    name, tree], check=True, capture_output=True, timeout=60)
    return name


def told(path):
    parts, _, status = walk(path, UDF)
    return sorted((name, size, digest) for _, name, size, digest in parts), status


def wanted(files):
    return sorted((name.encode(), len(data), sha256(data)) for name, data in files.items())


def find_entry(data, size):
    """The file entry (tag 261) of a file of that size."""
    for at in range(0, len(data), 2048):
        if struct.unpack_from("<H", data, at)[0] == 261 and \
                struct.unpack_from("<Q", data, at + 56)[0] == size and data[at + 27] == 5:
            return at
    raise AssertionError("no entry")


def rewrite(data, at, kind, size, descriptors):
    """Gives a file entry other descriptors of extents, or data of its own (kind 3)."""
    used = 176 + struct.unpack_from("<I", data, at + 168)[0]
    struct.pack_into("<H", data, at + 34, struct.unpack_from("<H", data, at + 34)[0] & ~7 | kind)
    struct.pack_into("<Q", data, at + 56, size)
    struct.pack_into("<I", data, at + 172, len(descriptors))
    data[at + used:at + used + len(descriptors)] = descriptors
    length = used + len(descriptors) - 16
    struct.pack_into("<HH", data, at + 8, udf_image.crc16(data[at + 16:at + 16 + length]), length)
    data[at + 4] = (sum(data[at:at + 16]) - data[at + 4]) & 0xff


def take_out(path):
    """The sizes and hashes of what 7z finds, or None without it."""
    if not has("7z"):
        return None
    folder = pathlib.Path(f"{path}.out")
    subprocess.run(["7z", "x", "-y", "-tudf", f"-o{folder}", path], capture_output=True,
                   check=False, timeout=60)
    files = [pathlib.Path(root, name) for root, _, names in os.walk(folder) for name in names]
    return sorted((f.stat().st_size, sha256(f.read_bytes())) for f in files)


@tap.case("files and their names are those that were put in")
def _():
    path = make_image("plain.iso", FILES)
    return told(path) == (wanted(FILES), "done") or str(told(path))


def check_pieces(hole):
    files = {"pieces": b"p" * 2048 + b"q" * 2048 + b"r" * 100, "inside": b"i" * 300}
    data = bytearray(pathlib.Path(make_image("pieces.iso", files)).read_bytes())
    at = find_entry(data, 4196)
    first = struct.unpack_from("<I", data, at + 180 + struct.unpack_from("<I", data, at + 168)[0])[0]
    extents = struct.pack("<2I", 2048, first + 1)
    extents += struct.pack("<2I", 2048 | 2 << 30, 0) if hole else b""
    extents += struct.pack("<4I", 4096, first, 100, first + 2)
    plain = b"q" * 2048 + b"\0" * 2048 * hole + b"p" * 2048 + b"q" * 2048 + b"r" * 100
    rewrite(data, at, 0, len(plain), extents)
    inside = b"the data stand in the entry itself"
    rewrite(data, find_entry(data, 300), 3, len(inside), inside)
    pathlib.Path("pieces.iso").write_bytes(data)
    if told("pieces.iso") != (wanted({"pieces": plain, "inside": inside}), "done"):
        return str(told("pieces.iso"))
    taken = None if hole else take_out("pieces.iso")  # 7z knows no holes
    parts = sorted((size, digest) for _, size, digest in told("pieces.iso")[0])
    return taken is None or taken == parts or f"7z: {taken}"


@tap.case("data inside an entry, in pieces, with a hole")
def _():
    for hole in (False, True):
        answer = check_pieces(hole)
        if answer is not True:
            return f"{hole}: {answer}"


@tap.case("images made by hand, with the directories in a file of their own as well")
def _():
    files = {"a": b"first", "b": b"second" * 1000}
    for has_metadata in (False, True):
        pathlib.Path("hand.udf").write_bytes(udf_image.make(files, has_metadata))
        if told("hand.udf") != (wanted(files), "done"):
            return f"{has_metadata}: {told('hand.udf')}"


@tap.case("a directory that holds itself ends; what breaks off is damaged, and told")
def _():
    data = bytearray(pathlib.Path(make_image("circle.iso", FILES)).read_bytes())
    names = [at for at in range(0, len(data), 4) if data[at:at + 4] == b"\x01\x01\x02\0"]
    for at in names[1:]:
        copy = bytearray(data)
        copy[at + 20:at + 36] = data[names[0] + 20:names[0] + 36]
        pathlib.Path("copy.iso").write_bytes(copy)
        told("copy.iso")
    end = data.rindex(FILES["dir/sub/\u00e4\u4e2d.bin"])
    pathlib.Path("cut.iso").write_bytes(data[:end + 100])
    parts, status = told("cut.iso")
    return (status, len(parts)) == ("damaged", 4) or f"{status} {parts}"


@tap.case("EICAR is found, in the tree of UDF alone as well")
def _():
    files = {"a.txt": b"first", "dir/eicar.com": EICAR}
    answer = finds_eicar(make_image("both.iso", files))
    if answer is not True:
        return answer
    path = make_image("alone.iso", files, "-hide", "eicar.com")
    if b"EICAR.COM" in pathlib.Path(path).read_bytes():
        return "it was not hidden from ISO 9660"
    return finds_eicar(path, "!dir/eicar.com")


tap.run()
