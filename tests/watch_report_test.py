#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 600
"""What `overt watch report` and `overt watch verify` make of traces: numbers beside a reader that was
written from the format's page, what is missing, what stands out, and names of strangers. TAP."""
import html.parser
import json
import os
import pathlib
import random
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE / "trace"))
import verifier  # noqa: E402
import maker  # noqa: E402
from maker import Maker  # noqa: E402

OVERT = os.path.join(os.environ["OVERT_BUILD"], "overt")
HOSTILE = ["<script>alert(1)</script>", "a\n\x1b[31mred\x07", "\"'><img src=x onerror=alert(1)>",
           b"\xff\xfe\xc2\x9b31m", "&lt;b&gt;", "</text></svg><a href=http://example.org>x",
           "javascript:x{}*/@import url(http://example.org)", "\u202e gnp.exe", "<!--", "]]>", "-"]
VOID = {"meta", "br"}


def run(*words):
    return subprocess.run([OVERT, "watch", *map(str, words)], capture_output=True, check=False, timeout=120)


def write(data, name="trace"):
    pathlib.Path(name).write_bytes(data)
    return name


def report(data):
    done = run("report", write(data), "--json")
    assert done.returncode in (0, 1, 3), done
    return done.returncode, json.loads(done.stdout)


def page(data):
    done = run("report", write(data), "--html", "page.html")
    assert done.returncode in (0, 1, 3), done
    return pathlib.Path("page.html").read_text()


def text(data):
    done = run("report", write(data))
    return done.returncode, done.stdout.decode()


def rules(found):
    return {finding["rule"] for finding in found["findings"]}


# ---- numbers ------------------------------------------------------------------------------------


def unescape(value):
    if value == "-":
        return b""
    return re.sub(rb"%(..)", lambda m: bytes([int(m[1], 16)]), value.encode())


def count_again(data):
    """The numbers of a trace of files and addresses of the network, by its records alone."""
    files, sockets, names, owns = {}, {}, {}, []
    for _, _, record, _, _ in verifier.frames(data[:verifier.judge(data)[2]]):
        kind, values = verifier.read_record(record)
        if kind == "begin":
            owns = [unescape(own) for own in values["own"]]
        elif kind == "name":
            names[values["inode"]] = unescape(values["path"])
        elif kind == "file":
            files[values["process"], values["inode"]] = values
        elif kind == "socket":
            sockets[values["process"], values["cookie"], values["flow"]] = values
    read, kept = {}, 0
    for (_, inode), values in files.items():
        path = names.get(inode, b"")
        read[path] = read.get(path, 0) + int(values["read"])
        if not any(path == own or path.startswith(own + b"/") for own in owns):
            kept += int(values["written"])
    return {"read": read, "kept": kept, "sent": sum(int(v["sent"]) for v in sockets.values()),
            "received": sum(int(v["received"]) for v in sockets.values())}


def make_random(chance):
    trace = Maker(owns=["/var/lib/scan"])
    for pid in (10, 11):
        trace.process(pid)
    reads, sends = {}, {}
    for step in range(300):
        pid, inode = chance.choice([10, 11]), chance.randrange(1, 40)
        key = pid, inode
        folder = ["/srv/a", "/srv/b/c/d/e", "/var/lib/scan"][inode % 3]
        reads[key] = reads.get(key, 0) + chance.randrange(5000)
        written = reads[key] if inode % 5 == 0 else 0
        trace.file(pid, inode, step, f"{folder}/{inode}.doc", read=reads[key], written=written)
        if step % 7 == 0:
            sends[key] = sends.get(key, 0) + chance.randrange(3000)
            trace.socket(pid, inode, step, f"192.0.2.{inode}:443", sends[key], 5 * sends[key])
        if step % 50 == 0:
            trace.checkpoint(mono=10**11 + step)
    return trace.end()


