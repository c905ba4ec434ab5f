#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the types that we give to files with clamscan's, on trees of real files.

    compare_types.py TYPE-DUMP [--count N] [--seed N] DIR...

Prints how many agree, and the pairs that differ. Ends with 77 (skipped) where clamscan is missing.
"""
import argparse
import collections
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402
import types_oracle  # noqa: E402


def list_files(folders, largest):
    """Regular files of 6 to `largest` bytes."""
    for folder in folders:
        for home, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(home, name)
                if os.path.isfile(path) and not os.path.islink(path) and "\n" not in path \
                        and 6 <= os.path.getsize(path) <= largest:
                    yield path


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not oracle.has_clamscan():
        print("skipped: clamscan is not installed")
        return 77
    paths = sorted(list_files(options.folders, 1 << 19))
    rng = random.Random(options.seed)
    paths = rng.sample(paths, min(options.count, len(paths)))
    done = subprocess.run([options.program], input=os.fsencode("\n".join(paths) + "\n"),
                          stdout=subprocess.PIPE, check=True)
    ours = done.stdout.decode().split()
    theirs = types_oracle.ask_types(paths)
    differ, examples, same = collections.Counter(), {}, 0
    for path, mine in zip(paths, ours):
        other = theirs.get(path)
        if other is None or mine == other:
            same += other is not None
            continue
        differ[mine, other] += 1
        examples[mine, other] = path
    asked = same + sum(differ.values())
    print(f"{same} of {asked} files agree ({same / max(1, asked):.5f})")
    for (mine, other), count in differ.most_common(30):
        print(f"  {count} times we say {mine}, clamscan {other}: {examples[mine, other]}")
    return 0 if same >= 0.995 * asked else 1


if __name__ == "__main__":
    sys.exit(main())
