# SPDX-License-Identifier: Apache-2.0
"""A publisher of rules once more, in Python, straight from docs/formats and the specifications that
they name: what a client is given in tests, right or wrong, is not made by the program under test."""
import base64
import pathlib
import shutil
import subprocess
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "ledger"))
import ed25519  # noqa: E402
from tree import half_of, leaf_hash, path_of, root_of, sha256  # noqa: E402,F401

NOTE, COSIGNATURE = ed25519.NOTE, ed25519.COSIGNATURE


def b64(data):
    return base64.b64encode(data).decode()


# ---- docs/formats/release.md --------------------------------------------------------------------

def bundle_of(files):
    """The one form of a bundle: {name: bytes}."""
    out = b""
    for name in sorted(files, key=str.encode):
        head = bytearray(512)
        head[0:len(name)] = name.encode()
        head[100:107], head[108:115], head[116:123] = b"0000644", b"0000000", b"0000000"
        head[124:135], head[136:147] = b"%011o" % len(files[name]), b"0" * 11
        head[148:156], head[156:157], head[257:265] = b" " * 8, b"0", b"ustar\x0000"
        head[148:155] = b"%06o\0" % sum(head)
        out += bytes(head) + files[name] + b"\0" * (-len(files[name]) % 512)
    return out + b"\0" * 1024


def rules_of(files):
    """The leaves of text databases: one for each line that says something."""
    leaves = []
    for name in sorted(files, key=str.encode):
        for line in files[name].split(b"\n"):
            line = line.rstrip(b"\r")
            if line and not line.startswith(b"#"):
                leaves.append(leaf_hash(name.encode() + b"\n" + line))
    return leaves


def packed(data, against=None):
    """By the program zstd."""
    folder = pathlib.Path("packing")
    folder.mkdir(exist_ok=True)
    (folder / "new").write_bytes(data)
    words = []
    if against is not None:
        (folder / "old").write_bytes(against)
        words = [f"--patch-from={folder / 'old'}"]
    done = subprocess.run(["zstd", "-q", "-c", *words, folder / "new"], capture_output=True,
                          check=True, timeout=60)
    return done.stdout


