#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every route to a file's content and every way to send, held against what the program that used it
knows; canaries that others read; and a recorder that may not record. TAP."""
import os
import pathlib
import shutil
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "watch"))
import watching as w  # noqa: E402

BYTES, SENT = 100000, 50000
PROGRAM = w.BUILD / "tests/watch-routes"
# The bytes that a system call returned, so that the second view must have them.
BY_CALLS = {"read", "preadv2-nowait", "splice", "sendfile", "copy-file-range", "open-by-handle",
            "scm-rights", "pidfd-getfd", "proc-fd", "direct", "double-fork"}
NONE = {"stat", "link", "readahead"}
# How the content was reached, beside the pages: these, and no other route has them.
BY_URING = {"io-uring", "io-uring-worker", "io-uring-sqpoll", "io-uring-registered"}
BY_PASSED = {"scm-rights", "pidfd-getfd", "proc-fd"} # all are handed a descriptor
BY_OTHERS = {"loop", "helper"}
READS = """read preadv2-nowait mmap mmap-populate madvise-populate mmap-one-page io-uring
    io-uring-worker io-uring-sqpoll io-uring-registered splice sendfile copy-file-range
    open-by-handle scm-rights pidfd-getfd proc-fd direct aio overlay double-fork script loop helper
    stat link readahead""".split()
SENDS = """send msg-zerocopy writev sendfile splice io-uring io-uring-zerocopy udp udp-unconnected
    sendmmsg unix-stream unix-datagram unix-packets raw-ip packet packet-ring""".split()


def make_files(folder):
    for name in [*READS, *(f"sent-{name}" for name in SENDS)]:
        path = folder / name
        if name == "script":
            path.write_bytes((b"#!/bin/sh\n" + b"# nothing\n" * BYTES)[:BYTES - 1] + b"\n")
            path.chmod(0o700)
        else:
            path.write_bytes(os.urandom(BYTES))
    # Read ahead into memory (RWF_NOWAIT waits for nothing), and on the disk (direct I/O would
    # write it back itself).
    for path in folder.iterdir():
        path.read_bytes()
    os.sync()


def serve(listener):
    """A helper: reads what it is asked for, and answers with it."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            path = b""
            while part := client.recv(4096):
                path += part
            client.sendall(pathlib.Path(os.fsdecode(path)).read_bytes())


def attach_loop(path):
    done = w.run("losetup", "--find", "--show", "--read-only", path) if shutil.which("losetup") else None
    return done.stdout.decode().strip() if done and done.returncode == 0 else None


def check_read(trace, files, name, pid, said):
    path = files / name
    here = trace.of(path, pid if pid > 0 else None)
    got = w.covered(here)
    if name in NONE:
        w.check(f"{name} reaches no content", said == 0 and got == 0, here)
        return
    if name == "mmap-one-page": # the kernel maps up to 16 pages around it
        w.check(f"{name}: one page to sixteen", w.PAGE <= got <= 16 * w.PAGE, (got, here))
        return
    w.check(f"{name}: {BYTES} bytes", got == said == BYTES, (got, said, here))
    routes = {route for record in here for route in record["routes"].split(",")}
    for route, names in (("uring", BY_URING), ("passed", BY_PASSED)):
        w.check(f"{name}: {'by' if name in names else 'not by'} {route}",
                (route in routes) == (name in names), routes)
    reads = sum(record["read"] for record in here)
    if name in BY_CALLS:
        w.check(f"{name}: as many by its calls", reads == BYTES, (reads, here))
    elif name == "overlay": # the calls name the file of the overlay
        over = [record["read"] for record in trace.files.values() if record["pid"] == pid
                and record["inode"].split()[1] == str(path.stat().st_ino)]
        w.check("overlay: as many by its calls", sum(over) == BYTES, over)
    elif name == "script":
        w.check("script: the shell's calls return all", BYTES <= reads <= BYTES + 8192, reads)
    else:
        w.check(f"{name}: none by calls that return them", reads == 0, here)


