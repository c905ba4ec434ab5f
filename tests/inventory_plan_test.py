#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 900
"""overt inventory plan, apply and verify on throw-away roots: a plan names every file and changes
none; a changed plan, a changed machine and whatever a package still owns stop it; killed at each
step that lasts, it goes on and leaves the machine as if nothing had happened. TAP."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["OVERT_SOURCE"], "tests/inventory")))
import skeleton  # noqa: E402  pylint: disable=wrong-import-position
import tap  # noqa: E402  pylint: disable=wrong-import-position

BUILD = pathlib.Path(os.environ["OVERT_BUILD"])
HERE = pathlib.Path.cwd()
SECONDS = 120
STEPS_MAX = 300
STRIDE = 1 if os.environ.get("OVERT_LONG") else 3  # of the steps at which it is killed
UNIT = "[Service]\nExecStart=/opt/kaspersky/kesl/libexec/kesl\n"
FILES = {
    "opt/kaspersky/kesl/bin/kesl-control": "program\n",
    "opt/kaspersky/kesl/libexec/kesl": "program\n",
    "opt/kaspersky/kesl/doc/it's here": "a name to quote\n",
    "var/log/kaspersky/kesl/a.log": "log\n",
    "etc/opt/kaspersky/kesl/kesl.conf": "configuration\n",
    "etc/systemd/system/kesl.service": UNIT,
}
OTHERS = {  # what stays, whatever happens
    "opt/other/file": "other\n",
    "etc/systemd/system/other.service": "[Service]\n",
    "var/log/kaspersky-other.log": "log\n",
    "outside/file": "outside\n",
}


def run(*words, state="state", program=None, fault=None):
    env = {**os.environ, "OVERT_STATE": str(HERE / state)}
    if fault is not None:
        env["OVERT_FAULT"] = str(fault)
    done = subprocess.run([str(program or BUILD / "overt"), "inventory", *map(str, words)],
                          capture_output=True, text=True, timeout=SECONDS, env=env, check=False)
    return done.returncode, done.stdout, done.stderr


def make(name):
    root = HERE / name
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(HERE / "state", ignore_errors=True)
    for path, text in {**FILES, **OTHERS}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir()
    (wants / "kesl.service").symlink_to("../kesl.service")
    (root / "opt/kaspersky/kesl/link").symlink_to("/outside/file")
    (root / "opt/kaspersky/kesl/folder").symlink_to("/outside")
    (root / "etc/hostname").write_text("throwaway\n")
    return root


def digest(root):
    """Everything below a folder: path, type, mode, content."""
    found = []
    for path in sorted(root.rglob("*")):
        content = os.readlink(path) if path.is_symlink() else \
            path.read_bytes() if path.is_file() else ""
        found.append((str(path.relative_to(root)), path.lstat().st_mode, content))
    return found


def plan(root, name="p.plan", ban="kaspersky-kesl"):
    return run("plan", "--ban", ban, "--root", root, "-o", HERE / name)


def left(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*")
                  if path.is_file() or path.is_symlink())


def kept():
    return sorted([*OTHERS, "etc/hostname"])


# ---- plans --------------------------------------------------------------------------------------

def test_plan():
    root = make("r")
    before = digest(root)
    code, text, errors = plan(root)
    made = json.loads((HERE / "p.plan").read_text())
    entries = {entry["path"]: entry for step in made["steps"] for entry in step["entries"]}
    tap.check("a plan says that there is something to remove, and changes nothing",
              code == 1 and digest(root) == before, (code, errors))
    tap.check("every file and link of the product is in it, and no other",
              {path[1:] for path, entry in entries.items() if entry["type"] != "d"} ==
              {*FILES, "opt/kaspersky/kesl/link", "opt/kaspersky/kesl/folder",
               "etc/systemd/system/multi-user.target.wants/kesl.service"}, sorted(entries))
    right = all(entry["sha256"] == hashlib.sha256(FILES[path[1:]].encode()).hexdigest()
                for path, entry in entries.items()
                if entry["type"] == "f" and not entry["may_change"])
    tap.check("their contents are in it by SHA-256", right)
    tap.check("no command has a pattern, and each names the root",
              all("*" not in step["command"] and str(root) in step["command"]
                  for step in made["steps"] if step["kind"] == "remove"))
    again = [path for step in made["steps"] if step["kind"] == "remove"
             for path in subprocess.run(["sh", "-c", "for i in " + step["command"].split(" -- ")[1] +
                                         "; do echo \"$i\"; done"], capture_output=True, text=True,
                                        check=True).stdout.splitlines()]
    tap.check("a shell takes each path as one word", all(os.path.lexists(path) for path in again),
              again)
    tap.check("the report has the directive's terms, and blanks for people",
              all(word in text for word in ("Within 30 days", "Within 60 days", "Within 90 days",
                                            "Endpoints: 1 (throwaway)", "Methods", "____",
                                            "on-access scanning", "instead:", "Contracts")), text)
    tap.check("the plan's file is for its owner alone",
              (HERE / "p.plan").stat().st_mode & 0o777 == 0o600)


def test_words():
    root = make("r")
    code, _, errors = run("plan", "--ban", "kasperski", "--root", root)
    tap.check("a word that names no product is an error", code == 2 and "no known product" in errors,
              errors)
    (HERE / "list").write_text("# banned\nKaspersky\n\n clamav \n")
    code, text, errors = run("plan", "--ban", "@list", "--root", root, "--json")
    tap.check("a list comes from a file", code == 1 and
              json.loads(text)["ban"] == ["Kaspersky", "clamav"], (code, errors))
    code, text, _ = run("plan", "--ban", "clamav", "--root", root)
    tap.check("that none was found is said", code == 0 and "None of the named products" in text, text)


def test_page():
    root = make("r")
    (root / "opt/kaspersky/kesl/<script>alert(1)<").write_text("x")
    code, _, errors = run("plan", "--ban", "kaspersky", "--root", root, "--html", HERE / "p.html")
    page = (HERE / "p.html").read_text()
    tags = {tag.lower() for tag in re.findall(r"</?([A-Za-z0-9!]+)", page)}
    tap.check("the page holds nothing that loads or runs",
              code == 1 and tags <= {"!doctype", "html", "head", "meta", "title", "style", "body",
                                     "h1", "h2", "p", "b", "div", "code", "!"} and
              "&lt;script&gt;" in page and "default-src 'none'" in page and
              not re.search(r"\b(src|href|url)\s*[=(]", page), (tags, errors))
    tap.check("the page has each file", all(f"/{path}" in page.replace("&#39;", "'")
                                            for path in FILES))


def test_edited_plans():
    root = make("r")
    plan(root)
    text = (HERE / "p.plan").read_text()
    victim = "/etc/systemd/system/other.service"
    changes = {
        "another path": text.replace("/etc/systemd/system/kesl.service", victim),
        "a pattern for a name": text.replace('"kind":"remove"', '"kind":"user"', 1),
        "a key more": text.replace('"format"', '"more":1,"format"'),
        "a blank": text.replace('{"format":', '{ "format":'),
        "another command": text.replace('"command":"rm -- ', '"command":"rm -rf / ', 1),
        "a path that goes up": text.replace("/opt/kaspersky/kesl/bin", "/opt/kaspersky/../bin"),
        "half of it": text[:len(text) // 2],
        "nothing": "",
    }
    for name, changed in changes.items():
        before = digest(root)
        (HERE / "bad.plan").write_text(changed)
        (HERE / "bad.plan").chmod(0o600)
        code, _, errors = run("apply", "--yes", "bad.plan")
        tap.check(f"a plan with {name} is refused", code in (1, 2) and changed != text and
                  digest(root) == before, (code, errors))
    (HERE / "p.plan").chmod(0o620)
    code, _, errors = run("apply", "--yes", "p.plan")
    tap.check("a plan that others could write is refused", code == 2 and "others" in errors, errors)


# ---- apply --------------------------------------------------------------------------------------

def test_apply():
    root = make("r")
    plan(root)
    before = digest(root)
    code, text, errors = run("apply", "p.plan")
    tap.check("without --yes it says what it would do, and changes nothing",
              code == 0 and "would do" in text and digest(root) == before and
              not (HERE / "state").exists(), (code, errors))
    code, text, errors = run("apply", "--yes", "p.plan")
    tap.check("with --yes what was planned is gone, and nothing else",
              code == 0 and left(root) == kept(), (code, errors, left(root)))
    tap.check("no link was followed", (root / "outside/file").read_text() == OTHERS["outside/file"])
    folder, = (HERE / "state/inventory").iterdir()
    copies = {path: (folder / "snapshot/files" / path) for path in FILES}
    tap.check("the configuration was copied, for its owner alone",
              all(copy.read_text() == FILES[path] and copy.stat().st_mode & 0o777 == 0o600
                  for path, copy in copies.items() if not path.startswith("var/")) and
              folder.stat().st_mode & 0o777 == 0o700)
    code, text, _ = run("apply", "--yes", "p.plan")
    tap.check("done once more it does nothing", code == 0 and "Done: 0 acts" in text, text)
    done = subprocess.run([BUILD / "overt", "journal", "verify"], capture_output=True, text=True,
                          env={**os.environ, "OVERT_STATE": str(HERE / "state")}, check=False)
    listed = subprocess.run([BUILD / "overt", "journal", "list"], capture_output=True, text=True,
                            env={**os.environ, "OVERT_STATE": str(HERE / "state")}, check=False)
    count = listed.stdout.count("word remove")
    entries = sum(len(step["entries"]) for step in json.loads((HERE / "p.plan").read_text())["steps"])
    tap.check("each act is in the journal twice: before, and what came of it",
              done.returncode == 0 and count == 2 * entries, (count, entries, done.stderr))


def surprise(name, change, words, undo=None):
    """Something happens between plan and apply: it stops, and nothing was removed."""
    root = make("r")
    plan(root)
    change(root)
    before = digest(root)
    code, _, errors = run("apply", "--yes", "p.plan")
    tap.check(f"stops: {name}", code == 1 and words in errors and digest(root) == before,
              (code, errors))
    if undo is not None:
        undo(root)
        code, _, errors = run("apply", "--yes", "p.plan")
        tap.check(f"goes on when it is as planned again: {name}", code == 0 and left(root) == kept(),
                  (code, errors, left(root)))


def swap_for_link(root):
    shutil.move(root / "opt/kaspersky/kesl/bin", HERE / "bin")
    (root / "opt/kaspersky/kesl/bin").symlink_to("/outside")


def swap_back(root):
    (root / "opt/kaspersky/kesl/bin").unlink()
    shutil.move(HERE / "bin", root / "opt/kaspersky/kesl/bin")


def test_surprises():
    new = "opt/kaspersky/kesl/bin/new"
    surprise("a file is new", lambda root: (root / new).write_text("x"), "new since the plan",
             lambda root: (root / new).unlink())
    config = "etc/opt/kaspersky/kesl/kesl.conf"
    surprise("a file has other content", lambda root: (root / config).write_text("other"),
             "is not what it was")
    surprise("a file is gone", lambda root: (root / config).unlink(), "is gone since the plan")
    surprise("a folder became a link", swap_for_link, "is not what it was", swap_back)
    surprise("another product of the list came",
             lambda root: (root / "etc/systemd/system/kesl-supervisor.service").write_text(UNIT),
             "new since the plan")
    surprise("the machine has another name",
             lambda root: (root / "etc/hostname").write_text("another\n"), "the plan is for")
    root = make("r")
    plan(root)
    (root / "var/log/kaspersky/kesl/b.log").write_text("new")
    (root / "var/log/kaspersky/kesl/a.log").write_text("more")
    code, text, errors = run("apply", "--yes", "p.plan")
    tap.check("logs that were written since are no surprise; new ones stay, and are told",
              code == 0 and left(root) == sorted([*kept(), "var/log/kaspersky/kesl/b.log"]) and
              "b.log is new since the plan" in text, (code, text, errors))


def test_odd_files():
    root = make("r")
    kesl = root / "opt/kaspersky/kesl"
    os.mkfifo(kesl / "pipe")
    (kesl / "loop").symlink_to(".")
    with open(kesl / "huge", "wb") as file:
        file.truncate(20 << 30)
    plan(root)
    code, _, errors = run("apply", "--yes", "p.plan")
    tap.check("pipes, loops of links and huge files go like others", code == 0 and
              left(root) == kept() and not kesl.exists(), (code, errors, left(root)))
    root = make("r")
    (root / "opt/kaspersky/kesl/two\nlines").write_text("x")
    _, text, _ = plan(root)
    code, _, errors = run("apply", "--yes", "p.plan")
    tap.check("a folder with a name of two lines in it is left to a person",
              "/opt/kaspersky/kesl: remove it by hand" in text and code == 0 and
              left(root) == sorted([*kept(), *(name for name in left(root)
                                               if name.startswith("opt/kaspersky/kesl"))]) and
              (root / "opt/kaspersky/kesl/bin/kesl-control").exists(), (code, errors, text))


def test_owned():
    if not skeleton.has_dpkg() or os.geteuid() != 0:
        tap.skip("a file that a package owns", "needs root, dpkg and dpkg-deb")
        return
    root = make("r")
    skeleton.make_database(root)
    tree = HERE / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "opt/kaspersky/kesl/bin").mkdir(parents=True)
    (tree / "opt/kaspersky/kesl/bin/kesl-control").write_text("program\n")
    (tree / "DEBIAN/control").write_text("Package: keeper\nVersion: 1\nArchitecture: all\n"
                                         "Maintainer: a <a@example.org>\nDescription: keeps\n")
    skeleton.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, HERE / "keeper.deb"])
    skeleton.dpkg(root, "-i", HERE / "keeper.deb")
    plan(root)
    code, _, errors = run("apply", "--yes", "p.plan")
    tap.check("stops: a package that stays owns a file of it", code == 1 and "keeper" in errors and
              (root / "opt/kaspersky/kesl/bin/kesl-control").exists(), (code, errors))


# ---- packages and accounts ----------------------------------------------------------------------

def make_installed(name):
    """Two packages that need one another, a user and a group of clamav, with dpkg's own work."""
    root = HERE / name
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(HERE / "state", ignore_errors=True)
    shutil.rmtree(HERE / "debs", ignore_errors=True)
    root.mkdir()
    skeleton.base(root)
    skeleton.make_database(root)
    (HERE / "debs").mkdir()
    debs = []
    for package, needs, files in (("clamav", "clamav-base", ["usr/bin/clamscan"]),
                                  ("clamav-base", "", ["etc/clamav/clamd.conf"]),
                                  ("other", "", ["usr/bin/other"])):
        tree = HERE / "debs" / package
        (tree / "DEBIAN").mkdir(parents=True)
        for path in files:
            (tree / path).parent.mkdir(parents=True)
            (tree / path).write_text(f"{package}\n")
        (tree / "DEBIAN/control").write_text(
            f"Package: {package}\nVersion: 1.0.3\nArchitecture: all\n" +
            f"Depends: {needs}\n" * bool(needs) +
            "Maintainer: a <a@example.org>\nDescription: skeleton\n")
        (tree / "DEBIAN/conffiles").write_text(
            "".join(f"/{path}\n" for path in files if path.startswith("etc/")))
        debs.append(HERE / "debs" / f"{package}.deb")
        skeleton.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, debs[-1]])
    skeleton.dpkg(root, "-i", *debs)
    (root / "var/lib/clamav").mkdir(parents=True)
    (root / "var/lib/clamav/main.cvd").write_text("database")
    with open(root / "etc/passwd", "a", encoding="utf-8") as file:
        file.write("clamav:x:103:103::/var/lib/clamav:/bin/false\n")
    with open(root / "etc/group", "a", encoding="utf-8") as file:
        file.write("clamav:x:103:\n")
    (root / "etc/shadow").write_text("root:*:1::::::\nclamav:!:1::::::\n")
    return root


