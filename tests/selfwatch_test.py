#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# mostly waits
"""Heartbeats of runs that last, and what Overt finds out about itself and the machine at each. TAP."""
import contextlib
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/journal"))
from journals import (  # noqa: E402  pylint: disable=wrong-import-position
    BUILD, HERE, OVERT, Journal, Skip, build_library, environment, harness, image, in_mount_namespace, main, scan,
    tree, verify)

PRELOAD_ENV = {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}


def slow_tree(count=3):
    """With each file the one worker has to do for 1.5 seconds."""
    folder = pathlib.Path("slow")
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"f{number}").write_bytes(b"OVERT-TEST wait\n" + b"." * 300_000)
    return str(folder)


def own_copy(name):
    """An installation that may be damaged."""
    place = pathlib.Path(name)
    place.mkdir()
    shutil.copy2(OVERT, place / "overt")
    shutil.copy2(BUILD / "src/role/double-worker", place / "overt-worker")
    return place.absolute()


@contextlib.contextmanager
def running(*words, overt=OVERT, state="state", seconds="1", stdin=subprocess.DEVNULL, user=(), **env):
    """A scan that lasts; `finish` waits for its end: (exit code, standard error)."""
    with subprocess.Popen([*user, overt, "scan", "--jobs", "1", "--no-summary", "--rules", image(), *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=stdin,
                          env=environment(state, OVERT_HEARTBEAT=seconds, **env)) as process:
        def finish():
            _, err = process.communicate(timeout=120)
            return process.returncode, err.decode()
        process.finish = finish
        yield process


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def types(state="state"):
    return [entry.type for entry in Journal(state).entries()]


def has_begun(state="state"):
    return (pathlib.Path(state) / "journal/checkpoint").exists() and "scan" in types(state)


def has_beaten(state="state", count=1):
    return has_begun(state) and types(state).count("heartbeat") >= count


def findings(state="state"):
    """What was found, but for fanotify groups of others on this machine: tests of them may run now."""
    found = [dict(entry.body)["what"].replace("%20", " ") for entry in Journal(state).entries()
             if entry.type == "finding"]
    return [line for line in found
            if "has a new fanotify group" not in line or line.startswith(f"process {os.getpid()} ")]


def check_quiet(state="state"):
    """Nothing was found, and the journal holds."""
    assert not findings(state), findings(state)
    code, lines = verify(state=state)
    assert code == 0, lines


# ---- heartbeats ---------------------------------------------------------------------------------

def a_run_that_lasts_beats():
    with running(slow_tree()) as process:
        wait_for(has_beaten)
        beat = next(entry for entry in Journal().entries() if entry.type == "heartbeat")
        wait_for(lambda: int(Journal().read("checkpoint").split(b"\n")[1]) > beat.seq)
        assert process.poll() is None  # while it runs
        assert process.finish() == (0, "")
    assert types().count("heartbeat") >= 2, types()
    beats = [entry for entry in Journal().entries() if entry.type == "heartbeat"]
    assert all(dict(beat.body)["runs"] == "1" for beat in beats), beats
    assert len({beat.run for beat in beats}) == 1 and "-" not in {beat.run for beat in beats}
    check_quiet()


def each_run_is_counted():
    folder = slow_tree(4)
    with running(folder) as first, running(folder) as second:
        wait_for(lambda: has_begun() and any(dict(entry.body)["runs"] == "2" for entry in Journal().entries()
                                             if entry.type == "heartbeat"))
        assert first.finish()[0] == 0 and second.finish()[0] == 0
    check_quiet()


def a_run_that_waits_beats():
    """The broker reads its standard input, which does not come: the keeper beats by itself."""
    read, write = os.pipe()
    with running("-", stdin=read) as process:
        os.close(read)
        wait_for(lambda: has_beaten(count=2))
        os.write(write, b"some text\n")
        os.close(write)
        assert process.finish() == (0, "")
    check_quiet()


def a_short_run_does_not():
    tree("t", 3)
    for value in ("", "0", "601", "-1", "x", "1 "):  # what is no such number counts as 600
        assert scan("t", env={"OVERT_HEARTBEAT": value}).returncode == 0
    assert "heartbeat" not in types() and not findings()


# ---- our own programs ---------------------------------------------------------------------------

def a_program_is_replaced():
    for number, name in enumerate(("overt", "overt-worker")):
        place, state = own_copy(f"copy{number}"), f"state{number}"
        with running(slow_tree(), overt=place / "overt", state=state) as process:
            wait_for(lambda state=state: has_begun(state))
            (place / "new").write_bytes((place / name).read_bytes() + b"\0")
            (place / "new").chmod(0o755)
            (place / "new").rename(place / name)
            code, err = process.finish()
        assert code == 2, (name, code, err)
        assert f"overt: self-watch: {place / name} was replaced since process" in err, err
        told = findings(state)
        assert told and all(str(place / name) in line and "SHA-256" in line for line in told), told
        stop = next(dict(entry.body) for entry in Journal(state).entries() if entry.type == "stop")
        assert stop["exit"] == "2", stop
        assert verify(state=state)[0] == 0


def a_program_is_installed_again():
    """Another file, and the same program."""
    place = own_copy("copy")
    with running(slow_tree(), overt=place / "overt") as process:
        wait_for(has_begun)
        for name in ("overt", "overt-worker"):
            shutil.copy2(place / name, place / "new")
            (place / "new").rename(place / name)
        assert process.finish() == (0, "")
    check_quiet()


def a_program_is_removed():
    place = own_copy("copy")
    with running(slow_tree(), overt=place / "overt") as process:
        wait_for(has_begun)
        (place / "overt").unlink()
        code, err = process.finish()
    assert code == 2 and "overt is gone" in err, (code, err)
    assert any("is gone" in line for line in findings()), findings()


def the_end_of_a_short_run_looks():
    """The look at the end, before the first heartbeat."""
    place = own_copy("copy")
    with running(slow_tree(1), overt=place / "overt", seconds="600") as process:
        wait_for(has_begun)
        (place / "new").write_bytes(b"something else")
        (place / "new").rename(place / "overt")
        code, err = process.finish()
    assert code == 2 and "was replaced" in err, (code, err)
    assert len(findings()) == 1 and types()[-1] == "stop", types()


def a_detection_goes_first():
    place = own_copy("copy")
    folder = slow_tree()
    pathlib.Path(folder, "found").write_text("OVERT-TEST found\n")
    with running(folder, overt=place / "overt") as process:
        wait_for(has_begun)
        (place / "overt").unlink()
        code, err = process.finish()
    assert code == 1 and "overt is gone" in err, (code, err)


def without_a_journal():
    place = own_copy("copy")
    with running("--no-journal", slow_tree(), overt=place / "overt") as process:
        time.sleep(1)
        (place / "overt").unlink()
        code, err = process.finish()
    assert code == 2 and "overt is gone" in err, (code, err)
    assert not pathlib.Path("state/journal").exists()


# ---- what came to our processes -----------------------------------------------------------------

def an_intruder(how, expected):
    library = build_library("tests/journal/intruder.c", "intruder.so")
    with running(slow_tree(4), LD_PRELOAD=library, INTRUDER=how, **PRELOAD_ENV) as process:
        code, err = process.finish()
    assert code == 2 and expected in err, (code, err)
    assert len(findings()) == 1 and expected in findings()[0], findings()
    assert verify()[0] == 0


def a_child_that_was_not_started():
    an_intruder("child", "is a child of ours that we did not start")


def a_socket_that_listens():
    an_intruder("listener", "(overt) listens: tcp port ")


def the_intruder_that_does_nothing():
    library = build_library("tests/journal/intruder.c", "intruder.so")
    with running(slow_tree(), LD_PRELOAD=library, INTRUDER="nothing", **PRELOAD_ENV) as process:
        assert process.finish() == (0, "")
    check_quiet()


def a_child_from_before():
    """The shell's, that became overt."""
    script = f"sleep 30 >/dev/null 2>&1 & exec '{OVERT}' scan --jobs 1 --no-summary --rules '{image()}' '{slow_tree()}'"
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=False, timeout=120,
                          env=environment("state", OVERT_HEARTBEAT="1"), stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and done.stderr == b"", done
    assert "heartbeat" in types()
    check_quiet()


# ---- fanotify -----------------------------------------------------------------------------------

def fanotify_group():
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "fanotify_init"):
        raise Skip("there is no fanotify here")
    descriptor = libc.fanotify_init(0, os.O_RDONLY)
    if descriptor < 0:
        raise Skip(f"no fanotify group can be had: {os.strerror(ctypes.get_errno())}")
    return descriptor


