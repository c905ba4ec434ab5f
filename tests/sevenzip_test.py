#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""7z archives, held against 7z. TAP."""
import os
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, overt_names  # noqa: E402
from members import EICAR, Skip, Tap, finds_eicar, has, scan, sha256, walk  # noqa: E402

tap = Tap()
ENCRYPTED = 1  # bit of OV_FACT_ENCRYPTED
FILES = {"a.txt": b"first\n", "dir/b.bin": random.Random(1).randbytes(70_000),
         "dir/\u00e4\u4e2d.txt": b"a name that is not ASCII" * 50, "empty": b""}
METHODS = ["-m0=LZMA", "-m0=LZMA2", "-m0=PPMd", "-m0=BZip2", "-m0=Deflate", "-m0=Copy",
           "-m0=Delta:4 -m1=LZMA2", "-mf=BCJ2", "-mf=BCJ", "-ms=off", "-mhc=off"]


def needs_7z():
    if not has("7z"):
        raise Skip("7z is not installed")


def pack(name, files, *options):
    needs_7z()
    for path, data in files.items():
        where = pathlib.Path("tree", path)
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(data)
    pathlib.Path(name).unlink(missing_ok=True)
    subprocess.run(["7z", "a", "-bd", *options, f"../{name}", *files], cwd="tree", check=True,
                   capture_output=True, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8"})
    return name


def told(path):
    parts, facts, status = walk(path)
    return sorted((name, size, digest) for _, name, size, digest in parts), facts, status


def wanted(files):
    return sorted((name.encode(), len(data), sha256(data)) for name, data in files.items())


@tap.case("archives of all methods hold the files that were put in")
def _():
    for method in METHODS:
        path = pack("methods.7z", FILES, *method.split())
        if told(path) != (wanted(FILES), 0, "done"):
            return f"{method}: {told(path)}"


@tap.case("programs come out whole of the filters for programs")
def _():
    plain = pathlib.Path(sys.executable).resolve().read_bytes()[:3_000_000]
    for method in ("-mf=BCJ2", "-mf=BCJ", "-m0=ARM -m1=LZMA2"):
        path = pack("filter.7z", {"program": plain}, *method.split())
        if told(path)[0] != wanted({"program": plain}):
            return f"{method}: {told(path)}"


@tap.case("what is encrypted is noted, and the rest is read")
def _():
    path = pack("secret.7z", {"a.txt": b"first\n"}, "-psecret")
    parts, facts, _ = told(path)
    if facts != ENCRYPTED or [(name, size) for name, size, _ in parts] != [(b"a.txt", 0)]:
        return f"data: {parts} {facts}"
    parts, facts, _ = told(pack("headers.7z", {"a.txt": b"first\n"}, "-psecret", "-mhe=on"))
    return (parts, facts) == ([], ENCRYPTED) or f"headers: {parts} {facts}"


@tap.case("an archive that breaks off is damaged, and no error")
def _():
    data = pathlib.Path(pack("whole.7z", FILES)).read_bytes()
    for size in range(20, len(data), len(data) // 30):
        pathlib.Path("cut.7z").write_bytes(data[:size])
        if told("cut.7z")[2] != "damaged":
            return f"{size}: {told('cut.7z')}"


@tap.case("much from little is limited, never clean, in bounded time")
def _():
    path = pack("bomb.7z", {"zeros": b"\0" * 300_000_000}, "-mx=1")
    pathlib.Path("tree/zeros").unlink()
    record = scan(path, "--max-filesize=10M")
    return (record["verdict"], record["limit"]) == ("limited", "max-filesize") or str(record)


@tap.case("EICAR is found, at its place, solid or not")
def _():
    for options in ([], ["-ms=off"], ["-m0=PPMd"]):
        path = pack("eicar.7z", {"a.txt": b"first", "dir/eicar.com": EICAR}, *options)
        answer = finds_eicar(path, "!dir/eicar.com")
        if answer is not True:
            return answer


@tap.case("clamscan tells the same names")
def _():
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    plain = b"some harmless bytes to be found"
    pathlib.Path("rules.hsb").write_text(f"{sha256(plain)}:{len(plain)}:Test.Member:73\n")
    path = pack("names.7z", {"m": plain})
    both = overt_names(path, "rules.hsb"), clamscan_names(path, "rules.hsb")
    return both[0] == both[1] and len(both[0]) == 1 or str(both)


tap.run()
