# SPDX-License-Identifier: Apache-2.0
"""Asks clamscan where it believes entry points and sections of an executable are.

Files for it are filled with markers: eight bytes that occur once, one at every multiple of eight.
A signature `EP+3:marker of 0x400` that hits says that the entry point lies at 0x3fd, so that a set
of signatures over all markers reads the number out of clamscan, whatever it is, without our reader
having a say in it. The same works for Sx, SL, SEx and EOF.
"""
import hashlib
import os
import re
import shutil
import subprocess
import tempfile

TARGETS = {"pe": 1, "elf": 6, "macho": 9}
GRID_BYTES = 8192
SECTIONS = 5


def marker(offset):
    """The marker at `offset`; no two are equal, and none holds bytes that name a file format."""
    digest = hashlib.sha256(b"overt marker %d" % offset).digest()
    return bytes(0x80 | byte for byte in digest[:8])


def canvas(size=GRID_BYTES):
    """`size` bytes of markers; longer ones than the grid end with its last marker."""
    blob = bytearray(b"".join(marker(at) for at in range(0, size, 8))[:size])
    if size > GRID_BYTES:
        blob[-8:] = marker(GRID_BYTES - 8)
    return blob


MARKER_PLACES = {marker(at): at for at in range(0, GRID_BYTES, 8)}


def has_clamscan():
    return shutil.which("clamscan") is not None


def write_rules(path, target, with_last=True):
    """The signature set for one target."""
    with open(path, "w", encoding="ascii") as out:
        for at in range(0, GRID_BYTES, 8):
            text = marker(at).hex()
            for step in range(8):
                out.write(f"EP_{at - step}:{target}:EP+{step}:{text}\n")
                if with_last:
                    out.write(f"SL_{at - step}:{target}:SL+{step}:{text}\n")
                for x in range(SECTIONS):
                    out.write(f"S{x}_{at - step}:{target}:S{x}+{step}:{text}\n")
            # What points into the headers has no marker near it.
            for step in range(1024, 1032):
                out.write(f"EP_{at - step}:{target}:EP+{step}:{text}\n")
                for x in range(SECTIONS):
                    out.write(f"S{x}_{at - step}:{target}:S{x}+{step}:{text}\n")
            for x in range(SECTIONS):
                out.write(f"E{x}_{at}:{target}:SE{x}:{text}\n")
            out.write(f"EOF_{at}:{target}:EOF-8:{text}\n")


class ClamscanCrash(Exception):
    """clamscan itself was killed by a signal."""


def run_clamscan(database, paths, extra=()):
    """{path: [name without .UNOFFICIAL, ...]} for the files."""
    with tempfile.NamedTemporaryFile("w", suffix=".list") as listing:
        listing.write("\n".join(paths) + "\n")
        listing.flush()
        done = subprocess.run(
            ["clamscan", "--allmatch", "--no-summary", "-d", database, "-f", listing.name, *extra],
            capture_output=True, text=True, check=False, timeout=280)
    if done.returncode < 0 or done.returncode >= 128:
        raise ClamscanCrash(str(done.returncode))
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout[-500:] + done.stderr[-2000:])
    found = {path: [] for path in paths}
    for line in done.stdout.splitlines():
        match = re.fullmatch(r"(.*): (\S+)\.UNOFFICIAL FOUND", line)
        if match:
            found[match[1]].append(match[2])
    return found


def run_around_crashes(rules, spare_rules, paths):
    """Like run_clamscan; files on which clamscan crashes are asked again with `spare_rules`.

    clamscan 1.4.6 crashes on an ELF file without sections when a signature uses SL.
    """
    try:
        return run_clamscan(rules, paths)
    except ClamscanCrash:
        if len(paths) == 1:
            return run_clamscan(spare_rules, paths)
    half = len(paths) // 2
    return {**run_around_crashes(rules, spare_rules, paths[:half]),
            **run_around_crashes(rules, spare_rules, paths[half:])}


def read_answer(names):
    """clamscan's view of one file, out of the names that it reported."""
    answer = {"readable": False, "entry": None, "last": None, "starts": {}, "inside": {}}
    for name in set(names):
        kind, _, value = name.partition("_")
        value = int(value)
        if kind == "EOF":
            answer["readable"] = True
        elif kind == "EP":
            answer["entry"] = value
        elif kind == "SL":
            answer["last"] = value
        elif kind[0] == "S":
            answer["starts"][int(kind[1:])] = value
        elif kind[0] == "E":
            answer["inside"].setdefault(int(kind[1:]), []).append(value)
    for markers in answer["inside"].values():
        markers.sort()
    return answer


def write_files(folder, blobs):
    """Writes each of `blobs` to a file; the paths."""
    paths = []
    for index, blob in enumerate(blobs):
        path = os.path.join(folder, f"{index:06d}")
        with open(path, "wb") as out:
            out.write(blob)
        paths.append(path)
    return paths


def ask_names(kind, paths, folder):
    """The names of the oracle's signatures that clamscan reports for each path."""
    rules, spare_rules = os.path.join(folder, "oracle.ndb"), os.path.join(folder, "spare.ndb")
    write_rules(rules, TARGETS[kind])
    write_rules(spare_rules, TARGETS[kind], with_last=False)
    found = run_around_crashes(spare_rules, spare_rules, paths)
    # Only what is known to have a section is asked for SL: each crash costs many more runs.
    known = [path for path in paths if any(re.match(r"[SE]\d", name) for name in found[path])]
    return {**found, **run_around_crashes(rules, spare_rules, known)} if known else found


def ask(kind, blobs, folder=None):
    """clamscan's answers for a list of files given as bytes."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        paths = write_files(home, blobs)
        found = ask_names(kind, paths, home)
        return [read_answer(found[path]) for path in paths]


def ask_imports(paths, folder):
    """{path: (MD5, size) or None}: the import hashes that clamscan prints with --debug."""
    database = os.path.join(folder, "none.imp")
    with open(database, "w", encoding="ascii") as out:
        out.write("44d88612fea8a8f36de82e1278abb02f:68:None\n")
    listing = os.path.join(folder, "paths")
    with open(listing, "w", encoding="utf-8") as out:
        out.write("\n".join(paths) + "\n")
    done = subprocess.run(["clamscan", "--debug", "--no-summary", "-d", database, "-f", listing],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    answers, last = {}, None
    for line in done.stdout.decode("latin-1").splitlines():
        match = re.search(r"IMP: ([0-9a-f]{32}):(\d+)", line)
        if match:
            last = (match[1], int(match[2]))
        for path in re.findall(r"^(/.*): (?:OK|.* FOUND)$", line):
            answers[path], last = last, None
    return answers
