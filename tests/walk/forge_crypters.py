# SPDX-License-Identifier: Apache-2.0
"""Programs behind crypters and packed with LZMA, for tests of what unpacks them: what the stubs
hold beside numbers is made up, and would not run."""
import lzma
import random
import struct

from forge_packers import BASE, aplib, find_match, pages, pe

COFF = 24


def u32(number):
    return struct.pack("<I", number & 0xffffffff)


def put(data, at, bytes_):
    data[at:at + len(bytes_)] = bytes_


def name_sections(file, names, lfanew=0x80):
    out = bytearray(file)
    for i, name in enumerate(names):
        put(out, lfanew + COFF + 0xe0 + 40 * i, name.ljust(8, b"\0")[:8])
    return bytes(out)


# ---- ciphers of a few instructions -------------------------------------------------------------

# (code, what it does to AL, with CL)
STEPS = [
    (b"\x2a\xc1", lambda al, cl: al - cl), (b"\x02\xc1", lambda al, cl: al + cl),
    (b"\x32\xc1", lambda al, cl: al ^ cl), (b"\x04\x11", lambda al, cl: al + 0x11),
    (b"\x2c\x05", lambda al, cl: al - 5), (b"\x34\xc7", lambda al, cl: al ^ 0xc7),
    (b"\xc0\xc0\x0b", lambda al, cl: al << 3 | al >> 5), (b"\xc0\xc8\x03", lambda al, cl: al >> 3 | al << 5),
    (b"\xfe\xc8", lambda al, cl: al - 1), (b"\x90", lambda al, cl: al), (b"\xf8\xf9", lambda al, cl: al),
    (b"\xeb\x01\xc2", lambda al, cl: al),
]
# With a NOP, since clamscan leaves out the byte behind them.
ROTATIONS = [(b"\xd2\xc0\x90", lambda al, cl: al << cl % 8 | al >> 8 - cl % 8),
             (b"\xd2\xc8\x90", lambda al, cl: al >> cl % 8 | al << 8 - cl % 8)]


def cipher(steps, size):
    """The code, filled up, and the function that it is."""
    code = b"".join(step[0] for step in steps)

    def change(al, cl):
        for _, step in steps:
            al = step(al, cl) & 255
        return al
    assert len(code) <= size
    return code.ljust(size, b"\x90"), change


def encrypt(change, plain):
    """What the cipher makes the plain bytes of; CL counts down from their number."""
    tables = [{change(al, cl): al for al in range(256)} for cl in range(256)]
    return bytes(tables[len(plain) - i & 255][byte] for i, byte in enumerate(plain))


# ---- Yoda's Crypter ----------------------------------------------------------------------------

def yc_stub(version, crypted_bytes):
    """The first instructions, from the entry point on."""
    number = 0x402100
    if version == "older":
        stub = b"\x60\xe8\0\0\0\0\x5d\x81\xed" + u32(number) + b"\xb9" + u32(crypted_bytes) + b"\x8d\xbd"
        return stub + u32(0xae - 0x66 + number) + b"\x8b\xf7\xac", -0x18
    head = b"\x55\x8b\xec\x53\x56\x57\x60"
    shift = 0
    if version == "frame":
        head, shift = b"\x55\x8b\xec\x83\xec\x40\x53\x56\x57".ljust(0x17, b"\x90"), 0x10
    stub = head + b"\xe8\0\0\0\0\x5d\x81\xed" + u32(number) + b"\xb9" + u32(crypted_bytes + 99)
    stub += b"\x81\xe9" + u32(99) + b"\x8b\xd5\x81\xc2" + u32(number + 0xc6 - 0x6c)
    return stub + b"\x8d\x3a\x8b\xf7\x33\xc0\xeb\x04\x90\xeb\x01\xc2\xac", shift


