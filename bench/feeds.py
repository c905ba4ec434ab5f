# SPDX-License-Identifier: Apache-2.0
#
# The bench of rule feeds: what it costs to verify an update.
"""Used by run.py; docs/benchmarks.md says how each figure is measured."""
import os
import shutil

from harness import floor, heading, program_lines, say, timed

MOST_MS = 5  # of verifying an update, beyond hashing the bundle


def bundle_of(b, megabytes, files):
    path = b.path(f"bundle-{megabytes}.tar")
    timed([b.bin("update"), "make", path, megabytes * 10**6, files])
    return path


def reference_times(path):
    """What other programs need to hash the same file, as whole processes."""
    found = {}
    for name, words in (("sha256sum", ["sha256sum"]), ("openssl", ["openssl", "dgst", "-sha256"])):
        if shutil.which(words[0]):
            found[name] = min(timed([*words, path], is_pinned=False).wall for _ in range(3)) * 1000
    return ", ".join(f"{name} {ms:.1f} ms" for name, ms in found.items())


def update(b):
    heading("verifying an update: 1 log, 3 witnesses, 3 release keys, log of 14,600 entries (wall "
            "time)")
    sizes = ((1, 10, 41), (30, 100, 11)) if b.is_quick else ((1, 10, 101), (100, 300, 21),
                                                             (300, 1000, 15))
    for megabytes, files, rounds in sizes:
        path = bundle_of(b, megabytes, files)
        lines = program_lines(timed([b.bin("update"), "verify", path, rounds],
                                    is_pinned=False).out)
        ms = {who: {k: float(v) * 1000 for k, v in line.items()} for who, line in lines.items()}
        caged = ms["verifier"]
        say(f"{megabytes} MB in {files} files: {reference_times(path)}, our SHA-256 "
            f"{ms['hash']['wall']:.1f} ms; verifying beyond that: in one process "
            f"{ms['inside']['over']:.2f} ms, by the caged verifier {caged['over']:.2f} ms (median of "
            f"{rounds} rounds {caged['median']:.2f}; CPU time {caged['over_cpu']:.2f}), of which proof "
            f"and release {ms['proof']['wall']:.2f} ms")
        if caged["over"] <= 0:
            say("the machine is too busy: its noise is larger than what is measured")
        over = max(caged["over"], caged["over_cpu"], 0.01)
        b.note(f"wall time tells what verifying {megabytes} MB costs", caged["over"] > 0)
        floor(f"{MOST_MS} ms / verifying {megabytes} MB beyond hashing", MOST_MS / over, 1)
        if megabytes == sizes[1][0]:
            rules_root(b, path)
        os.remove(path)


def rules_root(b, path):
    """Every rule as a leaf: done by the caged builder, together with compiling."""
    line = program_lines(timed([b.bin("update"), "leaves", path, 3], is_pinned=False).out)["leaves"]
    rules, seconds = int(line["rules"]), float(line["wall"])
    say(f"the root over {rules:,} rules: {seconds * 1000:.0f} ms, {seconds / rules * 1e8:.1f} ms "
        f"for each 100,000 rules")
