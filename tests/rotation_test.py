#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""New release keys and new witnesses: whose word a client takes for them, and what becomes of rules
that the old ones signed. Logs are those of another program, and in the end our own. TAP."""
# timeout: 600
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(os.environ["OVERT_SOURCE"]) / "tests"))
from feed_test import (BUILD, DAY, FAULTY, NOW, OVERT, STRIDE, Client, Skip, fine, keeps,  # noqa: E402
                       main, refused, rules, served, started)
from foreign_log import COSIGNATURE, NOTE, Log, ed25519, sha256  # noqa: E402


def files_of(client, feed="stable"):
    """The policy and the trust file that a client believes."""
    folder = client.state / "rules/feeds" / feed
    assert not (folder / "rotation.pending").exists()
    return (folder / "log.policy").read_text(), (folder / "overt.trust").read_text()


def rotations_of(client):
    return client.entries("rotate")


def stays(client, log, done, why):
    """Refused, with the rules, the keys and the witnesses of before."""
    before = log.policy(), log.trust()
    keeps(client, done, why)
    assert files_of(client) == before and not rotations_of(client)


# ---- what is followed ---------------------------------------------------------------------------

def new_keys_and_witnesses():
    log, client, folder = started()
    before = files_of(client)
    log.rotate("b", witnesses="x")
    log.release(rules(1, 2))
    log.publish(folder)
    done = fine(client.update())
    assert client.seq() == 2 and client.finds(2), done.stdout
    assert files_of(client) == (log.policy(), log.trust()) != before
    assert "new release keys and policy: version 2" in done.stdout, done.stdout
    told = rotations_of(client)
    assert told == [{"set": "stable", "version": "2", "entry": "1",
                     "trust": sha256(log.trust().encode()).hex(),
                     "policy": sha256(log.policy().encode()).hex()}], told
    fine(client.run("rules", "verify"))
    fine(client.update())
    assert len(rotations_of(client)) == 1
    log.release(rules(1, 2, 3))
    log.publish(folder)
    fine(client.update())
    assert client.finds(3)


def before_there_is_another_release():
    log, client, folder = started()
    log.rotate("b", witnesses="x")
    log.publish(folder)
    for _ in range(2):
        fine(client.update())  # its rules are those that it has
        assert client.seq() == 1 and client.finds(1)
        fine(client.run("rules", "verify"))  # by the keys and witnesses of then
    kept = next((client.state / "rules/feeds/stable").glob("*/overt.trust"))
    good = kept.read_text()
    kept.write_text(log.trust())
    done = client.run("rules", "verify")
    assert done.returncode == 1 and "no release key that is trusted" in done.stdout, done.stdout
    kept.write_text(good)
    log.rotate("c", witnesses="y")
    log.publish(folder)
    fine(client.update())
    assert kept.read_text() == good  # of the first of both
    fine(client.run("rules", "verify"))
    log.release(rules(1))  # the same rules once more, signed anew
    log.publish(folder)
    fine(client.update())
    assert client.seq() == 2 and not kept.exists()
    fine(client.run("rules", "verify"))


def two_at_once_for_who_was_away():
    log, client, folder = started()
    other, at_home = Client(), log.copy()
    fine(other.add(log, folder))
    log.rotate("b", witnesses="x")
    log.release(rules(1, 2))
    log.publish(folder)
    fine(other.update())
    log.rotate("c", witnesses="y")
    log.release(rules(1, 3))
    log.publish(folder)
    for one in client, other:
        fine(one.update())
        assert one.seq() == 3 and one.finds(3)
        assert files_of(one) == (log.policy(), log.trust())
        assert len(rotations_of(one)) == 2
    new = Client()
    fine(new.add(at_home, folder))  # given the files of long ago
    assert new.seq() == 3 and files_of(new) == (log.policy(), log.trust())


def sixteen_and_one_more():
    log, client, folder = started()
    for i in range(17):
        log.rotate("bc"[i % 2], witnesses="xy"[i % 2])
    log.release(rules(1, 2))
    log.publish(folder)
    refused(client.update(), "more than 16 rotations")
    assert client.seq() == 1 and client.finds(1)
    fine(client.update())
    assert client.seq() == 2 and len(rotations_of(client)) == 17


def keys_of_two_logs():
    """A policy of the same log with another URL, comments and empty lines in both files."""
    log, client, folder = started()
    policy = "# ours\n\n" + log.policy().replace("\n", " https://log.example/\n", 1)
    plain = log.copy()
    plain.rotate("b")
    trust = plain.trust().replace("\n", "\n\n# since November\n", 1)
    log.rotate("b", policy=policy, trust=trust)
    log.release(rules(1, 2))
    log.publish(folder)
    fine(client.update())
    assert files_of(client) == (policy, trust)


def all_clients_ask_alike():
    log, _, folder = started()
    latest = "GET /feed/stable/latest.tlog-proof HTTP/1.1"
    rotation = "GET /feed/stable/policy-%d.tlog-proof HTTP/1.1"
    seen, clients = [], [Client(), Client()]
    with served(folder, seen) as url:
        for client in clients:
            fine(client.add(log, url))
        log.rotate("b")
        log.release(rules(1, 2))
        log.publish(folder)
        asked = []
        for client in clients:
            seen.clear()
            fine(client.update())
            asked.append({line for line, _ in seen})  # two at once: in any order
    assert asked[0] == asked[1], asked
    assert {rotation % 2, latest, rotation % 3} < asked[0] and rotation % 4 not in asked[0], asked


# ---- what is refused ----------------------------------------------------------------------------

def by_a_stolen_key():
    log, client, folder = started()
    for old, new, why in (((2,), (0, 1), "keys that are believed now: fewer release keys"),
                          ((), (0, 1), "keys that are believed now: no release key"),
                          ((0, 1), (), "new keys: no release key"),
                          ((0, 1), (1,), "new keys: fewer release keys")):
        evil = log.copy()
        evil.rotate("b", old=old, new=new)  # in the log, and witnessed
        evil.release(rules(1, 2))
        evil.publish(folder)
        stays(client, log, client.update(), why)
        refused(Client().add(log, folder), why)


def not_in_the_log():
    log, client, folder = started()
    evil = log.copy()
    evil.rotate("b")
    log.entries.append(b"what stands there instead")
    log.rotations = {2: log.proof(1, leaf=evil.entries[1])}
    log.publish(folder)
    stays(client, log, client.update(), "not proven to stand in the log")


def witnessed_by_too_few():
    log, client, folder = started()
    for who in (), (2,):
        evil = log.copy()
        evil.rotate("b", witnesses="x", cosigners=who)
        evil.publish(folder)
        stays(client, log, client.update(), "quorum")


def of_another_version():
    log, client, folder = started()
    skipping = log.copy()
    skipping.version = 2
    skipping.rotate("b")
    skipping.rotations = {2: skipping.rotations[3]}
    skipping.publish(folder)
    stays(client, log, client.update(), "a rotation to version 3 of the trust file; this is version 1")
    lying = log.copy()
    lying.rotate("b", version=7)
    lying.publish(folder)
    stays(client, log, client.update(), "a rotation to version 7")
    lying = log.copy()
    lying.rotate("b", trust=log.trust())  # whose version is the old one
    lying.publish(folder)
    stays(client, log, client.update(), "trust file is of the feed stable and version 1")


def played_again():
    log, client, folder = started()
    log.rotate("b")
    log.release(rules(1, 2))
    log.publish(folder)
    fine(client.update())
    log.rotations[3] = log.rotations[2]
    log.publish(folder)
    refused(client.update(), "a rotation to version 2 of the trust file; this is version 2")
    assert files_of(client) == (log.policy(), log.trust()) and client.finds(2)


def of_another_feed():
    log, client, folder = started()
    evil = log.copy()
    evil.rotate("b", feed="testing")
    evil.publish(folder)
    stays(client, log, client.update(), "a rotation of the feed testing, not of stable")
    evil = log.copy()
    evil.rotate("b", trust=log.trust().replace("feed stable", "feed testing"))
    evil.publish(folder)
    stays(client, log, client.update(), "trust file is of the feed testing")


def to_another_log():
    log, client, folder = started()
    other = Log(NOW, origin="log.example/other")
    evil = log.copy()
    evil.rotate("b", policy=other.policy())
    evil.publish(folder)
    stays(client, log, client.update(), "does not know this log any more (log.example/rules)")
    other.rotate("b")
    evil = log.copy()
    evil.rotations = {2: other.rotations[2]}
    evil.publish(folder)
    stays(client, log, client.update(), "not proven to stand in the log")


def files_that_cannot_be_read():
    log, client, folder = started()
    for changes, why in (({"policy": "quorum nobody\n"}, "the rotation's policy, line 1"),
                         ({"trust": log.trust().replace("threshold 2", "threshold 9")},
                          "the rotation's trust file, line 7"),
                         ({"time": NOW + 2 * DAY}, "dated in the future")):
        evil = log.copy()
        evil.rotate("b", **changes)
        evil.publish(folder)
        stays(client, log, client.update(), why)
    evil.rotations = {2: b"no proof"}
    evil.publish(folder)
    stays(client, log, client.update(), "the rotation's proof is malformed")


def old_keys_sign_nothing_more():
    log, client, folder = started()
    old_keys = log.release_keys.copy()
    log.rotate("b", witnesses="x")
    log.publish(folder)
    fine(client.update())
    evil = log.copy()
    evil.release_keys = old_keys
    evil.release(rules(1, 2))
    evil.publish(folder)
    keeps(client, client.update(), "no release key that is trusted has signed it")
    evil = log.copy()
    evil.release(rules(1, 2), signers=(0,))
    evil.publish(folder)
    keeps(client, client.update(), "fewer release keys have signed")
    evil = log.copy()
    evil.release_keys = old_keys
    evil.withdraw(1)  # nor do they take anything away
    evil.publish(folder)
    fine(client.update())
    assert client.sets()["stable"]["withdrawn"] is False
    log.release(rules(1, 2))
    log.entries.append(b"the log goes on")
    log.publish(folder)
    fine(client.update())
    assert client.seq() == 2


def old_witnesses_prove_nothing_more():
    log, client, folder = started()
    old = log.witnesses.copy()
    log.rotate("b", witnesses="x")
    log.publish(folder)
    fine(client.update())
    log.release(rules(1, 2))
    evil = log.copy()
    evil.witnesses = old
    evil.publish(folder)
    keeps(client, client.update(), "quorum")
    log.publish(folder)
    fine(client.update())


def held_back():
    """Who never gets to see the rotation cannot be given rules of its keys: he is told."""
    log, client, folder = started()
    log.rotate("b")
    log.release(rules(1, 2))
    log.publish(folder)
    proof = folder / "feed/stable/policy-2.tlog-proof"
    proof.rename("held-back")
    stays(client, Log(NOW), client.update(), "no release key that is trusted has signed it")
    shutil.move("held-back", proof)
    fine(client.update())


# ---- on disk ------------------------------------------------------------------------------------

def killed_at_every_step():
    if not FAULTY.exists():
        raise Skip("no programs that can be ended at a step")
    log, client, folder = started()
    fresh = log.copy()
    log.rotate("b", witnesses="x")
    log.rotate("c", witnesses="y")
    log.release(rules(1, 2))
    log.publish(folder)
    shutil.copytree(client.state, "kept")
    step, versions = 0, set()
    while True:
        step += STRIDE
        shutil.rmtree(client.state)
        shutil.copytree("kept", client.state)
        done = client.update(overt=FAULTY, env={"OVERT_FAULT": str(step)})
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, f"{step}: {done.returncode} {done.stderr}"
        assert client.finds(1) == "stable:rules.ndb", step
        fine(client.run("rules", "verify"))
        fine(client.run("rules", "list"))
        feed = client.state / "rules/feeds/stable"
        versions.add(((feed / "overt.trust").read_text().splitlines()[2],
                      (feed / "rotation.pending").exists()))
        fine(client.update())
        assert client.seq() == 2 and client.finds(2), step
        assert files_of(client) == (log.policy(), log.trust()), step
        fine(client.run("rules", "verify"))
    found = {(f"version {version}", is_pending) for version in (1, 2) for is_pending in (0, 1)}
    assert found <= versions, versions
    assert fresh.version == 1 and step > 20, step
    print(f"# killed at {step // STRIDE} steps")


def what_an_older_feed_left():
    log, client, folder = started()
    feed = client.state / "rules/feeds/stable"
    fine(client.run("rules", "remove", "stable"))
    feed.mkdir()
    (feed / "rotation.pending").write_text(
        f"overt-policy/v1\nfeed stable\nversion 0\ntime 0\ntrust overt-trust/v1\npolicy quorum none\n")
    fine(client.add(log, folder))
    assert files_of(client) == (log.policy(), log.trust())
    fine(client.update())


# ---- our own publisher --------------------------------------------------------------------------

class Mine:
    """A log of `overt log`, two witnesses for each policy, and keys for two trust files."""

    def __init__(self, name):
        self.folder = pathlib.Path(name)
        self.witnesses = {f"{kind}{i}": sha256(f"{name} witness {kind}{i}".encode())
                          for kind in "wx" for i in range(2)}
        lines = {who: f"{who} {self.vkey(who)}" for who in self.witnesses}
        self.log("create", "--origin", "log.example/rules", "--release-keys", 2,
                 "--witness", lines["w0"], "--witness", lines["w1"])
        self.keep("old")
        self.old_keys = sorted(pathlib.Path(f"{name}.private").glob("release-*.key"))
        trust, policy = self.given("old")
        self.new_keys, vkeys = [], []
        for i in range(2):
            self.new_keys.append(pathlib.Path(f"{name}-new-{i}.key"))
            done = fine(run("log", "key", f"n{i}.example", "-o", self.new_keys[-1]))
            vkeys.append(f"release {done.stdout.strip()}")
        old = [line for line in trust.splitlines() if line.startswith("release ")]
        for line, vkey in zip(old, vkeys):
            trust = trust.replace(line, vkey)
        for i in range(2):  # as a witness, and as a member of the group
            policy = policy.replace(lines[f"w{i}"], lines[f"x{i}"]).replace(f" w{i}", f" x{i}")
        self.give("new", trust.replace("version 1", "version 2"), policy)

    def vkey(self, who):
        public = ed25519.public_key(self.witnesses[who])
        return ed25519.vkey(f"{who}.example", COSIGNATURE, public)

    def give(self, name, trust, policy):
        folder = pathlib.Path(f"{self.folder}-{name}")
        folder.mkdir(exist_ok=True)
        (folder / "overt.trust").write_text(trust)
        (folder / "log.policy").write_text(policy)

    def given(self, name):
        folder = pathlib.Path(f"{self.folder}-{name}")
        return (folder / "overt.trust").read_text(), (folder / "log.policy").read_text()

    def published(self):
        return (self.folder / "overt.trust").read_text(), (self.folder / "log.policy").read_text()

    def keep(self, name):
        self.give(name, *self.published())

    def run(self, word, *words, **how):
        return run("log", word, self.folder, *words, **how)

    def log(self, word, *words):
        return fine(self.run(word, *words))

    def sign(self, *keys):
        return [word for key in keys for word in ("--sign", key)]

    def checkpoint(self, *who, **how):
        """With the cosignatures of these witnesses."""
        note = self.log("checkpoint", "--request", 0).stdout.split("\n\n", 1)[1]
        text = (note.split("\n\n")[0] + "\n").encode()
        lines = pathlib.Path(f"{self.folder}-cosignatures")
        lines.write_bytes(b"".join(ed25519.signature_line(f"{one}.example", COSIGNATURE,
                                                          self.witnesses[one], text, NOW)
                                   for one in who))
        return self.run("checkpoint", "--witness-file", lines, **how)

    def rotate(self, trust="new", policy="new", keys=None):
        return self.run("rotate", "--trust", f"{self.folder}-{trust}/overt.trust",
                        "--policy", f"{self.folder}-{policy}/log.policy",
                        *self.sign(*(self.new_keys if keys is None else keys)))

    def proves(self, name):
        """Whether what clients of the old version ask for convinces who has these files."""
        done = run("log", "verify", self.folder / "feed/stable/policy-2.tlog-proof",
                   "--policy", f"{self.folder}-{name}/log.policy",
                   "--trust", f"{self.folder}-{name}/overt.trust")
        return done.returncode == 0 and "rotation" in done.stdout

    def audit(self):
        fine(run("log", "verify", self.folder, "--policy", self.folder / "log.policy"))

    def add(self, client):
        return client.run("rules", "add", self.folder, "--policy", f"{self.folder}-old/log.policy")


def run(*words, overt=OVERT, env=None):
    return subprocess.run([overt, *map(str, words)], capture_output=True, text=True, timeout=120,
                          check=False, env={**os.environ, **(env or {})})


def mine(name):
    if shutil.which("zstd") is None:
        raise Skip("zstd is not there to make bundles")
    log = Mine(name)
    pathlib.Path("rules.ndb").write_bytes(rules(1)["rules.ndb"])
    log.log("append", "rules.ndb")
    fine(log.checkpoint("w0", "w1"))
    return log


def our_log_gets_new_keys():
    log, client, away = mine("mine"), Client(), Client()
    for one in client, away:
        fine(log.add(one))
    old, new = log.given("old"), log.given("new")

    refused(log.rotate(keys=()), "no release key that is trusted")
    refused(log.rotate(keys=log.new_keys[:1]), "fewer release keys")
    log.give("third", new[0].replace("version 2", "version 3"), new[1])
    refused(log.rotate("third"), "is not the next version")
    other = "log log.example/rules" + new[1].split("log log.example/rules", 1)[1]
    foreign = ed25519.vkey("log.example/rules", NOTE, ed25519.public_key(sha256(b"foreign")))
    log.give("foreign", new[0], f"log {foreign}\n" + other)
    refused(log.rotate(policy="foreign"), "the first log of the new policy is not this one")
    done = fine(log.rotate())
    assert "release once more" in done.stdout, done.stdout

    for who in ("w0", "w1"), ("x0", "x1"), ("w0", "x0", "x1"), ("w0", "w1", "x1"):
        refused(log.checkpoint(*who), "too few witnesses")
        assert log.published() == old and not (log.folder / "feed/stable/policy-2.tlog-proof").exists()
    fine(log.checkpoint("w0", "w1", "x0", "x1"))
    assert log.published() == new and log.proves("old") and log.proves("new")
    log.audit()

    fine(client.update())  # what is active stays, though old keys have signed it
    assert client.seq() == 1 and files_of(client) == (new[1], new[0])
    fine(client.run("rules", "verify"))
    refused(log.add(Client()), "no release key that is trusted")  # and is given to nobody any more

    proof = (log.folder / "feed/stable/policy-2.tlog-proof").read_bytes()
    refused(log.run("append", "rules.ndb"), "0 of the 2 release keys")
    done = log.log("append", "rules.ndb", *log.sign(*log.new_keys))
    assert "release 2 of stable: 1 files, 1 rules, 0 added, 0 removed" in done.stdout, done.stdout
    fine(log.checkpoint("x0", "x1"))  # the witnesses of before are gone
    log.audit()
    assert (log.folder / "feed/stable/policy-2.tlog-proof").read_bytes() == proof
    fine(log.add(Client()))
    for one in client, away:
        fine(one.update())
        assert one.seq() == 2 and files_of(one) == (new[1], new[0])
        fine(one.run("rules", "verify"))
    done = log.log("append", "rules.ndb", *log.sign(*log.new_keys))
    assert "has these files already" in done.stdout, done.stdout


def our_log_killed_at_every_step():
    if not FAULTY.exists():
        raise Skip("no programs that can be ended at a step")
    log = mine("killed")
    fine(log.rotate())
    old, new = log.given("old"), log.given("new")
    folders = log.folder, pathlib.Path(f"{log.folder}.private")
    for one in folders:
        shutil.copytree(one, f"kept-{one}")
    step, seen = 0, set()
    while True:
        step += 1
        for one in folders:
            shutil.rmtree(one)
            shutil.copytree(f"kept-{one}", one)
        done = log.checkpoint("w0", "w1", "x0", "x1", overt=FAULTY, env={"OVERT_FAULT": str(step)})
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, f"{step}: {done.returncode} {done.stderr}"
        has_proof = (log.folder / "feed/stable/policy-2.tlog-proof").exists()
        seen.add((has_proof, *[a == b for a, b in zip(log.published(), new)]))
        done = log.checkpoint("x0", "x1")  # the old witnesses go before the rotation is done
        assert (done.returncode == 0) == (log.published() == new), f"{step}: {done.stderr}"
        if done.returncode != 0:
            assert log.published()[1] == old[1], step
            fine(log.checkpoint("w0", "w1", "x0", "x1"))
        assert log.published() == new and log.proves("old") and log.proves("new"), step
        log.audit()
    assert {(False, False, False), (True, False, False), (True, True, False),
            (True, True, True)} == seen, seen
    print(f"# killed at {step - 1} steps")


if __name__ == "__main__":
    main([new_keys_and_witnesses, before_there_is_another_release, two_at_once_for_who_was_away,
          sixteen_and_one_more, keys_of_two_logs, all_clients_ask_alike, by_a_stolen_key,
          not_in_the_log, witnessed_by_too_few, of_another_version, played_again, of_another_feed,
          to_another_log, files_that_cannot_be_read, old_keys_sign_nothing_more,
          old_witnesses_prove_nothing_more, held_back, killed_at_every_step,
          what_an_older_feed_left, our_log_gets_new_keys, our_log_killed_at_every_step])