def status(root, package):
    done = subprocess.run(["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f",
                           "${db:Status-Abbrev}", package], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip()


def test_packages():
    if not skeleton.has_dpkg() or os.geteuid() != 0:
        tap.skip("packages and accounts", "needs root, dpkg and dpkg-deb")
        return
    root = make_installed("d")
    code, _, errors = plan(root, ban="clamav")
    made = json.loads((HERE / "p.plan").read_text())
    steps = {step["kind"]: step for step in made["steps"]}
    if not any(item["kind"] == "package" for item in made["evidence"]):
        tap.skip("packages and accounts", "this build does not read package databases")
        return
    tap.check("packages go in one command, by their names, and accounts by theirs",
              code == 1 and sorted(steps["packages"]["targets"]) == ["clamav", "clamav-base"] and
              steps["packages"]["tool"] == "dpkg" and steps["user"]["targets"] == ["clamav"] and
              steps["group"]["targets"] == ["clamav"], (steps.keys(), errors))
    code, text, errors = run("apply", "--yes", "p.plan")
    folder, = (HERE / "state/inventory").iterdir()
    log = (folder / "log").read_text()
    tap.check("they are gone, and another package is not",
              code == 0 and status(root, "clamav") in ("", "un") and
              status(root, "clamav-base") in ("", "un") and status(root, "other") == "ii" and
              not (root / "var/lib/clamav").exists(), (code, errors, text, log))
    accounts = (root / "etc/passwd").read_text() + (root / "etc/group").read_text()
    tap.check("user and group are gone, and others are not",
              "clamav" not in accounts and "daemon" in accounts, accounts)
    tap.check("the package's configuration was copied before",
              (folder / "snapshot/files/etc/clamav/clamd.conf").read_text() == "clamav-base\n" and
              "clamav" in (folder / "snapshot/files/etc/passwd").read_text())
    code, text, _ = run("verify", "p.plan")
    tap.check("verify finds nothing", code == 0, (code, text))
    skeleton.dpkg(root, "-i", HERE / "debs/clamav-base.deb", HERE / "debs/clamav.deb")
    code, text, _ = run("verify", "p.plan")
    tap.check("verify finds what was installed again", code == 1 and "installed again" in text, text)
    code, text, errors = run("apply", "--yes", "p.plan")
    tap.check("apply stops at it", code == 1 and "came back" in errors, (code, text, errors))


def make_empty(packages):
    """A root without any product, a folder for packages beside it, and nothing of before."""
    for folder in ("d", packages, "state"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    (HERE / packages).mkdir()
    (HERE / "d").mkdir()
    return skeleton.base(HERE / "d")


def test_rpm():
    if not skeleton.has_rpm() or os.geteuid() != 0:
        tap.skip("packages of rpm", "needs root, rpm and rpmbuild")
        return
    root = make_empty("rpms")
    product = skeleton.Product(id="clamav", packages=["clamav", "clamd"],
                               paths=["/usr/bin/clamscan", "/usr/sbin/clamd"])
    skeleton.install_rpms(root, product, skeleton.make_rpms(HERE / "rpms", [product])["clamav"])
    code, _, errors = plan(root, ban="clamav")
    steps = {step["kind"]: step for step in json.loads((HERE / "p.plan").read_text())["steps"]}
    if "packages" not in steps:
        tap.skip("packages of rpm", "this build does not read package databases")
        return
    tap.check("packages of rpm go by their names, too",
              code == 1 and sorted(steps["packages"]["targets"]) == ["clamav", "clamd"] and
              steps["packages"]["tool"] == "rpm-sysimage", (steps, errors))
    code, text, errors = run("apply", "--yes", "p.plan")
    names = skeleton.rpm(root, "usr/lib/sysimage/rpm", "sqlite", "-qa")
    tap.check("they are gone from rpm's own database, and their files with them",
              code == 0 and names == "" and not (root / "usr/bin/clamscan").exists(),
              (code, text, errors, names))


def test_needed():
    """A package that stays needs one that goes: dpkg refuses, and that is a surprise."""
    if not skeleton.has_dpkg() or os.geteuid() != 0:
        tap.skip("a package that is needed", "needs root, dpkg and dpkg-deb")
        return
    root = make_installed("d")
    tree = HERE / "debs/filter"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text("Package: filter\nVersion: 1\nArchitecture: all\n"
                                         "Depends: clamav\nMaintainer: a <a@example.org>\n"
                                         "Description: needs it\n")
    skeleton.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, HERE / "filter.deb"])
    skeleton.dpkg(root, "-i", HERE / "filter.deb")
    plan(root, ban="clamav")
    if '"kind":"packages"' not in (HERE / "p.plan").read_text():
        tap.skip("a package that is needed", "this build does not read package databases")
        return
    code, _, errors = run("apply", "--yes", "p.plan")
    tap.check("stops: another package needs one of them, and nothing is removed",
              code == 1 and "dpkg ended with" in errors and status(root, "clamav") == "ii" and
              (root / "usr/bin/clamscan").exists(), (code, errors))