def check_canary(trace, path, name, pids):
    begin = trace.inode(path) + " "
    seen, readers = set(), set()
    for record in trace.records["canary"]:
        if record["inode"].startswith(begin):
            seen.update(range(record["from"] // w.PAGE, -(-record["to"] // w.PAGE)))
            readers.add(int(record["process"].split()[0]))
    least = 25 * 4096 // w.PAGE
    w.check(f"the canary {name} is touched on all its pages",
            {page for page in seen if page < least} == set(range(least)), sorted(seen))
    if pids:
        w.check(f"the canary {name} is touched by whom it was", readers & pids, (readers, pids))


def test_routes(folder):
    files, extra = folder / "files", []
    files.mkdir()
    make_files(files)
    device = attach_loop(files / "loop")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "helper"))
    listener.listen()
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    canaries = ["read", "mmap", "helper", "double-fork", "overlay", "direct"] + ["loop"] * bool(device)
    for name in canaries:
        extra += ["--canary", files / name]
    env = {**os.environ, **({"ROUTES_LOOP": device} if device else {})}
    try:
        done, trace = w.record_command(folder, PROGRAM, files, folder / "helper", options=extra,
                                       cwd=folder, env=env)
    finally:
        if device:
            w.run("losetup", "-d", device)
        listener.close()
    w.check("the recording is whole and nothing was lost", trace.is_complete(),
            (done, trace.losses, trace.failed_routes(), trace.records["end"]))
    told = [line.split() for line in done.stdout.decode().splitlines()]
    w.check("all routes were tried", [line[1] for line in told] == READS + SENDS, told)
    for kind, name, key, size in told:
        if int(size) < 0:
            w.skip(f"{kind} {name}", os.strerror(-int(size)) if -int(size) < 134 else size)
        elif kind == "read" and name not in BY_OTHERS:
            check_read(trace, files, name, int(key), int(size))
        elif kind == "send":
            records = trace.cookie(int(key))
            got = sum(record["sent"] for record in records)
            w.check(f"send {name}: all its bytes", got == int(size) == SENT, (got, size, records))
    check_canaries(trace, files, device)


def check_canaries(trace, files, device):
    for name in ("read", "mmap", "double-fork", "overlay", "direct"):
        check_canary(trace, files / name, name, set())
    check_canary(trace, files / "helper", "helper", {os.getpid()})
    w.check("the helper is not watched itself",
            os.getpid() not in {record["pid"] for record in trace.files.values()})
    if device:
        check_canary(trace, files / "loop", "loop", set())
    else:
        w.skip("the canary loop", "no loop device here")


def test_refusals(folder):
    place = folder / "refused"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    folder.chmod(0o755)
    ran = place / "ran"
    w.open_to_others(place)
    done = w.run("setpriv", "--reuid", "65534", "--clear-groups", w.RECORDER, "-o", place / "trace",
                 "--", "touch", ran)
    w.check("without rights: exit status 2", done.returncode == 2, done)
    w.check("without rights: what is missing, and what to do",
            b"CAP_BPF" in done.stderr and b"root" in done.stderr, done)
    w.check("without rights: no trace is left", not (place / "trace").exists())
    w.check("without rights: nothing was run", not ran.exists())
    done = w.run(w.RECORDER, "-o", place / "trace", "--pid", "4194304")
    w.check("a process that is not there: exit status 2, no trace",
            done.returncode == 2 and not (place / "trace").exists(), done)
    (place / "old").write_bytes(b"kept")
    done = w.run(w.RECORDER, "-o", place / "old", "--", "touch", ran)
    w.check("a file is not written over",
            done.returncode == 2 and (place / "old").read_bytes() == b"kept" and not ran.exists())


def main():
    w.need_recorder()
    with w.disk_folder() as folder:
        test_routes(pathlib.Path(folder).resolve())
        test_refusals(pathlib.Path(folder).resolve())
    w.finish()


if __name__ == "__main__":
    main()
