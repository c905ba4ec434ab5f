#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""The journal that `overt scan` writes: its entries, several scans at once, and that nothing of it
can be changed unseen. Each fifth byte is flipped and each fifth length tried here, with OVERT_LONG=1
all of them; each byte is flipped for tools/verify-journal in journal_both_test.py. TAP."""
import fcntl
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/journal"))
from journals import (  # noqa: E402  pylint: disable=wrong-import-position
    HERE, OVERT, RULES, SOURCE, Journal, Skip, build_library, copy, environment, frame, image,
    in_mount_namespace, journal, main, printed_verdicts, read_frames, scan, tree, verify)

CUT_OFF = "a run that does not end"
STEP = 1 if os.environ.get("OVERT_LONG") else 5


def a_scan_is_written_down():
    tree("t", 30, found={3, 4})
    done = scan("--verbose", "t")
    assert done.returncode == 1, done
    own = Journal()
    entries = own.entries()
    assert sum(entry.type in ("role", "gone") for entry in entries) == 3  # journal_acts_test.py
    entries = [entry for entry in entries if entry.type not in ("role", "gone")]
    assert [entry.type for entry in entries] == ["epoch", "start", "load", "scan", "files", "stop"]
    assert entries[0].run == "-" and len({entry.run for entry in entries[1:]}) == 1
    assert own.names()[dict(entries[3].body)["path"]] == b"t"
    assert dict(own.files()) == printed_verdicts(done.stdout) and len(own.files()) == 30
    stop = dict(entries[5].body)
    assert (stop["exit"], stop["files"], stop["found"], stop["sent"]) == ("1", "30", "2", "0")
    found = [value for key, value in entries[4].body if key == "found"]
    assert found == ["Rule-00000.UNOFFICIAL rules.ndb - 3"] * 2, found
    for key, value in entries[4].body:
        if key != "file":
            continue
        commitment, verdict, device, inode, size, mtime, read, _ = value.split()
        path = own.names()[commitment].decode()
        info = os.stat(path)
        assert (info.st_ino, info.st_size, info.st_mtime_ns) == tuple(map(int, (inode, size, mtime)))
        assert int(device) == info.st_dev and int(read) == info.st_size and verdict != "error"
    start = entries[1].body
    programs = {value.split()[0]: value.split()[1] for key, value in start if key == "program"}
    for name, digest in programs.items():
        text = subprocess.run(["sha256sum", HERE / "bin" / name], check=True, capture_output=True)
        assert text.stdout.decode().startswith(digest), name
    assert set(programs) == {"overt", "overt-worker"}
    own.check_root()
    assert verify()[0] == 0
    for name in ("key", "names", "names.key", "pending"):
        assert (own.path / name).stat().st_mode & 0o777 == 0o600, name
    assert b"t/f0003" not in b"".join(own.raw())  # paths stand in `names` alone


def without_a_journal():
    tree("t", 3)
    assert scan("--no-journal", "t").returncode == 0
    assert not pathlib.Path("state/journal").exists()
    assert journal("verify").returncode == 2 and journal("list").returncode == 2


def errors_and_limits_are_written_down():
    folder = tree("t", 2)
    for word in ("error", "limited"):
        (folder / word).write_text(f"OVERT-TEST {word}\n")
    scan("t")
    told = dict(Journal().files())
    assert told[b"t/error"] == "error" and told[b"t/limited"] == "limited", told


def odd_names():
    folder = pathlib.Path("t")
    folder.mkdir()
    odd = [b"new\nline", b"\xff\xfe", b"per%cent", b"sp ace", b"x" * 255]
    for name in odd:
        pathlib.Path(os.fsdecode(b"t/" + name)).write_text("x")
    assert scan("t").returncode == 0
    assert {path for path, _ in Journal().files()} == {b"t/" + name for name in odd}


def many_entries_are_sealed_on_the_way():
    for number in range(4):
        tree(f"t{number}", 300)
    for number in range(70):
        done = scan(f"t{number % 4}")
        assert done.returncode == 0, done
    entries = Journal().entries()
    assert len(entries) > 300 and sum(entry.type == "stop" for entry in entries) == 70
    Journal().check_root()
    code, lines = verify()
    assert code == 0, lines


def several_scans_at_once():
    for number in range(6):
        tree(f"t{number}", 400, found={7})
    running = [subprocess.Popen([OVERT, "scan", "--verbose", "--jobs", "1", "--rules", image(),
                                 f"t{number}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment("state")) for number in range(6)]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 1, err
        assert len(printed_verdicts(out)) == 400
    own = Journal()
    assert len(own.files()) == 2400 and len(set(own.files())) == 2400
    own.check_root()
    code, lines = verify()
    assert code == 0, lines
    runs = {entry.run for entry in own.entries()} - {"-"}
    assert len(runs) == 6
    for run in runs:
        types = [entry.type for entry in own.entries() if entry.run == run]
        assert types[:4] == ["start", "role", "load", "scan"] and types[-1] == "stop", types


def verified_while_others_write():
    """Who verifies takes no lock: a scan that is under way, and seals that come between two looks, are
    no faults."""
    tree("t", 120, found={7})
    scan("t")
    script = f"for i in 1 2 3 4 5 6; do '{OVERT}' scan --quiet --rules '{image()}' t; done"
    running = [subprocess.Popen(["sh", "-c", script], stdout=subprocess.DEVNULL,
                                env=environment("state")) for _ in range(2)]
    sizes = set()
    while any(process.poll() is None for process in running):
        code, lines = verify()
        assert code == 0, lines
        sizes.add(lines[-1].split()[1])
    assert [process.wait() for process in running] == [1, 1] and len(sizes) > 3, sizes
    code, lines = verify()
    assert code == 0 and "13 runs" in lines[-1], lines


def list_and_checkpoint():
    tree("t", 5)
    scan("t")
    lines = journal("list").stdout.decode().splitlines()
    files = [line for line in lines if line.split()[2] == "files"]
    assert len(lines) == 9 and len(files) == 1 and "count 5" in files[0]
    assert len(journal("list", "--type", "stop").stdout.splitlines()) == 1
    note = journal("checkpoint").stdout
    assert note == Journal().read("checkpoint")
    pathlib.Path("kept").write_bytes(note)
    scan("t")
    assert verify("--against", "kept")[0] == 0
    assert journal("verify", "--journal", "state/journal").returncode == 0
    assert journal("nonsense").returncode == 2 and journal("verify", "--x").returncode == 2


# ---- what was changed is found out --------------------------------------------------------------

def small_journal():
    """A journal with entries that are sealed and some that are pending: a scan whose processes were
    all ended; and a checkpoint of it that was kept."""
    tree("t", 3, found={1})
    scan("t")
    pathlib.Path("kept").write_bytes(journal("checkpoint").stdout)
    sealed = copy("state", "sealed")
    scan("t")
    raw = Journal().raw()
    # as it was before it was sealed
    size = int(Journal(sealed).read("checkpoint").split(b"\n")[1])
    (Journal(sealed).path / "pending").write_bytes(b"".join(map(frame, raw[size:])))
    shutil.rmtree("state")
    os.rename("sealed", "state")
    key = Journal().read("journal.vkey").decode().strip()
    code, lines = verify("--key", key, "--against", "kept")
    assert code == 0 and "17 entries (9 sealed)" in lines[-1], lines
    return key


def files_below(folder):
    return sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file())


# Not read by whoever verifies; what a change of each comes to is said here.
OUTSIDE = {
    "epoch": "the keeper's note of the newest epoch; a wrong one makes a gap between epochs",
    "key": "secret: the keeper does not go on with another",
    "lock": "empty",
    "log.policy": "for other programs; the verifier has its own word for the key",
    "names": "shows paths; commitments are what is signed, and no longer open with another path",
    "names.key": "as names",
    "programs": "spares the keeper's next run a digest; who can change it could sign anything",
}


def each_byte_is_flipped():
    key = small_journal()
    outside, tried = {}, 0
    for path in files_below("state/journal"):
        name = str(path.relative_to("state/journal"))
        data = path.read_bytes()
        if name in OUTSIDE:
            outside[name] = len(data)
            continue
        for at in range(0, len(data), STEP):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
            told = key if name != "journal.vkey" else path.read_bytes().decode("latin-1").strip("\n")
            if "\0" in told:
                continue
            code, lines = verify("--key", told)
            tried += 1
            # The last byte of the file is the line's end: the key is the same without it.
            assert code != 0 or (name == "journal.vkey" and told == key), (name, at, lines)
        path.write_bytes(data)
    assert verify("--key", key)[0] == 0 and tried > 3000 // STEP, tried
    print(f"# {tried} bytes were flipped; not read by the verifier:")
    for name, size in outside.items():
        print(f"#   {name} ({size} bytes): {OUTSIDE[name]}")


def each_length_is_tried():
    key = small_journal()
    whole = 0
    for path in files_below("state/journal"):
        name = str(path.relative_to("state/journal"))
        data = path.read_bytes()
        if name in OUTSIDE or name == "journal.vkey":
            continue
        ends = {0}
        if name == "pending":
            for entry in read_frames(data)[0]:
                ends.add(max(ends) + 6 + len(entry))
        for size in range(0, len(data), STEP):
            path.write_bytes(data[:size])
            code, lines = verify("--key", key, "--against", "kept")
            if code == 0:
                assert name == "pending" and size in ends, (name, size, lines)
                whole += 1
        path.write_bytes(data)
    # Without any of what came after the checkpoint there is nothing to miss; after a part of it a
    # run does not end.
    assert whole == 1, whole


def a_missing_file_is_told():
    key = small_journal()
    for path in files_below("state/journal"):
        name = str(path.relative_to("state/journal"))
        if name in OUTSIDE or name in ("journal.vkey", "pending"):
            continue
        path.rename("away")
        assert verify("--key", key)[0] != 0, name
        os.rename("away", path)


def entries_change_places():
    """Who can write files, and compute sums, but has no key."""
    key = small_journal()
    own = Journal()
    pending = own.path / "pending"
    data = pending.read_bytes()
    frames = list(map(frame, read_frames(data)[0]))
    assert len(frames) == 8
    for at in range(7):  # the last alone gone is a run that does not end
        pending.write_bytes(b"".join(frames[:at] + frames[at + 1:]))
        assert verify("--key", key)[0] == 1, at
        swapped = frames[:at] + [frames[at + 1], frames[at]] + frames[at + 2:]
        pending.write_bytes(b"".join(swapped))
        assert verify("--key", key)[0] == 1, at
    for at in range(8):  # twice the same
        pending.write_bytes(b"".join(frames[:at + 1] + frames[at:]))
        assert verify("--key", key)[0] == 1, at
    pending.write_bytes(data)
    bundle = own.path / "tile/entries/000.p/9"
    whole = bundle.read_bytes()
    parts = [struct.pack(">H", len(entry)) + entry for entry in own.sealed()]
    for at in range(8):
        bundle.write_bytes(b"".join(parts[:at] + [parts[at + 1], parts[at]] + parts[at + 2:]))
        assert verify("--key", key)[0] == 1, at
        bundle.write_bytes(b"".join(parts[:at] + parts[at + 1:]))
        assert verify("--key", key)[0] == 1, at
    bundle.write_bytes(whole)
    assert verify("--key", key)[0] == 0


def what_was_answered_is_not_cut_off():
    """A frame that is wrong with sound ones behind it is no crash's: nothing may be thrown away."""
    small_journal()
    pending = Journal().path / "pending"
    data = pending.read_bytes()
    for at in (0, 1, 3, 40):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        pending.write_bytes(changed)
        done = scan("--verbose", "t")
        assert done.returncode == 2 and b"OK" not in done.stdout and b"pending" in done.stderr, done
        assert pending.read_bytes() == changed
    pending.write_bytes(data)
    assert scan("t").returncode == 1 and verify()[0] == 0


