#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# mostly waits
"""The second sensors of `overt watch`: what the kernel asks before a canary is accessed, held
against its pages, by readers that nobody keeps waiting; what is given to libraries of TLS; where
datagrams went; and that a trace of honest programs has no view that disagrees. TAP."""
import collections
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "watch"))
import watching as w  # noqa: E402

OVERT = w.BUILD / "overt"
BYTES, SENT = 100000, 60000
# How a program reads a canary, each a process of its own: what both views must have whole.
READERS = {
    "read": "import sys; open(sys.argv[1], 'rb').read()",
    "mmap": "import mmap, sys; f = open(sys.argv[1], 'rb'); "
            "mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[:]",
    "sendfile": "import os, sys; f = open(sys.argv[1], 'rb'); out = open('/dev/null', 'wb'); "
                "os.sendfile(out.fileno(), f.fileno(), 0, 100000)",
    "copy": "import os, sys; f = open(sys.argv[1], 'rb'); out = open(sys.argv[1] + '.copy', 'wb'); "
            "os.copy_file_range(f.fileno(), out.fileno(), 100000)",
}


def sensor(trace, name):
    states = [record for record in trace.records["sensor"] if w.unescape(record["name"]) == name]
    return states[-1] if states else None


def report(path):
    done = w.run(OVERT, "watch", "report", path, "--json")
    return json.loads(done.stdout)


def findings(path):
    return {finding["rule"]: finding for finding in report(path)["findings"]}


def start(path, *words, options=(), **more):
    return subprocess.Popen([str(word) for word in (w.RECORDER, "-o", path, "--no-envelope", *options,
                                                    "--", *words)],
                            stdin=more.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **more)


