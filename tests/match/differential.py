#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random rules and random files, held against clamscan: which rules match which files.

  differential.py [--seed N] [--rounds N] [--only body,logical,first,ties,filter] [--keep DIR]

Each round writes a database of many rules and a folder of many files, in which instances of the
rules are planted (whole, with one byte wrong, with a distance that is one too long or too short, at
borders), and lets both scanners tell all names. Differences that docs/clamav-differences.md lists are
recognised one by one by the naive twin in naive.py; any other ends the run with status 1. Ends with
77, which the test runner takes for "skipped", where clamscan is not installed.
"""
import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import forge_logical as logical  # noqa: E402
import forge_objects as objects  # noqa: E402
import forge_rules as rules  # noqa: E402
import forge_ties as ties  # noqa: E402
import naive  # noqa: E402

DETECTIONS_MAX = 64  # that overt tells for one file
ALPHABETS = (objects.FILLER, objects.FILLER, bytes(range(256)), rules.WORDS, b"AB", b"ABc", b"A\0",
             b"ABCDabcd \n")
MAKERS = {0: objects.binary, 1: objects.pe, 6: objects.elf}


def overt_program():
    return os.environ.get("OVERT") or os.path.join(os.environ.get("OVERT_BUILD", "build"), "overt")


def run(command):
    return subprocess.run(command, capture_output=True, check=False)


def run_clamscan(databases, folder, is_all=True):
    """{file name: names in the order told}, or None and the reason when the database was refused."""
    command = ["clamscan", "--no-summary", "--stdout", *(["--allmatch"] * is_all),
               *[f"--database={d}" for d in databases]]
    done = run([*command, str(folder)])
    told = {}
    read_names(done.stdout, told)
    if done.returncode == 2:
        return None, (done.stdout + done.stderr).decode("latin-1")
    if done.returncode < 0:  # it crashed; what it crashes on alone stays unknown
        for file in sorted(folder.iterdir()):
            if file.name not in told:
                alone = run([*command, str(file)])
                if alone.returncode >= 0:
                    read_names(alone.stdout, told)
    return told, ""


def read_names(output, told):
    for line in output.decode("latin-1").splitlines():
        path, _, name = line.rpartition(": ")
        if path and name == "OK":
            told.setdefault(os.path.basename(path), [])
        elif path and name.endswith(" FOUND"):
            told.setdefault(os.path.basename(path), []).append(
                name.split(" ")[0].removesuffix(".UNOFFICIAL"))


def run_overt(databases, folder, is_all=True):
    done = run([overt_program(), "scan", "--no-journal", "--json", *(["--all-matches"] * is_all),
                *[f"--rules={d}" for d in databases], str(folder)])
    told = {}
    for line in done.stdout.decode().splitlines():
        answer = json.loads(line)
        if "path" in answer:
            if answer["verdict"] not in ("clean", "found"):
                return None, f"{answer}"
            told[os.path.basename(answer["path"])] = [
                d["rule"].removesuffix(".UNOFFICIAL") for d in answer["detections"]]
    if done.returncode not in (0, 1):
        return None, done.stderr.decode("latin-1")
    return told, done.stderr.decode("latin-1")


class Round:
    """One database and one folder."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.lines = []   # rule lines
        self.by_name = {}  # rule name: what the naive twin needs
        self.files = []   # Object
        self.database = "rules.ndb"

    def write(self):
        (self.folder / "files").mkdir(parents=True)
        for number, thing in enumerate(self.files):
            (self.folder / "files" / str(number)).write_bytes(thing.finish())
        self.path = self.folder / self.database
        self.path.write_text("\n".join(self.lines) + "\n")


def drop_refused(made):
    """Takes lines that clamscan refuses out of the database. Returns them with the reasons."""
    refused = []
    for _ in range(len(made.lines)):
        made.path.write_text("\n".join(made.lines) + "\n")
        empty = made.folder / "empty"
        empty.mkdir(exist_ok=True)
        told, reason = run_clamscan([made.path], empty)
        if told is not None:
            return refused
        at = [int(w) for line in reason.splitlines() if "at line" in line or "Problem parsing" in
              line for w in line.replace(":", " ").split() if w.isdigit()]
        if not at:
            raise SystemExit(f"clamscan refuses {made.path} without a line: {reason}")
        refused.append((made.lines.pop(at[-1] - 1), reason.strip().splitlines()[0]))
    return refused


