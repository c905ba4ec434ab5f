#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""What becomes of old entries: superseded tiles and `overt journal prune`; and that both verifiers know
what was removed. TAP."""
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/journal"))
from journals import (  # noqa: E402  pylint: disable=wrong-import-position
    BUILD, HERE, OVERT, SOURCE, Journal, Skip, build_library, copy, environment, frame, image, journal, main, parse,
    read_checkpoint, root_of, scan, tile_name, tree, verify)
from publishing import ovcheck  # noqa: E402  pylint: disable=wrong-import-position

STEPS_MAX = 200
KILLED = -signal.SIGKILL


def tiles(state="state"):
    """The files below tile/."""
    place = pathlib.Path(state) / "journal/tile"
    return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}


def due_tiles(size):
    """What a checkpoint of this size needs."""
    due = {f"entries/{tile_name(number, min(256, size - 256 * number))}" for number in range((size + 255) // 256)}
    level, count = 0, size
    while count:
        due |= {f"{level}/{tile_name(number, min(256, count - 256 * number))}"
                for number in range((count + 255) // 256)}
        level, count = level + 1, count >> 8
    return due


def size_of(state="state"):
    return int(Journal(state).read("checkpoint").split(b"\n")[1])


def independent(*words, state="state"):
    """tools/verify-journal: (exit code, what it says)."""
    done = subprocess.run(["/usr/bin/python3", SOURCE / "tools/verify-journal", *words, f"{state}/journal"],
                          capture_output=True, check=False, timeout=240)
    if done.returncode == 2 and b"python3-nacl" in done.stderr:
        raise Skip("python3-nacl is not there")
    return done.returncode, (done.stdout + done.stderr).decode()


def prune(*words, state="state", program=OVERT, **env):
    return journal("prune", *words, state=state, program=program, env=env)


# ---- tiles of earlier checkpoints ---------------------------------------------------------------

def superseded_tiles_go():
    tree("t", 2)
    for _ in range(80):  # over the end of the first tile, and on
        assert scan("t").returncode == 0
        size = size_of()
        assert tiles() == due_tiles(size), (size, tiles() ^ due_tiles(size))
    assert size > 256 + 80, size
    assert not (Journal().path / "tile/0/000.p").exists()
    assert verify()[0] == 0 and independent()[0] == 0


def what_a_crash_left_goes_with_its_tile():
    tree("t", 2)
    scan("t")
    place = Journal().path / "tile/entries/000.p"
    for name in ("3", "5.new"):
        (place / name).write_bytes(b"left")
    while size_of() < 256:
        assert scan("t").returncode == 0
    assert tiles() == due_tiles(size_of()), tiles()


def others_audit_it():
    program, why = ovcheck.find()
    if program is None:
        raise Skip(why)
    tree("t", 2)
    for count in range(60):
        scan("t")
        if count % 20 == 19:
            done = subprocess.run([program, "audit", "state/journal/log.policy", "state/journal"],
                                  capture_output=True, check=False, timeout=60)
            assert done.returncode == 0, done


# ---- prune --------------------------------------------------------------------------------------

def old_journal():
    """Entries of 400 days ago, over three bundles, and of today: the first key's and today's epochs are in
    the first bundle and the last. A clock that was wrong made them, so they are of another boot."""
    place = HERE / "old_journal"
    if not place.exists():
        place.mkdir()
        here = os.getcwd()
        os.chdir(place)
        tree("t", 3)
        env = {"LD_PRELOAD": build_library("tests/journal/clock.c", "clock.so"),
               "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        for _ in range(110):
            done = scan("t", env={**env, "WRONG_CLOCK": str(-400 * 86400)})
            assert done.returncode == 0, done
        pathlib.Path("kept").write_bytes(Journal().read("checkpoint"))
        assert scan("t").returncode == 0
        os.chdir(here)
    shutil.copytree(place / "state", "state")
    shutil.copy(place / "kept", "kept")
    tree("t", 3)
    return size_of()


def leaves():
    """All leaf hashes, those of removed entries from the tiles."""
    found = []
    for number in range((size_of() + 255) // 256):
        width = min(256, size_of() - 256 * number)
        data = Journal().read("tile/0/" + tile_name(number, width))
        found += [data[at:at + 32] for at in range(0, 32 * width, 32)]
    return found


def check_pruned(removed):
    """The tree is the one that was signed, the bundles are gone, and both verifiers say that all holds."""
    own = Journal()
    there = {name for name in tiles() if name.startswith("entries/")}
    assert {f"entries/{number:03}" for number in removed}.isdisjoint(there), there
    keys = [dict(parse(entry).body)["key"] for entry in own.sealed_of(set(removed)) if b"v1 epoch" in entry[:30]]
    size, root = read_checkpoint(own.read("checkpoint"), keys[-1])
    assert size == size_of() and root == root_of(leaves())
    key = own.read("journal.vkey").decode().strip()
    code, lines = verify("--key", key, "--against", "kept")
    assert code == 0 and f", {256 * len(removed)} removed)" in lines[-1], lines
    code, said = independent("--key", key, "--against", "kept")
    assert code == 0, said


def sealed_of(self, removed):
    """As Journal.sealed, without these bundles."""
    found = []
    for number in range((size_of() + 255) // 256):
        if number in removed:
            continue
        data = self.read("tile/entries/" + tile_name(number, min(256, size_of() - 256 * number)))
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(data[2:2 + length])
            data = data[2 + length:]
    return found


Journal.sealed_of = sealed_of


def old_entries_are_removed():
    size = old_journal()
    assert size > 800 and size // 256 == 3, size
    before, leaf_hashes, names = tiles(), leaves(), Journal().names()
    done = prune("--older-than", "30")
    assert done.returncode == 0 and b"512 entries would be removed" in done.stdout, done
    assert tiles() == before and size_of() == size  # that was a question
    done = prune("--older-than", "30", "--yes")
    assert done.returncode == 0 and b"512 entries removed" in done.stdout, done
    check_pruned({1, 2})  # the first has the first key
    assert leaves()[:size - size % 256] == leaf_hashes[:size - size % 256]
    entries = [parse(entry) for entry in Journal().sealed_of({1, 2})]
    run = [entry for entry in entries if entry.run == entries[-1].run and entry.type != "role"]
    assert [entry.type for entry in run] == ["start", "removed", "stop"], run
    assert dict(run[0].body)["command"] == "journal-prune" and dict(run[2].body)["exit"] == "0"
    assert run[1].body == [("from", "256"), ("to", "768")], run[1]
    # Names of what is left alone.
    spoken = {value.split()[0] for entry in entries for key, value in entry.body if key in ("file", "path")}
    left = Journal().names()
    assert set(left) == spoken and set(left) < set(names) and b"t" in left.values()
    assert all(names[commitment] == path for commitment, path in left.items())
    listed = journal("list")
    assert listed.returncode == 0 and b"some entries are no longer here" in listed.stderr, listed.stderr
    assert len(listed.stdout.splitlines()) == len(entries)
    # It goes on, and there is nothing more to do.
    assert scan("t").returncode == 0 and verify()[0] == 0
    done = prune("--older-than", "30", "--yes")
    assert done.returncode == 0 and b"removed" in done.stdout and b"entries" not in done.stdout, done
    assert Journal().names().keys() >= spoken


def nothing_is_old_enough():
    size = old_journal()
    before = tiles()
    done = prune("--older-than", "500", "--yes")
    assert done.returncode == 0, done
    assert {name for name in before if ".p/" not in name} <= tiles() and size_of() > size
    assert "removed" not in [entry.type for entry in Journal().entries()]


def a_bundle_that_nobody_removed():
    old_journal()
    (Journal().path / "tile/entries/001").unlink()
    code, lines = verify()
    assert code == 1 and lines[0].startswith("entry 256: entries from here on are missing"), lines
    code, said = independent()
    assert code == 1 and "tile/entries/001 is missing" in said, said
    done = prune("--older-than", "30", "--yes")  # who removed it does not get a receipt for it
    assert done.returncode == 1 and b"nothing is removed" in done.stderr, done
    assert verify()[0] == 1


def more_is_gone_than_was_removed():
    old_journal()
    assert prune("--older-than", "30", "--yes").returncode == 0
    saved = copy("state", "saved")
    for name, word in (("tile/entries/000", "entry 0"), ("tile/0/001", "tile/0/001"), ("tile/entries/003", "")):
        path = Journal().path / name
        if not path.exists():
            continue
        path.unlink()
        code, lines = verify()
        assert code == 1 and any(word in line for line in lines), (name, lines)
        assert independent()[0] == 1, name
        shutil.rmtree("state")
        shutil.copytree(saved, "state")


def a_hash_of_a_removed_entry_is_flipped():
    old_journal()
    assert prune("--older-than", "30", "--yes").returncode == 0
    path = Journal().path / "tile/0/001"
    data = path.read_bytes()
    for at in range(0, len(data), 97):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        assert verify()[0] == 1, at
    assert independent()[0] == 1
    path.write_bytes(data)
    assert verify()[0] == 0


def a_receipt_that_is_not_sealed():
    """Only a sealed entry counts: who can write `pending` cannot have removed anything."""
    old_journal()
    assert prune("--older-than", "30", "--yes").returncode == 0
    last = parse(Journal().sealed_of({1, 2})[-1])
    (Journal().path / "tile/entries/000").rename("away")
    body = (f"overt-journal/v1 removed\nseq {last.seq + 1}\ntime {last.time // 10**9}.{last.time % 10**9:09}\n"
            f"mono {last.boot} {last.mono}\nrun -\nfrom 0\nto 256\n")
    (Journal().path / "pending").write_bytes(frame(body.encode()))
    assert verify()[0] == 1 and independent()[0] == 1


def evidence_of_what_was_removed():
    size = old_journal()
    assert prune("--older-than", "30", "--yes").returncode == 0
    export = [OVERT, "evidence", "export", "-o", "file", "--range"]
    done = subprocess.run([*export, f"300-{size - 1}"], capture_output=True, check=False, timeout=60,
                          env=environment("state"))
    assert done.returncode == 2 and b"entries of that range were removed" in done.stderr, done
    done = subprocess.run([*export, f"768-{size - 1}"], capture_output=True, check=False, timeout=60,
                          env=environment("state"))
    assert done.returncode == 0, done


def a_scan_is_under_way():
    """Its paths are still being added to: they stay, and that is said."""
    old_journal()
    size = (Journal().path / "names").stat().st_size
    with open(Journal().path / "names", "ab") as names:
        fcntl.flock(names, fcntl.LOCK_SH)
        done = prune("--older-than", "30", "--yes")
    assert done.returncode == 2 and b"a scan is under way" in done.stderr, done
    assert (Journal().path / "names").stat().st_size == size
    check_pruned({1, 2})
    assert prune("--older-than", "30", "--yes").returncode == 0
    assert (Journal().path / "names").stat().st_size < size


def a_real_scan_is_under_way():
    """One that lasts keeps its own paths, and its run is no reason not to prune."""
    old_journal()
    pathlib.Path("t/f0001").write_bytes(b"OVERT-TEST wait\n" + b"." * 300_000)
    with subprocess.Popen([OVERT, "scan", "--rules", image(), "t"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=environment("state")) as process:
        count = size_of()
        while b"v1 scan\n" not in Journal().read("pending"):
            assert process.poll() is None, count
        done = prune("--older-than", "30", "--yes")
        assert process.poll() is None
        assert done.returncode == 2 and b"a scan is under way" in done.stderr, done
        assert process.wait(timeout=60) == 0
    assert verify()[0] == 0 and independent()[0] == 0
    told = [entry for entry in Journal().sealed_of({1, 2}) if b"v1 files\n" in entry[:30]]
    commitments = {value.split()[0] for key, value in parse(told[-1]).body if key == "file"}
    assert commitments <= set(Journal().names())


def what_cannot_be_asked():
    tree("t", 1)
    scan("t")
    for words in ((), ("--older-than",), ("--older-than", "x"), ("--older-than", "-1"), ("--yes",),
                  ("--older-than", "1", "more"), ("--nonsense",), ("--older-than", "99999")):
        done = prune(*words)
        assert done.returncode == 2 and done.stderr.startswith(b"overt: "), (words, done)
    assert b"--older-than" in prune("--help").stdout
    assert prune("--older-than", "1", state="nowhere").returncode == 2


def each_step():
    """Ended at each step: what is there holds, what is gone was written down, and the next one finishes."""
    program = BUILD / "tests/faulty/overt"
    if not program.exists():
        raise Skip("tests/faulty is not built")
    size, hits = old_journal(), 0
    copy("state", "whole")
    seen = set()
    for step in range(1, STEPS_MAX):
        shutil.rmtree("state")
        shutil.copytree("whole", "state")
        done = prune("--older-than", "30", "--yes", program=program, OVERT_FAULT=str(step))
        is_hit = done.returncode == KILLED or b"journal" in done.stderr
        hits += is_hit
        assert done.returncode in (0, 2, KILLED), (step, done)
        code, lines = verify("--against", "kept")
        assert code == 0 or all("a run that does not end" in line or "ends in what is no entry" in line
                                for line in lines[:-1]), (step, lines)
        gone = sum(f"entries/{number:03}" not in tiles() for number in (1, 2))
        seen.add(gone)
        done = prune("--older-than", "30", "--yes")
        assert done.returncode == 0, (step, done)
        check_pruned({1, 2})
        spoken = {value.split()[0] for entry in map(parse, Journal().sealed_of({1, 2}))
                  for key, value in entry.body if key in ("file", "path")} - {"-"}
        assert set(Journal().names()) == spoken, step
        if step >= hits + 3:
            break
    print(f"# {hits} steps; bundles gone after them: {sorted(seen)}")
    assert hits > 20 and size_of() > size and {0, 2} <= seen, (hits, seen)


def ended_between_two_bundles():
    """The keeper takes as many steps as its broker, so each_step does not end the one amid the others."""
    old_journal()
    bundles = {number: (Journal().path / f"tile/entries/{number:03}").read_bytes() for number in (1, 2)}
    names = Journal().read("names")
    assert prune("--older-than", "30", "--yes").returncode == 0
    copy("state", "done")
    for number, bundle in bundles.items():
        shutil.rmtree("state")
        shutil.copytree("done", "state")
        (Journal().path / f"tile/entries/{number:03}").write_bytes(bundle)
        (Journal().path / "names").write_bytes(names)
        assert verify("--against", "kept")[0] == 0 and independent("--against", "kept")[0] == 0
        assert prune("--older-than", "30", "--yes").returncode == 0
        check_pruned({1, 2})
        assert len(Journal().read("names")) < len(names)


if __name__ == "__main__":
    main([superseded_tiles_go, what_a_crash_left_goes_with_its_tile, others_audit_it, old_entries_are_removed,
          nothing_is_old_enough, a_bundle_that_nobody_removed, more_is_gone_than_was_removed,
          a_hash_of_a_removed_entry_is_flipped, a_receipt_that_is_not_sealed, evidence_of_what_was_removed,
          a_scan_is_under_way, a_real_scan_is_under_way, what_cannot_be_asked, each_step,
          ended_between_two_bundles])
