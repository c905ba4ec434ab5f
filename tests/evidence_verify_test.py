#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""tools/verify-journal and `overt evidence verify` on the same files of evidence: such as were made here
(journal/foreign_evidence.py), with each byte flipped, cut at each length, and with each thing that is demanded not
kept; and those that `overt evidence export` wrote, read by somebody who has nothing but the file. With OVERT_LONG=1
our own program is given each flipped byte, else some of them. TAP."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / part) for part in ("journal", "ledger", "feed", "scan", "")]
import verifier as program  # noqa: E402  first: it may go on under another Python
import feed_test  # noqa: E402
import foreign_evidence as foreign  # noqa: E402
from foreign_journal import Journal  # noqa: E402
from foreign_log import Log, b64, leaf_hash  # noqa: E402
from harness import BUILD, main  # noqa: E402
sys.modules.pop("verifier")  # traces have one of their own
sys.path.insert(0, str(HERE / "trace"))
import maker  # noqa: E402

OVERT, AT = BUILD / "overt", 1790000000
LEFT = ("nothing left this machine through the runs of overt scan, rules, quarantine, and log checkpoint, monitor, serve "
        "and witness in this range")
STEP = 1 if os.environ.get("OVERT_LONG") else 149
RULES = {"rules.ndb": b"# two\nTest.Rule-1:0:*:aabb\nTest.Rule-2:0:*:ccdd\n", "z.ldb": b"Long;Target:0;0;aa\n"}
LEAVES = [b"rules.ndb\nTest.Rule-1:0:*:aabb", b"rules.ndb\nTest.Rule-2:0:*:ccdd", b"z.ldb\nLong;Target:0;0;aa"]
verifier = program.load()


def trace(why="done", lost=0, envelope="yes", broken=False, is_cut=False):
    made = maker.Maker(envelope=envelope)
    made.process(7)
    made.file(7, 12, 1, path="/home/ann/good", read=4096)
    made.loss("ring", lost)
    if broken:
        made.records += 1  # what the next checkpoint says
    if is_cut:
        made.checkpoint()
        return bytes(made.data) + b"\0\0\1"
    return made.end(why)


class Scene:
    """A log with one release; a journal of a run that loaded it, found something and nothing, and of another epoch."""

    def __init__(self, low=0, high=5, quorum=2, is_shown=lambda path: True, rules=True, change=lambda scene: None,
                 traces=(trace(),)):
        self.log, self.journal = Log(AT, quorum=quorum), Journal("evidence")
        self.release = self.log.release(RULES)
        journal = self.journal
        journal.start()
        journal.load(stable=b64(leaf_hash(self.release)))
        journal.scan("/home/ann")
        lines = journal.file_lines("/home/ann/bad", "found")[:1] + ["found Test.Rule-1.UNOFFICIAL stable:rules.ndb - 7"]
        journal.add("files", "count 2", *lines, *journal.file_lines("/home/ann/good", "clean"))
        journal.stop(1)
        change(self)
        self.witness = foreign.witnessed(journal, len(journal.entries), self.log.witnesses[:2], AT + 100)
        journal.epoch()
        many = {"release": [self.log.proof()], "rules": [foreign.rules_part(self.release, LEAVES)] if rules else [],
                "rule": [foreign.rule_part(self.release, LEAVES, 0)] if rules else [], "watch": list(traces)}
        self.parts = foreign.parts(journal, low, high, is_shown, witness=self.witness, many=many)

        pathlib.Path("policy").write_text(self.log.policy())
        pathlib.Path("trust").write_text(self.log.trust())
        self.keys = [journal.vkey(0), journal.vkey(1)]
        self.policy = verifier.Policy(pathlib.Path("policy").read_bytes())
        self.trust = verifier.Trust(pathlib.Path("trust").read_bytes())
        self.words = ["--key", self.keys[1], "--policy", "policy", "--trust", "trust"]  # for our program

    def verify(self, data=None, key=1, policy=True, trust=True, path=None, no_rule=None):
        """What ours in Python says; its result is `none` when it is no file of evidence."""
        try:
            return verifier.verify_evidence(
                foreign.join(self.parts) if data is None else data, None if key is None else self.keys[key].encode(),
                self.policy if policy else None, self.trust if trust else None, path, no_rule)
        except (ValueError, LookupError) as error:
            return {"result": "none", "why": str(error)}


