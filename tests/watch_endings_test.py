#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# mostly waits
# timeout: 600
"""How a recording ends: by time, by a signal, or by kill -9 at any moment. A command never goes on unwatched, what
ran already goes on, and nothing is left behind. TAP."""
import glob
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "watch"))
import watching as w  # noqa: E402

GRACE = 5  # seconds that who was asked to end has for it
MARK = "OVERT_TEST_MARK"  # in the environment of all that a test starts
# A child in a session of its own, whose parent is gone; one that hears no SIGTERM; and who waits for all.
FAMILY = "(setsid sleep 300 &); sh -c 'trap \"\" TERM; sleep 300; sleep 300' & echo up; wait; sleep 300"
MOMENTS = 6  # kills at each of them


def marked(mark):
    """Processes with this mark that still run."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            if f"{MARK}={mark}".encode() in pathlib.Path(path).read_bytes().split(b"\0"):
                found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


def wait_until(is_true, seconds=20):
    end = time.monotonic() + seconds
    while not is_true() and time.monotonic() < end:
        time.sleep(0.02)
    return is_true()


def start(path, mark, *words, options=()):
    words = (w.RECORDER, "-o", path, *options, *(("--", *words) if words else ()))
    return subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env={**os.environ, MARK: mark})


# ---- in its time --------------------------------------------------------------------------------

def check_end(name, path, mark, code, why):
    trace = w.Trace(path)
    w.check(f"{name}: it ended well, and says how", code == 0 and trace.records["end"][0]["why"] == why,
            (code, trace.records["end"]))
    w.check(f"{name}: nothing of the command goes on", not marked(mark), marked(mark))
    w.check(f"{name}: the trace is whole, with all that was lost and seen",
            trace.verdict == "whole" and not any(trace.losses.values()) and
            trace.is_complete() == (why == "done"), (trace.losses, trace.records["end"]))
    ended = {record["process"] for record in trace.records["process"] if record["event"] == "exit"}
    begun = {record["process"] for record in trace.records["process"]}
    w.check(f"{name}: the end of each process is in it", ended == begun, begun - ended)


def test_time(folder):
    for name, options in (("time, in an envelope", ()), ("time, in place", ("--no-envelope",))):
        path = folder / f"time-{len(options)}"
        begun = time.monotonic()
        process = start(path, name, "sh", "-c", "sleep 300 & sleep 300", options=("--for", 1, *options))
        _, words = process.communicate(timeout=60)
        took = time.monotonic() - begun
        check_end(name, path, name, process.returncode, "done")
        w.check(f"{name}: who ends when asked is not waited for", b"Its chain ends with" in words and took < 40,
                (took, words))
        statuses = {record["status"] for record in w.Trace(path).records["process"] if record["event"] == "exit"}
        w.check(f"{name}: by SIGTERM", signal.SIGTERM in statuses and signal.SIGKILL not in statuses, statuses)


def test_signals(folder):
    for number, options in ((signal.SIGTERM, ()), (signal.SIGINT, ("--no-envelope",)), (signal.SIGHUP, ())):
        name = f"{number.name}{', in place' if options else ''}"
        path = folder / name.split(",")[0]
        process = start(path, name, "sh", "-c", FAMILY, options=options)
        said = process.stdout.readline()
        time.sleep(0.5)
        begun = time.monotonic()
        process.send_signal(number)
        process.communicate(timeout=60)
        took = time.monotonic() - begun
        check_end(name, path, name, process.returncode, "interrupted")
        w.check(f"{name}: who does not hear it is ended after the grace", said == b"up\n" and took >= GRACE - 0.5,
                (said, took))
    path = folder / "twice"
    process = start(path, "twice", "sh", "-c", FAMILY)
    process.stdout.readline()
    begun = time.monotonic()
    process.terminate()
    time.sleep(0.5)
    process.terminate()
    process.communicate(timeout=60)
    w.check("a second SIGTERM does not wait", time.monotonic() - begun < GRACE and not marked("twice"))


def test_what_runs_already(folder):
    target = subprocess.Popen(["sleep", "300"])
    try:
        path = folder / "target"
        process = start(path, "target", options=("--pid", target.pid, "--for", 1))
        process.communicate(timeout=60)
        w.check("what ran already goes on", process.returncode == 0 and target.poll() is None, process.returncode)
        w.check("and its trace is complete", w.Trace(path).is_complete(), w.Trace(path).records["end"])
    finally:
        target.kill()
        target.wait()


# ---- killed -------------------------------------------------------------------------------------

def test_killed(folder):
    """A command that has made processes of all kinds ends with its recorder, in an envelope or not."""
    for name, options in (("killed, in an envelope", ()), ("killed, in place", ("--no-envelope",))):
        path = folder / f"killed-{len(options)}"
        process = start(path, name, "sh", "-c", FAMILY, options=options)
        process.stdout.readline()
        wait_until(lambda: len(marked(name)) >= 6)
        before = marked(name)
        process.kill()
        process.wait(timeout=60)
        w.check(f"{name}: nothing of the command goes on", len(before) >= 6 and
                wait_until(lambda: not marked(name)), (before, marked(name)))  # pylint: disable=cell-var-from-loop


def test_escaped(folder):
    """What has left the cgroup, and what never was in one, ends as well."""
    leave = f"echo $$ > {group_tree()}/cgroup.procs; cat /proc/self/cgroup; (setsid sleep 300 &); sleep 300"
    process = start(folder / "left", "left", "sh", "-c", leave, options=("--no-envelope",))
    said = b""
    while b"0::" not in said:
        said = process.stdout.readline()
    wait_until(lambda: len(marked("left")) >= 5)  # with what comes and goes
    before = marked("left")
    process.kill()
    process.wait(timeout=60)
    w.check("killed, what has left its cgroup", said == b"0::/\n" and len(before) >= 4 and
            wait_until(lambda: not marked("left")), (said, before, marked("left")))
    hide = ("unshare", "-m", "sh", "-ec", f'umount -l {group_tree()}; exec "$@"', "sh")
    if w.run(*hide, "true").returncode != 0:
        w.skip("killed, without a cgroup", "no mount namespace can be had")
        return
    words = (*hide, w.RECORDER, "-o", folder / "none", "--no-envelope", "--", "sh", "-c", FAMILY)
    process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env={**os.environ, MARK: "none"})
    process.stdout.readline()
    wait_until(lambda: len(marked("none")) >= 6)
    before = marked("none")
    process.kill()
    _, words = process.communicate(timeout=60)
    w.check("killed, without a cgroup", b"no cgroup to be had" in words and len(before) >= 6 and
            wait_until(lambda: not marked("none")), (words, before, marked("none")))


def group_tree():
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line:
            return pathlib.Path(line.split()[4])
    return None


def test_sweep(folder):
    """What a recorder left whose reaper was killed as well is removed by the next one."""
    line = [one for one in pathlib.Path("/proc/self/cgroup").read_text().splitlines() if one.startswith("0::")]
    parent = pathlib.Path(str(group_tree()) + line[0][3:])
    gone = subprocess.Popen(["true"])
    gone.wait()
    old, fresh, other = (parent / f"overt-watch-{name}" for name in (f"{gone.pid}-1", f"{gone.pid}-2", f"{os.getpid()}-1"))
    try:
        for place in (old, fresh, other):
            place.mkdir()
        for place in (old, other):
            os.utime(place, (1, 1))
        w.run(w.RECORDER, "-o", folder / "sweep", "--", "true")
        w.check("a cgroup that was left behind is removed by the next recording", not old.exists())
        w.check("one that may be in use is not", fresh.exists() and other.exists())
    finally:
        for place in (old, fresh, other):
            if place.exists():
                place.rmdir()


def groups(pid):
    tree = group_tree()
    return glob.glob(f"{tree}/**/overt-watch-{pid}-*", recursive=True) if tree else []


def at_start(path, pid):
    return os.path.exists(path)


def at_any_time(path, pid):
    """Within the self-test, the making of the envelope, and all that follows."""
    if at_start(path, pid):
        time.sleep(random.uniform(0, 0.8))
        return True
    return False


def at_envelope(path, pid):
    return groups(pid)


def at_run(path, pid):
    return os.path.exists(path) and b"event exec" in path.read_bytes()


def at_end(path, pid):
    return os.path.exists(path) and b"event exit" in path.read_bytes()


def kill_at(path, is_moment, number):
    """Its id, what it held, and its descendants' spaces."""
    mark = path.name
    process = start(path, mark, "sh", "-c", "sleep 0.3; (setsid sleep 300 &) ; sleep 0.3")
    wait_until(lambda: is_moment(path, process.pid) or process.poll() is not None, 60)
    time.sleep(random.uniform(0, 0.05) if number % 2 else 0)
    ids = w.bpf_ids(process.pid)
    mine = w.hold_spaces(marked(mark))
    process.kill()
    process.communicate(timeout=60)
    return process.pid, ids, mine


