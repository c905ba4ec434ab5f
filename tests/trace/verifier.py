# SPDX-License-Identifier: Apache-2.0
"""A trace, read from docs/formats/trace.md alone: nothing of src/trace is used here.

judge(bytes) gives (verdict, records, bytes that count, chain, the first bad record or None)."""
import hashlib
import re
import struct

MAGIC = b"overt-trace/v1\n"
TAIL_MAX = 524288
RECORD_MAX = 131071

N = r"(0|[1-9]\d{0,19})"
TEXT = r"(-|[!-~]+)"
PROCESS = rf"{N} {N}"
INODE = rf"{N}:{N} {N} {N}"
ROUTE = "call pages mapped faulted direct uring spliced passed handle pre-access written dirtied".split()
ROUTES = rf"(-|({'|'.join(ROUTE)})(,({'|'.join(ROUTE)}))*)"
SHA256 = r"(-|[0-9a-f]{64})"
CHECKPOINT = [("mono", N), ("records", N), ("chain", r"[0-9a-f]{64}"), ("loss*", rf"{N} {TEXT}")]


def words(*all_words):
    return f"({'|'.join(all_words)})"


def lists(name, item):
    return [(name, N), (item + "*", TEXT)]


def numbers(text):
    return [(word, N) for word in text.split()]


FORMS = {
    "begin": [("version", TEXT), ("boot", r"[0-9a-f]{32}"), ("kernel", TEXT), ("machine", TEXT),
              ("time", rf"{N}\.\d{{9}}"), *numbers("mono page drain size for"),
              ("target", words("command", "pid", "unit", "cgroup")), ("name", TEXT),
              ("envelope", words("yes", "no")), *lists("scopes", "scope"), *lists("owns", "own"),
              *lists("words", "word")],
    "program": [("what", TEXT), ("path", TEXT), ("sha256", SHA256)],
    "layer": [("name", TEXT), ("state", words("on", "off", "missing")), ("why", TEXT)],
    "exception": [("name", TEXT), ("why", TEXT)],
    "sensor": [("at", N), ("name", TEXT), ("state", words("on", "off", "missing")),
               ("needed", words("yes", "no")), ("why", TEXT)],
    "selftest": [("route", TEXT), ("expected", words("seen", "denied")),
                 ("outcome", words("seen", "denied", "absent", "skipped")),
                 *numbers("want most seen"), ("why", TEXT)],
    "prior": [("process", PROCESS), ("kind", words("fd", "map")), ("fd", N), ("inode", INODE),
              ("mode", words("none", "read", "write", "both")), ("bytes", N), ("path", TEXT)],
    "audit": [("rule", TEXT)],
    "planted": [("inode", INODE), ("bytes", N), ("path", TEXT)],
    "process": [("at", N), ("event", words("found", "fork", "exec", "exit")), ("process", PROCESS),
                ("parent", PROCESS), ("by", words("target", "parent", "canary", "peer")), ("uid", N),
                ("exe", INODE), ("path", TEXT), ("status", N), *lists("words", "word")],
    "name": [("inode", INODE),
             ("kind", words("file", "folder", "pipe", "terminal", "device", "memory", "other")),
             ("presence", words("unknown", "there", "gone")), ("bytes", N), ("filesystem", TEXT),
             ("path", TEXT)],
    "file": [("process", PROCESS), ("inode", INODE),
             *numbers("bytes first last opens reads read lookups looked mapped direct writes written dirtied"),
             ("routes", ROUTES), ("scale", N), ("coverage", r"(-|[0-9a-f]{128})")],
    "socket": [("process", PROCESS), *numbers("cookie flow family type protocol"), ("local", TEXT),
               ("remote", TEXT), ("peer", PROCESS),
               *numbers("other first last sends sent receives received")],
    "canary": [("at", N), ("process", PROCESS), ("inode", INODE), ("route", words(*ROUTE)),
               *numbers("from to")],
    "act": [("at", N), ("process", PROCESS), ("call", TEXT), ("result", rf"-?{N}"),
            *lists("arguments", "argument")],
    "denied": [("process", PROCESS), ("call", TEXT), ("by", TEXT), ("what", TEXT),
               *numbers("first last count")],
    "net": [("protocol", N), ("remote", TEXT), *numbers("first last packets sent answers received")],
    "capture": [("path", TEXT), *numbers("packets bytes"), ("sha256", SHA256)],
    "plaintext": [("process", PROCESS), ("library", TEXT), *numbers("first last calls sent")],
    "loss": [("name", TEXT), ("count", N)],
    "checkpoint": CHECKPOINT,
    "end": [("why", words("done", "interrupted", "size", "disk-full", "failed")),
            ("status", rf"({N}|-)"), ("unwritten", N), ("time", rf"{N}\.\d{{9}}"), *CHECKPOINT],
}


