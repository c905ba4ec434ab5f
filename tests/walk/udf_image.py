# SPDX-License-Identifier: Apache-2.0
"""Small UDF images by hand (ECMA-167, OSTA UDF 2.50): sectors of 512 bytes, the anchor at the end."""
import struct
import sys

SECTOR = 512


def crc16(data):
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ (0x1021 if value & 0x8000 else 0)) & 0xffff
    return value


def tag(number, body, place):
    head = bytearray(struct.pack("<HHBBHHHI", number, 3, 0, 0, 0, crc16(body), len(body), place))
    head[4] = sum(head) & 0xff
    return bytes(head) + body


def place(size, block, part):
    return struct.pack("<IIH6x", size, block, part)


def entry(kind, inside, size, descriptors, block):
    """A file entry; `inside` 3 has its data where descriptors of extents would stand."""
    body = bytearray(160)
    body[11] = kind
    struct.pack_into("<H", body, 18, inside)
    struct.pack_into("<Q", body, 40, size)
    struct.pack_into("<II", body, 152, 0, len(descriptors))
    return tag(261, bytes(body) + descriptors, block)


def named(name, block, part, flags=0):
    text = b"\x08" + name
    body = struct.pack("<HBB", 1, flags, len(text)) + place(SECTOR, block, part) + b"\0\0" + text
    full = tag(257, body, 0)
    return full + b"\0" * (-len(full) % 4)


def make(files, has_metadata=False):
    """files: {name: data}. With a metadata partition all but the data is counted within a file."""
    part = 1 if has_metadata else 0
    count = len(files)
    listing = b"".join(named(name.encode(), 2 + i, part) for i, name in enumerate(files))
    blocks = [b"", entry(4, 3, len(listing), listing, 1)]
    data_at = 2 + count + (1 if has_metadata else 0)
    data = b""
    for i, plain in enumerate(files.values()):
        extents = place(len(plain), data_at + len(data) // SECTOR, 0)
        blocks.append(entry(5, 1, len(plain), extents, 2 + i))
        data += plain + b"\0" * (-len(plain) % SECTOR)
    body = bytearray(496)
    body[384:400] = place(SECTOR, 1, part)
    blocks[0] = tag(256, bytes(body), 0)
    if has_metadata:  # the file itself stands before what it holds
        blocks.insert(0, entry(250, 0, len(blocks) * SECTOR, struct.pack("<II", len(blocks) * SECTOR,
                                                                         1), 0))
    volume = bytearray(424)
    struct.pack_into("<I", volume, 196, SECTOR)
    volume[232:248] = place(SECTOR, 0, part)
    maps = struct.pack("<BBHH", 1, 6, 1, 7)
    if has_metadata:
        maps += struct.pack("<BB2xB31sHHIIIIHB5x", 2, 64, 0, b"*UDF Metadata Partition".ljust(31, b"\0"),
                            1, 7, 0, 0, 0xffffffff, 1, 1, 0)
    struct.pack_into("<II", volume, 248, len(maps), 2 if has_metadata else 1)
    partition = bytearray(496)
    struct.pack_into("<H", partition, 6, 7)
    struct.pack_into("<I", partition, 172, 3)
    sectors = [tag(5, bytes(partition), 0), tag(6, bytes(volume) + maps, 1), tag(8, b"", 2)]
    out = b"".join(sector.ljust(SECTOR, b"\0") for sector in sectors + blocks) + data
    anchor = struct.pack("<IIII", 3 * SECTOR, 0, 0, 0)
    return out + tag(2, anchor, len(out) // SECTOR).ljust(SECTOR, b"\0")


if __name__ == "__main__":
    sys.stdout.buffer.write(make({"a": b"first", "b": b"second" * 200}, len(sys.argv) > 1))
