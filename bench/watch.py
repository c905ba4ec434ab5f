# SPDX-License-Identifier: Apache-2.0
#
# What `overt watch` costs: those that are watched, and everybody else.
"""Used by run.py."""
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

from harness import heading, pin, say, side_by_side, timed

ROUNDS, ROUNDS_QUICK = 15, 7
CALLS = 100000
FILES, FILE_BYTES = 9000, 24000
DOCUMENTS = "/usr/share/doc"
MOST_READ_NS, MOST_CALL_NS = 250, 120
MOST_PERCENT = 5


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


class Recorder:
    """`overt-watch` that watches a process which sleeps: the null tracer, seen by all others."""

    def __init__(self, b):
        self.folder = tempfile.mkdtemp(dir=b.folder)
        trace = os.path.join(self.folder, "trace")
        self.process = subprocess.Popen(
            [os.path.join(b.build, "overt-watch"), "-o", trace, "--no-envelope", "--", "sleep", "600"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while time.monotonic() < end and not self.is_recording(trace):
            time.sleep(0.05)

    @staticmethod
    def is_recording(trace):
        try:
            with open(trace, "rb") as file:
                return b"event exec" in file.read()
        except FileNotFoundError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in children_of(self.process.pid):
            os.kill(pid, signal.SIGTERM)
        self.process.wait(timeout=60)
        shutil.rmtree(self.folder)


def timed_beside(recorder, command):
    """(output, CPU seconds) of a command and of what it leaves; the recorder goes on."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([*pin(), *command], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu = usage.ru_utime + usage.ru_stime
        for pid in children_of(os.getpid()):
            if pid != recorder.process.pid:
                usage = os.wait4(pid, 0)[2]
                cpu += usage.ru_utime + usage.ru_stime
        out.seek(0)
        return out.read().decode(errors="replace"), cpu


def figures(out):
    return {line.split()[0]: float(line.split()[1]) for line in out.splitlines()
            if line.startswith(("read ", "call "))}


def full(b, command):
    """The command under watch: (its output, CPU seconds of it and of the recorder)."""
    with tempfile.TemporaryDirectory(dir=b.folder) as folder:
        done = timed([os.path.join(b.build, "overt-watch"), "-o", os.path.join(folder, "trace"),
                      "--no-envelope", "--", *command])
    return done


def micro(b, rounds):
    command = [b.bin("watch"), b.folder, str(CALLS)]
    seen = {"bare": [], "null": [], "full": []}
    for _ in range(rounds):
        seen["bare"].append(figures(timed(command).out))
        with Recorder(b) as recorder:
            seen["null"].append(figures(timed_beside(recorder, command)[0]))
        seen["full"].append(figures(full(b, command).out))
    least = {kind: {key: min(one[key] for one in all_of) for key in ("read", "call")}
             for kind, all_of in seen.items()}
    for key, text in (("read", "a read of 4 KiB"), ("call", "a system call that moves nothing")):
        say(f"{text}: bare {least['bare'][key]:.0f} ns, beside a recorder {least['null'][key]:.0f} "
            f"ns, watched {least['full'][key]:.0f} ns")
    read = least["full"]["read"] - least["bare"]["read"]
    call = least["null"]["call"] - least["bare"]["call"]
    b.note(f"a watched read costs at most {MOST_READ_NS} ns more than a bare one: {read:.0f}",
           read <= MOST_READ_NS)
    b.note(f"a system call of others costs at most {MOST_CALL_NS} ns more: {call:.0f}",
           call <= MOST_CALL_NS)
    return call


def make_texts(b):
    """Files that a scanner is through with as quickly as with any of their size."""
    tree = b.path("watch-texts")
    if not os.path.exists(tree):
        os.makedirs(tree + ".new")
        for number in range(FILES):
            with open(os.path.join(tree + ".new", f"{number}.txt"), "wb") as file:
                file.write(os.urandom(FILE_BYTES // 2).hex().encode())
        os.rename(tree + ".new", tree)
    return tree


def make_documents(b):
    """Copies of what people read on this machine: those below /usr/share/doc, packed ones among them."""
    tree = b.path("watch-documents")
    if not os.path.exists(tree):
        os.makedirs(tree + ".new")
        found = sorted(os.path.join(folder, name)
                       for folder, _, names in os.walk(DOCUMENTS) for name in names)
        whole = [path for path in found if not os.path.islink(path) and os.path.getsize(path) > 0]
        for number in range(FILES):  # several of each where there are too few
            path = whole[number % len(whole)]
            shutil.copyfile(path, os.path.join(tree + ".new", f"{number}-{os.path.basename(path)}"))
        os.rename(tree + ".new", tree)
    return tree


def calls_of(b, command):
    """The system calls of a command and of what it starts; None where they cannot be counted."""
    done = subprocess.run([b.bin("calls"), *command], capture_output=True, text=True, check=False)
    return int(done.stdout.split()[1]) if done.returncode == 0 else None


def quartiles(values):
    return statistics.quantiles(values, n=4)


def beside_each_other(b, command, rounds):
    """Of each turn the CPU of a command that is not watched, and of one that is, side by side on one core, from
    when the recording goes; and what the recorder takes to begin and to end, alone."""
    turns = []
    for turn in range(rounds):
        with tempfile.TemporaryDirectory(dir=b.folder) as folder:
            begun = os.path.join(folder, "begun")

            def bare(begun=begun):
                while not os.path.exists(begun):
                    time.sleep(0.001)
                return timed(command).cpu

            def watched(begun=begun):
                return full(b, ["sh", "-c", 'echo >"$0"; exec "$@"', begun, *command]).cpu

            jobs = [bare, watched]
            pair = side_by_side(*jobs) if turn % 2 == 0 else side_by_side(*jobs[::-1])[::-1]
        turns.append((*pair, full(b, ["sh", "-c", "true"]).cpu))
    return turns


def whole_scan(b, name, command, tree, call_ns, rounds):
    """What being watched adds to the CPU of a scan, the recorder's with it but for its beginning and end:
    percent, the median of the rounds."""
    command = [*command, tree]
    turns = beside_each_other(b, command, rounds)
    own = statistics.median(turn[2] for turn in turns)
    bare = statistics.median(turn[0] for turn in turns)
    low, middle, high = quartiles([100 * ((watched - own) / other - 1) for other, watched, _ in turns])
    calls = calls_of(b, command)
    of_calls = 100 * (calls or 0) * call_ns / 1e9 / bare  # the one beside has these as well
    files = [entry.stat().st_size for entry in os.scandir(tree)]
    say(f"{name}, {len(files)} files of {sum(files) // len(files)} bytes, {bare / len(files) * 1e6:.0f} us each: "
        f"watched, the recorder's own with it, {middle:+.1f} % more CPU than one beside it that is not watched "
        f"(median of {rounds} turns; quartiles {low:+.1f} and {high:+.1f}), without the {own:.2f} s to begin and "
        f"end; what calls of others cost adds {of_calls:.2f} % to both "
        + (f"({calls} calls)" if calls else "(not known: system calls could not be counted)"))
    return middle + of_calls, calls is not None


def products(b, rounds, call_ns, temporary):
    rule = b.path("watch.ndb")
    with open(rule, "w", encoding="ascii") as file:
        file.write("Test.Nowhere:0:*:" + "00112233445566778899aabbccddeeff" * 2 + "\n")
    commands = {"overt scan": [os.path.join(b.build, "overt"), "scan", "--no-journal"]}
    if shutil.which("clamscan"):
        commands["clamscan"] = ["clamscan", "-r", "-i", "--no-summary", "-d", rule,
                                "--tempdir", temporary]
    for name, command in commands.items():
        whole_scan(b, f"{name}, texts", command, make_texts(b), call_ns, max(rounds // 3, 2))
        percent, is_whole = whole_scan(b, f"{name}, documents", command, make_documents(b), call_ns,
                                       rounds)
        b.note(f"{name} of documents under watch uses at most {MOST_PERCENT} % more CPU, the "
               f"recorder's with it, beyond its beginning and end: {percent:.1f} %",
               is_whole and percent <= MOST_PERCENT)


def watch(b):
    heading("overt watch: bare, beside a recorder that watches nothing of it, watched")
    if os.geteuid() != 0 or not os.access(os.path.join(b.build, "overt-watch"), os.X_OK):
        say("not root, or overt-watch was not built: nothing is measured")
        return
    rounds = ROUNDS_QUICK if b.is_quick else ROUNDS
    call_ns = micro(b, rounds)
    # In memory: ext4 looks the longer for a free inode, the more were given back in the last seconds,
    # and so the order of the runs would be measured.
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else b.folder) as name:
        products(b, rounds, call_ns, name)
