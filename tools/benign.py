#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ordinary files of all kinds, scanned by overt and by clamscan: the verdicts must be the same.

  benign.py [--dir DIR] [--overt build/overt] [--db FILE]... [--show N] [PACKAGE...]

Fetches Debian packages into DIR (once; nothing is installed or run), unpacks each, and keeps the
.deb beside it: some gigabytes of archives, documents, mail, programs and text, unpacked and packed.
Then overt scans them with its built-in rules, where every detection is a false alarm, and both
programs with the databases of --db (default: those of ../shared or OVERT_SHARED, or else one line that
finds nothing), limits and unpackers as they are by default. Each file on which they differ is a line. Exit 1 when there is any difference
or false alarm. clamscan takes a minute for each 100 MB with large databases.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

PACKAGES = """libreoffice-common groovy android-framework-res r-doc-pdf texlive-latex-base-doc
libpython3.11-testsuite grub-rescue-pc ipxe win32-loader nsis fp-docs-3.2.2
libreoffice-help-en-us gnome-backgrounds forensics-samples-files python3-setuptools-whl
python3-distlib openclipart-libreoffice wordpress manpages tcllib mono-devel grub-efi-amd64-bin
libjs-mathjax python3-numpy golang-1.19-src""".split()



VERDICTS = {"OK": "clean", "Empty file": "clean", "Symbolic link": "skipped",
            "Not a regular file": "skipped", "Excluded": "skipped"}


def fetch(folder, package):
    to = folder / "unpacked" / package
    if to.exists():
        return
    debs = folder / "deb"
    debs.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package],
                          cwd=debs, capture_output=True, check=False)
    found = sorted(debs.glob(f"{package}_*.deb"))
    if done.returncode != 0 or not found:
        print(f"benign: {package}: cannot be downloaded; left out", file=sys.stderr)
        return
    to.parent.mkdir(exist_ok=True)
    subprocess.run(["dpkg-deb", "-x", found[0], f"{to}.part"], check=True)
    os.rename(f"{to}.part", to)


def sample_databases(shared):
    """Those of the sample data that both programs read, in the order in which clamscan wants them."""
    found = [file for ending in ("ign2", "ndb", "db", "ldb", "hdb", "hsb", "mdb", "fp", "pdb", "wdb")
             for file in sorted(shared.glob(f"data/dev/clamav/*/*.{ending}"))]
    return [str(file) for file in found]


def overt(program, folder, databases):
    command = [program, "scan", "--json", "--quiet"]
    for database in databases:
        command += ["--rules", database]
    start = time.monotonic()
    done = subprocess.run([*command, folder], stdout=subprocess.PIPE, check=False)
    lines = [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines()]
    told = {}
    for line in lines:
        if "path" in line:
            names = [d["rule"] for d in line["detections"]]
            told[line["path"]] = names[0] if names else line["verdict"]
    return told, time.monotonic() - start


def clamscan(folder, databases):
    command = ["clamscan", "-r", "--no-summary", "--stdout", "--max-dir-recursion=100"]
    for database in databases:
        command += ["-d", database]
    start = time.monotonic()
    done = subprocess.run([*command, folder], stdout=subprocess.PIPE, check=False)
    told = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        path, _, rest = line.rpartition(": ")
        if path:
            told[path] = VERDICTS.get(rest) or rest.removesuffix(" FOUND")
    return told, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    parser.add_argument("--dir", default=f"{cache}/overt-benign", type=pathlib.Path)
    parser.add_argument("--overt", default="build/overt")
    parser.add_argument("--db", action="append", default=[])
    parser.add_argument("--show", type=int, default=40)
    parser.add_argument("packages", nargs="*", default=PACKAGES)
    a = parser.parse_args()
    for package in a.packages:
        fetch(a.dir, package)
    none = a.dir / "none.ndb"
    none.write_text("Nothing:0:*:" + os.urandom(24).hex() + "\n")
    folder = str(a.dir)
    starter, ours = overt(a.overt, folder, [])
    alarms = {path: name for path, name in starter.items()
              if name not in ("clean", "limited", "error", "skipped")}
    for path, name in list(alarms.items())[:a.show]:
        print(f"false alarm: {path}: {name}")
    print(f"built-in rules: {len(starter)} files in {ours:.1f} s, {len(alarms)} false alarms")
    shared = pathlib.Path(os.environ.get("OVERT_SHARED", "../shared"))
    databases = a.db or sample_databases(shared) or [str(none)]
    told, ours = overt(a.overt, folder, databases)
    reference, theirs = clamscan(folder, databases)
    differ = [(path, reference.get(path), told.get(path)) for path in sorted(set(told) | set(reference))
              if reference.get(path) != told.get(path)]
    # What a limit left out is "clean" for clamscan, and told as limited by us: no difference of
    # opinion on what was looked at.
    limited = [one for one in differ if one[1:] == ("clean", "limited")]
    differ = [one for one in differ if one not in limited]
    for path, _, _ in limited[:a.show]:
        print(f"limited: {path}")
    # clamscan opens no .deb, and Overt does.
    alone = [one for one in differ if one[0].endswith(".deb") and one[1] == "clean"]
    differ = [one for one in differ if one not in alone]
    for path, _, name in alone[:a.show]:
        print(f"opened by overt alone: {path}: {name}")
    for path, theirs_says, ours_says in differ[:a.show]:
        print(f"differs: {path}: clamscan {theirs_says}, overt {ours_says}")
    total = sum(f.stat().st_size for f in a.dir.rglob("*") if f.is_file() and not f.is_symlink())
    print(f"{len(told)} files, {total / 1e6:.0f} MB: {len(differ)} differ, "
          f"{len(limited)} limited, {len(alone)} opened by overt alone; clamscan {theirs:.1f} s, "
          f"overt {ours:.1f} s: {theirs / ours:.1f} times as fast")
    sys.exit(1 if differ or alarms else 0)


main()
