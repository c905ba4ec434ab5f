#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# looks for leaks
# timeout: 600
"""`overt rules` from outside: its words, and what it reads beside what clamscan reads. TAP."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("OVERT_SOURCE", pathlib.Path(__file__).parent.parent))
sys.path.insert(0, str(SOURCE / "tests" / "rules"))
import lines as rule_lines  # noqa: E402

OVERT = pathlib.Path(os.environ["OVERT_BUILD"], "overt")
SHARED = pathlib.Path(os.environ.get("OVERT_SHARED", SOURCE.parent / "shared"))
PER_KIND = int(os.environ.get("OVERT_RULE_LINES", "120"))
ORACLE_VERSION = "1.4.6"

GOOD = "One:0:*:414243\nTwo:1:EP+0:4142??43\n"
BAD = GOOD + "Three:0:*:41424g\nFour:0:*:414243:217\n"


class Skip(Exception):
    pass


def run(*arguments):
    done = subprocess.run([OVERT, "rules", *arguments], capture_output=True, check=False,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode()


def write(name, text):
    path = pathlib.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("latin-1"))
    return str(path)


# ---- the words ------------------------------------------------------------------------------

def check_names_file_line_and_reason():
    code, out, err = run("check", write("bad.ndb", BAD))
    return code == 1 and err == "" and out.splitlines()[:2] == [
        "bad.ndb:3: hex digit expected at column 16 (Three)",
        "bad.ndb:4: skipped: for functionality levels 217 to 2147483647, and this is 216 (Four)"]


def check_without_problems_gives_0():
    code, out, err = run("check", write("good.ndb", GOOD))
    return code == 0 and out.startswith("rules: 2 (body 2,") and err == ""


def strict_makes_a_skip_a_problem():
    path = write("skip.ndb", GOOD + "Four:0:*:414243:217\n")
    return run("check", path)[0] == 0 and run("check", "--strict", path)[0] == 1


def check_json_is_one_object_a_line():
    code, out, err = run("check", "--json", write("bad.ndb", BAD))
    objects = [json.loads(line) for line in out.splitlines()]
    return code == 1 and [o.get("line") for o in objects] == [3, 4, None] and \
        objects[0]["rule"] == "Three" and objects[2]["summary"]["problems"] == 1


def unreadable_path_is_an_error():
    code, out, err = run("check", "missing.ndb")
    return code == 2 and err.startswith("overt: missing.ndb: No such file")


def unknown_ending_is_an_error():
    code, out, err = run("check", write("rules.txt", GOOD))
    return code == 2 and "no rule language" in err


def folder_is_read_whole():
    write("folder/a.ndb", GOOD)
    write("folder/b.ldb", "L;Engine:81-255,Target:0;0;4142\n")
    write("folder/z.ign2", "One\n")
    write("folder/notes.txt", "x")
    code, out, err = run("list", "folder")
    return code == 0 and [row.split("\t")[0] for row in out.splitlines()] == ["Two", "L"]


def list_has_name_kind_target_and_place():
    code, out, err = run("list", write("good.ndb", GOOD))
    return code == 0 and out.splitlines()[1] == "Two\tbody\tPE\tgood.ndb:2"


def show_explains():
    code, out, err = run("show", "Two.UNOFFICIAL", write("good.ndb", GOOD))
    return code == 0 and "place: good.ndb:2\n" in out and \
        "source: Two:1:EP+0:4142??43\n" in out and "0: 41 42 ?? 43, at entry point\n" in out


def show_of_an_unknown_name_is_an_error():
    code, out, err = run("show", "None", write("good.ndb", GOOD))
    return code == 2 and out == "" and "no rule has this name" in err


def names_cannot_drive_a_terminal():
    code, out, err = run("check", write("esc.ndb", "\x1b[2J:0:*:4g4243\n"))
    return code == 1 and "\x1b" not in out and "\\x1b[2J" in out


def json_cannot_drive_a_terminal():
    """Neither C0 nor C1: U+009B alone does what ESC [ does."""
    path = write("c1.ndb", "a\xc2\x9bK\x9b:0:*:414243\n")
    done = subprocess.run([OVERT, "rules", "list", "--json", path],
                          capture_output=True, check=True)
    return b'"rule":"a\\u009bK\\udc9b"' in done.stdout and json.loads(done.stdout)["rule"] == "a\x9bK\udc9b"


def of_two_containers_in_a_folder_the_newer_is_read():
    """These are headers alone, so that whoever reads one complains; named one by one, both are."""
    write("twins/main.cvd", "ClamAV-VDB:1 Jan:10:0:")
    write("twins/main.cld", "ClamAV-VDB:1 Jan:7:0:")
    folder = run("check", "twins")[1]
    both = run("check", "twins/main.cld", "twins/main.cvd")[1]
    return "twins/main.cvd" in folder and "main.cld" not in folder and \
        "twins/main.cvd" in both and "twins/main.cld" in both


def what_cannot_be_opened_in_a_folder_is_told():
    write("odd/good.ndb", GOOD)
    pathlib.Path("odd/gone.ndb").symlink_to("nowhere")
    os.mkfifo("odd/pipe.ndb")
    pathlib.Path("odd/folder.ndb").mkdir()
    code, out, err = run("check", "odd")
    return code == 1 and err == "" and out.splitlines()[:2] == [
        "odd/gone.ndb: cannot be read: No such file or directory",
        "odd/pipe.ndb: cannot be read: no regular file"] and \
        out.splitlines()[2].startswith("rules: 2 ")


def many_files_are_read():
    """More than may be open at once: each is sent and closed."""
    for i in range(1500):
        write(f"many/{i:04}.ndb", f"Many-{i}:0:*:6162{i:08x}\n")
    code, out, err = run("check", "many")
    return code == 0 and out.startswith("rules: 1500 ")


def a_long_line_is_shown_whole():
    """Longer than one message of the builder."""
    source = "Long:0:*:" + "ab" * 50000
    code, out, err = run("show", "Long", write("long.ndb", source + "\n"))
    return code == 0 and f"source: {source}\n" in out


def without_the_worker_it_is_an_error():
    """Rules are read by no other program."""
    pathlib.Path("alone").mkdir()
    shutil.copy2(OVERT, "alone/overt")
    done = subprocess.run(["alone/overt", "rules", "check", write("good.ndb", GOOD)],
                          capture_output=True, check=False)
    if done.returncode == 0:
        raise Skip("an installed overt-worker was found")
    return done.returncode == 2 and b"overt-worker: scanner program is missing" in done.stderr


def build_is_deterministic_and_whole():
    path = write("good.ndb", GOOD)
    first = run("build", "--quiet", "-o", "a.ovi", path)
    second = run("build", "--quiet", "-o", "b.ovi", path)
    a, b = pathlib.Path("a.ovi").read_bytes(), pathlib.Path("b.ovi").read_bytes()
    left_over = [name for name in os.listdir(".") if name.startswith("a.ovi.")]
    return first == second == (0, "", "") and a == b and len(a) > 100 and not left_over


def build_into_no_folder_is_an_error():
    code, out, err = run("build", "-o", "no/such/a.ovi", write("good.ndb", GOOD))
    return code == 2 and err.startswith("overt: no/such/a.ovi: No such file")


# ---- beside clamscan ------------------------------------------------------------------------

def clamscan(extension, lines):
    """How many of the lines clamscan loads, or None when it refuses the file."""
    path = write("oracle." + extension, "\n".join(lines) + "\n")
    nothing = write("nothing", "nothing")
    done = subprocess.run(["clamscan", "-d", path, nothing], capture_output=True, check=False)
    if done.returncode == 2:
        return None
    return int(re.search(rb"Known viruses: (\d+)", done.stdout)[1])


def ask_clamscan(extension, lines, indices, answers):
    """Fills answers[i] with load, skip or refuse, halving until each line is known."""
    if not indices:
        return
    count = clamscan(extension, [lines[i] for i in indices])
    if count == len(indices):
        answers.update(dict.fromkeys(indices, "load"))
    elif len(indices) == 1:
        answers[indices[0]] = "refuse" if count is None else "skip"
    else:
        half = len(indices) // 2
        ask_clamscan(extension, lines, indices[:half], answers)
        ask_clamscan(extension, lines, indices[half:], answers)


def compare_lines(extension, maker):
    lines = [maker.line(rule_lines.KINDS[extension]) for _ in range(PER_KIND)]
    ours = dict.fromkeys(range(len(lines)), "load")
    reasons = {}
    out = run("check", "--json", write("ours." + extension, "\n".join(lines) + "\n"))[1]
    for problem in map(json.loads, out.splitlines()):
        if "line" in problem:
            ours[problem["line"] - 1] = "skip" if problem["skipped"] else "refuse"
            reasons[problem["line"] - 1] = problem["reason"]
    theirs = {}
    for kind in ("load", "skip", "refuse"):
        group = [i for i in ours if ours[i] == kind]
        if kind == "load":
            ask_clamscan(extension, lines, group, theirs)
        for i in group if kind != "load" else []:
            ask_clamscan(extension, lines, [i], theirs)
    faults = [f"{lines[i]}: we {ours[i]} ({reasons.get(i)}), clamscan {theirs[i]}s"
              for i in ours if is_fault(ours[i], theirs[i], reasons.get(i, ""))]
    return faults


def is_fault(ours, theirs, reason):
    """Refusing what clamscan loads, or loading what it leaves out. It refuses some of what we load:
    a single byte before the first alternates, and bytes before a class, do not fit its prefilter.
    Two kinds of lines that it loads can never match or depend on its order of work: we skip them."""
    if ours == "skip" and theirs == "load":
        return not re.search("byte compare|empty alternative", reason)
    return (ours, theirs) in (("refuse", "load"), ("refuse", "skip"), ("load", "skip"))


def same_lines_as_clamscan(extension):
    if shutil.which("clamscan") is None:
        raise Skip("clamscan is not installed")
    version = subprocess.run(["clamscan", "--version"], capture_output=True, text=True, check=True)
    if ORACLE_VERSION not in version.stdout:
        raise Skip(f"compared with clamscan {ORACLE_VERSION} alone")
    faults = compare_lines(extension, rule_lines.Maker(7))
    return True if not faults else "\n# ".join(faults[:5])


# What clamscan 1.4.6 says it loads of each file of the sample data.
SAMPLES = {
    "official/daily-2025.ndb": 258, "official/daily-2026-subset.ldb": 4749,
    "official/daily-2026-subset.ndb": 46, "official/daily.fp": 483, "official/daily.hsb": 131727,
    "official/main-rebuilt.ndb": 42012, "official/main.fp": 513, "official/main.hdb": 74018,
    "official/main.ldb": 29191, "unofficial/ditekshen.ldb": 162,
    "unofficial/indicator_rmm.ldb": 18, "unofficial/interservertopline.db": 1141,
    "unofficial/lw.ldb": 3, "unofficial/phpmussel.mdb": 19850, "unofficial/rfxn.ndb": 2053,
    "unofficial/shelter.ldb": 15, "unofficial/twinclams.ldb": 2741, "unofficial/urlhaus.ndb": 12396,
}


def sample_data_counts():
    folder = SHARED / "data/dev/clamav"
    if not folder.is_dir():
        raise Skip(f"no sample data in {SHARED} (OVERT_SHARED says where)")
    for name, count in SAMPLES.items():
        code, out, err = run("check", "--json", str(folder / name))
        summary = json.loads(out.splitlines()[-1])["summary"]
        if code != 0 or summary["rules"] != count or summary["problems"] != 0:
            return f"{name}: {summary}, clamscan {count}"
    return True


def kind_case(extension):
    def case():
        return same_lines_as_clamscan(extension)
    case.__name__ = f"{extension}_lines_are_read_as_clamscan_reads_them"
    return case


def main():
    cases = [check_names_file_line_and_reason, check_without_problems_gives_0,
             strict_makes_a_skip_a_problem, check_json_is_one_object_a_line,
             unreadable_path_is_an_error, unknown_ending_is_an_error, folder_is_read_whole,
             list_has_name_kind_target_and_place, show_explains,
             show_of_an_unknown_name_is_an_error, names_cannot_drive_a_terminal,
             json_cannot_drive_a_terminal, of_two_containers_in_a_folder_the_newer_is_read,
             what_cannot_be_opened_in_a_folder_is_told, many_files_are_read,
             a_long_line_is_shown_whole, without_the_worker_it_is_an_error,
             build_is_deterministic_and_whole, build_into_no_folder_is_an_error,
             *map(kind_case, rule_lines.KINDS), sample_data_counts]
    print(f"1..{len(cases)}")
    failures = 0
    for number, case in enumerate(cases, 1):
        skip = ""
        try:
            result = case()
        except Skip as reason:
            result, skip = True, f" # SKIP {reason}"
        is_good = result is True
        failures += not is_good
        name = case.__name__.replace("_", " ")
        print(f"{'' if is_good else 'not '}ok {number} - {name}{skip}")
        if isinstance(result, str):
            print(f"# {result}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
