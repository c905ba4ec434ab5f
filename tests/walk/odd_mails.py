# SPDX-License-Identifier: Apache-2.0
"""Mails that programs wrote wrongly, or that somebody bent so that two readers disagree.

Each carries the same attachment, of which no encoding leaves a trace in the mail's own bytes.
"""
import base64
import binascii
import quopri
import random

_draw = random.Random(4711)
PAYLOAD = _draw.randbytes(400)
MARKER = PAYLOAD[100:164]  # what a rule looks for
TEXT = base64.encodebytes(PAYLOAD).decode()
LINES = TEXT.splitlines()
QUOTED = quopri.encodestring(PAYLOAD, quotetabs=True).decode()
HEAD = "From: a@example.org\nTo: b@example.org\nSubject: odd\nMIME-Version: 1.0\n"
ATTACHMENT = ('Content-Type: application/octet-stream; name="a.exe"\n'
              'Content-Transfer-Encoding: base64\n'
              'Content-Disposition: attachment; filename="a.exe"\n')


def uu(name="a.exe", end="`\nend\n", mode="644"):
    lines = [binascii.b2a_uu(PAYLOAD[i:i + 45]).decode() for i in range(0, len(PAYLOAD), 45)]
    return f"begin {mode} {name}\n" + "".join(lines) + end


def yenc(name="a.exe"):
    out = bytearray()
    for byte in PAYLOAD:
        byte = (byte + 42) % 256
        out += bytes([61, (byte + 64) % 256]) if byte in (0, 9, 10, 13, 61) else bytes([byte])
        if len(out) % 130 >= 128:
            out += b"\r\n"
    size = len(PAYLOAD)
    return (f"=ybegin line=128 size={size} name={name}\r\n".encode() + bytes(out) +
            f"\r\n=yend size={size}\r\n".encode()).decode("latin-1")


def binhex(name="a.exe"):
    """BinHex 4.0 as in RFC 1741, appendix A."""
    digits = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"

    def checked(piece):
        return piece + binascii.crc_hqx(piece, 0).to_bytes(2, "big")
    size = len(PAYLOAD).to_bytes(4, "big")
    header = bytes([len(name)]) + name.encode() + b"\0BINAhexi\0\0" + size + bytes(4)
    plain = (checked(header) + checked(PAYLOAD) + checked(b"")).replace(b"\x90", b"\x90\0")
    bits = "".join(f"{byte:08b}" for byte in plain)
    bits += "0" * (-len(bits) % 6)
    text = ":" + "".join(digits[int(bits[i:i + 6], 2)] for i in range(0, len(bits), 6)) + ":"
    lines = "\n".join(text[i:i + 64] for i in range(0, len(text), 64))
    return f"(This file must be converted with BinHex 4.0)\n\n{lines}\n"


def mixed(body, boundary="xyz", kind="mixed", head=HEAD, more=""):
    return f'{head}Content-Type: multipart/{kind}; boundary="{boundary}"\n{more}\n{body}'


def part(content=TEXT, head=ATTACHMENT, boundary="xyz", close=True):
    return (f"--{boundary}\nContent-Type: text/plain\n\nHello.\n"
            f"--{boundary}\n{head}\n{content}" + (f"--{boundary}--\n" if close else ""))


def single(encoding="base64", content=TEXT, kind="application/octet-stream", head=HEAD):
    return (f"{head}Content-Type: {kind}; name=a.exe\n"
            f"Content-Transfer-Encoding: {encoding}\n\n{content}")


def nested(depth):
    body = part(boundary=f"b{depth}")
    for level in range(depth - 1, -1, -1):
        body = (f"--b{level}\nContent-Type: multipart/mixed; boundary=b{level + 1}\n\n{body}"
                f"\n--b{level}--\n")
    return mixed(body, "b0")


def forwarded(levels):
    mail = mixed(part())
    for level in range(levels):
        mail = mixed(f"--f{level}\nContent-Type: message/rfc822\n\n{mail}\n--f{level}--\n",
                     f"f{level}")
    return mail


