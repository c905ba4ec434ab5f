#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A made-up scanner that does what a scanner should not, for tests of `overt watch`; it sends to
the address that it is told alone, on the loopback interface.

culprit.py MODE DOCUMENTS PORT STATE

upload   sends documents that have the keyword
keep     keeps copies of them in STATE
digest   sends 32 bytes of each
routes   as upload, but reads, keeps and sends each in another way
helper   opens documents alone; a helper reads and sends what it is handed
child    reads documents; a child sends what comes through a pipe"""
import hashlib
import mmap
import os
import pathlib
import socket
import sys

KEYWORD = b"project zebra"


def connect(port):
    return socket.create_connection(("127.0.0.1", port))


def upload(documents, port, _):
    with connect(port) as out:
        for path in documents:
            content = path.read_bytes()
            if KEYWORD in content:
                out.sendall(content)


def keep(documents, _, state):
    state.mkdir()
    for number, path in enumerate(documents):
        content = path.read_bytes()
        if KEYWORD in content:
            (state / f".{number}").write_bytes(content)
    (state / ".0").unlink(missing_ok=True) # a copy that is gone was kept


def digest(documents, port, _):
    with connect(port) as out:
        for path in documents:
            out.sendall(hashlib.sha256(path.read_bytes()).digest())


def routes(documents, port, state):
    state.mkdir()
    with connect(port) as out:
        for number, path in enumerate(documents):
            fd, size = os.open(path, os.O_RDONLY), path.stat().st_size
            if number % 4 == 0:
                with mmap.mmap(fd, size, prot=mmap.PROT_READ) as content:
                    out.sendall(content[:])
            elif number % 4 == 1:
                os.sendfile(out.fileno(), fd, 0, size)
            elif number % 4 == 2:
                copy = os.open(state / f".{number}", os.O_WRONLY | os.O_CREAT, 0o600)
                os.copy_file_range(fd, copy, size)
                os.close(copy)
            else:
                reader, writer = os.pipe()
                left = size
                while left > 0:
                    moved = os.splice(fd, writer, left) if hasattr(os, "splice") else \
                        os.write(writer, os.read(fd, 4096))
                    out.sendall(os.read(reader, moved))
                    left -= moved
                os.close(reader)
                os.close(writer)
            os.close(fd)


def helper(documents, port, _):
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        with connect(port) as out:
            for _ in documents:
                _, fds, _, _ = socket.recv_fds(theirs, 1, 1)
                while part := os.read(fds[0], 65536):
                    out.sendall(part)
                os.close(fds[0])
        os._exit(0)
    for path in documents:
        fd = os.open(path, os.O_RDONLY)
        socket.send_fds(ours, [b"."], [fd])
        os.close(fd)
    os.waitpid(pid, 0)


def child(documents, port, _):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writer)
        with connect(port) as out:
            while part := os.read(reader, 65536):
                out.sendall(part)
        os._exit(0)
    for path in documents:
        os.write(writer, path.read_bytes())
    os.close(writer)
    os.waitpid(pid, 0)


def main():
    mode, folder, port, state = sys.argv[1:]
    documents = sorted(pathlib.Path(folder).iterdir())
    {"upload": upload, "keep": keep, "digest": digest, "routes": routes, "helper": helper,
     "child": child}[mode](documents, int(port), pathlib.Path(state))


if __name__ == "__main__":
    main()
