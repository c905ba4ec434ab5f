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


GROWING = ("vpc", "vhdx")


def make(name, raw, kind, subformat="dynamic", *more):
    needs("qemu-img")
    pathlib.Path("raw").write_bytes(raw)
    options = ",".join([f"subformat={subformat}", *more])
    run("qemu-img", "convert", "-f", "raw", "-O", kind, "-o", options, "raw", name)
    return name


def told(path):
    parts, _, status = walk(path, "vhd")
    return [part[1:] for part in parts], status


@tap.case("the disk of one that grows, with holes")
def _():
    raw = NOISE + bytes(9 * MB) + NOISE[:4096] + bytes(MB)
    for kind in GROWING:
        path = make(f"grows.{kind}", raw, kind)
        run("qemu-img", "convert", "-f", kind, "-O", "raw", path, "back")
        back = pathlib.Path("back").read_bytes()
        parts, status = told(path)
        if (parts, status) != ([(b"disk", len(back), sha256(back))], "done"):
            return f"{kind}: {parts} {status} {len(back)} {sha256(back)}"
    path = make("fixed.vhdx", raw, "vhdx", "fixed")
    return told(path)[0] == [(b"disk", len(raw), sha256(raw))] or str(told(path))


@tap.case("7z takes the same disk out")
def _():
    needs("7z")
    for kind, name in (("vpc", "vhd"), ("vhdx", "vhdx")):
        path = make(f"beside.{name}", bytes(3 * MB) + NOISE, kind)
        run("7z", "x", "-y", f"-t{name}", f"-oout-{name}", path)
        taken = next(pathlib.Path(f"out-{name}").iterdir()).read_bytes()
        if told(path)[0] != [(b"disk", len(taken), sha256(taken))]:
            return f"{name}: {told(path)} {len(taken)}"


@tap.case("blocks that are not there, and a disk that says it is huge")
def _():
    for kind in GROWING:
        data = bytearray(pathlib.Path(make(f"cut.{kind}", NOISE * 5, kind)).read_bytes())
        pathlib.Path("cut").write_bytes(data[:data.index(NOISE) + 3 * MB])
        parts, status = told("cut")
        if (len(parts), status) != (1, "damaged"):
            return f"{kind}: {parts} {status}"
    data = bytearray(pathlib.Path("cut.vpc").read_bytes())
    struct.pack_into(">Q", data, 48, 1 << 50)
    pathlib.Path("huge.vhd").write_bytes(data)
    parts, status = told("huge.vhd")
    return (len(parts), status) == (1, "damaged") or f"{parts} {status}"


@tap.case("EICAR is found in a volume of a partition of a disk, of all kinds")
def _():
    needs("sgdisk")
    volume = forge_disk.hfsplus({"dir/eicar.com": EICAR})
    last = 3000 + len(volume) // 512 - 1
    pathlib.Path("disk").write_bytes(bytes(4 * MB))
    run("sgdisk", "-a", "1", f"-n1:3000:{last}", "disk")
    disk = bytearray(pathlib.Path("disk").read_bytes())
    disk[3000 * 512:(last + 1) * 512] = volume
    for options in (["vpc", "dynamic"], ["vpc", "fixed", "force_size=on"], ["vhdx"]):
        path = make("-".join(["eicar", *options]), bytes(disk), *options)
        answer = finds_eicar(path, "!dir/eicar.com")
        if answer is not True:
            return f"{options}: {answer}"


tap.run()