# ---- body rules --------------------------------------------------------------------------------

class BodyRule:
    def __init__(self, rng, number, target, alphabet, sizes):
        self.target = target
        self.alphabet = alphabet
        self.pattern = rules.random_pattern(rng, alphabet)
        self.offset = rules.random_offset(rng, target, sizes)
        self.name = f"Body.{number}"
        self.line = f"{self.name}:{target}:{self.offset.text}:{self.pattern.text()}"

    def explains(self, thing, data, has_clam, has_overt):
        """The listed difference that this is; else None and what the naive twin says."""
        bounds = rules.offset_range(self.offset, thing)
        is_found = naive.found(self.pattern, bounds, data)
        if is_found == has_overt:
            for flaw in naive.FLAWS:
                if naive.found(self.pattern, bounds, data, flaw, self.offset.kind) == has_clam:
                    return flaw, is_found
            if naive.found(self.pattern, bounds, data, naive.ALL_FLAWS) == has_clam:
                return "several of these", is_found
            if naive.is_nested(self.pattern):
                return naive.NESTED, is_found
        return None, is_found


def plant_instance(rng, thing, rule, pattern, offset, alphabet):
    slip = rng.choice((0, 0, 0, 1, -1)) if len(pattern.parts) > 1 else 0
    data, start = rules.sample(rng, pattern, alphabet, slip)
    if rng.random() < 0.25:
        data = rules.spoil(rng, data)
    bounds = rules.offset_range(offset, thing)
    if offset.kind == "*" or bounds is None or rng.random() < 0.1:
        at = objects.places(rng, thing, len(data), len(thing.data) > 100000)
    else:
        at = rng.choice((bounds[0], bounds[1], rng.randrange(bounds[0], bounds[1] + 1),
                         bounds[0] - 1, bounds[1] + 1)) - start
    return thing.plant(at, data)


def make_files(rng, count, target, alphabet, sizes):
    return [MAKERS[target](rng, rng.choice(sizes), objects.FILLER if rng.random() < 0.6 or
                           alphabet is rules.WORDS else alphabet) for _ in range(count)]


def body_round(rng, folder):
    made = Round("body", folder)
    target = rng.choice((0, 0, 1, 6))
    alphabet = rng.choice(ALPHABETS)
    is_small = len(alphabet) < 20
    is_large = rng.random() < 0.15
    sizes = (140000, 270000, 400000) if is_large else (24, 60, 200, 700, 3000) if is_small else \
        (30, 200, 1000, 5000, 40000)
    things = make_files(rng, 6 if is_large else 30, target, alphabet, sizes)
    for number in range(40 if is_small else 150):
        kind = rng.choice((target, target, 0))
        rule = BodyRule(rng, number, kind, alphabet, [len(t.data) for t in things])
        made.lines.append(rule.line)
        made.by_name[rule.name] = rule
        for _ in range(3):
            plant_instance(rng, rng.choice(things), rule, rule.pattern, rule.offset, alphabet)
    made.files = things
    return made


# ---- logical rules -----------------------------------------------------------------------------

def plant_rule(rng, thing, rule):
    """Plants some of the rule's subsignatures into one file, some of them more than once."""
    for index, sub in enumerate(rule.subs):
        if isinstance(sub, logical.CompareSub):
            continue
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
            data, start = sub.instance(rng)
            bounds = rules.offset_range(sub.offset, thing)
            if bounds is None or sub.offset.kind == "*":
                at = objects.places(rng, thing, len(data), False)
            else:
                at = rng.choice((*bounds, bounds[0], bounds[1] + 1)) - start
            if not thing.plant(at, data):
                continue
            for compare in rule.compares:
                if compare.sub == index and compare.direction == ">>" and rng.random() < 0.8:
                    thing.plant(at + start + compare.distance, compare.field(rng))


