# SPDX-License-Identifier: Apache-2.0
"""Partition tables whose partitions may overlap, and whose fields may be wrong."""
import struct
import zlib

SECTOR = 512
SECTORS = 64


def noise(rng, sectors=SECTORS):
    return bytearray(rng.randbytes(SECTOR) * sectors)


def places(rng, count, first=2, last=SECTORS - 1):
    """Partitions (first sector, count), most of them apart from each other."""
    made, at = [], first
    for _ in range(count):
        size = rng.randrange(1, 8)
        if at + size > last:
            break
        made.append((at, size))
        at += size + rng.randrange(3)
    if made and rng.random() < 0.5:
        number = rng.randrange(len(made))
        at, size = made[number]
        made[number] = rng.choice(((at, size + rng.randrange(9)), (max(first, at - 1), size),
                                   (at, 0), rng.choice(made)))
    return [(at, min(size, last - at)) for at, size in made]


def entry(kind, at, size, status=0):
    return struct.pack("<B3xB3xII", status, kind, at, size)


def put_record(image, sector, entries):
    table = b"".join(entries).ljust(64, b"\0")
    image[sector * SECTOR + 446:sector * SECTOR + 512] = table + b"\x55\xaa"


def boot_record(rng, parts=None):
    image = noise(rng)
    image[SECTOR:SECTOR + 8] = bytes(8)
    parts = parts or places(rng, rng.randrange(1, 5))
    kinds = [rng.choice((7, 7, 7, 0x83, 0, 5, 0xf, 0x85)) for _ in parts]
    put_record(image, 0, [entry(kind, *part) for kind, part in zip(kinds, parts)])
    for kind, (start, size) in zip(kinds, parts):
        own = rng.choice((1, 3, size))
        step = rng.choice((0, 1, 2, 4))
        if kind == 5 and rng.random() < 0.8:
            put_record(image, start, [entry(7, 1, own), entry(rng.choice((5, 5, 0xf)), step, 2)])
            if step and start + step < SECTORS and rng.random() < 0.8:
                put_record(image, start + step, [entry(7, 1, 1), entry(rng.choice((0, 5)), 0, 0)])
    extra = rng.choice((0,) * 9 + (1, 511))
    return bytes(image) + bytes(extra)


def gpt_header(own, other, table_at, table, count, change):
    head = struct.pack("<8sIII4xQQQQ16sQIII", b"EFI PART", 0x10000, change.get("bytes", 92), 0, own,
                       other, change.get("first", 34), change.get("last", SECTORS + 200 - 34),
                       bytes(16), table_at, count, 128, change.get("sum", zlib.crc32(table)))
    return head[:16] + struct.pack("<I", zlib.crc32(head)) + head[20:]


def guid_table(rng):
    total = SECTORS + 200
    image = noise(rng, total)
    put_record(image, 0, [entry(0xee, 1, total - 1)])
    count = rng.choice((4, 60, 128))
    parts = places(rng, min(count, rng.choice((2, 5, 9))), 34, total - 33)
    entries = [struct.pack("<16s16sQQQ72s", b"\1" * 16, bytes(16), at, at + max(size, 1) - 1, 0, b"")
               for at, size in parts]
    if rng.random() < 0.2 and count > 60:
        entries = [bytes(128)] * rng.choice((48, 49, 50)) + entries
    table = b"".join(entries).ljust(count * 128, b"\0")[:count * 128]
    change = rng.choice(({},) * 6 + ({"bytes": 93}, {"first": 33}, {"last": 50}, {"sum": 1}))
    second = rng.choice(({}, change))
    image[SECTOR * 2:SECTOR * 2 + len(table)] = table
    image[(total - 33) * SECTOR:(total - 33) * SECTOR + len(table)] = table
    image[SECTOR:SECTOR * 2] = gpt_header(1, total - 1, 2, table, count, change).ljust(SECTOR, b"\0")
    image[-SECTOR:] = gpt_header(total - 1, 1, total - 33, table, count, second).ljust(SECTOR, b"\0")
    if rng.random() < 0.2:
        image[SECTOR + rng.randrange(92)] ^= 1
    return bytes(image)


def apple_map(rng):
    block = rng.choice((512, 512, 512, 2048))  # clamscan knows maps by blocks of 512 alone
    image = noise(rng, 256)
    step = 512
    stated = len(image) // block + rng.choice((0,) * 9 + (1,))
    image[:512] = struct.pack(">2sHI", b"ER", block, stated).ljust(512, b"\0")
    parts = [(1, 63)] + places(rng, rng.randrange(1, 9), 64, 250)
    count = rng.choice((len(parts),) * 5 + (60,))
    for number, (at, size) in enumerate(parts, 1):
        kind = b"Apple_partition_map" if number == 1 else \
            rng.choice((b"Apple_HFS", b"Apple_Driver", b"Apple_Driver43_CD", b"Apple_Free"))
        head = struct.pack(">2s2xIII32s32s", b"PM", count, at, size, b"name", kind)
        image[number * step:number * step + 512] = head.ljust(512, b"\0")
    if len(parts) < 9 and rng.random() < 0.2:
        image[step] = 0
    return bytes(image)
