#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compound files, held against gsf, msibuild and clamscan; VBA projects. TAP."""
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import zipfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_ole as forge  # noqa: E402
from members import BUILD, EICAR, SCAN, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
PASSWORD = "VelvetSweatshop"
MARKER = b"PLAIN-MARKER"
ENCRYPTED, MACROS, XLM = 1, 8, 16  # facts, as bits
draw = random.Random(5)
STREAMS = {"small": b"hello", "empty": b"", "edge": b"e" * 4095, "first": b"f" * 4096,
           "folder/big": draw.randbytes(70_000), "folder/deep/small": draw.randbytes(65),
           "folder/deep/\x01Odd \xe4 name": b"odd"}
SOURCE = (b'Attribute VB_Name = "Module1"\r\nSub AutoOpen()\r\n\tDim A  As\tString\r\n'
          b'  Shell "Cmd  /C " & _\r\n    "CALC"\r\nEnd Sub\r\n')
FOLDED = ('attribute vb_name = "Module1"\r\nsub autoopen()\r\n dim a as string\r\n'
          ' shell "Cmd  /C " & "CALC"\r\nend sub\r\n').encode()


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def needs(program):
    if not has(program):
        raise Skip(f"{program} is not installed")


def members_of(path):
    """{name: sha256} of what is told as members."""
    return {name: digest for kind, name, _, digest in walk(path)[0] if kind == "member"}


def views_of(path):
    """The bytes of the views, in their order."""
    os.makedirs("views", exist_ok=True)
    done = subprocess.run([BUILD / "tests/members", "-x", "views", path], capture_output=True,
                          timeout=60, check=True)
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    return [(line[4], pathlib.Path("views", line[1]).read_bytes())
            for line in lines if line[0] == "view"]


def expect(streams):
    return {name.encode(): sha256(data) for name, data in streams.items()}


@tap.case("streams of all sizes, in both sector sizes, with their paths")
def _():
    for big in (False, True):
        path = write(f"plain{big}.ole", forge.compound(STREAMS, big))
        told = members_of(path)
        if told != expect(STREAMS) or walk(path)[2] != "done":
            return f"{told} {walk(path)[1:]}"


@tap.case("a file of many sectors, whose table needs a table of its own")
def _():
    streams = {"much": draw.randbytes(9_000_000), "x": b"x"}
    return members_of(write("difat.ole", forge.compound(streams))) == expect(streams)


@tap.case("gsf reads the same out of what was forged, and we read what gsf makes")
def _():
    needs("gsf")
    for path, big in (("g3.ole", False), ("g4.ole", True)):
        write(path, forge.compound(STREAMS, big))
        for name, data in STREAMS.items():
            if name.isascii() and data:
                done = subprocess.run(["gsf", "cat", path, name], capture_output=True, timeout=60,
                                      check=False)
                if done.stdout != data:
                    return f"gsf cat {path} {name}: {len(done.stdout)} bytes {done.stderr}"
    os.makedirs("in/sub", exist_ok=True)
    files = {"a.txt": b"a text", "sub/b.bin": draw.randbytes(50_000), "sub/c": draw.randbytes(4095)}
    for name, data in files.items():
        write(f"in/{name}", data)
    subprocess.run(["gsf", "createole", "made.ole", "in/a.txt", "in/sub"], capture_output=True,
                   timeout=60, check=True)
    told = members_of("made.ole")
    return told == expect(files) or str(told)


@tap.case("names in a Windows Installer package are unpacked")
def _():
    needs("msibuild")
    cabinet = write("cabinet", draw.randbytes(20_000))
    subprocess.run(["msibuild", "made.msi", "-s", "t", "a", "Intel;1033"], capture_output=True,
                   timeout=60, check=True)
    subprocess.run(["msibuild", "made.msi", "-a", "My.Files_2.cab", cabinet], capture_output=True,
                   timeout=60, check=True)
    told = members_of("made.msi")
    is_there = told.get(b"My.Files_2.cab") == sha256(pathlib.Path("cabinet").read_bytes())
    return is_there and b"!_StringPool" in told or str(told)


@tap.case("ideographs in other documents are not taken for packed names")
def _():
    name = "\u4e2d\u3801 x"
    told = members_of(write("han.ole", forge.compound({name: b"han"})))
    return list(told) == [name.encode()] or str(told)


