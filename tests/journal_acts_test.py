#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 300
"""What Overt does beside giving verdicts is in the journal, too: which rules ran, which processes
there were, what they sent, what was done to files. TAP."""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/journal"))
from journals import (  # noqa: E402  pylint: disable=wrong-import-position
    BUILD, OVERT, RULES, SOURCE, Journal, Skip, environment, main, scan, tree, verify)
sys.path.insert(0, str(SOURCE / "tests"))
import feed_test  # noqa: E402  pylint: disable=wrong-import-position


def overt(*words, state="state", program=OVERT, **how):
    return subprocess.run([program, *map(str, words)], capture_output=True, check=False,
                          timeout=120, stdin=subprocess.DEVNULL, env=environment(state), **how)


def bodies(kind, state="state"):
    return [entry.body for entry in Journal(state).entries() if entry.type == kind]


# ---- which rules ran ----------------------------------------------------------------------------

def sets_of(state="state"):
    """Those of the newest entry `load`."""
    return [value for key, value in bodies("load", state)[-1] if key == "set"]


def an_image_names_its_files():
    tree("t", 2)
    assert scan("t").returncode == 0
    assert sets_of() == ["rules.ndb local"], sets_of()
    (first := pathlib.Path("o dd.ndb")).write_bytes(pathlib.Path(RULES).read_bytes())
    folder = pathlib.Path("more")
    folder.mkdir()
    for number in range(200):
        (folder / f"r{number:03}.ndb").write_text(f"R-{number}:0:*:{number:08x}6f766572\n")
    assert overt("scan", "--rules", first, "t").returncode == 0
    assert sets_of() == ["o%20dd.ndb local"], sets_of()
    assert overt("scan", "--rules", first, "--rules", folder, "t").returncode == 0
    wanted = ["o%20dd.ndb local"] + [f"r{number:03}.ndb local" for number in range(127)]
    assert sets_of() == wanted + ["/73 local"], sets_of()
    assert verify()[0] == 0


def the_rules_of_the_program():
    tree("t", 1)
    assert overt("scan", "t", program=BUILD / "overt").returncode == 0
    assert sets_of() == ["starter built-in"], sets_of()
    assert verify()[0] == 0


# ---- processes ----------------------------------------------------------------------------------

def digest_of(program):
    return hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()


def roles_of(run=None, state="state"):
    """[(role, program, layers, how it ended)], in their order; of the newest run, or of this one."""
    entries = Journal(state).entries()
    run = run or entries[-1].run
    began, ended = {}, {}
    for entry in entries:
        body = dict(entry.body)
        if entry.run == run and entry.type == "role":
            assert body["pid"] not in began, entry
            began[body["pid"]] = (body["role"], body["program"], body["layers"])
        elif entry.run == run and entry.type == "gone":
            assert began[body["pid"]][0] == body["role"] and body["pid"] not in ended, entry
            ended[body["pid"]] = body["how"]
    return [(*what, ended.get(pid)) for pid, what in began.items()]


def the_processes_of_a_scan():
    tree("t", 30)
    assert scan("t").returncode == 0
    own, worker = digest_of(OVERT), digest_of(OVERT.parent / "overt-worker")
    roles = roles_of()
    assert [(role, program, how) for role, program, _, how in roles] == [
        ("keeper", own, None), ("worker", worker, "exit 0")], roles
    assert all(int(layers, 16).bit_count() > 3 for _, _, layers, _ in roles), roles
    status = subprocess.run([OVERT, "scan", "--json", "--no-journal", "--rules", RULES, "t"],
                            capture_output=True, check=True)
    layers = json.loads(status.stdout.splitlines()[-1])["summary"]["confinement"]
    assert int(roles[1][2], 16).bit_count() == len(layers), (roles, layers)
    assert overt("scan", "--jobs", "1", "--rules", RULES, "t").returncode == 0
    roles = roles_of()
    assert [(role, program, how) for role, program, _, how in roles] == [
        ("keeper", own, None), ("builder", worker, "exit 0"), ("worker", worker, "exit 0")], roles
    assert all(int(layers, 16).bit_count() > 3 for _, _, layers, _ in roles), roles
    types = [entry.type for entry in Journal().entries() if entry.run == Journal().entries()[-1].run]
    assert types[:2] == ["start", "role"] and types.index("load") < types.index("scan"), types
    assert types.index("gone") < types.index("load"), types  # the builder had ended
    assert verify()[0] == 0


def a_worker_that_dies():
    folder = tree("t", 40)
    (folder / "f0007").write_text("OVERT-TEST crash\n")
    done = scan("--jobs", "1", "--verbose", "t")
    assert done.returncode == 2 and done.stdout.count(b": OK\n") == 39, done
    names, crashes = Journal().names(), bodies("crash")
    files = [names.get(dict(body)["file"]) for body in crashes]
    assert files == [None, b"t/f0007"], files  # among others, and then alone
    assert all(dict(body)["role"] == "worker" for body in crashes), crashes
    assert dict(crashes[1])["why"] == "scanner%20process%20crashed", crashes
    ends = [how for role, _, _, how in roles_of() if role == "worker"]
    assert len(ends) == 3 and ends[2] == "exit 0", ends
    assert all(end.startswith("signal ") for end in ends[:2]), ends
    # What died is on disk before another takes its place.
    types = [entry.type for entry in Journal().entries()]
    for at, kind in enumerate(types):
        if kind == "crash":
            assert types[at - 1] == "gone" and "role" in types[at:], types
    assert dict(Journal().files())[b"t/f0007"] == "error"
    assert verify()[0] == 0