def overt_says(data, *words):
    pathlib.Path("given").write_bytes(data)
    done = subprocess.run([OVERT, "evidence", "verify", "given", *words], capture_output=True, check=False, timeout=60)
    assert done.returncode in (0, 1, 2, 3), done
    return ["proven", "false", "none", "not proven"][done.returncode]


def same(scene, data=None):
    """What both say."""
    data = foreign.join(scene.parts) if data is None else data
    ours, theirs = scene.verify(data), overt_says(data, *scene.words)
    assert ours["result"] == theirs, (ours, theirs)
    return ours


# ---- files that were made here ----------------------------------------------------------------------------

def good_files():
    assert same(Scene())["result"] == "proven"
    size = 7
    for low in range(size):
        for high in range(low, size):
            told = same(Scene(low, high, rules=low <= 2 <= high))
            is_false = not low <= 2 <= high  # a release that no load names
            assert told["result"] == ("false" if is_false else "proven" if low <= 2 else "not proven"), (low, high, told)


def names_of_all_types():
    """`crash` and `action` have commitments, too, and `-` is none."""
    def act(scene):
        journal = scene.journal
        journal.start("quarantine")
        journal.add("crash", "role worker", "file -", "why killed")
        for path in ("/home/ann/x", "/home/ann/y"):
            journal.add("crash", "role worker", f"file {journal.commitment(path)}", "why killed")
            journal.add("action", "word delete", f"file {journal.commitment(path)}", "sha256 -", "result intended")
        journal.stop()
    told = same(Scene(high=12, change=act))
    assert told["result"] == "proven", told
    told = same(Scene(high=12, change=act, is_shown=lambda path: path == b"/home/ann/y"))
    assert told["result"] == "proven", told


def what_was_not_given():
    scene = Scene()
    assert same(scene)["result"] == "proven"
    for words in ({"key": None}, {"policy": False}, {"trust": False}, {"policy": False, "trust": False}):
        told = scene.verify(**words)
        assert told["result"] == "not proven" and len(told["files"]) == 2, told
    assert scene.verify(key=0)["result"] == "proven"
    told = same(Scene(rules=False))
    assert told["result"] == "not proven" and any("its text is not in the file" in claim for claim in told["not proven"])
    told = same(Scene(quorum=0))
    assert told["result"] == "not proven" and any("no quorum" in claim for claim in told["not proven"]), told


LIES = {  # what is changed in a file that is right: part, old bytes, new bytes
    "another first key": ("journal", b"key overt-journal/", b"key overt-journal/0"),
    "a range of one less": ("journal", b"to 5", b"to 4"),
    "another export": ("journal", b"export 7", b"export 6"),
    "a size of one more": ("checkpoint", b"\n8\n", b"\n9\n"),
    "another verdict": ("entries", b"clean", b"error"),
    "another release": ("release", b"index 0", b"index 1"),
    "a rule of another number": ("rule", b"index 0", b"index 1"),
    "a rule's text": ("rule", b"aabb", b"aabc"),
    "a rule of a whole release": ("rules", b"ccdd", b"ccde"),
    "a manifest": ("manifest", b"declared seccomp", b"declared landlock"),
}


def each_lie():
    for name, (part, old, new) in LIES.items():
        scene = Scene()
        one = scene.parts[part]
        bad = [one[0].replace(old, new, 1)] if isinstance(one, list) else one.replace(old, new, 1)
        assert bad != one, name
        scene.parts[part] = bad
        ours = scene.verify()["result"]
        assert ours in ("false", "none") and overt_says(foreign.join(scene.parts), *scene.words) in (
            "false", "none"), (name, ours)


