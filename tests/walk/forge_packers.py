# SPDX-License-Identifier: Apache-2.0
"""Programs packed the way old packers did it, for tests of what unpacks them: the streams and the
headers are made here, the code is none that would run."""
import struct

BASE = 0x400000


class Bits:
    """Bits from the highest one down, eight to a byte; whole bytes stand between them."""

    def __init__(self):
        self.out, self.at, self.left = bytearray(), None, 0

    def bit(self, bit):
        if self.left == 0:
            self.at, self.left = len(self.out), 8
            self.out.append(0)
        self.left -= 1
        self.out[self.at] |= bit << self.left

    def bits(self, text):
        for bit in text:
            self.bit(int(bit))

    def number(self, number):
        """From 2 on: each bit behind the first, and whether another one follows."""
        digits = bin(number)[3:]
        for i, digit in enumerate(digits):
            self.bit(int(digit))
            self.bit(i + 1 < len(digits))


def find_match(data, at):
    best = (0, 0)
    for distance in range(1, min(at, 4000) + 1):
        size = 0
        while at + size < len(data) and size < 200 and data[at + size] == data[at + size - distance]:
            size += 1
        if size > best[0]:
            best = (size, distance)
    return best


def aplib(data):
    """An aPLib stream with every kind of tag for which the data has a use."""
    bits = Bits()
    bits.out.append(data[0])
    at, last, after_match = 1, 0, False
    while at < len(data):
        size, distance = find_match(data, at)
        if last and not after_match and data[at:at + 2] == data[at - last:at - last + 2]:
            size = 2
            while at + size < len(data) and data[at + size] == data[at + size - last]:
                size += 1
            bits.bits("10")
            bits.number(2)
            bits.number(size)
            after_match = True
        elif 2 <= size <= 3 and distance < 128:
            bits.bits("110")
            bits.out.append(distance << 1 | size - 2)
            last, after_match = distance, True
        elif size >= 5:
            bits.bits("10")
            bits.number((distance >> 8) + (2 if after_match else 3))
            bits.out.append(distance & 255)
            size = max(size, 4)
            bits.number(size - (distance >= 0x7d00) - (distance >= 0x500) - 2 * (distance < 0x80))
            last, after_match = distance, True
        elif data[at] == 0 or size and distance < 16:
            bits.bits("111")
            bits.bits(f"{0 if data[at] == 0 else distance:04b}")
            size, after_match = 1, False
        else:
            bits.bit(0)
            bits.out.append(data[at])
            size, after_match = 1, False
        at += size
    bits.bits("110")
    bits.out.append(0)
    return bytes(bits.out)


def pe(sections, entry, tail=b"", head=b""):
    """A PE of sections (name, size in memory, bytes), one behind the other from 0x1000 on; `head`
    stands at 0x200."""
    headers = struct.pack("<I2H3I2H", 0x4550, 0x14c, len(sections), 0, 0, 0, 0xe0, 0x10f)
    rows, body, address, raw_at = b"", b"", 0x1000, 0x400
    for name, size, data in sections:
        data += bytes(-len(data) % 0x200)
        rows += struct.pack("<8s4I12xI", name, size, address, len(data), raw_at, 0xe0000020)
        body, raw_at, address = body + data, raw_at + len(data), address + (size + 0xfff & ~0xfff)
    headers += struct.pack("<HH3I3I3I6HI3I2H6I", 0x10b, 0, 0, 0, 0, entry, 0x1000, 0x1000, BASE, 0x1000,
                           0x200, 4, 0, 0, 0, 4, 0, 0, address, 0x1000, 0, 2, 0, 1 << 20, 4096,
                           1 << 20, 4096, 0, 16)
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", 0x80)
    whole = dos.ljust(0x80, b"\0") + headers + bytes(128) + rows
    return (whole.ljust(0x200, b"\0") + head).ljust(0x400, b"\0") + body + tail


def fsg200(plain, old_entry):
    """One stream for all; the registers come from a stack in the section, behind the stub."""
    memory = len(plain) + 0xfff & ~0xfff
    data_at = 0x1000 + memory
    stream = aplib(plain)
    stack_at, array_at = 0x10, 0x30
    stub_at = 0x40
    stack = struct.pack("<8I", BASE + 0x1000, BASE + data_at + 0x200, 0, 0, BASE + data_at + array_at,
                        0, 0, 0)
    data = struct.pack("<I", BASE + data_at + stack_at).ljust(stack_at, b"\0") + stack
    data = data.ljust(array_at, b"\0") + struct.pack("<4I", 0, 0, 0, BASE + old_entry)
    data += b"\x87\x25" + struct.pack("<I", BASE + data_at)
    data = data.ljust(0x200, b"\x90") + stream
    data += bytes(-len(data) % 0x200)
    assert len(data) < memory
    return pe([(b"", memory, b""), (b"", len(data) + 0xfff & ~0xfff, data)], data_at + stub_at)
