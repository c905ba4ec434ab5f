# SPDX-License-Identifier: Apache-2.0
#
# What the journal costs a scan: many small files, and one.
"""Used by run.py; docs/benchmarks.md says how each figure is measured."""
import os
import random
import shutil
import statistics

from harness import heading, say, timed

FILES, FILES_QUICK, A_FOLDER = 20_000, 4_000, 200
SIZES = (120, 900, 2_500, 6_000, 16_000)  # bytes; in turn
RECORDS, RECORDS_QUICK, MOST_VERIFY_S = 1_000_000, 100_000, 10
MOST_PERCENT = 5  # of the throughput on many small files


def small_tree(b):
    """Text of words, as small files mostly are; made once."""
    count = FILES_QUICK if b.is_quick else FILES
    tree = b.path(f"journal-{count}")
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


def pairs(b, path, rounds):
    """Scans without and with the journal, in turns: two lists. Each round begins with the other one."""
    command = [os.path.join(b.build, "overt"), "scan", "--quiet"]
    done = {False: [], True: []}
    timed([*command, path], is_pinned=False)
    for i in range(rounds):
        for with_journal in (i % 2 == 0, i % 2 != 0):
            words = [] if with_journal else ["--no-journal"]
            done[with_journal].append(timed([*command, *words, path], is_pinned=False))
    return done[False], done[True]


def middle(runs, key):
    return statistics.median(getattr(run, key) for run in runs)


def journal(b):
    heading("the journal: overt scan with the starter rules, without and with it, in turns")
    state = b.path("journal-state")
    shutil.rmtree(state, ignore_errors=True)
    before = os.environ.get("OVERT_STATE")
    os.environ["OVERT_STATE"] = state
    try:
        without, with_it = pairs(b, b.tiny(), 11 if b.is_quick else 31)
        start = {key: (middle(with_it, key) - middle(without, key)) for key in ("wall", "cpu")}
        say(f"one tiny file: {middle(without, 'wall') * 1000:.1f} ms without, "
            f"{middle(with_it, 'wall') * 1000:.1f} ms with it: {start['wall'] * 1000:.1f} ms more "
            f"(CPU {start['cpu'] * 1000:.1f} ms)")
        tree, count = small_tree(b)
        without, with_it = pairs(b, tree, 5 if b.is_quick else 11)
    finally:
        if before is None:
            del os.environ["OVERT_STATE"]
        else:
            os.environ["OVERT_STATE"] = before
    for key in ("wall", "cpu"):
        base, full = middle(without, key), middle(with_it, key)
        say(f"{count:,} small files, {key}: {count / base:,.0f} files/s without, "
            f"{count / full:,.0f} with it: {100 * (full / base - 1):+.1f} %, "
            f"{100 * ((full - start[key]) / base - 1):+.1f} % beyond the start "
            f"({(full - start[key] - base) / count * 1e6:+.2f} us a file)")
    percent = 100 * (middle(with_it, "wall") - start["wall"]) / middle(without, "wall") - 100
    b.note(f"the journal costs at most {MOST_PERCENT} percent of many small files, beyond the start",
           percent <= MOST_PERCENT)
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
