#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A maker of journals in Python, straight from docs/formats/journal.md and log.md: what verifiers
are given in tests, right or wrong, is not made by the program under test.

    foreign_journal.py FOLDER [--seed WORD] [--runs N] [--entries N] [--lines N] [--pending N]

makes one with that many runs, each with that many `files` entries of so many lines.
"""
import argparse
import pathlib
import random
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "ledger"), str(HERE.parent / "feed")]
import ed25519  # noqa: E402
from foreign_log import b64  # noqa: E402
from tree import leaf_hash, root_of, sha256, tree_files  # noqa: E402

SECOND = 10**9
LOGS_MAX = 64  # policy.md


def escaped(text):
    """Texts of others, bytes or str."""
    data = text.encode() if isinstance(text, str) else text
    return "".join(chr(c) if 0x21 <= c <= 0x7e and c != 0x25 else f"%{c:02X}" for c in data)


def crc32c(data):
    """RFC 3720 section B.4, bit by bit."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def frame(entry):
    return struct.pack(">HI", len(entry), crc32c(entry)) + entry


class Journal:
    """A journal in memory: entries, those that are sealed, epochs. Every part may be changed."""

    def __init__(self, seed="journal", at=1790000000, first_epoch=True):
        self.chance = random.Random(seed)
        self.seed = str(seed).encode()
        self.name = "overt-journal/" + sha256(b"id", self.seed)[:16].hex()
        self.names_key = sha256(b"names.key", self.seed)
        self.time_ns, self.mono_ns = at * SECOND, 5000 * SECOND
        self.boot = sha256(b"boot", self.seed)[:16].hex()
        self.entries, self.kinds, self.seals = [], [], []
        self.seeds, self.number, self.names = [], -1, []
        self.run, self.runs, self.commitments, self.totals = "-", 0, {}, {}
        if first_epoch:
            self.epoch()

    # ---- clocks ----

    def wait(self, seconds):
        if seconds >= 300 and self.seals and self.seals[-1][0] < len(self.entries):
            self.seal()  # as whoever writes does before what comes after a long silence
        self.time_ns += int(seconds * SECOND)
        self.mono_ns += int(seconds * SECOND)

    def reboot(self, seconds=60):
        self.time_ns += seconds * SECOND
        self.mono_ns = 9 * SECOND
        self.boot = sha256(b"boot", self.boot.encode())[:16].hex()

    # ---- entries ----

    def entry(self, kind, *lines, run=None, **head):
        """The bytes of one; `head` replaces lines of the head by their first word."""
        fields = {"seq": str(len(self.entries)),
                  "time": f"{self.time_ns // SECOND}.{self.time_ns % SECOND:09d}",
                  "mono": f"{self.boot} {self.mono_ns}",
                  "run": self.run if run is None else run, **head}
        text = f"overt-journal/v1 {kind}\n"
        text += "".join(f"{key} {value}\n" for key, value in fields.items())
        return (text + "".join(f"{line}\n" for line in lines)).encode()

    def add(self, kind, *lines, **how):
        entry = self.entry(kind, *lines, **how)
        assert len(entry) <= 65535, len(entry)
        self.entries.append(entry)
        self.kinds.append(kind)
        self.wait(0.001)
        return entry

    def epoch(self, number=None):
        """A new key; the one before it is forgotten by whoever is honest."""
        self.seeds.append(sha256(b"epoch %d" % len(self.seeds), self.seed))
        self.number = self.number + 1 if number is None else number
        root = b64(root_of([leaf_hash(entry) for entry in self.entries]))
        text = f"overt-epoch/v1\n{self.name}\n{len(self.entries)}\n{root}\n{self.vkey(-1)}\n"
        by = b64(ed25519.sign(self.seeds[-2:][0], text.encode()))
        self.add("epoch", f"number {self.number}", f"key {self.vkey(-1)}", f"root {root}",
                 f"by {by}", run="-")

    def vkey(self, which):
        public = ed25519.public_key(self.seeds[which])
        return ed25519.vkey(self.name, ed25519.NOTE, public)

    def start(self, command="scan", user=0):
        self.runs += 1
        self.run = sha256(b"run %d" % self.runs, self.seed)[:16].hex()
        self.commitments[self.run] = 0
        self.totals = {"files": 0, "found": 0, "errors": 0, "limited": 0, "read": 0}
        programs = [f"program {name} {sha256(name.encode()).hex()}"
                    for name in ("overt", "overt-worker")]
        return self.add("start", f"command {command}", f"user {user}", "version 0.5.0", *programs,
                        "role broker 1f", "role keeper 3f", "role worker 7f", "role fetcher -")

    def load(self, **sets):
        words = [f"set {name} {word}" for name, word in sets.items()]
        return self.add("load", f"image {sha256(b'image').hex()}", *words)

    def commitment(self, path):
        number = self.commitments[self.run]
        self.commitments[self.run] += 1
        run = bytes.fromhex(self.run)
        salt = sha256(b"overt-salt/v1\n", self.names_key, run, struct.pack(">Q", number))[:16]
        path = path if isinstance(path, bytes) else path.encode()
        self.names.append(run + struct.pack(">QH", number, len(path)) + path)
        return b64(sha256(b"overt-name/v1\n", salt, path))

    def scan(self, *paths):
        lines = [f"path {self.commitment(path)}" for path in paths]
        return self.add("scan", f"paths {len(lines)}", *lines)

    def file_lines(self, path, verdict=None):
        """A file as chance has it, one in ten found."""
        dice, size = self.chance.random(), self.chance.randrange(1 << 20)
        verdict = verdict or ("found" if dice < 0.1 else "error" if dice < 0.12 else
                              "limited" if dice < 0.14 else "clean")
        digest = self.chance.randbytes(32).hex() if dice < 0.7 else "-"
        lines = [f"file {self.commitment(path)} {verdict} 2049 {self.chance.randrange(1 << 40)} "
                 f"{size} {self.time_ns - self.chance.randrange(1 << 60)} {size} {digest}"]
        if verdict == "found":
            lines += [f"found {escaped('Überall %1')} starter - {size // 2}",
                      "found Test.Two starter 3.0.17 -"][:self.chance.randrange(1, 3)]
        for key, word in (("found", "found"), ("errors", "error"), ("limited", "limited")):
            self.totals[key] += verdict == word
        self.totals["files"] += 1
        self.totals["read"] += size
        return lines

    def files(self, count, verdict=None):
        lines = [line for i in range(count)
                 for line in self.file_lines(f"/home/ann/{i}.doc", verdict)]
        return self.add("files", f"count {count}", *lines)

    def stop(self, code=0, sent=0):
        self.add("stop", f"exit {code}", *(f"{k} {v}" for k, v in self.totals.items()),
                 f"sent {sent}")
        self.run = "-"

    # ---- seals ----

    def seal(self, key=-1, size=None):
        """A checkpoint of all entries, and the tiles of this size."""
        entries = self.entries[:size]
        files, root = tree_files(entries), root_of(list(map(leaf_hash, entries)))
        text = f"{self.name}\n{len(entries)}\n{b64(root)}\n".encode()
        note = text + b"\n" + ed25519.signature_line(self.name, ed25519.NOTE, self.seeds[key],
                                                     text, 0)
        self.seals.append((len(entries), files, note))
        return note

    def policy(self):
        keys = [f"log {self.vkey(i)}\n" for i in range(len(self.seeds))][-LOGS_MAX:]
        return ("".join(keys) + "quorum none\n").encode()

    def folder_files(self, pending=None):
        """{path: bytes} of STATE/journal; `pending` are its entries, else those not sealed."""
        size = self.seals[-1][0] if self.seals else 0
        files = {}
        for _, tiles, note in self.seals:  # partial files of earlier sizes stay
            files.update(tiles)
            files["checkpoint"] = note
        frames = self.entries[size:] if pending is None else pending
        files["pending"] = b"".join(map(frame, frames))
        files["journal.vkey"] = (self.vkey(0) + "\n").encode()
        files["log.policy"] = self.policy()
        key = ed25519.secret_key(self.name, ed25519.NOTE, self.seeds[-1])
        files["key"] = (key + "\n").encode()
        files["names.key"] = self.names_key
        files["names"] = b"".join(self.names)
        files["lock"] = b""
        return files

    def write(self, folder, **how):
        return write(folder, self.folder_files(**how))


