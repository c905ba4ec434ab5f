# SPDX-License-Identifier: Apache-2.0
#
# What the journal costs a scan: many small files, and one.
"""Used by run.py; docs/benchmarks.md says how each figure is measured."""
import os
import random
import shutil
import statistics

import harness_data as data
from harness import heading, say, timed

FILES, FILES_QUICK, A_FOLDER = 20_000, 4_000, 200
SIZES = (120, 700, 1_500, 3_500, 9_000)  # bytes; in turn: about 3 kB
RECORDS, RECORDS_QUICK, MOST_VERIFY_S = 1_000_000, 100_000, 10
MOST_PERCENT = 5  # of the throughput on many small files


def small_tree(b):
    """Text of words, as small files mostly are; made once."""
    count = FILES_QUICK if b.is_quick else FILES
    tree = b.path(f"journal-small-{count}")
    if os.path.exists(tree):
        return tree, count
    seed = random.Random(5)
    words = ["".join(seed.choices("abcdefghijklmnopqrstuvwxyz", k=seed.randint(2, 11)))
             for _ in range(4_000)]
    for i in range(count):
        folder = os.path.join(tree + ".new", f"{i // A_FOLDER:03d}")
        os.makedirs(folder, exist_ok=True)
        size = SIZES[i % len(SIZES)]
        with open(os.path.join(folder, f"{i}.txt"), "w", encoding="ascii") as f:
            f.write(" ".join(seed.choices(words, k=size // 6))[:size])
    os.rename(tree + ".new", tree)
    return tree, count


def pairs(b, words, path, rounds):
    """Scans without and with the journal, in turns: two lists. Each round begins with the other one."""
    command = [os.path.join(b.build, "overt"), "scan", "--quiet", *words]
    done = {False: [], True: []}
    timed([*command, path], is_pinned=False)
    for i in range(rounds):
        for with_journal in (i % 2 == 0, i % 2 != 0):
            more = [] if with_journal else ["--no-journal"]
            done[with_journal].append(timed([*command, *more, path], is_pinned=False))
    return done[False], done[True]


def least(runs, key):
    return min(getattr(run, key) for run in runs)


def start_cost(b):
    """Seconds that a scan of one tiny file takes longer with the journal: {"wall": ..., "cpu": ...}"""
    without, with_it = pairs(b, [], b.tiny(), 11 if b.is_quick else 31)
    start = {key: least(with_it, key) - least(without, key) for key in ("wall", "cpu")}
    say(f"one tiny file: {least(without, 'wall') * 1000:.1f} ms without, "
        f"{least(with_it, 'wall') * 1000:.1f} ms with it: {start['wall'] * 1000:.1f} ms more "
        f"(CPU {start['cpu'] * 1000:.1f} ms); medians "
        f"{statistics.median(run.wall for run in without) * 1000:.1f} and "
        f"{statistics.median(run.wall for run in with_it) * 1000:.1f} ms")
    return start


def one_set(b, label, words, start, floored):
    tree, count = small_tree(b)
    without, with_it = pairs(b, words, tree, 5 if b.is_quick else 15)
    for key in ("wall", "cpu"):
        base, full = least(without, key), least(with_it, key)
        percent = 100 * ((full - start[key]) / base - 1)
        say(f"{label}, {key}: {count / base:,.0f} files/s without, {count / full:,.0f} with it: "
            f"{100 * (full / base - 1):+.1f} %, {percent:+.1f} % beyond the start "
            f"({base / count * 1e6:.2f} us a file without, "
            f"{(full - start[key] - base) / count * 1e6:+.2f} us with it)")
        if key in floored:
            b.note(f"the journal costs at most {MOST_PERCENT} percent of the {key} time of many small "
                   f"files beyond the start, {label}", percent <= MOST_PERCENT)


def sizes(state):
    """{what: bytes} of the journal's files: entries and their tree, paths, the rest."""
    found = {"entries": 0, "paths": 0, "rest": 0}
    root = os.path.join(state, "journal")
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            kind = "entries" if folder != root else "paths" if name == "names" else "rest"
            found[kind] += os.path.getsize(path)
    return found


def bytes_a_file(b, state):
    """What a scan of the small files leaves on the disk, in a journal that has seen little yet."""
    tree, count = small_tree(b)
    shutil.rmtree(state, ignore_errors=True)
    command = [os.path.join(b.build, "overt"), "scan", "--quiet"]
    timed([*command, b.tiny()], is_pinned=False)
    before = sizes(state)
    timed([*command, tree], is_pinned=False)
    grown = {kind: (size - before[kind]) / count for kind, size in sizes(state).items()}
    say(f"on the disk: {sum(grown.values()):.0f} bytes a file: {grown['entries']:.0f} of entries, "
        f"{grown['paths']:.0f} of paths (files of {len(os.path.join(tree, '000/000.txt'))} characters)")


def journal(b):
    heading("the journal: overt scan of many small files, without and with it, in turns (least of each)")
    state = b.path("journal-state")
    before = os.environ["OVERT_STATE"]
    os.environ["OVERT_STATE"] = state
    try:
        bytes_a_file(b, state)
        start = start_cost(b)
        one_set(b, "the starter rules", [], start, ("wall", "cpu"))
        image, _ = b.image("one", [data.empty_set(b)])
        one_set(b, "one signature", ["--rules", image], start, ("cpu",))
        sources = data.real_set(b)
        if sources:
            image, _ = b.image("real", sources)
            one_set(b, "the real set", ["--rules", image], start, ("cpu",))
    finally:
        os.environ["OVERT_STATE"] = before
    verify(b)


def verify(b):
    """Verifying and asking a journal of many entries, beside reading and hashing the same bytes."""
    count = RECORDS_QUICK if b.is_quick else RECORDS
    fill, overt = os.path.join(b.build, "tests/journal-fill"), os.path.join(b.build, "overt")
    if not os.access(fill, os.X_OK):
        say(f"{fill} is not there: no journal of {count:,} entries to verify")
        return
    state = b.path(f"journal-of-{count}")
    if not os.path.exists(state):
        shutil.rmtree(state + ".new", ignore_errors=True)
        os.mkdir(state + ".new")
        timed([fill, os.path.join(state + ".new", "journal"), str(count)])
        os.rename(state + ".new", state)
    place = os.path.join(state, "journal")
    index = os.path.join(place, "index.db")
    if os.path.exists(index):
        os.remove(index)
    hashed = timed(["sh", "-c", f"find '{place}/tile' -type f -exec cat {{}} + | sha256sum"])
    verified = min((timed([overt, "journal", "verify", "--journal", place]) for _ in range(3)),
                   key=lambda run: run.wall)
    say(f"a journal of {count:,} entries: verified in {verified.wall:.2f} s ({verified.cpu:.2f} s CPU), "
        f"{count / verified.wall:,.0f} entries/s; sha256sum of its tiles takes {hashed.wall:.2f} s")
    question = [overt, "journal", "list", "--journal", place, "--verdict", "found", "--limit", "5"]
    made, asked = timed(question), timed(question)
    plain = timed([*question, "--no-index"])
    say(f"its newest five files that were found: {asked.wall:.3f} s with the index, {plain.wall:.2f} s "
        f"without; {made.wall:.1f} s to make it, {os.path.getsize(index) / 1e6:.0f} MB")
    b.note("the index and the whole journal give one answer", asked.out == plain.out == made.out)
    b.note(f"a journal of {count:,} entries is verified within {MOST_VERIFY_S} s",
           verified.wall <= MOST_VERIFY_S)