def an_older_copy_is_told():
    tree("t", 3)
    scan("t")
    old = copy("state", "old")
    scan("t")
    pathlib.Path("kept").write_bytes(journal("checkpoint").stdout)
    assert verify("--against", "kept")[0] == 0
    code, lines = verify("--against", "kept", state=old)
    assert code == 1 and "rolled back" in lines[0], lines
    scan("t", state=old)  # and goes on from there: as many entries, others
    scan("t", state=old)
    code, lines = verify("--against", "kept", state=old)
    assert code == 1 and "another journal" in lines[0], lines
    key = Journal().read("journal.vkey").decode().strip()
    assert scan("t", state="new").returncode == 0
    assert verify("--key", key, state="new")[0] == 1
    assert verify("--against", "kept", state="new")[0] == 1


def a_cut_off_write_is_recovered():
    small_journal()
    pending = Journal().path / "pending"
    data = pending.read_bytes()
    ends = [0]
    for entry in read_frames(data)[0]:
        ends.append(ends[-1] + 6 + len(entry))
    for cut in (1, 5, 6, 50):
        size = ends[-2] + cut
        pending.write_bytes(data[:size])
        saved = copy("state", "saved")
        (Journal().path / f"run-{Journal().entries()[-1].run}").touch(0o600)  # nobody holds it
        assert scan("t").returncode == 1
        entries = Journal().entries()
        recover = [entry for entry in entries if entry.type == "recover"]
        assert len(recover) == 1 and recover[0].seq == 16, recover
        assert recover[0].body == [("lost", str(cut)), ("from", "16")]
        assert [entry.type for entry in entries].count("crash") == 1
        code, lines = verify("--against", "kept")
        assert code == 0, lines
        shutil.rmtree("state")
        os.rename(saved, "state")


