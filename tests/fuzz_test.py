#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""What each fuzz target must have: seeds, a dictionary, a line in fuzz/floors.tsv, and seeds that
reach as many lines of its own sources as that line asks. Its runs in a second are looked at where
it is replayed (fuzz/replay.c). TAP.

  fuzz_test.py           the test
  fuzz_test.py --table   prints fuzz/floors.tsv anew, from what this build and machine do
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("OVERT_SOURCE") or
                      pathlib.Path(__file__).resolve().parent.parent)
BUILD = pathlib.Path(os.environ.get("OVERT_BUILD") or SOURCE / "build-check").resolve()
SEEDS_MIN = 3
MEMORY_KB = 1 << 20
RUNS_PART = 3  # the table asks for a third of the runs that were seen,
RUNS_ENOUGH = 10000  # never for more than that: two thousand would be over too soon to be measured
PERCENT_SLACK = 5  # and so much less than the percent of lines that were seen
# libFuzzer reads a whole line of a dictionary or refuses the file.
WORD = re.compile(r'\s*(#.*|\w*=?"([^"\\]|\\\\|\\"|\\x[0-9a-fA-F]{2})+"\s*)?')

sys.path.insert(0, str(SOURCE / "tools"))
import targets  # noqa: E402


def names_of_targets():
    return sorted([file.stem for file in targets.fuzz_files()] +
                  ["walk_" + word for word in targets.walk_words()])


def guess_sources(name):
    """What a target is about, when no line says it: src/format/WORD.c and what begins like it."""
    word = name.removeprefix("walk_")
    return [f"format/{word}.c"] + \
        [f"format/**/{word}_*.c"] * any((SOURCE / "src/format").rglob(f"{word}_*.c"))


def files_of(patterns):
    return sorted({file for pattern in patterns for file in (SOURCE / "src").glob(pattern)
                   if not file.name.endswith("_test.c")})


def notes_of(file):
    """What gcc wrote of a source when it compiled it for counting, or None."""
    flat = str(file.relative_to(SOURCE)).replace("/", "_")
    return next((BUILD / "fuzz").glob(f"libcover-*.a.p/*_{flat.removesuffix('.c')}.c.gcno"), None)


def replay(program, name, env=None):
    """What the program says; a program without sanitizers gets the memory of a worker."""
    words = [BUILD / "fuzz" / f"{program}-{name}"]
    if program == "cover":
        words = ["sh", "-c", f'ulimit -v {MEMORY_KB} && exec "$@"', "sh", *words, "--seeds"]
    done = subprocess.run(words + [SOURCE / "fuzz/seeds" / name, SOURCE / "tests/crashes" / name],
                          env={**os.environ, **(env or {})}, capture_output=True, text=True,
                          check=False, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{program}-{name}: {done.stdout}{done.stderr}")
    return done.stdout


def percent_of_lines(name, patterns):
    """How many of the lines of its sources the seeds of a target reach, and of each source."""
    files = files_of(patterns)
    with tempfile.TemporaryDirectory(prefix="overt-cover-") as folder:
        replay("cover", name, {"GCOV_PREFIX": folder})
        notes = []
        for file in files:
            found = notes_of(file)
            if found is None:  # compiled for instructions that not every machine has
                continue
            beside = pathlib.Path(folder + str(found))
            beside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, beside)
            notes.append(beside)
        if not notes:
            raise RuntimeError(f"{' '.join(patterns)}: nothing of that was built for counting")
        done = subprocess.run(["gcov", "--json-format", "--stdout", *notes], cwd=folder,
                              capture_output=True, text=True, check=False)
        if done.returncode:  # a program that is older than its notes, mostly
            raise RuntimeError(f"gcov: {done.stderr.strip()[-200:]}")
    counts = {}
    for report in map(json.loads, done.stdout.splitlines()):
        for entry in report["files"]:
            path = (pathlib.Path(report["current_working_directory"]) / entry["file"]).name
            for line in entry["lines"]:
                key = (path, line["line_number"])
                counts[key] = max(counts.get(key, 0), line["count"])
    own = {file.name for file in files}
    lines = {key: count > 0 for key, count in counts.items() if key[0] in own}
    parts = {}
    for path in sorted({path for path, _ in lines}):
        reached = [is_hit for (of, _), is_hit in lines.items() if of == path]
        parts[path] = 100 * sum(reached) // len(reached)
    return 100 * sum(lines.values()) // max(len(lines), 1), parts


