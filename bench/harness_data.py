# SPDX-License-Identifier: Apache-2.0
#
# What the benches scan with: real and synthetic rule sets; and how worker memory is read.
"""Used by run.py."""
import glob
import hashlib
import os
import signal
import subprocess
import time

from harness import reap_orphans, say

_told = []


def real_set(b):
    """The sample databases that clamscan reads as text, without the one that is slow with it."""
    root = os.path.join(b.shared, "data", "dev", "clamav")
    files = []
    for kind in ("ndb", "ldb", "hdb", "hsb", "mdb", "fp"):
        files += sorted(glob.glob(os.path.join(root, "*", "*." + kind)))
    files = [f for f in files if os.path.basename(f) != "twinclams.ldb"]
    if not files and not _told:
        _told.append(True)
        say(f"{root} is not here: what needs the real ClamAV signatures is left out")
    return files


def empty_set(b):
    path = b.path("one.ndb")
    with open(path, "w", encoding="ascii") as f:
        f.write("One:0:*:6f7665727420626f6479206f6620612062656e63682072756c65\n")
    return path


def hash_set(b, count):
    """Synthetic MD5 lines whose sizes crowd where those of real programs do: the lower the denser."""
    path = b.path(f"hashes-{count}.hdb")
    if os.path.exists(path):
        return path
    with open(path + ".new", "w", encoding="ascii") as f:
        for start in range(0, count, 4096):
            lines = []
            for i in range(start, min(start + 4096, count)):
                digest = hashlib.md5(b"%d" % i).hexdigest()
                spread = int(digest[:8], 16) / 2 ** 32
                size = int(512 * 2 ** (spread * 14)) + int(digest[8:11], 16)
                lines.append(f"{digest}:{size}:Bench.Hash-{i}\n")
            f.writelines(lines)
    os.rename(path + ".new", path)
    return path


def drop_from_cache(path):
    """Has the kernel forget a file's pages, so that the next start reads the disk."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fdatasync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def _rollup(pid):
    values = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            words = line.split()
            if len(words) == 3 and words[2] == "kB":
                values[words[0].rstrip(":")] = int(words[1]) * 1024
    # Clean private pages are pages of the image that no other process has touched yet: page cache.
    return {"private": values["Private_Dirty"], "file": values["Private_Clean"],
            "shared": values["Shared_Clean"] + values["Shared_Dirty"]}


def _descendants(pid):
    below = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as f:
                    below.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(name))
            except OSError:
                pass
    found, queue = [], [pid]
    while queue:
        for child in below.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def _is_worker(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as f:
        return "worker" in f.read()


def worker_memory(b, image, tree, jobs):
    """The most that each worker of a running scan had: [{private, file, shared}]."""
    command = [os.path.join(b.build, "overt"), "scan", "--jobs", str(jobs), "--rules", image]
    process = subprocess.Popen(command + [tree] * 20, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    most = {}
    end = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < end:
        for pid in _descendants(process.pid):
            try:
                if not _is_worker(pid):
                    continue
                now = _rollup(pid)
            except (OSError, KeyError):
                continue
            seen = most.setdefault(pid, now)
            most[pid] = {k: max(seen[k], now[k]) for k in now}
        time.sleep(0.05)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.wait()
    reap_orphans()
    return list(most.values())
