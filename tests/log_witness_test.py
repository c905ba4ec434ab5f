#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
"""overt log witness over HTTP: every answer of the protocol, many clients at once, crashes at each
step, its cage; beside logs and signatures in Python, and a Go program where it is there. TAP."""
# timeout: 300
import base64
import concurrent.futures
import os
import pathlib
import random
import re
import signal
import stat
import subprocess
import sys
import threading
import time

SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
sys.path[:0] = [str(SOURCE / "tests/serve"), str(SOURCE / "tests")]
import ovcheck  # noqa: E402  pylint: disable=wrong-import-position
from checkpoints import Log, cosigned, ed25519  # noqa: E402  pylint: disable=C0413
from serving import (  # noqa: E402  pylint: disable=wrong-import-position
    BUILD, IS_ROOT, OVERT, USER, Server, Skip, check_cage, facts_of, main, need_another_user,
    status_of, try_acts)

PLAIN, SIZED = "text/plain; charset=utf-8", "text/x.tlog.size"
STEPS_MAX = 60
LOG = Log(entries=[b"entry %d" % i for i in range(301)])
FORK = Log(entries=[b"entry %d" % i for i in range(3)] + [b"fork %d" % i for i in range(298)])
OTHER = Log("other.example/sumdb", bytes(range(32)), [b"go.mod %d" % i for i in range(20)])


def overt(*words, overt_path=OVERT):
    if words[0] in ("checkpoint", "witness"):
        words += "--no-journal",
    return subprocess.run([overt_path, "log", *map(str, words)], capture_output=True, check=False,
                          timeout=30, text=True, stdin=subprocess.DEVNULL)


def make_key(name="witness.example/w"):
    """The vkey; its secret is in the file `key`."""
    pathlib.Path("key").unlink(missing_ok=True)
    done = overt("key", name, "--witness", "-o", "key")
    assert done.returncode == 0, done
    return done.stdout.strip()


class Witness(Server):
    """One with the key and the state of the current folder."""

    def __init__(self, *more, logs=(LOG, OTHER), **how):
        words = [word for log in logs for word in ("--log", log.vkey)]
        super().__init__("witness", "--state", "state", "--key", "key", *words, *more, **how)
        self.vkey = re.search(r"^witness (\S+)$", self.text(), re.M)[1]

    def submit(self, body):
        status, headers, answer = self.ask("POST", "/add-checkpoint", body=body)
        return status, headers["content-type"], answer

    def add(self, log, old, size):
        """The time of the cosignature, which must be there."""
        status, kind, answer = self.submit(log.submission(old, size))
        assert (status, kind) == (200, PLAIN), (status, answer)
        return cosigned(self.vkey, log.text(size), answer)


def bodies_that_are_none():
    good = LOG.submission(0, 5)
    head, _, note = good.partition(b"\n\n")
    hash_line = base64.b64encode(bytes(32))
    return [b"", b"\n", b"hello\n", head, head + b"\n\n", note, b"old 0\n" + note, b"old 0 \n\n" + note,
            b"old -1\n\n" + note, b"old 00\n\n" + note, b"old 1x\n\n" + note, b"Old 0\n\n" + note,
            b"old 18446744073709551616\n\n" + note, b"old 9223372036854775808\n\n" + note,
            b"old 0\n" + b"\n".join([hash_line] * 64) + b"\n\n" + note,
            b"old 0\n" + hash_line[:-1] + b"\n\n" + note, b"old 0\r\n\r\n" + note, good[:-1],
            good + b"x", good + b"\n", good.replace(b"\n5\n", b"\n05\n"), b"\xef\xbb\xbf" + good,
            good.replace(b"\n5\n", b"\n5\0\n"), LOG.submission(6, 5, proof=[])]


