#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""Files of evidence: what overt evidence writes is read here from docs/formats/evidence.md alone,
and nothing in one can be changed unseen. TAP."""
import base64
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(os.environ["OVERT_SOURCE"])
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("", "journal", "serve", "ledger")]
import serving  # noqa: E402  pylint: disable=wrong-import-position
import feed_test  # noqa: E402  pylint: disable=wrong-import-position
import ed25519  # noqa: E402  pylint: disable=wrong-import-position
from journals import (  # noqa: E402  pylint: disable=wrong-import-position
    BUILD, OVERT, Journal, build_library, environment, leaf_hash, main, parse, scan, tree)

NAMES = ("about", "journal", "checkpoint", "entries", "others", "proof", "follows", "names",
         "manifest", "witness")
WRITTEN = "overt scan, rules, quarantine, and log checkpoint, monitor, serve and witness"
NEXT = iter(range(10**6))
LOCAL = {("not proven", "the entry says that it is none"),
         ("not proven", "its set stands in no public log"),
         ("not proven", "its run's load is not in the range")}
FLIP = BUILD / "src/cmd/flip-evidence"


def evidence(*words, state="state", env=None, program=OVERT):
    return subprocess.run([program, "evidence", *map(str, words)], capture_output=True, check=False,
                          timeout=120, env=environment(state, **(env or {})))


def export(*words, state="state", manifest=False, **how):
    name = f"evidence-{next(NEXT)}"
    done = evidence("export", "-o", name, *([] if manifest else ["--no-manifest"]), *words,
                    state=state, **how)
    assert done.returncode == 0, done
    return pathlib.Path(name)


def vkey(state="state"):
    return Journal(state).read("journal.vkey").decode().strip()


def check(file, *words, code=None):
    """The answer in JSON of a machine that has nothing but the file. Without `code`: all is proven
    but that local rules are public."""
    done = evidence("verify", file, "--json", *words, state="elsewhere")
    assert not pathlib.Path("elsewhere").exists()
    told = json.loads(done.stdout)
    if code is None:
        assert done.returncode in (0, 3), done
        assert all(step["result"] == "proven" or (step["result"], step["why"]) in LOCAL
                   for step in told["steps"]), told["steps"]
    else:
        assert done.returncode == code, done
    return told


def code_of(data, key, *words):
    pathlib.Path("changed").write_bytes(data)
    return evidence("verify", "changed", "--key", key, *words, state="elsewhere").returncode


def small():
    """A journal of two scans."""
    tree("t", 4, found={1})
    for _ in range(2):
        assert scan("t").returncode == 1


# ---- read without our code ----------------------------------------------------------------------

def parts(data):
    """[(name, bytes)]"""
    head = b"overt-evidence/v1\n"
    assert data.startswith(head)
    data, found = data[len(head):], []
    while data:
        line, data = data.split(b"\n", 1)
        word, name, size = line.decode().split(" ")
        assert word == "part" and data[int(size):int(size) + 1] == b"\n"
        found.append((name, data[:int(size)]))
        data = data[int(size) + 1:]
    return found


def join(pieces):
    return b"overt-evidence/v1\n" + b"".join(
        b"part %s %d\n%s\n" % (name.encode(), len(data), data) for name, data in pieces)


def framed(data):
    found = []
    while data:
        size = struct.unpack(">H", data[:2])[0]
        found.append(data[2:2 + size])
        data = data[2 + size:]
    return found


def root_by_range(low, high, leaves, hashes):
    """RFC 6962's root, with a hash of the proof for each subtree that has none of the leaves."""
    if not any(low <= index < high for index in leaves):
        return hashes.pop(0)
    if high - low == 1:
        return leaves[low]
    half = 1
    while half * 2 < high - low:
        half *= 2
    left = root_by_range(low, low + half, leaves, hashes)
    right = root_by_range(low + half, high, leaves, hashes)
    return hashlib.sha256(b"\1" + left + right).digest()


