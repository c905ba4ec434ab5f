#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 900
"""tools/verify-journal against journals that were made here (journal/foreign_journal.py): good ones
pass; each flipped byte, each length that a file is cut to, and each thing that is demanded and not
kept is told, and told of the right entry. TAP."""
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE / "journal"), str(HERE / "ledger")]
import ed25519  # noqa: E402
import foreign_journal as foreign  # noqa: E402
import ovcheck  # noqa: E402
from tap import check, end  # noqa: E402
from foreign_journal import Journal, frame, write  # noqa: E402
from verifier import load, run  # noqa: E402

SPEED_FILES, SPEED_LINES, SPEED_MAX_S = 10000, 100, 60
verifier = load()


def verify(folder, vkey=None, kept=None):
    """[(entry, why)], the first thing that does not hold; what cannot be read is one, too."""
    try:
        why = verifier.verify_journal(str(folder), vkey,
                                      kept and verifier.checkpoint_from(kept)).get("why")
    except OSError as error:
        why = f"unreadable: {error}"
    entry = re.match(r"entry (\d+): ", why or "")
    return [(int(entry[1]) if entry else None, why)] if why else []


def folder_of(journal, **how):
    shutil.rmtree("journal", ignore_errors=True)
    return journal.write("journal", **how)


# ---- what is right ------------------------------------------------------------------------------

def plain(entries, seals=()):
    """A journal of short entries; sealed at these sizes and at the end."""
    journal = Journal(f"plain {entries}")
    while len(journal.entries) < entries:
        if len(journal.entries) in seals:
            journal.seal()
        journal.add("heartbeat", "runs 0")
    journal.seal()
    return journal


def good_journals():
    yield "every type of entry, three epochs, a crash, a boot", foreign.small()
    for size in (1, 255, 256, 257, 511, 512, 513):
        yield f"{size} entries", plain(size)
    yield "65,793 entries: three levels of tiles", plain(65793, (1, 65535, 65536, 65537))
    yield "40 epochs, each with a run", foreign.large("epochs", 160, 1, 2, 0)
    journal = foreign.small()
    journal.seals.pop()
    yield "more entries pending", journal
    journal = Journal("nothing sealed but the epoch")
    journal.seal()
    journal.time_ns -= 19 * foreign.SECOND // 10
    yield "a clock that falls by less than two seconds", with_entries(journal, 2)
    journal.wait(1e6)
    yield "eleven days of silence without a run", with_entries(journal, 2)
    journal.reboot(-5000)
    yield "a clock that is earlier after a boot", with_entries(journal, 2)
    journal.start()
    journal.wait(659)
    journal.stop()
    yield "a run with a gap of less than 11 minutes", journal
    journal = Journal("two at once")
    first = journal.start() and journal.run
    journal.start()
    journal.stop()
    journal.run = first
    journal.stop()
    journal.seal()
    yield "two runs at once", journal


def with_entries(journal, number):
    for _ in range(number):
        journal.add("heartbeat", "runs 0", run="-")
    return journal


def test_good(audit):
    for name, journal in good_journals():
        folder = folder_of(journal)
        found = verify(folder, journal.vkey(0).encode(), journal.seals[0][2])
        check(f"good: {name}", not found, found[:5])
        if audit:
            done = subprocess.run([audit, "audit", folder / "log.policy", folder], check=False,
                                  capture_output=True, text=True, timeout=120)
            check(f"an ordinary log for ovcheck: {name}", done.returncode == 0,
                  done.stdout + done.stderr)


def test_crashed():
    """What a crash may leave at any step of a seal."""
    journal = foreign.small()
    before, size = journal.folder_files(), len(journal.entries)
    journal.seal()
    after = journal.folder_files()
    steps = [path for path in after if after[path] != before.get(path) and path != "pending"]
    steps.append(steps.pop(steps.index("checkpoint")))
    for number in range(len(steps) + 1):
        files = {**before, **{path: after[path] for path in steps[:number]}}
        files[f"tile/0/000.p/{size}.new"] = b"half"
        shutil.rmtree("journal", ignore_errors=True)
        found = verify(write("journal", files))
        check(f"good: a seal that was cut off after {number} of {len(steps)} files", not found,
              found)
    files = {**after, "pending": before["pending"] + b"".join(
        map(frame, with_entries(journal, 2).entries[-2:]))}
    check("good: entries in pending that stand in the tiles, and more behind them",
          not (found := verify(write("journal", files))), found)


