# SPDX-License-Identifier: Apache-2.0
"""Writes files into which matches can be planted: binary data, PE and ELF.

All are made so that no scanner takes them for text, HTML or an archive: filler without letters, and
pairs of zero and control bytes that UTF-16 does not have.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "format"))
import forge_elf  # noqa: E402
import forge_pe  # noqa: E402

FILLER = bytes([*range(1, 7), *range(0x0e, 0x1b), *range(0x90, 0xfa)])
NOT_TEXT = b"\x00\x01\x00\x01\x00\x01"
WINDOW = 131072  # clamscan reads a file in windows of this size
CHUNK = 16384


def filler(rng, size, alphabet=FILLER):
    return bytes(rng.choices(alphabet, k=size))


class Object:
    """A file in the making: bytes, its target, and where its parts lie."""

    def __init__(self, target, data, head, entry=None, sections=()):
        self.target = target
        self.data = bytearray(data)
        self.head = head  # bytes at the front that nothing may overwrite
        self.entry = entry
        self.sections = list(sections)  # (raw offset, raw size)
        self.taken = []

    def plant(self, at, data):
        """Writes `data` at `at` if it fits and touches no header."""
        if at < self.head or at + len(data) > len(self.data):
            return False
        self.data[at:at + len(data)] = data
        self.taken.append((at, at + len(data)))
        return True

    def is_free(self, first, last):
        return all(last <= a or first >= b for a, b in self.taken)

    def finish(self):
        """The bytes, with a mark against being taken for text."""
        if self.target == 0:
            places = range(2, max(3, min(1000, len(self.data) - len(NOT_TEXT))), 2)
            at = next((a for a in places if self.is_free(a, a + len(NOT_TEXT))), places[-1])
            self.data[at:at + len(NOT_TEXT)] = NOT_TEXT
        return bytes(self.data)


def binary(rng, size, alphabet=FILLER):
    data = bytearray(filler(rng, size, alphabet))
    data[:4] = b"\x01\x02\xff\x03"[:size]
    return Object(0, data, 0)


def pe(rng, size, alphabet=FILLER):
    count = rng.randrange(1, 5)
    size = max(size, 0x400 + 0x200 * count)
    sections, headers = [], []
    raw = 0x400
    room = (size - raw) // count // 0x200 * 0x200
    for i in range(count):
        length = rng.choice((room, 0x200))
        sections.append((raw, length))
        headers.append(forge_pe.section(name=b".s%d" % i, vsize=room, rva=0x1000 + i * 0x100000,
                                        rsize=length, raw=raw))
        raw += room
    where = rng.randrange(count)
    shift = rng.choice((0, 0x10, 0x123))
    data = bytearray(forge_pe.build(size=size, sections=headers, is_64=rng.random() < 0.5,
                                    entry=0x1000 + where * 0x100000 + shift))
    data[0x400:] = filler(rng, size - 0x400, alphabet)
    return Object(1, data, 0x400, sections[where][0] + shift, sections)


def elf(rng, size, alphabet=FILLER):
    count = rng.randrange(1, 5)
    base = 0x400
    size = max(size, base + 0x200 * count + 0x200)
    room = (size - base - 0x200) // count // 16 * 16
    sections = [(base + i * room, rng.choice((room, 0x80))) for i in range(count)]
    table_at = size - 0x180
    shift = rng.choice((0, 0x10, 0x33))
    entry = base + rng.randrange(count) * room + shift
    data = bytearray(forge_elf.build(
        size=size, bits=rng.choice((32, 64)), entry=0x400000 + entry, sh_at=table_at,
        segments=((1, 0, 0x400000, size, size),),
        sections=tuple((1, 0x400000 + at, at, length) for at, length in sections)))
    kept = bytes(data[table_at:])
    data[base:] = filler(rng, size - base, alphabet)
    data[table_at:] = kept
    made = Object(6, data, base, entry, sections)
    made.tail = table_at
    return made


def places(rng, thing, size, near_borders):
    """A place for `size` bytes: often the very start, the very end, or at a border of windows."""
    last = len(thing.data) - size
    if last < thing.head:
        return thing.head
    choice = rng.random()
    if choice < 0.12:
        return thing.head
    if choice < 0.24:
        return last
    if near_borders and choice < 0.7:
        border = rng.choice((WINDOW, WINDOW * 2, CHUNK, CHUNK * 3, WINDOW - CHUNK))
        return max(thing.head, min(last, border - size + rng.randrange(-8, size + 8)))
    return rng.randrange(thing.head, last + 1)
