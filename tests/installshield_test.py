#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installers of InstallShield, as our own writer makes them, beside unshield; those of Debian's
clamav-testfiles, beside unshield and clamscan. TAP."""
import pathlib
import random
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_shield as forge  # noqa: E402
from beside import clamscan_names, overt_names  # noqa: E402
from members import (BUILD, EICAR, Skip, Tap, finds_eicar, first_of, needs, scan, sha256,  # noqa: E402
                     walk)

SAMPLES = pathlib.Path("/usr/share/clamav-testfiles")
STREAM, SHIELD = "CL_TYPE_ISHIELD_MSI", "installshield"
tap = Tap()
FILES = {
    "text.txt": b"some text that repeats itself\r\n" * 9000,
    "noise.bin": random.Random(5).randbytes(150_000),
    "eicar.com": EICAR,
    "runs.bin": bytes(70_000) + b"\xff" * 1000 + b"ab" * 3000,
    "small.bin": random.Random(6).randbytes(60_000),
}
KINDS = [
    {"version": 5},
    {"version": 6},
    {"version": 9},
    {"version": 12},
    {"version": 17},
    {"version": 9, "flags": 0},
    {"version": 5, "flags": forge.PACKED | forge.SCRAMBLED},
    {"version": 9, "flags": forge.PACKED | forge.SCRAMBLED},
    {"version": 9, "volume_bytes": 60_000},
    {"version": 5, "volume_bytes": 75_500},  # unshield reads no last file that is split there
    {"version": 9, "volume_bytes": 45_000, "flags": forge.PACKED | forge.SCRAMBLED},
    {"version": 12, "volume_bytes": 100_000, "flags": 0},
]


def write(path, data):
    pathlib.Path(path).write_bytes(data)
    return path


def digests(files):
    return {name: sha256(data) for name, data in files.items()}


def told(path, kind):
    parts, _, status = walk(path, kind)
    return {name.decode(): digest for _, name, _, digest in parts}, status


def installer(cabinet, more=None):
    return forge.program() + forge.plain_files({**cabinet.files(), **(more or {})})


@tap.case("files of cabinets of every version, in every number of volumes")
def _():
    def check(kind):
        cabinet = forge.Cabinet(FILES, **kind)
        parts, status = told(write("cab.exe", installer(cabinet, {"setup.ini": b"[x]"})), SHIELD)
        wanted = digests({**FILES, **cabinet.files(), "setup.ini": b"[x]"})
        return (parts == wanted and status == "done") or f"{kind}: {parts} {status}"
    return first_of(check(kind) for kind in KINDS)


@tap.case("unshield extracts the same files")
def _():
    needs("unshield")

    def check(kind):
        shutil.rmtree("cab", ignore_errors=True)
        pathlib.Path("cab/out").mkdir(parents=True)
        for name, data in forge.Cabinet(FILES, **kind).files().items():
            write(f"cab/{name}", data)
        done = subprocess.run(["unshield", "-d", "out", "x", "data1.hdr"], cwd="cab", timeout=60,
                              capture_output=True, text=True, check=False)
        files = {file.name: sha256(file.read_bytes()) for file in pathlib.Path("cab/out").rglob("*")
                 if file.is_file()}
        return files == digests(FILES) or f"{kind}: {done.stdout[-300:]}"
    return first_of(check(kind) for kind in KINDS)


@tap.case("a stream as old versions wrote it; a cabinet that holds its own header")
def _():
    cabinet = forge.Cabinet(FILES, version=5, pack=forge.in_stream)
    parts, status = told(write("old.exe", installer(cabinet)), SHIELD)
    if not digests(FILES).items() <= parts.items() or status != "done":
        return f"{parts} {status}"
    for version in (5, 9):
        whole = forge.Cabinet(FILES, version=version).whole()
        parts, status = told(write("whole.cab", whole), SHIELD)
        if parts != digests(FILES) or status != "done":
            return f"{version}: {parts} {status}"
    return finds_eicar("whole.cab", "!eicar.com")


@tap.case("names in UTF-16 before plain files, and a path to debug information")
def _():
    files = {"a.txt": b"first", "b.txt": b"second", "\u00e9.com": EICAR}
    made = forge.program() + b"NB10" + bytes(12) + b"C:\\setup.pdb\0"
    parts, status = told(write("wide.exe", made + forge.plain_files(files, True)), SHIELD)
    if parts != digests(files) or status != "done":
        return f"{parts} {status}"
    return finds_eicar("wide.exe", "!\u00e9.com")


@tap.case("scrambled files of both kinds, packed or not")
def _():
    def check(made, kind):
        parts, status = told(write("stream.bin", made), STREAM)
        return (parts == digests(FILES) and status == "done") or f"{kind}: {parts} {status}"
    kinds = [{"flags": flags, "is_packed": is_packed, "version": version}
             for flags in (0, 2, 4, 6) for is_packed in (True, False) for version in (0, 3, 4)]
    return first_of(check(forge.stream(FILES, **kind), kind) for kind in kinds)


@tap.case("cabinets among scrambled files")
def _():
    cabinet = forge.Cabinet(FILES, volume_bytes=60_000)
    for version in (0, 3):
        parts, status = told(write("both.bin", forge.stream(cabinet.files(), version=version)),
                             STREAM)
        if parts != digests({**FILES, **cabinet.files()}) or status != "done":
            return f"{parts} {status}"


@tap.case("EICAR is found behind a program, in a cabinet or scrambled")
def _():
    cabinet = forge.Cabinet(FILES, version=9, volume_bytes=60_000)
    write("cab.exe", installer(cabinet))
    write("msi.exe", forge.program() + forge.stream(FILES))
    write("new.exe", forge.program() + forge.stream(FILES, version=3))
    return first_of([finds_eicar("cab.exe", "eicar.com"), finds_eicar("msi.exe", "eicar.com"),
                     finds_eicar("new.exe", "eicar.com")])


@tap.case("what is cut off is told as far as it goes")
def _():
    made = forge.stream(FILES)
    parts, status = told(write("cut.bin", made[:-100]), STREAM)
    if len(parts) != len(FILES) or status == "done":
        return f"{parts} {status}"
    cabinet = forge.Cabinet({"eicar.com": EICAR, **FILES})
    files = cabinet.files()
    made = forge.program() + forge.plain_files(files)
    write("cut.exe", made[:-len(files["data1.cab"]) // 2])
    record = scan("cut.exe")
    return record["verdict"] == "found" or f"{record}"


@tap.case("a header without its volumes, and volumes without a header")
def _():
    files = forge.Cabinet(FILES).files()
    for missing in ("data1.cab", "data1.hdr"):
        rest = {name: data for name, data in files.items() if name != missing}
        parts, _ = told(write("part.exe", forge.program() + forge.plain_files(rest)), SHIELD)
        if parts != digests(rest):
            return f"{missing}: {parts}"


def samples():
    found = sorted(SAMPLES.glob("clam_IS*.exe"))
    if not found:
        raise Skip("clamav-testfiles is not installed")
    return found


@tap.case("what InstallShield made: the program is in it")
def _():
    paths = samples()
    program = sha256((SAMPLES / "clam.exe").read_bytes())
    for path in paths:
        if "IScab" in path.name:
            parts, status = told(path, SHIELD)
            if parts.get("clam.exe") != program or status != "done":
                return f"{path}: {parts} {status}"


@tap.case("what InstallShield made: unshield extracts the same files")
def _():
    needs("unshield")
    for path in samples():
        if "IScab" not in path.name:
            continue
        shutil.rmtree("made", ignore_errors=True)
        pathlib.Path("made/parts").mkdir(parents=True)
        subprocess.run([BUILD / "tests/members", "-x", "made/parts", path, SHIELD], check=True,
                       capture_output=True, timeout=60)
        names = [name.decode() for _, name, _, _ in walk(path, SHIELD)[0]]
        parts = {name: (pathlib.Path("made/parts") / str(i)).read_bytes()
                 for i, name in enumerate(names, 1)}
        for name in names[-3:]:
            write(f"made/{name}", parts[name])
        subprocess.run(["unshield", "-d", "out", "x", "data1.hdr"], cwd="made", timeout=60,
                       capture_output=True, check=False)
        theirs = {sha256(file.read_bytes()) for file in pathlib.Path("made/out").rglob("*")
                  if file.is_file() and file.stat().st_size > 0}
        if not theirs or not theirs <= set(digests(parts).values()):
            return f"{path}: {len(theirs)} files, we told {names}"


@tap.case("clamscan asks rules on members about the same files")
def _():
    needs("clamscan")
    write("names.cdb", "A:CL_TYPE_MSEXE:*:^clam\\.exe$:544:544:*:*:*:*\n"
                       "B:*:*:^setup\\.in.$:*:*:*:*:*:*\nC:*:*:^data1\\.hdr$:*:*:*:*:*:*\n"
                       "D:*:*:^0x0409\\.ini$:*:*:*:*:*:*\n".encode())
    for path in samples():
        if path.name == "clam_IScab_int.exe":
            continue  # for clamscan, files in cabinets have no names
        ours = overt_names(path, "names.cdb", "--all-matches")
        theirs = clamscan_names(path, "names.cdb", "--allmatch")
        if ours != theirs or ("IScab" in path.name) != bool(ours):
            return f"{path}: overt {ours}, clamscan {theirs}"


@tap.case("mutated and shortened copies neither crash nor hang")
def _():
    chance = random.Random(7)
    small = {"a.txt": b"text " * 300, "eicar.com": EICAR, "b.bin": chance.randbytes(3000)}
    bases = [(forge.program() + forge.plain_files(forge.Cabinet(small, **kind).files()), SHIELD)
             for kind in ({"version": 5}, {"volume_bytes": 2000}, {"version": 17})]
    bases += [(forge.stream(small, version=version), STREAM) for version in (0, 3)]
    for data, kind in bases:
        for _ in range(60):
            copy = bytearray(data[:chance.randrange(1, len(data) + 1)])
            for _ in range(chance.randrange(1, 9)):
                copy[chance.randrange(len(copy))] = chance.choice((0, 1, 0x7f, 0xff))
            walk(write("mutated", bytes(copy)), kind)  # raises when it dies or takes too long


@tap.case("a bomb ends at the limit")
def _():
    bomb = forge.Cabinet({"zeros": bytes(120_000_000)})
    record = scan(write("bomb.exe", installer(bomb)), "--max-filesize=20M")
    return record["limit"] is not None or f"{record}"


tap.run()