# ---- flips and cuts -----------------------------------------------------------------------------

def signed_files(files):
    """What the checkpoint speaks of: its partial tiles, and none of sizes before it."""
    size = files["checkpoint"].split(b"\n")[1].decode()
    return [path for path in sorted(files) if path.startswith("tile/") and path.endswith(f".p/{size}")
            or path in ("checkpoint", "journal.vkey", "pending")]


def test_flips():
    journal = foreign.small()
    files = journal.folder_files()
    folder = folder_of(journal)
    for path in signed_files(files):
        data, passed = files[path], []
        for at in range(len(data)):
            for mask in (1 << at % 8, 0xff)[:1 if path.startswith("tile/") else 2]:
                (folder / path).write_bytes(data[:at] + bytes([data[at] ^ mask]) + data[at + 1:])
                if not verify(folder):
                    passed.append(at)
        (folder / path).write_bytes(data)
        check(f"flips: each of {len(data)} bytes of {path}", not passed, passed)
    check("flips: all files are as they were", not verify(folder))
    outside = sorted(path for path in files if path not in signed_files(files))
    print(f"# outside of what is signed: {' '.join(outside)}: secrets, names, a copy of the keys"
          " that the entries have, and tiles of sizes before, which no checkpoint speaks of any more")
    for path in outside:
        (folder / path).write_bytes(b"changed")
    check("flips: none of these is read", not (found := verify(folder)), found)


def test_forged_frames():
    """Pending entries are not signed yet: who makes a right CRC can change them."""
    journal = foreign.small()
    files, free, total = journal.folder_files(), [], 0
    folder = folder_of(journal)
    size = journal.seals[-1][0]
    for place, entry in enumerate(journal.entries[size:]):
        for at in range(len(entry)):
            total += 1
            entries = journal.entries[size:]
            entries[place] = entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1:]
            (folder / "pending").write_bytes(b"".join(map(frame, entries)))
            if not verify(folder):
                free.append((size + place, entry[:at].rpartition(b"\n")[2].decode().split(" ")[0]))
    (folder / "pending").write_bytes(files["pending"])
    kinds = sorted({f"entry {entry} {word or '(first word)'}" for entry, word in free})
    print(f"# outside of what is signed: with its CRC forged, {len(free)} of {total} bytes of"
          f" pending can be changed until the next seal, in: {', '.join(kinds)}")
    check("forged frames: the form of entries, their order and runs are still demanded",
          0 < len(free) < total)


def test_cuts():
    journal = foreign.small()
    files, kept = journal.folder_files(), journal.seals[-1][2]
    for path in signed_files(files):
        folder, data, passed = folder_of(journal), files[path], []
        for length in range(len(data)):
            (folder / path).write_bytes(data[:length])
            if not verify(folder, kept=kept):
                passed.append(length)
        if path == "pending":
            print(f"# outside of what is signed: pending cut to {passed} of {len(data)} bytes: the "
                  "end of a run, or none, and nothing of what the checkpoint counts")
            check("cuts: pending to each length, but for whole runs that are gone", passed == [0])
        else:
            check(f"cuts: {path} to each of {len(data)} lengths", not passed, passed)
        os.unlink(folder / path)
        found = verify(folder, kept=kept)
        check(f"cuts: {path} is gone" + (", as if it were empty" if path == "pending" else ""),
              bool(found) != (path == "pending"), found)


# ---- what is demanded ---------------------------------------------------------------------------

def changed(entry, old, new):
    assert old in entry, (old, entry)
    return entry.replace(old, new, 1)


def base():
    """0 epoch, 1 start, 2 load, 3 scan, 4 5 6 files, 7 stop, 8 epoch, 9 start, 10 stop, 11 pulse"""
    journal = Journal("base")
    journal.start()
    journal.load(starter="built-in")
    journal.scan("/a", "/b")
    for _ in range(3):
        journal.files(2)
    journal.stop()
    journal.epoch()
    journal.start()
    journal.stop()
    return with_entries(journal, 1)


