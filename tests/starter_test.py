#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
"""The starter rules fire on what they are for, on nothing else, and not on this system's files. TAP.

  starter_test.py              with overt ($OVERT, else $OVERT_BUILD/overt)
  starter_test.py --clamscan   the same with clamscan, which knows nothing of us

tests/starter/samples.txt has harmless samples for each rule: hits, on which that rule alone must
fire, and misses (a hit with one necessary part spoilt), on which none may.
"""
import base64
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RULES = ROOT / "rules"
SYSTEM = ("/usr/lib/python3", "/usr/share", "/usr/bin")
SYSTEM_BYTES_EACH, SYSTEM_FILES_EACH = 20_000_000, 2500
SUFFIX = ".UNOFFICIAL"


def scan_overt(paths):
    """{path: set of rule names}, and the paths that were not scanned in full."""
    program = os.environ.get("OVERT") or os.path.join(os.environ.get("OVERT_BUILD", "build"),
                                                      "overt")
    command = [program, "scan", "--no-journal", "--json", "--all-matches", "--rules", str(RULES), *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 2 and not done.stdout:
        sys.exit(f"overt: {done.stderr}")
    found, bad = {}, []
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        if "path" not in answer:
            continue
        found[answer["path"]] = {d["rule"].removesuffix(SUFFIX) for d in answer["detections"]}
        if answer["verdict"] not in ("clean", "found"):
            bad.append(f"{answer['path']}: {answer['verdict']} {answer.get('error')}")
    return found, bad


def scan_clamscan(paths):
    with tempfile.NamedTemporaryFile("w", suffix=".list") as listing:
        listing.write("\n".join(paths))
        listing.flush()
        done = subprocess.run(["clamscan", "--allmatch", "--no-summary", "--scan-archive=no",
                               "-d", str(RULES), "-f", listing.name],
                              capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 2 and not done.stdout:
        sys.exit(f"clamscan: {done.stderr}")
    found, bad = collections.defaultdict(set), []
    for line in done.stdout.splitlines():
        path, _, verdict = line.rpartition(": ")
        if verdict.endswith(" FOUND"):
            found[path].add(verdict.removesuffix(" FOUND").removesuffix(SUFFIX))
        else:
            found[path]  # pylint: disable=pointless-statement
    return found, bad


def read_samples():
    samples = []
    for line in (ROOT / "tests/starter/samples.txt").read_text().splitlines():
        if not line.startswith("#"):
            rule, kind, text = line.split()
            samples.append((rule, kind, base64.b64decode(text, validate=True)))
    return samples


def read_rule_names():
    """The names of all rules in the folder, and those that have no comment above them."""
    names, bare = [], []
    for file in sorted(RULES.iterdir()):
        above = ""
        for line in file.read_text().splitlines():
            if not line.startswith("#"):
                names.append(re.split("[;:]", line)[0])
                if not above.startswith("# "):
                    bare.append(names[-1])
            above = line
    return names, bare


def system_files():
    """Files of this system, spread over the folders, no more than a test has time for."""
    chosen = []
    for root in SYSTEM:
        files = []
        for folder, _, names in os.walk(root):
            paths = (os.path.join(folder, n) for n in names)
            files += sorted(p for p in paths if os.path.isfile(p) and not os.path.islink(p)
                            and 0 < os.path.getsize(p) < 4_000_000 and p.isprintable())
        step, size = max(1, len(files) // SYSTEM_FILES_EACH), 0
        for path in files[::step]:
            size += os.path.getsize(path)
            if size > SYSTEM_BYTES_EACH:
                break
            chosen.append(path)
    return chosen


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def case(self, name, problems):
        self.count += 1
        self.failed += bool(problems)
        print(f"{'not ' if problems else ''}ok {self.count} - {name}")
        for problem in problems[:20]:
            print(f"# {problem}")

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def check_samples(tap, scan, samples, folder):
    expected, by_rule = {}, collections.defaultdict(list)
    for number, (rule, kind, content) in enumerate(samples):
        path = os.path.join(folder, f"{number:04}-{kind}")
        pathlib.Path(path).write_bytes(content)
        expected[path] = {rule} if kind == "hit" else set()
        by_rule[rule].append(path)
    found, bad = scan(sorted(expected))
    for rule, paths in by_rule.items():
        tap.case(rule, [f"{p}: {sorted(found.get(p, {'no answer'}))}, not {sorted(expected[p])}"
                        for p in paths if found.get(p) != expected[p]])
    tap.case("every sample was scanned in full", bad)


def main():
    scan = scan_clamscan if "--clamscan" in sys.argv else scan_overt
    tap = Tap()
    names, bare = read_rule_names()
    samples = read_samples()
    hits = {rule for rule, kind, _ in samples if kind == "hit"}
    misses = {rule for rule, kind, _ in samples if kind == "miss"}
    tap.case("every rule says what it finds", bare)
    tap.case("no two rules have one name", [n for n, k in collections.Counter(names).items()
                                             if k > 1])
    tap.case("every rule has a hit and a miss", sorted(set(names) - (hits & misses)))
    tap.case("every sample has a rule", sorted((hits | misses) - set(names)))
    with tempfile.TemporaryDirectory(prefix="overt-starter-") as folder:
        check_samples(tap, scan, samples, folder)
    files = system_files()
    found, _ = scan(files)
    tap.case(f"no false alarm on {len(files)} files of this system",
             [f"{p}: {sorted(n)}" for p, n in found.items() if n])
    tap.case("every one of them was answered for", [p for p in files if p not in found])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