def test_numbers():
    """Every sum is that of another reader."""
    chance = random.Random(3)
    for _ in range(5):
        data = make_random(chance)
        again = count_again(data)
        _, said = report(data)
        assert said["complete"] is True and said["trace"] == "whole"
        assert said["sent_bytes"] == again["sent"] > 0
        assert said["received_bytes"] == again["received"]
        assert said["kept_bytes"] == again["kept"] > 0
        assert {f["path"].encode(): f["bytes_read"] for f in said["files"]} == again["read"]
        assert sum(s["sent_bytes"] for s in said["sockets"]) == again["sent"]
        assert sum(p["sent_bytes"] for p in said["processes"]) == again["sent"]
        assert sum(g["read_bytes"] for g in said["places"]) == sum(again["read"].values())
        told = sum(g["read_bytes"] for g in said["places"] if g["name"] in ("scope", "copy"))
        assert sum(g["read_bytes"] for g in said["types"]) == told > 0
        assert sum(g["read_bytes"] for g in said["folders"]) == told
        assert said["losses"] == {"ring": 0}
        assert said["chain"] == verifier.judge(data)[3].hex()


def test_claims():
    """Each claim has its force; the bound is eight bits for a byte."""
    trace = Maker()
    trace.process(10)
    trace.file(10, 1, 1, "/srv/a.doc", read=8192)
    trace.file(10, 2, 1, "/srv/copy", written=500)
    trace.socket(10, 1, 2, sent=1000)
    _, said = report(trace.end())
    claims = {(c["type"], c["what"]): c for c in said["claims"]}
    assert claims["READ", "files"]["force"] == "at-most"
    assert claims["READ", "files"]["bytes"] == 8192 and claims["READ", "files"]["count"] == 1
    assert claims["KEPT", "files"]["bytes"] == 500
    assert claims["SENT", "network"]["force"] == "exact"
    assert claims["SENT", "network"]["bytes"] == 1000
    assert claims["CAPACITY", "left"]["bits"] == 8000
    assert ("NOT-OBSERVED", "scope") in claims
    assert len(said["cannot_see"]) > 5


# ---- what is missing ----------------------------------------------------------------------------


def incomplete_traces():
    lost = Maker()
    lost.loss("files", 3)
    sensor = Maker()
    sensor.add("sensor", name="sockets", state="missing", needed="yes")
    test = Maker()
    test.add("selftest", route="mmap", expected="seen", outcome="seen", want=10, most=20, seen=9)
    layer = Maker()
    layer.add("layer", name="seccomp", state="missing")
    fell = Maker()
    fell.file(1, 1, 1, "/a", read=5)
    fell.file(1, 1, 2, read=4)
    cut = Maker()
    cut.checkpoint()
    cut.file(1, 1, 1, "/behind-the-checkpoint", read=5)
    return [(lost.end(), "lost: 3 of files"), (sensor.end(), "not on: sockets"),
            (test.end(), "did not pass: mmap"), (layer.end(), "missing: seccomp"),
            (fell.end(), "counters that fell: 1"), (bytes(cut.data), "no end"),
            (Maker().end("interrupted"), "its end: interrupted"),
            (Maker().end(unwritten=7), "no room: 7"), (Maker(sound=False).end(), "no sensor")]


def test_incomplete():
    """What is missing comes first, with each reason, and takes the bound away."""
    for data, why in incomplete_traces():
        code, told = text(data)
        first = told.splitlines()
        assert code == 3 and first[0].startswith("INCOMPLETE"), (why, code, told[:200])
        assert any(why in line for line in first[1:6]), (why, first[:6])
        code, said = report(data)
        assert code == 3 and said["complete"] is False and "behind-the" not in str(said)
        assert any(why in reason for reason in said["incomplete_because"]), said["incomplete_because"]
        bound = [c for c in said["claims"] if c["type"] == "CAPACITY"]
        assert bound and all(c["force"] == "none" and "bits" not in c for c in bound)
        assert all(c["force"] != "exact" for c in said["claims"] if "force" in c)
        assert any(c.get("makes_incomplete") for c in said["claims"])
        assert run("verify", "trace").returncode == 3
        assert "INCOMPLETE" in page(data)