def check_by_hand(file):
    """[entries of the range], {commitment: path}; root and openings hold."""
    pieces = parts(file.read_bytes())
    assert tuple(name for name, _ in pieces[:10]) == NAMES
    rest = [name for name, _ in pieces[10:]]
    assert rest == sorted(rest, key=("release", "rules", "rule", "watch").index)
    part = dict(pieces[:10])
    lines = dict(line.split(" ", 1) for line in part["journal"].decode().splitlines())
    first, last = int(lines["from"]), int(lines["to"])
    entries = framed(part["entries"])
    assert len(entries) == last - first + 1
    leaves = {first + at: leaf_hash(entry) for at, entry in enumerate(entries)}
    for entry in framed(part["others"]):
        assert parse(entry).type in ("epoch", "export") and not first <= parse(entry).seq <= last
        leaves[parse(entry).seq] = leaf_hash(entry)
    own = [parse(entry) for entry in framed(part["entries"]) + framed(part["others"])
           if parse(entry).seq == int(lines["export"])][0]
    manifest = hashlib.sha256(part["manifest"]).hexdigest() if part["manifest"] else "-"
    assert own.type == "export" and own.body == [
        ("from", lines["from"]), ("to", lines["to"]), ("records", str(last - first + 1)),
        ("manifest", manifest)]
    size, root = part["checkpoint"].split(b"\n")[1:3]
    hashes = [part["proof"][at:at + 32] for at in range(0, len(part["proof"]), 32)]
    assert root_by_range(0, int(size), leaves, hashes) == base64.b64decode(root) and not hashes
    names, data = {}, part["names"]
    while data:
        salt, length = data[:16], struct.unpack(">H", data[16:18])[0]
        path, data = data[18:18 + length], data[18 + length:]
        commitment = hashlib.sha256(b"overt-name/v1\n" + salt + path).digest()
        names[base64.b64encode(commitment).decode()] = path
    assert all(commitment.encode() in part["entries"] for commitment in names)
    return [parse(entry) for entry in entries], names


# ---- what it proves -----------------------------------------------------------------------------

def a_stranger_has_the_answers():
    small()
    file = export()
    told = check(file, "--key", vkey(), "--file", "t/f0009")
    entries, names = check_by_hand(file)
    assert [step["result"] for step in told["steps"]][:8] == ["proven"] * 8, told
    assert entries[-1].type == "export" and entries[-1].seq == told["to"] == len(entries) - 1
    assert dict(parts(file.read_bytes()))["proof"] == b""  # it is the whole journal
    own = Journal()
    assert [(one["path"].encode(), one["verdict"]) for one in told["files"]] == own.files()
    assert set(names.values()) == {b"t", *(b"t/f%04d" % i for i in range(4))}
    rules = [(one["path"], [hit["rule"] for hit in one["found"]]) for one in told["files"]]
    assert rules.count(("t/f0001", ["Rule-00000.UNOFFICIAL"])) == 2, rules
    assert told["answers"] == {
        "files": 8, "found": 2, "unnamed": 0, "sent": 0, "file_not_looked_at": "yes",
        "no_other_sets": "yes", "nothing_left": "yes",
        "nothing_left_covers": WRITTEN}
    assert check(file, "--key", vkey(), "--file", "t/f0001")["answers"]["file_not_looked_at"] == \
        "no, it was"
    text = evidence("verify", file, "--key", vkey(), state="elsewhere").stdout.decode()
    assert "found       t/f0001 (" in text and "rule Rule-00000.UNOFFICIAL of rules.ndb" in text
    assert f"answer      nothing left this machine through the runs of {WRITTEN} in this range: yes" in text


def each_range():
    small()
    assert scan("t").returncode == 1
    size = len(Journal().entries())
    for first in range(size):
        for last in range(first, size, 3):
            file = export("--range", f"{first}-{last}")
            entries, _ = check_by_hand(file)
            assert [entry.seq for entry in entries] == list(range(first, last + 1))
            told = check(file, "--key", vkey())
            assert (told["from"], told["to"]) == (first, last)
    for wrong in ("5", "3-2", "0-9999", "a-b", "1-", "-1", "01-2"):
        assert evidence("export", "-o", "none", "--range", wrong).returncode == 2, wrong
    assert not pathlib.Path("none").exists()


def a_part_of_a_run_says_less():
    small()
    entries = Journal().entries()
    stop = [entry.seq for entry in entries if entry.type == "stop"][0]
    answers = check(export("--range", f"0-{stop - 1}"), "--key", vkey(), "--file", "x")["answers"]
    why = "cannot be told: a run is not in the range from its start to its stop"
    assert answers["nothing_left"] == answers["file_not_looked_at"] == why, answers
    answers = check(export("--range", f"0-{stop}"), "--key", vkey(), "--file", "x")["answers"]
    assert answers["nothing_left"] == answers["file_not_looked_at"] == "yes", answers


