# SPDX-License-Identifier: Apache-2.0
"""Where the independent checker of logs is: a Go program around golang.org/x/mod/sumdb, written by
others than this code, and no part of it.

OVERT_OVCHECK names the program; else its source is looked for in OVERT_SHARED/tools/ovcheck and
built with Debian's Go and golang-golang-x-mod-dev, in the current folder.
"""
import os
import pathlib
import shutil
import subprocess


def find():
    """(path, "") or (None, why there is none)."""
    named = os.environ.get("OVERT_OVCHECK")
    if named:
        return (pathlib.Path(named), "") if os.access(named, os.X_OK) else \
            (None, f"OVERT_OVCHECK={named} is no program")
    shared = os.environ.get("OVERT_SHARED")
    if not shared or not (source := pathlib.Path(shared) / "tools/ovcheck/main.go").is_file():
        return None, "neither OVERT_OVCHECK nor OVERT_SHARED leads to ovcheck"
    if not shutil.which("go"):
        return None, "no go to build ovcheck with"
    folder = pathlib.Path("ovcheck-build").resolve()
    folder.mkdir(exist_ok=True)
    shutil.copy(source, folder)
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
           "GOCACHE": str(folder / "cache"), "GOFLAGS": ""}
    built = subprocess.run(["go", "build", "-o", "ovcheck", "."], cwd=folder, env=env, check=False,
                           capture_output=True, text=True, timeout=300)
    if built.returncode:
        return None, "ovcheck does not build: " + (built.stderr.splitlines() or ["?"])[-1]
    return folder / "ovcheck", ""
