#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""overt rules add, update, verify and list against feeds that were made by another program: what is
loaded, and, one attack at a time, what is refused, with the rules of before still active. TAP."""
# timeout: 600
import contextlib
import functools
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/feed"))
sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/scan"))
from foreign_log import Log, b64, leaf_hash  # noqa: E402
from harness import BUILD, Skip, main  # noqa: E402

STRIDE = 1 if os.environ.get("OVERT_LONG") else 2  # of the steps at which it is killed
OVERT, FAULTY = BUILD / "overt", BUILD / "tests/faulty/overt"
NOW, DAY = int(time.time()), 24 * 3600
NUMBER = iter(range(10**6))
MARKS = {i: b"mark of rule %03d, harmless" % i for i in range(60)}


def rules(*numbers):
    """One database of body rules."""
    lines = b"".join(b"Test.Rule-%d:0:*:%s\n" % (n, MARKS[n].hex().encode()) for n in numbers)
    return {"rules.ndb": b"# rules of a test\n" + lines}


class Client:
    """A state of its own."""

    def __init__(self):
        self.state = pathlib.Path(f"client-{next(NUMBER)}").absolute()

    def run(self, *words, overt=OVERT, before=(), env=None, timeout=120):
        return subprocess.run([*before, overt, *map(str, words)], capture_output=True, text=True,
                              timeout=timeout, check=False,
                              env={**os.environ, "OVERT_STATE": str(self.state), **(env or {})})

    def add(self, log, source, *words, **how):
        trust = self.state.parent / f"trust-{next(NUMBER)}"
        trust.mkdir()
        (trust / "log.policy").write_text(log.policy())
        (trust / "overt.trust").write_text(log.trust())
        return self.run("rules", "add", source, "--policy", trust / "log.policy", *words, **how)

    def update(self, *words, **how):
        return self.run("rules", "update", *words, **how)

    def sets(self):
        done = self.run("rules", "list", "--json")
        return {one["set"]: one for one in map(json.loads, done.stdout.splitlines())}

    def entries(self, kind):
        """The lines of the journal's entries of this type, the oldest first."""
        done = fine(self.run("journal", "list", "--json", "--reverse", "--type", kind))
        bodies = [json.loads(line)["body"].splitlines() for line in done.stdout.splitlines()]
        return [{word: urllib.parse.unquote(rest) for word, rest in (line.split(" ", 1) for line in body)}
                for body in bodies]

    def seq(self):
        return self.sets().get("stable", {}).get("seq")

    def finds(self, number):
        """The set in which the rule of this number was found to match, or None."""
        path = pathlib.Path(f"file-{next(NUMBER)}")
        path.write_bytes(b"before " + MARKS[number] + b" after")
        done = self.run("scan", "--json", path)
        first = json.loads(done.stdout.splitlines()[0])
        path.unlink()
        return first["detections"][0]["set"] if first["verdict"] == "found" else None


def fine(done):
    assert done.returncode == 0, f"{done.returncode}: {done.stdout} {done.stderr}"
    return done


def refused(done, why):
    assert done.returncode == 2 and why in done.stderr, f"{done.returncode}: {done.stderr}"


def started(**how):
    """A log with release 1 (rule 1), published; a client that has it."""
    if shutil.which("zstd") is None:
        raise Skip("zstd is not there to make bundles")
    log, client = Log(NOW, **how), Client()
    log.release(rules(1))
    folder = log.publish(f"feed-{next(NUMBER)}")
    fine(client.add(log, folder))
    assert client.seq() == 1 and client.finds(1) == "stable:rules.ndb"
    return log, client, folder


def keeps(client, done, why):
    """Refused, and release 1 still finds what it found."""
    refused(done, why)
    assert client.seq() == 1, client.seq()
    assert client.finds(1) == "stable:rules.ndb" and client.finds(2) is None
    refusal = client.entries("refuse")[-1]
    assert refusal["set"] == "stable" and why in refusal["why"], refusal


@contextlib.contextmanager
def served(folder, seen=None):
    """A web server; `seen` gets the bytes of each request, but for its port."""
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            if seen is not None:
                seen.append((self.requestline, sorted(self.headers.items())))

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ---- what is loaded -----------------------------------------------------------------------------

