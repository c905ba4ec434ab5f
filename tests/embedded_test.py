#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files inside others that no container tells of, beside clamscan where it is installed. TAP."""
import bz2
import gzip
import hashlib
import io
import pathlib
import random
import struct
import subprocess
import sys
import tarfile
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, Skip, Tap, finds_eicar, has, scan  # noqa: E402

tap = Tap()
RULE = "Test.Eicar:0:*:" + EICAR[:40].hex()


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def make_zip(names=("inner.txt",), plain=EICAR):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, plain)
    return out.getvalue()


def make_pe(mark, overlay=b"", lfanew=128):
    """A PE with one section that holds `mark`: headers as linkers write them, nothing that runs."""
    optional = struct.pack("<HBB9I6H4IHH6I", 0x10b, 14, 0, 512, 0, 0, 4096, 4096, 4096, 0x400000,
                           4096, 512, 6, 0, 0, 0, 6, 0, 0, 8192, 512, 0, 3, 0, 1 << 20, 4096,
                           1 << 20, 4096, 0, 16) + bytes(128)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x14c, 1, 0, 0, 0, len(optional), 0x102)
    section = b".text\0\0\0" + struct.pack("<6IHHI", 512, 4096, 512, 512, 0, 0, 0, 0, 0x60000020)
    head = b"MZ" + bytes(58) + struct.pack("<I", lfanew)
    head = head.ljust(lfanew, b"\0") + coff + optional + section
    return head.ljust(512, b"\0") + mark.ljust(512, b"\x90") + overlay


def make_tar(plain):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("plain")
        info.size = len(plain)
        archive.addfile(info, io.BytesIO(plain))
    return out.getvalue()


HOSTS = {
    "elf": pathlib.Path("/bin/true").read_bytes(),
    "pe": make_pe(b"host"),
    "gif": b"GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9",
    "png": b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0" + bytes(40),
    "text": b"hello world, a text\n" * 100,
    "binary": random.Random(1).randbytes(3000),
    "bzip2": bz2.compress(b"hello" * 100),
    "html": b"<html><p>Hello</p></html>" + b"words " * 300,
    "rtf": b"{\\rtf1 hello}",
    "gzip": gzip.compress(b"hello" * 100),
}
NOT_IN = {"gzip"}
OVERT_ALONE = {"html"}  # clamscan does not look at the bytes of a page


def clamscan(path):
    write("eicar.ndb", RULE.encode() + b"\n")
    done = subprocess.run(["clamscan", "-d", "eicar.ndb", "--no-summary", path],
                          capture_output=True, timeout=60, check=False)
    return done.returncode == 1


@tap.case("a ZIP behind other files is found, where clamscan finds it")
def _():
    for name, host in HOSTS.items():
        found = finds_eicar(write(f"zip-in-{name}", host + make_zip())) is True
        if found == (name in NOT_IN):
            return f"{name}: {found}"


@tap.case("clamscan says the same")
def _():
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    for name, host in HOSTS.items():
        if clamscan(write(f"zip-in-{name}", host + make_zip())) == (name in NOT_IN | OVERT_ALONE):
            return name


@tap.case("several ZIPs, with many members and a comment, are found each")
def _():
    clean = make_zip([f"clean{n}" for n in range(300)], b"nothing")
    with_comment = clean[:-2] + struct.pack("<H", 9) + b"a comment"
    stored = make_zip(["stored.zip"], make_zip())
    for middle in (b"", with_comment, clean * 3, b"PK\3\4" * 50):
        answer = finds_eicar(write("several", HOSTS["elf"] + middle + stored), "inner.txt")
        if answer is not True:
            return answer


@tap.case("a ZIP whose end is missing is found too")
def _():
    return finds_eicar(write("cut", HOSTS["elf"] + make_zip()[:-40]))


@tap.case("a PE in a PE is an object of its own, which ends where its headers say")
def _():
    inner = make_pe(b"the inner program")
    digest = hashlib.md5(inner, usedforsecurity=False).hexdigest()
    write("inner.hdb", f"{digest}:{len(inner)}:Test.Inner\n".encode())
    for name, host, is_found in (("pe", make_pe(b"outer"), True),
                                 ("pe-resource", make_pe(b"x") + bytes(1000), True),
                                 ("text", HOSTS["text"], False), ("elf", HOSTS["elf"], False)):
        path = write(f"pe-in-{name}", host + inner + b"behind it" * 50)
        told = scan(path, "--rules", "inner.hdb")
        if (told["verdict"] == "found") != is_found:
            return f"{name}: {told}"


@tap.case("what only looks like headers is no object")
def _():
    digest = hashlib.md5(b"MZ" + bytes(100), usedforsecurity=False).hexdigest()
    write("fake.hdb", f"{digest}:102:Test.Fake\n".encode())
    marks = [b"PE\0\0", b"PK\3\4", b"Rar!\x1a\7\0", b"7z\xbc\xaf\x27\x1c", b"MSCF\0\0\0\0",
             b"\x60\xea", b"EGGA\0\1", b"%PDF-", b"\1CD001", b"\0BEA01", b"koly"]
    data = make_pe(b"host") + b"".join(mark + bytes(n) for mark in marks for n in range(60))
    done = scan(write("marks", data), "--rules", "fake.hdb", "--max-files", "1")
    return done["verdict"] == "clean" or str(done)


@tap.case("an archive in a file inside an archive is found, but not searched for twice")
def _():
    inner = write("deep", gzip.compress(HOSTS["jpeg"] + make_zip()))
    answer = finds_eicar(inner, "inner.txt")
    if answer is not True:
        return answer
    # A tar's members are told by its walker; its own bytes are not searched.
    path = write("tar", make_tar(HOSTS["jpeg"] + make_zip(["clean"], b"nothing")))
    done = scan(path, "--max-files", "4")
    return done["verdict"] == "clean" or str(done)


tap.run()
