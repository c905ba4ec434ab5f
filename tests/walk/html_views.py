#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What clamscan and our walker make of HTML, and pages to try both on.

  html_views.py FILE.html...    writes FILE.nocomment, .notags, .javascript and .data-1, ... beside
                                each page: what clamscan leaves in its temporary folder
"""
import base64
import pathlib
import random
import subprocess
import sys
import tempfile

VIEWS = ("nocomment", "notags", "javascript")


def clamscan_views(page, kind="html"):
    """{name: bytes} of the files that clamscan leaves of a page (or, as "screnc", of an encoded
    script), the data: URLs in no order; empty when it does not take it for one."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "rules.ndb").write_text("Never.Found:0:*:" + "00ff" * 12 + "\n")
        (folder / "left").mkdir()
        (folder / "page").write_bytes(page)
        command = ["clamscan", "--no-summary", "--leave-temps", f"--tempdir={folder / 'left'}",
                   "-d", folder / "rules.ndb", folder / "page"]
        subprocess.run(command, capture_output=True, timeout=120, check=True)
        if kind == "screnc":
            files = list(folder.glob("left/*/*/screnc-tmp*/screnc.html"))
            return {"screnc": files[0].read_bytes()} if files else {}
        tops = sorted(folder.glob("left/*/*/html-tmp*"))
        if not tops:
            return {}
        names = {"nocomment": "nocomment.html", "notags": "notags.html", "javascript": "javascript"}
        found = {view: (tops[0] / name).read_bytes() for view, name in names.items()
                 if (tops[0] / name).exists()}
        data = sorted(file.read_bytes() for file in tops[0].glob("rfc2397/*"))
        return found | {f"data-{i}": content for i, content in enumerate(data, 1)}


def our_views(members, path, filetype="CL_TYPE_HTML"):
    """The same of our walker; `members` is the program."""
    with tempfile.TemporaryDirectory() as folder:
        command = [members, "-x", folder, path, filetype]
        done = subprocess.run(command, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-500:]
        parts = [(line.split()[0], (pathlib.Path(folder) / line.split()[1]).read_bytes())
                 for line in done.stdout.decode().splitlines()
                 if line.startswith(("view", "member"))]
    views = [content for kind, content in parts if kind == "view"]
    if filetype == "CL_TYPE_SCRENC":
        return {"screnc": parts[0][1]} if parts else {}
    assert len(views) in (2, 4) and (len(views) == 2 or views[2] == views[3]), len(views)
    data = sorted(content for kind, content in parts
                  if kind == "member" and content.startswith(b"From html-normalise\n"))
    return dict(zip(VIEWS, views)) | {f"data-{i}": one for i, one in enumerate(data, 1)}


# ---- pages to try --------------------------------------------------------------------------------