def test_verify_changes():
    """A change of a byte anywhere is seen; what a crash leaves is cut, and nothing else is whole."""
    chance = random.Random(5)
    whole = make_random(chance)
    assert run("verify", write(whole)).returncode == 0
    for _ in range(60):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        done = run("verify", write(data))
        assert done.returncode == 1, done
        assert json.loads(run("verify", "trace", "--json").stdout)["trace"] == "bad"
    for _ in range(20):
        data = whole[:chance.randrange(16, len(whole) - 1)]
        expected = {"cut": 3, "bad": 1}[verifier.judge(data)[0]]
        assert run("verify", write(data)).returncode == expected
    assert run("verify", write(b"")).returncode == 1
    assert run("report", write(b"no trace")).returncode == 1
    assert run("verify", "not-there").returncode == 2
    assert run("report", "trace", "--json", "--html", "x").returncode == 2
    assert run("report").returncode == 2


# ---- what stands out ----------------------------------------------------------------------------


def honest():
    """A scan of a folder: nothing kept, nothing sent, an update that is received."""
    trace = Maker(scopes=["/srv"], owns=["/var/lib/scan"])
    trace.process(10)
    for inode in range(100, 120):
        ending = "exe" if inode % 2 else "doc"
        trace.file(10, inode, inode - 100, f"/srv/{inode}.{ending}", read=8192)
    trace.file(10, 1, 1, "/usr/lib/libc.so.6", read=8192)
    trace.file(10, 2, 1, "/var/lib/scan/state", read=10, written=500)
    trace.file(10, 10, 1, "/opt/scan", read=8192)
    return trace


def findings_of(change, **words):
    trace = honest() if not words else Maker(**words)
    change(trace)
    code, said = report(trace.end())
    assert code == (1 if said["findings"] else 0), code
    return rules(said)


def test_honest():
    """A scan that keeps and sends nothing has no finding."""
    assert findings_of(lambda trace: None) == set()


def test_findings():
    """Each rule finds what it is for, and not what lies below its threshold."""
    assert findings_of(lambda t: t.file(10, 3, 1, "/home/x/letter.odt", read=9)) == {"outside"}
    assert findings_of(lambda t: t.file(10, 3, 1, "/etc/shadow", read=9)) == {"outside"}
    assert findings_of(lambda t: t.file(10, 3, 1, "/srvother/a", read=9)) == {"outside"}
    assert findings_of(lambda t: t.file(10, 3, 1, "/srv/.copy", written=9)) == {"kept"}
    assert findings_of(lambda t: t.file(10, 100, 70, read=16384)) == {"again"}
    assert findings_of(lambda t: t.file(10, 100, 50, read=16384)) == set()
    assert findings_of(lambda t: t.socket(10, 1, 3, sent=8300)) == {"upload", "sent-after-read"}
    assert findings_of(lambda t: t.socket(10, 1, 3, sent=32)) == {"sent-after-read"}
    assert findings_of(lambda t: t.socket(10, 1, 300, sent=32)) == set()
    assert findings_of(lambda t: t.socket(10, 1, 300, sent=20000)) == {"one-way"}
    assert findings_of(lambda t: t.socket(10, 1, 300, sent=20000, received=10**6)) == set()
    assert findings_of(lambda t: t.socket(10, 1, 3, "127.0.0.1:9", sent=8300)) == {"upload"}
    assert findings_of(lambda t: t.add("audit", rule="-a%20never,exit")) == {"audit"}
    assert findings_of(lambda t: t.add("audit", rule="-w%20/never/land")) == set()
    assert findings_of(lambda t: t.add("canary", at=maker.START, process="10 10", inode="254:1 9 0",
                                       route="pages")) == set()
    assert findings_of(lambda t: t.add("canary", at=maker.START, process="10 10", inode="254:1 9 0",
                                       route="written")) == {"written"}
    assert findings_of(lambda t: t.add("act", call="process_vm_readv", result=5, arguments=0)) == {"act"}
    assert findings_of(lambda t: t.add("act", call="process_vm_readv", result=-1, arguments=0)) == set()
    assert findings_of(lambda t: t.add("denied", call="bpf", by="seccomp", count=1)) == {"denied"}
    assert findings_of(lambda t: t.process(99, by="canary")) == {"canary"}