def edit(change):
    """A journal whose owner lies: changed first, then sealed with the newest key."""
    def make():
        journal = base()
        change(journal)
        journal.seal()
        return journal
    return make


def swap(entries, a, b):
    entries[a], entries[b] = entries[b], entries[a]


def replace(entries, at, old, new):
    entries[at] = changed(entries[at], old.encode(), new.encode())


def set_clock(journal, seconds):
    journal.time_ns += int(seconds * foreign.SECOND)
    journal.add("heartbeat", "runs 0")


def set_mono(journal):
    journal.mono_ns -= 10**9
    journal.add("heartbeat", "runs 0")


def leap(journal, seconds):
    journal.start()
    journal.time_ns += int(seconds * foreign.SECOND)
    journal.stop()


def gap(journal, seconds):
    journal.start()
    journal.wait(seconds)
    journal.stop()


def crash(journal, is_told, has_next):
    journal.start()
    if is_told:
        journal.add("crash", "role overt", "file -", "why cut-off")
    journal.run = "-"
    if has_next:
        journal.start()
        journal.stop()


def another_crash(journal):
    journal.start()
    journal.add("crash", "role worker", "file -", "why killed")
    journal.run = "-"


def again(journal):
    run, journal.runs = journal.runs, 0
    journal.start()
    journal.runs = run
    journal.stop()


def renamed(journal):
    other = Journal("another")
    replace(journal.entries, 8, journal.vkey(1), other.vkey(0))


def same_key(journal):
    old = journal.vkey(0)
    replace(journal.entries, 8, journal.vkey(1), old)


