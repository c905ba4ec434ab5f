#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# The benches: every figure beside clamscan's or Hyperscan's on the same files, in one run.
"""run.py --build DIR --dir DIR --shared DIR [SECTION...]   (called by bench/run.sh)

Sections: body real small digests hashes build memory cage scaling whole update scale journal watch.
docs/benchmarks.md says how each is measured and what its floor is.
"""
import argparse
import os
import re
import statistics
import sys

from harness import (GB, MB, Bench, clamscan_net, floor, heading, program_lines, say,
                     side_by_side, timed)
import harness_data as data
from feeds import update
from journal import journal
from scale import scale
from watch import watch


def median(values):
    return statistics.median(values)


# ---- body patterns -----------------------------------------------------------------------------

def body(b):
    heading("body patterns, exact, one core (CPU time)")
    dram = float(program_lines(timed([b.bin("yardstick")]).out)["dram"]["cpu"])
    dram = (512 << 20) / dram
    say(f"reading memory: {dram / GB:.1f} GB/s")
    for label, over_clamscan, over_hyperscan, of_dram in (("10k", 60, 2, 0.10),
                                                          ("100k", 120, 4.5, 0.05)):
        body_set(b, label, dram, (over_clamscan, over_hyperscan, of_dram))


def body_set(b, label, dram, floors):
    patterns, tree = b.file(f"pats-{label}.ndb"), b.tree("bench")
    image, _ = b.image(f"pats-{label}", [patterns])
    ours = match_figures(b, image, patterns, tree)
    peer = program_lines(timed([b.bin("hyperscan"), patterns, tree, b.rounds]).out)["hyperscan"]
    on_cs = match_figures(b, image, patterns, b.tree("cs"))
    clam_cpu, clam_load = clamscan_net(b, [patterns], b.tree("cs"))
    speed, peer_speed = rate(ours), rate(peer)
    cs_speed, clam_speed = rate(on_cs), int(on_cs["bytes"]) / clam_cpu
    say(f"{label}: overt {speed / GB:.3f} GB/s, Hyperscan {peer_speed / GB:.3f} GB/s, clamscan "
        f"{clam_speed / MB:.1f} MB/s net of {clam_load:.2f} s load (on cs, overt {cs_speed / GB:.3f})")
    floor(f"body {label} / clamscan", cs_speed / clam_speed, floors[0])
    floor(f"body {label} / Hyperscan", speed / peer_speed, floors[1])
    floor(f"body {label} / memory reads", speed / dram, floors[2], digits=3)
    compare_counts(b, label, patterns, image, tree, ours)
    dense = b.file(f"pats-{label}-hits.ndb")
    dense_image, _ = b.image(f"pats-{label}-hits", [dense])
    ours = match_figures(b, dense_image, dense, tree)
    peer = program_lines(timed([b.bin("hyperscan"), "--once", dense, tree, b.rounds]).out)
    say(f"{label} with the patterns that occur in the files: overt {rate(ours) / GB:.3f} GB/s, "
        f"Hyperscan {rate(peer['hyperscan']) / GB:.3f} GB/s")
    compare_counts(b, f"{label}-hits", dense, dense_image, tree, ours, peer["hyperscan"])
    if label == "10k":
        compare_clamscan(b, dense, b.tree("cs"))


def match_figures(b, image, patterns, tree):
    lines = program_lines(timed([b.bin("match"), image, patterns, tree, b.rounds]).out)
    return lines["match"]


def rate(line):
    return int(line["bytes"]) / float(line["cpu"])