def redacted():
    small()
    file = export("--redact")
    assert b"t/f000" not in file.read_bytes() and check_by_hand(file)[1] == {}
    told = check(file, "--key", vkey(), "--file", "t/f0001")
    assert all("path" not in one for one in told["files"]) and told["answers"]["unnamed"] == 8
    assert told["answers"]["file_not_looked_at"] == \
        "cannot be told: not all names are shown in the file"
    file = export("--file", "t/f0001")
    assert set(check_by_hand(file)[1].values()) == {b"t/f0001"}
    assert b"t/f0000" not in file.read_bytes()
    told = check(file, "--key", vkey(), "--file", "t/f0001")
    assert told["answers"]["file_not_looked_at"] == "no, it was"
    (Journal().path / "names").unlink()
    assert check_by_hand(export())[1] == {}


def keys_of_epochs():
    library = build_library("tests/journal/clock.c", "clock.so")
    tree("t", 2)
    for day in range(4):
        env = {"LD_PRELOAD": library, "WRONG_CLOCK": str(day * 86500),
               "ASAN_OPTIONS": "verify_asan_link_order=0"}
        for _ in range(2):
            assert scan("t", env=env).returncode == 0
    epochs = [entry for entry in Journal().entries() if entry.type == "epoch"]
    assert len(epochs) == 4
    last = len(Journal().entries()) - 1
    for words in ((), ("--range", f"{last}-{last}"), ("--range", "2-3")):
        file = export(*words, env=env)
        check_by_hand(file)
        for epoch in epochs:  # whichever of them is known
            check(file, "--key", dict(epoch.body)["key"])
        pieces = parts(file.read_bytes())
        shown = framed(dict(pieces)["others"])
        for at in range(len(shown)):
            cut = b"".join(struct.pack(">H", len(e)) + e
                           for number, e in enumerate(shown) if number != at)
            assert code_of(join([(n, cut if n == "others" else d) for n, d in pieces]),
                           vkey()) == 1
    return file


def a_clock_that_is_set_back():
    env = {"LD_PRELOAD": build_library("tests/journal/clock.c", "clock.so"),
           "WRONG_CLOCK": "-86400", "ASAN_OPTIONS": "verify_asan_link_order=0"}
    small()
    assert scan("t", env=env).returncode == 1
    told = check(export(env=env), "--key", vkey(), code=3)
    results = [step["result"] for step in told["steps"]]
    assert results[:8] == ["proven", "proven", "not proven", *["proven"] * 5], told
    assert told["answers"]["files"] == 12


def another_machine():
    small()
    tree("u", 1)
    assert scan("u", state="other").returncode == 0
    file = export()
    told = check(file, "--key", vkey("other"), code=1)
    assert told["answers"] is None
    assert told["steps"][5]["why"] == "the key that is known is none of this journal"
    told = check(file, code=3)
    assert "not anchored" in told["steps"][5]["why"] and told["answers"]["files"] == 8
    mine, theirs = parts(file.read_bytes()), parts(export(state="other").read_bytes())
    for at, (name, _) in enumerate(mine):
        mixed = join(mine[:at] + [theirs[at]] + mine[at + 1:])
        assert mixed in (join(mine), join(theirs)) or code_of(mixed, vkey()) in (1, 2), name


# ---- what cannot be changed ---------------------------------------------------------------------

def unseen(file, *known):
    """What may be changed unseen: [(what, where)], for a bit of each byte and each length."""
    done = subprocess.run([FLIP, file, *known], capture_output=True, text=True, check=True,
                          timeout=400)
    return [(line.split()[0], int(line.split()[1])) for line in done.stdout.splitlines()]


def each_byte_is_flipped():
    tree("t", 1, found={0})
    for _ in range(2):
        assert scan("t").returncode == 1
    file = export("--range", "2-7", manifest=True)
    data, key = file.read_bytes(), vkey()
    assert unseen(file, key) == [] and unseen(export(), key) == []
    assert code_of(data, key) == 3
    for at in range(0, len(data), 97):  # the program says the same
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]
        assert code_of(changed, key) in (1, 2), (at, data[max(0, at - 20):at + 20])