def every_answer():
    vkey = make_key()
    spoiled = LOG.submission(5, 257).replace(b"\n257\n", b"\n256\n")
    unsigned = LOG.submission(5, 257).replace(b"\xe2\x80\x94 log.example/rules",
                                              b"\xe2\x80\x94 log.example/other")
    no_tree = b"old 5\n\n" + Log(LOG.name, LOG.seed).checkpoint(5).replace(b"\n5\n", b"\n0\n")
    stolen = Log(LOG.name, bytes(range(1, 33)))
    conversation = [
        ("the first one", LOG.submission(0, 5), 200, PLAIN),
        ("the same, as if it were the first", LOG.submission(0, 5), 409, SIZED),
        ("the same again", LOG.submission(5, 5), 200, PLAIN),
        ("growth without a proof", LOG.submission(5, 257, []), 422, PLAIN),
        ("growth with another proof", LOG.submission(5, 257, LOG.proof(4, 257)), 422, PLAIN),
        ("a proof that is too long", LOG.submission(5, 257, [*LOG.proof(5, 257), bytes(32)]), 422, PLAIN),
        ("a proof where none is needed", LOG.submission(5, 5, [bytes(32)]), 422, PLAIN),
        ("an unknown log", Log("log2.example").submission(5, 257), 404, PLAIN),
        ("another key of that name", stolen.submission(5, 257), 403, PLAIN),
        ("a false signature", spoiled, 403, PLAIN),
        ("no signature of the log", unsigned, 403, PLAIN),
        ("no signature of an empty tree", no_tree, 400, PLAIN),
        ("an old size beyond the new", LOG.submission(300, 257, []), 400, PLAIN),
        ("a fork", FORK.submission(5, 257), 422, PLAIN),
        ("a fork of the same size", FORK.submission(5, 5), 422, PLAIN),
        ("growth", LOG.submission(5, 257), 200, PLAIN),
        ("a roll back", LOG.submission(0, 5), 409, SIZED),
        ("a roll back that tells the size", LOG.submission(257, 5, []), 400, PLAIN),
        ("another log, an empty one", b"old 0\n\n" + OTHER.checkpoint(0), 200, PLAIN),
        ("that log's first entry", OTHER.submission(0, 1), 200, PLAIN),
        ("that log's others", OTHER.submission(1, 20), 200, PLAIN),
    ]
    with Witness() as witness:
        assert witness.vkey == vkey
        for name, body, wanted, kind in conversation:
            status, told, answer = witness.submit(body)
            assert (status, told) == (wanted, kind), (name, status, told, answer)
            if status == 200:
                text = body.partition(b"\n\n")[2].partition(b"\n\n")[0] + b"\n"
                assert abs(cosigned(vkey, text, answer) - time.time()) < 10, name
            elif status == 409:
                assert answer == (b"5\n" if "same" in name else b"257\n"), (name, answer)
            else:
                assert answer.endswith(b"\n") and b"\xe2\x80\x94" not in answer, (name, answer)
        for body in bodies_that_are_none():
            assert witness.submit(body)[0] == 400, body[:60]
        assert witness.add(LOG, 257, 300)