def test_moments(folder):
    mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    links = set(os.listdir("/sys/class/net"))
    files = set(pathlib.Path("/var/tmp").glob("overt-watch-*"))
    for moment in (at_start, at_any_time, at_envelope, at_run, at_end):
        name = f"killed {moment.__name__.replace('_', ' ')}"
        pids, ids, mine, marks = set(), set(), {}, []
        for number in range(MOMENTS):
            path = folder / f"{moment.__name__}-{number}"
            pid, its, its_spaces = kill_at(path, moment, number)
            pids.add(pid)
            ids |= its
            mine |= its_spaces
            marks.append(path.name)
            if path.exists() and path.stat().st_size > len(w.verifier.MAGIC):
                w.check(f"{name}: its trace is not broken", w.Trace(path).verdict in ("cut", "whole"))
        w.check(f"{name}: no process goes on", wait_until(lambda: not any(map(marked, marks))),  # pylint: disable=W0640
                [marked(mark) for mark in marks])
        w.check(f"{name}: no cgroup stays", wait_until(lambda: not any(map(groups, pids))),  # pylint: disable=W0640
                [groups(pid) for pid in pids])
        w.check(f"{name}: no namespace stays", wait_until(lambda: not mine.keys() & w.held_spaces()), mine)  # pylint: disable=W0640
        for space in mine.values():
            os.close(space)
        if w.BPFTOOL:
            left = w.bpf_left(ids)
            w.check(f"{name}: no BPF object stays", not left, left)
    w.check("killed: no mount stays", mounts == pathlib.Path("/proc/self/mountinfo").read_text())
    w.check("killed: no interface stays", links == set(os.listdir("/sys/class/net")))
    w.check("killed: no file of the self-test stays",
            set(pathlib.Path("/var/tmp").glob("overt-watch-*")) <= files)


def main():
    # Whoever runs this in the background may have it ignored, which the recorder would heed.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    w.need_recorder()
    with w.disk_folder() as name:
        folder = pathlib.Path(name).resolve()
        test_time(folder)
        test_signals(folder)
        test_what_runs_already(folder)
        if group_tree():
            test_killed(folder)
            test_escaped(folder)
            test_sweep(folder)
        else:
            w.skip("killed", "no cgroup v2 is mounted")
        test_moments(folder)
    w.finish()


if __name__ == "__main__":
    main()
