#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 300
"""`overt journal list` and `prove`: what is asked for is found, the same with the index as by
reading everything, whatever became of the index. TAP."""
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/journal"))
sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests"))
from journals import (  # noqa: E402  pylint: disable=wrong-import-position
    BUILD, OVERT, Journal, Skip, copy, frame, journal, main, scan, tree, verify)
import ovcheck  # noqa: E402  pylint: disable=wrong-import-position

INDEX = pathlib.Path("state/journal/index.db")


def listed(*words, state="state"):
    """The lines of a list, of which standard error has nothing to say."""
    done = journal("list", *words, state=state)
    assert done.returncode == 0 and not done.stderr, (words, done)
    return done.stdout.decode("utf-8", "surrogateescape").splitlines()


def objects(*words):
    return [json.loads(line) for line in listed("--json", *words)]


def fill(entries, files=1, state="state"):
    """A journal of that many entries."""
    subprocess.run([pathlib.Path(BUILD) / "tests/journal-fill", f"{state}/journal", str(entries),
                    str(files)], check=True, timeout=120)


def refused(*words):
    done = journal("list", *words)
    assert done.returncode == 2 and not done.stdout, done
    return done.stderr.decode()


def without_sqlite(*words):
    """The same lines, of an overt for which there is no such library; None where it cannot be hidden."""
    places = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    library = next(line.split()[-1] for line in places.splitlines() if "libsqlite3.so.0 " in line)
    done = subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind /dev/null "$0" || exit 77; exec "$@"',
                           library, OVERT, "journal", "list", *words], capture_output=True, check=False,
                          timeout=60, env={**os.environ, "OVERT_STATE": "state"})
    if done.returncode == 77 or b"unshare failed" in done.stderr:
        raise Skip(f"a file cannot be hidden here: {done.stderr.decode().strip()}")
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.decode("utf-8", "surrogateescape").splitlines()


# ---- what is asked for --------------------------------------------------------------------------

def two_scans():
    tree("t", 12, found={3, 4})
    (pathlib.Path("t") / "broken").write_text("OVERT-TEST error\n")
    scan("t")
    tree("u", 3, found={1})
    scan("u", pathlib.Path("u").absolute())


def filters():
    two_scans()
    everything = objects()
    assert [one["seq"] for one in everything] == list(range(len(everything)))[::-1]
    assert objects("--reverse") == everything[::-1] and objects("--limit", 4) == everything[:4]
    assert objects("--limit", 4, "--reverse") == everything[:-5:-1]
    assert [one["type"] for one in objects("--type", "scan")] == ["scan", "scan"]
    runs = [one["run"] for one in objects("--type", "start")]
    own = [entry.seq for entry in Journal().entries() if entry.run == runs[0]]
    assert len(own) >= 5 and [one["seq"] for one in objects("--run", runs[0], "--reverse")] == own
    found = objects("--verdict", "found")
    names = ["t/f0003", "t/f0004", "u/f0001", str(pathlib.Path("u/f0001").absolute())]
    assert [one["path"] for one in found[::-1]] == names, found
    assert all(one["found"] == [{"rule": "Rule-00000.UNOFFICIAL", "set": "rules.ndb",
                                 "members": "-", "offset": "3"}] for one in found)
    assert objects("--rule", "rule-00000") == found and objects("--rule", "Rule-1") == []
    assert [one["path"] for one in objects("--verdict", "error")] == ["t/broken"]
    assert len(objects("--verdict", "clean")) == 10 + 4
    assert objects("--verdict", "found", "--type", "stop") == []
    file = found[-1]
    info = os.stat("t/f0003")
    assert (file["inode"], file["size"], file["mtime_ns"]) == \
        (info.st_ino, info.st_size, info.st_mtime_ns), file
    assert [dict(Journal().entries()[file["seq"]].body)["count"]] == ["13"]


