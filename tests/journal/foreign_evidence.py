# SPDX-License-Identifier: Apache-2.0
"""A maker of files of evidence in Python, straight from docs/formats/evidence.md: of journals that were made
here (foreign_journal.py) and releases of a log that was made here (feed/foreign_log.py)."""
import pathlib
import re
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "ledger"), str(HERE.parent / "feed")]
import ed25519  # noqa: E402  pylint: disable=wrong-import-position
from foreign_log import b64  # noqa: E402  pylint: disable=C0413
from tree import growth, half_of, leaf_hash, path_of, root_of, sha256  # noqa: E402  pylint: disable=C0413

PAGE = HERE.parent.parent / "docs/formats/evidence.md"
ONE = "about journal checkpoint entries others proof follows names manifest witness".split()
MANIFEST = b"overt-manifest/v1\nkernel 6.1.0\nrole worker\nprogram overt-worker\ndeclared seccomp\n" \
           b"enforced seccomp\ncalls read write\nsockets -\n"


def framed(entries):
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def block(first):
    text = PAGE.read_text()
    return [line[4:] for line in text[text.index("    " + first):].split("\n\n")[0].splitlines()]


def about(low, high, names, manifest, witness, counts):
    """The text that stands on the page, filled in."""
    lines = block("Entries {A}")
    *counts, traces = counts
    if traces:
        lines[4:4] = block("Traces of overt")
    filled = iter([low, high, "some or all are shown" if names else "none is shown", *counts,
                   "yes" if manifest else "no", "yes" if witness else "no", traces])
    return re.sub(r"\{[^}]*\}", lambda _: str(next(filled)), "\n".join(lines) + "\n").encode()


def range_proof(low, high, hashes, shown):
    """The roots of the largest subtrees that have none of `shown`, from left to right."""
    if not any(low <= index < high for index in shown):
        return [root_of(hashes[low:high])]
    if high - low == 1:
        return []
    half = low + half_of(high - low)
    return range_proof(low, half, hashes, shown) + range_proof(half, high, hashes, shown)


def counted(hashes):
    return bytes([len(hashes)]) + b"".join(hashes)


def openings(journal, entries, is_shown):
    known = {}
    for name in journal.names:
        path = name[26:]
        salt = sha256(b"overt-salt/v1\n", journal.names_key, name[:24])[:16]
        known[b64(sha256(b"overt-name/v1\n", salt, path)).encode()] = salt, path
    out = b""
    for commitment in re.findall(rb"^(?:path|file) (\S{44})", b"\n".join(entries), re.M):
        salt, path = known[commitment]
        if is_shown(path):
            out += salt + struct.pack(">H", len(path)) + path
    return out


def rules_part(entry, leaves):
    return b"release %s\n\n" % b64(leaf_hash(entry)).encode() + b"".join(
        struct.pack(">I", len(leaf)) + leaf for leaf in leaves)


def rule_part(entry, leaves, index):
    path = path_of(index, list(map(leaf_hash, leaves)))
    return b"release %s\nindex %d\n" % (b64(leaf_hash(entry)).encode(), index) + b"".join(
        b64(one).encode() + b"\n" for one in path) + b"\n" + leaves[index]


def witnessed(journal, size, witnesses, at):
    """The checkpoint of so many entries, and the cosignatures of these [(name, seed)]."""
    note = journal.seal(size=size)
    journal.seals.pop()
    text = note.partition(b"\n\n")[0] + b"\n"
    for name, seed in witnesses:
        note += ed25519.signature_line(name, ed25519.COSIGNATURE, seed, text, at)
    return note


def parts(journal, low, high, is_shown=lambda path: True, manifest=MANIFEST, witness=None, many=None):
    """{name: bytes or [bytes]}; adds the entry `export` to the journal, and seals it. `witness`: a checkpoint."""
    many = {"release": [], "rules": [], "rule": [], "watch": [], **(many or {})}
    export = len(journal.entries)
    journal.add("export", f"from {low}", f"to {high}", f"records {high + 1 - low}",
                f"manifest {sha256(manifest).hex() if manifest else '-'}",
                *(f"watch {sha256(trace).hex()}" for trace in many["watch"]))
    note = journal.seal()
    entries, hashes = journal.entries, list(map(leaf_hash, journal.entries))
    shown = set(range(low, high + 1))
    epochs = [index for index, kind in enumerate(journal.kinds) if kind == "epoch"]
    others = sorted({export, *epochs} - shown)
    names = openings(journal, entries[low:high + 1], is_shown)
    kept = b""
    if witness:
        kept = counted(growth(int(witness.split(b"\n")[1]), hashes)) + witness
    counts = [len(many[name]) for name in ("release", "rules", "rule", "watch")]
    return {
        "about": about(low, high, names, manifest, kept, counts),
        "journal": f"key {journal.vkey(0)}\nfrom {low}\nto {high}\nexport {export}\n".encode(),
        "checkpoint": note,
        "entries": framed(entries[low:high + 1]),
        "others": framed(entries[index] for index in others),
        "proof": b"".join(range_proof(0, len(entries), hashes, shown | set(others))),
        "follows": b"".join(counted(growth(index, hashes)) for index in epochs[1:]),
        "names": names, "manifest": manifest, "witness": kept, **many}


def join(pieces):
    flat = [(name, one) for name, data in pieces.items() for one in (data if isinstance(data, list) else [data])]
    return b"overt-evidence/v1\n" + b"".join(
        b"part %s %d\n%s\n" % (name.encode(), len(data), data) for name, data in flat)
