# SPDX-License-Identifier: Apache-2.0
"""Writes OneNote sections for tests: just enough of [MS-ONESTORE] and [MS-FSSHTTPB]."""
import struct

SECTION = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
DESKTOP = bytes.fromhex("3fdd9a101b91f549a5d01791edc8aed8")
PACKAGE = bytes.fromhex("2fe98d63d4a6c14b9a36b3fc2511a5b7")
STORE = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
FOOTER = bytes.fromhex("22a7fb71790f0b4abb13899256426b24")


def store(data, size=None):
    """A FileDataStoreObject, which may lie about its size."""
    size = len(data) if size is None else size
    return STORE + struct.pack("<QIQ", size, 0, 0) + data + bytes(-len(data) % 8) + FOOTER


def desktop(stores, gap=b"\1 other bytes \2"):
    return (SECTION + bytes(32) + DESKTOP).ljust(1024, b"\0") + gap + gap.join(stores) + gap


def compact(number):
    for size in range(1, 8):
        if number < 1 << 7 * size:
            return (((number << 1 | 1) << (size - 1))).to_bytes(size, "little")
    return b"\x80" + number.to_bytes(8, "little")


def web_object(kind, data, is_open=False):
    flags = 2 | is_open << 2 | kind << 3
    if len(data) < 0x7fff:
        return struct.pack("<I", flags | len(data) << 17) + data
    return struct.pack("<I", flags | 0x7fff << 17) + compact(len(data)) + data


def web(blobs):
    """A section as OneNote for the web exports it."""
    out = web_object(0x7a, bytes(33), True) + struct.pack("<H", 1 << 2 | 0x15 << 3 | 1 << 9) + b"\0"
    for blob in blobs:
        out += struct.pack("<H", 1 << 2 | 1 << 3 | 43 << 9) + bytes(43)
        out += web_object(2, compact(len(blob)) + blob) + b"\x05"
    out += b"\x55" + struct.pack("<H", 3 | 0x7a << 2)
    return SECTION + bytes(32) + PACKAGE + bytes(4) + out
