#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overt log monitor against logs and witnesses of another program: what it tells of good ones, one
lie at a time what it finds, and what it keeps when it is killed at any step. TAP."""
# timeout: 900
import contextlib
import fcntl
import functools
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/feed"))
sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/scan"))
from foreign_log import Log, b64, bundle_of, packed, root_of, rules_of  # noqa: E402
from harness import BUILD, SOURCE, Skip, main  # noqa: E402

OVERT, FAULTY = BUILD / "overt", BUILD / "tests/faulty/overt"
OWN_STATE = {**os.environ, "OVERT_STATE": str(pathlib.Path("own-state").absolute())}
NOW, DAY = int(time.time()), 24 * 3600
NUMBER = iter(range(10**6))


def rules(*numbers):
    """One database of body rules."""
    return {"rules.ndb": b"".join(b"Test.Rule-%d:0:*:6861726d%04d\n" % (n, n) for n in numbers)}


class Server:
    """A folder over HTTP."""

    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,),
                     {"log_message": lambda *_: None})
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(quiet, directory=str(folder)))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class World:
    """A log, two witnesses that serve what they cosigned, a third that has no address, and a
    monitor with a state of its own."""

    def __init__(self, log=None):
        self.place = pathlib.Path(f"world-{next(NUMBER)}").absolute()
        self.place.mkdir()
        self.log = log or Log(NOW)
        self.folder = self.place / "log"
        self.state = self.place / "state"
        self.shown = [self.place / f"w{i}" for i in range(2)]
        self.servers = [Server(folder) for folder in (self.folder, *self.shown)]
        self.write_keys()

    def write_keys(self, policy=None, trust=None):
        text = policy or self.log.policy()
        lines = text.splitlines()
        for i, server in enumerate(self.servers[1:]):
            lines = [f"{line} {server.url}" if line.startswith(f"witness w{i} ") else line
                     for line in lines]
        (self.place / "log.policy").write_text("\n".join(lines) + "\n")
        (self.place / "overt.trust").write_text(trust or self.log.trust())

    def show(self, witness, note):
        """What a witness has at its monitoring address."""
        name = hashlib.sha256(self.log.origin.encode()).hexdigest()
        (self.shown[witness] / name).mkdir(parents=True, exist_ok=True)
        (self.shown[witness] / name / "checkpoint").write_bytes(note)

    def publish(self, log=None, **how):
        """The log's folder, and both witnesses with what they cosigned of it."""
        log = log or self.log
        log.publish(self.folder, **how)
        for i in range(2):
            self.show(i, log.checkpoint(witnesses=(i,)))

    def run(self, *words, overt=OVERT, source=None, env=None, json_lines=True, timeout=120):
        words = ["--json", *words] if json_lines else words
        return subprocess.run(
            [overt, "log", "monitor", source or self.servers[0].url, "--policy",
             self.place / "log.policy", "--state", self.state, "--no-journal", *map(str, words)],
            capture_output=True, text=True, timeout=timeout, check=False,
            env={**os.environ, **(env or {})})

    def round(self, code, *words, **how):
        """The events of a round that must end with this code."""
        done = self.run(*words, **how)
        assert done.returncode == code, (done.returncode, done.stdout[-2500:], done.stderr[-1500:])
        return [json.loads(line) for line in done.stdout.splitlines()]

    def found(self, *words, **how):
        """[(kind, what, why)] of a round that must find something."""
        events = self.round(1, *words, **how)
        return [(e["kind"], e["what"], e["why"]) for e in events if e.get("event") == "finding"]

    def close(self):
        for server in self.servers:
            server.close()


@contextlib.contextmanager
def world(*releases, log=None):
    """Each release is one of rules with these numbers."""
    one = World(log)
    try:
        for numbers in releases:
            one.log.release(rules(*numbers))
        if releases:
            one.publish()
        yield one
    finally:
        one.close()