def paths():
    two_scans()
    assert [one["path"] for one in objects("--path", "t/f0005")] == ["t/f0005"]
    below = objects("--path", "t")
    assert sorted(one["path"] for one in below if one["type"] == "file") == \
        sorted(f"t/{name}" for name in os.listdir("t"))
    assert [one["type"] for one in below].count("scan") == 1  # it was asked for the folder
    assert objects("--path", "t/") == below and objects("--path", "t/f000") == []
    # as it was named, and from the root
    assert len(objects("--path", "u/f0001")) == 2
    assert len(objects("--path", pathlib.Path("u/f0001").absolute())) == 1
    assert objects("--path", "t", "--verdict", "found") == objects("--verdict", "found")[2:]
    assert objects("--path", "elsewhere") == []
    os.rename("state/journal/names", "away")
    assert "no paths are known" in refused("--path", "t")
    assert {one["path"] for one in objects("--verdict", "found")} == {None}
    assert all(" commitment " in line for line in listed("--verdict", "found"))


def odd_paths():
    folder = pathlib.Path("t")
    folder.mkdir()
    odd = [b"new\nline", b"\xff\xfe", b"sp ace", b"\x1b[31m"]
    for name in odd:
        pathlib.Path(os.fsdecode(b"t/" + name)).write_text("x")
    scan("t")
    told = {one["path"].encode("utf-8", "surrogateescape") for one in objects("--verdict", "clean")}
    assert told == {b"t/" + name for name in odd}, told
    lines = listed("--verdict", "clean")
    assert len(lines) == 4 and not any("\x1b" in line for line in lines)
    for name in odd:
        assert len(objects("--path", os.fsdecode(b"t/" + name))) == 1


def times():
    two_scans()
    everything = objects("--reverse")
    middle = everything[7]["time_ns"]
    assert middle // 10**9 <= time.time()
    assert objects("--since", "1h", "--reverse") == everything and objects("--until", "1h") == []
    assert objects("--since", "2020-01-01", "--until", "2100-01-01", "--reverse") == everything
    assert objects("--since", "2100-01-01") == []
    second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle // 10**9))
    since, until = objects("--since", second), objects("--until", second)
    assert len(since) + len(until) == len(everything)
    assert all(one["time"] >= second for one in since) and all(one["time"] < second for one in until)


def what_cannot_be_asked():
    two_scans()
    for words, why in ((("--since", "yesterday"), "is no time"), (("--until", "2026-02-30"), "is no time"),
                       (("--verdict", "bad"), "is no verdict"), (("--type", "bad"), "is no type"),
                       (("--run", "1234"), "is no run"), (("--limit", "-1"), "is no number"),
                       (("--rule", ""), "is missing"), (("more",), "too many"),
                       (("--limit",), "missing")):
        assert why in refused(*words), (words, refused(*words))


# ---- the index ----------------------------------------------------------------------------------

def drawn(seed):
    """Words of a query."""
    words = []
    for share, make in (
            (.3, lambda: ["--verdict", seed.choice(["found", "error", "limited", "clean"])]),
            (.3, lambda: ["--rule", seed.choice(["rule-00", "7", "RULE-00042.UNOFFICIAL", "none"])]),
            (.3, lambda: ["--path", seed.choice(["/srv/003", "/srv", "/srv/001/file-0001019", "/x"])]),
            (.2, lambda: ["--type", seed.choice(["files", "start", "stop", "epoch", "scan"])]),
            (.2, lambda: ["--run", f"07{seed.randrange(50) * 60 + 1:04x}"[:2]
                          + (seed.randrange(50) * 60 + 1).to_bytes(4, "little").hex() + "00" * 11]),
            (.2, lambda: ["--since", seed.choice(["1h", "2100-01-01", "2020-01-01"])]),
            (.2, lambda: ["--until", seed.choice(["0s", "1h", "2100-01-01"])]),
            (.5, lambda: ["--limit", str(seed.choice([0, 1, 3, 50, 1000]))]),
            (.5, lambda: ["--reverse"]), (.3, lambda: ["--json"])):
        words += make() if seed.random() < share else []
    return words


def the_same_without_it():
    """Many drawn queries; entries that are pending, too."""
    fill(3000, 3)
    seed = random.Random(7)
    rows = 0
    for number in range(150):
        words = drawn(seed)
        plain = listed(*words, "--no-index")
        assert listed(*words) == plain, words
        rows += len(plain)
    assert INDEX.exists() and rows > 5000, rows
    print(f"# {rows} lines")