def releases_one_after_another():
    log, client, folder = started()
    for seq in range(2, 6):
        log.release(rules(1, seq))
        log.publish(folder)
        fine(client.update())
        assert client.seq() == seq
        assert client.finds(seq) == "stable:rules.ndb"
        assert seq == 2 or client.finds(seq - 1) is None
    done = fine(client.update())
    assert "up to date" in done.stdout, done.stdout
    done = fine(client.run("rules", "verify"))
    assert "stable: verified" in done.stdout and "image: verified" in done.stdout, done.stdout
    assert len(list((client.state / "rules/feeds/stable").glob("*/bundle.tar"))) == 1
    assert len(list((client.state / "rules").glob("*.ovi"))) == 1


def from_a_server_all_clients_alike():
    log, client, folder = started()
    requests = [[], []]
    for i in range(2):
        other = Client()
        with served(folder, requests[i]) as url:
            fine(other.add(log, url))
            log_2 = log.copy()
            log_2.release(rules(1, 2))
            log_2.publish(folder)
            fine(other.update())
            assert other.finds(2) == "stable:rules.ndb"
        log.publish(folder)
    # Some are sent at once, and come in any order.
    plain = [sorted((line, [h for h in headers if h[0] != "Host"]) for line, headers in one)
             for one in requests]
    assert plain[0] == plain[1] and plain[0], plain
    names = {name.lower() for _, headers in plain[0] for name, _ in headers}
    assert names <= {"user-agent", "accept"}, names
    assert all("?" not in line and line.startswith("GET /") for line, _ in plain[0])
    assert any("/delta/" in line for line, _ in plain[0])
    assert client.seq() == 1


def without_any_network():
    log, client, folder = started()
    if os.geteuid() != 0:
        raise Skip("needs root, for a network namespace without a network")
    log.release(rules(1, 2))
    stick = log.publish("stick")
    shutil.rmtree(folder)
    refused(client.update(), "No such file")
    fine(client.update("--from", stick, before=("unshare", "-n")))
    assert client.seq() == 2 and client.finds(2)


def a_delta_is_small_and_may_be_wrong():
    log, client, folder = started()
    many = rules(*range(1, 40))
    many["other.ndb"] = os.urandom(200000).hex().encode()
    many["other.ndb"] = b"Test.Large:0:*:" + many["other.ndb"][:60000] + b"\n# " + many["other.ndb"]
    log.release(many)
    log.publish(folder)
    fine(client.update())
    more = {**many, "one.ndb": b"Test.More:0:*:" + MARKS[50].hex().encode() + b"\n"}
    log.release(more)
    log.publish(folder)
    done = fine(client.update("--json"))
    fetched = json.loads(done.stdout.splitlines()[0])["fetched_bytes"]
    whole = list(folder.glob("bundle/*"))[0].stat().st_size
    assert fetched < 8192 < max(f.stat().st_size for f in folder.glob("bundle/*")), (fetched, whole)
    assert client.finds(50) == "stable:one.ndb"
    log.release({**more, "two.ndb": b"Test.Two:0:*:" + MARKS[51].hex().encode() + b"\n"})
    log.publish(folder)
    delta = max(folder.glob("delta/*"), key=lambda f: f.name == f"{list(log.bundles)[-2]}-"
                f"{list(log.bundles)[-1]}.zst")
    delta.write_bytes(delta.read_bytes()[:-9] + b"\0" * 9)
    fine(client.update())
    assert client.finds(51) == "stable:two.ndb"


def entries_after_the_release():
    log, client, folder = started()
    log.release(rules(1, 2))
    log.entries += [b"an entry of somebody else %d" % i for i in range(300)]
    log.publish(folder)
    fine(client.update())
    assert client.seq() == 2
    log.release(rules(1, 3))
    log.publish(folder)
    done = fine(client.update("--tiles"))
    assert "shown by its tiles" in done.stdout, done.stdout


def without_witnesses_the_tiles_are_read():
    log, client, folder = started(quorum=0)
    log.release(rules(1, 2))
    log.publish(folder)
    done = fine(client.update())
    assert "shown by its tiles" in done.stdout, done.stdout
    other = log.copy()
    other.entries[0] = b"another first entry"
    other.release(rules(1, 3))
    other.publish(folder)
    refused(client.update(), "split view")
    assert client.seq() == 2


