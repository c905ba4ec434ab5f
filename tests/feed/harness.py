# SPDX-License-Identifier: Apache-2.0
"""What the tests of rule feeds share: the builder's words on them, by tests/feed/feed_words.c."""
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "walk"))
from members import BUILD  # noqa: E402

HERE = pathlib.Path.cwd()


def install():
    """The program and, beside it, the worker that it starts."""
    program = HERE / "bin/feed-words"
    if not program.exists():
        program.parent.mkdir(exist_ok=True)
        shutil.copy2(BUILD / "tests/feed-words", program)
        (HERE / "bin/overt-worker").symlink_to(BUILD / "overt-worker")
    return program


def ask(*words):
    """(exit code, lines of standard output)"""
    done = subprocess.run([install(), *map(str, words)], capture_output=True, timeout=120,
                          check=False)
    assert done.returncode in (0, 1), f"{words}: {done.returncode} {done.stderr[-500:]}"
    return done.returncode, done.stdout.decode(errors="replace").splitlines()
