#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Wraps each file of a folder in a container: wrap.py FROM TO [KIND...]

The kinds go round over the files in the order of their names: tgz (zip in tar in gzip), mail (an
attachment), docx, pdf (an embedded stream), iso, 7z, cab. Those whose program is not installed (genisoimage, 7z,
gcab) are left out, and that is said. For `make parity`: what a scanner finds in a file it should
find in the wrapped one.
"""
import email.message
import gzip
import io
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib


def zipped(name, data, more=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, text in more:
            archive.writestr(other, text)
        archive.writestr(name, data)
    return out.getvalue()


def wrap_tgz(name, data):
    inner = zipped(name, data)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("inner.zip")
        info.size = len(inner)
        archive.addfile(info, io.BytesIO(inner))
    return gzip.compress(out.getvalue(), mtime=0)


def wrap_mail(name, data):
    message = email.message.EmailMessage()
    message["From"], message["To"] = "a@example.org", "b@example.org"
    message["Subject"] = "a file"
    message.set_content("Here it is.\n")
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def wrap_docx(name, data):
    types = ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.'
             'openxmlformats.org/package/2006/content-types"><Default Extension="bin" '
             'ContentType="application/octet-stream"/></Types>')
    return zipped(f"word/embeddings/{name}.bin", data,
                  [("[Content_Types].xml", types), ("_rels/.rels", "<Relationships/>"),
                   ("word/document.xml", "<w:document/>")])


def wrap_pdf(_, data):
    packed = zlib.compress(data)
    parts = [b"%PDF-1.5\n"]
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>",
               b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)]
    places = []
    for number, body in enumerate(objects, 1):
        places.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = sum(map(len, parts))
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    parts.append(b"xref\n0 4\n0000000000 65535 f \n%strailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
                 % (rows, start))
    return b"".join(parts)


def by_program(command, result, name, data):
    with tempfile.TemporaryDirectory() as folder:
        inside = pathlib.Path(folder, "in")
        inside.mkdir()
        (inside / name).write_bytes(data)
        subprocess.run(command, cwd=inside, check=True, capture_output=True)
        return pathlib.Path(folder, result).read_bytes()


def wrap_iso(name, data):
    return by_program(["genisoimage", "-J", "-R", "-o", "../out.iso", "."], "out.iso", name, data)


def wrap_7z(name, data):
    return by_program(["7z", "a", "../out.7z", name], "out.7z", name, data)


def wrap_cab(name, data):
    return by_program(["gcab", "-c", "../out.cab", name], "out.cab", name, data)


KINDS = {"tgz": (wrap_tgz, None), "mail": (wrap_mail, None), "docx": (wrap_docx, None),
         "pdf": (wrap_pdf, None), "iso": (wrap_iso, "genisoimage"), "7z": (wrap_7z, "7z"),
         "cab": (wrap_cab, "gcab")}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    source, target = map(pathlib.Path, sys.argv[1:3])
    kinds = []
    for kind in sys.argv[3:] or KINDS:
        program = KINDS[kind][1]
        if program is None or shutil.which(program):
            kinds.append(kind)
        else:
            print(f"wrap: {kind} left out: {program} is not installed", file=sys.stderr)
    target.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, file in enumerate(sorted(f for f in source.rglob("*") if f.is_file()), 1):
        kind = kinds[count % len(kinds)]
        name = f"f{count}"
        (target / f"{count:05}-{file.name[:60]}.{kind}").write_bytes(
            KINDS[kind][0](name, file.read_bytes()))
    print(f"wrapped {count} files: {' '.join(kinds)}")


main()
