# SPDX-License-Identifier: Apache-2.0
"""Writes small PE files whose every header field can be set; the rest is marker canvas."""
import struct

import oracle


def section(name=b".text", vsize=0x1000, rva=0x1000, rsize=0x200, raw=0x400, flags=0x60000020):
    return struct.pack("<8sIIIIIIHHI", name, vsize, rva, rsize, raw, 0, 0, 0, 0, flags)


def build(size=4096, lfanew=0x80, magic=b"MZ", signature=b"PE\0\0", machine=None, sections=None,
          count=None, optional_bytes=None, optional_magic=None, is_64=False, entry=0x1000,
          section_align=0x1000, file_align=0x200, headers_bytes=0x400, directories=None,
          directory_count=None, flags=0x102, subsystem=3, after=b"", patches=()):
    """The file's bytes. What is None takes the usual value."""
    sections = [section()] if sections is None else sections
    directories = [(0, 0)] * 16 if directories is None else directories
    number = len(directories) if directory_count is None else directory_count
    optional = struct.pack("<HBBIIIII", optional_magic if optional_magic is not None else
                           (0x20b if is_64 else 0x10b), 9, 0, 0x200, 0x200, 0, entry, 0x1000)
    if is_64:
        optional += struct.pack("<Q", 0x140000000)
    else:
        optional += struct.pack("<II", 0x2000, 0x400000)
    optional += struct.pack("<IIHHHHHHIIIIHH", section_align, file_align, 4, 0, 0, 0, 4, 0, 0,
                            0x10000, headers_bytes, 0, subsystem, 0)
    word = "Q" if is_64 else "I"
    optional += struct.pack("<" + word * 4 + "II", 0x100000, 0x1000, 0x100000, 0x1000, 0, number)
    for rva, length in directories:
        optional += struct.pack("<II", rva, length)
    declared = len(optional) if optional_bytes is None else optional_bytes
    coff = struct.pack("<4sHHIIIHH", signature, machine if machine is not None else
                       (0x8664 if is_64 else 0x14c), len(sections) if count is None else count,
                       0x5f000000, 0, 0, declared, flags)
    optional = optional[:declared].ljust(min(declared, 4096), b"\0")
    blob = oracle.canvas(size)
    head = bytearray(64)
    head[:2] = magic
    struct.pack_into("<I", head, 60, lfanew & 0xffffffff)
    place(blob, 0, head)
    place(blob, lfanew, coff + optional + b"".join(sections) + after)
    for at, data in patches:
        place(blob, at, data)
    return bytes(blob)


def place(blob, at, data):
    """Overwrites bytes at `at`, as far as the file goes."""
    if at < len(blob):
        end = min(len(blob), at + len(data))
        blob[at:end] = data[:end - at]
