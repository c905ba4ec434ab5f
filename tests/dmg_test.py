#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Apple disk images, held against what was put in, against 7z and clamscan. TAP."""
import pathlib
import random
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_disk  # noqa: E402
from beside import clamscan_names, overt_names  # noqa: E402
from members import EICAR, Tap, finds_eicar, first_of, needs, run, sha256, walk  # noqa: E402

tap = Tap()
DMG = "CL_TYPE_DMG"
NOISE = random.Random(2).randbytes(200_000)
FILES = {"a.txt": b"first\n", "dir/b": {"data": NOISE, "resource": b"fork" * 99},
         "c": b"c" * 100_000}
VOLUME = forge_disk.hfsplus(FILES)
OTHER = (b"not a volume, but bytes\n" * 5000)[:102_400] + bytes(300_032) + NOISE[:512 * 50]
PARTITIONS = [("Driver Descriptor Map : 0", OTHER), ("disk image (Apple_HFS : 1)", VOLUME)]


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def told(path):
    """The partitions, without the property list."""
    parts, _, status = walk(path, DMG)
    return [(name, size, digest) for _, name, size, digest in parts if name != b"plist"], status


def wanted(partitions):
    return [(name.encode(), len(data), sha256(data)) for name, data in partitions]


def differs(path, partitions):
    return told(path) == (wanted(partitions), "done") or f"{path}: {told(path)}"


@tap.case("partitions come out as they went in, whatever packs them")
def _():
    return first_of(differs(write(f"{method}.dmg", forge_disk.dmg(PARTITIONS, method)), PARTITIONS)
                    for method in forge_disk.METHODS)


@tap.case("tables in a resource fork, as older images have them")
def _():
    path = write("fork.dmg", forge_disk.dmg(PARTITIONS, has_list=False))
    return differs(path, PARTITIONS)


@tap.case("7z takes the same bytes for sound")
def _():
    needs("7z")
    for method in forge_disk.METHODS:
        path = write(f"{method}.dmg", forge_disk.dmg([PARTITIONS[0]], method, 1 << 15))
        run("7z", "t", path)
        run("7z", "x", "-y", f"-o{method}", "-tdmg", path)
        parts = [p.read_bytes() for p in pathlib.Path(method).rglob("*") if p.is_file()]
        if OTHER not in parts or differs(path, [PARTITIONS[0]]) is not True:
            return f"{method}: {[len(p) for p in parts]} {told(path)}"


def rows_of(image):
    """The image, and where its only table begins in a resource fork."""
    return bytearray(image), image.index(b"mish") + 204


@tap.case("chunks in any order, and one that does not unpack")
def _():
    image, at = rows_of(forge_disk.dmg([PARTITIONS[0]], "zlib", 1 << 15, has_list=False))
    first, second = at + 40, at + 80  # behind a comment
    image[first:second], image[second:second + 40] = (bytes(image[second:second + 40]),
                                                      bytes(image[first:second]))
    answer = differs(write("order.dmg", bytes(image)), [PARTITIONS[0]])
    if answer is not True:
        return answer
    packed_at = struct.unpack_from(">Q", image, second + 24)[0]  # now that of the first
    image[packed_at + 2:packed_at + 10] = b"\xff" * 8
    parts, status = told(write("bad.dmg", bytes(image)))
    plain = bytes(1 << 15) + OTHER[1 << 15:]
    return (parts, status) == (wanted([("Driver Descriptor Map : 0", plain)]), "damaged") or \
        f"{parts} {status}"


@tap.case("a method that is not known gives the rest")
def _():
    image, at = rows_of(forge_disk.dmg([PARTITIONS[0]], "zlib", 1 << 15, has_list=False))
    struct.pack_into(">I", image, at + 40, 0x80000007)
    parts, status = told(write("lzfse.dmg", bytes(image)))
    plain = bytes(1 << 15) + OTHER[1 << 15:]
    return (parts, status) == (wanted([("Driver Descriptor Map : 0", plain)]), "not supported") or \
        f"{parts} {status}"


@tap.case("a chunk that says it is huge ends at the limit")
def _():
    image, at = rows_of(forge_disk.dmg([PARTITIONS[0]], "zlib", has_list=False))
    struct.pack_into(">Q", image, at + 40 + 8, 1 << 45)
    parts, status = told(write("huge.dmg", bytes(image)))
    return (len(parts), parts[0][1] <= 100 << 20) == (1, True) or f"{parts} {status}"


@tap.case("a property list that is written otherwise")
def _():
    image = forge_disk.dmg([PARTITIONS[0]])
    start, end = image.index(b"<?xml"), image.index(b"</plist>") + 9
    name, data = re.search(rb"<key>Name</key>\s*<string>(.*?)</string>", image, re.S)[1], \
        re.search(rb"<data>(.*?)</data>", image, re.S)[1].replace(b"\t", b"").replace(b"\n", b"")
    listed = b"<plist><dict><key>x</key><array><dict><key>Name</key><string>" + name + \
        b"</string><key>Data</key><data><!-- a comment -->" + data
    trailer = bytearray(image[end:])
    struct.pack_into(">Q", trailer, 224, len(listed))
    return differs(write("list.dmg", image[:start] + listed + bytes(trailer)), [PARTITIONS[0]])


@tap.case("an encrypted image is known as one")
def _():
    write("sealed.dmg", b"encrcdsa" + bytes(5000))
    parts, facts, status = walk("sealed.dmg")
    return (parts, facts, status) == ([], 1, "done") or f"{parts} {facts} {status}"


@tap.case("EICAR is found in a file of a volume of an image, at its place")
def _():
    volume = forge_disk.hfsplus({"a": b"a", "dir/eicar.com": EICAR})
    for method in forge_disk.METHODS:
        path = write("eicar.dmg", forge_disk.dmg([("disk (Apple_HFS : 1)", volume)], method))
        answer = finds_eicar(path, "!dir/eicar.com")
        if answer is not True:
            return f"{method}: {answer}"
    nested = forge_disk.dmg([("x", forge_disk.hfsplus({"in.dmg": pathlib.Path(path).read_bytes()}))])
    return finds_eicar(write("nested.dmg", nested), "!dir/eicar.com")


@tap.case("clamscan tells the same names")
def _():
    needs("clamscan")
    plain = b"some harmless bytes to be found" * 9
    volume = forge_disk.hfsplus({"d/f": plain})
    pathlib.Path("rules.hsb").write_text(f"{sha256(plain)}:{len(plain)}:Test.Member:73\n"
                                         f"{sha256(volume)}:{len(volume)}:Test.Partition:73\n")
    for method in ("plain", "zlib", "bzip2", "adc"):
        path = write("names.dmg", forge_disk.dmg([("disk (Apple_HFS : 1)", volume)], method))
        both = [names(path, "rules.hsb", option) for names, option in
                ((overt_names, "--all-matches"), (clamscan_names, "--allmatch"))]
        if both[0] != both[1] or len(both[0]) != 2:
            return f"{method}: {both}"


tap.run()