def test_documents():
    """Documents that are read far more than programs."""
    for programs_read, found in ((8192, set()), (100, {"documents"})):
        trace = Maker(scopes=["/srv"])
        trace.process(10)
        for inode in range(100, 120):
            ending, read = ("exe", programs_read) if inode % 2 else ("doc", 8192)
            trace.file(10, inode, 1, f"/srv/{inode}.{ending}", read=read)
        assert rules(report(trace.end())[1]) == found


def items(found, rule):
    return [item for finding in found["findings"] if finding["rule"] == rule
            for item in finding["items"]]


def test_views_of_files():
    """Calls and pages of a file that do not agree are a finding, each way; memory has its reason."""
    trace = Maker(scopes=["/srv"])
    trace.process(5)
    trace.file(5, 1, 1, "/srv/agree", size=100000, read=100000)
    trace.file(5, 2, 1, "/srv/calls", size=100000, read=100000, looked=40960)
    trace.file(5, 3, 1, "/srv/nearly", size=100000, read=100000, looked=97000)
    trace.file(5, 4, 1, "/srv/pages", size=100000, reads=0, looked=102400, routes="pages")
    trace.file(5, 5, 1, "/srv/ring", size=100000, reads=0, looked=102400, routes="pages,uring")
    trace.file(5, 6, 1, "/srv/few", size=100000, reads=0, looked=12288, routes="pages")
    trace.file(5, 7, 1, "/srv/mapped", size=100000, reads=0, looked=0, mapped=25, routes="mapped")
    trace.file(5, 8, 1, "/srv/memory", size=100000, read=100000, looked=0, filesystem="tmpfs")
    _, found = report(trace.end())
    assert [(i["path"], i["bytes"]) for i in items(found, "calls-alone")] == [
        ("/srv/calls", 59040)], found["findings"]
    assert [(i["path"], i["bytes"]) for i in items(found, "pages-alone")] == [
        ("/srv/pages", 102400)], found["findings"]
    told = [claim["reason"] for claim in found["claims"] if claim["what"] == "pages"]
    assert len(told) == 1 and told[0].startswith("1 file") and "tmpfs" in told[0], told


def canary_trace(sensor):
    trace = Maker(scopes=["/srv"])
    trace.add("sensor", at=maker.START, name="pre-access", state=sensor, needed="no")
    for inode in range(1, 6):
        trace.add("planted", inode=f"254:1 {inode} 0", bytes=10000, path=maker.text(f"/srv/{inode}"))
        trace.file(5, inode, 1, f"/srv/{inode}", size=10000, read=10000)
    trace.process(5)
    trace.canary(5, 1, "pre-access", 0, 10)         # asked for in parts, in any order
    trace.canary(5, 1, "pre-access", 8000, 20000)
    trace.canary(5, 1, "pre-access", 4000, 8001)
    trace.canary(5, 1, "pages", 0, 12288)
    trace.canary(5, 2, "pre-access", 0, 4000)       # read but for the middle of it
    trace.canary(5, 2, "pre-access", 9000, 10000)
    trace.canary(5, 2, "pages", 0, 4096)
    trace.canary(5, 2, "mapped", 0, 12288)
    trace.canary(5, 3, "pages", 0, 12288)           # never asked for
    trace.canary(5, 4, "pre-access", 0, 20000)      # not read
    trace.canary(6, 5, "pages", 4096, 8192)         # by another, who is not watched
    return trace.end()


def test_views_of_canaries():
    """What was asked for and what was read of a canary are held against each other."""
    _, found = report(canary_trace("on"))
    told = {item["path"]: (item["bytes"], item["name"]) for item in items(found, "canary-views")}
    asked, read = "asked for, and no page was read:", "read, and not asked for:"
    assert told == {"/srv/2": (4096, read), "/srv/3": (10000, read),
                    "/srv/4": (10000, asked)}, told
    _, found = report(canary_trace("missing"))
    assert {item["path"] for item in items(found, "canary-views")} == {"/srv/4"}


