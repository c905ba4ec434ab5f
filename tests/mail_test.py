#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mails, held against Python's email package, ripmime, munpack and clamscan. TAP."""
# timeout: 240
import email
import email.policy
import hashlib
import mailbox
import pathlib
import random
import re
import shutil
import subprocess
import sys
from email.message import EmailMessage

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import odd_mails  # noqa: E402
from members import (BUILD, EICAR, LINE, SCAN, Skip, Tap, finds_eicar, has, scan,  # noqa: E402
                     sha256, walk)

tap = Tap()
RULE = "Odd-Mail"
UMLAUTS = "\u00e4\u00f6\u00fc"


def write(name, data):
    path = pathlib.Path(name.replace("/", "_"))
    path.write_bytes(data)
    return str(path)


# ---- mails as programs write them ----------------------------------------------------------------

def make_leaf(draw):
    leaf = EmailMessage()
    size = draw.choice((1, 10, 76, 1000, 30_000))
    kind = draw.randrange(4)
    if kind == 0:
        words = draw.choices(("some", "words", UMLAUTS, "=", "end", "\n"), k=size // 5 + 1)
        leaf.set_content(" ".join(words), cte=draw.choice(("base64", "quoted-printable")))
    elif kind == 1:
        leaf.set_content(f"<html><p>{size}</p></html>\n", subtype="html")
    else:
        leaf.set_content(draw.randbytes(size), maintype="application", subtype="octet-stream",
                         filename=draw.choice(("a.bin", "a b.bin", UMLAUTS, "n" * 150)))
    return leaf


def make_tree(draw, depth):
    if depth == 0 or draw.random() < 0.3:
        return make_leaf(draw)
    tree = EmailMessage()
    if draw.random() < 0.2:
        inner = make_tree(draw, depth - 1)
        inner["Subject"] = "inner"
        tree.set_content(inner)
        return tree
    tree["Content-Type"] = "multipart/" + draw.choice(("mixed", "related", "alternative", "x-odd"))
    for _ in range(draw.randrange(1, 5)):
        tree.attach(make_tree(draw, depth - 1))
    if draw.random() < 0.5:
        tree.preamble = "This is a multi-part message in MIME format.\n"
        tree.epilogue = "behind\n"
    return tree


def make_mail(seed):
    draw = random.Random(seed)
    mail = make_tree(draw, 4)
    mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", f"mail {seed}"
    policy = draw.choice((email.policy.SMTP, email.policy.default))
    return mail.as_bytes(policy=policy)


def is_message(part):
    return part.get_content_maintype() == "message"


def list_python(data, policy):
    """What Python's parser shows: the decoded leaves of one message, and of those inside it."""
    told = []

    def visit(part):
        if part.is_multipart():
            for child in part.get_payload():
                visit(child)
        else:
            told.append(part.get_payload(decode=True))
    visit(email.message_from_bytes(data, policy=policy))
    return sorted(sha256(leaf) for leaf in told if leaf.strip())


def list_overt(path, seen=None):
    """What the walker tells, messages inside messages opened."""
    seen = [] if seen is None else seen
    folder = pathlib.Path(f"{path}.parts{len(seen)}")
    folder.mkdir()
    parts, _, status = walk_into(path, folder)
    assert status == "done", status
    for number, (_, _, _, digest, filetype) in enumerate(parts, 1):
        if filetype == "CL_TYPE_MAIL":
            list_overt(str(folder / str(number)), seen)
        else:
            seen.append(digest)
    return seen


def walk_into(path, folder):
    done = subprocess.run([BUILD / "tests/members", "-x", folder, path, "CL_TYPE_MAIL"],
                          capture_output=True, timeout=60, check=True)
    lines = done.stdout.decode().splitlines()
    told = [LINE.match(line) for line in lines if line.startswith("member")]
    parts = [(m[1], m[6], int(m[2]), m[3], m[4]) for m in told]
    return parts, lines[-2], lines[-1].split(" ", 1)[1]


@tap.case("mails that Python writes have the parts that Python reads")
def _():
    count = 0
    for seed in range(120):
        data = make_mail(seed)
        path = write(f"made-{seed}.eml", data)
        actual = sorted(list_overt(path))
        # What stands before and behind the parts is told as well: it is for readers without MIME.
        around = {sha256(text) for text in (b"This is a multi-part message in MIME format.\n",
                                            b"This is a multi-part message in MIME format.\r\n",
                                            b"This is a multi-part message in MIME format.",
                                            b"behind\n", b"behind\r\n", b"behind",
                                            b"\n", b"\r\n", b" ")}
        actual = [digest for digest in actual if digest not in around]
        for policy in (email.policy.default, email.policy.compat32):
            expected = list_python(data, policy)
            if actual != expected:
                return f"{path}: {len(actual)} parts, not {len(expected)}"
        count += len(actual)
    return count > 300 or f"only {count} parts"


def list_names(mail):
    return [name for _, name, _, _ in walk(write("names.eml", mail), "CL_TYPE_MAIL")[0] if name]


@tap.case("names in all their forms are those that Python reads")
def _():
    names = ["plain.exe", "with blanks.exe", 'quo"te.exe', UMLAUTS + " \u20ac.exe",
             "x" * 300 + ".exe", "semi;colon.exe", "per%41cent.exe"]
    for policy in (email.policy.default, email.policy.compat32):
        for name in names:
            mail = EmailMessage(policy=email.policy.default)
            mail["Subject"] = "names"
            mail.add_attachment(b"bytes", maintype="x", subtype="y", filename=name)
            if policy is email.policy.compat32:
                text = mail.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n"))
            else:
                text = mail.as_bytes()
            if list_names(text) != [name.encode()]:
                return f"{name}: {list_names(text)}"
    words = (b"From: a\nContent-Type: x/y; name=\"=?iso-8859-1?Q?=E4_b?=\n"
             b" =?utf-8?B?LmV4ZQ==?=\"\n\nbody\n")
    return list_names(words) == [b"\xe4 b.exe"] or str(list_names(words))


@tap.case("a mailbox has the messages that Python's mailbox reads")
def _():
    box = mailbox.mbox("box.mbox")
    expected = []
    for seed in range(40):
        mail = EmailMessage()
        mail["Subject"], mail["From"] = f"{seed}", "a@example.org"
        text = f"Hello {seed}\n\nFrom nowhere a sentence comes\n"
        mail.set_content(text)
        data = random.Random(seed).randbytes(1000)
        mail.add_attachment(data, maintype="x", subtype="y", filename=f"{seed}.bin")
        box.add(mailbox.mboxMessage(mail))
        expected.append((f"{seed}.bin".encode(), sha256(data)))
    box.flush()
    told = [(name, digest) for _, name, _, digest in walk("box.mbox")[0] if name]
    return told == expected or f"{len(told)} attachments"


# ---- other programs ------------------------------------------------------------------------------

def unpack_with(program, command, data):
    if not has(program):
        raise Skip(f"{program} is not installed")
    folder = pathlib.Path(program)
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    write(f"{program}.eml", data)
    subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=folder)
    return {sha256(path.read_bytes()): path.name for path in folder.iterdir()}