def pick(events, name):
    return [event for event in events if event.get("event") == name]


def changes(events):
    return [(e["change"], e["file"], e["text"]) for e in events if "change" in e]


def rule(number):
    return rules(number)["rules.ndb"].decode().rstrip()


def only(found, kind, *words):
    """One finding, of this kind, with these words in it."""
    assert len(found) == 1 and found[0][0] == kind, found
    for word in words:
        assert word in " ".join(found[0][1:]), (word, found)


def evidence(w):
    return sorted(path.read_bytes() for path in (w.state / "evidence").iterdir())


# ---- what is well -------------------------------------------------------------------------------

def good_rounds():
    with world((1, 2, 3)) as w:
        events = w.round(0)
        entry, = pick(events, "entry")
        assert entry["kind"] == "release" and entry["seq"] == 1 and entry["rules"] == 3, entry
        assert entry["signatures"] == "met" and entry["index"] == 0, entry
        assert [h["state"] for h in pick(events, "head")] == [
            "shown", "shown", "shown", "not asked", "shown"], events
        assert 55 <= pick(events, "head")[1]["age_seconds"] <= 400, events
        assert pick(events, "round")[0]["new"] == 1
        w.log.release(rules(1, 3, 4, 5))
        w.publish()
        events = w.round(0)
        assert changes(events) == [("removed", "rules.ndb", rule(2)),
                                   ("added", "rules.ndb", rule(4)),
                                   ("added", "rules.ndb", rule(5))], changes(events)
        assert [e["seq"] for e in pick(events, "entry")] == [2]
        events = w.round(0)
        assert not pick(events, "entry") and not changes(events)
        assert pick(events, "round")[0] | {"time": 0} == {
            "event": "round", "time": 0, "entries": 2, "new": 0, "findings": 0, "errors": 0}


def the_same_as_text():
    with world((1, 2)) as w:
        w.round(0)
        w.log.release(rules(2, 9))
        w.log.withdraw(1)
        w.publish()
        done = w.run(json_lines=False)
        assert done.returncode == 0, done
        lines = done.stdout.splitlines()
        assert f"- rules.ndb: {rule(1)}" in lines and f"+ rules.ndb: {rule(9)}" in lines, lines
        assert "entry 1: release 2 of feed stable, 2 rules; signatures: met" in lines, lines
        assert any(line.startswith("entry 2: withdraws release 1") for line in lines), lines
        assert lines[-1] == "3 entries, 2 new; 0 findings, 0 errors", lines


