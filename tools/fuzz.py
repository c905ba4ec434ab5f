#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fuzzes every target of a build, or some, for a while each, and prints what came out.

  fuzz.py [--seconds N] [--jobs N] [--corpus DIR] BUILD [NAME]...

A target starts from its seeds, from tests/crashes/NAME and from what earlier runs left in
DIR/NAME (DIR is BUILD/corpus when not named), and goes on for its time when something was found.
An input that hurts is kept in DIR/found/NAME: fix what it shows, make it small, and add it to
tests/crashes/NAME/. What libFuzzer said is in DIR/logs/NAME. The exit status is 1 when anything
was found, and 2 when nothing ran.
"""
import argparse
import concurrent.futures
import dataclasses
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GRACE_S = 120  # beyond its time, a target reads its inputs, and may hang in one of them
FINDS_MAX = 20  # one target is asked no further then
HEADER = ("target", "runs", "runs/s", "edges", "of", "inputs", "found")
ROW = "{:18} {:>10} {:>8} {:>7} {:>7} {:>7} {:>6}"


@dataclasses.dataclass
class Result:
    name: str
    runs: int = 0
    seconds: float = 0
    edges: int = 0
    edges_all: int = 0
    inputs: int = 0
    found: list = dataclasses.field(default_factory=list)

    def row(self):
        return ROW.format(self.name, self.runs, round(self.runs / max(self.seconds, 0.001)),
                          self.edges, self.edges_all, self.inputs, len(self.found))


def command(program, name, corpus, seconds):
    found = corpus / "found" / name
    words = [program, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4096",
             "-print_final_stats=1", f"-artifact_prefix={found}/"]
    if (ROOT / f"fuzz/{name}.dict").exists():
        words.append(f"-dict={ROOT}/fuzz/{name}.dict")
    places = [corpus / name, ROOT / "fuzz/seeds" / name, ROOT / "tests/crashes" / name]
    return words + [place for place in places if place.is_dir()]


def read_log(text, result):
    """Adds what one run of libFuzzer said of itself."""
    runs = re.findall(r"stat::number_of_executed_units:\s*(\d+)", text) or \
        re.findall(r"(?m)^#(\d+)\s", text)
    result.runs += int(runs[-1]) if runs else 0
    edges = [int(n) for n in re.findall(r"\bcov: (\d+)", text)]
    result.edges = max([result.edges, *edges])
    loaded = re.search(r"\((\d+) inline 8-bit counters\)", text)
    result.edges_all = int(loaded[1]) if loaded else result.edges_all


def run_once(program, result, corpus, seconds, log):
    """The exit status; -1 when the target had to be ended."""
    start = time.monotonic()
    before = log.stat().st_size
    with open(log, "ab") as output:
        try:
            code = subprocess.run(command(program, result.name, corpus, seconds), stdout=output,
                                  stderr=output, stdin=subprocess.DEVNULL, check=False,
                                  timeout=seconds + GRACE_S).returncode
        except subprocess.TimeoutExpired:
            code = -1
    result.seconds += time.monotonic() - start
    read_log(log.read_bytes()[before:].decode(errors="replace"), result)
    return code


def fuzz(program, corpus, seconds):
    name = program.name.removeprefix("fuzz-")
    result = Result(name)
    kept = corpus / "found" / name
    for folder in (corpus / name, kept, corpus / "logs"):
        folder.mkdir(parents=True, exist_ok=True)
    log = corpus / "logs" / name
    log.write_bytes(b"")
    before = {file.name for file in kept.iterdir()}
    end = time.monotonic() + seconds
    code = 1
    while code != 0 and (left := round(end - time.monotonic())) > 0:
        known = len(result.found)
        code = run_once(program, result, corpus, left, log)
        # A slow unit stops nothing, and is told all the same.
        result.found = sorted({file.name for file in kept.iterdir()} - before)
        if code != 0 and len(result.found) == known:
            result.found.append(f"exit status {code} without an input")
        if code != 0 and (len(result.found) == known or len(result.found) >= FINDS_MAX):
            break
        if any("exit status" in what for what in result.found):
            break
    result.inputs = sum(1 for _ in (corpus / name).iterdir())
    return result


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--corpus", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args()
    corpus = (asked.corpus or asked.build / "corpus").absolute()
    programs = [file for file in sorted((asked.build / "fuzz").glob("fuzz-*")) if file.is_file()
                and (not asked.names or file.name.removeprefix("fuzz-") in asked.names)]
    if not programs or len(programs) < len(asked.names):
        print(f"fuzz: no such target in {asked.build}: {' '.join(asked.names)}", file=sys.stderr)
        return 2
    print(ROW.format(*HEADER), flush=True)
    results = []
    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        for result in pool.map(lambda p: fuzz(p.absolute(), corpus, asked.seconds), programs):
            results.append(result)
            print(result.row(), flush=True)
            for what in result.found:
                print(f"  {corpus}/found/{result.name}/{what}", flush=True)
    found = sum(len(result.found) for result in results)
    print(f"fuzz: {len(results)} targets, {sum(r.runs for r in results)} runs in "
          f"{sum(r.seconds for r in results):.0f} s, {found or 'nothing'} found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