def logical_round(rng, folder):
    made = Round("logical", folder)
    made.database = "rules.ldb"
    target = rng.choice((0, 0, 1, 6))
    alphabet = rng.choice(ALPHABETS)
    is_small = len(alphabet) < 20
    sizes = (24, 60, 200, 700) if is_small else (60, 200, 1000, 5000)
    things = make_files(rng, 30, target, alphabet, sizes)
    for number in range(60 if is_small else 150):
        rule = logical.LogicalRule(rng, number, rng.choice((target, target, 0)), alphabet,
                                   [len(t.data) for t in things])
        made.lines.append(rule.line)
        made.by_name[rule.name] = rule
        for _ in range(3):
            plant_rule(rng, rng.choice(things), rule)
    made.files = things
    return made


# ---- attacks on the filter ---------------------------------------------------------------------

def filter_pattern(rng, shared):
    """Strings that are hard to search for: short, of one byte, very long, all with one beginning."""
    kind = rng.randrange(6)
    if kind == 0:
        return bytes(rng.choices(b"\x00\xff\x20", k=rng.randrange(3, 5)))
    if kind == 1:
        return bytes([rng.choice(b"\x00\xff\x20\x90")]) * rng.choice((3, 4, 7, 8, 9, 64, 300))
    if kind == 2:
        return bytes(rng.choices(objects.FILLER, k=rng.choice((300, 1000, 4000))))  # a line is 8 KB at most
    if kind == 3:
        run = bytes([rng.choice(b"\x00\xff")]) * rng.randrange(4, 30)
        return run + bytes(rng.choices(objects.FILLER, k=rng.randrange(0, 3))) + run
    if kind == 4:
        return shared + bytes(rng.choices(b"ABab01", k=rng.randrange(1, 6)))
    return bytes(rng.choices(b"ABab01", k=rng.randrange(1, 6))) + shared


def filter_round(rng, folder):
    made = Round("filter", folder)
    target = rng.choice((0, 1, 6))
    shared = bytes(rng.choices(objects.FILLER + b"\0", k=rng.choice((4, 6, 8))))
    things = make_files(rng, 12, target, objects.FILLER, (5000, 20000, 60000, 200000))
    planted = []
    for number in range(rng.choice((30, 30, 1500))):
        pattern = rules.Pattern([rules.Part([("byte", b, 0xff) for b in
                                             filter_pattern(rng, shared)])])
        rule = BodyRule.__new__(BodyRule)
        rule.target, rule.pattern, rule.offset = rng.choice((target, 0)), pattern, rules.Offset()
        if len(pattern.parts[0].atoms) > 8 and rng.random() < 0.5:
            pattern.parts[0].atoms[rng.choice((0, 4, -1))] = ("byte", 0, 0)
        rule.name = f"Filter.{number}"
        rule.line = f"{rule.name}:{rule.target}:*:{pattern.text()}"
        made.lines.append(rule.line)
        made.by_name[rule.name] = rule
        planted.append(rule)
    for rule in rng.sample(planted, 20):
        data, _ = rules.sample(rng, rule.pattern, objects.FILLER)
        data = rules.spoil(rng, data) if rng.random() < 0.3 else data
        thing = rng.choice(things)
        thing.plant(objects.places(rng, thing, len(data), True), data)
    made.files = things
    return made


# ---- which name comes first --------------------------------------------------------------------

def first_round(rng, folder):
    """A few rules of several kinds on the same few words, so that most files match several."""
    made = Round("first", folder)
    target = rng.choice((0, 1, 6))
    words = [rules.WORDS[i:i + 5] + bytes([0x91 + i]) for i in range(0, 50, 7)]
    lines = {"a.ndb": [], "b.ldb": [], "c.hdb": []}
    things = make_files(rng, 25, target, objects.FILLER, (300, 1500, 4000))
    for thing in things:
        for word in rng.sample(words, rng.randrange(0, 6)):
            thing.plant(objects.places(rng, thing, len(word), False), word)
    for number in range(rng.randrange(2, 7)):
        word, kind = rng.choice(words).hex(), rng.choice((target, 0))
        cut = rng.choice((0, 0, 2))
        text = rng.choice((word, word[:4] + "??" + word[6:], word[cut:], word[:8]))
        if rng.random() < 0.6:
            lines["a.ndb"].append(f"Body.{number}:{kind}:*:{text}")
        else:
            lines["b.ldb"].append(f"Logical.{number};Engine:81-255,Target:{kind};0;{text}")
    for thing in rng.sample(things, 5):
        data = thing.finish()
        lines["c.hdb"].append(f"{hashlib.md5(data).hexdigest()}:{len(data)}:Hash.{len(data)}")
    made.files = things
    made.lines = sum(lines.values(), [])
    made.databases = {name: text for name, text in lines.items() if text}
    return made