def entries_that_are_pending():
    """Those that came after the checkpoint are no part of the index, and found all the same."""
    two_scans()
    sealed = copy("state", "sealed")
    tree("v", 3, found={1, 2})
    scan("v")
    size = int(Journal(sealed).read("checkpoint").split(b"\n")[1])
    raw = Journal().raw()
    shutil.copy("state/journal/names", f"{sealed}/journal/names")
    (Journal(sealed).path / "pending").write_bytes(b"".join(map(frame, raw[size:])))
    shutil.rmtree("state")
    os.rename(sealed, "state")
    for words in ((), ("--reverse",), ("--limit", "3"), ("--limit", "3", "--reverse"), ("--limit", "5")):
        rows = objects("--verdict", "found", *words)
        assert rows == objects("--verdict", "found", "--no-index", *words)
    assert [one["path"] for one in objects("--verdict", "found")][:2] == ["v/f0002", "v/f0001"]


def head_of(path):
    with sqlite3.connect(path) as database:
        return database.execute("SELECT size FROM head").fetchone()[0]


def it_is_brought_up_to_date():
    two_scans()
    assert not INDEX.exists()
    assert len(objects("--verdict", "found")) == 4
    assert INDEX.stat().st_mode & 0o777 == 0o600
    inode, size = INDEX.stat().st_ino, head_of(INDEX)
    scan("t")
    assert len(objects("--verdict", "found")) == 6
    assert INDEX.stat().st_ino == inode and head_of(INDEX) > size  # the same file, gone on with
    with sqlite3.connect(INDEX) as database:
        assert database.execute("SELECT count(*) FROM entries").fetchone()[0] == head_of(INDEX)
    assert verify()[0] == 0


def a_bad_one_is_made_again():
    two_scans()
    expected = listed("--verdict", "found")
    good = INDEX.read_bytes()

    def sql(*statements):
        with sqlite3.connect(INDEX) as database:
            for statement in statements:
                database.execute(statement)
        database.close()

    ways = {
        "removed": INDEX.unlink,
        "empty": lambda: INDEX.write_bytes(b""),
        "something else": lambda: INDEX.write_bytes(b"no database" * 1000),
        "its head is damaged": lambda: INDEX.write_bytes(b"\0" * 100 + good[100:]),
        "cut off": lambda: INDEX.write_bytes(good[:5000]),
        "pages of zeros": lambda: INDEX.write_bytes(good[:4096] + bytes(len(good) - 4096)),
        "another version": lambda: sql("PRAGMA user_version=77"),
        "of another program": lambda: sql("PRAGMA application_id=77"),
        "without its tree": lambda: sql("DELETE FROM head"),
        "of another tree": lambda: sql("UPDATE head SET root = zeroblob(32)"),
        "of a larger tree": lambda: sql("UPDATE head SET size = size + 1000"),
        "of nothing": lambda: sql("UPDATE head SET size = 0"),
        "another table": lambda: sql("CREATE TABLE more(a)"),
        "a trigger": lambda: sql("CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM files; END"),
        "a view in the place of a table": lambda: sql(
            "ALTER TABLE founds RENAME TO f", "CREATE VIEW founds AS SELECT * FROM f"),
    }
    for name, spoil in ways.items():
        spoil()
        assert listed("--verdict", "found") == expected, name
        with sqlite3.connect(INDEX) as database:
            assert database.execute("PRAGMA user_version").fetchone()[0] == 1, name
            assert head_of(INDEX) == int(Journal().read("checkpoint").split(b"\n")[1]), name
            assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok", name
        INDEX.write_bytes(good)
    assert listed("--verdict", "found") == expected


def without_the_library_it_is_read():
    two_scans()
    assert without_sqlite("--verdict", "found") == listed("--verdict", "found", "--no-index")
    assert not INDEX.exists()
    assert len(listed("--verdict", "found")) == 4 and INDEX.exists()


