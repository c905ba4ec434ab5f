#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""`overt inventory` on real packages of the distribution: what apt brings is installed by dpkg into
a throw-away root, without its scripts, and found there with its version and its footprint. Needs a
mirror of Debian, and is skipped without. TAP."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
sys.path[:0] = [str(SOURCE / "tests"), str(SOURCE / "tests/inventory")]
import skeleton  # noqa: E402
import tap       # noqa: E402

OVERT = pathlib.Path(os.environ["OVERT_BUILD"], "overt")
# (product, package that has its version, all packages)
PRODUCTS = [
    ("clamav", "clamav-daemon", ["clamav", "clamav-base", "clamav-daemon", "clamav-freshclam"]),
    ("rkhunter", "rkhunter", ["rkhunter"]),
    ("chkrootkit", "chkrootkit", ["chkrootkit"]),
    ("aide", "aide", ["aide", "aide-common"]),
    ("tripwire", "tripwire", ["tripwire"]),
    ("fapolicyd", "fapolicyd", ["fapolicyd"]),
]


def look(root):
    done = subprocess.run([OVERT, "inventory", "--root", root, "--json"], capture_output=True,
                          text=True, check=False, timeout=300)
    return done.returncode, json.loads(done.stdout)


def download(folder, names):
    """Why it can't be had, or None."""
    if not shutil.which("apt-get"):
        return "there is no apt-get"
    done = subprocess.run(["apt-get", "download", "-q", *names], cwd=folder, capture_output=True,
                          text=True, check=False, timeout=120)
    return None if done.returncode == 0 else f"no mirror: {done.stderr.strip()[-200:]}"


def without_scripts(deb, folder):
    """The same package, whose scripts can't run: they would change this machine."""
    tree = folder / "unpacked"
    skeleton.run(["dpkg-deb", "-R", deb, tree])
    for name in ("preinst", "postinst", "prerm", "postrm", "config", "triggers"):
        (tree / "DEBIAN" / name).unlink(missing_ok=True)
    to = folder / f"{deb.stem}.bare.deb"
    skeleton.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, to])
    shutil.rmtree(tree)
    return to


def evidence(found, kind):
    return [item for item in found["evidence"] if item["kind"] == kind]


def check_product(work, ident, main, names):
    """Why it could not be had, or None."""
    folder = work / ident
    folder.mkdir()
    why = download(folder, names)
    if why:
        tap.skip(f"{ident} of the distribution is found", why)
        return why
    root = skeleton.base(folder / "root")
    skeleton.make_database(root)
    debs = [without_scripts(deb, folder) for deb in sorted(folder.glob("*.deb"))]
    skeleton.dpkg(root, "-i", *debs)
    version = skeleton.run(["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f",
                            "${Version}", main])
    code, report = look(root)
    found = {item["id"]: item for item in report["products"]}
    own = found.get(ident)
    tap.check(f"{ident} of the distribution is installed", code == 1 and own is not None
              and own["state"] == "installed", json.dumps(report["products"])[:800])
    tap.check(f"{ident}: nothing else is", set(found) == {ident}, sorted(found))
    told = {item["matched"]: item["detail"] for item in evidence(own, "package")} if own else {}
    tap.check(f"{ident}: its packages and their version are told", set(told) == set(names)
              and version in told[main], f"{told} {version}")
    if ident == "clamav":
        units = {item["matched"] for item in evidence(own, "unit")}
        tap.check("clamav: its units are told, and what they may", {
            "clamav-daemon.service", "clamav-freshclam.service", "clamav-clamonacc.service"
        } <= units and any("clamav-clamonacc" in power["detail"] for power
                           in own["footprint"]["powers"]), f"{units} {own['footprint']}")
    skeleton.dpkg(root, "-r", *names)
    _, report = look(root)
    left = {item["id"]: item["state"] for item in report["products"]}
    tap.check(f"{ident}: a trace at most is left when it is removed", set(left) <= {ident}
              and left.get(ident) != "installed", left)
    return None


def main():
    if not skeleton.has_dpkg():
        tap.skip("packages of the distribution", "there is no dpkg")
        return tap.end()
    with tempfile.TemporaryDirectory(prefix="overt-debian-") as folder:
        for product in PRODUCTS:
            if check_product(pathlib.Path(folder), *product):
                break
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
