# SPDX-License-Identifier: Apache-2.0
#
# What a feed costs at scale: a small log made and served by our programs, and a model of many clients.
"""Used by run.py. docs/scale.md quotes what this prints, and says what is assumed."""
import base64
import contextlib
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import time

from harness import heading, program_lines, say

# What is assumed, and nothing here can measure. Each line is printed.
CLIENTS = 400_000_000
RULES, CHANGED_A_DAY = 300_000, 1_500  # of a feed; rules that a day adds and removes, each half
RELEASES_A_DAY = (1, 4)
EDGES, PROOF_SECONDS = 100, 60         # caches of a CDN; how long they keep the newest proof
YEARS = 10
KINDS = (("always on", 0.60, 0.01, False), ("on workdays", 0.35, 0.05, True),
         ("rarely on", 0.05, 0.80, False))  # share, chance to miss a day, weekends off
DEPTH = 4                              # bundles back that the publisher makes deltas from
DAY = 86400


class Feed:
    """A publisher, its witnesses and their log, made by our programs in an empty folder."""

    def __init__(self, overt, folder, witnesses, quorum):
        self.overt, self.folder, self.seed = str(overt), folder, random.Random(1)
        self.rules, self.number = [], 0
        self.witnesses, lines = [], []
        for i in range(witnesses):
            vkey = self.run("key", f"w{i}.example", "--witness", "-o", f"w{i}.key").strip()
            port = free_port()
            self.witnesses.append((i, port))
            lines += ["--witness", f"w{i} {vkey} http://127.0.0.1:{port}"]
        self.run("create", "log", "--origin", "log.example/rules", "--release-keys", "3",
                 "--threshold", "2", "--quorum", str(quorum), *lines)

    def run(self, *words):
        done = subprocess.run([self.overt, "log", *words], cwd=self.folder, check=False, text=True,
                              capture_output=True, timeout=600)
        if done.returncode != 0:
            raise SystemExit(f"bench: overt log {' '.join(words)}: {done.stderr}")
        return done.stdout

    @contextlib.contextmanager
    def serving(self):
        """The witnesses and the server; gives (the server's port and process, the witnesses')."""
        ports = [("witness", "--state", f"s{i}", "--key", f"w{i}.key", "--listen",
                  f"127.0.0.1:{port}", "--policy", "log/log.policy", "--rate", "100000", "--no-journal")
                 for i, port in self.witnesses]
        port = free_port()
        ports.append(("serve", "log", "--listen", f"127.0.0.1:{port}", "--log", "--no-journal"))
        with contextlib.ExitStack() as stack:
            running = []
            for words in ports:
                log = stack.enter_context(open(self.folder / f"{words[0]}.out", "wb"))
                running.append(subprocess.Popen([self.overt, "log", *words], cwd=self.folder,
                                                stdout=log, stderr=subprocess.STDOUT))
                stack.callback(end, running[-1])
            for _, one in self.witnesses + [(0, port)]:
                wait_for(one)
            yield port, running[-1], running[:-1]

    def release(self, changed, total):
        """Takes half of `changed` rules away and adds as many, and fills up to `total`."""
        gone = min(len(self.rules), changed // 2)
        for _ in range(gone):
            self.rules.pop(self.seed.randrange(len(self.rules)))
        while len(self.rules) < total:
            name = f"Win.Model.Rule-{self.number}"
            self.rules.append(f"{name}:0:*:{self.seed.randbytes(24).hex()}")
            self.number += 1
        (self.folder / "rules").mkdir(exist_ok=True)
        (self.folder / "rules/daily.ndb").write_text("\n".join(self.rules) + "\n")
        self.run("append", "log", "rules")
        self.run("checkpoint", "log", "--no-journal")


def end(process):
    process.terminate()
    process.wait(timeout=10)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit("bench: a server does not listen")


def cpu_seconds(process):
    """Of the process that serves and of the one that has started it."""
    ids = [process.pid]
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    ids += [int(word) for word in children.split()]
    total = 0
    for one in ids:
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


# ---- what our programs do -----------------------------------------------------------------------

def sizes_of(folder):
    """Bytes of the files that a client may ask for: name, or the lag of a delta."""
    newest = re.search(r"bundle sha256 (\w+) (\d+)", newest_release(folder))
    bundles = {p.stem: p.stat().st_size for p in (folder / "log/bundle").glob("*.zst")}
    deltas = sorted(p.stat().st_size for p in (folder / "log/delta").glob(f"*-{newest[1]}.zst"))
    proof = (folder / "log/feed/stable/latest.tlog-proof").read_text()
    hashes = re.search(r"^index \d+\n((?:\S+\n)*)\n", proof, re.M)[1].count("\n")
    return {"hashes": hashes, "bundle": int(newest[2]), "packed": bundles[newest[1]], "deltas": deltas,
            "proof": (folder / "log/feed/stable/latest.tlog-proof").stat().st_size,
            "checkpoint": (folder / "log/checkpoint").stat().st_size,
            "entry": len(newest_release(folder, raw=True)), "newest": newest[1]}


def newest_release(folder, raw=False):
    text = (folder / "log/feed/stable/latest.tlog-proof").read_text()
    entry = base64.b64decode(re.search(r"^extra (\S+)$", text, re.M)[1])
    return entry if raw else entry.decode()


def load(b, folder, port, process, path, body=None):
    """Requests a second of CPU time of the server, and bytes of an answer."""
    head = (f"{'POST' if body else 'GET'} /{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "User-Agent: overt\r\nAccept: */*\r\n")
    request = (head + (f"Content-Length: {len(body)}\r\n" if body else "") + "\r\n").encode()
    (folder / "request").write_bytes(request + (body or b""))
    each = (20 if b.is_quick else 60) if body else (200 if b.is_quick else 2000)
    before = cpu_seconds(process)
    done = subprocess.run([b.bin("clients"), str(port), folder / "request", "16", str(each)],
                          check=True, capture_output=True, text=True, timeout=300)
    line = program_lines(done.stdout)["clients"]  # not timed(): the servers are children too
    cpu = max(cpu_seconds(process) - before, 0.01)
    answers = int(line["answers"])
    b.note(f"every answer to {'POST' if body else 'GET'} is 200", int(line["errors"]) == 0)
    return {"rate": answers / cpu, "bytes": int(line["bytes"]) / max(answers, 1),
            "sent": len(request) + len(body or b""), "wall": answers / float(line["wall"])}


def real_clients(b, feed, folder, port):
    """What one client fetches on its first day, on a day without news, and on one with: bytes."""
    env = {**os.environ, "OVERT_STATE": str(folder / "state")}

    def run(*words):
        start = (folder / "serve.out").stat().st_size
        subprocess.run([feed.overt, "rules", *words, "--quiet"], env=env, check=True, timeout=300,
                       stdout=subprocess.DEVNULL, cwd=folder)
        time.sleep(0.2)
        with open(folder / "serve.out", encoding="ascii") as out:
            out.seek(start)
            return [(m[1], int(m[2])) for m in
                    re.finditer(r"^GET (\S+) 200 (\d+)", out.read(), re.M)]

    days = [("the first day", run("add", f"http://127.0.0.1:{port}", "--policy", "log/log.policy")),
            ("a day without news", run("update"))]
    feed.release(feed.changed, len(feed.rules))
    days.append(("a day with a release", run("update")))
    for name, asked in days:
        what = ", ".join(f"{path.split('/')[1]} {size:,}" for path, size in asked)
        say(f"a client on {name}: {len(asked)} answers, {sum(s for _, s in asked):,} bytes ({what})")
    return days


# ---- the model ----------------------------------------------------------------------------------

def lags(count, days, releases):
    """{releases behind: share of polls} of clients that ask once a day, at any time of it."""
    seed, found, polls = random.Random(2), {}, 0
    for _, share, misses, is_workday in KINDS:
        for _ in range(int(count * share)):
            seen, start = None, seed.random()
            for day in range(days):
                if (is_workday and day % 7 > 4) or seed.random() < misses:
                    continue
                newest = int((day + start) * releases)
                if seen is not None:
                    polls += 1
                    found[newest - seen] = found.get(newest - seen, 0) + 1
                seen = newest
    return {lag: n / polls for lag, n in found.items()}


def polls_a_day():
    return sum(share * (1 - misses) * (5 / 7 if is_workday else 1)
               for _, share, misses, is_workday in KINDS)


def growth(entries, entry, signed):
    """Files and bytes of tiles and bundles, every size from 1 to `entries` signed, or the last."""
    files = size = 0
    level, width = 0, 1
    while entries // width:
        full = entries // width // 256
        files, size = files + full, size + full * 8192
        level, width = level + 1, width * 256
    full = entries // 256
    files, size = files + full, size + full * 256 * (entry + 2)
    seen = set()  # partial tiles above level 0 serve many sizes
    for n in signed:
        part = n % 256
        if part:
            files, size = files + 1, size + part * (entry + 2)
        level = 0
        while n:
            if n % 256 and (level, n) not in seen:
                seen.add((level, n))
                files, size = files + 1, size + n % 256 * 32
            level, n = level + 1, n // 256
    return files, size


def check_growth(b, feed, folder):
    """The formula against a log that our program wrote: 250 entries at once, then one by one."""
    feed.run("create", "growing", "--origin", "log.example/growing")
    entry = 600
    (folder / "lines").write_text("\n".join(f"{i:0{entry}d}" for i in range(250)) + "\n")
    feed.run("append", "growing", "--lines", "lines")
    feed.run("checkpoint", "growing", "--no-journal")
    for i in range(250, 262):
        (folder / "entry").write_text(f"{i:0{entry}d}")
        feed.run("append", "growing", "entry")
        feed.run("checkpoint", "growing", "--no-journal")
    found = [p.stat().st_size for p in (folder / "growing/tile").rglob("*") if p.is_file()]
    expected = growth(262, entry, range(250, 263))
    say(f"a log of 262 entries, 13 sizes signed: {len(found)} files, {sum(found):,} bytes; the "
        f"formula says {expected[0]} and {expected[1]:,}")
    b.note("growth as the formula says", (len(found), sum(found)) == expected)


def unit(value):
    for name, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{value / size:.2f} {name}"
    return f"{value:.0f} B"


def proof_in_years(sizes, releases):
    """Bytes of the newest proof then: it has more hashes than now, each a line of 45 bytes."""
    hashes = (int(YEARS * 365.25 * releases) - 1).bit_length()
    return sizes["proof"] + 45 * (hashes - sizes["hashes"])


def say_growth(sizes):
    entry = sizes["entry"]
    for releases in RELEASES_A_DAY:
        count = int(YEARS * 365.25 * releases)
        files, size = growth(count, entry, range(1, count + 1))
        _, once = growth(count, entry, [count])
        say(f"growth, {releases} a day: {count:,} entries in {YEARS} years; tiles and bundles "
            f"{files:,} files, {unit(size)}, of which {unit(size - once)} partial ones; all leaf "
            f"hashes {unit(count * 32)}; the newest proof has "
            f"{proof_in_years(sizes, releases):,} bytes")


def with_depth(shares, deltas, packed, depth):
    """Bytes of rules for a poll, when deltas reach back so far; each further one grows as the last."""
    step = (deltas[-1] - deltas[0]) / (len(deltas) - 1)
    return sum(share * (deltas[0] + (lag - 1) * step if lag <= depth else packed)
               for lag, share in shares.items() if lag > 0)


def say_clients(b, sizes, get):
    """The table: a day of all clients, with the proof of a log that is YEARS old."""
    head, answer_head, rate = get["sent"], get["bytes"] - sizes["proof"], get["rate"]
    count, days = (2_000, 60) if b.is_quick else (20_000, 90)
    packed = sizes["packed"] * RULES / sizes["rules"]
    for releases in RELEASES_A_DAY:
        scale = CHANGED_A_DAY / releases / sizes["changed"]
        deltas = [size * scale for size in sizes["deltas"]]
        shares = lags(count, days, releases)
        news = 1 - shares.get(0, 0)
        by_delta = sum(shares.get(lag, 0) for lag in range(1, DEPTH + 1))
        delta_bytes = sum(shares.get(lag, 0) * deltas[lag - 1] for lag in range(1, DEPTH + 1))
        full_bytes = (news - by_delta) * packed
        polls = polls_a_day() * CLIENTS
        missed = news - by_delta  # asks for a delta that is not there, first
        requests = polls * (1 + news + missed)
        proof_bytes = proof_in_years(sizes, releases) + answer_head
        each = proof_bytes + delta_bytes + full_bytes + (news + missed) * answer_head
        origin = EDGES * (DAY / PROOF_SECONDS + releases * (DEPTH + 1))
        say(f"{releases} a day: {polls / 1e6:.0f} million polls; news {news:.1%}, of these by delta "
            f"{by_delta / news:.2%}, whole bundle {missed / news:.2%}")
        say(f"  requests {requests / 1e6:.0f} million a day, {requests / DAY:,.0f} a second on "
            f"average ({requests / DAY / rate:.1f} cores of overt log serve), {60 * requests / DAY:,.0f} "
            f"when all come in the first minute of an hour ({60 * requests / DAY / rate:.0f})")
        say(f"  bytes a poll: proof {proof_bytes:,.0f}, delta {delta_bytes:,.0f}, whole bundles "
            f"{full_bytes:,.0f}; a day in all: proofs {unit(polls * proof_bytes)}, deltas "
            f"{unit(polls * delta_bytes)}, bundles {unit(polls * full_bytes)}, together "
            f"{unit(polls * each)}, {polls * each * 8 / DAY / 1e9:.2f} Gbit/s")
        say(f"  behind {EDGES} caches: {origin:,.0f} requests a day reach the origin "
            f"({origin / DAY:.1f} a second); {1 - origin / requests:.4%} are answered by caches")
        say(f"  sent by clients: {unit(requests * head)}; by deltas from further back, bytes a day: "
            + ", ".join(f"{depth} bundles {unit(polls * with_depth(shares, deltas, packed, depth))}"
                        for depth in (0, 4, 8, 16, 32)))
    say(f"a packed bundle of {RULES:,} rules: {unit(packed)}; without deltas every poll with news "
        f"takes it")


def say_witness(sizes, post, witnesses, quorum):
    beats = 24 + RELEASES_A_DAY[-1]
    say(f"heartbeat: each of {witnesses} witnesses gets {beats} requests a day of {post['sent']:,} "
        f"bytes ({unit(beats * post['sent'])}); publisher sends {unit(beats * post['sent'] * witnesses)}"
        f"; quorum {quorum}")
    monitor = (witnesses + 1) * 24 * (sizes["checkpoint"] + 200)
    entries = RELEASES_A_DAY[-1] * (128 * (sizes["entry"] + 2) + 128 * 32)
    say(f"a monitor that asks log and witnesses each hour: {unit(monitor)} of checkpoints, "
        f"{unit(entries)} of entries and tiles a day, and each release's delta or bundle")


def scale(b):
    heading(f"a feed for {CLIENTS / 1e6:.0f} million clients: measured on a small log, then computed")
    folder = pathlib.Path(b.path("scale"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    folder.chmod(0o755)
    overt = pathlib.Path(b.build, "overt")
    total, changed = (2_000, 100) if b.is_quick else (10_000, 200)
    for witnesses, quorum in ((3, 2), (5, 3)):
        part = folder / f"w{witnesses}"
        part.mkdir()
        feed = Feed(overt, part, witnesses, quorum)
        feed.changed = changed
        with feed.serving() as (port, server, caged):
            for _ in range(1 if witnesses == 3 else DEPTH + 1):
                feed.release(changed, total)
            sizes = {**sizes_of(part), "rules": total, "changed": changed}
            say(f"{witnesses} witnesses: proof {sizes['proof']:,} bytes, checkpoint "
                f"{sizes['checkpoint']:,}, entry {sizes['entry']:,}")
            if witnesses == 5:
                measure(b, feed, part, (port, server, caged[0]), sizes)
    shutil.rmtree(folder, ignore_errors=True)


def measure(b, feed, folder, running, sizes):
    port, server, witness = running
    say(f"{sizes['rules']:,} rules, {sizes['changed']} changed in each release: bundle "
        f"{sizes['bundle']:,} bytes, packed {sizes['packed']:,}; deltas from 1 to {DEPTH} releases "
        f"back {', '.join(f'{d:,}' for d in sizes['deltas'])} "
        f"({sizes['deltas'][0] / sizes['changed']:.0f} bytes for a changed rule)")
    get = load(b, folder, port, server, "feed/stable/latest.tlog-proof")
    whole = load(b, folder, port, server, f"bundle/{sizes['newest']}.zst")
    say(f"overt log serve: {get['rate']:,.0f} proofs and {whole['rate']:,.0f} bundles of "
        f"{sizes['packed']:,} bytes in a second of one core, each on a connection of its own")
    checkpoint = (folder / "log/checkpoint").read_bytes()
    size = int(checkpoint.split(b"\n")[1])
    cut = checkpoint.index("— w".encode())  # what the log itself has signed
    post = load(b, folder, feed.witnesses[0][1], witness, "add-checkpoint",
                b"old %d\n\n" % size + checkpoint[:cut])
    say(f"overt log witness: {post['rate']:,.0f} heartbeats in a second of one core, "
        f"{post['wall']:,.0f} a second as its disk syncs them")
    real_clients(b, feed, folder, port)
    check_growth(b, feed, folder)
    say(f"assumed: {CLIENTS:,} clients that ask once a day at a time of their own ("
        + ", ".join(f"{share:.0%} {name}" for name, share, _, _ in KINDS)
        + f"); {RULES:,} rules, {CHANGED_A_DAY:,} changed a day; {EDGES} caches that keep the proof "
        f"{PROOF_SECONDS} s; TCP and TLS not counted")
    say_clients(b, sizes, get)
    say_growth(sizes)
    say_witness(sizes, post, len(feed.witnesses), 3)
