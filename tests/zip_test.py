#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""zip archives, held against Python's zipfile, 7z, unzip and clamscan. TAP."""
import io
import lzma
import pathlib
import random
import struct
import sys
import zipfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, overt_names, write  # noqa: E402
from forge_zip import DEFLATED, STORED, Member, build, deflate, end  # noqa: E402
from members import (BUILD, EICAR, SOURCE, Tap, finds_eicar, first_of, needs, run,  # noqa: E402
                     scan, sha256, walk)

tap = Tap()
ENCRYPTED, BROKEN, OVERLAPPING = 1, 2, 4
SIZES = (0, 1, 100, 16384, 65537, 2_000_000)
TEXT = b"some words to be packed, some words, some words and 1234567890. " * 20


def make_plain(size):
    draw = random.Random(size)
    return bytes(draw.choices(b"abcdefgh\0\xff", k=size))


def told_bytes(path):
    """(name, SHA-256) of every member that has bytes, sorted."""
    return sorted((name, digest) for _, name, size, digest in walk(path)[0] if size > 0)


def expect(path, *expected, facts=0, status="done"):
    """Whether exactly these (name, bytes) are told, empty ones too, in order."""
    told, told_facts, told_status = walk(path)
    actual = [(name, digest) for _, name, _, digest in told]
    wanted = [(name, sha256(data)) for name, data in expected]
    return (actual == wanted and (told_facts, told_status) == (facts, status)) or \
        f"{path}: {[(n, s) for _, n, s, _ in told]} {told_facts} {told_status}"


def with_7z(path):
    """(name, SHA-256) as 7z has them."""
    needs("7z")
    listing = run("7z", "l", "-slt", "-ba", path).decode().splitlines()
    names = [line.removeprefix("Path = ") for line in listing if line.startswith("Path = ")]
    return sorted((name.encode(), sha256(run("7z", "x", "-so", "-bd", path, name)))
                  for name in names)


# ---- methods -----------------------------------------------------------------------------------

@tap.case("members of all sizes by Python's methods, with their metadata")
def _():
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        path = f"python-{method}.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for size in SIZES:
                archive.writestr(f"folder/{size}", make_plain(size))
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            wanted = [(info.filename.encode(), archive.read(info)) for info in infos]
        answer = expect(path, *wanted)
        if answer is not True:
            return answer
        lines = run(BUILD / "tests/members", "-m", path).decode().splitlines()
        meta = [line for line in lines if line.startswith("meta")]
        if meta != [f"meta {i.compress_size} {i.file_size} {i.CRC:08x}" for i in infos]:
            return f"{path}: {meta}"
    return True


@tap.case("deflate64, bzip2 and lzma as 7z writes them")
def _():
    needs("7z")
    draw = random.Random(64)
    # A window of 64 KB pays: the same again from far behind, and one very long run.
    far = draw.randbytes(50_000)
    plain = far + b"x" * 200_000 + far + make_plain(200_000) + far
    pathlib.Path("plain.bin").write_bytes(plain)
    for method in ("Deflate64", "BZip2", "LZMA", "Deflate"):
        for level in ("1", "9"):
            path = f"{method}-{level}.zip"
            run("7z", "a", "-bd", "-tzip", f"-mm={method}", f"-mx={level}", path, "plain.bin")
            answer = expect(path, (b"plain.bin", plain))
            if answer is not True:
                return answer
    return True


@tap.case("zstd and xz, held against 7z")
def _():
    needs("zstd")
    packed = run("zstd", "-q", "-c", data=TEXT)
    write("zstd.zip", build([Member(b"z", TEXT, 93, packed)]))
    write("xz.zip", build([Member(b"x", TEXT, 95, lzma.compress(TEXT))]))
    answer = first_of([expect("zstd.zip", (b"z", TEXT)), expect("xz.zip", (b"x", TEXT))])
    if answer is not True:
        return answer
    return with_7z("xz.zip") == told_bytes("xz.zip") or "7z reads xz differently"


