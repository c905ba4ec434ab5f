#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""What the recorder does when it has no room, no time, or is killed: losses are told, a pause of a
second loses nothing, and nothing is left behind. TAP.

watch_losses_test.py --long: 500,000 reads and 25,000 new files a second (make watch-load)."""
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "watch"))
import watching as w  # noqa: E402

LOAD = w.BUILD / "tests/watch-load"
KILLS = 10
BPFTOOL = shutil.which("bpftool", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def start(path, *words, options=()):
    words = (w.RECORDER, "-o", path, "--no-envelope", *options, "--", *words)
    return subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def make_load(folder, files):
    folder.mkdir()
    w.run(LOAD, "make", folder, files)
    (folder / "read").write_bytes(bytes(64))


def wait_until(is_true, seconds=20):
    end = time.monotonic() + seconds
    while not is_true() and time.monotonic() < end:
        time.sleep(0.05)
    return is_true()


# ---- no room ------------------------------------------------------------------------------------

def test_tiny_maps(folder):
    load = folder / "small"
    make_load(load, 500)
    done, trace = w.record_command(folder, LOAD, "run", load, 500, 5000, 1000, 1,
                                   options=("--map-entries", 16))
    w.check("tiny maps: the command ran all the same", b"files 500 50000" in done.stdout, done)
    w.check("tiny maps: lost files are told", trace.losses["files"] > 0, trace.losses)
    w.check("tiny maps: the trace is whole, and not complete",
            trace.verdict == "whole" and not trace.is_complete(), trace.records["end"])


def test_tiny_ring(folder):
    """Forks while the recorder stands still, with room for a handful of events."""
    path = folder / "ring.trace"
    forks = "for i in 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0; do (true); done"
    process = start(path, "sh", "-c", f"echo begun; read -t 5 x < {folder}/fifo; {forks}; echo done; "
                    "exec cat", options=("--ring-bytes", 4096))
    os.mkfifo(folder / "fifo")
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    (folder / "fifo").write_text("go\n")
    said = process.stdout.readline()
    process.send_signal(signal.SIGCONT)
    _, words = process.communicate(timeout=60)
    trace = w.Trace(path)
    w.check("a tiny ring: lost events are told", said == b"done\n" and trace.losses["events"] > 0,
            (said, words, trace.losses))
    w.check("a tiny ring: the trace is whole, and not complete",
            trace.verdict == "whole" and not trace.is_complete(), trace.records["end"])


# ---- no time ------------------------------------------------------------------------------------

def test_pause(folder, files, rate, reads, seconds):
    load, path = folder / "load", folder / "load.trace"
    make_load(load, files)
    process = start(path, LOAD, "run", load, files, rate, reads, seconds)
    wait_until(lambda: path.exists() and b"event found" in path.read_bytes(), 60)
    time.sleep(0.3)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    process.send_signal(signal.SIGCONT)
    out, words = process.communicate(timeout=300)
    told = {line.split()[0]: [int(number) for number in line.split()[1:]]
            for line in out.decode().splitlines()}
    trace = w.Trace(path)
    again = trace.of(load / "read")
    others = [record for record in trace.under(load) if record not in again]
    for what, (number, _, ns) in sorted(told.items()):
        print(f"# {what}: {number / ns * 1e9:.0f} a second, the recorder stopped for one of them")
    w.check("a pause of a second: nothing is lost, and the trace is complete", trace.is_complete(),
            (words, trace.losses, trace.failed_routes()))
    w.check("a pause: every file is there, with its bytes and its page",
            len(others) == files == sum(w.pages(record) for record in others)
            and sum(record["read"] for record in others) == told["files"][1] == 100 * files,
            (len(others), told))
    w.check("a pause: every read is counted",
            len(again) == 1 and [again[0]["reads"], again[0]["read"]] == told["reads"][:2]
            and told["reads"][0] == reads * seconds, (again, told))
    shutil.rmtree(load)


# ---- killed -------------------------------------------------------------------------------------

def bpf_objects(pid):
    """What a process holds of BPF: {("prog" or "map" or "link", id)}."""
    found = set()
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").glob("*"):
        try:
            text = info.read_text()
        except OSError:
            continue
        found.update((kind, int(number))
                     for kind, number in re.findall(r"(?m)^(prog|map|link)_id:\s*(\d+)", text)
                     if f"{kind}_type" in text)
    return found


def is_there(kind, number):
    return w.run(BPFTOOL, kind, "show", "id", number).returncode == 0


def leftovers():
    return set(pathlib.Path("/var/tmp").glob("overt-watch-*"))


def kill_one(folder, number, after_s):
    path = folder / f"killed-{number}"
    process = start(path, LOAD, "run", folder / "small", 500, 250, 20000, 2)
    if number % 3 > 0: # else perhaps before anything is recorded
        wait_until(lambda: path.exists() and path.stat().st_size > 1000)
    time.sleep(after_s)
    held = bpf_objects(process.pid)
    process.kill()
    process.communicate(timeout=60)
    size = path.stat().st_size if path.exists() else 0
    trace = w.Trace(path) if size > len(w.verifier.MAGIC) else None
    return held, trace


def test_kills(folder):
    if not BPFTOOL:
        w.skip("killed", "bpftool is not here")
        return
    held, verdicts, records, before = set(), [], [], leftovers()
    for number in range(KILLS):
        its, trace = kill_one(folder, number, random.uniform(0.05, 2))
        held |= its
        verdicts.append(trace.verdict if trace else "nothing")
        records.append(trace.record_count if trace else 0)
    print("# killed:", *(f"{verdict} {count}" for verdict, count in zip(verdicts, records)))
    w.check("killed: what is left is cut, not bad", set(verdicts) <= {"cut", "nothing", "whole"},
            verdicts)
    w.check("killed: some traces have records that count", max(records) > 10, records)
    w.check("killed: it held programs, maps and links",
            {kind for kind, _ in held} == {"prog", "map", "link"}, held)
    w.check("killed: none of them is left",
            wait_until(lambda: not any(is_there(*one) for one in held)),
            [one for one in held if is_there(*one)])
    w.check("killed: no file of the self-test is left", leftovers() <= before, leftovers())


def main():
    w.need_recorder()
    is_long = sys.argv[1:] == ["--long"]
    with w.disk_folder() as name:
        folder = pathlib.Path(name).resolve()
        if is_long:
            test_pause(folder, 100000, 25000, 500000, 4)
        else:
            test_tiny_maps(folder)
            test_tiny_ring(folder)
            test_pause(folder, 15000, 7500, 50000, 2)
            test_kills(folder)
    w.finish()


if __name__ == "__main__":
    main()
