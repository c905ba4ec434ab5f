#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""uuencode, yEnc and BinHex files, held against uudecode, macutils and clamscan. TAP."""
import base64
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import odd_mails  # noqa: E402
from beside import clamscan_names, overt_names  # noqa: E402
from members import EICAR, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
SIZES = (1, 2, 3, 44, 45, 46, 1000, 100_000)
PAYLOAD = sha256(odd_mails.PAYLOAD)


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def run(*command):
    if not has(command[0]):
        raise Skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, timeout=60, check=False).stdout


def list_pairs(path):
    return [(name, digest) for _, name, _, digest in walk(path)[0]]


@tap.case("what uuencode writes is decoded, in both of its encodings")
def _():
    for size in SIZES:
        data = random.Random(size).randbytes(size)
        write("plain.bin", data)
        for option in ("", "-m"):
            arguments = [a for a in (option, "plain.bin", "a name.bin") if a]
            path = write(f"made{option}.uu", run("uuencode", *arguments))
            if list_pairs(path) != [(b"a name.bin", sha256(data))]:
                return f"{size} {option}: {list_pairs(path)}"


@tap.case("what uudecode reads of a damaged file, we read as well")
def _():
    whole = odd_mails.uu("out.bin").encode()
    damaged = {"whole": whole, "crlf": whole.replace(b"\n", b"\r\n"),
               "no end": whole.replace(b"end\n", b""),
               "text before": b"Hello\n\n" + whole, "text behind": whole + b"\nbye\n"}
    for name, data in damaged.items():
        path = write(f"{name}.uu", data)
        pathlib.Path("out.bin").unlink(missing_ok=True)
        run("uudecode", "-o", "out.bin", path)
        theirs = sha256(pathlib.Path("out.bin").read_bytes())
        ours = [digest for _, _, _, digest in walk(path, "CL_TYPE_UUENCODED")[0]]
        if theirs not in ours:
            return f"{name}: {ours}"


@tap.case("what binhex of macutils writes is decoded")
def _():
    for size in SIZES:
        draw = random.Random(size)
        data = bytes(draw.choices((0x90, 0, 65, 66), weights=(2, 9, 9, 1), k=size))
        write("forks.bin", data)
        path = write("made.hqx", run("binhex", "-d", "forks.bin").replace(
            b"converted; you knew that already.)", b"converted with BinHex 4.0)"))
        if list_pairs(path) != [(b"forks.bin", sha256(data))]:
            return f"{size}: {list_pairs(path)}"


@tap.case("hexbin of macutils reads the same forks")
def _():
    path = write("own.hqx", odd_mails.binhex("own").encode())
    run("hexbin", "-d", path)
    theirs = sha256(pathlib.Path("own.data").read_bytes())
    return list_pairs(path) == [(b"own", theirs)] or str(list_pairs(path))


@tap.case("yEnc: one file, a file in parts, several files")
def _():
    text = odd_mails.yenc("x.bin").encode("latin-1")
    if list_pairs(write("one.yenc", text)) != [(b"x.bin", PAYLOAD)]:
        return str(list_pairs("one.yenc"))
    if list_pairs(write("three.yenc", text * 3)) != [(b"x.bin", PAYLOAD)] * 3:
        return str(list_pairs("three.yenc"))
    parts = b"".join(
        b"=ybegin part=%d total=2 line=128 size=6 name=p.bin\r\n=ypart begin=1 end=3\r\n" % number +
        bytes(byte + 42 for byte in piece) + b"\r\n=yend size=3 part=%d\r\n" % number
        for number, piece in ((1, b"abc"), (2, b"def")))
    pairs = list_pairs(write("parts.yenc", parts))
    return pairs == [(b"p.bin", sha256(b"abcdef"))] or str(pairs)


@tap.case("files that break off are told as far as they go")
def _():
    for name, text in {"uu": odd_mails.uu(), "yenc": odd_mails.yenc(),
                       "hqx": odd_mails.binhex()}.items():
        data = text.encode("latin-1")
        path = write(f"cut.{name}", data[:len(data) // 2])
        parts, _, status = walk(path)
        if status != "damaged" or not 100 < parts[0][2] < 400:
            return f"{name}: {parts} {status}"


@tap.case("EICAR is found in each")
def _():
    uu = run("uuencode", write("eicar.com", EICAR), "eicar.com")
    hqx = run("binhex", "-d", "eicar.com")
    frame = b"begin-base64 644 eicar.com\n" + base64.encodebytes(EICAR) + b"====\n"
    yenc = (b"=ybegin line=128 size=68 name=eicar.com\r\n" + bytes(b + 42 for b in EICAR) +
            b"\r\n=yend size=68\r\n")
    for name, data in {"uu": uu, "hqx": hqx, "base64": frame, "yenc": yenc}.items():
        answer = finds_eicar(write(f"eicar.{name}", data), "!eicar.com")
        if answer is not True:
            return f"{name}: {answer}"


@tap.case("clamscan finds the same in those that it reads")
def _():
    rules = write("marker.ndb", f"Encoded-Test:0:*:{odd_mails.MARKER.hex()}\n".encode())
    found = {}
    for name, text in {"uu": odd_mails.uu(), "hqx": odd_mails.binhex(),
                       "yenc": odd_mails.yenc()}.items():
        path = write(f"beside.{name}", text.encode("latin-1"))
        found[name] = (overt_names(path, rules), clamscan_names(path, rules))
    print(f"# {found}")
    return all(ours and set(theirs) <= set(ours) for ours, theirs in found.values()) or str(found)


tap.run()