def pattern_of(kind):
    lines = ""
    for key, value in FORMS[kind]:
        line = rf"{key.rstrip('*')} {value}\n"
        lines += f"({line})*" if key.endswith("*") else line
    return re.compile(rf"{kind}\n{lines}")


PATTERNS = {kind: pattern_of(kind) for kind in FORMS}


def read_record(data):
    """(type, {key: value, or for repeated keys [value]}), or None when the form is another."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return None
    kind = text.partition("\n")[0]
    if kind not in PATTERNS or not PATTERNS[kind].fullmatch(text):
        return None
    values = {key.rstrip("*"): [] for key, _ in FORMS[kind] if key.endswith("*")}
    for line in text.splitlines()[1:]:
        key, _, value = line.partition(" ")
        if isinstance(values.get(key), list):
            values[key].append(value)
        else:
            values[key] = value
    return kind, values


def frames(data):
    """(number, offset, record or None, chain before, chain behind); ends with the first torn one."""
    chain = hashlib.sha256(MAGIC).digest()
    at, number = len(MAGIC), 0
    while at < len(data):
        record, after = None, chain
        if len(data) - at >= 12:
            length, = struct.unpack_from(">I", data, at)
            record = data[at + 12:at + 12 + length]
            after = hashlib.sha256(chain + data[at:at + 4] + record).digest()
            if not 1 <= length <= RECORD_MAX or len(record) < length or data[at + 4:at + 12] != after[:8]:
                record = None
        yield number, at, record, chain, after
        if record is None:
            return
        at += 12 + len(record)
        chain, number = after, number + 1


def is_right_checkpoint(values, number, chain, mono, losses):
    counts = [line.split(" ") for line in values["loss"]]
    now = {name: int(value) for value, name in counts}
    return (int(values["records"]) == number and bytes.fromhex(values["chain"]) == chain
            and int(values["mono"]) >= mono and len(now) == len(counts)
            and all(now.get(name, -1) >= value for name, value in losses.items()))


def later_forms(data, at):
    """How many sound forms of `end` and of `checkpoint` stand behind a torn frame."""
    found = {"end": 0, "checkpoint": 0}
    for match in re.finditer(rb"(end\nwhy |checkpoint\nmono )", data[at + 12:]):
        begin = at + 12 + match.start()
        length, = struct.unpack_from(">I", data, begin - 12)
        record = data[begin:begin + length]
        form = read_record(record) if len(record) == length else None
        if form:
            found[form[0]] += 1
    return found


def judge(data):  # pylint: disable=too-many-locals
    if not data.startswith(MAGIC):
        return "bad", 0, 0, bytes(32), 0
    bad = ("bad", 0, 0, bytes(32))
    good, records, chain_of_good = 0, 0, bytes(32)
    mono, losses, is_ended = 0, {}, False
    for number, at, record, chain, after in frames(data):
        if record is None:
            if is_ended or len(data) - good > TAIL_MAX:
                return *bad, number
            later = later_forms(data, at)
            if later["end"] or later["checkpoint"] > 1:
                return *bad, number
            return "cut", records, good, chain_of_good, None
        form = read_record(record)
        behind = at + 12 + len(record)
        if (form is None or is_ended or (number == 0) != (form[0] == "begin")
                or behind - good > TAIL_MAX):
            return *bad, number
        kind, values = form
        if kind == "loss":
            if int(values["count"]) < losses.get(values["name"], 0):
                return *bad, number
            losses[values["name"]] = int(values["count"])
        if kind in ("checkpoint", "end"):
            if not is_right_checkpoint(values, number, chain, mono, losses):
                return *bad, number
            mono = int(values["mono"])
            losses = {line.split(" ")[1]: int(line.split(" ")[0]) for line in values["loss"]}
            good, records, chain_of_good, is_ended = behind, number + 1, after, kind == "end"
    if is_ended:
        return "whole", records, good, chain_of_good, None
    if len(data) - good > TAIL_MAX:
        return *bad, number + 1
    return "cut", records, good, chain_of_good, None


def sums(data):
    """(read, written, sent) of a trace without names: the last record of each key."""
    _, _, good, _, _ = judge(data)
    files, sockets = {}, {}
    for _, _, record, _, _ in frames(data[:good]):
        kind, values = read_record(record)
        if kind == "file":
            files[values["process"], values["inode"]] = values
        elif kind == "socket":
            sockets[values["process"], values["cookie"], values["flow"]] = int(values["sent"])
    return (sum(int(v["read"]) for v in files.values()),
            sum(int(v["written"]) for v in files.values()), sum(sockets.values()))
