# SPDX-License-Identifier: Apache-2.0
"""Programs packed the way old packers did it, for tests of what unpacks them: the streams and the
headers are made here, the code is none that would run."""
import lzma
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
    """The longest match of what begins there, at most 200 bytes, and the least distance with it."""
    size, distance, first = 0, 0, max(0, at - 4000)
    while size < 200 and at + size < len(data):
        place = data.rfind(data[at:at + size + 1], first, at + size)
        if place < 0:
            break
        distance = at - place
        while at + size < len(data) and size < 200 and data[place + size] == data[at + size]:
            size += 1
    return size, distance


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


def pe(sections, entry, lfanew=0x80, stub_at=0x200, stub=b""):
    """A PE of sections (size in memory, bytes), one behind the other from 0x1000 on; a piece of
    stub may stand between headers and sections."""
    headers = struct.pack("<I2H3I2H", 0x4550, 0x14c, len(sections), 0, 0, 0, 0xe0, 0x10f)
    rows, body, address, raw_at = b"", b"", 0x1000, 0x400
    for size, data in sections:
        data += bytes(-len(data) % 0x200)
        rows += struct.pack("<8s4I12xI", b"", size, address, len(data), raw_at if data else 0,
                            0xe0000020)
        body, raw_at, address = body + data, raw_at + len(data), address + pages(size)
    # The number at 60 is in the midst of these headers when they begin before it.
    headers += struct.pack("<HH3I3I3I6HI3I2H6I", 0x10b, 0, 0, 0, 0, entry, 0x1000, lfanew, BASE,
                           0x1000, 0x200, 4, 0, 0, 0, 4, 0, 0, address, 0x1000, 0, 2, 0, 1 << 20,
                           4096, 1 << 20, 4096, 0, 16)
    dos = b"MZ".ljust(60, b"\0") + struct.pack("<I", lfanew)
    whole = dos.ljust(lfanew, b"\0")[:lfanew] + headers + bytes(128) + rows
    return (whole.ljust(stub_at, b"\0") + stub).ljust(0x400, b"\0") + body


def pages(size):
    return size + 0xfff & ~0xfff


def fsg200(plain, old_entry):
    """One stream for all; the registers come from a stack in the section, behind the stub."""
    memory = pages(len(plain))
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
    return pe([(memory, b""), (pages(len(data)), data)], data_at + stub_at)


def fsg13(plain, old_entry, version):
    """A stream for each section, the second and third in the other order; the list of them stands
    behind the headers."""
    memory = pages(len(plain))
    third = memory // 3 & ~0xfff
    data_at = 0x1000 + memory
    order = [0, 2 * third, third]
    streams = b"".join(aplib(plain[at:at + third]) for at in order)
    jump_at = 0xa1 if version == "1.33" else 0xda
    if version == "1.33":
        list_ = struct.pack("<6I", 0, BASE + 0x1000, BASE + data_at,
                            *(BASE + 0x1000 + at + 1 for at in order[1:]), 0)
        stub = b"\xbe" + struct.pack("<I", BASE + 0x200)
    else:
        numbers = [(BASE + 0x1000 + at >> 12) + 2 for at in order[1:]]
        list_ = struct.pack("<3H4xI", *numbers, 2, 2)
        stub = struct.pack("<BIBIBI", 0xbb, BASE + 0x200, 0xbf, BASE + 0x1000, 0xbe, BASE + data_at)
    entry = data_at + len(streams)
    stub = stub.ljust(jump_at, b"\x90") + b"\x0f\x84"
    stub += struct.pack("<i", old_entry - entry - jump_at - 6)
    data = streams + stub + bytes(16)
    return pe([(memory, b""), (pages(len(data)), data)], entry, 0x80, 0x200, list_)


def bswap_calls(data):
    """Calls and jumps with absolute targets, the highest byte first."""
    out, at = bytearray(data), 0
    while at < len(out) - 5:
        if out[at] in (0xe8, 0xe9):
            target = struct.unpack_from("<I", out, at + 1)[0] + at + 1 & 0xffffffff
            struct.pack_into(">I", out, at + 1, target)
            at += 4
        at += 1
    return bytes(out)


