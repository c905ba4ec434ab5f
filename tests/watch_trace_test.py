#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
"""The trace against who is watched: in its envelope nobody can write to it; who does so outside is told in it; and its
chain's last value, which the recorder prints, tells it from any other. The capture has a bound. TAP."""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "watch"))
import watching as w  # noqa: E402

OVERT = w.BUILD / "overt"
ESCAPES = w.BUILD / "tests/watch-escapes"
MEGABYTE = 1 << 20
# Each must fail, in a folder of its own that has the trace.
TRIES = {
    "append": "echo x >> $T", "cut": ": > $T", "write": "dd if=/dev/zero of=$T bs=1 count=1 conv=notrunc",
    "remove": "rm -f $T", "rename": "mv $T $T.gone", "replace": "echo x > $T.new && mv -f $T.new $T",
    "link": "ln $T $T.link", "mode": "chmod 0666 $T", "capture": "echo x >> $T.pcapng",
    "remove the capture": "rm -f $T.pcapng", "unmount": "umount $T", "remount": "mount -o remount,bind,rw $T",
    "own namespace": "unshare -m sh -c 'umount $T || mount -o remount,bind,rw $T; echo x >> $T'",
}
# By its handle, through the mount of the folder; as root alone.
BY_HANDLE = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
mount = ctypes.c_int()
path = sys.argv[1].encode()
if libc.syscall(303, -100, path, handle, ctypes.byref(mount), 0): sys.exit(f"name: {ctypes.get_errno()}")
folder = os.open(os.path.dirname(sys.argv[1]), os.O_RDONLY)
file = libc.syscall(304, folder, handle, os.O_WRONLY | os.O_APPEND)
if file < 0: sys.exit(f"open: {ctypes.get_errno()}")
os.write(file, b"x")
print("written")
"""


def overt(*words):
    return w.run(OVERT, "watch", *words)


def findings(path):
    done = overt("report", path, "--json")
    return {one["rule"] for one in json.loads(done.stdout)["findings"]}


def record(folder, *words, options=()):
    folder.mkdir()
    path = folder / "trace"
    done = w.run(w.RECORDER, "-o", path, *options, "--", *words)
    return done, path


def written(trace):
    return [touch["process"] for touch in trace.records["canary"] if touch["route"] == "written"]


def chain_of(done):
    return re.search(rb"Its chain ends with ([0-9a-f]{64})", done.stderr)[1].decode()


# ---- inside -------------------------------------------------------------------------------------

def test_inside(folder):
    tries = "".join(f"({words}) >&2 && echo '{name}'; " for name, words in TRIES.items())
    place = folder / "inside"
    done, path = record(place, "sh", "-c", f"T={place}/trace; {tries} ls -l $T >&2; echo mine > {place}/own; "
                        "echo x > /tmp/overt-watch-test-$$; rm /tmp/overt-watch-test-$$; echo done")
    trace = w.Trace(path)
    w.check("in an envelope nothing can be done to the trace", done.stdout == b"done\n", (done.stdout, done.stderr))
    w.check("beside it, and in /tmp, files can be made", (place / "own").read_text() == "mine\n", done)
    w.check("it is whole and complete, and nobody wrote to it",
            trace.is_complete() and not written(trace), (trace.losses, written(trace)))
    w.check("it has its name still", sorted(os.listdir(place)) == ["own", "trace", "trace.new", "trace.pcapng"],
            os.listdir(place))
    w.check("the layer is on", [one["state"] for one in trace.records["layer"] if one["name"] == "trace"] == ["on"])
    w.check("the sensor is on", [one["state"] for one in trace.records["sensor"]
                                 if one["name"] == "trace_writes"] == ["on"])
    # Without the envelope it can: else this test could not fail.
    done, path = record(folder / "in-place", "sh", "-c", f"echo x >> {folder}/in-place/trace && echo written",
                        options=("--no-envelope",))
    trace = w.Trace(path)
    w.check("in place it can be written to", done.stdout == b"written\n", done)
    w.check("and that is told, of a process that is watched", len(written(trace)) >= 1 and written(trace)[0] in
            {one["process"] for one in trace.records["process"] if one["event"] == "found" and one["by"] == "target"}
            | {one["process"] for one in trace.records["process"] if one["event"] == "fork"},
            (written(trace), trace.records["process"]))
    w.check("and is a finding", trace.verdict != "whole" or "written" in findings(path), trace.verdict)


def test_handle(folder):
    place = folder / "handle"
    done, path = record(place, sys.executable, "-c", BY_HANDLE, place / "trace")
    trace = w.Trace(path)
    if b"written" not in done.stdout:
        w.skip("who writes by a handle is told", f"it cannot be done here: {done.stderr[:60]}")
        return
    w.check("who writes by a handle is told", len(written(trace)) >= 1 and "written" in findings(path),
            trace.records["canary"])


# ---- outside ------------------------------------------------------------------------------------

def test_outside(folder):
    (folder / "outside").mkdir()
    path = folder / "outside/trace"
    process = subprocess.Popen([w.RECORDER, "-o", path, "--", "sh", "-c", "echo up; read x; sleep 1"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    stranger = subprocess.Popen(["sh", "-c", f"sleep 1; echo x >> {path}; sleep 3"])
    time.sleep(2)
    _, words = process.communicate(b"\n", timeout=60)
    stranger.wait()
    trace = w.Trace(path)
    w.check("a stranger that writes to it is told", len(written(trace)) >= 1, (written(trace), stranger.pid, words))
    w.check("and is no part of the product", {one["by"] for one in trace.records["process"]
                                              if one["process"] in written(trace)} == {"canary"},
            trace.records["process"])
    w.check("and is a finding", {"written", "canary"} <= findings(path), findings(path))


def test_chain(folder):
    done, path = record(folder / "chain", "true")
    chain = chain_of(done)
    w.check("the last value of the chain is printed", w.Trace(path).good and
            w.verifier.judge(path.read_bytes())[3].hex() == chain, done.stderr)
    good = overt("verify", path, "--expect", chain)
    w.check("verify --expect: it is the one", good.returncode == 0, good)
    other, _ = record(folder / "other", "true")
    for words in (("--expect", chain_of(other)), ("--expect", chain_of(other), "--json")):
        bad = overt("verify", path, *words)
        w.check(f"verify {words[0]}: it is another {words[2:]}", bad.returncode == 1, bad)
    for words in (("--expect", "12"), ("--expect", "g" * 64), ("--expect",)):
        bad = overt("verify", path, *words)
        w.check(f"verify {words}: an error", bad.returncode == 2, bad)
    # Somebody puts another trace in its place, whose chain is good.
    (folder / "put").mkdir()
    path = folder / "put/trace"
    process = subprocess.Popen([w.RECORDER, "-o", path, "--no-envelope", "--", "sh", "-c",
                                f"mv {path} {path}.away; cp {folder}/other/trace {path}"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, words = process.communicate(timeout=60)
    chain = re.search(rb"Its chain ends with ([0-9a-f]{64})", words)[1].decode()
    w.check("a trace that was put away is told", b"somebody has put it away" in words, words)
    w.check("who put another in its place is found out", overt("verify", path).returncode == 0 and
            overt("verify", path, "--expect", chain).returncode == 1)
    w.check("and the one that was put away is the right one",
            overt("verify", f"{path}.away", "--expect", chain).returncode == 0)


# ---- the capture --------------------------------------------------------------------------------

def test_capture(folder):
    count, size = 3000, 1000
    done, path = record(folder / "capture", ESCAPES, "send", "198.51.100.7", "203.0.113.9", count, size,
                        options=("--max-capture", 1))
    trace = w.Trace(path)
    capture = trace.records["capture"][-1]
    data = pathlib.Path(w.unescape(capture["path"])).read_bytes()
    sent = sum(one["sent"] for one in trace.records["net"] if one["protocol"] == 17)
    newest = {(one["protocol"], one["remote"]): one["sent"] for one in trace.records["net"]}
    sent = sum(value for (protocol, _), value in newest.items() if protocol == 17)
    w.check("a capture ends at its bound", MEGABYTE - 2000 < len(data) <= MEGABYTE, (len(data), done))
    w.check("what follows is told as lost", trace.losses["capture"] >= count * 2 // 3 - 1100 and
            not trace.is_complete(), trace.losses)
    w.check("and is counted all the same", sent == count * (size + 42), (newest, sent))
    w.check("the digest is that of the file", hashlib.sha256(data).hexdigest() == capture["sha256"] and
            capture["bytes"] == len(data), capture)
    bad = w.run(w.RECORDER, "-o", folder / "none", "--max-capture", "0", "--", "true")
    w.check("no bound is no number", bad.returncode == 2 and not (folder / "none").exists(), bad)


def main():
    w.need_recorder()
    with w.disk_folder() as name:
        folder = pathlib.Path(name).resolve()
        test_inside(folder)
        test_handle(folder)
        test_outside(folder)
        test_chain(folder)
        test_capture(folder)
    w.finish()


if __name__ == "__main__":
    main()