def a_recovery_among_other_runs():
    """One of two scans is ended in the middle of a write; the other goes on and says so."""
    tree("t", 4, found={1})
    scan("t")
    pathlib.Path("t/f0002").write_bytes(b"OVERT-TEST wait\n" + b"." * 300_000)
    with subprocess.Popen([OVERT, "scan", "--rules", image(), "t"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=environment("state")) as process:
        own = Journal()
        while [entry.type for entry in own.entries()][-1] != "scan":
            assert process.poll() is None
        with open(own.path / "lock", "rb") as lock, open(own.path / "pending", "ab") as file:
            fcntl.flock(lock, fcntl.LOCK_EX)  # as who writes has it, and loses it with its life
            file.write(b"\1\0torn")
        process.wait(timeout=60)
    types = [entry.type for entry in own.entries()]
    assert "recover" in types and types[-1] == "stop", types
    code, lines = verify()
    assert code == 0, lines


# ---- when nothing can be written ----------------------------------------------------------------

def a_full_disk():
    in_mount_namespace()
    tree("t", 9000)
    script = ("mkdir -p state && mount -t tmpfs -o size=900k none state && "
              f"'{OVERT}' scan --verbose --rules '{image()}' t; code=$?; "
              "cp -r state left; exit $code")
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, check=False,
                          timeout=120, env=environment(HERE / "a_full_disk/state"))
    told = printed_verdicts(done.stdout)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert b"No space left" in done.stderr, done.stderr
    assert 0 < len(told) < 9000, len(told)
    written = {path for path, _ in Journal("left").files()}
    assert set(told) <= written or None in written, len(written)
    code, lines = verify(state="left")
    assert code == 1 and all(CUT_OFF in line for line in lines[:-1]), lines
    count = sum(1 for _ in Journal("left").files())
    assert count >= len(told), (count, len(told))
    assert scan("t", state="left").returncode == 0  # with room again it goes on
    code, lines = verify(state="left")
    assert code == 0, lines  # that the other was cut off is said
    assert [entry.type for entry in Journal("left").entries()].count("crash") == 1