@tap.case("a stream that no tree reaches is told too")
def _():
    path = write("lost.ole", forge.compound({"a": b"a"}, spare=[("lost", b"found"), ("b", b"B")]))
    return members_of(path) == expect({"a": b"a", "lost": b"found", "b": b"B"})


@tap.case("a chain that loops, a stream that ends too soon: damaged, and what is there is told")
def _():
    data = bytearray(forge.compound({"big": b"A" * 512 + b"B" * 9000, "c": b"small"}))
    fat = 512 + struct.unpack_from("<I", data, 76)[0] * 512
    struct.pack_into("<I", data, fat + 4, 0)  # sector 1 goes back to sector 0
    parts, _, status = walk(write("loop.ole", bytes(data)))
    sizes = {name: size for _, name, size, _ in parts}
    if status != "damaged" or sizes != {b"big": 1024, b"c": 5}:
        return f"{sizes} {status}"
    whole = forge.compound({"a": b"1" * 5000, "z": draw.randbytes(100_000)})
    for size in (100, 511, 512, 700, 2000, len(whole) // 2, len(whole) - 1):
        walk(write("cut.ole", whole[:size]))  # the directory stands at the end here
    moved = forge.compound({"z": draw.randbytes(5000)})
    header = bytearray(moved)
    struct.pack_into("<I", header, 44, 0x7fffffff)  # the counter of FAT sectors is not believed
    return len(members_of(write("counter.ole", bytes(header)))) == 1


@tap.case("a directory that loops is survived")
def _():
    data = bytearray(forge.compound(STREAMS))
    first = 512 + struct.unpack_from("<I", data, 48)[0] * 512
    for at in range(first + 128, first + 128 * 8, 128):
        struct.pack_into("<III", data, at + 68, 1, 2, 1)
    parts, _, status = walk(write("tree.ole", bytes(data)))
    return (status == "damaged" and len(parts) == len(STREAMS)) or f"{len(parts)} {status}"


@tap.case("the sources of a VBA project, each and all together")
def _():
    modules = {"Module1": SOURCE, "ThisDocument": b"Attribute VB_Name = \"B\"\r\n" * 700}
    path = write("vba.doc", forge.compound(forge.vba_project(modules, "Macros/")))
    views = views_of(path)
    kinds = [kind for kind, _ in views]
    if kinds != ["CL_TYPE_MSOLE2", "CL_TYPE_MSOLE2", "CL_TYPE_SCRIPT"]:
        return str(kinds)
    if [data for _, data in views[:2]] != list(modules.values()):
        return "the sources differ"
    if FOLDED not in views[2][1] or b"REM MODULENAME: ThisDocument\n" not in views[2][1]:
        return views[2][1][:900]
    return walk(path)[1] == MACROS or f"facts {walk(path)[1]}"


@tap.case("sources that do not compress, and chunks that are stored")
def _():
    source = b'Attribute VB_Name = "M"\r\n' + draw.randbytes(9000)
    path = write("raw.doc", forge.compound(forge.vba_project({"M": source})))
    return views_of(path)[0][1] == source


@tap.case("names and sources in another code page")
def _():
    source = 'Attribute VB_Name = "Модуль"\r\nMsgBox "Привет"\r\n'
    streams = forge.vba_project({"Модуль": source.encode("cp1251")}, codepage=1251)
    views = views_of(write("cyrillic.doc", forge.compound(streams)))
    return ("привет".casefold() in views[-1][1].decode().casefold()
            and "REM MODULENAME: Модуль\n" in views[-1][1].decode()) or str(views[-1])


@tap.case("without a readable dir the sources are found all the same")
def _():
    streams = forge.vba_project({"Module1": SOURCE, "Module2": SOURCE})
    for broken in (b"", b"\x02nothing", streams["VBA/dir"][:40]):
        streams["VBA/dir"] = broken
        path = write("nodir.doc", forge.compound(streams))
        views = views_of(path)
        sources = [data for kind, data in views if kind == "CL_TYPE_MSOLE2"]
        texts = [data for kind, data in views if kind == "CL_TYPE_SCRIPT" and FOLDED in data]
        if sources != [SOURCE, SOURCE] or len(texts) != 1 or not walk(path)[1] & MACROS:
            return f"{views} {walk(path)[1]}"


@tap.case("what clamscan writes of a project is what we tell, but for its first line")
def _():
    needs("clamscan")
    modules = {"Module1": SOURCE, "ThisDocument": b"Attribute VB_Name = \"B\"\r\n" * 700}
    path = write("both.doc", forge.compound(forge.vba_project(modules)))
    os.makedirs("left", exist_ok=True)
    write("none.ndb", b"None:0:*:00112233445566778899aabbccddeeff00\n")
    subprocess.run(["clamscan", "--leave-temps", "--tempdir=left", "-d", "none.ndb", path],
                   capture_output=True, timeout=120, check=False)
    left = list(pathlib.Path("left").rglob("vba_project.*"))
    if not left:
        return "clamscan left no text"
    theirs = left[0].read_bytes().split(b"\n", 1)[1]
    ours = views_of(path)[-1][1].split(b"\n", 1)[1]
    return ours == theirs or f"{ours[:700]} beside {theirs[:700]}"


@tap.case("a file in a package, and a storage that PowerPoint compressed")
def _():
    streams = {"ObjectPool/_1/\x01Ole10Native": forge.packaged(b"tool.exe", b"MZ" + b"x" * 5000),
               "other/\x01Ole10Native": struct.pack("<I", 4) + b"\x1c\0\0\0"}
    inner = forge.compound({"Contents": b"inner"})
    packed = zlib.compress(inner)
    streams["PowerPoint Document"] = (
        struct.pack("<HHI", 0xf, 1000, 8) + struct.pack("<HHI", 0, 1001, 0)
        + struct.pack("<HHII", 0x10, 0x1011, len(packed) + 4, len(inner)) + packed
        + struct.pack("<HHI", 0, 0x1011, len(inner)) + inner)
    told = walk(write("objects.ppt", forge.compound(streams)))[0]
    digests = [(name, digest) for _, name, _, digest in told]
    wanted = [(b"tool.exe", sha256(b"MZ" + b"x" * 5000)), (b"Ole10Native", sha256(b"\x1c\0\0\0"))]
    wanted += [(b"ExOleObjStg", sha256(inner))] * 2
    return sorted(one for one in digests if one in wanted) == sorted(wanted) or str(digests)


def forge_macros():
    """A workbook with a macro sheet: names, formulas and their strings."""
    name = struct.pack("<HBBHHHI", 0x20, 0, 1, 0, 0, 1, 0) + b"\0\1"
    plain = struct.pack("<HBBHHHI", 0, 0, 5, 0, 0, 1, 0) + b"\0cell1"
    tokens = (b"\x17\x03\0cmd" + b"\x17\x02\x01" + "\u0416\u0416".encode("utf-16-le") + b"\x08"
              + b"\x1e\x07\0" + b"\x42\x02\x6e\0" + b"\x41\x36\0" + b"\x22\x01\x60\x80")
    formula = struct.pack("<HH", 4, 1) + bytes(16) + struct.pack("<H", len(tokens)) + tokens
    return (forge.biff(0x809, b"\0\6\5\0" + bytes(12)) + forge.biff(0x85, bytes(4) + b"\2\1\1\0M")
            + forge.biff(0x18, name) + forge.biff(0x18, plain) + forge.biff(0x10, b"ignored")
            + forge.biff(6, formula) + forge.biff(0x207, b"\5\0\0start") + forge.biff(10))


@tap.case("Excel 4 macros become text")
def _():
    path = write("macros.xls", forge.compound({"Workbook": forge_macros()}))
    views = views_of(path)
    wanted = ["0085      9   BOUNDSHEET : Sheet Information - Excel 4.0 macro sheet, very hidden",
              "NAME : Defined Name - built-in-name 1 auto_open\n", "Defined Name - cell1\n",
              'R5C2 len=28  ptgStr "cmd" ptgStr "\u0416\u0416" ptgConcat ptgInt 7'
              " ptgFuncVarV args 2 func EXEC (0x006e) ptgFuncV HALT (0x0036)"
              " ptgFuncVar args 1 func FORMULA (0x8060)", '- "start"\n']
    text = views[0][1].decode()
    missing = [line for line in wanted if line not in text]
    if missing or views[0][0] != "CL_TYPE_SCRIPT" or walk(path)[1] != XLM:
        return f"{missing} not in {text} {walk(path)[1]}"
    harmless = forge_macros().replace(bytes(4) + b"\2\1", bytes(4) + b"\2\0")
    path = write("sheet.xls", forge.compound({"Workbook": harmless}))
    return views_of(path) == [] and walk(path)[1] == 0


@tap.case("formulas that xlwt wrote read as for clamscan, which cuts their strings")
def _():
    needs("clamscan")
    script = ("import xlwt; w = xlwt.Workbook(); s = w.add_sheet('Macro1')\n"
              "s.write(0, 0, xlwt.Formula('CONCATENATE(\"c\",CHAR(65+1),A1)'))\n"
              "s.write(1, 0, xlwt.Formula('IF(A1>3.5;SUM(B1:C9);MAX(1;TRUE))'))\n"
              "w.save('xlwt.xls')")
    done = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, timeout=60,
                          check=False)
    if done.returncode != 0:
        raise Skip("python3-xlwt is not installed")
    data = bytearray(pathlib.Path("xlwt.xls").read_bytes())
    data[data.index(b"\6\0Macro1") - 1] = 1  # makes the sheet one of macros
    write("xlwt.xls", bytes(data))
    os.makedirs("left4", exist_ok=True)
    write("none.ndb", b"None:0:*:00112233445566778899aabbccddeeff00\n")
    subprocess.run(["clamscan", "--leave-temps", "--tempdir=left4", "-d", "none.ndb", "xlwt.xls"],
                   capture_output=True, timeout=120, check=False)
    theirs = next(pathlib.Path("left4").rglob("xlm_macros*")).read_bytes()
    ours = views_of("xlwt.xls")[0][1]

    def words(text):  # operators and functions, in their order
        return [re.findall(rb"ptg\w+|args \d+|[A-Z]{2,} \(0x....\)|TRUE", line)
                for line in text.splitlines() if b"FORMULA" in line]

    # What clamscan reads of the byte behind a formula is no part of it; and it loses what its
    # buffer holds at the end, which lands on the start of the file that it leaves.
    mine, whole = words(ours), [line for line in words(theirs) if b"IF (0x0001)" in line]
    return (len(mine) == 2 and len(whole) == 1 and mine[1] == whole[0][:len(mine[1])]) or (
        f"{mine} beside {whole}")


