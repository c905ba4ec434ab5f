# SPDX-License-Identifier: Apache-2.0
"""Zip archives whose headers say what a test wants them to say (APPNOTE.TXT 4.3)."""
import struct
import zlib

STORED, DEFLATED = 0, 8


def deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


class Member:
    """What a header says of a member; `with_` gives one that says something else."""

    def __init__(self, name, plain, method=DEFLATED, packed=None, **fields):
        self.name = name
        self.packed = packed if packed is not None else \
            deflate(plain) if method == DEFLATED else plain
        self.method, self.flags = method, 0
        self.crc, self.packed_bytes, self.plain_bytes = \
            zlib.crc32(plain), len(self.packed), len(plain)
        self.descriptor = b""
        self.extra = b""
        self.disk = 0
        self.__dict__.update(fields)

    def with_(self, **fields):
        copy = Member(self.name, b"")
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update(fields)
        return copy

    def common(self):
        return struct.pack("<HHHHIII", self.flags, self.method, 0, 0x21, self.crc,
                           self.packed_bytes, self.plain_bytes)

    def local(self):
        return b"PK\3\4" + struct.pack("<H", 20) + self.common() + struct.pack(
            "<HH", len(self.name), len(self.extra)) + self.name + self.extra + self.packed + \
            self.descriptor

    def central(self, at):
        return b"PK\1\2" + struct.pack("<HH", 20, 20) + self.common() + struct.pack(
            "<HHHHHII", len(self.name), len(self.extra), 0, self.disk, 0, 0, at) + self.name + \
            self.extra


def end(count, size, at, disk=0, comment=b""):
    return b"PK\5\6" + struct.pack("<HHHHIIH", disk, disk, count, count, size, at,
                                   len(comment)) + comment


def build(locals_, centrals=None, before=b"", is_adjusted=False, comment=b""):
    """The members one after the other, then the directory: of pairs (member, index of its local
    header), or of all in order."""
    body, places = b"", []
    for member in locals_:
        places.append(len(body) + (len(before) if is_adjusted else 0))
        body += member.local()
    if centrals is None:
        centrals = list(zip(locals_, range(len(locals_))))
    directory = b"".join(member.central(places[i]) for member, i in centrals)
    at = len(body) + (len(before) if is_adjusted else 0)
    return before + body + directory + end(len(centrals), len(directory), at, comment=comment)