def yc(plain, old_entry, version, entry_at=0xa0f):
    """Sections .text and .rdata, of which the latter stays as it is."""
    crypted_bytes = 0x1000
    start, shift = yc_stub(version, crypted_bytes)
    first, first_change = cipher(STEPS + ROTATIONS, 0x30)
    second, second_change = cipher(STEPS[::-1] + STEPS[:4], 0x30)
    stub = bytearray(0x1200)
    put(stub, 0x60, start)
    put(stub, 0x93 + shift, first + b"\xaa\xe2\xcc")
    put(stub, 0x3ea - 0x18 if version == "older" else 0x457 + shift, second)
    put(stub, entry_at + shift, u32(old_entry))
    if entry_at != 0xa0f:  # where the stub loads the image base, the entry point is behind it
        put(stub, 0x300, b"\x81\xc2" + u32(0x402100 - 0x6c + entry_at - 4) +
            b"\x8b\x02\x03\x40\x3c\x05\x80\0\0\0")
    at = 0xc6 + shift
    put(stub, at, encrypt(first_change, bytes(stub[at:at + crypted_bytes])))
    text = plain.ljust(len(plain) + 511 & ~511, b"\0")
    rdata = b"left alone".ljust(512, b"\0")
    sections = [(len(text), encrypt(second_change, text)), (512, rdata), (len(stub), bytes(stub))]
    file = pe(sections, 0x1000 + pages(len(text)) + 0x1000 + 0x60)
    return name_sections(file, [b".text", b".rdata", b"yC"])


# ---- WWPack32 ----------------------------------------------------------------------------------

class Words:
    """Bits from the highest one down, in words of 32 that begin when the one before is full."""

    def __init__(self):
        self.out, self.word, self.at, self.left = bytearray(4), 0, 0, 32

    def bits(self, value, count):
        for i in range(count - 1, -1, -1):
            self.left -= 1
            self.word |= (value >> i & 1) << self.left
            struct.pack_into("<I", self.out, self.at, self.word)
            if self.left == 0:
                self.word, self.at, self.left = 0, len(self.out), 32
                self.out += bytes(4)

    def distance(self, distance):
        if distance >= 0x5fe1:
            return self.bits(7 << 15 | distance - 0x5fe1, 18)
        if distance >= 0x1fe1:
            return self.bits(6 << 14 | distance - 0x1fe1, 17)
        width = next(n for n in range(5, 13) if distance < (2 << n) - 31)
        kind = {5: (0, 3), 6: (1, 3), 7: (2, 3), 8: (6, 4), 9: (7, 4), 10: (8, 4), 11: (9, 4),
                12: (5, 3)}[width]
        self.bits(*kind)
        return self.bits(distance - (1 << width) + 31, width)

    def length(self, length):
        if length <= 6:
            self.bits(length - 5, 2)
        elif length <= 13:
            self.bits(1 << 3 | length - 6, 4)
        elif length <= 28:
            self.bits(1 << 7 | length - 13, 8)
        else:
            self.bits(1 << 7, 8)
            width = next((n for n in (5, 6, 7) if length < (2 << n) - 3), None)
            if width:
                self.bits(1, width - 4)
                self.bits(length - (1 << width) + 3, width)
            else:
                self.bits(length, 3 + 14)


def find_far_match(data, at, end):
    """A long match from as far back as there is one, else the longest that is near."""
    begin = data.find(data[at:at + 24], 0, at)
    if begin < 0 or at - begin > 0x5fe1 + 0x7fff or end - at < 24:
        size, distance = find_match(data, at)
        return min(size, end - at), distance
    size = 24
    while at + size < end and size < 3000 and data[at + size] == data[begin + size]:
        size += 1
    return size, at - begin


def wwpack_stream(data, at, end):
    words = Words()
    while at < end:
        size, distance = find_far_match(data, at, end)
        if size >= 3:
            words.bits(4 | min(size - 2, 3) % 3, 3)
            words.distance(distance)
            if size >= 5:
                words.length(size)
        elif size == 2 and distance < 353 + 0x1ff:
            kind = sum(distance >= first for first in (33, 97, 353))
            words.bits(7 << 2 | kind, 5)
            words.bits(distance - (1, 33, 97, 353)[kind], (5, 6, 8, 9)[kind])
        else:
            size = 1
            words.bits(0, 1)
            words.out.append(data[at])
        at += size
    words.bits(7 << 2 | 3, 5)
    words.bits(0x1ff, 9)
    return bytes(words.out) + bytes(-len(words.out) % 4)


