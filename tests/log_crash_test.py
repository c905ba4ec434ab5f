#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""The publisher of a log, ended by SIGKILL at each step that lasts: the next run goes on, nothing is
published twice, and no two heads that were ever signed contradict each other. TAP."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/publish"))
from publishing import (  # noqa: E402  pylint: disable=wrong-import-position
    FAULTY, ORIGIN, Log, Skip, Witness, good, leaf_hash, main, overt, read_checkpoint, root_of)

STEPS_MAX = 400
KILLED = -signal.SIGKILL


def faulty():
    if not FAULTY.exists():
        raise Skip("tests/faulty is not built")
    return FAULTY


def keep(name):
    for part in (name, f"{name}.private"):
        shutil.rmtree(f"kept-{part}", ignore_errors=True)
        shutil.copytree(part, f"kept-{part}")


def take_back(name):
    """The log as it was kept, which no one has seen more of."""
    for part in (name, f"{name}.private"):
        shutil.rmtree(part)
        shutil.copytree(f"kept-{part}", part)


def left_over(*folders):
    return [str(path) for folder in folders for path in pathlib.Path(folder).rglob("*.new")]


def kill_each_step(name, words, look, reset=take_back, least=8):
    """Runs overt log WORDS with an end at step 1, 2, 3 ... until one ends by itself; look(done) after
    each: whether it had told that it was done before it ended, or was ended. A process that it starts counts steps of its own, and when that one is ended the run fails."""
    codes = []
    keep(name)
    for step in range(1, STEPS_MAX):
        code, out, err = overt(*words, program=faulty(), env={"OVERT_FAULT": str(step)})
        codes.append(code)
        assert code in (0, 2, KILLED), (step, code, out, err)
        look(out != "")
        if code == 0:
            break
        reset(name)
    assert codes[-1] == 0 and codes.count(KILLED) >= least, codes
    return codes


def check_heads(log, entries):
    """Every head that was signed, here or for witnesses, is one of these entries."""
    seen = [log.path / "checkpoint", log.private / "head"]
    for note in (path.read_bytes() for path in seen if path.exists()):
        size, root = read_checkpoint(note, log.vkey)
        assert root == root_of(leaf_hash(entry) for entry in entries[:size]), size


def append_raw():
    log = Log()
    first = [b"entry %d" % i for i in range(250)]
    second = [b"more %d" % i for i in range(270)]
    pathlib.Path("first").write_bytes(b"\n".join(first) + b"\n")
    pathlib.Path("second").write_bytes(b"\n".join(second) + b"\n")
    log.append("--lines", "first")
    log.checkpoint()

    def look(is_done):
        assert log.head()[0] == 250
        if not is_done:  # again, as whoever saw it die would
            log.append("--lines", "second")
        log.checkpoint()
        assert log.check() == first + second
        check_heads(log, first + second)
        assert not left_over("log")

    kill_each_step("log", ("append", "log", "--lines", "second"), look)


def something_else_after_a_crash():
    """What was lost may be another thing the next time."""
    log = Log()
    first, second, third = [b"1", b"2", b"3"], [b"4", b"5"], [b"other", b"x", b"y"]
    for name, entries in (("first", first), ("second", second), ("third", third)):
        pathlib.Path(name).write_bytes(b"\n".join(entries) + b"\n")
    log.append("--lines", "first")
    log.checkpoint()

    def look(is_done):
        log.append("--lines", "third")
        log.checkpoint()
        found = log.check()
        assert found == first + second + third or (found == first + third and not is_done), found

    kill_each_step("log", ("append", "log", "--lines", "second"), look)


def append_release():
    log = Log()
    pathlib.Path("a.ndb").write_text("One:0:*:61626364\n" * 3)
    log.append("a.ndb")
    log.checkpoint()
    pathlib.Path("b.ndb").write_text("Two:0:*:61626365\n" * 3)

    def look(_):
        before = (log.path / "feed/stable/latest.tlog-proof").read_bytes()
        good("verify", log.path / "feed/stable/latest.tlog-proof", "--policy", log.policy)
        log.append("b.ndb")
        log.checkpoint()
        entries = log.check()
        assert len(entries) == 2 and b"\nseq 2\n" in entries[1], entries
        assert before != (log.path / "feed/stable/latest.tlog-proof").read_bytes()
        assert len(list((log.path / "bundle").glob("*.zst"))) == 2
        assert not left_over("log")

    codes = kill_each_step("log", ("append", "log", "b.ndb"), look)
    assert len(codes) > 15, codes


