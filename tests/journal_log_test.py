#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 300
"""The words of `overt log` that have a network are runs of the journal: which processes there were,
and how many bytes they sent, held against what the other end of each connection counted. TAP."""
import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import time

SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
sys.path[:0] = [str(SOURCE / "tests" / part) for part in ("journal", "serve")]
from journals import BUILD, Journal, environment, main, verify  # noqa: E402
import serving  # noqa: E402

OVERT = BUILD / "overt"


def log(*words, state="state", code=0, env=None):
    done = subprocess.run([OVERT, "log", *map(str, words)], capture_output=True, check=False,
                          timeout=120, stdin=subprocess.DEVNULL, text=True,
                          env=environment(state, **(env or {})))
    assert done.returncode == code, done
    return done


def bodies(kind, state):
    return [dict(entry.body) for entry in Journal(state).entries() if entry.type == kind]


def roles(state):
    """{role: (program, layers, how it ended)}; one of each."""
    began = {body["pid"]: body for body in bodies("role", state)}
    ended = {body["pid"]: body["how"] for body in bodies("gone", state)}
    return {body["role"]: (body["program"], body["layers"], ended.get(pid))
            for pid, body in began.items()}


def sums(state):
    """{peer: (sent, received)} of all runs, and what each `stop` says."""
    found = {}
    for body in bodies("sent", state):
        before = found.get(body["peer"], (0, 0))
        found[body["peer"]] = (before[0] + int(body["bytes"]), before[1] + int(body["received"]))
    return found, [body["sent"] for body in bodies("stop", state)]


class Server(serving.Server):
    """One whose runs are in the journal of this state."""

    def __init__(self, *words, state, beat=600, **how):
        self.state = state
        super().__init__(*words, more=(), env=environment(state, OVERT_HEARTBEAT=str(beat)), **how)

    def served(self):
        """The pid of the process that serves; another child is the keeper."""
        pid = self.process.pid
        pids = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        names = {pathlib.Path(f"/proc/{one}/comm").read_text().strip(): int(one) for one in pids}
        return next(one for name, one in names.items() if name != "overt")


def agrees(ours, theirs, connections):
    """What clients were sent and what came from them, by both ends. The kernel counts the end of a
    connection as a byte that came."""
    return ours[0] == theirs[1] and theirs[0] <= ours[1] <= theirs[0] + connections


def make_log(witness=()):
    log("create", "log", "--origin", "log.example/rules", *witness)
    pathlib.Path("a.ndb").write_text("A-1:0:*:61626364\n")
    log("append", "log", "a.ndb")
    assert not pathlib.Path("state").exists()  # they have no network, and write nothing


def digest_of(name):
    return hashlib.sha256((BUILD / name).read_bytes()).hexdigest()


def to_clients():
    """Each byte that clients got, and each that they sent."""
    make_log()
    log("checkpoint", "log", "--no-journal")
    assert not pathlib.Path("state").exists()
    request = b"GET /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    sent = received = 0
    with Server("serve", "log", state="state") as server:
        for path in (b"checkpoint", b"log.vkey", b"nothing", b"tile/0/000.p/1"):
            received += len(request % path)
            sent += len(server.send(request % path))
        assert server.end() == 0
    found, stops = sums("state")
    assert agrees(found["clients"], (received, sent), 4), (found, sent, received)
    assert list(found) == ["clients"] and stops == [str(sent)], (found, stops)
    assert bodies("start", "state")[0]["command"] == "log-serve"
    program, layers, how = roles("state")["server"]
    assert program == digest_of("overt-serve") and int(layers, 16) > 0 and how == "exit 0"
    assert set(roles("state")) == {"keeper", "server"} and verify()[0] == 0


def at_each_heartbeat():
    make_log()
    log("checkpoint", "log", "--no-journal")
    with Server("serve", "log", state="state", beat=1) as server:
        size, end = 0, time.monotonic() + 30
        while size < 2 and time.monotonic() < end:
            assert server.get("/checkpoint")[0] == 200
            time.sleep(1.2)
            size = len(bodies("sent", "state"))
        assert size >= 2 and len(bodies("heartbeat", "state")) >= 2
        assert "server" in roles("state") and not bodies("stop", "state")
        assert server.end() == 0
    found, stops = sums("state")
    assert stops == [str(found["clients"][0])] and verify()[0] == 0, (found, stops)


def a_server_that_dies():
    """What it sent since its last word is not known, and that is said."""
    if not serving.IS_ROOT:
        raise serving.Skip("only root can end a caged process")
    make_log()
    log("checkpoint", "log", "--no-journal")
    with Server("serve", "log", state="state") as server:
        assert server.get("/checkpoint")[0] == 200
        os.kill(server.served(), signal.SIGKILL)
        assert server.process.wait(timeout=30) == 2
    assert sums("state")[1] == ["-"] and roles("state")["server"][2] == "signal 9"
    assert verify()[0] == 0


def witnesses_and_monitors():
    """What one end says that it sent is what the other says that it received."""
    vkey = log("key", "w.example/w", "--witness", "-o", "w.key").stdout.strip()
    with serving.socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    witness = f"http://127.0.0.1:{port}"
    make_log(("--witness", f"w {vkey} {witness}", "--quorum", "all"))
    with Server("witness", "--state", "w", "--key", "w.key", "--policy", "log/log.policy",
                state="cosigner", listen=f"127.0.0.1:{port}") as cosigner:
        log("checkpoint", "log", state="publisher")
        found, stops = sums("publisher")
        assert list(found) == [witness] and stops == [str(found[witness][0])], (found, stops)
        assert found[witness][0] > 0 and roles("publisher")["fetcher"][2] == "exit 0"
        with Server("serve", "log", state="server") as server:
            log("monitor", server.url, "--policy", "log/log.policy", "--state", "m", state="monitor")
            url = server.url.rstrip("/")
            assert server.end() == 0
        assert cosigner.end() == 0
    watched, stops = sums("monitor")
    assert set(watched) == {url, witness}, watched
    assert stops == [str(watched[url][0] + watched[witness][0])], (watched, stops)
    assert agrees(sums("server")[0]["clients"], watched[url], 20), (sums("server"), watched)
    both = tuple(a + b for a, b in zip(found[witness], watched[witness]))
    assert agrees(sums("cosigner")[0]["clients"], both, 20), (sums("cosigner"), both)
    assert "witness" in roles("cosigner") and "auditor" in roles("monitor"), roles("monitor")
    for state in ("publisher", "server", "monitor", "cosigner"):
        assert verify(state=state)[0] == 0, state


def what_cannot_be_written_down_is_not_sent():
    make_log()
    pathlib.Path("file").touch()
    for words in (("checkpoint", "log"), ("serve", "log", "--listen", "127.0.0.1:0"),
                  ("monitor", "log", "--policy", "log/log.policy", "--state", "m")):
        done = log(*words, state="file", code=2)
        assert "journal" in done.stderr and "--no-journal" in done.stderr, done
    assert not pathlib.Path("log/checkpoint").exists()
    log("checkpoint", "log", "--no-journal", state="file")


if __name__ == "__main__":
    main([to_clients, at_each_heartbeat, a_server_that_dies, witnesses_and_monitors,
          what_cannot_be_written_down_is_not_sent])
