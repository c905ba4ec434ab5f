#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Virtual disks as qemu-img writes them, held against qemu-img, 7z and what was put in. TAP."""
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_disk  # noqa: E402
from members import EICAR, Tap, finds_eicar, needs, run, sha256, walk  # noqa: E402

tap = Tap()
MB = 1 << 20
NOISE = random.Random(5).randbytes(MB)


def make(name, raw, *options):
    needs("qemu-img")
    pathlib.Path("raw").write_bytes(raw)
    run("qemu-img", "convert", "-f", "raw", "-O", "vpc", *options, "raw", name)
    return name


def told(path):
    parts, _, status = walk(path, "vhd")
    return [part[1:] for part in parts], status


@tap.case("the disk of one that grows, with holes")
def _():
    raw = NOISE + bytes(9 * MB) + NOISE[:4096] + bytes(MB)
    path = make("grows.vhd", raw, "-o", "subformat=dynamic")
    run("qemu-img", "convert", "-f", "vpc", "-O", "raw", path, "back")
    back = pathlib.Path("back").read_bytes()
    parts, status = told(path)
    return (parts, status) == ([(b"disk", len(back), sha256(back))], "done") or \
        f"{parts} {status} {len(back)} {sha256(back)}"


@tap.case("7z takes the same disk out")
def _():
    needs("7z")
    path = make("beside.vhd", bytes(3 * MB) + NOISE, "-o", "subformat=dynamic")
    run("7z", "x", "-y", "-tvhd", "-oout", path)
    taken = next(pathlib.Path("out").iterdir()).read_bytes()
    return told(path)[0] == [(b"disk", len(taken), sha256(taken))] or f"{told(path)} {len(taken)}"


@tap.case("blocks that are not there, and a disk that says it is huge")
def _():
    data = bytearray(pathlib.Path(make("cut.vhd", NOISE * 5, "-o", "subformat=dynamic"))
                     .read_bytes())
    pathlib.Path("cut.vhd").write_bytes(data[:MB])
    parts, status = told("cut.vhd")
    if (len(parts), status) != (1, "damaged"):
        return f"{parts} {status}"
    struct.pack_into(">Q", data, 48, 1 << 50)
    pathlib.Path("huge.vhd").write_bytes(data)
    parts, status = told("huge.vhd")
    return (len(parts), status) == (1, "damaged") or f"{parts} {status}"


@tap.case("EICAR is found in a volume of a partition of a disk, of both kinds")
def _():
    needs("sgdisk")
    volume = forge_disk.hfsplus({"dir/eicar.com": EICAR})
    last = 3000 + len(volume) // 512 - 1
    pathlib.Path("disk").write_bytes(bytes(4 * MB))
    run("sgdisk", "-a", "1", f"-n1:3000:{last}", "disk")
    disk = bytearray(pathlib.Path("disk").read_bytes())
    disk[3000 * 512:(last + 1) * 512] = volume
    for kind in ("dynamic", "fixed"):
        path = make(f"{kind}.vhd", bytes(disk), "-o", f"subformat={kind},force_size=on")
        answer = finds_eicar(path, "!dir/eicar.com")
        if answer is not True:
            return f"{kind}: {answer}"


tap.run()
