# SPDX-License-Identifier: Apache-2.0
#
# How the benches run programs and tell figures: CPU time of whole process trees, pinned to a core.
"""Used by run.py."""
import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

MB, GB = 1e6, 1e9

# clamscan with everything switched off that is not matching or hashing of the file as it is.
CLAMSCAN_PLAIN = ["--scan-archive=no", "--scan-mail=no", "--scan-pdf=no", "--scan-ole2=no",
                  "--scan-swf=no", "--scan-html=no", "--scan-xmldocs=no", "--scan-hwp3=no",
                  "--scan-onenote=no", "--scan-image=no", "--scan-image-fuzzy-hash=no",
                  "--phishing-sigs=no", "--phishing-scan-urls=no", "--heuristic-alerts=no",
                  "--bytecode=no", "--normalize=no", "--scan-pe=no", "--scan-elf=no"]

_notes = []

PR_SET_CHILD_SUBREAPER = 36
ORPHAN_SECONDS = 5


def adopt_orphans():
    """Workers that outlive the program that started them become our children: their time counts."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("bench: cannot become a subreaper")


def reap_orphans():
    """(CPU seconds, peak bytes) of all children that are left; they are ending."""
    cpu, peak = 0.0, 0
    end = time.monotonic() + ORPHAN_SECONDS
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return cpu, peak
        if pid == 0:
            if time.monotonic() > end:
                sys.exit("bench: a process of the last run does not end")
            time.sleep(0.001)
            continue
        cpu += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss * 1024)


def side_by_side(*jobs):
    """What each of these returns, a number, all begun at once. Each has a process of its own, and so its own
    orphans. On one core the scheduler changes between them within milliseconds: whatever makes the
    machine slower for a while is felt by all of them alike."""
    pipes, pids = [], []
    for job in jobs:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                adopt_orphans()
                os.write(write, repr(job()).encode())
            finally:
                os._exit(0)  # what it says is empty when it has failed
        os.close(write)
        pipes.append(read)
        pids.append(pid)
    told = [os.read(pipe, 64) for pipe in pipes]  # waits for them in turn
    for pipe, pid in zip(pipes, pids):
        os.close(pipe)
        os.waitpid(pid, 0)
    if b"" in told:
        sys.exit("bench: one of those that ran side by side has failed")
    return [float(text) for text in told]


@dataclass
class Done:
    code: int
    out: str
    cpu: float   # seconds, user and system, with all children that were waited for
    wall: float  # seconds
    peak: float  # bytes resident, of the largest process


def say(text):
    print(text, flush=True)


def heading(text):
    print(f"\n== {text}", flush=True)


def floor(what, ratio, least, digits=1):
    """Prints a ratio beside its floor and remembers whether it was reached."""
    is_met = ratio >= least
    _notes.append((what, is_met))
    say(f"{what}: {ratio:.{digits}f} (floor {least}) {'met' if is_met else 'MISSED'}")


def pin():
    """One core: the last, since interrupts prefer the first."""
    return ["taskset", "-c", str((os.cpu_count() or 1) - 1)]


def timed(command, is_pinned=True, check=True):
    """Runs a command to its end. CPU time is that of all processes it started."""
    command = (pin() if is_pinned else []) + [str(c) for c in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        orphan_cpu, orphan_peak = reap_orphans()
        out.seek(0)
        text = out.read().decode(errors="replace")
        if check and process.returncode not in (0, 1, 3):
            err.seek(0)
            sys.exit(f"bench: {' '.join(command)[:300]}: exit status {process.returncode}: "
                     f"{err.read().decode(errors='replace')[-2000:]}")
    return Done(process.returncode, text, usage.ru_utime + usage.ru_stime + orphan_cpu, wall,
                max(usage.ru_maxrss * 1024, orphan_peak))


def until_told(command):
    """Seconds until the program's first line stands on a terminal, as who sits there sees it."""
    ours, its = os.openpty()
    start = time.monotonic()
    with subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=its,
                          stderr=subprocess.DEVNULL) as process:
        os.close(its)
        told = os.read(ours, 4096)
        wall = time.monotonic() - start
        process.wait()
    os.close(ours)
    reap_orphans()
    if not told:
        sys.exit(f"bench: {' '.join(map(str, command))[:300]}: told nothing")
    return wall


def program_lines(text):
    """{program: {key: value}} of the lines that the bench programs print."""
    lines = {}
    for line in text.splitlines():
        pairs = dict(word.split("=", 1) for word in line.split() if "=" in word)
        lines[pairs.pop("program", "?")] = pairs
    return lines


def clamscan_net(b, sources, tree, parsers=False, rounds=1):
    """CPU seconds of clamscan on a tree less its run on one tiny file, and those of that run; the least of each."""
    load = min(timed(b.clamscan(sources, b.tiny(), parsers)).cpu for _ in range(rounds))
    full = min(timed(b.clamscan(sources, tree, parsers)).cpu for _ in range(rounds))
    return full - load, load


class Bench:
    def __init__(self, build, folder, shared):
        self.build, self.folder, self.shared = build, folder, shared
        self.is_quick = os.environ.get("BENCH_QUICK") == "1"
        self.rounds = "1" if self.is_quick else "3"
        self.short_rounds = "1" if self.is_quick else "15"  # of what takes a tenth of a second
        self._built = {}
        os.environ["OVERT_STATE"] = self.path("state")  # not the journal of this machine
        adopt_orphans()
        os.makedirs(self.path("tiny"), exist_ok=True)
        with open(self.path("tiny/file"), "w", encoding="ascii") as f:
            f.write("hello, world\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    file = path

    def bin(self, name):
        return self.path(f"bin/{name}")

    def tiny(self):
        return self.path("tiny")

    def tree(self, name):
        if name == "small-some":
            return self._part("small", "small-some", lambda n, _: n % 20 == 0)
        if name == "bench" and self.is_quick:
            name = "cs"
        return self.path(name)

    def large_tree(self):
        return self._part("cs" if self.is_quick else "bench", "large", lambda _, size: size >= 65536)

    def _part(self, name, part, is_in):
        """A tree of links to some of the files of another; made anew for each run."""
        to = self.path(f"parts/{part}")
        if part not in self._built:
            subprocess.run(["rm", "-rf", to], check=True)
            os.makedirs(to)
            files = sorted(os.path.join(d, f) for d, _, names in os.walk(self.path(name))
                           for f in names)
            for number, path in enumerate(files):
                if is_in(number, os.path.getsize(path)):
                    os.link(path, f"{to}/{number:06}")
            self._built[part] = len(os.listdir(to))
        return to

    def small_count(self):
        return sum(len(names) for _, _, names in os.walk(self.path("small")))

    def small_some(self):
        self.tree("small-some")
        return self._built["small-some"]

    def build_image(self, name, sources):
        return timed([os.path.join(self.build, "overt"), "rules", "build", "-o",
                      self.path(f"{name}.ovi"), *sources])

    def image(self, name, sources):
        """The compiled image of some rules, built once a run; what building it took, or None."""
        image = self.path(f"{name}.ovi")
        key = "image " + name
        if key in self._built:
            return image, None
        self._built[key] = True
        built = self.build_image(name, sources)
        time.sleep(3)  # until a file has been left alone for two seconds, each start hashes the whole
        self.overt(image, self.tiny())  # and the first one after that
        return image, built

    def overt(self, image, tree, jobs=None, is_pinned=True):
        """A scan that keeps no journal, as no scanner beside us does; journal.py has its price."""
        return self.overt_sources([image], tree, jobs, is_pinned and jobs == 1, ["--no-journal"])

    def overt_sources(self, sources, tree, jobs=None, is_pinned=False, options=()):
        command = [os.path.join(self.build, "overt"), "scan", *options]
        command += ["--jobs", str(jobs)] if jobs else []
        for source in sources:
            command += ["--rules", source]
        return timed(command + [tree], is_pinned)

    def overt_until_told(self, image, tree):
        """Seconds from its start to the first verdict."""
        return until_told([os.path.join(self.build, "overt"), "scan", "--no-journal", "--verbose",
                           "--rules", image, tree])

    def clamscan(self, sources, tree, parsers=False):
        command = ["clamscan", "-r", "-i", "--no-summary", "--stdout"]
        command += [] if parsers else CLAMSCAN_PLAIN
        for source in sources:
            command += ["-d", source]
        return command + [tree]

    def note(self, what, is_met):
        _notes.append((what, is_met))
        if not is_met:
            say(f"{what}: MISSED")

    def say_machine(self):
        model = "?"
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith("model name"):
                    model = line.split(":", 1)[1].strip()
        version = "none"
        if shutil.which("clamscan"):
            version = subprocess.run(["clamscan", "--version"], capture_output=True, text=True,
                                     check=False).stdout.split("/")[0].strip()
        load = os.getloadavg()[0]
        say(f"machine: {model}, {os.cpu_count()} cores, Linux {platform.release()}, load {load:.1f}; "
            f"reference: {version}" + ("; QUICK RUN, its figures prove nothing" if self.is_quick
                                       else ""))

    def summary(self):
        heading("summary")
        for what, is_met in _notes:
            say(f"{'met   ' if is_met else 'MISSED'} {what}")
        missed = sum(not is_met for _, is_met in _notes)
        say(f"{len(_notes) - missed} floors met, {missed} missed")
        return 1 if missed else 0