def drawing(kind, data, instance=0):
    return struct.pack("<HHI", instance << 4 | (15 if kind in (0xf000, 0xf001) else 0), kind,
                       len(data)) + data


@tap.case("pictures of a workbook and of a presentation")
def _():
    png, jpeg, emf = b"\x89PNG" + draw.randbytes(9000), b"\xff\xd8\xff" + draw.randbytes(99), b"E" * 777
    packed = zlib.compress(emf)
    pictures = drawing(0xf01e, bytes(17) + png, 0x6e0) + drawing(0xf01d, bytes(33) + jpeg, 0x46b)
    pictures += drawing(0xf01a, bytes(16) + bytes(32) + b"\0\xfe" + packed, 0x3d4)
    entry = drawing(0xf007, bytes(33) + b"\4" + bytes(2) + b"n\0a\0" + pictures)
    group = drawing(0xf000, drawing(0xf006, bytes(24)) + drawing(0xf001, entry))
    book = forge.biff(0x809, bytes(16)) + forge.biff(0xeb, group[:8000])
    book += forge.biff(0x3c, group[8000:]) + forge.biff(0x3c) + forge.biff(10)
    wanted = [sha256(data) for data in (png, jpeg, emf)]
    for streams in ({"Workbook": book}, {"Pictures": pictures}):
        digests = [digest for _, _, _, digest in walk(write("pictures.ole", forge.compound(streams)))[0]]
        if digests[:3] != wanted:
            return f"{list(streams)}: {digests}"