def local_rules_are_told_apart():
    log, client, folder = started()
    local = client.state / "rules/mine.ndb"
    local.write_bytes(rules(7)["rules.ndb"])
    fine(client.update())
    assert client.finds(7) == "local:mine.ndb" and client.finds(1) == "stable:rules.ndb"
    assert client.sets()["local"] == {"set": "local", "kind": "local", "files": 1}
    done = fine(client.run("rules", "verify"))
    assert "local: local: 1 files that stand in no log" in done.stdout, done.stdout
    refused(client.add(log, folder, "--name", "local"), "local rules")
    given = pathlib.Path("given.ndb")
    given.write_bytes(rules(8)["rules.ndb"])
    done = client.run("scan", "--rules", given, "--json", given)
    assert json.loads(done.stdout.splitlines()[0])["detections"] == [] or done.returncode == 1


def two_feeds_and_one_less():
    log, client, _ = started()
    other = Log(NOW, origin="log.example/other")
    other.seed = log.seed[::-1]
    other.release(rules(9))
    folder = other.publish("other-feed")
    refused(client.add(other, folder), "a feed of this name is installed")
    fine(client.add(other, folder, "--name", "second"))
    assert client.finds(9) == "second:rules.ndb" and client.finds(1) == "stable:rules.ndb"
    fine(client.run("rules", "remove", "stable"))
    assert client.finds(1) is None and client.finds(9)
    assert set(client.sets()) == {"second"}
    fine(client.run("rules", "remove", "second"))
    assert set(client.sets()) == {"starter"}


def old_rules_are_told():
    log, client, folder = started()
    log.now = NOW - 9 * DAY
    log.release(rules(1, 2))
    log.publish(folder)
    other = Client()
    done = fine(other.add(log, folder))
    assert "the rules of stable are 9 days old" in done.stderr, done.stderr
    done = other.run("scan", folder)
    assert "the rules of stable are 9 days old" in done.stderr, done.stderr
    assert "STALE" in other.run("rules", "list").stdout
    assert client.seq() == 1


# ---- attacks: each ends in a refusal, and the rules of before stay active --------------------------

def not_in_the_log():
    log, client, folder = started()
    forged = log.leaf(rules(1, 2))  # signed by the release keys, for one victim
    log.entries.append(b"what stands in the log instead")
    log.publish(folder, proof=log.proof(index=1, leaf=forged))
    keeps(client, client.update(), "not proven to stand in the log")
    refused(Client().add(log, folder), "not proven to stand in the log")


def one_victim_alone():
    log, client, folder = started()
    log.release(rules(1, 2))
    log.publish(folder, witnesses=())  # a fork that no witness has seen
    keeps(client, client.update(), "quorum")


def tampered_with():
    log, client, folder = started()
    log.release(rules(1, 2))
    log.publish(folder, with_deltas=False)
    proof = folder / "feed/stable/latest.tlog-proof"
    good = proof.read_bytes()
    lines = good.split(b"\n")
    for number in range(len(lines) - 1):  # each line of the proof, its last letter but one
        if len(lines[number]) < 4:
            continue
        bad = lines.copy()
        letter = b"A" if bad[number][-3:-2] != b"A" else b"B"
        bad[number] = bad[number][:-3] + letter + bad[number][-2:]
        proof.write_bytes(b"\n".join(bad))
        done = client.update()
        assert done.returncode == 2 and client.seq() == 1, (number, done.stderr)
    proof.write_bytes(good)
    (folder / f"bundle/{list(log.bundles)[-1]}.zst").write_bytes(
        (folder / f"bundle/{list(log.bundles)[0]}.zst").read_bytes())
    keeps(client, client.update(), "the bundle ")
    bundle = bytearray(log.bundles[list(log.bundles)[-1]])
    bundle[600] ^= 1
    log.bundles[list(log.bundles)[-1]] = bytes(bundle)
    log.publish(folder, with_deltas=False)
    keeps(client, client.update(), "not the one that the release names (SHA-256)")
    (folder / f"bundle/{list(log.bundles)[-1]}.zst").write_bytes(b"no frame of zstd")
    done = client.update()
    assert done.returncode == 2 and "cannot be unpacked" in done.stderr, done.stderr
    assert client.seq() == 1 and client.finds(1)


