# SPDX-License-Identifier: Apache-2.0
"""The tree of RFC 6962 and the files of C2SP tlog-tiles, straight from these two."""
import hashlib
import struct


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_hash(entry):
    return sha256(b"\0", entry)


def half_of(count):
    half = 1
    while half * 2 < count:
        half *= 2
    return half


def root_of(hashes):
    """MTH of RFC 6962 section 2.1, of leaf hashes."""
    if not hashes:
        return sha256()
    if len(hashes) == 1:
        return hashes[0]
    half = half_of(len(hashes))
    return sha256(b"\1", root_of(hashes[:half]), root_of(hashes[half:]))


def path_of(index, hashes):
    """PATH of section 2.1.1."""
    if len(hashes) == 1:
        return []
    half = half_of(len(hashes))
    if index < half:
        return path_of(index, hashes[:half]) + [root_of(hashes[half:])]
    return path_of(index - half, hashes[half:]) + [root_of(hashes[:half])]


def growth(old, hashes, is_whole=True):
    """PROOF and SUBPROOF of section 2.1.2."""
    if old == len(hashes):
        return [] if is_whole else [root_of(hashes)]
    half = half_of(len(hashes))
    if old <= half:
        return growth(old, hashes[:half], is_whole) + [root_of(hashes[half:])]
    return growth(old - half, hashes[half:], False) + [root_of(hashes[:half])]


def number_path(number):
    text = f"{number:03d}"
    text = text.zfill((len(text) + 2) // 3 * 3)
    groups = [text[i:i + 3] for i in range(0, len(text), 3)]
    return "/".join(["x" + group for group in groups[:-1]] + groups[-1:])


def in_files(folder, items, join):
    """{path: bytes} of what stands 256 to a file, the rest in a partial one."""
    files = {}
    for number in range((len(items) + 255) // 256):
        part = items[256 * number:256 * number + 256]
        end = "" if len(part) == 256 else f".p/{len(part)}"
        files[f"tile/{folder}/{number_path(number)}{end}"] = join(part)
    return files


def tree_files(entries):
    """All files of a log of these entries: tlog-tiles, "Merkle Tree" and "Log Entries"."""
    files = in_files("entries", entries,
                     lambda part: b"".join(struct.pack(">H", len(e)) + e for e in part))
    row, level = list(map(leaf_hash, entries)), 0
    while row:
        files.update(in_files(level, row, b"".join))
        row = [root_of(row[i:i + 256]) for i in range(0, len(row) & ~255, 256)]
        level += 1
    return files
