# SPDX-License-Identifier: Apache-2.0
"""Writes PE files with icons that are drawn at random, and now and then wrong."""
import struct

import forge_pe
import forge_version

SIDES = (16, 16, 24, 32, 32, 48, 48, 64, 72, 96, 128, 20, 28, 30, 40, 17, 33, 57)
DEPTHS = (1, 4, 8, 16, 24, 32, 32)
FLAG_LIBRARY = 0x2000


def random_color(rng, is_gray):
    """A colour as (red, green, blue)."""
    if is_gray:
        return (rng.randrange(256),) * 3
    return tuple(rng.choice((0, 255, rng.randrange(256))) for _ in range(3))


def draw(rng, width, height, is_gray=None):
    """Rows of (red, green, blue, alpha): a ground, boxes, stripes, a gradient, some noise."""
    is_gray = rng.random() < 0.3 if is_gray is None else is_gray
    ground = random_color(rng, is_gray)
    points = [[(*ground, 255)] * width for _ in range(height)]
    for _ in range(rng.randrange(6)):
        left, top = rng.randrange(width), rng.randrange(height)
        right, bottom = rng.randrange(left, width) + 1, rng.randrange(top, height) + 1
        color, alpha = random_color(rng, is_gray), rng.choice((255, 255, 0, rng.randrange(256)))
        step = rng.choice((1, 1, 1, 2, 3))
        slope = rng.choice((0, 0, 3, 9))
        for y in range(top, bottom, step):
            for x in range(left, right):
                points[y][x] = (*(max(0, part - slope * (x - left)) for part in color), alpha)
    return points


def change(rng, points, count):
    """The picture with boxes in it that it had not before."""
    height, width = len(points), len(points[0])
    points = [list(row) for row in points]
    for _ in range(count):
        left, top = rng.randrange(width), rng.randrange(height)
        size = max(1, width // rng.choice((4, 6, 8, 12)))
        color = random_color(rng, rng.random() < 0.3)
        for y in range(top, min(height, top + size)):
            for x in range(left, min(width, left + size)):
                points[y][x] = (*color, 255)
    return points


def pack_bits(values, bits):
    """A row of numbers of so many bits, up to a multiple of four bytes."""
    out, have, filled = bytearray(), 0, 0
    for value in values:
        have, filled = have << bits | value, filled + bits
        while filled >= 8:
            filled -= 8
            out.append(have >> filled & 0xff)
            have &= (1 << filled) - 1
    if filled:
        out.append(have << (8 - filled) & 0xff)
    return bytes(out) + bytes(-len(out) % 4)


def pack_row(row, depth, palette):
    if depth <= 8:
        return pack_bits([nearest(palette, point) for point in row], depth)
    if depth == 16:
        data = b"".join(struct.pack("<H", r >> 3 << 10 | g >> 3 << 5 | b >> 3) for r, g, b, _ in row)
    elif depth == 24:
        data = b"".join(bytes((b, g, r)) for r, g, b, _ in row)
    else:
        data = b"".join(bytes((b, g, r, a)) for r, g, b, a in row)
    return data + bytes(-len(data) % 4)


def nearest(palette, point):
    return min(range(len(palette)),
               key=lambda i: sum((a - b) ** 2 for a, b in zip(palette[i], point)))


def bitmap(points, depth, rng, has_alpha=True, header_bytes=40, cut=0):
    """An icon as it stands in a resource: header, colours, rows from below, mask."""
    height, width = len(points), len(points[0])
    known = sorted({point[:3] for row in points for point in row})
    palette = known if len(known) <= 1 << depth else rng.sample(known, 1 << depth) \
        if depth <= 8 else []
    if not has_alpha and depth == 32:
        points = [[(*point[:3], 0) for point in row] for row in points]
    mask = [[int(point[3] < 128) if has_alpha else rng.random() < 0.1 for point in row]
            for row in points]
    data = struct.pack("<IiiHHIIiiII", header_bytes, width, height * 2, 1, depth, 0, 0, 0, 0, 0, 0)
    data = data.ljust(header_bytes, b"\0")
    if depth <= 8:
        data += b"".join(bytes((b, g, r, 0)) for r, g, b in palette).ljust(4 << depth, b"\0")
    data += b"".join(pack_row(row, depth, palette) for row in reversed(points))
    data += b"".join(pack_bits(row, 1) for row in reversed(mask))
    return data[:len(data) - cut]


def random_icon(rng):
    """One icon, drawn and packed; one in twenty is broken."""
    width = rng.choice(SIDES)
    height = width if rng.random() < 0.85 else max(16, width + rng.randrange(-6, 6))
    depth = rng.choice(DEPTHS)
    is_odd = rng.random() < 0.05
    return bitmap(draw(rng, width, height), depth, rng, has_alpha=rng.random() < 0.6,
                  header_bytes=rng.choice((39, 40, 108, 124)) if is_odd else 40,
                  cut=rng.choice((0, 1, 40, 300)) if is_odd else 0)


def group(numbers):
    """An icon group; the sizes that it tells do not matter."""
    return struct.pack("<HHH", 0, 1, len(numbers)) + b"".join(
        struct.pack("<BBBBHHIH", 0, 0, 0, 0, 1, 32, 0, number) for number in numbers)


def tree(types, rva=forge_version.SECTION_RVA):
    """A resource section: {type: {name: [data of a language, ...]}}."""
    directory, pad = forge_version.directory, forge_version.pad
    names_at = 16 + 8 * len(types)
    count = sum(len(names) for names in types.values())
    languages_at = names_at + 16 * len(types) + 8 * count
    total = sum(len(languages) for names in types.values() for languages in names.values())
    entries_at = languages_at + 16 * count + 8 * total
    data_at = (entries_at + 16 * total + 15) & ~15
    head, middle, low, entries, data = [], b"", b"", b"", b""
    for kind in sorted(types):
        head.append((kind, names_at + len(middle), True))
        rows = []
        for name in sorted(types[kind]):
            rows.append((name, languages_at + len(low), True))
            places = [(0x400 + i, entries_at + len(entries) + 16 * i, False)
                      for i in range(len(types[kind][name]))]
            low += directory(places)
            for item in types[kind][name]:
                entries += struct.pack("<IIII", rva + data_at + len(data), len(item), 0, 0)
                data += pad(item, 16)
        middle += directory(rows)
    return (directory(head) + middle + low + entries).ljust(data_at, b"\0") + data


def program(icons, flags=0x102):
    """A PE with these icons in one group."""
    numbers = range(1, len(icons) + 1)
    return program_of({3: {n: [icon] for n, icon in zip(numbers, icons)}, 14: {1: [group(numbers)]}},
                      flags)


def program_of(types, flags=0x102):
    """A PE with these resources."""
    section = tree(types)
    length = (len(section) + 0x1ff) & ~0x1ff
    folders = [(0, 0)] * 16
    folders[2] = (forge_version.SECTION_RVA, len(section))
    part = forge_pe.section(name=b".rsrc", vsize=length, rsize=length,
                            raw=forge_version.SECTION_RAW, rva=forge_version.SECTION_RVA)
    return forge_pe.build(size=forge_version.SECTION_RAW + length, sections=[part],
                          directories=folders, flags=flags,
                          patches=[(forge_version.SECTION_RAW, section)])
