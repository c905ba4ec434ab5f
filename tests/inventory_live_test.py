#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""overt inventory on the running machine: holders of fanotify groups, eBPF programs, audit sockets,
preloaded libraries and broad capabilities that are on no list are found; a product's own process is
evidence and gives its footprint. TAP."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(os.environ.get("OVERT_SOURCE") or ".").resolve()
BUILD = pathlib.Path(os.environ.get("OVERT_BUILD") or "build-check").resolve()
sys.path.insert(0, str(SOURCE / "tests"))
import tap  # noqa: E402  pylint: disable=wrong-import-position

OVERT = BUILD / "overt"
HOLDER = SOURCE / "tests/inventory/holder.py"
HERE = pathlib.Path.cwd()


def inventory(before=()):
    done = subprocess.run([*before, OVERT, "inventory", "--json"], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=120)
    tap.check("the report is whole", done.returncode in (0, 1, 3) and not done.stderr,
              (done.returncode, done.stderr[-500:]))
    return json.loads(done.stdout)


@contextlib.contextmanager
def holder(*words, interpreter=sys.executable, env=None):
    """A process that holds something; None when this kernel or user does not let it."""
    process = subprocess.Popen([str(word) for word in (interpreter, HOLDER, *words)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=env)
    try:
        is_ready = process.stdout.readline() == b"ready\n"
        if not is_ready:
            process.wait(timeout=20)
            words = process.stderr.read().decode().strip().splitlines()
            print("#", words[-1] if words else "it ended")
        yield process if is_ready else None
    finally:
        process.kill()
        process.communicate()


def about(report, pid):
    """What is said of a process on no list: {kind: (finding, detail)}."""
    return {one["kind"]: (not one["expected"], one["detail"]) for one in report["unlisted"]
            if f"(pid {pid}" in one["detail"] or f"(pid {pid})" in one["detail"]}


def check_holder(name, words, kind, parts):
    with holder(*words) as process:
        if process is None:
            tap.skip(name, "not possible here")
            return
        seen = about(inventory(), process.pid)
        tap.check(f"{name}: found", seen.get(kind, (False,))[0], seen)
        detail = seen.get(kind, (0, ""))[1]
        tap.check(f"{name}: told so", all(part in detail for part in parts), detail)


def test_fanotify(path):
    for mark, word in (("inode", "marks: 1 files"), ("mount", "1 mounts"),
                       ("filesystem", "1 file systems")):
        check_holder(f"fanotify, {mark} mark", (f"fanotify notification/{mark}", path),
                     "fanotify group", ("class notification", word))
    check_holder("fanotify, by file handles", ("fanotify names/inode", path), "fanotify group",
                 ("class notification", "marks: 1 files"))
    for name in ("content", "pre-content"):
        check_holder(f"fanotify, {name}", (f"fanotify {name}/inode", path), "fanotify group",
                     (f"class {name};", "files open only when it agrees"))


def test_preload():
    library = HERE / "libsees-all.so"
    found = [line.split()[-1] for line in pathlib.Path("/proc/self/maps").read_text().splitlines()
             if "libm.so" in line]
    shutil.copy(found[0] if found else "/lib/x86_64-linux-gnu/libm.so.6", library)
    env = {**os.environ, "LD_PRELOAD": str(library)}
    with holder("nothing", "-", env=env) as process:
        seen = [one for one in inventory()["unlisted"] if one["who"] == str(library)]
        tap.check("a preloaded library: found", len(seen) == 1 and not seen[0]["expected"]
                  and seen[0]["kind"] == "preloaded library" and f"(pid {process.pid})"
                  in seen[0]["detail"], seen)


def test_homes():
    script = ("mount -t tmpfs tmpfs /home && mkdir /home/ann /home/ben && "
              "touch /home/ann/letter /home/ben/letter && "
              "echo 4294967295 > /proc/self/loginuid 2>/dev/null; "
              '"$1" "$2" homes - > ready & while [ ! -s ready ]; do sleep 0.1; done; '
              '"$3" inventory --json; kill $!')
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", sys.executable, HOLDER, OVERT],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120)
    if not done.stdout:
        tap.skip("a service of root in homes", "no mounts of our own here")
        return
    service = pathlib.Path("/proc/self/loginuid").read_text() == "4294967295"
    seen = [one for one in json.loads(done.stdout)["unlisted"] if one["kind"] == "reads homes"]
    if not service:
        tap.skip("a service of root in homes", "this test comes from a login")
        return
    tap.check("a service of root in homes: found",
              any("ann and ben" in one["detail"] or "ben and ann" in one["detail"] for one in seen),
              seen)


def test_product():
    """A copy of the interpreter under a product's path, in a namespace of mounts of its own."""
    script = ("mount -t tmpfs tmpfs /opt && mkdir -p /opt/sophos-spl/base/bin && "
              'cp "$(readlink -f "$1")" /opt/sophos-spl/base/bin/sophos_watchdog && '
              '/opt/sophos-spl/base/bin/sophos_watchdog "$2" "fanotify content/inode" "$4" > ready & '
              'while [ ! -s ready ]; do sleep 0.1; done; "$3" inventory --json; kill $!')
    (HERE / "ready").unlink(missing_ok=True)
    (HERE / "watched").write_bytes(b"x")
    env = {**os.environ, "PYTHONHOME": sys.base_prefix}
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", sys.executable, HOLDER, OVERT,
                           HERE / "watched"], stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, timeout=120, env=env)
    if not done.stdout:
        tap.skip("a product that runs", "no mounts of our own here")
        return
    report = json.loads(done.stdout)
    found = [one for one in report["products"] if one["vendor"].startswith("Sophos")]
    kinds = {item["kind"] for one in found for item in one["evidence"]}
    tap.check("a product that runs: its process is evidence", "process" in kinds, (found, kinds))
    powers = {item["power"] for one in found for item in one["footprint"]["powers"]}
    tap.check("a product that runs: its footprint",
              {"runs as root", "can block files", "is told of files that are opened",
               "reads everyone's files"} <= powers, powers)
    tap.check("a product that runs: it is not on no list",
              not any("sophos" in one["who"] for one in report["unlisted"]), report["unlisted"])


def main():
    if os.geteuid() != 0:
        report = inventory()
        tap.check("an ordinary user is told what was not seen", bool(report["problems"]),
                  report["problems"])
        tap.skip("holders", "not root")
        return tap.end()
    path = HERE / "watched"
    path.write_bytes(b"x")
    test_fanotify(path)
    for name in ("overt_test", "event_execve"):  # the latter is what a product's program is called
        check_holder(f"an eBPF program {name}", ("bpf", name), "eBPF program",
                     ("raw tracepoint", name))
    check_holder("an audit socket", ("audit", "-"), "audit socket", ("hears all",))
    check_holder("a capability beside a socket", ("capability", "-"), "capabilities",
                 ("CAP_DAC_READ_SEARCH", "tcp port"))
    test_preload()
    test_homes()
    test_product()
    return tap.end()


sys.exit(main())