def traces_are_in_it():
    sys.path.insert(0, str(ROOT / "tests/trace"))
    import maker  # pylint: disable=import-error,import-outside-toplevel
    tree("t", 1)
    assert scan("t").returncode == 0
    made = maker.Maker(words=("scan", "/home/ann"))
    made.process(7)
    made.file(7, 12, 1, path="/home/ann/letter", read=4096)
    made.file(7, 13, 2, path="/home/ann/copy", written=512)
    pathlib.Path("trace").write_bytes(made.end())
    file = export("--range", "1-2", "--watch", "trace")
    data, key = file.read_bytes(), vkey()
    assert parts(data)[-1] == ("watch", pathlib.Path("trace").read_bytes())
    told = check(file, "--key", key)
    assert [step["result"] for step in told["steps"] if step.get("trace") == "trace 1"] == ["proven"] * 2, told
    assert (told["traces"][0]["complete"], told["traces"][0]["kept_bytes"], told["traces"][0]["sent_bytes"]) == \
        (True, 512, 0), told["traces"]
    assert {"READ", "KEPT", "SENT", "CAPACITY"} <= {claim["type"] for claim in told["traces"][0]["claims"]}
    text = evidence("verify", file, state="elsewhere").stdout.decode()
    assert "trace 1     COMPLETE" in text and "trace 1     KEPT" in text, text
    assert unseen(file, key) == []
    at = data.rindex(b"part watch ")
    for place in range(at, len(data), 7):
        changed = data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1:]
        assert code_of(changed, key) in (1, 2), place
    made = maker.Maker()
    made.loss("ring", 3)
    pathlib.Path("lossy").write_bytes(made.end())
    told = check(export("--watch", "lossy", "--watch", "trace"), code=3)
    assert [one["complete"] for one in told["traces"]] == [False, True], told
    assert any("INCOMPLETE" in step.get("why", "") for step in told["steps"]), told["steps"]
    pathlib.Path("broken").write_bytes(made.data.replace(b"ring", b"rinh"))
    for words in (["--watch", "trace", "--redact"], ["--watch", "trace", "--file", "t/0"], ["--watch", "broken"],
                  ["--watch", "nowhere"], ["--watch", file]):
        done = evidence("export", "-o", "none", "--no-manifest", *words)
        assert done.returncode == 2 and not pathlib.Path("none").exists(), (words, done)


def each_length_is_tried():
    tree("t", 1)
    assert scan("t").returncode == 0
    data, key = export("--range", "1-3").read_bytes(), vkey()
    for size in range(0, len(data), 53):
        assert code_of(data[:size], key) == 2, size
    assert code_of(data + b"\n", key) == 2 and code_of(data + data, key) == 2


def the_machine_says_what_it_may():
    small()
    first, second = export(manifest=True), export(manifest=True)
    lines = dict(parts(first.read_bytes()))["manifest"].decode().splitlines()
    assert lines == dict(parts(second.read_bytes()))["manifest"].decode().splitlines()
    assert lines[0] == "overt-manifest/v1" and lines[1] == f"kernel {os.uname().release}"
    told = check(first, "--key", vkey())
    assert told["manifest"] == lines
    status = json.loads(subprocess.run([OVERT, "status", "--json"], capture_output=True,
                                       check=False, env=environment("state")).stdout)
    roles = [line[5:] for line in lines if line.startswith("role ")]
    assert roles == [role["name"] for role in status["roles"]]
    declared = [line.split()[1:] for line in lines if line.startswith("declared ")]
    enforced = [line.split()[1:] for line in lines if line.startswith("enforced ")]
    for role, one, held in zip(status["roles"], declared, enforced):
        assert one == (role["manifest"]["declared"]["layers"] or ["-"]), role["name"]
        assert held == ([layer["layer"] for layer in role["layers"] if layer["enforced"]]
                        or ["-"]), role["name"]
    pieces = parts(first.read_bytes())
    for other in (b"", pieces[8][1] + b"role x\n", pieces[8][1].replace(b"calls", b"CALLS", 1)):
        changed = [(name, other if name == "manifest" else data) for name, data in pieces]
        if not other:
            changed[0] = ("about", pieces[0][1].replace(b"Manifest: yes", b"Manifest: no"))
        assert code_of(join(changed), vkey()) == 1


