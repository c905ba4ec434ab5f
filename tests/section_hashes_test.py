#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sections of many programs are hashed side by side: each program must be found by the digest of its
own section, however many sections the others have and whether they overlap. Digests are Python's;
every size has a rule, so that all sections are hashed. TAP."""
import hashlib
import json
import os
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "format"))
import forge_pe  # noqa: E402

OVERT = os.path.join(os.environ["OVERT_BUILD"], "overt")
SIZES = [0x200 * n for n in (1, 2, 3, 5, 8, 40, 900)]


def make_program(source, count, is_overlapping):
    """A program with that many sections, and their bytes."""
    rows, parts, at = [], [], 0x1000
    for i in range(count):
        size = source.choice(SIZES[:5] if count > 20 else SIZES)
        rows.append(forge_pe.section(b".s%d" % i, 0x80000, 0x1000 + 0x80000 * i, size, at))
        parts.append((at, size))
        at += 0 if is_overlapping else size
    end = max(at + size for at, size in parts)
    data = forge_pe.build(size=0x1000, headers_bytes=0x1000, sections=rows, file_align=0x200,
                          section_align=0x1000)
    data += source.randbytes(end - len(data))
    return data, [data[at:at + size] for at, size in parts]


def make_tree(source):
    """Writes programs and rules; returns the names that must be found in each program."""
    wanted, lines = {}, {"mdb": [], "msb": []}
    os.mkdir("tree")
    for i in range(70):
        count = (1, 3, 4, 60, 7, 2)[i % 6]
        data, sections = make_program(source, count, i % 11 == 5)
        name = f"tree/p{i:03}"
        pathlib.Path(name).write_bytes(data)
        section = sections[source.randrange(count)]
        kind = (hashlib.md5, hashlib.md5, hashlib.sha1, hashlib.sha256)[i // 2 % 4]
        text = "mdb" if kind is hashlib.md5 else "msb"
        if i % 2 == 0:
            lines[text].append(f"{len(section)}:{kind(section).hexdigest()}:Part-{i:03}\n")
            wanted[name] = f"Part-{i:03}.UNOFFICIAL"
    for size in SIZES:  # no program has these
        lines["mdb"].append(f"{size}:{hashlib.md5(b'%d' % size).hexdigest()}:Other-{size}\n")
    for suffix, text in lines.items():
        pathlib.Path(f"rules.{suffix}").write_text("".join(text))
    return wanted


def main():
    wanted = make_tree(random.Random(9))
    print("1..3")
    for number, jobs in enumerate((1, 2, 5), 1):
        done = subprocess.run([OVERT, "scan", "--no-journal", "--rules", "rules.mdb", "--rules", "rules.msb",
                               "--json", "--jobs", str(jobs), "tree"], check=False, capture_output=True,
                              timeout=100)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        found = {line["path"]: line["detections"][0]["rule"] for line in lines
                 if line.get("verdict") == "found"}
        print(f"{'ok' if found == wanted else 'not ok'} {number} - {jobs} jobs")
        if found != wanted:
            print("#", {path: (found.get(path), wanted.get(path)) for path in {*found, *wanted}
                        if found.get(path) != wanted.get(path)}, done.stderr[-300:])


main()
