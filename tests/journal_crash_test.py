#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1800
"""The journal after a crash: processes ended at random points and at each step that lasts, and a power
cut. No verdict that was told is missing, and what was cut off is said. TAP.

OVERT_LONG in the environment: 500 random ends instead of 40 (make crash)."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/journal"))
from journals import (  # noqa: E402  pylint: disable=wrong-import-position
    BUILD, HERE, OVERT, Journal, Skip, build_library, environment, image, main, printed_verdicts, scan, tree, verify)
import power  # noqa: E402  pylint: disable=wrong-import-position

RANDOM_ENDS = 500 if os.environ.get("OVERT_LONG") else 40
STEPS_MAX = 200
KILLED = -signal.SIGKILL
CUT_OFF = "a run that does not end"


def check_after(told, state="state", known=0, names=None):
    """Whatever was cut off: what was told is there, before and after the next scan, which mends what
    there is to mend. `known` entries are there for sure; `names` as in Journal.files. Returns how many
    entries there are."""
    if not (pathlib.Path(state) / "journal/checkpoint").exists():  # it was not made yet
        assert not told and not known
        assert scan("small", state=state).returncode == 0
    code, lines = verify(state=state)
    assert code in (0, 1) and all(CUT_OFF in line or "ends in what is no entry" in line
                                  for line in lines[:-1]), lines
    own = Journal(state)
    before = own.raw()
    assert len(before) >= known, (len(before), known)
    missing = told.items() - set(own.files(names))
    assert not missing, sorted(missing)[:3]
    done = scan("small", state=state)
    assert done.returncode == 0, done
    assert own.raw()[:len(before)] == before
    assert not told.items() - set(own.files(names))
    own.check_root()
    code, lines = verify(state=state)
    assert code == 0, lines
    return len(own.raw())


def run_until(seconds, output, state="state"):
    """Starts a busy scan and ends its whole group after so long; what it printed by then."""
    with open(output, "wb") as out:
        process = subprocess.Popen(
            [OVERT, "scan", "--verbose", "--no-summary", "--jobs", "2", "--rules", image(), "busy"],
            stdout=out, stderr=subprocess.DEVNULL, env=environment(state), start_new_session=True)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            pass
        group = descendants(process.pid)
        if process.returncode is None:  # the workers and the keeper are of its group
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    for pid in group:
        deadline = time.monotonic() + 10
        while is_alive(pid):
            assert time.monotonic() < deadline, pid
            time.sleep(0.002)
    return process.returncode, printed_verdicts(pathlib.Path(output).read_bytes())


def descendants(pid):
    try:
        return [int(child) for child in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_alive(pid):
    try:
        return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def ends_at_random():
    tree("small", 1)
    tree("busy", 2500, found=set(range(0, 2500, 100)))
    start = time.monotonic()
    scan("--verbose", "busy")
    whole = time.monotonic() - start
    shutil.rmtree("state")
    dice = random.Random(5)
    known, cut, told_count = 0, 0, 0
    for number in range(RANDOM_ENDS):
        code, told = run_until(dice.random() * whole * 0.8, f"out{number % 2}")
        cut += code == KILLED
        told_count += len(told)
        known = check_after(told, known=known)
        if known > 200:
            shutil.rmtree("state")
            known = 0
    print(f"# {RANDOM_ENDS} ends, {cut} in the middle of a scan; {told_count} verdicts told")
    assert cut >= RANDOM_ENDS // 4 and told_count > 0, (cut, told_count)


# ---- at each step -------------------------------------------------------------------------------

def faulty():
    program = BUILD / "tests/faulty/overt"
    if not program.exists():
        raise Skip("tests/faulty is not built")
    place = HERE / "faulty"
    if not place.exists():
        place.mkdir()
        shutil.copy2(program, place / "overt")
        shutil.copy2(BUILD / "src/role/double-worker", place / "overt-worker")
    return place / "overt"


def each_step(words, prepare, least):
    """Runs overt with an end at step 1, 2, 3 ... of whichever process comes there."""
    program, codes, hits = faulty(), [], 0
    for step in range(1, STEPS_MAX):
        shutil.rmtree("state", ignore_errors=True)
        known = prepare()
        done = subprocess.run([program, *words], capture_output=True, check=False, timeout=120,
                              env=environment("state", OVERT_FAULT=str(step)))
        codes.append(done.returncode)
        told = printed_verdicts(done.stdout)
        assert done.returncode in (0, 1, 2, KILLED), (step, done)
        if done.returncode == 2:
            assert b"journal" in done.stderr, (step, done)
        check_after(told, known=known)
        hits += done.returncode == KILLED or b"journal" in done.stderr
        if step >= hits + 3:  # three times nothing was hit
            break
    assert least <= hits < STEPS_MAX - 4, codes
    print(f"# {hits} steps: {codes.count(KILLED)} of the scan, the others of its keeper")


def each_step_of_a_first_scan():
    tree("small", 1)
    tree("t", 5, found={2})
    each_step(["scan", "--verbose", "--no-summary", "--rules", image(), "t"], lambda: 0, 20)


def each_step_of_a_later_scan():
    tree("small", 1)
    tree("t", 5, found={2})
    scan("small")
    os.rename("state", "whole")

    def prepare():
        shutil.copytree("whole", "state")
        return 6

    each_step(["scan", "--verbose", "--no-summary", "--rules", image(), "t"], prepare, 10)


def each_step_of_mending():
    """The scan after a crash is ended as well."""
    tree("small", 1)
    tree("t", 5)
    scan("small")
    pending = Journal().path / "pending"
    scan("t")
    run = subprocess.run([faulty(), "scan", "--rules", image(), "t"], check=False,
                         capture_output=True, env=environment("state", OVERT_FAULT="12"))
    assert run.returncode in (2, KILLED), run
    with open(pending, "ab") as file:
        file.write(b"\0\xf0cut")
    os.rename("state", "whole")

    def prepare():
        shutil.copytree("whole", "state")
        return 12

    each_step(["scan", "--verbose", "--no-summary", "--rules", image(), "t"], prepare, 12)


def each_step_of_a_new_key():
    library = build_library("tests/journal/clock.c", "clock.so")
    tree("small", 1)
    tree("t", 2)
    scan("small", env={"LD_PRELOAD": library, "WRONG_CLOCK": "-90000",
                       "ASAN_OPTIONS": "verify_asan_link_order=0"})
    os.rename("state", "whole")

    def prepare():
        shutil.copytree("whole", "state")
        return 6

    each_step(["scan", "--verbose", "--no-summary", "--rules", image(), "t"], prepare, 30)
    assert [entry.type for entry in Journal().entries()].count("epoch") == 2


def each_step_of_a_checkpoint():
    """A checkpoint that was printed is one that holds."""
    tree("small", 1)
    scan("small")
    os.rename("state", "whole")

    def prepare():
        shutil.copytree("whole", "state")
        return 6

    each_step(["journal", "checkpoint"], prepare, 0)


# ---- a power cut --------------------------------------------------------------------------------

def power_cut(words, has_journal):
    """What is left after a cut behind each sync of `overt WORDS`: whatever was told by then is there."""
    if shutil.which("strace") is None:
        raise Skip("there is no strace")
    if has_journal:
        scan("small")
    else:
        pathlib.Path("state/journal").mkdir(parents=True)
    disk = power.Disk("state/journal")
    done = subprocess.run(power.command("trace", [OVERT, *words]), capture_output=True, check=False,
                          timeout=240, env=environment(pathlib.Path("state").absolute(),
                                                       ASAN_OPTIONS="detect_leaks=0"))
    assert done.returncode == 1, done
    names = Journal().names()  # which are not synced: no claim rests on them
    out, cuts, before = b"", 0, {}
    for name, arguments, result, rest in power.calls("trace"):
        if name == "write" and arguments.startswith("1<"):
            out += power.unhex(power.TEXT.search(arguments)[1])[:result]
        elif disk.do(name, arguments, result, rest) or printed_verdicts(out) != before:
            before = printed_verdicts(out)
            disk.cut("after/journal")
            cuts += 1
            check_after(before, "after", 6 if has_journal else 0, names)
    assert out == done.stdout and len(printed_verdicts(out)) > 5, (len(out), len(done.stdout))
    whole = Journal().raw()
    check_after(printed_verdicts(out))  # adds a run
    disk.cut("after/journal")
    assert Journal("after").raw() == whole, "the model is not what happened"
    print(f"# {cuts} cuts")
    assert cuts > 8, cuts  # a sync has up to 2,048 results


def a_power_cut_in_a_first_scan():
    tree("small", 1)
    tree("t", 8, found={5})
    power_cut(["scan", "--verbose", "--no-summary", "--rules", image(), "t"], False)


def a_power_cut_in_a_busy_scan():
    tree("small", 1)
    tree("busy", 1500, found={5, 900})
    power_cut(["scan", "--verbose", "--no-summary", "--jobs", "1", "--rules", image(), "busy"], True)


if __name__ == "__main__":
    main([ends_at_random, each_step_of_a_first_scan, each_step_of_a_later_scan,
          each_step_of_mending, each_step_of_a_new_key, each_step_of_a_checkpoint, a_power_cut_in_a_first_scan, a_power_cut_in_a_busy_scan])