LIES = [  # what, the entry that is told, a word of the reason, change
    ("two entries in another order", 4, "seq is 5", lambda j: swap(j.entries, 4, 5)),
    ("an entry left out", 5, "seq is 6", lambda j: j.entries.pop(5)),
    ("an entry twice", 6, "seq is 5", lambda j: j.entries.insert(5, j.entries[5])),
    ("the first entry is left out", 0, "seq is 1", lambda j: j.entries.pop(0)),
    ("another type", 4, "type", lambda j: replace(j.entries, 4, "files", "filez")),
    ("another version", 4, "head", lambda j: replace(j.entries, 4, "/v1", "/v2")),
    ("a byte behind the last line", 4, "lines",
     lambda j: j.entries.__setitem__(4, j.entries[4] + b"x")),
    ("no last line feed", 4, "lines", lambda j: j.entries.__setitem__(4, j.entries[4][:-1])),
    ("a line more", 4, "lines", lambda j: j.entries.__setitem__(4, j.entries[4] + b"note x\n")),
    ("an entry of nothing", 4, "head", lambda j: j.entries.__setitem__(4, b"")),
    ("a zero before seq", 4, "head", lambda j: replace(j.entries, 4, "seq 4", "seq 04")),
    ("eight digits behind the point", 4, "head", lambda j: replace(j.entries, 4, "0\nm", "\nm")),
    ("two lines that are one", 4, "head", lambda j: j.entries.__setitem__(
        4, j.entries[4].replace(b"\ncount", b"", 1))),
    ("a count that is not so", 4, "has 2", lambda j: replace(j.entries, 4, "count 2", "count 3")),
    ("another count of paths", 3, "has 2", lambda j: replace(j.entries, 3, "paths 2", "paths 1")),
    ("found before any file", 4, "lines",
     lambda j: replace(j.entries, 4, "count 2\n", "count 2\nfound a b - -\n")),
    ("another verdict", 4, "lines", lambda j: replace(j.entries, 4, "clean", "fine")),
    ("base64 with a bit too many", 4, "lines", lambda j: j.entries.__setitem__(
        4, b"= ".join([j.entries[4].split(b"= ")[0][:-1] + b"B"] + j.entries[4].split(b"= ")[1:]))),
    ("a text with a blank", 2, "lines", lambda j: replace(j.entries, 2, "starter", "star ter")),
    ("a text with what needs no escape", 2, "lines",
     lambda j: replace(j.entries, 2, "starter", "%41starter")),
    ("a text with lower-case digits", 2, "lines",
     lambda j: replace(j.entries, 2, "starter", "%c3starter")),
    ("a clock set back by a day", 12, "entry 11 has", lambda j: set_clock(j, -86400)),
    ("a clock set back by three seconds", 12, "set back by 2.999", lambda j: set_clock(j, -3)),
    ("a clock that creeps back", 13, "entry 11 has",
     lambda j: (set_clock(j, -1.5), set_clock(j, -1.5))),
    ("a clock set forward by a day and more, in a run", 13, "set forward by 8640",
     lambda j: leap(j, 86401)),
    ("mono falls", 12, "entry 11", set_mono),
    ("a gap in a run", 13, "gap of 661 s after entry 12", lambda j: gap(j, 661)),
    ("a run without start", 2, "does not begin",
     lambda j: replace(j.entries, 1, j.entries[1].split(b"run ")[1][:32].decode(), "0" * 32)),
    ("a run without stop at the end", 12, "without stop", lambda j: crash(j, False, False)),
    ("a run without stop, then another", 12, "without stop", lambda j: crash(j, False, True)),
    ("a crash of a worker, which ends no run", 12, "without stop", another_crash),
    ("an entry after stop", 12, "is over",
     lambda j: j.add("refuse", "set a", "why b", run=j.entries[1].split(b"run ")[1][:32].decode())),
    ("more sent than its entries say", 10, "not the sum",
     lambda j: replace(j.entries, 10, "sent 0", "sent 7")),
    ("a run that begins again", 12, "began before|is over", again),
    ("files of no run", 4, "no run", lambda j: j.entries.__setitem__(4, j.entries[4].replace(
        b"run " + j.entries[4].split(b"run ")[1][:32], b"run -"))),
    ("a recover from what is to come", 12, "yet to come",
     lambda j: j.add("recover", "lost 0", "from 13")),
    ("an epoch is skipped", 8, "epoch 2, where epoch 1",
     lambda j: replace(j.entries, 8, "number 1", "number 2")),
    ("an epoch twice", 8, "epoch 0, where epoch 1",
     lambda j: replace(j.entries, 8, "number 1", "number 0")),
    ("an epoch with a key by another name", 8, "another log", renamed),
    ("an epoch with the key before it", 8, "earlier epoch", same_key),
    ("an epoch that follows another history", 8, "entries before it are not",
     lambda j: replace(j.entries, 2, "built-in", "unlogged")),
    ("an epoch with a root that it was not given", 8, "not signed by",
     lambda j: replace(j.entries, 8, "root " + foreign.b64(foreign.root_of(
         [foreign.leaf_hash(e) for e in j.entries[:8]])), "root " + foreign.b64(bytes(32)))),
    ("an epoch with a key that is none", 8, "id",
     lambda j: replace(j.entries, 8, j.vkey(1).split("+")[1], "00000000")),
]


def test_lies():
    for name, entry, why, change in LIES:
        journal = edit(change)()
        found = verify(folder_of(journal), journal.vkey(0).encode())
        check(f"told: {name}, entry {entry}", any(
            where == entry and any(word in text for word in why.split("|"))
            for where, text in found[:3]), found[:4])
    found = verify(folder_of(edit(lambda j: None)()))
    check("the same journal without a lie", not found, found)


def test_crash_is_allowed():
    for has_next in (False, True):
        found = verify(folder_of(edit(functools.partial(crash, is_told=True,
                                                        has_next=has_next))()))
        check(f"a crash that is told, {'then a run' if has_next else 'the end'}", not found,
              found)

    def late(journal):
        journal.start()
        journal.wait(5000)
        for run in (journal.run, journal.run, "0" * 32):
            journal.add("crash", "role overt", "file -", "why cut-off", run=run)
        journal.run = "-"
    found = verify(folder_of(edit(late)()))
    check("a crash that is told late, twice, and of a run that wrote nothing", not found, found)


def told(name, found, why, entry=None):
    check(f"told: {name}", any(where == entry and why in text for where, text in found), found[:4])


