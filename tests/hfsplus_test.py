#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Volumes of HFS+, held against what was put in, volumes that xorriso writes, 7z, clamscan. TAP."""
import os
import pathlib
import random
import struct
import sys
import unicodedata

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_disk  # noqa: E402
from beside import clamscan_names, overt_names  # noqa: E402
from members import EICAR, Tap, finds_eicar, first_of, needs, run, sha256, walk  # noqa: E402

tap = Tap()
HFS = "CL_TYPE_PART_HFSPLUS"
NOISE = random.Random(1).randbytes(409_605)
LONG = NOISE[:60_000] + b"x" * 140_000 + NOISE[:7]
FORK_NAME = b"/..namedfork/rsrc"


def packed(data):
    attribute, resource = forge_disk.packed_fork(data)
    return {"attribute": attribute, "resource": resource}


FILES = {
    "a.txt": b"first\n", "empty": b"", "dir/two": {"data": NOISE[:20_000], "resource": b"res" * 500},
    "dir/sub/\u4e2d": b"z", "pieces": {"data": NOISE, "pieces": 30},
    "fork in pieces": {"resource": NOISE[5:200_000], "pieces": 20},
    "inline": {"attribute": forge_disk.packed_inline(b"hello" * 100)},
    "plain": {"attribute": forge_disk.packed_plain(b"as it is")}, "blocks": packed(LONG),
    **{f"many/{i}": b"%d" % i for i in range(300)},
}
PLAIN = {"inline": b"hello" * 100, "plain": b"as it is", "blocks": LONG}


def parts_of(files):
    """What should be told: (name, data)."""
    for name, what in files.items():
        what = what if isinstance(what, dict) else {"data": what}
        if name in PLAIN:
            yield name.encode(), PLAIN[name]
            continue
        if what.get("data") or not what.get("resource"):
            yield name.encode(), what.get("data", b"")
        if what.get("resource"):
            yield name.encode() + FORK_NAME, what["resource"]


def wanted(files):
    return sorted((name, len(data), sha256(data)) for name, data in parts_of(files))


def told(path):
    parts, _, status = walk(path, HFS)
    return sorted((name, size, digest) for _, name, size, digest in parts), status


def differs(path, files):
    parts, status = told(path)
    if (parts, status) == (wanted(files), "done"):
        return True
    return f"{path}: {status} {[p for p in parts if p not in wanted(files)][:5]}"


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


@tap.case("files, both forks, in pieces, packed: all that was put in")
def _():
    plain = forge_disk.hfsplus(FILES)
    marked = forge_disk.hfsplus(FILES, mark=b"HX\0\5")
    return first_of([differs(write("plain.hfs", plain), FILES),
                     differs(write("x.hfs", marked), FILES)])


@tap.case("7z takes out the same")
def _():
    needs("7z")
    files = {name: what for name, what in FILES.items() if name != "fork in pieces"}
    path = write("beside.hfs", forge_disk.hfsplus(files))
    run("7z", "x", "-y", "-thfs", "-oout", path)
    for name, data in parts_of(files):
        name = name.decode().replace(FORK_NAME.decode(), ":rsrc")
        if pathlib.Path("out/volume", name).read_bytes() != data:
            return name
    return differs(path, files)


@tap.case("a volume that xorriso wrote")
def _():
    needs("xorriso")
    files = {"a.txt": b"first\n", "dir/sub/\u00e4\u4e2d b": NOISE[:30_000],
             **{f"dir/f{i}": b"%d" % i * 9 for i in range(200)}}
    for name, data in files.items():
        os.makedirs(os.path.dirname(f"tree/{name}"), exist_ok=True)
        pathlib.Path("tree", name).write_bytes(data)
    run("xorriso", "-as", "mkisofs", "-quiet", "-hfsplus", "-apm-block-size", "512", "-o",
        "x.iso", "tree")
    image = pathlib.Path("x.iso").read_bytes()
    entries = [image[i * 512:][:512] for i in range(1, 8)]
    volume = [struct.unpack_from(">II", e, 8) for e in entries if b"Apple_HFS\0" in e]
    first, count = volume[0]
    write("x.vol", image[first * 512:(first + count) * 512])
    decomposed = {unicodedata.normalize("NFD", name): data for name, data in files.items()}
    return differs("x.vol", decomposed)


