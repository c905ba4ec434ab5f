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

ROOT = pathlib.Path(os.environ["OVERT_SOURCE"])
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/journal")]
import feed_test  # noqa: E402  pylint: disable=wrong-import-position
from journals import (  # noqa: E402  pylint: disable=wrong-import-position
    OVERT, Journal, build_library, environment, leaf_hash, main, parse, scan, tree)

NAMES = ("about", "journal", "checkpoint", "entries", "epochs", "proof", "follows", "names")
NEXT = iter(range(10**6))
LOCAL = {("not proven", "the entry says that it is none")}


def evidence(*words, state="state", env=None, program=OVERT):
    return subprocess.run([program, "evidence", *map(str, words)], capture_output=True, check=False,
                          timeout=120, env=environment(state, **(env or {})))


def export(*words, state="state", **how):
    name = f"evidence-{next(NEXT)}"
    done = evidence("export", "-o", name, *words, state=state, **how)
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
    assert tuple(name for name, _ in pieces[:8]) == NAMES
    assert all(name == "release" for name, _ in pieces[8:])
    part = dict(pieces[:8])
    lines = dict(line.split(" ", 1) for line in part["journal"].decode().splitlines())
    first, last = int(lines["from"]), int(lines["to"])
    entries = framed(part["entries"])
    assert len(entries) == last - first + 1
    leaves = {first + at: leaf_hash(entry) for at, entry in enumerate(entries)}
    for entry in framed(part["epochs"]):
        assert parse(entry).type == "epoch" and not first <= parse(entry).seq <= last
        leaves[parse(entry).seq] = leaf_hash(entry)
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
    assert [step["result"] for step in told["steps"]][:7] == ["proven"] * 7, told
    assert entries[-1].type == "export" and entries[-1].seq == told["to"] == len(entries) - 1
    assert dict(parts(file.read_bytes()))["proof"] == b""  # it is the whole journal
    own = Journal()
    assert [(one["path"].encode(), one["verdict"]) for one in told["files"]] == own.files()
    assert set(names.values()) == {b"t", *(b"t/f%04d" % i for i in range(4))}
    rules = [(one["path"], [hit["rule"] for hit in one["found"]]) for one in told["files"]]
    assert rules.count(("t/f0001", ["Rule-00000.UNOFFICIAL"])) == 2, rules
    assert told["answers"] == {
        "files": 8, "found": 2, "unnamed": 0, "sent": 0, "file_not_looked_at": "yes",
        "no_other_sets": "yes", "nothing_left": "yes"}
    assert check(file, "--key", vkey(), "--file", "t/f0001")["answers"]["file_not_looked_at"] == \
        "no, it was"
    text = evidence("verify", file, "--key", vkey(), state="elsewhere").stdout.decode()
    assert "found       t/f0001 (" in text and "rule Rule-00000.UNOFFICIAL of rules.ndb" in text
    assert "answer      nothing left this machine through Overt: yes" in text


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
        shown = framed(dict(pieces)["epochs"])
        for at in range(len(shown)):
            cut = b"".join(struct.pack(">H", len(e)) + e
                           for number, e in enumerate(shown) if number != at)
            assert code_of(join([(n, cut if n == "epochs" else d) for n, d in pieces]),
                           vkey()) == 1
    return file


def a_clock_that_is_set_back():
    env = {"LD_PRELOAD": build_library("tests/journal/clock.c", "clock.so"),
           "WRONG_CLOCK": "-86400", "ASAN_OPTIONS": "verify_asan_link_order=0"}
    small()
    assert scan("t", env=env).returncode == 1
    told = check(export(env=env), "--key", vkey(), code=3)
    results = [step["result"] for step in told["steps"]]
    assert results[:7] == ["proven", "proven", "not proven", *["proven"] * 4], told
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

def each_byte_is_flipped():
    tree("t", 1)
    assert scan("t").returncode == 0
    assert scan("t").returncode == 0
    file = export("--range", "2-7")
    data, key = file.read_bytes(), vkey()
    assert code_of(data, key) in (0, 3)
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]
        assert code_of(changed, key) in (1, 2), (at, data[max(0, at - 20):at + 20])


def each_length_is_tried():
    tree("t", 1)
    assert scan("t").returncode == 0
    data, key = export("--range", "1-3").read_bytes(), vkey()
    for size in range(len(data)):
        assert code_of(data[:size], key) == 2, size
    assert code_of(data + b"\n", key) == 2 and code_of(data + data, key) == 2


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

def releases_of_the_public_log():
    log, client, folder = feed_test.started(quorum=1)
    path = pathlib.Path("sample")
    path.write_bytes(feed_test.MARKS[1])
    assert client.run("scan", path).returncode == 1
    log.release(feed_test.rules(1, 2))
    log.publish(folder)
    feed_test.fine(client.update())
    pathlib.Path("p").write_text(log.policy())
    pathlib.Path("s").write_text(log.trust())
    how = {"state": client.state, "program": feed_test.OVERT}
    file, key = export(**how), vkey(client.state)
    believed = ("--key", key, "--policy", "p", "--trust", "s")
    told = check(file, *believed, code=3)  # the proof of release 1 is gone with its set
    steps = [(step["set"], step["result"]) for step in told["steps"] if "set" in step]
    assert steps[0] == ("stable", "not proven") and steps[-1] == ("stable", "proven"), steps
    assert told["answers"]["nothing_left"] == \
        "cannot be told: of a run it was not counted"
    loads = [entry for entry in check_by_hand(file)[0] if entry.type == "load"]
    assert all(len(entry.body) == 2 for entry in loads), loads
    file = export("--range", f"{loads[-1].seq}-{loads[-1].seq}", **how)
    told = check(file, *believed)
    assert [step["result"] for step in told["steps"]] == ["proven"] * 8
    assert told["answers"]["no_other_sets"] == "yes"
    assert check(file, "--key", key, code=3)["steps"][7]["why"] == \
        "--policy and --trust were not given"
    other = feed_test.Log(feed_test.NOW, origin="log2.example/rules")
    pathlib.Path("other").write_text(other.policy())
    assert check(file, "--key", key, "--policy", "other", "--trust", "s", code=1)["answers"] is None
    each_byte_of_a_release(file, key, believed[2:])


def each_byte_of_a_release(file, key, believed):
    """What nobody signs is in the cosignatures alone: one that is not needed may be any text."""
    pieces = parts(file.read_bytes())
    release = pieces[-1][1]
    body, outside = release.rindex(b"\n\n"), []
    for at in range(len(release)):
        changed = release[:at] + bytes([release[at] ^ 1]) + release[at + 1:]
        code = code_of(join(pieces[:-1] + [("release", changed)]), key, *believed)
        assert code in (0, 1), at
        if code == 0:
            outside.append(at)
    print(f"# {len(outside)} of {len(release)} bytes of the release are in cosignatures that the"
          " quorum does not need")
    assert all(at > body and b"log.example" not in line_at(release, at) for at in outside), outside
    assert outside
    twice = [("about", pieces[0][1].replace(b"rules: 1", b"rules: 2"))] + pieces[1:]
    assert code_of(join(twice + [pieces[-1]]), key, *believed) == 1


def line_at(data, at):
    return data[data.rfind(b"\n", 0, at) + 1:data.find(b"\n", at)]


if __name__ == "__main__":
    main([a_stranger_has_the_answers, each_range, a_part_of_a_run_says_less, redacted,
          keys_of_epochs, a_clock_that_is_set_back, another_machine, each_byte_is_flipped, each_length_is_tried,
          parts_change_places, entries_are_left_out, about_cannot_lie,
          releases_of_the_public_log])