def check_dictionary(file):
    if not file.is_file():
        return [f"fuzz/{file.name} is missing"]
    lines = file.read_text().splitlines()
    wrong = [f"fuzz/{file.name}:{number}: cannot be read: {line}"
             for number, line in enumerate(lines, 1) if not WORD.fullmatch(line)]
    is_empty = not any(line.strip() and not line.startswith("#") for line in lines)
    return wrong + [f"fuzz/{file.name} has no words"] * is_empty


def check_parts(name, floors):
    """What is missing beside a target, as sentences."""
    seeds = [f for f in (SOURCE / "fuzz/seeds" / name).glob("*") if f.is_file()]
    missing = check_dictionary(SOURCE / f"fuzz/{name}.dict")
    if len(seeds) < SEEDS_MIN:
        missing.append(f"{len(seeds)} seeds in fuzz/seeds/{name}, at least {SEEDS_MIN} are asked")
    if name not in floors:
        missing.append(f"no line in fuzz/floors.tsv; it could be: {line_of(name, floors)}")
        return missing
    runs, percent, patterns = floors[name]
    if runs == 0 or percent == 0 or not patterns:
        missing.append(f"its line in fuzz/floors.tsv asks nothing; it could be: "
                       f"{line_of(name, floors)}")
    return missing + [f"fuzz/floors.tsv: src/{pattern} is not there" for pattern in patterns
                      if not files_of([pattern])]


def line_of(name, floors):
    """The line of the table as it would be made from what is seen now."""
    patterns = floors[name][2] if name in floors else guess_sources(name)
    try:
        percent, _ = percent_of_lines(name, patterns)
        runs = int(re.search(r"(\d+) in a second", replay("replay", name))[1])
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return f"(cannot be measured: {error})"
    floor = min(max(runs // RUNS_PART, 1), RUNS_ENOUGH)
    places = max(len(str(floor)) - 2, 0)  # two digits: the rest is chance
    return "\t".join([name, str(floor // 10**places * 10**places),
                      str(max(percent - PERCENT_SLACK, 1)), " ".join(patterns)])


def check_lines(name, floors):
    if name not in floors:
        return []  # told above
    _, least, patterns = floors[name]
    try:
        percent, parts = percent_of_lines(name, patterns)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return [f"cannot be counted: {error}"]
    if percent >= least:
        return []
    told = ", ".join(f"{file} {part}" for file, part in parts.items())
    return [f"its seeds reach {percent} percent of the lines, {least} are asked ({told})"]


def print_table(names, floors):
    for line in (SOURCE / "fuzz/floors.tsv").read_text().splitlines():
        if line.startswith("#"):
            print(line)
    for name in names:
        print(line_of(name, floors), flush=True)


def main():
    names, floors = names_of_targets(), targets.floors()
    if sys.argv[1:] == ["--table"]:
        print_table(names, floors)
        return 0
    skip = "" if (BUILD / "fuzz/cover-cursor").exists() else \
        " # SKIP lines are counted in builds with gcc alone"
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = [(f"{name}: seeds, dictionary and floors", check_parts(name, floors), "")
                   for name in names]
        strangers = [f"{name} is no target" for name in floors if name not in names]
        results.append(("every line of fuzz/floors.tsv is of a target", strangers, ""))
        lines = pool.map(lambda n: [] if skip else check_lines(n, floors), names)
        results += [(f"{name}: seeds reach its sources", found, skip)
                    for name, found in zip(names, lines)]
    print(f"1..{len(results)}")
    for number, (text, found, note) in enumerate(results, 1):
        print(f"{'not ' if found else ''}ok {number} - {text}{note}")
        for line in found:
            print("# " + line)
    return 1 if any(found for _, found, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