def rules_that_are_refused():
    tree("t", 1)
    pathlib.Path("bad.ovi").write_bytes(b"no image")
    assert overt("scan", "--rules", "bad.ovi", "t").returncode == 2
    refusal = dict(bodies("refuse")[0])
    assert refusal["set"] == "bad.ovi" and not bodies("load") and not bodies("scan"), refusal
    stop = dict(bodies("stop")[0])
    assert stop["exit"] == "2" and stop["files"] == "0", stop
    pathlib.Path("none.ndb").write_text("nothing\n")
    assert overt("scan", "--rules", "none.ndb", "t").returncode == 2
    assert dict(bodies("refuse")[1])["set"] == "none.ndb" and len(bodies("stop")) == 2
    assert verify()[0] == 0


# ---- what left the machine ----------------------------------------------------------------------

class Relay:
    """Stands before a server and counts each byte, both ways."""

    def __init__(self, url):
        self.to = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
        self.sent, self.received, self.threads = 0, 0, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.to)
            for name, one, other in ("sent", client, server), ("received", server, client):
                self.threads.append(threading.Thread(target=self.carry, args=(name, one, other)))
                self.threads[-1].start()

    def carry(self, name, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                setattr(self, name, getattr(self, name) + len(data))
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def check(self, state):
        """The newest run says of this peer what came by here. The kernel counts the other side's
        end of a connection as a byte that came."""
        for thread in self.threads:
            thread.join(timeout=20)
        (sent, received), = newest_sent(state)[0].values()
        assert min(self.sent, self.received) > 100
        assert sent == self.sent and newest_sent(state)[1] == str(sent), (sent, self.sent)
        assert 0 <= received - self.received <= len(self.threads) // 2, (received, self.received)
        assert list(newest_sent(state)[0]) == [self.url]
        self.sent, self.received, self.threads = 0, 0, []


def newest_sent(state):
    """({peer: (bytes, received)}, what `stop` says) of the newest run."""
    entries = Journal(state).entries()
    mine = [dict(entry.body) for entry in entries if entry.run == entries[-1].run]
    sent = {}
    for body in mine:
        if "peer" in body:
            assert body["role"] == "fetcher", body
            bytes_of = sent.setdefault(body["peer"], [0, 0])
            bytes_of[0] += int(body["bytes"])
            bytes_of[1] += int(body["received"])
    return {peer: tuple(counts) for peer, counts in sent.items()}, mine[-1]["sent"]


def what_an_update_sends():
    log, client, folder = feed_test.started()
    assert newest_sent(client.state) == ({}, "0")  # a scan
    with feed_test.served(folder) as url:
        relay, other = Relay(url), feed_test.Client()
        feed_test.fine(other.add(log, relay.url))
        relay.check(other.state)
        log.release(feed_test.rules(1, 2))
        log.publish(folder)
        feed_test.fine(other.update())
        relay.check(other.state)
        roles = [(role, how) for role, _, _, how in roles_of(state=other.state)]
        assert ("fetcher", "exit 0") in roles and ("verifier", "exit 0") in roles, roles
        assert ("builder", "exit 0") in roles and all(how for _, how in roles[1:]), roles
    relay.listener.shutdown(socket.SHUT_RDWR)
    relay.listener.close()
    feed_test.refused(other.update(), "")  # nobody is there: it sent nothing
    sent, said = newest_sent(other.state)
    assert sent == {} and said == "0", (sent, said)
    assert verify(state=other.state)[0] == 0


# ---- what was done to files ---------------------------------------------------------------------

def actions_of(state="state"):
    """[(word, path, sha256, result)]"""
    names = Journal(state).names()
    return [(body["word"], names[body["file"]], body["sha256"], body["result"])
            for body in map(dict, bodies("action", state))]


def quarantine_and_back():
    folder = tree("t", 3, found={1})
    path, content = folder / "f0001", (folder / "f0001").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert scan("--quarantine", "q", "t").returncode == 1 and not path.exists()
    assert actions_of() == [("quarantine", b"t/f0001", digest, "intended"),
                            ("quarantine", b"t/f0001", digest, "done")], actions_of()
    types = [entry.type for entry in Journal().entries()]
    assert types.index("files") < types.index("action") < types.index("stop"), types
    name = next(pathlib.Path("q").glob("*.sealed")).stem
    assert overt("quarantine", "restore", "--dir", "q", name).returncode == 0
    assert path.read_bytes() == content
    place = os.fsencode(path.absolute())
    assert actions_of()[2:] == [("restore", place, "-", "intended"), ("restore", place, "-", "done")]
    assert scan("--quarantine", "q", "t").returncode == 1
    name = next(pathlib.Path("q").glob("*.sealed")).stem
    path.write_text("another one")
    assert overt("quarantine", "restore", "--dir", "q", name).returncode == 2
    assert overt("quarantine", "delete", "--dir", "q", name, "no-such-file").returncode == 2
    assert [(word, result) for word, _, _, result in actions_of()[6:]] == [
        ("restore", "intended"), ("restore", "failed"),
        ("delete", "intended"), ("delete", "done")], actions_of()
    stops = [dict(body)["exit"] for body in bodies("stop")]
    assert stops == ["1", "0", "1", "2", "2"], stops
    count = len(Journal().entries())
    assert overt("quarantine", "delete", "--dir", "q", "--no-journal", "x").returncode == 2
    assert overt("quarantine", "list", "--dir", "q").returncode == 0
    assert len(Journal().entries()) == count and verify()[0] == 0


def what_cannot_be_written_down_is_not_done():
    tree("t", 2, found={1})
    assert scan("--quarantine", "q", "t").returncode == 1
    name = next(pathlib.Path("q").glob("*.sealed")).stem
    pathlib.Path("state/journal/key").rename("key")
    for word in ("restore", "delete"):
        done = overt("quarantine", word, "--dir", "q", name)
        assert done.returncode == 2 and b"journal" in done.stderr, done
    assert not pathlib.Path("t/f0001").exists() and list(pathlib.Path("q").glob("*.sealed"))


def quarantine_killed_at_every_step():
    """Whatever was done was intended before, and the file is never lost."""
    faulty = BUILD / "tests/faulty/overt"
    if not faulty.exists():
        raise Skip("no programs that can be ended at a step")
    tree("t", 2)
    line = b"quarantine me"
    pathlib.Path("r.ndb").write_text(f"Q-1:0:*:{line.hex()}\n")
    assert overt("rules", "build", "-o", "r.ovi", "r.ndb").returncode == 0
    (path := pathlib.Path("t/f0001")).write_bytes(line)
    assert overt("scan", "--rules", "r.ovi", "--quarantine", "q0", "t", state="keyed",
                 program=BUILD / "overt").returncode == 1
    step, taken, intended = 0, 0, 0
    while True:
        step += 1
        path.write_bytes(line)
        for place in "state", "q":
            shutil.rmtree(place, ignore_errors=True)
        pathlib.Path("state").mkdir()
        shutil.copy("keyed/quarantine.key", "state")
        done = subprocess.run([faulty, "scan", "--jobs", "1", "--rules", "r.ovi", "--quarantine", "q",
                               "t"], capture_output=True, check=False, timeout=60,
                              env=environment("state", OVERT_FAULT=str(step)))
        if done.returncode == 1 and b"keeper" not in done.stderr:
            break
        assert done.returncode in (1, 2, -9), (step, done)  # the keeper's end, or its own
        told = [result for _, _, _, result in actions_of()] \
            if (Journal().path / "checkpoint").exists() else []
        assert path.exists() or "intended" in told, (step, told)
        sealed = list(pathlib.Path("q").glob("*.sealed")) if pathlib.Path("q").exists() else []
        assert path.exists() or sealed, step
        taken, intended = taken + (not path.exists()), intended + ("intended" in told)
    print(f"# ended at {step - 1} steps: taken away at {taken}, intended at {intended}")
    assert intended > 0


# ---- digests ------------------------------------------------------------------------------------

def digests_of_files():
    """{path: sha256} of the newest run."""
    names, entries, found = Journal().names(), Journal().entries(), {}
    for entry in entries:
        for key, value in entry.body:
            if key == "file" and entry.type == "files" and entry.run == entries[-1].run:
                found[names[value.split()[0]]] = value.split()[7]
    return found


def digests():
    folder = tree("t", 5, found={1})
    for name, size in ("large", 300_000), ("larger", 5_000_000):
        (folder / name).write_bytes(b"OVERT-TEST found\n" + os.urandom(size))
    (folder / "empty").touch()
    (folder / "plain").write_bytes(b"OVERT-TEST nothing\n" + os.urandom(200_000))
    scan("t")
    wanted = {os.fsencode(path): hashlib.sha256(path.read_bytes()).hexdigest()
              for path in folder.iterdir() if path.name != "empty"}
    found = {path: digest for path, digest in digests_of_files().items() if digest != "-"}
    assert set(found) == {b"t/f0001", b"t/large", b"t/larger"}, found
    assert all(wanted[path] == digest for path, digest in found.items()), found
    scan("--digests", "t")
    assert digests_of_files() == {**wanted, b"t/empty": "-"}
    assert verify()[0] == 0


if __name__ == "__main__":
    main([an_image_names_its_files, the_rules_of_the_program, the_processes_of_a_scan,
          a_worker_that_dies, rules_that_are_refused, what_an_update_sends, quarantine_and_back,
          what_cannot_be_written_down_is_not_done, quarantine_killed_at_every_step, digests])
