# SPDX-License-Identifier: Apache-2.0
"""What the tests of walkers share: tests/members, overt scan, a harmless detection, TAP."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

BUILD = pathlib.Path(os.environ["OVERT_BUILD"])
SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
OVERT = os.environ.get("OVERT", str(BUILD / "overt"))
SCAN = [OVERT, "scan", "--no-journal"]  # the journal has tests of its own
# For what leaves memory behind where walkers take it; the runner looks for that in few tests.
LEAKS_TOO = {**os.environ, "ASAN_OPTIONS": "detect_stack_use_after_return=0:allocator_may_return_null=1"}
# In two pieces, so that no scanner finds it in this file.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
LINE = re.compile(r"(member|view) \d+ (\d+) ([0-9a-f]{64}) (\S+)( encrypted)? (.*)$")


def has(program):
    return shutil.which(program) is not None


def run(*command, data=None):
    """What a program writes when it has nothing to complain of."""
    return subprocess.run(command, input=data, check=True, capture_output=True, timeout=60).stdout


def needs(*programs):
    """Skips the case when one of them is not there."""
    for program in programs:
        if not has(program):
            raise Skip(f"{program} is not installed")


def first_of(answers):
    """The first answer that says what is wrong, or True."""
    return next((answer for answer in answers if answer is not True), True)


def walk(path, filetype=None):
    """What the walker of the file's type tells: ([(kind, name, bytes, sha256)], facts, status)."""
    command = [BUILD / "tests/members", path] + ([filetype] if filetype else [])
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=LEAKS_TOO)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0, f"members {path}: {lines[:3]} {done.stderr[-300:]}"
    parts = [LINE.match(line) for line in lines if line.startswith(("member", "view"))]
    told = [(m[1], unescape(m[6]), int(m[2]), m[3]) for m in parts]
    return told, int(lines[-2].split()[1], 16), lines[-1].split(" ", 1)[1]


def unescape(name):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), name.encode())


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def scan(path, *options):
    """The record of `overt scan --json` on one file with the built-in rules."""
    done = subprocess.run([*SCAN, "--json", *options, str(path)], capture_output=True,
                          timeout=120, check=False)
    return json.loads(done.stdout.splitlines()[0])


def finds_eicar(path, inside=None):
    """Whether EICAR is found in the file, and where."""
    record = scan(path)
    found = [d for d in record["detections"] if "EICAR" in d["rule"]]
    if not found:
        return f"not found: {record}"
    told = found[0]["path_inside"]
    if inside is not None and not (told or "").endswith(inside):
        return f"found in {told}, not in ...{inside}"
    return True


class Tap:
    """Runs named cases: a case returns True (or None), or says what is wrong; raises Skip."""

    def __init__(self):
        self.cases = []

    def case(self, name):
        def add(function):
            self.cases.append((name, function))
            return function
        return add

    def run(self):
        print(f"1..{len(self.cases)}")
        failed = 0
        for number, (name, function) in enumerate(self.cases, 1):
            try:
                answer = function()
            except Skip as skip:
                print(f"ok {number} - {name} # SKIP {skip}")
                continue
            except Exception as error:  # a case that breaks has failed, and the others go on
                answer = f"{type(error).__name__}: {error}"
            if answer in (True, None):
                print(f"ok {number} - {name}")
            else:
                failed += 1
                print(f"not ok {number} - {name}\n# {answer}")
        sys.exit(1 if failed else 0)


class Skip(Exception):
    pass
