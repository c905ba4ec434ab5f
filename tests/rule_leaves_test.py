#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""The rules of releases, as the caged builder tells and compares them, beside a slow and simple
reading of docs/formats/release.md (tests/feed/release.py). TAP."""
import collections
import gzip
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tarfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "feed"))
import release  # noqa: E402
from harness import ask  # noqa: E402
from members import OVERT, SOURCE, Tap  # noqa: E402

tap = Tap()
noise = random.Random(6)


def write(folder, files):
    for name, data in files.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def leaves(folder, files, order=None):
    """(number and root, [(hash, line, name)]) as the builder tells them."""
    write(folder, files)
    names = order or sorted(files)
    code, lines = ask("leaves", folder, *[f"{folder}/{name}" for name in names])
    assert code == 0, lines
    return lines[-1], [line.split(" ", 2) for line in lines[:-1]]


def compare(folder, files):
    """Holds the builder's leaves against ours; gives their number."""
    expected = release.entries(files)
    hashes = [release.leaf_hash(*entry) for entry in expected]
    total, told = leaves(folder, files)
    for (name, text), value, line in zip(expected, hashes, told):
        assert line[0] == release.text_of(value) and line[2] == name, (name, text, line)
    assert len(told) == len(expected), (len(told), len(expected))
    assert total == f"{len(expected)} {release.text_of(release.root(hashes))}", total
    return len(expected)


# ---- generated files ------------------------------------------------------------------------

def make_lines():
    """Lines of every kind, with every kind of end."""
    rows = []
    for _ in range(noise.randrange(60)):
        row = bytes(noise.choice(b"abc#:\r !{}\"/\\\0\t\xc3\xa9\xff") for _ in range(noise.randrange(8)))
        rows.append(row + noise.choice([b"\n", b"\r\n", b"\r\r\n", b"\n\n", b"\r"]))
    return b"".join(rows) + noise.choice([b"", b"last", b"last\r", b"# last"])


def make_yara():
    parts = [b"rule a {", b"}", b"{", b"}", b" ", b"\n", b"\r\n", b"import", b"include", b'"x"', b'"\\"}"',
             b"/a\\/}/", b"// }\n", b"/* } \"*/", b"private rule b:x {$a = {00 [1-2] (?? | 01)} }", b"/",
             b'"', b"*", b"\\", b"_", b"$a={00}", b'import "pe"\n']
    return b"".join(noise.choices(parts, [2, 4, 1, 1] + [4] * 10 + [9, .1, .1] + [1] * 4 + [6],
                                  k=noise.randrange(24)))


def make_container(members, is_packed=True):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    body = gzip.compress(data.getvalue(), mtime=0) if is_packed else data.getvalue()
    return b"ClamAV-VDB:01 Jan 2026 00-00 +0000:7:1:90:x:x:builder:1".ljust(512) + body


@tap.case("line databases of every ending, with every kind of line end")
def _():
    count = 0
    for number in range(12):
        files = {f"{noise.choice(['', 'sub/', 'Sub/x/'])}{ending}{number}.{ending}": make_lines()
                 for ending in sorted(release.LINES)}
        files["UPPER.NDB"] = b"A\nB"
        count += compare(f"lines{number}", files)
    assert count > 5000, count


@tap.case("files of one line or none, with and without an end")
def _():
    for number, data in enumerate([b"", b"\n", b"\r\n", b"\r", b"#", b"#\nA", b"A", b"A\n", b"A\r\n",
                                   b"A\n\n", b"\nA", b" \n", b"A\n#B\r\nC", b" #\n", b"\0"]):
        compare(f"small{number}", {"a.ndb": data})


@tap.case("YARA files, whole and torn")
def _():
    kinds = collections.Counter()
    for number in range(40):
        files = {f"{i}.{noise.choice(['yar', 'yara', 'YAR'])}": make_yara() for i in range(40)}
        for data in files.values():
            kinds["torn" if release.yara(data) is None else "whole"] += 1
        compare(f"yara{number}", files)
    assert kinds["torn"] > 100 and kinds["whole"] > 100, kinds


@tap.case("what has no kind is told by its digest")
def _():
    names = ["a.cbc", "b.cat", "COPYING", "c.info", "d.ioc", "e.", ".ndb", "f.ndb.gz", "g.ndb/h", "i.json"]
    compare("digests", {name: make_lines() for name in names})


@tap.case("containers, packed and not, beside files that sort around them")
def _():
    for number in range(20):
        members = {"COPYING": b"free\n"}
        for i in range(noise.randrange(8)):
            ending = noise.choice(["ndb", "ldb", "info", "cbc", "ign2", "yar", "HDB"])
            members[f"{noise.choice('abz')}{i}.{ending}"] = make_lines()
        files = {f"m.{noise.choice(['cvd', 'cld', 'cud', 'CVD'])}": make_container(members, number % 2),
                 "m.": b"x", "m.zzz": b"y", "a.ndb": make_lines(), "M.ndb": make_lines()}
        compare(f"container{number}", files)