def compare_counts(b, label, patterns, image, tree, ours, peer=None):
    """Pairs of pattern and file, and a hash over them: equal to the naive reference, or not."""
    reference = program_lines(timed([b.bin("naive"), patterns, tree]).out)["naive"]
    keys = ("pairs", "hash")
    lines = [("overt", ours)] + ([("Hyperscan", peer)] if peer else [])
    for name in ("plain", "avx2"):
        done = timed([b.bin("match"), image, patterns, tree, "1", name], check=False)
        if done.code == 0:
            lines.append((f"overt {name}", program_lines(done.out)["match"]))
    for who, line in lines:
        is_equal = all(line[k] == reference[k] for k in keys)
        say(f"{label} counts: naive {reference['pairs']} pairs, {who} {line['pairs']}: "
            f"{'EQUAL' if is_equal else 'NOT EQUAL'}")
        b.note(f"{label} counts of {who} equal the naive reference", is_equal)


def compare_clamscan(b, patterns, tree):
    """clamscan's own pairs: shows that it looks at all the bytes that it is timed on."""
    reference = program_lines(timed([b.bin("naive"), patterns, tree]).out)["naive"]
    command = b.clamscan([patterns], tree) + ["--allmatch"]
    pairs = {line for line in timed(command).out.splitlines() if line.endswith(" FOUND")}
    is_equal = len(pairs) == int(reference["pairs"])
    say(f"10k-hits counts on cs: naive {reference['pairs']} pairs, clamscan {len(pairs)}: "
        f"{'EQUAL' if is_equal else 'NOT EQUAL'}")
    b.note("10k-hits counts of clamscan equal the naive reference", is_equal)


# ---- the real set, type by type ------------------------------------------------------------------

def real(b):
    heading("the real ClamAV signatures by type, one core (CPU time)")
    sources = data.real_set(b)
    if not sources:
        return
    image, _ = b.image("real", sources)
    say("net of load; overt with reading, typing, unpacking and hashing")
    for kind, wanted in (("pe", 100), ("elf", 50), ("text", 100)):
        ratio = real_of_type(b, image, sources, os.path.join("cs", kind), int(b.rounds))
        floor(f"real set {kind} / clamscan", ratio, wanted)
        if not b.is_quick:
            real_of_type(b, image, sources, os.path.join("bench", kind), 1)


def real_of_type(b, image, sources, name, clam_rounds):
    """How many times as fast as clamscan on a folder of the corpus."""
    tree = b.tree(name)
    ours = program_lines(timed([b.bin("inprocess"), image, tree, b.short_rounds]).out)["inprocess"]
    clam_cpu, _ = clamscan_net(b, sources, tree, parsers=True, rounds=clam_rounds)
    clam_speed = int(ours["bytes"]) / clam_cpu
    ratio = rate(ours) / clam_speed
    say(f"{name}, {int(ours['bytes']) / MB:.0f} MB: overt {rate(ours) / MB:.0f} MB/s, clamscan "
        f"{clam_speed / MB:.2f}: {ratio:.1f} times; found: overt {ours['found']}")
    return ratio


# ---- small files --------------------------------------------------------------------------------

def small(b):
    heading("20,000 small files, whole processes, one core (CPU time net of an empty run)")
    tree, count = b.tree("small"), b.small_count()
    patterns = b.file("pats-100k.ndb")
    image, _ = b.image("pats-100k", [patterns])
    inside = program_lines(timed([b.bin("inprocess"), image, tree, b.short_rounds]).out)["inprocess"]
    inside_us = float(inside["cpu"]) / count * 1e6
    say(f"in one process, 100k patterns: {inside_us:.1f} us a file (floor: at most 9)")
    b.note("small files in process at most 9 us", inside_us <= 9)
    bare_us = float(program_lines(timed([b.bin("inprocess"), "none", tree, b.short_rounds]).out)
                    ["inprocess"]["cpu"]) / count * 1e6
    say(f"opening, reading and closing them alone: {bare_us:.1f} us a file")
    ours_us = overt_net(b, image, tree) / count * 1e6
    empty_us = clamscan_net(b, [data.empty_set(b)], tree, parsers=True, rounds=int(b.rounds))[0] / count * 1e6
    say(f"overt scan, 100k patterns: {ours_us:.1f} us a file; clamscan with one signature: "
        f"{empty_us:.0f} us")
    say(f"reading alone would be {empty_us / bare_us:.0f} times as fast as clamscan")
    floor("small files / clamscan with an empty set", empty_us / ours_us, 30)
    image, _ = b.image("one", [data.empty_set(b)])
    one_us = overt_net(b, image, tree) / count * 1e6
    say(f"overt scan with that one signature as well: {one_us:.1f} us a file, clamscan takes "
        f"{empty_us / one_us:.1f} times as long")
    sources = data.real_set(b)
    if sources:
        image, _ = b.image("real", sources)
        ours_us = overt_net(b, image, tree) / count * 1e6
        some = b.tree("small-some")
        real_us = clamscan_net(b, sources, some, parsers=True, rounds=int(b.rounds))[0] / b.small_some() * 1e6
        say(f"the real set: overt scan {ours_us:.1f} us a file, clamscan {real_us:.0f} us "
            f"(on {b.small_some()} of them), {real_us / bare_us:.0f} times what reading alone takes")
        floor("small files / clamscan with the real set", real_us / ours_us, 400)


