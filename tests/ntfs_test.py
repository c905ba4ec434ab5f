#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Volumes of NTFS, held against what ntfs-3g and ntfscp put in, and against 7z. TAP."""
import importlib.util
import lzma
import pathlib
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "walk"))
from members import EICAR, Tap, finds_eicar, needs, run, sha256, walk  # noqa: E402

CORPUS = HERE / "corpus/ntfs"
spec = importlib.util.spec_from_file_location("make_ntfs", CORPUS / "make.py")
make_ntfs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_ntfs)

tap = Tap()
IMAGE = lzma.decompress((CORPUS / "files.img.xz").read_bytes())
WANTED = sorted((name.encode(), len(data), sha256(data)) for name, data in make_ntfs.FILES.items())


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def told(path):
    parts, facts, status = walk(path, "ntfs")
    return sorted((name, size, digest) for _, name, size, digest in parts), facts, status


def make(name, files):
    needs("mkntfs", "ntfscp")
    pathlib.Path(name).write_bytes(bytes(2 << 20))
    run("mkntfs", "-Q", "-F", "-q", "-c", "512", name)
    for path, data in files.items():
        run("ntfscp", name, write("source", data), path)
    return name


def find_name(image, name):
    """The record of a file, and where its name is told."""
    for record in range(0, len(image), 512):
        at = record + struct.unpack_from("<H", image, record + 20)[0]
        while image[record:record + 4] == b"FILE" and at < record + 1000:
            kind, size = struct.unpack_from("<II", image, at)
            if kind == 0x30 and image[at + 24 + 66:at + size].startswith(name.encode("utf-16-le")):
                return record, at + 24
            at += max(size, 8)
    raise AssertionError(f"no {name}")


@tap.case("files and streams: in records, in pieces, with holes, compressed, in several records")
def _():
    answer = told(write("files.img", IMAGE))
    if answer == (WANTED, 0, "done"):
        return True
    return f"{[part for part in answer[0] if part not in WANTED]} {answer[1:]}"


@tap.case("7z takes out the same")
def _():
    needs("7z")
    subprocess.run(["7z", "x", "-y", "-tntfs", "-oout", write("files.img", IMAGE)], check=False,
                   capture_output=True, timeout=60)  # it complains of the hole
    for name, data in make_ntfs.FILES.items():
        if name != "hole" and pathlib.Path("out", name).read_bytes() != data:
            return name


@tap.case("files as ntfscp puts them in")
def _():
    files = {"a.txt": b"first", "long name of a file.bin": bytes(range(256)) * 100}
    parts, _, status = told(make("cp.img", files))
    wanted = sorted((name.encode(), len(data), sha256(data)) for name, data in files.items())
    return (parts, status) == (wanted, "done") or f"{parts} {status}"


@tap.case("a file that is no longer in use is not told, an encrypted one is noted")
def _():
    image = bytearray(IMAGE)
    struct.pack_into("<H", image, find_name(image, "small")[0] + 22, 0)
    parts, _, status = told(write("gone.img", image))
    if (b"small" in [part[0] for part in parts], len(parts)) != (False, len(WANTED) - 1):
        return f"{parts} {status}"
    image = bytearray(IMAGE)
    record = find_name(image, "small")[0]
    data = image.index(b"\x80\0\0\0", record)
    struct.pack_into("<H", image, data + 12, 0x4000)
    return told(write("sealed.img", image))[1] == 1 or "not noted"


@tap.case("folders in circles, sectors that are not whole, a volume that breaks off")
def _():
    image = bytearray(IMAGE)
    for name in ("sub", "dir"):
        record, at = find_name(image, name)
        image[at:at + 4] = image[record + 44:record + 48]  # it stands in itself
    parts, _, status = told(write("circle.img", image))
    if (len(parts), status) != (len(WANTED), "done"):
        return f"circle: {parts} {status}"
    image = bytearray(IMAGE)
    image[find_name(image, "small")[0] + 510] ^= 1
    if told(write("torn.img", image))[2] != "damaged":
        return "torn: not damaged"
    last = IMAGE.rindex(b"big, line 20")
    parts, _, status = told(write("cut.img", IMAGE[:last]))
    return (len(parts), status) == (len(WANTED), "damaged") or f"cut: {parts} {status}"


@tap.case("EICAR is found, in a partition of a virtual disk as well")
def _():
    path = make("eicar.img", {"eicar.com": EICAR, "large.com": EICAR + b" " * 3000})
    answer = finds_eicar(path, "!eicar.com")
    if answer is not True:
        return answer
    needs("sgdisk", "qemu-img")
    volume = pathlib.Path(path).read_bytes()
    disk = write("disk", bytes(4 << 20))
    run("sgdisk", "-a", "1", f"-n1:2000:{1999 + len(volume) // 512}", disk)
    data = bytearray(pathlib.Path(disk).read_bytes())
    data[2000 * 512:2000 * 512 + len(volume)] = volume
    run("qemu-img", "convert", "-f", "raw", "-O", "vpc", write("disk", data), "disk.vhd")
    return finds_eicar("disk.vhd", "!eicar.com")


tap.run()