def a_disk_that_is_full_at_the_end():
    """When the run is sealed, and not before: there is no room for one more file. Its verdicts are on
    disk by then, and are told; that the journal was not closed is told as well."""
    in_mount_namespace()
    tree("clean", 5)
    tree("t", 30, found={3})
    for name, code in (("clean", 2), ("t", 1)):
        run = f"'{OVERT}' scan --rules '{image()}' --json"
        script = (f"mkdir -p state && mount -t tmpfs none state && {run} --quiet clean >first && "
                  "mount -o remount,nr_inodes=$(($(df --output=iused state | tail -1) + 1)) state && "
                  f"{run} {name} >told 2>errors; code=$?; rm -rf left; cp -r state left; exit $code")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, check=False,
                              timeout=120, env=environment(HERE / "a_disk_that_is_full_at_the_end/state"))
        lines = [json.loads(line) for line in pathlib.Path("told").read_text().splitlines()]
        errors = pathlib.Path("errors").read_text()
        assert done.returncode == code, (done, lines[-1:], errors)
        summary, verdicts = lines[-1]["summary"], [line["verdict"] for line in lines[:-1]]
        assert "No space left" in errors and "No space left" in summary["journal"]["error"], errors
        assert summary["errors"] == 1 and verdicts.count("found") == summary["found"] == 2 - code, summary
        assert {"error", "limited"} & set(verdicts) == set(), verdicts
        written = dict(Journal("left").files())
        assert all(written[line["path"].encode()] == line["verdict"] for line in lines[:-1])
        assert verify(state="left")[0] == 0
        assert scan("clean", state="left").returncode == 0
        assert verify(state="left")[0] == 0


