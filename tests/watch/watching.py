# SPDX-License-Identifier: Apache-2.0
"""For tests of `overt watch`: records a command, and reads its trace with the verifier of
tests/trace, which knows docs/formats/trace.md alone. Also the TAP lines."""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

BUILD = pathlib.Path(os.environ.get("OVERT_BUILD") or "build-check").resolve()
SOURCE = pathlib.Path(os.environ.get("OVERT_SOURCE") or ".").resolve()
RECORDER = BUILD / "overt-watch"
BPFTOOL = shutil.which("bpftool", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
sys.path[:0] = [str(SOURCE / "tests/trace"), str(SOURCE / "tests")]
import tap  # noqa: E402  pylint: disable=wrong-import-position,import-error
import verifier  # noqa: E402  pylint: disable=wrong-import-position,import-error
from tap import check, skip  # noqa: E402,F401  pylint: disable=wrong-import-position,import-error

PAGE = os.sysconf("SC_PAGE_SIZE")


def finish():
    sys.exit(tap.end())


def can_record():
    """Whether this is root, with all that BPF asks for, on a kernel that tells its types."""
    have = re.search(r"CapEff:\s*([0-9a-f]+)", pathlib.Path("/proc/self/status").read_text())
    wanted = 1 << 38 | 1 << 39 | 1 << 21  # CAP_PERFMON, CAP_BPF, CAP_SYS_ADMIN
    return int(have[1], 16) & wanted == wanted and os.path.exists("/sys/kernel/btf/vmlinux")


def skip_all(why):
    """CI says OVERT_MUST_WATCH=1: then a machine that could record, and does not, is a failure."""
    if os.environ.get("OVERT_MUST_WATCH") and can_record():
        print("1..1\nnot ok 1 - something is recorded where it can be\n#", why)
        sys.exit(1)
    print("1..0 # SKIP", why)
    sys.exit(0)


def run(*words, **more):
    return subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          timeout=more.pop("timeout", 240), **more)


def open_to_others(folder):
    """Lets other users reach a folder of the test: they may be kept out of where tests are run."""
    for above in [folder.resolve(), *folder.resolve().parents]:
        if above.stat().st_uid == os.geteuid() and above.is_relative_to("/tmp/"):
            above.chmod(above.stat().st_mode | 0o011)


def need_recorder():
    """Ends the test with the reason when nothing can be recorded here."""
    if not RECORDER.exists():
        skip_all("overt-watch was not built: clang, bpftool or libbpf is missing")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        done = run(RECORDER, "-o", f"{folder}/trace", "--no-envelope", "--", "true")
    if done.returncode == 2:
        skip_all(" ".join(done.stderr.decode().split()))


def bpf_ids(pid):
    """What a process holds of BPF: {("prog" or "map" or "link", id)}."""
    found = set()
    for info in pathlib.Path(f"/proc/{pid}/fdinfo").glob("*"):
        try:
            text = info.read_text()
        except OSError:
            continue
        found.update((kind, number)
                     for kind, number in re.findall(r"(?m)^(prog|map|link)_id:\s*(\d+)", text)
                     if f"{kind}_type" in text)
    return found


def bpf_left(ids, seconds=10):
    """Which of these the kernel still has, when it had so long: it frees them after a while."""
    end = time.monotonic() + seconds
    while True:
        left = set()
        for kind in {kind for kind, _ in ids}:
            there = {str(one["id"]) for one in json.loads(run(BPFTOOL, "-j", kind, "show").stdout)}
            left |= {one for one in ids if one[0] == kind and one[1] in there}
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.2)


def hold_spaces(pids):
    """The namespaces of networks and mounts that these processes are in, but not this one: by name, what keeps it.
    While it is kept (close it), the kernel gives its number to no other, which a test running beside could have."""
    kept = {}
    for path in (f"/proc/{pid}/ns/{kind}" for pid in pids for kind in ("net", "mnt")):
        try:
            space = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # it has ended
            continue
        name = os.readlink(f"/proc/self/fd/{space}")
        if name in kept or name == os.readlink(f"/proc/self/ns/{path[-3:]}"):
            os.close(space)
        else:
            kept[name] = space
    return kept


def held_spaces():
    """Namespaces of networks and mounts that some process is in: their names."""
    found = set()
    for link in pathlib.Path("/proc").glob("[0-9]*/ns/*"):
        try:
            found |= {os.readlink(link)} if link.name in ("net", "mnt") else set()
        except OSError:
            pass
    return found


def disk_folder():
    """An empty folder that is on a disk: files in memory alone have other ways to be read."""
    place = "."
    if run("stat", "-f", "-c", "%T", ".").stdout.split() in ([b"tmpfs"], [b"ramfs"]):
        place = "/var/tmp"
    return tempfile.TemporaryDirectory(dir=place, prefix="watch-test-")


def unescape(text):
    return "" if text == "-" else urllib.parse.unquote(text)


TEXTS = {"coverage", "path", "name", "local", "remote", "process", "inode", "call", "what", "why"}


