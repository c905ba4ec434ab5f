# SPDX-License-Identifier: Apache-2.0
"""Pictures written in plain Python, in many forms, and their perceptual hash in double precision.

A picture is a list of rows of (red, green, blue).
"""
import math
import statistics
import struct
import zlib

SIDE, LOW = 32, 8


# ---- the hash ----------------------------------------------------------------------------------

def lanczos(x):
    if abs(x) >= 3:
        return 0.0
    if x == 0:
        return 1.0
    return 3 * math.sin(math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x) ** 2


def scale(line, size=SIDE):
    """A line of numbers as one of 32, each a weighed mean of those near it."""
    ratio = len(line) / size
    stretch = max(ratio, 1.0)
    out = []
    for i in range(size):
        center = (i + 0.5) * ratio
        first = max(math.floor(center - 3 * stretch), 0)
        end = min(math.ceil(center + 3 * stretch), len(line))
        weights = [lanczos((k - center + 0.5) / stretch) for k in range(first, end)]
        out.append(sum(w * line[first + n] for n, w in enumerate(weights)) / sum(weights))
    return out


def cosines(line):
    size = len(line)
    return [2 * sum(v * math.cos(math.pi * n * (2 * k + 1) / (2 * size))
                    for k, v in enumerate(line)) for n in range(LOW)]


def transpose(rows):
    return [list(column) for column in zip(*rows)]


def hash_of(rows):
    """The 64 bits, and how near the closest decision was."""
    gray = [[math.floor(0.299 * r + 0.587 * g + 0.114 * b + 0.5) for r, g, b in row]
            for row in rows]
    near = 1.0
    if (len(gray), len(gray[0])) != (SIDE, SIDE):
        tall = transpose([scale(column) for column in transpose(gray)])
        wide = [scale(row) for row in tall]
        near = min(abs(v - math.floor(v) - 0.5) for row in wide for v in row)
        gray = [[min(max(math.floor(v + 0.5), 0), 255) for v in row] for row in wide]
    columns = transpose([cosines(column) for column in transpose(gray)])
    values = [v for row in columns[:LOW] for v in cosines(row)]
    median = statistics.median(values)
    # The two beside the median stand as far from it as they do; only equal ones are in doubt.
    near = min(near, min(abs(v - median) for v in values) / 100)
    bits = "".join("1" if v > median else "0" for v in values)
    return f"{int(bits, 2):016x}", near


# ---- PNG ---------------------------------------------------------------------------------------

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, color, lines, extra=b"", interlace=0):
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    data = zlib.compress(b"".join(b"\0" + line for line in lines))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", data)
            + chunk(b"IEND", b""))


def png_rgb(rows):
    return png(len(rows[0]), len(rows), 8, 2, [flat(row) for row in rows])


def png_rgba(rows):
    lines = [b"".join(bytes([*p, (x * 40) % 256]) for x, p in enumerate(row)) for row in rows]
    return png(len(rows[0]), len(rows), 8, 6, lines)


def png_rgb16(rows):
    lines = [b"".join(struct.pack(">H", c * 257) for p in row for c in p) for row in rows]
    return png(len(rows[0]), len(rows), 16, 2, lines)


def png_palette(rows):
    colors, lines = indexed(rows)
    extra = chunk(b"PLTE", flat(colors)) + chunk(b"tRNS", b"\0\x80\xff")
    return png(len(rows[0]), len(rows), 8, 3, lines, extra)


