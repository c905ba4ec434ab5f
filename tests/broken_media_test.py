#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pictures, cursors and disks that contradict themselves, held against clamscan. TAP."""
import os
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_overlap  # noqa: E402
import forge_picture  # noqa: E402
from alerts import RULES, compare_many, run_many  # noqa: E402
from beside import clamscan_names, overt_names, wrap, write  # noqa: E402
from members import EICAR, Tap, finds_eicar, needs  # noqa: E402

tap = Tap()
COUNT = int(os.environ.get("OVERT_MEDIA", "600"))
MEDIA = "Heuristics.Broken.Media."


def both(path, *options):
    """The names that both tell, when they tell the same; else a sentence."""
    ours, theirs = overt_names(path, RULES, *options), clamscan_names(path, RULES, *options)
    return ours if ours == theirs else f"{path} {options}: overt {ours}, clamscan {theirs}"


def compare_pictures(kind, least):
    needs("convert")
    rng = random.Random(kind)
    made = forge_picture.originals(kind)
    paths = [write(f"{kind}/{number}", forge_picture.mutate(rng, kind, made))
             for number in range(COUNT)]
    return compare_many(paths, "--alert-broken-media", least=least)


@tap.case("GIF pictures that clamscan calls broken")
def _():
    return compare_pictures("gif", 8)


@tap.case("JPEG pictures that clamscan calls broken, or an exploit")
def _():
    return compare_pictures("jpg", 12)


@tap.case("PNG pictures that clamscan calls broken")
def _():
    return compare_pictures("png", 4)


@tap.case("TIFF pictures that clamscan calls broken")
def _():
    return compare_pictures("tif", 6)


@tap.case("whole pictures are not broken, and broken ones are told when asked for")
def _():
    needs("convert")
    paths = [write(f"whole{n}.{kind}", data) for kind in forge_picture.MAKERS
             for n, data in enumerate(forge_picture.originals(kind))]
    if run_many(paths, "--alert-broken-media") != [{}, {}]:
        return str(run_many(paths, "--alert-broken-media"))
    path = write("short.gif", b"GIF89a" + bytes(4))
    answers = [both(path, "--alert-broken-media"), both(path), both(path, "--alert-broken"),
               both(path, "--alert-broken-media", "--heuristic-alerts=no"),
               both(path, "--alert-broken-media=no")]
    return answers == [[MEDIA + "GIF.TruncatedScreenDescriptor"], [], [], [], []] or answers


@tap.case("a rule comes before a broken picture, unless alerts take precedence")
def _():
    path = write("rule.gif", b"GIF89a" + bytes(7) + b"\0HEURWORD" + bytes(30))
    answers = [both(path, "--alert-broken-media"),
               both(path, "--alert-broken-media", "--heuristic-scan-precedence")]
    return answers == [["Test.Word.UNOFFICIAL"], [MEDIA + "GIF.UnknownBlockLabel"]] or answers


@tap.case("what stands behind the end of a GIF and a PNG is looked at")
def _():
    needs("convert")
    for kind in ("gif", "png"):
        data = forge_picture.originals(kind)[0]
        path = write(f"behind.{kind}", data + wrap(EICAR, ["gz"]))
        finds_eicar(path, f"{path}!#1!#1")


@tap.case("the small picture of a Photoshop segment")
def _():
    small = b"\xff\xd8\xff\xfe\0\1x"
    resource = b"8BIM\4\x0c\0\0" + struct.pack(">I", 28 + len(small)) + bytes(28) + small
    body = b"Photoshop 3.0\0" + resource + bytes(len(small) & 1)
    path = write("thumb.jpg", b"\xff\xd8\xff\xed" + struct.pack(">H", len(body) + 2) + body +
                 b"\xff\xda\0\2" + bytes(99))
    answer = both(path, "--alert-broken-media")
    return answer == ["Heuristics.Exploit.W32.MS04-028"] or answer


def cursor(mark, chunks):
    order = ">" if mark == b"RIFX" else "<"
    body = b"ACON" + b"".join(kind + struct.pack(order + "I", size) + data
                              for kind, size, data in chunks)
    return mark + struct.pack(order + "I", len(body)) + body


@tap.case("animated cursors with a header of another size")
def _():
    good, bad = (b"anih", 36, bytes(36)), (b"anih", 99, bytes(99))
    shapes = [[bad], [good], [good, bad], [(b"LIST", 40, b"INFO"), bad], [(b"abcd", 3, bytes(4)), bad],
              [(b"abcd", 3, bytes(3)), bad], [(b"RIFF", 4, bytes(4)), bad], [(b"abcd", 99, b""), bad],
              [(b"LIST", 40, b"INFO")] * 998 + [bad], [(b"LIST", 40, b"INFO")] * 1000 + [bad],
              [(b"LIST", 40, b"INFO"), (b"x   ", 0, b"")] * 1000 + [bad]]
    paths = [write(f"{mark.decode()}{n}.ani", cursor(mark, shape))
             for mark in (b"RIFF", b"RIFX") for n, shape in enumerate(shapes)]
    paths.append(write("other.ani", cursor(b"RIFF", [bad]).replace(b"ACON", b"WAVE")))
    return compare_many(paths) is True and run_many(paths, "--heuristic-alerts=no") == [{}, {}] or \
        str(compare_many(paths))


SWITCH = "--alert-partition-intersection"


@tap.case("partitions of boot records that overlap")
def _():
    rng = random.Random(1)
    paths = [write(f"mbr/{n}", forge_overlap.boot_record(rng)) for n in range(COUNT // 3)]
    return compare_many(paths, SWITCH)


@tap.case("partitions of GUID tables that overlap")
def _():
    rng = random.Random(2)
    paths = [write(f"gpt/{n}", forge_overlap.guid_table(rng)) for n in range(COUNT // 3)]
    return compare_many(paths, SWITCH)


@tap.case("partitions of Apple's map that overlap")
def _():
    rng = random.Random(3)
    paths = [write(f"apm/{n}", forge_overlap.apple_map(rng)) for n in range(COUNT // 3)]
    return compare_many(paths, SWITCH)


@tap.case("overlapping partitions are told only when asked for")
def _():
    rng = random.Random(4)
    path = write("overlap.img", forge_overlap.boot_record(rng, [(2, 20), (10, 20)]))
    answers = [both(path), both(path, SWITCH), both(path, SWITCH + "=no"),
               both(path, SWITCH, "--heuristic-alerts=no")]
    name = ["Heuristics.MBRPartitionnIntersect"]
    return answers == [[], name, [], name] or answers


tap.run()