class Log:
    """A log, its witnesses and release keys, and the folder that they publish."""

    def __init__(self, now, origin="log.example/rules", feed="stable", quorum=2, threshold=2):
        self.now, self.origin, self.feed = now, origin, feed
        self.quorum, self.threshold = quorum, threshold
        self.seed = sha256(b"log")
        self.witnesses = [(f"w{i}.example", sha256(b"witness %d" % i)) for i in range(3)]
        self.release_keys = [(f"r{i}.example", sha256(b"release %d" % i)) for i in range(3)]
        self.entries, self.bundles = [], {}
        self.newest, self.seq, self.previous, self.files = None, 0, None, None
        self.version, self.rotations = 1, {}

    def copy(self):
        """The same keys and entries, to go on another way."""
        other = Log(self.now, self.origin, self.feed, self.quorum, self.threshold)
        other.__dict__.update({k: v.copy() if isinstance(v, (list, dict)) else v
                               for k, v in self.__dict__.items()})
        return other

    # ---- what the administrator gets ----

    def policy(self):
        lines = [f"log {ed25519.vkey(self.origin, NOTE, ed25519.public_key(self.seed))}"]
        for i, (name, seed) in enumerate(self.witnesses):
            public = ed25519.public_key(seed)
            lines.append(f"witness w{i} {ed25519.vkey(name, COSIGNATURE, public)}")
        lines += [f"group all-of-them {self.quorum} w0 w1 w2", "quorum all-of-them"]
        if self.quorum == 0:
            lines[-2:] = ["quorum none"]
        return "\n".join(lines) + "\n"

    def trust(self, warn=7, most=30):
        keys = [f"release {ed25519.vkey(name, NOTE, ed25519.public_key(seed))}"
                for name, seed in self.release_keys]
        return "\n".join(["overt-trust/v1", f"feed {self.feed}",
                          f"version {self.version}", *keys,
                          f"threshold {self.threshold}", f"warn-age-days {warn}",
                          f"max-age-days {most}"]) + "\n"

    # ---- entries ----

    def signed(self, text, signers=(0, 1)):
        lines = b"".join(ed25519.signature_line(*self.release_keys[i][:1], NOTE,
                                                self.release_keys[i][1], text, 0) for i in signers)
        return text + b"\n" + lines

    def leaf(self, files, signers=(0, 1), **changes):
        """A release's entry; `changes` replace whole lines by their first word."""
        rules = rules_of(files)
        old = set(rules_of(self.files)) if self.files else set()
        bundle = bundle_of(files)
        lines = {
            "overt-ruleset/v1": "",
            "feed": self.feed,
            "seq": str(self.seq + 1),
            "previous": b64(leaf_hash(self.previous)) if self.previous else "none",
            "time": str(self.now - 3600),
            "lang": "overt-rules/1",
            "engine-min": "0.1.0",
            "bundle": f"sha256 {sha256(bundle).hex()} {len(bundle)}",
            "rules": f"{len(rules)} {b64(root_of(rules))}",
            "changes": f"added {len(set(rules) - old)} removed {len(old - set(rules))}",
        }
        lines.update({key.replace("_", "-"): value for key, value in changes.items()})
        text = "".join(f"{key} {value}".rstrip() + "\n" for key, value in lines.items()).encode()
        self.bundles[sha256(bundle).hex()] = bundle
        return self.signed(text, signers)

    def release(self, files, signers=(0, 1), **changes):
        entry = self.leaf(files, signers, **changes)
        self.entries.append(entry)
        self.newest, self.previous, self.files = len(self.entries) - 1, entry, files
        self.seq += 1
        return entry

    def withdraw(self, seq, reason="a false alarm", signers=(0, 1)):
        text = (f"overt-withdraw/v1\nfeed {self.feed}\nseq {seq}\ntime {self.now}\n"
                f"reason {reason}\n").encode()
        self.entries.append(self.signed(text, signers))

    def rotate(self, keys="b", witnesses=None, old=(0, 1), new=(0, 1), cosigners=(0, 1), **changes):
        """New release keys (named by a letter) and maybe new witnesses (the same); `changes` replace
        feed, version, time, trust and policy in the entry. The log goes on with the new ones."""
        after = self.copy()
        after.version += 1
        after.release_keys = [(f"{keys}{i}.example", sha256(f"release {keys} {i}".encode()))
                              for i in range(3)]
        if witnesses:
            after.witnesses = [(f"{witnesses}{i}.example", sha256(f"witness {witnesses} {i}".encode()))
                               for i in range(3)]
        said = {"feed": self.feed, "version": after.version, "time": self.now - 1800,
                "trust": after.trust(), "policy": after.policy(), **changes}
        text = f"overt-policy/v1\nfeed {said['feed']}\nversion {said['version']}\n" \
               f"time {said['time']}\n"
        for word in "trust", "policy":
            text += "".join(f"{word} {line}".rstrip(" ") + "\n" for line in said[word].splitlines())
        entry = text.encode() + b"\n"
        for who in [self.release_keys[i] for i in old] + [after.release_keys[i] for i in new]:
            entry += ed25519.signature_line(who[0], NOTE, who[1], text.encode(), 0)
        self.entries.append(entry)
        # Made once: by the witnesses of before.
        self.rotations[after.version] = self.proof(len(self.entries) - 1, witnesses=cosigners)
        self.release_keys, self.witnesses = after.release_keys, after.witnesses
        self.version = after.version
        return entry

    # ---- publishing ----

    def checkpoint(self, size=None, witnesses=(0, 1), times=None):
        hashes = [leaf_hash(entry) for entry in self.entries[:size]]
        text = f"{self.origin}\n{len(hashes)}\n{b64(root_of(hashes))}\n".encode()
        note = text + b"\n" + ed25519.signature_line(self.origin, NOTE, self.seed, text, 0)
        for i in witnesses:
            name, seed = self.witnesses[i]
            time = times[i] if times else self.now - 60
            note += ed25519.signature_line(name, COSIGNATURE, seed, text, time)
        return note

    def proof(self, index=None, size=None, leaf=None, **how):
        index = self.newest if index is None else index
        hashes = [leaf_hash(entry) for entry in self.entries[:size]]
        path = "".join(b64(h) + "\n" for h in path_of(index, hashes))
        extra = b64(self.entries[index] if leaf is None else leaf)
        head = f"c2sp.org/tlog-proof@v1\nextra {extra}\nindex {index}\n{path}\n"
        return head.encode() + self.checkpoint(size, **how)

    def publish(self, folder, proof=None, with_deltas=True, **how):
        """Writes what a web server hands out, for the newest release."""
        folder = pathlib.Path(folder)
        shutil.rmtree(folder, ignore_errors=True)
        files = {f"feed/{self.feed}/latest.tlog-proof":
                 self.proof(**how) if proof is None else proof,
                 "checkpoint": self.checkpoint(**how), **self.tiles()}
        for version, rotation in self.rotations.items():
            files[f"feed/{self.feed}/policy-{version}.tlog-proof"] = rotation
        names = list(self.bundles)
        for name, bundle in self.bundles.items():
            files[f"bundle/{name}.zst"] = packed(bundle)
        for old, new in zip(names, names[1:]) if with_deltas else ():
            files[f"delta/{old}-{new}.zst"] = packed(self.bundles[new], self.bundles[old])
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder

    def tiles(self):
        """Those of level 0, and the entries: all that a client reads."""
        files = {}
        for number in range((len(self.entries) + 255) // 256):
            part = self.entries[256 * number:256 * number + 256]
            end = f"{number:03d}" + ("" if len(part) == 256 else f".p/{len(part)}")
            files[f"tile/0/{end}"] = b"".join(leaf_hash(entry) for entry in part)
            files[f"tile/entries/{end}"] = b"".join(struct.pack(">H", len(e)) + e for e in part)
        return files
