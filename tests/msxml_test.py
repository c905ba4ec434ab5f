#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Office documents of 2003 as XML, and XDP. TAP."""
import base64
import pathlib
import random
import subprocess
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_ole  # noqa: E402
from members import EICAR, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
PICTURE = random.Random(8).randbytes(30_001)


def write(name, data):
    pathlib.Path(name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return name


def word(*files):
    """A WordML document with (name, bytes) of files."""
    out = ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
           '<?mso-application progid="Word.Document"?>\n'
           '<w:wordDocument xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml">'
           "<!-- <w:binData>bm8=</w:binData> --><w:body>")
    for name, data in files:
        text = base64.encodebytes(data).decode()
        out += f'<w:pict><w:binData w:name = "{name}" w:t=\'a>b\'>{text}</w:binData></w:pict>'
    return out + "</w:body></w:wordDocument>"


def xdp(*files):
    out = ('<?xml version="1.0"?>\n<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"><config/>'
           '<pdf xmlns="http://ns.adobe.com/xdp/pdf/"><document>')
    for data in files:
        out += f"<chunk>{base64.b64encode(data).decode()}</chunk>"
    return out + "</document></pdf></xdp:xdp>"


def members(path):
    return [(name, digest) for _, name, _, digest in walk(path, filetype(path))[0]]


def filetype(path):
    return "CL_TYPE_XDP" if path.endswith(".xdp") else None


@tap.case("the files in a document, of all lengths modulo three")
def _():
    files = [("wordml://1.png", PICTURE), ("b", b"b"), ("c", b"cc"), ("d", b"ddd"), ("e", b"e" * 4)]
    wanted = [(name.encode(), sha256(data)) for name, data in files]
    told = members(write("word.xml", word(*files)))
    return told == wanted or str(told)


@tap.case("text in pieces, in CDATA and between other tags, is one file")
def _():
    text = base64.b64encode(PICTURE).decode()
    pieces = f"{text[:11]}<!-- x -->{text[11:500]}<![CDATA[{text[500:900]}]]><br/>{text[900:]}"
    document = word().replace("</w:body>", f"<binData>{pieces}</binData></w:body>")
    return members(write("pieces.xml", document)) == [(b"", sha256(PICTURE))]


@tap.case("ActiveMime is unpacked, and its macros are found")
def _():
    project = forge_ole.compound(forge_ole.vba_project({"M": b'Attribute VB_Name = "M"\r\n'}))
    mime = b"ActiveMime\0\0\1\xf0\4\0\0\0\xff\xff\xff\xff\0\0\x07\xf0" + bytes(4)
    mime = mime.ljust(46, b"\0") + b"\4\0\0\0" + zlib.compress(project)
    told = members(write("macro.xml", word(("editdata.mso", mime))))
    return [digest for _, digest in told] == [sha256(mime), sha256(project)] or str(told)


@tap.case("a document that breaks off gives what came before")
def _():
    whole = word(("a", b"first"), ("b", PICTURE))
    told = walk(write("cut.xml", whole[:len(whole) // 2]))[0]
    sizes = [size for _, _, size, _ in told]
    return (sizes[0] == 5 and 10_000 < sizes[1] < 30_000) or str(sizes)


@tap.case("chunks of an XDP document")
def _():
    told = members(write("form.xdp", xdp(b"%PDF-1.4 a", b"not a PDF", b"%PDF-1.5 b")))
    return [digest for _, digest in told] == [sha256(data) for data in (
        b"%PDF-1.4 a", b"not a PDF", b"%PDF-1.5 b")] or str(told)


@tap.case("EICAR is found in all of them, and a rule tells them by the names that clamscan uses")
def _():
    workbook = word(("x", EICAR)).replace("w:wordDocument", "Workbook").replace("Word.D", "Excel.S")
    samples = {"eicar.doc": (word(("eicar.com", EICAR)), "CL_TYPE_XML_WORD"),
               "eicar.xls": (workbook, "CL_TYPE_XML_XL"),
               "eicar.xdp": (xdp(b"%PDF-1.4", EICAR), "CL_TYPE_XDP")}
    for path, (data, _) in samples.items():
        answer = finds_eicar(write(path, data))
        if answer is not True:
            return answer
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    for path, (_, kind) in samples.items():
        if path == "eicar.xdp":
            continue  # clamscan 1.4 knows the type, and does not get at the chunk
        write("type.ldb", f"Type;Engine:51-255,Target:0,Container:{kind};0;"
                          f"{EICAR[:20].hex()}\n")
        done = subprocess.run(["clamscan", "--no-summary", "-d", "type.ldb", path],
                              capture_output=True, timeout=120, check=False)
        if b"Type.UNOFFICIAL FOUND" not in done.stdout:
            return f"clamscan: {path} {kind} {done.stdout}"


tap.run()
