#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What programs carry: resources, overlays, resources of .NET. TAP."""
import bz2
import gzip
import io
import lzma
import pathlib
import struct
import subprocess
import sys
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "walk"), str(HERE / "format")]
import forge_icon  # noqa: E402
import forge_ole  # noqa: E402
import forge_parts as forge  # noqa: E402
from members import EICAR, Tap, finds_eicar, first_of, needs, scan, sha256, walk  # noqa: E402

tap = Tap()
OBJECT = forge_ole.compound({"Contents": b"object " * 30})
LINUX = b"\x7fELF\2\1\1".ljust(64, b"\0")


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def told(path):
    return [(name.decode(), digest) for _, name, _, digest in walk(path, "CL_TYPE_MSEXE")[0]]


def expect(parts):
    return [(name, sha256(data)) for name, data in parts]


def archive(data, name="file.txt"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("inner.txt", data)
    return out.getvalue()


CARRIED = [gzip.compress(b"a" * 99), bz2.compress(b"b" * 99), lzma.compress(b"c" * 99), OBJECT,
           LINUX, archive(b"d" * 99)]


@tap.case("resources are told when they are looked into or programs, by type and name")
def _():
    ordinary = {3: {1: [b"icon" * 20]}, 24: {1: [b"<?xml version=\"1.0\"?><assembly/>"]},
                6: {7: [b"\4\0t\0e\0x\0t\0"]}, 2: {9: [b"(\0\0\0" + bytes(60)]}}
    path = write("plain.exe", forge_icon.program_of(ordinary))
    if told(path):
        return f"ordinary: {told(path)}"
    ordinary[10] = {100 + i: [data] for i, data in enumerate(CARRIED)}
    path = write("carries.exe", forge_icon.program_of(ordinary))
    wanted = [(f"rsrc/10/{100 + i}", data) for i, data in enumerate(CARRIED)]
    return told(path) == expect(wanted) or str(told(path))


@tap.case("what the search for marks finds is not told again")
def _():
    inner = forge.plain()
    far = bytearray(forge.plain() + bytes(900))  # a DOS program of 700 bytes in front
    far[700:700 + 0x380] = inner[0x80:0x400]
    far[60:64] = struct.pack("<I", 700)
    marked = {10: {1: [zipped(b"x" * 50)], 2: [inner], 3: [b"%PDF-1.4\n" + b"x" * 90],
                   4: [bytes(far)]}}
    path = write("marked.exe", forge_icon.program_of(marked))
    names = [name for name, _ in told(path)]
    if names != ["rsrc/10/4"]:
        return str(names)
    record = scan(write("zip.exe", forge_icon.program_of({10: {1: [zipped(EICAR)]}})),
                  "--all-matches")
    places = [d["path_inside"] for d in record["detections"] if "EICAR" in d["rule"]]
    return places == ["zip.exe!inner.txt"] or str(record)


@tap.case("tables that name one part many times tell it once")
def _():
    data = bytearray(forge_icon.program_of({10: {n: [OBJECT] for n in range(1, 20)}}))
    entries = [at for at in range(0x400, len(data) - 16, 4)
               if data[at + 4:at + 8] == struct.pack("<I", len(OBJECT)) and not any(data[at + 8:at + 16])]
    for at in entries:
        data[at:at + 4] = data[entries[0]:entries[0] + 4]
    path = write("twice.exe", bytes(data))
    return (len(entries) == 19 and len(told(path)) == 1) or f"{len(entries)} {told(path)}"


@tap.case("what stands behind the sections, also behind zeros and certificates")
def _():
    for i, data in enumerate(CARRIED):
        for program in (forge.plain(), forge.plain() + bytes(77), forge.plain(raw_bytes=0x1f8),
                        forge.signed(b"")):
            path = write(f"overlay{i}.exe", program + data)
            if told(path) != expect([("overlay", data)]):
                return f"{i}: {told(path)}"
    return told(write("other.exe", forge.plain() + b"nothing special")) == []


@tap.case("resources of .NET, and what stands in their files")
def _():
    items = {"first": (0x20, CARRIED[0]), "text": (1, b"\4text"), "stream": (0x21, OBJECT),
             "own": (0x40, b"\0\1"), "other": (0x20, b"nothing special")}
    path = write("net.exe", forge.assembly([CARRIED[2], b"text", forge.values(items), LINUX]))
    wanted = [("net/0", CARRIED[2]), ("net/2/first", CARRIED[0]), ("net/2/stream", OBJECT),
              ("net/3", LINUX)]
    return told(path) == expect(wanted) or str(walk(path, "CL_TYPE_MSEXE"))


@tap.case("resources as Mono's compiler writes them")
def _():
    needs("mcs")
    write("a.cs", b"class A { static void Main() {} }\n")
    write("a.gz", CARRIED[0])
    write("b.txt", b"text")
    write("c.resources", forge.values({"first": (0x20, CARRIED[1])}))
    subprocess.run(["mcs", "-out:mono.exe", "-resource:a.gz", "-resource:b.txt",
                    "-resource:c.resources", "a.cs"], check=True, capture_output=True, timeout=120)
    wanted = [("net/0", CARRIED[0]), ("net/2/first", CARRIED[1])]
    return told("mono.exe") == expect(wanted) or str(told("mono.exe"))


@tap.case("resources as binutils write them, with names that are texts")
def _():
    tools = ["x86_64-w64-mingw32-windres", "x86_64-w64-mingw32-ld"]
    needs(*tools)
    write("part.gz", CARRIED[0])
    write("part.ole", OBJECT)
    write("part.rc", b'PART OBJECTS "part.ole"\n101 RCDATA "part.gz"\n')
    plain = ["--preprocessor=gcc", *(f"--preprocessor-arg={a}" for a in ("-E", "-xc", "-DRC_INVOKED"))]
    for command in ([tools[0], *plain, "part.rc", "part.o"],  # its own compiler may not be there
                    [tools[1], "-shared", "-e", "0", "-o", "part.dll", "part.o"]):
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    wanted = expect([("rsrc/OBJECTS/PART", OBJECT), ("rsrc/10/101", CARRIED[0])])
    return sorted(told("part.dll")) == sorted(wanted) or str(told("part.dll"))


@tap.case("tables that are cut, or lead nowhere")
def _():
    whole = forge_icon.program_of({10: {n: [OBJECT] for n in range(1, 4)}})
    net = forge.assembly([OBJECT, forge.values({"a": (0x20, OBJECT)})])
    for data in (whole, net):
        for size in (0x100, 0x401, 0x420, 0x470, 0x500, len(data) - 700):
            walk(write("cut.exe", data[:size]), "CL_TYPE_MSEXE")
        for at in range(0x400, 0x480):
            changed = bytearray(data)
            changed[at] ^= 0xFF
            walk(write("odd.exe", bytes(changed)), "CL_TYPE_MSEXE")


@tap.case("EICAR is found in a resource, behind a program and in a resource of .NET")
def _():
    packed = gzip.compress(EICAR)
    files = [(forge_icon.program_of({10: {101: [packed]}}), "rsrc/10/101"),
             (forge.plain() + packed, "overlay"),
             (forge.plain() + archive(EICAR), "file.txt"),
             (forge.signed(b"") + lzma.compress(EICAR), "overlay"),
             (forge.assembly([forge.values({"data": (0x20, packed)})]), "net/0/data")]
    return first_of(finds_eicar(write(f"eicar{i}.exe", data), inside)
                    for i, (data, inside) in enumerate(files))


tap.run()