def lzma_run(plain, target):
    """A run of LZMA as MEW writes it."""
    options = {"id": lzma.FILTER_LZMA1, "lc": 4, "lp": 0, "pb": 2, "dict_size": 1 << 16}
    packed = lzma.compress(plain, lzma.FORMAT_RAW, filters=[options])
    return struct.pack("<3IB", len(plain), BASE + target, len(packed), 94) + packed


def mew(plain, old_entry, method):
    """`method`: "aplib", a stream for each two pages; "lzma", two runs of LZMA behind a stream; or
    "lzma_calls", one whose calls are to be restored."""
    memory = 2 * pages(len(plain)) + 0x10000  # room for the tables of LZMA
    data_at = 0x1000 + memory
    runs, work_at = b"", 0x1000 + memory - 0xf000
    if method == "aplib":
        pieces = [(at, plain[at:at + 0x2000]) for at in range(0, len(plain), 0x2000)]
    else:
        pieces = [(memory - 0x1000, bytes(range(256)))]
        half = len(plain) // 2
        runs = struct.pack("<I", BASE + work_at)
        if method == "lzma":
            runs += lzma_run(plain[:half], 0x1000) + lzma_run(plain[half:], 0x1000 + half) + bytes(16)
        else:
            runs = struct.pack("<I", len(plain)) + runs + lzma_run(bswap_calls(plain), 0x1000)
    table = struct.pack("<II", 0, BASE + old_entry)
    for at, piece in pieces:
        table += struct.pack("<I", BASE + 0x1000 + at) + aplib(piece)
    table += bytes(4) + runs
    head = b"\x90" * 8 + (b"\x50" if method == "lzma_calls" else b"\x51")
    data = head.ljust(0x20, b"\x90") + table
    entry = data_at + len(data)
    data += b"\xe9" + struct.pack("<i", 0x154 - entry - 5) + bytes(16)
    stub = (b"\xbe" + struct.pack("<I", BASE + data_at + 0x20)).ljust(0x7b, b"\x90")
    if runs:
        stub += b"\xe8" + struct.pack("<i", data_at - 0x154 - 0x80)
    return pe([(memory, b""), (pages(len(data)), data)], entry, 0x0c, 0x154, stub)


# ASPack: where things stand, counted from one byte before the entry point.
ASPACK = {"2.12": (0x3ba, 0x57c, 8, 0x6d6, 0x148, 0x39b),
          "2.2": (0x420, 0x5d8, 12, 0x732, 0x13a, 0x401),
          "2.42": (0x42c, 0x5e4, 12, 0x73e, 0x148, 0x40d)}
LENGTH_BITS = [0] * 12 + [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]
SLOT_BITS = [0, 0, 0, 0] + [n // 2 for n in range(2, 34)] + [17] * 22
MAIN = [9] * 303 + [10] * 418
LENGTH = [4] * 4 + [5] * 24
PRE = {3: 2, 4: 2, 5: 3, 9: 3, 10: 4, 2: 4, 0: 3}


def canonical(lengths):
    """The code words of a canonical code, by symbol."""
    code, words = 0, {}
    for bits in range(1, 16):
        for symbol, length in sorted(dict(enumerate(lengths)).items()):
            if length == bits:
                words[symbol] = f"{code:0{bits}b}"
                code += 1
        code <<= 1
    return words


def sums(bits, per_step):
    table, total = [], 0
    for count in bits:
        table.append(total)
        total += per_step(count)
    return table


class Aspack:
    """Writes one block; `low` are the lengths of the code for the last bits of far distances."""

    def __init__(self, low):
        self.text, self.low, self.has_old = [], low, False
        self.has_low = low != [3] * 8
        self.main, self.length, self.lows = canonical(MAIN), canonical(LENGTH), canonical(low)
        self.length_base = [min(n, 255) for n in sums(LENGTH_BITS, lambda n: 1 << n)]
        self.slot_base = sums(SLOT_BITS, lambda n: 1 << n)
        self.new_codes()

    def put(self, value, bits):
        self.text.append(f"{value:0{bits}b}" if bits else "")

    def new_codes(self):
        """All lengths, the first time as they are, then as differences, which are 0."""
        self.put(self.has_old, 1)
        pre = [PRE.get(n, 0) for n in range(19)]
        for length in pre:
            self.put(length, 4)
        words = canonical(pre)
        for length in MAIN + LENGTH + self.low:
            self.text.append(words[0 if self.has_old else length])
        self.has_old = True

    def match(self, size, distance):
        number = distance - 1 + 3
        slot = max(i for i, base in enumerate(self.slot_base) if base <= number)
        self.text.append(self.main[256 + slot * 8 + min(size - 2, 7)])
        if size >= 9:
            row = max(i for i, base in enumerate(self.length_base) if base <= size - 9)
            self.text.append(self.length[row])
            self.put(size - 9 - self.length_base[row], LENGTH_BITS[row])
        rest, bits = number - self.slot_base[slot], SLOT_BITS[slot]
        if self.has_low and bits >= 3:
            self.put(rest >> 3, bits - 3)
            self.text.append(self.lows[rest & 7])
        else:
            self.put(rest, bits)

    def pack(self, data):
        at = 0
        while at < len(data):
            size, distance = find_match(data, at)
            if size >= 3:
                self.match(size, distance)
            else:
                self.text.append(self.main[data[at]])
                size = 1
            at += size
            if at % 4096 == 0:
                self.text.append(self.main[720])
                self.new_codes()
        text = "".join(self.text)
        text += "0" * (-len(text) % 8)
        return bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))


