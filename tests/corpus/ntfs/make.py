#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes files.img.xz with ntfs-3g: a volume of NTFS, mounted and written to. Needs root and FUSE.

The table of capital letters, which nothing here reads and no program packs well, is blanked.
tests/ntfs_test.py knows what the files hold.
"""
import hashlib
import lzma
import os
import pathlib
import subprocess
import sys
import tempfile

IMAGE_BYTES = 4 << 20
CAPITALS_BYTES = 131072


def run(*command):
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def lines(word, count):
    return b"".join(b"%s, line %d\n" % (word.encode(), i) for i in range(count))


def noise(size):
    return b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(size // 32 + 1))[:size]


PIECES = lines("big", 40000)[:560_000]
FILES = {
    "small": b"in its record", "dir/sub/\u00e4\u4e2d.txt": lines("deep", 300), "empty": b"",
    "streams": lines("first", 9), "streams:second": lines("second", 900), "streams:tiny": b"tiny",
    "packed/text": lines("packed", 6000),
    "packed/mixed": noise(6000) + bytes(100000) + lines("after", 3000) + b"\1" * 70000,
    "packed/tiny": b"packed, but in its record", "hole": bytes(300_000) + b"behind the hole",
    "pieces": PIECES, "others": PIECES, "third": PIECES,
}


def fill(folder):
    (folder / "dir/sub").mkdir(parents=True)
    (folder / "packed").mkdir()
    os.setxattr(folder / "packed", "system.ntfs_attrib_be", b"\0\0\x08\0")  # compressed
    for name, data in FILES.items():
        if data is not PIECES and name != "hole":
            (folder / name).write_bytes(data)
    with open(folder / "hole", "wb") as file:
        file.seek(300_000)
        file.write(FILES["hole"][300_000:])
    for at in range(0, len(PIECES), 512):  # in turn, so that none is in one piece
        for name in ("pieces", "others", "third"):
            with open(folder / name, "ab") as file:
                file.write(PIECES[at:at + 512])
                os.fsync(file.fileno())


def main():
    with tempfile.TemporaryDirectory() as folder:
        image, mounted = pathlib.Path(folder, "image"), pathlib.Path(folder, "mounted")
        image.write_bytes(bytes(IMAGE_BYTES))
        mounted.mkdir()
        run("mkntfs", "-Q", "-F", "-q", "-c", "512", image)
        run("ntfs-3g", "-o", "compression,streams_interface=windows", image, mounted)
        try:
            fill(mounted)
        finally:
            run("fusermount", "-u", mounted)
        data = bytearray(image.read_bytes())
    at = data.find(b"\x00\xc8\x01\xc8\x02\xc8") - 0xc800 * 2
    assert data[at:at + 8] == b"\0\0\1\0\2\0\3\0"
    data[at:at + CAPITALS_BYTES] = bytes(CAPITALS_BYTES)
    pathlib.Path(sys.argv[1]).write_bytes(lzma.compress(bytes(data), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
