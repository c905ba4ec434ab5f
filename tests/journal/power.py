# SPDX-License-Identifier: Apache-2.0
"""A disk whose power is cut: what strace saw a command do to a folder is done again on a model of it
that forgets whatever was not synced."""
import os
import pathlib
import re
import shutil

CALLS = ("openat,write,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlinkat,mkdirat,mkdir,"
         "unlink,linkat,pwrite64,writev,sync_file_range,fallocate")
CAGED = "/folder0"  # what the folder is called in the keeper's cage
LINE = re.compile(r"(\d+) (\w+)\((.*)\) += (-?\d+)(.*)")
HANDLE = re.compile(r"(-?\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def command(trace, words):
    return ["strace", "-f", "-qq", "-xx", "-y", "-s", "1000000", "-e", f"trace={CALLS}",
            "-o", str(trace), *words]


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


def calls(trace):
    """(name, arguments, result, rest) of each call that ended, in the order in which they ended."""
    begun = {}
    for line in pathlib.Path(trace).read_text().splitlines():
        pid, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest[:-len("<unfinished ...>")].rstrip()
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", rest)
        if resumed:
            rest = begun.pop(pid) + resumed[1]
        match = LINE.match(f"{pid} {rest}")
        if match and int(match[4]) >= 0:
            yield match[2], match[3], int(match[4]), match[5]


class File:
    def __init__(self, content=b"", is_durable=False):
        self.content = content
        self.durable = content if is_durable else b""


class Disk:
    """The files below one folder, as programs see them and as the disk surely has them."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.names = {self.root: {}}  # {folder: {name: File, or None for a folder}}
        self.durable = {}
        for place, folders, files in os.walk(self.root):
            self.names[place] = {name: None for name in folders}
            for name in files:
                content = (pathlib.Path(place) / name).read_bytes()
                self.names[place][name] = File(content, is_durable=True)
        for folder, inside in self.names.items():
            self.durable[folder] = dict(inside)

    def is_ours(self, path):
        return path == self.root or path.startswith(self.root + "/")

    def file(self, path):
        folder, name = os.path.split(path)
        return self.names.get(folder, {}).get(name)

    def do(self, name, arguments, result, rest):
        """Does a call; True when something is durable now that was not before."""
        handles = [os.fsdecode(unhex(match[2])) for match in HANDLE.finditer(arguments)]
        texts = [unhex(match[1]) for match in TEXT.finditer(arguments)]
        paths = [os.path.join(folder, os.fsdecode(text)) for folder, text in zip(handles, texts)] \
            if name in ("openat", "mkdirat", "unlinkat", "renameat", "renameat2", "linkat") else handles
        paths = [os.path.normpath(re.sub(f"^{CAGED}(?=/|$)", self.root, path)) for path in paths]
        if not paths or not self.is_ours(paths[0]):
            return False
        folder, base = os.path.split(paths[0])
        if name == "openat":
            if "O_CREAT" in arguments and self.file(paths[0]) is None:
                self.names[folder][base] = File()
            if "O_TRUNC" in arguments:
                self.file(paths[0]).content = b""
        elif name == "mkdirat":
            self.names[folder][base] = None
            self.names[paths[0]] = {}
        elif name == "write":
            self.file(paths[0]).content += texts[0][:result]
        elif name == "ftruncate":
            size = int(arguments.rsplit(",", 1)[1])
            self.file(paths[0]).content = self.file(paths[0]).content[:size]
        elif name in ("renameat", "renameat2"):
            to_folder, to_base = os.path.split(paths[1])
            self.names[to_folder][to_base] = self.names[folder].pop(base)
        elif name == "unlinkat":
            self.names[folder].pop(base)
        elif name in ("fsync", "fdatasync"):
            if paths[0] in self.names:
                self.durable[paths[0]] = dict(self.names[paths[0]])
            else:
                self.file(paths[0]).durable = self.file(paths[0]).content
            return True
        else:
            raise AssertionError((name, arguments, result, rest))
        return False

    def cut(self, target):
        """Makes the folder as it is after the cut."""
        shutil.rmtree(target, ignore_errors=True)
        self._put(self.root, pathlib.Path(target))

    def _put(self, folder, place):
        place.mkdir(parents=True)
        for name, file in self.durable.get(folder, {}).items():
            if file is None:
                self._put(f"{folder}/{name}", place / name)
            else:
                (place / name).write_bytes(file.durable)
                (place / name).chmod(0o600)
