# SPDX-License-Identifier: Apache-2.0
"""Many files at once, through overt and through clamscan: which alerts each tells."""
import subprocess

from beside import write
from members import SCAN, Skip, has

RULES = write("alerts.ndb", "Test.Word:0:*:" + b"HEURWORD".hex() + "\n")


def names_of(command):
    """{path: [names]} of what a scanner prints."""
    done = subprocess.run(command, capture_output=True, timeout=280, check=False)
    assert done.returncode in (0, 1), done.stderr.decode()[-500:]
    found = {}
    for line in done.stdout.decode().splitlines():
        if line.endswith(" FOUND"):
            path, name = line[:-len(" FOUND")].rsplit(": ", 1)
            found.setdefault(path, []).append(name)
    return found


def run_many(paths, *options, rules=RULES):
    """{path: [names]} of overt and of clamscan."""
    if not has("clamscan"):
        raise Skip("clamscan is not installed")
    write("list", "\n".join(paths) + "\n")
    return [names_of([*SCAN, "--no-summary", "--incomplete=ok", *options, "--rules", rules,
                      *paths]),
            names_of(["clamscan", "--no-summary", *options, "-d", rules, "-f", "list"])]


def compare_many(paths, *options, rules=RULES, least=1):
    """True when both tell the same of every file, and alerts of at least as many names."""
    ours, theirs = run_many(paths, *options, rules=rules)
    different = [p for p in paths if ours.get(p) != theirs.get(p)]
    if different:
        return f"{len(different)}: {different[:9]}: " \
            f"{[(ours.get(p), theirs.get(p)) for p in different[:3]]}"
    names = {name for found in theirs.values() for name in found}
    return len(names) >= least or f"{sorted(names)}: that tells little"
