#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our readers of executables with clamscan on randomised files.

    differential.py EXE-DUMP [--seed N] [--count N] [--kind pe|elf|macho]

EXE-DUMP is the test program that prints our readers' answers. Files are valid or slightly broken;
clamscan's answers come from signatures (see oracle.py). Ends with 77, which the test runner takes for
"skipped", where clamscan is not installed.
"""
import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import forge_elf  # noqa: E402
import forge_import  # noqa: E402
import forge_macho  # noqa: E402
import forge_pe  # noqa: E402
import forge_version  # noqa: E402
import oracle  # noqa: E402


def odd(rng, usual, odds=(0, 1, 7, 0x10, 0x200, 0x3ff, 0x1000, 0x7fffffff, 0x80000000, 0xffffffff),
        chance=0.12):
    """`usual`, or now and then something else."""
    if rng.random() > chance:
        return usual
    return (rng.choice(odds) + rng.choice((0, 0, 1, 8, -1))) & 0xffffffff if rng.random() < 0.7 \
        else usual + rng.choice((-0x200, -8, -1, 1, 2, 8, 0x10, 0x200)) & 0xffffffff


def random_pe(rng):
    """One PE file."""
    size = rng.choice((2048, 4096, 4096, 8192, 0x88 + 24 + 224 + 40, rng.randrange(64, 1024) * 8))
    file_align = odd(rng, rng.choice((0x200, 0x200, 0x200, 0x10, 0x1000, 0, 0x400)))
    section_align = odd(rng, rng.choice((0x1000, 0x1000, 0x1000, 0x10, 0x200, 0, 0x2000)))
    sections, rva, raw = [], 0x1000, 0x400
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4, 5, 7))):
        length = rng.choice((0, 0x100, 0x200, 0x200, 0x1f8, 0x333, 0x600))
        sections.append(forge_pe.section(
            rva=odd(rng, rva), vsize=odd(rng, rng.choice((length, 0x1000))),
            rsize=odd(rng, length), raw=odd(rng, raw),
            flags=rng.choice((0x60000020, 0xc0000080, 0, 0xffffffff, rng.randrange(1 << 32)))))
        rva += 0x1000
        raw += (length + 0x1ff) & ~0x1ff
    number = rng.choice((0, 2, 3, 16, 16, 16))
    is_64 = rng.random() < 0.4
    optional = (112 if is_64 else 96) + 8 * number
    return forge_pe.build(
        size=size, lfanew=odd(rng, rng.choice((0x40, 0x80, 0x81, 0xf8)), chance=0.03),
        sections=sections, count=odd(rng, len(sections), (0, 95, 96, 97, 0xffff), 0.05) & 0xffff,
        is_64=is_64, entry=odd(rng, rng.choice((0x1000, 0x1010, 0x1100, 0x2080, 0x300, 0))),
        optional_bytes=odd(rng, optional, (0, 95, 96, 97, 111, 112, 224, 240), 0.08) & 0xffff,
        directories=[(0, 0)] * number, section_align=section_align, file_align=file_align,
        directory_count=odd(rng, number, (0, 1, 15, 16, 17, 0xffffffff), 0.1),
        machine=rng.choice((None, None, 0, 0x1c4, 0xaa64, 0x8664, 0x14c)),
        optional_magic=rng.choice((0x107, 0x20b, 0x10b, 0)) if rng.random() < 0.05 else None,
        headers_bytes=odd(rng, 0x400), flags=rng.choice((0x102, 0x2102, 0, 0xffff)),
        subsystem=rng.choice((1, 2, 3, 10)))


def random_elf(rng):
    """One ELF file."""
    bits, order = rng.choice((32, 64)), rng.choice("<>")
    top = 0xffffffff if bits == 32 else 0xffffffffffffffff
    wide = (0, 0xffffffff, 0x100000000, top, top - 0xfff) if bits == 64 else (0, top, top - 0xfff)

    def near(value, chance=0.06):
        return odd(rng, value, wide, chance) & top

    segments = tuple((rng.choice((1, 1, 1, 4, 6, rng.randrange(9))), near(rng.choice((0, 0x400, 0x10))),
                      near(0x400000 + 0x800 * n), near(0x1000), near(rng.choice((0x800, 0x1000))))
                     for n in range(rng.choice((0, 1, 1, 2, 3))))
    sections = tuple((rng.choice((0, 1, 1, 8, rng.randrange(20), 0x6fffffff)), near(0x400400 + 0x100 * n), near(0x400 + 0x100 * n),
                      near(rng.choice((0x100, 0x99, 0))))
                     for n in range(rng.choice((0, 1, 2, 3, 5, 6))))
    ident = None
    if rng.random() < 0.06:
        ident = b"\x7fELF" + bytes([rng.randrange(4), rng.randrange(4), rng.randrange(3)]) + bytes(9)
    return forge_elf.build(
        size=rng.choice((64, 2048, 4096, 4096, 8192)), bits=bits, order=order, ident=ident,
        kind=rng.choice((0, 1, 2, 3, 4, 0xff00)), entry=near(rng.choice((0x400400, 0x400810, 0)), .1),
        ph_at=odd(rng, 0x100, (0, 4096 - 32, 4096 - 56, 8192), 0.06),
        sh_at=odd(rng, 0x600, (0, 4096 - 40, 4096 - 64, 8192), 0.06),
        segments=segments, sections=sections,
        ph_bytes=odd(rng, 56 if bits == 64 else 32, (0, 32, 56), 0.05) & 0xffff,
        sh_bytes=odd(rng, 64 if bits == 64 else 40, (0, 40, 64), 0.05) & 0xffff,
        ph_count=odd(rng, len(segments), (0, 128, 129, 0xffff), 0.05) & 0xffff,
        sh_count=odd(rng, len(sections), (0, 20, 256, 257, 0xffff), 0.05) & 0xffff)


def random_macho(rng):
    """One Mach-O file, not universal."""
    cpu = rng.choice(("ppc", "ppc", "ppc64", "x86", "x86_64", "arm", "arm64"))
    bits = 64 if cpu.endswith("64") else 32
    bits = bits if rng.random() < 0.95 else 96 - bits
    order = rng.choice("<>")
    commands = []
    for n in range(rng.choice((1, 1, 2, 3))):
        sections = [forge_macho.section(odd(rng, 0x1000 + 0x200 * k + 0x1000 * n),
                                        odd(rng, rng.choice((0x200, 0x111, 0))),
                                        odd(rng, 0x600 + 0x200 * k),
                                        odd(rng, rng.choice((0, 2, 4)), (31, 32, 12), 0.08),
                                        flags=rng.choice((0x80000400, 0, 1, 2, 12, 18, 0x101)))
                    for k in range(rng.choice((0, 1, 1, 2, 3)))]
        commands.append(forge_macho.segment(
            sections, bits if rng.random() < 0.97 else 96 - bits, order,
            count=odd(rng, len(sections), (0, 255, 256), 0.03),
            command_bytes=rng.choice((None, None, 0, 1000))))
    if rng.random() < 0.9:
        commands.append(forge_macho.thread(
            cpu, odd(rng, rng.choice((0x1010, 0x1208, 0x2010, 0))), order,
            command=rng.choice((4, 5)), command_bytes=rng.choice((None, None, None, 0, 20))))
    if rng.random() < 0.4:
        size = rng.choice((0, 4, 8, 9, 12, 24, 24))
        commands.append((size.to_bytes(4, "little" if order == "<" else "big")).rjust(8, b"\x1d")
                        + bytes(max(0, size - 8)))
    rng.shuffle(commands)
    return forge_macho.build(
        commands, size=rng.choice((64, 512, 2048, 4096, 8192)), cpu=cpu, bits=bits, order=order,
        kind=rng.randrange(12), count=odd(rng, len(commands), (0, 1, 1024, 1025), 0.04))


GENERATORS = {"pe": random_pe, "elf": random_elf, "macho": random_macho,
              "version": forge_version.random_file, "import": forge_import.random_file}


def run_dump(program, kind, paths):
    """Our answers, one dictionary a file."""
    answers = []
    for start in range(0, len(paths), 500):
        done = subprocess.run([program, kind, *paths[start:start + 500]], capture_output=True,
                              text=True, check=True)
        answers += [json.loads(line) for line in done.stdout.splitlines()]
    return answers


def predict(blob, ours):
    """What the oracle's signatures must report for a file if our answer is right."""
    names = set()
    if not ours["readable"]:
        return names
    size = len(blob)
    starts = {f"S{x}": section[0] for x, section in
              enumerate(ours["sections"][:oracle.SECTIONS])}
    if ours["sections"]:
        starts["SL"] = ours["sections"][-1][0]
    if ours["entry"] is not None:
        starts["EP"] = ours["entry"]
    for at in range(0, size - 7, 8):
        if bytes(blob[at:at + 8]) not in oracle.MARKER_PLACES:
            continue
        home = oracle.MARKER_PLACES[bytes(blob[at:at + 8])]
        for word, start in starts.items():
            for step in (*range(8), *(range(1024, 1032) if word != "SL" else ())):
                # clamscan adds in 32 bits, and the match has to end inside the file.
                if (start + step) & 0xffffffff == at:
                    names.add(f"{word}_{home - step}")
        for x, section in enumerate(ours["sections"][:oracle.SECTIONS]):
            if section[0] <= at <= (section[0] + section[1]) & 0xffffffff:
                names.add(f"E{x}_{home}")
        if at == size - 8:
            names.add(f"EOF_{home}")
    return names


