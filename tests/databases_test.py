#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 300
"""ClamAV's databases: verified and updated, with keys of our own, and beside sigtool. TAP.

With OVERT_SHARED also those that the vendor signed, each changed in many places, beside
`sigtool --info`; OVERT_CHANGES says how many changes to each, 12 otherwise.
"""
import gzip
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "feed"))
from forge_database import Vendor, header, tar_of  # noqa: E402
from harness import ask  # noqa: E402
from members import BUILD, SOURCE, Skip, Tap, has, needs  # noqa: E402

tap = Tap()
HERE = pathlib.Path.cwd()
RULES = [("test.hdb", b"".join(b"%032x:%d:Test.Rule-%d\n" % (i * 7919, i, i) for i in range(20))),
         ("test.ndb", b"Test.Body-1:0:*:6f76657274\nTest.Body-2:0:*:74657374 x\n")]
noise = random.Random(6)
made = {}


def vendor():
    needs("openssl")
    if not made:
        made["vendor"] = Vendor()
        made["vendor"].write_keys("keys")
    return made["vendor"]


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def files(*words):
    """What tests/feed/feed_files.c says: (exit code, its line)."""
    done = subprocess.run([BUILD / "tests/feed-files", *words], capture_output=True, timeout=120,
                          check=False)
    assert done.returncode in (0, 1), f"{words}: {done.returncode} {done.stderr[-500:]}"
    return done.returncode, done.stdout.decode().strip()


def refused(answer, *words):
    code, line = answer
    assert code == 1 and all(word in line for word in words), (words, answer)


def verify(data, name="x.cvd"):
    vendor()
    return files("verify", "keys", write(name, data))


# ---- with keys of our own -----------------------------------------------------------------------

@tap.case("what the keys signed is accepted, packed, not packed and local")
def _():
    maker = vendor()
    expected = "test 5 3 90 1700000000 2"
    assert verify(maker.cvd(5, RULES)) == (0, f"{expected} 3")
    plain = maker.seal(5, tar_of(maker.members(5, RULES)))
    assert verify(plain) == (0, f"{expected} 3")
    assert verify(maker.cld(5, maker.members(5, RULES)), "x.cld") == (0, f"{expected} 2")
    refused(verify(maker.cld(5, maker.members(5, RULES)), "x.cvd"), "nobody has signed it")
    no_time = maker.cvd(5, RULES).replace(b":1700000000", b"".ljust(11), 1)
    refused(verify(no_time), "two versions")


@tap.case("every part of the header counts")
def _():
    maker = vendor()
    whole = maker.cvd(5, RULES)
    refused(verify(whole[:511]), "no ClamAV-VDB header")
    refused(verify(whole[:512]), "MD5")
    refused(verify(b"x" + whole), "no ClamAV-VDB header")
    refused(verify(whole.replace(b":5:3:90:", b":6:3:90:", 1)), "two versions")
    refused(verify(whole.replace(b":5:3:90:", b":5:4:90:", 1)), "two versions")
    refused(verify(whole.replace(b":5:3:90:", b":5:3:91:", 1)), "two versions")
    refused(verify(whole.replace(b":5:3:90:", b":-5:3:90:", 1)[:512] + whole[512:]), "cannot be read")
    refused(verify(whole.replace(b":5:3:90:", b":5:3:", 1)), "cannot be read")
    refused(verify(whole[:-1]), "MD5")
    refused(verify(whole + b"\0"), "MD5")
    md5, signature = whole[:512].split(b":")[5:7]

    def replace(*pairs):
        line = whole[:512]
        for old, new in pairs:
            line = line.replace(old, new, 1)
        return line.rstrip().ljust(512) + whole[512:]
    refused(verify(replace((signature, signature[:-1]))), "not the vendor's")
    refused(verify(replace((signature, signature + b"b"))), "not the vendor's")
    refused(verify(replace((signature, b"X"))), "not the vendor's")
    refused(verify(replace((md5, b"X"))), "MD5")
    refused(verify(replace((md5, md5[:-1]))), "MD5")
    refused(verify(replace((md5, md5 + b"0"))), "MD5")
    refused(verify(replace((md5, b"X"), (signature, b"X"))), "nobody has signed it")


