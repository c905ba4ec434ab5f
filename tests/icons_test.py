#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""Icons of programs (.idb, IconGroup1 and IconGroup2 of logical rules), held against clamscan. TAP.

clamscan prints the measures of each icon that it looks at when it is asked to tell what it does; ours
are printed by exe-dump, which the build makes. Pictures are drawn at random.
"""
import json
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "walk"), str(HERE / "format")]
import forge_icon  # noqa: E402
from beside import clamscan_names, names_of, overt_names, write  # noqa: E402
from members import BUILD, OVERT, SCAN, Tap, needs  # noqa: E402

tap = Tap()
FIRST_BYTES = "0:4d5a"
NOTHING = "None:A:B:10" + "fe80000" * 6 + "fe0000" * 12 + "00000000"


def rule(name, groups):
    return f"{name};Engine:51-255,Target:1,{groups};0;{FIRST_BYTES}\n"


def our_measures(path):
    done = subprocess.run([BUILD / "tests/exe-dump", "pe", path], capture_output=True, timeout=60,
                          check=True)
    return json.loads(done.stdout)["icons"]


def their_measures(path):
    """What clamscan says of each icon; the one in the database is like none."""
    needs("clamscan")
    icons, rules = write("none.idb", NOTHING + "\n"), write("any.ldb", rule("Any", "IconGroup1:*"))
    done = subprocess.run(["clamscan", "--debug", "--no-summary", "-d", icons, "-d", rules, path],
                          capture_output=True, timeout=60, check=True)
    return [line.rsplit(b":", 1)[1].strip().decode() for line in done.stderr.splitlines()
            if b"IDB SIGNATURE" in line]


def same_measures(name, data):
    path = write(name, data)
    ours, theirs = our_measures(path), their_measures(path)
    for number, (our, their) in enumerate(zip(ours, theirs)):
        # It may write a level that nothing has with more digits than the field has.
        if our != their and len(their) == len(our):
            return f"{name}: icon {number}: {our} here, {their} there"
    return len(ours) == len(theirs) or f"{name}: {len(ours)} icons here, {len(theirs)} there"


def both_names(path, icons, rules):
    """The names that overt and clamscan tell; the rules and icons lie in one folder."""
    write("rules/icons.idb", icons)
    write("rules/rules.ldb", rules)
    return overt_names(path, "rules", "--all-matches"), clamscan_names(path, "rules", "--allmatch")


def same_names(path, icons, rules, wanted=None):
    ours, theirs = both_names(path, icons, rules)
    if ours != theirs:
        return f"{path}: {ours} here, {theirs} there"
    names = [name.removesuffix(".UNOFFICIAL") for name in ours]
    return wanted is None or names == wanted or f"{path}: {names}, not {wanted}"


@tap.case("icons of all sizes and depths have clamscan's measures")
def _():
    rng = random.Random(31)
    for number in range(5):
        answer = same_measures(f"icons-{number}.exe", forge_icon.program(
            [forge_icon.random_icon(rng) for _ in range(60)]))
        if answer is not True:
            return answer
    return True


@tap.case("flat icons, and those with a single point, have clamscan's measures")
def _():
    rng = random.Random(32)
    icons = []
    for side in (16, 24, 32):
        for color in ((0, 0, 0), (255, 255, 255), (255, 0, 0), (7, 9, 200), (128, 128, 128)):
            flat = [[(*color, 255)] * side for _ in range(side)]
            icons.append(forge_icon.bitmap(flat, 32, rng))
            flat[side // 2] = list(flat[side // 2])
            flat[side // 2][side // 3] = (9, 200, 31, 255)
            icons.append(forge_icon.bitmap(flat, 24, rng))
    return same_measures("flat.exe", forge_icon.program(icons))


@tap.case("changed icons are like the same ones for clamscan")
def _():
    needs("clamscan")
    rng = random.Random(33)
    pictures = [forge_icon.draw(rng, side, side) for side in (16, 24, 32) * 8]
    path = write("pictures.exe", forge_icon.program(
        [forge_icon.bitmap(picture, 32, rng) for picture in pictures]))
    measures = our_measures(path)
    icons = "".join(f"I{n}:G{n}:H{n % 3}:{text}\n" for n, text in enumerate(measures)
                    if len(text) == 124 and "ffff" not in text)
    rules = "".join(rule(f"R{n}", f"IconGroup1:G{n}") for n in range(len(measures)))
    rules += "".join(rule(f"S{n}", f"IconGroup2:H{n}") for n in range(3))
    write("rules/icons.idb", icons)
    write("rules/rules.ldb", rules)
    for number in range(120):
        picture = rng.choice(pictures)
        icon = forge_icon.bitmap(forge_icon.change(rng, picture, rng.randrange(8)),
                                 rng.choice((8, 24, 32)), rng)
        write(f"changed/{number}.exe", forge_icon.program([icon]))
    ours = names_by_file([*SCAN, "--no-summary", "--all-matches", "--rules", "rules"])
    theirs = names_by_file(["clamscan", "--no-summary", "--allmatch", "-d", "rules"])
    hits = sum(map(len, ours.values()))
    if ours != theirs:
        file = next(name for name in sorted(ours | theirs) if ours.get(name) != theirs.get(name))
        return f"{file}: {ours.get(file)} here, {theirs.get(file)} there"
    return 60 < hits < 120 * 12 or f"{hits} are alike: the sample shows little"


def names_by_file(command):
    done = subprocess.run([*command, *sorted(map(str, pathlib.Path("changed").iterdir()))],
                          capture_output=True, timeout=200, check=False)
    lines = [line for line in done.stdout.splitlines() if line.endswith(b" FOUND")]
    files = {line.rsplit(b": ", 1)[0].rsplit(b"/", 1)[1].decode() for line in lines}
    return {file: names_of(b"\n".join(line for line in lines if f"/{file}: ".encode() in line),
                           " FOUND") for file in files}


def one_icon(seed=34, side=32):
    rng = random.Random(seed)
    return forge_icon.bitmap(forge_icon.draw(rng, side, side, is_gray=False), 32, rng)


def measure(icon):
    return our_measures(write("one.exe", forge_icon.program([icon])))[0]


@tap.case("a rule may name a group of either list, both, any, or none that there is")
def _():
    icon = one_icon()
    lines = f"I:Docs:Word:{measure(icon)}\n" + f"J:Other:Word:{measure(one_icon(35))}\n"
    rules = "".join(rule(name, groups) for name, groups in (
        ("First", "IconGroup1:Docs"), ("Second", "IconGroup2:Word"),
        ("Both", "IconGroup1:Docs,IconGroup2:Word"), ("Wrong", "IconGroup1:Other,IconGroup2:Word"),
        ("Swapped", "IconGroup1:Word"), ("Unknown", "IconGroup2:Nothing"), ("Any", "IconGroup1:*"),
        ("AnyBoth", "IconGroup1:*,IconGroup2:*"), ("Case", "IconGroup1:DOCS"),
        ("Empty", "IconGroup1:")))
    path = write("groups.exe", forge_icon.program([icon]))
    return same_names(path, lines, rules, ["Any", "AnyBoth", "Both", "First", "Second"])


def simple(icon, data, wanted):
    lines = f"I:Docs:Word:{measure(icon)}\n"
    return same_names(write("sample.exe", data), lines, rule("Icon", "IconGroup1:Docs"), wanted)


@tap.case("the icon alone is not enough, and without icons nothing is found")
def _():
    icon = one_icon()
    path = write("alone.exe", forge_icon.program([icon]))
    other = "Other;Engine:51-255,Target:1,IconGroup1:Docs;0;4142434445464748494a\n"
    for answer in (same_names(path, f"I:Docs:Word:{measure(icon)}\n", other, []),
                   same_names(path, "# none\n", rule("Icon", "IconGroup1:*"), []),
                   simple(icon, forge_icon.program([]), [])):
        if answer is not True:
            return answer
    return True


@tap.case("a library's icons are not looked at, and a program's are")
def _():
    icon = one_icon()
    library = forge_icon.program([icon], flags=0x102 | forge_icon.FLAG_LIBRARY)
    answer = simple(icon, library, [])
    return simple(icon, forge_icon.program([icon]), ["Icon"]) if answer is True else answer


@tap.case("the first group counts, in all its languages")
def _():
    icon, other = one_icon(), one_icon(36)
    icons = {1: [other], 2: [icon]}
    group = forge_icon.group
    for groups, wanted in (({1: [group([1])], 2: [group([2])]}, []),
                           ({1: [group([1]), group([2])]}, ["Icon"]),
                           ({1: [group([7])], 2: [group([2])]}, []),
                           ({1: [group([1, 2])]}, ["Icon"])):
        answer = simple(icon, forge_icon.program_of({3: icons, 14: groups}), wanted)
        if answer is not True:
            return f"{groups}: {answer}"
    both = forge_icon.program_of({3: {1: [other, icon]}, 14: {1: [group([1])]}})
    return simple(icon, both, ["Icon"])


@tap.case("a hundred icons are looked at, and no more")
def _():
    icon, other = one_icon(), one_icon(36)
    for count, wanted in ((99, ["Icon"]), (100, [])):
        data = forge_icon.program_of({3: {1: [other], 2: [icon]},
                                      14: {1: [forge_icon.group([1] * count + [2])]}})
        answer = simple(icon, data, wanted)
        if answer is not True:
            return f"{count} before it: {answer}"
    return True


def check(lines, *options):
    write("check.idb", lines)
    done = subprocess.run([OVERT, "rules", "check", *options, "check.idb"], capture_output=True,
                          timeout=60, check=False)
    return done.stdout.decode()


@tap.case("a line that cannot be read is named, and the others count")
def _():
    good = measure(one_icon())
    bad = {"three fields": f"I:A:{good}", "five fields": f"I:A:B:C:{good}",
           "short": f"I:A:B:{good[:-2]}", "long": f"I:A:B:{good}00", "letters": f"I:A:B:{good[:-1]}g",
           "a side of 17": f"I:A:B:11{good[2:]}", "a level": f"I:A:B:20fe9{good[5:]}",
           "a place": f"I:A:B:20fe81d{good[7:]}", "shares": f"I:A:B:{good[:-8]}22222400",
           "percent": f"I:A:B:{good[:-2]}65"}
    text = check("\n".join(["# a comment", *bad.values(), f"Good:A:B:{good}"]) + "\n")
    numbers = [line.split(":")[1].split(",")[0] for line in text.splitlines()[:len(bad)]]
    if "icons: 1\n" not in text or f"problems: {len(bad)}\n" not in text:
        return text
    needs("clamscan")
    for name, line in bad.items():
        write("bad.idb", line + "\n")
        done = subprocess.run(["clamscan", "--no-summary", "-d", "bad.idb", "/dev/null"],
                              capture_output=True, timeout=60, check=False)
        if done.returncode != 2:
            return f"{name}: clamscan takes it"
    return len(set(numbers)) == len(bad) or text


@tap.case("an ignore list drops an icon by its name")
def _():
    icon = one_icon()
    path = write("ignored.exe", forge_icon.program([icon]))
    write("ignore.ign2", "I\n")
    lines = write("ignored.idb", f"I:Docs:Word:{measure(icon)}\n")
    rules = write("ignored.ldb", rule("Icon", "IconGroup1:Docs"))
    command = [*SCAN, "--no-summary", "--rules", lines, "--rules", rules]
    with_it = subprocess.run([*command, path], capture_output=True, timeout=60, check=False)
    without = subprocess.run([*command, "--rules", "ignore.ign2", path], capture_output=True,
                             timeout=60, check=False)
    return (with_it.returncode, without.returncode) == (1, 0) or (with_it, without)


@tap.case("overt rules show names the groups, and all files of icons count")
def _():
    icon = one_icon()
    path = write("two.exe", forge_icon.program([icon]))
    write("two/a.idb", f"I:Docs:Word:{measure(icon)}\n")
    write("two/b.idb", f"J:More:Word:{measure(one_icon(36))}\n")
    write("two/r.ldb", rule("Icon", "IconGroup1:Docs,IconGroup2:Word"))
    shown = subprocess.run([OVERT, "rules", "show", "Icon", "two"], capture_output=True,
                           timeout=60, check=False).stdout
    if b"icon of group 1: Docs\nicon of group 2: Word\n" not in shown:
        return shown
    return overt_names(path, "two") == ["Icon.UNOFFICIAL"]


tap.run()