def tampered_tiles():
    log, client, folder = started(quorum=0)
    log.release(rules(1, 2))
    log.publish(folder)
    tile = folder / "tile/0/000.p/2"
    good = tile.read_bytes()
    tile.write_bytes(good[:40] + bytes([good[40] ^ 1]) + good[41:])
    keeps(client, client.update(), "tiles do not lead to its signed root")
    tile.write_bytes(good[:32])
    keeps(client, client.update(), "tiles are not of its size")
    tile.write_bytes(good)
    fine(client.update())


def tampered_entries():
    log, client, folder = started()
    log.release(rules(1, 2))
    log.entries.append(b"after it")
    log.publish(folder)
    entries = folder / "tile/entries/000.p/3"
    good = entries.read_bytes()
    entries.write_bytes(good[:-1] + b"?")
    keeps(client, client.update(), "not those of the log")
    entries.write_bytes(good + b"\0")
    keeps(client, client.update(), "malformed")
    entries.write_bytes(good)
    fine(client.update())


def rules_that_are_not_those_of_the_root():
    log, client, folder = started()
    log.release(rules(1, 2), rules=f"2 {b64(leaf_hash(b'another'))}")
    log.publish(folder)
    keeps(client, client.update(), "rules that are not the 2 that the release names")


def too_few_cosignatures():
    log, client, folder = started()
    log.release(rules(1, 2))
    log.publish(folder, witnesses=(2,))
    keeps(client, client.update(), "quorum")
    log.publish(folder, witnesses=(2, 0))
    fine(client.update())


def two_logs_for_two_clients():
    log, client, folder = started()
    other_client, other = Client(), log.copy()
    other_folder = pathlib.Path(f"feed-{next(NUMBER)}")
    log.release(rules(1, 2))
    log.publish(folder)
    fine(client.update())
    other.release(rules(1, 3))  # the same release, another content, cosigned as well: k liars
    other.publish(other_folder)
    fine(other_client.add(other, other_folder))
    for one, folder_of_other in ((client, other_folder), (other_client, folder)):
        refused(one.update("--from", folder_of_other), "split view")
    log.release(rules(1, 4))
    log.publish(folder)
    refused(other_client.update("--from", folder), "split view")
    assert client.finds(2) and other_client.finds(3)


def rolled_back():
    log, client, folder = started()
    before = log.copy()
    log.release(rules(1, 2))
    log.publish(folder)
    fine(client.update())
    before.publish(folder)
    refused(client.update(), "rollback: the log had 2 entries")
    log.publish(folder, proof=log.proof(index=0))
    refused(client.update(), "rollback: release 1, but 2 is active")
    assert client.finds(2)


def frozen():
    log, client, folder = started()
    log.now = NOW - 40 * DAY
    log.release(rules(1, 2))
    log.publish(folder)
    keeps(client, client.update(), "40 days old")
    refused(Client().add(log, folder), "40 days old")


def held_back():
    log, client, folder = started()
    log.release(rules(1, 2))
    log.release(rules(1, 3))
    log.publish(folder, proof=log.proof(index=1))
    keeps(client, client.update(), "not the newest: release 3")


def withdrawn():
    log, client, folder = started()
    log.withdraw(1, "hunts documents")
    log.publish(folder)
    done = client.update()
    keeps(client, done, "release 1 was withdrawn: hunts documents")
    assert client.sets()["stable"]["withdrawn"] is True
    assert "was withdrawn" in client.run("scan", folder).stderr
    refused(Client().add(log, folder), "was withdrawn")
    log.release(rules(1, 2))
    log.publish(folder)
    fine(client.update())
    assert client.sets()["stable"]["withdrawn"] is False


def from_the_future():
    log, client, folder = started()
    log.release(rules(1, 2), time=str(NOW + 3 * DAY))
    log.publish(folder)
    keeps(client, client.update(), "in the future")
    log.publish(folder, times={0: NOW + 3 * DAY, 1: NOW + 3 * DAY, 2: 0})
    keeps(client, client.update(), "in the future")


def log_key_stolen():
    log, client, folder = started()
    log.release(rules(1, 2))  # whoever has the log's key can append; honest witnesses do not follow
    log.publish(folder, witnesses=(0,))
    keeps(client, client.update(), "quorum")


def one_release_key_stolen():
    log, client, folder = started()
    log.release(rules(1, 2), signers=(2,))
    log.publish(folder)
    keeps(client, client.update(), "fewer release keys have signed")