def bad_members():
    """Members as nobody but the holder of the header's key could sign them, and what is wrong."""
    maker = vendor()
    good = maker.members(5, RULES)
    list_at = 1
    info = good[list_at][1]
    lines = info.split(b"\n")

    def listed(entries):
        return [good[0], ("test.info", maker.info(5, entries)), *RULES]

    def info_of(text):
        return [good[0], ("test.info", text), *RULES]
    changed = [(name, data.replace(b"Test", b"Best", 1)) for name, data in RULES]
    yield good[:list_at] + good[list_at + 1:], "exactly one list"
    yield good + [("other.info", info)], "exactly one list"
    yield [good[0], ("x" * 40 + ".info", info), *RULES], "exactly one list"
    yield good + [("extra.ndb", b"")], "does not name"
    yield good[:-1], "is not there"
    yield good[:2] + changed, "another size or SHA-256"
    yield good[:2] + [(name, data + b"\n") for name, data in RULES], "another size or SHA-256"
    yield listed([RULES[0], RULES[1], RULES[0]]) + [("extra.ndb", b"")], "cannot be read"
    yield listed([RULES[0], RULES[1], ("a/b", b"")]), "cannot be read"
    yield info_of(info.replace(b":5:3:90:", b":5:3:91:", 1)), "signature of its list"
    yield info_of(info.replace(b"DSIG:", b"DSIG:b", 1)), "signature of its list"
    yield info_of(b"\n".join(lines[:-2]) + b"\n"), "cannot be read"
    yield info_of(info[:-1]), "cannot be read"
    yield info_of(info + b"#\n"), "cannot be read"
    yield info_of(b"#\n" + info), "cannot be read"
    yield good + [good[2]], "holds something else"
    yield good + [("a/b.ndb", b"")], "holds something else"
    yield good + [(".hidden", b"")], "holds something else"
    yield good + [("inner.cvd", b"")], "holds something else"


@tap.case("members, their list and its signature hold together, or it is refused")
def _():
    maker, count = vendor(), 0
    for members, why in bad_members():
        for name, data in (("x.cvd", maker.seal(5, gzip.compress(tar_of(members)))),
                           ("x.cld", maker.cld(5, members))):
            refused(verify(data, name), why)
            count += 1
    assert count == 38, count


@tap.case("a body that is no archive is refused even when it is signed")
def _():
    maker = vendor()
    tar = tar_of(maker.members(5, RULES))
    packed = gzip.compress(tar)
    assert verify(maker.seal(5, packed))[0] == 0
    refused(verify(maker.seal(5, packed[:-9])), "gzip")
    refused(verify(maker.seal(5, packed[:40])), "gzip")
    refused(verify(maker.seal(5, b"no archive")), "gzip")
    refused(verify(maker.seal(5, packed + b"tail")), "something else")
    refused(verify(maker.seal(5, packed + gzip.compress(b"x"))), "something else")
    refused(verify(maker.seal(5, gzip.compress(tar + b"x"))), "something else")
    refused(verify(maker.seal(5, gzip.compress(tar[:520]))), "something else")
    refused(verify(maker.seal(5, gzip.compress(bytes(65 << 20)))), "more than is allowed")
    link = bytearray(tar)
    link[156] = ord("2")
    refused(verify(maker.seal(5, gzip.compress(bytes(link)))), "something else")


@tap.case("one changed bit anywhere, and it is refused or nothing of it is said")
def _():
    maker = vendor()
    whole, cld = maker.cvd(5, RULES), maker.cld(5, maker.members(5, RULES))
    said = verify(whole)
    for _ in range(60):
        at, bit = noise.randrange(len(whole)), 1 << noise.randrange(8)
        changed = bytes([*whole[:at], whole[at] ^ bit, *whole[at + 1:]])
        answer = verify(changed)
        in_words = at < 512 and at in (*range(11, 33), *range(340, 512))  # its time, its builder
        assert answer[0] == 1 or (in_words and answer == said), (at, bit, answer)
    said = verify(cld, "x.cld")
    rules = [cld.index(data) for _, data in RULES]
    for _ in range(60):
        (_, data), start = RULES[0], rules[0]
        at = start + noise.randrange(len(data))
        changed = bytes([*cld[:at], cld[at] ^ 1 << noise.randrange(8), *cld[at + 1:]])
        refused(verify(changed, "x.cld"), "another size or SHA-256")


# ---- updates ------------------------------------------------------------------------------------

