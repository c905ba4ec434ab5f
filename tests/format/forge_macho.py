# SPDX-License-Identifier: Apache-2.0
"""Writes small Mach-O files whose every header field can be set; the rest is marker canvas."""
import struct

import oracle
from forge_pe import place

CPU = {"x86": 7, "x86_64": 0x1000007, "arm": 12, "arm64": 0x100000c, "ppc": 18, "ppc64": 0x1000012}


def section(address=0x1000, length=0x200, offset=0x400, align=0, name=b"__text", segment=b"__TEXT",
            flags=0x80000400):
    return name, segment, address, length, offset, align, flags


def segment(sections, bits=64, order="<", command=None, count=None, command_bytes=None,
            address=0x1000, offset=0, length=0x1000):
    """An LC_SEGMENT or LC_SEGMENT_64 with its sections."""
    wide = bits == 64
    word = "Q" if wide else "I"
    body = b""
    for name, owner, s_address, s_length, s_offset, align, flags in sections:
        body += struct.pack(order + "16s16s" + word * 2 + "I" * 7, name, owner, s_address, s_length,
                            s_offset, align, 0, 0, flags, 0, 0)
        body += bytes(4) if wide else b""
    head = 72 if wide else 56
    return struct.pack(order + "II16s" + word * 4 + "IIII",
                       (25 if wide else 1) if command is None else command,
                       head + len(body) if command_bytes is None else command_bytes, b"__TEXT",
                       address, 0x1000, offset, length, 7, 5,
                       len(sections) if count is None else count, 0) + body


def thread(cpu, entry, order="<", command=5, flavor=None, words=None, command_bytes=None):
    """An LC_UNIXTHREAD that starts at `entry`."""
    state = {"x86": (1, [0] * 10 + [entry] + [0] * 5), "arm": (1, [0] * 15 + [entry, 0]),
             "ppc": (1, [entry] + [0] * 39),
             "x86_64": (4, [0] * 32 + [entry & 0xffffffff, entry >> 32] + [0] * 8),
             "arm64": (6, [0] * 64 + [entry & 0xffffffff, entry >> 32] + [0, 0]),
             "ppc64": (5, [entry >> 32, entry & 0xffffffff] + [0] * 74)}[cpu]
    values = state[1] if words is None else words
    return struct.pack(order + "IIII", command,
                       16 + 4 * len(values) if command_bytes is None else command_bytes,
                       state[0] if flavor is None else flavor, len(values)) + b"".join(
                           struct.pack(order + "I", value) for value in values)


def main_command(entry, order="<"):
    """An LC_MAIN."""
    return struct.pack(order + "IIQQ", 0x80000028, 24, entry, 0)


def build(commands, size=4096, cpu="x86_64", bits=64, order="<", kind=2, count=None, magic=None,
          command_bytes=None, base=0, patches=()):
    """The file's bytes; `base` is where the image begins."""
    body = b"".join(commands)
    head = struct.pack(order + "IIIIIII",
                       (0xfeedfacf if bits == 64 else 0xfeedface) if magic is None else magic,
                       CPU.get(cpu, cpu), 3, kind, len(commands) if count is None else count,
                       len(body) if command_bytes is None else command_bytes, 0)
    head += struct.pack(order + "I", 0) if bits == 64 else b""
    blob = oracle.canvas(size)
    place(blob, base, head + body)
    for at, data in patches:
        place(blob, at, data)
    return bytes(blob)