def wwpack(plain, old_entry):
    """Two sections, each a run, the second one with distances into the first."""
    half = len(plain) // 2 & ~0xfff
    parts = [plain[:half], plain[half:]]
    streams = [wwpack_stream(plain, 0, half), wwpack_stream(plain, half, len(plain))]
    addresses = [0x1000, 0x1000 + half]
    stub_at = 0x1000 + half + pages(len(parts[1]))
    stub = bytearray(0x400)
    put(stub, 0, b"\x53\x55\x8b\xe8\x33\xdb\xeb")
    put(stub, 0x68, b"\xe8\0\0\0\0\x58\x2d\x6d\0\0\0\x50\x60\x33\xc9\x50\x58\x50\x50")
    put(stub, 0x295, u32(old_entry - stub_at - 0x299))
    for i, (address, stream) in enumerate(zip(addresses, streams)):
        row = u32(stub_at - address) + bytes(4) + u32(len(stream) // 4) + u32(len(stream) - 4)
        put(stub, 0x2a1 + 17 * i, row + bytes([i == 0]))
    sections = [(pages(len(part)), stream) for part, stream in zip(parts, streams)]
    return pe(sections + [(0x1000, bytes(stub))], stub_at)


# ---- LZMA --------------------------------------------------------------------------------------

class LzmaBytes:
    """LZMA with nothing but bytes, for parameters that liblzma does not know."""

    def __init__(self, literal_bits):
        self.low, self.range, self.cache, self.pending, self.out = 0, 0xffffffff, 0, 1, bytearray()
        self.is_match, self.literal_bits = [1024], literal_bits
        self.literals = {}

    def shift(self):
        if self.low < 0xff000000 or self.low >= 1 << 32:
            carry = self.low >> 32
            for i in range(self.pending):
                self.out.append((self.cache if i == 0 else 0xff) + carry & 255)
            self.pending, self.cache = 0, self.low >> 24 & 255
        self.pending += 1
        self.low = self.low << 8 & 0xffffffff

    def bit(self, table, i, bit):
        bound = (self.range >> 11) * table[i]
        if bit:
            self.low += bound
            self.range -= bound
            table[i] -= table[i] >> 5
        else:
            self.range = bound
            table[i] += 2048 - table[i] >> 5
        while self.range < 1 << 24:
            self.range <<= 8
            self.shift()

    def pack(self, data):
        before = 0
        for byte in data:
            self.bit(self.is_match, 0, 0)
            tree = self.literals.setdefault(before >> 8 - self.literal_bits, [1024] * 256)
            node = 1
            for i in range(7, -1, -1):
                self.bit(tree, node, byte >> i & 1)
                node = node << 1 | byte >> i & 1
            before = byte
        for _ in range(5):
            self.shift()
        return bytes(self.out[1:])


def lzma_stream(data, lc, lp, pb):
    """A stream without header, and without its first byte, which is 0."""
    if lc + lp > 4:
        return LzmaBytes(lc).pack(data)
    options = {"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": 1 << 16}
    return lzma.compress(data, lzma.FORMAT_RAW, filters=[options])[1:]


def nspack(plain, old_entry, lc=3, lp=0, pb=2, jump=False):
    """One stream over the first section; the entry point may be a jump to the stub."""
    plain = plain.ljust(pages(len(plain)), b"\0")
    stub_at = 0x1000 + len(plain)
    stream = lzma_stream(plain, lc, lp, pb)
    head = bytes([(pb * 5 + lp) * 9 + lc]) + bytes(4) + u32(len(stream) + 14) + u32(len(plain))
    stub = bytearray(0x600)
    at, stream_at = 0x80, 0x400
    put(stub, at, b"\x9c\x60\xe8\0\0\0\0\x5d\xb8\x07\0\0\0" + bytes(4) + u32(0x54 - 0x40))
    put(stub, at - 0x40, u32(stream_at - at))
    put(stub, at + 0x27a, b"\xe9" + u32(old_entry - (stub_at + at + 0x27a) - 5))
    put(stub, 0, b"\xe9" + u32(at - 5))
    data = bytes(stub[:stream_at]) + bytes(4) + head + b"\0" + stream + bytes(300)
    return pe([(len(plain), b""), (pages(len(data)), data)], stub_at + (0 if jump else at))


# ---- Upack -------------------------------------------------------------------------------------

def mark_calls(data):
    """Calls and jumps with targets from the start, the highest byte first, behind a mark."""
    used = {data[i + 1] for i in range(len(data) - 1) if data[i] in (0xe8, 0xe9)}
    mark = next(n for n in range(3, 256) if n not in used)
    out, at, count = bytearray(data), 0, 0
    while at < len(out) - 5:
        if out[at] in (0xe8, 0xe9):
            target = struct.unpack_from("<I", out, at + 1)[0] + at + 5 & 0xffffffff
            if target < 1 << 24:
                put(out, at + 1, bytes([mark]) + target.to_bytes(3, "big"))
                at, count = at + 4, count + 1
        at += 1
    return bytes(out), mark, count


def upack(plain, old_entry, version, lc=3):
    """`version`: "wide", "wide_near", "wide_old" (three sections), "narrow", "narrow_late" (two)."""
    code, mark, calls = mark_calls(plain)
    stream = lzma_stream(code, lc, 0, 0) + bytes(16)
    tables = ((0x300 << lc) + 0x1000 >> 8) + 1  # words of probabilities, by 256
    if version.startswith("wide"):
        return upack_wide(plain, old_entry, version, (stream, mark, calls, lc, tables))
    return upack_narrow(plain, old_entry, version, (stream, mark, calls, lc, tables))


def upack_file(rows, entry, optional_bytes, body):
    """Headers whose sections are (size in memory, address, raw bytes, raw offset)."""
    table = b"".join(struct.pack("<8s4I12xI", b"", *row, 0xe0000060) for row in rows)
    image = rows[-1][1] + rows[-1][0]
    headers = struct.pack("<I2H3I2H", 0x4550, 0x14c, len(rows), 0, 0, 0, optional_bytes, 0x10f)
    headers += struct.pack("<HH3I3I3I6HI3I2H6I", 0x10b, 0, 0, 0, 0, entry, 0x1000, 0x80, BASE, 0x1000,
                           0x200, 4, 0, 0, 0, 4, 0, 0, image, 0x200, 0, 2, 0, 1 << 20, 4096, 1 << 20,
                           4096, 0, 16)
    whole = b"MZ".ljust(60, b"\0") + u32(0x80)
    whole = whole.ljust(0x80, b"\0") + headers.ljust(COFF + optional_bytes, b"\0") + table
    return bytearray(whole.ljust(0x800, b"\0")) + body


def upack_wide(plain, old_entry, version, packed):
    """The file's first bytes are the first section, and the stub begins there; it ends behind the
    stream, since the first section is written over."""
    stream, mark, calls, lc, tables = packed
    code_at = len(stream)
    stream += bytes([mark]) + bytes(32)
    size = pages(len(plain)) + 0x1000
    work = pages(tables * 1024 + 0x2000)
    data_at = 0x1000 + size
    rows = [(size, 0x1000, 0x7f0, 0x10), (pages(len(stream)) + work, data_at, len(stream), 0x800),
            (0x1000, data_at + pages(len(stream)) + work, 0x7f0, 0x10)]
    file = upack_file(rows, 0x1000 + 0x400, 0x148, stream)
    here = BASE + 0x1000  # where the file's begin is in memory
    work_at = BASE + data_at + pages(len(stream))
    entry, setup, decoder, table, numbers = 0x400, 0x440, 0x500, 0x600, 0x620
    is_old = version == "wide_old"
    words = 0x16 if is_old else 0x27
    put(file, table, u32(here + old_entry - 0x1000) + bytes(4) + u32(work_at))
    put(file, entry, b"\xbe" + u32(here + table))
    if is_old:
        put(file, entry + 5, b"\xff\x36\xe9" + u32(setup - entry - 12))
        put(file, setup + 6, b"\xbe" + u32(BASE + numbers) + b"\xbf" + u32(work_at))
        put(file, setup + 0x25, b"\xb5" + bytes([tables]))
        put(file, setup + 0x25 + 11, b"\xe9" + u32(decoder - setup - 0x35))
    else:
        put(file, entry + 5, b"\xad\x50\x90\x90\x90\xeb" + bytes([setup - entry - 12]))
        put(file, setup + 7, b"\xbe" + u32(here + numbers))
        put(file, setup + 0x1a, b"\xeb\x08")
        put(file, setup + 0x1c + 8 + 10, b"\xb5" + bytes([tables]))
        put(file, setup + 0x1c + 8 + 10 + 9, b"\xe9" + u32(decoder - setup - 0x1c - 8 - 0x18))
    is_near = version == "wide"
    put(file, decoder + (24 if is_near else 26), b"\xc1\xed" + bytes([8 - lc]))
    zero = decoder + (42 if is_near else 45)
    put(file, zero, b"\xe3\x04")
    jump = zero + 6 + (8 if is_near else 7)
    mark_at = data_at - 0x1000 + code_at
    put(file, jump, b"\xe9" + u32(mark_at - jump - 5 - 27 - (2 if is_old else 0)))
    after = numbers + words * 4
    put(file, after - 4, u32(BASE + data_at))
    out_end = here + len(plain) + (0x1000 if is_old else 0)
    put(file, after + (0x40 if is_old else 4), u32(calls))
    put(file, after + 0xc, u32(here))
    put(file, after + (0x64 if is_old else 0x34), u32(out_end))
    return bytes(file)


def upack_narrow(plain, old_entry, version, packed):
    """The second section holds stub, table and stream; 1.1 and 1.2 have the table in the headers."""
    stream, mark, calls, lc, tables = packed
    size = pages(len(plain))
    stub_at = 0x1000 + size
    stub = bytearray(0x600)
    work = pages(tables * 1024 + 0x2000)
    stream_at, work_at = BASE + stub_at + 0x600, BASE + stub_at + pages(0x600 + len(stream))
    rows = [(size, 0x1000, 0, 0x800), (pages(0x600 + len(stream)) + work, stub_at, 0x600 + len(stream), 0x800)]
    if version == "narrow_late":
        put(stub, 0, b"\xbe" + u32(BASE + 0x148) + b"\xad\x8b\xf8")
        for at, value in ((0x1b, tables), (0x41, lc), (0x184, mark)):
            stub[at] = value
        put(stub, 0x174, u32(calls))
        put(stub, 0x1a4, u32(old_entry - stub_at - 0x1a8))
        file = upack_file(rows, stub_at, 0xe0, bytes(stub) + stream)
        put(file, 0x148, u32(work_at) + u32(stream_at) + u32(BASE + 0x1000))
        put(file, 0x130, u32(BASE + 0x1000 + len(plain)))
        return bytes(file)
    table, skipped, entry = bytearray(4 * 33), 20, 0x200
    put(table, 0, u32(skipped) + u32(BASE + 0x1000))
    put(table, 4 + 0x28, u32(BASE + 0x1000 + len(plain)))
    put(table, 4 + 0x44, u32(calls))
    put(table, 4 + skipped * 4, u32(0x400))
    put(table, 8 + skipped * 4 + 0x10, u32(stream_at) + u32(0) + u32(0xffffffff) + u32(1) * 4)
    assert len(table) == 8 + skipped * 4 + 0x10 + 4 + 6 * 4  # probabilities follow
    put(stub, 0, u32(BASE + stub_at) + u32(work_at) + u32(len(table) // 4) + table)
    put(stub, entry, b"\x60\xe8\x09\0\0\0" + u32(6 + entry))
    for at, value in ((0x3a, tables), (0x5f, lc), (0x1c1, mark)):
        stub[entry + at] = value
    put(stub, entry + 0x217, u32(old_entry - stub_at - entry - 0x21b))
    return bytes(upack_file(rows, stub_at + entry, 0xe0, bytes(stub) + stream))


# ---- PESpin ------------------------------------------------------------------------------------

def register(data, key, feedback, feeding):
    out = bytearray(data)
    for i in range(len(out)):
        key = key >> 1 ^ (feedback if key & 1 == feeding else 0)
        out[i] ^= key & 255
    return bytes(out)


def pespin_sum(data):
    first = second = 0xffffffff
    for byte in data:
        first = (first ^ byte << 8) >> 3
        for _ in range(4):
            mixed = ((first ^ second >> 8 & 255) + 0x7801a108 & 0xffffffff) ^ second
            count = second % 32
            first, second = second, (mixed >> count | mixed << 32 - count) & 0xffffffff
    return second


def pespin(plain, packed, resources):
    """Three sections: the plain program as `packed` (aPLib), one as it is, and resources, of which
    the first 64 bytes are not packed (`resources`: how many bytes, and what they are packed)."""
    entry_at, kept = 0x87, 64
    size = pages(len(plain))
    addresses = [0x1000, 0x1000 + size, 0x2000 + size]
    stub_at = addresses[2] + pages(resources[0])
    first, first_change = cipher(STEPS[:9] + [(b"\xfe\xc0", lambda al, cl: al + 1)], 0x24)
    second, second_change = cipher(STEPS[3:] + STEPS[:3], 0x24)
    key, key8 = 0x12345678, 0x91
    raws = [packed, b"as it is" * 64, bytes(range(kept)) + resources[1]]
    raws = [raw.ljust(len(raw) + 511 & ~511, b"\0") for raw in raws]
    stub = bytearray(0x3400)
    code = bytearray(0x3300)  # from the entry point on
    put(code, 4, b"\xe8\0\0\0\0\x8b\x1c\x24\x83\xc3")
    put(code, 0xdb, b"\xbb" + u32(key8) + b"\xb9" + u32(0x11fe))
    put(code, 0x1e0, b"\xb8")
    for at, number in ((0x644, 0x180), (0x650, 0xabcd1234), (0x6f1, 3), (0x26eb, 0x47b3f060),
                       (0x26f0, 0x5a0), (0x28dd, 0x1a1), (0x2fee, addresses[2] + kept),
                       (0x3061, 1), (0x3207, 3)):
        put(code, at, u32(number))
    put(code, 0x755, second + b"\xaa")
    put(code, 0x28ec, first + b"\xaa")
    for i in range(2):
        raws[i] = register(encrypt(second_change, raws[i]), key, 0xed43af31, 0)
    sizes = [size, 512, resources[0]]
    file = pe(list(zip(sizes, raws)) + [(len(stub), bytes(stub))], stub_at + entry_at)
    stub_raw = len(file) - len(stub)
    put(code, 0x429, u32(len(file) - stub_raw))
    put(code, 0x3217, u32(key + pespin_sum(file[:stub_raw])))
    put(code, 0x6d4, encrypt(first_change, bytes(code[0x6d4:0x6d4 + 0x1a1])))
    put(code, 0x28d3, register(code[0x28d3:0x28d3 + 0x180], 0xabcd1234, 0xed43af32, 1))
    put(code, 0x2d5, register(code[0x2d5:0x2d5 + 0x5a0], 0x47b3f060, 0x8c328834, 1))
    for i in range(0x11fe):
        code[0x1fe5 + 0x11fe - 1 - i] ^= key8 - i & 255
    put(stub, entry_at, code)
    return file[:stub_raw] + bytes(stub[:len(file) - stub_raw])


# Entry points that are not put back, and those that clamscan counts from the first section.
CLAMSCAN_ENTRIES = {"pespin": 0x1000, "upack_wide": 0x234, "upack_wide_near": 0x234,
                    "upack_wide_old": 0x234, "upack_context6": 0x234}


def all_kinds(plain, old_entry):
    """One of each kind, by name."""
    tail = b"resources " * 100
    kinds = {f"yc_{version}": yc(plain, old_entry, version) for version in ("v13", "frame", "older")}
    kinds["yc_other"] = yc(plain, old_entry, "v13", 0x9e3)
    kinds["wwpack"] = wwpack(plain, old_entry)
    noise = random.Random(1).randbytes(0x400)
    far = plain + noise + bytes(0x2400) + noise[:0x200] + bytes(range(100)) * 200 + noise[:0x300]
    kinds["wwpack_far"] = wwpack(far, old_entry)
    for version in ("wide", "wide_near", "wide_old", "narrow", "narrow_late"):
        kinds[f"upack_{version}"] = upack(plain, old_entry, version)
    kinds["upack_context6"] = upack(plain, old_entry, "wide", 6)
    kinds["nspack"] = nspack(plain, old_entry)
    kinds["nspack_jump"] = nspack(plain, old_entry, 1, 2, 0, True)
    kinds["nspack_context8"] = nspack(plain, old_entry, 8, 0, 0)
    kinds["pespin"] = pespin(plain, aplib(plain), (64 + len(tail), aplib(tail)))
    return kinds
