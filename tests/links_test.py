#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Links in mails that show another host than they lead to, beside clamscan: names are the same. TAP.

With OVERT_SHARED, also many mails over the lists there (OVERT_LINKS: how many, 2000 otherwise).
"""
# timeout: 300
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import draw_links  # noqa: E402
from members import OVERT, SCAN, Skip, Tap, has  # noqa: E402

tap = Tap()
SPOOF = "Heuristics.Phishing.Email.SpoofedDomain"
SSL = "Heuristics.Phishing.Email.SSL-Spoof"
NULL = "Heuristics.Phishing.Email.Cloaked.Null"
GOLD = "http://www.goldbank.com/"
EVIL = "http://evil.ru/"


def link(leads, shown):
    return f'<a href="{leads}">{shown}</a>'


# What is written, and what is told of it.
HTML = [
    (link(EVIL, GOLD), SPOOF), (link(EVIL, "goldbank.com"), SPOOF), (link(EVIL, "www.goldbank.com"), SPOOF),
    (link(EVIL, "a.b.c.goldbank.com"), SPOOF), (link(EVIL, "xgoldbank.com"), None),
    (link(EVIL, "goldbank.com.ru"), None), (link(EVIL, "goldbank.org"), None),
    (link(EVIL, "silver.co.uk"), SPOOF), (link(EVIL, "www.silver.co.uk/path?a=b"), SPOOF),
    (link("http://other.co.uk/", "silver.co.uk"), SPOOF), (link("http://evil.de/", "bronze.de"), SPOOF),
    (link("http://www.bronze.de/", "bronze.de"), None), (link("http://x.y.silver.co.uk/", "silver.co.uk"), None),
    (link(GOLD, GOLD), None), (link("http://goldbank.com/login", "http://www.goldbank.com"), None),
    (link(EVIL, "click here"), None), (link(EVIL, ""), None), (link(EVIL, "goldbank"), None),
    # allowed pairs
    (link("http://mail.goldbank.org/x", "goldbank.com"), None),
    (link("http://a.mail.goldbank.org/x", "goldbank.com"), None),
    (link("http://mail.goldbank.org/x", "www.goldbank.com"), SPOOF),
    (link("http://goldbank-news.com", "www.goldbank.com"), None),
    (link("http://goldbank-news.com", "goldbank.com"), SPOOF),
    (link("http://a.tracker.net/z", "http://silver.co.uk/"), None),
    (link("http://tracker.net/z", "silver.co.uk"), SPOOF),
    (link("http://safe.org", "goldbank.com"), None), (link("http://never.org", "goldbank.com"), SPOOF),
    (link("http://www.friend.info", "www.bronze.de"), None), (link("http://www.friend.info", "bronze.de"), SPOOF),
    # expressions
    (link(EVIL, "www.copper.com"), SPOOF), (link(EVIL, "www.copper.ru"), None),
    (link(EVIL, "copper.com"), None), (link(EVIL, "http://copper.com"), None),
    (link(EVIL, "iron1.org"), SPOOF), (link(EVIL, "ironx.org"), SPOOF), (link(EVIL, "iron.org"), None),
    (link(EVIL, "never.com"), None), (link(EVIL, "old.goldbank.com"), SPOOF),
    # spelling
    (link("HTTP://EVIL.RU/", GOLD), None), (link("http://EVIL.RU/", "GOLDBANK.COM"), SPOOF),
    (link(EVIL, "http://GOLDBANK.com"), SPOOF), (link(EVIL, "g o l d b a n k . c o m"), SPOOF),
    (link(EVIL, "our goldbank.com"), SPOOF), (link(EVIL, "(goldbank.com)"), SPOOF),
    (link(EVIL, "goldbank.com!"), SPOOF), (link(EVIL, "gold<b>bank</b>.com"), SPOOF),
    (link(EVIL, "gold\nbank.com"), SPOOF), (link(EVIL, "goldbank&#46;com"), None),
    (link(EVIL, "goldbank\uff0ecom"), SPOOF), (link(EVIL, "goldb%61nk.com"), SPOOF),
    (link(EVIL, "http:\\\\www.goldbank.com"), SPOOF), (link(EVIL, "http:/www.goldbank.com"), SPOOF),
    (link("http://ev%69l.ru/", GOLD), SPOOF), (link("http:&#47;/evil.ru", GOLD), SPOOF),
    (link("http://goldbank.com@evil.ru/", GOLD), SPOOF), (link("http://evil.ru@goldbank.com/", GOLD), None),
    (link("http://192.0.2.7/a", GOLD), SPOOF), (link("evil.ru", GOLD), SPOOF), (link("/path", GOLD), None),
    (link("mailto:a@evil.ru", GOLD), None), (link("javascript:go()", GOLD), None),
    (link("http://..evil.ru", GOLD), None), (link(EVIL, "someone@goldbank.com"), None),
    (link(EVIL, "goldbank.com/x"), SPOOF), (link(EVIL, "go.to.goldbank.com.now"), SPOOF),
    (link(" http://evil.ru ", GOLD), SPOOF), (link("http://evil.ru:8080", "goldbank.com:80"), None),
    # https, and zeros that hide
    (link(EVIL, "https://www.goldbank.com/"), SSL), (link("https://evil.ru", "https://goldbank.com"), SPOOF),
    (link("http://login.goldbank.com/", "https://www.goldbank.com/"), SSL),
    (link(EVIL, "https://other.com/"), None), (link("http://evil.ru%00.x.com/", "goldbank.com"), NULL),
    (link("http://evil.ru%00.x.com/", "other.com"), None),
    # other tags
    (f'<a href="{EVIL}"><img src="{GOLD}a.gif"></a>', SPOOF), (f'<img src="{GOLD}a.gif">', None),
    (f'<a href="{EVIL}"><img src="http://www.copper.com/a.gif"></a>', SPOOF),
    (f'<a href="{EVIL}"><img dynsrc={GOLD}>x</a>', SPOOF), (f'<a href={EVIL}><iframe src={GOLD}>', SPOOF),
    (f'<a href={EVIL}><area href={GOLD}></a>', SPOOF), (f'<area href={EVIL} title={GOLD}>', None),
    (f'<form action={EVIL}><a href={GOLD}>x</a></form>', SPOOF),
    (f'<form action={EVIL}></form><a href={GOLD}>x</a>', None),
    (f'<form action={EVIL}><img src={GOLD}></form>', SPOOF), (f'<a title={GOLD} href={EVIL}>x</a>', SPOOF),
    (f'<a title={GOLD} href={EVIL}></a>', SPOOF), (f'<a href={EVIL} title=x>{GOLD}', SPOOF),
    (f'<a href={EVIL}>gold<a href={GOLD}>bank.com</a>', None),
    (f'<A HREF={EVIL}>{GOLD}</A>', SPOOF), (f"<a\nhref = '{EVIL}' >{GOLD}</a>", SPOOF),
    (f'<!-- {link(EVIL, GOLD)} -->', None), (f'<script>{link(EVIL, GOLD)}</script>', None),
    (f'<p>{"word " * 3000}{link(EVIL, GOLD)}', SPOOF), (f'{"x" * 110_000} {link(EVIL, GOLD)}', None),
]


def make_fixed():
    mails = [(draw_links.make_mail(f"<html><body>{html}</body></html>\n", encoding), told)
             for number, (html, told) in enumerate(HTML)
             for encoding in ("8bit" if number % 3 else "base64",)]
    letter = f"<html>{link(EVIL, GOLD)}</html>\n"
    make = draw_links.make_mail
    inner = b"From: x@y.z\nSubject: f\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n"
    mails += [
        (make(letter), SPOOF), (make(letter, "quoted-printable"), SPOOF), (make(letter, "base64"), SPOOF),
        (make(letter, kind="text/plain"), SPOOF), (make(letter, kind=None), SPOOF),
        (make(letter, kind="text/plain", parts="mixed"), None),
        (make(letter, "8bit", kind="text/plain", parts="mixed"), SPOOF),
        (make(letter, kind=None, parts="mixed"), None), (make(letter, parts="alternative"), SPOOF),
        (make(letter, parts="related"), SPOOF), (make(letter, kind="application/x", parts="mixed"), None),
        (make(letter, "8bit", parts="mixed", disposition="inline"), SPOOF),
        (make(letter, "8bit", parts="mixed", disposition="attachment; filename=a.html"), None),
        (make(letter, "8bit", parts="related", disposition="attachment; filename=a.html"), SPOOF),
        (inner + make(letter), SPOOF), (letter.encode(), None),
        (make(letter).replace(b"\n", b"\r\n"), SPOOF),
    ]
    return mails


# ---- both programs -------------------------------------------------------------------------------

def write_rules(folder):
    folder.mkdir()
    (folder / "t.pdb").write_text(draw_links.PDB)
    (folder / "t.wdb").write_text(draw_links.WDB)
    return folder


def run_overt(rules, mails, *options):
    """The set of names for each file."""
    done = subprocess.run([*SCAN, "--json", "--all-matches", "--no-summary", *options, "--rules",
                           str(rules), str(mails)], capture_output=True, timeout=250, check=False)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    told = {pathlib.Path(r["path"]).name: {d["rule"] for d in r["detections"]}
            for r in records if "path" in r}
    assert told, done.stderr[-300:]
    return told


def run_clamscan(rules, mails, *options):
    done = subprocess.run(["clamscan", "-r", "-z", "--no-summary", *options, "-d", str(rules), str(mails)],
                          capture_output=True, timeout=250, check=False)
    told = {}
    for line in done.stdout.decode(errors="replace").splitlines():
        match = re.match(r"(/?\S*/)?([^/ ]+): (\S+)( FOUND)?$", line)
        if match:
            told.setdefault(match[2], set()).update({match[3]} if match[4] else set())
    assert told, done.stderr[-300:]
    return told


def write_mails(folder, mails):
    folder.mkdir()
    for number, mail in enumerate(mails):
        (folder / f"{number:05}").write_bytes(mail)
    return folder


def compare(rules, mails, *options):
    """The first mails of which the programs tell other names, or how many agree."""
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    ours, theirs = run_overt(rules, mails, *options), run_clamscan(rules, mails, *options)
    bad = [f"{name}: {sorted(theirs[name])}, not {sorted(ours.get(name, []))}"
           for name in sorted(theirs) if theirs[name] != ours.get(name)]
    found = sum(1 for names in theirs.values() if names)
    print(f"# {len(theirs) - len(bad)} of {len(theirs)} mails agree, {found} of them found")
    return True if not bad and len(ours) == len(theirs) else f"{len(bad)} differ: {bad[:5]}"


RULES = write_rules(pathlib.Path("rules").absolute())
FIXED = make_fixed()
MAILS = write_mails(pathlib.Path("fixed").absolute(), [mail for mail, _ in FIXED])


@tap.case(f"{len(FIXED)} mails are told as they should be")
def fixed():
    told = run_overt(RULES, MAILS)
    bad = [f"{number}: {told[f'{number:05}']}, not {name}: {HTML[number][0] if number < len(HTML) else ''}"
           for number, (_, name) in enumerate(FIXED) if told[f"{number:05}"] != ({name} - {None})]
    return True if not bad else f"{len(bad)}: {bad[:6]}"


@tap.case("and so they are by clamscan")
def fixed_beside():
    return compare(RULES, MAILS)


for switches in (("--alert-phishing-ssl=yes",), ("--alert-phishing-cloak=yes",), ("--phishing-scan-urls=no",),
                 ("--heuristic-alerts=no",), ("--alert-phishing-ssl=yes", "--alert-phishing-cloak=yes")):
    @tap.case(f"with {' '.join(switches)}, too")
    def switched(switches=switches):
        return compare(RULES, MAILS, *switches)


@tap.case("400 drawn mails are told as by clamscan")
def drawn():
    draw = random.Random(20)
    return compare(RULES, write_mails(pathlib.Path("drawn").absolute(),
                                      [draw_links.draw_mail(draw) for _ in range(400)]))


@tap.case("other detections come before, and a mail in an archive is found")
def beside_others():
    rules = shutil.copytree(RULES, "more")
    pathlib.Path(rules, "t.ndb").write_text("Word:0:*:676f6c6462616e6b2e636f6d2f220a\n")
    mail = draw_links.make_mail(f"<html>{link(EVIL, GOLD)}</html>\n")
    folder = write_mails(pathlib.Path("others").absolute(), [mail, mail + b'goldbank.com/"\n'])
    with zipfile.ZipFile(folder / "00002", "w") as archive:
        archive.writestr("mail.eml", mail)
    first = {}
    for name in ("00000", "00001", "00002"):
        done = subprocess.run([*SCAN, "--no-summary", "--rules", str(rules), str(folder / name)],
                              capture_output=True, timeout=60, check=False)
        first[name] = done.stdout.decode().split()[1]
    wanted = {"00000": SPOOF, "00001": "Word.UNOFFICIAL", "00002": SPOOF}
    return True if first == wanted else str(first)


@tap.case("--heuristic-scan-precedence lets the link come first")
def precedence():
    done = subprocess.run([*SCAN, "--no-summary", "--heuristic-scan-precedence", "--rules", "more",
                           "others/00001"], capture_output=True, timeout=60, check=False)
    return True if SPOOF in done.stdout.decode() else done.stdout.decode()


@tap.case("a text in 7bit with a disposition is looked at, which clamscan does not")
def disposed():
    mail = draw_links.make_mail(f"<html>{link(EVIL, GOLD)}</html>\n", disposition="inline")
    folder = write_mails(pathlib.Path("disposed").absolute(), [mail])
    return True if run_overt(RULES, folder)["00000"] == {SPOOF} else "not found"


# ---- rules ---------------------------------------------------------------------------------------

def check(name, text):
    pathlib.Path(name).write_text(text)
    return subprocess.run([OVERT, "rules", "check", name], capture_output=True, timeout=60,
                          check=False).stdout.decode()


@tap.case("lines that cannot be read are told with their number and the reason")
def bad_lines():
    told = check("bad.pdb", "H:a.com\nQ:x\nR:(b\nR:x.*\nH\nH:\n#c\nR:d\\.com:300-\nS:F:00\nH1f:e.com\n")
    wanted = ["bad.pdb:2: `R:` or `H:` expected", "bad.pdb:3: ", "bad.pdb:4: the expression ends with anything",
              "bad.pdb:5: a letter", "bad.pdb:6: no host", "bad.pdb:8: skipped: for functionality levels 300",
              "bad.pdb:9: skipped: digests", "entries for links in mails: 2"]
    missing = [text for text in wanted if text not in told]
    return True if not missing else f"{missing} not in {told}"


@tap.case("the same for allowed pairs")
def bad_pairs():
    told = check("bad.wdb", "M:a.com:b.com\nX:a:.+\nX:.+\\.a:b\nY:c\nH:d.com\nM:a.com:c.com:1-9\n")
    wanted = ["bad.wdb:2: the expression ends with anything", "bad.wdb:5: `X:`, `Y:` or `M:` expected",
              "bad.wdb:6: skipped", "entries for links in mails: 3"]
    missing = [text for text in wanted if text not in told]
    return True if not missing else f"{missing} not in {told}"


# ---- lists that are in use -----------------------------------------------------------------------

def make_host(expression):
    """A host that the expression is likely to match."""
    for old, new in (("([/?].*)?", ""), ("([/?].*)", ""), ("(.+\\.)?", "www."), ("^", ""), (".+", "mail")):
        expression = expression.replace(old, new)
    expression = re.sub(r"\(([^()|]*)\|[^()]*(\([^()]*\))?[^()]*\)", r"\1", expression)
    return expression.replace("\\", "")


def read_lists(folder):
    hosts = [line.split(":")[1].strip() for line in (folder / "daily-2026.pdb").open()
             if line.startswith("H:")]
    pairs = []
    for line in (folder / "daily-2026.wdb").open():
        fields = line.strip().split(":")
        if len(fields) == 3:
            pairs.append(fields[1:] if fields[0] == "M" else [make_host(field) for field in fields[1:]])
    return hosts, pairs


def draw_for_lists(draw, hosts, pairs):
    leads, shown = draw.choice(pairs)
    host = draw.choice(hosts)
    if draw.random() < 0.5:
        draw_links.LEADS = [leads, leads, "www." + leads, "evil.ru"]
        draw_links.PROTECTED = [shown, shown, "www." + shown, host]
    else:
        draw_links.LEADS = ["evil.ru", "www.evil.com", draw.choice(hosts), "login." + host]
        draw_links.PROTECTED = [host, "www." + host, "x" + host]
    return draw_links.draw_mail(draw)


@tap.case("mails over lists that are in use are told as by clamscan")
def lists():
    if "OVERT_SHARED" not in os.environ:
        raise Skip("OVERT_SHARED is not set")
    official = pathlib.Path(os.environ["OVERT_SHARED"]) / "data/dev/clamav/official"
    hosts, pairs = read_lists(official)
    rules = pathlib.Path("official").absolute()
    rules.mkdir()
    for ending in ("pdb", "wdb"):
        shutil.copy(official / f"daily-2026.{ending}", rules / f"daily.{ending}")
    draw = random.Random(7)
    count = int(os.environ.get("OVERT_LINKS", "2000"))
    return compare(rules, write_mails(pathlib.Path("many").absolute(),
                                      [draw_for_lists(draw, hosts, pairs) for _ in range(count)]))


tap.run()
