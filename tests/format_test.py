#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""Readers of executables and types of files against clamscan, and mutated executables. TAP.

The build has the two programs that print our answers, exe-dump and type-dump. Comparisons are
skipped where clamscan is not installed; the longer runs are by hand (tests/format/*.py).
"""
import os
import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("OVERT_SOURCE", pathlib.Path(__file__).resolve().parent.parent))
BUILD = pathlib.Path(os.environ.get("OVERT_BUILD", "."))
SEED = "11"


def main():
    exe_dump, type_dump = str(BUILD / "tests/exe-dump"), str(BUILD / "tests/type-dump")
    tools = SOURCE / "tests/format"
    cases = [(f"{kind} files like clamscan",
              ["differential.py", exe_dump, "--kind", kind, "--count", "200", "--seed", SEED])
             for kind in ("elf", "import", "macho", "pe", "version")]
    cases.append(("types of files like clamscan",
                  ["compare_types.py", type_dump, "--count", "300", "--seed", SEED, "/usr/share", "/etc"]))
    cases.append(("mutated executables", ["mutate.py", exe_dump, "--count", "10000" if os.environ.get("OVERT_LONG") else "2500"]))
    print(f"1..{len(cases)}")
    failed = 0
    for number, (name, command) in enumerate(cases, 1):
        if shutil.which("clamscan") is None and "clamscan" in name:
            print(f"ok {number} - {name} # SKIP clamscan is not installed")
            continue
        done = subprocess.run([sys.executable, tools / command[0], *command[1:]], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        failed += done.returncode != 0
        print(f"{'not ok' if done.returncode else 'ok'} {number} - {name}")
        for line in done.stdout.splitlines()[-20:]:
            print("#", line[:300])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