def compare_offsets(kind, blobs, paths, answers, folder):
    """Prints differences of entry points and sections; how many files differ."""
    bad = 0
    found = oracle.ask_names(kind, paths, folder)
    for index, (blob, ours) in enumerate(zip(blobs, answers)):
        expected, theirs = predict(blob, ours), set(found[paths[index]])
        if expected != theirs:
            bad += 1
            print(f"{kind} file {index}: we say {sorted(expected - theirs)[:6]}, "
                  f"clamscan says {sorted(theirs - expected)[:6]}; {ours}"[:900])
    return bad


def compare_hashes(blobs, paths, answers, folder):
    """Checks section hashes of PE files with .mdb rules; how many files differ."""
    rules, expected = set(), {path: set() for path in paths}
    for index, (blob, ours) in enumerate(zip(blobs, answers)):
        for raw, length, *_ in ours["sections"] if ours["hashable"] else ():
            if length > 0:
                digest = hashlib.md5(blob[raw:raw + length]).hexdigest()
                name = f"M{digest}.{length}"
                rules.add(f"{length}:{digest}:{name}")
                expected[paths[index]].add(name)
    database = os.path.join(folder, "sections.mdb")
    with open(database, "w", encoding="ascii") as out:
        out.write("\n".join(sorted(rules)) + "\n")
    found = oracle.run_clamscan(database, paths)
    bad = 0
    for index, path in enumerate(paths):
        if expected[path] != set(found[path]):
            bad += 1
            print(f"pe file {index}: section hashes, only ours "
                  f"{sorted(expected[path] - set(found[path]))}, only clamscan's "
                  f"{sorted(set(found[path]) - expected[path])}; {answers[index]}"[:900])
    return bad


