# SPDX-License-Identifier: Apache-2.0
"""What the tests of `overt scan` share: an overt whose worker obeys its files (tests/scan/double.c),
rules for it, and TAP."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import traceback

BUILD = pathlib.Path(os.environ["OVERT_BUILD"])
SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
HERE = pathlib.Path.cwd()
if (HERE / "meson.build").exists():
    sys.exit("run this in an empty folder: it makes trees and changes modes where it stands")
USER = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"]


class Skip(Exception):
    """The kernel or the user lacks what the test needs."""


def need_another_user():
    """For tests that run what was built as USER."""
    if os.geteuid() != 0:
        raise Skip("all tests are run by an ordinary user already")
    if subprocess.run([*USER, "test", "-x", BUILD / "overt"], check=False).returncode != 0:
        raise Skip(f"other users cannot reach what was built: {BUILD}")


def install(worker=BUILD / "src/role/double-worker", folder="bin"):
    """A copy of overt with this program as its worker."""
    place = HERE / folder
    place.mkdir(exist_ok=True)
    shutil.copy2(BUILD / "overt", place / "overt")
    shutil.copy2(worker, place / "overt-worker")
    place.chmod(0o755)
    HERE.chmod(0o755)
    return place / "overt"


def write_rules(name="rules.ndb", count=3):
    """Rules Rule-00000 and up; what they look for does not matter to the test worker."""
    lines = (f"Rule-{i:05}:0:*:{i:08x}6f76657274{i:08x}" for i in range(count))
    (HERE / name).write_text("\n".join(lines) + "\n")
    return name


def state_folder(user=()):
    """Where whoever this is may keep a journal."""
    place = HERE / ("state-of-user" if user else "state")
    if user and not place.exists():
        place.mkdir()
        place.chmod(0o777)
    return str(place)


def run(overt, *arguments, user=(), stdin=b"", timeout=60, env=None):
    command = [*user, overt, "scan", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=timeout, check=False,
                          env={**os.environ, "OVERT_STATE": state_folder(user), **(env or {})})


def workers_of(pid):
    """Its children that are workers: the journal's keeper, a fork of overt, is none."""
    found = []
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            if pathlib.Path("/proc", child, "comm").read_text() == "overt-worker\n":
                found.append(int(child))
        except OSError:
            pass  # it has ended
    return found


def is_sanitized():
    """Built with the address sanitizer. It opens /proc/self/maps when a signal handler jumps out, so
    that in the cage a shrunken file ends such a worker, where a plain one goes on."""
    return b"__asan_init" in (BUILD / "overt").read_bytes()


def parse(out):
    """The JSON lines by path (surrogate escapes kept), and the summary."""
    lines = [json.loads(line) for line in out.decode("utf-8", "surrogateescape").splitlines()]
    assert "summary" in lines[-1] and len(lines) > 0
    paths = [line["path"] for line in lines[:-1]]
    assert len(paths) == len(set(paths)), "a path was told twice"
    return {line["path"]: line for line in lines[:-1]}, lines[-1]["summary"]


def command_file(path, word, size=0):
    """A file that asks the test worker for something; large ones travel by descriptor."""
    text = f"OVERT-TEST {word}\n".encode()
    pathlib.Path(path).write_bytes(text + b"." * max(0, size - len(text)))
    return path


def main(tests):
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        folder = HERE / test.__name__
        folder.mkdir()
        folder.chmod(0o777)
        os.chdir(folder)
        try:
            test()
            print(f"ok {number} - {test.__name__}")
        except Skip as why:
            print(f"ok {number} - {test.__name__} # SKIP {why}")
        except Exception:  # the test's own failure, whatever it is
            failed += 1
            print(f"not ok {number} - {test.__name__}")
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        sys.stdout.flush()
        os.chdir(HERE)
    subprocess.run(["chmod", "-R", "u+rwx", str(HERE)], check=False)
    sys.exit(1 if failed else 0)
