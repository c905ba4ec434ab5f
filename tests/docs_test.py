#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the documents say that a program can check: links, verbs, packages, rooms, commands. TAP."""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(os.environ["OVERT_SOURCE"])
if pathlib.Path("meson.build").exists():
    sys.exit("run this in an empty folder: it does what the README says, where it stands")
OVERT = pathlib.Path(os.environ["OVERT_BUILD"], "overt")


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def check_links():
    """Every relative link leads to a file."""
    found = []
    for document in documents():
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
            if "://" not in target and not (document.parent / target).exists():
                found.append(f"{document.relative_to(ROOT)}: {target} is not there")
    return found


def check_verbs():
    """Every `make VERB` is a verb of the Makefile, and make help tells of every verb."""
    makefile = (ROOT / "Makefile").read_text()
    verbs = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    shown = subprocess.run(["make", "-s", "-C", ROOT, "help"], capture_output=True, text=True,
                           check=True).stdout
    told = set(re.findall(r"\bmake ([a-z-]+)", shown))
    found = [f"make help does not tell of {verb}" for verb in sorted(verbs - {"help"} - told)]
    for document in documents():
        text = document.read_text()
        for verb in re.findall(r"(?:`|^ {4})make ([a-z-]+)", text, re.MULTILINE):
            if verb not in verbs:
                found.append(f"{document.relative_to(ROOT)}: make {verb} is no verb")
    return found


def check_packages():
    """Every package that we install has its reason in decisions/0002."""
    reasons = (ROOT / "docs/decisions/0002-debian-packages-only.md").read_text()
    return [f"{file.name}: {package} has no line in decisions/0002"
            for file in sorted(ROOT.glob("packages*.txt"))
            for package in re.sub(r"#.*", "", file.read_text()).split()
            if not re.search(rf"(?<![\w-]){re.escape(package)}(?![\w-])", reasons)]


def check_rooms():
    """HOUSE.md tells of every room."""
    house = (ROOT / "docs/HOUSE.md").read_text()
    layers = (ROOT / "src/LAYERS").read_text()
    rooms = re.findall(r"^([a-z]+):", layers, re.MULTILINE)
    return [f"HOUSE.md does not tell of src/{r}" for r in rooms if f"`src/{r}`" not in house]


def check_commands():
    """Every `overt WORD` of README and HOUSE is a command."""
    shown = subprocess.run([OVERT, "--help"], capture_output=True, text=True, check=True).stdout
    words = re.findall(r"^  ([a-z]+) +\S", shown.partition("Commands:")[2], re.MULTILINE)
    return [f"{d.name}: overt {word} is no command"
            for d in (ROOT / "README.md", ROOT / "docs/HOUSE.md")
            for word in re.findall(r"`overt ([a-z]+)", d.read_text()) if word not in words]


def check_recipe():
    """The commands of the README on rules in the open do what they say."""
    section = (ROOT / "README.md").read_text().partition("## Rules in the open\n")[2]
    commands = re.findall(r"^ {4}(overt .*)$", section.partition("\n## ")[0], re.MULTILINE)
    pathlib.Path("my-rules").mkdir()
    pathlib.Path("my-rules/some.ndb").write_text("Test.Recipe:0:*:" + b"harmless recipe".hex() + "\n")
    env = {**os.environ, "PATH": f"{OVERT.parent}:{os.environ['PATH']}",
           "OVERT_STATE": str(pathlib.Path("state").absolute())}
    found = [] if len(commands) > 5 else ["the recipe is not where it was"]
    for command in commands:
        done = subprocess.run(command.split(), env=env, capture_output=True, text=True, check=False,
                              timeout=120)
        if done.returncode != 0:
            found.append(f"{command}: exit status {done.returncode}: {done.stderr.strip()}")
    pathlib.Path("some").write_bytes(b"a harmless recipe")
    done = subprocess.run([OVERT, "scan", "some"], env=env, capture_output=True, text=True,
                          check=False, timeout=120)
    return found + ([] if "Test.Recipe" in done.stdout else [f"not loaded: {done.stdout}"])


def check_decisions():
    """Decisions are numbered, each number once, and have their three parts."""
    found, numbers = [], []
    for file in sorted((ROOT / "docs/decisions").glob("*.md")):
        number = file.name[:4]
        if not number.isdigit() or number in numbers:
            found.append(f"{file.name}: no number of its own")
        numbers.append(number)
        text = file.read_text()
        found += [f"{file.name}: no part {part}" for part in ("Context", "Choice", "Price")
                  if f"\n## {part}\n" not in text]
        if not text.startswith(f"# {number} "):
            found.append(f"{file.name}: its title has another number")
    return found


def main():
    checks = [check_links, check_verbs, check_packages, check_rooms, check_commands,
              check_recipe, check_decisions]
    print(f"1..{len(checks)}")
    is_bad = False
    for number, check in enumerate(checks, 1):
        found = check()
        is_bad |= bool(found)
        print(f"{'not ' if found else ''}ok {number} - {check.__doc__}")
        for line in found:
            print(f"# {line}")
    return 1 if is_bad else 0


if __name__ == "__main__":
    sys.exit(main())
