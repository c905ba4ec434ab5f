# SPDX-License-Identifier: Apache-2.0
"""The rules of a release and their root, slow and simple, from docs/formats/release.md alone."""
import base64
import hashlib
import io
import re
import tarfile
import zlib

LINES = set("hdb hsb hdu hsu mdb msb mdu msu imp fp sfp ndb ndu sdb db ldb ldu ign ign2 cdb zmd rmd "
            "ftm idb crb pdb wdb gdb pwdb cfg".split())
TOKEN = re.compile(rb'(?P<blank>[ \t\n\v\f\r]+|//[^\n]*|/\*.*?\*/)|(?P<string>"(?:\\[^\n]|[^"\\\n])*")'
                   rb'|(?P<regex>/(?![/*])(?:\\[^\n]|[^/\\\n])*/)|(?P<open>{)|(?P<close>})'
                   rb'|(?P<word>[A-Za-z0-9_]+)|(?P<torn>["/])|(?P<other>.)', re.S)


def sha256(data):
    return hashlib.sha256(data).digest()


def digest(data):
    return [b"sha256 %s %d" % (sha256(data).hex().encode(), len(data))]


def lines(data):
    texts = (line.rstrip(b"\r") for line in data.split(b"\n"))
    return [text for text in texts if text and not text.startswith(b"#")]


def yara(data):
    """The statements, or None when the file is not made of them."""
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    tokens = list(TOKEN.finditer(data, start))
    texts, at = [], 0
    while at < len(tokens):
        if tokens[at].lastgroup == "blank":
            at += 1
            continue
        first, depth = at, 0
        is_short = tokens[at][0] in (b"import", b"include")
        while True:
            if at == len(tokens) or tokens[at].lastgroup == "torn":
                return None
            kind = tokens[at].lastgroup
            depth += (kind == "open") - (kind == "close")
            at += 1
            if depth < 0 or (is_short and at - first > 1 and kind not in ("blank", "string")):
                return None
            if is_short and at - first > 1 and kind == "string" or not is_short and kind == "close" \
                    and depth == 0:
                break
        texts.append(data[tokens[first].start():tokens[at - 1].end()])
    return texts


def container(name, data):
    body = data[512:]
    if not body.startswith(b"COPYING"):
        body = zlib.decompressobj(31).decompress(body)
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:") as tar:
        for member in tar:
            for text in split(member.name, tar.extractfile(member).read()):
                yield name + "!" + member.name, text


def split(name, data):
    """The texts of a file that is no container."""
    _, dot, ending = name.rpartition("/")[2].rpartition(".")
    ending = ending.lower() if dot else None
    if ending in LINES:
        return lines(data)
    texts = yara(data) if ending in ("yar", "yara") else None
    return digest(data) if texts is None else texts


def entries(files):
    """[(name, text)] of {name: bytes}."""
    told = []
    for name in sorted(files, key=str.encode):
        if name.lower().rpartition(".")[2] in ("cvd", "cld", "cud"):
            told += container(name, files[name])
        else:
            told += [(name, text) for text in split(name, files[name])]
    return told


def leaf_hash(name, text):
    return sha256(b"\0" + name.encode() + b"\n" + text)


def root(hashes):
    """RFC 6962 section 2.1, as it stands there."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"")
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + root(hashes[:half]) + root(hashes[half:]))


def text_of(value):
    return base64.b64encode(value).decode()
