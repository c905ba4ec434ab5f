#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
"""Fetching over loopback, from servers that behave, and from servers that do not. TAP."""
# timeout: 300
import functools
import hashlib
import http.server
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings

sys.path.insert(0, os.path.join(os.environ["OVERT_SOURCE"], "tests/fetch"))
import fetching  # noqa: E402  pylint: disable=wrong-import-position
from fetching import (AUTHORITIES, CERTIFICATE, CLOSED, CONNECT, GOT, LARGE, MISSING, NAME, PROTOCOL,  # noqa: E402
                     PROXY, REDIRECT, STATUS, TIMEOUT, TLS, UNTRIED, USER, Server, Skip, ends, raw,
                     reply)

RUN = fetching.install()
fetch = functools.partial(fetching.fetch, RUN)


def get(path, size=1 << 20, may="must"):
    return ("get", path, size, may)


def file_server(folder):
    """Python's own."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **words):
            super().__init__(*arguments, directory=folder, **words)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    server.handle_error = lambda *_: None  # a client that has enough goes away
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


# ---- what arrives -------------------------------------------------------------------------------

def make_files(folder):
    contents = {"checkpoint": b"abc\n", "empty": b"", "tile/0/x001/067.p/8": os.urandom(256 * 32),
                "bundle/0f.zst": os.urandom(3_000_000)}
    for number in range(60):
        contents[f"feed/{number}"] = os.urandom(number)
    for name, content in contents.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return contents


def files_arrive(user=()):
    contents = make_files("www")
    pathlib.Path("staging").mkdir()
    pathlib.Path("staging").chmod(0o777)
    words = [word for name in contents for word in get(name, len(contents[name]))]
    told = fetch("--below", "staging", "--base", file_server("www"), *words, user=user)
    assert told["status"] == "done", told["reason"]
    for answer, content in zip(told["answers"], contents.values()):
        assert (answer["end"], answer["open"], answer["size"]) == (GOT, "done", len(content))
        assert answer["sha256"] == hashlib.sha256(content).hexdigest()
    assert not os.listdir("staging")


def files_arrive_at_an_ordinary_user():
    if os.geteuid() != 0:
        raise Skip("is one already")
    files_arrive(USER)


def a_base_may_be_a_folder():
    make_files("www/log/x")
    base = file_server("www")
    for path in ("log/x", "log/x/"):
        assert ends(fetch("--base", base + path, *get("checkpoint"))) == [GOT]


def names_are_looked_up():
    make_files("www")
    base = file_server("www").replace("127.0.0.1", "localhost")
    assert ends(fetch("--base", base, *get("checkpoint"))) == [GOT]
    told = fetch("--base", "http://no-such-host.invalid/", *get("checkpoint"))
    assert ends(told) == [NAME]
    assert told["reason"] == ("http://no-such-host.invalid/checkpoint: could not look up the name of "
                              "no-such-host.invalid"), told


def names_come_from_a_name_server():
    """Also a long answer, which comes over TCP: tests/fetch/dns_world.py."""
    apart = ["unshare", "-m", "-n"]
    if os.geteuid() != 0 or subprocess.run([*apart, "true"], check=False).returncode != 0:
        raise Skip("needs root, and namespaces")
    if not pathlib.Path("/etc/resolv.conf").exists():
        raise Skip("no /etc/resolv.conf to put another in its place")
    done = subprocess.run([*apart, sys.executable, fetching.SOURCE / "tests/fetch/dns_world.py", RUN],
                          capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done


def a_missing_file_ends_all_unless_it_may():
    make_files("www")
    base = file_server("www")
    told = fetch("--base", base, *get("nope", may="may"), *get("checkpoint"))
    assert told["status"] == "done" and ends(told) == [MISSING, GOT]
    told = fetch("--base", base, *get("nope"), *get("checkpoint"))
    assert told["status"] == "nothing more"
    assert ends(told)[0] == MISSING and ends(told)[1] in (GOT, UNTRIED)
    assert told["reason"] == f"{base}nope: the server has no such file"


# ---- what is too much ---------------------------------------------------------------------------

def a_large_file_is_refused():
    for size in (999, 10):
        with Server(reply(b"x" * 1000)) as server:
            told = fetch("--base", server.url, *get("a", size))
            assert told["status"] == "limit reached" and ends(told) == [LARGE], told
            assert told["reason"].endswith(f"larger than the {size} bytes that are allowed")
    with Server(reply(b"x" * 1000)) as server:
        assert ends(fetch("--base", server.url, *get("a", 1000))) == [GOT]


def endless(connection, _request, head):
    connection.sendall(head)
    while True:
        connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")


def an_endless_body_is_cut():
    for head in (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                 b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 404 No\r\n\r\n"):
        start = time.monotonic()
        with Server(functools.partial(endless, head=head)) as server:
            told = fetch("--base", server.url, *get("a", 500_000))
            assert ends(told) == [MISSING if b"404" in head else LARGE], told
        assert time.monotonic() - start < 10


def endless_headers_are_cut():
    def answer(connection, _request):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-A: " + b"y" * 1000 + b"\r\n")
    with Server(answer) as server:
        assert ends(fetch("--base", server.url, *get("a"))) == [PROTOCOL]


def all_files_have_one_limit():
    with Server(reply(b"x" * 1000)) as server:
        told = fetch("--total", 2999, "--base", server.url, *get("a"), *get("b"), *get("c"))
        assert told["status"] == "limit reached" and ends(told).count(LARGE) == 1
        told = fetch("--total", 3000, "--base", server.url, *get("a"), *get("b"), *get("c"))
        assert ends(told) == [GOT, GOT, GOT]


# ---- what is too late ---------------------------------------------------------------------------

def a_slow_server_meets_the_deadline():
    def drip(connection, _request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"x")
            time.sleep(0.1)
    def silent(_connection, _request):
        time.sleep(30)
    for answer in (drip, silent):
        with Server(answer) as server:
            start = time.monotonic()
            told = fetch("--deadline", 1200, "--base", server.url, *get("a"), *get("b", may="may"))
            assert 1 < time.monotonic() - start < 4
            assert told["status"] == "limit reached" and ends(told) == [TIMEOUT, TIMEOUT], told
            assert told["reason"] == f"{server.url}a: no whole answer in time"


def a_port_without_a_server_is_told():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    told = fetch("--base", f"http://127.0.0.1:{port}/x", *get("a"))
    assert ends(told) == [CONNECT]
    assert told["reason"] == (f"http://127.0.0.1:{port}/x/a: could not connect to 127.0.0.1:{port}: "
                              "Connection refused")


# ---- what servers say ---------------------------------------------------------------------------

def redirects_are_not_followed():
    with Server(reply(b"secret")) as other:
        for status in ("301 Moved", "302 Found", "303 See", "307 Here", "308 There"):
            for place in (other.url + "a", "/b", "file:///etc/passwd"):
                with Server(reply(b"go", status, [f"Location: {place}"])) as server:
                    told = fetch("--base", server.url, *get("a"))
                    assert ends(told) == [REDIRECT] and told["status"] != "done", told
                    assert "points to another address" in told["reason"]
                    assert len(server.requests) == 1
        assert not other.requests


def odd_answers_are_refused():
    head = b"HTTP/1.1 200 OK\r\n"
    cases = [
        (b"", CLOSED), (b"HTTP/1.1 200 OK\r\nContent-Len", CLOSED),
        (head + b"X: y\r\n", CLOSED), (b"HTTP/1.1 100 Continue\r\n\r\n" + head, CLOSED),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + head + b"Content-Length: 1\r\n\r\nx", GOT),
        (head + b"Content-Length: 100\r\n\r\nabc", CLOSED),
        (head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", CLOSED),
        (head + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n", GOT),
        (head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", None),
        (b"hello", PROTOCOL), (b"SSH-2.0-x\r\n", PROTOCOL), (b"\x16\x03\x01\x00\x01", PROTOCOL),
        (head + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", GOT),  # as they are
        (b"HTTP/1.1 206 Part\r\nContent-Length: 1\r\n\r\nx", STATUS),
        (b"HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\nx", STATUS),
        (b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", STATUS),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", MISSING),
        (b"HTTP/1.1 204 None\r\n\r\n", STATUS), (b"HTTP/1.1 999 Odd\r\n\r\n", None),
    ]
    for data, end in cases:
        with Server(raw(data)) as server:
            told = fetch("--base", server.url, *get("a"))
            if end is None:
                assert ends(told)[0] not in (GOT, MISSING), (data, told)
            else:
                assert ends(told) == [end], (data, told)
            assert len(server.requests) <= 2  # libcurl asks again when a kept connection was closed


def addresses_of_other_forms_are_refused():
    for base in ("file:///etc", "ftp://127.0.0.1/", "http://user:pw@127.0.0.1/", "http://a/?x",
                 "http://a/../b", "gopher://a/", "a", "http://a b/", "http://\x1b[2J/"):
        told = fetch("--base", base, *get("passwd"))
        assert told["status"] != "done" and "no address that is understood" in told["reason"], told
        assert "\x1b" not in told["reason"]
    for path in ("../x", "/x", "x?y", "", "a//b", "%2e%2e/x"):
        assert "no path that may be fetched" in fetch("--base", "http://a/", *get(path))["reason"]


# ---- what servers see ---------------------------------------------------------------------------

def clients_cannot_be_told_apart():
    """Two clients with other homes, languages, versions and pasts send the same bytes, and what the
    server hands out does not come back."""
    fields = ["Set-Cookie: id=4711; Path=/", 'ETag: "4711"', "Alt-Svc: h2=\":443\"",
              "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Strict-Transport-Security: max-age=9"]
    pathlib.Path("home").mkdir()
    pathlib.Path("home/.netrc").write_text("machine 127.0.0.1 login me password secret\n")
    pathlib.Path("home/.curlrc").write_text("user-agent = me\nheader = \"X-Me: 1\"\n")
    pathlib.Path("body").write_bytes(b"old 1\n\ncheckpoint\n")
    seen = []
    with Server(reply(b"x", fields=fields)) as server:
        post = ("post", server.url + "add-checkpoint", 100, 5000, pathlib.Path("body").absolute())
        for env in ({"HOME": "/nonexistent"}, {"HOME": os.path.abspath("home"), "LANG": "de_DE.UTF-8",
                                               "USER": "me", "OVERT_STATE": "/x", "TZ": "Asia/Tokyo",
                                               "CURL_HOME": os.path.abspath("home")}):
            for _ in range(2):
                server.requests.clear()
                assert fetch("--base", server.url, *get("a"), *get("b/c"), *post,
                             env=env)["status"] == "done"
                seen.append(sorted(server.requests))
    assert seen[0] == seen[1] == seen[2] == seen[3]
    common = f"Host: {server.host}\r\nUser-Agent: overt\r\nAccept: */*\r\n".encode()
    assert seen[0] == [b"GET /a HTTP/1.1\r\n" + common + b"\r\n",
                       b"GET /b/c HTTP/1.1\r\n" + common + b"\r\n",
                       b"POST /add-checkpoint HTTP/1.1\r\n" + common +
                       b"Content-Length: 18\r\n\r\nold 1\n\ncheckpoint\n"], seen[0]


# ---- POST ---------------------------------------------------------------------------------------

def witnesses_are_asked_beside_one_another():
    """One hangs, one refuses, one tells another size, one is not there, one is too long."""
    def slow(connection, request):
        time.sleep(0.5)
        reply(b"\xe2\x80\x94 w sig\n")(connection, request)
    listener = socket.create_server(("127.0.0.1", 0))
    gone = listener.getsockname()[1]
    listener.close()
    pathlib.Path("body").write_bytes(bytes(range(256)) * 10)
    with Server(slow) as good, Server(slow) as good_too, Server(lambda *_: time.sleep(30)) as hangs, \
            Server(reply(b"17\n", "409 Conflict", ["Content-Type: text/x.tlog.size"])) as behind, \
            Server(reply(b"", "403 No")) as refuses, Server(reply(b"x" * 200)) as talks, \
            Server(reply(b"", "307 Go", [f"Location: {good.url}"])) as moved:
        urls = [s.url + "add-checkpoint" for s in (good, hangs, behind, refuses, talks, moved, good_too)]
        urls.append(f"http://127.0.0.1:{gone}/x")
        words = [word for url in urls for word in ("post", url, 100, 1500, "body")]
        start = time.monotonic()
        told = fetch(*words)
        assert time.monotonic() - start < 4
        assert told["status"] == "done"
        assert ends(told) == [GOT, TIMEOUT, GOT, GOT, LARGE, REDIRECT, GOT, CONNECT], told
        assert [a["http"] for a in told["answers"]] == [200, 0, 409, 403, 0, 307, 200, 0]
        assert told["answers"][2]["sha256"] == hashlib.sha256(b"17\n").hexdigest()
        assert told["answers"][3]["size"] == 0 and told["answers"][3]["open"] == "done"
        assert len(good.requests) == 1
        assert good.requests[0].endswith(b"\r\n\r\n" + bytes(range(256)) * 10)


# ---- TLS ----------------------------------------------------------------------------------------

def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_certificates():
    """Two authorities, and certificates of the first for 127.0.0.1 and for another name."""
    if shutil.which("openssl") is None:
        raise Skip("no openssl here")
    for name in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")
    for name, alt, days in (("good", "IP:127.0.0.1,DNS:localhost", "2"), ("wrong", "DNS:other.example", "2"),
                            ("old", "IP:127.0.0.1", "-1")):
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        pathlib.Path("ext").write_text(f"subjectAltName={alt}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", days, "-extfile", "ext", "-out", f"{name}.pem")


def tls_server(name, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{name}.pem", f"{name}.key")
    if version is not None:
        warnings.simplefilter("ignore")  # that it is old is the point
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
    server = Server(reply(b"secret"), wrap=lambda c: context.wrap_socket(c, server_side=True))
    server.url = server.url.replace("http:", "https:")
    return server


def certificates_are_checked():
    make_certificates()
    here = os.getcwd()
    ours = ("--ca", f"{here}/ca.pem")
    with tls_server("good") as server:
        told = fetch(*ours, "--base", server.url, *get("a"))
        assert ends(told) == [GOT], told
        assert ends(fetch("--base", server.url, *get("a"),
                          env={"SSL_CERT_FILE": f"{here}/ca.pem"})) == [GOT]
        assert ends(fetch(*ours, "--base", server.url.replace("127.0.0.1", "localhost"),
                          *get("a"))) == [GOT]
        assert ends(fetch("--ca", f"{here}/other-ca.pem", "--base", server.url,
                          *get("a"))) == [CERTIFICATE]
        count = len(server.requests)
        assert ends(fetch("--ca", f"{here}/none.pem", "--base", server.url, *get("a"))) == [AUTHORITIES]
        told = fetch("--ca", f"{here}/ext", "--base", server.url, *get("a"))
        assert ends(told)[0] in (AUTHORITIES, CERTIFICATE) and told["status"] != "done"
        assert len(server.requests) == count
    for name in ("wrong", "old"):
        with tls_server(name) as server:
            assert ends(fetch(*ours, "--base", server.url, *get("a"))) == [CERTIFICATE]
            assert not server.requests
    with tls_server("good", ssl.TLSVersion.TLSv1_1) as server:
        assert ends(fetch(*ours, "--base", server.url, *get("a"))) == [TLS]
    def speak_first(connection):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        return connection
    with Server(reply(b"plain"), wrap=speak_first) as server:
        assert ends(fetch(*ours, "--base", server.url.replace("http:", "https:"), *get("a"))) == [TLS]


# ---- proxies ------------------------------------------------------------------------------------

def tunnel(connection, request):
    """What a proxy does with CONNECT."""
    host, port = request.split()[1].decode().split(":")
    with socket.create_connection((host, int(port))) as other:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        def pump(a, b):
            try:
                while data := a.recv(65536):
                    b.sendall(data)
            except OSError:
                pass
        back = threading.Thread(target=pump, args=(other, connection), daemon=True)
        back.start()
        pump(connection, other)
    return "close"


def proxies_are_used():
    with Server(reply(b"by proxy")) as proxy, Server(reply(b"direct")) as server:
        named = f"http://{proxy.host}"
        for words, env in ((("--proxy", named), {}), ((), {"http_proxy": named}),
                           ((), {"http_proxy": f"{proxy.host}/"})):
            proxy.requests.clear()
            told = fetch(*words, "--base", "http://log.invalid/x", *get("a"), env=env)
            assert ends(told) == [GOT], told  # the proxy looks the name up
            assert proxy.requests[0].startswith(b"GET http://log.invalid/x/a HTTP/1.1\r\n")
        proxy.requests.clear()
        for words, env in ((("--proxy", ""), {"http_proxy": named}), ((), {"HTTP_PROXY": named}),
                           ((), {"https_proxy": named}),
                           ((), {"http_proxy": named, "no_proxy": "x.org, 127.0.0.1"}),
                           ((), {"http_proxy": named, "NO_PROXY": "*"})):
            assert ends(fetch(*words, "--base", server.url, *get("a"), env=env)) == [GOT]
            assert not proxy.requests
        told = fetch("--proxy", "socks5://127.0.0.1:1", "--base", server.url, *get("a"))
        assert "no proxy that is understood" in told["reason"]
        told = fetch("--proxy", "http://me:secret@127.0.0.1:1", "--base", server.url, *get("a"))
        assert "no proxy that is understood" in told["reason"] and "secret" not in told["reason"]


def tls_goes_through_a_proxy():
    make_certificates()
    ours = ("--ca", f"{os.getcwd()}/ca.pem")
    with tls_server("good") as server, Server(tunnel) as proxy, \
            Server(reply(b"", "403 Forbidden")) as refuses:
        told = fetch(*ours, "--base", server.url, *get("a"), env={"HTTPS_PROXY": f"http://{proxy.host}"})
        assert ends(told) == [GOT], told
        assert proxy.requests == [f"CONNECT {server.host} HTTP/1.1\r\nHost: {server.host}\r\n"
                                  "User-Agent: overt\r\nProxy-Connection: Keep-Alive\r\n\r\n".encode()]
        told = fetch(*ours, "--proxy", f"http://{refuses.host}", "--base", server.url, *get("a"))
        assert ends(told) == [PROXY], told


# ---- the folder ---------------------------------------------------------------------------------

def what_a_dead_broker_left_is_removed():
    make_files("www")
    for name in ("fetch-dead00", "fetch-dead01"):
        pathlib.Path("staging", name).mkdir(parents=True)
    pathlib.Path("staging/fetch-dead00/17").write_bytes(b"x")
    pathlib.Path("staging/fetch-dead01/link").symlink_to("/etc/passwd")
    pathlib.Path("staging/fetch-file").write_bytes(b"a file is not a folder of ours")
    pathlib.Path("staging/other").mkdir()
    assert ends(fetch("--below", "staging", "--base", file_server("www"), *get("checkpoint"))) == [GOT]
    assert sorted(os.listdir("staging")) == ["fetch-file", "other"]
    assert pathlib.Path("/etc/passwd").exists()


def a_folder_that_is_none_is_told():
    told = fetch("--below", "nope", "--base", "http://127.0.0.1:1/", *get("a"))
    assert told["reason"] == "nope: No such file or directory", told


def a_missing_program_is_told():
    other = fetching.install(folder="alone")
    os.unlink(other.parent / "overt-fetch")
    told = fetching.fetch(other, "--base", "http://127.0.0.1:1/", *get("a"))
    assert "the fetching program is missing" in told["reason"], told


if __name__ == "__main__":
    fetching.main([
        files_arrive, files_arrive_at_an_ordinary_user, a_base_may_be_a_folder, names_are_looked_up,
        names_come_from_a_name_server,
        a_missing_file_ends_all_unless_it_may, a_large_file_is_refused, an_endless_body_is_cut,
        endless_headers_are_cut, all_files_have_one_limit, a_slow_server_meets_the_deadline,
        a_port_without_a_server_is_told, redirects_are_not_followed, odd_answers_are_refused,
        addresses_of_other_forms_are_refused, clients_cannot_be_told_apart,
        witnesses_are_asked_beside_one_another, certificates_are_checked, proxies_are_used,
        tls_goes_through_a_proxy, what_a_dead_broker_left_is_removed, a_folder_that_is_none_is_told,
        a_missing_program_is_told])
