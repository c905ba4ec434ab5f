#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tar archives of all kinds, held against Python's tarfile, GNU tar and bsdtar. TAP."""
import io
import os
import pathlib
import random
import subprocess
import sys
import tarfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, Skip, Tap, finds_eicar, has, scan, sha256, walk  # noqa: E402

tap = Tap()
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
POSIX = "CL_TYPE_POSIX_TAR"
OLD = "CL_TYPE_OLD_TAR"


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def make_tar(members, tar_format=tarfile.USTAR_FORMAT, ends=True):
    """members: (name, data) or (TarInfo, data)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as tar:
        for name, data in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        size = tar.offset
    return out.getvalue() if ends else out.getvalue()[:size]


def told(path, filetype=None):
    parts, _, status = walk(path, filetype)
    return [(name, size, digest) for _, name, size, digest in parts], status


def wanted(members):
    return [(os.fsencode(name), len(data), sha256(data)) for name, data in members]


def compare(path, members, status="done", filetype=POSIX):
    actual = told(path, filetype)
    return actual == (wanted(members), status) or f"{path}: {actual}"[:600]


def set_field(header, at, value):
    """A header with another field, and the checksum that goes with it."""
    block = bytearray(header[:512])
    block[at:at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + header[512:]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


SAMPLES = [("one", b"first"), ("empty", b""), ("dir/two", bytes(range(256)) * 40),
           ("a/" * 60 + "long name " + "x" * 80, b"long"), ("block", b"b" * 512)]


@tap.case("members of all three formats are those that Python wrote")
def _():
    for name, tar_format in FORMATS.items():
        answer = compare(write(f"{name}.tar", make_tar(SAMPLES, tar_format)), SAMPLES)
        if answer is not True:
            return answer


@tap.case("names that only pax records or GNU's long names can hold")
def _():
    odd = [("x" * 300, b"1"), ("d/" * 200 + "e", b"2"), ("\u00e4\u4e2d", b"3")]
    for name in ("gnu", "pax"):
        answer = compare(write("odd.tar", make_tar(odd, FORMATS[name])), odd)
        if answer is not True:
            return f"{name}: {answer}"


@tap.case("archives of GNU tar in every format, as GNU tar lists them")
def _():
    if not has("tar"):
        raise Skip("tar is not installed")
    os.makedirs("tree/sub", exist_ok=True)
    write("tree/a", b"a" * 700)
    write("tree/sub/b", b"b")
    os.symlink("a", "tree/link")
    os.link("tree/a", "tree/twin")
    for name in ("v7", "oldgnu", "gnu", "ustar", "pax", "posix"):
        run("tar", f"--format={name}", "--sort=name", "-cf", f"{name}.tar", "tree")
        answer = compare(f"{name}.tar", [("tree/a", b"a" * 700), ("tree/sub/b", b"b")],
                         filetype=OLD if name == "v7" else POSIX)
        if answer is not True:
            return answer


@tap.case("sparse members of all four kinds come out whole")
def _():
    draw = random.Random(1)
    with open("sparse", "wb") as file:
        for _ in range(40):  # more pieces than stand in one header
            file.seek(draw.randrange(1, 8) * 16384, os.SEEK_CUR)
            file.write(draw.randbytes(draw.randrange(1, 5000)))
        file.truncate(file.tell() + 300_000)
    plain = pathlib.Path("sparse").read_bytes()
    for options in (["--format=gnu"], *(["--format=pax", f"--sparse-version={v}"]
                                        for v in ("0.0", "0.1", "1.0"))):
        run("tar", *options, "-S", "-cf", "sparse.tar", "sparse")
        if os.stat("sparse.tar").st_size > 400_000:
            raise Skip("no holes in files here")
        answer = compare("sparse.tar", [("sparse", plain)])
        if answer is not True:
            return f"{options}: {answer}"


@tap.case("behind a damaged header the members are told that follow")
def _():
    data = bytearray(make_tar([("one", b"1" * 600), ("two", b"2" * 600), ("three", b"3")]))
    data[1536 + 150] ^= 1
    return compare(write("bad.tar", bytes(data)), [("one", b"1" * 600), ("three", b"3")], "damaged")


@tap.case("a member that breaks off is told as far as it goes")
def _():
    data = make_tar([("one", b"1" * 5000)])[:2000]
    return compare(write("cut.tar", data), [("one", b"1" * (2000 - 512))], "damaged")


@tap.case("an archive behind the end of another is read")
def _():
    data = make_tar([("one", b"1")]) + make_tar([("two", b"2")])
    return compare(write("two.tar", data), [("one", b"1"), ("two", b"2")])


@tap.case("where records and header differ in size both files are told, and both ways on")
def _():
    inner = make_tar([("inner", b"i" * 100)], ends=False)
    info = tarfile.TarInfo("outer")
    info.pax_headers = {"size": str(len(inner))}
    data = bytearray(make_tar([(info, inner), ("last", b"l")], tarfile.PAX_FORMAT))
    at = data.index(b"outer")  # behind the records
    data = bytes(data[:at]) + set_field(bytes(data[at:]), 124, b"%011o\0" % 0)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == ["outer", "last"]
    return compare(write("differ.tar", data),
                   [("outer", inner), ("inner", b"i" * 100), ("last", b"l")])


@tap.case("a directory or a link with data hides none of it")
def _():
    for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
        data = set_field(make_tar([("odd", b"o" * 700), ("last", b"l")]), 156, kind)
        answer = compare(write("kind.tar", data), [("odd", b"o" * 700), ("last", b"l")], "damaged")
        if answer is not True:
            return f"{kind}: {answer}"
    data = make_tar([("first", b"f")], ends=False)
    # A link that keeps the size of its file, and has no data.
    link = set_field(make_tar([("link", b"")], ends=False), 124, b"%011o\0" % 700)
    return compare(write("kind.tar", set_field(link, 156, b"1") + data), [("first", b"f")])


@tap.case("sizes in binary, sums of signed bytes")
def _():
    data = set_field(make_tar([("big", b"b" * 600), ("last", b"l")]), 124,
                     b"\x80" + (600).to_bytes(11, "big"))
    answer = compare(write("binary.tar", data), [("big", b"b" * 600), ("last", b"l")])
    if answer is not True:
        return answer
    data = bytearray(make_tar([("\u00e4", b"1")], tarfile.GNU_FORMAT))
    total = sum(b if b < 128 else b - 256 for b in data[:148] + b" " * 8 + data[156:512])
    data[148:156] = b"%06o\0 " % total
    return compare(write("signed.tar", bytes(data)), [("\u00e4", b"1")])


@tap.case("a million members cost bounded time and are limited")
def _():
    empty = make_tar([("e", b"")], ends=False)
    record = scan(write("empty.tar", empty * 190_000))
    full = make_tar([("f", b"some bytes")], ends=False)
    limited = scan(write("full.tar", full * 90_000))
    return (record["verdict"], limited["verdict"], limited.get("limit")) == \
        ("clean", "limited", "max-files") or f"{record} {limited}"


@tap.case("a hole of much is limited, never clean")
def _():
    with open("hole", "wb") as file:
        file.truncate(1 << 33)
    run("tar", "--format=gnu", "-S", "-cf", "hole.tar", "hole")
    record = scan("hole.tar", "--max-filesize=1M")
    return record["verdict"] == "limited" or str(record)


@tap.case("EICAR is found, at its place")
def _():
    plain = [("a", b"a"), ("dir/eicar", EICAR)]
    for name, tar_format in FORMATS.items():
        answer = finds_eicar(write(f"{name}.tar", make_tar(plain, tar_format)), "!dir/eicar")
        if answer is not True:
            return answer
    nested = make_tar([("inner.tar", make_tar(plain))])
    return finds_eicar(write("nested.tar", nested), "!dir/eicar")


tap.run()