def a_mirror_is_a_log():
    with world((1, 2), (2, 3)) as w:
        w.round(0)
        mirror = w.state / "log"
        done = subprocess.run([OVERT, "log", "verify", mirror, "--policy", w.place / "log.policy"],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done
        for bundle in w.log.bundles.values():
            name = f"bundle/{hashlib.sha256(bundle).hexdigest()}.zst"
            assert (mirror / name).read_bytes() == (w.folder / name).read_bytes()
        for path in (w.folder / "tile").rglob("*"):
            if path.is_file():
                assert (mirror / path.relative_to(w.folder)).read_bytes() == path.read_bytes()
        # It can be watched in its turn, from the folder.
        other = w.place / "other"
        w.state, w.servers[0] = other, w.servers[0]
        assert len(pick(w.round(0, source=mirror), "entry")) == 2


def a_mirror_is_a_feed():
    with world((1,), (2, 3)) as w:
        w.round(0)
        done = subprocess.run([OVERT, "rules", "add", w.state / "log", "--policy",
                               w.place / "log.policy"], capture_output=True, text=True, timeout=60,
                              check=False, env={**os.environ, "OVERT_STATE": str(w.place / "us")})
        assert done.returncode == 0, done


def every_kind_is_documented():
    text = (SOURCE / "docs/formats/monitor.md").read_text()
    kinds = set()
    for file in (SOURCE / "src/cmd").glob("log_monitor*.c"):
        kinds |= set(re.findall(r'ov_monitor_find\(\s*[\w>-]+,\s*"([a-z ]+)"', file.read_text()))
    assert len(kinds) > 15 and all(f"`{kind}`" in text for kind in kinds), kinds


class Running:
    """One of our own servers, and the address that it prints."""

    def __init__(self, *words):
        self.process = subprocess.Popen([OVERT, "log", *map(str, words)], stdout=subprocess.PIPE,
                                        text=True, env=OWN_STATE)
        lines = iter(self.process.stdout.readline, "")
        self.url = next(m[0] for m in (re.search(r"http://[0-9.:]+", line) for line in lines) if m)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self.process.stdout.close()


def ours_from_end_to_end():
    """Our own publisher, web server and witness."""
    if not (BUILD / "overt-serve").exists():
        raise Skip("no overt-serve")

    def log(*words):
        return subprocess.run([OVERT, "log", *map(str, words)], capture_output=True, text=True,
                              timeout=60, check=True, env=OWN_STATE).stdout

    public, witness, server = pathlib.Path("log").absolute(), None, None
    vkey = log("key", "w.example", "--witness", "-o", "w.key").split()[-1]
    try:
        port = free_port()
        log("create", public, "--origin", "log.example/ours", "--witness",
            f"w {vkey} http://127.0.0.1:{port}")
        witness = Running("witness", "--state", "ws", "--key", "w.key", "--policy",
                          public / "log.policy", "--listen", f"127.0.0.1:{port}")
        server = Running("serve", public, "--listen", "127.0.0.1:0")
        monitor = [OVERT, "log", "monitor", server.url, "--policy", public / "log.policy",
                   "--state", "state", "--json"]
        for numbers in ((1, 2), (2, 3)):
            pathlib.Path("rules.ndb").write_bytes(rules(*numbers)["rules.ndb"])
            log("append", public, "rules.ndb")
            log("checkpoint", public)
            done = subprocess.run(monitor, capture_output=True, text=True, timeout=60, check=False,
                                  env=OWN_STATE)
            assert done.returncode == 0, done
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert changes(events) == [("removed", "rules.ndb", rule(1)),
                                   ("added", "rules.ndb", rule(3))], events
        assert [h["state"] for h in pick(events, "head")] == ["shown"] * 3, events
    finally:
        for one in (server, witness):
            if one:
                one.close()


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def more_entries_than_a_tile():
    with world((1,)) as w:
        w.round(0)
        for i in range(300):
            w.log.entries.append(b"an entry of somebody else, %d\n" % i)
        w.publish()
        events = w.round(0)
        assert [e["index"] for e in pick(events, "entry")] == list(range(1, 301))
        assert {e["kind"] for e in pick(events, "entry")} == {"other"}
        w.log.release(rules(1, 2))
        w.publish()
        assert changes(w.round(0, "--full")) == [("added", "rules.ndb", rule(2))]
        done = subprocess.run([OVERT, "log", "verify", w.state / "log", "--policy",
                               w.place / "log.policy"], capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == 0, done


def a_witness_is_ahead_of_the_log():
    with world((1,)) as w:
        shutil.copytree(w.folder, w.place / "before")
        w.log.release(rules(1, 2))
        w.publish()
        shutil.copytree(w.place / "before", w.folder, dirs_exist_ok=True)
        assert len(pick(w.round(0), "entry")) == 2


def other_kinds_of_entries():
    with world((1,)) as w:
        w.log.entries.append(b"no note at all")
        digest = hashlib.sha256(b"engine").hexdigest()
        w.log.entries.append(w.log.signed(
            f"overt-engine/v1\nversion 1.2.3\ntime {NOW}\nfile sha256 {digest} 6 overt\n".encode()))
        w.log.withdraw(1, reason="a false alarm")
        trust = "".join(f"trust {line}\n" for line in w.log.trust().splitlines())
        policy = "".join(f"policy {line}\n" for line in w.log.policy().splitlines())
        w.log.entries.append(w.log.signed(
            f"overt-policy/v1\nfeed stable\nversion 2\ntime {NOW}\n{trust}{policy}".encode()))
        w.publish()
        events = pick(w.round(0), "entry")
        assert [e["kind"] for e in events] == ["release", "other", "engine", "withdrawal",
                                               "policy"], events
        assert events[2]["version"] == "1.2.3" and events[2]["files"] == 1, events[2]
        assert events[3]["seq"] == 1 and events[3]["reason"] == "a false alarm", events[3]
        assert [e.get("signatures") for e in events] == ["met", None, "met", "met", "met"], events


def without_a_trust_file():
    with world() as w:
        (w.place / "overt.trust").unlink()
        w.log.release(rules(1), signers=(2,))
        w.publish()
        assert pick(w.round(0), "entry")[0]["signatures"] == "not checked"


def rounds_for_ever():
    with world((1,)) as w:
        process = subprocess.Popen(
            [OVERT, "log", "monitor", w.servers[0].url, "--policy", w.place / "log.policy",
             "--state", w.state, "--every", "1", "--json", "--no-journal"], stdout=subprocess.PIPE, text=True)
        rounds = 0
        for line in process.stdout:
            rounds += json.loads(line).get("event") == "round"
            if rounds == 2:
                w.log.release(rules(1, 7), signers=(0,))
                w.publish()
            if "unsigned" in line:
                break
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
        assert process.wait(timeout=30) == 1 and rounds >= 2


# ---- two logs -----------------------------------------------------------------------------------

def split_between_log_and_witness():
    with world((1,), (1, 2)) as w:
        other = w.log.copy()
        other.entries = other.entries[:1] + [b"shown to one victim"]
        w.show(1, other.checkpoint(witnesses=(1,)))
        only(w.found(), "split view", "witness w1", "another tree of 2 entries", "evidence/")
        assert evidence(w) == sorted([w.log.checkpoint(), other.checkpoint(witnesses=(1,))])
        assert len(w.found()) == 1, "it is found again as long as it is shown"


def split_between_two_witnesses():
    with world((1,), (1, 2), (1, 2, 3)) as w:
        a, b = w.log.copy(), w.log.copy()
        a.entries, b.entries = a.entries[:2], b.entries[:1] + [b"another"]
        w.show(0, a.checkpoint(witnesses=(0,)))
        w.show(1, b.checkpoint(witnesses=(1,)))
        only(w.found(), "split view", "witness w1", "witness w0")
        assert len(evidence(w)) == 2


def split_seen_while_the_log_is_down():
    with world((1,), (1, 2)) as w:
        other = w.log.copy()
        other.entries = other.entries[:1] + [b"another"]
        w.show(1, other.checkpoint(witnesses=(1,)))
        (w.folder / "checkpoint").unlink()
        events = w.round(1)
        assert [e["kind"] for e in pick(events, "finding")] == ["split view"], events
        assert pick(events, "error"), events


def a_smaller_tree_that_is_no_beginning():
    with world((1,), (1, 2), (1, 2, 3)) as w:
        other = w.log.copy()
        other.entries = [b"another", other.entries[1]]
        w.show(1, other.checkpoint(witnesses=(1,)))
        only(w.found(), "split view", "witness w1", "2 entries")
        assert len(evidence(w)) == 2


def a_witness_that_has_more_than_the_log_hands_out():
    with world((1,)) as w:
        other = w.log.copy()
        other.entries = other.entries + [b"for one victim", b"and another"]
        w.show(1, other.checkpoint(witnesses=(1,)))
        only(w.found(), "withheld", "witness w1", "3 entries", "evidence/")
        assert evidence(w) == [other.checkpoint(witnesses=(1,))]


def the_log_has_forked_since():
    with world((1,), (1, 2)) as w:
        w.round(0)
        other = w.log.copy()
        other.entries = [other.entries[0], b"another second entry", b"and a third"]
        w.publish(other)
        found = w.found()
        assert {kind for kind, *_ in found} == {"split view", "changed"}, found
        assert "does not begin with the 2" in found[0][2], found
        kept = evidence(w)
        assert w.log.checkpoint() in kept or w.log.checkpoint(witnesses=(0,)) in kept, kept
        before = (w.state / "state").read_text().split("size ")[1].split()[0]
        assert before == "2", "what was seen first stays"


def another_tree_of_the_same_size():
    with world((1,), (1, 2)) as w:
        w.round(0)
        other = w.log.copy()
        other.entries = [other.entries[0], b"another second entry"]
        w.publish(other)
        found = w.found()
        assert found[0][0] == "split view" and "not the beginning" in found[0][2], found


def the_log_goes_back():
    with world((1,), (1, 2)) as w:
        w.round(0)
        old = w.log.copy()
        old.entries = old.entries[:1]
        (w.folder / "checkpoint").write_bytes(old.checkpoint())
        only(w.found(), "rollback", "the log", "shows 1 entries, and has shown 2")


def a_witness_goes_back():
    with world((1,), (1, 2)) as w:
        w.round(0)
        old = w.log.copy()
        old.entries = old.entries[:1]
        w.show(0, old.checkpoint(witnesses=(0,)))
        only(w.found(), "rollback", "witness w0", "has shown 2")
        shutil.rmtree(w.shown[0])
        w.shown[0].mkdir()
        only(w.found(), "rollback", "witness w0", "knows nothing of this log")


# ---- what is handed out -------------------------------------------------------------------------

def a_changed_entry():
    with world((1,), (1, 2)) as w:
        w.round(0)
        path = w.folder / "tile/entries/000.p/2"
        path.write_bytes(path.read_bytes().replace(b"feed stable", b"feed stabla"))
        only(w.found(), "changed", "tile/entries/000.p/2")


def entries_that_were_never_right():
    with world((1,), (1, 2)) as w:
        path = w.folder / "tile/entries/000.p/2"
        path.write_bytes(path.read_bytes().replace(b"feed stable", b"feed stabla"))
        found = w.found()
        assert ("damaged", "tile/0/000.p/2", "has not the hashes of the entries") in found, found
        assert any("do not lead to" in why for _, _, why in found), found
        assert not pick(w.round(1), "entry"), "what is not proven is not told as an entry"
        w.publish()
        assert len(pick(w.round(0), "entry")) == 2


def a_changed_tile():
    with world((1,), (1, 2)) as w:
        w.round(0)
        path = w.folder / "tile/0/000.p/2"
        path.write_bytes(bytes(64))
        only(w.found(), "changed", "tile/0/000.p/2")


def an_entry_is_gone():
    with world((1,)) as w:
        w.round(0)
        (w.folder / "tile/entries/000.p/1").unlink()
        only(w.found(), "gone", "tile/entries/000.p/1")


def a_bundle_is_gone():
    with world((1,)) as w:
        w.round(0)
        bundle, = (w.folder / "bundle").iterdir()
        bundle.unlink()
        only(w.found(), "gone", f"bundle/{bundle.name}")
        assert (w.state / "log/bundle" / bundle.name).exists(), "the mirror keeps it"


def a_changed_bundle():
    with world((1,)) as w:
        w.round(0)
        bundle, = (w.folder / "bundle").iterdir()
        right = bundle.read_bytes()
        bundle.write_bytes(packed(bundle_of(rules(2))))
        only(w.found(), "changed", f"bundle/{bundle.name}")
        bundle.write_bytes(right[:-2])
        only(w.found(), "changed", f"bundle/{bundle.name}")
        unpacked, = w.log.bundles.values()
        (w.place / "plain").write_bytes(unpacked)
        again = subprocess.run(["zstd", "-19", "-q", "-c", "--no-check", w.place / "plain"],
                               capture_output=True, check=True, timeout=60).stdout
        assert again != right
        bundle.write_bytes(again)
        w.round(0)  # the same bundle, packed in another way


def a_missing_bundle():
    with world((1,)) as w:
        w.round(0)
        w.log.release(rules(1, 2))
        w.publish()
        bundle = w.folder / "bundle" / f"{list(w.log.bundles)[1]}.zst"
        bytes_of_it = bundle.read_bytes()
        bundle.unlink()
        only(w.found(), "bundle", "release 2 of feed stable", "does not hand it out")
        only(w.found(), "bundle", "release 2 of feed stable")
        bundle.write_bytes(bytes_of_it)
        assert changes(w.round(0)) == [("added", "rules.ndb", rule(2))], "made up for"
        assert not changes(w.round(0))


def a_wrong_bundle():
    with world((1,)) as w:
        bundle, = (w.folder / "bundle").iterdir()
        bundle.write_bytes(packed(bundle_of(rules(2))))
        only(w.found(), "bundle", "release 1", "not the one that the release names")
        bundle.write_bytes(b"no zstd")
        only(w.found(), "bundle", "release 1", "cannot be unpacked")


# ---- what clients are given ---------------------------------------------------------------------

PROOF = "feed/stable/latest.tlog-proof"


def a_feed_for_one_victim():
    with world((1,), (1, 2)) as w:
        other = w.log.copy()
        other.entries, other.seq = other.entries[:1], 1
        other.previous, other.files = other.entries[0], rules(1)
        other.release(rules(1, 9))
        (w.folder / PROOF).write_bytes(other.proof())
        only(w.found(), "split view", "feed stable", "another tree of 2 entries than the log")
        assert len(evidence(w)) == 2 and other.checkpoint() in evidence(w)


def a_feed_that_holds_back():
    with world((1,)) as w:
        w.log.release(rules(1, 2))
        w.publish()
        (w.folder / PROOF).write_bytes(w.log.proof(index=0))
        only(w.found(), "feed", PROOF, "entry 0", "not the newest")
        (w.folder / PROOF).write_bytes(w.log.proof(index=0, size=1))
        only(w.found(), "feed", PROOF, "entry 0", "not the newest")
    with world((1,), (2,)) as w:
        (w.folder / PROOF).write_bytes(w.log.proof(index=0, size=1))
        only(w.found(), "feed", PROOF, "entry 0", "not the newest")


def a_feed_that_is_gone_or_false():
    with world((1,)) as w:
        right = (w.folder / PROOF).read_bytes()
        w.round(0)
        assert (w.state / "log" / PROOF).read_bytes() == right
        (w.folder / PROOF).unlink()
        only(w.found(), "gone", PROOF)
        for broken in (b"no proof", right.replace(b"index 0", b"index 1"),
                       w.log.proof(witnesses=(0,)), w.log.proof(leaf=b"another")):
            (w.folder / PROOF).write_bytes(broken)
            only(w.found(), "checkpoint", "feed stable")


# ---- releases -----------------------------------------------------------------------------------

def release_with(name, finding, words, **lines):
    def test():
        with world((1,)) as w:
            w.round(0)
            w.log.release(rules(1, 2), **lines)
            w.publish()
            only(w.found(), finding, *words)
            assert not pick(w.round(0), "entry"), "told once"
    test.__name__ = name
    return test


def unsigned():
    with world((1,)) as w:
        w.round(0)
        w.log.release(rules(1, 2), signers=(0,))
        w.publish()
        found = w.found()
        assert [kind for kind, *_ in found] == ["unsigned", "feed"], found
        assert found[0][1] == "entry 1" and "release" in found[0][2], found


def malformed():
    with world((1,)) as w:
        w.log.entries.append(w.log.signed(b"overt-ruleset/v1\nfeed stable\n"))
        w.log.entries.append(b"overt-withdraw/v1\nno note")
        w.publish()
        found = w.found()
        assert [kind for kind, *_ in found] == ["malformed", "malformed"], found


def rules_at_their_worst():
    wrong = b64(root_of(rules_of(rules(1, 3))))
    release_with("", "rules", ["another root"], rules=f"2 {wrong}")()
    right = b64(root_of(rules_of(rules(1, 2))))
    release_with("", "rules", ["2 rules, the release names 3"], rules=f"3 {right}")()


# ---- who answers --------------------------------------------------------------------------------

def a_witness_is_down():
    with world((1,)) as w:
        w.servers[1].close()
        events = w.round(2)
        assert [e["what"] for e in pick(events, "error")] == ["witness w0"], events
        assert len(pick(events, "entry")) == 1, "the rest is looked at"
        w.servers[1] = Server(w.shown[0])


def the_log_is_down():
    with world((1,)) as w:
        w.round(0)
        w.servers[0].close()
        events = w.round(2)
        assert pick(events, "error")[0]["what"] == "the log", events
        assert [h["state"] for h in pick(events, "head")][1] == "shown", events
        w.servers[0] = Server(w.folder)


def a_stale_witness():
    with world((1,)) as w:
        times = {0: NOW - 60, 1: NOW - 9 * DAY}
        (w.folder / "checkpoint").write_bytes(w.log.checkpoint(times=times))
        (w.folder / PROOF).write_bytes(w.log.proof(times=times))
        w.show(1, w.log.checkpoint(witnesses=(1,), times={1: NOW - 9 * DAY}))
        found = w.found()
        assert [(kind, what) for kind, what, _ in found] == [("stale", "the log"),
                                                             ("stale", "witness w1"),
                                                             ("stale", "feed stable")], found
        assert "9 days" in found[1][2]


def a_time_to_come():
    with world((1,)) as w:
        w.show(1, w.log.checkpoint(witnesses=(1,), times={1: NOW + DAY}))
        only(w.found(), "future", "witness w1")


def too_few_cosignatures():
    with world((1,)) as w:
        (w.folder / "checkpoint").write_bytes(w.log.checkpoint(witnesses=(0,)))
        only(w.found(), "quorum", "the log")


def false_checkpoints():
    with world((1,)) as w:
        right = w.log.checkpoint()
        (w.folder / "checkpoint").write_bytes(right.replace(b"\n1\n", b"\n2\n", 1))
        only(w.found(), "checkpoint", "the log")
        (w.folder / "checkpoint").write_bytes(right)
        w.show(0, w.log.checkpoint(witnesses=()))
        only(w.found(), "checkpoint", "witness w0", "not cosigned")
        foreign = Log(NOW, origin="other.example/rules")
        foreign.release(rules(1))
        (w.folder / "checkpoint").write_bytes(foreign.checkpoint())
        assert "checkpoint" in [kind for kind, *_ in w.found()]


def addresses_by_hand():
    with world((1,)) as w:
        w.servers[2].close()
        assert w.run().returncode == 2
        events = w.round(0, "--monitor", f"w1={w.shown[1]}")
        assert [h["state"] for h in pick(events, "head")][2] == "shown"
        assert w.run("--monitor", "nobody=http://127.0.0.1:1").returncode == 2
        w.servers[2] = Server(w.shown[1])


def one_monitor_at_a_time():
    with world((1,)) as w:
        w.round(0)
        with open(w.state / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = w.run()
            assert done.returncode == 2 and "another monitor" in done.stderr, done


def a_state_of_another_log():
    with world((1,)) as w:
        w.round(0)
        text = (w.state / "state").read_text()
        (w.state / "state").write_text(text.replace("log.example/rules", "log.example/other"))
        assert "another log" in w.run().stderr
        for broken in (text[:-4], text + "x\n", text.replace("size 1", "size 01"),
                       text.replace("audited 1", "audited 2"), text.replace(" sound", " fine")):
            assert broken != text
            (w.state / "state").write_text(broken)
            done = w.run()
            assert done.returncode == 2 and "damaged" in done.stderr, (broken, done)
        (w.state / "state").write_text(text)
        tile = w.state / "log/tile/0/000.p/1"
        tile.write_bytes(bytes(32))
        done = w.run()
        assert done.returncode == 2 and "mirror" in done.stdout, done


# ---- crashes ------------------------------------------------------------------------------------

def killed_at_every_step():
    if not FAULTY.exists():
        raise Skip("no programs that can be ended at a step")
    with world((1,), (1, 2)) as w:
        # From folders: the program that fetches is not among those that can be ended.
        words = [f"--monitor=w{i}={w.shown[i]}" for i in range(2)]
        w.round(0)
        shutil.copytree(w.state, w.place / "kept")
        w.log.release(rules(1, 2, 3))
        w.publish()
        step, told = 0, []
        while True:
            step += 1
            shutil.rmtree(w.state)
            shutil.copytree(w.place / "kept", w.state)
            done = w.run(*words, overt=FAULTY, source=w.folder, env={"OVERT_FAULT": str(step)})
            if done.returncode == 0:
                break
            assert done.returncode == -signal.SIGKILL, (step, done)
            events = w.round(0)
            told.append(len(changes(events)))
            assert told[-1] or changes([json.loads(line) for line in done.stdout.splitlines()
                                        if line.startswith("{")]), "told at least once"
            w.round(0)
            state = (w.state / "state").read_text()
            assert "\nsize 3\n" in state and "\naudited 3\n" in state, (step, state)
            assert state.count("\nrelease ") == 3 and " open\n" not in state, (step, state)
            done = subprocess.run([OVERT, "log", "verify", w.state / "log", "--policy",
                                   w.place / "log.policy"], capture_output=True, text=True,
                                  timeout=60, check=False)
            assert done.returncode == 0, (step, done)
        assert step > 20 and 1 in told, (step, told)


if __name__ == "__main__":
    main([
        good_rounds,
        the_same_as_text,
        a_mirror_is_a_log,
        a_mirror_is_a_feed,
        every_kind_is_documented,
        ours_from_end_to_end,
        more_entries_than_a_tile,
        a_witness_is_ahead_of_the_log,
        other_kinds_of_entries,
        without_a_trust_file,
        rounds_for_ever,
        split_between_log_and_witness,
        split_between_two_witnesses,
        split_seen_while_the_log_is_down,
        a_smaller_tree_that_is_no_beginning,
        a_witness_that_has_more_than_the_log_hands_out,
        the_log_has_forked_since,
        another_tree_of_the_same_size,
        the_log_goes_back,
        a_witness_goes_back,
        a_changed_entry,
        entries_that_were_never_right,
        a_changed_tile,
        an_entry_is_gone,
        a_bundle_is_gone,
        a_changed_bundle,
        a_missing_bundle,
        a_wrong_bundle,
        a_feed_for_one_victim,
        a_feed_that_holds_back,
        a_feed_that_is_gone_or_false,
        rules_at_their_worst,
        release_with("counts_of_changes_that_are_wrong", "changes", ["1 rules were added", "names 9"],
                     changes="added 9 removed 0"),
        release_with("a_number_that_repeats", "sequence", ["release 1", "of this number already"],
                     seq="1", previous="none"),
        release_with("a_number_that_jumps", "sequence", ["release 3", "release 1 is"], seq="3"),
        release_with("a_release_that_names_another_before_it", "sequence", ["names another entry"],
                     previous="A" * 43 + "="),
        unsigned,
        malformed,
        a_witness_is_down,
        the_log_is_down,
        a_stale_witness,
        a_time_to_come,
        too_few_cosignatures,
        false_checkpoints,
        addresses_by_hand,
        one_monitor_at_a_time,
        a_state_of_another_log,
        killed_at_every_step,
    ])
