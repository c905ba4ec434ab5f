#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
"""overt scan --processes: what lies in memory alone is found; nobody is disturbed. TAP."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import OVERT, Skip, Tap  # noqa: E402

HERE = pathlib.Path.cwd()
MARK = "in-memory-mark-"  # the second half is made by the process: its code does not hold it
RULES = HERE / "mark.ndb"
RULES.write_text(f"Mark:0:*:{(MARK + 'MARK' * 4).encode().hex()}\n")
HOLD = """
import ctypes, mmap, os, sys
kind = sys.argv[1]
text = (sys.argv[2] + "MARK" * 4).encode()
if kind == "anonymous":
    held = mmap.mmap(-1, 64 << 20)
elif kind == "memfd":
    fd = os.memfd_create("held"); os.ftruncate(fd, 64 << 20); held = mmap.mmap(fd, 64 << 20)
elif kind == "deleted":
    fd = os.open("gone", os.O_RDWR | os.O_CREAT); os.ftruncate(fd, 64 << 20)
    held = mmap.mmap(fd, 64 << 20); os.unlink("gone")
elif kind == "patched":
    data = open("plain", "wb"); data.write(bytes(64 << 20)); data.close()
    fd = os.open("plain", os.O_RDONLY)
    held = mmap.mmap(fd, 64 << 20, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
at = int(sys.argv[3])
if kind != "nothing":
    held[at:at + len(text)] = text
del text
print("ready", flush=True)
sys.stdin.read()
"""
tap = Tap()


class Holder:
    """A process that holds the mark somewhere, until the block ends."""

    def __init__(self, kind, at=12345, program=(sys.executable,)):
        self.command = [*program, "-c", HOLD, kind, MARK, str(at)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        return self.process.pid

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def scan(*words):
    done = subprocess.run([OVERT, "scan", "--json", "--rules", str(RULES), "--processes",
                           *map(str, words)], capture_output=True, timeout=120, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done, [line for line in lines if "path" in line]


def found(lines):
    return [line["path"] for line in lines if line["verdict"] == "found"]


for kind in ("anonymous", "memfd", "deleted", "patched"):
    def find_it(kind=kind):
        # Also where two pieces of a region meet.
        for at in (12345, (32 << 20) - 7):
            with Holder(kind, at) as pid:
                done, lines = scan(pid)
                assert done.returncode == 1, (done.returncode, done.stderr)
                places = found(lines)
                assert places and all(f"process {pid} (" in p and " memory " in p for p in places)
    tap.case(f"what lies in {kind} memory alone is found")(find_it)


@tap.case("a process without it is clean, and goes on")
def _():
    with Holder("nothing") as pid:
        done, lines = scan(pid)
        assert done.returncode == 0 and len(lines) > 5, done.stderr
        assert any(" executable /" in line["path"] for line in lines)
        assert pathlib.Path(f"/proc/{pid}").exists()


@tap.case("only pages that are in memory are read")
def _():
    with Holder("anonymous") as pid:
        size = sum(line["bytes"] for line in scan(pid)[1] if " memory " in line["path"])
        assert size < 200 << 20
        done, _ = scan(pid)
        total = json.loads(done.stdout.splitlines()[-1])["summary"]["bytes"]
        assert total < 300 << 20


@tap.case("a deleted and a memory-only program are named")
def _():
    for how in ("deleted", "memfd"):
        sleeper = shutil.which("sleep")
        if how == "deleted":
            shutil.copy(sleeper, "gone-sleep")
            process = subprocess.Popen([HERE / "gone-sleep", "60"])
            os.unlink("gone-sleep")
        else:
            fd = os.memfd_create("hidden", 0)
            os.write(fd, pathlib.Path(sleeper).read_bytes())
            process = subprocess.Popen([f"/proc/self/fd/{fd}", "60"], pass_fds=[fd])
            os.close(fd)
        try:
            done, lines = scan(process.pid)
            assert b"runs a file that is gone or was never one" in done.stderr, done.stderr
            assert any("(deleted)" in line["path"] and line["bytes"] > 10000 for line in lines)
        finally:
            process.kill()
            process.wait()


def family(pid):
    """The process and its children, as far as they are still there."""
    pids = {pid}
    try:
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            pids |= family(int(child))
    except OSError:
        pass
    return pids


@tap.case("all processes: this one is seen, and the scanner's own are not")
def _():
    with Holder("anonymous") as pid:
        command = [OVERT, "scan", "--json", "--rules", str(RULES), "--processes"]
        own, seen = set(), []
        with subprocess.Popen(command, stdout=subprocess.PIPE) as scanner:
            reader = threading.Thread(target=lambda: seen.extend(scanner.stdout.readlines()))
            reader.start()
            while scanner.poll() is None:
                own |= family(scanner.pid)
                time.sleep(0.01)
            reader.join()
        lines = [line for line in map(json.loads, seen) if "path" in line]
        assert any(f"process {pid} (" in path for path in found(lines)), "not seen"
        told = {int(line["path"].split()[1]) for line in lines if line["path"].startswith("process ")}
        assert len(own) > 1 and not told & own, f"its own: {told & own} of {own}"


@tap.case("a number that is no process, and a word that is no number")
def _():
    done, lines = scan(2 ** 22 - 3)
    assert done.returncode == 2 and lines[0]["verdict"] == "error"
    assert scan("x12")[0].returncode == 2 and scan("-5")[0].returncode == 2


@tap.case("somebody else's process is a problem that is told")
def _():
    if os.geteuid() != 0:
        raise Skip("needs root to have two users")
    # The folder of a test is its user's alone.
    with Holder("nothing") as pid, tempfile.TemporaryDirectory() as open_folder:
        os.chmod(open_folder, 0o755)
        rules = shutil.copy(RULES, open_folder)
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", OVERT, "scan", "--json",
                               "--rules", rules, "--processes", str(pid)], cwd="/",
                              capture_output=True, check=False,
                              env=dict(os.environ, OVERT_STATE="/nonexistent"))
        if b"error" not in done.stdout:
            raise Skip(f"cannot run as another user here: {done.stderr[-200:]}")
        assert done.returncode == 2 and b"ermission denied" in done.stdout


tap.run()