def test_signers():
    journal = base()
    journal.seal(key=0)
    told("a checkpoint of the epoch before", verify(folder_of(journal)),
         "checkpoint: not signed by a key of this journal, or by an older one")
    journal = base()
    note = journal.seal()
    replace(journal.entries, 11, "runs 0", "runs 7")
    journal.seal()
    journal.seals[-1] = journal.seals[-1][:2] + (note,)
    told("entries and all tiles changed, under a true checkpoint", verify(folder_of(journal)),
         "its root is not that of the entries")
    journal = base()
    note = journal.seal()
    stranger = Journal("a stranger")
    stranger.name, stranger.entries = journal.name, journal.entries
    journal.seals[-1] = journal.seals[-1][:2] + (stranger.seal(),)
    told("a checkpoint of a stranger's key", verify(folder_of(journal)), "not signed")
    other = base()
    other.add("heartbeat", "runs 0")
    text, _, line = note.rpartition(b"\n\n")
    false = other.seal().rpartition(b"\n\n")[2]
    journal.seals[-1] = journal.seals[-1][:2] + (text + b"\n\n" + false,)
    told("a signature of another checkpoint", verify(folder_of(journal)), "not signed")
    journal.seals[-1] = journal.seals[-1][:2] + (text + b"\n\n" + line + false,)
    found = verify(folder_of(journal))
    check("of two lines by one key the first counts", not found, found)
    journal.seals[-1] = journal.seals[-1][:2] + (
        note + ed25519.signature_line("w.example", 4, foreign.sha256(b"w"), text + b"\n", 99),)
    found = verify(folder_of(journal))
    check("a witness's line stands beside it", not found, found)
    journal = base()
    journal.seal()
    told("another first key is known", verify(folder_of(journal), stranger.vkey(0).encode()),
         "not the key that is known", 0)
    files = journal.folder_files()
    files["journal.vkey"] = (stranger.vkey(0) + "\n").encode()
    told("another first key in the folder", verify(write("journal", files)), "not the key", 0)
    empty = Journal("empty")
    empty.entries.clear()
    empty.seal()
    told("a true checkpoint of no entries", verify(folder_of(empty)), "there are no entries")
    journal.entries.insert(0, journal.entries[1])
    journal.seal()
    told("all tiles and the root are right, the order is not", verify(folder_of(journal)), "seq", 0)


def test_notes():
    """Checkpoints that are signed and have not the form of log.md."""
    journal = plain(3)
    size, tiles, note = journal.seals[-1]
    text, _, line = note.rpartition(b"\n\n")
    text += b"\n"

    def signed(changed_text):
        return changed_text + b"\n" + ed25519.signature_line(
            journal.name, ed25519.NOTE, journal.seeds[0], changed_text, 0)
    blob = line.split(b" ")[2].rstrip(b"=\n")
    twin = blob[:-1] + bytes([blob[-1] + 1]) + b"=\n"
    for name, bad in (
            ("a line more, signed", signed(text + b"more\n")),
            ("a blank line more, signed", signed(text + b"\n")),
            ("a zero before the size, signed", signed(text.replace(b"\n3\n", b"\n03\n"))),
            ("another name, signed", signed(b"overt-journal/1\n" + text.partition(b"\n")[2])),
            ("no line feed at the end", note[:-1]), ("a blank line at the end", note + b"\n"),
            ("carriage returns", note.replace(b"\n", b"\r\n")), ("no signature", text + b"\n"),
            ("base64 with other last bits", text + b"\n" + line.rpartition(b" ")[0] + b" " + twin),
            ("base64 without padding", text + b"\n" + line.replace(b"=", b"")),
            ("101 signatures", note + line * 100), ("a hyphen", note.replace("—".encode(), b"-")),
            ("not UTF-8", note.replace("—".encode(), "—".encode()[:2])), ("nothing", b"")):
        journal.seals[-1] = size, tiles, bad
        found = verify(folder_of(journal))
        check(f"a checkpoint that is none: {name}", any("checkpoint: " in why for _, why in found),
              found)
    journal.seals[-1] = size, tiles, note + line * 99
    check("100 signatures", not (found := verify(folder_of(journal))), found)


