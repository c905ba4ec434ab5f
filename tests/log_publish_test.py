#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 600
"""The publisher of a log from outside: what it writes, read by Python and by a Go program that
nobody here wrote; what it refuses; and what witnesses may do to it. TAP."""
import base64
import fcntl
import hashlib
import io
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/publish"))
import publishing  # noqa: E402  pylint: disable=wrong-import-position
from publishing import (  # noqa: E402  pylint: disable=wrong-import-position
    ORIGIN, OVERT, Log, Skip, Witness, ed25519, good, leaf_hash, main, ovcheck, overt, refused, root_of)

HERE = pathlib.Path.cwd()
SIZES = [1, 2, 255, 256, 257, 5000, 70000]


def checker():
    """The independent program, looked for once."""
    if not hasattr(checker, "found"):
        here = os.getcwd()
        os.chdir(HERE)
        checker.found = ovcheck.find()
        os.chdir(here)
    path, why = checker.found
    if path is None:
        raise Skip(why)
    return path


def check(*words):
    done = subprocess.run([checker(), *map(str, words)], capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, (words, done)


# ---- creating -----------------------------------------------------------------------------------

def files_of_a_new_log():
    log = Log("--release-keys", 3, "--threshold", 2, "--feed", "beta")
    assert sorted(os.listdir(log.path)) == ["log.policy", "log.vkey", "overt.trust"]
    assert sorted(os.listdir(log.private)) == ["log.key", "release-1.key", "release-2.key",
                                               "release-3.key", "state"]
    assert stat.S_IMODE(log.private.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in log.private.iterdir())
    assert log.policy.read_text() == f"log {log.vkey}\nquorum none\n"
    trust = (log.path / "overt.trust").read_text()
    assert "\nfeed beta\n" in trust and "\nthreshold 2\n" in trust and trust.count("\nrelease ") == 3
    for file in log.path.iterdir():
        assert b"PRIVATE" not in file.read_bytes()
    seed = (log.private / "log.key").read_text().strip().split("+", 4)
    public = ed25519.public_key(base64.b64decode(seed[4])[1:])
    assert ed25519.vkey(ORIGIN, ed25519.NOTE, public) == log.vkey


def what_cannot_be_created():
    Log()
    refused(2, "there is a log already", "create", "log", "--origin", ORIGIN)
    shutil.rmtree("log.private")
    log = Log(name="other")
    log.raw(b"x")
    shutil.rmtree(log.private)
    refused(2, "there is a log already", "create", "other", "--origin", ORIGIN)
    refused(2, "no name for a key", "create", "a", "--origin", "a b")
    refused(2, "public folder", "create", "b", "--origin", ORIGIN, "--keys", "b/keys")
    os.mkdir("open", 0o755)
    refused(2, "others may look", "create", "c", "--origin", ORIGIN, "--keys", "open")
    refused(2, "threshold", "create", "d", "--origin", ORIGIN, "--threshold", 2)
    refused(2, "--witness", "create", "e", "--origin", ORIGIN, "--witness", "w vkey")
    refused(2, "feed", "create", "f", "--origin", ORIGIN, "--feed", "Not A Feed")


def no_witness_is_said_loudly():
    code, _, err = overt("create", "log", "--origin", ORIGIN)
    assert code == 0 and "NO WITNESS" in err
    witness = Witness("w.example")
    code, _, err = overt("create", "more", "--origin", ORIGIN, "--witness", witness.word())
    assert code == 0 and err == ""


def a_creation_that_was_cut_off_goes_on():
    log = Log()
    (log.private / "state").unlink()
    key = (log.private / "log.key").read_bytes()
    Log()
    assert (log.private / "log.key").read_bytes() == key
    (log.private / "state").unlink()
    log.policy.write_text("# mine\n")
    refused(2, "says something else", "create", "log", "--origin", ORIGIN)


# ---- entries ------------------------------------------------------------------------------------

def logs_of_many_sizes():
    for size in SIZES:
        log = Log(name=f"log-{size}")
        entries = [b"entry %d of %d" % (i, size) for i in range(size)]
        for part in (entries[:size // 2], entries[size // 2:]):
            pathlib.Path("lines").write_bytes(b"".join(entry + b"\n" for entry in part))
            log.append("--lines", "lines")
        log.checkpoint()
        assert log.check() == entries, size
        pathlib.Path("middle").write_bytes(entries[size // 2])
        good("prove", log.path, "middle", "-o", "proof")
        found = json.loads(good("verify", "proof", "--policy", log.policy, "--json"))
        assert (found["index"], found["size"], found["holds"]) == (size // 2, size, True)
        refused(1, "", "verify", "proof", "--policy", log.policy, "--entry", log.policy)
        if size < SIZES[-1]:
            continue
        shutil.rmtree(log.path)


def logs_that_a_go_program_audits():
    for size in SIZES:
        log = Log(name=f"log-{size}")
        pathlib.Path("lines").write_text("".join(f"entry {i}\n" for i in range(size)))
        log.append("--lines", "lines")
        log.checkpoint()
        check("audit", log.policy, log.path)
        pathlib.Path("middle").write_text(f"entry {size // 2}")
        good("prove", log.path, "middle", "-o", "proof")
        check("proof", log.policy, "proof", "middle")
        shutil.rmtree(log.path)


def logs_that_a_go_program_wrote():
    for size in (1, 2, 256, 257, 5000):
        folder = pathlib.Path(f"log-{size}")
        check("gen", folder, size)
        found = json.loads(good("verify", folder, "--policy", folder / "policy", "--json"))
        assert found["size"] == size and len(found["witnesses"]) == 2 and found["quorum_time"]
        good("verify", folder / "middle.tlog-proof", "--policy", folder / "policy", "--entry",
             folder / "middle.leaf")
        refused(1, "", "verify", folder / "middle.tlog-proof", "--policy", folder / "policy",
                "--entry", folder / "policy")


def every_byte_is_an_entry():
    log = Log()
    odd = [b"", b"\0", bytes(range(256)), b"\n\n", b"x" * 65535]
    log.raw(*odd)
    log.checkpoint()
    assert log.check() == odd
    pathlib.Path("long").write_bytes(b"x" * 65536)
    refused(2, "65535", "append", "log", "long")
    refused(2, "No such file", "append", "log", "missing")
    log.checkpoint()
    assert log.check() == odd
    out = [json.loads(line) for line in good("append", "log", "--json", "entry-0").splitlines()]
    assert out[0] == {"index": 5, "entry": "entry-0", "bytes": 0} and out[1]["summary"]["size"] == 6
    good("prove", "log", "--index", 4, "-o", "proof", "--entry", "again")
    assert pathlib.Path("again").read_bytes() == odd[4]
    refused(2, "no such entry", "prove", "log", "--index", 5, "-o", "proof")
    refused(2, "no published entry", "prove", "log", "log/log.policy", "-o", "proof")


def one_writer_at_a_time():
    log = Log()
    log.raw(b"x")
    with open(log.private / "lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(2, "another process works on this log", "append", "log", "entry-0")
        refused(2, "another process works on this log", "checkpoint", "log")
    log.raw(b"y")


# ---- what was tampered with ---------------------------------------------------------------------

def flip(path, at=-1):
    path = pathlib.Path(path)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def tampered_logs_do_not_hold():
    log = Log()
    pathlib.Path("lines").write_text("".join(f"entry {i}\n" for i in range(300)))
    log.append("--lines", "lines")
    log.checkpoint()
    for file, why in (("tile/0/000", "tile/0/000"), ("tile/0/001.p/44", "tile/0/001.p/44"),
                      ("tile/1/000.p/1", "tile/1/000.p/1"), ("tile/entries/000", "tile/"),
                      ("tile/entries/001.p/44", "tile/"), ("checkpoint", "checkpoint")):
        shutil.copytree(log.path, "spoiled")
        flip(pathlib.Path("spoiled", file), 20)
        told = refused(1, why, "verify", "spoiled", "--policy", log.policy)
        assert told.startswith("overt: "), told
        assert json.loads(overt("verify", "spoiled", "--policy", log.policy, "--json")[1])["why"]
        os.remove(f"spoiled/{file}")
        assert overt("verify", "spoiled", "--policy", log.policy)[0] in (1, 2)
        shutil.rmtree("spoiled")


def tampered_proofs_do_not_hold():
    log = Log("--release-keys", 2, "--threshold", 2)
    pathlib.Path("a.ndb").write_text("One:0:*:61626364\n")
    log.append("a.ndb")
    log.raw(b"1", b"2")
    log.checkpoint()
    latest = log.path / "feed/stable/latest.tlog-proof"
    words = ["verify", "proof", "--policy", log.policy, "--trust", log.path / "overt.trust"]
    lines = latest.read_bytes().splitlines(keepends=True)
    shutil.copy(latest, "proof")
    good(*words)
    for at, line in enumerate(lines):
        spoiled = bytearray(line)
        middle = len(line) // 2
        spoiled[middle] = ord("B") if spoiled[middle] == ord("A") else ord("A")
        pathlib.Path("proof").write_bytes(b"".join(lines[:at]) + bytes(spoiled) + b"".join(lines[at + 1:]))
        if line != b"\n":
            assert overt(*words)[0] == 1, (at, line)
    # An entry that only one of the two keys has signed, in a log that is otherwise all right.
    entry = base64.b64decode(lines[1].split()[1])
    text, _, rest = entry.rpartition(b"\n\n")
    pathlib.Path("one").write_bytes(text + b"\n\n" + rest.splitlines(keepends=True)[0])
    refused(2, "threshold", "append", "log", "one")
    trust = (log.path / "overt.trust").read_text()
    pathlib.Path("stranger").write_text(trust.replace("stable", "other").replace(
        trust.split("release ")[1].split("\n")[0], ed25519.vkey("x", 1, ed25519.public_key(bytes(32)))))
    shutil.copy(latest, "proof")
    refused(1, "fewer release keys", "verify", "proof", "--policy", log.policy, "--trust", "stranger")


def a_tampered_bundle_is_no_base():
    log = Log()
    pathlib.Path("a.ndb").write_text("One:0:*:61626364\n")
    log.append("a.ndb")
    log.checkpoint()
    bundle = next((log.path / "bundle").iterdir())
    flip(bundle)
    pathlib.Path("b.ndb").write_text("Two:0:*:61626364\n")
    assert overt("append", "log", "b.ndb")[0] == 2
    pathlib.Path("other.tar").write_bytes(bytes(1024))
    subprocess.run(["zstd", "-qf", "other.tar", "-o", bundle], check=True)
    refused(2, "not the bundle that the release names", "append", "log", "b.ndb")
    refused(2, "not the bundle that the release names", "prove", "log", "a.ndb", "-o", "proof")


# ---- backups ------------------------------------------------------------------------------------

def set_back(*names):
    for name in names:
        shutil.rmtree(name)
        shutil.copytree(f"backup-{name}", name)


def backups_are_refused():
    witness = Witness("w.example")
    log = Log("--witness", witness.word())
    log.raw(b"1", b"2", b"3")
    log.checkpoint()
    for name in ("log", "log.private"):
        shutil.copytree(name, f"backup-{name}")
    log.raw(b"4", b"5")
    log.checkpoint()
    newest = {name: shutil.copytree(name, f"newest-{name}") for name in ("log", "log.private")}
    for name, why in (("log", "does not hold the 5 entries"), ("log.private", "was set back")):
        set_back(name)
        for words in (("append", "log", "entry-0"), ("checkpoint", "log")):
            told = refused(2, why, *words)
            assert "restored from a backup" in told
        shutil.rmtree(name)
        shutil.copytree(newest[name], name)
    log.checkpoint()
    set_back("log", "log.private")  # nothing here can tell: the witness can
    log.raw(b"another 4")
    refused(2, "a witness has seen 5 entries of this log, and 3 were ever signed here", "checkpoint",
            "log")
    assert log.head()[0] == 3 and not witness.trouble
    log.raw(b"another 5", b"another 6")
    refused(2, "both folders were set back", "checkpoint", "log")
    head = publishing.read_checkpoint((log.private / "head").read_bytes(), log.vkey)
    assert head[0] == 3 and all(text.split(b"\n")[1] in b"35" for _, text, _ in witness.requests)


# ---- releases -----------------------------------------------------------------------------------

def unpack(log, sha256):
    packed = log.path / f"bundle/{sha256}.zst"
    data = subprocess.run(["zstd", "-dcq", packed], check=True, capture_output=True).stdout
    assert hashlib.sha256(data).hexdigest() == sha256
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return data, {member.name: tar.extractfile(member).read() for member in tar}


def rules_of(files):
    """(name, line) of files of lines, as docs/formats/release.md has them."""
    return [(name, line) for name in sorted(files) for line in files[name].splitlines()
            if line and not line.startswith(b"#")]


def releases_are_what_they_say():
    log = Log()
    os.makedirs("r/sub")
    sets = [{"a.ndb": b"One:0:*:61626364\nTwo:0:*:61626365\n", "sub/b.hdb": b"%032d:1:B\n" % 0},
            {"a.ndb": b"One:0:*:61626364\n# a comment\nThree:0:*:61626365\n", "sub/b.hdb": b"%032d:1:B\n" % 0},
            {"a.ndb": b"One:0:*:61626364\n", "sub/b.hdb": b"%032d:1:B\n" % 7, "c.ldb": b"C;Target:0;0;6162\n"}]
    for files in sets:
        for name, data in files.items():
            pathlib.Path("r", name).write_bytes(data)
        log.append("r", "--time", 1700000000)
        log.checkpoint()
    entries = log.check()
    bundles, before, previous = [], set(), "none"
    for seq, (entry, files) in enumerate(zip(entries, sets), 1):
        fields = dict(line.split(" ", 1) for line in entry.decode().split("\n\n")[0].splitlines()[1:])
        _, sha256, size = fields["bundle"].split()
        data, found = unpack(log, sha256)
        rules = rules_of(files)
        root = root_of(leaf_hash(f"{name}\n".encode() + line) for name, line in rules)
        assert found == files and int(size) == len(data) and fields["seq"] == str(seq)
        assert fields["rules"] == f"{len(rules)} {base64.b64encode(root).decode()}", fields
        now = set(rules)
        assert fields["changes"] == f"added {len(now - before)} removed {len(before - now)}", fields
        assert fields["previous"] == previous and fields["time"] == "1700000000"
        before, previous = now, base64.b64encode(leaf_hash(entry)).decode()
        bundles.append((sha256, data))
    deltas = list((log.path / "delta").iterdir())
    assert deltas
    for delta in deltas:
        old, new = delta.stem.split("-")
        pathlib.Path("from").write_bytes(dict(bundles)[old])
        done = subprocess.run(["zstd", "-dcq", "--patch-from=from", delta], check=True, capture_output=True)
        assert done.stdout == dict(bundles)[new]
    latest = json.loads(good("verify", log.path / "feed/stable/latest.tlog-proof", "--policy",
                             log.policy, "--trust", log.path / "overt.trust", "--json"))
    assert latest["release"]["seq"] == 3 and latest["signed_by_release_keys"]


def files_come_and_go():
    log = Log()

    def names():
        log.checkpoint()
        latest = json.loads(good("verify", log.path / "feed/stable/latest.tlog-proof", "--policy",
                                 log.policy, "--json"))["release"]
        return latest["seq"], sorted(unpack(log, latest["bundle_sha256"])[1])

    for name in "abc":
        pathlib.Path(f"{name}.ndb").write_text(f"{name}:0:*:61626364\n")
    log.append("a.ndb", "b.ndb")
    assert names() == (1, ["a.ndb", "b.ndb"])
    assert "has these files already" in log.append("a.ndb")
    log.append("c.ndb", "--remove", "a.ndb")
    assert names() == (2, ["b.ndb", "c.ndb"])
    log.append("--only", "a.ndb")
    assert names() == (3, ["a.ndb"])
    refused(2, "no file of this name", "append", "log", "--remove", "b.ndb")
    refused(2, "has no file", "append", "log", "--remove", "a.ndb")
    pathlib.Path("-odd name.ndb").write_text("x:0:*:61626364\n")
    refused(2, "no file of a release may have this name", "append", "log", "./-odd name.ndb")
    good("prove", "log", "b.ndb", "-o", "proof")  # in the newest release that had it
    assert json.loads(good("verify", "proof", "--policy", log.policy, "--json"))["release"]["seq"] == 2


def two_signers_on_two_machines():
    key = good("key", "second.example", "-o", "second.key").strip()
    good("key", "third.example", "-o", "third.key")
    log = Log("--release-keys", 1, "--release-key", key, "--threshold", 2)
    pathlib.Path("a.ndb").write_text("One:0:*:61626364\n")
    refused(2, "1 of the 2 release keys", "append", "log", "a.ndb")
    refused(2, "no release key of this log", "append", "log", "a.ndb", "--sign", "third.key")
    refused(2, "nothing beside them", "append", "log", "a.ndb", "second.key", "--unsigned", "entry")
    log.append("a.ndb", "--unsigned", "entry")
    refused(2, "fewer release keys", "append", "log", "entry")
    assert "seq 1\n" in good("sign", "entry", "second.key")
    once = pathlib.Path("entry").read_bytes()
    good("sign", "entry", "second.key")
    assert pathlib.Path("entry").read_bytes() == once
    log.append("entry")
    refused(2, "not the release that comes next", "append", "log", "entry")
    log.checkpoint()
    assert log.check() == [once]
    pathlib.Path("b.ndb").write_text("Two:0:*:61626364\n")
    log.append("b.ndb", "--sign", "second.key")
    os.chmod("second.key", 0o644)
    refused(2, "others may read", "sign", "entry", "second.key")


def withdrawn_releases_are_passed_over():
    log = Log()
    for number in (1, 2, 3):
        pathlib.Path(f"{number}.ndb").write_text(f"R{number}:0:*:61626364\n")
        log.append(f"{number}.ndb")

    def latest():
        log.checkpoint()
        out = good("verify", log.path / "feed/stable/latest.tlog-proof", "--policy", log.policy, "--json")
        return json.loads(out)["release"]

    assert latest()["seq"] == 3
    good("withdraw", "log", "--feed", "stable", "--seq", 3, "--reason", "finds good files")
    refused(2, "withdrawn already", "withdraw", "log", "--seq", 3, "--reason", "again")
    refused(2, "that there is not", "withdraw", "log", "--seq", 4, "--reason", "none")
    refused(2, "another feed", "withdraw", "log", "--seq", 2, "--feed", "beta", "--reason", "none")
    refused(2, "printable", "withdraw", "log", "--seq", 2, "--reason", "two\nlines")
    assert latest()["seq"] == 2
    pathlib.Path("4.ndb").write_text("R4:0:*:61626364\n")
    log.append("4.ndb")
    now = latest()
    assert now["seq"] == 4 and (now["added"], now["removed"]) == (1, 1)
    assert sorted(unpack(log, now["bundle_sha256"])[1]) == ["1.ndb", "2.ndb", "4.ndb"]
    assert b"reason finds good files" in log.check()[3]


def engines_and_new_keys():
    log = Log()
    pathlib.Path("overt-x").write_bytes(b"program")
    good("engine", "log", "1.4.0", "overt-x", log.policy)
    refused(2, "no version", "engine", "log", "1.4", "overt-x")
    key = good("key", "new.example", "-o", "new.key").strip()
    trust = (log.path / "overt.trust").read_text()
    release = trust.split("release ")[1].split("\n")[0]
    witness = Witness("w.example")
    policy = log.policy.read_text().replace(
        "quorum none", f"witness w {witness.vkey} {witness.url}\nquorum w")
    pathlib.Path("trust").write_text(trust.replace(release, key))
    pathlib.Path("policy").write_text(policy)
    refused(2, "next version", "rotate", "log", "--trust", "trust", "--sign", "new.key")
    pathlib.Path("trust").write_text(trust.replace(release, key).replace("version 1", "version 2"))
    refused(2, "", "rotate", "log", "--trust", "trust", "--policy", "policy")
    good("rotate", "log", "--trust", "trust", "--policy", "policy", "--sign", "new.key")
    pathlib.Path("a.ndb").write_text("One:0:*:61626364\n")
    refused(2, "wait to be published", "append", "log", "a.ndb")
    witness.answer = lambda text, answer: (500, "text/plain", b"not now\n")
    refused(2, "too few", "checkpoint", "log")  # the new policy's quorum counts already
    assert (log.path / "overt.trust").read_text() == trust
    witness.answer = None
    log.checkpoint()
    assert (log.path / "overt.trust").read_text() == pathlib.Path("trust").read_text()
    assert log.policy.read_text() == policy
    refused(2, "0 of the 1 release keys", "append", "log", "a.ndb")
    log.append("a.ndb", "--sign", "new.key")
    log.checkpoint()
    assert len(log.check()) == 3
    stranger = good("key", ORIGIN, "-o", "stranger.key").strip()
    pathlib.Path("policy").write_text(policy.replace(log.vkey, stranger))
    pathlib.Path("trust").write_text(pathlib.Path("trust").read_text().replace("version 2", "version 3"))
    refused(2, "the first log of the new policy is not this one", "rotate", "log", "--trust", "trust", "--policy",
            "policy", "--sign", "new.key")


# ---- witnesses ----------------------------------------------------------------------------------

def lies(text, answer):
    """A signature of another text, by the right name."""
    if answer[0] != 200:
        return answer
    liar = Witness.__new__(Witness)
    liar.name, liar.seed, liar.time = "b.example", hashlib.sha256(b"b.example").digest(), 1700000000
    return 200, "text/plain", Witness.line(liar, text + b"x\n")


def a_stranger_signs(text, _):
    stranger = Witness.__new__(Witness)
    stranger.name, stranger.seed, stranger.time = "b.example", bytes(32), 1700000000
    return 200, "text/plain", Witness.line(stranger, text)


BAD_ANSWERS = [
    (lies, "answered a false signature"), (a_stranger_signs, "has not signed as itself"),
    (lambda *_: (200, "text/plain", b""), "no cosignature"),
    (lambda *_: (200, "text/plain", b"yes\n"), "no cosignature"),
    (lambda *_: (403, "text/plain", b"no\x1b[2J such key\n"), "answered 403: no\\x1b[2J such key"),
    (lambda *_: (404, "text/plain", b"unknown log\n"), "answered 404"),
    (lambda *_: (422, "text/plain", b"no\n"), "answered 422"),
    (lambda *_: (500, "text/plain", b""), "answered 500"),
    (lambda *_: (409, "text/x.tlog.size", b"many\n"), "409 without another size"),
    (lambda *_: (409, "text/x.tlog.size", b"0\n"), "409 without another size"),
    (lambda *_: (302, "text/plain", b""), ""),
    (lambda *_: (200, "text/plain", b"x" * 100000), ""),
]


def too_few_cosignatures_publish_nothing():
    first, second, third = Witness("a.example"), Witness("b.example"), Witness("c.example")
    words = [word for w in (first, second, third) for word in ("--witness", w.word())]
    log = Log(*words)  # most of them: two
    assert "group witnesses 2 a-example b-example c-example\n" in log.policy.read_text()
    third.server.shutdown()
    third.server.server_close()
    log.raw(b"1")
    for answer, why in BAD_ANSWERS:
        second.answer = answer
        told = refused(2, why, "checkpoint", "log")
        assert "too few witnesses have cosigned" in told and "NOT published" in told, told
        assert "witness a-example: cosigned" in told and "Connection refused" in told, told
        assert not (log.path / "checkpoint").exists() and not (log.path / "feed").exists()
    second.answer = None
    out = json.loads(good("checkpoint", "log", "--json"))
    assert out["published"] and [w["cosigned"] for w in out["witnesses"]] == [True, True, False]
    log.check()
    found = json.loads(good("verify", "log", "--policy", log.policy, "--json"))
    assert [w["name"] for w in found["witnesses"]] == ["a-example", "b-example"]
    assert not first.trouble and not second.trouble


def witnesses_that_knew_another_size():
    first, late = Witness("a.example"), Witness("b.example")
    log = Log("--witness", first.word(), "--witness", late.word(), "--quorum", "any")
    late.answer = lambda *_: (500, "text/plain", b"")
    for size in range(1, 9):
        log.raw(b"entry %d" % size)
        if size % 3 == 0:
            late.answer = None
        log.checkpoint()
        late.answer = lambda *_: (500, "text/plain", b"")
        late.size, late.root = (size, log.head()[1]) if size % 3 == 0 else (late.size, late.root)
        assert log.head()[0] == first.size == size
    late.answer = None
    out = good("checkpoint", "log")
    assert "witness b-example: cosigned" in out and late.size == 8
    assert not first.trouble and not late.trouble


def a_heartbeat_renews_what_witnesses_say():
    witness = Witness("a.example")
    log = Log("--witness", witness.word(), "--quorum", "all")
    pathlib.Path("a.ndb").write_text("One:0:*:61626364\n")
    log.append("a.ndb")
    log.checkpoint()
    before = (log.path / "checkpoint").read_bytes()
    latest = (log.path / "feed/stable/latest.tlog-proof").read_bytes()
    log.checkpoint()
    after = (log.path / "checkpoint").read_bytes()
    assert before.rpartition(b"\n\n")[0] == after.rpartition(b"\n\n")[0] and before != after
    times = [json.loads(good("verify", path, "--policy", log.policy, "--json"))["quorum_time"]
             for path in ("log", log.path / "feed/stable/latest.tlog-proof")]
    assert times[0] == times[1] == witness.time
    assert latest != (log.path / "feed/stable/latest.tlog-proof").read_bytes()


def cosignatures_by_another_way():
    witness = Witness("a.example")
    log = Log("--witness", witness.word().rsplit(" ", 1)[0], "--quorum", "all")
    log.raw(b"1")
    refused(2, "no address", "checkpoint", "log")
    body = good("checkpoint", "log", "--request", witness.size).encode()
    status, _, answer = witness.take("/w/add-checkpoint", body)
    assert status == 200
    pathlib.Path("answer").write_bytes(answer)
    log.checkpoint("--witness-file", "answer")
    log.check()
    log.raw(b"2")
    refused(2, "false", "checkpoint", "log", "--witness-file", "answer")  # of another size
    body = good("checkpoint", "log", "--request", 1).encode()
    pathlib.Path("answer").write_bytes(witness.take("/w/add-checkpoint", body)[2])
    log.checkpoint("--witness-file", "answer")
    assert len(log.check()) == 2
    log.raw(b"3")
    refused(2, "has seen 3 entries", "checkpoint", "log", "--request", 3)  # which nobody can have
    assert publishing.read_checkpoint((log.private / "head").read_bytes(), log.vkey)[0] == 2


def beside_a_witness_in_go():
    program = checker()
    good("key", "w.example", "--witness", "-o", "w.key")
    seed = base64.b64decode(pathlib.Path("w.key").read_text().strip().split("+", 4)[4])[1:]
    vkey = ed25519.vkey("w.example", ed25519.COSIGNATURE, ed25519.public_key(seed))
    with Witness("free.example").server as free:  # a port that is free a moment later
        port = free.server_address[1]
        free.shutdown()
    log = Log("--witness", f"w {vkey} http://127.0.0.1:{port}", "--quorum", "all")
    process = subprocess.Popen([program, "witness", f"127.0.0.1:{port}", "w.example", seed.hex(), log.vkey],
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline().decode().strip() == vkey
        for size in (1, 2, 300):
            pathlib.Path("lines").write_text("".join(f"{i}\n" for i in range(size)))
            log.append("--lines", "lines")
            for attempt in range(50):
                code, out, err = overt("checkpoint", "log")
                if code == 0 or attempt == 49:
                    break
            assert code == 0, (out, err)
            check("audit", log.policy, "log")
        log.check()
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main([files_of_a_new_log, what_cannot_be_created, no_witness_is_said_loudly,
          a_creation_that_was_cut_off_goes_on, logs_of_many_sizes, logs_that_a_go_program_audits,
          logs_that_a_go_program_wrote, every_byte_is_an_entry, one_writer_at_a_time,
          tampered_logs_do_not_hold, tampered_proofs_do_not_hold, a_tampered_bundle_is_no_base,
          backups_are_refused, releases_are_what_they_say, files_come_and_go,
          two_signers_on_two_machines, withdrawn_releases_are_passed_over, engines_and_new_keys,
          too_few_cosignatures_publish_nothing, witnesses_that_knew_another_size,
          a_heartbeat_renews_what_witnesses_say, cosignatures_by_another_way, beside_a_witness_in_go])
