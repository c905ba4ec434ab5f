#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""zstd files of rule feeds, unpacked in the caged builder: what the zstd program packed comes back,
everything else is refused. TAP."""
import os
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "feed"))
from harness import ask  # noqa: E402
from members import Tap, needs, run  # noqa: E402

tap = Tap()
noise = random.Random(4)
OLD = b"".join(b"%064x:%d:Rule.Test-%d\n" % (noise.getrandbits(256), i, i) for i in range(60_000))
NEW = OLD[:1_000_000] + b"".join(b"%064x:7:New-%d\n" % (noise.getrandbits(256), i)
                                 for i in range(50)) + OLD[1_200_000:]
MANY = 1 << 30


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def pack(name, data, *options):
    needs("zstd")
    write("plain", data)
    run("zstd", "-q", "-f", *options, "plain", "-o", name)
    return name


def unpack(name, most=MANY, prefix=None):
    """The plain bytes, or what was said instead of them."""
    code, lines = ask("unpack", name, "out", most, *([prefix] if prefix else []))
    return pathlib.Path("out").read_bytes() if code == 0 else lines[0]


def says(answer, *words):
    assert isinstance(answer, str) and all(word in answer for word in words), answer[:300]


@tap.case("what zstd packed at any level comes back, and as much is enough")
def _():
    for options in (["-1"], ["-19"], ["-5", "--no-check"], ["--ultra", "-22", "--long=31"]):
        assert unpack(pack("new.zst", NEW, *options), len(NEW)) == NEW, options
    assert unpack(pack("empty.zst", b"")) == b""


@tap.case("from a pipe, whose length zstd does not know")
def _():
    needs("zstd")
    write("pipe.zst", run("zstd", "-q", "-3", "-c", data=NEW))
    assert unpack("pipe.zst", len(NEW)) == NEW
    says(unpack("pipe.zst", len(NEW) - 1), "pipe.zst: ", "more than is allowed")


@tap.case("a delta against the version before is small, comes back with it and not without it")
def _():
    write("old", OLD)
    pack("delta.zst", NEW, "-9", "--long=31", "--patch-from=old")
    assert os.path.getsize("delta.zst") < 10_000
    assert unpack("delta.zst", len(NEW), "old") == NEW
    says(unpack("delta.zst", len(NEW)), "another file")
    write("older", OLD[:-1])
    says(unpack("delta.zst", len(NEW), "older"), "another file")
    says(unpack("delta.zst", len(NEW) - 1, "old"), "more than is allowed")


@tap.case("a delta of hundreds of megabytes, beyond the window of common levels")
def _():
    size = 160 << 20
    with open("large", "wb") as file:
        piece = noise.randbytes(1 << 20)
        for i in range(size >> 20):
            file.write(piece[i * 4099:] + piece[:i * 4099])
    subprocess.run("cp large large.new && printf changed >> large.new", shell=True, check=True)
    needs("zstd")
    run("zstd", "-q", "-f", "-3", "--long=31", "--patch-from=large", "large.new", "-o", "large.zst")
    code, lines = ask("unpack", "large.zst", "out", size + 7, "large")
    assert code == 0, lines
    run("cmp", "out", "large.new")
    for name in ("large", "large.new", "out"):
        os.unlink(name)


@tap.case("cut off, changed, or followed by something: refused")
def _():
    whole = pathlib.Path(pack("whole.zst", NEW[:40_000], "-19")).read_bytes()
    for size in (0, 3, 4, 5, 100, len(whole) // 2, len(whole) - 5, len(whole) - 1):
        says(unpack(write("cut.zst", whole[:size])), "no whole zstd frame")
    for at in (0, 2, 4, 5, 9, 50, len(whole) // 2, len(whole) - 1):
        changed = bytes([*whole[:at], whole[at] ^ 0x20, *whole[at + 1:]])
        answer = unpack(write("changed.zst", changed), 50_000)
        assert isinstance(answer, str), at
    says(unpack(write("tail.zst", whole + b"\0")), "no whole zstd frame")
    says(unpack(write("twice.zst", whole + whole)), "no whole zstd frame")
    says(unpack(write("text.zst", b"plain text")), "no whole zstd frame")


@tap.case("a bomb ends at the limit, with no more written than that")
def _():
    needs("zstd")
    bomb = subprocess.run("head -c 3000000000 /dev/zero | zstd -q -c", shell=True, check=True,
                          capture_output=True).stdout
    says(unpack(write("bomb.zst", bomb), 1_000_000), "more than is allowed")
    assert os.path.getsize("out") <= 1_000_000


@tap.case("a file that is not there, and one that is none")
def _():
    says(unpack("nowhere.zst"), "nowhere.zst: ", "No such file")
    pack("new.zst", NEW)
    says(unpack("new.zst", MANY, "nowhere"), "nowhere: ", "No such file")
    os.makedirs("folder", exist_ok=True)
    assert isinstance(unpack("folder"), str)


tap.run()