def test_kept():
    journal = base()
    kept = [journal.seal(size=n, key=0 if n <= 8 else -1) for n in (1, 4, 8, 9, 12)]
    for note in kept:
        found = verify(folder_of(journal), kept=note)
        check(f"a checkpoint of {note.splitlines()[1].decode()} entries was kept", not found, found)
    newer = with_entries(base(), 3).seal()
    told("rollback to an older copy", verify("journal", kept=newer), "rollback: 15 entries")
    other = edit(lambda j: replace(j.entries, 2, "built-in", "unlogged"))()
    told("a fork of the same size", verify("journal", kept=other.seals[-1][2]), "against: its root is not")
    told("a fork of fewer entries", verify("journal", kept=other.seal(size=5, key=0)),
         "against: its root is not")
    strange = Journal("strange")
    told("a checkpoint of another journal", verify("journal", kept=strange.seal()), "another log")
    strange.name, strange.entries = journal.name, journal.entries
    told("a kept checkpoint that nobody signed", verify("journal", kept=strange.seal(size=4)),
         "against: not signed by a key")


def test_stranger():
    """Who knows no secret key at all: the first epoch's public key, then one of his own."""
    true, stranger = foreign.small(), Journal("stranger", first_epoch=False)
    stranger.name = true.name
    stranger.entries.append(true.entries[0])
    stranger.number = 0
    stranger.seeds.append(foreign.sha256(b"his own"))
    stranger.epoch()
    stranger.seal()
    files = {**stranger.folder_files(), "journal.vkey": true.vkey(0).encode() + b"\n"}
    shutil.rmtree("journal", ignore_errors=True)
    found = verify(write("journal", files), true.vkey(0).encode())
    told("a stranger's journal", found, "not signed by the key of the epoch before", 1)


def test_pending():
    journal = foreign.small()
    files = journal.folder_files()
    size = journal.seals[-1][0]
    frames = list(map(frame, journal.entries[size:]))

    def pending(data):
        return verify(write("journal", {**files, "pending": data}))
    shutil.rmtree("journal", ignore_errors=True)
    told("half a frame at the end", pending(b"".join(frames) + frames[1][:50]), "cut short",
         size + 4)
    told("zeros behind the last frame", pending(b"".join(frames) + bytes(6)), "head", size + 4)
    for at in (0, 2, 6, 100):
        bad = bytearray(frames[1])
        bad[at] ^= 0x80
        told(f"byte {at} of a frame in the middle",
             pending(frames[0] + bytes(bad) + frames[2] + frames[3]), "damaged", size + 1)
    told("a frame left out", pending(frames[0] + frames[2] + frames[3]), "seq", size + 1)
    told("frames in another order", pending(frames[1] + frames[0] + b"".join(frames[2:])), "seq",
         size)
    told("a frame twice", pending(frames[0] + b"".join(frames)), "seq", size + 1)
    sealed = frame(changed(journal.entries[size - 1], b"exit 0", b"exit 9"))
    told("an entry of the tiles, changed", pending(sealed + b"".join(frames)), "otherwise in the tiles", size - 1)
    told("an entry of the tiles behind newer ones", pending(
        b"".join(frames) + frame(journal.entries[size - 1])), "seq", size + 4)


def test_signatures():
    """Wycheproof's verdicts; and of the edge cases that programs disagree on, the strict ones."""
    rows = [line.split("\t") for line in
            (HERE / "ledger/ed25519_wycheproof.tsv").read_text().splitlines() if line[0] != "#"]
    wrong = [row for row in rows if verifier.is_signed(*[
        bytes.fromhex(row[i].replace("-", "")) for i in (1, 3, 2)]) != (row[0] == "valid")]
    check(f"Ed25519: Wycheproof's verdicts on {len(rows)} signatures", rows and not wrong,
          wrong[:2])
    seed, start = foreign.sha256(b"r is 0"), ed25519.encode((0, 1, 1, 0))
    public, scalar = ed25519.public_key(seed), ed25519.expand(seed)[0]
    number = ed25519.hash_mod(start, public, b"text") * scalar % ed25519.L
    signature = start + number.to_bytes(32, "little")
    check("Ed25519: an R of low order is refused, though it is true to RFC 8032's letter",
          ed25519.verify(public, b"text", signature) and
          not verifier.is_signed(public, b"text", signature))
    parts = {"point": [], "scalar": [], "message": [], "case": []}
    for line in (HERE / "ledger/ed25519_cctv.tsv").read_text().splitlines():
        if line[0] != "#":
            kind, *rest = line.split("\t")
            parts[kind].append(rest)
    accepted = 0
    for key, start, scalar, text in ([int(n) for n in row] for row in parts["case"]):
        public = bytes.fromhex(parts["point"][key][0])
        signature = bytes.fromhex(parts["point"][start][0] + parts["scalar"][scalar][0])
        vkey = ed25519.vkey("a", ed25519.NOTE, public).encode()
        try:
            verifier.key_from(vkey)
        except ValueError:
            continue
        accepted += verifier.is_signed(public, parts["message"][text][0].encode(), signature)
    print(f"# CCTV: {accepted} of {len(parts['case'])} edge cases by keys that can be loaded")
    check("Ed25519: of CCTV's edge cases, few are accepted", accepted <= 43, accepted)


