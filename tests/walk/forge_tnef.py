# SPDX-License-Identifier: Apache-2.0
"""TNEF files ([MS-OXTNEF]) with what a test needs, and no more."""
import struct

SIGNATURE = struct.pack("<IH", 0x223E9F78, 1)
BODY, DATA, TITLE, RENDERING = 0x2800C, 0x6800F, 0x18010, 0x69002
METAFILE, MESSAGE, ATTACHMENT = 0x68011, 0x69003, 0x69005
STRING, UNICODE, BINARY, OBJECT, LONG = 0x1E, 0x1F, 0x102, 0x0D, 3


def attribute(name, value, level=2):
    return (struct.pack("<BII", level, name, len(value)) + value +
            struct.pack("<H", sum(value) & 0xFFFF))


def pad(value):
    return value + bytes(-len(value) % 4)


def prop(kind, name, value, guid=None):
    out = struct.pack("<HH", kind, name)
    if guid is not None:  # (16 bytes, number or text)
        out += guid[0]
        if isinstance(guid[1], int):
            out += struct.pack("<II", 0, guid[1])
        else:
            text = (guid[1] + "\0").encode("utf-16le")
            out += struct.pack("<II", 1, len(text)) + pad(text)
    if kind == LONG:
        return out + struct.pack("<I", value)
    return out + struct.pack("<II", 1, len(value)) + pad(value)


def properties(*rows):
    return struct.pack("<I", len(rows)) + b"".join(rows)


def plain_rtf(text):
    return struct.pack("<III", len(text) + 12, len(text), 0x414C454D) + bytes(4) + text


def attach(name, data, more=b""):
    return (attribute(RENDERING, bytes(14)) + attribute(TITLE, name + b"\0") +
            attribute(DATA, data) + more)


def tnef(*attributes):
    version = attribute(0x89006, struct.pack("<I", 0x10000), 1)
    codepage = attribute(0x69007, struct.pack("<II", 1252, 0), 1)
    return SIGNATURE + version + codepage + b"".join(attributes)
