#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
"""overt inventory below a root: what is found and what is not, clean systems without a finding, and
hostile roots that give a whole report which says what could not be read. TAP."""
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import time

import tap

OVERT = pathlib.Path(os.environ["OVERT_BUILD"], "overt")
SECONDS = 60


def run(root, *words):
    start = time.monotonic()
    done = subprocess.run([OVERT, "inventory", "--root", str(root), *words], capture_output=True,
                          timeout=SECONDS, check=False)
    return done.returncode, done.stdout, done.stderr, time.monotonic() - start


def report(root):
    code, out, err, _ = run(root, "--json")
    return code, json.loads(out) if out else {"error": err}


def make(name, files=(), folders=(), links=()):
    """A throw-away root. Files: path, or (path, bytes)."""
    root = pathlib.Path(name).absolute()
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for item in files:
        path, data = item if isinstance(item, tuple) else (item, b"")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    for path, target in links:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, root / path)
    return root


def evidence(found, product):
    """Of one product: {(kind, matched, place)}, or None."""
    for item in found["products"]:
        if item["id"] == product:
            return {(e["kind"], e["matched"], e["place"]) for e in item["evidence"]}
    return None


def state(found, product):
    return next((p["state"] for p in found["products"] if p["id"] == product), "absent")


KESL = ["opt/kaspersky/kesl/bin/kesl-control", "opt/kaspersky/kesl/libexec/kesl"]


def check_products():
    root = make("two", [*KESL, "usr/lib/systemd/system/kesl.service"])
    code, found = report(root)
    tap.check("paths and a unit make a product installed",
              code == 1 and state(found, "kaspersky-kesl") == "installed", found)
    tap.check("each evidence has its source and its pattern",
              all(e["source"] and e["indicator"] for p in found["products"]
                  for e in p["evidence"]), found)
    text = run(root)[1].decode()
    tap.check("the text says so first", "installed: 1" in text.splitlines()[0] and
              "\nINSTALLED: Kaspersky Endpoint Security" in text, text)
    code, out, err, _ = run(root, "--html", "page.html")
    page = pathlib.Path("page.html").read_text()
    tap.check("the page has it, too, and no script", code == 1 and "kesl.service" in page and
              page.endswith("</html>\n") and "<script" not in page and "<a" not in page, err + out)
    code, found = report(make("one", KESL))
    tap.check("one kind of evidence makes a trace",
              code == 1 and state(found, "kaspersky-kesl") == "trace", found)
    code, found = report(make("none", ["usr/bin/ls", "etc/passwd"]))
    tap.check("nothing is nothing", code == 0 and not found["products"], found)
    root = make("left", links=[
        ("etc/systemd/system/multi-user.target.wants/kesl.service",
         "/usr/lib/systemd/system/kesl.service")])
    code, found = report(root)
    residue = [e["residue"] for p in found["products"] for e in p["evidence"]]
    tap.check("a link to a unit that is gone is left over", residue == [True], found)


def check_rights():
    root = make("rights", [*KESL, "usr/lib/systemd/system/kesl.service"])
    (root / KESL[0]).chmod(0o4755)
    found = report(root)[1]
    foot = next(p["footprint"] for p in found["products"] if p["id"] == "kaspersky-kesl")
    tap.check("a set-user-id program is told",
              len(foot["setuid"]) == 1 and "/" + KESL[0] in foot["setuid"][0], foot)
    capability = bytes.fromhex("0100000204000000000000000000000000000000")
    try:
        os.setxattr(root / KESL[1], "security.capability", capability)
    except OSError as error:
        tap.skip("capabilities of a file are named", f"they cannot be set here: {error}")
        return
    found = report(root)[1]
    foot = next(p["footprint"] for p in found["products"] if p["id"] == "kaspersky-kesl")
    tap.check("capabilities of a file are named",
              foot["capabilities"] == ["CAP_DAC_READ_SEARCH of file /" + KESL[1]], foot)


def check_containers():
    stores = {
        "var/lib/docker/overlay2/0123456789abcdef0123456789abcdef/diff":
            "container layer 0123456789abcdef0123",
        "var/lib/containers/storage/overlay/aaaa/diff": "container layer aaaa",
        "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/17/fs":
            "container snapshot 17",
        "home/a/.local/share/containers/storage/overlay/bbbb/diff": "container layer bbbb",
    }
    root = make("containers", [f"{store}/{file}" for store in stores for file in KESL])
    found = report(root)[1]
    places = {place for _, _, place in evidence(found, "kaspersky-kesl") or ()}
    tap.check("layers of containers are looked at, each by itself",
              places == set(stores.values()), places)
    tap.check("what is in one layer and what is in another are not added up",
              state(found, "kaspersky-kesl") == "trace", found)