@tap.case("imploded and shrunk members, held against 7z and unzip")
def _():
    needs("unzip")
    for path in sorted((SOURCE / "tests/corpus/zip").glob("*.zip")):
        if told_bytes(path) != with_7z(path):
            return f"{path.name}: {told_bytes(path)}"
        for name, digest in told_bytes(path):
            if sha256(run("unzip", "-p", path, name.decode())) != digest:
                return f"{path.name}: unzip has another {name}"
    return True


def shrink(data):
    """LZW as shrink has it, with codes of 9 to 13 bits and a clearing of leaves when all are used."""
    codes = {bytes([i]): i for i in range(256)}
    out, count, width = 0, 0, 9

    def put(value):
        nonlocal out, count
        out |= value << count
        count += width

    free, word = list(range(257, 8192)), b""
    for byte in data:
        longer = word + bytes([byte])
        if longer in codes:
            word = longer
            continue
        while codes[word] >= 1 << width:
            put(256)
            put(1)
            width += 1
        put(codes[word])
        prefixes = {w[:-1] for w in codes} if not free else ()
        if word in prefixes:  # else the next code would begin with one that is gone
            put(256)
            put(2)
            free = sorted(codes[w] for w in codes if len(w) > 1 and w not in prefixes)
            codes = {w: c for w, c in codes.items() if len(w) == 1 or w in prefixes}
        if free:
            codes[longer] = free.pop(0)
        word = bytes([byte])
    put(codes[word])
    return out.to_bytes((count + 7) // 8, "little")


@tap.case("shrunk members with a table that is cleared, held against 7z")
def _():
    needs("7z")
    for size in (1, 500, 20_000, 100_000):
        plain = make_plain(size)
        path = write(f"shrunk-{size}.zip", build([Member(b"s", plain, 1, shrink(plain))]))
        if run("7z", "x", "-so", "-bd", path, "s") != plain:
            return "7z has another member"
        answer = expect(path, (b"s", plain))
        if answer is not True:
            return answer
    return True


# ---- structure ---------------------------------------------------------------------------------

@tap.case("zip64 sizes and places")
def _():
    with zipfile.ZipFile("zip64.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("big", "w", force_zip64=True) as member:
            member.write(TEXT)
    big = 0xffffffff
    extra = struct.pack("<HHQQQ", 1, 24, len(TEXT), len(deflate(TEXT)), 0)
    member = Member(b"m", TEXT)
    wide = member.with_(packed_bytes=big, plain_bytes=big, extra=extra)
    body = member.with_(packed_bytes=big, plain_bytes=big, extra=extra[:20]).local()
    directory = wide.central(big)
    end64 = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, len(directory), len(body))
    locator = b"PK\6\7" + struct.pack("<IQI", 0, len(body) + len(directory), 1)
    for before in (b"", b"stub" * 9):
        write("zip64-all.zip", before + body + directory + end64 + locator + end(65535, big, big))
        answer = expect_typed("zip64-all.zip", (b"m", TEXT))
        if answer is not True:
            return answer
    return expect("zip64.zip", (b"big", TEXT))


def expect_typed(path, *expected):
    told, _, status = walk(path, "CL_TYPE_ZIP")
    actual = [(name, digest) for _, name, _, digest in told]
    return (actual == [(n, sha256(d)) for n, d in expected] and status == "done") or \
        f"{path}: {[(n, s) for _, n, s, _ in told]} {status}"


@tap.case("sizes behind the data, with and without directory")
def _():
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    answers = []
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2):
        pipe = Pipe()
        with zipfile.ZipFile(pipe, "w", method) as archive:
            archive.writestr("one", TEXT)
            archive.writestr("two", b"PK\3\4 in the data" + TEXT[:100])
            archive.writestr("three", b"3" * 1000)
        members = [(b"one", TEXT), (b"two", b"PK\3\4 in the data" + TEXT[:100]),
                   (b"three", b"3" * 1000)]
        answers.append(expect(write(f"pipe-{method}.zip", pipe.data), *members))
        cut = pipe.data[:pipe.data.index(b"PK\1\2")]
        answers.append(expect(write(f"pipe-{method}-cut.zip", cut), *members))
    return first_of(answers)