def compare_attachments(program, command):
    attached = 0
    for seed in range(120):
        data = make_mail(seed)
        path = write("beside.eml", data)
        told = {digest for _, _, _, digest in walk(path, "CL_TYPE_MAIL")[0]}
        binary = {sha256(part.get_payload(decode=True)) for part in
                  email.message_from_bytes(data).walk()
                  if part.get_filename() and not part.is_multipart()}
        unpacked = unpack_with(program, command, data)
        missed = [name for digest, name in unpacked.items() if digest in binary - told]
        in_messages = b"message/rfc822" in data
        if missed and not in_messages:
            return f"mail {seed}: {missed}"
        attached += len(binary & set(unpacked) & told)
    return attached > 50 or f"only {attached} attachments to compare"


@tap.case("attachments that ripmime unpacks are told")
def _():
    return compare_attachments("ripmime", ["ripmime", "-i", "../ripmime.eml", "-d", "."])


@tap.case("attachments that munpack unpacks are told")
def _():
    return compare_attachments("munpack", ["munpack", "-f", "-q", "../munpack.eml"])


# ---- odd mails -----------------------------------------------------------------------------------

def write_rules():
    rules = pathlib.Path("odd.ndb")
    rules.write_text(f"{RULE}:0:*:{odd_mails.MARKER.hex()}\n", encoding="ascii")
    return str(rules)


def found_by(command, mails):
    """The names of the mails in which the program finds the attachment."""
    folder = pathlib.Path("odd")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, mail in enumerate(mails.values()):
        (folder / f"{number}.eml").write_bytes(mail)
    done = subprocess.run([*command, folder], capture_output=True, timeout=120, check=False)
    lines = re.findall(rf"^.*?(\d+)\.eml\S*: {RULE}\S* FOUND$", done.stdout.decode(), re.M)
    assert done.returncode == 1, f"{done.stdout[-300:]} {done.stderr[-300:]}"
    return {list(mails)[int(number)] for number in lines}


@tap.case("the attachment of every odd mail is found")
def _():
    mails = odd_mails.build()
    rules = write_rules()
    found = found_by([*SCAN, "--no-summary", "--rules", rules], mails)
    missed = [name for name in mails if name not in found]
    raw = [name for name, mail in mails.items()
           if odd_mails.MARKER in mail and name != "binary"]
    assert not raw, f"can be seen without decoding: {raw}"
    print(f"# {len(mails)} odd mails")
    return not missed or f"missed: {missed}"