def nothing_of_a_document_is_in_it():
    how, believed = installed()
    secret = b"what stands in a document of somebody"
    for number, data in enumerate((secret, secret + feed_test.MARKS[1] + secret)):
        pathlib.Path(f"document-{number}").write_bytes(data)
    done = subprocess.run([feed_test.OVERT, "scan", "document-0", "document-1"], check=False,
                          capture_output=True, env=environment(how["state"]))
    assert done.returncode == 1, done
    for words in (("--with-rules",), ("--redact",)):
        data = export(*words, manifest=True, **how).read_bytes()
        assert not any(secret[at:at + 12] in data for at in range(len(secret) - 12))
        assert feed_test.MARKS[1] not in data  # the rule has it in hexadecimal digits
        assert (b"document-1" in data) == (words[0] != "--redact")
    told = check(export(*last_run(how), **how), *believed, code=0)
    assert [one["verdict"] for one in told["files"]] == ["clean", "found"]


def ranges_of_time():
    small()
    time.sleep(2.1)
    assert scan("t").returncode == 1
    entries = Journal().entries()
    start = [entry for entry in entries if entry.type == "start"][-1]
    seconds = start.time // 10**9
    for since in (seconds, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))):
        shown, _ = check_by_hand(export("--since", since))
        assert shown[0].seq == start.seq and shown[-1].seq >= entries[-1].seq, since
    shown, _ = check_by_hand(export("--until", seconds - 1))
    assert shown[0].seq == 0 and shown[-1].seq == start.seq - 1
    day = time.strftime("%Y-%m-%d", time.gmtime(seconds - 3 * 86400))
    for wrong in (("--until", day), ("--since", seconds + 9999), ("--since", "yesterday"),
                  ("--since", 0, "--range", "0-1")):
        assert evidence("export", "-o", "none", *wrong).returncode == 2, wrong
    assert not pathlib.Path("none").exists()


def parts_change_places():
    small()
    pieces, key = parts(export("--range", "1-5").read_bytes()), vkey()
    for left in range(len(pieces)):
        for right in range(left + 1, len(pieces)):
            changed = list(pieces)
            changed[left], changed[right] = changed[right], changed[left]
            assert code_of(join(changed), key) == 2, (left, right)
        assert code_of(join(pieces[:left] + pieces[left + 1:]), key) == 2, left
        assert code_of(join(pieces[:left] + [("more", b"")] + pieces[left:]), key) == 2, left


def entries_are_left_out():
    small()
    pieces, key = dict(parts(export("--range", "1-6").read_bytes())), vkey()
    shown = framed(pieces["entries"])
    for at in range(len(shown)):
        for entries, last in ((shown[:at] + shown[at + 1:], b"5"),
                              (shown[:at] + shown[at + 1:], b"6"),
                              (shown[:at] + [shown[at - 1]] + shown[at + 1:], b"6")):
            changed = {**pieces, "entries": b"".join(struct.pack(">H", len(e)) + e
                                                     for e in entries),
                       "journal": pieces["journal"].replace(b"to 6", b"to " + last),
                       "about": pieces["about"].replace(b"1 to 6", b"1 to " + last)}
            assert code_of(join(list(changed.items())), key) in (1, 2), (at, last)


def about_cannot_lie():
    small()
    pieces = parts(export().read_bytes())
    about = pieces[0][1]
    assert b"does not show" in about
    for changed in (b"", about[:-1], about + b"All is well.\n", about.replace(b"not ", b"")):
        assert code_of(join([("about", changed)] + pieces[1:]), vkey()) == 2


# ---- releases -----------------------------------------------------------------------------------

def installed():
    """A client with release 1 and 2 of a log, and the words for a verifier that believes it."""
    log, client, folder = feed_test.started(quorum=1)
    path = pathlib.Path("sample")
    path.write_bytes(feed_test.MARKS[1])
    assert client.run("scan", path).returncode == 1
    log.release(feed_test.rules(1, 2, 3, 4, 5))
    log.publish(folder)
    feed_test.fine(client.update())
    assert client.run("scan", path).returncode == 1
    pathlib.Path("p").write_text(log.policy())
    pathlib.Path("s").write_text(log.trust())
    how = {"state": client.state, "program": feed_test.OVERT}
    return how, ("--key", vkey(client.state), "--policy", "p", "--trust", "s")


def last_run(how):
    """The range of the last scan."""
    entries = Journal(how["state"]).entries()
    start = [entry.seq for entry in entries if entry.type == "start"][-1]
    stop = [entry.seq for entry in entries if entry.type == "stop"][-1]
    return "--range", f"{start}-{stop}"