def many_signatures_and_long_bodies():
    make_key()
    text = LOG.text(5)
    lines = [ed25519.signature_line(LOG.name, ed25519.NOTE, LOG.seed, text, 0)]
    lines += [f"— w{i}.example {base64.b64encode(bytes(4 + 2420)).decode()}\n".encode()
              for i in range(15)]  # as long as those of ML-DSA-44
    body = b"old 0\n\n" + text + b"\n" + b"".join(lines)
    assert len(body) > 48_000
    with Witness() as witness:
        status, _, answer = witness.submit(body)
        assert status == 200 and cosigned(witness.vkey, text, answer), answer
        seen = witness.get(f"/{LOG.hex}/checkpoint")[2]
        assert seen == text + b"\n" + lines[0] + answer  # of strangers' lines nothing is kept
        for size, wanted in ((128 << 10, (400,)), ((128 << 10) + 1, (413,)), (10 << 20, (413, 0))):
            try:
                status = witness.submit(b"x" * size)[0]
            except ConnectionError:
                status = 0  # refused while the body was still being sent
            assert status in wanted, (size, status)
        start = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        assert status_of(witness.send(start + chunked)) == 409
        try:
            answer = witness.send(start + b"Transfer-Encoding: chunked\r\n\r\n" +
                                  (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 40 + b"0\r\n\r\n")
        except ConnectionError:
            answer = b""
        assert status_of(answer) in (0, 413), answer[:60]
        for junk in (b"Content-Length: -1\r\n\r\n", b"Content-Length: x\r\n\r\n",
                     b"Content-Length: 99999999999999999999\r\n\r\n"):
            assert status_of(witness.send(start + junk)) in (0, 400, 413), junk
        assert witness.add(LOG, 5, 6)


def what_monitors_see():
    make_key()
    place = f"/{LOG.hex}/checkpoint"
    with Witness() as witness:
        assert witness.get(place)[0] == 404
        witness.add(LOG, 0, 5)
        status, headers, body = witness.get(place)
        note, _, line = body.rpartition(b"\xe2\x80\x94")
        assert status == 200 and note == LOG.checkpoint(5) and headers["cache-control"] == "max-age=60"
        assert cosigned(witness.vkey, LOG.text(5), b"\xe2\x80\x94" + line)
        status, headers, empty = witness.ask("HEAD", place)
        assert (status, headers["content-length"], empty) == (200, str(len(body)), b"")
        assert witness.get(f"/{OTHER.hex}/checkpoint")[0] == 404
        for path in ("/", "/checkpoint", f"/{LOG.hex}", f"/{LOG.hex}/", f"/{LOG.hex.upper()}/checkpoint",
                     f"/{LOG.hex}/checkpoint/", f"/{LOG.hex}/lock", "/lock", "/../key", "/add-checkpoint/",
                     f"/{LOG.hex}/../lock", f"/{LOG.hex}/checkpoint?a", "/sign-subtree"):
            assert status_of(witness.get_raw(path)) == 404, path
        for method, path, allow in (("GET", "/add-checkpoint", "POST"), ("PUT", "/add-checkpoint", "POST"),
                                    ("POST", place, "GET, HEAD"), ("DELETE", place, "GET, HEAD")):
            status, headers, _ = witness.ask(method, path, body=b"x" if method != "GET" else None)
            assert (status, headers["allow"]) == (405, allow), (method, path, status)


def heartbeat():
    make_key()
    with Witness() as witness:
        times = [witness.add(LOG, 0, 5)]
        for _ in range(3):
            time.sleep(1.01)
            times.append(witness.add(LOG, 5, 5))
        assert times == sorted(set(times)), times
        assert abs(times[-1] - time.time()) < 5


def pushed_too_hard():
    make_key()
    with Witness("--rate", 1) as witness:
        statuses = [witness.submit(LOG.submission(0, 5))[0] for _ in range(12)]
        assert statuses[:4] == [200, 409, 409, 409] and 429 in statuses[4:6], statuses
        assert witness.get(f"/{LOG.hex}/checkpoint")[0] == 200  # looking on is free
        time.sleep(1.1)
        assert witness.submit(LOG.submission(0, 5))[0] == 409


def what_was_cosigned_is_remembered():
    make_key()
    with Witness() as witness:
        witness.add(LOG, 0, 200)
        assert witness.end() == 0
    for number in (signal.SIGTERM, signal.SIGKILL):
        with Witness() as witness:
            assert witness.submit(LOG.submission(0, 5))[2] == b"200\n"
            assert witness.submit(FORK.submission(200, 300))[0] == 422
            witness.add(LOG, 200, 200)
            witness.end(number)
    with Witness(logs=[OTHER]) as witness:
        assert witness.submit(LOG.submission(200, 201))[0] == 404


def one_history_for_all():
    """Many clients, half of them with a fork: whatever is cosigned is of one tree, and only grows."""
    make_key()
    seen, lock = [], threading.Lock()

    def push(seed):
        rng, log = random.Random(seed), LOG if seed % 2 else FORK
        old = 0
        for _ in range(30):
            size = rng.randint(max(old, 4), 300)
            begin = time.monotonic()
            status, _, answer = witness.submit(log.submission(old, size))
            end = time.monotonic()
            if status == 409:
                old = int(answer)
            elif status == 200:
                moment = cosigned(witness.vkey, log.text(size), answer)
                with lock:
                    seen.append((begin, end, log, size, moment))
                old = size
            else:
                assert status == 422, (status, answer)
                old = rng.choice([0, old])
        return True

    with Witness("--rate", 10000) as witness:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert all(pool.map(push, range(8)))
        assert len({log for _, _, log, _, _ in seen}) == 1 and len(seen) > 10, len(seen)
        for one in seen:
            for other in seen:
                assert one[1] > other[0] or one[3] <= other[3], "a smaller tree came later"
                assert one[1] > other[0] or one[4] <= other[4], "a time went back"
        log, most = seen[0][2], max(size for _, _, _, size, _ in seen)
        assert witness.submit(log.submission(0, 5))[2] == b"%d\n" % most


def two_processes_of_one_state():
    make_key()
    with Witness() as one, Witness() as two:
        one.add(LOG, 0, 5)
        assert two.submit(FORK.submission(0, 5))[2] == b"5\n"
        two.add(LOG, 5, 100)
        assert one.submit(LOG.submission(5, 50))[2] == b"100\n"


# ---- crashes -----------------------------------------------------------------------------------

def killed_at(step, old, size):
    """One that ends at that step of a submission; whether it did."""
    faulty = BUILD / "tests/faulty/overt"
    subprocess.run(["rm", "-rf", "state"], check=True)
    if old:
        with Witness() as witness:
            witness.add(LOG, 0, old)
    with Witness(overt=faulty, env={"OVERT_FAULT": str(step)}) as witness:
        try:
            status, _, answer = witness.submit(LOG.submission(old, size))
        except (ConnectionError, OSError):
            status, answer = 0, b""
        is_dead = status == 0
        assert is_dead or (status == 200 and cosigned(witness.vkey, LOG.text(size), answer))
        code = witness.process.wait(timeout=30) if is_dead else witness.end()
        assert code == (2 if is_dead else 0), witness.text()
    with Witness() as witness:
        have = int(witness.submit(LOG.submission(3, 4))[2])
        assert have in ((old, size) if is_dead else (size,)), (step, have)
        status, _, answer = witness.get(f"/{LOG.hex}/checkpoint")
        assert status == (200 if have else 404) and (not have or LOG.text(have) in answer)
        if have:
            assert witness.submit(FORK.submission(have, 290))[0] == 422
        assert witness.add(LOG, have, 299)
        left = sorted(os.listdir("state"))
        assert left == sorted([LOG.hex, "lock"]), left
    return is_dead, have


def kill_at_each_step():
    make_key()
    if not (BUILD / "tests/faulty/overt-serve").exists():
        raise Skip("tests/faulty is not built")
    for old, size in ((0, 5), (5, 257)):
        ends = []
        while len(ends) < STEPS_MAX:
            ends.append(killed_at(len(ends) + 1, old, size))
            if not ends[-1][0]:
                break
        assert not ends[-1][0] and len(ends) > 5, ends
        haves = [have for _, have in ends]
        assert haves == sorted(haves) and haves[0] == old and haves[-2] == size, haves


def kill_at_any_moment():
    """SIGKILL under load: what was answered stays true."""
    make_key()
    old, rng = 0, random.Random(5)
    for _ in range(8):
        with Witness("--rate", 10000) as witness:
            timer = threading.Timer(rng.uniform(0.01, 0.25), witness.process.kill)
            timer.start()
            try:
                while True:
                    status, _, answer = witness.submit(LOG.submission(old, min(old + 1, 300)))
                    if status == 409:
                        assert int(answer) in (old, old + 1), (old, answer)  # it had no time to say
                        old = int(answer)
                    else:
                        assert status == 200, (status, answer)
                        old = min(old + 1, 300)
            except (ConnectionError, OSError):
                pass
            timer.join()
    with Witness() as witness:
        assert old > 0 and int(witness.submit(LOG.submission(301, 301, []))[2]) in (old, old + 1)


# ---- start -------------------------------------------------------------------------------------

def keys():
    done = overt("key", "example.org/log", "-o", "log.key")
    name, identity, blob = done.stdout.strip().split("+", 2)
    public = base64.b64decode(blob, validate=True)
    assert name == "example.org/log" and public[0] == ed25519.NOTE and len(public) == 33
    assert ed25519.key_id(name, 1, public[1:]).hex() == identity
    secret = pathlib.Path("log.key").read_text()
    assert secret == ed25519.secret_key(name, 1, base64.b64decode(secret.split("+", 4)[4])[1:]) + "\n"
    assert ed25519.public_key(base64.b64decode(secret.split("+", 4)[4])[1:]) == public[1:]
    assert stat.S_IMODE(os.stat("log.key").st_mode) == 0o600
    again = overt("key", "example.org/log", "-o", "log.key")
    assert again.returncode == 2 and "never overwritten" in again.stderr, again
    assert pathlib.Path("log.key").read_text() == secret
    pathlib.Path("link").symlink_to("elsewhere")
    assert overt("key", "x", "-o", "link").returncode == 2 and not os.path.exists("elsewhere")
    for words in (["a b", "-o", "k"], ["a+b", "-o", "k"], ["", "-o", "k"], ["a"], ["-o", "k"],
                  ["a", "b", "-o", "k"], ["a", "-o", "no/such/folder/k"], ["x" * 300, "-o", "k"]):
        done = overt("key", *words)
        assert done.returncode == 2 and done.stdout == "" and not os.path.exists("k"), done
    assert len({overt("key", "n", "-o", f"k{i}").stdout for i in range(5)}) == 5


def logs_of_a_policy():
    make_key()
    policy = f"log {LOG.vkey} https://log.example/\n# others\nlog {OTHER.vkey}\nquorum none\n"
    pathlib.Path("policy").write_text(policy)
    with Witness("--policy", "policy", logs=[]) as witness:
        witness.add(LOG, 0, 5)
        witness.add(OTHER, 0, 20)


def what_cannot_be_a_witness():
    vkey = make_key()
    overt("key", "log.example", "-o", "log.key")
    pathlib.Path("junk").write_text("junk\n")
    pathlib.Path("junk").chmod(0o600)
    pathlib.Path("open").write_bytes(pathlib.Path("key").read_bytes())
    pathlib.Path("open").chmod(0o644)
    pathlib.Path("bad.policy").write_text("quorum none\nlog nonsense\n")
    pathlib.Path("twice.policy").write_text(f"log {LOG.vkey}\nquorum none\n")
    for name, words, why in (
            ("no key", ["--key", "missing"], "No such file"),
            ("a log's key", ["--key", "log.key"], "none that can cosign"),
            ("junk for a key", ["--key", "junk"], "none that can cosign"),
            ("a key that others read", ["--key", "open"], "others can read"),
            ("a folder for a key", ["--key", "."], "no regular file"),
            ("no vkey", ["--log", "nonsense"], "is no vkey"),
            ("a secret key for a vkey", ["--log", pathlib.Path("log.key").read_text().strip()], "is no vkey"),
            ("a log twice", ["--log", LOG.vkey], "given twice"),
            ("a log twice, by policy", ["--policy", "twice.policy"], "given twice"),
            ("no policy", ["--policy", "missing"], "No such file"),
            ("a bad policy", ["--policy", "bad.policy"], "line 2"),
            ("an address", ["--listen", "nowhere"], "no address"),
            ("a rate", ["--rate", "0"], "is no number"),
            ("an argument", ["more"], "are needed"),
            ("a state in no folder", ["--state", "no/such"], "No such file"),
            ("a file for a state", ["--state", "junk"], "Not a directory")):
        done = overt("witness", "--state", "s", "--key", "key", "--listen", "127.0.0.1:0", "--log",
                     LOG.vkey, *words)
        assert done.returncode == 2 and why in done.stderr, (name, done)
        assert vkey not in done.stdout and "listening" not in done.stdout, name
        assert "PRIVATE" not in done.stderr or name.startswith("a secret"), name
    pathlib.Path("wide").mkdir()
    pathlib.Path("wide").chmod(0o777)
    done = overt("witness", "--state", "wide", "--key", "key", "--listen", "127.0.0.1:0", "--log", LOG.vkey)
    assert done.returncode == 2 and "others could change" in done.stderr, done
    if IS_ROOT:
        pathlib.Path("rooted").mkdir(0o700)
        pathlib.Path("rooted/lock").touch()
        done = overt("witness", "--state", "rooted", "--key", "key", "--listen", "127.0.0.1:0", "--log",
                     LOG.vkey)
        assert done.returncode == 2 and "belongs to root" in done.stderr, done


def a_state_of_somebody_else():
    """Another witness's state is not begun anew, nor is one that was tampered with."""
    make_key()
    with Witness() as witness:
        witness.add(LOG, 0, 5)
    make_key("witness.example/another")
    place = pathlib.Path("state", LOG.hex, "checkpoint")
    before = place.read_bytes()
    with Witness() as witness:
        for body in (LOG.submission(0, 5), LOG.submission(5, 5), FORK.submission(0, 10)):
            assert witness.submit(body)[0] == 500
        witness.add(OTHER, 0, 20)  # which is not concerned
        assert place.read_bytes() == before
        for spoiled in (b"", before.replace(b"\n5\n", b"\n4\n"), before[:-1], LOG.checkpoint(3)):
            place.write_bytes(spoiled)
            assert witness.submit(LOG.submission(0, 5))[0] == 500, spoiled
            assert place.read_bytes() == spoiled


def an_ordinary_user_witnesses():
    need_another_user()
    pathlib.Path("own").mkdir(mode=0o700)
    os.chdir("own")
    make_key()
    for path in (".", "key"):
        os.chown(path, 1000, 1000)
    with Witness(user=USER) as witness:
        witness.add(LOG, 0, 5)
        assert os.stat("state").st_uid == 1000
    with Witness(user=USER) as witness:
        assert witness.submit(LOG.submission(0, 5))[2] == b"5\n"
    with Witness() as witness:  # and root becomes the owner of the state
        witness.add(LOG, 5, 6)
        assert os.stat(f"state/{LOG.hex}/checkpoint").st_uid == 1000


# ---- cage --------------------------------------------------------------------------------------

def what_proc_says():
    make_key()
    with Witness() as witness:
        facts = check_cage(witness)
        user = int(facts["status"]["Uid"].split()[0])
        assert os.stat("state").st_uid == user and user > 1 << 30, user
        with Server("serve", ".") as other:  # shares no id with it
            assert int(facts_of(other.child())["status"]["Uid"].split()[0]) not in (0, user)
    with Witness() as witness:  # and the next one is the same user
        assert int(facts_of(witness.child())["status"]["Uid"].split()[0]) == user
        assert not any("key" in place for place in facts["fds"].values()), facts["fds"]


def a_witness_that_is_taken_over():
    make_key()
    pathlib.Path("beside").write_text("secret")
    pathlib.Path(".").chmod(0o777)  # so that the cage alone forbids what it tries there

    def start(overt_path):
        subprocess.run(["rm", "-rf", "state"], check=True)
        return Witness(overt=overt_path)

    try_acts("witness", start)
    assert not os.path.exists("made-by-double") and not os.path.exists("/tmp/made-by-double")


# ---- beside the Go program ---------------------------------------------------------------------

def its_logs_and_our_cosignatures():
    program, why = ovcheck.find()
    if program is None:
        raise Skip(why)
    vkey = make_key()
    entries = [b"rule set %d\n" % i for i in range(257)]
    for size in (1, 5, 256, 257):
        subprocess.run([program, "gen", f"log-{size}", str(size)], check=True, stdout=subprocess.DEVNULL)
    theirs = re.search(r"^log (\S+)$", pathlib.Path("log-1/policy").read_text(), re.M)[1]
    own = Log(entries=entries)  # for the proofs; the checkpoints and signatures are theirs
    own.vkey = theirs
    pathlib.Path("policy").write_text(f"log {theirs}\nwitness ours {vkey}\nquorum ours\n")
    with Witness(logs=[own, OTHER]) as witness:
        old = 0
        for size in (1, 5, 256, 257):
            place = pathlib.Path(f"log-{size}")
            note = (place / "checkpoint").read_bytes()
            audit = [program, "audit", "policy", place]
            assert subprocess.run(audit, check=False, capture_output=True).returncode != 0
            lines = [f"old {old}", *(base64.b64encode(part).decode() for part in own.proof(old, size)), ""]
            status, _, answer = witness.submit("\n".join(lines).encode() + b"\n" + note)
            assert status == 200, (size, status, answer)
            (place / "checkpoint").write_bytes(note + answer)
            done = subprocess.run(audit, check=False, capture_output=True)
            assert done.returncode == 0 and f"size {size}".encode() in done.stdout, (size, done)
            if old:
                subprocess.run([program, "consistency", "policy", f"log-{old}/checkpoint", place],
                               check=True, stdout=subprocess.DEVNULL)
            old = size
        seen = witness.get(f"/{own.hex}/checkpoint")[2]
        (place / "checkpoint").write_bytes(seen)
        assert subprocess.run(audit, check=False, capture_output=True).returncode == 0


# ---- all together ------------------------------------------------------------------------------

class LogWitness(Server):
    """A witness of the log in the folder `log`, with a key and a state of its own."""

    def __init__(self, name):
        super().__init__("witness", "--state", f"state-{name}", "--key", f"{name}.key", "--log",
                         pathlib.Path("log/log.vkey").read_text().strip())


def our_log_our_witnesses_our_server():
    """Published only when both witnesses have cosigned; what clients are given is what was published."""
    if not (BUILD / "overt-fetch").exists():
        raise Skip("overt-fetch is not built, and asks the witnesses")
    words = []
    for name in ("a", "b"):
        vkey = overt("key", f"witness.example/{name}", "--witness", "-o", f"{name}.key").stdout.strip()
        words += ["--witness", f"{name} {vkey} http://127.0.0.1:1/{name}/"]
    done = overt("create", "log", "--origin", "example.org/rules", "--quorum", "all", *words)
    assert done.returncode == 0, done
    for number in range(3):
        pathlib.Path(f"entry-{number}").write_text(f"entry {number}\n")
    assert overt("append", "log", "entry-0", "entry-1").returncode == 0
    policy = pathlib.Path("log/log.policy")
    with LogWitness("a") as one:
        text = policy.read_text().replace("http://127.0.0.1:1/a/", one.url)
        policy.write_text(text)
        done = overt("checkpoint", "log")
        assert done.returncode != 0 and not os.path.exists("log/checkpoint"), done
        with LogWitness("b") as two, Server("serve", "log") as server:
            assert server.get("/checkpoint")[0] == 404
            policy.write_text(text.replace("http://127.0.0.1:1/b/", two.url))
            for entries, size in ((["entry-2"], 3), (["entry-0"], 4), ([], 4)):
                if entries:
                    assert overt("append", "log", *entries).returncode == 0
                done = overt("checkpoint", "log")
                assert done.returncode == 0, done
                status, _, note = server.get("/checkpoint")
                assert status == 200 and note.startswith(f"example.org/rules\n{size}\n".encode())
                assert note.count(b"\xe2\x80\x94 witness.example/") == 2
            pathlib.Path("copy").mkdir()
            for path in ("checkpoint", "tile/0/000.p/4", "tile/entries/000.p/4"):
                place = pathlib.Path("copy", path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(server.get("/" + path)[2])
    done = overt("verify", "copy", "--policy", policy)
    assert done.returncode == 0, done
    program, why = ovcheck.find()
    if program is None:
        raise Skip(f"beside the Go program: {why}")
    done = subprocess.run([program, "audit", policy, "copy"], check=False, capture_output=True)
    assert done.returncode == 0 and b"size 4" in done.stdout, done


if __name__ == "__main__":
    main([every_answer, many_signatures_and_long_bodies, what_monitors_see, heartbeat, pushed_too_hard,
          what_was_cosigned_is_remembered, one_history_for_all, two_processes_of_one_state,
          kill_at_each_step, kill_at_any_moment, keys, logs_of_a_policy, what_cannot_be_a_witness,
          a_state_of_somebody_else, an_ordinary_user_witnesses, what_proc_says,
          a_witness_that_is_taken_over, its_logs_and_our_cosignatures,
          our_log_our_witnesses_our_server])
