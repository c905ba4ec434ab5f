#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""Views of HTML and encoded scripts: those that clamscan makes, byte for byte. TAP."""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import clamscan_names, overt_names, write  # noqa: E402
from html_views import VIEWS, clamscan_views, draw_encoded, draw_page, our_views  # noqa: E402
from members import BUILD, EICAR, SOURCE, Skip, Tap, finds_eicar, has, sha256, walk  # noqa: E402

tap = Tap()
CORPUS = SOURCE / "tests/corpus/html"
MEMBERS = BUILD / "tests/members"


def needs_clamscan():
    if not has("clamscan"):
        raise Skip("clamscan is not installed")


def compare(ours, theirs, what):
    for view in sorted(set(ours) | set(theirs)):
        a, b = ours.get(view), theirs.get(view)
        if a is None or b is None:
            return f"{what}: {view}: ours is {a and a[:60]}, theirs {b and b[:60]}"
        at = next((i for i, pair in enumerate(zip(a, b)) if pair[0] != pair[1]), min(len(a), len(b)))
        if a != b:
            return f"{what}: {view} at {at}: {a[at - 30:at + 30]}, not {b[at - 30:at + 30]}"
    return True


def check_all(pages):
    count = 0
    for what, ours, theirs in pages:
        if not theirs:
            continue
        answer = compare(ours, theirs, what)
        if answer is not True:
            return answer
        count += 1
    return count > 0 or "no page at all"


@tap.case("pages of the corpus have the views that clamscan made of them")
def _():
    pages = []
    for page in sorted(CORPUS.glob("*.html")):
        made = {path.suffix[1:]: path.read_bytes() for path in CORPUS.glob(f"{page.stem}.*")
                if path.suffix != ".html"}
        pages.append((page.name, our_views(MEMBERS, page), made))
    return check_all(pages) if len(pages) >= 12 else f"{len(pages)} pages"


@tap.case("two hundred pages drawn at random have the views that clamscan makes of them")
def _():
    needs_clamscan()
    drawn = ((seed, draw_page(seed)) for seed in range(200))
    return check_all((f"page {seed}", our_views(MEMBERS, write("page", page)), clamscan_views(page))
                     for seed, page in drawn)


@tap.case("HTML in UTF-16 has them, too")
def _():
    needs_clamscan()
    page = (CORPUS / "script.html").read_bytes().decode("latin-1")
    wide = [(name, ("\ufeff" * has_mark + page).encode(name)) for name in ("utf-16le", "utf-16be")
            for has_mark in (0, 1)]
    return check_all((name, our_views(MEMBERS, write("wide", data), "CL_TYPE_HTML_UTF16"),
                      clamscan_views(data)) for name, data in wide)


@tap.case("encoded scripts are decoded as clamscan does")
def _():
    needs_clamscan()
    draw, pages = random.Random(8), []
    for i in range(100):
        data = draw_encoded(draw) + b"trailing data " * draw.choice([0, 0, 3, 900])
        data = data[:draw.randint(12, len(data))] if i % 5 == 0 else data
        pages.append((f"script {i}", our_views(MEMBERS, write("x.jse", data), "CL_TYPE_SCRENC"),
                      clamscan_views(data, "screnc")))
    return check_all(pages)


@tap.case("large pages: no view without tags from 8 MB on, none at all from 40 MB on")
def _():
    told = []
    for size in (8 << 20, (8 << 20) + 1, 40 << 20, (40 << 20) + 1):
        path = write("large", (b"<html>" + b"ab <b> " * (size // 7))[:size].ljust(size))
        told.append(len(walk(path, "CL_TYPE_HTML")[0]))
        pathlib.Path(path).unlink()
    return told == [2, 1, 1, 0] or str(told)


@tap.case("images in style sheets and data: URLs are members")
def _():
    parts = [(kind, digest) for kind, _, _, digest in walk(CORPUS / "style.html", "CL_TYPE_HTML")[0]]
    gif = bytes.fromhex("47494638396101000100800000ffffff0000002c00000000010001000002024401003b")
    png = bytes.fromhex("89504e470d0a1a0a")
    if parts[:2] != [("member", sha256(gif)), ("member", sha256(png))]:
        return str(parts)
    kinds = [kind for kind, *_ in walk(CORPUS / "data.html", "CL_TYPE_HTML")[0]]
    return kinds == ["view", "view"] + ["member"] * 6 or str(kinds)


def draw_nest(depth):
    """Functions inside each other; the outermost declares what all of them use."""
    inner = "".join(f"function f{i % 7}(a{i % 11}) {{ x = a{i % 5} + y;" for i in range(depth))
    return f"<html><script>var x = 1; {inner}</script></html>".encode()


@tap.case("functions a thousand deep have the view that clamscan makes of them")
def _():
    needs_clamscan()
    page = draw_nest(1000)
    return check_all([("nest", our_views(MEMBERS, write("nest", page)), clamscan_views(page))])


@tap.case("functions 120,000 deep are read to the end, and not for minutes")
def _():
    parts, _, status = walk(write("nest", draw_nest(120000)), "CL_TYPE_HTML")
    shallow = walk(write("nest", draw_nest(1)), "CL_TYPE_HTML")
    told = [kind for kind, *_ in parts], status
    return told == ([kind for kind, *_ in shallow[0]], shallow[2]) or str(told)


RULES = {"In.View": (3, '<a href="http://a.example/b%41?x=1&y=2">'), "In.Text": (3, "en by all "),
         "In.Script": (7, "foobar"), "In.Names": (0, "function n001(n002)")}
PAGE = (b"<HTML><A\nHREF='HTTP://a.example/b%41?x=1&amp;y=2'>S<!-- not -->een <B>by</B> all </A>"
        b"<script>var a = 'foo' + 'bar'; function x(y) { return y }</script> ")


@tap.case("rules for HTML, text and any target are held against the views")
def _():
    page = write("page.html", PAGE)
    for name, (target, text) in RULES.items():
        rules = write("one.ndb", f"{name}:{target}:*:{text.encode().hex()}\n")
        told = overt_names(page, rules)
        if told != [f"{name}.UNOFFICIAL"]:
            return f"{name}: {told}"


@tap.case("clamscan tells the same name of them first")
def _():
    page = write("page.html", PAGE)
    for names in (RULES, ("In.Names", "In.Script"), ("In.Text", "In.Names"), ("In.Script",)):
        lines = [f"{name}:{RULES[name][0]}:*:{RULES[name][1].encode().hex()}" for name in names]
        rules = write("some.ndb", "\n".join(lines) + "\n")
        told = overt_names(page, rules), clamscan_names(page, rules)
        if told[0] != told[1]:
            return f"{names}: {told}"


@tap.case("EICAR is found in an image of a style sheet")
def _():
    import base64
    data = base64.b64encode(EICAR)
    page = b"<html><style>p { background: url('data:image/png;base64," + data + b"') }</style> "
    return finds_eicar(write("style.html", page), "!#1")


assert VIEWS == ("nocomment", "notags", "javascript")
tap.run()