# ---- the running machine ------------------------------------------------------------------------

# A machine of its own: a mount namespace whose root is a throw-away folder, with the programs of
# this one to read. Its tools write down what they were asked; its uninstaller removes what is its.
MACHINE = r'''
set -e
R=$1; shift
mount --make-rprivate /
mount --bind "$R" "$R"
for i in usr bin sbin lib lib32 lib64; do
    if [ -L /$i ]; then cp -P /$i "$R/"; elif [ -d /$i ]; then
        mkdir -p "$R/$i"; mount --bind /$i "$R/$i"; mount -o remount,bind,ro "$R/$i"
    fi
done
mkdir -p "$R/proc" "$R/dev" "$R/old" "$R/build" "$R/own"
mount -t proc proc "$R/proc"
mount --rbind /dev "$R/dev"
mount --bind "$BUILD" "$R/build"; mount -o remount,bind,ro "$R/build"
mount --bind "$WORK" "$R/own"
for i in systemctl modprobe semodule; do
    [ -e /usr/bin/$i ] && mount --bind "$R/tool" "$R/usr/bin/$i"
    [ -e /usr/sbin/$i ] && mount --bind "$R/tool" "$R/usr/sbin/$i"
done
cd "$R"
pivot_root . old
umount -l /old
cd /
exec env OVERT_STATE=/own/state OVERT_BUILD=/build "$@"
'''
TOOL = '#!/bin/sh\necho "${0##*/} $*" >> /own/asked\n[ ! -e /own/refuse ]\n'