def build():
    """All odd mails: {name: bytes}."""
    swap = TEXT.replace("\n", "\r\n")
    rows = {
        "plain": mixed(part()),
        "crlf": mixed(part()).replace("\n", "\r\n"),
        "cr alone": mixed(part()).replace("\n", "\r"),
        "cr cr lf": mixed(part()).replace("\n", "\r\r\n"),
        "no part, base64": single(),
        "quoted-printable": single("quoted-printable", QUOTED),
        "quoted-printable with blanks at line ends":
            single("quoted-printable", QUOTED.replace("=\n", "=  \n")),
        "quoted-printable in small letters":
            single("quoted-printable", "".join(f"={byte:02x}" for byte in PAYLOAD)),
        "uuencode declared": single("x-uuencode", uu()),
        "uuencode declared, no begin": single("x-uuencode", uu().split("\n", 1)[1]),
        "uuencode in text": HEAD + "\nHello\n\n" + uu() + "\nbye\n",
        "uuencode in text without end": HEAD + "\nHello\n\n" + uu(end=""),
        "uuencode with a short mode": HEAD + "\nHello\n\n" + uu(mode="7"),
        "uuencode in quoted-printable":
            HEAD + "Content-Transfer-Encoding: quoted-printable\n\n" +
            quopri.encodestring(uu().encode()).decode(),
        "uuencode in a part": mixed("--xyz\n\nHello\n" + uu() + "--xyz--\n"),
        "uuencode in the preamble": mixed(uu() + part("SGVsbG8=\n")),
        "uuencode in the epilogue": mixed(part("SGVsbG8=\n") + uu()),
        "uuencode behind blanks lost": HEAD + "\n" + "\n".join(
            line.rstrip() for line in uu().replace("`", " ").split("\n")),
        "begin-base64": HEAD + "\nbegin-base64 644 a.exe\n" + TEXT + "====\n",
        "yenc": HEAD + "\nHello\n" + yenc(),
        "binhex in text": HEAD + "\nHello\n\n" + binhex(),
        "binhex as a part": mixed(part(binhex(), "Content-Type: application/mac-binhex40\n")),
        "no close": mixed(part(close=False)),
        "attachment behind the close": mixed(
            "--xyz\n\nHello\n--xyz--\n--xyz\n" + ATTACHMENT + "\n" + TEXT),
        "boundary not quoted": mixed(part()).replace('"xyz"', "xyz"),
        "boundary without end of quotes": mixed(part()).replace('"xyz"', '"xyz'),
        "boundary with a comment": mixed(part()).replace('"xyz"', "xyz (a comment)"),
        "boundary behind a comment": mixed(part()).replace('"xyz"', "(a comment) xyz"),
        "boundary with a blank at its end": mixed(part()).replace('"xyz"', '"xyz "'),
        "boundary in sections": mixed(part()).replace('boundary="xyz"',
                                                      'boundary*0="x"; boundary*1="yz"'),
        "boundary with a character set": mixed(part()).replace('boundary="xyz"',
                                                               "boundary*=us-ascii''xy%7A"),
        "boundary twice, first counts": mixed(part()).replace('"xyz"', '"xyz"; boundary="abc"'),
        "boundary twice, second counts": mixed(part()).replace('"xyz"', '"abc"; boundary="xyz"'),
        "boundary in capital letters": mixed(part()).replace("boundary=", "BOUNDARY="),
        "boundary of blanks": mixed(part(boundary="x y z"), "x y z"),
        "boundary of blanks, not quoted": mixed(part(boundary="x y z")).replace('"xyz"', "x y z"),
        "boundary empty": mixed(part(boundary=""), ""),
        "boundary of seventy": mixed(part(boundary="q" * 70), "q" * 70),
        "boundary of two hundred": mixed(part(boundary="q" * 200), "q" * 200),
        "boundary of a thousand": mixed(part(boundary="q" * 980), "q" * 980),
        "boundary with an escape": mixed(part(boundary='x"z'), 'x\\"z'),
        "boundary wrong": mixed(part(), "other"),
        "boundary missing": mixed(part()).replace('; boundary="xyz"', ""),
        "boundary without semicolon": mixed(part()).replace('; boundary', ' boundary'),
        "boundary with blanks around =": mixed(part()).replace('boundary=', 'boundary = '),
        "boundary line with blanks behind": mixed(part().replace("--xyz\n", "--xyz \t\n")),
        "boundary line with blanks before": mixed(part().replace("--xyz\n", " --xyz\n")),
        "boundary line with text behind": mixed(part().replace("--xyz\n", "--xyz-more\n")),
        "boundary line in another case": mixed(part().replace("--xyz\n", "--XYZ\n")),
        "boundary of another's beginning": mixed(
            "--ab\nContent-Type: multipart/mixed; boundary=abc\n\n" + part(boundary="abc") +
            "--ab--\n", "ab"),
        "boundary of the outer in the inner": mixed(
            '--xyz\nContent-Type: multipart/mixed; boundary=xyz\n\n' + part()),
        "close line of the inner missing": mixed(
            "--out\nContent-Type: multipart/alternative; boundary=in\n\n--in\n\nHello\n"
            "--out\n" + ATTACHMENT + "\n" + TEXT + "--out--\n", "out"),
        "content-type twice": mixed(part(), "other", more='Content-Type: multipart/mixed; '
                                                          'boundary="xyz"\n'),
        "content-type text, then multipart": HEAD + "Content-Type: text/plain\n"
        'Content-Type: multipart/mixed; boundary="xyz"\n\n' + part(),
        "content-type folded without a blank":
            HEAD + 'Content-Type: multipart/mixed;\nboundary="xyz"\n\n' + part(),
        "content-type folded three times":
            HEAD + 'Content-Type:\n multipart/mixed;\n\t\n boundary\n ="xyz"\n\n' + part(),
        "content-type with blank before colon": mixed(part()).replace("Content-Type:",
                                                                      "Content-Type :"),
        "content-type in odd case": mixed(part()).replace("Content-Type", "cOnTENT-tYPE"),
        "multipart of no known kind": mixed(part(), kind="x-odd"),
        "multipart/related": mixed(part(), kind="related"),
        "multipart/digest": mixed("--xyz\n\n" + mixed(part(boundary="in"), "in") + "\n--xyz--\n",
                                  kind="digest"),
        "multipart/report": mixed(
            "--xyz\n\nFailed.\n--xyz\nContent-Type: message/delivery-status\n\nAction: failed\n"
            "--xyz\nContent-Type: message/rfc822\n\n" + mixed(part(boundary="in"), "in") +
            "\n--xyz--\n", kind="report"),
        "multipart/signed": mixed(part(), kind="signed",
                                  more="").replace("signed;", "signed; micalg=pgp-sha1;"),
        "multipart/appledouble": mixed(
            "--xyz\nContent-Type: application/applefile\nContent-Transfer-Encoding: base64\n\n"
            "AAUWBwACAAA=\n--xyz\n" + ATTACHMENT + "\n" + TEXT + "--xyz--\n", kind="appledouble"),
        "encoding twice, plain first": mixed(part(head=ATTACHMENT.replace(
            "Content-Disp", "Content-Transfer-Encoding: 7bit\nContent-Disp"))),
        "encoding twice, plain last": mixed(part(head="Content-Transfer-Encoding: 7bit\n" +
                                                 ATTACHMENT)),
        "encoding in quotes": single('"base64"'),
        "encoding with a semicolon": single("base64;"),
        "encoding with a comment": single("base64 (really)"),
        "encoding behind a comment": single("(really) base64"),
        "encoding in capital letters": single("BASE64"),
        "encoding folded": single("\n base64"),
        "encoding x-base64": single("x-base64"),
        "encoding missing": single().replace("Content-Transfer-Encoding: base64\n", ""),
        "encoding unknown": single("surprise"),
        "encoding of the multipart": mixed(base64.encodebytes(part().encode()).decode(),
                                           more="Content-Transfer-Encoding: base64\n"),
        "encoding said of the multipart alone, in vain":
            mixed(part(), more="Content-Transfer-Encoding: base64\n"),
        "base64 without line ends": single(content=TEXT.replace("\n", "")),
        "base64 in lines of one": single(content="\n".join(TEXT.replace("\n", ""))),
        "base64 in lines of 61": single(content="\n".join(
            TEXT.replace("\n", "")[i:i + 61] for i in range(0, 600, 61))),
        "base64 without padding": single(content=TEXT.rstrip("=\n") + "\n"),
        "base64 with stars": single(content="*".join(TEXT)),
        "base64 with blanks": single(content=" ".join(TEXT)),
        "base64 with empty lines": single(content="\n\n".join(LINES)),
        "base64 with padding in each line": single(content="\n".join(
            base64.b64encode(PAYLOAD[i:i + 40]).decode() for i in range(0, 400, 40))),
        "base64 behind padding": single(content="SGVsbG8=\n" + TEXT),
        "base64 and a signature": single(content=TEXT + "\n-- \nsent by a mailing list\n"),
        "base64 behind words": single(content="Hello, here it is:\n\n" + TEXT),
        "base64 with words in between": single(content="\n".join(
            LINES[:3] + ["and, to go on:"] + LINES[3:])),
        "base64 with zeros": single(content="\0".join(LINES) + "\n"),
        "base64 with quote marks": single(content="".join(f"> {line}\n" for line in LINES)),
        "no empty line behind the header": single().replace("base64\n\n", "base64\n"),
        "no empty line behind a part's header": mixed(part(head=ATTACHMENT + "X").replace(
            "\nX\n", "\n")),
        "empty line of blanks": single().replace("base64\n\n", "base64\n \t\n"),
        "empty line before a part's header": mixed(part().replace("--xyz\nContent-Type: app",
                                                                  "--xyz\n\nContent-Type: app")),
        "a line in the header that is none": single(head=HEAD + "what is this\n"),
        "a line in a part's header that is none": mixed(part(head="what is this\n" + ATTACHMENT)),
        "a zero before a field": single().replace("Content-Transfer", "\0Content-Transfer"),
        "a return inside a field": single().replace("Subject: odd\n", "Subject: odd\r"),
        "a long header": single(head=HEAD + "".join(f"X-Line-{i}: {i}\n" for i in range(900))),
        "a folded header": single(head=HEAD + "X-Long: a" + "\n b" * 2000 + "\n"),
        "message/rfc822": mixed("--xyz\nContent-Type: message/rfc822\n\n" +
                                mixed(part(boundary="in"), "in") + "\n--xyz--\n"),
        "message/rfc822 in base64": mixed(
            "--xyz\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" +
            base64.encodebytes(mixed(part(boundary="in"), "in").encode()).decode() +
            "--xyz--\n"),
        "message/rfc822 five deep": forwarded(5),
        "multipart twelve deep": nested(12),
        "a mail that was returned": HEAD + "\nI could not deliver this:\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n" +
        mixed(part()),
        "three hundred parts": mixed(
            "--xyz\nContent-Type: text/plain\n\nHello\n" * 300 + part()),
        "a mailbox of two": "From a Mon Jan  1 00:00:00 2024\n" + HEAD + "\nHello\n\n"
        "From b Mon Jan  1 00:00:00 2024\n" + mixed(part()),
        "a mailbox of two, first bad": "From a Mon Jan  1 00:00:00 2024\n" + mixed(part()) +
        "\nFrom b Mon Jan  1 00:00:00 2024\n" + HEAD + "\nHello\n",
        "a mailbox with a sentence": "From a Mon Jan  1 00:00:00 2024\n" + mixed(
            "--xyz\n\nHello.\n\nFrom here on it is sad.\n" + part()),
        "emlx": f"{len(mixed(part()))}\n" + mixed(part()) +
        '<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"></plist>\n',
        "empty lines first": "\n\n" + mixed(part()),
        "a mark of the encoding first": "\xef\xbb\xbf" + mixed(part()),
        "CommuniGate envelope": "P I 01-01-2024 00:00:00 0000 ____ ____ <a@example.org>\n"
        "R W 01-01-2024 00:00:00 0000 ____ _FY_ <b@example.org>\n\n" + mixed(part()),
        "content-type first": mixed(part(), head="") + "\n",
        "an X- line first": "X-Mailer: odd\n" + mixed(part()),
        "an X- line first, and no From": mixed(part(), head="X-Mailer: odd\nSubject: x\n"),
        "fields in small letters": mixed(part()).lower().replace(TEXT.lower(), TEXT),
        "mhtml": "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=\"xyz\"\n\n" +
        part(head=ATTACHMENT + "Content-Location: http://example.org/a.exe\n"),
        "base64 in crlf, header in lf": single(content=swap),
        "binary": single("binary", PAYLOAD.decode("latin-1")),
    }
    return {name: mail.encode("latin-1") for name, mail in rows.items()}
