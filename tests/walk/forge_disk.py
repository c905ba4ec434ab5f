# SPDX-License-Identifier: Apache-2.0
"""Writes volumes of HFS+, and Apple disk images around partitions, for tests.

Apple Technical Note 1150; sys/decmpfs.h of XNU; libdmg-hfsplus for the trailer and the tables.
"""
import base64
import bz2
import lzma
import struct
import zlib

BLOCK = 4096
NODE = 4096
ATTRIBUTE_NODE = 8192
SECTOR = 512


# ---- HFS+ --------------------------------------------------------------------------------------

def node(kind, height, records, size, links=(0, 0)):
    out = struct.pack(">IIBBHH", *links, kind & 0xff, height, len(records), 0)
    offsets = []
    for record in records:
        offsets.append(len(out))
        out += record
    offsets.append(len(out))
    ends = b"".join(struct.pack(">H", at) for at in reversed(offsets))
    assert len(out) + len(ends) <= size
    return out.ljust(size - len(ends), b"\0") + ends


def fill_nodes(records, size):
    """Groups of records that fit into one node each."""
    groups, room = [[]], 0
    for record in records:
        if room + len(record) + 2 > size - 20 and groups[-1]:
            groups.append([])
            room = 0
        groups[-1].append(record)
        room += len(record) + 2
    return groups


def tree(records, size, key_max):
    """A tree of (key, data): a header node, the leaves, and index nodes above them."""
    packed = [struct.pack(">H", len(key)) + key + b"\0" * (len(key) % 2) + data
              for key, data in records]
    groups = fill_nodes(packed, size)
    nodes, first = [], 1
    level = []
    for i, group in enumerate(groups):
        links = (first + i + 1 if i + 1 < len(groups) else 0, first + i - 1 if i else 0)
        nodes.append(node(-1, 1, group, size, links))
        length = struct.unpack_from(">H", group[0])[0] + 2 if group else 0
        level.append((group[0][:length + length % 2] if group else b"", first + i))
    last_leaf, depth = first + len(groups) - 1, 1
    while len(level) > 1:
        depth += 1
        above, start = [], 1 + len(nodes)
        parts = fill_nodes([key + struct.pack(">I", number) for key, number in level], size)
        for i, part in enumerate(parts):
            links = (start + i + 1 if i + 1 < len(parts) else 0, start + i - 1 if i else 0)
            nodes.append(node(0, depth, part, size, links))
            length = struct.unpack_from(">H", part[0])[0] + 2
            above.append((part[0][:length + length % 2], start + i))
        level = above
    head = struct.pack(">HIIIIHHIIHIBBI", depth if records else 0, level[0][1] if records else 0,
                       len(records), first if records else 0, last_leaf if records else 0, size,
                       key_max, 1 + len(nodes), 0, 0, 0, 0, 0, 6).ljust(106, b"\0")
    return node(1, 0, [head, bytes(128), b"\xff" * (size - 14 - 106 - 128 - 8)], size) + \
        b"".join(nodes)