def in_machine(root, *words):
    env = {**os.environ, "BUILD": str(BUILD), "WORK": str(HERE / "own")}
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "sh", "-c", MACHINE, "sh", root,
                           "/build/overt", "inventory", *words], capture_output=True, text=True,
                          timeout=SECONDS, env=env, check=False)
    return done.returncode, done.stdout, done.stderr


def make_machine():
    root = HERE / "machine"
    for folder in (root, HERE / "own"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    for path, text in {**FILES, **OTHERS, "opt/sophos-av/bin/savdctl": "program\n",
                       "opt/sophos-av/etc/savd.cfg": "configuration\n",
                       "usr/lib/systemd/system/sav-protect.service": "[Service]\n"}.items():
        if not path.startswith("usr/"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
    uninstaller = root / "opt/sophos-av/uninstall.sh"
    uninstaller.write_text('#!/bin/sh\necho "uninstall $*" >> /own/asked\n'
                           "rm -r /opt/sophos-av/bin /opt/sophos-av/uninstall.sh\n")
    (root / "tool").write_text(TOOL)
    for file in (uninstaller, root / "tool"):
        file.chmod(0o755)
    for folder in ("run/systemd/system", "var/lib", "tmp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return root


def can_have_machine():
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("unshare", "pivot_root",
                                                                    "systemctl")):
        return False
    return subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "--make-rprivate", "/"],
                          capture_output=True, check=False).returncode == 0


