#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hangul documents of all kinds, and CryptFF, beside clamscan. TAP."""
import io
import pathlib
import random
import struct
import subprocess
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_hwp as forge  # noqa: E402
import forge_ole  # noqa: E402
from members import EICAR, Tap, finds_eicar, first_of, needs, sha256, walk  # noqa: E402

tap = Tap()
ENCRYPTED = 1
draw = random.Random(11)
SECTION = b"section " * 300
BINARY = draw.randbytes(9000)
OBJECT = forge_ole.compound({"Contents": b"object " * 30})


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def told(path):
    return [(name, digest) for kind, name, _, digest in walk(path)[0] if kind == "member"]


def expect(parts):
    return [(name, sha256(data)) for name, data in parts]


def streams(flags=1, bodies=None, pack=forge.deflate):
    """Streams of an HWP 5 document of {path: plain bytes}."""
    out = {"FileHeader": forge.header(flags), "PrvText": b"preview"}
    out.update({path: pack(data) for path, data in (bodies or {}).items()})
    return out


BODIES = {"DocInfo": b"info" * 99, "BodyText/Section0": SECTION, "BinData/BIN0001.jpg": BINARY,
          "BinData/BIN0002.OLE": struct.pack("<I", len(OBJECT)) + OBJECT,
          "Scripts/DefaultJScript": b"v\0a\0r\0"}


@tap.case("streams of HWP 5 are unpacked, by their paths")
def _():
    path = write("five.hwp", forge_ole.compound(streams(1, BODIES)))
    wanted = dict(expect([(b"FileHeader", forge.header(1)), (b"PrvText", b"preview")]
                         + [(name.encode(), data) for name, data in BODIES.items()]))
    return (dict(told(path)) == wanted and walk(path)[1:] == (0, "done")) or str(walk(path))


@tap.case("HWP 5 that is not packed, or locked, keeps its streams")
def _():
    plain = write("plain.hwp", forge_ole.compound(streams(0, BODIES, bytes)))
    if dict(told(plain))[b"BodyText/Section0"] != sha256(SECTION):
        return "not packed"
    locked = write("locked.hwp", forge_ole.compound(streams(3, BODIES)))
    if dict(told(locked))[b"DocInfo"] != sha256(forge.deflate(BODIES["DocInfo"])):
        return "locked"
    return walk(locked)[1] == ENCRYPTED


@tap.case("what says that it is packed and is not, is told as it is; what breaks off, as far as it goes")
def _():
    parts = streams(1, BODIES)
    parts["BinData/BIN0001.jpg"] = b"\xff\xd8\xff\xe0" + BINARY
    parts["BodyText/Section0"] = parts["BodyText/Section0"][:-4]
    path = write("odd.hwp", forge_ole.compound(parts))
    members = told(path)
    if (b"BinData/BIN0001.jpg", sha256(b"\xff\xd8\xff\xe0" + BINARY)) not in members:
        return f"picture: {members}"
    sizes = [size for _, name, size, _ in walk(path)[0] if name == b"BodyText/Section0"]
    return (len(sizes) == 2 and sizes[0] > 2000 and walk(path)[2] == "damaged") or str(sizes)


@tap.case("HWP 5 for distribution is decrypted")
def _():
    needs("openssl")
    for seed in (0, 5, 0xDEADBEEF):
        parts = streams(5, BODIES)
        parts["ViewText/Section0"] = forge.hide(forge.deflate(SECTION), seed, b"0123456789abcdef")
        path = write("view.hwp", forge_ole.compound(parts))
        if dict(told(path))[b"ViewText/Section0"] != sha256(SECTION) or walk(path)[2] != "done":
            return f"{seed}: {walk(path)}"


def blocks3():
    wrapped = struct.pack("<I", len(OBJECT)) + OBJECT
    blocks = [forge.picture(b"a.jpg", BINARY), struct.pack("<I", 5), forge.block(2, wrapped),
              forge.block(4, b"screen"), forge.links([b"first", b"second"]),
              forge.background(b"back.bmp", b"background"), forge.block(77, b"unknown")]
    parts = [(b"a.jpg", BINARY), (b"", wrapped), (b"link", b"first".ljust(325, b"\0")),
             (b"link", b"second".ljust(325, b"\0")), (b"back.bmp", b"background"),
             (b"", b"unknown")]
    return blocks, parts


@tap.case("what is attached to HWP 3, behind all kinds of text, packed or not")
def _():
    blocks, parts = blocks3()
    body = forge.body3(blocks)
    packed = write("three.hwp", forge.hwp3(body))
    plain = write("three_plain.hwp", forge.hwp3(body, False))
    if told(packed) != expect(parts + [(b"body", body)]) or walk(packed)[1:] != (0, "done"):
        return f"packed: {walk(packed)}"
    return (told(plain) == expect(parts) and walk(plain)[2] == "done") or f"plain: {walk(plain)}"


