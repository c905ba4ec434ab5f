# SPDX-License-Identifier: Apache-2.0
"""Writes PE files with a version resource whose string keys are markers."""
import struct

import forge_pe
import oracle

SECTION_RAW = 0x400
SECTION_RVA = 0x1000


def wide(text):
    return text.encode("utf-16-le") + b"\0\0"


def pad(data, align=4):
    return data + bytes(-len(data) % align)


def block(key, value=b"", children=(), value_count=None, kind=1, length=None):
    """One node of a version resource; its length leaves out padding after it."""
    data = bytes(6) + key
    if value or children:
        data = pad(data)
    data += value
    for child in children:
        data = pad(data) + child
    return struct.pack("<HHH", (len(data) if length is None else length) & 0xffff,
                       len(value) // 2 if value_count is None else value_count, kind) + data[6:]


def string(key, value="value", **more):
    """A String whose key is the marker that belongs at `key`, or given bytes."""
    key = oracle.marker(key) + b"\0\0" if isinstance(key, int) else key
    return block(key, wide(value), **more)


FIXED = struct.pack("<II", 0xfeef04bd, 0x10000) + bytes(44)


def version(children, value=FIXED, key=None, value_count=None, **more):
    return block(wide("VS_VERSION_INFO") if key is None else key, value, children, kind=0,
                 value_count=len(value) if value_count is None else value_count, **more)


def string_info(tables, key=None, **more):
    return block(wide("StringFileInfo") if key is None else key, b"", tables, **more)


def table(strings, key=None, **more):
    return block(wide("040904b0") if key is None else key, b"", strings, **more)


def directory(entries, named=0, ids=None):
    """A resource directory; entries are (identifier, offset, is a directory)."""
    data = struct.pack("<IIHHHH", 0, 0, 0, 0, named,
                       len(entries) - named if ids is None else ids)
    for identifier, offset, is_folder in entries:
        data += struct.pack("<II", identifier, offset | (0x80000000 if is_folder else 0))
    return data


def tree(resources, kind=16):
    """A resource section with the given data, each a name of its own below one type."""
    names_at = 24
    languages_at = names_at + 16 + 8 * len(resources)
    entries_at = languages_at + 24 * len(resources)
    data_at = (entries_at + 16 * len(resources) + 15) & ~15
    names, languages, entries, data = [], b"", b"", b""
    for index, resource in enumerate(resources):
        names.append((index + 1, languages_at + 24 * index, True))
        languages += directory([(0x409, entries_at + 16 * index, False)])
        entries += struct.pack("<IIII", SECTION_RVA + data_at + len(data), len(resource), 0, 0)
        data += pad(resource, 16)
    head = directory([(kind, names_at, True)]) + directory(names) + languages + entries
    return head.ljust(data_at, b"\0") + data


def build(section, size=8192, directory_bytes=None, directory_rva=SECTION_RVA, is_64=False,
          patches=()):
    """A PE whose resource section holds `section`."""
    length = (len(section) + 0x1ff) & ~0x1ff
    folders = [(0, 0)] * 16
    folders[2] = (directory_rva, len(section) if directory_bytes is None else directory_bytes)
    parts = [forge_pe.section(name=b".rsrc", vsize=length, rsize=length, raw=SECTION_RAW,
                              rva=SECTION_RVA)]
    return forge_pe.build(size=size, sections=parts, directories=folders, is_64=is_64,
                          patches=[(SECTION_RAW, section), *patches])


def random_resource(rng, first_key):
    """A version resource, now and then a little broken; keys are the markers after `first_key`."""
    def now_and_then(values, chance=0.06):
        return rng.choice(values) if rng.random() < chance else None

    tables, at = [], first_key
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        strings = []
        for _ in range(rng.choice((0, 1, 2, 3))):
            strings.append(string(at, "v" * rng.choice((0, 1, 1, 3, 3, 5, 5)),
                                  value_count=now_and_then((0, 7, 0xffff)),
                                  length=now_and_then((0, 4, 12, 16, 17, 20, 24, 400))))
            at += 8
        tables.append(table(strings, length=now_and_then((0, 7, 24, 25, 48, 500)),
                            key=now_and_then((wide("zz"), wide("zzzzzzzzzz")))))
    infos = [string_info(tables, length=now_and_then((0, 7, 36, 37, 600)),
                         key=now_and_then((wide("stringFileInfo"), wide("StringFileInf"))))]
    if rng.random() < 0.3:
        infos.insert(rng.randrange(2), block(wide("VarFileInfo"), bytes(rng.choice((4, 8, 6, 0)))))
    if rng.random() < 0.15:
        length = rng.choice((1, 2, 3, 4, 5, 6, 7, 8, 12, 36, 40, 44))
        infos.insert(0, struct.pack("<H", length).ljust(length, b"\0")[:max(2, length)])
    return version(infos, length=now_and_then((0, 0x5c, 0x5d, 0x62, 0x63, 900), 0.03),
                   value=rng.choice((FIXED, FIXED, bytes(52))) if rng.random() < 0.1 else FIXED)


def random_file(rng):
    """A PE with version resources and, now and then, a broken resource tree."""
    resources = [random_resource(rng, 0x1400 + 0x80 * n)
                 for n in range(rng.choice((1, 1, 1, 2, 3, 17)))]
    if sum(map(len, resources)) > 3000:
        resources = resources[:2]
    section = bytearray(tree(resources, kind=rng.choice((16,) * 12 + (17, 0x80000010))))
    if rng.random() < 0.3:
        # One byte in the tables of the tree.
        at = rng.randrange(min(len(section), 24 + 24 + 24 + 16))
        section[at] = rng.choice((0, 1, 2, 16, 0x80, 0xff, section[at] ^ 1))
    return build(bytes(section), is_64=rng.random() < 0.3,
                 directory_bytes=rng.choice((None, None, None, 0, 1)),
                 directory_rva=SECTION_RVA if rng.random() < 0.97 else rng.choice((0, 0x400, 0x9000)))


def write_rules(path):
    with open(path, "w", encoding="ascii") as out:
        for at in range(0, oracle.GRID_BYTES, 8):
            out.write(f"V_{at}:1:VI:{oracle.marker(at).hex()}\n")
            out.write(f"A_{at}:1:*:{oracle.marker(at).hex()}\n")