def mark_calls(data):
    """Calls and jumps with targets from the start, behind a byte that stands behind no other."""
    used = {data[i + 1] for i in range(len(data) - 1) if data[i] in (0xe8, 0xe9)}
    mark = next(n for n in range(1, 256) if n not in used)
    out, at = bytearray(data), 0
    while at < len(out) - 6:
        if out[at] in (0xe8, 0xe9):
            target = struct.unpack_from("<I", out, at + 1)[0] + at & 0xffffffff
            if target < 1 << 24:
                struct.pack_into("<I", out, at + 1, target << 8 | mark)
                at += 4
        at += 1
    return bytes(out), mark


def aspack(plain, old_entry, version, low=(3,) * 8):
    marks_at, blocks_at, block_bytes, tables_at, mark_at, entry_at = ASPACK[version]
    code, mark = mark_calls(plain)
    writer = Aspack(list(low))
    packed = writer.pack(code)
    stub = bytearray(0x1000)
    stub[1:9] = b"\x60\xe8\x03\0\0\0\xe9\xeb"
    stub[mark_at] = mark
    struct.pack_into("<I", stub, entry_at, old_entry)
    stub[marks_at:marks_at + 6] = b"\x68\0\0\0\0\xc3"
    struct.pack_into("<II", stub, blocks_at, 0x1000, len(plain))
    if block_bytes == 12:  # one that is passed over
        struct.pack_into("<II", stub, blocks_at + 12, 0x1000, 0xfffffef2)
    tables = bytes(writer.length_base) + bytes(LENGTH_BITS) + bytes(SLOT_BITS)
    stub[tables_at:tables_at + len(tables)] = tables
    stub_at = 0x1000 + pages(len(plain))
    return pe([(pages(len(plain)), packed), (0x1000, bytes(stub)), (0x1000, b"")], stub_at + 1)


def petite_stream(data):
    """A section as Petite packs it."""
    low, far, farthest = ((5, 0x3a0, 0x3fa0) if len(data) < 0x10000 else (7, 0x680, 0x7e80)
                          if len(data) < 0x40000 else (8, 0x500, 0x7d00))
    bits, at, last = Bits(), 1, 0
    bits.out.append(data[0])
    while at < len(data):
        size, distance = find_match(data, at)
        again = 0
        while last and at + again < len(data) and data[at + again] == data[at + again - last]:
            again += 1
        if size < 4 and again == 0:
            bits.bit(0)
            bits.out.append(data[at] ^ (len(data) - at & 255))
            at += 1
            continue
        bits.bit(1)
        if size >= 4:
            bits.number(3 + (distance - 1 >> low))
            bits.bits(f"{distance - 1 & (1 << low) - 1:0{low}b}")
            rest, last = size - 1 - (distance > far) - (distance > farthest), distance
        else:
            size = rest = again
            bits.number(2)
        bits.bits(f"{rest if rest < 4 else 0:02b}")
        if rest >= 4:
            bits.number(rest - 2)
        at += size
    return bytes(bits.out)


