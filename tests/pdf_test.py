#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PDF files, held against qpdf and clamscan where they are installed. TAP."""
import base64
import binascii
import json
import pathlib
import random
import subprocess
import sys
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
import forge_pdf as forge  # noqa: E402
from members import EICAR, Skip, Tap, finds_eicar, has, scan, sha256, walk  # noqa: E402

tap = Tap()
ENCRYPTED, BROKEN, OBFUSCATED = 1, 2, 32
SAMPLES = ["/usr/share/clamav-testfiles/clam.pdf", "/usr/share/doc/libtasn1-doc/libtasn1.pdf",
           "/usr/share/doc/shared-mime-info/shared-mime-info-spec.pdf"]


def write(name, data):
    pathlib.Path(name).write_bytes(data)
    return name


def digests(path):
    return [part[3] for part in walk(path, "CL_TYPE_PDF")[0]]


def names(path):
    return [part[1] for part in walk(path, "CL_TYPE_PDF")[0]]


def lacks(path, *plains):
    """What is wrong when one of the plain bytes is not told: else None."""
    told = digests(path)
    for plain in plains:
        if sha256(plain) not in told:
            return f"{path}: not told: {plain[:60]!r} ({len(plain)} bytes) {walk(path, 'CL_TYPE_PDF')}"
    return None


def qpdf(*arguments):
    if not has("qpdf"):
        raise Skip("no qpdf")
    done = subprocess.run(["qpdf", *arguments], capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, 3), f"qpdf {arguments}: {done.stderr[-300:]}"
    return done.stdout


# ---- filters -------------------------------------------------------------------------------------

@tap.case("streams behind random chains of filters, with direct and indirect lengths")
def _():
    for number, (data, plains) in enumerate(forge.random_files(40)):
        wrong = lacks(write(f"random{number}.pdf", data), *plains)
        if wrong:
            return wrong