@tap.case("bytes before the archive, told of in its places or not")
def _():
    members = [Member(b"a", TEXT), Member(b"b", b"stored", STORED)]
    expected = [(b"a", TEXT), (b"b", b"stored")]
    answers = []
    for name, before in (("sfx", b"MZ program" * 50), ("PK00PK", b"PK00")):
        for is_adjusted in (False, True):
            path = write(f"{name}-{is_adjusted}.zip",
                         build(members, before=before, is_adjusted=is_adjusted))
            answers.append(expect_typed(path, *expected))
    return first_of(answers)


@tap.case("members of which only one of the two headers tells")
def _():
    a, b, c = Member(b"a", b"first"), Member(b"b", TEXT), Member(b"c", b"third", STORED)
    hidden = write("hidden.zip", build([a, b, c], [(a, 0), (c, 2)]))
    data = build([a, b])
    broken = write("broken.zip", data.replace(b"PK\3\4", b"PK\3\5", 2).replace(b"PK\3\5",
                                                                            b"PK\3\4", 1))
    nowhere = build([a, b], [(a, 0), (b, 1), (Member(b"ghost", b"1234"), 1)])
    ghost = write("ghost.zip", nowhere.replace(struct.pack("<I", len(a.local())) + b"ghost",
                                               struct.pack("<I", 0xfffff0) + b"ghost"))
    return first_of([
        expect(hidden, (b"a", b"first"), (b"b", TEXT), (b"c", b"third")),
        expect(broken, (b"a", b"first"), (b"b", TEXT), status="damaged"),
        expect(ghost, (b"a", b"first"), (b"b", TEXT), (b"ghost", b""), status="damaged"),
    ])


@tap.case("headers that disagree: both readings")
def _():
    inner = deflate(TEXT)
    packed = Member(b"n", TEXT)
    stored = packed.with_(method=STORED, plain_bytes=len(inner))
    two_methods = write("methods.zip", build([stored], [(packed, 0)]))
    two_names = write("names.zip", build([packed.with_(name=b"safe")], [(packed, 0)]))
    short = Member(b"s", b"0123456789" * 9, STORED)
    two_sizes = write("sizes.zip", build(
        [short], [(short.with_(packed_bytes=30, plain_bytes=30, crc=zlib.crc32(short.packed[:30])),
                   0)]))
    lying = write("lying.zip", build([packed.with_(packed_bytes=5)]))
    prefix = write("prefix.zip", build([packed.with_(plain_bytes=50, crc=zlib.crc32(TEXT[:50]))]))
    claims_stored = write("claims.zip", build([Member(b"c", TEXT, STORED, inner)]))
    unknown = write("unknown.zip", build([packed], [(packed.with_(method=77), 0)]))
    return first_of([
        expect(two_methods, (b"n", TEXT), (b"n", inner)),
        expect(two_names, (b"n", TEXT), (b"safe", b"")),
        expect(two_sizes, (b"s", short.packed[:30]), (b"s", short.packed)),
        expect(lying, (b"n", TEXT)),
        expect(prefix, (b"n", TEXT), (b"n", TEXT[:50])),
        expect(claims_stored, (b"c", inner), (b"c", TEXT)),
        expect(unknown, (b"n", TEXT)),
    ])


@tap.case("two archives in one file, and an archive in a stored member")
def _():
    first, second = build([Member(b"a", TEXT)]), build([Member(b"b", b"other")])
    nested = build([Member(b"in.zip", first, STORED)])
    return first_of([
        expect(write("joined.zip", first + second), (b"a", TEXT), (b"b", b"other")),
        expect(write("comment.zip", build([Member(b"a", TEXT)], comment=second)), (b"a", TEXT),
               (b"b", b"other")),
        expect(write("nested.zip", nested), (b"in.zip", first)),
    ])


@tap.case("an archive that breaks off gives what came before")
def _():
    data = build([Member(b"a", b"first"), Member(b"b", random.Random(5).randbytes(100_000))])
    told, _, status = walk(write("cut.zip", data[:60_000]))
    sizes = [size for _, _, size, _ in told]
    return (status == "damaged" and sizes[0] == 5 and 50_000 < sizes[1] < 60_000) or \
        f"{sizes} {status}"


