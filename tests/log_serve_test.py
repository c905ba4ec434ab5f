#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# mostly waits
"""overt log serve: what is there for a client, what is not, clients that are slow, many or hostile,
and the cage around the process that answers. TAP."""
# timeout: 300
import concurrent.futures
import errno
import hashlib
import http.client
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/serve"))
from serving import (  # noqa: E402  pylint: disable=wrong-import-position
    HERE, IS_ROOT, OVERT, USER, Server, Skip, check_cage, main, need_another_user, read_all, status_of, try_acts)

HEX = hashlib.sha256(b"bundle").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()
TEXT, BYTES, ZSTD = "text/plain; charset=utf-8", "application/octet-stream", "application/zstd"
SHORT, LONG = "max-age=60", "max-age=31536000, immutable"
PATHS = {
    "checkpoint": (TEXT, SHORT),
    "log.policy": (TEXT, SHORT),
    "log.vkey": (TEXT, SHORT),
    "overt.trust": (TEXT, SHORT),
    "feed/stable/latest.tlog-proof": (TEXT, SHORT),
    "tile/0/000": (BYTES, LONG),
    "tile/0/x001/x234/067": (BYTES, LONG),
    "tile/1/000.p/17": (BYTES, LONG),
    "tile/entries/000": (BYTES, LONG),
    "tile/entries/001.p/255": (BYTES, LONG),
    f"bundle/{HEX}.zst": (ZSTD, LONG),
    f"delta/{HEX}-{OTHER}.zst": (ZSTD, LONG),
}
OTHERS = ["log.key", ".hidden", "checkpoint.new", "tile/0/000.tmp", "bundle/notes.txt", "index.html",
          "feed/stable/leaf", "tile/000", "private/secret"]