def another_hand():
    """What is believed is another log, another threshold, or another key."""
    scene = Scene()
    data = foreign.join(scene.parts)
    for log in (Log(AT, origin="log2.example/rules"), Log(AT, quorum=3), Log(AT, threshold=3)):
        pathlib.Path("policy").write_text(log.policy())
        pathlib.Path("trust").write_text(log.trust())
        scene.policy = verifier.Policy(pathlib.Path("policy").read_bytes())
        scene.trust = verifier.Trust(pathlib.Path("trust").read_bytes())
        assert same(scene, data)["result"] == "false", log.__dict__
    stranger = Journal("stranger")
    assert scene.verify(data, key=None, policy=False, trust=False)["result"] == "not proven"
    told = verifier.verify_evidence(data, stranger.vkey(0).encode())
    assert told["result"] == "false" and "none of this journal" in told["why"], told
    assert overt_says(data, "--key", stranger.vkey(0)) == "false"


def policies_that_are_none():
    scene = Scene()
    good = pathlib.Path("policy").read_text()
    log, witnesses = good.split("\n")[0], re.findall("^witness .*\n", good, re.M)
    w0, w1 = (line.split()[1] for line in witnesses[:2])
    head = log + "\n" + "".join(witnesses)
    for bad in ("", f"group g 0 {w0}\nquorum g\n", f"group g 2 {w0}\nquorum g\n", "group g any\nquorum g\n",
                f"group g 1 {w0} {w0}\nquorum g\n", f"group g all {w0}\ngroup h all {w0} {w1}\nquorum h\n",
                "group g all h\nquorum g\n", f"quorum {w0}\nquorum {w0}\n", "quorum g\n",
                f"quorum g\ngroup g all {w0}\n", f"group {w0} all {w1}\nquorum {w1}\n",
                f"{witnesses[0]}quorum {w0}\n", f"{witnesses[0].replace(w0, 'again', 1)}quorum {w0}\n",
                f"group none all {w0}\nquorum none\n", f"nonsense\nquorum {w0}\n"):
        try:
            verifier.Policy((head + bad).encode())
            assert False, bad
        except (ValueError, LookupError):
            pass
        pathlib.Path("policy").write_text(head + bad)
        assert overt_says(foreign.join(scene.parts), *scene.words) == "none", bad
    verifier.Policy((head + f"group g 1 {w0} {w1}\nquorum g\n").encode())


def names_that_were_not_those():
    scene = Scene()
    names = scene.parts["names"]
    for bad in (names[:-1] + b"x", names + names, names[18 + len("/home/ann"):] + names[:18 + len("/home/ann")],
                bytes(16) + names[16:], names[:-1]):
        scene.parts["names"] = bad
        assert scene.verify()["result"] == "false", bad
        assert overt_says(foreign.join(scene.parts), *scene.words) in ("false", "none"), bad


def parts_in_another_order():
    scene = Scene()
    names = list(scene.parts)
    for at in range(len(names) - 1):
        swapped = names[:at] + [names[at + 1], names[at]] + names[at + 2:]
        data = foreign.join({name: scene.parts[name] for name in swapped})
        assert same(scene, data)["result"] == "none", swapped
        data = foreign.join({name: scene.parts[name] for name in names if name != names[at]})
        assert same(scene, data)["result"] in ("none", "not proven", "false"), names[at]


def traces():
    told = same(Scene(traces=[trace(), trace(envelope="no")]))
    assert told["result"] == "proven" and len(told["traces"]) == 2, told
    for one, why in ((trace(lost=1), "something was lost"), (trace("interrupted"), "does not end"),
                     (trace(is_cut=True), "does not end"), (maker.Maker(sound=False).end(), "self-test")):
        told = same(Scene(traces=[one]))
        assert told["result"] == "not proven" and any(why in claim for claim in told["not proven"]), (why, told)
    # What the journal has the right digest of, and is none all the same.
    good = trace()
    for one in (good[:-1], b"overt-trace/v1\n"):  # cut
        assert same(Scene(traces=[one]))["result"] == "not proven"
    for one in (trace(broken=True), good + b"\n", good[:60] + b"\0" + good[61:], b"",
                good.replace(b"read 4096", b"read 4095")):
        told = same(Scene(traces=[one]))
        assert told["result"] == "false", (one[-40:], told)
    scene = Scene(traces=[good, trace(lost=1)])
    for bad in ([good], [], [good, trace(lost=1), good]):
        scene.parts["watch"] = bad
        assert same(scene)["result"] == "none", len(bad)  # `about` has their number
    for bad in ([good, good], [trace(lost=1), good]):
        scene.parts["watch"] = bad
        assert same(scene)["result"] == "false"


