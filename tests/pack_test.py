#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""Files of rule releases, packed in the caged builder: the zstd program unpacks them, and so does
the builder. TAP."""
import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "feed"))
from harness import ask  # noqa: E402
from members import Tap, needs, run  # noqa: E402

tap = Tap()
noise = random.Random(5)
OLD = b"".join(b"%064x:%d:Rule.Test-%d\n" % (noise.getrandbits(256), i, i) for i in range(20_000))
NEW = OLD[:400_000] + b"".join(b"%064x:7:New-%d\n" % (noise.getrandbits(256), i)
                               for i in range(50)) + OLD[500_000:]


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def pack(data, out, *prefix):
    code, lines = ask("pack", write("plain", data), out, *prefix)
    assert code == 0, lines
    return pathlib.Path(out).read_bytes()


@tap.case("the zstd program unpacks it without being told anything")
def _():
    needs("zstd")
    for data in (b"", b"x", NEW):
        pack(data, "p.zst")
        assert run("zstd", "-q", "-d", "-c", "p.zst") == data
    assert len(pack(NEW, "p.zst")) < 0.7 * len(NEW)


@tap.case("a delta is small, and zstd --patch-from and the builder both read it")
def _():
    needs("zstd")
    write("old", OLD)
    assert len(pack(NEW, "delta.zst", "old")) < 6_000
    run("zstd", "-q", "-f", "-d", "--patch-from=old", "delta.zst", "-o", "back")
    assert pathlib.Path("back").read_bytes() == NEW
    assert ask("unpack", "delta.zst", "back2", len(NEW), "old") == (0, [])
    assert pathlib.Path("back2").read_bytes() == NEW
    assert ask("unpack-open", "delta.zst", "back3", len(NEW), "old") == (0, [])
    assert pathlib.Path("back3").read_bytes() == NEW


@tap.case("the same files give the same bytes")
def _():
    write("old", OLD)
    assert pack(NEW, "a.zst", "old") == pack(NEW, "b.zst", "old")
    assert pack(NEW, "a.zst") == pack(NEW, "b.zst")


@tap.case("through descriptors, what is wrong is said")
def _():
    pack(NEW, "p.zst")
    code, lines = ask("unpack-open", "p.zst", "out", len(NEW) - 1)
    assert code == 1 and "larger than is allowed" in lines[0], lines
    write("torn.zst", pathlib.Path("p.zst").read_bytes()[:-1])
    code, lines = ask("unpack-open", "torn.zst", "out", len(NEW))
    assert code == 1 and "no whole zstd frame" in lines[0], lines
    os.makedirs("folder", exist_ok=True)
    code, lines = ask("pack", "folder", "out")
    assert code == 1 and lines == ["the file: no regular file"], lines
    code, lines = ask("pack", "p.zst", "out", "folder")
    assert code == 1 and lines == ["the file that it is packed against: no regular file"], lines


@tap.case("a file and a delta of more than 128 megabytes")
def _():
    needs("zstd")
    piece = noise.randbytes(1 << 20)
    with open("large", "wb") as file:
        for i in range(140):
            file.write(piece[i * 4099:] + piece[:i * 4099])
    run("sh", "-c", "(printf changed; cat large) > large.new")
    assert ask("pack", "large.new", "large.zst") == (0, [])
    run("sh", "-c", "zstd -q -d -c large.zst | cmp - large.new")
    assert ask("pack", "large.new", "delta.zst", "large") == (0, [])
    assert os.path.getsize("delta.zst") < 100_000
    assert ask("unpack-open", "delta.zst", "out", 141 << 20, "large") == (0, [])
    run("cmp", "out", "large.new")
    run("zstd", "-q", "-f", "-d", "--long=31", "--patch-from=large", "delta.zst", "-o", "out")
    run("cmp", "out", "large.new")


tap.run()
