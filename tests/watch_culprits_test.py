#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""Made-up scanners that take, keep and send documents: the trace says who read what, how much was
kept and how much was sent to where, to the byte. TAP."""
import os
import pathlib
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "watch"))
import watching as w  # noqa: E402

CULPRIT = w.SOURCE / "tests/watch/culprit.py"
COUNT, WITH_KEYWORD = 8, {0, 3, 6}


class Collector:
    """Takes what is sent to it, in a process that is not watched."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.bytes = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            with client:
                while part := client.recv(65536):
                    self.bytes += len(part)


def make_documents(folder):
    folder.mkdir()
    sizes = []
    for number in range(COUNT):
        text = os.urandom(7000 + 4500 * number).hex().encode()
        text += b" project zebra " if number in WITH_KEYWORD else b" project horse "
        (folder / f"{number}.txt").write_bytes(text)
        sizes.append(len(text))
    os.sync()
    return sizes


def run_culprit(folder, mode, documents):
    collector = Collector()
    state = folder / f"state-{mode}"
    done, trace = w.record_command(folder, sys.executable, "-I", "-B", CULPRIT, mode, documents,
                                   collector.port, state)
    w.check(f"{mode}: it ran, and the trace is complete",
            done.returncode == 0 and trace.is_complete() and trace.records["end"][0]["status"] == 0,
            (done, trace.losses, trace.failed_routes(), trace.records["end"]))
    return collector, trace, state


def check_sums(mode, collector, trace, want_sent, want_kept):
    sent = trace.sent()
    want = {f"127.0.0.1:{collector.port}": want_sent} if want_sent else {}
    w.check(f"{mode}: {want_sent} bytes sent, and to where", dict(sent) == want
            and collector.bytes == want_sent, (sent, want, collector.bytes))
    kept = w.kept(trace)
    w.check(f"{mode}: {sum(want_kept.values())} bytes kept, and where", dict(kept) == want_kept,
            (kept, want_kept))


def check_read(mode, trace, documents, sizes):
    got = [w.covered(trace.of(documents / f"{number}.txt")) for number in range(COUNT)]
    w.check(f"{mode}: every document was read whole", got == sizes, (got, sizes))


def readers(trace, documents):
    return {record["pid"] for number in range(COUNT)
            for record in trace.of(documents / f"{number}.txt") if w.covered([record]) > 0}


def senders(trace):
    return {record["pid"] for record in trace.sockets.values()
            if record["family"] == socket.AF_INET and record["sent"]}


def test_modes(folder, documents, sizes):
    marked = sum(sizes[number] for number in WITH_KEYWORD)
    total = sum(sizes)
    for mode in ("upload", "keep", "digest", "routes", "helper", "child"):
        collector, trace, state = run_culprit(folder, mode, documents)
        kept = {}
        if mode == "keep":
            kept = {f"{state}/.{number}": sizes[number] for number in WITH_KEYWORD}
        elif mode == "routes":
            kept = {f"{state}/.{number}": sizes[number] for number in range(2, COUNT, 4)}
        sent = {"upload": marked, "keep": 0, "digest": 32 * COUNT,
                "routes": total - sum(kept.values())}.get(mode, total)
        check_sums(mode, collector, trace, sent, kept)
        check_read(mode, trace, documents, sizes)
        first = trace.records["process"][0]["process"].split()[0]
        by, out = readers(trace, documents), senders(trace)
        if mode == "helper":
            w.check("helper: the helper reads and sends, not who opened", by == out
                    and len(by) == 1 and int(first) not in by, (by, out, first))
        elif mode == "child":
            w.check("child: one reads, another sends", by == {int(first)} and len(out) == 1
                    and not by & out, (by, out, first))
        else:
            w.check(f"{mode}: by one process", by == {int(first)} and out <= by, (by, out, first))


def main():
    w.need_recorder()
    with w.disk_folder() as name:
        folder = pathlib.Path(name).resolve()
        sizes = make_documents(folder / "documents")
        test_modes(folder, folder / "documents", sizes)
    w.finish()


if __name__ == "__main__":
    main()
