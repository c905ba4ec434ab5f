#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""overt inventory finds nothing on clean systems: roots that are like Ubuntu's and Fedora's, made of
lists of packages and of what comes with these, machines of developers, and Debian's own, made by
debootstrap (with OVERT_LONG, and when its mirror can be reached). TAP."""
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import tap

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "inventory"))
import clean  # noqa: E402

OVERT = pathlib.Path(os.environ["OVERT_BUILD"], "overt")
MIRROR = "http://deb.debian.org/debian"


def check_nothing(name, root, *expected):
    """Nothing is found, and of what was read each of these is told."""
    done = subprocess.run([OVERT, "inventory", "--root", str(root)], capture_output=True, text=True,
                          timeout=120, check=False)
    tap.check(name, done.returncode == 0 and all(word in done.stdout for word in expected),
              f"{done.returncode} {done.stderr} {done.stdout}")


def check_ubuntu():
    root = clean.ubuntu(pathlib.Path("ubuntu").absolute())
    count = len(clean.packages("ubuntu"))
    check_nothing("nothing is found on a root that is like Ubuntu", root,
                  f"packages of dpkg: {count} in 1 file", "users: ", "rules of sudo")
    clean.add_developer(root)
    check_nothing("nor on the machine of a developer", root, "package sources of apt: ",
                  "layers of containers on disk: 2")


def check_fedora():
    if not shutil.which("rpmbuild") or not shutil.which("rpm"):
        tap.skip("nothing is found on a root that is like Fedora", "rpm is not here")
        return
    root = clean.fedora(pathlib.Path("fedora").absolute())
    count = len([name for name in clean.packages("fedora") if name != "gpg-pubkey"])
    check_nothing("nothing is found on a root that is like Fedora", root,
                  f"packages of rpm (SQLite): {count} in 1 file", "users: ")


def check_debian():
    name = "nothing is found on a fresh Debian 12"
    if not os.environ.get("OVERT_LONG"):
        tap.skip(name, "OVERT_LONG is not set")
        return
    if not shutil.which("debootstrap") or os.geteuid() != 0:
        tap.skip(name, "debootstrap is not here, or we are not root")
        return
    try:
        with urllib.request.urlopen(MIRROR + "/dists/bookworm/Release", timeout=5):
            pass
    except (urllib.error.URLError, OSError) as error:
        tap.skip(name, f"{MIRROR} cannot be reached: {error}")
        return
    done = subprocess.run(["debootstrap", "--variant=minbase", "bookworm", "debian", MIRROR],
                          capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        tap.skip(name, f"debootstrap: {done.stdout[-200:]}")
        return
    check_nothing(name, "debian", "packages of dpkg: ")


def main():
    check_ubuntu()
    check_fedora()
    check_debian()
    return tap.end()


if __name__ == "__main__":
    raise SystemExit(main())
