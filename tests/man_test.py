#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command has a manual page that groff accepts without a warning, and that tells of exactly
the options that its --help tells of. TAP."""
import os
import pathlib
import re
import subprocess
import sys

from layers import report

OVERT = pathlib.Path(os.environ["OVERT_BUILD"], "overt")
MAN = pathlib.Path(os.environ["OVERT_SOURCE"], "man")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


def commands():
    """The words under "Commands:" in overt --help."""
    text = run(OVERT, "--help")[0]
    part = text.partition("Commands:\n")[2].partition("\n\n")[0]
    return [line.split()[0] for line in part.splitlines() if line.strip()]



def check_page(page, help_text):
    if not page.exists():
        return [f"{page.name} is missing"]
    found = run("groff", "-man", "-ww", "-z", "-Tutf8", str(page))[1].splitlines()
    text = page.read_text().replace("\\-", "-")
    in_help, in_page = set(OPTION.findall(help_text)), set(OPTION.findall(text))
    found += [f"{page.name}: {o} is in --help and not in the page" for o in
              sorted(in_help - in_page)]
    found += [f"{page.name}: {o} is in the page and not in --help" for o in
              sorted(in_page - in_help)]
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES"):
        if not re.search(rf'^\.SH "?{section}"?$', text, re.MULTILINE):
            found.append(f"{page.name}: no section {section}")
    return found


def main():
    words = commands()
    results = [("overt has commands", [] if words else ["none under Commands:"])]
    results.append(("overt.1", check_page(MAN / "overt.1", run(OVERT, "--help")[0])))
    for word in words:
        help_text = run(OVERT, word, "--help")[0]
        found = check_page(MAN / f"overt-{word}.1", help_text)
        if "Example" not in help_text:
            found.append(f"overt {word} --help shows no example")
        if help_text != run(OVERT, "help", word)[0]:
            found.append(f"overt help {word} says something else than overt {word} --help")
        if not re.search(rf"\bovert\\-{word}\b", (MAN / "overt.1").read_text()):
            found.append(f"overt.1 does not name overt-{word}")
        results.append((f"overt-{word}.1", found))
    extra = {p.name for p in MAN.glob("*.1")} - {"overt.1"} - {f"overt-{w}.1" for w in words}
    results.append(("no page without a command", sorted(extra)))
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