def asked():
    file = HERE / "own/asked"
    return file.read_text().splitlines() if file.exists() else []


def test_machine():
    if not can_have_machine():
        tap.skip("a machine of its own", "needs root, unshare, pivot_root and systemctl")
        return
    root = make_machine()
    code, text, errors = in_machine(root, "plan", "--ban", "kaspersky,sophos", "-o", "/own/p.plan")
    made = json.loads((HERE / "own/p.plan").read_text()) if code == 1 else {"steps": []}
    kinds = [step["kind"] for step in made["steps"] if step["kind"] != "person"]
    order = [kind for number, kind in enumerate(kinds) if kind not in kinds[:number]]
    tap.check("a plan for the running machine stops units, asks the vendor's uninstaller, removes, "
              "and ends with a restart and a look", code == 1 and
              order == ["stop", "uninstall", "remove", "reload", "reboot", "verify"],
              (code, order, text, errors))
    (HERE / "own/refuse").touch()
    code, _, errors = in_machine(root, "apply", "--yes", "--no-journal", "/own/p.plan")
    tap.check("stops: a unit cannot be stopped, and nothing is removed",
              code == 1 and "systemctl ended with 1" in errors and
              (root / "opt/sophos-av/uninstall.sh").exists() and
              (root / "opt/kaspersky/kesl/bin/kesl-control").exists(), (code, errors))
    (HERE / "own/refuse").unlink()
    code, text, errors = in_machine(root, "apply", "--yes", "--no-journal", "/own/p.plan")
    remains = [path for path in left(root) if path.startswith("opt/") and "other" not in path]
    tap.check("then it goes on, and all is gone", code == 0 and not remains and
              not (root / "etc/systemd/system/kesl.service").exists(), (code, errors, remains, text))
    lines = asked()
    tap.check("each was asked with its own words, in order",
              lines[0] == lines[1] == "systemctl --no-pager disable --now -- kesl.service" and
              "uninstall " in lines and lines[-1] == "systemctl daemon-reload", lines)
    tap.check("what stays is there", all((root / path).exists() for path in OTHERS))