def units(name):
    raw = name.encode("utf-16-be")
    return struct.pack(">H", len(raw) // 2) + raw


class Volume:
    """Blocks of a volume under construction."""

    def __init__(self):
        self.blocks = [bytes(BLOCK)]
        self.overflow = []  # (kind, id, first block of the file, extents)

    def add(self, data, pieces=1):
        """Stores bytes in so many pieces; returns their extents."""
        count = -(-len(data) // BLOCK)
        pieces = max(1, min(pieces, count))
        extents, at = [], 0
        for i in range(pieces):
            size = count // pieces + (i < count % pieces)
            if pieces > 1:
                self.blocks.append(b"gap!" * (BLOCK // 4))
            if size:
                extents.append((len(self.blocks), size))
            for _ in range(size):
                self.blocks.append(data[at:at + BLOCK].ljust(BLOCK, b"\0"))
                at += BLOCK
        return extents

    def fork(self, data, pieces=1, number=0, kind=0):
        extents = self.add(data, pieces)
        before = sum(count for _, count in extents[:8])
        for i in range(8, len(extents), 8):
            self.overflow.append((number, kind, before, extents[i:i + 8]))
            before += sum(count for _, count in extents[i:i + 8])
        return struct.pack(">QII", len(data), 0, sum(count for _, count in extents)) + \
            pack_extents(extents[:8])


def pack_extents(extents):
    return b"".join(struct.pack(">II", *extent) for extent in extents).ljust(64, b"\0")


def make_file(number, data_fork, resource_fork, is_packed):
    dates = bytes(20)
    access = struct.pack(">IIBBHI", 501, 20, 0, 0x20 if is_packed else 0, 0o100644, 1)
    return struct.pack(">HHII", 2, 2, 0, number) + dates + access + bytes(16 + 16 + 8) + \
        data_fork + resource_fork


def make_folder(number, valence):
    return struct.pack(">HHII", 1, 0, valence, number) + bytes(20) + \
        struct.pack(">IIBBHI", 501, 20, 0, 0, 0o40755, 0) + bytes(16 + 16 + 8)


def hfsplus(files, mark=b"H+\0\4", name="volume"):
    """A volume; files: path: data, or a dict with data, resource, attribute and pieces."""
    volume, folders, catalog, attributes = Volume(), {"": 2}, [], []
    next_id = 16

    def thread(kind, number, parent, text):
        catalog.append(((number, ""), struct.pack(">HHI", kind, 0, parent) + units(text)))

    catalog.append(((1, name), make_folder(2, len(files))))
    thread(3, 2, 1, name)
    for path, what in files.items():
        what = what if isinstance(what, dict) else {"data": what}
        *above, last = path.split("/")
        parent = ""
        for step in above:
            child = f"{parent}/{step}"
            if child not in folders:
                folders[child] = next_id
                catalog.append(((folders[parent], step), make_folder(next_id, 1)))
                thread(3, next_id, folders[parent], step)
                next_id += 1
            parent = child
        pieces, number = what.get("pieces", 1), next_id
        next_id += 1
        forks = [volume.fork(what.get(fork, b""), pieces, number, kind)
                 for fork, kind in (("data", 0), ("resource", 0xff))]
        catalog.append(((folders[parent], last), make_file(number, *forks, "attribute" in what)))
        thread(4, number, folders[parent], last)
        if "attribute" in what:
            key = struct.pack(">HII", 0, number, 0) + units("com.apple.decmpfs")
            value = struct.pack(">IQI", 0x10, 0, len(what["attribute"])) + what["attribute"]
            attributes.append((key, value + b"\0" * (len(value) % 2)))
    catalog.sort(key=lambda record: (record[0][0], record[0][1].lower()))
    catalog = [(struct.pack(">I", key[0]) + units(key[1]), data) for key, data in catalog]
    trees = [volume.fork(tree(catalog, NODE, 516), 1),
             volume.fork(tree(attributes, ATTRIBUTE_NODE, 266), 1)]
    extents = [(struct.pack(">BBII", kind, 0, number, block), pack_extents(list_of))
               for number, kind, block, list_of in sorted(volume.overflow)]
    trees.insert(0, volume.fork(tree(extents, NODE, 10)))
    bits = volume.fork(b"\xff" * BLOCK)
    volume.blocks.append(bytes(BLOCK))
    header = mark + struct.pack(">IIIIIIIIIIIIIIIIIQ", 0x100, 0x31302e30, 0, 0, 0, 0, 0,
                                len(files), len(folders) - 1, BLOCK, len(volume.blocks), 0, 0,
                                65536, 65536, next_id, 1, 1) + bytes(32)
    header = (header + bits + b"".join(trees)).ljust(512, b"\0")
    image = bytearray(b"".join(volume.blocks))
    image[1024:1536] = header
    image[-1024:-512] = header
    return bytes(image)


def packed_inline(data):
    """decmpfs, method 3."""
    return struct.pack("<4sIQ", b"fpmc", 3, len(data)) + zlib.compress(data)


def packed_plain(data):
    """decmpfs, method 3, as it is."""
    return struct.pack("<4sIQ", b"fpmc", 3, len(data)) + b"\xff" + data


def packed_fork(data):
    """decmpfs, method 4: the attribute, and the resource fork."""
    blocks = []
    for at in range(0, len(data), 65536):
        block = zlib.compress(data[at:at + 65536])
        whole = b"\xff" + data[at:at + 65536]
        blocks.append(min(block, whole, key=len))
    at, places = 4 + 8 * len(blocks), b""
    for block in blocks:
        places += struct.pack("<II", at, len(block))
        at += len(block)
    table = struct.pack("<I", len(blocks)) + places + b"".join(blocks)
    body = struct.pack(">I", len(table)) + table
    types = struct.pack(">H4sHH", 0, b"cmpf", 0, 10) + struct.pack(">HHII", 1, 0xffff, 0, 0)
    head = struct.pack(">IIII", 256, 256 + len(body), len(body), 28 + len(types))
    names = struct.pack(">HH", 28, 28 + len(types))
    fork = head.ljust(256, b"\0") + body + head + bytes(8) + names + types
    return struct.pack("<4sIQ", b"fpmc", 4, len(data)), fork


# ---- Apple disk images -------------------------------------------------------------------------

def adc(data):
    """Apple Data Compression: literals, and both kinds of copies where bytes come again."""
    out, at, plain = b"", 0, 0

    def literals(end):
        nonlocal plain
        done = b""
        while plain < end:
            size = min(128, end - plain)
            done += bytes([0x7f + size]) + data[plain:plain + size]
            plain += size
        return done

    while at < len(data):
        best, distance = 0, 0
        for back in (1, 2, 7, 512, 1000, 4000):
            size = 0
            while back <= at and size < 67 and at + size < len(data) and \
                    data[at + size] == data[at + size - back]:
                size += 1
            if size > best:
                best, distance = size, back
        if best >= 4:
            out += literals(at)
            if best <= 18 and distance <= 1024:
                out += bytes([best - 3 << 2 | distance - 1 >> 8, distance - 1 & 0xff])
            else:
                out += struct.pack(">BH", 0x40 | best - 4, distance - 1)
            at += best
            plain = at
        else:
            at += 1
    return out + literals(at)


METHODS = {"plain": (1, bytes), "adc": (0x80000004, adc), "zlib": (0x80000005, zlib.compress),
           "bzip2": (0x80000006, bz2.compress), "xz": (0x80000008, lzma.compress)}


def checksum(value):
    return struct.pack(">III", 2, 32, value).ljust(136, b"\0")


def make_table(data, first, method, heap, chunk):
    """The chunks of one partition, appended to the heap; its table."""
    code, pack = METHODS[method]
    rows, crc = [], 0
    for at in range(0, len(data), chunk):
        part = data[at:at + chunk]
        part += b"\0" * (-len(part) % SECTOR)
        if not any(part):
            rows.append(struct.pack(">IIQQQQ", 2 if at else 0, 0, at // SECTOR,
                                    len(part) // SECTOR, len(heap), 0))
            crc = crc if at else zlib.crc32(part, crc)  # what nobody wrote does not count
            continue
        packed, crc = pack(part), zlib.crc32(part, crc)
        rows.append(struct.pack(">IIQQQQ", code, 0, at // SECTOR, len(part) // SECTOR, len(heap),
                                len(packed)))
        heap += packed
    rows.insert(0, struct.pack(">I4sQQQQ", 0x7ffffffe, b"+beg", 0, 0, 0, 0))
    total = -(-len(data) // SECTOR)
    rows.append(struct.pack(">IIQQQQ", 0xffffffff, 0, total, 0, len(heap), 0))
    head = struct.pack(">4sIQQQII", b"mish", 1, first, total, 0, 2056, 0) + bytes(24)
    head += checksum(crc) + struct.pack(">I", len(rows))
    return head + b"".join(rows)


def as_list(tables):
    out = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST ' \
          '1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist version="1.0">\n' \
          "<dict>\n\t<key>resource-fork</key>\n\t<dict>\n\t\t<key>blkx</key>\n\t\t<array>\n"
    for number, (name, table) in enumerate(tables):
        lines = base64.encodebytes(table).decode().replace("\n", "\n\t\t\t\t")
        out += f"\t\t\t<dict>\n\t\t\t\t<key>Attributes</key>\n\t\t\t\t<string>0x0050</string>\n" \
               f"\t\t\t\t<key>CFName</key>\n\t\t\t\t<string>{name}</string>\n" \
               f"\t\t\t\t<key>Data</key>\n\t\t\t\t<data>\n\t\t\t\t{lines}</data>\n" \
               f"\t\t\t\t<key>ID</key>\n\t\t\t\t<string>{number - 1}</string>\n" \
               f"\t\t\t\t<key>Name</key>\n\t\t\t\t<string>{name}</string>\n\t\t\t</dict>\n"
    return (out + "\t\t</array>\n\t</dict>\n</dict>\n</plist>\n").encode()


def as_fork(tables):
    """The same as a resource fork."""
    data, references, names = b"", b"", b""
    for number, (name, table) in enumerate(tables):
        references += struct.pack(">HHII", number, len(names), len(data), 0)
        data += struct.pack(">I", len(table)) + table
        names += bytes([len(name)]) + name.encode()
    types = struct.pack(">H4sHH", 0, b"blkx", len(tables) - 1, 10) + references
    head = struct.pack(">IIII", 256, 256 + len(data), len(data), 28 + len(types) + len(names))
    return head.ljust(256, b"\0") + data + head + bytes(8) + \
        struct.pack(">HH", 28, 28 + len(types)) + types + names


def dmg(partitions, method="zlib", chunk=1 << 18, has_list=True):
    """An image of partitions: [(name, data)]."""
    heap, tables, first = bytearray(), [], 0
    for name, data in partitions:
        tables.append((name, make_table(data, first, method, heap, chunk)))
        first += -(-len(data) // SECTOR)
    index = as_list(tables) if has_list else as_fork(tables)
    place = (len(heap), len(index))
    trailer = struct.pack(">4sIIIQQQQQII", b"koly", 4, 512, 1, 0, 0, len(heap),
                          *((0, 0) if has_list else place), 1, 1) + bytes(16)
    trailer += checksum(zlib.crc32(bytes(heap)))
    trailer += struct.pack(">QQ", *(place if has_list else (0, 0))) + bytes(120)
    parts = b"".join(table[72:76] for _, table in tables)
    trailer += checksum(zlib.crc32(parts)) + struct.pack(">IQ", 1, first) + bytes(12)
    assert len(trailer) == 512
    return bytes(heap) + index + trailer
