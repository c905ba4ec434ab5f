# SPDX-License-Identifier: Apache-2.0
"""What the tests of the journal share: scans that write one, and a reader of its files in Python
alone (docs/formats/journal.md)."""
import base64
import collections
import functools
import hashlib
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
sys.path[:0] = [str(SOURCE / "tests" / part) for part in ("publish", "scan")]
import harness  # noqa: E402  pylint: disable=wrong-import-position
from harness import BUILD, HERE, Skip, main  # noqa: E402,F401  pylint: disable=C0413,W0611
from publishing import leaf_hash, read_checkpoint, root_of, tile_name  # noqa: E402  pylint: disable=C0413

OVERT = harness.install()
RULES = str(HERE / harness.write_rules())
Entry = collections.namedtuple("Entry", "type seq time boot mono run body")
MAGIC = b"overt-journal/v1 "


def image():
    """The rules as an image, so that no builder runs in each scan."""
    path = HERE / "rules.ovi"
    if not path.exists():
        subprocess.run([OVERT, "rules", "build", "-o", path, RULES], check=True,
                       capture_output=True)
    return str(path)


def environment(state, **more):
    return {**os.environ, "OVERT_STATE": str(state), **more}


def scan(*words, state="state", program=OVERT, env=None, user=(), timeout=120):
    return subprocess.run([*user, program, "scan", "--rules", image(), *map(str, words)],
                          capture_output=True, check=False, timeout=timeout,
                          stdin=subprocess.DEVNULL, env=environment(state, **(env or {})))


def journal(*words, state="state", program=OVERT, env=None):
    return subprocess.run([program, "journal", *map(str, words)], capture_output=True, check=False,
                          timeout=120, env=environment(state, **(env or {})))


def verify(*words, state="state"):
    """(exit code, the lines before the last: what does not hold)"""
    done = journal("verify", *words, state=state)
    assert done.returncode in (0, 1, 2), done
    lines = (done.stdout + done.stderr).decode().splitlines()
    return done.returncode, lines


def tree(name, count, size=0, found=()):
    """A folder of files for the scanner that obeys them."""
    folder = pathlib.Path(name)
    folder.mkdir()
    for number in range(count):
        word = "found" if number in found else "nothing"
        harness.command_file(folder / f"f{number:04}", word, size)
    return folder


# ---- a journal, read without our code -----------------------------------------------------------

def crc_table():
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82f63b78 if number & 1 else 0)
        table.append(number)
    return table


TABLE = crc_table()


@functools.lru_cache(4096)  # the same entries are read again and again
def crc32c(data):
    crc, table = 0xffffffff, TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ 0xffffffff


def read_frames(data):
    """(entries, bytes left over)"""
    found = []
    while len(data) >= 6:
        size, crc = struct.unpack(">HI", data[:6])
        entry = data[6:6 + size]
        if len(entry) != size or not size or crc32c(entry) != crc:
            break
        found.append(entry)
        data = data[6 + size:]
    return found, len(data)


def frame(entry):
    return struct.pack(">HI", len(entry), crc32c(entry)) + entry


def parse(raw):
    """An entry; every byte of it is accounted for."""
    match = re.fullmatch(
        rb"overt-journal/v1 ([a-z]+)\nseq (0|[1-9]\d*)\ntime (\d+)\.(\d{9})\n"
        rb"mono ([0-9a-f]{32}) (0|[1-9]\d*)\nrun (-|[0-9a-f]{32})\n((?:[!-~]+ [ -~]+\n)*)", raw)
    assert match, raw
    kind, seq, seconds, nanos, boot, mono, run, body = (part.decode() for part in match.groups())
    lines = [tuple(line.split(" ", 1)) for line in body.splitlines()]
    return Entry(kind, int(seq), int(seconds) * 10**9 + int(nanos), boot, int(mono), run, lines)


class Journal:
    """One folder's, as it stands."""

    def __init__(self, state="state"):
        self.path = pathlib.Path(state) / "journal"

    def read(self, name):
        return (self.path / name).read_bytes()

    def sealed(self):
        note = self.read("checkpoint")
        size = int(note.split(b"\n")[1])
        found = []
        for number in range((size + 255) // 256):
            width = min(256, size - number * 256)
            data = self.read("tile/entries/" + tile_name(number, width))
            for _ in range(width):
                length = struct.unpack(">H", data[:2])[0]
                found.append(data[2:2 + length])
                data = data[2 + length:]
            assert not data, number
        return found

    def raw(self):
        """All entries, sealed and pending."""
        found = self.sealed()
        for entry in read_frames(self.read("pending"))[0]:
            seq = parse(entry).seq
            assert seq <= len(found), "a gap before what is pending"
            if seq == len(found):
                found.append(entry)
        return found

    def entries(self):
        found = [parse(entry) for entry in self.raw()]
        assert [entry.seq for entry in found] == list(range(len(found)))
        return found

    def names(self):
        """{commitment: path} of the files `names` and `names.key`."""
        key, found = self.read("names.key"), {}
        data = self.read("names") if (self.path / "names").exists() else b""
        run, number, is_due = None, 0, False
        for path in data.split(b"\0")[:-1]:
            if not path:
                is_due = True
                continue
            if is_due:
                match = re.fullmatch(rb"([0-9a-f]{32}) (0|[1-9]\d*)", path)
                run, is_due = match and bytes.fromhex(match[1].decode()), False
                number = int(match[2]) if match else 0
                continue
            if run is None:
                continue
            salt = hashlib.sha256(b"overt-salt/v1\n" + key + run + number.to_bytes(8, "big")).digest()[:16]
            number += 1
            commitment = hashlib.sha256(b"overt-name/v1\n" + salt + path).digest()
            found[base64.b64encode(commitment).decode()] = path
        return found

    def files(self, names=None):
        """[(path, verdict)] of the entries of type files; a path is None when nobody knows it."""
        names, found = self.names() if names is None else names, []
        for entry in self.entries():
            if entry.type == "files":
                lines = [value.split() for key, value in entry.body if key == "file"]
                assert len(lines) == int(dict(entry.body)["count"]), entry
                found += [(names.get(line[0]), line[1]) for line in lines]
        return found

    def check_root(self):
        """The checkpoint is signed by the newest sealed epoch's key, over what the tiles hold."""
        raw = self.sealed()
        keys = [dict(entry.body)["key"] for entry in map(parse, raw) if entry.type == "epoch"]
        size, root = read_checkpoint(self.read("checkpoint"), keys[-1])
        assert size == len(raw) and root == root_of([leaf_hash(entry) for entry in raw])


def copy(state, name):
    shutil.rmtree(name, ignore_errors=True)
    shutil.copytree(state, name)
    return name


def printed_verdicts(out):
    """{path: verdict} of what `overt scan --verbose` printed; a last line that was cut is none."""
    found = {}
    for line in out.split(b"\n")[:-1]:
        path, _, rest = line.rpartition(b": ") if not line.endswith(b" FOUND") \
            else line.partition(b": ")
        if rest == b"OK":
            found[path] = "clean"
        elif rest.endswith(b" FOUND"):
            found[path] = "found"
    return found


def build_library(source, name):
    """A library of the tests, to be preloaded."""
    target = HERE / name
    if not target.exists():
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang-14")
        if compiler is None:
            raise Skip("there is no compiler")
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", target, SOURCE / source, "-ldl"],
                       check=True)
    return str(target)


def in_mount_namespace():
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False,
                                           capture_output=True).returncode != 0:
        raise Skip("only root has a mount namespace of its own")

