# SPDX-License-Identifier: Apache-2.0
"""Writes Hangul documents (HWP 3, HWP 5, HWPML) for tests, from Hancom's descriptions of them."""
import base64
import struct
import zlib

import forge_ole


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


# ---- version 5 ----------------------------------------------------------------------------------

def header(flags=1):
    return (b"HWP Document File".ljust(32, b"\0") + struct.pack("<II", 0x05010100, flags)).ljust(
        256, b"\0")


def hide(data, seed, key):
    """A stream of a document for distribution: a record with the key, then AES in ECB mode."""
    state, record, run, mask = seed, bytearray(256), 0, 0

    def draw():
        nonlocal state
        state = (state * 214013 + 2531011) & 0xFFFFFFFF
        return state >> 16 & 0x7FFF
    key_at = 4 + (seed & 15)
    record[key_at:key_at + 80] = key.ljust(80, b"k")
    for i in range(256):
        if run == 0:
            mask, run = draw() & 255, (draw() & 15) + 1
        run -= 1
        record[i] ^= mask if i >= 4 else 0
    record[:4] = struct.pack("<I", seed)
    return struct.pack("<I", 0x1C | 256 << 20) + bytes(record) + forge_ole.aes_ecb(key, data)


# ---- version 3 ----------------------------------------------------------------------------------

END = struct.pack("<BHHB", 0, 0, 0, 0).ljust(43, b"\0")  # the empty paragraph
IDENTITY = b"HWP Document File V3.00 \x1a\1\2\3\4\5"


def text(letters):
    return b"".join(struct.pack("<H", ord(letter)) for letter in letters)


def paragraph(content, lines=1, has_shape=True, shapes=()):
    """`content` without its end; `shapes`: for each character whether its own shape stands there."""
    count = len(content) // 2 + 1
    out = struct.pack("<BHHB", 0 if has_shape else 1, count, lines, 1 if shapes else 0)
    out = out.ljust(43 + (187 if has_shape else 0), b"\0") + bytes(14 * lines)
    for i in range(count if shapes else 0):
        out += b"\0" + b"s" * 31 if i < len(shapes) and shapes[i] else b"\1"
    return out + content + b"\r\0"


def code(number, size, first=b""):
    """A special character whose place is closed by itself again."""
    number = struct.pack("<H", number)
    return number + first.ljust(size - 4, b"\x20") + number


def lengthy(number, data):
    return struct.pack("<HIH", number, len(data), number) + data


def box(cells):
    body = bytes(80) + struct.pack("<HH", len(cells), 0) + bytes(27 * len(cells))
    return lengthy(10, b"")[:8] + body + b"".join(cell + END for cell in cells) + END


def drawing(picture):
    return (struct.pack("<HIH", 11, 0, 11) + struct.pack("<I", len(picture)) + bytes(344)
            + picture + paragraph(text("caption")) + END)


def listed(number, size, content):
    return struct.pack("<HIH", number, 0, number).ljust(size, b"\0") + content + END


def rich():
    """Paragraphs with every special character, boxes inside of boxes."""
    inner = paragraph(text("in") + listed(17, 22, paragraph(text("note"))))
    cells = [paragraph(text("a")), paragraph(text("b") + box([inner]) + text("c"))]
    content = (lengthy(5, b"field") + code(6, 8)[:6] + struct.pack("<H", 6) + bytes(34)
               + code(7, 84) + code(8, 96) + code(9, 8) + box(cells) + text("x")
               + drawing(b"picture") + code(14, 8)[:8] + bytes(84)
               + listed(15, 16, paragraph(text("hidden"))) + listed(16, 18, inner))
    for number, size in ((18, 8), (19, 8), (20, 8), (21, 8), (22, 24), (23, 10), (24, 6), (25, 6),
                         (26, 246), (28, 64), (30, 4), (31, 4)):
        content += code(number, size)
    content += lengthy(29, b"reference")
    return (paragraph(text("plain"), 2, False, (1, 0, 0, 1)) + paragraph(content, 3)
            + paragraph(text("last")))


def block(kind, data):
    return struct.pack("<II", kind, len(data)) + data


def picture(name, data):
    return block(1, name.ljust(16, b"\0") + bytes(16) + data)


def background(name, data):
    return block(6, (bytes(24) + name).ljust(324, b"\0") + data)


def links(macros):
    return block(3, b"".join(bytes(288) + macro.ljust(325, b"\0") + bytes(4) for macro in macros))


def body3(blocks, paragraphs=None):
    fonts = b"".join(struct.pack("<H", count) + b"f" * 40 * count for count in (1, 2, 0, 1, 0, 0, 1))
    styles = struct.pack("<H", 2) + b"s" * 238 * 2
    text3 = rich() if paragraphs is None else paragraphs
    return fonts + styles + text3 + END + b"".join(blocks) + bytes(8)


def hwp3(body, is_packed=True, is_locked=False, extra=b"extra"):
    info = bytearray(128)
    info[96] = is_locked
    info[124] = is_packed
    info[126:128] = struct.pack("<H", len(extra))
    return (IDENTITY + bytes(info) + bytes(1008) + extra + (deflate(body) if is_packed else body)
            + b"behind")


# ---- HWPML --------------------------------------------------------------------------------------

def hwpml(files, scripts=(), mark=b"\xef\xbb\xbf"):
    """`files`: [(id, bytes, whether packed)]."""
    out = (mark + b'<?xml version="1.0" encoding="UTF-8" standalone="no" ?>'
           b'<HWPML Style="embed" SubVersion="7.0.0.0" Version="2.7"><HEAD SecCnt="1"/><BODY/><TAIL>'
           b'<BINDATASTORAGE>')
    for number, data, is_packed in files:
        raw = base64.b64encode(deflate(data) if is_packed else data)
        out += (b'<BINDATA Compress="%s" Encoding="Base64" Id="%d" Size="%d">%s</BINDATA>'
                % (b"true" if is_packed else b"false", number, len(raw), raw))
    out += b"</BINDATASTORAGE>"
    for script in scripts:
        out += b"<SCRIPTCODE><SCRIPTSOURCE>%s</SCRIPTSOURCE></SCRIPTCODE>" % script
    return out + b"</TAIL></HWPML>"
