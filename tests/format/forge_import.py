# SPDX-License-Identifier: Apache-2.0
"""Writes PE files with import tables."""
import struct

import forge_pe

SECTION_RAW = 0x400
SECTION_RVA = 0x1000


def table(libraries, is_64=False, first=True, original=True, end=True, base=SECTION_RVA):
    """An import section. Libraries are (name, [function]); a function is a name or an ordinal.

    Without `original` the lookup tables are named by FirstThunk alone; without `end` the null
    descriptor is left out.
    """
    word, top = ("<Q", 1 << 63) if is_64 else ("<I", 1 << 31)
    size = 8 if is_64 else 4
    at = 20 * (len(libraries) + (1 if end else 0))
    thunks_at = []
    for _, functions in libraries:
        thunks_at.append(at)
        at += size * (len(functions) + 1)
    names, thunks, heads = b"", b"", b""
    names_at = at
    for index, (library, functions) in enumerate(libraries):
        lookup = base + thunks_at[index]
        heads += struct.pack("<IIIII", lookup if original else 0, 0, 0,
                             base + names_at + len(names), lookup if first else 0)
        names += library + b"\0"
        for function in functions:
            if isinstance(function, int):
                thunks += struct.pack(word, function if function > 0xffff else top | function)
            else:
                thunks += struct.pack(word, base + names_at + len(names))
                names += b"\0\0" + function + b"\0"
        thunks += bytes(size)
    return heads + (bytes(20) if end else b"") + thunks + names


def build(section, is_64=False, directory_rva=SECTION_RVA, directory_bytes=None, size=None,
          patches=()):
    """A PE whose import section holds `section`."""
    length = (len(section) + 0x1ff) & ~0x1ff
    folders = [(0, 0)] * 16
    folders[1] = (directory_rva, len(section) if directory_bytes is None else directory_bytes)
    parts = [forge_pe.section(name=b".idata", vsize=length, rsize=length, raw=SECTION_RAW,
                              rva=SECTION_RVA)]
    blob = bytearray(forge_pe.build(size=SECTION_RAW + length if size is None else size,
                                    sections=parts, directories=folders, is_64=is_64))
    forge_pe.place(blob, SECTION_RAW, bytes(length))
    forge_pe.place(blob, SECTION_RAW, section)
    for at, data in patches:
        forge_pe.place(blob, at, data)
    return bytes(blob)


def random_file(rng):
    """A PE with imports, now and then a little broken."""
    def name(longest):
        length = rng.choice((0, 1, 5, 5, 9, 20, longest))
        return bytes(rng.choice(b"abcXYZ019_.") for _ in range(length))

    libraries = []
    for _ in range(rng.choice((0, 1, 1, 2, 3, 5))):
        library = rng.choice((b"", b"KERNEL32", b"WS2_32", b"wsock32", b"OleAut32", name(300)))
        library += rng.choice((b".dll", b".DLL", b".dll", b".ocx", b".sys", b".drv", b"", b".x.dll"))
        functions = []
        for _ in range(rng.choice((0, 1, 2, 4, 9))):
            kind = rng.random()
            if kind < 0.3:
                functions.append(rng.choice((1, 2, 23, 115, 151, 500, 0, 0xffff)))
            elif kind < 0.34:
                functions.append(rng.choice((0x70000000, 0x7fffffff, 0xff0, 0x12345678)))
            elif kind < 0.36:
                functions.append(name(8) + rng.choice((b"?", b"@", b"-", b"\xff", b" ")))
            else:
                functions.append(name(300))
        libraries.append((library, functions))
    is_64 = rng.random() < 0.05
    section = bytearray(table(libraries, is_64=is_64, first=rng.random() < 0.9,
                              original=rng.random() < 0.9, end=rng.random() < 0.9))
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        at = rng.randrange(len(section)) if section else 0
        if section:
            section[at] = rng.choice((0, 1, 0x10, 0x80, 0xff, section[at] ^ 0x20))
    tail = bytes(rng.choice((0, 100, 300, 300, 300, 600)))
    return build(bytes(section) + tail, is_64=is_64,
                 directory_bytes=rng.choice((None, None, None, 0, 1, 20, 21, 40, 41, 0x10000)),
                 directory_rva=SECTION_RVA if rng.random() < 0.97 else rng.choice((0, 0x400, 0x9000)),
                 size=None if rng.random() < 0.8 else
                 SECTION_RAW + max(8, len(section) + rng.choice((-40, -4, 0, 100, 250, 260, 300))))
