# SPDX-License-Identifier: Apache-2.0
"""What processes did, as strace saw it (-ff -X raw -y), held against the manifest of `overt status`."""
import ipaddress
import pathlib
import posixpath
import re

LINE = re.compile(r"^(\w+)\((.*)\)\s+= (\?|-?\d+|0x[0-9a-f]+)(.*)$")
DESCRIPTOR = re.compile(r"^(\d+)<")
WRITING = 0o1 | 0o2 | 0o100 | 0o1000  # openat: O_WRONLY, O_RDWR, O_CREAT, O_TRUNC
FILTER = re.compile(r"^seccomp\(0x1, [^,]*, \{len=\d+, .*\)\s+= 0$")
# Where a call's folders stand; the path is behind each.
PATHS = {"openat": [0], "newfstatat": [0], "unlinkat": [0], "mkdirat": [0], "renameat": [0, 2],
         "renameat2": [0, 2]}
CHANGING = {"unlinkat", "mkdirat", "renameat", "renameat2"}
NEW = {"socket", "accept4", "epoll_create1"}  # give a descriptor


def split(text):
    """The arguments, at the commas that stand in nothing."""
    parts, part, closers, quoted = [], "", [], False
    i = 0
    while i < len(text):
        c = text[i]
        if quoted:
            if c == "\\":
                part += c
                i += 1
                c = text[i]
            elif c == '"':
                quoted = False
        elif c == '"':
            quoted = True
        elif c in "([{" or c == "<" and part[-1:].isdigit():
            closers.append({"(": ")", "[": "]", "{": "}", "<": ">"}[c])
        elif closers and c == closers[-1]:
            closers.pop()
        elif c == "," and not closers:
            parts.append(part.strip())
            part = ""
            i += 1
            continue
        part += c
        i += 1
    return parts + [part.strip()] if part.strip() or parts else []


def number(argument):
    """As the filter sees it; None when strace tells no number."""
    found = re.match(r"0x[0-9a-f]+|-?\d+", argument)
    if found is None:
        return 0 if argument == "NULL" else None
    return int(found[0], 0 if "x" in found[0] else 10) & (1 << 64) - 1


def string(argument):
    """A path in quotes; None for anything else, and for one that was cut."""
    found = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', argument)
    return found and found[1].encode().decode("unicode_escape")


def raw_bytes(text, field):
    """Of sin_FIELD or sin6_FIELD, as it is in memory."""
    found = re.search(rf'sin6?_{field}="((?:[^"\\]|\\.)*)"', text)
    return found[1].encode().decode("unicode_escape").encode("latin-1") if found else b""


class Call:
    def __init__(self, line):
        if line.endswith("<unfinished ...>"):
            line = line.removesuffix("<unfinished ...>").rstrip() + ") = ?"
        found = LINE.match(line)
        assert found, f"not understood: {line}"
        self.line, self.name, self.arguments = line, found[1], split(found[2])
        self.result = None if found[3] == "?" else int(found[3], 0)
        self.error = found[4].split()[0] if self.result == -1 and found[4].split() else None

    def is_done(self):
        return self.result is not None and self.result >= 0

    def __str__(self):
        return self.line[:160]


class Process:
    """One, from its file of a trace."""

    def __init__(self, path):
        lines = [line for line in path.read_text("utf-8", "replace").splitlines()
                 if not line.startswith(("---", "+++"))]
        self.end = path.read_text("utf-8", "replace").splitlines()[-1]
        starts = [i for i, line in enumerate(lines) if re.match(r"execve(at)?\(", line)
                  and line.endswith("= 0")]
        self.words = []  # of its last program; none: a fork of `overt`
        for i in starts:
            self.words = re.findall(r'"((?:[^"\\]|\\.)*)"', split(LINE.match(lines[i])[2])[-3])
        entered = [i for i, line in enumerate(lines) if FILTER.match(line)]
        self.is_caged = bool(entered)
        start = entered[0] + 1 if entered else (starts[-1] + 1 if starts else 0)
        self.calls = [Call(line) for line in lines[start:]]

    def roles(self, manifest):
        """Which it may be of, by the program that it runs: a word of two, or a fork of `overt`."""
        if len(self.words) > 1 and self.words[0] == manifest.get(self.words[1], {}).get("program"):
            return [self.words[1]]
        if not self.is_caged:
            return ["broker"]
        return [name for name, role in manifest.items()
                if role["program"] == "overt" and name != "broker"]


def read(folder):
    return [Process(path) for path in sorted(pathlib.Path(folder).iterdir())]


