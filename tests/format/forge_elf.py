# SPDX-License-Identifier: Apache-2.0
"""Writes small ELF files whose every header field can be set; the rest is marker canvas."""
import struct

import oracle
from forge_pe import place


def build(size=4096, bits=64, order="<", kind=2, machine=62, entry=0x400400, ph_at=None, sh_at=0x800,
          segments=((1, 0x0, 0x400000, 0x1000, 0x1000),), sections=((1, 0x400400, 0x400, 0x200),),
          ph_bytes=None, sh_bytes=None, ph_count=None, sh_count=None, names=0, ident=None,
          header_bytes=None, version=1, patches=()):
    """Segments are (type, offset, address, file size, memory size); sections (type, address,
    offset, size)."""
    wide = bits == 64
    word = "Q" if wide else "I"
    head_bytes = 64 if wide else 52
    ph_size, sh_size = (56, 64) if wide else (32, 40)
    ph_at = head_bytes if ph_at is None else ph_at
    ident = ident or (b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9))
    head = ident + struct.pack(
        order + "HHI" + word * 3 + "IHHHHHH", kind, machine, version, entry, ph_at, sh_at, 0,
        head_bytes if header_bytes is None else header_bytes,
        ph_size if ph_bytes is None else ph_bytes,
        len(segments) if ph_count is None else ph_count,
        sh_size if sh_bytes is None else sh_bytes,
        len(sections) if sh_count is None else sh_count, names)
    program = b""
    for p_type, offset, address, file_size, memory_size in segments:
        if wide:
            program += struct.pack(order + "IIQQQQQQ", p_type, 5, offset, address, address,
                                   file_size, memory_size, 0x1000)
        else:
            program += struct.pack(order + "IIIIIIII", p_type, offset, address, address, file_size,
                                   memory_size, 5, 0x1000)
    table = b""
    for s_type, address, offset, length in sections:
        table += struct.pack(order + "II" + word * 4 + "II" + word * 2, 1, s_type, 6, address,
                             offset, length, 0, 0, 16, 0)
    blob = oracle.canvas(size)
    place(blob, ph_at, program)
    place(blob, sh_at, table)
    place(blob, 0, head)
    for at, data in patches:
        place(blob, at, data)
    return bytes(blob)