@tap.case("HWP 3 that cannot be read: objects by their magic; locked; broken off")
def _():
    blocks, _ = blocks3()
    broken = forge.body3(blocks, b"\xff" * 50)
    path = write("broken.hwp", forge.hwp3(broken))
    at = broken.index(OBJECT[:8])
    if told(path) != expect([(b"", broken[at:]), (b"body", broken)]) or walk(path)[2] != "damaged":
        return str(walk(path))
    locked = write("locked3.hwp", forge.hwp3(b"x" * 99, False, True))
    if walk(locked) != ([], ENCRYPTED, "done"):
        return str(walk(locked))
    whole = forge.hwp3(forge.body3(blocks))
    for size in (40, 1166, 1180, 2000, len(whole) - 500):
        walk(write("cut.hwp", whole[:size]))


@tap.case("an object behind its size")
def _():
    path = write("object.bin", struct.pack("<I", len(OBJECT)) + OBJECT)
    return told(path) == expect([(b"", OBJECT)]) or str(walk(path))


@tap.case("files and scripts of HWPML")
def _():
    source = b"if (a &lt; b &amp;&amp; &#65;&#x42; &nix; &) {}"
    plain = b"if (a < b && AB &nix; &) {}"
    document = forge.hwpml([(1, BINARY, True), (2, OBJECT, False)], [source])
    path = write("document.hml", document)
    wanted = expect([(b"1", BINARY), (b"2", OBJECT), (b"SCRIPTSOURCE", plain)])
    if told(path) != wanted or walk(path)[1:] != (0, "done"):
        return str(walk(path))
    bare = write("bare.hml", forge.hwpml([(1, EICAR, True)], mark=b""))
    return finds_eicar(bare)


def cryptff(data):
    return b"\xb6\xb9\xac\xae\xfe".ljust(16, b"\xff") + bytes(byte ^ 255 for byte in data)


@tap.case("CryptFF")
def _():
    path = write("hidden.ff", cryptff(OBJECT))
    return told(path) == expect([(b"", OBJECT)]) or str(walk(path))


def hwpx(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/hwp+zip")
        archive.writestr("Contents/content.hpf", "<opf/>")
        archive.writestr("BinData/image1.bmp", data)
    return out.getvalue()


def eicar_files():
    wrapped = forge_ole.compound({"Contents": EICAR})
    wrapped = struct.pack("<I", len(wrapped)) + wrapped
    five = forge_ole.compound(streams(1, {"BinData/BIN0001.OLE": wrapped, "DocInfo": b"i" * 50}))
    picture = forge_ole.compound(streams(1, {"BinData/BIN0001.jpg": EICAR, "DocInfo": b"i" * 50}))
    return {
        "eicar5.hwp": (picture, "BIN0001.jpg"),
        "eicar5o.hwp": (five, "Contents"),
        "eicar3.hwp": (forge.hwp3(forge.body3([forge.picture(b"p.jpg", EICAR)])), "p.jpg"),
        "eicar3p.hwp": (forge.hwp3(forge.body3([forge.picture(b"p.jpg", EICAR)]), False), "p.jpg"),
        "eicar3o.hwp": (forge.hwp3(forge.body3([forge.block(2, wrapped)])), "Contents"),
        "eicar.hml": (forge.hwpml([(1, EICAR, True)]), "1"),
        "script.hml": (forge.hwpml([], [EICAR]), "SCRIPTSOURCE"),
        "eicar.ff": (cryptff(EICAR), None),
        "eicar.hwpx": (hwpx(EICAR), "image1.bmp"),
    }


@tap.case("EICAR is found in all of them")
def _():
    return first_of(finds_eicar(write(name, data), inside)
                    for name, (data, inside) in eicar_files().items())


@tap.case("clamscan finds it in the same places")
def _():
    needs("clamscan")
    # Anchored at the start: only the part as an object of its own has it there.
    write("start.ndb", b"Eicar:0:0:" + EICAR[:20].hex().encode() + b"\n")
    files = eicar_files()
    del files["eicar.hml"]  # clamscan 1.4 cannot open its own temporary file there, and says so
    for name, (data, _) in files.items():
        done = subprocess.run(["clamscan", "--no-summary", "-d", "start.ndb", write(name, data)],
                              capture_output=True, timeout=120, check=False)
        if b"Eicar.UNOFFICIAL FOUND" not in done.stdout:
            return f"{name}: {done.stdout} {done.stderr}"


tap.run()