SCRIPTS = """var a = 1;|var b="x"+"y";|function foo(p,q){return p+q;}|foo(1,2);|eval("alert(1)");
eval("var z=3")|unescape("%41%u0042%zz")|unescape("%41"+x);|x=0x1F;|y=1.5e3;|z=1.5e|1e5|3.14.15|a.b.c
"str\\x41\\u0042\\n\\q"|'single \\' q'|// comment|/* multi * / */|/*|*/|if(a==b){|}|}}|{|function(
function x|function(a,b,c){var d=a;|}(1,2)|[|];|,|;|>>>=|===|!==|&&|\\u0061bc|\\x|$x_1|var
 var q,w=2,e|dF("%2542%3")|dF("%25410")|"unterminated|'unt|12345678901|99999999999999999999|12|/re/g
eval(function(p,a,c,k,e,d){return p}('0 1(\\'2\\');',3,3,'alert;foo;bar'.split(';'),0,{}))|@#`~?:
function de(p,a,c,k,e,r){return p}de('0 1',10,3,'x'.split('x'),0,{});de('2','10',3,'a',0,{})|true
in instanceof|a-- - --b|"a" + "b" + "c"|"a"+'b'+c+"d"|.5|5.|0.0000001|1.5E+10|eval(x)|eval("a" + "b");
document.write("<b>hi</b>");|</|<!-- hidden|//-->|transient|functional|\\|"\\""".replace("\n", "|")
TAGS = """<b>|</b>|<p class="x y">|<a href=foo>|</a>|<a href="HTTP://X.com/?a=1&amp;b=2" title='T'>
<img src=a.gif>|<IMG SRC="b c.gif" alt>|<img src = "data:image/png;base64,iVBOR%20w0=" x=1>|<br/>
<img src=data:,hello%41%4 alt=2>|<img src='data:text/html,<b>x</b>'>|<a b="data:x y,z">|-->|<>|< b>
<!-- comment -- > text|<!DOCTYPE html>|</ b >|<a|>|<a href=|"|'|=|<td nowrap width = 5 >|<style>
<td a='x"y' b="c'd">|</style>|</style >|p{background:url(data:image/gif;base64,R0lGODlh)}|<script>
<%@ language="JScript.Encode" %>|</script>|</SCRIPT >|<script language="JavaScript" src=x.js>
<script language="JScript.Encode">|<script language=vbscript.encode id=Z>|<a href="x\\"y">""".replace(
    "\n", "|")
TEXTS = ("Hello World|foo|  |\n|\r\n|\t|&amp;|&lt;b&gt;|&nbsp;|&euro;|&#65;|&#x41;|&#X20AC;|&#0;|"
         "&#300|&#65x|&#xZZ;|&#99999999999999999999;|&bogus;|&a b|&|&&|&copy|&epsi;|caf\u00e9|"
         "\u3002|\uff0e|\ufe52|\u4e2d\u6587|A\u20acB|\x01\x02|\x7f|%41|\\|\"q\"|it's|<|>")
RAW = (b"\xa1C", b"\xa1\x44x", b"\xa1", b"\xff\xfe", b"\0", b"\0\0a\0", b"\x80\x81\x82\x83", b"\xc3",
       b"W" * 3000, b" " * 500, b"word " * 900, b"\r")


def draw_encoded(draw):
    """An encoded script, mostly; sometimes its length is wrong or its trailer is missing."""
    size = draw.choice([5, 20, 60, 500, 9000])
    body = bytes(draw.choices(b"!#$&*@ABCabcxyz0189+-={}()<>\"'\t\n~\x7f", k=size))
    if draw.random() < .2:
        body = body[:size // 2] + b"\xe9\xe8" + body[size // 2:]
    told = draw.choice([size, size - 1, size // 2, size + 5, 0])
    trailer = draw.choice([b"ABCDEF==^#~@", b"xxxx==^#~@", b""])
    return b"#@~^" + base64.b64encode(told.to_bytes(4, "little")) + body + trailer


def draw_piece(draw):
    kind = draw.random()
    if kind < .34:
        return draw.choice(TAGS.split("|")).encode()
    if kind < .58:
        return draw.choice(TEXTS.split("|")).encode()
    if kind < .64:
        return draw.choice(RAW)
    if kind < .68:
        return draw_encoded(draw)
    if kind < .74:
        lines = draw.choices(SCRIPTS.split("|"), k=draw.randint(1, 30))
        return b"<script>" + " ".join(lines).encode() + draw.choice([b"</script>", b""])
    if kind < .95:
        return draw.choice(SCRIPTS.split("|")).encode()
    return bytes(draw.choices(range(256), k=draw.randint(1, 6)))


def draw_page(seed):
    draw = random.Random(seed)
    start = draw.choice([b"<html>", b"<html><script>", b"<html>\n<head>"])
    return start + b"".join(draw_piece(draw) for _ in range(draw.choice([5, 20, 60, 200, 1000])))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        made = pathlib.Path(name)
        for view, content in clamscan_views(made.read_bytes()).items():
            made.with_suffix("." + view).write_bytes(content)
