# SPDX-License-Identifier: Apache-2.0
"""tools/verify-journal as a module. It needs Debian's python3-nacl: tests that import this go on under Debian's
own Python when another one runs them, and are skipped where there is none."""
import functools
import importlib.machinery
import importlib.util
import os
import pathlib
import subprocess
import sys

PROGRAM = pathlib.Path(__file__).resolve().parent.parent.parent / "tools/verify-journal"
PYTHON = "/usr/bin/python3"


def has_nacl(python):
    return os.path.exists(python) and subprocess.run([python, "-c", "import nacl.bindings"], check=False,
                                                     capture_output=True).returncode == 0


if not has_nacl(sys.executable):
    if sys.executable != PYTHON and has_nacl(PYTHON):
        os.execv(PYTHON, [PYTHON, *sys.argv])
    print("python3-nacl is not there, which tools/verify-journal needs")
    sys.exit(77)


def load():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("verify_journal", str(PROGRAM))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    module.is_signed = functools.lru_cache(None)(module.is_signed)  # most flips are elsewhere
    return module


def run(*words):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([sys.executable, "-B", PROGRAM, *map(str, words)], capture_output=True, text=True,
                          check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr
