#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Partition tables that sfdisk, sgdisk and parted write, held against 7z and clamscan. TAP."""
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_disk  # noqa: E402
from beside import clamscan_names, overt_names  # noqa: E402
from members import EICAR, Tap, finds_eicar, first_of, needs, run, sha256, walk  # noqa: E402

tap = Tap()
SECTOR = 512
SECTORS = 4096
NOISE = random.Random(3).randbytes(SECTORS * SECTOR)
TYPES = {"dos": "CL_TYPE_MBR", "gpt": "CL_TYPE_GPT", "mac": "CL_TYPE_APM"}
PARTED = {"dos": "msdos", "gpt": "gpt", "mac": "mac"}


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def make_dos(name, script):
    """An image of noise with a table as sfdisk reads it."""
    needs("sfdisk")
    write(name, bytes(1024) + NOISE[1024:])
    run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", name, data=script.encode())
    return name


def make_gpt(name, *partitions):
    needs("sgdisk")
    write(name, bytes(SECTOR * 40) + NOISE[SECTOR * 40:])
    options = [f"-n{i}:{first}:{last}" for i, (_, first, last) in enumerate(partitions, 1)]
    options += [f"-c{i}:{text}" for i, (text, _, _) in enumerate(partitions, 1)]
    run("sgdisk", "-a", "1", *options, name)
    return name


def make_parted(name, label, *partitions):
    needs("parted")
    write(name, bytes(SECTOR * 80) + NOISE[SECTOR * 80:])
    commands = ["mklabel", label]
    for text, first, last in partitions:
        commands += ["mkpart", *(["primary"] if label == "msdos" else [text]), f"{first}s",
                     f"{last}s"]
    run("parted", "-s", "-a", "none", name, *commands)
    return name


def told(path, filetype):
    parts, _, status = walk(path, filetype)
    return [(name, size, digest) for _, name, size, digest in parts], status


def cut(path, first, last):
    """The bytes of these sectors, as a part without a name."""
    data = pathlib.Path(path).read_bytes()[first * SECTOR:(last + 1) * SECTOR]
    return len(data), sha256(data)


def parts_of(path, filetype):
    """Sizes and digests, without the boot sector."""
    parts, status = told(path, filetype)
    return [part[1:] for part in parts if part[1] != SECTOR], status


@tap.case("primary and logical partitions of a boot record")
def _():
    path = make_dos("dos.img", "label: dos\nstart=8,size=100,type=c\nstart=200,size=3000,type=5\n"
                    "start=208,size=400,type=7\nstart=700,size=800,type=83\nstart=3300,size=90\n")
    parts, status = parts_of(path, TYPES["dos"])
    wanted = [cut(path, 8, 107), cut(path, 208, 607), cut(path, 700, 1499), cut(path, 3300, 3389)]
    return (sorted(parts), status) == (sorted(wanted), "done") or f"{parts} {status}"


@tap.case("a GUID partition table, its names, and its copy when the first is gone")
def _():
    path = make_gpt("gpt.img", ("first part", 40, 99), ("\u4e2d", 1000, 3000))
    wanted = [("first part".encode(), *cut(path, 40, 99)), ("\u4e2d".encode(),
                                                           *cut(path, 1000, 3000))]
    if told(path, TYPES["gpt"]) != (wanted, "done"):
        return str(told(path, TYPES["gpt"]))
    data = bytearray(pathlib.Path(path).read_bytes())
    data[SECTOR:SECTOR * 34] = bytes(SECTOR * 33)
    return told(write("copy.img", data), TYPES["gpt"]) == (wanted, "done") or \
        str(told("copy.img", TYPES["gpt"]))


@tap.case("a copy of the table that tells of more")
def _():
    path = make_gpt("more.img", ("a", 40, 99), ("b", 200, 300))
    data = bytearray(pathlib.Path(path).read_bytes())
    data[SECTOR * 2 + 128:SECTOR * 2 + 256] = bytes(128)
    parts, _ = told(write("more.img", data), TYPES["gpt"])
    return [name for name, _, _ in parts] == [b"a", b"b"] or str(parts)