def clocks():
    def back(scene):
        scene.journal.time_ns -= 86400 * 10**9
        scene.journal.add("heartbeat", "runs 0", run="-")
    told = same(Scene(high=6, change=back))
    assert told["result"] == "not proven" and any("set back" in claim for claim in told["not proven"]), told

    def mono(scene):
        scene.journal.mono_ns -= 10**9
        scene.journal.add("heartbeat", "runs 0", run="-")
    assert same(Scene(high=6, change=mono))["result"] == "false"

    def late(scene):
        scene.journal.wait(1000)
        scene.journal.add("heartbeat", "runs 0", run="-")
    told = same(Scene(high=6, change=late))
    assert told["result"] == "not proven" and any("after that of the witnesses" in claim for claim in told["not proven"])


def answers():
    told = Scene().verify(path=b"/home/ann/other", no_rule=b"CCDE")["answers"]
    assert set(told.values()) == {"yes"}, told
    told = Scene().verify(path=b"/home/ann/good", no_rule=b"CCDD")["answers"]
    assert told["the file was not looked at"] == "no, it was"
    assert told["no rule with this text was loaded"] == "no, one was"
    told = Scene(high=4).verify(path=b"/home/ann/other", no_rule=b"CCDE")["answers"]
    assert sum("a run is not in the range" in one for one in told.values()) == 3, told
    told = Scene(is_shown=lambda path: False).verify(path=b"/home/ann/other")["answers"]
    assert "not all names are shown" in told["the file was not looked at"], told

    def sent(scene):
        scene.journal.start("update")
        scene.journal.add("sent", "role fetcher", "peer log.example:443", "bytes 517", "received 90210")
        scene.journal.stop(sent=517)
    told = Scene(high=8, change=sent).verify()
    assert told["answers"][LEFT].startswith("no") and \
        b"peer log.example:443 bytes 517" in told["sent, by peer"][0], told


# ---- each byte, each length ----------------------------------------------------------------------------

def where(data, at):
    """The part, and the line in it, of a byte."""
    parts = [(match.start(), match[1].decode()) for match in re.finditer(rb"\npart ([a-z]+) \d+\n", data[:at + 1])]
    line = data[data.rfind(b"\n", 0, at) + 1:data.find(b"\n", at)]
    return parts[-1][1] if parts else "", line.split(b" ")[1].decode() if line.startswith("—".encode()) else ""


def each_byte():
    scene = Scene()
    data = foreign.join(scene.parts)
    outside, started = {}, time.monotonic()
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]
        ours = scene.verify(changed)["result"]
        if ours not in ("false", "none"):
            outside.setdefault((ours, *where(data, at)), []).append(at)
    print(f"# {len(data)} bytes flipped for tools/verify-journal in {time.monotonic() - started:.0f} s")
    for (result, part, line), places in outside.items():
        print(f"# {len(places)} bytes of the line {line} in {part}: then {result}: a name or an id that nobody knows, so "
              "the quorum is not there")
        assert part == "witness" and line.startswith("w") and result == "not proven", (part, line, places)
    passed = {at for places in outside.values() for at in places}
    count, started = 0, time.monotonic()
    for at in range(0, len(data), STEP):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:]
        count += 1
        theirs = overt_says(changed, *scene.words)
        assert theirs in (("not proven",) if at in passed else ("false", "none")), (at, where(data, at), theirs)
    print(f"# {count} of them for overt in {time.monotonic() - started:.0f} s")


def each_length():
    scene = Scene()
    data = foreign.join(scene.parts)
    for size in range(len(data)):
        # Whole parts at the end may be missing: the first part says how many there are.
        assert scene.verify(data[:size])["result"] == "none", size
        if size % STEP == 0:
            assert overt_says(data[:size], *scene.words) == "none", size
    assert same(scene, data + b"\n")["result"] == "none" and same(scene, data + data)["result"] == "none"