def test_audit():
    """A rule of the audit is a finding when it can hide the product."""
    hiding = ["-a never,task", "-a never,exit -F pid=5", "-a never,exit -S all -F exe=/opt/scan",
              "-a always,exclude -F msgtype=1300", "-a never,exit -F dir=/opt -F uid=0",
              "-a never,exit -F path=/srv/plan.doc"]
    others = ["-a never,exit -F pid=6", "-a never,exit -F exe=/opt/sc", "-a always,exit -F pid=5",
              "-a never,exit -F dir=/opt -F uid=1000", "-a never,exit -F path=/srv/plan"]
    trace = Maker(scopes=["/srv"])
    trace.process(5)
    trace.file(5, 1, 1, "/srv/plan.doc", read=10)
    for rule in hiding + others:
        trace.add("audit", rule=maker.text(rule))
    _, found = report(trace.end())
    assert [item["name"] for item in items(found, "audit")] == hiding, items(found, "audit")


def test_flows():
    """A socket that sends to many: each address has its bytes, and answers are those of all."""
    trace = Maker(scopes=["/srv"])
    trace.process(5)
    trace.socket(5, 1, 1, remote="0.0.0.0:0", received=60000)
    for flow in (1, 2, 3):
        trace.socket(5, 1, 1, remote=f"192.0.2.{flow}:53", sent=20000 * flow, flow=flow)
    _, found = report(trace.end())
    assert found["sent_bytes"] == 120000
    assert {(s["remote"], s["sent_bytes"]) for s in found["sockets"] if s["sent_bytes"]} == {
        (f"192.0.2.{flow}:53", 20000 * flow) for flow in (1, 2, 3)}, found["sockets"]
    assert "one-way" not in rules(found), found["findings"]


def test_plaintext():
    """Bytes before their encryption are a claim, with what such a sensor cannot see."""
    trace = Maker(scopes=["/srv"])
    trace.process(5)
    trace.add("sensor", at=maker.START, name="plaintext:/lib/libssl.so.3", state="on", needed="no")
    trace.add("plaintext", process="5 5", library=maker.text("/lib/libssl.so.3"), first=maker.START,
              last=maker.START, calls=3, sent=4000)
    _, found = report(trace.end())
    claims = {(claim["type"], claim["what"]): claim for claim in found["claims"]}
    assert claims["SENT", "plaintext"]["bytes"] == 4000, claims
    assert "Go, rustls, BoringSSL" in claims["NOT-OBSERVED", "plaintext"]["reason"]
    assert "plaintext" not in str(report(Maker().end())[1]["claims"])


def test_namespaces():
    """Calls that change what is seen are a finding of their own, and lead around no sensor."""
    trace = Maker(scopes=["/srv"])
    trace.process(5)
    for call in ("unshare", "mount", "pivot_root", "clone"):
        trace.add("act", at=maker.START, process="5 5", call=call, result=0, arguments=0)
    _, found = report(trace.end())
    assert [item["name"] for item in items(found, "namespaces")] == [
        "unshare", "mount", "pivot_root", "clone"]
    assert "act" not in rules(found)


def test_thresholds_are_told():
    """A finding says its rule, its reason and its thresholds."""
    trace = honest()
    trace.socket(10, 1, 3, "192.0.2.77:443", sent=8300)
    data = trace.end()
    upload = [f for f in report(data)[1]["findings"] if f["rule"] == "upload"][0]
    assert upload["why"] and [t["value"] for t in upload["thresholds"]] == [5, 8, 8, 4096]
    assert upload["items"][0]["name"] == "192.0.2.77:443" and upload["items"][0]["bytes"] == 8300
    assert upload["items"][0]["path"].startswith("/srv/1")
    code, told = text(data)
    assert code == 1 and "192.0.2.77:443" in told and "4,096" in told
    drawn = page(data)
    assert "<path d=" in drawn  # the line from a read to a send
    assert "<path d=" not in page(honest().end())


# ---- names of strangers -------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """Each element is closed in order; collects what there is."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.attributes = [], set(), []

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()


def hostile():
    trace = Maker(scopes=["/srv/" + HOSTILE[0]], owns=["/own" + HOSTILE[2]],
                  words=[HOSTILE[1], HOSTILE[3], *HOSTILE[4:]])
    for number, name in enumerate(HOSTILE):
        raw = name.encode() if isinstance(name, str) else name
        trace.process(10 + number, path=b"/opt/" + raw)
        trace.file(10 + number, 100 + number, 1, b"/srv/" + raw + b".doc", read=10, written=9000)
        trace.socket(10 + number, number + 1, 2, raw or b"x", sent=9000)
        trace.add("audit", rule=maker.text(b"never " + raw))
        trace.add("act", call=maker.text(raw), result=0, arguments=0)
        trace.add("sensor", name=maker.text(raw), state="off", needed="no", why=maker.text(raw))
        trace.add("layer", name=maker.text(raw), state="missing")
    return trace.end()