def a_fanotify_group():
    if os.geteuid() != 0:
        raise Skip("only root may have a fanotify group of others, and see it")
    old = fanotify_group()
    with running(slow_tree(5)) as process:
        wait_for(has_beaten)
        assert not findings()  # it was there before
        new = fanotify_group()
        try:
            code, err = process.finish()
        finally:
            os.close(new)
            os.close(old)
    expected = f"process {os.getpid()} "
    assert code == 0 and expected in err and "has a new fanotify group: descriptor" in err, (code, err)
    assert len(findings()) == 1 and expected in findings()[0], findings()
    assert verify()[0] == 0


def an_ordinary_user():
    """What he may not look at is said in each heartbeat."""
    if os.geteuid() != 0:
        raise Skip("only root can be another user")
    state = HERE / "an_ordinary_user/state"
    state.mkdir()
    state.chmod(0o777)
    folder = slow_tree()
    image()
    with running(folder, user=harness.USER, state=state) as process:
        code, err = process.finish()
    assert (code, err) == (0, ""), (code, err)
    beats = [entry for entry in Journal(state).entries() if entry.type == "heartbeat"]
    unseen = [dict(value.split() for key, value in beat.body if key == "unseen") for beat in beats]
    unseen = [one for one in unseen if one]  # not of those that the keeper added when the machine was slow
    assert unseen and all(int(one["descriptors"]) > 0 for one in unseen), beats
    assert all(int(one["programs"]) > 0 for one in unseen), beats  # of its caged processes
    assert verify(state=state)[0] == 0