def wait_until(is_so, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def make_canary(path):
    path.write_bytes(os.urandom(BYTES))
    os.sync()
    return path


# ---- canaries -----------------------------------------------------------------------------------

def touches(trace, path, is_asked):
    """{pid: pages} of a canary, by one of the two views."""
    begin, found = trace.inode(path) + " ", collections.defaultdict(set)
    for record in trace.records["canary"]:
        if record["inode"].startswith(begin) and (record["route"] == "pre-access") == is_asked:
            last = min(record["to"], BYTES)
            found[int(record["process"].split()[0])].update(
                range(record["from"] // w.PAGE, -(-last // w.PAGE)))
    return {pid: pages for pid, pages in found.items() if pages}


def test_canaries(folder):
    """Returns whether the kernel has the sensor."""
    canary, path = make_canary(folder / "canary"), folder / "both.trace"
    script = "\n".join(f"'{sys.executable}' -c \"{code}\" '{canary}' || exit 9"
                       for code in READERS.values())
    process = start(path, "sh", "-c", script, options=("--canary", canary))
    _, words = process.communicate(timeout=120)
    trace = w.Trace(path)
    state = sensor(trace, "pre-access")
    if state["state"] != "on":
        w.check("a sensor that the kernel has not is missing, with its reason",
                state["state"] == "missing" and state["why"] != "-", state)
        return False
    asked, seen = touches(trace, canary, True), touches(trace, canary, False)
    whole = set(range(-(-BYTES // w.PAGE)))
    w.check("the readers ran, and the trace is complete", trace.is_complete()
            and trace.records["end"][0]["status"] == 0, (words, trace.records["end"], trace.losses))
    w.check(f"{len(READERS)} readers: each is seen by both views, on all pages",
            len(seen) == len(READERS) and asked == seen == dict.fromkeys(seen, whole), (asked, seen))
    w.check("its losses are counted", trace.losses.get("pre-access") == 0, trace.losses)
    if OVERT.exists():
        found = findings(path)
        w.check("views that agree are no finding", "canary-views" not in found, found)
    return True


def test_hole(folder):
    """A descriptor that is older than the mark: the kernel asks nobody. It is found."""
    canary, path = make_canary(folder / "held"), folder / "hole.trace"
    with canary.open("rb") as old:
        start(path, "cat", options=("--canary", canary), stdin=old).communicate(timeout=60)
    trace = w.Trace(path)
    w.check("an old descriptor: its pages are seen, and nobody was asked",
            touches(trace, canary, False) and not touches(trace, canary, True),
            trace.records["canary"])
    if OVERT.exists():
        found = findings(path).get("canary-views")
        w.check("that is a finding, with its bytes and its file",
                found and found["bytes"] == BYTES and found["items"][0]["path"] == str(canary), found)
        # Mapped and not touched: asked for, and no page.
        code = "import mmap, sys; f = open(sys.argv[1], 'rb'); " \
               "mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)"
        path = folder / "mapped.trace"
        start(path, sys.executable, "-c", code, canary,
              options=("--canary", canary)).communicate(timeout=60)
        found = findings(path).get("canary-views")
        w.check("what was asked for and not read is one as well",
                found and found["count"] == 1 and "no page" in found["items"][0]["name"], found)


def read_for(canary, seconds):
    """The longest time in which one read of it was done."""
    longest, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        canary.read_bytes()
        longest = max(longest, time.monotonic() - begin)
    return longest


def test_nobody_waits(folder):
    canary, path = make_canary(folder / "waited-for"), folder / "stopped.trace"
    process = start(path, "sleep", 60, options=("--canary", canary))
    is_begun = wait_until(lambda: path.exists() and b"event found" in path.read_bytes())
    helpers = [int(pid) for pid in pathlib.Path(
        f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    process.send_signal(signal.SIGSTOP)
    longest = read_for(canary, 1.0)
    w.check("a recorder that is stopped keeps no reader waiting", is_begun and longest < 0.5, longest)
    done = []
    reader = threading.Thread(target=lambda: done.append(read_for(canary, 1.5)))
    reader.start()
    time.sleep(0.5)
    process.kill()
    process.communicate(timeout=60)
    reader.join(timeout=30)
    w.check("nor does one that is killed", done and done[0] < 0.5, done)
    others = [pid for pid in helpers if b"sleep" not in (
        pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() if pathlib.Path(f"/proc/{pid}").exists()
        else b"")]
    w.check("what answers is gone with it", others and wait_until(
        lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in others)), others)
    for pid in set(helpers) - set(others):
        os.kill(pid, signal.SIGKILL) # our own sleep


def test_answerer_ends(folder):
    canary, path = make_canary(folder / "left"), folder / "left.trace"
    process = start(path, "sleep", 3, options=("--canary", canary))
    wait_until(lambda: path.exists() and b"event found" in path.read_bytes())
    for pid in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        if b"overt-watch" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(int(pid), signal.SIGKILL)
    w.check("without what answers, readers go on", read_for(canary, 0.2) < 0.5)
    process.communicate(timeout=60)
    state = sensor(w.Trace(path), "pre-access")
    w.check("and the sensor is told as missing", state["state"] == "missing", state)


def test_memory(folder):
    """In memory there is no such sensor, and the trace says why."""
    place = pathlib.Path("/dev/shm")
    if w.run("stat", "-f", "-c", "%T", place).stdout.strip() != b"tmpfs":
        w.skip("a canary in memory", "no tmpfs at /dev/shm")
        return
    canary = make_canary(place / f"watch-test-{os.getpid()}")
    try:
        _, trace = w.record_command(folder, "cat", canary, options=("--canary", canary))
    finally:
        canary.unlink()
    state = sensor(trace, "pre-access")
    w.check("a canary in memory: the sensor is missing, and its path is named",
            state["state"] == "missing" and str(canary) in w.unescape(state["why"]), state)


# ---- libraries of TLS ---------------------------------------------------------------------------

CLIENT = """
import socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1])))) as out:
    for _ in range(6):
        out.sendall(b"x" * 10000)
    out.recv(1)
"""


GNUTLS_CLIENT = """
import ctypes, socket, sys
tls = ctypes.CDLL("libgnutls.so.30")
session, credentials = ctypes.c_void_p(), ctypes.c_void_p()
out = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
assert tls.gnutls_certificate_allocate_credentials(ctypes.byref(credentials)) == 0
assert tls.gnutls_init(ctypes.byref(session), 2) == 0 # GNUTLS_CLIENT
assert tls.gnutls_set_default_priority(session) == 0
assert tls.gnutls_credentials_set(session, 1, credentials) == 0 # GNUTLS_CRD_CERTIFICATE
tls.gnutls_transport_set_int2(session, out.fileno(), out.fileno())
assert tls.gnutls_handshake(session) == 0
for _ in range(6):
    assert tls.gnutls_record_send(session, b"x" * 10000, ctypes.c_size_t(10000)) == 10000
tls.gnutls_record_recv(session, ctypes.create_string_buffer(1), ctypes.c_size_t(1))
"""


def serve_tls(folder):
    """(port, a function that ends it): answers each client with one byte when it has sent all."""
    import ssl  # pylint: disable=import-outside-toplevel
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = w.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                 "/CN=localhost", "-keyout", key, "-out", certificate)
    assert made.returncode == 0, made
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            try:
                client, _ = listener.accept()
                with context.wrap_socket(client, server_side=True) as inner:
                    left = SENT
                    while left > 0 and (got := inner.recv(65536)):
                        left -= len(got)
                    inner.sendall(b".")
            except ssl.SSLError:
                continue
            except OSError:
                return
    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1], listener.close


def by_library(trace):
    """{the library's name: bytes}"""
    last = {(record["process"], record["library"]): record for record in trace.records["plaintext"]}
    sums = collections.Counter()
    for record in last.values():
        sums[w.unescape(record["library"]).rpartition("/")[2]] += record["sent"]
    return sums


def test_plaintext(folder):
    if not shutil.which("openssl"):
        w.skip("libraries of TLS", "openssl is not installed")
        return
    content = folder / "content"
    content.write_bytes(b"a line of text\n" * (SENT // 15))
    port, end = serve_tls(folder)
    clients = {"libssl.so.3": [[sys.executable, "-c", CLIENT, port],
                               ["sh", "-c", f"openssl s_client -quiet -connect 127.0.0.1:{port} <'{content}'"]]}
    if list(pathlib.Path("/usr/lib").glob("*/libgnutls.so.30")):
        clients["libgnutls.so.30"] = [[sys.executable, "-c", GNUTLS_CLIENT, port]]
    else:
        w.skip("libgnutls", "it is not installed")
    for library, commands in clients.items():
        for command in commands:
            done, trace = w.record_command(folder, *command, options=("--plaintext",))
            found = by_library(trace)
            name = "openssl" if command[0] == "sh" else "python"
            w.check(f"{name}: all that was given to {library}, and no more",
                    found == {library: SENT}, (found, done.stderr[-300:]))
            w.check("its sensor is on", any(record["state"] == "on" and library in record["name"]
                                            for record in trace.records["sensor"]))
            w.check("nothing of the content is in the trace", not any(
                text in str(trace.records) for text in ("a%20line", "xxxxxxxx")))
    # A library elsewhere, found when it is opened.
    elsewhere = folder / "libssl.so.3"
    shutil.copy(next(pathlib.Path("/usr/lib").glob("*/libssl.so.3")), elsewhere)
    code = "import time; import ssl; time.sleep(1)" + CLIENT
    env = {**os.environ, "LD_LIBRARY_PATH": str(folder)}
    _, trace = w.record_command(folder, sys.executable, "-c", code, port, options=("--plaintext",),
                                env=env)
    record = sensor(trace, f"plaintext:{elsewhere}")
    w.check("a library elsewhere is found on its way, and that is said",
            record and record["state"] == "on" and record["why"] != "-"
            and by_library(trace) == {"libssl.so.3": SENT}, (record, by_library(trace)))
    script = f"'{sys.executable}' -c '{CLIENT}' {port}; '{sys.executable}' -c '{CLIENT}' {port}"
    _, trace = w.record_command(folder, "sh", "-c", script, options=("--plaintext", "--map-entries",
                                                                     "plaintexts=1"))
    w.check("where there is no room for another process, that is a loss", trace.losses["plaintexts"] > 0
            and not trace.is_complete(), trace.losses)
    test_found(folder, elsewhere, port)
    _, trace = w.record_command(folder, sys.executable, "-c", CLIENT, port)
    w.check("nobody who does not ask for it has such a sensor",
            not trace.records["plaintext"] and "plaintext" not in str(trace.records["sensor"]))
    end()


def test_found(folder, library, port):
    """What runs already: what it holds is listed, and its library is probed before it sends."""
    held, path = folder / "plan", folder / "found.trace"
    held.write_bytes(b"x" * 5000)
    code = f"import ssl, sys; held = open('{held}', 'r+b'); print('ready', flush=True); sys.stdin.readline()" + CLIENT
    process = subprocess.Popen([sys.executable, "-c", code, str(port)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env={**os.environ, "LD_LIBRARY_PATH": str(folder)})
    process.stdout.readline()
    recorder = subprocess.Popen([w.RECORDER, "-o", path, "--plaintext", "--pid", str(process.pid)],
                                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_until(lambda: path.exists() and b"kind map" in path.read_bytes())
    time.sleep(0.5)
    process.communicate(b"go\n", timeout=60)
    recorder.communicate(timeout=60)
    trace = w.Trace(path)
    prior = [(one["kind"], w.unescape(one["path"]), one["mode"]) for one in trace.records["prior"]]
    w.check("what it had open is listed", ("fd", str(held), "both") in prior, prior)
    w.check("and what it had mapped", ("map", str(library), "read") in prior
            and any(one["kind"] == "map" and one["inode"].startswith(trace.inode(library) + " ")
                    and one["bytes"] >= 4096 for one in trace.records["prior"]), prior)
    w.check("its library is probed from the beginning", by_library(trace) == {"libssl.so.3": SENT},
            (by_library(trace), trace.records["sensor"][-3:]))


# ---- datagrams ----------------------------------------------------------------------------------

DATAGRAMS = """
import socket, sys
four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
for number, port in enumerate(sys.argv[1:], 1):
    for _ in range(number):
        four.sendto(b"x" * 100, ("127.0.0.1", int(port)))
        six.sendto(b"x" * 10, ("::1", int(port)))
        six.sendto(b"x", ("::ffff:127.0.0.1", int(port)))
"""


def test_datagrams(folder):
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    done, trace = w.record_command(folder, sys.executable, "-c", DATAGRAMS, *ports)
    if sensor(trace, "sendmsg4")["state"] != "on":
        w.skip("where datagrams went", w.unescape(sensor(trace, "sendmsg4")["why"]))
        return
    sent = {w.unescape(record["remote"]): record["sent"] for record in trace.sockets.values()
            if record["type"] == 2 and record["sent"]}
    want = {}
    for number, port in enumerate(ports, 1):
        want |= {f"127.0.0.1:{port}": 100 * number, f"[::1]:{port}": 10 * number,
                 f"[::ffff:127.0.0.1]:{port}": number}
    w.check("a socket that sends to many: the bytes of each address", sent == want, (done, sent, want))
    for one in sockets:
        one.close()


# ---- honest programs ----------------------------------------------------------------------------

def test_views(folder):
    if not OVERT.exists():
        w.skip("views of honest programs", "overt was not built")
        return
    place = folder / "tree"
    place.mkdir()
    for number in range(40):
        (place / str(number)).write_bytes(os.urandom(5000 * number))
    os.sync()
    path = folder / "honest.trace"
    script = f"grep -r nothing '{place}'; cp -r '{place}' '{place}.copy'; tar cf '{place}.tar' '{place}'; " \
             f"sha256sum '{place}'/*; cmp '{place}/1' '{place}/2'; exit 0"
    start(path, "sh", "-c", script).communicate(timeout=120)
    found = findings(path)
    w.check("views of honest programs agree", not {"calls-alone", "pages-alone"} & set(found), found)
    path = folder / "namespaces.trace"
    start(path, "unshare", "--mount", "true").communicate(timeout=60)
    found = findings(path)
    w.check("a change of namespaces is a finding", "namespaces" in found
            and "unshare" in str(found["namespaces"]), found)


def main():
    w.need_recorder()
    with w.disk_folder() as name:
        folder = pathlib.Path(name).resolve()
        if test_canaries(folder):
            test_hole(folder)
            test_nobody_waits(folder)
            test_answerer_ends(folder)
        else:
            w.skip("canaries by both views", "this kernel or file system has no FAN_PRE_ACCESS")
        test_memory(folder)
        test_plaintext(folder)
        test_datagrams(folder)
        test_views(folder)
    w.finish()


if __name__ == "__main__":
    main()
