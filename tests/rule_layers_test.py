#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Container: and Intermediates: of logical rules, held against clamscan. TAP."""
import itertools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "walk"))
from beside import (TYPES, clamscan_names, needs_walkers, overt_names, wrap, write)  # noqa: E402
from members import Skip, Tap  # noqa: E402

tap = Tap()
WORD = "LAYERWORD"
CONTENT = b"\x01\x02\x80\xff" * 20 + WORD.encode() + b"\x00\x90" * 20
ANY = "CL_TYPE_ANY"


def rule(name, condition):
    return f"{name};Engine:81-255,{condition}Target:0;0;{WORD.encode().hex()}"


def name_of(types):
    return "-".join(t.removeprefix("CL_TYPE_") for t in types)


def write_rules(layers):
    """A rule for each container and for each chain of up to three types out of these."""
    types = [TYPES[layer] for layer in layers] + [ANY]
    lines = [rule("Plain", "")]
    lines += [rule(f"In.{name_of([t])}", f"Container:{t},") for t in types]
    for length in (1, 2, 3):
        lines += [rule(f"Chain.{name_of(chain)}", f"Intermediates:{'>'.join(chain)},")
                  for chain in itertools.product(types, repeat=length)]
    lines.append(rule("Long", f"Intermediates:{'>'.join([ANY] * 4)},"))
    lines.append(rule("Both", f"Container:{types[0]},Intermediates:{'>'.join(types[1::-1])},"))
    return write("rules.ldb", "\n".join(lines) + "\n")


def compare(layers, orders):
    rules = write_rules(layers)
    for order in orders:
        path = write("sample-" + "-".join(order or ["plain"]), wrap(CONTENT, order))
        ours = overt_names(path, rules, "--all-matches")
        theirs = clamscan_names(path, rules, "--allmatch")
        if "Plain.UNOFFICIAL" not in ours:
            return f"{order}: not even the plain rule: {ours}"
        if ours != theirs:
            return f"{order}: only overt {sorted(set(ours) - set(theirs))}, " \
                   f"only clamscan {sorted(set(theirs) - set(ours))}"
    return True


def orders_of(layers):
    return [order for depth in range(4) for order in itertools.product(layers, repeat=depth)]


@tap.case("gz, bz2 and xz inside one another, up to three deep")
def _():
    return compare(["gz", "bz2", "xz"], orders_of(["gz", "bz2", "xz"]))


@tap.case("zip in tar in gz, in all orders")
def _():
    needs_walkers("zip", "tar", "gz")
    return compare(["zip", "tar", "gz"], orders_of(["zip", "tar", "gz"]))


@tap.case("a rule is told for the layer that it asks for, and for no other")
def _():
    rules = write("one.ldb", rule("Deep", "Intermediates:CL_TYPE_XZ>CL_TYPE_GZ,") + "\n")
    deep = write("deep", wrap(CONTENT, ["xz", "gz"]))
    other = write("other", wrap(CONTENT, ["gz", "xz"]))
    return overt_names(deep, rules) == ["Deep.UNOFFICIAL"] and overt_names(other, rules) == []


def compare_views(target, word, samples):
    """Rules for a target that is matched on views, in all chains, on the samples."""
    lines = [f"View.{name_of(chain)};Engine:81-255,Intermediates:{'>'.join(chain)},"
             f"Target:{target};0;{word.encode().hex()}" for length in (1, 2, 3)
             for chain in itertools.product(["CL_TYPE_GZ", ANY], repeat=length)]
    lines += [f"ViewIn.{name_of([t])};Engine:81-255,Container:{t},Target:{target};0;"
              f"{word.encode().hex()}"
              for t in ("CL_TYPE_GZ", "CL_TYPE_TEXT_ASCII", "CL_TYPE_HTML", ANY)]
    rules = write("views.ldb", "\n".join(lines) + "\n")
    if not overt_names(samples[0], rules, "--all-matches"):
        raise Skip("this build has no such view yet")
    for sample in samples:
        ours = overt_names(sample, rules, "--all-matches")
        theirs = clamscan_names(sample, rules, "--allmatch")
        if ours != theirs:
            return f"{sample}: overt {ours}, clamscan {theirs}"
    return True


@tap.case("text in lower case is no layer")
def _():
    text = f"#!/bin/sh\n# A Text\n{WORD} {WORD}\n".encode() * 3
    return compare_views(7, WORD.lower(), [write("plain.txt", text),
                                           write("text.gz", wrap(text, ["gz"]))])


@tap.case("HTML without its comments is a layer in the count, and no container")
def _():
    page = f"<html><body><p CLASS=a>layer<!-- x -->{WORD}</p></body></html>".encode() * 3
    return compare_views(3, "layer" + WORD.lower(), [write("page.html", page),
                                                     write("page.gz", wrap(page, ["gz"]))])


tap.run()
