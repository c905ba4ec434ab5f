# SPDX-License-Identifier: Apache-2.0
"""Pictures by ImageMagick, and what becomes of them when chunks and bytes go wrong."""
import pathlib
import struct
import subprocess
import zlib

MAKERS = {
    "gif": [["-size", "20x9", "xc:red", "-comment", "words"],
            ["-size", "30x30", "gradient:red-blue", "xc:green", "-delay", "9", "-loop", "0"],
            ["-size", "300x200", "plasma:"]],
    "jpg": [["-size", "20x9", "xc:red", "-comment", "words"], ["-size", "64x64", "plasma:"],
            ["-size", "64x64", "gradient:", "-sampling-factor", "4:2:0", "-interlace", "JPEG"]],
    "png": [["-size", "20x9", "xc:red", "-set", "comment", "words"], ["-size", "90x90", "plasma:"],
            ["-size", "30x30", "gradient:", "-colors", "8"]],
    "tif": [["-size", "20x9", "xc:red"], ["-size", "30x30", "plasma:", "xc:blue"],
            ["-endian", "MSB", "-size", "30x30", "gradient:", "-compress", "LZW"]],
}


def originals(kind):
    """The bytes of some pictures of a kind."""
    made = []
    for number, words in enumerate(MAKERS[kind]):
        path = f"original{number}.{kind}"
        subprocess.run(["convert", *words, path], check=True, timeout=60)
        made.append(pathlib.Path(path).read_bytes())
    return made


def flip(rng, data, first=0):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(first, min(len(data), rng.choice((40, 200, 100000))))
        data[at] = rng.choice((0, 0xff, rng.randrange(256), data[at] ^ 1 << rng.randrange(8)))
    return bytes(data)


def cut(rng, data, first=0):
    most = rng.choice((60, 400, len(data)))
    return data[:rng.randrange(first, max(first + 1, min(len(data), most)))]


def chunks_of_png(data):
    at, chunks = 8, []
    while at < len(data):
        size = struct.unpack(">I", data[at:at + 4])[0]
        chunks.append(data[at:at + 12 + size])
        at += 12 + size
    return chunks


def random_chunk(rng):
    body = rng.randbytes(rng.choice((0, 1, 13, 40)))
    kind = rng.choice((b"IHDR", b"IEND", b"tEXt", b"PLTE", b"pHYs", b"IE\0D"))
    size = rng.choice((len(body), len(body), len(body), len(body) + 1, 0x7fffffff, 0x80000000))
    return struct.pack(">I", size) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def odd_png(rng, data):
    chunks = chunks_of_png(data)
    for _ in range(rng.choice((1, 2))):
        at = rng.randrange(len(chunks) + 1)
        if rng.random() < 0.6:
            chunks.insert(at, random_chunk(rng))
        elif at < len(chunks):
            del chunks[at]
    return data[:8] + b"".join(chunks) + rng.randbytes(rng.choice((0, 0, 3, 50)))


def random_segment(rng):
    mark, body = rng.choice((
        (0xe0, b"JFIF\0\1\2\0\0\1\0\1\0\0"), (0xe0, b"JFIF\0\1"), (0xe0, b"JFXX\0"),
        (0xe1, b"Exif\0\0II*\0\x08\0\0\0\0\0"), (0xe1, b"Exif\0\0II"), (0xe1, b"http://ns.adobe.com/"),
        (0xe8, b"SPIFF\0\1\2\0\3\0\0\0\0\0\0\0"), (0xe8, b"SPIFF\0"), (0xed, b"Photoshop 3.0\0x"),
        (0xfe, b"a comment"), (0xfe, b""), (0xf1, b"ab"), (0xf2, b"ab"), (0xf7, b"ab"),
        (0xd9, b"ab"), (0xee, b"Adobe\0"), (0xe2, b"ICC_PROFILE\0\1\1"), (0xda, b"abc"),
        (0xdb, bytes(65)), (0xc0, bytes(15)), (0x01, b"a")))
    size = rng.choice((len(body) + 2,) * 9 + (0, 1, 2, len(body) + 3, 0xffff))
    fill = rng.choice((b"",) * 9 + (b"\xff", b"\xff" * 14, b"\xff" * 15, b"\0" * 13, b"\1" * 20))
    return fill + b"\xff" + bytes([mark]) + struct.pack(">H", size) + body