def ties_round(rng, folder):
    made = Round("ties", folder)
    made.lines, made.files = ties.forge(rng)
    return made


def compare_first(made, counts):
    made.write()
    if made.name == "ties":
        counts["refused lines"] += len(drop_refused(made))
        made.databases = {"a.ndb": made.lines}
    paths = []
    for name, text in made.databases.items():
        paths.append(made.folder / name)
        paths[-1].write_text("\n".join(text) + "\n")
    clam, why = run_clamscan(paths, made.folder / "files", is_all=False)
    ours, trouble = run_overt(paths, made.folder / "files", is_all=False)
    if clam is None or ours is None:
        return [f"{made.name}: clamscan: {why} overt: {trouble}"]
    bad = []
    for name, theirs in sorted(clam.items()):
        counts["first names"] += len(theirs) > 0
        counts["files"] += 1
        if theirs[:1] != ours[name][:1]:
            bad.append(f"{made.folder}/files/{name}: clamscan {theirs}, overt {ours[name]}")
    return bad


# ---- comparing ---------------------------------------------------------------------------------

class Counts(collections.Counter):
    pass


def compare_all(made, counts):
    """Holds the sets of (file, rule) against one another. Returns the unexplained differences."""
    made.write()
    counts["refused lines"] += len(drop_refused(made))
    clam, why = run_clamscan([made.path], made.folder / "files")
    ours, trouble = run_overt([made.path], made.folder / "files")
    if clam is None or ours is None:
        return [f"{made.name}: clamscan: {why} overt: {trouble}"]
    counts["pairs"] += len(made.files) * len(made.lines)
    bad = []
    for number, thing in enumerate(made.files):
        if str(number) not in clam:
            counts["files that crash clamscan"] += 1
            continue
        theirs, mine = set(clam[str(number)]), set(ours[str(number)])
        if len(mine) >= DETECTIONS_MAX:
            counts["files with too many detections"] += 1
            continue
        counts["matches"] += len(theirs & mine)
        for name in sorted(theirs ^ mine):
            rule = made.by_name[name]
            known, is_found = rule.explains(thing, thing.finish(), name in theirs, name in mine)
            if known:
                counts["listed: " + known] += 1
                continue
            who = "clamscan alone" if name in theirs else "overt alone"
            doubt = "" if is_found == (name in mine) else ", naive twin against overt"
            bad.append(f"{made.folder}/files/{number}: {who}{doubt}: {rule.line}")
    return bad


KINDS = {"body": body_round, "logical": logical_round, "first": first_round, "ties": ties_round,
         "filter": filter_round}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default=",".join(KINDS))
    parser.add_argument("--keep", help="write the databases and files here, and leave them")
    args = parser.parse_args()
    if shutil.which("clamscan") is None:
        print("clamscan is not installed")
        return 77
    counts, bad = Counts(), []
    root = pathlib.Path(args.keep or tempfile.mkdtemp(prefix="overt-differential-"))
    try:
        for kind in args.only.split(","):
            for number in range(args.rounds):
                seed = args.seed * 100000 + number
                folder = root / f"{kind}-{seed}"
                folder.mkdir(parents=True, exist_ok=True)
                made = KINDS[kind](random.Random(f"{kind} {seed}"), folder)
                found = (compare_first if kind in ("first", "ties") else compare_all)(made, counts)
                for line in found:
                    print(line, flush=True)
                bad += found
                if not args.keep and not found:
                    shutil.rmtree(folder)
    finally:
        if not args.keep:
            shutil.rmtree(root)
    for name, count in sorted(counts.items()):
        print(f"{count:9} {name}")
    print(f"{len(bad)} differences that are not listed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
