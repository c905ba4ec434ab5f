# SPDX-License-Identifier: Apache-2.0
"""What the tests of fetching share: a program that fetches as `overt` would, servers that say what
they are told, and TAP."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scan"))
from harness import BUILD, HERE, SOURCE, Skip, USER, main  # noqa: E402,F401

# enum ov_fetch_end (src/wire/fetch.h)
(UNTRIED, GOT, MISSING, STATUS, REDIRECT, LARGE, TIMEOUT, NAME, CONNECT, CLOSED, TLS, CERTIFICATE,
 AUTHORITIES, PROXY, PROTOCOL, STORE, TROUBLE) = range(17)


def install(fetcher=BUILD / "overt-fetch", folder="bin"):
    """A copy of fetch-run with this program as its fetcher."""
    place = HERE / folder
    place.mkdir(exist_ok=True)
    shutil.copy2(BUILD / "tests/fetch-run", place / "fetch-run")
    shutil.copy2(fetcher, place / "overt-fetch")
    place.chmod(0o755)
    HERE.chmod(0o755)
    return place / "fetch-run"


def environment(**more):
    """Without the proxies of whoever runs the tests."""
    proxies = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "ssl_cert_file")
    plain = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
    return {**plain, **more}


def fetch(program, *arguments, user=(), env=None, timeout=60):
    """Runs one, in the current folder. Gives what it told; nothing is left behind."""
    before = sorted(os.listdir("."))
    done = subprocess.run([*user, program, *map(str, arguments)], capture_output=True, check=False,
                          timeout=timeout, env=environment(**(env or {})))
    assert done.returncode in (0, 1), done
    assert sorted(os.listdir(".")) == before, os.listdir(".")
    told = json.loads(done.stdout)
    assert (done.returncode == 0) == (told["status"] == "done")
    return told


def ends(told):
    return [answer["end"] for answer in told["answers"]]


class Server:
    """Listens on loopback. Each connection is answered by `answer(connection, request)`, where the
    request is the bytes up to the end of its body; they are kept in `requests`."""

    def __init__(self, answer, wrap=None):
        self.answer = answer
        self.wrap = wrap
        self.requests = []
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.host = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in [self.listener, *self.sockets]:
            one.close()

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.wrap is not None:
                connection = self.wrap(connection)
            self.sockets.append(connection)
            while request := read_request(connection):
                self.requests.append(request)
                if self.answer(connection, request) == "close":
                    break
            connection.close()
        except OSError:
            pass  # the other side went away, as it may


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    size = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    while len(body) < size:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def reply(body=b"", status="200 OK", fields=()):
    """A function that gives this answer to all requests."""
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}",
                                              f"Content-Length: {len(body)}", *fields))
    return lambda connection, request: connection.sendall(head.encode() + b"\r\n" + body)


def raw(data, then="close"):
    """A function that sends these bytes."""
    def send(connection, _request):
        connection.sendall(data)
        return then
    return send