def test_hostile_text():
    """Text has no control characters but line ends, and no line of theirs."""
    code, told = text(hostile())
    assert code == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", told)
    assert not any(line.startswith("\x1b") or line.startswith("red") for line in told.splitlines())


def test_hostile_json():
    """JSON gives every name back, to the byte."""
    _, said = report(hostile())
    raws = {b"/srv/" + (n.encode() if isinstance(n, str) else n) + b".doc" for n in HOSTILE}
    assert {f["path"].encode(errors="surrogateescape") for f in said["files"]} == raws
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", run("report", "trace", "--json").stdout)


def test_hostile_page():
    """The page has our elements alone, each closed, no script, and nothing from elsewhere."""
    drawn = page(hostile())
    parsed = Page()
    parsed.feed(drawn)
    parsed.close()
    assert parsed.open == [], parsed.open
    assert not parsed.elements & {"script", "img", "a", "link", "iframe", "object", "form", "base", "use",
                                  "foreignobject", "image", "animate", "set"}, parsed.elements
    names = {name for name, _ in parsed.attributes}
    assert not any(n.startswith("on") or n in ("href", "src", "style", "xlink:href") for n in names)
    markup = "".join(re.findall(r"<[^>]*>", drawn))
    assert "http:" not in markup and "https:" not in markup and "url(" not in markup
    assert drawn.index("Content-Security-Policy") < drawn.index("<title>") < drawn.index("<style>")
    assert "default-src 'none'; style-src 'unsafe-inline'" in drawn
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in drawn and "\x1b" not in drawn
    assert not re.search(r"@import|expression", drawn.partition("</style>")[0])


# ---- a real one ---------------------------------------------------------------------------------


def test_real():
    """What a command reads and keeps is in the report of its recording."""
    pathlib.Path("plan.doc").write_bytes(os.urandom(100000))
    pathlib.Path("out").mkdir()
    done = run("-o", "real", "--no-envelope", "--scope", "plan.doc", "--own", "out", "--", "sh", "-c",
               "cat plan.doc > out/state; head -c 5000 plan.doc > copy; head -c 700 plan.doc > spool;"
               "sleep 0.6; rm spool")
    if done.returncode != 0:
        return f"SKIP: {done.stderr.decode().strip()[:120]}"
    said = json.loads(run("report", "real", "--json").stdout)
    by_path = {f["path"]: f for f in said["files"]}
    here = os.path.realpath(".")
    assert by_path[f"{here}/plan.doc"]["bytes_covered"] == 100000
    assert by_path[f"{here}/plan.doc"]["place"] == "scope"
    assert by_path[f"{here}/copy"]["written_to"] == "kept" and said["kept_bytes"] == 5700
    # What was there when it was first told is not what is there in the end.
    assert by_path[f"{here}/spool"]["gone"] and not by_path[f"{here}/copy"]["gone"], by_path
    assert f"{here}/spool (removed)" in run("report", "real").stdout.decode()
    assert by_path[f"{here}/out/state"]["written_to"] == "own"
    assert said["sent_bytes"] == 0, said["sockets"]
    assert run("verify", "real").returncode in (0, 3)
    return None


def main():
    tests = [test for name, test in globals().items() if name.startswith("test_")]
    failed = 0
    for number, test in enumerate(tests, 1):
        title = test.__doc__.splitlines()[0]
        try:
            skipped = test()
            print("ok", number, "-", title, f"# {skipped}" if skipped else "", flush=True)
        except (AssertionError, OSError, ValueError, KeyError, IndexError,
                subprocess.SubprocessError) as error:
            failed += 1
            print("not ok", number, "-", title, flush=True)
            print("#", type(error).__name__, str(error)[:900].replace("\n", "\n# "))
    print(f"1..{len(tests)}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
