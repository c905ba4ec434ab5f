#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""What the recorder does when it has no room, no time, or is killed: losses are told, a pause of a
second loses nothing, and nothing is left behind. TAP.

watch_losses_test.py --long: 500,000 reads and 25,000 new files a second (make watch-load)."""
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "watch"))
import watching as w  # noqa: E402

LOAD = w.BUILD / "tests/watch-load"
SKIPPED = w.BUILD / "tests/watch-skipped-runs.so"
KILLS = 10
READERS = 2
forced = {}  # by the loss that was forced: all that the trace counts
unforced = set()


def start(path, *words, options=(), env=None):
    words = (w.RECORDER, "-o", path, "--no-envelope", *options, "--", *words)
    return subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)


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

SOCKETS = """
import socket
for number in range(40):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.sendto(b"x", ("127.0.0.1", 9))
"""
TLS = """
import os, ssl, sys
one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server = context.wrap_bio(one, other, server_side=True)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
client = context.wrap_bio(other, one)
for end in (client, server) * 3:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        pass
for number in range(3):
    if os.fork() == 0:
        client.write(b"x")
        os._exit(0)
    os.wait()
"""
MANY = "for i in 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0; do sleep 1 & done; wait"


def check_loss(name, trace_path, trace):
    """That these were lost, and nothing else; that the trace says so, and so does its report."""
    forced[name] = set(trace.losses)
    w.check(f"lost {name}: they are told, and it alone",
            [key for key, lost in trace.losses.items() if lost > 0] == [name], trace.losses)
    w.check(f"lost {name}: the trace is whole, and not complete",
            trace.verdict == "whole" and not trace.is_complete() and not trace.failed_routes(),
            (trace.verdict, trace.records["end"], trace.failed_routes()))
    told = w.run(w.BUILD / "overt", "watch", "report", "--json", trace_path)
    report = json.loads(told.stdout or b"{}")
    w.check(f"lost {name}: the report is INCOMPLETE for that",
            report.get("complete") is False and f'"{name}"'.encode() in told.stdout, told)


def test_tiny_maps(folder):
    """Each of the kernel's maps with hardly any room, the others as usual."""
    load = folder / "small"
    make_load(load, 500)
    read = (LOAD, "run", load, 500, 5000, 1000, 1, 1)
    tls = folder / "tls.pem"
    w.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
          "/CN=localhost", "-keyout", tls, "-out", f"{tls}.new")
    if tls.exists():
        tls.write_bytes(tls.read_bytes() + pathlib.Path(f"{tls}.new").read_bytes())
    for name, entries, command in (("files", 200, read), ("names", 200, read),
                                   ("sockets", 30, (sys.executable, "-c", SOCKETS)),
                                   ("processes", 10, ("sh", "-c", MANY)),
                                   ("plaintexts", 2, (sys.executable, "-c", TLS, tls))):
        if name == "plaintexts" and not tls.exists():
            w.skip(f"no room for {name}", "openssl is not installed")
            unforced.add(name)
            continue
        path = folder / f"tiny-{name}"
        process = start(path, *command, options=("--map-entries", f"{name}={entries}",
                                                 *(["--plaintext"] * (name == "plaintexts"))))
        out, words = process.communicate(timeout=120)
        w.check(f"no room for {name}: the command ran all the same", process.returncode == 0
                and (command is not read or b"files 500 50000" in out), (out, words))
        check_loss(name, path, w.Trace(path))


def test_tiny_ring(folder):
    """Forks while the recorder stands still, with room for a handful of events."""
    path = folder / "ring.trace"
    forks = "for i in 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0; do (true); done"
    process = start(path, "sh", "-c", f"echo begun; read x < {folder}/fifo; {forks}; echo done; "
                    "exec cat", options=("--ring-bytes", 4096))
    os.mkfifo(folder / "fifo")
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    (folder / "fifo").write_text("go\n")
    said = process.stdout.readline()
    process.send_signal(signal.SIGCONT)
    _, words = process.communicate(timeout=60)
    trace = w.Trace(path)
    w.check("no room for events: the command ran all the same", said == b"done\n", (said, words))
    check_loss("events", path, trace)