def overt_net(b, image, tree, jobs=1):
    """CPU seconds of overt and its workers on a tree, less a run on one tiny file."""
    full = [b.overt(image, tree, jobs=jobs).cpu for _ in range(1 if b.is_quick else 10)]
    start = [b.overt(image, b.tiny(), jobs=jobs).cpu for _ in range(5)]
    return min(full) - median(start)


# ---- hashing ------------------------------------------------------------------------------------

def digests(b):
    heading("MD5, SHA-1 and SHA-256 of many files at once beside OpenSSL, one core")
    done = timed([b.bin("digest")], check=False)
    say(done.out.rstrip())
    b.note("all digests equal OpenSSL's", done.code == 0)
    uneven = re.search(r"uneven .*?\( *([0-9.]+)x\)", done.out)
    floor("MD5 of uneven files / OpenSSL", float(uneven.group(1)) if uneven else 0, 2)
    heading("hash rules at scale, beside a plain hash table")
    image = b.path("hashset-bench.ovi")
    done = timed([b.bin("hashset"), "1000000" if b.is_quick else "8000000", image], check=False)
    say(done.out.rstrip())
    b.note("all look-ups equal the plain table's", done.code == 0)


# ---- start with many hashes ---------------------------------------------------------------------

def hash_count(b):
    return 800_000 if b.is_quick else 8_000_000


def hashes(b):
    count = hash_count(b)
    heading(f"start with {count:,} synthetic hashes and 100k patterns (wall time to the verdict)")
    sources = [data.hash_set(b, count), b.file("pats-100k.ndb")]
    image, built = b.image(f"hashes-{count}", sources)
    if built:
        say(f"image: {os.path.getsize(image) / MB:.0f} MB, built in {built.wall:.1f} s with a peak "
            f"of {built.peak / MB:.0f} MB")
    whole, told = [], []
    for _ in range(30):
        whole.append(b.overt(image, b.tiny()).wall * 1000)
        told.append(b.overt_until_told(image, b.tiny()) * 1000)
    warm, verdict = median(whole), median(told)
    nothing = median([timed(["true"], is_pinned=False).wall for _ in range(20)]) * 1000
    journal = median([b.overt_sources([image], b.tiny(), is_pinned=True).wall for _ in range(20)]) * 1000
    cold = []
    for _ in range(5):
        data.drop_from_cache(image)
        cold.append(b.overt_until_told(image, b.tiny()) * 1000)
    clam = timed(b.clamscan(sources, b.tiny()))
    say(f"overt: verdict after {verdict:.1f} ms, end after {warm:.1f} (with a journal {journal:.1f}, a program "
        f"that does nothing {nothing:.1f}); image not in memory, verdict after {median(cold):.1f} ms; "
        f"clamscan: {clam.wall:.1f} s and {clam.peak / MB:.0f} MB")
    b.note("start at most 5 ms warm", verdict <= 5)
    b.note("start at most 30 ms cold", median(cold) <= 30)
    floor("start / clamscan", clam.wall * 1000 / warm, 1000)