def another_log():
    log, client, folder = started()
    other = Log(NOW, origin="log.example/other")
    other.release(rules(1, 2))
    other.publish(folder)
    keeps(client, client.update(), "not proven to stand in the log")
    assert log.seq == 1


def names_that_lead_away():
    log, client, folder = started()
    for name in ("../../evil.ndb", "/tmp/evil.ndb", ".evil.ndb", "a/../evil.ndb"):
        one = log.copy()
        one.release({name: rules(2)["rules.ndb"]})
        one.publish(folder)
        keeps(client, client.update(), "the bundle's form is not right")
    assert not list(client.state.rglob("*evil*"))


# ---- what is on disk ------------------------------------------------------------------------------

def no_path_is_in_the_journal():
    """A reason names the folder that an update was to come from; the journal must not."""
    _, client, folder = started()
    private = pathlib.Path("a private folder").absolute()
    private.mkdir()
    refused(client.update("--from", private), "")
    os.rename(folder, "elsewhere")
    refused(client.update(), str(folder.absolute()))
    refusals = [one["why"] for one in client.entries("refuse")]
    assert any("(path): No such file" in why for why in refusals), refusals
    for path in (client.state / "journal").rglob("*"):
        if path.is_file() and path.name not in ("names", "index.db"):
            data = path.read_bytes()
            assert b"private" not in data and os.fsencode(folder.absolute()) not in data, path


def what_is_loaded_is_in_the_journal():
    """An update and a scan name the same image, and a refusal its reason."""
    log, client, folder = started()
    log.release(rules(1, 2), signers=(2,))
    log.publish(folder)
    refused(client.update(), "fewer release keys")
    done = fine(client.run("journal", "list", "--json", "--reverse"))
    entries = [(one["type"], one["body"]) for one in map(json.loads, done.stdout.splitlines())]
    loads = [body.splitlines() for kind, body in entries if kind == "load"]
    assert len(loads) == 2 and loads[0] == loads[1], loads  # of add, and of started's scan
    assert loads[0][1] == f"set stable {b64(leaf_hash(log.entries[0]))}", loads
    refusals = [body for kind, body in entries if kind == "refuse"]
    assert len(refusals) == 1 and "fewer%20release%20keys" in refusals[0], refusals
    (client.state / "rules/mine.ndb").write_bytes(rules(7)["rules.ndb"])
    log.release(rules(1, 3))
    log.publish(folder)
    fine(client.update())
    assert client.finds(7) == "local:mine.ndb"
    done = fine(client.run("journal", "list", "--json", "--reverse", "--type", "load"))
    loads = [json.loads(line)["body"].splitlines() for line in done.stdout.splitlines()][2:]
    assert loads[0] == loads[1] != loads[2:], loads
    leaf = b64(leaf_hash(log.entries[-1]))
    assert loads[0][1:] == [f"set stable {leaf}", "set local local"], loads
    assert "all holds" in fine(client.run("journal", "verify")).stdout


def changed_on_disk():
    _, client, _ = started()
    files = client.state / "rules/feeds/stable"
    rule = next(files.glob("*/files/rules.ndb"))
    image = next((client.state / "rules").glob("installed-*.ovi"))

    def mismatch(why):
        done = client.run("rules", "verify")
        assert done.returncode == 1 and why in done.stdout, f"{done.returncode} {done.stdout}"

    good = rule.read_bytes()
    rule.write_bytes(good + b"Test.Added:0:*:aabbccdd\n")
    mismatch("is not that of the release any more")
    rule.write_bytes(good)
    (rule.parent / "more.ndb").write_bytes(b"Test.Added:0:*:aabbccdd\n")
    mismatch("files beside those of the release")
    (rule.parent / "more.ndb").unlink()
    proof = next(files.glob("*/release.tlog-proof"))
    good = proof.read_bytes()
    proof.write_bytes(good.replace(b"index 0", b"index 1"))
    mismatch("not proven")
    proof.write_bytes(good)
    good = image.read_bytes()
    image.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    mismatch("image: mismatch")
    fine(client.run("rules", "update", "--rebuild"))
    fine(client.run("rules", "verify"))
    active = client.state / "rules/active"
    active.write_bytes(active.read_bytes()[:-5])
    done = client.run("scan", rule)
    assert done.returncode == 2 and "active is damaged" in done.stderr, done.stderr