@tap.case("a volume inside a volume of HFS, as disks for old systems had")
def _():
    inner = forge_disk.hfsplus(FILES)
    head = bytearray(1024 + 512)
    struct.pack_into(">H", head, 1024, 0x4244)
    struct.pack_into(">I", head, 1024 + 20, 4096)
    struct.pack_into(">H", head, 1024 + 28, 3)
    struct.pack_into(">HHH", head, 1024 + 124, 0x482b, 2, len(inner) // 4096)
    outer = bytes(head) + bytes(2 * 4096) + inner
    return differs(write("outer.hfs", outer), FILES)


@tap.case("blocks that are broken do not hide the others")
def _():
    volume = forge_disk.hfsplus({"blocks": packed(LONG)})
    at = volume.index(NOISE[100:120])  # this block is not compressed, the next ones are
    streams = [i for i in range(at, len(volume)) if volume[i:i + 2] == b"\x78\x9c"]
    volume = bytearray(volume)
    volume[streams[0] + 2:streams[0] + 8] = b"\xff" * 6
    parts, _, status = walk(write("broken.hfs", bytes(volume)), HFS)
    first = parts[0]
    return (status, first[2]) == ("damaged", len(LONG)) or f"{status} {parts}"


@tap.case("an unknown packing gives the resource fork as it is")
def _():
    attribute, fork = forge_disk.packed_fork(b"data")
    attribute = attribute[:4] + b"\x0c" + attribute[5:]
    path = write("unknown.hfs",
                 forge_disk.hfsplus({"f": {"attribute": attribute, "resource": fork}}))
    parts, status = told(path)
    return (parts, status) == ([(b"f" + FORK_NAME, len(fork), sha256(fork))], "not supported") or \
        f"{parts} {status}"


@tap.case("a volume that breaks off is damaged; a file that does gives what came before")
def _():
    volume = forge_disk.hfsplus({"a": b"first", "b": NOISE})
    _, status = told(write("cut.hfs", volume[:len(volume) // 2]))
    if status != "damaged":
        return status
    first, count = volume.index(NOISE[:50]) // 4096, -(-len(NOISE) // 4096)
    last = len(volume) // 4096 - 3
    volume = volume.replace(struct.pack(">II", first, count), struct.pack(">II", last, count))
    parts, status = told(write("cut.hfs", volume))
    end = volume[last * 4096:]
    return (parts[1], status) == ((b"b", len(end), sha256(end)), "damaged") or f"{parts} {status}"


@tap.case("EICAR is found in all of these places")
def _():
    places = {"dir/eicar.com": EICAR, "eicar": {"resource": EICAR},
              "inline": {"attribute": forge_disk.packed_inline(EICAR)}, "blocks": packed(EICAR)}
    for name, what in places.items():
        path = write("eicar.hfs", forge_disk.hfsplus({"a": b"a", name: what}))
        inside = name + (FORK_NAME.decode() if name == "eicar" else "")
        answer = finds_eicar(path, f"!{inside}")
        if answer is not True:
            return f"{name}: {answer}"


@tap.case("clamscan tells the same names")
def _():
    needs("clamscan")
    plain = b"some harmless bytes to be found" * 9
    rules = f"{sha256(plain)}:{len(plain)}:Test.Member:73\n"
    pathlib.Path("rules.hsb").write_text(rules)
    volumes = [forge_disk.hfsplus({"d/f": plain}), forge_disk.hfsplus({"f": {"resource": plain}}),
               forge_disk.hfsplus({"f": {"attribute": forge_disk.packed_inline(plain)}})]
    for number, volume in enumerate(volumes):
        path = write("names.dmg", forge_disk.dmg([("Apple_HFS : 1", volume)]))
        both = overt_names(path, "rules.hsb"), clamscan_names(path, "rules.hsb")
        if both[0] != both[1] or len(both[0]) != 1:
            return f"{number}: {both}"


tap.run()