# ---- building images ----------------------------------------------------------------------------

def build(b):
    heading("building images (floor for 100k patterns: 2 s, 200 MB)")
    sets = [("100k patterns", [b.file("pats-100k.ndb")])]
    sources = data.real_set(b)
    if sources:
        sets.append(("the real set", sources))
    for label, files in sets:
        done = b.build_image("scratch", files)
        say(f"{label}: {done.wall:.2f} s, {done.cpu:.2f} s CPU, peak {done.peak / MB:.0f} MB, image "
            f"{os.path.getsize(b.path('scratch.ovi')) / MB:.1f} MB")
        if label == "100k patterns":
            b.note("100k patterns in 2 s and 200 MB", done.wall <= 2 and done.peak <= 200 * MB)
    patterns = b.file("pats-10k.ndb" if b.is_quick else "pats-100k.ndb")
    out = timed([b.bin("hyperscan"), patterns, b.tiny()]).out
    peer = program_lines(out)["hyperscan-compile"]
    say(f"Hyperscan, {peer['patterns']} patterns: {float(peer['cpu']):.1f} s, peak "
        f"{int(peer['peak']) / MB:.0f} MB, database {int(peer['bytes']) / MB:.0f} MB")


# ---- memory -------------------------------------------------------------------------------------

def memory(b):
    heading("private memory of each worker (floor: at most 8 MB) beside clamscan's")
    patterns, count = b.file("pats-100k.ndb"), hash_count(b)
    many = f"{count:,} hashes and 100k patterns"
    sets = [("100k patterns", "pats-100k", [patterns]),
            (many, f"hashes-{count}", [data.hash_set(b, count), patterns])]
    sources = data.real_set(b)
    if sources:
        sets.append(("the real set", "real", sources))
    for label, name, files in sets:
        image, _ = b.image(name, files)
        workers = data.worker_memory(b, image, b.tree("cs"), jobs=2)
        if not workers:
            say(f"{label}: no worker was seen; nothing measured")
            b.note(f"memory with {label}", False)
            continue
        clam = timed(b.clamscan(files, b.tiny()))
        worst = max(w["private"] for w in workers)
        shared_bytes = max(w["shared"] + w["file"] for w in workers)
        say(f"{label}: {len(workers)} workers, private {worst / MB:.1f} MB at most, pages of files "
            f"{shared_bytes / MB:.1f} MB; clamscan {clam.peak / MB:.0f} MB; eight workers "
            f"{(8 * worst + shared_bytes) / MB:.0f} MB")
        b.note(f"worker with {label} at most 8 MB", worst <= 8 * MB)
        if label == many:
            floor(f"memory of clamscan / eight workers, {label}",
                  clam.peak / (8 * worst + shared_bytes), 3)


# ---- the price of the cage ----------------------------------------------------------------------

TURNS = 25


def cage_turn(caged, free, is_first):
    """CPU seconds: caged and free, one after the other; and again side by side on one core."""
    alone = (caged(), free()) if is_first else (free(), caged())[::-1]
    return *alone, *(side_by_side(caged, free) if is_first else side_by_side(free, caged)[::-1])


def cage_price(b, image, tree):
    """Percent that the cage adds: by the least of the turns; and by the median of those side by side."""
    def caged():
        return b.overt(image, tree, jobs=1).cpu

    def free():
        done = timed([b.bin("inprocess"), image, tree, "1", "walk"])
        return float(program_lines(done.out)["inprocess"]["cpu"])

    count = 1 if b.is_quick else TURNS
    turns = [cage_turn(caged, free, turn % 2 == 0) for turn in range(count)]
    start = median([b.overt(image, b.tiny(), jobs=1).cpu for _ in range(TURNS)])
    least_caged, least_free = min(t[0] for t in turns), min(t[1] for t in turns)
    price = (least_caged - start) / least_free * 100 - 100
    beside = median([(t[2] - start) / t[3] * 100 - 100 for t in turns])
    say(f"caged {least_caged - start:.3f} s (start of {start * 1000:.1f} ms left out), free {least_free:.3f} s, "
        f"the least of {count}; side by side on one core, where both lose their caches to each other, "
        f"{beside:+.1f} % (median)")
    return price


