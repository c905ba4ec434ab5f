# SPDX-License-Identifier: Apache-2.0
"""Makes traces from docs/formats/trace.md alone, for tests of what is made of them."""
import hashlib
import struct

import verifier

SECOND = 10**9
START = 100 * SECOND


def text(value):
    """Bytes or str as a TEXT."""
    data = value.encode() if isinstance(value, str) else value
    if data in (b"", b"-"):
        return "%2D" if data else "-"
    return "".join(chr(b) if 0x21 <= b <= 0x7E and b != 0x25 else f"%{b:02X}" for b in data)


class Maker:
    """One trace; complete unless it is told otherwise."""

    def __init__(self, scopes=(), owns=(), words=("scan",), envelope="yes", sound=True):
        self.data = bytearray(verifier.MAGIC)
        self.chain = hashlib.sha256(verifier.MAGIC).digest()
        self.records = 0
        self.losses = {}
        self.add("begin", version="test", boot="0" * 32, kernel="6.1", machine="x86_64",
                 time="1790000000.000000000", mono=START, page=4096, drain=250000000,
                 target="command", envelope=envelope, scopes=len(scopes), scope=map(text, scopes),
                 owns=len(owns), own=map(text, owns), words=len(words), word=map(text, words))
        if sound:
            self.add("sensor", at=START, name="pages", state="on", needed="yes")
            self.add("selftest", route="read", expected="seen", outcome="seen", want=1, most=1,
                     seen=1)
            self.loss("ring", 0)

    def frame(self, record):
        head = struct.pack(">I", len(record))
        self.chain = hashlib.sha256(self.chain + head + record).digest()
        self.data += head + self.chain[:8] + record
        self.records += 1

    def add(self, form_of, /, **values):
        lines = [form_of]
        for key, form in verifier.FORMS[form_of]:
            name = key.rstrip("*")
            if key.endswith("*"):
                lines += [f"{name} {value}" for value in values.get(name, ())]
            else:
                empty = ("0 0" if form == verifier.PROCESS else "0:0 0 0" if form == verifier.INODE
                         else "0" if form == verifier.N else "-")
                lines.append(f"{name} {values.get(name, empty)}")
        record = "".join(line + "\n" for line in lines).encode()
        assert verifier.read_record(record), record
        self.frame(record)

    def loss(self, name, count):
        self.losses[name] = count
        self.add("loss", name=name, count=count)

    def checkpoint(self, kind="checkpoint", mono=START + 600 * SECOND, **values):
        self.add(kind, mono=mono, records=self.records, chain=self.chain.hex(),
                 loss=[f"{count} {name}" for name, count in self.losses.items()], **values)

    def end(self, why="done", unwritten=0):
        self.checkpoint("end", why=why, status=0, unwritten=unwritten,
                        time="1790000600.000000000")
        return bytes(self.data)

    # ---- what was seen

    def process(self, pid, event="exec", path="/opt/scan", by="target"):
        self.add("process", at=START, event=event, process=f"{pid} {pid}", parent="1 1", by=by,
                 exe=f"254:1 {pid} 0", path=text(path))

    def file(self, pid, inode, at, path=None, size=8192, read=0, written=0, kind="file",
             filesystem="ext4", **values):
        """Its counters so far, at that many seconds; by calls, whose pages were looked up."""
        if path is not None:
            self.add("name", inode=f"254:1 {inode} 0", kind=kind, presence="there", bytes=size,
                     filesystem=filesystem, path=text(path))
        values = {"reads": 1, "looked": -(-read // 4096) * 4096, **values}
        self.add("file", process=f"{pid} {pid}", inode=f"254:1 {inode} 0", bytes=size,
                 first=START, last=START + int(at * SECOND), opens=1, read=read,
                 writes=int(written > 0), written=written, scale=1, **values)

    def canary(self, pid, inode, route, begin, end):
        self.add("canary", at=START + SECOND, process=f"{pid} {pid}", inode=f"254:1 {inode} 0",
                 route=route, **{"from": begin, "to": end})

    def socket(self, pid, cookie, at, remote="192.0.2.1:443", sent=0, received=0, family=2, flow=0):
        self.add("socket", process=f"{pid} {pid}", cookie=cookie, flow=flow, family=family, type=1, protocol=6,
                 remote=text(remote), first=START, last=START + int(at * SECOND), sends=1, sent=sent,
                 receives=1, received=received)
