# SPDX-License-Identifier: Apache-2.0
"""What the tests of `overt log serve` and `overt log witness` share: a process that serves, raw
requests to it, and what /proc says of it."""
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/scan"))
import harness  # noqa: E402  pylint: disable=wrong-import-position
from harness import BUILD, HERE, SOURCE, Skip, USER, main, need_another_user  # noqa: E402,F401

OVERT = BUILD / "overt"
IS_ROOT = os.geteuid() == 0


class Server:
    """overt log WORD ..., until the end of a `with`; by default on a free port of 127.0.0.1, and
    without a journal: tests/journal_log_test.py is about what stands there."""

    def __init__(self, *words, overt=OVERT, user=(), env=None, listen="127.0.0.1:0",
                 more=("--no-journal",)):
        self.out = open(f"out-{time.monotonic_ns()}", "w+b")
        self.process = subprocess.Popen([*user, overt, "log", *map(str, words), "--listen", listen, *more],
                                        stdout=self.out, stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        self.url = self.address = None
        end = time.monotonic() + 30
        while self.url is None and self.process.poll() is None and time.monotonic() < end:
            found = re.search(r"^listening on (http://(.*):(\d+)/)$", self.text(), re.M)
            if found:
                self.url = found[1]
                self.address = (found[2].strip("[]"), int(found[3]))
            else:
                time.sleep(0.01)
        assert self.url, f"did not start: {self.text()}"

    def text(self):
        return pathlib.Path(self.out.name).read_text("utf-8", "replace")

    def child(self):
        """The pid of the process that serves."""
        pid = self.process.pid
        for _ in range(100):
            pids = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if pids:
                return int(pids[0])
            time.sleep(0.01)
        raise AssertionError("no child")

    def end(self, number=signal.SIGTERM):
        """Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.out.close()

    # ---- requests

    def ask(self, method, path, body=None, headers=None):
        """(status, headers in lower case, body) by http.client."""
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def get(self, path):
        return self.ask("GET", path)

    def connect(self):
        return socket.create_connection(self.address, timeout=30)

    def send(self, request):
        """What comes back for these bytes until the other end closes."""
        with self.connect() as peer:
            peer.sendall(request)
            return read_all(peer)

    def get_raw(self, target):
        """The same for a target that no library would send."""
        target = target if isinstance(target, bytes) else target.encode()
        return self.send(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")


def read_all(peer):
    parts = []
    with contextlib.suppress(ConnectionError):
        while True:
            part = peer.recv(65536)
            if not part:
                break
            parts.append(part)
    return b"".join(parts)


def status_of(answer):
    """Of a raw answer; 0 when there is none."""
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    return int(found[1]) if found else 0


def facts_of(pid):
    """What /proc says of a process."""
    place = pathlib.Path("/proc", str(pid))
    status = (place / "status").read_text().splitlines()
    return {
        "status": dict(line.split(":\t", 1) for line in status if ":\t" in line),
        "fds": {int(fd): os.readlink(place / "fd" / fd) for fd in os.listdir(place / "fd")},
        "root": sorted(os.listdir(place / "root")),
        "ns": {name: os.readlink(place / "ns" / name) for name in os.listdir(place / "ns")},
        "environ": (place / "environ").read_bytes(),
        "limits": (place / "limits").read_text(),
    }


def has_layers(server, *layers):
    missing = [layer for layer in layers if f"overt: {layer}: not confined" in server.text()]
    if missing:
        raise Skip(f"not available: {missing}")


def check_cage(server):
    """What holds of every process that serves."""
    if not IS_ROOT:
        raise Skip("only root may look into a caged process")
    facts = facts_of(server.child())
    status = facts["status"]
    has_layers(server, "user", "capabilities", "no-new-privs", "seccomp", "mounts", "net", "pids",
               "ipc", "limits", "descriptors")
    assert 0 not in map(int, status["Uid"].split() + status["Gid"].split())
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2" and not status["Groups"].strip()
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert status["Threads"] == "1"
    for name in ("pid", "mnt", "net", "ipc", "uts"):
        assert facts["ns"][name] != os.readlink(f"/proc/self/ns/{name}"), name
    assert len(facts["root"]) == 1, facts["root"]  # the one folder
    for name in ("Max processes", "Max core file size"):
        assert re.search(rf"{name}\s+0\s+0\s", facts["limits"]), name
    assert b"HOME=" not in facts["environ"] and b"PATH=" not in facts["environ"]
    kinds = {fd: place.partition(":")[0] for fd, place in facts["fds"].items()}
    assert kinds[3] == "socket" and kinds[5] == "anon_inode" and set(kinds) == set(range(6)), kinds
    return facts


def try_acts(role, start):
    """Each act of tests/serve/double.c, in a process that `start(overt)` starts."""
    place = HERE / "bin"
    place.mkdir(exist_ok=True)
    shutil.copy2(OVERT, place / "overt")
    shutil.copy2(BUILD / "tests/double-serve", place / "overt-serve")
    for name in (place, HERE):
        name.chmod(0o755)
    rows = re.findall(r'\{"([\w-]+)", "(\w+)", "(\w+)", try_',
                      (SOURCE / "tests/serve/double.c").read_text())
    expected = {row[0]: row[{"server": 1, "witness": 2}[role]] for row in rows}
    assert len(expected) > 30 and set(expected.values()) == {"killed", "refused", "possible"}
    for act, end in expected.items():
        with start(place / "overt") as server:
            has_layers(server, "seccomp", "mounts", "landlock")
            answer = server.get_raw(f"/act/{act}")
            if end == "killed":
                assert answer == b"" and server.process.wait(timeout=30) == 2, (act, answer)
                assert "the caged process died: Bad system call" in server.text(), act
            else:
                assert answer.partition(b"\r\n\r\n")[2].decode() == f"{end}\n", (act, answer)