def cage(b):
    heading("price of confinement: overt scan --jobs 1 beside the same scanner in one process")
    image, _ = b.image("pats-100k", [b.file("pats-100k.ndb")])
    for label, tree, most in (("3 KB files", b.tree("small"), 5),
                              ("files of 64 KB and more", b.large_tree(), 1)):
        price = cage_price(b, image, tree)
        say(f"{label}: {price:+.1f} % (floor: at most {most} %)")
        b.note(f"cage on {label} at most {most} %", price <= most)


# ---- two cores ----------------------------------------------------------------------------------

def scaling(b):
    heading("two cores beside one (wall time, whole process)")
    sources = data.real_set(b) or [b.file("pats-100k.ndb")]
    image, _ = b.image("real" if data.real_set(b) else "pats-100k", sources)
    tree = b.tree("bench")
    cores, workers = [], []
    for _ in range(max(3, int(b.rounds))):
        one = b.overt(image, tree, jobs=1).wall
        one_worker = b.overt(image, tree, jobs=1, is_pinned=False).wall
        two = b.overt(image, tree, jobs=2, is_pinned=False).wall
        cores.append(one / two)
        workers.append(one_worker / two)
        say(f"one worker {one_worker:.3f} s, two {two:.3f} s; one worker and the broker on one "
            f"core {one:.3f} s")
    say(f"two workers / one worker that has the broker on a core of its own: {median(workers):.2f}")
    floor("two cores / one", median(cores), 1.9, digits=2)


# ---- what a user feels --------------------------------------------------------------------------

def whole(b):
    heading("overt scan, its journal with it, and clamscan as whole processes, same rules and files")
    sources = data.real_set(b) or [b.file("pats-100k.ndb")]
    image, _ = b.image("real" if data.real_set(b) else "pats-100k", sources)
    trees = [("cs", b.tree("cs"))] + ([] if b.is_quick else [("small", b.tree("small-some"))])
    for name, tree in trees:
        by_image, by_text, one_core = [], [], []
        for _ in range(1 if b.is_quick else 3):
            clam = timed(b.clamscan(sources, tree, parsers=True), is_pinned=False)
            ours = b.overt_sources([image], tree)
            text = b.overt_sources(sources, tree)
            single = b.overt_sources([image], tree, jobs=1, is_pinned=True)
            say(f"{name}: clamscan {clam.wall:.1f} s; overt {ours.wall:.2f} s with the compiled "
                f"image (on one core {single.wall:.2f}), {text.wall:.2f} s from the text of the rules")
            by_image.append(clam.wall / ours.wall)
            by_text.append(clam.wall / text.wall)
            one_core.append(clam.wall / single.wall)
        floor(f"whole process on {name}, image / clamscan", median(by_image), 20)
        floor(f"whole process on {name}, image, one core / clamscan", median(one_core), 20)
        say(f"whole process on {name}, rules read as text: {median(by_text):.1f} times clamscan")


SECTIONS = {f.__name__: f for f in (body, real, small, digests, hashes, build, memory, cage, scaling, whole,
                                    update, scale, journal, watch)}


def main():
    parser = argparse.ArgumentParser()
    for option in ("--build", "--dir", "--shared"):
        parser.add_argument(option, required=True)
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    a = parser.parse_args()
    for name in a.sections:
        if name not in SECTIONS:
            sys.exit(f"bench: no section {name}; there are {' '.join(SECTIONS)}")
    b = Bench(a.build, a.dir, a.shared)
    b.say_machine()
    for name in a.sections or SECTIONS:
        SECTIONS[name](b)
    return b.summary()


if __name__ == "__main__":
    sys.exit(main())