def check_modules():
    root = make("modules", ["lib/modules/6.1.0-9-amd64/updates/dkms/eset_rtp.ko.xz",
                            "lib/modules/6.1.0-9-amd64/kernel/fs/ext4/ext4.ko"])
    found = report(root)[1]
    seen = {(kind, matched) for p in found["products"] for kind, matched, _ in
            evidence(found, p["id"])}
    tap.check("kernel modules are found by the names of their files",
              seen == {("kernel module", "eset_rtp")}, seen)


# ---- what files say ------------------------------------------------------------------------------

STATUS = b"""Package: kesl
Status: install ok installed
Version: 12.1.0-1297

Package: klnagent64
Status: deinstall ok config-files
Version: 15.1

"""


def powers(found, product):
    return {(p["power"], p["detail"]) for item in found["products"] if item["id"] == product
            for p in item["footprint"]["powers"]}


def check_files():
    unit = b"[Service]\nExecStart=/opt/kaspersky/kesl/libexec/kesl --x\nNoNewPrivileges=yes\n"
    root = make("said", [
        *KESL, ("var/lib/dpkg/status", STATUS), ("usr/lib/systemd/system/kesl.service", unit),
        ("etc/systemd/system/kesl.service.d/more.conf", b"[Service]\nSystemCallFilter=~@mount\n"),
        ("etc/group", b"root:x:0:\nkesladmin:x:990:\n"),
        ("etc/audit/rules.d/x.rules", b"-a never,exit -F exe=/opt/kaspersky/kesl/libexec/kesl\n"
                                      b"-a never,exit -F exe=/opt/other/daemon\n"),
        ("etc/sudoers.d/x", b"op ALL=(root) NOPASSWD: /opt/kaspersky/kesl/bin/kesl-control\n"),
        ("etc/ld.so.preload", b"/opt/other/hook.so\n"),
        ("etc/cron.daily/x", b"#!/bin/sh\n/opt/kaspersky/kesl/bin/kesl-control --start-task 2\n"),
    ])
    code, found = report(root)
    seen = evidence(found, "kaspersky-kesl")
    tap.check("packages, units and groups are evidence", code == 1 and {
        ("package", "kesl", ""), ("unit", "kesl.service", ""), ("group", "kesladmin", "")} <= seen,
        seen)
    version = [p["version"] for p in found["products"] if p["id"] == "kaspersky-kesl"]
    residue = [e["residue"] for p in found["products"] if p["id"] == "kaspersky-klnagent"
               for e in p["evidence"] if e["kind"] == "package"]
    tap.check("the version is the package's, and a removed package is left over",
              version == ["12.1.0-1297"] and residue == [True], f"{version} {residue}")
    told = powers(found, "kaspersky-kesl")
    words = {power for power, _ in told}
    tap.check("a unit without a user runs as root, without limits",
              {"runs as root", "unit without limits"} <= words and
              not any("no NoNewPrivileges" in detail for _, detail in told), told)
    tap.check("what a drop-in limits is a limit",
              not any("no SystemCallFilter" in detail for _, detail in told), told)
    tap.check("what cron runs for a product runs as root", any(
        power == "runs as root" and "/etc/cron.daily/x" in detail for power, detail in told), told)
    tap.check("what sudo allows and the audit does not see is told",
              {"sudo", "kernel's audit"} <= words, told)
    tap.check("who is on no list is told by what it does", {
        ("preloaded library", "/opt/other/hook.so"),
        ("audit rule that hides", "/opt/other/daemon")} ==
        {(u["kind"], u["who"]) for u in found["unlisted"]}, found["unlisted"])


def make_layer(files):
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for name, data in files:
            head = tarfile.TarInfo(name)
            head.size = len(data)
            tar.addfile(head, io.BytesIO(data))
    return layer.getvalue()


def check_image():
    first = make_layer([(name, b"") for name in KESL] +
                       [("var/lib/dpkg/status", STATUS),
                        ("usr/lib/systemd/system/kesl.service", b""),
                        ("opt/eset/efs/lib/odfeeder", b"")])
    second = make_layer([("opt/eset/.wh.efs", b"")])
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["x:1"],
                            "Layers": ["a/layer.tar", "b/layer.tar"]}]).encode()
    pathlib.Path("image.tar").write_bytes(make_layer(
        [("a/layer.tar", first), ("b/layer.tar", second), ("c.json", b"{}"),
         ("manifest.json", manifest)]))
    code, found = report("image.tar")
    tap.check("an image file is a root, too",
              code == 1 and state(found, "kaspersky-kesl") == "installed", found)
    kinds = {kind for kind, _, _ in evidence(found, "kaspersky-kesl")}
    tap.check("with its packages, paths and units", {"package", "path", "unit"} <= kinds, found)
    residue = {e["residue"] for p in found["products"] if p["id"] == "eset-efs"
               for e in p["evidence"]}
    tap.check("what an upper layer has deleted is left over", residue == {True}, found)


