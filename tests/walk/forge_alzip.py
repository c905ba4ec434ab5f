# SPDX-License-Identifier: Apache-2.0
"""Writes the archives of ALZip, ALZ and EGG: no free program does. unalz and unar read ALZ."""
import bz2
import lzma
import struct
import zlib

STORED, BZIP2, DEFLATE = 0, 1, 2  # of ALZ
EGG_END = struct.pack("<I", 0x08e28222)
BLOCK_BITS = f"{0x314159265359:048b}"
END_BITS = f"{0x177245385090:048b}"


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def bits_of(data):
    return "".join(f"{byte:08b}" for byte in data)


def bare_bzip2(data):
    """bzip2 as ALZip has it: "DLZ" and a number for the marks, no sums."""
    bits = bits_of(bz2.compress(data, 9))
    made, at = "", bits.find(BLOCK_BITS)
    while at >= 0:
        after = bits.find(BLOCK_BITS, at + 48)
        stop = after if after >= 0 else bits.rfind(END_BITS)
        made += bits_of(b"DLZ\x01") + bits[at + 48 + 32 + 1:stop]
        at = after
    made += bits_of(b"DLZ\x02")
    made += "0" * (-len(made) % 8)
    return int(made, 2).to_bytes(len(made) // 8, "big") if data else b"DLZ\x02"


# ---- ALZ ---------------------------------------------------------------------------------------

PACKERS = {STORED: bytes, BZIP2: bare_bzip2, DEFLATE: deflate, "bz2": bz2.compress}


def alz_file(name, data, method=DEFLATE, size_bytes=4, flags=0, attribute=0x20):
    packed = PACKERS[method](data)
    made = struct.pack("<4sHBIBB", b"BLZ\x01", len(name), attribute, 0x58427d24,
                       size_bytes << 4 | flags, 0)
    if size_bytes:
        made += struct.pack("<BBI", BZIP2 if method == "bz2" else method, 0, zlib.crc32(data))
        for size in (len(packed), len(data)):
            made += size.to_bytes(size_bytes, "little")
    return made + name + bytes(12 if flags & 1 else 0) + (packed if size_bytes else b"")


ALZ_START = b"ALZ\x01\x0a\0\0\0"
ALZ_END = b"CLZ\x01" + bytes(8) + b"CLZ\x02"


def alz(files, **kind):
    """`files`: {name: data}."""
    return ALZ_START + b"".join(alz_file(name.encode(), data, **kind)
                                for name, data in files.items()) + ALZ_END


# ---- EGG ---------------------------------------------------------------------------------------

def raw_lzma(data):
    """ALZip's own four bytes, properties, and a stream without an end mark."""
    packed = lzma.compress(data, lzma.FORMAT_ALONE)
    return b"\x04\x41\x05\0" + packed[:5] + packed[13:]


EGG_METHODS = {0: bytes, 1: deflate, 2: bz2.compress, 3: bytes, 4: raw_lzma}


def field(mark, data, flags=0):
    return struct.pack("<IBI" if flags & 1 else "<IBH", mark, flags, len(data)) + data


def egg_block(data, method):
    packed = EGG_METHODS[method](data)
    return struct.pack("<IBBIII", 0x02b50c13, method, 0, len(data), len(packed),
                       zlib.crc32(data)) + EGG_END + packed


def egg_header(name, size, more=b"", number=0, name_flags=0):
    """`more`: further fields."""
    made = struct.pack("<IIQ", 0x0a8590e3, number, size) + field(0x0a8591ac, name, name_flags)
    return made + field(0x2c86950b, bytes(9)) + more + EGG_END


def egg_blocks(data, method=1, block_bytes=1 << 20):
    return b"".join(egg_block(data[at:at + block_bytes], method)
                    for at in range(0, len(data), block_bytes))


def egg_file(name, data, method=1, block_bytes=1 << 20, **header):
    return egg_header(name, len(data), **header) + egg_blocks(data, method, block_bytes)


def egg_start(fields=b""):
    return struct.pack("<4sHII", b"EGGA", 0x100, 0x1234567, 0) + fields + EGG_END


def egg(files, fields=b"", comment=b"", **kind):
    made = egg_start(fields)
    for number, (name, data) in enumerate(files.items()):
        made += egg_file(name.encode(), data, number=number, **kind)
    return made + (field(0x04c63672, comment) if comment else b"") + EGG_END