@tap.case("disks of a split archive are told as incomplete")
def _():
    a, b = Member(b"a", TEXT), Member(b"b", TEXT, disk=1)
    data = build([a], [(a, 0), (b, 0)])
    last = write("split.zip", data[:-22] + end(2, len(data) - 22 - len(a.local()), len(a.local()),
                                               disk=1))
    return expect(last, (b"a", TEXT), (b"b", b""), status="damaged")


@tap.case("names in any character set are told as they are")
def _():
    names = [b"\x84\x94\x81.txt", "ж漢字.txt".encode(), b"\xff\xfe\x00\x01", b"..\\..\\x", b"/etc/x"]
    members = [Member(name, name) for name in names]
    return expect(write("charsets.zip", build(members)), *zip(names, names))


# ---- encryption, bombs -------------------------------------------------------------------------

@tap.case("encrypted members are told with their metadata, and that they are")
def _():
    needs("zip", "7z")
    pathlib.Path("secret.txt").write_bytes(TEXT)
    run("zip", "-q", "-P", "word", "crypto.zip", "secret.txt")
    run("7z", "a", "-bd", "-tzip", "-pword", "-mem=AES256", "aes.zip", "secret.txt")
    for path in ("crypto.zip", "aes.zip"):
        lines = run(BUILD / "tests/members", "-m", path).decode().splitlines()
        with zipfile.ZipFile(path) as archive:
            info = archive.infolist()[0]
        meta = f"meta {info.compress_size} {info.file_size} {info.CRC:08x}"
        if " - encrypted secret.txt" not in lines[0] or lines[1] != meta or lines[2] != "facts 1":
            return f"{path}: {lines}"
    return True


@tap.case("what is only said to be encrypted is read")
def _():
    member = Member(b"m", TEXT)
    flagged = member.with_(flags=1)
    stored = Member(b"s", b"stored", STORED, flags=1)
    return first_of([
        expect(write("both.zip", build([flagged])), (b"m", TEXT), facts=ENCRYPTED),
        expect(write("central.zip", build([member], [(flagged, 0)])), (b"m", TEXT), (b"m", b""),
               facts=ENCRYPTED),
        expect(write("stored.zip", build([stored])), (b"s", b"stored"), facts=ENCRYPTED),
    ])


def make_overlap(count):
    """Members that are stored and quote the local headers of those behind them."""
    body = Member(b"kernel", TEXT * 10).local()
    for i in range(count):
        member = Member(b"%d" % i, body, STORED)
        body = member.local()
    places, at, data = [], 0, body
    while data.startswith(b"PK\3\4"):
        size = 30 + struct.unpack_from("<H", data, 26)[0]
        places.append((at, data[30:size]))
        at, data = at + size, data[size:]
    directory = b""
    for at, name in places:
        method, = struct.unpack_from("<H", body, at + 8)
        crc, packed, plain = struct.unpack_from("<III", body, at + 14)
        directory += Member(name, b"", method, b"", crc=crc, packed_bytes=packed,
                            plain_bytes=plain).central(at)
    return body + directory + end(len(places), len(directory), len(body))


@tap.case("more than five members that overlap are told of, as clamscan does")
def _():
    needs("clamscan")
    rules = write("none.ndb", f"Nothing:0:*:{b'never there at all'.hex()}\n")
    for count in (1, 4, 5, 6, 7, 20):
        path = write(f"overlap-{count}.zip", make_overlap(count))
        facts = walk(path)[1]
        theirs = clamscan_names(path, rules)
        if (facts & OVERLAPPING != 0) != ("Heuristics.Zip.OverlappingFiles" in theirs):
            return f"{count}: facts {facts}, clamscan {theirs}"
        if overt_names(path, rules) != theirs:
            return f"{count}: overt {overt_names(path, rules)}, clamscan {theirs}"
    return True


@tap.case("bombs and quines are limited, never clean")
def _():
    inner = build([Member(b"%d" % i, b"\0" * 20_000_000) for i in range(3)])
    middle = build([Member(b"%d.zip" % i, inner) for i in range(20)])
    bomb = write("bomb.zip", build([Member(b"%d.zip" % i, middle) for i in range(20)]))
    record = scan(bomb)
    if (record["verdict"], record.get("limit")) != ("limited", "max-scansize"):
        return str(record)
    nested = EICAR
    for _ in range(30):
        nested = build([Member(b"n.zip", nested)])
    record = scan(write("deep.zip", nested))
    if record["verdict"] != "limited":
        return str(record)
    many = write("many.zip", build([Member(b"%d" % i, b"x", STORED) for i in range(12_000)]))
    record = scan(many)
    return (record["verdict"], record.get("limit")) == ("limited", "max-files") or str(record)


