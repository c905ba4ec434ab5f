#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""What Overt does beside giving verdicts is in the journal, too: which rules ran, which processes
there were, what they sent, what was done to files. TAP."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/journal"))
from journals import (  # noqa: E402  pylint: disable=wrong-import-position
    BUILD, OVERT, RULES, Journal, environment, main, scan, tree, verify)


def overt(*words, state="state", program=OVERT, **how):
    return subprocess.run([program, *map(str, words)], capture_output=True, check=False,
                          timeout=120, stdin=subprocess.DEVNULL, env=environment(state), **how)


def bodies(kind, state="state"):
    return [entry.body for entry in Journal(state).entries() if entry.type == kind]


# ---- which rules ran ----------------------------------------------------------------------------

def sets_of(state="state"):
    """Those of the newest entry `load`."""
    return [value for key, value in bodies("load", state)[-1] if key == "set"]


def an_image_names_its_files():
    tree("t", 2)
    assert scan("t").returncode == 0
    assert sets_of() == ["rules.ndb local"], sets_of()
    (first := pathlib.Path("o dd.ndb")).write_bytes(pathlib.Path(RULES).read_bytes())
    folder = pathlib.Path("more")
    folder.mkdir()
    for number in range(200):
        (folder / f"r{number:03}.ndb").write_text(f"R-{number}:0:*:{number:08x}6f766572\n")
    assert overt("scan", "--rules", first, "t").returncode == 0
    assert sets_of() == ["o%20dd.ndb local"], sets_of()
    assert overt("scan", "--rules", first, "--rules", folder, "t").returncode == 0
    wanted = ["o%20dd.ndb local"] + [f"r{number:03}.ndb local" for number in range(127)]
    assert sets_of() == wanted + ["/73 local"], sets_of()
    assert verify()[0] == 0


def the_rules_of_the_program():
    tree("t", 1)
    assert overt("scan", "t", program=BUILD / "overt").returncode == 0
    assert sets_of() == ["starter built-in"], sets_of()
    assert verify()[0] == 0


if __name__ == "__main__":
    main([an_image_names_its_files, the_rules_of_the_program])