def write(folder, files):
    folder = pathlib.Path(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
        if path in ("key", "names.key", "names"):
            (folder / path).chmod(0o600)
    return folder


def small(seed="small", silence=3000):
    """Every type of entry; three epochs, four seals, a boot, a crash; the last run not sealed."""
    journal = Journal(seed)
    journal.seal()
    journal.start()
    journal.load(starter="built-in", mine="local", other="unlogged", stable=b64(sha256(b"leaf")))
    journal.scan("/home/ann", b"/home/\xff\n")
    journal.files(1, "found")
    journal.files(2)
    journal.add("crash", "role worker", f"file {journal.commitment('/home/ann/x')}",
                "why " + escaped("signal 11, while unpacking 100 %"))
    journal.add("action", "word quarantine", f"file {journal.commitment('/home/ann/y')}",
                f"sha256 {sha256(b'y').hex()}", "result done")
    journal.wait(600)
    journal.add("heartbeat", "runs 1", run="-")
    journal.seal()
    journal.epoch()
    journal.stop(1)
    journal.seal()
    journal.reboot()
    journal.epoch()
    journal.start("update")
    journal.add("refuse", "set stable", "why " + escaped("too old: 40 days"))
    journal.add("sent", "role fetcher", "peer log.example:443", "bytes 517", "received 90210")
    journal.add("finding", "what " + escaped("a new listener: 0.0.0.0:4444"))
    journal.wait(silence)
    journal.add("recover", "lost 17", f"from {len(journal.entries)}", run="-")
    journal.add("crash", "role overt", "file -", "why cut-off")
    journal.start("evidence")
    journal.add("export", "from 0", "to 9", "records 10", "manifest -")
    journal.stop()
    journal.seal()
    journal.start()
    journal.files(2)
    journal.add("crash", "role worker", "file -", "why killed")
    journal.stop(2)
    return journal


def large(seed, runs, entries, lines, pending):
    journal = Journal(seed)
    for number in range(runs):
        if number % 4 == 3:
            journal.epoch()
        journal.start()
        journal.load(starter="built-in")
        journal.scan("/home")
        for _ in range(entries):
            journal.files(lines)
        journal.stop()
    journal.seal()
    for _ in range(pending):
        journal.add("heartbeat", "runs 0")
    return journal


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seed", default="journal")
    for word, value in (("runs", 5), ("entries", 20), ("lines", 20), ("pending", 3)):
        parser.add_argument(f"--{word}", type=int, default=value)
    options = parser.parse_args()
    journal = large(options.seed, options.runs, options.entries, options.lines, options.pending)
    journal.write(options.folder)
    print(f"{len(journal.entries)} entries, {sum(map(len, journal.entries))} bytes")


if __name__ == "__main__":
    main()
