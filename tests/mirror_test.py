#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
"""overt rules add, update and verify against a ClamAV mirror. What its maker did not sign is refused
wherever this runs; with OVERT_SHARED, what he did sign is installed and updated. TAP."""
# timeout: 300
import functools
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/feed"))
sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/scan"))
from harness import BUILD, Skip, main  # noqa: E402
from forge_database import Vendor  # noqa: E402

SHARED = pathlib.Path(os.environ.get("OVERT_SHARED", "/nonexistent")) / "data/dev/clamav"
OFFICIAL = SHARED / "official"


def run(*words):
    env = {**os.environ, "OVERT_STATE": str(pathlib.Path("state").absolute())}
    return subprocess.run([BUILD / "overt", "rules", *map(str, words)], capture_output=True,
                          text=True, timeout=120, check=False, env=env)


def refused(done, why):
    assert done.returncode == 2 and why in done.stderr, f"{done.returncode}: {done.stderr}"


def fine(done):
    assert done.returncode == 0, f"{done.returncode}: {done.stdout} {done.stderr}"
    return done


class Mirror:
    """A web server for a folder."""

    def __init__(self, folder):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass
        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def databases():
    if not (OFFICIAL / "bytecode.cvd").exists():
        raise Skip("needs OVERT_SHARED, with databases that their maker signed")
    folder = pathlib.Path("mirror")
    folder.mkdir()
    shutil.copy(OFFICIAL / "bytecode.cvd", folder)
    return folder


def what_somebody_else_signed():
    if shutil.which("openssl") is None:
        raise Skip("openssl is not there to make keys with")
    folder = pathlib.Path("mirror")
    folder.mkdir()
    rules = [("test.ndb", b"Test.Body-1:0:*:6f76657274\n")]
    (folder / "daily.cvd").write_bytes(Vendor().cvd(7, rules))
    with Mirror(folder) as url:
        refused(run("add", url), "the signature in its header is not the vendor's")
    (folder / "daily.cvd").write_bytes(b"no database")
    refused(run("add", folder), "daily.cvd")
    (folder / "daily.cvd").unlink()
    refused(run("add", folder), "no ClamAV mirror")
    assert not list(pathlib.Path("state").rglob("daily*"))
    assert "starter" in run("list").stdout


def from_a_server():
    folder = databases()
    with Mirror(folder) as url:
        done = fine(run("add", url, "--json"))
        told = json.loads(done.stdout)
        assert told["feed"] == "clamav" and "bytecode 333" in told["verified"], told
        assert "legacy signature only (MD5, RSA-1024)" in told["verified"], told
        assert "up to date" in fine(run("update")).stdout
    listed = json.loads(fine(run("list", "--json")).stdout)
    assert listed["kind"] == "clamav" and "nobody can see" in listed["weakness"], listed
    done = fine(run("verify"))
    assert "clamav: verified: bytecode 333" in done.stdout, done.stdout
    installed = next(pathlib.Path("state").rglob("bytecode.cvd"))
    good = installed.read_bytes()
    installed.write_bytes(good[:5000] + bytes([good[5000] ^ 1]) + good[5001:])
    done = run("verify")
    assert done.returncode == 1 and "clamav: mismatch" in done.stdout, done.stdout


def one_for_another():
    folder = databases()
    (folder / "bytecode.cvd").rename(folder / "main.cvd")
    refused(run("add", folder), "main.cvd is the database bytecode under another name")


def changed_on_the_way():
    folder = databases()
    good = (folder / "bytecode.cvd").read_bytes()
    fine(run("add", folder))
    for place in (100, 200, 600, len(good) - 20):  # what stands before is signed by nobody
        bad = good[:place] + bytes([good[place] ^ 1]) + good[place + 1:]
        (folder / "bytecode.cvd").write_bytes(bad)
        done = run("update", "--full")
        assert done.returncode == 2 and "stay active" in done.stderr, (place, done.stderr)
        assert next(pathlib.Path("state").rglob("bytecode.cvd")).read_bytes() == good
    fine(run("verify"))


if __name__ == "__main__":
    main([what_somebody_else_signed, from_a_server, one_for_another, changed_on_the_way])