@tap.case("what a password protects is said so")
def _():
    word = struct.pack("<5HH", 0xa5ec, 0xc1, 0, 0, 0, 0x100) + bytes(600)
    book = forge.biff(0x809, bytes(16)) + forge.biff(0x2f, b"\1\0") + forge.biff(10)
    samples = [({"EncryptionInfo": b"i", "EncryptedPackage": b"p" * 99}, 1),
               ({"WordDocument": word}, 1), ({"WordDocument": word[:10] + bytes(600)}, 0),
               ({"Workbook": book}, 1), ({"Workbook": forge.biff(0x809, bytes(16))}, 0),
               ({"Current User": bytes(12) + struct.pack("<I", 0xf3d1c4df)}, 1)]
    for streams, wanted in samples:
        facts = walk(write("password.ole", forge.compound(streams)))[1]
        if facts != wanted:
            return f"{list(streams)}: {facts}"


def split_records(stream):
    at, records = 0, []
    while at < len(stream):
        number, size = struct.unpack_from("<HH", stream, at)
        records.append((number, stream[at + 4:at + 4 + size]))
        at += 4 + size
    return records


@tap.case("what opens with Excel's own password is opened, and what does not is told")
def _():
    needs("openssl")
    package = b"PK\3\4" + draw.randbytes(10_001)
    for bits, word, facts in ((128, PASSWORD, 0), (256, PASSWORD, 0), (128, "other", ENCRYPTED)):
        info, locked = forge.lock_package(package, word, bits)
        streams = {"EncryptedPackage": locked, "EncryptionInfo": info}
        parts, told, _ = walk(write("locked.xlsx", forge.compound(streams)))
        if (sha256(package) in [part[3] for part in parts]) == (facts != 0) or told != facts:
            return f"{bits} {word}: {parts} {told}"
    records = split_records(forge_macros())[:-1]
    records += [(0x10, draw.randbytes(5000)), (10, b"")]
    for bits, word in ((None, PASSWORD), (40, PASSWORD), (128, PASSWORD), (128, "other")):
        locked, plain = forge.lock_workbook(records, word, bits)
        path = write("locked.xls", forge.compound({"Workbook": locked}))
        parts, told, _ = walk(path)
        is_open = sha256(plain) in [part[3] for part in parts]
        if is_open != (word == PASSWORD) or told != (XLM if is_open else ENCRYPTED):
            return f"{bits} {word}: {parts} {told}"
        if is_open and b'ptgStr "cmd"' not in views_of(path)[0][1]:
            return f"{bits}: {views_of(path)[0][1]}"


