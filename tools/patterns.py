#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Makes the pattern lists of the benches: real signature parts as .ndb lines for any file type.
"""patterns.py [--shared DIR] --corpus DIR --naive PROGRAM OUT

Writes OUT/pats-{10k,100k,all}.ndb (parts that do not occur in CORPUS/bench) and
OUT/pats-{10k,100k}-hits.ndb (the same number of parts, drawn without regard to the corpus).

A part is a fixed-length run of bytes with ?? and nibble wildcards: what is left of a signature
once it is cut at * {n-m} [n-m] and alternatives; of each signature the part with the longest run of
fixed bytes, by which a matcher would look for it. At least 8 bytes, at most 512, with at least four
fixed bytes in a row (all programs of the bench can then search all of them). Without the sample
databases the parts are made: pieces of the training files, two bytes changed, some wildcards.
"""
import argparse
import hashlib
import os
import random
import re
import subprocess
import sys

MIN_BYTES, MAX_BYTES, MIN_RUN, MAX_GAP = 8, 512, 4, 16


def clean_part(text):
    """The part without wildcards at its ends, or None when it does not qualify."""
    text = text.lower()
    if len(text) % 2:
        return None
    cells = [text[i:i + 2] for i in range(0, len(text), 2)]
    while cells and "?" in cells[0]:
        cells.pop(0)
    while cells and "?" in cells[-1]:
        cells.pop()
    if not MIN_BYTES <= len(cells) <= MAX_BYTES:
        return None
    part = "".join(cells)
    return part if longest_run(part) >= MIN_RUN else None


def longest_run(part):
    cells = [part[i:i + 2] for i in range(0, len(part), 2)]
    run = best = 0
    for c in cells:
        run = 0 if "?" in c else run + 1
        best = max(best, run)
    return best


def cut(hexes):
    """The best part of one hex string of either language (blanks and comments already gone)."""
    fill = lambda m: "??" * int(m[1]) if int(m[1]) <= MAX_GAP else "*"
    hexes = re.sub(r"[\[{](\d+)[\]}]", fill, hexes)
    hexes = re.sub(r"!?\([^()]*\)", "*", hexes)
    hexes = re.sub(r"[\[{][-\d]*[\]}]|~[0-9a-fA-F?]{2}", "*", hexes)
    if re.search(r"[^0-9a-fA-F?*]", hexes):
        return None
    parts = [p for p in map(clean_part, hexes.split("*")) if p]
    return max(parts, key=lambda p: (longest_run(p), len(p), p), default=None)


def clamav_strings(path):
    ndb = path.endswith(".ndb")
    with open(path, encoding="latin-1") as f:
        for line in f:
            line = line.strip()
            if not line or line[0] == "#":
                continue
            if ndb:
                fields = line.split(":")
                if len(fields) >= 4:
                    yield fields[3]
                continue
            for sub in line.split(";")[3:]:
                if "/" in sub or "#" in sub or sub.startswith("$"):
                    continue
                sub = re.sub(r"::[iwfa]+$", "", sub)
                yield sub.rsplit(":", 1)[-1]


def yara_strings(path):
    with open(path, encoding="latin-1") as f:
        text = f.read()
    for m in re.finditer(r"=\s*\{([0-9a-fA-F?\s\[\]()|~*/\-][^{}=\"]*)\}", text):
        yield re.sub(r"/\*.*?\*/|//[^\n]*|\s", "", m[1], flags=re.S)


def real_parts(shared):
    parts = set()
    for folder, _, names in os.walk(os.path.join(shared, "data", "dev")):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith((".ndb", ".ldb")):
                strings = clamav_strings(path)
            elif name.endswith(".yar"):
                strings = yara_strings(path)
            else:
                continue
            parts.update(map(cut, strings))
    parts.discard(None)
    return parts


def made_parts(corpus, count):
    rng = random.Random(1)
    files = []
    for folder, _, names in sorted(os.walk(os.path.join(corpus, "train"))):
        files += [os.path.join(folder, n) for n in sorted(names)]
    parts = set()
    while len(parts) < count:
        with open(rng.choice(files), "rb") as f:
            data = f.read(1 << 22)
        for _ in range(min(64, len(data) // 256)):
            size = rng.randrange(12, 48)
            at = rng.randrange(len(data) - size)
            cells = ["%02x" % b for b in data[at:at + size]]
            for _ in range(2):
                cells[rng.randrange(size)] = "%02x" % rng.randrange(256)
            if rng.random() < 0.25:
                for _ in range(rng.randrange(1, 5)):
                    cells[rng.randrange(size)] = "??"
            part = clean_part("".join(cells))
            if part:
                parts.add(part)
    return parts


def write_ndb(path, numbered):
    with open(path, "w") as f:
        f.writelines("P%06d:0:*:%s\n" % (i, p) for i, p in numbered)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--shared", default="../shared")
    a.add_argument("--corpus", required=True)
    a.add_argument("--naive", required=True)
    a.add_argument("out")
    a = a.parse_args()
    if os.path.isdir(os.path.join(a.shared, "data", "dev")):
        parts, source = real_parts(a.shared), "the sample databases"
    else:
        print("patterns: %s/data is not here: made-up patterns instead of real ones" % a.shared)
        parts, source = made_parts(a.corpus, 130000), "training files (made up)"
    order = sorted(parts, key=lambda p: hashlib.sha256(p.encode()).digest())
    numbered = list(enumerate(order))
    every = os.path.join(a.out, "pats-unpurged.ndb")
    write_ndb(every, numbered)
    hits = os.path.join(a.out, "pats-hits.txt")
    subprocess.run([a.naive, "--hits", hits, every, os.path.join(a.corpus, "bench")],
                   check=True, stdout=subprocess.DEVNULL)
    with open(hits) as f:
        hit = {int(line) for line in f}
    clean = [x for x in numbered if x[0] not in hit]
    for label, n in (("10k", 10000), ("100k", 100000), ("all", len(clean))):
        if len(clean) < n:
            sys.exit("patterns: only %d parts, %d wanted" % (len(clean), n))
        write_ndb(os.path.join(a.out, "pats-%s.ndb" % label), clean[:n])
        if label != "all":
            write_ndb(os.path.join(a.out, "pats-%s-hits.ndb" % label), numbered[:n])
    wild = sum("?" in p for _, p in clean[:100000])
    print("patterns: %d distinct parts of %s, %d occur in the corpus; of the first 100k clean ones "
          "%d have wildcards" % (len(order), source, len(hit), wild))


if __name__ == "__main__":
    main()
