# SPDX-License-Identifier: Apache-2.0
"""Writes odd PDF files: filters, object streams, encryption, scripts, attachments, broken lengths.

Nothing of Overt is used here: filters and ciphers are Python's own, or written below."""
import base64
import binascii
import hashlib
import random
import zlib


def pairs(entries):
    return b"".join(b"/" + key.encode() + (b"" if value[:1] in b"/[<(" else b" ") + value
                    for key, value in entries)


class Pdf:
    """A file in the making: objects, then a table and a trailer."""

    def __init__(self, version=b"1.7"):
        self.out = b"%PDF-" + version + b"\n%\xe2\xe3\xcf\xd3\n"
        self.places = {}
        self.add(1, b"<</Type/Catalog/Pages 2 0 R>>")
        self.add(2, b"<</Type/Pages/Count 1/Kids[3 0 R]>>")
        self.add(3, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")

    def add(self, number, value, generation=0):
        self.places[number] = len(self.out)
        self.out += b"%d %d obj\n%s\nendobj\n" % (number, generation, value)
        return self

    def stream(self, number, data, entries=(), length=None):
        length = b"%d" % len(data) if length is None else length
        head = pairs([("Length", length), *entries]) if length else pairs(entries)
        return self.add(number, b"<<" + head + b">>\nstream\n" + data + b"\nendstream")

    def end(self, trailer=b""):
        start = len(self.out)
        size = max(self.places) + 1
        table = b"".join(b"%010d 00000 n \n" % self.places[n] if n in self.places
                         else b"0000000000 65535 f \n" for n in range(size))
        self.out += b"xref\n0 %d\n%strailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (
            size, table, size, trailer, start)
        return self.out


# ---- filters -------------------------------------------------------------------------------------

def ascii_hex(data):
    return binascii.hexlify(data) + b">"


def ascii_85(data):
    return base64.a85encode(data) + b"~>"


def run_length(data):
    out = b""
    at = 0
    while at < len(data):
        run = 1
        while run < 128 and data[at + run:at + run + 1] == data[at:at + 1]:
            run += 1
        if run > 1:
            out += bytes([257 - run]) + data[at:at + 1]
            at += run
        else:
            out += b"\0" + data[at:at + 1]
            at += 1
    return out + b"\x80"


def lzw(data, is_early=True):
    """ISO 32000-1, 7.4.4: codes of 9 to 12 bits, highest bit first."""
    bits, words, next_code, word = 9, [], 258, b""

    def put(code):
        words.append((code, bits))

    put(256)
    table = {bytes([i]): i for i in range(256)}
    for i in range(len(data)):
        byte = data[i:i + 1]
        if word + byte in table:
            word += byte
            continue
        put(table[word])
        table[word + byte] = next_code
        next_code += 1
        if next_code + is_early > 1 << bits:
            bits += 1
        if next_code == 4094:
            put(256)
            table = {bytes([i]): i for i in range(256)}
            next_code, bits = 258, 9
        word = byte
    if word:
        put(table[word])
        next_code += 1
        if next_code + is_early > 1 << bits and bits < 12:
            bits += 1
    put(257)
    value = count = 0
    out = bytearray()
    for code, width in words:
        value = value << width | code
        count += width
        while count >= 8:
            count -= 8
            out.append(value >> count & 255)
        value &= (1 << count) - 1
    if count:
        out.append(value << (8 - count) & 255)
    return bytes(out)


def flate(data):
    return zlib.compress(data)


FILTERS = {"FlateDecode": flate, "LZWDecode": lzw, "ASCIIHexDecode": ascii_hex,
           "ASCII85Decode": ascii_85, "RunLengthDecode": run_length}
SHORT = {"FlateDecode": "Fl", "LZWDecode": "LZW", "ASCIIHexDecode": "AHx", "ASCII85Decode": "A85",
         "RunLengthDecode": "RL"}


def chain(data, names):
    """The data packed so that the filters, from first to last, unpack it."""
    for name in reversed(names):
        data = FILTERS[name](data)
    return data