def hide_entry(entry, imports, start, stub, mangled):
    """The old entry point mixed with imports, so that unpacking gives it again."""
    jump, left, steps = start + BASE, 0, []
    for value in imports:
        bound = 0xbff01337
        if value < 1 << 31 and mangled:
            left -= 1
            if left < 0:
                bound, jump = jump, jump + 5
                left = jump & 7
        steps.append((stub + BASE < bound) + (bound < jump))
    hidden = entry - start & 0xffffffff
    for step in reversed(steps):
        hidden = ((hidden << 3 | hidden >> 29) & 0xffffffff) + step & 0xffffffff
    return hidden


PETITE = {"2.2": (1, 0x1b8, 0x355), "2.1": (2, 0x178, 0x323)}


def petite(plain, old_entry, version, mangled=False):
    """Two sections, of which the second has the code behind it that Petite adds."""
    last, table_at, code_bytes = PETITE[version]
    imports = [[0x2000, 0x80000005, 0x2010, 0x2020], [0x2030] * 9]
    half = len(plain) // 2 & ~0xfff
    space = pages(len(plain)) + 0x4000
    stub_at = 0x1000 + space
    start = stub_at + 0x42 + 5
    lists_at = 0x1000 + half + len(plain[half:])
    lists, tables = struct.pack("<3I", lists_at + 12, lists_at + 32, 0), b""
    for table in imports:
        tables += struct.pack(f"<{len(table) + 1}I", *table, 0)
    code = bytearray(code_bytes)
    key, flat = 0x12345678, [value for table in imports for value in table]
    hidden = hide_entry(old_entry, flat if version == "2.2" else [], start, stub_at, mangled)
    struct.pack_into("<III", code, 7, 0x9d6661aa ^ key, 0xe908c483 ^ key, hidden ^ key)
    struct.pack_into("<II", code, 0x54, 0x645ec033, 0x1b8b188b)
    struct.pack_into("<I", code, 0x121, lists_at)
    struct.pack_into("<I", code, 0x1c0, 0 if mangled else 0x90909090)
    second = plain[half:] + lists + tables + bytes(code)
    first, packed = petite_stream(plain[:half]), petite_stream(second)
    blob = first + packed
    blob += bytes(-len(blob) % 4)
    assert len(blob) < 0x3000
    moved = stub_at - len(blob)
    table = struct.pack("<3I", 1 << 31 | len(blob) // 4, 0x1000 + len(blob) - 4, stub_at - 4)
    table += struct.pack("<4I", moved + len(first), len(second), 0x1000 + half, 0)
    table += struct.pack("<4I", moved, half, 0x1000, 0) + bytes(4)
    stub = bytearray(table_at) + table
    stub[0x42:0x47] = b"\xb8" + struct.pack("<I", BASE + stub_at)
    stub += bytes(0x200 - len(stub) % 0x200 + 0x200)
    tail = [(0x1000, b"\xcc" * 16)] * (last - 1)
    return pe([(space, blob), (0x1000, bytes(stub)), *tail], stub_at + 0x42)


class Words(Bits):
    """Bits as UPX has them: in words of 32, whole bytes between them."""

    def bit(self, bit):
        if self.left == 0:
            self.at, self.left = len(self.out), 32
            self.out += bytes(4)
        self.left -= 1
        self.out[self.at + self.left // 8] |= bit << self.left % 8

    def number(self, number):
        """From 2 on: each bit behind the first, and whether it was the last."""
        digits = bin(number)[3:]
        for i, digit in enumerate(digits):
            self.bit(int(digit))
            self.bit(i + 1 == len(digits))


def nrv2b(data):
    bits, at = Words(), 0
    while at < len(data):
        size, distance = find_match(data, at)
        if size < 4:
            bits.bit(1)
            bits.out.append(data[at])
            at += 1
            continue
        bits.bit(0)
        bits.number((distance - 1 >> 8) + 3)
        bits.out.append(distance - 1 & 255)
        rest = size - 1 - (distance > 0xd00)
        bits.bits(f"{rest if rest < 4 else 0:02b}")
        if rest >= 4:
            bits.number(rest - 2)
        at += size
    bits.bit(0)
    bits.number(0x1000002)
    bits.out.append(255)
    return bytes(bits.out)


def upx(plain, begin):
    """Without original headers, and with a stub that tells nothing."""
    memory = pages(len(plain)) + 0x1000
    data = bytes(begin) + nrv2b(plain)
    entry = 0x1000 + memory + len(data)
    return pe([(memory, b""), (pages(len(data)), data + b"\x90" * 0x200)], entry)
