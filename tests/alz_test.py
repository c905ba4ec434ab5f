#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ALZ archives, as our own writer makes them, held against unalz, unar and clamscan. TAP."""
import pathlib
import random
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_alzip as forge  # noqa: E402
from beside import clamscan_names, overt_names, write  # noqa: E402
from members import EICAR, Tap, finds_eicar, first_of, needs, scan, sha256, walk  # noqa: E402

tap = Tap()
ENCRYPTED = 1
METHODS = (forge.STORED, forge.BZIP2, forge.DEFLATE, "bz2")
TEXT = b"some words to be packed, some words and 1234567890. " * 30
FILES = {"text.txt": TEXT, "noise.bin": random.Random(1).randbytes(40_000), "one": b"1",
         "same.bin": bytes(70_000), "empty": b""}


def expect(path, files, facts=0, status="done"):
    told, told_facts, told_status = walk(path)
    actual = {name.decode(): digest for _, name, _, digest in told}
    wanted = {name: sha256(data) for name, data in files.items()}
    return (actual == wanted and len(told) == len(wanted) and
            (told_facts, told_status) == (facts, status)) or \
        f"{path}: {[(n, s) for _, n, s, _ in told]} {told_facts} {told_status}"


@tap.case("files of all methods, with sizes in any number of bytes")
def _():
    small = {"a": TEXT[:90], "b": b"1"}
    return first_of([
        *(expect(write("m.alz", forge.alz(FILES, method=method)), FILES) for method in METHODS),
        *(expect(write("s.alz", forge.alz(small, method=forge.STORED, size_bytes=size)), small)
          for size in (1, 2, 3, 4, 8)),
    ])


@tap.case("bzip2 in several blocks")
def _():
    large = {"large.bin": bytes(random.Random(2).choices(range(7), k=2_000_000))}
    return expect(write("large.alz", forge.alz(large, method=forge.BZIP2)), large)


def extract(program, *options):
    shutil.rmtree("out", ignore_errors=True)
    pathlib.Path("out").mkdir()
    subprocess.run([program, *options], capture_output=True, timeout=60, check=False)
    return {file.name: file.read_bytes() for file in pathlib.Path("out").rglob("*")
            if file.is_file()}


@tap.case("unalz extracts the same files")
def _():
    needs("unalz")
    for method in (forge.STORED, forge.DEFLATE):
        write("u.alz", forge.alz(FILES, method=method))
        if extract("unalz", "-d", "out", "u.alz") != FILES:
            return f"{method}"
    # Debian builds it with a libbz2 that looks for a sum at a block's end, where there is none: the
    # last bytes of a block are not written.
    for name in ("noise.bin", "same.bin"):
        data = FILES[name]
        write("u.alz", forge.alz({name: data}, method=forge.BZIP2))
        told = extract("unalz", "-d", "out", "u.alz")[name]
        if len(told) + 8192 < len(data) or not data.startswith(told):
            return f"{name}: {len(told)}"


@tap.case("unar extracts the same files")
def _():
    needs("unar")
    for method in (forge.STORED, forge.DEFLATE, "bz2"):
        write("v.alz", forge.alz(FILES, method=method))
        if extract("unar", "-q", "-D", "-o", "out", "v.alz") != FILES:
            return f"{method}"


@tap.case("encrypted files are told, and that they are; folders are not")
def _():
    made = forge.ALZ_START + forge.alz_file(b"secret", TEXT, flags=1) + \
        forge.alz_file(b"folder/", b"", size_bytes=0, attribute=0x10) + \
        forge.alz_file(b"plain", TEXT) + forge.ALZ_END
    return expect(write("e.alz", made), {"secret": b"", "plain": TEXT}, ENCRYPTED)


@tap.case("what follows a broken header is found, and what breaks off told")
def _():
    one, two = forge.alz_file(b"one", b"1" * 50), forge.alz_file(b"two", TEXT, forge.STORED)
    hurt = bytearray(forge.ALZ_START + one + two + forge.ALZ_END)
    hurt[len(forge.ALZ_START)] ^= 0xff
    cut = forge.ALZ_START + one + two[:-500]
    other = bytearray(two)
    other[13] = 9  # the method
    return first_of([
        expect(write("hurt.alz", bytes(hurt)), {"two": TEXT}, status="damaged"),
        expect(write("cut.alz", cut), {"one": b"1" * 50, "two": TEXT[:-500]}, status="damaged"),
        expect(write("m9.alz", forge.ALZ_START + bytes(other) + forge.ALZ_END), {"two": b""},
               status="not supported"),
    ])


@tap.case("EICAR is found in every method, and its path told")
def _():
    files = {"text.txt": TEXT, "e.com": EICAR}
    return first_of(finds_eicar(write("f.alz", forge.alz(files, method=method)), "!e.com")
                    for method in METHODS)


@tap.case("what unpacks to much is limited, never clean")
def _():
    path = write("bomb.alz", forge.alz({"zeros": bytes(3_000_000)}))
    record = scan(path, "--max-filesize=1M")
    return (record["verdict"], record.get("limit")) == ("limited", "max-filesize") or str(record)


@tap.case("clamscan finds the same names in the same files")
def _():
    needs("clamscan")
    word = b"\1\2ALZLAYERWORD\0\3"
    rules = write("word.ndb", f"Found:0:*:{word.hex()}\n")
    for method in (forge.STORED, forge.DEFLATE, "bz2"):
        path = write("c.alz", forge.alz({"a": TEXT, "w": TEXT + word + TEXT}, method=method))
        ours, theirs = overt_names(path, rules), clamscan_names(path, rules)
        if ours != theirs or not ours:
            return f"{method}: overt {ours}, clamscan {theirs}"


@tap.case("mutated and shortened copies neither crash nor hang")
def _():
    chance = random.Random(7)
    files = {"a": TEXT, "b": chance.randbytes(300)}
    for method in METHODS:
        data = forge.alz(files, method=method)
        for _ in range(60):
            copy = bytearray(data[:chance.randrange(4, len(data) + 1)])
            for _ in range(chance.randrange(1, 6)):
                copy[chance.randrange(len(copy))] = chance.choice((0, 1, 0x7f, 0xff))
            walk(write("mutated.alz", bytes(copy)), "CL_TYPE_ALZ")


tap.run()