# ---- hostile roots -------------------------------------------------------------------------------

def check_links():
    root = make("links", KESL, links=[
        ("opt/loop", "loop"), ("opt/f-secure", "/opt/f-secure/"), ("opt/eset", "../../../../"),
        ("usr/lib/systemd/system", "/usr/lib/systemd/system"), ("etc", "/proc/self/root/etc"),
        ("var/lib/docker", "/"), ("lib", "../.."), ("opt/sophos-spl", "/proc/self/fd/0")])
    outside = make("outside", ["sophos-av/a", "opt/sophos-av/b"])
    (root / "opt/sophos-av").symlink_to(outside / "opt/sophos-av")
    code, out, err, seconds = run(root, "--json")
    found = json.loads(out)
    tap.check("loops and links out of the root give a whole report",
              code == 1 and state(found, "kaspersky-kesl") == "trace" and seconds < SECONDS / 2,
              f"{code} {seconds} {err} {found}")
    tap.check("links that run in circles are told",
              any("symbolic links" in p["why"] for p in found["problems"]), found["problems"])
    seen = [e for p in found["products"] for e in p["evidence"] if "/proc" in e["matched"]]
    tap.check("a link that leads out of the root leads to nothing",
              not seen and "sophos-av/b" not in json.dumps(found), found)


def check_kinds():
    root = make("kinds", ["etc/hostname", "var/lib/dpkg/info/x.list"],
                ["etc/cron.d", "etc/sudoers.d", "usr/lib/systemd/system", "var/lib/rpm"])
    for name in ("etc/passwd", "etc/group", "etc/sudoers", "var/lib/dpkg/status",
                 "etc/cron.d/fifo", "usr/lib/systemd/system/kesl.service", "etc/ld.so.preload",
                 "var/lib/rpm/rpmdb.sqlite", "opt"):
        os.mkfifo(root / name)
    code, out, err, seconds = run(root, "--json")
    found = json.loads(out) if out else {}
    tap.check("FIFOs in the place of files are not waited for",
              code in (1, 3) and seconds < SECONDS / 2, f"{code} {seconds} {err} {found}")
    told = {p["what"] for p in found.get("problems", ())}
    tap.check("and told", {"/etc/passwd", "/var/lib/dpkg/status", "/etc/ld.so.preload",
                           "/var/lib/rpm/rpmdb.sqlite"} <= told, told)


def check_names():
    root = make("names", KESL)
    base = os.fsencode(root)
    for name in (b"opt/kaspersky/kesl/\xff\xfe\n\x1b[31m", b"etc\xff", b"opt/%41"):
        os.makedirs(base + b"/" + name)
    os.makedirs(base + b"/var/opt/kaspersky/kesl/install_\xff\x1b[2J")
    code, out, _, _ = run(root, "--json")
    text = run(root)[1]
    found = json.loads(out)
    names = [m for _, m, _ in evidence(found, "kaspersky-kesl")]
    tap.check("names that are no UTF-8 are escaped, and none is dropped",
              code == 1 and "/var/opt/kaspersky/kesl/install_%ff%1b[2J" in names, names)
    tap.check("no control character gets to a terminal",
              all(byte == 10 or 32 <= byte < 127 for byte in text), text)