# ---- verify -------------------------------------------------------------------------------------

def test_verify():
    root = make("r")
    plan(root)
    code, text, _ = run("verify", "p.plan")
    tap.check("verify before: all is left over", code == 1 and "as it was): left over" in text, text)
    run("apply", "--yes", "p.plan")
    before = digest(root)
    results = [run("verify", "p.plan") for _ in range(2)]
    tap.check("verify after: nothing, however often, and nothing is changed",
              all(result[0] == 0 for result in results) and digest(root) == before, results)
    (root / "opt/kaspersky/kesl/bin").mkdir(parents=True)
    (root / "opt/kaspersky/kesl/bin/kesl-control").write_text("program\n")
    (root / "etc/systemd/system/kesl.service").write_text("[Service]\nExecStart=/other\n")
    code, text, _ = run("verify", "--json", "p.plan")
    found = {item["what"]: item for item in json.loads(text)["left"]}
    control = found.get("/opt/kaspersky/kesl/bin/kesl-control", {})
    unit = found.get("/etc/systemd/system/kesl.service", {})
    tap.check("what was created again is named, with the same content or another",
              code == 1 and control.get("state") == "created again" and
              control.get("detail") == "with the same content, at another time" and
              unit.get("state") == "created again" and unit.get("detail") == "with other content",
              text)
    code, _, errors = run("apply", "--yes", "p.plan")
    tap.check("apply stops at what came back", code == 1, errors)


