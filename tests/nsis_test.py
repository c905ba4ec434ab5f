#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installers made by makensis, with each of its compressions, solid and not. TAP."""
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from members import EICAR, Skip, Tap, finds_eicar, has, scan, sha256, walk  # noqa: E402

tap = Tap()
MARK = b"\xef\xbe\xad\xdeNullsoftInst"
METHODS = [(name, solid) for name in ("zlib", "bzip2", "lzma") for solid in ("", "/SOLID")]
FILES = {
    "text.txt": b"some text that repeats itself\r\n" * 4000,
    "runs.bin": bytes(70_000) + b"\xff" * 1000 + b"ab" * 3000,
    "noise.bin": random.Random(5).randbytes(150_000),
    "large.bin": bytes(random.Random(6).choices(b"abcdefgh\0\xff", k=1_200_000)),
    "eicar.com": EICAR,
}


def make(method, solid, files):
    """Writes an installer; returns its path."""
    if not has("makensis"):
        raise Skip("makensis is not installed")
    for name, plain in files.items():
        pathlib.Path(name).write_bytes(plain)
    path = f"{method}{solid.strip('/')}{len(files)}.exe"
    lines = [f"SetCompressor {solid} {method}", 'Name "Test"', f'OutFile "{path}"', "Section",
             'SetOutPath "$TEMP"', *(f'File "{name}"' for name in files), "SectionEnd"]
    pathlib.Path("script.nsi").write_text("\n".join(lines) + "\n")
    subprocess.run(["makensis", "-V1", "script.nsi"], check=True, timeout=60)
    return path


def cut_out(path):
    """Writes what stands behind the program in an installer; returns its path."""
    data = pathlib.Path(path).read_bytes()
    pathlib.Path(path + ".nsis").write_bytes(data[data.index(MARK) - 4:])
    return path + ".nsis"


def check(path, files):
    parts, _, status = walk(cut_out(path), "CL_TYPE_NULSFT")
    expected = [sha256(plain) for plain in files.values()]
    actual = [digest for _, _, _, digest in parts[1:]]
    return (actual == expected and status == "done") or f"{path}: {parts} {status}"


@tap.case("every compression gives the script and then the files")
def _():
    for method, solid in METHODS:
        answer = check(make(method, solid, FILES), FILES)
        if answer is not True:
            return answer


@tap.case("many files")
def _():
    files = {f"file{n}": random.Random(n).randbytes(n * 7 % 300 + 1) for n in range(60)}
    for method, solid in METHODS:
        answer = check(make(method, solid, files), files)
        if answer is not True:
            return answer


@tap.case("EICAR is found in an installer, in its archive, as the last item")
def _():
    for method, solid in METHODS:
        answer = finds_eicar(make(method, solid, FILES), "#1!#6")
        if answer is not True:
            return f"{method}{solid}: {answer}"


@tap.case("an installer that breaks off gives the files before")
def _():
    for method, solid in METHODS:
        path = make(method, solid, {"eicar.com": EICAR, "noise.bin": FILES["noise.bin"]})
        data = pathlib.Path(path).read_bytes()
        pathlib.Path("cut.exe").write_bytes(data[:-100_000])
        found = scan("cut.exe")
        # A block of bzip2 is all or nothing.
        if found["verdict"] != "found" and (method, solid) != ("bzip2", "/SOLID"):
            return f"{method}{solid}: {found}"


@tap.case("7z extracts the same files")
def _():
    if not has("7z"):
        raise Skip("7z is not installed")
    for method, solid in METHODS:
        path = make(method, solid, FILES)
        subprocess.run(["7z", "x", "-y", f"-o{path}.d", path], capture_output=True, timeout=60,
                       check=True)
        theirs = {sha256(file.read_bytes()) for file in pathlib.Path(f"{path}.d").rglob("*")
                  if file.is_file()}
        ours = {digest for _, _, _, digest in walk(cut_out(path), "CL_TYPE_NULSFT")[0][1:]}
        if theirs != ours:
            return f"{path}: {len(theirs)} files, we told {len(ours)}"


tap.run()