# ---- the evaluator -------------------------------------------------------------------------------------

def exported(client, log, *words):
    """A folder that has nothing but the file, the verifier, and what is believed; and how to ask there."""
    folder = pathlib.Path("evaluator").absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    done = client.run("evidence", "export", "-o", folder / "file", *words)
    assert done.returncode == 0, done
    (folder / "policy").write_text(log.policy())
    (folder / "trust").write_text(log.trust())
    shutil.copy(program.PROGRAM, folder)
    shutil.copy(client.state / "journal/journal.vkey", folder / "key")

    def ask(*more):
        done = subprocess.run(
            [sys.executable, "-B", "verify-journal", "--key", "key", "--policy", "policy", "--trust", "trust",
             "file", *more], cwd=folder, env={}, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode in (0, 1, 3), done
        return done.returncode, json.loads(done.stdout)
    return folder, ask


def who_has_only_the_file():
    log, client, _ = feed_test.started(quorum=2)
    pathlib.Path("docs").mkdir()
    pathlib.Path("docs/bad").write_bytes(b"before " + feed_test.MARKS[1] + b" after")
    pathlib.Path("docs/good").write_bytes(b"nothing at all")
    assert client.run("scan", "docs").returncode == 1
    folder, ask = exported(client, log)
    code, told = ask("--file", "docs/bad")
    assert code in (0, 3) and len(told["files"]) == 1, told
    file = told["files"][0]
    assert file["verdict"] == "found" and file["path"] == "docs/bad", file
    assert any("release 1 of stable" in one for one in file["sets"]), file
    hit = file["found"][0]
    assert hit["rule"] == "Test.Rule-1.UNOFFICIAL" and hit["set"] == "stable:rules.ndb", hit
    assert hit["texts"] == ["rules.ndb\n" + feed_test.rules(1)["rules.ndb"].decode().splitlines()[1]], hit
    code, told = ask("--file", "docs/good")
    assert [(one["verdict"], one["found"]) for one in told["files"]] == [("clean", [])], told
    assert told["files"][0]["sets"] == file["sets"]
    assert told["answers"]["the file was not looked at"] == "no, it was"
    code, told = ask("--file", "docs/other")
    assert told["files"] == [] and told["answers"]["the file was not looked at"] == "yes", told
    left = told["answers"][LEFT]
    is_counted = "-" not in told["sent, by run"]
    assert left == ("yes" if is_counted else "cannot be told: of a run it was not counted"), told
    assert told["sent, by run"][-1] == "0", told
    data = (folder / "file").read_bytes()
    for size in (len(data) - 1, len(data) // 2):
        (folder / "file").write_bytes(data[:size])
        assert subprocess.run([sys.executable, "-B", "verify-journal", "file"], cwd=folder, check=False,
                              capture_output=True).returncode == 2
    redacted(client, log)


def redacted(client, log):
    folder, ask = exported(client, log, "--redact")
    assert b"docs/" not in (folder / "file").read_bytes()
    _, told = ask("--file", "docs/bad")
    assert told["files"] == [] and "not all names" in told["answers"]["the file was not looked at"], told
    _, told = ask()
    assert [one["path"] for one in told["files"]] == [None] * len(told["files"]) and told["files"], told
    assert any(hit["rule"] == "Test.Rule-1.UNOFFICIAL" for one in told["files"] for hit in one["found"]), told
    folder, ask = exported(client, log, "--file", "docs/good")
    assert b"docs/bad" not in (folder / "file").read_bytes()
    _, told = ask("--file", "docs/good")
    assert [one["verdict"] for one in told["files"]] == ["clean"], told
    _, told = ask("--file", "docs/bad")
    assert told["files"] == [] and "not all names" in told["answers"]["the file was not looked at"], told


if __name__ == "__main__":
    main([good_files, names_of_all_types, what_was_not_given, each_lie, another_hand, policies_that_are_none,
          names_that_were_not_those, parts_in_another_order, traces, clocks, answers, each_byte, each_length,
          who_has_only_the_file])