# ---- crashes ------------------------------------------------------------------------------------

def test_killed():
    """Ended at its Nth lasting step, for every third N (with OVERT_LONG, every one) until a run ends by
    itself; then it goes on."""
    program = BUILD / "tests/faulty/overt"
    if not program.exists():
        tap.skip("killed at each step", "tests/faulty/overt is not built")
        return
    bad, killed = [], 0
    for number in range(1, STEPS_MAX, STRIDE):
        root = make("r")
        plan(root)
        code, _, errors = run("apply", "--yes", "--no-journal", "p.plan", program=program,
                              fault=number)
        if code == 0:
            break
        if code != -signal.SIGKILL:
            bad.append((number, code, errors))
            continue
        killed += 1
        code, _, errors = run("apply", "--yes", "--no-journal", "p.plan")
        if code != 0 or left(root) != kept():
            bad.append((number, code, errors, left(root)))
    tap.check(f"killed at {killed} steps, it goes on and ends as planned",
              killed > 20 and not bad, bad[:3])


def test_killed_packages():
    """The same with packages and accounts; what a killed dpkg leaves is dpkg's to mend."""
    program = BUILD / "tests/faulty/overt"
    if not skeleton.has_dpkg() or os.geteuid() != 0 or not program.exists():
        tap.skip("killed at each step of packages", "needs root, dpkg and tests/faulty/overt")
        return
    whole = make_installed("whole")
    bad, killed = [], 0
    for number in range(1, STEPS_MAX, STRIDE):
        for folder in ("d", "state"):
            shutil.rmtree(HERE / folder, ignore_errors=True)
        root = pathlib.Path(shutil.copytree(whole, HERE / "d", symlinks=True))
        plan(root, ban="clamav")
        code, _, errors = run("apply", "--yes", "--no-journal", "p.plan", program=program,
                              fault=number)
        if code == 0:
            break
        killed += code == -signal.SIGKILL
        code, _, errors = run("apply", "--yes", "--no-journal", "p.plan")
        accounts = (root / "etc/passwd").read_text() + (root / "etc/group").read_text()
        if code != 0 or status(root, "clamav") not in ("", "un") or "clamav" in accounts or \
                status(root, "other") != "ii" or (root / "var/lib/clamav").exists():
            bad.append((number, code, errors, accounts))
    tap.check(f"killed at {killed} steps with packages and accounts, it goes on",
              killed > 10 and not bad, bad[:3])