@tap.case("what clamscan finds in odd mails, we find; the other way round there is more")
def _():
    mails = odd_mails.build()
    rules = write_rules()
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    ours = found_by([*SCAN, "--no-summary", "--rules", rules], mails)
    theirs = found_by(["clamscan", "--no-summary", "-r", "-d", rules], mails)
    print(f"# of {len(mails)}: overt {len(ours)}, clamscan {len(theirs)}")
    print("# clamscan does not find:", ", ".join(sorted(ours - theirs)))
    return theirs <= ours or f"clamscan alone: {sorted(theirs - ours)}"


@tap.case("the attachment of most odd mails is told byte by byte")
def _():
    # Not where the encoding itself lost bytes, or where readers see more than the attachment.
    wanted = hashlib.sha256(odd_mails.PAYLOAD).hexdigest()
    inexact = []
    for name, mail in odd_mails.build().items():
        path = write(f"odd {name}.eml", mail)
        digests = set()
        pathlib.Path(f"{path}.parts0").mkdir(exist_ok=True)
        parts, _, _ = walk_into(path, f"{path}.parts0")
        digests = {part[3] for part in parts}
        if wanted not in digests and not any(part[4] == "CL_TYPE_MAIL" for part in parts):
            inexact.append(name)
    print("# inexact:", ", ".join(inexact))
    return len(inexact) <= 8 or f"{len(inexact)}"


@tap.case("EICAR is found in an attachment, in a mail in a mail, and the path is told")
def _():
    inner = EmailMessage()
    inner["Subject"], inner["From"] = "inner", "a@example.org"
    inner.set_content("look")
    inner.add_attachment(EICAR, maintype="application", subtype="x-test", filename="eicar.com")
    outer = EmailMessage()
    outer["Subject"], outer["From"] = "outer", "b@example.org"
    outer.set_content("see below")
    outer.add_attachment(inner)
    answer = finds_eicar(write("inner.eml", bytes(inner)), "!eicar.com")
    if answer is not True:
        return answer
    return finds_eicar(write("outer.eml", bytes(outer)), "outer.eml!eicar.com")


@tap.case("mails in mails are looked into as deep as the limit, and more are limited")
def _():
    def forward(levels):
        mail = b"From: a\n\nHello\n"
        for _ in range(levels):
            mail = b"From: a\nContent-Type: message/rfc822\n\n" + mail
        return mail
    done = scan(write("shallow.eml", forward(10)))
    if done["verdict"] != "clean":
        return str(done)
    record = scan(write("deep.eml", forward(40)))
    return (record["verdict"], record.get("limit")) == ("limited", "max-recursion") or str(record)


@tap.case("of many mails in a text each is looked into, and none is too deep")
def _():
    for count in (3, 50):
        text = "Look at these:\n\n" + "\n\n".join(
            odd_mails.mixed(odd_mails.part() if n == count - 1 else "Content-Type: text/plain\n\nhello\n",
                            head=f"Content-Type: text/plain\nX-Number: {n}\n") for n in range(count))
        mail = f"From: a\nSubject: b\n\n{text}"
        record = scan(write(f"many{count}.eml", mail.encode()), "--rules", write_rules())
        if record["verdict"] != "found" or record.get("limit"):
            return f"{count}: {record}"


@tap.case("mails that clamscan has no type for are looked into beside their type")
def _():
    rules = write_rules()
    for first in ("X-Odd: 1", "Reply-To: a", "content-language: en", "DKIM-Signature: x"):
        mail = odd_mails.mixed(odd_mails.part(), head=first + "\nSubject: x\n")
        if not found_by([*SCAN, "--rules", rules], {first: mail.encode()}):
            return first
    return True


@tap.case("hostile mails take no more time than long ones")
def _():
    head = b"From: a\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n\n"
    for name, piece in {"dashes": b"--\n", "boundaries": b"--a\n", "headers": b"A: b\n",
                        "folds": b" x\n", "uu": b"begin 644 x\n", "yenc": b"=ybegin line=1 \n",
                        "binhex": b"(This file must be converted with BinHex 4.0)\n",
                        "mime": b"--a\nContent-Type: multipart/mixed; boundary=b\n\n",
                        "types": b"\nContent-Type: x\nMIME-Version: y\n",
                        "from": b"\nFrom \nA: b\n", "blank": b" \n",
                        "base64": b"--a\nContent-Transfer-Encoding: base64\n\nAA==\n"}.items():
        record = scan(write(f"hostile-{name}.eml", head + piece * (2_000_000 // len(piece))),
                      "--max-scantime=60000")
        if record["verdict"] not in ("clean", "limited") or \
                record.get("limit") in ("max-scantime", "memory"):
            return f"{name}: {record}"


@tap.case("a text that is its own part is looked at once")
def _():
    # A catalog of translations, as gettext makes it: its header reads as the header of a mail.
    data = b"\xde\x12\x04\x95" + bytes(40) + b"text\0\nMIME-Version: 1.0\nContent-Type: text/plain\n\0end\0"
    pathlib.Path("catalog.mo").write_bytes(data)
    record = scan("catalog.mo")
    return record["verdict"] == "clean" or str(record)


tap.run()
