# SPDX-License-Identifier: Apache-2.0
"""Programs with the marks by which viruses are known, and nothing of the viruses: no code that
would do anything. Some of the marks are wrong."""
import struct

import forge_pe


def sometimes(rng, usual, *others):
    return usual if rng.random() < 0.85 else rng.choice(others)


def program(body, sections, **options):
    """A PE whose sections are [(size in memory, bytes, flags)], one behind the other."""
    rows, address, raw_at, data = [], 0x1000, 0x400, b""
    for size, raw, flags in sections:
        raw += bytes(-len(raw) % 0x200)
        rows.append(forge_pe.section(b".s", size, address, len(raw), raw_at if raw else 0, flags))
        data, raw_at = data + raw, raw_at + len(raw)
        address += size + 0xfff & ~0xfff
    return forge_pe.build(size=0x400 + len(data), sections=rows, patches=[(0x400, data), *body],
                          **options)


def parite(rng):
    wanted = [sometimes(rng, 0x505a4f, 1), sometimes(rng, 0xffffb, 2), sometimes(rng, 0xb8, 3)]
    keys = [rng.getrandbits(32) for _ in wanted]
    settings = b"".join(struct.pack("<II", key, key ^ other) for key, other in zip(keys, wanted))
    name = sometimes(rng, b"GetProcAddress\0", b"GetProcAddress ", b"GetProcAddres\0")
    at = sometimes(rng, rng.randrange(3000), 4025, 4026, 4050)
    raw = (rng.randbytes(at).replace(b"G", b"g") + name + settings).ljust(
        sometimes(rng, 0x1200, 0xe00), b"\1")
    entry = sometimes(rng, 0x2000, 0x2001)
    return program([], [(0x1000, b"\1" * 0x200, 0x60000020), (0x2000, raw, 0xe0000020)], entry=entry,
                   flags=sometimes(rng, 0x102, 0x2102))


def trash(rng, used):
    """Instructions that do nothing to the registers that are used."""
    free = [r for r in range(8) if r not in used and r != 4]
    out = b""
    for _ in range(rng.randrange(4)):
        register = rng.choice(free)
        out += rng.choice((bytes([0x81, 0xc0 + register]) + rng.randbytes(4),
                           bytes([0xb8 + register]) + rng.randbytes(4), bytes([0x48 + register])))
    return out


def kriz(rng):
    pointer, counter = rng.sample([0, 1, 2, 3, 5, 6, 7], 2)
    used = [sometimes(rng, pointer, 9), sometimes(rng, counter, 9)]
    skipped = rng.randrange(20)
    code = sometimes(rng, b"\xeb\x9c\x60", b"\xeb\x9d\x60")
    code += trash(rng, []) + b"\xe8" + struct.pack("<I", sometimes(rng, skipped, 0x100))
    code += rng.randbytes(skipped)
    code += bytes([0x58 + sometimes(rng, pointer, 4)]) + trash(rng, used)
    code += bytes([0xb8 + counter]) + struct.pack("<I", sometimes(rng, 0xfd2, 0xfd1))
    counted = len(code)
    code += trash(rng, used)
    back_to = len(code)
    code += sometimes(rng, b"\x3e", b"") + b"\x80" + bytes([0xb0 + sometimes(rng, pointer, counter)])
    xor_at = len(code)
    code += rng.randbytes(5) + trash(rng, used) + bytes([0x48 + pointer])
    code += trash(rng, used) + bytes([0x48 + sometimes(rng, counter, pointer)])
    target = sometimes(rng, back_to, counted - 1, counted, xor_at, xor_at + 1, xor_at + 2)
    code += b"\x75" + struct.pack("<b", max(-128, target - len(code) - 2))
    raw = code.ljust(sometimes(rng, 0x1000, 0xe00, 0xfd2), b"\2")
    return program([], [(0x1000, b"\1" * 0x200, 0x60000020), (0x2000, raw, 0xe0000020)], entry=0x2000)


def magistr(rng):
    size, call, mark, least = rng.choice(((0x9000, b"\xe8\x2c\x61\0\0", 0xec, 0x612c),
                                          (0x9000, b"\xe8\x04\x72\0\0", 0xed, 0x7000)))
    raw_size = sometimes(rng, rng.choice((0x6200, 0x7000, 0x8000, 0x9000)), 0x6000)
    in_memory = sometimes(rng, size, 0x6100, 0x7000) | sometimes(rng, mark, 0xeb)
    raw = bytearray(b"\3" * raw_size)
    window = min(raw_size, 0x7000 if mark == 0xec else 0x8000)
    at = raw_size - window + sometimes(rng, rng.randrange(4000), 4086, 4087, 4090)
    raw[at:at + 5] = sometimes(rng, call, b"\xe8\1\1\0\0")
    flags = sometimes(rng, 0xe0000020, 0x60000020)
    first = [(0x1000, b"\1" * 0x200, 0x60000020)] * rng.choice((1, 1, 1, 0))
    return program([], first + [(in_memory, bytes(raw), flags)], entry=0x1000,
                   flags=sometimes(rng, 0x102, 0x2102))


def polipos(rng):
    count = sometimes(rng, 4, 2, 3, 13, 14)
    place = sometimes(rng, 1, 0, count - 1)
    sections = [(0x1000, b"\1" * 0x400, 0x60000020) for _ in range(count)]
    size = sometimes(rng, 50000, 40000, 36865, 65537, 70000)
    sections[place] = (size, b"\4" * 0x600, sometimes(rng, 0xe0000060, 0xe0000020))
    starts, address = [], 0x1000
    for in_memory, _, _ in sections:
        starts.append(address)
        address += in_memory + 0xfff & ~0xfff
    hook = rng.choice((b"\x55\x8b\xec\x60" + bytes(5), b"\x55\x8b\xec\x83\xec\x10\x60zz",
                       b"\x55\x8b\xec\x81\xec\1\2\0\0", b"\x55\x8b\xec\x83\xec\x10\x61zz",
                       b"\x55\x8b\xec\x81\xec\1\2\0\1", b"\x55\x8b\xec\x83\xed\x10\x60zz"))
    at = rng.randrange(0x500) if rng.random() < 0.85 else rng.choice((0x5f7, 0x5f8))
    sections[place] = (sections[place][0], sections[place][1][:at] + hook +
                       sections[place][1][at + 9:], sections[place][2])
    code = bytearray(sections[0][1])
    code_at = sometimes(rng, rng.randrange(0x300), 0x3fa, 0x3fb)
    jump = (starts[place] + at - (starts[0] + code_at + 5)) & 0xffffffff
    code[code_at:code_at + 5] = bytes([sometimes(rng, rng.choice((0xe8, 0xe9)), 0xea)]) + \
        struct.pack("<I", jump)
    if place != 0:
        sections[0] = (sections[0][0], bytes(code[:0x400]), sections[0][2])
    return program([], sections, entry=0x1000, subsystem=sometimes(rng, rng.choice((2, 3)), 1, 9),
                   flags=sometimes(rng, 0x102, 0x2102), machine=sometimes(rng, 0x14c, 0x14d))