def a_disk_for_reading_alone():
    in_mount_namespace()
    tree("t", 3)
    scan("t")
    place = HERE / "a_disk_for_reading_alone/state"
    before = Journal().raw()
    script = (f"mount --bind '{place}' '{place}' && mount -o remount,ro,bind '{place}' && "
              f"'{OVERT}' scan --verbose --rules '{image()}' t")
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, check=False,
                          timeout=60, env=environment(place))
    assert done.returncode == 2 and b"OK" not in done.stdout, done
    assert b"Read-only" in done.stderr and b"--no-journal" in done.stderr, done.stderr
    assert Journal().raw() == before
    script = script.replace(" scan ", " journal verify ").replace("--verbose", "") \
        .replace(f"--rules '{image()}' t", "")
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, check=False,
                          timeout=60, env=environment(place))
    assert done.returncode == 0, done  # who verifies writes nothing


def a_folder_of_another_user():
    if os.geteuid() != 0:
        raise Skip("only root can be another user")
    tree("t", 3)
    pathlib.Path("state").mkdir(mode=0o755)
    user = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"]
    done = scan("--verbose", "t", state=pathlib.Path("state").absolute(), user=user)
    assert done.returncode == 2 and b"OK" not in done.stdout, done
    assert b"ermission denied" in done.stderr and b"--no-journal" in done.stderr, done.stderr


def a_clock_that_is_set_back():
    library = build_library("tests/journal/clock.c", "clock.so")
    tree("t", 3)
    assert scan("t").returncode == 0
    done = scan("--verbose", "t", env={"LD_PRELOAD": library, "WRONG_CLOCK": "-86400",
                                       "ASAN_OPTIONS": "verify_asan_link_order=0"})
    assert done.returncode == 0 and done.stdout.count(b"OK") == 3, done
    findings = [entry for entry in Journal().entries() if entry.type == "finding"]
    assert len(findings) == 1 and "clock" in findings[0].body[0][1], findings
    code, lines = verify()
    assert code == 1 and len(lines) == 2 and "the clock was set back" in lines[0], lines
    assert scan("t").returncode == 0  # and right again
    code, lines = verify()
    assert code == 1 and len(lines) == 2, lines


def a_clock_that_leaps():
    library = build_library("tests/journal/clock.c", "clock.so")
    env = {"LD_PRELOAD": library, "WRONG_CLOCK": "90000", "LEAP_AFTER": "1",
           "ASAN_OPTIONS": "verify_asan_link_order=0"}
    with subprocess.Popen([OVERT, "scan", "--rules", image(), "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=environment("state", **env)) as process:
        time.sleep(4)
        process.stdin.close()
        assert process.wait(120) == 0
    findings = [entry for entry in Journal().entries() if entry.type == "finding"]
    assert [entry.body[0][1] for entry in findings] == ["the%20clock%20was%20set%20forward"], findings
    code, lines = verify()
    assert code == 1 and len(lines) == 2 and "the clock was set forward" in lines[0], lines
    assert f"entry {findings[0].seq}" in lines[0], lines


def a_new_key_each_day():
    library = build_library("tests/journal/clock.c", "clock.so")
    tree("t", 3)
    for day in range(4):
        env = {"LD_PRELOAD": library, "WRONG_CLOCK": str(day * 86500),
               "ASAN_OPTIONS": "verify_asan_link_order=0"}
        for _ in range(2):
            done = scan("t", env=env)
            assert done.returncode == 0, done
        pathlib.Path(f"kept{day}").write_bytes(journal("checkpoint", env=env).stdout)
    own = Journal()
    own.check_root()
    epochs = [dict(entry.body) for entry in own.entries() if entry.type == "epoch"]
    assert [int(epoch["number"]) for epoch in epochs] == [0, 1, 2, 3]
    assert epochs[0]["key"] == own.read("journal.vkey").decode().strip()
    key = own.read("journal.vkey").decode().strip()
    for day in range(4):
        code, lines = verify("--key", key, "--against", f"kept{day}")
        assert code == 0, lines


if __name__ == "__main__":
    main([a_scan_is_written_down, without_a_journal, errors_and_limits_are_written_down, odd_names,
          many_entries_are_sealed_on_the_way, several_scans_at_once, verified_while_others_write,
          list_and_checkpoint,
          each_byte_is_flipped, each_length_is_tried, a_missing_file_is_told,
          entries_change_places, what_was_answered_is_not_cut_off, an_older_copy_is_told,
          a_cut_off_write_is_recovered, a_recovery_among_other_runs, a_full_disk,
          a_disk_that_is_full_at_the_end, a_disk_for_reading_alone, a_folder_of_another_user, a_clock_that_is_set_back,
          a_clock_that_leaps, a_new_key_each_day])
