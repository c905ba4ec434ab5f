#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packed PE programs: what is unpacked is what clamscan unpacks, and hostile ones end. TAP."""
import hashlib
import io
import lzma
import pathlib
import random
import struct
import subprocess
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_crypters  # noqa: E402
import forge_packers as forge  # noqa: E402
from members import BUILD, EICAR, SOURCE, Tap, finds_eicar, needs, scan, walk  # noqa: E402

tap = Tap()
FOLDER = pathlib.Path("/usr/share/clamav-testfiles")
STUB_END = 0xd0  # our DOS program has another text than clamscan's
PLAIN = lzma.decompress((SOURCE / "tests/corpus/upx/mid32.exe.xz").read_bytes())[:0x3000]
BODY = PLAIN[0x400:]  # without headers, which UPX would be taken to have kept
FORGED = {"aspack212": forge.aspack(PLAIN, 0x1234, "2.12"),
          "aspack22": forge.aspack(PLAIN, 0x1234, "2.2", (2, 3, 3, 3, 3, 3, 4, 4)),
          "aspack242": forge.aspack(PLAIN, 0x1234, "2.42"),
          "fsg131": forge.fsg13(PLAIN, 0x1234, "1.31"),
          "fsg133": forge.fsg13(PLAIN, 0x1234, "1.33"),
          "fsg200": forge.fsg200(PLAIN, 0x1234),
          "mew": forge.mew(PLAIN, 0x1234, "aplib"),
          "mew_lzma": forge.mew(PLAIN, 0x1234, "lzma"),
          "mew_lzma_calls": forge.mew(PLAIN, 0x1234, "lzma_calls"),
          "petite21": forge.petite(PLAIN, 0x1234, "2.1"),
          "petite22": forge.petite(PLAIN, 0x1234, "2.2"),
          "petite22_jumps": forge.petite(PLAIN, 0x1234, "2.2", True),
          "upx": forge.upx(BODY, 0),
          "upx21": forge.upx(BODY, 21),
          **forge_crypters.all_kinds(PLAIN, 0x1234)}
SAMPLES = ["clam-aspack.exe", "clam-fsg.exe", "clam-mew.exe", "clam-pespin.exe", "clam-petite.exe",
           "clam-upack.exe", "clam-upx.exe", "clam-wwpack.exe", "clam-yc.exe"]


def prepare():
    for name, data in FORGED.items():
        pathlib.Path(name).write_bytes(data)
    return sorted(FORGED)


def samples():
    """The forged programs, and those of Debian's clamav-testfiles where they are installed."""
    return prepare() + [FOLDER / name for name in SAMPLES if (FOLDER / name).is_file()]


def unpack(path):
    """What the walker tells of a program, as bytes."""
    folder = pathlib.Path(f"{pathlib.Path(path).name}.parts")
    folder.mkdir(exist_ok=True)
    subprocess.run([BUILD / "tests/members", "-x", folder, path, "CL_TYPE_MSEXE"], check=True,
                   capture_output=True, timeout=60)
    return [part.read_bytes() for part in sorted(folder.iterdir())]


def clamscan_unpacks(path):
    """The files that clamscan makes of a program."""
    folder = pathlib.Path(f"{pathlib.Path(path).name}.clamscan")
    folder.mkdir(exist_ok=True)
    pathlib.Path("none.hdb").write_text(f"{'0' * 32}:1:None\n")
    subprocess.run(["clamscan", "--leave-temps", f"--tempdir={folder}", "-d", "none.hdb", path],
                   check=False, capture_output=True, timeout=60)
    return [part.read_bytes() for part in folder.rglob("*") if part.is_file()]


def entry(file):
    headers_at = struct.unpack_from("<I", file, 60)[0]
    return struct.unpack_from("<I", file, headers_at + 40)[0]


@tap.case("what was packed is there again")
def _():
    for name in prepare():
        parts = unpack(name)
        count = 2 if name == "yc_other" else 1  # its entry point is not where clamscan looks
        plain = BODY if "upx" in name else PLAIN
        if len(parts) != count or any(plain not in part for part in parts):
            return f"{name}: {[len(part) for part in parts]}"
        old = 0x1000 if "upx" in name else forge_crypters.CLAMSCAN_ENTRIES.get(name, 0x1234)
        if entry(parts[-1]) != old:
            return f"{name}: another entry point"


