#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Texts that turn out to be HTML or mails further on: held against clamscan's names. TAP."""
# timeout: 240
import base64
import itertools
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, write  # noqa: E402
from members import SCAN, Skip, Tap, has, scan  # noqa: E402

tap = Tap()
COUNT = 300
PART = b"words of a part"
# By target: which of them matches tells as what the object was looked at.
RULES = {"As-Any": (0, b"Words in lines"), "As-Html": (3, b"lines words"), "As-Mail": (4, b"Words in lines"),
         "As-Text": (7, b"lines words"), "In-Part": (0, PART), "As-Gif": (5, b"Words in lines"),
         "In-Title": (3, b"a title")}
IN_MAIL = {"As-Mail.UNOFFICIAL", "In-Part.UNOFFICIAL"}
LINES = b"Words in lines\n"


def part(draw):
    kind = draw.randrange(3)
    if kind == 0:
        return b"\n" + LINES
    if kind == 1:
        return b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(PART) + b"\n"
    return (b"Content-Transfer-Encoding: quoted-printable\n\n" +
            b"".join(b"=%02X" % byte for byte in PART) + b"\n")


def header_pair(draw):
    first = draw.choice((b"From: a", b"Message-Id: <a>", b"Received: by a", b"MIME-Version: 1.0",
                         b"mimE-version: 1.0", b"from: a", b"Delivered-To: a", b"To: a"))
    second = draw.choice((b"Content-Type: text/plain", b"content-type: text/plain",
                          b"MIME-Version: 1.0", b"Content-type: text/html", b"Received: x"))
    gap = b"X-Gap: " + b"g" * draw.choice((0, 3, 200, 1000, 1500, 3000)) + b"\n"
    return b"\n" + first + b"\n" + gap + second + b"\n" + part(draw)


def html_sign(draw):
    sign = draw.choice((b"<Html>", b"<HTml>", b"<a name=x hREF=y>", b"<a ", b"href <a ", b"<TABLE",
                        b"<script", b"<html><title>a\n title</title>", b"<IMG src=x>"))
    return b" words " + sign + b" "


def draw_text(draw):
    first = b"GIF89a" if draw.random() < 0.15 else b""
    text = first + LINES * draw.choice((1, 20, 65, 70, 200, 10_000))
    for _ in range(draw.randrange(1, 4)):
        text += draw.choice((html_sign, header_pair, header_pair))(draw)
        text += LINES * draw.choice((1, 5, 100))
    return text


def names_by_file(command, folder):
    done = subprocess.run(command + [folder], capture_output=True, timeout=200, check=False)
    assert done.returncode in (0, 1), done.stdout.decode() + done.stderr.decode()
    names = {}
    for line in done.stdout.decode().splitlines():
        if line.endswith(" FOUND"):
            path, name = line[:-len(" FOUND")].rsplit(": ", 1)
            names.setdefault(pathlib.Path(path.split("!")[0]).name, set()).add(name)
    return names


@tap.case("texts drawn at random match as what clamscan finds them to be")
def _():
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    draw = random.Random(7)
    for number in range(COUNT):
        write(f"texts/{number}.txt", draw_text(draw))
    rules = write("rules.ndb", "".join(f"{name}:{target}:*:{text.hex()}\n"
                                       for name, (target, text) in RULES.items()))
    ours = names_by_file([*SCAN, "--no-summary", "--all-matches", "--rules", rules], "texts")
    theirs = names_by_file(["clamscan", "--no-summary", "-r", "--allmatch", "-d", rules], "texts")
    kinds = {frozenset(names) for names in theirs.values()}
    print(f"# {COUNT} texts, {len(kinds)} different answers")
    missed = {name: (sorted(names), sorted(ours.get(name, ()))) for name, names in theirs.items()
              if not names <= ours.get(name, set())}
    more = {name: (sorted(names), sorted(theirs.get(name, ()))) for name, names in ours.items()
            if not names <= theirs.get(name, set())}
    print(f"# {len(missed)} with less than clamscan, {len(more)} with more")
    if missed:
        return f"clamscan, ours: {missed}"
    # Mails and pages inside a mail are looked at by us alone, and pages in an image that has a mail
    # in it, too.
    odd = {name: both for name, both in more.items()
           if not ours[name] & IN_MAIL and "As-Gif.UNOFFICIAL" not in both[0]}
    return not odd or f"ours, clamscan: {odd}"


@tap.case("a text that turns out to be a mail lies no deeper than it did")
def _():
    mail = LINES * 60 + b"\nFrom: a\nX-Gap: " + b"g" * 1000 + b"\nContent-Type: text/plain\n\n" + LINES
    chains = [[], *[list(chain) for length in (1, 2) for chain in
                    itertools.product(("CL_TYPE_ANY", "CL_TYPE_POSIX_TAR"), repeat=length)]]
    rules = write("layers.ldb", "".join(
        f"In-{'-'.join(part[8:] for part in chain)};Engine:81-255,"
        f"{f'Intermediates:{chr(62).join(chain)},' if chain else ''}Target:4;0;{LINES[:14].hex()}\n"
        for chain in chains))
    path = write("late-mail", mail)
    found = scan(path, "--rules", rules, "--all-matches")["detections"]
    # Mails in the text are mails of their own for us, deeper by one: those are told with a place.
    ours = sorted(d["rule"] for d in found if d["path_inside"] is None)
    theirs = clamscan_names(path, rules, "--allmatch")
    return ours == theirs or f"{ours}, clamscan {theirs}"


tap.run()