def killed_at_every_step():
    if not FAULTY.exists():
        raise Skip("no programs that can be ended at a step")
    log, client, folder = started()
    log.release(rules(1, 2))
    log.publish(folder)
    shutil.copytree(client.state, "kept")
    step = old = new = intended = 0
    leaf = f"set stable {b64(leaf_hash(log.entries[1]))}"
    while True:
        step += STRIDE
        shutil.rmtree(client.state)
        shutil.copytree("kept", client.state)
        done = client.update(overt=FAULTY, env={"OVERT_FAULT": str(step)})
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, f"{step}: {done.returncode} {done.stderr}"
        seq = client.seq()
        told = client.run("journal", "list", "--json", "--type", "load").stdout  # of a run cut off
        assert seq == 1 or leaf in told, (step, told)  # nothing counts that was not written down
        intended += seq == 1 and leaf in told
        finds = client.finds(2)
        assert (seq, finds) in ((1, None), (2, "stable:rules.ndb")), (step, seq, finds)
        assert client.finds(1) == "stable:rules.ndb", step
        old, new = old + (seq == 1), new + (seq == 2)
        fine(client.run("rules", "verify"))
        fine(client.update())
        assert client.seq() == 2 and client.finds(2), step
        assert "all holds" in fine(client.run("journal", "verify")).stdout, step
    assert old > 5 and intended > 0, (step, old, new)
    print(f"# killed at {old + new} steps: {old} with the old rules ({intended} of them had written "
          f"down that they would load the new), {new} with the new")


def killed_while_it_is_added():
    if not FAULTY.exists():
        raise Skip("no programs that can be ended at a step")
    log, client, folder = started()
    step = 0
    while True:
        step += 1
        client = Client()
        done = client.add(log, folder, overt=FAULTY, env={"OVERT_FAULT": str(step)})
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, f"{step}: {done.returncode} {done.stderr}"
        if client.seq() is None:
            fine(client.add(log, folder))
        fine(client.run("rules", "verify"))
        assert client.finds(1) == "stable:rules.ndb", step
    assert step > 5, step


def one_writer_at_a_time():
    log, client, folder = started()
    log.release(rules(1, 2))
    log.publish(folder)
    with open(client.state / "rules/.lock", "w", encoding="ascii") as lock:
        import fcntl  # pylint: disable=import-outside-toplevel
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(client.update(), "another process is changing what is installed")
    fine(client.update())


def what_is_given_wrongly():
    log, client, folder = started()
    refused(client.run("rules", "add", folder, "--policy", "missing"), "missing: No such file")
    pathlib.Path("bad").mkdir(exist_ok=True)
    pathlib.Path("bad/log.policy").write_text("log nothing\n")
    pathlib.Path("bad/overt.trust").write_text(log.trust())
    refused(client.run("rules", "add", folder, "--policy", "bad/log.policy"), "bad/log.policy:1")
    pathlib.Path("bad/log.policy").write_text(log.policy())
    pathlib.Path("bad/overt.trust").write_text(log.trust().replace("threshold 2", "threshold 4"))
    refused(client.run("rules", "add", folder, "--policy", "bad/log.policy"),
            "bad/overt.trust:7: the threshold")
    refused(client.run("rules", "update", "unknown"), "no feed of this name")
    refused(client.run("rules", "add"), "name one URL or folder")
    refused(client.run("rules", "add", folder), "no ClamAV mirror")
    assert set(client.sets()) == {"stable"}


if __name__ == "__main__":
    main([releases_one_after_another, from_a_server_all_clients_alike, without_any_network,
          a_delta_is_small_and_may_be_wrong, entries_after_the_release,
          without_witnesses_the_tiles_are_read, local_rules_are_told_apart,
          two_feeds_and_one_less, old_rules_are_told, not_in_the_log, one_victim_alone,
          tampered_with, tampered_tiles, tampered_entries, rules_that_are_not_those_of_the_root,
          too_few_cosignatures, two_logs_for_two_clients, rolled_back, frozen, held_back,
          withdrawn, from_the_future, log_key_stolen, one_release_key_stolen, another_log,
          names_that_lead_away, no_path_is_in_the_journal, what_is_loaded_is_in_the_journal, changed_on_disk,
          killed_at_every_step, killed_while_it_is_added,
          one_writer_at_a_time, what_is_given_wrongly])