def make_log(folder="log"):
    random.seed(folder)
    for path in [*PATHS, *OTHERS]:
        place = pathlib.Path(folder, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(random.randbytes(random.randrange(1, 20000)))
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    return pathlib.Path(folder)


def every_path_of_a_log():
    log = make_log()
    (log / "overt.trust").write_bytes(b"")  # an empty file is a file
    with Server("serve", log) as server:
        for path, (kind, cache) in PATHS.items():
            content = (log / path).read_bytes()
            for method in ("GET", "HEAD"):
                status, headers, body = server.ask(method, "/" + path)
                assert status == 200, (path, status)
                assert headers["content-type"] == kind and headers["cache-control"] == cache, path
                assert headers["content-length"] == str(len(content)), (path, headers)
                assert headers["x-content-type-options"] == "nosniff"
                assert body == (content if method == "GET" else b""), path
        names = set(server.get("/checkpoint")[1])
        assert names <= {"date", "content-type", "cache-control", "content-length",
                         "x-content-type-options"}, names  # no cookie, no mark of any kind


def nothing_else_has_a_name():
    log = make_log()
    pathlib.Path("secret").write_text("secret")
    targets = ["/", "//checkpoint", "/checkpoint/", "/./checkpoint", "/%63heckpoint", "/Checkpoint",
               "/checkpoint?", "/checkpoint?a=b", "/checkpoint#a", "/checkpoint%00", "/checkpoint;a",
               "/../secret", "/..%2fsecret", "/%2e%2e/secret", "/%2e%2e%2fsecret", "/tile/../../secret",
               "/tile/0/../../../secret", "/tile/0/..%2f..%2f..%2fsecret", "/..\\secret",
               "/tile/..;/../secret", "/bundle/../../secret", "/feed/../checkpoint", "/feed/../../secret",
               "/feed/%2e%2e/latest.tlog-proof", "/tile/0", "/tile/0/", "/tile/", "/tile", "/tile/00/000",
               "/tile/64/000", "/tile/0/x000/000", "/tile/0/0", "/tile/0/000.p/0", "/tile/0/000.p/256",
               f"/bundle/{HEX.upper()}.zst", f"/bundle/{HEX}", f"/delta/{HEX}.zst", "secret",
               "checkpoint", "/etc/passwd", "//etc/passwd", "file:///etc/passwd", "*",
               "/tile/entries/001", f"/bundle/{OTHER}.zst", *("/" + other for other in OTHERS)]
    with Server("serve", log) as server:
        for target in targets:
            answer = server.get_raw(target)
            assert status_of(answer) in (400, 404) and b"secret" not in answer, (target, answer[:80])
        for target in (b"/checkpoint\0", b"/\0/../secret", b"/tile/0/000\0.p/1", b"/\xff\xfe", b"/a b",
                       b"/\x1b[2J", b"/checkpoint\r", b"/checkpoint\x0b"):
            answer = server.get_raw(target)
            # libmicrohttpd ends a line at a NUL: what stands before it is asked for.
            before = target.partition(b"\0")[0].decode("latin-1")
            is_cut = b"\0" in target and before[1:] in PATHS and (log / before[1:]).read_bytes() in answer
            assert is_cut or status_of(answer) in (0, 400, 404), (target, answer[:80])
        assert server.get("/checkpoint")[0] == 200


def links_and_what_is_no_file():
    log = make_log()
    pathlib.Path("outside").mkdir()
    pathlib.Path("outside/000").write_text("secret")
    pathlib.Path("secret").write_text("secret")
    for path in ("log.policy", "tile/0/001", "tile/1/000.p/1", f"bundle/{OTHER}.zst"):
        place = log / path
        place.unlink(missing_ok=True)
        place.parent.mkdir(exist_ok=True)
        place.symlink_to("/etc/passwd" if "policy" in path else HERE / "secret")
    (log / "tile/5").symlink_to(pathlib.Path("outside").resolve())
    (log / "tile/6").symlink_to("0")  # inside, and still a link
    (log / "log.vkey").unlink()
    (log / "log.vkey").mkdir()
    (log / "overt.trust").unlink()
    os.mkfifo(log / "overt.trust")
    with Server("serve", log) as server:
        for path in ("log.policy", "tile/0/001", "tile/1/000.p/1", f"bundle/{OTHER}.zst",
                     "tile/5/000", "tile/6/000", "log.vkey", "overt.trust"):
            status, _, body = server.get("/" + path)
            assert status == 404 and body == b"not found\n", (path, status)
        assert server.get("/tile/0/000")[0] == 200


def methods():
    with Server("serve", make_log()) as server:
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "PROPFIND", "get"):
            for body in (None, b"x" * 10, b"x" * 1_000_000):
                with server.connect() as peer:
                    head = f"{method} /checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                    head += f"Content-Length: {len(body)}\r\n\r\n" if body else "\r\n"
                    try:
                        peer.sendall(head.encode() + (body or b""))
                    except ConnectionError:
                        pass  # refused before the end of the body
                    answer = read_all(peer)
                assert status_of(answer) in (405,) or (body and answer == b""), (method, answer[:60])
                if answer:
                    assert b"\r\nAllow: GET, HEAD\r\n" in answer, answer
        for extra in (b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
            answer = server.send(b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n" + extra)
            assert status_of(answer) == 400, answer[:60]


def what_is_too_long():
    with Server("serve", make_log()) as server:
        assert status_of(server.get_raw("/" + "a" * 1022)) == 404
        assert status_of(server.get_raw("/" + "a" * 1024)) == 414
        assert status_of(server.get_raw("/" + "a" * 100_000)) == 414
        start = b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n"
        for headers in (b"X: " + b"a" * 100_000 + b"\r\n", b"X: a\r\n" * 10_000,
                        b"a" * 100_000 + b": x\r\n"):
            try:
                answer = server.send(start + headers + b"\r\n")
            except ConnectionError:
                continue  # closed while we were still sending
            assert status_of(answer) in (0, 400, 413, 431), answer[:60]
        for junk in (b"\r\n" * 1000, b"\0" * 5000, b"GET\r\n\r\n", b"GET /checkpoint\r\n\r\n", b"\x16\x03\x01",
                     b"GET /checkpoint HTTP/9.9\r\nHost: x\r\n\r\n", os.urandom(4000) + b"\r\n\r\n"):
            with server.connect() as peer:
                peer.sendall(junk)
                peer.settimeout(0.5)
                try:
                    answer = read_all(peer)
                except TimeoutError:
                    continue  # it waits for the rest of a line, until the client's time is over
                assert status_of(answer) in (0, 400, 404, 405, 501, 505), junk[:20]
        assert server.get("/checkpoint")[0] == 200


def one_connection_many_requests():
    log = make_log()
    with Server("serve", log) as server:
        connection = http.client.HTTPConnection(*server.address, timeout=30)
        for path in list(PATHS) * 5:
            connection.request("GET", "/" + path)
            assert connection.getresponse().read() == (log / path).read_bytes()
        connection.close()
        many = b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n" * 20
        last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = server.send(many + last)
        assert answer.count((log / "checkpoint").read_bytes()) == 20
        assert answer.count(b"HTTP/1.1 404") == 1


def many_at_once():
    log = make_log()
    big = os.urandom(8 << 20)
    (log / f"bundle/{HEX}.zst").write_bytes(big)
    contents = {path: (log / path).read_bytes() for path in PATHS}

    def fetch(seed):
        path = list(PATHS)[seed % len(PATHS)]
        status, _, body = server.get("/" + path)
        return status == 200 and body == contents[path]

    with Server("serve", log) as server:
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            assert all(pool.map(fetch, range(600)))


def a_file_that_is_replaced():
    log = make_log()
    with Server("serve", log) as server:
        for number in range(20):
            text = f"number {number}\n".encode() * (number + 1)
            pathlib.Path("fresh").write_bytes(text)
            os.replace("fresh", log / "checkpoint")
            assert server.get("/checkpoint")[2] == text
        # A reader that began with the old file ends with the old file.
        old, new = os.urandom(32 << 20), b"new"
        (log / "checkpoint").write_bytes(old)
        with server.connect() as peer:
            peer.sendall(b"GET /checkpoint HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            head = peer.recv(100)
            pathlib.Path("fresh").write_bytes(new)
            os.replace("fresh", log / "checkpoint")
            assert (head + read_all(peer)).partition(b"\r\n\r\n")[2] == old
        assert server.get("/checkpoint")[2] == new


def slow_clients_are_cut_off():
    """None of them holds the server up, and each is gone in the time that it has."""
    log = make_log()
    content = os.urandom(32 << 20)
    (log / "overt.trust").write_bytes(content)
    with Server("serve", log) as server:
        start = time.monotonic()
        silent, dripping, stalled = server.connect(), server.connect(), server.connect()
        stalled.sendall(b"GET /overt.trust HTTP/1.1\r\nHost: x\r\n\r\n")
        dripping.sendall(b"GET /checkpoint HTTP/1.1\r\n")
        is_open = {silent: True, dripping: True}
        while any(is_open.values()) and time.monotonic() - start < 30:
            time.sleep(0.5)
            begin = time.monotonic()
            assert server.get("/checkpoint")[0] == 200 and time.monotonic() - begin < 2
            for peer in [peer for peer, yes in is_open.items() if yes]:
                try:
                    if peer is dripping:
                        peer.send(b"X: y\r\n")
                    peer.setblocking(False)
                    is_open[peer] = peer.recv(1000) != b""
                except BlockingIOError:
                    pass
                except OSError as error:
                    assert error.errno in (errno.ECONNRESET, errno.EPIPE)
                    is_open[peer] = False
        took = time.monotonic() - start
        assert not any(is_open.values()) and 8 < took < 16, took
        time.sleep(max(0, start + 18 - time.monotonic()))
        assert len(read_all(stalled)) < len(content)  # what was on its way, and no more


def more_clients_than_there_is_room_for():
    """They wait, and have their answer when the first are cut off."""
    with Server("serve", make_log()) as server:
        idle = [server.connect() for _ in range(300)]
        start = time.monotonic()
        assert server.get("/checkpoint")[0] == 200
        assert time.monotonic() - start < 25
        for peer in idle:
            peer.close()
        for _ in range(3):
            assert server.get("/checkpoint")[0] == 200


def told(server):
    """Its lines, but for those on layers that this machine does not have."""
    return [line for line in server.text().splitlines()
            if not line.endswith("(overt status tells more)")]


def nothing_is_kept_of_clients():
    with Server("serve", make_log()) as server:
        server.get("/checkpoint")
        server.get("/nothing")
        server.end()
        assert told(server) == [f"listening on {server.url}"], server.text()


def what_is_printed_when_asked():
    with Server("serve", make_log(), "--log") as server:
        server.get("/checkpoint")
        server.ask("HEAD", "/checkpoint")
        server.ask("POST", "/checkpoint", body=b"x")
        server.get_raw(b"/\x1b]0;owned\x07")
        server.get("/nothing?who=me")
        server.end()
        lines = told(server)[1:]
        size = pathlib.Path("log/checkpoint").stat().st_size
        assert lines[:3] == [f"GET /checkpoint 200 {size}", "HEAD /checkpoint 200 0",
                             "POST /checkpoint 405 18"], lines
        assert "GET /nothing?who=me 404 10" == lines[-1], lines
        assert "\x1b" not in server.text() and "127.0.0.1" not in "".join(lines)


def ends_in_good_order():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with Server("serve", make_log()) as server:
            idle = server.connect()
            start = time.monotonic()
            assert server.end(number) == 0, server.text()
            assert time.monotonic() - start < 4
            idle.close()
    with Server("serve", make_log()) as server:  # at once, before it listens
        assert server.end() == 0


def refuses(address):
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return True
    return False


def what_is_under_way_is_finished():
    log = make_log()
    content = os.urandom(32 << 20)
    (log / "checkpoint").write_bytes(content)
    for attempt in range(1, 4):
        with Server("serve", log) as server:
            with server.connect() as peer:
                peer.sendall(b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n")
                head = peer.recv(1000)
                start = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                while not (is_refused := refuses(server.address)) and time.monotonic() < start + 4:
                    time.sleep(0.1)
                refused_after = time.monotonic() - start
                body = (head + read_all(peer)).partition(b"\r\n\r\n")[2]
                whole_after = time.monotonic() - start
            assert server.process.wait(timeout=30) == 0
        # Who is asked to end gives clients 5 seconds: a machine that stood still for so long, with
        # other tests beside this one, has shown nothing.
        if attempt == 3 or whole_after < 4:
            break
    assert is_refused, f"still accepts clients after {refused_after:.1f} s"
    assert body == content, f"{len(body)} of {len(content)} bytes after {whole_after:.1f} s"


def dies_with_its_parent():
    with Server("serve", make_log()) as server:
        child = server.child()
        server.process.kill()
        server.process.wait()
        end = time.monotonic() + 5
        state = pathlib.Path(f"/proc/{child}/stat")
        while state.exists() and " Z " not in state.read_text() and time.monotonic() < end:
            time.sleep(0.05)
        assert not state.exists() or " Z " in state.read_text()


def addresses():
    log = make_log()
    for address in ("", "8080", ":8080", "localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000",
                    "127.0.0.1:-1", "::1:80", "[127.0.0.1]:80", "[::1]", "[::1:80", "example.org:80",
                    "127.1:80", "127.0.0.1:80 "):
        done = subprocess.run([OVERT, "log", "serve", log, "--listen", address], capture_output=True,
                              check=False, timeout=30)
        assert done.returncode == 2 and b"is no address to listen at" in done.stderr, (address, done)
    with Server("serve", log, listen="localhost:0") as server:
        assert server.url.startswith("http://127.0.0.1:")
        taken = f"127.0.0.1:{server.address[1]}"
        done = subprocess.run([OVERT, "log", "serve", log, "--listen", taken], capture_output=True,
                              check=False, timeout=30)
        assert done.returncode == 2 and b"Address already in use" in done.stderr, done
    try:
        socket.socket(socket.AF_INET6).bind(("::1", 0))
    except OSError as error:
        raise Skip(f"no IPv6 here: {error}") from error
    with Server("serve", log, listen="[::1]:0") as server:
        assert server.url.startswith("http://[::1]:") and server.get("/checkpoint")[0] == 200


def what_cannot_be_served():
    for words in (["serve"], ["serve", "missing"], ["serve", "a", "b"], ["serve", "file"],
                  ["serve", ".", "--nothing"], ["nothing"], []):
        pathlib.Path("file").touch()
        listen = ["--listen", "127.0.0.1:0"] if words and "--nothing" not in words else []
        done = subprocess.run([OVERT, "log", *words, *listen], capture_output=True, check=False,
                              timeout=30)
        assert done.returncode == 2 and done.stderr.startswith(b"overt: "), (words, done)
    if IS_ROOT:
        log = make_log()
        log.chmod(0o700)
        done = subprocess.run([OVERT, "log", "serve", log, "--listen", "127.0.0.1:0"],
                              capture_output=True, check=False, timeout=30)
        assert done.returncode == 2 and b"user of its own" in done.stderr, done


def an_ordinary_user_serves():
    need_another_user()
    log = make_log()
    with Server("serve", log, user=USER) as server:
        assert server.get("/checkpoint")[2] == (log / "checkpoint").read_bytes()


# ---- cage --------------------------------------------------------------------------------------

def what_proc_says():
    with Server("serve", make_log()) as server:
        check_cage(server)


def a_server_that_is_taken_over():
    """Whatever it tries beyond its work ends it or is refused."""
    pathlib.Path("beside").write_text("secret")
    log = make_log()
    subprocess.run(["chmod", "-R", "a+rwX", log], check=True)  # so that the cage alone forbids it
    for user in ((), USER) if IS_ROOT else ((),):
        try_acts("server", lambda overt: Server("serve", log, overt=overt, user=user))  # pylint: disable=W0640
    assert sorted(os.listdir(log)) == sorted({path.split("/")[0] for path in [*PATHS, *OTHERS]})


if __name__ == "__main__":
    main([every_path_of_a_log, nothing_else_has_a_name, links_and_what_is_no_file, methods,
          what_is_too_long, one_connection_many_requests, many_at_once, a_file_that_is_replaced,
          slow_clients_are_cut_off, more_clients_than_there_is_room_for, nothing_is_kept_of_clients,
          what_is_printed_when_asked, ends_in_good_order, what_is_under_way_is_finished,
          dies_with_its_parent, addresses, what_cannot_be_served, an_ordinary_user_serves,
          what_proc_says, a_server_that_is_taken_over])