@tap.case("tables of parted: the same partitions")
def _():
    for label, filetype in TYPES.items():
        path = make_parted(f"{label}.img", PARTED[label], ("one", 100, 199), ("two", 300, 1299))
        parts, status = told(path, filetype)
        names = [name for name, size, _ in parts if size > SECTOR]
        found = [part[1:] for part in parts]
        if status != "done" or any(cut(path, *p) not in found for p in ((100, 199), (300, 1299))):
            return f"{label}: {parts} {status}"
        if label != "dos" and not {b"one", b"two"} <= set(names):
            return f"{label}: {names}"


@tap.case("7z sees the same partitions")
def _():
    needs("7z")
    path = make_parted("beside.img", "gpt", ("one", 100, 199), ("two", 300, 1299))
    run("7z", "x", "-y", "-tgpt", "-oout", path)
    sizes = sorted((p.stat().st_size, sha256(p.read_bytes())) for p in pathlib.Path("out").iterdir())
    return sorted(parts_of(path, TYPES["gpt"])[0]) == sizes or f"{sizes}"


@tap.case("tables that go in circles, or out of the image")
def _():
    path = make_dos("circle.img", "label: dos\nstart=200,size=3000,type=5\n"
                    "start=208,size=400,type=7\nstart=700,size=800,type=83\n")
    data = bytearray(pathlib.Path(path).read_bytes())
    struct.pack_into("<I", data, 690 * SECTOR + 446 + 24, 0)
    second = struct.unpack_from("<I", data, 200 * SECTOR + 446 + 16 + 8)[0] + 200
    entry = bytes([0, 0, 0, 0, 5, 0, 0, 0]) + struct.pack("<II", second - 200, 100)
    data[second * SECTOR + 462:second * SECTOR + 478] = entry
    parts, status = parts_of(write("circle.img", data), TYPES["dos"])
    if (len(parts), status) != (2, "done"):
        return f"{parts} {status}"
    parts, status = parts_of(write("cut.img", data[:1000 * SECTOR]), TYPES["dos"])
    return ([size for size, _ in parts], status) == ([400 * SECTOR, 300 * SECTOR], "damaged") or \
        f"{parts} {status}"


def make_all(data):
    """Disks with a volume that holds these bytes, one for each table."""
    volume = forge_disk.hfsplus({"dir/eicar.com": data})
    last = 299 + len(volume) // SECTOR
    disks = [make_dos("e-dos.img", f"label: dos\nstart=300,size={last - 299},type=af\n"),
             make_gpt("e-gpt.img", ("x", 300, last)),
             make_parted("e-mac.img", "mac", ("x", 300, last))]
    for path in disks:
        disk = bytearray(pathlib.Path(path).read_bytes())
        disk[300 * SECTOR:(last + 1) * SECTOR] = volume
        write(path, disk)
    return disks


@tap.case("EICAR is found in a volume of a partition, at its place")
def _():
    disks = make_all(EICAR)
    answer = first_of(finds_eicar(path, "!dir/eicar.com") for path in disks)
    if answer is not True:
        return answer
    footer = b"conectix" + bytes(504)  # a disk of fixed size of Virtual PC
    disk = write("fixed.vhd", pathlib.Path(disks[0]).read_bytes() + footer)
    return finds_eicar(disk, "!dir/eicar.com")


@tap.case("a file on a disc that Apple's part of it alone has")
def _():
    needs("xorriso")
    pathlib.Path("tree").mkdir()
    write("tree/eicar.com", EICAR)
    write("tree/seen", b"seen")
    run("xorriso", "-as", "mkisofs", "-quiet", "-hfsplus", "-hide", "eicar.com", "-o", "x.iso",
        "tree")
    if b"EICAR.COM" in pathlib.Path("x.iso").read_bytes():
        return "it was not hidden from ISO 9660"
    return finds_eicar("x.iso", "!eicar.com")


@tap.case("clamscan tells the same names")
def _():
    needs("clamscan")
    plain = b"some harmless bytes to be found" * 9
    disks = make_all(plain)
    volume = forge_disk.hfsplus({"dir/eicar.com": plain})
    pathlib.Path("rules.hsb").write_text(f"{sha256(plain)}:{len(plain)}:Test.Member:73\n"
                                         f"{sha256(volume)}:{len(volume)}:Test.Partition:73\n")
    for path in disks:
        both = [names(path, "rules.hsb", option) for names, option in
                ((overt_names, "--all-matches"), (clamscan_names, "--allmatch"))]
        if both[0] != both[1] or len(both[0]) != 2:
            return f"{path}: {both}"


tap.run()
