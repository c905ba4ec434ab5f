#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Members, streams and parts as 7z, unzip, bsdtar, gsf, qpdf and GMime have them: over containers
of all kinds the others tell the same as our walkers, or the difference is explained. TAP."""
# timeout: 600
import collections
import hashlib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "walk"), str(HERE / "oracles")]
import explained  # noqa: E402
import samples  # noqa: E402
from compare import MAILS, compare, leaves, look_into  # noqa: E402
from members import BUILD, SOURCE, Skip, Tap  # noqa: E402
from programs import ORACLES  # noqa: E402

DEPTH = 4
# Some packages of this machine, if it keeps any.
DEBS, DEB_BYTES, DEB_COUNT = pathlib.Path("/var/cache/apt/archives"), 40_000, 8
TESTFILES = pathlib.Path("/usr/share/clamav-testfiles")
# What is found among other bytes, so that the first bytes do not tell.
TYPES = {".iso": "CL_TYPE_ISO9660", ".udf": "CL_TYPE_UDF", ".nsis": "CL_TYPE_NULSFT",
         ".eml": "CL_TYPE_MAIL", ".fat": "fat", ".hfs": "CL_TYPE_PART_HFSPLUS", "walk_fat": "fat",
         "walk_ntfs": "ntfs", ".mbr": "CL_TYPE_MBR", ".gpt": "CL_TYPE_GPT",
         ".apm": "CL_TYPE_APM", "walk_iso9660": "CL_TYPE_ISO9660", "walk_udf": "CL_TYPE_UDF",
         "walk_nsis": "CL_TYPE_NULSFT", "walk_dmg": "CL_TYPE_DMG"}
TOLD = {filetype for _, types, _ in ORACLES.values() for filetype in types}
tap = Tap()


def corpus():
    """(label, path) of every sample."""
    for group, paths in (
            # What a fuzzer made is broken, and read by everyone in another way.
            ("seeds", (path for path in (SOURCE / "fuzz/seeds").glob("walk_*/*")
                       if not path.name.startswith("fuzzed-"))),
            ("corpus", (SOURCE / "tests/corpus").glob("*/*")),
            ("made", samples.make("made")),
            ("testfiles", TESTFILES.glob("*"))):
        yield from ((f"{group}/{path.parent.name}/{path.name}", path) for path in sorted(paths))
    debs = sorted((path.stat().st_size, path) for path in DEBS.glob("*.deb"))
    debs = [path for size, path in debs if size > DEB_BYTES]
    yield from ((f"deb/{path.name}", path) for path in debs[:DEB_COUNT])


def types_of(paths):
    """What the scanner takes the files for."""
    done = subprocess.run([BUILD / "tests/type-dump"], input="\n".join(map(str, paths)) + "\n",
                          capture_output=True, text=True, timeout=60, check=True)
    return dict(zip(paths, done.stdout.splitlines()))


class Comparison:
    """Asks everyone about everything; what they said is judged by the cases below."""

    def __init__(self):
        self.there = [name for name, (_, _, is_there) in ORACLES.items() if is_there()]
        self.seen = set()
        self.asked = collections.Counter()   # (program, type): objects
        self.parts = collections.Counter()   # (program, type): parts on either side
        self.labels = collections.defaultdict(set)  # program: samples
        self.differences = []                # (program, type, sample, what, part)

    def run(self):
        rows = list(corpus())
        types = types_of([path for _, path in rows])
        for label, path in rows:
            filetype = TYPES.get(path.suffix) or TYPES.get(path.parent.name)
            if filetype is None and types[path] in TOLD:
                filetype = types[path]
            self.look(label, str(path), filetype, DEPTH)

    def look(self, label, path, filetype, depth):
        """At one object and, unless it is a mail, at those in it."""
        digest = hashlib.sha256(pathlib.Path(path).read_bytes() + str(filetype).encode()).digest()
        if digest in self.seen:
            return
        self.seen.add(digest)
        folder = f"parts/{len(self.seen)}"
        answer = look_into(path, folder, filetype)
        if answer is None:
            return
        filetype, parts = answer
        self.ask(label, path, filetype, list(leaves(parts, folder)) if filetype in MAILS else parts)
        for part in parts if depth > 0 and filetype not in MAILS else []:
            known = part.filetype if part.filetype != "-" else None
            self.look(f"{label}!{part.name}", part.path, known, depth - 1)

    def ask(self, label, path, filetype, parts):
        for name in self.there:
            function, types, _ = ORACLES[name]
            if filetype in types:
                theirs = function(path, filetype)
                self.asked[name, filetype] += 1
                self.parts[name, filetype] += len(parts) + len(theirs)
                self.labels[name].add(label)
                self.differences.extend((name, filetype, label, what, part)
                                        for what, part in compare(parts, theirs))


comparison = Comparison()


@tap.case("samples are made, and every program looks at them")
def _():
    comparison.run()
    print(f"# {len(comparison.seen)} objects, {sum(comparison.asked.values())} comparisons, "
          f"{len(comparison.differences)} differences")
    missing = [name for name in ORACLES if name not in comparison.there]
    return len(comparison.there) > 0 or f"not there: {missing}"


def add_case(program, filetype):
    @tap.case(f"{program} and {filetype}")
    def _():
        if program not in comparison.there:
            raise Skip(f"{program} is not installed")
        if not comparison.asked[program, filetype]:
            return "nothing was compared"
        print(f"# {comparison.asked[program, filetype]} objects, "
              f"{comparison.parts[program, filetype]} parts on both sides")
        rows = [row for row in comparison.differences if row[:2] == (program, filetype)]
        odd = [" ".join(row[2:]) for row in rows if not explained.find(row)]
        return not odd or f"{len(odd)} of {len(rows)} not explained:\n#   " + "\n#   ".join(odd)


for oracle, (_, all_types, _) in ORACLES.items():
    for one_type in all_types:
        add_case(oracle, one_type)


@tap.case("every difference that is explained still occurs")
def _():
    stale = list(explained.find_stale(comparison.differences, comparison.labels))
    return not stale or "\n#   ".join(["stale:", *stale])


tap.run()