def update(maker, version, rules, script):
    """A script that changes rules, with what it does to the list."""
    members = dict(rules)
    before = maker.info(version - 1, rules).split(b"\n")
    work = pathlib.Path("update")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for name, data in rules:
        (work / name).write_bytes(data)
    write("update.script", script)
    code, line = files("script", "update", "update.script")
    assert code == 0, line
    members = [(path.name[:-4], path.read_bytes()) for path in sorted(work.glob("*,new"))]
    info = maker.info(version, members)
    lines = [b"OPEN test.info"]
    for number in range(1, len(before)):
        lines.append(b"DEL %d %s" % (number, before[number - 1][:5]))
    lines += [b"ADD " + line for line in info.split(b"\n")[:-1]] + [b"CLOSE"]
    return members, script + b"\n".join(lines) + b"\n"


def patch(data, *updates, name="old.cvd"):
    vendor()
    names = [write(f"{i}.cdiff", data) for i, data in enumerate(updates)]
    return files("patch", "keys", "new.cld", write(name, data), *names)


SCRIPTS = [b"OPEN test.hdb\nDEL 3 0000\nXCHG 5 000000 00:5:Changed\nADD 01:1:Added one\nADD 02:2:Two\nCLOSE\n",
           b"# a remark\nOPEN test.ldb\nADD Test;Target:0;0;6162\nCLOSE\n"
           b"MOVE test.hdb test.ldb 2 0000 4 0\n",
           b"UNLINK test.ndb\nOPEN test.hdb\nCLOSE\n"]


@tap.case("updates follow one another, and what comes out is verified and read by all")
def _():
    maker = vendor()
    rules, scripts = RULES, []
    for version, script in enumerate(SCRIPTS, 6):
        rules, whole = update(maker, version, rules, script)
        scripts.append(maker.cdiff(version, whole))
    assert patch(maker.cvd(5, RULES), *scripts) == (0, "test 8 3 90 1700000000 2 2")
    first = pathlib.Path("new.cld").read_bytes()
    assert first[:512].rstrip() == header(8).encode() and first[512:].startswith(b"COPYING")
    assert verify(first, "new.cld") == (0, "test 8 3 90 1700000000 2 2")
    assert ask("verify", "new.cld")[1][2] == "new.cld: the signature of its list of members (.info) " \
        "is not the vendor's"
    # One after the other is the same as all at once.
    data, name = maker.cvd(5, RULES), "old.cvd"
    for script in scripts:
        assert patch(data, script, name=name)[0] == 0
        data, name = pathlib.Path("new.cld").read_bytes(), "old.cld"
    assert data == first
    listing = subprocess.run(["tar", "-tf", "-"], input=first[512:], capture_output=True, check=True)
    assert listing.stdout.split() == [b"COPYING", b"test.info", b"test.hdb", b"test.ldb"]


@tap.case("an update is for one version, is signed, and says how long it is")
def _():
    maker = vendor()
    old = maker.cvd(5, RULES)
    rules, script = update(maker, 6, RULES, SCRIPTS[0])
    good = maker.cdiff(6, script)
    assert patch(old, good)[0] == 0
    refused(patch(old, maker.cdiff(7, script)), "does not follow")
    refused(patch(old, maker.cdiff(5, script)), "does not follow")
    refused(patch(old, good, good), "2 24 0 ", "does not follow")
    refused(patch(old, maker.cdiff(6, script, len(script) - 1)), "as long as")
    refused(patch(old, maker.cdiff(6, script, len(script) + 1)), "as long as")
    refused(patch(old, maker.cdiff(6, script, 1 << 40)), "footer")
    refused(patch(old, maker.cdiff(6, script, tail=b"x")), "as long as")
    refused(patch(old, b"x" + good), "no ClamAV-Diff")
    refused(patch(old, good[:-1]), "signature is not")
    refused(patch(old, good.replace(b":6:", b":7:", 1)), "signature is not")
    refused(patch(old, good[:good.rindex(b":")]))  # some colon may be found in what is packed
    refused(patch(old, good + b"a" * 100), "footer")
    seven = update(maker, 7, RULES, SCRIPTS[0])[1]
    refused(patch(old, maker.cdiff(6, seven)), "promised")  # its list is that of version 7
    refused(patch(maker.cvd(5, RULES)[:-1], good), "MD5")
    other = maker.members(5, RULES, name="other")
    refused(patch(maker.seal(5, gzip.compress(tar_of(other))), good), "is not there")


