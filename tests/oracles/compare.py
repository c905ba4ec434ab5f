# SPDX-License-Identifier: Apache-2.0
"""Holds what tests/members tells of a file against what another program tells of it."""
import collections
import dataclasses
import os
import pathlib
import re
import subprocess

from members import BUILD, sha256, unescape

# kind number bytes sha-256 type encrypted? name
LINE = re.compile(r"(member|view) (\d+) \d+ ([0-9a-f]{64}) (\S+)( encrypted)? (.*)$")
# Libraries may ask for more memory than there is, and are told so.
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="allocator_may_return_null=1:" +
                   os.environ.get("ASAN_OPTIONS", ""))
MAILS = ("CL_TYPE_MAIL", "CL_TYPE_MHTML")


@dataclasses.dataclass
class Part:
    name: str
    digest: str
    filetype: str
    is_encrypted: bool
    path: str


def look_into(path, folder, filetype=None):
    """(type, members) of a file, as our walker has them, or None without a walker; their bytes
    are in the folder."""
    os.makedirs(folder)
    done = subprocess.run([BUILD / "tests/members", "-x", folder, "-t", path,
                           *([filetype] if filetype else [])],
                          capture_output=True, timeout=120, check=False, env=ENVIRONMENT)
    lines = done.stdout.decode().splitlines()
    if lines == ["no walker"]:
        return None
    assert done.returncode == 0 and lines[-1].startswith("status"), f"{path}: {done.stderr[-500:]}"
    rows = [LINE.match(line) for line in lines if line.startswith("member ")]
    return lines[0].split()[1], [
        Part(decode(unescape(row[6])), row[3], row[4], row[5] is not None, f"{folder}/{row[2]}")
        for row in rows]


def decode(name):
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("cp437")


def leaves(parts, folder):
    """The bodies of mails in mails beside those of the mail itself; and the mails."""
    for number, part in enumerate(parts):
        yield part
        if part.filetype in MAILS:
            below = f"{folder}/mail{number}"
            yield from leaves(look_into(part.path, below, part.filetype)[1], below)


def trim(name):
    """Two programs mean the same file."""
    return re.sub(r"^(\.?/)+", "", name or "").replace("\\", "/")


def compare(ours, theirs):
    """All differences as (what, part): `ours` are parts, `theirs` (name, bytes).

    "more": we tell a part that the other does not; "less": the other way round; "bytes": a part of
    that name has other bytes there; "name": a part with the same bytes has another name, and
    `part` is "ours | theirs". Mails in mails are compared by what is in them, folders and what is
    encrypted not at all.
    """
    paths = {trim(part.name) + "/" for part in ours}
    folders = {parent for path in paths for parent in parents(path)} | {"", "."}
    left = [(trim(part.name), part.digest, part.path) for part in ours
            if not part.is_encrypted and part.filetype not in MAILS and
            (part.digest != NOTHING or part.name == "" or trim(part.name) not in folders)]
    locked = [(trim(part.name),) for part in ours if part.is_encrypted]
    right = [(trim(name), sha256(data), data) for name, data in theirs]
    left, right, _ = pair(left, right, lambda row: row[:2])
    _, right, _ = pair(locked, right, lambda row: row[0])
    left, right, named = pair(left, right, lambda row: row[1])
    left, right, changed = pair(left, right, lambda row: row[0] or None)
    for mine, other in named:
        if mine[0] and other[0]:
            yield "name", f"{mine[0]} | {other[0]}"
    for mine, _ in changed:
        yield "bytes", mine[0]
    for name, _, path in left:
        yield "more", name or looks(pathlib.Path(path).read_bytes())
    for name, _, data in right:
        yield "less", name or looks(data)


def parents(path):
    """Everything in front of a "/" in a path that ends with one, once more with and without it."""
    for match in re.finditer("/", path[:-1]):
        yield from (path[:match.start()], path[:match.end()])


def pair(left, right, key):
    """Takes out those of which the keys are the same: (left, right, pairs)."""
    waiting = collections.defaultdict(list)
    for row in right:
        waiting[key(row)].append(row)
    alone, pairs = [], []
    for row in left:
        if key(row) is not None and waiting[key(row)]:
            pairs.append((row, waiting[key(row)].pop(0)))
        else:
            alone.append(row)
    return alone, [row for rows in waiting.values() for row in rows], pairs


NOTHING = sha256(b"")


def looks(data):
    """What stands for a part without a name."""
    return f"{len(data)} bytes: " + re.sub(r"[^ -~]", ".", data[:40].decode("latin-1"))
