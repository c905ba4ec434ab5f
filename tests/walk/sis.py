# SPDX-License-Identifier: Apache-2.0
"""Writes installers of Symbian, of the old kind and of that of version 9."""
import struct
import zlib

EPOC5, EPOC6 = 0x1000006D, 0x10003A12
WIDE, STORED = 1, 8
ARRAY, STREAM, CONTENTS, CONTROLLER, DESCRIPTION, HASH = 2, 3, 12, 13, 24, 25
IF, ELSE_IF, BLOCK, EXPRESSION, DATA, UNIT, FILE, INDEX, CAPABILITIES = 26, 27, 28, 29, 30, 31, 32, 40, 41


class Old:
    """Records of files, and the bytes that they point to."""

    def __init__(self, kind=EPOC6, options=WIDE, languages=1):
        self.kind, self.options, self.languages = kind, options, languages
        self.records, self.heap, self.count = [], b"", 0

    def put(self, data):
        """Keeps bytes; returns (size, place in the heap)."""
        self.heap += data
        return len(data), len(self.heap) - len(data)

    def add(self, record):
        """A record is a list of numbers; those in a tuple count from the heap's start."""
        self.records.append(record)
        self.count += 1

    def name(self, text):
        size, at = self.put(text.encode("utf-16-le" if self.options & WIDE else "cp1252"))
        return [size, (at,)]

    def file(self, source, target, *contents, kind=0):
        is_stored = self.options & STORED or self.kind == EPOC5
        record = [0 if len(contents) == 1 else 1, kind, 0, *self.name(source), *self.name(target)]
        places = [self.put(data if is_stored else zlib.compress(data)) for data in contents]
        record += [size for size, _ in places] + [(at,) for _, at in places]
        if self.kind != EPOC5:
            record += [len(data) for data in contents] + [0, 0]
        self.add(record)

    def make(self):
        head = 100 + 2 * self.languages
        files_at = head
        heap_at = head + 4 * sum(map(len, self.records))
        numbers = [number[0] + heap_at if isinstance(number, tuple) else number
                   for record in self.records for number in record]
        out = struct.pack("<4I", 0x10000000, self.kind, 0x10000419, 0)
        out += struct.pack("<8H", 0, self.languages, self.count, 0, 0, 0, 0x21, 0)
        out += struct.pack("<I2H2HI", 200, self.options, 0, 1, 0, 0)
        out += struct.pack("<5I", 100, files_at, 0, 0, 0).ljust(52, b"\0")
        out += struct.pack(f"<{self.languages}H", *range(1, self.languages + 1))
        return out + struct.pack(f"<{len(numbers)}I", *numbers) + self.heap


def value(data):
    return struct.pack("<I", len(data)) + data + bytes(-len(data) % 4)


def field(kind, *parts):
    return struct.pack("<I", kind) + value(b"".join(parts))


def array(kind, *elements):
    return field(ARRAY, struct.pack("<I", kind), *map(value, elements))


def stream(data, is_packed=True):
    packed = zlib.compress(data) if is_packed else data
    return field(STREAM, struct.pack("<IQ", is_packed, len(data)), packed)


def description(path, index, has_capabilities=False):
    text = field(1, path.encode("utf-16-le")) + field(1, b"")
    text += field(CAPABILITIES, b"\1\0\0\0") if has_capabilities else b""
    return text + field(HASH, bytes(8)) + struct.pack("<IIQQI", 1, 0, 9, 9, index)


def block(files=(), embedded=(), conditions=()):
    return field(BLOCK, array(DESCRIPTION, *files), array(CONTROLLER, *embedded),
                 array(IF, *conditions))


def condition(files, others):
    """Files installed on a condition, and those installed on another one."""
    other = field(EXPRESSION, bytes(8)) + block(others)
    return field(EXPRESSION, bytes(8)) + block(files) + array(ELSE_IF, other)


def controller(index, install_block):
    return field(14, b"about") + install_block + field(INDEX, struct.pack("<I", index))


def make_new(install_block, *units):
    """Units are lists of (bytes, is packed)."""
    data = [array(FILE, *(stream(*file) for file in unit)) for unit in units]
    return struct.pack("<4I", 0x10201A7A, 0, 0xE0000001, 0) + field(
        CONTENTS, field(34, b"\1\2"), field(35, b"\3\4"),
        stream(field(CONTROLLER, controller(0, install_block))), field(DATA, array(UNIT, *data)))