def add_numbers(record):
    for key, value in record.items():
        if key not in TEXTS and isinstance(value, str) and value.isdigit():
            record[key] = int(value)
    return record


class Trace:
    """The records of a trace; of counters the last one of each key."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        self.verdict, self.record_count, self.good, _, self.first_bad = verifier.judge(data)
        self.records = collections.defaultdict(list)
        self.files, self.sockets, self.names, self.losses = {}, {}, {}, {}
        for _, _, raw, _, _ in verifier.frames(data[:self.good]):
            kind, values = verifier.read_record(raw)
            self.add(kind, add_numbers(values))

    def add(self, kind, values):
        self.records[kind].append(values)
        if kind == "file":
            values["pid"] = int(values["process"].split()[0])
            self.files[values["process"], values["inode"]] = values
        elif kind == "socket":
            values["pid"] = int(values["process"].split()[0])
            self.sockets[values["process"], values["cookie"], values["flow"]] = values
        elif kind == "name":
            values["path"] = unescape(values["path"])
            self.names[values["inode"]] = values
        elif kind == "loss":
            self.losses[values["name"]] = values["count"]
        elif kind in ("checkpoint", "end"):
            self.losses.update((line.split()[1], int(line.split()[0])) for line in values["loss"])

    def inode(self, path):
        """The key of a file, without its generation: device and number."""
        info = os.stat(path)
        return f"{os.major(info.st_dev)}:{os.minor(info.st_dev)} {info.st_ino}"

    def of(self, path, pid=None):
        """What processes (or this one) did with a file."""
        begin = self.inode(path) + " "
        return [record for (_, inode), record in self.files.items()
                if inode.startswith(begin) and pid in (None, record["pid"])]

    def named(self, path):
        """What was done with all inodes that were once called so."""
        inodes = {inode for inode, name in self.names.items() if name["path"] == str(path)}
        return [record for (_, inode), record in self.files.items() if inode in inodes]

    def under(self, folder):
        inodes = {inode for inode, name in self.names.items()
                  if name["path"].startswith(str(folder) + "/")}
        return [record for (_, inode), record in self.files.items() if inode in inodes]

    def cookie(self, cookie):
        return [record for (_, its, _), record in self.sockets.items() if its == cookie]

    def is_complete(self):
        end = self.records["end"]
        return (self.verdict == "whole" and end[0]["why"] == "done" and end[0]["unwritten"] == 0
                and bool(self.losses) and not any(self.losses.values())
                and all(record["state"] == "on" or record["needed"] == "no"
                        for record in self.records["sensor"])
                and bool(self.records["selftest"]) and not self.failed_routes())

    def failed_routes(self):
        return [record["route"] for record in self.records["selftest"]
                if record["outcome"] != "absent" and not (
                    record["outcome"] == record["expected"]
                    and (record["expected"] == "denied"
                         or record["want"] <= record["seen"] <= record["most"]))]

    def sent(self):
        """Bytes to sockets whose other end is not watched, by address; the kernel's left out."""
        cookies = {cookie for _, cookie, _ in self.sockets}
        ends = {(record["local"], record["remote"]) for record in self.sockets.values()}
        sums = collections.Counter()
        for record in self.sockets.values():
            inside = record["other"] in cookies or (record["remote"], record["local"]) in ends
            if record["sent"] and not inside and record["family"] not in (16, 38):
                sums[unescape(record["remote"])] += record["sent"]
        return sums


def pages(record):
    """Pages that a record of a file covers, at its scale."""
    bits = 0 if record["coverage"] == "-" else bin(int(record["coverage"], 16)).count("1")
    return bits * record["scale"]


def covered(records):
    """Bytes of one file that these processes reached."""
    best = 0
    joined, scale, size = 0, 1, 0
    for record in records:
        if record["scale"] == 1 and record["coverage"] != "-":
            joined |= int(record["coverage"], 16)
        elif record["coverage"] != "-":
            best = max(best, pages(record) * PAGE)
        size = max(size, record["bytes"])
    return min(max(best, bin(joined).count("1") * PAGE * scale), size)


def record_command(folder, *words, options=(), has_envelope=False, **more):
    """(what the recorder's process gave, the trace). In no envelope: routes that it would refuse
    are to be seen."""
    path = pathlib.Path(tempfile.mkdtemp(dir=folder, prefix="trace-")) / "trace"
    done = run(RECORDER, "-o", path, *([] if has_envelope else ["--no-envelope"]), *options, "--",
               *words, **more)
    return done, Trace(path)


def kept(trace, owns=()):
    """Bytes written to files that are under no such folder, as docs/formats/trace.md has it."""
    sums = collections.Counter()
    for (_, inode), record in trace.files.items():
        name = trace.names.get(inode, {"kind": "file", "path": inode})
        is_own = any(name["path"].startswith(f"{own}/") for own in owns)
        explained = record["written"] // PAGE + 2 * record["writes"]
        more = max(0, record["dirtied"] - explained) * PAGE
        if name["kind"] == "file" and not is_own and record["written"] + more > 0:
            sums[name["path"]] += record["written"] + min(more, record["bytes"])
    return sums