@tap.case("agile encryption, with all hashes and sizes of keys")
def _():
    needs("openssl")
    package = b"PK\3\4" + draw.randbytes(10_001)
    for bits, name, word in ((256, "sha512", PASSWORD), (128, "sha1", PASSWORD),
                             (256, "sha1", PASSWORD), (192, "sha384", PASSWORD),
                             (256, "sha256", PASSWORD), (256, "sha512", "other")):
        info, locked = forge.lock_agile(package, word, bits, name)
        streams = {"EncryptedPackage": locked, "EncryptionInfo": info}
        parts, told, _ = walk(write("agile.xlsx", forge.compound(streams)))
        is_open = sha256(package) in [part[3] for part in parts]
        if is_open != (word == PASSWORD) or told != (0 if is_open else ENCRYPTED):
            return f"{bits} {name} {word}: {parts} {told}"


@tap.case("EICAR is found in a package that opens by itself")
def _():
    needs("openssl")
    info, locked = forge.lock_package(EICAR.ljust(5000), PASSWORD)
    path = write("sweatshop.xlsx", forge.compound({"EncryptedPackage": locked,
                                                   "EncryptionInfo": info.ljust(4096, b"\0")}))
    return finds_eicar(path, "!EncryptedPackage")


@tap.case("EICAR is found in a stream, a package, and a document within a document")
def _():
    package = forge.packaged(b"eicar.com", EICAR)
    samples = {"stream.ole": ({"a/Contents": EICAR}, "!a/Contents"),
               "package.doc": ({"\x01Ole10Native": package}, "!eicar.com"),
               "nested.doc": ({"x": forge.compound({"\x01Ole10Native": package})}, "!eicar.com"),
               "big.ole": ({"a/Contents": EICAR + b" " * 5}, "!a/Contents")}
    for path, (streams, inside) in samples.items():
        answer = finds_eicar(write(path, forge.compound(streams, path == "big.ole")), inside)
        if answer is not True:
            return answer


