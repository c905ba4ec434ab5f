# SPDX-License-Identifier: Apache-2.0
"""Writes programs that carry something: .NET resources, overlays."""
import struct

import forge_pe

RVA, RAW = 0x1000, 0x400


def number7(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def values(items):
    """A file of System.Resources.ResourceWriter, version 2: {name: (type, bytes)}."""
    reader = b"System.Resources.ResourceReader, mscorlib"
    kind = b"System.Resources.RuntimeResourceSet, mscorlib"
    types = number7(len(reader)) + reader + number7(len(kind)) + kind
    out = struct.pack("<III", 0xBEEFCACE, 1, len(types)) + types
    own = b"Some.Type, Some.Assembly"
    out += struct.pack("<III", 2, len(items), 1) + number7(len(own)) + own
    out += b"PAD"[:1] * (-len(out) % 8)
    names, data, positions = b"", b"", []
    for name, (code, content) in items.items():
        positions.append(len(names))
        wide = name.encode("utf-16-le")
        names += number7(len(wide)) + wide + struct.pack("<I", len(data))
        data += number7(code) + (struct.pack("<I", len(content)) if code in (0x20, 0x21) else b"")
        data += content
    out += bytes(4 * len(items)) + struct.pack(f"<{len(items)}I", *positions)
    return out + struct.pack("<I", len(out) + 4 + len(names)) + names + data


def assembly(resources):
    """A PE whose header of .NET tells of these resources."""
    blob = b""
    for data in resources:
        blob += struct.pack("<I", len(data)) + data
        blob += bytes(-len(blob) % 8)
    header = struct.pack("<IHHIIIIII", 72, 2, 5, 0, 0, 1, 0, RVA + 72, len(blob)).ljust(72, b"\0")
    content = header + blob
    length = (len(content) + 0x1FF) & ~0x1FF
    folders = [(0, 0)] * 16
    folders[14] = (RVA, 72)
    part = forge_pe.section(vsize=length, rsize=length, raw=RAW, rva=RVA)
    return forge_pe.build(size=RAW + length, sections=[part], directories=folders,
                          patches=[(RAW, content)])


def plain(directories=None, raw_bytes=0x200):
    part = forge_pe.section(vsize=0x1000, rsize=raw_bytes, raw=RAW, rva=RVA)
    return forge_pe.build(size=RAW + raw_bytes, sections=[part], directories=directories)


def signed(behind, certificate=b"\x30\x82" + b"c" * 254):
    """A program with a certificate, and something behind that."""
    entry = struct.pack("<IHH", len(certificate) + 8, 0x200, 2) + certificate
    folders = [(0, 0)] * 16
    folders[4] = (RAW + 0x200, len(entry))
    return plain(folders) + entry + behind
