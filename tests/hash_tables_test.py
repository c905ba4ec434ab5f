#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hash rules through `overt rules build`, read back from the image by a reader that was written from
docs/formats/image-hashes.md alone. Every rule must stand in its table, whole and in its place; the
bitmap, ranks, sizes and starts must say of every size what the entries say. TAP.

  hash_tables_test.py    uses $OVERT, else $OVERT_BUILD/overt
"""
import bisect
import collections
import hashlib
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

ANY = 0xFFFFFFFF
SCOPES = {0: "objects.hsb", 1: "sections.msb", 2: "imports.imp", 3: "allowed.sfp"}
DIGEST_BYTES = {0: 16, 1: 20, 2: 32}
RUN = 512


def read_sections(image):
    """{(type, variant): bytes} of an image whose digests hold."""
    magic, version, header_bytes, size, count = struct.unpack_from("<8sIIQI", image)
    assert magic == b"OVIMAGE\n" and version == 9 and size == len(image), "header"
    sections = {}
    for i in range(count):
        kind, variant, at, size, _, digest = struct.unpack_from("<IIQQQ32s", image,
                                                                header_bytes + 64 * i)
        content = image[at:at + size]
        assert hashlib.sha256(content).digest() == digest, f"digest of section {kind}"
        sections[kind, variant] = content
    return sections


class Table:
    """One table, taken apart column by column."""

    def __init__(self, section):
        (self.count, self.any, self.groups, self.covered, self.covered_sizes,
         self.digest_bytes) = struct.unpack_from("<6I", section)
        assert section[24:64] == bytes(40), "zeros of the head"
        self.section, self.at = section, 64
        self.bitmap = self.column(self.covered_sizes // 8)
        self.ranks = self.numbers(self.covered_sizes // RUN)
        self.sizes = self.numbers(self.groups - self.covered)
        self.starts = self.numbers(self.groups + 1)
        high = self.column(8 * self.count)
        rest_bytes = self.digest_bytes - 8
        rest = self.column(rest_bytes * self.count)
        self.rules = self.numbers(self.count)
        assert self.at == len(section), "length of the section"
        self.digests = [high[8 * i:8 * i + 8][::-1] + rest[rest_bytes * i:rest_bytes * (i + 1)]
                        for i in range(self.count)]

    def column(self, size):
        start = (self.at + 63) // 64 * 64
        assert not any(self.section[self.at:start]), "bytes between columns"
        self.at = start + size
        return self.section[start:self.at]

    def numbers(self, count):
        return list(struct.unpack(f"<{count}I", self.column(4 * count)))

    def group_of(self, size):
        """The index of a size's group, or None: the document's step 1."""
        if size < self.covered_sizes:
            if not self.bitmap[size // 8] >> size % 8 & 1:
                return None
            run = size // RUN * RUN
            return self.ranks[size // RUN] + sum(
                self.bitmap[s // 8] >> s % 8 & 1 for s in range(run, size))
        index = bisect.bisect_left(self.sizes, size)
        return index + self.covered if self.sizes[index:index + 1] == [size] else None

    def entries_of(self, size):
        if size == ANY:
            first, end = self.count - self.any, self.count
        else:
            group = self.group_of(size)
            first, end = (0, 0) if group is None else self.starts[group:group + 2]
        return list(zip(self.digests[first:end], self.rules[first:end]))


def make_rules(count):
    """[(scope, kind, size, digest)] in load order within each scope."""
    rules = []
    for _ in range(count):
        scope, kind = random.randrange(4), random.randrange(3)
        if scope == 2:
            kind = 0  # import hashes are MD5
        size = random.choice([random.randrange(1, 3000), random.randrange(1, 200) * 512 - 1,
                              random.randrange(1 << 24, 1 << 25), 0xFFFFFFFE, ANY])
        if scope == 2 and size == ANY:
            size = 1351
        digest = random.randbytes(DIGEST_BYTES[kind])
        if rules and random.random() < 0.2:  # share the start, or everything, with another
            other = random.choice(rules)
            if other[1] == kind:
                size, digest = other[2] if scope != 2 else size, other[3]
                digest = random.choice([digest, digest[:8] + digest[:7:-1]])
                size = 1351 if scope == 2 and size == ANY else size
        rules.append((scope, kind, size, digest))
    return rules


def write_rules(folder, rules):
    lines = collections.defaultdict(list)
    for number, (scope, _, size, digest) in enumerate(rules):
        size_text = "*" if size == ANY else str(size)
        fields = [size_text, digest.hex()] if scope == 1 else [digest.hex(), size_text]
        lines[scope].append(":".join(fields + [f"Test.Rule-{number}", "73"]) + "\n")
    for scope, name in SCOPES.items():
        (folder / name).write_text("".join(lines[scope]))


def build_image(overt, rules):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "rules").mkdir()
        write_rules(folder / "rules", rules)
        subprocess.run([overt, "rules", "build", "-o", folder / "out.ovi", folder / "rules"],
                       check=True, capture_output=True)
        return (folder / "out.ovi").read_bytes()


def check_table(section, expected, sizes):
    """expected: {size: [(digest, load order)]}. Rule numbers count on from some base: returned."""
    table = Table(section)
    assert table.count == sum(map(len, expected.values())), "number of entries"
    bases = set()
    for size in sizes | set(expected) | {s + d for s in expected for d in (-1, 1) if s != ANY}:
        want = sorted(expected.get(size, []))
        got = table.entries_of(size)
        assert [d for d, _ in want] == [d for d, _ in got], f"digests of size {size}"
        bases |= {rule - order for (_, order), (_, rule) in zip(want, got)}
    return bases


def check_image(image, rules):
    sections = read_sections(image)
    for scope in SCOPES:
        mine = [rule for rule in rules if rule[0] == scope]
        bases = set()
        for kind in range(3):
            expected = collections.defaultdict(list)
            for order, (_, its_kind, size, digest) in enumerate(mine):
                if its_kind == kind:
                    expected[size].append((digest, order))
            section = sections.get((32, scope << 8 | kind))
            assert (section is None) == (not expected), "sections of empty tables"
            if section is not None:
                bases |= check_table(section, expected, {0, 1, 511, 512, (1 << 24) - 1, 1 << 24})
        assert len(bases) <= 1, f"rule numbers of scope {scope} do not follow load order"


def main():
    overt = os.environ.get("OVERT") or pathlib.Path(os.environ.get("OVERT_BUILD", ".")) / "overt"
    if not os.access(overt, os.X_OK):
        print(f"1..0 # SKIP no {overt} here")
        sys.exit(77)
    counts = [1, 2, 50, 3000, 20000]
    print(f"1..{len(counts)}")
    failed = False
    for number, count in enumerate(counts, 1):
        random.seed(number)
        rules = make_rules(count)
        try:
            check_image(build_image(overt, rules), rules)
            print(f"ok {number} - {count} rules stand in the image as documented")
        except (AssertionError, subprocess.CalledProcessError) as error:
            print(f"not ok {number} - {count} rules: {error!r}")
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