def check_deep():
    root = make("deep", KESL)
    folder = os.open(root / "opt/kaspersky/kesl", os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(600):
        os.mkdir("deep", dir_fd=folder)
        inner = os.open("deep", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    code, out, err, seconds = run(root, "--json")
    found = json.loads(out)
    tap.check("deep trees give a whole report, which says where it stopped",
              code == 1 and seconds < SECONDS / 2 and
              any("/deep/deep" in p["what"] for p in found["problems"]),
              f"{code} {seconds} {err} {found.get('problems')}")
    subprocess.run(["rm", "-rf", str(root)], check=False)


def check_wide():
    root = make("wide", folders=["var/opt/kaspersky/kesl"])
    for number in range(700):
        (root / f"var/opt/kaspersky/kesl/install_{number}").mkdir()
    code, found = report(root)
    tap.check("more than one would read is cut, and said to be",
              code == 1 and any("more" in p["why"] for p in found["problems"]),
              found["problems"])


def check_many():
    preload = b"".join(b"/opt/x/%d.so\n" % number for number in range(60000))
    rules = b"".join(b"-a never,exit -F exe=/opt/x/%d\n" % number for number in range(20000))
    root = make("many", [*KESL, ("etc/ld.so.preload", preload),
                         ("etc/audit/rules.d/x.rules", rules),
                         *(f"opt/kaspersky/kesl/bin/{number}" for number in range(6000))])
    for file in (root / "opt/kaspersky/kesl/bin").iterdir():
        file.chmod(0o4755)
    code, out, err, seconds = run(root, "--json")
    found = json.loads(out) if out else {}
    told = [p["why"] for p in found.get("problems", ())]
    tap.check("more than a person would read is cut, and told",
              code == 1 and seconds < SECONDS / 2 and sum("told here" in why for why in told) == 2,
              f"{code} {seconds} {err} {told}")


def check_damaged():
    noise = bytes((number * 7919 + number // 251) % 256 for number in range(40000))
    sqlite = b"SQLite format 3\0" + noise
    elf = b"\x7fELF" + noise
    root = make("damaged", [
        *KESL, ("var/lib/dpkg/status", noise), ("var/lib/rpm/rpmdb.sqlite", sqlite),
        ("var/lib/rpm/Packages.db", noise), ("var/lib/rpm/Packages", noise),
        ("lib/apk/db/installed", noise), ("etc/passwd", elf), ("etc/group", noise),
        ("etc/sudoers", noise), ("etc/cron.d/x", noise), ("etc/audit/rules.d/x.rules", noise),
        ("usr/lib/systemd/system/x.service", noise), ("etc/apt/sources.list", noise),
        ("etc/pki/ca-trust/source/anchors/x.pem", noise)])
    code, out, err, seconds = run(root, "--json")
    found = json.loads(out) if out else {}
    told = {p["what"] for p in found.get("problems", ())}
    tap.check("damaged databases give a whole report, which names them",
              code == 1 and seconds < SECONDS / 2 and state(found, "kaspersky-kesl") == "trace" and
              {"/var/lib/dpkg/status", "/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages.db",
               "/var/lib/rpm/Packages"} <= told, f"{code} {seconds} {err} {told}")


def check_huge():
    root = make("huge", KESL)
    for name in ("var/lib/dpkg/status", "etc/passwd", "var/lib/rpm/rpmdb.sqlite",
                 "etc/sudoers.d/x", "usr/lib/systemd/system/x.service", "etc/ld.so.preload"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        with open(root / name, "wb") as file:
            file.truncate(1 << 42)
    code, out, err, seconds = run(root, "--json")
    found = json.loads(out) if out else {}
    told = {p["what"] for p in found.get("problems", ()) if "larger" in p["why"]}
    tap.check("huge files are not read, and told",
              code == 1 and seconds < SECONDS / 2 and len(told) == 6, f"{code} {seconds} {err} {told}")


def check_unreadable():
    if os.geteuid() != 0:
        tap.skip("a folder that may not be read is named", "only root can become another user")
        return
    root = make("closed", [*KESL, "etc/passwd"])
    pathlib.Path.cwd().chmod(0o711)
    for folder in pathlib.Path.cwd().parents:
        if not folder.stat().st_mode & 1:
            tap.skip("a folder that may not be read is named", f"{folder} is closed to others")
            return
    (root / "opt").chmod(0o700)
    try:
        done = subprocess.run([OVERT, "inventory", "--root", str(root), "--json"], user=65534,
                              group=65534, extra_groups=[], capture_output=True, timeout=SECONDS,
                              check=False)
    except PermissionError as why:
        tap.skip("a folder that may not be read is named", f"another user cannot run overt: {why}")
        return
    if done.returncode == 126 or not done.stdout:
        tap.skip("a folder that may not be read is named",
                 f"another user cannot run overt here: {done.stderr[:200]}")
        return
    found = json.loads(done.stdout)
    told = [p for p in found["problems"] if p["what"] == "/opt"]
    tap.check("a folder that may not be read is named, once",
              done.returncode == 3 and len(told) == 1, found)


def check_errors():
    tap.check("a root that is not there is an error", run("nowhere")[0] == 2, "")
    done = subprocess.run([OVERT, "inventory", "frobnicate"], capture_output=True, check=False)
    tap.check("an unknown word is an error", done.returncode == 2 and
              b"unknown word" in done.stderr, done.stderr)


def main():
    check_products()
    check_rights()
    check_files()
    check_image()
    check_containers()
    check_modules()
    check_links()
    check_kinds()
    check_names()
    check_deep()
    check_wide()
    check_many()
    check_damaged()
    check_huge()
    check_unreadable()
    check_errors()
    return tap.end()


if __name__ == "__main__":
    raise SystemExit(main())
