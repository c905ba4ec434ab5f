#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's clamav-testfiles: one harmless program in every kind of container, and one hash rule for
it. What clamscan finds, overt finds under the same name. TAP; skipped without the package."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import SCAN, Skip, Tap, has  # noqa: E402

FOLDER = pathlib.Path("/usr/share/clamav-testfiles")
RULES = pathlib.Path("test.hdb")
tap = Tap()


def overt_finds():
    done = subprocess.run([*SCAN, "--no-summary", "--rules", str(RULES), str(FOLDER)],
                          capture_output=True, text=True, check=False)
    return {line.removesuffix(" FOUND") for line in done.stdout.splitlines() if line.endswith(" FOUND")}


def clamscan_finds():
    done = subprocess.run(["clamscan", "--no-summary", "--stdout", "-r", "-d", str(RULES), str(FOLDER)],
                          capture_output=True, text=True, check=False)
    return {line.removesuffix(" FOUND") for line in done.stdout.splitlines() if line.endswith(" FOUND")}


def prepare():
    if not FOLDER.is_dir():
        raise Skip("clamav-testfiles is not installed")
    RULES.write_text("aa15bcf478d165efd2065190eb473bcb:544:Clamav.Test.File-6\n")


@tap.case("every file")
def _():
    prepare()
    names = {line.split(": ")[0].rsplit("/", 1)[1] for line in overt_finds()}
    wanted = {file.name for file in FOLDER.iterdir()}
    print(f"# {len(names)} of {len(wanted)} found")
    return names == wanted or f"missing: {sorted(wanted - names)}"


@tap.case("the names that clamscan tells")
def _():
    prepare()
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    ours, theirs = overt_finds(), clamscan_finds()
    return ours == theirs or f"{sorted(ours - theirs)} {sorted(theirs - ours)}"


tap.run()