@tap.case("what an update makes of the members must be what its list says")
def _():
    maker = vendor()
    old = maker.cvd(5, RULES)
    _, script = update(maker, 6, RULES, SCRIPTS[0])
    more = b"OPEN test.ndb\nADD Evil:0:*:00\nCLOSE\n"
    refused(patch(old, maker.cdiff(6, more + script)), "another size or SHA-256")
    refused(patch(old, maker.cdiff(6, b"OPEN evil.ndb\nADD Evil:0:*:00\nCLOSE\n" + script)),
            "does not name")
    refused(patch(old, maker.cdiff(6, b"UNLINK test.ndb\n" + script)), "is not there")
    refused(patch(old, maker.cdiff(6, b"UNLINK COPYING\n" + script)), "promised")
    refused(patch(old, maker.cdiff(6, b"UNLINK test.info\n")), "exactly one list")
    refused(patch(old, maker.cdiff(6, SCRIPTS[0])), "promised")


# ---- scripts beside sigtool ---------------------------------------------------------------------

def run_both(files_before, script):
    """(ours, sigtool's): each {name: bytes}, or why not."""
    needs("sigtool")
    for name in ("ours", "theirs"):
        shutil.rmtree(name, ignore_errors=True)
        os.makedirs(name)
        for file, data in files_before.items():
            (HERE / name / file).write_bytes(data)
    write("both.script", script)
    code, line = files("script", "ours", "both.script")
    ours = line if code else {path.name[:-4]: path.read_bytes()
                              for path in (HERE / "ours").glob("*,new")}
    done = subprocess.run(["sigtool", f"--run-cdiff={HERE}/both.script"], cwd="theirs",
                          capture_output=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    failed = b"LibClamAV Error: " in said or b"panicked" in said
    theirs = said.decode(errors="replace") if failed else {
        path.name: path.read_bytes() for path in (HERE / "theirs").iterdir()}
    return ours, theirs


def some_lines(count):
    words = [b"alpha", b"beta", b"gamma:delta", b"0:*:6162", b"x", b"ClamAV"]
    # sigtool cuts what a line begins with after 16 bytes, and takes the end of a shorter one along.
    return b"".join(b" ".join(noise.choices(words, k=noise.randint(1, 4))) + b":%016d\n" %
                    noise.randrange(1000) for _ in range(count))


def mutate(data):
    lines = data.splitlines(keepends=True)
    for _ in range(noise.randint(1, 30)):
        at = noise.randrange(len(lines) + 1)
        what = noise.randrange(3)
        if what == 0 or not lines:
            lines.insert(at, some_lines(1))
        elif what == 1:
            lines.pop(at % len(lines))
        else:
            lines[at % len(lines)] = some_lines(1)
    return b"".join(lines)


@tap.case("scripts that sigtool writes do here what they do there")
def _():
    needs("sigtool")
    for _ in range(25):
        old = some_lines(noise.randint(1, 200))
        new = mutate(old) or some_lines(1)
        shutil.rmtree("compare", ignore_errors=True)
        os.makedirs("compare/new")
        write("compare/test.ndb", old)
        write("compare/new/test.ndb", new)
        script = subprocess.run(["sigtool", "--compare=test.ndb", "new/test.ndb"], cwd="compare",
                                capture_output=True, check=True).stdout
        script = script.replace(b"OPEN new/test.ndb", b"OPEN test.ndb")
        ours, theirs = run_both({"test.ndb": old}, script)
        assert isinstance(ours, dict) and ours == theirs, (script, ours, theirs)


def some_script(names):
    """Commands, most of which make sense."""
    lines, is_open, files_there = [], None, dict(names)
    for _ in range(noise.randint(1, 9)):
        name = noise.choice([*files_there] * 4 + ["new.ndb"])
        rows = files_there.get(is_open or name, b"").splitlines()
        number = noise.choice([noise.randrange(len(rows) + 2), *range(1, len(rows) + 1)])
        start = rows[number - 1][:noise.randint(1, 9)].split(b" ")[0] if 0 < number <= len(rows) else b"q"
        start = noise.choices([start, b"nothing"], [40, 1])[0]
        command = noise.choice(["edit"] * 5 + ["add"] * 3 + ["close"] * 2 + ["move", "unlink"])
        if is_open is None and command in ("edit", "add", "close") and noise.randrange(40):
            command = "open"
        if is_open is not None and command in ("move", "unlink") and noise.randrange(40):
            command = "close"
        if command == "open":
            lines.append(b"OPEN " + name.encode())
            is_open = name
        elif command == "add":
            lines.append(b"ADD " + some_lines(1)[:-1])
        elif command == "edit":
            lines.append(noise.choice([b"DEL %d %s", b"XCHG %d %s new text"]) % (number, start))
        elif command == "close":
            lines.append(b"CLOSE")
            is_open = None
        elif command == "move":
            other = "b.hdb" if name == "a.ndb" else "a.ndb"  # sigtool never ends when both are the same
            last = min(number + noise.randint(1, 3), len(rows) or 1)
            end = rows[last - 1].split(b" ")[0] if 0 < last <= len(rows) else b"q"
            lines.append(b"MOVE %s %s %d %s %d %s" % (name.encode(), other.encode(), number, start,
                                                      last, end))
        else:
            lines.append(b"UNLINK " + name.encode())
    if is_open is not None and noise.randrange(5):
        lines.append(b"CLOSE")
    return b"\n".join(lines) + b"\n"


STRICTER = re.compile(r"a member is open|no command|begin as the command says|cannot be one")


@tap.case("random scripts: what is accepted here gives the same members as with sigtool")
def _():
    needs("sigtool")
    accepted = refusals = 0
    for _ in range(150):
        before = {name: some_lines(noise.randint(1, 6)) for name in ("a.ndb", "b.hdb")}
        script = some_script(before)
        ours, theirs = run_both(before, script)
        if isinstance(ours, dict):
            assert ours == theirs, (before, script, ours, theirs)
            accepted += 1
        else:  # there are things that sigtool lets pass, and no others
            assert isinstance(theirs, str) or STRICTER.search(ours), (before, script, ours)
            refusals += 1
    assert accepted >= 15 and refusals >= 15, (accepted, refusals)


@tap.case("what a script may not say")
def _():
    two = {"a.ndb": b"one\ntwo\nthree\n", "b.ndb": b"x\ny"}
    cases = [
        (b"OPEN a.ndb\n", "a member is open", False),  # sigtool forgets what was said
        (b"OPEN a.ndb\nOPEN b.ndb\n", "a member is open", True),
        (b"CLOSE\n", "a member is open", True),
        (b"ADD x\n", "a member is open", True),
        (b"DEL 1 one\n", "a member is open", True),
        (b"XCHG 1 one two\n", "a member is open", True),
        (b"OPEN a.ndb\nUNLINK a.ndb\nCLOSE\n", "a member is open", True),
        (b"OPEN a.ndb\nMOVE a.ndb b.ndb 1 o 2 t\nCLOSE\n", "a member is open", True),
        (b"OPEN ../a.ndb\nADD x\nCLOSE\n", "cannot be one", True),
        (b"OPEN /a.ndb\nADD x\nCLOSE\n", "cannot be one", True),
        (b"OPEN .a\nADD x\nCLOSE\n", "cannot be one", False),
        (b"OPEN \nCLOSE\n", "cannot be one", True),
        (b"UNLINK ../a.ndb\n", "cannot be one", True),
        (b"UNLINK c.ndb\n", "cannot be one", True),
        (b"MOVE a.ndb ../b.ndb 1 o 2 t\n", "cannot be one", True),
        (b"MOVE a.ndb c.ndb 1 o 2 t\n", "cannot be one", True),
        (b"MOVE a.ndb a.ndb 1 o 2 t\n", "cannot be one", False),
        (b"MOVE a.ndb b.ndb 1 o 2 t\n", "begin as the command", False),  # b.ndb ends in a half line
        (b"OPEN a.ndb\nDEL 4 x\nCLOSE\n", "begin as the command", True),
        (b"OPEN a.ndb\nDEL 1 two\nCLOSE\n", "begin as the command", True),
        (b"OPEN a.ndb\nDEL 1 one\nDEL 1 one\nCLOSE\n", "begin as the command", False),
        (b"OPEN b.ndb\nDEL 1 x\nCLOSE\n", "begin as the command", True),
        (b"OPEN b.ndb\nADD z\nCLOSE\n", "begin as the command", False),
        (b"OPEN c.ndb\nDEL 1 x\nCLOSE\n", "begin as the command", True),
        (b"OPEN a.ndb\nDEL 0 one\nCLOSE\n", "no command", True),
        (b"OPEN a.ndb\nDEL x one\nCLOSE\n", "no command", True),
        (b"OPEN a.ndb\nDEL -1 one\nCLOSE\n", "no command", True),
        (b"OPEN a.ndb\nDEL +1 one\nCLOSE\n", "no command", False),
        (b"OPEN a.ndb\nDEL 99999999999999999999 one\nCLOSE\n", "no command", True),
        (b"OPEN a.ndb\nXCHG 1 one\nCLOSE\n", "no command", True),
        (b"OPEN a.ndb\nADD\nCLOSE\n", "no command", False),
        (b"OPEN a.ndb\nadd x\nCLOSE\n", "no command", True),
        (b"OPEN a.ndb\nCLOSE now\n", "no command", False),
        (b"OPEN a.ndb b.ndb\nCLOSE\n", "no command", True),
        (b"OPEN a.ndb\n\nCLOSE\n", "no command", True),
        (b"OPEN a.ndb\nCLOSE", "no command", False),
        (b"RUN a.ndb\n", "no command", True),
    ]
    for script, why, is_theirs in cases:
        if has("sigtool"):
            ours, theirs = run_both(two, script)
            assert isinstance(theirs, str) == is_theirs, (script, theirs)
        else:
            os.makedirs("alone", exist_ok=True)
            for name, data in two.items():
                write(f"alone/{name}", data)
            ours = files("script", "alone", write("both.script", script))[1]
        assert isinstance(ours, str) and why in ours, (script, ours)
    for script, line in ((b"# one\nCLOSE\n", 2), (b"OPEN a.ndb\nDEL 1 two\n#\nCLOSE\n", 4),
                         (b"OPEN a.ndb\nADD x", 2), (b"OPEN a.ndb\nADD x\n", 2)):
        os.makedirs("lines", exist_ok=True)
        write("lines/a.ndb", two["a.ndb"])
        code, said = files("script", "lines", write("both.script", script))
        assert code == 1 and said.split()[1] == str(line), (script, said)


# ---- what the vendor signed ---------------------------------------------------------------------

def shared():
    folder = pathlib.Path(os.environ.get("OVERT_SHARED", SOURCE.parent / "shared")) / "data/dev/clamav"
    if not folder.is_dir():
        raise Skip(f"no sample data in {folder} (OVERT_SHARED says where)")
    needs("sigtool")
    return folder


def samples():
    folder = shared()
    return [*sorted((folder / "tests/freshclam").glob("*.cvd")), folder / "official/safebrowsing.cvd",
            folder / "official/bytecode.cvd"]


def sigtool_accepts(path):
    done = subprocess.run(["sigtool", f"--info={path}"], capture_output=True, timeout=60, check=False)
    return b"Verification OK" in done.stdout + done.stderr


def fields(lines):
    return dict(line.split(" ", 1) for line in lines if " " in line)


@tap.case("what the vendor signed is accepted, and told as sigtool tells it")
def _():
    for path in samples():
        code, lines = ask("verify", path)
        told = fields(lines)
        assert code == 0 and told["checks"] == "legacy info" and told["local"] == "0", (path, lines)
        assert told["trust"].startswith("legacy signature only (MD5, RSA-1024); nobody can see")
        info = subprocess.run(["sigtool", f"--info={path}"], capture_output=True, check=True).stdout.decode()
        assert f"Version: {told['version']}\n" in info and f"Signatures: {told['rules']}\n" in info
        assert f"Functionality level: {told['level']}\n" in info and "Verification OK" in info


def changes(data):
    """(what, changed bytes): header, signature, MD5, body, and cut off."""
    head = data[:512].split(b":")
    yield "md5", data.replace(head[5], head[5][:-1] + (b"0" if head[5][-1:] != b"0" else b"1"), 1)
    other = head[6][:4] + (b"a" if head[6][4:5] != b"a" else b"b") + head[6][5:]
    yield "signature", data.replace(head[6], other, 1)
    version = data[:512].replace(b":%s:%s:" % (head[2], head[3]), b":9%s:%s:" % (head[2], head[3]), 1)
    yield "version", version[:512] + data[512:]
    yield "cut", data[:-1]
    yield "cut", data[:len(data) // 2]
    yield "cut", data[:600]
    yield "more", data + b"\0"
    for _ in range(int(os.environ.get("OVERT_CHANGES", "12"))):
        at = 512 + noise.randrange(len(data) - 512)
        yield f"body {at}", bytes([*data[:at], data[at] ^ 1 << noise.randrange(8), *data[at + 1:]])


@tap.case("a changed header, signature, MD5 or body, and a cut file: refused here and by sigtool")
def _():
    for path in samples():
        for what, data in changes(path.read_bytes()):
            write(path.name, data)
            assert data != path.read_bytes() and ask("verify", path.name)[0] == 1, (path, what)
            assert not sigtool_accepts(path.name), (path, what)
        os.unlink(path.name)


@tap.case("updates that the vendor signed lead from version to version as with sigtool")
def _():
    folder = shared() / "tests/freshclam"
    shutil.rmtree("steps", ignore_errors=True)
    os.makedirs("steps")
    subprocess.run(["sigtool", f"--unpack={folder}/test-1.cvd"], cwd="steps", check=True,
                   capture_output=True)
    for version in range(2, 7):
        updates = [folder / f"test-{i}.cdiff" for i in range(2, version + 1)]
        code, lines = ask("patch", "test.cld", folder / "test-1.cvd", *updates)
        told = fields(lines)
        assert code == 0 and told["version"] == str(version) and told["checks"] == "info", lines
        assert told["local"] == "1" and told["trust"].startswith("patched here"), lines
        assert sigtool_accepts("test.cld")
        done = subprocess.run(["sigtool", f"--run-cdiff={updates[-1]}"], cwd="steps",
                              capture_output=True, check=False)
        assert b"Error" not in done.stderr, done
        shutil.rmtree("unpacked", ignore_errors=True)
        os.makedirs("unpacked")
        body = pathlib.Path("test.cld").read_bytes()[512:]
        subprocess.run(["tar", "-xf", "-", "-C", "unpacked"], input=body, check=True)
        ours, theirs = ({path.name: path.read_bytes() for path in pathlib.Path(name).iterdir()}
                        for name in ("unpacked", "steps"))
        assert ours == theirs, (version, set(ours) ^ set(theirs))


@tap.case("a changed update is refused here and by sigtool, and leaves no version out")
def _():
    folder = shared() / "tests/freshclam"
    data = (folder / "test-3.cdiff").read_bytes()
    for _ in range(12):
        at = noise.randrange(len(data))
        write("test-3.cdiff", bytes([*data[:at], data[at] ^ 1 << noise.randrange(8), *data[at + 1:]]))
        assert ask("patch", "out.cld", folder / "test-2.cvd", "test-3.cdiff")[0] == 1, at
        shutil.rmtree("changed", ignore_errors=True)
        os.makedirs("changed")
        subprocess.run(["sigtool", f"--unpack={folder}/test-2.cvd"], cwd="changed", check=True,
                       capture_output=True)
        done = subprocess.run(["sigtool", f"--run-cdiff={HERE}/test-3.cdiff"], cwd="changed",
                              capture_output=True, check=False)
        assert done.returncode != 0, at
    code, lines = ask("patch", "out.cld", folder / "test-1.cvd", folder / "test-3.cdiff")
    assert code == 1 and "does not follow on the version before it" in lines[2], lines


@tap.case("a local database that was changed is refused here and by sigtool")
def _():
    folder = shared() / "tests/freshclam"
    code, _ = ask("patch", "local.cld", folder / "test-3.cvd", folder / "test-4.cdiff")
    data = pathlib.Path("local.cld").read_bytes()
    assert code == 0 and sigtool_accepts("local.cld")
    info = data.index(b"ClamAV-VDB", 512)
    start = data.index(b":", data.index(b"test.hdb", 20_000) + 400)
    for at in (info + 30, info + 250, data.index(b"DSIG:") + 40, start):
        write("local.cld", bytes([*data[:at], data[at] ^ 1, *data[at + 1:]]))
        assert ask("verify", "local.cld")[0] == 1 and not sigtool_accepts("local.cld"), at


tap.run()
