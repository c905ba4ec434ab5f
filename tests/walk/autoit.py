# SPDX-License-Identifier: Apache-2.0
"""Writes compiled AutoIt scripts, the other way round from how they are read."""
import random
import struct

MARK = bytes.fromhex("a3484bbe986c4aa9994c530a86d6487d") + b"AU3!EA0"
SCRIPT = ">>>AUTOIT SCRIPT<<<"
# By format: the digit, the keys of numbers and the seeds of bytes, and how names are written.
KEYS = {5: (0x16fa, 0x29bc, 0xa25e, 0x29ac, 0xf25e, 0x45aa, 0x22af, "latin-1"),
        6: (0x18ee, 0xadbc, 0xb33f, 0xf820, 0xf479, 0x87bc, 0x2477, "utf-16-le")}


def twister(seed):
    """The Mersenne twister of Python's own library, with AutoIt's seed."""
    words = [seed]
    for number in range(1, 624):
        words.append((1812433253 * (words[-1] ^ words[-1] >> 30) + number) & 0xffffffff)
    draw = random.Random()
    draw.setstate((3, (*words, 624), None))
    while True:
        yield draw.getrandbits(32) >> 1 & 0xff


def ranrot(seed):
    """Agner Fog's RANROT, type B: every other number."""
    words = []
    for _ in range(17):
        seed = (seed * 2891336453 + 1) & 0xffffffff
        words.append(seed)
    skip = 9
    while True:
        for _ in range(2 if skip == 0 else skip):
            first, other = words[0], words[10]
            new = ((first << 9 | first >> 23) + (other << 13 | other >> 19)) & 0xffffffff
            words = [words[-1], new, *words[1:-1]]  # both places go down by one
        if skip == 0:
            yield new >> 24
        skip = 0


def crypt(number, seed, data):
    numbers = twister(seed) if number == 5 else ranrot(seed & 0xffff)
    return bytes(byte ^ key for byte, key in zip(data, numbers))


def pack(number, data):
    """Copies where three bytes were seen before, and bytes."""
    bits, seen, at = [], {}, 0
    is_match = number == 5

    def put(value, width):
        bits.extend(value >> shift & 1 for shift in range(width - 1, -1, -1))

    while at < len(data):
        start = seen.get(data[at:at + 3], at)
        size = 0
        while start < at and at + size < len(data) and data[start + size] == data[at + size]:
            size += 1
        if size >= 3 and at - start < 1 << 15:
            put(is_match, 1)
            put(at - start, 15)
            left = size - 3
            for width in (2, 3, 5, 8):
                put(min(left, (1 << width) - 1), width)
                if left < (1 << width) - 1:
                    break
                left -= (1 << width) - 1
            else:
                while left >= 255:
                    put(255, 8)
                    left -= 255
                put(left, 8)
        else:
            put(not is_match, 1)
            put(data[at], 8)
            size = 1
        for place in range(at, at + size):
            seen[data[place:place + 3]] = place
        at += size
    put(0, -len(bits) % 16)
    packed = int("".join(map(str, map(int, bits))) or "0", 2).to_bytes(len(bits) // 8, "big")
    return b"EA0%d" % number + struct.pack(">I", len(data)) + packed


def name_field(number, name, key, seed):
    encoded = name.encode(KEYS[number][7])
    return struct.pack("<I", len(name) ^ key) + crypt(number, seed + len(name), encoded)


def make(number, files, is_packed=True, salt=bytes(range(200, 216))):
    """A container of (name, bytes)."""
    mark, source, source_seed, path, path_seed, size, data_seed, _ = KEYS[number]
    data_seed += sum(salt) if number == 5 else 0
    out = MARK + b"%d" % number + salt
    for name, plain in files:
        packed = pack(number, plain) if is_packed else plain
        out += crypt(number, mark, b"FILE")
        out += name_field(number, name, source, source_seed)
        out += name_field(number, "C:\\" + name, path, path_seed)
        out += struct.pack("<BIII", is_packed, len(packed) ^ size, len(plain) ^ size, 0) + bytes(16)
        out += crypt(number, data_seed, packed)
    return out + b"no more files"


def word(token, text):
    """A name or a string, each letter of two bytes xored with how many there are."""
    units = text.encode("utf-16-le")
    count = len(units) // 2
    key = struct.pack("<H", count & 0xffff) * count
    return struct.pack("<BI", token, count) + bytes(a ^ b for a, b in zip(units, key))


def script(*lines):
    """Tokens of lines, each of which is a list of tokens."""
    return struct.pack("<I", len(lines)) + b"".join(b"".join(line) + b"\x7f" for line in lines)
