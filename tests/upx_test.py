#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs packed by UPX give the program as it was before. TAP."""
import lzma
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import SOURCE, Skip, Tap, scan, sha256, walk  # noqa: E402

tap = Tap()
CORPUS = SOURCE / "tests/corpus/upx"
TYPES = {".exe": "CL_TYPE_MSEXE", ".elf": "CL_TYPE_ELF"}
PACKED = sorted(path for path in CORPUS.iterdir() if "-" in path.name)


def original(path):
    name = path.name.split("-")[0] + path.suffix
    return lzma.decompress((CORPUS / f"{name}.xz").read_bytes())


def wipe(path):
    """The file without the marks by which UPX knows its own."""
    data = bytearray(path.read_bytes())
    for mark in (b"UPX!", b"UPX0", b"UPX1", b"UPX2"):
        at = data.find(mark)
        while at >= 0:
            data[at:at + 4] = b"abcd"
            at = data.find(mark, at + 1)
    return bytes(data)


@tap.case("each method gives the original, to the byte")
def _():
    for path in PACKED:
        parts, _, status = walk(path, TYPES[path.suffix])
        plain = original(path)
        if parts != [("member", b"", len(plain), sha256(plain))] or status != "done":
            return f"{path.name}: {parts} {status}"
    return len(PACKED) >= 10 or f"{len(PACKED)} samples"


@tap.case("also without the marks of UPX")
def _():
    for path in PACKED:
        pathlib.Path("wiped").write_bytes(wipe(path))
        parts, _, _ = walk("wiped", TYPES[path.suffix])
        if [part[3] for part in parts] != [sha256(original(path))]:
            return f"{path.name}: {parts}"


@tap.case("PE: also when all that UPX noted is gone, but for filtered calls")
def _():
    for path in PACKED:
        if path.suffix != ".exe":
            continue
        data, plain = bytearray(path.read_bytes()), original(path)
        at = data.find(b"UPX!")
        data[at:at + 32] = bytes(32)
        pathlib.Path("noteless.exe").write_bytes(data)
        parts, _, _ = walk("noteless.exe", "CL_TYPE_MSEXE")
        if len(parts) != 1 or parts[0][2] != len(plain):
            return f"{path.name}: {parts}"


@tap.case("PE: also when a wrong size is noted")
def _():
    for path in PACKED:
        if path.suffix != ".exe" or "lzma" in path.name:
            continue
        data = bytearray(path.read_bytes())
        at = data.find(b"UPX!")
        data[at + 12:at + 16] = bytes([16, 0, 0, 0])
        pathlib.Path("small.exe").write_bytes(data)
        parts, _, _ = walk("small.exe", "CL_TYPE_MSEXE")
        if [part[3] for part in parts] != [sha256(original(path))]:
            return f"{path.name}: {parts}"


@tap.case("what breaks off gives what came before, or nothing")
def _():
    for path in PACKED:
        data = path.read_bytes()
        for size in (len(data) - 1500, len(data) // 2, 600):
            pathlib.Path("cut").write_bytes(data[:size])
            walk("cut", TYPES[path.suffix])  # ends, and says so


@tap.case("a program that is not packed holds nothing")
def _():
    for path in PACKED:
        pathlib.Path("plain").write_bytes(original(path))
        parts, _, status = walk("plain", TYPES[path.suffix])
        if parts or status != "done":
            return f"{path.name}: {parts} {status}"
    return walk("/bin/true", "CL_TYPE_ELF")[0] == []


@tap.case("a rule for the original finds it in the packed one")
def _():
    for path in PACKED:
        plain = original(path)
        at = plain.index(b"alpha")
        text = plain[at:at + 200]
        if text in path.read_bytes():
            return f"{path.name}: the text is there already"
        target = 1 if path.suffix == ".exe" else 6
        pathlib.Path("text.ndb").write_text(f"Test.Text:{target}:*:{text.hex()}\n")
        told = scan(path, "--rules", "text.ndb")
        inside = [d["path_inside"].rsplit("!")[-1] for d in told["detections"]]
        if inside != ["#1"]:
            return f"{path.name}: {told}"


@tap.case("what upx packs here is unpacked")
def _():
    if shutil.which("upx") is None:
        raise Skip("upx is not installed")
    plain = pathlib.Path("/bin/true").read_bytes()
    for method in ("nrv2b", "nrv2d", "nrv2e", "lzma"):
        subprocess.run(["upx", "-qqq", "-f", f"--{method}", "-o", method, "/bin/true"], check=True,
                       timeout=60)
        parts, _, status = walk(method, "CL_TYPE_ELF")
        if [part[3] for part in parts] != [sha256(plain)]:
            return f"{method}: {parts} {status}"


tap.run()
