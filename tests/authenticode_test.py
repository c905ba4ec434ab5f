#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""Rules on who signed a program (.crb) and catalogs (.cat), held against clamscan. TAP.

Programs are signed here (tests/format/forge_signature.py), and by osslsigncode. A rule that every program
matches tells whether its signature counted.
"""
import hashlib
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "walk"), str(HERE / "format")]
import forge_pe  # noqa: E402
import forge_signature as forge  # noqa: E402
from beside import clamscan_names, overt_names, write  # noqa: E402
from members import OVERT, SCAN, Tap, first_of, has, needs  # noqa: E402

tap = Tap()
MARK = b"a mark that a rule looks for"
PROGRAM = forge_pe.build(directories=[(0, 0)] * 16, patches=[(0x600, MARK)])
PROGRAM64 = forge_pe.build(is_64=True, patches=[(0x600, MARK)])
HIT = "Mark.UNOFFICIAL"

ROOT_KEY, MIDDLE_KEY, LEAF_KEY, CLOCK_KEY = (forge.make_key(1024) for _ in range(4))
ROOT = forge.certificate("Root", ROOT_KEY, uses=forge.AUTHORITY, serial=1)
MIDDLE = forge.certificate("Middle", MIDDLE_KEY, ROOT, uses=forge.AUTHORITY, serial=2)
GOOD = forge.certificate("Good", LEAF_KEY, MIDDLE, serial=3)
CLOCK = forge.certificate("Clock", CLOCK_KEY, ROOT, uses=forge.CLOCK, serial=4)
TRUST_ROOT = forge.rule("Root", ROOT)


def make_rules(crb, folder="rules", **more):
    shutil.rmtree(folder, ignore_errors=True)
    write(f"{folder}/mark.ndb", f"Mark:1:*:{MARK.hex()}\n")
    if crb is not None:
        write(f"{folder}/certs.crb", crb)
    for ending, data in more.items():
        write(f"{folder}/more.{ending}", data)
    return folder


def names(data, crb, *options, **more):
    """(overt's names, clamscan's names) for one file."""
    rules = make_rules(crb, **more)
    path = write("sample.exe", data)
    theirs = [{"--all-matches": "--allmatch"}.get(option, option) for option in options]
    return overt_names(path, rules, *options), clamscan_names(path, rules, *theirs)


def both(what, data, crb, wanted, **more):
    """Both tell `wanted`: a list of names, "clean" or "hit"."""
    wanted = [] if wanted == "clean" else [HIT] if wanted == "hit" else wanted
    ours, theirs = names(data, crb, **more)
    if theirs != wanted:
        return f"{what}: clamscan tells {theirs}, which the test did not expect"
    return ours == wanted or f"{what}: {ours} here, {theirs} there"


def sign(cert=GOOD, program=PROGRAM, **how):
    return forge.sign_program(program, cert, **how)


# ---- chains ---------------------------------------------------------------------------------------

@tap.case("a chain up to a trusted root clears a program, of 32 and of 64 bits")
def _():
    return first_of([
        both("unsigned", PROGRAM, TRUST_ROOT, "hit"),
        both("signed", sign(), TRUST_ROOT, "clean"),
        both("64 bits", sign(program=PROGRAM64), TRUST_ROOT, "clean"),
        both("no rules on certificates", sign(), None, "hit"),
        both("the middle is trusted", sign(), forge.rule("Middle", MIDDLE), "clean"),
        both("the leaf is trusted", sign(), forge.rule("Leaf", GOOD, sign=0, time_=0), "clean"),
        both("any number", sign(), forge.rule("Leaf", GOOD, sign=0, has_serial=False), "clean"),
        both("without the root", sign(certificates=[GOOD, MIDDLE]), TRUST_ROOT, "clean"),
        both("in another order", sign(certificates=[ROOT, MIDDLE, GOOD]), TRUST_ROOT, "clean"),
        both("without the middle", sign(certificates=[GOOD, ROOT]), TRUST_ROOT, "hit"),
        both("without the leaf", sign(certificates=[MIDDLE, ROOT]), TRUST_ROOT, "hit"),
        both("nothing at all", sign(certificates=[]), TRUST_ROOT, "hit"),
    ])


@tap.case("every digest that signatures are made with")
def _():
    answers = []
    for name in forge.HASHES:
        leaf = forge.certificate("Leaf " + name, LEAF_KEY, MIDDLE, serial=30, hash_name=name)
        answers.append(both(name, sign(leaf, hash_name=name), TRUST_ROOT, "clean"))
        answers.append(both(f"{name}, of the file sha256",
                            sign(leaf, hash_name=name, file_hash="sha256"), TRUST_ROOT, "clean"))
    answers.append(both("parameters left out", sign(with_null=False), TRUST_ROOT, "clean"))
    return first_of(answers)


@tap.case("large keys")
def _():
    answers = []
    for size in (2048, 4096):
        key = forge.make_key(size)
        leaf = forge.certificate("Large", key, ROOT, serial=size)
        answers.append(both(f"{size} bits", sign(leaf), TRUST_ROOT, "clean"))
    return first_of(answers)


@tap.case("signatures that are wrong clear nothing")
def _():
    other = forge.certificate("Root", LEAF_KEY, uses=forge.AUTHORITY, serial=1)
    impostor = forge.certificate("Good", LEAF_KEY, other, serial=3)
    unsigned = forge.certificate("Good", LEAF_KEY, MIDDLE, serial=3, made_up=bytes(128))
    changed = bytearray(sign())
    changed[0x700] ^= 1
    return first_of([
        both("a byte of the file is changed", bytes(changed), TRUST_ROOT, "hit"),
        both("digest of another file", sign(spoil_file=b"x"), TRUST_ROOT, "hit"),
        both("digest of another content", sign(spoil=b"x"), TRUST_ROOT, "hit"),
        both("a root of the same name", sign(impostor), TRUST_ROOT, "hit"),
        both("a certificate that nobody signed", sign(unsigned), TRUST_ROOT, "hit"),
        both("not trusted, but signed", sign(), forge.rule("Clock", CLOCK), "hit"),
        both("more bytes behind", sign() + b"12345678", TRUST_ROOT, "hit"),
        both("another revision", forge.attach(PROGRAM, b"", revision=0x100), TRUST_ROOT, "hit"),
    ])


@tap.case("times: of the certificate, of the counter signature, of the rule")
def _():
    now, day = forge.NOW, forge.DAY
    old = forge.certificate("Old", LEAF_KEY, MIDDLE, serial=5, start=now - 9 * day, end=now - day)
    new = forge.certificate("New", LEAF_KEY, MIDDLE, serial=6, start=now + day, end=now + 9 * day)
    then = {"cert": CLOCK, "when": now - 2 * day}
    return first_of([
        both("expired", sign(old), TRUST_ROOT, "hit"),
        both("not yet valid", sign(new), TRUST_ROOT, "hit"),
        both("expired, counter-signed in time", sign(old, counter=then, certificates=old.path +
                                                     [CLOCK]), TRUST_ROOT, "clean"),
        both("counter-signed too late", sign(old, counter={"cert": CLOCK}, certificates=old.path +
                                             [CLOCK]), TRUST_ROOT, "hit"),
        both("counter-signed by nobody known", sign(old, counter=then), TRUST_ROOT, "hit"),
        both("valid, and a wrong counter signature", sign(counter={"cert": CLOCK, "spoil": b"x"},
                                                          certificates=GOOD.path + [CLOCK]),
             TRUST_ROOT, "hit"),
        both("counter signature by a certificate for programs",
             sign(old, counter={"cert": GOOD, "when": now - 2 * day}, certificates=old.path +
                  [GOOD]), TRUST_ROOT, "hit"),
        both("of sha256", sign(old, counter={**then, "hash_name": "sha256"},
                               certificates=old.path + [CLOCK]), TRUST_ROOT, "clean"),
        both("as a time stamp token", sign(old, counter={**then, "kind":
                                                         "1.2.840.113549.1.9.16.1.4"},
                                           certificates=old.path + [CLOCK]), TRUST_ROOT, "clean"),
        both("a stamp of RFC 3161 frees nothing", sign(old, more=[forge.attribute(
            forge.STAMP, forge.seq())]), TRUST_ROOT, "hit"),
        both("a stamp of RFC 3161 beside a valid one", sign(more=[forge.attribute(
            forge.STAMP, forge.seq())]), TRUST_ROOT, "clean"),
        both("trusted from tomorrow on", sign(), forge.rule("Leaf", GOOD, sign=0, time_=0,
                                                           start=now + day), "hit"),
        both("trusted for long", sign(), forge.rule("Leaf", GOOD, sign=0, time_=0,
                                                   start=now - 200 * day), "clean"),
    ])


@tap.case("uses: of the leaf, of those above it, of the rule")
def _():
    def leaf(**uses):
        return forge.certificate("Leaf", LEAF_KEY, MIDDLE, serial=7, uses=uses)
    end = forge.certificate("End", MIDDLE_KEY, ROOT, serial=8, uses=forge.LEAF)
    below = forge.certificate("Below", LEAF_KEY, end, serial=9)
    first = forge.certificate("First", LEAF_KEY, ROOT, serial=10, uses=forge.CLOCK, version=1)
    return first_of([
        both("for times alone", sign(leaf(purposes=[forge.TIME])), TRUST_ROOT, "hit"),
        both("for all", sign(leaf(key_usage=0x80)), TRUST_ROOT, "clean"),
        both("for programs and times", sign(leaf(purposes=[forge.TIME, forge.CODE])), TRUST_ROOT,
             "clean"),
        both("for something else", sign(leaf(purposes=["1.2.3.4"])), TRUST_ROOT, "hit"),
        both("signed by a leaf", sign(below), TRUST_ROOT, "hit"),
        both("version 1", sign(first), TRUST_ROOT, "hit"),
        both("a root for times", sign(), forge.rule("Root", ROOT, code=0), "hit"),
        both("a root that may not sign certificates", sign(), forge.rule("Root", ROOT, sign=0),
             "hit"),
        both("two rules for one root", sign(), forge.rule("Code", ROOT, time_=0) +
             forge.rule("Times", ROOT, code=0), "clean"),
        both("of which the first counts", sign(), forge.rule("Times", ROOT, code=0) +
             forge.rule("Code", ROOT, time_=0), "hit"),
        both("the leaf may do more than the rule", sign(leaf(purposes=[forge.CODE, forge.TIME])),
             forge.rule("Leaf", leaf(), sign=0, time_=0), "hit"),
    ])


@tap.case("what is read more strictly than clamscan does: exponents, ends of chains, lines by themselves")
def _():
    answers = []
    # The rule's certificate with another exponent, under which anybody can sign.
    for exponent in (1, 3):
        made = forge.certificate("Good", forge.Key(LEAF_KEY.n, exponent, 1, b""), MIDDLE, serial=3,
                                 made_up=bytes(128))
        data = forge.sign_program(PROGRAM, made, exponent=1)
        rules = make_rules(forge.rule("Leaf", GOOD, sign=0, time_=0))
        answers.append(overt_names(write("sample.exe", data), rules) == [HIT] or
                       f"exponent {exponent}: cleared")
    end = forge.certificate("End", MIDDLE_KEY, ROOT, serial=8,
                            uses={"purposes": [forge.CODE], "is_authority": False})
    below = forge.certificate("Below", LEAF_KEY, end, serial=9)
    answers.append(overt_names(write("sample.exe", sign(below)), make_rules(TRUST_ROOT)) == [HIT] or
                   "an end of a chain has signed a certificate")
    other = forge.certificate("Good", LEAF_KEY, MIDDLE, serial=77)
    two = forge.rule("Any", CLOCK, has_serial=False, sign=0) + forge.rule("Leaf", GOOD, sign=0,
                                                                         time_=0)
    answers.append(overt_names(write("sample.exe", sign(other)), make_rules(two)) == [HIT] or
                   "a number counts for the line in which it stands")
    return first_of(answers)


# ---- blocked --------------------------------------------------------------------------------------

@tap.case("blocked certificates are found by the rule's name, whatever the signature is worth")
def _():
    block = forge.rule("Win.Blocked.Leaf", GOOD, is_trusted=False)
    middle = forge.rule("Win.Blocked.Middle", MIDDLE, is_trusted=False)
    bare = forge.rule("Win.Blocked.Any", GOOD, is_trusted=False, has_serial=False)
    other = forge.certificate("Good", LEAF_KEY, MIDDLE, serial=77)
    nameless = forge.rule("", GOOD, is_trusted=False)
    return first_of([
        both("leaf", sign(), block, ["Win.Blocked.Leaf"]),
        both("leaf below a trusted root", sign(), TRUST_ROOT + block, ["Win.Blocked.Leaf"]),
        both("middle", sign(), TRUST_ROOT + middle, ["Win.Blocked.Middle"]),
        both("both, of which one is told", sign(), block + middle, ["Win.Blocked.Middle"]),
        both("another number", sign(other), block, "hit"),
        both("any number", sign(other), bare, ["Win.Blocked.Any"]),
        both("a number and any", sign(), block + bare, ["Win.Blocked.Any"]),
        both("any and a number", sign(), bare + block, ["Win.Blocked.Any"]),
        both("twice", sign(), block + forge.rule("Win.Again", GOOD, is_trusted=False),
             ["Win.Blocked.Leaf"]),
        both("without a name", sign(), nameless, ["(unnamed CRB rule)"]),
        both("digest of another file", sign(spoil_file=b"x"), TRUST_ROOT + block,
             ["Win.Blocked.Leaf"]),
        both("unused beside others", sign(forge.certificate("X", LEAF_KEY, serial=9),
                                          certificates=[GOOD]), block, ["Win.Blocked.Leaf"]),
        both("allowed by its hash", sign(), block, [],
             sfp=f"{hashlib.sha256(sign()).hexdigest()}:{len(sign())}:Known\n"),
    ])


@tap.case("with all matches, blocked certificates are told and rules are tried")
def _():
    crb = (forge.rule("Win.Blocked.Leaf", GOOD, is_trusted=False) +
           forge.rule("Win.Blocked.Middle", MIDDLE, is_trusted=False))
    ours, theirs = names(sign(), crb, "--all-matches")
    wanted = sorted([HIT, "Win.Blocked.Leaf", "Win.Blocked.Middle"])
    return ours == theirs == wanted or f"{ours} here, {theirs} there"


@tap.case("--nocerts: signatures do not count")
def _():
    answers = []
    for crb in (TRUST_ROOT, forge.rule("Win.Blocked", GOOD, is_trusted=False)):
        ours, theirs = names(sign(), crb, "--nocerts")
        answers.append(ours == theirs == [HIT] or f"{ours} here, {theirs} there")
    return first_of(answers)


@tap.case("a trusted program in an archive is cleared, and what lies beside it is not")
def _():
    with zipfile.ZipFile("two.zip", "w") as archive:
        archive.writestr("good.exe", sign())
        archive.writestr("bad.exe", PROGRAM)
    with zipfile.ZipFile("one.zip", "w") as archive:
        archive.writestr("good.exe", sign())
    return first_of([
        both("one", pathlib.Path("one.zip").read_bytes(), TRUST_ROOT, "clean"),
        both("two", pathlib.Path("two.zip").read_bytes(), TRUST_ROOT, "hit"),
    ])


# ---- catalogs -------------------------------------------------------------------------------------

def catalog(members=None, cert=GOOD, **how):
    members = members or [(forge.PE_IMAGE, name, forge.program_digest(PROGRAM, name))
                          for name in ("sha1", "sha256")]
    return forge.catalog(cert, members, **how)


@tap.case("catalogs clear the programs that they list, if their signer is trusted")
def _():
    now, day = forge.NOW, forge.DAY
    old = forge.certificate("Old", LEAF_KEY, MIDDLE, serial=5, start=now - 9 * day, end=now - day)
    then = {"cert": CLOCK, "when": now - 2 * day}
    other = [(forge.PE_IMAGE, "sha1", bytes(20))]
    only = [[(forge.PE_IMAGE, name, forge.program_digest(PROGRAM, name))]
            for name in ("sha1", "sha256")]
    return first_of([
        both("listed", PROGRAM, TRUST_ROOT, "clean", cat=catalog()),
        both("sha1", PROGRAM, TRUST_ROOT, "clean", cat=catalog(only[0])),
        both("sha256", PROGRAM, TRUST_ROOT, "clean", cat=catalog(only[1])),
        both("not listed", PROGRAM, TRUST_ROOT, "hit", cat=catalog(other)),
        both("nobody trusts it", PROGRAM, forge.rule("Clock", CLOCK), "hit", cat=catalog()),
        both("signed by somebody else, too", sign(forge.certificate("X", LEAF_KEY)), TRUST_ROOT,
             "clean", cat=catalog()),
        both("blocked all the same", sign(), forge.rule("Win.B", GOOD, is_trusted=False) +
             forge.rule("Root", ROOT), ["Win.B"], cat=catalog(cert=forge.certificate(
                 "Other", CLOCK_KEY, ROOT, serial=12))),
        both("expired", PROGRAM, TRUST_ROOT, "hit", cat=catalog(cert=old)),
        both("expired, counter-signed", PROGRAM, TRUST_ROOT, "clean", cat=catalog(
            cert=old, counter=then, certificates=old.path + [CLOCK])),
        both("a changed catalog", PROGRAM, TRUST_ROOT, "hit", cat=catalog(spoil=b"x")),
        both("no catalog", PROGRAM, TRUST_ROOT, "hit", cat=b"0123456789" * 9),
    ])


@tap.case("catalogs clear other files by the digest of the whole file")
def _():
    data = b"not a program: " + MARK
    rule = {"ndb": f"Any:0:*:{MARK.hex()}\n"}
    listed = catalog([(forge.CABINET, "sha1", hashlib.sha1(data).digest())])
    with zipfile.ZipFile("in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("file.txt", data)
    return first_of([
        both("listed", data, TRUST_ROOT, "clean", cat=listed, **rule),
        both("in an archive", pathlib.Path("in.zip").read_bytes(), TRUST_ROOT, "clean", cat=listed,
             **rule),
        both("something else", data + b"!", TRUST_ROOT, ["Any.UNOFFICIAL"], cat=listed, **rule),
    ])


@tap.case("an image with these rules says the same, and the same sources give the same image")
def _():
    rules = make_rules(TRUST_ROOT, cat=catalog())
    for number in range(2):
        subprocess.run([OVERT, "rules", "build", "-o", f"{number}.ovi", rules], check=True,
                       capture_output=True, timeout=120)
    same = pathlib.Path("0.ovi").read_bytes() == pathlib.Path("1.ovi").read_bytes()
    return first_of([
        same or "two builds differ",
        overt_names(write("sample.exe", sign()), "0.ovi") == [] or "signed, and found",
        overt_names(write("sample.exe", PROGRAM), "0.ovi") == [] or "listed, and found",
        overt_names(write("sample.exe", PROGRAM64), "0.ovi") == [HIT] or "neither, and not found",
    ])


# ---- lines ----------------------------------------------------------------------------------------

@tap.case("lines that cannot be read are named; the others count")
def _():
    fields = TRUST_ROOT.strip().split(";")

    def line(at, value):
        return ";".join(fields[:at] + [value] + fields[at + 1:])
    bad = [(line(1, "2"), "0 or 1"), (line(2, "ab"), "SHA-1"), (line(3, "zz" * 20), "SHA-1"),
           (line(4, "xyz"), "hex digits"), (line(4, ""), "modulus"), (line(4, "f" * 1030), "modulus"),
           (line(6, ""), "0 or 1"), (line(7, "x"), "0 or 1"), (line(8, "yes"), "0 or 1"),
           (line(9, "soon"), "seconds"), ("a;b;c", "fields"), (TRUST_ROOT.strip() + ";x", "level"),
           (TRUST_ROOT.strip() + ";1;2;3", "fields")]
    good = [TRUST_ROOT.strip(), "# a comment", "", TRUST_ROOT.strip() + ";51;255"]
    other = [TRUST_ROOT.strip() + ";500", TRUST_ROOT.strip() + ";1;2"]
    path = write("bad.crb", "\n".join([text for text, _ in bad] + good + other) + "\n")
    told = subprocess.run([OVERT, "rules", "check", path], capture_output=True, text=True,
                          timeout=60, check=False).stdout.splitlines()
    for number, (_, why) in enumerate(bad, 1):
        mine = [text for text in told if f"bad.crb:{number}:" in text]
        if len(mine) != 1 or why not in mine[0]:
            return f"line {number}: {mine}, not {why}"
    skipped = [text for text in told if "skipped: for functionality" in text]
    return (len(skipped) == 2 and "certificates: 2" in told) or told[-4:]


# ---- other signers --------------------------------------------------------------------------------

@tap.case("signed by osslsigncode")
def _():
    needs("osslsigncode")
    chain, key = forge.write_openssl(".", GOOD)
    answers = []
    for name, program in (("32", PROGRAM), ("64", PROGRAM64)):
        for digest in ("sha1", "sha256", "sha384", "sha512"):
            write("in.exe", program)
            pathlib.Path("out.exe").unlink(missing_ok=True)
            subprocess.run(["osslsigncode", "sign", "-certs", chain, "-key", key, "-h", digest,
                            "-n", "A test", "-in", "in.exe", "-out", "out.exe"], check=True,
                           capture_output=True, timeout=60)
            data = pathlib.Path("out.exe").read_bytes()
            answers.append(both(f"{name} {digest}", data, TRUST_ROOT, "clean"))
            answers.append(both(f"{name} {digest}, blocked", data, forge.rule(
                "Win.B", MIDDLE, is_trusted=False), ["Win.B"]))
            pathlib.Path("twice.exe").unlink(missing_ok=True)
            subprocess.run(["osslsigncode", "sign", "-nest", "-certs", chain, "-key", key, "-h",
                            "sha256", "-in", "out.exe", "-out", "twice.exe"], check=True,
                           capture_output=True, timeout=60)
            answers.append(both(f"{name} {digest}, and once more",
                                pathlib.Path("twice.exe").read_bytes(), TRUST_ROOT, "clean"))
    return first_of(answers)


# ---- damage ---------------------------------------------------------------------------------------

def scan_folder(command, folder):
    done = subprocess.run([*command, folder], capture_output=True, text=True, timeout=400,
                          check=False)
    found = {}
    for line in done.stdout.splitlines():
        path, _, rest = line.rpartition(": ")
        if rest.endswith(" FOUND"):
            found.setdefault(pathlib.Path(path).name, set()).add(rest[:-6])
    return found, done


def mutate(rng, data, start):
    """The data with one change at or behind `start`."""
    at = rng.randrange(start, len(data))
    kind = rng.randrange(5)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
    if kind == 1:
        return data[:at] + bytes([rng.choice((0, 0x30, 0x31, 0x80, 0x84, 0xa0, 0xff))]) + \
            data[at + 1:]
    size = rng.randrange(1, 9)
    if kind == 2:  # the file keeps its size
        return data[:at] + data[at + size:] + b"\0" * min(size, len(data) - at)
    if kind == 3:
        return (data[:at] + rng.randbytes(size) + data[at:])[:len(data)]
    return data[:at] + rng.randbytes(size) + data[at + size:] if at + size < len(data) else data


@tap.case("damage at two thousand places: the same names as clamscan, and no worker is lost")
def _():
    needs("clamscan")
    rng = random.Random(19)
    then = {"cert": CLOCK, "when": forge.NOW - 2 * forge.DAY}
    seeds = [sign(), sign(counter=then, certificates=GOOD.path + [CLOCK]),
             sign(hash_name="sha1", file_hash="sha256", more=[forge.attribute(
                 forge.NESTED, forge.seq())])]
    crb = TRUST_ROOT + forge.rule("Win.Blocked.Clock", CLOCK, is_trusted=False)
    rules = make_rules(crb)
    shutil.rmtree("damaged", ignore_errors=True)
    for number in range(2000):
        data = seeds[number % len(seeds)]
        write(f"damaged/{number}", mutate(rng, data, len(PROGRAM) if number % 10 else 0x80))
    ours, done = scan_folder([*SCAN, "--no-summary", "--rules", rules], "damaged")
    theirs, _ = scan_folder(["clamscan", "--no-summary", "-r", "-d", rules], "damaged")
    if done.returncode not in (0, 1) or done.stderr:
        return f"exit code {done.returncode}: {done.stderr[:300]}"
    wrong = [f"{name}: {sorted(ours.get(name, ()))} here, {sorted(theirs.get(name, ()))} there"
             for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
    return not wrong or f"{len(wrong)} differ, such as {wrong[:8]}"


tap.run()
