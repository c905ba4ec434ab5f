# SPDX-License-Identifier: Apache-2.0
"""holder.py WHAT FILE: holds what security products hold, says "ready", and waits to be ended.
What is marked is FILE alone, or only told of: nobody is kept from opening anything else."""
import ctypes
import os
import socket
import struct
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
SYS_BPF = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine)
CLASSES = {"notification": 0, "content": 4, "pre-content": 8, "names": 0x200}  # 0x200: FAN_REPORT_FID
MARKS = {"inode": 0, "mount": 0x10, "filesystem": 0x100}
OPEN, OPEN_PERM, CLOSE_WRITE = 0x20, 0x10000, 0x8


def ask(result):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def fanotify(what, path):
    """fanotify CLASS MARK: permission events of FILE alone, or being told."""
    name, mark = what.split("/")
    group = ask(libc.fanotify_init(CLASSES[name], os.O_RDONLY))
    mask = OPEN_PERM if name in ("content", "pre-content") and mark == "inode" else CLOSE_WRITE
    ask(libc.fanotify_mark(group, 1 | MARKS[mark], ctypes.c_uint64(mask), -100, path.encode()))


def program(name):
    """A raw tracepoint's program: return 0. Loaded, and attached to nothing."""
    code = struct.pack("<BBhi", 0xb7, 0, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    held = ctypes.create_string_buffer(code)
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("<IIQQIIQII16s", 17, 2, ctypes.addressof(held),
                             ctypes.addressof(licence), 0, 0, 0, 0, 0, name)
    ask(libc.syscall(SYS_BPF, 5, attributes, len(attributes)))


def keep_capability(number):
    """Of all capabilities only this one."""
    header = struct.pack("<Ii", 0x20080522, 0)
    data = struct.pack("<6I", 1 << number, 1 << number, 0, 0, 0, 0)
    ask(libc.capset(header, data))


def main():
    what, path = sys.argv[1:]
    held = []
    if what.startswith("fanotify "):
        fanotify(what.split()[1], path)
    elif what == "bpf":
        program(path.encode())
    elif what == "audit":
        held.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9))
        held[0].bind((0, 1))
    elif what == "capability":
        held.append(socket.create_server(("127.0.0.1", 0)))
        keep_capability(2)  # CAP_DAC_READ_SEARCH
    elif what == "homes":
        held += [open(f"/home/{name}/letter", "rb") for name in ("ann", "ben")]
    print("ready", flush=True)
    time.sleep(600)


main()
