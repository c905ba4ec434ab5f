# SPDX-License-Identifier: Apache-2.0
"""Logs and submissions in Python, beside our own: RFC 9162 section 2.1, C2SP tlog-checkpoint and
tlog-witness. The signatures are those of tests/ledger/ed25519.py."""
import base64
import functools
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/ledger"))
import ed25519  # noqa: E402  pylint: disable=wrong-import-position


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


@functools.lru_cache(maxsize=100_000)
def root_of(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


def consistency(old, leaves, is_whole=True):
    """RFC 9162 section 2.1.4.1"""
    if old == len(leaves):
        return [] if is_whole else [root_of(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        return consistency(old, leaves[:half], is_whole) + [root_of(leaves[half:])]
    return consistency(old - half, leaves[half:], False) + [root_of(leaves[:half])]


class Log:
    """A log that signs whatever it is told, forks too."""

    def __init__(self, name="log.example/rules", seed=bytes(32), entries=None):
        self.name, self.seed = name, seed
        entries = entries or [b"entry %d" % i for i in range(300)]
        self.leaves = tuple(leaf_hash(entry) for entry in entries)
        self.vkey = ed25519.vkey(name, ed25519.NOTE, ed25519.public_key(seed))
        self.hex = hashlib.sha256(name.encode()).hexdigest()

    def text(self, size):
        root = base64.b64encode(root_of(self.leaves[:size])).decode()
        return f"{self.name}\n{size}\n{root}\n".encode()

    @functools.lru_cache(maxsize=10_000)
    def checkpoint(self, size):
        text = self.text(size)
        return text + b"\n" + ed25519.signature_line(self.name, ed25519.NOTE, self.seed, text, 0)

    def proof(self, old, size):
        return consistency(old, self.leaves[:size]) if 0 < old < size else []

    def submission(self, old, size, proof=None):
        proof = self.proof(old, size) if proof is None else proof
        lines = [f"old {old}", *(base64.b64encode(part).decode() for part in proof), ""]
        return "\n".join(lines).encode() + b"\n" + self.checkpoint(size)


def cosigned(vkey, text, answer):
    """The time of the one cosignature in `answer`, a witness's whole answer, over `text`."""
    name, _, rest = vkey.partition("+")
    identity, _, blob = rest.partition("+")
    public = base64.b64decode(blob)
    assert public[0] == ed25519.COSIGNATURE
    dash, signer, signature = answer.decode().removesuffix("\n").split(" ")
    raw = base64.b64decode(signature, validate=True)
    assert (dash, signer, raw[:4].hex(), len(raw)) == ("—", name, identity, 76), answer
    time = int.from_bytes(raw[4:12], "big")
    message = ed25519.message(text, ed25519.COSIGNATURE, time)
    assert ed25519.verify(public[1:], message, raw[12:]), "false cosignature"
    return time