APPLICATIONS = (b"\xff\xe0\0\x10JFIF\0" + bytes(9), b"\xff\xe1\0\x10Exif\0\0" + bytes(8),
                b"\xff\xdb\0\x03x", b"\xff\xe8\0\x10SPIFF\0" + bytes(8))


def odd_jpg(rng, data):
    """Segments before those of a picture, or alone."""
    if rng.random() < 0.3:
        few = b"".join(rng.choice(APPLICATIONS) for _ in range(rng.randrange(1, 6)))
        return b"\xff\xd8" + few + b"\xff\xda\0\2" + data[:9]
    few = b"".join(random_segment(rng) for _ in range(rng.randrange(1, 6)))
    behind = rng.choice((data[2:], data[20:], b"", b"\xff", b"\xff\xd9", b"\xff\xd9\0\4ab"))
    return b"\xff\xd8" + few + behind


def block(rng):
    body = rng.randbytes(rng.choice((1, 5, 255)))
    return bytes([len(body)]) + body


def random_gif_part(rng):
    blocks = b"".join(block(rng) for _ in range(rng.randrange(3))) + b"\0"
    return rng.choice((b"\x21\xf9\4\0\0\0\0\0", b"\x21\xfe" + blocks, b"\x21\xff" + blocks,
                       b"\x21\1" + blocks, b"\x2c" + bytes(9) + b"\2" + blocks,
                       b"\x2c" + bytes(8) + b"\x80" + bytes(6) + b"\2" + blocks, b"\x3b", b"\0"))


def odd_gif(rng, data):
    flags = rng.choice((0, 0, 0x80, 0x81, 0x87))
    colors = rng.randbytes(3 << (flags & 7) + 1) if flags & 0x80 else b""
    parts = b"".join(random_gif_part(rng) for _ in range(rng.randrange(5)))
    whole = b"GIF89a" + struct.pack("<HHBBB", 9, 9, flags, 0, 0) + colors + parts
    behind = rng.choice((b"", b"\x3b", b"\x3b" + data[:40], b"text behind a picture"))
    return cut(rng, whole + behind, 7) if rng.random() < 0.4 else whole + behind


def odd_tif(rng, _):
    """Directories that are made up."""
    order = rng.choice("<>")
    first = rng.choice((8, 8, 8, 8, 0, 1000))
    data = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, first)
    for _ in range(rng.randrange(1, 4)):
        count = rng.randrange(4)
        data += struct.pack(order + "H", rng.choice((count,) * 5 + (count + 1,)))
        for _ in range(count):
            data += struct.pack(order + "HHII", rng.randrange(300), rng.randrange(15),
                                rng.choice((0, 1, 2, 4, 5, 40)),
                                rng.choice((0, 8, 8, 8, 20, 0xfffffff0)))
        data += struct.pack(order + "I", rng.choice((0, len(data) + 4, len(data) + 4, 8)))
    data += bytes(rng.choice((0, 200, 200)))
    return cut(rng, data, 4) if rng.random() < 0.3 else data


ODD = {"gif": odd_gif, "jpg": odd_jpg, "png": odd_png, "tif": odd_tif}
FIRST = {"gif": 6, "jpg": 3, "png": 8, "tif": 4}  # bytes by which it is known


def mutate(rng, kind, made):
    """A picture of a kind that may be broken."""
    data = rng.choice(made)
    how = rng.random()
    if how < 0.2:
        return flip(rng, data, FIRST[kind])
    return cut(rng, data, FIRST[kind]) if how < 0.4 else ODD[kind](rng, data)