def releases_of_the_public_log():
    how, believed = installed()
    file = export(**how)
    told = check(file, *believed, code=3)  # the proof of release 1 is gone with its set
    steps = [(step["what"].split()[-2:], step["result"]) for step in told["steps"]
             if step.get("set") == "stable"]
    public, before = ["public", "log"], ["was", "loaded"]
    assert steps == [(public, "not proven"), (public, "proven"), (before, "proven")], steps
    assert told["answers"]["nothing_left"] == "yes"  # the feed is a folder
    assert told["answers"]["no_other_sets"] == "yes"
    loads = [entry for entry in check_by_hand(file)[0] if entry.type == "load"]
    file = export("--range", f"{loads[-1].seq}-{loads[-1].seq}", **how)
    told = check(file, *believed, code=0)
    assert told["answers"]["no_other_sets"] == "yes"
    why = "--policy and --trust were not given"
    assert check(file, *believed[:2], code=3)["steps"][8]["why"] == why
    other = feed_test.Log(feed_test.NOW, origin="log2.example/rules")
    pathlib.Path("other").write_text(other.policy())
    assert check(file, *believed[:2], "--policy", "other", "--trust", "s", code=1)["answers"] is None
    trust = pathlib.Path(believed[-1]).read_text()
    assert "\nfeed stable\n" in trust
    pathlib.Path("of-another-feed").write_text(trust.replace("\nfeed stable\n", "\nfeed other\n"))
    told = check(file, *believed[:-1], "of-another-feed", code=1)
    whys = [step["why"] for step in told["steps"] if step["result"] == "failed"]
    assert whys == ["it is of another feed than the trust file"], whys
    pieces = parts(file.read_bytes())
    twice = [("about", pieces[0][1].replace(b"rules: 1", b"rules: 2"))] + pieces[1:]
    assert code_of(join(twice + [pieces[-1]]), *believed[1:]) == 1


def which_rule_fired_and_what_it_says():
    how, believed = installed()
    file = export(*last_run(how), **how)
    told = check(file, *believed, code=0)
    text = feed_test.rules(1)["rules.ndb"].splitlines()[1].decode()
    found = told["files"][0]["found"][0]
    assert told["files"][0]["path"] == "sample" and found["rule"] == "Test.Rule-1.UNOFFICIAL"
    assert told["rules"] == [{"release": found["release"], "index": 0, "file": "rules.ndb",
                              "text": text}], told["rules"]
    loads = [one["sets"] for one in told["loads"]]
    assert loads == [[f"stable {found['release']}"]], loads
    shown = evidence("verify", file, *believed, state="elsewhere").stdout.decode()
    assert f"text        rules.ndb: {text}\n" in shown
    assert "proven      Test.Rule-1.UNOFFICIAL: the text of the rule that found is public" in shown
    rule_by_hand(file, text.encode())
    told = check(file, *believed[:2], code=3)  # without a policy: shown, and not proven
    assert told["rules"][0]["text"] == text
    assert [step["result"] for step in told["steps"][8:]] == ["not proven"] * 3
    pieces = parts(file.read_bytes())
    cut = [("about", pieces[0][1].replace(b"rules: 1.\nM", b"rules: 0.\nM"))] + pieces[1:-1]
    pathlib.Path("cut").write_bytes(join(cut))
    told = check("cut", *believed, code=3)
    assert told["steps"][-1]["why"] == "the file does not have its text"
    pathlib.Path("cut").write_bytes(join(cut[:-1] + [cut[-1]] + [
        ("rule", pieces[-1][1].replace(b"index 0", b"index 1"))]))
    assert evidence("verify", "cut", *believed).returncode == 2  # `about` says otherwise


def rule_by_hand(file, text):
    """From the text to the root that the release names."""
    pieces = parts(file.read_bytes())
    rule = [data for name, data in pieces if name == "rule"][0]
    head, entry = rule.split(b"\n\n", 1)
    lines = head.split(b"\n")
    leaf, index = base64.b64decode(lines[0].split(b" ")[1]), int(lines[1].split(b" ")[1])
    assert entry == b"rules.ndb\n" + text
    proof = [data for name, data in pieces if name == "release"][0]
    release = base64.b64decode(proof.split(b"\n")[1].split(b" ")[1])
    assert hashlib.sha256(b"\0" + release).digest() == leaf
    size, root = [line.split(b" ")[1:] for line in release.split(b"\n")
                  if line.startswith(b"rules ")][0]
    path = [base64.b64decode(line) for line in lines[2:]]
    assert root_by_path(leaf_hash(entry), index, int(size), path) == base64.b64decode(root)