@tap.case("bytewise order of name, whatever order they are given in")
def _():
    names = ["a.ndb", "a/b.ndb", "a-b.ndb", "B.ndb", "b.ndb", "aé.ndb", "a.ndb2", "ab.ndb"]
    files = {name: b"R" for name in names}
    compare("order", files)
    first = leaves("order", files)
    for _ in range(5):
        noise.shuffle(names)
        assert leaves("order", files, names) == first


@tap.case("no files, and trees of 1 to 40 rules")
def _():
    assert ask("leaves", "x") == (0, ["0 " + release.text_of(release.sha256(b""))])
    for count in range(1, 41):
        assert compare(f"tree{count}", {"a.ndb": b"".join(b"%d\n" % i for i in range(count))}) == count


def make_bundle(name, files, end=1024):
    data = b""
    for file in sorted(files):
        info = tarfile.TarInfo(file)
        info.size, info.mode = len(files[file]), 0o644
        data += info.tobuf(tarfile.USTAR_FORMAT) + files[file] + bytes(-len(files[file]) % 512)
    pathlib.Path(name).write_bytes(data + bytes(end))


@tap.case("a bundle has the leaves of its files")
def _():
    files = {"a/b.ndb": make_lines(), "a.yar": b"rule a {}", "z.cvd": make_container({"COPYING": b"x"}, False)}
    expected = leaves("bundled", files)
    make_bundle("bundle", files)
    code, lines = ask("leaves", "-", "bundle")
    assert code == 0 and (lines[-1], [line.split(" ", 2) for line in lines[:-1]]) == expected, lines
    make_bundle("torn", files, 0)
    code, lines = ask("leaves", "-", "torn")
    assert code == 1 and lines[0].startswith("torn: no bundle of a release"), lines


@tap.case("what has no root is refused, with its name and the reason")
def _():
    broken = make_container({"COPYING": b"free", "a.ndb": b"A\n"})
    long = make_container({"COPYING": b"free", "a.ndb": b"A\n" * 300}, False)
    cases = {"cut.cvd": (broken[:-20], "ends too early"), "none.cld": (b"A\n", "no ClamAV-VDB header"),
             "short.cud": (long[:2100], "tar data is damaged"),
             "inner.cvd": (make_container({"COPYING": b"x", "b.cvd": broken}), "something else"),
             "up.cvd": (make_container({"COPYING": b"x", "../b.ndb": b"A"}), "something else")}
    for name, (data, why) in cases.items():
        write("broken", {"a.ndb": b"A", name: data})
        code, lines = ask("leaves", "broken", "broken/a.ndb", f"broken/{name}")
        assert code == 1 and lines[-1].startswith(f"broken/{name}: ") and why in lines[-1], lines
    code, lines = ask("leaves", "broken", "broken/a.ndb", "broken/a.ndb")
    assert code == 1 and "same name" in lines[-1], lines
    write("odd", {"a!b.ndb": b"A"})
    code, lines = ask("leaves", "odd", "odd/a!b.ndb")
    assert code == 1 and "its name" in lines[-1], lines
    code, lines = ask("leaves", "elsewhere", "broken/a.ndb")
    assert code == 1 and "not in elsewhere" in lines[-1], lines


# ---- changes ----------------------------------------------------------------------------------

def diff(*words):
    done = subprocess.run([OVERT, "rules", "diff", *words], capture_output=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=60)
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()


def changes(old, new):
    """What our own reading says: {(change, name, text): number}."""
    before, after = (collections.Counter(release.entries(files)) for files in (old, new))
    return {**{("removed", *entry): n for entry, n in (before - after).items()},
            **{("added", *entry): n for entry, n in (after - before).items()}}


def vary(data):
    rows = [row for row in data.split(b"\n") if noise.random() < .9]
    noise.shuffle(rows)
    rows += noise.choices(rows or [b"x"], k=noise.randrange(3))
    return b"\n".join(rows)


@tap.case("overt rules diff tells what the multisets of leaves tell")
def _():
    for number in range(25):
        old = {f"{i}.{noise.choice(['ndb', 'yar', 'cbc'])}": make_lines() for i in range(6)}
        old["m.cvd"] = make_container({"COPYING": b"x", "a.ndb": make_lines(), "b.ldb": make_lines()})
        new = {name: vary(data) if name.endswith("ndb") else data for name, data in old.items()
               if noise.random() < .8}
        new["m.cvd"] = make_container({"COPYING": b"x", "a.ndb": make_lines(), "c.ldb": make_lines()})
        write(f"old{number}", old)
        write(f"new{number}", new)
        code, lines, err = diff("--json", f"old{number}", f"new{number}")
        assert code == 1 and err == "", err
        told = collections.Counter()
        *records, last = map(json.loads, lines)
        for record in records:
            text = record["text"].encode(errors="surrogateescape")
            assert record["leaf"] == release.text_of(release.leaf_hash(record["file"], text)), record
            assert record["bytes"] == len(text), record
            told[record["change"], record["file"], text] += 1
        assert told == changes(old, new), number
        counts = collections.Counter(record["change"] for record in records)
        assert last == {"summary": {"added": counts["added"], "removed": counts["removed"]}}, last
        assert [record["file"].split("!")[0].encode() for record in records] == \
            sorted(record["file"].split("!")[0].encode() for record in records)
        assert diff("--quiet", f"old{number}", f"old{number}") == (0, [], "")