def test_all():
    """All products at once, as the facts have them: nothing sure is left, and nothing else goes."""
    if not skeleton.has_dpkg() or os.geteuid() != 0:
        tap.skip("all products", "needs root, dpkg and dpkg-deb")
        return
    root = make_empty("debs")
    before = left(root)
    products, _ = skeleton.load()
    try:
        skeleton.install_debs(root, HERE / "debs", products)
    except RuntimeError:
        pass  # some have the same file: dpkg keeps that of the first
    passwd = root / "etc/passwd"  # no group of one is that of another's user
    passwd.write_text(passwd.read_text().replace(":900:", ":65534:"))
    (root / "etc/shadow").write_text("")
    code, _, errors = plan(root, ban=",".join(product.id for product in products))
    made = json.loads((HERE / "p.plan").read_text())
    installed = [item["id"] for item in made["products"] if item["state"] == "installed"]
    tap.check("all products that were found are in one plan", code == 1 and len(installed) >= 25,
              (len(installed), errors))
    code, text, errors = run("apply", "--yes", "p.plan")
    tap.check("all of them are removed", code == 0, (text[-300:], errors))
    code, text, _ = run("verify", "p.plan")
    tap.check("nothing is left of them that is sure to be theirs", code == 0, text)
    tap.check("what was there without them is there", not set(before) - set(left(root)),
              set(before) - set(left(root)))


for test in (test_plan, test_words, test_page, test_edited_plans, test_apply, test_surprises,
             test_odd_files, test_owned, test_packages, test_rpm, test_needed, test_machine, test_verify,
             test_killed,
             test_killed_packages, test_all):
    test()
sys.exit(tap.end())
