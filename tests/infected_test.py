#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Marks of viruses and worms, in harmless files, held against clamscan. TAP."""
import os
import pathlib
import random
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "walk"))
sys.path.insert(0, str(HERE / "format"))
import forge_infected  # noqa: E402
from alerts import RULES, run_many  # noqa: E402
from beside import clamscan_names, overt_names, wrap, write  # noqa: E402
from members import Tap  # noqa: E402

tap = Tap()
COUNT = int(os.environ.get("OVERT_INFECTED", "250"))


def both(path, *options):
    """The names that both tell, when they tell the same; else a sentence."""
    ours, theirs = overt_names(path, RULES, *options), clamscan_names(path, RULES, *options)
    return ours if ours == theirs else f"{path} {options}: overt {ours}, clamscan {theirs}"


def compare(kind, forge, *names):
    rng = random.Random(kind)
    paths = [write(f"{kind}/{number}", forge(rng)) for number in range(COUNT)]
    ours, theirs = run_many(paths)
    different = [p for p in paths if ours.get(p) != theirs.get(p)]
    if different:
        return f"{len(different)}: {different[:9]}: " \
            f"{[(ours.get(p), theirs.get(p)) for p in different[:3]]}"
    told = sorted({name for found in theirs.values() for name in found})
    if told != [f"Heuristics.W32.{name}" for name in names]:
        return str(told)
    if not COUNT // 10 < len(theirs) < COUNT * 9 // 10:
        return f"{len(theirs)} of {COUNT}: that tells little"
    return run_many(paths[:40], "--heuristic-alerts=no") == [{}, {}]


@tap.case("Parite.B, and what only looks like it")
def _():
    return compare("parite", forge_infected.parite, "Parite.B")


@tap.case("Kriz, and what only looks like it")
def _():
    return compare("kriz", forge_infected.kriz, "Kriz")


@tap.case("Magistr, and what only looks like it")
def _():
    return compare("magistr", forge_infected.magistr, "Magistr.A", "Magistr.B")


@tap.case("Polipos.A, and what only looks like it")
def _():
    return compare("polipos", forge_infected.polipos, "Polipos.A")


def log_record(rng, is_right=True):
    """Eight words as the worm encrypts them."""
    key, words = rng.getrandbits(32), [rng.getrandbits(32) for _ in range(6)]
    words.append((~key - sum(words) + (not is_right)) & 0xffffffff)
    return struct.pack(">8I", ~key & 0xffffffff, *[word ^ key for word in words])


@tap.case("logs of Mydoom.M, and what only looks like them")
def _():
    rng = random.Random(9)
    paths = [write(f"log/{number}", b"".join(log_record(rng, rng.random() < 0.8)
                                             for _ in range(rng.randrange(1, 8))) +
                   bytes(rng.randrange(40))) for number in range(COUNT)]
    barred = log_record(rng) + log_record(rng)
    paths += [write(f"log/barred{at}", barred[:at] + b"\xff" * 4 + barred[at + 4:] + bytes(200))
              for at in (0, 4, 16, 20, 60)]
    ours, theirs = run_many(paths)
    names = {name for found in theirs.values() for name in found}
    if ours != theirs or names != {"Heuristics.Worm.Mydoom.M.log"} or len(theirs) < COUNT // 5:
        return f"{[p for p in paths if ours.get(p) != theirs.get(p)][:9]} {names}"
    return run_many(paths[:40], "--heuristic-alerts=no") == [{}, {}]


@tap.case("a rule comes before a virus's mark, unless alerts take precedence; members too")
def _():
    rng = random.Random(1)
    while True:
        data = forge_infected.parite(rng)
        path = write("plain.exe", data)
        if both(path) == ["Heuristics.W32.Parite.B"]:
            break
    ruled = write("ruled.exe", data + b"HEURWORD")
    inner = write("inner.zip", wrap(data, ["zip"]))
    answers = [both(ruled), both(inner), overt_names(ruled, RULES, "--all-matches")]
    return answers == [["Test.Word.UNOFFICIAL"], ["Heuristics.W32.Parite.B"],
                       ["Heuristics.W32.Parite.B", "Test.Word.UNOFFICIAL"]] or answers


tap.run()