def png_interlaced(rows):
    """Adam7: the points of each pass are a small picture of their own."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2)]
    lines = [flat(row[x::dx]) for x, y, dx, dy in passes for row in rows[y::dy] if row[x::dx]]
    return png(len(rows[0]), len(rows), 8, 2, lines, interlace=1)


def flat(points):
    return b"".join(bytes(point) for point in points)


def indexed(rows):
    """The colours, and the rows as their indexes."""
    colors = sorted({point for row in rows for point in row})
    number = {color: i for i, color in enumerate(colors)}
    return colors, [bytes(number[point] for point in row) for row in rows]


# ---- GIF ---------------------------------------------------------------------------------------

def lzw_gif(data):
    """Codes of nine bits that stand for bytes, and a clear code before the width would grow."""
    codes = []
    for at in range(0, len(data), 250):
        codes += [256, *data[at:at + 250]]
    codes.append(257)
    number = sum(code << 9 * i for i, code in enumerate(codes))
    packed = number.to_bytes((9 * len(codes) + 7) // 8, "little")
    blocks = [packed[at:at + 255] for at in range(0, len(packed), 255)]
    return b"\x08" + b"".join(bytes([len(b)]) + b for b in blocks) + b"\0"


def gif(rows, interlaced=False, screen=None, at=(0, 0), control=b""):
    colors, lines = indexed(rows)
    colors = flat(colors).ljust(768, b"\0")
    if interlaced:
        lines = lines[0::8] + lines[4::8] + lines[2::4] + lines[1::2]
    width, height = len(rows[0]), len(rows)
    image = struct.pack("<BHHHHB", 0x2C, *at, width, height, 0x40 if interlaced else 0)
    return (b"GIF89a" + struct.pack("<HHBBB", *(screen or (width, height)), 0xF7, 0, 0) + colors
            + control + image + lzw_gif(b"".join(lines)) + b";")


def gif_interlaced(rows):
    return gif(rows, interlaced=True)


def gif_transparent(rows):
    return gif(rows, control=b"\x21\xf9\x04\x01\x0a\x00\x05\x00")


# ---- BMP ---------------------------------------------------------------------------------------

def bmp(rows, bits, data, stored=0, palette=b"", masks=b"", top_down=False):
    height = -len(rows) if top_down else len(rows)
    head = struct.pack("<IiiHHIIiiII", 40, len(rows[0]), height, 1, bits, stored, len(data), 0, 0,
                       len(palette) // 4, 0)
    at = 14 + 40 + len(palette) + len(masks)
    return b"BM" + struct.pack("<IHHI", at + len(data), 0, 0, at) + head + masks + palette + data


def padded(line):
    return line + bytes(-len(line) % 4)


def blue_first(point):
    return bytes(reversed(point))


def bmp_24(rows):
    return bmp(rows, 24, b"".join(padded(b"".join(map(blue_first, r))) for r in reversed(rows)))


def bmp_32(rows):
    return bmp(rows, 32, b"".join(blue_first(p) + b"\x17" for row in rows for p in row),
               top_down=True)


def bmp_8(rows):
    colors, lines = indexed(rows)
    palette = b"".join(blue_first(color) + b"\0" for color in colors)
    return bmp(rows, 8, b"".join(padded(line) for line in reversed(lines)), palette=palette)


def bmp_masks(rows):
    """The colours at unusual places, eight bits each."""
    data = b"".join(struct.pack("<I", p[1] << 21 | p[0] << 11 | p[2]) for row in reversed(rows)
                    for p in row)
    return bmp(rows, 32, data, stored=3, masks=struct.pack("<III", 255 << 11, 255 << 21, 255))


def runs(line, is_four):
    out, at = b"", 0
    while at < len(line):
        size = next((n for n in range(1, min(len(line) - at, 250))
                     if line[at + n] != line[at]), len(line) - at)
        size = min(size, 250)
        if size > 2 or len(line) - at < 4:
            out += bytes([size, line[at] * 17 if is_four else line[at]])
        else:
            size = min(len(line) - at, 9)
            points = line[at:at + size]
            if is_four:
                points = bytes(a << 4 | b for a, b in zip(points[::2], points[1::2] + b"\0"))
            out += bytes([0, size]) + points + bytes(len(points) % 2)
        at += size
    return out + b"\0\0"


def bmp_runs(rows):
    """Eight bits each, or four when there are few colours."""
    colors, lines = indexed(rows)
    is_four = len(colors) <= 16
    palette = b"".join(blue_first(color) + b"\0" for color in colors)
    data = b"".join(runs(line, is_four) for line in reversed(lines)) + b"\0\1"
    return bmp(rows, 4 if is_four else 8, data, stored=2 if is_four else 1, palette=palette)


# ---- TIFF --------------------------------------------------------------------------------------

def tiff(tags, pieces, is_tiled=False, order="<"):
    """A directory of short and long numbers; offsets and sizes of the pieces are filled in."""
    tags = dict(tags)
    data_at = 8 + sum(len(piece) for piece in pieces)
    offsets, at = [], 8
    for piece in pieces:
        offsets.append(at)
        at += len(piece)
    tags[324 if is_tiled else 273] = offsets
    tags[325 if is_tiled else 279] = [len(piece) for piece in pieces]
    directory, more = b"", b""
    more_at = data_at + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags.items()):
        numbers = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            place, more = struct.pack(f"{order}I", more_at + len(more)), more + numbers
        else:
            place = numbers
        directory += struct.pack(f"{order}HHI", tag, 4, len(values)) + place
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", data_at)
    return (head + b"".join(pieces) + struct.pack(f"{order}H", len(tags)) + directory + bytes(4)
            + more)


def tiff_tags(rows, packing, bits=8):
    return {256: [len(rows[0])], 257: [len(rows)], 258: [bits] * 3, 259: [packing], 262: [2],
            277: [3]}


def pack_bits(line):
    """Runs of two or more, and single bytes."""
    out, at = b"", 0
    while at < len(line):
        size = next((n for n in range(1, min(len(line) - at, 128))
                     if line[at + n] != line[at]), min(len(line) - at, 128))
        out += bytes([257 - size if size > 1 else 0, line[at]])
        at += size
    return out


def tiff_strips(rows):
    lines = [flat(row) for row in rows]
    pieces = [b"".join(pack_bits(line) for line in lines[at:at + 5])
              for at in range(0, len(lines), 5)]
    return tiff({**tiff_tags(rows, 32773), 278: [5]}, pieces)


def tiff_msb16(rows):
    """Sixteen bits, the high byte first, each number as its difference to the one on the left."""
    lines = []
    for row in rows:
        numbers = [c * 257 for point in row for c in point]
        numbers = numbers[:3] + [(a - b) % 65536 for a, b in zip(numbers[3:], numbers)]
        lines.append(struct.pack(f">{len(numbers)}H", *numbers))
    return tiff({**tiff_tags(rows, 8, 16), 317: [2]}, [zlib.compress(b"".join(lines))], order=">")


def tiff_tiles(rows):
    """Tiles of 16 by 16, filled up with red at the right and below."""
    across, down = -(-len(rows[0]) // 16), -(-len(rows) // 16)
    wide = [[*row, *[(255, 0, 0)] * (across * 16 - len(row))] for row in rows]
    wide += [[(255, 0, 0)] * across * 16] * (down * 16 - len(rows))
    pieces = [flat(point for line in wide[y * 16:y * 16 + 16] for point in line[x * 16:x * 16 + 16])
              for y in range(down) for x in range(across)]
    return tiff({**tiff_tags(rows, 1), 322: [16], 323: [16]}, pieces, is_tiled=True)


# Without loss, and of any colours or of at most 256.
WRITERS = [png_rgb, png_rgba, png_rgb16, png_interlaced, bmp_24, bmp_32, bmp_masks, tiff_strips,
           tiff_msb16, tiff_tiles]
PALETTE_WRITERS = [png_palette, gif, gif_interlaced, gif_transparent, bmp_8, bmp_runs]


# ---- what is drawn -----------------------------------------------------------------------------

def draw(rng, width, height, colors=None):
    """Slopes, spots and noise; of a few colours when their number is given."""
    slopes = [(rng.uniform(-3, 3), rng.uniform(-3, 3), rng.uniform(0, 255)) for _ in range(3)]
    spots = [(rng.uniform(0, width), rng.uniform(0, height), rng.uniform(2, width / 2 + 2),
              [rng.randrange(256) for _ in range(3)]) for _ in range(rng.randrange(6))]
    noise = rng.choice([0, 0, 8, 60])

    def point(x, y):
        color = [a * x + b * y + c for a, b, c in slopes]
        for left, top, size, own in spots:
            if (x - left) ** 2 + (y - top) ** 2 < size ** 2:
                color = own
        return tuple(min(max(int(c + rng.uniform(-noise, noise)), 0), 255) for c in color)

    rows = [[point(x, y) for x in range(width)] for y in range(height)]
    if colors is not None:
        kept = [tuple(rng.randrange(256) for _ in range(3)) for _ in range(colors)]
        rows = [[kept[sum(p) * colors // 766] for p in row] for row in rows]
    return rows
