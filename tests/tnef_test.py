#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TNEF ("winmail.dat"), held against the programs tnef and ytnef, and clamscan. TAP."""
import os
import pathlib
import random
import subprocess
import sys
from email.message import EmailMessage

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_tnef as forge  # noqa: E402
from beside import clamscan_names, overt_names  # noqa: E402
from members import EICAR, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
draw = random.Random(9)
FILES = {b"one.bin": draw.randbytes(1), b"two words.exe": draw.randbytes(5000),
         b"text.txt": b"some words\r\n" * 30}


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def make_all():
    return forge.tnef(*[forge.attach(name, data) for name, data in FILES.items()])


def list_pairs(path):
    return [(name, digest) for _, name, _, digest in walk(path)[0]]


@tap.case("attachments have their names and bytes")
def _():
    path = write("all.tnef", make_all())
    expected = [(name, sha256(data)) for name, data in FILES.items()]
    return list_pairs(path) == expected or str(list_pairs(path))


def compare_with(program, command):
    if not has(program):
        raise Skip(f"{program} is not installed")
    path = os.path.abspath(write("beside.tnef", make_all()))
    folder = pathlib.Path(program)
    folder.mkdir(exist_ok=True)
    subprocess.run([*command, path], cwd=folder, capture_output=True, timeout=60, check=False)
    theirs = sorted(sha256(file.read_bytes()) for file in folder.iterdir())
    ours = sorted(digest for _, digest in list_pairs(path))
    return theirs == ours or f"{len(theirs)} files of {program}, {len(ours)} of ours"


@tap.case("the program tnef unpacks the same files")
def _():
    return compare_with("tnef", ["tnef", "-f"])


@tap.case("the program ytnef unpacks the same files")
def _():
    return compare_with("ytnef", ["ytnef", "-f", "."])


@tap.case("bodies are told: text, HTML, RTF; properties with names are passed over")
def _():
    named = forge.prop(forge.STRING, 0x8005, b"x\0", (bytes(16), "some name"))
    numbered = forge.prop(forge.LONG, 0x8006, 7, (bytes(16), 9))
    message = forge.properties(forge.prop(forge.LONG, 0x0E08, 5), named, numbered,
                               forge.prop(forge.STRING, 0x1000, b"hello"),
                               forge.prop(forge.BINARY, 0x1013, b"<html>hi</html>"),
                               forge.prop(forge.BINARY, 0x1009, forge.plain_rtf(b"{\\rtf1 hi}")))
    path = write("bodies.tnef", forge.tnef(forge.attribute(forge.BODY, b"short\0", 1),
                                           forge.attribute(forge.MESSAGE, message, 1)))
    expected = [(b"body", sha256(b"short\0")), (b"body", sha256(b"hello")),
                (b"body.html", sha256(b"<html>hi</html>")),
                (b"body.rtf", sha256(b"{\\rtf1 hi}"))]
    return list_pairs(path) == expected or str(list_pairs(path))


@tap.case("a message inside is TNEF again, other objects are themselves")
def _():
    inner = forge.tnef(forge.attach(b"inner.com", EICAR))
    rows = {"message": bytes(range(16)) + inner, "other": bytes(16) + b"object" * 9}
    for name, value in rows.items():
        data = forge.properties(forge.prop(forge.OBJECT, 0x3701, value))
        path = write(f"{name}.tnef", forge.tnef(
            forge.attribute(forge.RENDERING, bytes(14)),
            forge.attribute(forge.TITLE, b"object\0"),
            forge.attribute(forge.ATTACHMENT, data)))
        expected = inner if name == "message" else value
        if list_pairs(path) != [(b"object", sha256(expected))]:
            return f"{name}: {list_pairs(path)}"
    return finds_eicar("message.tnef", "!inner.com")


@tap.case("long names are read from the properties where there is no title")
def _():
    data = forge.properties(forge.prop(forge.STRING, 0x3707, b"a long name.exe\0"))
    path = write("long.tnef", forge.tnef(forge.attribute(forge.RENDERING, bytes(14)),
                                         forge.attribute(forge.DATA, b"bytes" * 9),
                                         forge.attribute(forge.ATTACHMENT, data)))
    pairs = list_pairs(path)
    return len(pairs) == 1 and pairs[0][0].startswith(b"a long name.exe") or str(pairs)


@tap.case("an attachment that breaks off is told, as far as it goes")
def _():
    whole = forge.tnef(forge.attach(b"cut.exe", b"x" * 1000))
    for kept in (10, 500, 990):
        path = write("cut.tnef", whole[:-1002 + kept])
        parts, _, status = walk(path)
        if (parts[0][1], parts[0][2], status) != (b"cut.exe", kept, "damaged"):
            return str((kept, parts, status))


@tap.case("EICAR is found in it, also in a mail, by clamscan as well")
def _():
    path = write("eicar.tnef", forge.tnef(forge.attach(b"eicar.com", EICAR)))
    answer = finds_eicar(path, "!eicar.com")
    if answer is not True:
        return answer
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "tnef", "a@example.org"
    mail.set_content("see winmail.dat")
    mail.add_attachment(pathlib.Path(path).read_bytes(), maintype="application",
                        subtype="ms-tnef", filename="winmail.dat")
    answer = finds_eicar(write("tnef.eml", mail.as_bytes()), "!eicar.com")
    if answer is not True:
        return answer
    rules = write("eicar.ndb", f"Tnef-Test:0:0:{EICAR.hex()}\n".encode())
    ours, theirs = overt_names("tnef.eml", rules), clamscan_names("tnef.eml", rules)
    return ours == theirs or f"{ours} {theirs}"


tap.run()
