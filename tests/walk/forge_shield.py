# SPDX-License-Identifier: Apache-2.0
"""Writes what InstallShield would: cabinets of versions 5 to 17, in one or several volumes, and
files behind a program, plain or scrambled. unshield reads the cabinets."""
import hashlib
import struct
import zlib

SPLIT, SCRAMBLED, PACKED, INVALID = 1, 2, 4, 8
PAD = bytes([0xec, 0xca, 0x79, 0xf8])
DATA_AT = 0x200


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def in_chunks(data, size=0x8000):
    chunks = [deflate(data[at:at + size]) for at in range(0, len(data), size)]
    return b"".join(struct.pack("<H", len(chunk)) + chunk for chunk in chunks)


def in_stream(data, size=0x8000):
    """As old versions did: one stream, flushed now and then, without an end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(data[at:at + size]) + packer.flush(zlib.Z_FULL_FLUSH)
                    for at in range(0, len(data), size))


def scramble(data):
    mixed = ((byte + at % 0x47) & 0xff for at, byte in enumerate(data))
    return bytes(((byte << 2 | byte >> 6) & 0xff) ^ 0xd5 for byte in mixed)


class Cabinet:
    """`files`: {name: data}. `volume_bytes`: of data in each volume, None: all in the first."""

    def __init__(self, files, version=9, flags=PACKED, volume_bytes=None, pack=in_chunks):
        self.is_old, self.is_wide, self.version = version <= 5, version >= 17, version
        self.names, self.plain, self.base_flags = list(files), list(files.values()), flags
        self.stored = [pack(data) if flags & PACKED else data for data in self.plain]
        if flags & SCRAMBLED:
            self.stored = [scramble(data) for data in self.stored]
        self.flags = [flags] * len(files)
        self.places = []  # (volume, offset)
        self.make_volumes(volume_bytes or sum(map(len, self.stored)) + 1)

    def common(self, at=0, size=0):
        number = 0x02000000 + self.version * 100 if self.version > 9 else \
            0x01000000 + (self.version << 12)
        return struct.pack("<4sIIII", b"ISc(", number, 0, at, size)

    def make_volumes(self, room):
        pieces = [[]]  # of each volume: (file, offset in it, offset in the file, size)
        used = 0
        for number, data in enumerate(self.stored):
            done = 0
            while True:
                size = min(len(data) - done, room - used)
                if done == 0:
                    self.places.append((len(pieces), DATA_AT + used))
                pieces[-1].append((number, DATA_AT + used, done, size))
                used, done = used + size, done + size
                if done == len(data):
                    break
                self.flags[number] |= 0 if self.is_old else SPLIT
                pieces.append([])
                used = 0
        self.volumes = [self.make_volume(listed) for listed in pieces]

    def make_volume(self, listed):
        numbers = "<IIII" + ("IIIIII" if self.is_old else "QQQQQQ")
        ends = []
        for number, at, _, size in (listed[0], listed[-1]):
            part = size if not self.base_flags & PACKED else len(self.plain[number])
            ends += [at, part, size]
        head = self.common() + struct.pack(numbers, DATA_AT, 0, listed[0][0], listed[-1][0], *ends)
        data = b"".join(self.stored[number][done:done + size] for number, _, done, size in listed)
        return head.ljust(DATA_AT, b"\0") + data

    def text(self, text):
        return (text + "\0").encode("utf-16-le" if self.is_wide else "latin-1")

    def header(self):
        """The descriptor, a group of all files, a table with the names, and the files."""
        count = len(self.names)
        group_at, table_at = 0x400, 0x500
        list_bytes = 4 * (1 + (count if self.is_old else 0))
        texts, places = b"", []
        for name in ("folder", *self.names):
            places.append(list_bytes + len(texts))
            texts += self.text(name)
        files_at = list_bytes + len(texts)
        entries = [self.entry(i, places[1 + i]) for i in range(count)]
        table = struct.pack("<I", places[0])
        if self.is_old:
            table += b"".join(struct.pack("<I", files_at + i * len(entries[0]))
                              for i in range(count))
        table += texts + b"".join(entries)
        descriptor = struct.pack("<12xIIIII8xII", table_at, 0, files_at, files_at, 1, count,
                                 files_at).ljust(0x3e, b"\0")
        descriptor += struct.pack("<I", group_at)
        group = struct.pack("<III", group_at + 0x80, group_at + 0x10, 0).ljust(16, b"\0")
        group += struct.pack("<I", group_at + 0x80) + bytes(0x48 if self.is_old else 0x12)
        group += struct.pack("<II", 0, count - 1)
        group = group.ljust(0x80, b"\0") + self.text("Group")
        body = descriptor.ljust(group_at, b"\0") + group
        body = body.ljust(table_at, b"\0") + table
        return self.common(DATA_AT, len(body)).ljust(DATA_AT, b"\0") + body

    def entry(self, i, name_at):
        volume, at = self.places[i]
        sizes = (len(self.plain[i]), len(self.stored[i]))
        digest = hashlib.md5(self.plain[i]).digest()
        if self.is_old:
            return struct.pack("<IHHHII20xI16s", name_at, 0, 0, self.flags[i], *sizes, at, digest)
        return struct.pack("<HQQQ16s16xIH12xIIBH", self.flags[i], *sizes, at, digest, name_at, 0, 0,
                           0, 0, volume)

    def files(self):
        """The files of an installer: {name: bytes}."""
        made = {f"data{i}.cab": volume for i, volume in enumerate(self.volumes, 1)}
        return {"data1.hdr": self.header(), **made}

    def whole(self):
        """One file with both: the header stands behind the data."""
        assert len(self.volumes) == 1
        body = self.volumes[0]
        descriptor = self.header()[DATA_AT:]
        return self.common(len(body), len(descriptor)) + body[20:] + descriptor


# ---- files behind a program --------------------------------------------------------------------

def program():
    """Headers of a program with one section, up to byte 1024."""
    head = struct.pack("<2s58xI", b"MZ", 0x80).ljust(0x80, b"\0") + b"PE\0\0"
    head += struct.pack("<HHIIIHH", 0x14c, 1, 0, 0, 0, 224, 0x102)
    head += struct.pack("<H14xIIIIII", 0x10b, 0x1000, 0x1000, 0x1000, 0x400000, 0x1000, 0x200)
    head += struct.pack("<16xIIIHH20xI", 0x2000, 0x200, 0, 2, 0, 16) + bytes(128)
    head += struct.pack("<8sIIII12xI", b".text", 512, 0x1000, 512, 512, 0x60000020)
    return head.ljust(1024, b"\xc3")


def plain_files(files, is_wide=False):
    made = struct.pack("<I", len(files)) if is_wide else b""
    for name, data in files.items():
        for text in (name, "Disk1\\" + name, "0.0.0.0", str(len(data))):
            made += (text + "\0").encode("utf-16-le" if is_wide else "latin-1")
        made += data
    return made


def scramble_stream(data, name, period):
    key = bytes(byte ^ PAD[at % 4] for at, byte in enumerate(name))
    mixed = (byte ^ key[at % period % len(key)] for at, byte in enumerate(data))
    return bytes((byte << 4 | byte >> 4) & 0xff for byte in mixed)


def stream(files, flags=6, is_packed=True, version=0):
    """Scrambled files; `version` 1 to 4: in the newer kind."""
    mark = b"ISSetupStream" if version else b"InstallShield"
    made = struct.pack("<14sHI26x", mark, len(files), version)
    for name, data in files.items():
        stored = zlib.compress(data) if is_packed else data
        if flags & 6:
            stored = scramble_stream(stored, name.encode(), 1024 if flags & 4 else 1 << 40)
        if version:
            wide = name.encode("utf-16-le")
            made += struct.pack("<IIHI8xH", len(wide), flags, 0, len(stored), is_packed)
            made += bytes(24 if version == 4 else 0) + wide + stored
        else:
            made += struct.pack("<260sIIQIH30x", name.encode(), flags, 0, len(stored), 0, is_packed)
            made += stored
    return made