def rows_that_are_lies_are_not_shown():
    two_scans()
    expected = listed("--verdict", "found")
    with sqlite3.connect(INDEX) as database:
        database.execute("UPDATE files SET verdict = 1")
        database.execute("INSERT INTO files VALUES(5, 77777, 1, 0)")
        database.execute("INSERT INTO entries VALUES(5000, 0, 'files', 1)")
        database.execute("INSERT INTO files VALUES(5000, 0, 1, 0)")
    database.close()
    assert listed("--verdict", "found") == expected


def another_journal_in_its_place():
    two_scans()
    listed("--verdict", "found")
    shutil.copy(INDEX, "old.db")
    shutil.rmtree("state")
    tree("w", 2, found={0, 1})
    scan("w")
    shutil.copy("old.db", INDEX)
    assert [one["path"] for one in objects("--verdict", "found", "--reverse")] == ["w/f0000", "w/f0001"]


def whose_folder_it_is_not():
    """Root reads the journal of another user, and leaves nothing in it."""
    if os.geteuid() != 0:
        raise Skip("only root can be another user")
    two_scans()
    expected = listed("--verdict", "found")
    INDEX.unlink()
    os.chown("state/journal", 1000, 1000)
    assert listed("--verdict", "found") == expected and not INDEX.exists()
    os.chown("state/journal", 0, 0)
    os.symlink("/etc/hostname", INDEX)
    before = pathlib.Path("/etc/hostname").read_bytes()
    assert listed("--verdict", "found") == expected
    assert pathlib.Path("/etc/hostname").read_bytes() == before


def what_was_changed_is_not_shown():
    """An entry that is shown stands in the tree that was signed, whatever the index says."""
    two_scans()
    listed("--verdict", "found")
    size = int(Journal().read("checkpoint").split(b"\n")[1])
    bundle = Journal().path / f"tile/entries/000.p/{size}"
    data = bundle.read_bytes()
    bundle.write_bytes(data.replace(b" found ", b" clean ", 1))
    for words in ((), ("--no-index",)):
        done = journal("list", "--verdict", "clean", *words)
        assert done.returncode == 1 and b"not as it was written" in done.stderr, done


# ---- proofs -------------------------------------------------------------------------------------

def each_entry_is_proven():
    two_scans()
    checker, why = ovcheck.find()
    if not checker:
        print(f"# without ovcheck: {why}")
    raw = Journal().raw()
    policy = "state/journal/log.policy"
    for number, entry in enumerate(raw):
        done = journal("prove", number, "-o", "proof", "--entry", "entry")
        assert done.returncode == 0 and f"entry {number} of {len(raw)}" in done.stdout.decode(), done
        assert pathlib.Path("entry").read_bytes() == entry
        told = subprocess.run([OVERT, "log", "verify", "proof", "--policy", policy],
                              capture_output=True, check=False, timeout=60)
        assert told.returncode == 0 and f"entry {number} ".encode() in told.stdout, told
        if checker:
            told = subprocess.run([checker, "proof", policy, "proof", "entry"], capture_output=True,
                                  check=False, timeout=60)
            assert told.returncode == 0, told
    proof = pathlib.Path("proof").read_bytes()
    for at in range(0, len(proof), 7):
        pathlib.Path("changed").write_bytes(proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1:])
        told = subprocess.run([OVERT, "log", "verify", "changed", "--policy", policy],
                              capture_output=True, check=False, timeout=60)
        assert told.returncode != 0, at
    for words, why in ((("77", "-o", "p"), "entries, from 0"), (("x", "-o", "p"), "no number"),
                       (("1",), "are needed"), (("-o", "p"), "are needed")):
        done = journal("prove", *words)
        assert done.returncode == 2 and why in done.stderr.decode(), done
    assert not pathlib.Path("p").exists()


if __name__ == "__main__":
    main([filters, paths, odd_paths, times, what_cannot_be_asked, the_same_without_it,
          entries_that_are_pending, it_is_brought_up_to_date, a_bad_one_is_made_again,
          without_the_library_it_is_read, rows_that_are_lies_are_not_shown,
          another_journal_in_its_place, whose_folder_it_is_not, what_was_changed_is_not_shown,
          each_entry_is_proven])