def test_skipped_runs(folder):
    """The kernel leaves out a run of each program, as a library says that stands before libbpf."""
    path = folder / "runs.trace"
    process = start(path, "true", env={
        **os.environ, "LD_PRELOAD": str(SKIPPED),
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"})
    process.communicate(timeout=60)
    check_loss("runs", path, w.Trace(path))


# ---- no time ------------------------------------------------------------------------------------

def read_told(out):
    """What the load has done: {what: [times, bytes, times a second]}, of its processes together."""
    told = {}
    for line in out.decode().splitlines():
        what, times, size, ns = line.split()
        sums = told.setdefault(what, [0, 0, 0])
        told[what] = [sums[0] + int(times), sums[1] + int(size),
                      sums[2] + int(times) / int(ns) * 1e9]
    return told


def check_rates(asked, bare, watched):
    """The rate that was asked for is reached, where this machine can do so when nobody watches."""
    for what, rate in asked.items():
        print(f"# {what} a second: {rate} asked for, {bare[what][2]:.0f} not watched, "
              f"{watched[what][2]:.0f} watched, the recorder stopped for one second")
        name = f"a pause: {rate} {what} a second are reached"
        if bare[what][2] < 0.97 * rate:
            w.skip(name, f"not even when nobody watches: {bare[what][2]:.0f}")
        else:
            w.check(name, watched[what][2] >= 0.9 * rate, watched)


def test_pause(folder, files, rate, reads, seconds):
    load, path = folder / "load", folder / "load.trace"
    make_load(load, files)
    command = (LOAD, "run", load, files, rate, reads, seconds, READERS)
    bare = read_told(w.run(*command).stdout)
    process = start(path, *command)
    wait_until(lambda: path.exists() and b"event found" in path.read_bytes(), 60)
    time.sleep(0.3)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    process.send_signal(signal.SIGCONT)
    out, words = process.communicate(timeout=300)
    told = read_told(out)
    trace = w.Trace(path)
    again = trace.of(load / "read")
    others = [record for record in trace.under(load) if record not in again]
    check_rates({"files": rate, "reads": reads}, bare, told)
    w.check("a pause of a second: nothing is lost, and the trace is complete", trace.is_complete(),
            (words, trace.losses, trace.failed_routes()))
    w.check("a pause: every file is there, with its bytes and its page",
            len(others) == files == sum(w.pages(record) for record in others)
            and sum(record["read"] for record in others) == told["files"][1] == 100 * files,
            (len(others), told))
    w.check("a pause: every read is counted",
            len(again) == READERS and told["reads"][0] == reads * seconds
            and [sum(record[key] for record in again) for key in ("reads", "read")]
            == told["reads"][:2], (again, told))
    shutil.rmtree(load)


def test_crowd(folder):
    """Threads that come to the same new files at the same time, while generations change."""
    load = folder / "crowd"
    make_load(load, 500)
    done, trace = w.record_command(folder, LOAD, "crowd", load, 500, 4, 1000)
    seen = sorted((record["reads"], record["read"], record["lookups"], w.pages(record))
                  for record in trace.under(load))
    w.check("a crowd: nothing is lost", done.returncode == 0 and trace.is_complete(),
            (done, trace.losses, trace.failed_routes()))
    w.check("a crowd: each read is counted once, by calls and by pages",
            seen == [(4000, 4000, 4000, 1)] * 500, (len(seen), seen[:2], seen[-2:]))


TEMPORARY = """
import os, sys
for number in range(600):
    with open(sys.argv[1] + "/temporary", "wb", buffering=0) as file:
        for _ in range(8):
            file.write(bytes(3000))
    os.unlink(sys.argv[1] + "/temporary")
"""


def test_one_number(folder):
    """A scanner's temporary files: each has the inode number that the one before it had."""
    place = folder / "temporary-files"
    place.mkdir()
    done, trace = w.record_command(folder, sys.executable, "-c", TEMPORARY, place)
    seen = trace.under(place)
    numbers = {record["inode"].rsplit(" ", 1)[0] for record in seen}
    if len(numbers) > 20:
        w.skip("temporary files: they are counted in one place each",
               "this file system does not use an inode's number again at once")
        return
    inodes = {record["inode"] for record in seen}
    told = sum(record["inode"] in inodes for record in trace.records["file"])
    w.check("temporary files: nothing is lost", done.returncode == 0 and trace.is_complete(),
            (done, trace.losses, trace.failed_routes()))
    w.check("temporary files: every byte that was written is counted",
            len(seen) == 600 and {record["written"] for record in seen} == {24000},
            (len(seen), collections.Counter(record["written"] for record in seen)))
    w.check("temporary files: they are counted in one place each", told < 2 * len(seen),
            (told, len(seen)))


# ---- killed -------------------------------------------------------------------------------------

def leftovers():
    return set(pathlib.Path("/var/tmp").glob("overt-watch-*"))


def kill_one(folder, number, after_s):
    path = folder / f"killed-{number}"
    process = start(path, LOAD, "run", folder / "small", 500, 250, 20000, 2, 1)
    if number % 3 > 0: # else perhaps before anything is recorded
        wait_until(lambda: path.exists() and path.stat().st_size > 1000)
    time.sleep(after_s)
    held = w.bpf_ids(process.pid)
    process.kill()
    process.communicate(timeout=60)
    size = path.stat().st_size if path.exists() else 0
    trace = w.Trace(path) if size > len(w.verifier.MAGIC) else None
    return held, trace


def test_kills(folder):
    if not w.BPFTOOL:
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
    left = w.bpf_left(held, 60)
    w.check("killed: none of them is left", not left, left)
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
            test_skipped_runs(folder)
            w.check("each loss that is counted was forced",
                    set().union(*forced.values()) <= forced.keys() | unforced, forced)
            test_pause(folder, 15000, 7500, 50000, 2)
            test_crowd(folder)
            test_one_number(folder)
            test_kills(folder)
    w.finish()


if __name__ == "__main__":
    main()
