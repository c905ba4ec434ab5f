#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The envelope of `overt watch`: what cannot be followed is refused and told, what is sent is
captured, an honest product notices nothing, and nothing is left behind. TAP."""
import collections
import glob
import hashlib
import ipaddress
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "watch"))
import watching as w  # noqa: E402

PROGRAM = w.BUILD / "tests/watch-escapes"
# What is tried, the call as the trace names it, and a piece of what is told of it.
REFUSED = {
    "process-vm": ("process_vm_readv", "process "), "ptrace": ("ptrace", "process "),
    "pidfd-getfd": ("pidfd_getfd", ""), "setns": ("setns", ""), "ficlone": ("ioctl", "0x40049409"),
    "copy-file-range": ("copy_file_range", ""), "mount": ("mount", ""), "bpf": ("bpf", ""),
    "packet": ("socket", "family 17"), "vsock": ("socket", "family 40"), "xdp": ("socket", "family 44"),
    "io-uring": ("io_uring_setup", ""), "userfaultfd": ("userfaultfd", ""),
    "proc-mem": ("open", "/mem"), "tun": ("open", "/dev/net/tun"), "group": ("open", "cgroup.procs"),
    "block": ("open", "/dev/loop"), "block-direct": ("open", "/dev/loop"),
}
UNTOLD = {"mknod", "kill"}  # refused by layers that tell nobody, and reach no content
LAYERS = {"landlock", "seccomp", "network", "cgroup", "trace", "capabilities"}
UDP, TCP, COUNT, BYTES = "198.51.100.7", "203.0.113.9", 40, 1000


def outside_group():
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line:
            return line.split()[4] + "/cgroup.procs"
    return None


def told(done):
    lines = (line.split() for line in done.stdout.decode().splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) == 2}


def attach_loop(folder):
    image = folder / "image"
    image.write_bytes(os.urandom(1 << 20))
    if not shutil.which("losetup"):
        return None
    done = w.run("losetup", "--find", "--show", "--read-only", image)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def test_refusals(folder):
    file = folder / "file"
    file.write_bytes(bytes(100000))
    device, group = attach_loop(folder), outside_group()
    if device is None:
        w.skip("the block device is refused", "no loop device can be had")
    words = (PROGRAM, os.getpid(), file, device or "/dev/null", group or "/dev/null")
    try:
        plain = told(w.record_command(folder, *words)[0])
        done, trace = w.record_command(folder, *words, has_envelope=True)
    finally:
        if device:
            w.run("losetup", "-d", device)
    closed = told(done)
    layers = {record["name"]: record for record in trace.records["layer"]}
    w.check("the recording is whole", trace.is_complete(), (done, trace.losses))
    w.check("it says that there is an envelope", trace.records["begin"][0]["envelope"] == "yes")
    w.check("all layers are on", set(layers) == LAYERS and
            all(record["state"] == "on" for record in layers.values()), layers)
    w.check("there is no exception", not trace.records["exception"])
    denied = trace.records["denied"]
    for name, (call, what) in REFUSED.items():
        if name.startswith("block") and device is None or name == "group" and group is None:
            continue
        here = [record for record in denied
                if record["call"] == call and what in w.unescape(record["what"])]
        w.check(f"{name} is refused", closed.get(name, 0) in (1, 13, 18), closed.get(name))
        w.check(f"{name} is told", bool(here), denied)
    for name in UNTOLD:
        w.check(f"{name} is refused", closed.get(name, 0) in (1, 13), closed.get(name))
    # The program can do these where nobody refuses: else this test could not fail.
    for name in ("proc-mem", "packet", "kill", "block", "block-direct", "copy-file-range"):
        if not name.startswith("block") or device:
            w.check(f"{name} is possible outside", plain.get(name) == 0, plain)
    w.check("nor is any other refused outside",
            1 not in (plain.get("process-vm"), plain.get("bpf"), plain.get("setns")), plain)
    blocks = sum(record["count"] for record in denied if w.unescape(record["what"]) == device)
    w.check("each time is counted", device is None or blocks == 2, blocks)


# ---- the network --------------------------------------------------------------------------------

def read_frames(path):
    """(is outbound, frame) of a pcapng file; draft-ietf-opsawg-pcapng."""
    data = pathlib.Path(path).read_bytes()
    at, frames = 0, []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        assert size % 4 == 0 and struct.unpack_from("<I", data, at + size - 4)[0] == size
        if kind == 6:
            _, _, _, captured, length = struct.unpack_from("<IIIII", data, at + 8)
            assert captured == length
            options = at + 28 + (captured + 3) // 4 * 4
            code, width, flags = struct.unpack_from("<HHI", data, options)
            assert (code, width) == (2, 4)
            frames.append((flags & 3 == 2, data[at + 28:at + 28 + captured]))
        at += size
    return frames


def remote_of(is_outbound, frame):
    kind = struct.unpack_from(">H", frame, 12)[0]
    if kind not in (0x800, 0x86dd):
        return 65536 + kind, ""
    size = 4 if kind == 0x800 else 16
    first = 26 if size == 4 else 22
    protocol = frame[23] if size == 4 else frame[20]
    start = first + size if is_outbound else first
    text = str(ipaddress.ip_address(frame[start:start + size]))
    text = text if size == 4 else f"[{text}]"
    if protocol in (6, 17):
        ports = 14 + (frame[14] & 15) * 4 if size == 4 else 54
        text += f":{struct.unpack_from('>HH', frame, ports)[is_outbound]}"
    return protocol, text


def test_network(folder):
    done, trace = w.record_command(folder, PROGRAM, "send", UDP, TCP, COUNT, BYTES,
                                   has_envelope=True)
    said = told(done)
    w.check("loopback works inside", said.get("loopback") == 0, done)
    w.check("no way leads out: a connection fails at once", said.get("tcp") in (101, 113), said)
    nets = {(record["protocol"], w.unescape(record["remote"])): record
            for record in trace.records["net"]}
    udp = nets.get((17, f"{UDP}:9"), {})
    w.check("UDP is counted to the byte, headers with it",
            udp.get("packets") == COUNT and udp.get("sent") == COUNT * (BYTES + 42), udp)
    tcp = nets.get((6, f"{TCP}:443"), {})
    w.check("an attempt to connect is counted", tcp.get("packets", 0) >= 1, nets)
    w.check("nothing else was sent, by the kernel neither",
            sum(net["sent"] for net in nets.values()) == udp.get("sent", 0) + tcp.get("sent", 0), nets)
    of_sockets = sum(record["sent"] for record in trace.sockets.values()
                     if w.unescape(record["remote"]) == f"{UDP}:9")
    w.check("the sockets sent as much", of_sockets in (0, COUNT * BYTES), of_sockets)
    capture = trace.records["capture"][-1]
    path = w.unescape(capture["path"])
    data = pathlib.Path(path).read_bytes()
    w.check("the capture is the one that the trace names",
            hashlib.sha256(data).hexdigest() == capture["sha256"] and len(data) == capture["bytes"])
    frames = read_frames(path)
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    for is_outbound, frame in frames:
        line = sums[remote_of(is_outbound, frame)]
        line[0 if is_outbound else 2] += 1
        line[1 if is_outbound else 3] += len(frame)
    figures = {key: [net["packets"], net["sent"], net["answers"], net["received"]]
               for key, net in nets.items()}
    w.check("its frames add up to what the trace counts",
            figures == dict(sums) and len(frames) == capture["packets"], (figures, dict(sums)))
    for reader in (["tshark", "-r"], ["tcpdump", "-nr"]):
        if not shutil.which(reader[0]):
            w.skip(f"{reader[0]} reads it", "it is not installed")
            continue
        done = w.run(*reader, path)
        w.check(f"{reader[0]} reads it", done.returncode == 0 and
                len(done.stdout.splitlines()) == len(frames), done)


# ---- exceptions, products -----------------------------------------------------------------------

def test_exceptions(folder):
    file = folder / "file"
    words = (PROGRAM, os.getpid(), file, "/dev/null", "/dev/null")
    done, trace = w.record_command(folder, *words, options=("--allow", "io-uring", "--allow", "sockets"),
                                   has_envelope=True)
    w.check("exceptions stand in the trace",
            {record["name"] for record in trace.records["exception"]} == {"io-uring", "sockets"})
    w.check("exceptions are printed", b"io-uring" in done.stderr and b"sockets" in done.stderr, done)
    w.check("what is allowed is not refused",
            not {"io_uring_setup", "socket"} & {record["call"] for record in trace.records["denied"]})
    w.check("all else is", told(done).get("process-vm") == 1, done)
    done = w.run(w.RECORDER, "-o", folder / "none", "--allow", "all", "--", "true")
    w.check("an exception that is not known is an error", done.returncode == 2, done)
    done, trace = w.record_command(folder, "true", options=("--allow", "network"), has_envelope=True)
    w.check("without the network there is no capture", not trace.records["capture"] and
            [record["state"] for record in trace.records["layer"] if record["name"] == "network"]
            == ["off"], trace.records["layer"])


def test_clamscan(folder):
    if not shutil.which("clamscan"):
        w.skip("clamscan runs unchanged inside", "it is not installed")
        return
    docs = folder / "docs"
    docs.mkdir()
    for number in range(50):
        (docs / f"{number}.txt").write_text(f"document {number} " + "marked " * (number % 5 == 0))
    (folder / "own.ndb").write_text(f"Test.Marked:0:*:{b'marked'.hex()}\n")
    words = ("clamscan", "-r", "--no-summary", "-d", folder / "own.ndb", docs)
    plain = w.run(*words)
    done, trace = w.record_command(folder, *words, has_envelope=True)
    w.check("clamscan runs unchanged inside", plain.returncode == 1 and
            plain.stdout == done.stdout, (plain, done))
    w.check("its files are read, and none is sent", not trace.sent() and
            len({record["inode"] for record in trace.under(docs)}) >= 50, trace.sent())


# ---- nothing stays ------------------------------------------------------------------------------

def groups():
    place = outside_group()
    return set(glob.glob(str(pathlib.Path(place).parent / "**/overt-watch-*"), recursive=True)) if place else set()


def test_kill(folder):
    mounts = pathlib.Path("/proc/self/mountinfo").read_text()
    links = set(os.listdir("/sys/class/net"))
    path = folder / "killed"
    started = folder / "started"
    recorder = subprocess.Popen([w.RECORDER, "-o", path, "--", "sh", "-c",
                                 f"sleep 300 & readlink /proc/self/ns/net > {started}; "
                                 f"cat /proc/self/cgroup >> {started}; echo $! >> {started}; wait"],
                                stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and not (started.exists()
                                              and re.search(r"\n\d+\n$", started.read_text())):
            time.sleep(0.1)
        lines = started.read_text().split()
        space, child = lines[0], int(lines[-1])
        mine = {line for line in groups() if f"overt-watch-{recorder.pid}-" in line}
        ids = w.bpf_ids(recorder.pid)
        kept = w.hold_spaces([child])
        w.check("it runs in a network and a cgroup of its own",
                space in kept and space in w.held_spaces() and len(mine) == 1)
        w.check("no interface of it is among the machine's", links == set(os.listdir("/sys/class/net")))
        w.check("no mount is made", mounts == pathlib.Path("/proc/self/mountinfo").read_text())
    finally:
        recorder.send_signal(signal.SIGKILL)
        recorder.wait()
    end = time.monotonic() + 20
    while time.monotonic() < end and (mine & groups() or os.path.exists(f"/proc/{child}")
                                      or space in w.held_spaces()):
        time.sleep(0.1)
    w.check("killed: its cgroup is gone", not mine & groups(), mine)
    w.check("killed: what ran in it has ended", not os.path.exists(f"/proc/{child}"))
    w.check("killed: nothing is in its network", space not in w.held_spaces())
    for space in kept.values():
        os.close(space)
    w.check("killed: no interface stays", links == set(os.listdir("/sys/class/net")))
    w.check("killed: no mount stays", mounts == pathlib.Path("/proc/self/mountinfo").read_text())
    if not w.BPFTOOL:
        w.skip("killed: no BPF object stays", "bpftool is not installed")
        return
    left = w.bpf_left(ids)
    w.check("killed: no BPF object stays", bool(ids) and not left, (ids, left))


def main():
    w.need_recorder()
    if os.geteuid() != 0:
        w.skip_all("this needs root")
    with w.disk_folder() as name:
        folder = pathlib.Path(name).resolve()
        before = groups()
        test_refusals(folder)
        test_network(folder)
        test_exceptions(folder)
        test_clamscan(folder)
        w.check("no cgroup stays after a recording",
                not any(f"-{os.getpid()}-" in group for group in groups() - before))
        test_kill(folder)
    w.finish()


if __name__ == "__main__":
    main()