def compare_versions(blobs, paths, answers, folder):
    """Checks starts of version strings; how many files differ."""
    database = os.path.join(folder, "version.ndb")
    forge_version.write_rules(database)
    found = oracle.run_clamscan(database, paths)
    bad = total = 0
    for index, (blob, ours) in enumerate(zip(blobs, answers)):
        expected = {f"V_{oracle.MARKER_PLACES[blob[at:at + 8]]}" for at in ours["versions"]
                    if blob[at:at + 8] in oracle.MARKER_PLACES}
        theirs = {name for name in found[paths[index]] if name.startswith("V_")}
        total += len(theirs)
        if expected != theirs:
            bad += 1
            print(f"version file {index}: we say {sorted(expected - theirs)}, "
                  f"clamscan says {sorted(theirs - expected)}")
    print(f"version: {total} strings found by clamscan")
    return bad


def compare_imports(paths, answers, folder):
    """Checks import hashes; how many files differ."""
    found = oracle.ask_imports(paths, folder)
    bad = total = 0
    for path, ours in zip(paths, answers):
        text = ours["imports"].encode("utf-8", "surrogateescape")
        expected = (hashlib.md5(text).hexdigest(), len(text)) if text else None
        theirs = found.get(path)
        theirs = theirs if theirs and theirs[1] > 0 else None  # rules cannot ask for size 0
        total += theirs is not None
        if expected != theirs:
            bad += 1
            print(f"import file {path}: our text {text[:300]} {expected}, clamscan's {theirs}")
    print(f"import: {total} hashes by clamscan")
    return bad


def compare_kind(kind, program, count, seed, home):
    """Prints and counts the differences on `count` files of one kind."""
    rng = random.Random(f"{kind} {seed}")
    blobs = [GENERATORS[kind](rng) for _ in range(count)]
    blobs = list(dict.fromkeys(blobs))  # clamscan remembers clean files and skips their twins
    with tempfile.TemporaryDirectory() as folder:
        paths = oracle.write_files(home or folder, blobs)
        answers = run_dump(program, kind if kind in oracle.TARGETS else "pe", paths)
        if kind == "version":
            bad = compare_versions(blobs, paths, answers, folder)
        elif kind == "import":
            bad = compare_imports(paths, answers, folder)
        else:
            bad = compare_offsets(kind, blobs, paths, answers, folder)
        if kind == "pe":
            bad += compare_hashes(blobs, paths, answers, folder)
    readable = sum(answer["readable"] for answer in answers)
    print(f"{kind}: {len(blobs)} files, {readable} readable, {bad} differences")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--kind", choices=sorted(GENERATORS))
    parser.add_argument("--keep", help="leave the files in this folder")
    options = parser.parse_args()
    if not oracle.has_clamscan():
        print("skipped: clamscan is not installed")
        return 77
    kinds = [options.kind] if options.kind else sorted(GENERATORS)
    bad = sum(compare_kind(kind, options.program, options.count, options.seed, options.keep)
              for kind in kinds)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
