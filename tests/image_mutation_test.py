#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damaged images through the real command, 10,000 with OVERT_LONG=1, else a tenth of them: each is
refused with its file, the place and a reason; none is ever scanned with, and none crashes `overt`.
And what is remembered of sound ones.
"""
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

FILES = 10400 if os.environ.get("OVERT_LONG") else 1040  # some turn out to be what they were
NDB = """Plain:0:*:6e6565646c6520696e206120686179737461636b
Gap:0:*:6e6565{2-9}64??6c65*6861797374(61|62)636b
Short:0:*:41424344
Place:0:3:0102
Pe:1:EP+0:6090
"""
LDB = "L;Engine:81-255,Target:0;(0&1)>1,2|2=1;6e6565::iwa;5,4:414243;686179::f\n"
HDB = "44d88612fea8a8f36de82e1278abb02f:68:Eicar\n"


def damage(image, rng):
    data = bytearray(image)
    kind = rng.randrange(8)
    if kind == 0:  # cut
        return bytes(data[: rng.randrange(len(data))])
    if kind == 1:  # longer
        return bytes(data) + rng.randbytes(1 + rng.randrange(100))
    if kind == 2:  # a field of the header or the table
        at = rng.randrange(0, 128 + 64 * 20, 4)
        data[at : at + 4] = struct.pack("<I", rng.choice([0, 1, 64, 0x7FFFFFFF, 0xFFFFFFFF]))
    elif kind == 3:  # one bit anywhere
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 4:  # some bytes
        for _ in range(1 + rng.randrange(20)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif kind == 5:  # a run of another place
        size = 1 + rng.randrange(200)
        at, source = rng.randrange(len(data) - size), rng.randrange(len(data) - size)
        data[at : at + size] = data[source : source + size]
    elif kind == 6:  # a byte taken out
        del data[rng.randrange(len(data))]
    else:  # a byte put in
        data.insert(rng.randrange(len(data)), rng.randrange(256))
    return bytes(data)


def main():
    build = pathlib.Path(os.environ["OVERT_BUILD"]).resolve()
    overt = build / "overt"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="overt-image-"))
    environment = dict(os.environ, OVERT_STATE=str(folder / "state"), LC_ALL="C")
    failures = []

    def run(*args):
        return subprocess.run([overt, *map(str, args)], capture_output=True, text=True,
                              env=environment, timeout=60)

    def check(holds, what):
        if not holds:
            failures.append(what)
            print("image_mutation_test:", what)

    def scan_damaged(index):
        rng = random.Random(index)
        data = damage(image, rng)
        if data == image:
            return 0
        path = folder / f"bad{index}.ovi"
        path.write_bytes(data)
        got = run("scan", "--no-journal", "--rules", path, folder / "object")
        words = got.stderr
        check(got.returncode == 2, f"damage {index}: exit {got.returncode}: {words}{got.stdout}")
        check(str(path) in words and re.search(r"\(byte \d+\)", words) is not None,
              f"damage {index}: no file, place and reason: {words}")
        check("Sanitizer" not in words and "runtime error" not in words, f"damage {index}: {words}")
        check(" OK" not in got.stdout and "FOUND" not in got.stdout, f"damage {index} was used")
        path.unlink()
        return 1

    try:
        (folder / "object").write_bytes(b"xyz a needle in a haystack ABCD")
        for name, text in (("a.ndb", NDB), ("a.ldb", LDB), ("a.hdb", HDB)):
            (folder / name).write_text(text)
        sound = folder / "sound.ovi"
        got = run("rules", "build", "-o", sound, folder / "a.ndb", folder / "a.ldb",
                  folder / "a.hdb")
        check(got.returncode == 0, f"the image is not built: {got.stderr}")
        image = sound.read_bytes()
        got = run("scan", "--no-journal", "--rules", sound, folder / "object")
        check(got.returncode == 1 and "FOUND" in got.stdout, f"sound: {got.stderr}{got.stdout}")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            tried = sum(pool.map(scan_damaged, range(FILES)))
        check(tried >= FILES * 15 // 16, f"only {tried} images were damaged")

        # A sound image is remembered once it has settled; a changed one under its name is not
        # taken for it, not even with the old times.
        stamps = folder / "state" / "images"
        check(not stamps.exists() or not any(stamps.iterdir()), "a fresh image was remembered")
        time.sleep(3.2)
        got = run("scan", "--no-journal", "--rules", sound, folder / "object")
        check(got.returncode == 1, f"settled: {got.stderr}")
        check(stamps.exists() and len(list(stamps.iterdir())) == 1, "nothing was remembered")
        check(run("scan", "--no-journal", "--rules", sound, folder / "object").returncode == 1, "with the stamp")
        times = sound.stat()
        changed = bytearray(image)
        changed[-1] ^= 1
        sound.write_bytes(changed)
        os.utime(sound, ns=(times.st_atime_ns, times.st_mtime_ns))
        got = run("scan", "--no-journal", "--rules", sound, folder / "object")
        check(got.returncode == 2, f"changed in place: exit {got.returncode}: {got.stderr}")
        print(f"image_mutation_test: {tried} damaged images, {len(failures)} failures")
    finally:
        shutil.rmtree(folder)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
