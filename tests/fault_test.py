#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Faults on demand: test programs end at the step they are told, programs for people never; and a
file that is replaced is the old one or the new one, whole, whatever the step. TAP."""
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from tap import check, end  # noqa: E402

BUILD = pathlib.Path(os.environ.get("OVERT_BUILD") or "build-check").resolve()
PROGRAMS = ["overt", "overt-worker", "overt-fetch", "overt-serve"]
STEPS_MAX = 100


def run(step, *words):
    """The status of durable-write that ends at this step; 0: at none."""
    env = {**os.environ, "OVERT_FAULT": str(step)}
    return subprocess.run([BUILD / "tests/faulty/durable-write", *words], env=env, check=False,
                          timeout=60).returncode


def main():
    for name in PROGRAMS:
        word = b"OVERT_FAULT"
        check(f"{name} does not know of faults", word not in (BUILD / name).read_bytes())
        check(f"{name} of the tests does", word in (BUILD / "tests/faulty" / name).read_bytes())

    place = pathlib.Path("a/b/file")
    run(0, place, "old")
    seen, wrong, step = [], [], 0
    while step < STEPS_MAX:
        step += 1
        status = run(step, place, "new")
        content = place.read_text()
        seen.append(content)
        if content not in ("old", "new"):
            wrong.append((step, content))
        if status == 0:
            break
        if status != -signal.SIGKILL:
            wrong.append((step, status))
        run(0, place, "old")
    check("a run that no step ends does its work", step < STEPS_MAX and seen[-1] == "new", seen)
    check("a killed run leaves the old file or the new one", not wrong, wrong)
    check("there are steps before the new file stands and after", seen.count("old") >= 4 and
          seen.count("new") >= 2, seen)
    run(1, "other/file", "new")
    check("a run killed at its first step changes nothing", not pathlib.Path("other").exists())
    return end()


if __name__ == "__main__":
    sys.exit(main())
