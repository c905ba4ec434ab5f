#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""EGG archives, as our own writer makes them, held against clamscan. TAP."""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_alzip as forge  # noqa: E402
from beside import clamscan_names, overt_names, write  # noqa: E402
from members import EICAR, Tap, finds_eicar, first_of, needs, scan, sha256, walk  # noqa: E402

tap = Tap()
ENCRYPTED = 1
METHODS = (0, 1, 2, 4)
TEXT = b"some words to be packed, some words and 1234567890. " * 30
FILES = {"text.txt": TEXT, "noise.bin": random.Random(1).randbytes(40_000), "empty": b"",
         "folder/\ud55c.bin": bytes(70_000)}
ENCRYPTION, COMMENT = 0x08d1470f, 0x04c63672


def expect(path, files, facts=0, status="done"):
    told, told_facts, told_status = walk(path)
    actual = [(name.decode(), digest) for _, name, _, digest in told]
    wanted = [(name, sha256(data)) for name, data in dict(files).items()]
    return (actual == wanted and (told_facts, told_status) == (facts, status)) or \
        f"{path}: {[(n, s) for _, n, s, _ in told]} {told_facts} {told_status}"


@tap.case("files of all methods, in one block or many")
def _():
    return first_of(
        expect(write("m.egg", forge.egg(FILES, method=method, block_bytes=size)), FILES)
        for method in METHODS for size in (1 << 20, 7000))


@tap.case("files of a solid archive that share their blocks, or do not")
def _():
    solid = forge.egg_start(forge.field(0x24e5a060, b""))
    headers = b"".join(forge.egg_header(name.encode(), len(data)) for name, data in FILES.items())
    blocks = forge.egg_blocks(b"".join(FILES.values()), block_bytes=30_000)
    return first_of([
        expect(write("solid.egg", solid + headers + blocks + forge.EGG_END), FILES),
        expect(write("not.egg", forge.egg(FILES, fields=forge.field(0x24e5a060, b""))), FILES),
    ])


@tap.case("names in another character set or below another file; comments; unknown fields")
def _():
    more = forge.field(COMMENT, b"of the file") + forge.field(0x12345678, b"?" * 9, 1)
    made = forge.egg_start(forge.field(0x24e5a060, b"")) + \
        forge.egg_file(b"\xb5\x03name", TEXT, more=more, name_flags=8) + \
        forge.egg_file(b"\xb5\x03\x07\0\0\0child", b"2", name_flags=0x18) + \
        forge.field(COMMENT, b"of the archive") + forge.field(COMMENT, b"secret", 4) + forge.EGG_END
    told, _, status = walk(write("names.egg", made))
    wanted = [(b"name", sha256(TEXT)), (b"", sha256(b"of the file")), (b"child", sha256(b"2")),
              (b"", sha256(b"of the archive"))]
    return ([(n, d) for _, n, _, d in told] == wanted and status == "done") or f"{told} {status}"


@tap.case("encrypted files are told, and that they are, with sizes of both kinds")
def _():
    def check(extra):
        header = bytearray(forge.field(ENCRYPTION, bytes(21)))
        header[5] += extra
        made = forge.egg_start() + forge.egg_file(b"secret", TEXT, more=bytes(header)) + \
            forge.egg_file(b"plain", TEXT) + forge.EGG_END
        return expect(write("e.egg", made), {"secret": b"", "plain": TEXT}, ENCRYPTED)
    return first_of(check(extra) for extra in (0, 7))


@tap.case("what follows a broken header is found, and what breaks off told")
def _():
    one, two = forge.egg_file(b"one", b"1" * 50), forge.egg_file(b"two", TEXT, 0)
    hurt = bytearray(forge.egg_start() + one + two + forge.EGG_END)
    hurt[len(forge.egg_start())] ^= 0xff
    cut = forge.egg_start() + one + two[:-500]
    other = forge.egg_start() + forge.egg_file(b"azo", TEXT, 3) + one + forge.EGG_END
    return first_of([
        finds_last(write("hurt.egg", bytes(hurt))),
        expect(write("cut.egg", cut), {"one": b"1" * 50, "two": TEXT[:-500]}, status="damaged"),
        expect(write("azo.egg", other), {"azo": b"", "one": b"1" * 50}, status="not supported"),
        expect(write("more.egg", forge.egg({"a": TEXT}) + b"more"), {"a": TEXT}),
    ])


def finds_last(path):
    told, _, status = walk(path)
    return ((told[-1][1], told[-1][3]) == (b"two", sha256(TEXT)) and status == "damaged") or \
        f"{told} {status}"


@tap.case("EICAR is found in every method, and behind a program")
def _():
    files = {"text.txt": TEXT, "e.com": EICAR}
    write("sfx.egg", TEXT + forge.egg(files))
    return first_of([
        *(finds_eicar(write("f.egg", forge.egg(files, method=method)), "!e.com")
          for method in METHODS),
        finds_eicar("sfx.egg", "!e.com"),
    ])


@tap.case("what unpacks to much is limited, never clean")
def _():
    path = write("bomb.egg", forge.egg({"zeros": bytes(9_000_000)}))
    record = scan(path, "--max-filesize=1M")
    return (record["verdict"], record.get("limit")) == ("limited", "max-filesize") or str(record)


@tap.case("clamscan finds the same names in the same files")
def _():
    needs("clamscan")
    word = b"\1\2EGGLAYERWORD\0\3"
    rules = write("word.ndb", f"Found:0:*:{word.hex()}\n")
    for method in (0, 1, 2):
        path = write("c.egg", forge.egg({"a": TEXT, "w": TEXT + word + TEXT}, method=method))
        ours, theirs = overt_names(path, rules), clamscan_names(path, rules)
        if ours != theirs or not ours:
            return f"{method}: overt {ours}, clamscan {theirs}"


@tap.case("clamscan says the same of encrypted archives, of the kind that it reads")
def _():
    needs("clamscan")
    rules = write("none.ndb", "Nothing:0:*:0102030405060708\n")
    header = bytearray(forge.field(ENCRYPTION, b"\1" + bytes(20)))
    header[5] += 7
    path = write("x.egg", forge.egg_start() + forge.egg_file(b"s", TEXT, more=bytes(header)) +
                 forge.EGG_END)
    ours = overt_names(path, rules, "--alert-encrypted")
    theirs = clamscan_names(path, rules, "--alert-encrypted")
    return ours == theirs == ["Heuristics.Encrypted.EGG"] or f"{ours} {theirs}"


@tap.case("mutated and shortened copies neither crash nor hang")
def _():
    chance = random.Random(7)
    files = {"a": TEXT, "b": chance.randbytes(300)}
    for method in METHODS:
        data = forge.egg(files, method=method, comment=b"word", block_bytes=500)
        for _ in range(60):
            copy = bytearray(data[:chance.randrange(4, len(data) + 1)])
            for _ in range(chance.randrange(1, 6)):
                copy[chance.randrange(len(copy))] = chance.choice((0, 1, 0x7f, 0xff))
            walk(write("mutated.egg", bytes(copy)), "CL_TYPE_EGG")


tap.run()