class Judge:
    """What one process did that its role does not say."""

    def __init__(self, declared, peers=()):
        self.declared, self.peers, self.complaints = declared, set(peers), []
        self.paths = {row["path"]: row["write"] for row in declared["paths"] or ()}
        self.rules = {}
        for rule in declared["calls"] or ():
            self.rules.setdefault(rule["call"], []).append(rule)
        self.held = {row["number"] for row in declared["descriptors"] or ()}
        self.folders = {row["descriptor"]: row["path"] for row in declared["paths"] or ()
                        if "descriptor" in row}

    def complain(self, why, call):
        self.complaints.append(f"{why}: {call}")

    def judge(self, calls):
        for call in calls:
            self.judge_call(call)
            self.judge_descriptors(call)
            self.judge_paths(call)
            self.judge_peer(call)
            self.follow(call)
        return self.complaints

    def judge_call(self, call):
        if call.name not in self.rules:
            self.complain("undeclared call", call)
        elif call.arguments[:1] != ["<... resuming interrupted"] and \
                not any(self.is_allowed(rule, call) for rule in self.rules[call.name]):
            self.complain("undeclared form", call)

    @staticmethod
    def is_allowed(rule, call):
        for where in rule["where"]:
            at = where["argument"]
            value = number(call.arguments[at]) if at < len(call.arguments) else None
            if value is None or value & where["mask"] != where["value"]:
                return False
        return "declined" not in rule or call.error == rule["declined"]

    def judge_descriptors(self, call):
        for argument in call.arguments:
            found = DESCRIPTOR.match(argument)
            if found and int(found[1]) not in self.held:
                self.complain("undeclared descriptor", call)

    def place_of(self, folder, path):
        """Where a path leads, or None."""
        if path is None:
            return None
        if path.startswith("/"):
            return posixpath.normpath(path)
        at = number(folder)
        base = "/" if at == -100 & (1 << 64) - 1 else self.folders.get(at)
        return base and posixpath.normpath(f"{base}/{path}")

    def judge_paths(self, call):
        if not call.is_done():
            return
        for at in PATHS.get(call.name, ()):
            path = string(call.arguments[at + 1])
            if path == "":
                continue  # the descriptor itself
            place = self.place_of(call.arguments[at], path)
            writes = call.name in CHANGING or \
                call.name == "openat" and number(call.arguments[2]) & WRITING
            if call.name == "newfstatat" and place and \
                    any(row.startswith(place.rstrip("/") + "/") for row in self.paths):
                continue  # looks at a folder on the way, of its own root directory
            rows = [write for row, write in self.paths.items()
                    if place and (place == row or place.startswith(row + "/"))]
            if not rows or writes and not any(rows):
                self.complain("undeclared path", call)

    def judge_peer(self, call):
        text = ", ".join(call.arguments)
        family = re.search(r"sa_family=(0x[0-9a-f]+)", text)
        if family is None or call.name not in ("connect", "sendto", "sendmsg", "sendmmsg"):
            return
        port, host = (raw_bytes(text, name) for name in ("port", "addr"))
        peer = (str(ipaddress.ip_address(host)) if len(host) in (4, 16) else None,
                int.from_bytes(port, "big"))
        if "connect" not in self.declared["sockets"] or int(family[1], 16) not in (2, 10) or \
                peer not in self.peers and peer[1] != 53:
            self.complain("undeclared peer", call)

    def follow(self, call):
        """Descriptors that come and go."""
        if not call.is_done():
            return
        if call.name == "openat":
            self.held.add(call.result)
            self.folders.pop(call.result, None)
            place = self.place_of(call.arguments[0], string(call.arguments[1]))
            if place:
                self.folders[call.result] = place
        elif call.name in NEW or call.name == "fcntl" and number(call.arguments[1]) == 0x406:
            self.held.add(call.result)
        elif call.name == "recvmsg":
            self.held.update(int(fd) for part in re.findall(r"cmsg_type=0x1, cmsg_data=\[(.*?)\]\}",
                                                            call.line)
                             for fd in re.findall(r"(?:^|, )(\d+)<", part))
        elif call.name == "close":
            self.held.discard(number(call.arguments[0]))


def judge_broker(declared, calls):
    """It may do much, but its sockets are pairs for its children and those that listen."""
    complaints, network = [], {}
    for call in calls:
        if call.name in ("execve", "execveat") and call.is_done() and \
                not re.search(r'/overt(-\w+)?[>"(]', call.line):
            complaints.append(f"undeclared program: {call}")
        if call.name == "socketpair" and "pair" not in declared["sockets"]:
            complaints.append(f"undeclared socket: {call}")
        if call.name == "socket" and call.is_done():
            network[call.result] = call
        if call.name in ("connect", "sendmmsg", "ptrace", "process_vm_readv", "process_vm_writev"):
            complaints.append(f"undeclared call: {call}")
        if call.name == "listen" and call.is_done() and "listen" in declared["sockets"]:
            network.pop(number(call.arguments[0]), None)
        if call.name in ("sendto", "accept", "accept4"):
            complaints.append(f"undeclared use of a socket: {call}")
    complaints += [f"undeclared socket: {call}" for call in network.values()]
    return complaints


def judge_as(name, process, declared, peers):
    if name == "broker":
        return judge_broker(declared, process.calls)
    if not process.is_caged:
        return [f"{name}: it never entered its cage"]
    return [f"{name}: {line}" for line in Judge(declared, peers).judge(process.calls)]


def judge(process, manifest, peers=()):
    """(role, [complaint]): the role that it is of, or the most likely of those that it may be of; and what
    it did that this role does not declare."""
    answers = [(name, judge_as(name, process, manifest[name]["manifest"]["declared"], peers))
               for name in process.roles(manifest)]
    return min(answers, key=lambda answer: len(answer[1]),
               default=(None, [f"of no role: {process.words}"]))
