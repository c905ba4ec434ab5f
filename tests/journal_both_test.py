#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""`overt journal verify` and tools/verify-journal on the same journals, one that `overt scan` wrote and one that was
made here: each byte flipped, each file cut at each length. Ours in Python is given all of the first, and our program some of
both; with OVERT_LONG=1 both are given all. TAP."""
import os
import pathlib
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "journal")]
import verifier as program  # noqa: E402  first: it may go on under another Python
import foreign_journal as foreign  # noqa: E402
import journal_test  # noqa: E402
from journals import main, verify  # noqa: E402

STEP = 1 if os.environ.get("OVERT_LONG") else 29
FOLDER = pathlib.Path("state/journal")
SECRET = ("key", "names", "names.key", "lock", "epoch", "programs")
verifier = program.load()


def ours(key, kept=None):
    """Whether all is right for tools/verify-journal."""
    try:
        told = verifier.verify_journal(str(FOLDER), key.encode(), kept and verifier.checkpoint_from(kept))
    except OSError:
        return False
    return told["result"] == "holds"


def theirs(key, *words):
    """And for our program."""
    return verify("--key", key, *words)[0] == 0


def made_by_overt():
    key = journal_test.small_journal()
    return key, pathlib.Path("kept").read_bytes()


def made_here():
    journal = foreign.small(silence=600)
    shutil.rmtree("state", ignore_errors=True)
    journal.write(FOLDER)
    pathlib.Path("kept").write_bytes(journal.seals[-1][2])
    return journal.vkey(0), journal.seals[-1][2]


def is_superseded(name):
    """A partial file of an earlier checkpoint: neither has a need to read it."""
    width = int(FOLDER.joinpath("checkpoint").read_bytes().split(b"\n")[1])
    return ".p/" in name and not name.endswith(f".p/{width}")


def changed(name, data, changes, step, key, kept):
    """[(where, what ours says, what theirs says)] of those that are right for somebody."""
    path, told, count = FOLDER / name, [], [0, 0]
    words = ("--against", "kept") if kept else ()
    for number, (where, bad) in enumerate(changes):
        if number % step:
            continue
        path.write_bytes(bad)
        is_right = [ours(key, kept), None]
        count[0] += 1
        # Where ours is content, and at each STEPth, theirs is asked.
        if is_right[0] or number % STEP == 0:
            is_right[1] = theirs(key, *words)
            count[1] += 1
        if any(is_right):
            told.append((where, *is_right))
    path.write_bytes(data)
    return told, count


def each_change(make, changes_of, is_allowed, with_kept):
    key, kept = make()
    # What was made here, verify_journal_test.py gives ours in Python byte for byte.
    step = STEP if make is made_here else 1
    assert ours(key, kept) and theirs(key, "--against", "kept")
    total, started = [0, 0], time.monotonic()
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        name, data = str(path.relative_to(FOLDER)), path.read_bytes()
        if name in SECRET or name in ("log.policy", "journal.vkey"):
            print(f"# {name}, {len(data)} bytes: not read, or what --key says counts")
            continue
        told, count = changed(name, data, changes_of(data), step, key, kept if with_kept else None)
        total = [a + b for a, b in zip(total, count)]
        for where, right, their_right in told:
            assert is_allowed(name, where, right, their_right), (name, where, right, their_right)
        if told:
            print(f"# {name}: {len(told)} changes of {count[0]} are no error for one of the two")
    print(f"# {total[0]} changes for tools/verify-journal, {total[1]} of them for overt, in "
          f"{time.monotonic() - started:.0f} s")


def flips(data):
    for at, byte in enumerate(data):
        yield at, data[:at] + bytes([byte ^ 1 << at % 8]) + data[at + 1:]


def cuts(data):
    for size in range(len(data)):
        yield size, data[:size]


def only_superseded(name, _, right, their_right):
    return right and their_right and is_superseded(name)


def whole_runs(name, size, right, their_right):
    """Without any of what came after the checkpoint there is nothing to miss."""
    return only_superseded(name, size, right, their_right) or \
        (name, size, right, their_right) == ("pending", 0, True, True)


def each_byte_of_a_journal_of_overt():
    each_change(made_by_overt, flips, only_superseded, False)


def each_byte_of_a_journal_made_here():
    each_change(made_here, flips, only_superseded, False)


def each_length_of_a_journal_of_overt():
    each_change(made_by_overt, cuts, whole_runs, True)


def each_length_of_a_journal_made_here():
    each_change(made_here, cuts, whole_runs, True)


if __name__ == "__main__":
    main([each_byte_of_a_journal_of_overt, each_byte_of_a_journal_made_here, each_length_of_a_journal_of_overt,
          each_length_of_a_journal_made_here])