@tap.case("LZW with both kinds of early change, and with a full table")
def _():
    draw = random.Random(1)
    for size in (1, 300, 5000, 200_000):
        plain = bytes(draw.choices(b"abc", k=size // 2)) + draw.randbytes(size - size // 2)
        for early, params in ((True, b""), (True, b"<</EarlyChange 1>>"),
                              (False, b"<</EarlyChange 0>>")):
            entries = [("Filter", b"/LZWDecode")] + ([("DecodeParms", params)] if params else [])
            data = forge.with_stream(forge.lzw(plain, early), entries)
            wrong = lacks(write("lzw.pdf", data), plain)
            if wrong:
                return wrong


@tap.case("predictors of PNG and TIFF, of all widths")
def _():
    draw = random.Random(2)
    for colors, bits, columns in ((1, 8, 5), (3, 8, 7), (4, 16, 3), (1, 1, 19), (3, 2, 5), (2, 4, 9)):
        row = (colors * bits * columns + 7) // 8
        pixel = max(1, (colors * bits + 7) // 8)
        plain = draw.randbytes(row * 9)
        shape = b"/Colors %d/BitsPerComponent %d/Columns %d" % (colors, bits, columns)
        whole = plain + draw.randbytes(row // 2)
        png = forge.flate(forge.predict_png(whole, row, pixel, draw))
        data = forge.with_stream(png, [("Filter", b"/FlateDecode"),
                                       ("DecodeParms", b"<</Predictor 15" + shape + b">>")])
        wrong = lacks(write("png.pdf", data), whole)
        # Bits behind the last sample of a row are not samples, and stay as they are.
        if not wrong and colors * bits * columns % 8 == 0:
            tiff = forge.lzw(forge.predict_tiff(plain, colors, bits, columns))
            data = forge.with_stream(tiff, [("Filter", b"[/LZW]"),
                                            ("DP", b"[<</Predictor 2" + shape + b">>]")])
            wrong = lacks(write("tiff.pdf", data), plain)
        if wrong:
            return f"{colors} {bits} {columns}: {wrong}"


@tap.case("abbreviations, escapes in names, parameters by reference, /F instead of /Filter")
def _():
    plain = b"something behind filters" * 20
    row = 24
    predicted = forge.flate(forge.predict_png(plain, row, 1, random.Random(3)))
    shown = b"<</Predictor 12/Columns 24>>"
    for entries in ([("Filter", b"/Fl#61teDecode"), ("DecodeParms", shown)],
                    [("F#69lter", b"[/Fl]"), ("DecodeParms", b"[" + shown + b"]")],
                    [("F", b"/Fl"), ("DP", shown)],
                    [("Filter", b"8 0 R"), ("DecodeParms", b"9 0 R")],
                    [("Filter", b"[8 0 R]"), ("DecodeParms", b"[9 0 R]")]):
        pdf = forge.Pdf().add(8, b"/FlateDecode").add(9, shown)
        wrong = lacks(write("short.pdf", pdf.stream(4, predicted, entries).end()), plain)
        if wrong:
            return f"{entries}: {wrong}"


@tap.case("a filter that is not built, or a picture's, leaves what came before it")
def _():
    for name in (b"/DCTDecode", b"/JPXDecode", b"/JBIG2Decode", b"/CCITTFaxDecode", b"/Odd"):
        plain = b"\xff\xd8 some picture"
        data = forge.with_stream(forge.flate(plain), [("Filter", b"[/FlateDecode" + name + b"]")])
        wrong = lacks(write("picture.pdf", data), plain)
        if wrong:
            return wrong


@tap.case("broken filters: no zlib header, a line end in front, an end too soon, rubbish")
def _():
    plain = random.Random(4).randbytes(20_000)
    packed = zlib.compress(plain)
    entries = [("Filter", b"/FlateDecode")]
    for bad in (b"\n" + packed, packed[2:], b"xx" + packed[2:]):
        wrong = lacks(write("bad.pdf", forge.with_stream(bad, entries)), plain)
        if wrong:
            return wrong
    told, _, _ = walk(write("cut.pdf", forge.with_stream(packed[:9000], entries)), "CL_TYPE_PDF")
    if not 8000 < told[0][2] < 20_000:
        return str(told)
    return lacks(write("rubbish.pdf", forge.with_stream(b"no zlib at all", entries)),
                 b"no zlib at all")


@tap.case("where readers would see two things, both are told")
def _():
    one, two = b"as one reader sees it", b"as the other does"
    pdf = forge.Pdf().add(8, b"/FlateDecode")
    pdf.stream(4, zlib.compress(one), [("Filter", b"8 0 R")])
    pdf.add(8, b"/DCTDecode")
    wrong = lacks(write("two.pdf", pdf.end()), one, zlib.compress(one))
    data = forge.with_stream(zlib.compress(two), [("Filter", b"/ASCIIHexDecode"),
                                                  ("Filter", b"/FlateDecode")])
    wrong = wrong or lacks(write("twice.pdf", data), two)
    data = forge.with_stream(zlib.compress(two), [("Filter", b"/FlateDecode"), ("Filter", b"/DCT")])
    return wrong or lacks(write("again.pdf", data), two, zlib.compress(two))


# ---- objects -------------------------------------------------------------------------------------

@tap.case("lengths that are missing, too small, too large, or lead nowhere")
def _():
    plain = b"raw bytes\nof a stream"
    for length in (b"", b"3", b"10000", b"-5", b"77 0 R", b"99999999999999999999", b"(x)"):
        told = walk(write("length.pdf", forge.with_stream(plain, (), length)), "CL_TYPE_PDF")[0]
        if sha256(plain) not in [part[3] for part in told]:
            return f"{length}: {told}"
    file = forge.with_stream(plain)
    told, facts, status = walk(write("cut.pdf", file[:file.index(b"endstream") - 5]), "CL_TYPE_PDF")
    return (told[0][3] == sha256(plain[:-4]) and status == "damaged") or f"{told} {facts} {status}"


@tap.case("every version of an object, and objects that no table names")
def _():
    pdf = forge.Pdf().stream(4, b"first version")
    pdf.end()
    pdf.stream(4, b"second version")
    data = pdf.end() + b"4 0 obj<</Length 5>>stream\nthird\nendstream endobj\n"
    data += b"% 9 0 obj <</Length 7>>stream\r\ncomment\nendstream\n"
    data += b"12\0 0 %odd\n  obj<</Length 4>>stream\nodd!\nendstream\n"
    wrong = lacks(write("versions.pdf", data), b"first version", b"second version", b"third",
                  b"comment", b"odd!")
    broken = data.replace(b"xref", b"x#ef").replace(b"trailer", b"tr#iler")
    return wrong or lacks(write("broken.pdf", broken), b"first version", b"second version")


@tap.case("object streams: told whole, their objects read, lengths and filters out of them")
def _():
    pdf = forge.Pdf()
    objects = [(20, b"(a string)"), (21, b"%d" % 11), (22, b"[/FlateDecode]"),
               (23, b"<</S/JavaScript/JS(app.alert\\(1\\))>>"), (24, b"<</S/JavaScript/JS 20 0 R>>")]
    forge.add_object_stream(pdf, 10, objects)
    packed = zlib.compress(b"by reference")
    pdf.stream(11, b"with inside endstream", (), b"%d" % 21)
    pdf.stream(12, packed, [("Filter", b"22 0 R")], b"%d" % len(packed))
    return lacks(write("objstm.pdf", pdf.end()), forge.object_stream(objects)[0], b"app.alert(1)",
                 b"a string", b"by reference", b"with inside endstream")


@tap.case("a PDF attached without filters is one member, and its streams are left to it")
def _():
    inner = forge.with_stream(b"of the inner file")
    pdf = forge.Pdf().stream(4, inner, [("Type", b"/EmbeddedFile")]).stream(9, b"of the outer")
    told = digests(write("inner.pdf", pdf.end()))
    return told == [sha256(inner), sha256(b"of the outer")] or str(walk("inner.pdf"))


@tap.case("pixels of a picture are told up to 1 MB, other streams whole")
def _():
    plain = random.Random(5).randbytes(1 << 20) * 2
    picture = [("Filter", b"/FlateDecode"), ("Subtype", b"/Image"), ("Width", b"1024"),
               ("Height", b"2048")]
    wrong = lacks(write("pixels.pdf", forge.with_stream(zlib.compress(plain), picture)),
                  plain[:1 << 20])
    return wrong or lacks(write("whole.pdf", forge.with_stream(zlib.compress(plain), picture[:1])),
                          plain)


# ---- scripts and files ---------------------------------------------------------------------------

@tap.case("scripts: literal, hexadecimal, octal, UTF-16, by reference, in trees")
def _():
    script = "var s = 'a(b)c'; // \u00e9\U0001f600"
    wide = b"\xfe\xff" + script.encode("utf-16-be")
    plain = b"var t = '(x)';\r\nt\\"
    escaped = b"(var t = '\\(x\\)';\\r\\012t\\\\)"
    octal = b"(" + b"".join(b"\\%03o" % byte for byte in plain) + b")"
    pdf = forge.Pdf()
    pdf.add(4, b"<</S/JavaScript/JS<" + binascii.hexlify(wide) + b">>>")
    pdf.add(5, b"<</OpenAction<</S/JavaScript/JS" + escaped + b"/Next[<</JS 7 0 R>>]>>>>")
    pdf.add(6, b"<</Names[(a)<</S/JavaScript/J#53 " + octal + b">>]>>")
    pdf.add(7, b"<" + binascii.hexlify(b"by reference") + b" 2>")
    pdf.stream(8, wide)
    told = walk(write("scripts.pdf", pdf.end()))[0]
    texts = [part[3] for part in told]
    # Literal strings as they are written too: clamscan knows them only so.
    wanted = [sha256(script.encode()), sha256(plain), sha256(escaped[1:-1]), sha256(plain),
              sha256(octal[1:-1]), sha256(b"by reference "),
              sha256(wide), sha256(script.encode())]
    return texts == wanted or str([(t[2], t[3]) for t in told])


@tap.case("attached files have their names, in UTF-8 when they are given so")
def _():
    data = forge.attachment(b"MZ not really", b"(a\\\\b\\051.exe)")
    if names(write("file.pdf", data)) != [b"a\\b).exe"]:
        return str(names("file.pdf"))
    data = forge.attachment(b"MZ not really", b"(a.exe)", "\u00fcn\u00ef.exe")
    return names(write("file.pdf", data)) == ["\u00fcn\u00ef.exe".encode()] or str(names("file.pdf"))


# ---- encryption ----------------------------------------------------------------------------------

def encrypted(path, password="", *extra):
    """Each way of encryption that qpdf knows: (name of the file, words)."""
    for name, words in (("rc4-40", ["40"]), ("rc4-128", ["128", "--use-aes=n"]),
                        ("aes-128", ["128", "--use-aes=y"]),
                        ("rc4-v4", ["128", "--use-aes=n", "--force-V4"]),
                        ("clear-metadata", ["128", "--use-aes=y", "--cleartext-metadata"]),
                        ("aes-256", ["256"]), ("aes-256-r5", ["256", "--force-R5"])):
        out = f"{name}{password}.pdf"
        qpdf("--allow-weak-crypto", *extra, "--encrypt", password, "owner", *words, "--", path, out)
        yield out


@tap.case("files that the empty password opens, of all revisions, with and without object streams")
def _():
    pdf = forge.Pdf()
    pdf.stream(4, zlib.compress(EICAR), [("Filter", b"/FlateDecode")])
    pdf.add(5, b"<</S/JavaScript/JS(app.alert\\(2\\))>>")
    pdf.stream(7, b"attached", [("Type", b"/EmbeddedFile")])
    pdf.add(6, b"<</Type/Filespec/F(at.txt)/EF<</F 7 0 R>>>>")
    pdf.add(8, b"<</A 4 0 R/B 5 0 R/C 6 0 R>>")
    plain = write("plain.pdf", pdf.end(b"/Info 8 0 R"))
    for extra in ([], ["--object-streams=generate"]):
        for path in encrypted(plain, "", *extra):
            wrong = lacks(path, EICAR, b"app.alert(2)", b"attached")
            if wrong or b"at.txt" not in names(path) or walk(path)[1] & ENCRYPTED:
                return wrong or f"{path}: {walk(path)}"
            if (answer := finds_eicar(path)) is not True:
                return f"{path}: {answer}"


@tap.case("files with a password are encrypted, and say so")
def _():
    plain = write("plain.pdf", forge.with_stream(b"secret"))
    for path in encrypted(plain, "word"):
        told, facts, _ = walk(path)
        if not facts & ENCRYPTED or sha256(b"secret") in [part[3] for part in told]:
            return f"{path}: {facts} {told}"


# ---- names in hexadecimal ------------------------------------------------------------------------

def name_files():
    def one(value):
        return forge.Pdf().add(4, value).end()
    yield "plain", one(b"<</S/JavaScript/JS(x)>>"), False
    yield "value", one(b"<</S/J#61vaScript/JS(x)>>"), True
    yield "js", one(b"<</S/JavaScript/#4aS(x)>>"), False
    yield "type", one(b"<</Typ#65/Foo>>"), True
    yield "nested", one(b"<</A<</B[/#50age]>>>>"), True
    yield "string", one(b"<</A(see /J#61vaScript here)>>"), True
    yield "array", one(b"[/J#61vaScript]"), False
    yield "array-dict", one(b"[<</S/J#61vaScript>>]"), True
    yield "trailer", forge.Pdf().end(b"/Typ#65/X"), False
    yield "aa", one(b"<</#41A 4 0 R>>"), False
    yield "uri", one(b"<</S/#55RI>>"), False
    yield "unclosed", one(b"<</S/J#61vaScript"), False
    yield "bad-hex", one(b"<</S/J#zzavaScript /Ty#pe/Typ#6>>"), False
    yield "comment", one(b"<</A 1 % /J#61vaScript \n>>"), True
    yield "long", one(b"<</JavaScript" + b"x" * 60 + b"/Typ#65>>"), True
    yield "second", one(b"<</A 1>> <</S/J#61vaScript>>"), False
    yield "stream", forge.with_stream(b"<</S/J#61vaScript>>"), False
    pdf = forge.Pdf()
    yield "packed", forge.add_object_stream(pdf, 9, [(4, b"<</S/J#61vaScript>>")]).end(), True


@tap.case("names written in hexadecimal are noticed where clamscan notices them")
def _():
    files = {}
    for name, data, expected in name_files():
        path = write(f"name-{name}.pdf", data)
        files[path] = expected
        if bool(walk(path)[1] & OBFUSCATED) != expected:
            return f"{name}: {walk(path)}"
    rules = [found["rule"] for found in scan("name-value.pdf")["detections"]]
    if rules != ["Heuristics.PDF.ObfuscatedNameObject"]:
        return f"name-value: {rules}"
    if not has("clamscan"):
        raise Skip("no clamscan beside it; the expected values were seen with 1.4.6")
    write("none.ndb", b"None:0:*:00112233445566778899aabb\n")
    done = subprocess.run(["clamscan", "--no-summary", "-d", "none.ndb", *files],
                          capture_output=True, text=True, timeout=120, check=False)
    for line in done.stdout.splitlines():
        path, told = line.rsplit(": ", 1)
        if ("ObfuscatedNameObject" in told) != files[pathlib.Path(path).name]:
            return line


# ---- beside others -------------------------------------------------------------------------------

def qpdf_streams(path):
    """Each stream that qpdf tells of, without those that hold objects: (dictionary, bytes)."""
    text = qpdf("--json=2", "--json-key=qpdf", "--json-stream-data=inline",
                "--decode-level=specialized", path)
    for value in json.loads(text)["qpdf"][1].values():
        if "stream" in value:
            yield value["stream"]["dict"], base64.b64decode(value["stream"]["data"])


@tap.case("the streams of other files are those that qpdf decodes")
def _():
    files = [path for path in SAMPLES if pathlib.Path(path).exists()]
    for number, (data, _) in enumerate(forge.random_files(10)):
        files.append(write(f"beside{number}.pdf", data))
    count = 0
    for path in files:
        told = set(digests(path))
        for head, data in qpdf_streams(path):
            if head.get("/Subtype") == "/Image" and len(data) > 1 << 20 or not data:
                continue
            count += 1
            if sha256(data) not in told:
                return f"{path}: {head} {len(data)} bytes: {data[:40]!r}"
    return count > 20 or f"{count} streams"


def eicar_files():
    """(name, file, whether clamscan finds it as well)"""
    yield "raw", forge.with_stream(EICAR), True
    yield "flate", forge.with_stream(forge.flate(EICAR), [("Filter", b"/FlateDecode")]), True
    names_of = ["ASCIIHexDecode", "ASCII85Decode", "LZWDecode", "RunLengthDecode", "FlateDecode"]
    packed = forge.chain(EICAR, names_of)
    yield "chain", forge.with_stream(packed, [("Filter", forge.filter_value(names_of))]), None
    yield "attached", forge.attachment(EICAR), True
    script = EICAR.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    yield "script", forge.Pdf().add(4, b"<</S/JavaScript/JS(" + script + b")>>").end(), None
    wide = binascii.hexlify(b"\xfe\xff" + EICAR.decode().encode("utf-16-be"))
    yield "wide", forge.Pdf().add(4, b"<</S/JavaScript/JS<" + wide + b">>>").end(), None
    pdf = forge.add_object_stream(forge.Pdf(), 9,
                                  [(4, b"<</S/JavaScript/JS(" + script + b")>>")])
    yield "packed", pdf.end(), None
    predicted = forge.flate(forge.predict_png(EICAR, 10, 1, random.Random(6)))
    yield "predicted", forge.with_stream(
        predicted, [("Filter", b"/FlateDecode"),
                    ("DecodeParms", b"<</Predictor 15/Columns 10>>")]), None
    yield "no-length", forge.with_stream(forge.flate(EICAR), [("Filter", b"/FlateDecode")], b""), True
    hidden = [("Fi#6cter", b"/Fl#61teDecode")]
    yield "hidden", forge.with_stream(forge.flate(EICAR), hidden), True


@tap.case("EICAR is found in each of them, and clamscan finds it in those that it reads")
def _():
    write("eicar.ndb", b"Eicar-Inside:0:0:" + binascii.hexlify(EICAR) + b"\n")
    for name, data, is_found in eicar_files():
        path = write(f"eicar-{name}.pdf", data)
        if (answer := finds_eicar(path, "!evil.bin" if name == "attached" else None)) is not True:
            return f"{name}: {answer}"
        if is_found and has("clamscan"):
            done = subprocess.run(["clamscan", "--no-summary", "-d", "eicar.ndb", path],
                                  capture_output=True, text=True, timeout=60, check=False)
            if "Eicar-Inside" not in done.stdout:
                return f"{name}: clamscan: {done.stdout} {done.stderr}"


# ---- bombs ---------------------------------------------------------------------------------------

def bombs():
    names_of = ["ASCIIHexDecode"] * 100
    data = b"deep"
    yield "deep", forge.with_stream(data, [("Filter", forge.filter_value(names_of))])
    packed = b"\0" * 50_000_000
    for _ in range(3):
        packed = zlib.compress(packed, 9)
    yield "flate", forge.with_stream(packed, [("Filter", b"[/Fl/Fl/Fl]")])
    yield "objects", b"%PDF-1.7\n" + b"1 0 obj\n" * 1_200_000
    yield "strings", b"%PDF-1.7\n" + b"1 0 obj(" * 100_000
    yield "brackets", b"%PDF-1.7\n1 0 obj" + b"[<<" * 1_000_000
    yield "streams", b"%PDF-1.7\n" + b"1 0 obj<</Filter/A85>>stream\n" * 20_000 + b" " * 1_000_000
    yield "references", b"%PDF-1.7\n" + b"1 0 obj 1 0 R endobj 2 0 obj<</Length 1 0 R>>stream\n" * 20_000
    body = b"".join(b"%d 0 " % i for i in range(200_000))
    yield "pairs", forge.Pdf().stream(9, zlib.compress(body + b"[" * 100), [
        ("Type", b"/ObjStm"), ("N", b"999999999"), ("First", b"%d" % len(body)),
        ("Filter", b"/Fl")]).end()
    yield "scripts", b"%PDF-1.7\n1 0 obj(" + b"x" * 100_000 + b")endobj\n" + \
        b"2 0 obj<</JS 1 0 R>>endobj\n" * 50_000


@tap.case("bombs end soon, are told as limited where something was left out, and never crash")
def _():
    for name, data in bombs():
        path = write(f"bomb-{name}.pdf", data)
        start = time.monotonic()
        record = scan(path, "--max-filesize=20M", "--max-scansize=40M")
        took = time.monotonic() - start
        if record["verdict"] not in ("clean", "limited") or took > 60:
            return f"{name}: {took:.1f} s {record}"
        if name in ("flate", "objects", "streams") and record["verdict"] != "limited":
            return f"{name}: {record}"


tap.run()