@tap.case("what changed between two bundles")
def _():
    make_bundle("b1", {"a.ndb": b"A\nB\n", "gone.hdb": b"G", "sub/c.yar": b"rule c {}"})
    make_bundle("b2", {"a.ndb": b"B\nC", "sub/c.yar": b"// same\nrule c {}\nimport \"pe\""})
    assert ask("changes", "b1", "b2") == (0, ["- a.ndb: A", "+ a.ndb: C", "- gone.hdb: G",
                                              '+ sub/c.yar: import "pe"', "2 2"])
    assert ask("changes", "b2", "b2") == (0, ["0 0"])
    make_bundle("torn", {"a.ndb": b"A"}, 0)
    code, lines = ask("changes", "b1", "torn")
    assert code == 1 and lines == ["torn: no bundle of a release, or a damaged one"], lines


@tap.case("as text: safe, cut, with a summary; exit codes as diff has them")
def _():
    write("t1", {"a.ndb": b"A\nB\n"})
    write("t2", {"a.ndb": b"B\n\x1b[2J\xff\n" + b"y" * 3000})
    assert diff("t1", "t2") == (1, ["- a.ndb: A", "+ a.ndb: \\x1b[2J\\xff",
                                    "+ a.ndb: " + "y" * 1000 + "... (3000 bytes)",
                                    "added: 2, removed: 1"], "")
    assert diff("t1", "t1") == (0, ["added: 0, removed: 0"], "")
    code, lines, err = diff("t1", "nowhere")
    assert code == 2 and not lines and err == "overt: nowhere: No such file or directory\n"
    assert diff("t1")[0] == 2


@tap.case("two versions of a file are compared whatever they are called")
def _():
    members = {"COPYING": b"x", "d.ndb": b"A\nB\n"}
    write("pairs", {"one.cvd": make_container(members), "a.ndb": b"A\nB", "b.ndb": b"B\nC", "c.hdb": b"B",
                    "two.cld": make_container({**members, "d.ndb": b"B\nC\n"}, False)})
    assert diff("pairs/one.cvd", "pairs/two.cld", "--quiet")[1] == ["- two.cld!d.ndb: A",
                                                                    "+ two.cld!d.ndb: C"]
    assert diff("pairs/a.ndb", "pairs/b.ndb", "--quiet")[1] == ["- b.ndb: A", "+ b.ndb: C"]
    assert diff("pairs/a.ndb", "pairs/c.hdb", "--quiet")[1] == ["- a.ndb: A", "- a.ndb: B", "+ c.hdb: B"]


@tap.case("overt rules show tells the leaf that the tree has")
def _():
    ndb = b"One:0:*:41424344\r\n\nTwo:1:EP+0:4142??43\n"
    other = {"b.ldb": b"Three;Target:0;0&1;41424344;45464748\n", "c.hsb": b"%064x:7:Four\r\n" % 9,
             "d.cdb": b"Five:*:*:a.exe:*:*:*:*:*:*\n"}
    other["m.cvd"] = make_container({"COPYING": b"x", "a.ndb": ndb.replace(b"One", b"Six")})
    files = {"a.ndb": ndb, **other}
    write("shown/sub", files)
    texts = {text: name for name, text in release.entries(files)}
    for rule in ("One", "Two", "Three", "Four", "Five", "Six"):
        words = [OVERT, "rules", "show", rule, *[f"shown/sub/{name}" for name in sorted(files)]]
        record = json.loads(subprocess.run([*words, "--json"], capture_output=True, check=True,
                                           timeout=60).stdout.splitlines()[0])
        name, source = record["leaf_name"], record["source"].encode()
        assert texts[source] == name or rule == "Two", record
        assert record["leaf"] == release.text_of(release.leaf_hash(name, source)), record
        told = subprocess.run(words, capture_output=True, check=True, timeout=60).stdout.decode()
        assert f"\nleaf: {record['leaf']} of {name}\n" in told, told


@tap.case("the endings in docs/formats/release.md are those of this test")
def _():
    rows = (SOURCE / "docs/formats/release.md").read_text().splitlines()
    row = next(row for row in rows if row.endswith("| lines |"))
    assert set(row.split("`")[1].split()) == release.LINES


os.environ.pop("OVERT_STATE", None)
tap.run()
