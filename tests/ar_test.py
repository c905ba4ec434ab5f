#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ar archives and Debian packages, held against ar and dpkg-deb. TAP."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()


def write(name, data):
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return name


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def needs(program):
    if not has(program):
        raise Skip(f"{program} is not installed")


def told(path):
    parts, _, status = walk(path)
    return [(name, size, digest) for _, name, size, digest in parts], status


def wanted(members):
    return [(name.encode(), len(data), sha256(data)) for name, data in members]


def make_ar(members, pad=b"\n"):
    """BSD's kind: long names stand before the data."""
    out = b"!<arch>\n"
    for name, data in members:
        name = name.encode()
        if len(name) > 16 or b" " in name:
            name, data = b"#1/%d" % len(name), name + data
        out += b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (name, 0, 0, 0, 0o644, len(data)) + data
        out += pad if len(data) % 2 else b""
    return out


MEMBERS = [("a.txt", b"first"), ("a name that is too long for a field.txt", b"second!"),
           ("empty", b""), ("other.o", bytes(range(200)))]


@tap.case("archives of GNU ar hold the files that were put in")
def _():
    needs("ar")
    for name, data in MEMBERS:
        write(name, data)
    run("ar", "rcD", "gnu.a", *(name for name, _ in MEMBERS))
    return told("gnu.a") == (wanted(MEMBERS), "done") or str(told("gnu.a"))


@tap.case("BSD's names, and archives whose padding was forgotten")
def _():
    for pad in (b"\n", b"\0", b""):
        path = write("bsd.a", make_ar(MEMBERS, pad))
        if told(path) != (wanted(MEMBERS), "done"):
            return f"{pad}: {told(path)}"


@tap.case("a member that breaks off is told as far as it goes")
def _():
    path = write("cut.a", make_ar([("a", b"1" * 100)])[:100])
    return told(path) == (wanted([("a", b"1" * 32)]), "damaged") or str(told(path))


@tap.case("EICAR is found in a Debian package, however it is packed")
def _():
    needs("dpkg-deb")
    write("tree/DEBIAN/control", b"Package: x\nVersion: 1\nArchitecture: all\n"
          b"Maintainer: x <x@example.org>\nDescription: x\n")
    os.chmod("tree/DEBIAN", 0o755)
    write("tree/opt/eicar.com", EICAR)
    for packing in ("none", "gzip", "xz", "zstd"):
        done = subprocess.run(["dpkg-deb", "--root-owner-group", f"-Z{packing}", "-b", "tree",
                               "x.deb"], capture_output=True, timeout=60, check=False)
        if done.returncode != 0:
            continue  # this dpkg-deb cannot write it
        answer = finds_eicar("x.deb", "!./opt/eicar.com")
        if answer is not True:
            return f"{packing}: {answer}"


@tap.case("rules for the type that clamscan gives still match the archive itself")
def _():
    rule = "Test.Raw:7:*:" + b"harmless words".hex()  # target 7: text
    write("rules.ndb", rule.encode() + b"\n")
    write("text.a", make_ar([("a", b"some harmless words")]))
    done = subprocess.run([os.environ.get("OVERT", os.environ["OVERT_BUILD"] + "/overt"), "scan",
                           "--rules", "rules.ndb", "text.a"], capture_output=True, timeout=60,
                          check=False)
    return done.returncode == 1 or done.stdout.decode()


tap.run()