def root_by_path(value, index, size, path):
    """RFC 9162 section 2.1.3.2."""
    last, path = size - 1, list(path)
    while path:
        other = path.pop(0)
        if index & 1 or index == last:
            value = hashlib.sha256(b"\1" + other + value).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            value = hashlib.sha256(b"\1" + value + other).digest()
        index, last = index >> 1, last >> 1
    assert last == 0
    return value


def no_rule_looks_for_that():
    how, believed = installed()
    mark = feed_test.MARKS[3].hex()
    plain = export(*last_run(how), **how)
    whole = export(*last_run(how), "--with-rules", **how)
    every = export("--with-rules", **how)
    lists = [data for name, data in parts(whole.read_bytes()) if name == "rules"]
    assert len(lists) == 1 and lists[0].count(b"Test.Rule-") == 5
    for file, asked, answer in (
            (whole, "top secret", "yes"), (whole, mark, "no, one has it"),
            (whole, mark.upper(), "no, one has it"), (whole, "test.rule-5", "no, one has it"),
            (whole, "Test.Rule-6", "yes"),
            (plain, mark, "cannot be told: the file does not have all rules of a release"),
            (every, "zzz", "cannot be told: the file does not have all rules of a release")):
        told = check(file, *believed, "--no-rule", asked, code=3 if file == every else 0)
        assert told["answers"]["no_rule"] == answer, (asked, told["answers"])
        number = {mark: 3, mark.upper(): 3, "test.rule-5": 5}.get(asked) if file != plain else None
        assert [one["text"].split(":")[0] for one in told["matches"]] == (
            [f"Test.Rule-{number}"] if number else []), told["matches"]
    told = check(whole, *believed[:2], "--no-rule", "zzz", code=3)
    assert told["answers"]["no_rule"] == "cannot be told: a release is not proven"
    load = Journal(how["state"]).entries()
    start = int(last_run(how)[1].split("-")[0])
    file = export("--range", f"{start}-{start + 2}", "--with-rules", **how)
    told = check(file, *believed, "--no-rule", "zzz", code=0)
    assert told["answers"]["no_rule"].startswith("cannot be told: a run "), (told, load)


def each_byte_of_a_release():
    """What nobody signs is in the cosignatures alone: one that is not needed may be any text."""
    how, believed = installed()
    file = export(*last_run(how), "--with-rules", **how)
    data = file.read_bytes()
    places, at = {}, 0
    for name, bytes_of in parts(data):
        at = data.index(b"part %s %d\n" % (name.encode(), len(bytes_of)), at)
        at += len(b"part %s %d\n" % (name.encode(), len(bytes_of)))
        places[name] = (at, at + len(bytes_of))
        at += len(bytes_of)
    outside = unseen(file, believed[1], "p", "s")
    assert all(what == "byte" for what, _ in outside), outside
    outside = sorted({at for _, at in outside})
    first, end = places["release"]
    print(f"# {len(outside)} of {len(data)} bytes can be others: in cosignatures of the release"
          " that the quorum does not need")
    assert outside and all(first <= at < end for at in outside), (outside, places)
    body = first + data[first:end].rindex(b"\n\n")
    assert all(at > body and b"log.example" not in line_at(data, at) for at in outside), outside


# ---- witnesses ----------------------------------------------------------------------------------

class Signer:
    """A witness's key."""

    def __init__(self, name):
        self.name, self.seed = name, hashlib.sha256(name.encode()).digest()

    def vkey(self):
        return ed25519.vkey(self.name, ed25519.COSIGNATURE, ed25519.public_key(self.seed))

    def line(self, text, when):
        return ed25519.signature_line(self.name, ed25519.COSIGNATURE, self.seed, text, when)