@tap.case("UPX: original headers that leave most of the program out hide nothing")
def _():
    headers = bytearray(PLAIN)
    lfanew = struct.unpack_from("<I", headers, 60)[0]
    struct.pack_into("<H", headers, lfanew + 6, 1)  # one section, without bytes in the file
    struct.pack_into("<I", headers, lfanew + 24 + 224 + 16, 0)
    pathlib.Path("hidden.exe").write_bytes(forge.upx(BODY + bytes(headers[:0x400]), 0))
    parts = unpack("hidden.exe")
    return any(BODY in part for part in parts) or f"{[len(part) for part in parts]}"


def without_made_up(part, name):
    """A file without the DOS program and without the tables that clamscan's LZMA of MEW leaves."""
    tables = range(0x7200, 0x7200 + 0x6e6c) if "lzma" in str(name) else range(0)
    return part[STUB_END:tables.start or STUB_END] + part[tables.stop or STUB_END:]


@tap.case("clamscan puts the same file together, but for the DOS program in it")
def _():
    needs("clamscan")
    for name in samples():
        if pathlib.Path(name).name in ("clam-upx.exe", "clam-fsg.exe", "fsg131", "upack_wide_old"):
            continue  # the original, not packed at all, clamscan's check never holds, it cuts it off
        theirs = {without_made_up(part, name) for part in clamscan_unpacks(name)}
        ours = {without_made_up(part, name) for part in unpack(name)}
        more = 1 if "clam-yc" in str(name) else 0  # its entry point is not where clamscan looks
        if len(ours & theirs) != 1 or len(ours) != 1 + more:
            return f"{name}: {[len(x) for x in ours]} and {[len(x) for x in theirs]}"


def rules_of(file):
    """Rules for a program that was put together: its last section by hash, its entry point."""
    lfanew = struct.unpack_from("<I", file, 60)[0]
    count = struct.unpack_from("<H", file, lfanew + 6)[0]
    rows = [struct.unpack_from("<4I", file, lfanew + 256 + 40 * i) for i in range(count)]
    _, _, size, at = rows[-1]
    entry_at = next(at + entry(file) - address for _, address, size, at in rows
                    if address <= entry(file) < address + size)
    digest = hashlib.md5(file[at:at + size]).hexdigest()
    pathlib.Path("own.mdb").write_text(f"{size}:{digest}:Test.Section\n")
    code = file[entry_at:entry_at + 24].hex()
    pathlib.Path("own.ndb").write_text(f"Test.Entry:1:EP+0:{code}\n")


@tap.case("rules for sections and entry points of what was put together, as clamscan finds them")
def _():
    needs("clamscan")
    for name in ("aspack212", "fsg133", "fsg200", "mew", "petite22", "upx21"):
        prepare()
        rules_of(unpack(name)[0])
        for rules, wanted in (("own.mdb", "Test.Section"), ("own.ndb", "Test.Entry")):
            ours = {d["rule"] for d in scan(name, "--rules", rules)["detections"]}
            theirs = subprocess.run(["clamscan", "--no-summary", "-d", rules, name], check=False,
                                    capture_output=True, timeout=60, text=True).stdout
            if not any(wanted in rule for rule in ours) or wanted not in theirs:
                return f"{name}, {rules}: {ours} and {theirs}"


@tap.case("EICAR in a packed program is found there")
def _():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eicar.com", EICAR)
    plain = PLAIN[0x400:-0x400] + packed.getvalue()
    plain = plain.ljust(len(PLAIN), b"\0")
    kinds = forge_crypters.all_kinds(plain, 0x1234)
    kinds["fsg200"] = forge.fsg200(plain, 0x1234)
    for name in ("fsg200", "nspack", "pespin", "upack_wide", "wwpack", "yc_v13"):
        pathlib.Path("eicar.exe").write_bytes(kinds[name])
        answer = finds_eicar("eicar.exe", "eicar.com")
        if answer is not True:
            return f"{name}: {answer}"


@tap.case("nothing that was put together counts as broken")
def _():
    for name in samples():
        found = scan(name, "--alert-broken")["detections"]
        if found:
            return f"{name}: {found}"


@tap.case("cut ones and changed ones end")
def _():
    chance = random.Random(1)
    for name in samples():
        data = pathlib.Path(name).read_bytes()
        for round_ in range(30):
            changed = bytearray(data[:chance.randrange(len(data))] if round_ % 3 == 0 else data)
            for _ in range(chance.randrange(8) if changed else 0):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            pathlib.Path("changed").write_bytes(changed)
            walk("changed", "CL_TYPE_MSEXE")


tap.run()