def filter_value(names):
    return b"[" + b" ".join(b"/" + name.encode() for name in names) + b"]"


# ---- predictors ----------------------------------------------------------------------------------

def paeth(left, up, corner):
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up),
               (abs(guess - corner), 2, corner))[2]


def predict_png(data, row_bytes, pixel_bytes, draw):
    """Rows with a filter each, drawn at random; the last row may be short."""
    out = bytearray()
    above = bytes(row_bytes)
    for at in range(0, len(data), row_bytes):
        row = data[at:at + row_bytes]
        kind = draw.randrange(5)
        out.append(kind)
        for i, byte in enumerate(row):
            left = row[i - pixel_bytes] if i >= pixel_bytes else 0
            corner = above[i - pixel_bytes] if i >= pixel_bytes else 0
            guess = (0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))[kind]
            out.append((byte - guess) & 255)
        above = row + bytes(row_bytes - len(row))
    return bytes(out)


def predict_tiff(data, colors, bits, columns):
    """Differences of samples within each row of whole samples."""
    row_bytes = (colors * bits * columns + 7) // 8
    out = bytearray()
    for at in range(0, len(data), row_bytes):
        row = data[at:at + row_bytes]
        value = int.from_bytes(row, "big")
        count = len(row) * 8 // bits
        samples = [value >> (len(row) * 8 - bits * (i + 1)) & ((1 << bits) - 1)
                   for i in range(count)]
        delta = [(s - (samples[i - colors] if i >= colors else 0)) & ((1 << bits) - 1)
                 for i, s in enumerate(samples)]
        packed = 0
        for sample in delta:
            packed = packed << bits | sample
        out += (packed << (len(row) * 8 - bits * count)).to_bytes(len(row), "big")
    return bytes(out)


# ---- object streams ------------------------------------------------------------------------------

def object_stream(objects):
    """(bytes, /First) for [(number, value)]."""
    head, body = b"", b""
    for number, value in objects:
        head += b"%d %d " % (number, len(body))
        body += value + b" "
    return head + body, len(head)


def add_object_stream(pdf, number, objects, pack=flate):
    data, first = object_stream(objects)
    return pdf.stream(number, pack(data), [("Type", b"/ObjStm"), ("N", b"%d" % len(objects)),
                                           ("First", b"%d" % first), ("Filter", b"/FlateDecode")])


# ---- files, each with something inside -----------------------------------------------------------

def attachment(data, name=b"(evil.bin)", unicode_name=None):
    pdf = Pdf()
    pdf.stream(5, flate(data), [("Type", b"/EmbeddedFile"), ("Filter", b"/FlateDecode")])
    wide = b"" if unicode_name is None else \
        b"/UF <" + binascii.hexlify(b"\xfe\xff" + unicode_name.encode("utf-16-be")) + b">"
    pdf.add(4, b"<</Type/Filespec/F " + name + wide + b"/EF<</F 5 0 R>>>>")
    return pdf.end()


def with_stream(data, entries=(), length=None):
    return Pdf().stream(4, data, entries, length).end()


def random_files(count):
    """Files of many streams with known plain bytes: [(file, [plain])]."""
    draw = random.Random(7)
    for _ in range(count):
        pdf, plains = Pdf(), []
        for number in range(4, 4 + draw.randrange(1, 8)):
            plain = bytes(draw.choices(b"ab \0\xff" + bytes(range(256)), k=draw.randrange(1, 5000)))
            names = draw.choices(list(FILTERS), k=draw.randrange(0, 4))
            entries = []
            if names:
                shown = [SHORT[n] if draw.random() < 0.3 else n for n in names]
                value = filter_value(shown) if len(shown) > 1 or draw.random() < 0.5 \
                    else b"/" + shown[0].encode()
                entries.append(("Filter", value))
            packed = chain(plain, names)
            length = draw.choice([None, None, None, b"99 0 R"])
            if length:
                pdf.add(99, b"%d" % len(packed))
            pdf.stream(number, packed, entries, length)
            plains.append(plain)
        yield pdf.end(), plains


def digest(data):
    return hashlib.sha256(data).hexdigest()
