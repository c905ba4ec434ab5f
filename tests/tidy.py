#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1500
"""clang-tidy over every source file of src/ that the build compiles; the checks are in .clang-tidy.

  tidy.py [BUILD]    BUILD: a configured build folder; else the variable OVERT_BUILD

Nearly all of the time is the static analyzer's: it follows only the smallest functions into what
they call, unless OVERT_LONG is set, as by `make tidy`.

What was found clean stays in BUILD/tidy.clean, by a hash of the file, all headers and the checks,
so that only what changed is looked at again. TAP: one case.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GROUP = 8  # files for one start of clang-tidy, which takes as long as a small one
SHORTER = [] if os.environ.get("OVERT_LONG") else [
    f"--extra-arg={word}" for word in ("-Xclang", "-analyzer-config", "-Xclang", "mode=shallow")]


def sources(build):
    """Every compiled source of src/, tests apart (cmocka's macros are not ours to judge).

    What is compiled twice, for counting lines too, is looked at once: BUILD/tidy/ has one command
    for each file."""
    commands = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        file = (build / command["directory"] / command["file"]).resolve()
        if file.is_relative_to(ROOT / "src") and not file.name.endswith("_test.c"):
            commands.setdefault(file, command)
    (build / "tidy").mkdir(exist_ok=True)
    (build / "tidy/compile_commands.json").write_text(json.dumps(list(commands.values())))
    return sorted(commands)


def shared_hash():
    """What the outcome depends on beside the file itself."""
    state = hashlib.sha256(" ".join(SHORTER).encode())
    for file in [ROOT / ".clang-tidy", *sorted((ROOT / "src").rglob("*.h"))]:
        state.update(file.read_bytes())
    return state


def tidy(build, files):
    done = subprocess.run(
        ["clang-tidy-14", "-p", str(build / "tidy"), "--quiet",
         "--extra-arg=-Wno-unknown-warning-option", *SHORTER, *map(str, files)],
        capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.replace(str(ROOT) + "/", "").replace("../", "")


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["OVERT_BUILD"]).resolve()
    shared = shared_hash()
    keys = {}
    for file in sources(build):
        state = shared.copy()
        state.update(str(file).encode() + file.read_bytes())
        keys[file] = state.hexdigest()
    memory = build / "tidy.clean"
    clean = set(memory.read_text().split()) if memory.exists() else set()
    todo = [f for f in keys if keys[f] not in clean]
    print(f"1..1\n# {len(keys)} files, {len(todo)} of them to look at")
    is_bad = not keys
    groups = [todo[at:at + GROUP] for at in range(0, len(todo), GROUP)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for files, (code, output) in zip(groups, pool.map(lambda f: tidy(build, f), groups)):
            if code == 0:
                clean.update(keys[file] for file in files)
            else:
                is_bad = True
                found = [line for line in output.splitlines() if "error:" in line]
                print("\n".join("# " + line for line in found or output.splitlines()), flush=True)
    memory.write_text("\n".join(sorted(clean & set(keys.values()))))
    print(f"{'not ' if is_bad else ''}ok 1 - clang-tidy has nothing to say")
    return 1 if is_bad else 0


if __name__ == "__main__":
    sys.exit(main())
