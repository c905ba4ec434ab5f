#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Picks the bench and training trees out of unpacked packages: so many bytes of each kind.
"""corpus_pick.py UNPACKED OUT   (called by corpus.sh; UNPACKED has bench/ and train/)

The choice depends on the files' contents alone (order of their SHA-256), so two machines with the
same packages get the same trees. Files are hard links, so the trees cost no space.
"""
import hashlib
import os
import shutil
import sys

MB = 1000 * 1000
# Bytes wanted of each kind; the bench has the sizes of the engine's design measurements.
WANTED = {
    "bench": {"pe": 125 * MB, "elf": 180 * MB, "text": 136 * MB, "other": 42 * MB},
    "train": {"pe": 90 * MB, "elf": 130 * MB, "text": 110 * MB, "other": 40 * MB},
}
CS_WANTED = {"pe": 28 * MB, "elf": 40 * MB, "text": 32 * MB, "other": 9 * MB}
SMALL_COUNT, SMALL_MEAN, SMALL_MAX = 20000, 3100, 16384
FILE_MAX = 40 * MB  # one huge library must not be the whole kind


def kind_of(path):
    with open(path, "rb") as f:
        head = f.read(8192)
    if head[:4] == b"\x7fELF":
        return "elf"
    if head[:2] == b"MZ":
        return "pe"
    if not head:
        return None
    control = sum(c < 9 or 13 < c < 32 for c in head)
    return "other" if control else "text"


def digest_of(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            h.update(block)
    return h.hexdigest()


def list_files(root):
    """(digest, kind, size, path), one for each distinct content, in order of digest."""
    seen = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            size = os.path.getsize(path)
            if not 0 < size <= FILE_MAX:
                continue
            kind = kind_of(path)
            if kind:
                seen.setdefault(digest_of(path), (kind, size, path))
    return [(d,) + seen[d] for d in sorted(seen)]


def take(files, wanted):
    left, chosen = dict(wanted), []
    for entry in files:
        _, kind, size, _ = entry
        if size <= left[kind]:
            left[kind] -= size
            chosen.append(entry)
    return chosen


def take_small(files):
    """Files of at most 16 KB whose mean stays at SMALL_MEAN: a large one only when it fits."""
    chosen, total = [], 0
    for entry in files:
        size = entry[2]
        if size <= SMALL_MAX and total + size <= SMALL_MEAN * (len(chosen) + 1):
            chosen.append(entry)
            total += size
            if len(chosen) == SMALL_COUNT:
                break
    return chosen


def lay_out(chosen, root):
    shutil.rmtree(root, ignore_errors=True)
    for i, (digest, kind, _, path) in enumerate(chosen):
        folder = os.path.join(root, kind, "%02d" % (i % 50))
        os.makedirs(folder, exist_ok=True)
        os.link(path, os.path.join(folder, "%s-%s" % (digest[:12], os.path.basename(path)[-60:])))


def tell(name, chosen):
    kinds = {}
    for _, kind, size, _ in chosen:
        n, total = kinds.get(kind, (0, 0))
        kinds[kind] = (n + 1, total + size)
    print("corpus: %-5s %s" % (name, ", ".join(
        "%s %d files %.1f MB" % (k, n, total / MB) for k, (n, total) in sorted(kinds.items()))))


def main():
    unpacked, out = sys.argv[1:]
    everything = {side: list_files(os.path.join(unpacked, side)) for side in WANTED}
    bench_all = {entry[0] for entry in everything["bench"]}
    trees = {
        "bench": take(everything["bench"], WANTED["bench"]),
        "train": take([e for e in everything["train"] if e[0] not in bench_all], WANTED["train"]),
    }
    trees["cs"] = take(trees["bench"], CS_WANTED)
    trees["small"] = take_small(everything["bench"])
    assert not {e[0] for e in trees["bench"] + trees["small"]} & {e[0] for e in trees["train"]}
    for name, least in (("bench", 100 * MB), ("train", 100 * MB), ("small", 10 * MB)):
        if sum(entry[2] for entry in trees[name]) < least:
            sys.exit("corpus: %s: too few files were unpacked (see above; run again when the "
                     "packages can be downloaded)" % name)
    for name, chosen in trees.items():
        lay_out(chosen, os.path.join(out, name))
        tell(name, chosen)
        with open(os.path.join(out, name + ".manifest"), "w") as f:
            f.writelines("%s %s %d %s\n" % (d, k, s, os.path.relpath(p, unpacked))
                         for d, k, s, p in chosen)


if __name__ == "__main__":
    main()
