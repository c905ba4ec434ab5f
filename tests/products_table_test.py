#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of products: the build takes it as it is, and refuses mistakes with a reason. TAP."""
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ["OVERT_SOURCE"])
sys.path.insert(0, str(SOURCE / "tests"))
import tap  # noqa: E402

HEAD = '[sources]\nseen = "a page"\n'
# What is wrong, the product's lines, a word of the answer.
MISTAKES = [
    ("no indicators", 'indicators = []', "no indicators"),
    ("a source that is not there", 'indicators = [{path = "/opt/a", source = "b"}]', "source"),
    ("two kinds in one",
     'indicators = [{path = "/opt/a", unit = "a", source = "seen"}]', "one kind"),
    ("a path that is not absolute", 'indicators = [{path = "opt/a", source = "seen"}]', "absolute"),
    ("a path with ..", 'indicators = [{path = "/opt/../etc", source = "seen"}]', "absolute"),
    ("a path that leads everywhere",
     'indicators = [{path = "/*", source = "seen"}]', "every machine"),
    ("all users", 'indicators = [{user = "*", source = "seen"}]', "every machine"),
    ("all packages", 'indicators = [{package = "?*", source = "seen"}]', "every machine"),
    ("all certificates", 'indicators = [{certificate = "*", source = "seen"}]', "every machine"),
    ("a port without a protocol", 'indicators = [{port = "4118", source = "seen"}]', "port"),
    ("`under` of a path", 'indicators = [{path = "/a", under = "/b", source = "seen"}]', "under"),
    ("the same twice",
     'indicators = [{user = "a", source = "seen"}, {user = "a", source = "seen"}]', "twice"),
    ("a control character", 'indicators = [{user = "a\\u0007", source = "seen"}]', "printable"),
    ("an unknown key", 'colour = "red"\nindicators = [{user = "a", source = "seen"}]', "unknown"),
    ("a residue that is the system",
     'residue = ["/usr/lib"]\nindicators = [{user = "a", source = "seen"}]', "system"),
    ("a residue by a wide pattern",
     'residue = ["/opt/*"]\nindicators = [{user = "a", source = "seen"}]', "system"),
    ("a residue that is another product's", 'residue = ["/opt/other"]\n'
     'indicators = [{user = "a", source = "seen"}]', "others"),
    ("an uninstaller without a path",
     'uninstaller = ["rm", "-rf"]\nindicators = [{user = "a", source = "seen"}]', "absolute"),
]
OTHER = ('[[product]]\nid = "other"\nname = "O"\nvendor = "V"\nfunctions = []\n'
         'indicators = [{path = "/opt/other/bin", source = "seen"}]\n')


def build(text):
    pathlib.Path("products.toml").write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, SOURCE / "tools/products.py", "products.toml", "out.c"],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def product(lines, ident="one"):
    return f'[[product]]\nid = "{ident}"\nname = "N"\nvendor = "V"\nfunctions = []\n{lines}\n'


def main():
    code, told = build((SOURCE / "inventory/products.toml").read_text(encoding="utf-8"))
    tap.check("the table is taken as it is", code == 0, told)
    good = 'indicators = [{path = "/opt/a/install_*", source = "seen"}]'
    code, told = build(HEAD + OTHER + product(good))
    tap.check("a small table is taken", code == 0, told)
    for name, lines, word in MISTAKES:
        code, told = build(HEAD + OTHER + product(lines))
        tap.check(f"{name} is refused, with the reason", code == 1 and word in told
                  and "product one" in told, told)
    code, told = build(HEAD + OTHER + product(good) + product(good))
    tap.check("two of one id are refused", code == 1 and "two" in told, told)
    code, told = build(HEAD + 'unused = "x"\n' + OTHER)
    tap.check("a source that nothing names is refused", code == 1 and "unused" in told, told)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
