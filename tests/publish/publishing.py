# SPDX-License-Identifier: Apache-2.0
"""What the tests of a log's publisher share: its words, its folder read in Python alone (C2SP
tlog-tiles, tlog-checkpoint, RFC 9162 section 2.1), and witnesses that say what they are told to."""
import base64
import hashlib
import http.server
import os
import pathlib
import struct
import subprocess
import sys
import threading

SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
sys.path[:0] = [str(SOURCE / "tests" / part) for part in ("serve", "scan", "ledger", "")]
import ed25519  # noqa: E402  pylint: disable=wrong-import-position
import ovcheck  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
from checkpoints import leaf_hash  # noqa: E402  pylint: disable=wrong-import-position
from harness import BUILD, Skip, main  # noqa: E402,F401  pylint: disable=C0413,unused-import

OVERT = BUILD / "overt"
FAULTY = BUILD / "tests/faulty/overt"
ORIGIN = "log.example/rules"


def overt(*words, program=OVERT, env=None, timeout=120):
    """(exit code, standard output, standard error) of overt log WORDS."""
    if words[0] == "checkpoint":  # tests/journal_log_test.py is about the journal
        words += "--no-journal",
    done = subprocess.run([program, "log", *map(str, words)], capture_output=True, check=False,
                          timeout=timeout, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def good(*words, **how):
    code, out, err = overt(*words, **how)
    assert code == 0, (words, code, out, err)
    return out


def refused(code, why, *words, **how):
    found, out, err = overt(*words, **how)
    assert found == code and why in out + err, (words, found, out, err)
    return out + err


# ---- a log's folder, read without our code ------------------------------------------------------

def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(hashes):
    """The root, level by level: an odd hash at the end goes up as it is."""
    level = list(hashes) or [hashlib.sha256().digest()]
    while len(level) > 1:
        level = [node_hash(*level[i:i + 2]) if i + 1 < len(level) else level[i]
                 for i in range(0, len(level), 2)]
    return level[0]


def tile_name(number, width):
    parts = [f"{number % 1000:03d}"]
    while number := number // 1000:
        parts.insert(0, f"x{number % 1000:03d}")
    return "/".join(parts) + (f".p/{width}" if width < 256 else "")


def read_checkpoint(note, vkey):
    """(size, root) of a checkpoint that this log's key has signed."""
    text, _, signatures = note.rpartition(b"\n\n")
    text += b"\n"
    name, _, blob = vkey.split("+", 2)
    public = base64.b64decode(blob)[1:]
    lines = [line.split(" ") for line in signatures.decode().splitlines()]
    raw = [base64.b64decode(line[2])[4:] for line in lines if line[1] == name]
    assert len(raw) == 1 and ed25519.verify(public, text, raw[0]), note
    origin, size, root = text.decode().splitlines()
    assert origin == name, note
    return int(size), base64.b64decode(root)


class Log:
    """One made by overt log create."""

    def __init__(self, *words, name="log", program=OVERT):
        self.path, self.private = pathlib.Path(name), pathlib.Path(name + ".private")
        self.out = good("create", name, "--origin", ORIGIN, *words, program=program)
        self.vkey = (self.path / "log.vkey").read_text().strip()
        self.policy = self.path / "log.policy"

    def append(self, *words):
        return good("append", self.path, *words)

    def raw(self, *entries):
        """Appends entries of these bytes."""
        files = []
        for number, entry in enumerate(entries):
            files.append(pathlib.Path(f"entry-{number}"))
            files[-1].write_bytes(entry)
        return self.append(*files)

    def checkpoint(self, *words):
        return good("checkpoint", self.path, *words)

    def head(self):
        return read_checkpoint((self.path / "checkpoint").read_bytes(), self.vkey)

    def entries(self, size):
        found = []
        for number in range((size + 255) // 256):
            width = min(256, size - number * 256)
            data = (self.path / "tile/entries" / tile_name(number, width)).read_bytes()
            for _ in range(width):
                length = struct.unpack(">H", data[:2])[0]
                found.append(data[2:2 + length])
                data = data[2 + length:]
            assert not data, number
        return found

    def check(self):
        """What is published, and that its entries lead to its root."""
        size, root = self.head()
        entries = self.entries(size)
        assert root_of(leaf_hash(entry) for entry in entries) == root, size
        good("verify", self.path, "--policy", self.policy)
        return entries


# ---- witnesses ----------------------------------------------------------------------------------

def is_consistent(old, old_root, new, new_root, proof):
    """RFC 9162 section 2.1.4.2; 0 < old < new."""
    if not proof:
        return False
    path = ([old_root] if old & old - 1 == 0 else []) + proof
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for part in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(part, fr), node_hash(part, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, part)
        fn, sn = fn >> 1, sn >> 1
    return (fr, sr, sn) == (old_root, new_root, 0)


class Witness:
    """An honest one, unless `answer` is set: a function of (text, honest answer)."""

    def __init__(self, name, seed=None):
        self.name, self.seed = name, seed or hashlib.sha256(name.encode()).digest()
        self.vkey = ed25519.vkey(name, ed25519.COSIGNATURE, ed25519.public_key(self.seed))
        self.size, self.root, self.time, self.answer = 0, None, 1700000000, None
        self.requests, self.trouble = [], []
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, kind, answer = witness.take(self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/w"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def line(self, text):
        self.time += 1
        return ed25519.signature_line(self.name, ed25519.COSIGNATURE, self.seed, text, self.time)

    def take(self, path, body):
        head, _, note = body.partition(b"\n\n")
        text = note.rpartition(b"\n\n")[0] + b"\n"
        lines = head.decode().splitlines()
        old, proof = int(lines[0][4:]), [base64.b64decode(line) for line in lines[1:]]
        answer = self.decide(path, old, proof, text)
        self.requests.append((old, text, answer[0]))
        return self.answer(text, answer) if self.answer else answer

    def decide(self, path, old, proof, text):
        _, size, root = text.decode().splitlines()
        size, root = int(size), base64.b64decode(root)
        if path != "/w/add-checkpoint":
            return 404, "text/plain", b"not here\n"
        if old != self.size:
            return 409, "text/x.tlog.size", b"%d\n" % self.size
        is_right = not proof if old in (0, size) else \
            is_consistent(old, self.root, size, root, proof)
        if not is_right or (old == size and old and root != self.root):
            self.trouble.append((old, size))
            return 422, "text/plain", b"not consistent\n"
        self.size, self.root = size, root
        return 200, "text/plain", self.line(text)

    def word(self):
        """As overt log create wants it."""
        return f"{self.name.replace('.', '-')} {self.vkey} {self.url}"
