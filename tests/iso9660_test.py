#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images of discs, held against what genisoimage and xorriso put in, and against 7z. TAP."""
import os
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
ISO = "CL_TYPE_ISO9660"
FILES = {"a.txt": b"first\n", "dir/a name with spaces.txt": b"second" * 1000,
         "dir/sub/\u00e4\u4e2d.bin": bytes(range(256)) * 30, "dir/sub/deep/z": b"z"}


def make_image(name, *options, files=None):
    if not has("genisoimage"):
        raise Skip("genisoimage is not installed")
    files = FILES if files is None else files
    tree = pathlib.Path(f"{name}.tree")
    for path, data in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(data)
    subprocess.run(["genisoimage", "-quiet", "-input-charset", "utf-8", *options, "-o", name, tree],
                   check=True, capture_output=True, timeout=60)
    return name


def told(path):
    parts, _, status = walk(path, ISO)
    return sorted((name, size, digest) for _, name, size, digest in parts), status


def wanted(files, names=True):
    return sorted((name.encode() if names else b"", len(data), sha256(data))
                  for name, data in files.items())


def without_names(parts):
    return sorted((b"", size, digest) for _, size, digest in parts)


@tap.case("Joliet and Rock Ridge give all files with their names, once")
def _():
    for options in (["-J"], ["-R"], ["-J", "-R"], ["-J", "-udf"]):
        path = make_image("names.iso", *options)
        if told(path) != (wanted(FILES), "done"):
            return f"{options}: {told(path)}"


@tap.case("without either the files are the same, with short names")
def _():
    parts, status = told(make_image("plain.iso"))
    if (without_names(parts), status) != (wanted(FILES, False), "done"):
        return f"{parts} {status}"
    return parts[0][0] == b"A.TXT" or str(parts)


@tap.case("a file that is in one tree alone is told")
def _():
    files = {"seen": b"in both", "hidden": b"not in the tree of Joliet"}
    path = make_image("hide.iso", "-J", "-hide-joliet", "hidden", files=files)
    return without_names(told(path)[0]) == wanted(files, False) or str(told(path))


@tap.case("files of every session are told")
def _():
    if not has("xorriso"):
        raise Skip("xorriso is not installed")
    pathlib.Path("multi.iso").unlink(missing_ok=True)
    for number in (1, 2):
        pathlib.Path(f"f{number}").write_bytes(b"%d" % number * 500)
        commands = ["-dev", "multi.iso"] + (["-rm", "f1", "--"] if number == 2 else [])
        subprocess.run(["xorriso", *commands, "-add", f"f{number}", "--"], check=True,
                       capture_output=True, timeout=60)
    names = {name for name, _, _ in told("multi.iso")[0]}
    return names == {b"f1", b"f2"} or str(names)


@tap.case("what a disc starts from is told, in a directory or not")
def _():
    path = make_image("boot.iso", "-b", "boot.img", "-c", "boot.cat", "-no-emul-boot",
                      "-boot-load-size", "4", files={"boot.img": b"B" * 2048})
    data = bytearray(pathlib.Path(path).read_bytes())
    catalog = struct.unpack_from("<I", data, 17 * 2048 + 71)[0] * 2048
    struct.pack_into("<I", data, catalog + 32 + 8, len(data) // 2048)
    pathlib.Path(path).write_bytes(bytes(data) + b"L" * 2048)
    parts = [(name, size) for name, size, digest in told(path)[0] if digest == sha256(b"L" * 2048)]
    return parts == [(b"boot image", 2048)] or str(told(path))


@tap.case("images of raw sectors hold the same files")
def _():
    data = pathlib.Path(make_image("cooked.iso", "-J")).read_bytes()
    for lead in (b"", b"\0" * 16):
        sectors = b"".join(lead + data[at:at + 2048] + b"\1" * (304 - len(lead))
                           for at in range(0, len(data), 2048))
        pathlib.Path("raw.iso").write_bytes(sectors[len(lead):])
        if told("raw.iso")[0] != wanted(FILES):
            return f"{len(lead)}: {told('raw.iso')}"
    data = pathlib.Path(make_image("cooked.iso", "-J", files={"eicar.com": EICAR})).read_bytes()
    raw = b"".join(b"\1" * 16 + data[at:at + 2048] + b"\1" * 288 for at in range(0, len(data), 2048))
    pathlib.Path("raw.bin").write_bytes(raw)
    return finds_eicar("raw.bin", "!eicar.com")


@tap.case("directories in a circle end; numbers that differ are both followed")
def _():
    path = make_image("circle.iso", "-R")
    data = bytearray(pathlib.Path(path).read_bytes())
    root = struct.unpack_from("<I", data, 16 * 2048 + 156 + 2)[0]
    at = data.index(b"DIR", root * 2048) - 33
    struct.pack_into("<I", data, at + 2, root)  # the big-endian number still says where it is
    pathlib.Path(path).write_bytes(data)
    return without_names(told(path)[0]) == wanted(FILES, False) or str(told(path))


@tap.case("an image that breaks off gives what came before")
def _():
    data = pathlib.Path(make_image("cut.iso", "-J")).read_bytes()
    for size in range(36864, len(data), len(data) // 20):
        pathlib.Path("part.iso").write_bytes(data[:size])
        told("part.iso")
    pathlib.Path("part.iso").write_bytes(data.rstrip(b"\0")[:-3])
    return told("part.iso")[1] == "damaged" or str(told("part.iso"))


@tap.case("EICAR is found, at its place")
def _():
    files = {"a.txt": b"first", "dir/eicar.com": EICAR}
    for options in (["-J"], ["-R"], []):
        path = make_image("eicar.iso", *options, files=files)
        answer = finds_eicar(path, "!dir/eicar.com" if options else "!DIR/EICAR.COM")
        if answer is not True:
            return answer
    boot = b"\xfa\xeb\xfe".ljust(510, b"\0") + b"\x55\xaa"  # as an image that also starts from a stick
    data = pathlib.Path(path).read_bytes()
    pathlib.Path("stick.iso").write_bytes(boot + data[512:])
    return finds_eicar("stick.iso")


tap.run()