def checkpoint_with_a_witness():
    """The witness remembers across all crashes: a fork would be its 422, or one of two heads."""
    witness = Witness("w.example")
    log = Log("--witness", witness.word(), "--quorum", "all")
    pathlib.Path("a.ndb").write_text("One:0:*:61626364\n")
    log.append("a.ndb")
    log.checkpoint()
    heads = {}
    added = []

    def add():
        added.append(b"entry %d" % len(added))
        log.raw(added[-1])

    def look(is_done):
        before = log.head()[0]
        published = (log.path / "checkpoint").read_bytes()
        good("verify", "log", "--policy", log.policy)
        log.checkpoint()  # mends what there is to mend
        entries = log.check()
        assert len(entries) == len(added) + 1 and entries[1:] == added, entries
        assert before in (len(entries) - 1, len(entries))
        if is_done:
            assert before == len(entries) and published
        heads[log.head()[0]] = log.head()[1]
        good("verify", log.path / "feed/stable/latest.tlog-proof", "--policy", log.policy)
        assert not left_over("log")
        add()

    add()
    codes = kill_each_step("log", ("checkpoint", "log"), look, reset=lambda _: None)
    log.checkpoint()
    entries = log.check()
    for size, root in heads.items():
        assert root == root_of(leaf_hash(entry) for entry in entries[:size]), size
    texts = {}
    for _, text, _ in witness.requests:
        assert texts.setdefault(text.split(b"\n")[1], text) == text, "two heads of one size"
    assert not witness.trouble and len(codes) > 10, (witness.trouble, codes)


def heartbeat():
    witness = Witness("w.example")
    log = Log("--witness", witness.word(), "--quorum", "all")
    log.raw(b"1")
    log.checkpoint()
    text = (log.path / "checkpoint").read_bytes().rpartition(b"\n\n")[0]

    def look(_):
        good("verify", "log", "--policy", log.policy)
        log.checkpoint()
        assert (log.path / "checkpoint").read_bytes().rpartition(b"\n\n")[0] == text

    kill_each_step("log", ("checkpoint", "log"), look, reset=lambda _: None, least=5)
    assert not witness.trouble


def rotate():
    log = Log()
    key = good("key", "new.example", "-o", "new.key").strip()
    trust = (log.path / "overt.trust").read_text()
    release = trust.split("release ")[1].split("\n")[0]
    pathlib.Path("trust").write_text(trust.replace(release, key).replace("version 1", "version 2"))
    pathlib.Path("policy").write_text("# the next\n" + log.policy.read_text())
    good("rotate", "log", "--trust", "trust", "--policy", "policy", "--sign", "new.key")

    def look(_):
        log.checkpoint()
        assert (log.path / "overt.trust").read_text() == pathlib.Path("trust").read_text()
        assert log.policy.read_text() == pathlib.Path("policy").read_text()
        assert len(log.check()) == 1
        pathlib.Path("a.ndb").write_text("One:0:*:61626364\n")
        good("append", "log", "a.ndb", "--sign", "new.key")

    kill_each_step("log", ("checkpoint", "log"), look)


def create():
    codes = []
    for step in range(1, STEPS_MAX):
        words = ("create", "log", "--origin", ORIGIN, "--release-keys", 2, "--threshold", 2)
        codes.append(overt(*words, program=faulty(), env={"OVERT_FAULT": str(step)})[0])
        if codes[-1] != 0:
            code, out, err = overt(*words)
            assert code == 0 or (code == 2 and "there is a log already" in err), (step, out, err)
        log = Log.__new__(Log)
        log.path, log.private = pathlib.Path("log"), pathlib.Path("log.private")
        log.policy, log.vkey = log.path / "log.policy", (log.path / "log.vkey").read_text().strip()
        log.raw(b"1")
        log.checkpoint()
        log.check()
        for part in ("log", "log.private"):
            shutil.rmtree(part)
        if codes[-1] == 0:
            break
    assert codes[-1] == 0 and codes.count(KILLED) > 20, codes


def killed_at_any_moment():
    """Without counting: runs that are ended after a while, one after another."""
    log = Log()
    pathlib.Path("lines").write_bytes(b"".join(b"entry %d\n" % i for i in range(2000)))
    ends = []
    for delay in (0.01, 0.02, 0.03, 0.05, 0.08, 0.13, 0.21, 0.34, 30):
        process = subprocess.Popen([faulty(), "log", "append", "log", "--lines", "lines"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=delay)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        ends.append(process.returncode)
        log.checkpoint()
        assert len(log.check()) % 2000 == 0
        if ends[-1] == 0:
            break
    assert ends[-1] == 0, ends


if __name__ == "__main__":
    main([create, append_raw, something_else_after_a_crash, append_release, checkpoint_with_a_witness,
          heartbeat, rotate, killed_at_any_moment])