# ---- when a heartbeat cannot be written ---------------------------------------------------------

def a_disk_that_fills_up():
    """Full when the heartbeat comes: the scan ends and says so; with room again all holds."""
    in_mount_namespace()
    script = (f"mkdir -p state && mount -t tmpfs -o size=200k none state && "
              f"{{ '{OVERT}' scan --verbose --jobs 1 --no-summary --rules '{image()}' '{slow_tree(4)}' & }} && "
              "pid=$! && until grep -q '^overt-journal/v1 scan' state/journal/pending 2>/dev/null || "
              "grep -qa 'v1 scan' state/journal/pending; do sleep 0.05; done; "
              "head -c 300000 /dev/zero > state/filler; wait $pid; code=$?; "
              "rm state/filler; cp -r state left; exit $code")
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, check=False, timeout=120,
                          env=environment(HERE / "a_disk_that_fills_up/state", OVERT_HEARTBEAT="1"))
    assert done.returncode == 2, done
    assert b"No space left" in done.stderr and done.stdout.count(b"OK") < 4, done
    tree("t", 1)
    assert scan("t", state="left").returncode == 0
    code, lines = verify(state="left")
    assert code == 0, lines
    assert types("left").count("crash") == 1, types("left")


if __name__ == "__main__":
    main([a_run_that_lasts_beats, each_run_is_counted, a_run_that_waits_beats, a_short_run_does_not,
          a_program_is_replaced, a_program_is_installed_again, a_program_is_removed,
          the_end_of_a_short_run_looks, a_detection_goes_first, without_a_journal,
          a_child_that_was_not_started, a_socket_that_listens, the_intruder_that_does_nothing,
          a_child_from_before, a_fanotify_group, an_ordinary_user, a_disk_that_fills_up])