# ---- the program --------------------------------------------------------------------------------

def test_program():
    journal = foreign.small()
    folder = folder_of(journal)
    pathlib.Path("vkey").write_text(journal.vkey(0) + "\n")
    pathlib.Path("kept").write_bytes(journal.seals[0][2])
    code, out, _ = run("--key", "vkey", "--against", "kept", folder)
    told = json.loads(out)
    check("program: 0 and all that is demanded holds", code == 0 and told["result"] == "holds" and
          ["who wrote" in one for one in told["not shown"]] == [True], out)
    code, out, _ = run("--list", folder)
    told = json.loads(out)
    check("program: --list", code == 0 and told["result"] == "holds" and
          len(told["entries"]) == len(journal.entries) == told["sealed"] + told["pending"] and
          told["entries"][8] == journal.entries[8].decode().splitlines() and
          told["entries"][8][0] == "overt-journal/v1 heartbeat", out)
    path = folder / "tile/entries/000.p/21"
    path.write_bytes(path.read_bytes().replace(b"runs 1", b"runs \x1b", 1))
    code, out, _ = run("--list", folder)
    told = json.loads(out)
    check("program: 1 and the entry that is wrong, its bytes escaped", code == 1 and
          told["result"] == "does not hold" and told["why"].startswith("entry 8: not of the form")
          and len(told["entries"]) == 9 and "\x1b" not in out, out)
    for name, words in (("no folder", ["nowhere"]), ("no --key", ["--key", "nowhere", folder]),
                        ("a --key that is none", ["--key", "kept", folder]),
                        ("an --against that is none", ["--against", "vkey", folder])):
        code, out, err = run(*words)
        check(f"program: 2 and why: {name}", code == 2 and not out and err.count("\n") == 1,
              out + err)
    path.unlink()
    path.mkdir()
    code, out, err = run(folder)
    check("program: 2 for a folder where a file should be", code == 2, out + err)
    path.rmdir()
    os.mkfifo(path)
    code, out, err = run(folder)
    check("program: 2 for a pipe that nobody writes", code == 2, out + err)


def test_speed():
    journal = Journal("speed")
    journal.start()
    journal.scan("/home")
    blocks = []
    for _ in range(40):
        blocks.append([line for i in range(SPEED_LINES) for line in journal.file_lines(f"/{i}")])
    for number in range(SPEED_FILES):
        journal.add("files", f"count {SPEED_LINES}", *blocks[number % 40])
    journal.stop()
    journal.seal()
    folder = folder_of(journal)
    begin = time.monotonic()
    code, out, err = run(folder)
    took = time.monotonic() - begin
    print(f"# {SPEED_FILES * SPEED_LINES} records, {sum(map(len, journal.entries)) >> 20} MiB, in "
          f"{took:.1f} s")
    check(f"a million records in less than {SPEED_MAX_S} s", code == 0 and took < SPEED_MAX_S and
          f'"files": {SPEED_FILES}' in out, out + err)
    shutil.rmtree("journal")


def main():
    audit, why = ovcheck.find()
    if not audit:
        print(f"# not held against ovcheck: {why}")
    test_signatures()
    test_good(audit)
    test_crashed()
    test_lies()
    test_crash_is_allowed()
    test_signers()
    test_notes()
    test_kept()
    test_stranger()
    test_pending()
    test_flips()
    test_forged_frames()
    test_cuts()
    test_program()
    test_speed()
    return end()


if __name__ == "__main__":
    sys.exit(main())
