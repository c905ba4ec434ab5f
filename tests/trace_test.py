#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""Traces by a verifier that was written from the page alone (trace/verifier.py): what ours writes,
what is left when the writer is ended at each step that lasts, and what is made of changes. TAP."""
import os
import pathlib
import random
import re
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE / "trace"))
import verifier  # noqa: E402

PROGRAM = os.path.join(os.environ["OVERT_BUILD"], "tests/trace-files")
SEEDS = HERE.parent / "fuzz/seeds/trace"
PAGE = HERE.parent / "docs/formats/trace.md"
STEPS_MAX = 400


def run(*words, fault=None):
    env = dict(os.environ, **({"OVERT_FAULT": str(fault)} if fault else {}))
    return subprocess.run([PROGRAM, *map(str, words)], env=env, capture_output=True, text=True, check=False,
                          timeout=120)


def write(path, count, size=0, fault=None):
    pathlib.Path(path).unlink(missing_ok=True)
    done = run("write", path, count, size, fault=fault)
    return done.returncode, [int(line) for line in done.stdout.split()]


def ours(path):
    """As verifier.judge() says it, by the program."""
    done = run("check", path)
    assert done.returncode == 0, done
    verdict, records, good, chain, bad = done.stdout.split()
    return verdict, int(records), int(good), bytes.fromhex(chain), None if bad == "-" else int(bad)


def agree(path):
    said = verifier.judge(pathlib.Path(path).read_bytes())
    assert ours(path) == said, (ours(path), said)
    return said


def test_seeds():
    """The seeds of the fuzz target are what the page says."""
    for name in ("small", "whole"):
        assert agree(SEEDS / name)[0] == "whole"
    for seed in sorted(SEEDS.iterdir()):
        if seed.name in verifier.FORMS:
            assert verifier.read_record(seed.read_bytes())[0] == seed.name, seed


def test_page():
    """The page's tables have each line of each type, in its order."""
    text = PAGE.read_text()
    for kind, form in verifier.FORMS.items():
        row = re.search(rf"^\| `{kind}` \|(.*?)\|(?: .*\||)$", text, re.MULTILINE)
        assert row, kind
        at = 0
        for key, _ in form:
            key = key.rstrip("*")
            if kind == "end" and key == "mono":
                break  # "then the lines of a checkpoint"
            found = re.compile(rf"`{key}\b").search(row[1], at)
            assert found, (kind, key)
            at = found.end()


def test_whole_traces():
    """What is written is whole, and its sums are the same by both."""
    for count in (0, 1, 399, 3000):
        code, _ = write("whole", count)
        assert code == 0
        assert agree("whole")[0] == "whole"
        read, written, sent = verifier.sums(pathlib.Path("whole").read_bytes())
        assert run("sums", "whole").stdout == f"{read} {written} {sent} incomplete\n"
        assert count < 50 or (read > 0 and written > 0 and sent > 0)


def test_bound():
    """A bound ends a trace in good order."""
    for size in (65536, 200000, 777777):
        code, _ = write("bound", 5000, size)
        data = pathlib.Path("bound").read_bytes()
        assert code == 1 and len(data) <= size
        assert agree("bound")[0] == "whole"
        assert b"end\nwhy size\n" in data[-2000:]


def test_each_step():
    """Ended at each step that lasts: all records that were told to be safe are there."""
    cut = 0
    for fault in range(1, STEPS_MAX):
        code, told = write("step", 2500, fault=fault)
        if code == 0:
            assert cut > 10, cut
            return
        assert code == -signal.SIGKILL, code
        if pathlib.Path("step").stat().st_size == 0:
            assert not told
            continue
        verdict, records, *_ = agree("step")
        assert verdict in ("cut", "whole") and records >= (told[-1] if told else 0), (fault, told)
        cut += verdict == "cut"
    raise AssertionError("it never came to its end")


def test_changes():
    """Flips, cuts and what is put in: one verdict by both, the same first bad record."""
    chance = random.Random(6)
    write("before", 700)
    whole = pathlib.Path("before").read_bytes()
    seen = set()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 1, 2])):
            at = chance.randrange(len(data))
            change = chance.randrange(4)
            if change == 0:
                data[at] ^= 1 << chance.randrange(8)
            elif change == 1:
                del data[at:]
            elif change == 2:
                del data[at:at + chance.randrange(1, 500)]
            else:
                data[at:at] = bytes(chance.randrange(1, 40))
            if not data:
                break
        pathlib.Path("changed").write_bytes(data)
        seen.add(agree("changed")[0])
    assert seen >= {"bad", "cut"}, seen


def test_a_long_silence():
    """A tail is short: a part of the middle that is gone is no crash."""
    write("long", 9000)
    data = pathlib.Path("long").read_bytes()
    assert len(data) > 3 * verifier.TAIL_MAX
    pathlib.Path("gone").write_bytes(data[:-400000 * 3])
    assert agree("gone")[0] == "cut"
    pathlib.Path("gone").write_bytes(data[:-400000 * 3] + bytes(verifier.TAIL_MAX))
    assert agree("gone")[0] == "bad"
    middle = bytearray(data[:-1000])  # without its end
    middle[1000000] ^= 1
    pathlib.Path("gone").write_bytes(middle)
    assert agree("gone")[0] == "bad"


def main():
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    failed = 0
    for number, test in enumerate(tests, 1):
        try:
            test()
            print("ok", number, "-", test.__doc__.splitlines()[0], flush=True)
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
            failed += 1
            print("not ok", number, "-", test.__doc__.splitlines()[0], flush=True)
            print("#", type(error).__name__, str(error)[:900].replace("\n", "\n# "))
    print(f"1..{len(tests)}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
