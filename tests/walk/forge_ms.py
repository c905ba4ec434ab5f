# SPDX-License-Identifier: Apache-2.0
"""Cabinets, compiled help and SZDD files, as small as they can be.

[MS-CAB], [MS-PATCH] 2 for LZX, and for the other two what is known of them ("Unofficial (Preliminary)
HTML Help Specification"; the format of COMPRESS.EXE).
"""
import struct
import zlib


# ---- cabinets ----------------------------------------------------------------------------------

def mszip(data):
    """Blocks of at most 32 KB, each with what was before it as a dictionary."""
    blocks = []
    for at in range(0, len(data), 32768):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=data[max(0, at - 32768):at])
        block = data[at:at + 32768]
        blocks.append((b"CK" + packer.compress(block) + packer.flush(), len(block)))
    return blocks


def lzx_stored(data):
    """LZX blocks that are not compressed: 16-bit words, high bit first."""
    blocks = []
    for at in range(0, len(data), 32768):
        block = data[at:at + 32768]
        # At the start one bit (no x86 translation); then 3 bits of type and 24 of size.
        bits = ("0" if at == 0 else "") + format(3, "03b") + format(len(block), "024b")
        bits += "0" * (-len(bits) % 16 or 16 if at == 0 else -len(bits) % 16)
        words = b"".join(struct.pack("<H", int(bits[i:i + 16], 2)) for i in range(0, len(bits), 16))
        repeats = struct.pack("<III", 1, 1, 1)
        blocks.append((words + repeats + block + b"\0" * (len(block) % 2), len(block)))
    return blocks


def stored(data):
    return [(data[at:at + 32768], len(data[at:at + 32768])) for at in range(0, len(data), 32768)]


METHODS = {"stored": (0, stored), "mszip": (1, mszip), "lzx": (3 | 15 << 8, lzx_stored)}


def cabinet(folders, flags=0):
    """Folders: (method, [(name, data)])."""
    files, folder_heads, data_parts = b"", [], []
    file_count = sum(len(members) for _, members in folders)
    for number, (method, members) in enumerate(folders):
        offset = 0
        for name, data in members:
            files += struct.pack("<IIHHHH", len(data), offset, number, 0x21, 0, 0x20) + name + b"\0"
            offset += len(data)
        code, pack = METHODS[method]
        blocks = pack(b"".join(data for _, data in members))
        folder_heads.append((len(blocks), code))
        data_parts.append(b"".join(struct.pack("<IHH", 0, len(packed), size) + packed
                                   for packed, size in blocks))
    files_at = 36 + 8 * len(folders)
    data_at = files_at + len(files)
    heads = b""
    for (count, code), part in zip(folder_heads, data_parts):
        heads += struct.pack("<IHH", data_at, count, code)
        data_at += len(part)
    return b"MSCF" + struct.pack("<IIIIIBBHHHHH", 0, data_at, 0, files_at, 0, 3, 1, len(folders),
                                 file_count, flags, 1, 0) + heads + files + b"".join(data_parts)


# ---- compiled help -----------------------------------------------------------------------------

def encint(value):
    out = [value & 0x7f]
    while value > 0x7f:
        value >>= 7
        out.append(value & 0x7f | 0x80)
    return bytes(reversed(out))


def help_file(members):
    """Files that are not compressed (section 0)."""
    entries, content = b"", b""
    for name, data in sorted(members):
        entries += encint(len(name)) + name + encint(0) + encint(len(content)) + encint(len(data))
        content += data
    chunk_bytes = 4096
    free = chunk_bytes - 20 - len(entries)
    chunk = b"PMGL" + struct.pack("<IIii", free, 0, -1, -1) + entries
    chunk += b"\0" * (free - 2) + struct.pack("<H", len(members))
    rest = b"\xfd\x01\x7c\xaa\x7b\xd0\x11\x9e\x0c\x00\xa0\xc9\x22\xe6\xec"
    guid = b"\x6a\x92\x02\x5d\x2e\x21\xd0\x11\x9d\xf9\x00\xa0\xc9\x22\xe6\xec"
    directory = b"ITSP" + struct.pack("<IIIIIIiIIiII", 1, 0x54, 10, chunk_bytes, 2, 1, -1, 0, 0, -1,
                                      1, 0x409) + guid + struct.pack("<Iiii", 0x54, -1, -1, -1)
    directory += chunk
    data_at = 0x60 + 0x18 + len(directory)
    section0 = struct.pack("<IIQII", 0x1fe, 0, data_at + len(content), 0, 0)
    head = b"ITSF" + struct.pack("<IIIII", 3, 0x60, 1, 0, 0x409) + b"\x10" + rest + b"\x11" + rest
    head += struct.pack("<QQQQQ", 0x60, 0x18, 0x78, len(directory), data_at)
    return head + section0 + directory + content


# ---- COMPRESS.EXE ------------------------------------------------------------------------------

def szdd(data):
    """Literals, and a match wherever the three bytes before come again at once."""
    out, at, position, group = b"", 0, 4096 - 16, []

    def flush():
        nonlocal out, group
        if group:
            flags = sum(1 << i for i, item in enumerate(group) if len(item) == 1)
            out += bytes([flags]) + b"".join(group)
            group = []

    while at < len(data):
        size = 0
        if at >= 3:
            while size < 18 and at + size < len(data) and data[at + size] == data[at + size - 3]:
                size += 1
        if size >= 3:
            start = (position - 3) % 4096
            group.append(bytes([start & 0xff, start >> 4 & 0xf0 | size - 3]))
        else:
            size = 1
            group.append(data[at:at + 1])
        at, position = at + size, (position + size) % 4096
        if len(group) == 8:
            flush()
    flush()
    return b"SZDD\x88\xf0\x27\x33A\0" + struct.pack("<I", len(data)) + out
