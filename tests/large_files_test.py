#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Large files are hashed side by side, in groups: each must be found by its own digest, whatever
else is in the group. Digests are Python's; some rules have no size, so that all files are hashed.
TAP."""
import hashlib
import json
import os
import pathlib
import random
import subprocess

OVERT = os.path.join(os.environ["OVERT_BUILD"], "overt")


def make_files(sizes, source):
    """Writes the files and rules for every second one; returns the names that must be found."""
    wanted = {}
    rules = []
    os.mkdir("tree")
    for i, size in enumerate(sizes):
        data = source.randbytes(size)
        name = f"tree/f{i:03}"
        pathlib.Path(name).write_bytes(data)
        if i % 2 == 0:
            kind = (hashlib.md5, hashlib.md5, hashlib.sha1, hashlib.sha256)[i // 2 % 4]
            number = "*" if i % 6 == 0 else size
            rules.append(f"{kind(data).hexdigest()}:{number}:Large-{i:03}:73\n")
            wanted[name] = f"Large-{i:03}.UNOFFICIAL"
        elif i % 3 == 0:  # one byte away from a rule
            rules.append(f"{hashlib.md5(data[:-1]).hexdigest()}:*:Wrong-{i:03}:73\n")
    pathlib.Path("rules.hsb").write_text("".join(rules))
    return wanted


def main():
    source = random.Random(5)
    sizes = [131073, 65537, 65536, 131072, 9_000_000, 1, 3_000_001]
    sizes += [int(2 ** source.uniform(16, 22)) for _ in range(70)] + [0]
    wanted = make_files(sizes, source)
    print("1..3")
    for number, jobs in enumerate((1, 2, 5), 1):
        done = subprocess.run([OVERT, "scan", "--rules", "rules.hsb", "--json", "--jobs", str(jobs),
                               "tree"], check=False, capture_output=True, timeout=100)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        found = {line["path"]: line["detections"][0]["rule"] for line in lines
                 if line.get("verdict") == "found"}
        paths = [line["path"] for line in lines if "path" in line]
        is_good = found == wanted and paths == [f"tree/f{i:03}" for i in range(len(sizes))]
        print(f"{'ok' if is_good else 'not ok'} {number} - {jobs} jobs")
        if not is_good:
            print("#", {path: (found.get(path), wanted.get(path)) for path in {*found, *wanted}
                        if found.get(path) != wanted.get(path)}, done.stderr[-300:])


main()