def witnesses_of_the_journal():
    small()
    seen = subprocess.run([OVERT, "journal", "checkpoint"], capture_output=True, check=True,
                          env=environment("state")).stdout
    signers = {name: Signer(name) for name in ("witness.example/one", "witness.example/two",
                                                "witness.example/strange")}
    when = int(time.time())
    text = seen[:seen.index(b"\n\n") + 1]
    lines = b"".join(signer.line(text, when + at)
                     for at, signer in enumerate(signers.values()))
    pathlib.Path("seen").write_bytes(seen + lines)
    policy = "".join(f"witness w{at} {signer.vkey()}\n"
                     for at, signer in enumerate(list(signers.values())[:2]))
    pathlib.Path("both").write_text(f"{policy}group g all w0 w1\nquorum g\n")
    pathlib.Path("none").write_text(f"{policy}quorum none\n")
    more = Signer("witness.example/three")
    pathlib.Path("three").write_text(f"{policy}witness w3 {more.vkey()}\ngroup g all w0 w1 w3\n"
                                     "quorum g\n")
    size = int(seen.split(b"\n")[1])
    for _ in range(2):
        assert scan("t").returncode == 1
    file, key = export("--witness", "seen"), vkey()
    told = check(file, "--key", key, "--policy", "both")
    assert told["witnessed"] == {"size": size, "time": when}
    assert [step["result"] for step in told["steps"][8:11]] == ["proven"] * 3
    for words, why in ((("--policy", "none"), "the policy asks for no witness"),
                       (("--policy", "three"), "too few of them have"),
                       ((), "--policy was not given")):
        told = check(file, "--key", key, *words, code=3)
        assert told["steps"][9]["why"] == why and "witnessed" not in told
    early = export("--range", f"0-{size - 1}", "--witness", "seen")
    pathlib.Path("seen").write_bytes(seen + signers["witness.example/one"].line(text, when - 99)
                                     + signers["witness.example/two"].line(text, when - 99))
    told = check(export("--witness", "seen"), "--key", key, "--policy", "both", code=3)
    assert told["steps"][10]["why"] == "an entry is later than they saw it"
    pieces = parts(early.read_bytes())
    bad = bytearray(pieces[9][1])
    bad[bad.index(lines.split(b"\n")[0]) + 80] ^= 1
    assert code_of(join(pieces[:9] + [("witness", bytes(bad))] + pieces[10:]), key, "--policy",
                   "both") == 1
    pathlib.Path("seen").write_bytes(seen.replace(b"\n%d\n" % size, b"\n%d\n" % (size - 1)) + lines)
    assert evidence("export", "-o", "none-file", "--witness", "seen").returncode == 2
    assert evidence("export", "-o", "none-file", "--witness", "missing").returncode == 2
    assert not pathlib.Path("none-file").exists()


def line_at(data, at):
    return data[data.rfind(b"\n", 0, at) + 1:data.find(b"\n", at)]


def a_witness_of_the_protocol():
    """overt log witness, as any other of C2SP tlog-witness: it sees origin, size and root."""
    small()
    seen = subprocess.run([OVERT, "journal", "checkpoint"], capture_output=True, check=True,
                          env=environment("state")).stdout
    cosigner = subprocess.run([serving.OVERT, "log", "key", "witness.example/w", "--witness", "-o",
                               "key"], capture_output=True, check=True, text=True).stdout.strip()
    with serving.Server("witness", "--state", "w", "--key", "key", "--log", vkey()) as witness:
        request = urllib.request.Request(witness.url + "add-checkpoint", b"old 0\n\n" + seen)
        with urllib.request.urlopen(request, timeout=30) as answer:
            pathlib.Path("seen").write_bytes(seen + answer.read())
    pathlib.Path("p").write_text(f"witness w {cosigner}\nquorum w\n")
    assert scan("t").returncode == 1
    file = export("--witness", "seen")
    told = check(file, "--key", vkey(), "--policy", "p")
    assert told["witnessed"]["size"] == int(seen.split(b"\n")[1])
    assert abs(told["witnessed"]["time"] - time.time()) < 60
    assert [step["result"] for step in told["steps"][8:11]] == ["proven"] * 3


if __name__ == "__main__":
    main([a_stranger_has_the_answers, each_range, a_part_of_a_run_says_less, redacted,
          keys_of_epochs, a_clock_that_is_set_back, another_machine, each_byte_is_flipped,
          traces_are_in_it,
          each_length_is_tried, the_machine_says_what_it_may, nothing_of_a_document_is_in_it,
          ranges_of_time, parts_change_places, entries_are_left_out, about_cannot_lie,
          releases_of_the_public_log, which_rule_fired_and_what_it_says, no_rule_looks_for_that,
          each_byte_of_a_release, witnesses_of_the_journal, a_witness_of_the_protocol])
