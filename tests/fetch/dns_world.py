# SPDX-License-Identifier: Apache-2.0
"""In a network of its own, with a name server of its own: fetches by names that only it knows.

Started by tests/fetch_test.py in new mount and network namespaces. Prints what is wrong."""
import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time

import fetching

RUN = pathlib.Path(sys.argv[1])
TYPE_A, TYPE_AAAA = 1, 28
asked = []


def answer(query, is_tcp):
    """127.0.0.1 for what begins with `log`; for `long` too, but only over TCP; else no such name."""
    end = query.index(b"\0", 12) + 5
    name = query[12:end - 4]
    kind = struct.unpack(">H", query[end - 4:end - 2])[0]
    asked.append((name, kind, is_tcp))
    records = b""
    flags = 0x8180
    if not name.startswith((b"\x03log", b"\x04long")):
        flags |= 3
    elif name.startswith(b"\x04long") and not is_tcp:
        flags |= 0x0200  # truncated
    elif kind == TYPE_A:
        records = b"\xc0\x0c" + struct.pack(">HHIH", TYPE_A, 1, 60, 4) + bytes([127, 0, 0, 1])
    return (query[:2] + struct.pack(">HHHHH", flags, 1, 1 if records else 0, 0, 0) +
            query[12:end] + records)


def serve_udp(server):
    while True:
        query, client = server.recvfrom(4096)
        if b"\x06silent" in query:
            continue
        server.sendto(answer(query, False), client)


def serve_tcp(server):
    while True:
        connection, _ = server.accept()
        while head := connection.recv(2):
            reply = answer(connection.recv(struct.unpack(">H", head)[0]), True)
            connection.sendall(struct.pack(">H", len(reply)) + reply)
        connection.close()


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1 | 64))  # SIOCSIFFLAGS: up


def main():
    raise_loopback()
    pathlib.Path("resolv.conf").write_text("nameserver 127.0.0.1\nsearch wrong.test\n")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "--bind", "resolv.conf", os.path.realpath("/etc/resolv.conf")], check=True)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 53))
    tcp = socket.create_server(("127.0.0.1", 53))
    threading.Thread(target=serve_udp, args=(udp,), daemon=True).start()
    threading.Thread(target=serve_tcp, args=(tcp,), daemon=True).start()
    with fetching.Server(fetching.reply(b"x")) as server:
        for host, end in (("log.test", fetching.GOT), ("long.test", fetching.GOT),
                          ("none.test", fetching.NAME)):
            told = fetching.fetch(RUN, "--base", f"http://{host}:{server.port}/", "get", "a", 9, "must")
            if fetching.ends(told) != [end]:
                print(host, told)
        pathlib.Path("body").touch()
        start = time.monotonic()
        told = fetching.fetch(RUN, *[word for host in ("silent.test", "log.test") for word in (
            "post", f"http://{host}:{server.port}/x", 9, 3000, "body")])
        if fetching.ends(told) != [fetching.NAME, fetching.GOT] or time.monotonic() - start > 9:
            print("silent", told)
    if not any(is_tcp for _, _, is_tcp in asked):
        print("TCP was never asked")
    if any(b"wrong" in name for name, _, _ in asked):
        print("a search list was used:", asked)
    os._exit(0)


main()