def names_told(path, rules):
    """The rules that overt finds in a file, and those that clamscan does."""
    ours = subprocess.run([*SCAN, "--rules", rules, "--all-matches", "--no-summary", path],
                          capture_output=True, timeout=120, check=False).stdout
    theirs = subprocess.run(["clamscan", "--allmatch", "--no-summary", "-d", rules, path],
                            capture_output=True, timeout=120, check=False).stdout
    return [set(re.findall(rb": (\S+) FOUND", out)) for out in (ours, theirs)]


@tap.case("rules of all targets about macros give clamscan's names, in documents old and new")
def _():
    needs("clamscan")
    os.makedirs("rules", exist_ok=True)
    texts = {"Source": SOURCE[30:60], "Folded": b'shell "Cmd  /C " & "CALC"',
             "Line": b"REM MODULENAME: Module1", "Stream": b"Module=Module1"}
    write("rules/t.ndb", "".join(f"{name}.{target}:{target}:*:{text.hex()}\n"
                                 for name, text in texts.items()
                                 for target in (0, 2, 7)).encode())
    project = forge.compound(forge.vba_project({"Module1": SOURCE}))
    with zipfile.ZipFile("macro.docm", "w", zipfile.ZIP_DEFLATED) as out:
        for name in ("[Content_Types].xml", "word/document.xml"):
            out.writestr(name, "<x/>")
        out.writestr("word/vbaProject.bin", project)
    macros = forge.vba_project({"Module1": SOURCE}, "Macros/")
    old = write("macro.doc", forge.compound(macros | {"WordDocument": b"\xec\xa5" + bytes(5000)}))
    for path in (old, "macro.docm"):
        ours, theirs = names_told(path, "rules/t.ndb")
        # A forged project has no cache, by which clamscan finds the sources that target 2 sees.
        if theirs - ours or not {b"Folded.0.UNOFFICIAL", b"Line.0.UNOFFICIAL"} <= theirs or (
                ours - theirs != {b"Source.0.UNOFFICIAL", b"Source.2.UNOFFICIAL"}):
            return f"{path}: ours {ours} theirs {theirs}"


@tap.case("clamscan opens what we lock, where it looks for it")
def _():
    needs("clamscan")
    needs("openssl")
    os.makedirs("marker", exist_ok=True)
    write("marker/m.ndb", b"Marker:0:*:" + (MARKER * 2).hex().encode() + b"\n")
    info, locked = forge.lock_package(MARKER * 600, PASSWORD)
    streams = {"EncryptionInfo": info.ljust(4096, b"\0"), "EncryptedPackage": locked}
    path = write("placed.xlsx", forge.compound(streams, lead=3))
    told = names_told(path, "marker/m.ndb")
    return told == [{b"Marker.UNOFFICIAL"}] * 2 or str(told)


@tap.case("what clamscan does not find here")
def _():
    needs("clamscan")
    needs("openssl")
    os.makedirs("marker0", exist_ok=True)
    write("marker0/m.ndb", b"Marker:0:0:" + MARKER.hex().encode() + b"\n"
          b"Inside:0:*:" + b"INSIDE-the-macro".hex().encode() + b"\n")
    project = forge.vba_project({"M": b'Attribute VB_Name = "M"\r\nx = "INSIDE-the-macro"\r\n'})
    info, locked = forge.lock_agile(MARKER * 600, PASSWORD)
    book = [(0x809, b"\0\6\5\0" + bytes(12)), (0x10, b"INSIDE-the-macro" * 4), (10, b"")]
    samples = {
        "a stream that no tree reaches": {"streams": {"a": b"a"}, "spare": [("b", MARKER * 9)]},
        "sources without a dir": {"streams": project | {"VBA/dir": b"broken"}},
        "agile encryption": {"streams": {"EncryptionInfo": info, "EncryptedPackage": locked}},
        "a workbook under RC4": {"streams": {"Workbook": forge.lock_workbook(book, PASSWORD)[0]}},
    }
    for number, (what, sample) in enumerate(samples.items()):
        path = write(f"missed{number}.ole", forge.compound(**sample))
        ours, theirs = names_told(path, "marker0/m.ndb")
        if not ours or theirs:
            return f"{what}: ours {ours} theirs {theirs}"


tap.run()
