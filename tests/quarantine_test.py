#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
"""overt scan --quarantine and overt quarantine: taken, listed, put back as it was. TAP."""
import gzip
import json
import os
import pathlib
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, OVERT, Skip, Tap  # noqa: E402

HERE = pathlib.Path.cwd()
STATE = HERE / "state"
tap = Tap()


def overt(*words, code=0):
    done = subprocess.run([OVERT, *map(str, words)], capture_output=True, timeout=60, check=False,
                          env=dict(os.environ, OVERT_STATE=str(STATE)))
    assert done.returncode == code, f"{words}: {done.returncode} {done.stdout} {done.stderr}"
    return done


def listed(folder):
    lines = overt("quarantine", "list", "--json", "--dir", folder).stdout.splitlines()
    return [json.loads(line) for line in lines]


def make(name, content=EICAR, mode=0o640):
    path = pathlib.Path(name)
    path.write_bytes(content)
    path.chmod(mode)
    os.utime(path, ns=(1_500_000_000_123_456_789, 1_400_000_000_987_654_321))
    return path


@tap.case("a found file is taken, and what lies there is not it")
def _():
    path = make("bad.txt")
    done = overt("scan", "--quarantine", "q", ".", code=1)
    sealed = list(pathlib.Path("q").iterdir())
    assert b"bad.txt: moved to 'q/" in done.stdout and not path.exists() and len(sealed) == 1
    assert stat.S_IMODE(os.stat("q").st_mode) == 0o700
    assert stat.S_IMODE(sealed[0].stat().st_mode) == 0o600
    assert b"EICAR" not in sealed[0].read_bytes() and b"bad.txt" not in sealed[0].read_bytes()
    key = STATE / "quarantine.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and key.stat().st_size == 32
    overt("scan", "q")


@tap.case("it is listed with where it came from and why")
def _():
    one, = listed("q")
    assert one["path"] == str(HERE / "bad.txt") and one["bytes"] == len(EICAR)
    assert one["mode"] == 0o640 and "EICAR" in one["rules"][0] and one["inside"] is None
    text = overt("quarantine", "list", "--dir", "q").stdout.decode()
    assert one["id"] in text and "bad.txt: " in text


@tap.case("it is restored exactly: bytes, mode, owner, times, attributes")
def _():
    path = make("whole.bin", EICAR + os.urandom(200_000), 0o4751)
    try:
        os.setxattr(path, "user.note", b"kept \x00 too")
    except OSError:
        pass
    names = os.listxattr(path)
    before, content = path.stat(), path.read_bytes()
    rule = HERE / "rule.ndb"
    rule.write_text(f"Whole:0:0:{EICAR[:30].hex()}\n")
    overt("scan", "--rules", rule, "--quarantine", "q2", path, code=1)
    assert not path.exists()
    one, = listed("q2")
    overt("quarantine", "restore", "--dir", "q2", one["id"])
    after = path.stat()
    assert path.read_bytes() == content and os.listxattr(path) == names
    for field in ("st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_size"):
        assert getattr(before, field) == getattr(after, field), field
    assert listed("q2") == []


@tap.case("nothing is overwritten, and what could not be restored stays")
def _():
    one, = listed("q")
    make("bad.txt", b"another file")
    done = overt("quarantine", "restore", "--dir", "q", one["id"], code=2)
    assert b"exists" in done.stderr and pathlib.Path("bad.txt").read_bytes() == b"another file"
    assert listed("q") == [one] and not list(HERE.glob(".overt-*"))
    pathlib.Path("elsewhere").mkdir()
    overt("quarantine", "restore", "--dir", "q", "--to", "elsewhere", one["id"])
    assert pathlib.Path("elsewhere/bad.txt").read_bytes() == EICAR and listed("q") == []


@tap.case("a sealed file that was changed, cut or sealed by another is refused")
def _():
    make("bad2.txt", EICAR)
    overt("scan", "--quarantine", "q3", "bad2.txt", code=1)
    sealed, = pathlib.Path("q3").iterdir()
    whole = sealed.read_bytes()
    step = max(1, len(whole) // 97)
    damaged = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:] for at in range(0, len(whole), step)]
    damaged += [whole[:at] for at in range(0, len(whole), step)] + [whole + b"x"]
    for data in damaged:
        sealed.write_bytes(data)
        done = overt("quarantine", "restore", "--dir", "q3", sealed.stem, code=2)
        assert b"damaged" in done.stderr, done.stderr
        assert not pathlib.Path("bad2.txt").exists() and not list(HERE.glob(".overt-*"))
    sealed.write_bytes(whole)
    key = STATE / "quarantine.key"
    own = key.read_bytes()
    key.write_bytes(os.urandom(32))
    overt("quarantine", "restore", "--dir", "q3", sealed.stem, code=2)
    key.write_bytes(own)
    key.chmod(0o644)
    assert b"others can read" in overt("quarantine", "list", "--dir", "q3", code=2).stderr
    key.chmod(0o600)
    overt("quarantine", "restore", "--dir", "q3", sealed.stem)
    assert pathlib.Path("bad2.txt").read_bytes() == EICAR


@tap.case("a container is taken only when that is asked for, and the member is named")
def _():
    with open("letter.gz", "wb") as file, gzip.GzipFile("inner.txt", "wb", 9, file) as out:
        out.write(EICAR)
    done = overt("scan", "--quarantine", "q4", "letter.gz", code=1)
    assert b"--quarantine-containers" in done.stderr and pathlib.Path("letter.gz").exists()
    overt("scan", "--quarantine", "q4", "--quarantine-containers", "letter.gz", code=1)
    one, = listed("q4")
    assert not pathlib.Path("letter.gz").exists() and one["inside"] == "inner.txt"


@tap.case("deleted is deleted; odd IDs are refused")
def _():
    one, = listed("q4")
    for odd in ("../q4/" + one["id"], ".", "", "/etc/passwd", "no-such"):
        overt("quarantine", "delete", "--dir", "q4", odd, code=2)
    overt("quarantine", "delete", "--dir", "q4", one["id"])
    assert listed("q4") == []


@tap.case("another file system is no obstacle")
def _():
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(".").st_dev:
        raise Skip("no second file system")
    elsewhere = pathlib.Path(f"/dev/shm/overt-quarantine-{os.getpid()}")
    make("far.txt")
    try:
        overt("scan", "--quarantine", elsewhere, "far.txt", code=1)
        assert not pathlib.Path("far.txt").exists() and len(listed(elsewhere)) == 1
        overt("quarantine", "restore", "--dir", elsewhere, listed(elsewhere)[0]["id"])
        assert pathlib.Path("far.txt").read_bytes() == EICAR
    finally:
        for file in elsewhere.glob("*"):
            file.unlink()
        elsewhere.rmdir()


@tap.case("a folder that others can change is refused")
def _():
    os.chmod("q", 0o777)
    assert b"others could" in overt("scan", "--quarantine", "q", "bad2.txt", code=2).stderr
    assert b"others could" in overt("quarantine", "list", "--dir", "q", code=2).stderr


tap.run()
