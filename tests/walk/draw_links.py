# SPDX-License-Identifier: Apache-2.0
"""Mails with links of which the text may show another address than they lead to, drawn by chance."""
import base64
import quopri

PDB = """H:goldbank.com
H:silver.co.uk
H:bronze.de
R:.+\\.copper\\.(com|net|de)([/?].*)?
R:iron[12x]\\.org
H:old.goldbank.com:9-
H:never.com:999-
"""
WDB = """M:mail.goldbank.org:goldbank.com
M:goldbank-news.com:www.goldbank.com
X:.+\\.copper\\.(com|net|de)([/?].*)?:.+\\.copper\\.(com|de)([/?].*)?
X:.+\\.tracker\\.net([/?].*)?:(.+\\.)?silver\\.co\\.uk([/?].*)?
X:https?://safe\\.org:.+m
Y:.+\\.friend\\.info:.+bronze\\.de
M:never.org:goldbank.com:1-5
"""

PROTECTED = ["goldbank.com", "www.goldbank.com", "silver.co.uk", "a.b.silver.co.uk", "bronze.de",
             "www.copper.net", "copper.com", "iron2.org", "iron.org", "old.goldbank.com",
             "xgoldbank.com", "goldbank.com.evil.ru", "never.com"]
LEADS = ["evil.ru", "www.evil.com", "goldbank.com.evil.ru", "mail.goldbank.org", "goldbank-news.com",
         "login.goldbank.com", "goldbank.com", "silver.co.uk", "x.tracker.net", "safe.org",
         "www.friend.info", "bronze.co.de", "192.0.2.7", "copper.com", "www.copper.de",
         "goldbank.com@evil.ru", "evil", "evil.invalid", "co.uk", "x.co.uk", "..evil.ru", ".evil.ru",
         "never.org", "EVIL.ru", "ev%69l.ru", "evil.ru%00.goldbank.com", "evil.ru%41x"]
SCHEMES = ["http://", "https://", "ftp://", "http:", "HTTP://", "", "http:/", "mailto:", "http:\\\\",
           "xyz://", "https:"]
PATHS = ["", "/", "/login", "?a=b", "/a?b=http://goldbank.com/", ":8080/", "/;x", "#top", " ", "&amp;x",
         "/ ", "\\x", "&lt;", ">"]


def spell(draw, text):
    """The same text as authors of mails hide it."""
    how = draw.randrange(14)
    if how == 0 and len(text) > 3:
        at = draw.randrange(len(text))
        return text[:at] + f"%{ord(text[at]):02x}" + text[at + 1:]
    if how == 1:
        at = draw.randrange(len(text) + 1)
        return text[:at] + draw.choice([" ", "\n", "\t", "  ", "&nbsp;", "\u00a0"]) + text[at:]
    if how == 2:
        at = draw.randrange(len(text) + 1)
        return text[:at] + "".join(f"&#{ord(c)};" for c in text[at:at + 2]) + text[at + 2:]
    if how == 3:
        return text.upper()
    if how == 4:
        return text.replace(".", draw.choice(["\u3002", "\uff0e", "&#46;", "&#12290;", ". "]), 1)
    if how == 5:
        return text.replace("o", "&#x6f;", 1)
    return text


def draw_address(draw, hosts):
    scheme = draw.choices(SCHEMES, weights=[8, 4, 1, 1, 1, 4, 1, 1, 1, 1, 1])[0]
    path = draw.choice(PATHS) if draw.random() < 0.5 else ""
    if not scheme:
        path = path.partition("?")[0]  # one address inside another: clamscan's odd finds
    return spell(draw, scheme + draw.choice(hosts) + path)


def draw_shown(draw):
    text = draw_address(draw, PROTECTED if draw.random() < 0.8 else LEADS)
    how = draw.randrange(12)
    if how == 0:
        return draw.choice(["our ", "Go to ", "<b>", "(", "see: "]) + text
    if how == 1:
        return text + draw.choice([" ", ".", ")", "</b>", " now", "/", ", please", "!"])
    if how == 2:
        at = draw.randrange(len(text) + 1)
        return text[:at] + draw.choice(["<b>", "<br>", "</font>", "<!-- x -->", "<img src=x>"]) + text[at:]
    if how == 3:
        return " ".join(text)
    return text


def quote(draw, value):
    how = draw.randrange(5)
    if how == 0:
        return value.replace(" ", "") or "x"
    return f"'{value}'" if how == 1 else f'"{value}"'


def draw_link(draw):
    leads = draw_address(draw, LEADS if draw.random() < 0.9 else PROTECTED)
    shown = draw_shown(draw)
    how = draw.randrange(12)
    href = quote(draw, leads)
    if how == 0:
        return f"<a href={href}><img src={quote(draw, draw_address(draw, PROTECTED))}></a>"
    if how == 1:
        return f"<form action={href}><a href={quote(draw, shown)}>go</a></form>"
    if how == 2:
        return f"<a title={quote(draw, shown)} href={href}>click</a>"
    if how == 3:
        inner = draw.choice(["area href", "iframe src", "img dynsrc"])
        return f"<a href={href}><{inner}={quote(draw, draw_address(draw, PROTECTED))}>x</a>"
    if how == 4:
        return f"<a href={href}>{shown}"
    if how == 5:
        return f"<a href={href}>{shown}<a href='http://evil.ru/'>goldbank.com</a>"
    if how == 6:
        return f"<A HREF = {href} class=x >{shown}</A>"
    if how == 7:
        return f"<form action={href}><img src={quote(draw, draw_address(draw, PROTECTED))}></form>"
    return f"<a href={href}>{shown}</a>"


def draw_html(draw):
    links = [draw_link(draw) for _ in range(draw.choice([1, 1, 1, 2, 3]))]
    filler = draw.choice(["", "some words\n", "<p>", "<script>if (a<b) x</script>", "w " * 5000])
    return f"<html><body>{filler}{'<br>'.join(links)}</body></html>\n"


def encode(body, how):
    data = body.encode()
    if how == "quoted-printable":
        return quopri.encodestring(data)
    return base64.encodebytes(data) if how == "base64" else data


def make_mail(body, encoding="7bit", kind="text/html", parts=None, disposition=None):
    """A mail of one part, or with `parts` a multipart of that kind with text before."""
    head = "From: a@example.org\nTo: b@example.org\nSubject: x\nMIME-Version: 1.0\n"
    disposition = disposition if kind else None
    inner = f"Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n" if kind else ""
    encoding = encoding if kind else "7bit"
    inner += f"Content-Disposition: {disposition}\n" if disposition else ""
    if parts is None:
        return (head + inner + "\n").encode() + encode(body, encoding)
    text = f"Content-Type: multipart/{parts}; boundary=\"==x\"\n\n"
    text += "--==x\nContent-Type: text/plain\n\nsome text\n--==x\n"
    return (head + text + inner + "\n").encode() + encode(body, encoding) + b"\n--==x--\n"


def draw_mail(draw):
    encoding = draw.choice(["7bit", "8bit", "quoted-printable", "base64"])
    parts = draw.choice([None, None, None, "mixed", "alternative", "related"])
    # clamscan loses the text of what is 7bit and has a disposition, and takes the last plain text
    # of what is related for its main part.
    disposition = draw.choice([None] * 8 + ["inline", "attachment; filename=x.html"])
    kinds = ["text/html"] * 6 + (["text/plain", None, "text/x-html"] if parts != "related" else [])
    return make_mail(draw_html(draw), encoding, draw.choice(kinds), parts,
                     disposition if encoding != "7bit" else None)