# ---- beside clamscan ---------------------------------------------------------------------------

@tap.case("EICAR is found in every method and place, and its path told")
def _():
    archives = {}
    for name, member in (("stored", Member(b"d/e.com", EICAR, STORED)),
                         ("deflated", Member(b"d/e.com", EICAR)),
                         ("xz", Member(b"d/e.com", EICAR, 95, lzma.compress(EICAR)))):
        archives[name] = build([Member(b"x", TEXT), member, Member(b"y", TEXT)])
        archives[name + "-hidden"] = build([Member(b"x", TEXT), member], [(Member(b"x", TEXT), 0)])
        archives[name + "-docx"] = build([Member(b"[Content_Types].xml", TEXT), member,
                                          Member(b"word/document.xml", TEXT)])
    answers = [finds_eicar(write(f"eicar-{n}.zip", data), "!d/e.com") for n, data in archives.items()]
    twice = write("twice.zip", build([Member(b"in.zip", archives["deflated"])]))
    answers.append(finds_eicar(twice, "!d/e.com"))
    return first_of(answers)


WORD = "ZIPLAYERWORD"
TYPES = ("ZIP", "OOXML_WORD", "OOXML_XL", "OOXML_PPT", "OOXML_HWP")


@tap.case("the types of office documents are those of clamscan")
def _():
    needs("clamscan")
    rules = write("types.ldb", "".join(
        f"In.{t};Engine:81-255,Container:CL_TYPE_{t},Target:0;0;{WORD.encode().hex()}\n"
        for t in TYPES))
    content = Member(b"data.bin", b"\1\2\3" + WORD.encode() + b"\0" * 9)
    filler = random.Random(7).randbytes(3000)
    orders = [
        [b"[Content_Types].xml", b"word/document.xml"], [b"xl/workbook.xml"], [b"ppt/a", b"xl/b"],
        [b"[Content_Types].xml", b"docProps/app.xml", b"_rels/.rels", b"xl/workbook.xml"],
        [b"a", b"b", b"c", b"word/document.xml"], [b"mimetype", b"b", b"c", b"word/document.xml"],
        [b"Contents/content.hpf"], [b"mimetype", b"META-INF/x", b"a", b"Contents/content.hpf"],
        [b"META-INF/MANIFEST.MF", b"A.class"], [b"big", b"word/document.xml"],
        [b"docProps/app.xml", b"big", b"b", b"ppt/a"], [b"word"],
    ]
    for number, names in enumerate(orders):
        members = [Member(n, filler if n == b"big" else b"text of " + n) for n in names]
        path = write(f"type-{number}.zip", build(members + [content]))
        ours, theirs = overt_names(path, rules), clamscan_names(path, rules)
        if ours != theirs or len(ours) != 1:
            return f"{names}: overt {ours}, clamscan {theirs}"
    return True


@tap.case("what clamscan finds is found")
def _():
    needs("clamscan")
    rules = write("word.ndb", f"Found:0:*:{WORD.encode().hex()}\n")
    word = b"\1\2\3" + WORD.encode() + b"\0\1" * 20
    packed = Member(b"w", word)
    samples = {
        "plain": [packed], "stored": [packed.with_(method=STORED, packed=word)],
        "two": [Member(b"t", TEXT), packed],
        "flag": [packed.with_(flags=1)], "claims": [Member(b"c", word, STORED, deflate(word))],
    }
    for name, members in samples.items():
        for kind, data in (("", build(members)), ("-hidden", build(members, [])),
                           ("-before", build(members, before=b"PK00"))):
            path = write(f"beside-{name}{kind}.zip", data)
            ours, theirs = overt_names(path, rules), clamscan_names(path, rules)
            if theirs and not ours:
                return f"{path}: overt {ours}, clamscan {theirs}"
    return True


tap.run()
